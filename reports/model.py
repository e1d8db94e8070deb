"""The plain values that reports receive; the application fills them.

Reports know nothing of the ledger, the snapshot or the network: what is not in these records cannot be printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from policies.model import Basis, Power


@dataclass(frozen=True, slots=True)
class FactView:
    """One fact behind a finding. ``title`` and ``shown`` are Chinese; ``value`` is the raw one."""

    column: str
    title: str
    value: object
    shown: str
    source: str
    observed_at: datetime | None
    strength: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding as people and programs see it; :meth:`as_json` is the interface's fixed form."""

    id: str
    rule: str
    title: str
    subject: str
    asset_key: str
    asset_name: str
    department_id: str
    department_name: str
    verdict: str
    state: str
    reason: str
    severity: str
    bite: str
    basis: tuple[Basis, ...]
    facts: tuple[FactView, ...]
    opened_at: datetime | None
    last_confirmed_at: datetime | None
    resolved_at: datetime | None
    snapshot: str
    remedy: str = ""
    case: str | None = None
    change: str = ""
    orderable: bool = False
    not_orderable_because: tuple[str, ...] = ()
    #: What the regulation lets follow from this clause, in its own words; empty where it gives nothing.
    consequence: str = ""
    #: A time limit that the clause itself sets, in its own words.
    deadline: str = ""
    #: Whether a reminder or a referral may carry it, where its clause gives one of these instead of an order.
    sendable: bool = False
    not_sendable_because: tuple[str, ...] = ()
    #: To whom the clause refers it: 公安机关网安部门, 密码管理部门.
    refer_to: str = ""

    def as_json(self) -> dict[str, object]:
        def when(at: datetime | None) -> str | None:
            return at.isoformat() if at else None

        return {
            "id": self.id,
            "rule": self.rule,
            "title": self.title,
            "subject": self.subject,
            "asset_key": self.asset_key,
            "asset_name": self.asset_name,
            "department_id": self.department_id,
            "department_name": self.department_name,
            "verdict": self.verdict,
            "state": self.state,
            "reason": self.reason,
            "severity": self.severity,
            "bite": self.bite,
            "basis": [
                {
                    "regulation": b.regulation,
                    "number": b.number,
                    "article": b.article,
                    "quote": b.quote,
                    "verified": b.verified,
                }
                for b in self.basis
            ],
            "facts": [
                {
                    "column": f.column,
                    "title": f.title,
                    "value": f.value,
                    "source": f.source,
                    "observed_at": when(f.observed_at),
                    "strength": f.strength,
                    "evidence": f.evidence,
                }
                for f in self.facts
            ],
            "opened_at": when(self.opened_at),
            "last_confirmed_at": when(self.last_confirmed_at),
            "resolved_at": when(self.resolved_at),
            "snapshot": self.snapshot,
            "case": self.case,
            "orderable": self.orderable,
            "not_orderable_because": list(self.not_orderable_because),
        }


@dataclass(frozen=True, slots=True)
class DepartmentView:
    id: str
    name: str
    region: str = ""
    sector: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True)
class CountView:
    """A rule's denominator in one department."""

    rule: str
    title: str
    pack: str
    severity: str
    department_id: str
    verdict: str
    number: int


@dataclass(frozen=True, slots=True)
class UnknownView:
    """An outcome that could not be told, with the columns nobody has shown."""

    rule: str
    title: str
    asset_name: str
    asset_key: str
    department_id: str
    department_name: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProbeView:
    """How one probe fared in one zone. ``ratio`` is addresses covered over addresses authorised."""

    zone: str
    zone_name: str
    probe: str
    success: bool
    seconds: float
    ratio: float | None
    last_success: datetime | None
    problems: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemView:
    """A system in the migration account (上云率). ``excluded`` names the reason it is not in the denominator."""

    key: str
    name: str
    department_id: str
    department_name: str
    status: str
    hosting: tuple[str, ...]
    on_cloud: bool | None
    migrated_on: date | None
    planned_on: date | None
    addresses: tuple[str, ...] = ()
    mlps_level: int | None = None
    excluded: str = ""


@dataclass(frozen=True, slots=True)
class AssetView:
    """A row of a ledger sheet: raw column values beside their provenance in a word.

    ``sources`` are the places that spoke of it, as facts name them: ``registers/rooms.xlsx!7``, ``nmap``.
    """

    kind: str
    key: str
    name: str
    department_id: str
    department_name: str
    zone: str
    values: Mapping[str, object] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseView:
    """A rectification case as a row of a ledger.

    ``state`` and ``form`` are codes; ``items`` counts what the case lists, and the next three what the last
    re-inspection said of them. ``overdue``: the day to answer has passed and the case is not closed, which is for
    the application to tell. ``earlier`` are the numbers of the papers that went before this one. ``department_name``
    is the name of today; ``snapshot`` names the data that the case rests on.
    """

    id: str
    state: str
    form: str
    department_id: str
    department_name: str
    addressee: str = ""
    regulation: str = ""
    number: str = ""
    issued_on: date | None = None
    served_on: date | None = None
    due: date | None = None
    due_provisional: bool = False
    replied_on: date | None = None
    inspected_on: date | None = None
    closed_on: date | None = None
    items: int = 0
    mended: int = 0
    not_mended: int = 0
    cannot_tell: int = 0
    overdue: bool = False
    round: int = 1
    consequence: str = ""
    earlier: tuple[str, ...] = ()
    note: str = ""
    snapshot: str = ""


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule that judged this audit, whether or not it found anything. ``rule`` is ``<pack>/<rule>``."""

    rule: str
    pack: str
    title: str
    subject: str
    severity: str
    bite: str
    basis: tuple[Basis, ...]
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class RegulationView:
    """A regulation that judged, by its pack's id, with its own number."""

    id: str
    title: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class WaiverView:
    """A waiver as far as it is counted: whose, and from which day to which (both included)."""

    id: str
    department_id: str
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class EventView:
    """One step in a finding's life. ``state`` is the one it led to, ``by`` the run or the office that did it."""

    at: datetime
    state: str
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """What an audit wrote, so that the summary can say where it lies."""

    notices: tuple[Path, ...] = ()
    drafter_notes: tuple[Path, ...] = ()
    ledger: Path | None = None
    metrics: Path | None = None
    quarantine: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What an audit changed, as counts of findings."""

    new: int = 0
    still_open: int = 0
    reopened: int = 0
    resolved: int = 0
    stale: int = 0
    waived: int = 0


@dataclass(frozen=True, slots=True)
class AuditView:
    """Everything that the summary, the metrics and the ledger of one audit are drawn from."""

    site: str
    region: str
    bureau: str
    snapshot: str
    run: str
    as_of: date
    started_at: datetime
    ended_at: datetime
    complete: bool
    departments: tuple[DepartmentView, ...]
    findings: tuple[FindingView, ...]
    counts: tuple[CountView, ...]
    unknowns: Sequence[UnknownView]
    probes: tuple[ProbeView, ...]
    systems: tuple[SystemView, ...]
    assets: Sequence[AssetView]
    changes: Changes
    packs: tuple[tuple[str, str], ...] = ()
    stages: Mapping[str, float] = field(default_factory=dict)
    conflicts: tuple[str, ...] = ()
    version: str = ""
    #: The site's time zone (IANA): moments are kept in UTC and shown in it.
    timezone: str = "Asia/Shanghai"
    #: For whom an export is made; empty: for the bureau itself.
    for_whom: str = ""
    #: Every rule that judged, so that a clause without a finding still shows its denominator.
    rules: tuple[RuleView, ...] = ()
    #: The end of the newest audit without an uncovered scope, where this one has some.
    last_complete_at: datetime | None = None
    #: Rectification cases, of whatever state.
    cases: tuple[CaseView, ...] = ()
    #: What the packs in force set, by name (``mlps_level3_months``); what is not there stands at its default.
    settings: Mapping[str, int] = field(default_factory=dict)
    #: Waivers that count, in force or not, each once.
    waivers: tuple[WaiverView, ...] = ()
    #: The regulations that judged.
    regulations: tuple[RegulationView, ...] = ()


@dataclass(frozen=True, slots=True)
class NoticeView:
    """What one draft paper is made of: one department, authority, addressee and form.

    ``number`` is empty until somebody issues it. ``consultation`` marks the shadow period: the paper is then
    a letter asking the department to check the facts (征求意见), with the order only as an annexed draft.
    """

    site: str
    bureau: str
    department: DepartmentView
    power: Power
    items: tuple[FindingView, ...]
    left_out: tuple[FindingView, ...]
    drawn_up_on: date
    snapshot: str
    consultation: bool = True
    number: str = ""
    contact: str = ""
    for_whom: str = ""
    #: The regulation that gives the power; empty: the one that the first item cites.
    regulation: str = ""
    regulation_number: str = ""
    #: Whom an order addresses where that is not the department itself (a contractor).
    addressee_name: str = ""
    #: SHA-256 of the snapshot's manifest.
    snapshot_digest: str = ""
    timezone: str = "Asia/Shanghai"

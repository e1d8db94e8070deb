"""The plain values that go into the ledger and come out of it. No SQLAlchemy here."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from auditor.ledger.life import Change, Life, Reason
from inventories.model import Identifier
from inventories.told import Moved
from reports.model import Changes


class Status(enum.StrEnum):
    """How an audit stands. ``partial``: recorded, with some scope uncovered. ``interrupted``: can be resumed."""

    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Seen:
    """A violation, or a waived one, of one audit.

    ``facts`` are JSON-able mappings with at least ``column`` and ``value``, and as a rule ``source``,
    ``observed_at`` (ISO text), ``strength`` and ``evidence``. ``waiver`` is the waiver's id where one is laid
    over the violation, which is what makes it waived. An audit that judges what was collected weeks ago confirms
    nothing later than ``seen_at``.
    """

    rule: str
    kind: str
    asset_key: str
    asset_name: str
    department_id: str
    department_name: str
    zone: str
    severity: str
    bite: str
    facts: tuple[Mapping[str, object], ...] = ()
    waiver: str = ""
    #: When it was really seen, where that was before the audit (None: by the audit itself).
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Present:
    """A finding in the ledger that this audit did not see as a violation: what was it then?"""

    id: str
    rule: str
    kind: str
    asset_key: str
    asset_name: str
    department_id: str
    zone: str
    life: Life


@dataclass(frozen=True, slots=True)
class Terms:
    """What the life of findings depends on, besides what was seen.

    ``on`` is the audit's day in the site's time zone, ``absences_needed`` the site's ``absence_audits``,
    ``waivers_in_force`` the ids of the waivers that hold on that day.
    """

    on: date
    absences_needed: int = 2
    waivers_in_force: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.absences_needed < 1:
            raise ValueError("absences_needed: at least one audit must miss an asset before it is gone")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording an audit changed: the counts for the summary, and the word for each finding touched."""

    changes: Changes
    words: Mapping[str, Change] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding as it stands.

    ``life`` holds state, staleness and reason; ``note`` is the person's or the machine's word beside the
    reason (a dismissal's ground, the id of the finding it was merged into). ``facts`` are those that the last
    violation rested on. ``snapshot_first`` and ``snapshot_last`` are where it was first and last seen.
    ``merged_into`` is the id of the finding that it became part of; it then stays resolved for good.
    """

    id: str
    rule: str
    kind: str
    asset_key: str
    asset_name: str
    department_id: str
    department_name: str
    zone: str
    severity: str
    bite: str
    life: Life
    note: str
    opened_at: datetime
    last_confirmed_at: datetime
    resolved_at: datetime | None
    snapshot_first: str
    snapshot_last: str
    merged_into: str = ""
    facts: tuple[Mapping[str, object], ...] = ()

    @property
    def state(self) -> str:
        """The published word: open, stale, reopened, resolved, waived or dismissed."""
        return self.life.shown

    @property
    def reason(self) -> Reason:
        return self.life.reason

    @property
    def verdict(self) -> str:
        """``waived`` while a waiver is laid over it, else ``violation``."""
        return "waived" if self.life.waiver else "violation"


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of a finding's history. ``before`` is empty for the first; ``actor`` is empty for an audit."""

    finding: str
    at: datetime
    audit: str
    before: str
    after: str
    reason: Reason
    note: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of an audit when it begins. ``id`` may be left to the ledger."""

    version: str = ""
    command: str = ""
    zones: tuple[str, ...] = ()
    plan_digest: str = ""
    packs: Mapping[str, str] = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One audit. ``recorded_at`` is set when, and only when, its findings are in the ledger.

    ``zones`` is empty where no zone was left out; ``packs`` maps a pack's id to its digest.
    """

    id: str
    started_at: datetime
    ended_at: datetime | None
    recorded_at: datetime | None
    status: Status
    stage: str
    snapshot: str
    outcome_digest: str
    plan_digest: str
    exit_status: int | None
    message: str
    version: str
    command: str
    zones: tuple[str, ...]
    packs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProbeRun:
    """How one probe fared in one zone in one audit. ``covered`` and ``authorised`` count addresses, or things."""

    zone: str
    probe: str
    success: bool
    seconds: float
    covered: int
    authorised: int
    ended_at: datetime


class Act(enum.StrEnum):
    """What a person's word on identity says; see :mod:`inventories.told`."""

    PIN = "pin"
    MERGE = "merge"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class WordRow:
    """A person's word on identity, as it was told; it stays for ever.

    ``key`` and ``other`` are the assets that it is about, ``identifiers`` those that the person named. ``pins`` and
    ``keys`` tell what it changed, each with its before and after; ``findings`` are the ids of those that moved.
    ``undoes`` is the id of the word that it takes back (0: none), ``undone_by`` that of the one that took it back.
    """

    id: int
    at: datetime
    by: str
    act: Act
    kind: str
    key: str
    other: str
    reason: str
    identifiers: tuple[Identifier, ...]
    pins: tuple[Moved, ...] = ()
    keys: tuple[Moved, ...] = ()
    first_seen: str = ""
    findings: tuple[str, ...] = ()
    undoes: int = 0
    undone_by: int = 0

    @property
    def holds(self) -> bool:
        """Whether it is in force: neither undone nor itself the undoing of another."""
        return not self.undoes and not self.undone_by


@dataclass(frozen=True, slots=True)
class LookRow:
    """What a zone's probing brought home, as the ledger remembers it once it was judged."""

    id: str
    zone: str
    probes: tuple[str, ...]
    seen_from: datetime
    seen_until: datetime
    #: The key that vouches for it; empty for what this machine saw itself.
    signed_by: str = ""

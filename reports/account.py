"""A department's account: its systems on and off the cloud, its findings, what cannot be told. Pure.

The summary on the terminal and the one in the workbook are drawn from the same figures.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain

from reports.late import owned
from reports.model import AuditView
from reports.words import LIVE

UNASSIGNED = "未归属部门"
_LEADS = frozenset({"lead", "bureau"})


@dataclass(frozen=True, slots=True)
class Account:
    """The figures of one department. ``severities`` counts live findings; ``unknown`` counts verdicts.

    Leads and the bureau's own duties are nobody's fault yet: they are counted in ``leads`` and nowhere else.

    ``in_scope`` is the denominator of the migration rate and ``on_cloud`` its numerator; ``not_told`` are
    systems in scope of which nobody has shown where they run.
    """

    department_id: str
    name: str
    on_cloud: int = 0
    off_cloud: int = 0
    not_told: int = 0
    excluded: int = 0
    severities: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    leads: int = 0

    @property
    def in_scope(self) -> int:
        return self.on_cloud + self.off_cloud + self.not_told

    @property
    def registered(self) -> int:
        return self.in_scope + self.excluded

    @property
    def rate(self) -> float | None:
        """上云率; None where no system is in scope."""
        return self.on_cloud / self.in_scope if self.in_scope else None

    @property
    def rate_words(self) -> str:
        """The rate in words: ``—`` where nothing is in scope, a range where some system cannot be told.

        A department is not reproached for what nobody has shown: between the bounds lies every possible rate.
        """
        if not self.in_scope:
            return "—"
        low, high = self.on_cloud / self.in_scope, (self.on_cloud + self.not_told) / self.in_scope
        return f"{low:.1%}" if low == high else f"{low:.1%}～{high:.1%}"

    @property
    def live(self) -> int:
        return sum(self.states[state] for state in LIVE)

    @property
    def new(self) -> int:
        return self.changes["new"]

    @property
    def stale(self) -> int:
        return self.states["stale"]

    @property
    def resolved(self) -> int:
        """Findings that this audit resolved."""
        return self.changes["resolved"]

    @property
    def waived(self) -> int:
        return self.states["waived"]

    def __add__(self, other: Account) -> Account:
        return Account(
            self.department_id,
            self.name,
            self.on_cloud + other.on_cloud,
            self.off_cloud + other.off_cloud,
            self.not_told + other.not_told,
            self.excluded + other.excluded,
            self.severities + other.severities,
            self.states + other.states,
            self.changes + other.changes,
            self.unknown + other.unknown,
            self.leads + other.leads,
        )


def owners(view: AuditView) -> list[tuple[str, str]]:
    """Departments (id, name) in the register's order, then every other owner that the view mentions."""
    out = {d.id: d.name for d in view.departments}
    named = chain(
        owned(view.findings),
        owned(view.unknowns),
        owned(view.systems),
        owned(view.assets),
        ((c.department_id, c.department_id) for c in view.counts),
    )
    for department, name in named:
        out.setdefault(department, name or UNASSIGNED)
    return list(out.items())


def accounts(view: AuditView) -> list[Account]:
    """One account for every owner, in the order of :func:`owners`."""
    systems: dict[str, Counter[str]] = {}
    for system in view.systems:
        told = {True: "on", False: "off", None: "not_told"}[system.on_cloud]
        systems.setdefault(system.department_id, Counter())["excluded" if system.excluded else told] += 1
    severities: dict[str, Counter[str]] = {}
    states: dict[str, Counter[str]] = {}
    changes: dict[str, Counter[str]] = {}
    leads: Counter[str] = Counter()
    for finding in view.findings:
        owner = finding.department_id
        if finding.bite in _LEADS:
            leads[owner] += finding.state in LIVE
            continue
        if finding.state in LIVE:
            severities.setdefault(owner, Counter())[finding.severity] += 1
        states.setdefault(owner, Counter())[finding.state] += 1
        changes.setdefault(owner, Counter())[finding.change] += 1
    unknown: Counter[str] = Counter()
    for count in view.counts:
        if count.verdict == "unknown":
            unknown[count.department_id] += count.number
    out = []
    for owner, name in owners(view):
        mine = systems.get(owner, Counter())
        out.append(
            Account(
                owner,
                name,
                mine["on"],
                mine["off"],
                mine["not_told"],
                mine["excluded"],
                severities.get(owner, Counter()),
                states.get(owner, Counter()),
                changes.get(owner, Counter()),
                unknown[owner],
                leads[owner],
            )
        )
    return out

"""Everything that the page, the terminal and the JSON tell, counted once from a view. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from policies.model import Basis
from reports.account import Account, accounts
from reports.html.burndown import BurnDown, burn_down
from reports.html.proceedings import CaseAccount, ScanAccount, cases, scans
from reports.html.standings import Entry, PaperAccount, Place, components, entries, papers, places, validity
from reports.late import of_kind
from reports.model import AuditView, FindingView
from reports.words import LIVE, local, severity_rank

#: Bites of findings that are nobody's fault yet; they are counted apart, as in :mod:`reports.account`.
APART = frozenset({"lead", "bureau"})
#: A waiver that ends sooner is told apart.
ENDING = 30
_SUBJECTS = ("violation", "compliant", "unknown", "waived")


@dataclass(frozen=True, slots=True)
class Point:
    """上云率 on a day of the past, as the ledger kept it."""

    day: date
    on_cloud: int
    in_scope: int
    not_told: int


@dataclass(frozen=True, slots=True)
class Department:
    """A department with what :class:`~reports.account.Account` does not hold."""

    account: Account
    level: str
    cases: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its denominators; ``live`` counts findings that still ask for something."""

    rule: str
    title: str
    severity: str
    bite: str
    basis: tuple[Basis, ...]
    verdicts: Counter[str]
    live: int

    @property
    def subjects(self) -> int:
        return sum(self.verdicts[verdict] for verdict in _SUBJECTS)


@dataclass(frozen=True, slots=True)
class Untold:
    """``missing``: words of what nobody has shown → outcomes that it keeps from being told."""

    number: int
    rules: tuple[tuple[str, str, int], ...]
    missing: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """``severities``: (severity, state) → findings, without leads. ``new`` and ``resolved``: by this audit.

    ``waivers`` in force on ``today``, ``ending`` within 30 days among them.
    """

    today: date
    total: Account
    departments: tuple[Department, ...]
    exclusions: Counter[str]
    plan: BurnDown
    severities: Counter[tuple[str, str]]
    leads: int
    new: int
    resolved: int
    waivers: int
    ending: int
    foremost: tuple[FindingView, ...]
    rules: tuple[Rule, ...]
    rooms: tuple[Place, ...]
    networks: tuple[Place, ...]
    components: Counter[tuple[str, str, str]]
    validity: Counter[str]
    entries: tuple[Entry, ...]
    papers: PaperAccount
    cases: CaseAccount
    scans: ScanAccount
    untold: Untold
    trend: tuple[Point, ...]

    @property
    def names(self) -> Mapping[str, str]:
        """Department id → name."""
        return {one.account.department_id: one.account.name for one in self.departments}

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Least and greatest possible 上云率; None where no system is in scope."""
        return bounds(self.total)


def bounds(account: Account) -> tuple[float, float] | None:
    """Least and greatest possible rate of an account; None where no system is in scope."""
    if not account.in_scope:
        return None
    return account.on_cloud / account.in_scope, (account.on_cloud + account.not_told) / account.in_scope


def figures(view: AuditView, now: datetime, trend: Iterable[Point] = ()) -> Figures:
    """Counts a view. ``now`` is when the report is made: ages of scans are measured by it."""
    today = local(now, view.timezone).date()
    rows = accounts(view)
    listed = cases(view.cases)
    known = {row.department_id for row in rows}
    # A department that is gone may still have a case.
    rows += [Account(d, name) for d, name in listed.names.items() if d not in known]
    ours = [f for f in view.findings if f.bite not in APART]
    live = [f for f in ours if f.state in LIVE]
    waivers = [w for w in view.waivers if w.valid_from <= today <= w.valid_to]
    return Figures(
        today=today,
        total=sum(rows, Account("", "合计")),
        departments=_ranked(view, rows, listed),
        exclusions=Counter(system.excluded for system in view.systems if system.excluded),
        plan=burn_down(view.systems, view.as_of),
        severities=Counter((f.severity, f.state) for f in ours),
        leads=sum(f.state in LIVE for f in view.findings if f.bite in APART),
        new=sum(f.opened_at is not None and f.opened_at >= view.started_at for f in live),
        resolved=sum(f.resolved_at is not None and f.resolved_at >= view.started_at for f in ours),
        waivers=len(waivers),
        ending=sum((waiver.valid_to - today).days <= ENDING for waiver in waivers),
        foremost=tuple(sorted(live, key=_urgency)),
        rules=_rules(view),
        rooms=places(view, "room"),
        networks=places(view, "network"),
        components=components(view),
        validity=Counter(status for asset in of_kind(view.assets, "component") if (status := validity(asset, today))),
        entries=entries(view, today),
        papers=papers(view, today),
        cases=listed,
        scans=scans(view, now),
        untold=_untold(view),
        trend=tuple(sorted(trend, key=lambda point: point.day)),
    )


def _ranked(view: AuditView, rows: Sequence[Account], listed: CaseAccount) -> tuple[Department, ...]:
    """By the least possible rate, then by the greatest, highest first; those without systems in scope last."""
    levels = {department.id: department.level for department in view.departments}

    def place(row: Account) -> tuple[object, ...]:
        low, high = bounds(row) or (-1.0, -1.0)
        return (-low, -high, -row.in_scope, row.department_id)

    return tuple(
        Department(
            row,
            levels.get(row.department_id, ""),
            listed.open_of[row.department_id],
            listed.overdue_of[row.department_id],
        )
        for row in sorted(rows, key=place)
    )


def _urgency(finding: FindingView) -> tuple[object, ...]:
    return (severity_rank(finding.severity), finding.bite != "order", finding.rule, finding.department_id, finding.id)


def _rules(view: AuditView) -> tuple[Rule, ...]:
    """Every rule that judged something or found something; those with most to do first."""
    verdicts: dict[str, Counter[str]] = {}
    for count in view.counts:
        verdicts.setdefault(count.rule, Counter())[count.verdict] += count.number
    live = Counter(f.rule for f in view.findings if f.state in LIVE)
    told: Mapping[str, tuple[str, str, str, tuple[Basis, ...]]] = {
        **{c.rule: (c.title, c.severity, "", ()) for c in view.counts},
        **{f.rule: (f.title, f.severity, f.bite, f.basis) for f in view.findings},
        **{r.rule: (r.title, r.severity, r.bite, r.basis) for r in view.rules},
    }
    out = [Rule(name, *words, verdicts.get(name, Counter()), live[name]) for name, words in told.items()]
    shown = [rule for rule in out if rule.subjects or rule.live]
    return tuple(sorted(shown, key=lambda r: (-r.live, severity_rank(r.severity), -r.subjects, r.rule)))


def _untold(view: AuditView) -> Untold:
    titles = {count.rule: count.title for count in view.counts}
    by_rule: Counter[str] = Counter()
    for count in view.counts:
        if count.verdict == "unknown":
            by_rule[count.rule] += count.number
    missing = Counter(word for unknown in view.unknowns for word in dict.fromkeys(unknown.missing))
    return Untold(
        number=by_rule.total(),
        rules=tuple((rule, titles[rule], n) for rule, n in sorted(by_rule.items(), key=lambda r: (-r[1], r[0])) if n),
        missing=tuple(sorted(missing.items(), key=lambda m: (-m[1], m[0]))),
    )

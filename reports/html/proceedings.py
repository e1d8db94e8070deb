"""Rectification cases and scanning, counted as the dashboards count them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from reports.ledger_cases import OVER
from reports.model import AuditView, CaseView, ProbeView

#: Upper bounds of the days from issue to closing, as the histogram of the metrics has them.
DAYS = (7, 14, 30, 60, 90, 180, 365)


@dataclass(frozen=True, slots=True)
class CaseAccount:
    """``closing`` are the days from issue to closing of the closed cases, shortest first."""

    states: Counter[str]
    open: int
    overdue: tuple[CaseView, ...]
    open_of: Counter[str]
    overdue_of: Counter[str]
    names: dict[str, str]
    closing: tuple[int, ...]
    mended: int
    not_mended: int
    cannot_tell: int

    @property
    def number(self) -> int:
        return self.states.total()

    @property
    def median(self) -> float | None:
        return median(self.closing) if self.closing else None

    def within(self, days: int) -> int:
        """Closed cases that took no longer."""
        return sum(took <= days for took in self.closing)


def cases(found: Sequence[CaseView]) -> CaseAccount:
    """The account of cases of whatever state; the overdue ones with the earliest day first."""
    late = [case for case in found if case.overdue]
    closed = [c for c in found if c.state == "closed" and c.closed_on and c.issued_on]
    return CaseAccount(
        states=Counter(case.state for case in found),
        open=sum(case.state not in OVER for case in found),
        overdue=tuple(sorted(late, key=lambda c: (c.due is None, c.due.toordinal() if c.due else 0, c.id))),
        open_of=Counter(case.department_id for case in found if case.state not in OVER),
        overdue_of=Counter(case.department_id for case in late),
        names={case.department_id: case.department_name for case in found},
        closing=tuple(sorted((c.closed_on - c.issued_on).days for c in closed if c.closed_on and c.issued_on)),
        mended=sum(case.mended for case in found),
        not_mended=sum(case.not_mended for case in found),
        cannot_tell=sum(case.cannot_tell for case in found),
    )


@dataclass(frozen=True, slots=True)
class Scan:
    """One probe in one zone. ``days`` since it last covered all it set out to; None where it never did."""

    probe: ProbeView
    days: int | None


@dataclass(frozen=True, slots=True)
class ScanAccount:
    """``covered`` of the rows were covered wholly. ``complete_days`` since an audit that left nothing uncovered."""

    rows: tuple[Scan, ...]
    covered: int
    failed: int
    never: int
    seconds: float
    complete_at: datetime | None
    complete_days: int | None


def scans(view: AuditView, now: datetime) -> ScanAccount:
    """Scanning as the audit left it; ages are those of ``now``. What was not covered comes first."""
    rows = [Scan(probe, _age(probe.last_success, now)) for probe in view.probes]
    rows.sort(key=lambda r: (r.probe.success, r.probe.ratio or 0.0, r.probe.zone, r.probe.probe))
    complete = view.ended_at if view.complete else view.last_complete_at
    return ScanAccount(
        rows=tuple(rows),
        covered=sum(row.probe.success for row in rows),
        failed=sum(not row.probe.success for row in rows),
        never=sum(row.days is None for row in rows),
        seconds=(view.ended_at - view.started_at).total_seconds(),
        complete_at=complete,
        complete_days=_age(complete, now),
    )


def _age(at: datetime | None, now: datetime) -> int | None:
    return max(0, (now - at).days) if at else None

"""Migration against its plan, quarter by quarter: what is still off the cloud, and what was to be. Pure.

Counted over the systems in scope today. What was off the cloud at the end of an earlier quarter is what is off it
now, and what is on it by a later date of migration; a system on the cloud without such a date counts as having been
there all along, and is counted in ``undated``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from reports.model import SystemView

#: Quarters that are told one by one before and after today's; what lies beyond is told as ``earlier`` and ``later``.
BEFORE, AFTER = 8, 12
EARLIER, LATER = "earlier", "later"


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of the account; ``code`` is ``2027-Q1``, ``earlier`` or ``later``.

    ``planned`` counts systems whose registered date of migration lies in it, wherever they run; ``planned_on`` those
    of them on the cloud today, ``planned_unknown`` those of which nobody has shown where they run. ``migrated``: on
    the cloud since this quarter. ``left_by_plan`` and ``left`` are systems off the cloud at its end (of the current
    quarter: today); ``left`` is None where the quarter is still to come.
    """

    code: str
    planned: int
    planned_on: int
    planned_unknown: int
    migrated: int
    left_by_plan: int
    left: int | None


@dataclass(frozen=True, slots=True)
class BurnDown:
    """``behind``: off the cloud though the planned day has passed, and ``behind_unknown`` where nobody has shown it.

    ``unplanned``: not shown on the cloud, and without a planned day. ``not_told`` of those left, in every quarter,
    are systems of which nobody has shown where they run.
    """

    quarters: tuple[Quarter, ...]
    behind: int
    behind_unknown: int
    unplanned: int
    undated: int
    not_told: int


def burn_down(systems: Iterable[SystemView], as_of: date) -> BurnDown:
    """The account of the systems in scope; quarters run from the first that something is told of to the last."""
    scope = [system for system in systems if not system.excluded]
    done = [_done(system, as_of) for system in scope]
    due = [s.planned_on or day for s, day in zip(scope, done, strict=True)]
    open_ones = [system for system in scope if system.on_cloud is not True]
    late = [system for system in open_ones if system.planned_on and system.planned_on < as_of]
    spans = _spans(scope, as_of)
    return BurnDown(
        quarters=tuple(_quarter(code, end, scope, done, due, as_of) for code, end in spans),
        behind=sum(system.on_cloud is False for system in late),
        behind_unknown=sum(system.on_cloud is None for system in late),
        unplanned=sum(system.planned_on is None for system in open_ones),
        undated=sum(system.on_cloud is True and system.migrated_on is None for system in scope),
        not_told=sum(system.on_cloud is None for system in scope),
    )


def _done(system: SystemView, as_of: date) -> date | None:
    """The day from which a system counts as being on the cloud, if it is; a day still to come cannot be right."""
    if system.on_cloud is not True:
        return None
    return min(system.migrated_on, as_of) if system.migrated_on else date.min


def code_of(day: date) -> str:
    return f"{day.year}-Q{(day.month + 2) // 3}"


def _number(day: date) -> int:
    return day.year * 4 + (day.month - 1) // 3


def _end(number: int) -> date:
    """The last day of a quarter."""
    year, quarter = divmod(number + 1, 4)
    return date(year, quarter * 3 + 1, 1) - timedelta(days=1)


def _spans(scope: Sequence[SystemView], as_of: date) -> list[tuple[str, date]]:
    """Codes with the last day of each."""
    now = _number(as_of)
    told = [_number(day) for s in scope for day in (s.planned_on, _migrated(s, as_of)) if day]
    least, most = now - BEFORE, now + AFTER
    first = max(min([*told, now]), least)
    last = min(max([*told, now]), most)
    out = [(code_of(_end(number)), _end(number)) for number in range(first, last + 1)]
    if any(number < first for number in told):
        out.insert(0, (EARLIER, _end(first - 1)))
    if any(number > last for number in told):
        out.append((LATER, date.max))
    return out


def _migrated(system: SystemView, as_of: date) -> date | None:
    return min(system.migrated_on, as_of) if system.on_cloud and system.migrated_on else None


def _quarter(
    code: str,
    end: date,
    scope: Sequence[SystemView],
    done: Sequence[date | None],
    due: Sequence[date | None],
    as_of: date,
) -> Quarter:
    def within(day: date | None) -> bool:
        if day is None:
            return False
        if code == EARLIER:
            return day <= end
        return code_of(day) == code if code != LATER else _number(day) > _number(as_of) + AFTER

    planned = [system for system in scope if within(system.planned_on)]
    where = Counter(system.on_cloud for system in planned)
    to_come = code == LATER or _number(end) > _number(as_of)
    # In the current quarter the actual figure is today's.
    until = min(end, as_of)
    return Quarter(
        code=code,
        planned=len(planned),
        planned_on=where[True],
        planned_unknown=where[None],
        migrated=sum(within(_migrated(system, as_of)) for system in scope),
        left_by_plan=sum(day is None or day > end for day in due),
        left=None if to_come else sum(day is None or day > until for day in done),
    )

"""Which snapshots stay, and why. Pure.

A snapshot stays while anything rests on it, while it is young, and as the first of a week, a month or a year that
is still counted. The firsts are those of whole periods, and a period is counted or not as a whole: so nobody takes
the place of a first that went, and thinning every day leaves what thinning once at the end would leave.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date


class Ground(enum.StrEnum):
    """Why a snapshot stays. ``CITED`` ones are said in words by whoever cites."""

    NEWEST = "newest"
    CITED = "cited"
    RECENT = "recent"
    WEEK = "first of its week"
    MONTH = "first of its month"
    YEAR = "first of its year"


@dataclass(frozen=True, slots=True)
class Held:
    """A snapshot that is there. ``day`` is the date at the site when its audit began.

    ``recorded``: an audit stands behind it. One that a killed process sealed stands for no day, and is in no series.
    """

    id: str
    day: date
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """How long: days, and numbers of weeks, months and years of which the first stays (0: none)."""

    all_days: int
    weeks: int
    months: int
    years: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Every snapshot, once: by id with the words why it stays, or among those that go, oldest first."""

    kept: Mapping[str, tuple[str, ...]]
    gone: tuple[Held, ...]


def plan(held: Iterable[Held], cited: Mapping[str, Sequence[str]], rule: Rule, today: date) -> Plan:
    """What stays today and what goes. ``cited`` maps the ids that something rests on to what does, in words.

    The newest of all, and the newest that an audit recorded, always stay.
    """
    ordered = sorted(held, key=lambda one: (one.day, one.id))
    grounds: dict[str, list[str]] = {one.id: list(cited.get(one.id, ())) for one in ordered}
    for newest in (ordered[-1:], [one for one in ordered if one.recorded][-1:]):
        for one in newest:
            if Ground.NEWEST not in grounds[one.id]:
                grounds[one.id].append(Ground.NEWEST)
    for one in ordered:
        if (today - one.day).days <= rule.all_days:
            grounds[one.id].append(Ground.RECENT)
    for ground, number, count in (
        (Ground.WEEK, week, rule.weeks),
        (Ground.MONTH, month, rule.months),
        (Ground.YEAR, year, rule.years),
    ):
        for name in _firsts(ordered, number, number(today) - count):
            grounds[name].append(ground)
    kept = {name: tuple(map(str, why)) for name, why in grounds.items() if why}
    return Plan(kept, tuple(one for one in ordered if one.id not in kept))


def _firsts(ordered: Sequence[Held], number: Callable[[date], int], before: int) -> list[str]:
    """The first snapshot of each period after the one numbered ``before``."""
    firsts: dict[int, str] = {}
    for one in ordered:
        if one.recorded and number(one.day) > before:
            firsts.setdefault(number(one.day), one.id)
    return list(firsts.values())


def week(day: date) -> int:
    """Weeks since the year 1, from Monday to Sunday: 1 January 1 was a Monday in this calendar."""
    return (day.toordinal() - 1) // 7


def month(day: date) -> int:
    return day.year * 12 + day.month


def year(day: date) -> int:
    return day.year

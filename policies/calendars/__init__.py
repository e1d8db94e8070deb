"""Working days, as the State Council's yearly notices give them, and deadlines counted by them.

One file is one year. A year whose notice is not there yet is counted by weekends and statutory holidays alone, and
every deadline that needs it is *provisional* (暂定), to be computed again when the year has come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from inventories.documents import read_yaml
from inventories.faults import Fault, Faults
from policies.calendars.reading import Year, read_year, year_files
from policies.functions import shift_months
from policies.model import Reply

FOLDER = Path(__file__).parent
PROVISIONAL = "暂定"

#: Longer periods are no time to reply.
MAX_AMOUNT = 3660
_SATURDAY = 5
_DAY = timedelta(days=1)


class Due(NamedTuple):
    """A day that was counted to. ``provisional`` where the count went through a year without a notice."""

    day: date
    provisional: bool

    def __str__(self) -> str:
        """``2027年1月6日（暂定）``, as papers write it."""
        words = f"{self.day.year}年{self.day.month}月{self.day.day}日"
        return f"{words}（{PROVISIONAL}）" if self.provisional else words


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time to reply that has begun: on ``start``, the day of service or of issue, as the regulation says."""

    reply: Reply
    start: date
    due: Due


@dataclass(frozen=True, slots=True)
class Calendar:
    """The years that are published, and the days that are off in every year."""

    years: Mapping[int, Year]

    def published(self, day: date) -> bool:
        """Whether the notice for the day's year is there."""
        return day.year in self.years

    def is_working_day(self, day: date) -> bool:
        """Whether work is done on a day; in an unpublished year, as far as can be told yet (:meth:`published`)."""
        year = self.years.get(day.year)
        if year is not None:
            return year.is_working_day(day)
        return day.weekday() < _SATURDAY and day not in statutory_days(day.year)

    def add_working_days(self, day: date, n: int) -> Due:
        """The ``n``-th working day after a day, which itself is not counted.

        ValueError where ``n`` is not between 1 and :data:`MAX_AMOUNT`.
        """
        _within(n)
        provisional = False
        while n:
            day += _DAY
            provisional = provisional or not self.published(day)
            n -= self.is_working_day(day)
        return Due(day, provisional)

    def working_days_between(self, first: date, last: date) -> tuple[int, bool]:
        """How many working days lie after ``first`` up to and with ``last``, and whether that is provisional.

        0 where ``last`` does not lie after ``first``.
        """
        days = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
        return sum(map(self.is_working_day, days)), not all(map(self.published, days))

    def due(self, start: date, reply: Reply) -> Due:
        """The last day of a time to reply that begins on ``start``, which itself is not counted.

        A period of days or months that would end on a day off ends on the next working day (民法典 第二百零三条).
        """
        _within(reply.amount)
        match reply.unit:
            case "working_days":
                return self.add_working_days(start, reply.amount)
            case "months":
                last = shift_months(start, reply.amount)
            case "days":
                last = start + timedelta(days=reply.amount)
            case unit:
                raise ValueError(f"{unit!r} is no unit of time to reply")
        provisional = not self.published(last)
        while not self.is_working_day(last):
            last += _DAY
            provisional = provisional or not self.published(last)
        return Due(last, provisional)

    def deadline(self, start: date, reply: Reply) -> Deadline:
        return Deadline(reply, start, self.due(start, reply))

    def again(self, deadline: Deadline) -> Deadline:
        """The deadline computed anew if it was provisional; one that is firm never moves."""
        return self.deadline(deadline.start, deadline.reply) if deadline.due.provisional else deadline


def _within(amount: int) -> None:
    if not 1 <= amount <= MAX_AMOUNT:
        raise ValueError(f"{amount} is not between 1 and {MAX_AMOUNT}")


def load_calendar(own: Path | None = None) -> Calendar:
    """The years that come with the program, with those of a site's folder ``own`` beside or instead of them.

    A site's file of a year that comes with the program replaces it: notices have been amended within their year.
    Raises :class:`Faults` with the faults of all the files.
    """
    if own is None:
        return _builtin()
    years: dict[int, Year] = dict(_builtin().years)
    years.update(_read(own))
    return Calendar(years)


@cache
def _builtin() -> Calendar:
    return Calendar(_read(FOLDER, leave_out="statutory.yaml"))


def _read(folder: Path, *, leave_out: str = "") -> dict[int, Year]:
    faults: list[Fault] = []
    years: dict[int, Year] = {}
    for path in year_files(folder, leave_out=leave_out):
        try:
            year = read_year(path)
        except Faults as error:
            faults.extend(error.faults)
        else:
            years[year.year] = year
    if faults:
        raise Faults(faults)
    return years


@cache
def statutory_days(year: int) -> Mapping[date, str]:
    """The days of a year on which the whole country is off by the regulation itself, with the holiday of each.

    Those that follow the moon are known up to the last year of ``statutory.yaml``; later ones are left out.
    """
    table: Any = read_yaml(FOLDER / "statutory.yaml").data
    out: dict[date, str] = {}
    for name, days in table["fixed"].items():
        out.update({date.fromisoformat(f"{year:04d}-{day}"): name for day in days})
    for name, day in table["moving"].get(str(year), {}).items():
        spring = name == "春节"  # 除夕 to 正月初三
        out.update({day + timedelta(days=n): name for n in (range(-1, 3) if spring else range(1))})
    return out


__all__ = ["PROVISIONAL", "Calendar", "Deadline", "Due", "Year", "load_calendar", "statutory_days"]

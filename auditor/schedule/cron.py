"""Cron's five fields, read strictly, and the moments that they mean in a time zone. Pure.

As in crontab(5): minute, hour, day of the month, month, day of the week (0 and 7 are Sunday; names in English).
``*``, ``5``, ``1-5``, ``*/15``, ``8-18/2`` and lists of them. Where both the day of the month and the day of the week
are given, either will do. What implementations differ in is refused: ``5/10``, ranges over the end, ``@daily``.

Where clocks are changed (nowhere in China since 1991): a time that the clock leaves out comes as much later as the
clock was put forward (02:30 → 03:30), if that is the same day; a time that the clock shows twice comes once, the
first time. Two times that fall together so are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from inventories.faults import clean

#: Every combination of a day of the month and a month comes within so many days, also around a year such as 2100.
_HORIZON = 9 * 366
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    offset: int = 0


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS, 1),
    _Field("day of the week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """Times of the day on certain days. ``text`` is what was read, its blanks and letters made even."""

    text: str
    times: tuple[time, ...]
    days: frozenset[int]
    months: frozenset[int]
    #: By :meth:`datetime.date.weekday`: 0 is Monday.
    weekdays: frozenset[int]
    #: Both kinds of day are given, and either will do.
    either: bool

    def is_on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.weekday() in self.weekdays
        return by_month or by_week if self.either else by_month and by_week

    def between(self, after: datetime, until: datetime, zone: tzinfo) -> Iterator[datetime]:
        """The moments (UTC) later than ``after``, up to and with ``until``, in order."""
        for day in _days(after.astimezone(zone).date(), until.astimezone(zone).date()):
            yield from (at for at in self._moments(day, zone) if after < at <= until)

    def following(self, after: datetime, zone: tzinfo) -> datetime | None:
        """The next moment (UTC) later than ``after``; None where there never is one."""
        first = after.astimezone(zone).date()
        for day in _days(first, first + timedelta(days=_HORIZON)):
            for at in self._moments(day, zone):
                if at > after:
                    return at
        return None

    def backwards(self, until: datetime, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """The same moments as :meth:`between`, the latest first."""
        for day in _days_back(until.astimezone(zone).date(), after.astimezone(zone).date()):
            yield from (at for at in reversed(self._moments(day, zone)) if after < at <= until)

    def _moments(self, day: date, zone: tzinfo) -> tuple[datetime, ...]:
        if not self.is_on(day):
            return ()
        found = {datetime.combine(day, at, zone).astimezone(UTC) for at in self.times}
        return tuple(sorted(at for at in found if at.astimezone(zone).date() == day))


def read_cron(text: str) -> Cron:
    """Reads five fields. ValueError, which names the field and how to mend it."""
    words = text.lower().split()
    if words and words[0].startswith("@"):
        raise ValueError(f'{clean(words[0], 40)} is not taken: write five fields, such as "30 6 * * *"')
    if len(words) != len(_FIELDS):
        raise ValueError(
            f"has {len(words)} fields instead of five (minute, hour, day of the month, month, day of the week): "
            'write such as "0 22 * * 1-5"'
        )
    minutes, hours, days, months, weekdays = (
        _values(field, word) for field, word in zip(_FIELDS, words, strict=True)
    )
    made = Cron(
        text=" ".join(words),
        times=tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes)),
        days=days,
        months=months,
        weekdays=frozenset((day - 1) % 7 for day in weekdays),
        either=words[2] != "*" and words[4] != "*",
    )
    if not made.either and not any(min(days) <= _longest(month) for month in months):
        raise ValueError(f"the day of the month {clean(words[2], 40)} never comes in the month {clean(words[3], 40)}")
    return made


def _values(field: _Field, word: str) -> frozenset[int]:
    return frozenset(value for part in word.split(",") for value in _part(field, part))


def _part(field: _Field, part: str) -> range:
    found = re.fullmatch(r"(?:(\*)|([0-9a-z]{1,9})(?:-([0-9a-z]{1,9}))?)(?:/(\d{1,4}))?", part, re.ASCII)
    if not found:
        raise ValueError(f"{_shown(part)} is no {field.name}: write *, a number, a range such as 1-5, or */2")
    star, first, last, step = found.groups()
    if step is not None and not star and last is None:
        raise ValueError(f"{_shown(part)} of the {field.name} can be read in two ways: write such as */5 or 1-5/2")
    least, most = (field.least, field.most) if star else (_number(field, first), _number(field, last or first))
    if star and field.names is _WEEKDAYS:
        most = 6
    if most < least:
        raise ValueError(f"{_shown(part)} of the {field.name} ends before it begins: write two ranges")
    every = int(step) if step is not None else 1
    if not 1 <= every <= max(1, field.most - field.least):
        raise ValueError(f"{_shown(part)} of the {field.name} takes steps of {every}")
    return range(least, most + 1, every)


def _number(field: _Field, word: str) -> int:
    if word in field.names:
        return field.names.index(word) + field.offset
    if not word.isdecimal() or not field.least <= int(word) <= field.most:
        named = f" or {field.names[0]} to {field.names[-1]}" if field.names else ""
        raise ValueError(f"{_shown(word)} is no {field.name}: {field.least} to {field.most}{named}")
    return int(word)


def _shown(word: str) -> str:
    return f"'{clean(word, 40)}'"


def _longest(month: int) -> int:
    return {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}.get(month, 31)


def _days(first: date, last: date) -> Iterator[date]:
    for number in range(max(first.toordinal(), 1), min(last.toordinal(), date.max.toordinal()) + 1):
        yield date.fromordinal(number)


def _days_back(last: date, first: date) -> Iterator[date]:
    for number in range(last.toordinal(), first.toordinal() - 1, -1):
        yield date.fromordinal(number)

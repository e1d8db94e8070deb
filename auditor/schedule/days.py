"""Days on which no run begins: holidays, weekends, or working days, by the State Council's notices. Pure.

A year whose notice is not there yet is a guess: its weekends, and those of its holidays that the regulation itself
dates, all count as off. Which weekends will be worked, and which days beside a holiday will be off, nobody knows yet.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from datetime import date

from policies.calendars import Calendar, statutory_days

_SATURDAY = 5


class Avoid(enum.StrEnum):
    """Kinds of days. ``holidays``: off by a notice, their weekends included; ``weekends``: Saturdays and Sundays on
    which no work is done; ``working_days``: every day on which work is done."""

    HOLIDAYS = "holidays"
    WEEKENDS = "weekends"
    WORKING_DAYS = "working_days"


def why_avoided(calendar: Calendar, day: date, avoid: Collection[Avoid]) -> str:
    """Why no run begins on a day; empty where one may."""
    if not avoid:
        return ""
    works, weekend = calendar.is_working_day(day), day.weekday() >= _SATURDAY
    year = calendar.years.get(day.year)
    if Avoid.WORKING_DAYS in avoid and works:
        return f"{day} is a working day"
    if works:
        return ""
    name = year.off.get(day, "") if year is not None else statutory_days(day.year).get(day, "")
    if Avoid.HOLIDAYS in avoid and name:
        return f"{day} is a holiday ({name})"
    if Avoid.WEEKENDS in avoid and weekend:
        return f"{day} is a weekend"
    if Avoid.HOLIDAYS in avoid and year is None:
        return f"{day} is a weekend of a year whose holidays are not published: it may be part of one"
    return ""


def is_provisional(calendar: Calendar, day: date, avoid: Collection[Avoid]) -> bool:
    """Whether the answer rests on a year that is not published yet."""
    return bool(avoid) and not calendar.published(day)

"""Cron's fields as ``OnCalendar=`` (systemd.time(7), "Calendar Events"). Pure.

Written from what the fields mean, not from how they are spelled: every expression that the schedule takes can be
expressed. Where cron lets either kind of day do, it takes two lines.
"""

from __future__ import annotations

from collections.abc import Collection

from auditor.schedule.cron import Cron

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EVERY_DAY, _EVERY_WEEKDAY = frozenset(range(1, 32)), frozenset(range(7))


def on_calendar(cron: Cron, timezone: str) -> tuple[str, ...]:
    """One or two expressions that together mean what ``cron`` means in a time zone (IANA's name)."""
    days = [(cron.weekdays, cron.days)]
    if cron.either:
        days = [(_EVERY_WEEKDAY, cron.days), (cron.weekdays, _EVERY_DAY)]
    months = _numbers(cron.months, 12)
    # The fields of a cron line are independent: its times are every hour with every minute.
    hours = _numbers({at.hour for at in cron.times}, 24)
    minutes = _numbers({at.minute for at in cron.times}, 60)
    return tuple(
        f"{_weekdays(weekdays)}*-{months}-{_numbers(days_of_month, 31)} {hours}:{minutes}:00 {timezone}"
        for weekdays, days_of_month in days
    )


def _weekdays(days: Collection[int]) -> str:
    return "" if len(days) == 7 else ",".join(_WEEKDAYS[day] for day in sorted(days)) + " "


def _numbers(values: Collection[int], count: int) -> str:
    """``*`` for all that there are, else runs: ``00..03,12``."""
    if len(values) == count:
        return "*"
    spans: list[tuple[int, int]] = []
    for value in sorted(values):
        if spans and value == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], value)
        else:
            spans.append((value, value))
    return ",".join(f"{a:02d}" if a == b else f"{a:02d}..{b:02d}" for a, b in spans)

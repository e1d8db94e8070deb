"""Times to reply as a bureau writes them on the command line, and the day that each comes to. Pure."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

from auditor.errors import Refused
from policies.calendars import Calendar, Due
from policies.model import Reply

_UNITS = {"d": "days", "wd": "working_days", "m": "months"}
Start = Literal["service", "issue"]


def parse(text: str, start: Start = "service") -> Reply:
    """``30d``, ``10wd`` (working days), ``2m``; the first day is not counted (民法典 第二百零一条)."""
    found = re.fullmatch(r"([1-9]\d{0,3})\s*(wd|d|m)", text.strip().lower())
    if not found or (amount := int(found[1])) > 3660:
        raise Refused(f"--within {text!r} is no time: write 30d (days), 10wd (working days) or 2m (months)")
    return Reply(amount, _UNITS[found[2]], start)


def due(calendar: Calendar, reply: Reply | None, *, issued: date | None, served: date | None) -> Due | None:
    """The last day to reply; None while the day from which it is counted has not come."""
    if reply is None:
        return None
    start = served if reply.start == "service" else issued
    return calendar.due(start, reply) if start is not None else None

"""A site's settings for one pack, held against what the pack asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from inventories.faults import Fault, Faults, did_you_mean
from policies.model import Setting
from policies.source import shown
from policies.trees import IN_FORCE_FROM

CONFIRMED = "confirmed_text"

Value = date | int | bool | str | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """``in_force_from`` is None where neither text nor site gives it; ``settings`` carry their values."""

    in_force_from: date | None
    confirmed: bool
    settings: Mapping[str, Setting]


def resolve(data: Any, settings: Mapping[str, object]) -> Resolved:
    """The values of a pack's settings at a site.

    ``data`` is a pack file that its schema allows. Dates may be given as ISO text, as they stand in a snapshot's
    context. Raises :class:`Faults` for settings that the pack does not know or cannot take.
    """
    where = f"settings of pack {data['pack']}"
    declared: Mapping[str, Any] = data.get("settings", {})
    faults: list[Fault] = []
    known = [IN_FORCE_FROM, CONFIRMED, *declared]
    for name in settings:
        if name not in known:
            mend = did_you_mean(str(name), known) or f"there are {', '.join(known)}"
            faults.append(Fault(where, f"unknown setting {shown(name)!r}", mend))

    def take(name: str, kind: str, otherwise: Value) -> Value:
        raw = settings.get(name)
        if raw is None:
            return otherwise
        held = _typed(raw, kind)
        if held is None:
            faults.append(Fault(where, f"{name}: {shown(raw)!r} is no {kind}", "write YYYY-MM-DD" * (kind == "date")))
        return held

    start = data["in_force"]["from"]
    given = take(IN_FORCE_FROM, "date", None)
    if isinstance(start, date) and given not in (None, start):
        faults.append(Fault(where, f"{IN_FORCE_FROM} is given, and the text itself says {start}", "leave it out"))
    confirmed = take(CONFIRMED, "boolean", False)
    out = {
        name: Setting(name, s["type"], s["title"], s["article"], take(name, s["type"], s.get("default")))
        for name, s in declared.items()
    }
    if faults:
        raise Faults(faults)
    return Resolved(start if isinstance(start, date) else _date(given), confirmed is True, out)


def _typed(raw: object, kind: str) -> Value:
    """The value in its type, or None where it is none of it."""
    match kind:
        case "date":
            return _date(raw)
        case "boolean":
            return raw if isinstance(raw, bool) else None
        case "integer":
            return raw if isinstance(raw, int) and not isinstance(raw, bool) and abs(raw) < 2**53 else None
        case _:
            return raw if isinstance(raw, str) else None


def _date(raw: object) -> date | None:
    if isinstance(raw, str):
        try:
            return date.fromisoformat(raw)
        except ValueError:
            return None
    return raw if isinstance(raw, date) and not isinstance(raw, datetime) else None

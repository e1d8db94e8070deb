"""A site's settings for one pack, held against what the pack asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from inventories.faults import Fault, Faults, did_you_mean
from policies.functions import shift_months
from policies.model import Confirmation, Setting
from policies.source import shown
from policies.trees import IN_FORCE_FROM

#: Who has held the pack's wording against the official text: ``{by: …, on: YYYY-MM-DD, document: …}``.
CONFIRMED = "confirmed_wording"

Value = date | int | bool | str | None


@dataclass(frozen=True, slots=True)
class Resolved:
    """``in_force_from`` is None where neither text nor site gives it; ``settings`` carry their values.

    ``in_force_to`` is the last day in force, None where there is none or the first is not known.
    """

    in_force_from: date | None
    in_force_to: date | None
    confirmation: Confirmation | None
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
        elif name in declared and not within(declared[name], held):
            faults.append(Fault(where, f"{name}: {held} is out of range", bounds(declared[name])))
        return held

    start = data["in_force"]["from"]
    given = take(IN_FORCE_FROM, "date", None)
    if isinstance(start, date) and given not in (None, start):
        faults.append(Fault(where, f"{IN_FORCE_FROM} is given, and the text itself says {start}", "leave it out"))
    confirmation = _confirmation(settings.get(CONFIRMED), where, faults)
    out = {
        name: Setting(
            name,
            s["type"],
            s["title"],
            s.get("article", ""),
            take(name, s["type"], s.get("default")),
            s.get("law", ""),
            s.get("basis", ""),
        )
        for name, s in declared.items()
    }
    if faults:
        raise Faults(faults)
    first = start if isinstance(start, date) else _date(given)
    return Resolved(first, last_day(data["in_force"], first), confirmation, out)


def within(setting: Mapping[str, Any], held: object) -> bool:
    """Whether a whole number lies in the range that the pack gives a setting; anything else does."""
    if not isinstance(held, int) or isinstance(held, bool):
        return True
    low, high = setting.get("minimum"), setting.get("maximum")
    return not (isinstance(low, int) and held < low) and not (isinstance(high, int) and held > high)


def bounds(setting: Mapping[str, Any]) -> str:
    """A setting's range in words."""
    low, high = setting.get("minimum"), setting.get("maximum")
    return ", ".join([f"at least {low}"] * (low is not None) + [f"at most {high}"] * (high is not None))


def last_day(span: Mapping[str, Any], first: date | None) -> date | None:
    """The last day in force: given as such, or as a number of years from the first."""
    end, years = span.get("to"), span.get("years")
    if isinstance(end, date) or first is None or not isinstance(years, int):
        return end if isinstance(end, date) else None
    return shift_months(first, 12 * years) - timedelta(days=1)


def _confirmation(raw: object, where: str, faults: list[Fault]) -> Confirmation | None:
    """A person's word that the wording is the official one; a bare ``true`` would be nobody's."""
    if raw is None:
        return None
    held = raw if isinstance(raw, Mapping) else {}
    by, on, document = held.get("by"), _date(held.get("on")), held.get("document")
    named = isinstance(by, str) and by.strip() and isinstance(document, str) and document.strip()
    if not named or on is None or len(held) != 3:
        mend = "write {by: who, on: YYYY-MM-DD, document: by what paper}"
        faults.append(Fault(where, f"{CONFIRMED} must say who confirmed it, when, and by what paper", mend))
        return None
    return Confirmation(str(by).strip(), on, str(document).strip())


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

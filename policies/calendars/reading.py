"""Reading a year's file of working days, and refusing one that cannot be right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from inventories.faults import Fault, Faults
from policies import schema
from policies.source import Source, shown

#: No holiday has ever been longer; more is a slip of the pen.
MAX_HOLIDAY = 15
#: A year has some; a file with thousands is no calendar.
MAX_BYTES = 64 * 1024

_SATURDAY = 5
_NAME = re.compile(r"[0-9]{4}\.yaml")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Year:
    """One published year.

    ``off`` maps every day off to its holiday; ``work`` are the weekend days on which work is done. ``number`` and
    ``issued_on`` are the notice's; ``path`` is the file it was read from.
    """

    year: int
    number: str
    title: str
    issued_on: date
    url: str
    off: Mapping[date, str]
    work: frozenset[date]
    path: str

    def is_working_day(self, day: date) -> bool:
        """Whether work is done on a day of this year."""
        return day in self.work or (day not in self.off and day.weekday() < _SATURDAY)


def year_files(folder: Path, *, leave_out: str = "") -> tuple[Path, ...]:
    """The files of years in a folder, ``2026.yaml`` …, by year; none where there is no such folder.

    ``leave_out`` is a file that is something else. Raises :class:`Faults` for YAML files of any other name: a
    misspelt year must not go unread.
    """
    if not folder.is_dir():
        return ()
    found = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    found = [path for path in found if path.name != leave_out]
    odd = [path for path in found if not _NAME.fullmatch(path.name)]
    if odd:
        raise Faults([Fault(str(path), "is not named after a year", "name it 2027.yaml") for path in odd])
    return tuple(found)


def read_year(path: Path) -> Year:
    """Reads one year's file. Raises :class:`Faults` with everything that is wrong in it."""
    source = _parse(path)
    faults = schema.faults(source, "calendar")
    if not faults:
        faults = list(_check(source, path))
    if faults:
        raise Faults(faults)
    data: Any = source.data
    notice = data["notice"]
    return Year(
        year=data["year"],
        number=notice["number"],
        title=notice.get("title", ""),
        issued_on=notice["date"],
        url=notice.get("url", ""),
        off={day: entry["name"] for entry in data["off"] for day in _span(entry)},
        work=frozenset(data["work"]),
        path=str(path),
    )


def _parse(path: Path) -> Source:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Faults([Fault(str(path), f"cannot be read: {error.strerror or error}")]) from error
    if len(content) > MAX_BYTES:
        raise Faults([Fault(str(path), f"is larger than {MAX_BYTES // 1024} KiB", "a year has a few lines")])
    return Source.parse(content, str(path))


def _span(entry: Mapping[str, Any]) -> list[date]:
    first, last = entry["from"], entry.get("to", entry["from"])
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _check(source: Source, path: Path) -> Iterator[Fault]:
    data: Any = source.data
    year = data["year"]
    if path.name != f"{year}.yaml":
        yield source.fault(("year",), f"is {year} in a file named {shown(path.name)}", "give both the same year")
    issued = data["notice"]["date"]
    if not year - 1 <= issued.year <= year:
        what = f"a notice of {issued} cannot be about {year}"
        yield source.fault(("notice", "date"), what, "notices are issued in the year before, or amended within it")
    off: dict[date, str] = {}
    for i, entry in enumerate(data["off"]):
        yield from _check_holiday(source, i, entry, year, off)
    worked: set[date] = set()
    for i, day in enumerate(data["work"]):
        yield from _check_worked(source, ("work", i), day, year, off, worked)
        worked.add(day)


def _check_holiday(
    source: Source, i: int, entry: Mapping[str, Any], year: int, off: dict[date, str]
) -> Iterator[Fault]:
    """One holiday; ``off`` collects the days of those before it."""
    name, ends = shown(entry["name"]), [key for key in ("from", "to") if key in entry]
    strange = [key for key in ends if entry[key].year != year]
    for key in strange:
        what = f"{entry[key]} is no day of {year}"
        yield source.fault(("off", i, key), what, "each year's days stand in that year's own file")
    if strange:
        return
    if entry.get("to", entry["from"]) < entry["from"]:
        yield source.fault(("off", i, "to"), f"{name} ends before it begins")
        return
    days = _span(entry)
    if len(days) > MAX_HOLIDAY:
        yield source.fault(("off", i), f"{name} is {len(days)} days long", "see its dates")
        return
    if all(day.weekday() >= _SATURDAY for day in days):
        what = f"{name} lies on a weekend, which is off already"
        yield source.fault(("off", i), what, "leave it out, or see its dates")
    twice = [day for day in days if day in off]
    if twice:
        yield source.fault(("off", i), f"{twice[0]} is already off for {off[twice[0]]}", "let each day stand once")
    off.update(dict.fromkeys(days, name))


def _check_worked(
    source: Source, at: tuple[str | int, ...], day: date, year: int, off: Mapping[date, str], worked: set[date]
) -> Iterator[Fault]:
    if day.year != year:
        yield source.fault(at, f"{day} is no day of {year}", "each year's days stand in that year's own file")
    elif day in off:
        yield source.fault(at, f"{day} is worked, and off for {off[day]}", "it can be one of the two only")
    elif day.weekday() < _SATURDAY:
        what = f"{day} is a {_WEEKDAYS[day.weekday()]}, which is worked anyway"
        yield source.fault(at, what, "list only Saturdays and Sundays")
    if day in worked:
        yield source.fault(at, f"{day} stands twice", "let each day stand once")

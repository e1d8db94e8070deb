"""``report html`` and ``report progress``: the newest audit as a page, on the terminal, and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.errors import Exit, Refused
from auditor.intake import open_ledger
from auditor.output import print_json, say, stdout
from auditor.site import Site, load_site
from inventories.faults import clean, did_you_mean
from reports.account import owners
from reports.html.figures import Point
from reports.model import AuditView

if TYPE_CHECKING:
    from auditor.ledger.history import Line
    from auditor.ledger.store import Ledger

#: Days of the past that a line is drawn through.
POINTS = 13
_SYSTEMS, _SCOPE = "auditor_systems", "auditor_systems_in_scope"


@dataclass(frozen=True, slots=True)
class Told:
    """What a report is drawn from. ``department`` is the name of the only department in the view, if it is one's."""

    view: AuditView
    trend: tuple[Point, ...]
    now: datetime
    department: str = ""


def html(root: Path, file: Path, *, department: str = "", for_whom: str = "") -> int:
    if file.suffix.lower() not in (".html", ".htm"):
        raise Refused(f"{file} is no .html file: name one")
    from reports.files import write_whole
    from reports.html.page import render_page

    told = _told(load_site(root), department)
    page = render_page(told.view, told.now, department=told.department, for_whom=for_whom, trend=told.trend)
    write_whole(file, page.encode())
    say(str(file))
    return Exit.DONE


def progress(root: Path, *, department: str = "", as_json: bool = False) -> int:
    from reports.html.document import document
    from reports.html.figures import figures
    from reports.html.terminal import print_progress

    told = _told(load_site(root), department)
    counted = figures(told.view, told.now, told.trend)
    if as_json:
        print_json(document(told.view, counted, told.now, told.department))
    else:
        print_progress(told.view, counted, told.now, stdout(), told.department)
    return Exit.DONE


def _told(site: Site, department: str) -> Told:
    """The newest audit, of one department only where it is named; :class:`Refused` where there is none such."""
    from auditor.overview import newest_overview
    from reports.html.narrowing import name_of, narrowed

    now = clock.utc_now()
    with open_ledger(site) as ledger:
        view = newest_overview(site, ledger, now)
        if not department:
            return Told(view, trend_of(ledger), now)
        found = department_of(view, department)
        own = narrowed(view, found, zones_of(site, view, found))
        return Told(own, trend_of(ledger, found), now, name_of(view, found))


def department_of(view: AuditView, word: str) -> str:
    """The id of the department that a person names by id or name; :class:`Refused` for none, and for several."""
    known = {department: name for department, name in owners(view) if department}
    for case in view.cases:
        known.setdefault(case.department_id, case.department_name)
    text = " ".join(word.split())
    found = [text] if text in known else [d for d, name in known.items() if name == text]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused(f"--department {clean(text, 80)} may mean any of {', '.join(found)}: name the id")
    mend = did_you_mean(text, [*known, *known.values()]) or "'auditor department list' names them"
    raise Refused(f"--department {clean(text, 80)}: the newest audit knows no such department: {mend}")


def zones_of(site: Site, view: AuditView, department: str) -> dict[str, str]:
    """The zones in which something is a department's, with words for them.

    A zone that belongs to others as well is told without its name, which may be theirs.
    """
    seen = {asset.zone for asset in view.assets if asset.department_id == department}
    out: dict[str, str] = {}
    shared: Counter[str] = Counter()
    for zone in site.places.zones.values():
        belongs = {zone.department_id, *zone.owners.values()} - {""}
        if department not in belongs and zone.id not in seen:
            continue
        if belongs == {department}:
            out[zone.id] = zone.name
            continue
        word = "共用网络区域" if zone.kind == "department" else "共用云平台网络区域"
        shared[word] += 1
        out[zone.id] = f"{word}{shared[word]}"
    return out


# --- the past -----------------------------------------------------------------------------------------------


def trend_of(ledger: Ledger, department: str = "") -> tuple[Point, ...]:
    """上云率 on days of the past, evenly spread from the first that the ledger noted to the last that changed it."""
    from auditor.ledger import history

    with ledger.reading() as connection:
        lines = [
            line
            for line in history.lines(connection, (_SYSTEMS, _SCOPE))
            if not department or dict(line.labels).get("department") == department
        ]
    days = sorted({day for line in lines for day, _ in line.changes})
    return tuple(_point(lines, day) for day in spread(days[0], days[-1])) if days else ()


def spread(first: date, last: date, most: int = POINTS) -> list[date]:
    """At most ``most`` days from the first to the last, evenly, both of them included."""
    length = (last - first).days
    count = min(most, length + 1)
    if count < 2:
        return [last]
    return [first + timedelta(days=round(length * place / (count - 1))) for place in range(count)]


def _point(lines: Sequence[Line], day: date) -> Point:
    on, not_told, scope = 0, 0, 0
    for line in lines:
        value = round(_value(line, day))
        hosting = dict(line.labels).get("hosting", "")
        scope += value if line.metric == _SCOPE else 0
        on += value if hosting == "gov_cloud" else 0
        not_told += value if hosting == "not_known" else 0
    return Point(day, on, scope, not_told)


def _value(line: Line, day: date) -> float:
    """A series' value on a day: that of the newest change up to it."""
    past = [value for changed, value in line.changes if changed <= day]
    return (past[-1] or 0.0) if past else 0.0

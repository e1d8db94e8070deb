"""``schedule announce``: what departments are told of the scans that come, as letters and as JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

from auditor import clock
from auditor.commands.schedule import known_zone
from auditor.declared_names import declared_names
from auditor.errors import Exit, Refused
from auditor.intake import read_registers
from auditor.output import print_json, say
from auditor.schedule.foretold import Owner, foretell
from auditor.schedule.logs import private
from auditor.schedule.plan import plan_of
from auditor.schedule.watched import sky_of
from auditor.site import Site, load_site
from reports.announcement import Told, document
from reports.files import write_whole

#: Longer spans are no announcement.
_MOST_DAYS = 366
_WRITTEN = ".written.json"


def announce(
    root: Path,
    *,
    zones: Sequence[str],
    first: str | None,
    last: str | None,
    out: Path | None,
    ahead: bool,
    as_json: bool,
) -> int:
    site = load_site(root)
    for zone in zones:
        known_zone(site, zone)
    today = site.today(clock.utc_now())
    if ahead and (first or last or zones):
        raise Refused("--ahead chooses days and zones by itself: leave out --from, --to and --zone")
    spans = list(weeks(today, site.config.schedule.announce_days)) if ahead else [_span(today, first, last)]
    if ahead and not spans:
        raise Refused("no announcements are asked for", "schedule: {announce_days: 3} in site.yaml asks for them")
    folder = out or site.out / "announcements"
    bodies: list[dict[str, object]] = []
    for begin, end in spans:
        told = _told(site, begin, end, zones)
        lines = list(_write(folder / f"{begin}_{end}", told))
        if not as_json:
            for line in lines or ["nobody is to be told anything new" if told else "no run is foreseen"]:
                say(f"{begin} to {end}: {line}")
        bodies += [_body(owner, one) for owner, one in told.items()]
    if as_json:
        print_json(bodies)
    return Exit.DONE


def weeks(today: date, days: int) -> Iterator[tuple[date, date]]:
    """The weeks (Monday to Sunday) that are to be announced by now: this one, and any that begins within ``days``."""
    monday = today - timedelta(days=today.weekday())
    while days and monday <= today + timedelta(days=days):
        yield monday, monday + timedelta(days=6)
        monday += timedelta(days=7)


def _span(today: date, first: str | None, last: str | None) -> tuple[date, date]:
    begin = _day(first) if first else today + timedelta(days=1)
    end = _day(last) if last else begin + timedelta(days=6)
    if end < begin:
        raise Refused(f"--to {end} lies before --from {begin}")
    if (end - begin).days >= _MOST_DAYS:
        raise Refused(f"{begin} to {end} is more than a year")
    if end < today:
        raise Refused(f"{end} is past: nobody can be told in advance")
    return begin, end


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text!r} is no date: write one such as 2026-11-30") from None


def _told(site: Site, first: date, last: date, zones: Sequence[str]) -> Mapping[Owner, Told]:
    registers = read_registers(site, clock.utc_now())
    return foretell(
        site,
        plan_of(site.config),
        sky_of(site),
        first=first,
        last=last,
        departments={one.id: one.name for one in registers.departments.values()},
        declared=declared_names(registers.collection, registers.withheld),
        zones=zones,
    )


def _body(owner: Owner, told: Told) -> dict[str, object]:
    return {"department_id": owner.department or None, "zone": owner.zone or None, **asdict(told)}


# --- files --------------------------------------------------------------------------------------------------


def _write(folder: Path, told: Mapping[Owner, Told]) -> Iterator[str]:
    """Writes what is new or has changed, and says so; a letter that a clerk has worked on is never overwritten."""
    written = _written(folder / _WRITTEN)
    fresh = {owner.name: document(one) for owner, one in told.items()}
    if not fresh and not written:
        return
    private(folder)
    for name, content in fresh.items():
        digest = hashlib.sha256(content).hexdigest()
        if written.get(name) == digest:
            continue
        path = folder / f"{name}.docx"
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() != written.get(name):
            path = _free(folder, name)
        write_whole(path, content)
        changed = name in written
        written[name] = digest
        write_whole(folder / _WRITTEN, json.dumps(written).encode())
        yield f"changed since it was written, to be told again: {path}" if changed else f"written: {path}"
    for name in sorted(written.keys() - fresh.keys()):
        del written[name]
        write_whole(folder / _WRITTEN, json.dumps(written).encode())
        yield f"no run is foreseen any more, to be told so: {folder / name}.docx"


def _free(folder: Path, name: str) -> Path:
    number = 2
    while (folder / f"{name}-{number}.docx").exists():
        number += 1
    return folder / f"{name}-{number}.docx"


def _written(path: Path) -> dict[str, str]:
    """Letter → digest of what was last written for it; nothing where that cannot be read."""
    try:
        body = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in body.items()} if isinstance(body, dict) else {}

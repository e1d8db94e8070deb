"""``init``, ``check``, ``plan`` and ``stop``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.authorise import Leave, authorise
from auditor.errors import Exit, Refused
from auditor.intake import packs_in_force, read_registers
from auditor.output import print_faults, print_json, say, write
from auditor.site import Site, load_site
from inventories.faults import Fault, Faults

if TYPE_CHECKING:
    from inventories.places import Network, Zone
    from inventories.registers import RegisterResult
    from policies.model import Pack
    from probes.scope import Permit, Refusal


def init(directory: Path, *, example: bool) -> None:
    """Writes a new site; refuses a folder that holds anything."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Refused(f"{directory} is not an empty folder: name a new one")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    from inventories.registers import write_forms

    if example:
        from auditor.city.example import write_example

        write_example(directory, datetime.now(UTC).astimezone().date())
    else:
        template = files("auditor").joinpath("templates/site.yaml").read_text(encoding="utf-8")
        (directory / "site.yaml").write_text(template, encoding="utf-8")
        (directory / "registers").mkdir(mode=0o700)
    forms = write_forms(directory / "forms")
    say(f"{directory}: site.yaml, {len(forms)} blank register forms in forms/")
    if example:
        say("its servers answer while a command runs beneath them:")
        say(f"  python -m auditor.city run --site {directory} -- auditor audit --site {directory}")
    else:
        say("next: edit site.yaml, put filled forms into registers/, and run 'auditor check'")


def check(root: Path, *, as_json: bool) -> int:
    """Reads everything that an audit would read, and lists every fault."""
    faults: list[Fault] = []
    notes: list[Fault] = []
    result: RegisterResult | None = None
    packs: tuple[Pack, ...] = ()
    try:
        site = load_site(root)
    except Faults as error:
        faults.extend(error.faults)
    else:
        try:
            packs = packs_in_force(site)
        except Faults as error:
            faults.extend(error.faults)
        result = read_registers(site, datetime.now(UTC))
        faults.extend(result.faults)
        notes.extend(result.notes)
        notes.extend(_unowned(site, result))
    if as_json:
        print_json(
            {
                "faults": [_plain(fault) for fault in faults],
                "notes": [_plain(note) for note in notes],
                "rows": len(result.collection.observations) if result else 0,
                "refused_rows": len(result.refused) if result else 0,
                "packs": [pack.id for pack in packs],
            }
        )
    else:
        print_faults(faults, kind="fault")
        print_faults(notes, kind="note")
        if result:
            say(
                f"{len(result.collection.observations)} register rows read, {len(result.refused)} refused; "
                f"{sum(len(pack.rules) for pack in packs)} rules in {len(packs)} packs; {len(faults)} faults"
            )
    return Exit.REFUSED if faults else Exit.DONE


def _unowned(site: Site, result: RegisterResult) -> Iterator[Fault]:
    """Zones that name a department which no register has."""
    for zone in site.places.zones.values():
        for department in {zone.department_id, *zone.owners.values()} - {""}:
            if department not in result.departments:
                yield Fault(
                    str(site.root / "site.yaml"),
                    f"zone {zone.id!r} names the department {department!r}, which registers/departments lacks",
                    "add it there: until then nothing found in the zone has an owner",
                )


def _plain(fault: Fault) -> dict[str, str]:
    return {"where": fault.where, "what": fault.what, "mend": fault.mend}


def plan(root: Path, *, as_json: bool) -> int:
    """What an audit would touch; sends nothing. Exit 2 where it could probe nothing, 4 where not all."""
    site = load_site(root)
    leave = authorise(site, [], datetime.now(UTC), withheld=read_registers(site, datetime.now(UTC)).withheld)
    if as_json:
        never = {scope.zone.id: scope.excluded for scope in site.scopes}
        zones = [*(_permitted(item, never[item.zone.id]) for item in leave.permits), *map(_refused, leave.refusals)]
        print_json({"zones": zones, "limits": _limits(leave), "stopped": site.stop_file.exists()})
    else:
        _draw_plan(site, leave)
    if leave.refusals and not leave.permits:
        return Exit.REFUSED
    return Exit.PARTIAL if leave.refusals else Exit.DONE


def _permitted(item: Permit, never: Sequence[Network]) -> dict[str, object]:
    """``never`` are the site's own exclusions: the addresses of classified systems are excluded and not named."""
    from probes.estimate import seconds

    least, most = seconds(item)
    return {
        "zone": item.zone.id,
        "name": item.zone.name,
        "allowed": True,
        "vantage": item.zone.vantage,
        "prefixes": [str(prefix) for prefix in item.zone.prefixes],
        "addresses": item.addresses,
        "excluded": [str(prefix) for prefix in never],
        "profile": item.profile.name,
        "ports": list(item.profile.ports),
        "max_packets_per_second": item.profile.max_rate,
        "authorisations": list(item.documents),
        "until": item.until.isoformat(),
        "estimated_seconds": {"least": least, "most": most},
    }


def _refused(item: Refusal) -> dict[str, object]:
    return {
        "zone": item.zone.id,
        "name": item.zone.name,
        "allowed": False,
        "vantage": item.zone.vantage,
        "reason": item.reason,
        "message": item.message,
    }


def _draw_plan(site: Site, leave: Leave) -> None:
    from probes.estimate import seconds

    never = {scope.zone.id: scope.excluded for scope in site.scopes}
    for item in leave.permits:
        least, most = seconds(item)
        prefixes = " ".join(map(str, item.zone.prefixes))
        excluded = f", never {' '.join(map(str, never[item.zone.id]))}" if never[item.zone.id] else ""
        ports, profile = len(item.profile.ports), item.profile
        until = item.until.astimezone(site.timezone)
        _say_zone(
            item.zone,
            f"{item.addresses} addresses of {prefixes}{excluded}, as seen from {item.zone.vantage}",
            f"{ports} ports, profile {profile.name}: at most {profile.max_rate} packets/s, {least} to {most} s",
            f"by leave of {'; '.join(item.documents)}, until {until:%Y-%m-%d %H:%M}",
        )
    for refusal in leave.refusals:
        _say_zone(refusal.zone, f"not one packet: {refusal.message}")
    least, most = (sum(seconds(item)[end] for item in leave.permits) for end in (0, 1))
    total = sum(item.addresses for item in leave.permits)
    write(f"{total} addresses in {len(leave.permits)} zones, {least} to {most} s one after another; nothing was sent")
    for limit in _limits(leave):
        write(f"cannot be seen: {limit}")
    if site.stop_file.exists():
        write(f"all probing is stopped: {site.stop_file}")


def _say_zone(zone: Zone, *lines: str) -> None:
    write(f"{zone.id}  {zone.name}")
    for line in lines:
        write(f"    {line}")


def _limits(leave: Leave) -> tuple[str, ...]:
    from probes.nmap_scan import NmapProbe

    return tuple(map(str, NmapProbe().limits(leave.permits))) if leave.permits else ()


def stop(root: Path, *, clear: bool) -> None:
    """The emergency stop: a file that every probing process of the site watches."""
    site = load_site(root)
    if clear:
        site.stop_file.unlink(missing_ok=True)
        say("probing is allowed again")
        return
    site.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    site.stop_file.write_text(datetime.now(UTC).isoformat() + "\n", encoding="utf-8")
    say("all probing of this site ends now, and stays refused until 'auditor stop --clear'")

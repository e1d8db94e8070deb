"""``init``, ``check`` and ``stop``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.column_sources import Gaps, Sources, gap_lines, gaps, gaps_json
from auditor.commands.catalogue import notes as catalogue_notes
from auditor.errors import Exit, Refused
from auditor.intake import packs_in_force, read_registers, working_days
from auditor.output import print_faults, print_json, say
from auditor.papers import templates_of
from auditor.site import Site, load_site
from inventories.faults import Fault, Faults, clean
from policies.calendars import PROVISIONAL, Calendar

if TYPE_CHECKING:
    from inventories.registers import RegisterResult
    from policies.model import Pack

#: A time to reply that begins today and is as long as any that a regulation sets ends within this.
_SOON = timedelta(days=60)


def init(directory: Path, *, example: bool, network: str) -> None:
    """Writes a new site; refuses a folder that holds anything. ``network``: where the example's addresses start."""
    if example and not re.fullmatch(r"127\.(1?\d?\d|2[0-4]\d|25[0-5])", network):
        raise Refused(f"--network {network!r} is no start of loopback addresses: write one such as 127.21")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Refused(f"{directory} is not an empty folder: name a new one")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    from inventories.registers import write_forms

    if example:
        from auditor.city.example import write_example

        write_example(directory, clock.utc_now().astimezone().date(), network=network)
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
    lacking = Gaps((), ())
    try:
        site = load_site(root)
    except Faults as error:
        faults.extend(error.faults)
    else:
        try:
            packs = packs_in_force(site)
        except Faults as error:
            faults.extend(error.faults)
        result = read_registers(site, clock.utc_now())
        faults.extend(result.faults)
        notes.extend(result.notes)
        notes.extend(_unowned(site, result))
        notes.extend(_unvouched(site))
        faults.extend(_credentials(site))
        try:
            notes.extend(catalogue_notes(site.root, site.today(clock.utc_now())))
        except Faults as error:
            faults.extend(error.faults)
        try:
            notes.extend(_unpublished(working_days(site), site.today(clock.utc_now())))
        except Faults as error:
            faults.extend(error.faults)
        try:
            templates_of(site)
        except Faults as error:
            faults.extend(error.faults)
        lacking = gaps(packs, Sources(result, site.scopes))
    if as_json:
        print_json(
            {
                "faults": [_plain(fault) for fault in faults],
                "notes": [_plain(note) for note in notes],
                "rows": len(result.collection.observations) if result else 0,
                "refused_rows": len(result.refused) if result else 0,
                "packs": [pack.id for pack in packs],
                **gaps_json(lacking),
            }
        )
    else:
        print_faults(faults, kind="fault")
        print_faults(notes, kind="note")
        for line in gap_lines(lacking):
            say(clean(line, 2000))
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


def _unvouched(site: Site) -> Iterator[Fault]:
    """Zones whose bundles nobody may sign."""
    signing = {zone for key in site.config.keys for zone in key.zones}
    for zone in site.config.zones:
        if zone.by == "bundle" and zone.id not in signing:
            yield Fault(
                str(site.root / "site.yaml"),
                f"zone {zone.id!r} is looked at by bundles, and no key is trusted for it",
                "add the public key to 'keys': until then none can be taken in",
            )


def _unpublished(calendar: Calendar, today: date) -> Iterator[Fault]:
    """The year in which deadlines that begin soon will end, where its working days are not known yet."""
    soon = today + _SOON
    for year in sorted({today.year, soon.year}):
        if year not in calendar.years:
            what = f"the State Council's notice of the working days of {year} is not there"
            mend = f"deadlines that need it are {PROVISIONAL} until it stands in calendars/{year}.yaml"
            yield Fault("working days", what, mend)


def _credentials(site: Site) -> Iterator[Fault]:
    """References that lead nowhere, and files that are not there. No secret is shown, nor kept."""
    from probes.secrets import SecretMissing

    where = str(site.root / "site.yaml")
    for scope in site.scopes:
        # Those of a zone that is looked at from inside lie there.
        near = site.zone(scope.zone.id).by == "centre"
        for secret in scope.access.secrets if near else ():
            # Only the service that systemd starts is handed its credentials.
            if secret.scheme == "systemd":
                continue
            try:
                secret.reveal()
            except SecretMissing as error:
                yield Fault(where, f"zone {scope.zone.id!r}: {error}", "put it there, or mend the reference")
        for file in scope.access.files:
            if not file.is_file():
                yield Fault(where, f"zone {scope.zone.id!r}: there is no file {file}", "put it there")


def _plain(fault: Fault) -> dict[str, str]:
    return {"where": fault.where, "what": fault.what, "mend": fault.mend}


def stop(root: Path, *, clear: bool) -> None:
    """The emergency stop: a file that every probing process of the site watches."""
    site = load_site(root)
    if clear:
        site.stop_file.unlink(missing_ok=True)
        say("probing is allowed again")
        return
    site.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    site.stop_file.write_text(clock.utc_now().isoformat() + "\n", encoding="utf-8")
    _tell_workers(site)
    say("all probing of this site ends now, and stays refused until 'auditor stop --clear'")


def _tell_workers(site: Site) -> None:
    from auditor.workers.centre import halt

    for problem in halt(site, reason="auditor stop", now=clock.utc_now):
        say(f"{problem}: workers that are not reached stop by themselves, when they hear nothing for a while")

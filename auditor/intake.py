"""What a site's own folder holds, ready to be judged: registers, packs in force, the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.errors import Refused
from auditor.ledger.presence import exists
from auditor.site import Site
from auditor.site_packs import named_folders, own_packs, pack_id

if TYPE_CHECKING:
    from auditor.ledger.store import Ledger
    from inventories.registers import RegisterResult
    from policies.calendars import Calendar
    from policies.model import Pack


def packs_in_force(site: Site) -> tuple[Pack, ...]:
    """The packs that the site names, with its settings.

    Raises Faults for one that does not load, or is another region's.
    """
    from policies.pack import load_packs

    return load_packs(
        [pack_id(name) for name in site.config.packs],
        settings=site.config.pack_settings,
        extra_dirs=[own_packs(site.root)],
        folders=named_folders(site),
        region=site.config.region,
        where=site.packs_at,
    )


def working_days(site: Site) -> Calendar:
    """The working days by which the site counts. Raises Faults for a year's file that cannot be right."""
    from policies.calendars import load_calendar

    return load_calendar(site.root / "calendars")


def read_registers(site: Site, now: datetime) -> RegisterResult:
    """The site's registers; what is wrong with them stands in the result.

    A department that was merged or renamed may still be called by what it was, also where its own row is gone.
    """
    from inventories.registers import load_registers

    former = former_names(site, now)
    return load_registers(site.registers, places=site.places, now=now, shown="registers", former=former)


def former_names(site: Site, now: datetime) -> Mapping[str, str]:
    """Ids and names that departments no longer have → the id of the department that they mean today."""
    if not exists(site.ledger):
        return {}
    from auditor.ledger.departments import listing
    from auditor.ledger.store import Ledger
    from auditor.successions import former_words

    with Ledger.open(site.ledger, create=False) as ledger, ledger.reading() as connection:
        return former_words(listing(connection), site.today(now))


def open_ledger(site: Site) -> Ledger:
    """The site's ledger, to read; :class:`Refused` where nothing was audited yet."""
    from auditor.ledger.store import Ledger

    if not exists(site.ledger):
        raise Refused(f"{site.ledger}: nothing was audited yet", f"'auditor audit --site {site.root}' does")
    return Ledger.open(site.ledger, create=False)

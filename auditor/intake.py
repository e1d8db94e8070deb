"""What a site's own folder holds, ready to be judged: registers, packs in force, the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from auditor.errors import Refused
from auditor.site import Site

if TYPE_CHECKING:
    from auditor.ledger.store import Ledger
    from inventories.registers import RegisterResult
    from policies.model import Pack


def packs_in_force(site: Site) -> tuple[Pack, ...]:
    """The packs that the site names, with its settings. Raises Faults for one that does not load."""
    from policies.pack import load_packs

    return tuple(load_packs(site.config.packs, settings=site.config.pack_settings))


def read_registers(site: Site, now: datetime) -> RegisterResult:
    """The site's registers; what is wrong with them stands in the result."""
    from inventories.registers import load_registers

    return load_registers(site.registers, places=site.places, now=now, shown="registers")


def open_ledger(site: Site) -> Ledger:
    """The site's ledger, to read; :class:`Refused` where nothing was audited yet."""
    from auditor.ledger.store import Ledger

    if not site.ledger.exists():
        raise Refused(f"{site.ledger}: nothing was audited yet", f"'auditor audit --site {site.root}' does")
    return Ledger.open(site.ledger, create=False)

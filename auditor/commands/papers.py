"""``ledger export``: the newest audit, drawn again."""

from __future__ import annotations

from pathlib import Path

from auditor import clock
from auditor.errors import Exit, Refused
from auditor.intake import open_ledger
from auditor.output import say
from auditor.site import Site, load_site
from reports.model import AuditView


def newest_view(site: Site) -> AuditView:
    """The newest recorded audit; :class:`Refused` where there is none."""
    from auditor.overview import newest_overview

    with open_ledger(site) as ledger:
        return newest_overview(site, ledger, clock.utc_now())


def export_ledger(root: Path, file: Path) -> int:
    if file.suffix.lower() != ".xlsx":
        raise Refused(f"{file} is no .xlsx file: name one")
    from reports.ledgers import write_ledger

    write_ledger(newest_view(load_site(root)), file)
    say(str(file))
    return Exit.DONE

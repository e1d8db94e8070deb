"""``ledger export`` and ``metrics``: the newest audit, drawn again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from auditor.errors import Exit, Refused
from auditor.intake import open_ledger
from auditor.output import say
from auditor.site import Site, load_site
from reports.model import AuditView


def newest_view(site: Site) -> AuditView:
    """The newest recorded audit; :class:`Refused` where there is none."""
    from auditor.judging import reopen
    from auditor.overview import overview

    with open_ledger(site) as ledger:
        recorded = [row for row in ledger.audits() if row.recorded_at is not None]
        if not recorded:
            raise Refused(f"{site.root}: no audit was recorded yet", f"'auditor audit --site {site.root}' does")
        run = recorded[0]
        return overview(site, ledger, reopen(site, run.snapshot), run, now=datetime.now(UTC))


def export_ledger(root: Path, file: Path) -> int:
    if file.suffix.lower() != ".xlsx":
        raise Refused(f"{file} is no .xlsx file: name one")
    from reports.ledgers import write_ledger

    write_ledger(newest_view(load_site(root)), file)
    say(str(file))
    return Exit.DONE


def metrics(root: Path, textfile: Path | None) -> int:
    from reports.metrics import render_metrics, write_textfile

    text = render_metrics(newest_view(load_site(root)))
    if textfile is None:
        sys.stdout.write(text)
    else:
        write_textfile(text, textfile)
        say(str(textfile))
    return Exit.DONE

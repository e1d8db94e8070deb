"""``metrics``: the newest audit's figures as Prometheus text, and the history of all of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from auditor import clock
from auditor.errors import Exit, Refused
from auditor.intake import open_ledger
from auditor.output import say
from auditor.site import Site, load_site
from inventories.faults import clean


def show(root: Path, textfile: Path | None) -> int:
    """Exit 4 where a part cannot be told; the others are written all the same."""
    from auditor.exporter import trail_check
    from auditor.exporter.gathering import Gatherer
    from auditor.exporter.pages import Page, tail
    from auditor.ledger.errors import LedgerError
    from reports.metrics import Format, write_textfile

    site = load_site(root)
    _need_audit(site)
    now = clock.utc_now()
    gatherer = Gatherer(site)
    try:
        gathered = gatherer.gather(now)
        try:
            checked = trail_check.checked(gatherer.ledger(), site.state, now)
        except LedgerError:
            checked = trail_check.newest(site.state)
    finally:
        gatherer.close()
    text = Page(gathered).plain(tail(site, gathered, checked, Format.PLAIN), Format.PLAIN).decode()
    if textfile is None:
        sys.stdout.write(text)
    else:
        write_textfile(text, textfile)
        say(str(textfile))
    for part, why in gathered.troubles.items():
        say(f"{part.value}: {clean(why, 500)}")
    return Exit.PARTIAL if gathered.troubles else Exit.DONE


def _need_audit(site: Site) -> None:
    """:class:`Refused` where there is nothing to tell of yet; a ledger that is busy may well have something."""
    from auditor.ledger.errors import LedgerError

    try:
        with open_ledger(site) as ledger:
            recorded = any(row.recorded_at is not None for row in ledger.audits())
    except LedgerError:
        return
    if not recorded:
        raise Refused(f"{site.root}: no audit was recorded yet", f"'auditor audit --site {site.root}' does")


def backfill(root: Path, file: Path, *, since: str | None, until: str | None, labels: Sequence[str]) -> int:
    """Writes the history with a sample for each day up to yesterday, for ``promtool tsdb create-blocks-from``."""
    from auditor.ledger import history
    from auditor.overview import newest_overview
    from auditor.trends import note_audit, note_cases, openmetrics
    from reports.files import replacing

    site = load_site(root)
    named = _labels(labels)
    now = clock.utc_now()
    last = _day(until, "--until") or site.today(now) - timedelta(days=1)
    first = _day(since, "--since")
    if last > site.today(now):
        raise Refused(f"--until {last} is still to come")
    with open_ledger(site) as ledger:
        # What an audit that was killed while it drew its papers, or a step on a full disk, left unsaid.
        note_audit(site, ledger, newest_overview(site, ledger, now), now=now)
        with ledger.writing() as connection:
            note_cases(connection, site.today(now))
        with ledger.reading() as connection:
            begins = history.first_day(connection)
            if begins is None or begins > last:
                raise Refused(
                    f"nothing was noted up to {last}: the history begins on {begins or 'the day of the first audit'}"
                )
            with replacing(file) as fresh, fresh.open("w", encoding="utf-8") as stream:
                stream.writelines(
                    openmetrics(connection, since=first, until=last, timezone=site.timezone, now=now, labels=named)
                )
    say(str(file))
    return Exit.DONE


def _labels(given: Sequence[str]) -> Mapping[str, str]:
    """``job=auditor`` and the like. :class:`Refused` for what is none, or would hide a label of ours."""
    from reports.metrics_names import METRICS

    taken = {label for metric in METRICS.values() for label in metric.labels}
    out = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) or name.startswith("__"):
            raise Refused(f"--label {clean(text, 80)!r} is no label: write one such as job=auditor")
        if name in taken:
            raise Refused(f"--label {name}: the metrics have a label of that name already")
        out[name] = clean(value, 200)
    return out


def _day(text: str | None, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise Refused(f"{option} {clean(text or '', 40)!r} is no date: write one such as 2026-12-01") from None

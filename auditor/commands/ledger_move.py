"""``ledger move``: the ledger into another database, and what site.yaml has to say from then on."""

from __future__ import annotations

from pathlib import Path

from auditor import clock
from auditor.errors import Exit, Refused
from auditor.ledger.place import LedgerPlace
from auditor.ledger.presence import exists
from auditor.output import print_json, say
from auditor.site import Site, load_site
from auditor.site_ledger import LedgerConfig
from inventories.faults import clean
from probes.secrets import Secret


def move(root: Path, to: str, *, password: str, as_json: bool) -> int:
    """Exit 2 where the target holds anything, 3 where the two differ; the old ledger stays in use then."""
    from auditor.commands.ledger_backup import digest_json, tell
    from auditor.commands.typed import refusing
    from auditor.ledger import moving
    from auditor.ledger.holding import hold

    site, now = load_site(root), clock.utc_now()
    target = _target(site, to, password)
    if target.shown == site.ledger.shown:
        raise Refused(f"{target}: there the ledger lies already")
    if not exists(site.ledger):
        raise Refused(
            f"{site.ledger}: nothing was written down yet", "name the new place in site.yaml, and begin there"
        )
    if target.file is not None and target.file.exists():
        raise Refused(f"{target} is there already", "put it aside: an old ledger is never written over")
    with refusing(), hold(site, "audit", command="auditor ledger move", now=now):
        copied = moving.move(site.ledger, target, at=now, tell=tell)
    line = _line(target)
    if as_json:
        print_json(
            {
                "from": site.ledger.shown,
                "to": target.shown,
                "tables": [digest_json(one) for one in copied.tables],
                "head": str(copied.head),
                "faults": list(copied.faults),
                "site_yaml": line,
            }
        )
    for fault in copied.faults:
        say(f"as before the move: {clean(fault, 300)}")
    say(f"{sum(one.rows for one in copied.tables)} rows, each the same in both; head {copied.head}")
    say(f"{site.ledger} is closed; nothing works until site.yaml says:")
    say(line)
    return Exit.DONE


def _target(site: Site, to: str, password: str) -> LedgerPlace:
    """The place that was named; :class:`Refused` for one that a site's ledger cannot lie in."""
    try:
        place = LedgerPlace.parse(to, Secret.parse(password) if password else None)
    except ValueError as error:
        # Neither is repeated: a password may stand in it.
        raise Refused(f"{error}") from None
    own = LedgerConfig().place(site.state)
    if place.file is not None and own.file is not None and place.file.resolve() != own.file.resolve():
        raise Refused(
            f"a site's ledger lies in {own}, or in PostgreSQL",
            f"'auditor ledger backup FILE --site {site.root}' makes a copy elsewhere",
        )
    return own if place.file is not None else place


def _line(place: LedgerPlace) -> str:
    if place.file is not None:
        return "# no section 'ledger'"
    password = f', password: "{place.password}"' if place.password is not None else ""
    return f'ledger: {{url: "{place.url}"{password}}}'

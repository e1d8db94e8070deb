"""``ledger backup`` and ``ledger restore``: one file that holds the whole ledger, whatever database that lies in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.errors import Exit, Refused
from auditor.ledger.presence import exists
from auditor.output import print_json, say
from auditor.site import load_site
from inventories.faults import clean

if TYPE_CHECKING:
    from auditor.ledger.copying import Digest
    from auditor.ledger.moving import Copied


def backup(root: Path, file: Path, *, as_json: bool) -> int:
    """Others may go on writing meanwhile: the copy is of the moment at which it began."""
    from auditor.ledger import moving

    site = load_site(root)
    if file.exists() or file.is_symlink():
        raise Refused(f"{file} is there already", "name a new file: an old copy is never written over")
    if not file.parent.is_dir():
        raise Refused(f"{file.parent} is no folder")
    if not exists(site.ledger):
        raise Refused(f"{site.ledger}: nothing was written down yet")
    return _told(moving.backup(site.ledger, file, tell=tell), file.name, as_json)


def restore(root: Path, file: Path, *, as_json: bool) -> int:
    """Exit 2 where the site has a ledger: what is in it is never written over."""
    from auditor.commands.typed import refusing
    from auditor.ledger import moving
    from auditor.ledger.holding import hold

    site, now = load_site(root), clock.utc_now()
    if site.ledger.file is not None and exists(site.ledger):
        raise Refused(f"{site.ledger} is there already", "put it aside first, with its -wal file if there is one")
    site.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with refusing(), hold(site, "audit", command="auditor ledger restore", now=now):
        copied = moving.restore(file, site.ledger, folder=site.state, tell=tell)
    return _told(copied, site.ledger.shown, as_json)


def tell(one: Digest) -> None:
    if one.rows:
        say(f"{one.table}: {one.rows} rows")


def digest_json(one: Digest) -> dict[str, object]:
    return {"table": one.table, "rows": one.rows, "sha256": one.sha256}


def _told(copied: Copied, name: str, as_json: bool) -> int:
    if as_json:
        tables = [digest_json(one) for one in copied.tables]
        print_json({"to": name, "tables": tables, "head": str(copied.head), "faults": list(copied.faults)})
    for fault in copied.faults:
        say(f"as in what was copied: {clean(fault, 300)}")
    say(f"{name}: {sum(one.rows for one in copied.tables)} rows, each compared; head {copied.head}")
    return Exit.DONE

"""A ledger moved to another database, copied into a file, and put back from one: whole, compared, or not at all."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection

from auditor.ledger import schema, trail
from auditor.ledger.copying import Digest, Tell, copy, digests, is_empty
from auditor.ledger.dialects import Database, connect
from auditor.ledger.errors import LedgerError, Refusal
from auditor.ledger.place import LedgerPlace
from auditor.ledger.trail import Head
from reports.files import replacing


@dataclass(frozen=True, slots=True)
class Copied:
    """What both ledgers hold now: each table's digest, the trail's head, and the faults that are in both."""

    tables: tuple[Digest, ...]
    head: Head
    faults: tuple[str, ...]


def move(source: LedgerPlace, target: LedgerPlace, *, at: datetime, tell: Tell = lambda _: None) -> Copied:
    """Copies the ledger to an empty place, compares every row, and closes the old one for good.

    Nobody writes to the old one meanwhile, and afterwards whoever opens it is told where it went. The caller holds
    the audit's lock. LedgerError where the target holds something or the two differ: then the target is as it was.
    """
    with _opened(source) as old, old.writing() as own:
        schema.check_unchanged(old.where, own)
        with old.reading() as rows:
            copied = _copy_to(rows, target, tell)
        # From here on the new one is whole on disk.
        schema.mark_moved(own, target.shown, at)
    return copied


def backup(source: LedgerPlace, file: Path, *, tell: Tell = lambda _: None) -> Copied:
    """A copy of the ledger as it stands, in a new SQLite file, while others may go on writing.

    The file is made owner-only, and appears once every row was compared. LedgerError, and OSError where it cannot be
    written.
    """
    with _opened(source) as old, old.reading() as rows:
        if old.is_postgresql:
            return _copy_to(rows, LedgerPlace(file=file), tell)
        with replacing(file) as fresh:
            with closing(sqlite3.connect(fresh)) as other:
                # Within the transaction that reads: what others write meanwhile is not in it.
                rows.connection.driver_connection.backup(other)  # type: ignore[union-attr]  # it is sqlite3's
            return _compared(rows, digests(rows), LedgerPlace(file=fresh), tell)


def restore(file: Path, target: LedgerPlace, *, folder: Path, tell: Tell = lambda _: None) -> Copied:
    """Puts a copy that :func:`backup` made in the place of a ledger that is not there, or is empty.

    The copy stays as it is: one of an older program is brought forward in a file of its own in ``folder``. The caller
    holds the audit's lock. LedgerError where the target holds something, and where the copy is none or is damaged.
    """
    if not file.is_file():
        raise _refused(str(file), "there is no such file", "name a copy that 'auditor ledger backup' made")
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=folder) as own:
        fresh = Path(own) / "ledger.sqlite"
        _duplicate(file, fresh)
        with _opened(LedgerPlace(file=fresh), where=str(file)) as copied, copied.reading() as rows:
            return _copy_to(rows, target, tell)


def _copy_to(rows: Connection, target: LedgerPlace, tell: Tell) -> Copied:
    """Into a file that is not there yet, or an empty database; compared before anything of it can be seen."""
    if target.file is None:
        with _opened(target, create=True) as database:
            return _fill(rows, database, tell)
    if target.file.exists():
        raise _refused(target.shown, "is there already", "put it aside, or name another")
    with (
        replacing(target.file) as fresh,
        _opened(LedgerPlace(file=fresh), create=True, where=target.shown) as database,
    ):
        return _fill(rows, database, tell)


def _fill(rows: Connection, database: Database, tell: Tell) -> Copied:
    with database.writing() as fresh:
        if not is_empty(fresh):
            raise _refused(database.where, "holds a ledger with data already", "name an empty database")
        read = copy(rows, fresh, tell)
        return _same(rows, fresh, read, digests(fresh), database.where)


def _compared(rows: Connection, read: tuple[Digest, ...], target: LedgerPlace, tell: Tell) -> Copied:
    with _opened(target) as database, database.reading() as fresh:
        found = _same(rows, fresh, read, digests(fresh), database.where)
    for one in found.tables:
        tell(one)
    return found


def _same(
    rows: Connection, fresh: Connection, read: tuple[Digest, ...], written: tuple[Digest, ...], where: str
) -> Copied:
    different = [one.table for one, other in zip(read, written, strict=True) if one != other]
    faults = trail.verify(rows)
    if different or trail.verify(fresh) != faults:
        raise LedgerError(where, f"the copy differs in {', '.join(different) or 'its trail'}", "do it again")
    return Copied(read, trail.head(rows), tuple(faults))


def _refused(where: str, what: str, mend: str) -> LedgerError:
    """Nothing was done; as what was asked makes no sense, not because something failed."""
    error = LedgerError(where, what, mend)
    error.__cause__ = Refusal(f"{where}: {what}", mend)
    return error


@contextmanager
def _opened(place: LedgerPlace, *, create: bool = False, where: str = "") -> Iterator[Database]:
    """A database of this program's revision; ``where`` is what its errors call it."""
    database = connect(place, create=create)
    database = Database(database.engine, where or database.where)
    try:
        schema.bring_up(database, create=create)
        yield database
    finally:
        database.engine.dispose()


def _duplicate(file: Path, fresh: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(file.absolute()))}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(fresh)) as new,
        ):
            if old.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
                raise LedgerError(str(file), "is damaged", "take an earlier copy")
            old.backup(new)
    except sqlite3.Error as error:
        raise LedgerError(str(file), f"is no copy of a ledger, or is damaged: {error}", "take another") from error

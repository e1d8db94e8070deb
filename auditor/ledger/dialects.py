"""What differs between databases, and how their errors read: the only module that knows SQLite or PostgreSQL.

SQLite runs in WAL mode: readers never wait, and there is one writer, which takes its place with ``BEGIN
IMMEDIATE`` (a transaction that begins by reading and then writes fails at once where another wrote meanwhile).
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import SQLAlchemyError, StatementError

from auditor.ledger.errors import LedgerError
from inventories.faults import clean
from inventories.model import canonical

#: How long a writer waits for another one, in seconds.
BUSY_SECONDS = 30

# Any number will do: it marks "one writer at a time" among this program's connections to one PostgreSQL database.
_ADVISORY_LOCK = 0x6175_6469

_NEWEST = "put back the newest copy of the file; snapshots are whole without it"
_ROOM = "make room, then do it again: what was recorded before is untouched"

_SQLITE_ERRORS: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("the disk is full", _ROOM),
    sqlite3.SQLITE_IOERR: ("the disk refuses to read or write (full, over a quota, or failing)", _ROOM),
    sqlite3.SQLITE_READONLY: ("is read-only", "let the audit's user write the file and its folder"),
    sqlite3.SQLITE_PERM: ("may not be used by this user", "let the audit's user write the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "let the audit's user read and write the file and its folder"),
    sqlite3.SQLITE_NOTADB: ("is not a ledger, or is damaged", _NEWEST),
    sqlite3.SQLITE_CORRUPT: ("is damaged", _NEWEST),
    sqlite3.SQLITE_BUSY: ("is being written by another program", "wait until that has ended, then do it again"),
    sqlite3.SQLITE_LOCKED: ("is being written by another program", "wait until that has ended, then do it again"),
}

_OS_ERRORS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: _SQLITE_ERRORS[sqlite3.SQLITE_FULL],
    errno.EDQUOT: _SQLITE_ERRORS[sqlite3.SQLITE_FULL],
    errno.EFBIG: _SQLITE_ERRORS[sqlite3.SQLITE_FULL],
    errno.EROFS: ("lies on a read-only file system", "choose a folder that can be written"),
    errno.EACCES: ("may not be written by this user", "let the audit's user write the file and its folder"),
    errno.EPERM: ("may not be written by this user", "let the audit's user write the file and its folder"),
    errno.EISDIR: ("is a folder", "name the ledger's file"),
    errno.ENOENT: ("its folder does not exist", "make the folder, or name the right one"),
    errno.ENOTDIR: ("its folder does not exist", "make the folder, or name the right one"),
    errno.ELOOP: ("is a symbolic link", "name the file itself"),
}


@dataclass(frozen=True, slots=True)
class Database:
    """An engine with the name under which errors speak of it (never with a password)."""

    engine: Engine
    where: str

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; never waits for the writer."""
        with told(self.where), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing, one writer at a time. Whatever is raised inside undoes everything."""
        engine = self.engine.execution_options(ledger_writes=True)
        with told(self.where), engine.connect() as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
            yield connection


def connect(target: str | Path, *, create: bool) -> Database:
    """A database for a path (SQLite) or an SQLAlchemy URL; nothing is read yet.

    A new file is made owner-only, and an existing one is made so. LedgerError where that is impossible.
    """
    text = str(target)
    if "://" not in text:
        return _sqlite(Path(text), create)
    try:
        url = make_url(text)
        if url.get_backend_name() == "sqlite":
            return _sqlite(Path(url.database or ""), create)
        engine = create_engine(url, json_serializer=_json, hide_parameters=True, pool_pre_ping=True)
    except ImportError as error:
        raise LedgerError(
            "ledger", f"the database's driver is missing: {_first_line(error)}", "install it"
        ) from error
    except SQLAlchemyError as error:
        # The address is not repeated: it may hold a password.
        raise LedgerError(
            "ledger", "is no address of a database", "write postgresql+psycopg://…, or a path"
        ) from error
    return Database(engine, url.render_as_string(hide_password=True))


@contextmanager
def told(where: str) -> Iterator[None]:
    """Turns what a database raises into a LedgerError."""
    try:
        yield
    except StatementError as error:
        code = getattr(error.orig, "sqlite_errorcode", None)
        if code is not None and (known := _SQLITE_ERRORS.get(code & 0xFF)):
            raise LedgerError(where, *known) from error
        raise LedgerError(where, f"the database refuses: {_first_line(error.orig or error)}") from error
    except UnicodeEncodeError as error:
        raise LedgerError(
            where, "a text holds characters that cannot be stored", "clean it where it is read"
        ) from error


def _sqlite(path: Path, create: bool) -> Database:
    if not path.name:
        raise LedgerError("ledger", "has no file name", "name the ledger's file")
    path = path.absolute()
    _owner_only(path, create)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        json_serializer=_json,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _settings)
    event.listen(engine, "begin", _begin)
    return Database(engine, str(path))


def _owner_only(path: Path, create: bool) -> None:
    """Makes the file (SQLite gives its companions the same mode), or takes other people's rights away.

    The file is never opened here: closing it would drop every POSIX lock that this process holds on it, and
    another connection's write-ahead log could be removed under it (sqlite.org/howtocorrupt.html, 2.2).
    """
    try:
        if create:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.mknod(path, 0o600 | stat.S_IFREG)
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not os.access(path, os.R_OK | os.W_OK):
            # "Denied", or why not even root may: a read-only file system.
            read_only = os.statvfs(path).f_flag & os.ST_RDONLY
            raise OSError(errno.EROFS if read_only else errno.EACCES, os.strerror(errno.EACCES))
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077:
            path.chmod(mode & 0o700)
    except FileNotFoundError as error:
        if create or not path.parent.is_dir():
            raise LedgerError(str(path), *_OS_ERRORS[errno.ENOENT]) from error
        raise LedgerError(str(path), "there is no ledger yet", "run an audit first") from error
    except OSError as error:
        what, mend = _OS_ERRORS.get(error.errno or 0, (f"cannot be opened: {error.strerror or error}", ""))
        raise LedgerError(str(path), what, mend) from error


def _settings(connection: sqlite3.Connection, _record: object) -> None:
    """For each new SQLite connection."""
    # SQLAlchemy says when a transaction begins (see _begin); the driver must not guess.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        for pragma in (
            "journal_mode = WAL",
            # A record of public acts must outlive a power cut, not only a crash of the program.
            "synchronous = FULL",
            "foreign_keys = ON",
            "trusted_schema = OFF",
            f"busy_timeout = {BUSY_SECONDS * 1000}",
            # KiB; what one record touches stays in memory instead of spilling half-way.
            "cache_size = -65536",
            "journal_size_limit = 67108864",
        ):
            cursor.execute(f"PRAGMA {pragma}")
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("ledger_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _json(body: Any) -> str:
    # A lone surrogate is no UTF-8, but its escape is good JSON.
    return canonical(body).encode("utf-8", "backslashreplace").decode("utf-8")


def _first_line(error: BaseException) -> str:
    return clean((str(error).splitlines() or [type(error).__name__])[0], 200)

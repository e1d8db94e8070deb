"""What only SQLite needs: its file for the owner alone, its settings, and its errors in words.

SQLite runs in WAL mode: readers never wait, and there is one writer, which takes its place with ``BEGIN
IMMEDIATE`` (a transaction that begins by reading and then writes fails at once where another wrote meanwhile).
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event

from auditor.ledger.errors import LedgerError
from auditor.ledger.rows import json_text

#: How long a writer waits for another one, in seconds.
BUSY_SECONDS = 30

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


def engine(path: Path) -> Engine:
    """An engine for a file that :func:`owner_only` has looked at; nothing is read yet."""
    made = create_engine(
        URL.create("sqlite", database=str(path)),
        json_serializer=json_text,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(made, "connect", _settings)
    event.listen(made, "begin", _begin)
    return made


def explain(error: BaseException | None) -> tuple[str, str] | None:
    """What a driver's error means and how to mend it; None for one that is not known, or another driver's."""
    code = getattr(error, "sqlite_errorcode", None)
    return _SQLITE_ERRORS.get(code & 0xFF) if isinstance(code, int) else None


def owner_only(path: Path, create: bool) -> None:
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

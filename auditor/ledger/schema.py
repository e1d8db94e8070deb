"""Brings a database to this program's schema, by Alembic's migrations packaged beside this module."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from sqlalchemy import Connection, inspect, text

from auditor.ledger import postgresql
from auditor.ledger.dialects import Database
from auditor.ledger.errors import LedgerError
from inventories.faults import clean

#: The newest revision; kept here so that opening an up-to-date ledger need not load Alembic.
HEAD = "0005"

MIGRATIONS = Path(__file__).parent / "migrations"

# Alembic keeps its context in module globals.
_ALEMBIC = threading.Lock()


#: Stands in a revision's place where the ledger was moved elsewhere: nothing more is written here.
MOVED = "moved"


def bring_up(database: Database, *, create: bool = True) -> None:
    """Creates or upgrades the schema, in one transaction under the writer's lock.

    LedgerError where the database is another program's, its schema is newer than this program, or the ledger was
    moved elsewhere. Without ``create`` an empty database is said to be none (a file is there only where one began).
    """
    with database.reading() as connection:
        found = revision(connection)
        if found == HEAD:
            return
        if found is None and not create and database.is_postgresql and not inspect(connection).get_table_names():
            raise LedgerError(database.where, "there is no ledger yet", "run an audit first")
    with _ALEMBIC, database.writing() as connection:
        # Another process may have done it while this one waited for the lock.
        found = revision(connection)
        if found == HEAD:
            return
        if found is None:
            _check_new(database, connection)
        _upgrade(database.where, connection, found)


def is_there(connection: Connection) -> bool:
    """Whether the database holds a ledger, of whatever revision."""
    return revision(connection) is not None


def check_unchanged(where: str, connection: Connection) -> None:
    """To be asked once the writer's lock is held: another program may have moved the ledger, or brought it forward.

    LedgerError where it did.
    """
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if found != HEAD:
        _refuse(where, connection, str(found))


def mark_moved(connection: Connection, to: str, at: datetime) -> None:
    """From here on the ledger is another one: whoever opens this one, or has it open and writes, is told so."""
    connection.execute(text("CREATE TABLE ledger_moved (place TEXT NOT NULL, at TEXT NOT NULL)"))
    connection.execute(
        text("INSERT INTO ledger_moved VALUES (:place, :at)"), {"place": to, "at": at.isoformat(timespec="seconds")}
    )
    connection.execute(text("UPDATE alembic_version SET version_num = :moved"), {"moved": MOVED})


def _check_new(database: Database, connection: Connection) -> None:
    if inspect(connection).get_table_names():
        thing = "database" if database.is_postgresql else "file"
        raise LedgerError(database.where, "is a database of another program", f"name another {thing} for the ledger")
    if database.is_postgresql and (found := postgresql.encoding(connection)) != "UTF8":
        raise LedgerError(
            database.where, f"its encoding is {found}", "create it with ENCODING 'UTF8' TEMPLATE template0"
        )


def _refuse(where: str, connection: Connection, found: str) -> NoReturn:
    if found == MOVED:
        place, at = connection.execute(text("SELECT place, at FROM ledger_moved")).one()
        raise LedgerError(
            where,
            f"the ledger was moved to {clean(place, 500)} at {clean(at, 40)}: nothing is written here any more",
            "name that place under 'ledger' in site.yaml",
        )
    raise LedgerError(
        where,
        f"was written by a newer version of this program (schema {clean(found, 40)}, known up to {HEAD})",
        "upgrade it",
    )


def revision(connection: Connection) -> str | None:
    """The schema's revision, or None where there is none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found is not None else None


def _upgrade(where: str, connection: Connection, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    # ConfigParser gives the per cent sign a meaning.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        _refuse(where, connection, found)
    command.upgrade(config, "head")

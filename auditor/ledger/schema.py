"""Brings a database to this program's schema, by Alembic's migrations packaged beside this module."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from auditor.ledger.dialects import Database
from auditor.ledger.errors import LedgerError

#: The newest revision; kept here so that opening an up-to-date ledger need not load Alembic.
HEAD = "0004"

MIGRATIONS = Path(__file__).parent / "migrations"

# Alembic keeps its context in module globals.
_ALEMBIC = threading.Lock()


def bring_up(database: Database) -> None:
    """Creates or upgrades the schema, in one transaction under the writer's lock.

    LedgerError where the database is another program's, or its schema is newer than this program.
    """
    with database.reading() as connection:
        if revision(connection) == HEAD:
            return
    with _ALEMBIC, database.writing() as connection:
        # Another process may have done it while this one waited for the lock.
        found = revision(connection)
        if found == HEAD:
            return
        if found is None and inspect(connection).get_table_names():
            raise LedgerError(database.where, "is a database of another program", "name another file for the ledger")
        _upgrade(database.where, connection, found)


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
        raise LedgerError(
            where,
            f"was written by a newer version of this program (schema {found}, known up to {HEAD})",
            "upgrade it",
        )
    command.upgrade(config, "head")

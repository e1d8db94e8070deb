"""Where the tests' ledgers lie: in files, or with ``LEDGER_SERVER`` set each in a database of one PostgreSQL server.

``LEDGER_SERVER=/folder/of/its/socket:port`` names a server that trusts whoever reaches the socket. What a test would
lay into a file it lays into the database whose name follows from the file's path, so that every process that knows
the path finds the same ledger. Tests marked ``sqlite_file`` are about SQLite's own file and are left out there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from auditor.ledger.place import LedgerPlace
from auditor.ledger.store import Ledger

SERVER = os.environ.get("LEDGER_SERVER", "")
#: What the databases raise where a trigger of theirs forbids something.
FORBIDDEN = (sqlite3.IntegrityError, psycopg.errors.RaiseException)

#: What somebody has to do first who would change the trail past its guards.
UNGUARD = (
    ("DROP TRIGGER trail_append_only ON trail",)
    if SERVER
    else ("DROP TRIGGER trail_update", "DROP TRIGGER trail_delete")
)

_EMPTY, _TEMPLATE = "template0", "ledger_template"
_made: dict[str, Path] = {}


def ledger_of(path: Path) -> LedgerPlace:
    """The ledger that would lie in a file: its place. On the server it is there already, and empty."""
    return _place(path, _template) if SERVER else LedgerPlace(file=path)


def site_ledger(root: Path) -> LedgerPlace:
    """The ledger of a site's folder: its place. Nothing is there until it is opened."""
    path = root / "state" / "ledger.sqlite"
    return _place(path, lambda: _EMPTY) if SERVER else LedgerPlace(file=path)


def section(root: Path) -> dict[str, dict[str, str]]:
    """What site.yaml has to say so that the site's ledger is :func:`site_ledger`."""
    return {"ledger": {"url": site_ledger(root).url}} if SERVER else {}


def copy_site(source: Path, target: Path) -> None:
    """Copies a site's folder, and its ledger, which nobody has open."""
    shutil.copytree(source, target, dirs_exist_ok=True)
    if SERVER:
        old, new = site_ledger(source), _name(target / "state" / "ledger.sqlite")
        _drop(new)
        _create(new, _name(source / "state" / "ledger.sqlite"))
        _made[new] = target
        file = target / "site.yaml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(old.url, site_ledger(target).url), encoding="utf-8")


def forget(under: Path) -> None:
    """Drops the databases of a test's folder."""
    for name, path in [*_made.items()]:
        if path.is_relative_to(under):
            _drop(name)
            del _made[name]


class Past:
    """A connection past the program, as somebody with the file or the database in hand has it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """A statement's rows; its values stand as ``?``."""
        if SERVER:
            statement = statement.replace("%", "%%").replace("?", "%s") if values else statement
        done = (
            self._connection.execute(statement, values or None)
            if SERVER
            else self._connection.execute(statement, values)
        )
        return [tuple(row) for row in done.fetchall()] if done.description else []

    def tables(self) -> list[str]:
        where = "pg_tables WHERE schemaname = 'public'" if SERVER else "sqlite_master WHERE type = 'table'"
        return [row[0] for row in self.rows(f"SELECT {'tablename' if SERVER else 'name'} FROM {where}")]

    def columns(self, table: str) -> list[str]:
        done = self._connection.execute(f'SELECT * FROM "{table}" LIMIT 0')
        return [column[0] for column in done.description]


@contextmanager
def past(place: LedgerPlace) -> Iterator[Past]:
    """What is done in it is stored at the end."""
    made = (
        psycopg.connect(_dsn(place.url.split("/")[3].split("?")[0])) if SERVER else sqlite3.connect(str(place.file))
    )
    with closing(made) as connection, connection:
        yield Past(connection)


def forbid_inserts(place: LedgerPlace, table: str) -> None:
    """Makes the database refuse every new row of a table."""
    with past(place) as database:
        if SERVER:
            database.rows("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$")
            database.rows(f"CREATE TRIGGER t BEFORE INSERT ON {table} EXECUTE FUNCTION no()")
        else:
            database.rows(f"CREATE TRIGGER t BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END")


def dump(place: LedgerPlace) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, whatever their order was."""
    with past(place) as database:
        return {name: sorted(database.rows(f'SELECT * FROM "{name}"'), key=repr) for name in database.tables()}


def _place(path: Path, like: Any) -> LedgerPlace:
    name = _name(path)
    if name not in _made:
        if not _exists(name):
            _create(name, like())
        _made[name] = path
    folder, _, port = SERVER.rpartition(":")
    return LedgerPlace(url=f"postgresql+psycopg://postgres@/{name}?host={folder}&port={port}")


@cache
def _template() -> str:
    """A database with an empty ledger, so that not every test has to run the migrations."""
    if not _exists(_TEMPLATE):
        _create(_TEMPLATE, _EMPTY)
        folder, _, port = SERVER.rpartition(":")
        Ledger.open(f"postgresql+psycopg://postgres@/{_TEMPLATE}?host={folder}&port={port}").close()
    return _TEMPLATE


def _name(path: Path) -> str:
    return "l" + hashlib.sha256(str(path).encode()).hexdigest()[:24]


def _dsn(database: str) -> str:
    folder, _, port = SERVER.rpartition(":")
    return f"host={folder} port={port} user=postgres dbname={database}"


def _exists(name: str) -> bool:
    with psycopg.connect(_dsn("postgres")) as connection:
        return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def _create(name: str, like: str) -> None:
    _order(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(like)))


def _drop(name: str) -> None:
    _order(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _order(statement: sql.Composed) -> None:
    with psycopg.connect(_dsn("postgres"), autocommit=True) as connection:
        connection.execute(statement)

"""The one door to either database: connections to read and to write by, and errors in the ledger's own words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from auditor.ledger import postgresql, sqlite
from auditor.ledger.errors import LedgerError
from auditor.ledger.place import LedgerPlace
from inventories.faults import clean
from probes.secrets import SecretMissing


@dataclass(frozen=True, slots=True)
class Database:
    """An engine with the name under which errors speak of it (never with a password)."""

    engine: Engine
    where: str

    @property
    def is_postgresql(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view; never waits for the writer."""
        engine = self.engine
        if self.is_postgresql:
            engine = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with told(self.where), engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing, one writer at a time. Whatever is raised inside undoes everything."""
        if self.is_postgresql:
            # Each statement sees what was stored before it, so all of them what the writer before left.
            engine = self.engine.execution_options(isolation_level="READ COMMITTED")
        else:
            engine = self.engine.execution_options(ledger_writes=True)
        with told(self.where), engine.connect() as connection, self._storing(connection):
            if self.is_postgresql:
                postgresql.wait_to_write(connection)
            yield connection

    @contextmanager
    def _storing(self, connection: Connection) -> Iterator[None]:
        """A transaction. Where the connection is lost during its commit, nobody here can tell what became of it."""
        is_done = False
        try:
            with connection.begin():
                yield
                is_done = True
        except DBAPIError as error:
            if is_done and error.connection_invalidated:
                raise LedgerError(
                    self.where,
                    "the connection was lost while it was being stored: it is stored whole, or not at all",
                    "look whether it is there before doing it again",
                ) from error
            raise


def connect(target: str | Path | LedgerPlace, *, create: bool) -> Database:
    """A database for a place, a path (SQLite) or a URL; nothing is read yet.

    A new file is made owner-only, and an existing one is made so. LedgerError where that is impossible.
    """
    place = target if isinstance(target, LedgerPlace) else _place(str(target))
    if place.file is not None:
        if not place.file.name:
            raise LedgerError("ledger", "has no file name", "name the ledger's file")
        path = place.file.absolute()
        sqlite.owner_only(path, create)
        return Database(sqlite.engine(path), str(path))
    try:
        return Database(postgresql.engine(place), place.shown)
    except SQLAlchemyError as error:
        raise _no_address() from error
    except ImportError as error:
        raise LedgerError(
            "ledger", f"the database's driver is missing: {_first_line(error)}", "install it"
        ) from error


@contextmanager
def told(where: str) -> Iterator[None]:
    """Turns what a database raises into a LedgerError."""
    try:
        yield
    except StatementError as error:
        known = sqlite.explain(error.orig)
        if known is None and isinstance(error, DBAPIError):
            known = postgresql.explain(error)
        if known is not None:
            raise LedgerError(where, *known) from error
        raise LedgerError(where, f"the database refuses: {_first_line(error.orig or error)}") from error
    except SecretMissing as error:
        raise LedgerError(where, f"its password: {error}", "put it there, or mend the reference") from error
    except UnicodeEncodeError as error:
        raise LedgerError(
            where, "a text holds characters that cannot be stored", "clean it where it is read"
        ) from error


def _place(text: str) -> LedgerPlace:
    """A path, a URL of PostgreSQL's, or SQLAlchemy's ``sqlite:///path``."""
    try:
        if text.startswith("sqlite://"):
            return LedgerPlace(file=Path(make_url(text).database or ""))
        return LedgerPlace.parse(text)
    except ValueError as error:
        raise LedgerError("ledger", str(error)) from error
    except SQLAlchemyError as error:
        raise _no_address() from error


def _no_address() -> LedgerError:
    """The address is not repeated: it may hold a password."""
    return LedgerError("ledger", "is no address of a database", "write postgresql+psycopg://…, or a path")


def _first_line(error: BaseException) -> str:
    return clean((str(error).splitlines() or [type(error).__name__])[0], 200)

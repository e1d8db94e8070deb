"""What only PostgreSQL needs: its settings, the password on connecting, its errors in words, advisory locks."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Engine, Pool, Table, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import DBAPIError

from auditor.ledger.place import LedgerPlace
from auditor.ledger.rows import json_text
from inventories.faults import clean
from probes.secrets import Secret

#: How long a writer waits for another one, in seconds.
BUSY_SECONDS = 30
#: Marks this program's advisory locks among those of one database; any number will do.
_OURS = 0x6175_6469

_AGAIN = "wait until that has ended, then do it again"
_ROOM = "make room, then do it again: what was recorded before is untouched"
_RIGHTS = "let the ledger's user own the database"

#: SQLSTATE, or the class that it begins with → what it means, and how to mend it (the manual's appendix A).
_STATES: dict[str, tuple[str, str]] = {
    "08": ("the connection to the database was lost, and nothing was stored", "do it again once it answers"),
    "22021": ("a text holds characters that cannot be stored", "clean it where it is read"),
    "25006": ("is read-only", "name the primary server, not its standby"),
    "28": ("refuses the login", "mend 'ledger' in site.yaml: user, password, certificates"),
    "3D000": ("there is no such database", "create it, or mend 'ledger.url' in site.yaml"),
    "42501": ("may not be used by this user", _RIGHTS),
    "53100": ("the disk is full", _ROOM),
    "53200": ("the database server is out of memory", "see the server's log"),
    "53300": ("has too many connections", "raise max_connections, or end what is not needed"),
    "55P03": ("is being written by another program", _AGAIN),
    "40P01": ("is being written by another program", _AGAIN),
    "57P01": ("the connection to the database was ended, and nothing was stored", "do it again"),
    "57P02": ("the database server was ended, and nothing was stored", "do it again once it answers"),
    "57P03": ("the database server is starting or stopping", "do it again once it answers"),
    "XX001": ("is damaged", "put back the newest copy"),
    "XX002": ("is damaged", "put back the newest copy"),
}

#: For every session. A record of public acts outlives a power cut, whatever is usual on the server; the clock's zone
#: does not depend on it. A machine that lost its power does not hold a lock for the two hours that TCP waits by
#: default, and no limit for the idle ends a quiet holder of one.
_SESSION = {
    "synchronous_commit": "on",
    "TimeZone": "UTC",
    "lock_timeout": f"{BUSY_SECONDS}s",
    "statement_timeout": "0",
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_CONNECT: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
}


def engine(place: LedgerPlace, *, name: str = "auditor", pool: type[Pool] | None = None) -> Engine:
    """An engine for a place with a URL; nothing is asked yet.

    ``name`` is what the server's administrator sees in pg_stat_activity. The password is read when a connection is
    made, and stands in no URL, no engine and no error.
    """
    url = make_url(place.url)
    asked: dict[str, Any] = {**_CONNECT, "application_name": name}
    # What the URL says comes before what is usual here.
    asked = {key: value for key, value in asked.items() if key not in url.query}
    given: dict[str, Any] = {} if pool is None else {"poolclass": pool}
    made = create_engine(
        url,
        json_serializer=json_text,
        hide_parameters=True,
        pool_pre_ping=True,
        use_native_hstore=False,
        connect_args=asked,
        **given,
    )
    if place.password is not None:
        event.listen(made, "do_connect", _giving(place.password))
    return made


def _giving(password: Secret) -> Any:
    def give(_dialect: object, _record: object, _positional: object, named: dict[str, Any]) -> None:
        named["password"] = password.reveal()

    return give


def explain(error: DBAPIError) -> tuple[str, str] | None:
    """What an error means and how to mend it; None for one that is not known."""
    state = getattr(error.orig, "sqlstate", None) or ""
    if known := _STATES.get(state) or _STATES.get(state[:2]):
        return known
    said = str(error.orig)
    if "authentication failed" in said or "no password supplied" in said:
        return _STATES["28"]
    if error.connection_invalidated:
        return _STATES["08"]
    if not state and "connection failed" in said:
        return f"cannot be reached: {_reason(said)}", "start the database, or mend 'ledger.url' in site.yaml"
    if "NUL (0x00)" in said:
        return _STATES["22021"]
    return None


def _reason(said: str) -> str:
    """libpq tells of every address that it tried, each in a line of its own; the last words are the reason."""
    return clean(said.splitlines()[0].removeprefix("connection failed: "), 200)


def wait_to_write(connection: Connection) -> None:
    """One writer at a time, until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:ours)"), {"ours": _OURS})


def encoding(connection: Connection) -> str:
    """The database's encoding, such as UTF8."""
    return str(connection.execute(text("SHOW server_encoding")).scalar_one())


def copy_in(connection: Connection, columns: Sequence[Column[Any]], rows: Iterable[Sequence[object]]) -> None:
    """Appends rows to the columns' table by COPY, the fastest way there is; JSON is handed in as text."""
    import psycopg
    from psycopg import sql

    raw: Any = connection.connection.driver_connection
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(columns[0].table.name), names)
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as stream:
            for row in rows:
                stream.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError("COPY", None, error, hide_parameters=True, connection_invalidated=raw.closed) from error


def continue_numbers(connection: Connection, table: Table) -> None:
    """Lets a table's own numbers go on behind the greatest that it holds, once rows were copied into it."""
    (key, *others) = table.primary_key.columns
    if others or table.autoincrement_column is None:
        return
    sequence = func.pg_get_serial_sequence(f'"{table.name}"', key.name)
    # Of an empty table the greatest is null, and nothing is set.
    connection.execute(select(func.setval(sequence, func.max(key))))


def size(connection: Connection) -> int:
    """Bytes of the whole database."""
    return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def try_lock(connection: Connection, name: str) -> bool:
    """Takes a named lock for as long as the connection lives; False where another session has it."""
    return bool(connection.execute(text("SELECT pg_try_advisory_lock(:ours, :name)"), _key(name)).scalar_one())


def lock_holder(connection: Connection, name: str) -> tuple[str, str] | None:
    """The application name of the session that holds a named lock, and since when it is connected (ISO); or None."""
    found = connection.execute(
        text(
            "SELECT a.application_name, a.backend_start FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 "
            "AND l.classid = CAST(CAST(:ours AS bigint) AS oid) AND l.objid = CAST(CAST(:name AS bigint) AS oid) "
            "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        _key(name),
    ).first()
    return (str(found[0]), found[1].isoformat(timespec="seconds")) if found is not None else None


def _key(name: str) -> dict[str, int]:
    # A signed 32-bit number, and one that does not depend on the sign once it is an oid.
    return {"ours": _OURS, "name": zlib.crc32(name.encode()) & 0x7FFF_FFFF}

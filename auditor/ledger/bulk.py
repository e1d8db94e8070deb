"""Many rows at once, each database in its fastest way: what a province's audit writes is a matter of minutes.

SQLite takes thousands of rows in one prepared statement. PostgreSQL takes new rows by COPY, and changed ones as
arrays that it joins with the table; a statement for each row would cost it a round trip's share every time.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    Table,
    Text,
    any_,
    bindparam,
    insert,
    literal,
    text,
    update,
)

from auditor.ledger import postgresql
from auditor.ledger.rows import json_text

#: With fewer rows than this a plain statement is as fast as COPY.
_FEW = 20


def among(connection: Connection, column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """That a text column holds one of these: on PostgreSQL one array instead of a thousand parameters."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal([*values], ARRAY(Text)))
    return column.in_(values)


def look_up_by_index(connection: Connection) -> None:
    """Until the transaction ends: rows are looked up a thousand at a time, and by their keys.

    PostgreSQL plans by statistics that it gathered before a large audit began to write, and would read a table that
    has grown since from end to end for each thousand.
    """
    if connection.dialect.name == "postgresql":
        for kind in ("seqscan", "hashjoin", "mergejoin"):
            connection.exec_driver_sql(f"SET LOCAL enable_{kind} = off")


def insert_rows(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """New rows, each with the same columns; what none names is the database's to number."""
    if not rows:
        return
    if connection.dialect.name != "postgresql" or len(rows) < _FEW:
        connection.execute(insert(table), [*rows])
        return
    columns = [table.c[name] for name in rows[0]]
    postgresql.copy_in(connection, columns, ([plain(column, row[column.name]) for column in columns] for row in rows))


def update_rows(connection: Connection, key: Column[Any], rows: Sequence[dict[str, Any]]) -> None:
    """Changes rows of the table that ``key`` is a column of: each names its row as ``of``, and the same columns."""
    if not rows:
        return
    table: Table = key.table
    names = [name for name in rows[0] if name != "of"]
    if connection.dialect.name != "postgresql" or len(rows) < _FEW:
        statement = update(table).where(key == bindparam("of")).values({name: bindparam(name) for name in names})
        connection.execute(statement, [*rows])
        return
    columns = [key, *(table.c[name] for name in names)]
    fields = ["of", *names]
    arrays = ", ".join(
        f"CAST(:{field} AS {_array(connection, column)})" for field, column in zip(fields, columns, strict=True)
    )
    taken = ", ".join(
        f'"{name}" = CAST(v."{name}" AS json)' if isinstance(table.c[name].type, JSON) else f'"{name}" = v."{name}"'
        for name in names
    )
    given = ", ".join(f'"{field}"' for field in fields)
    connection.execute(
        text(
            f'UPDATE "{table.name}" SET {taken} FROM unnest({arrays}) AS v({given}) '  # noqa: S608  # names of columns
            f'WHERE "{table.name}"."{key.name}" = v."of"'
        ),
        {field: [plain(column, row[field]) for row in rows] for field, column in zip(fields, columns, strict=True)},
    )


def plain(column: Column[Any], value: object) -> object:
    """A value as the driver of PostgreSQL takes it past SQLAlchemy's types."""
    return json_text(value) if isinstance(column.type, JSON) else value


def _array(connection: Connection, column: Column[Any]) -> str:
    """The array type of a column's values; JSON travels as text."""
    if isinstance(column.type, JSON):
        return "text[]"
    kind = column.type.compile(dialect=connection.dialect)
    return f"{kind.partition(' COLLATE ')[0]}[]"

"""A whole ledger from one database into another, row by row, and the proof that both hold the same.

Rows are read and written as a stream, so that a province's ledger needs no more memory than a county's. A table's
digest is taken over every row in the order of its key, in one spelling for both databases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, Table, insert, select, text

from auditor.ledger import history_tables, office_tables, postgresql
from auditor.ledger.bulk import plain
from auditor.ledger.rows import batched, json_text
from auditor.ledger.tables import metadata

#: Rows read at once.
_ROWS = 2000
# The tables are known once the modules that declare them are loaded.
_DECLARED_IN = (history_tables, office_tables)
#: Every table of the schema, those that others refer to first.
TABLES: tuple[Table, ...] = tuple(metadata.sorted_tables)


@dataclass(frozen=True, slots=True)
class Digest:
    """A table's rows, counted, and the SHA-256 over all of them."""

    table: str
    rows: int
    sha256: str


Tell: TypeAlias = Callable[[Digest], None]


def is_empty(connection: Connection) -> bool:
    """Whether nothing was ever written down."""
    return all(connection.execute(select(table).limit(1)).first() is None for table in TABLES)


def digests(connection: Connection) -> tuple[Digest, ...]:
    """Of every table, by reading every row."""
    found = []
    for table in TABLES:
        digest = _Digester(table)
        for _ in digest.passing(_rows(connection, table)):
            pass
        found.append(digest.result())
    return tuple(found)


def copy(
    source: Connection, target: Connection, tell: Callable[[Digest], None] = lambda _: None
) -> tuple[Digest, ...]:
    """Copies every row into an empty ledger of the same revision, in the caller's transactions.

    Returns the digests of what was read; what was written is not read back here. ``tell`` is handed each table's.
    """
    if target.dialect.name == "sqlite":
        # A finding may point to one that comes later; looked at when the transaction ends.
        target.execute(text("PRAGMA defer_foreign_keys = ON"))
    found = []
    for table in TABLES:
        digest = _Digester(table)
        rows = digest.passing(_rows(source, table))
        if target.dialect.name == "postgresql":
            # One statement: references within the table are looked at when it ends.
            postgresql.copy_in(target, [*table.columns], ([*map(plain, table.columns, row)] for row in rows))
            postgresql.continue_numbers(target, table)
        else:
            for batch in batched(rows, _ROWS):
                target.execute(insert(table), [dict(row._mapping) for row in batch])
        found.append(digest.result())
        tell(found[-1])
    return tuple(found)


class _Digester:
    def __init__(self, table: Table) -> None:
        self._table, self._rows, self._sha256 = table, 0, hashlib.sha256()

    def passing(self, rows: Iterator[Row[Any]]) -> Iterator[Row[Any]]:
        for row in rows:
            self._rows += 1
            self._sha256.update(json_text(list(row)).encode("utf-8", "surrogatepass"))
            self._sha256.update(b"\n")
            yield row

    def result(self) -> Digest:
        return Digest(self._table.name, self._rows, self._sha256.hexdigest())


def _rows(connection: Connection, table: Table) -> Iterator[Row[Any]]:
    statement = select(table).order_by(*table.primary_key.columns)
    yield from connection.execute(statement, execution_options={"yield_per": _ROWS})

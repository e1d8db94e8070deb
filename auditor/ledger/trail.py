"""The audit trail: append-only, hash-chained, and the only way to write to the guarded tables.

An entry says who did what, when and why, and holds the digest of every row that it wrote and of the entry before
it. :func:`verify` reads the whole chain and every guarded row, and names whatever was changed, removed or added
past it. What a chain alone cannot show is that its newest entries were cut off together with the rows that they
wrote: for that, keep the head that ``ledger verify`` prints in another place, and hand it back.
"""

from __future__ import annotations

import getpass
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, Update, and_, bindparam, insert, select, tuple_, update

from auditor.ledger.errors import Refusal
from auditor.ledger.office_tables import GUARDED, trail
from auditor.ledger.rows import batched
from inventories.faults import clean
from inventories.model import canonical

#: What the first entry has before it.
ORIGIN = "0" * 64
#: How far the machine's clock may stand behind the newest entry: the clocks of two machines differ a little.
SLACK = timedelta(minutes=5)
#: Longer reasons are refused, for what is kept for ever is not kept by half.
NOTE = 2000
#: Rows written at once; two columns of a key each are well under both databases' limit of variables.
_ROWS = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """One step: ``actor`` is the office that acts, ``act`` a word (``case.issue``), ``subject`` what it is on."""

    at: datetime
    actor: str
    act: str
    subject: str
    note: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Write:
    """A whole row of a guarded table: it replaces the one of the same key, or is new."""

    table: Table
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TrailRow:
    """An entry as it was kept."""

    seq: int
    at: datetime
    actor: str
    login: str
    act: str
    subject: str
    note: str
    detail: Mapping[str, object]
    digest: str


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry: as many as ``seq`` (0: none), and its digest."""

    seq: int
    digest: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}"


def write(connection: Connection, entry: Entry, writes: Iterable[Write] = ()) -> TrailRow:
    """Writes rows and the entry that tells of them, in the caller's transaction.

    Refusal without an actor, for a reason of more than :data:`NOTE` characters, and where the clock stands more
    than :data:`SLACK` behind the newest entry; within it, an entry takes the time of the one before.
    """
    last = connection.execute(select(trail).order_by(trail.c.seq.desc()).limit(1)).one_or_none()
    if not entry.actor.strip():
        raise Refusal("a step needs the name of the office that takes it", "name it with --by")
    if len(entry.note) > NOTE:
        raise Refusal(f"the reason is {len(entry.note)} characters long, and may have {NOTE}", "name the document")
    at = entry.at.astimezone(UTC)
    if last is not None and at < last.at:
        if last.at - at > SLACK:
            raise Refusal(
                f"the clock says {at.isoformat(timespec='seconds')}, but the newest step in the trail was taken at "
                f"{last.at.isoformat(timespec='seconds')}",
                "set this machine's clock right, then do it again",
            )
        at = last.at
    body: dict[str, object] = {
        "seq": (last.seq if last is not None else 0) + 1,
        "at": at,
        "actor": clean(entry.actor.strip(), 200),
        "login": _login(),
        "act": entry.act,
        "subject": entry.subject,
        "note": clean(entry.note.strip(), 10 * NOTE),
        "detail": dict(entry.detail),
        "rows": _put(connection, writes),
        "previous": last.digest if last is not None else ORIGIN,
    }
    body["digest"] = _digest(body)
    connection.execute(insert(trail), [body])
    return _told(connection.execute(select(trail).where(trail.c.seq == body["seq"])).one())


def listing(connection: Connection, subject: str = "") -> list[TrailRow]:
    """Oldest first; of every subject where none is named."""
    statement = select(trail).order_by(trail.c.seq)
    if subject:
        statement = statement.where(trail.c.subject == subject)
    return [_told(row) for row in connection.execute(statement)]


def head(connection: Connection) -> Head:
    last = connection.execute(select(trail.c.seq, trail.c.digest).order_by(trail.c.seq.desc()).limit(1)).one_or_none()
    return Head(last.seq, last.digest) if last is not None else Head(0, ORIGIN)


def verify(connection: Connection, expected: Head | None = None) -> list[str]:
    """Every fault of the chain and of the guarded rows, in words; empty where all is as it was written.

    ``expected`` is a head that was noted earlier: the chain must still hold it.
    """
    faults: list[str] = []
    kept: dict[str, str] = {}
    previous, seq = ORIGIN, 0
    seen = expected is None or expected.seq == 0
    for row in _streamed(connection, select(trail).order_by(trail.c.seq)):
        seq += 1
        if row.seq != seq:
            faults.append(
                f"trail: entry {seq} is missing" if row.seq > seq else f"trail: entry {row.seq} is out of place"
            )
            seq = row.seq
        if row.previous != previous:
            faults.append(f"trail: entry {row.seq} does not follow the one before it")
        body = {name: row._mapping[name] for name in row._fields if name != "digest"}
        if _digest(body) != row.digest:
            faults.append(f"trail: entry {row.seq} ({clean(row.act, 40)} {clean(row.subject, 40)}) was changed")
        if expected is not None and row.seq == expected.seq:
            seen = row.digest == expected.digest
        previous = row.digest
        kept.update(row.rows)
    if not seen and expected is not None:
        faults.append(f"trail: entry {expected.seq} is not the one that was noted earlier, or was cut off")
    return faults + list(_compare(connection, kept))


def _compare(connection: Connection, kept: Mapping[str, str]) -> Iterator[str]:
    left = dict(kept)
    for table in GUARDED.values():
        for row in _streamed(connection, select(table)):
            name = _name(table, row._mapping)
            found = left.pop(name, None)
            if found is None:
                yield f"{clean(name, 120)}: was added past the trail"
            elif found != _row_digest(row):
                yield f"{clean(name, 120)}: was changed past the trail"
    for name in left:
        yield f"{clean(name, 120)}: was removed past the trail"


def _streamed(connection: Connection, statement: Select[Any]) -> Iterator[Row[Any]]:
    """Rows as they are asked for: a province's papers are not held at once."""
    yield from connection.execute(statement, execution_options={"yield_per": 1000})


def _put(connection: Connection, writes: Iterable[Write]) -> dict[str, str]:
    """Stores whole rows and returns their digests, by table and key."""
    groups: dict[str, list[Mapping[str, object]]] = {}
    for one in writes:
        groups.setdefault(one.table.name, []).append(_storable(one.values))
    out: dict[str, str] = {}
    for name in GUARDED:
        for rows in batched(groups.get(name, ()), _ROWS):
            out.update(_put_rows(connection, GUARDED[name], rows))
    return out


def _storable(values: Mapping[str, object]) -> dict[str, object]:
    """PostgreSQL's texts hold no NUL (the manual, 8.3); it is kept as its escape in both databases."""
    return {
        name: value.replace("\0", "\\x00") if isinstance(value, str) and "\0" in value else value
        for name, value in values.items()
    }


def _put_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]
) -> Iterator[tuple[str, str]]:
    keys = [column.name for column in table.primary_key.columns]
    mine = tuple_(*table.primary_key.columns).in_([tuple(row[name] for name in keys) for row in rows])
    before = {_name(table, row._mapping): _row_digest(row) for row in connection.execute(select(table).where(mine))}
    _refuse_changed(connection, before)
    fresh = [dict(row) for row in rows if _name(table, row) not in before]
    if fresh:
        connection.execute(insert(table), fresh)
    changed = [dict(row) for row in rows if _name(table, row) in before]
    if changed:
        connection.execute(_replacing(table), [{f"_{name}": value for name, value in row.items()} for row in changed])
    for stored in connection.execute(select(table).where(mine)):
        yield _name(table, stored._mapping), _row_digest(stored)


def _replacing(table: Table) -> Update:
    """A whole row of a key for the one that is there, in one statement for as many as are handed over."""
    same = and_(*(column == bindparam(f"_{column.name}") for column in table.primary_key.columns))
    return update(table).where(same).values({column.name: bindparam(f"_{column.name}") for column in table.columns})


def _refuse_changed(connection: Connection, found: Mapping[str, str]) -> None:
    """Refuses to write over a row that is not as the trail left it: that would hide that somebody changed it."""
    left = dict(found)
    for kept in connection.execute(select(trail.c.rows).order_by(trail.c.seq.desc())).scalars():
        if not left:
            return
        for name in left.keys() & kept.keys():
            if left.pop(name) != kept[name]:
                _refuse_change(name)
    if left:
        _refuse_change(min(left))


def _refuse_change(name: str) -> None:
    raise Refusal(
        f"{clean(name, 120)} was changed past the audit trail, so nothing may be written over it",
        "'auditor ledger verify' names all that was; put back a copy of the ledger from before",
    )


def _name(table: Table, row: Mapping[Any, object]) -> str:
    return ":".join([table.name, *(str(row[column.name]) for column in table.primary_key.columns)])


def _row_digest(row: Row[Any]) -> str:
    return _digest(dict(row._mapping))


def _digest(body: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical(body).encode("utf-8", "surrogatepass")).hexdigest()


def _told(row: Row[Any]) -> TrailRow:
    return TrailRow(row.seq, row.at, row.actor, row.login, row.act, row.subject, row.note, row.detail, row.digest)


def _login() -> str:
    """The account of the machine; where it has no name (a container's bare number), empty."""
    try:
        return clean(getpass.getuser(), 100)
    except (KeyError, OSError):
        return ""

"""People's words on identity: who said what, when and why, and what it changed. Written once, never changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select

from auditor.ledger.errors import Refusal
from auditor.ledger.merging import Occasion
from auditor.ledger.records import Act, WordRow
from auditor.ledger.tables import identity_words
from inventories.faults import clean
from inventories.model import Identifier
from inventories.told import Moved, Told

#: How long a reason may be; a longer one is refused, for what is kept for ever is not kept by half.
REASON = 500


def add(
    connection: Connection,
    act: Act,
    told: Told,
    named: Sequence[Identifier],
    reason: str,
    occasion: Occasion,
    *,
    findings: Collection[str],
    undoes: WordRow | None,
) -> WordRow:
    """Keeps a word.

    Refusal without a reason or a name, for a reason of more than :data:`REASON` characters, and where what it takes
    back was taken back already.
    """
    reason = reason.strip()
    if not reason or not occasion.actor.strip():
        raise Refusal("a person's word needs its reason and the person's name")
    if len(reason) > REASON:
        raise Refusal(f"the reason is {len(reason)} characters long, and may have {REASON}", "name the document")
    # Escapes are longer than what they stand for.
    reason = clean(reason, 10 * REASON)
    if undoes is not None and not one(connection, undoes.id).holds:
        raise Refusal(f"word {undoes.id} was taken back already")
    number = connection.execute(
        insert(identity_words)
        .values(
            at=occasion.at,
            actor=occasion.actor,
            act=act.value,
            kind=told.kind,
            key=told.key,
            other=told.other,
            reason=reason,
            identifiers=[_parts(identifier) for identifier in named],
            changes={
                "pins": _plain(told.pins),
                "keys": _plain(told.keys),
                "first_seen": told.first_seen,
                "findings": sorted(findings),
            },
            undoes=undoes.id if undoes is not None else None,
        )
        .returning(identity_words.c.id)
    ).scalar_one()
    return one(connection, number)


def listing(connection: Connection, keys: Collection[str]) -> list[WordRow]:
    """Oldest first; of all assets where none is named."""
    statement = select(identity_words).order_by(identity_words.c.id)
    if keys:
        wanted = sorted(set(keys))
        statement = statement.where(or_(identity_words.c.key.in_(wanted), identity_words.c.other.in_(wanted)))
    undone = _undone(connection)
    return [_word(row, undone) for row in connection.execute(statement)]


def one(connection: Connection, number: int) -> WordRow:
    row = connection.execute(select(identity_words).where(identity_words.c.id == number)).one_or_none()
    if row is None:
        raise Refusal(f"there is no word {number}")
    return _word(row, _undone(connection))


def _undone(connection: Connection) -> dict[int, int]:
    """Word → the word that took it back."""
    found = select(identity_words.c.undoes, identity_words.c.id).where(identity_words.c.undoes.is_not(None))
    return {row.undoes: row.id for row in connection.execute(found)}


def _word(row: Row[Any], undone: dict[int, int]) -> WordRow:
    changes = row.changes
    return WordRow(
        id=row.id,
        at=row.at,
        by=row.actor,
        act=Act(row.act),
        kind=row.kind,
        key=row.key,
        other=row.other,
        reason=row.reason,
        identifiers=tuple(Identifier(*parts) for parts in row.identifiers),
        pins=_changes(changes["pins"]),
        keys=_changes(changes["keys"]),
        first_seen=changes["first_seen"],
        findings=tuple(changes["findings"]),
        undoes=row.undoes or 0,
        undone_by=undone.get(row.id, 0),
    )


def _parts(identifier: Identifier) -> list[str]:
    return [identifier.scheme, identifier.value, identifier.vantage]


def _plain(changes: Iterable[Moved]) -> list[list[str]]:
    return [[*_parts(change.identifier), change.before, change.after] for change in changes]


def _changes(rows: Iterable[Sequence[str]]) -> tuple[Moved, ...]:
    return tuple(
        Moved(Identifier(scheme, value, vantage), before, after) for scheme, value, vantage, before, after in rows
    )

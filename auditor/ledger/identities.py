"""Keeps the key map: what earlier audits called things. Only differences are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, Executable, Select, Table, bindparam, delete, insert, select, update

from auditor.ledger.bulk import among, insert_rows
from auditor.ledger.rows import batched
from auditor.ledger.tables import aliases, asset_keys, identities, pins
from inventories.model import Identifier, KeyMap

_Four = tuple[str, str, str, str]
_FOUR = ("kind", "scheme", "value", "vantage")


def load(connection: Connection) -> KeyMap:
    """The whole key map, as it was last saved."""
    first: dict[str, date] = {}
    last: dict[str, date] = {}
    for key, first_seen, last_seen in connection.execute(select(asset_keys)).all():
        if first_seen is not None:
            first[key] = first_seen
        if last_seen is not None:
            last[key] = last_seen
    return KeyMap(
        keys=_identified(connection, identities),
        first_seen=first,
        last_seen=last,
        aliases=load_aliases(connection),
        pins=_identified(connection, pins),
    )


def save(connection: Connection, new: KeyMap, *, with_pins: bool) -> dict[str, str]:
    """Makes the stored map equal to ``new``; returns the aliases that are new or lead elsewhere now.

    Without ``with_pins`` the stored pins stay as they are: a person may have set one since the audit read them.
    """
    wanted_pins = _flat(new.pins) if with_pins else _stored(connection, pins)
    wanted = _flat(new.keys)
    stored_keys = {key: (first, last) for key, first, last in connection.execute(select(asset_keys)).all()}
    wanted_keys = {
        key: (new.first_seen.get(key), new.last_seen.get(key))
        for key in {*wanted.values(), *wanted_pins.values(), *new.first_seen, *new.last_seen}
    }
    _save_dates(connection, stored_keys, wanted_keys)
    _save_identified(connection, identities, wanted)
    if with_pins:
        _save_identified(connection, pins, wanted_pins)
    for batch in batched(stored_keys.keys() - wanted_keys.keys()):
        connection.execute(delete(asset_keys).where(among(connection, asset_keys.c.key, batch)))
    return _save_aliases(connection, new.aliases)


def survivor(key: str, known: Mapping[str, str]) -> str:
    """The key that lives, through any chain of merges. A circle, which no merge makes, ends where it closes."""
    if key not in known:
        return key
    met = {key}
    while (further := known.get(key)) is not None and further not in met:
        met.add(further)
        key = further
    return key


def _identified(connection: Connection, table: Table) -> dict[tuple[str, Identifier], str]:
    return {
        (kind, Identifier(scheme, value, vantage)): key
        for kind, scheme, value, vantage, key in connection.execute(_everything(table)).all()
    }


def _stored(connection: Connection, table: Table) -> dict[_Four, str]:
    return {
        (kind, scheme, value, vantage): key
        for kind, scheme, value, vantage, key in connection.execute(_everything(table)).all()
    }


def _everything(table: Table) -> Select[Any]:
    return select(*(table.c[name] for name in _FOUR), table.c.key)


def _flat(keys: Mapping[tuple[str, Identifier], str]) -> dict[_Four, str]:
    return {(kind, i.scheme, i.value, i.vantage): key for (kind, i), key in keys.items()}


def load_aliases(connection: Connection) -> dict[str, str]:
    """Merged-away key → the key that it became."""
    return {row.key: row.survivor for row in connection.execute(select(aliases))}


def _save_dates(
    connection: Connection,
    stored: Mapping[str, tuple[date | None, date | None]],
    wanted: Mapping[str, tuple[date | None, date | None]],
) -> None:
    new = [key for key in wanted if key not in stored]
    for batch in batched(new):
        rows = [{"key": key, "first_seen": wanted[key][0], "last_seen": wanted[key][1]} for key in batch]
        insert_rows(connection, asset_keys, rows)
    # Most keys were last seen today: one statement for each date, not for each key.
    moved: dict[tuple[date | None, date | None], list[str]] = {}
    for key, dates in wanted.items():
        if key in stored and stored[key] != dates:
            moved.setdefault(dates, []).append(key)
    for (first, last), keys in moved.items():
        for batch in batched(keys):
            connection.execute(
                update(asset_keys)
                .where(among(connection, asset_keys.c.key, batch))
                .values(first_seen=first, last_seen=last)
            )


def _save_identified(connection: Connection, table: Table, wanted: Mapping[_Four, str]) -> None:
    stored = _stored(connection, table)
    where = [table.c[name] == bindparam(f"old_{name}") for name in _FOUR]
    _each(connection, delete(table).where(*where), ({**_old(four)} for four in stored if four not in wanted))
    _each(
        connection,
        update(table).where(*where).values(key=bindparam("new_key")),
        ({**_old(four), "new_key": key} for four, key in wanted.items() if stored.get(four, key) != key),
    )
    new = ({**dict(zip(_FOUR, four, strict=True)), "key": key} for four, key in wanted.items() if four not in stored)
    for batch in batched(new):
        insert_rows(connection, table, batch)


def _old(four: _Four) -> dict[str, str]:
    return {f"old_{name}": value for name, value in zip(_FOUR, four, strict=True)}


def _each(connection: Connection, statement: Executable, rows: Iterable[dict[str, str]]) -> None:
    for batch in batched(rows):
        connection.execute(statement, batch)


def _save_aliases(connection: Connection, wanted: Mapping[str, str]) -> dict[str, str]:
    stored = load_aliases(connection)
    changed = {key: to for key, to in wanted.items() if stored.get(key) != to}
    for batch in batched(stored.keys() - (wanted.keys() - changed.keys())):
        connection.execute(delete(aliases).where(aliases.c.key.in_(batch)))
    for pairs in batched(changed.items()):
        connection.execute(insert(aliases), [{"key": key, "survivor": to} for key, to in pairs])
    return changed

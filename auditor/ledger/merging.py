"""Findings follow their assets: to a better key, and into one finding where two assets turn out to be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from auditor.ledger.identities import survivor
from auditor.ledger.life import Life, Reason, State, merged
from auditor.ledger.rows import CONTENT, batched, event_columns, life_columns, life_of
from auditor.ledger.tables import finding_events, finding_facts, findings


@dataclass(frozen=True, slots=True)
class Occasion:
    """When findings were moved, in which audit (empty: by a person), and by whom."""

    at: datetime
    audit: str = ""
    actor: str = ""


def follow(connection: Connection, moved: Mapping[str, str], known: Mapping[str, str], occasion: Occasion) -> None:
    """Moves the findings of merged-away keys to the keys that live.

    ``moved`` are the aliases that are new, ``known`` all of them. Where both assets had a finding under the
    same rule, the older one stays and takes in the other, which is resolved as merged and points to it; what
    was open in either of them is open in the one that stays.
    """
    target = {key: survivor(key, known) for key in moved}
    groups: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in _at(connection, {key for pair in target.items() for key in pair}):
        groups.setdefault((row.rule, target.get(row.asset_key, row.asset_key)), []).append(row)
    for (_, key), rows in groups.items():
        older, *younger = sorted(rows, key=lambda row: (row.opened_at, row.id))
        life = _take_in(connection, older, younger, occasion) if younger else life_of(older)
        if older.asset_key != key:
            connection.execute(update(findings).where(findings.c.id == older.id).values(asset_key=key))
            _tell(connection, occasion, older.id, life, life, Reason.REKEYED, f"{older.asset_key} → {key}")


def living(connection: Connection, key: str) -> tuple[str, ...]:
    """The ids of an asset's living findings."""
    return tuple(sorted(row.id for row in _at(connection, {key})))


def give_back(connection: Connection, ids: Sequence[str], key: str, to: str, occasion: Occasion) -> None:
    """Moves findings that a merge brought from ``to`` to ``key`` back again.

    One that was merged into another in the meantime stays what it is, and so does one where ``to`` has its own.
    """
    taken = {row.rule for row in _at(connection, {to})}
    for row in _at(connection, {key}):
        if row.id in ids and row.rule not in taken:
            connection.execute(update(findings).where(findings.c.id == row.id).values(asset_key=to))
            life = life_of(row)
            _tell(connection, occasion, row.id, life, life, Reason.REKEYED, f"{key} → {to}")


def _at(connection: Connection, keys: set[str]) -> list[Row[Any]]:
    """The living findings of these assets."""
    return [
        row
        for batch in batched(sorted(keys))
        for row in connection.execute(
            select(findings).where(findings.c.asset_key.in_(batch), findings.c.merged_into.is_(None))
        )
    ]


def _take_in(connection: Connection, older: Row[Any], younger: Sequence[Row[Any]], occasion: Occasion) -> Life:
    """Merges ``younger`` into ``older``; returns the life that goes on."""
    life, source = life_of(older), older
    for row in younger:
        other = life_of(row)
        united = merged(life, other)
        if united.state is not life.state:
            source = row
        _retire(connection, row, older.id, occasion)
        _tell(connection, occasion, row.id, other, Life(State.RESOLVED), Reason.MERGED, older.id)
        _tell(connection, occasion, older.id, life, united, Reason.MERGED, row.id)
        life = united
    # Facts, names and times belong to the state that they led to.
    kept = (*CONTENT, "note", "resolved_at", "last_confirmed_at", "snapshot_last")
    values = {**{name: source._mapping[name] for name in kept}, **life_columns(life)}
    connection.execute(update(findings).where(findings.c.id == older.id).values(**values))
    if source is not older:
        facts = connection.execute(select(finding_facts).where(finding_facts.c.finding == source.id)).one()
        connection.execute(
            update(finding_facts)
            .where(finding_facts.c.finding == older.id)
            .values(digest=facts.digest, facts=facts.facts)
        )
    return life


def _retire(connection: Connection, row: Row[Any], into: str, occasion: Occasion) -> None:
    connection.execute(
        update(findings)
        .where(findings.c.id == row.id)
        .values(
            **life_columns(Life(State.RESOLVED, reason=Reason.MERGED, reopenings=row.reopenings)),
            note=into,
            resolved_at=row.resolved_at or occasion.at,
            merged_into=into,
        )
    )


def _tell(
    connection: Connection, occasion: Occasion, finding: str, before: Life, after: Life, reason: Reason, note: str
) -> None:
    event = event_columns(
        finding, occasion.at, occasion.audit, before.shown, after.shown, reason, note=note, actor=occasion.actor
    )
    connection.execute(insert(finding_events), [event])

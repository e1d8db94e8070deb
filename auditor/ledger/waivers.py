"""The ledger's waivers, between rows and plain values. What is to be written goes through the trail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, select

from auditor.ledger.errors import Refusal
from auditor.ledger.office_tables import waivers
from auditor.ledger.trail import Write
from auditor.waiving import OwnWaiver, State
from inventories.faults import clean, did_you_mean


def listing(connection: Connection) -> tuple[OwnWaiver, ...]:
    """All of them, in the order of their drafting."""
    statement = select(waivers).order_by(waivers.c.drafted_at, waivers.c.id)
    return tuple(_waiver(row) for row in connection.execute(statement))


def one(connection: Connection, name: str) -> OwnWaiver:
    """By its whole id. Refusal where there is none."""
    row = connection.execute(select(waivers).where(waivers.c.id == name.strip())).one_or_none()
    if row is None:
        known = connection.execute(select(waivers.c.id)).scalars().all()
        hint = did_you_mean(name, known) or "'auditor waiver list' names them"
        raise Refusal(f"the ledger has no waiver {clean(name, 80)}", hint)
    return _waiver(row)


def next_id(connection: Connection, year: int, elsewhere: Iterable[str] = ()) -> str:
    """W2026-001 and so on, and none of those ``elsewhere``; the caller holds the writer's lock."""
    start = f"W{year}-"
    own = connection.execute(select(waivers.c.id).where(waivers.c.id.startswith(start, autoescape=True))).scalars()
    ends = [name[len(start) :] for name in (*own, *elsewhere) if name.startswith(start)]
    return f"{start}{max((int(end) for end in ends if _is_number(end)), default=0) + 1:03d}"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 9


def write(waiver: OwnWaiver) -> Write:
    return Write(waivers, asdict(waiver) | {"state": waiver.state.value, "rules": list(waiver.rules)})


def _waiver(row: Row[Any]) -> OwnWaiver:
    values = dict(row._mapping)
    return OwnWaiver(**values | {"state": State(row.state), "rules": tuple(row.rules)})

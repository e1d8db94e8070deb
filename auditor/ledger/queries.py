"""Reading findings and their history, and a person's word on one finding."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from auditor.ledger.errors import Refusal
from auditor.ledger.life import Life, State, dismissed, restored
from auditor.ledger.records import EventRow, FindingRow
from auditor.ledger.rows import event_columns, event_of, finding_of, life_columns
from auditor.ledger.tables import finding_events, finding_facts, findings
from inventories.faults import clean

_OPEN = findings.c.state == State.OPEN.value
_STALE = findings.c.stale.is_(True)

#: Published word of a state → its condition.
_SHOWN: dict[str, ColumnElement[bool]] = {
    "open": and_(_OPEN, ~_STALE, findings.c.reopenings == 0),
    "reopened": and_(_OPEN, ~_STALE, findings.c.reopenings > 0),
    "stale": and_(_OPEN, _STALE),
    **{state.value: findings.c.state == state.value for state in State if state is not State.OPEN},
}


def listing(
    connection: Connection,
    *,
    states: Collection[str],
    rules: Collection[str],
    departments: Collection[str],
    zones: Collection[str],
    assets: Collection[str] = (),
    with_facts: bool,
) -> list[FindingRow]:
    """Ordered by department, rule, asset's name and id. Refusal for an unknown state."""
    conditions: list[ColumnElement[bool]] = []
    if states:
        unknown = sorted(set(states) - _SHOWN.keys())
        if unknown:
            raise Refusal(f"unknown state {unknown[0]!r}: one of {', '.join(_SHOWN)}")
        conditions.append(or_(*(_SHOWN[state] for state in sorted(set(states)))))
    for column, values in (
        (findings.c.rule, rules),
        (findings.c.department_id, departments),
        (findings.c.zone, zones),
        (findings.c.asset_key, assets),
    ):
        if values:
            conditions.append(column.in_(sorted(set(values))))
    order = (findings.c.department_id, findings.c.rule, findings.c.asset_name, findings.c.id)
    return _read(connection, with_facts, conditions, order)


def one(connection: Connection, name: str) -> FindingRow:
    """A finding by its id or the beginning of it, in either case. Refusal for none, and for several."""
    wanted = name.strip().upper()
    if not wanted:
        raise Refusal("a finding is named by its id")
    exact = _read(connection, True, [findings.c.id == wanted], (findings.c.id,))
    if exact:
        return exact[0]
    near = (
        connection.execute(
            select(findings.c.id)
            .where(findings.c.id.startswith(wanted, autoescape=True))
            .order_by(findings.c.id)
            .limit(6)
        )
        .scalars()
        .all()
    )
    if not near:
        raise Refusal(f"there is no finding {clean(name, 80)}")
    if len(near) > 1:
        raise Refusal(f"{clean(name, 80)} may be {', '.join(near[:5])}{' and more' if len(near) > 5 else ''}")
    return _read(connection, True, [findings.c.id == near[0]], (findings.c.id,))[0]


def history(connection: Connection, finding: str) -> list[EventRow]:
    """Oldest first."""
    statement = select(finding_events).where(finding_events.c.finding == finding).order_by(finding_events.c.id)
    return [event_of(row) for row in connection.execute(statement)]


def dismiss(
    connection: Connection, name: str, *, ground: str, by: str, at: datetime, until: date | None
) -> FindingRow:
    """A person judges a finding false. Refusal where that makes no sense."""
    found = one(connection, name)
    if found.life.state not in (State.OPEN, State.WAIVED):
        raise Refusal(f"{found.id} is {found.state}: there is nothing to dismiss")
    _judge(connection, found, dismissed(found.life, until), ground, by, at)
    return one(connection, found.id)


def restore(connection: Connection, name: str, *, ground: str, by: str, at: datetime) -> FindingRow:
    """A person takes a dismissal back."""
    found = one(connection, name)
    if found.life.state is not State.DISMISSED:
        raise Refusal(f"{found.id} is {found.state}: only a dismissed finding is restored")
    _judge(connection, found, restored(found.life), ground, by, at)
    return one(connection, found.id)


def _judge(connection: Connection, found: FindingRow, after: Life, ground: str, by: str, at: datetime) -> None:
    ground, by = clean(ground.strip(), 500), clean(by.strip(), 100)
    if not ground or not by:
        raise Refusal("a person's judgement needs its reason and the person's name")
    connection.execute(
        update(findings).where(findings.c.id == found.id).values(**life_columns(after), note=f"{ground}（{by}）")
    )
    event = event_columns(found.id, at, "", found.state, after.shown, after.reason, note=ground, actor=by)
    connection.execute(insert(finding_events), [event])


def _read(
    connection: Connection, with_facts: bool, conditions: list[ColumnElement[bool]], order: tuple[Any, ...]
) -> list[FindingRow]:
    if not with_facts:
        return [
            finding_of(row, ()) for row in connection.execute(select(findings).where(*conditions).order_by(*order))
        ]
    statement = (
        select(findings, finding_facts.c.facts)
        .select_from(findings.outerjoin(finding_facts, finding_facts.c.finding == findings.c.id))
        .where(*conditions)
        .order_by(*order)
    )
    return [finding_of(row, row.facts or ()) for row in connection.execute(statement)]

"""Requests for registers, between the ledger's rows and plain values. What is written goes through the trail."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from auditor.chasing import RegisterRequest, Reminder, State
from auditor.ledger.errors import Refusal
from auditor.ledger.office_tables import register_requests
from auditor.ledger.trail import Write
from inventories.faults import clean, did_you_mean


def listing(
    connection: Connection,
    *,
    states: Collection[State] = (),
    departments: Collection[str] = (),
    registers: Collection[str] = (),
    period: str = "",
) -> tuple[RegisterRequest, ...]:
    """By department, then register, oldest first; an empty condition means any."""
    table = register_requests
    conditions = [
        column.in_(sorted(values))
        for column, values in (
            (table.c.state, [state.value for state in states]),
            (table.c.department_id, departments),
            (table.c.register, registers),
            (table.c.period, [period] if period else []),
        )
        if values
    ]
    order = (table.c.department_id, table.c.register, table.c.asked_on, table.c.id)
    return tuple(_request(row) for row in connection.execute(select(table).where(*conditions).order_by(*order)))


def one(connection: Connection, name: str) -> RegisterRequest:
    """By its whole id. Refusal where there is none."""
    table = register_requests
    row = connection.execute(select(table).where(table.c.id == name.strip().upper())).one_or_none()
    if row is None:
        known = connection.execute(select(table.c.id)).scalars().all()
        hint = did_you_mean(name, known) or "'auditor register status' names them"
        raise Refusal(f"there is no request {clean(name, 80)}", hint)
    return _request(row)


def next_number(connection: Connection, year: int) -> int:
    """The number behind R2026-; the caller holds the writer's lock."""
    start = f"R{year}-"
    statement = select(register_requests.c.id).where(register_requests.c.id.startswith(start, autoescape=True))
    return max((int(name.removeprefix(start)) for name in connection.execute(statement).scalars()), default=0) + 1


def request_id(year: int, number: int) -> str:
    return f"R{year}-{number:04d}"


def write(request: RegisterRequest) -> Write:
    values = asdict(request) | {"state": request.state.value, "columns": list(request.columns)}
    values["reminders"] = [{"on": one.on.isoformat(), "by": one.by, "note": one.note} for one in request.reminders]
    return Write(register_requests, values)


def _request(row: Row[Any]) -> RegisterRequest:
    values = dict(row._mapping)
    values |= {"state": State(row.state), "columns": tuple(row.columns)}
    values["reminders"] = tuple(
        Reminder(date.fromisoformat(one["on"]), one["by"], one["note"]) for one in row.reminders
    )
    return RegisterRequest(**values)

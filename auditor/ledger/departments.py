"""Departments' changes, between the ledger's rows and plain values. What is to be written goes through the trail."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, select

from auditor.ledger.errors import Refusal
from auditor.ledger.office_tables import department_changes
from auditor.ledger.tables import findings
from auditor.ledger.trail import Write
from auditor.successions import DepartmentChange, Kind
from inventories.faults import clean, did_you_mean


def listing(connection: Connection) -> tuple[DepartmentChange, ...]:
    """All changes, also those taken back, in the order in which they were written down."""
    statement = select(department_changes).order_by(department_changes.c.at, department_changes.c.id)
    return tuple(_change(row) for row in connection.execute(statement))


def one(connection: Connection, name: str) -> DepartmentChange:
    """By its whole id. Refusal where there is none."""
    changes = department_changes
    row = connection.execute(select(changes).where(changes.c.id == name.strip().upper())).one_or_none()
    if row is None:
        known = connection.execute(select(changes.c.id)).scalars().all()
        hint = did_you_mean(name, known) or "'auditor department list' names them"
        raise Refusal(f"there is no change {clean(name, 80)}", hint)
    return _change(row)


def next_id(connection: Connection, year: int) -> str:
    """D2026-001 and so on; the caller holds the writer's lock."""
    start = f"D{year}-"
    statement = select(department_changes.c.id).where(department_changes.c.id.startswith(start, autoescape=True))
    taken = [int(name.removeprefix(start)) for name in connection.execute(statement).scalars()]
    return f"{start}{max(taken, default=0) + 1:03d}"


def write(change: DepartmentChange) -> Write:
    return Write(department_changes, asdict(change) | {"kind": change.kind.value})


def named_in_findings(connection: Connection) -> dict[str, str]:
    """Every department that a finding was ever laid to, with the name that it had when last seen."""
    statement = (
        select(findings.c.department_id, findings.c.department_name)
        .where(findings.c.department_id != "")
        .order_by(findings.c.last_confirmed_at, findings.c.id)
    )
    return {row.department_id: row.department_name for row in connection.execute(statement)}


def _change(row: Row[Any]) -> DepartmentChange:
    return DepartmentChange(**dict(row._mapping) | {"kind": Kind(row.kind)})

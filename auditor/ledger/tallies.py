"""The ledger's own figures, counted where they lie: no row is read that is only to be counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, func, literal_column, select

from auditor.ledger import postgresql, trail
from auditor.ledger.life import Life, State
from auditor.ledger.office_tables import cases
from auditor.ledger.tables import audits, findings


@dataclass(frozen=True, slots=True)
class Mark:
    """By what everything that the ledger shows on a day is known: the newest recorded audit, and the trail's head.

    ``ended_at`` is None while that audit still draws its papers. An audit that runs leaves the mark as it is.
    """

    audit: str
    ended_at: datetime | None
    seq: int
    day: date


def mark(connection: Connection, day: date) -> Mark:
    """``audit`` is empty where none was recorded yet."""
    newest = connection.execute(
        select(audits.c.id, audits.c.ended_at)
        .where(audits.c.recorded_at.is_not(None))
        .order_by(audits.c.started_at.desc(), audits.c.id.desc())
        .limit(1)
    ).one_or_none()
    seq = trail.head(connection).seq
    return Mark(newest.id, newest.ended_at, seq, day) if newest is not None else Mark("", None, seq, day)


def findings_by(connection: Connection) -> Counter[tuple[str, str, str, str]]:
    """(rule, department, severity, published state) → findings."""
    # A bound nought would not be the same expression twice to PostgreSQL.
    again = (findings.c.reopenings > literal_column("0")).label("again")
    columns = (
        findings.c.rule,
        findings.c.department_id,
        findings.c.severity,
        findings.c.state,
        findings.c.stale,
        again,
    )
    out: Counter[tuple[str, str, str, str]] = Counter()
    for row in connection.execute(select(*columns, func.count().label("number")).group_by(*columns)):
        life = Life(State(row.state), stale=row.stale, reopenings=int(row.again))
        out[row.rule, row.department_id, row.severity, life.shown] += row.number
    return out


def cases_by(connection: Connection) -> Counter[tuple[str, str]]:
    """(department, state) → cases."""
    columns = (cases.c.department_id, cases.c.state)
    rows = connection.execute(select(*columns, func.count().label("number")).group_by(*columns))
    return Counter({(row.department_id, row.state): row.number for row in rows})


def waived(connection: Connection) -> dict[str, frozenset[str]]:
    """Rule → the keys of the assets over whose findings under it a waiver is laid."""
    out: dict[str, set[str]] = {}
    statement = select(findings.c.rule, findings.c.asset_key).where(findings.c.waiver != "")
    for row in connection.execute(statement):
        out.setdefault(row.rule, set()).add(row.asset_key)
    return {rule: frozenset(keys) for rule, keys in out.items()}


def size(connection: Connection) -> int | None:
    """Bytes of the database; None for a file, which others can ask for its size."""
    return postgresql.size(connection) if connection.dialect.name == "postgresql" else None


def departments(connection: Connection) -> frozenset[str]:
    """The ids of departments that ever had a finding or a case."""
    found: set[str] = set()
    for table in (findings, cases):
        found.update(connection.execute(select(table.c.department_id).distinct()).scalars())
    return frozenset(found)

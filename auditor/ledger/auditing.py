"""The audits' own rows: how far each came, how it ended, and how its probes fared."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from auditor.ledger.errors import Refusal
from auditor.ledger.records import AuditRow, Opening, ProbeRun, Status
from auditor.ledger.rows import audit_of, probe_run_columns, probe_run_of
from auditor.ledger.tables import audits, probe_runs
from inventories.faults import clean


def begin(connection: Connection, opening: Opening, at: datetime) -> str:
    """A new running audit. Others that still say "running" were killed: they become interrupted."""
    _settle(connection, at)
    name = opening.id or _name(connection, at)
    if _find(connection, name) is not None:
        raise Refusal(f"there is an audit {clean(name, 80)} already")
    connection.execute(
        insert(audits).values(
            id=name,
            started_at=at,
            status=Status.RUNNING.value,
            stage="",
            snapshot="",
            outcome_digest="",
            plan_digest=opening.plan_digest,
            message="",
            version=opening.version,
            command=clean(opening.command, 500),
            zones=opening.zones,
            packs=opening.packs,
        )
    )
    return name


def resume(connection: Connection, audit: str, at: datetime) -> None:
    """An interrupted or failed audit goes on. Refusal where its findings are recorded already."""
    row = get(connection, audit)
    if row.recorded_at is not None:
        raise Refusal(f"the audit {audit} is recorded already")
    _settle(connection, at)
    change(connection, audit, status=Status.RUNNING.value, ended_at=None, exit_status=None, message="")


def check_runs(connection: Connection, audit: str) -> None:
    """Refusal for an audit that may not be recorded: it is already, or its lock was lost and another has begun."""
    row = get(connection, audit)
    if row.recorded_at is not None:
        raise Refusal(f"the audit {clean(audit, 80)} is recorded already")
    if row.status is not Status.RUNNING:
        raise Refusal(f"the audit {clean(audit, 80)} no longer runs: another began meanwhile", "audit again")


def change(connection: Connection, audit: str, **values: object) -> None:
    if not connection.execute(update(audits).where(audits.c.id == audit).values(**values)).rowcount:
        raise Refusal(f"there is no audit {clean(audit, 80)}")


def get(connection: Connection, audit: str) -> AuditRow:
    row = _find(connection, audit)
    if row is None:
        raise Refusal(f"there is no audit {clean(audit, 80)}")
    return row


def listing(connection: Connection, statuses: Collection[Status], limit: int | None) -> list[AuditRow]:
    """Newest first."""
    statement = select(audits).order_by(audits.c.started_at.desc(), audits.c.id.desc()).limit(limit)
    if statuses:
        statement = statement.where(audits.c.status.in_([status.value for status in statuses]))
    return [audit_of(row) for row in connection.execute(statement)]


def save_runs(connection: Connection, audit: str, runs: Sequence[ProbeRun]) -> None:
    """How the probes of an audit fared; doing it again replaces what was said before."""
    connection.execute(delete(probe_runs).where(probe_runs.c.audit == audit))
    if runs:
        connection.execute(insert(probe_runs), [probe_run_columns(audit, run) for run in runs])


def runs(connection: Connection, audit: str) -> list[ProbeRun]:
    statement = select(probe_runs).where(probe_runs.c.audit == audit).order_by(probe_runs.c.zone, probe_runs.c.probe)
    return [probe_run_of(row) for row in connection.execute(statement)]


def last_successes(connection: Connection) -> dict[tuple[str, str], datetime]:
    """(zone, probe) → when it last did all that it set out to do."""
    newest = (
        select(probe_runs.c.zone, probe_runs.c.probe, func.max(probe_runs.c.ended_at).label("at"))
        .where(probe_runs.c.success)
        .group_by(probe_runs.c.zone, probe_runs.c.probe)
    )
    return {(zone, probe): at for zone, probe, at in connection.execute(newest)}


def last_attempts(connection: Connection) -> dict[tuple[str, str], datetime]:
    """(zone, probe) → until when a recorded audit's looking there lasted, whether it did all or not."""
    newest = (
        select(probe_runs.c.zone, probe_runs.c.probe, func.max(probe_runs.c.ended_at).label("at"))
        .join(audits, audits.c.id == probe_runs.c.audit)
        .where(audits.c.recorded_at.is_not(None))
        .group_by(probe_runs.c.zone, probe_runs.c.probe)
    )
    return {(zone, probe): at for zone, probe, at in connection.execute(newest)}


def _settle(connection: Connection, at: datetime) -> None:
    """The caller holds the audit's lock, so no other audit runs, whatever its row says."""
    running = audits.c.status == Status.RUNNING.value
    connection.execute(update(audits).where(running).values(status=Status.INTERRUPTED.value, ended_at=at))


def _find(connection: Connection, audit: str) -> AuditRow | None:
    row = connection.execute(select(audits).where(audits.c.id == audit)).first()
    return audit_of(row) if row is not None else None


def _name(connection: Connection, at: datetime) -> str:
    """A name that sorts by time and may be a file's: ``20260314T083000Z``, with ``-2`` where that is taken."""
    base = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    turn, name = 1, base
    while _find(connection, name) is not None:
        turn += 1
        name = f"{base}-{turn}"
    return name

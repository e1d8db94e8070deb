"""Between database rows and the ledger's plain values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Row

from auditor.ledger.life import Life, Reason, State
from auditor.ledger.records import AuditRow, EventRow, FindingRow, ProbeRun, Seen, Status
from inventories.faults import clean
from inventories.model import canonical, plain

T = TypeVar("T")

#: How many values one ``IN`` holds: well under the limit of variables of both databases.
BATCH = 1000

#: The columns that only a sighting changes.
CONTENT = (
    "kind",
    "asset_name",
    "department_id",
    "department_name",
    "zone",
    "severity",
    "bite",
    "facts_digest",
    "content_digest",
)

#: The columns of a life that :func:`life_columns` writes.
LIFE = ("state", "stale", "reason", "absences", "reopenings", "waiver", "dismissed_until")

#: What recording needs of a finding. The life stands first, so that it can be taken in one piece.
PRESENT = (
    *LIFE,
    *("id", "rule", "asset_key", "kind", "asset_name", "department_id", "department_name", "zone", "note"),
    *("facts_digest", "content_digest"),
)


def batched(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def json_text(body: object) -> str:
    """How JSON is stored: in its one spelling, and a lone surrogate, which is no UTF-8, as its escape."""
    return canonical(body).encode("utf-8", "backslashreplace").decode("utf-8")


def facts_digest(facts: Sequence[Mapping[str, object]]) -> str:
    """Stands for what the facts say; who said it, how many did, when and how is left out."""
    return _digest("\n".join(sorted({f"{fact['column']}={plain(fact['value'])!r}" for fact in facts})))


def content_digest(seen: Seen) -> str:
    """Stands for what a sighting says besides its facts, its time and its waiver."""
    return _digest(repr(_content(seen)))


def whole_digest(seen: Seen) -> str:
    """Stands for a sighting with everything that is known of its facts; equal, and nothing else need be compared."""
    return _digest(repr((_content(seen), seen.facts)))


def _content(seen: Seen) -> tuple[str, ...]:
    return (
        seen.kind,
        seen.asset_name,
        seen.department_id,
        seen.department_name,
        seen.zone,
        seen.severity,
        seen.bite,
    )


def content_columns(seen: Seen, facts: str, content: str) -> dict[str, object]:
    """The columns of :data:`CONTENT`; names made safe to show, as they come from outside."""
    return {
        "kind": seen.kind,
        "asset_name": clean(seen.asset_name, 500),
        "department_id": seen.department_id,
        "department_name": clean(seen.department_name, 500),
        "zone": seen.zone,
        "severity": seen.severity,
        "bite": seen.bite,
        "facts_digest": facts,
        "content_digest": content,
    }


def life_columns(life: Life) -> dict[str, object]:
    """The columns of a life, without the digest of facts, which belongs to the content."""
    return {
        "state": life.state.value,
        "stale": life.stale,
        "reason": life.reason.value,
        "absences": life.absences,
        "reopenings": life.reopenings,
        "waiver": life.waiver,
        "dismissed_until": life.dismissed_until,
    }


def life_of(row: Row[Any]) -> Life:
    return Life(
        state=State(row.state),
        stale=row.stale,
        reason=Reason(row.reason),
        absences=row.absences,
        reopenings=row.reopenings,
        facts_digest=row.facts_digest,
        waiver=row.waiver,
        dismissed_until=row.dismissed_until,
    )


def finding_of(row: Row[Any], facts: Sequence[Mapping[str, object]]) -> FindingRow:
    return FindingRow(
        id=row.id,
        rule=row.rule,
        kind=row.kind,
        asset_key=row.asset_key,
        asset_name=row.asset_name,
        department_id=row.department_id,
        department_name=row.department_name,
        zone=row.zone,
        severity=row.severity,
        bite=row.bite,
        life=life_of(row),
        note=row.note,
        opened_at=row.opened_at,
        last_confirmed_at=row.last_confirmed_at,
        resolved_at=row.resolved_at,
        snapshot_first=row.snapshot_first,
        snapshot_last=row.snapshot_last,
        merged_into=row.merged_into or "",
        facts=tuple(facts),
    )


def event_of(row: Row[Any]) -> EventRow:
    return EventRow(
        finding=row.finding,
        at=row.at,
        audit=row.audit or "",
        before=row.before,
        after=row.after,
        reason=Reason(row.reason),
        note=row.note,
        actor=row.actor,
    )


def event_columns(
    finding: str, at: datetime, audit: str, before: str, after: str, reason: Reason, note: str = "", actor: str = ""
) -> dict[str, object]:
    """A line of history; an empty ``audit`` is a person's doing. Notes are made safe to show."""
    return {
        "finding": finding,
        "at": at,
        "audit": audit or None,
        "before": before,
        "after": after,
        "reason": reason.value,
        "note": clean(note, 500),
        "actor": clean(actor, 100),
    }


def audit_of(row: Row[Any]) -> AuditRow:
    return AuditRow(
        id=row.id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        recorded_at=row.recorded_at,
        status=Status(row.status),
        stage=row.stage,
        snapshot=row.snapshot,
        outcome_digest=row.outcome_digest,
        plan_digest=row.plan_digest,
        exit_status=row.exit_status,
        message=row.message,
        version=row.version,
        command=row.command,
        zones=tuple(row.zones),
        packs=dict(row.packs),
    )


def probe_run_columns(audit: str, run: ProbeRun) -> dict[str, object]:
    return {
        "audit": audit,
        "zone": run.zone,
        "probe": run.probe,
        "success": run.success,
        "seconds": run.seconds,
        "covered": run.covered,
        "authorised": run.authorised,
        "ended_at": run.ended_at,
    }


def probe_run_of(row: Row[Any]) -> ProbeRun:
    return ProbeRun(
        zone=row.zone,
        probe=row.probe,
        success=row.success,
        seconds=row.seconds,
        covered=row.covered,
        authorised=row.authorised,
        ended_at=row.ended_at,
    )


def _digest(text: str) -> str:
    # 128 bits are plenty to notice a difference; a lone surrogate from outside must not stop the audit.
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]

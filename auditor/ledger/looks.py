"""The looks that were judged: each by one recorded audit, noted in the transaction that records it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from auditor.ledger.records import LookRow
from auditor.ledger.tables import looks


def note(connection: Connection, audit: str, judged: Sequence[LookRow]) -> None:
    """A look that was noted before keeps the audit that judged it first."""
    known = set(connection.execute(select(looks.c.id).where(looks.c.id.in_([one.id for one in judged]))).scalars())
    rows = [
        {
            "id": one.id,
            "audit": audit,
            "zone": one.zone,
            "probes": one.probes,
            "seen_from": one.seen_from,
            "seen_until": one.seen_until,
            "signed_by": one.signed_by,
        }
        for one in judged
        if one.id not in known
    ]
    if rows:
        connection.execute(insert(looks), rows)


def judged(connection: Connection) -> frozenset[str]:
    return frozenset(connection.execute(select(looks.c.id)).scalars())

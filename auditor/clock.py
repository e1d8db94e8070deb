"""The program's only clock, so that a whole story can be told in frozen time."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Aware, UTC. Call it through the module (``clock.utc_now()``): tests put another in its place."""
    return datetime.now(UTC)

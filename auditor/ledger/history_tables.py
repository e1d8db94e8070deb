"""The tables of the history: what stood on which day, and how long each stage of an audit took.

They are drawn from the other tables and from snapshots, and accuse nobody: they are not guarded.
"""

from __future__ import annotations

from sqlalchemy import Column, Date, Float, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table

from auditor.ledger.columns import TEXT
from auditor.ledger.tables import metadata

history_series = Table(
    "history_series",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("metric", TEXT, nullable=False),
    # A JSON object in its one spelling.
    Column("labels", TEXT, nullable=False),
    Index("uq_history_series_metric_labels", "metric", "labels", unique=True),
)

#: A row stands where a value changed, and holds until the next; null: from that day on there was none.
history = Table(
    "history",
    metadata,
    Column("series", Integer, ForeignKey("history_series.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("value", Float),
    PrimaryKeyConstraint("series", "day"),
)

audit_stages = Table(
    "audit_stages",
    metadata,
    Column("audit", TEXT, ForeignKey("audits.id"), nullable=False),
    Column("stage", TEXT, nullable=False),
    Column("seconds", Float, nullable=False),
    PrimaryKeyConstraint("audit", "stage"),
)

"""The history: daily values that outlive whoever scrapes them, and how long each stage of an audit took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from auditor.ledger.columns import TEXT

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "history_series",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("metric", TEXT, nullable=False),
        sa.Column("labels", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_history_series"),
    )
    op.create_index("uq_history_series_metric_labels", "history_series", ["metric", "labels"], unique=True)
    op.create_table(
        "history",
        sa.Column("series", sa.Integer, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("value", sa.Float),
        sa.PrimaryKeyConstraint("series", "day", name="pk_history"),
        sa.ForeignKeyConstraint(["series"], ["history_series.id"], name="fk_history_series"),
    )
    op.create_table(
        "audit_stages",
        sa.Column("audit", TEXT, nullable=False),
        sa.Column("stage", TEXT, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("audit", "stage", name="pk_audit_stages"),
        sa.ForeignKeyConstraint(["audit"], ["audits.id"], name="fk_audit_stages_audit"),
    )

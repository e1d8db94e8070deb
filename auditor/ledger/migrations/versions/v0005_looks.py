"""The looks that were judged: what zones' probing brought home, each judged first by one audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from auditor.ledger.columns import TEXT

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "looks",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("audit", TEXT, nullable=False),
        sa.Column("zone", TEXT, nullable=False),
        sa.Column("probes", sa.JSON, nullable=False),
        sa.Column("seen_from", _MOMENT, nullable=False),
        sa.Column("seen_until", _MOMENT, nullable=False),
        sa.Column("signed_by", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_looks"),
        sa.ForeignKeyConstraint(["audit"], ["audits.id"], name="fk_looks_audit"),
    )
    op.create_index("ix_looks_zone_seen_until", "looks", ["zone", "seen_until"])

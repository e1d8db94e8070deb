"""What people said about identity: who, when, why, and what it changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from auditor.ledger.columns import TEXT

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity_words",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("actor", "act", "kind", "key", "other", "reason")),
        sa.Column("identifiers", sa.JSON, nullable=False),
        sa.Column("changes", sa.JSON, nullable=False),
        sa.Column("undoes", sa.Integer),
        sa.PrimaryKeyConstraint("id", name="pk_identity_words"),
        sa.ForeignKeyConstraint(["undoes"], ["identity_words.id"], name="fk_identity_words_undoes"),
    )
    op.create_index("uq_identity_words_undoes", "identity_words", ["undoes"], unique=True)
    op.create_index("ix_identity_words_key", "identity_words", ["key"])
    op.create_index("ix_identity_words_other", "identity_words", ["other"])

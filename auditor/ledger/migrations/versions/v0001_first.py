"""The first schema: audits, findings with their history, identities, probe runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from auditor.ledger.columns import TEXT

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _audits()
    _findings()
    _identities()


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)


def _audits() -> None:
    op.create_table(
        "audits",
        _text("id"),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("recorded_at", _MOMENT),
        _text("status"),
        _text("stage"),
        _text("snapshot"),
        _text("outcome_digest"),
        _text("plan_digest"),
        sa.Column("exit_status", sa.Integer),
        _text("message"),
        _text("version"),
        _text("command"),
        sa.Column("zones", sa.JSON, nullable=False),
        sa.Column("packs", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audits"),
    )
    op.create_index("ix_audits_started_at", "audits", ["started_at"])
    op.create_table(
        "probe_runs",
        _text("audit"),
        _text("zone"),
        _text("probe"),
        sa.Column("success", sa.Boolean, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("covered", sa.BigInteger, nullable=False),
        sa.Column("authorised", sa.BigInteger, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("audit", "zone", "probe", name="pk_probe_runs"),
        sa.ForeignKeyConstraint(["audit"], ["audits.id"], name="fk_probe_runs_audit"),
    )
    op.create_index("ix_probe_runs_zone_probe", "probe_runs", ["zone", "probe"])


def _findings() -> None:
    op.create_table(
        "findings",
        *(_text(name) for name in ("id", "rule", "kind", "asset_key", "asset_name")),
        *(_text(name) for name in ("department_id", "department_name", "zone", "severity", "bite")),
        _text("state"),
        sa.Column("stale", sa.Boolean, nullable=False),
        _text("reason"),
        _text("note"),
        sa.Column("absences", sa.Integer, nullable=False),
        sa.Column("reopenings", sa.Integer, nullable=False),
        _text("facts_digest"),
        _text("content_digest"),
        _text("waiver"),
        sa.Column("dismissed_until", sa.Date),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("last_confirmed_at", _MOMENT, nullable=False),
        sa.Column("resolved_at", _MOMENT),
        _text("snapshot_first"),
        _text("snapshot_last"),
        sa.Column("merged_into", TEXT),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
        sa.ForeignKeyConstraint(["merged_into"], ["findings.id"], name="fk_findings_merged_into"),
    )
    op.create_index(
        "uq_findings_rule_asset_key",
        "findings",
        ["rule", "asset_key"],
        unique=True,
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.create_index("ix_findings_asset_key", "findings", ["asset_key"])
    op.create_index("ix_findings_state_department_id", "findings", ["state", "department_id"])
    op.create_table(
        "finding_facts",
        _text("finding"),
        _text("digest"),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("finding", name="pk_finding_facts"),
        sa.ForeignKeyConstraint(["finding"], ["findings.id"], name="fk_finding_facts_finding"),
    )
    op.create_table(
        "finding_events",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=True),
        _text("finding"),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("audit", TEXT),
        *(_text(name) for name in ("before", "after", "reason", "note", "actor")),
        sa.PrimaryKeyConstraint("id", name="pk_finding_events"),
        sa.ForeignKeyConstraint(["finding"], ["findings.id"], name="fk_finding_events_finding"),
        sa.ForeignKeyConstraint(["audit"], ["audits.id"], name="fk_finding_events_audit"),
    )
    op.create_index("ix_finding_events_finding", "finding_events", ["finding"])


def _identities() -> None:
    op.create_table(
        "asset_keys",
        _text("key"),
        sa.Column("first_seen", sa.Date),
        sa.Column("last_seen", sa.Date),
        sa.PrimaryKeyConstraint("key", name="pk_asset_keys"),
    )
    for table in ("identities", "pins"):
        op.create_table(
            table,
            *(_text(name) for name in ("kind", "scheme", "value", "vantage", "key")),
            sa.PrimaryKeyConstraint("kind", "scheme", "value", "vantage", name=f"pk_{table}"),
            sa.ForeignKeyConstraint(["key"], ["asset_keys.key"], name=f"fk_{table}_key"),
        )
        op.create_index(f"ix_{table}_key", table, ["key"])
    op.create_table(
        "aliases",
        _text("key"),
        _text("survivor"),
        sa.PrimaryKeyConstraint("key", name="pk_aliases"),
    )

"""The ledger's tables, as SQLAlchemy sees them; the migrations make them, and a test compares the two.

Only types and constraints that SQLite and PostgreSQL share. Facts have their own table: they are wide and
seldom change, while times of confirmation change in every audit.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """A point in time: always aware, always UTC when read, whatever the database does about time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


audits = Table(
    "audits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("recorded_at", Moment),
    Column("status", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("snapshot", Text, nullable=False),
    Column("outcome_digest", Text, nullable=False),
    Column("plan_digest", Text, nullable=False),
    Column("exit_status", Integer),
    Column("message", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("zones", JSON, nullable=False),
    Column("packs", JSON, nullable=False),
    Index("ix_audits_started_at", "started_at"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("asset_key", Text, nullable=False),
    Column("asset_name", Text, nullable=False),
    Column("department_id", Text, nullable=False),
    Column("department_name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("bite", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("stale", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("absences", Integer, nullable=False),
    Column("reopenings", Integer, nullable=False),
    Column("facts_digest", Text, nullable=False),
    # Over what a sighting says besides its facts.
    Column("content_digest", Text, nullable=False),
    Column("waiver", Text, nullable=False),
    Column("dismissed_until", Date),
    Column("opened_at", Moment, nullable=False),
    Column("last_confirmed_at", Moment, nullable=False),
    Column("resolved_at", Moment),
    Column("snapshot_first", Text, nullable=False),
    Column("snapshot_last", Text, nullable=False),
    Column("merged_into", Text, ForeignKey("findings.id")),
    # One living finding for a rule and an asset; those merged away keep the key they had.
    Index(
        "uq_findings_rule_asset_key",
        "rule",
        "asset_key",
        unique=True,
        sqlite_where=text("merged_into IS NULL"),
        postgresql_where=text("merged_into IS NULL"),
    ),
    Index("ix_findings_asset_key", "asset_key"),
    Index("ix_findings_state_department_id", "state", "department_id"),
)

finding_facts = Table(
    "finding_facts",
    metadata,
    Column("finding", Text, ForeignKey("findings.id"), primary_key=True),
    # Over the whole sighting, facts with their sources and times: equal, and only times of confirmation are written.
    Column("digest", Text, nullable=False),
    Column("facts", JSON, nullable=False),
)

finding_events = Table(
    "finding_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("finding", Text, ForeignKey("findings.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("audit", Text, ForeignKey("audits.id")),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Index("ix_finding_events_finding", "finding"),
)

asset_keys = Table(
    "asset_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("first_seen", Date),
    Column("last_seen", Date),
)

identities = Table(
    "identities",
    metadata,
    Column("kind", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("vantage", Text, nullable=False),
    Column("key", Text, ForeignKey("asset_keys.key"), nullable=False),
    PrimaryKeyConstraint("kind", "scheme", "value", "vantage"),
    Index("ix_identities_key", "key"),
)

pins = Table(
    "pins",
    metadata,
    Column("kind", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("vantage", Text, nullable=False),
    Column("key", Text, ForeignKey("asset_keys.key"), nullable=False),
    PrimaryKeyConstraint("kind", "scheme", "value", "vantage"),
    Index("ix_pins_key", "key"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("key", Text, primary_key=True),
    Column("survivor", Text, nullable=False),
)

#: What people said about identity; a word is never changed, only undone by a later one.
identity_words = Table(
    "identity_words",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("other", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("identifiers", JSON, nullable=False),
    # Before and after: pins, keys, and the findings that moved.
    Column("changes", JSON, nullable=False),
    Column("undoes", Integer, ForeignKey("identity_words.id")),
    Index("uq_identity_words_undoes", "undoes", unique=True),
    Index("ix_identity_words_key", "key"),
    Index("ix_identity_words_other", "other"),
)

probe_runs = Table(
    "probe_runs",
    metadata,
    Column("audit", Text, ForeignKey("audits.id"), nullable=False),
    Column("zone", Text, nullable=False),
    Column("probe", Text, nullable=False),
    Column("success", Boolean, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("covered", BigInteger, nullable=False),
    Column("authorised", BigInteger, nullable=False),
    Column("ended_at", Moment, nullable=False),
    PrimaryKeyConstraint("audit", "zone", "probe"),
    Index("ix_probe_runs_zone_probe", "zone", "probe"),
)

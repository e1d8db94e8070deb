"""The ledger's tables, as SQLAlchemy sees them; the migrations make them, and a test compares the two.

Only types and constraints that SQLite and PostgreSQL share. Facts have their own table: they are wide and
seldom change, while times of confirmation change in every audit.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    text,
)

from auditor.ledger.columns import TEXT, Moment

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


audits = Table(
    "audits",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("recorded_at", Moment),
    Column("status", TEXT, nullable=False),
    Column("stage", TEXT, nullable=False),
    Column("snapshot", TEXT, nullable=False),
    Column("outcome_digest", TEXT, nullable=False),
    Column("plan_digest", TEXT, nullable=False),
    Column("exit_status", Integer),
    Column("message", TEXT, nullable=False),
    Column("version", TEXT, nullable=False),
    Column("command", TEXT, nullable=False),
    Column("zones", JSON, nullable=False),
    Column("packs", JSON, nullable=False),
    Index("ix_audits_started_at", "started_at"),
)

# What zones' probing brought home, once an audit has judged it: it confirms and closes nothing a second time.
looks = Table(
    "looks",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("audit", TEXT, ForeignKey("audits.id"), nullable=False),
    Column("zone", TEXT, nullable=False),
    Column("probes", JSON, nullable=False),
    Column("seen_from", Moment, nullable=False),
    Column("seen_until", Moment, nullable=False),
    Column("signed_by", TEXT, nullable=False),
    Index("ix_looks_zone_seen_until", "zone", "seen_until"),
)

findings = Table(
    "findings",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("rule", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("asset_key", TEXT, nullable=False),
    Column("asset_name", TEXT, nullable=False),
    Column("department_id", TEXT, nullable=False),
    Column("department_name", TEXT, nullable=False),
    Column("zone", TEXT, nullable=False),
    Column("severity", TEXT, nullable=False),
    Column("bite", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("stale", Boolean, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("note", TEXT, nullable=False),
    Column("absences", Integer, nullable=False),
    Column("reopenings", Integer, nullable=False),
    Column("facts_digest", TEXT, nullable=False),
    # Over what a sighting says besides its facts.
    Column("content_digest", TEXT, nullable=False),
    Column("waiver", TEXT, nullable=False),
    Column("dismissed_until", Date),
    Column("opened_at", Moment, nullable=False),
    Column("last_confirmed_at", Moment, nullable=False),
    Column("resolved_at", Moment),
    Column("snapshot_first", TEXT, nullable=False),
    Column("snapshot_last", TEXT, nullable=False),
    Column("merged_into", TEXT, ForeignKey("findings.id")),
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
    Column("finding", TEXT, ForeignKey("findings.id"), primary_key=True),
    # Over the whole sighting, facts with their sources and times: equal, and only times of confirmation are written.
    Column("digest", TEXT, nullable=False),
    Column("facts", JSON, nullable=False),
)

finding_events = Table(
    "finding_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("finding", TEXT, ForeignKey("findings.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("audit", TEXT, ForeignKey("audits.id")),
    Column("before", TEXT, nullable=False),
    Column("after", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("note", TEXT, nullable=False),
    Column("actor", TEXT, nullable=False),
    Index("ix_finding_events_finding", "finding"),
)

asset_keys = Table(
    "asset_keys",
    metadata,
    Column("key", TEXT, primary_key=True),
    Column("first_seen", Date),
    Column("last_seen", Date),
)

identities = Table(
    "identities",
    metadata,
    Column("kind", TEXT, nullable=False),
    Column("scheme", TEXT, nullable=False),
    Column("value", TEXT, nullable=False),
    Column("vantage", TEXT, nullable=False),
    Column("key", TEXT, ForeignKey("asset_keys.key"), nullable=False),
    PrimaryKeyConstraint("kind", "scheme", "value", "vantage"),
    Index("ix_identities_key", "key"),
)

pins = Table(
    "pins",
    metadata,
    Column("kind", TEXT, nullable=False),
    Column("scheme", TEXT, nullable=False),
    Column("value", TEXT, nullable=False),
    Column("vantage", TEXT, nullable=False),
    Column("key", TEXT, ForeignKey("asset_keys.key"), nullable=False),
    PrimaryKeyConstraint("kind", "scheme", "value", "vantage"),
    Index("ix_pins_key", "key"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("key", TEXT, primary_key=True),
    Column("survivor", TEXT, nullable=False),
)

#: What people said about identity; a word is never changed, only undone by a later one.
identity_words = Table(
    "identity_words",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor", TEXT, nullable=False),
    Column("act", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("key", TEXT, nullable=False),
    Column("other", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
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
    Column("audit", TEXT, ForeignKey("audits.id"), nullable=False),
    Column("zone", TEXT, nullable=False),
    Column("probe", TEXT, nullable=False),
    Column("success", Boolean, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("covered", BigInteger, nullable=False),
    Column("authorised", BigInteger, nullable=False),
    Column("ended_at", Moment, nullable=False),
    PrimaryKeyConstraint("audit", "zone", "probe"),
    Index("ix_probe_runs_zone_probe", "zone", "probe"),
)

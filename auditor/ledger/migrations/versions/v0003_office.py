"""The office: cases, papers and numbers, waivers, departments' changes, requests for registers, and the trail."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from auditor.ledger.columns import TEXT

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: The trail may grow and never change: the databases themselves refuse it.
_SQLITE = (
    "CREATE TRIGGER trail_{word} BEFORE {act} ON trail "
    "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
)
_POSTGRESQL = (
    "CREATE FUNCTION trail_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$",
    "CREATE TRIGGER trail_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON trail "
    "FOR EACH STATEMENT EXECUTE FUNCTION trail_append_only()",
)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, TEXT, nullable=False) for name in names]


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _dates(*names: str, nullable: bool = True) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Date, nullable=nullable) for name in names]


def _json(*names: str, nullable: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.JSON, nullable=nullable) for name in names]


def upgrade() -> None:
    _trail()
    _cases()
    _papers()
    _waivers_and_departments()
    _requests()


def _trail() -> None:
    op.create_table(
        "trail",
        sa.Column("seq", sa.Integer, nullable=False, autoincrement=False),
        _moment("at"),
        *_texts("actor", "login", "act", "subject", "note"),
        *_json("detail", "rows"),
        *_texts("previous", "digest"),
        sa.PrimaryKeyConstraint("seq", name="pk_trail"),
    )
    op.create_index("ix_trail_subject", "trail", ["subject"])
    if op.get_bind().dialect.name == "postgresql":
        for statement in _POSTGRESQL:
            op.execute(statement)
    else:
        for act in ("UPDATE", "DELETE"):
            op.execute(_SQLITE.format(word=act.lower(), act=act))


def _cases() -> None:
    op.create_table(
        "cases",
        *_texts("id", "form", "state", "department_id", "department_name", "formerly"),
        *_texts("pack", "power", "addressee"),
        sa.Column("round", sa.Integer, nullable=False),
        *_texts("number", "snapshot"),
        *_json("reply", nullable=True),
        sa.Column("reply_by_bureau", sa.Boolean, nullable=False),
        *_dates("due"),
        sa.Column("due_provisional", sa.Boolean, nullable=False),
        _moment("drafted_at"),
        *_texts("drafted_by", "reviewed_by", "signed_by"),
        _moment("issued_at", nullable=True),
        *_dates("issued_on", "served_on"),
        *_json("service"),
        *_dates("replied_on"),
        _moment("inspected_at", nullable=True),
        *_texts("inspected_by"),
        _moment("closed_at", nullable=True),
        sa.Column("parent", TEXT),
        *_json("consequence", nullable=True),
        *_texts("note"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.ForeignKeyConstraint(["parent"], ["cases.id"], name="fk_cases_parent"),
    )
    op.create_index("ix_cases_department_id", "cases", ["department_id"])
    op.create_index("ix_cases_state", "cases", ["state"])
    op.create_table(
        "case_items",
        *_texts("case_id", "finding"),
        sa.Column("position", sa.Integer, nullable=False),
        *_texts("rule", "title", "asset_key", "asset_name", "state", "ground", "decided_by"),
        sa.Column("round", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("case_id", "finding", name="pk_case_items"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_items_case_id"),
        sa.ForeignKeyConstraint(["finding"], ["findings.id"], name="fk_case_items_finding"),
    )
    op.create_index("ix_case_items_finding", "case_items", ["finding"])
    op.create_table(
        "case_words",
        *_texts("id", "case_id", "kind", "finding"),
        _moment("at"),
        *_dates("on_day", nullable=False),
        *_texts("by", "text", "verdict"),
        *_json("files"),
        sa.PrimaryKeyConstraint("id", name="pk_case_words"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_case_words_case_id"),
    )
    op.create_index("ix_case_words_case_id", "case_words", ["case_id"])


def _papers() -> None:
    op.create_table(
        "papers",
        *_texts("id"),
        sa.Column("case_id", TEXT),
        *_texts("form"),
        sa.Column("round", sa.Integer, nullable=False),
        *_texts("word"),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        *_texts("number"),
        _moment("issued_at"),
        *_dates("issued_on", nullable=False),
        *_texts("signed_by"),
        *_json("fields"),
        *_dates("withdrawn_on"),
        *_texts("withdrawn_why"),
        sa.PrimaryKeyConstraint("id", name="pk_papers"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_papers_case_id"),
    )
    op.create_index("uq_papers_word_year_sequence", "papers", ["word", "year", "sequence"], unique=True)
    op.create_index("ix_papers_case_id", "papers", ["case_id"])


def _waivers_and_departments() -> None:
    op.create_table(
        "waivers",
        *_texts("id", "state"),
        *_json("rules"),
        *_texts("department_id", "asset_code", "asset_name", "legal_basis", "approver", "document"),
        *_texts("document_digest"),
        *_dates("valid_from", "valid_to", nullable=False),
        *_texts("conditions", "drafted_by"),
        _moment("drafted_at"),
        *_texts("approved_by"),
        *_dates("revoked_on"),
        *_texts("note"),
        sa.PrimaryKeyConstraint("id", name="pk_waivers"),
    )
    op.create_table(
        "department_changes",
        *_texts("id", "kind", "department_id", "department_name", "successor_id", "successor_name"),
        *_texts("asset_kind", "asset_code"),
        *_dates("effective_on", nullable=False),
        *_texts("document"),
        _moment("at"),
        *_texts("by"),
        sa.Column("undone", sa.Boolean, nullable=False),
        *_texts("note"),
        sa.PrimaryKeyConstraint("id", name="pk_department_changes"),
    )


def _requests() -> None:
    op.create_table(
        "register_requests",
        *_texts("id", "state", "department_id", "register", "period"),
        *_json("columns"),
        *_dates("asked_on", nullable=False),
        *_texts("asked_by"),
        *_dates("due"),
        *_json("reminders"),
        *_dates("answered_on"),
        sa.Column("nil_return", sa.Boolean, nullable=False),
        *_texts("digest"),
        *_json("changes"),
        *_texts("note"),
        sa.PrimaryKeyConstraint("id", name="pk_register_requests"),
    )
    op.create_index("ix_register_requests_department_id", "register_requests", ["department_id"])
    op.create_index(
        "uq_register_requests_open",
        "register_requests",
        ["department_id", "register", "period"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )

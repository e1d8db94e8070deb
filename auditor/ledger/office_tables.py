"""The tables of the office: cases, papers and their numbers, waivers, departments' changes, requests for registers.

They are *guarded*: whatever is written to one goes through :mod:`auditor.ledger.trail`, which keeps the digest of
every row, so that a change made past it is found.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    text,
)

from auditor.ledger.columns import TEXT, Moment
from auditor.ledger.tables import metadata

#: Append-only; each entry holds the digest of the one before it.
trail = Table(
    "trail",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    # The office that acted, and the account of the machine that typed it.
    Column("actor", TEXT, nullable=False),
    Column("login", TEXT, nullable=False),
    Column("act", TEXT, nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("note", TEXT, nullable=False),
    Column("detail", JSON, nullable=False),
    # "table:key" → SHA-256 of the row as this entry left it.
    Column("rows", JSON, nullable=False),
    Column("previous", TEXT, nullable=False),
    Column("digest", TEXT, nullable=False),
    Index("ix_trail_subject", "subject"),
)

cases = Table(
    "cases",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("form", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("department_id", TEXT, nullable=False),
    Column("department_name", TEXT, nullable=False),
    # What the department was called before a merger or renaming; empty: it never changed.
    Column("formerly", TEXT, nullable=False),
    Column("pack", TEXT, nullable=False),
    Column("power", TEXT, nullable=False),
    # A department, a contractor, or another authority. Empty: nobody has said the contractor's name yet.
    Column("addressee", TEXT, nullable=False),
    Column("round", Integer, nullable=False),
    Column("number", TEXT, nullable=False),
    Column("snapshot", TEXT, nullable=False),
    # {"amount": 10, "unit": "working_days", "start": "service"}, or null: no time to reply.
    Column("reply", JSON),
    Column("reply_by_bureau", Boolean, nullable=False),
    Column("due", Date),
    Column("due_provisional", Boolean, nullable=False),
    Column("drafted_at", Moment, nullable=False),
    Column("drafted_by", TEXT, nullable=False),
    Column("reviewed_by", TEXT, nullable=False),
    Column("signed_by", TEXT, nullable=False),
    Column("issued_at", Moment),
    Column("issued_on", Date),
    Column("served_on", Date),
    Column("service", JSON, nullable=False),
    Column("replied_on", Date),
    Column("inspected_at", Moment),
    Column("inspected_by", TEXT, nullable=False),
    Column("closed_at", Moment),
    # The case that this one came from: the order of a proposal, the letter before an order.
    Column("parent", TEXT, ForeignKey("cases.id")),
    # The consequence that a proposal asks for, as the pack gave it; null for every other form.
    Column("consequence", JSON),
    Column("note", TEXT, nullable=False),
    Index("ix_cases_department_id", "department_id"),
    Index("ix_cases_state", "state"),
)

case_items = Table(
    "case_items",
    metadata,
    Column("case_id", TEXT, ForeignKey("cases.id"), nullable=False),
    Column("finding", TEXT, ForeignKey("findings.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("rule", TEXT, nullable=False),
    Column("title", TEXT, nullable=False),
    Column("asset_key", TEXT, nullable=False),
    Column("asset_name", TEXT, nullable=False),
    # listed, mended, not_mended, cannot_tell, dropped
    Column("state", TEXT, nullable=False),
    Column("ground", TEXT, nullable=False),
    Column("decided_by", TEXT, nullable=False),
    # The last round in which the item was listed.
    Column("round", Integer, nullable=False),
    PrimaryKeyConstraint("case_id", "finding"),
    Index("ix_case_items_finding", "finding"),
)

#: Issued papers. The exact words are kept, so that each can be drawn again; a number is never used twice.
papers = Table(
    "papers",
    metadata,
    Column("id", TEXT, primary_key=True),
    # Null for a bulletin, which is nobody's case.
    Column("case_id", TEXT, ForeignKey("cases.id")),
    Column("form", TEXT, nullable=False),
    Column("round", Integer, nullable=False),
    Column("word", TEXT, nullable=False),
    Column("year", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("number", TEXT, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("signed_by", TEXT, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("withdrawn_on", Date),
    Column("withdrawn_why", TEXT, nullable=False),
    Index("uq_papers_word_year_sequence", "word", "year", "sequence", unique=True),
    Index("ix_papers_case_id", "case_id"),
)

#: What was said on a case: objections, answers to them, replies, and the papers that came with them.
case_words = Table(
    "case_words",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("case_id", TEXT, ForeignKey("cases.id"), nullable=False),
    # objection, answer, reply
    Column("kind", TEXT, nullable=False),
    # Empty: about the case as a whole.
    Column("finding", TEXT, nullable=False),
    Column("at", Moment, nullable=False),
    Column("on_day", Date, nullable=False),
    Column("by", TEXT, nullable=False),
    Column("text", TEXT, nullable=False),
    # An answer: accepted or rejected.
    Column("verdict", TEXT, nullable=False),
    # [{"name": …, "sha256": …, "bytes": …}]; the files themselves lie in the site's state folder.
    Column("files", JSON, nullable=False),
    Index("ix_case_words_case_id", "case_id"),
)

waivers = Table(
    "waivers",
    metadata,
    Column("id", TEXT, primary_key=True),
    # draft, approved, revoked
    Column("state", TEXT, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("department_id", TEXT, nullable=False),
    Column("asset_code", TEXT, nullable=False),
    Column("asset_name", TEXT, nullable=False),
    Column("legal_basis", TEXT, nullable=False),
    Column("approver", TEXT, nullable=False),
    Column("document", TEXT, nullable=False),
    Column("document_digest", TEXT, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, nullable=False),
    Column("conditions", TEXT, nullable=False),
    Column("drafted_by", TEXT, nullable=False),
    Column("drafted_at", Moment, nullable=False),
    Column("approved_by", TEXT, nullable=False),
    Column("revoked_on", Date),
    Column("note", TEXT, nullable=False),
)

department_changes = Table(
    "department_changes",
    metadata,
    Column("id", TEXT, primary_key=True),
    # rename, merge, transfer, undone
    Column("kind", TEXT, nullable=False),
    Column("department_id", TEXT, nullable=False),
    Column("department_name", TEXT, nullable=False),
    # merge, transfer: whose it becomes. rename: the same department.
    Column("successor_id", TEXT, nullable=False),
    Column("successor_name", TEXT, nullable=False),
    # transfer: the code of the thing, and its kind; empty otherwise.
    Column("asset_kind", TEXT, nullable=False),
    Column("asset_code", TEXT, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("document", TEXT, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", TEXT, nullable=False),
    Column("undone", Boolean, nullable=False),
    Column("note", TEXT, nullable=False),
)

register_requests = Table(
    "register_requests",
    metadata,
    Column("id", TEXT, primary_key=True),
    # open, answered, withdrawn
    Column("state", TEXT, nullable=False),
    Column("department_id", TEXT, nullable=False),
    Column("register", TEXT, nullable=False),
    Column("period", TEXT, nullable=False),
    # Empty: all the columns of the form.
    Column("columns", JSON, nullable=False),
    Column("asked_on", Date, nullable=False),
    Column("asked_by", TEXT, nullable=False),
    Column("due", Date),
    # [{"on": …, "by": …, "note": …}]
    Column("reminders", JSON, nullable=False),
    Column("answered_on", Date),
    Column("nil_return", Boolean, nullable=False),
    Column("digest", TEXT, nullable=False),
    # What the answer changed: {"added": 1, "changed": 2, "removed": 0, "lines": […]}
    Column("changes", JSON, nullable=False),
    Column("note", TEXT, nullable=False),
    Index("ix_register_requests_department_id", "department_id"),
    # One open request for a department, a register and a period.
    Index(
        "uq_register_requests_open",
        "department_id",
        "register",
        "period",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
)

GUARDED: Mapping[str, Table] = {
    table.name: table
    for table in (cases, case_items, papers, case_words, waivers, department_changes, register_requests)
}

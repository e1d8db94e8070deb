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
    Text,
    text,
)

from auditor.ledger.tables import Moment, metadata

#: Append-only; each entry holds the digest of the one before it.
trail = Table(
    "trail",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    # The office that acted, and the account of the machine that typed it.
    Column("actor", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    # "table:key" → SHA-256 of the row as this entry left it.
    Column("rows", JSON, nullable=False),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index("ix_trail_subject", "subject"),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("form", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("department_id", Text, nullable=False),
    Column("department_name", Text, nullable=False),
    # What the department was called before a merger or renaming; empty: it never changed.
    Column("formerly", Text, nullable=False),
    Column("pack", Text, nullable=False),
    Column("power", Text, nullable=False),
    # A department, a contractor, or another authority. Empty: nobody has said the contractor's name yet.
    Column("addressee", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("snapshot", Text, nullable=False),
    # {"amount": 10, "unit": "working_days", "start": "service"}, or null: no time to reply.
    Column("reply", JSON),
    Column("reply_by_bureau", Boolean, nullable=False),
    Column("due", Date),
    Column("due_provisional", Boolean, nullable=False),
    Column("drafted_at", Moment, nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("reviewed_by", Text, nullable=False),
    Column("signed_by", Text, nullable=False),
    Column("issued_at", Moment),
    Column("issued_on", Date),
    Column("served_on", Date),
    Column("service", JSON, nullable=False),
    Column("replied_on", Date),
    Column("inspected_at", Moment),
    Column("inspected_by", Text, nullable=False),
    Column("closed_at", Moment),
    # The case that this one came from: the order of a proposal, the letter before an order.
    Column("parent", Text, ForeignKey("cases.id")),
    # The consequence that a proposal asks for, as the pack gave it; null for every other form.
    Column("consequence", JSON),
    Column("note", Text, nullable=False),
    Index("ix_cases_department_id", "department_id"),
    Index("ix_cases_state", "state"),
)

case_items = Table(
    "case_items",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Column("finding", Text, ForeignKey("findings.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("asset_key", Text, nullable=False),
    Column("asset_name", Text, nullable=False),
    # listed, mended, not_mended, cannot_tell, dropped
    Column("state", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    # The last round in which the item was listed.
    Column("round", Integer, nullable=False),
    PrimaryKeyConstraint("case_id", "finding"),
    Index("ix_case_items_finding", "finding"),
)

#: Issued papers. The exact words are kept, so that each can be drawn again; a number is never used twice.
papers = Table(
    "papers",
    metadata,
    Column("id", Text, primary_key=True),
    # Null for a bulletin, which is nobody's case.
    Column("case_id", Text, ForeignKey("cases.id")),
    Column("form", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("word", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("signed_by", Text, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("withdrawn_on", Date),
    Column("withdrawn_why", Text, nullable=False),
    Index("uq_papers_word_year_sequence", "word", "year", "sequence", unique=True),
    Index("ix_papers_case_id", "case_id"),
)

#: What was said on a case: objections, answers to them, replies, and the papers that came with them.
case_words = Table(
    "case_words",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    # objection, answer, reply
    Column("kind", Text, nullable=False),
    # Empty: about the case as a whole.
    Column("finding", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("on_day", Date, nullable=False),
    Column("by", Text, nullable=False),
    Column("text", Text, nullable=False),
    # An answer: accepted or rejected.
    Column("verdict", Text, nullable=False),
    # [{"name": …, "sha256": …, "bytes": …}]; the files themselves lie in the site's state folder.
    Column("files", JSON, nullable=False),
    Index("ix_case_words_case_id", "case_id"),
)

waivers = Table(
    "waivers",
    metadata,
    Column("id", Text, primary_key=True),
    # draft, approved, revoked
    Column("state", Text, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("department_id", Text, nullable=False),
    Column("asset_code", Text, nullable=False),
    Column("asset_name", Text, nullable=False),
    Column("legal_basis", Text, nullable=False),
    Column("approver", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("document_digest", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, nullable=False),
    Column("conditions", Text, nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("drafted_at", Moment, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("revoked_on", Date),
    Column("note", Text, nullable=False),
)

department_changes = Table(
    "department_changes",
    metadata,
    Column("id", Text, primary_key=True),
    # rename, merge, transfer, undone
    Column("kind", Text, nullable=False),
    Column("department_id", Text, nullable=False),
    Column("department_name", Text, nullable=False),
    # merge, transfer: whose it becomes. rename: the same department.
    Column("successor_id", Text, nullable=False),
    Column("successor_name", Text, nullable=False),
    # transfer: the code of the thing, and its kind; empty otherwise.
    Column("asset_kind", Text, nullable=False),
    Column("asset_code", Text, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("document", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("by", Text, nullable=False),
    Column("undone", Boolean, nullable=False),
    Column("note", Text, nullable=False),
)

register_requests = Table(
    "register_requests",
    metadata,
    Column("id", Text, primary_key=True),
    # open, answered, withdrawn
    Column("state", Text, nullable=False),
    Column("department_id", Text, nullable=False),
    Column("register", Text, nullable=False),
    Column("period", Text, nullable=False),
    # Empty: all the columns of the form.
    Column("columns", JSON, nullable=False),
    Column("asked_on", Date, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("due", Date),
    # [{"on": …, "by": …, "note": …}]
    Column("reminders", JSON, nullable=False),
    Column("answered_on", Date),
    Column("nil_return", Boolean, nullable=False),
    Column("digest", Text, nullable=False),
    # What the answer changed: {"added": 1, "changed": 2, "removed": 0, "lines": […]}
    Column("changes", JSON, nullable=False),
    Column("note", Text, nullable=False),
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

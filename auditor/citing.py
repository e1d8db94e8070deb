"""What rests on a snapshot: open cases, findings that are not closed, papers that name it.

A finding closes only where those who saw it looked again, and who saw it is read from the snapshot in which it was
confirmed last (:mod:`auditor.recalling`). So that one stays while the finding is not closed, or a verdict would come
to rest on less than it needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from auditor.cases.model import ENDED
from auditor.ledger.cases import merged
from auditor.ledger.life import State
from auditor.ledger.office_tables import case_items, cases, papers
from auditor.ledger.rows import batched
from auditor.ledger.tables import findings

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: A snapshot's name in a paper's words: an audit's id, with its turn where several share a second.
_NAMED = re.compile(r"(?<!\d)\d{8}T\d{6}Z(?:-\d+)?")
_ENDED = [state.value for state in ENDED]


def cited(connection: Connection, *, papers_since: date) -> dict[str, tuple[str, ...]]:
    """Snapshot → what rests on it, in words. ``papers_since``: older papers of ended cases hold nothing."""
    out: dict[str, list[str]] = {}
    for name, why in (*_by_findings(connection), *_by_cases(connection), *_by_papers(connection, papers_since)):
        if name and why not in out.setdefault(name, []):
            out[name].append(why)
    return {name: tuple(why) for name, why in out.items() if name}


def _by_findings(connection: Connection) -> Iterator[tuple[str, str]]:
    statement = (
        select(findings.c.snapshot_last, func.count())
        .where(findings.c.state != State.RESOLVED.value)
        .group_by(findings.c.snapshot_last)
    )
    for name, number in connection.execute(statement):
        yield name, f"{number} findings that are not closed"


def _by_cases(connection: Connection) -> Iterator[tuple[str, str]]:
    """Open cases: what they were drafted from, and where each of their findings was first and last seen."""
    still_open = cases.c.state.not_in(_ENDED)
    for case, name in connection.execute(select(cases.c.id, cases.c.snapshot).where(still_open).order_by(cases.c.id)):
        yield name, f"case {case}"
    items = select(case_items.c.case_id, case_items.c.finding).join(cases, cases.c.id == case_items.c.case_id)
    held: dict[str, set[str]] = {}
    same = merged(connection)
    for case, finding in connection.execute(items.where(still_open)):
        for name in {finding, same.get(finding, finding)}:
            held.setdefault(name, set()).add(case)
    columns = (findings.c.id, findings.c.snapshot_first, findings.c.snapshot_last)
    for batch in batched(sorted(held)):
        for row in connection.execute(select(*columns).where(findings.c.id.in_(batch))):
            for case in sorted(held[row.id]):
                yield row.snapshot_first, f"case {case}"
                yield row.snapshot_last, f"case {case}"


def _by_papers(connection: Connection, since: date) -> Iterator[tuple[str, str]]:
    """Papers of open cases, those issued since a day, and the bulletins among them: whoever has one may ask."""
    statement = select(papers.c.number, papers.c.fields, papers.c.issued_on, cases.c.state).select_from(
        papers.outerjoin(cases, cases.c.id == papers.c.case_id)
    )
    for row in connection.execute(statement.order_by(papers.c.id)):
        if row.issued_on >= since or (row.state is not None and row.state not in _ENDED):
            for name in named_in(row.fields):
                yield name, f"paper {row.number}"


def named_in(fields: Mapping[str, object]) -> list[str]:
    """The snapshots that a paper's words name."""
    return sorted(set(_NAMED.findall(json.dumps(fields, ensure_ascii=False))))

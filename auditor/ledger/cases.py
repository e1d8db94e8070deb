"""Cases, papers and words: between the ledger's rows and the plain values of :mod:`auditor.cases.model`.

Reading here; what is to be written comes out as :class:`~auditor.ledger.trail.Write`, for the trail to store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, func, or_, select

from auditor.cases.model import Attachment, Case, Item, ItemState, Paper, State, Word, WordKind
from auditor.ledger.errors import Refusal
from auditor.ledger.office_tables import case_items, case_words, cases, papers
from auditor.ledger.records import FindingRow
from auditor.ledger.rows import batched, finding_of
from auditor.ledger.tables import finding_facts, findings
from auditor.ledger.trail import Write
from inventories.faults import clean
from policies.calendars import Due
from policies.model import Consequence, Reply
from reports.papers.view import Form


def listing(
    connection: Connection, *, states: Collection[str] = (), departments: Collection[str] = ()
) -> tuple[Case, ...]:
    """Oldest first, as they were first drafted, with their items."""
    conditions = [
        column.in_(sorted(values))
        for column, values in ((cases.c.state, states), (cases.c.department_id, departments))
        if values
    ]
    found = connection.execute(select(cases).where(*conditions).order_by(*_by_age(cases.c.id))).all()
    items = _items(connection, [row.id for row in found])
    return tuple(_case(row, items.get(row.id, ())) for row in found)


def holding(connection: Connection, names: Iterable[str]) -> tuple[Case, ...]:
    """The cases that ever listed one of these findings, or one that is the same by now; oldest first."""
    same = merged(connection)
    now = {same.get(name, name) for name in names}
    known = now | {name for name, other in same.items() if other in now}
    ids: set[str] = set()
    for batch in batched(sorted(known)):
        held = select(case_items.c.case_id).where(case_items.c.finding.in_(batch)).distinct()
        ids.update(connection.execute(held).scalars())
    items = _items(connection, ids)
    found = [
        _case(row, items.get(row.id, ()))
        for batch in batched(sorted(ids))
        for row in connection.execute(select(cases).where(cases.c.id.in_(batch)))
    ]
    return tuple(sorted(found, key=lambda case: (case.id[:5], len(case.id), case.id)))


def one(connection: Connection, name: str) -> Case:
    """A case by its id or the beginning of it, or by the number of one of its papers. Refusal for none or several."""
    wanted = name.strip()
    if not wanted:
        raise Refusal("a case is named by its id or by a paper's number")
    numbered = select(papers.c.case_id).where(papers.c.number == wanted)
    statement = (
        select(cases)
        .where(or_(cases.c.id.startswith(wanted.upper(), autoescape=True), cases.c.id.in_(numbered)))
        .order_by(cases.c.id)
        .limit(6)
    )
    found = connection.execute(statement).all()
    exact = [row for row in found if row.id == wanted.upper()] or list(found)
    if not exact:
        raise Refusal(f"there is no case {clean(name, 80)}", "'auditor case list' names them")
    if len(exact) > 1:
        raise Refusal(f"{clean(name, 80)} may be {', '.join(row.id for row in exact[:5])}", "write more of it")
    return _case(exact[0], _items(connection, [exact[0].id]).get(exact[0].id, ()))


def next_id(connection: Connection, year: int) -> str:
    """C2026-0001 and so on; the caller holds the writer's lock."""
    start = f"C{year}-"
    statement = select(cases.c.id).where(cases.c.id.startswith(start, autoescape=True))
    taken = [int(name.removeprefix(start)) for name in connection.execute(statement).scalars()]
    return f"{start}{max(taken, default=0) + 1:04d}"


def case_of(connection: Connection) -> dict[str, str]:
    """Finding → the newest case that holds it and has not ended."""
    ended = (State.CLOSED.value, State.WITHDRAWN.value)
    statement = (
        select(case_items.c.finding, case_items.c.case_id)
        .join(cases, cases.c.id == case_items.c.case_id)
        .where(cases.c.state.not_in(ended), case_items.c.state != ItemState.DROPPED.value)
        .order_by(*_by_age(cases.c.id))
    )
    return {row.finding: row.case_id for row in connection.execute(statement)}


def merged(connection: Connection) -> dict[str, str]:
    """A finding that was merged into another → the one that lives, through any chain of merges."""
    into = select(findings.c.id, findings.c.merged_into).where(findings.c.merged_into.is_not(None))
    step = {row.id: row.merged_into for row in connection.execute(into)}
    out = {}
    for name in step:
        other = name
        # A circle, which no merge makes, must not hang.
        for _ in step:
            other = step.get(other, other)
        out[name] = other
    return out


def named_findings(connection: Connection, names: Iterable[str]) -> list[FindingRow]:
    """These findings with their facts; a name that is no finding's is left out."""
    out = []
    for batch in batched(sorted(set(names))):
        statement = (
            select(findings, finding_facts.c.facts)
            .select_from(findings.outerjoin(finding_facts, finding_facts.c.finding == findings.c.id))
            .where(findings.c.id.in_(batch))
        )
        out += [finding_of(row, row.facts or ()) for row in connection.execute(statement)]
    return out


def words(connection: Connection, case: str = "") -> tuple[Word, ...]:
    """What was said on a case, oldest first; on every case, one after the other, where none is named."""
    statement = select(case_words).order_by(*_by_age(case_words.c.case_id), *_counted(case_words.c.id))
    if case:
        statement = statement.where(case_words.c.case_id == case)
    return tuple(_word(row) for row in connection.execute(statement))


def issued(connection: Connection, case: str = "", *, form: Form | None = None) -> tuple[Paper, ...]:
    """Issued papers, also those withdrawn since, in the order of their issue."""
    conditions = [*([papers.c.case_id == case] if case else []), *([papers.c.form == form.value] if form else [])]
    order = _counted(papers.c.id) if case else (papers.c.issued_at, *_counted(papers.c.id))
    statement = select(papers).where(*conditions).order_by(*order)
    return tuple(_paper(row) for row in connection.execute(statement))


def _by_age(column: Column[str]) -> tuple[ColumnElement[Any], ...]:
    """C2026-9999 before C2026-10000 before C2027-0001: as the cases came, whatever the clocks said."""
    return func.substr(column, 1, 5), *_counted(column)


def _counted(column: Column[str]) -> tuple[ColumnElement[Any], ...]:
    """What ends in a count, in its order: …/w9 before …/w10."""
    return func.length(column), column


def last_sequence(connection: Connection, word: str, year: int) -> int | None:
    """The highest number given so far, withdrawn ones too; the caller holds the writer's lock."""
    statement = select(func.max(papers.c.sequence)).where(papers.c.word == word, papers.c.year == year)
    return connection.execute(statement).scalar_one_or_none()


def writes(connection: Connection, case: Case) -> list[Write]:
    """A case as rows: its own, and those of the items that are not stored so already."""
    stored = {item.finding: item for item in _items(connection, [case.id]).get(case.id, ())}
    changed = [item for item in case.items if stored.get(item.finding) != item]
    values = asdict(replace(case, items=()))
    del values["items"]
    values |= {
        "form": case.form.value,
        "state": case.state.value,
        "due": case.due.day if case.due else None,
        "due_provisional": bool(case.due and case.due.provisional),
        "service": dict(case.service),
        "parent": case.parent or None,
    }
    rows = [{"case_id": case.id, **asdict(item), "state": item.state.value} for item in changed]
    return [Write(cases, values), *(Write(case_items, row) for row in rows)]


def write_paper(paper: Paper) -> Write:
    values = asdict(paper) | {"form": paper.form.value, "case_id": paper.case or None, "fields": dict(paper.fields)}
    del values["case"]
    return Write(papers, values)


def write_word(word: Word) -> Write:
    values = asdict(word) | {"kind": word.kind.value, "case_id": word.case, "on_day": word.on}
    del values["case"], values["on"]
    return Write(case_words, values)


def _items(connection: Connection, ids: Iterable[str]) -> dict[str, tuple[Item, ...]]:
    out: dict[str, list[Item]] = {}
    for batch in batched(ids):
        statement = select(case_items).where(case_items.c.case_id.in_(batch))
        for row in connection.execute(statement.order_by(case_items.c.case_id, case_items.c.position)):
            out.setdefault(row.case_id, []).append(
                Item(
                    finding=row.finding,
                    position=row.position,
                    rule=row.rule,
                    title=row.title,
                    asset_key=row.asset_key,
                    asset_name=row.asset_name,
                    state=ItemState(row.state),
                    ground=row.ground,
                    decided_by=row.decided_by,
                    round=row.round,
                )
            )
    return {case: tuple(items) for case, items in out.items()}


def _case(row: Row[Any], items: tuple[Item, ...]) -> Case:
    values: dict[str, Any] = dict(row._mapping)
    due, provisional = values.pop("due"), values.pop("due_provisional")
    return Case(
        **values
        | {
            "form": Form(row.form),
            "state": State(row.state),
            "reply": Reply(**row.reply) if row.reply else None,
            "due": Due(due, provisional) if due is not None else None,
            "parent": row.parent or "",
            "consequence": Consequence(**row.consequence) if row.consequence else None,
            "items": items,
        }
    )


def _paper(row: Row[Any]) -> Paper:
    fields: Mapping[str, object] = row.fields
    at: datetime = row.issued_at
    on: date = row.issued_on
    return Paper(
        id=row.id,
        case=row.case_id or "",
        form=Form(row.form),
        round=row.round,
        word=row.word,
        year=row.year,
        sequence=row.sequence,
        number=row.number,
        issued_at=at,
        issued_on=on,
        signed_by=row.signed_by,
        fields=fields,
        withdrawn_on=row.withdrawn_on,
        withdrawn_why=row.withdrawn_why,
    )


def _word(row: Row[Any]) -> Word:
    return Word(
        id=row.id,
        case=row.case_id,
        kind=WordKind(row.kind),
        finding=row.finding,
        at=row.at,
        on=row.on_day,
        by=row.by,
        text=row.text,
        verdict=row.verdict,
        files=tuple(Attachment(**file) for file in row.files),
    )

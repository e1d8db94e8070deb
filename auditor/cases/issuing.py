"""Review and issue: the two steps between a draft and a paper with a number.

The number, the exact words and the case's new state are one transaction under the writer's lock, so that numbers
have no gaps and no doubles however many issue at once. The file is drawn afterwards from the words that the ledger
keeps: killed in between, the paper exists, and ``auditor notice render`` draws it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.cases import deadlines, life, numbers, roles
from auditor.cases.choosing import terms_of
from auditor.cases.desk import Desk
from auditor.cases.life import Act
from auditor.cases.model import ORDERS, Case, ItemState, Paper, State
from auditor.cases.paper_views import view_of
from auditor.cases.qualify import asked_for, open_objections, why_not_now, why_not_yet
from auditor.errors import Refused
from auditor.ledger import cases as stored
from inventories.model import canonical
from policies.model import Reply
from reports.model import FindingView
from reports.papers.view import Form, PaperView

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Time:
    """A time to answer that the bureau sets, where the regulation sets none."""

    within: str = ""
    start: deadlines.Start = "service"


def review(desk: Desk, name: str, *, by: str, note: str = "") -> Case:
    """Another office than the drafter's holds the draft against the evidence, as it is today."""
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        after = life.step(case, Act.REVIEW)
        by = roles.check(desk.site.config.people, "review", by, not_these=(case.drafted_by,))
        _may_stand(desk, connection, case)
        return desk.step(connection, replace(case, state=after, reviewed_by=by), Act.REVIEW.value, by, note=note)


def issue(desk: Desk, name: str, *, by: str, time: Time | None = None, note: str = "") -> tuple[Case, Paper]:
    """Signs a reviewed paper: it gets its number and its date, and its words are kept.

    :class:`Refused`, with everything that stands in the way at once, where the draft is not reviewed, an item no
    longer qualifies, an objection is unanswered, or something is left blank that only a form to fill in may have.
    """
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        after = life.step(case, Act.ISSUE)
        by = roles.check(desk.site.config.people, "sign", by, not_these=(case.drafted_by, case.reviewed_by))
        live = _may_stand(desk, connection, case)
        case = _with_time(desk, case, time)
        due = deadlines.due(desk.calendar, case.reply, issued=desk.today, served=None)
        before = papers_before(connection, case)
        view = view_of(desk, case, live, before, due=due)
        paper = number_and_keep(desk, connection, case, view, by)
        issued = replace(
            case,
            state=after,
            number=paper.number,
            signed_by=by,
            issued_at=desk.now,
            issued_on=desk.today,
            served_on=None,
            service={},
            replied_on=None,
            due=due,
        )
        detail = paper_detail(paper) | ({"due": str(due.day), "provisional": due.provisional} if due else {})
        done = desk.step(
            connection, issued, Act.ISSUE.value, by, note=note, detail=detail, more=[stored.write_paper(paper)]
        )
        if case.form in ORDERS:
            _end_hearing(desk, connection, done, by)
        return done, paper


def _end_hearing(desk: Desk, connection: Connection, order: Case, by: str) -> None:
    """Closes the letters whose findings have all gone on to an order, or were set aside."""
    known = stored.listing(connection, departments=[order.department_id])
    words = stored.words(connection)
    out = {
        item.finding
        for case in known
        if case.form in ORDERS and case.active and case.number
        for item in case.items
        if item.state is not ItemState.DROPPED
    }
    for letter in known:
        waits = letter.form is Form.LETTER and letter.state in (State.ISSUED, State.SERVED, State.REPLIED)
        left = {item.finding for item in letter.items if item.state is not ItemState.DROPPED}
        if waits and left and left <= out and not open_objections(letter, words):
            note = f"已制发{order.number}"
            ended = replace(letter, state=State.CLOSED, closed_at=desk.now, note=note)
            desk.step(connection, ended, Act.CLOSE.value, by, note=note)


def number_and_keep(desk: Desk, connection: Connection, case: Case, view: PaperView, by: str) -> Paper:
    """The next paper of a case; the caller stores it in the same transaction."""
    name = f"{case.id}/{len(stored.issued(connection, case.id)) + 1}"
    return signed(desk, connection, view, by, name=name, what=f"case {case.id}", case=case)


def signed(
    desk: Desk, connection: Connection, view: PaperView, by: str, *, name: str, what: str, case: Case | None = None
) -> Paper:
    """A paper with the next number of its word and year, and its words; the caller stores both at once.

    :class:`Refused` where the paper, which ``what`` names, would lack something, or hold what must not stand in it.
    """
    from reports.papers.compose import blanks, compose

    documents, year = desk.site.config.documents, desk.today.year
    word = numbers.word_of(documents, view.form)
    number = numbers.following(documents, word, year, stored.last_sequence(connection, word, year))
    view = replace(view, number=str(number), issued_on=desk.today)
    if lacking := blanks(view):
        raise Refused(f"{what}: the paper cannot be signed while it lacks: {'；'.join(lacking)}")
    try:
        fields = compose(view)
    except ValueError as error:
        raise Refused(f"{what} cannot be signed: {error}") from error
    return Paper(
        id=name,
        case=case.id if case else "",
        form=view.form,
        round=case.round if case else 1,
        word=number.word,
        year=number.year,
        sequence=number.sequence,
        number=str(number),
        issued_at=desk.now,
        issued_on=desk.today,
        signed_by=by,
        fields=fields,
    )


def paper_detail(paper: Paper) -> dict[str, object]:
    """What the trail says of an issued paper: its number, and the digest of its exact words."""
    words = hashlib.sha256(canonical(dict(paper.fields)).encode("utf-8", "surrogatepass")).hexdigest()
    return {"paper": paper.id, "form": paper.form.value, "number": paper.number, "words": words}


def papers_before(connection: Connection, case: Case) -> tuple[tuple[Paper, Case], ...]:
    """The papers of a case and of those that it came from, oldest first, each with the case that it belongs to."""
    own = tuple((paper, case) for paper in stored.issued(connection, case.id))
    if not case.parent or case.form is not Form.PROPOSAL:
        return own
    return (*papers_before(connection, stored.one(connection, case.parent)), *own)


def _may_stand(desk: Desk, connection: Connection, case: Case) -> dict[str, FindingView]:
    """The case's findings as they stand; Refused, with the reasons, where one may not stand in the paper any more."""
    rows = desk.rows(connection, [case])
    known = stored.holding(connection, [item.finding for item in case.items])
    terms = terms_of(desk, connection, known, {row.id: row.department_id for row in rows.values()})
    waits = why_not_yet(case, terms, {name: row.asset_key for name, row in rows.items()})
    live = {name: desk.view(row, name) for name, row in rows.items()}
    wrong = why_not_now(case, live)
    for name, why in waits.items():
        wrong[name] = (*wrong.get(name, ()), *why)
    if wrong:
        names = {item.finding: item for item in case.items}
        raise Refused(
            f"case {case.id}: {len(wrong)} of its items may not stand in it any more",
            *(f"  {name} {names[name].asset_name}：{'；'.join(why)}" for name, why in _first(wrong)),
            "'auditor case withdraw' takes it back"
            if case.form is Form.PROPOSAL
            else "'auditor case draft' draws it up again from what qualifies now",
        )
    if not asked_for(case):
        raise Refused(f"case {case.id} lists nothing: 'auditor case withdraw' ends it")
    return live


def _first(wrong: Mapping[str, tuple[str, ...]], most: int = 20) -> Sequence[tuple[str, tuple[str, ...]]]:
    return list(wrong.items())[:most]


def _with_time(desk: Desk, case: Case, time: Time | None) -> Case:
    """The case with its time to answer: the regulation's where it sets one, else the bureau's own."""
    own = deadlines.parse(time.within, time.start) if time and time.within else None
    power = desk.power(case)
    given: Reply | None = power.reply if power and case.form in ORDERS else None
    if given is not None:
        if own is not None:
            raise Refused(
                f"case {case.id}: {power.article if power else ''} sets the time to answer: leave out --within"
            )
        return replace(case, reply=given, reply_by_bureau=False)
    if own is None and (case.form in ORDERS or case.form is Form.LETTER):
        raise Refused(
            f"case {case.id}: the regulation sets no time to answer, so the bureau must",
            "say --within 30d, 10wd (working days) or 2m; --from issue counts from the day of issue",
        )
    return replace(case, reply=own, reply_by_bureau=own is not None)

"""Re-inspection and what follows it: closed, a second notice, escalated. Each is signed with an opinion (复查意见书).

The evidence of an audit after the deadline, or after the reply, decides item by item; where it cannot tell, a person
must. What follows a refusal is what this regulation gives, and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from auditor.cases import inspection, life, roles
from auditor.cases.desk import Desk
from auditor.cases.drafting import new_case
from auditor.cases.issuing import number_and_keep, paper_detail, papers_before
from auditor.cases.life import Act
from auditor.cases.model import ORDERS, Case, Item, ItemState, Paper, WordKind
from auditor.cases.paper_views import department_of, opinion_of
from auditor.cases.qualify import Candidate, open_objections
from auditor.cases.serving import item_of, said
from auditor.errors import Refused
from auditor.ledger import cases as stored
from inventories.faults import clean
from policies.model import Consequence
from reports.papers.inspections import CLOSED, ESCALATED, SECOND
from reports.papers.view import Form

if TYPE_CHECKING:
    from sqlalchemy import Connection


def inspect(desk: Desk, name: str, *, by: str) -> Case:
    """Asks the newest audit, which must be younger than the reply or the deadline, what became of every item."""
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        after = life.step(case, Act.INSPECT)
        by = roles.check(desk.site.config.people, "draft", by)
        since = _since(desk, connection, case)
        audit = desk.newest.audit
        if audit.started_at <= since:
            raise Refused(
                f"case {case.id}: the newest audit began on {audit.started_at:%Y-%m-%d %H:%M} UTC, before the "
                f"department's time was over ({since.astimezone(desk.site.timezone):%Y-%m-%d %H:%M})",
                f"'auditor audit --site {desk.site.root}' looks again",
            )
        items = inspection.decide(case, desk.rows(connection, [case]), since=since, day_of=desk.day)
        looked = replace(case, state=after, items=items, inspected_at=desk.now, inspected_by=by)
        return desk.step(connection, looked, Act.INSPECT.value, by, detail={"audit": audit.id, **_counts(looked)})


def decide(desk: Desk, name: str, finding: str, *, mended: bool, reason: str, by: str) -> Case:
    """A person's word on an item that the evidence cannot tell; of the others the evidence speaks."""
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        life.step(case, Act.DECIDE)
        by = roles.check(desk.site.config.people, "review", by, not_these=(case.inspected_by,))
        item = item_of(case, finding)
        if item.round != case.round:
            raise Refused(f"case {case.id}: {item.finding} was settled in round {item.round}")
        if item.state is not ItemState.CANNOT_TELL and not item.decided_by:
            raise Refused(f"case {case.id}: the evidence says of {item.finding} that it is {item.state.value}")
        ground = said(reason, "a decision needs its reason: say with --reason what was seen, and when", 500)
        state = ItemState.MENDED if mended else ItemState.NOT_MENDED
        decided = replace(item, state=state, ground=ground, decided_by=by)
        told = replace(case, items=tuple(decided if one is item else one for one in case.items))
        return desk.step(
            connection,
            told,
            Act.DECIDE.value,
            by,
            note=ground,
            detail={"finding": item.finding, "state": state.value},
        )


def close(desk: Desk, name: str, *, by: str, reason: str = "") -> tuple[Case, Paper | None]:
    """Everything is mended: the opinion says so and the case ends. What orders nothing is closed with a reason."""
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        after = life.step(case, Act.CLOSE)
        _all_answered(connection, case)
        if case.form not in ORDERS:
            by = roles.check(desk.site.config.people, "sign", by)
            note = said(reason, f"case {case.id} is a {case.form.value}: say with --reason why it is closed")
            ended = replace(case, state=after, closed_at=desk.now, note=note)
            return desk.step(connection, ended, Act.CLOSE.value, by, note=note), None
        _all_told(case)
        if number := inspection.count(case, ItemState.NOT_MENDED):
            raise Refused(
                f"case {case.id}: {number} items are not mended: 'auditor case second' or 'escalate' comes next"
            )
        note = said(reason) if reason.strip() else ""
        ended = replace(case, state=after, closed_at=desk.now, note=note)
        return _concluded(desk, connection, case, ended, Act.CLOSE, CLOSED, by, note=note)


def second(desk: Desk, name: str, *, by: str) -> tuple[Case, Paper]:
    """A second notice on what was not mended: a draft again, to be reviewed and signed like the first."""
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        after = life.step(case, Act.SECOND)
        _some_not_mended(connection, case)
        round = case.round + 1
        listed = [item for item in case.items if item.state is ItemState.NOT_MENDED and item.round == case.round]
        names = {item.finding for item in listed}
        again = [
            replace(item, round=round, state=ItemState.LISTED, ground="", decided_by="")
            if item.finding in names
            else item
            for item in case.items
        ]
        drafted = replace(
            case,
            state=after,
            round=round,
            items=tuple(again),
            drafted_at=desk.now,
            drafted_by=case.inspected_by,
            reviewed_by="",
            reply=None,
            reply_by_bureau=False,
            snapshot=desk.newest.audit.snapshot,
        )
        return _concluded(desk, connection, case, drafted, Act.SECOND, SECOND, by)


def escalate(
    desk: Desk, name: str, *, by: str, choice: int | None = None, condition_met: str = "", note: str = ""
) -> tuple[Case, Paper, Case | None]:
    """Uses the consequence that the regulation gives; where another authority decides it, drafts the proposal to it.

    ``choice`` is the consequence's number as ``auditor case show`` lists them, from 1; it may be left out where there
    is one only. Returns the case, the signed opinion, and the proposal's own case where there is one.
    """
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        after = life.step(case, Act.ESCALATE)
        _some_not_mended(connection, case)
        condition_met = said(condition_met, most=500) if condition_met.strip() else ""
        chosen = _consequence(desk, case, choice, condition_met)
        words = f"{chosen.action}（{chosen.article}）" if chosen.article else chosen.action
        ended = replace(case, state=after, note=clean(words, 500))
        stepped, opinion = _concluded(
            desk, connection, case, ended, Act.ESCALATE, ESCALATED, by, note=note or condition_met, consequence=chosen
        )
        proposal = _propose(desk, connection, stepped, chosen, condition_met) if chosen.propose_to else None
        return stepped, opinion, proposal


def _since(desk: Desk, connection: Connection, case: Case) -> datetime:
    """When the department's time was over: its reply came, or the last day has passed."""
    if case.replied_on is not None:
        # Replies to an earlier notice are no reply to this one: issuing it forgets them.
        return next(word.at for word in reversed(stored.words(connection, case.id)) if word.kind is WordKind.REPLY)
    if case.due is None:
        raise Refused(
            f"case {case.id} has neither a reply nor a deadline: 'auditor case serve' or 'reply' comes first"
        )
    if case.due.provisional:
        raise Refused(
            f"case {case.id}: the last day, {case.due.day}, is provisional: no calendar of that year is here",
            "add it to calendars/ in the site, or wait for the reply",
        )
    if case.due.day >= desk.today:
        raise Refused(f"case {case.id}: the department has time until {case.due.day}, and has not replied yet")
    last = datetime.combine(case.due.day + timedelta(days=1), time(), tzinfo=desk.site.timezone)
    return last - timedelta(microseconds=1)


def _concluded(
    desk: Desk,
    connection: Connection,
    case: Case,
    after: Case,
    act: Act,
    decision: str,
    by: str,
    *,
    note: str = "",
    consequence: Consequence | None = None,
) -> tuple[Case, Paper]:
    """Signs the opinion on the re-inspection and stores what the case is then."""
    before = (case.inspected_by, *(item.decided_by for item in case.items if item.round == case.round))
    by = roles.check(desk.site.config.people, "sign", by, not_these=before)
    live = desk.live(connection, [case])
    view = opinion_of(desk, case, live, papers_before(connection, case), decision, consequence=consequence)
    opinion = number_and_keep(desk, connection, case, view, by)
    detail = paper_detail(opinion) | {"decision": decision, **_counts(case)}
    more = [stored.write_paper(opinion)]
    return desk.step(connection, after, act.value, by, note=note, detail=detail, more=more), opinion


def _propose(desk: Desk, connection: Connection, case: Case, chosen: Consequence, condition_met: str) -> Case:
    power = desk.power(case)
    candidate = Candidate(Form.PROPOSAL, department_of(desk, case), case.pack, power, chosen.propose_to)
    items = tuple(
        Item(
            item.finding,
            place,
            item.rule,
            item.title,
            item.asset_key,
            item.asset_name,
            item.state,
            item.ground,
            item.decided_by,
        )
        for place, item in enumerate(
            (one for one in case.items if one.state is ItemState.NOT_MENDED and one.round == case.round), 1
        )
    )
    made = new_case(desk, connection, candidate, items, case.inspected_by, parent=case.id, consequence=chosen)
    made = replace(
        made,
        reply=None,
        note=condition_met,
        inspected_at=case.inspected_at,
        inspected_by=case.inspected_by,
    )
    return desk.step(connection, made, Act.REDRAFT.value, case.inspected_by, detail={"parent": case.id})


def _consequence(desk: Desk, case: Case, choice: int | None, condition_met: str) -> Consequence:
    power = desk.power(case)
    given = power.if_refused if power else ()
    article = power.article if power else ""
    if not given:
        raise Refused(
            f"case {case.id}: {article} gives no consequence for a refusal, and none may be borrowed elsewhere",
            "'auditor case second' sends a second notice",
        )
    if choice is None and len(given) > 1:
        raise Refused(
            f"case {case.id}: {article} gives {len(given)} consequences: choose one with --consequence",
            *(f"  {place}. {one.action}（{one.article}）" for place, one in enumerate(given, 1)),
        )
    place = 1 if choice is None else choice
    if not 1 <= place <= len(given):
        raise Refused(f"--consequence {place}: case {case.id} has {len(given)}")
    chosen = given[place - 1]
    if chosen.when and not condition_met.strip():
        raise Refused(
            f"case {case.id}: the regulation allows this only {chosen.when}: say with --because why that holds"
        )
    return chosen


def _all_told(case: Case) -> None:
    waiting = [item for item in case.items if item.state is ItemState.CANNOT_TELL and item.round == case.round]
    if waiting:
        names = ", ".join(item.finding for item in waiting[:10])
        raise Refused(
            f"case {case.id}: the evidence cannot tell of {len(waiting)} items ({names})",
            "a person must look: 'auditor case inspect CASE --decide FINDING --mended/--not-mended --reason …'",
        )


def _some_not_mended(connection: Connection, case: Case) -> None:
    _all_answered(connection, case)
    _all_told(case)
    if not inspection.count(case, ItemState.NOT_MENDED):
        raise Refused(f"case {case.id}: nothing is left that is not mended: 'auditor case close' comes next")
    if case.served_on is None:
        raise Refused(
            f"case {case.id}: nobody has noted that {case.number} was served, and what follows cites the day",
            f"'auditor case serve {case.id} --on DAY' notes it",
        )


def _all_answered(connection: Connection, case: Case) -> None:
    """Refused while somebody waits for the answer to an objection: a closed case could not be answered any more."""
    objections = open_objections(case, stored.words(connection, case.id))
    dropped = {item.finding for item in case.items if item.state is ItemState.DROPPED}
    if waiting := [finding for finding in objections if finding not in dropped]:
        raise Refused(
            f"case {case.id}: nobody has answered the objection to {', '.join(waiting[:10])}",
            f"'auditor case answer {case.id} {waiting[0]}' does",
        )


def _counts(case: Case) -> dict[str, object]:
    return {state.value: inspection.count(case, state) for state in ItemState if inspection.count(case, state)}

"""Drafting: from the findings as they stand to drafts of papers, all of a run at once, behind the brake."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from auditor.cases import brake, life, roles
from auditor.cases.choosing import Wanted, is_draft_of, ready
from auditor.cases.desk import Desk
from auditor.cases.life import Act
from auditor.cases.model import Case, Item, ItemState, State
from auditor.cases.qualify import LIVE, Candidate, allowed_forms, is_handed_over, why_not_now
from auditor.errors import Refused
from auditor.ledger import cases as stored
from auditor.ledger.life import Reason
from inventories.faults import clean
from policies.model import Consequence
from reports.model import FindingView
from reports.papers.view import Form

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class SecondLook:
    """Another office looked at what the brake stopped, and says why the run may go on."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a run came to. ``left_out`` are findings that stand in no paper, with the reasons (Chinese)."""

    cases: tuple[Case, ...] = ()
    withdrawn: tuple[str, ...] = ()
    left_out: tuple[tuple[Candidate, FindingView, tuple[str, ...]], ...] = ()
    stopped: tuple[str, ...] = field(default=())


def draft(desk: Desk, wanted: Wanted, *, by: str, second_look: SecondLook | None = None) -> Drafted:
    """Drafts every paper that stands next, or draws existing drafts up again from the facts as they are now.

    Where the brake stops the run, nothing is stored and ``stopped`` says why; ``second_look`` lets it go on.
    """
    by = roles.check(desk.site.config.people, "draft", by)
    with desk.ledger.writing() as connection:
        known, found = stored.listing(connection), desk.findings(connection)
        papers = ready(desk, connection, known, wanted, found)
        stopped = brake.reasons(desk.site.config.brake, papers, _ground(desk, known, found))
        if stopped and second_look is None:
            return Drafted(left_out=_left_out(papers), stopped=stopped)
        looked = _looked(desk, second_look, by, stopped)
        drafts = [_draft(desk, connection, known, candidate, by, looked) for candidate in papers if candidate.items]
        made = [case for case in drafts if case is not None]
        made += _second_again(desk, connection, known, wanted, by)
        gone = _withdraw_empty(desk, connection, known, papers, wanted, by)
        return Drafted(tuple(made), gone, _left_out(papers))


def _ground(desk: Desk, known: Iterable[Case], found: Iterable[FindingView]) -> brake.Ground:
    held = [
        (case, item) for case in known if case.active for item in case.items if item.state is not ItemState.DROPPED
    ]
    drafts = (State.DRAFT, State.REVIEWED)
    waiting = {
        item.finding
        for case, item in held
        if case.state in drafts and case.round == 1 and case.form is not Form.PROPOSAL
    }
    return brake.Ground(
        departments=len(desk.newest.departments),
        systems=desk.newest.systems,
        accused_departments=frozenset(case.department_id for case, _ in held),
        accused_systems=frozenset(
            item.asset_key
            for _, item in held
            if item.rule in desk.rules and desk.rules[item.rule].subject == "system"
        ),
        known_rules=frozenset(item.rule for case in known if case.number for item in case.items),
        waiting=tuple(finding for finding in found if finding.id in waiting),
    )


def _looked(desk: Desk, look: SecondLook | None, by: str, stopped: Sequence[str]) -> dict[str, object]:
    """The second look as the trail keeps it; Refused where it is the drafter's own, or gives no reason."""
    if look is None or not stopped:
        return {}
    name = roles.check(desk.site.config.people, "review", look.by, not_these=(by,))
    if not look.reason.strip():
        raise Refused("a second look needs its reason: say with --reason why the run may go on")
    return {"brake": list(stopped), "second_look_by": name, "second_look": clean(look.reason.strip(), 2000)}


def _draft(
    desk: Desk,
    connection: Connection,
    known: Iterable[Case],
    candidate: Candidate,
    by: str,
    looked: dict[str, object],
) -> Case | None:
    """The draft as it was stored; None where a reviewed one lists the same things still and stays reviewed."""
    items = items_of(candidate.items)
    before = next((case for case in known if is_draft_of(case, candidate)), None)
    if before is not None:
        listed = [item for item in before.items if item.state is ItemState.LISTED]
        if before.state is State.REVIEWED and {one.finding for one in listed} == {one.finding for one in items}:
            return None
        case = replace(
            before,
            state=life.step(before, Act.REDRAFT),
            items=_replaced(before, items),
            drafted_by=by,
            drafted_at=desk.now,
            reviewed_by="",
            snapshot=desk.newest.audit.snapshot,
        )
    else:
        case = new_case(desk, connection, candidate, items, by, parent=_taken_over(known, items))
    detail = {"items": len(items), "left_out": len(candidate.left_out), **looked}
    return desk.step(connection, case, Act.REDRAFT.value, by, detail=detail)


def _taken_over(known: Iterable[Case], items: Iterable[Item]) -> str:
    """The case of the department that had one of these things before it was handed over; empty where none had."""
    findings = {item.finding for item in items}
    before = [case.id for case in known if any(is_handed_over(case, finding) for finding in findings)]
    return before[-1] if before else ""


def new_case(
    desk: Desk,
    connection: Connection,
    candidate: Candidate,
    items: tuple[Item, ...],
    by: str,
    *,
    parent: str = "",
    consequence: Consequence | None = None,
) -> Case:
    return Case(
        id=stored.next_id(connection, desk.today.year),
        form=candidate.form,
        state=State.DRAFT,
        department_id=candidate.department.id,
        department_name=candidate.department.name,
        pack=candidate.pack,
        power=candidate.power.id if candidate.power else "",
        addressee=candidate.addressee,
        drafted_at=desk.now,
        drafted_by=by,
        snapshot=desk.newest.audit.snapshot,
        reply=candidate.power.reply if candidate.power and candidate.form is not Form.LETTER else None,
        items=items,
        parent=parent,
        consequence=consequence,
    )


def items_of(found: Iterable[FindingView], round: int = 1) -> tuple[Item, ...]:
    return tuple(
        Item(one.id, place, one.rule, one.title, one.asset_key, one.asset_name, round=round)
        for place, one in enumerate(found, 1)
    )


def _replaced(before: Case, items: tuple[Item, ...]) -> tuple[Item, ...]:
    """What a draft lists now; what it listed before and no longer may stays as dropped, for the record."""
    kept = {item.finding for item in items}
    gone = [item for item in before.items if item.finding not in kept]
    start = len(items) + 1
    return (
        *items,
        *(
            replace(item, position=place, state=ItemState.DROPPED, ground="重新拟稿时已不能列入")
            for place, item in enumerate(gone, start)
        ),
    )


def _second_again(desk: Desk, connection: Connection, known: Iterable[Case], wanted: Wanted, by: str) -> list[Case]:
    """Second notices that are not out yet, without what was mended or fell away since they were drafted."""
    if wanted.findings:
        return []
    forms = allowed_forms(wanted.forms, desk.site.config.consultation)
    waiting = [
        case
        for case in known
        if case.round > 1
        and case.state in (State.DRAFT, State.REVIEWED)
        and case.form in forms
        and (not wanted.departments or case.department_id in wanted.departments)
    ]
    live = desk.live(connection, waiting)
    out = []
    for case in waiting:
        # What is only too old to be signed stays: the next audit or register confirms it, or does not.
        wrong = {
            finding: why
            for finding, why in why_not_now(case, live).items()
            if finding not in live
            or live[finding].state not in LIVE
            or live[finding].verdict != "violation"
            or live[finding].department_id != case.department_id
        }
        if not wrong:
            continue
        items = tuple(_fallen(item, live.get(item.finding), wrong) for item in case.items)
        left = any(item.round == case.round and item.state is ItemState.LISTED for item in items)
        state = State.DRAFT if left else State.INSPECTED
        again = replace(case, state=state, items=items, reviewed_by="", drafted_at=desk.now)
        out.append(desk.step(connection, again, Act.REDRAFT.value, by, detail={"fell_away": sorted(wrong)}))
    return out


def _fallen(item: Item, finding: FindingView | None, wrong: Mapping[str, tuple[str, ...]]) -> Item:
    if item.finding not in wrong:
        return item
    # What the law no longer asks for was not mended.
    mended = finding is not None and finding.state == "resolved" and finding.reason in (Reason.MENDED, Reason.GONE)
    state = ItemState.MENDED if mended else ItemState.DROPPED
    return replace(item, state=state, ground="再次通知印发前核查：" + "；".join(wrong[item.finding]))


def _withdraw_empty(
    desk: Desk, connection: Connection, known: Iterable[Case], papers: Sequence[Candidate], wanted: Wanted, by: str
) -> tuple[str, ...]:
    """Drafts for which nothing qualifies any more; only a run over everything may say so."""
    if wanted.findings:
        return ()
    full = {candidate.combination for candidate in papers if candidate.items}
    forms = allowed_forms(wanted.forms, desk.site.config.consultation)
    out = []
    for case in known:
        waits = case.state in (State.DRAFT, State.REVIEWED) and case.round == 1 and case.form in forms
        theirs = not wanted.departments or case.department_id in wanted.departments
        if waits and theirs and case.combination not in full:
            note = "已没有可列入的问题"
            ended = replace(case, state=State.WITHDRAWN, closed_at=desk.now, note=note)
            desk.step(connection, ended, Act.WITHDRAW.value, by, note=note)
            out.append(case.id)
    return tuple(out)


def _left_out(papers: Iterable[Candidate]) -> tuple[tuple[Candidate, FindingView, tuple[str, ...]], ...]:
    return tuple((candidate, finding, why) for candidate in papers for finding, why in candidate.left_out)

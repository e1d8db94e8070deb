"""Which step may be taken when, and by whom: every pair of state and step, for papers that order and for others."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from auditor.cases import life, roles
from auditor.cases.life import Act
from auditor.cases.model import ORDERS, Case, State
from auditor.errors import Refused
from auditor.site_office import PeopleConfig
from reports.papers.view import Form
from tests.auditor.cases.office import DRAFTER, REVIEWER, SIGNER, Office

# Draft, reviewed, issued, served, replied, inspected, closed, escalated, withdrawn.
D, R, U, S, A, N, C, E, W = State

#: What may be done with an order, written down a second time: state → step → what it is then.
ORDER = {
    D: {Act.REDRAFT: D, Act.REVIEW: R, Act.WITHDRAW: W},
    R: {Act.REDRAFT: D, Act.ISSUE: U, Act.WITHDRAW: W},
    U: {Act.SERVE: S, Act.REPLY: A, Act.OBJECT: U, Act.ANSWER: U, Act.WITHDRAW: W},
    S: {Act.REPLY: A, Act.OBJECT: S, Act.ANSWER: S, Act.INSPECT: N, Act.WITHDRAW: W},
    A: {Act.SERVE: A, Act.REPLY: A, Act.OBJECT: A, Act.ANSWER: A, Act.INSPECT: N, Act.WITHDRAW: W},
    N: {
        Act.SERVE: N,
        Act.ANSWER: N,
        Act.INSPECT: N,
        Act.DECIDE: N,
        Act.SECOND: D,
        Act.ESCALATE: E,
        Act.CLOSE: C,
        Act.WITHDRAW: W,
    },
    E: {Act.ANSWER: E, Act.INSPECT: N, Act.WITHDRAW: W},
    C: {},
    W: {},
}
#: The same of a paper that orders nothing: it is never inspected, and closed once it is out.
OTHER = {
    D: {Act.REDRAFT: D, Act.REVIEW: R, Act.WITHDRAW: W},
    R: {Act.REDRAFT: D, Act.ISSUE: U, Act.WITHDRAW: W},
    U: {Act.SERVE: S, Act.REPLY: A, Act.OBJECT: U, Act.ANSWER: U, Act.CLOSE: C, Act.WITHDRAW: W},
    S: {Act.REPLY: A, Act.OBJECT: S, Act.ANSWER: S, Act.CLOSE: C, Act.WITHDRAW: W},
    A: {Act.SERVE: A, Act.REPLY: A, Act.OBJECT: A, Act.ANSWER: A, Act.CLOSE: C, Act.WITHDRAW: W},
    N: {Act.SERVE: N, Act.ANSWER: N, Act.WITHDRAW: W},
    E: {Act.ANSWER: E, Act.WITHDRAW: W},
    C: {},
    W: {},
}
_ONLY_ORDERS = (Act.INSPECT, Act.DECIDE, Act.SECOND, Act.ESCALATE)
_NEXT = {
    D: "'auditor case review' comes next",
    R: "'auditor case issue' comes next",
    U: "'auditor case serve' comes next",
    C: "nothing more can be done on it",
    W: "nothing more can be done on it",
}


def case(form: Form, state: State, note: str = "", served_on: date | None = None) -> Case:
    return Case(
        id="C2026-0001",
        form=form,
        state=state,
        department_id="mzj",
        department_name="市民政局",
        pack="yuncheng-2021",
        power="assessment",
        addressee="市民政局",
        drafted_at=datetime(2026, 11, 23, tzinfo=UTC),
        drafted_by=DRAFTER,
        snapshot="s",
        note=note,
        served_on=served_on,
    )


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("form", [Form.TASK, Form.ORDER, Form.LETTER, Form.REFERRAL])
def test_every_step_from_every_state(form: Form, state: State, act: Act) -> None:
    allowed = (ORDER if form in ORDERS else OTHER)[state]
    if act in allowed:
        assert life.step(case(form, state), act) is allowed[act]
        return
    with pytest.raises(Refused) as refused:
        life.step(case(form, state, note="依据有误"), act)
    words = str(refused.value)
    assert words.startswith("case C2026-0001 is ")
    if act in _ONLY_ORDERS and form not in ORDERS:
        assert words == f"case C2026-0001 is a {form.value}, which orders nothing: there is nothing to {act.value}"
        return
    assert f"is {state.value}" in words
    assert _NEXT.get(state, "comes next" if state is not E else "looks again") in words
    # A withdrawn case says why it was.
    assert ("(依据有误)" in words) is (state is W)


def test_a_paper_is_served_once() -> None:
    for state in (A, N):
        with pytest.raises(Refused, match="was served on 2026-11-25 already"):
            life.step(case(Form.TASK, state, served_on=date(2026, 11, 25)), Act.SERVE)


def test_everybody_may_where_the_site_names_nobody_but_never_twice() -> None:
    free = PeopleConfig()
    assert roles.check(free, "draft", f" {DRAFTER} ") == DRAFTER
    with pytest.raises(Refused, match="three offices draft, review and sign"):
        roles.check(free, "sign", DRAFTER, not_these=(DRAFTER, REVIEWER))
    # What nobody has taken yet is no office.
    assert roles.check(free, "sign", DRAFTER, not_these=("",)) == DRAFTER
    for name in ("", "  "):
        with pytest.raises(Refused, match="--by is empty"):
            roles.check(free, "sign", name, not_these=("",))


@pytest.mark.parametrize("name", ["科室\x1b[31m", "科\u202e室", "科\n室", "长" * 61, "科\udcff"])
def test_what_is_no_offices_name(name: str) -> None:
    with pytest.raises(Refused, match="is no office's name") as refused:
        roles.check(PeopleConfig(), "draft", name)
    assert str(refused.value).isprintable()


def test_whom_the_site_names_and_whom_it_meant() -> None:
    people = PeopleConfig(draft=(DRAFTER,), review=(REVIEWER,), sign=(SIGNER,))
    assert roles.check(people, "review", REVIEWER) == REVIEWER
    with pytest.raises(
        Refused, match=r"政务信息科 may not sign by site.yaml \(people.sign\): those who may: 分管领导"
    ):
        roles.check(people, "sign", DRAFTER)
    with pytest.raises(Refused, match="did you mean '政务信息科'"):
        roles.check(people, "draft", "政务信息处")


def test_three_offices_for_one_paper(office: Office) -> None:
    office.write_site(people={})
    (case, *_) = office.draft().cases
    with pytest.raises(Refused, match="took an earlier step"):
        office.review(case.id, by=DRAFTER)
    office.review(case.id, by=REVIEWER)
    for same in (DRAFTER, REVIEWER):
        with pytest.raises(Refused, match="took an earlier step"):
            office.issue(case.id, "15d", by=same)
    office.issue(case.id, "15d", by=SIGNER)
    issued = office.case(case.id)
    assert (issued.drafted_by, issued.reviewed_by, issued.signed_by) == (DRAFTER, REVIEWER, SIGNER)
    assert [step.actor for step in office.steps(case.id)] == [DRAFTER, REVIEWER, SIGNER]


def test_a_drafter_answers_no_objection_to_the_own_draft(office: Office) -> None:
    office.write_site(people={})
    (case, *_) = office.draft().cases
    office.out(case.id, "15d")
    office.object_to(case.id, "1")
    with pytest.raises(Refused, match="took an earlier step"):
        office.answer(case.id, "1", False, by=DRAFTER)
    office.answer(case.id, "1", False, by=REVIEWER)


def test_roles_of_every_step_by_the_sites_lists(office: Office) -> None:
    (case, *_) = office.draft().cases
    with pytest.raises(Refused, match="may not draft"):
        office.draft(by=SIGNER)
    with pytest.raises(Refused, match="may not review"):
        office.review(case.id, by=SIGNER)
    office.review(case.id)
    with pytest.raises(Refused, match="may not sign"):
        office.issue(case.id, "15d", by=REVIEWER)
    office.issue(case.id, "15d")
    office.object_to(case.id, "1")
    with pytest.raises(Refused, match="may not review"):
        office.answer(case.id, "1", False, by=SIGNER)
    with pytest.raises(Refused, match="may not sign"):
        office.withdraw(case.id, by=DRAFTER)
    assert office.faults() == []


def test_a_withdrawn_case_takes_nothing_more_and_says_why(office: Office) -> None:
    (case, *_) = office.draft().cases
    number = office.out(case.id, "15d").number
    office.withdraw(case.id, "事实有误，另行核查")
    before = office.dump()
    for step in (
        lambda: office.reply(case.id),
        lambda: office.object_to(case.id, "1"),
        lambda: office.serve(case.id),
        lambda: office.answer(case.id, "1", False),
        lambda: office.review(case.id),
        lambda: office.issue(case.id, "15d"),
        lambda: office.close_case(case.id, why="办结"),
        lambda: office.withdraw(case.id),
    ):
        with pytest.raises(Refused, match=r"is withdrawn \(事实有误，另行核查\), so it cannot"):
            step()
    assert office.dump() == before
    (paper,) = office.papers(case.id)
    assert (paper.number, paper.withdrawn_on, paper.withdrawn_why) == (
        number,
        date(2026, 11, 23),
        "事实有误，另行核查",
    )


def test_a_closed_case_takes_nothing_more(office: Office) -> None:
    (case, *_) = office.draft().cases
    office.out(case.id, "15d")
    with pytest.raises(Refused, match="say with --reason why it is closed"):
        office.close_case(case.id)
    office.close_case(case.id, why="已另行处理")
    for step in (
        lambda: office.reply(case.id),
        lambda: office.object_to(case.id, "1"),
        lambda: office.serve(case.id),
        lambda: office.withdraw(case.id),
    ):
        with pytest.raises(Refused, match=r"is closed, so it cannot .* nothing more can be done on it"):
            step()


def test_a_withdrawal_needs_its_reason(office: Office) -> None:
    (case, *_) = office.draft().cases
    with pytest.raises(Refused, match="a withdrawal needs its reason"):
        office.withdraw(case.id, why=" \n ")
    with pytest.raises(Refused, match="is 2001 characters long, and may have 2000"):
        office.withdraw(case.id, why="长" * 2001)
    assert office.withdraw(case.id, why="长" * 2000).state is State.WITHDRAWN

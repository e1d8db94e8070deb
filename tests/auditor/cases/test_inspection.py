"""Re-inspection: the next audit decides item by item, a person what it cannot tell; the law says what follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from auditor.cases.model import State
from auditor.errors import Refused
from auditor.ledger.life import Sight
from inventories.model import Identifier, KeyMap
from reports.papers.view import Form
from tests.auditor.cases.office import DRAFTER, MIGRATE, REVIEWER, SIGNER, SITE, UNAPPROVED, WRONGS, Office

OTHER_REVIEWER, OTHER_SIGNER = "督查科", "主要领导"
REST = tuple(pair for pair in WRONGS if pair not in ((MIGRATE, "S1"), (MIGRATE, "S2")))


@pytest.fixture(scope="module")
def served(audited: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A task letter on two systems of the civil affairs bureau, served; ten working days run until the 7 December."""
    made = audited.copy_to(tmp_path_factory.mktemp("served"))
    made.write_site(consultation=False)
    (case,) = [one for one in made.draft().cases if len(one.items) == 2]
    made.out(case.id)
    made.serve(case.id)
    yield made
    made.close()


@pytest.fixture(scope="module")
def refused(audited: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An order under article 23, which gives two consequences; inspected, and nothing is mended."""
    made = audited.copy_to(tmp_path_factory.mktemp("refused"))
    made.write_site(consultation=False)
    (case,) = made.draft(findings=[made.finding(UNAPPROVED, "S3").id]).cases
    made.out(case.id, "10d")
    made.serve(case.id)
    replied(made, case.id)
    made.again(*WRONGS)
    made.inspect(case.id)
    yield made
    made.close()


@pytest.fixture
def office(request: pytest.FixtureRequest, audited: Office, tmp_path: Path) -> Iterator[Office]:
    """As far as the test's case has come, in a folder of the test's own."""
    known = next((name for name in ("task", "order") if name in request.fixturenames), "")
    before = request.getfixturevalue({"task": "served", "order": "refused"}[known]) if known else audited
    made = before.copy_to(tmp_path / "site")
    yield made
    made.close()


@pytest.fixture
def task(office: Office) -> str:
    (case,) = [one.id for one in office.cases() if one.form is Form.TASK and one.number]
    return case


@pytest.fixture
def order(office: Office) -> str:
    (case,) = [one.id for one in office.cases() if one.form is Form.ORDER and one.number]
    return case


def states(office: Office, case: str) -> dict[str, tuple[str, str]]:
    return {item.asset_name: (item.state.value, item.ground) for item in office.case(case).items}


def replied(office: Office, case: str) -> None:
    office.later(days=2)
    office.reply(case, "已整改")
    office.later(days=1)


def test_it_waits_for_a_reply_or_the_last_day(office: Office, task: str) -> None:
    with pytest.raises(Refused, match="has time until 2026-12-07, and has not replied yet"):
        office.inspect(task)
    office.now = datetime(2026, 12, 7, 15, 59, tzinfo=UTC)
    office.again(*WRONGS)
    with pytest.raises(Refused, match="has time until 2026-12-07"):
        office.inspect(task)
    office.now = datetime(2026, 12, 7, 16, 0, tzinfo=UTC)
    with pytest.raises(Refused, match="before the department's time was over"):
        office.inspect(task)
    office.again(*WRONGS)
    assert office.inspect(task).state is State.INSPECTED


def test_it_needs_an_audit_after_the_reply(office: Office, task: str) -> None:
    office.later(days=2)
    office.again(*REST, S1=Sight.COMPLIANT, S2=Sight.COMPLIANT)
    office.reply(task)
    with pytest.raises(Refused, match="the newest audit began on 2026-11-25 01:00 UTC, before"):
        office.inspect(task)
    office.later(minutes=1)
    office.again(*REST)
    office.inspect(task)
    # The newest reply is what counts.
    office.withdraw(task)


def test_mended_not_mended_and_what_nobody_can_tell(office: Office, task: str) -> None:
    replied(office, task)
    office.again(*REST, (MIGRATE, "S2"), S1=Sight.COMPLIANT)
    office.inspect(task)
    assert states(office, task) == {
        "救助系统": ("mended", "2026年11月26日核查确认已整改"),
        "婚姻登记系统": ("not_mended", "2026年11月26日核查时仍然存在"),
    }
    office.later(days=1)
    office.again(*REST)
    office.inspect(task)
    assert states(office, task)["婚姻登记系统"] == ("cannot_tell", "本次核查事实不明，须由人工核实")


def test_what_was_mended_before_the_last_day_is_mended(office: Office, task: str) -> None:
    office.later(days=1)
    office.again(*REST, S1=Sight.COMPLIANT, S2=Sight.COMPLIANT)
    replied(office, task)
    office.again(*REST)
    office.inspect(task)
    assert {state for state, _ in states(office, task).values()} == {"mended"}


@pytest.mark.parametrize(
    ("sight", "state", "ground"),
    [
        (Sight.UNKNOWN, "cannot_tell", "本次核查事实不明，须由人工核实"),
        (Sight.ABSENT_UNCOVERED, "cannot_tell", "本次核查未覆盖，须由人工核实"),
        (Sight.ABSENT_COVERED, "cannot_tell", "本次核查未发现该资产，须由人工核实"),
        (Sight.NOT_ATTEMPTED, "cannot_tell", "答复或期满之后尚未再次核查（最近一次为2026年11月23日）"),
        (Sight.NOT_APPLICABLE, "dropped", "2026年11月26日起不再适用"),
        (Sight.LAPSED, "dropped", "2026年11月26日起依据已失效"),
        (Sight.COMPLIANT, "mended", "2026年11月26日核查确认已整改"),
    ],
)
def test_what_an_audit_can_say_of_an_item(office: Office, task: str, sight: Sight, state: str, ground: str) -> None:
    """Unseen is not mended, and unseen is not refused."""
    replied(office, task)
    office.again(*REST, (MIGRATE, "S2"), S1=sight)
    office.inspect(task)
    assert states(office, task)["救助系统"] == (state, ground)


def test_what_is_gone_for_good_is_mended(office: Office, task: str) -> None:
    replied(office, task)
    office.again(*REST, (MIGRATE, "S2"), S1=Sight.ABSENT_COVERED)
    office.later(days=1)
    office.again(*REST, (MIGRATE, "S2"), S1=Sight.ABSENT_COVERED)
    office.inspect(task)
    assert states(office, task)["救助系统"] == ("mended", "2026年11月27日核查确认连续核查未再发现该资产")


def test_waived_dismissed_and_moved_meanwhile(office: Office, task: str) -> None:
    replied(office, task)
    office.audit(*WRONGS, waived={(MIGRATE, "S1"): "HM-1"})
    office.inspect(task)
    assert states(office, task)["救助系统"] == ("dropped", "经批准豁免")
    office.ledger.dismiss(office.finding(MIGRATE, "S2").id, ground="登记有误", by=REVIEWER, at=office.now)
    office.inspect(task)
    assert states(office, task)["婚姻登记系统"] == ("dropped", "经人工复核，原认定不成立")
    closed, opinion = office.close_case(task)
    assert closed.state is State.CLOSED
    assert opinion is not None and "不再列入" in str(opinion.fields)


def test_an_item_that_another_department_has_now_is_no_business_of_this_one(office: Office, task: str) -> None:
    replied(office, task)
    office.wrong(MIGRATE, "S1", "czj", "救助系统")
    office.again(*(pair for pair in WRONGS if pair != (MIGRATE, "S2")), S2=Sight.COMPLIANT)
    office.inspect(task)
    assert states(office, task)["救助系统"] == ("dropped", "已移交市财政局")
    _, opinion = office.close_case(task)
    assert opinion is not None and "救助系统" not in str(opinion.fields)


def test_a_case_whose_items_all_went_elsewhere_is_refused_in_words(office: Office, task: str) -> None:
    replied(office, task)
    office.wrong(MIGRATE, "S1", "czj", "救助系统")
    office.wrong(MIGRATE, "S2", "czj", "婚姻登记系统")
    office.again(*WRONGS)
    office.inspect(task)
    before = office.dump()
    with pytest.raises(Refused, match="cannot be signed"):
        office.close_case(task)
    assert office.dump() == before
    office.withdraw(task, "已移交")


def test_a_merged_item_stands_as_the_one_that_lives(office: Office, task: str) -> None:
    replied(office, task)
    known = office.ledger.key_map()
    # The system that was a second of itself: its finding becomes part of the other one.
    office.ledger.save_key_map(
        KeyMap(keys={**known.keys, ("system", Identifier("system-code", "S2")): "S2"}, aliases={"S1": "S2"}),
        at=office.now,
        by=DRAFTER,
    )
    del office.things["S1"]
    office.again(*REST, S2=Sight.COMPLIANT)
    office.inspect(task)
    assert {state for state, _ in states(office, task).values()} == {"mended"}
    office.close_case(task)
    assert office.faults() == []


def test_a_person_decides_what_cannot_be_told_and_nothing_else(office: Office, task: str) -> None:
    replied(office, task)
    office.again(*REST, (MIGRATE, "S2"))
    office.inspect(task)
    unclear, clear = office.finding(MIGRATE, "S1").id, office.finding(MIGRATE, "S2").id
    for act in (office.close_case, office.second, office.escalate):
        with pytest.raises(Refused, match=rf"cannot tell of 1 items \({unclear}\)"):
            act(task)
    with pytest.raises(Refused, match=r"the evidence says of .* that it is not_mended"):
        office.decide(task, clear, True)
    with pytest.raises(Refused, match="a decision needs its reason"):
        office.decide(task, unclear, True, why=" ")
    with pytest.raises(Refused, match="may not review"):
        office.decide(task, unclear, True, by=DRAFTER)
    told = office.decide(task, unclear, True, why="11月27日到机房查看，\n设备已下线")
    (item,) = [one for one in told.items if one.finding == unclear]
    assert (item.state.value, item.ground, item.decided_by) == (
        "mended",
        "11月27日到机房查看， 设备已下线",
        REVIEWER,
    )
    # Changing one's mind is a step of its own.
    assert office.decide(task, unclear, False, by=OTHER_REVIEWER).items != told.items
    _, opinion = office.second(task)
    assert "经督查科人工认定" in str(opinion.fields)


def test_who_inspects_decides_nothing_and_who_decides_signs_nothing(office: Office, task: str) -> None:
    office.write_site(consultation=False, people={})
    replied(office, task)
    office.again(*REST, S2=Sight.COMPLIANT)
    office.inspect(task, by=DRAFTER)
    with pytest.raises(Refused, match="took an earlier step"):
        office.decide(task, office.finding(MIGRATE, "S1").id, True, by=DRAFTER)
    office.decide(task, office.finding(MIGRATE, "S1").id, True, by=REVIEWER)
    for same in (DRAFTER, REVIEWER):
        with pytest.raises(Refused, match="took an earlier step"):
            office.close_case(task, by=same)
    office.close_case(task, by=SIGNER)


def test_later_evidence_outweighs_a_persons_word(office: Office, task: str) -> None:
    """The person said mended; the next audit sees it as it was. The case cannot be closed on the word."""
    replied(office, task)
    office.again(*REST, S2=Sight.COMPLIANT)
    office.inspect(task)
    office.decide(task, office.finding(MIGRATE, "S1").id, True)
    # Looked at again without new evidence, the word stands.
    office.inspect(task)
    assert states(office, task)["救助系统"] == ("mended", "现场查看")
    office.later(days=1)
    office.again(*REST, (MIGRATE, "S1"))
    office.inspect(task)
    assert states(office, task)["救助系统"] == ("not_mended", "2026年11月27日核查时仍然存在")
    with pytest.raises(Refused, match="1 items are not mended"):
        office.close_case(task)


def test_closing_needs_everything_mended_and_gives_an_opinion_that_cites_the_notice(
    office: Office, task: str
) -> None:
    replied(office, task)
    office.again(*REST, (MIGRATE, "S2"), S1=Sight.COMPLIANT)
    office.inspect(task)
    with pytest.raises(Refused, match="1 items are not mended: 'auditor case second' or 'escalate' comes next"):
        office.close_case(task)
    office.later(days=1)
    office.again(*REST, S2=Sight.COMPLIANT)
    office.inspect(task)
    closed, opinion = office.close_case(task)
    assert opinion is not None
    assert (opinion.number, opinion.form) == ("运审管复〔2026〕1号", Form.INSPECTION)
    words = str(opinion.fields)
    assert closed.number in words
    assert "予以销号" in words
    assert office.case(opinion.number).id == task
    assert closed.closed_at == office.now
    assert office.faults() == []


def test_a_second_notice_lists_only_what_was_not_mended_and_cites_the_first(office: Office, task: str) -> None:
    replied(office, task)
    office.again(*REST, (MIGRATE, "S2"), S1=Sight.COMPLIANT)
    office.inspect(task)
    again, opinion = office.second(task)
    first = again.number
    assert (again.state, again.round, again.drafted_by, again.reviewed_by) == (State.DRAFT, 2, DRAFTER, "")
    assert "另行制发文书" in str(opinion.fields) or "再次" in str(opinion.fields)
    assert {item.asset_name: (item.round, item.state.value) for item in again.items} == {
        "救助系统": (1, "mended"),
        "婚姻登记系统": (2, "listed"),
    }
    with pytest.raises(Refused, match="may not review"):
        office.review(task, by=DRAFTER)
    notice = office.out(task)
    words = str(notice.fields)
    assert notice.number == "运审管改〔2026〕2号"
    assert first in words and opinion.number in words
    assert "婚姻登记系统" in words and "救助系统" not in words
    issued = office.case(task)
    assert (issued.served_on, issued.replied_on, issued.due) == (None, None, None)
    # Its own time runs, and earlier replies are no replies to it.
    office.serve(task)
    with pytest.raises(Refused, match="has not replied yet"):
        office.inspect(task)
    replied(office, task)
    office.again(*REST)
    office.inspect(task)
    with pytest.raises(Refused, match="was settled in round 1"):
        office.decide(task, office.finding(MIGRATE, "S1").id, False)
    office.decide(task, office.finding(MIGRATE, "S2").id, True)
    _, last = office.close_case(task)
    assert last is not None and notice.number in str(last.fields) and "救助系统" not in str(last.fields)
    assert [paper.number for paper in office.papers(task)] == [
        "运审管改〔2026〕1号",
        "运审管复〔2026〕1号",
        "运审管改〔2026〕2号",
        "运审管复〔2026〕2号",
    ]
    assert office.faults() == []


def test_a_second_notice_needs_the_first_one_served(office: Office) -> None:
    """Later papers cite the day of service: it is asked for before anybody signs, and can still be noted."""
    office.write_site(consultation=False)
    (case,) = [one for one in office.draft().cases if len(one.items) == 2]
    office.out(case.id)
    replied(office, case.id)
    office.again(*WRONGS)
    office.inspect(case.id)
    before = office.dump()
    with pytest.raises(Refused, match="nobody has noted that 运审管改〔2026〕1号 was served"):
        office.second(case.id)
    assert office.dump() == before
    assert office.serve(case.id, date(2026, 11, 23)).state is State.INSPECTED
    office.second(case.id)
    office.out(case.id)


def test_a_second_notice_loses_what_was_mended_before_it_went_out(office: Office, task: str) -> None:
    replied(office, task)
    office.again(*WRONGS)
    office.inspect(task)
    office.second(task)
    office.later(days=1)
    office.again(*REST, (MIGRATE, "S2"), S1=Sight.COMPLIANT)
    with pytest.raises(Refused, match="已销号或已排除"):
        office.review(task)
    # Runs about something else leave it alone.
    office.draft(forms=["reminder"])
    office.draft(findings=[office.finding(UNAPPROVED, "S3").id])
    assert {state for state, _ in states(office, task).values()} == {"listed"}
    office.draft()
    assert {name: state for name, (state, _) in states(office, task).items()} == {
        "救助系统": "mended",
        "婚姻登记系统": "listed",
    }
    assert "救助系统" not in str(office.out(task).fields)


def test_a_second_notice_of_nothing_goes_back_to_be_closed(office: Office, task: str) -> None:
    replied(office, task)
    office.again(*REST, (MIGRATE, "S1"), S2=Sight.COMPLIANT)
    office.inspect(task)
    office.second(task)
    office.later(days=1)
    office.again(*REST, S1=Sight.COMPLIANT)
    (again,) = [case for case in office.draft().cases if case.id == task]
    assert again.state is State.INSPECTED
    office.close_case(task)
    assert office.faults() == []


def test_what_the_law_no_longer_asks_for_was_not_mended(office: Office, task: str) -> None:
    replied(office, task)
    office.again(*WRONGS)
    office.inspect(task)
    office.second(task)
    office.later(days=1)
    office.again(*REST, (MIGRATE, "S2"), S1=Sight.NOT_APPLICABLE)
    office.draft()
    assert states(office, task)["救助系统"][0] == "dropped"


def test_where_the_regulation_gives_no_consequence_none_follows(office: Office, task: str) -> None:
    replied(office, task)
    office.again(*WRONGS)
    office.inspect(task)
    with pytest.raises(Refused, match="第二十四条 gives no consequence for a refusal, and none may be borrowed"):
        office.escalate(task, 1)


def test_of_several_consequences_one_must_be_chosen(office: Office, order: str) -> None:
    before = office.dump()
    with pytest.raises(Refused) as refused:
        office.escalate(order)
    assert refused.value.lines[1:] == ("  1. 暂停拨付项目建设和运维资金（第二十三条）", "  2. 终止项目（第二十三条）")
    for choice in (0, 3, -1):
        with pytest.raises(Refused, match=f"--consequence {choice}: case .* has 2"):
            office.escalate(order, choice)
    assert office.dump() == before


def test_what_another_authority_decides_is_proposed_to_it_and_never_ordered(office: Office, order: str) -> None:
    ended, opinion, proposal = office.escalate(order, 1)
    assert ended.state is State.ESCALATED
    assert proposal is not None
    assert (proposal.form, proposal.addressee, proposal.state, proposal.parent) == (
        Form.PROPOSAL,
        "市财政局",
        State.DRAFT,
        order,
    )
    assert "向市财政局提出建议" in str(opinion.fields)
    with pytest.raises(Refused, match="may not"):
        office.review(proposal.id, by=DRAFTER)
    paper = office.out(proposal.id)
    words = str(paper.fields)
    assert paper.number == "运审管建〔2026〕1号"
    for said in (ended.number, opinion.number, "暂停拨付项目建设和运维资金", "请贵局依职权研究决定"):
        assert said in words, said
    assert "终止项目" not in words, "the one that was chosen, and no other"
    with pytest.raises(Refused, match="which orders nothing"):
        office.inspect(proposal.id)
    office.close_case(proposal.id, why="财政局已复函")
    assert office.faults() == []


def test_a_consequence_of_ones_own_needs_no_proposal(office: Office, order: str) -> None:
    ended, opinion, proposal = office.escalate(order, 2)
    assert proposal is None
    assert ended.note == "终止项目（第二十三条）"
    assert "终止项目" in str(opinion.fields)


def test_a_proposal_for_what_was_mended_meanwhile_is_not_signed(office: Office, order: str) -> None:
    _, _, proposal = office.escalate(order, 1)
    assert proposal is not None
    office.review(proposal.id)
    office.later(days=1)
    office.again(*(pair for pair in WRONGS if pair[0] != UNAPPROVED), S3=Sight.COMPLIANT)
    before = office.dump()
    with pytest.raises(Refused, match="建议已无依据") as refused:
        office.issue(proposal.id)
    assert "'auditor case withdraw' takes it back" in str(refused.value)
    assert office.dump() == before


def test_a_proposal_whose_order_was_withdrawn_is_not_signed(office: Office, order: str) -> None:
    _, _, proposal = office.escalate(order, 1)
    assert proposal is not None
    office.review(proposal.id)
    office.withdraw(order, "依据有误")
    with pytest.raises(Refused, match=r"所引文书的文号|needs the notice"):
        office.issue(proposal.id)


def test_an_escalated_case_is_looked_at_again(office: Office, order: str) -> None:
    office.escalate(order, 2)
    office.later(days=1)
    office.again(*(pair for pair in WRONGS if pair[0] != UNAPPROVED), S3=Sight.COMPLIANT)
    office.inspect(order)
    closed, _ = office.close_case(order)
    assert closed.state is State.CLOSED


def test_an_open_objection_stops_what_would_follow(office: Office) -> None:
    office.write_site(consultation=False)
    (case,) = office.draft(findings=[office.finding(UNAPPROVED, "S3").id]).cases
    office.out(case.id, "10d")
    office.serve(case.id)
    office.object_to(case.id, "1")
    replied(office, case.id)
    office.again(*WRONGS)
    office.inspect(case.id)
    for act in (office.second, office.close_case, lambda name: office.escalate(name, 1)):
        with pytest.raises(Refused, match="nobody has answered the objection"):
            act(case.id)
    office.answer(case.id, "1", False)
    office.second(case.id)
    office.out(case.id, "10d")


def test_an_accepted_objection_takes_an_item_out_of_the_order(office: Office, task: str) -> None:
    finding = office.finding(MIGRATE, "S1").id
    office.object_to(task, finding)
    replied(office, task)
    office.answer(task, finding, True, until=date(2027, 6, 30))
    office.again(*WRONGS)
    office.inspect(task)
    assert states(office, task)["救助系统"] == ("dropped", "异议成立，不予认定")
    _, opinion = office.second(task)
    assert "救助系统" in str(opinion.fields), "the opinion says what became of it"
    assert "救助系统" not in str(office.out(task).fields)


# --- consequences with a condition, and where the regulation gives several and the bureau none of its own ---------


def elsewhere(root: Path, pack: str, region: str, level: str) -> Office:
    root.mkdir()
    office = Office(root)
    confirmed = {"confirmed_wording": {"by": "法规科", "on": "2026-10-08", "document": "核对记录1号"}}
    settings = {pack: confirmed if pack == "luohu-2024" else {"in_force_from": "2024-01-01", **confirmed}}
    changes = {"packs": [pack], "region": region, "pack_settings": settings, "consultation": False}
    office.write_site({**SITE, **changes})
    office.department("mzj", "民政局", level)
    return office


def brought_to_inspection(office: Office, rule: str) -> str:
    level = "county" if rule.startswith("luohu") else "city"
    office.wrong(rule, "P1", "mzj", "政务平台项目", level=level, code="XM-1")
    office.audit((rule, "P1"))
    (case,) = office.draft().cases
    office.out(case.id, "10d")
    office.serve(case.id)
    replied(office, case.id)
    office.again((rule, "P1"))
    office.inspect(case.id)
    return case.id


@pytest.fixture
def xianyang(tmp_path: Path) -> Iterator[Office]:
    made = elsewhere(tmp_path / "xianyang", "xianyang", "610400", "city")
    yield made
    made.close()


@pytest.fixture
def luohu(tmp_path: Path) -> Iterator[Office]:
    made = elsewhere(tmp_path / "luohu", "luohu-2024", "440303", "county")
    yield made
    made.close()


def test_a_condition_that_the_regulation_sets_must_be_said_to_hold(xianyang: Office) -> None:
    case = brought_to_inspection(xianyang, "xianyang/in-use-unaccepted")
    with pytest.raises(Refused, match="only 情节严重并造成重大损失的: say with --because why that holds"):
        xianyang.escalate(case)
    ended, opinion, proposal = xianyang.escalate(case, because="系统停用三日，造成重大损失")
    assert proposal is None and "追究单位负责人" in ended.note
    assert "第四十二条" in str(opinion.fields)
    (step,) = [one for one in xianyang.steps(case) if one.act == "case.escalate"]
    assert step.note == "系统停用三日，造成重大损失"


def test_of_luohus_three_the_second_is_proposed_to_whom_the_text_names(luohu: Office) -> None:
    case = brought_to_inspection(luohu, "luohu-2024/failed-acceptance-in-use")
    with pytest.raises(Refused, match="gives 3 consequences"):
        luohu.escalate(case)
    ended, _, proposal = luohu.escalate(case, 2)
    assert proposal is not None
    assert (proposal.addressee, ended.state) == ("区发展和改革局", State.ESCALATED)
    paper = luohu.out(proposal.id)
    assert "暂缓其后续项目的审批" in str(paper.fields)
    assert "技术论证" not in str(paper.fields["body"]).replace("未经技术论证", "")
    assert luohu.faults() == []

"""The shadow period: nobody is ordered anything before the department had its say."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from auditor.cases.model import State
from auditor.cases.upkeep import keep
from auditor.errors import Refused
from auditor.ledger import cases as stored
from auditor.ledger import departments
from auditor.ledger.life import Sight
from auditor.ledger.trail import Entry
from auditor.successions import DepartmentChange, Kind
from inventories.model import Identifier, KeyMap
from reports.papers.view import Form
from tests.auditor.cases.office import MIGRATE, REVIEWER, UNAPPROVED, WRONGS, Office

NEXT_YEAR = """\
year: 2027
notice: {number: 示例（虚构）, title: 示例（虚构）, date: 2026-12-28}
off:
  - {name: 元旦, from: 2027-01-01, to: 2027-01-04}
work: []
"""


@pytest.fixture
def letter(office: Office) -> str:
    """A letter to the civil affairs bureau on what nobody approved, served, with fifteen days to answer."""
    (case,) = office.draft(findings=[office.finding(UNAPPROVED, "S3").id]).cases
    office.out(case.id, "15d")
    office.serve(case.id)
    return case.id


def orders(office: Office) -> list[str]:
    finding = office.finding(UNAPPROVED, "S3").id
    made = office.draft(forms=["order"])
    return [case.id for case in made.cases if any(item.finding == finding for item in case.items)]


def waits(office: Office) -> tuple[str, ...]:
    made = office.draft()
    finding = office.finding(UNAPPROVED, "S3").id
    (reasons,) = [why for _, one, why in made.left_out if one.id == finding]
    return reasons


def test_after_the_reply_and_not_before(office: Office, letter: str) -> None:
    assert orders(office) == []
    assert waits(office) == (f"已列入案件{letter}", "征求意见的期限未到，部门尚未反馈")
    office.reply(letter, "情况属实")
    (order,) = orders(office)
    office.out(order, "30d")
    # What went on to an order no longer waits for anything as a letter.
    assert (office.case(letter).state, office.case(letter).note) == (State.CLOSED, "已制发运审管改〔2026〕1号")


def test_after_the_last_day_and_not_on_it(office: Office, letter: str) -> None:
    assert office.case(letter).due == (date(2026, 12, 8), False)
    # A minute before midnight at the site, which is still the last day there and in UTC.
    office.now = datetime(2026, 12, 8, 15, 59, tzinfo=UTC)
    assert orders(office) == []
    # At the site the ninth has begun.
    office.now = datetime(2026, 12, 8, 16, 0, tzinfo=UTC)
    assert len(orders(office)) == 1


def test_a_letter_that_was_not_served_was_not_heard_even_if_its_time_ran_from_issue(office: Office) -> None:
    (case,) = office.draft(findings=[office.finding(UNAPPROVED, "S3").id]).cases
    office.out(case.id, "5d", "issue")
    office.later(days=20)
    assert orders(office) == []
    assert waits(office) == (f"已列入案件{case.id}", "征求意见函尚未送达")
    # A reply shows that it arrived, whatever was noted.
    office.reply(case.id)
    assert len(orders(office)) == 1


def test_a_provisional_day_is_not_over_before_it_is_firm(office: Office) -> None:
    (case,) = office.draft(findings=[office.finding(UNAPPROVED, "S3").id]).cases
    office.now = datetime(2026, 12, 24, 1, 0, tzinfo=UTC)
    office.out(case.id, "10wd")
    office.serve(case.id)
    assert office.case(case.id).due == (date(2027, 1, 8), True)
    office.now = datetime(2027, 1, 20, 1, 0, tzinfo=UTC)
    office.again(*WRONGS)
    assert orders(office) == []
    keep(office.desk())
    assert orders(office) == [], "nobody has published the year yet"
    (office.root / "calendars").mkdir()
    (office.root / "calendars" / "2027.yaml").write_text(NEXT_YEAR, encoding="utf-8")
    (settled,) = keep(office.desk()).settled
    assert settled.due == (date(2027, 1, 11), False), "the fourth was off"
    assert len(orders(office)) == 1
    assert office.faults() == []


def test_a_withdrawn_letter_heard_nobody(office: Office, letter: str) -> None:
    office.reply(letter)
    (order,) = orders(office)
    office.review(order)
    office.withdraw(letter, "函件有误")
    with pytest.raises(Refused, match="尚未征求部门意见"):
        office.issue(order, "30d")
    # Drafting again puts a new letter before it.
    made = office.draft()
    assert order in made.withdrawn
    (again,) = [case for case in made.cases if case.power == "breach-of-approval"]
    assert again.form is Form.LETTER


def test_a_letter_that_was_closed_before_its_time_was_over_heard_nobody(office: Office, letter: str) -> None:
    office.close_case(letter, why="先行办结")
    assert orders(office) == []
    (again,) = [case for case in office.draft().cases if case.power == "breach-of-approval"]
    assert again.form is Form.LETTER and again.id != letter


def test_a_letter_closed_after_its_time_heard_the_department(office: Office, letter: str) -> None:
    office.later(days=20)
    office.close_case(letter, why="逾期未反馈")
    assert len(orders(office)) == 1


def test_an_open_objection_blocks_and_a_rejected_one_does_not(office: Office, letter: str) -> None:
    finding = office.finding(UNAPPROVED, "S3").id
    office.object_to(letter, finding)
    office.reply(letter, "有异议")
    assert orders(office) == []
    assert "部门提出的异议尚未答复" in waits(office)
    with pytest.raises(Refused, match="nobody has answered the objection"):
        office.close_case(letter, why="逾期")
    office.answer(letter, finding, False, why="批复系另一项目")
    (order,) = orders(office)
    # It objects again, after the order was drafted and reviewed.
    office.review(order)
    office.object_to(letter, finding, "补充批复扫描件")
    with pytest.raises(Refused, match="部门提出的异议尚未答复"):
        office.issue(order, "30d")
    office.answer(letter, finding, False)
    office.issue(order, "30d")


def test_an_open_objection_blocks_an_order_without_the_shadow_period_too(office: Office, letter: str) -> None:
    office.object_to(letter, "1")
    office.later(days=20)
    office.write_site(consultation=False)
    assert orders(office) == []
    assert "部门提出的异议尚未答复" in waits(office)


def test_a_letter_with_an_open_objection_is_not_closed_by_the_order_that_follows(office: Office) -> None:
    first, second = office.finding(MIGRATE, "S1").id, office.finding(MIGRATE, "S2").id
    (letter,) = office.draft(findings=[first, second]).cases
    office.out(letter.id, "15d")
    office.reply(letter.id)
    (task,) = office.draft(findings=[first]).cases
    office.out(task.id)
    office.object_to(letter.id, first)
    (other,) = office.draft(findings=[second]).cases
    office.out(other.id)
    # Both have gone on to orders; but somebody still waits for an answer.
    assert office.case(letter.id).state is State.REPLIED
    office.answer(letter.id, first, False)
    office.close_case(letter.id, why="已制发整改任务书")


def test_an_accepted_objection_sets_the_finding_aside_and_the_department_is_heard_anew(
    office: Office, letter: str
) -> None:
    finding = office.finding(UNAPPROVED, "S3").id
    office.object_to(letter, finding)
    office.reply(letter)
    for wrong, said in ((None, "needs its re-test date"), (date(2026, 11, 23), "has come already")):
        with pytest.raises(Refused, match=said):
            office.answer(letter, finding, True, until=wrong)
    office.answer(letter, finding, True, until=date(2026, 12, 31), why="批复属实")
    row = office.finding(UNAPPROVED, "S3")
    assert (row.state, row.note, row.life.dismissed_until) == ("dismissed", "批复属实（法规科）", date(2026, 12, 31))
    (item,) = office.case(letter).items
    assert (item.state.value, item.ground, item.decided_by) == ("dropped", "异议成立，不予认定", REVIEWER)
    assert orders(office) == []
    # On the re-test date it is still there: who won its objection once is asked again, before anything is ordered.
    office.now = datetime(2026, 12, 31, 1, 0, tzinfo=UTC)
    office.again(*WRONGS)
    assert office.finding(UNAPPROVED, "S3").state == "reopened"
    assert orders(office) == []
    (again,) = [case for case in office.draft().cases if case.power == "breach-of-approval"]
    assert again.form is Form.LETTER


def test_an_objection_to_what_was_mended_meanwhile_can_still_be_accepted(office: Office, letter: str) -> None:
    finding = office.finding(UNAPPROVED, "S3").id
    office.object_to(letter, finding)
    office.later(days=1)
    office.again(*(pair for pair in WRONGS if pair[0] != UNAPPROVED), S3=Sight.COMPLIANT)
    office.answer(letter, finding, True, until=date(2027, 6, 30))
    assert office.finding(UNAPPROVED, "S3").state == "resolved"
    assert office.case(letter).items[0].state.value == "dropped"
    office.close_case(letter, why="异议成立")


def test_only_what_is_asked_for_can_be_objected_to(office: Office, letter: str) -> None:
    finding = office.finding(UNAPPROVED, "S3").id
    with pytest.raises(Refused, match="no items are meant by '2'"):
        office.object_to(letter, "2")
    with pytest.raises(Refused, match="needs its words"):
        office.object_to(letter, finding, " ")
    with pytest.raises(Refused, match="has no objection"):
        office.answer(letter, finding, False)
    office.object_to(letter, finding)
    office.answer(letter, finding, True, until=date(2027, 6, 30))
    with pytest.raises(Refused, match="is not asked for any more"):
        office.object_to(letter, finding)


def test_an_empty_reply_ends_no_hearing(office: Office, letter: str) -> None:
    with pytest.raises(Refused, match="a reply says something"):
        office.reply(letter, "  ")
    with pytest.raises(Refused, match="has not come yet"):
        office.reply(letter, on=date(2026, 11, 24))
    with pytest.raises(Refused, match="lies before 2026-11-23, when the paper was issued"):
        office.reply(letter, on=date(2026, 11, 22))
    assert orders(office) == []


def test_of_several_words_the_order_in_which_they_came_counts_not_the_clock(office: Office, letter: str) -> None:
    """The answer is typed on a machine whose clock stands two minutes behind."""
    office.later(minutes=10)
    for _ in range(5):
        office.object_to(letter, "1")
        office.now -= timedelta(minutes=2)
        office.answer(letter, "1", False)
        office.now += timedelta(minutes=2)
    office.reply(letter)
    assert len(orders(office)) == 1
    with office.ledger.reading() as connection:
        assert [word.id.rpartition("/w")[2] for word in stored.words(connection, letter)] == [
            str(n) for n in range(1, 12)
        ]


def test_whoever_has_the_thing_now_is_asked_itself(office: Office, letter: str) -> None:
    office.reply(letter)
    office.close_case(letter, why="已反馈")
    office.wrong(UNAPPROVED, "S3", "czj", "低保系统")
    office.later(days=1)
    office.again(*WRONGS)
    assert orders(office) == []
    (case,) = [case for case in office.draft().cases if case.department_id == "czj"]
    assert case.form is Form.LETTER


def test_a_department_that_became_another_was_heard_as_itself(office: Office, letter: str) -> None:
    """A merger takes its hearing along; the case is closed, so nothing moves it."""
    office.reply(letter)
    office.close_case(letter, why="已反馈")
    change = DepartmentChange(
        id="D2026-001",
        kind=Kind.MERGE,
        department_id="mzj",
        department_name="市民政局",
        successor_id="czj",
        successor_name="市财政局",
        asset_kind="",
        asset_code="",
        effective_on=date(2026, 11, 24),
        document="机构改革方案",
        at=office.now,
        by="政务信息科",
        undone=False,
        note="",
    )
    desk = office.desk()
    with office.ledger.writing() as connection:
        desk.write(
            connection, Entry(office.now, "政务信息科", "department.merge", change.id), [departments.write(change)]
        )
    office.wrong(UNAPPROVED, "S3", "czj", "低保系统")
    office.later(days=1)
    office.again(*WRONGS)
    assert len(orders(office)) == 1


def test_a_merged_finding_is_heard_and_held_under_its_new_name(office: Office) -> None:
    """Two systems turn out to be one: what the letter asked about lives on as the older finding, which it did not."""
    office.wrong(UNAPPROVED, "S7", "mzj", "低保系统（二期）")
    office.later(hours=1)
    office.audit(*WRONGS, (UNAPPROVED, "S7"))
    old, young = office.finding(UNAPPROVED, "S3").id, office.finding(UNAPPROVED, "S7").id
    (letter,) = office.draft(findings=[young]).cases
    office.out(letter.id, "15d")
    office.serve(letter.id)
    known = office.ledger.key_map()
    keys = {**known.keys, ("system", Identifier("system-code", "S3")): "S3"}
    office.ledger.save_key_map(KeyMap(keys=keys, aliases={"S7": "S3"}), at=office.now, by="政务信息科")
    del office.things["S7"]
    office.later(hours=1)
    office.audit(*WRONGS)
    assert office.ledger.finding(young).merged_into == old
    made = office.draft()
    (reasons,) = [why for _, one, why in made.left_out if one.id == old]
    assert f"已列入案件{letter.id}" in reasons
    assert old not in {item.finding for case in made.cases for item in case.items}
    office.object_to(letter.id, young)
    office.reply(letter.id)
    assert office.draft(forms=["order"]).cases == ()
    office.answer(letter.id, young, False)
    (order,) = office.draft(forms=["order"]).cases
    assert [item.finding for item in order.items] == [old]
    office.out(order.id, "30d")
    assert office.faults() == []


def test_without_the_shadow_period_orders_come_at_once(office: Office) -> None:
    office.write_site(consultation=False)
    assert {case.form for case in office.draft().cases} == {Form.TASK, Form.ORDER}


def test_a_finding_of_a_letter_that_is_out_does_not_hold_back_a_new_one(office: Office) -> None:
    (case,) = office.draft(findings=[office.finding(MIGRATE, "S1").id]).cases
    office.out(case.id, "15d")
    (other,) = [one for one in office.draft().cases if one.department_id == "mzj" and one.power == "assessment"]
    assert [item.asset_name for item in other.items] == ["婚姻登记系统"]

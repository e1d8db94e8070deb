"""What may stand in which paper, and the reason of everything that may not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from auditor.cases.drafting import Drafted
from auditor.cases.model import ORDERS
from auditor.errors import Refused
from auditor.ledger.life import Sight
from reports.papers.view import Form
from tests.auditor.cases.office import CATALOGUE, FILING, MIGRATE, UNAPPROVED, UNREGISTERED, WRONGS, Office


def why(made: Drafted, finding: str) -> tuple[str, ...]:
    """The reasons for which a finding stands in no paper."""
    (found,) = [reasons for _, one, reasons in made.left_out if one.id == finding]
    return found


def listed(made: Drafted) -> set[str]:
    return {item.finding for case in made.cases for item in case.items if item.state.value == "listed"}


EVERYTHING = ("letter", "order", "reminder", "referral")


def test_in_the_shadow_period_there_are_only_letters(office: Office) -> None:
    made = office.draft()
    assert {case.form for case in made.cases} == {Form.LETTER}
    assert len(made.cases) == 3, "one for each department and power"
    assert office.draft(forms=["order"]).cases == ()


def test_one_case_for_each_department_authority_addressee_and_form(office: Office) -> None:
    office.write_site(consultation=False)
    made = office.draft(forms=EVERYTHING)
    assert sorted((case.department_id, case.power, case.addressee, case.form.value) for case in made.cases) == [
        ("jtj", "", "公安机关网安部门", "referral"),
        ("jtj", "", "市交通局", "reminder"),
        ("jtj", "assessment", "市交通局", "task"),
        ("mzj", "assessment", "市民政局", "task"),
        ("mzj", "breach-of-approval", "市民政局", "order"),
    ]
    # The power's own name decides: 整改任务书 is what article 24 gives, whatever form the site prefers.
    office.write_site(consultation=False, documents={**SITE_WORDS, "order_form": "order-notice"})
    forms = {case.power: case.form for case in office.draft(forms=["order"]).cases}
    assert forms == {"assessment": Form.TASK, "breach-of-approval": Form.ORDER_NOTICE}


SITE_WORDS = {"words": {"task": "运审管改", "order": "运审管改", "order-notice": "运审管改"}}


def test_reminder_and_referral_are_papers_of_their_own_and_no_letter_comes_before(office: Office) -> None:
    made = office.draft(forms=["reminder", "referral"])
    assert {(case.form, case.addressee, case.items[0].rule) for case in made.cases} == {
        (Form.REMINDER, "市交通局", CATALOGUE),
        (Form.REFERRAL, "公安机关网安部门", FILING),
    }
    assert not {CATALOGUE, FILING} & {item.rule for case in office.draft().cases for item in case.items}


@pytest.mark.parametrize("rule", [MIGRATE, CATALOGUE, FILING])
def test_what_is_not_confirmed_stands_in_no_paper(office: Office, rule: str) -> None:
    key = {MIGRATE: "S1", CATALOGUE: "S4", FILING: "S4"}[rule]
    finding = office.finding(rule, key).id
    office.later(days=1)
    office.audit(*(pair for pair in WRONGS if pair != (rule, key)))
    assert office.finding(rule, key).state == "stale"
    made = office.draft(forms=EVERYTHING)
    assert finding not in listed(made)
    assert why(made, finding) == ("本次审计未能再次确认，依据已过时",)


def test_a_waived_finding_stands_in_no_paper(office: Office) -> None:
    office.later(days=1)
    office.audit(*WRONGS, waived={(MIGRATE, "S1"): "HM-1", (CATALOGUE, "S4"): "HM-2", (FILING, "S4"): "HM-3"})
    made = office.draft(forms=EVERYTHING)
    for pair in ((MIGRATE, "S1"), (CATALOGUE, "S4"), (FILING, "S4")):
        finding = office.finding(*pair).id
        assert finding not in listed(made)
        assert why(made, finding) == ("经批准豁免",)


def test_a_dismissed_finding_stands_in_no_paper(office: Office) -> None:
    finding = office.finding(MIGRATE, "S1").id
    office.ledger.dismiss(finding, ground="登记有误", by="法规科", at=office.now)
    made = office.draft(forms=EVERYTHING)
    assert finding not in listed(made)
    assert why(made, finding) == ("经人工复核排除，未到复测日期",)


def test_a_resolved_finding_is_in_nobodys_list(office: Office) -> None:
    finding = office.finding(MIGRATE, "S1").id
    office.later(days=1)
    office.again(*(pair for pair in WRONGS if pair != (MIGRATE, "S1")), S1=Sight.COMPLIANT)
    made = office.draft(forms=EVERYTHING)
    assert finding not in listed(made) | {one.id for _, one, _ in made.left_out}
    with pytest.raises(Refused, match=f"{finding} is resolved: no paper names it"):
        office.draft(findings=[finding])


def test_facts_may_be_as_old_as_the_pack_allows_and_no_older(office: Office) -> None:
    """Where it runs must have been seen within thirty days; what a register says within ninety."""
    seen = office.now - timedelta(days=3)
    office.now = seen + timedelta(days=30)
    assert office.finding(MIGRATE, "S1").id in listed(office.draft())
    office.now = seen + timedelta(days=31)
    made = office.draft(forms=EVERYTHING)
    (reason,) = [one for one in why(made, office.finding(MIGRATE, "S1").id) if "部署位置" in one]
    assert reason == "“部署位置”的依据已有31天，超过30天"
    assert office.finding(UNAPPROVED, "S3").id in listed(made)
    office.now = seen + timedelta(days=91)
    made = office.draft(forms=EVERYTHING)
    assert listed(made) == set()
    for rule, key in ((UNAPPROVED, "S3"), (CATALOGUE, "S4"), (FILING, "S4")):
        assert all("的依据已有91天，超过90天" in one for one in why(made, office.finding(rule, key).id))


@pytest.mark.parametrize(("strength", "said"), [("hinted", "线索"), ("declared", "申报")])
def test_a_port_alone_or_a_registers_word_is_not_enough_for_what_can_be_seen(
    office: Office, strength: str, said: str
) -> None:
    """A hint: an address on which a port answers. Article 33 asks for what was seen."""
    office.wrong(MIGRATE, "S1", "mzj", "救助系统", strength=strength)
    office.later(days=1)
    office.audit(*WRONGS)
    made = office.draft(forms=EVERYTHING)
    finding = office.finding(MIGRATE, "S1").id
    assert finding not in listed(made)
    assert why(made, finding) == (f"“部署位置”仅有“{said}”级依据，需达到“外部可见”级",)
    with pytest.raises(Refused, match="“部署位置”仅有"):
        office.draft(findings=[finding])


def test_a_fact_without_a_source_is_none(office: Office) -> None:
    asset = office.things["S3"]
    office.things["S3"] = asset.__class__(
        asset.kind,
        asset.key,
        (),
        asset.values,
        tuple(fact for fact in asset.facts if fact.column != "approval_absent"),
    )
    office.later(days=1)
    office.audit(*WRONGS)
    made = office.draft()
    assert why(made, office.finding(UNAPPROVED, "S3").id) == ("“立项审批日期（明确答复为无）”没有可列明的来源",)


def test_a_lead_goes_into_no_paper_and_whoever_asks_is_told_why(office: Office) -> None:
    office.wrong(UNREGISTERED, "S9", "mzj", "没有登记的系统")
    office.later(days=1)
    office.audit(*WRONGS, (UNREGISTERED, "S9"))
    finding = office.finding(UNREGISTERED, "S9").id
    made = office.draft(forms=EVERYTHING)
    assert finding not in listed(made)
    with pytest.raises(Refused, match="属线索，须由人工核实后再定"):
        office.draft(findings=[finding])


def test_who_asks_for_the_wrong_paper_is_told_why(office: Office) -> None:
    order, reminder = office.finding(MIGRATE, "S1").id, office.finding(CATALOGUE, "S4").id
    before = office.dump()
    with pytest.raises(Refused, match="该条款应以整改文书处理"):
        office.draft(forms=["referral"], findings=[order])
    with pytest.raises(Refused, match="仅可发提示函"):
        office.draft(findings=[reminder])
    with pytest.raises(Refused, match="there is no finding 'FNONE'"):
        office.draft(findings=["FNONE"])
    with pytest.raises(Refused, match="there is no department 'mzjj': did you mean 'mzj'"):
        office.draft(departments=["mzjj"])
    assert office.dump() == before


def test_text_that_nobody_has_verified_orders_nothing(office: Office) -> None:
    office.write_site(pack_settings={})
    made = office.draft(forms=["referral"])
    assert made.cases == ()
    assert why(made, office.finding(FILING, "S4").id) == ("法规文本尚未与正式文本核对",)


def test_a_pack_that_the_site_put_away_orders_nothing(office: Office) -> None:
    made = office.draft()
    (case,) = [case for case in made.cases if case.department_id == "jtj"]
    office.write_site(packs=["national"])
    assert office.draft().cases == ()
    assert office.case(case.id).state.value == "withdrawn"


def test_a_finding_of_an_active_case_is_not_drafted_twice(office: Office) -> None:
    office.write_site(consultation=False)
    (case,) = [case for case in office.draft().cases if case.power == "assessment" and case.department_id == "mzj"]
    office.out(case.id)
    made = office.draft()
    assert {item.finding for item in case.items} & listed(made) == set()
    for item in case.items:
        assert why(made, item.finding) == (f"已列入案件{case.id}",)
    # Another thing of the same department under the same power has a case of its own.
    office.wrong(MIGRATE, "S6", "mzj", "殡葬系统")
    office.later(hours=1)
    office.audit(*WRONGS, (MIGRATE, "S6"))
    (other,) = [one for one in office.draft().cases if one.department_id == "mzj" and one.power == "assessment"]
    assert other.id != case.id
    assert [item.asset_name for item in other.items] == ["殡葬系统"]


def test_two_drafts_that_hold_one_thing_cannot_both_be_signed(office: Office) -> None:
    """A site that changes its form between two runs over one finding has two drafts of it."""
    finding = office.finding(UNAPPROVED, "S3").id
    office.write_site(consultation=False)
    (first,) = office.draft(findings=[finding]).cases
    office.write_site(consultation=False, documents={**SITE_WORDS, "order_form": "order-notice"})
    (second,) = office.draft(findings=[finding]).cases
    assert (first.form, second.form) == (Form.ORDER, Form.ORDER_NOTICE)
    office.review(first.id)
    office.out(second.id, "30d")
    with pytest.raises(Refused, match=f"已列入案件{second.id}"):
        office.issue(first.id, "30d")
    assert office.faults() == []


def test_naming_a_second_finding_keeps_the_first_in_the_draft(office: Office) -> None:
    office.wrong(FILING, "S5", "jtj", "客运系统")
    office.later(hours=1)
    office.audit(*WRONGS, (FILING, "S5"))
    one, other = office.finding(FILING, "S4").id, office.finding(FILING, "S5").id
    office.draft(forms=["referral"], findings=[one])
    (case,) = office.draft(forms=["referral"], findings=[other]).cases
    assert {item.finding: item.state.value for item in case.items} == {one: "listed", other: "listed"}
    assert len(office.cases()) == 1


def test_drawing_up_again_drops_what_no_longer_qualifies_and_keeps_the_record(office: Office) -> None:
    (case,) = [case for case in office.draft().cases if len(case.items) == 2]
    gone = office.finding(MIGRATE, "S1").id
    office.later(days=1)
    office.audit(*(pair for pair in WRONGS if pair != (MIGRATE, "S1")))
    office.draft()
    again = office.case(case.id)
    assert {item.finding: (item.state.value, item.ground) for item in again.items}[gone] == (
        "dropped",
        "重新拟稿时已不能列入",
    )
    assert sorted(item.position for item in again.items) == [1, 2]
    # Confirmed again it comes back.
    office.later(days=1)
    office.again(*WRONGS)
    office.draft()
    assert {item.state.value for item in office.case(case.id).items} == {"listed"}
    assert office.faults() == []


def test_a_draft_of_nothing_is_withdrawn(office: Office) -> None:
    (case,) = [case for case in office.draft().cases if case.power == "breach-of-approval"]
    office.later(days=1)
    office.again(*(pair for pair in WRONGS if pair[0] != UNAPPROVED), S3=Sight.COMPLIANT)
    # A run over something else says nothing about it.
    office.draft(forms=["reminder"])
    office.draft(departments=["jtj"])
    office.draft(findings=[office.finding(MIGRATE, "S1").id])
    assert office.case(case.id).state.value == "draft"
    assert office.draft().withdrawn == (case.id,)
    assert office.case(case.id).note == "已没有可列入的问题"


def test_a_reviewed_draft_stays_reviewed_while_it_lists_the_same(office: Office) -> None:
    (case,) = [case for case in office.draft().cases if len(case.items) == 2]
    office.review(case.id)
    assert case.id not in {one.id for one in office.draft().cases}
    assert office.case(case.id).state.value == "reviewed"
    office.later(days=1)
    office.audit(*(pair for pair in WRONGS if pair != (MIGRATE, "S1")))
    assert case.id in {one.id for one in office.draft().cases}
    assert (office.case(case.id).state.value, office.case(case.id).reviewed_by) == ("draft", "")


def test_no_order_names_a_department_that_was_not_heard(office: Office) -> None:
    """Whatever the letters' states are, an order exists only for findings whose department had its say."""
    for case in office.draft().cases:
        office.out(case.id, "15d")
    assert office.draft(forms=["order"]).cases == ()
    assert not [case for case in office.cases() if case.form in ORDERS]

"""What never gets into a paper, and what an issued one may not lack."""

from dataclasses import replace
from typing import Any

import pytest

from policies.model import Consequence
from reports.model import FindingView
from reports.papers.compose import blanks, compose
from reports.papers.sample import ASSESSMENT, BREACH, sample
from reports.papers.view import EarlierPaper, Form, ItemResult, PaperView, Result

ORDERS = (Form.TASK, Form.ORDER, Form.ORDER_NOTICE)
ACCUSING = (Form.LETTER, Form.REMINDER, *ORDERS, Form.REFERRAL)
LISTING = (*ACCUSING, Form.PROPOSAL, Form.INSPECTION)


def with_bad(view: PaperView, **more: Any) -> PaperView:
    """The view with one more finding, which must not be in it; said to be not mended where that is asked."""
    bad: FindingView = replace(view.items[0], id="F-bad", **more)
    results = (*view.results, ItemResult("F-bad", Result.NOT_MENDED, "看到的情况")) if view.results else ()
    return replace(view, items=(*view.items, bad), results=results)


@pytest.mark.parametrize("issued", [True, False])
@pytest.mark.parametrize("form", [*ACCUSING, Form.PROPOSAL])
@pytest.mark.parametrize(
    "more",
    [
        {"verdict": "waived", "state": "waived"},
        {"verdict": "unknown", "state": "stale"},
        {"verdict": "compliant", "state": "resolved"},
        {"state": "stale"},
        {"state": "dismissed"},
        {"state": "resolved"},
        {"state": "waived"},
        {"verdict": "not_applicable"},
    ],
    ids=lambda more: "-".join(more.values()),
)
def test_only_confirmed_violations_get_in(form: Form, more: dict[str, Any], issued: bool) -> None:
    with pytest.raises(ValueError, match="F-bad"):
        compose(with_bad(sample(form, issued=issued), **more))


@pytest.mark.parametrize("form", [Form.LETTER, *ORDERS])
@pytest.mark.parametrize("bite", ["order", "reminder", "advice", "lead", "bureau", "referral"])
def test_orders_and_letters_hold_orderable_ones_only(form: Form, bite: str) -> None:
    with pytest.raises(ValueError, match="F-bad"):
        compose(with_bad(sample(form), orderable=False, bite=bite))


@pytest.mark.parametrize("bite", ["advice", "lead", "bureau", "referral"])
def test_a_reminder_holds_what_may_be_reminded_of_only(bite: str) -> None:
    with pytest.raises(ValueError, match="F-bad"):
        compose(with_bad(sample(Form.REMINDER), bite=bite))


@pytest.mark.parametrize("bite", ["order", "reminder", "advice", "lead", "bureau"])
def test_a_referral_holds_what_belongs_to_others_only(bite: str) -> None:
    with pytest.raises(ValueError, match="F-bad"):
        compose(with_bad(sample(Form.REFERRAL), bite=bite))


@pytest.mark.parametrize("form", [Form.REMINDER, Form.REFERRAL])
def test_weak_evidence_carries_no_letter_either(form: Form) -> None:
    with pytest.raises(ValueError, match="F-bad"):
        compose(with_bad(sample(form), sendable=False))


def test_a_referral_goes_to_one_authority() -> None:
    with pytest.raises(ValueError, match="公安机关网安部门, 密码管理部门"):
        compose(with_bad(sample(Form.REFERRAL), refer_to="密码管理部门"))


@pytest.mark.parametrize("form", LISTING)
def test_another_departments_findings_never_get_in(form: Form) -> None:
    view = with_bad(sample(form), department_id="other")
    with pytest.raises(ValueError, match="F-bad"):
        compose(view)
    # A merged department brings its own.
    if form in (Form.LETTER, Form.TASK):
        assert compose(replace(view, formerly="示例市社会事务局"))


@pytest.mark.parametrize("form", LISTING)
def test_a_paper_about_nothing_and_one_that_tells_a_thing_twice_are_refused(form: Form) -> None:
    view = sample(form)
    with pytest.raises(ValueError, match="at least one"):
        compose(replace(view, items=(), results=()))
    with pytest.raises(ValueError, match=view.items[0].id):
        compose(replace(view, items=(*view.items, view.items[0])))


def test_a_refusal_names_the_first_and_counts_the_rest() -> None:
    view = sample(Form.TASK)
    many = tuple(replace(view.items[0], id=f"F-{n:05d}", orderable=False) for n in range(10_000))
    with pytest.raises(ValueError, match=r"F-00000, .* and 9980 more") as refused:
        compose(replace(view, items=many))
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("form", [Form.LETTER, *ORDERS])
def test_without_a_power_there_is_no_order(form: Form) -> None:
    with pytest.raises(ValueError, match="needs the power"):
        compose(replace(sample(form), power=None))


@pytest.mark.parametrize("form", [Form.REMINDER, *ORDERS])
def test_a_second_notice_needs_a_first(form: Form) -> None:
    view = sample(form, round=2)
    with pytest.raises(ValueError, match="the first one"):
        compose(replace(view, earlier=()))
    # The inspection's opinion is no notice.
    with pytest.raises(ValueError, match="the first one"):
        compose(replace(view, earlier=view.earlier[-1:]))


# --- consequences -------------------------------------------------------------------------------------------


def test_a_consequence_of_another_power_or_regulation_is_never_proposed() -> None:
    view = sample(Form.PROPOSAL)
    with pytest.raises(ValueError, match="assessment gives no such consequence"):
        compose(replace(view, power=ASSESSMENT))
    with pytest.raises(ValueError, match="gives no such consequence"):
        compose(replace(view, consequence=Consequence("罚款五万元", "第六十一条")))
    with pytest.raises(ValueError, match="needs the consequence"):
        compose(replace(view, consequence=None))


def test_a_proposal_needs_a_notice_that_was_not_complied_with() -> None:
    view = sample(Form.PROPOSAL)
    with pytest.raises(ValueError, match="the notice that was not complied with"):
        compose(replace(view, earlier=()))
    for result in (Result.MENDED, Result.CANNOT_TELL, Result.DROPPED):
        with pytest.raises(ValueError, match="F-0004"):
            compose(replace(view, results=(ItemResult("F-0004", result),)))
    with pytest.raises(ValueError, match="F-0004"):
        compose(replace(view, results=()))


def test_what_a_person_found_not_mended_may_be_stale() -> None:
    view = sample(Form.PROPOSAL)
    items = tuple(replace(item, state="stale") for item in view.items)
    looked = tuple(replace(result, by="政务信息科") for result in view.results)
    with pytest.raises(ValueError, match="F-0004"):
        compose(replace(view, items=items))
    assert compose(replace(view, items=items, results=looked))


# --- inspections --------------------------------------------------------------------------------------------


def test_results_and_items_belong_together() -> None:
    view = sample(Form.INSPECTION)
    with pytest.raises(ValueError, match="F-0001"):
        compose(replace(view, results=view.results[1:]))
    with pytest.raises(ValueError, match="F-0001"):
        compose(replace(view, items=view.items[1:]))
    with pytest.raises(ValueError, match="one result, not two"):
        compose(replace(view, results=(*view.results, view.results[0])))


@pytest.mark.parametrize("state", ["resolved", "waived", "dismissed", "stale"])
def test_nobody_is_said_not_to_have_mended_what_the_evidence_does_not_show(state: str) -> None:
    view = sample(Form.INSPECTION)
    items = (replace(view.items[0], state=state), *view.items[1:])
    results = (ItemResult("F-0001", Result.NOT_MENDED, "看到的情况"), *view.results[1:])
    told = replace(view, items=items, results=results, decision="second notice")
    with pytest.raises(ValueError, match="F-0001"):
        compose(told)
    by_hand = (replace(results[0], by="政务信息科"), *results[1:])
    assert compose(replace(told, results=by_hand))


# --- what is lacking ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "change", "lacking"),
    [
        (Form.LETTER, {"reply": None}, "反馈期限"),
        (Form.ORDER, {"reply": None}, "整改结果的报送期限"),
        (Form.TASK, {"contact": " "}, "联系方式"),
        (Form.TASK, {"bureau": ""}, "发文机关名称"),
        (Form.TASK, {"snapshot": ""}, "核查数据快照的编号"),
        (Form.TASK, {"snapshot_digest": "abc"}, "核查数据快照的SHA-256摘要"),
        (Form.REFERRAL, {"addressee": ""}, "主送机关的名称"),
        (Form.PROPOSAL, {"addressee": ""}, "主送机关的名称"),
        (Form.INSPECTION, {"decision": ""}, "复查结论"),
        (Form.INSPECTION, {"inspected_on": None}, "复查日期"),
        (Form.INSPECTION, {"earlier": (EarlierPaper("", "责令限期整改通知书"),)}, "所引《责令限期整改通知书》的文号"),
        (Form.INSPECTION, {"decision": "escalated"}, "复查后拟作的处理"),
        (Form.BULLETIN, {"month": None}, "通报的月份"),
        (Form.BULLETIN, {"rows": ()}, "各部门数据"),
    ],
)
def test_what_an_issued_paper_would_lack_is_refused(form: Form, change: dict[str, Any], lacking: str) -> None:
    view = replace(sample(form), **change)
    assert lacking in blanks(view)
    with pytest.raises(ValueError, match=lacking):
        compose(view)
    # Before it is numbered the same is asked, and a draft may lack it.
    draft = replace(view, number="", issued_on=None)
    assert blanks(draft) == blanks(view)
    assert compose(draft)


@pytest.mark.parametrize("what", ["issued_on", "served_on", "due"])
@pytest.mark.parametrize("form", [Form.PROPOSAL, Form.ORDER])
def test_what_was_not_complied_with_is_known_by_its_days(form: Form, what: str) -> None:
    view = sample(form, round=2)
    gone: dict[str, Any] = {what: None}
    earlier = (replace(view.earlier[0], **gone), *view.earlier[1:])
    words = {"issued_on": "印发日期", "served_on": "送达日期", "due": "期限"}[what]
    assert blanks(replace(view, earlier=earlier)) == (f"所引《责令限期整改通知书》的{words}",)


@pytest.mark.parametrize(("what", "words"), [("basis", "条款依据"), ("facts", "事实明细")])
def test_an_item_without_clause_or_fact_goes_nowhere(what: str, words: str) -> None:
    view = sample(Form.TASK)
    empty: dict[str, Any] = {what: ()}
    items = (*view.items[:2], replace(view.items[2], **empty))
    assert blanks(replace(view, items=items)) == (f"问题F-0003的{words}",)


def test_the_articles_own_time_is_no_lack() -> None:
    assert blanks(replace(sample(Form.TASK), reply=None)) == ()
    assert ASSESSMENT.reply is not None
    assert BREACH.reply is None

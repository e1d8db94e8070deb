"""What the later papers of a case say: contractors, second notices, re-inspections, proposals, referrals, forms."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from policies.calendars import Due
from policies.model import CONTRACTOR, Consequence, Power
from reports.papers.bulletin import CountedRow
from reports.papers.compose import blanks, compose
from reports.papers.inspections import ESCALATED, SECOND
from reports.papers.phrases import BLANK_DATE, DRAFT_MARK, NO_NUMBER
from reports.papers.sample import ASSESSMENT, BREACH, sample
from reports.papers.view import BulletinRow, EarlierPaper, Form, ItemResult, PaperView, Result, Service

ORDERS = (Form.TASK, Form.ORDER, Form.ORDER_NOTICE)
MENDS = Power(
    id="contractor-mends",
    article="第二十八条",
    quote="项目承建单位应当按要求及时整改",
    authority="示例市大数据局",
    addressee="项目承建单位",
    form="及时整改",
    over=CONTRACTOR,
)


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def said(view: PaperView) -> str:
    return "\n".join(texts(compose(view)))


def body(view: PaperView) -> str:
    lines: Any = compose(view)["body"]
    return "\n".join(line["lead"] + line["text"] for line in lines)


# --- contractors --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ORDERS)
def test_an_order_to_a_contractor_is_never_sent_to_the_department(form: Form) -> None:
    view = replace(sample(form, issued=False), power=MENDS, addressee="")
    assert compose(view)["addressee"] == "　　　　　　（项目承建单位，名称待填）"
    # Not even where somebody puts the department there.
    assert compose(replace(view, addressee=view.department.name)) == compose(view)
    named = replace(view, addressee="示例信息技术公司")
    assert compose(named)["addressee"] == "示例信息技术公司"
    assert "你单位承建的示例市民政局" in body(named)
    assert "主送对象（项目承建单位）的名称" in blanks(view)
    assert "主送对象（项目承建单位）的名称" not in blanks(named)


def test_before_an_order_to_a_contractor_the_department_is_asked() -> None:
    letter: Any = compose(replace(sample(Form.LETTER), power=MENDS, addressee=""))
    assert letter["addressee"] == "示例市民政局"
    assert letter["order"]["addressee"] == "　　　　　　（项目承建单位，名称待填）"
    named: Any = compose(replace(sample(Form.LETTER), power=MENDS, addressee="示例信息技术公司"))
    assert named["order"]["addressee"] == "示例信息技术公司"


# --- second notices -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ORDERS)
def test_a_second_notice_cites_the_first_and_the_inspection(form: Form) -> None:
    view = sample(form, round=2)
    first, opinion = view.earlier
    words = body(view)
    assert f"于2026年11月24日向你单位制发{first.number}《{first.title}》，于2026年11月25日送达" in words
    assert "期限至2026年12月9日" in words
    assert f"2026年12月10日，我局对整改情况进行了复查（{opinion.number}《复查意见书》）" in words
    assert f"下列{len(view.items)}项问题仍未整改" in words
    assert "再次通知你单位" in words
    assert "复查所见：" in words
    assert blanks(view) == ()


def test_second_notices_are_told_apart_by_name() -> None:
    assert compose(sample(Form.ORDER, round=2))["title"] == ["再次责令限期整改通知书"]
    assert compose(sample(Form.TASK, round=2))["title"] == ["效能评估整改任务书（第二次）"]
    notice: Any = compose(sample(Form.ORDER_NOTICE, round=2))["title"]
    assert "".join(notice) == "关于示例市民政局信息化项目有关问题再次责令限期整改的通知"


def test_a_second_notice_threatens_with_no_more_than_the_first() -> None:
    first, second = body(sample(Form.ORDER)), body(sample(Form.ORDER, round=2))
    assert [line for line in first.splitlines() if line.startswith("拒不整改的")] == [
        line for line in second.splitlines() if line.startswith("拒不整改的")
    ]


def test_the_first_order_tells_of_the_letter_before_it() -> None:
    asked = EarlierPaper("示审管函〔2026〕3号", "关于核实示例市民政局信息系统有关情况的函", date(2026, 11, 2))
    words = body(replace(sample(Form.TASK), earlier=(asked,)))
    assert "此前，我局已于2026年11月2日向你单位制发示审管函〔2026〕3号《关于核实示例市民政局信息系统" in words


def test_where_only_the_opinion_is_known_its_day_stands_in_for_the_inspections() -> None:
    words = body(replace(sample(Form.ORDER, round=2), inspected_on=None))
    assert "截至2026年12月11日，我局对整改情况进行了复查" in words


def test_a_second_reminder_reminds_again() -> None:
    fields: Any = compose(sample(Form.REMINDER, round=2))
    assert "".join(fields["title"]).startswith("关于再次提示")
    assert "示审管函〔2026〕0号《提示函》" in fields["body"][0]["text"]


# --- referrals ----------------------------------------------------------------------------------------------


def test_a_referral_hands_facts_over_and_orders_nothing() -> None:
    words = said(sample(Form.REFERRAL))
    assert compose(sample(Form.REFERRAL))["addressee"] == "示例市公安局"
    assert "有关事项属示例市公安局职权范围" in words
    assert "是否构成违法违规，由贵局依法认定，我局未作认定" in words
    assert "请贵局依职权处理，并将处理结果函告我局。" in words
    for ordering in ("责令", "限期", "整改要求", "后果", "处罚", "工作日"):
        assert ordering not in words
    # What the clause would have the department do is for the other authority to say.
    assert sample(Form.REFERRAL).items[0].remedy not in words


def test_how_other_authorities_are_spoken_to() -> None:
    view = sample(Form.REFERRAL)
    assert "现移送贵单位" in body(replace(view, addressee="公安机关网安部门"))
    assert "现移送贵办" in body(replace(view, addressee="示例市密码工作领导小组办公室"))


# --- proposals ----------------------------------------------------------------------------------------------


def test_a_proposal_cites_what_was_not_complied_with_and_proposes_one_thing() -> None:
    view = sample(Form.PROPOSAL)
    words = body(view)
    notice, opinion = view.earlier
    assert f"{notice.number}《责令限期整改通知书》，于2026年11月25日送达，期限至2026年12月9日" in words
    assert f"2026年12月10日，我局对整改情况进行了复查（{opinion.number}《复查意见书》）" in words
    assert "复查所见：2026年12月10日网络探测所见与整改前一致。" in words
    assert "第二十三条，建议：暂停拨付项目建设和运维资金。" in words
    assert "请贵局依职权研究决定" in words
    # The power gives another consequence too, which nobody proposes here.
    assert "终止项目" not in words
    annexes: Any = compose(view)["annexes"]
    assert annexes[1:] == [
        "示审管改〔2026〕0号《责令限期整改通知书》（复印件）",
        "示审管复〔2026〕0号《复查意见书》（复印件）",
    ]


def test_a_consequence_with_a_condition_says_why_it_is_met() -> None:
    step = Consequence("撤销相关资质", "第四十三条", "授予资质的机关", "情节严重的")
    power = replace(BREACH, if_refused=(step,))
    view = replace(sample(Form.PROPOSAL), power=power, consequence=step)
    assert "“情节严重的”是否具备的认定" in blanks(view)
    met = replace(view, condition_met="两次通知后仍未整改，且造成重大损失")
    assert "该条以“情节严重的”为条件。我局认定该条件已具备：两次通知后仍未整改，且造成重大损失。" in body(met)
    assert blanks(met) == ()


def test_a_proposal_may_rest_on_the_clauses_own_words_where_there_is_no_power() -> None:
    """Withholding O&M money follows from a clause that lets nobody order anything."""
    step = Consequence("不再拨付运维经费", "第三十一条", "示例市财政局")
    view = replace(sample(Form.PROPOSAL), power=None, consequence=step)
    own = tuple(replace(item, consequence="未迁移的，不再拨付运维经费（第三十一条）") for item in view.items)
    assert "第三十一条，建议：不再拨付运维经费。" in body(replace(view, items=own))
    with pytest.raises(ValueError, match="F-0004"):
        compose(view)


# --- inspections --------------------------------------------------------------------------------------------


def inspected(*results: tuple[Result, str], decision: str = "", **more: Any) -> PaperView:
    view = sample(Form.INSPECTION)
    told = tuple(
        ItemResult(item.id, result, "看到的情况", by) for item, (result, by) in zip(view.items, results, strict=True)
    )
    return replace(view, results=told, decision=decision, **more)


def test_an_opinion_cites_the_notice_and_tells_item_by_item() -> None:
    view = sample(Form.INSPECTION)
    words = body(view)
    assert "根据示审管改〔2026〕0号《效能评估整改任务书》，我局于2026年12月10日对你单位整改情况进行了复查。" in words
    assert "复查意见如下：" in words
    assert "第示审管改" not in words
    assert "共复查3项：已整改2项，不再列入1项。" in words
    assert "问题编号F-0001）：已整改。2026年12月10日云平台接口" in words
    assert "问题编号F-0002）：无法判定（经政务信息科人工认定：已整改）。" in words
    assert "问题编号F-0003）：不再列入。经批准豁免至2027年3月31日。" in words
    assert "予以销号" in words
    table: Any = compose(view)["results"]
    assert [row["result"] for row in table["rows"]] == [
        "已整改",
        "无法判定（经政务信息科人工认定：已整改）",
        "不再列入",
    ]


def test_a_second_notice_is_announced_by_the_powers_own_name() -> None:
    results = ((Result.MENDED, ""), (Result.NOT_MENDED, ""), (Result.DROPPED, ""))
    task = body(inspected(*results, decision=SECOND))
    assert "仍有1项未整改，我局将再次要求整改，另行制发文书。已整改的问题予以销号。" in task
    assert "责令" not in task  # article 24 lets nobody 责令
    assert "我局将再次责令限期整改" in body(inspected(*results, decision=SECOND, power=BREACH))


def test_an_escalation_is_announced_with_the_consequence_of_this_power() -> None:
    results = ((Result.NOT_MENDED, ""),) * 3
    view = inspected(*results, decision=ESCALATED, power=BREACH, consequence=BREACH.if_refused[0])
    assert "我局将依据第二十三条向示例市财政局提出建议：暂停拨付项目建设和运维资金。" in body(view)
    with pytest.raises(ValueError, match="gives no such consequence"):
        compose(replace(view, power=ASSESSMENT))


def test_a_bureaus_own_words_of_decision_are_printed() -> None:
    view = inspected(*((Result.NOT_MENDED, ""),) * 3, decision="提交局长办公会研究")
    assert "仍有3项未整改，提交局长办公会研究。" in body(view)


@pytest.mark.parametrize("decision", ["closed", "予以销号"])
@pytest.mark.parametrize("result", [Result.NOT_MENDED, Result.CANNOT_TELL])
def test_nothing_is_closed_that_is_not_mended(decision: str, result: Result) -> None:
    with pytest.raises(ValueError, match="F-0002"):
        compose(inspected((Result.MENDED, ""), (result, ""), (Result.DROPPED, ""), decision=decision))


def test_what_cannot_be_told_needs_a_person() -> None:
    view = inspected((Result.CANNOT_TELL, ""), (Result.MENDED, ""), (Result.NOT_MENDED, ""), decision=SECOND)
    assert "1项无法判定的人工认定（F-0001）" in blanks(view)
    with pytest.raises(ValueError, match="F-0001"):
        compose(view)
    assert "F-0001）：无法判定。" in body(replace(view, number=""))


# --- forms --------------------------------------------------------------------------------------------------


def test_the_receipt_has_every_line_of_the_form_and_leaves_what_people_write() -> None:
    view = sample(Form.RECEIPT)
    pairs: Any = compose(view)["receipt"]
    rows = {pair["name"]: pair["value"] for pair in pairs}
    assert list(rows) == [
        "送达机关",
        "送达文书名称及文号",
        "件数",
        "受送达人",
        "送达地点",
        "送达方式",
        "送达人",
        "受送达人签名或者盖章",
        "收到日期",
        "代收人及代收（拒收、留置）理由",
        "见证人（留置送达）",
        "备考",
    ]
    assert rows["送达文书名称及文号"] == "示审管改〔2026〕0号《责令限期整改通知书》"
    assert rows["收到日期"] == "2026年11月25日"
    assert rows["受送达人签名或者盖章"] == ""
    left = Service(None, "留置送达", receiver="示例市民政局办公室", witness="社区居委会", reason="拒收")
    pairs = compose(replace(view, service=left))["receipt"]
    rows = {pair["name"]: pair["value"] for pair in pairs}
    assert rows["收到日期"] == BLANK_DATE
    assert rows["代收人及代收（拒收、留置）理由"] == "示例市民政局办公室；拒收"
    assert rows["见证人（留置送达）"] == "社区居委会"


def test_a_receipt_may_serve_several_papers() -> None:
    view = sample(Form.RECEIPT)
    two = (*view.earlier, EarlierPaper("示审管复〔2026〕2号", "复查意见书"))
    pairs: Any = compose(replace(view, earlier=two))["receipt"]
    assert (pairs[1]["value"].count("\n"), pairs[2]["value"]) == (1, "2件")


@pytest.mark.parametrize("form", [Form.RECEIPT, Form.REPLY])
def test_a_form_for_a_paper_that_is_not_out_is_marked(form: Form) -> None:
    assert compose(sample(form))["mark"] == ""
    assert compose(sample(form, issued=False))["mark"] == DRAFT_MARK
    assert compose(replace(sample(form), earlier=()))["mark"] == DRAFT_MARK


def test_the_blank_report_is_the_departments_and_says_nothing_for_it() -> None:
    view = sample(Form.REPLY)
    fields: Any = compose(view)
    assert fields["addressee"] == view.bureau
    assert fields["signature"] == "示例市民政局"
    assert fields["office"] == fields["number"] == ""
    assert fields["date"] == BLANK_DATE
    assert "示审管改〔2026〕0号《责令限期整改通知书》" in fields["body"][0]["text"]
    assert [(row["result"], row["remark"]) for row in fields["report"]["rows"]] == [("", "")]
    assert fields["report"]["rows"][0]["demand"] == f"{view.items[0].remedy}。"


def test_the_report_answers_the_newest_notice_not_the_opinion() -> None:
    view = sample(Form.REPLY)
    two = (*view.earlier, EarlierPaper("示审管复〔2026〕2号", "复查意见书"))
    assert "示审管改〔2026〕0号" in body(replace(view, earlier=two))
    assert "示审管复" not in body(replace(view, earlier=two))


# --- bulletins ----------------------------------------------------------------------------------------------


def test_the_bulletin_gives_numerator_and_denominator_and_counts_apart_what_nobody_can_tell() -> None:
    view = sample(Form.BULLETIN)
    fields: Any = compose(view)
    assert (
        "非涉密信息系统9个，其中已部署在认可的政务云平台的7个，上云率77.8%～88.9%。无法判定的1个（单列）。"
        in body(view)
    )
    assert "".join(fields["title"]) == "关于2026年11月政务信息化问题整改情况的通报"
    total = fields["total"]
    assert (total["in_scope"], total["on_cloud"], total["undecided"], total["rate"]) == (
        "9",
        "7",
        "1",
        "77.8%～88.9%",
    )
    assert [row["no"] for row in fields["rows"]] == ["1", "2"]
    assert "上云率＝已上云系统数÷纳入统计系统数" in fields["note"]


def test_the_bulletin_accuses_nobody_and_names_no_system() -> None:
    view = sample(Form.BULLETIN)
    items = sample(Form.TASK).items
    words = said(replace(view, items=items))
    for item in items:
        assert item.asset_name not in words
        assert item.id not in words
    for accusing in ("责令", "违反", "违法", "批评", "后果"):
        assert accusing not in words


def test_a_total_rate_is_of_the_sums_and_of_nothing_there_is_none() -> None:
    rows = (
        BulletinRow("甲局", 1, 1, "100.0%", 0, 0, 0, 0),
        CountedRow("乙局", 9, 0, "0.0%", 0, 0, 0, 0),
    )
    total: Any = compose(replace(sample(Form.BULLETIN), rows=rows))["total"]
    assert total["rate"] == "10.0%"
    none: Any = compose(replace(sample(Form.BULLETIN), rows=(BulletinRow("甲局", 0, 0, "—", 0, 0, 0, 0),)))
    assert none["total"]["rate"] == "—"
    assert "没有纳入统计的信息系统。" in none["body"][2]["text"]


def test_a_cited_day_that_was_provisional_is_cited_as_the_day_that_it_was() -> None:
    view = sample(Form.ORDER, round=2)
    first = replace(view.earlier[0], due=Due(date(2027, 1, 6), False))
    assert "期限至2027年1月6日" in body(replace(view, earlier=(first, view.earlier[1])))
    assert NO_NUMBER not in body(view)

"""What each paper says: composed from the samples, facts of the words rather than whole texts."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from policies.calendars import Due
from policies.model import Basis, Reply
from reports.papers.compose import blanks, compose
from reports.papers.fields import names
from reports.papers.phrases import BLANK_DATE, DRAFT_MARK, NO_NUMBER, break_title, order_form
from reports.papers.sample import ASSESSMENT, BREACH, DIGEST, sample
from reports.papers.view import Form, PaperView
from reports.words import chinese_date

NUMBERED = [form for form in Form if form not in (Form.RECEIPT, Form.REPLY)]
ORDERS = (Form.TASK, Form.ORDER, Form.ORDER_NOTICE)


def texts(value: object) -> Iterator[str]:
    """Every text in a paper's fields."""
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


def body(fields: Any) -> str:
    return "\n".join(line["lead"] + line["text"] for line in fields["body"])


# --- every form ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("issued", [True, False])
@pytest.mark.parametrize("form", Form)
def test_every_form_composes_to_the_fields_that_templates_may_name(form: Form, issued: bool) -> None:
    fields = compose(sample(form, issued=issued))
    assert set(fields) == names(form)
    assert json.loads(json.dumps(fields, ensure_ascii=False)) == fields
    assert fields == compose(sample(form, issued=issued))  # the same view, the same words
    assert "None" not in "".join(texts(fields))


@pytest.mark.parametrize("form", NUMBERED)
def test_an_issued_paper_has_number_and_day_and_nothing_to_fill_in(form: Form) -> None:
    view = sample(form)
    fields = compose(view)
    assert blanks(view) == ()
    assert fields["mark"] == ""
    assert fields["number"] == view.number
    assert fields["date"] == chinese_date(view.issued_on or date.min)
    # What is annexed to be filled in may have blanks, and so may a draft that is annexed to a letter.
    own = "\n".join([body(fields), *texts([fields["addressee"], fields["title"], fields["annexes"]])])
    for blank in (BLANK_DATE, NO_NUMBER, "待填", "签发人确定", "承办科室填写"):
        assert blank not in own


@pytest.mark.parametrize("form", NUMBERED)
def test_a_draft_is_marked_and_neither_numbered_nor_dated(form: Form) -> None:
    fields = compose(sample(form, issued=False))
    assert fields["mark"] == DRAFT_MARK
    assert fields["number"] == NO_NUMBER
    assert fields["date"] == fields["imprint_date"] == BLANK_DATE


@pytest.mark.parametrize("form", NUMBERED)
def test_a_number_without_a_day_of_issue_is_still_a_draft(form: Form) -> None:
    fields = compose(replace(sample(form, issued=False), number="示审管改〔2026〕12号"))
    assert fields["mark"] == "草稿·未签发·不具效力"
    assert fields["number"] == "示审管改〔2026〕12号"  # as given: neither 第 nor a leading zero
    assert fields["date"] == BLANK_DATE


@pytest.mark.parametrize("form", [Form.LETTER, Form.REMINDER, *ORDERS, Form.REFERRAL, Form.PROPOSAL])
def test_the_annex_lets_a_department_ask_how_we_know(form: Form) -> None:
    view = sample(form)
    annex: Any = compose(view)["evidence"]
    assert DIGEST in annex["note"]
    assert view.snapshot in annex["note"]
    assert "内部核实：在主机上或者经管理接口读取" in annex["note"]
    rows = [row for group in annex["groups"] for row in group["rows"]]
    assert [row["no"] for row in rows if row["no"]] == [str(n) for n in range(1, len(view.items) + 1)]
    assert sum(len(item.facts) for item in view.items) == len(rows)
    for item in view.items:
        assert any(item.id in row["object"] for row in rows)
        for fact in item.facts:
            assert any(row["source"] and "2026-11-22 23:05" in row["source"] for row in rows), fact


def test_evidence_of_another_snapshot_says_so() -> None:
    view = sample(Form.TASK)
    other = replace(view.items[0], snapshot="20261201T000000Z-ffff")
    annex: Any = compose(replace(view, items=(other, *view.items[1:])))["evidence"]
    cells = [row["object"] for group in annex["groups"] for row in group["rows"] if row["object"]]
    assert ["数据快照：20261201T000000Z-ffff" in cell for cell in cells] == [True, False, False]


# --- the letter ---------------------------------------------------------------------------------------------


def test_the_letter_asks_and_accuses_nobody() -> None:
    view = sample(Form.LETTER)
    fields: Any = compose(view)
    own = {name: value for name, value in fields.items() if name not in ("order", "evidence")}
    words = "\n".join(texts(own))
    assert "尚待核实，不作为对你单位的认定" in words
    assert "如实记录并复核" in words
    assert "特此函达，请予函复。" in words
    for accusing in ("责令", "整改要求", "后果", "违反", "违法", view.items[0].remedy):
        assert accusing not in words
    assert [row["result"] for row in fields["answers"]["rows"]] == ["□属实\n□部分属实\n□不属实"] * 3
    assert "反馈期限由我局确定" in words


def test_the_letters_annexed_order_stays_a_draft_even_when_the_letter_is_out() -> None:
    order: Any = compose(sample(Form.LETTER))["order"]
    assert order["number"] == NO_NUMBER
    assert order["date"] == BLANK_DATE
    assert order["title"] == ["效能评估整改任务书（征求意见稿）"]
    assert "整改要求：" in body(order)
    # The time to answer the letter is not the time to report.
    assert "自送达之日起10个工作日内（当日不计算在内）" in body(order)
    assert "15个工作日" not in body(order)


def test_the_letter_names_its_three_annexes_in_their_order() -> None:
    fields: Any = compose(sample(Form.LETTER))
    assert fields["annexes"] == ["核查情况明细表", "核实意见反馈表", "效能评估整改任务书（征求意见稿）"]
    assert [fields[name]["label"] for name in ("evidence", "answers", "order")] == ["附件1", "附件2", "附件3"]


# --- reminders ----------------------------------------------------------------------------------------------


def test_a_reminder_orders_nothing_and_says_that_it_may_not() -> None:
    words = said(sample(Form.REMINDER))
    assert "未赋予责令整改的权力，本函仅作提示" in words
    assert "建议措施：" in words
    for ordering in ("责令限期", "整改要求", "拒不整改"):
        assert ordering not in words


def test_a_reminder_about_what_could_be_ordered_claims_no_lack_of_power() -> None:
    view = sample(Form.REMINDER)
    items = tuple(replace(item, bite="order", orderable=True) for item in view.items)
    assert "未赋予责令整改的权力" not in said(replace(view, items=items))


def test_a_reminder_needs_no_time_to_answer() -> None:
    view = replace(sample(Form.REMINDER), reply=None, reply_set_by_bureau=False)
    assert blanks(view) == ()
    assert BLANK_DATE not in body(compose(view))


# --- orders -------------------------------------------------------------------------------------------------


def test_the_task_letter_bears_the_powers_own_name_and_time() -> None:
    fields = compose(sample(Form.TASK))
    assert fields["title"] == ["效能评估整改任务书"]
    assert f"第二十四条“{ASSESSMENT.quote}”" in body(fields)
    assert (
        "请自送达之日起10个工作日内（当日不计算在内），将整改结果书面报送"
        "示例市审批服务管理局（示例市政务信息管理局）（第二十四条）。" in body(fields)
    )
    assert "期限由我局确定" not in body(fields)


def test_article_24_lets_nothing_follow_and_the_task_letter_threatens_nothing() -> None:
    words = said(sample(Form.TASK))
    for threat in ("后果", "暂停", "拨付", "终止", "拒不整改"):
        assert threat not in words


@pytest.mark.parametrize("form", [Form.ORDER, Form.ORDER_NOTICE])
def test_an_order_tells_the_consequences_of_its_own_power(form: Form) -> None:
    words = body(compose(sample(form)))
    for step in BREACH.if_refused:
        assert f"拒不整改的，依据{step.article}，{step.action}" in words
    assert "（由我局向示例市财政局提出）" in words
    assert words.count("拒不整改的，依据") == len(BREACH.if_refused)


def test_the_numbered_form_has_a_stub_and_a_place_to_sign() -> None:
    view = sample(Form.ORDER)
    fields: Any = compose(view)
    stub = {pair["name"]: pair["value"] for pair in fields["stub"]}
    assert stub["文号"] == view.number
    assert stub["主送单位"] == view.department.name
    assert stub["事由"] == "示例市民政局信息化项目1项"
    assert "第二十三条" in stub["依据"]
    assert "15个工作日" in stub["报送整改结果的期限"]
    assert stub["签发人"] == stub["承办人"] == ""  # no person is named by a machine
    signed = {pair["name"]: pair["value"] for pair in fields["receipt"]}
    assert signed["文书名称及文号"] == f"《责令限期整改通知书》{view.number}"
    assert signed["签收单位（盖章）"] == signed["签收日期"] == ""


def test_the_red_head_notice_is_titled_by_what_it_is_about() -> None:
    fields: Any = compose(sample(Form.ORDER_NOTICE))
    assert "".join(fields["title"]) == "关于示例市民政局信息化项目有关问题责令限期整改的通知"
    task: Any = compose(replace(sample(Form.TASK), form=Form.ORDER_NOTICE))
    assert "".join(task["title"]) == "关于下达示例市民政局《效能评估整改任务书》的通知"


@pytest.mark.parametrize("form", ORDERS)
def test_each_item_says_what_where_when_by_what_means_and_what_to_do(form: Form) -> None:
    view = sample(form)
    words = body(compose(view))
    for item in view.items:
        assert item.asset_name in words
        assert f"问题编号{item.id}" in words
        for basis in item.basis:
            assert f"《{basis.regulation}》（{basis.number}）{basis.article}“{basis.quote}”" in words
    assert "来源：登记台账；时间：2026年11月22日；依据强度：申报" in words
    assert f"整改要求：{view.items[0].remedy}。" in words
    assert "如实记录并复核" in words


def test_the_blank_report_comes_with_the_order_and_knows_what_was_asked() -> None:
    report: Any = compose(sample(Form.TASK))["report"]
    assert report["label"] == "附件2"
    assert [(row["demand"] != "", row["result"], row["remark"]) for row in report["rows"]] == [(True, "", "")] * 3


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("效能评估整改任务书", "效能评估整改任务书"),
        ("责令限期整改", "责令限期整改通知书"),
        ("责令改正", "责令改正通知书"),
        ("限期整改", "限期整改通知书"),
    ],
)
def test_the_orders_name_is_the_powers(form: str, name: str) -> None:
    power = replace(BREACH, form=form)
    assert compose(replace(sample(Form.ORDER), power=power))["title"] == [name]
    assert order_form(power) is (Form.TASK if name.endswith("任务书") else Form.ORDER)


# --- times to answer ----------------------------------------------------------------------------------------


def test_a_time_that_no_article_sets_is_the_bureaus_and_said_to_be() -> None:
    words = body(compose(sample(Form.ORDER)))
    assert "第二十三条未规定报送期限，期限由我局确定。请自送达之日起15个工作日内（当日不计算在内），将" in words


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(10, "working_days", "service"), "自送达之日起10个工作日内（当日不计算在内）"),
        (Reply(30, "days", "issue"), "自印发之日起30日内（当日不计算在内）"),
        (Reply(2, "months", "service"), "自送达之日起2个月内（当日不计算在内）"),
    ],
)
def test_times_in_days_working_days_and_months(reply: Reply, words: str) -> None:
    assert words in body(compose(replace(sample(Form.ORDER), reply=reply)))


def test_a_known_day_is_printed_and_a_provisional_one_is_said_to_be() -> None:
    view = replace(sample(Form.ORDER), due=Due(date(2026, 12, 15), False))
    assert "，即于2026年12月15日前（含当日），将整改结果" in body(compose(view))
    words = body(compose(sample(Form.ORDER, provisional=True)))
    assert "2027年1月6日（暂定，以国务院办公厅公布的放假安排为准）前（含当日）" in words


def test_a_draft_without_a_time_leaves_it_to_whoever_signs() -> None:
    words = body(compose(sample(Form.ORDER, issued=False)))
    assert f"第二十三条未规定报送期限。请于{BLANK_DATE}前（期限由签发人确定），将整改结果" in words
    # The article's own time needs nobody to set it.
    assert "10个工作日内" in body(compose(sample(Form.TASK, issued=False)))


def test_a_day_alone_will_do() -> None:
    view = replace(sample(Form.ORDER), reply=None, due=Due(date(2026, 12, 31), False))
    assert "期限由我局确定。请于2026年12月31日前（含当日），将整改结果" in body(compose(view))
    assert blanks(view) == ()


# --- clauses and names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [Form.LETTER, Form.REMINDER, *ORDERS, Form.REFERRAL, Form.PROPOSAL])
def test_what_nobody_compared_with_the_official_text_is_never_quoted(form: Form) -> None:
    view = sample(form)
    basis = Basis("某办法", "", "第四条", "凭记忆写下的条文", verified=False)
    words = said(replace(view, items=tuple(replace(item, basis=(basis,)) for item in view.items)))
    assert "凭记忆写下的条文" not in words
    assert "《某办法》第四条" in words


def test_a_clause_with_its_own_limit_and_consequence() -> None:
    view = sample(Form.TASK)
    items = (replace(view.items[0], consequence="不再拨付运维经费", deadline="验收后30个工作日内"),)
    words = body(compose(replace(view, items=items)))
    assert "条款规定的后果：不再拨付运维经费。" in words
    assert "条款规定的期限：验收后30个工作日内。" in words


@pytest.mark.parametrize("form", [Form.LETTER, Form.REMINDER, *ORDERS])
@pytest.mark.parametrize("formerly", ["示例市社会事务局", "原示例市社会事务局"])
def test_a_department_that_was_renamed_is_told_by_both_names(form: Form, formerly: str) -> None:
    fields = compose(replace(sample(form), formerly=formerly))
    assert fields["addressee"] == "示例市民政局（原示例市社会事务局）"


@pytest.mark.parametrize(
    ("bureau", "words"),
    [
        ("示例市审批服务管理局（市政务信息管理局）", "我局"),
        ("示例市大数据中心", "我中心"),
        ("示例市人民政府办公室", "我办"),
        ("示例市发展和改革委员会", "我委"),
        ("示例市智慧城市专班", "我单位"),
    ],
)
def test_how_a_bureau_speaks_of_itself(bureau: str, words: str) -> None:
    assert f"{words}对你单位" in body(compose(replace(sample(Form.TASK), bureau=bureau)))


def test_copies_are_listed_as_the_standard_wants() -> None:
    fields = compose(replace(sample(Form.ORDER), copies=("示例市财政局", "", "示例市审计局")))
    assert fields["copies"] == "示例市财政局，示例市审计局。"
    assert compose(replace(sample(Form.ORDER), copies=()))["copies"] == ""


def test_titles_break_between_words_and_evenly() -> None:
    assert break_title(("关于核实", "某局", "信息系统", "有关情况的函")) == ["关于核实某局信息系统有关情况的函"]
    parts = ("关于核实", "示例市住房和城乡建设局", "信息系统、机房和网络", "有关情况的函")
    assert break_title(parts) == ["关于核实示例市住房和城乡建设局", "信息系统、机房和网络有关情况的函"]
    long = break_title(("关于核实", "很" * 90, "有关情况的函"))
    assert "".join(long) == "关于核实" + "很" * 90 + "有关情况的函"
    assert max(map(len, long)) <= 20

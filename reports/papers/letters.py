"""The words of the letters to a department: the one that asks to check the facts, and the reminder. Pure.

Neither orders anything: the first accuses nobody, the second stands where the text gives no power to order.
"""

from __future__ import annotations

from policies.model import Bite
from reports.papers.content import Content
from reports.papers.evidence import ANSWERS, EVIDENCE, answers, evidence
from reports.papers.facts import problems, subjects
from reports.papers.fields import Line
from reports.papers.orders import annexed, contact, inspected, last_words
from reports.papers.phrases import (
    article,
    break_title,
    department,
    form_name,
    item,
    notices,
    regulation,
    sections,
    set_by_bureau,
    text,
    timed,
    told,
    we,
    within,
)
from reports.papers.view import PaperView
from reports.words import chinese_date


def letter(view: PaperView) -> Content:
    """征求意见函: what was seen, what is asked about it, and how to answer; the draft order is annexed."""
    us, name = we(view), form_name(view.power) if view.power else ""
    body = [
        text(
            f"根据{regulation(view)}{article(view)}，{us}对你单位{subjects(view.items)}的建设和应用情况进行了核查，"
            f"数据截至{chinese_date(view.data_as_of)}。以下情况由登记台账、网络探测等资料比对得出，"
            "尚待核实，不作为对你单位的认定。为确保事实准确，现请你单位予以核实。"
        ),
        *sections(
            (
                ("初步核查情况", list(problems(view.items, view.timezone, annex="附件1"))),
                ("请予核实的事项", _questions()),
                ("反馈方式", _answering(view, us, name)),
            )
        ),
    ]
    return Content(
        break_title(("关于核实", department(view), subjects(view.items), "有关情况的函")),
        body,
        [EVIDENCE, ANSWERS, f"{name}（征求意见稿）"],
        {
            "evidence": evidence(view, "附件1"),
            "answers": answers(view, "附件2"),
            "order": annexed(view, "附件3"),
        },
    )


def _questions() -> list[Line]:
    return [
        text("请对上述问题逐项核实以下事项："),
        item("所列对象是否归你单位所有或者使用，名称、地址等是否准确；", "1."),
        item("所列事实是否属实，与目前的实际情况是否一致；", "2."),
        item("是否已取得批准、已完成迁移或者停用报备，或者另有法律法规和国家规定的依据；", "3."),
        item("情况属实的，原因以及拟采取的措施和完成时间。", "4."),
    ]


def _answering(view: PaperView, us: str, name: str) -> list[Line]:
    ours = f"反馈期限由{us}确定。" if set_by_bureau(view) else ""
    return [
        text(
            f"请{within(view)}，将《{ANSWERS}》（附件2）加盖公章后，连同证明材料书面反馈{us}。{ours}"
            f"对所列情况有异议的，请逐项说明理由并附证据，{us}将如实记录并复核。"
        ),
        text(
            f"{us}将根据反馈和复核情况，再行决定是否制发《{name}》。附件3为征求意见稿，"
            "未编号、未签发，不具有效力，你单位可就其内容一并提出意见。"
        ),
        text(f"联系方式：{contact(view)}。"),
        text("本函及附件载有网络地址等信息，请妥善保管，仅限核实工作使用。"),
        text("特此函达，请予函复。"),
    ]


def reminder(view: PaperView) -> Content:
    """提示函: what was seen, held against the clauses, and advice: no order, and no consequence but the clause's."""
    again = view.round > 1
    what = subjects(view.items)
    opening = f"{we(view)}对你单位{what}的建设和应用情况进行了核查，数据截至{chinese_date(view.data_as_of)}。"
    if again:
        before = "；".join(f"{we(view)}{told(paper, '你单位')}" for paper in notices(view))
        opening = f"{before}。{inspected(view)}下列情况没有变化。{opening}"
    lines = list(problems(view.items, view.timezone, annex="附件", ground="有关规定", remedy="建议措施"))
    body = [
        text(f"{opening}现将与有关规定不一致的情况{'再次' if again else ''}提示如下。"),
        *sections(
            (
                ("核查情况", lines),
                ("请予办理的事项", _please(view)),
                ("异议和联系方式", last_words(view, "本函", "办理本函事项")),
            )
        ),
        text("特此函达。"),
    ]
    title = ("关于", "再次" if again else "", "提示", department(view), what, "有关问题的函")
    return Content(break_title(title), body, [EVIDENCE], {"evidence": evidence(view, "附件")})


def _please(view: PaperView) -> list[Line]:
    when = f"并{within(view)}，" if timed(view) else "并"
    ours = f"期限由{we(view)}确定。" if timed(view) else ""
    none = "上述规定未赋予责令整改的权力，" if all(one.bite == Bite.REMINDER for one in view.items) else ""
    return [
        text(f"请你单位对照上述规定自行核实、改进，{when}将办理情况书面函告{we(view)}。{ours}"),
        text(f"{none}本函仅作提示，不是整改通知。"),
    ]

"""拟稿说明, for the person who drafts and never part of a paper: what is to be settled, what was left out and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from policies.calendars import PROVISIONAL
from reports.files import write_whole
from reports.fonts import FALLBACKS
from reports.model import FindingView
from reports.papers.checks import blanks
from reports.papers.facts import cited
from reports.papers.orders import name as order_name
from reports.papers.phrases import (
    NAME,
    ORDERS,
    UNNUMBERED,
    article,
    bureau,
    department,
    form_name,
    order_form,
    over_contractor,
    within,
)
from reports.papers.view import Form, PaperView
from reports.words import BITES, SEVERITIES, chinese_date, reply_words, tidy, word

INTERNAL_MARK = "内部工作底稿·不随文发送"
_NAMES = {
    Form.LETTER: "核实情况的函",
    Form.REMINDER: "提示函",
    Form.REFERRAL: "移送函",
    Form.PROPOSAL: "建议函",
    Form.INSPECTION: "复查意见书",
    Form.RECEIPT: "送达回证",
    Form.REPLY: "整改情况报告",
    Form.BULLETIN: "通报",
}


def render_drafter_note(
    view: PaperView,
    left_out: Sequence[FindingView],
    path: Path,
    *,
    fonts: Sequence[str] = (),
    for_whom: str = "",
) -> None:
    """Writes the note on a draft: what is still to be settled, and the findings that could not go into it.

    ``view`` may be without items, where nothing qualified. ``fonts`` are those that this machine lacks
    (:func:`reports.fonts.missing_fonts`); ``for_whom`` an export is made (empty: the bureau). The file is marked
    internal and is its owner's only. Raises OSError where it cannot be written.
    """
    from reports.paper import Paper

    title = f"{paper_name(view)}拟稿说明"
    paper = Paper(title=title, author=bureau(view), on=view.drawn_up_on, mark=INTERNAL_MARK)
    paper.title((title,), blank=0)
    paper.heading("一、文稿概况", 1)
    paper.table((38, 118), ("项目", "内容"), list(_overview(view, len(left_out), for_whom)))
    paper.heading("二、签发前须由人工确定的事项", 1)
    for number, words in enumerate(unsettled(view, fonts), 1):
        paper.text(words, f"{number}.")
    paper.heading("三、未列入文稿的问题及原因", 1)
    if left_out:
        paper.table(
            (30, 40, 34, 52), ("问题编号", "问题", "对象", "未列入的原因"), [_left_out(one) for one in left_out]
        )
    else:
        paper.text("无。")
    write_whole(path, paper.content())


def paper_name(view: PaperView) -> str:
    """What the paper is called; the letter before an order by the order's name, as it may come to it."""
    if view.form in ORDERS:
        return order_name(view)
    return form_name(view.power) if view.form is Form.LETTER and view.power else _NAMES[view.form]


def _overview(view: PaperView, left_out: int, for_whom: str) -> Iterator[tuple[str, str]]:
    power = view.power
    yield "涉及部门", department(view)
    yield "文稿", _paper(view)
    if power:
        yield "行使的权力", f"{tidy(power.authority, 80)}，{article(view)}，{tidy(power.form, 40)}"
        yield "对象", tidy(power.addressee, 80)
        yield "答复期限", reply_words(power.reply) or "条文未规定"
    yield "列入问题", f"{len(view.items)}项"
    yield "未列入问题", f"{left_out}项"
    yield "数据快照", tidy(view.snapshot, 80)
    yield "拟稿日期", chinese_date(view.drawn_up_on)
    yield "为谁导出", tidy(for_whom, 80) or bureau(view)


def _paper(view: PaperView) -> str:
    if not view.items:
        return "没有可列入的问题，未拟文稿"
    if view.form is Form.LETTER:
        return f"{_NAMES[view.form]}，附《{paper_name(view)}》征求意见稿"
    return f"{paper_name(view)}（草稿）"


def unsettled(view: PaperView, fonts: Sequence[str] = ()) -> list[str]:
    """What a person must settle before anything is issued; the program invents none of it."""
    out = []
    if not view.number and view.form not in UNNUMBERED:
        out.append("发文字号：签发时按本单位发文登记编号，文稿中留空。")
    if view.issued_on is None:
        out.append("成文日期：为签发之日，文稿中留空；答复期限自规定的起算日起计算，当日不计入。")
    out += [_told(view, what) for what in _lacking(view)]
    if view.power and not view.power.if_refused and view.form in (Form.LETTER, *ORDERS):
        out.append(f"后果：{article(view)}未规定拒不整改的后果，文稿不写后果。")
    if view.due and view.due.provisional:
        out.append(f"期限{PROVISIONAL}：{within(view)}，待放假安排公布后重新计算。")
    unverified = dict.fromkeys(cited(basis) for one in view.items for basis in one.basis if not basis.verified)
    if unverified:
        out.append(f"条文待核对：{'、'.join(unverified)}尚未与正式文本核对，文稿只写条款、不引原文。")
    out.append("主送、抄送、印发机关以及是否需要法制审核，由承办科室按本单位规定确定。")
    if fonts:
        out.append(f"字体：本机缺少{_fonts(fonts)}。字体名称已写入文稿，请在装有这些字体的计算机上打印。")
    return out


def _lacking(view: PaperView) -> Sequence[str]:
    """What the paper lacks; for a letter, also what the order that it announces would lack."""
    lacking = list(blanks(view))
    if view.form is Form.LETTER and view.power:
        lacking += blanks(replace(view, form=order_form(view.power), reply=view.power.reply, due=None))
    return tuple(dict.fromkeys(lacking))


def _told(view: PaperView, what: str) -> str:
    if what == "反馈期限":
        return f"{what}：征求意见的期限没有法规依据，由签发人确定。"
    if what == "整改结果的报送期限":
        return f"{what}：{article(view)}未规定期限，由签发人确定。"
    if what.startswith("主送对象") and over_contractor(view.power):
        return f"{what}：须人工填写，不得直接发给部门。"
    return f"尚缺{what}。"


def _fonts(fonts: Sequence[str]) -> str:
    known = {name: FALLBACKS[name][:2] for name in fonts if name in FALLBACKS}
    return "；".join(f"{name}（可用{'、'.join(others)}代替）" for name, others in known.items())


def _left_out(finding: FindingView) -> tuple[str, str, str, str]:
    return (
        tidy(finding.id, 40),
        f"{tidy(finding.title, NAME)}\n（{word(SEVERITIES, finding.severity)}，{word(BITES, finding.bite)}）",
        tidy(finding.asset_name, NAME),
        "\n".join(tidy(reason, 200) for reason in finding.not_orderable_because) or "未说明",
    )

"""First papers: the letter that asks a department to check the facts, and the draft of an order.

Both are drafts: unnumbered, unsigned, undated, and marked so on every page. What could not go into them stands
in a note for the person who drafts, which never leaves the bureau.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reports.files import write_whole
from reports.fonts import FALLBACKS, missing_fonts
from reports.model import FindingView, NoticeView
from reports.notice_text import (
    BLANK_DATE,
    Content,
    addresses_other,
    article,
    by_rule,
    cited,
    draft_mark,
    fact_words,
    form_name,
    letter,
    order,
)
from reports.words import (
    BITES,
    SEVERITIES,
    STRENGTH_MEANINGS,
    STRENGTHS,
    SUBJECTS,
    chinese_date,
    moment,
    reply_words,
    source_words,
    tidy,
    word,
)

if TYPE_CHECKING:
    from reports.paper import Paper

__all__ = ["missing_fonts", "render_drafter_note", "render_notice"]

NO_NUMBER = "　　　〔　　　　〕　　号"
INTERNAL_MARK = "内部工作底稿·不随文发送"


def render_notice(view: NoticeView, path: Path) -> None:
    """Writes one draft paper as docx in the layout of GB/T 9704-2012.

    In the shadow period (``view.consultation``) that is a letter (信函格式) with the evidence, a form to answer
    on and the draft order annexed; afterwards the draft order itself. Only ``view.items`` stand in it. The file
    is its owner's only. Raises ValueError where an item is no orderable violation, OSError where the file
    cannot be written.
    """
    from reports.paper import Paper

    content = letter(view) if view.consultation else order(view)
    paper = Paper(
        title="".join(content.title),
        author=tidy(view.bureau, 120),
        on=view.drawn_up_on,
        mark=draft_mark(view),
    )
    if view.consultation:
        _letter(paper, view, content)
    else:
        _order(paper, view, content)
        paper.new_section()
        _evidence(paper, view)
    paper.imprint(tidy(view.bureau, 120).partition("（")[0], BLANK_DATE)
    write_whole(path, paper.content())


def render_drafter_note(view: NoticeView, path: Path, *, fonts: Sequence[str] = ()) -> None:
    """Writes the note for the person who drafts: what is still to be settled, and what was left out and why.

    ``fonts`` are those that this machine lacks (:func:`missing_fonts`). Never part of a paper: the file is
    marked internal and is its owner's only. Raises OSError where it cannot be written.
    """
    from reports.paper import Paper

    title = f"{form_name(view)}拟稿说明"
    paper = Paper(title=title, author=tidy(view.bureau, 120), on=view.drawn_up_on, mark=INTERNAL_MARK)
    paper.title((title,), blank=0)
    paper.heading("一、文稿概况", 1)
    paper.table((38, 118), ("项目", "内容"), list(_overview(view)))
    paper.heading("二、签发前须由人工确定的事项", 1)
    for number, text in enumerate(_unsettled(view, fonts), 1):
        paper.text(text, f"{number}.")
    paper.heading("三、未列入文稿的问题及原因", 1)
    if view.left_out:
        paper.table((30, 40, 34, 52), ("问题编号", "问题", "对象", "未列入的原因"), list(_left_out(view)))
    else:
        paper.text("无。")
    write_whole(path, paper.content())


def _letter(paper: Paper, view: NoticeView, content: Content) -> None:
    paper.letter_head(tidy(view.bureau, 120), _number(view))
    _body(paper, view, content)
    paper.new_section()
    _evidence(paper, view)
    paper.new_section()
    _answer_form(paper, view)
    paper.new_section()
    _order(paper, view, order(view), label="附件3")


def _order(paper: Paper, view: NoticeView, content: Content, *, label: str = "") -> None:
    paper.red_head(tidy(view.bureau, 120), _number(view), label=label)
    _body(paper, view, content)


def _body(paper: Paper, view: NoticeView, content: Content) -> None:
    paper.title(content.title)
    paper.addressee(content.addressee)
    last = len(content.body) - 1
    for place, line in enumerate(content.body):
        if line.style in ("h1", "h2"):
            paper.heading(line.text, int(line.style[1]))
        else:
            # A signature never stands on a page without text.
            paper.text(line.text, line.lead, keep=place >= last - 1)
    paper.annex_list(content.annexes)
    paper.signature(tidy(view.bureau, 120), BLANK_DATE)


def _number(view: NoticeView) -> str:
    return tidy(view.number, 60) or NO_NUMBER


def _evidence(paper: Paper, view: NoticeView) -> None:
    """What was seen, when, by which source and how strong: a row for every fact."""
    rows: list[Sequence[str | None] | str] = []
    place = 0
    for first, group in by_rule(view.items):
        rows.append(f"{tidy(first.title, 120)}——{'、'.join(cited(basis) for basis in first.basis)}")
        for item in group:
            place += 1
            rows += _fact_rows(item, place, view.timezone)
    paper.annex_head("附件1", "核查情况明细表")
    paper.table((10, 34, 54, 38, 20), ("序号", "对象和问题编号", "核查所见", "来源和时间", "依据强度"), rows)
    meanings = "；".join(f"{STRENGTHS[s.label]}：{text}" for s, text in STRENGTH_MEANINGS.items())
    paper.small(f"注：依据强度由强到弱为{meanings}。核查数据快照：{tidy(view.snapshot, 80)}。")


def _fact_rows(item: FindingView, place: int, zone: str) -> list[Sequence[str | None]]:
    name = f"{tidy(item.asset_name, 80)}\n（{word(SUBJECTS, item.subject)}）\n{tidy(item.id, 40)}"
    rows: list[Sequence[str | None]] = []
    for fact in item.facts:
        seen = fact_words(fact)
        if fact.evidence:
            seen += f"\n佐证：{tidy(fact.evidence, 200)}"
        source = f"{source_words(fact.source)}\n{moment(fact.observed_at, zone)}".rstrip()
        told = (seen, source, word(STRENGTHS, fact.strength))
        rows.append((None, None, *told) if rows else (str(place), name, *told))
    return rows or [(str(place), name, "（无明细）", "", "")]


def _answer_form(paper: Paper, view: NoticeView) -> None:
    paper.annex_head("附件2", "核实意见反馈表")
    paper.small(f"填报单位（盖章）：{'　' * 14}填报日期：{BLANK_DATE}")
    choices = "□属实\n□部分属实\n□不属实"
    rows = [
        (str(place), f"{tidy(item.asset_name, 80)}\n{tidy(item.title, 60)}\n{tidy(item.id, 40)}", choices, "")
        for place, item in enumerate((i for _, group in by_rule(view.items) for i in group), 1)
    ]
    paper.table((10, 58, 28, 60), ("序号", "对象、问题和问题编号", "是否属实", "说明和证明材料（名称、页数）"), rows)
    paper.small(
        "注：部分属实、不属实的，请说明理由并附证明材料，如批准文件、迁移上云证明、停用报备材料、"
        "现场照片等；属实的，请说明原因、拟采取的措施和完成时间。"
    )


def _overview(view: NoticeView) -> list[tuple[str, str]]:
    power = view.power
    return [
        ("涉及部门", tidy(view.department.name, 120)),
        ("文稿", _papers(view)),
        ("行使的权力", f"{tidy(power.authority, 80)}，{article(view)}，{tidy(power.form, 40)}"),
        ("对象", tidy(power.addressee, 80)),
        ("答复期限", reply_words(power.reply) or "条文未规定"),
        ("列入问题", f"{len(view.items)}项"),
        ("未列入问题", f"{len(view.left_out)}项"),
        ("数据快照", tidy(view.snapshot, 80)),
        ("拟稿日期", chinese_date(view.drawn_up_on)),
        ("为谁导出", tidy(view.for_whom, 80) or tidy(view.bureau, 120)),
    ]


def _papers(view: NoticeView) -> str:
    if not view.items:
        return "没有可列入的问题，未拟文稿"
    return f"核实情况的函，附《{form_name(view)}》征求意见稿" if view.consultation else f"{form_name(view)}（草稿）"


def _unsettled(view: NoticeView, fonts: Sequence[str]) -> list[str]:
    """What a person must settle before anything is issued; the program invents none of it."""
    power = view.power
    out = []
    if not view.number:
        out.append("发文字号：签发时按本单位发文登记编号，文稿中留空。")
    out.append("成文日期：为签发之日，文稿中留空；答复期限自规定的起算日起计算，当日不计入。")
    if view.consultation:
        out.append("反馈期限：征求意见的期限没有法规依据，由签发人确定。")
    if power.reply is None:
        out.append(f"报送期限：{article(view)}未规定期限，由签发人确定。")
    if not power.if_refused:
        out.append(f"后果：{article(view)}未规定拒不整改的后果，文稿不写后果。")
    if addresses_other(view) and not view.addressee_name:
        out.append(f"主送对象：该条的对象是{tidy(power.addressee, 40)}，名称须人工填写，不得直接发给部门。")
    if not view.contact:
        out.append("联系方式：未在站点配置中填写。")
    out.append("主送、抄送、印发机关以及是否需要法制审核，由承办科室按本单位规定确定。")
    if fonts:
        names = "；".join(
            f"{name}（可用{'、'.join(FALLBACKS.get(name, ('其他字体',))[:2])}代替）"
            for name in fonts
            if name in FALLBACKS
        )
        out.append(f"字体：本机缺少{names}。字体名称已写入文稿，请在装有这些字体的计算机上打印。")
    return out


def _left_out(view: NoticeView) -> list[tuple[str, str, str, str]]:
    return [
        (
            tidy(item.id, 40),
            f"{tidy(item.title, 120)}\n（{word(SEVERITIES, item.severity)}，{word(BITES, item.bite)}）",
            tidy(item.asset_name, 120),
            "\n".join(tidy(reason, 200) for reason in item.not_orderable_because) or "未说明",
        )
        for item in view.left_out
    ]

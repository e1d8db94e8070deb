"""Writes the papers' templates that come with the program: ``python -m tools.paper_templates``.

What a clerk sees in WPS or Word is made here: the layout of GB/T 9704-2012 from :mod:`reports.papers.styles`, with
docxtpl's tags in paragraphs of their own. A bureau that wants its papers to look otherwise edits a copy, not this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from reports.papers.view import Form
from reports.papers.wml import head_row, paragraph, table
from reports.papers.wordfile import Layout, write
from tools import paper_parts as part

FOLDER = Path(__file__).resolve().parents[1] / "reports" / "papers" / "shipped"


def templates() -> dict[Form, bytes]:
    """Every paper's template; the same bytes at every call."""
    return {form: write(make(), title=NAMES[form], author="", subject="") for form, make in _MAKERS.items()}


#: Titles of the files, for whoever opens one.
NAMES: Mapping[Form, str] = {
    Form.LETTER: "征求意见函模板",
    Form.REMINDER: "提示函模板",
    Form.TASK: "整改任务书模板",
    Form.ORDER: "责令限期整改通知书模板（文书式）",
    Form.ORDER_NOTICE: "责令限期整改通知模板（文件式）",
    Form.REFERRAL: "移送函模板",
    Form.PROPOSAL: "建议函模板",
    Form.INSPECTION: "复查意见书模板",
    Form.RECEIPT: "送达回证模板",
    Form.REPLY: "整改情况报告模板",
    Form.BULLETIN: "通报模板",
}


# --- papers -------------------------------------------------------------------------------------------------


def letter() -> Layout:
    """征求意见函, with the evidence, a form to answer on and the draft order annexed."""
    return _letter(
        part.evidence(),
        part.when("answers.rows", part.blank_form("answers", part.ANSWERS, filled_in_by="填报单位")),
        part.when("order.body", part.order_as_annex("order")),
    )


def plain_letter() -> Layout:
    return _letter(part.evidence())


def task() -> Layout:
    return _red(part.evidence(), part.when("report.rows", part.report_form("report")))


def order_notice() -> Layout:
    return _red(part.evidence(), part.when("report.rows", part.report_form("report")))


def order() -> Layout:
    """责令限期整改通知书 as a form of its own: signed for on its last page, its stub on a sheet of its own."""
    body = (
        part.form_head(),
        part.addressed(),
        part.text(),
        part.annexes(),
        part.signature(),
        part.form_copies(),
        paragraph("Kept"),
        part.pairs("receipt", (48, 108), height=10, head=f"签{part.BLANK * 2}收"),
        part.evidence(),
        part.when("report.rows", part.report_form("report")),
        part.stub(),
    )
    return Layout("".join(body), part.marks(), part.numbers())


def inspection() -> Layout:
    """复查意见书: the results item by item stand in a table after the text."""
    body = (
        part.form_head(),
        part.addressed(),
        part.text(),
        part.annexes(),
        part.signature(),
        part.form_copies(),
        part.when("results.rows", part.results_form("results")),
    )
    return Layout("".join(body), part.marks(), part.numbers())


def receipt() -> Layout:
    """送达回证: one sheet, ruled."""
    body = (
        part.form_head(),
        part.text(),
        paragraph("Kept"),
        part.pairs("receipt", (50, 106), height=13),
        paragraph("TableNote"),
    )
    return Layout("".join(body), part.marks(), part.numbers())


def reply() -> Layout:
    """整改情况报告: the department's own paper, with blanks."""
    items = part.blank_form("report", part.REPORT, filled_in_by="整改单位", title="逐项整改情况表")
    body = (
        part.titled(blank=0),
        part.addressed(),
        part.text(),
        part.annexes(),
        part.signature(),
        part.when("report.rows", items),
    )
    return Layout("".join(body), part.marks(), part.numbers())


def bulletin() -> Layout:
    heads = ("序号", "部门", "应上云", "已上云", "无法判定", "上云率", "未整改问题", "办理中", "其中逾期", "当月办结")
    names = (
        *("no", "department", "in_scope", "on_cloud", "undecided", "rate", "open_findings"),
        *("cases_open", "cases_overdue", "cases_closed"),
    )
    widths = (9.0, 31.0, 13.0, 13.0, 13.0, 27.0, 14.0, 12.0, 12.0, 12.0)
    styles = ("TableCentre", "TableText", *("TableCentre",) * 8)
    figures = table(
        widths,
        [
            head_row(widths, heads),
            *part.rows("row", "rows", widths, [part.values(widths, styles, "row", names)]),
            part.values(widths, styles, "total", names),
        ],
    )
    title = paragraph("AnnexLabel", "附表") + paragraph("AnnexTitle", "政务信息化和整改情况表")
    note = paragraph("TableNote", "{{ note }}")
    return _red(part.when("rows", title, figures, note))


def _letter(*annexed: str) -> Layout:
    """信函格式: double red rules, no page number on page 1, no imprint but 抄送."""
    body = (
        paragraph("LetterNumber", "{{ number }}"),
        part.titled(),
        part.addressed(),
        part.text(),
        part.annexes(),
        part.signature(),
        *annexed,
        part.imprint(printed=False),
    )
    heads, feet = part.marks(), part.numbers()
    first = paragraph("LetterSpace") + part.office("office", "LetterOffice", part.LETTER_HEAD)
    return Layout(
        "".join(body), {"first": part.marked() + first, **heads}, {"first": paragraph("LetterFoot"), **feet}
    )


def _red(*annexed: str) -> Layout:
    """文件式版头 with everything below it."""
    body = (
        paragraph("HeadSpace"),
        part.office("office", "Office", part.RED_HEAD),
        *(paragraph("Kept"),) * 2,
        paragraph("Number", "{{ number }}"),
        part.titled(),
        part.addressed(),
        part.text(),
        part.annexes(),
        part.signature(),
        *annexed,
        part.imprint(printed=True),
    )
    return Layout("".join(body), part.marks(), part.numbers())


_MAKERS: Mapping[Form, Callable[[], Layout]] = {
    Form.LETTER: letter,
    Form.REMINDER: plain_letter,
    Form.TASK: task,
    Form.ORDER: order,
    Form.ORDER_NOTICE: order_notice,
    Form.REFERRAL: plain_letter,
    Form.PROPOSAL: plain_letter,
    Form.INSPECTION: inspection,
    Form.RECEIPT: receipt,
    Form.REPLY: reply,
    Form.BULLETIN: bulletin,
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for form, data in templates().items():
        (FOLDER / f"{form}.docx").write_bytes(data)


if __name__ == "__main__":
    main()

"""Writes the papers' templates that come with the program: ``python -m tools.paper_templates``.

What a clerk sees in WPS or Word is made here: the layout of GB/T 9704-2012 from :mod:`reports.papers.styles`, with
docxtpl's tags in paragraphs of their own. A bureau that wants its papers to look otherwise edits a copy, not this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reports.papers.styles import CHAR, mm
from reports.papers.view import Form
from reports.papers.wml import (
    WIDTH,
    cell,
    head_row,
    page_number,
    paragraph,
    row,
    rule,
    run,
    spanning,
    tab,
    table,
)
from reports.papers.wordfile import Layout, write

FOLDER = Path(__file__).resolve().parents[1] / "reports" / "papers" / "shipped"

#: How many characters of an office's name fit on a line: in full width, narrow, and narrow and smaller.
_RED_HEAD, _LETTER_HEAD = (11, 16, 22), (12, 17, 24)
_BLANK = "　"


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
        evidence(),
        _when("answers.rows", _blank("answers", _ANSWERS, filled_in_by="填报单位")),
        _when("order.body", _order_as_annex("order")),
    )


def plain_letter() -> Layout:
    return _letter(evidence())


def task() -> Layout:
    return _red(evidence(), _when("report.rows", _report("report")))


def order_notice() -> Layout:
    return _red(evidence(), _when("report.rows", _report("report")))


def order() -> Layout:
    """责令限期整改通知书 as a form of its own: signed for on its last page, its stub on a sheet of its own."""
    body = (
        _form_head(),
        addressed(),
        text(),
        annexes(),
        signature(),
        _form_copies(),
        paragraph("Kept"),
        _pairs("receipt", (48, 108), height=10),
        evidence(),
        _when("report.rows", _report("report")),
        _stub(),
    )
    return Layout("".join(body), _marks(), _numbers())


def inspection() -> Layout:
    """复查意见书: the results item by item stand in a table after the text."""
    body = (
        _form_head(),
        addressed(),
        text(),
        annexes(),
        signature(),
        _form_copies(),
        _when("results.rows", _results("results")),
    )
    return Layout("".join(body), _marks(), _numbers())


def receipt() -> Layout:
    """送达回证: one sheet, ruled."""
    body = (
        _form_head(),
        text(),
        paragraph("Kept"),
        _pairs("receipt", (50, 106), height=13),
        paragraph("TableNote"),
    )
    return Layout("".join(body), _marks(), _numbers())


def reply() -> Layout:
    """整改情况报告: the department's own paper, with blanks."""
    body = (titled(blank=0), addressed(), text(), annexes(), signature(), _when("report.rows", _report("report")))
    return Layout("".join(body), _marks(), _numbers())


def bulletin() -> Layout:
    heads = ("序号", "部门", "应上云", "已上云", "无法判定", "上云率", "未整改问题", "办理中", "其中逾期", "已办结")
    names = ("no", "department", "in_scope", "on_cloud", "undecided", "rate", "open_findings")
    names += ("cases_open", "cases_overdue", "cases_closed")
    widths = (9.0, 41.0, 13.0, 13.0, 13.0, 17.0, 14.0, 12.0, 12.0, 12.0)
    styles = ("TableCentre", "TableText", *("TableCentre",) * 8)
    figures = table(
        widths,
        [
            head_row(widths, heads),
            *_rows("row", "rows", widths, [_values(widths, styles, "row", names)]),
            _values(widths, styles, "total", names),
        ],
    )
    return _red(
        _when(
            "rows", paragraph("AnnexTitle", "政务信息化和整改情况表"), figures, paragraph("TableNote", "{{ note }}")
        )
    )


def _letter(*annexed: str) -> Layout:
    """信函格式: double red rules, no page number on page 1, no imprint but 抄送."""
    body = (
        paragraph("LetterNumber", "{{ number }}"),
        titled(),
        addressed(),
        text(),
        annexes(),
        signature(),
        *annexed,
        imprint(printed=False),
    )
    heads, feet = _marks(), _numbers()
    first = paragraph("LetterSpace") + office("office", "LetterOffice", _LETTER_HEAD)
    return Layout("".join(body), {"first": _marked() + first, **heads}, {"first": paragraph("LetterFoot"), **feet})


def _red(*annexed: str) -> Layout:
    """文件式版头 with everything below it."""
    body = (
        paragraph("HeadSpace"),
        office("office", "Office", _RED_HEAD),
        *(paragraph("Kept"),) * 2,
        paragraph("Number", "{{ number }}"),
        titled(),
        addressed(),
        text(),
        annexes(),
        signature(),
        *annexed,
        imprint(printed=True),
    )
    return Layout("".join(body), _marks(), _numbers())


def _order_as_annex(of: str) -> str:
    return "".join(
        (
            paragraph("AnnexLabel", tag(f"{of}.label")),
            paragraph("HeadSpaceShort"),
            office(f"{of}.office", "Office", _RED_HEAD),
            *(paragraph("Kept"),) * 2,
            paragraph("Number", tag(f"{of}.number")),
            titled(of),
            addressed(of),
            text(of),
            annexes(of),
            signature(of),
        )
    )


# --- tags ---------------------------------------------------------------------------------------------------


def tag(name: str) -> str:
    return f"{{{{ {name} }}}}"


def control(words: str) -> str:
    """A tag that stands in a paragraph of its own and takes it away with itself."""
    return paragraph("Tag", f"{{%p {words} %}}")


def _when(condition: str, *content: str) -> str:
    return control(f"if {condition}") + "".join(content) + control("endif")


def _each(name: str, of: str, *content: str) -> str:
    return control(f"for {name} in {of}") + "".join(content) + control("endfor")


def _choose(*cases: tuple[str, str], otherwise: str) -> str:
    """``if``, ``elif`` … ``else``."""
    words = ["if", *["elif"] * (len(cases) - 1)]
    parts = [
        control(f"{word} {condition}") + content for word, (condition, content) in zip(words, cases, strict=True)
    ]
    return "".join(parts) + control("else") + otherwise + control("endif")


def _rows(name: str, of: str, widths: Sequence[float], rows: Sequence[str]) -> list[str]:
    return [
        spanning(widths, "Tag", f"{{%tr for {name} in {of} %}}"),
        *rows,
        spanning(widths, "Tag", "{%tr endfor %}"),
    ]


def _field(of: str, name: str) -> str:
    return f"{of}.{name}" if of else name


# --- parts of a paper ---------------------------------------------------------------------------------------


def office(name: str, style: str, fits: tuple[int, int, int]) -> str:
    """The issuing office in red, as large as its name allows."""
    sizes = zip(fits, ("", "Long", "Longer"), strict=True)
    return _choose(
        *((f"{name}|length <= {most}", paragraph(f"{style}{size}", tag(name))) for most, size in sizes),
        otherwise=paragraph(f"{style}Longest", tag(name)),
    )


def titled(of: str = "", *, blank: int = 2) -> str:
    """标题 in its lines, ``blank`` lines below what stands above."""
    return paragraph("Kept") * blank + _each("line", _field(of, "title"), paragraph("Title", "{{ line }}"))


def addressed(of: str = "") -> str:
    """主送机关: one line below the title, flush left, with a full-width colon."""
    name = _field(of, "addressee")
    return _when(name, paragraph("Kept"), paragraph("Addressee", f"{tag(name)}："))


def text(of: str = "") -> str:
    """正文. The last paragraph stays with the signature, which never stands on a page without text."""
    words = run("{{ line.lead }}", bold=True) + run("{{ line.text }}")
    lines = _choose(
        ('line.style == "h1"', paragraph("Heading1", "{{ line.text }}")),
        ('line.style == "h2"', paragraph("Heading2", "{{ line.text }}")),
        ("loop.last", paragraph("BodyKept", runs=words)),
        otherwise=paragraph("Body", runs=words),
    )
    return _each("line", _field(of, "body"), lines)


def annexes(of: str = "") -> str:
    """附件说明: one line below the text, two characters in, titles aligned and without a stop."""
    words = (
        "{% if loop.first %}附件：{% else %}" + _BLANK * 3 + "{% endif %}"
        "{% if loop.length > 1 %}{{ loop.index }}.{% endif %}{{ annex }}"
    )
    name = _field(of, "annexes")
    return _when(name, paragraph("Kept"), _each("annex", name, paragraph("Annexes", words)))


def signature(of: str = "") -> str:
    """署名 and 成文日期 centred on one axis, with room for the seal: further left for a longer name."""
    name, day = _field(of, "signature"), _field(of, "date")

    def signed(sides: tuple[float, float] | None = None) -> str:
        return paragraph("Signature", tag(name), sides=sides) + paragraph("Date", tag(day), sides=sides)

    return paragraph("Kept") * 2 + _choose(
        (f"{name}|length <= 15", signed()),
        (f"{name}|length <= 21", signed((7 * CHAR, 0))),
        otherwise=signed((0, 0)),
    )


def imprint(*, printed: bool) -> str:
    """版记 at the foot of the last page: 抄送, and below it who prints when, where that belongs."""
    copies = "抄送：{{ copies }}"
    if not printed:
        return _when("copies", paragraph("Copies", copies, frame=True))
    below = (
        run(tag("imprint")) + tab() + run("{{ imprint_date }}印发"),
        mm(WIDTH) - 14,
    )
    alone = paragraph("Imprint", runs=below[0], tab_at=below[1], frame=True, rules=rule("top", 8) + rule("bottom", 8))
    under = paragraph("Imprint", runs=below[0], tab_at=below[1], frame=True, rules=rule("bottom", 8))
    both = paragraph("Copies", copies, frame=True, rules=rule("top", 8) + rule("bottom", 6)) + under
    return _choose(("copies", both), otherwise=alone)


def evidence() -> str:
    """核查情况明细表: a row for every fact, those of one item beside its name."""
    widths = (10.0, 34.0, 54.0, 38.0, 20.0)
    heads = ("序号", "对象和问题编号", "核查所见", "来源和时间", "依据强度")
    names, styles = ("no", "object", "seen", "source", "strength"), ("TableCentre", *("TableText",) * 4)
    merged = [("{%up row.no %}" if name in ("no", "object") else "") + tag(f"row.{name}") for name in names]
    cells = [cell(w, paragraph(style, words)) for w, style, words in zip(widths, styles, merged, strict=True)]
    group = [spanning(widths, "TableGroup", "{{ group.heading }}"), *_rows("row", "group.rows", widths, [row(cells)])]
    facts = table(widths, [head_row(widths, heads), *_rows("group", "evidence.groups", widths, group)])
    return _when(
        "evidence.groups",
        paragraph("AnnexLabel", "{{ evidence.label }}"),
        paragraph("AnnexTitle", "{{ evidence.title }}"),
        facts,
        paragraph("TableNote", "{{ evidence.note }}"),
    )


_Columns = Sequence[tuple[float, str, Sequence[str]]]
#: Width in mm, head, and the fields of one cell, each in a paragraph of its own.
_ANSWERS: _Columns = (
    (10, "序号", ("no",)),
    (60, "对象和问题", ("object", "problem")),
    (28, "是否属实", ("result",)),
    (58, "说明和证明材料（名称、页数）", ("remark",)),
)
_REPORT: _Columns = (
    (10, "序号", ("no",)),
    (40, "对象和问题", ("object", "problem")),
    (36, "整改要求", ("demand",)),
    (36, "整改措施、结果和完成时间", ("result",)),
    (34, "佐证材料；未完成的，原因和完成时限", ("remark",)),
)
_RESULTS: _Columns = (
    (10, "序号", ("no",)),
    (44, "对象和问题", ("object", "problem")),
    (36, "整改要求", ("demand",)),
    (22, "复查结果", ("result",)),
    (44, "依据", ("remark",)),
)


def _report(name: str) -> str:
    return _blank(name, _REPORT, filled_in_by="整改单位")


def _results(name: str) -> str:
    return _blank(name, _RESULTS)


def _blank(name: str, columns: _Columns, *, filled_in_by: str = "") -> str:
    """A table of items, most of them for somebody to fill in."""
    widths = [width for width, _, _ in columns]
    cells = [
        cell(
            width,
            "".join(
                paragraph("TableCentre" if field == "no" else "TableText", tag(f"row.{field}")) for field in fields
            ),
        )
        for width, _, fields in columns
    ]
    items = _rows("row", f"{name}.rows", widths, [row(cells, height=14)])
    who = f"{filled_in_by}（盖章）：{_BLANK * 14}填报日期：{_BLANK * 4}年{_BLANK * 2}月{_BLANK * 2}日"
    return (
        _choose(
            (f"{name}.label", paragraph("AnnexLabel", tag(f"{name}.label"))),
            otherwise=paragraph("AnnexLabel", "附表"),
        )
        + paragraph("AnnexTitle", tag(f"{name}.title"))
        + (paragraph("TableFiller", who) if filled_in_by else "")
        + table(widths, [head_row(widths, [head for _, head, _ in columns]), *items])
        + paragraph("TableNote", tag(f"{name}.note"))
    )


def _item_field(name: str) -> str:
    return paragraph("TableCentre" if name == "no" else "TableText", tag(f"row.{name}"))


def _values(widths: Sequence[float], styles: Sequence[str], of: str, names: Sequence[str]) -> str:
    return row([cell(w, paragraph(s, tag(f"{of}.{n}"))) for w, s, n in zip(widths, styles, names, strict=True)])


def _pairs(name: str, widths: tuple[float, float], *, height: float) -> str:
    """A form of two columns: what is asked, and room to write."""
    cells = [cell(widths[0], paragraph("FormName", "{{ pair.name }}"))]
    cells += [cell(widths[1], paragraph("FormValue", "{{ pair.value }}"))]
    return _when(name, table(widths, _rows("pair", name, widths, [row(cells, height=height)])))


def _form_head() -> str:
    """文书: whose it is and what it is, centred, the number at the right."""
    return (
        paragraph("FormOffice", "{{ office }}")
        + titled(blank=0)
        + _when("number", paragraph("FormNumber", "{{ number }}"))
    )


def _form_copies() -> str:
    return _when("copies", paragraph("Normal"), paragraph("Contact", "抄送：{{ copies }}"))


def _stub() -> str:
    """存根: what the bureau keeps."""
    words = "{% for line in title %}{{ line }}{% endfor %}（存根）"
    return _when(
        "stub",
        paragraph("AnnexLabel", "存根（由发文机关留存，不送达）"),
        paragraph("AnnexTitle", words),
        paragraph("FormNumber", "{{ number }}"),
        _pairs("stub", (50, 106), height=12),
        paragraph("TableNote"),
    )


def _marked() -> str:
    """The mark of a draft, or a line as high without one, so that nothing moves when the paper is issued."""
    return _choose(("mark", paragraph("Mark", "{{ mark }}")), otherwise=paragraph("Header"))


def _marks() -> dict[str, str]:
    return {"default": _marked(), "even": _marked()}


def _numbers() -> dict[str, str]:
    """Odd pages carry their number right, even ones left, one character in."""
    return {"default": page_number("right"), "even": page_number("left")}


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

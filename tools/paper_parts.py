"""What the papers' templates are put together from: tags, heads, text, signatures, tables."""

from __future__ import annotations

from collections.abc import Sequence

from reports.papers.styles import CHAR, mm
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

#: How many characters of an office's name fit on a line: in full width, narrow, and narrow and smaller.
RED_HEAD, LETTER_HEAD = (11, 16, 22), (12, 17, 24)
BLANK = "　"


# --- tags ---------------------------------------------------------------------------------------------------


def tag(name: str) -> str:
    return f"{{{{ {name} }}}}"


def control(words: str) -> str:
    """A tag that stands in a paragraph of its own and takes it away with itself."""
    return paragraph("Tag", f"{{%p {words} %}}")


def when(condition: str, *content: str) -> str:
    return control(f"if {condition}") + "".join(content) + control("endif")


def each(name: str, of: str, *content: str) -> str:
    return control(f"for {name} in {of}") + "".join(content) + control("endfor")


def choose(*cases: tuple[str, str], otherwise: str) -> str:
    """``if``, ``elif`` … ``else``."""
    words = ["if", *["elif"] * (len(cases) - 1)]
    parts = [
        control(f"{word} {condition}") + content for word, (condition, content) in zip(words, cases, strict=True)
    ]
    return "".join(parts) + control("else") + otherwise + control("endif")


def rows(name: str, of: str, widths: Sequence[float], rows: Sequence[str]) -> list[str]:
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
    return choose(
        *((f"{name}|length <= {most}", paragraph(f"{style}{size}", tag(name))) for most, size in sizes),
        otherwise=paragraph(f"{style}Longest", tag(name)),
    )


def titled(of: str = "", *, blank: int = 2) -> str:
    """标题 in its lines, ``blank`` lines below what stands above."""
    return paragraph("Kept") * blank + each("line", _field(of, "title"), paragraph("Title", "{{ line }}"))


def addressed(of: str = "") -> str:
    """主送机关: one line below the title, flush left, with a full-width colon."""
    name = _field(of, "addressee")
    return when(name, paragraph("Kept"), paragraph("Addressee", f"{tag(name)}："))


def text(of: str = "") -> str:
    """正文. The last paragraph stays with the signature, which never stands on a page without text."""
    words = run("{{ line.lead }}", bold=True) + run("{{ line.text }}")
    lines = choose(
        ('line.style == "h1"', paragraph("Heading1", "{{ line.text }}")),
        ('line.style == "h2"', paragraph("Heading2", "{{ line.text }}")),
        ("loop.last", paragraph("BodyKept", runs=words)),
        otherwise=paragraph("Body", runs=words),
    )
    return each("line", _field(of, "body"), lines)


def annexes(of: str = "") -> str:
    """附件说明: one line below the text, two characters in, titles aligned and without a stop."""
    words = (
        "{% if loop.first %}附件：{% else %}" + BLANK * 3 + "{% endif %}"
        "{% if loop.length > 1 %}{{ loop.index }}.{% endif %}{{ annex }}"
    )
    name = _field(of, "annexes")
    return when(name, paragraph("Kept"), each("annex", name, paragraph("Annexes", words)))


def signature(of: str = "") -> str:
    """署名 and 成文日期 centred on one axis, with room for the seal: further left for a longer name."""
    name, day = _field(of, "signature"), _field(of, "date")

    def signed(sides: tuple[float, float] | None = None) -> str:
        return paragraph("Signature", tag(name), sides=sides) + paragraph("Date", tag(day), sides=sides)

    return paragraph("Kept") * 2 + choose(
        (f"{name}|length <= 15", signed()),
        (f"{name}|length <= 21", signed((7 * CHAR, 0))),
        otherwise=signed((0, 0)),
    )


def imprint(*, printed: bool) -> str:
    """版记 at the foot of the last page: 抄送, and below it who prints when, where that belongs.

    Its parts have borders that are alike, so that word processors take them for one box; the rule between them is
    a line of its own, since LibreOffice tears the box apart where they differ.
    """
    copies = "抄送：{{ copies }}"
    if not printed:
        return when("copies", paragraph("Copies", copies, frame=True), paragraph("End"))
    box = rule("top", 8) + rule("bottom", 8)
    words = run(tag("imprint")) + tab() + run("{{ imprint_date }}印发")
    printer = paragraph("Imprint", runs=words, tab_at=mm(WIDTH) - 14, frame=True, rules=box)
    others = paragraph("Copies", copies, frame=True, rules=box) + paragraph("ImprintRule", frame=True, rules=box)
    # A frame belongs to what follows it: to the end, so that it cannot stand before the last page.
    return when("copies", others) + printer + paragraph("End")


def evidence() -> str:
    """核查情况明细表: a row for every fact, those of one item beside its name."""
    widths = (10.0, 34.0, 54.0, 38.0, 20.0)
    heads = ("序号", "对象和问题编号", "核查所见", "来源和时间", "依据强度")
    names, styles = ("no", "object", "seen", "source", "strength"), ("TableCentre", *("TableText",) * 4)
    merged = [("{%up row.no %}" if name in ("no", "object") else "") + tag(f"row.{name}") for name in names]
    cells = [cell(w, paragraph(style, words)) for w, style, words in zip(widths, styles, merged, strict=True)]
    group = [spanning(widths, "TableGroup", "{{ group.heading }}"), *rows("row", "group.rows", widths, [row(cells)])]
    facts = table(widths, [head_row(widths, heads), *rows("group", "evidence.groups", widths, group)])
    return when(
        "evidence.groups",
        paragraph("AnnexLabel", "{{ evidence.label }}"),
        paragraph("AnnexTitle", "{{ evidence.title }}"),
        facts,
        paragraph("TableNote", "{{ evidence.note }}"),
    )


Columns = Sequence[tuple[float, str, Sequence[str]]]
#: Width in mm, head, and the fields of one cell, each in a paragraph of its own.
ANSWERS: Columns = (
    (10, "序号", ("no",)),
    (60, "对象和问题", ("object", "problem")),
    (28, "是否属实", ("result",)),
    (58, "说明和证明材料（名称、页数）", ("remark",)),
)
REPORT: Columns = (
    (10, "序号", ("no",)),
    (40, "对象和问题", ("object", "problem")),
    (36, "整改要求", ("demand",)),
    (36, "整改措施、结果和完成时间", ("result",)),
    (34, "佐证材料；未完成的，原因和完成时限", ("remark",)),
)
RESULTS: Columns = (
    (10, "序号", ("no",)),
    (44, "对象和问题", ("object", "problem")),
    (36, "整改要求", ("demand",)),
    (22, "复查结果", ("result",)),
    (44, "依据", ("remark",)),
)


def report_form(name: str) -> str:
    return blank_form(name, REPORT, filled_in_by="整改单位")


def results_form(name: str) -> str:
    return blank_form(name, RESULTS)


def blank_form(name: str, columns: Columns, *, filled_in_by: str = "", title: str = "") -> str:
    """A table of items, most of them for somebody to fill in."""
    widths = [width for width, _, _ in columns]
    cells = [cell(width, "".join(map(_item_field, fields))) for width, _, fields in columns]
    items = rows("row", f"{name}.rows", widths, [row(cells, height=14)])
    who = f"{filled_in_by}（盖章）：{BLANK * 14}填报日期：{BLANK * 4}年{BLANK * 2}月{BLANK * 2}日"
    return (
        choose(
            (f"{name}.label", paragraph("AnnexLabel", tag(f"{name}.label"))),
            otherwise=paragraph("AnnexLabel", "附表"),
        )
        + paragraph("AnnexTitle", title or tag(f"{name}.title"))
        + (paragraph("TableFiller", who) if filled_in_by else "")
        + table(widths, [head_row(widths, [head for _, head, _ in columns]), *items])
        + paragraph("TableNote", tag(f"{name}.note"))
    )


def _item_field(name: str) -> str:
    return paragraph("TableCentre" if name == "no" else "TableText", tag(f"row.{name}"))


def values(widths: Sequence[float], styles: Sequence[str], of: str, names: Sequence[str]) -> str:
    return row([cell(w, paragraph(s, tag(f"{of}.{n}"))) for w, s, n in zip(widths, styles, names, strict=True)])


def pairs(name: str, widths: tuple[float, float], *, height: float, head: str = "") -> str:
    """A form of two columns: what is asked, and room to write."""
    cells = [cell(widths[0], paragraph("FormName", "{{ pair.name }}"))]
    cells += [cell(widths[1], paragraph("FormValue", "{{ pair.value }}"))]
    heads = [spanning(widths, "FormName", head)] if head else []
    return when(name, table(widths, [*heads, *rows("pair", name, widths, [row(cells, height=height)])]))


def form_head() -> str:
    """文书: whose it is and what it is, centred, the number at the right."""
    return (
        paragraph("FormOffice", "{{ office }}")
        + titled(blank=0)
        + when("number", paragraph("FormNumber", "{{ number }}"))
    )


def form_copies() -> str:
    return when("copies", paragraph("Normal"), paragraph("Contact", "抄送：{{ copies }}"))


def stub() -> str:
    """存根: what the bureau keeps."""
    words = "{% for line in title %}{{ line }}{% endfor %}（存根）"
    return when(
        "stub",
        paragraph("AnnexLabel", "存根（由发文机关留存，不送达）"),
        paragraph("AnnexTitle", words),
        paragraph("FormNumber", "{{ number }}"),
        pairs("stub", (50, 106), height=12),
        paragraph("TableNote"),
    )


def marked() -> str:
    """The mark of a draft, or a line as high without one, so that nothing moves when the paper is issued."""
    return choose(("mark", paragraph("Mark", "{{ mark }}")), otherwise=paragraph("Header"))


def marks() -> dict[str, str]:
    return {"default": marked(), "even": marked()}


def numbers() -> dict[str, str]:
    """Odd pages carry their number right, even ones left, one character in."""
    return {"default": page_number("right"), "even": page_number("left")}


def order_as_annex(of: str) -> str:
    return "".join(
        (
            paragraph("AnnexLabel", tag(f"{of}.label")),
            paragraph("HeadSpaceShort"),
            office(f"{of}.office", "Office", RED_HEAD),
            *(paragraph("Kept"),) * 2,
            paragraph("Number", tag(f"{of}.number")),
            titled(of),
            addressed(of),
            text(of),
            annexes(of),
            signature(of),
        )
    )

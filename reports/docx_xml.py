"""What python-docx has no word for: grids, rules, fonts of three scripts, fixed tables, page numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias
from xml.sax.saxutils import quoteattr

from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.section import Section
from docx.shared import Length, Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph
from docx.text.run import Run

from inventories.faults import clean
from reports.fonts import BODY, FALLBACKS, HEI, KAI, LATIN, SONG, TITLE

CHAR = Pt(16)  # 三号
#: 225 mm over 22 lines, in points.
LINE = Pt(28.95)
#: In twips a character: 28 characters of 16 pt are 448 pt, the type area is 442.2 pt wide. A character grid would
#: say the same, but only Word reads it so; this is understood everywhere.
_TIGHTER = -5
_MAX_RUN = 8000
_BLACK = RGBColor(0, 0, 0)


def element(tag: str, **attributes: object) -> Any:
    """``<w:tag w:name="value" …/>``."""
    out = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        out.set(qn(f"w:{name}"), str(value))
    return out


def run(paragraph: Paragraph, text: str, font: str, size: Length, *, bold: bool = False) -> Run:
    """Text in a Chinese font; figures and Latin letters in their own.

    Whatever the text is, it stays one run of plain text: python-docx would turn line breaks and tabs into elements
    of their own, and raise on characters that XML cannot hold.
    """
    made = paragraph.add_run(clean(text, _MAX_RUN))
    made.font.size = size
    made.font.bold = bold or None
    set_fonts(made._r.get_or_add_rPr(), font)
    return made


def set_fonts(properties: Any, font: str) -> None:
    """Fonts by script. The hint makes quotation marks and dashes Chinese ones, of full width."""
    for old in properties.findall(qn("w:rFonts")):
        properties.remove(old)
    latin = font if font in (HEI, SONG) else LATIN
    properties.insert(0, element("rFonts", ascii=latin, hAnsi=latin, eastAsia=font, cs=latin, hint="eastAsia"))


def exact(paragraph: Paragraph, height: int, *, grid: bool = True) -> None:
    """A line height of exactly ``height`` (English Metric Units), on the page's grid of lines or not."""
    if not grid:
        _in_order(paragraph._p.get_or_add_pPr(), element("snapToGrid", val=0))
    form = paragraph.paragraph_format
    form.line_spacing_rule = WD_LINE_SPACING.EXACTLY
    form.line_spacing = Length(height)


#: The order that the format prescribes for a paragraph's properties, of those used here.
_PROPERTIES = (
    "keepNext",
    "keepLines",
    "framePr",
    "widowControl",
    "pBdr",
    "tabs",
    "overflowPunct",
    "autoSpaceDE",
    "autoSpaceDN",
    "snapToGrid",
    "spacing",
    "ind",
    "jc",
    "outlineLvl",
    "rPr",
)


def _in_order(properties: Any, child: Any) -> None:
    name = child.tag.partition("}")[2]
    after = _PROPERTIES[_PROPERTIES.index(name) + 1 :]
    properties.insert_element_before(child, *(f"w:{other}" for other in after))


def rule(paragraph: Paragraph, side: str, kind: str, eighths: int, colour: str, *, space: int) -> None:
    """A line along a paragraph: ``eighths`` of a point thick, ``space`` points away (at most 31)."""
    properties = paragraph._p.get_or_add_pPr()
    borders = properties.find(qn("w:pBdr"))
    if borders is None:
        borders = element("pBdr")
        _in_order(properties, borders)
    borders.append(element(side, val=kind, sz=eighths, space=space, color=colour))


def frame_at_foot(paragraph: Paragraph, width: Length) -> None:
    """Puts a paragraph at the foot of the type area of its page."""
    frame = element(
        "framePr", w=width.twips, wrap="around", vAnchor="margin", hAnchor="margin", xAlign="left", yAlign="bottom"
    )
    _in_order(paragraph._p.get_or_add_pPr(), frame)


def narrow(made: Run, percent: int) -> None:
    """Sets characters narrower without making them lower."""
    made._r.get_or_add_rPr().insert_element_before(
        element("w", val=percent), "w:kern", "w:position", "w:sz", "w:szCs", "w:highlight", "w:u", "w:lang"
    )


def page(section: Section) -> None:
    """A4 with the standard's margins and a grid of 22 lines of 28 characters."""
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.header_distance, section.footer_distance = Mm(15), Mm(21)
    section.gutter = Mm(0)
    for old in section._sectPr.findall(qn("w:docGrid")):
        section._sectPr.remove(old)
    section._sectPr.append(element("docGrid", type="lines", linePitch=LINE.twips))


def defaults(document: Document) -> None:
    """Makes the template's styles a Chinese office's: fonts, sizes, no spacing of its own."""
    styles = document.styles
    base = styles.element.find(qn("w:docDefaults"))
    fonts = base.find(f"{qn('w:rPrDefault')}/{qn('w:rPr')}")
    set_fonts(fonts, BODY)
    fonts.find(qn("w:lang")).set(qn("w:eastAsia"), "zh-CN")
    spacing = base.find(f"{qn('w:pPrDefault')}/{qn('w:pPr')}/{qn('w:spacing')}")
    spacing.attrib.clear()
    spacing.set(qn("w:after"), "0")
    # Papers fill every page: no line is held back for the sake of another (孤行控制).
    base.find(f"{qn('w:pPrDefault')}/{qn('w:pPr')}").insert(0, element("widowControl", val=0))
    theme = document.settings.element.find(qn("w:themeFontLang"))
    if theme is not None:
        theme.set(qn("w:eastAsia"), "zh-CN")
    for name, font, size, height in (
        ("Normal", BODY, CHAR, LINE),
        ("Title", TITLE, Pt(22), Pt(36)),
        ("Heading 1", HEI, CHAR, LINE),
        ("Heading 2", KAI, CHAR, LINE),
    ):
        _style(styles[name], font, size, height)
    for name in ("Normal", "Heading 1", "Heading 2"):
        styles[name].element.get_or_add_rPr().insert_element_before(
            element("spacing", val=_TIGHTER), "w:w", "w:kern", "w:position", "w:sz", "w:szCs"
        )
    # No gaps between Chinese and figures, which would push the 28th character off its line, and no punctuation
    # hanging over the margin.
    for name in ("overflowPunct", "autoSpaceDE", "autoSpaceDN"):
        _in_order(styles["Normal"].element.get_or_add_pPr(), element(name, val=0))
    _in_order(styles["Title"].element.get_or_add_pPr(), element("snapToGrid", val=0))
    styles["Title"].element.get_or_add_rPr().insert_element_before(
        element("spacing", val=0), "w:w", "w:kern", "w:position", "w:sz", "w:szCs"
    )
    styles["Title"].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for name in ("Heading 1", "Heading 2"):
        styles[name].paragraph_format.first_line_indent = CHAR * 2


def _style(style: Any, font: str, size: Length, height: Length) -> None:
    properties = style.element.get_or_add_rPr()
    for child in list(properties):
        properties.remove(child)
    set_fonts(properties, font)
    style.font.size, style.font.color.rgb = size, _BLACK
    for border in style.element.findall(f"{qn('w:pPr')}/{qn('w:pBdr')}"):
        border.getparent().remove(border)
    form = style.paragraph_format
    form.space_before = form.space_after = Pt(0)
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, height
    # Contextual spacing and the like of the template would break the grid of 22 lines.
    for odd in style.element.findall(f"{qn('w:pPr')}/{qn('w:contextualSpacing')}"):
        odd.getparent().remove(odd)


def page_number(paragraph: Paragraph, size: Length) -> None:
    """``— 1 —`` in half-width 宋体."""
    run(paragraph, "— ", SONG, size)
    for kind, text in (("begin", ""), ("", "PAGE"), ("separate", ""), ("number", "1"), ("end", "")):
        made = run(paragraph, text if kind == "number" else "", SONG, size)
        if kind in ("begin", "separate", "end"):
            made._r.append(element("fldChar", fldCharType=kind))
        elif text == "PAGE":
            code = element("instrText")
            code.text = text
            made._r.append(code)
    run(paragraph, " —", SONG, size)


#: A table's row: a cell is text (its lines are paragraphs) or None, which continues the cell above; a plain
#: text spans all columns.
Row: TypeAlias = Sequence[str | None] | str


def table(widths: Sequence[float], head: Sequence[str], rows: Sequence[Row]) -> Any:
    """A ruled table of fixed column widths (mm), whose head repeats on every page.

    Built as XML at once, since python-docx's own cells take
    time in the square of the rows.
    """
    out = element("tbl")
    properties = element("tblPr")
    borders = element("tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        borders.append(element(side, val="single", sz=4, space=0, color="000000"))
    margins = element("tblCellMar")
    for side in ("left", "right"):
        margins.append(element(side, w=57, type="dxa"))
    total = round(sum(Mm(width).twips for width in widths))
    for child in (
        element("tblW", w=total, type="dxa"),
        element("jc", val="center"),
        borders,
        element("tblLayout", type="fixed"),
        margins,
    ):
        properties.append(child)
    grid = element("tblGrid")
    for width in widths:
        grid.append(element("gridCol", w=Mm(width).twips))
    out.append(properties)
    out.append(grid)
    out.append(_row(widths, head, "", head=True))
    for cells, after in zip(rows, [*rows[1:], ""], strict=True):
        out.append(_row(widths, cells, after))
    return out


def _row(widths: Sequence[float], cells: Row, after: Row, *, head: bool = False) -> Any:
    row = element("tr")
    properties = element("trPr")
    properties.append(element("cantSplit"))
    if head:
        properties.append(element("tblHeader"))
    row.append(properties)
    if isinstance(cells, str):
        row.append(_cell(cells, sum(widths), KAI, span=len(widths)))
    else:
        below = [""] * len(widths) if isinstance(after, str) else after
        for width, text, under in zip(widths, cells, below, strict=True):
            merge = "continue" if text is None else "restart" if under is None else ""
            row.append(_cell(text or "", width, HEI if head else BODY, centre=head, merge=merge))
    return row


def _cell(text: str, width: float, font: str, *, span: int = 1, centre: bool = False, merge: str = "") -> Any:
    cell = element("tc")
    properties = element("tcPr")
    properties.append(element("tcW", w=Mm(width).twips, type="dxa"))
    if span > 1:
        properties.append(element("gridSpan", val=span))
    if merge:
        properties.append(element("vMerge", val=merge))
    properties.append(element("vAlign", val="center"))
    cell.append(properties)
    for line in text.split("\n"):
        paragraph = element("p")
        form = element("pPr")
        if span > 1:
            # A heading inside the table stays with what it heads.
            form.append(element("keepNext"))
        form.append(element("snapToGrid", val="0"))
        form.append(element("spacing", before=20, after=20, line=300, lineRule="exact"))
        if centre:
            form.append(element("jc", val="center"))
        paragraph.append(form)
        made = element("r")
        look = element("rPr")
        set_fonts(look, font)
        look.append(element("snapToGrid", val="0"))
        look.append(element("sz", val=21))  # 五号
        made.append(look)
        words = element("t")
        words.text = clean(line, _MAX_RUN)
        words.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        made.append(words)
        paragraph.append(made)
        cell.append(paragraph)
    return cell


def font_table(document: Document) -> None:
    """Names the papers' fonts in the document's font table, each with what may stand in for it."""
    part = next((p for p in document.part.package.iter_parts() if str(p.partname) == "/word/fontTable.xml"), None)
    if part is None:
        return
    fonts = "".join(
        f"<w:font w:name={quoteattr(name)}><w:altName w:val={quoteattr(','.join(others))}/>"
        '<w:charset w:val="86"/><w:family w:val="auto"/><w:pitch w:val="variable"/></w:font>'
        for name, others in FALLBACKS.items()
    )
    part._blob = part.blob.replace(b"</w:fonts>", fonts.encode() + b"</w:fonts>")

"""Official papers as GB/T 9704-2012 lays them out, on python-docx.

A4 with margins 37 mm (top), 28 mm (left), 35 mm (bottom) and 26 mm (right): a type area of 156 × 225 mm for
22 lines of 28 characters, 16 pt (三号) 仿宋. Measures are in millimetres and points and named where they stand
in the standard. Imported lazily: python-docx and lxml come with it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any
from xml.sax.saxutils import quoteattr

from docx import Document
from docx.enum.section import WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from reports.fonts import BODY, FALLBACKS, HEI, KAI, LATIN, SONG, TITLE

RED = RGBColor(0xFF, 0, 0)
CHAR = Pt(16)  # 三号
#: 225 mm over 22 lines.
LINE = Pt(28.95)
TEXT_WIDTH = Mm(156)
_CENTRE, _RIGHT, _JUSTIFY = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT, WD_ALIGN_PARAGRAPH.JUSTIFY
#: Fixed, so that the same view gives the same bytes.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


class Paper:
    """A document under construction; sections are added in order, bytes come out of :meth:`bytes`."""

    def __init__(self, *, title: str, author: str, on: date, mark: str) -> None:
        self._mark = mark
        self.document = Document()
        _defaults(self.document)
        core = self.document.core_properties
        core.title, core.author, core.last_modified_by = title[:250], author[:250], author[:250]
        core.comments, core.keywords = mark, ""
        core.created = core.modified = datetime.combine(on, time())
        self._section = self.document.sections[0]
        _page(self._section)
        self.document.settings.odd_and_even_pages_header_footer = True
        self._running()
        self._started = False

    # --- sections and heads -------------------------------------------------------------------------------

    def new_section(self) -> None:
        """A new page with its own first-page setting; headers and page numbers run on."""
        self._section = self.document.add_section(WD_SECTION.NEW_PAGE)
        self._section.different_first_page_header_footer = False

    def letter_head(self, office: str, number: str) -> None:
        """信函格式: the office's name 30 mm from the edge, double red rules of 170 mm, no page number on page 1."""
        section = self._section
        section.different_first_page_header_footer = True
        header = section.first_page_header
        header.is_linked_to_previous = False
        first = header.paragraphs[0]
        self._draft_mark(first)
        gap = header.add_paragraph()
        _exact(gap, Mm(30) - section.header_distance - Pt(20))
        name = header.add_paragraph()
        self._office_mark(name, office, Mm(166))
        _wide(name)
        _rule(name, "bottom", "thickThinSmallGap", 24, "FF0000", space=11)
        footer = section.first_page_footer
        footer.is_linked_to_previous = False
        line = footer.paragraphs[0]
        _exact(line, Pt(2))
        _wide(line)
        _rule(line, "top", "thinThickSmallGap", 24, "FF0000", space=1)
        reference = self.paragraph(align=_RIGHT, before=Pt(14))
        _run(reference, number, BODY, CHAR)

    def red_head(self, office: str, number: str) -> None:
        """文件式版头: the office's name 35 mm below the type area's top, number, red rule 4 mm below it."""
        _exact(self.paragraph(), Mm(35))
        mark = self.paragraph()
        self._office_mark(mark, office, TEXT_WIDTH)
        self.paragraph()
        self.paragraph()
        reference = self.paragraph(align=_CENTRE)
        _run(reference, number, BODY, CHAR)
        # 4 mm are 11.3 pt.
        _rule(reference, "bottom", "single", 12, "FF0000", space=11)

    def title(self, lines: Sequence[str], *, blank: int = 2) -> None:
        """标题: 2号小标宋, centred, ``blank`` lines below what stands above."""
        for _ in range(blank):
            self.paragraph()
        for line in lines:
            paragraph = self.paragraph(style="Title")
            _run(paragraph, line, TITLE, Pt(22))

    def annex_head(self, label: str, title: str) -> None:
        """附件1 flush left in 黑体 on the first line, the title centred on the third."""
        _run(self.paragraph(keep=True), label, HEI, CHAR)
        self.title((title,), blank=1)
        _exact(self.paragraph(keep=True), Pt(12))

    # --- text ---------------------------------------------------------------------------------------------

    def paragraph(
        self, *, style: str = "Normal", align: Any = None, before: Length | None = None, keep: bool = False
    ) -> Paragraph:
        paragraph = self.document.add_paragraph(style=style)
        if align is not None:
            paragraph.alignment = align
        if before is not None:
            paragraph.paragraph_format.space_before = before
        if keep:
            paragraph.paragraph_format.keep_with_next = True
        return paragraph

    def addressee(self, name: str) -> None:
        """主送机关: one line below the title, flush left, with a full-width colon."""
        self.paragraph()
        _run(self.paragraph(), f"{name}：", BODY, CHAR)

    def text(self, text: str, lead: str = "", *, keep: bool = False) -> None:
        """正文: indented by two characters; ``lead`` in bold before it."""
        paragraph = self.paragraph(align=_JUSTIFY, keep=keep)
        paragraph.paragraph_format.first_line_indent = CHAR * 2
        if lead:
            _run(paragraph, lead, BODY, CHAR).bold = True
        _run(paragraph, text, BODY, CHAR)

    def heading(self, text: str, level: int) -> None:
        """一、in 黑体 (level 1), （一）in 楷体 (level 2)."""
        paragraph = self.paragraph(style=f"Heading {level}")
        _run(paragraph, text, HEI if level == 1 else KAI, CHAR)

    def annex_list(self, titles: Sequence[str]) -> None:
        """附件说明: one line below the text, two characters in; titles aligned and without a stop."""
        self.paragraph(keep=True)
        for number, title in enumerate(titles, 1):
            head = "附件：" if number == 1 else "　　　"
            mark = f"{number}. " if len(titles) > 1 else ""
            paragraph = self.paragraph(keep=True)
            paragraph.paragraph_format.left_indent = CHAR * 6
            paragraph.paragraph_format.first_line_indent = -CHAR * 4
            _run(paragraph, f"{head}{mark}{title}", BODY, CHAR)

    def signature(self, office: str, day: str) -> None:
        """发文机关署名 and 成文日期, right; the date centred below a longer name, kept with the text above."""
        self.paragraph(keep=True)
        self.paragraph(keep=True)
        name = self.paragraph(align=_RIGHT, keep=True)
        name.paragraph_format.right_indent = CHAR * 2
        _run(name, office, BODY, CHAR)
        dated = self.paragraph(align=_RIGHT)
        over = max(0.0, (len(office) - len(day)) / 2)
        dated.paragraph_format.right_indent = int(CHAR * (2 + max(2.0, over)))
        _run(dated, day, BODY, CHAR)

    def imprint(self, office: str, day: str) -> None:
        """版记: at the foot of the page, between rules of 0.35 mm, 四号."""
        paragraph = self.paragraph()
        _exact(paragraph, Pt(24))
        frame = OxmlElement("w:framePr")
        for name, value in (
            ("w", str(TEXT_WIDTH.twips)),
            ("hSpace", "0"),
            ("wrap", "around"),
            ("vAnchor", "margin"),
            ("hAnchor", "margin"),
            ("xAlign", "left"),
            ("yAlign", "bottom"),
        ):
            frame.set(qn(f"w:{name}"), value)
        properties = paragraph._p.get_or_add_pPr()
        properties.insert_element_before(frame, *_AFTER_FRAME)
        _rule(paragraph, "top", "single", 8, "000000", space=1)
        _rule(paragraph, "bottom", "single", 8, "000000", space=1)
        paragraph.paragraph_format.left_indent = Pt(14)
        paragraph.paragraph_format.right_indent = Pt(14)
        tabs = paragraph.paragraph_format.tab_stops
        from docx.enum.text import WD_TAB_ALIGNMENT

        tabs.add_tab_stop(TEXT_WIDTH - Pt(14), WD_TAB_ALIGNMENT.RIGHT)
        _run(paragraph, office, BODY, Pt(14))
        paragraph.add_run().add_tab()
        _run(paragraph, f"{day}印发", BODY, Pt(14))

    def small(self, text: str, *, bold: bool = False) -> None:
        """A note in 五号, for tables' feet."""
        paragraph = self.paragraph(align=_JUSTIFY)
        _exact(paragraph, Pt(16))
        _run(paragraph, text, BODY, Pt(10.5)).bold = bold

    # --- tables -------------------------------------------------------------------------------------------

    def table(self, widths: Sequence[float], head: Sequence[str], rows: Sequence[Sequence[str] | str]) -> None:
        """A ruled table of fixed column widths (mm); the head repeats on every page.

        A row that is a plain text spans all columns. Built as XML at once: python-docx's own cells take time
        in the square of the rows.
        """
        table = OxmlElement("w:tbl")
        table.append(_table_properties(widths))
        grid = OxmlElement("w:tblGrid")
        for width in widths:
            column = OxmlElement("w:gridCol")
            column.set(qn("w:w"), str(Mm(width).twips))
            grid.append(column)
        table.append(grid)
        table.append(_row(widths, head, head_row=True))
        for row in rows:
            table.append(_row(widths, row))
        body = self.document.element.body
        body.insert(len(body) - 1, table)

    # --- the end ------------------------------------------------------------------------------------------

    def bytes(self) -> bytes:
        """The document; the same calls give the same bytes."""
        _font_table(self.document)
        raw, out = io.BytesIO(), io.BytesIO()
        self.document.save(raw)
        with zipfile.ZipFile(raw) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
            for item in source.infolist():
                target.writestr(zipfile.ZipInfo(item.filename, _ZIP_TIME), source.read(item), zipfile.ZIP_DEFLATED)
        return out.getvalue()

    # --- header, footer and mark --------------------------------------------------------------------------

    def _running(self) -> None:
        section = self._section
        for header in (section.header, section.even_page_header):
            header.is_linked_to_previous = False
            self._draft_mark(header.paragraphs[0])
        for footer, align in ((section.footer, _RIGHT), (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT)):
            footer.is_linked_to_previous = False
            _page_number(footer.paragraphs[0], align)

    def _draft_mark(self, paragraph: Paragraph) -> None:
        paragraph.alignment = _CENTRE
        _exact(paragraph, Pt(20))
        _run(paragraph, self._mark, HEI, Pt(14))

    @staticmethod
    def _office_mark(paragraph: Paragraph, office: str, width: Length) -> None:
        """发文机关标志: red, centred, as large as fits: long names are set narrower before they are set smaller."""
        paragraph.alignment = _CENTRE
        room = width.pt / max(len(office), 1)
        size = min(42.0, max(room / 0.6, 16.0))
        _exact(paragraph, Pt(size * 1.25))
        run = _run(paragraph, office, TITLE, Pt(round(size * 2) / 2))
        run.font.color.rgb = RED
        scale = OxmlElement("w:w")
        scale.set(qn("w:val"), str(max(33, min(100, int(room / size * 100)))))
        run._r.get_or_add_rPr().insert_element_before(
            scale, "w:kern", "w:position", "w:sz", "w:szCs", "w:highlight", "w:u", "w:lang"
        )

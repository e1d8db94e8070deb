"""Official papers as GB/T 9704-2012 lays them out, on python-docx.

A4 with margins of 37 mm (top), 28 mm (left), 35 mm (bottom) and 26 mm (right): a type area of 156 × 225 mm
for 22 lines of 28 characters of 三号仿宋 (16 pt).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time

from docx import Document
from docx.enum.section import WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.shared import Length, Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from reports import docx_xml as xml
from reports.docx_xml import CHAR
from reports.fonts import BODY, HEI, KAI, TITLE

RED = RGBColor(0xFF, 0, 0)
TEXT_WIDTH = Mm(156)
_SMALL = Pt(14)  # 四号
_LEFT, _CENTRE, _RIGHT = WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
#: Fixed, so that the same view gives the same bytes.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


class Paper:
    """A paper under construction: parts are added in order, then :meth:`content` gives the file's bytes.

    ``mark`` stands at the head of every page.
    """

    def __init__(self, *, title: str, author: str, on: date, mark: str) -> None:
        self._mark = mark
        self.document = Document()
        xml.defaults(self.document)
        core = self.document.core_properties
        core.title, core.author, core.last_modified_by = title[:250], author[:250], author[:250]
        core.comments, core.created, core.modified = mark, datetime.combine(on, time()), datetime.combine(on, time())
        self.document.settings.odd_and_even_pages_header_footer = True
        self._section = self.document.sections[0]
        xml.page(self._section)
        self._head_and_foot()

    def new_section(self) -> None:
        """A new page whose first page is like the others; marks and page numbers run on."""
        self._section = self.document.add_section(WD_SECTION.NEW_PAGE)
        self._section.different_first_page_header_footer = False

    # --- heads --------------------------------------------------------------------------------------------

    def letter_head(self, office: str, number: str) -> None:
        """信函格式: the office 30 mm from the edge, double red rules of 170 mm, no page number on page 1."""
        section = self._section
        section.different_first_page_header_footer = True
        header, footer = section.first_page_header, section.first_page_footer
        header.is_linked_to_previous = footer.is_linked_to_previous = False
        self._draft_mark(header.paragraphs[0])
        xml.exact(header.add_paragraph(), Mm(15) - Pt(26), grid=False)
        name = header.add_paragraph()
        self._office_mark(name, office, Mm(164))
        _to_170_mm(name)
        xml.rule(name, "bottom", "thickThinSmallGap", 24, "FF0000", space=11)
        line = footer.paragraphs[0]
        xml.exact(line, Pt(2))
        _to_170_mm(line)
        xml.rule(line, "top", "thinThickSmallGap", 24, "FF0000", space=1)
        # The number stands right, 7/8 of a character below the rule.
        xml.run(self.paragraph(align=_RIGHT, before=_SMALL), number, BODY, CHAR)

    def red_head(self, office: str, number: str, *, label: str = "") -> None:
        """文件式版头: the office 35 mm below the top of the type area, the number, a red rule 4 mm below it.

        ``label`` (附件3) marks a paper that is itself an annex.
        """
        first = self.paragraph()
        if label:
            xml.run(first, label, HEI, CHAR)
            first = self.paragraph()
        xml.exact(first, Mm(35) - xml.LINE if label else Mm(35))
        self._office_mark(self.paragraph(), office, TEXT_WIDTH)
        self.paragraph()
        self.paragraph()
        reference = self.paragraph(align=_CENTRE)
        xml.run(reference, number, BODY, CHAR)
        xml.rule(reference, "bottom", "single", 12, "FF0000", space=11)  # 4 mm are 11.3 pt

    def title(self, lines: Sequence[str], *, blank: int = 2) -> None:
        """标题: 二号小标宋, centred, ``blank`` lines below what stands above."""
        for _ in range(blank):
            self.paragraph()
        for line in lines:
            xml.run(self.paragraph(style="Title"), line, TITLE, Pt(22))

    def annex_head(self, label: str, title: str) -> None:
        """附件1 flush left in 黑体 on the first line, the title centred on the third."""
        xml.run(self.paragraph(keep=True), label, HEI, CHAR)
        self.title((title,), blank=1)
        xml.exact(self.paragraph(keep=True), Pt(12))

    # --- text ---------------------------------------------------------------------------------------------

    def paragraph(
        self,
        *,
        style: str = "",
        align: WD_ALIGN_PARAGRAPH | None = None,
        before: Length | None = None,
        keep: bool = False,
    ) -> Paragraph:
        """An empty paragraph; ``style`` is a style's id, ``keep`` holds it on the page of the next one."""
        paragraph = self.document.add_paragraph()
        if style:
            # By id: python-docx looks names up by reading the whole style sheet each time.
            paragraph._p.style = style
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
        xml.run(self.paragraph(), f"{name}：", BODY, CHAR)

    def text(self, text: str, lead: str = "", *, keep: bool = False) -> None:
        """正文, indented by two characters; ``lead`` in bold before it.

        Not justified: on the grid of characters lines end alike anyway, and LibreOffice loses a comma that hangs
        over the end of a justified line.
        """
        paragraph = self.paragraph(align=_LEFT, keep=keep)
        paragraph.paragraph_format.first_line_indent = Length(CHAR * 2)
        if lead:
            xml.run(paragraph, lead, BODY, CHAR, bold=True)
        xml.run(paragraph, text, BODY, CHAR)

    def heading(self, text: str, level: int) -> None:
        """一、in 黑体 (level 1), （一）in 楷体 (level 2)."""
        xml.run(self.paragraph(style=f"Heading{level}"), text, HEI if level == 1 else KAI, CHAR)

    def annex_list(self, titles: Sequence[str]) -> None:
        """附件说明: one line below the text, two characters in, titles aligned and without a stop."""
        self.paragraph(keep=True)
        for number, title in enumerate(titles, 1):
            head = "附件：" if number == 1 else "　　　"
            mark = f"{number}." if len(titles) > 1 else ""
            paragraph = self.paragraph(keep=True)
            paragraph.paragraph_format.left_indent = Length(CHAR * 6)
            paragraph.paragraph_format.first_line_indent = Length(-CHAR * 4)
            xml.run(paragraph, f"{head}{mark}{title}", BODY, CHAR)

    def signature(self, office: str, day: str) -> None:
        """署名 and 成文日期 at the right, the date centred below a longer name."""
        self.paragraph(keep=True)
        self.paragraph(keep=True)
        name = self.paragraph(align=_RIGHT, keep=True)
        name.paragraph_format.right_indent = Length(CHAR * 2)
        xml.run(name, office, BODY, CHAR)
        dated = self.paragraph(align=_RIGHT)
        over = max(2.0, (len(office) - len(day)) / 2)
        dated.paragraph_format.right_indent = Length(int(CHAR * (2 + over)))
        xml.run(dated, day, BODY, CHAR)

    def imprint(self, office: str, day: str) -> None:
        """版记 at the foot of the page between rules of 0.35 mm, in 四号."""
        paragraph = self.paragraph()
        xml.exact(paragraph, Pt(24))
        xml.frame_at_foot(paragraph, TEXT_WIDTH)
        xml.rule(paragraph, "top", "single", 8, "000000", space=1)
        xml.rule(paragraph, "bottom", "single", 8, "000000", space=1)
        form = paragraph.paragraph_format
        form.tab_stops.add_tab_stop(Length(TEXT_WIDTH - _SMALL), WD_TAB_ALIGNMENT.RIGHT)
        xml.run(paragraph, f"　{office}", BODY, _SMALL)
        paragraph.add_run().add_tab()
        xml.run(paragraph, f"{day}印发", BODY, _SMALL)

    def small(self, text: str) -> None:
        """A note in 五号, for the foot of a table."""
        paragraph = self.paragraph(align=_LEFT)
        xml.exact(paragraph, Pt(16), grid=False)
        xml.run(paragraph, text, BODY, Pt(10.5))

    def table(self, widths: Sequence[float], head: Sequence[str], rows: Sequence[xml.Row]) -> None:
        """A ruled table, see :func:`reports.docx_xml.table`."""
        # The section's properties are the last child of the body.
        body = self.document.element.body
        body.insert(len(body) - 1, xml.table(widths, head, rows))

    # --- the whole ----------------------------------------------------------------------------------------

    def content(self) -> bytes:
        """The file; the same calls give the same bytes."""
        xml.font_table(self.document)
        raw, out = io.BytesIO(), io.BytesIO()
        self.document.save(raw)
        with zipfile.ZipFile(raw) as source, zipfile.ZipFile(out, "w") as target:
            for item in source.infolist():
                target.writestr(zipfile.ZipInfo(item.filename, _ZIP_TIME), source.read(item), zipfile.ZIP_DEFLATED)
        return out.getvalue()

    def _head_and_foot(self) -> None:
        section = self._section
        for header in (section.header, section.even_page_header):
            header.is_linked_to_previous = False
            self._draft_mark(header.paragraphs[0])
        # Odd pages carry their number right, even ones left, one character in.
        for footer, align in ((section.footer, _RIGHT), (section.even_page_footer, _LEFT)):
            footer.is_linked_to_previous = False
            paragraph = footer.paragraphs[0]
            paragraph.alignment = align
            paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = _SMALL
            xml.page_number(paragraph, _SMALL)

    def _draft_mark(self, paragraph: Paragraph) -> None:
        paragraph.alignment = _CENTRE
        xml.exact(paragraph, Pt(22), grid=False)
        for side in ("top", "left", "bottom", "right"):
            xml.rule(paragraph, side, "single", 8, "000000", space=1)
        paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = Mm(36)
        xml.run(paragraph, self._mark, HEI, CHAR, bold=True)

    @staticmethod
    def _office_mark(paragraph: Paragraph, office: str, width: Length) -> None:
        """发文机关标志, red and centred: a long name is set narrower before it is set smaller."""
        paragraph.alignment = _CENTRE
        room = width.pt / max(len(office), 1)
        size = round(min(42.0, max(room / 0.6, 16.0)))
        xml.exact(paragraph, Pt(size * 1.25))
        made = xml.run(paragraph, office, TITLE, Pt(size))
        made.font.color.rgb = RED
        xml.narrow(made, max(33, min(100, int(room / size * 100))))


def _to_170_mm(paragraph: Paragraph) -> None:
    """Lets a paragraph stick out of the type area to 170 mm, centred on the sheet."""
    paragraph.paragraph_format.left_indent = Mm(-8)
    paragraph.paragraph_format.right_indent = Mm(-6)

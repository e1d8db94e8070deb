"""WordprocessingML as text: runs, paragraphs, ruled tables, page numbers, the sheet. Pure.

What is passed as ``words`` is escaped; what is passed as ``runs`` or ``paragraphs`` is XML already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from xml.sax.saxutils import escape

from inventories.faults import clean
from reports.papers.styles import LINE, NAMESPACE, mm, twips

NAMESPACES = f'xmlns:w="{NAMESPACE}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
#: Column widths of the type area, in mm.
WIDTH = 156.0
_MOST = 100_000
_HINT = '<w:rFonts w:hint="eastAsia"/>'


def run(words: str, *, bold: bool = False) -> str:
    """Text in the look of its paragraph. Characters that XML cannot hold become visible escapes."""
    look = f"{_HINT}{'<w:b/><w:bCs/>' if bold else ''}"
    lines = (escape(clean(line, _MOST)) for line in words.split("\n"))
    text = "<w:br/>".join(f'<w:t xml:space="preserve">{line}</w:t>' for line in lines)
    return f"<w:r><w:rPr>{look}</w:rPr>{text}</w:r>"


def tab() -> str:
    return "<w:r><w:tab/></w:r>"


def paragraph(
    style: str,
    words: str = "",
    *,
    runs: str = "",
    sides: tuple[float, float] | None = None,
    align: Literal["", "left", "center", "right"] = "",
    tab_at: float = 0,
    frame: bool = False,
    rules: str = "",
) -> str:
    """A paragraph of ``words``, or of finished ``runs``.

    Of its own beside the style: ``sides``, the indents left and right in points; ``tab_at``, a right tab so many
    points in; ``frame`` puts it at the foot of the page's type area; ``rules`` are borders.
    """
    look = (
        f'<w:pStyle w:val="{style}"/>'
        + (_FRAME if frame else "")
        + (f"<w:pBdr>{rules}</w:pBdr>" if rules else "")
        + (f'<w:tabs><w:tab w:val="right" w:pos="{twips(tab_at)}"/></w:tabs>' if tab_at else "")
        + (f'<w:ind w:left="{twips(sides[0])}" w:right="{twips(sides[1])}"/>' if sides else "")
        + (f'<w:jc w:val="{align}"/>' if align else "")
    )
    return f"<w:p><w:pPr>{look}</w:pPr>{runs or (run(words) if words else '')}</w:p>"


_FRAME = (
    f'<w:framePr w:w="{twips(mm(WIDTH))}" w:wrap="notBeside" w:vAnchor="margin" w:hAnchor="margin" '
    'w:xAlign="left" w:yAlign="bottom"/>'
)


def rule(side: str, eighths: int) -> str:
    """A black border of a paragraph, ``eighths`` of a point thick."""
    return f'<w:{side} w:val="single" w:sz="{eighths}" w:space="0" w:color="000000"/>'


def page_number(align: Literal["left", "right"]) -> str:
    """``— 1 —`` in half-width 四号宋体."""
    field = "".join(
        f"<w:r><w:rPr>{_HINT}</w:rPr>{inner}</w:r>"
        for inner in (
            '<w:fldChar w:fldCharType="begin"/>',
            '<w:instrText xml:space="preserve">PAGE</w:instrText>',
            '<w:fldChar w:fldCharType="separate"/>',
            "<w:t>1</w:t>",
            '<w:fldChar w:fldCharType="end"/>',
        )
    )
    return paragraph("Footer", runs=run("— ") + field + run(" —"), align=align)


# --- tables -------------------------------------------------------------------------------------------------


def cell(width: float, paragraphs: str, *, span: int = 1) -> str:
    """A cell ``width`` mm wide over ``span`` columns."""
    over = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{twips(mm(width))}" w:type="dxa"/>{over}<w:vAlign w:val="center"/></w:tcPr>'
        f"{paragraphs}</w:tc>"
    )


def row(cells: Sequence[str], *, head: bool = False, height: float = 0) -> str:
    """A row that no page break cuts; a ``head`` is repeated on every page. ``height`` is at least so many mm."""
    high = f'<w:trHeight w:val="{twips(mm(height))}" w:hRule="atLeast"/>' if height else ""
    again = "<w:tblHeader/>" if head else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{high}{again}</w:trPr>{''.join(cells)}</w:tr>"


def table(widths: Sequence[float], rows: Sequence[str]) -> str:
    """A ruled table of fixed column widths in mm."""
    grid = "".join(f'<w:gridCol w:w="{twips(mm(width))}"/>' for width in widths)
    return (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="Ruled"/><w:tblW w:w="{twips(mm(sum(widths)))}" w:type="dxa"/>'
        '<w:jc w:val="center"/><w:tblLayout w:type="fixed"/></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>"
    )


def head_row(widths: Sequence[float], heads: Sequence[str]) -> str:
    cells = [cell(w, paragraph("TableHead", words)) for w, words in zip(widths, heads, strict=True)]
    return row(cells, head=True)


def spanning(widths: Sequence[float], style: str, words: str) -> str:
    """A row of one cell over all columns."""
    return row([cell(sum(widths), paragraph(style, words), span=len(widths))])


# --- the sheet ----------------------------------------------------------------------------------------------


def section(references: str, *, first_differs: bool) -> str:
    """A4 with the standard's margins and the grid of 22 lines.

    The footer ends where the lower rule of a letter stands, 20 mm from the edge; page numbers keep their distance
    from it by themselves (the style Footer), so that they stand 7 mm below the type area.
    """
    margins = {"top": 37.0, "right": 26.0, "bottom": 35.0, "left": 28.0, "header": 15.0, "footer": 20.0}
    sides = " ".join(f'w:{side}="{twips(mm(length))}"' for side, length in margins.items())
    return (
        f'<w:sectPr>{references}<w:pgSz w:w="11906" w:h="16838"/><w:pgMar {sides} w:gutter="0"/>'
        f"{'<w:titlePg/>' if first_differs else ''}"
        f'<w:docGrid w:type="lines" w:linePitch="{twips(LINE)}"/></w:sectPr>'
    )


def part(tag: str, content: str) -> str:
    """A part's whole XML: ``document``, ``hdr``, ``ftr``."""
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:{tag} {NAMESPACES}>{content}</w:{tag}>'

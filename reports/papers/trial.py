"""A template filled with examples, looked at as a word processor would: does it open, and is a draft marked?"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from docx import Document
from docx.document import Document as Opened
from docx.oxml.ns import qn
from lxml import etree

from inventories.faults import Fault

#: What the mark of a draft is in the examples.
MARK = "〖草稿标记〗"
_TEXT, _ROW, _CELL, _PARAGRAPH = qn("w:t"), qn("w:tr"), qn("w:tc"), qn("w:p")
#: What stands beside rows and cells and is none.
_LOOSE = frozenset({qn("w:tr"), qn("w:sdt"), qn("w:customXml")})


def structure(paper: bytes, shown: str, how: str) -> Iterator[Fault]:
    """Cells without a paragraph, rows without a cell, tables without a row: Word says the file is damaged."""
    with zipfile.ZipFile(io.BytesIO(paper)) as archive:
        for name in archive.namelist():
            if name.startswith("word/") and name.endswith(".xml") and name.count("/") == 1:
                for what in _hollow(etree.fromstring(archive.read(name))):
                    mend = "leave a paragraph or a row outside {%p … %} and {%tr … %}"
                    yield Fault(shown, f"{how}, {what}", mend)


def _hollow(root: etree._Element) -> Iterator[str]:
    for cell in root.iter(_CELL):
        if not len(cell) or cell[-1].tag != _PARAGRAPH:
            yield "a table's cell has no paragraph"
    for row in root.iter(_ROW):
        if all(child.tag == qn("w:trPr") or child.tag == qn("w:tblPrEx") for child in row):
            yield "a table's row has no cell"
    for table in root.iter(qn("w:tbl")):
        if not any(child.tag in _LOOSE for child in table):
            yield "a table has no row"
    if root.tag in (qn("w:hdr"), qn("w:ftr")) and root.find(_PARAGRAPH) is None:
        yield "a header or footer has no paragraph"


def unmarked(paper: bytes, shown: str) -> Iterator[Fault]:
    """Pages on which a draft would not be marked as one."""
    document = Document(io.BytesIO(paper))
    for kind in sorted(set(_without_mark(document))):
        yield Fault(
            shown, f"does not mark a draft on {kind}", "put {%p if mark %}, {{ mark }}, {%p endif %} into that header"
        )


def _without_mark(document: Opened) -> Iterator[str]:
    if not document.sections:
        yield "any page"
    for place, section in enumerate(document.sections):
        heads = [("odd pages", section.header)]
        if document.settings.odd_and_even_pages_header_footer:
            heads.append(("even pages", section.even_page_header))
        if section.different_first_page_header_footer:
            heads.append(("a first page", section.first_page_header))
        for kind, head in heads:
            # A section takes its header from the one before; the first has nobody to take it from.
            missing = place == 0 and head.is_linked_to_previous
            if missing or MARK not in "".join(text.text or "" for text in head._element.iter(_TEXT)):
                yield kind

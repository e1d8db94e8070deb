"""A Word file made from its parts: nothing in it that was not put there, the same parts give the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape, quoteattr

from inventories.faults import clean
from reports.fonts import FALLBACKS
from reports.papers import styles, wml

#: Fixed, so that the same paper gives the same bytes.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument"
_WORD = f"{_TYPE}.wordprocessingml"
_DAY = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")


@dataclass(frozen=True, slots=True)
class Layout:
    """A document's content, as XML of its parts.

    ``heads`` and ``feet`` are by kind: ``default`` (odd pages), ``even``, and ``first`` where page 1 differs.
    """

    body: str
    heads: Mapping[str, str]
    feet: Mapping[str, str]


def write(layout: Layout, *, title: str = "", author: str = "", subject: str = "", on: date | None = None) -> bytes:
    """The file's bytes."""
    numbered = [
        (f"{tag}{place}", kind, tag, content)
        for tag, by_kind in (("header", layout.heads), ("footer", layout.feet))
        for place, (kind, content) in enumerate(by_kind.items(), 1)
    ]
    references = "".join(f'<w:{tag}Reference w:type="{kind}" r:id="{name}"/>' for name, kind, tag, _ in numbered)
    section = wml.section(references, first_differs="first" in layout.heads)
    parts = {
        "[Content_Types].xml": _content_types(name for name, *_ in numbered),
        "_rels/.rels": _relationships(
            ("document", f"{_OFFICE}/relationships/officeDocument", "word/document.xml"),
            ("core", f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
            ("app", f"{_OFFICE}/relationships/extended-properties", "docProps/app.xml"),
        ),
        "docProps/app.xml": f'{_XML}<Properties xmlns="{_OFFICE}/extended-properties"></Properties>',
        "docProps/core.xml": core(title=title, author=author, subject=subject, on=on),
        "word/document.xml": wml.part("document", f"<w:body>{layout.body}{section}</w:body>"),
        "word/_rels/document.xml.rels": _relationships(
            *(
                (name, f"{_OFFICE}/relationships/{name}", f"{name}.xml")
                for name in ("styles", "settings", "fontTable")
            ),
            *((name, f"{_OFFICE}/relationships/{tag}", f"{name}.xml") for name, _, tag, _ in numbered),
        ),
        "word/styles.xml": styles.sheet(),
        "word/settings.xml": _SETTINGS,
        "word/fontTable.xml": _font_table(),
        **{
            f"word/{name}.xml": wml.part("hdr" if tag == "header" else "ftr", content)
            for name, _, tag, content in numbered
        },
    }
    return pack((name, text.encode()) for name, text in parts.items())


def pack(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """A zip archive of the parts in their order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in parts:
            archive.writestr(entry(name), data)
    return out.getvalue()


def entry(name: str) -> zipfile.ZipInfo:
    """How a part stands in the archive."""
    info = zipfile.ZipInfo(name, ZIP_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def core(*, title: str, author: str, subject: str, on: date | None) -> str:
    """``docProps/core.xml``: whose paper it is. It names an office, never the person at the keyboard."""
    day = f"{on.isoformat()}T00:00:00Z" if on else ""
    dated = "".join(
        f'<dcterms:{what} xsi:type="dcterms:W3CDTF">{day}</dcterms:{what}>' for what in ("created", "modified") if day
    )
    safe = {name: escape(clean(text, 250)) for name, text in (("t", title), ("a", author), ("s", subject))}
    return (
        f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{safe['t']}</dc:title><dc:subject>{safe['s']}</dc:subject><dc:creator>{safe['a']}</dc:creator>"
        f"<cp:lastModifiedBy>{safe['a']}</cp:lastModifiedBy>{dated}<dc:language>zh-CN</dc:language></cp:coreProperties>"
    )


def issue_day(words: str) -> date | None:
    """The day that 2026年11月23日 names; None where there is none, as on a draft."""
    found = _DAY.fullmatch(words.strip())
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None


def _content_types(numbered: Iterable[str]) -> str:
    kinds = {
        "word/document.xml": f"{_WORD}.document.main+xml",
        "word/styles.xml": f"{_WORD}.styles+xml",
        "word/settings.xml": f"{_WORD}.settings+xml",
        "word/fontTable.xml": f"{_WORD}.fontTable+xml",
        "docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
        "docProps/app.xml": f"{_TYPE}.extended-properties+xml",
        **{f"word/{name}.xml": f"{_WORD}.{name.rstrip('0123456789')}+xml" for name in numbered},
    }
    overrides = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in kinds.items())
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )


def _relationships(*targets: tuple[str, str, str]) -> str:
    inner = "".join(f'<Relationship Id="{name}" Type="{kind}" Target="{target}"/>' for name, kind, target in targets)
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


#: Odd and even pages differ; punctuation keeps its width, so that 28 characters fill a line.
_SETTINGS = (
    f'{_XML}<w:settings xmlns:w="{styles.NAMESPACE}"><w:zoom w:percent="100"/><w:defaultTabStop w:val="420"/>'
    '<w:evenAndOddHeaders/><w:characterSpacingControl w:val="doNotCompress"/><w:compat>'
    '<w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/>'
    '</w:compat><w:themeFontLang w:val="en-US" w:eastAsia="zh-CN"/><w:decimalSymbol w:val="."/>'
    '<w:listSeparator w:val=","/></w:settings>'
)


def _font_table() -> str:
    """The papers' fonts, each with what may stand in for it."""
    fonts = "".join(
        f"<w:font w:name={quoteattr(name)}><w:altName w:val={quoteattr(','.join(others))}/>"
        '<w:charset w:val="86"/><w:family w:val="auto"/><w:pitch w:val="variable"/></w:font>'
        for name, others in FALLBACKS.items()
    )
    return f'{_XML}<w:fonts xmlns:w="{styles.NAMESPACE}">{fonts}</w:fonts>'

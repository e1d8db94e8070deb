"""What a page calls itself: its title in whatever character set it is written, and where it sends a browser."""

from __future__ import annotations

import codecs
import html
import re

from probes.http_ask import Answer

#: Only the beginning of a page is looked at: a title stands in its head.
_LOOKED_AT = 65_536
TITLE = 120

# Every repetition is bounded: a page may hold a hundred thousand beginnings of a tag and no end.
_TITLE = re.compile(r"<title(?:\s[^>]{0,300})?>", re.IGNORECASE)
_META = re.compile(r"<meta\s([^>]{1,1000})>", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_TYPE_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_REFRESH = re.compile(r"url\s*=\s*['\"]?\s*([^'\">\s]{1,1000})", re.IGNORECASE)

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
#: The character sets that Chinese pages are written in, by the names that they give.
_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5",
    "utf-16": "utf-16-le",
}


def text_of(answer: Answer) -> str:
    """The beginning of a body as text: by its mark, its header, its own word, else UTF-8, else GB 18030."""
    raw = answer.body[:_LOOKED_AT]
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(name, "replace")
    header = _TYPE_CHARSET.search(answer.header("content-type"))
    own = _CHARSET.search(raw[:8192])
    words = [header[1] if header else "", own[1].decode("ascii") if own else ""]
    said = [_CHARSETS[word.lower()] for word in words if word.lower() in _CHARSETS]
    for name in (*said, "utf-8", "gb18030"):
        decoded = _decoded(raw, name)
        if decoded is not None:
            return decoded
    return raw.decode(said[0] if said else "latin-1", "replace")


def title_of(answer: Answer) -> str:
    """The page's title in one line, as it is written: not made safe to show, and at most some 120 characters."""
    page = text_of(answer)
    start = _TITLE.search(page)
    if start is None:
        return ""
    end = page.find("</", start.end(), start.end() + 4096)
    inside = page[start.end() : end if end >= 0 else start.end() + 4 * TITLE]
    return " ".join(html.unescape(inside).split())[: 2 * TITLE]


def refresh_of(answer: Answer) -> str:
    """Where the page's own ``<meta http-equiv=refresh>`` leads, or the empty string."""
    for found in _META.finditer(text_of(answer)[:16_384]):
        inside = html.unescape(found[1])
        if re.search(r"http-equiv\s*=\s*[\"']?\s*refresh", inside, re.IGNORECASE):
            target = _REFRESH.search(inside)
            return target[1] if target else ""
    return ""


def _decoded(raw: bytes, name: str) -> str | None:
    """As text of that character set; a piece cut in the middle of a character is still text. None: it is not."""
    for cut in range(4):
        try:
            return raw[: len(raw) - cut].decode(name)
        except UnicodeDecodeError:
            continue
    return None

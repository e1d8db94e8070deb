"""Elements of a page as escaped text: what is not :class:`Html` is text from outside, and cannot become markup."""

from __future__ import annotations

import html
import ipaddress
import re
from collections.abc import Iterable
from typing import TypeAlias

from inventories.faults import clean

#: Characters of one text; names in registers may be of any length.
LIMIT = 240
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9:-]*")
_VOID = frozenset({"br", "hr", "meta", "col"})
#: Shapes of a drawing, which hold nothing.
_SHAPES = frozenset({"rect", "circle", "line", "path", "polyline", "polygon"})
#: What may be an address, with its prefix length or port: IPv4, and runs of hexadecimal groups (IPv6, MAC).
_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9_.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::{1,2}[0-9A-Fa-f]{1,4}){1,8}(?:::)?)"
    r"(?![A-Za-z0-9_]|\.\d)"
)
_AFTER = re.compile(r"(?::\d{1,5}|/\d{1,3})(?!\d)")
_HIDDEN = "〔地址略〕"


class Html(str):
    """Text that is markup already, made here."""

    __slots__ = ()


Node: TypeAlias = "Html | str | int | float | Iterable[Node] | None"


def text(value: object, limit: int = LIMIT) -> Html:
    """Text from outside as it is to be read: escaped, bounded, without control or direction characters."""
    return Html(html.escape(clean(str(value), limit), quote=True))


def tag(name: str, /, *children: Node, **attributes: str | int | None) -> Html:
    """An element. Attributes are our own words: ``aria_label`` becomes ``aria-label``, ``class_`` ``class``.

    None leaves an attribute out, the empty string writes it bare. ValueError for a name that is none.
    """
    opened = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no element")
    if name in _VOID:
        return Html(f"<{name}{opened}>")
    if name in _SHAPES:
        return Html(f"<{name}{opened}/>")
    return Html(f"<{name}{opened}>{join(children)}</{name}>")


def join(children: Iterable[Node]) -> Html:
    """Nodes one after another."""
    return Html("".join([_one(child) for child in children]))


def _one(child: Node) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, (str, int, float)):
        return text(child)
    return join(child)


def _attribute(key: str, value: str | int) -> str:
    name = key.rstrip("_").replace("_", "-")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{key!r} is no attribute")
    return f' {name}="{text(value, 4000)}"'


def unaddressed(words: str) -> str:
    """A text without network addresses: the page is shown in meetings, and a list of weak hosts is no part of it."""
    out, at = [], 0
    for found in _ADDRESS.finditer(words):
        if _is_address(found.group()):
            out += [words[at : found.start()], _HIDDEN]
            more = _AFTER.match(words, found.end())
            at = more.end() if more else found.end()
    return "".join([*out, words[at:]])


def _is_address(word: str) -> bool:
    if re.fullmatch(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}", word):
        return True
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True

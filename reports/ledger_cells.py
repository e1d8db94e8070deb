"""What a cell of a ledger may hold, its text, and how many lines it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from inventories.faults import clean

#: What a cell may hold is 32,767 characters.
MAX_TEXT = 32_000
MAX_LINE = 4000
#: A text that a spreadsheet would take for a formula once somebody edits the cell.
FORMULA_STARTS = frozenset("=+-@\t\r＝＋－＠")

#: What a column's width loses to its edges, in characters.
MARGIN = 1.5

Cell: TypeAlias = object


@dataclass(frozen=True, slots=True)
class Lines:
    """A cell of several lines; each is cleaned by itself."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share, shown in per cent."""

    value: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A text that stands out. ``tone``: ``bad``, ``warn``, ``good``, or ``faint`` for what nobody has told.

    The words carry the meaning, since ledgers are printed in black.
    """

    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Head:
    """A column's heading and width in characters."""

    title: str
    width: float = 14


def heads(*texts: str) -> tuple[Head, ...]:
    """Headings with their widths, written ``部门 20; 对象 22``; ``|`` breaks a line."""
    pairs = (item.rsplit(" ", 1) for text in texts for item in text.split("; "))
    return tuple(Head(title.replace("|", "\n"), float(width)) for title, width in pairs)


def as_text(cell: Cell) -> str:
    """A cell's text, safe to show: lists joined, lines kept only where we made them."""
    if isinstance(cell, str):
        return _plain(cell, MAX_LINE)
    if isinstance(cell, Lines):
        return _no_markup("\n".join([_plain(line, 2000) for line in cell.lines])[:MAX_TEXT])
    if isinstance(cell, Mark):
        return _plain(cell.text, MAX_LINE)
    if isinstance(cell, (list, tuple, set, frozenset)):
        return _plain("、".join([str(item) for item in cell]), MAX_LINE)
    return _plain(str(cell), MAX_LINE)


def _plain(text: str, limit: int) -> str:
    # isprintable() is false for every character that clean() replaces, and costs next to nothing.
    return _no_markup(text if len(text) <= limit and text.isprintable() else clean(text, limit))


def _no_markup(text: str) -> str:
    """The writer takes a text from ``<r>`` to ``</r>`` for markup of its own and puts it into the file as it is."""
    return f"{text} " if text.startswith("<r>") and text.endswith("</r>") else text


def is_risky(text: str) -> bool:
    """Whether a spreadsheet would take the text for a formula once somebody edits the cell."""
    return text[:1] in FORMULA_STARTS


def lines_of(text: str, width: float) -> int:
    """How many lines a text takes in a column; a Chinese character is as wide as two figures."""
    room = width - MARGIN
    if "\n" not in text:
        return wrapped(text, room)
    return sum(wrapped(line, room) for line in text.split("\n"))


def wrapped(text: str, room: float) -> int:
    """How many lines a text without line breaks takes in so much room."""
    size: float = len(text)
    # Four bytes at the most, so two and a half figures.
    if size * 2.5 <= room:
        return 1
    if not text.isascii():
        size = (size + len(text.encode())) / 2
    return max(1, math.ceil(size / room))

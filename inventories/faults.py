"""Errors that tell where, what and how to mend it, all at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in something a person wrote.

    ``where`` is ``file:line:col`` for text and ``book!cell`` for tables; ``mend`` says what to do.
    """

    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f": {self.mend}" if self.mend else "")


class Faults(Exception):
    """Every fault found in one reading, so that a person mends them all in one go."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(f) for f in self.faults))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``did you mean '财政局'?`` for the nearest known word, else the empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""


def clean(text: str, limit: int = 200) -> str:
    """Text from outside made safe to show: no control or direction characters, bounded length.

    Terminal escapes, bidirectional overrides and line breaks become ``\\x1b``-style escapes, so what was
    there stays visible and does nothing.
    """
    out: list[str] = []
    size = 0
    for char in text:
        code = ord(char)
        piece = char
        if code < 0x20 or 0x7F <= code < 0xA0:
            piece = f"\\x{code:02x}"
        elif code in _INVISIBLE or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF):
            piece = f"\\u{code:04x}"
        size += len(piece)
        if size > limit:
            out.append("…")
            break
        out.append(piece)
    return "".join(out)


_INVISIBLE = frozenset(
    [0x061C, 0x2028, 0x2029, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
)

"""A return of nothing: a department that has none of a kind says so, in words."""

from __future__ import annotations

from inventories.registers import words
from inventories.registers.cells import text_of
from inventories.registers.headings import Matching
from inventories.registers.tables import Row, filled


def says_nil(row: Row, matching: Matching) -> bool:
    """Whether a row says 无, and nothing else beside whose it is, its number and remarks."""
    said = [
        words.fold(text_of(cell))
        for i, cell in filled(row.cells)
        if i not in matching.empty and i in matching.columns
    ]
    told = [word for word in said if not words.is_blank(word)]
    return bool(told) and all(words.says_none(word, paper=False) for word in told)

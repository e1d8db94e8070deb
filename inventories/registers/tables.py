"""Tables as the readers hand them over: a heading for every column, and for every cell the place to find it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from inventories.registers.cells import Raw

MAX_ROWS = 100_000
MAX_COLUMNS = 300
#: How far down a sheet the heading row may stand.
HEADING_ROWS = 20


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """One file of a register: ``shown`` is its name in errors, ``digest`` its SHA-256 in hex.

    ``part_of``: the register and the department of the return that it is part of, None for any other file;
    ``form``: the SHA-256 of the form that the return was handed in as.
    """

    register: str
    path: Path
    shown: str
    digest: str
    modified: datetime
    part_of: tuple[str, str] | None = None
    form: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the headings. ``places`` holds a place per cell for YAML; tables compute theirs."""

    number: int
    cells: tuple[Raw, ...]
    places: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Headings and rows of one sheet, CSV file or YAML list.

    ``above`` holds, per column, the text of a group heading that stands over it (等保 over 级别), or "".
    ``ragged``: rows may be of any length (CSV), so that one too long has its cells shifted.
    """

    shown: str
    headings: tuple[str, ...]
    rows: Sequence[Row]
    heading_row: int = 0
    above: tuple[str, ...] = ()
    from_1904: bool = False
    ragged: bool = False
    heading_places: Mapping[int, str] = field(default_factory=dict)

    def where(self, row: Row, column: int | None = None) -> str:
        """``book!B17`` for a cell, ``book!17`` for a row, ``file:line:col`` for YAML."""
        if column is None:
            return row.place or f"{self.shown}!{row.number}"
        if row.places:
            return row.places[column] or row.place
        return f"{self.shown}!{letters(column)}{row.number}"

    def where_heading(self, column: int) -> str:
        return self.heading_places.get(column) or f"{self.shown}!{letters(column)}{self.heading_row}"


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells as they stand in one sheet, from A1 on, before the heading row is known."""

    shown: str
    cells: list[list[Raw]]
    from_1904: bool = False
    ragged: bool = False


def letters(column: int) -> str:
    """0 → A, 25 → Z, 26 → AA."""
    out = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        out = chr(65 + rest) + out
    return out


def filled(cells: Sequence[Raw]) -> Iterator[tuple[int, Raw]]:
    """The cells of a row in which something stands."""
    for i, cell in enumerate(cells):
        if cell is not None and cell != "" and not (isinstance(cell, str) and not cell.strip()):
            yield i, cell


def fill_merged(
    cells: list[list[Raw]], merged: Sequence[tuple[int, int, int, int]], *, limit: int = 2_000_000
) -> bool:
    """Writes the top-left cell of every merged range into the whole of it, in place.

    Ranges are (top, left, bottom, right), inclusive, from 0; they are clipped to the grid. Returns False, with
    the grid half done, when more than ``limit`` cells would be written: overlapping ranges are an attack.
    """
    height = len(cells)
    for top, left, bottom, right in merged:
        if top >= height or left >= len(cells[top]):
            continue
        value = cells[top][left]
        for row in cells[top : min(bottom + 1, height)]:
            end = min(right + 1, len(row))
            limit -= max(0, end - left)
            if limit < 0:
                return False
            row[left:end] = [value] * (end - left)
    return True

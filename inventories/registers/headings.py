"""Finding the heading row, and telling which column a heading means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from inventories.faults import Fault, did_you_mean
from inventories.kinds import Column, Type
from inventories.registers.cells import Raw, text_of
from inventories.registers.declare import CLASSIFIED, DEPARTMENT, DEPARTMENT_CODE, REGISTERS, Register
from inventories.registers.numbers import unit_factor
from inventories.registers.tables import HEADING_ROWS, Grid, Row, Table, filled
from inventories.registers.words import evidence, fold, key, listed

#: Columns of nearly every Chinese form that say nothing about the thing itself.
SILENT = listed("序号 备注 说明 填表人 填报人 填报日期 填表日期 审核人 联系电话 联系人 电话 no no.")
_NUMBERING = re.compile(r"^(?:\d{1,2}|[一二三四五六七八九十]{1,3})[.、)]\s*")
_BRACKETS = re.compile(r"[(\[【〔「]([^)\]】〕」]*)[)\]】〕」]?")
_MARKS = str.maketrans("", "", "*:·•\"'“”‘’★☆")
# What stands below a table, or between its parts, and is no row of it.
_FOOTER = re.compile(
    r"^(?:合计|总计|小计|共计|填表人|填报人|填表单位|填报单位|审核人|负责人|制表|备注\s*[:：]|注\s*[:：]|说明\s*[:：])"
)


@dataclass(slots=True)
class Matching:
    """Which column each heading means: index → column, and index → factor of the unit that the heading names.

    A row with nothing but cells in ``empty`` (its department, a serial number, remarks) says nothing.
    ``usable`` is False where a needed heading is missing or one column has two: no row can then be read.
    """

    columns: dict[int, Column] = field(default_factory=dict)
    factors: dict[int, Decimal] = field(default_factory=dict)
    classified: list[int] = field(default_factory=list)
    empty: set[int] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    usable: bool = True

    @property
    def index(self) -> dict[str, int]:
        """Column name → where it stands."""
        return {column.name: i for i, column in self.columns.items()}


def find_headings(grid: Grid, register: Register) -> Table | None:
    """The table that starts at the row with most known headings; None where no row has two of them.

    Title rows above are passed over. Of two neighbouring rows with as many, the lower is taken: vertically
    merged headings stand in both.
    """
    known = _known(register.name)
    best, best_score = -1, 1
    for number, cells in enumerate(grid.cells[:HEADING_ROWS]):
        found = {column for _, cell in filled(cells) if (column := _look_up(text_of(cell), known)[0])}
        if len(found) > best_score or (len(found) == best_score and best == number - 1 and best_score > 1):
            best, best_score = number, len(found)
    if best < 0:
        return None
    heads = grid.cells[best]
    width = max((i + 1 for i, _ in filled(heads)), default=0)
    above = grid.cells[best - 1] if best else []
    rows = [
        Row(number + 1, tuple(cells))
        for number, cells in enumerate(grid.cells[best + 1 :], best + 1)
        if any(True for _ in filled(cells))
    ]
    return Table(
        grid.shown,
        tuple(text_of(cell) for cell in heads[:width]),
        rows,
        best + 1,
        tuple(text_of(above[i]) if i < len(above) else "" for i in range(width)),
        grid.from_1904,
        grid.ragged,
    )


def match(table: Table, register: Register) -> Matching:
    """Tells what every heading of a table means; unknown ones are notes, contradictions are faults."""
    out = Matching()
    known = _known(register.name)
    taken: dict[str, int] = {}
    for i, heading in enumerate(table.headings):
        if not heading.strip():
            _unheaded(table, i, out)
            continue
        name, unit = _look_up(heading, known)
        if not name and i < len(table.above) and table.above[i].strip() and table.above[i] != heading:
            name, unit = _look_up(table.above[i] + heading, known)
        if not name:
            if key(heading) in SILENT:
                out.empty.add(i)
            else:
                hint = did_you_mean(fold(heading), [c.title for c in register.columns])
                what = f"the heading {evidence(fold(heading), 60)!r} is not known and its column ignored"
                out.notes.append(Fault(table.where_heading(i), what, hint))
            continue
        if name == CLASSIFIED.name:
            out.classified.append(i)
            continue
        column = register.by_name[name]
        if name in taken:
            what = f"the headings {_quoted(table, taken[name])} and {_quoted(table, i)} both mean {column.title}"
            out.faults.append(Fault(table.where_heading(i), what, "keep one of them"))
            out.usable = False
            continue
        taken[name] = i
        if register.name != "departments" and name in (DEPARTMENT.name, DEPARTMENT_CODE.name):
            out.empty.add(i)
        if _take_unit(table, i, column, unit, out):
            out.columns[i] = column
    for group in register.needs:
        if not any(name in taken for name in group):
            place = f"{table.shown}!{table.heading_row}" if table.heading_row else table.shown
            out.faults.append(Fault(place, f"has no heading {register.titles(group)}", "add the column"))
            out.usable = False
    return out


def is_footer(cells: Sequence[Raw]) -> bool:
    """Whether a row is a sum, a signature or a remark below the table."""
    first = next((cell for _, cell in filled(cells)), None)
    return isinstance(first, str) and _FOOTER.match(fold(first)) is not None


def column_named(register: Register, word: str) -> Column | None:
    """The column of a register that a heading or a column's name means, for lists of headings in cells."""
    name, _ = _look_up(word, _known(register.name))
    return register.by_name.get(name) if name else None


def _take_unit(table: Table, i: int, column: Column, unit: str, out: Matching) -> bool:
    """Whether the column can be read, given the unit that its heading names in brackets."""
    if not unit or column.type not in (Type.NUMBER, Type.INTEGER) or not column.unit:
        return True
    factor = unit_factor(column.unit, unit)
    if factor is not None:
        out.factors[i] = factor
        return True
    if len(unit) > 6 or any(word in unit for word in ("填", "选", "如", "例", "数", "额", "含", "年")):
        return True
    # Read as the column's own unit, the figures could be wrong by any factor: better NULL than wrong.
    what = f"the unit {evidence(unit, 20)!r} of {column.title} is not known and the column ignored"
    out.faults.append(Fault(table.where_heading(i), what, f"give the figures in {column.unit}"))
    return False


def _unheaded(table: Table, i: int, out: Matching) -> None:
    if any(i < len(row.cells) and text_of(row.cells[i]).strip() for row in table.rows):
        out.notes.append(Fault(table.where_heading(i), "cells without a heading are ignored", "give the column one"))


def _quoted(table: Table, i: int) -> str:
    return repr(evidence(fold(table.headings[i]), 60))


def _look_up(heading: str, known: Mapping[str, str]) -> tuple[str, str]:
    """(column name, unit in brackets) of a heading; ("", "") where unknown."""
    for text, unit in _spellings(heading):
        if text in known:
            return known[text], unit
    return "", ""


def _spellings(heading: str) -> Iterator[tuple[str, str]]:
    folded = fold(heading).translate(_MARKS)
    bare = _NUMBERING.sub("", folded)
    inside = _BRACKETS.search(bare)
    unit = inside[1].removeprefix("单位").strip(" :") if inside else ""
    yield key(folded), unit
    yield key(bare), unit
    yield key(_BRACKETS.sub("", bare)), unit
    yield key(re.sub(r"[()\[\]【】〔〕「」]", "", bare)), ""


@lru_cache(maxsize=64)
def _known(register: str) -> Mapping[str, str]:
    """Normalised heading → column name; a title outranks another column's variant."""
    out: dict[str, str] = {}
    columns = (*REGISTERS[register].columns, CLASSIFIED)
    for column in columns:
        for heading in (column.title, column.name):
            out.setdefault(key(heading.translate(_MARKS)), column.name)
    for column in columns:
        for heading in column.headings:
            out.setdefault(key(heading.translate(_MARKS)), column.name)
    return out

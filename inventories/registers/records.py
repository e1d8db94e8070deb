"""From the rows of a table to records: every cell read, every fault named, classified rows never kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from inventories.faults import Fault
from inventories.model import Value
from inventories.registers import words
from inventories.registers.cells import Cell, read_cell, text_of
from inventories.registers.declare import DEPARTMENT, DEPARTMENT_CODE, Register
from inventories.registers.departments import DepartmentBook
from inventories.registers.errors import CellError
from inventories.registers.headings import Matching, is_footer, match
from inventories.registers.tables import RegisterFile, Row, Table, filled

_OPEN = frozenset(
    "否 无 没有 非涉密 不涉密 未涉密 非密 公开 内部 一般 普通 不适用 不涉及 非涉密系统 内部公开 工作秘密 × x n no false f 0".split()
)
_IDENTITY = ("code", "name", "system_code", "system_name", "asset_code", "asset_name")


@dataclass(slots=True)
class Record:
    """One row that was read: column → cell for every cell that says something.

    ``at`` tells where each cell stands, ``said`` keeps its words, ``department`` is the id it belongs to.
    """

    register: Register
    file: RegisterFile
    where: str
    department: str
    cells: dict[str, Cell]
    at: dict[str, str]
    said: dict[str, str]
    original: Original

    def value(self, column: str) -> Value:
        cell = self.cells.get(column)
        return cell.value if cell else None

    def text(self, column: str) -> str:
        value = self.value(column)
        return value if isinstance(value, str) else ""

    def texts(self, column: str) -> tuple[str, ...]:
        value = self.value(column)
        return value if isinstance(value, tuple) else ()

    def day(self, column: str) -> date | None:
        value = self.value(column)
        return value if isinstance(value, date) and not isinstance(value, datetime) else None

    def place(self, column: str) -> str:
        return self.at.get(column, self.where)


@dataclass(frozen=True, slots=True)
class Original:
    """A row as it stood in its file, for the quarantine."""

    file: str
    where: str
    headings: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken, whole, with the reasons. ``department`` is empty where it could not be told."""

    register: str
    original: Original
    reasons: tuple[Fault, ...]
    department: str = ""
    named: str = ""


@dataclass(slots=True)
class RowsRead:
    """What one table gave. ``withheld`` holds the words by which other rows may name what was dropped."""

    records: list[Record] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    dropped: int = 0
    withheld: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    usable: bool = True


def read_rows(table: Table, file: RegisterFile, register: Register, departments: DepartmentBook) -> RowsRead:
    """Reads every row of a table. A bad cell refuses its row, so that nothing is judged half read."""
    out = RowsRead()
    matching = match(table, register)
    out.notes += matching.notes
    out.faults += matching.faults
    missing = [group for group in register.needs if not any(c.name in group for c in matching.columns.values())]
    duplicated = len(matching.columns) + len(matching.classified) and any("both mean" in f.what for f in matching.faults)
    if missing or duplicated:
        out.usable = False
        return out
    for row in table.rows:
        if not any(True for _ in filled(row.cells)):
            continue
        if is_classified(row, matching):
            _drop(row, matching, out)
        elif is_footer(row.cells) and not _complete(row, matching, register):
            out.notes.append(Fault(table.where(row), "is no row of the table and passed over"))
        else:
            _take(row, table, matching, file, register, departments, out)
    return out

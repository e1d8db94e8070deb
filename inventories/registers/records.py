"""From the rows of a table to records: every cell read, every fault named, no row taken half."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from inventories.faults import Fault
from inventories.model import Value
from inventories.registers import words
from inventories.registers.cells import Cell, Raw, read_cell, text_of
from inventories.registers.classified import Withheld, owner_word
from inventories.registers.declare import DEPARTMENT, DEPARTMENT_CODE, Register
from inventories.registers.departments import DepartmentBook
from inventories.registers.errors import CellError
from inventories.registers.headings import Matching, is_footer
from inventories.registers.tables import RegisterFile, Row, Table, filled, letters

_ONE = Decimal(1)
#: More than this many notes of one file are told as a number.
MAX_NOTES = 200


@dataclass(frozen=True, slots=True)
class Source:
    """A table with the file and register it belongs to, and what its headings mean."""

    table: Table
    file: RegisterFile
    register: Register
    matching: Matching
    index: Mapping[str, int]
    #: Registers repeat themselves: (column, words) → cell, for short words.
    known: dict[tuple[int, str], Cell] = field(default_factory=dict, compare=False, repr=False)

    def cell(self, i: int, raw: Raw) -> Cell:
        """One cell of column ``i``; see :func:`~inventories.registers.cells.read_cell`."""
        at = (i, raw) if isinstance(raw, str) and len(raw) <= 40 else None
        found = self.known.get(at) if at else None
        if found is None:
            factor = self.matching.factors.get(i, _ONE)
            found = read_cell(raw, self.matching.columns[i], factor=factor, from_1904=self.table.from_1904)
            if at and len(self.known) < 50_000:
                self.known[at] = found
        return found

    def place(self, row: Row, column: str) -> str:
        """Where a column's cell stands; the row's place where the column has no heading."""
        i = self.index.get(column)
        return self.table.where(row, i) if i is not None else self.table.where(row)


@dataclass(slots=True)
class Record:
    """One row that was read: column → cell for every cell that says something."""

    source: Source
    row: Row
    department: str
    cells: dict[str, Cell]

    @property
    def where(self) -> str:
        return self.source.table.where(self.row)

    @property
    def register(self) -> Register:
        return self.source.register

    def place(self, column: str) -> str:
        return self.source.place(self.row, column)

    def said(self, column: str) -> str:
        """A cell's own words, cleaned: the evidence of its fact."""
        i = self.source.index.get(column)
        return words.evidence(words.visible(text_of(self.row.cells[i]))) if i is not None else ""

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


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not taken, whole, with the reasons, as it stood in its file.

    ``department`` is its department's id, or empty where that could not be told; ``named`` is what it said.
    """

    register: str
    file: str
    where: str
    headings: tuple[str, ...]
    cells: tuple[str, ...]
    reasons: tuple[Fault, ...]
    department: str = ""
    named: str = ""


@dataclass(slots=True)
class RowsRead:
    """What one table gave."""

    records: list[Record] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    unnoted: int = 0

    def note(self, fault: Fault) -> None:
        if len(self.notes) < MAX_NOTES:
            self.notes.append(fault)
        else:
            self.unnoted += 1


def read_rows(source: Source, rows: list[Row], departments: DepartmentBook, withheld: Withheld) -> RowsRead:
    """Reads rows that are not classified. A bad cell refuses its row, so that nothing is judged half read."""
    out = RowsRead()
    for given in rows:
        row: Row | None = given
        if all(i in source.matching.empty for i, _ in filled(given.cells)):
            continue
        if withheld:
            owner = owner_word(given, source.matching, departments)
            row = withheld.sift(given, source.matching, source.register, owner)
        if row is None:
            withheld.dropped += 1
        elif is_footer(row.cells) and not _complete(source, row):
            out.note(Fault(source.table.where(row), "is no row of the table and was passed over"))
        else:
            taken = read_row(source, row, departments, out)
            if isinstance(taken, Record):
                out.records.append(taken)
            else:
                out.refused.append(taken)
    if out.unnoted:
        out.notes.append(Fault(source.table.shown, f"and {out.unnoted} more remarks of this kind"))
    return out


def read_row(source: Source, row: Row, departments: DepartmentBook, out: RowsRead) -> Record | Refused:
    """One row as a record, or refused with every fault in it."""
    faults = list(_shifted(source, row, out))
    cells: dict[str, Cell] = {}
    for i, column in source.matching.columns.items():
        raw = row.cells[i] if i < len(row.cells) else None
        if raw is None or raw == "":
            continue
        try:
            cell = source.cell(i, raw)
        except CellError as error:
            faults.append(Fault(source.table.where(row, i), f"{column.title}: {error.what}", error.mend))
            continue
        if cell.note:
            out.note(Fault(source.table.where(row, i), f"{column.title}: {cell.note}"))
        if cell.absent or cell.value is not None:
            cells[column.name] = cell
    department, named, wrong = _owner(source, row, cells, departments)
    faults += wrong
    faults += _missing(source, row, cells, named, {fault.where for fault in faults}, out.notes)
    if faults:
        return refuse(source, row, faults, department, named)
    return Record(source, row, department, cells)


def refuse(source: Source, row: Row, faults: list[Fault], department: str = "", named: str = "") -> Refused:
    """A row as it goes to the quarantine."""
    width = len(source.table.headings)
    headings = source.table.headings + tuple(f"({letters(i)})" for i in range(width, len(row.cells)))
    cells = tuple(text_of(cell) for cell in row.cells)
    where, shown = source.table.where(row), source.file.path.name
    return Refused(source.register.name, shown, where, headings, cells, tuple(faults), department, named)


def _owner(
    source: Source, row: Row, cells: dict[str, Cell], departments: DepartmentBook
) -> tuple[str, str, list[Fault]]:
    """(department id, the words that named it, faults). Takes the department's cells out of ``cells``."""
    if source.register.name == "departments":
        found = cells.get("department_id")
        return (str(found.value) if found else "", "", [])
    ids: dict[str, str] = {}
    faults: list[Fault] = []
    named = ""
    for column in (DEPARTMENT_CODE, DEPARTMENT):
        cell = cells.pop(column.name, None)
        if cell is None:
            continue
        named = str(cell.value)
        try:
            ids.setdefault(departments.find(named).id, column.name)
        except CellError as error:
            faults.append(Fault(source.place(row, column.name), error.what, error.mend))
    if len(ids) > 1:
        what = f"the id and the name mean two departments, {' and '.join(sorted(ids))}"
        faults.append(Fault(source.place(row, DEPARTMENT.name), what, "correct one of them"))
    return (next(iter(ids)) if len(ids) == 1 and not faults else "", named, faults)


def _missing(
    source: Source, row: Row, cells: dict[str, Cell], named: str, faulty: set[str], notes: list[Fault]
) -> list[Fault]:
    """A fault for every group of needed columns of which none has a value and none a fault already."""
    faults = []
    for group in source.register.needs:
        if DEPARTMENT.name in group:
            filled_in = bool(named)
        else:
            filled_in = any(name in cells and cells[name].value is not None for name in group)
        places = [source.place(row, name) for name in group if name in source.index]
        if filled_in or any(place in faulty for place in places):
            continue
        # A cell that was left empty with a note (a month instead of a day) says why better than "is empty".
        why = next((note.what for note in notes[-len(source.index) :] if note.where in places), "")
        faults.append(
            Fault(places[0], why or f"{source.register.titles(group)} is empty", "" if why else "fill it in")
        )
    return faults


def _said(source: Source, row: Row, column: str) -> bool:
    i = source.index.get(column)
    return i is not None and i < len(row.cells) and not words.is_blank(words.fold(text_of(row.cells[i])))


def _complete(source: Source, row: Row) -> bool:
    return all(any(_said(source, row, name) for name in group) for group in source.register.needs)


def _shifted(source: Source, row: Row, out: RowsRead) -> list[Fault]:
    """Cells beyond the last heading: in a CSV file a comma that was not quoted has shifted the row."""
    width = len(source.table.headings)
    beyond = [i for i, _ in filled(row.cells[width:])]
    if not beyond:
        return []
    place = source.table.where(row, width + beyond[0])
    if source.table.ragged:
        what = f"the row has {width + beyond[-1] + 1} cells where the headings have {width}"
        return [Fault(place, what, "put text that holds a comma into double quotes")]
    out.note(Fault(place, "a cell without a heading is ignored"))
    return []

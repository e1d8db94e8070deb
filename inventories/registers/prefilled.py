"""Forms that are sent with what a department has declared itself, for it to correct.

What is pre-filled comes from the register files, through the loader, and from nowhere else: what a probe saw or an
audit concluded is not the department's word and is never put into its mouth. Rows that the loader refused are sent
back too, in their own words, with the request to mend them. Classified rows are gone before any row is looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from inventories.faults import Fault, Faults
from inventories.kinds import Column, Type
from inventories.places import Places
from inventories.registers.cells import Cell, read_cell
from inventories.registers.declare import DEPARTMENT, DEPARTMENT_CODE, REGISTERS, Register
from inventories.registers.departments import Department, DepartmentBook
from inventories.registers.errors import CellError
from inventories.registers.forms import Filling, FormRow, form_columns, write_form
from inventories.registers.headings import match
from inventories.registers.intake import Intake, read_folder
from inventories.registers.load import Loaded, load_intake
from inventories.registers.records import Record, Refused
from inventories.registers.returns import KEPT_BY_BUREAU
from inventories.registers.tables import MAX_ROWS, Row, Table

#: Rows that a form can hold and still be read back, below its title, hints and headings.
MOST_ROWS = MAX_ROWS - 3
MEND_THIS_ROW = "本行登记有误，未被采用，请核对后更正"


@dataclass(frozen=True, slots=True)
class Current:
    """The registers as the site has them today, read once for any number of forms."""

    folder: Path
    shown: str
    places: Places
    now: datetime
    intake: Intake
    loaded: Loaded

    @property
    def departments(self) -> Mapping[str, Department]:
        return self.loaded.departments.by_id

    def rows(self, register: str, department: str) -> tuple[FormRow, ...]:
        """What a department has declared in a register, row by row, and below it what was refused.

        Raises :class:`Faults` for an unknown department and for a register that no department returns.
        """
        form, whose = asked_of(register), department_of(self, department)
        word = name_of(whose, self.loaded.departments)
        records = self.loaded.records.get(register, ())
        rows = [row_of(record, word) for record in records if record.department == department]
        refused = [
            _refused_row(form, refused, word)
            for refused in self.loaded.result.refused
            if refused.register == register and refused.department == department
        ]
        return (*rows, *refused)


def read_current(folder: Path, *, places: Places, now: datetime, shown: str = "registers") -> Current:
    """Reads a site's registers. Nothing is raised: what is wrong stands in ``loaded.result``."""
    intake = read_folder(folder, shown)
    return Current(folder, shown, places, now, intake, load_intake(intake, places=places, now=now, shown=shown))


def write_prefilled(
    register: Register, rows: Iterable[FormRow], department: Department, path: Path, *, asked: Collection[str] = ()
) -> Path:
    """The register's form with a department's rows; ``asked`` are the columns to be looked at above all others.

    Whole or not at all, its owner's only. Raises :class:`Faults` where the rows have no room on one form,
    OSError where it cannot be written.
    """
    rows = tuple(rows)
    if len(rows) > MOST_ROWS:
        what = f"{department.id} has {len(rows)} rows in {register.name}, more than the {MOST_ROWS} of one form"
        raise Faults([Fault(path.name, what, "split the department, or ask for the register by file")])
    return write_form(register, path, Filling(rows, department.name, frozenset(asked)))


def asked_of(register: str) -> Register:
    """The register by its name, where departments fill it. Raises :class:`Faults`."""
    found = REGISTERS.get(register)
    if found is None or register in KEPT_BY_BUREAU:
        known = ", ".join(name for name in REGISTERS if name not in KEPT_BY_BUREAU)
        raise Faults([Fault(register, "is no register that departments fill", f"one of {known}")])
    return found


def department_of(current: Current, department: str) -> Department:
    """The department by its id. Raises :class:`Faults`."""
    found = current.departments.get(department)
    if found is None:
        what = f"no department has the id {department!r}"
        raise Faults([Fault(f"{current.shown}/departments", what, "write its id as the departments register has it")])
    return found


def name_of(department: Department, book: DepartmentBook) -> str:
    """The word for a department that reads back as it: its name, or its id where two share the name."""
    try:
        return department.name if book.find(department.name).id == department.id else department.id
    except CellError:
        return department.id


def row_of(record: Record, department: str = "") -> FormRow:
    """A record typed the way its form wants it; ``department`` is the word for whose it is."""
    cells = {
        column.name: text
        for column in record.register.columns
        if (cell := record.cells.get(column.name)) is not None and (text := typed(column, cell))
    }
    if department:
        cells[DEPARTMENT.name] = department
    return FormRow(cells, record.where)


def typed(column: Column, cell: Cell) -> str:
    """A cell's value in the words that a form takes: 无 for an answer of none, labels for codes, days as ISO."""
    if cell.absent:
        return "无"
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, tuple):
        return "、".join(column.label(item) for item in value)
    if isinstance(value, float):
        # Neither an exponent nor a nought behind the point.
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    return column.label(str(value))


def as_read(column: Column, text: str) -> str:
    """A form's words as they would come back: a list's member that holds a separator comes back as two."""
    if column.type is not Type.TEXTS:
        return text
    try:
        return typed(column, read_cell(text, column))
    except CellError:
        return text


def _refused_row(register: Register, refused: Refused, department: str) -> FormRow:
    """A refused row in its own words, under the columns that its headings mean, to be mended."""
    table = Table(refused.where, refused.headings, [Row(1, refused.cells)])
    found = match(table, register)
    cells: dict[str, str] = {}
    for i, column in found.columns.items():
        text = refused.cells[i] if i < len(refused.cells) else ""
        # The heading's own unit goes with the figure: the form gives the column's.
        figure = column.type in (Type.NUMBER, Type.INTEGER) and text.strip()[-1:].isdigit()
        cells[column.name] = f"{text}{_unit(refused.headings[i])}" if figure and i in found.factors else text
    cells.pop(DEPARTMENT_CODE.name, None)
    cells[DEPARTMENT.name] = department
    return FormRow({name: text for name, text in cells.items() if text.strip()}, refused.where, MEND_THIS_ROW)


def _unit(heading: str) -> str:
    """What stands in a heading's brackets: 金额（万元） → 万元."""
    folded = heading.replace("（", "(").replace("）", ")")
    return folded.partition("(")[2].rpartition(")")[0].removeprefix("单位").strip(" :：")


def missing_columns(register: Register, present: Collection[str]) -> Sequence[Column]:
    """The columns of a form that a table has no heading for."""
    return [column for column in form_columns(register) if column.name not in present and column is not DEPARTMENT]

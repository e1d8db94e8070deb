"""A form as a department sent it back: read through the normal intake, and set against what the site has."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from inventories.faults import Fault, Faults, clean
from inventories.registers import words
from inventories.registers.cells import text_of
from inventories.registers.declare import REGISTERS, Register
from inventories.registers.departments import Department, DepartmentBook
from inventories.registers.difference import Difference, compare
from inventories.registers.errors import CellError
from inventories.registers.files import read_bytes
from inventories.registers.forms import FormRow
from inventories.registers.headings import find_headings, match
from inventories.registers.intake import Intake, understand
from inventories.registers.load import Loaded, load_intake
from inventories.registers.nil import says_nil
from inventories.registers.prefilled import Current, asked_of, department_of, missing_columns, name_of, row_of
from inventories.registers.records import Record, Source
from inventories.registers.returns import KEPT_BY_BUREAU
from inventories.registers.tables import HEADING_ROWS, Grid, RegisterFile, Row, filled
from inventories.registers.workbook import read_workbook

#: A form of which another register understands so much more is that register's.
_MORE = 0.3
_BLANK_FORM = "send the form back as it was sent out, with its title and headings"


@dataclass(frozen=True, slots=True)
class Returned:
    """A form that came back.

    ``rows`` are those that can be taken, ``difference`` what they change, ``faults`` everything that is wrong with
    the form, each with its cell: with any, it cannot be taken in. ``notes`` are remarks on it, ``consequences`` new
    remarks and faults elsewhere in the registers (a host that names a system which is gone). ``nil``: the department
    says that it has none. ``digest`` is the SHA-256 of the file as it was handed in.
    """

    register: Register
    department: Department
    shown: str
    digest: str
    day: date
    rows: tuple[FormRow, ...] = ()
    difference: Difference = field(kw_only=True)
    faults: tuple[Fault, ...] = ()
    notes: tuple[Fault, ...] = ()
    consequences: tuple[Fault, ...] = ()
    dropped_classified: int = 0
    nil: bool = False
    #: For :func:`~inventories.registers.taking.take_in`: the file, its table, and the rows of it that may be kept.
    data: bytes = field(default=b"", repr=False)
    source: Source | None = field(default=None, repr=False)
    kept: tuple[Row, ...] = field(default=(), repr=False)


def read_returned(path: Path, register: str, department: str, current: Current, *, nil: bool = False) -> Returned:
    """Reads a corrected form of one register and one department.

    ``nil``: somebody says for the department that it has none of the kind; the form's first row may say it too (无).
    An empty form says nothing. Raises :class:`Faults` for a register that no department fills and an unknown
    department; whatever is wrong with the file itself stands in the answer.
    """
    form, whose = asked_of(register), department_of(current, department)
    shown = clean(path.name, 80)
    empty = Returned(form, whose, shown, "", current.now.date(), difference=Difference(form))
    try:
        if path.suffix.lower() != ".xlsx":
            raise Faults([Fault(shown, "is no .xlsx workbook", "open it and save it as .xlsx")])
        data, modified = read_bytes(path, shown)
        empty = replace(empty, digest=hashlib.sha256(data).hexdigest())
        file = RegisterFile(form.name, path, shown, empty.digest, modified, (form.name, whose.id))
        source, remarks = _source(data, file, form, whose, current.loaded.departments)
    except Faults as error:
        return replace(empty, faults=error.faults)
    return _judged(replace(empty, data=data, source=source), source, remarks, current, nil=nil)


def _source(
    data: bytes, file: RegisterFile, form: Register, whose: Department, book: DepartmentBook
) -> tuple[Source, Intake]:
    """The one table of the form, and remarks on it. Raises :class:`Faults`."""
    grids = read_workbook(data, file.shown)
    wrong = [fault for grid in grids for fault in _not_this_form(grid, form, whose, book)]
    if wrong:
        raise Faults(wrong[:1])
    tables = [table for grid in grids if (table := find_headings(grid, form))]
    if len(tables) != 1:
        what = "has no row of headings" if not tables else "has tables on several sheets"
        raise Faults([Fault(file.shown, what, _BLANK_FORM)])
    remarks = Intake()
    source = understand(tables[0], file, form, remarks)
    if source is None:
        raise Faults(remarks.faults)
    return source, remarks


def _not_this_form(grid: Grid, form: Register, whose: Department, book: DepartmentBook) -> Iterator[Fault]:
    """What shows that a sheet is another register's form, or another department's."""
    grid = Grid(grid.shown, grid.cells[:HEADING_ROWS])
    table = find_headings(grid, form)
    above = grid.cells[: table.heading_row - 1] if table else grid.cells[:3]
    for text in (text_of(cell) for row in above for _, cell in filled(row)):
        titled = [register for register in REGISTERS.values() if register.form_title in text]
        if titled and form not in titled:
            what = f"is the form {titled[0].form_title} ({titled[0].name}), and {form.form_title} was asked for"
            yield Fault(grid.shown, what, "import it as what it is")
            return
        owner = text.partition(f"{form.form_title}（")[2].rpartition("）")[0]
        named = _named(owner, book) if owner else ""
        if named and named != whose.id:
            yield Fault(grid.shown, f"is the form of {named}, not of {whose.id}", "import it for that department")
            return
    alike = _alike(grid, form)
    if alike is not None:
        what = f"looks like the form {alike.form_title} ({alike.name}), and {form.form_title} was asked for"
        yield Fault(grid.shown, what, _BLANK_FORM)


def _named(word: str, book: DepartmentBook) -> str:
    try:
        return book.find(word).id
    except CellError:
        return ""


def _alike(grid: Grid, form: Register) -> Register | None:
    """Another register of whose form the headings cover far more than of this one's."""
    own = _coverage(grid, form)
    for register in REGISTERS.values():
        if register is form or register.name in KEPT_BY_BUREAU:
            continue
        other = _coverage(grid, register)
        if other[0] >= max(own[0], 3) and other[1] > own[1] + _MORE:
            return register
    return None


def _coverage(grid: Grid, register: Register) -> tuple[int, float]:
    """How many of a register's columns a sheet has headings for, and what share of all of them that is."""
    table = find_headings(grid, register)
    known = len(match(table, register).index) if table else 0
    return known, known / len(register.columns)


def _judged(returned: Returned, source: Source, remarks: Intake, current: Current, *, nil: bool) -> Returned:
    """The form's rows as the next audit would read them, in place of the department's rows of today."""
    form, whose = returned.register, (returned.register.name, returned.department.id)
    intake = current.intake.without(whose)
    intake.sources.setdefault(form.name, []).append(source)
    intake.returned[whose] = returned.shown
    loaded = load_intake(intake, places=current.places, now=current.now, shown=current.shown)
    records = [record for record in loaded.records.get(form.name, ()) if record.source is source]
    refused = [
        row for row in loaded.result.refused if row.register == form.name and row.file == source.file.path.name
    ]
    refused = [row for row in refused if _is_at(row.where, returned.shown)]
    faults = [*remarks.faults, *(fault for fault in loaded.result.faults if _is_at(fault.where, returned.shown))]
    dropped = loaded.dropped.get(returned.shown, 0)
    said = [row for row in source.table.rows if says_nil(row, source.matching)]
    faults += _nil_faults(returned.shown, bool(records or refused), bool(said), nil)
    word = name_of(returned.department, loaded.departments)
    rows = tuple(row_of(record, word) for record in records)
    before = [
        row_of(record, word)
        for record in current.loaded.records.get(form.name, ())
        if record.department == returned.department.id
    ]
    unclear = {words.key(cell) for row in refused for cell in row.cells if cell.strip()}
    notes = [*remarks.notes, *(note for note in loaded.result.notes if _is_at(note.where, returned.shown))]
    return replace(
        returned,
        rows=rows,
        difference=compare(form, before, rows, unclear),
        faults=tuple(dict.fromkeys(faults)),
        notes=tuple(dict.fromkeys([*notes, *_missing(form, source, before)])),
        consequences=tuple(_elsewhere(current.loaded, loaded, returned.shown)),
        dropped_classified=dropped,
        nil=not (records or refused) and not dropped and (nil or bool(said)),
        kept=tuple(_kept(records, said)),
    )


def _nil_faults(shown: str, has_rows: bool, says_none: bool, nil: bool) -> Iterator[Fault]:
    if has_rows and (nil or says_none):
        what = "holds rows, and is said to be a nil return (零报告)"
        yield Fault(shown, what, "remove the rows or the 无, or do not call it a nil return")
    elif not has_rows and not (nil or says_none):
        mend = "if the department has none, it writes 无 into the first row, or it is called a nil return explicitly"
        yield Fault(shown, "holds no row, which says nothing", mend)


def _missing(form: Register, source: Source, before: Sequence[FormRow]) -> Iterator[Fault]:
    """Columns that were removed from the form although the department had something in them."""
    place = f"{source.table.shown}!{source.table.heading_row}"
    for column in missing_columns(form, source.index):
        had = sum(1 for row in before if row.cells.get(column.name))
        if had:
            what = f"the column {column.title} is gone, and with it what stood there in {had} rows"
            yield Fault(place, what, "put the column back if that was not meant")


def _kept(records: Sequence[Record], said: Sequence[Row]) -> Iterator[Row]:
    """The rows that may be kept, as they were sifted; with none, the one that says so."""
    yield from (record.row for record in records)
    if not records:
        yield from said[:1]


def _elsewhere(before: Loaded, after: Loaded, shown: str) -> Iterator[Fault]:
    """New faults and remarks on cells of other files; what is said of whole files is not news."""
    known = {str(fault) for fault in (*before.result.faults, *before.result.notes)}
    for fault in (*after.result.faults, *after.result.notes):
        of_cell = "!" in fault.where or re.search(r":\d+", fault.where)
        if of_cell and str(fault) not in known and not _is_at(fault.where, shown):
            yield fault


def _is_at(where: str, shown: str) -> bool:
    return where == shown or where.startswith((f"{shown}!", f"{shown}:"))

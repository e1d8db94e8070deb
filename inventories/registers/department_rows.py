"""The departments register: read before all others, since their rows name departments."""

from __future__ import annotations

import re
from collections.abc import Iterable

from inventories.faults import Fault
from inventories.registers.cells import Cell
from inventories.registers.classified import Withheld
from inventories.registers.departments import Department, DepartmentBook
from inventories.registers.errors import CellError
from inventories.registers.records import Record, RowsRead, Source, read_rows, refuse
from inventories.registers.words import key

# Ids stand in YAML, file names, labels and addresses of pages.
_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$")


def read_departments(sources: Iterable[Source]) -> tuple[DepartmentBook, RowsRead]:
    """Every department with the record that names it; refused rows and remarks stand in the second value."""
    out = RowsRead()
    records: list[Record] = []
    for source in sources:
        read = read_rows(source, list(source.table.rows), DepartmentBook(), Withheld())
        records += read.records
        out.refused += read.refused
        out.notes += read.notes
    seen: dict[str, Record] = {}
    for record in records:
        fault = _fault(record, seen)
        if fault is None:
            seen[record.department] = record
            out.records.append(record)
        else:
            out.refused.append(refuse(record.source, record.row, [fault], record.department))
    book = DepartmentBook(_department(record) for record in out.records)
    for record in out.records:
        _resolve_parent(record, book, out)
    _note_ambiguous(out)
    return DepartmentBook(_department(record) for record in out.records), out


def _fault(record: Record, seen: dict[str, Record]) -> Fault | None:
    place = record.place("department_id")
    if not _ID.match(record.department):
        mend = "up to 32 letters a-z, digits, '-' and '_', as mzj"
        return Fault(place, f"部门编号 {record.said('department_id')!r} cannot serve as an id", mend)
    first = seen.get(record.department)
    if first is not None:
        what = f"部门编号 {record.department!r} is already that of {first.place('department_id')}"
        return Fault(place, what, "give each department its own")
    return None


def _resolve_parent(record: Record, book: DepartmentBook, out: RowsRead) -> None:
    parent = record.text("parent_id")
    if not parent:
        return
    try:
        record.cells["parent_id"] = Cell(book.find(parent).id)
    except CellError as error:
        out.notes.append(Fault(record.place("parent_id"), f"{error.what}: left empty", error.mend))
        del record.cells["parent_id"]


def _note_ambiguous(out: RowsRead) -> None:
    seen: dict[str, Record] = {}
    for record in out.records:
        for column in ("name", "short_name"):
            word = key(record.text(column))
            first = seen.setdefault(word, record) if word else record
            if first is not record:
                what = f"{record.said(column)!r} may also mean the department at {first.where}"
                out.note(Fault(record.place(column), what, "rows that use this name are refused; use the ids"))


def _department(record: Record) -> Department:
    return Department(
        id=record.department,
        name=record.text("name"),
        short_name=record.text("short_name"),
        credit_code=record.text("credit_code"),
        parent_id=record.text("parent_id"),
        region=record.text("region"),
        level_of_government=record.text("level_of_government"),
        sector=record.text("sector"),
        contact=record.text("contact"),
        valid_from=record.day("valid_from"),
        valid_to=record.day("valid_to"),
    )

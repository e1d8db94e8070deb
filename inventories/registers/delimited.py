"""CSV registers: UTF-8 with or without a byte-order mark, UTF-16, GB18030; comma, tab or semicolon."""

from __future__ import annotations

import csv
import io

from inventories.faults import Fault, Faults, clean
from inventories.registers.cells import Raw
from inventories.registers.declare import Register
from inventories.registers.headings import find_headings
from inventories.registers.tables import HEADING_ROWS, MAX_COLUMNS, MAX_ROWS, Grid, Table

MEND_SIZE = "split it: several files of one register are read, as systems-1.csv and systems-2.csv"
_DELIMITERS = (",", "\t", ";")


def read_delimited(data: bytes, shown: str, register: Register) -> Table:
    """The table of a CSV file. Raises :class:`Faults` where it is no text, no CSV, or has no heading row."""
    text = decode(data, shown)
    # The right delimiter is the one under which the headings are understood: no counting can tell that.
    scored = [(_score(text, delimiter, shown, register), delimiter) for delimiter in _DELIMITERS]
    score, delimiter = max(scored, key=lambda pair: pair[0])
    table = find_headings(Grid(shown, _parse(text, delimiter, shown), ragged=True), register) if score else None
    if table is None:
        raise Faults([Fault(shown, "has no row of headings", f"start from the blank form {register.form_title}")])
    return table


def decode(data: bytes, shown: str) -> str:
    """Text from bytes. Raises :class:`Faults` for anything that is none of the four encodings."""
    if data[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise Faults([Fault(shown, "is a workbook, not a CSV file", "name it .xlsx, or save it as CSV")])
    encodings = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise Faults([Fault(shown, "is neither UTF-8 nor GB18030 text", "save it as CSV UTF-8")])


def _score(text: str, delimiter: str, shown: str, register: Register) -> int:
    try:
        table = find_headings(Grid(shown, _parse(text, delimiter, shown, HEADING_ROWS)), register)
    except Faults:
        return 1 if delimiter == "," else 0
    return 2 + len([h for h in table.headings if h.strip()]) if table else 0


def _parse(text: str, delimiter: str, shown: str, limit: int | None = None) -> list[list[Raw]]:
    """Records with their blank lines, so that a record's index is the row that a spreadsheet shows."""
    cells: list[list[Raw]] = []
    # strict: a quote that never closes would otherwise swallow the rest of the file into one cell.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            if len(record) > MAX_COLUMNS:
                raise Faults([Fault(f"{shown}!{len(cells) + 1}", f"has more than {MAX_COLUMNS} columns")])
            cells.append([*record])
            if limit is not None and len(cells) >= limit:
                break
            if len(cells) > MAX_ROWS:
                raise Faults([Fault(shown, f"has more than {MAX_ROWS} rows", MEND_SIZE)])
    except csv.Error as error:
        what = f"is no CSV: {clean(str(error))}"
        raise Faults(
            [Fault(f"{shown}:{reader.line_num}", what, "check the quotes in and before this line")]
        ) from error
    return cells

"""Reads one workbook from standard input and writes its sheets as JSON: run as a script, never imported.

A process of its own because the parser is native code that is handed hostile files: a stray value in the last
cell of a sheet, or one long string used a million times, makes it ask for more memory than there is, and that
ends the whole process. Here the limit is ours, and only this child ends.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import resource
import sys
import zipfile
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

MEMORY = 1 << 30
CPU_SECONDS = 60
MAX_CHARS = 64 * 1024 * 1024

# Number formats of a Chinese Excel that show a month without a day (ECMA-376 part 1, 18.8.30, and 17: mmm-yy).
MONTH_FORMATS = frozenset({17, 27, 36, 50, 52, 57})
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*>")
_REFERENCE = re.compile(rb"\br=[\"']([A-Z]{1,3})(\d{1,7})[\"']")
_STYLE = re.compile(rb"\bs=[\"'](\d{1,6})[\"']")


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    max_rows, max_columns = int(sys.argv[1]), int(sys.argv[2])
    import python_calamine

    data = sys.stdin.buffer.read()
    try:
        book = python_calamine.load_workbook(io.BytesIO(data))
        sheets = _sheets(book, data, max_rows, max_columns)
    except python_calamine.PasswordError:
        return _answer({"error": "password"})
    except (python_calamine.CalamineError, zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError) as error:
        return _answer({"error": "bad", "message": str(error)[:200]})
    return _answer({"sheets": sheets})


def _answer(answer: object) -> int:
    sys.stdout.write(json.dumps(answer))
    return 0


def _sheets(book: CalamineWorkbook, data: bytes, max_rows: int, max_columns: int) -> list[dict[str, object]]:
    months = month_cells(data)
    out: list[dict[str, object]] = []
    chars = 0
    for meta in book.sheets_metadata:
        if meta.visible.name != "Visible" or meta.typ.name != "WorkSheet":
            continue
        sheet = book.get_sheet_by_name(meta.name)
        if sheet.total_height > max_rows or sheet.total_width > max_columns:
            out.append({"name": meta.name, "rows": sheet.total_height, "columns": sheet.total_width})
            continue
        month_only = months.get(meta.name, frozenset())
        cells = []
        for y, row in enumerate(sheet.iter_rows()):
            cells.append([_plain(value, (y, x) in month_only) for x, value in enumerate(row)])
            chars += sum(len(value) for value in row if isinstance(value, str))
            if chars > MAX_CHARS:
                raise ValueError(f"holds more than {MAX_CHARS} characters")
        merged = [[*start, *end] for start, end in sheet.merged_cell_ranges or ()]
        out.append({"name": meta.name, "cells": cells, "merged": merged})
    return out


def _plain(value: object, month_only: bool) -> object:
    if isinstance(value, dt.datetime):
        if month_only and value.day == 1:
            return f"{value.year}年{value.month}月"
        return {"time": value.isoformat()}
    if isinstance(value, dt.date):
        # 2024年2月 typed into a spreadsheet is stored as the first of February and shown without its day:
        # what the person saw and meant is the month.
        if month_only and value.day == 1:
            return f"{value.year}年{value.month}月"
        return {"date": value.isoformat()}
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return str(value)


def month_cells(data: bytes) -> dict[str, frozenset[tuple[int, int]]]:
    """Sheet name → cells (row, column from 0) whose number format shows a month or a year without a day."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = set(archive.namelist())
        if not {"xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
            return {}
        styles = _month_styles(ElementTree.fromstring(archive.read("xl/styles.xml")))
        if not styles:
            return {}
        targets = {
            rel.get("Id", ""): "xl/" + rel.get("Target", "").removeprefix("/xl/")
            for rel in ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
        }
        out = {}
        for sheet in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter(f"{_MAIN}sheet"):
            target = targets.get(sheet.get(_REL, ""), "")
            if target in names:
                out[sheet.get("name", "")] = frozenset(_styled(archive.read(target), styles))
        return out


def _month_styles(root: ElementTree.Element) -> frozenset[int]:
    own = {
        int(fmt.get("numFmtId", "-1")): shows_no_day(fmt.get("formatCode", "")) for fmt in root.iter(f"{_MAIN}numFmt")
    }
    formats = root.find(f"{_MAIN}cellXfs")
    out = set()
    for index, style in enumerate(formats if formats is not None else ()):
        number = int(style.get("numFmtId", "0"))
        if own.get(number, number in MONTH_FORMATS):
            out.add(index)
    return frozenset(out)


def shows_no_day(code: str) -> bool:
    """Whether a number format shows a year or month and no day: ``yyyy"年"m"月"``, ``yyyy-mm``."""
    bare = _QUOTED.sub("", code.split(";")[0]).lower()
    return "y" in bare and "d" not in bare and "h" not in bare


def _styled(xml: bytes, styles: frozenset[int]) -> list[tuple[int, int]]:
    out = []
    for tag in _CELL.finditer(xml):
        style = _STYLE.search(tag[0])
        place = _REFERENCE.search(tag[0])
        if style and place and int(style[1]) in styles:
            column = 0
            for letter in place[1]:
                column = column * 26 + letter - 64
            out.append((int(place[2]) - 1, column - 1))
    return out


if __name__ == "__main__":
    sys.exit(main())

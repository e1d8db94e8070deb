"""Reads one workbook from standard input and writes its sheets as JSON: run as a script, never imported.

A process of its own because the parser is native code that is handed hostile files: a stray value in the last
cell of a sheet, or one long string used a million times, makes it ask for more memory than there is, and that
ends the whole process. Here the limit is ours, and only this child ends.
"""

from __future__ import annotations

import datetime as dt
import html
import io
import json
import math
import re
import resource
import sys
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

MEMORY = 1 << 30
CPU_SECONDS = 60
#: Exit status where the book asked for more memory than there is for it.
OUT_OF_MEMORY = 3
MAX_CHARS = 64 * 1024 * 1024

# Number formats of a Chinese Excel that show a month without a day (ECMA-376 part 1, 18.8.30, and 17: mmm-yy).
MONTH_FORMATS = frozenset({17, 27, 36, 50, 52, 57})
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_ATTRIBUTE = re.compile(r"""\b(?:\w+:)?(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
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
    except MemoryError:
        return OUT_OF_MEMORY
    except python_calamine.PasswordError:
        return _answer({"error": "password"})
    except (python_calamine.CalamineError, zipfile.BadZipFile, ValueError) as error:
        return _answer({"error": "bad", "message": str(error)[:200]})
    return _answer({"sheets": sheets})


def _answer(answer: object) -> int:
    sys.stdout.write(json.dumps(answer))
    return 0


def _sheets(book: CalamineWorkbook, data: bytes, max_rows: int, max_columns: int) -> list[dict[str, object]]:
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    months = month_cells(data)
    out: list[dict[str, object]] = []
    chars = 0
    for meta in book.sheets_metadata:
        if meta.visible != SheetVisibleEnum.Visible or meta.typ != SheetTypeEnum.WorkSheet:
            continue
        sheet = book.get_sheet_by_name(meta.name)
        rows, columns = (sheet.end[0] + 1, sheet.end[1] + 1) if sheet.end else (0, 0)
        if rows > max_rows or columns > max_columns:
            out.append({"name": meta.name, "rows": rows, "columns": columns})
            continue
        # The rows come from the first on, but their cells only from the first column that is used.
        indent: list[object] = [None] * (sheet.start[1] if sheet.start else 0)
        month_only = months.get(meta.name, frozenset())
        cells = []
        for y, row in enumerate(sheet.iter_rows()):
            values = (_plain(value, (y, x) in month_only) for x, value in enumerate(row, len(indent)))
            cells.append([*indent, *values])
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
        return value if math.isfinite(value) else str(value)
    return str(value)


def month_cells(data: bytes) -> dict[str, frozenset[tuple[int, int]]]:
    """Sheet name → cells (row, column from 0) whose number format shows a month or a year without a day."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = set(archive.namelist())
        if not {"xl/styles.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
            return {}
        styles = _month_styles(archive.read("xl/styles.xml"))
        if not styles:
            return {}
        relations = _tags(archive.read("xl/_rels/workbook.xml.rels"), "Relationship")
        targets = {rel.get("Id", ""): "xl/" + rel.get("Target", "").removeprefix("/xl/") for rel in relations}
        out = {}
        for sheet in _tags(archive.read("xl/workbook.xml"), "sheet"):
            target = targets.get(sheet.get("id", ""), "")
            if target in names:
                out[sheet.get("name", "")] = frozenset(_styled(archive.read(target), styles))
        return out


def _tags(xml: bytes, name: str) -> list[dict[str, str]]:
    """The attributes of every such element; an XML parser is not needed for that, nor wanted for hostile files."""
    text = xml.decode("utf-8", "replace")
    return [
        {key: html.unescape(value or other) for key, value, other in _ATTRIBUTE.findall(tag)}
        for tag in re.findall(rf"<(?:\w+:)?{name}\b[^>]*>", text)
    ]


def _month_styles(xml: bytes) -> frozenset[int]:
    own = {int(f.get("numFmtId", "-1")): shows_no_day(f.get("formatCode", "")) for f in _tags(xml, "numFmt")}
    inside = re.search(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", xml, re.DOTALL)
    numbers = [int(style.get("numFmtId", "0")) for style in _tags(inside[0] if inside else b"", "xf")]
    return frozenset(i for i, number in enumerate(numbers) if own.get(number, number in MONTH_FORMATS))


def shows_no_day(code: str) -> bool:
    """Whether a number format shows a year or month and no day: ``yyyy"年"m"月"``, ``yyyy-mm``."""
    bare = _QUOTED.sub("", code.partition(";")[0]).lower()
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

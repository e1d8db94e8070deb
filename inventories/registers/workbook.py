"""XLSX registers, with everything that can be wrong with a workbook looked for before it is parsed.

The parser never sees the file itself but a book rebuilt from parts whose size was counted while they were
unpacked, and it runs in a process with limits of its own (:mod:`inventories.registers._workbook_child`).
"""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inventories.faults import Fault, Faults, clean
from inventories.registers.cells import Raw
from inventories.registers.tables import MAX_COLUMNS, MAX_ROWS, Grid, fill_merged, filled

#: The child's exit status where the book asked for more memory than there is for it.
OUT_OF_MEMORY = 3
MAX_UNPACKED = 256 * 1024 * 1024
MAX_ENTRIES = 2000
#: A part of more than 4 MiB that was packed more than this many times smaller is no register.
MAX_RATIO = 300
SECONDS = 120

_CFB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARTS = (".xml", ".rels")
_SAVE = "open it and save it as .xlsx"
_1904 = re.compile(rb"\bdate1904\s*=\s*[\"'](?:1|true|on)[\"']")
#: Sheets of our own forms that hold no rows.
_OTHER_SHEETS = frozenset({"填表说明", "选项"})


def read_workbook(data: bytes, shown: str) -> list[Grid]:
    """The visible sheets of a workbook with merged cells filled, each from A1 on.

    Raises :class:`Faults` where it is a bomb, protected, an old .xls, damaged or no workbook.
    """
    if data.startswith(_CFB):
        raise Faults([_compound(data, shown)])
    book, from_1904 = _rebuild(data, shown)
    return _grids(_parse(book, shown), shown, from_1904)


def _compound(data: bytes, shown: str) -> Fault:
    """What a compound file is: a book under a password, or one in the format of before 2007."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        return Fault(shown, "is protected by a password", "save it without")
    if any(name.encode("utf-16-le") in data for name in ("Workbook", "Book")):
        return Fault(shown, "is a workbook in the old .xls format", _SAVE)
    return Fault(shown, "is no .xlsx workbook", _SAVE)


def _rebuild(data: bytes, shown: str) -> tuple[bytes, bool]:
    """The workbook's XML parts in a new archive, unpacked under a budget; and whether it counts from 1904."""
    out = io.BytesIO()
    from_1904 = False
    try:
        with (
            zipfile.ZipFile(io.BytesIO(data)) as archive,
            zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as clean_book,
        ):
            entries = _check_entries(archive.infolist(), shown)
            budget = MAX_UNPACKED
            for entry in entries:
                with archive.open(entry) as stream:
                    # One byte more than declared would show a lie; zipfile stops at the declared size and
                    # then checks the sum, so what is rebuilt is what was counted.
                    part = stream.read(min(entry.file_size, budget) + 1)
                budget -= len(part)
                if budget < 0:
                    raise Faults([_bomb(shown)])
                if b"<!DOCTYPE" in part or b"<!ENTITY" in part or b"\0" in part[:200]:
                    raise Faults(
                        [Fault(shown, f"has a part that no workbook has: {clean(entry.filename, 60)}", _SAVE)]
                    )
                from_1904 = from_1904 or (entry.filename == "xl/workbook.xml" and _1904.search(part) is not None)
                clean_book.writestr(zipfile.ZipInfo(entry.filename), part)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
    ) as error:
        raise Faults([Fault(shown, f"is no whole .xlsx workbook: {clean(str(error), 80)}", _SAVE)]) from error
    return out.getvalue(), from_1904


def _check_entries(entries: Sequence[zipfile.ZipInfo], shown: str) -> list[zipfile.ZipInfo]:
    """The parts to keep. Raises :class:`Faults` for what the archive's own list already gives away."""
    names = [entry.filename for entry in entries]
    if len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise Faults([_bomb(shown)])
    if any(e.file_size > 4 << 20 and e.file_size > MAX_RATIO * max(e.compress_size, 1) for e in entries):
        raise Faults([_bomb(shown)])
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise Faults([Fault(shown, "is protected by a password", "save it without")])
    if len(set(names)) != len(names) or "xl/workbook.xml" not in names or "content.xml" in names:
        raise Faults([Fault(shown, "is no .xlsx workbook", _SAVE)])
    return [entry for entry in entries if entry.filename.lower().endswith(_PARTS)]


def _bomb(shown: str) -> Fault:
    return Fault(
        shown, f"would unpack to more than {MAX_UNPACKED >> 20} MiB: refused as a zip bomb", "remove what is no table"
    )


def _parse(book: bytes, shown: str) -> list[Mapping[str, Any]]:
    child = Path(__file__).with_name("_workbook_child.py")
    # -I: neither the environment nor the current folder can put a module in the child's way.
    command = [sys.executable, "-I", str(child), str(MAX_ROWS), str(MAX_COLUMNS)]
    try:
        done = subprocess.run(command, input=book, capture_output=True, timeout=SECONDS, check=False, cwd="/", env={})
    except subprocess.TimeoutExpired:
        raise Faults([_too_much(shown)]) from None
    # A signal: its own limits ended the child. Any other status: the parser itself broke, and says how.
    if done.returncode < 0 or done.returncode == OUT_OF_MEMORY:
        raise Faults([_too_much(shown)])
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise Faults([Fault(shown, f"cannot be read: {clean(last, 120)}", _SAVE)])
    answer = json.loads(done.stdout)
    if answer.get("error") == "password":
        raise Faults([Fault(shown, "is protected by a password", "save it without")])
    if "error" in answer:
        raise Faults([Fault(shown, f"cannot be read: {clean(str(answer['message']), 120)}", _SAVE)])
    sheets: list[Mapping[str, Any]] = answer["sheets"]
    return sheets


def _too_much(shown: str) -> Fault:
    mend = "look for values far below or right of the table, and delete those cells"
    return Fault(shown, "asks for more memory or time than any register needs", mend)


def _grids(sheets: Sequence[Mapping[str, Any]], shown: str, from_1904: bool) -> list[Grid]:
    wanted = [sheet for sheet in sheets if sheet["name"] not in _OTHER_SHEETS]
    out: list[Grid] = []
    for sheet in wanted:
        name = shown if sheet is wanted[0] else f"{shown}!{clean(str(sheet['name']), 40)}"
        if "cells" not in sheet:
            what = f"has {sheet['rows']} rows and {sheet['columns']} columns, more than {MAX_ROWS} and {MAX_COLUMNS}"
            raise Faults([Fault(name, what, "delete what lies outside the table, or split it")])
        cells: list[list[Raw]] = [[_value(value) for value in row] for row in sheet["cells"]]
        # A row with nothing of its own stays empty: a department merged over ten rows is not ten systems.
        blank = [i for i, row in enumerate(cells) if not any(True for _ in filled(row))]
        if not fill_merged(cells, sheet["merged"]):
            raise Faults([Fault(name, "has merged cells that overlap without end", "take the merged cells apart")])
        for i in blank:
            cells[i] = []
        out.append(Grid(name, cells, from_1904))
    return out


def _value(value: Any) -> Raw:
    if isinstance(value, dict):
        return dt.date.fromisoformat(value["date"]) if "date" in value else dt.datetime.fromisoformat(value["time"])
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)

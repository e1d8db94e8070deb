"""Refused rows as CSV files that a person can open, mend and hand in again: nothing is lost."""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from inventories.faults import clean
from inventories.registers.load import RegisterResult
from inventories.registers.records import Refused

_HEAD = ("位置", "原因")
_BOM = "\ufeff"
_FORMULA = re.compile(r"^[\s']*[=+\-@＝＋－＠\t\r|]")


def write_quarantine(result: RegisterResult, directory: Path) -> list[Path]:
    """Writes ``<file>.csv`` for every register file with refused rows; returns the paths.

    Each row keeps all its cells, with its place and the reasons before them. Cells that a spreadsheet would
    take for a formula start with an apostrophe. Files of an earlier reading that no longer have refused rows
    are removed. OSError where the folder cannot be written.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    by_file: dict[str, list[Refused]] = {}
    for row in result.refused:
        by_file.setdefault(_file_name(row.file), []).append(row)
    paths = [_write(directory / name, rows) for name, rows in sorted(by_file.items())]
    for old in directory.glob("*.csv"):
        if old not in paths and _is_ours(old):
            old.unlink()
    return paths


def _file_name(shown: str) -> str:
    return re.sub(r"[^\w.-]", "_", shown)[:80].lstrip(".") + ".csv"


def _write(path: Path, rows: Iterable[Refused]) -> Path:
    # newline="" and \r\n: what spreadsheets on every desk open without asking.
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    headings: tuple[str, ...] | None = None
    for row in rows:
        if row.headings != headings:
            headings = row.headings
            writer.writerow([*_HEAD, *(_safe(heading) for heading in headings)])
        reasons = "；".join(f"{f.what}: {f.mend}" if f.mend else f.what for f in row.reasons)
        writer.writerow([_safe(row.where), _safe(reasons), *(_safe(cell) for cell in row.cells)])
    # mkstemp makes the file owner-only; the rename makes it appear whole or not at all.
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".quarantine-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(_BOM + out.getvalue())
        Path(partial).replace(path)
    except OSError:
        Path(partial).unlink(missing_ok=True)
        raise
    return path


def _safe(text: str) -> str:
    """A cell that no spreadsheet runs and no terminal obeys; line breaks stay as they were typed."""
    lines = [clean(line.replace("\t", " "), 32_000) for line in text.replace("\r\n", "\n").split("\n")]
    cleaned = "\n".join(lines)
    return f"'{cleaned}" if _FORMULA.match(cleaned) else cleaned


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(64).startswith((_BOM + ",".join(_HEAD)).encode())
    except OSError:
        return False

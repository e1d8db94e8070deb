"""Which files of a folder are registers, and reading each by its own reader."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from inventories.faults import Fault, Faults, clean, did_you_mean
from inventories.registers.declare import REGISTERS, Register, by_title
from inventories.registers.delimited import read_delimited
from inventories.registers.headings import find_headings
from inventories.registers.mappings import read_mappings
from inventories.registers.tables import RegisterFile, Table
from inventories.registers.workbook import read_workbook

MAX_BYTES = 32 * 1024 * 1024
MAX_FILES = 2000
_TEXT = (".csv", ".tsv", ".txt")
_YAML = (".yaml", ".yml")
_READ = (*_TEXT, *_YAML, ".xlsx")
_OTHER_BOOKS = (".xls", ".et", ".ods", ".xlsm", ".xlsb", ".xltx", ".numbers")
_SEPARATORS = "-_－＿"


def find_files(directory: Path, shown: str) -> Iterator[tuple[Path, Fault | None]]:
    """The files of a folder in the order of their names, with a fault for each that is nearly a register.

    A file belongs to a register when its stem is the register's name, or starts with it and a hyphen or
    underscore: ``systems.xlsx``, ``systems-民政局.xlsx``. Hidden and lock files are passed over. A folder that
    cannot be read is one fault.
    """
    try:
        entries = sorted(directory.iterdir(), key=lambda path: path.name)
    except OSError as error:
        yield directory, Fault(shown, f"cannot be read: {error.strerror or error}", "create it with 'auditor init'")
        return
    if len(entries) > MAX_FILES:
        yield directory, Fault(shown, f"holds more than {MAX_FILES} files", "keep only registers here")
        return
    for path in entries:
        if path.name.startswith((".", "~")) or path.is_dir():
            continue
        name = f"{shown}/{clean(path.name, 80)}"
        suffix = path.suffix.lower()
        register = register_of(path.stem)
        if register and suffix in _READ:
            yield path, None
        elif suffix in _OTHER_BOOKS and (register or by_title(path.stem)):
            yield path, Fault(name, f"is a {suffix} workbook and not read", "open it and save it as .xlsx")
        elif suffix in _READ:
            yield path, Fault(name, "belongs to no register and is not read", _name_hint(path))


def register_of(stem: str) -> Register | None:
    """The register that a file's stem belongs to."""
    for name, register in REGISTERS.items():
        if stem == name or (stem.startswith(name) and stem[len(name)] in _SEPARATORS):
            return register
    return None


def read_file(
    path: Path, register: Register, shown: str, *, part_of: tuple[str, str] | None = None, form: str = ""
) -> tuple[RegisterFile, list[Table], list[Fault]]:
    """The tables of one file and remarks on sheets passed over. Raises :class:`Faults`.

    ``part_of`` and ``form``: see :class:`~inventories.registers.tables.RegisterFile`.
    """
    data, modified = read_bytes(path, shown)
    digest = hashlib.sha256(data).hexdigest()
    file = RegisterFile(register.name, path, shown, digest, modified, part_of, form)
    suffix = path.suffix.lower()
    if suffix in _YAML:
        return file, [read_mappings(data, shown)], []
    if suffix in _TEXT:
        return file, [read_delimited(data, shown, register)], []
    tables, notes = [], []
    for grid in read_workbook(data, shown):
        table = find_headings(grid, register)
        if table:
            tables.append(table)
        elif any(cell not in (None, "") for row in grid.cells for cell in row):
            notes.append(Fault(grid.shown, "is a sheet without a row of headings and was passed over"))
    if not tables:
        raise Faults([Fault(shown, "has no row of headings", f"start from the blank form {register.form_title}")])
    return file, tables, notes


def read_bytes(path: Path, shown: str) -> tuple[bytes, datetime]:
    """A file's content and when it was last changed. Raises :class:`Faults` where it is none, or too large."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Faults([Fault(shown, "is no regular file", "put the file itself here")])
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Faults([Fault(shown, f"cannot be read: {error.strerror or error}")]) from error
    if len(data) > MAX_BYTES:
        raise Faults([Fault(shown, f"is larger than {MAX_BYTES >> 20} MiB", "remove pictures, or split the file")])
    return data, datetime.fromtimestamp(int(status.st_mtime), UTC)


def _name_hint(path: Path) -> str:
    titled = by_title(path.stem)
    if titled:
        return f"name it {titled.name}-….{path.suffix[1:]}"
    return did_you_mean(path.stem, REGISTERS) or f"start its name with one of {', '.join(REGISTERS)}"

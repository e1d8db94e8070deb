"""A folder of registers as tables whose headings are understood, with what was wrong on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from inventories.faults import Fault, Faults, clean
from inventories.registers.declare import Register
from inventories.registers.files import find_files, read_file, register_of
from inventories.registers.headings import match
from inventories.registers.records import Source
from inventories.registers.tables import RegisterFile


@dataclass(slots=True)
class Intake:
    """``broken`` names, per register, the files of which no row could be read: its rows may be anyone's."""

    sources: dict[str, list[Source]] = field(default_factory=dict)
    files: list[RegisterFile] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)

    def digests(self) -> dict[str, set[str]]:
        """Register → SHA-256 of each of its files."""
        out: dict[str, set[str]] = {}
        for file in self.files:
            out.setdefault(file.register, set()).add(file.digest)
        return out


def read_folder(directory: Path, shown: str) -> Intake:
    """Every register file of a folder, in the order of names."""
    out = Intake()
    for path, fault in find_files(directory, shown):
        register = register_of(path.stem)
        name = f"{shown}/{clean(path.name, 80)}"
        if fault is not None:
            out.faults.append(fault)
            if register is not None:
                out.broken.setdefault(register.name, []).append(name)
        elif register is not None:
            _read_one(path, register, name, out)
    return out


def _read_one(path: Path, register: Register, shown: str, out: Intake) -> None:
    try:
        file, tables, notes = read_file(path, register, shown)
    except Faults as error:
        out.faults += error.faults
        out.broken.setdefault(register.name, []).append(shown)
        return
    out.files.append(file)
    out.notes += notes
    for table in tables:
        matching = match(table, register)
        out.faults += matching.faults
        out.notes += matching.notes
        if matching.usable:
            out.sources.setdefault(register.name, []).append(Source(table, file, register, matching, matching.index))
        else:
            out.broken.setdefault(register.name, []).append(table.shown)

"""A folder of registers as tables whose headings are understood, with what was wrong on the way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from inventories.faults import Fault, Faults, clean
from inventories.registers.declare import REGISTERS, Register
from inventories.registers.files import find_files, read_bytes, read_file, register_of
from inventories.registers.headings import match
from inventories.registers.records import Source
from inventories.registers.returns import SUBMISSIONS, Return, find_returns
from inventories.registers.tables import RegisterFile, Table


@dataclass(slots=True)
class Intake:
    """``broken`` names, per register, the files of which no row could be read: its rows may be anyone's.

    ``returned``: (register, department) → the place of the return that stands instead of the department's rows in all
    other files; ``lost``: those returns of which no row could be read.
    """

    sources: dict[str, list[Source]] = field(default_factory=dict)
    files: list[RegisterFile] = field(default_factory=list)
    broken: dict[str, list[str]] = field(default_factory=dict)
    returned: dict[tuple[str, str], str] = field(default_factory=dict)
    lost: set[tuple[str, str]] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)

    def digests(self) -> dict[str, set[str]]:
        """Register → SHA-256 of each of its files, and of the forms that returns were handed in as."""
        out: dict[str, set[str]] = {}
        for file in self.files:
            out.setdefault(file.register, set()).update({file.digest, file.form} - {""})
        return out

    def without(self, whose: tuple[str, str]) -> Intake:
        """The same intake but for what a department returned for a register."""
        kept = {name: [s for s in sources if s.file.part_of != whose] for name, sources in self.sources.items()}
        returned = {key: place for key, place in self.returned.items() if key != whose}
        return replace(self, sources=kept, returned=returned, lost=self.lost - {whose})


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
    for found in find_returns(directory, shown):
        if isinstance(found, Return):
            _read_return(found, out)
        else:
            out.faults.append(found)
    return out


def _read_return(found: Return, out: Intake) -> None:
    """The rows of a return and its line in the register of submissions."""
    whose = (found.register.name, found.department)
    rows, form = found.folder / f"{found.stem}.csv", found.folder / f"{found.stem}.xlsx"
    out.returned[whose] = f"{found.shown}/{rows.name}"
    part = Intake()
    digest = ""
    try:
        if form.exists():
            digest = hashlib.sha256(read_bytes(form, f"{found.shown}/{form.name}")[0]).hexdigest()
    except Faults as error:
        part.faults += error.faults
    _read_one(rows, found.register, f"{found.shown}/{rows.name}", part, part_of=whose, form=digest)
    said = found.folder / SUBMISSIONS
    _read_one(said, REGISTERS["submissions"], f"{found.shown}/{said.name}", part, part_of=whose)
    if part.broken:
        out.lost.add(whose)
    out.files += part.files
    out.faults += part.faults
    out.notes += part.notes
    for name, sources in part.sources.items():
        out.sources.setdefault(name, []).extend(sources)


def _read_one(
    path: Path,
    register: Register,
    shown: str,
    out: Intake,
    *,
    part_of: tuple[str, str] | None = None,
    form: str = "",
) -> None:
    try:
        file, tables, notes = read_file(path, register, shown, part_of=part_of, form=form)
    except Faults as error:
        out.faults += error.faults
        out.broken.setdefault(register.name, []).append(shown)
        return
    out.files.append(file)
    out.notes += notes
    for table in tables:
        source = understand(table, file, register, out)
        if source is not None:
            out.sources.setdefault(register.name, []).append(source)
        else:
            out.broken.setdefault(register.name, []).append(table.shown)


def understand(table: Table, file: RegisterFile, register: Register, out: Intake) -> Source | None:
    """The table with what its headings mean; None where no row of it can be read. Faults and notes go to ``out``."""
    matching = match(table, register)
    out.faults += matching.faults
    out.notes += matching.notes
    return Source(table, file, register, matching, matching.index) if matching.usable else None

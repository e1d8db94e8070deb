"""What departments returned and the site took in: where it lies among the registers, and which of it stands.

``registers/returned/<register>-<department>/<number>-<day>/`` holds one return whole: the form as it was handed in
(``<register>-<department>.xlsx``), the same cells in the same places as text (``….csv``), and ``submissions.csv``:
who returned what, and when. The highest number stands, and it stands *instead of* the department's rows in every
other file of that register; the returns before it stay where they are. Only the CSV files are read, since a site may
hold thousands of returns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inventories.faults import Fault, clean
from inventories.registers.declare import REGISTERS, Register

FOLDER = "returned"
SUBMISSIONS = "submissions.csv"
MAX_RETURNS = 20_000
#: Registers that the bureau keeps itself: no department returns them.
KEPT_BY_BUREAU = frozenset({"departments", "submissions", "exemptions"})
#: Ids stand in file names: nothing that leads out of a folder.
ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$")
_TURN = re.compile(r"^(\d{4,9})-\d{8}$")


@dataclass(frozen=True, slots=True)
class Return:
    """One return that stands. ``folder`` holds its files; ``shown`` is its name in errors and sources."""

    register: Register
    department: str
    folder: Path
    shown: str

    @property
    def stem(self) -> str:
        return stem(self.register, self.department)


def stem(register: Register, department: str) -> str:
    return f"{register.name}-{department}"


def find_returns(directory: Path, shown: str) -> Iterator[Return | Fault]:
    """The returns that stand in a folder of registers, with a fault for each folder that is none. Never raises."""
    folder, shown = directory / FOLDER, f"{shown}/{FOLDER}"
    if not folder.exists():
        return
    if not _is_folder(folder):
        yield Fault(shown, "is no folder of returns", "keep only what 'auditor register import' took in here")
        return
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        yield Fault(shown, f"cannot be read: {error.strerror or error}")
        return
    if len(entries) > MAX_RETURNS:
        yield Fault(shown, f"holds more than {MAX_RETURNS} entries", "keep only what was taken in here")
        return
    for path in entries:
        yield _return(path, f"{shown}/{clean(path.name, 80)}")


def _return(path: Path, shown: str) -> Return | Fault:
    name, _, department = path.name.partition("-")
    register = REGISTERS.get(name)
    if register is None or name in KEPT_BY_BUREAU or not ID.match(department) or not _is_folder(path):
        return Fault(shown, "is no department's return", "keep only what 'auditor register import' took in here")
    try:
        turns = turns_of(path)
    except OSError as error:
        return Fault(shown, f"cannot be read: {error.strerror or error}")
    if not turns:
        return Fault(shown, "holds no return", "remove the folder, or take the form in again")
    return Return(register, department, turns[-1], f"{shown}/{turns[-1].name}")


def turns_of(path: Path) -> list[Path]:
    """The returns of one department for one register, oldest first. OSError where the folder cannot be read."""
    found = [(int(turn[1]), entry) for entry in path.iterdir() if (turn := _TURN.match(entry.name))]
    return [entry for _, entry in sorted(found) if _is_folder(entry)]


def _is_folder(path: Path) -> bool:
    """A link could lead anywhere: nothing that is written here is one."""
    return path.is_dir() and not path.is_symlink()

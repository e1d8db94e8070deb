"""What departments were asked for, and what they answered: the ground of every "there is none".

A missing row or a 无 accuses only where the register was received, and where nothing of it was lost on the way in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from inventories.kinds import KINDS, Column
from inventories.model import Failure, Submission

# A register may come in several files: what follows one of these only tells them apart.
_PART = re.compile(r"[-_－＿]")

#: The collector of everything that comes out of registers.
REGISTER = "register"


def register_of(source: str) -> str:
    """``systems`` for ``registers/systems.xlsx!B7`` and ``registers/systems-民政局.csv!3``; empty for no register."""
    path, mark, _cell = source.partition("!")
    _folder, slash, name = path.rpartition("/")
    return _PART.split(name.rpartition(".")[0] or name, maxsplit=1)[0] if slash or mark else ""


class Answers:
    """An index of submissions, and of registers that were not taken in whole.

    A failure of the collector ``register`` makes the registers that its scope names incomplete; where the scope
    also names departments, or only departments, it does so for those alone.
    """

    def __init__(self, submissions: Iterable[Submission], failures: Iterable[Failure] = ()) -> None:
        self._by: dict[tuple[str, str], list[Submission]] = {}
        for submission in submissions:
            self._by.setdefault((submission.register, submission.department_id), []).append(submission)
        for received in self._by.values():
            received.sort(key=lambda s: (s.received_on, s.period, s.digest, s.columns, s.nil_return), reverse=True)
        known = {register for register, _department in self._by} | {kind.register for kind in KINDS.values()}
        answering = {department for _register, department in self._by}
        self._broken: set[tuple[str, str]] = set()
        for failure in failures:
            if failure.collector != REGISTER:
                continue
            names = {register_of(entry) or PurePosixPath(entry).stem for entry in failure.scope}
            registers = {name for name in names if name in known} or ({""} if names else set())
            departments = {name for name in names if name not in known and name in answering}
            self._broken.update((r, d) for r in registers for d in (departments or {""}))

    def received(self, register: str, department_id: str) -> Submission | None:
        """The latest submission of a register by a department, if any."""
        found = self._by.get((register, department_id)) if department_id else None
        return found[0] if found else None

    def whole(self, register: str, department_id: str) -> Submission | None:
        """The latest submission, where a row that is missing in it is known to be missing.

        None where nothing was received, or where rows were refused: the missing row may be among them.
        """
        if {(register, department_id), (register, ""), ("", department_id), ("", "")} & self._broken:
            return None
        return self.received(register, department_id)

    def asked(self, register: str, department_id: str, column: Column) -> Submission | None:
        """The latest submission that was asked to fill a column (no list of columns: the whole form)."""
        names = {column.name, column.title, *column.headings}
        for submission in self._by.get((register, department_id), ()):
            if not submission.columns or names.intersection(submission.columns):
                return submission
        return None

    def nil(self, register: str, department_id: str) -> Submission | None:
        """The submission by which a department says that it has none of the kind; None where a later one has rows."""
        latest = self.received(register, department_id)
        return latest if latest is not None and latest.nil_return else None

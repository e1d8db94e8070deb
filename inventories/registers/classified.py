"""Classified rows: dropped at intake, before anything of them is kept, shown or written anywhere.

Other registers may name what was dropped (the hosts of a classified system, its assessment): those rows go
too, so that neither a note nor the quarantine repeats a name that must not be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from inventories.registers.addresses import read_address, read_prefix
from inventories.registers.cells import Raw, split, text_of
from inventories.registers.declare import Register
from inventories.registers.departments import DepartmentBook
from inventories.registers.errors import CellError
from inventories.registers.headings import Matching
from inventories.registers.tables import Row
from inventories.registers.words import fold, is_blank, key, listed

#: Column → the asset kind that it names by code or name ("*": any).
REFERENCES: Final[Mapping[str, str]] = {
    "system_codes": "system",
    "system_code": "system",
    "system_name": "system",
    "systems_housed": "system",
    "room_code": "room",
    "cloud_codes": "cloud",
    "project_code": "project",
    "host_key": "host",
    "asset_code": "*",
    "asset_name": "*",
}
# A row that is about the thing it names; elsewhere the name alone is taken out.
_ABOUT: Final = frozenset({"system_codes", "system_code", "system_name", "host_key", "asset_code", "asset_name"})
_ABOUT_REGISTERS: Final = frozenset({"hosts", "components", "assessments", "exemptions"})
_OPEN: Final = listed(
    "否 无 没有 非涉密 不涉密 未涉密 非密 非涉密系统 公开 内部 内部公开 一般 普通 工作秘密"
) | listed("不适用 不涉及 × x n no false f 0")


@dataclass(slots=True)
class Withheld:
    """What was dropped, in memory only: how many rows, the words that name them, and their addresses."""

    dropped: int = 0
    addresses: set[str] = field(default_factory=set)
    _own: set[tuple[str, str, str]] = field(default_factory=set)
    _codes: set[tuple[str, str]] = field(default_factory=set)
    _open_codes: set[tuple[str, str]] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self._own)

    def drop(self, row: Row, matching: Matching, register: Register, owner: str) -> None:
        """Counts a classified row and remembers how other rows may name it."""
        self.dropped += 1
        for i, column in matching.columns.items():
            raw = row.cells[i] if i < len(row.cells) else None
            word = key(text_of(raw))
            if not word:
                continue
            if column.name in ("code", "name", "system_code", "system_name"):
                kind = "system" if column.name.startswith("system") else register.kind
                self._own.add((kind, owner, word))
            if column.name == "code":
                self._codes.add((register.kind, word))
            if column.name in ("ips", "addresses", "prefixes"):
                self.addresses.update(_addresses(split(raw, column)))

    def keep(self, row: Row, matching: Matching, register: Register) -> None:
        """Notes the code of an open row: another department's equal code then names the open one."""
        i = matching.index.get("code")
        if i is not None and i < len(row.cells):
            self._open_codes.add((register.kind, key(text_of(row.cells[i]))))

    def names(self, kind: str, owner: str, word: str) -> bool:
        """Whether a word names something dropped, as the department ``owner`` would use it."""
        if not self._own or not word:
            return False
        if kind == "*":
            return any(self.names(k, owner, word) for k in {k for k, _, _ in self._own})
        return (kind, owner, word) in self._own or (
            (kind, word) in self._codes and (kind, word) not in self._open_codes
        )

    def sift(self, row: Row, matching: Matching, register: Register, owner: str) -> Row | None:
        """The row without what it says of dropped things; None where the row itself is about one."""
        index = matching.index
        for own in ("code", "name"):
            if own in index and (register.kind, owner, _word(row, index[own])) in self._own:
                return None
        cells = list(row.cells)
        about = named = 0
        for i, column in matching.columns.items():
            kind = REFERENCES.get(column.name)
            if kind is None or i >= len(cells) or is_blank(fold(text_of(cells[i]))):
                continue
            kept, gone = self._part(cells[i], matching, i, kind, owner)
            named += gone
            if column.name in _ABOUT:
                about += len(kept)
            if gone:
                cells[i] = "、".join(kept) or None
        if not named:
            return row
        if register.name in _ABOUT_REGISTERS and not about:
            return None
        return replace(row, cells=tuple(cells))

    def _part(self, raw: Raw, matching: Matching, i: int, kind: str, owner: str) -> tuple[list[str], int]:
        column = matching.columns[i]
        parts = split(raw, column) if column.type == "texts" else [text_of(raw)]
        kept = [part for part in parts if not self.names(kind, owner, key(part))]
        return kept, len(parts) - len(kept)


def is_classified(row: Row, matching: Matching) -> bool:
    """Whether a row answers 是, 秘密, 机密 or 绝密, or anything that is not plainly open."""
    for i in matching.classified:
        if i < len(row.cells):
            word = key(text_of(row.cells[i]))
            if not is_blank(word) and word not in _OPEN:
                return True
    return False


def owner_word(row: Row, matching: Matching, departments: DepartmentBook) -> str:
    """The id of the department that a row names, or its words where no department is meant."""
    index = matching.index
    for name in ("department_id", "department"):
        word = _word(row, index[name]) if name in index else ""
        if word:
            try:
                return departments.find(word).id
            except CellError:
                return word
    return ""


def _word(row: Row, i: int) -> str:
    return key(text_of(row.cells[i])) if i < len(row.cells) else ""


def _addresses(parts: list[str]) -> set[str]:
    out = set()
    for part in parts:
        for reader in (lambda text: read_address(text, service=True), read_prefix):
            try:
                out.add(reader(part))
            except CellError:
                continue
            break
    return out

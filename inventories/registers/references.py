"""What rows say of each other: codes given twice, and names or codes that must stand in another register."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from inventories.faults import Fault
from inventories.registers import words
from inventories.registers.cells import Cell
from inventories.registers.classified import REFERENCES
from inventories.registers.records import Record, Refused, refuse
from inventories.registers.words import Hints

#: References that are checked and written as codes; the others are names in free text.
_CHECKED = ("system_codes", "system_code", "room_code", "cloud_codes", "project_code", "host_key")
_TITLES = {"system": "信息系统", "room": "机房", "cloud": "云平台", "project": "信息化项目", "host": "主机"}


@dataclass(slots=True)
class Index:
    """The accepted rows of one kind by code, by name within their department, and hosts by address.

    ``twice`` holds codes that two rows gave: no reference to them is followed.
    """

    codes: dict[str, Record] = field(default_factory=dict)
    names: dict[tuple[str, str], list[Record]] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)
    hint: Hints = field(default_factory=lambda: Hints(()))

    def find(self, word: str, department: str) -> Record | None:
        """The row that a word means: by code, by a name of the same department, by a name that only one has."""
        by_code = self.codes.get(words.key(word))
        if by_code is not None:
            return by_code
        own = self.names.get((department, words.key(word)), [])
        if own:
            return own[0] if len(own) == 1 else None
        anywhere = [r for (_, name), records in self.names.items() if name == words.key(word) for r in records]
        return anywhere[0] if len(anywhere) == 1 else None


def unique(records: Iterable[Record], notes: list[Fault]) -> tuple[list[Record], list[Refused], Index]:
    """Refuses rows whose code, or whose name without a code, an earlier row already has."""
    kept: list[Record] = []
    refused: list[Refused] = []
    index = Index()
    for record in records:
        code, name = words.key(record.text("code")), words.key(record.text("name"))
        column, first = "code", index.codes.get(code) if code else None
        if first is None and name and record.register.kind not in ("host", "component"):
            namesakes = index.names.get((record.department, name), [])
            column, first = "name", next((r for r in namesakes if not code or not r.text("code")), None)
            if namesakes and first is None:
                what = f"{record.said('name')!r} is also the name at {namesakes[0].place('name')}"
                notes.append(Fault(record.place("name"), what, "tell the two apart by their names"))
        if first is not None:
            if column == "code":
                index.twice.add(code)
            title = record.register.by_name[column].title
            what = f"{title} {record.said(column)!r} is already that of {first.place(column)}"
            fault = Fault(record.place(column), what, "give each its own, or keep one of the two rows")
            refused.append(refuse(record.source, record.row, [fault], record.department))
            continue
        kept.append(record)
        if code:
            index.codes[code] = record
        _add_names(index, record, name)
    index.hint = Hints(record.text(column) for record in kept for column in ("code", "name"))
    return kept, refused, index


def _add_names(index: Index, record: Record, name: str) -> None:
    if record.register.kind == "host":
        for address in record.texts("ips"):
            index.names.setdefault((record.department, address), []).append(record)
    elif name:
        index.names.setdefault((record.department, name), []).append(record)


def link(record: Record, indexes: Mapping[str, Index], notes: list[Fault]) -> None:
    """Writes references as the codes of the rows they mean; remarks on those that mean none."""
    for column in _CHECKED:
        cell = record.cells.get(column)
        index = indexes.get(REFERENCES[column])
        if cell is None or cell.absent or index is None or not (index.codes or index.names):
            continue
        said = cell.value if isinstance(cell.value, tuple) else (str(cell.value),)
        codes = tuple(dict.fromkeys(c for word in said if (c := _linked(word, record, column, index, notes))))
        if not codes:
            del record.cells[column]
        else:
            record.cells[column] = Cell(codes if isinstance(cell.value, tuple) else codes[0])


def _linked(word: str, record: Record, column: str, index: Index, notes: list[Fault]) -> str:
    if words.key(word) in index.twice:
        what = f"two rows have the code {words.evidence(word)!r}: the reference is not followed"
        notes.append(Fault(record.place(column), what, "give each its own code"))
        return ""
    found = index.find(word, record.department)
    if found is not None:
        return found.text("code") or word
    kind = REFERENCES[column]
    what = f"no {kind} ({_TITLES[kind]}) with the code or name {words.evidence(word)!r} stands in the registers"
    notes.append(Fault(record.place(column), what, index.hint(word)))
    return word

"""From an asset's values to cells: labels for codes, dates as dates, 无 for what was asked for and does not exist."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import TypeVar

from inventories.kinds import Column, Kind, Type
from inventories.kinds.declare import COMMON
from policies.subjects import columns_of
from reports.account import owners
from reports.ledger_cells import Cell, Head, Lines, Mark, heads
from reports.model import AssetView, AuditView, CaseView, SystemView
from reports.words import source_words

Owned = TypeVar("Owned", AssetView, SystemView, CaseView)
Values = Mapping[str, object]
Getter = Callable[[Values], Cell]

#: Columns of every kind that are of use beside the kind's own.
_SHARED = ("zone", "is_observed", "is_declared", "first_seen_on", "last_seen_on")
_WIDTHS: Mapping[Type, float] = {
    Type.TEXT: 13,
    Type.TEXTS: 20,
    Type.INTEGER: 9,
    Type.NUMBER: 10,
    Type.BOOLEAN: 8,
    Type.DATE: 11,
}
#: Where a row comes from; the snapshot, which every page names at its head, stands at the end of the row.
EVIDENCE = heads("数据来源 22; 资产标识 15")
SNAPSHOT = heads("数据快照 20")
_MOST_SOURCES = 6
#: Nobody has told: not the same as 无, which is an answer.
UNTOLD = Mark("不明", "faint")
MISSING = Mark("无", "bad")


def chosen(kind: Kind, spec: str) -> list[tuple[Column, Head]]:
    """Columns with their headings, from ``code address:24``: names, and widths where they are not the type's own."""
    known = columns_of(kind.name)
    out = []
    for item in spec.split():
        name, _, width = item.partition(":")
        out.append((known[name], head_of(known[name], float(width) if width else 0)))
    return out


def head_of(column: Column, width: float = 0) -> Head:
    unit = f"\n（{column.unit}）" if column.unit and not column.title.endswith(f"{column.unit}别") else ""
    return Head(f"{column.title}{unit}", width or _WIDTHS[column.type])


def others(kind: Kind, assets: Iterable[AssetView], shown: Iterable[str]) -> list[tuple[Column, Head]]:
    """Further columns of a kind, those only that some asset has a value for."""
    filled = {name for asset in assets for name, value in asset.values.items() if value not in (None, ())}
    known = {"name", *shown}
    own = [column for column in kind.columns if column.name not in known]
    shared = [column for column in COMMON if column.name in _SHARED and column.name not in known]
    return [
        (column, head_of(column))
        for column in (*own, *shared)
        if column.name in filled or (column.paper and absence(column) in filled)
    ]


def absence(column: Column) -> str:
    return f"{column.paper}_absent"


def getter(column: Column) -> Getter:
    """Reads a column's cell from values; blank where nobody has told, 无 where the answer is that there is none."""
    name = column.name
    absent = absence(column) if column.paper else ""

    def get(values: Values) -> Cell:
        value = values.get(name)
        if value is None:
            return "无" if absent and values.get(absent) is True else None
        return shape(value)

    shape = _shape(column)
    return get


def marked(column: Column) -> Getter:
    """As :func:`getter`, with what is missing and what nobody has told marked apart."""
    plain = getter(column)

    def get(values: Values) -> Cell:
        cell = plain(values)
        return UNTOLD if cell is None else MISSING if cell == "无" else cell

    return get


def _shape(column: Column) -> Callable[[object], Cell]:
    if column.values:
        labels = {code: column.label(code) for code in column.values}

        def label(value: object) -> Cell:
            if isinstance(value, (list, tuple)):
                return [labels.get(str(code), str(code)) for code in value]
            return labels.get(str(value), str(value))

        return label
    return day_of if column.type is Type.DATE else _same


def _same(value: object) -> Cell:
    return value


def day_of(value: object) -> Cell:
    """A day also where it comes as ISO text, as it does from a program's output; anything else as it is."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return value


def as_day(value: object) -> date | None:
    """The day that a value is, if it is one."""
    day = day_of(value)
    return day if isinstance(day, date) else None


def evidence(asset: AssetView | None, key: str) -> tuple[Cell, Cell]:
    """Who spoke of an asset and where, and the key by which ``auditor asset show`` tells it all."""
    sources = asset.sources if asset else ()
    if not sources:
        return None, key
    shown = dict.fromkeys([_place(source) for source in sources[:_MOST_SOURCES]])
    more = [f"等{len(sources)}处"] if len(sources) > _MOST_SOURCES else []
    return Lines((*shown, *more)), key


def _place(source: str) -> str:
    """``registers/rooms.xlsx!7`` → rooms.xlsx第7行, ``nmap`` → 网络探测; the column says already what it is."""
    file, mark, row = source.rpartition("!")
    if mark and row.isdecimal() and " + " not in file and not file.startswith("registers/submissions"):
        return f"{file.rpartition('/')[2]}第{row}行"
    return _words(source)


@lru_cache(maxsize=1024)
def _words(source: str) -> str:
    return source_words(source).removeprefix("登记台账")


def conflicts_of(asset: AssetView | None) -> Cell:
    return Lines(asset.conflicts) if asset and asset.conflicts else None


class Order:
    """Departments in the register's order, then every other owner; what one owns by name."""

    def __init__(self, view: AuditView) -> None:
        self._ranks = {department: place for place, (department, _) in enumerate(owners(view))}

    def rank(self, department: str) -> int:
        return self._ranks.get(department, len(self._ranks))

    def sort(self, items: Iterable[Owned], key: Callable[[Owned], tuple[object, ...]]) -> list[Owned]:
        return sorted(items, key=lambda item: (self.rank(item.department_id), *key(item)))

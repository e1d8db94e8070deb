"""YAML registers: a list of mappings whose keys are headings or column names."""

from __future__ import annotations

import datetime as dt
from typing import Any

from inventories.documents import Document, decode_yaml, parse_yaml
from inventories.faults import Fault, Faults
from inventories.registers.cells import Raw
from inventories.registers.tables import Row, Table


def read_mappings(data: bytes, shown: str) -> Table:
    """The rows of a YAML file, each cell with its ``file:line:col``. Raises :class:`Faults`."""
    document = parse_yaml(decode_yaml(data, name=shown), name=shown)
    rows = document.data if document.data is not None else []
    if not isinstance(rows, list):
        raise Faults([document.fault((), "is no list", "write each row as '- 名称: …'")])
    faults: list[Fault] = []
    headings: dict[str, int] = {}
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            faults.append(document.fault((i,), "is no mapping", "write it as '名称: …'"))
            continue
        for heading in row:
            headings.setdefault(heading, len(headings))
    if faults:
        raise Faults(faults)
    first = {index: _first_place(document, rows, heading) for heading, index in headings.items()}
    table_rows = [_row(document, i, row, tuple(headings), faults) for i, row in enumerate(rows)]
    if faults:
        raise Faults(faults)
    return Table(shown, tuple(headings), table_rows, heading_places=first)


def _row(document: Document, i: int, row: dict[str, Any], headings: tuple[str, ...], faults: list[Fault]) -> Row:
    cells: list[Raw] = []
    places: list[str] = []
    for heading in headings:
        value = row.get(heading)
        place = document.where(i, heading) if heading in row else document.where(i)
        if isinstance(value, list):
            if any(isinstance(item, (list, dict)) for item in value):
                faults.append(Fault(place, "is nested too deep", "write a list of plain values"))
            value = [_text(item) for item in value]
        elif isinstance(value, dict):
            faults.append(Fault(place, "is a mapping", "write a plain value"))
            value = None
        cells.append(value)
        places.append(place)
    return Row(i + 1, tuple(cells), tuple(places), document.where(i))


def _text(item: object) -> str:
    if isinstance(item, bool):
        return "是" if item else "否"
    return "" if item is None else item.isoformat() if isinstance(item, dt.date) else str(item)


def _first_place(document: Document, rows: list[dict[str, Any]], heading: str) -> str:
    return next(document.where(i, heading) for i, row in enumerate(rows) if heading in row)

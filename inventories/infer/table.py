"""Reads ``evidence.yaml``: what counts as evidence of what, and how much, checked whole.

A section holds settings (one value each), lists of texts, and tables of rows. What the sections of :data:`SHAPES`
hold is laid down there, with the type of every value; a section that is not named there is read in the same form and
taken as it stands, so that a conclusion of its own can bring its own table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from inventories.documents import Document, Path_, read_yaml
from inventories.faults import Fault, Faults, did_you_mean
from inventories.model import Strength
from inventories.prefixes import network

Cell: TypeAlias = str | int | float | bool | tuple[str, ...]
Row: TypeAlias = Mapping[str, Cell]

# A folded line ends in a space, which Chinese has none of.
_CJK = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
_FOLDED = re.compile(f"(?<={_CJK}) (?={_CJK})")

#: What a sign of a machine room stands for.
STANDS_FOR = ("machine", "room", "cooling", "support", "other")


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= 10_000


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_text(item) for item in value)


def _is_strength(value: object) -> bool:
    return value in [strength.label for strength in Strength]


#: Type of a value → whether it is one, and what to say where it is not.
TYPES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "count": (_is_count, "is no count (0, 1, 2 ...)"),
    "share": (_is_share, "is no share between 0 and 1"),
    "flag": (lambda value: type(value) is bool, "is neither true nor false"),
    "text": (_is_text, "is no text"),
    "texts": (_is_texts, "is no list of texts"),
    "strength": (_is_strength, f"is no strength: one of {', '.join(s.label for s in Strength)}"),
    "stands_for": (lambda value: value in STANDS_FOR, f"is none of {', '.join(STANDS_FOR)}"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a section holds: settings with their types, lists (``text``, ``pattern`` or ``prefix``), tables."""

    settings: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


_WORDS = {"id": "text", "title": "text", "english": "text"}
_SIGN = {**_WORDS, "strength": "strength", "rests_on": "text"}

SHAPES: Mapping[str, Shape] = {
    "services": Shape(
        {"least_name": "count"},
        {
            **dict.fromkeys(("upkeep_services", "database_services", "equipment", "roles"), "text"),
            "private_platforms": "text",
            **dict.fromkeys(("empty_pages", "equipment_pages", "nameless_pages"), "pattern"),
        },
    ),
    "machines": Shape(
        {"most_bearers": "count"},
        {
            **dict.fromkeys(("workstation_systems", "workstation_models"), "pattern"),
            **dict.fromkeys(("server_categories", "network_categories", "upkeep_processes"), "text"),
        },
    ),
    "rooms": Shape(
        {
            "least_kinds": "count",
            "core_networks": "count",
            "least_confidence": "share",
            "neighbour_discount": "share",
        },
        tables={
            "signs": {**_SIGN, "least": "count", "stands_for": "stands_for"},
            "confidence": {
                **dict.fromkeys(("machines", "devices", "cooling", "kinds"), "count"),
                "confidence": "share",
            },
        },
    ),
    "clouds": Shape(
        dict.fromkeys(("conclude_from", "kind_from", "interface", "other_parts", "most_sure"), "share"),
        tables={
            "platforms": {
                **_WORDS,
                **{"words": "texts", "family": "text", "is_manager": "flag", "is_machine": "flag"},
                **{"first": "share", "further": "share", "most": "count"},
            }
        },
    ),
    "networks": Shape(
        {
            **dict.fromkeys(("conclude_from", "dedicated_from", "most_sure", "workstation_share"), "share"),
            **dict.fromkeys(("neighbour_bits", "neighbour_bits_v6", "widest", "widest_v6", "most_routes"), "count"),
        },
        {
            **dict.fromkeys(("inner_interfaces", "guest_interfaces", "container_interfaces"), "pattern"),
            "inner_prefixes": "prefix",
            "overlay_tunnels": "text",
        },
        {"signs": {**_SIGN, "weight": "share", "most": "count", "leaves": "flag"}},
    ),
    "exits": Shape(
        dict.fromkeys(("conclude_from", "own_from", "most_sure", "unknown_exit_cap"), "share"),
        {"not_public": "prefix", "extranet": "prefix"},
        {"signs": {**_SIGN, "weight": "share", "compared": "flag"}},
    ),
    "systems": Shape(
        dict.fromkeys(("shared_systems", "shared_departments", "shared_pages", "grace_days"), "count"),
        {
            **dict.fromkeys(("proxy_names", "parked_pages", "test_pages", "test_copies", "moved_pages"), "pattern"),
            **dict.fromkeys(("agent_pages", "spare_words", "backup_words", "platform_instances"), "pattern"),
            "stray_names": "pattern",
            **dict.fromkeys(("agent_processes", "other_devices", "front_devices", "serving_categories"), "text"),
            **dict.fromkeys(("system_tags", "generic_words"), "text"),
        },
        {
            "levels": {"id": "text", "words": "texts"},
            "brands": {"id": "text", "words": "texts"},
            "components": {**_WORDS, "many": "flag", "rests_on": "text"},
        },
    ),
}


@dataclass(frozen=True, slots=True)
class Setting:
    value: Cell
    title: str
    english: str


@dataclass(frozen=True, slots=True)
class Texts:
    values: tuple[str, ...]
    title: str
    english: str


@dataclass(frozen=True, slots=True)
class Rows:
    rows: tuple[Row, ...]
    title: str
    english: str


@dataclass(frozen=True, slots=True)
class Section:
    """What one conclusion is drawn by. ``title`` and ``about`` are Chinese, ``english`` and ``about_english`` not."""

    title: str
    english: str
    about: str
    about_english: str
    settings: Mapping[str, Setting]
    lists: Mapping[str, Texts]
    tables: Mapping[str, Rows]

    def number(self, name: str) -> float:
        """A setting that is a number; KeyError for one that is not there."""
        value = self.settings[name].value
        if not isinstance(value, (int, float)):
            raise TypeError(f"{name} is no number")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        return self.lists[name].values

    def rows(self, name: str) -> tuple[Row, ...]:
        return self.tables[name].rows


def read_evidence(path: Path) -> Mapping[str, Section]:
    """Every section by name, in the file's order. Raises :class:`Faults` with every fault and its place."""
    return parse_evidence(read_yaml(path, name=path.name))


def parse_evidence(document: Document) -> Mapping[str, Section]:
    """The same from a document that was read already; raises :class:`Faults`."""
    reader = _Reader(document)
    sections = reader.sections()
    if reader.faults:
        raise Faults(reader.faults)
    return sections


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document, self.faults = document, list[Fault]()

    def fault(self, path: Path_, what: str, mend: str = "") -> None:
        self.faults.append(self.document.fault(path, what, mend))

    def sections(self) -> Mapping[str, Section]:
        data = self.document.data
        if not isinstance(data, dict):
            self.fault((), "is no mapping of sections")
            return {}
        for name in sorted(SHAPES.keys() - data.keys()):
            self.fault((), f"the section {name!r} is missing")
        return {name: self._section(name, found) for name, found in data.items()}

    def _section(self, name: str, found: object) -> Section:
        at: Path_ = (name,)
        body = self._mapping(at, found, {"title", "english", "about", "about_english", "settings", "lists", "tables"})
        words = [self._words(at, body, key) for key in ("title", "english", "about", "about_english")]
        shape = SHAPES.get(name)
        settings = self._parts((*at, "settings"), body, shape.settings if shape else None, self._setting)
        lists = self._parts((*at, "lists"), body, shape.lists if shape else None, self._texts)
        tables = self._parts((*at, "tables"), body, shape.tables if shape else None, self._rows)
        return Section(words[0], words[1], words[2], words[3], settings, lists, tables)

    def _parts(
        self,
        at: Path_,
        body: Mapping[str, Any],
        wanted: Mapping[str, Any] | None,
        read: Callable[[Path_, Any, Any], Any],
    ) -> dict[str, Any]:
        """The entries of ``settings``, ``lists`` or ``tables``: all that are wanted, and no others where we know."""
        found = body.get(str(at[-1])) or {}
        if not isinstance(found, dict):
            self.fault(at, "is no mapping")
            return {}
        if wanted is not None:
            for name in sorted(wanted.keys() - found.keys()):
                self.fault(at, f"{name!r} is missing")
            for name in sorted(found.keys() - wanted.keys()):
                self.fault((*at, name), f"unknown entry {name!r}", did_you_mean(name, wanted))
        return {
            name: read((*at, name), entry, (wanted or {}).get(name))
            for name, entry in found.items()
            if wanted is None or name in wanted
        }

    def _setting(self, at: Path_, entry: Any, kind: str | None) -> Setting:
        body = self._mapping(at, entry, {"value", "title", "english"})
        value = body.get("value")
        return Setting(
            self._cell((*at, "value"), value, kind), self._words(at, body, "title"), self._words(at, body, "english")
        )

    def _texts(self, at: Path_, entry: Any, kind: str | None) -> Texts:
        body = self._mapping(at, entry, {"values", "title", "english"})
        values = body.get("values")
        if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
            self.fault((*at, "values"), "is no list of texts")
            values = []
        for i, value in enumerate(values):
            if value in values[:i]:
                self.fault((*at, "values", i), f"{value!r} stands twice", "keep one of them")
            if kind == "prefix" and (network(value) is None or "/" not in value):
                self.fault((*at, "values", i), f"{value!r} is no prefix")
            elif kind == "pattern":
                try:
                    re.compile(value)
                except re.error as error:
                    self.fault((*at, "values", i), f"{value!r} is no pattern: {error}")
        return Texts(tuple(values), self._words(at, body, "title"), self._words(at, body, "english"))

    def _rows(self, at: Path_, entry: Any, columns: Mapping[str, str] | None) -> Rows:
        body = self._mapping(at, entry, {"rows", "title", "english"})
        rows = body.get("rows")
        if not isinstance(rows, list) or not rows:
            self.fault((*at, "rows"), "is no list of rows")
            rows = []
        read = tuple(self._row((*at, "rows", i), row, columns) for i, row in enumerate(rows))
        ids = [row.get("id") for row in read]
        for i, known in enumerate(ids):
            if known is not None and known in ids[:i]:
                self.fault((*at, "rows", i, "id"), f"{known!r} stands twice", "keep one row")
        confidence = [row["confidence"] for row in read if isinstance(row.get("confidence"), (int, float))]
        if confidence != sorted(confidence, reverse=True):
            self.fault((*at, "rows"), "the rows' confidence does not fall", "the first row that holds is taken")
        return Rows(read, self._words(at, body, "title"), self._words(at, body, "english"))

    def _row(self, at: Path_, entry: Any, columns: Mapping[str, str] | None) -> Row:
        if not isinstance(entry, dict):
            self.fault(at, "is no row of keys and values")
            return {}
        if columns is not None:
            for name in sorted(columns.keys() - entry.keys()):
                self.fault(at, f"lacks {name!r}")
            for name in sorted(entry.keys() - columns.keys()):
                self.fault((*at, name), f"unknown column {name!r}", did_you_mean(name, columns))
        return {name: self._cell((*at, name), value, (columns or {}).get(name)) for name, value in entry.items()}

    def _cell(self, at: Path_, value: Any, kind: str | None) -> Cell:
        """A value of the type wanted (None: whatever is a value at all)."""
        if kind is not None:
            fits, why = TYPES[kind]
            if not fits(value):
                self.fault(at, f"{value!r} {why}")
                return ""
        elif not isinstance(value, (str, int, float)) and not _is_texts(value):
            self.fault(at, "is neither a number, a text, true, false nor a list of texts")
            return ""
        cell: Cell = tuple(value) if isinstance(value, list) else value
        return cell

    def _mapping(self, at: Path_, found: object, allowed: set[str]) -> dict[str, Any]:
        if not isinstance(found, dict):
            self.fault(at, "is no mapping of keys to values")
            return {}
        for name in sorted(found.keys() - allowed):
            self.fault((*at, name), f"unknown key {name!r}", did_you_mean(name, allowed))
        return found

    def _words(self, at: Path_, body: Mapping[str, Any], key: str) -> str:
        value = body.get(key)
        if not isinstance(value, str) or not value.strip():
            self.fault(at, f"lacks {key!r}", "say what it means")
            return ""
        return _FOLDED.sub("", " ".join(value.split()))

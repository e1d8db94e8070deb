"""Reading a table of fingerprints: rows that have the keys they need and no others, every fault at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from inventories.documents import Document
from inventories.faults import Fault, did_you_mean
from inventories.model import Strength

#: What a product is there for: the roles that hosts have, and what a system is made of.
CATEGORIES = (
    "hypervisor",
    "management_controller",
    "database",
    "middleware",
    "web",
    "ups",
    "pdu",
    "air_conditioner",
    "cloud_platform",
    "container",
    "storage",
    "network_device",
    "security_device",
    "printer",
    "camera",
    "remote_access",
    "file_sharing",
    "cpu",
    "os",
    "office",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as it stands in its file. The readers report what is wrong, and give None for it."""

    document: Document
    at: tuple[str | int, ...]
    values: dict[str, object]
    faults: list[Fault]

    def wrong(self, key: str, what: str, mend: str = "") -> None:
        self.faults.append(self.document.fault((*self.at, key) if key else self.at, what, mend))

    def text(self, key: str) -> str:
        value = self.values.get(key, "")
        return "" if value is None else str(value)

    def choice(self, key: str, among: tuple[str, ...], name: str) -> str | None:
        value = self.text(key)
        if value in among:
            return value
        self.wrong(key, f"unknown {name} {value!r}", did_you_mean(value, among) or f"one of {', '.join(among)}")
        return None

    def flag(self, key: str) -> bool | None:
        value = self.values.get(key, False)
        if isinstance(value, bool):
            return value
        self.wrong(key, "is neither true nor false")
        return None

    def pattern(self, key: str, flags: int = re.IGNORECASE) -> re.Pattern[str] | None:
        """The pattern under a key; None where there is none, or where it is no pattern."""
        if key not in self.values:
            return None
        try:
            return re.compile(self.text(key), flags)
        except re.error as error:
            self.wrong("", str(error))
            return None

    def strength(self, allowed: tuple[Strength, ...], said: str, key: str = "strength") -> Strength | None:
        try:
            strength = Strength.parse(self.text(key))
        except ValueError as error:
            self.wrong("", str(error))
            return None
        if strength in allowed:
            return strength
        self.wrong(key, said)
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key, [])
        if isinstance(value, list) and all(isinstance(item, (str, int)) for item in value):
            return tuple(str(item) for item in value)
        self.wrong(key, "is no list of words")
        return ()


def entries(
    document: Document, key: str, allowed: set[str], needed: set[str], faults: list[Fault]
) -> Iterator[Entry]:
    """The entries of the file's one list that have the keys they need and no others, and a known category."""
    rows = document.data.get(key) if isinstance(document.data, dict) else None
    if not isinstance(rows, list):
        faults.append(document.fault((), f"has no list {key!r}"))
        return
    for i, row in enumerate(rows):
        at = (key, i)
        if not isinstance(row, dict):
            faults.append(document.fault(at, "is no row of keys and values"))
            continue
        strange = sorted(set(map(str, row)) - allowed)
        faults += [document.fault((*at, k), f"unknown key {k!r}", did_you_mean(k, allowed)) for k in strange]
        missing = sorted(k for k in needed if row.get(k) in (None, ""))
        if missing:
            faults.append(document.fault(at, f"lacks {', '.join(missing)}"))
            continue
        entry = Entry(document, at, row, faults)
        if "category" not in needed or entry.choice("category", CATEGORIES, "category") is not None:
            yield entry

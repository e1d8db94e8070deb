"""What a service is, from what it says and, weakly, from its port.

The rows are data, in ``ports.yaml`` and ``products.yaml``. Every row has its source and its strength; what rests
on a port alone is ``hinted`` and says so.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inventories.documents import Document, read_yaml
from inventories.faults import Fault, Faults, did_you_mean
from inventories.model import Strength

#: What a product is there for. The first six are the roles that machine rooms and private clouds are inferred from.
CATEGORIES = (
    "hypervisor",
    "management_controller",
    "database",
    "middleware",
    "web",
    "ups",
    "cloud_platform",
    "remote_access",
    "file_sharing",
)

#: The texts of a service that a row may look at.
TEXTS = ("title", "server", "service", "banner", "certificate", "issuer", "device", "redfish")


@dataclass(frozen=True, slots=True)
class PortHint:
    """What usually stands behind a TCP port. ``product`` is empty where the number hints at none."""

    port: int
    name: str
    category: str
    source: str
    product: str = ""
    speaks: str = ""
    alone: bool = True
    strength: Strength = Strength.HINTED


@dataclass(frozen=True, slots=True)
class Row:
    """A pattern that names a product in one of a service's texts."""

    text: str
    pattern: re.Pattern[str]
    product: str
    category: str
    strength: Strength
    source: str


@dataclass(frozen=True, slots=True)
class Match:
    """A product recognised, and the words that it was recognised by."""

    product: str
    category: str
    strength: Strength
    words: str
    source: str


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """All rows. Pure and immutable."""

    ports: Mapping[int, PortHint]
    rows: tuple[Row, ...]

    def match(self, texts: Mapping[str, Sequence[str]]) -> tuple[Match, ...]:
        """What the texts of one service name: for each category the first row that fits."""
        found: dict[str, Match] = {}
        for row in self.rows:
            for words in texts.get(row.text, ()):
                if row.category not in found and row.pattern.search(words):
                    found[row.category] = Match(row.product, row.category, row.strength, words, row.source)
        return tuple(found.values())

    def hint(self, port: int, protocol: str, spoke: bool) -> PortHint | None:
        """What a port hints at.

        ``protocol`` is nmap's name for the service and ``spoke`` whether the service gave it: one that answered
        as something else than the row's own protocol is not what usually stands there.
        """
        row = self.ports.get(port)
        if row is None or not row.product:
            return None
        fits = bool(row.speaks) and row.speaks == protocol if spoke else row.alone
        return row if fits else None


@functools.lru_cache(maxsize=1)
def load() -> Fingerprints:
    """The rows that this program ships. Raises :class:`Faults` with every fault in them."""
    home = Path(__file__).parent
    return read(home / "ports.yaml", home / "products.yaml")


def read(ports: Path, products: Path) -> Fingerprints:
    """Reads the two files. Raises :class:`Faults`."""
    faults: list[Fault] = []
    one, two = read_yaml(ports, name=ports.name), read_yaml(products, name=products.name)
    hints = list(_hints(one, faults))
    rows = tuple(_rows(two, faults))
    if faults:
        raise Faults(faults)
    return Fingerprints({hint.port: hint for hint in hints}, rows)


def _hints(document: Document, faults: list[Fault]) -> Iterator[PortHint]:
    seen: set[int] = set()
    allowed = {"port", "name", "nmap", "category", "source", "product", "speaks", "alone", "strength"}
    for at, entry in _entries(document, "ports", allowed, {"port", "name", "category", "source", "strength"}, faults):
        port, alone = entry["port"], entry.get("alone", True)
        if type(port) is not int or not 0 < port < 65536:
            faults.append(document.fault((*at, "port"), f"{port!r} is no TCP port"))
        elif port in seen:
            faults.append(document.fault((*at, "port"), f"port {port} stands twice", "keep one row"))
        elif type(alone) is not bool:
            faults.append(document.fault((*at, "alone"), "is neither true nor false"))
        elif entry["strength"] != Strength.HINTED.label:
            faults.append(document.fault((*at, "strength"), "a port alone is never more than hinted"))
        else:
            seen.add(port)
            yield PortHint(
                port=port,
                name=str(entry["name"]),
                category=str(entry["category"]),
                source=str(entry["source"]),
                product=str(entry.get("product", "")),
                speaks=str(entry.get("speaks", "")),
                alone=alone,
            )


def _rows(document: Document, faults: list[Fault]) -> Iterator[Row]:
    needed = {"in", "match", "product", "category", "strength", "source"}
    for at, entry in _entries(document, "products", needed, needed, faults):
        if entry["in"] not in TEXTS:
            mend = did_you_mean(str(entry["in"]), TEXTS) or f"one of {', '.join(TEXTS)}"
            faults.append(document.fault((*at, "in"), f"unknown text {entry['in']!r}", mend))
            continue
        try:
            pattern = re.compile(str(entry["match"]), re.IGNORECASE)
            strength = Strength.parse(str(entry["strength"]))
        except (re.error, ValueError) as error:
            faults.append(document.fault(at, str(error)))
            continue
        if strength not in (Strength.HINTED, Strength.SEEN_OUTSIDE):
            faults.append(document.fault((*at, "strength"), "from outside a product is hinted or seen_outside"))
            continue
        words = (str(entry["product"]), str(entry["category"]), strength, str(entry["source"]))
        yield Row(str(entry["in"]), pattern, *words)


def _entries(
    document: Document, key: str, allowed: set[str], needed: set[str], faults: list[Fault]
) -> Iterator[tuple[tuple[str | int, ...], dict[str, object]]]:
    """The entries of the file's one list that have the keys they need and no others."""
    entries = document.data.get(key) if isinstance(document.data, dict) else None
    if not isinstance(entries, list):
        faults.append(document.fault((), f"has no list {key!r}"))
        return
    for i, entry in enumerate(entries):
        at = (key, i)
        if not isinstance(entry, dict):
            faults.append(document.fault(at, "is no row of keys and values"))
            continue
        faults += [
            document.fault((*at, k), f"unknown key {k!r}", did_you_mean(k, allowed)) for k in set(entry) - allowed
        ]
        missing = sorted(k for k in needed if entry.get(k) in (None, ""))
        if missing:
            faults.append(document.fault(at, f"lacks {', '.join(missing)}"))
        elif entry["category"] not in CATEGORIES:
            mend = did_you_mean(str(entry["category"]), CATEGORIES) or f"one of {', '.join(CATEGORIES)}"
            faults.append(document.fault((*at, "category"), f"unknown category {entry['category']!r}", mend))
        else:
            yield at, entry

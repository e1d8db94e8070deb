"""What a service or a machine is, from what it says and, weakly, from a port.

The rows are data, in the YAML files beside this one. Every row has its source and its strength; what rests on a port
alone is ``hinted`` and says so. Here are the rows for what is seen from outside; :mod:`probes.fingerprints.inside`
has those for what is read on a host.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from inventories.documents import Document, read_yaml
from inventories.faults import Fault, Faults
from inventories.model import Strength
from probes.fingerprints.rows import CATEGORIES, entries

__all__ = ["CATEGORIES", "TEXTS", "Fingerprints", "Match", "PortHint", "Row", "load", "read"]

#: The texts of a service that a row may look at.
TEXTS = ("title", "server", "service", "banner", "certificate", "issuer", "device", "redfish")


#: Words of a page that is about a product, and not the product's own.
_ABOUT = re.compile(
    r"手册|指南|教程|文档|说明|知识库|博客|论坛|方案|培训|招标|投标|采购|中标|公告|新闻|安装|部署|配置|常见问题|漏洞"
    r"|\b(wiki|blog|manual|guide|how[ -]?to|tutorial|documentation|docs|faq|forum|news|vulnerability|download)\b",
    re.IGNORECASE,
)


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
                if row.text == "title" and _ABOUT.search(words):
                    continue
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
    for entry in entries(document, "ports", allowed, {"port", "name", "category", "source", "strength"}, faults):
        port, alone = entry.values["port"], entry.flag("alone") if "alone" in entry.values else True
        if type(port) is not int or not 0 < port < 65536:
            entry.wrong("port", f"{port!r} is no TCP port")
        elif port in seen:
            entry.wrong("port", f"port {port} stands twice", "keep one row")
        elif alone is not None and entry.strength((Strength.HINTED,), "a port alone is never more than hinted"):
            seen.add(port)
            yield PortHint(
                port=port,
                name=entry.text("name"),
                category=entry.text("category"),
                source=entry.text("source"),
                product=entry.text("product"),
                speaks=entry.text("speaks"),
                alone=alone,
            )


def _rows(document: Document, faults: list[Fault]) -> Iterator[Row]:
    needed = {"in", "match", "product", "category", "strength", "source"}
    outside = (Strength.HINTED, Strength.SEEN_OUTSIDE)
    for entry in entries(document, "products", needed, needed, faults):
        text = entry.choice("in", TEXTS, "text")
        pattern = entry.pattern("match")
        strength = entry.strength(outside, "from outside a product is hinted or seen_outside")
        if text is not None and pattern is not None and strength is not None:
            yield Row(text, pattern, entry.text("product"), entry.text("category"), strength, entry.text("source"))

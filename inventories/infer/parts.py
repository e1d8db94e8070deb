"""What a host is made of, as read from the host: one product of one category each, with its ground. Pure.

A label (a register's word, a cloud console's guest type) is no reading, and a guess from a port or a pattern is none
either. What was read inside a host outranks what its services say to the outside: a database may greet in another's
protocol. A virtual machine's processor is what its hypervisor shows it, and worth no more than a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from inventories.identity import plain_name
from inventories.infer.draft import Ground
from inventories.infer.instances import is_listed, names_of
from inventories.infer.terms import BRANDS, COMPONENTS, GENERIC_WORDS
from inventories.infer.world import facts_of
from inventories.model import Asset, Origin, SourcedFact, Strength

#: Said beside a processor that was read in a virtual machine, or where nobody knows whether it is one.
GUEST = "虚拟化平台呈现给虚拟机的型号，不能当作物理服务器的处理器"
MAYBE_GUEST = "未能确认是否为物理机"

#: Columns besides ``products`` that tell of a category: product, vendor, version.
_COLUMNS = {"cpu": ("cpu_model", "cpu_vendor", ""), "os": ("os_name", "", "os_version")}
_TELLING = ("cpu_model", "cpu_vendor", "os_name")
_DEVICES = frozenset({"network_device", "security_device"})
# V10 SP3-2403 · 8.0.2 · 2016 · V200R019 (LTS): not the 8a of GBase 8a, nor the 19c of a product's own name.
_VERSION = re.compile(
    r"^(?P<name>.*?\S)[\s/]+(?P<version>(?:[vV]\d[\w.-]*|\d+(?:\.[\w-]+)+[\w.+~-]*|\d+)(?:\s+SP\d[\w-]*)?(?:\s*\([^()]*\))?)$"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One product of one category that was read on a host. ``product`` is empty where what was read differs."""

    category: str
    product: str
    vendor: str
    version: str
    ground: Ground

    @property
    def family(self) -> str:
        """What stays the same from version to version; one host has one processor and one operating system."""
        return plain_name(self.product) if COMPONENTS[self.category][1] else ""


def pieces(host: Asset) -> list[Piece]:
    """Everything that was read of what a host is made of, in a fixed order."""
    if not _may_tell(host):
        return []
    out: list[Piece] = []
    seen = [fact for fact in host.facts if _is_read(fact)]
    for category, (_title, many) in COMPONENTS.items():
        said = sorted(_of_products(seen, category), key=_order)
        if many:
            out += _many(host, category, said)
        elif (found := _single(host, category, said, seen)) is not None:
            out.append(found)
    return out


def _may_tell(host: Asset) -> bool:
    products = host.get("products")
    if isinstance(products, tuple) and _tells(products):
        return True
    if any(host.get(column) is not None for column in _TELLING):
        return True
    return any(conflict.column in _TELLING for conflict in host.conflicts)


@lru_cache(maxsize=8192)
def _tells(products: tuple[str, ...]) -> bool:
    return any(item.partition(":")[0] in COMPONENTS for item in products)


def _is_read(fact: SourcedFact) -> bool:
    return fact.origin is Origin.OBSERVED and fact.strength >= Strength.SEEN_OUTSIDE


def _of_products(seen: Iterable[SourcedFact], category: str) -> Iterator[tuple[str, SourcedFact]]:
    for fact in seen:
        if fact.column == "products" and isinstance(fact.value, tuple):
            for item in fact.value:
                kind, _, product = item.partition(":")
                if kind == category and product.strip():
                    yield product.strip(), fact


def _order(one: tuple[str, SourcedFact]) -> tuple[object, ...]:
    product, fact = one
    return -fact.strength, -fact.observed_at.timestamp(), fact.source, product, fact.evidence


def _many(host: Asset, category: str, said: list[tuple[str, SourcedFact]]) -> list[Piece]:
    """Several products of a category; what was read inside stands alone where anything was."""
    if any(fact.strength is Strength.SEEN_INSIDE for _product, fact in said):
        said = [(product, fact) for product, fact in said if fact.strength is Strength.SEEN_INSIDE]
    found: dict[str, Piece] = {}
    for text, fact in said:
        product, version = split(text)
        known = found.get(plain_name(product))
        if known is None or (version and not known.version):
            vendor = _text(host, "vendor") if category in _DEVICES else ""
            ground = known.ground if known else _ground(host, fact, text)
            found[plain_name(product)] = Piece(category, product, vendor, version, ground)
    return [found[family] for family in sorted(found)]


def _single(
    host: Asset, category: str, said: list[tuple[str, SourcedFact]], seen: Iterable[SourcedFact]
) -> Piece | None:
    """The one product of a category: by the fingerprints' name for it, else by what the host calls it."""
    column, vendors, versions = _COLUMNS[category]
    # A console's word for a guest's system is a label: it was chosen when the machine was made.
    told = [fact for fact in seen if fact.column == column and not (category == "os" and is_listed(fact))]
    said = [(product, fact) for product, fact in said if not (category == "os" and is_listed(fact))]
    plain = sorted(((fact.value, fact) for fact in told if isinstance(fact.value, str)), key=_order)
    # The fingerprints' name for a product before the machine's own text, of which it was made.
    if not said or (plain and plain[0][1].strength > said[0][1].strength):
        said = plain
    vendor = _text(host, vendors) if vendors else ""
    if not said:
        known = next((fact for fact in seen if vendors and fact.column == vendors), None)
        return Piece(category, "", vendor, "", _of_cpu(host, _ground(host, known, vendor))) if known else None
    best = max(fact.strength for _product, fact in said)
    top = [(product, fact) for product, fact in said if fact.strength == best]
    text, fact = top[0]
    product, version = split(text) if category == "os" else (text, "")
    if any(not agree(product, other) for other, _fact in top):
        product, version = "", ""
    elif versions:
        version = _text(host, versions) or version
    ground = _ground(host, fact, text)
    return Piece(category, product, vendor, version, _of_cpu(host, ground) if category == "cpu" else ground)


def _text(host: Asset, column: str) -> str:
    """What was read in a column, strongest first: the first that was not only declared."""
    found = [f for f in facts_of(host, column) if _is_read(f) and isinstance(f.value, str) and not is_listed(f)]
    return str(found[0].value) if found else ""


def _ground(host: Asset, fact: SourcedFact, text: str) -> Ground:
    where = (*names_of(host), *_ips(host), host.key)[0]
    return Ground(fact.strength, fact.source, fact.observed_at, f"在 {where} 上读到：{fact.evidence or text}")


def _ips(host: Asset) -> tuple[str, ...]:
    value = host.get("ips")
    return value if isinstance(value, tuple) else ()


def _of_cpu(host: Asset, ground: Ground) -> Ground:
    """A guest's processor is what the hypervisor says it is."""
    if is_guest(host):
        return Ground(Strength.DECLARED, ground.source, ground.observed_at, f"{ground.evidence}（{GUEST}）")
    if host.get("is_physical") is None:
        return Ground(ground.strength, ground.source, ground.observed_at, f"{ground.evidence}（{MAYBE_GUEST}）")
    return ground


def is_guest(host: Asset) -> bool:
    if host.get("is_physical") is not None:
        return host.get("is_physical") is False
    return host.text("platform") not in ("", "bare") or any(i.scheme == "instance" for i in host.identifiers)


@lru_cache(maxsize=4096)
def split(text: str) -> tuple[str, str]:
    """A product's name and its version; the version is empty where none ends the text."""
    found = _VERSION.match(text.strip())
    return (found["name"].rstrip("/ "), found["version"]) if found else (text.strip(), "")


@lru_cache(maxsize=4096)
def agree(one: str, other: str) -> bool:
    """Whether two texts may name the same product: one holds the other, or both name one brand."""
    first, second = plain_name(one), plain_name(other)
    if not first or not second or first in second or second in first:
        return True
    return not _brands(one).isdisjoint(_brands(other))


@lru_cache(maxsize=4096)
def _brands(text: str) -> frozenset[str]:
    """The brands that a text names: known ones, Latin words, and pairs of Chinese characters."""
    text = unicodedata.normalize("NFKC", text).casefold()
    out = {brand for word, brand in BRANDS.items() if not word.isascii() and word in text}
    for word in GENERIC_WORDS:
        if not word.isascii():
            text = text.replace(word, " ")
    for word in re.findall(r"[a-z]{2,}", text):
        if word not in GENERIC_WORDS:
            out.add(BRANDS.get(word, word))
    for run in re.findall(r"[\u4e00-\u9fff]{2,}", text):
        out.update(run[i : i + 2] for i in range(len(run) - 1))
    return frozenset(out)

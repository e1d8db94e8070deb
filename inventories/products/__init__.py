"""Which product a text names: one table of names for what is read on hosts and for what official lists print. Pure.

A name is a family (the Kylin server, the Loongson processors) and a release of it. Two names are the same, different,
or cannot be told apart: where one says less than the other (V10 and V10 SP1), nobody knows whether they are one.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from inventories.documents import Document, decode_yaml, parse_yaml
from inventories.faults import Fault, Faults, clean, did_you_mean

NAMES = Path(__file__).with_name("names.yaml")
#: Longer texts name no product.
MAX_TEXT = 300

_KEYS = ("id", "category", "title", "vendor", "origin", "table", "match", "release", "drop", "kernels", "builds")
_KNOWN = (*_KEYS, "unless", "vague")
_KERNEL = re.compile(r"(?:内核|kernel|linux)[^0-9]{0,24}?([0-9]+\.[0-9]+)")
_IN_BRACKETS = re.compile(r"[(\[][^()\[\]]*(?:内核|kernel|linux)[^()\[\]]*[)\]]")
_GAPS = re.compile(r"\s+")


class Same(enum.Enum):
    """Whether two names are of one product."""

    YES = enum.auto()
    NO = enum.auto()
    UNTOLD = enum.auto()


@dataclass(frozen=True, slots=True)
class Family:
    """One row of the table of names; see the head of ``names.yaml``."""

    id: str
    category: str
    pattern: re.Pattern[str]
    title: str = ""
    vendor: str = ""
    origin: str = ""
    table: str = ""
    release: re.Pattern[str] | None = None
    drop: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    kernels: Mapping[str, str] = field(default_factory=dict)
    builds: Mapping[str, str] = field(default_factory=dict)
    vague: bool = False

    @property
    def is_foreign(self) -> bool:
        return self.origin == "foreign"


@dataclass(frozen=True, slots=True)
class Name:
    """A product that a text names. ``release`` and ``kernel`` are empty where the text does not say."""

    family: Family
    release: str = ""
    kernel: str = ""

    def __str__(self) -> str:
        kernel = f"（内核 {self.kernel}）" if self.kernel else ""
        return f"{self.family.title} {self.release}".strip() + kernel


@dataclass(frozen=True)
class Names:
    """The table of names, by category in the order of the file."""

    families: Mapping[str, tuple[Family, ...]]

    def name(self, category: str, text: str, vendor: str = "") -> Name | None:
        """The product that a text names; None where none is known, or the words are shared by several.

        ``vendor`` stands in for a product that nobody could read, where the maker is told alone.
        """
        plain = folded(text) or folded(vendor)
        if not plain or len(plain) > MAX_TEXT:
            return None
        for family in self.families.get(category, ()):
            if family.pattern.search(plain):
                return None if family.vague else _named(family, plain)
        return None

    def family(self, family_id: str) -> Family | None:
        every = (family for rows in self.families.values() for family in rows)
        return next((family for family in every if family.id == family_id), None)


def folded(text: str) -> str:
    """Half-width, lower case, single spaces."""
    return _GAPS.sub(" ", unicodedata.normalize("NFKC", text)).strip().casefold()


def compare(one: Name, other: Name) -> Same:
    """Whether two names are of one product and release."""
    if one.family.id != other.family.id:
        return Same.NO
    releases = _compare_texts(one.release, other.release)
    if releases is not Same.YES:
        return releases
    kernels = [name.kernel or name.family.kernels.get(name.release, "") for name in (one, other)]
    if one.kernel or other.kernel:
        return _compare_texts(*kernels)
    return Same.YES


def _compare_texts(one: str, other: str) -> Same:
    """Equal; told apart; or one the beginning of the other, which says less and decides nothing."""
    if one == other:
        return Same.YES if one else Same.UNTOLD
    short, long = sorted((one, other), key=len)
    if not long.startswith(short):
        return Same.NO
    # V1 is no beginning of V10.
    if short and short[-1].isdigit() and long[len(short)].isdigit():
        return Same.NO
    return Same.UNTOLD


def _named(family: Family, plain: str) -> Name:
    kernel = ""
    if family.table in ("server_os", "desktop_os") and not family.is_foreign:
        found = _KERNEL.search(plain)
        kernel = found[1] if found else ""
        plain = _IN_BRACKETS.sub(" ", plain)
    if family.unless is not None and family.unless.search(plain):
        return Name(family)
    if family.drop is not None:
        return Name(family, _GAPS.sub("", family.drop.sub("", plain)).strip("-_、,").upper(), kernel)
    release = ""
    if family.release is not None and (match := family.release.search(_bare(family, plain))):
        release = " ".join(_GAPS.sub("", group) for group in match.groups() if group).upper()
    if not release:
        release = next((told for build, told in family.builds.items() if f" {build}" in f" {plain}"), "")
    return Name(family, release, kernel)


def _bare(family: Family, plain: str) -> str:
    """The text without the product's own name where that has a number in it (GBase 8s)."""
    return re.sub(r"gbase ?8[a-z]", " ", plain) if family.id.startswith("gbase") else plain


@cache
def shipped_names() -> Names:
    """The table that comes with the program."""
    return read_names(NAMES.read_bytes(), NAMES.name)


def read_names(content: bytes, shown: str) -> Names:
    """A table of names. Raises :class:`Faults` with everything that is wrong with it."""
    document = parse_yaml(decode_yaml(content, name=shown), name=shown)
    faults: list[Fault] = []
    rows = document.data.get("products") if isinstance(document.data, dict) else None
    if not isinstance(rows, list):
        raise Faults([Fault(f"{shown}:1:1", "holds no list 'products'")])
    families: dict[str, list[Family]] = {}
    seen: set[str] = set()
    for i, row in enumerate(rows):
        family = _family(document, i, row, faults)
        if family is None:
            continue
        if family.id in seen:
            faults.append(document.fault(("products", i, "id"), f"a second {clean(family.id, 60)!r}"))
        seen.add(family.id)
        families.setdefault(family.category, []).append(family)
    if faults:
        raise Faults(faults)
    return Names({category: tuple(found) for category, found in families.items()})


def _family(document: Document, i: int, row: Any, faults: list[Fault]) -> Family | None:
    at = ("products", i)
    if not isinstance(row, dict):
        faults.append(document.fault(at, "is no mapping"))
        return None
    for key in row:
        if key not in _KNOWN:
            faults.append(document.fault((*at, key), f"unknown key {clean(key, 60)!r}", did_you_mean(key, _KNOWN)))
    texts = {key: row[key] for key in ("id", "category", "title", "vendor", "origin", "table") if key in row}
    for key in [key for key, value in texts.items() if not isinstance(value, str)]:
        faults.append(document.fault((*at, key), f"{key!r} is no text", "put it in quotes"))
        texts[key] = ""
    if not texts.get("id") or not texts.get("category"):
        faults.append(document.fault(at, "needs 'id' and 'category'"))
        return None
    if texts.get("origin", "") not in ("", "domestic", "foreign"):
        faults.append(document.fault((*at, "origin"), "is neither domestic nor foreign"))
    patterns: dict[str, re.Pattern[str]] = {}
    for key in ("match", "release", "drop", "unless"):
        try:
            if key in row:
                patterns[key] = re.compile(str(row[key]))
        except re.error as error:
            faults.append(document.fault((*at, key), f"is no pattern: {clean(str(error), 80)}"))
    if "match" not in patterns:
        faults.append(document.fault(at, "needs 'match'"))
        return None
    maps = {key: row.get(key, {}) for key in ("kernels", "builds")}
    for key, held in maps.items():
        if not isinstance(held, dict):
            faults.append(document.fault((*at, key), "is no mapping"))
            return None
    return Family(
        **texts,
        pattern=patterns["match"],
        release=patterns.get("release"),
        drop=patterns.get("drop"),
        unless=patterns.get("unless"),
        kernels={str(k): str(v) for k, v in maps["kernels"].items()},
        builds={str(k): str(v) for k, v in maps["builds"].items()},
        vague=row.get("vague") is True,
    )

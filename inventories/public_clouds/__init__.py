"""Public clouds by their names and addresses: dated data with sources, and a pure look-up.

``clouds.yaml`` holds the rows. A content delivery network or a firewall before a site says nothing about where the
site runs: such rows have roles of their own, and only :attr:`Match.is_hosting` speaks of hosting.

    >>> from datetime import date
    >>> [match] = lookup(["www.example.gov.cn", "b.oss-cn-beijing.aliyuncs.com"], [], date(2026, 12, 1))
    >>> match.provider, match.role, match.is_hosting
    ('阿里云', 'cloud', True)
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from inventories.documents import Document, read_yaml
from inventories.faults import Fault, Faults, did_you_mean
from inventories.model import Strength
from inventories.places import Address, Network

#: What a row says of whatever answers there.
ROLES = ("cloud", "government", "cdn", "shield")
#: A range of addresses that was read longer ago than this, or that much later than it is asked for, is only a hint.
STALE_DAYS = 730

_PATTERN = re.compile(r"\*[a-z0-9*-]*(\.[a-z0-9*-]+)*\.[a-z]{2,20}")
#: Whose name it is must be written out where the row speaks of hosting: the last two labels.
_OWNED = re.compile(r".*\.[a-z0-9-]+\.[a-z]{2,20}")
_PREFIX_BITS = {4: 8, 6: 20}


@dataclass(frozen=True, slots=True)
class Row:
    """One name pattern, or one range of addresses, of a provider."""

    provider_id: str
    provider: str
    by: str
    role: str
    service: str
    source: str
    as_of: date
    strength: Strength


@dataclass(frozen=True, slots=True)
class Match:
    """A name or address that a row knows. ``by`` is the pattern or the range that it was known by."""

    matched: str
    by: str
    provider_id: str
    provider: str
    role: str
    service: str
    source: str
    as_of: date
    strength: Strength

    @property
    def is_hosting(self) -> bool:
        """Whether what answers there is served from the provider's public cloud."""
        return self.role == "cloud"


@dataclass(frozen=True, slots=True)
class Clouds:
    """All rows. Pure and immutable; ``a + b`` puts a site's own rows beside the program's."""

    names: tuple[Row, ...] = ()
    ranges: tuple[tuple[Network, Row], ...] = ()

    def __add__(self, other: Clouds) -> Clouds:
        return Clouds(self.names + other.names, self.ranges + other.ranges)

    def lookup(self, names: Iterable[str], addresses: Iterable[str], on: date) -> tuple[Match, ...]:
        """What is known of these names (a chain of CNAMEs, say) and addresses on a day, in their order.

        For each name the most telling pattern, for each address the narrowest range; nothing for what no row
        knows, and for text that is no address.
        """
        found = [self._name(name) for name in dict.fromkeys(names)]
        found += [self._address(address, on) for address in dict.fromkeys(addresses)]
        return tuple(match for match in found if match is not None)

    def _name(self, name: str) -> Match | None:
        plain = name.strip().rstrip(".").casefold()
        rows = [row for row in self.names if fnmatchcase(plain, row.by)]
        if not rows:
            return None
        row = max(rows, key=lambda row: (len(row.by.replace("*", "")), row.strength))
        return _match(name, row, row.strength)

    def _address(self, address: str, on: date) -> Match | None:
        parsed = _parsed(address)
        if parsed is None:
            return None
        around = [(net, row) for net, row in self.ranges if net.version == parsed.version and parsed in net]
        if not around:
            return None
        _net, row = max(around, key=lambda pair: (pair[0].prefixlen, pair[1].strength))
        stale = abs((on - row.as_of).days) > STALE_DAYS
        return _match(address, row, Strength.HINTED if stale else row.strength)


def lookup(names: Iterable[str], addresses: Iterable[str], on: date) -> tuple[Match, ...]:
    """:meth:`Clouds.lookup` in the rows that this program ships."""
    return load().lookup(names, addresses, on)


@functools.lru_cache(maxsize=1)
def load() -> Clouds:
    """The rows that this program ships. Raises :class:`Faults` with every fault in them."""
    return read(Path(__file__).parent / "clouds.yaml")


def read(path: Path) -> Clouds:
    """Reads a file of rows, the program's or a site's. Raises :class:`Faults`."""
    document = read_yaml(path, name=path.name)
    reading = _Reading(document, [])
    reading.go()
    if reading.faults:
        raise Faults(reading.faults)
    return Clouds(tuple(reading.names), tuple(reading.ranges))


def _match(matched: str, row: Row, strength: Strength) -> Match:
    words = (row.by, row.provider_id, row.provider, row.role, row.service, row.source, row.as_of)
    return Match(matched, *words, strength)


def _parsed(address: str) -> Address | None:
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return mapped or parsed


class _Reading:
    """A file on its way to rows; every fault in it is gathered."""

    _COMMON = frozenset({"role", "service", "source", "as_of", "strength"})

    def __init__(self, document: Document, faults: list[Fault]) -> None:
        self.document, self.faults = document, faults
        self.names: list[Row] = []
        self.ranges: list[tuple[Network, Row]] = []

    def go(self) -> None:
        whole = self.document.data
        entries = whole.get("providers") if isinstance(whole, dict) else None
        if not isinstance(entries, list):
            self.faults.append(self.document.fault((), "has no list 'providers'"))
            return
        for i, entry in enumerate(entries):
            at = ("providers", i)
            if not isinstance(entry, dict) or not _words(entry, "id") or not _words(entry, "name"):
                self.faults.append(self.document.fault(at, "is no provider with 'id' and 'name'"))
                continue
            self._unknown(at, entry, {"id", "name", "names", "ranges"})
            for place, row in self._rows(at, entry, "names", "pattern"):
                self._name(place, entry, row)
            for place, row in self._rows(at, entry, "ranges", "prefixes"):
                self._range(place, entry, row)

    def _rows(
        self, at: tuple[str | int, ...], entry: dict[str, object], key: str, own: str
    ) -> Iterator[tuple[tuple[str | int, ...], dict[str, object]]]:
        rows = entry.get(key, [])
        if not isinstance(rows, list):
            self.faults.append(self.document.fault((*at, key), "is no list of rows"))
            return
        for i, row in enumerate(rows):
            place = (*at, key, i)
            if not isinstance(row, dict):
                self.faults.append(self.document.fault(place, "is no row of keys and values"))
                continue
            self._unknown(place, row, self._COMMON | {own})
            missing = sorted(name for name in self._COMMON | {own} if row.get(name) in (None, "", []))
            if missing:
                self.faults.append(self.document.fault(place, f"lacks {', '.join(missing)}"))
            elif row["role"] not in ROLES:
                mend = did_you_mean(str(row["role"]), ROLES) or f"one of {', '.join(ROLES)}"
                self.faults.append(self.document.fault((*place, "role"), f"unknown role {row['role']!r}", mend))
            elif not isinstance(row["as_of"], date):
                self.faults.append(self.document.fault((*place, "as_of"), "is no date", "write it as 2026-01-31"))
            else:
                yield place, row

    def _name(self, at: tuple[str | int, ...], provider: dict[str, object], row: dict[str, object]) -> None:
        pattern = str(row["pattern"])
        owned = row["role"] in ("cdn", "shield") or _OWNED.fullmatch(pattern)
        if not _PATTERN.fullmatch(pattern) or not owned:
            mend = "write one such as *.example.com, in small letters"
            self.faults.append(self.document.fault((*at, "pattern"), f"{pattern!r} is no pattern of names", mend))
        elif (made := self._row(at, provider, row, pattern)) is not None:
            self.names.append(made)

    def _range(self, at: tuple[str | int, ...], provider: dict[str, object], row: dict[str, object]) -> None:
        prefixes = row["prefixes"] if isinstance(row["prefixes"], list) else []
        for i, text in enumerate(prefixes):
            try:
                network = ipaddress.ip_network(str(text))
            except ValueError:
                self.faults.append(self.document.fault((*at, "prefixes", i), f"{text!r} is no prefix"))
                continue
            if network.prefixlen < _PREFIX_BITS[network.version]:
                self.faults.append(
                    self.document.fault((*at, "prefixes", i), f"{text!r} is too wide for one provider")
                )
            elif (made := self._row(at, provider, row, str(network))) is not None:
                self.ranges.append((network, made))

    def _row(
        self, at: tuple[str | int, ...], provider: dict[str, object], row: dict[str, object], by: str
    ) -> Row | None:
        try:
            strength = Strength.parse(str(row["strength"]))
        except ValueError as error:
            self.faults.append(self.document.fault((*at, "strength"), str(error)))
            return None
        as_of = row["as_of"]
        if strength not in (Strength.HINTED, Strength.SEEN_OUTSIDE) or not isinstance(as_of, date):
            self.faults.append(self.document.fault((*at, "strength"), "a row here is hinted or seen_outside"))
            return None
        words = (str(provider["id"]), str(provider["name"]), by, str(row["role"]), str(row["service"]))
        return Row(*words, str(row["source"]), as_of, strength)

    def _unknown(self, at: Sequence[str | int], row: dict[str, object], known: Iterable[str]) -> None:
        known = set(known)
        self.faults += [
            self.document.fault((*at, key), f"unknown key {key!r}", did_you_mean(str(key), known))
            for key in row
            if key not in known
        ]


def _words(entry: dict[str, object], key: str) -> bool:
    return isinstance(entry.get(key), str) and bool(entry[key])

"""What probes saw at each address: answers, services, titles, names and products, with their strength."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from inventories.answers import REGISTER
from inventories.identity import plain_name
from inventories.infer.evidence import DATABASE_SERVICES, EMPTY_PAGES, EQUIPMENT, EQUIPMENT_PAGES, UPKEEP_SERVICES
from inventories.infer.readings import Listener, listener
from inventories.model import Fact, Observation, Strength
from inventories.places import Zone
from inventories.prefixes import Atlas, Spot

_SERVICE = re.compile(r"^(\d{1,5})/(tcp|udp|sctp)\b\s*(\S*)\s*(.*)$")
_PORT = re.compile(r"\b(\d{1,5})/(tcp|udp|sctp)\b")


@dataclass(frozen=True, slots=True, order=True)
class Service:
    """An open port. ``is_named``: the service said itself what it is; otherwise only the number hints at it."""

    port: int
    protocol: str
    name: str
    product: str
    is_named: bool

    @property
    def is_application(self) -> bool:
        """Whether something that serves people or data is shown to run there, and not just the machine's upkeep."""
        return self.is_named and bool(self.name or self.product) and self.name not in UPKEEP_SERVICES

    @property
    def is_database(self) -> bool:
        """A database whose product named itself."""
        return self.is_named and self.name in DATABASE_SERVICES and bool(self.product)


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """A text that was shown at an address (a page title, a certificate's name). ``port`` is 0 where not told."""

    text: str
    port: int


@dataclass(frozen=True, slots=True, order=True)
class Product:
    """A product that was recognised. ``is_inside``: read on the host itself, or told by its owner's interface."""

    category: str
    name: str
    port: int
    is_seen: bool
    is_inside: bool = False

    @property
    def is_equipment(self) -> bool:
        """Whether pages at its address are those that manage it.

        Software that makes a server a hypervisor, found on the server itself, says nothing of the server's pages.
        """
        if not self.is_seen or self.category not in EQUIPMENT:
            return False
        return not self.is_inside or bool(self.port) or self.category not in ("hypervisor", "cloud_platform")


@dataclass(frozen=True, slots=True)
class Sighting:
    """One address that answered, as seen from one vantage.

    ``observed_at`` is the newest look that saw it. ``is_sure`` is False where the only sign is one that a firewall
    may have given in its place. ``pages`` are the titles of pages that somebody has put something on, and that are
    no equipment's. ``listeners`` are the ports and processes that were read on the host itself.
    """

    vantage: str
    address: str
    spot: Spot | None
    collector: str
    source: str
    observed_at: datetime
    is_sure: bool = True
    services: tuple[Service, ...] = ()
    pages: tuple[Named, ...] = ()
    tls_names: tuple[Named, ...] = ()
    products: tuple[Product, ...] = ()
    listeners: tuple[Listener, ...] = ()

    @property
    def is_equipment(self) -> bool:
        return any(product.is_equipment for product in self.products)

    @property
    def owner(self) -> str:
        """The department that the site names for the address, or the empty string."""
        return self.spot.department_id if self.spot else ""

    @property
    def zone(self) -> Zone | None:
        return self.spot.zone if self.spot else None

    def service(self, port: int) -> Service | None:
        return next((s for s in self.services if s.port == port and s.protocol == "tcp"), None)

    def shows(self) -> str:
        """In a few words, what was seen: for evidence."""
        words = [f"标题“{title.text}”" for title in self.pages[:2]]
        words += [f"{s.port}/{s.protocol} {s.name} {s.product}".strip() for s in self.services if s.is_application][
            :3
        ]
        return "、".join(words) if words else "有应答"


def sightings(observations: Iterable[Observation], atlas: Atlas) -> dict[tuple[str, str], Sighting]:
    """(vantage, address) → what was seen there, of every address that answered a probe."""
    looks: dict[tuple[str, str], list[Observation]] = {}
    for observation in observations:
        if observation.kind == "host" and observation.collector != REGISTER and _answers(observation):
            for identifier in observation.identifiers:
                if identifier.scheme == "ip":
                    looks.setdefault((identifier.vantage, identifier.value), []).append(observation)
    return {
        (vantage, address): _sighting(vantage, address, found, atlas) for (vantage, address), found in looks.items()
    }


#: What a service said of itself when it was asked: it was there to say so.
_SAID = frozenset({"products", "page_titles", "tls_names"})


def _answers(observation: Observation) -> bool:
    """Whether something answered at the address. A cloud's interface tells what is there, not what answers."""
    return any(
        (f.column == "answers" and f.value is True) or f.column == "open_services" or _is_said(f)
        for f in observation.facts
    )


def _is_said(fact: Fact) -> bool:
    return fact.strength is Strength.SEEN_OUTSIDE and fact.column in _SAID


def _is_sure(fact: Fact) -> bool:
    if fact.column == "answers":
        return fact.value is True and fact.strength >= Strength.SEEN_OUTSIDE
    return fact.column == "open_services" or _is_said(fact)


def _sighting(vantage: str, address: str, looks: list[Observation], atlas: Atlas) -> Sighting:
    newest: dict[str, Observation] = {}
    for look in sorted(looks, key=lambda o: (o.observed_at, o.source, o.digest() if len(looks) > 1 else "")):
        newest[look.collector] = look
    last = max(newest.values(), key=lambda o: (o.observed_at, o.source))
    facts = [fact for collector in sorted(newest) for fact in newest[collector].facts]
    return Sighting(
        vantage=vantage,
        address=address,
        spot=atlas.at(vantage, address),
        collector=last.collector,
        source=last.source,
        observed_at=last.observed_at,
        is_sure=any(_is_sure(fact) for fact in facts),
        services=_services(facts),
        pages=tuple(title for title in _texts(facts, "page_titles") if _is_page(title.text)),
        tls_names=_texts(facts, "tls_names"),
        products=tuple(
            sorted({product_of(item, fact.evidence, fact.strength) for item, fact in _items(facts, "products")})
        ),
        listeners=tuple(sorted({found for item, _ in _items(facts, "listeners") if (found := listener(item))})),
    )


def _items(facts: Iterable[Fact], column: str) -> Iterator[tuple[str, Fact]]:
    for fact in facts:
        if fact.column == column and isinstance(fact.value, tuple):
            for item in fact.value:
                yield item, fact


def _services(facts: Iterable[Fact]) -> tuple[Service, ...]:
    out: dict[tuple[int, str], Service] = {}
    for item, fact in _items(facts, "open_services"):
        service = _service(item, _is_named(fact))
        if service is not None:
            key = (service.port, service.protocol)
            # The better told of two tellings of one port; the order of the facts decides nothing.
            out[key] = max(out[key], service, key=lambda s: (s.is_named, s)) if key in out else service
    return tuple(sorted(out.values())) if len(out) > 1 else tuple(out.values())


def _texts(facts: Iterable[Fact], column: str) -> tuple[Named, ...]:
    return tuple(sorted({_named(item, fact.evidence) for item, fact in _items(facts, column)}))


def _is_named(fact: Fact) -> bool:
    return fact.strength >= Strength.SEEN_OUTSIDE


# A city's machines say the same few things over and over: each is read once, and kept once.


@lru_cache(maxsize=4096)
def _service(item: str, is_named: bool) -> Service | None:
    found = _SERVICE.match(item.strip())
    if not found:
        return None
    name = found[3].casefold().removeprefix("ssl/")
    return Service(int(found[1]), found[2], name, found[4].strip(), is_named)


@lru_cache(maxsize=4096)
def _named(item: str, evidence: str) -> Named:
    """A text with the port that it, or its evidence, begins with."""
    if found := _SERVICE.match(item):
        return Named(f"{found[3]} {found[4]}".strip(), int(found[1]))
    told = _PORT.search(evidence)
    return Named(item, int(told[1]) if told else 0)


@lru_cache(maxsize=4096)
def _is_page(title: str) -> bool:
    return not EMPTY_PAGES.match(title.strip()) and not EQUIPMENT_PAGES.search(title)


@lru_cache(maxsize=4096)
def product_of(item: str, evidence: str, strength: Strength) -> Product:
    """``category:product`` with the port that its evidence tells; seen where more than a hint names it."""
    category, _, name = item.partition(":")
    told = _PORT.search(evidence)
    is_seen, is_inside = strength >= Strength.SEEN_OUTSIDE, strength is Strength.SEEN_INSIDE
    return Product(category.strip(), name.strip(), int(told[1]) if told else 0, is_seen, is_inside)


class Names:
    """Finds which of many names stand in a text, without asking each."""

    def __init__(self, names: Iterable[tuple[str, str]], least: int) -> None:
        """``names``: (name, what it stands for). Names shorter than ``least`` are left out."""
        self._least = least
        means: dict[str, set[str]] = {}
        # A city's names begin alike: what follows is looked up by its length, not tried name by name.
        lengths: dict[str, set[int]] = {}
        for name, meant in names:
            text = plain_name(name)
            if len(text) >= least:
                means.setdefault(text, set()).add(meant)
                lengths.setdefault(text[:least], set()).add(len(text))
        self._lengths = {begins: sorted(found, reverse=True) for begins, found in lengths.items()}
        #: A name, or several, → what they stand for: one answer for all who ask, however many bear the name.
        self._meant = {name: tuple(sorted(found)) for name, found in means.items()}
        self._together: dict[tuple[str, ...], tuple[str, ...]] = {}

    def within(self, text: str) -> tuple[str, ...]:
        """What the longest names in a text stand for, in order: 民政救助系统 outranks 救助系统."""
        plain = plain_name(text)
        longest, found = 0, set[str]()
        for start in range(len(plain) - self._least + 1):
            for length in self._lengths.get(plain[start : start + self._least], ()):
                if length < longest:
                    break
                name = plain[start : start + length]
                if len(name) == length and name in self._meant:
                    found = found | {name} if length == longest else {name}
                    longest = length
                    break
        return self._all(tuple(sorted(found))) if found else ()

    def _all(self, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(names) == 1:
            return self._meant[names[0]]
        if names not in self._together:
            self._together[names] = tuple(sorted({one for name in names for one in self._meant[name]}))
        return self._together[names]


def is_among(key: str, keys: tuple[str, ...]) -> bool:
    """Whether a key is one of several that are in order."""
    index = bisect_left(keys, key)
    return index < len(keys) and keys[index] == key

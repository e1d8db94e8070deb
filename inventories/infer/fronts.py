"""Where the declared names of systems lead, and what stands there: the system, or only a door to it. Pure.

A name that is looked up leads to an address, and what answers there may be the system itself, a proxy in front of
many, a content network, a page that says the domain is for sale, or nothing. Only a page or a certificate of its own
at an address that serves nobody else shows where a system runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from inventories.answers import REGISTER
from inventories.identity import plain_name
from inventories.infer.evidence import EMPTY_PAGES, EQUIPMENT_PAGES, LEAST_NAME
from inventories.infer.instances import LISTERS, names_of
from inventories.infer.sightings import Sighting, is_among
from inventories.infer.terms import PARKED_PAGES, PROXY_NAMES, SHARED_DEPARTMENTS, SHARED_PAGES, SHARED_SYSTEMS
from inventories.infer.world import World, facts_of, identifiers, texts, web_address
from inventories.model import Asset, Origin, SourcedFact, Strength
from inventories.prefixes import Spot, position
from inventories.public_clouds import lookup

_COLUMNS = ("dns_addresses", "dns_names", "page_titles", "tls_names")


class Shows(StrEnum):
    """How well what answered under a name shows that the system itself stands there."""

    NOTHING = "nothing"
    RESOLVED = "resolved"
    ANSWERED = "answered"
    NAMED = "named"


_RANK = {Shows.NOTHING: 0, Shows.RESOLVED: 1, Shows.ANSWERED: 2, Shows.NAMED: 3}
#: What the names probe writes of a page without a title, and how its evidence begins: who was asked, and the status.
_UNTITLED = re.compile(r"（HTTP \d+，无标题）")
_ASKED = re.compile(r"([0-9a-fA-F.:]+) \d+/tcp(?: HTTP (\d{3}))?")


@dataclass(frozen=True, slots=True, order=True)
class Page:
    """What answered under a name: its title, and the address and HTTP status where these are told."""

    title: str = ""
    address: str = ""
    status: int = 0

    @property
    def is_refusal(self) -> bool:
        return self.status >= 400


@dataclass(frozen=True, slots=True)
class Lead:
    """One declared name (or address of a URL) of a system, as it was looked up and asked.

    ``chain`` is the name with the names that it stands for, ``spots`` where its addresses lie (None: outside every
    zone). ``page`` is the best that it showed, ``has_spoken`` whether anything answered at all. ``shown`` is how well
    each of its addresses showed the system: within a network the name may lead elsewhere than from outside. Under the
    empty address stands what nobody tells the address of.
    """

    name: str
    chain: tuple[str, ...]
    addresses: tuple[str, ...]
    spots: tuple[tuple[str, Spot | None], ...]
    shows: Shows
    page: Page
    has_spoken: bool
    source: str
    observed_at: datetime
    shown: Mapping[str, Shows]

    def at(self, address: str, *, is_only: bool) -> Shows:
        """How well one of its addresses showed the system; ``is_only``: all of them lie at one place."""
        return self.shown.get(address) or (self.shown.get("") if is_only else None) or Shows.RESOLVED

    @property
    def words(self) -> str:
        """What was seen, for evidence."""
        ends = () if self.addresses == self.chain else ("、".join(self.addresses[:3]),)
        page = f"，页面标题“{self.page.title}”" if self.page.title else ""
        return f"登记的网址 {' → '.join((*self.chain, *ends))}{page}"


@dataclass(frozen=True, slots=True)
class Outside:
    """The providers to whom a name leads.

    ``is_door``: a content network or a shield, behind which anything may be, or a provider's cloud for governments,
    of which nobody can tell whose it is. ``is_sure`` is False where the range is an old one.
    """

    provider: str
    is_door: bool
    is_sure: bool


def outside(names: Iterable[str], addresses: Iterable[str], at: datetime) -> Outside | None:
    """The public cloud behind names (by their endings) and addresses (by ranges); None for none that is known."""
    matches = lookup(names, addresses, at.date())
    if not matches:
        return None
    providers = "、".join(sorted({match.provider for match in matches}))
    return Outside(
        providers,
        not all(match.is_hosting for match in matches),
        any(match.is_hosting and match.strength >= Strength.SEEN_OUTSIDE for match in matches),
    )


class Fronts:
    """Where names lead, and which addresses are doors that many share."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._by_key = {system.key: system for system in world.systems}
        self._behind: dict[tuple[str, str], dict[str, str]] = {}
        self._leads: dict[str, tuple[Lead, ...]] = {}
        for system in world.systems:
            if any(system.get(column) for column in _COLUMNS) and (leads := tuple(self._looked_up(system))):
                self._leads[system.key] = leads
                # An address that a register gives as a number is its own word, and no door that a name leads to.
                for lead in leads:
                    for address, spot in lead.spots if position(lead.name) is None else ():
                        where = (spot.zone.vantage if spot else "", address)
                        self._behind.setdefault(where, {})[system.key] = system.text("department_id")
        self._proxies = {
            (identifier.vantage, identifier.value)
            for host in world.kinds["host"]
            if is_proxy(host)
            for identifier in identifiers(host, "ip")
        }
        self._proxies.update(where for where, seen in world.sightings.items() if self._shows_many(where, seen))
        self._shared: dict[tuple[str, str], bool] = {}

    def of(self, system: Asset) -> tuple[Lead, ...]:
        """In a fixed order."""
        return self._leads.get(system.key, ())

    def is_shared(self, vantage: str, address: str) -> bool:
        """Whether an address is a door: by names that lead to it, pages on it, or what people call it."""
        where = (vantage, address)
        if where in self._proxies:
            return True
        behind = self._behind.get(where)
        if not behind:
            return False
        found = self._shared.get(where)
        if found is None:
            departments = set(behind.values()) - {""}
            many = len(behind) >= SHARED_SYSTEMS and not self._is_their_own(vantage, address, behind)
            found = self._shared[where] = len(departments) >= SHARED_DEPARTMENTS or many
        return found

    def _shows_many(self, where: tuple[str, str], sighting: Sighting) -> bool:
        """Whether an address in a department's network that no register gives shows several systems' pages."""
        if len(sighting.pages) < SHARED_PAGES or sighting.zone is None or sighting.zone.kind != "department":
            return False
        found = (self.world.system_names.within(page.text) for page in sighting.pages)
        named = {keys[0] for keys in found if len(keys) == 1}
        if len(named) < SHARED_PAGES or any(
            texts(host, "system_codes") for host in self.world.hosts_at.get(where, ())
        ):
            return False
        return not any(
            claim.address == where[1] and any(spot.zone.vantage == where[0] for spot in claim.spots)
            for key in named
            for claim in self.world.claims(self._by_key[key])
        )

    def _is_their_own(self, vantage: str, address: str, behind: Mapping[str, str]) -> bool:
        """Whether the registers of all systems behind an address say that it is their server's."""
        return all(
            any(
                claim.address == address and claim.spot is not None and claim.spot.zone.vantage == vantage
                for claim in self.world.claims(self._by_key[key])
            )
            for key in behind
        )

    def _looked_up(self, system: Asset) -> Iterator[Lead]:
        told = [fact for column in _COLUMNS for fact in facts_of(system, column) if fact.origin is Origin.OBSERVED]
        if not told:
            return
        newest = max(told, key=lambda fact: (fact.observed_at, fact.source))
        addresses = _addresses(texts(system, "dns_addresses"))
        chains = {chain[0]: chain for text in texts(system, "dns_names") if (chain := _chain(text))}
        pages, certificates = _pages(told), _certificates(told)
        vantages = sorted({self.world.zones[zone].vantage for zone in system.zones if zone in self.world.zones})
        for name in sorted({*addresses, *chains, *pages}):
            found = addresses.get(name) or ((name,) if position(name) else ())
            shown = [(self._shows(system, page), page) for page in pages.get(name, ())]
            best, page = max(shown, key=lambda one: (_RANK[one[0]], one[1]), default=(Shows.RESOLVED, Page()))
            if best is Shows.RESOLVED and name in certificates and not page.is_refusal:
                best, page = Shows.ANSWERED, Page(page.title, page.address or certificates[name])
                shown.append((best, page))
            yield Lead(
                name=name,
                chain=chains.get(name, (name,)),
                addresses=found,
                spots=tuple((address, self._spot(vantages, address, system)) for address in found),
                shows=best if found or pages.get(name) else Shows.NOTHING,
                page=page,
                has_spoken=bool(pages.get(name)),
                source=newest.source,
                observed_at=newest.observed_at,
                shown=_by_address(shown),
            )

    def _spot(self, vantages: Iterable[str], address: str, system: Asset) -> Spot | None:
        """Where an address lies as seen by those who asked; None outside every zone, or where they do not agree."""
        spots = {spot.zone.id: spot for vantage in vantages if (spot := self.world.atlas.at(vantage, address))}
        if not spots:
            spots = {s.zone.id: s for s in self.world.atlas.candidates(address, system.text("department_id"))}
        return next(iter(spots.values())) if len(spots) == 1 else None

    def _shows(self, system: Asset, page: Page) -> Shows:
        if not page.title or _is_nobodys(page.title):
            return Shows.RESOLVED
        own = plain_name(system.text("name"))
        if len(own) >= LEAST_NAME and own in plain_name(page.title):
            return Shows.NAMED
        # The page of another system: a default page of a door, or a name that was given away.
        others = self.world.system_names.within(page.title)
        if others and not is_among(system.key, others):
            return Shows.NOTHING
        return Shows.RESOLVED if page.is_refusal else Shows.ANSWERED


def is_proxy(host: Asset) -> bool:
    """Whether its register, or the cloud that lists it, calls a host something that stands in front of others."""
    if not LISTERS.isdisjoint(host.collectors):
        return any(_is_proxy(name) for name in names_of(host))
    return REGISTER in host.collectors and _is_proxy(host.text("name"))


@lru_cache(maxsize=4096)
def _is_proxy(name: str) -> bool:
    return bool(name and PROXY_NAMES.search(name))


def _is_nobodys(title: str) -> bool:
    return bool(EMPTY_PAGES.match(title) or EQUIPMENT_PAGES.search(title) or PARKED_PAGES.search(title))


def _by_address(shown: Iterable[tuple[Shows, Page]]) -> dict[str, Shows]:
    """Address (empty: not told) → the best that it showed."""
    out: dict[str, Shows] = {}
    for shows, page in shown:
        out[page.address] = max(shows, out.get(page.address, Shows.NOTHING), key=_RANK.__getitem__)
    return out


def _addresses(items: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """``NAME ADDRESS`` → the addresses of each name."""
    out: dict[str, set[str]] = {}
    for item in items:
        name, _, address = item.strip().partition(" ")
        if position(address.strip()) is not None:
            out.setdefault(_name(name), set()).add(address.strip())
    return {name: tuple(sorted(found)) for name, found in out.items()}


def _chain(text: str) -> tuple[str, ...]:
    return tuple(_name(part) for part in re.split(r"\s*→\s*", text.strip()) if part.strip())


def _pages(told: Iterable[SourcedFact]) -> dict[str, list[Page]]:
    """``URL TITLE``, with the address and the status in the evidence → what each host showed."""
    out: dict[str, list[Page]] = {}
    for fact in told:
        for item in fact.value if fact.column == "page_titles" and isinstance(fact.value, tuple) else ():
            url, _, title = item.strip().partition(" ")
            host, said = _name(web_address(url)[0]), _ASKED.match(fact.evidence)
            title = "" if _UNTITLED.fullmatch(title.strip()) else title.strip()
            if host:
                page = Page(title, said[1] if said else "", int(said[2] or 0) if said else 0)
                out.setdefault(host, []).append(page)
    return out


def _certificates(told: Iterable[SourcedFact]) -> dict[str, str]:
    """Each name that a certificate was made for → the address that showed it (empty where that is not told)."""
    out: dict[str, str] = {}
    for fact in told:
        for item in fact.value if fact.column == "tls_names" and isinstance(fact.value, tuple) else ():
            said = _ASKED.match(fact.evidence)
            out[_name(item)] = max(out.get(_name(item), ""), said[1] if said else "")
    return out


def _name(text: str) -> str:
    return text.strip().rstrip(".").casefold()

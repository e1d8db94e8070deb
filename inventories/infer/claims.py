"""Which services some register already accounts for. Generous on purpose: a doubt accuses nobody. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import TypeAlias

from inventories.identity import plain_name
from inventories.infer.evidence import LEAST_NAME
from inventories.infer.fronts import Fronts
from inventories.infer.resources import Resources
from inventories.infer.sightings import Named, Sighting
from inventories.infer.within import Within
from inventories.infer.world import World, identifiers, texts, web_address
from inventories.model import Asset
from inventories.prefixes import position

#: Port (0: whatever runs there) → who claims it, for each address; and whether a register or a cloud says that the
#: machine carries some system.
_Told: TypeAlias = tuple[list[Mapping[int, list[Asset]]], bool]
#: What is told of a machine with more addresses is put together once.
_MANY = 8


class Claims:
    """Finds the registered systems that a service may belong to."""

    def __init__(self, world: World, resources: Resources, fronts: Fronts) -> None:
        self.world, self.fronts = world, fronts
        #: An address and a port (0: whatever runs there) → the systems that claim it.
        self._placed: dict[tuple[str, str], dict[int, list[Asset]]] = {}
        self._unplaced: dict[str, dict[int, list[Asset]]] = {}
        self._domains: dict[str, list[Asset]] = {}
        self._names: dict[str, dict[str, list[Asset]]] = {}
        self._machines: dict[str, _Told] = {}
        self._by_key = {system.key: system for system in world.systems}
        self._of_department: dict[str, list[Asset]] = {}
        self._elsewhere: dict[tuple[str, bool], bool] = {}
        for system in world.systems:
            for claim in world.claims(system):
                self._claim(system, claim.address, claim.port)
            for url in texts(system, "urls"):
                server, port = web_address(url)
                if position(server) is not None:
                    self._claim(system, server, port)
                elif server:
                    self._domains.setdefault(server.casefold(), []).append(system)
            self._of_department.setdefault(system.text("department_id"), []).append(system)
            name = plain_name(system.text("name"))
            if len(name) >= LEAST_NAME:
                named = self._names.setdefault(system.text("department_id"), {}).setdefault(name, [])
                named.append(system)
        self._within = {department: Within(named) for department, named in self._names.items()}
        self._carrying = {
            (identifier.vantage, identifier.value)
            for host in world.kinds["host"]
            if texts(host, "system_codes")
            for identifier in identifiers(host, "ip")
        }
        self._carrying.update(resources.claimed_at)
        self._unplaced_carrying = {
            address
            for address, hosts in world.unplaced_addresses.items()
            if any(texts(host, "system_codes") for host in hosts)
        }

    @cached_property
    def _holding(self) -> dict[tuple[str, str], list[Asset]]:
        """Department and title, as compared → its systems whose names hold the title: two at most."""
        titles: dict[str, set[str]] = {}
        for sighting in self.world.sightings.values():
            if sighting.owner in self._names:
                plain = (plain_name(page.text) for page in sighting.pages)
                titles.setdefault(sighting.owner, set()).update(title for title in plain if len(title) >= LEAST_NAME)
        out: dict[tuple[str, str], list[Asset]] = {}
        for department, shown in titles.items():
            within = Within(shown)
            for name, systems in self._names[department].items():
                for title in within.of(name):
                    held = out.setdefault((department, title), [])
                    held += systems[: 2 - len(held)]
        return out

    def _claim(self, system: Asset, address: str, port: int) -> None:
        """An address that may lie in several zones is claimed in each; one that lies in none, everywhere."""
        spots = self.world.atlas.candidates(address, system.text("department_id"))
        for spot in spots:
            self._placed.setdefault((spot.zone.vantage, address), {}).setdefault(port, []).append(system)
        if not spots:
            self._unplaced.setdefault(address, {}).setdefault(port, []).append(system)

    def _of_address(self, sighting: Sighting, ports: tuple[int, ...] | None) -> Iterator[Asset]:
        """Who claims an address, or another one of the same machine; with ``ports``, these or no port."""
        for table in self._machine(sighting)[0]:
            for port in table if ports is None else (0, *ports):
                yield from table.get(port, ())

    def _machine(self, sighting: Sighting) -> _Told:
        """What is told of the machine of a sighting, as far as it is known to be one machine."""
        hosts = self.world.hosts_at.get((sighting.vantage, sighting.address), ())
        if len(hosts) != 1:
            return self._told([(sighting.vantage, sighting.address)])
        if (found := self._machines.get(hosts[0].key)) is not None:
            return found
        places = [(identifier.vantage, identifier.value) for identifier in identifiers(hosts[0], "ip")]
        found = self._told(places)
        # A machine with very many addresses would be put together as often as it is seen.
        if len(places) > _MANY:
            self._machines[hosts[0].key] = found
        return found

    def _told(self, places: Iterable[tuple[str, str]]) -> _Told:
        """Who claims addresses, by port (0: whatever runs there), and whether a machine there carries any system."""
        told: list[Mapping[int, list[Asset]]] = []
        is_carrying = False
        for where in places:
            told += (found for found in (self._placed.get(where), self._unplaced.get(where[1])) if found)
            is_carrying = is_carrying or where in self._carrying
        return told, is_carrying

    def of_page(self, sighting: Sighting, page: Named, ports: tuple[int, ...]) -> tuple[list[Asset], bool]:
        """The systems that may account for a page (of many, two), and whether anything else in a register does.

        By its address and port, by a name in its certificate, or by a name of the same department that contains
        the title or is contained in it; beyond that, a host that a register says carries some system.
        """
        certified = (
            system
            for tls in sighting.tls_names
            if not tls.port or tls.port in ports
            for system in self._domains.get(tls.text.casefold().rstrip("."), ())
        )
        found = _two(chain(self._of_address(sighting, ports), certified, self._by_name(sighting, page.text)))
        return found, self._is_carried(sighting)

    def of_machine(self, sighting: Sighting) -> tuple[list[Asset], bool]:
        """Any system at the same machine may be what runs there, or keep its data there, whatever its port."""
        return _two(self._of_address(sighting, None)), self._is_carried(sighting)

    def may_be_elsewhere(self, department_id: str, *, any_place: bool) -> bool:
        """Whether a department has registered a system in use whose place no register tells (or, any system at all).

        What does not say its own name may be such a system, or a part of one.
        """
        known = self._elsewhere.get((department_id, any_place))
        if known is None:
            known = self._elsewhere[department_id, any_place] = any(
                any_place or not (texts(system, "addresses") or texts(system, "urls"))
                for system in self._of_department.get(department_id, ())
                if system.text("status") not in ("planned", "retired")
            )
        return known

    def _by_name(self, sighting: Sighting, title: str) -> Iterator[Asset]:
        """The department's own systems whose names hold a title or stand in it; where it has none, anybody's."""
        plain, names = plain_name(title), self._names.get(sighting.owner, {})
        held = self._within[sighting.owner].of(plain) if names else ()
        own = [*(names[name] for name in held), self._holding.get((sighting.owner, plain), ())]
        if any(own):
            yield from chain(*own)
            return
        for key in self.world.system_names.within(title):
            yield self._by_key[key]

    def _is_carried(self, sighting: Sighting) -> bool:
        """Whether a register or a cloud says that the machine carries some system, or is a door to others."""
        if self.fronts.is_shared(sighting.vantage, sighting.address):
            return True
        if self._machine(sighting)[1]:
            return True
        return sighting.address in self._unplaced_carrying


def _two(systems: Iterable[Asset]) -> list[Asset]:
    """The first two different ones: whether it is one, and which, is all that is asked of them."""
    found: dict[str, Asset] = {}
    for system in systems:
        found[system.key] = system
        if len(found) > 1:
            break
    return list(found.values())

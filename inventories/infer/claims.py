"""Which services some register already accounts for. Generous on purpose: a doubt accuses nobody. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from inventories.identity import plain_name
from inventories.infer.evidence import LEAST_NAME
from inventories.infer.fronts import Fronts
from inventories.infer.resources import Resources
from inventories.infer.sightings import Named, Sighting
from inventories.infer.world import World, identifiers, texts, web_address
from inventories.model import Asset
from inventories.prefixes import position


@dataclass(frozen=True, slots=True)
class _Address:
    """A system's word on an address; ``port`` is 0 where it claims whatever runs there."""

    system: Asset
    port: int


class Claims:
    """Finds the registered systems that a service may belong to."""

    def __init__(self, world: World, resources: Resources, fronts: Fronts) -> None:
        self.world, self.resources, self.fronts = world, resources, fronts
        self._placed: dict[tuple[str, str], list[_Address]] = {}
        self._unplaced: dict[str, list[_Address]] = {}
        self._domains: dict[str, list[Asset]] = {}
        self._names: dict[str, list[tuple[str, Asset]]] = {}
        self._carriers: dict[tuple[str, str], list[Asset]] = {}
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
                self._names.setdefault(system.text("department_id"), []).append((name, system))
        for host in world.kinds["host"]:
            if texts(host, "system_codes"):
                for identifier in identifiers(host, "ip"):
                    self._carriers.setdefault((identifier.vantage, identifier.value), []).append(host)

    def _claim(self, system: Asset, address: str, port: int) -> None:
        """An address that may lie in several zones is claimed in each; one that lies in none, everywhere."""
        spots = self.world.atlas.candidates(address, system.text("department_id"))
        entry = _Address(system, port)
        for spot in spots:
            self._placed.setdefault((spot.zone.vantage, address), []).append(entry)
        if not spots:
            self._unplaced.setdefault(address, []).append(entry)

    def of_address(self, sighting: Sighting) -> list[_Address]:
        """The claims to an address, and to the other addresses of the same machine."""
        found: list[_Address] = []
        for vantage, address in self._places(sighting):
            found += (*self._placed.get((vantage, address), ()), *self._unplaced.get(address, ()))
        return found

    def _places(self, sighting: Sighting) -> list[tuple[str, str]]:
        """Where the machine of a sighting is, as far as it is known to be one machine."""
        hosts = self.world.hosts_at.get((sighting.vantage, sighting.address), ())
        if len(hosts) != 1:
            return [(sighting.vantage, sighting.address)]
        return [(identifier.vantage, identifier.value) for identifier in identifiers(hosts[0], "ip")]

    def of_page(self, sighting: Sighting, page: Named, ports: tuple[int, ...]) -> tuple[list[Asset], bool]:
        """The systems that may account for a page, and whether anything else in a register does.

        By its address and port, by a name in its certificate, or by a name of the same department that contains
        the title or is contained in it; beyond that, a host that a register says carries some system.
        """
        found = [claim.system for claim in self.of_address(sighting) if not claim.port or claim.port in ports]
        for tls in sighting.tls_names:
            if not tls.port or tls.port in ports:
                found += self._domains.get(tls.text.casefold().rstrip("."), ())
        found += self._by_name(sighting, page.text)
        return found, self._is_carried(sighting)

    def of_machine(self, sighting: Sighting) -> tuple[list[Asset], bool]:
        """Any system at the same machine may be what runs there, or keep its data there, whatever its port."""
        return [claim.system for claim in self.of_address(sighting)], self._is_carried(sighting)

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

    def _by_name(self, sighting: Sighting, title: str) -> list[Asset]:
        plain = plain_name(title)
        own = [
            system
            for name, system in self._names.get(sighting.owner, ())
            if name in plain or (len(plain) >= LEAST_NAME and plain in name)
        ]
        if own:
            return own
        return [self._by_key[key] for key in self.world.system_names.within(title)]

    def _is_carried(self, sighting: Sighting) -> bool:
        """Whether a register or a cloud says that the machine carries some system, or is a door to others."""
        if self.fronts.is_shared(sighting.vantage, sighting.address):
            return True
        for where in self._places(sighting):
            if self._carriers.get(where) or any(resource.claims for resource in self.resources.at(*where)):
                return True
        hosts = self.world.unplaced_addresses.get(sighting.address, ())
        return any(texts(host, "system_codes") for host in hosts)

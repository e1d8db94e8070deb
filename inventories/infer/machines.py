"""The machines of departments' own networks: what each was seen to be, whatever probes and addresses told it. Pure.

A machine is one asset: several probes that saw it at several addresses saw one machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from inventories.identity import plain_code, serial_id, uuid_id
from inventories.infer.draft import Ground
from inventories.infer.evidence import (
    MOST_BEARERS,
    NETWORK_CATEGORIES,
    SERVER_CATEGORIES,
    WORKSTATION_MODELS,
    WORKSTATION_SYSTEMS,
)
from inventories.infer.readings import listener
from inventories.infer.sightings import Product, Sighting, product_of
from inventories.infer.world import World, facts_of, identifiers, texts
from inventories.model import Asset, SourcedFact, Strength
from inventories.places import Zone
from inventories.prefixes import position


@dataclass(frozen=True, slots=True)
class Shown:
    """One product that a machine was seen to be, or to run, and the fact that says so."""

    product: Product
    fact: SourcedFact

    def ground(self, machine: Machine) -> Ground:
        words = f"{machine.label} {self.product.name}"
        return Ground(self.fact.strength, self.fact.source, self.fact.observed_at, words)


@dataclass(frozen=True, slots=True)
class Machine:
    """A host in a department's own network. ``address`` is empty where only an interface told of it.

    ``label`` says where a person finds it: ``10.1.0.5（民政局办公网）``. ``order`` is a fixed order of machines.
    """

    host: Asset
    zone: Zone
    department_id: str
    address: str
    label: str
    order: tuple[str, tuple[int, int], str]

    @classmethod
    def of(cls, host: Asset, zone: Zone, department_id: str, address: str) -> Machine:
        label = f"{address or host.text('name') or host.key}（{zone.name}）"
        return cls(host, zone, department_id, address, label, (zone.id, position(address) or (9, 0), host.key))


def machine_of(world: World, host: Asset) -> Machine | None:
    """The host as a machine of one department; None outside their networks, and where its owner is in doubt."""
    spots = [
        (spot, identifier.value)
        for identifier in identifiers(host, "ip")
        if (spot := world.atlas.at(identifier.vantage, identifier.value))
    ]
    own = [(spot, address) for spot, address in spots if spot.zone.kind == "department"]
    if own:
        spot, address = min(own, key=lambda pair: (pair[0].zone.id, position(pair[1])))
        owners = {spot.department_id for spot, _address in own}
        if owners != {host.text("department_id")} or owners == {""}:
            return None
        return Machine.of(host, spot.zone, spot.department_id, address)
    if spots or len(host.zones) != 1:
        return None
    zone = world.zones.get(host.zones[0])
    if zone is None or zone.kind != "department":
        return None
    department = host.text("department_id") or ("" if zone.owners else zone.department_id)
    is_in_doubt = any(conflict.column == "department_id" for conflict in host.conflicts)
    return Machine.of(host, zone, department, "") if department and not is_in_doubt else None


def shown_of(host: Asset) -> Iterator[Shown]:
    """The products that a host was seen to be, or to run: each once, best told first."""
    live = texts(host, "products")
    told: set[str] = set()
    for fact in facts_of(host, "products") if live else ():
        if isinstance(fact.value, tuple) and fact.strength >= Strength.SEEN_OUTSIDE:
            for item in fact.value:
                if item in live and item not in told:
                    told.add(item)
                    yield Shown(product_of(item, fact.evidence, fact.strength), fact)
    if hypervisor := host.text("hypervisor"):
        for fact in facts_of(host, "hypervisor"):
            if fact.value == hypervisor and fact.strength >= Strength.SEEN_OUTSIDE:
                yield Shown(Product("hypervisor", hypervisor, 0, True, fact.strength is Strength.SEEN_INSIDE), fact)
                break


def find_machines(world: World, categories: Iterable[str]) -> list[Machine]:
    """The machines that were seen to be something of ``categories``, or that are physical, in a fixed order."""
    wanted = tuple(f"{category}:" for category in sorted(categories))
    found = []
    for host in world.kinds["host"]:
        if (
            any(item.startswith(wanted) for item in texts(host, "products"))
            or host.get("is_physical") is True
            or host.get("hypervisor") is not None
        ):
            machine = machine_of(world, host) if host.get("is_observed") is True else None
            if machine is not None:
                found.append(machine)
    return sorted(found, key=lambda machine: machine.order)


def is_workstation(host: Asset) -> bool:
    """Whether a host is somebody's desk or lap, by its operating system or its model."""
    return bool(WORKSTATION_SYSTEMS.search(host.text("os_name")) or WORKSTATION_MODELS.search(host.text("model")))


def is_network_device(host: Asset) -> bool:
    return any(shown.product.category in NETWORK_CATEGORIES for shown in shown_of(host))


def is_server(world: World, host: Asset) -> bool:
    """Whether a host is shown to serve others: by a product, a service, a listening process, or a register's word."""
    if is_workstation(host):
        return False
    if texts(host, "system_codes") or host.text("room_code"):
        return True
    if any(shown.product.category in SERVER_CATEGORIES for shown in shown_of(host)):
        return True
    if any(found.serves for text in texts(host, "listeners") if (found := listener(text))):
        return True
    return any(service.is_application for sighting in sightings_of(world, host) for service in sighting.services)


def sightings_of(world: World, host: Asset) -> list[Sighting]:
    return [
        sighting
        for identifier in identifiers(host, "ip")
        if (sighting := world.sightings.get((identifier.vantage, identifier.value)))
    ]


def united(machines: Iterable[Machine]) -> dict[str, str]:
    """Host key → a key that is the same for one machine: a controller and its server share a serial number."""
    of: dict[str, str] = {}
    bearers: dict[str, list[str]] = {}

    def top(key: str) -> str:
        while of[key] != key:
            of[key] = of[of[key]]
            key = of[key]
        return key

    for machine in machines:
        of[machine.host.key] = machine.host.key
        for mark in _marks(machine.host):
            bearers.setdefault(mark, []).append(machine.host.key)
    for keys in bearers.values():
        if len(set(keys)) <= MOST_BEARERS:
            for key in keys:
                low, high = sorted((top(keys[0]), top(key)))
                of[high] = low
    return {key: top(key) for key in of}


def _marks(host: Asset) -> Iterator[str]:
    """Serial numbers and UUIDs that a host goes by, without its maker: in one place the number is enough."""
    if serial := serial_id("any", host.text("serial")):
        yield plain_code(serial.value.partition("|")[2])
    if uuid := uuid_id(host.text("hardware_uuid")):
        yield uuid.value
    for identifier in host.identifiers:
        if identifier.scheme == "serial":
            yield identifier.value.partition("|")[2]
        elif identifier.scheme == "uuid":
            yield identifier.value

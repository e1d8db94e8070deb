"""Machine rooms that equipment betrays and no register names. Pure, and deliberately slow to conclude.

A room is a place: where the site names no location for a zone, nothing is concluded. Several kinds of evidence
must agree (:data:`inventories.infer.evidence.ROOM_SIGNS`), and a department that declared a room which may be this
one is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, tzinfo

from inventories.identity import place_id, plain_name
from inventories.infer.clouds import platform_of
from inventories.infer.draft import Draft, Drafts, Ground
from inventories.infer.evidence import LEAST_SIGNS, ROOM_CONFIDENCE, ROOM_SIGNS
from inventories.infer.sightings import Product, Sighting
from inventories.infer.world import World, sighting_ground
from inventories.keymap import Thing
from inventories.model import Asset, Identifier, KeyMap, Strength
from inventories.places import Zone

#: The columns of a room that count what was seen, and the sign that each counts.
_COUNTS: Mapping[str, str] = {
    "hosts_physical": "physical",
    "hypervisors": "hypervisor",
    "management_controllers": "management_controller",
}


@dataclass(slots=True)
class Equipment:
    """What was seen by name in one department's place: sign → machine → the sighting that shows it."""

    zone: Zone
    department_id: str
    seen: dict[str, dict[str, Sighting]]

    def count(self, category: str) -> int:
        return len(self.seen.get(category, ()))

    @property
    def machines(self) -> int:
        """Machines at least: a management controller may be that of a server which is counted already."""
        servers = {*self.seen.get("physical", ()), *self.seen.get("hypervisor", ())}
        return max(len(servers), self.count("management_controller"))

    @property
    def room_devices(self) -> int:
        return len({key for sign in ROOM_SIGNS if sign.stands_in_rooms for key in self.seen.get(sign.category, ())})

    @property
    def confidence(self) -> float | None:
        """How sure a room may be concluded; None where the evidence does not reach."""
        signs = [sign for sign in ROOM_SIGNS if self.count(sign.category) >= sign.least]
        if len(signs) < LEAST_SIGNS:
            return None
        for machines, devices, confidence in ROOM_CONFIDENCE:
            if self.machines >= machines and self.room_devices >= devices:
                return confidence
        return None

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        return (place_id(self.department_id, self.zone.id, self.zone.location, "room"),)

    @property
    def collectors(self) -> tuple[str, ...]:
        return tuple(sorted({s.collector for found in self.seen.values() for s in found.values()}))

    def thing(self, timezone: tzinfo, today: date) -> Thing:
        newest = max(sighting.observed_at for found in self.seen.values() for sighting in found.values())
        return Thing("room", self.identifiers, seen_on=min(newest.astimezone(timezone).date(), today))


def find_equipment(world: World) -> list[Equipment]:
    """The equipment of every department's place that has a location, in a fixed order."""
    found: dict[tuple[str, str], Equipment] = {}
    for where, sighting in sorted(world.sightings.items()):
        zone, owner = sighting.zone, sighting.owner
        if zone is None or zone.kind != "department" or not zone.location or not owner:
            continue
        hosts = world.hosts_at.get(where, ())
        machine = hosts[0].key if len(hosts) == 1 else f"{sighting.vantage} {sighting.address}"
        categories = {product.category for product in sighting.products if product.is_seen and _is_machine(product)}
        if "hypervisor" not in categories and any(host.get("is_physical") is True for host in hosts):
            categories.add("physical")
        for category in sorted(categories & {sign.category for sign in ROOM_SIGNS}):
            equipment = found.setdefault((zone.id, owner), Equipment(zone, owner, {}))
            equipment.seen.setdefault(category, {}).setdefault(machine, sighting)
    return [found[place] for place in sorted(found)]


def _is_machine(product: Product) -> bool:
    """Whether a product stands for a machine of its own: a management platform is a guest on one that is counted."""
    platform = platform_of(product)
    return platform is None or platform.is_machine


def undeclared_rooms(world: World, equipment: Iterable[Equipment]) -> list[Equipment]:
    """The places where a room is concluded: the evidence reaches, and no declared room may be it."""
    return [e for e in equipment if e.confidence is not None and not _declared_room(world, e)[0]]


def _declared_room(world: World, equipment: Equipment) -> tuple[list[Asset], bool]:
    """The declared rooms that may be the one at a place, and whether there is just one and it is surely that.

    A room whose address or name holds another location of the department is not this one; every other may be.
    """
    department = equipment.department_id
    here = plain_name(equipment.zone.location)
    others = {
        plain_name(zone.location)
        for zone in world.zones.values()
        if zone.kind == "department" and zone.location and department in (zone.department_id, *zone.owners.values())
    } - {here}
    rooms = [
        room
        for room in world.kinds["room"]
        if room.get("is_declared") is True and room.text("department_id") in ("", department)
    ]
    near = [room for room in rooms if _speaks_of(room, {here})]
    may_be = near + [room for room in rooms if room not in near and not _speaks_of(room, others)]
    is_sure = len(may_be) == 1 and may_be[0].text("department_id") == department and (bool(near) or not others)
    return may_be, is_sure


def _speaks_of(room: Asset, locations: Iterable[str]) -> bool:
    said = [plain_name(room.text(column)) for column in ("address", "name")]
    return any(location in text or (len(text) >= 4 and text in location) for location in locations for text in said)


def count_in_rooms(world: World, drafts: Drafts, equipment: Iterable[Equipment]) -> None:
    """What was seen in declared rooms, beside what they declare; only where one room is surely meant."""
    places: dict[str, list[Equipment]] = {}
    for entry in equipment:
        rooms, is_sure = _declared_room(world, entry)
        if is_sure:
            places.setdefault(rooms[0].key, []).append(entry)
    for key, entries in places.items():
        # A room that several zones reach is counted in none: the same machine may be seen from each.
        if len(entries) == 1:
            _counts(world, drafts.edit(drafts.assets[key]), entries[0])


def _counts(world: World, draft: Draft, equipment: Equipment) -> None:
    for column, category in _COUNTS.items():
        seen = equipment.seen.get(category, {})
        if seen:
            strength = Strength.DECLARED if category == "physical" else Strength.SEEN_OUTSIDE
            grounds = [sighting_ground(s, strength) for s in seen.values()]
            total = grounds[0]
            for other in grounds[1:8]:
                total &= other
            draft.conclude(column, len(seen), total)


def add_rooms(world: World, drafts: Drafts, found: Iterable[tuple[Equipment, str]], keymap: KeyMap) -> None:
    """Adds a room for each place, under its key."""
    for equipment, key in found:
        grounds, evidence, strength = [], [], Strength.SEEN_OUTSIDE
        for sign in ROOM_SIGNS:
            machines = equipment.seen.get(sign.category, {})
            if len(machines) >= sign.least:
                where = "、".join(sorted(s.address for s in machines.values())[:8])
                evidence.append(f"{sign.title} {len(machines)} 台：{where}")
                grounds += [sighting_ground(s, Strength.SEEN_OUTSIDE, f" {sign.title}") for s in machines.values()]
                # That a machine is physical may be a register's word.
                strength = Strength.DECLARED if sign.category == "physical" else strength
        oldest = min(grounds, key=lambda g: (g.observed_at, g.source, g.evidence))
        ground = Ground(strength, oldest.source, oldest.observed_at, "；".join(evidence))
        draft = Draft("room", key, equipment.identifiers, collectors=equipment.collectors)
        draft.values.update(
            key=key,
            sources=tuple(sorted({g.source for g in grounds})),
            is_observed=True,
            is_declared=False,
            first_seen_on=keymap.first_seen[key],
            last_seen_on=keymap.last_seen[key],
        )
        draft.zones.add(equipment.zone.id)
        draft.conclude("name", f"{equipment.zone.location}机房（推断）", ground)
        draft.conclude("is_inferred", True, ground)
        draft.conclude("inference_confidence", equipment.confidence, ground)
        draft.conclude("inference_evidence", tuple(evidence), ground)
        _counts(world, draft, equipment)
        owned = Ground(Strength.DECLARED, ground.source, ground.observed_at, f"网络区域 {equipment.zone.name}")
        world.join_department(draft, equipment.department_id, owned)
        world.join_nil_return(draft, equipment.department_id)
        drafts.add(draft)

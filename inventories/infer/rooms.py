"""Machine rooms that equipment betrays and no register names. Pure, and deliberately slow to conclude.

A room is a place: where the site names no location for a zone, nothing is concluded. Several kinds of evidence
must agree (section ``rooms`` of ``evidence.yaml``), and a department that declared a room which may be this one is
believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from itertools import islice

from inventories.identity import place_id, plain_name
from inventories.infer.clouds import platform_of
from inventories.infer.draft import Draft, Drafts, Ground
from inventories.infer.evidence import (
    CORE_NETWORKS,
    LEAST_SIGNS,
    NEIGHBOUR_DISCOUNT,
    ROOM_LEAST,
    ROOM_LEVELS,
    ROOM_SIGNS,
)
from inventories.infer.locations import Locations
from inventories.infer.machines import Machine, is_network_device, is_workstation, shown_of, united
from inventories.infer.world import World, facts_of, submission_ground
from inventories.model import Asset, Identifier, KeyMap, Strength
from inventories.places import Zone
from inventories.prefixes import position
from inventories.thing import Thing

#: The columns of a room that count what was seen, and the sign that each counts.
_COUNTS: Mapping[str, str] = {
    "hosts_physical": "physical",
    "hypervisors": "hypervisor",
    "management_controllers": "management_controller",
}
#: So many are named in evidence; the rest are counted.
_MOST_NAMED = 8
_BY_CATEGORY = {sign.category: sign for sign in ROOM_SIGNS}


@dataclass(frozen=True, slots=True)
class Spotted:
    """One machine that is a sign, with what says so, and the declared room in which its own register places it."""

    machine: Machine
    ground: Ground
    room: str


@dataclass(slots=True)
class Equipment:
    """What was seen in one department's place from one vantage: sign → machine → what shows it.

    ``zones`` are all the site's zones of the department at that place: together they are the place's identity.
    ``discount`` is taken off where somebody else declares a room of their own there.
    """

    department_id: str
    zones: tuple[Zone, ...]
    seen: dict[str, dict[str, Spotted]] = field(default_factory=dict)
    discount: float = 0.0

    @property
    def location(self) -> str:
        return self.zones[0].location

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
        cooling = sum(self.count(sign.category) for sign in ROOM_SIGNS if sign.is_cooling)
        if len([sign for sign in signs if not sign.is_support]) < LEAST_SIGNS:
            return None
        for level in ROOM_LEVELS:
            if (
                self.machines >= level.machines
                and self.room_devices >= level.devices
                and cooling >= level.cooling
                and len(signs) >= level.kinds
            ):
                sure = round(level.confidence - self.discount, 2)
                return sure if sure >= ROOM_LEAST else None
        return None

    def standing_in(self, rooms: Iterable[str]) -> Equipment:
        """The same without the machines whose own register places them in a room that is not among ``rooms``."""
        allowed = {"", *rooms}
        kept = {
            sign: {key: spotted for key, spotted in found.items() if spotted.room in allowed}
            for sign, found in self.seen.items()
        }
        return Equipment(self.department_id, self.zones, kept, self.discount)

    @property
    def spotted(self) -> list[Spotted]:
        return [one for found in self.seen.values() for one in found.values()]

    @property
    def seen_in(self) -> set[str]:
        return {one.machine.zone.id for one in self.spotted}

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        return tuple(place_id(self.department_id, zone.id, zone.location, "room") for zone in self.zones)

    def thing(self, timezone: tzinfo, today: date) -> Thing:
        newest = max(one.ground.observed_at for one in self.spotted)
        return Thing("room", self.identifiers, seen_on=min(newest.astimezone(timezone).date(), today))


def find_equipment(world: World, machines: Iterable[Machine], locations: Locations) -> list[Equipment]:
    """The equipment of every department's place that has a location, in a fixed order."""
    places: dict[tuple[str, str, str], list[Machine]] = {}
    for machine in machines:
        if location := plain_name(machine.zone.location):
            places.setdefault((machine.department_id, location, machine.zone.vantage), []).append(machine)
    found = []
    for (department, location, _vantage), here in sorted(places.items(), key=lambda item: item[0]):
        # A machine may be another department's than its zone: the place is then known by the zones it stands in.
        seen_in = tuple(zone for _id, zone in sorted({m.zone.id: m.zone for m in here}.items()))
        equipment = Equipment(department, locations.zones(department, location) or seen_in)
        same = united(here)
        for machine in here:
            for category, ground in _signs(world, machine):
                spotted = Spotted(machine, ground, _own_room(world, machine.host))
                equipment.seen.setdefault(category, {}).setdefault(same[machine.host.key], spotted)
        if equipment.seen:
            is_shared = locations.has_others(department, location, housing=False)
            equipment.discount = NEIGHBOUR_DISCOUNT if is_shared else 0.0
            found.append(equipment)
    return found


def _own_room(world: World, host: Asset) -> str:
    """The key of the declared room in which a host's register places it; empty where it names none that is known."""
    room = world.referred("room", host.text("room_code"), host.text("department_id"))
    return room.key if room is not None and host.text("room_code") else ""


def _signs(world: World, machine: Machine) -> list[tuple[str, Ground]]:
    """What a machine is a sign of, each with the fact that says so."""
    host, found = machine.host, dict[str, Ground]()
    # A guest is no machine of its own, and a desk is no server.
    is_machine = host.get("is_physical") is not False and not is_workstation(host)
    for shown in shown_of(host):
        sign, platform = _BY_CATEGORY.get(shown.product.category), platform_of(shown.product)
        if sign is None or shown.fact.strength < sign.strength or sign.is_support:
            continue
        if sign.category == "hypervisor" and not (is_machine and (platform is None or platform.is_machine)):
            continue
        found.setdefault(sign.category, shown.ground(machine))
    if host.get("is_physical") is True and is_machine and "hypervisor" not in found:
        told = [fact for fact in facts_of(host, "is_physical") if fact.value is True]
        if told and not found.keys() & _BY_CATEGORY.keys() - {"management_controller"}:
            ground = Ground(told[0].strength, told[0].source, told[0].observed_at, f"{machine.label} 物理机")
            found["physical"] = ground
    if (core := _core_switch(world, machine)) is not None:
        found["core_switch"] = core
    return sorted(found.items())


def _core_switch(world: World, machine: Machine) -> Ground | None:
    reading = world.readings.get(machine.host.key)
    if reading is None or not is_network_device(machine.host):
        return None
    networks = len({leg.prefix for leg in reading.legs})
    if max(networks, reading.neighbours) < CORE_NETWORKS:
        return None
    return reading.ground(f"{machine.label} 直连 {networks} 个网段、相邻设备 {reading.neighbours} 台")


def undeclared_rooms(locations: Locations, equipment: Iterable[Equipment]) -> list[Equipment]:
    """The places where a room is concluded: the evidence reaches, and no declared room may be it."""
    best: dict[tuple[str, str], tuple[tuple[float, int, int], Equipment]] = {}
    for entry in equipment:
        here = plain_name(entry.location)
        if _declared_room(locations, entry)[0] or locations.has_others(entry.department_id, here, housing=True):
            continue
        left = entry.standing_in(())
        if (confidence := left.confidence) is not None:
            place = (entry.department_id, entry.zones[0].id)
            merit = (confidence, left.machines, left.room_devices)
            # The same place from two vantages is one room: machines are not added up, for they may be the same.
            if place not in best or merit > best[place][0]:
                best[place] = (merit, left)
    return [best[place][1] for place in sorted(best)]


def _declared_room(locations: Locations, equipment: Equipment) -> tuple[list[Asset], bool]:
    """The declared rooms that may be the one at a place, and whether there is just one and it is surely that.

    A room whose address or name holds another location of the department is not this one; every other may be.
    """
    department, here = equipment.department_id, plain_name(equipment.location)
    near = locations.near(department, here)
    known = {room.key for room in near}
    vague = (room for room in locations.vague(department) if room.key not in known)
    may_be = [*near, *islice(vague, 2)]
    is_sure = (
        len(may_be) == 1
        and may_be[0].text("department_id") == department
        and (bool(near) or not locations.others(department, here))
    )
    return may_be, is_sure


def count_in_rooms(locations: Locations, drafts: Drafts, equipment: Iterable[Equipment]) -> None:
    """What was seen in declared rooms, beside what they declare; only where one room is surely meant."""
    places: dict[str, list[Equipment]] = {}
    for entry in equipment:
        rooms, is_sure = _declared_room(locations, entry)
        if is_sure:
            places.setdefault(rooms[0].key, []).append(entry.standing_in({rooms[0].key}))
    for key, entries in places.items():
        # A room that several places or vantages reach is counted in none: the same machine may be seen from each.
        if len(entries) == 1:
            _counts(drafts.edit(drafts.assets[key]), entries[0])


def _counts(draft: Draft, equipment: Equipment) -> None:
    for column, category in _COUNTS.items():
        seen = equipment.seen.get(category, {})
        if seen:
            total, *rest = _by_address(seen.values())
            ground = total.ground
            for other in rest[:7]:
                ground &= other.ground
            draft.conclude(column, len(seen), ground)


def _by_address(spotted: Iterable[Spotted]) -> list[Spotted]:
    return sorted(spotted, key=lambda one: (position(one.machine.address) or (9, 0), one.machine.host.key))


def add_rooms(
    world: World, locations: Locations, drafts: Drafts, found: Iterable[tuple[Equipment, str]], keymap: KeyMap
) -> None:
    """Adds a room for each place, under its key."""
    for equipment, key in found:
        used = [sign for sign in ROOM_SIGNS if equipment.count(sign.category) >= sign.least]
        grounds = [one.ground for sign in used for one in _by_address(equipment.seen[sign.category].values())]
        evidence = tuple(_lines(world, locations, equipment))
        oldest = min(grounds, key=lambda g: (g.observed_at, g.source, g.evidence))
        # No stronger than the weakest of what it rests on: that a machine is physical may be a register's word.
        strength = min(ground.strength for ground in grounds)
        ground = Ground(strength, oldest.source, oldest.observed_at, "；".join(evidence))
        draft = Draft("room", key, equipment.identifiers, collectors=_collectors(equipment))
        draft.values.update(
            key=key,
            sources=tuple(sorted({g.source for g in grounds})),
            is_observed=True,
            is_declared=False,
            first_seen_on=keymap.first_seen[key],
            last_seen_on=keymap.last_seen[key],
        )
        draft.zones |= equipment.seen_in
        draft.conclude("name", f"{equipment.location}机房（推断）", ground)
        draft.conclude("is_inferred", True, ground)
        draft.conclude("inference_confidence", equipment.confidence, ground)
        draft.conclude("inference_evidence", evidence, ground)
        _counts(draft, equipment)
        names = "、".join(zone.name for zone in equipment.zones if zone.id in equipment.seen_in)
        owned = Ground(Strength.DECLARED, ground.source, ground.observed_at, f"网络区域 {names}")
        world.join_department(draft, equipment.department_id, owned)
        world.join_nil_return(draft, equipment.department_id)
        drafts.add(draft)


def _collectors(equipment: Equipment) -> tuple[str, ...]:
    return tuple(sorted({name for one in equipment.spotted for name in one.machine.host.collectors} - {"register"}))


def _lines(world: World, locations: Locations, equipment: Equipment) -> list[str]:
    """The evidence in words that a department can check, and what was not looked at."""
    lines = []
    for sign in ROOM_SIGNS:
        found = _by_address(equipment.seen.get(sign.category, {}).values())
        if len(found) >= sign.least:
            where = _some([one.machine.address or one.machine.host.text("name") for one in found])
            lines.append(f"{sign.title} {len(found)} 台：{where}")
    if equipment.discount:
        here = plain_name(equipment.location)
        others, count = locations.others_rooms(equipment.department_id, here, _MOST_NAMED)
        names = _some([room.text("name") for room in others], count)
        lines.append(f"同一地点另有其他单位登记的机房（{names}），置信度已扣减")
    if not equipment.room_devices and not any((zone, "snmp") in world.looked for zone in equipment.seen_in):
        lines.append("该处没有做过 SNMP 核查，是否另有不间断电源、配电单元、机房空调不明")
    submission = world.submitted("rooms", equipment.department_id)
    if submission is not None:
        lines.append(submission_ground(submission, "部门机房台账中没有这一处").evidence)
    return lines


def _some(words: Sequence[str], count: int = 0) -> str:
    """The first few of a list, and how many there are (``count``, where the list is cut already)."""
    count = count or len(words)
    return "、".join(words[:_MOST_NAMED]) + (f" 等 {count} 项" if count > _MOST_NAMED else "")

"""Where departments have networks, and which declared rooms speak of each of these places. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from inventories.identity import plain_name
from inventories.infer.within import Within
from inventories.infer.world import World
from inventories.model import Asset
from inventories.places import Zone

#: A shorter address or name of a room is no part of a location's that tells anything.
_LEAST = 4


class Locations:
    """Zones by department and place, and declared rooms by the places that their addresses and names speak of.

    A room speaks of a place that its text holds, or whose own text holds it: a whole town may be called by one
    address, so that rooms stand under their texts, and places under the texts that they hold.
    """

    def __init__(self, world: World) -> None:
        self._zones: dict[tuple[str, str], list[Zone]] = {}
        self._of: dict[str, set[str]] = {}
        for _id, zone in sorted(world.zones.items()):
            if zone.kind == "department" and zone.location:
                location = plain_name(zone.location)
                for department in {zone.department_id, *zone.owners.values()}:
                    self._zones.setdefault((department, location), []).append(zone)
                    self._of.setdefault(department, set()).add(location)
        self._rooms: dict[str, list[Asset]] = {}
        for room in world.kinds["room"]:
            if room.get("is_declared") is True:
                self._rooms.setdefault(room.text("department_id"), []).append(room)
        self._said = {room.key: _said(room) for rooms in self._rooms.values() for room in rooms}
        places = Within({place for _department, place in self._zones})
        self._places = {text: places.of(text) for said in self._said.values() for text in said}
        self._texts = Within(text for text in self._places if len(text) >= _LEAST)
        #: What a room is found by, and its owner → the rooms by key.
        self._near: dict[tuple[tuple[str, str], str], dict[str, Asset]] = {}
        #: What a room is found by → the owners of rooms that house others, and of the rest.
        self._owners: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
        for owner, rooms in self._rooms.items():
            for room in rooms:
                for mark in self._marks(room):
                    self._near.setdefault((mark, owner), {})[room.key] = room
                    self._owners.setdefault(mark, (set(), set()))[not houses_others(room)].add(owner)
        self._vague: dict[str, list[Asset]] = {}
        self._rest: dict[tuple[tuple[str, str], ...], list[Asset]] = {}

    def _marks(self, room: Asset) -> Iterator[tuple[str, str]]:
        for text in self._said[room.key]:
            yield from (("place", place) for place in self._places[text])
            if len(text) >= _LEAST:
                yield "text", text

    def _marks_at(self, place: str) -> list[tuple[str, str]]:
        marks = [("place", place), *(("text", text) for text in sorted(self._texts.of(place)))]
        return [mark for mark in marks if mark in self._owners]

    def zones(self, department: str, place: str) -> tuple[Zone, ...]:
        """A department's zones at a place, in order."""
        return tuple(self._zones.get((department, place), ()))

    def others(self, department: str, place: str) -> set[str]:
        """The other places at which a department has zones."""
        return self._of.get(department, set()) - {place}

    def near(self, department: str, place: str) -> list[Asset]:
        """A department's declared rooms, and those that are nobody's, that speak of a place: the first two."""
        found: dict[str, Asset] = {}
        for mark in self._marks_at(place):
            for owner in {"", department}:
                found.update(islice(self._near.get((mark, owner), {}).items(), 2))
        return [found[key] for key in sorted(found)[:2]]

    def vague(self, department: str) -> list[Asset]:
        """A department's declared rooms, and those that are nobody's, that speak of none of its places."""
        if department not in self._vague:
            own = self._of.get(department, set())
            held = {text for place in own for text in self._texts.of(place)}
            rooms = {room.key: room for owner in {"", department} for room in self._rooms.get(owner, ())}
            self._vague[department] = [
                rooms[key]
                for key in sorted(rooms)
                if self._said[key].isdisjoint(held)
                and all(own.isdisjoint(self._places[text]) for text in self._said[key])
            ]
        return self._vague[department]

    def has_others(self, department: str, place: str, *, housing: bool) -> bool:
        """Whether others declare rooms at a place: those that house others, or the rest."""
        mine = {"", department}
        return any(not self._owners[mark][not housing] <= mine for mark in self._marks_at(place))

    def others_rooms(self, department: str, place: str, most: int) -> tuple[list[Asset], int]:
        """The rooms of others at a place that do not house others: the first, in order, and how many there are."""
        marks = tuple(self._marks_at(place))
        if marks not in self._rest:
            found: dict[str, Asset] = {}
            for mark in marks:
                for owner in self._owners[mark][True] - {""}:
                    found |= self._near[mark, owner]
            self._rest[marks] = [found[key] for key in sorted(found) if not houses_others(found[key])]
        mine = {room.key for mark in marks for room in self._near.get((mark, department), {}).values()}
        rest = (room for room in self._rest[marks] if room.key not in mine)
        own = sum(not houses_others(room) for room in self._rooms.get(department, ()) if room.key in mine)
        return list(islice(rest, most)), len(self._rest[marks]) - own


def houses_others(room: Asset) -> bool:
    """Whether a room is one for others to stand in: recognised, central, or a provider's."""
    return room.get("is_recognised") is True or room.get("kind") in ("gov", "hosted")


def _said(room: Asset) -> frozenset[str]:
    return frozenset(plain_name(room.text(column)) for column in ("address", "name"))

"""Which observations are of one thing: identifiers joined from the strongest scheme to the weakest. Pure.

At each rank of trust the things found so far are joined where they share an identifier of that rank. Five kinds of
evidence are refused, and reported:

* an identifier that things claim which are known to be different (two serial numbers, two codes, two departments
  in the registers);
* an address, UUID or serial number of machines that probes saw side by side: each with network cards and addresses of
  its own, and none in common (a cluster's address, a bridge that every container host has, a cloned machine); an
  address at which two cards answered;
* an identifier claimed by too many at once (a serial number that firmware repeats, the MAC address of a gateway
  that answers for others): evidence of none;
* a network card seen in several zones, from one to the other: copies of a machine, and cards that software numbers,
  bear one address in several networks. It joins what was seen in one zone, and beyond it only where an address that
  one side was seen at is among those that the other side says it has (a machine that stands in both);
* joints of one rank that would, taken together, make different things one: all of them are undone.

The order of the observations decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from inventories.answers import REGISTER
from inventories.apart import Body, bodies, side_by_side
from inventories.identity import EXCLUSIVE, SCHEMES, identifies, mark, uuid_id
from inventories.model import Identifier, Observation

#: How many different things (with no other address in common) may claim one identifier before it is evidence of none.
MOST_CLAIMS: Mapping[str, int] = {"uuid": 4, "instance": 4, "serial": 4, "mac": 8, "ip": 4}

#: Schemes of which one value may stand on machines that probes see side by side.
_REPEATED = frozenset({"uuid", "serial", "ip"})

CONTRADICTED = "不同的资产都带有此标识，不能据以认定为同一资产"
TOO_MANY = "带有此标识的资产过多，不能据以认定为同一资产"
ELSEWHERE = "此网卡地址出现在多个网络区域，只在同一区域内据以认定"
CHAINED = "据此合并会把已知不同的资产并为一个，未予合并"

_NOTHING: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Joined:
    """``groups``: the indexes of the observations of each thing. ``doubted``: the identifiers refused, and why."""

    groups: tuple[tuple[int, ...], ...]
    doubted: Mapping[Identifier, str]


def join(kind: str, observations: Sequence[Observation], pins: Mapping[tuple[str, Identifier], str]) -> Joined:
    """Groups the observations of one kind. A pin (a person's word) outranks every identifier."""
    return _Joiner(kind, observations, pins).run()


class _Joiner:
    def __init__(
        self, kind: str, observations: Sequence[Observation], pins: Mapping[tuple[str, Identifier], str]
    ) -> None:
        self.observations = observations
        self.parent = list(range(len(observations)))
        self.doubted: dict[Identifier, str] = {}
        #: What tells a thing from others, by the index of its root: values of the exclusive schemes.
        self.marks: list[frozenset[tuple[str, str]]] = []
        #: Root → its observations, where they are several.
        self.members: dict[int, list[int]] = {}
        #: Rank → identifier → the observations that carry it.
        self.claims: dict[int, dict[Identifier, list[int]]] = {}
        pinned = {identifier: key for (of, identifier), key in pins.items() if of == kind}
        by_pin: dict[str, list[int]] = {}
        for index, observation in enumerate(observations):
            marks: set[tuple[str, str]] = set()
            for identifier in observation.identifiers:
                if not identifies(kind, identifier):
                    continue
                self._claim(identifier, index)
                if identifier.scheme in EXCLUSIVE:
                    marks.add(mark(identifier))
            # Two departments that each enter a thing have entered two things: codes repeat between departments.
            if kind != "department" and observation.collector == REGISTER and observation.department_id:
                marks.add(("owner", observation.department_id))
            if pinned and (key := pinned_key(observation.identifiers, pinned)):
                by_pin.setdefault(key, []).append(index)
                marks.add(("pin", key))
            # A cloud that names its instances by UUID says so twice; what the firmware says may differ.
            marks -= {("uuid", same.value) for of, name in marks if of == "instance" and (same := uuid_id(name))}
            self.marks.append(frozenset(marks) if marks else _NOTHING)
        for claimants in by_pin.values():
            self._unite_as_told(claimants)

    def _claim(self, identifier: Identifier, index: int) -> None:
        claimants = self.claims.setdefault(SCHEMES[identifier.scheme], {}).setdefault(identifier, [])
        if not claimants or claimants[-1] != index:
            claimants.append(index)

    def _unite_as_told(self, indexes: Sequence[int]) -> None:
        """A person's word unites whatever it names; where that gives a thing two values of a scheme, so be it."""
        marks = frozenset().union(*(self.marks[index] for index in indexes))
        for index in indexes:
            self.parent[index] = indexes[0]
        self.members[indexes[0]] = list(indexes)
        self.marks[indexes[0]] = _single(marks)

    def run(self) -> Joined:
        for rank in sorted(self.claims):
            joints: list[tuple[Identifier, Sequence[int]]] = []
            for identifier, claimants in self.claims[rank].items():
                if len(claimants) > 1:
                    roots = sorted({self.find(index) for index in claimants})
                    if len(roots) > 1:
                        joints += [(identifier, evident) for evident in self._evident(identifier, roots) if evident]
            if joints:
                self._unite(joints)
        groups: dict[int, list[int]] = {}
        for index in range(len(self.parent)):
            groups.setdefault(self.find(index), []).append(index)
        return Joined(tuple(tuple(group) for group in groups.values()), self.doubted)

    def find(self, index: int) -> int:
        parent = self.parent
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    def _evident(self, identifier: Identifier, roots: Sequence[int]) -> Iterable[Sequence[int]]:
        """The ones among ``roots`` that an identifier shows to be one thing: each sequence is such a thing."""
        if identifier.scheme != "mac":
            return (self._of_one(identifier, roots),)
        parts = self._by_zone(identifier, roots)
        found = [self._of_one(identifier, part) for part in parts]
        if len(parts) > 1:
            self.doubted.setdefault(identifier, ELSEWHERE)
        return found

    def _of_one(self, identifier: Identifier, roots: Sequence[int]) -> Sequence[int]:
        seen = self._bodies(roots, identifier) if identifier.scheme in _REPEATED else {}
        if (
            _clash(self.marks[root] for root in roots)
            or side_by_side(list(seen.values()), identifier)
            or (identifier.scheme == "mac" and self._are_others(roots))
        ):
            self.doubted[identifier] = CONTRADICTED
            # An address seen twice is one thing, though nobody can say which of the others it is.
            nameless = [root for root in roots if not self.marks[root]] if identifier.scheme == "ip" else []
            if side_by_side([seen[root] for root in nameless if root in seen], identifier):
                nameless = [root for root in nameless if root not in seen]
            return nameless if len(nameless) > 1 and not self._are_too_many(identifier, nameless) else ()
        if self._are_too_many(identifier, roots):
            self.doubted[identifier] = TOO_MANY
            return ()
        return roots if len(roots) > 1 else ()

    def _are_too_many(self, identifier: Identifier, roots: Sequence[int]) -> bool:
        most = MOST_CLAIMS.get(identifier.scheme)
        return most is not None and len(roots) > most and self._apart(identifier, roots) > most

    def _by_zone(self, card: Identifier, roots: Sequence[int]) -> list[list[int]]:
        """``roots`` by where a card was seen; those that stand in several zones, or agree on an address, unite them.

        What a register says of a card holds in no zone: it goes with what was seen, where that is one thing's.
        """
        zones = {root: {self.observations[m].zone for m in self._members(root, card)} - {""} for root in roots}
        if len(set().union(*zones.values())) < 2:
            return [list(roots)]
        addresses = {root: self._addresses(root, card.vantage) for root in roots}
        answering = set().union(*(at for at, _said in addresses.values()))
        of: dict[int, int] = {root: root for root in roots}
        first: dict[tuple[str, str], int] = {}
        for root in roots:
            # Whoever says that it has an address goes with whoever was seen at it.
            places = [("zone", zone) for zone in zones[root]]
            places += [("address", address) for address in addresses[root][1] & answering]
            for place in places:
                of[_top(of, root)] = _top(of, first.setdefault(place, root))
        parts: dict[int, list[int]] = {}
        for root in roots:
            parts.setdefault(_top(of, root), []).append(root)
        if sum(any(zones[root] for root in part) for part in parts.values()) == 1:
            return [list(roots)]
        return sorted(parts.values(), key=lambda part: part[-1])

    def _members(self, root: int, identifier: Identifier) -> list[int]:
        """The observations of a thing that carry an identifier."""
        return [m for m in self.members.get(root, (root,)) if identifier in self.observations[m].identifiers]

    def _addresses(self, root: int, vantage: str) -> tuple[set[str], set[str]]:
        """The addresses at which a thing was seen from a vantage, and those and all others that it says it has."""
        at, said = set[str](), set[str]()
        for member in self.members.get(root, (root,)):
            observation = self.observations[member]
            at.update(i.value for i in observation.identifiers if i.scheme == "ip" and i.vantage == vantage)
            for fact in observation.facts:
                if fact.column == "ips" and isinstance(fact.value, tuple):
                    said.update(fact.value)
        return at, said | at

    def _are_others(self, roots: Sequence[int]) -> bool:
        """Whether others say that what stands at these things' addresses is known to be different.

        A gateway that answers for machines behind it does so with its own card: the registers' codes, and what the
        machines say of themselves, are at the same addresses. Address by address, because addresses join last.
        """
        near, here = [], frozenset(roots)
        told: dict[Identifier, frozenset[tuple[str, str]]] = {}
        for root in roots:
            marks = set(self.marks[root])
            for member in self.members.get(root, (root,)):
                for identifier in self.observations[member].identifiers:
                    if identifier.scheme == "ip":
                        if identifier not in told:
                            told[identifier] = self._told_at(identifier, here)
                        marks |= told[identifier]
            near.append(_single(marks))
        return _clash(near)

    def _told_at(self, address: Identifier, here: frozenset[int]) -> frozenset[tuple[str, str]]:
        """What tells things at an address apart from others, those of ``here`` aside; nothing where they differ."""
        claimants = {self.find(index) for index in self.claims[SCHEMES["ip"]].get(address, ())}
        others = [self.marks[other] for other in claimants - here]
        return _NOTHING if _clash(others) else _NOTHING.union(*others)

    def _apart(self, shared: Identifier, roots: Sequence[int]) -> int:
        """How many of ``roots`` share no other address: one machine may be seen at each of its own.

        Of an address, those count that have another one: a claimant that has no other is whoever it is.
        """
        of: dict[int, int] = {}
        first: dict[Identifier, int] = {}
        for root in roots:
            members = self.members.get(root, (root,))
            held = {i for m in members for i in self.observations[m].identifiers if i.scheme == "ip" and i != shared}
            if held or shared.scheme != "ip":
                of[root] = root
            for identifier in held:
                of[_top(of, root)] = _top(of, first.setdefault(identifier, root))
        return len({_top(of, root) for root in of})

    def _bodies(self, roots: Iterable[int], shared: Identifier) -> dict[int, dict[str, Body]]:
        """What probes saw of each of ``roots``, of those of which they saw a card."""
        found = {
            root: bodies((self.observations[m] for m in self.members.get(root, (root,))), shared, self.doubted)
            for root in roots
        }
        return {root: seen for root, seen in found.items() if seen}

    def _unite(self, joints: Iterable[tuple[Identifier, Sequence[int]]]) -> None:
        """Joins all joints of one rank, but for those that together would make different things one."""
        kept = list(joints)
        of = {root: root for _identifier, roots in kept for root in roots}
        for _identifier, roots in kept:
            for root in roots[1:]:
                of[_top(of, root)] = _top(of, roots[0])
        united: dict[int, list[int]] = {}
        for root in of:
            united.setdefault(_top(of, root), []).append(root)
        broken = {head for head, roots in united.items() if _clash(self.marks[root] for root in roots)}
        for identifier, roots in kept:
            if _top(of, roots[0]) in broken:
                self.doubted.setdefault(identifier, CHAINED)
        for head, roots in united.items():
            if head in broken:
                continue
            marks = frozenset().union(*(self.marks[root] for root in roots))
            members = [index for root in roots for index in self.members.pop(root, (root,))]
            for root in roots:
                self.parent[root] = head
            self.marks[head], self.members[head] = marks, members


def pinned_key(identifiers: Iterable[Identifier], pinned: Mapping[Identifier, str]) -> str:
    """The key that a person gave to one of the identifiers (the strongest decides), or the empty string."""
    found = [(SCHEMES.get(i.scheme, 99), i) for i in identifiers if i in pinned]
    return pinned[min(found)[1]] if found else ""


def _top(of: dict[int, int], root: int) -> int:
    """What stands for everything that is united with ``root``."""
    while of[root] != root:
        of[root] = of[of[root]]
        root = of[root]
    return root


def _single(marks: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """The marks of those schemes of which there is one value."""
    by_scheme: dict[str, list[tuple[str, str]]] = {}
    for found in marks:
        by_scheme.setdefault(found[0], []).append(found)
    return frozenset(values[0] for values in by_scheme.values() if len(values) == 1)


def _clash(marks: Iterable[frozenset[tuple[str, str]]]) -> bool:
    """Whether things are known to be different: two values of a scheme of which one thing has one."""
    seen: dict[str, str] = {}
    for known in marks:
        for scheme, value in known:
            if seen.setdefault(scheme, value) != value:
                return True
    return False

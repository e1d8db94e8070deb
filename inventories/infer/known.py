"""Which prefixes somebody declared, or are nobody's network: held against what machines lead to. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_network

from inventories.infer.evidence import INNER_PREFIXES, NEIGHBOUR_BITS, NOT_PUBLIC, WIDEST
from inventories.infer.world import World, texts
from inventories.model import Asset
from inventories.places import Address, Network, Zone
from inventories.prefixes import network, span


class Meets:
    """A set of prefixes that is asked whether another touches it."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, prefixes: Iterable[Network]) -> None:
        self._starts: dict[int, list[int]] = {4: [], 6: []}
        self._ends: dict[int, list[int]] = {4: [], 6: []}
        for version, first, last in sorted({span(prefix) for prefix in prefixes}):
            ends = self._ends[version]
            self._starts[version].append(first)
            # Each end is the furthest so far, so that one look to the left is enough.
            ends.append(max(last, ends[-1]) if ends else last)

    def touches(self, prefix: Network) -> bool:
        version, first, last = span(prefix)
        index = bisect_right(self._starts[version], last) - 1
        return index >= 0 and self._ends[version][index] >= first


@lru_cache(maxsize=65536)
def single(address: Address) -> Network:
    """An address as the prefix that holds it alone."""
    return ip_network(address)


class Known:
    """The prefixes of zones, clouds and registers. Build it once; questions are remembered."""

    def __init__(self, world: World) -> None:
        self._zones: dict[str, Meets] = {}
        self._own: dict[tuple[str, str], tuple[Zone, ...]] = {}
        self._world = world
        everywhere = [
            prefix for zone in world.zones.values() if zone.kind != "department" for prefix in zone.prefixes
        ]
        for cloud in world.kinds["cloud"]:
            everywhere += prefixes_of(cloud)
        self._shared: list[Network] = everywhere
        self._networks: list[tuple[Asset, Meets]] = [
            (asset, Meets((*prefixes_of(asset), *gateways_of(asset))))
            for asset in world.kinds["network"]
            if asset.get("is_declared") is True
        ]
        self._inner = Meets(INNER_PREFIXES)
        self._ways: dict[tuple[str, str], set[str]] = {}
        # A department's machines lead to the same few places: each question is answered once.
        self._touched: dict[tuple[str, Network], bool] = {}
        self._led: dict[tuple[str, Network], tuple[Asset, ...]] = {}
        self._neighbours: dict[tuple[str, str, Network], bool] = {}

    def _touches(self, vantage: str, prefix: Network) -> bool:
        """Whether a prefix meets a zone as seen from a vantage, or a cloud's, which are the same from everywhere."""
        found = self._touched.get((vantage, prefix))
        if found is None:
            meets = self._zones.get(vantage)
            if meets is None:
                zones = [zone for zone in self._world.zones.values() if zone.vantage == vantage]
                meets = Meets([own for zone in zones for own in zone.prefixes] + self._shared)
                self._zones[vantage] = meets
            found = self._touched[vantage, prefix] = meets.touches(prefix)
        return found

    def holds(self, department: str, vantage: str, prefix: Network) -> bool:
        """Whether a prefix, or a part of it, is somebody's declared one, as far as this department is concerned."""
        return self._touches(vantage, prefix) or bool(self.networks(department, prefix))

    def holds_address(self, department: str, vantage: str, address: Address) -> bool:
        return self.holds(department, vantage, single(address))

    def in_zone(self, vantage: str, address: Address) -> bool:
        return self._touches(vantage, single(address))

    def networks(self, department: str, prefix: Network) -> tuple[Asset, ...]:
        """The declared networks that a prefix belongs to: the department's own, and those that serve everybody."""
        found = self._led.get((department, prefix))
        if found is None:
            found = self._led[department, prefix] = tuple(
                asset
                for asset, meets in self._networks
                if (asset.text("department_id") in ("", department) or is_shared(asset)) and meets.touches(prefix)
            )
        return found

    def networks_at(self, department: str, address: Address) -> tuple[Asset, ...]:
        return self.networks(department, single(address))

    def is_inner(self, prefix: Network) -> bool:
        """Whether a prefix is one that software uses inside a machine by default."""
        return self._inner.touches(prefix) and any(
            prefix.version == inner.version
            and prefix.prefixlen >= inner.prefixlen
            and prefix.network_address in inner
            for inner in INNER_PREFIXES
        )

    def is_wide(self, prefix: Network) -> bool:
        """Whether a prefix is so wide that it names no network: a summary of everything private."""
        return prefix.prefixlen < WIDEST[prefix.version]

    def is_neighbour(self, department: str, vantage: str, prefix: Network) -> bool:
        """Whether a prefix begins as one of the department's own zones does."""
        asked = (department, vantage, prefix)
        found = self._neighbours.get(asked)
        if found is None:
            bits = NEIGHBOUR_BITS[prefix.version]
            head = prefix.supernet(new_prefix=bits) if prefix.prefixlen >= bits else None
            found = self._neighbours[asked] = head is not None and any(
                own.version == prefix.version and own.overlaps(head)
                for zone in self.zones_of(department, vantage)
                for own in zone.prefixes
            )
        return found

    def is_near(self, department: str, vantage: str, address: Address) -> bool:
        return self.is_neighbour(department, vantage, single(address))

    def zones_of(self, department: str, vantage: str) -> tuple[Zone, ...]:
        """A department's own zones as seen from a vantage, in order."""
        found = self._own.get((department, vantage))
        if found is None:
            found = tuple(
                zone
                for _id, zone in sorted(self._world.zones.items())
                if zone.kind == "department"
                and zone.vantage == vantage
                and department in (zone.department_id, *zone.owners.values())
            )
            self._own[department, vantage] = found
        return found

    def lead(self, department: str, vantage: str, ways: Iterable[str]) -> None:
        """Remembers by what a declared network is reached: what else it leads to is that network's."""
        self._ways.setdefault((department, vantage), set()).update(ways)

    def ways_to_declared(self, department: str, vantage: str) -> frozenset[str]:
        return frozenset(self._ways.get((department, vantage), ()))


def is_shared(asset: Asset) -> bool:
    """Whether a declared network serves every department: the government network, and the unified internet exit."""
    return asset.get("kind") == "government" or asset.get("is_unified_exit") is True


def prefixes_of(asset: Asset) -> list[Network]:
    """The prefixes that a register gives; everything there is (0.0.0.0/0) is no prefix of anybody's."""
    return [p for text in texts(asset, "prefixes") if (p := network(text)) is not None and p.prefixlen]


def gateways_of(asset: Asset) -> list[Network]:
    """The gateways that a register gives to a network, each as the prefix of one address."""
    return [
        parsed
        for text in texts(asset, "gateways_observed")
        if (parsed := network(text.split()[0] if text.split() else "")) is not None
    ]


_NOT_PUBLIC = Meets(NOT_PUBLIC)


@lru_cache(maxsize=65536)
def is_public(address: Address) -> bool:
    """Whether an address is a public one of IPv4. Every machine may have one of IPv6: that shows no exit."""
    return address.version == 4 and not _NOT_PUBLIC.touches(single(address))

"""Which prefixes somebody declared, or are nobody's network: held against what machines lead to. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
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


class Prefixed:
    """Assets by their prefixes: asked which of them touch another prefix."""

    __slots__ = ("_assets", "_lengths", "_starts")

    def __init__(self) -> None:
        self._assets: dict[Network, list[Asset]] = {}
        self._lengths: dict[int, set[int]] = {4: set(), 6: set()}
        self._starts: list[tuple[int, int, Network]] | None = None

    def add(self, asset: Asset, prefixes: Iterable[Network]) -> None:
        for prefix in prefixes:
            self._assets.setdefault(prefix, []).append(asset)
            self._lengths[prefix.version].add(prefix.prefixlen)

    def touching(self, prefix: Network) -> Iterator[Asset]:
        """Those that hold a prefix, and those that lie in it; some of them more than once."""
        for length in self._lengths[prefix.version]:
            if length <= prefix.prefixlen:
                yield from self._assets.get(prefix.supernet(new_prefix=length), ())
        if self._starts is None:
            self._starts = sorted(((own.version, span(own)[1], own) for own in self._assets), key=_start)
        version, first, last = span(prefix)
        for index in range(bisect_left(self._starts, (version, first), key=_start), len(self._starts)):
            of, start, own = self._starts[index]
            if of != version or start > last:
                break
            if own.prefixlen > prefix.prefixlen:
                yield from self._assets[own]


def _start(entry: tuple[int, int, Network]) -> tuple[int, int]:
    return entry[:2]


@lru_cache(maxsize=65536)
def single(address: Address) -> Network:
    """An address as the prefix that holds it alone."""
    return ip_network(address)


class Known:
    """The prefixes of zones, clouds and registers. Build it once; questions are remembered."""

    def __init__(self, world: World) -> None:
        by_vantage: dict[str, list[Network]] = {}
        own: dict[tuple[str, str], list[Zone]] = {}
        for _id, zone in sorted(world.zones.items()):
            by_vantage.setdefault(zone.vantage, []).extend(zone.prefixes)
            for department in {zone.department_id, *zone.owners.values()} if zone.kind == "department" else ():
                own.setdefault((department, zone.vantage), []).append(zone)
        self._zones = {vantage: Meets(prefixes) for vantage, prefixes in by_vantage.items()}
        self._own = {place: tuple(zones) for place, zones in own.items()}
        self._homes: dict[tuple[str, str], Meets] = {}
        self._shared = Meets(
            [
                *(p for zone in world.zones.values() if zone.kind != "department" for p in zone.prefixes),
                *(prefix for cloud in world.kinds["cloud"] for prefix in prefixes_of(cloud)),
            ]
        )
        #: Department (empty: of everybody) → the declared networks that its machines may lead to.
        self._networks: dict[str, Prefixed] = {}
        for asset in world.kinds["network"]:
            if asset.get("is_declared") is True:
                of = "" if is_shared(asset) else asset.text("department_id")
                self._networks.setdefault(of, Prefixed()).add(asset, (*prefixes_of(asset), *gateways_of(asset)))
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
            own = self._zones.get(vantage)
            found = self._shared.touches(prefix) or (own is not None and own.touches(prefix))
            self._touched[vantage, prefix] = found
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
            tables = [self._networks[of] for of in {"", department} if of in self._networks]
            assets = {asset.key: asset for table in tables for asset in table.touching(prefix)}
            found = self._led[department, prefix] = tuple(assets[key] for key in sorted(assets))
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
            found = self._neighbours[asked] = head is not None and self._home(department, vantage).touches(head)
        return found

    def _home(self, department: str, vantage: str) -> Meets:
        """The prefixes of a department's own zones."""
        found = self._homes.get((department, vantage))
        if found is None:
            zones = self.zones_of(department, vantage)
            found = self._homes[department, vantage] = Meets(own for zone in zones for own in zone.prefixes)
        return found

    def is_near(self, department: str, vantage: str, address: Address) -> bool:
        return self.is_neighbour(department, vantage, single(address))

    def zones_of(self, department: str, vantage: str) -> tuple[Zone, ...]:
        """A department's own zones as seen from a vantage, in order."""
        return self._own.get((department, vantage), ())

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

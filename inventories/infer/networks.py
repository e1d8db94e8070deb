"""Networks that hosts lead to and that nobody declared. Pure.

What counts stands in section ``networks`` of ``evidence.yaml``. A network here is what lies behind one gateway, one
tunnel or one second interface of one department, as seen from one vantage: the same prefix behind two departments is
two networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from inventories.alike import Groups
from inventories.identity import place_id
from inventories.infer.clouds import PLATFORM_CATEGORIES, platform_of
from inventories.infer.draft import Drafts, Ground
from inventories.infer.evidence import (
    DEDICATED_FROM,
    MOST_ROUTES,
    NETWORK_FROM,
    NETWORK_MOST,
    NETWORK_SIGNS,
    WORKSTATION_SHARE,
)
from inventories.infer.found_networks import FoundNetwork, endpoint, observe_declared
from inventories.infer.known import Known, is_public
from inventories.infer.machines import Machine, is_network_device, is_workstation, machine_of, shown_of
from inventories.infer.readings import Reading, Route, Tunnel, is_inner, is_overlay, is_plain, is_single
from inventories.infer.world import World
from inventories.places import Address, Network, Zone

#: So many prefixes are enough to find a network by.
_MOST_PREFIXES = 64


@dataclass(frozen=True, slots=True)
class Hint:
    """One sign that one machine gives of a prefix.

    ``ways`` are what it is reached by: all that one way leads to is one network.
    """

    sign: str
    machine: Machine
    prefix: Network
    ways: tuple[str, ...]
    gateway: Address | None
    ground: Ground
    share: float


@dataclass(slots=True)
class Seen:
    """What was seen of networks: those that nobody declared, and what leads to those that somebody did."""

    undeclared: list[FoundNetwork] = field(default_factory=list)
    #: Declared network's key → what leads there: (gateway, machine, ground).
    declared: dict[str, list[tuple[Address | None, Machine, Ground]]] = field(default_factory=dict)


def find_networks(world: World, known: Known) -> Seen:
    """Every network that was seen from inside departments' machines, in a fixed order."""
    seen = Seen()
    hints: dict[tuple[str, str], list[Hint]] = {}
    machines = [m for host in world.kinds["host"] if host.key in world.readings and (m := machine_of(world, host))]
    for machine in sorted(machines, key=lambda m: m.order):
        found = _Look(world, known, machine, seen).hints()
        if len({hint.prefix for hint in found}) <= MOST_ROUTES:
            hints.setdefault((machine.department_id, machine.zone.vantage), []).extend(found)
    for (department, vantage), told in sorted(hints.items(), key=lambda item: item[0]):
        led = known.ways_to_declared(department, vantage)
        left = [hint for hint in told if not led.intersection(hint.ways)]
        zones = known.zones_of(department, vantage)
        for group in _grouped(left):
            if (confidence := _confidence(group)) >= NETWORK_FROM:
                seen.undeclared.append(_network(department, zones, group, confidence))
    return seen


def observe_networks(drafts: Drafts, seen: Seen) -> None:
    """What was seen to lead to declared networks, beside what their registers say of them."""
    for key, leads in sorted(seen.declared.items()):
        observe_declared(drafts.edit(drafts.assets[key]), leads)


def _confidence(hints: Iterable[Hint]) -> float:
    """The signs added up, each by the machines that show it."""
    shares: dict[str, dict[str, float]] = {}
    for hint in hints:
        shares.setdefault(hint.sign, {})[hint.machine.host.key] = hint.share
    total = 0.0
    for sign, by_machine in sorted(shares.items()):
        weight = NETWORK_SIGNS[sign]
        total += weight.weight * sum(sorted(by_machine.values(), reverse=True)[: weight.most])
    return round(min(total, NETWORK_MOST), 2)


def _network(department: str, zones: tuple[Zone, ...], hints: tuple[Hint, ...], confidence: float) -> FoundNetwork:
    prefixes = sorted({hint.prefix for hint in hints}, key=_order)
    leaves = any(NETWORK_SIGNS[hint.sign].leaves for hint in hints)
    machines = {hint.machine.host.key: hint.machine for hint in hints}
    zone = min((machine.zone for machine in machines.values()), key=lambda zone: zone.id)
    more = f" 等 {len(prefixes)} 个网段" if len(prefixes) > 1 else ""
    # What lies beyond names it better than the subnet on the way there.
    far = min((hint for hint in hints), key=_hint_order).prefix
    return FoundNetwork(
        department_id=department,
        zone=zone,
        zones=frozenset(machine.zone.id for machine in machines.values()),
        identifiers=tuple(
            place_id(department, own.id, own.location, f"network-{prefix}")
            for own in zones
            for prefix in prefixes[:_MOST_PREFIXES]
        ),
        name=f"{zone.name}所连网络 {far}{more}（推断）",
        kind="dedicated" if leaves and confidence >= DEDICATED_FROM else None,
        prefixes=tuple(str(prefix) for prefix in prefixes),
        endpoints=tuple(sorted({endpoint(machine) for machine in machines.values()})),
        gateways=tuple(sorted({str(hint.gateway) for hint in hints if hint.gateway})),
        confidence=confidence,
        grounds=tuple(dict.fromkeys(hint.ground for hint in hints)),
        collectors=tuple(sorted({name for m in machines.values() for name in m.host.collectors} - {"register"})),
    )


class _Look:
    """One machine's routes, interfaces and tunnels, held against what is declared."""

    def __init__(self, world: World, known: Known, machine: Machine, seen: Seen) -> None:
        self.known, self.machine, self.seen = known, machine, seen
        self.reading: Reading = world.readings[machine.host.key]
        self.department, self.vantage = machine.department_id, machine.zone.vantage
        self.share = WORKSTATION_SHARE if is_workstation(machine.host) else 1.0
        self.is_router = is_network_device(machine.host)
        platforms = [shown.product for shown in shown_of(machine.host)]
        self.has_guests = self.reading.has_guests or any(p.category in PLATFORM_CATEGORIES for p in platforms)
        self.is_node = self.reading.is_container_node or any(
            platform.family == "kubernetes" for p in platforms if (platform := platform_of(p))
        )
        own = {leg.address for leg in self.reading.legs}
        self.tunnels = {
            tunnel.name: replace(tunnel, peers=tuple(peer for peer in tunnel.peers if peer not in own))
            for tunnel in self.reading.tunnels
            if not is_overlay(tunnel)
        }
        self.overlays = {tunnel.name for tunnel in self.reading.tunnels if is_overlay(tunnel)}
        self.found: list[Hint] = []
        self.at_home: dict[Address, bool] = {}

    def hints(self) -> list[Hint]:
        for route in self.reading.routes:
            if route.prefix is not None and self._may_name(route.prefix):
                self._route(route, route.prefix)
        for tunnel in self.tunnels.values():
            for prefix in tunnel.prefixes:
                if self._may_name(prefix):
                    self._over_tunnel(tunnel, prefix, f"隧道 {tunnel.text}")
        for leg in self.reading.legs:
            if not self.is_router and leg.name not in self.tunnels and not self._is_inner(leg.name):
                self._connected(leg.prefix, f"接口 {leg}")
        return self.found

    def _is_inner(self, interface: str) -> bool:
        return is_inner(interface) or interface in self.overlays

    def _may_name(self, prefix: Network) -> bool:
        """Whether a prefix may be that of another network at all."""
        if not is_plain(prefix.network_address) or is_single(prefix):
            return False
        return not (self.has_guests and self.known.is_inner(prefix))

    def _note(self, sign: str, prefix: Network, ways: Iterable[str], gateway: Address | None, words: str) -> None:
        ground = self.reading.ground(f"{self.machine.label} {words}（{NETWORK_SIGNS[sign].title}）")
        self.found.append(Hint(sign, self.machine, prefix, tuple(ways), gateway, ground, self.share))

    def _declared(self, prefix: Network, ways: Sequence[str], gateway: Address | None, words: str) -> bool:
        """Whether a prefix is accounted for; what leads to a declared network is kept as that network's."""
        if not self.known.holds(self.department, self.vantage, prefix):
            return False
        ground = self.reading.ground(f"{self.machine.label} {words}")
        for asset in self.known.networks(self.department, prefix):
            self.known.lead(self.department, self.vantage, ways)
            self.seen.declared.setdefault(asset.key, []).append((gateway, self.machine, ground))
        return True

    def _route(self, route: Route, prefix: Network) -> None:
        gateway, words = route.gateway, f"路由 {route.text}"
        # Where a route names no interface, it goes out of the one in whose subnet its gateway stands.
        interface = route.interface or (self._way_out(gateway) if gateway else "")
        if self._is_inner(interface):
            return
        if tunnel := self.tunnels.get(interface):
            self._over_tunnel(tunnel, prefix, words)
        elif gateway is None:
            # The subnet of an interface is told by the interface itself.
            if not self.is_router and prefix not in {leg.prefix for leg in self.reading.legs}:
                self._connected(prefix, words)
        elif gateway not in self.reading.default_gateways and is_plain(gateway):
            self._over_gateway(prefix, gateway, words)

    def _way_out(self, gateway: Address) -> str:
        return next((leg.name for leg in self.reading.legs if gateway in leg.prefix), "")

    def _over_tunnel(self, tunnel: Tunnel, prefix: Network, words: str) -> None:
        # The subnet of the tunnel itself: those who dial in have addresses in it, and it leads nowhere.
        if any(leg.name == tunnel.name and leg.address in prefix for leg in self.reading.legs):
            return
        ways = [_mark("tunnel", peer) for peer in tunnel.peers] or [f"tunnel {self.machine.host.key} {tunnel.name}"]
        if self._declared(prefix, ways, None, words) or self.known.is_wide(prefix):
            return
        # The other end is one that somebody declared: what it leads to is that network's own affair.
        if any(self.known.holds_address(self.department, self.vantage, peer) for peer in tunnel.peers):
            return
        peer = tunnel.peers[0] if tunnel.peers else None
        self._note("tunnel_route", prefix, ways, peer, f"{words}，隧道 {tunnel.text}")

    def _over_gateway(self, prefix: Network, gateway: Address, words: str) -> None:
        ways = [_mark("gateway", gateway)]
        if self._declared(prefix, ways, gateway, words) or self.known.networks_at(self.department, gateway):
            return
        if self._is_home(gateway):
            # Nodes of a cluster route to each other's containers over their own subnet.
            is_odd = not self.is_node and not self.known.is_wide(prefix)
            if is_odd and not self.known.is_neighbour(self.department, self.vantage, prefix):
                self._note("second_gateway", prefix, ways, gateway, words)
            return
        legs = [leg.prefix for leg in self.reading.legs if gateway in leg.prefix and self._may_name(leg.prefix)]
        if not legs and not self.is_router:
            return
        # A summary of everything private names no network: the subnet on the way there does.
        named = [prefix] if not self.known.is_wide(prefix) else legs[:1]
        for one in named:
            ways += [_mark("leg", leg) for leg in legs]
            self._note("router_route" if self.is_router else "foreign_gateway", one, ways, gateway, words)

    def _is_home(self, gateway: Address) -> bool:
        """Whether a gateway stands in the machine's surroundings: a zone, a neighbour of one, or its home subnet."""
        found = self.at_home.get(gateway)
        if found is None:
            found = self.at_home[gateway] = (
                self.known.in_zone(self.vantage, gateway)
                or self.known.is_near(self.department, self.vantage, gateway)
                or any(
                    gateway in leg.prefix and any(default in leg.prefix for default in self.reading.default_gateways)
                    for leg in self.reading.legs
                )
            )
        return found

    def _connected(self, prefix: Network, words: str) -> None:
        """A second interface that stands in a prefix: by itself it leads nowhere."""
        if not self._may_name(prefix) or self.known.is_wide(prefix):
            return
        # A public address is a matter of internet exits.
        if is_public(prefix.network_address):
            return
        ways = [_mark("leg", prefix)]
        if self._declared(prefix, ways, None, words):
            return
        is_home = any(default in prefix for default in self.reading.default_gateways)
        if not is_home and not self.known.is_neighbour(self.department, self.vantage, prefix):
            self._note("connected", prefix, ways, None, words)


def _grouped(hints: Sequence[Hint]) -> list[tuple[Hint, ...]]:
    """Hints of one network: they share a prefix or a way. Each group, and the groups, in a fixed order."""
    alike = Groups[str]()
    for hint in hints:
        for mark in hint.ways:
            alike.join(_mark("prefix", hint.prefix), mark)
    prefixes = sorted({hint.prefix for hint in hints}, key=_order)
    for outer, inner in _nested(prefixes):
        alike.join(_mark("prefix", outer), _mark("prefix", inner))
    groups: dict[str, list[Hint]] = {}
    for hint in hints:
        groups.setdefault(alike.of(_mark("prefix", hint.prefix)), []).append(hint)
    ordered = [tuple(sorted(group, key=_hint_order)) for group in groups.values()]
    return sorted(ordered, key=lambda group: min(_order(hint.prefix) for hint in group))


def _nested(prefixes: Sequence[Network]) -> Iterator[tuple[Network, Network]]:
    """Each prefix that lies in another, with the one before it that holds it. ``prefixes`` are in order."""
    outer: Network | None = None
    for prefix in prefixes:
        if outer is not None and outer.version == prefix.version and outer.overlaps(prefix):
            yield outer, prefix
        else:
            outer = prefix


def _hint_order(hint: Hint) -> tuple[object, ...]:
    weight = NETWORK_SIGNS[hint.sign]
    return -weight.weight, hint.sign, hint.machine.order, _order(hint.prefix), hint.ground.evidence


@lru_cache(maxsize=65536)
def _mark(what: str, where: Network | Address) -> str:
    """A way, or a prefix, as a text. A city's machines name the same few over and over."""
    return f"{what} {where}"


@lru_cache(maxsize=65536)
def _order(prefix: Network) -> tuple[int, int, int]:
    return prefix.version, int(prefix.network_address), prefix.prefixlen

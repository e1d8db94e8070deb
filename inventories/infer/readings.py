"""What was read inside a host: its interfaces, routes, tunnels and ways to the internet, as parts. Pure.

The texts are those of the host's columns, as the probes write them; a text that cannot be read is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface
from typing import TypeAlias

from inventories.facts import COLUMNS, counts
from inventories.infer.draft import Ground
from inventories.infer.evidence import (
    CONTAINER_INTERFACES,
    GUEST_INTERFACES,
    INNER_INTERFACES,
    OVERLAY_TUNNELS,
    UPKEEP_PROCESSES,
)
from inventories.model import Asset, SourcedFact, Strength, Value
from inventories.places import Address, Network
from inventories.prefixes import network

_Interface: TypeAlias = IPv4Interface | IPv6Interface

_ROUTE = re.compile(r"^(\S+)(?: via (\S+))?(?: dev (.+?))?$")
_LISTENER = re.compile(r"^(?:(\[[0-9a-fA-F:.%]+\]|[0-9.]+):)?(\d{1,5})/(tcp|udp)(?: +(.+))?$")
#: Kinds of tunnels by their names, to tell a name of several words from what follows it.
_KINDS = re.compile(
    r"^(.+?) (wireguard|ipsec|ike(?:v2)?|gre|gretap|ip6gre|ipip|ip6tnl|sit|ppp\w*|pptp|l2tp|sstp|openvpn|tun|tap"
    r"|vti6?|xfrm|vxlan|geneve|ipvlan|macvlan|tunnel|mpls|vpn)(?: (.*))?$",
    re.IGNORECASE,
)
_DEFAULTS = frozenset({"0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "default"})


@dataclass(frozen=True, slots=True)
class Leg:
    """An address of an interface, and the prefix that it stands in."""

    name: str
    address: Address
    prefix: Network

    def __str__(self) -> str:
        return f"{self.name} {self.address}/{self.prefix.prefixlen}"


@dataclass(frozen=True, slots=True)
class Route:
    """A route. ``prefix`` is None for the default, ``gateway`` where it leads straight out of ``interface``."""

    prefix: Network | None
    gateway: Address | None
    interface: str
    text: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A tunnel: the other ends and the prefixes that its text tells."""

    name: str
    kind: str
    peers: tuple[Address, ...]
    prefixes: tuple[Network, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read inside one host. ``collectors`` are the probes that read it, ``observed_at`` the oldest look."""

    legs: tuple[Leg, ...]
    routes: tuple[Route, ...]
    tunnels: tuple[Tunnel, ...]
    uplinks: tuple[tuple[str, str], ...]
    default_gateways: tuple[Address, ...]
    neighbours: int
    source: str
    observed_at: datetime

    @property
    def interfaces(self) -> frozenset[str]:
        return frozenset(leg.name for leg in self.legs) | frozenset(route.interface for route in self.routes)

    @property
    def is_container_node(self) -> bool:
        return any(CONTAINER_INTERFACES.match(name) for name in self.interfaces)

    @property
    def has_guests(self) -> bool:
        """Whether the machine has networks inside: containers or virtual machines."""
        return any(GUEST_INTERFACES.match(name) for name in self.interfaces)

    def ground(self, words: str) -> Ground:
        return Ground(Strength.SEEN_INSIDE, self.source, self.observed_at, words)


_READ = ("interfaces", "routes", "tunnels", "uplinks", "default_gateway", "neighbours")


def reading_of(host: Asset) -> Reading | None:
    """What was read inside a host; None where nobody has been there."""
    if not any(host.get(column) for column in _READ):
        return None
    facts = [
        fact
        for fact in host.facts
        if fact.column in _READ
        and fact.strength is Strength.SEEN_INSIDE
        and counts(COLUMNS["host"][fact.column], fact)
    ]
    if not facts:
        return None
    routes = tuple(route for text in _shown(host, facts, "routes") if (route := _route(text)))
    told = [parsed for text in _shown(host, facts, "default_gateway") if (parsed := _address(text))]
    return Reading(
        legs=tuple(leg for text in _shown(host, facts, "interfaces") if (leg := _leg(text))),
        routes=routes,
        tunnels=tuple(tunnel for text in _shown(host, facts, "tunnels") if (tunnel := _tunnel(text))),
        uplinks=tuple(uplink for text in _shown(host, facts, "uplinks") if (uplink := _uplink(text))),
        default_gateways=_distinct((*told, *(r.gateway for r in routes if r.prefix is None and r.gateway))),
        neighbours=len(_shown(host, facts, "neighbours")),
        source=" + ".join(sorted({fact.source for fact in facts})),
        observed_at=min(fact.observed_at for fact in facts),
    )


def _shown(host: Asset, facts: Iterable[SourcedFact], column: str) -> tuple[str, ...]:
    """What a column shows, as far as it was read on the host itself: an outdated or a guessed text is left out."""
    live = host.get(column)
    read = {item for fact in facts if fact.column == column for item in _items(fact.value)}
    return tuple(item for item in _items(live) if item in read)


def _items(value: Value) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) and value else ()


def _distinct(addresses: Iterable[Address]) -> tuple[Address, ...]:
    return tuple(sorted(set(addresses), key=lambda address: (address.version, int(address))))


def _address(text: str) -> Address | None:
    try:
        parsed = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed


def _with_length(text: str) -> _Interface | None:
    if "/" not in text:
        return None
    try:
        return ip_interface(text)
    except ValueError:
        return None


# A city's machines say the same few things over and over: each is read once.


@lru_cache(maxsize=8192)
def _leg(text: str) -> Leg | None:
    """``NAME ADDRESS/LENGTH [MAC]``; the name may be of several words."""
    words = text.split()
    for i, word in enumerate(words[1:], 1):
        if found := _with_length(word):
            return Leg(" ".join(words[:i]), found.ip, found.network)
    return None


@lru_cache(maxsize=8192)
def _route(text: str) -> Route | None:
    """``PREFIX [via GATEWAY] [dev INTERFACE]``."""
    found = _ROUTE.match(text.strip())
    if not found:
        return None
    gateway = _address(found[2]) if found[2] else None
    if found[2] and gateway is None:
        return None
    if found[1] in _DEFAULTS:
        return Route(None, gateway, found[3] or "", text)
    prefix = network(found[1])
    return Route(prefix, gateway, found[3] or "", text) if prefix is not None else None


@lru_cache(maxsize=1024)
def _tunnel(text: str) -> Tunnel | None:
    """``NAME KIND [ADDRESS or peer]``; a prefix without host bits is one that it leads to."""
    found = _KINDS.match(text.strip())
    if found:
        name, kind, rest = found[1], found[2].casefold(), found[3] or ""
    else:
        name, _, rest = text.strip().partition(" ")
        kind, _, rest = rest.partition(" ")
    if not name:
        return None
    peers, prefixes = [], []
    for word in re.split(r"[\s,;()=→]+", rest):
        if peer := _address(word):
            peers.append(peer)
        elif (own := _with_length(word)) and own.ip == own.network.network_address and not is_single(own.network):
            prefixes.append(own.network)
    return Tunnel(name, kind.casefold(), tuple(peers), tuple(prefixes), text)


@lru_cache(maxsize=1024)
def _uplink(text: str) -> tuple[str, str] | None:
    name, _, kind = text.strip().rpartition(" ")
    return (name, kind.casefold()) if name else None


def is_single(prefix: Network) -> bool:
    """Whether a prefix is one address, or the two ends of a line."""
    return prefix.prefixlen >= prefix.max_prefixlen - 1


@lru_cache(maxsize=4096)
def is_inner(interface: str) -> bool:
    """Whether an interface leads nowhere, or to networks inside the machine: loopback, containers, guests."""
    return bool(INNER_INTERFACES.match(interface) or GUEST_INTERFACES.match(interface))


def is_overlay(tunnel: Tunnel) -> bool:
    return tunnel.kind in OVERLAY_TUNNELS or is_inner(tunnel.name)


@lru_cache(maxsize=65536)
def is_plain(address: Address) -> bool:
    """Whether an address may be a machine's on a network: not loopback, link-local, multicast or nobody's."""
    return not (
        address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
    ) and not (isinstance(address, IPv4Address) and int(address) == 2**32 - 1)


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """A port that a process listens on. ``is_local``: reachable from the machine alone."""

    port: int
    protocol: str
    process: str
    is_local: bool

    @property
    def serves(self) -> bool:
        """Whether something that serves others is shown to listen, and not just the machine's upkeep."""
        if self.is_local or self.protocol != "tcp" or not self.process:
            return False
        return self.process.split()[0].casefold().rstrip(":").removesuffix(".exe") not in UPKEEP_PROCESSES


@lru_cache(maxsize=8192)
def listener(text: str) -> Listener | None:
    """``[LOCAL ADDRESS:]PORT/PROTOCOL PROCESS``; None for text that is none."""
    found = _LISTENER.match(text.strip())
    if not found:
        return None
    return Listener(int(found[2]), found[3], (found[4] or "").strip(), bool(found[1]))

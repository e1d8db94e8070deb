"""A permit's targets in pieces of a few hundred addresses, computed without listing any address."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator, Sequence

from inventories.places import Network
from probes.base import Shard
from probes.scope import Permit, subtract

#: What one nmap command is given: small enough to do again, large enough to fill its own parallelism.
SHARD_ADDRESSES = 256

#: A site's limits keep targets far below this (2²⁴ addresses); beyond it a plan would not fit in memory.
MAX_SHARDS = 65_536


def shards_of(permit: Permit, probe: str, settings: str) -> tuple[Shard, ...]:
    """The permit's targets as shards of at most :data:`SHARD_ADDRESSES` addresses, in order.

    Small networks are put together; a shard never mixes IPv4 with IPv6, nor loopback with anything else. The id
    depends on the zone, its vantage, the targets and ``settings`` (whatever decides what is asked there), so
    that a resumed audit knows a finished shard again. ValueError for more than :data:`MAX_SHARDS` shards.
    """
    if permit.addresses > MAX_SHARDS * SHARD_ADDRESSES:
        raise ValueError(f"{permit.addresses} addresses are too many to sweep: authorise smaller prefixes")
    groups: list[list[Network]] = []
    room = 0
    for piece in _pieces(permit.targets):
        if groups and piece.num_addresses <= room and _alike(groups[-1][0], piece):
            groups[-1].append(piece)
            room -= piece.num_addresses
        else:
            groups.append([piece])
            room = SHARD_ADDRESSES - piece.num_addresses
    base = f"{permit.zone.id}\0{permit.zone.vantage}\0{settings}"
    return tuple(
        Shard(_name(probe, permit.zone.id, base, group), probe, permit.zone.id, tuple(group)) for group in groups
    )


def _pieces(targets: Sequence[Network]) -> Iterator[Network]:
    for target in targets:
        if target.num_addresses <= SHARD_ADDRESSES:
            yield target
            continue
        yield from target.subnets(new_prefix=target.max_prefixlen - (SHARD_ADDRESSES.bit_length() - 1))


def _alike(one: Network, other: Network) -> bool:
    return one.version == other.version and one.is_loopback == other.is_loopback


def _name(probe: str, zone: str, base: str, targets: Sequence[Network]) -> str:
    text = "\0".join([base, *map(str, targets)])
    return f"{probe}-{zone}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def addresses(targets: Sequence[Network]) -> Iterator[str]:
    """Every address of a shard, network and broadcast addresses too: a prefix need not be a subnet's own."""
    for network in targets:
        yield from map(str, network)


def networks(found: Sequence[str]) -> tuple[str, ...]:
    """Addresses as the fewest prefixes, in order."""
    return tuple(str(network) for network in subtract([ipaddress.ip_network(text) for text in found], ()))

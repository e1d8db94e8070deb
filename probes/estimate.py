"""How long probing a zone may take, before a packet is sent."""

from __future__ import annotations

from probes.scope import Permit

#: Packets that discovery sends to a silent address: an echo request and a handful of TCP ports, each tried
#: once more.
_DISCOVERY_PACKETS = 20
_SHARD_ADDRESSES = 256
#: Starting nmap's commands for one shard, measured at about a third of a second each.
_SHARD_SECONDS = 1.0


def seconds(permit: Permit) -> tuple[int, int]:
    """The least and the most whole seconds: where nothing lives, and where every address answers.

    Version detection waits for what it asks, so the upper figure is a figure of packets, not a promise.
    """
    profile = permit.profile
    shards = -(-permit.addresses // _SHARD_ADDRESSES)
    starting = shards * _SHARD_SECONDS / profile.parallel
    discovery = permit.addresses * _DISCOVERY_PACKETS / profile.max_rate
    ports = permit.addresses * len(profile.ports) * (1 + profile.retries) / profile.max_rate
    least = starting + discovery
    return max(1, round(least)), max(1, round(least + ports))

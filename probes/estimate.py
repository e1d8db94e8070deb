"""How long probing a zone may take, before a packet is sent."""

from __future__ import annotations

from probes.nmap_command import PROBE_PORTS
from probes.scope import Permit
from probes.shards import SHARD_ADDRESSES

#: nmap asks a silent address twice, each time by an echo request and at every probe port (as measured).
_DISCOVERY_PACKETS = 2 * (1 + len(PROBE_PORTS))
#: Starting nmap's commands for one shard, measured at about a third of a second each.
_SHARD_SECONDS = 1.0


def seconds(permit: Permit) -> tuple[int, int]:
    """The least and the most whole seconds: where nothing lives, and where every address answers.

    Version detection waits for what it asks, so the upper figure is a figure of packets, not a promise.
    """
    profile = permit.profile
    # What is paced is sent at half its greatest rate, so that no burst ever exceeds that.
    rate = max(1, profile.max_rate // 2 if profile.paced else profile.max_rate)
    remote = sum(target.num_addresses for target in permit.targets if not target.is_loopback)
    starting = -(-permit.addresses // SHARD_ADDRESSES) * _SHARD_SECONDS / profile.parallel
    least = starting + remote * _DISCOVERY_PACKETS / rate
    ports = permit.addresses * len(profile.ports) * (1 + profile.retries) / rate
    return max(1, round(least)), max(1, round(least + ports))

"""What every observation of one endpoint has in common, and which addresses tell machines apart. No SDK."""

from __future__ import annotations

import functools
import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from inventories.identity import ip_id, mac_id
from inventories.model import Fact, Identifier, Observation, Strength, Value
from inventories.places import Address, Zone
from probes.access import Belongs

COLLECTOR = "vsphere"

_EVERYBODY = ipaddress.IPv4Address("255.255.255.255")

#: Identifiers of which a thing has its own: what two machines of one inventory both claim belongs to neither.
_OWN = frozenset({"uuid", "mac", "ip"})


@dataclass(frozen=True, slots=True)
class Frame:
    """``source`` is what a person is told (``vsphere https://192.0.2.10``); ``cloud`` stands before every instance.

    ``today`` is the site's time zone's clock, aware: days are the site's days.
    """

    zone: Zone
    source: str
    cloud: str
    belongs: Sequence[Belongs]
    at: datetime
    today: datetime

    def observation(
        self, kind: str, identifiers: Iterable[Identifier | None], facts: Iterable[Fact], department: str = ""
    ) -> Observation:
        return Observation(
            kind=kind,
            collector=COLLECTOR,
            source=self.source,
            observed_at=self.at,
            identifiers=tuple(dict.fromkeys(i for i in identifiers if i is not None)),
            facts=tuple(facts),
            zone=self.zone.id,
            department_id=department,
        )

    def address_id(self, address: Address) -> Identifier | None:
        """The identifier of an address, if it lies in the zone: elsewhere it may mean any other machine."""
        here = any(address.version == prefix.version and address in prefix for prefix in self.zone.prefixes)
        return ip_id(str(address), self.zone.vantage) if here else None

    def mac_ids(self, macs: Iterable[str]) -> list[Identifier]:
        return [found for mac in macs if (found := mac_id(mac, self.zone.vantage)) is not None]


def own_address(text: object) -> Address | None:
    """An address that is one machine's own on its network: none that every machine has, or makes up for itself."""
    if not isinstance(text, str):
        return None
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            return None
        found = found.ipv4_mapped or found
    if found.is_link_local or found.is_multicast or found.is_unspecified or found == _EVERYBODY:
        return None
    return found


def seen(column: str, value: Value, evidence: str = "", strength: Strength = Strength.SEEN_INSIDE) -> list[Fact]:
    """One fact, or none where there is nothing to say."""
    return [Fact(column, value, strength, evidence)] if value not in (None, "", ()) else []


@functools.lru_cache(maxsize=4096, typed=True)
def common(
    column: str, value: Value, evidence: str = "", strength: Strength = Strength.SEEN_INSIDE
) -> tuple[Fact, ...]:
    """As :func:`seen`, for what is said of many: they share one fact, which takes less time and less memory."""
    return tuple(seen(column, value, evidence, strength))


def without_shared(observations: Sequence[Observation]) -> list[Observation]:
    """The same, without identifiers that two of them claim.

    A copied machine has its original's hardware UUID, a cluster's members share an address, a container host's bridge
    has the same address everywhere: none of these says which machine is meant.
    """
    claims = Counter(i for o in observations for i in o.identifiers if i.scheme in _OWN)
    shared = {identifier for identifier, times in claims.items() if times > 1}
    if not shared:
        return list(observations)
    return [
        o
        if shared.isdisjoint(o.identifiers)
        else replace(o, identifiers=tuple(i for i in o.identifiers if i not in shared))
        for o in observations
    ]

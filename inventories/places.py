"""Zones, vantages and owners: what an address means, and whose it is.

An address means one thing only as seen from one *vantage*. A *zone* names its vantage and prefixes; the same
private prefix behind two vantages is two networks. Ownership maps a prefix inside a zone to a department,
the longest prefix winning.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

#: What a zone is to the audit: a department's own network, or a government cloud's.
ZONE_KINDS = ("department", "government_cloud", "industry_cloud", "public")


@dataclass(frozen=True, slots=True)
class Zone:
    """Prefixes as seen from one vantage point.

    ``owners`` maps prefixes to department ids; ``department_id`` owns whatever no entry claims. ``cloud_code``
    is the register code of the cloud that a cloud zone belongs to. ``location`` names the place (a building)
    for conclusions about machine rooms.
    """

    id: str
    name: str
    vantage: str
    kind: str
    prefixes: tuple[Network, ...]
    department_id: str = ""
    owners: Mapping[Network, str] = field(default_factory=dict)
    cloud_code: str = ""
    location: str = ""


class Places:
    """Looks addresses up in a site's zones. Pure and immutable once built."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        self.zones: Mapping[str, Zone] = {zone.id: zone for zone in zones}

    @cached_property
    def _by_vantage(self) -> dict[str, list[tuple[Network, Zone]]]:
        out: dict[str, list[tuple[Network, Zone]]] = {}
        for zone in self.zones.values():
            for prefix in zone.prefixes:
                out.setdefault(zone.vantage, []).append((prefix, zone))
        for entries in out.values():
            entries.sort(key=lambda entry: -entry[0].prefixlen)
        return out

    def zone_at(self, vantage: str, address: str) -> Zone | None:
        """The zone that an address lies in, as seen from ``vantage``."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return None
        for prefix, zone in self._by_vantage.get(vantage, ()):
            if parsed.version == prefix.version and parsed in prefix:
                return zone
        return None

    def owner(self, vantage: str, address: str) -> str:
        """The department that owns an address, or the empty string."""
        zone = self.zone_at(vantage, address)
        if zone is None:
            return ""
        parsed = ipaddress.ip_address(address)
        best: tuple[int, str] = (-1, zone.department_id)
        for prefix, department in zone.owners.items():
            if parsed.version == prefix.version and parsed in prefix:
                best = max(best, (prefix.prefixlen, department))
        return best[1]

    def candidates(self, address: str, department_id: str = "") -> tuple[Zone, ...]:
        """The zones in which an address that a register names may lie.

        With a department, its own zones and the cloud zones; where both contain the address, or several
        vantages do, all are returned: the caller decides that it cannot tell.
        """
        found = []
        for vantage in sorted(self._by_vantage):
            zone = self.zone_at(vantage, address)
            if zone is None:
                continue
            if department_id and zone.kind == "department" and self.owner(vantage, address) != department_id:
                continue
            found.append(zone)
        return tuple(found)

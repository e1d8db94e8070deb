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
from typing import Generic, TypeAlias, TypeVar

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

T = TypeVar("T")

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
    def _by_vantage(self) -> dict[str, _Longest[Zone]]:
        entries: dict[str, list[tuple[Network, Zone]]] = {}
        for zone in self.zones.values():
            for prefix in zone.prefixes:
                entries.setdefault(zone.vantage, []).append((prefix, zone))
        return {vantage: _Longest(found) for vantage, found in sorted(entries.items())}

    @cached_property
    def _owners(self) -> dict[str, _Longest[str]]:
        return {zone.id: _Longest(zone.owners.items()) for zone in self.zones.values() if zone.owners}

    @cached_property
    def _vantages(self) -> dict[str, list[str]]:
        """Department → the vantages from which it has a network; those of shared zones stand under the empty text."""
        out: dict[str, set[str]] = {}
        for zone in self.zones.values():
            is_own = zone.kind == "department"
            for department in {zone.department_id, *zone.owners.values()} if is_own else {""}:
                out.setdefault(department, set()).add(zone.vantage)
        return {department: sorted(found) for department, found in out.items()}

    def zone_at(self, vantage: str, address: str) -> Zone | None:
        """The zone that an address lies in, as seen from ``vantage``."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return None
        found = self._by_vantage.get(vantage)
        return found.of(parsed) if found is not None else None

    def owner(self, vantage: str, address: str) -> str:
        """The department that owns an address, or the empty string."""
        zone = self.zone_at(vantage, address)
        if zone is None:
            return ""
        named = self._owners[zone.id].of(ipaddress.ip_address(address)) if zone.owners else None
        return zone.department_id if named is None else named

    def candidates(self, address: str, department_id: str = "") -> tuple[Zone, ...]:
        """The zones in which an address that a register names may lie.

        With a department, its own zones and the cloud zones; where both contain the address, or several
        vantages do, all are returned: the caller decides that it cannot tell.
        """
        found = []
        # Everybody may have the same addresses behind a vantage of their own: those of others are not asked.
        own = {*self._vantages.get(department_id, ()), *self._vantages.get("", ())}
        for vantage in sorted(own) if department_id else self._by_vantage:
            zone = self.zone_at(vantage, address)
            if zone is None:
                continue
            if department_id and zone.kind == "department" and self.owner(vantage, address) != department_id:
                continue
            found.append(zone)
        return tuple(found)


class _Longest(Generic[T]):
    """What the longest of the prefixes that hold an address stands for; of equal ones the first."""

    def __init__(self, entries: Iterable[tuple[Network, T]]) -> None:
        tables: dict[tuple[int, int], dict[int, T]] = {}
        for prefix, value in entries:
            left = prefix.max_prefixlen - prefix.prefixlen
            table = tables.setdefault((left, prefix.version), {})
            table.setdefault(int(prefix.network_address) >> left, value)
        self._tables = sorted(tables.items(), key=lambda item: item[0])

    def of(self, address: Address) -> T | None:
        number = int(address)
        for (left, version), table in self._tables:
            if version == address.version and (found := table.get(number >> left)) is not None:
                return found
        return None

"""What was really looked at: the only thing that lets an absence mean something.

A FALSE, a 0 or a "gone" is a fact only where every scope that could have shown the opposite was covered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from inventories.identity import service_parts
from inventories.kinds import KINDS
from inventories.model import Coverage, Identifier
from inventories.places import Places, Zone
from inventories.prefixes import Ranges, network

#: Aspects that probes answer for prefixes; ``register`` is answered for departments.
NETWORK_ASPECTS = ("hosts", "ports", "services")


class Covered:
    """An index of coverage records. Build it once, and ask often."""

    def __init__(self, coverage: Iterable[Coverage]) -> None:
        prefixes: dict[tuple[str, str, str], list[str]] = {}
        registers: dict[str, set[str]] = {}
        for record in coverage:
            if record.aspect == "register":
                registers.setdefault(record.detail, set()).update(record.scope)
            elif record.vantage:
                prefixes.setdefault((record.vantage, record.aspect, record.detail), []).extend(record.scope)
        self._registers = {name: frozenset(departments) for name, departments in registers.items()}
        self._scopes = {
            key: [parsed for text in texts if (parsed := network(text)) is not None]
            for key, texts in prefixes.items()
        }
        self._ranges: dict[tuple[str, str, int], Ranges] = {}

    def _range(self, vantage: str, aspect: str, port: int = 0) -> Ranges:
        """Everything covered from a vantage in one aspect; with a port, only where that port was asked for."""
        found = self._ranges.get((vantage, aspect, port))
        if found is None:
            found = Ranges(
                prefix
                for (seen_from, what, detail), scope in self._scopes.items()
                if seen_from == vantage and what == aspect and (not port or _asks_for(detail, port))
                for prefix in scope
            )
            self._ranges[vantage, aspect, port] = found
        return found

    def address(self, vantage: str, address: str, aspect: str = "hosts") -> bool:
        return self._range(vantage, aspect).holds_address(address)

    def port(self, vantage: str, address: str, port: int) -> bool:
        """Whether it is known if this port of this address is open."""
        return self._range(vantage, "ports", port).holds_address(address)

    def zone(self, zone: Zone, aspect: str = "hosts") -> bool:
        """Whether every address of a zone was looked at to the end. A zone with no prefixes is never covered."""
        return bool(zone.prefixes) and all(
            self._range(zone.vantage, aspect).holds_prefix(prefix) for prefix in zone.prefixes
        )

    def register(self, register: str, department_id: str) -> bool:
        return department_id in self._registers.get(register, frozenset())


Looked: TypeAlias = Covered | Iterable[Coverage]


def covered(coverage: Looked) -> Covered:
    """The index itself, or one built from records."""
    return coverage if isinstance(coverage, Covered) else Covered(coverage)


def is_covered(identifiers: Iterable[Identifier], coverage: Looked, aspect: str = "hosts") -> bool:
    """Whether every address among ``identifiers`` was looked at; False where there is no address to look at."""
    index = covered(coverage)
    spots = [i for i in identifiers if i.scheme == "ip"]
    return bool(spots) and all(index.address(i.vantage, i.value, aspect) for i in spots)


def covers_zone(zone: Zone, coverage: Looked, aspect: str = "hosts") -> bool:
    return covered(coverage).zone(zone, aspect)


def asset_absence(
    kind: str, identifiers: Iterable[Identifier], coverage: Looked, *, places: Places, department_id: str = ""
) -> bool:
    """Whether an asset that no source names any more is shown to be absent.

    ``identifiers`` are those by which earlier audits knew it (:func:`inventories.keymap.identifiers_of`). Every
    one that says where to look must have been looked at: an address or a service in its network, a place in its
    zone, a register's code or name in the department's register. Where none of them says where to look, the
    absence means nothing, and the answer is False.
    """
    index = covered(coverage)
    asked = []
    for identifier in identifiers:
        scheme = identifier.scheme
        if scheme == "ip":
            asked.append(index.address(identifier.vantage, identifier.value))
        elif scheme == "service":
            address, port, _protocol = service_parts(identifier)
            asked.append(index.port(identifier.vantage, address, port))
        elif scheme == "place":
            department, zone_id, *_rest = identifier.value.split("/")
            zone = places.zones.get(zone_id)
            asked.append(zone is not None and index.zone(zone, "services"))
            department_id = department_id or department
        elif scheme == f"{kind}-name":
            asked.append(index.register(KINDS[kind].register, identifier.value.partition("/")[0]))
        elif scheme in (f"{kind}-code", "department"):
            asked.append(index.register(KINDS[kind].register, department_id))
    return bool(asked) and all(asked)


_PORTS = re.compile(r"(\d+)(?:-(\d+))?")


def _asks_for(detail: str, port: int) -> bool:
    """Whether a port list such as ``22,80,8000-8100`` holds a port; an empty list promises nothing."""
    return any(int(low) <= port <= int(high or low) for low, high in _PORTS.findall(detail))

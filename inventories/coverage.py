"""What was really looked at: the only thing that lets an absence mean something.

A FALSE, a 0 or a "gone" is a fact only where every scope that could have shown the opposite was covered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from inventories.identity import instance_parts, plain_code, service_parts
from inventories.kinds import KINDS
from inventories.model import Coverage, Identifier
from inventories.places import Network, Places, Zone
from inventories.prefixes import Ranges, network

#: Aspects that probes answer for prefixes. ``register`` is answered for departments, ``resources`` for the projects
#: of a cloud, ``names`` for host names: what their scopes hold is no prefix, and is never read as one.
NETWORK_ASPECTS = frozenset({"hosts", "ports", "services", "inside", "snmp", "endpoints"})
#: Alone in the scope of ``resources``: everything that the cloud holds. Beside others it is a project's odd name.
EVERYTHING = "*"


class Covered:
    """An index of coverage records. Build it once, and ask often."""

    def __init__(self, coverage: Iterable[Coverage]) -> None:
        prefixes: dict[tuple[str, str], dict[str, list[str]]] = {}
        registers: dict[str, set[str]] = {}
        clouds: dict[str, set[str]] = {}
        whole: set[str] = set()
        names: set[str] = set()
        for record in coverage:
            if record.aspect == "register":
                registers.setdefault(record.detail, set()).update(record.scope)
            elif record.aspect == "resources":
                clouds.setdefault(plain_code(record.detail), set()).update(record.scope)
                if tuple(record.scope) == (EVERYTHING,):
                    whole.add(plain_code(record.detail))
            elif record.aspect == "names":
                names.update(_host_name(name) for name in record.scope)
            elif record.aspect in NETWORK_ASPECTS and record.vantage:
                details = prefixes.setdefault((record.vantage, record.aspect), {})
                details.setdefault(record.detail, []).extend(record.scope)
        self._registers = {name: frozenset(departments) for name, departments in registers.items()}
        self._projects = {code: frozenset(projects) for code, projects in clouds.items()}
        self._clouds = frozenset(whole - {""})
        self._names = frozenset(names - {""})
        #: (vantage, aspect) → detail → what was covered with it.
        self._scopes = prefixes
        self._ranges: dict[tuple[str, str], Ranges] = {}
        self._by_detail: dict[tuple[str, str], Ranges] = {}
        self._by_port: dict[tuple[str, int], list[Ranges]] = {}

    def _range(self, vantage: str, aspect: str) -> Ranges:
        """Everything covered from a vantage in one aspect."""
        found = self._ranges.get((vantage, aspect))
        if found is None:
            scopes = self._scopes.get((vantage, aspect), {}).values()
            found = self._ranges[vantage, aspect] = Ranges(_networks(text for scope in scopes for text in scope))
        return found

    def _asked(self, vantage: str, port: int) -> list[Ranges]:
        """Where one port was asked for from a vantage: by each list of ports that has it."""
        found = self._by_port.get((vantage, port))
        if found is None:
            found = self._by_port[vantage, port] = []
            for detail, scope in self._scopes.get((vantage, "ports"), {}).items():
                if _asks_for(detail, port):
                    if (vantage, detail) not in self._by_detail:
                        self._by_detail[vantage, detail] = Ranges(_networks(scope))
                    found.append(self._by_detail[vantage, detail])
        return found

    def address(self, vantage: str, address: str, aspect: str = "hosts") -> bool:
        return self._range(vantage, aspect).holds_address(address)

    def port(self, vantage: str, address: str, port: int) -> bool:
        """Whether it is known if this port of this address is open."""
        return any(ranges.holds_address(address) for ranges in self._asked(vantage, port))

    def zone(self, zone: Zone, aspect: str = "hosts") -> bool:
        """Whether every address of a zone was looked at to the end. A zone with no prefixes is never covered."""
        return bool(zone.prefixes) and all(
            self._range(zone.vantage, aspect).holds_prefix(prefix) for prefix in zone.prefixes
        )

    def inside(self, vantage: str, address: str) -> bool:
        """Whether somebody read, on the machine itself, what is behind this address."""
        return self._range(vantage, "inside").holds_address(address)

    def register(self, register: str, department_id: str) -> bool:
        return department_id in self._registers.get(register, frozenset())

    def cloud(self, code: str) -> bool:
        """Whether everything of a cloud was listed to the end: all its projects, in all its regions."""
        return plain_code(code) in self._clouds

    def project(self, code: str, name: str) -> bool:
        """Whether one project of a cloud was listed to the end, by itself or with the whole cloud."""
        if not code or not name:
            return False
        return self.cloud(code) or name in self._projects.get(plain_code(code), frozenset())

    def name(self, host: str) -> bool:
        """Whether a host name was looked up and asked to the end."""
        return _host_name(host) in self._names


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
    kind: str,
    identifiers: Iterable[Identifier],
    coverage: Looked,
    *,
    places: Places,
    department_id: str = "",
    read_again: bool = False,
) -> bool:
    """Whether an asset that no source names any more is shown to be absent.

    ``identifiers`` are those by which earlier audits knew it (:func:`inventories.keymap.identifiers_of`). Every
    one that says where to look must have been looked at: an address or a service in its network, a place in its
    zone, an instance in its whole cloud, a register's code or name in the department's register. Where none of
    them says where to look, the absence means nothing, and the answer is False.

    What leads to a network is read inside machines, where no scan looks: every address of its zone must have been
    read, unless the caller knows (``read_again``, from :class:`inventories.again.Again`) that those that led there
    were.
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
        elif scheme == "instance":
            # Which of the cloud's projects it was in is not known here, and it may have moved between them.
            asked.append(index.cloud(instance_parts(identifier)[0]))
        elif scheme == "place":
            department, zone_id, *_rest = identifier.value.split("/")
            zone = places.zones.get(zone_id)
            aspect = "services" if kind != "network" else "hosts" if read_again else "inside"
            asked.append(zone is not None and index.zone(zone, aspect))
            department_id = department_id or department
        elif scheme == f"{kind}-name":
            asked.append(index.register(KINDS[kind].register, identifier.value.partition("/")[0]))
        elif scheme in (f"{kind}-code", "department"):
            asked.append(index.register(KINDS[kind].register, department_id))
    return bool(asked) and all(asked)


def _networks(texts: Iterable[str]) -> Iterator[Network]:
    return (parsed for text in texts if (parsed := network(text)) is not None)


def _host_name(text: str) -> str:
    """A host name as it is compared: without case and without the root's dot."""
    return text.strip().rstrip(".").casefold()


_PORTS = re.compile(r"(\d+)(?:-(\d+))?")


def _asks_for(detail: str, port: int) -> bool:
    """Whether a port list such as ``22,80,8000-8100`` holds a port; an empty list promises nothing."""
    return any(int(low) <= port <= int(high or low) for low, high in _PORTS.findall(detail))

"""What counts as evidence of what: the tables of ``evidence.yaml`` as the conclusions use them.

Product categories are those of the fingerprints (``category:product``). A product that was only guessed from a port
(strength ``hinted``) is never counted. ``docs/evidence.md`` shows the same tables to people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from inventories.infer.table import Row, Section, read_evidence
from inventories.model import Strength
from inventories.places import Network
from inventories.prefixes import network

SOURCE = Path(__file__).parent / "evidence.yaml"


@cache
def sections() -> Mapping[str, Section]:
    """Every section of the table. Raises :class:`inventories.faults.Faults` with every fault in it."""
    return read_evidence(SOURCE)


def _pattern(values: Iterable[str], *, whole: bool) -> re.Pattern[str]:
    text = "|".join(values)
    return re.compile(f"^({text})$" if whole else text, re.IGNORECASE)


def _prefixes(values: Iterable[str]) -> tuple[Network, ...]:
    return tuple(prefix for value in values if (prefix := network(value)) is not None)


def _text(row: Row, name: str) -> str:
    return str(row[name])


def _number(row: Row, name: str) -> float:
    value = row[name]
    return value if isinstance(value, (int, float)) else 0.0


_services, _machines = sections()["services"], sections()["machines"]
_rooms, _clouds = sections()["rooms"], sections()["clouds"]
_networks, _exits = sections()["networks"], sections()["exits"]

# --- services and pages ---

#: Services that every server offers for its own upkeep: they show that a machine lives, not that a system runs.
UPKEEP_SERVICES = frozenset(_services.texts("upkeep_services"))
#: nmap's names of database services that hold a system's data (caches and search engines are parts of one).
DATABASE_SERVICES = frozenset(_services.texts("database_services"))
#: Categories whose pages manage equipment: such a page is no information system of a department.
EQUIPMENT = frozenset(_services.texts("equipment"))
#: The role of a host is the first of these that was seen on it.
ROLES: tuple[str, ...] = _services.texts("roles")
#: Pages that a server shows before anybody has put a system on it, and error pages.
EMPTY_PAGES = _pattern(_services.texts("empty_pages"), whole=True)
#: Titles of pages that manage equipment which no fingerprint knows.
EQUIPMENT_PAGES = _pattern(_services.texts("equipment_pages"), whole=False)
#: Titles that say what the page is for, not whose system it is: the service is then named by its address.
NAMELESS_PAGES = _pattern(_services.texts("nameless_pages"), whole=True)
#: A shorter name is no evidence when it stands in a title.
LEAST_NAME = int(_services.number("least_name"))
#: Platforms of a host on which a system in a department's network runs on a private cloud.
PRIVATE_PLATFORMS = frozenset(_services.texts("private_platforms"))

# --- servers and desks ---

#: Operating systems and models of desks: such a machine is no infrastructure.
WORKSTATION_SYSTEMS = _pattern(_machines.texts("workstation_systems"), whole=False)
WORKSTATION_MODELS = _pattern(_machines.texts("workstation_models"), whole=False)
#: What bears one of these products is a server or a network device.
SERVER_CATEGORIES = frozenset(_machines.texts("server_categories"))
#: What bears one of these forwards the traffic of others.
NETWORK_CATEGORIES = frozenset(_machines.texts("network_categories"))
#: Listening processes that every machine has.
UPKEEP_PROCESSES = frozenset(_machines.texts("upkeep_processes"))
#: A number that more machines bear is no machine's own: firmware repeats it.
MOST_BEARERS = int(_machines.number("most_bearers"))


# --- machine rooms ---


@dataclass(frozen=True, slots=True)
class Sign:
    """One kind of evidence of a machine room: at least ``least`` devices of a category in one place.

    ``stands_in_rooms`` marks what serves a room as a whole (power, cooling), as opposed to a single machine;
    ``is_support`` what is no evidence by itself. No fact that is weaker than ``strength`` counts.
    """

    category: str
    title: str
    least: int
    stands_in_rooms: bool
    is_cooling: bool = False
    is_support: bool = False
    strength: Strength = Strength.SEEN_OUTSIDE


@dataclass(frozen=True, slots=True)
class Level:
    """How sure a room is where at least so many machines, room devices, coolers and kinds of evidence were seen."""

    machines: int
    devices: int
    cooling: int
    kinds: int
    confidence: float


#: ``physical`` counts hosts that are known to be physical and are no hypervisors.
ROOM_SIGNS: tuple[Sign, ...] = tuple(
    Sign(
        _text(row, "id"),
        _text(row, "title"),
        int(_number(row, "least")),
        row["stands_for"] in ("room", "cooling"),
        row["stands_for"] == "cooling",
        row["stands_for"] == "support",
        Strength.parse(_text(row, "strength")),
    )
    for row in _rooms.rows("signs")
)
#: Kinds of evidence that must agree before a room is concluded.
LEAST_SIGNS = int(_rooms.number("least_kinds"))
#: The first level that holds tells the confidence; below the last, nothing is concluded.
ROOM_LEVELS: tuple[Level, ...] = tuple(
    Level(
        machines=int(_number(row, "machines")),
        devices=int(_number(row, "devices")),
        cooling=int(_number(row, "cooling")),
        kinds=int(_number(row, "kinds")),
        confidence=float(_number(row, "confidence")),
    )
    for row in _rooms.rows("confidence")
)
#: (machines at least, room devices at least, confidence): the levels in short.
ROOM_CONFIDENCE: tuple[tuple[int, int, float], ...] = tuple(
    (level.machines, level.devices, level.confidence) for level in ROOM_LEVELS
)
ROOM_LEAST = float(_rooms.number("least_confidence"))
NEIGHBOUR_DISCOUNT = float(_rooms.number("neighbour_discount"))
#: Networks, or neighbours, that make a switch a core switch.
CORE_NETWORKS = int(_rooms.number("core_networks"))


# --- private clouds ---


@dataclass(frozen=True, slots=True)
class Platform:
    """A virtualisation or cloud product that manages machines.

    ``family`` unites what belongs to one installation: a vCenter and its ESXi hosts. ``is_manager`` marks the
    product that one logs in to, ``is_machine`` the one that runs on the bare machine: a vCenter is itself a guest.
    ``first`` is what the first machine counts, ``further`` each other one, of ``most`` at most.
    """

    code: str
    family: str
    title: str
    is_manager: bool
    is_machine: bool
    first: float = 0.0
    further: float = 0.0
    most: int = 1


#: What a product's name holds → the platform; the first that fits is meant.
PLATFORMS: Mapping[str, Platform] = {
    word: Platform(
        _text(row, "id"),
        _text(row, "family"),
        _text(row, "title"),
        row["is_manager"] is True,
        row["is_machine"] is True,
        float(_number(row, "first")),
        float(_number(row, "further")),
        int(_number(row, "most")),
    )
    for row in _clouds.rows("platforms")
    for word in (row["words"] if isinstance(row["words"], tuple) else ())
}
CLOUD_FROM, CLOUD_KIND_FROM = float(_clouds.number("conclude_from")), float(_clouds.number("kind_from"))
CLOUD_INTERFACE = float(_clouds.number("interface"))
CLOUD_OTHER_PARTS, CLOUD_MOST = float(_clouds.number("other_parts")), float(_clouds.number("most_sure"))


# --- networks and internet exits ---


@dataclass(frozen=True, slots=True)
class Weight:
    """What one kind of sign counts, for each machine that shows it, of ``most`` machines at most.

    ``leaves``: it leads out of the department's own subnets. ``compared``: it means something only where the unified
    exit is known.
    """

    code: str
    title: str
    weight: float
    most: int = 1
    leaves: bool = False
    compared: bool = False


def _weights(rows: Iterable[Row]) -> Mapping[str, Weight]:
    return {
        _text(row, "id"): Weight(
            _text(row, "id"),
            _text(row, "title"),
            float(_number(row, "weight")),
            int(_number(row, "most")) if "most" in row else 1,
            row.get("leaves") is True,
            row.get("compared") is True,
        )
        for row in rows
    }


NETWORK_SIGNS = _weights(_networks.rows("signs"))
NETWORK_FROM, DEDICATED_FROM = float(_networks.number("conclude_from")), float(_networks.number("dedicated_from"))
NETWORK_MOST, WORKSTATION_SHARE = float(_networks.number("most_sure")), float(_networks.number("workstation_share"))
#: By IP version: leading bits shared with a zone that make a neighbouring subnet; the widest prefix that means one.
NEIGHBOUR_BITS: Mapping[int, int] = {
    4: int(_networks.number("neighbour_bits")),
    6: int(_networks.number("neighbour_bits_v6")),
}
WIDEST: Mapping[int, int] = {4: int(_networks.number("widest")), 6: int(_networks.number("widest_v6"))}
MOST_ROUTES = int(_networks.number("most_routes"))
INNER_INTERFACES = _pattern(_networks.texts("inner_interfaces"), whole=True)
GUEST_INTERFACES = _pattern(_networks.texts("guest_interfaces"), whole=True)
CONTAINER_INTERFACES = _pattern(_networks.texts("container_interfaces"), whole=True)
INNER_PREFIXES = _prefixes(_networks.texts("inner_prefixes"))
OVERLAY_TUNNELS = frozenset(_networks.texts("overlay_tunnels"))

EXIT_SIGNS = _weights(_exits.rows("signs"))
EXIT_FROM, OWN_EXIT_FROM = float(_exits.number("conclude_from")), float(_exits.number("own_from"))
EXIT_MOST, UNKNOWN_EXIT_CAP = float(_exits.number("most_sure")), float(_exits.number("unknown_exit_cap"))
NOT_PUBLIC = _prefixes((*_exits.texts("not_public"), *_exits.texts("extranet")))

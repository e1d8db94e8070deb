"""From an agent's answers to what the device is: pure, and forgiving of whatever firmware leaves out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from inventories.faults import clean
from probes.snmp import oids
from probes.snmp.agents import Agent, agents
from probes.snmp.answers import Answers, Raw, hardware, number, text

#: ifType (IANAifType-MIB) of interfaces that are no network card: loopback, tunnels, bridges, VLAN interfaces ...
_VIRTUAL = frozenset({1, 24, 53, 131, 135, 136, 142, 150, 161, 209})
_TUNNELS: Mapping[int, str] = {23: "ppp", 108: "pppMultilinkBundle", 131: "tunnel", 150: "mpls"}
#: entPhysicalClass: chassis and stack (RFC 6933).
_CHASSIS = (3, 11)
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Port:
    """An interface. ``addresses`` are ``address/length``."""

    index: int
    name: str
    kind: int
    mac: str
    is_up: bool
    addresses: tuple[str, ...] = ()

    @property
    def is_card(self) -> bool:
        return self.kind not in _VIRTUAL


@dataclass(frozen=True, slots=True, order=True)
class Route:
    prefix: str
    gateway: str
    interface: str

    def __str__(self) -> str:
        via = f" via {self.gateway}" if self.gateway else ""
        return f"{self.prefix}{via}" + (f" dev {self.interface}" if self.interface else "")


@dataclass(frozen=True, slots=True)
class Device:
    """What an agent told, cleaned. ``met`` maps addresses that it met to hardware addresses."""

    descr: str
    object_id: str
    name: str
    agent: Agent | None
    ups: tuple[str, str, str] | None
    vendor: str
    model: str
    serial: str
    ports: tuple[Port, ...]
    routes: tuple[Route, ...]
    neighbours: tuple[str, ...]
    met: Mapping[str, str]

    @property
    def default_gateway(self) -> str:
        found = [route.gateway for route in self.routes if route.prefix in ("0.0.0.0/0", "::/0") and route.gateway]
        return found[0] if len(set(found)) == 1 else ""


def read_device(answers: Answers) -> Device:
    """Never raises: what cannot be read is left out."""
    descr, object_id = _short(answers.text(oids.SYS_DESCR)), answers.text(oids.SYS_OBJECT_ID).lstrip(".")
    ups = tuple(_short(answers.text(name)) for name in oids.UPS)
    vendor, model, serial = _chassis(answers)
    agent = next((row for row in agents() if row.fits(object_id, descr)), None)
    is_ups = bool(ups[0] or ups[1])
    ports = tuple(_ports(answers))
    names = {port.index: port.name for port in ports}
    return Device(
        descr=descr,
        object_id=object_id,
        name=_short(answers.text(oids.SYS_NAME)),
        agent=agent,
        ups=(ups[0], ups[1], ups[2]) if is_ups else None,
        vendor=vendor or (ups[0] if is_ups else "") or (agent.vendor if agent else ""),
        model=model or (ups[1] if is_ups else ""),
        serial=serial,
        ports=ports,
        routes=tuple(sorted(set(_routes(answers, names)))),
        neighbours=tuple(sorted(set(_neighbours(answers, names)))),
        met=dict(sorted(_met(answers))),
    )


def _short(words: str) -> str:
    return clean(words, _LONGEST)


def _chassis(answers: Answers) -> tuple[str, str, str]:
    """Vendor, model and serial number of the first chassis that tells any; a stack's members are several."""
    classes = answers.column(oids.ENT_CLASS)
    found = []
    for index, kind in sorted(classes.items()):
        if number(kind) in _CHASSIS:
            columns = (oids.ENT_VENDOR, oids.ENT_MODEL, oids.ENT_SERIAL)
            words = tuple(_short(text(answers.column(column).get(index))) for column in columns)
            if any(words):
                found.append(words)
    if not found:
        return "", "", ""
    # Several chassis are several machines behind one agent: none of their numbers is the device's own.
    serial = found[0][2] if len({words[2] for words in found if words[2]}) == 1 else ""
    return found[0][0], found[0][1], serial


def _ports(answers: Answers) -> Iterator[Port]:
    addresses: dict[int, list[str]] = {}
    masks = answers.column(oids.IP_AD_NET_MASK)
    for index, owner in answers.column(oids.IP_AD_IF_INDEX).items():
        address, port = _ipv4(index), number(owner)
        if address and port is not None:
            addresses.setdefault(port, []).append(_with_length(address, text(masks.get(index))))
    names, types, macs = (answers.column(name) for name in (oids.IF_DESCR, oids.IF_TYPE, oids.IF_PHYS_ADDRESS))
    states = answers.column(oids.IF_OPER_STATUS)
    known = {index[0] for index in (*names, *types, *macs) if len(index) == 1} | set(addresses)
    for port in sorted(known):
        mac = hardware(macs.get((port,)))
        yield Port(
            index=port,
            name=_short(text(names.get((port,)))) or f"if{port}",
            kind=number(types.get((port,))) or 0,
            mac="" if mac == "00:00:00:00:00:00" else mac,
            is_up=number(states.get((port,))) == 1,
            addresses=tuple(sorted(addresses.get(port, ()))),
        )


def _routes(answers: Answers, names: Mapping[int, str]) -> Iterator[Route]:
    for index, port in answers.column(oids.INET_CIDR_ROUTE_IF_INDEX).items():
        if found := _inet_route(index):
            yield _route(*found, names.get(number(port) or -1, ""))
    for index, port in answers.column(oids.CIDR_ROUTE_IF_INDEX).items():
        if len(index) == 13:
            parts = (_ipv4(index[0:4]), _ipv4(index[4:8]), _ipv4(index[9:13]))
            yield from _masked(*parts, names.get(number(port) or -1, ""))
    ports, masks = answers.column(oids.IP_ROUTE_IF_INDEX), answers.column(oids.IP_ROUTE_MASK)
    for index, hop in answers.column(oids.IP_ROUTE_NEXT_HOP).items():
        name = names.get(number(ports.get(index)) or -1, "")
        yield from _masked(_ipv4(index), text(masks.get(index)), text(hop), name)


def _inet_route(index: tuple[int, ...]) -> tuple[str, str] | None:
    """Prefix and next hop of an ``inetCidrRouteTable`` index (RFC 4292); None for what is malformed."""
    try:
        size = index[1]
        rest = index[2:]
        prefix = ipaddress.ip_network((bytes(rest[:size]), rest[size]), strict=False)
        rest = rest[size + 1 :]
        rest = rest[rest[0] + 1 :]
        hop_type, hop = rest[0], bytes(rest[2 : 2 + rest[1]])
    except (IndexError, ValueError):
        return None
    if hop_type not in (1, 2):
        return str(prefix), ""
    try:
        return str(prefix), str(ipaddress.ip_address(hop))
    except ValueError:
        return None


def _masked(destination: str, mask: str, hop: str, name: str) -> Iterator[Route]:
    try:
        prefix = ipaddress.ip_network(f"{destination}/{mask}", strict=False)
    except ValueError:
        return
    yield _route(str(prefix), hop, name)


def _route(prefix: str, hop: str, name: str) -> Route:
    return Route(prefix, "" if hop in ("0.0.0.0", "::") else hop, name)  # noqa: S104  # compared, never bound


def _neighbours(answers: Answers, names: Mapping[int, str]) -> Iterator[str]:
    """``LOCAL PORT → NAME REMOTE PORT (ADDRESS)``, by LLDP."""
    local = {index[0]: _short(said) for index, said in answers.texts(oids.LLDP_LOCAL_PORT) if len(index) == 1}
    ports, descriptions = answers.column(oids.LLDP_REMOTE_PORT), answers.column(oids.LLDP_REMOTE_PORT_DESCR)
    where = dict(_management(answers))
    for index, name in answers.texts(oids.LLDP_REMOTE_NAME):
        if len(index) != 3:
            continue
        port = local.get(index[1]) or names.get(index[1], "") or str(index[1])
        remote = _port_words(ports.get(index)) or _short(text(descriptions.get(index)))
        address = f" ({where[index]})" if index in where else ""
        yield f"{port} → {_short(name)} {remote}".rstrip() + address


def _port_words(value: Raw | None) -> str:
    return hardware(value) or _short(text(value))


def _management(answers: Answers) -> Iterator[tuple[tuple[int, ...], str]]:
    """Neighbour's index → its management address, which is part of the table's own index."""
    for index in answers.column(oids.LLDP_REMOTE_ADDRESS):
        if len(index) > 5 and index[3] in (1, 2) and len(index) == 5 + index[4]:
            try:
                yield index[:3], str(ipaddress.ip_address(bytes(index[5:])))
            except ValueError:
                continue


def _met(answers: Answers) -> Iterator[tuple[str, str]]:
    for index, value in answers.column(oids.NET_TO_MEDIA_PHYS).items():
        address, mac = _ipv4(index[1:]) if len(index) == 5 else "", hardware(value)
        if address and mac:
            yield address, mac


def _ipv4(parts: tuple[int, ...]) -> str:
    if len(parts) != 4 or not all(0 <= part <= 255 for part in parts):
        return ""
    return ".".join(map(str, parts))


def _with_length(address: str, mask: str) -> str:
    try:
        return str(ipaddress.ip_interface(f"{address}/{mask}")) if mask else f"{address}/32"
    except ValueError:
        return f"{address}/32"

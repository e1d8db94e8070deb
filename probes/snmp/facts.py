"""From a device to observations of it and of those that it met."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from datetime import datetime

from inventories.identity import ip_id, mac_id, serial_id
from inventories.model import Fact, Identifier, Observation, Strength
from inventories.places import Network, Zone
from probes.snmp.device import Device

SOURCE = "snmp"
#: More of one kind than this is a core switch's whole table: the first are enough to check by.
_MOST = 512

_INSIDE = Strength.SEEN_INSIDE


def observe(device: Device, *, address: str, zone: Zone, at: datetime) -> Observation:
    """The device itself, at the address that was asked."""
    return Observation(
        kind="host",
        collector="snmp",
        source=SOURCE,
        observed_at=at,
        identifiers=tuple(dict.fromkeys(_identifiers(device, address, zone))),
        facts=tuple(_facts(device, address)),
        zone=zone.id,
    )


def observe_met(
    device: Device, *, address: str, zone: Zone, targets: Iterable[Network], at: datetime
) -> list[Observation]:
    """What the device met on its wires, of the addresses that may be probed: an address with its hardware address.

    It shows that something has the address; not that it answers.
    """
    allowed = tuple(targets)
    own = {text.partition("/")[0] for port in device.ports for text in port.addresses} | {address}
    out = []
    for met, mac in device.met.items():
        hardware = mac_id(mac, zone.vantage)
        if hardware is None or met in own or not _holds(allowed, met):
            continue
        fact = Fact(
            "macs", (hardware.value,), Strength.SEEN_OUTSIDE, f"{device.name or address} 的 ARP 表：{met} {mac}"
        )
        identifiers = (ip_id(met, zone.vantage), hardware)
        out.append(Observation("host", "snmp", SOURCE, at, identifiers, (fact,), zone=zone.id))
    return out


def _identifiers(device: Device, address: str, zone: Zone) -> Iterator[Identifier]:
    yield ip_id(address, zone.vantage)
    for port in device.ports:
        if mac := mac_id(port.mac, zone.vantage) if port.mac and port.is_card else None:
            yield mac
        for text in port.addresses:
            own, _, length = text.partition("/")
            # An address with a mask of its own alone is a shared one, or a loopback's.
            if length != "32" and _holds(zone.prefixes, own):
                yield ip_id(own, zone.vantage)
    if device.serial and (serial := serial_id(device.vendor, device.serial)):
        yield serial


def _facts(device: Device, address: str) -> Iterator[Fact]:
    yield Fact("answers", True, _INSIDE, f"SNMP 应答：{device.descr}")
    for column, value in (
        ("hostname", device.name),
        ("vendor", device.vendor),
        ("model", device.model),
        ("serial", device.serial),
        ("default_gateway", device.default_gateway),
    ):
        if value:
            yield Fact(column, value, _INSIDE, device.descr)
    lists = {
        "ips": sorted(
            {address} | {text.partition("/")[0] for p in device.ports for text in p.addresses if _is_real(text)}
        ),
        "macs": sorted({port.mac for port in device.ports if port.mac and port.is_card}),
        "interfaces": [f"{p.name} {a}" + (f" {p.mac}" if p.mac else "") for p in device.ports for a in p.addresses],
        "routes": [str(route) for route in device.routes],
        "neighbours": list(device.neighbours),
    }
    for column, values in lists.items():
        if values:
            yield Fact(column, tuple(values[:_MOST]), _INSIDE, f"SNMP {address}")
    yield from _products(device)


def _is_real(text: str) -> bool:
    parsed = ipaddress.ip_interface(text).ip
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified or parsed.is_multicast)


def _products(device: Device) -> Iterator[Fact]:
    if device.ups is not None:
        words = " ".join(word for word in device.ups[:2] if word)
        yield Fact("products", (f"ups:{words}",), _INSIDE, f"UPS-MIB（RFC 1628）：{words}")
    agent = device.agent
    # A UPS answers for itself by its own MIB, whatever its maker's other devices are.
    if agent is not None and (device.ups is None or agent.category == "ups"):
        words = f"{agent.product} {device.model}".strip()
        evidence = f"sysObjectID {device.object_id}；{device.descr}"
        yield Fact("products", (f"{agent.category}:{words}",), agent.strength, evidence)


def _holds(networks: Iterable[Network], address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(parsed.version == network.version and parsed in network for network in networks)

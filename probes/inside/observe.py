"""What was read on a host as one observation: identifiers that join, and facts with their evidence."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from datetime import datetime

from inventories.faults import clean
from inventories.identity import ip_id, mac_id, serial_id, uuid_id
from inventories.model import Fact, Identifier, Observation, Strength, Value
from inventories.places import Zone
from probes.inside.model import Address, Inside, Interface
from probes.inside.software import products

INSIDE = Strength.SEEN_INSIDE

#: How much of a value and of its evidence is kept.
TEXT, EVIDENCE = 160, 200
MOST = 200

#: Addresses in public form of which none is known to be on the internet: the government extranet's (netspy, a public
#: scanner of internal networks, lists the prefix beside the private ones). Nobody is called connected by them.
NOT_PUBLIC = (ipaddress.ip_network("59.192.0.0/10"),)

#: Interfaces inside the machine that are told all the same: their names say what they are, and that a host is a node
#: of a container cluster explains routes that it would otherwise be asked about.
_TELLING = re.compile(
    r"^(docker.*|br-[0-9a-f]{12}|virbr\d+|cni\d*|cbr0|podman\d+|lxc\w*|lxd\w*|flannel.*|cali.*|tunl0|vxlan\.calico"
    r"|kube-.*|nodelocaldns|weave|cilium_.*)$"
)

#: Parts that must have been read to the end before anybody says that an address is not there.
_EVERY_INTERFACE = frozenset({"addresses", "net"})


def observation(inside: Inside, *, address: str, zone: Zone, at: datetime, collector: str) -> Observation:
    """One host, read from inside at ``address`` (the login's, as the zone's vantage sees it). ``at`` is UTC.

    ValueError where ``address`` is no address.
    """
    facts = [Fact("answers", True, INSIDE, "登录并读取"), *_machine(inside, zone), *_software(inside)]
    facts += [*_network(inside), *_public(inside, zone)]
    return Observation(
        kind="host",
        collector=collector,
        source=collector,
        observed_at=at,
        identifiers=tuple(dict.fromkeys(_identifiers(inside, address, zone))),
        facts=tuple(dict.fromkeys(facts)),
        zone=zone.id,
    )


def _fact(column: str, value: Value, strength: Strength = INSIDE, evidence: str = "") -> Iterator[Fact]:
    """A fact of a cleaned value, or nothing where there is none."""
    if isinstance(value, str):
        value = clean(value.strip(), TEXT)
    if value not in ("", (), None):
        yield Fact(column, value, strength, clean(evidence, EVIDENCE))


def _texts(column: str, items: Iterator[str], evidence: str = "", strength: Strength = INSIDE) -> Iterator[Fact]:
    values = sorted({clean(item.strip(), TEXT) for item in items} - {""})
    yield from _fact(column, tuple(values[:MOST]), strength, evidence)


def _identifiers(inside: Inside, address: str, zone: Zone) -> Iterator[Identifier]:
    yield ip_id(address, zone.vantage)
    for one in inside.interfaces:
        # A card, or what lies over it; a USB card may be the same in every machine of a make.
        if one.is_real and one.kind != "cellular":
            for own in one.addresses:
                if _identifies(own, zone):
                    yield ip_id(own.address, zone.vantage)
    for mac in _macs(inside):
        if (found := mac_id(mac, zone.vantage)) is not None:
            yield found
    if inside.standing.container:
        # Firmware is the machine's under it: to take it for the container's would make the two one.
        return
    if (uuid := uuid_id(inside.machine.uuid)) is not None:
        yield uuid
    if (serial := serial_id(inside.machine.vendor, inside.machine.serial)) is not None:
        yield serial


def _identifies(own: Address, zone: Zone) -> bool:
    """Whether an address is this machine's alone: not laid over it, and one that the zone knows."""
    parsed = ipaddress.ip_address(own.address)
    if own.is_extra or own.scope not in ("global", "site") or own.length >= parsed.max_prefixlen:
        return False
    return any(parsed.version == prefix.version and parsed in prefix for prefix in zone.prefixes)


def _macs(inside: Inside) -> list[str]:
    return list(dict.fromkeys(one.mac.lower() for one in inside.interfaces if one.kind == "device" and one.mac))


def _machine(inside: Inside, zone: Zone) -> Iterator[Fact]:
    machine, standing, cpu = inside.machine, inside.standing, inside.cpu
    if not standing.container:
        yield from _fact("vendor", machine.vendor, INSIDE, "DMI sys_vendor")
        yield from _fact("model", machine.product, INSIDE, "DMI product_name")
        if serial_id(machine.vendor, machine.serial) is not None:
            yield from _fact("serial", machine.serial, INSIDE, "DMI product_serial")
        if uuid_id(machine.uuid) is not None:
            yield from _fact("hardware_uuid", machine.uuid.lower(), INSIDE, "DMI product_uuid")
    yield from _fact("is_physical", standing.is_physical, INSIDE, standing.evidence)
    yield from _platform(inside, zone)
    yield from _fact("arch", cpu.arch, INSIDE, "uname -m")
    yield from _fact("cpu_vendor", cpu.vendor, cpu.vendor_strength, cpu.evidence)
    yield from _fact("cpu_model", cpu.text or cpu.product, _model_strength(inside), cpu.evidence)
    if cpu.product:
        yield from _texts("products", iter([f"cpu:{cpu.product}"]), cpu.evidence, cpu.product_strength)
    if inside.memory_mb:
        yield Fact("memory_mb", inside.memory_mb, INSIDE, "/proc/meminfo" if inside.os.family != "windows" else "")
    if not inside.hostname.lower().startswith("localhost"):
        yield from _fact("hostname", inside.hostname, INSIDE)


def _model_strength(inside: Inside) -> Strength:
    return inside.cpu.text_strength if inside.cpu.text else inside.cpu.product_strength


def _platform(inside: Inside, zone: Zone) -> Iterator[Fact]:
    """Guests of a government cloud run there, whatever its makers built it of; a bare "KVM" names no product."""
    standing = inside.standing
    if standing.container or not standing.platform:
        return
    if standing.platform != "bare" and zone.kind == "government_cloud":
        evidence = f"{standing.evidence}；网络区域 {zone.name}"
        yield from _fact("platform", "gov_cloud", INSIDE, evidence)
        return
    strength = INSIDE if standing.is_named else Strength.SEEN_OUTSIDE
    yield from _fact("platform", standing.platform, strength, standing.evidence)


def _software(inside: Inside) -> Iterator[Fact]:
    system = inside.os
    if system.name:
        yield from _fact("os_id", system.id, system.strength, system.evidence)
        yield from _fact("os_name", system.name, system.strength, system.evidence)
        yield from _fact("os_version", system.version, system.strength, system.evidence)
        kernel = f"；内核 {system.kernel}" if system.kernel else ""
        yield from _texts("products", iter([f"os:{system.product}"]), f"{system.evidence}{kernel}", system.strength)
    found = products(inside)
    for product in found:
        yield from _texts("products", iter([str(product)]), product.evidence, product.strength)
    hypervisors = [p for p in found if p.category == "hypervisor" and p.strength is INSIDE]
    if hypervisors:
        first = hypervisors[0]
        yield from _fact("hypervisor", f"{first.name} {first.version}", INSIDE, first.evidence)
    # What others can reach comes first, where there is more than is kept.
    listeners = sorted(inside.listeners, key=lambda listener: listener.is_local)[:MOST]
    yield from _texts("listeners", (str(listener) for listener in listeners), "监听中的端口")


def _global(one: Interface) -> Iterator[Address]:
    return (own for own in one.addresses if own.scope in ("global", "site"))


def _network(inside: Inside) -> Iterator[Fact]:
    shown = [
        one
        for one in inside.interfaces
        if one.kind not in ("loopback", "internal", "other") or _TELLING.match(one.name)
    ]
    names = {one.name for one in shown}
    yield from _texts("ips", (own.address for one in shown if one.is_real for own in _global(one)), "网卡地址")
    macs = (found.value for mac in _macs(inside) if (found := mac_id(mac, "-")) is not None)
    yield from _texts("macs", macs, "物理网卡")
    lines = (f"{one.name} {own} {one.mac if one.kind == 'device' else ''}" for one in shown for own in _global(one))
    yield from _texts("interfaces", lines, "网络接口")
    # Without a list of interfaces nobody can tell which routes stay inside the machine.
    routes = (str(r) for r in inside.routes if not r.interface or r.interface in names or not inside.interfaces)
    yield from _texts("routes", routes, "路由表")
    yield from _fact("default_gateway", inside.gateway, INSIDE, "默认路由")
    for tunnel in inside.tunnels:
        strength = INSIDE if tunnel.is_seen else Strength.HINTED
        yield from _texts("tunnels", iter([str(tunnel)]), tunnel.evidence, strength)
    for uplink in inside.uplinks:
        yield from _texts("uplinks", iter([str(uplink)]), uplink.evidence)
    yield from _texts("name_servers", iter(inside.name_servers), "/etc/resolv.conf")
    yield from _texts("mounts", (str(mount) for mount in inside.mounts), "/proc/self/mountinfo")


def _public(inside: Inside, zone: Zone) -> Iterator[Fact]:
    """TRUE for an address of the internet on a card or a dialled line; FALSE only where every interface was read.

    An address in public form that lies in the zone's own prefixes, or in the government extranet, says neither:
    networks of that kind use such addresses without the internet. Nor does one that lies on something else (a
    loopback that takes a cluster's traffic, a tunnel). What is inside the machine alone is left out, and so is a USB
    card that leads nowhere: controllers give theirs such addresses.
    """
    doubtful = False
    leading = {route.interface for route in inside.routes if route.prefix in ("0.0.0.0/0", "::/0")}
    for one in inside.interfaces:
        if one.kind == "internal" or (one.kind == "usb" and one.name not in leading):
            continue
        for own in _global(one):
            parsed = ipaddress.ip_address(own.address)
            if not parsed.is_global:
                continue
            known = (*NOT_PUBLIC, *(() if zone.kind == "public" else zone.prefixes))
            if any(parsed.version == prefix.version and parsed in prefix for prefix in known):
                doubtful = True
                continue
            if not (one.is_real or one.kind in ("ppp", "cellular", "usb")):
                doubtful = True
                continue
            yield from _fact("has_public_ip", True, INSIDE, f"{one.name} {own}")
            return
    # A cloud's floating address is known to the cloud alone: no interface of the machine shows it.
    whole = zone.kind == "department" and inside.whole >= _EVERY_INTERFACE
    if whole and not doubtful and inside.interfaces:
        yield from _fact("has_public_ip", False, INSIDE, "已读取全部网络接口")

"""What a login shows of a Windows server: one PowerShell script, one JSON document.

No Windows could be had to try it on: the script keeps to what Windows PowerShell 3 documents, and its answers are
read as everything from outside is. Whatever is missing or of another type is not there.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from inventories.model import Strength
from probes.fingerprints.inside import tables
from probes.inside.cpu import recognise
from probes.inside.machine import firmware_row, said
from probes.inside.model import (
    Address,
    Cpu,
    Inside,
    Interface,
    Listener,
    Machine,
    Mount,
    Os,
    Package,
    Route,
    Standing,
    Tunnel,
    Uplink,
)
from probes.inside.routes import MAX_ROUTES
from probes.inside.sections import cleaned
from probes.inside.sockets import EPHEMERAL, MAX_LISTENERS, process_name
from probes.inside.storage import LARGE_GB, without_login

#: More than the script prints.
MAX_CHARS = 2_000_000

_LINES = (Path(__file__).parent / "collect.ps1").read_text("utf-8").splitlines()

#: One line, so that it can be handed over in any way that PowerShell takes a command.
POWERSHELL: str = " ".join(line.strip() for line in _LINES if line.strip() and not line.startswith("#"))

_Row = Mapping[str, Any]
_NETSTAT = re.compile(r"^(TCP|UDP)\s+(\S+):(\d{1,5})\s+\S+(?:\s+[^\s\d]\S*)?\s+(\d+)$", re.IGNORECASE)
_ARCHES = {"64": "x86_64", "32": "i686"}


def from_windows(document: str) -> Inside:
    """The JSON document as :class:`Inside`; an empty one where it is none. Never raises for what a host printed."""
    data = _document(document)
    if data is None:
        return Inside()
    whole = frozenset(key for key, value in data.items() if value is not None)
    processes = {_number(row, "Id"): process_name(_text(row, "ProcessName")) for row in _rows(data, "processes")}
    system, machine, standing = _os(data), _machine(data), _standing(data)
    interfaces, names = _interfaces(data)
    if data.get("configured") and data.get("adapters") and _leads_nowhere_else(data, names):
        whole |= {"addresses", "net"}
    return Inside(
        is_complete=bool(system.name),
        whole=whole,
        hostname=_text(_row(data, "computer"), "DNSHostName") or _text(_row(data, "os"), "CSName"),
        memory_mb=_number(_row(data, "os"), "TotalVisibleMemorySize") // 1024,
        cpu=_cpu(data, standing),
        os=system,
        machine=machine,
        standing=standing,
        interfaces=interfaces,
        routes=tuple(_routes(data, names))[:MAX_ROUTES],
        listeners=tuple(_listeners(data, processes)),
        processes=tuple(sorted({name for name in processes.values() if name})),
        packages=tuple(_packages(data)),
        tunnels=tuple(_tunnels(interfaces)),
        uplinks=tuple(_uplinks(data, interfaces)),
        mounts=tuple(_mounts(data)),
        name_servers=tuple(dict.fromkeys(_name_servers(data))),
    )


def _document(text: str) -> Mapping[str, Any] | None:
    """The last line that is the document: a login may print before it."""
    for line in reversed(_as_meant(text[-MAX_CHARS:]).split("\n")):
        start = line.find("{")
        if start < 0 or '"auditor"' not in line:
            continue
        try:
            data = json.loads(line[start:].strip())
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict) and data.get("auditor") == 1:
            return data
    return None


def _as_meant(text: str) -> str:
    """A console that could not be set to UTF-8 stays at its code page: 936 on a Chinese Windows (GB 18030 holds it).

    Bytes that are no UTF-8 come as lone surrogates.
    """
    if not re.search("[\udc80-\udcff]", text):
        return text
    try:
        return text.encode("utf-8", "surrogateescape").decode("gb18030")
    except UnicodeError:
        return text


def _rows(data: Mapping[str, Any], key: str) -> list[_Row]:
    """A list of objects; PowerShell writes a list of one as the object itself."""
    value = data.get(key)
    items = value if isinstance(value, list) else [value]
    rows: list[_Row] = [item for item in items if isinstance(item, dict)]
    return rows[:2_000]


def _row(data: Mapping[str, Any], key: str) -> _Row:
    return next(iter(_rows(data, key)), {})


def _text(row: _Row, key: str) -> str:
    value = row.get(key)
    return " ".join(cleaned(value).split()) if isinstance(value, str) else ""


def _number(row: _Row, key: str) -> int:
    value = row.get(key)
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else 0


def _texts(row: _Row, key: str) -> list[str]:
    value = row.get(key)
    items = value if isinstance(value, list) else [value]
    return [cleaned(item).strip() for item in items[:100] if isinstance(item, str)]


def _os(data: Mapping[str, Any]) -> Os:
    row = _row(data, "os")
    name = _text(row, "Caption")
    if not name:
        return Os()
    # 1: a workstation; 2, 3: a domain controller, a server.
    code = {1: "windows-client", 2: "windows-server", 3: "windows-server"}.get(_number(row, "ProductType"), "windows")
    version = _text(row, "Version")
    evidence = f"Win32_OperatingSystem: {name} {version}"
    return Os(code, name, version, "Microsoft", "windows", "", Strength.SEEN_INSIDE, evidence)


def _machine(data: Mapping[str, Any]) -> Machine:
    computer, product = _row(data, "computer"), _row(data, "product")
    return Machine(
        vendor=said(_text(computer, "Manufacturer")),
        product=said(_text(computer, "Model")),
        serial=said(_text(product, "IdentifyingNumber")),
        uuid=said(_text(product, "UUID")),
        bios=said(_text(_row(data, "bios"), "Manufacturer")),
    )


def _standing(data: Mapping[str, Any]) -> Standing:
    """Firmware's word. A hypervisor that is present proves nothing: Windows runs on its own on many a desk."""
    computer = _row(data, "computer")
    names = {
        "sys_vendor": _text(computer, "Manufacturer"),
        "product_name": _text(computer, "Model"),
        "bios_vendor": _text(_row(data, "bios"), "Manufacturer"),
    }
    row = firmware_row(names)
    if row is not None:
        if row.strength is Strength.HINTED:
            return Standing()
        named = row.platform not in ("", "kvm")
        return Standing(False, row.guest_of, "", row.platform, named, f"DMI {row.field}: {names[row.field]}")
    maker = " ".join(part for part in (said(names["sys_vendor"]), said(names["product_name"])) if part)
    if maker and computer.get("HypervisorPresent") is False:
        return Standing(True, "", "", "bare", True, f"HypervisorPresent: False；DMI: {maker}")
    return Standing()


def _cpu(data: Mapping[str, Any], standing: Standing) -> Cpu:
    row, is_guest = _row(data, "cpu"), bool(standing.guest_of)
    bits = re.match(r"\d\d", _text(_row(data, "os"), "OSArchitecture"))
    name, maker = _text(row, "Name"), _text(row, "Manufacturer")
    arch = _ARCHES.get(bits[0], "") if bits and "ARM" not in name.upper() else ""
    texts = [("Win32_Processor", name)] if name else []
    return recognise(arch, texts, "", maker, "guest" if is_guest else "host", is_guest=is_guest)


def _interfaces(data: Mapping[str, Any]) -> tuple[tuple[Interface, ...], dict[int, str]]:
    """The interfaces that have addresses, and index → name."""
    adapters = {_number(row, "InterfaceIndex"): row for row in _rows(data, "adapters")}
    names: dict[int, str] = {}
    out: list[Interface] = []
    for row in _rows(data, "configured"):
        index = _number(row, "InterfaceIndex")
        adapter = adapters.get(index, {})
        names[index] = _text(adapter, "NetConnectionID") or _text(row, "Description") or f"if{index}"
        kind = _kind(adapter, _text(row, "Description"))
        addresses = tuple(_addresses(_texts(row, "IPAddress"), _texts(row, "IPSubnet")))
        mac, gateways = _text(row, "MACAddress").lower(), _texts(row, "DefaultIPGateway")
        # What Hyper-V's own switch leads to is told by its gateway alone.
        is_real = kind == "device" or (kind == "bridge" and bool(gateways))
        description = _text(row, "Description")
        detail = _text(adapter, "ServiceName")
        out.append(Interface(names[index], kind, detail, mac, addresses, is_real, "", description))
    return tuple(sorted(out, key=lambda one: one.name)), names


def _leads_nowhere_else(data: Mapping[str, Any], names: Mapping[int, str]) -> bool:
    """Whether every way out is over an interface that was listed: a line that Windows dials is in no such list."""
    ways = [row for row in _rows(data, "routes") if _text(row, "Mask") == "0.0.0.0"]  # noqa: S104
    return bool(ways) and all(_number(row, "InterfaceIndex") in names for row in ways)


def _tunnels(interfaces: Sequence[Interface]) -> Iterator[Tunnel]:
    for one in interfaces:
        own = next((a.address for a in one.addresses if a.scope == "global"), "")
        if one.kind == "tunnel" and own:
            yield Tunnel(one.name, "vpn", own, one.product)


def _uplinks(data: Mapping[str, Any], interfaces: Sequence[Interface]) -> Iterator[Uplink]:
    """A modem, or a USB card over which the default route leads: management controllers show themselves as one."""
    gateways = {_text(row, "Description") for row in _rows(data, "configured") if _texts(row, "DefaultIPGateway")}
    for one in interfaces:
        if one.kind in ("cellular", "usb") and one.product in gateways:
            kind = "cellular" if one.kind == "cellular" else "usb-tether"
            if kind == "cellular" or re.search(r"remote ndis|apple mobile", one.product, re.IGNORECASE):
                yield Uplink(one.name, kind, f"默认网关经 {one.product}")


def _kind(adapter: _Row, description: str) -> str:
    """By how Windows found it: on a bus, or made of software (a VPN, the inside of Hyper-V, a loopback)."""
    bus = _text(adapter, "PNPDeviceID").upper()
    if re.search(r"loopback|环回", description, re.IGNORECASE):
        return "loopback"
    if re.match(r"^(PCI|VMBUS|XENVIF|XEN|VIRTIO)\\", bus):
        return "device"
    if bus.startswith("USB\\"):
        return "cellular" if re.search(r"mobile broadband|移动宽带", description, re.IGNORECASE) else "usb"
    if re.search(r"hyper-v virtual ethernet", description, re.IGNORECASE):
        # A switch of Hyper-V's own: the host's address may lie on it, or nothing but guests inside.
        return "bridge"
    if re.search(r"\b(wan miniport|vpn|tap-windows|tunnel|wintun|wireguard)\b", description, re.IGNORECASE):
        return "tunnel"
    return "other"


def _addresses(addresses: Sequence[str], masks: Sequence[str]) -> Iterator[Address]:
    for text, mask in zip(addresses, masks, strict=False):
        try:
            own = ipaddress.ip_address(text.partition("%")[0])
            bits = int(mask) if mask.isdecimal() else ipaddress.ip_network(f"0.0.0.0/{mask}").prefixlen
        except ValueError:
            continue
        if bits <= own.max_prefixlen:
            scope = "link" if own.is_link_local else "host" if own.is_loopback else "global"
            yield Address(str(own), bits, scope, bits == own.max_prefixlen)


def _routes(data: Mapping[str, Any], names: Mapping[int, str]) -> Iterator[Route]:
    for row in _rows(data, "routes"):
        try:
            network = ipaddress.ip_network(f"{_text(row, 'Destination')}/{_text(row, 'Mask')}")
            gateway = ipaddress.ip_address(_text(row, "NextHop"))
        except ValueError:
            continue
        if network.is_loopback or network.is_multicast or network.is_link_local or network.prefixlen == 32:
            continue
        via = "" if gateway.is_unspecified or gateway.is_loopback else str(gateway)
        name = names.get(_number(row, "InterfaceIndex"), "")
        yield Route(str(network), via, name, _number(row, "Metric1"), "", not via and network.prefixlen > 0)


def _listeners(data: Mapping[str, Any], processes: Mapping[int, str]) -> list[Listener]:
    found: dict[tuple[str, int, str], Listener] = {}
    for key in ("tcp", "tcp6", "udp"):
        for line in _texts({"lines": data.get(key)}, "lines") if not isinstance(data.get(key), list) else data[key]:
            match = _NETSTAT.match(line.strip()) if isinstance(line, str) else None
            if match is None or not 0 < int(match[3]) < 65536 or len(found) >= MAX_LISTENERS:
                continue
            protocol, port = match[1].lower(), int(match[3])
            try:
                address = ipaddress.ip_address(match[2].strip("[]").partition("%")[0])
            except ValueError:
                continue
            if protocol == "udp" and port >= EPHEMERAL:
                continue
            own = "" if address.is_unspecified else str(address)
            one = Listener(port, protocol, own, processes.get(int(match[4][:9]), ""))
            found.setdefault((protocol, port, own if one.is_local else ""), one)
    return sorted(found.values(), key=lambda one: (one.protocol, one.port, one.address))


def _packages(data: Mapping[str, Any]) -> Iterator[Package]:
    rows = tables().packages
    for row in _rows(data, "programs"):
        name = _text(row, "DisplayName")[:128]
        if any(known.pattern.fullmatch(name) for known in rows):
            yield Package(name, _text(row, "DisplayVersion")[:64], "registry")


def _mounts(data: Mapping[str, Any]) -> Iterator[Mount]:
    for row in _rows(data, "disks"):
        drive, share = _text(row, "DeviceID"), _text(row, "ProviderName")
        size = _number(row, "Size") // 10**9
        if share:
            yield Mount(without_login(share), "cifs", drive, size, True)
        elif drive and size >= LARGE_GB:
            yield Mount(drive, _text(row, "FileSystem") or "ntfs", drive, size)


def _name_servers(data: Mapping[str, Any]) -> Iterator[str]:
    for row in _rows(data, "configured"):
        for text in _texts(row, "DNSServerSearchOrder"):
            try:
                address = ipaddress.ip_address(text.partition("%")[0])
            except ValueError:
                continue
            if not address.is_loopback:
                yield str(address)

"""ESXi hosts as observations: the hardware that machines run on. No SDK."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from inventories.identity import serial_id, uuid_id
from inventories.model import Fact, Observation, Strength
from probes.vsphere.answers import Item
from probes.vsphere.fields import field, items, name, number, path, text, word
from probes.vsphere.frame import Frame, own_address, seen

#: Makers and products that are no hardware: an ESXi that itself runs in a virtual machine. After the table of
#: systemd-detect-virt (src/basic/virt.c, dmi_vendors).
_VIRTUAL = re.compile(
    r"^(KVM|OpenStack|KubeVirt|Amazon EC2|QEMU|VMware|VMW|innotek GmbH|VirtualBox|Xen|Bochs|Parallels|BHYVE|Hyper-V"
    r"|Apple Virtualization|Google Compute Engine)|^(Virtual Machine|HVM domU|Standard PC )",
)
#: Under which of these a maker puts the serial number differs. That of a blade's enclosure is many hosts'.
_SERIALS = ("SerialNumberTag", "ServiceTag")
_POWER = {"poweredOn": "on", "poweredOff": "off"}
#: A vCenter keeps a lost host for ever, and tells of it as if it stood there: it may have been scrapped years ago.
_LAST_KNOWN = "last known: the host does not answer the platform"


def hardware_uuid(item: Item) -> str:
    """A host's own UUID, as its firmware has it."""
    return text(path(item.get("summary.hardware"), "uuid"), 60)


def is_connected(item: Item) -> bool:
    """Whether what is said of it is of now: of a host that does not answer, a vCenter tells what it last knew."""
    return word(item.get("runtime.connectionState")) == "connected"


def observe_host(item: Item, frame: Frame) -> Observation:
    """What is known of a host; a hint and no more where it does not answer the platform.

    Where its hardware may not be read, that it is one is not said either.
    """
    hardware = item.get("summary.hardware")
    vendor, model = text(field(hardware, "vendor")), text(field(hardware, "model"))
    serial = _serial(item)
    cards = [text(field(card, "mac"), 40) for card in items(item.get("config.network.pnic"))]
    kernel = [(text(field(spec, "mac"), 40), spec) for spec in _vmkernel(item)]
    addresses = [a for _mac, spec in kernel for text_ in _addresses(spec) if (a := own_address(text_)) is not None]
    macs = frame.mac_ids([*cards, *(mac for mac, _spec in kernel)])
    uuid = hardware_uuid(item)
    identifiers = [
        uuid_id(uuid) if uuid else None,
        serial_id(vendor, serial),
        *macs,
        *(frame.address_id(address) for address in addresses),
    ]
    facts = [
        *seen("name", name(item.get("name"))),
        *_hardware(item, vendor, model),
        *seen("serial", serial),
        *seen("ips", tuple(dict.fromkeys(str(address) for address in addresses)), "vmkernel"),
        *seen("macs", tuple(dict.fromkeys(mac.value for mac in macs))),
    ]
    if not is_connected(item):
        facts = [replace(fact, strength=Strength.HINTED, evidence=_LAST_KNOWN) for fact in facts]
    return frame.observation("host", identifiers, facts)


def _hardware(item: Item, vendor: str, model: str) -> Iterator[Fact]:
    hardware, product = item.get("summary.hardware"), item.get("summary.config.product")
    software = " ".join(
        part for part in (text(field(product, "name"), 60), text(field(product, "version"), 40)) if part
    )
    full = text(field(product, "fullName"))
    if vendor or model:
        is_virtual = bool(_VIRTUAL.match(vendor) or _VIRTUAL.match(model))
        yield from seen("is_physical", not is_virtual, f"{vendor} {model}".strip())
    yield from seen("hypervisor", software, full)
    yield from seen("products", (f"hypervisor:{software}",) if software else (), full)
    yield from seen("vendor", vendor)
    yield from seen("model", model)
    yield from seen("cpu_model", text(field(hardware, "cpuModel")))
    memory = number(field(hardware, "memorySize"))
    yield from seen("memory_mb", memory // 2**20 if memory else None)
    if is_connected(item):
        yield from seen("power_state", _POWER.get(word(item.get("runtime.powerState"))))


def _serial(item: Item) -> str:
    told = text(item.get("hardware.systemInfo.serialNumber"), 100)
    if told:
        return told
    by_key = {
        text(path(info, "identifierType", "key"), 40): text(field(info, "identifierValue"), 100)
        for info in items(field(item.get("summary.hardware"), "otherIdentifyingInfo"))
    }
    return next((by_key[key] for key in _SERIALS if by_key.get(key)), "")


def _vmkernel(item: Item) -> Iterator[object]:
    for interface in items(item.get("config.network.vnic")):
        yield field(interface, "spec")


def _addresses(spec: object) -> Iterator[object]:
    yield path(spec, "ip", "ipAddress")
    for further in items(path(spec, "ip", "ipV6Config", "ipV6Address")):
        yield field(further, "ipAddress")

"""Virtual machines as observations. No SDK.

What VMware Tools say comes from within the machine, and is of now only where the Tools run and the machine's host
answers. An address counts for the machine only where it lies on one of its virtual cards: bridges that container
engines make inside have the same address on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from inventories.identity import instance_id, uuid_id
from inventories.model import Fact, Identifier, Observation, Strength
from inventories.places import Address
from probes.cloud_owners import Owner, owner
from probes.vsphere.answers import Item
from probes.vsphere.fields import field, items, moment, name, number, path, reference, text, word
from probes.vsphere.frame import Frame, common, own_address, seen
from probes.vsphere.tree import Place, Tree

_POWER = {"poweredOn": "on", "poweredOff": "off", "suspended": "suspended"}
_VIRTUAL = (*seen("platform", "vsphere"), *seen("is_physical", False))
_TALKING = frozenset({"guestToolsRunning", "guestToolsExecutingScripts"})
_NOBODY = Owner()
_WIDTH = re.compile(r"\s*\((32|64)[- ]bit\)$", re.IGNORECASE)
#: Before this, a machine's creation was not recorded: a date in the years of no vSphere is a clock's zero.
_FIRST_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Card:
    """A virtual network card as the machine's own system sees it. ``length`` 0: not told."""

    mac: str
    addresses: tuple[tuple[Address, int], ...]


def is_template(item: Item) -> bool:
    return item.get("config.template") is True


def is_listed_whole(item: Item) -> bool:
    """Whether it is known to be a machine at all, and no template."""
    return isinstance(item.get("config.template"), bool)


def is_current(item: Item) -> bool:
    return word(item.get("runtime.connectionState")) in ("", "connected")


def talks(item: Item) -> bool:
    """Whether the machine's own system tells of itself, through the Tools, now."""
    return is_current(item) and word(item.get("guest.toolsRunningStatus")) in _TALKING


def guest_cards(item: Item) -> list[Card]:
    """The cards of which the machine's own system tells; none where the Tools are silent."""
    if not talks(item):
        return []
    cards = []
    for told in items(item.get("guest.net")):
        device = field(told, "deviceConfigId")
        if isinstance(device, int) and device > 0:
            cards.append(Card(text(field(told, "macAddress"), 40), tuple(_addresses(told))))
    return cards


def device_macs(devices: object) -> list[str]:
    """The hardware addresses of the cards that a machine is built with, whatever runs in it."""
    return [mac for device in items(devices) if (mac := text(field(device, "macAddress"), 40))]


def is_mute(item: Item, cards: Sequence[Card]) -> bool:
    """Whether it may well be on the network, and does not say as whom: then its devices have to be asked for.

    They are long to read; of one that is off, nobody on the network can know the cards.
    """
    return not cards and not item.is_denied and word(item.get("runtime.powerState")) == "poweredOn"


def observe_machine(
    item: Item,
    frame: Frame,
    tree: Tree,
    attributes: Mapping[int, str],
    cards: Sequence[Card],
    macs: Sequence[str] = (),
) -> Observation:
    """``attributes`` maps the keys of custom attributes to their names; ``macs`` are those of its devices."""
    ids = frame.mac_ids([*(card.mac for card in cards), *macs])
    own_name = name(item.get("name"))
    place = tree.place(reference(item.get("parent")) or reference(item.get("parentVApp")))
    notes = dict(_notes(item, attributes))
    belongs = _owner(frame, own_name, place, notes)
    facts = [
        *seen("name", own_name),
        *_VIRTUAL,
        *(common("power_state", _POWER.get(word(item.get("runtime.powerState")))) if is_current(item) else ()),
        *common("guest_tools", word(item.get("guest.toolsRunningStatus"))),
        *_system(item),
        *seen("ips", tuple({str(address): None for card in cards for address, _ in card.addresses}), "VMware Tools"),
        *seen("macs", tuple({mac.value: None for mac in ids})),
        *common("cloud_project", place.path),
        *common("cloud_tags", tuple(f"{key}={value}" for key, value in notes.items())),
        *common("system_codes", belongs.systems, belongs.evidence),
        *_created(item, frame),
    ]
    identifiers = [*_identity(item, frame), *ids, *_addressed(cards, frame)]
    return frame.observation("host", identifiers, facts, belongs.department_id)


def _owner(frame: Frame, own_name: str, place: Place, notes: Mapping[str, str]) -> Owner:
    """A folder is what a project is elsewhere: rows on either are held against it."""
    if not frame.belongs:
        return _NOBODY
    texts = {"name": (own_name,), "folder": place.spellings, "project": place.spellings}
    return owner(frame.belongs, texts | {f"metadata:{key}": (value,) for key, value in notes.items()})


def _identity(item: Item, frame: Frame) -> Iterator[Identifier | None]:
    instance, hardware = text(item.get("config.instanceUuid"), 60), text(item.get("config.uuid"), 60)
    if instance and frame.cloud:
        yield instance_id(frame.cloud, instance.lower())
    if hardware:
        yield uuid_id(hardware)


def _addressed(cards: Sequence[Card], frame: Frame) -> Iterator[Identifier | None]:
    for card in cards:
        for address, length in card.addresses:
            # A mask of the full length is how a service that wanders between machines puts its address on one.
            if length != address.max_prefixlen:
                yield frame.address_id(address)


def _addresses(card: object) -> Iterator[tuple[Address, int]]:
    """A card's addresses with the length of their prefix; older Tools tell the addresses alone."""
    told = items(path(card, "ipConfig", "ipAddress"))
    for entry in told:
        found = own_address(field(entry, "ipAddress"))
        if found is not None:
            yield found, number(field(entry, "prefixLength")) or 0
    if not told:
        for plain in items(field(card, "ipAddress")):
            found = own_address(plain)
            if found is not None:
                yield found, 0


def _system(item: Item) -> Iterator[Fact]:
    """What a look from within would know better, and so is said more weakly than what the platform itself decides."""
    memory = number(item.get("config.hardware.memoryMB"))
    yield from common("memory_mb", memory, "configured", Strength.SEEN_OUTSIDE)
    told = ""
    if talks(item):
        yield from seen("hostname", text(item.get("guest.hostName")), "VMware Tools", Strength.SEEN_OUTSIDE)
        told = _product(item.get("guest.guestFullName"))
    if told:
        # "... or later" is a family of systems, not one.
        strength = Strength.HINTED if told.endswith("or later") else Strength.SEEN_OUTSIDE
        yield from common("os_name", told, "VMware Tools", strength)
    else:
        chosen = _product(item.get("config.guestFullName"))
        yield from common("os_name", chosen, "chosen when the machine was made", Strength.HINTED)


def _product(value: object) -> str:
    """A system's name without its width; ``Other Linux`` names nothing."""
    found = text(value)
    if found.endswith(")"):
        found = _WIDTH.sub("", found)
    return "" if found.lower().startswith("other") else found


def _notes(item: Item, attributes: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    for entry in items(item.get("customValue")):
        key, value = field(entry, "key"), text(field(entry, "value"))
        known = attributes.get(key) if isinstance(key, int) else None
        if known and value:
            yield known, value


def _created(item: Item, frame: Frame) -> list[Fact]:
    made = moment(item.get("config.createDate"))
    if made is None:
        return []
    day = made.astimezone(frame.today.tzinfo).date()
    return seen("created_on", day) if day.year >= _FIRST_YEAR and day <= frame.today.date() else []

"""The platform itself as one observation: a vCenter with what it manages, or an ESXi host by itself. No SDK."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from inventories.identity import code_id, uuid_id
from inventories.model import Observation
from probes.vsphere import fields
from probes.vsphere.answers import About, Item
from probes.vsphere.frame import Frame, seen

#: How many names of each kind one observation holds.
_MOST_NAMES = 1000
#: Port groups that carry a distributed switch's own uplinks, and no machine.
_UPLINKS = "SYSTEM/DVS.UPLINKPG"


@dataclass(slots=True)
class Inventory:
    """What was listed so far. The counts mean something only where the listing was whole."""

    hosts: int = 0
    machines: int = 0
    clusters: dict[str, None] = field(default_factory=dict)
    datastores: dict[str, None] = field(default_factory=dict)
    #: Network → the VLANs that it has been seen with; none for an untagged one.
    networks: dict[str, set[str]] = field(default_factory=dict)

    def add_cluster(self, item: Item) -> None:
        _note(self.clusters, fields.name(item.get("name")))

    def add_datastore(self, item: Item) -> None:
        """``NAME KIND CAPACITY GB``"""
        size = fields.number(item.get("summary.capacity"))
        parts = (fields.name(item.get("name")), fields.word(item.get("summary.type")))
        _note(self.datastores, " ".join(part for part in (*parts, f"{size // 10**9} GB" if size else "") if part))

    def add_network(self, item: Item) -> None:
        tags = {fields.text(fields.field(tag, "key"), 60) for tag in fields.items(item.get("tag"))}
        if _UPLINKS not in tags:
            vlan = fields.path(item.get("config.defaultPortConfig"), "vlan")
            self._network(fields.name(item.get("name")), _distributed(vlan))

    def add_port_groups(self, host: Item) -> None:
        """The networks of a host's own switches, of which only the host knows the VLAN."""
        for group in fields.items(host.get("config.network.portgroup")):
            spec = fields.field(group, "spec")
            self._network(fields.text(fields.field(spec, "name")), _vlan(fields.field(spec, "vlanId")))

    def _network(self, named: str, vlan: str) -> None:
        if named and (named in self.networks or len(self.networks) < _MOST_NAMES):
            self.networks.setdefault(named, set()).update({vlan} - {""})

    def network_words(self) -> Iterator[str]:
        for named, vlans in self.networks.items():
            yield from (f"{named} VLAN {vlan}" for vlan in sorted(vlans))
            if not vlans:
                yield named


def observe_platform(
    frame: Frame, about: About, endpoint: str, code: str, inventory: Inventory, *, hosts: bool, machines: bool
) -> Observation:
    """``code`` is the cloud's in the registers, where the site gives one.

    ``hosts`` and ``machines``: whether all of them were listed; otherwise their number is not known.
    """
    identifier = code_id("cloud", code) if code else uuid_id(frame.cloud)
    facts = [
        *seen("platform", about.kind, about.product),
        *seen("endpoint", endpoint),
        *seen("software_version", about.version, about.product),
        *seen("clusters", _names(inventory.clusters)),
        *seen("datastores", _names(inventory.datastores)),
        *seen("networks_observed", _names(inventory.network_words())),
        *(seen("hosts_total", inventory.hosts) if hosts else ()),
        *(seen("vms_total", inventory.machines) if machines else ()),
    ]
    return frame.observation("cloud", [identifier], facts)


def _note(names: dict[str, None], named: str) -> None:
    if named and len(names) < _MOST_NAMES:
        names[named] = None


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(list(names)[:_MOST_NAMES])


def _vlan(value: object) -> str:
    """0 is no VLAN; 4095 passes every one through to the machines (vSphere: virtual guest tagging)."""
    found = fields.number(value)
    return "" if found is None else "0-4094" if found == 4095 else str(found)


def _distributed(spec: object) -> str:
    """Of a distributed port group: one VLAN, or the ranges of a trunk; a private one by its own number."""
    inner = fields.field(spec, "vlanId")
    ranges = [(fields.field(entry, "start"), fields.field(entry, "end")) for entry in fields.items(inner)]
    if ranges:
        return ",".join(f"{low}-{high}" if low != high else f"{low}" for low, high in ranges if _both(low, high))
    return _vlan(inner) or _vlan(fields.field(spec, "pvlanId"))


def _both(low: object, high: object) -> bool:
    return isinstance(low, int) and isinstance(high, int)

"""From a cloud's rows to observations: pure, with every field's type checked and every text made safe to show."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo

from inventories.faults import clean
from inventories.identity import instance_id, ip_id, mac_id, uuid_id
from inventories.model import Fact, Identifier, Observation, Strength, Value
from inventories.places import Network, Zone
from probes.access import Belongs
from probes.cloud_owners import owner

#: How much of a name, a tag or a value is kept, and how many tags.
NAME, TAG, MOST_TAGS = 100, 200, 100

#: Nova's numbers for what a machine does (nova.compute.power_state).
_POWER = {1: "on", 3: "suspended", 4: "off", 6: "off", 7: "suspended"}
#: Where the number says nothing: the server's status.
_STATUS = {
    "ACTIVE": "on",
    "SHUTOFF": "off",
    "STOPPED": "off",
    "SHELVED": "off",
    "SHELVED_OFFLOADED": "off",
    "PAUSED": "suspended",
    "SUSPENDED": "suspended",
}
#: Hypervisors that are a machine of their own, as nova calls them. Ironic's nodes and vCenter's clusters are none.
_MACHINES = frozenset({"qemu", "kvm", "xen", "hyperv", "lxc"})


class Fields:
    """A row whose fields are what they should be, or as good as missing; ``odd`` names those that are not."""

    def __init__(self, row: Mapping[str, object]) -> None:
        self.row = row
        self.odd: list[str] = []

    def text(self, name: str) -> str:
        value = self.row.get(name)
        if value is not None and not isinstance(value, str):
            self.odd.append(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> int:
        """A whole number; 0 where there is none."""
        value = self.row.get(name)
        fine = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 60
        if value is not None and not fine:
            self.odd.append(name)
        return value if fine and isinstance(value, int) else 0

    def mapping(self, name: str) -> Mapping[str, object]:
        value = self.row.get(name)
        if value is not None and not isinstance(value, dict):
            self.odd.append(name)
        return value if isinstance(value, dict) else {}

    def rows(self, name: str) -> Sequence[Mapping[str, object]]:
        value = self.row.get(name)
        good: list[Mapping[str, object]] = (
            [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
        )
        if value is not None and (not isinstance(value, list) or len(good) != len(value)):
            self.odd.append(name)
        return good

    def texts(self, name: str) -> list[str]:
        value = self.row.get(name)
        good = [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
        if value is not None and (not isinstance(value, list) or len(good) != len(value)):
            self.odd.append(name)
        return good


@dataclass(frozen=True, slots=True)
class Port:
    """A network port: its hardware address and its addresses."""

    id: str
    mac: str
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, read: Fields) -> Port:
        spots = (Fields(spot).text("ip_address") for spot in read.rows("fixed_ips"))
        return cls(read.text("id"), read.text("mac_address"), tuple(filter(None, spots)))


@dataclass(frozen=True, slots=True)
class Image:
    """What an image says is in it."""

    name: str = ""
    system: str = ""

    @classmethod
    def of(cls, read: Fields) -> Image:
        system = " ".join(filter(None, (read.text("os_distro"), read.text("os_version"))))
        return cls(clean(read.text("name"), NAME), clean(system, NAME))


@dataclass(frozen=True, slots=True)
class Joined:
    """What a region's servers are joined with: by server, by port, by image, by flavor."""

    ports: dict[str, list[Port]] = field(default_factory=dict)
    floating: dict[str, list[str]] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    volumes: dict[str, list[str]] = field(default_factory=dict)
    booted: dict[str, Image] = field(default_factory=dict)
    flavors: dict[str, int] = field(default_factory=dict)


def shown(name: str) -> str:
    """A name as observations and coverage have it."""
    return clean(name, NAME)


def hypervisors_of(cloud: str) -> str:
    """Under what a cloud's hypervisors are kept: none of its resources, and hidden from many who see those."""
    return f"{cloud}/hypervisors"


@dataclass(frozen=True, slots=True)
class Teller:
    """What is the same for every observation of one cloud. ``cloud`` names it in its instances' identity."""

    zone: Zone
    source: str
    cloud: str
    at: datetime
    local: tzinfo | None
    belongs: Sequence[Belongs] = ()
    collector: str = "openstack"

    def server(self, row: Mapping[str, object], project: str, joined: Joined) -> tuple[Observation, tuple[str, ...]]:
        """A server, and the names of fields that are not what they should be."""
        read = Fields(row)
        ident = read.text("id")
        ports = joined.ports.get(ident, ())
        addresses, macs = _addresses(read, ports, joined.floating)
        tags = read.texts("tags")
        metadata = {key: value for key, value in read.mapping("metadata").items() if isinstance(value, str)}
        name = read.text("name")
        whose = owner(
            self.belongs,
            {
                "project": (project,) if project else (),
                "name": (name,),
                "tag": tags,
                **{f"metadata:{key}": (value,) for key, value in metadata.items()},
            },
        )
        platform = "gov_cloud" if self.zone.kind == "government_cloud" else "openstack"
        facts = [
            _fact("name", clean(name, NAME)),
            _fact("platform", platform),
            Fact("is_physical", False, Strength.SEEN_INSIDE),
            _fact("power_state", _power(read)),
            _fact("cloud_project", shown(project)),
            _fact("cloud_tags", _tags(tags, metadata)),
            _fact("memory_mb", _memory(read, joined.flavors)),
            _fact("created_on", _day(read.text("created"), self.local)),
            _fact("ips", tuple(addresses)),
            _fact("macs", tuple(macs)),
            _fact("mounts", tuple(joined.volumes.get(ident, ()))),
            _public(addresses),
            _system(read, ident, joined),
        ]
        if whose.systems:
            facts.append(Fact("system_codes", whose.systems, Strength.SEEN_INSIDE, whose.evidence))
        identifiers = [instance_id(self.cloud, ident), uuid_id(ident), *self._seen_at(addresses, macs)]
        seen = self._observation("host", identifiers, facts, whose.department_id)
        return seen, tuple(read.odd)

    def hypervisor(self, row: Mapping[str, object], shared: frozenset[str]) -> tuple[Observation, tuple[str, ...]]:
        """A hypervisor. ``shared`` are addresses that several of them give: those of a service, not of a machine."""
        read = Fields(row)
        ident, kind = read.text("id"), read.text("hypervisor_type")
        machine = kind.casefold() in _MACHINES
        address = read.text("host_ip")
        spots = [address] if machine and address not in shared else []
        version = _hypervisor_version(read.number("hypervisor_version"))
        software = clean(" ".join(filter(None, (kind, version))), NAME)
        facts = [_fact("name", clean(read.text("hypervisor_hostname"), NAME)), _fact("hypervisor", software)]
        if machine and not _is_nested(row.get("cpu_info")):
            # That it is no guest itself is only inferred from its kind: what is read on it is stronger.
            facts.append(Fact("is_physical", True, Strength.SEEN_OUTSIDE, f"nova: {software}"))
        identifiers = [instance_id(hypervisors_of(self.cloud), ident), *self._seen_at(spots, ())]
        return self._observation("host", identifiers, facts), tuple(read.odd)

    def cloud_itself(self, identifier: Identifier, facts: Mapping[str, Value]) -> Observation:
        return self._observation("cloud", [identifier], [_fact(name, value) for name, value in facts.items()])

    def _seen_at(self, addresses: Iterable[str], macs: Iterable[str]) -> list[Identifier | None]:
        """Identifiers that mean something as seen from the zone: only addresses in its prefixes do."""
        vantage = self.zone.vantage
        inside = [text for text in addresses if _lies_in(text, self.zone.prefixes)]
        return [*(ip_id(text, vantage) for text in inside), *(mac_id(mac, vantage) for mac in macs)]

    def _observation(
        self, kind: str, identifiers: Iterable[Identifier | None], facts: Iterable[Fact], department: str = ""
    ) -> Observation:
        return Observation(
            kind=kind,
            collector=self.collector,
            source=self.source,
            observed_at=self.at,
            identifiers=tuple(dict.fromkeys(i for i in identifiers if i is not None)),
            facts=tuple(fact for fact in facts if fact.value not in ("", (), None)),
            zone=self.zone.id,
            department_id=department,
        )


def unshared(observations: Sequence[Observation]) -> Iterable[Observation]:
    """Without addresses and MACs that several servers claim: projects may use the same private prefix each."""
    counts = Counter(i for o in observations for i in o.identifiers if i.scheme in ("ip", "mac"))
    shared: set[Identifier] = {identifier for identifier, count in counts.items() if count > 1}
    for one in observations:
        if shared.isdisjoint(one.identifiers):
            yield one
        else:
            yield replace(one, identifiers=tuple(i for i in one.identifiers if i not in shared))


def _fact(column: str, value: Value) -> Fact:
    """A fact read through the owner's API; one without a value is dropped."""
    return Fact(column, value, Strength.SEEN_INSIDE)


def _addresses(
    read: Fields, ports: Sequence[Port], floating: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[str]]:
    """Every address and hardware address of a server: as nova remembers them, and as its ports have them."""
    found: dict[str, None] = {}
    macs: dict[str, None] = {}
    for spots in read.mapping("addresses").values():
        if not isinstance(spots, list):
            read.odd.append("addresses")
            continue
        for spot in spots:
            if not isinstance(spot, dict) or not isinstance(spot.get("addr"), str):
                read.odd.append("addresses")
                continue
            found[spot["addr"]] = None
            mac = spot.get("OS-EXT-IPS-MAC:mac_addr")
            if isinstance(mac, str):
                macs[mac.lower()] = None
    for port in ports:
        found.update(dict.fromkeys((*port.addresses, *floating.get(port.id, ()))))
        macs[port.mac.lower()] = None
    good = [str(parsed) for text in found if (parsed := _parsed(text, read)) is not None]
    return sorted(dict.fromkeys(good)), sorted(mac for mac in macs if mac_id(mac, "any") is not None)


def _parsed(text: str, read: Fields) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        read.odd.append("addresses")
        return None
    return None if parsed.is_unspecified or parsed.is_multicast or parsed.is_link_local else parsed


def _lies_in(address: str, prefixes: Iterable[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed.version == prefix.version and parsed in prefix for prefix in prefixes)


def _power(read: Fields) -> str:
    number = read.number("OS-EXT-STS:power_state")
    status = read.text("status").upper()
    # A shelved machine's number is that of before.
    return _STATUS.get(status, "") if status.startswith("SHELVED") else _POWER.get(number) or _STATUS.get(status, "")


def _tags(tags: Sequence[str], metadata: Mapping[str, str]) -> tuple[str, ...]:
    both = [*tags, *(f"{key}={value}" for key, value in sorted(metadata.items()))]
    return tuple(dict.fromkeys(clean(text, TAG) for text in both if text))[:MOST_TAGS]


def _memory(read: Fields, flavors: Mapping[str, int]) -> int | None:
    flavor = Fields(read.mapping("flavor"))
    memory = flavor.number("ram") or flavors.get(flavor.text("id"), 0)
    if flavor.odd:
        read.odd.append("flavor")
    return memory or None


def _day(text: str, local: tzinfo | None) -> date | None:
    """The day of a moment such as ``2026-03-02T04:00:00Z``, on the site's calendar."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(local or UTC).date()
    except OverflowError:
        return None


def _public(addresses: Sequence[str]) -> Fact:
    public = [text for text in addresses if ipaddress.ip_address(text).is_global]
    # None among them says nothing: the cloud's own gateway may translate to one.
    return Fact("has_public_ip", True if public else None, Strength.SEEN_INSIDE, ", ".join(public[:5]))


def _system(read: Fields, ident: str, joined: Joined) -> Fact:
    """What the image says; whoever made it may have named it anything, and the machine may run something else now."""
    image = read.row.get("image")
    chosen = image.get("id") if isinstance(image, dict) else None
    found = joined.images.get(chosen) if isinstance(chosen, str) else None
    found = found or joined.booted.get(ident) or Image()
    return Fact("os_name", found.system or found.name, Strength.HINTED, f"image {found.name}")


def _hypervisor_version(number: int) -> str:
    """libvirt's 8002000 is 8.2.0."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}" if number >= 1_000_000 else ""


def _is_nested(cpu_info: object) -> bool:
    """Whether the processor itself says that it is a guest's: libvirt lists the flag ``hypervisor`` then."""
    return bool(re.search(r'"hypervisor"', str(cpu_info).replace("'", '"'))) if cpu_info else False

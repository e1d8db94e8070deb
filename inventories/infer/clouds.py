"""Virtualisation platforms that answer in a department's network and that no register names. Pure.

What counts stands in section ``clouds`` of ``evidence.yaml``. A platform whose own interface the department opened to
us is read as an asset already; here it is told whether it is one that the site names, and its parts are its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from inventories.identity import place_id, plain_name
from inventories.infer.draft import Draft, Drafts, Ground
from inventories.infer.evidence import (
    CLOUD_FROM,
    CLOUD_INTERFACE,
    CLOUD_KIND_FROM,
    CLOUD_MOST,
    CLOUD_OTHER_PARTS,
    PLATFORMS,
    Platform,
)
from inventories.infer.machines import Machine, Shown, is_workstation, shown_of, sightings_of
from inventories.infer.sightings import Product
from inventories.infer.world import World, register_ground, submission_ground, texts, web_address
from inventories.model import Asset, Identifier, KeyMap, SourcedFact, Strength
from inventories.places import Network, Zone
from inventories.prefixes import Ranges, network, position
from inventories.reconcile import SITE_SOURCE
from inventories.thing import Thing

#: Categories of products that may manage machines, or run what others manage.
PLATFORM_CATEGORIES = frozenset({"hypervisor", "cloud_platform", "container"})
#: Kinds of declared clouds that a platform in a department's own network may be.
_MAY_BE_OWN = (None, "virtualisation", "industry", "county")


@dataclass(frozen=True, slots=True)
class Part:
    """One machine on which a platform was seen."""

    platform: Platform
    shown: Shown
    machine: Machine

    @property
    def ground(self) -> Ground:
        return self.shown.ground(self.machine)

    @property
    def endpoint(self) -> str:
        port = f":{self.shown.product.port}" if self.shown.product.port else ""
        return f"{self.machine.address}{port}" if self.machine.address else ""


@dataclass(frozen=True, slots=True)
class Installation:
    """What belongs together: the managers and hosts of one platform in one department's place."""

    zone: Zone
    department_id: str
    family: str
    parts: tuple[Part, ...]

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        return (place_id(self.department_id, self.zone.id, self.zone.location, f"cloud-{self.family}"),)

    @property
    def main(self) -> Part:
        """The part that one logs in to: a manager before a host, then the first address."""
        return min(
            self.parts,
            key=lambda p: (not p.platform.is_manager, position(p.machine.address) or (9, 0), p.shown.product),
        )

    @property
    def confidence(self) -> float:
        """The best platform's score: its first machine, each further one, and a little for the other parts."""
        machines: dict[Platform, set[str]] = {}
        for part in self.parts:
            machines.setdefault(part.platform, set()).add(part.machine.host.key)
        best = max(p.first + p.further * (min(len(keys), p.most) - 1) for p, keys in machines.items())
        return round(min(best + CLOUD_OTHER_PARTS * (len(machines) - 1), CLOUD_MOST), 2) if best else 0.0

    def thing(self, timezone: tzinfo, today: date) -> Thing:
        newest = max(part.ground.observed_at for part in self.parts)
        return Thing("cloud", self.identifiers, seen_on=min(newest.astimezone(timezone).date(), today))


def platform_of(product: Product) -> Platform | None:
    """The platform that a product of the fingerprints is, if it manages machines."""
    if product.category not in PLATFORM_CATEGORIES:
        return None
    name = plain_name(product.name)
    return next((platform for word, platform in PLATFORMS.items() if word in name), None)


def find_installations(world: World, machines: Iterable[Machine]) -> list[Installation]:
    """Platforms seen by name in departments' networks that no known cloud may be, in a fixed order."""
    found: dict[tuple[str, str, str], list[Part]] = {}
    known = _Known(world)
    for machine in machines:
        if is_workstation(machine.host):
            continue
        for shown in shown_of(machine.host):
            platform = platform_of(shown.product)
            # A hypervisor inside a guest is somebody's trial; a manager is a guest by its nature.
            if platform is None or (machine.host.get("is_physical") is False and not platform.is_manager):
                continue
            if not known.accounts(machine, platform):
                key = (machine.zone.id, machine.department_id, platform.family)
                found.setdefault(key, []).append(Part(platform, shown, machine))
    installations = [
        Installation(world.zones[zone_id], department, family, tuple(parts))
        for (zone_id, department, family), parts in sorted(found.items(), key=lambda item: item[0])
    ]
    return [one for one in installations if one.confidence >= CLOUD_FROM]


class _Known:
    """The clouds that registers name or that opened their interface to us, and what each may account for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._by_endpoint: dict[str, list[Asset]] = {}
        self._vague: dict[str, list[Asset]] = {}
        self._may_be_vague: dict[tuple[str, Platform], bool] = {}
        self._by_source: dict[str, list[Asset]] = {}
        prefixes_at: dict[tuple[str, str], list[Network]] = {}
        for cloud in world.kinds["cloud"]:
            endpoint = web_address(cloud.text("endpoint"))[0]
            prefixes = [parsed for text in texts(cloud, "prefixes") if (parsed := network(text))]
            if endpoint:
                self._by_endpoint.setdefault(endpoint.casefold(), []).append(cloud)
            for vantage in self._vantages(cloud) if prefixes else ():
                prefixes_at.setdefault((cloud.text("department_id"), vantage), []).extend(prefixes)
            if not (endpoint and position(endpoint)) and not prefixes:
                self._vague.setdefault(_owner(world, cloud), []).append(cloud)
            if is_read(cloud):
                for source in texts(cloud, "sources"):
                    self._by_source.setdefault(source, []).append(cloud)

        #: Owner (empty: not told) and vantage (empty: any) → the addresses of their clouds.
        self._ranges = {place: Ranges(prefixes) for place, prefixes in prefixes_at.items()}

    def accounts(self, machine: Machine, platform: Platform) -> bool:
        """By its own interface's listing, its endpoint or its prefixes; a cloud that gives neither may be any."""
        listed = [cloud for source in texts(machine.host, "sources") for cloud in self._by_source.get(source, ())]
        if any(_may_be(cloud, platform) for cloud in listed):
            return True
        at = [s.address for s in sightings_of(self.world, machine.host)] or [machine.address]
        names = {tls.text.casefold() for s in sightings_of(self.world, machine.host) for tls in s.tls_names}
        if any(self._is_near(cloud, machine) for name in (*at, *names) for cloud in self._by_endpoint.get(name, ())):
            return True
        for place in _places(machine):
            if place in self._ranges and any(self._ranges[place].holds_address(address) for address in at):
                return True
        asked = (machine.department_id, platform)
        if asked not in self._may_be_vague:
            vague = [c for c in self._vague.get(machine.department_id, ()) if c.get("kind") in _MAY_BE_OWN]
            self._may_be_vague[asked] = any(_may_be(cloud, platform) for cloud in vague)
        return self._may_be_vague[asked]

    def _is_near(self, cloud: Asset, machine: Machine) -> bool:
        """Whether a cloud's addresses may be meant here: by its owner, and by where its interface was seen from."""
        owner = cloud.text("department_id")
        return any((owner, vantage) in _places(machine) for vantage in self._vantages(cloud))

    def _vantages(self, cloud: Asset) -> set[str]:
        """The vantages from which a cloud's interface was seen; the empty text where that is not told."""
        return {self.world.zones[zone].vantage for zone in cloud.zones if zone in self.world.zones} or {""}


def _places(machine: Machine) -> list[tuple[str, str]]:
    """The owners and vantages of clouds whose addresses may be meant at a machine."""
    return [(owner, vantage) for owner in ("", machine.department_id) for vantage in ("", machine.zone.vantage)]


def is_read(cloud: Asset) -> bool:
    """Whether a cloud's own interface told us of it."""
    return any(fact.strength is Strength.SEEN_INSIDE for fact in cloud.facts)


def _owner(world: World, cloud: Asset) -> str:
    """The department of a cloud: by its register, or as the owner of the zone in which its interface was opened."""
    if department := cloud.text("department_id"):
        return department
    zone = world.zones.get(cloud.zones[0]) if len(cloud.zones) == 1 else None
    return zone.department_id if zone is not None and zone.kind == "department" and not zone.owners else ""


def _may_be(cloud: Asset, platform: Platform) -> bool:
    """Whether a cloud's own word for its software leaves it open that it is this platform."""
    said = plain_name(cloud.text("platform"))
    if not said or any(word in said for word in (platform.code, platform.family, plain_name(platform.title))):
        return True
    return any(word in said and other.family == platform.family for word, other in PLATFORMS.items())


def mark_declared(world: World, drafts: Drafts) -> None:
    """``is_inferred`` FALSE for every cloud, room and network that a register names, or the site."""
    for kind in ("cloud", "room", "network"):
        for asset in world.kinds[kind]:
            ground = register_ground(asset)
            if ground is not None:
                drafts.edit(asset).conclude("is_inferred", False, ground)
    for cloud in world.kinds["cloud"]:
        if cloud.get("is_declared") is not True and is_read(cloud):
            _judge_read(world, cloud, drafts.edit(cloud))


def _judge_read(world: World, cloud: Asset, draft: Draft) -> None:
    """A cloud that its own interface told us of, and that no register names.

    Under a code that the site's configuration gives it, it is that cloud. Without one, in a department's network, it
    is that department's own, and undeclared.
    """
    told = next(fact for fact in cloud.facts if fact.strength is Strength.SEEN_INSIDE)
    codes = [i.value for i in cloud.identifiers if i.scheme == "cloud-code"]
    if codes:
        words = f"站点配置写明的云 {codes[0]}，接口由其主管单位开放"
        draft.conclude("is_inferred", False, Ground(Strength.DECLARED, SITE_SOURCE, told.observed_at, words))
        return
    zone = world.zones.get(cloud.zones[0]) if len(cloud.zones) == 1 else None
    if zone is None or zone.kind != "department":
        return
    evidence = _read_lines(cloud, told)
    ground = Ground(Strength.SEEN_INSIDE, told.source, told.observed_at, evidence[0])
    draft.conclude("kind", "virtualisation", ground)
    draft.conclude("is_inferred", True, ground)
    draft.conclude("inference_confidence", CLOUD_INTERFACE, ground)
    if not cloud.text("name"):
        draft.conclude("name", f"{zone.name} {cloud.text('platform') or '云平台'} 平台（推断）", ground)
    department = _owner(world, cloud)
    if department and not cloud.text("department_id"):
        _owned(world, draft, department, zone, ground)
    draft.conclude("inference_evidence", tuple(sorted({*evidence, *_register_lines(world, department)})), ground)


def _read_lines(cloud: Asset, told: SourcedFact) -> list[str]:
    counted = [
        f"{title} {value}"
        for column, title in (("hosts_total", "物理主机"), ("vms_total", "虚拟机"))
        if (value := cloud.get(column)) is not None
    ]
    said = "、".join([cloud.text("endpoint") or cloud.text("platform"), *counted])
    return [f"平台自身接口读取：{said}（{told.source}）"]


def _register_lines(world: World, department: str) -> Sequence[str]:
    submission = world.submitted("clouds", department)
    return [submission_ground(submission, "部门云平台台账中没有此平台").evidence] if submission else []


def _owned(world: World, draft: Draft, department: str, zone: Zone, ground: Ground) -> None:
    owned = Ground(Strength.DECLARED, ground.source, ground.observed_at, f"网络区域 {zone.name}")
    world.join_department(draft, department, owned)
    world.join_nil_return(draft, department)


def add_clouds(world: World, drafts: Drafts, found: Iterable[tuple[Installation, str]], keymap: KeyMap) -> None:
    """Adds a cloud for each installation, under its key. Where the evidence is weak its kind is left open."""
    for installation, key in found:
        main, zone, sure = installation.main, installation.zone, installation.confidence
        ground = main.ground
        sources = sorted({part.ground.source for part in installation.parts})
        draft = Draft("cloud", key, installation.identifiers, collectors=_collectors(installation))
        draft.values.update(
            key=key,
            sources=tuple(sources),
            is_observed=True,
            is_declared=False,
            first_seen_on=keymap.first_seen[key],
            last_seen_on=keymap.last_seen[key],
        )
        draft.zones.add(zone.id)
        draft.conclude("name", f"{zone.name} {main.platform.title} 平台（推断）", ground)
        if sure >= CLOUD_KIND_FROM:
            draft.conclude("kind", "virtualisation", ground)
        draft.conclude("platform", main.platform.code, ground)
        if main.endpoint:
            draft.conclude("endpoint", main.endpoint, ground)
        draft.conclude("is_inferred", True, ground)
        draft.conclude("inference_confidence", sure, ground)
        evidence = {part.ground.evidence for part in installation.parts}
        evidence.update(_register_lines(world, installation.department_id))
        draft.conclude("inference_evidence", tuple(sorted(evidence)), ground)
        _owned(world, draft, installation.department_id, zone, ground)
        drafts.add(draft)


def _collectors(installation: Installation) -> tuple[str, ...]:
    told = {name for part in installation.parts for name in part.machine.host.collectors}
    return tuple(sorted(told - {"register"}))

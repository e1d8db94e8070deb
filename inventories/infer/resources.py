"""Cloud instances that their cloud's own interface listed, and who may claim each. Pure.

Why an instance may be a system's is decided in :mod:`.bonds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from inventories.identity import instance_parts, plain_code, uuid_id
from inventories.infer.bonds import Bonds, Claim
from inventories.infer.draft import Ground
from inventories.infer.instances import LISTERS, is_instance, is_listed, names_of, owner_of
from inventories.infer.terms import PLATFORM_INSTANCES
from inventories.infer.world import World, identifiers, texts
from inventories.model import Asset, Strength

#: What a register calls a cloud, and what a zone is → the place of a system that runs there.
_CLOUD_PLACES: Mapping[str, str] = {
    "government": "gov_cloud",
    "county": "gov_cloud",
    "industry": "industry_cloud",
    "public": "public_cloud",
    "virtualisation": "private_cloud",
}
_ZONE_PLACES: Mapping[str, str] = {
    "government_cloud": "gov_cloud",
    "industry_cloud": "industry_cloud",
    "public": "public_cloud",
    "department": "private_cloud",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """One instance. ``place`` is the place of a system that runs on it, empty where nobody can tell.

    ``owner`` is the department that the cloud's mapping, a register or the site names for it (the operator of a
    cloud that serves many is none). ``claims`` are in a fixed order. ``listed_by`` and ``listed_at``: who listed it.
    """

    host: Asset
    cloud_code: str
    cloud: Asset | None
    place: str
    owner: str
    listed_by: str
    listed_at: datetime
    claims: tuple[Claim, ...] = ()

    @property
    def project(self) -> str:
        return self.host.text("cloud_project")

    @property
    def power(self) -> str:
        """``on``, ``off``, ``suspended``; empty where the cloud does not say, or contradicts itself."""
        return self.host.text("power_state")

    @property
    def is_platforms(self) -> bool:
        """Whether its name is one that a platform gives to machines that it makes for itself."""
        return any(PLATFORM_INSTANCES.match(name) for name in names_of(self.host))

    @property
    def title(self) -> str:
        """What people call it: its cloud, project and name."""
        cloud = (self.cloud.text("name") if self.cloud else "") or self.cloud_code or "云平台"
        name = next(iter(names_of(self.host)), "") or self.host.key
        return f"{cloud}{f' {self.project}' if self.project else ''} 云主机 {name}"

    def ground(self, strength: Strength, words: str) -> Ground:
        return Ground(strength, self.listed_by, self.listed_at, f"{self.title}{words}")


class Resources:
    """All instances that were listed, in the order of their keys, and whose each may be."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.all: tuple[Resource, ...] = ()
        self._by_system: dict[str, list[tuple[Resource, Claim]]] = {}
        self._at: dict[tuple[str, str], list[Resource]] = {}
        self._by_host: dict[str, Resource] = {}
        #: Code of a cloud → owner → the instances that are surely no system's.
        self._loose: dict[str, dict[str, list[Resource]]] = {}
        self._unaddressed: set[str] = set()
        #: (code of a cloud, department) of which some instance is a registered system's, or its owner's.
        self._held: set[tuple[str, str]] = set()
        self._operators: dict[str, frozenset[str]] = {}
        found = [
            host for host in world.kinds["host"] if not LISTERS.isdisjoint(host.collectors) and is_instance(host)
        ]
        if found:
            bonds = Bonds(world)
            self.all = tuple(self._resource(host, bonds) for host in found)
        departments = {system.key: system.text("department_id") for system in world.systems} if found else {}
        for resource in self.all:
            self._by_host[resource.host.key] = resource
            if resource.is_platforms:
                continue
            if not texts(resource.host, "ips"):
                self._unaddressed.add(resource.cloud_code)
            if not any(claim.is_sure and claim.kind == "system" for claim in resource.claims):
                self._loose.setdefault(resource.cloud_code, {}).setdefault(resource.owner, []).append(resource)
            for claim in resource.claims:
                if claim.kind == "system":
                    self._by_system.setdefault(claim.key, []).append((resource, claim))
                    self._held.add((resource.cloud_code, departments.get(claim.key, "")))
            self._held.add((resource.cloud_code, resource.owner))
            for identifier in identifiers(resource.host, "ip"):
                self._at.setdefault((identifier.vantage, identifier.value), []).append(resource)

    def of(self, system: Asset) -> list[tuple[Resource, Claim]]:
        """The instances that a system may claim, each with its best reason: sure before not, code before address."""
        best: dict[str, tuple[Resource, Claim]] = {}
        for resource, claim in self._by_system.get(system.key, ()):
            known = best.get(resource.host.key)
            if known is None or _merit(claim) < _merit(known[1]):
                best[resource.host.key] = (resource, claim)
        return [best[key] for key in sorted(best)]

    def of_host(self, host: Asset) -> Resource | None:
        return self._by_host.get(host.key)

    def at(self, vantage: str, address: str) -> list[Resource]:
        return self._at.get((vantage, address), [])

    def unclaimed(self, code: str, department_id: str) -> list[Resource]:
        """Instances of a cloud that are surely no system's and that may be this department's.

        Those of the cloud's operator may be anybody's: it runs machines for others.
        """
        found = self._loose.get(plain_code(code), {})
        owners = {"", department_id, *self._operators_of(plain_code(code))} if found else set()
        return [resource for owner in sorted(owners) for resource in found.get(owner, ())]

    def holds(self, code: str, department_id: str) -> bool:
        """Whether a department has any instance on a cloud: one machine may carry several of its systems."""
        return bool(department_id) and (plain_code(code), department_id) in self._held

    def has_none(self, code: str, vantage: str, address: str) -> bool:
        """Whether a cloud was listed whole, each instance with its addresses, and none has this one."""
        return (
            self.world.covered.cloud(code)
            and plain_code(code) not in self._unaddressed
            and not self.at(vantage, address)
        )

    def _operators_of(self, code: str) -> frozenset[str]:
        """The departments that run a cloud, by the site and by its register."""
        if code not in self._operators:
            cloud = self.world.referred("cloud", code, "")
            told = {zone.department_id for zone in self.world.zones.values() if plain_code(zone.cloud_code) == code}
            told.add(cloud.text("department_id") if cloud else "")
            self._operators[code] = frozenset(told - {""})
        return self._operators[code]

    def _resource(self, host: Asset, bonds: Bonds) -> Resource:
        world, code = self.world, _cloud_code(self.world, host)
        cloud = world.referred("cloud", code, host.text("department_id")) or _by_uuid(world, code)
        said = [fact for fact in host.facts if is_listed(fact)] or host.facts
        newest = max(said, key=lambda fact: (fact.observed_at, fact.source))
        owner = owner_of(world, host)
        return Resource(
            host=host,
            cloud_code=code,
            cloud=cloud,
            place=_place(world, host, code, cloud),
            owner=owner,
            listed_by=newest.source,
            listed_at=newest.observed_at,
            claims=tuple(sorted(set(bonds.of(host, owner)))),
        )


def _cloud_code(world: World, host: Asset) -> str:
    """The code of its cloud, empty where the site gives none.

    Of several (a manager's, and that of a host below it) one that a register names.
    """
    codes = [code for identifier in identifiers(host, "instance") if (code := instance_parts(identifier)[0])]
    named = [code for code in codes if world.referred("cloud", code, host.text("department_id"))]
    return next(iter(named or codes), "")


def _merit(claim: Claim) -> tuple[bool, bool, str]:
    return not claim.is_sure, bool(claim.address), claim.words


def _by_uuid(world: World, code: str) -> Asset | None:
    """A cloud that no register names is known by its own identity."""
    wanted = uuid_id(code)
    found = [cloud for cloud in world.kinds["cloud"] if wanted is not None and wanted in cloud.identifiers]
    return found[0] if len(found) == 1 else None


def _place(world: World, host: Asset, code: str, cloud: Asset | None) -> str:
    """By the register's row of the cloud, else by the zone that has its code, else by the zones that it lies in."""
    if cloud is not None and cloud.text("kind") in _CLOUD_PLACES:
        return _CLOUD_PLACES[cloud.text("kind")]
    zones = [zone for zone in world.zones.values() if code and plain_code(zone.cloud_code) == code]
    zones = zones or [world.zones[zone] for zone in host.zones if zone in world.zones]
    places = {_ZONE_PLACES.get(zone.kind, "") for zone in zones}
    return places.pop() if len(places) == 1 else ""

"""Cloud instances that their cloud's own interface listed, and who may claim each. Pure.

Why an instance may be a system's is decided in :mod:`.bonds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from inventories.identity import instance_parts, plain_code, uuid_id
from inventories.infer.bonds import Bearers, Bonds, Claim, Crowd
from inventories.infer.draft import Ground
from inventories.infer.instances import LISTERS, is_instance, is_listed, names_of, owner_of
from inventories.infer.terms import PLATFORM_INSTANCES
from inventories.infer.world import World, identifiers, texts
from inventories.model import Asset, Strength
from inventories.places import Zone

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
    cloud that serves many is none). ``claims`` are in a fixed order; ``crowds`` are
    further ones of very many systems alike, none of them sure. ``listed_by`` and ``listed_at``: who listed it.
    """

    host: Asset
    cloud_code: str
    cloud: Asset | None
    place: str
    owner: str
    listed_by: str
    listed_at: datetime
    claims: tuple[Claim, ...] = ()
    crowds: tuple[Crowd, ...] = ()

    @property
    def is_claimed(self) -> bool:
        """Whether anything in a register may mean it."""
        return bool(self.claims or self.crowds)

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
        self._unaddressed: set[str] = set()
        #: Department → codes of the clouds of which some instance is its own, or its registered system's.
        self._held: dict[str, set[str]] = {}
        #: Owner → codes of the clouds on which an instance of theirs is surely no system's.
        self._loose: dict[str, set[str]] = {}
        #: Word that very many systems bear → place → the instances that meet it; key of a system → words.
        self._crowded: dict[Bearers, dict[str, list[Resource]]] = {}
        self._bearing: dict[str, list[Bearers]] = {}
        #: Word and code of a cloud → the systems of which no instance there is one's yet.
        self._untold: dict[tuple[Bearers, str], set[str]] = {}
        self._open: dict[frozenset[str], bool] = {}
        self._places: dict[str, str] = {}
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
                self._loose.setdefault(resource.owner, set()).add(resource.cloud_code)
            for claim in resource.claims:
                if claim.kind == "system":
                    self._by_system.setdefault(claim.key, []).append((resource, claim))
                    self._held.setdefault(departments.get(claim.key, ""), set()).add(resource.cloud_code)
            for crowd in resource.crowds:
                self._meet(resource, crowd, departments)
            self._held.setdefault(resource.owner, set()).add(resource.cloud_code)
            for identifier in identifiers(resource.host, "ip"):
                self._at.setdefault((identifier.vantage, identifier.value), []).append(resource)

    def _meet(self, resource: Resource, crowd: Crowd, departments: Mapping[str, str]) -> None:
        """Remembers that an instance may be any of very many systems'."""
        bearers = crowd.bearers
        if bearers not in self._crowded:
            self._crowded[bearers] = {}
            for key in bearers.keys:
                self._bearing.setdefault(key, []).append(bearers)
        self._crowded[bearers].setdefault(resource.place, []).append(resource)
        untold = self._untold.setdefault((bearers, resource.cloud_code), set(bearers.keys))
        for key in untold - crowd.without:
            self._held.setdefault(departments.get(key, ""), set()).add(resource.cloud_code)
        untold &= crowd.without

    def of(self, system: Asset) -> list[tuple[Resource, Claim]]:
        """The instances that a system may claim, each with its best reason: sure before not, code before address.

        Of those that it may have by a word that very many bear, the first at each place stands for all.
        """
        best: dict[str, tuple[Resource, Claim]] = {}

        def offer(resource: Resource, claim: Claim) -> None:
            known = best.get(resource.host.key)
            if known is None or _merit(claim) < _merit(known[1]):
                best[resource.host.key] = (resource, claim)

        for resource, claim in self._by_system.get(system.key, ()):
            offer(resource, claim)
        sure = {key for key, (_resource, claim) in best.items() if claim.is_sure}
        for bearers in self._bearing.get(system.key, ()):
            for found in self._crowded[bearers].values():
                for resource in found:
                    crowds = [crowd for crowd in resource.crowds if crowd.holds(system.key)]
                    if resource.host.key not in sure and any(crowd.bearers is bearers for crowd in crowds):
                        for crowd in crowds:
                            offer(resource, Claim("system", system.key, crowd.words, False))
                        break
        return [best[key] for key in sorted(best)]

    @property
    def claimed_at(self) -> Iterator[tuple[str, str]]:
        """(vantage, address) of the instances that may be somebody's."""
        return (where for where, found in self._at.items() if any(resource.is_claimed for resource in found))

    def of_host(self, host: Asset) -> Resource | None:
        return self._by_host.get(host.key)

    def at(self, vantage: str, address: str) -> list[Resource]:
        return self._at.get((vantage, address), [])

    def has_no_stray(self, codes: frozenset[str], department_id: str) -> bool:
        """Whether clouds (codes as compared) were listed whole, and no instance of theirs that is surely no system's
        may be this department's.

        Those of a cloud's operator may be anybody's: it runs machines for others.
        """
        if codes not in self._open:
            self._open[codes] = any(map(self._is_open, codes))
        return not self._open[codes] and codes.isdisjoint(self._loose.get(department_id, ()))

    def holds(self, codes: frozenset[str], department_id: str) -> frozenset[str]:
        """On which of some clouds a department has any instance: one machine may carry several of its systems."""
        return codes.intersection(self._held.get(department_id, ())) if department_id else frozenset()

    def has_none(self, code: str, vantage: str, address: str) -> bool:
        """Whether a cloud was listed whole, each instance with its addresses, and none has this one."""
        return (
            self.world.covered.cloud(code)
            and plain_code(code) not in self._unaddressed
            and not self.at(vantage, address)
        )

    def _is_open(self, code: str) -> bool:
        """Whether anybody's system may be on a cloud: nobody listed it whole, or nobody knows whose a machine is."""
        if not code or not self.world.covered.cloud(code):
            return True
        return any(code in self._loose.get(owner, ()) for owner in {"", *self._operators_of(code)})

    def _operators_of(self, code: str) -> set[str]:
        """The departments that run a cloud, by the site and by its register."""
        cloud = self.world.referred("cloud", code, "")
        told = {zone.department_id for zone in self.world.cloud_zones.get(code, ())}
        told.add(cloud.text("department_id") if cloud else "")
        return told - {""}

    def _resource(self, host: Asset, bonds: Bonds) -> Resource:
        world, code = self.world, _cloud_code(self.world, host)
        cloud = world.referred("cloud", code, host.text("department_id")) or self._by_uuid(code)
        said = [fact for fact in host.facts if is_listed(fact)] or host.facts
        newest = max(said, key=lambda fact: (fact.observed_at, fact.source))
        owner = owner_of(world, host)
        claims = set(bonds.of(host, owner))
        return Resource(
            host=host,
            cloud_code=code,
            cloud=cloud,
            place=self._place(host, code, cloud),
            owner=owner,
            listed_by=newest.source,
            listed_at=newest.observed_at,
            claims=tuple(sorted(claim for claim in claims if isinstance(claim, Claim))),
            crowds=tuple(claim for claim in claims if isinstance(claim, Crowd)),
        )

    def _by_uuid(self, code: str) -> Asset | None:
        """A cloud that no register names is known by its own identity."""
        wanted = uuid_id(code)
        found = self._uuids.get(wanted.value, []) if wanted is not None else []
        return found[0] if len(found) == 1 else None

    @cached_property
    def _uuids(self) -> dict[str, list[Asset]]:
        """UUID → the clouds that are known by it."""
        out: dict[str, list[Asset]] = {}
        for cloud in self.world.kinds["cloud"]:
            for identifier in set(identifiers(cloud, "uuid")):
                out.setdefault(identifier.value, []).append(cloud)
        return out

    def _place(self, host: Asset, code: str, cloud: Asset | None) -> str:
        """By the register's row of the cloud, else by the zone that has its code, else by the zones of the host."""
        if cloud is not None and cloud.text("kind") in _CLOUD_PLACES:
            return _CLOUD_PLACES[cloud.text("kind")]
        own = self.world.cloud_zones.get(code, ()) if code else ()
        if not own:
            return _only_place(self.world.zones[zone] for zone in host.zones if zone in self.world.zones)
        if code not in self._places:
            self._places[code] = _only_place(own)
        return self._places[code]


def _only_place(zones: Iterable[Zone]) -> str:
    """The place of systems in some zones; empty where they differ."""
    places = {_ZONE_PLACES.get(zone.kind, "") for zone in zones}
    return places.pop() if len(places) == 1 else ""


def _cloud_code(world: World, host: Asset) -> str:
    """The code of its cloud, empty where the site gives none.

    Of several (a manager's, and that of a host below it) one that a register names.
    """
    codes = [code for identifier in identifiers(host, "instance") if (code := instance_parts(identifier)[0])]
    named = [code for code in codes if world.referred("cloud", code, host.text("department_id"))]
    return next(iter(named or codes), "")


def _merit(claim: Claim) -> tuple[bool, bool, str]:
    return not claim.is_sure, bool(claim.address), claim.words

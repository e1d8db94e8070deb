"""Cloud instances that their cloud's own interface listed, and who may claim each. Pure.

A claim is *sure* where a code or an address says it: the cloud's own mapping or tags, a register's row of the very
machine, an address that a register gives to a system and that the instance has. A likeness of names is a hint: it
accuses nobody and clears nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from inventories.answers import REGISTER
from inventories.identity import instance_parts, plain_code, plain_name, uuid_id
from inventories.infer.draft import Ground
from inventories.infer.evidence import LEAST_NAME
from inventories.infer.sightings import Names
from inventories.infer.world import World, facts_of, identifiers, texts
from inventories.model import Asset, Origin, SourcedFact, Strength
from inventories.reconcile import SITE_SOURCE

#: The probes that list a cloud through its own interface.
LISTERS = frozenset({"openstack", "vsphere"})

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
#: Keys of tags whose value names the system, however short it is.
_SYSTEM_TAGS = frozenset({"system", "system_code", "systemcode", "sys", "系统", "系统编号", "所属系统"})


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """Why a resource may be a system's, or a registered project's (``kind``). ``address``: by that address alone."""

    kind: str
    key: str
    words: str
    is_sure: bool
    address: str = ""


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
    def is_claimed(self) -> bool:
        return any(claim.is_sure for claim in self.claims)

    @property
    def title(self) -> str:
        """What people call it: its cloud, project and name."""
        cloud = (self.cloud.text("name") if self.cloud else "") or self.cloud_code or "云平台"
        name = next(iter(names_of(self.host)), "") or self.host.key
        return f"{cloud}{f' {self.project}' if self.project else ''} 云主机 {name}"

    def ground(self, strength: Strength, words: str) -> Ground:
        return Ground(strength, self.listed_by, self.listed_at, f"{self.title}{words}")


@dataclass(slots=True)
class _Words:
    """What registers say, by the words under which an instance may meet it."""

    addresses: dict[tuple[str, str], list[tuple[Asset, bool]]] = field(default_factory=dict)
    unplaced: dict[str, list[Asset]] = field(default_factory=dict)
    hosts: dict[str, list[Asset]] = field(default_factory=dict)
    projects: dict[str, list[Asset]] = field(default_factory=dict)
    project_names: Names = field(default_factory=lambda: Names((), LEAST_NAME))


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
        found = [
            host for host in world.kinds["host"] if not LISTERS.isdisjoint(host.collectors) and _is_instance(host)
        ]
        if found:
            self._words = _words(world)
            self.all = tuple(map(self._resource, found))
        for resource in self.all:
            self._by_host[resource.host.key] = resource
            if not any(claim.is_sure and claim.kind == "system" for claim in resource.claims):
                self._loose.setdefault(resource.cloud_code, {}).setdefault(resource.owner, []).append(resource)
            for claim in resource.claims:
                if claim.kind == "system":
                    self._by_system.setdefault(claim.key, []).append((resource, claim))
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
        """Instances of a cloud that are surely no system's and that may be this department's."""
        found = self._loose.get(plain_code(code), {})
        return [*found.get("", ()), *(found.get(department_id, ()) if department_id else ())]

    def _resource(self, host: Asset) -> Resource:
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
            claims=tuple(sorted(set(self._claims(host, owner)))),
        )

    def _claims(self, host: Asset, owner: str) -> Iterator[Claim]:
        yield from self._by_code(host, owner)
        yield from self._by_address(host)
        yield from self._by_names(host, owner)
        yield from self._by_project(host, owner)

    def _by_code(self, host: Asset, owner: str) -> Iterator[Claim]:
        """Systems that the cloud's mapping, a register's row of this machine, or a tag names by code."""
        for fact in facts_of(host, "system_codes"):
            for code in fact.value if isinstance(fact.value, tuple) else ():
                system = self.world.referred("system", code, owner)
                if system is not None:
                    said = "主机台账：承载系统" if fact.origin is Origin.DECLARED else "按云资源归属对应表属于系统"
                    yield Claim("system", system.key, f"（{said} {code}）", True)
        for key, value in (*_tags(host), ("", host.text("cloud_project"))):
            system = self.world.referred("system", value, owner) if value else None
            if system is None:
                continue
            is_code = plain_code(system.text("code")) == plain_code(value)
            told = key in _SYSTEM_TAGS or (is_code and len(plain_code(value)) >= LEAST_NAME)
            words = f"（云资源标签 {key}={value}）" if key else f"（云上项目或标签为 {value}）"
            yield Claim("system", system.key, words, told)

    def _by_address(self, host: Asset) -> Iterator[Claim]:
        for identifier in identifiers(host, "ip"):
            where = (identifier.vantage, identifier.value)
            for system, is_sure in self._words.addresses.get(where, ()):
                words = f"（系统台账地址 {identifier.value}）"
                yield Claim("system", system.key, words, is_sure, identifier.value)
            # A row that reconciliation kept apart from the instance, though it gives the same address.
            for other in self.world.hosts_at.get(where, ()):
                if other.key != host.key and other.get("is_declared") is True:
                    yield from self._carried(other, f"（主机台账同一地址 {identifier.value}）")
        for address in texts(host, "ips"):
            for system in self._words.unplaced.get(address, ()):
                yield Claim("system", system.key, f"（系统台账地址 {address}，所在网络不明）", False)
            for other in self.world.unplaced_addresses.get(address, ()):
                yield from self._carried(other, f"（主机台账地址 {address}，所在网络不明）")

    def _by_names(self, host: Asset, owner: str) -> Iterator[Claim]:
        """Names that resemble each other: hints all of them."""
        called = names_of(host)
        for name in called:
            for other in self._words.hosts.get(plain_name(name), ()):
                if other.key != host.key and (not owner or other.text("department_id") in ("", owner)):
                    yield from self._carried(other, "（主机台账有同名主机）")
        for text in (*called, host.text("cloud_project"), *texts(host, "cloud_tags")):
            for key in self.world.system_names.within(text):
                yield Claim("system", key, f"（“{text}”中有系统名称）", False)

    def _by_project(self, host: Asset, owner: str) -> Iterator[Claim]:
        """Registered projects by code or name, and the systems that they say they build."""
        for word in (host.text("cloud_project"), host.text("project_code"), *(value for _key, value in _tags(host))):
            for key in self._words.project_names.within(word):
                yield Claim("project", key, f"（“{word}”中有项目名称）", False)
            exact = self._projects(word)
            if len(exact) > 1 and owner:
                exact = [project for project in exact if project.text("department_id") == owner]
            for project in exact:
                yield Claim("project", project.key, f"（登记项目 {word}）", len(exact) == 1)
                for code in texts(project, "system_codes"):
                    system = self.world.referred("system", code, project.text("department_id"))
                    if system is not None:
                        yield Claim("system", system.key, f"（登记项目 {word} 的系统）", False)

    def _projects(self, word: str) -> list[Asset]:
        """The registered projects of which a word is the code or the whole name."""
        found = {
            project.key: project
            for text in (plain_code(word), plain_name(word))
            for project in self._words.projects.get(text, ())
        }
        return [found[key] for key in sorted(found)]

    def _carried(self, host: Asset, words: str) -> Iterator[Claim]:
        for code in texts(host, "system_codes"):
            system = self.world.referred("system", code, host.text("department_id"))
            if system is not None:
                yield Claim("system", system.key, words, False)


def _is_instance(host: Asset) -> bool:
    """Whether a cloud's interface says that it is a machine of its own making, and none on which it runs."""
    return any(is_listed(fact) and fact.value is False for fact in facts_of(host, "is_physical"))


def _cloud_code(world: World, host: Asset) -> str:
    """The code of its cloud, empty where the site gives none.

    Of several (a manager's, and that of a host below it) one that a register names.
    """
    codes = [code for identifier in identifiers(host, "instance") if (code := instance_parts(identifier)[0])]
    named = [code for code in codes if world.referred("cloud", code, host.text("department_id"))]
    return next(iter(named or codes), "")


def is_listed(fact: SourcedFact) -> bool:
    """Whether a cloud's own interface said it."""
    return fact.origin is Origin.OBSERVED and fact.source.partition(" ")[0] in LISTERS


def names_of(host: Asset) -> tuple[str, ...]:
    """What its register, its cloud and it itself call a host, in this order."""
    said = [fact.value for fact in facts_of(host, "name") if isinstance(fact.value, str)]
    return tuple(dict.fromkeys(name for name in (host.text("name"), *said, host.text("hostname")) if name))


def _merit(claim: Claim) -> tuple[bool, bool, str]:
    return not claim.is_sure, bool(claim.address), claim.words


def _words(world: World) -> _Words:
    out = _Words()
    for system in world.systems:
        for claim in world.claims(system):
            for spot in claim.spots:
                said = out.addresses.setdefault((spot.zone.vantage, claim.address), [])
                said.append((system, claim.spot is not None))
            if not claim.spots:
                out.unplaced.setdefault(claim.address, []).append(system)
    for host in world.kinds["host"]:
        if REGISTER in host.collectors and host.get("system_codes"):
            for name in {plain_name(host.text("name")), plain_name(host.text("code"))} - {""}:
                out.hosts.setdefault(name, []).append(host)
    for project in world.kinds["project"]:
        for word in {plain_code(project.text("code")), plain_name(project.text("name"))} - {""}:
            out.projects.setdefault(word, []).append(project)
    out.project_names = Names(((p.text("name"), p.key) for p in world.kinds["project"]), LEAST_NAME)
    return out


def _tags(host: Asset) -> Iterable[tuple[str, str]]:
    """(key, value) of each tag; a bare tag has no key."""
    for tag in texts(host, "cloud_tags"):
        key, mark, value = tag.partition("=")
        yield (plain_name(key), value.strip()) if mark else ("", key.strip())


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


def owner_of(world: World, host: Asset) -> str:
    """The department named for it; the operator, who owns whatever nobody names, is no owner."""
    department = host.text("department_id")
    if not department:
        zones = [world.zones[zone] for zone in host.zones if zone in world.zones]
        is_theirs = len(zones) == 1 and zones[0].kind == "department" and not zones[0].owners
        # A contradiction about the owner is no owner.
        return zones[0].department_id if is_theirs and not facts_of(host, "department_id") else ""
    said = [fact for fact in facts_of(host, "department_id") if fact.value == department]
    if any(fact.source != SITE_SOURCE for fact in said):
        return department
    spots = [world.atlas.at(identifier.vantage, identifier.value) for identifier in identifiers(host, "ip")]
    named = [spot for spot in spots if spot and (spot.is_named or spot.zone.kind == "department")]
    return department if named else ""

"""The case of one system: its addresses, and what was seen, hinted and declared of the place where it runs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from inventories.facts import fits
from inventories.identity import plain_name
from inventories.infer.draft import Ground
from inventories.infer.evidence import LEAST_NAME, PRIVATE_PLATFORMS
from inventories.infer.sightings import Sighting
from inventories.infer.world import (
    World,
    facts_of,
    identifiers,
    register_ground,
    sighting_ground,
    texts,
    web_address,
)
from inventories.kinds import KINDS
from inventories.model import Asset, Origin, Strength
from inventories.prefixes import Spot

CLOUD = "gov_cloud"
OWN = frozenset({"own_room", "private_cloud"})

_HOSTING = KINDS["system"].column("hosting")
_ZONE_PLACES = {"government_cloud": CLOUD, "industry_cloud": "industry_cloud"}


#: A page that bears a system's name at an address nobody gave it: place, ground, zone.
Shown: TypeAlias = tuple[str, Ground, str]


@dataclass(slots=True)
class Spotted:
    """One address of a system: where it may lie, and what was seen there. ``host`` is the same for one machine."""

    address: str
    port: int
    spots: tuple[Spot, ...]
    vantage: str = ""
    sighting: Sighting | None = None
    host: str = ""

    @property
    def spot(self) -> Spot | None:
        return self.spots[0] if len(self.spots) == 1 else None

    @property
    def may_be_cloud(self) -> bool:
        return not self.spots or any(spot.zone.kind == "government_cloud" for spot in self.spots)

    @property
    def is_cloud(self) -> bool:
        return self.spot is not None and self.spot.zone.kind == "government_cloud"


@dataclass(slots=True)
class Case:
    """What speaks for each place of one system: seen, hinted and declared."""

    system: Asset
    addresses: list[Spotted]
    seen: dict[str, Ground] = field(default_factory=dict)
    hinted: dict[str, Ground] = field(default_factory=dict)
    declared: dict[str, Ground] = field(default_factory=dict)
    #: Zones of government clouds in which it was seen, and whether any sighting bears its name.
    cloud_zones: set[str] = field(default_factory=set)
    is_named: bool = False

    def note(self, place: str, ground: Ground, zone: str, *, by_name: bool) -> None:
        """The first of equals is kept: sightings come in a fixed order."""
        if ground.strength < Strength.SEEN_OUTSIDE:
            self.hinted.setdefault(place, ground)
            return
        self.seen.setdefault(place, ground)
        self.is_named |= by_name
        if place == CLOUD:
            self.cloud_zones.add(zone)


def hosts_by_system(world: World) -> dict[str, list[Asset]]:
    """System key → the hosts that a register says carry it."""
    out: dict[str, list[Asset]] = {}
    for host in world.kinds["host"]:
        for word in texts(host, "system_codes"):
            system = world.referred("system", word, host.text("department_id"))
            if system is not None:
                out.setdefault(system.key, []).append(host)
    return out


def addresses_of(world: World, system: Asset, hosts: Iterable[Asset]) -> list[Spotted]:
    """A system's declared addresses, and those of the hosts that carry it."""
    out: dict[tuple[str, str, int], Spotted] = {}
    for claim in world.claims(system):
        spot = claim.spot
        vantage = spot.zone.vantage if spot else ""
        out[vantage, claim.address, claim.port] = Spotted(claim.address, claim.port, claim.spots, vantage)
    known = {(vantage, address) for vantage, address, _port in out}
    for host in hosts:
        for identifier in identifiers(host, "ip"):
            spot = world.atlas.at(identifier.vantage, identifier.value)
            if spot and (identifier.vantage, identifier.value) not in known:
                where = (identifier.vantage, identifier.value, 0)
                out[where] = Spotted(identifier.value, 0, (spot,), identifier.vantage)
    for (vantage, address, _port), spotted in out.items():
        spotted.sighting = world.sightings.get((vantage, address))
        found = world.hosts_at.get((vantage, address), ())
        spotted.host = found[0].key if len(found) == 1 else f"{vantage} {address}"
    return [out[key] for key in sorted(out)]


def case_of(world: World, system: Asset, hosts: Iterable[Asset], shown: Iterable[Shown]) -> Case:
    """``hosts`` carry the system by their own register, ``shown`` are pages elsewhere that bear its name."""
    case = Case(system, addresses_of(world, system, hosts))
    _declare(world, case)
    for spotted in case.addresses:
        _look(world, case, spotted)
    for place, ground, zone in shown:
        case.note(place, ground, zone, by_name=True)
    return case


def _declare(world: World, case: Case) -> None:
    """What the registers say: the places they name, and a government cloud whose code they give."""
    system = case.system
    for fact in facts_of(system, "hosting"):
        if fact.origin is Origin.DECLARED and isinstance(fact.value, tuple) and fits(_HOSTING, fact.value):
            words = f"登记为“{fact.evidence}”" if fact.evidence else "台账登记"
            for place in fact.value:
                case.declared.setdefault(place, Ground(Strength.DECLARED, fact.source, fact.observed_at, words))
    ground = register_ground(system)
    for code in texts(system, "cloud_codes"):
        cloud = world.referred("cloud", code, system.text("department_id"))
        if ground and cloud is not None and cloud.get("kind") in ("government", "county"):
            words = f"登记所在云 {code}"
            case.declared.setdefault(CLOUD, Ground(Strength.DECLARED, ground.source, ground.observed_at, words))


def _look(world: World, case: Case, spotted: Spotted) -> None:
    """What a sighting at one of its own addresses shows of a system's place."""
    sighting, spot = spotted.sighting, spotted.spot
    # A refusal that a firewall may have given says nothing of what is behind it.
    if sighting is None or spot is None or not sighting.is_sure:
        return
    place = _place(world, spotted.vantage, spotted.address, spot, case)
    if place is not None:
        strength, words, by_name = _grade(case.system, sighting, spotted.port)
        ground = sighting_ground(sighting, strength, f"{sighting.shows()}（{words}）")
        case.note(place, ground, spot.zone.id, by_name=by_name)


def _place(world: World, vantage: str, address: str, spot: Spot, case: Case) -> str | None:
    if spot.zone.kind != "department":
        return _ZONE_PLACES.get(spot.zone.kind)
    hosts = world.hosts_at.get((vantage, address), ())
    if any(host.get("platform") in PRIVATE_PLATFORMS for host in hosts):
        return "private_cloud"
    # From outside nobody can tell a room from a private cloud in it: the register's word is kept.
    declared = sorted(OWN & case.declared.keys())
    return declared[0] if len(declared) == 1 else "own_room"


def _grade(system: Asset, sighting: Sighting, port: int) -> tuple[Strength, str, bool]:
    """How well an answer at a system's own address shows that it runs there, why, and whether by its name."""
    name = plain_name(system.text("name"))
    if len(name) >= LEAST_NAME and any(name in plain_name(title.text) for title in sighting.pages):
        return Strength.SEEN_OUTSIDE, "页面标题与系统名称相符", True
    domains = {host for url in texts(system, "urls") if (host := web_address(url)[0]) and not host[-1].isdigit()}
    if any(tls.text.casefold().rstrip(".") in domains for tls in sighting.tls_names):
        return Strength.SEEN_OUTSIDE, "证书名称与登记网址相符", True
    if sighting.is_equipment:
        return Strength.HINTED, "该地址上是设备的管理页面", False
    if port and (service := sighting.service(port)) and service.is_named:
        return Strength.SEEN_OUTSIDE, "登记的端口上有可识别的服务", False
    if any(service.is_application for service in sighting.services):
        return Strength.SEEN_OUTSIDE, "登记的地址上有可识别的应用服务", False
    return Strength.HINTED, "仅有应答，未能识别应用服务", False


def shown_elsewhere(world: World) -> dict[str, list[Shown]]:
    """System key → places where a page bears its name at an address that nobody gave it.

    On a government cloud that shows where it runs; in a department's network it may be a test copy or a page that
    only leads on, and is a hint.
    """
    out: dict[str, list[Shown]] = {}
    by_key = {system.key: system for system in world.systems}
    for _where, sighting in sorted(world.sightings.items()):
        if sighting.spot is None or not sighting.pages or sighting.is_equipment:
            continue
        zone = sighting.spot.zone
        for title in sighting.pages:
            named = world.system_names.within(title.text)
            if len(named) != 1:
                continue
            system = by_key[named[0]]
            words = f"页面标题“{title.text}”与系统名称相符"
            if zone.kind == "government_cloud":
                ground = sighting_ground(sighting, Strength.SEEN_OUTSIDE, words)
                out.setdefault(system.key, []).append((CLOUD, ground, zone.id))
            elif zone.kind == "department" and sighting.spot.department_id == system.text("department_id"):
                ground = sighting_ground(sighting, Strength.HINTED, f"{words}，该地址未登记")
                out.setdefault(system.key, []).append(("own_room", ground, zone.id))
    return out

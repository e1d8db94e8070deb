"""Makes the case of each system: every sight, hint and word about where it runs, each with its ground. Pure."""

from __future__ import annotations

from dataclasses import replace

from inventories.facts import fits
from inventories.identity import plain_name
from inventories.infer.bonds import Claim
from inventories.infer.case import (
    CLOUD,
    OWN,
    Became,
    Case,
    Now,
    Shown,
    Spotted,
    addresses_of,
    hosts_by_system,
)
from inventories.infer.draft import Ground
from inventories.infer.evidence import LEAST_NAME, PRIVATE_PLATFORMS
from inventories.infer.fronts import Fronts, Lead, Shows, is_proxy, outside
from inventories.infer.resources import Resource, Resources
from inventories.infer.reuse import SHARED_DOOR, Reuse
from inventories.infer.serving import serves
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

#: Said of an address on a cloud that answers, and that no instance of its whole list has.
NO_INSTANCE = "云平台全量清单中没有这一地址的云主机，可能只是入口"

_HOSTING = KINDS["system"].column("hosting")
_ZONE_PLACES = {"government_cloud": CLOUD, "industry_cloud": "industry_cloud"}


class Cases:
    """Makes the cases of a site's systems."""

    def __init__(self, world: World, resources: Resources, fronts: Fronts) -> None:
        self.world, self.resources, self.fronts = world, resources, fronts
        self.reuse = Reuse(world, fronts)
        self.carriers = hosts_by_system(world)
        self._shown = shown_elsewhere(world, resources, fronts)

    def of(self, system: Asset) -> Case:
        case = Case(system, addresses_of(self.world, system, self.carriers.get(system.key, ())))
        _declare(self.world, case)
        _place_outside(case)
        for spotted in case.addresses:
            self._look(case, spotted)
        for shown in self._shown.get(system.key, ()):
            if shown.place == CLOUD and shown.ground.strength is Strength.HINTED:
                case.door = replace(shown.ground, strength=Strength.SEEN_OUTSIDE)
            case.note(shown.place, shown.ground, shown.cloud_code, by_name=True)
        case.leads = self.fronts.of(system)
        for lead in case.leads:
            self._follow(case, lead)
        for resource, claim in self.resources.of(system):
            self._list(case, resource, claim)
        return case

    def _look(self, case: Case, spotted: Spotted) -> None:
        """What a sighting at one of its own addresses shows of a system's place."""
        sighting, spot = spotted.sighting, spotted.spot
        # A refusal that a firewall may have given says nothing of what is behind it.
        if sighting is None or spot is None or not sighting.is_sure:
            return
        place = _place(self.world, spotted.vantage, spotted.address, spot, case)
        if case.has_left and spot.zone.kind == "department":
            spotted.became = self.reuse.became(case.system, spotted, sighting)
        elif self.fronts.is_shared(spotted.vantage, spotted.address) and spot.zone.kind == "department":
            spotted.became = Became(Now.UNSURE, SHARED_DOOR)
        if place is None or (spotted.became is not None and spotted.became.now is Now.OTHER):
            return
        if spotted.became is not None and spotted.became.now is Now.UNSURE:
            strength, words, by_name = Strength.HINTED, spotted.became.words, False
        elif self.fronts.is_shared(spotted.vantage, spotted.address):
            strength, words, by_name = Strength.HINTED, SHARED_DOOR, False
        else:
            strength, words, by_name = self._grade(case.system, sighting, spotted)
            if strength is Strength.SEEN_OUTSIDE and may_be_door(self.world, self.resources, spotted.address, spot):
                case.door = sighting_ground(sighting, strength, f"{sighting.shows()}（{words}；{NO_INSTANCE}）")
                strength, words, by_name = Strength.HINTED, f"{words}；{NO_INSTANCE}", False
            spotted.is_named = by_name
        ground = sighting_ground(sighting, strength, f"{sighting.shows()}（{words}）")
        case.note(place, ground, spot.zone.cloud_code, by_name=by_name)

    def _grade(self, system: Asset, sighting: Sighting, spotted: Spotted) -> tuple[Strength, str, bool]:
        """How well an answer at a system's own address shows that it runs there, why, and whether by its name."""
        graded = _grade(system, sighting, spotted.port)
        if graded[0] is Strength.HINTED and not sighting.is_equipment:
            hosts = self.world.hosts_at.get((spotted.vantage, spotted.address), ())
            read = serves(hosts[0], spotted.port) if len(hosts) == 1 else ""
            if read:
                return Strength.SEEN_INSIDE, f"登录主机读到{read}", False
        return graded

    def _follow(self, case: Case, lead: Lead) -> None:
        """What a declared name shows that was looked up and asked."""
        out = outside(lead.chain, lead.addresses, lead.observed_at) if lead.shows is not Shows.NOTHING else None
        if lead.shows is Shows.NOTHING or (out is not None and out.is_door):
            return
        found: list[tuple[str, str, Spot | None, str]] = []
        for address, spot in lead.spots:
            vantage = spot.zone.vantage if spot else ""
            if lead.shown.get(address) is Shows.NOTHING:
                continue
            if self.fronts.is_shared(vantage, address):
                case.is_behind_a_door |= spot is not None and spot.zone.kind == "government_cloud"
            elif spot is None and out is not None:
                found.append((address, "public_cloud", None, f"（{out.provider}）"))
            elif spot is not None and out is None and self._may_stand(case, lead, spot, address):
                place = _place(self.world, vantage, address, spot, case)
                if place is not None:
                    found.append((address, place, spot, f"（{spot.zone.name}）"))
        # Where nobody can tell which of several places gave the page, none of them did.
        is_one = len({place for _address, place, _spot, _where in found}) == 1
        for address, place, spot, where in found:
            shows = lead.at(address, is_only=is_one)
            answered = shows in (Shows.ANSWERED, Shows.NAMED)
            strength = Strength.SEEN_OUTSIDE if answered and (out is None or out.is_sure) else Strength.HINTED
            ground = Ground(strength, lead.source, lead.observed_at, f"{lead.words}{where}")
            if not answered:
                ground = replace(ground, evidence=f"{ground.evidence}，仅有解析")
            elif spot is not None and may_be_door(self.world, self.resources, address, spot):
                ground = case.door = replace(ground, evidence=f"{ground.evidence}，{NO_INSTANCE}")
                ground = replace(ground, strength=Strength.HINTED)
            elif spot is not None and shows is Shows.NAMED:
                _mark(case, spot.zone.vantage, address, ground)
            code = spot.zone.cloud_code if spot is not None else ""
            case.note(place, ground, code, by_name=shows is Shows.NAMED)

    def _may_stand(self, case: Case, lead: Lead, spot: Spot, address: str) -> bool:
        """Whether a name that leads into a zone may say where its system stands.

        Another department's network holds a door, or a guest: neither is shown. A record that has outlived its
        server leads to an address that was looked at in vain.
        """
        zone = spot.zone
        if zone.kind == "department" and spot.department_id != case.system.text("department_id"):
            return False
        silent = (zone.vantage, address) not in self.world.sightings and self.world.covered.address(
            zone.vantage, address
        )
        return lead.shows is not Shows.RESOLVED or lead.has_spoken or not silent

    def _list(self, case: Case, resource: Resource, claim: Claim) -> None:
        """What an instance that a cloud lists shows."""
        if not claim.is_sure or not resource.place or resource.power not in ("on", "off", "suspended"):
            case.possible.append(resource)
            if resource.place:
                ground = resource.ground(Strength.HINTED, claim.words)
                case.note(resource.place, ground, resource.cloud_code, by_name=False)
            return
        # A proxy carries the addresses of many and runs none of them.
        if self._is_door(resource, claim.address):
            if resource.place == CLOUD:
                words = f"{claim.words}，按名称是负载均衡或反向代理"
                case.doors.append(resource)
                case.is_behind_a_door = True
                if not claim.address and resource.power == "on":
                    case.door = resource.ground(Strength.SEEN_INSIDE, words)
            return
        if resource.power != "on":
            case.stopped.append(resource)
            return
        case.running.append(resource)
        ground = resource.ground(Strength.SEEN_INSIDE, f"{claim.words}，云平台显示已开机")
        case.note(resource.place, ground, resource.cloud_code, by_name=True)

    def _is_door(self, resource: Resource, address: str) -> bool:
        return is_proxy(resource.host) or any(
            self.fronts.is_shared(identifier.vantage, identifier.value)
            for identifier in identifiers(resource.host, "ip")
            if identifier.value == address
        )


def may_be_door(world: World, resources: Resources, address: str, spot: Spot) -> bool:
    """Whether a cloud's address is shown to be no instance's: a balancer's, or one that a firewall forwards."""
    if spot.zone.kind != "government_cloud" or world.covered.inside(spot.zone.vantage, address):
        return False
    return resources.has_none(spot.zone.cloud_code, spot.zone.vantage, address)


def _mark(case: Case, vantage: str, address: str, ground: Ground) -> None:
    """A declared name led to a page of the system's own at one of its declared addresses."""
    for spotted in case.addresses:
        if (spotted.vantage, spotted.address) == (vantage, address):
            spotted.answered, spotted.is_named = ground, True


def _declare(world: World, case: Case) -> None:
    """What the registers say: the places they name, and a government cloud whose code they give."""
    system = case.system
    for fact in facts_of(system, "hosting"):
        if fact.origin is Origin.DECLARED and isinstance(fact.value, tuple) and fits(_HOSTING, fact.value):
            words = f"登记为“{fact.evidence}”" if fact.evidence else "台账登记"
            for place in fact.value:
                case.declared.setdefault(place, Ground(Strength.DECLARED, fact.source, fact.observed_at, words))
    ground = register_ground(system)
    if ground is None:
        return
    for code in texts(system, "cloud_codes"):
        cloud = world.referred("cloud", code, system.text("department_id"))
        if cloud is not None and cloud.get("kind") in ("government", "county"):
            words = f"登记所在云 {code}"
            case.declared.setdefault(CLOUD, Ground(Strength.DECLARED, ground.source, ground.observed_at, words))


def _place_outside(case: Case) -> None:
    """Declared addresses that lie outside every zone and in a public cloud's range: a hint at where it runs."""
    lost = [spotted for spotted in case.addresses if not spotted.spots]
    ground = register_ground(case.system) if lost else None
    for spotted in lost if ground else ():
        if ground is None:
            continue
        out = outside((), (spotted.address,), ground.observed_at)
        if out is not None and not out.is_door:
            spotted.is_public = True
            words = f"登记的地址 {spotted.address} 位于{out.provider}的地址段"
            hint = Ground(Strength.HINTED, ground.source, ground.observed_at, words)
            case.note("public_cloud", hint, "", by_name=False)


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


def shown_elsewhere(world: World, resources: Resources, fronts: Fronts) -> dict[str, list[Shown]]:
    """System key → places where a page bears its name, also at an address that nobody gave it.

    On a government cloud that shows where it runs; in a department's network it may be a test copy or a page that
    only leads on, and is a hint. A door that many share shows nothing, and one that may be a door is a hint.
    """
    out: dict[str, list[Shown]] = {}
    by_key = {system.key: system for system in world.systems}
    for (vantage, address), sighting in sorted(world.sightings.items()):
        if sighting.spot is None or not sighting.pages or sighting.is_equipment:
            continue
        zone = sighting.spot.zone
        for title in sighting.pages:
            named = world.system_names.within(title.text)
            if len(named) != 1 or fronts.is_shared(vantage, address):
                continue
            system = by_key[named[0]]
            words = f"页面标题“{title.text}”与系统名称相符"
            if zone.kind == "government_cloud":
                ground = sighting_ground(sighting, Strength.SEEN_OUTSIDE, words)
                if may_be_door(world, resources, address, sighting.spot):
                    ground = sighting_ground(sighting, Strength.HINTED, f"{words}；{NO_INSTANCE}")
                out.setdefault(system.key, []).append(Shown(CLOUD, ground, zone.cloud_code))
            elif zone.kind == "department" and sighting.spot.department_id == system.text("department_id"):
                ground = sighting_ground(sighting, Strength.HINTED, f"{words}，该地址未登记")
                out.setdefault(system.key, []).append(Shown("own_room", ground, ""))
    return out

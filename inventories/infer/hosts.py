"""What follows for hosts: their role, what they carry, where they stand, and who knows of them. Pure."""

from __future__ import annotations

from datetime import date

from inventories.infer.draft import Draft, Drafts, Ground
from inventories.infer.evidence import ROLES
from inventories.infer.presence import Claimants, conclude_host_found
from inventories.infer.resources import Resources
from inventories.infer.sightings import Sighting
from inventories.infer.world import (
    World,
    facts_of,
    identifiers,
    register_ground,
    sighting_ground,
    submission_ground,
    texts,
)
from inventories.model import Asset, Origin, Strength


def infer_hosts(world: World, drafts: Drafts, resources: Resources, *, today: date) -> None:
    """Fills what can be concluded of every host."""
    carried = Carried(world, resources)
    claimants = Claimants(world, resources, today=today)
    missing: dict[str, Ground] = {}
    for host in world.kinds["host"]:
        seen = [
            sighting
            for identifier in identifiers(host, "ip")
            if (sighting := world.sightings.get((identifier.vantage, identifier.value)))
        ]
        draft = drafts.edit(host)
        _register(world, host, draft, seen, missing)
        _role(host, draft)
        _carries(carried.by(host), draft)
        _place(world, resources, host, draft)
        conclude_host_found(world, host, draft, seen)
        claimants.conclude(host, draft)
        if not host.text("name"):
            _name(host, draft, seen)
        drafts.close(draft)


class Carried:
    """Which systems run on which hosts, by the registers' word or by that of a cloud's own interface."""

    def __init__(self, world: World, resources: Resources) -> None:
        self.world, self.resources = world, resources
        self._at: dict[tuple[str, str], list[Asset]] = {}
        for system in world.systems:
            for claim in world.claims(system):
                if claim.spot is not None:
                    self._at.setdefault((claim.spot.zone.vantage, claim.address), []).append(system)

    def by(self, host: Asset) -> dict[str, Ground]:
        """System key → why it is taken to run on a host."""
        grounds: dict[str, Ground] = {}
        for fact in facts_of(host, "system_codes") if host.get("system_codes") else ():
            said = "主机台账：承载系统" if fact.origin is Origin.DECLARED else "云平台列出：属于系统"
            for word in fact.value if isinstance(fact.value, tuple) else ():
                system = self.world.referred("system", word, host.text("department_id"))
                if system is not None:
                    ground = Ground(fact.strength, fact.source, fact.observed_at, f"{said} {word}")
                    grounds.setdefault(system.key, ground)
        for identifier in identifiers(host, "ip"):
            for system in self._at.get((identifier.vantage, identifier.value), ()):
                theirs = register_ground(system)
                if theirs is not None:
                    words = f"系统台账：{system.text('name')} 的地址 {identifier.value}"
                    grounds.setdefault(system.key, Ground(theirs.strength, theirs.source, theirs.observed_at, words))
        resource = self.resources.of_host(host)
        for claim in resource.claims if resource is not None else ():
            if resource is not None and claim.kind == "system" and claim.is_sure:
                grounds.setdefault(claim.key, resource.ground(Strength.DECLARED, claim.words))
        return grounds


def _register(world: World, host: Asset, draft: Draft, seen: list[Sighting], missing: dict[str, Ground]) -> None:
    """In the asset register or not. FALSE only in a department's own network, where the register came in whole.

    ``missing`` keeps what was said of a department's register, for its many hosts.
    """
    ground = register_ground(host)
    if ground is not None:
        draft.conclude("in_asset_register", True, ground)
        return
    department = host.text("department_id")
    submission = world.submitted("hosts", department)
    if (
        submission is None
        or not any(s.is_sure for s in seen)
        or any(s.zone is None or s.zone.kind != "department" for s in seen)
    ):
        return
    # An identifier that several claim, or a row whose address could lie here, may be this very host.
    if any(("host", identifier) in world.doubted for identifier in host.identifiers):
        return
    if any(address in world.unplaced_addresses for address in texts(host, "ips")):
        return
    words = sighting_ground(next(s for s in seen if s.is_sure), Strength.SEEN_OUTSIDE)
    if department not in missing:
        missing[department] = submission_ground(submission, "部门主机台账中无此主机")
    draft.conclude("in_asset_register", False, words & missing[department])


def _role(host: Asset, draft: Draft) -> None:
    """The most telling product category seen on a host."""
    best: dict[str, Ground] = {}
    for fact in facts_of(host, "products") if host.get("products") else ():
        if isinstance(fact.value, tuple) and fact.strength >= Strength.SEEN_OUTSIDE:
            for item in fact.value:
                category = item.partition(":")[0].strip()
                best.setdefault(category, Ground(fact.strength, fact.source, fact.observed_at, item))
    role = next((role for role in ROLES if role in best), None)
    if role is not None:
        draft.conclude("role", role, best[role])


def _carries(grounds: dict[str, Ground], draft: Draft) -> None:
    """The systems that run on a host."""
    if grounds:
        total, *rest = [grounds[key] for key in sorted(grounds)]
        for other in rest[:7]:
            total &= other
        draft.conclude("system_keys", tuple(sorted(grounds)), total)


def _place(world: World, resources: Resources, host: Asset, draft: Draft) -> None:
    """The room that its row names, and the cloud that lists it or in whose zone it lies."""
    for fact in facts_of(host, "room_code") if host.get("room_code") else ():
        if fact.value == host.get("room_code") and isinstance(fact.value, str) and fact.origin is Origin.DECLARED:
            room = world.referred("room", fact.value, host.text("department_id"))
            if room is not None:
                words = f"主机台账：所在机房 {fact.value}"
                draft.conclude("room_key", room.key, Ground(fact.strength, fact.source, fact.observed_at, words))
            break
    resource = resources.of_host(host)
    listing = resource.cloud if resource is not None else None
    if resource is not None and listing is not None:
        draft.conclude("cloud_key", listing.key, resource.ground(Strength.SEEN_INSIDE, "，由云平台列出"))
    zone = world.zones.get(host.zones[0]) if len(host.zones) == 1 else None
    if zone is None or zone.kind != "government_cloud":
        return
    newest = max(host.facts, key=lambda f: (f.observed_at, f.source))
    ground = Ground(Strength.DECLARED, "site.yaml", newest.observed_at, f"网络区域 {zone.name}")
    if host.get("platform") is None and not any(c.column == "platform" for c in host.conflicts):
        draft.conclude("platform", "gov_cloud", ground)
    cloud = world.referred("cloud", zone.cloud_code, "")
    if cloud is not None and listing is None:
        draft.conclude("cloud_key", cloud.key, ground)


def _name(host: Asset, draft: Draft, seen: list[Sighting]) -> None:
    """A host that no register names is called by its address, so that people can find it."""
    if any(conflict.column == "name" for conflict in host.conflicts):
        return
    told = next((f for f in facts_of(host, "name") if f.origin is Origin.OBSERVED and isinstance(f.value, str)), None)
    if told is not None:
        draft.conclude("name", told.value, Ground(told.strength, told.source, told.observed_at, "云平台上的名称"))
        return
    words = "以地址为名"
    if seen:
        sighting = min(seen, key=lambda s: (len(s.address), s.address))
        ground = Ground(Strength.SEEN_OUTSIDE, sighting.source, sighting.observed_at, words)
        draft.conclude("name", sighting.address, ground)
        return
    said = facts_of(host, "ips")
    if said:
        address = min(texts(host, "ips"), key=lambda text: (len(text), text))
        draft.conclude("name", address, Ground(said[0].strength, said[0].source, said[0].observed_at, words))

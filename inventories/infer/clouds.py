"""Virtualisation platforms that answer in a department's network and that no register names. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, tzinfo

from inventories.identity import place_id, plain_name
from inventories.infer.draft import Draft, Drafts, Ground
from inventories.infer.evidence import PLATFORMS, Platform
from inventories.infer.sightings import Product, Sighting
from inventories.infer.world import World, register_ground, sighting_ground, texts, web_address
from inventories.keymap import Thing
from inventories.model import Asset, Identifier, KeyMap, Strength
from inventories.places import Zone
from inventories.prefixes import Ranges, network, position


@dataclass(frozen=True, slots=True)
class Installation:
    """What belongs together: the managers and hosts of one platform in one department's place."""

    zone: Zone
    department_id: str
    family: str
    parts: tuple[tuple[Platform, Product, Sighting], ...]

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        return (place_id(self.department_id, self.zone.id, self.zone.location, f"cloud-{self.family}"),)

    @property
    def main(self) -> tuple[Platform, Product, Sighting]:
        """The part that one logs in to: a manager before a host, then the first address."""
        return min(self.parts, key=lambda part: (not part[0].is_manager, position(part[2].address), part[1]))

    def thing(self, timezone: tzinfo, today: date) -> Thing:
        newest = max(sighting.observed_at for _platform, _product, sighting in self.parts)
        return Thing("cloud", self.identifiers, seen_on=min(newest.astimezone(timezone).date(), today))


def platform_of(product: Product) -> Platform | None:
    """The platform that a product of the fingerprints is, if it manages machines."""
    if product.category not in ("hypervisor", "cloud_platform"):
        return None
    name = plain_name(product.name)
    return next((platform for word, platform in PLATFORMS.items() if word in name), None)


def find_installations(world: World) -> list[Installation]:
    """Platforms seen by name in departments' networks that no declared cloud may be, in a fixed order."""
    found: dict[tuple[str, str, str], list[tuple[Platform, Product, Sighting]]] = {}
    declared = _Declared(world)
    for _where, sighting in sorted(world.sightings.items()):
        zone = sighting.zone
        if zone is None or zone.kind != "department":
            continue
        for product in sighting.products:
            platform = platform_of(product) if product.is_seen else None
            if platform and not declared.accounts(sighting, platform):
                key = (zone.id, sighting.owner, platform.family)
                found.setdefault(key, []).append((platform, product, sighting))
    return [
        Installation(world.zones[zone_id], department, family, tuple(parts))
        for (zone_id, department, family), parts in sorted(found.items())
    ]


class _Declared:
    """The clouds that registers name, and what each may account for."""

    def __init__(self, world: World) -> None:
        clouds = [cloud for cloud in world.kinds["cloud"] if cloud.get("is_declared") is True]
        self._by_endpoint: dict[str, list[Asset]] = {}
        self._ranges: list[tuple[Asset, Ranges]] = []
        self._vague: dict[str, list[Asset]] = {}
        for cloud in clouds:
            endpoint = web_address(cloud.text("endpoint"))[0]
            prefixes = [parsed for text in texts(cloud, "prefixes") if (parsed := network(text))]
            if endpoint:
                self._by_endpoint.setdefault(endpoint, []).append(cloud)
            if prefixes:
                self._ranges.append((cloud, Ranges(prefixes)))
            if not (endpoint and position(endpoint)) and not prefixes:
                self._vague.setdefault(cloud.text("department_id"), []).append(cloud)

    def accounts(self, sighting: Sighting, platform: Platform) -> bool:
        """By its endpoint or prefixes; and a cloud of the same department that gives neither may be any."""
        owner = sighting.owner
        near = [c for c in self._by_endpoint.get(sighting.address, ()) if c.text("department_id") in ("", owner)]
        within = [
            cloud
            for cloud, ranges in self._ranges
            if cloud.text("department_id") in ("", owner) and ranges.holds_address(sighting.address)
        ]
        if near or within:
            return True
        vague = [
            c for c in self._vague.get(owner, ()) if c.get("kind") in (None, "virtualisation", "industry", "county")
        ]
        return any(_may_be(cloud, platform) for cloud in vague)


def _may_be(cloud: Asset, platform: Platform) -> bool:
    said = plain_name(cloud.text("platform"))
    return not said or any(word in said for word in (platform.code, platform.family, plain_name(platform.title)))


def mark_declared(world: World, drafts: Drafts) -> None:
    """``is_inferred`` FALSE for every cloud and room that a register names."""
    for kind in ("cloud", "room"):
        for asset in world.kinds[kind]:
            ground = register_ground(asset)
            if ground is not None:
                drafts.edit(asset).conclude("is_inferred", False, ground)


def add_clouds(world: World, drafts: Drafts, found: Iterable[tuple[Installation, str]], keymap: KeyMap) -> None:
    """Adds a cloud for each installation, under its key."""
    for installation, key in found:
        platform, product, main = installation.main
        grounds = [
            sighting_ground(sighting, Strength.SEEN_OUTSIDE, f" {part.name}")
            for _platform, part, sighting in installation.parts
        ]
        ground = sighting_ground(main, Strength.SEEN_OUTSIDE, f" {product.name}")
        draft = Draft("cloud", key, installation.identifiers, collectors=(main.collector,))
        draft.values.update(
            key=key,
            sources=tuple(sorted({sighting.source for _p, _n, sighting in installation.parts})),
            is_observed=True,
            is_declared=False,
            first_seen_on=keymap.first_seen[key],
            last_seen_on=keymap.last_seen[key],
        )
        draft.zones.add(installation.zone.id)
        port = f":{product.port}" if product.port else ""
        draft.conclude("name", f"{installation.zone.name} {platform.title} 平台（推断）", ground)
        draft.conclude("kind", "virtualisation", ground)
        draft.conclude("platform", platform.code, ground)
        draft.conclude("endpoint", f"{main.address}{port}", ground)
        draft.conclude("is_inferred", True, ground)
        draft.conclude("inference_evidence", tuple(sorted({g.evidence for g in grounds})), ground)
        owned = Ground(Strength.DECLARED, ground.source, ground.observed_at, f"网络区域 {installation.zone.name}")
        world.join_department(draft, installation.department_id, owned)
        world.join_nil_return(draft, installation.department_id)
        drafts.add(draft)

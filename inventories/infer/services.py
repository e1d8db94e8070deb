"""Services that answer in a department's network and that no register accounts for. Pure.

A web page with a title, or a database that names its product, is taken for an information system that somebody
runs. It is called unregistered only where the department's systems register was received whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from inventories.identity import plain_name, service_id
from inventories.infer.claims import Claims
from inventories.infer.draft import Draft, Drafts, Ground
from inventories.infer.evidence import NAMELESS_PAGES
from inventories.infer.sightings import Named, Sighting
from inventories.infer.world import World, register_ground, sighting_ground, submission_ground
from inventories.keymap import Thing
from inventories.model import Asset, Identifier, KeyMap, Strength
from inventories.places import Zone


@dataclass(frozen=True, slots=True)
class Found:
    """A service that a probe saw. ``accounted_by`` are the registered systems that it may belong to."""

    sighting: Sighting
    zone: Zone
    name: str
    ports: tuple[int, ...]
    words: str
    accounted_by: tuple[Asset, ...]
    is_accounted: bool

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        where = self.sighting
        return tuple(sorted(service_id(where.address, port, "tcp", where.vantage) for port in self.ports))

    def thing(self, timezone: tzinfo, today: date) -> Thing:
        seen_on = min(self.sighting.observed_at.astimezone(timezone).date(), today)
        return Thing("system", self.identifiers, seen_on=seen_on)


def find_services(world: World) -> list[Found]:
    """Every page and database in a department's network, accounted for or not, in a fixed order."""
    claims = Claims(world)
    found: list[Found] = []
    for _where, sighting in sorted(world.sightings.items()):
        zone = sighting.zone
        if zone is None or zone.kind != "department" or sighting.is_equipment:
            continue
        pages = list(_pages(sighting, zone, claims))
        found += pages
        # A database beside an unaccounted page is the page's own.
        if all(page.is_accounted for page in pages):
            found += _databases(sighting, zone, claims, bool(pages))
    return found


def _pages(sighting: Sighting, zone: Zone, claims: Claims) -> Iterator[Found]:
    """Pages of one address. The same title on several ports is one page, and so are several titles on one port."""
    web = [s.port for s in sighting.services if s.protocol == "tcp" and "http" in s.name]
    for titles in _together([page for page in sighting.pages if page.port or web], web):
        told = sorted({title.port for title in titles if title.port})
        # Where nobody can tell which port shows the page, the first stands for it, and a claim to any counts.
        shown = tuple(told or web[:1])
        accounts = [claims.of_page(sighting, title, shown if title.port else tuple(web)) for title in titles]
        systems = {system.key: system for found, _carried in accounts for system in found}
        text = titles[0].text.strip()
        name = _by_address(sighting, shown) if NAMELESS_PAGES.match(text) else text
        words = f" {shown[0]} 端口页面标题“{text}”"
        is_accounted = bool(systems) or any(carried for _found, carried in accounts)
        yield Found(sighting, zone, name, shown, words, tuple(systems[key] for key in sorted(systems)), is_accounted)


def _together(pages: Sequence[Named], web: Sequence[int]) -> list[list[Named]]:
    """Pages that are one service: they share a title or a port. Each group, and the groups, in a fixed order."""
    groups: list[tuple[set[object], list[Named]]] = []
    for page in pages:
        marks: set[object] = {plain_name(page.text), page.port or web[0]}
        same = [group for group in groups if group[0] & marks]
        titles = [page, *(title for _marks, found in same for title in found)]
        groups = [group for group in groups if group not in same]
        groups.append((marks.union(*(found for found, _titles in same)), sorted(titles)))
    return sorted(titles for _marks, titles in groups)


def _databases(sighting: Sighting, zone: Zone, claims: Claims, beside_pages: bool) -> Iterator[Found]:
    systems, carried = claims.of_database(sighting)
    for service in sighting.services:
        if service.is_database and service.protocol == "tcp":
            words = f" {service.port} 端口数据库 {service.product}"
            yield Found(
                sighting,
                zone,
                _by_address(sighting, (service.port,)),
                (service.port,),
                words,
                tuple(systems),
                bool(systems) or carried or beside_pages,
            )


def _by_address(sighting: Sighting, ports: tuple[int, ...]) -> str:
    address = f"[{sighting.address}]" if ":" in sighting.address else sighting.address
    return f"{address}:{ports[0]} 服务"


def infer_registered(world: World, drafts: Drafts) -> None:
    """``is_registered`` TRUE for every system with a row in the systems register."""
    for system in world.systems:
        ground = register_ground(system, "systems")
        if ground is not None:
            drafts.edit(system).conclude("is_registered", True, ground)


def add_services(world: World, drafts: Drafts, found: Iterable[tuple[Found, str]], keymap: KeyMap) -> None:
    """Adds a system for each unaccounted service, under its key."""
    for service, key in found:
        sighting = service.sighting
        ground = sighting_ground(sighting, Strength.SEEN_OUTSIDE, service.words)
        draft = Draft("system", key, service.identifiers, collectors=(sighting.collector,))
        department = _owner(world, sighting)
        draft.values.update(
            key=key,
            sources=(sighting.source,),
            is_observed=True,
            is_declared=False,
            first_seen_on=keymap.first_seen[key],
            last_seen_on=keymap.last_seen[key],
        )
        draft.zones.add(service.zone.id)
        draft.conclude("name", service.name, ground)
        draft.conclude("hosting", ("own_room",), ground)
        draft.conclude("hosting_strength", Strength.SEEN_OUTSIDE.label, ground)
        owned = Ground(Strength.DECLARED, ground.source, ground.observed_at, f"网络区域 {service.zone.name}")
        world.join_department(draft, department, owned)
        submission = world.submitted("systems", department)
        if submission is not None:
            words = "部门信息系统台账中无此服务"
            draft.conclude("is_registered", False, ground & submission_ground(submission, words))
        world.join_nil_return(draft, department)
        drafts.add(draft)


def _owner(world: World, sighting: Sighting) -> str:
    """The address's department; nobody's where its host's sources disagree on that."""
    hosts = world.hosts_at.get((sighting.vantage, sighting.address), ())
    said = {host.text("department_id") for host in hosts}
    return sighting.owner if said <= {sighting.owner} else ""

"""Services that answer in a department's network and that no register accounts for. Pure.

A web page with a title, a database that names its product, or an application that was read on the host itself, is
taken for an information system that somebody runs. It is called unregistered only where the department's systems
register was received whole, and where it cannot be a part of what that register names: a page that does not say its
name may be a system whose place no register tells, or a device's, and a database may belong to any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from inventories.identity import plain_name, service_id
from inventories.infer.claims import Claims
from inventories.infer.draft import Draft, Drafts, Ground
from inventories.infer.evidence import NAMELESS_PAGES
from inventories.infer.fronts import Fronts
from inventories.infer.machines import is_workstation
from inventories.infer.resources import Resources
from inventories.infer.serving import listening, products_inside
from inventories.infer.sightings import Named, Sighting
from inventories.infer.terms import AGENT_PAGES, SERVING, TEST_COPIES, TEST_PAGES
from inventories.infer.world import World, identifiers, register_ground, sighting_ground, submission_ground
from inventories.model import Asset, Identifier, KeyMap, Strength
from inventories.places import Zone
from inventories.thing import Thing

#: What is told on the host itself and shows by that alone that something runs there; a middleware may be empty.
_TOLD_INSIDE = ("application", "database")


@dataclass(frozen=True, slots=True)
class Found:
    """A service that a probe saw. ``accounted_by`` are the registered systems that it may belong to (of many, some).

    ``may_be_known``: it may be a part of a registered system though nothing says of which, or a copy of one.
    """

    sighting: Sighting
    zone: Zone
    name: str
    ports: tuple[int, ...]
    ground: Ground
    accounted_by: tuple[Asset, ...]
    is_accounted: bool
    may_be_known: bool = False

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        where = self.sighting
        return tuple(sorted(service_id(where.address, port, "tcp", where.vantage) for port in self.ports))

    def thing(self, timezone: tzinfo, today: date) -> Thing:
        seen_on = min(self.sighting.observed_at.astimezone(timezone).date(), today)
        return Thing("system", self.identifiers, seen_on=seen_on)


def find_services(world: World, resources: Resources, fronts: Fronts) -> list[Found]:
    """Every page, database and application in a department's network, accounted for or not, in a fixed order."""
    claims = Claims(world, resources, fronts)
    read = {
        (identifier.vantage, identifier.value)
        for host in world.kinds["host"]
        if "listeners" in host.values
        for identifier in identifiers(host, "ip")
    }
    found: list[Found] = []
    for where, sighting in sorted(world.sightings.items()):
        zone = sighting.zone
        if zone is None or zone.kind != "department" or sighting.is_equipment:
            continue
        pages = list(_pages(sighting, zone, claims))
        found += pages
        # A database beside an unaccounted page is the page's own.
        if all(page.is_accounted for page in pages):
            databases = list(_databases(sighting, zone, claims, bool(pages)))
            found += databases
            if not pages and not databases and where in read:
                found += _inside(world, sighting, zone, claims)
    return found


def _pages(sighting: Sighting, zone: Zone, claims: Claims) -> Iterator[Found]:
    """Pages of one address. The same title on several ports is one page, and so are several titles on one port."""
    web = [s.port for s in sighting.services if s.protocol == "tcp" and "http" in s.name]
    shown = [page for page in sighting.pages if (page.port or web) and _is_somebodys(page.text)]
    if not shown:
        return
    hosts = claims.world.hosts_at.get((sighting.vantage, sighting.address), ())
    # Somebody's desk may show a copy that is being made; cameras and door locks ask for a name and a password too.
    is_on_desk = any(is_workstation(host) for host in hosts)
    is_application = _shows_application(sighting, hosts)
    may_be_elsewhere = claims.may_be_elsewhere(_owner(claims.world, sighting), any_place=False)
    for titles in _together(shown, web):
        told = sorted({title.port for title in titles if title.port})
        # Where nobody can tell which port shows the page, the first stands for it, and a claim to any counts.
        ports = tuple(told or web[:1])
        accounts = [claims.of_page(sighting, title, ports if title.port else tuple(web)) for title in titles]
        systems = {system.key: system for found, _carried in accounts for system in found}
        text = titles[0].text.strip()
        is_nameless = bool(NAMELESS_PAGES.match(text))
        yield Found(
            sighting,
            zone,
            _by_address(sighting, ports) if is_nameless else text,
            ports,
            sighting_ground(sighting, Strength.SEEN_OUTSIDE, f"{ports[0]} 端口的页面标题为“{text}”"),
            tuple(systems[key] for key in sorted(systems)),
            bool(systems) or any(carried for _found, carried in accounts),
            bool(TEST_COPIES.search(text))
            or is_on_desk
            or (is_nameless and (may_be_elsewhere or not is_application)),
        )


def _is_somebodys(title: str) -> bool:
    """Whether somebody made a page for people: no test, and no agent that watches the machine."""
    return not TEST_PAGES.match(title.strip()) and not AGENT_PAGES.match(title.strip())


def _shows_application(sighting: Sighting, hosts: Iterable[Asset]) -> bool:
    """Whether a machine shows, beside its pages, what serves people or data and is no device's own."""
    return (
        any(service.is_database for service in sighting.services)
        or any(product.is_seen and product.category in SERVING for product in sighting.products)
        or any(products_inside(host) for host in hosts)
    )


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
    services = [service for service in sighting.services if service.is_database and service.protocol == "tcp"]
    if not services:
        return
    systems, carried = claims.of_machine(sighting)
    may_be_known = claims.may_be_elsewhere(_owner(claims.world, sighting), any_place=True)
    for service in services:
        words = f"{service.port} 端口上是数据库 {service.product}"
        yield Found(
            sighting,
            zone,
            _by_address(sighting, (service.port,)),
            (service.port,),
            sighting_ground(sighting, Strength.SEEN_OUTSIDE, words),
            tuple(systems),
            bool(systems) or carried or beside_pages,
            may_be_known,
        )


def _inside(world: World, sighting: Sighting, zone: Zone, claims: Claims) -> Iterator[Found]:
    """What only the host itself tells: an application or a database that listens, and shows no page to the outside.

    One service for each machine, at the first of its addresses that answers.
    """
    hosts = world.hosts_at.get((sighting.vantage, sighting.address), ())
    if len(hosts) != 1 or not (found := listening(hosts[0])):
        return
    places = sorted((i.vantage, i.value) for i in identifiers(hosts[0], "ip"))
    first = next((place for place in places if place in world.sightings), None)
    products = [product for product in products_inside(hosts[0]) if product.category in _TOLD_INSIDE]
    if first != (sighting.vantage, sighting.address) or not products:
        return
    systems, carried = claims.of_machine(sighting)
    ports = tuple(sorted({one.port for one in found}))
    product = min(products, key=lambda one: (_TOLD_INSIDE.index(one.category), one.product))
    listeners = "、".join(f"{one.port}/tcp {one.process}" for one in found[:3])
    words = f"{sighting.address}（{zone.name}）登录主机读到 {product.product}，监听 {listeners}"
    is_database = product.category == "database"
    yield Found(
        sighting,
        zone,
        _by_address(sighting, ports) if is_database else f"{product.product}（{sighting.address}）",
        ports,
        Ground(Strength.SEEN_INSIDE, product.ground.source, product.ground.observed_at, words),
        tuple(systems),
        bool(systems) or carried,
        claims.may_be_elsewhere(_owner(world, sighting), any_place=is_database),
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
        ground = service.ground
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
        draft.conclude("hosting_strength", ground.strength.label, ground)
        draft.conclude("is_found", True, ground)
        owned = Ground(Strength.DECLARED, ground.source, ground.observed_at, f"网络区域 {service.zone.name}")
        world.join_department(draft, department, owned)
        submission = world.submitted("systems", department)
        if submission is not None and not service.may_be_known:
            words = "部门信息系统台账中无此服务"
            draft.conclude("is_registered", False, ground & submission_ground(submission, words))
        world.join_nil_return(draft, department)
        drafts.add(draft)


def _owner(world: World, sighting: Sighting) -> str:
    """The address's department; nobody's where its host's sources disagree on that."""
    hosts = world.hosts_at.get((sighting.vantage, sighting.address), ())
    said = {host.text("department_id") for host in hosts}
    return sighting.owner if said <= {sighting.owner} else ""

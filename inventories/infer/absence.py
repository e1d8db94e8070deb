"""What is shown to be nowhere: said only where everything that could show it was looked at. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable

from inventories.identity import plain_code
from inventories.infer.case import CLOUD, Case, Spotted
from inventories.infer.fronts import Lead, Shows
from inventories.infer.resources import Resources
from inventories.infer.world import World, texts, web_address
from inventories.kinds.cloud import CLOUD_KIND
from inventories.model import Asset
from inventories.prefixes import position

#: So many addresses or names are told in evidence; the rest are counted.
MOST_TOLD = 5
ALL_KINDS = frozenset({*CLOUD_KIND, ""})


def is_silent(world: World, resources: Resources, spotted: Spotted) -> bool:
    """Whether an address was looked at in vain: by a probe, or because its cloud was listed whole without it."""
    if spotted.spot is None or spotted.sighting is not None or spotted.answered is not None:
        return False
    if any(resource.power != "off" for resource in resources.at(spotted.vantage, spotted.address)):
        return False
    if world.covered.address(spotted.vantage, spotted.address):
        return True
    zone = spotted.spot.zone
    held = resources.at(spotted.vantage, spotted.address)
    return zone.kind == "government_cloud" and world.covered.cloud(zone.cloud_code) and not held


def cloud_is_open(world: World, resources: Resources, case: Case) -> bool:
    """Whether a system may be on a government cloud for all that was looked at, its own addresses considered."""
    if CLOUD in case.hinted or case.is_behind_a_door or case.door is not None or world.has_twin(case.system):
        return True
    if any(r.place == CLOUD for r in case.stopped):
        return True
    if any(not resource.place for resource in case.possible):
        return True
    return any(s.may_be_cloud and not (s.is_cloud and is_silent(world, resources, s)) for s in case.addresses)


def nothing_on_cloud(world: World, resources: Resources, case: Case) -> str:
    """Why it is shown that a system is on no government cloud, in words; empty where that is not shown.

    Its addresses there were all looked at in vain. Where it declares none, every government cloud was looked at
    whole: its zone down to the services, or its resources through its own interface, and none that is surely nobody
    else's may be this system's. An instance of its own department's may carry it beside another system: then only a
    look at the services themselves shows that none does.
    """
    if CLOUD in case.seen or cloud_is_open(world, resources, case):
        return ""
    there = [spotted for spotted in case.addresses if spotted.is_cloud]
    if there:
        looked = [s for s in there if world.covered.address(s.vantage, s.address)]
        words = [f"登记的政务云地址 {silent_words(world, looked)}"] if looked else []
        for code in sorted(
            {s.spot.zone.cloud_code for s in there if s.spot and world.covered.cloud(s.spot.zone.cloud_code)}
        ):
            held = [s for s in there if s.spot and s.spot.zone.cloud_code == code]
            when = world.looked_words([plain_code(code)], "resources")
            words.append(f"云平台 {code} 的全量清单{when}中没有地址 {_addresses(held)}")
        return "；".join(words)
    known = world.government
    listed = _cloud_codes(world, case.system, {"government", "county", ""}) - known.named
    department = case.system.text("department_id")
    if not (known.codes or listed):
        return ""
    # A zone that was not looked through, or has none, must have been listed through its cloud's own interface.
    if not all(_listed(resources, codes, department) for codes in (known.unlooked, frozenset(listed))):
        return ""
    when = world.looked_words(known.named | listed if listed else known.named, "resources")
    when += world.looked_words(known.looked, "services")
    return f"政务云已全量核查{when}，没有属于该系统的资源"


def silent_words(world: World, spotted: Iterable[Spotted]) -> str:
    """Addresses that were looked at in vain, and who looked at them when."""
    seen = list(spotted)
    when = world.looked_words([s.spot.zone.id for s in seen if s.spot], "hosts")
    return f"{_addresses(seen)} 已核查{when}，无应答"


def _addresses(spotted: Iterable[Spotted]) -> str:
    found = sorted({one.address for one in spotted})
    return f"{'、'.join(found[:MOST_TOLD])}{f' 等 {len(found)} 个' if len(found) > MOST_TOLD else ''}"


def _cloud_codes(world: World, system: Asset, kinds: Container[str] = ALL_KINDS) -> set[str]:
    """The codes of the clouds of some kinds (empty: of a kind that nobody tells) that a system's register names."""
    out = set()
    for word in texts(system, "cloud_codes"):
        cloud = world.referred("cloud", word, system.text("department_id"))
        if (cloud.text("kind") if cloud else "") in kinds:
            out.add(plain_code(cloud.text("code") if cloud and cloud.text("code") else word))
    return out


def _listed(resources: Resources, codes: frozenset[str], department_id: str) -> bool:
    """Whether clouds' own lists show that nothing on any of them can be a department's."""
    return resources.has_no_stray(codes, department_id) and not resources.holds(codes, department_id)


def nowhere(world: World, resources: Resources, case: Case) -> str:
    """Why it is shown that a system is nowhere to be found, in words; empty where that is not shown.

    Something must have been able to show it: an address, or a name that leads to a cloud that was listed whole. Every
    declared address was looked at in vain, every cloud that it is declared on was listed whole, every name was asked
    and leads nowhere.
    """
    if case.seen or case.hinted or case.possible or case.stopped or case.running or case.is_behind_a_door:
        return ""
    if case.door is not None or world.has_twin(case.system):
        return ""
    if not all(
        is_silent(world, resources, spotted) and world.covered.address(spotted.vantage, spotted.address)
        for spotted in case.addresses
    ):
        return ""
    clouds = _clouds_of(world, case)
    department = case.system.text("department_id")
    if clouds is None or not _hold_nothing(world, resources, case, clouds, department):
        return ""
    names = _names(case)
    if not (case.addresses or (clouds and names)) or not _lead_nowhere(world, case, names):
        return ""
    said = []
    if case.addresses:
        said.append(f"登记的地址 {silent_words(world, case.addresses)}")
    if clouds:
        when = world.looked_words(clouds, "resources")
        said.append(f"云平台 {'、'.join(sorted(clouds))} 已全量列出{when}，没有属于该系统的资源")
    if names:
        when = world.looked_words(world.all_zones, "names")
        said.append(f"登记的网址 {'、'.join(names[:MOST_TOLD])} 已查询{when}，无处可达")
    return "；".join(said)


def _hold_nothing(world: World, resources: Resources, case: Case, codes: frozenset[str], department_id: str) -> bool:
    """Whether the clouds that a system is declared on were listed whole, and nothing there may be the system's."""
    if not resources.has_no_stray(codes, department_id):
        return False
    # An address of its own there tells which machine it would be.
    if any(spotted.is_cloud for spotted in case.addresses):
        return True
    return all(world.is_looked_through(code) for code in resources.holds(codes, department_id))


def _clouds_of(world: World, case: Case) -> frozenset[str] | None:
    """Codes of the clouds that a system is declared on; None where one of them cannot be named."""
    codes = frozenset(_cloud_codes(world, case.system))
    for spotted in case.addresses:
        if spotted.is_cloud and spotted.spot:
            codes |= {plain_code(spotted.spot.zone.cloud_code)}
    if {"public_cloud", "industry_cloud"} & case.declared.keys() and not codes:
        return None
    if CLOUD in case.declared and not codes:
        codes = world.government.codes
        if not codes:
            return None
    return None if "" in codes else codes


def _names(case: Case) -> list[str]:
    """The host names among a system's declared addresses of pages."""
    hosts = {web_address(url)[0].casefold() for url in texts(case.system, "urls")}
    return sorted(host for host in hosts if host and position(host) is None)


def _lead_nowhere(world: World, case: Case, names: Iterable[str]) -> bool:
    """Whether every name was asked to the end, and leads to no address that could still be alive."""
    by_name = {lead.name: lead for lead in case.leads}
    for name in names:
        lead = by_name.get(name)
        if not world.covered.name(name) or (lead is not None and _may_be_alive(world, lead)):
            return False
    # Addresses of pages that a register writes as numbers are addresses that must be known to be silent too.
    literal = {web_address(url)[0] for url in texts(case.system, "urls")} - {""}
    known = {spotted.address for spotted in case.addresses}
    return all(host in known for host in literal if position(host) is not None)


def _may_be_alive(world: World, lead: Lead) -> bool:
    """Whether a name may lead to something; one that leads to silent addresses has outlived its server."""
    if lead.shows is not Shows.RESOLVED or lead.has_spoken:
        return lead.shows is not Shows.NOTHING
    return not all(
        spot is not None
        and (spot.zone.vantage, address) not in world.sightings
        and world.covered.address(spot.zone.vantage, address)
        for address, spot in lead.spots
    )

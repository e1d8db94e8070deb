"""What a host that a cloud's own interface listed is called, tagged, and whose it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from inventories.identity import plain_name
from inventories.infer.world import World, facts_of, identifiers, texts
from inventories.model import Asset, Origin, SourcedFact
from inventories.reconcile import SITE_SOURCE

#: The probes that list a cloud through its own interface.
LISTERS = frozenset({"openstack", "vsphere"})


def is_instance(host: Asset) -> bool:
    """Whether a cloud's interface says that it is a machine of its own making, and none on which it runs."""
    return any(is_listed(fact) and fact.value is False for fact in facts_of(host, "is_physical"))


def is_listed(fact: SourcedFact) -> bool:
    """Whether a cloud's own interface said it."""
    return fact.origin is Origin.OBSERVED and fact.source.partition(" ")[0] in LISTERS


def names_of(host: Asset) -> tuple[str, ...]:
    """What its register, its cloud and it itself call a host, in this order."""
    said = [fact.value for fact in facts_of(host, "name") if isinstance(fact.value, str)]
    return tuple(dict.fromkeys(name for name in (host.text("name"), *said, host.text("hostname")) if name))


def tags_of(host: Asset) -> Iterable[tuple[str, str]]:
    """(key, value) of each tag; a bare tag has no key."""
    for tag in texts(host, "cloud_tags"):
        key, mark, value = tag.partition("=")
        yield (plain_name(key), value.strip()) if mark else ("", key.strip())


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

"""What is wrong with a site's configuration beyond the shape of its values: every fault, at its place."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from auditor.site_packs import check_packs, pack_id
from auditor.site_schedule import check_schedule
from auditor.site_trust import check_keys
from auditor.site_workers import check_workers
from auditor.site_zones import ZoneConfig
from inventories.documents import Document
from inventories.faults import Fault, did_you_mean
from inventories.places import Network
from probes.profiles import PROFILES

if TYPE_CHECKING:
    from auditor.site import SiteConfig


def check(document: Document, config: SiteConfig, root: Path) -> Iterator[Fault]:
    try:
        ZoneInfo(config.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        yield document.fault(("timezone",), f"unknown time zone {config.timezone!r}", "use one such as Asia/Shanghai")
    yield from check_packs(document, config.packs, root)
    for name in config.pack_settings:
        if name not in map(pack_id, config.packs):
            yield document.fault(("pack_settings", name), f"settings for {name!r}, which is not among 'packs'")
    seen: set[str] = set()
    for i, zone in enumerate(config.zones):
        at: tuple[str | int, ...] = ("zones", i)
        if zone.id in seen:
            yield document.fault((*at, "id"), f"a second zone with the id {zone.id!r}", "give each zone its own id")
        seen.add(zone.id)
        yield from _check_zone(document, config, zone, at)
    yield from _check_overlaps(document, config)
    yield from check_keys(document, config, root)
    yield from check_schedule(document, config)
    yield from check_workers(document, config)


def _check_zone(
    document: Document, config: SiteConfig, zone: ZoneConfig, at: tuple[str | int, ...]
) -> Iterator[Fault]:
    limit = config.limits.max_addresses_per_prefix
    if not zone.prefixes and zone.access.names is None:
        yield document.fault(at, f"the zone {zone.id!r} has no prefixes", "add 'prefixes', or 'access: names'")
    for j, prefix in enumerate(zone.prefixes):
        place = (*at, "prefixes", j)
        if prefix.prefixlen == 0:
            yield document.fault(place, f"{prefix} is everything there is", "list the prefixes that are meant")
        elif prefix.num_addresses > limit:
            yield document.fault(
                place,
                f"{prefix} holds {prefix.num_addresses} addresses, more than the site's limit of {limit}",
                "list smaller prefixes, or raise limits.max_addresses_per_prefix",
            )
        if prefix.is_multicast:
            yield document.fault(place, f"{prefix} is multicast", "list unicast prefixes")
    yield from _check_logins(document, zone, at)
    inner = {"owners": [o.prefix for o in zone.owners], "fragile": [f.prefix for f in zone.fragile]}
    if zone.prefixes:
        inner["exclude"] = [e.prefix for e in zone.exclude]
    for key, prefixes in inner.items():
        for j, prefix in enumerate(prefixes):
            if not any(_within(prefix, own) for own in zone.prefixes):
                yield document.fault((*at, key, j, "prefix"), f"{prefix} lies in none of the zone's prefixes")
    for j, leave in enumerate(zone.authorisations):
        place = (*at, "authorisations", j)
        if leave.valid_to < leave.valid_from:
            yield document.fault((*place, "to"), "ends before it begins")
        for k, prefix in enumerate(leave.prefixes):
            if not any(_within(prefix, own) for own in zone.prefixes):
                yield document.fault((*place, "prefixes", k), f"{prefix} lies in none of the zone's prefixes")
    for j, freeze in enumerate(zone.freeze):
        if freeze.end < freeze.start:
            yield document.fault((*at, "freeze", j, "to"), "ends before it begins")
    if zone.profile not in config.profiles and zone.profile not in PROFILES:
        known = [*config.profiles, *PROFILES]
        yield document.fault(
            (*at, "profile"),
            f"unknown profile {zone.profile!r}",
            did_you_mean(zone.profile, known) or f"one of {', '.join(known)}",
        )
    if zone.kind == "department" and not zone.department and not zone.owners:
        yield document.fault(at, f"nobody owns the zone {zone.id!r}", "add 'department', or 'owners' with prefixes")


def _check_logins(document: Document, zone: ZoneConfig, at: tuple[str | int, ...]) -> Iterator[Fault]:
    """Logins are for the zone's own addresses; a bastion elsewhere needs a document of its own."""
    logins = {
        "ssh": [entry.prefixes for entry in zone.access.ssh],
        "windows": [entry.prefixes for entry in zone.access.windows],
        "snmp": [entry.prefixes for entry in zone.access.snmp],
    }
    for key, entries in logins.items():
        for j, prefixes in enumerate(entries):
            for k, prefix in enumerate(prefixes):
                if not any(_within(prefix, own) for own in zone.prefixes):
                    yield document.fault(
                        (*at, "access", key, j, "prefixes", k), f"{prefix} lies in none of the zone's prefixes"
                    )
    for j, ssh in enumerate(zone.access.ssh):
        bastion = ssh.bastion
        if bastion and not bastion.document and not any(_holds(own, bastion.address) for own in zone.prefixes):
            yield document.fault(
                (*at, "access", "ssh", j, "bastion"),
                f"the bastion {bastion.address} lies outside the zone",
                "add 'document': by whose leave it may be used",
            )


def _check_overlaps(document: Document, config: SiteConfig) -> Iterator[Fault]:
    """Prefixes may repeat across vantages, and may not overlap within one."""
    placed: list[tuple[str, Network, str, tuple[str | int, ...]]] = []
    for i, zone in enumerate(config.zones):
        for j, prefix in enumerate(zone.prefixes):
            place = ("zones", i, "prefixes", j)
            for vantage, other, owner, _at in placed:
                if vantage == zone.vantage and prefix.version == other.version and prefix.overlaps(other):
                    yield document.fault(
                        place,
                        f"{prefix} overlaps {other} of zone {owner!r}, both as seen from {vantage!r}",
                        "split them, or name another vantage if it is another network",
                    )
            placed.append((zone.vantage, prefix, zone.id, place))


def _within(inner: Network, outer: Network) -> bool:
    return inner.network_address in outer and inner.prefixlen >= outer.prefixlen


def _holds(prefix: Network, address: str) -> bool:
    parsed = ip_address(address)
    return parsed.version == prefix.version and parsed in prefix

"""The names probe: where the declared names, addresses and URLs of systems lead, and what answers there.

Only what the permit lists is asked: each name once at the name servers, each page once at one address that was
checked, and never a name that turned up on the way (an alias, a redirect, a name in a certificate). What it finds is
evidence for where a system runs; drawing the conclusion is not its business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inventories.model import Collection
from probes.access import Asked
from probes.base import Context, Limit, Shard
from probes.scope import Permit

if TYPE_CHECKING:
    from inventories.model import Identifier

#: Names of one shard, about: systems that share a name are never parted.
SHARD_NAMES = 32


@dataclass(frozen=True)
class NamesProbe:
    """Looks up and asks what registers give to systems. ``dns_port`` comes from code, never from a site's text."""

    dns_port: int = 53
    name: str = "names"

    def shards(self, permit: Permit) -> tuple[Shard, ...]:
        """The permit's names in shards of a few dozen; sends nothing."""
        return tuple(shard for shard, _asked in _plan(permit, self.name))

    def collect(self, shard: Shard, context: Context) -> Collection:
        """Asks one shard's names; never raises for what the world does."""
        from probes.names.collecting import Collecting

        mine = next((asked for planned, asked in _plan(context.permit, self.name) if planned.id == shard.id), ())
        return Collecting(mine, shard, context, self.dns_port).go()

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        """Nothing that this machine lacks keeps it from looking."""
        return ()


def _plan(permit: Permit, probe: str) -> list[tuple[Shard, tuple[Asked, ...]]]:
    rules = permit.access.names
    if rules is None or not permit.names:
        return []
    settings = f"{sorted(rules.resolvers)}|{rules.follow}|{permit.targets}|{permit.excluded}|{permit.left_out}"
    base = f"{permit.zone.id}\0{permit.zone.vantage}\0{settings}"
    groups: list[list[Asked]] = []
    room = 0
    for cluster in _clusters(permit.names):
        names = len({asked.host for asked in cluster})
        if groups and names <= room:
            groups[-1] += cluster
            room -= names
        else:
            groups.append(list(cluster))
            room = SHARD_NAMES - names
    return [(_shard(probe, permit.zone.id, base, group), tuple(group)) for group in groups]


def _shard(probe: str, zone: str, base: str, group: Iterable[Asked]) -> Shard:
    lines = (f"{a.host} {a.port} {a.scheme} {a.path} {a.department_id} {[*map(str, a.identifiers)]}" for a in group)
    digest = hashlib.sha256("\0".join([base, *lines]).encode("utf-8", "replace")).hexdigest()[:16]
    # No address is promised: where a name leads is found out on the way, and checked there.
    return Shard(f"{probe}-{zone}-{digest}", probe, zone, ())


def _clusters(names: Iterable[Asked]) -> list[list[Asked]]:
    """What belongs together: every place of a system, and every system of a name, so that each is asked once."""
    ordered = sorted(
        set(names), key=lambda a: (a.host, a.port, a.scheme, a.path, a.department_id, str(a.identifiers))
    )
    leader: dict[object, object] = {}

    def find(thing: object) -> object:
        while leader.setdefault(thing, thing) != thing:
            leader[thing] = leader[leader[thing]]
            thing = leader[thing]
        return thing

    for asked in ordered:
        leader[find(_system(asked))] = find(("host", asked.host))
    clusters: dict[object, list[Asked]] = {}
    for asked in ordered:
        clusters.setdefault(find(("host", asked.host)), []).append(asked)
    return list(clusters.values())


def _system(asked: Asked) -> tuple[str, tuple[Identifier, ...], str]:
    return ("system", asked.identifiers, asked.department_id)


def by_system(names: Iterable[Asked]) -> Mapping[tuple[str, tuple[Identifier, ...], str], list[Asked]]:
    """The places of each system, in order."""
    out: dict[tuple[str, tuple[Identifier, ...], str], list[Asked]] = {}
    for asked in names:
        out.setdefault(_system(asked), []).append(asked)
    return out

"""How a permit's names are cut into shards. Pure, and the same wherever it is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from inventories.alike import Groups
from inventories.model import Identifier
from probes.access import Asked
from probes.base import Shard
from probes.scope import Permit

#: Names of one shard, about: systems that share a name are never parted.
SHARD_NAMES = 32


def plan(permit: Permit, probe: str) -> list[tuple[Shard, tuple[Asked, ...]]]:
    """Shards with the names of each; none where the permit allows no names. Sends nothing."""
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
    together = Groups[object]()
    for asked in ordered:
        together.join(("host", asked.host), _system(asked))
    clusters: dict[object, list[Asked]] = {}
    for asked in ordered:
        clusters.setdefault(together.of(("host", asked.host)), []).append(asked)
    return list(clusters.values())


def _system(asked: Asked) -> tuple[str, tuple[Identifier, ...], str]:
    return ("system", asked.identifiers, asked.department_id)


def by_system(names: Iterable[Asked]) -> Mapping[tuple[str, tuple[Identifier, ...], str], list[Asked]]:
    """The places of each system, in order."""
    out: dict[tuple[str, tuple[Identifier, ...], str], list[Asked]] = {}
    for asked in names:
        out.setdefault(_system(asked), []).append(asked)
    return out

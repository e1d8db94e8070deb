"""What an audit judges: what it looks at itself, and what was brought home before.

A zone is looked at by this machine or by a worker while the audit waits, or its newest look is taken: one that was
carried here by hand or, where an audit only judges (``--collected``), whatever the schedule brought home. A look that
an audit has judged before still stands for its zone, and confirms, closes and ages nothing a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Collection as Container
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from auditor import looks
from auditor.errors import Failed
from auditor.ledger.records import LookRow
from auditor.looks import Look, Pair
from auditor.probing import probe_zones
from auditor.site import Site
from auditor.standing import Choice, choose
from inventories.bundle import BundleError
from inventories.faults import clean
from inventories.identity import service_parts
from inventories.model import Collection, Coverage, Failure, Observation
from inventories.prefixes import Ranges, network
from inventories.steady import without_cycle_collection

if TYPE_CHECKING:
    from auditor.authorise import Leave
    from auditor.ledger.store import Ledger
    from auditor.running import Request
    from inventories.registers import RegisterResult
    from probes.base import Probe
    from probes.run import Event


@dataclass(frozen=True, slots=True)
class Looked:
    """What probes saw, here or elsewhere, and how new it is.

    ``attempted`` are the zones that were looked at since the audits before; ``left_out`` those of which the findings
    are neither confirmed nor made stale. ``carried`` are (zone, collector) that an audit has judged before. ``until``
    is when what did not look just now had looked. ``judged`` are the looks that this audit is the first to judge.
    ``limits`` are, by probe, what could not be seen from where it looked.
    """

    collection: Collection = field(default_factory=Collection)
    attempted: frozenset[str] = frozenset()
    left_out: frozenset[str] = frozenset()
    carried: frozenset[Pair] = frozenset()
    until: Mapping[Pair, datetime] = field(default_factory=dict)
    judged: tuple[LookRow, ...] = ()
    limits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def without_observations(self) -> Looked:
        """The same without what was seen, for when that stands elsewhere."""
        return replace(self, collection=replace(self.collection, observations=()))


def collect(
    site: Site,
    request: Request,
    probes: Sequence[Probe],
    leave: Leave,
    ledger: Ledger,
    registers: RegisterResult,
    *,
    run: str,
    clock: Callable[[], datetime],
    on_event: Callable[[Event], None],
) -> Looked:
    """Looks where there is leave to, takes the newest looks of the other zones, and says what stays unseen."""
    started = clock()
    names = [probe.name for probe in probes]
    sight = probe_zones(site, probes, leave, run=run, clock=clock, on_event=on_event)
    now = clock()
    refused = Collection(failures=leave.failures(names, started))
    own = _keep_own(site, sight.collection, leave, names, (started, now)) if site.keeps_looks else ()
    choice = taken(site, request, names, ledger, now)
    brought = _brought(site, choice, registers.withheld)
    spoken_of = {zone.id for zone in leave.zones} | choice.zones
    limits = dict(sight.limits)
    for look in {look.id: look for look in choice.looks.values()}.values():
        for probe, text in look.limits:
            limits[probe] = tuple(dict.fromkeys((*limits.get(probe, ()), text)))
    return Looked(
        collection=sight.collection + refused + brought + Collection(failures=choice.failures),
        attempted=frozenset(permit.zone.id for permit in leave.permits) | choice.attempted,
        left_out=choice.left_out | {scope.zone.id for scope in site.scopes if scope.zone.id not in spoken_of},
        carried=choice.carried,
        until={
            **{(look.zone, probe): look.seen_until for look in own for probe in look.probes},
            **{pair: look.seen_until for pair, look in choice.looks.items()},
        },
        judged=tuple(_row(look) for look in (*own, *choice.fresh)),
        limits=limits,
    )


def taken(site: Site, request: Request, probes: Sequence[str], ledger: Ledger, now: datetime) -> Choice:
    """Which looks stand for the zones that this audit does not look at itself. :class:`Failed` for a damaged one."""
    zones = [scope for scope in site.scopes if request.takes(site.zone(scope.zone.id))]
    if not zones:
        return Choice()
    try:
        kept = looks.kept(site, [scope.zone.id for scope in zones])
    except (BundleError, OSError) as error:
        raise _unreadable(error) from error
    vantages = {scope.zone.id: scope.zone.vantage for scope in zones}
    return choose(
        looks.newest(look for look in kept if look.vantage == vantages[look.zone]),
        expected={scope.zone.id: [name for name in probes if scope.access.gives(name)] for scope in zones},
        wanted=frozenset(probes),
        judged=ledger.judged_looks(),
        attempts=ledger.last_attempts(),
        valid_days={scope.zone.id: site.zone(scope.zone.id).valid_days for scope in zones},
        prefixes={scope.zone.id: tuple(map(str, scope.zone.prefixes)) for scope in zones},
        now=now,
    )


def _unreadable(error: Exception) -> Failed:
    return Failed(f"a kept look cannot be read: {clean(str(error), 300)}")


def fresh_of(collected: Collection, carried: Container[Pair]) -> Collection:
    """A collection without what earlier audits have judged already."""
    if not carried:
        return collected
    return replace(
        collected,
        observations=tuple(o for o in collected.observations if (o.zone, o.collector) not in carried),
        coverage=tuple(c for c in collected.coverage if (c.zone, c.collector) not in carried),
        failures=tuple(f for f in collected.failures if (f.zone, f.collector) not in carried),
    )


def _keep_own(
    site: Site, seen: Collection, leave: Leave, probes: Sequence[str], when: tuple[datetime, datetime]
) -> tuple[Look, ...]:
    """What an audit saw itself stands for its zones until they are looked at again."""
    kept, of_zone = [], by_zone(seen)
    for permit in leave.permits:
        zone = permit.zone
        given = [probe for probe in probes if permit.access.gives(probe)]
        head = looks.head(site.id, zone, given, seen=when, at=when[1], documents=permit.documents)
        kept.append(looks.save(site, head, of_zone.get(zone.id, Collection())))
    return tuple(kept)


def by_zone(seen: Collection) -> Mapping[str, Collection]:
    """What was seen, split by zone in one pass; within a zone everything keeps its order."""
    observations: dict[str, list[Observation]] = {}
    coverage: dict[str, list[Coverage]] = {}
    failures: dict[str, list[Failure]] = {}
    for observation in seen.observations:
        observations.setdefault(observation.zone, []).append(observation)
    for covered in seen.coverage:
        coverage.setdefault(covered.zone, []).append(covered)
    for failure in seen.failures:
        failures.setdefault(failure.zone, []).append(failure)
    return {
        zone: Collection(
            tuple(observations.get(zone, ())), tuple(coverage.get(zone, ())), tuple(failures.get(zone, ()))
        )
        for zone in (observations.keys() | coverage.keys() | failures.keys())
    }


def _brought(site: Site, choice: Choice, withheld: Container[str]) -> Collection:
    """What the chosen looks hold of the probes that each was chosen for.

    What is excluded today, or belongs to a classified system, is left out, whenever it was seen.
    """
    excluded = {scope.zone.id: Ranges(scope.excluded) for scope in site.scopes}
    with without_cycle_collection():
        return Collection.united(
            _of(look, probes, withheld, excluded[look.zone]) for look, probes in choice.by_look()
        )


def _of(look: Look, probes: Container[str], withheld: Container[str], excluded: Ranges) -> Collection:
    """What a look holds of some probes."""
    try:
        found = look.collection()
    except (BundleError, OSError) as error:
        raise _unreadable(error) from error
    return Collection(
        tuple(o for o in found.observations if o.collector in probes and not _hidden(o, withheld, excluded)),
        tuple(c for c in found.coverage if c.collector in probes),
        tuple(f for f in found.failures if f.collector in probes),
    )


def _hidden(observation: Observation, withheld: Container[str], excluded: Ranges) -> bool:
    addresses = [i.value for i in observation.identifiers if i.scheme == "ip"]
    addresses += [service_parts(i)[0] for i in observation.identifiers if i.scheme == "service"]
    return any(
        address in withheld or (network(address) is not None and excluded.holds_address(address))
        for address in addresses
    )


def _row(look: Look) -> LookRow:
    return LookRow(look.id, look.zone, look.probes, look.seen_from, look.seen_until, look.signed_by)

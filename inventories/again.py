"""Whether those who saw a thing in an earlier audit have looked again in this one. Pure.

A scan that finds nobody at an address shows that nobody answers a scan. It does not show that the room, whose power
supply only its SNMP agent told of, has gone while the community string was wrong. So a thing counts as gone only
where every collector that saw it covered its zone again: it failed at nothing there, and each machine that it saw
there was read again, or is silent (a scan that heard it before covered it, and it answers nobody).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from inventories.answers import REGISTER
from inventories.coverage import EVERYTHING, Covered
from inventories.identity import service_parts
from inventories.model import Collection, Failure, Identifier
from inventories.prefixes import Ranges, network

#: Collector → the aspect in which it covers an address that it read, or asked, to the end.
ASPECTS: Mapping[str, str] = {
    "nmap": "hosts",
    "ssh": "inside",
    "windows": "inside",
    "snmp": "snmp",
    "endpoints": "endpoints",
}
#: Collectors that list what a cloud holds: they cover all of it or some.
LISTERS = frozenset({"vsphere", "openstack"})
#: Those who look at nothing by themselves: registers tell, and names are asked because a register tells them.
_TOLD = frozenset({REGISTER, "names"})
_SWEEPER = "nmap"


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier audit knew of an asset, as :meth:`inventories.snapshot.Snapshot.known` gives it."""

    kind: str
    key: str
    identifiers: tuple[Identifier, ...]
    zones: tuple[str, ...]
    collectors: tuple[str, ...]

    @property
    def seen_by(self) -> frozenset[str]:
        return frozenset(self.collectors) - _TOLD

    @property
    def spots(self) -> frozenset[tuple[str, str]]:
        """(vantage, address) of where it was seen."""
        spots = {(i.vantage, i.value) for i in self.identifiers if i.scheme == "ip"}
        spots |= {(i.vantage, service_parts(i)[0]) for i in self.identifiers if i.scheme == "service"}
        return frozenset(spots)


class Again:
    """One audit's coverage, failures and observations, asked about what earlier audits saw."""

    def __init__(self, collected: Collection, covered: Covered | None = None) -> None:
        self.covered = covered or Covered(collected.coverage)
        #: (collector, zone) → what it failed at there.
        self.failed: dict[tuple[str, str], list[Failure]] = {}
        for failure in collected.failures:
            self.failed.setdefault((failure.collector, failure.zone), []).append(failure)
        self._refusals: dict[tuple[str, str], _Refusals] = {}
        #: (collector, zone) of which anything at all was covered, and of which everything was listed.
        self.ran = frozenset((record.collector, record.zone) for record in collected.coverage)
        self.listed = frozenset(
            (record.collector, record.zone)
            for record in collected.coverage
            if record.aspect == "resources" and tuple(record.scope) == (EVERYTHING,)
        )
        self.heard = frozenset(
            (identifier.vantage, identifier.value)
            for observation in collected.observations
            if observation.kind == "host" and observation.collector != REGISTER
            for identifier in observation.identifiers
            if identifier.scheme == "ip"
        )

    def looked(self, thing: Known, hosts: Iterable[Known]) -> bool:
        """Whether everybody who saw a thing looked again. ``hosts`` are all that the earlier audit knew."""
        collectors = thing.seen_by
        if thing.kind == "cloud" and collectors & LISTERS and not any(i.scheme == "place" for i in thing.identifiers):
            codes = [i.value for i in thing.identifiers if i.scheme == "cloud-code"]
            return bool(codes) and all(self.covered.cloud(code) for code in codes)
        if thing.spots:
            return all(self._at_machine(thing, collector) for collector in collectors)
        return all(self._in_zones(thing, collector, hosts) for collector in collectors)

    def covered_by(self, collectors: Iterable[str], zones: Iterable[str]) -> bool:
        """Whether collectors covered something in each of some zones, and failed at nothing.

        It is all that can be asked where nobody knows any more which machines they saw.
        """
        pairs = [(collector, zone) for collector in collectors for zone in zones]
        return bool(pairs) and all(pair in self.ran and pair not in self.failed for pair in pairs)

    def _at_machine(self, machine: Known, collector: str) -> bool:
        if any(self._failed_at(machine, collector, zone) for zone in machine.zones):
            return False
        return self._read(machine, collector)

    def _failed_at(self, machine: Known, collector: str, zone: str) -> bool:
        """Whether a failure of a collector in a zone may concern a machine."""
        where = (collector, zone)
        if where not in self.failed:
            return False
        if where not in self._refusals:
            self._refusals[where] = _Refusals(self.failed[where])
        return self._refusals[where].touch(machine)

    def _in_zones(self, thing: Known, collector: str, hosts: Iterable[Known]) -> bool:
        """A thing that has no address of its own was concluded from machines of its zones."""
        if not thing.zones or any((collector, zone) in self.failed for zone in thing.zones):
            return False
        told = [
            host for host in hosts if collector in host.collectors and not set(thing.zones).isdisjoint(host.zones)
        ]
        if not told:
            return any(
                (collector, zone) in (self.listed if collector in LISTERS else self.ran) for zone in thing.zones
            )
        return all(self._read(host, collector) for host in told)

    def _read(self, machine: Known, collector: str) -> bool:
        """Whether a collector has read a machine again, or could not because nobody is there."""
        if collector in LISTERS:
            return any((collector, zone) in self.listed for zone in machine.zones)
        aspect, spots = ASPECTS.get(collector), machine.spots
        if aspect is None or not spots:
            return False
        if collector == _SWEEPER:
            return all(self.covered.address(vantage, address) for vantage, address in spots)
        if any(self.covered.address(vantage, address, aspect) for vantage, address in spots):
            return True
        # A scan that never heard of a machine cannot tell that it has fallen silent.
        return _SWEEPER in machine.collectors and self._is_silent(spots)

    def _is_silent(self, spots: Iterable[tuple[str, str]]) -> bool:
        return all(spot not in self.heard and self.covered.address(*spot) for spot in spots)


class _Refusals:
    """What a collector failed at in a zone: addresses, or something that is no address and may be any machine."""

    __slots__ = ("_is_vague", "_ranges")

    def __init__(self, failures: Iterable[Failure]) -> None:
        scopes = [[network(text) for text in failure.scope] for failure in failures]
        self._is_vague = any(not scope or None in scope for scope in scopes)
        self._ranges = Ranges(prefix for scope in scopes for prefix in scope if prefix is not None)

    def touch(self, machine: Known) -> bool:
        return self._is_vague or any(self._ranges.holds_address(address) for _vantage, address in machine.spots)

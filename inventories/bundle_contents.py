"""What a bundle may say: of its own zone, by its own probes, within its own time, and nothing that is a register's.

A good signature says who speaks, not that what is said is that person's to say. Whoever holds a zone's key can still
lie about that zone; it must not be able to speak for another zone, for a register or for a person.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection as Container
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from inventories.answers import REGISTER
from inventories.bundle_head import BundleError, Head
from inventories.coverage import NETWORK_ASPECTS
from inventories.faults import clean
from inventories.identity import instance_parts, plain_code, service_parts
from inventories.model import Collection, Coverage, Failure, Identifier, Observation, Strength
from inventories.places import Zone
from inventories.prefixes import Ranges, network, position

#: Kind → the schemes by which probes know such things. Pins are a person's word, the rest are registers'.
_SEEN_BY: Mapping[str, frozenset[str]] = {
    "host": frozenset({"ip", "mac", "uuid", "serial", "instance"}),
    "cloud": frozenset({"cloud-code", "service", "uuid"}),
    "system": frozenset({"system-code", "system-name"}),
}
_ASPECTS = NETWORK_ASPECTS | {"names", "resources"}
# A lone surrogate has no UTF-8, and PostgreSQL has no text with a NUL.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Ground:
    """A zone's own ground: its addresses, and what is known to be somebody else's.

    ``others`` are the addresses of other zones as seen from the same vantage, ``other_clouds`` the codes of clouds
    that belong to other zones alone.
    """

    zone: Zone
    own: Ranges
    others: Ranges
    other_clouds: frozenset[str] = frozenset()


def ground(zone: Zone, zones: Iterable[Zone], clouds: Mapping[str, Iterable[str]] | None = None) -> Ground:
    """``clouds`` are, by zone id, the codes of the clouds that the site asks or keeps there."""
    codes = {name: {plain_code(code) for code in given if code} for name, given in (clouds or {}).items()}
    elsewhere = {code for name, given in codes.items() if name != zone.id for code in given}
    beside = [other for other in zones if other.id != zone.id and other.vantage == zone.vantage]
    return Ground(
        zone,
        Ranges(zone.prefixes),
        Ranges(prefix for other in beside for prefix in other.prefixes),
        frozenset(elsewhere - codes.get(zone.id, set())),
    )


@dataclass(slots=True)
class Contents:
    """Holds a bundle's content against its head and its zone, collection by collection, and counts it.

    ``probes`` are those that this program knows. ``first`` and ``last`` are when anything was seen.
    """

    head: Head
    ground: Ground
    probes: Container[str]
    observations: int = 0
    covered: int = 0
    failures: int = 0
    first: datetime | None = field(default=None)
    last: datetime | None = field(default=None)

    def check_head(self) -> None:
        """:class:`BundleError` where the head itself is not this zone's, or names an unknown probe."""
        zone = self.ground.zone
        if self.head.vantage != zone.vantage:
            raise BundleError(
                "wrong_zone",
                f"was seen from {self.head.vantage!r}, and the zone {zone.id!r} is seen from {zone.vantage!r}",
            )
        for probe in self.head.probes:
            if probe not in self.probes:
                raise BundleError(
                    "unknown_word",
                    f"is of a probe {probe!r} (program {clean(self.head.program, 40)}): update this program",
                )

    def check(self, collection: Collection) -> None:
        """:class:`BundleError` at the first thing that does not belong here."""
        if collection.submissions or collection.waivers:
            raise BundleError("foreign", "holds returns or waivers, which no probe can see")
        for observation in collection.observations:
            self._observation(observation)
        for coverage in collection.coverage:
            self._coverage(coverage)
        for failure in collection.failures:
            self._failure(failure)
        self.observations += len(collection.observations)
        self.covered += len(collection.coverage)
        self.failures += len(collection.failures)

    def _observation(self, seen: Observation) -> None:
        self._origin(seen.collector, seen.zone)
        self._time(seen.observed_at)
        schemes = _SEEN_BY.get(seen.kind)
        if schemes is None:
            raise BundleError("unknown_word", f"tells of a {clean(seen.kind, 40)!r}, which probes do not see")
        self._texts(seen.source, seen.department_id)
        for identifier in seen.identifiers:
            if identifier.scheme not in schemes:
                raise BundleError(
                    "foreign", f"knows a {seen.kind} by {clean(identifier.scheme, 40)!r}, as no probe does"
                )
            self._identifier(identifier)
        for fact in seen.facts:
            if fact.absent or fact.strength is Strength.DECLARED:
                raise BundleError("foreign", f"answers for a register: {clean(fact.column, 60)}")
            self._texts(fact.column, fact.evidence)
            if isinstance(fact.value, str):
                self._texts(fact.value)
            elif isinstance(fact.value, tuple):
                self._texts(*fact.value)

    def _identifier(self, identifier: Identifier) -> None:
        scheme, value = identifier.scheme, identifier.value
        self._texts(value, identifier.vantage)
        if identifier.vantage not in ("", self.head.vantage):
            raise BundleError("foreign", f"names {_shown(identifier)}, seen from elsewhere")
        if scheme == "ip" and not (_is_plain(value) and self.ground.own.holds_address(value)):
            raise BundleError(
                "foreign", f"tells of {_shown(identifier)}, which is not in the zone {self.head.zone!r}"
            )
        if scheme == "service" and not self._reaches(identifier):
            raise BundleError("foreign", f"tells of {_shown(identifier)}, which is another zone's")
        if scheme == "instance" and _cloud_of(identifier) in self.ground.other_clouds:
            raise BundleError("foreign", f"tells of {_shown(identifier)}, which is in another zone's cloud")
        if scheme == "cloud-code" and plain_code(value) in self.ground.other_clouds:
            raise BundleError("foreign", f"tells of {_shown(identifier)}, which is another zone's cloud")

    def _reaches(self, identifier: Identifier) -> bool:
        """A cloud's endpoint may lie in no zone at all, but not in another's."""
        try:
            address, port, _protocol = service_parts(identifier)
        except ValueError:
            return False
        held = self.ground.own.holds_address(address) or not self.ground.others.holds_address(address)
        return _is_plain(address) and port < 65536 and held

    def _coverage(self, covered: Coverage) -> None:
        self._origin(covered.collector, covered.zone)
        if covered.vantage != self.head.vantage:
            raise BundleError("foreign", f"covers what is seen from {clean(covered.vantage, 40)!r}")
        self._time(covered.started_at)
        self._time(covered.ended_at)
        if covered.started_at > covered.ended_at:
            raise BundleError("bad_time", "covers something before it began to")
        if covered.aspect not in _ASPECTS:
            raise BundleError("unknown_word", f"covers {clean(covered.aspect, 40)!r}, which no probe does")
        self._texts(covered.detail, *covered.scope)
        if covered.aspect in NETWORK_ASPECTS:
            for text in covered.scope:
                prefix = network(text)
                if prefix is None or not self.ground.own.holds_prefix(prefix):
                    raise BundleError("foreign", f"covers {clean(text, 60)}, which is not in the zone")
        code = plain_code(covered.detail)
        if covered.aspect == "resources" and not {code, code.partition("/")[0]}.isdisjoint(self.ground.other_clouds):
            raise BundleError("foreign", f"covers the cloud {clean(code, 60)!r}, which is another zone's")

    def _failure(self, failure: Failure) -> None:
        self._origin(failure.collector, failure.zone)
        self._time(failure.at)
        self._texts(failure.reason, failure.message, *failure.scope)
        for text in failure.scope:
            prefix = network(text)
            if prefix is not None and not self.ground.own.holds_prefix(prefix):
                raise BundleError("foreign", f"failed at {clean(text, 60)}, which is not in the zone")

    def _origin(self, collector: str, zone: str) -> None:
        if collector == REGISTER:
            raise BundleError("foreign", "holds a register's rows, which no probe can see")
        if collector not in self.head.probes:
            raise BundleError("foreign", f"holds what {clean(collector, 40)!r} saw, and says to be of other probes")
        if zone != self.head.zone:
            raise BundleError("foreign", f"holds something of the zone {clean(zone, 40)!r}")

    def _time(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise BundleError("bad_time", "holds a time without its time zone")
        if not self.head.seen_from <= moment <= self.head.seen_until:
            raise BundleError("bad_time", "holds something that was seen outside the time that it says")
        if self.first is None or moment < self.first:
            self.first = moment
        if self.last is None or moment > self.last:
            self.last = moment

    @staticmethod
    def _texts(*texts: str) -> None:
        for text in texts:
            if _UNSTORABLE.search(text):
                raise BundleError("bad_format", "holds a text that cannot be stored")


def span(collection: Collection) -> tuple[datetime, datetime] | None:
    """From when to when anything in it was seen; None where it holds nothing."""
    moments = [o.observed_at for o in collection.observations]
    moments += [moment for c in collection.coverage for moment in (c.started_at, c.ended_at)]
    moments += [f.at for f in collection.failures]
    return (min(moments), max(moments)) if moments else None


def _is_plain(address: str) -> bool:
    """Whether an address is written in its one plain form."""
    spot = position(address)
    if spot is None:
        return False
    return str((ipaddress.IPv4Address if spot[0] == 4 else ipaddress.IPv6Address)(spot[1])) == address


def _cloud_of(identifier: Identifier) -> str:
    return plain_code(instance_parts(identifier)[0]).partition("/")[0]


def _shown(identifier: Identifier) -> str:
    return clean(str(identifier), 80)

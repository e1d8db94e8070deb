"""Authorisation: what may be touched, when, how fast, and by whose leave.

Pure: the clock is passed in, and nothing here sends a packet. Only a :class:`Permit`, which only
:func:`permit` makes, lets a probe run.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from inventories.faults import clean
from inventories.places import Network, Zone
from probes.access import Access, Asked

#: Why a zone may not be probed, as :class:`Refusal` says it.
REASONS = (
    "no_authorisation",
    "frozen",
    "expired",
    "not_yet",
    "outside_window",
    "prefix_not_authorised",
    "nothing_left",
)


@dataclass(frozen=True, slots=True)
class Window:
    """The hours of the day, local time of the site, in which probing is allowed; may cross midnight.

    ``end`` itself is outside. A window that ends when it starts allows nothing.
    """

    start: time
    end: time

    def contains(self, at: datetime) -> bool:
        clock = at.timetz().replace(tzinfo=None)
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def closes(self, at: datetime) -> datetime:
        """The moment (UTC) at which the window that contains ``at`` ends."""
        end = datetime.combine(at.date(), self.end, at.tzinfo)
        if end.replace(tzinfo=None) <= at.replace(tzinfo=None):
            end = datetime.combine(at.date() + timedelta(days=1), self.end, at.tzinfo)
        return end.astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Who allowed probing of which prefixes, by which document, from when to when (both days included)."""

    document: str
    approver: str
    valid_from: date
    valid_to: date
    prefixes: tuple[Network, ...]
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """How hard a zone may be probed.

    ``max_rate`` is packets (or connection attempts) a second for the whole zone. ``parallel`` is the number
    of shards beside each other. ``deadline_seconds`` is for one nmap command of one shard, beyond the time that
    its packets need at ``max_rate``. ``eager`` keeps the rate up where most addresses are silent (nmap would slow
    down, taking silence for a crowded line). ``paced`` makes ``max_rate`` a hard maximum for version detection
    too, which nmap's own rate does not bound: one host at a time, one connection at a time.
    """

    name: str
    max_rate: int
    parallel: int
    deadline_seconds: int
    ports: tuple[int, ...]
    host_timeout_seconds: int = 300
    version_intensity: int = 2
    retries: int = 2
    eager: bool = False
    paced: bool = False


@dataclass(frozen=True, slots=True)
class ZoneScope:
    """A zone with the leave to probe it: what the site's configuration says about it."""

    zone: Zone
    authorisations: tuple[Authorisation, ...]
    excluded: tuple[Network, ...]
    profile: Profile
    frozen: tuple[tuple[date, date], ...] = ()
    access: Access = field(default_factory=Access)
    #: What registers give to systems, of which the zone's rules allow some to be asked.
    declared: tuple[Asked, ...] = ()


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to probe ``targets`` of a zone until ``until`` (UTC).

    ``targets`` contains no excluded address. ``left_out`` are the zone's addresses, other than excluded ones, that
    no authorisation in force names: they are uncovered, and said to be. ``access`` holds the logins and endpoints
    that may be used, no more than references to secrets.
    """

    zone: Zone
    targets: tuple[Network, ...]
    excluded: tuple[Network, ...]
    profile: Profile
    documents: tuple[str, ...]
    until: datetime
    left_out: tuple[Network, ...] = ()
    access: Access = field(default_factory=Access)
    #: The declared names that may be looked up and asked: the zone's rules allow each of them.
    names: tuple[Asked, ...] = ()

    @property
    def addresses(self) -> int:
        return sum(network.num_addresses for network in self.targets)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A zone that may not be probed now, and why. Not one packet is sent."""

    zone: Zone
    reason: str
    message: str


def permit(scope: ZoneScope, now: datetime) -> Permit | Refusal:
    """Leave to probe, or the reason why not.

    ``now`` is aware, in the site's time zone: dates and windows are read in it. ValueError for a naive one.
    Leave ends at the earliest end of any authorisation that it rests on (its window, or its last day), and
    before the next freeze.
    """
    if now.tzinfo is None or now.utcoffset() is None:
        raise ValueError("permit() needs an aware clock, in the site's time zone")
    if not scope.authorisations:
        return Refusal(scope.zone, "no_authorisation", "no authorisation names this zone: add one to site.yaml")
    today = now.date()
    for first, last in scope.frozen:
        if first <= today <= last:
            return Refusal(scope.zone, "frozen", f"changes are frozen from {first} to {last}")
    valid = [a for a in scope.authorisations if a.valid_from <= today <= a.valid_to]
    if not valid:
        return _out_of_date(scope, today)
    active = [a for a in valid if a.window is None or a.window.contains(now)]
    if not active:
        windows = ", ".join(sorted({str(a.window) for a in valid}))
        message = f"it is {now:%H:%M}; probing is allowed in {windows} ({now.tzname()})"
        return Refusal(scope.zone, "outside_window", message)
    wanted = subtract(scope.zone.prefixes, ())
    granted = intersect(wanted, [prefix for a in active for prefix in a.prefixes])
    if not wanted and scope.access.names:
        # A zone of names alone (what lies outside every network of the site) has no addresses to sweep.
        return _leave(scope, (), active, (), now)
    if not granted:
        documents = ", ".join(clean(a.document, 80) for a in active)
        return Refusal(scope.zone, "prefix_not_authorised", f"no prefix of this zone is named in {documents}")
    targets = subtract(granted, scope.excluded)
    if not targets:
        return Refusal(scope.zone, "nothing_left", "every authorised address of this zone is excluded")
    # An authorisation that covers none of the targets lends nothing, and so does not end the leave either.
    used = [a for a in active if intersect(targets, a.prefixes)]
    return _leave(scope, targets, used, subtract(wanted, (*granted, *scope.excluded)), now)


def _leave(
    scope: ZoneScope,
    targets: tuple[Network, ...],
    used: Sequence[Authorisation],
    left_out: tuple[Network, ...],
    now: datetime,
) -> Permit:
    return Permit(
        zone=scope.zone,
        targets=targets,
        excluded=scope.excluded,
        profile=scope.profile,
        documents=tuple(dict.fromkeys(a.document for a in used)),
        until=_until(scope, used, now),
        left_out=left_out,
        access=scope.access,
        names=_names(scope),
    )


def _names(scope: ZoneScope) -> tuple[Asked, ...]:
    rules = scope.access.names
    return tuple(asked for asked in scope.declared if rules.allows(asked.host)) if rules else ()


def _out_of_date(scope: ZoneScope, today: date) -> Refusal:
    """No authorisation is in force today: the next one begins, or the last one has ended."""
    coming = sorted((a.valid_from, a.document) for a in scope.authorisations if a.valid_from > today)
    if coming:
        return Refusal(scope.zone, "not_yet", f"{clean(coming[0][1], 80)} begins on {coming[0][0]}")
    ended, document = max((a.valid_to, a.document) for a in scope.authorisations)
    return Refusal(scope.zone, "expired", f"{clean(document, 80)} ended on {ended}: ask for a new one")


def _ends(authorisation: Authorisation, now: datetime) -> datetime:
    """When what an authorisation allows at ``now`` ends, in UTC: its window, or midnight after its last day."""
    # 9999-12-31 is how people write "without an end".
    last = min(authorisation.valid_to, date.max - timedelta(days=2))
    end = _midnight(last + timedelta(days=1), now)
    return end if authorisation.window is None else min(end, authorisation.window.closes(now))


def _until(scope: ZoneScope, used: Sequence[Authorisation], now: datetime) -> datetime:
    freezes = [_midnight(first, now) for first, _ in scope.frozen if first > now.date()]
    return min([_ends(a, now) for a in used] + freezes)


def _midnight(day: date, now: datetime) -> datetime:
    return datetime.combine(day, time(), now.tzinfo).astimezone(UTC)


# Networks are worked on as ranges of integers: a /8, or a /64, is one pair and never a list of addresses.

_Range = tuple[int, int]


def subtract(prefixes: Sequence[Network], excluded: Sequence[Network]) -> tuple[Network, ...]:
    """The prefixes without the excluded networks, as the fewest disjoint networks, in order."""
    out: list[Network] = []
    for version in (4, 6):
        left = _ranges(prefixes, version)
        for low, high in _ranges(excluded, version):
            left = [piece for span in left for piece in _cut(span, low, high)]
        out += _networks(left, version)
    return tuple(out)


def intersect(prefixes: Sequence[Network], others: Sequence[Network]) -> tuple[Network, ...]:
    """What two sets of networks have in common, as the fewest disjoint networks, in order."""
    out: list[Network] = []
    for version in (4, 6):
        both = [
            (max(a, c), min(b, d))
            for a, b in _ranges(prefixes, version)
            for c, d in _ranges(others, version)
            if max(a, c) <= min(b, d)
        ]
        out += _networks(sorted(both), version)
    return tuple(out)


def _ranges(networks: Iterable[Network], version: int) -> list[_Range]:
    """Disjoint, non-adjacent ranges of addresses, in order."""
    spans = sorted((int(n.network_address), int(n.broadcast_address)) for n in networks if n.version == version)
    out: list[_Range] = []
    for low, high in spans:
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def _cut(span: _Range, low: int, high: int) -> list[_Range]:
    """``span`` without ``low`` to ``high``."""
    a, b = span
    if high < a or b < low:
        return [span]
    return [(x, y) for x, y in ((a, low - 1), (high + 1, b)) if x <= y]


def _networks(ranges: Iterable[_Range], version: int) -> list[Network]:
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    out: list[Network] = []
    for low, high in ranges:
        out += ipaddress.summarize_address_range(kind(low), kind(high))
    return out

"""Authorisation: what may be touched, when, how fast, and by whose leave.

Pure: the clock is passed in, and nothing here sends a packet. Only a :class:`Permit`, which only
:func:`permit` makes, lets a probe run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from inventories.places import Network, Zone


@dataclass(frozen=True, slots=True)
class Window:
    """The hours of the day, local time of the site, in which probing is allowed; may cross midnight."""

    start: time
    end: time

    def contains(self, at: datetime) -> bool:
        clock = at.timetz().replace(tzinfo=None)
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end


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
    of shards beside each other. ``deadline_seconds`` is for one nmap command of one shard.
    """

    name: str
    max_rate: int
    parallel: int
    deadline_seconds: int
    ports: tuple[int, ...]
    host_timeout_seconds: int = 300
    version_intensity: int = 2
    retries: int = 2


@dataclass(frozen=True, slots=True)
class ZoneScope:
    """A zone with the leave to probe it: what the site's configuration says about it."""

    zone: Zone
    authorisations: tuple[Authorisation, ...]
    excluded: tuple[Network, ...]
    profile: Profile
    frozen: tuple[tuple[date, date], ...] = ()


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to probe ``targets`` of a zone until ``until``. ``targets`` excludes every excluded address."""

    zone: Zone
    targets: tuple[Network, ...]
    excluded: tuple[Network, ...]
    profile: Profile
    documents: tuple[str, ...]
    until: datetime

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
    """Leave to probe, or the reason why not. ``now`` is aware, in the site's time zone."""
    raise NotImplementedError


def subtract(prefixes: Sequence[Network], excluded: Sequence[Network]) -> tuple[Network, ...]:
    """The prefixes without the excluded networks, as the fewest disjoint networks, in order."""
    raise NotImplementedError

"""What a probe is: it looks at one authorised shard of a zone and says what it saw, and what it could not.

A probe never judges and never raises for what the world does to it: a refused login, a time-out or broken
output is a :class:`~inventories.model.Failure`. The one broad ``except`` stands in :mod:`probes.run`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from inventories.model import Collection
from inventories.places import Network
from probes.scope import Permit


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of one probe's work in one zone: idempotent, and small enough to do again.

    ``id`` is stable for the same permit and settings (a resumed audit recognises finished shards by it).
    ``targets`` never contains an excluded address.
    """

    id: str
    probe: str
    zone: str
    targets: tuple[Network, ...]

    @property
    def addresses(self) -> int:
        return sum(network.num_addresses for network in self.targets)


@dataclass(slots=True)
class Stop:
    """Says that probing must end now; shared by every shard of a run.

    Set by Ctrl-C, by ``auditor stop`` (a file that is watched) and when the time window closes.
    """

    event: threading.Event = field(default_factory=threading.Event)
    reason: str = ""

    def set(self, reason: str) -> None:
        if not self.event.is_set():
            self.reason = reason
            self.event.set()

    @property
    def is_set(self) -> bool:
        return self.event.is_set()


@dataclass(frozen=True, slots=True)
class Context:
    """What a probe may use while it collects one shard.

    ``workdir`` is private to the shard and removed afterwards. ``now`` is the clock. ``report`` takes a short
    text on progress.
    """

    permit: Permit
    workdir: Path
    stop: Stop
    now: Callable[[], datetime]
    report: Callable[[str], None] = lambda _text: None
    #: How many shards run beside each other in this zone: rates are divided by it.
    beside: int = 1


@dataclass(frozen=True, slots=True)
class Limit:
    """Something that a probe cannot see on this machine: no failure, but nothing there is covered either.

    ``reason`` is a short machine-readable word, ``message`` is for people.
    """

    reason: str
    message: str

    def __str__(self) -> str:
        return self.message


class Probe(Protocol):
    """One way of looking. ``name`` is what coverage, metrics and ``--probe`` say."""

    @property
    def name(self) -> str: ...

    def shards(self, permit: Permit) -> Sequence[Shard]:
        """The zone's work in pieces; sends nothing."""
        ...

    def collect(self, shard: Shard, context: Context) -> Collection:
        """Looks, and returns observations, coverage and failures."""
        ...

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        """What it cannot see on this machine under these permits."""
        ...

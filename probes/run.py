"""Runs probes over permits: shards, several at once, progress, resumption, and the end of it all on demand.

This module holds the one broad ``except`` of the program: whatever a probe does wrong becomes a recorded
failure over the shard's targets. A shard that was not looked at to the end is always a failure, never silence.
"""

from __future__ import annotations

import enum
import logging
import shutil
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias, TypeVar

from inventories.faults import clean
from inventories.model import Collection, Failure
from inventories.places import Network
from probes.base import Context, Probe, Shard, Stop
from probes.scope import Permit, subtract
from probes.store import FileShardStore, ShardStore

__all__ = ["Event", "FileShardStore", "Happening", "ShardStore", "collect_shard", "run_probes"]

log = logging.getLogger(__name__)

T = TypeVar("T")

#: How often the stop file, the clock and the stop event are looked at.
POLL_SECONDS = 0.2
#: Shards of far zones that may be waited for beside each other. Each such zone has its share, and one place at least:
#: the most is this number, or that of the far zones where there are more.
FAR_PLACES = 256


class Happening(enum.StrEnum):
    """What an :class:`Event` tells."""

    PLANNED = "planned"
    STARTED = "started"
    RESUMED = "resumed"
    FINISHED = "finished"
    FAILED = "failed"
    NOTE = "note"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Event:
    """Progress, for whoever draws it. ``done`` and ``total`` count the zone's shards, ``found`` its assets so far."""

    happening: Happening
    at: datetime
    zone: str = ""
    probe: str = ""
    shard: str = ""
    done: int = 0
    total: int = 0
    found: int = 0
    text: str = ""


@dataclass(slots=True)
class _Lane:
    """One zone's work: its shards in order, and how many of them run now."""

    permit: Permit
    #: Somebody elsewhere looks, and a shard in hand only waits here.
    far: bool = False
    #: Places that the zone may have, whatever its profile says.
    places: int = 64
    queue: deque[tuple[Probe, Shard]] = field(default_factory=deque)
    stop: Stop = field(default_factory=Stop)
    running: int = 0
    done: int = 0
    total: int = 0
    found: int = 0

    @property
    def limit(self) -> int:
        """Shards beside each other; the zone's rate is divided by it, so it stays the same to the end."""
        return max(1, min(self.permit.profile.parallel, self.total, self.places))


@dataclass(frozen=True, slots=True)
class _Side:
    """Zones that share a number of places: those looked at from here, or those that are only waited for."""

    far: bool
    turns: deque[_Lane]
    places: int
    pool: ThreadPoolExecutor


_Running: TypeAlias = dict[Future[Collection], tuple[_Lane, Probe, Shard]]


def run_probes(
    probes: Sequence[Probe],
    permits: Sequence[Permit],
    *,
    workdir: Path,
    stop: Stop,
    now: Callable[[], datetime],
    on_event: Callable[[Event], None] = lambda _event: None,
    store: ShardStore | None = None,
    stop_file: Path | None = None,
    workers: int = 16,
    far: Container[str] = frozenset(),
) -> Collection:
    """Looks at everything that the permits allow, and returns what was seen and what was not.

    Shards of the zones take turns; a zone has at most its profile's ``parallel`` at once, all zones together
    ``workers``. The zones in ``far`` are looked at from elsewhere and only waited for: they take none of those places
    but have their own, a share of :data:`FAR_PLACES` each, so that one that nobody answers for holds up none of the
    others. ``on_event`` is called by one thread at a time. A shard that ended without any failure goes into
    ``store``, and one that ``store`` knows is not scanned again. ``stop``, the appearance of ``stop_file``, Ctrl-C
    and the end of a permit end the probing: what was not finished comes back as failures. Never raises for what
    a probe or the network does.
    """
    return _Run(probes, permits, workdir, stop, now, on_event, store, stop_file, workers, far).go()


def collect_shard(
    probe: Probe,
    shard: Shard,
    permit: Permit,
    *,
    workdir: Path,
    stop: Stop,
    now: Callable[[], datetime],
    report: Callable[[str], None] = lambda _text: None,
    beside: int = 1,
) -> Collection:
    """One shard in a private folder below ``workdir``. Whatever goes wrong is a failure over its targets."""

    def collect() -> Collection:
        home = Path(tempfile.mkdtemp(prefix="shard-", dir=workdir))
        try:
            return probe.collect(shard, Context(permit, home, stop, now, report, beside))
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def failed(reason: str, message: str) -> Collection:
        scope = tuple(str(network) for network in shard.targets)
        at = now().astimezone(UTC)
        return Collection(failures=(Failure(probe.name, shard.zone, scope, reason, message, at),))

    return _guarded(collect, failed)


class _Run:
    def __init__(
        self,
        probes: Sequence[Probe],
        permits: Sequence[Permit],
        workdir: Path,
        stop: Stop,
        now: Callable[[], datetime],
        on_event: Callable[[Event], None],
        store: ShardStore | None,
        stop_file: Path | None,
        workers: int,
        far: Container[str],
    ) -> None:
        self.workdir, self.stop, self.stop_file, self.store = workdir, stop, stop_file, store
        self.now, self.on_event, self.workers = now, on_event, max(1, workers)
        self.collected: list[Collection] = []
        #: Shards with no outcome yet, by probe and id.
        self.open: dict[tuple[str, str], Shard] = {}
        self._telling = threading.Lock()
        share = FAR_PLACES // max(1, sum(permit.zone.id in far for permit in permits))
        self.lanes = [self._lane(probes, permit, permit.zone.id in far, max(1, share)) for permit in permits]

    def go(self) -> Collection:
        running: _Running = {}
        with ExitStack() as pools:
            # Threads are made as they are needed.
            sides = [
                _Side(far, deque(lanes), places, pools.enter_context(ThreadPoolExecutor(places, name)))
                for far, name, places, lanes in self._sides()
            ]
            while True:
                try:
                    self._watch()
                    for side in sides:
                        self._start(side, running)
                    if not running and not any(lane.queue for lane in self.lanes):
                        break
                    ended, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                    for future in ended:
                        self._end(future.result(), *running.pop(future))
                except KeyboardInterrupt:
                    self.stop.set("interrupted")
        # A second Ctrl-C may come between a shard's end and its being written down.
        for shard in self.open.values():
            self._failed(shard.probe, shard.zone, shard.targets, "stopped", self.stop.reason)
        return Collection.united(self.collected)

    def _sides(self) -> Iterator[tuple[bool, str, int, list[_Lane]]]:
        """What is looked at from here, and what is waited for: places, and the zones that share them."""
        yield False, "probe", self.workers, [lane for lane in self.lanes if not lane.far]
        distant = [lane for lane in self.lanes if lane.far]
        if distant:
            yield True, "far", sum(lane.limit for lane in distant), distant

    def _lane(self, probes: Sequence[Probe], permit: Permit, far: bool, share: int) -> _Lane:
        lane = _Lane(permit, far, share) if far else _Lane(permit)
        for probe in probes:
            if permit.left_out and permit.access.gives(probe.name):
                message = "no authorisation in force names these addresses"
                self._failed(probe.name, permit.zone.id, permit.left_out, "prefix_not_authorised", message)
            lane.queue.extend((probe, shard) for shard in self._shards(probe, permit))
        lane.total = len(lane.queue)
        self.open.update({(probe.name, shard.id): shard for probe, shard in lane.queue})
        text = f"{permit.addresses} addresses in {lane.total} shards until {permit.until:%Y-%m-%d %H:%M} UTC"
        self._tell(Happening.PLANNED, lane, text=text)
        return lane

    def _shards(self, probe: Probe, permit: Permit) -> Sequence[Shard]:
        """A probe's shards, each checked against the permit: a probe's own mistake sends nothing either."""

        def plan() -> Sequence[Shard]:
            shards = probe.shards(permit)
            stray = subtract([n for shard in shards for n in shard.targets], permit.targets)
            if stray:
                raise ValueError(f"the shards of {probe.name} leave the permit at {stray[0]}")
            return shards

        def failed(reason: str, message: str) -> Sequence[Shard]:
            self._failed(probe.name, permit.zone.id, permit.targets, reason, message)
            return ()

        return _guarded(plan, failed)

    def _watch(self) -> None:
        """Passes on the wish to stop, and ends what has no leave any more."""
        if not self.stop.is_set and self._asked_to_stop():
            self.stop.set("stop was asked for")
        for lane in self.lanes:
            until = lane.permit.until
            reason = ""
            if self.stop.is_set:
                reason = self.stop.reason or "stopped"
            elif self.now().astimezone(UTC) >= until:
                reason = f"leave to probe ended at {until:%Y-%m-%d %H:%M} UTC"
            if reason and not lane.stop.is_set and (lane.queue or lane.running):
                lane.stop.set(reason)
                self._tell(Happening.STOPPING, lane, text=reason)
            if lane.stop.is_set:
                self._drop(lane)

    def _asked_to_stop(self) -> bool:
        try:
            return self.stop_file is not None and self.stop_file.exists()
        except OSError:
            # Where nobody can tell whether to stop, stopping does no harm.
            return True

    def _drop(self, lane: _Lane) -> None:
        """Shards that were never begun: one failure for each probe."""
        dropped: dict[str, list[Network]] = {}
        for probe, shard in lane.queue:
            dropped.setdefault(probe.name, []).extend(shard.targets)
        for name, targets in dropped.items():
            self._failed(name, lane.permit.zone.id, subtract(targets, ()), "stopped", lane.stop.reason)
        for probe, shard in lane.queue:
            self.open.pop((probe.name, shard.id), None)
        lane.done += len(lane.queue)
        lane.queue.clear()

    def _start(self, side: _Side, running: _Running) -> None:
        """Fills the free places, one shard of each zone in turn."""
        idle, turns = 0, side.turns
        taken = sum(lane.far is side.far for lane, _probe, _shard in running.values())
        while turns and idle < len(turns) and taken < side.places:
            lane = turns[0]
            turns.rotate(-1)
            idle += 1
            if not lane.queue or lane.running >= lane.limit or lane.stop.is_set:
                continue
            idle = 0
            probe, shard = lane.queue.popleft()
            known = self.store.load(shard.id) if self.store is not None else None
            if known is not None:
                self._take(known, lane, shard, Happening.RESUMED)
                continue
            lane.running += 1
            taken += 1
            self._tell(Happening.STARTED, lane, probe.name, shard, f"{shard.addresses} addresses")
            running[side.pool.submit(self._collect, probe, shard, lane)] = (lane, probe, shard)

    def _collect(self, probe: Probe, shard: Shard, lane: _Lane) -> Collection:
        """One shard, in a thread of the pool. Whatever goes wrong is a failure over its targets."""

        def report(text: str) -> None:
            self._tell(Happening.NOTE, lane, probe.name, shard, text)

        return collect_shard(
            probe,
            shard,
            lane.permit,
            workdir=self.workdir,
            stop=lane.stop,
            now=self.now,
            report=report,
            beside=lane.limit,
        )

    def _end(self, found: Collection, lane: _Lane, probe: Probe, shard: Shard) -> None:
        lane.running -= 1
        if found.failures:
            self._take(found, lane, shard, Happening.FAILED)
            return
        if self.store is not None:
            try:
                self.store.save(shard.id, found)
            except OSError as error:
                self._tell(Happening.NOTE, lane, probe.name, shard, f"cannot be kept for --resume: {_said(error)}")
        self._take(found, lane, shard, Happening.FINISHED)

    def _take(self, found: Collection, lane: _Lane, shard: Shard, happening: Happening) -> None:
        self.collected.append(found)
        self.open.pop((shard.probe, shard.id), None)
        lane.done += 1
        lane.found += len(found.observations)
        text = "; ".join(dict.fromkeys(f"{f.reason}: {f.message}" for f in found.failures)) or (
            f"{len(found.observations)} found"
        )
        self._tell(happening, lane, shard.probe, shard, text)

    def _failed(self, probe: str, zone: str, scope: Iterable[Network], reason: str, message: str) -> None:
        failure = Failure(probe, zone, tuple(str(network) for network in scope), reason, message, self._at())
        self.collected.append(Collection(failures=(failure,)))

    def _tell(
        self, what: Happening, lane: _Lane, probe: str = "", shard: Shard | None = None, text: str = ""
    ) -> None:
        shard_id = shard.id if shard else ""
        zone = lane.permit.zone.id
        event = Event(what, self._at(), zone, probe, shard_id, lane.done, lane.total, lane.found, text)
        with self._telling:
            self.on_event(event)

    def _at(self) -> datetime:
        return self.now().astimezone(UTC)


def _guarded(work: Callable[[], T], failed: Callable[[str, str], T]) -> T:
    """``work()``, or what ``failed(reason, message)`` makes of whatever went wrong in it."""
    try:
        return work()
    except Exception as error:
        log.debug("a probe failed", exc_info=True)
        return failed("cannot_write" if isinstance(error, OSError) else "crashed", _said(error))


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {clean(str(error))}"

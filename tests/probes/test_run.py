"""The runner: turns, limits, resumption, and failures in place of silence."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from inventories.identity import ip_id
from inventories.model import Collection, Failure, Observation
from probes import run
from probes.base import Context, Shard, Stop
from probes.run import Event, FileShardStore, Happening, run_probes
from probes.scope import Permit
from probes.shards import shards_of

Clock = Callable[[], datetime]
Permits = Callable[..., Permit]


@dataclass
class Fake:
    """A probe that sees one host in each shard; ``act`` may do something else first."""

    act: Callable[[Shard, Context], Collection | None] = lambda _shard, _context: None
    name: str = "fake"
    begun: list[str] = field(default_factory=list)
    most: dict[str, int] = field(default_factory=dict)
    _now: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def shards(self, permit: Permit) -> Sequence[Shard]:
        return shards_of(permit, self.name, "")

    def collect(self, shard: Shard, context: Context) -> Collection:
        with self._lock:
            self.begun.append(shard.id)
            self._now[shard.zone] = self._now.get(shard.zone, 0) + 1
            self.most[shard.zone] = max(self.most.get(shard.zone, 0), self._now[shard.zone])
        try:
            return self.act(shard, context) or seen(shard, context)
        finally:
            with self._lock:
                self._now[shard.zone] -= 1


def seen(shard: Shard, context: Context) -> Collection:
    address = ip_id(str(shard.targets[0].network_address), context.permit.zone.vantage)
    return Collection((Observation("host", "fake", "fake", context.now(), (address,), zone=shard.zone),))


def covered(failures: Sequence[Failure]) -> set[str]:
    return {str(a) for f in failures for prefix in f.scope for a in ipaddress.ip_network(prefix)}


def pause(_shard: Shard, _context: Context) -> None:
    time.sleep(0.01)


def until_stopped(shard: Shard, context: Context) -> Collection:
    assert context.stop.event.wait(10)
    return Collection(
        failures=(Failure("fake", shard.zone, tuple(map(str, shard.targets)), "stopped", "", context.now()),)
    )


def test_zones_take_turns(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    probe = Fake()
    permits = [permit_of("10.0.0.0/22", zone="a", parallel=1), permit_of("10.1.0.0/22", zone="b", parallel=1)]
    found = run_probes([probe], permits, workdir=tmp_path, stop=Stop(), now=now, workers=1)
    assert len(found.observations) == 8
    assert found.failures == ()
    assert [shard.split("-")[1] for shard in probe.begun] == ["a", "b"] * 4


def test_a_zone_has_no_more_shards_at_once_than_its_profile_allows(
    tmp_path: Path, now: Clock, permit_of: Permits
) -> None:
    beside: set[int] = set()

    def act(shard: Shard, context: Context) -> None:
        beside.add(context.beside)
        pause(shard, context)

    probe = Fake(act)
    run_probes([probe], [permit_of("10.0.0.0/20", parallel=3)], workdir=tmp_path, stop=Stop(), now=now)
    assert probe.most == {"a": 3}
    assert beside == {3}


def test_the_rate_is_divided_by_what_really_runs_at_once(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    beside: list[int] = []
    probe = Fake(lambda _shard, context: beside.append(context.beside))
    run_probes([probe], [permit_of("10.0.0.0/24", parallel=16)], workdir=tmp_path, stop=Stop(), now=now)
    assert beside == [1]


def test_whatever_a_probe_does_wrong_is_a_failure_over_its_targets(
    tmp_path: Path, now: Clock, permit_of: Permits
) -> None:
    def act(shard: Shard, _context: Context) -> None:
        if str(shard.targets[0]) == "10.0.1.0/24":
            raise RuntimeError("bad \x1b[31m luck")

    found = run_probes([Fake(act)], [permit_of("10.0.0.0/22")], workdir=tmp_path, stop=Stop(), now=now)
    assert len(found.observations) == 3
    (failure,) = found.failures
    assert (failure.reason, failure.scope) == ("crashed", ("10.0.1.0/24",))
    assert failure.message == "RuntimeError: bad \\x1b[31m luck"


def test_a_probe_that_cannot_plan_is_a_failure_of_the_zone(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    class Lost(Fake):
        def shards(self, permit: Permit) -> Sequence[Shard]:
            raise KeyError("x")

    found = run_probes([Lost(), Fake()], [permit_of("10.0.0.0/24")], workdir=tmp_path, stop=Stop(), now=now)
    assert [(f.reason, f.scope) for f in found.failures] == [("crashed", ("10.0.0.0/24",))]
    assert len(found.observations) == 1


def test_shards_outside_the_permit_are_never_begun(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    class Stray(Fake):
        def shards(self, permit: Permit) -> Sequence[Shard]:
            return [Shard("x", self.name, permit.zone.id, (ipaddress.ip_network("10.0.0.0/23"),))]

    probe = Stray()
    found = run_probes([probe], [permit_of("10.0.0.0/24")], workdir=tmp_path, stop=Stop(), now=now)
    assert probe.begun == []
    assert "leave the permit" in found.failures[0].message


def test_addresses_that_nobody_authorised_are_said_to_be_uncovered(
    tmp_path: Path, now: Clock, permit_of: Permits
) -> None:
    permit = replace(permit_of("10.0.0.0/24"), left_out=(ipaddress.ip_network("10.0.1.0/24"),))
    found = run_probes([Fake()], [permit], workdir=tmp_path, stop=Stop(), now=now)
    assert [(f.collector, f.reason, f.scope) for f in found.failures] == [
        ("fake", "prefix_not_authorised", ("10.0.1.0/24",))
    ]


def test_finished_shards_are_not_begun_again_and_failed_ones_are(
    tmp_path: Path, now: Clock, permit_of: Permits
) -> None:
    def act(shard: Shard, _context: Context) -> None:
        if str(shard.targets[0]) == "10.0.2.0/24":
            raise RuntimeError

    store = FileShardStore(tmp_path / "shards")
    permit = permit_of("10.0.0.0/22")
    first, events = Fake(act), list[Event]()
    run_probes([first], [permit], workdir=tmp_path, stop=Stop(), now=now, store=store)
    again = Fake()
    found = run_probes([again], [permit], workdir=tmp_path, stop=Stop(), now=now, store=store, on_event=events.append)
    assert len(first.begun) == 4
    assert len(again.begun) == 1
    assert len(found.observations) == 4
    assert found.failures == ()
    assert [e.happening for e in events].count(Happening.RESUMED) == 3
    assert [(e.done, e.total) for e in events if e.happening is Happening.FINISHED] == [(4, 4)]


def test_another_profile_is_another_shard(permit_of: Permits) -> None:
    from probes.nmap_scan import NmapProbe

    ids = {
        shard.id
        for permit in (
            permit_of("10.0.0.0/24"),
            permit_of("10.0.0.0/24", ports=(22,)),
            permit_of("10.0.0.0/24", vantage="w"),
            permit_of("10.0.0.0/24", zone="b"),
            permit_of("10.0.0.0/25"),
        )
        for shard in NmapProbe(raw=False).shards(permit)
    }
    assert len(ids) == 5
    assert NmapProbe(raw=False).shards(permit_of("10.0.0.0/24")) == NmapProbe(raw=False).shards(
        permit_of("10.0.0.0/24")
    )


def test_a_full_disk_loses_nothing(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    class Full(FileShardStore):
        def save(self, shard_id: str, collection: Collection) -> None:
            raise OSError(28, "No space left on device")

    events: list[Event] = []
    found = run_probes(
        [Fake()],
        [permit_of("10.0.0.0/24")],
        workdir=tmp_path,
        stop=Stop(),
        now=now,
        store=Full(tmp_path),
        on_event=events.append,
    )
    assert len(found.observations) == 1
    assert any("cannot be kept" in event.text for event in events)


def test_nowhere_to_work_is_a_failure(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    found = run_probes([Fake()], [permit_of("10.0.0.0/24")], workdir=tmp_path / "gone", stop=Stop(), now=now)
    assert [(f.reason, f.scope) for f in found.failures] == [("cannot_write", ("10.0.0.0/24",))]


def test_a_shards_folder_is_private_and_goes_with_it(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    modes: list[int] = []

    def act(_shard: Shard, context: Context) -> None:
        (context.workdir / "file").write_text("x")
        modes.append(context.workdir.stat().st_mode & 0o777)

    run_probes([Fake(act)], [permit_of("10.0.0.0/23")], workdir=tmp_path, stop=Stop(), now=now)
    assert modes == [0o700, 0o700]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["event", "file", "unreadable"])
def test_stopping_ends_all_and_every_address_is_a_failure(
    tmp_path: Path, now: Clock, permit_of: Permits, how: str
) -> None:
    stop, file = Stop(), tmp_path / "STOP"
    if how == "unreadable":
        file = tmp_path / ("x" * 300) / "STOP"
    else:
        threading.Timer(0.3, stop.set if how == "event" else file.write_text, ["please"]).start()
    work = tmp_path / "work"
    work.mkdir()
    began = time.monotonic()
    permits = [permit_of("10.0.0.0/20", zone="a"), permit_of("10.1.0.0/20", zone="b")]
    found = run_probes([Fake(until_stopped)], permits, workdir=work, stop=stop, now=now, stop_file=file)
    assert time.monotonic() - began < 3
    assert stop.is_set
    assert {f.reason for f in found.failures} == {"stopped"}
    assert len(covered(found.failures)) == 2 * 4096


def test_the_end_of_one_zones_leave_stops_that_zone_alone(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    late = threading.Event()

    def act(shard: Shard, context: Context) -> Collection | None:
        if shard.zone == "b":
            late.set()
            return until_stopped(shard, context)
        return None

    permits = [
        permit_of("10.0.0.0/22", zone="a"),
        permit_of("10.1.0.0/22", zone="b", until=now() + timedelta(minutes=1)),
    ]
    stop = Stop()
    found = run_probes(
        [Fake(act)],
        permits,
        workdir=tmp_path,
        stop=stop,
        now=lambda: now() + timedelta(minutes=2 * late.is_set()),
    )
    assert not stop.is_set
    assert {o.zone for o in found.observations} == {"a"}
    assert len(found.observations) == 4
    assert {f.zone for f in found.failures} == {"b"}
    assert len(covered(found.failures)) == 1024


def test_no_shard_begins_after_leave_has_ended(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    probe = Fake()
    found = run_probes([probe], [permit_of("10.0.0.0/24", until=now())], workdir=tmp_path, stop=Stop(), now=now)
    assert probe.begun == []
    assert "leave to probe ended" in found.failures[0].message


def test_ctrl_c_stops_and_returns_what_there_is(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    presses = iter([False, True, True])

    def press(_event: Event) -> None:
        if next(presses, False):
            raise KeyboardInterrupt

    stop = Stop()
    found = run_probes(
        [Fake(until_stopped)], [permit_of("10.0.0.0/20")], workdir=tmp_path, stop=stop, now=now, on_event=press
    )
    assert stop.reason == "interrupted"
    assert len(covered(found.failures)) == 4096


# --- far zones ----------------------------------------------------------------------------------------------


def test_a_far_zone_that_nobody_answers_for_holds_up_nobody(tmp_path: Path, now: Clock, permit_of: Permits) -> None:
    """More of its shards wait than there are places here: the centre's own zone and the other far one finish."""
    stop, done = Stop(), threading.Event()

    def act(shard: Shard, context: Context) -> Collection | None:
        return until_stopped(shard, context) if shard.zone == "down" else None

    def on_event(event: Event) -> None:
        if event.happening is Happening.FINISHED and event.done == event.total:
            finished.add(event.zone)
        if finished == {"here", "up"}:
            done.set()

    finished: set[str] = set()
    probe = Fake(act)
    permits = [
        permit_of("10.0.0.0/20", zone="down", parallel=8),
        permit_of("10.1.0.0/20", zone="here", parallel=8),
        permit_of("10.2.0.0/20", zone="up", parallel=8),
    ]
    ended = threading.Thread(target=lambda: (done.wait(10), stop.set("enough")))
    ended.start()
    found = run_probes(
        [probe],
        permits,
        workdir=tmp_path,
        stop=stop,
        now=now,
        on_event=on_event,
        store=FileShardStore(tmp_path / "shards"),
        workers=2,
        far={"down", "up"},
    )
    ended.join()
    assert done.is_set() and stop.reason == "enough"
    assert {o.zone: len([p for p in found.observations if p.zone == o.zone]) for o in found.observations} == {
        "here": 16,
        "up": 16,
    }
    assert {f.zone for f in found.failures} == {"down"} and len(covered(found.failures)) == 4096
    assert sum("-down-" in shard for shard in probe.begun) == 8
    assert probe.most["down"] <= 8 and probe.most["here"] <= 2
    # It goes on where it ended: what is finished is not begun again, near or far.
    again = Fake()
    found = run_probes(
        [again],
        permits,
        workdir=tmp_path,
        stop=Stop(),
        now=now,
        store=FileShardStore(tmp_path / "shards"),
        far={"down", "up"},
    )
    assert len(found.observations) == 48 and found.failures == ()
    assert {shard.split("-")[1] for shard in again.begun} == {"down"}


def test_the_places_of_far_zones_are_shared_and_each_has_one(
    tmp_path: Path, now: Clock, permit_of: Permits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "FAR_PLACES", 5)
    beside: dict[str, int] = {}
    probe = Fake(lambda shard, context: beside.update({shard.zone: context.beside}) or pause(shard, context))
    names = ["a", "b", "c", "d", "e", "f"]
    permits = [permit_of(f"10.{n}.0.0/21", zone=name, parallel=4) for n, name in enumerate(names)]
    for some, share in ((names[:1], 4), (names[:2], 2), (names, 1)):
        probe.most.clear()
        chosen = [permit for permit in permits if permit.zone.id in some]
        found = run_probes([probe], chosen, workdir=tmp_path, stop=Stop(), now=now, workers=1, far=set(some))
        assert len(found.observations) == 8 * len(some)
        # The zone's rate is divided by what may really run at once.
        assert {beside[name] for name in some} == {share}
        assert max(probe.most.values()) <= share

"""The centre's side without a broker: what is sent, and what comes of waiting."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from auditor.workers import answered, centre
from auditor.workers.answered import Answered
from auditor.workers.centre import Far, FarProbe, Run, far
from auditor.workers.messages import Job
from auditor.workers.post import Waiting
from auditor.workers.results import Answer, failed
from inventories.model import Collection
from probes.access import Access, Asked, SnmpLogin, SshLogin
from probes.base import Context, Stop
from probes.secrets import Secret
from tests.auditor.workers.conftest import ZONE, Pair, Scripted, found, permit_of


@dataclass
class Told:
    """Instead of a line to the broker: ``answer`` makes what comes back, if anything."""

    answer: Callable[[Job], Collection] | None = None
    asked: list[Job] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    trouble: str = ""
    alive: bool = True

    def ask(self, job: Job) -> Waiting:
        self.asked.append(job)
        waiting = Waiting(job)
        if self.answer:
            waiting.box.put(self.answer(job))
        return waiting

    def judge(self, _waiting: Waiting, got: Any) -> Answer:
        return Answer(got, (("nmap", "UDP services"),))

    def settle(self, waiting: Waiting) -> None:
        self.settled.append(waiting.job.id)

    def say_stop(self, reason: str) -> None:
        self.stops.append(reason)

    def is_alive(self) -> bool:
        return self.alive


def there(pair: Pair, post: Told, run: str = "run") -> Far:
    posts: Any = {"mzj": post}
    site: Any = SimpleNamespace(id="test-city", state=pair.folder / "state")
    return Far(posts, site, Run(run, pair.clock.at), "s1")


def context(pair: Pair, tmp_path: Path, **more: Any) -> Context:
    permit = more.pop("permit", permit_of())
    return Context(permit, tmp_path, Stop(), pair.clock, beside=3, **more)


def test_a_shard_is_sent_and_its_result_comes_back(pair: Pair, tmp_path: Path) -> None:
    inner = Scripted(pair.clock)
    post = Told(lambda job: found(inner.shards(job.permit)[job.ordinal], pair.clock()))
    probe = there(pair, post).wrap(inner)
    assert isinstance(probe, FarProbe)
    (shard,) = probe.shards(permit_of())
    assert probe.collect(shard, context(pair, tmp_path)) == found(shard, pair.clock())
    (job,) = post.asked
    assert (job.zone, job.probe, job.ordinal, job.targets, job.beside) == ("mzj", "nmap", 0, shard.targets, 3)
    assert job.not_after == job.permit.until
    assert post.settled == [job.id]
    # Nothing was looked at from here.
    assert inner.calls == []
    assert [str(limit) for limit in probe.limits([permit_of()])] == ["UDP services"]


def test_the_same_shard_of_the_same_run_is_the_same_job(pair: Pair, tmp_path: Path) -> None:
    jobs = []
    for run in ("one", "one", "two"):
        post = Told(lambda job: Collection())
        probe = there(pair, post, run).wrap(Scripted(pair.clock))
        (shard,) = probe.shards(permit_of())
        probe.collect(shard, context(pair, tmp_path))
        jobs += post.asked
    assert jobs[0].id == jobs[1].id != jobs[2].id
    assert len({job.nonce for job in jobs}) == 3


def test_a_worker_is_told_no_more_than_it_needs(pair: Pair, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text("host key\n")
    access = Access(
        ssh=(SshLogin("audit", key=Secret.parse("file:/k"), known_hosts=known),),
        snmp=(SnmpLogin(community=Secret.parse("env:SNMP")),),
    )
    permit = replace(
        permit_of(access=access, names=(Asked("oa.example.gov.cn", 0, "https", "/", ()),)),
        zone=replace(ZONE, owners={ZONE.prefixes[0]: "mzj"}, location="民政局大楼"),
    )
    sent: dict[str, Job] = {}
    for name in ("nmap", "ssh", "snmp"):
        post = Told(lambda job: Collection())
        probe = there(pair, post).wrap(Scripted(pair.clock, name=name))
        (shard,) = probe.shards(permit)
        probe.collect(shard, context(pair, tmp_path, permit=permit))
        sent[name] = post.asked[0]
    assert sent["nmap"].permit.access == Access() and sent["nmap"].files == ()
    assert sent["snmp"].permit.access.ssh == () and sent["snmp"].permit.access.snmp == access.snmp
    assert [file.path for file in sent["ssh"].files] == [str(known)]
    for job in sent.values():
        assert job.permit.names == () and job.permit.zone.owners == {} and job.permit.zone.location == ""


def test_a_file_that_cannot_be_read_is_said_to_be_missing(pair: Pair, tmp_path: Path) -> None:
    access = Access(ssh=(SshLogin("audit", known_hosts=tmp_path / "gone"),))
    post = Told(lambda job: Collection())
    probe = there(pair, post).wrap(Scripted(pair.clock, name="ssh"))
    permit = permit_of(access=access)
    (shard,) = probe.shards(permit)
    probe.collect(shard, context(pair, tmp_path, permit=permit))
    assert post.asked[0].files[0].content is None


def test_a_stop_is_passed_on_at_once(pair: Pair, tmp_path: Path) -> None:
    post = Told()
    probe = there(pair, post).wrap(Scripted(pair.clock))
    (shard,) = probe.shards(permit_of())
    here = context(pair, tmp_path)
    threading.Timer(0.2, here.stop.set, args=("drill",)).start()
    (failure,) = probe.collect(shard, here).failures
    assert (failure.reason, failure.scope) == ("stopped", ("192.0.2.0/29", "192.0.2.8/30"))
    assert post.stops == ["drill"] and len(post.settled) == 1


def test_no_answer_before_leave_ends_has_failed(pair: Pair, tmp_path: Path) -> None:
    post = Told(trouble="the broker: Connection refused")
    probe = there(pair, post).wrap(Scripted(pair.clock))
    (shard,) = probe.shards(permit_of())
    said: list[str] = []
    here = context(pair, tmp_path, report=said.append)
    threading.Timer(0.3, lambda: pair.clock.step(7 * 3600)).start()
    (failure,) = probe.collect(shard, here).failures
    assert failure.reason == "timed_out" and "Connection refused" in failure.message
    assert said == ["the broker: Connection refused"]
    assert post.stops == []


def test_a_line_that_has_ended_is_no_silence(pair: Pair, tmp_path: Path) -> None:
    probe = there(pair, Told(alive=False)).wrap(Scripted(pair.clock))
    (shard,) = probe.shards(permit_of())
    assert probe.collect(shard, context(pair, tmp_path)).failures[0].reason == "crashed"


def test_too_large_a_job_is_a_failure(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(centre, "MOST_BYTES", 1000)
    post = Told()
    probe = there(pair, post).wrap(Scripted(pair.clock))
    (shard,) = probe.shards(permit_of())
    assert probe.collect(shard, context(pair, tmp_path)).failures[0].reason == "too_large"
    assert post.asked == []


def test_it_is_noted_whether_anybody_answered(pair: Pair, tmp_path: Path) -> None:
    silent = Told(lambda job: failed(job, "no_worker", "no worker is connected", pair.clock()))
    probe = there(pair, silent).wrap(Scripted(pair.clock))
    (shard,) = probe.shards(permit_of())
    probe.collect(shard, context(pair, tmp_path))
    assert answered.read(pair.folder / "state", "mzj") == Answered(None, pair.clock.at)
    assert answered.read(pair.folder / "state", "jtj") == Answered()


def test_zones_without_workers_are_looked_at_from_here(pair: Pair, tmp_path: Path) -> None:
    inner = Scripted(pair.clock)
    post = Told()
    posts: Any = {"elsewhere": post}
    site: Any = SimpleNamespace(id="test-city", state=tmp_path)
    probe = Far(posts, site, Run("run", pair.clock.at), "s1").wrap(inner)
    (shard,) = probe.shards(permit_of())
    probe.collect(shard, context(pair, tmp_path))
    assert len(inner.calls) == 1 and post.asked == []
    assert [str(limit) for limit in probe.limits([permit_of()])] == ["UDP services"]


def test_without_such_zones_nothing_is_wrapped(pair: Pair, tmp_path: Path) -> None:
    site: Any = SimpleNamespace(id="x", state=tmp_path, config=SimpleNamespace(zones=(), workers=None))
    inner = Scripted(pair.clock)
    with far(site, [permit_of()], home=tmp_path / "home", now=pair.clock) as nothing:
        assert nothing.wrap(inner) is inner
    assert not (tmp_path / "home").exists()


def test_a_run_is_found_again(pair: Pair, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = centre._run(home, pair.clock())
    assert centre._run(home, pair.clock.step(3600)) == first
    assert first.since == pair.clock.at - timedelta(hours=1)
    (home / "workers.json").write_text(json.dumps({"id": "x"}))
    assert centre._run(home, pair.clock()).since == pair.clock.at
    assert failed(pair.job(), "x", "\x1b", pair.clock()).failures[0].message == "\\x1b"

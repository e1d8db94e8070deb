"""A job on a worker: done once, given back whole, answered in every case, and never beyond its leave."""

from __future__ import annotations

import ipaddress
import os
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from auditor.workers import work
from auditor.workers.messages import FORMAT, Attached, enclose, seal
from auditor.workers.work import Bench, Outcome, localised
from inventories.model import Collection
from inventories.signing import load_signer
from probes.access import Access, Bastion, SshLogin
from probes.base import Context, Shard
from tests.auditor.workers.conftest import Pair, Scripted, failing, found, permit_of


def heard(bench: Bench, pair: Pair, session: str = "s1", seconds: float = 0.001) -> Bench:
    bench.hearing.heard(pair.beat(session=session, seconds=seconds))
    return bench


def test_a_job_is_looked_at_and_answered(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    bench = heard(pair.bench(probe), pair)
    job = pair.job()
    assert bench.take(pair.text(job)) is Outcome.DONE
    head = pair.bundle().head
    assert (head.kind, head.answers, head.id, head.zone) == ("result", job.id, job.answer_id, "mzj")
    assert head.probes == ("nmap",) and head.documents == ("授权1号",)
    assert head.limits == (("nmap", "UDP services"),)
    assert pair.content() == found(probe.calls[0], pair.clock())
    (context,) = probe.seen
    assert context.beside == 2
    # Its own exclusions and rate, not only the centre's.
    assert ipaddress.ip_network("192.0.2.14/32") in context.permit.excluded
    assert context.permit.profile.max_rate == 500
    # Nothing of the looking stays but the signed result.
    assert sorted(p.name for p in pair.worker.state.iterdir()) == ["locks", "results"]
    for path in pair.worker.state.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_job_that_comes_again_is_answered_from_memory(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    bench = heard(pair.bench(probe), pair)
    job = pair.job()
    assert bench.take(pair.text(job)) is Outcome.DONE
    # Also sent anew by a centre that was restarted, also to a worker that was.
    again = replace(job, nonce="2" * 32, session="s2", sent_at=pair.clock.step(60))
    restarted = pair.bench(probe)
    assert restarted.take(pair.text(again)) is Outcome.DONE
    assert len(probe.calls) == 1
    assert pair.sent[0] == pair.sent[1]


def test_what_was_kept_from_before_the_run_is_no_answer(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    job = pair.job()
    assert heard(pair.bench(probe), pair).take(pair.text(job)) is Outcome.DONE
    later = replace(job, since=pair.clock.step(3600), sent_at=pair.clock())
    assert heard(pair.bench(probe), pair).take(pair.text(later)) is Outcome.DONE
    assert len(probe.calls) == 2


def test_a_failure_is_sent_twice_and_tried_anew_when_it_is_asked_for_anew(pair: Pair) -> None:
    probe = Scripted(pair.clock, act=failing)
    bench = heard(pair.bench(probe), pair)
    job = pair.job()
    assert bench.take(pair.text(job)) is Outcome.DONE
    assert bench.take(pair.text(job)) is Outcome.DONE
    assert len(probe.calls) == 1
    assert bench.take(pair.text(replace(job, nonce="2" * 32))) is Outcome.DONE
    assert len(probe.calls) == 2
    assert pair.content().failures[0].reason == "timed_out"


def test_a_result_that_was_torn_is_looked_for_again(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    bench = heard(pair.bench(probe), pair)
    job = pair.job()
    bench.take(pair.text(job))
    path = bench.kept.path(job)
    path.write_bytes(path.read_bytes()[:-3])
    assert bench.take(pair.text(job)) is Outcome.DONE
    assert len(probe.calls) == 2


def test_two_at_once_look_once(pair: Pair) -> None:
    def slow(shard: Shard, context: Context) -> Collection:
        time.sleep(0.3)
        return found(shard, pair.clock())

    probe = Scripted(pair.clock, act=slow)
    bench = heard(pair.bench(probe), pair)
    text = pair.text(pair.job())
    threads = [threading.Thread(target=bench.take, args=(text,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(probe.calls) == 1
    assert len(pair.sent) == 4 and len(set(pair.sent)) == 1


def until_stopped(shard: Shard, context: Context) -> Collection:
    assert context.stop.event.wait(20)
    return failing(shard, context)


def during(bench: Bench, probe: Scripted, text: str, happen: object) -> Outcome:
    """What becomes of the message where ``happen()`` comes while the probe looks."""
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(bench.take(text)))
    thread.start()
    while not probe.calls:
        time.sleep(0.01)
    assert callable(happen)
    happen()
    thread.join(timeout=20)
    return outcomes[0]


def test_a_worker_that_is_closed_gives_its_shard_back(pair: Pair) -> None:
    probe = Scripted(pair.clock, act=until_stopped)
    bench = heard(pair.bench(probe), pair)
    assert during(bench, probe, pair.text(pair.job()), bench.closing.set) is Outcome.GIVE_BACK
    assert pair.sent == []
    assert list((pair.worker.state / "results").iterdir()) == []


def test_without_beats_the_shard_is_given_back(pair: Pair) -> None:
    seconds = [0.0]
    probe = Scripted(pair.clock, act=until_stopped)
    bench = heard(pair.bench(probe, hearing=pair.hearing(monotonic=lambda: seconds[0])), pair)
    assert (
        during(bench, probe, pair.text(pair.job()), lambda: seconds.append(seconds.pop() + 30)) is Outcome.GIVE_BACK
    )
    assert pair.sent == []


def test_a_stop_ends_the_shard_and_nobody_gets_it(pair: Pair) -> None:
    probe = Scripted(pair.clock, act=until_stopped)
    bench = heard(pair.bench(probe), pair)
    stop = pair.beat(seconds=0.5, stop=True)
    assert during(bench, probe, pair.text(pair.job()), lambda: bench.hearing.heard(stop)) is Outcome.DONE
    assert pair.sent == []


def test_a_shard_that_was_ready_when_the_stop_came_is_kept(pair: Pair) -> None:
    def whole(shard: Shard, context: Context) -> Collection:
        assert context.stop.event.wait(20)
        return found(shard, pair.clock())

    probe = Scripted(pair.clock, act=whole)
    bench = heard(pair.bench(probe), pair)
    assert during(bench, probe, pair.text(pair.job()), bench.closing.set) is Outcome.DONE
    assert pair.content().failures == ()


def test_leave_that_ends_ends_the_looking_and_is_answered(pair: Pair) -> None:
    probe = Scripted(pair.clock, act=until_stopped)
    bench = heard(pair.bench(probe), pair)
    job = pair.job(not_after=pair.clock.at + timedelta(seconds=30))
    assert during(bench, probe, pair.text(job), lambda: pair.clock.step(31)) is Outcome.DONE
    assert pair.content().failures[0].reason == "timed_out"


def test_a_probe_that_does_not_end_ends_the_worker(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "HUNG_SECONDS", 0.2)
    gone = threading.Event()

    def deaf(shard: Shard, context: Context) -> Collection:
        assert gone.wait(20)
        return found(shard, pair.clock())

    probe = Scripted(pair.clock, act=deaf)
    bench = heard(pair.bench(probe, hung=gone.set), pair)
    during(bench, probe, pair.text(pair.job()), bench.closing.set)
    assert gone.is_set()


def test_a_probe_that_crashes_has_failed(pair: Pair) -> None:
    def crash(shard: Shard, context: Context) -> Collection:
        raise ZeroDivisionError("\x1b[2Jboom")

    bench = heard(pair.bench(Scripted(pair.clock, act=crash)), pair)
    assert bench.take(pair.text(pair.job())) is Outcome.DONE
    (failure,) = pair.content().failures
    assert failure.reason == "crashed" and "\x1b" not in failure.message
    assert failure.scope == ("192.0.2.0/29", "192.0.2.8/30")


def test_jobs_that_nobody_waits_for_go(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    bench = heard(pair.bench(probe), pair, session="s2", seconds=1)
    assert bench.take(pair.text(pair.job())) is Outcome.DONE
    assert probe.calls == [] and pair.sent == []


def test_a_job_is_held_until_its_centre_is_heard(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    bench = pair.bench(probe)
    text = pair.text(pair.job())
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(bench.take(text)))
    thread.start()
    time.sleep(0.5)
    assert probe.calls == []
    heard(bench, pair)
    thread.join(timeout=5)
    assert outcomes == [Outcome.DONE] and len(probe.calls) == 1


def test_a_held_job_is_given_back_by_a_worker_that_ends(pair: Pair) -> None:
    bench = pair.bench(Scripted(pair.clock))
    bench.closing.set()
    assert bench.take(pair.text(pair.job())) is Outcome.GIVE_BACK


def refusal(pair: Pair, bench: Bench, text: str) -> str:
    assert bench.take(text) is Outcome.DONE
    content = pair.content()
    assert not content.observations and not content.coverage
    (failure,) = content.failures
    assert failure.scope == ()
    return failure.reason


def test_what_is_not_done_is_answered_with_the_reason(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    bench = heard(pair.bench(probe), pair)
    job = pair.job()
    outside = replace(job, id="b" * 32, permit=permit_of("198.51.100.0/24"))
    assert refusal(pair, bench, pair.text(outside)) == "outside_worker"
    other_plan = replace(job, id="c" * 32, targets=(ipaddress.ip_network("192.0.2.0/30"),))
    assert refusal(pair, bench, pair.text(other_plan)) == "worker_differs"
    for ordinal in (1, -1, 10**6):
        text = pair.text(replace(job, id=f"{ordinal & 0xFFFF:032x}", ordinal=ordinal))
        assert refusal(pair, bench, text) == "worker_differs"
    newer = enclose("job", "d" * 32, FORMAT + 1, "{}", pair.centre_signer)
    assert refusal(pair, bench, newer) == "worker_too_old"
    assert pair.bundle().head.probes == ()
    odd = enclose("job", "e" * 32, FORMAT, "{}", pair.centre_signer)
    assert refusal(pair, bench, odd) == "bad_job"
    assert probe.calls == []


def test_a_clock_that_is_off_is_said_and_nothing_is_looked_at(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    bench = heard(pair.bench(probe), pair, seconds=300)
    job = pair.job(sent_at=pair.clock.at + timedelta(seconds=299))
    assert refusal(pair, bench, pair.text(job)) == "clock_skewed"
    assert "-300 s" in pair.content().failures[0].message


def test_forged_and_foreign_messages_are_put_aside(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    bench = heard(pair.bench(probe), pair)
    job = pair.job()
    for text in (
        "",
        "{}",
        seal(job, load_signer(pair.thief_key.private)),
        seal(job, pair.worker_signer),
        pair.text(replace(job, site="other-city")),
        pair.text(replace(job, zone="jtj")),
        seal(pair.beat(), pair.centre_signer),
    ):
        expected = Outcome.DONE if '"kind":"beat"' in text else Outcome.UNWANTED
        outcome = bench.take(text)
        assert outcome in (expected, Outcome.UNWANTED)
    assert probe.calls == [] and pair.sent == []


def test_a_result_waits_for_the_broker(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    bench = heard(pair.bench(probe), pair)
    pair.reachable = False
    job = pair.job()
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(bench.take(pair.text(job))))
    thread.start()
    while not bench.kept.path(job).exists():
        time.sleep(0.01)
    time.sleep(0.3)
    assert outcomes == []
    pair.reachable = True
    thread.join(timeout=10)
    assert outcomes == [Outcome.DONE] and len(pair.sent) == 1


def test_a_worker_that_ends_while_the_broker_is_away_has_kept_the_result(pair: Pair) -> None:
    probe = Scripted(pair.clock)
    bench = heard(pair.bench(probe), pair)
    pair.reachable = False
    job = pair.job()
    assert during(bench, probe, pair.text(job), bench.closing.set) is Outcome.GIVE_BACK
    pair.reachable = True
    assert pair.bench(probe).take(pair.text(job)) is Outcome.DONE
    assert len(probe.calls) == 1


def test_a_full_disk_is_a_failure_and_no_silence(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = heard(pair.bench(Scripted(pair.clock)), pair)

    def full(*_args: object, **_named: object) -> str:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(work.tempfile, "mkdtemp", full)
    assert refusal(pair, bench, pair.text(pair.job())) == "cannot_write"


def test_a_result_that_no_broker_carries_is_a_failure(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MOST_BYTES", 100)
    bench = heard(pair.bench(Scripted(pair.clock)), pair)
    assert refusal(pair, bench, pair.text(pair.job())) == "too_large"


def test_the_centre_s_files_are_laid_into_the_job_s_own_folder(pair: Pair, tmp_path: Path) -> None:
    known, ca = Path("/centre/known_hosts"), Path("/centre/../../etc/passwd")
    login = SshLogin("audit", known_hosts=known, bastion=Bastion("192.0.2.1", "j", known_hosts=ca))
    lost = SshLogin("audit", known_hosts=Path("/centre/gone"))
    job = pair.job(
        permit=permit_of(access=Access(ssh=(login, lost))),
        files=(Attached(str(known), "aG9zdHM="), Attached(str(ca), "Y2E="), Attached("/centre/gone", None)),
    )
    folder = tmp_path / "job"
    folder.mkdir()
    first, second = localised(job.permit, job, folder).access.ssh
    assert first.known_hosts is not None and first.known_hosts.read_bytes() == b"hosts"
    assert first.bastion is not None and first.bastion.known_hosts is not None
    assert first.bastion.known_hosts.read_bytes() == b"ca"
    assert second.known_hosts is not None and not second.known_hosts.exists()
    # Whatever a path was called at the centre, its file lies here, and nowhere else.
    assert all(path.parent == folder for path in localised(job.permit, job, folder).access.files)


def test_old_results_go(pair: Pair) -> None:
    bench = heard(pair.bench(Scripted(pair.clock)), pair)
    job = pair.job()
    bench.take(pair.text(job))
    path = bench.kept.path(job)
    modified = path.stat().st_mtime
    bench.kept.thin(modified + 2 * 86_400)
    assert path.exists()
    bench.kept.thin(modified + 4 * 86_400)
    assert not path.exists()

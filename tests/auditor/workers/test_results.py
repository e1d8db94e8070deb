"""What a worker's result may say, and what becomes of one that says more."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from auditor.workers.messages import Job
from auditor.workers.results import Answer, answer, opened
from auditor.workers.work import Outcome
from inventories.bundle import BundleError, Head, pack
from inventories.model import Collection, Coverage, Failure, Identifier, Submission
from inventories.signing import load_signer
from tests.auditor.workers.conftest import NOON, Pair, Scripted, found, permit_of

SKEW = timedelta(seconds=60)


def head(job: Job, **more: Any) -> Head:
    base = Head(
        kind="result",
        id=job.answer_id,
        site="test-city",
        zone="mzj",
        vantage="in-mzj",
        probes=("nmap",),
        seen_from=NOON,
        seen_until=NOON + timedelta(seconds=30),
        made_at=NOON + timedelta(seconds=30),
        program="gov-infra-auditor 0",
        answers=job.id,
    )
    return replace(base, **more)


def judged(pair: Pair, content: Collection, **more: Any) -> Answer:
    job = pair.job()
    data = pack(head(job, **more), [content], pair.worker_signer)
    bundle = opened(data, pair.centre_trust, "test-city", "mzj")
    return answer(bundle, job, pair.ground, now=NOON + timedelta(seconds=40), skew=SKEW)


def good(pair: Pair, at: datetime = NOON) -> Collection:
    probe = Scripted(pair.clock)
    (shard,) = probe.shards(permit_of())
    return found(shard, at)


def test_a_right_result_is_taken_as_it_is(pair: Pair) -> None:
    content = good(pair)
    limits = (("nmap", "UDP services"),)
    assert judged(pair, content, limits=limits) == Answer(content, limits)


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("foreign_result", {"zone": "jtj"}),
        ("foreign_result", {"collector": "ssh"}),
        ("foreign_result", {"collector": "register"}),
        ("foreign_result", {"identifiers": (Identifier("ip", "198.51.100.1", "in-mzj"),)}),
        ("foreign_result", {"identifiers": (Identifier("ip", "192.0.2.1", "in-jtj"),)}),
        ("foreign_result", {"identifiers": (Identifier("pin", "x"),)}),
        ("clock_skewed", {"observed_at": NOON + timedelta(hours=1)}),
        ("clock_skewed", {"observed_at": NOON - timedelta(hours=1)}),
    ],
)
def test_an_observation_that_is_not_its_own(pair: Pair, reason: str, change: dict[str, Any]) -> None:
    content = good(pair)
    content = replace(content, observations=(replace(content.observations[0], **change),))
    outcome = judged(pair, content).collection
    assert [f.reason for f in outcome.failures] == [reason]
    assert outcome.failures[0].scope == ("192.0.2.0/29", "192.0.2.8/30")
    assert not outcome.observations and not outcome.coverage


@pytest.mark.parametrize("scope", ["192.0.2.12/30", "192.0.2.0/28", "0.0.0.0/0", "198.51.100.0/24", "x"])
def test_coverage_beyond_the_shard_counts_for_nothing(pair: Pair, scope: str) -> None:
    covered = Coverage("nmap", "mzj", "in-mzj", "hosts", (scope,), NOON, NOON)
    content = replace(good(pair), coverage=(covered,))
    assert judged(pair, content).collection.failures[0].reason == "foreign_result"


def test_a_worker_fills_in_no_register(pair: Pair) -> None:
    content = replace(good(pair), submissions=(Submission("mzj", "systems", NOON.date()),))
    assert judged(pair, content).collection.failures[0].reason == "foreign_result"


def test_times_that_cannot_be(pair: Pair) -> None:
    late = {"seen_until": NOON + timedelta(minutes=5), "made_at": NOON + timedelta(minutes=5)}
    assert judged(pair, good(pair), **late).collection.failures[0].reason == "clock_skewed"
    early = {"seen_from": NOON - timedelta(minutes=7)}
    assert judged(pair, good(pair), **early).collection.failures[0].reason == "replayed"
    within = {"seen_from": NOON - timedelta(minutes=5, seconds=30)}
    assert judged(pair, good(pair), **within).collection.failures == ()


def test_another_probe_s_result_is_no_answer(pair: Pair) -> None:
    content = good(pair)
    content = Collection(
        tuple(replace(o, collector="ssh") for o in content.observations),
        tuple(replace(c, collector="ssh") for c in content.coverage),
    )
    assert judged(pair, content, probes=("ssh",)).collection.failures[0].reason == "foreign_result"
    assert judged(pair, content, probes=("nmap", "ssh")).collection.failures[0].reason == "foreign_result"
    assert judged(pair, Collection(), vantage="elsewhere").collection.failures[0].reason == "wrong_zone"


def test_a_refusal_covers_the_whole_shard_whatever_its_clock_said(pair: Pair) -> None:
    failure = Failure("", "mzj", (), "worker_too_old", "update it", NOON + timedelta(days=3))
    far = NOON + timedelta(days=3)
    outcome = judged(pair, Collection(failures=(failure,)), probes=(), seen_from=far, seen_until=far).collection
    (seen,) = outcome.failures
    assert (seen.collector, seen.zone, seen.reason) == ("nmap", "mzj", "worker_too_old")
    assert seen.scope == ("192.0.2.0/29", "192.0.2.8/30")
    assert seen.at < NOON + timedelta(minutes=1)


def refused(pair: Pair, data: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        opened(data, pair.centre_trust, "test-city", "mzj")
    return caught.value.reason


def test_only_the_zone_s_key_speaks_for_it(pair: Pair) -> None:
    job = pair.job()
    whole = pack(head(job), [good(pair)], pair.worker_signer)
    assert refused(pair, pack(head(job), [good(pair)], None)) == "unsigned"
    thief = load_signer(pair.thief_key.private, key_id="worker")
    assert refused(pair, pack(head(job), [good(pair)], thief)) == "bad_signature"
    assert refused(pair, pack(head(job), [good(pair)], pair.centre_signer)) == "unknown_key"
    assert refused(pair, pack(head(job, zone="jtj"), [good(pair)], pair.worker_signer)) == "wrong_zone"
    assert refused(pair, pack(head(job, site="other"), [good(pair)], pair.worker_signer)) == "foreign_site"
    # A look or a carried bundle of the same zone is no answer to a job.
    assert refused(pair, pack(head(job, kind="offline"), [good(pair)], pair.worker_signer)) == "replayed"
    for spot in (40, len(whole) // 2, len(whole) - 1):
        changed = whole[:spot] + bytes([whole[spot] ^ 1]) + whole[spot + 1 :]
        assert refused(pair, changed) in (
            "bad_format",
            "bad_signature",
            "changed_byte",
            "unknown_key",
            "foreign_site",
        )


def test_a_worker_s_own_result_is_taken(pair: Pair) -> None:
    """Both sides together, without a broker between them."""
    probe = Scripted(pair.clock)
    bench = pair.bench(probe)
    bench.hearing.heard(pair.beat(seconds=0.001))
    job = pair.job()
    assert bench.take(pair.text(job)) is Outcome.DONE
    bundle = opened(pair.sent[0], pair.centre_trust, "test-city", "mzj")
    assert answer(bundle, job, pair.ground, now=pair.clock(), skew=SKEW).collection == found(
        probe.calls[0], pair.clock()
    )
    assert job.targets == (ipaddress.ip_network("192.0.2.0/29"), ipaddress.ip_network("192.0.2.8/30"))

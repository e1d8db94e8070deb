"""Signed messages: read only where every byte is the centre's."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.workers.messages import FORMAT, MOST_BYTES, Attached, MessageError, enclose, seal, unseal
from inventories.signing import load_signer
from probes.access import Access, SshLogin
from probes.secrets import Secret
from tests.auditor.workers.conftest import Pair, permit_of


def test_a_job_and_a_beat_come_back_as_they_were(pair: Pair) -> None:
    access = Access(ssh=(SshLogin("audit", key=Secret.parse("file:/etc/auditor/mzj")),))
    job = pair.job(permit=permit_of(access=access), files=(Attached("/x", "eA=="), Attached("/y", None)))
    assert unseal(pair.text(job), pair.worker_trust, "mzj").job() == job
    beat = pair.beat(stop=True)
    assert unseal(seal(beat, pair.centre_signer), pair.worker_trust, "mzj").beat() == beat


def refused(pair: Pair, text: str | bytes, zone: str = "mzj") -> str:
    with pytest.raises(MessageError) as caught:
        unseal(text, pair.worker_trust, zone).job()
    return caught.value.reason


def test_no_byte_can_change(pair: Pair) -> None:
    text = pair.text(pair.job())
    for spot in range(0, len(text), 7):
        for new in ("0", "}"):
            changed = text[:spot] + new + text[spot + 1 :]
            if changed != text:
                assert refused(pair, changed) in ("bad_message", "bad_signature", "unknown_key", "wrong_key"), spot


def test_who_signed_decides(pair: Pair) -> None:
    job = pair.job()
    # The thief's key bears the centre's name.
    assert refused(pair, seal(job, load_signer(pair.thief_key.private))) == "bad_signature"
    assert refused(pair, seal(job, pair.worker_signer)) == "unknown_key"
    # The centre's word for another zone.
    assert refused(pair, pair.text(job), zone="jtj") == "wrong_zone"


def test_a_beat_is_no_job_and_a_part_is_no_whole(pair: Pair) -> None:
    assert refused(pair, seal(pair.beat(), pair.centre_signer)) == "bad_message"
    body = json.loads(pair.text(pair.job()))
    assert refused(pair, json.dumps({**body, "more": 1})) == "bad_message"
    assert refused(pair, json.dumps({k: v for k, v in body.items() if k != "key"})) == "bad_message"
    # A signature moved to another job's envelope.
    other = json.loads(pair.text(pair.job(id="b" * 32)))
    assert refused(pair, json.dumps({**other, "signature": body["signature"]})) == "bad_signature"
    assert refused(pair, json.dumps({**body, "id": "b" * 32})) == "bad_signature"
    assert refused(pair, json.dumps({**body, "kind": "beat"})) == "bad_signature"
    assert refused(pair, json.dumps({**body, "format": True})) == "bad_message"


def test_a_signed_body_with_another_id_than_its_envelope_s_is_refused(pair: Pair) -> None:
    body = json.loads(pair.text(pair.job()))["body"]
    assert refused(pair, enclose("job", "b" * 32, FORMAT, body, pair.centre_signer)) == "bad_message"


def test_a_newer_format_is_known_for_the_centre_s(pair: Pair) -> None:
    text = enclose("job", "c" * 32, FORMAT + 1, '{"anything":1}', pair.centre_signer)
    envelope = unseal(text, pair.worker_trust, "mzj")
    assert envelope.id == "c" * 32
    with pytest.raises(MessageError, match="newer_format"):
        envelope.job()


def test_too_large_and_too_deep(pair: Pair) -> None:
    assert refused(pair, "x" * (MOST_BYTES + 1)) == "too_large"
    assert refused(pair, "[" * 200_000) == "bad_message"
    deep = enclose("job", "c" * 32, FORMAT, "[" * 200_000, pair.centre_signer)
    assert refused(pair, deep) == "bad_message"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_anything_else_is_refused_with_a_word(pair: Pair, data: str | bytes) -> None:
    assert refused(pair, data) == "bad_message"


def test_what_a_refusal_says_cannot_move_a_cursor(pair: Pair) -> None:
    body = json.dumps({"\x1b[2J": 1})
    with pytest.raises(MessageError) as caught:
        unseal(enclose("job", "c" * 32, FORMAT, body, pair.centre_signer), pair.worker_trust, "mzj").job()
    assert "\x1b" not in str(caught.value)


def test_the_answer_s_id_is_of_this_sending(pair: Pair) -> None:
    job = pair.job()
    assert job.answer_id != replace(job, nonce="2" * 32).answer_id
    assert job.answer_id == replace(job, sent_at=job.sent_at + timedelta(hours=1)).answer_id

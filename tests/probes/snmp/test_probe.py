"""The probe against a small agent that behaves, and misbehaves."""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from inventories.model import Collection
from probes.access import Access, SnmpLogin
from probes.base import Context, Stop
from probes.registry import PROBES
from probes.secrets import Secret
from probes.snmp.probe import SnmpProbe
from tests.probes.conftest import Permits
from tests.probes.snmp.agent import SYSTEM, FakeAgent, Oid, oid

CANARY = "canary-community-7f3a"


@pytest.fixture
def ask(
    permit_of: Permits, now: Callable[[], datetime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Collection]:
    """``ask(port, "127.8.0.1/32", ...)`` → what the probe brings home. Half as long as usual it waits for silence."""
    from probes.snmp import session

    monkeypatch.setattr(session, "FIRST_WAIT", session.FIRST_WAIT / 2)

    def run(
        port: int,
        *prefixes: str,
        named: bool = False,
        stop: Stop | None = None,
        seconds: int = 20,
        secret: str = CANARY,
        rate: int = 10_000,
    ) -> Collection:
        monkeypatch.setenv("SNMP_COMMUNITY", secret)
        only = tuple(ipaddress.ip_network(p) for p in prefixes) if named else ()
        login = SnmpLogin(community=Secret.parse("env:SNMP_COMMUNITY"), port=port, prefixes=only)
        permit = replace(
            permit_of(*prefixes, host_timeout_seconds=seconds, max_rate=rate), access=Access(snmp=(login,))
        )
        probe = SnmpProbe()
        (shard,) = probe.shards(permit)
        return probe.collect(shard, Context(permit, tmp_path, stop or Stop(), now))

    return run


def test_an_agent_is_read_and_its_neighbour_is_not_asked(ask: Callable[..., Collection]) -> None:
    with FakeAgent("127.8.1.1", SYSTEM, community=CANARY) as agent:
        found = ask(agent.port, "127.8.1.0/30")
    assert [str(o.identifiers[0]) for o in found.observations] == ["ip:127.8.1.1@v"]
    assert [c.scope for c in found.coverage] == [("127.8.1.1/32",)]
    assert not found.failures


def test_silence_is_neither_a_finding_nor_a_failure(ask: Callable[..., Collection]) -> None:
    found = ask(9, "127.8.2.0/30")
    assert found == Collection()


def test_silence_where_the_site_names_the_address_is_a_failure(ask: Callable[..., Collection]) -> None:
    found = ask(9, "127.8.3.1/32", named=True)
    assert [(f.reason, f.scope) for f in found.failures] == [("timed_out", ("127.8.3.1/32",))]


def test_a_wrong_community_reads_nothing(ask: Callable[..., Collection]) -> None:
    with FakeAgent("127.8.4.1", SYSTEM, community="another") as agent:
        found = ask(agent.port, "127.8.4.1/32", named=True)
    assert not found.observations
    assert [f.reason for f in found.failures] == ["timed_out"]


def test_a_walk_that_comes_back_is_told_and_the_rest_stands(ask: Callable[..., Collection]) -> None:
    descr = "1.3.6.1.2.1.2.2.1.2"
    with FakeAgent("127.8.5.1", {**SYSTEM, f"{descr}.1": b"a", f"{descr}.2": b"b"}, community=CANARY) as agent:
        ordinary = agent.next_of

        def loop(name: Oid) -> Oid | None:
            return oid(f"{descr}.1") if name == oid(f"{descr}.2") else ordinary(name)

        agent.next_of = loop
        found = ask(agent.port, "127.8.5.1/32")
    assert [f.reason for f in found.failures] == ["looping"]
    assert [f.value for o in found.observations for f in o.facts if f.column == "hostname"] == ["ups-1"]
    assert not found.coverage, "what was not read to the end is not covered"


def test_an_endless_table_ends(ask: Callable[..., Collection], monkeypatch: pytest.MonkeyPatch) -> None:
    from probes.snmp import session

    monkeypatch.setattr(session, "MOST_VALUES", 60)
    descr = "1.3.6.1.2.1.2.2.1.2"
    with FakeAgent("127.8.6.1", SYSTEM, community=CANARY) as agent:
        ordinary = agent.next_of

        def endless(name: Oid) -> Oid | None:
            base = oid(descr)
            if name[: len(base)] != base:
                return ordinary(name)
            following = (*base, name[-1] + 1 if len(name) > len(base) else 1)
            agent.table[following] = b"port"
            return following

        agent.next_of = endless
        found = ask(agent.port, "127.8.6.1/32")
    assert [f.reason for f in found.failures] == ["too_much"]


def test_an_agent_that_falls_silent_is_a_failure(ask: Callable[..., Collection]) -> None:
    with FakeAgent("127.8.7.1", SYSTEM, community=CANARY, silent_after=2) as agent:
        found = ask(agent.port, "127.8.7.1/32", seconds=3)
    assert [f.reason for f in found.failures] == ["timed_out"]
    assert len(found.observations) == 1


def test_a_missing_secret_is_told_and_nothing_is_sent(
    ask: Callable[..., Collection], monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeAgent("127.8.8.1", SYSTEM, community=CANARY) as agent:
        found = ask(agent.port, "127.8.8.1/32", secret="")
    assert [f.reason for f in found.failures] == ["no_credentials"]
    assert agent.asked == {}


def test_stop_ends_it_at_once(ask: Callable[..., Collection]) -> None:
    stop = Stop()
    threading.Timer(0.5, lambda: stop.set("stop was asked for")).start()
    began = time.monotonic()
    found = ask(9, "127.8.9.0/24", stop=stop, rate=12)
    assert time.monotonic() - began < 10, "the whole sweep takes more than twenty seconds at this rate"
    assert {f.reason for f in found.failures} == {"stopped"}


def test_the_community_is_in_no_log_and_no_result(
    ask: Callable[..., Collection], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeAgent("127.8.10.1", SYSTEM, community=CANARY, silent_after=3) as agent:
        found = ask(agent.port, "127.8.10.1/32", seconds=2)
    assert found.failures
    assert CANARY not in repr(found) + caplog.text
    assert not any(CANARY.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_the_registry_knows_it_and_a_zone_without_a_login_has_no_work(permit_of: Permits) -> None:
    assert PROBES["snmp"]().name == "snmp"
    assert SnmpProbe().shards(permit_of("10.0.0.0/24")) == ()

"""The nmap probe against real networks: namespaces with hosts that answer, hide or are not to be touched."""

from __future__ import annotations

import ipaddress
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from inventories.model import Collection, Strength
from inventories.places import Zone
from probes.base import Stop
from probes.nmap_scan import NmapProbe
from probes.profiles import PROFILES
from probes.run import FileShardStore, run_probes
from probes.scope import Authorisation, Permit, Profile, ZoneScope, permit

pytestmark = pytest.mark.lab

PORTS = (22, 80, 135, 443, 445, 902, 1433, 1521, 3306, 3389, 5236, 8080, 54321)
FAST = replace(PROFILES["fast"], ports=PORTS)

Network = Callable[..., Any]


def clock() -> datetime:
    return datetime.now(UTC)


def leave(prefix: str, *, excluded: tuple[str, ...] = (), profile: Profile = FAST, vantage: str = "v") -> Permit:
    """Leave as a site gives it, by the same road."""
    network = ipaddress.ip_network(prefix)
    zone = Zone(f"zone-{vantage}", "区", vantage, "department", (network,))
    authorisation = Authorisation("授权书", "分管领导", date(2000, 1, 1), date(2999, 12, 31), (network,))
    out = tuple(ipaddress.ip_network(item) for item in excluded)
    got = permit(ZoneScope(zone, (authorisation,), out, profile), clock())
    assert isinstance(got, Permit)
    return got


def scan(net: Any, given: Permit, folder: Path, *, stop: Stop | None = None, **more: Any) -> Collection:
    probe = NmapProbe(command=net.nmap, **more)
    return run_probes([probe], [given], workdir=folder, stop=stop or Stop(), now=clock)


def found(collection: Collection) -> set[str]:
    return {observation.identifiers[0].value for observation in collection.observations}


def opened(collection: Collection) -> set[tuple[str, int]]:
    return {
        (observation.identifiers[0].value, int(fact.value[0].split("/")[0]))
        for observation in collection.observations
        for fact in observation.facts
        if fact.column == "open_services" and isinstance(fact.value, tuple)
    }


@pytest.mark.parametrize("raw", [True, False])
def test_live_and_firewalled_hosts_are_found_with_their_ports(
    netns: ModuleType, network: Network, tmp_path: Path, raw: bool
) -> None:
    hosts = netns.crowd_of("10.9.0.0/24", share=0.1, walled=0.5)
    net = network("10.9.0.0/24", hosts)
    got = scan(net, leave("10.9.0.0/24"), tmp_path, raw=raw, versions=False)
    assert got.failures == ()
    assert found(got) == {host.address for host in hosts}
    assert opened(got) == {(host.address, port) for host in hosts for port in host.ports}


def test_services_are_named_by_what_they_say(netns: ModuleType, network: Network, tmp_path: Path) -> None:
    hosts = [
        netns.Host("10.9.0.10", {22: "ssh", 80: "page:综合服务平台", 5236: "mute"}),
        netns.Host("10.9.0.11", {902: "esxi"}, walled=False),
    ]
    got = scan(network("10.9.0.0/24", hosts), leave("10.9.0.0/24"), tmp_path)
    assert got.failures == ()
    facts = {
        (o.identifiers[0].value, f.column, f.value[0] if isinstance(f.value, tuple) else f.value): f.strength
        for o in got.observations
        for f in o.facts
    }
    assert facts["10.9.0.10", "open_services", "22/tcp ssh OpenSSH 9.2p1 Debian 2"] is Strength.SEEN_OUTSIDE
    assert facts["10.9.0.10", "page_titles", "综合服务平台"] is Strength.SEEN_OUTSIDE
    assert facts["10.9.0.10", "products", "database:达梦 DM8"] is Strength.HINTED
    assert facts["10.9.0.11", "products", "hypervisor:VMware ESXi"] is Strength.SEEN_OUTSIDE


@pytest.mark.parametrize("raw", [True, False])
def test_an_excluded_address_gets_not_one_packet(
    netns: ModuleType, network: Network, tmp_path: Path, raw: bool
) -> None:
    hosts = [netns.Host(f"10.9.0.{i}", {22: "ssh", 80: "page:x"}) for i in (10, 77, 130, 131, 200)]
    net = network("10.9.0.0/24", hosts)
    excluded = ("10.9.0.77/32", "10.9.0.128/28", "10.9.0.0/32")
    got = scan(net, leave("10.9.0.0/24", excluded=excluded), tmp_path, raw=raw)
    assert got.failures == ()
    assert found(got) == {"10.9.0.10", "10.9.0.200"}
    never = {str(address) for prefix in excluded for address in ipaddress.ip_network(prefix)}
    met = set(net.met())
    assert met & never == set()
    assert met == {str(address) for address in ipaddress.ip_network("10.9.0.0/24")} - never
    covered = {str(a) for c in got.coverage for prefix in c.scope for a in ipaddress.ip_network(prefix)}
    assert covered == met


def running(net: Any) -> list[int]:
    return list(net.processes())


@pytest.mark.parametrize("how", ["event", "file"])
def test_stopping_ends_everything_within_two_seconds(
    netns: ModuleType, network: Network, tmp_path: Path, how: str
) -> None:
    net = network("10.9.0.0/20", netns.crowd_of("10.9.0.0/20"))
    stop, file = Stop(), tmp_path / "STOP"
    (tmp_path / "work").mkdir()
    slow = replace(FAST, max_rate=1000)
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(
            run_probes,
            [NmapProbe(command=net.nmap)],
            [leave("10.9.0.0/20", profile=slow)],
            workdir=tmp_path / "work",
            stop=stop,
            now=clock,
            stop_file=file,
        )
        assert netns.wait_until(lambda: len(running(net)) >= 16, 10)
        began = time.monotonic()
        if how == "event":
            stop.set("please")
        else:
            file.touch()
        got = job.result(10)
        assert time.monotonic() - began < 2
    assert running(net) == []
    assert list((tmp_path / "work").iterdir()) == []
    assert {failure.reason for failure in got.failures} == {"stopped"}
    missed = {str(a) for f in got.failures for prefix in f.scope for a in ipaddress.ip_network(prefix)}
    assert len(missed) == 4096


def test_killing_nmap_in_the_middle_is_a_failure_of_its_shard_alone(
    netns: ModuleType, network: Network, tmp_path: Path
) -> None:
    net = network("10.9.0.0/23", netns.crowd_of("10.9.0.0/23", share=0.05))
    store = FileShardStore(tmp_path / "shards")
    given = leave("10.9.0.0/23", profile=replace(FAST, max_rate=2000))
    (tmp_path / "work").mkdir()

    def kill() -> None:
        assert netns.wait_until(lambda: len(running(net)) == 2, 10)
        os.kill(running(net)[0], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    first = run_probes(
        [NmapProbe(command=net.nmap, versions=False)],
        [given],
        workdir=tmp_path / "work",
        stop=Stop(),
        now=clock,
        store=store,
    )
    killer.join()
    (failure,) = first.failures
    assert failure.reason == "killed"
    assert len(failure.scope) == 1
    sent = sum(net.met().values())
    again = run_probes(
        [NmapProbe(command=net.nmap, versions=False)],
        [given],
        workdir=tmp_path / "work",
        stop=Stop(),
        now=clock,
        store=store,
    )
    assert again.failures == ()
    assert found(again) == {host.address for host in net.hosts}
    # The shard that had finished was not asked anything again.
    other = next(shard for shard in ("10.9.0.0/24", "10.9.1.0/24") if shard != failure.scope[0])
    assert sum(net.met().values()) > sent
    finished = {str(address) for address in ipaddress.ip_network(other)}
    third = net.met()
    run_probes(
        [NmapProbe(command=net.nmap, versions=False)],
        [given],
        workdir=tmp_path / "work",
        stop=Stop(),
        now=clock,
        store=store,
    )
    assert {a: n for a, n in net.met().items() if a in finished} == {a: n for a, n in third.items() if a in finished}


def test_the_same_prefix_behind_two_vantages_is_two_networks(
    netns: ModuleType, network: Network, tmp_path: Path
) -> None:
    one = network("192.168.1.0/24", [netns.Host("192.168.1.10", {22: "ssh"})])
    two = network(
        "192.168.1.0/24", [netns.Host("192.168.1.10", {80: "page:另一台"}), netns.Host("192.168.1.11", {22: "ssh"})]
    )
    probe = NmapProbe(by_vantage={"one": one.nmap, "two": two.nmap})
    permits = [leave("192.168.1.0/24", vantage="one"), leave("192.168.1.0/24", vantage="two")]
    got = run_probes([probe], permits, workdir=tmp_path, stop=Stop(), now=clock)
    assert got.failures == ()
    assert {str(o.identifiers[0]) for o in got.observations} == {
        "ip:192.168.1.10@one",
        "ip:192.168.1.10@two",
        "ip:192.168.1.11@two",
    }
    assert {coverage.vantage for coverage in got.coverage} == {"one", "two"}


@pytest.mark.parametrize("raw", [True, False])
def test_no_route_is_a_failure_and_no_empty_network(network: Network, tmp_path: Path, raw: bool) -> None:
    net = network("10.9.0.0/24", [])
    got = scan(net, leave("10.77.0.0/24"), tmp_path, raw=raw)
    assert [(failure.reason, failure.scope) for failure in got.failures] == [("no_route", ("10.77.0.0/24",))]
    assert (got.observations, got.coverage) == ((), ())


def test_gentle_never_sends_faster_than_its_rate(netns: ModuleType, network: Network, tmp_path: Path) -> None:
    hosts = [netns.Host(f"10.9.0.{i}", {22: "ssh", 902: "esxi"}) for i in range(4, 12)]
    net = network("10.9.0.0/28", hosts)
    gentle = replace(PROFILES["gentle"], ports=PORTS, max_rate=100)
    counts: list[tuple[float, int]] = []
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(scan, net, leave("10.9.0.0/28", profile=gentle), tmp_path)
        while not job.done():
            counts.append((time.monotonic(), sum(net.met().values())))
            time.sleep(0.1)
        got = job.result()
    assert got.failures == ()
    assert found(got) == {host.address for host in hosts}
    for at, count in counts:
        later = [c for t, c in counts if at <= t <= at + 1]
        assert later[-1] - count <= 100

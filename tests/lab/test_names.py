"""Names and endpoints in a network of their own, with public addresses: everything that leaves is written down."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest

from inventories.identity import code_id
from inventories.model import Collection
from inventories.places import Zone
from probes.access import Access, Asked, NameRules
from probes.base import Context, Stop
from probes.endpoints.probe import EndpointsProbe
from probes.names.probe import NamesProbe
from probes.profiles import PROFILES
from probes.scope import Authorisation, Permit, ZoneScope, permit

pytestmark = pytest.mark.lab

Network = Callable[..., Any]
T = TypeVar("T")

#: Everything here answers in the laboratory only: neither namespace has a way out.
PUBLIC, CLOSED, ELSEWHERE, SERVER = "39.107.1.10", "39.107.1.20", "39.107.1.30", "39.107.1.53"


def _module(path: Path, name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def capture() -> ModuleType:
    return _module(Path(__file__).with_name("capture.py"), "lab_capture")


@pytest.fixture(scope="session")
def world() -> ModuleType:
    return _module(Path(__file__).parent.parent / "probes" / "names" / "world.py", "probes_world")


def within(namespace: str, work: Callable[[], T]) -> T:
    """Does ``work`` in a thread that has moved into a network namespace (setns(2) moves one thread)."""

    def moved() -> T:
        handle = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(handle, 0x40000000):
                raise OSError(ctypes.get_errno(), "cannot enter the namespace")
        finally:
            os.close(handle)
        return work()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(moved).result()


def leave(*prefixes: str, excluded: tuple[str, ...] = (), names: Mapping[str, str] | None = None) -> Permit:
    """Leave as a site gives it. ``names`` maps a host to the path that a register gives for it."""
    networks = tuple(ip_network(prefix) for prefix in prefixes)
    zone = Zone("public", "互联网", "internet", "public", networks)
    authorisation = Authorisation("授权书", "分管领导", date(2000, 1, 1), date(2999, 12, 31), networks)
    declared = tuple(
        Asked(host, 0, "http", path, (code_id("system", host),), "mzj") for host, path in (names or {}).items()
    )
    access = Access(names=NameRules(("*.example.gov.cn", "39.*", "10.*"), (SERVER,), True) if names else None)
    out = tuple(ip_network(prefix) for prefix in excluded)
    got = permit(
        ZoneScope(zone, (authorisation,), out, PROFILES["normal"], access=access, declared=declared),
        datetime.now(UTC),
    )
    assert isinstance(got, Permit)
    return got


def collect(probe: Any, given: Permit, folder: Path) -> Collection:
    found = Collection()
    for shard in probe.shards(given):
        found += probe.collect(shard, Context(given, folder, Stop(), lambda: datetime.now(UTC)))
    return found


def spoken_to(taken: Any) -> set[tuple[str, str, int]]:
    # The gateway of these networks is asked for by ARP, and by nothing else.
    return {(f.protocol, f.destination, f.port) for f in taken.spoken if f.began and f.protocol != "arp"}


def test_names_are_followed_to_public_addresses_and_nowhere_else(
    netns: ModuleType, network: Network, capture: ModuleType, world: ModuleType, tmp_path: Path
) -> None:
    pages = {80: "page:市民之家", 443: "mute", 8080: "page:x"}
    hosts = [netns.Host(address, pages) for address in (PUBLIC, CLOSED, ELSEWHERE)]
    net = network("39.107.1.0/24", [*hosts, netns.Host(SERVER, {})])
    zone = {
        "www.example.gov.cn": ["cname:lb.cloud.example.", PUBLIC],
        "lb.cloud.example": [ELSEWHERE],
        "closed.example.gov.cn": [CLOSED],
        "inside.example.gov.cn": ["10.0.0.5", "169.254.169.254", "127.0.0.1", "192.0.2.2"],
        "both.example.gov.cn": [CLOSED, "10.0.0.5", PUBLIC],
        "unlisted.example.gov.cn": [ELSEWHERE],
    }
    names = dict.fromkeys(["www.example.gov.cn", "closed.example.gov.cn", "inside.example.gov.cn"], "/")
    names |= {"both.example.gov.cn": "/", "gone.example.gov.cn": "/", CLOSED: "/", "10.0.0.5": "/"}
    with world.Names(zone) as servers:
        servers.port = 53
        within(net.crowd, lambda: servers.serve(SERVER))
        with capture.Capture(tmp_path, net.scanner) as taken:
            found = within(
                net.scanner,
                lambda: collect(NamesProbe(), leave(excluded=(f"{CLOSED}/32",), names=names), tmp_path),
            )
    assert spoken_to(taken) == {("udp", SERVER, 53), ("tcp", PUBLIC, 80)}
    assert servers.names() == {host for host in names if host.endswith(".cn")}
    facts = {
        (observation.identifiers[0].value, fact.column): fact
        for observation in found.observations
        for fact in observation.facts
    }
    assert facts["WWW.EXAMPLE.GOV.CN", "page_titles"].value == ("http://www.example.gov.cn/ 市民之家",)
    assert facts["WWW.EXAMPLE.GOV.CN", "dns_names"].value == ("www.example.gov.cn → lb.cloud.example",)
    assert facts["GONE.EXAMPLE.GOV.CN", "resolves"].value is False
    assert ("CLOSED.EXAMPLE.GOV.CN", "page_titles") not in facts
    assert facts["BOTH.EXAMPLE.GOV.CN", "page_titles"].value == ("http://both.example.gov.cn/ 市民之家",)
    assert found.failures == ()


def test_endpoints_are_asked_within_leave_only(
    netns: ModuleType, network: Network, capture: ModuleType, tmp_path: Path
) -> None:
    ports = {80: "page:VMware ESXi", 22: "ssh", 443: "ssh", 9999: "page:x"}
    net = network("10.9.0.0/24", [netns.Host(f"10.9.0.{n}", ports) for n in (2, 3, 9, 20)])
    given = leave("10.9.0.0/28", excluded=("10.9.0.3/32", "10.9.0.8/30"))
    with capture.Capture(tmp_path, net.scanner) as taken:
        found = within(net.scanner, lambda: collect(EndpointsProbe(), given, tmp_path))
    allowed = {str(address) for target in given.targets for address in target}
    destinations = spoken_to(taken)
    assert {destination for _protocol, destination, _port in destinations} == allowed
    assert {port for _protocol, _destination, port in destinations} == set(EndpointsProbe().questions().ports)
    [observation] = found.observations
    assert observation.identifiers[0].value == "10.9.0.2"
    assert [f.value for f in observation.facts if f.column == "products"] == [("hypervisor:VMware ESXi",)]
    assert found.failures == () and sum(ip_network(p).num_addresses for c in found.coverage for p in c.scope) == 11

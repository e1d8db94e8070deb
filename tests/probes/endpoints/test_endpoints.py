"""Endpoints that betray a platform: recorded and synthetic answers, innocents, and what is never sent."""

from __future__ import annotations

import dataclasses
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import probes.endpoints
from inventories.coverage import Covered
from inventories.faults import Faults
from inventories.identity import ip_id
from inventories.kinds import KINDS
from inventories.model import Collection, Fact, Origin, Strength
from probes.base import Context, Stop
from probes.endpoints.probe import EndpointsProbe
from probes.endpoints.recognise import recognise
from probes.endpoints.table import Table, load, read
from probes.fingerprints import load as load_fingerprints
from probes.http_ask import Answer, Limits, Question
from probes.scope import Permit

RECORDED = Path(__file__).parent.parent / "data" / "endpoints"
HOME, OTHER, OUTSIDE = "127.64.0.1", "127.64.0.2", "127.65.0.1"


def parsed(raw: bytes, port: int, path: str = "/", scheme: str = "https") -> Answer:
    """A recorded answer as the probe would have it."""
    from probes.http_answer import parse_head

    found = parse_head(raw, ended=True, most=100_000)
    assert found is not None
    head, body = found
    return Answer(Question(HOME, port, scheme, path=path), "whole", "", "", head.status, head.headers, body)


def named(answer: Answer) -> dict[str, Strength]:
    table = load()
    [ask] = [ask for ask in table.paths(answer.question.port) if ask.path == answer.question.path]
    return {f"{n.category}:{n.product}": n.strength for n in recognise(answer, ask, table, load_fingerprints())}


@pytest.mark.parametrize(
    ("file", "port", "path", "product"),
    [
        ("vcsim-versions", 443, "/sdk/vimServiceVersions.xml", "hypervisor:VMware vSphere API 7.0.3.0"),
        ("keystone", 5000, "/", "cloud_platform:OpenStack Keystone v3.14"),
        ("keystone-v3", 5000, "/v3", "cloud_platform:OpenStack Keystone v3.14"),
        ("nova", 8774, "/", "cloud_platform:OpenStack Nova 2.104"),
        ("neutron", 9696, "/", "cloud_platform:OpenStack Neutron"),
        ("glance", 9292, "/", "cloud_platform:OpenStack Glance"),
        ("cinder", 8776, "/", "cloud_platform:OpenStack Cinder 3.71"),
    ],
)
def test_answers_recorded_from_the_real_counterpart(file: str, port: int, path: str, product: str) -> None:
    """Recorded from the vCenter simulator of govmomi and from OpenStack 2026.2 with a fake hypervisor."""
    answer = parsed((RECORDED / f"{file}.http").read_bytes(), port, path)
    assert named(answer) == {product: Strength.SEEN_OUTSIDE}


def made(status: str, body: object = "", **headers: str) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + text.encode()


KUBERNETES = {"major": "1", "minor": "28", "gitVersion": "v1.28.3+k3s1", "goVersion": "go1.20.10"}
FORBIDDEN = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Forbidden"}
SEEN, HINTED = Strength.SEEN_OUTSIDE, Strength.HINTED


def titled(title: str) -> bytes:
    return made("200 OK", f"<html><head><title>{title}</title></head></html>")


DOCKER = {"Version": "24.0.7", "ApiVersion": "1.43", "GoVersion": "go1.20.10"}
IBMC = {"RedfishVersion": "1.0.2", "Oem": {"Huawei": {}}}

# Synthetic: written after the sources in the table, for lack of the real thing.
SYNTHETIC = {
    "hypervisor:Proxmox VE": [
        (8006, "/api2/json/version", made("401 No ticket", "", Server="pve-api-daemon/3.0")),
        (8006, "/", titled("pve1 - Proxmox Virtual Environment")),
    ],
    "cloud_platform:Kubernetes v1.28.3+k3s1": [(6443, "/version", made("200 OK", KUBERNETES))],
    "cloud_platform:Kubernetes": [(16443, "/version", made("403 Forbidden", FORBIDDEN))],
    "hypervisor:VMware ESXi": [(443, "/", titled('" + ID_EESX_Welcome + "'))],
    "hypervisor:Citrix XenServer": [(443, "/", titled("Welcome to Citrix Hypervisor 8.2.0"))],
    "cloud_platform:OpenStack": [(443, "/dashboard/auth/login/", titled("Login - OpenStack Dashboard"))],
    "hypervisor:Nutanix Prism": [(9440, "/console/", titled("Nutanix Web Console"))],
    "middleware:Docker Engine 24.0.7": [(2375, "/version", made("200 OK", DOCKER, Server="Docker/24.0.7 (linux)"))],
    "management_controller:华为 iBMC": [(443, "/redfish/v1/", made("200 OK", IBMC))],
    "management_controller:Redfish 管理控制器": [(443, "/redfish/v1/", made("200 OK", {"RedfishVersion": "1.17.0"}))],
    "storage:Synology DiskStation": [(80, "/", titled("NAS1&nbsp;-&nbsp;Synology&nbsp;DiskStation"))],
}
SYNTHETIC_HINTS = {
    "hypervisor:XenServer / XCP-ng": [(443, "/", made("403 Forbidden", "", Server="Xapi/1.9.0"))],
    "remote_access:Windows 远程管理（WinRM）": [(5985, "/wsman", made("405 ", "", Server="Microsoft-HTTPAPI/2.0"))],
    "hypervisor:华为 FusionCompute": [(8443, "/", titled("FusionCompute"))],
    "hypervisor:H3C CAS": [(8080, "/cas", made("200 OK", "<h1>H3C CAS</h1>"))],
}


@pytest.mark.parametrize(("rows", "strength"), [(SYNTHETIC, SEEN), (SYNTHETIC_HINTS, HINTED)])
def test_synthetic_answers(rows: Mapping[str, list[tuple[int, str, bytes]]], strength: Strength) -> None:
    for product, answers in rows.items():
        for port, path, raw in answers:
            assert named(parsed(raw, port, path)).get(product) is strength, product


INNOCENT = [
    made("200 OK", "<html><title>示例市政务服务网</title>OpenStack Kubernetes VMware vCenter CloudStack</html>"),
    made("200 OK", {"versions": [{"id": "v1.0", "status": "CURRENT"}], "version": {"id": "v3"}}),
    made("200 OK", {"gitVersion": "unknown", "major": 1}),
    made("401 Unauthorized", {"kind": "Error", "apiVersion": "v1", "reason": "Unauthorized"}),
    made("200 OK", {"versions": {"values": "x"}, "RedfishVersion": None}),
    made("200 OK", "[" * 100_000),
    made("200 OK", '{"a":' * 50_000),
    made("404 Not Found", "<name>urn:vim25</name>"),
    made("500 Server Error", "", Server="nginx"),
    made("200 OK", '{"major": ' + "9" * 5000 + "}"),
    b"HTTP/1.1 200 OK\r\n\r\n{\xff\xfe\x00",
]


@pytest.mark.parametrize("raw", INNOCENT)
def test_innocents_betray_no_platform(raw: bytes) -> None:
    """A page that answers every path alike, other people's JSON, words in a text: none of them is a platform."""
    began = time.monotonic()
    table = load()
    for port in table.ports:
        for ask in table.paths(port):
            found = named(parsed(raw, port, ask.path))
            found.pop("web:nginx", None)
            if port == 8080 and ask.path == "/client/":
                # The words of the vendor at the vendor's path: no more than a hint.
                assert set(found.values()) <= {HINTED}
                continue
            assert not any(strength is SEEN for strength in found.values()), (port, ask.path, found)
    assert time.monotonic() - began < 10


def test_the_table_asks_only_what_is_safe() -> None:
    table = load()
    assert set(table.speaks.values()) <= {("http",), ("https",), ("http", "https")}
    for ask in table.asks:
        assert re.fullmatch(r"/[A-Za-z0-9._/-]*", ask.path), "no query, no odd character"
        assert not re.search(r"logout|delete|shutdown|reset|session", ask.path)
        assert ask.source
        for reply in ask.replies:
            assert (reply.source and reply.headers) or reply.body or reply.title or reply.json
    for row in table.pages:
        assert row.source
        assert row.strength is HINTED or "recog" in row.source or "title" in row.source or "OpenVAS" in row.source


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("port: 80,", "port: 99999,", "no TCP port"),
        ("speaks: http,", "speaks: gopher,", "not one of"),
        ("path: /v3", "path: /v3?x=1", "no plain path"),
        ("path: /v3", "path: v3", "no plain path"),
        ("ports: [6443, 8443, 16443]", "ports: [1]", "not among 'ports'"),
        ("category: hypervisor", "category: hypervizor", "did you mean 'hypervisor'"),
        ("strength: hinted", "strength: seen_inside", "from outside"),
        ("strength: hinted", "strength: sure", "unknown strength"),
        ('body: "CloudStack"', 'body: "("', "is no pattern"),
        ('body: "CloudStack", ', "", "has no condition"),
        ("{json: gitVersion}", "{}", "no place for a version"),
        ("    page: true", "    pages: true", "unknown key 'pages'"),
        ("pages:", "page:", "has no list 'pages'"),
        ("in: title", "in: banner", "not one of title"),
    ],
)
def test_a_table_with_faults_says_where(tmp_path: Path, old: str, new: str, said: str) -> None:
    original = (Path(probes.endpoints.__file__).parent / "questions.yaml").read_text("utf-8")
    assert old in original
    broken = tmp_path / "questions.yaml"
    broken.write_text(original.replace(old, new, 1), "utf-8")
    with pytest.raises(Faults) as caught:
        read(broken)
    assert said in str(caught.value) and "questions.yaml" in str(caught.value)


class Farm:
    """Platforms on loopback addresses, and the table's ports turned to theirs."""

    def __init__(self, web: Any, table: Table) -> None:
        self.web, self.table = web, table
        self.moved: dict[int, int] = {}

    def put(self, port: int, answer: Any, address: str = HOME, **more: Any) -> None:
        """Something at an address that stands for the table's ``port``."""
        self.moved[port] = self.web.serve(address, answer, port=self.moved.get(port, 0), **more)

    def questions(self) -> Table:
        moved = self.moved
        asks = tuple(
            dataclasses.replace(ask, ports=tuple(moved[port] for port in ask.ports if port in moved))
            for ask in self.table.asks
        )
        speaks = {moved[port]: how for port, how in self.table.speaks.items() if port in moved}
        return Table(speaks, tuple(ask for ask in asks if ask.ports), self.table.pages, "test")


@pytest.fixture
def farm(web: Any) -> Farm:
    return Farm(web, load())


@pytest.fixture
def look(
    farm: Farm,
    permit_of: Callable[..., Permit],
    tmp_path: Path,
    now: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Collection]:
    from probes import http_ask

    quick = Limits(connect=0.5, handshake=0.4, seconds=0.8)
    monkeypatch.setattr("probes.endpoints.collecting.Asker", lambda **more: http_ask.Asker(**more, limits=quick))

    def run(*targets: str, stop: Stop | None = None, **settings: Any) -> Collection:
        permit = permit_of(*(targets or (f"{HOME}/32",)), **settings)
        probe = EndpointsProbe(farm.questions())
        found = Collection()
        for shard in probe.shards(permit):
            found += probe.collect(shard, Context(permit, tmp_path, stop or Stop(), now))
        return found

    return run


def values(found: Collection, column: str, address: str = HOME) -> dict[str, Fact]:
    [observation] = [o for o in found.observations if o.identifiers == (ip_id(address, "v"),)]
    return {
        value: fact
        for fact in observation.facts
        if fact.column == column and isinstance(fact.value, tuple)
        for value in fact.value
    }


def test_a_platform_is_found_where_it_answers(farm: Farm, world: Any, look: Callable[..., Collection]) -> None:
    pages = {
        "/sdk/vimServiceVersions.xml": (RECORDED / "vcsim-versions.http").read_bytes(),
        "/": world.page('" + ID_VC_Welcome + "'),
        "*": world.page("Error", "404 Not Found"),
    }
    farm.put(443, pages, tls=world.tls_context(("vc.example.gov.cn",), organisation="VMware"))
    farm.put(
        5000,
        {"/": (RECORDED / "keystone.http").read_bytes(), "/v3": (RECORDED / "keystone-v3.http").read_bytes()},
        OTHER,
    )
    found = look("127.64.0.0/29")
    products = values(found, "products")
    assert set(products) == {"hypervisor:VMware vSphere API 7.0.3.0", "hypervisor:VMware vCenter Server"}
    port = farm.moved[443]
    fact = products["hypervisor:VMware vSphere API 7.0.3.0"]
    assert fact.evidence == f"{port}/tcp /sdk/vimServiceVersions.xml HTTP 200 <name>urn:vim25</name>"
    assert fact.strength is SEEN
    assert set(values(found, "tls_names")) == {"vc.example.gov.cn"}
    # A title from a path that is not there says nothing.
    assert set(values(found, "page_titles")) == {'" + ID_VC_Welcome + "'}
    assert set(values(found, "products", OTHER)) == {"cloud_platform:OpenStack Keystone v3.14"}
    for observation in found.observations:
        assert (observation.kind, observation.collector, observation.zone) == ("host", "endpoints", "a")
        for fact in observation.facts:
            assert Origin.OBSERVED in KINDS["host"].column(fact.column).origins
            assert fact.column != "products" or re.match(r"\d+/tcp /", fact.evidence)
    [coverage] = found.coverage
    assert (coverage.aspect, coverage.scope) == ("endpoints", ("127.64.0.0/29",))
    assert coverage.detail == f"tcp:{','.join(map(str, sorted(farm.moved.values())))}"
    assert Covered(found.coverage).address("v", HOME, "endpoints") and not found.failures


def test_nothing_is_sent_but_plain_questions_to_what_is_allowed(
    farm: Farm, world: Any, look: Callable[..., Collection]
) -> None:
    login = world.page(
        status="302 Found", Location=f"http://{OUTSIDE}/login", Set_Cookie="s=1", WWW_Authenticate="Basic"
    )
    for port in (80, 5000, 8443, 2375):
        farm.put(port, login, tls=world.tls_context() if port == 8443 else None)
        farm.put(port, login, OUTSIDE, tls=world.tls_context() if port == 8443 else None)
    look("127.64.0.0/30")
    assert {address for address, _port in farm.web.touched} == {HOME}
    assert len(farm.web.heads) >= 8
    paths = {ask.path for ask in load().asks} | {"/"}
    for head in farm.web.heads:
        lines = head.decode().lower().split("\r\n")
        assert lines[0].startswith("get /") and head.split(b" ")[1].decode() in paths
        assert not any(line.startswith(("cookie", "authorization", "content-", "transfer-")) for line in lines)
        assert head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1


def test_what_speaks_no_http_is_an_answer_too(farm: Farm, world: Any, look: Callable[..., Collection]) -> None:
    farm.put(80, world.says(b"SSH-2.0-OpenSSH_9.2p1\r\n"))
    farm.put(443, world.says(b"\x00\x01\x02"))
    found = look()
    assert found.observations == () and found.failures == ()
    assert Covered(found.coverage).address("v", HOME, "endpoints")


@pytest.mark.parametrize("how", ["mute", "drip", "endless", "chunks"])
def test_what_hangs_or_never_ends_leaves_the_address_open(
    farm: Farm, world: Any, look: Callable[..., Collection], how: str
) -> None:
    farm.put(5000, (RECORDED / "keystone.http").read_bytes(), OTHER)
    behaviours: Mapping[str, tuple[Any, str]] = {
        "mute": (farm.web.mute(), "timed_out"),
        "drip": (farm.web.dribble(b"HTTP/1.1 200 OK\r\n\r\n<title>a</title>"), "timed_out"),
        "endless": (world.says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000), "too_much"),
        "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nq\r\n", "bad_output"),
    }
    farm.put(80, behaviours[how][0])
    found = look("127.64.0.0/30")
    [failure] = found.failures
    assert (failure.reason, failure.scope) == (behaviours[how][1], (f"{HOME}/32",))
    covered = Covered(found.coverage)
    assert not covered.address("v", HOME, "endpoints") and covered.address("v", OTHER, "endpoints")
    assert "cloud_platform:OpenStack Keystone v3.14" in values(found, "products", OTHER)


def test_a_host_that_never_answers_is_not_asked_for_ever(farm: Farm, look: Callable[..., Collection]) -> None:
    for port in (80, 2375, 5985, 8080, 8774, 9696):
        farm.put(port, farm.web.mute())
    began = time.monotonic()
    found = look()
    assert time.monotonic() - began < 9
    assert [failure.reason for failure in found.failures] == ["timed_out"]


def test_a_port_that_may_speak_either_way(farm: Farm, world: Any, look: Callable[..., Collection]) -> None:
    answer = (RECORDED / "keystone.http").read_bytes()
    farm.put(5000, answer, tls=world.tls_context())
    farm.put(5000, answer, OTHER)
    found = look("127.64.0.0/30")
    for address in (HOME, OTHER):
        assert "cloud_platform:OpenStack Keystone v3.14" in values(found, "products", address)


def test_everything_ends_when_it_must(farm: Farm, look: Callable[..., Collection]) -> None:
    farm.put(80, farm.web.mute())
    stop = Stop()
    threading.Timer(0.3, lambda: stop.set("a person said so")).start()
    began = time.monotonic()
    found = look(stop=stop)
    assert time.monotonic() - began < 1.5
    assert [(failure.reason, failure.scope) for failure in found.failures] == [("stopped", (f"{HOME}/32",))]
    assert found.coverage == ()


def test_hostile_texts_do_nothing(farm: Farm, world: Any, look: Callable[..., Collection]) -> None:
    hostile = "\x1b]0;evil\x07\u202eESXi\x00" + "长" * 500
    farm.put(80, world.page(hostile, Server="pve-api-daemon/3.0 \x1b[2J"))
    found = look()
    [observation] = found.observations
    for fact in observation.facts:
        for text in (*(fact.value if isinstance(fact.value, tuple) else ()), fact.evidence):
            assert text.isprintable() and len(text) <= 330


def test_shards_follow_the_table(permit_of: Callable[..., Permit]) -> None:
    permit = permit_of("10.0.0.0/23", "10.9.0.0/30", excluded=())
    probe = EndpointsProbe()
    shards = probe.shards(permit)
    assert [shard.addresses for shard in shards] == [256, 256, 4]
    assert {shard.id for shard in shards} == {shard.id for shard in EndpointsProbe().shards(permit)}
    changed = dataclasses.replace(load(), digest="other")
    assert not {shard.id for shard in shards} & {shard.id for shard in EndpointsProbe(changed).shards(permit)}
    assert probe.limits([permit]) == ()


def test_a_port_taken_on_all_addresses_is_left_out_and_said(
    farm: Farm, world: Any, look: Callable[..., Collection], permit_of: Callable[..., Permit]
) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        farm.moved[80] = taken.getsockname()[1]
        [limit] = EndpointsProbe(farm.questions()).limits([permit_of(f"{HOME}/32")])
        assert limit.reason == "ports_taken" and str(farm.moved[80]) in limit.message
        [failure] = look().failures
        assert failure.reason == "limited"
        farm.put(443, world.page("x"), tls=world.tls_context())
        [coverage] = look().coverage
        assert coverage.detail == f"tcp:{farm.moved[443]}"

"""The nmap probe: a stage that went wrong is a failure, what earlier stages found stands, nothing is silent."""

from __future__ import annotations

import ipaddress
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from inventories.model import Collection, Strength
from probes.base import Stop
from probes.nmap_scan import NmapProbe, nmap_version
from probes.registry import PROBES
from probes.run import run_probes
from probes.scope import Permit

Clock = Callable[[], datetime]
Permits = Callable[..., Permit]
Scan = Callable[..., Collection]

FAKE = """#!/bin/sh
for word; do [ "$word" = -V ] && echo 'Nmap version 7.93 ( https://nmap.org )' && exit 0; done
while [ $# -gt 0 ]; do [ "$1" = -oX ] && xml=$2; shift; done
stage=${{xml%.xml}}
cat targets.txt > {home}/$stage.targets
cat excluded.txt > {home}/$stage.excluded
[ -f {home}/$stage.sh ] && . {home}/$stage.sh
cp {home}/$xml $xml
"""


def report(*hosts: str, total: int) -> str:
    end = f'<finished exit="success"/><hosts up="{len(hosts)}" down="0" total="{total}"/>'
    # python-nmap wants these of every report.
    end = end.replace("<finished ", '<finished timestr="x" elapsed="1" ')
    return f'<nmaprun version="7.93" args="x">{"".join(hosts)}<runstats>{end}</runstats></nmaprun>'


def host(address: str, *ports: str, state: str = "up", reason: str = "echo-reply", late: bool = False) -> str:
    return (
        f'<host timedout="{str(late).lower()}"><status state="{state}" reason="{reason}"/>'
        f'<address addr="{address}" addrtype="ipv4"/><ports>{"".join(ports)}</ports></host>'
    )


def port(number: int, state: str = "open", service: str = "") -> str:
    return f'<port protocol="tcp" portid="{number}"><state state="{state}" reason="x"/>{service}</port>'


SSH = '<service name="ssh" product="OpenSSH" version="8.0" method="probed" conf="10"/>'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A fake nmap that gives these results, stage by stage; tests change one of them."""
    folder = tmp_path / "fake"
    folder.mkdir()
    (folder / "nmap").write_text(FAKE.format(home=folder))
    (folder / "nmap").chmod(0o755)
    (folder / "discovery.xml").write_text(report(host("192.0.2.1"), host("192.0.2.3"), total=7))
    (folder / "ports.xml").write_text(
        report(host("192.0.2.1", port(22)), host("192.0.2.3", port(80, "closed")), total=2)
    )
    (folder / "services.xml").write_text(report(host("192.0.2.1", port(22, service=SSH)), total=1))
    return folder


@pytest.fixture
def scan(tmp_path: Path, home: Path, now: Clock, permit_of: Permits) -> Scan:
    """Scans 192.0.2.0/29 but for its .6 with the fake."""

    def run(probe: NmapProbe | None = None, stop: Stop | None = None, **settings: object) -> Collection:
        permit = permit_of(
            "192.0.2.0/30", "192.0.2.4/31", "192.0.2.7/32", excluded=("192.0.2.6/32", "192.0.2.6/32"), **settings
        )
        (tmp_path / "work").mkdir(exist_ok=True)
        return run_probes(
            [probe or NmapProbe(command=(str(home / "nmap"),), raw=True)],
            [permit],
            workdir=tmp_path / "work",
            stop=stop or Stop(),
            now=now,
        )

    return run


ALL = ("192.0.2.0/30", "192.0.2.4/31", "192.0.2.7/32")


def aspects(found: Collection) -> dict[str, tuple[str, ...]]:
    return {coverage.aspect: coverage.scope for coverage in found.coverage}


def services(found: Collection) -> dict[str, Strength]:
    return {
        fact.value[0]: fact.strength
        for observation in found.observations
        for fact in observation.facts
        if fact.column == "open_services" and isinstance(fact.value, tuple)
    }


def test_an_eager_scan_asks_again_where_ports_left_the_question_open(scan: Scan, home: Path) -> None:
    lossy = report(host("192.0.2.1", port(22, "filtered"), port(80)), host("192.0.2.3", port(22, "closed")), total=2)
    (home / "ports.xml").write_text(lossy)
    (home / "again.xml").write_text(report(host("192.0.2.1", port(22), port(80, "filtered")), total=1))
    (home / "services.xml").write_text(report(host("192.0.2.1", port(22, service=SSH), port(80)), total=1))
    found = scan(eager=True)
    assert found.failures == ()
    assert (home / "again.targets").read_text().split() == ["192.0.2.1"]
    assert {text.split()[0] for text in services(found)} == {"22/tcp", "80/tcp"}, "open at either look is open"
    assert aspects(found)["ports"] == ALL


def test_a_patient_scan_asks_once(scan: Scan, home: Path) -> None:
    (home / "ports.xml").write_text(report(host("192.0.2.1", port(22, "filtered")), host("192.0.2.3"), total=2))
    assert scan().failures == ()
    assert not (home / "again.targets").exists()


def test_where_the_second_question_fails_the_ports_are_not_covered(scan: Scan, home: Path) -> None:
    (home / "ports.xml").write_text(report(host("192.0.2.1", port(22, "filtered")), host("192.0.2.3"), total=2))
    (home / "again.sh").write_text("exit 1")
    found = scan(eager=True)
    assert [(failure.reason, failure.scope) for failure in found.failures] == [("bad_output", ("192.0.2.1/32",))]
    assert not any(
        ipaddress.ip_address("192.0.2.1") in ipaddress.ip_network(text) for text in aspects(found)["ports"]
    )


def test_all_three_stages_cover_the_shard(scan: Scan, home: Path) -> None:
    found = scan()
    assert found.failures == ()
    assert aspects(found) == {"hosts": ALL, "ports": ALL, "services": ALL}
    details = {coverage.aspect: coverage.detail for coverage in found.coverage}
    assert details["hosts"].startswith("icmp-echo,tcp:22,80,")
    assert details["ports"] == "tcp:22,80"
    assert [o.identifiers[0].value for o in found.observations] == ["192.0.2.1", "192.0.2.3"]
    assert services(found) == {"22/tcp ssh OpenSSH 8.0": Strength.SEEN_OUTSIDE}
    assert (home / "discovery.targets").read_text().split() == [f"192.0.2.{i}" for i in (0, 1, 2, 3, 4, 5, 7)]
    assert (home / "ports.targets").read_text().split() == ["192.0.2.1", "192.0.2.3"]
    assert (home / "services.targets").read_text().split() == ["192.0.2.1"]
    assert {(home / f"{stage}.excluded").read_text() for stage in ("discovery", "ports", "services")} == {
        "192.0.2.6/32\n"
    }


def test_a_network_in_which_nobody_answers_is_covered(scan: Scan, home: Path) -> None:
    (home / "discovery.xml").write_text(report(total=7))
    found = scan()
    assert (found.observations, found.failures) == ((), ())
    assert aspects(found) == {"hosts": ALL, "ports": ALL, "services": ALL}
    assert not (home / "ports.targets").exists()


def test_versions_can_be_left_out(scan: Scan, home: Path) -> None:
    found = scan(NmapProbe(command=(str(home / "nmap"),), raw=True, versions=False))
    assert set(aspects(found)) == {"hosts", "ports"}
    assert services(found) == {"22/tcp ssh（按端口推断）": Strength.HINTED}


BREAK = {
    "killed": ("killed", "kill -KILL $$"),
    "terminated": ("killed", "kill -TERM $$"),
    "error": ("bad_output", "echo 'QUITTING! \033[31m' >&2; exit 1"),
    "no file": ("bad_output", "exit 0"),
    "broken": ("bad_output", "printf '<nmaprun><host>' > $xml; exit 0"),
    "rubbish": ("bad_output", "head -c 60000 /dev/urandom > $xml; exit 0"),
    "unfinished": ("bad_output", "echo '<nmaprun></nmaprun>' > $xml; exit 0"),
    "no route": ("no_route", "echo 'setup_target: failed to determine route to 192.0.2.1' >&2"),
}


@pytest.mark.parametrize("how", BREAK)
@pytest.mark.parametrize("stage", ["discovery", "ports", "services"])
def test_a_stage_that_goes_wrong_is_a_failure(scan: Scan, home: Path, stage: str, how: str) -> None:
    reason, text = BREAK[how]
    (home / f"{stage}.sh").write_text(text)
    found = scan()
    (failure,) = found.failures
    assert failure.reason == reason
    assert failure.message.isprintable()
    assert failure.message.startswith(stage)
    assert failure.scope == (("192.0.2.1/32",) if stage == "services" else ALL)
    finished = {"discovery": [], "ports": ["hosts"], "services": ["hosts", "ports", "services"]}[stage]
    assert list(aspects(found)) == finished
    if stage == "services":
        assert aspects(found)["services"] == ("192.0.2.0/32", "192.0.2.2/31", "192.0.2.4/31", "192.0.2.7/32")
        assert services(found) == {"22/tcp ssh（按端口推断）": Strength.HINTED}
    assert len(found.observations) == (0 if stage == "discovery" else 2)


def test_nmap_that_looked_at_fewer_addresses_is_a_failure(scan: Scan, home: Path) -> None:
    (home / "discovery.xml").write_text(report(host("192.0.2.1"), total=6))
    (failure,) = scan().failures
    assert (failure.reason, failure.scope) == ("bad_output", ALL)
    assert "6 of 7" in failure.message


@pytest.mark.parametrize(("reason", "word"), [("net-unreach", "no_route"), ("admin-prohibited", "refused")])
def test_addresses_that_the_questions_did_not_reach_are_uncovered(
    scan: Scan, home: Path, reason: str, word: str
) -> None:
    astray = [host(f"192.0.2.{i}", state="down", reason=reason) for i in (4, 5)]
    silent = [host(f"192.0.2.{i}", state="down", reason="no-response") for i in (0, 2, 7)]
    (home / "discovery.xml").write_text(report(host("192.0.2.1"), host("192.0.2.3"), *astray, *silent, total=7))
    found = scan()
    assert [(f.reason, f.scope) for f in found.failures] == [(word, ("192.0.2.4/31",))]
    assert set(aspects(found).values()) == {("192.0.2.0/30", "192.0.2.7/32")}


def test_a_host_that_did_not_get_through_its_ports_is_uncovered(scan: Scan, home: Path) -> None:
    (home / "ports.xml").write_text(report(host("192.0.2.1", port(22)), host("192.0.2.3", late=True), total=2))
    found = scan()
    assert [(f.reason, f.scope) for f in found.failures] == [("timed_out", ("192.0.2.3/32",))]
    rest = ("192.0.2.0/31", "192.0.2.2/32", "192.0.2.4/31", "192.0.2.7/32")
    assert aspects(found) == {"hosts": ALL, "ports": rest, "services": rest}
    assert len(found.observations) == 2


def test_a_command_past_its_deadline_is_a_failure(scan: Scan, home: Path) -> None:
    (home / "discovery.sh").write_text("sleep 60")
    began = time.monotonic()
    (failure,) = scan(deadline_seconds=1).failures
    assert failure.reason == "timed_out"
    assert time.monotonic() - began < 5


def test_stopping_in_the_middle_keeps_what_was_found(scan: Scan, home: Path) -> None:
    (home / "ports.sh").write_text("sleep 60")
    stop = Stop()
    threading.Timer(1, stop.set, ["please"]).start()
    began = time.monotonic()
    found = scan(stop=stop)
    assert time.monotonic() - began < 3
    assert [(f.reason, f.scope) for f in found.failures] == [("stopped", ALL)]
    assert list(aspects(found)) == ["hosts"]
    assert len(found.observations) == 2


def test_a_gentle_profile_asks_host_by_host_and_no_faster_than_its_rate(scan: Scan, home: Path) -> None:
    (home / "ports.xml").write_text(report(host("192.0.2.1", port(22)), host("192.0.2.3", port(80)), total=2))
    (home / "services.sh").write_text(f"cat targets.txt >> {home}/asked; echo >> {home}/asked")
    began = time.monotonic()
    scan(paced=True, max_rate=16)
    # The clock of the test stands still, so the pause is the whole of what two services take: 8 / 16 s each.
    assert time.monotonic() - began >= 1
    assert (home / "asked").read_text().split("\n\n")[:-1] == ["192.0.2.1", "192.0.2.3"]


@pytest.mark.parametrize(
    ("version", "reason"), [("Nmap version 7.70 ( https://nmap.org )", "too_old"), ("bash: no", "not_installed")]
)
def test_an_nmap_that_will_not_do_sends_nothing(scan: Scan, home: Path, version: str, reason: str) -> None:
    (home / "nmap").write_text(f"#!/bin/sh\necho '{version}'; touch {home}/$$\n")
    (failure,) = scan().failures
    assert (failure.reason, failure.scope) == (reason, ALL)
    assert not (home / "discovery.targets").exists()


def test_no_nmap_is_a_failure_that_says_what_to_do(scan: Scan, tmp_path: Path) -> None:
    (failure,) = scan(NmapProbe(command=(str(tmp_path / "none"),), raw=False)).failures
    assert failure.reason == "not_installed"
    assert "apt-get install nmap" in failure.message
    assert nmap_version((str(tmp_path / "none"),)) is None


def test_two_vantages_have_a_command_each(tmp_path: Path, home: Path, now: Clock, permit_of: Permits) -> None:
    permits = [permit_of("192.0.2.0/29", zone="a", vantage="v"), permit_of("192.0.2.0/29", zone="b", vantage="w")]
    (home / "discovery.xml").write_text(report(host("192.0.2.1"), host("192.0.2.3"), total=8))
    probe = NmapProbe(command=(str(tmp_path / "none"),), by_vantage={"w": (str(home / "nmap"),)}, raw=True)
    found = run_probes([probe], permits, workdir=tmp_path, stop=Stop(), now=now)
    assert {f.zone for f in found.failures} == {"a"}
    assert {str(o.identifiers[0]) for o in found.observations} == {"ip:192.0.2.1@w", "ip:192.0.2.3@w"}


def test_the_registry_makes_the_probe() -> None:
    probe = PROBES["nmap"]()
    assert probe.name == "nmap"


def test_what_cannot_be_seen_without_root_is_said() -> None:
    assert NmapProbe(raw=True).limits() == ()
    (said,) = NmapProbe(raw=False).limits()
    assert said.reason == "unprivileged" and "UDP" in said.message


def test_large_and_odd_targets_become_small_shards(permit_of: Permits) -> None:
    probe = NmapProbe(raw=True)
    shards = probe.shards(permit_of("10.0.0.0/20", "10.1.0.0/25", "10.1.0.128/26", "127.0.0.0/25", "2001:db8::/120"))
    assert [shard.addresses for shard in shards] == [*[256] * 16, 192, 128, 256]
    assert len({shard.id for shard in shards}) == len(shards)
    with pytest.raises(ValueError, match="smaller prefixes"):
        probe.shards(permit_of("2001:db8::/64"))


# --- real nmap, on addresses of 127.0.0.0/8 that nobody else uses ------------------------------------------------


class Listeners:
    """TCP listeners on one loopback address; each answers with fixed bytes, at once or when asked."""

    def __init__(self) -> None:
        chance = random.SystemRandom()
        self.address = f"127.{chance.randrange(100, 250)}.{chance.randrange(250)}.{chance.randrange(2, 250)}"
        self.sockets: list[socket.socket] = []

    def add(self, answer: bytes, *, asked: bool, address: str = "", port: int = 0) -> int:
        listener = socket.create_server((address or self.address, port), backlog=64)
        self.sockets.append(listener)
        threading.Thread(target=self._serve, args=(listener, answer, asked), daemon=True).start()
        return int(listener.getsockname()[1])

    def _serve(self, listener: socket.socket, answer: bytes, asked: bool) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.settimeout(10)
                    if not asked or connection.recv(4096):
                        connection.sendall(answer)
                        connection.shutdown(socket.SHUT_WR)
                        connection.recv(4096)
                except OSError:
                    continue


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    made = Listeners()
    yield made
    for listener in made.sockets:
        listener.close()


PAGE = "<html><head><title>社会救助\x1b[31m=1+1</title></head></html>".encode("gb18030")


def http(extra: str = "", body: bytes = PAGE) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nServer: TongWeb Server\r\nContent-Type: text/html; charset=GBK\r\n{extra}"
    return head.encode() + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def test_real_nmap_sees_what_listens_and_nothing_else(
    tmp_path: Path, now: Clock, permit_of: Permits, listeners: Listeners
) -> None:
    ssh = listeners.add(b"SSH-2.0-OpenSSH_8.0\r\n", asked=False)
    web = listeners.add(http(), asked=True)
    bomb = listeners.add(b"\x1b]0;owned\x07=cmd|' /C calc'!A0<b>" + b"A" * 60_000, asked=False)
    everywhere = listeners.add(b"SSH-2.0-OpenSSH_8.0\r\n", asked=False, address="0.0.0.0")
    network = ipaddress.ip_network(f"{listeners.address}/28", strict=False)
    permit = permit_of(str(network), ports=(ssh, web, bomb, everywhere))
    probe = NmapProbe(raw=False)
    found = run_probes([probe], [permit], workdir=tmp_path, stop=Stop(), now=now)
    assert found.failures == ()
    assert [o.identifiers[0].value for o in found.observations] == [listeners.address]
    assert set(aspects(found).values()) == {(str(network),)}
    details = {coverage.aspect: coverage.detail for coverage in found.coverage}
    assert str(everywhere) not in details["ports"]
    assert any(str(everywhere) in said.message for said in probe.limits([permit]))
    seen = services(found)
    assert seen[f"{ssh}/tcp ssh OpenSSH 8.0"] is Strength.SEEN_OUTSIDE
    assert seen[f"{web}/tcp http TongWeb Server"] is Strength.SEEN_OUTSIDE
    facts = {(f.column, f.value): f for f in found.observations[0].facts}
    assert ("page_titles", ("社会救助\\x1b[31m=1+1",)) in facts
    assert facts["products", ("middleware:东方通 TongWeb",)].strength is Strength.SEEN_OUTSIDE
    assert all("\x1b" not in f.evidence and len(f.evidence) < 300 for f in facts.values())


def test_a_page_that_redirects_elsewhere_is_not_followed(
    tmp_path: Path, now: Clock, permit_of: Permits, listeners: Listeners
) -> None:
    touched: list[object] = []
    other = listeners.address.rsplit(".", 1)[0] + ".1"
    trap = socket.create_server((other, 0))
    listeners.sockets.append(trap)
    threading.Thread(target=lambda: touched.append(trap.accept()), daemon=True).start()
    # The same port on another address: all that stands between is whose address it is.
    port = int(trap.getsockname()[1])
    answer = http(f"Location: http://{other}:{port}/x\r\n").replace(b"200 OK", b"302 Found")
    web = listeners.add(answer, asked=True, port=port)
    permit = permit_of(f"{listeners.address}/32", ports=(web,))
    found = run_probes([NmapProbe(raw=False)], [permit], workdir=tmp_path, stop=Stop(), now=now)
    assert f"{web}/tcp http TongWeb Server" in services(found)
    assert touched == []


def test_ports_that_answer_everywhere_leave_nothing_to_ask(
    tmp_path: Path, now: Clock, permit_of: Permits, listeners: Listeners
) -> None:
    everywhere = listeners.add(b"x", asked=False, address="0.0.0.0")
    permit = permit_of(f"{listeners.address}/32", ports=(everywhere,))
    found = run_probes([NmapProbe(raw=False)], [permit], workdir=tmp_path, stop=Stop(), now=now)
    assert [f.reason for f in found.failures] == ["limited"]
    assert (found.observations, found.coverage) == ((), ())

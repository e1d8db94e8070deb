"""The SSH probe against OpenSSH's own server: one for each host, in namespaces and networks of their own."""

from __future__ import annotations

import ipaddress
import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inventories.model import Collection, Fact, Observation
from inventories.places import Zone
from probes.access import Access, Bastion, SshLogin
from probes.ansible_run.tree import descendants
from probes.base import Context, Stop
from probes.inside import Inside, observation
from probes.profiles import PROFILES
from probes.scope import Permit
from probes.secrets import Secret
from probes.ssh import sharing
from probes.ssh.probe import SshProbe
from tests.lab.capture import Capture
from tests.lab.ssh_hosts import USER, Host, SshHosts, inside

pytestmark = pytest.mark.lab

PREFIX = "10.31.0.0/24"
PORT = 2222
CANARY = "canary-lab-ssh-61f0"

# Synthetic: the words that such systems are known to use, not captured from one.
KYLIN = 'NAME="Kylin Linux Advanced Server"\nVERSION="V10 (Lance)"\nID="kylin"\nVERSION_ID="V10"\n'
HYGON = (
    "processor\t: 0\nvendor_id\t: HygonGenuine\ncpu family\t: 24\nmodel name\t: Hygon C86 7280 32-core Processor\n\n"
)
FIRMWARE = {
    "sys_vendor": "Sugon",
    "product_name": "A620-G30",
    "product_serial": "SYNTH00031",
    "product_uuid": "6a1c7f2e-3b5d-4e8f-9a01-112233445531",
}
ALIKE: dict[str, Any] = {
    "hostname": "alike",
    "os_release": KYLIN,
    "cpuinfo": HYGON,
    "dmi": FIRMWARE,
    "listeners": {5236: "dmserver"},
    "gateway": "10.31.0.1",
    "interfaces": {"eth1": "10.66.0.5/24"},
    "routes": ("10.66.0.0/16 via 10.66.0.1",),
}
NEW, OLD, NONE = "10.31.0.10", "10.31.0.11", "10.31.0.12"
READ_ONLY, FULL, CHANGING, NO_SHELL = "10.31.0.13", "10.31.0.14", "10.31.0.15", "10.31.0.16"
BASTION, BEHIND, HANGS = "10.31.0.20", "10.31.0.21", "10.31.0.22"
HOSTS = (
    Host(NEW, **ALIKE),
    Host(OLD, python="old", **ALIKE),
    Host(NONE, python="none", hostname="nameless", os_release=""),
    Host(READ_ONLY, read_only=True, **ALIKE),
    Host(FULL, full_tmp=True, **ALIKE),
    Host(CHANGING, hostname="changing"),
    Host(NO_SHELL, hostname="closed", shell="/usr/sbin/nologin"),
    # As careful people set up theirs: it passes connections on, and runs nothing.
    Host(BASTION, hostname="bastion", sshd=("ForceCommand /bin/false", "PermitTTY no", "X11Forwarding no")),
    Host(BEHIND, hostname="behind", python="none"),
    Host(HANGS, hostname="hangs", sshd=("ForceCommand exec sleep 60",)),
)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    with SshHosts(HOSTS, tmp_path_factory.mktemp("ssh"), prefix=PREFIX, password=CANARY) as running:
        yield running


Look = Callable[..., Collection]


@pytest.fixture
def look(hosts: SshHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """``look("10.31.0.10", …, path="raw")`` → what the probe says, seen from the scanner's namespace."""
    known = tmp_path / "known"
    known.write_text(hosts.known_hosts())
    monkeypatch.setenv("LAB_SSH", CANARY)

    def go(*addresses: str, seconds: int = 60, stop: Stop | None = None, **more: Any) -> Collection:
        login = SshLogin(
            **{"user": USER, "port": PORT, "key": Secret("file", str(hosts.key)), "known_hosts": known, **more}
        )
        prefix = ipaddress.ip_network(PREFIX)
        targets = tuple(ipaddress.ip_network(address) for address in addresses)
        profile = replace(PROFILES["fast"], host_timeout_seconds=seconds)
        zone = Zone("a", "测试网", "v", "department", (prefix,))
        until = datetime.now(UTC) + timedelta(hours=1)
        permit = Permit(zone, targets, (), profile, ("示例授权书",), until, access=Access(ssh=(login,)))
        workdir = tmp_path / "workdir"
        workdir.mkdir(exist_ok=True)
        (shard,) = SshProbe().shards(permit)
        with inside(hosts.scanner):
            return SshProbe().collect(shard, Context(permit, workdir, stop or Stop(), lambda: datetime.now(UTC)))

    return go


@pytest.fixture
def insides(monkeypatch: pytest.MonkeyPatch) -> dict[str, Inside]:
    """What was read at each address last, before it was made an observation of.

    Where this laboratory runs in a container so do its hosts, and of a container nobody says what machine it is.
    """
    last: dict[str, Inside] = {}

    def spy(inside: Inside, *, address: str, **more: Any) -> Observation:
        last[address] = inside
        return observation(inside, address=address, **more)

    monkeypatch.setattr(sharing, "observation", spy)
    return last


def seen(found: Collection, address: str) -> Observation:
    (one,) = [o for o in found.observations if any(i.value == address for i in o.identifiers)]
    return one


def facts(one: Observation) -> set[Fact]:
    """All but the card's own numbers, and the addresses on it, which no two hosts share."""
    return {fact for fact in one.facts if fact.column not in ("macs", "ips", "interfaces", "routes")}


def values(one: Observation) -> dict[str, object]:
    return {fact.column: fact.value for fact in one.facts}


def reasons(found: Collection) -> dict[tuple[str, ...], str]:
    return {failure.scope: failure.reason for failure in found.failures}


def test_a_host_gives_the_same_facts_by_both_paths(look: Look, insides: dict[str, Inside]) -> None:
    chosen, shell = look(NEW), look(NEW, path="raw")
    by_shell = insides[NEW]
    ansible = look(NEW, path="ansible")
    assert replace(insides[NEW], processes=()) == replace(by_shell, processes=())
    assert chosen.failures == shell.failures == ansible.failures == ()
    assert set(seen(chosen, NEW).facts) == set(seen(shell, NEW).facts) == set(seen(ansible, NEW).facts)
    assert seen(chosen, NEW).identifiers == seen(shell, NEW).identifiers == seen(ansible, NEW).identifiers
    told = values(seen(chosen, NEW))
    assert told["os_name"] == "Kylin Linux Advanced Server" and told["cpu_vendor"] == "海光"
    machine = by_shell.machine
    assert (machine.vendor, machine.product) == ("Sugon", "A620-G30")
    assert told["default_gateway"] == "10.31.0.1" and "10.66.0.5/24" in str(told["interfaces"])
    assert "5236/tcp" in str(told["listeners"]) and "10.66.0.0/16 via 10.66.0.1" in str(told["routes"])
    # Without privilege: what firmware shows to root alone is not there, nor whose an open port is.
    assert machine.serial == machine.uuid == "" and "dmserver" not in str(told["listeners"])


def test_privilege_adds_firmwares_numbers_and_other_users_processes(look: Look, insides: dict[str, Inside]) -> None:
    told = values(seen(look(NEW, user="root"), NEW))
    machine = insides[NEW].machine
    assert (machine.serial, machine.uuid) == (FIRMWARE["product_serial"], FIRMWARE["product_uuid"])
    assert "5236/tcp dmserver" in str(told["listeners"])
    assert values(seen(look(NEW, user="root", path="raw"), NEW)) == told
    assert insides[NEW].machine == machine


def test_each_host_chooses_its_path(look: Look) -> None:
    """An old Python, none and no release file, nothing that can be written, no room in /tmp: all are read alike."""
    every = (NEW, OLD, NONE, READ_ONLY, FULL)
    found = look(*every)
    assert found.failures == ()
    alike = [facts(seen(found, address)) for address in (NEW, OLD, READ_ONLY, FULL)]
    assert alike[0] == alike[1] == alike[2] == alike[3]
    nameless = values(seen(found, NONE))
    assert nameless["hostname"] == "nameless" and "os_id" not in nameless
    by_ansible = look(*every, path="ansible")
    assert reasons(by_ansible) == {("10.31.0.11/32", "10.31.0.12/32"): "unavailable"}
    by_shell = look(*every, path="raw")
    assert by_shell.failures == ()
    for address in every:
        assert set(seen(by_shell, address).facts) == set(seen(found, address).facts)
    for address in (READ_ONLY, FULL):
        assert set(seen(by_ansible, address).facts) == set(seen(found, address).facts)


def test_nothing_is_written_on_a_target(look: Look, hosts: SshHosts) -> None:
    (first,) = descendants(hosts.processes[NEW].pid)[:1]
    enter = ["nsenter", "-t", str(first), "-m", "find", "/tmp", "/var/tmp", "/dev/shm", "/root", "/home"]

    def files() -> list[str]:
        said = subprocess.run(
            [*enter, "-printf", "%p %T@ %C@ %s\n"], check=True, capture_output=True, text=True, timeout=30
        )
        return sorted(said.stdout.splitlines())

    before = files()
    for path in ("ansible", "raw"):
        assert look(NEW, path=path).failures == ()
    assert files() == before and len(before) >= 5


def test_a_key_that_changes_between_runs(look: Look, hosts: SshHosts, tmp_path: Path) -> None:
    assert look(CHANGING, path="raw").failures == ()
    hosts.change_key(CHANGING)
    found = look(CHANGING, NEW, path="raw")
    assert reasons(found) == {("10.31.0.15/32",): "changed_host_key"}
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", str(hosts.home(CHANGING) / "key.pub")], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert fingerprint in found.failures[0].message
    assert seen(found, NEW) and len(found.observations) == 1
    (tmp_path / "none").write_text("")
    found = look(CHANGING, path="raw", known_hosts=tmp_path / "none")
    assert reasons(found) == {("10.31.0.15/32",): "unknown_host_key"}
    found = look(CHANGING, path="raw", user="nobody-here", known_hosts=known_now(hosts, tmp_path))
    assert reasons(found) == {("10.31.0.15/32",): "login_refused"}


def known_now(hosts: SshHosts, folder: Path) -> Path:
    file = folder / "known-now"
    file.write_text(hosts.known_hosts())
    return file


def test_a_password_logs_in_and_stays_secret(
    look: Look, hosts: SshHosts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    login: dict[str, Any] = {"key": None, "password": Secret("env", "LAB_SSH"), "path": "raw"}
    found = look(NEW, OLD, **login)
    assert found.failures == () and len(found.observations) == 2
    assert CANARY not in repr(found) + caplog.text
    assert CANARY not in (hosts.home(NEW) / "log").read_text(errors="replace")
    monkeypatch.setenv("LAB_SSH", "canary-that-is-wrong")
    refused = look(NEW, **login)
    assert reasons(refused) == {("10.31.0.10/32",): "login_refused"} and refused.observations == ()
    assert "canary-that" not in repr(refused) + caplog.text


def test_logins_that_run_nothing_or_never_end(look: Look) -> None:
    found = look(NO_SHELL, HANGS, NEW, path="raw", seconds=20)
    assert reasons(found) == {("10.31.0.16/32",): "no_shell", ("10.31.0.22/32",): "timed_out"}
    assert len(found.observations) == 1


def test_through_a_bastion_and_no_other_way(look: Look, hosts: SshHosts, tmp_path: Path) -> None:
    key = Secret("file", str(hosts.key))
    known = known_now(hosts, tmp_path)
    bastion = Bastion(BASTION, USER, PORT, key, known)
    with Capture(tmp_path, hosts.scanner) as capture:
        found = look(BEHIND, CHANGING, "10.31.0.200", bastion=bastion, known_hosts=known)
    assert found.failures == () and len(found.observations) == 2
    assert values(seen(found, BEHIND))["hostname"] == "behind"
    assert {flow.destination for flow in capture.spoken if flow.protocol == "tcp"} == {BASTION}


def test_only_targets_are_spoken_to(look: Look, hosts: SshHosts, tmp_path: Path) -> None:
    with Capture(tmp_path, hosts.scanner) as capture:
        found = look(NEW, "10.31.0.240/29", path="raw")
    assert len(found.observations) == 1 and found.failures == ()
    spoken = {flow for flow in capture.spoken if flow.protocol in ("tcp", "udp", "arp") and flow.began}
    every = {ipaddress.ip_address(flow.destination) for flow in spoken}
    assert ipaddress.ip_address(NEW) in every
    assert every <= {ipaddress.ip_address(NEW), *ipaddress.ip_network("10.31.0.240/29")}


def test_stop_leaves_nobody_logged_in(look: Look, hosts: SshHosts) -> None:
    stop = Stop()

    def ours() -> set[int]:
        theirs = {pid for process in hosts.processes.values() for pid in descendants(process.pid)}
        return set(descendants(os.getpid())) - theirs

    before = ours()

    def logged_in() -> list[bytes]:
        below = descendants(hosts.processes[HANGS].pid)
        return [line for pid in below if b"sshd: auditor" in (line := Path(f"/proc/{pid}/cmdline").read_bytes())]

    asked: list[float] = []

    def ask() -> None:
        end = time.monotonic() + 30
        while not logged_in() and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(2)
        asked.append(time.monotonic())
        stop.set("asked for")

    thread = threading.Thread(target=ask)
    thread.start()
    found = look(HANGS, path="raw", stop=stop)
    took = time.monotonic() - asked[0]
    thread.join()
    assert took < 2 and reasons(found) == {("10.31.0.22/32",): "stopped"}
    assert ours() <= before
    end = time.monotonic() + 5
    while logged_in() and time.monotonic() < end:
        time.sleep(0.05)
    assert logged_in() == []

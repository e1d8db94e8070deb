"""The Windows probe from shard to records. Every server and every answer is synthetic: no Windows was to be had."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import probes.ansible_run.folder
from inventories.model import Collection, Fact
from probes.access import WindowsLogin
from probes.base import Context, Shard, Stop
from probes.inside.windows import POWERSHELL
from probes.scope import Permit
from probes.secrets import Secret
from probes.windows.probe import WindowsProbe

Serve = Callable[..., Any]
Trusting = Callable[..., Path]
Permits = Callable[..., Permit]

DOCUMENT: dict[str, Any] = {
    "auditor": 1,
    "os": {"Caption": "Microsoft Windows Server 2016 Standard", "Version": "10.0.14393", "ProductType": 3},
    "computer": {"DNSHostName": "FIN-01", "Manufacturer": "VMware, Inc.", "Model": "VMware7,1"},
    "processes": [{"Id": 4, "ProcessName": "System"}, {"Id": 1840, "ProcessName": "dmserver"}],
    "tcp": ["TCP    0.0.0.0:5236           0.0.0.0:0              LISTENING       1840"],
    "configured": {
        "InterfaceIndex": 4,
        "Description": "vmxnet3 Ethernet Adapter",
        "MACAddress": "00:50:56:00:00:01",
        "IPAddress": ["10.44.2.1"],
        "IPSubnet": ["255.255.255.0"],
    },
    "adapters": {"InterfaceIndex": 4, "NetConnectionID": "以太网", "PNPDeviceID": "PCI\\VEN_15AD&DEV_07B0"},
}


def says(**changes: Any) -> Callable[[str], bytes]:
    """What PowerShell prints for our script, and for no other."""

    def answer(script: str) -> bytes:
        assert script == POWERSHELL
        return json.dumps({**DOCUMENT, **changes}, ensure_ascii=False).encode() + b"\r\n"

    return answer


Collect = Callable[..., Collection]


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def collect(workdir: Path, now: Callable[[], datetime]) -> Collect:
    """``collect(permit, stop)`` → what came of all its shards."""

    def make(permit: Permit, stop: Stop | None = None) -> Collection:
        shards = WindowsProbe().shards(permit)
        context = Context(permit, workdir, stop or Stop(), now)
        parts = [WindowsProbe().collect(shard, context) for shard in shards]
        return Collection(
            tuple(o for part in parts for o in part.observations),
            tuple(c for part in parts for c in part.coverage),
            tuple(f for part in parts for f in part.failures),
        )

    return make


@contextmanager
def watching(canary: str, *folders: Path) -> Iterator[set[str]]:
    """Where the canary was seen meanwhile: command lines and environments of all our processes, and files."""
    seen: set[str] = set()
    done, needle, uid = threading.Event(), canary.encode(), os.getuid()

    def look() -> None:
        while not done.wait(0.02):
            for entry in Path("/proc").iterdir():
                with contextlib.suppress(OSError):
                    if entry.name.isdecimal() and entry.stat().st_uid == uid:
                        for name in ("cmdline", "environ"):
                            if needle in (entry / name).read_bytes():
                                seen.add(f"process {name}")
            for folder in folders:
                # Folders come and go while they are walked.
                with contextlib.suppress(OSError):
                    for path in folder.rglob("*"):
                        with contextlib.suppress(OSError):
                            if path.is_file() and path.stat().st_size < 1 << 24 and needle in path.read_bytes():
                                seen.add(f"file {path.name}")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch, workdir: Path) -> list[Path]:
    """Every private folder that was made; all lie where the test can look at them."""
    made: list[Path] = []
    make = tempfile.mkdtemp

    def recorded(*words: Any, **more: Any) -> str:
        made.append(Path(make(*words, **more)))
        return str(made[-1])

    monkeypatch.setattr(probes.ansible_run.folder.tempfile, "mkdtemp", recorded)
    return made


def reasons(found: Collection) -> dict[str, str]:
    """Address → reason."""
    return {
        str(address): failure.reason
        for failure in found.failures
        for scope in failure.scope
        for address in ipaddress.ip_network(scope)
    }


def told(found: Collection) -> dict[str, dict[str, list[Fact]]]:
    """Login address → column → facts."""
    out: dict[str, dict[str, list[Fact]]] = {}
    for seen in found.observations:
        columns = out.setdefault(next(i.value for i in seen.identifiers if i.scheme == "ip"), {})
        for fact in seen.facts:
            columns.setdefault(fact.column, []).append(fact)
    return out


def gbk(_script: str) -> bytes:
    """A console that stayed at the code page of a Chinese Windows; 誠 ends in a backslash there."""
    text = json.dumps({**DOCUMENT, "computer": {"DNSHostName": "FIN-02", "Model": "誠"}}, ensure_ascii=False)
    return text.encode("gb18030")


def test_many_servers_each_in_its_own_way(
    serve: Serve,
    trusting: Trusting,
    secret: Secret,
    canary: str,
    with_login: Permits,
    collect: Collect,
    workdir: Path,
    folders: list[Path],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    good = serve("127.44.2.1", says())
    port = good.port
    whole = json.dumps(DOCUMENT).encode()
    others = {
        "127.44.2.2": serve("127.44.2.2", says(), port=port, manner="refuses"),
        "127.44.2.3": serve("127.44.2.3", says(), port=port, manner="drips"),
        "127.44.2.4": serve("127.44.2.4", says(), port=port, manner="bomb"),
        "127.44.2.5": serve("127.44.2.5", lambda _script: b"x" * 10_000_000, port=port),
        "127.44.2.6": serve("127.44.2.6", lambda _script: whole[:-40], port=port),
        "127.44.2.7": serve("127.44.2.7", gbk, port=port, names=("FIN-02",)),
        "127.44.2.8": serve("127.44.2.8", lambda _script: b"\x1b[31m\xff\xfe cannot be loaded\r\n", port=port),
        "127.44.2.9": serve("127.44.2.9", lambda _script: whole.decode().encode("utf-16"), port=port),
        "127.44.2.11": serve("127.44.2.11", says(), port=port, manner="redirect", to=f"https://127.44.3.1:{port}/"),
    }
    stranger = serve("127.44.2.10", says(), port=port)
    outside = [serve("127.44.3.1", says(), port=port), serve("127.44.2.12", says(), port=port)]
    login = WindowsLogin("audit", secret, port=port, ca=trusting(good, *others.values(), *outside))
    permit = with_login(login, "127.44.2.0/29", "127.44.2.8/30", host_timeout_seconds=62)
    with watching(canary, workdir, Path("/dev/shm")) as seen:
        found = collect(permit)

    assert reasons(found) == {
        "127.44.2.2": "login_refused",
        "127.44.2.3": "timed_out",
        "127.44.2.4": "bad_output",
        "127.44.2.5": "too_much",
        "127.44.2.6": "bad_output",
        "127.44.2.8": "no_shell",
        "127.44.2.9": "bad_output",
        "127.44.2.10": "certificate",
        "127.44.2.11": "out_of_scope",
    }
    got = told(found)
    assert set(got) == {"127.44.2.1", "127.44.2.7"}
    first = got["127.44.2.1"]
    assert [fact.value for fact in first["os_name"]] == ["Microsoft Windows Server 2016 Standard"]
    assert [fact.value for fact in first["listeners"]] == [("5236/tcp dmserver",)]
    assert [fact.value for fact in first["interfaces"]] == [("以太网 10.44.2.1/24 00:50:56:00:00:01",)]
    assert [fact.value for fact in got["127.44.2.7"]["model"]] == ["誠"]
    (covered,) = found.coverage
    assert set(covered.scope) == {"127.44.2.1/32", "127.44.2.7/32"}
    assert (covered.collector, covered.aspect) == ("windows", "inside")

    assert [one.connections for one in outside] == [0, 0]
    # Seen at the door by the sweep, and sent away before a word was said.
    assert stranger.requests == 0
    assert seen == set()
    assert folders
    assert not any(folder.exists() for folder in folders)
    assert list(workdir.iterdir()) == []
    captured = capfd.readouterr()
    everything = f"{found!r} {caplog.text} {captured.out} {captured.err} {permit!r}"
    assert canary not in everything
    assert "\x1b" not in everything


def test_logins_are_told_apart(
    serve: Serve,
    trusting: Trusting,
    secret: Secret,
    with_login: Permits,
    collect: Collect,
    tmp_path: Path,
) -> None:
    """Credentials that are wrong for one server, and those that lead nowhere, spoil nothing for the others."""
    good = serve("127.44.4.1", says())
    servers = [good, *(serve(f"127.44.4.{n}", says(), port=good.port) for n in (2, 3, 5))]
    wrong = tmp_path / "wrong"
    wrong.write_text("Canary-wrong")
    ca = trusting(*servers)
    login = WindowsLogin("audit", secret, port=good.port, ca=ca)
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("no certificate")

    def only(number: int, **more: Any) -> WindowsLogin:
        prefix = with_login((), f"127.44.4.{number}/32").targets
        return replace(login, prefixes=prefix, **more)

    logins = (
        only(2, password=Secret("file", str(wrong))),
        only(3, password=Secret("file", str(tmp_path / "nowhere"))),
        only(4, ca=rubbish),
        only(5, password=None),
        only(6, ca=tmp_path / "none.pem"),
        login,
    )
    found = collect(with_login(logins, "127.44.4.0/29"))
    assert set(told(found)) == {"127.44.4.1"}
    assert reasons(found) == {
        "127.44.4.2": "login_refused",
        "127.44.4.3": "no_credentials",
        "127.44.4.4": "no_credentials",
        "127.44.4.5": "no_credentials",
        "127.44.4.6": "no_credentials",
    }
    assert "Canary-wrong" not in repr(found)
    assert servers[3].connections == 0


def test_a_domains_account_is_not_locked(
    serve: Serve, trusting: Trusting, secret: Secret, with_login: Permits, collect: Collect
) -> None:
    """A password that is wrong in a whole domain is tried on a few servers; one that some take, on all."""
    first = serve("127.44.8.1", says(), manner="refuses")
    servers = [first, *(serve(f"127.44.8.{n}", says(), port=first.port, manner="refuses") for n in range(2, 7))]
    login = WindowsLogin("CZJ\\audit", secret, port=first.port, ca=trusting(*servers))
    found = collect(with_login(login, "127.44.8.0/29"))
    assert set(reasons(found).values()) == {"login_refused"}
    assert len(reasons(found)) == 6
    assert [server.requests for server in servers] == [3, 3, 3, 0, 0, 0]
    assert any(failure.message.startswith("not tried: 3 servers refused") for failure in found.failures)
    servers[1].manner = "page"
    again = reasons(collect(with_login(login, "127.44.8.0/29")))
    assert (again["127.44.8.2"], again["127.44.8.6"]) == ("bad_output", "login_refused")
    assert servers[5].requests == 3


def test_the_watch_sees_what_it_looks_for(tmp_path: Path, canary: str) -> None:
    with watching(canary, tmp_path) as seen:
        (tmp_path / "leak").write_text(canary)
        child = subprocess.Popen(["sleep", "5"], env={"X": canary})
        time.sleep(0.5)
        child.kill()
        child.wait()
    assert seen == {"file leak", "process environ"}


PRINTS = """\
import base64, sys
assert sys.argv[1].startswith("powershell -NoProfile -NonInteractive -EncodedCommand "), sys.argv
sys.stdout.buffer.write(open({!r}, "rb").read() if base64.b64decode(sys.stdin.read()).decode() == {!r} else b"no")
"""


def test_over_ssh(
    ssh_servers: Any, with_login: Permits, collect: Collect, tmp_path: Path, folders: list[Path], secret: Secret
) -> None:
    """A server with OpenSSH: the same script through another door. What stands for PowerShell is synthetic."""
    folder = tmp_path / "world"
    folder.mkdir()
    (tmp_path / "document").write_bytes(says()(POWERSHELL))
    (tmp_path / "prints.py").write_text(PRINTS.format(str(tmp_path / "document"), POWERSHELL))
    (tmp_path / "not.py").write_text("print('powershell: not found')")
    with ssh_servers.Servers(folder) as world:
        good, other = (
            ssh_servers.Server(address, shell=(sys.executable, str(tmp_path / program)))
            for address, program in (("127.44.7.1", "prints.py"), ("127.44.7.2", "not.py"))
        )
        world.serve(good)
        world.serve(other, good.port)
        stranger = world.serve(ssh_servers.Server("127.44.7.3"), good.port)
        (tmp_path / "known").write_text(good.known() + other.known())
        login = WindowsLogin(
            ssh_servers.USER,
            key=Secret("file", str(world.key)),
            transport="ssh",
            port=good.port,
            known_hosts=tmp_path / "known",
        )
        found = collect(with_login(login, "127.44.7.0/30"))
    assert reasons(found) == {"127.44.7.2": "no_shell", "127.44.7.3": "unknown_host_key"}
    assert [fact.value for fact in told(found)["127.44.7.1"]["os_version"]] == ["10.0.14393"]
    assert stranger.ran == []
    assert not any(folder.exists() for folder in folders)


def test_a_closed_port_is_no_failure_and_no_coverage(
    serve: Serve, secret: Secret, trusting: Trusting, with_login: Permits, collect: Collect
) -> None:
    server = serve("127.44.5.9", says())
    login = WindowsLogin("audit", secret, port=server.port, ca=trusting(server))
    found = collect(with_login(login, "127.44.5.1/32"))
    assert (found.observations, found.coverage, found.failures) == ((), (), ())


def test_it_ends_when_it_is_told_to(
    serve: Serve,
    trusting: Trusting,
    secret: Secret,
    with_login: Permits,
    collect: Collect,
    folders: list[Path],
) -> None:
    server, stop = serve("127.44.6.1", says(), manner="hangs"), Stop()
    login = WindowsLogin("audit", secret, port=server.port, ca=trusting(server))
    ended: list[float] = []

    def set_it() -> None:
        end = time.monotonic() + 60
        while not server.scripts and time.monotonic() < end:
            time.sleep(0.05)
        stop.set("window closed")
        ended.append(time.monotonic())

    thread = threading.Thread(target=set_it)
    thread.start()
    found = collect(with_login(login, "127.44.6.1/32", host_timeout_seconds=300), stop)
    thread.join()
    assert time.monotonic() - ended[0] < 5
    assert [(f.reason, f.message) for f in found.failures] == [("stopped", "window closed")]
    assert folders
    assert not any(folder.exists() for folder in folders)


def test_shards(with_login: Permits, secret: Secret) -> None:
    login = WindowsLogin("audit", secret)
    probe = WindowsProbe()
    permit = with_login(login, "10.0.0.0/23")
    ids = [shard.id for shard in probe.shards(permit)]
    assert len(ids) == len(set(ids)) == 2
    assert ids == [shard.id for shard in probe.shards(permit)]
    assert ids != [shard.id for shard in probe.shards(with_login(replace(login, user="other"), "10.0.0.0/23"))]
    near: list[Shard] = list(
        probe.shards(with_login(replace(login, prefixes=with_login((), "10.0.1.0/30").targets), "10.0.0.0/23"))
    )
    assert [str(target) for shard in near for target in shard.targets] == ["10.0.1.0/30"]
    assert probe.shards(with_login((), "10.0.0.0/23")) == ()


def test_limits(with_login: Permits, secret: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = WindowsProbe()
    permits = [with_login(WindowsLogin("audit", secret), "10.0.0.0/30")]
    assert probe.limits(permits) == ()
    monkeypatch.setattr("probes.windows.visit.find_spec", lambda _name: None)
    (limit,) = probe.limits(permits)
    assert limit.reason == "not_installed"
    assert probe.limits([with_login((), "10.0.0.0/30")]) == ()

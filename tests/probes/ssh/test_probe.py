"""The whole probe against real servers: what it reads, by whichever path, and what it leaves behind."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from inventories.identity import ip_id
from inventories.model import Collection, Fact, Observation
from probes.access import SshLogin
from probes.base import Shard
from probes.inside import from_raw, observation
from probes.scope import Permit
from probes.secrets import Secret
from probes.ssh import visit
from probes.ssh.probe import SshProbe

DATA = Path(__file__).parent.parent / "data" / "inside"
RECORDED = DATA / "recorded-debian12.txt"

Look = Callable[..., Collection]
Known = Callable[..., Path]

#: A login shell on a host whose Python cannot keep files in memory (before 3.8), and so is none for Ansible.
OLD_PYTHON = ("/bin/sh", "-c", 'sed "s/os.memfd_create/os.no_such_thing/" | /bin/sh')
#: One that may write no byte into any file.
NO_WRITING = ("/bin/sh", "-c", 'ulimit -f 0; exec /bin/sh -c "$0"')


def answers(file: Path) -> tuple[str, ...]:
    """A login shell that gives a recorded answer, whatever it is asked."""
    return ("/bin/sh", "-c", f"cat >/dev/null; cat '{file}'")


def seen(got: Collection, address: str) -> Observation:
    found = [one for one in got.observations if ip_id(address, "v") in one.identifiers]
    assert len(found) == 1, (address, got.failures)
    return found[0]


def facts(one: Observation, *without: str) -> set[Fact]:
    return {fact for fact in one.facts if fact.column not in without}


def columns(one: Observation) -> set[str]:
    return {fact.column for fact in one.facts}


def test_both_paths_give_the_same_facts_and_the_host_chooses(
    world: Any, servers: ModuleType, known: Known, look: Look, now: Any, tmp_path: Path, folders: list[Path]
) -> None:
    """A host with a current Python, one with an old one, one where no file can be written; all are this machine."""
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "tmp").mkdir()
    # A clock that nobody should read.
    (theirs / "bin" / "date").write_text("#!/bin/sh\necho Fri Dec 31 23:59:59 UTC 1999\n")
    (theirs / "bin" / "date").chmod(0o755)
    there = {"PATH": f"{theirs}/bin:/usr/bin:/bin", "HOME": str(theirs / "tmp"), "TMPDIR": str(theirs / "tmp")}
    new = world.serve(servers.Server("127.12.0.1", environment=there))
    old = world.serve(servers.Server("127.12.0.2", shell=OLD_PYTHON, environment=there), new.port)
    full = world.serve(servers.Server("127.12.0.3", shell=NO_WRITING, environment=there), new.port)
    login = SshLogin("auditor", key=Secret("file", str(world.key)), port=new.port, known_hosts=known(new, old, full))
    got = look(login, "127.12.0.0/29")
    assert got.failures == ()
    one, other, third = (seen(got, server.address) for server in (new, old, full))
    # What runs on this machine changes from moment to moment.
    moving = ("listeners", "products", "mounts", "interfaces", "routes")
    assert facts(one, *moving) == facts(other, *moving) == facts(third, *moving)
    assert columns(one) == columns(other) == columns(third)
    assert {"os_name", "arch", "hostname", "memory_mb", "cpu_model"} <= columns(one)
    modules = [any("PYTHONDONTWRITEBYTECODE" in command for command in s.ran) for s in (new, old, full)]
    assert modules == [True, False, True]
    # Nothing was written there, and nothing is left here.
    assert list((theirs / "tmp").iterdir()) == []
    assert folders and not any(folder.exists() for folder in folders)
    assert {o.observed_at for o in got.observations} == {now().astimezone(UTC)}
    (covered,) = got.coverage
    assert (covered.collector, covered.aspect, covered.zone, covered.vantage) == ("ssh", "inside", "a", "v")
    assert covered.scope == ("127.12.0.1/32", "127.12.0.2/31")


def test_recorded_answers_of_other_hosts_by_the_shell_path(
    world: Any,
    servers: ModuleType,
    known: Known,
    look: Look,
    now: Any,
    tmp_path: Path,
    with_login: Callable[..., Permit],
) -> None:
    text = RECORDED.read_text()
    gbk = text.encode().replace(b'|NAME="Debian GNU/Linux"', '|NAME="银河麒麟"'.encode("gbk"))
    assert gbk != text.encode()
    nameless = re.sub(r"(?s)\n=== file:.*?(?=\n=== )", "", text)
    assert "os-release" not in nameless
    hosts = {
        "127.13.0.1": text.encode(),
        "127.13.0.2": gbk,
        "127.13.0.3": nameless.encode(),
        "127.13.0.4": text[: len(text) // 2].encode(),
        "127.13.0.5": b"This account is currently not available.\x1b[2J\n",
        "127.13.0.6": b"x" * 9_000_000,
        "127.13.0.7": (DATA / "synthetic-kylin-server-kunpeng.txt").read_bytes(),
    }
    port, served = 0, []
    for address, content in hosts.items():
        (tmp_path / address).write_bytes(content)
        greeting = "欢迎".encode("gb18030") + b"\r\n=== auditor begin 1\r\n"
        server = servers.Server(address, shell=answers(tmp_path / address), greeting=greeting)
        if address in ("127.13.0.5", "127.13.0.4"):
            server.greeting = b""
        served.append(world.serve(server, port))
        port = served[0].port
    login = SshLogin("auditor", key=Secret("file", str(world.key)), port=port, known_hosts=known(*served), path="raw")
    got = look(login, "127.13.0.0/29")
    zone = with_login(login, "127.13.0.0/29").zone
    for address in ("127.13.0.1", "127.13.0.7"):
        expected = observation(
            from_raw(hosts[address].decode()), address=address, zone=zone, at=now(), collector="ssh"
        )
        assert seen(got, address) == expected
    assert "os_id" not in columns(seen(got, "127.13.0.3"))
    assert "hostname" in columns(seen(got, "127.13.0.3")) and "hostname" in columns(seen(got, "127.13.0.2"))
    assert {failure.scope: failure.reason for failure in got.failures} == {
        ("127.13.0.4/32",): "bad_output",
        ("127.13.0.5/32",): "no_shell",
        ("127.13.0.6/32",): "too_much",
    }
    assert not any("\x1b" in failure.message for failure in got.failures)
    assert got.coverage[0].scope == ("127.13.0.1/32", "127.13.0.2/31", "127.13.0.7/32")


def test_hosts_are_read_in_batches_by_forks(
    world: Any, servers: ModuleType, known: Known, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Any] = []
    run = visit.run

    async def spy(job: Any, *more: Any) -> Any:
        jobs.append(job)
        return await run(job, *more)

    monkeypatch.setattr(visit, "run", spy)
    monkeypatch.setattr(visit, "BATCH", 2)
    first = world.serve(servers.Server("127.14.0.1", shell=answers(RECORDED)))
    more = [
        world.serve(servers.Server(f"127.14.0.{number}", shell=answers(RECORDED)), first.port) for number in (2, 3)
    ]
    login = SshLogin(
        "auditor",
        key=Secret("file", str(world.key)),
        port=first.port,
        known_hosts=known(first, *more),
        path="raw",
    )
    told: list[str] = []
    got = look(login, "127.14.0.0/30", report=told.append)
    assert len(got.observations) == 3 and got.failures == ()
    assert [(len(job.hosts), job.forks, list(job.groups)) for job in jobs] == [(2, 2, ["raw"]), (1, 1, ["raw"])]
    assert told == ["3 of 4 addresses accept connections", "reading 2 hosts", "reading 1 hosts"]
    # Names in the inventory are no addresses, and nothing in it is a secret or somebody's path.
    for job in jobs:
        assert "127.14" not in repr(job.hosts) and str(world.key) not in repr(job)


def test_a_paced_zone_is_asked_one_host_at_a_time(with_login: Callable[..., Permit], tmp_path: Path) -> None:
    from probes.base import Context, Stop
    from probes.ssh.reading import ShellReading

    def made(**profile: Any) -> visit.Visit:
        permit = with_login(SshLogin("auditor"), "127.14.1.0/30", **profile)
        context = Context(permit, tmp_path, Stop(), lambda: permit.until)
        return visit.Visit(visit.Login("auditor", 22), 0, ShellReading(), context, tmp_path)

    one = made(paced=True, max_rate=5)
    assert (one.at_once, one.forks, one.rate) == (1, 1, 5)
    assert made(max_rate=3).forks == 3
    assert made(max_rate=1_000).forks == visit.FORKS
    assert made(host_timeout_seconds=10).login_seconds == 10


def test_shards_are_what_the_logins_are_for(with_login: Callable[..., Permit]) -> None:
    import ipaddress

    def shards(*logins: SshLogin) -> tuple[Shard, ...]:
        return SshProbe().shards(with_login(logins, "10.0.0.0/23"))

    anywhere = SshLogin("auditor", password=Secret("env", "A"))
    assert shards() == ()
    assert sum(shard.addresses for shard in shards(anywhere)) == 512
    part = SshLogin("auditor", prefixes=(ipaddress.ip_network("10.0.1.0/28"),))
    elsewhere = SshLogin("auditor", prefixes=(ipaddress.ip_network("10.9.0.0/16"),))
    assert [shard.targets for shard in shards(part, elsewhere)] == [part.prefixes]
    assert shards(elsewhere) == ()
    assert shards(anywhere)[0].id == shards(anywhere)[0].id
    assert shards(anywhere)[0].id != shards(SshLogin("other", password=Secret("env", "A")))[0].id


def test_limits_are_told_where_there_is_a_login(
    with_login: Callable[..., Permit], permit_of: Callable[..., Permit], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SshProbe().limits([permit_of("10.0.0.0/24")]) == ()
    permit = with_login(SshLogin("auditor"), "10.0.0.0/24")
    assert [limit.reason for limit in SshProbe().limits([permit])] == ["unprivileged_logins"]
    monkeypatch.setenv("PATH", "/nonexistent")
    assert [limit.reason for limit in SshProbe().limits([permit])] == ["not_installed"]


def test_the_probe_is_cheap_to_import() -> None:
    code = "import sys, probes.ssh.probe; print({'ansible', 'ansible_runner', 'asyncio', 'yaml'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == "set()\n"

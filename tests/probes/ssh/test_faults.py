"""What the world does to a login, one named failure each, and what never happens whatever it does."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from inventories.identity import ip_id
from inventories.model import Collection
from inventories.places import Network
from probes.access import Bastion, SshLogin
from probes.base import Stop
from probes.scope import Permit
from probes.secrets import Secret

RECORDED = Path(__file__).parent.parent / "data" / "inside" / "recorded-debian12.txt"
ANSWERS = ("/bin/sh", "-c", f"cat >/dev/null; cat '{RECORDED}'")

Look = Callable[..., Collection]
Known = Callable[..., Path]


def nets(*prefixes: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(prefix) for prefix in prefixes)


def reasons(got: Collection) -> dict[str, str]:
    """Address → reason."""
    return {
        str(address): failure.reason
        for failure in got.failures
        for prefix in failure.scope
        for address in ipaddress.ip_network(prefix)
    }


def read(got: Collection) -> set[str]:
    return {i.value for one in got.observations for i in one.identifiers if i.value.startswith("127.")}


def test_each_fault_is_a_failure_of_its_own_and_the_rest_goes_on(
    world: Any, servers: ModuleType, known: Known, look: Look
) -> None:
    good = world.serve(servers.Server("127.20.0.1", shell=ANSWERS))
    unknown = world.serve(servers.Server("127.20.0.2"), good.port)
    changed = world.serve(servers.Server("127.20.0.3"), good.port)
    wordy = world.serve(servers.Server("127.20.0.4", shell=ANSWERS, banners=320), good.port)
    late = world.serve(servers.Server("127.20.0.5", hangs=True), good.port)
    asking = world.serve(servers.Server("127.20.0.6", password="x"), good.port)
    faults = {"flood": 8, "garbage": 9, "web": 10, "mute": 11, "line": 12, "hangs_up": 13}
    for name, number in faults.items():
        world.fault(name, f"127.20.0.{number}", good.port)
    hosts = known(good, wordy, late, asking)
    other = servers.Server(changed.address, port=changed.port)
    hosts.write_text(hosts.read_text() + other.known())
    login = SshLogin("auditor", key=Secret("file", str(world.key)), port=good.port, known_hosts=hosts, path="raw")
    began = time.monotonic()
    got = look(login, "127.20.0.0/28", host_timeout_seconds=6)
    assert time.monotonic() - began < 25
    assert reasons(got) == {
        "127.20.0.2": "unknown_host_key",
        "127.20.0.3": "changed_host_key",
        "127.20.0.5": "timed_out",
        "127.20.0.6": "login_refused",
        "127.20.0.8": "too_much",
        "127.20.0.9": "bad_output",
        "127.20.0.10": "bad_output",
        "127.20.0.11": "timed_out",
        "127.20.0.12": "too_much",
        "127.20.0.13": "unavailable",
    }
    # Nothing is said of a host that was not read: neither that it is there nor what it is.
    assert read(got) == {good.address, wordy.address}
    assert got.coverage[0].scope == ("127.20.0.1/32", "127.20.0.4/32")
    assert unknown.logins == changed.logins == []
    told = {failure.scope[0]: failure.message for failure in got.failures}
    assert unknown.fingerprint in told["127.20.0.2/32"] and changed.fingerprint in told["127.20.0.3/32"]
    assert all(len(message) < 250 and message.isprintable() for message in told.values())


def test_a_host_that_says_the_worst_to_ansible_harms_nobody_else(
    world: Any, servers: ModuleType, known: Known, look: Look, tmp_path: Path
) -> None:
    """Instead of running the module, hosts answer with results of their own making."""
    mark = tmp_path / "mark"
    results = {
        "127.21.0.2": '{"ansible_facts": {"ansible_x": ' + "[" * 300 + "]" * 300 + "}}",
        "127.21.0.3": (
            '{"changed": true, "add_host": {"host_name": "h0", "groups": ["raw"], "host_vars": '
            f'{{"ansible_connection": "local", "auditor_extras": "touch {mark}"}}}}, "ansible_facts": '
            f'{{"ansible_nodename": "{{{{ lookup(\'pipe\', \'touch {mark}\') }}}}", "ansible_connection": "local"}}}}'
        ),
        "127.21.0.4": '{"unreachable": true, "failed": true, "msg": "auditor:changed_host_key: \\u001b[2J"}',
        "127.21.0.5": "{" * 100_000,
    }
    good = world.serve(servers.Server("127.21.0.1"))
    served = [good]
    for address, result in results.items():
        (tmp_path / address).write_text(result)
        instead = (
            f'case "$0" in *python*) cat >/dev/null; cat \'{tmp_path / address}\';; *) exec /bin/sh -c "$0";; esac'
        )
        served.append(world.serve(servers.Server(address, shell=("/bin/sh", "-c", instead)), good.port))
    login = SshLogin("auditor", key=Secret("file", str(world.key)), port=good.port, known_hosts=known(*served))
    got = look(login, "127.21.0.0/29")
    assert good.address in read(got)
    assert set(reasons(got)) | read(got) == {good.address, *results}
    assert set(reasons(got).values()) <= {"bad_output"}
    assert not mark.exists()
    # What is meant for a template stays a text.
    (odd,) = [one for one in got.observations if ip_id("127.21.0.3", "v") in one.identifiers]
    assert any("lookup(" in str(fact.value) for fact in odd.facts if fact.column == "hostname")


def test_wrong_credentials_are_the_failure_of_their_own_hosts_alone(
    world: Any, servers: ModuleType, known: Known, look: Look, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right = world.serve(servers.Server("127.22.0.1", password="right", shell=ANSWERS))
    wrong = world.serve(servers.Server("127.22.0.2", password="other"), right.port)
    none = world.serve(servers.Server("127.22.0.3", password="right"), right.port)
    code = world.serve(servers.Server("127.22.0.4", password="right", asks="Verification code: "), right.port)
    monkeypatch.setenv("LAB_RIGHT", "right")
    hosts = known(right, wrong, none, code)
    more: dict[str, Any] = {"port": right.port, "known_hosts": hosts, "path": "raw"}
    logins = (
        SshLogin("auditor", password=Secret("env", "LAB_NOT_THERE"), prefixes=nets("127.22.0.3/32"), **more),
        SshLogin("auditor", prefixes=nets("127.22.0.5/32"), **more),
        SshLogin("auditor", password=Secret("env", "LAB_RIGHT"), **more),
    )
    got = look(logins, "127.22.0.0/29", host_timeout_seconds=5)
    assert reasons(got) == {
        "127.22.0.2": "login_refused",
        "127.22.0.3": "no_credentials",
        "127.22.0.4": "login_refused",
        "127.22.0.5": "no_credentials",
    }
    assert read(got) == {right.address}
    # A wrong password is tried once: more could lock an account.
    assert wrong.logins == ["auditor right"] and none.logins == []
    assert code.logins in ([], ["auditor right"])


def test_nothing_outside_the_permit_is_connected_to(
    world: Any, servers: ModuleType, known: Known, look: Look, with_login: Callable[..., Permit]
) -> None:
    inside = world.serve(servers.Server("127.23.0.1", shell=ANSWERS))
    for number in (2, 3, 4, 5):
        world.fault("mute", f"127.23.0.{number}", inside.port)
    login = SshLogin(
        "auditor", key=Secret("file", str(world.key)), port=inside.port, known_hosts=known(inside), path="raw"
    )
    # As excluded addresses are no targets, a shard has none of them; a login that is for more changes nothing.
    wide = replace(login, prefixes=nets("127.0.0.0/8"))
    got = look(wide, "127.23.0.0/31", "127.23.0.6/32")
    assert read(got) == {inside.address} and got.failures == ()
    assert world.met == []


def test_stop_ends_everything_within_moments(
    world: Any, servers: ModuleType, known: Known, look: Look, folders: list[Path]
) -> None:
    """One host hangs in the login, another in its answer."""
    slow = world.serve(servers.Server("127.24.0.1", shell=("/bin/sh", "-c", "exec sleep 60")))
    late = world.serve(servers.Server("127.24.0.2", hangs=True), slow.port)
    login = SshLogin(
        "auditor", key=Secret("file", str(world.key)), port=slow.port, known_hosts=known(slow, late), path="raw"
    )
    stop, asked = Stop(), []

    def when_it_runs() -> None:
        end = time.monotonic() + 30
        while not slow.ran and time.monotonic() < end:
            time.sleep(0.05)
        asked.append(time.monotonic())
        stop.set("asked for")

    thread = threading.Thread(target=when_it_runs)
    thread.start()
    got = look(login, "127.24.0.0/30", stop=stop)
    took = time.monotonic() - asked[0]
    thread.join()
    assert slow.ran and took < 2
    assert set(reasons(got)) >= {"127.24.0.1", "127.24.0.2"} and set(reasons(got).values()) == {"stopped"}
    assert got.observations == got.coverage == ()
    assert folders and not any(folder.exists() for folder in folders)


def test_a_command_that_hangs_is_given_up(world: Any, servers: ModuleType, known: Known, look: Look) -> None:
    slow = world.serve(servers.Server("127.25.0.1", shell=("/bin/sh", "-c", "exec sleep 60")))
    drips = world.serve(
        servers.Server("127.25.0.2", shell=("/bin/sh", "-c", "while :; do echo; sleep 0.1; done")), slow.port
    )
    login = SshLogin(
        "auditor", key=Secret("file", str(world.key)), port=slow.port, known_hosts=known(slow, drips), path="raw"
    )
    got = look(login, "127.25.0.0/30", host_timeout_seconds=6)
    assert reasons(got) == {slow.address: "timed_out", drips.address: "timed_out"}


def bastioned(world: Any, servers: ModuleType, hosts: Path, port: int, bastion: Any) -> SshLogin:
    way = Bastion(bastion.address, "auditor", bastion.port, Secret("file", str(world.key)), hosts)
    key = Secret("file", str(world.key))
    return SshLogin("auditor", key=key, port=port, known_hosts=hosts, bastion=way, path="raw")


def test_hosts_are_read_through_a_bastion(world: Any, servers: ModuleType, known: Known, look: Look) -> None:
    bastion = world.serve(servers.Server("127.26.1.1", passes=True))
    host = world.serve(servers.Server("127.26.0.1", shell=ANSWERS))
    unknown = world.serve(servers.Server("127.26.0.2"), host.port)
    login = bastioned(world, servers, known(bastion, host), host.port, bastion)
    got = look(login, "127.26.0.0/30")
    assert read(got) == {host.address}
    assert reasons(got) == {unknown.address: "unknown_host_key"}
    # Each is asked whether it answers, and logged in to if so; nothing but targets is asked for.
    assert {address for address, _ in bastion.passed} == {f"127.26.0.{number}" for number in range(4)}
    assert {port for _, port in bastion.passed} == {host.port}
    assert bastion.ran == []


def test_a_bastions_faults_are_its_own(
    world: Any, servers: ModuleType, known: Known, look: Look, tmp_path: Path
) -> None:
    closed = world.serve(servers.Server("127.27.1.1"))
    host = world.serve(servers.Server("127.27.0.1", shell=ANSWERS))
    hosts = known(closed, host)
    got = look(bastioned(world, servers, hosts, host.port, closed), "127.27.0.1/32")
    assert reasons(got) == {host.address: "forbidden"} and "bastion" in got.failures[0].message
    hosts.write_text(host.known())
    got = look(bastioned(world, servers, hosts, host.port, closed), "127.27.0.1/32")
    assert reasons(got) == {host.address: "unknown_host_key"}
    assert got.failures[0].message.startswith(f"bastion {closed.address}: ")
    keyless = Bastion(closed.address, "auditor", closed.port, None, hosts)
    login = SshLogin("auditor", key=Secret("file", str(world.key)), port=host.port, bastion=keyless)
    got = look(login, "127.27.0.1/32")
    assert reasons(got) == {host.address: "no_credentials"}
    assert host.logins == []


def test_a_bastion_that_breaks_off_hides_no_host(
    world: Any, servers: ModuleType, known: Known, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Addresses that were asked for in vain are not taken for closed ones."""
    from probes.ssh import bastion as module

    bastion = world.serve(servers.Server("127.28.1.1", passes=True))
    host = world.serve(servers.Server("127.28.0.1"))
    through = module.through

    def cut(*arguments: Any) -> list[str]:
        world.cut(bastion)
        time.sleep(0.2)
        return through(*arguments)

    monkeypatch.setattr(module, "through", cut)
    got = look(bastioned(world, servers, known(bastion, host), host.port, bastion), "127.28.0.0/30")
    assert reasons(got) == {f"127.28.0.{number}": "unreachable" for number in range(4)}
    assert "broke off" in got.failures[0].message

"""Logging in with the real ssh client: to servers that let us in, to those that do not, and to what is none."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from probes.base import Stop
from probes.secrets import Secret
from probes.ssh.credentials import Missing, lay_out
from probes.ssh.entry import enter
from probes.ssh.options import Door
from probes.ssh.process import Running
from probes.ssh.said import Refused

CANARY = "canary-2f81-Passw0rd"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "private"
    place.mkdir(mode=0o700)
    return place


def knock(
    server: Any, folder: Path, *, seconds: float = 15, stop: Stop | None = None, **more: Any
) -> Running | Refused:
    """One login; what is asked for lies in the folder already."""
    secret = more.pop("secret", "")
    door = Door(**{"address": server.address, "port": server.port, "user": "auditor", "known_hosts": "known", **more})
    return asyncio.run(enter(door, "s", folder, secret=secret, seconds=seconds, stop=stop or Stop()))


def let_in(got: Running | Refused) -> None:
    assert isinstance(got, Running), got
    got.end()


def refused(got: Running | Refused) -> Refused:
    assert isinstance(got, Refused)
    return got


@pytest.fixture
def server(world: Any, servers: ModuleType, folder: Path) -> Any:
    made = world.serve(servers.Server("127.10.0.1"))
    (folder / "known").write_text(made.known())
    shutil.copy(world.key, folder / "key")
    return made


def test_the_connection_stands_until_it_is_ended(server: Any, folder: Path) -> None:
    got = knock(server, folder, key="key")
    assert isinstance(got, Running)
    argv = ["ssh", "-F", "none", "-S", "s", "-o", "ProxyCommand=false", "x", "echo there"]
    assert subprocess.run(argv, cwd=folder, capture_output=True, timeout=20).stdout == b"there\n"
    got.end()
    assert subprocess.run(argv, cwd=folder, capture_output=True, timeout=20).returncode == 255
    assert not Path(f"/proc/{got.process.pid}").exists()


def test_an_unknown_key_is_never_accepted(server: Any, folder: Path) -> None:
    (folder / "known").write_text("")
    got = refused(knock(server, folder, key="key"))
    assert got.reason == "unknown_host_key"
    assert server.fingerprint in got.message and "ssh-ed25519" in got.message
    # Nobody logged in, and nothing was learnt.
    assert server.logins == [] and (folder / "known").read_text() == ""


def test_a_changed_key_is_another_failure(server: Any, servers: ModuleType, folder: Path) -> None:
    other = servers.Server("127.10.0.1")
    (folder / "known").write_text(f"[{server.address}]:{server.port} {other.public}\n")
    got = refused(knock(server, folder, key="key"))
    assert got.reason == "changed_host_key"
    assert server.fingerprint in got.message
    assert server.logins == []


def test_a_refused_login_is_a_third(server: Any, folder: Path) -> None:
    got = refused(knock(server, folder, key="key", user="nobody-here"))
    assert got == Refused("login_refused", "the login is refused")


def test_the_operators_own_keys_and_agent_are_never_offered(
    server: Any, folder: Path, world: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    shutil.copy(world.key, home / ".ssh" / "id_ed25519")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    got = refused(knock(server, folder, key="not-there"))
    assert got.reason in ("no_credentials", "login_refused")
    assert server.logins == []


def test_a_password_goes_over_a_terminal_and_nowhere_else(world: Any, servers: ModuleType, folder: Path) -> None:
    server = world.serve(servers.Server("127.10.0.2", password=CANARY))
    (folder / "known").write_text(server.known())
    got = knock(server, folder, asks=True, secret=CANARY)
    assert isinstance(got, Running)
    try:
        process = Path(f"/proc/{got.process.pid}")
        assert CANARY.encode() not in (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        assert CANARY.encode() not in b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())
    finally:
        got.end()
    assert server.logins == [f"auditor {CANARY}"]


def test_a_wrong_password_is_tried_once(world: Any, servers: ModuleType, folder: Path) -> None:
    server = world.serve(servers.Server("127.10.0.2", password="right"))
    (folder / "known").write_text(server.known())
    got = refused(knock(server, folder, asks=True, secret=CANARY))
    assert got.reason == "login_refused" and CANARY not in got.message
    assert server.logins == [f"auditor {CANARY}"]


def test_a_key_with_a_passphrase_opens(server: Any, world: Any, folder: Path) -> None:
    shutil.copy(world.locked_key(CANARY), folder / "locked")
    let_in(knock(server, folder, key="locked", asks=True, secret=CANARY))


def test_a_wrong_passphrase_never_reaches_a_host(server: Any, world: Any, folder: Path) -> None:
    shutil.copy(world.locked_key("right"), folder / "locked")
    # Before any host is asked, credentials.lay_out() finds out; this is a key that was changed after that.
    got = refused(knock(server, folder, key="locked", asks=True, secret=CANARY))
    assert got.reason in ("no_credentials", "login_refused") and CANARY not in got.message
    assert CANARY not in "".join(server.logins)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("mute", "timed_out"),
        ("greets", "timed_out"),
        ("web", "bad_output"),
        ("flood", "too_much"),
        ("line", "too_much"),
        ("ancient", "bad_output"),
        ("garbage", "bad_output"),
        ("hangs_up", "unavailable"),
    ],
)
def test_what_is_no_server_has_a_named_failure(
    world: Any, servers: ModuleType, folder: Path, fault: str, reason: str
) -> None:
    port = world.fault(fault, "127.10.0.3")
    (folder / "known").write_text("")
    began, seconds = time.monotonic(), 1.5 if reason == "timed_out" else 30
    door = Door("127.10.0.3", port, "auditor", "known", "key")
    got = asyncio.run(enter(door, "s", folder, secret="", seconds=seconds, stop=Stop()))
    assert refused(got).reason == reason
    assert time.monotonic() - began < seconds + 5


def test_stop_ends_a_login_at_once(world: Any, folder: Path) -> None:
    port = world.fault("mute", "127.10.0.4")
    stop = Stop()
    threading.Timer(0.3, stop.set, ["asked for"]).start()
    began = time.monotonic()
    door = Door("127.10.0.4", port, "auditor", "", "key")
    got = asyncio.run(enter(door, "s", folder, secret="", seconds=60, stop=stop))
    assert got == Refused("stopped", "asked for")
    assert time.monotonic() - began < 1.5


def test_without_ssh_there_is_a_reason(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    got = asyncio.run(enter(Door("127.10.0.9", 1, "a", ""), "s", folder, secret="", seconds=5, stop=Stop()))
    assert refused(got).reason == "not_installed"


def prepare(folder: Path, **more: Any) -> Any:
    needs: dict[str, Any] = {
        "known_hosts": None,
        "key": None,
        "passphrase": None,
        "password": None,
        "stop": Stop(),
        **more,
    }
    return asyncio.run(lay_out(folder, "l0", **needs))


def missing(folder: Path, **more: Any) -> Refused:
    with pytest.raises(Missing) as caught:
        prepare(folder, **more)
    assert CANARY not in str(caught.value) and CANARY not in repr(caught.value)
    return caught.value.refused


def test_credentials_are_laid_out_without_a_copy_of_a_key(
    world: Any, folder: Path, key_of: Callable[[Path], Secret], tmp_path: Path
) -> None:
    (tmp_path / "known hosts %h").write_text("[127.0.0.1]:1 ssh-ed25519 AAAA\n")
    got = prepare(folder, key=key_of(world.key), known_hosts=tmp_path / "known hosts %h")
    assert (folder / got.key).is_symlink() and (folder / got.key).resolve() == world.key
    assert (folder / got.known_hosts).read_text().startswith("[127.0.0.1]:1")
    assert got.secret == ""


def test_a_passphrase_is_tried_here_and_not_on_hosts(
    world: Any, folder: Path, key_of: Callable[[Path], Secret], monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = world.locked_key("right")
    monkeypatch.setenv("LAB_PASSPHRASE", CANARY)
    got = missing(folder, key=key_of(locked), passphrase=Secret("env", "LAB_PASSPHRASE"))
    assert got.reason == "no_credentials" and "passphrase" in got.message


def test_a_locked_key_without_a_passphrase_is_told(
    world: Any, folder: Path, key_of: Callable[[Path], Secret]
) -> None:
    got = missing(folder, key=key_of(world.locked_key("right")))
    assert got.reason == "no_credentials" and "protected by a passphrase" in got.message


def test_keys_that_cannot_be_used_are_told(
    world: Any, folder: Path, key_of: Callable[[Path], Secret], tmp_path: Path
) -> None:
    assert missing(folder, key=key_of(tmp_path / "none")).reason == "no_credentials"
    open_to_all = tmp_path / "open"
    shutil.copy(world.key, open_to_all)
    open_to_all.chmod(0o644)
    (folder / "l0-known").unlink()
    got = missing(folder, key=key_of(open_to_all))
    assert "bad permissions" in got.message


def test_secrets_that_lead_nowhere_are_told(folder: Path, tmp_path: Path) -> None:
    got = missing(folder, password=Secret("env", "NO_SUCH_VARIABLE_HERE"))
    assert got == Refused("no_credentials", got.message) and "NO_SUCH_VARIABLE_HERE" in got.message
    (folder / "l0-known").unlink()
    got = missing(folder, known_hosts=tmp_path / "nowhere", password=Secret("env", "X"))
    assert got.reason == "no_credentials" and "known_hosts" in got.message


@pytest.mark.parametrize("text", [f"{CANARY}\n{CANARY}\n", f"{CANARY}\x03", f"{CANARY}\x7f", CANARY * 100])
def test_a_password_that_no_terminal_takes_is_told(folder: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text(text)
    assert missing(folder, password=Secret("file", str(tmp_path / "secret"))).reason == "no_credentials"


def test_a_login_without_a_key_and_a_password_is_none(folder: Path) -> None:
    assert missing(folder).reason == "no_credentials"


def test_a_password_beyond_ascii_goes_over_as_it_is(world: Any, servers: ModuleType, folder: Path) -> None:
    server = world.serve(servers.Server("127.10.0.2", password="口令 '\"$x"))
    (folder / "known").write_text(server.known())
    let_in(knock(server, folder, asks=True, secret=server.password))


def test_one_that_wants_more_than_a_password_is_told(world: Any, servers: ModuleType, folder: Path) -> None:
    server = world.serve(servers.Server("127.10.0.2", password=CANARY, asks="Verification code: "))
    (folder / "known").write_text(server.known())
    got = refused(knock(server, folder, asks=True, secret=CANARY, seconds=2))
    assert got.reason == "login_refused" and "more than a password" in got.message
    assert server.logins == [f"auditor {CANARY}"]


def test_one_that_asks_twice_gets_the_password_once(world: Any, servers: ModuleType, folder: Path) -> None:
    server = world.serve(servers.Server("127.10.0.2", password=CANARY, asks="Old password: "))
    (folder / "known").write_text(server.known())
    got = refused(knock(server, folder, asks=True, secret=CANARY))
    assert got == Refused("login_refused", "the login is refused")
    assert server.logins == [f"auditor {CANARY}"]


def test_nothing_is_left_running(world: Any) -> None:
    """Every login above was ended; only this process's own children are looked at."""
    mine = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "comm="], capture_output=True, text=True).stdout
    assert "ssh" not in mine.split()

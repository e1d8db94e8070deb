"""Canaries: a password, a passphrase and a key get into no file, process list, log or record, and no folder stays."""

from __future__ import annotations

import fcntl
import ipaddress
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from inventories.model import Collection
from probes.access import Bastion, SshLogin
from probes.ansible_run import folder as folder_module
from probes.ansible_run.folder import private_folder
from probes.ansible_run.tree import descendants
from probes.secrets import Secret

CANARY = "canary-9c41-Passw0rd"
RECORDED = Path(__file__).parent.parent / "data" / "inside" / "recorded-debian12.txt"
#: Time enough to look around while a host is read.
SLOWLY = ("/bin/sh", "-c", f"cat >/dev/null; sleep 0.7; cat '{RECORDED}'")

Look = Callable[..., Collection]


class Watcher:
    """Looks at every process below this one, and at every file in some folders, for words that must not be there."""

    def __init__(self, words: list[bytes], folders: list[Path]) -> None:
        self.words, self.folders = words, folders
        self.found: list[str] = []
        self.looked: set[str] = set()
        self.files = 0

    def look(self) -> None:
        for pid in descendants(os.getpid()):
            for name in ("cmdline", "environ"):
                self._look(Path(f"/proc/{pid}/{name}"))
        for folder in list(self.folders):
            # It goes on where a folder goes away meanwhile.
            for place, _, names in os.walk(folder):
                for path in (Path(place) / name for name in names):
                    # A link leads to the site's own file; a socket or a pipe holds nothing.
                    if path.is_file() and not path.is_symlink():
                        self.files += 1
                        self._look(path)

    def _look(self, path: Path) -> None:
        try:
            content = path.read_bytes()
        except OSError:
            return
        if path.name == "cmdline":
            self.looked.add(content.split(b"\0")[0].decode())
        if any(word in content for word in self.words):
            self.found.append(str(path))


@contextmanager
def watching(words: list[bytes], folders: list[Path]) -> Iterator[Watcher]:
    watcher, done = Watcher(words, folders), threading.Event()

    def go() -> None:
        while not done.is_set():
            watcher.look()
            time.sleep(0.01)

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield watcher
    finally:
        done.set()
        thread.join()


def test_no_secret_is_anywhere_while_hosts_are_read(
    world: Any,
    servers: ModuleType,
    known: Callable[..., Path],
    look: Look,
    folders: list[Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    by_password = world.serve(servers.Server("127.29.0.1", password=CANARY, shell=SLOWLY))
    refusing = world.serve(servers.Server("127.29.0.2", password="other"), by_password.port)
    by_key = world.serve(servers.Server("127.29.0.3", shell=SLOWLY), by_password.port)
    bastion = world.serve(servers.Server("127.29.1.1", passes=True))
    behind = world.serve(servers.Server("127.29.0.4", shell=SLOWLY), by_password.port)
    hosts = known(by_password, refusing, by_key, bastion, behind)
    (tmp_path / "secret").write_text(CANARY + "\n")
    secret = Secret("file", str(tmp_path / "secret"))
    monkeypatch.setenv("LAB_CANARY", CANARY)
    locked = world.locked_key(CANARY)
    body = locked.read_bytes().splitlines()[3]
    more: dict[str, Any] = {"port": by_password.port, "known_hosts": hosts, "path": "raw"}
    way = Bastion(bastion.address, "auditor", bastion.port, Secret("file", str(world.key)), hosts)
    key = Secret("file", str(locked))

    def prefix(address: str) -> Any:
        return (ipaddress.ip_network(f"{address}/32"),)

    logins = (
        SshLogin("auditor", key=key, passphrase=secret, prefixes=prefix(by_key.address), **more),
        SshLogin("auditor", key=key, passphrase=secret, prefixes=prefix(behind.address), bastion=way, **more),
        SshLogin("auditor", password=Secret("env", "LAB_CANARY"), **more),
    )
    words = [CANARY.encode(), body, world.key.read_bytes().splitlines()[2]]
    with watching(words, folders) as watcher:
        got = look(logins, "127.29.0.0/29")
    assert len(got.observations) == 3
    assert [failure.reason for failure in got.failures] == ["login_refused"]
    assert watcher.found == []
    # It did look: at logins, at Ansible, at what lies in the folders.
    assert watcher.looked >= {"ssh", "ssh-keygen", sys.executable} and watcher.files > 10
    assert by_password.logins == [f"auditor {CANARY}"]
    assert CANARY not in repr(got) + repr(logins) + caplog.text and body.decode() not in repr(got) + caplog.text
    assert folders and not any(folder.exists() for folder in folders)


_AUDIT = """
import ipaddress, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from inventories.places import Zone
from probes.access import Access, SshLogin
from probes.base import Context, Stop
from probes.scope import Permit, Profile
from probes.secrets import Secret
from probes.ssh.probe import SshProbe

address, port, key, known, workdir = sys.argv[1:]
nets = (ipaddress.ip_network(address),)
login = SshLogin("auditor", key=Secret("file", key), port=int(port), known_hosts=Path(known), path="raw")
now = datetime.now(UTC)
permit = Permit(
    Zone("a", "x", "v", "department", nets), nets, (), Profile("t", 1000, 2, 60, (22,)), ("d",),
    now + timedelta(hours=1), access=Access(ssh=(login,)),
)
(shard,) = SshProbe().shards(permit)
SshProbe().collect(shard, Context(permit, Path(workdir), Stop(), lambda: now))
"""


def test_an_audit_that_is_killed_leaves_nobody_logged_in(
    world: Any, servers: ModuleType, known: Callable[..., Path], tmp_path: Path
) -> None:
    host = world.serve(servers.Server("127.30.0.1", shell=("/bin/sh", "-c", "exec sleep 60")))
    (tmp_path / "workdir").mkdir()
    arguments = [f"{host.address}/32", str(host.port), str(world.key), str(known(host)), str(tmp_path / "workdir")]
    audit = subprocess.Popen([sys.executable, "-c", _AUDIT, *arguments])
    try:
        wait(lambda: bool(host.ran))
        left = [(pid, identity(pid)) for pid in descendants(audit.pid)]
        assert len(left) > 2
        place = Path(f"/proc/{left[0][0]}/cwd").readlink()
    finally:
        audit.send_signal(signal.SIGKILL)
        audit.wait()
    wait(lambda: not any(one is not None and identity(pid) == one for pid, one in left))
    # No process could remove the folder; the next audit does, and only where nobody holds it.
    place = next(folder for folder in (place, *place.parents) if folder.name.startswith("auditor-"))
    assert place.exists() and not any(path.is_dir() for path in place.iterdir())
    os.utime(place, (0, 0))
    folder_module._remove_left(place.parent)
    assert not place.exists()


def wait(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not ready() and time.monotonic() < end:
        time.sleep(0.02)
    assert ready()


def identity(pid: int) -> bytes | None:
    """When a process began: another one with the same number is another one. None for one that is gone."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if state in (b"Z", b"X") else rest[18]


def test_the_folder_is_private_in_memory_and_gone_afterwards(tmp_path: Path) -> None:
    with private_folder(tmp_path, {}) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        if Path("/dev/shm").is_mount():
            assert folder.parent == Path("/dev/shm")
        (folder / "a").mkdir()
        (folder / "a" / "b").write_text("x")
    assert not folder.exists()
    with pytest.raises(KeyError), private_folder(tmp_path, {}) as folder:
        raise KeyError
    assert not folder.exists()


def test_without_a_tmpfs_it_lies_in_the_shards_folder(tmp_path: Path) -> None:
    workdir = tmp_path / "workdir"
    workdir.mkdir()
    on_disk = tmp_path / "disk"
    on_disk.mkdir()
    for shared, runtime in ((tmp_path / "none", ""), (on_disk, str(on_disk)), (tmp_path / "none", "relative")):
        with private_folder(workdir, {"XDG_RUNTIME_DIR": runtime}, shared) as folder:
            assert folder.parent == workdir
        assert list(workdir.iterdir()) == list(on_disk.iterdir()) == []


def test_only_folders_that_nobody_holds_are_removed(tmp_path: Path) -> None:
    for name in ("auditor-old", "auditor-held", "auditor-young", "other-old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
        if "young" not in name:
            os.utime(tmp_path / name, (0, 0))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "auditor-link").symlink_to(elsewhere)
    handle = os.open(tmp_path / "auditor-held", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        folder_module._remove_left(tmp_path)
    finally:
        os.close(handle)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"auditor-held", "auditor-young", "auditor-link", "other-old", "elsewhere"}

"""What the tests of the SSH probe share: servers of their own, and logins to them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from inventories.model import Collection
from probes.access import Access, SshLogin
from probes.ansible_run import folder as folder_module
from probes.base import Context, Stop
from probes.scope import Permit
from probes.secrets import Secret
from probes.ssh.probe import SshProbe


@pytest.fixture(scope="session")
def servers() -> ModuleType:
    """SSH servers in this process, and things that are none."""
    name = "ssh_servers"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("servers.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def world(servers: ModuleType, tmp_path: Path) -> Iterator[Any]:
    """A running set of servers."""
    folder = tmp_path / "world"
    folder.mkdir()
    with servers.Servers(folder) as running:
        yield running


@pytest.fixture
def known(tmp_path: Path) -> Callable[..., Path]:
    """``known(server, …)`` is a known_hosts file that names them."""

    def write(*servers: Any) -> Path:
        path = tmp_path / "known_hosts"
        path.write_text("".join(server.known() for server in servers))
        return path

    return write


@pytest.fixture
def with_login(permit_of: Callable[..., Permit]) -> Callable[..., Permit]:
    """``with_login(login, "127.0.0.2/32", …)`` → a permit that gives the SSH probe this login."""

    def make(login: SshLogin | tuple[SshLogin, ...], *prefixes: str, **more: Any) -> Permit:
        logins = login if isinstance(login, tuple) else (login,)
        return replace(permit_of(*prefixes, **more), access=Access(ssh=logins))

    return make


@pytest.fixture
def key_of() -> Callable[[Path], Secret]:
    return lambda path: Secret("file", str(path))


@pytest.fixture
def look(tmp_path: Path, now: Callable[[], datetime], with_login: Callable[..., Permit]) -> Callable[..., Collection]:
    """``look(login, "127.0.0.2/32", stop=…)`` → everything that the probe says of these addresses."""

    def go(
        login: SshLogin | tuple[SshLogin, ...],
        *prefixes: str,
        stop: Stop | None = None,
        report: Callable[[str], None] = lambda _text: None,
        **more: Any,
    ) -> Collection:
        permit = with_login(login, *prefixes, **more)
        workdir = tmp_path / "workdir"
        workdir.mkdir(exist_ok=True)
        context = Context(permit, workdir, stop or Stop(), now, report)
        got = [SshProbe().collect(shard, context) for shard in SshProbe().shards(permit)]
        assert list(workdir.iterdir()) == []
        return Collection(
            tuple(seen for one in got for seen in one.observations),
            tuple(covered for one in got for covered in one.coverage),
            tuple(failure for one in got for failure in one.failures),
        )

    return go


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every private folder that was made; nobody else's, whatever runs beside this."""
    made: list[Path] = []
    make = folder_module.tempfile.mkdtemp

    def spy(*args: Any, **more: Any) -> str:
        name: str = make(*args, **more)
        made.append(Path(name))
        return name

    monkeypatch.setattr(folder_module.tempfile, "mkdtemp", spy)
    return made

"""What the tests of the SSH probe share: servers of their own, and logins to them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from probes.access import Access, SshLogin
from probes.scope import Permit
from probes.secrets import Secret


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

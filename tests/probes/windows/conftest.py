"""What the tests of the Windows probe share: synthetic servers, and permits with logins to them."""

from __future__ import annotations

import importlib.util
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from probes.access import Access, WindowsLogin
from probes.scope import Permit
from probes.secrets import Secret


def load(name: str, path: Path) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def wsman() -> ModuleType:
    """WinRM servers in this process: synthetic."""
    return load("windows_wsman", Path(__file__).with_name("wsman.py"))


@pytest.fixture(scope="session")
def ssh_servers() -> ModuleType:
    """SSH servers in this process."""
    return load("ssh_servers", Path(__file__).parent.parent / "ssh" / "servers.py")


@pytest.fixture
def canary() -> str:
    """A password that no other test has: others run beside this one."""
    return f"Canary-{uuid.uuid4().hex}!"


@pytest.fixture
def secret(tmp_path: Path, canary: str) -> Secret:
    """The canary in a file, so that it stands in no environment."""
    path = tmp_path / "secret" / "password"
    path.parent.mkdir(mode=0o700)
    path.write_text(canary + "\n")
    return Secret("file", str(path))


@pytest.fixture
def serve(
    wsman: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, canary: str
) -> Iterator[Callable[..., Any]]:
    """``serve("127.44.1.1", answer, port=…, manner=…)`` → a running server that takes the canary; gone afterwards."""
    folder = tmp_path / "servers"
    folder.mkdir()
    users = folder / "users"
    users.write_text(f":{wsman.USER}:{canary}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    with ExitStack() as stack:
        yield lambda *words, **more: stack.enter_context(wsman.Wsman(folder, *words, **more))


@pytest.fixture
def trusting(tmp_path: Path) -> Callable[..., Path]:
    """``trusting(server, …)`` is a file with their certificates."""

    def write(*servers: Any) -> Path:
        path = tmp_path / "ca.pem"
        path.write_text("".join(server.public for server in servers))
        return path

    return write


@pytest.fixture
def with_login(permit_of: Callable[..., Permit]) -> Callable[..., Permit]:
    """``with_login(login, "127.44.1.1/32", …)`` → a permit that gives the Windows probe this login, or these."""

    def make(login: WindowsLogin | tuple[WindowsLogin, ...], *prefixes: str, **more: Any) -> Permit:
        logins = login if isinstance(login, tuple) else (login,)
        return replace(permit_of(*prefixes, **more), access=Access(windows=logins))

    return make

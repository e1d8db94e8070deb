"""What the tests of the openstack probe share: a replayed cloud, and a look at it by the road of an audit."""

from __future__ import annotations

import importlib.util
import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from inventories.model import Collection, Observation
from inventories.places import Zone
from probes.access import Access, OpenstackAccess
from probes.base import Stop
from probes.openstack_cloud.probe import OpenstackProbe
from probes.profiles import PROFILES
from probes.run import run_probes
from probes.scope import Permit
from probes.secrets import Secret

#: Neither may ever be seen outside the cloud's own answers.
PASSWORDS = {"city-admin": "canary-admin-91c4", "city-reader": "canary-reader-91c4"}
PREFIXES = ("127.0.0.1/32", "10.20.0.0/16", "203.0.113.0/24")


@pytest.fixture(scope="session")
def replays() -> ModuleType:
    name = "openstack_replay"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("replay.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def replay(replays: ModuleType) -> Iterator[Callable[..., Any]]:
    """``replay(page=3)`` starts a cloud on 127.0.0.1; all are ended after the test."""
    with ExitStack() as stack:

        def start(address: str = "127.0.0.1", **more: Any) -> Any:
            return stack.enter_context(replays.Replay(address, users=PASSWORDS, **more))

        yield start


@pytest.fixture
def permit(tmp_path: Path) -> Callable[..., Permit]:
    """``permit(cloud, "city-admin", regions=("gov-1",))`` → leave to read a cloud as one of its users."""

    def make(
        replayed: Any,
        user: str = "city-admin",
        /,
        *,
        prefixes: tuple[str, ...] = PREFIXES,
        kind: str = "government_cloud",
        auth_url: str = "",
        until: datetime | None = None,
        **settings: Any,
    ) -> Permit:
        file = tmp_path / f"{user}.secret"
        file.write_text(PASSWORDS.get(user, "none"))
        login = {"user": user, "password": Secret.parse(f"file:{file}"), "cloud": "ZWY-01", **settings}
        access = Access(openstack=(OpenstackAccess(auth_url=auth_url or replayed.auth_url, **login),))
        networks = tuple(ipaddress.ip_network(text) for text in prefixes)
        zone = Zone("gov", "政务云", "cloud", kind, networks, cloud_code="ZWY-01")
        end = until or datetime.now(UTC) + timedelta(hours=1)
        return Permit(zone, networks, (), PROFILES["fast"], ("批复",), end, access=access)

    return make


@pytest.fixture
def look(permit: Callable[..., Permit], tmp_path: Path) -> Callable[..., Collection]:
    """``look(cloud, "city-admin")`` → what the probe brings home."""

    def see(replayed: Any, user: str = "city-admin", /, *, stop: Stop | None = None, **settings: Any) -> Collection:
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        got = run_probes(
            [OpenstackProbe()],
            [permit(replayed, user, **settings)],
            workdir=work,
            stop=stop or Stop(),
            now=lambda: datetime.now(UTC),
        )
        assert list(work.iterdir()) == []
        return got

    return see


class Canary:
    """Listens where nobody may come, and counts who does."""

    def __init__(self, address: str) -> None:
        self.socket = socket.create_server((address, 0))
        self.address, self.port = self.socket.getsockname()[:2]
        self.met = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.met += 1
            connection.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    """A listener on an address that no permit of these tests names."""
    made = Canary("127.0.0.66")
    yield made
    made.socket.close()


@pytest.fixture
def hosts() -> Callable[[Collection], dict[str, tuple[Observation, Mapping[str, Any]]]]:
    """Name → observation and its facts, of everything with a name."""

    def by_name(collection: Collection) -> dict[str, tuple[Observation, Mapping[str, Any]]]:
        out = {}
        for one in collection.observations:
            facts = {fact.column: fact.value for fact in one.facts}
            assert len(facts) == len(one.facts)
            out[facts.get("name", one.kind)] = (one, facts)
        return out

    return by_name


@pytest.fixture
def said() -> Callable[[Collection], list[tuple[str, tuple[str, ...]]]]:
    """Reason and scope of each failure."""
    return lambda collection: [(failure.reason, failure.scope) for failure in collection.failures]

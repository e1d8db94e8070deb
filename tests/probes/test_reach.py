"""The connect sweep, against real sockets on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from probes.base import Stop
from probes.reach import reach


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.9.3.1", 0)) as server:
        yield server


def test_open_and_refusing_addresses_are_told_apart(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    found = reach(["127.9.3.1", "127.9.3.2"], [port], rate=1000, stop=Stop())
    assert found.open == {"127.9.3.1": (port,)}
    assert found.refused == {"127.9.3.2"}
    assert found.asked == ("127.9.3.1", "127.9.3.2")
    assert not found.silent and not found.unreached


def test_nothing_but_a_connection_is_made(listener: socket.socket) -> None:
    reach(["127.9.3.1"], [listener.getsockname()[1]], rate=1000, stop=Stop())
    peer, _address = listener.accept()
    with peer:
        assert peer.recv(100) == b""


def test_a_name_is_never_looked_up() -> None:
    found = reach(["localhost.invalid"], [80], rate=1000, stop=Stop())
    assert not found.open


def test_the_rate_is_kept() -> None:
    began = time.monotonic()
    reach([f"127.9.4.{i}" for i in range(1, 41)], [1], rate=40, stop=Stop())
    assert time.monotonic() - began >= 0.9


def test_stop_leaves_the_rest_unasked() -> None:
    stop = Stop()
    threading.Timer(0.3, lambda: stop.set("stopped")).start()
    found = reach([f"127.9.5.{i}" for i in range(1, 250)], [1], rate=50, stop=stop)
    assert 0 < len(found.asked) < 200


def test_a_networks_own_broadcast_address_is_nobodys_and_no_failure() -> None:
    found = reach(["127.255.255.255"], [80], rate=1000, stop=Stop())
    assert found.silent == {"127.255.255.255"} and not found.unreached

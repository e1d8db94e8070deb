"""Servers that hang, drip, hang up or never end, and the wish to stop amid all that."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from inventories.model import Collection
from probes.base import Stop
from probes.vsphere import wire
from probes.vsphere.patience import Patience

MACHINES = ("RetrievePropertiesEx", "VirtualMachine")


def reasons(got: Collection) -> list[str]:
    return [failure.reason for failure in got.failures]


# --- the line -------------------------------------------------------------------------------------------------------


def hang(handler: Any) -> None:
    """Says nothing until the other side has gone, or for good."""
    handler.connection.settimeout(8)
    with contextlib.suppress(OSError):
        handler.connection.recv(1)


def drip(handler: Any) -> None:
    """A byte at a time, so that it is never silent for long."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(100):
            handler.wfile.write(b" ")
            time.sleep(0.1)


def interim(handler: Any) -> None:
    """Announces an answer for ever."""
    until = time.monotonic() + 8
    with contextlib.suppress(OSError):
        while time.monotonic() < until:
            handler.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 50)
            time.sleep(0.02)


def reset(handler: Any) -> None:
    """Closes so hard that the other side is told."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def cut(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<?xml version='1.0'?><a>")


@pytest.mark.parametrize(
    ("act", "reason"),
    [(hang, "timed_out"), (drip, "timed_out"), (interim, "timed_out"), (reset, "unreachable"), (cut, "bad_output")],
)
def test_a_line_that_fails_in_the_midst(lab: Any, act: Callable[[Any], None], reason: str) -> None:
    server = lab.start()
    server.answers = lab.only("ContinueRetrievePropertiesEx", "3", lab.Reply(act=act))
    began = time.monotonic()
    got = lab.look(server)
    assert time.monotonic() - began < 6
    assert reasons(got) == [reason]
    assert {"cz-web-01", "esx-1.example"} <= lab.names(got) and got.coverage == ()
    assert lab.cloud(got)["hosts_total"] == 2 and "vms_total" not in lab.cloud(got)
    assert server.methods[-1] == "Logout"


def test_a_server_that_closes_after_every_answer(lab: Any) -> None:
    server = lab.start()

    def answers(asked: Any) -> Any:
        reply = server.recorded(asked)
        return lab.Reply(reply.body, reply.status, {**reply.headers, "Connection": "close"})

    server.answers = answers
    got = lab.look(server)
    assert got.failures == () and len(got.coverage) == 1
    assert server.dialled == len(server.seen)


def test_nobody_at_home(lab: Any) -> None:
    server = lab.start()
    access = lab.access(server)
    server.shutdown()
    server.server_close()
    got = lab.look(server, endpoint=access.endpoint)
    assert reasons(got) == ["unreachable"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "login_refused"), (403, "forbidden"), (429, "throttled"), (503, "unavailable"), (404, "bad_output")],
)
def test_http_says_no(lab: Any, status: int, reason: str) -> None:
    server = lab.start()
    server.answers = lab.only(*MACHINES, lab.Reply(b"<html>", status))
    got = lab.look(server)
    assert reasons(got) == [reason] and got.coverage == ()
    assert "esx-1.example" in lab.names(got)


# --- stopping -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", [hang, drip])
def test_stop_is_heard_while_a_server_is_silent(lab: Any, act: Callable[[Any], None]) -> None:
    server, stop = lab.start(), Stop()

    def answers(asked: Any) -> Any:
        if asked.method != "ContinueRetrievePropertiesEx":
            return None
        threading.Timer(0.2, stop.set, ("interrupted",)).start()
        return lab.Reply(act=act)

    server.answers = answers
    began = time.monotonic()
    got = lab.look(server, stop=stop, patience=Patience(silence=30.0, answer=30.0, leave=0.5))
    assert time.monotonic() - began < 3
    assert reasons(got) == ["stopped"] and got.coverage == ()
    assert got.failures[0].message.startswith("interrupted")
    assert server.methods[-1] == "Logout"


def test_stop_between_pages_gives_everything_back(lab: Any) -> None:
    server, stop = lab.start(), Stop()

    def answers(asked: Any) -> Any:
        if asked.key == MACHINES:
            stop.set("stop was asked for")
        return None

    server.answers = answers
    got = lab.look(server, stop=stop)
    assert reasons(got) == ["stopped"]
    assert server.methods[-3:] == ["CancelRetrievePropertiesEx", "DestroyView", "Logout"]
    assert [a for a in server.seen[-6:] if a.method == "ContinueRetrievePropertiesEx"] == []


def test_stop_before_anything_was_asked(lab: Any) -> None:
    server, stop = lab.start(), Stop()
    stop.set("interrupted")
    assert reasons(lab.look(server, stop=stop)) == ["stopped"]
    assert server.seen == []


def test_stop_is_heard_while_nobody_takes_the_call(lab: Any) -> None:
    """A listener whose queue is full answers no call: connecting hangs."""
    with socket.create_server(("127.66.0.2", 0), backlog=0) as full:
        port = full.getsockname()[1]
        taken = [socket.socket() for _ in range(4)]
        for sock in taken:
            sock.setblocking(False)
            sock.connect_ex(("127.66.0.2", port))
        stop = Stop()
        threading.Timer(0.2, stop.set, ("interrupted",)).start()
        began = time.monotonic()
        got = lab.look(lab.start(), stop=stop, endpoint=f"https://127.66.0.2:{port}")
        for sock in taken:
            sock.close()
    assert reasons(got) == ["stopped"] and time.monotonic() - began < 2


# --- too much -------------------------------------------------------------------------------------------------------


def test_an_answer_without_end(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST_BYTES", 50_000)
    server = lab.start()
    sent: list[int] = []

    def giant(handler: Any) -> None:
        with contextlib.suppress(OSError):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(100_000):
                handler.wfile.write(b"10000\r\n" + b"<a>" + b" " * 65533 + b"\r\n")
                sent.append(65536)

    server.answers = lab.only("ContinueRetrievePropertiesEx", "3", lab.Reply(act=giant))
    got = lab.look(server)
    assert reasons(got) == ["too_much"] and got.coverage == ()
    assert sum(sent) < 20_000_000
    assert "cz-web-01" in lab.names(got)

"""What a vCenter and the line to it may do in the midst of a look: a named failure each, and what was read stays."""

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


def reasons(got: Collection) -> list[str]:
    return [failure.reason for failure in got.failures]


def names(got: Collection) -> set[str]:
    return {str(f.value) for o in got.observations for f in o.facts if f.column == "name"}


def cloud(got: Collection) -> dict[str, Any]:
    (found,) = [o for o in got.observations if o.kind == "cloud"]
    return {fact.column: fact.value for fact in found.facts}


def only(method: str, about: str, reply: Any, *, times: int = 99) -> Callable[[Any], Any]:
    """Answers one question of a kind with ``reply``, or with what it gives for the question, so many times."""
    left = [times]

    def answers(asked: Any) -> Any:
        if asked.key != (method, about) or not left[0]:
            return None
        left[0] -= 1
        return reply(asked) if callable(reply) else reply

    return answers


MACHINES = ("RetrievePropertiesEx", "VirtualMachine")


# --- logging in -----------------------------------------------------------------------------------------------------


def test_a_refused_login(lab: Any) -> None:
    server = lab.start()
    server.answers = only("Login", "", lab.fault("InvalidLogin"))
    got = lab.look(server)
    assert reasons(got) == ["login_refused"]
    assert (got.observations, got.coverage) == ((), ())
    assert got.failures[0].scope == (server.url,)
    # Once: a directory locks an account after a few attempts. And who is not logged in has nothing to end.
    assert server.methods.count("Login") == 1
    assert "Logout" not in server.methods


@pytest.mark.parametrize(("fault", "reason"), [("NoPermission", "forbidden"), ("NotSupported", "bad_output")])
def test_a_login_that_ends_otherwise(lab: Any, fault: str, reason: str) -> None:
    server = lab.start()
    server.answers = only("Login", "", lab.fault(fault))
    assert reasons(lab.look(server)) == [reason]


def test_a_password_that_is_not_there(lab: Any, tmp_path: Any) -> None:
    from probes.secrets import Secret

    server = lab.start()
    got = lab.look(server, password=Secret("file", str(tmp_path / "nothing")))
    assert reasons(got) == ["no_credentials"]
    assert "Login" not in server.methods


# --- the session ends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "about"),
    [
        ("CreateContainerView", "HostSystem"),
        ("RetrievePropertiesEx", "Datastore"),
        MACHINES,
        ("ContinueRetrievePropertiesEx", "3"),
        ("ContinueRetrievePropertiesEx", "4"),
        ("RetrievePropertiesEx", "VirtualMachine devices"),
    ],
)
def test_a_session_that_ends_is_opened_once_more(lab: Any, method: str, about: str) -> None:
    server = lab.start()
    whole = lab.look(lab.start())
    server.answers = only(method, about, lab.expired(), times=1)
    got = lab.look(server)
    assert got.failures == ()
    assert server.methods.count("Login") == 2
    assert len(got.coverage) == 1
    # Nothing twice and nothing lost, whichever page it was.
    assert names(got) == names(whole) and len(got.observations) == len(whole.observations)
    assert (cloud(got)["hosts_total"], cloud(got)["vms_total"]) == (2, 6)


def test_a_session_that_ends_again(lab: Any) -> None:
    server = lab.start()
    server.answers = only("ContinueRetrievePropertiesEx", "3", lab.expired())
    got = lab.look(server)
    assert reasons(got) == ["session_expired"]
    assert "virtual machines" in got.failures[0].message
    assert got.coverage == ()
    assert {"cz-web-01", "esx-1.example"} <= names(got) and "no-tools" not in names(got)
    assert cloud(got)["hosts_total"] == 2 and "vms_total" not in cloud(got)
    assert server.methods.count("Login") == 2


def test_a_login_that_is_refused_the_second_time(lab: Any) -> None:
    server = lab.start()

    def answers(asked: Any) -> Any:
        if asked.method == "ContinueRetrievePropertiesEx":
            return lab.expired()
        return lab.fault("InvalidLogin") if asked.method == "Login" and server.methods.count("Login") > 1 else None

    server.answers = answers
    assert reasons(lab.look(server)) == ["login_refused"]


def test_a_server_that_hides_every_property_because_nobody_is_logged_in(lab: Any) -> None:
    """The session's end may also be said of each property of each object."""
    server = lab.start()
    missing = (
        "<missingSet><path>name</path><fault><fault xsi:type='NotAuthenticated'><object type='Datastore'>ds</object>"
        "<privilegeId>System.Read</privilegeId></fault><localizedMessage></localizedMessage></fault></missingSet></objects>"
    )

    def nobody(asked: Any) -> Any:
        return server.changed(asked, ("</objects>", missing))

    server.answers = only("RetrievePropertiesEx", "Datastore", nobody, times=1)
    got = lab.look(server)
    assert got.failures == () and server.methods.count("Login") == 2


# --- rights ---------------------------------------------------------------------------------------------------------


def denied(*paths: str) -> str:
    """Properties that a login may not read, as they stand in an object of a page."""
    why = (
        "<fault><fault xsi:type='NoPermission'><object type='VirtualMachine'>vm-1</object>"
        "<privilegeId>System.Read</privilegeId></fault><localizedMessage></localizedMessage></fault>"
    )
    return "".join(f"<missingSet><path>{path}</path>{why}</missingSet>" for path in paths)


def test_objects_that_may_not_be_read(lab: Any) -> None:
    server = lab.start()

    def answers(asked: Any) -> Any:
        reply = server.recorded(asked)
        text = reply.body.decode()
        if asked.key != ("ContinueRetrievePropertiesEx", "4"):
            return reply
        head, start, rest = text.partition("<propSet>")
        cut = head + denied("config.uuid", "config.instanceUuid") + rest[rest.rindex("</propSet>") + 10 :]
        assert start
        return lab.Reply(cut.encode())

    server.answers = answers
    got = lab.look(server)
    assert reasons(got) == ["forbidden"]
    assert "virtual machines: 1 " in got.failures[0].message
    assert got.coverage == ()
    assert "cz-web-01" in names(got) and "vms_total" not in cloud(got)
    assert cloud(got)["hosts_total"] == 2


def test_a_kind_that_may_not_be_listed(lab: Any) -> None:
    server = lab.start()
    server.answers = only("RetrievePropertiesEx", "Datastore", lab.fault("NoPermission"))
    got = lab.look(server)
    assert reasons(got) == ["forbidden"] and got.coverage == ()
    assert "datastores" not in cloud(got) and cloud(got)["vms_total"] == 6
    assert "off" in names(got)


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("HasPrivilegeOnEntities", ("<isGranted>true</isGranted>", "<isGranted>false</isGranted>")),
        ("RetrieveEntityPermissions", ("<propagate>true</propagate>", "<propagate>false</propagate>")),
    ],
)
def test_a_login_that_is_not_shown_everything(lab: Any, method: str, change: tuple[str, str]) -> None:
    server = lab.start()
    server.answers = lambda asked: server.changed(asked, change) if asked.method == method else None
    got = lab.look(server)
    assert reasons(got) == ["forbidden"] and got.coverage == ()
    assert "cz-web-01" in names(got)
    # So many at least; how many in all, nobody can tell.
    assert not {"hosts_total", "vms_total"} & cloud(got).keys()


@pytest.mark.parametrize("method", ["HasPrivilegeOnEntities", "RetrieveEntityPermissions"])
def test_a_server_that_does_not_say_what_it_shows(lab: Any, method: str) -> None:
    server = lab.start()
    server.answers = lambda asked: lab.fault("NotSupported") if asked.method == method else None
    got = lab.look(server)
    assert reasons(got) == ["forbidden"] and got.coverage == ()


# --- the inventory --------------------------------------------------------------------------------------------------


def test_a_host_that_does_not_answer_the_platform(lab: Any) -> None:
    server = lab.start()

    def answers(asked: Any) -> Any:
        reply = server.recorded(asked)
        if asked.key != ("RetrievePropertiesEx", "HostSystem"):
            return reply
        head, _between, tail = reply.body.decode().partition(">connected<")
        return lab.Reply(f"{head}>notResponding<{tail}".encode())

    server.answers = answers
    got = lab.look(server)
    assert reasons(got) == ["unreachable"]
    assert "esx-1.example" in got.failures[0].message
    assert got.coverage == ()
    (host,) = [o for o in got.observations if ("name", "esx-1.example") in {(f.column, f.value) for f in o.facts}]
    columns = {fact.column for fact in host.facts}
    assert "power_state" not in columns and {"vendor", "serial", "is_physical"} <= columns


def test_a_property_that_an_old_version_does_not_know(lab: Any) -> None:
    server = lab.start()
    unknown = {
        "config.createDate": "VirtualMachine",
        "hardware.systemInfo.serialNumber": "HostSystem",
        "guest.net": "VirtualMachine",
    }

    def answers(asked: Any) -> Any:
        for path, kind in unknown.items():
            if asked.key == ("RetrievePropertiesEx", kind) and f">{path}<".encode() in asked.body:
                return lab.fault("InvalidProperty", f"<name>{path}</name>")
        return None

    server.answers = answers
    got = lab.look(server)
    assert got.failures == () and len(got.coverage) == 1
    assert "cz-web-01" in names(got)
    assert len([a for a in server.seen if a.key == MACHINES]) == 3


def test_a_server_that_knows_no_property_at_all(lab: Any) -> None:
    server = lab.start()
    server.answers = lambda asked: (
        lab.fault("InvalidProperty", "<name>name</name>") if asked.method == "RetrievePropertiesEx" else None
    )
    got = lab.look(server)
    assert set(reasons(got)) == {"bad_output"} and got.coverage == ()


def test_pages_that_never_end(lab: Any) -> None:
    server = lab.start()
    first: list[Any] = []

    def answers(asked: Any) -> Any:
        if asked.key == MACHINES:
            first.append(server.recorded(asked))
            return first[0]
        if asked.key == ("ContinueRetrievePropertiesEx", "3"):
            body = first[0].body.replace(b"RetrievePropertiesExResponse", b"ContinueRetrievePropertiesExResponse")
            return lab.Reply(body)
        return None

    server.answers = answers
    got = lab.look(server)
    assert reasons(got) == ["looping"] and "virtual machines" in got.failures[0].message
    assert len(server.asked("ContinueRetrievePropertiesEx")) == 3
    assert {"cz-web-01", "cz-web-02"} <= names(got) and got.coverage == ()
    # What was left open is taken back.
    assert "CancelRetrievePropertiesEx" in server.methods


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
    server.answers = only("ContinueRetrievePropertiesEx", "3", lab.Reply(act=act))
    began = time.monotonic()
    got = lab.look(server)
    assert time.monotonic() - began < 6
    assert reasons(got) == [reason]
    assert {"cz-web-01", "esx-1.example"} <= names(got) and got.coverage == ()
    assert cloud(got)["hosts_total"] == 2 and "vms_total" not in cloud(got)
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
    server.answers = only(*MACHINES, lab.Reply(b"<html>", status))
    got = lab.look(server)
    assert reasons(got) == [reason] and got.coverage == ()
    assert "esx-1.example" in names(got)


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

    server.answers = only("ContinueRetrievePropertiesEx", "3", lab.Reply(act=giant))
    got = lab.look(server)
    assert reasons(got) == ["too_much"] and got.coverage == ()
    assert sum(sent) < 20_000_000
    assert "cz-web-01" in names(got)

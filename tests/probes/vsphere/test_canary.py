"""A password that is told to the server it is meant for, once, and to nothing and nobody else."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from inventories.codec import collection_to_json
from inventories.model import Collection
from probes.secrets import Secret
from probes.vsphere.probe import VsphereProbe

CANARY = "kanarienvogel-7Hq2"


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    file = tmp_path / "secret" / "password"
    file.parent.mkdir()
    file.write_text(CANARY + "\n")
    return Secret("file", str(file))


def nowhere(got: Collection, home: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert CANARY not in collection_to_json(got) and CANARY not in repr(got)
    assert CANARY not in caplog.text
    for file in home.rglob("*"):
        if file.is_file() and file.parent.name != "secret":
            assert CANARY.encode() not in file.read_bytes(), file
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            assert CANARY.encode() not in process.read_bytes()
    assert CANARY not in json.dumps(dict(os.environ))


def echoing(lab: Any, server: Any) -> dict[str, Any]:
    """Every way in which a server could hand a password back."""
    echo = f"the password {CANARY} is not good"
    return {
        "accepted": lambda _asked: None,
        "fault": lambda a: lab.fault("InvalidLogin", words=echo) if a.method == "Login" else None,
        "odd fault": lambda a: lab.fault("NotSupported", f"<{CANARY}/>", echo) if a.method == "Login" else None,
        "redirect": lambda a: (
            lab.Reply(b"", 302, {"Location": f"https://127.66.0.3/?p={CANARY}"}) if a.method == "Login" else None
        ),
        "status": lambda a: lab.Reply(echo.encode(), 503, {"X-Why": echo}) if a.method == "Login" else None,
        "no soap": lambda a: lab.Reply(f"<{CANARY}>".encode()) if a.method == "Login" else None,
        "session ends": lambda a: lab.expired() if a.method == "ContinueRetrievePropertiesEx" else None,
    }


@pytest.mark.parametrize("way", ["accepted", "fault", "odd fault", "redirect", "status", "no soap", "session ends"])
def test_the_password_is_nowhere(
    lab: Any, secret: Secret, tmp_path: Path, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    caplog.set_level(logging.DEBUG)
    server = lab.start()
    server.answers = echoing(lab, server)[way]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        got = lab.look(server, password=secret)
    nowhere(got, tmp_path, caplog)
    assert CANARY not in out.getvalue()
    told = [asked.method for asked in server.seen if CANARY.encode() in asked.body or CANARY in str(asked.headers)]
    assert set(told) == {"Login"} and len(told) == (2 if way == "session ends" else 1)


def test_a_wrong_certificate_is_not_told(lab: Any, secret: Secret, tmp_path: Path) -> None:
    """Nothing but handshakes: the server's own side of the line is looked at, under the TLS."""
    import socket
    import threading

    server = lab.start()
    heard: list[bytes] = []

    def relay(client: socket.socket) -> None:
        """Between the two, and writes down what the client sends."""
        host, port = server.server_address[:2]
        with client, socket.create_connection((host, port)) as there:

            def back() -> None:
                with contextlib.suppress(OSError):
                    while data := there.recv(65536):
                        client.sendall(data)

            threading.Thread(target=back, daemon=True).start()
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    heard.append(data)
                    there.sendall(data)

    with socket.create_server(("127.66.0.2", 0)) as between:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=relay, args=(between.accept()[0],), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        url = f"https://127.66.0.2:{between.getsockname()[1]}"
        got = lab.look(server, endpoint=url, password=secret, ca=None, thumbprint="0" * 64)
    assert [failure.reason for failure in got.failures] == ["certificate"]
    assert server.seen == []
    # Records of TLS begin with their type: handshake, change of cipher, alert; 23 would be data, and in TLS 1.3 the
    # client's last word of the handshake is wrapped as such: one record, before anything could be asked.
    assert heard and sum(len(data) for data in heard) < 1500


def test_the_session_is_as_good_as_the_password(lab: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server = lab.start()
    got = lab.look(server)
    (login,) = [reply for (method, _about), (reply, *_rest) in server._recorded.items() if method == "Login"]
    session = login.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    assert session not in collection_to_json(got) and session not in caplog.text
    before = [asked for asked in server.seen if "Cookie" not in asked.headers]
    assert {asked.method for asked in before} == {"sdk/vimServiceVersions.xml", "RetrieveServiceContent", "Login"}
    assert {a.headers["Cookie"] for a in server.seen if "Cookie" in a.headers} == {f"vmware_soap_session={session}"}


def test_shards_say_where_a_password_lies_and_not_what_it_is(lab: Any, secret: Secret) -> None:
    access = lab.access(lab.start(), password=secret)
    (shard,) = VsphereProbe().shards(lab.permit(access))
    assert CANARY not in repr((access, shard))

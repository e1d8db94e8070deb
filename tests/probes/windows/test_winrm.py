"""One script over WinRM. The servers are synthetic (``wsman.py``): TLS, NTLM and SOAP are real, Windows is not."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from probes.ansible_run.powershell import COMMAND
from probes.windows.winrm import Server, Wrong, run_script

Serve = Callable[..., Any]
Trusting = Callable[..., Path]

ADDRESS = "127.44.1.1"


@pytest.fixture
def login(canary: str) -> Callable[..., Server]:
    """``login(server, ca, seconds=…)``."""

    def make(server: Any, ca: Path | None, **more: Any) -> Server:
        settings = {"user": "audit", "seconds": 4.0, "most": 1 << 20, "password": canary, **more}
        return Server(server.address, server.port, ca=ca, **settings)

    return make


def wrong(login: Server) -> Wrong:
    with pytest.raises(Wrong) as caught:
        run_script(login, "Get-Process")
    assert login.password not in f"{caught.value!r} {caught.value.message} {login!r}"
    return caught.value


def test_a_script_is_run_and_its_output_comes_back(
    serve: Serve, trusting: Trusting, login: Callable[..., Server]
) -> None:
    server = serve(ADDRESS, lambda script: f"«{script}»\n".encode())
    script = "Get-Process # " + "x" * 120_000
    assert run_script(login(server, trusting(server)), script) == (0, f"«{script}»\n".encode(), b"")


def test_neither_the_password_nor_the_script_stands_in_a_command_line(
    serve: Serve, trusting: Trusting, login: Callable[..., Server], canary: str
) -> None:
    server = serve(ADDRESS)
    run_script(login(server, trusting(server)), "Get-Process")
    sent = b"".join(server.bodies)
    assert canary.encode() not in sent
    assert b"Get-Process" not in sent
    assert COMMAND[0].encode() in sent


MANNERS = [
    ("refuses", "login_refused"),
    ("basic", "login_refused"),
    ("mute", "timed_out"),
    ("hangs", "timed_out"),
    ("dawdles", "timed_out"),
    ("plain", "unavailable"),
    ("busy", "unavailable"),
    ("resets", "unreachable"),
    ("forbidden", "forbidden"),
    ("flood", "too_much"),
    ("redirect", "out_of_scope"),
    *((manner, "bad_output") for manner in ("page", "breaks_off", "broken", "rubbish", "empty", "other")),
    *((manner, "bad_output") for manner in ("bomb", "bomb16", "outside", "nested")),
]


@pytest.mark.parametrize(("manner", "reason"), MANNERS, ids=[manner for manner, _ in MANNERS])
def test_what_is_no_server_ends_as_a_reason(
    serve: Serve, trusting: Trusting, login: Callable[..., Server], manner: str, reason: str
) -> None:
    elsewhere = serve("127.44.1.2")
    server = serve(ADDRESS, manner=manner, to=f"https://127.44.1.2:{elsewhere.port}/wsman")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    got = wrong(login(server, trusting(server, elsewhere), seconds=2.0))
    assert got.reason == reason, got.message
    assert time.monotonic() - began < 12
    # Kilobytes: an entity that grows would take gigabytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert elsewhere.connections == 0


def test_a_wrong_password_is_tried_once(serve: Serve, trusting: Trusting, login: Callable[..., Server]) -> None:
    server = serve(ADDRESS)
    good = login(server, trusting(server))
    assert wrong(replace(good, password="something else")).reason == "login_refused"
    assert wrong(replace(good, user="nobody")).reason == "login_refused"
    # Three messages for each: a second try could lock the account.
    assert server.requests == 6


def test_a_server_that_answers_at_once_that_it_has_nothing_is_not_asked_without_pause(
    serve: Serve, trusting: Trusting, login: Callable[..., Server]
) -> None:
    server = serve(ADDRESS, manner="dawdles")
    assert wrong(login(server, trusting(server), seconds=2.0)).reason == "timed_out"
    assert server.requests < 30


def test_output_without_end(serve: Serve, trusting: Trusting, login: Callable[..., Server]) -> None:
    server = serve(ADDRESS, lambda _script: b"x" * 2_000_000)
    assert wrong(login(server, trusting(server), most=1_000_000)).reason == "too_much"
    assert len(run_script(login(server, trusting(server), most=2_000_000), "x")[1]) == 2_000_000


class TestCertificates:
    """Nothing is sent to a server whose certificate is not the right one."""

    def test_one_that_nobody_trusts(self, serve: Serve, trusting: Trusting, login: Callable[..., Server]) -> None:
        server, other = serve(ADDRESS), serve("127.44.1.2")
        got = wrong(login(server, trusting(other)))
        assert (got.reason, got.message) == ("certificate", "its certificate is not trusted: self-signed certificate")
        assert wrong(login(server, None)).reason == "certificate"
        assert server.requests == 0

    def test_one_that_has_expired(self, serve: Serve, trusting: Trusting, login: Callable[..., Server]) -> None:
        server = serve(ADDRESS, expired=True)
        got = wrong(login(server, trusting(server)))
        assert (got.reason, got.message) == (
            "certificate",
            "its certificate is not trusted: certificate has expired",
        )
        assert server.requests == 0

    def test_one_of_a_computers_name_is_known_by_itself(
        self, serve: Serve, trusting: Trusting, login: Callable[..., Server]
    ) -> None:
        server = serve(ADDRESS, lambda _script: b"in", names=("FIN-01", "fin-01.example.cn"))
        assert run_script(login(server, trusting(server)), "x")[1] == b"in"

    def test_one_for_another_address_is_refused_though_its_authority_is_trusted(
        self, wsman: Any, serve: Serve, tmp_path: Path, login: Callable[..., Server]
    ) -> None:
        server, other = serve(ADDRESS), serve("127.44.1.2")
        leaf, authority = wsman.issued(tmp_path, names=("fin-01.example.cn",))
        server.tls.load_cert_chain(leaf)
        got = wrong(login(server, authority))
        assert (got.reason, got.message) == ("certificate", "its certificate is not for this address")
        assert server.requests == other.requests == 0
        leaf, authority = wsman.issued(tmp_path, address=ADDRESS)
        server.tls.load_cert_chain(leaf)
        assert run_script(login(server, authority), "x")[0] == 0

    def test_a_known_certificate_does_not_open_the_door_to_others(
        self, serve: Serve, trusting: Trusting, login: Callable[..., Server]
    ) -> None:
        server, known = serve(ADDRESS, names=("FIN-01",)), serve("127.44.1.2", names=("FIN-01",))
        assert wrong(login(server, trusting(known))).reason == "certificate"
        assert server.requests == 0


def test_this_machines_proxies_and_logins_are_not_used(
    serve: Serve,
    trusting: Trusting,
    login: Callable[..., Server],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    proxy, server = serve("127.44.1.2"), serve(ADDRESS, lambda _script: b"in")
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.44.1.2:{proxy.port}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(f"machine {ADDRESS} login somebody password else\n")
    assert run_script(login(server, trusting(server)), "x")[1] == b"in"
    assert proxy.connections == 0

"""Which server is believed, which is connected to at all, and what it is never told."""

from __future__ import annotations

import hashlib
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from inventories.model import Collection
from probes.base import Stop
from probes.vsphere import endpoint as endpoints
from probes.vsphere.endpoint import Endpoint, locate, parse_endpoint
from probes.vsphere.trouble import Trouble


def reasons(got: Collection) -> list[str]:
    return [failure.reason for failure in got.failures]


# --- certificates ---------------------------------------------------------------------------------------------------


def test_an_authority_that_the_site_names(lab: Any) -> None:
    assert lab.look(lab.start()).failures == ()


@pytest.mark.parametrize("kind", ["sha256", "sha1", "with colons"])
def test_a_thumbprint_in_place_of_an_authority(lab: Any, kind: str) -> None:
    server = lab.start()
    der = ssl.PEM_cert_to_DER_cert(lab.certificates.pair.read_text().partition("-----BEGIN PRIVATE")[0])
    digest = hashlib.sha1(der).hexdigest() if kind == "sha1" else hashlib.sha256(der).hexdigest()
    if kind == "with colons":
        digest = ":".join(digest[i : i + 2] for i in range(0, len(digest), 2)).upper()
    got = lab.look(server, ca=None, thumbprint=digest)
    assert got.failures == () and len(got.coverage) == 1


def never_told(server: Any, got: Collection, thumbprint: str) -> None:
    """The certificate is refused, shown, and nothing at all was asked: no name, and least of all a password."""
    assert reasons(got) == ["certificate"]
    assert thumbprint in got.failures[0].message
    assert (got.observations, got.coverage) == ((), ())
    assert server.dialled > 0 and server.seen == []


def test_another_authority(lab: Any) -> None:
    server = lab.start()
    never_told(server, lab.look(server, ca=lab.certificates.other_ca), lab.certificates.thumbprint)


def test_the_systems_authorities_do_not_know_it(lab: Any) -> None:
    server = lab.start()
    never_told(server, lab.look(server, ca=None), lab.certificates.thumbprint)


@pytest.mark.parametrize("wrong", ["0" * 64, "0" * 40])
def test_another_thumbprint(lab: Any, wrong: str) -> None:
    server = lab.start()
    never_told(server, lab.look(server, ca=None, thumbprint=wrong), lab.certificates.thumbprint)


def test_both_have_to_agree(lab: Any) -> None:
    server = lab.start()
    never_told(server, lab.look(server, thumbprint="0" * 64), lab.certificates.thumbprint)
    server = lab.start()
    got = lab.look(server, ca=lab.certificates.other_ca, thumbprint=lab.certificates.thumbprint)
    never_told(server, got, lab.certificates.thumbprint)


def test_a_certificate_of_another_name(lab: Any) -> None:
    """127.0.0.1 is where pyVmomi's own connections check nothing."""
    server = lab.start(address="127.0.0.1")
    got = lab.look(server, targets=("127.0.0.1/32",))
    never_told(server, got, lab.certificates.thumbprint)


def test_a_file_of_authorities_that_is_none(lab: Any, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    server = lab.start()
    for ca in (tmp_path / "ca.pem", tmp_path / "nothing.pem"):
        assert reasons(lab.look(server, ca=ca)) == ["certificate"]
    assert server.dialled == 0


def test_a_certificate_that_changes_between_two_connections(lab: Any) -> None:
    """Every connection is checked, not the first alone."""
    server = lab.start()

    def answers(asked: Any) -> Any:
        if asked.method == "Login":
            other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            other.load_cert_chain(lab.certificates.pair.with_name("other.pem"))
            server._tls = other
        reply = server.recorded(asked)
        return lab.Reply(reply.body, reply.status, {**reply.headers, "Connection": "close"})

    server.answers = answers
    got = lab.look(server)
    assert reasons(got) == ["certificate"]
    assert server.methods[-1] == "Login"


def test_what_speaks_no_tls(lab: Any) -> None:
    with socket.create_server(("127.66.0.2", 0)) as plain:
        got = lab.look(lab.start(), endpoint=f"https://127.66.0.2:{plain.getsockname()[1]}")
    assert reasons(got)[0] in ("timed_out", "unreachable")


# --- scope ----------------------------------------------------------------------------------------------------------


def test_an_address_outside_the_permit_is_not_called(lab: Any) -> None:
    server = lab.start()
    got = lab.look(server, targets=("127.66.0.3/32",))
    assert reasons(got) == ["out_of_scope"]
    assert got.failures[0].scope == (server.url,)
    assert server.dialled == 0


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    asked: list[str] = []

    def answer(host: str, *_rest: object, **_more: object) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    monkeypatch.setattr(endpoints.socket, "getaddrinfo", answer)
    return asked


def test_a_name_that_leads_outside_is_not_called(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = lab.start()
    resolving(monkeypatch, "127.66.0.2")
    got = lab.look(server, endpoint=server.url.replace("127.66.0.2", "vc.example"), targets=("127.66.0.3/32",))
    assert reasons(got) == ["out_of_scope"] and server.dialled == 0


def test_a_name_is_looked_up_once_and_checked_by_its_name(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = lab.start()
    asked = resolving(monkeypatch, "127.66.0.9", "127.66.0.2")

    def closing(question: Any) -> Any:
        reply = server.recorded(question)
        return lab.Reply(reply.body, reply.status, {**reply.headers, "Connection": "close"})

    server.answers = closing
    # The address outside the permit comes first, and is passed over.
    got = lab.look(server, endpoint=server.url.replace("127.66.0.2", "vc.example"))
    assert got.failures == () and len(got.coverage) == 1
    assert asked == ["vc.example"] and server.dialled > 20
    assert {question.headers["Host"].partition(":")[0] for question in server.seen} == {"vc.example"}


def test_a_name_that_its_certificate_does_not_bear(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    server = lab.start()
    resolving(monkeypatch, "127.66.0.2")
    got = lab.look(server, endpoint=server.url.replace("127.66.0.2", "other.example"))
    never_told(server, got, lab.certificates.thumbprint)


def test_a_name_that_nobody_knows(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_args: object, **_more: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(endpoints.socket, "getaddrinfo", nobody)
    assert reasons(lab.look(lab.start(), endpoint="https://vc.example")) == ["unreachable"]


def test_a_resolver_that_hangs_hears_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading
    import time

    ended = threading.Event()
    monkeypatch.setattr(endpoints.socket, "getaddrinfo", lambda *_a, **_m: ended.wait(5) and [])
    stop = Stop()
    threading.Timer(0.2, stop.set, ("interrupted",)).start()
    began = time.monotonic()
    with pytest.raises(Trouble) as caught:
        locate(Endpoint("vc.example", 443), (), stop)
    ended.set()
    assert caught.value.reason == "stopped" and time.monotonic() - began < 2


@pytest.mark.parametrize("path", ["/sdk", "/sdk/vimServiceVersions.xml"])
def test_redirects_are_not_followed(lab: Any, path: str) -> None:
    elsewhere = lab.start()
    server = lab.start()
    away = lab.Reply(b"", 302, {"Location": f"{elsewhere.url}{path}"})
    server.answers = lambda asked: (
        away if asked.method in (path.removeprefix("/"), "RetrieveServiceContent") else None
    )
    got = lab.look(server)
    assert reasons(got) == ["bad_output"] and "redirect" in got.failures[0].message
    assert elsewhere.dialled == 0 and "Login" not in server.methods


def test_urls_that_a_server_gives_are_not_called(lab: Any) -> None:
    """A vCenter names other services by address; none of them is ours to ask."""
    elsewhere = lab.start()
    server = lab.start()

    def answers(asked: Any) -> Any:
        reply = server.recorded(asked)
        text = reply.body.decode().replace("https://", f"{elsewhere.url}/")
        return lab.Reply(text.encode(), reply.status, {**reply.headers, "Location": elsewhere.url})

    server.answers = answers
    assert lab.look(server).failures == ()
    assert elsewhere.dialled == 0 and server.dialled == 1


def test_environment_proxies_are_not_used(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = lab.start()
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "http_proxy"):
        monkeypatch.setenv(name, proxy.url)
    assert lab.look(lab.start()).failures == ()
    assert proxy.dialled == 0


@pytest.mark.parametrize(
    "text", ["http://192.0.2.1", "192.0.2.1", "https://", "https://user:word@192.0.2.1", "https://192.0.2.1:99999"]
)
def test_what_is_no_endpoint(lab: Any, text: str) -> None:
    with pytest.raises(ValueError):
        parse_endpoint(text)
    got = lab.look(lab.start(), endpoint=text)
    assert reasons(got) == ["unreachable"] and "word" not in str(got)


def test_endpoints_are_shown_without_what_is_not_needed() -> None:
    assert parse_endpoint("https://VC.example/ui?x=1").url == "https://vc.example"
    assert parse_endpoint("https://[2001:db8::1]:8443/sdk").url == "https://[2001:db8::1]:8443"

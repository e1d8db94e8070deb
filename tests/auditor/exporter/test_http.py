"""A small server: what it answers, what it refuses, and what a stranger cannot wear out."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from auditor.commands.serve import address
from auditor.errors import Refused
from auditor.exporter import http as served
from auditor.exporter.http import Server, negotiated, takes_gzip
from reports.metrics import Format

#: As Prometheus 2.42 and 3 ask.
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
)


@pytest.fixture
def server() -> Iterator[Server]:
    def scrape(form: Format, packed: bool) -> bytes:
        body = f"{form.name}\n".encode() * 1000
        return gzip.compress(body) if packed else body

    made = Server("127.0.0.1", 0, scrape)
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.finish(1.0)
    thread.join(5)


def ask(server: Server, method: str = "GET", path: str = "/metrics", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    answer.all = answer.read()  # type: ignore[attr-defined]  # kept for the test
    connection.close()
    return answer


def raw(server: Server, request: bytes, *, rest: bytes = b"") -> bytes:
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(request)
        with contextlib.suppress(OSError):
            connection.sendall(rest)
        got = b""
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                got += piece
        return got


def test_each_format_is_told_by_its_type(server: Server) -> None:
    plain = ask(server)
    assert plain.status == 200
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert plain.all == b"PLAIN\n" * 1000
    for accept in PROMETHEUS:
        other = ask(server, Accept=accept)
        assert other.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert other.headers["Vary"] == "Accept, Accept-Encoding"
        assert other.all == b"OPENMETRICS\n" * 1000


def test_packed_where_that_is_asked_for(server: Server) -> None:
    packed = ask(server, Accept_Encoding="gzip")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.all) == b"PLAIN\n" * 1000
    for refused in ("gzip;q=0", "deflate", "", "identity"):
        assert "Content-Encoding" not in ask(server, Accept_Encoding=refused).headers


def test_head_is_get_without_its_body(server: Server) -> None:
    got, head = ask(server), ask(server, "HEAD")
    assert head.all == b""
    assert head.status == 200 and head.headers["Content-Length"] == got.headers["Content-Length"]


def test_the_other_pages(server: Server) -> None:
    for path in ("/healthz", "/readyz"):
        told = ask(server, path=path)
        assert told.all == b'{"status": "ok"}\n' and told.headers["Content-Type"] == "application/json"
    index = ask(server, path="/").all
    assert b'href="metrics"' in index and b'href="healthz"' in index
    assert ask(server, path="/metrics?name[]=x").status == 200
    for path in ("/metrics/", "/../etc/passwd", "/%2e%2e/", "/metric"):
        assert ask(server, path=path).status == 404


def test_bad_news_of_health_are_told_by_the_status() -> None:
    server = Server(
        "127.0.0.1", 0, lambda form, packed: b"", alive=lambda: (False, {"status": "hangs"}), ready=lambda: (True, {})
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    assert ask(server, path="/healthz").status == 503 and ask(server, path="/readyz").status == 200
    assert ask(server, "HEAD", path="/healthz").all == b""
    server.shutdown()
    server.finish(1.0)
    thread.join(5)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
def test_nothing_is_written_or_changed(server: Server, method: str) -> None:
    answer = ask(server, method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_who_serves_is_not_told_in_detail(server: Server) -> None:
    assert ask(server).headers["Server"].startswith("auditor/")
    assert "Python" not in str(ask(server).headers) + str(ask(server, "BREW").headers)


def test_a_request_that_is_too_long_is_cut_off(server: Server) -> None:
    many = raw(server, b"GET /metrics HTTP/1.1\r\nHost: x\r\n", rest=b"X-Y: " + b"z" * 60_000 + b"\r\n\r\n")
    assert many.startswith(b"HTTP/1.1 431 ")
    line = raw(server, b"GET /" + b"a" * 60_000, rest=b" HTTP/1.1\r\n\r\n")
    assert not line or line.split()[1] in (b"400", b"414", b"431", b"505")
    assert ask(server).status == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /metrics\r\n\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /metrics HTTP/9.9\r\n\r\n",
        b"\r\n\r\n",
        b"",
    ],
)
def test_what_is_no_request_does_no_harm(server: Server, request_: bytes) -> None:
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            assert b" 200 " not in connection.recv(65536)
    assert ask(server).status == 200


def test_who_dawdles_is_sent_away(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then does not keep a connection open: a request has so long in all."""
    monkeypatch.setattr(served, "SECONDS", 0.4)
    place = urlsplit(server.url)
    started = time.monotonic()
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\n")
        with contextlib.suppress(OSError):
            for _ in range(100):
                connection.sendall(b"X: y\r\n")
                time.sleep(0.05)
                connection.settimeout(0.001)
                with contextlib.suppress(TimeoutError):
                    if connection.recv(1) == b"":
                        break
    assert time.monotonic() - started < 4
    assert ask(server).status == 200


def test_so_many_at_once_and_no_more(server: Server) -> None:
    place = urlsplit(server.url)
    with contextlib.ExitStack() as stack:
        held = [
            stack.enter_context(socket.create_connection((place.hostname, place.port), timeout=10))
            for _ in range(served.CONNECTIONS + 8)
        ]
        closed = 0
        for connection in reversed(held):
            connection.settimeout(0.2)
            with contextlib.suppress(TimeoutError):
                closed += connection.recv(1) == b""
            if closed == 8:
                break
        assert closed == 8
    for _ in range(50):
        with contextlib.suppress(OSError, http.client.HTTPException):
            if ask(server).status == 200:
                return
        time.sleep(0.05)
    raise AssertionError("those who went away left no room")


def test_a_fault_of_a_page_is_one_line_and_no_end(capfd: pytest.CaptureFixture[str]) -> None:
    def scrape(form: Format, packed: bool) -> bytes:
        raise RuntimeError("broken")

    server = Server("127.0.0.1", 0, scrape)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(server)
    assert ask(server, path="/healthz").status == 200
    server.shutdown()
    server.finish(1.0)
    thread.join(5)
    assert capfd.readouterr().err == "auditor serve: RuntimeError: broken\n"


def test_on_the_other_kind_of_address() -> None:
    server = Server("::1", 0, lambda form, packed: b"")
    assert server.url.startswith("http://[::1]:")
    server.server_close()


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.PLAIN),
        ("*/*", Format.PLAIN),
        ("text/html", Format.PLAIN),
        ("application/openmetrics-text", Format.OPENMETRICS),
        ("APPLICATION/OpenMetrics-Text; Version=1.0.0", Format.OPENMETRICS),
        ("application/openmetrics-text; version=0.0.1", Format.PLAIN),
        ("application/openmetrics-text; version=2.0.0", Format.PLAIN),
        ("application/openmetrics-text;q=0", Format.PLAIN),
        ("application/openmetrics-text;q=0.4, text/plain;q=0.5", Format.PLAIN),
        ("application/openmetrics-text;q=0.5, text/plain;q=0.5", Format.OPENMETRICS),
        ("application/openmetrics-text;q=x", Format.PLAIN),
        (";;,,;q=,=", Format.PLAIN),
    ],
)
def test_what_is_liked_best(accept: str, form: Format) -> None:
    assert negotiated([accept]) is form


def test_what_is_packed() -> None:
    assert takes_gzip(["br, gzip;q=0.5"]) and takes_gzip(["br", "GZIP"])
    assert not takes_gzip([]) and not takes_gzip(["gzip;q=0.0"]) and not takes_gzip(["*"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("localhost:1", ("127.0.0.1", 1)),
        ("[::1]:9464", ("::1", 9464)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
    ],
)
def test_addresses(text: str, found: tuple[str, int]) -> None:
    assert address(text) == found


@pytest.mark.parametrize(
    "text", ["", "9464", ":9464", "host:9464", "127.0.0.1", "127.0.0.1:99999", "::1:9464", "1:2:3"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Refused, match="is no address and port"):
        address(text)

"""A small HTTP server for scrapes: four pages, GET and HEAD, and little that a stranger could wear out.

A request has a few seconds and a few thousand bytes; so many may be open at once; whatever else is answered with the
status that says so, and the connection is closed. It speaks no TLS and knows nobody's name: it is for the loopback
address, or for what stands behind a proxy.
"""

from __future__ import annotations

import io
import ipaddress
import json
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from inventories import __version__
from reports.metrics import Format

#: Seconds for one request, from its first byte to the last of its answer.
SECONDS = 20.0
#: Bytes of a request, its headers included.
REQUEST = 16 * 1024
#: Connections at once.
CONNECTIONS = 32

Scrape = Callable[[Format, bool], bytes]
#: Whether it is good news (200, else 503), and the JSON that says so.
Check = Callable[[], tuple[bool, Mapping[str, object]]]

_INDEX = b"""<!doctype html><meta charset=utf-8><title>auditor</title>
<p><a href="metrics">metrics</a> <a href="healthz">healthz</a> <a href="readyz">readyz</a></p>
"""


def _lives() -> tuple[bool, Mapping[str, object]]:
    """Who answers at all is alive."""
    return True, {"status": "ok"}


class Server(socketserver.ThreadingMixIn, HTTPServer):
    """Answers at an address (port 0: any free one). OSError where it cannot be bound."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = CONNECTIONS

    def __init__(self, host: str, port: int, scrape: Scrape, *, alive: Check = _lives, ready: Check = _lives) -> None:
        self.scrape = scrape
        self.checks = {"/healthz": alive, "/readyz": ready}
        self.address_family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        self._open = 0
        self._quiet = threading.Condition()
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if self.address_family == socket.AF_INET6 else str(host)
        return f"http://{shown}:{port}"

    def finish(self, patience: float) -> None:
        """Takes no more requests, and gives those that are being answered so many seconds."""
        self.server_close()
        with self._quiet:
            self._quiet.wait_for(lambda: not self._open, patience)

    def server_bind(self) -> None:
        # HTTPServer would ask the name service for this machine's name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        with self._quiet:
            self._open += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()
            with self._quiet:
                self._open -= 1
                self._quiet.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own affair; anything else is a fault, told in a line."""
        error = sys.exception()
        if not isinstance(error, OSError):
            sys.stderr.write(f"auditor serve: {type(error).__name__}: {error}\n")


class _Request(io.RawIOBase):
    """What a client sends, for so long and so much; ``is_over`` where it was too much."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._until, self._left = connection, time.monotonic() + SECONDS, REQUEST
        self.is_over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._left <= 0:
            self.is_over = True
            return 0
        self._connection.settimeout(max(self._until - time.monotonic(), 0.001))
        got = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= got
        return got


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = f"auditor/{__version__}"
    sys_version = ""

    def version_string(self) -> str:
        return self.server_version

    def setup(self) -> None:
        super().setup()
        self._request = _Request(self.connection)
        self.rfile.close()
        self.rfile = io.BufferedReader(self._request, 4096)

    def parse_request(self) -> bool:
        self.close_connection = True
        understood = super().parse_request()
        # One request for each connection: what a body would hold is never read.
        self.close_connection = True
        wrong = 431 if self._request.is_over else 505 if self.request_version == "HTTP/0.9" else 0
        if understood and wrong:
            # Before versions were told an answer had no status.
            self.request_version = self.protocol_version
            self.send_error(wrong)
            return False
        return understood

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            self._metrics()
        elif path in self.server.checks:
            good, body = self.server.checks[path]()
            text = json.dumps(body, ensure_ascii=False).encode() + b"\n"
            self._answer(text, "application/json", status=200 if good else 503)
        elif path == "/":
            self._answer(_INDEX, "text/html; charset=utf-8")
        else:
            self.send_error(404)

    # http.server asks for methods by these names.
    do_HEAD = do_GET  # noqa: N815

    def _refused(self) -> None:
        self.send_response(405)
        self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = _refused  # noqa: N815

    def _metrics(self) -> None:
        form = negotiated(self.headers.get_all("Accept", ()))
        packed = takes_gzip(self.headers.get_all("Accept-Encoding", ()))
        self._answer(self.server.scrape(form, packed), form.value, "gzip" if packed else "")

    def _answer(self, body: bytes, content_type: str, encoding: str = "", status: int = 200) -> None:
        self.connection.settimeout(SECONDS)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        if self.path.startswith("/metrics"):
            self.send_header("Vary", "Accept, Accept-Encoding")
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing: a scrape every few seconds is no news."""


def negotiated(accept: list[str] | tuple[str, ...]) -> Format:
    """OpenMetrics where a client likes it at least as well as the plain format."""
    liked = {Format.OPENMETRICS: 0.0, Format.PLAIN: 0.0}
    for kind, parameters, weight in _entries(accept):
        if kind == "application/openmetrics-text" and parameters.get("version", "1.0.0") == "1.0.0":
            liked[Format.OPENMETRICS] = max(liked[Format.OPENMETRICS], weight)
        elif kind in ("text/plain", "text/*", "*/*"):
            liked[Format.PLAIN] = max(liked[Format.PLAIN], weight)
    wanted = liked[Format.OPENMETRICS]
    return Format.OPENMETRICS if wanted and wanted >= liked[Format.PLAIN] else Format.PLAIN


def takes_gzip(accept: list[str] | tuple[str, ...]) -> bool:
    return any(kind == "gzip" and weight > 0 for kind, _parameters, weight in _entries(accept))


def _entries(headers: list[str] | tuple[str, ...]) -> list[tuple[str, dict[str, str], float]]:
    """The entries of such a header: word, parameters, and how well it is liked."""
    out = []
    for entry in ",".join(headers).split(","):
        word, *rest = (part.strip() for part in entry.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
        try:
            weight = min(max(float(parameters.pop("q", "1")), 0.0), 1.0)
        except ValueError:
            weight = 0.0
        if word:
            out.append((word.lower(), parameters, weight))
    return out

"""The one way out to a cloud: every connection goes to an address that was checked against the permit.

A host name is resolved once, and what is connected to is the checked address; the name stays in the ``Host`` header,
in TLS' server name and in the check of the certificate. Nothing of the environment is read (no proxies, no
``.netrc``), answers are bounded in size and time, and a stop ends a request that is under way.
"""

from __future__ import annotations

import errno
import io
import os
import select
import socket
import ssl
import threading
import time
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from inventories.faults import clean
from inventories.places import Address, Network
from probes.base import Stop
from probes.openstack_cloud.trouble import Trouble

#: Seconds for a connection and its TLS handshake, for silence within an answer, and for a whole answer. A busy
#: nova takes a minute for a page of a thousand servers.
CONNECT_SECONDS, SILENT_SECONDS, ANSWER_SECONDS = 10.0, 120.0, 240.0
#: A page of a thousand servers with long metadata has some 5 MB.
MOST_BYTES = 64 << 20
#: How often the stop event is looked at.
POLL_SECONDS = 0.2


class Wire:
    """Connections to the addresses in ``targets``, until :meth:`close`.

    ``session`` is what requests are sent with; only one may be under way at a time. :class:`Trouble`
    ``out_of_scope`` is raised before anything is sent to another address, ``stopped`` where ``stop`` was set.
    """

    def __init__(self, targets: tuple[Network, ...], stop: Stop) -> None:
        self._targets, self._stop = targets, stop
        self._most, self._seconds = MOST_BYTES, ANSWER_SECONDS
        self._pinned: dict[str, str] = {}
        #: A second handle on every open connection: what the guard closes from outside.
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._deadline = float("inf")
        self._closed = threading.Event()
        self._guard = threading.Thread(target=self._watch, name="openstack-guard", daemon=True)
        self._guard.start()
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Accept-Encoding"] = "identity"
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, _Pinned(self))

    def close(self) -> None:
        self._closed.set()
        self.session.close()
        self._shut()
        self._guard.join()
        with self._lock:
            for twin in self._open:
                twin.close()
            self._open.clear()

    def admit(self, host: str) -> str:
        """The address at which ``host`` may be connected to; asked for once, and then always the same."""
        if host not in self._pinned:
            found = self._looked_up(host)
            inside = [address for address in found if self._allowed(address)]
            if not inside:
                raise Trouble("out_of_scope", f"{clean(host, 80)} ({found[0]}) is not among the authorised addresses")
            self._pinned[host] = inside[0]
        return self._pinned[host]

    def connect(self, host: str, port: int) -> socket.socket:
        """A connected socket; its second handle is under guard."""
        address = self.admit(host)
        sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._connect(sock, address, port)
            sock.settimeout(CONNECT_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        return sock

    def watch(self, sock: socket.socket) -> socket.socket:
        twin = sock.dup()
        with self._lock:
            self._open.add(twin)
        return twin

    def forget(self, twin: socket.socket) -> None:
        with self._lock:
            self._open.discard(twin)
        twin.close()

    def begin(self) -> None:
        """A request begins: it has so long."""
        if self._stop.is_set:
            raise Trouble("stopped", self._stop.reason)
        self._deadline = time.monotonic() + self._seconds

    def end(self) -> None:
        self._deadline = float("inf")

    def why(self) -> Trouble | None:
        """Whether the guard cut the request off, and why."""
        if self._stop.is_set:
            return Trouble("stopped", self._stop.reason)
        if time.monotonic() > self._deadline:
            return Trouble("timed_out", f"an answer took longer than {self._seconds:.0f} s")
        return None

    def body(self, raw: Any) -> bytes:
        """The whole answer, no longer than allowed."""
        parts: list[bytes] = []
        size = 0
        while part := raw.read(65_536, decode_content=False):
            size += len(part)
            if size > self._most:
                raw.close()
                raise Trouble("too_much", f"an answer is longer than {self._most} bytes")
            parts.append(part)
        return b"".join(parts)

    def _allowed(self, address: str) -> bool:
        parsed: Address = ip_address(address)
        return any(parsed.version == target.version and parsed in target for target in self._targets)

    def _looked_up(self, host: str) -> list[str]:
        try:
            return [str(ip_address(host.strip("[]")))]
        except ValueError:
            pass
        found: list[str] = []
        # The system's resolver cannot be interrupted: it is left behind where it does not answer.
        asking = threading.Thread(target=lambda: found.extend(_addresses_of(host)), daemon=True)
        asking.start()
        until = time.monotonic() + CONNECT_SECONDS
        while asking.is_alive() and time.monotonic() < until and not self._stop.is_set:
            asking.join(POLL_SECONDS)
        if self._stop.is_set:
            raise Trouble("stopped", self._stop.reason)
        if not found:
            raise Trouble("unreachable", f"the name {clean(host, 80)} does not resolve")
        return found

    def _connect(self, sock: socket.socket, address: str, port: int) -> None:
        sock.setblocking(False)
        code = sock.connect_ex((address, port))
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        until = time.monotonic() + CONNECT_SECONDS
        while code in (errno.EINPROGRESS, errno.EALREADY):
            if self._stop.is_set:
                raise Trouble("stopped", self._stop.reason)
            if time.monotonic() > until:
                raise Trouble("timed_out", f"{address} port {port} does not accept a connection")
            if poll.poll(POLL_SECONDS * 1000):
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise Trouble("unreachable", f"{address} port {port}: {os.strerror(code)}")

    def _watch(self) -> None:
        while not self._closed.wait(POLL_SECONDS):
            if self.why() is not None:
                self._shut()

    def _shut(self) -> None:
        with self._lock:
            for twin in self._open:
                try:
                    twin.shutdown(socket.SHUT_RDWR)
                except OSError:
                    # The other side has closed it already.
                    continue


class _Guarded:
    """What both kinds of connection do alike: they are made by the wire, and kept under its guard."""

    wire: Wire
    twin: socket.socket | None = None

    def open(self, host: str, port: int) -> socket.socket:
        sock = self.wire.connect(host, port)
        self.twin = self.wire.watch(sock)
        return sock

    def let_go(self) -> None:
        if self.twin is not None:
            self.wire.forget(self.twin)
            self.twin = None


class _Plain(HTTPConnection, _Guarded):
    def __init__(self, *args: Any, wire: Wire, **more: Any) -> None:
        super().__init__(*args, **more)
        self.wire = wire

    def _new_conn(self) -> socket.socket:
        return self.open(self._dns_host, self.port)

    def close(self) -> None:
        super().close()
        self.let_go()


class _Tls(HTTPSConnection, _Guarded):
    def __init__(self, *args: Any, wire: Wire, **more: Any) -> None:
        super().__init__(*args, **more)
        self.wire = wire

    def _new_conn(self) -> socket.socket:
        return self.open(self._dns_host, self.port)

    def close(self) -> None:
        super().close()
        self.let_go()


class _Pools(PoolManager):
    """Pools of connections that are made by a wire."""

    def __init__(self, wire: Wire, **more: Any) -> None:
        super().__init__(**more)
        self.wire = wire

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        made: Any = partial(_Tls if scheme == "https" else _Plain, wire=self.wire)
        pool.ConnectionCls = made
        return pool


class _Pinned(HTTPAdapter):
    """Sends requests through a wire, and reads their answers to the end within its bounds."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: Any) -> None:
        self.poolmanager = _Pools(self.wire, num_pools=connections, maxsize=maxsize, block=block, **more)

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        self.wire.begin()
        try:
            response = super().send(request, *args, **more)
            if response.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
                response.close()
                raise Trouble("bad_output", "an answer is compressed, which was not asked for")
            body = self.wire.body(response.raw)
            # An answer without a length that the guard has cut off looks like a whole one.
            cut = self.wire.why()
            if cut is not None:
                raise cut
        except (requests.RequestException, HTTPError, OSError) as error:
            cut = self.wire.why()
            if cut is not None:
                raise cut from None
            raise said(error) from None
        finally:
            self.wire.end()
        response.raw.release_conn()
        response.raw = io.BytesIO(body)
        return response


def said(error: BaseException) -> Trouble:
    """What a failed request means. The library's own text is not passed on: it may repeat what was sent."""
    link: BaseException | None = error
    seen: list[BaseException] = []
    while link is not None and link not in seen:
        seen.append(link)
        if isinstance(link, Trouble):
            return link
        if isinstance(link, ssl.SSLCertVerificationError):
            return Trouble("certificate", f"the certificate is not trusted: {clean(link.verify_message, 120)}")
        if isinstance(link, TimeoutError):
            return Trouble("timed_out", f"no answer within {SILENT_SECONDS:.0f} s")
        reason = getattr(link, "reason", None)
        inner = link.args[0] if link.args and isinstance(link.args[0], BaseException) else None
        link = reason if isinstance(reason, BaseException) else inner or link.__cause__ or link.__context__
    if any(isinstance(one, requests.Timeout) for one in seen):
        return Trouble("timed_out", f"no answer within {SILENT_SECONDS:.0f} s")
    if any(isinstance(one, ssl.SSLError) for one in seen):
        return Trouble("certificate", "the TLS handshake failed")
    for one in seen:
        if isinstance(one, OSError) and one.strerror and not isinstance(one, requests.RequestException):
            return Trouble("unreachable", clean(one.strerror, 80))
    return Trouble("bad_output", f"the connection broke off: {type(seen[-1]).__name__}")


def trust(ca: Path | None) -> str | bool:
    """What certificates are checked against: a file, else this system's. :class:`Trouble` for a file that is none."""
    if ca is not None:
        try:
            ssl.create_default_context(cafile=str(ca))
        except OSError as error:
            raise Trouble(
                "certificate", f"{clean(ca.name, 60)}: {clean(error.strerror or 'no CA file', 80)}"
            ) from None
        return str(ca)
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath or True


def _addresses_of(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))

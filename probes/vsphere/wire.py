"""HTTPS to one checked address: every answer bounded in bytes and in time, no redirect followed, no proxy used."""

from __future__ import annotations

import http.client
import math
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from inventories.places import Address
from probes.vsphere.endpoint import Endpoint
from probes.vsphere.guard import Guard
from probes.vsphere.patience import Patience
from probes.vsphere.tls import Trust, connect
from probes.vsphere.trouble import Trouble

#: One answer. A page of a hundred machines with all that is asked of them weighs well under a tenth of it.
MOST_BYTES = 16 * 1024 * 1024
_CHUNK = 65_536
#: XML in which anything can be declared has no place in SOAP (SOAP 1.1, section 3), and is what bombs are made of.
_DECLARES = b"<!DOCTYPE"
_COOKIE = re.compile(r'(?:^|[,;]\s*)vmware_soap_session=("?[\x21\x23-\x2b\x2d-\x3a\x3c-\x7e]{1,500}"?)')

_STATUS_REASONS: Mapping[int, str] = {
    401: "login_refused",
    403: "forbidden",
    404: "bad_output",
    407: "forbidden",
    429: "throttled",
    502: "unavailable",
    503: "unavailable",
    504: "unavailable",
}


class Answer:
    """The body of one answer, as a file to parse from. Raises :class:`Trouble` beyond the bounds."""

    def __init__(self, response: http.client.HTTPResponse, most: int) -> None:
        self.status = response.status
        self._response, self._most = response, most
        self._size = 0
        self._buffer = b""
        self._at = 0
        self._tail = b""

    def read(self, amount: int) -> bytes:
        """At most ``amount`` bytes; empty at the end."""
        if self._at >= len(self._buffer):
            self._buffer, self._at = self._more(), 0
        piece = self._buffer[self._at : self._at + amount]
        self._at += len(piece)
        return piece

    def whole(self) -> bytes:
        return b"".join(iter(lambda: self.read(_CHUNK), b""))

    def _more(self) -> bytes:
        chunk = self._response.read(_CHUNK)
        if self._size == 0 and (b"\0" in chunk[:4] or chunk[:2] in (b"\xfe\xff", b"\xff\xfe")):
            # In UTF-16 what is looked for below would be spelt otherwise.
            raise Trouble("bad_output", "the answer is not in UTF-8")
        self._size += len(chunk)
        if self._size > self._most:
            raise Trouble("too_much", f"an answer of more than {self._most} bytes")
        if _DECLARES in self._tail + chunk:
            raise Trouble("bad_output", "the answer declares a document type")
        self._tail = (self._tail + chunk)[-len(_DECLARES) :]
        return chunk


class Wire:
    """Questions to one endpoint, one after another, over one connection that is made again where it was lost.

    ``rate`` is questions a second at most. ``cookie`` is the session as the server named it: as good as a password.
    """

    def __init__(
        self, endpoint: Endpoint, address: Address, trust: Trust, guard: Guard, *, rate: float, patience: Patience
    ) -> None:
        self.endpoint, self.guard, self.patience = endpoint, guard, patience
        self._address, self._trust, self._gap = address, trust, 1.0 / rate
        self._connection: http.client.HTTPConnection | None = None
        self._next = 0.0
        self._cookie = ""
        self._hurried_until = math.inf
        #: Whether a question went wrong in such a way that the next one will hardly be answered.
        self.is_lost = False

    def forget_session(self) -> None:
        self._cookie = ""

    def hurry(self) -> None:
        """From now on there is little time for everything together, and the wish to stop is known: it only ends."""
        self.guard.heeds_stop = False
        if self._hurried_until == math.inf:
            self._hurried_until = time.monotonic() + self.patience.leave

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def asked(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        most: int = 0,
        again: bool = True,
        missing_is_fine: bool = False,
    ) -> Iterator[Answer]:
        """One question; the answer is to be read within the block. Its status is 200, or 500 with a fault in it.

        ``again``: may be asked a second time where a kept connection turns out to have been closed by the server.
        ``missing_is_fine``: a 404 is an answer too. ``most`` bytes, where less than usual is enough.
        Raises :class:`Trouble` for everything that goes wrong on the way, within the block too.
        """
        self._wait_for_turn()
        self.guard.begin(min(self.patience.answer, self._hurried_until - time.monotonic()))
        try:
            response = self._send(method, path, body, dict(headers or {}), again)
            if not (missing_is_fine and response.status == 404):
                _check(response)
            answer = Answer(response, most or MOST_BYTES)
            yield answer
            if answer.read(1):
                # Left-overs would be taken for the beginning of the next answer.
                self.close()
        except (OSError, http.client.HTTPException, Trouble) as error:
            self.close()
            trouble = self._trouble(error)
            self.is_lost = self.is_lost or trouble.ends
            raise trouble from None
        except BaseException:
            self.close()
            raise
        finally:
            self.guard.end()

    def _wait_for_turn(self) -> None:
        while not self.guard.is_stopped and (ahead := self._next - time.monotonic()) > 0:
            if not self.guard.heeds_stop:
                # Taking leave is short, and is not put off.
                break
            time.sleep(min(ahead, 0.1))
        if self.guard.is_stopped:
            raise Trouble("stopped", self.guard.stop.reason, ends=True)
        self._next = time.monotonic() + self._gap

    def _send(
        self, method: str, path: str, body: bytes, headers: dict[str, str], again: bool
    ) -> http.client.HTTPResponse:
        kept = self._connection is not None and self._connection.sock is not None
        connection = self._connected()
        if self._cookie:
            headers["Cookie"] = f"vmware_soap_session={self._cookie}"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
        except (ConnectionError, ssl.SSLEOFError):
            if not (kept and again) or self.guard.cut:
                raise
            self.close()
            return self._send(method, path, body, headers, again=False)
        named = _COOKIE.search(response.getheader("Set-Cookie") or "")
        if named is not None:
            self._cookie = named[1]
        return response

    def _connected(self) -> http.client.HTTPConnection:
        connection = self._connection
        if connection is not None and isinstance(connection.sock, ssl.SSLSocket):
            self.guard.hold(connection.sock)
            return connection
        host = self.endpoint.host
        fresh = http.client.HTTPConnection(f"[{host}]" if ":" in host else host, self.endpoint.port)
        # Without this, http.client would open a plain connection to wherever the name leads.
        fresh.auto_open = 0
        fresh.sock = connect(self.endpoint, self._address, self._trust, self.guard, self.patience.connect)
        fresh.sock.settimeout(self.patience.silence)
        self._connection = fresh
        return fresh

    def _trouble(self, error: Exception) -> Trouble:
        """What went wrong; that the guard cut the line explains whatever came of it."""
        where = self.endpoint.url
        if self.guard.cut == "stopped":
            return Trouble("stopped", self.guard.stop.reason, ends=True)
        if self.guard.cut == "timed_out" or isinstance(error, TimeoutError):
            return Trouble("timed_out", f"{where} did not answer in time", ends=True)
        if isinstance(error, Trouble):
            return error
        if isinstance(error, ssl.SSLError):
            return Trouble("unreachable", f"{where}: TLS: {(error.reason or 'ended early').lower()}", ends=True)
        if isinstance(error, OSError):
            return Trouble("unreachable", f"{where}: {(error.strerror or 'connection lost').lower()}", ends=True)
        return Trouble("bad_output", f"{where} does not speak HTTP: {type(error).__name__}", ends=True)


def _check(response: http.client.HTTPResponse) -> None:
    status = response.status
    if 300 <= status < 400:
        raise Trouble("bad_output", f"HTTP {status}: redirects are not followed", ends=True)
    if status not in (200, 500):
        raise Trouble(_STATUS_REASONS.get(status, "bad_output"), f"HTTP {status}", ends=True)
    if (response.getheader("Content-Encoding") or "identity").strip().lower() != "identity":
        raise Trouble("bad_output", "the answer is compressed, which was not asked for", ends=True)

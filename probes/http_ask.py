"""One question in HTTP or HTTPS to one pinned address: bounded in time and size, with nothing secret in it.

Nothing is looked up, no redirect is followed, no body is sent, no cookie and no login. A certificate is read and
not checked: what is behind an address is the question here, and nothing is trusted to it. Whatever the world does
comes back as an :class:`Answer` that says why it is not whole; nothing is raised for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import re
import socket
import ssl
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from inventories import __version__
from inventories.faults import clean
from probes.base import Stop
from probes.certificate import Certificate, read_certificate
from probes.http_answer import Broken, Head, parse_head, read_body

#: Says who asks, so that a department's own log does.
USER_AGENT = f"gov-infra-auditor/{__version__} (authorised infrastructure audit; read-only)"

DEFAULT_PORTS = {"http": 80, "https": 443}

#: How far an answer came before it ended: what a :attr:`Answer.stage` may be.
CONNECT, TLS, HEAD, BODY, WHOLE = "connect", "tls", "head", "body", "whole"

#: Servers that still speak only SSL's last version, or end the connection without saying so: ssl.OP_* of OpenSSL.
_LEGACY_SERVER_CONNECT, _IGNORE_UNEXPECTED_EOF = 0x4, 0x80
_POLL_SECONDS = 0.2
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,255}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to connect, for the TLS handshake and for the whole question; bytes of a head and of a body."""

    connect: float = 4.0
    handshake: float = 5.0
    seconds: float = 10.0
    head: int = 32_768
    body: int = 262_144


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and where. ``address`` is literal; ``host`` is the name in the Host header and in TLS.

    An empty ``host`` stands for the address itself. ``path`` begins with a slash.
    """

    address: str
    port: int
    scheme: str
    host: str = ""
    path: str = "/"

    @property
    def url(self) -> str:
        """As a person would write it."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        host = self.host or self.address
        shown = f"[{host}]" if ":" in host else host
        return shown if self.port == DEFAULT_PORTS[self.scheme] else f"{shown}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``stage`` is how far it came, ``reason`` why it is not whole (empty: it is).

    ``reason`` is ``refused``, ``unreachable``, ``timed_out``, ``bad_output`` or ``too_much``. A body that is longer
    than what is kept is no fault. ``body`` is empty where it came packed, which nobody asked for.
    """

    question: Question
    stage: str = CONNECT
    reason: str = ""
    message: str = ""
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    certificate: Certificate | None = None

    def header(self, name: str) -> str:
        """The first header of that name (lower case), or the empty string."""
        return next((value for key, value in self.headers if key == name), "")

    @property
    def spoke(self) -> bool:
        """Whether it answered in HTTP."""
        return self.status != 0

    @property
    def silent(self) -> bool:
        """Whether nothing took the connection: refused, or no sign at all."""
        return self.stage == CONNECT and self.reason in ("refused", "timed_out")


async def ask(question: Question, limits: Limits = LIMITS) -> Answer:
    """Asks once. ValueError for a question that nobody may put: a name as address, an odd host, a long path."""
    family = _family(question.address)
    request = _request(question)
    asking = _Asking(question, limits)
    try:
        async with asyncio.timeout(limits.seconds):
            return await asking.go(family, request)
    except TimeoutError:
        return asking.ended("timed_out", f"no whole answer within {limits.seconds:g} s")
    finally:
        asking.close()
        # What was aborted is let go of in the loop's next round.
        await asyncio.sleep(0)


class _Asking:
    """One question on its way, with what is known of the answer so far."""

    def __init__(self, question: Question, limits: Limits) -> None:
        self.question, self.limits = question, limits
        self.stage = CONNECT
        self.head = Head()
        self.body = bytearray()
        self.certificate: Certificate | None = None
        self._socket: socket.socket | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def go(self, family: socket.AddressFamily, request: bytes) -> Answer:
        try:
            reader, writer = await self._connect(family)
            self.stage = HEAD
            writer.write(request)
            rest = await self._head(reader)
            self.stage = BODY
            if self.head.packed:
                return self.ended("bad_output", "the body is packed, though it was asked for plain")
            await read_body(reader, rest, self.head, self.body, self.limits.body)
        except TimeoutError:
            seconds = self.limits.connect if self.stage == CONNECT else self.limits.handshake
            return self.ended("timed_out", f"no answer within {seconds:g} s")
        except Broken as error:
            return self.ended(error.reason, str(error))
        except ConnectionRefusedError:
            return self.ended("refused", "the connection was refused")
        except (OSError, EOFError) as error:
            reason = "unreachable" if self.stage == CONNECT else "bad_output"
            return self.ended(reason, _said(error))
        self.stage = WHOLE
        return self.ended("", "")

    async def _connect(self, family: socket.AddressFamily) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop, question = asyncio.get_running_loop(), self.question
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        async with asyncio.timeout(self.limits.connect):
            await loop.sock_connect(self._socket, (question.address, question.port))
        if question.scheme == "http":
            reader, self._writer = await asyncio.open_connection(sock=self._socket)
            return reader, self._writer
        self.stage = TLS
        async with asyncio.timeout(self.limits.handshake):
            reader, self._writer = await asyncio.open_connection(
                sock=self._socket, ssl=_unchecked(), server_hostname=_server_name(question.host)
            )
        raw = self._writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.certificate = read_certificate(raw) if raw else None
        return reader, self._writer

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        """Reads up to the end of the head, and returns what came behind it."""
        seen = b""
        while True:
            more = await reader.read(4096)
            seen += more
            parsed = parse_head(seen, ended=not more, most=self.limits.head)
            if parsed is not None:
                self.head, rest = parsed
                return rest

    def ended(self, reason: str, message: str) -> Answer:
        return Answer(
            question=self.question,
            stage=self.stage,
            reason=reason,
            message=clean(message),
            status=self.head.status,
            headers=self.head.headers,
            body=bytes(self.body),
            certificate=self.certificate,
        )

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        elif self._socket is not None:
            self._socket.close()


class Asker:
    """Asks many questions: at most ``rate`` a second, at most ``at_once`` beside each other."""

    def __init__(self, *, rate: float, at_once: int, limits: Limits = LIMITS) -> None:
        self._gap = 1.0 / rate
        self._next = 0.0
        self._places = asyncio.Semaphore(at_once)
        self._limits = limits

    async def turn(self) -> None:
        """Waits until the next packet may go."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next + self._gap, now)
        await asyncio.sleep(max(0.0, self._next - now))

    async def ask(self, question: Question) -> Answer:
        async with self._places:
            await self.turn()
            return await ask(question, self._limits)


def run_until_stopped(work: Coroutine[Any, Any, None], stop: Stop) -> bool:
    """Runs ``work`` in a loop of its own; False where ``stop`` ended it, within a fraction of a second.

    What the work has written down by then is the caller's to use.
    """
    return asyncio.run(_watched(work, stop))


async def _watched(work: Coroutine[Any, Any, None], stop: Stop) -> bool:
    # A connection that breaks in its own way is an answer here, not something for the log.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    task = asyncio.create_task(work)
    while not task.done():
        if stop.is_set:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            return False
        await asyncio.wait({task}, timeout=_POLL_SECONDS)
    await task
    return True


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET


def _request(question: Question) -> bytes:
    if not question.path.startswith("/") or len(question.path) > 2048:
        raise ValueError("a path begins with a slash and is no longer than 2048 characters")
    if not _HOST.fullmatch(question.host or question.address):
        raise ValueError("a host is a name in letters, digits, dots and hyphens, or an address")
    path = quote(question.path, safe="/%?&=+-_.~:@!$'()*,;")
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {question.authority}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def _server_name(host: str) -> str:
    """The name for TLS: addresses have none there."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host
    return ""


@functools.lru_cache(maxsize=1)
def _unchecked() -> ssl.SSLContext:
    """Takes every certificate and every version: old devices are what this looks for, and nothing secret is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:!aNULL:!eNULL:@SECLEVEL=0")
    context.options |= _LEGACY_SERVER_CONNECT | _IGNORE_UNEXPECTED_EOF
    return context


def _said(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or 'the handshake failed'}"
    if isinstance(error, OSError):
        return error.strerror or "the connection was broken off"
    return "the connection ended early"

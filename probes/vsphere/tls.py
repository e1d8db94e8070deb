"""TLS to one address: the certificate is checked by an authority or by its thumbprint, and never not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import os
import select
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from inventories.faults import clean
from inventories.places import Address
from probes.vsphere.endpoint import Endpoint
from probes.vsphere.guard import Guard
from probes.vsphere.trouble import Trouble

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Trust:
    """What a certificate is held against. ``ca`` None with no ``thumbprint``: the system's authorities.

    ``thumbprint`` is the SHA-256 or SHA-1 of the DER certificate, hexadecimal. With a thumbprint alone no authority
    is asked; where both are given, both must agree.
    """

    ca: Path | None = None
    thumbprint: str = ""

    def context(self) -> ssl.SSLContext:
        """:class:`Trouble` where the file of authorities cannot be used."""
        if self.thumbprint and self.ca is None:
            return _pinned()
        try:
            return ssl.create_default_context(cafile=str(self.ca) if self.ca else None)
        except (OSError, ssl.SSLError):
            raise Trouble(
                "certificate", f"the file of authorities {clean(str(self.ca))} cannot be used", ends=True
            ) from None

    def fits(self, der: bytes) -> bool:
        """Whether a certificate has the thumbprint that was given, if one was."""
        if not self.thumbprint:
            return True
        wanted = "".join(c for c in self.thumbprint.lower() if c not in ": ")
        sha1 = hashlib.sha1(der, usedforsecurity=False).hexdigest()
        return hmac.compare_digest(wanted, hashlib.sha256(der).hexdigest() if len(wanted) == 64 else sha1)


def _pinned() -> ssl.SSLContext:
    """For a connection whose certificate is compared with a thumbprint before anything is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def connect(endpoint: Endpoint, address: Address, trust: Trust, guard: Guard, seconds: float) -> ssl.SSLSocket:
    """A connection whose certificate has been checked; nothing but the handshake has gone over it.

    ``seconds`` is the longest silence. Raises :class:`Trouble`: ``certificate`` tells the SHA-256 that was seen.
    """
    context = trust.context()
    try:
        sock = _handshake(endpoint, address, context, guard, seconds)
    except ssl.SSLCertVerificationError as error:
        seen = _shown(endpoint, address, guard, seconds)
        raise Trouble("certificate", f"{clean(error.verify_message, 120)}; {seen}", ends=True) from None
    if not trust.fits(sock.getpeercert(binary_form=True) or b""):
        seen = _words(sock.getpeercert(binary_form=True))
        sock.close()
        raise Trouble("certificate", f"the certificate does not have the thumbprint of the site; {seen}", ends=True)
    return sock


def _handshake(
    endpoint: Endpoint, address: Address, context: ssl.SSLContext, guard: Guard, seconds: float
) -> ssl.SSLSocket:
    plain = _dial(address, endpoint.port, guard, seconds)
    try:
        plain.settimeout(min(seconds, guard.seconds_left) or seconds)
        sock = context.wrap_socket(plain, server_hostname=endpoint.host, do_handshake_on_connect=False)
    except (OSError, ValueError):
        plain.close()
        raise
    guard.hold(sock)
    try:
        sock.do_handshake()
    except OSError:
        sock.close()
        raise
    sock.settimeout(seconds)
    return sock


def _dial(address: Address, port: int, guard: Guard, seconds: float) -> socket.socket:
    """A TCP connection, waited for in small steps so that the wish to stop is heard."""
    sock = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        code = sock.connect_ex((str(address), port))
        waited = 0.0
        while code in (errno.EINPROGRESS, errno.EALREADY):
            if guard.is_stopped:
                raise Trouble("stopped", guard.stop.reason, ends=True)
            if waited >= min(seconds, guard.seconds_left):
                raise TimeoutError
            if select.select([], [sock], [], _POLL_SECONDS)[1]:
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                break
            waited += _POLL_SECONDS
        if code:
            raise OSError(code, os.strerror(code))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, Trouble):
        sock.close()
        raise
    return sock


def _shown(endpoint: Endpoint, address: Address, guard: Guard, seconds: float) -> str:
    """The certificate that was refused, so that a person can compare it: read by a handshake, and hung up."""
    with contextlib.suppress(OSError, ssl.SSLError):
        sock = _handshake(endpoint, address, _pinned(), guard, seconds)
        der = sock.getpeercert(binary_form=True)
        sock.close()
        return _words(der)
    return "it could not be read"


def _words(der: bytes | None) -> str:
    return f"its SHA-256 is {hashlib.sha256(der).hexdigest()}" if der else "it has none"

"""The HTTP under pywinrm, with what that leaves open closed. Imported where WinRM is spoken, and nowhere else.

No redirect is followed, no proxy and no login of this machine's is used, an answer has an end, and is an envelope and
no more: no document type, whose entities could grow without end, and not a million elements. A certificate that is
itself among the trusted ones is known by that: what Windows makes for itself names the computer, and no address.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

import requests
from requests.adapters import HTTPAdapter

#: Bytes of one HTTP answer: an envelope of WinRM has 500 kB at most, unless somebody raised that.
MOST_ANSWER = 4 * 1024 * 1024
#: Elements of one envelope; an honest one has some dozens, with output a few thousand.
MOST_ELEMENTS = 50_000

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class TooMuch(requests.exceptions.ContentDecodingError):
    """An answer without end."""


class NotPlain(requests.exceptions.ContentDecodingError):
    """XML that no server of WinRM sends."""


def close_up(session: requests.Session, pin: str = "") -> None:
    """Closes a session up. ``pin``: the SHA-256 that the server's certificate must have, whatever names it has."""
    session.max_redirects = 0
    session.trust_env = False
    session.mount("https://", _Bounded(pin))


def pin_of(address: str, port: int, ca: Path, seconds: float) -> str:
    """The SHA-256 (hex) of the certificate that is offered there, where it stands in ``ca`` itself; else empty.

    Nothing is trusted by this alone: the connection that is used afterwards is checked against it. Raises requests'
    ReadTimeout where nothing answers in time.
    """
    known = {hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest() for text in _PEM.findall(_read(ca))}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    try:
        context.load_verify_locations(ca)
        with (
            socket.create_connection((address, port), timeout=seconds) as plain,
            context.wrap_socket(plain) as secured,
        ):
            offered = hashlib.sha256(secured.getpeercert(binary_form=True) or b"").hexdigest()
    except TimeoutError:
        raise requests.exceptions.ReadTimeout("auditor: no TLS in time") from None
    except OSError:
        # The connection that follows has the same fate, and says why.
        return ""
    return offered if offered in known else ""


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""


def check_plain(body: bytes) -> None:
    """:class:`NotPlain` for XML that would cost more to read than it holds; broken XML passes, its reader says so."""
    count = 0

    def element(_name: str, _attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MOST_ELEMENTS:
            raise NotPlain("auditor: too many elements")

    def document_type(*_what: object) -> None:
        raise NotPlain("auditor: a document type")

    parser = ParserCreate()
    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = document_type
    try:
        parser.Parse(body, True)
    except (ExpatError, ValueError, LookupError):
        return


class _Answer(requests.Response):
    """Read whole, up to a limit: not before NTLM has looked at the connection that it came over."""

    def iter_content(self, *args: Any, **more: Any) -> Iterator[Any]:
        size = 0
        for piece in super().iter_content(*args, **more):
            size += len(piece)
            if size > MOST_ANSWER:
                self.close()
                raise TooMuch("auditor: too much")
            yield piece

    @property
    def content(self) -> Any:
        body = super().content
        # What refuses a login or points elsewhere is not read, and may be a page for people.
        if body and self.status_code != requests.codes["unauthorized"] and not self.is_redirect:
            check_plain(body)
        return body


class _Bounded(HTTPAdapter):
    def __init__(self, pin: str) -> None:
        self._pin = pin
        super().__init__()

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        if self._pin:
            more["assert_fingerprint"] = self._pin
        super().init_poolmanager(*args, **more)

    def send(self, *args: Any, **more: Any) -> Any:
        response = super().send(*args, **more)
        response.__class__ = _Answer
        return response

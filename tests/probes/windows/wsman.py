"""A WinRM server, as far as one script over it goes: real TLS, real NTLM, real SOAP, and no Windows behind it.

What it answers is **synthetic**: no Windows machine was to be had. Its envelopes are put together from what MS-WSMV
documents and pywinrm reads; what a real server says beside that is not in them.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import spnego
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER = "audit"

_ENVELOPE = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
    'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
    'xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell">'
    "<s:Header><a:RelatesTo>%s</a:RelatesTo></s:Header><s:Body>%s</s:Body></s:Envelope>"
)
_FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>%s</s:Text></s:Reason><s:Detail>"
    '<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="%d"/></s:Detail></s:Fault>'
)
_STATE = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/"
_SHELL = '<rsp:Shell/><w:Selector Name="ShellId">11111111-2222-3333-4444-555555555555</w:Selector>'

#: What a server does once a login has succeeded (or is not asked for), in the place of an answer: body by name.
BODIES = {
    "broken": b"<s:Envelope><s:Body>",
    "rubbish": b"\x00\xff\x17 no XML at all",
    "empty": b"",
    "bomb": b'<!DOCTYPE x [<!ENTITY a "'
    + b"A" * 4000
    + b'">'
    + b"".join(f'<!ENTITY {b} "{f"&{a};" * 10}">'.encode() for a, b in zip("abcdefg", "bcdefgh", strict=True))
    + b"]><x>&h;</x>",
    "bomb16": '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'.encode("utf-16"),
    "outside": b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
    "nested": b"<a>" * 1_000_000,
    "other": b"<html><body>It works</body></html>",
}


def certificate(folder: Path, address: str, *, names: tuple[str, ...] = (), expired: bool = False) -> Path:
    """A self-signed certificate with its key, in one file; it is its own authority.

    With ``names`` it is one as Windows makes for itself: for a computer's name, and no authority.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, (names or (address,))[0])])
    now = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=60 if expired else 0)
    who: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName(who or [x509.IPAddress(ipaddress.ip_address(address))]), critical=False
        )
    )
    if not names:
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = made.sign(key, hashes.SHA256())
    path = folder / f"{address}.pem"
    kind = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
    )
    return path


def issued(folder: Path, *, address: str = "", names: tuple[str, ...] = ()) -> tuple[Path, Path]:
    """A server's certificate (with its key) that an authority has signed, and the authority's."""
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    own, authority = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, word)]) for word in ("server", "authority"))
    who = [*map(x509.DNSName, names), *([x509.IPAddress(ipaddress.ip_address(address))] if address else [])]
    made = []
    for subject, key in ((own, keys[0]), (authority, keys[1])):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=subject is authority, path_length=None), critical=True)
        )
        if subject is own:
            builder = builder.add_extension(x509.SubjectAlternativeName(who), critical=False)
        made.append(builder.sign(keys[1], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    kind = serialization.PrivateFormat.PKCS8
    leaf, trusted = folder / "leaf.pem", folder / "authority.pem"
    leaf.write_bytes(made[0] + keys[0].private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()))
    trusted.write_bytes(made[1])
    return leaf, trusted


class Wsman:
    """Serves HTTPS at an address of its own. ``answer`` turns a script into what PowerShell prints.

    ``manner`` is how it behaves: ``""`` well; the names of :data:`BODIES`; ``flood``, ``redirect`` (to ``to``),
    ``refuses``, ``basic`` (knows no NTLM), ``mute`` (TCP and nothing more), ``plain`` (no TLS), ``hangs``,
    ``dawdles``, ``drips``, ``breaks_off``, ``forbidden``, ``page``, ``busy``, ``resets``. ``scripts`` are what was
    run, ``connections`` and ``requests`` count what came in, ``logins`` are the users who tried.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        answer: Callable[[str], bytes] = lambda _script: b"",
        *,
        port: int = 0,
        manner: str = "",
        to: str = "",
        names: tuple[str, ...] = (),
        expired: bool = False,
    ) -> None:
        self.address, self.answer, self.manner, self.to = address, answer, manner, to
        self.certificate = certificate(folder, address, names=names, expired=expired)
        self.scripts: list[str] = []
        self.bodies: list[bytes] = []
        self.input = b""
        self.requests = self.connections = 0
        self.closing = threading.Event()
        self.server = _listening(self, address, port)
        self.port = self.server.server_address[1]
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self.certificate)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def public(self) -> str:
        """Its certificate, without the key."""
        return self.certificate.read_text("ascii").partition("-----BEGIN PRIVATE")[0]

    def __enter__(self) -> Wsman:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def met(self, handler: Any) -> Any:
        """The connection with TLS around it, or None where this server is not in the mood."""
        self.connections += 1
        if self.manner == "plain":
            return handler.request
        if self.manner == "mute":
            self.closing.wait(60)
            return None
        handler.request.settimeout(60)
        with contextlib.suppress(OSError):
            return self.tls.wrap_socket(handler.request, server_side=True)
        return None

    def serve(self, handler: Any, body: bytes) -> None:
        self.requests += 1
        self.bodies.append(body)
        say = handler.say
        match self.manner:
            case "redirect":
                return say(302, b"<!DOCTYPE html><html>moved</html>", {"Location": self.to})
            case "flood":
                return handler.flood()
            case "page":
                return say(404, b"<!DOCTYPE html><html><body>nothing here</body></html>", kind="text/html")
            case "busy":
                return say(503, b"busy", kind="text/plain")
            case "basic":
                return say(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
            case "resets":
                handler.close_connection = True
                return None
        if self._login(handler):
            self._answer(handler, body.decode())
        return None

    def _login(self, handler: Any) -> bool:
        """NTLM's three messages on one connection, checked against the password (``NTLM_USER_FILE``)."""
        if handler.context is not None and handler.context.complete:
            return True
        _, _, token = (handler.headers.get("Authorization") or "").partition(" ")
        page = b"<!DOCTYPE html><html>401</html>"
        if not token:
            handler.say(401, page, {"WWW-Authenticate": "Negotiate"})
            return False
        if handler.context is None:
            handler.context = spnego.server(protocol="ntlm")
        try:
            reply = handler.context.step(base64.b64decode(token))
        except spnego.exceptions.SpnegoError:
            reply, handler.context = None, None
        if handler.context is not None and handler.context.complete and self.manner != "refuses":
            return True
        handler.say(401, page, {"WWW-Authenticate": f"Negotiate {base64.b64encode(reply or b'').decode()}".strip()})
        return False

    def _answer(self, handler: Any, text: str) -> None:
        found = re.search(r"<a:MessageID>(.*?)</a:MessageID>", text)
        message = found[1] if found else ""
        receives = "shell/Receive<" in text
        if self.manner in BODIES:
            return handler.say(200, BODIES[self.manner])
        if self.manner == "forbidden":
            return handler.say(500, (_ENVELOPE % (message, _FAULT % ("Access is denied.", 5))).encode())
        if receives and self.manner == "hangs":
            self.closing.wait(60)
            handler.close_connection = True
            return None
        content = (_ENVELOPE % (message, self._do(text))).encode()
        if receives and self.manner == "drips":
            return handler.drip(content)
        if receives and self.manner == "breaks_off":
            return handler.say(200, content, cut=len(content) // 2)
        return handler.say(200, content)

    def _do(self, text: str) -> str:
        if "transfer/Create" in text:
            return _SHELL
        if "shell/Command<" in text:
            return "<rsp:CommandResponse><rsp:CommandId>C1</rsp:CommandId></rsp:CommandResponse>"
        if "shell/Send<" in text:
            stream = re.search(r"<rsp:Stream([^>]*)>([^<]*)<", text)
            assert stream is not None
            self.input += base64.b64decode(stream[2])
            if 'End="true"' in stream[1]:
                # Base64 of the transport was around the Base64 of ours.
                self.scripts.append(base64.b64decode(self.input).decode())
                self.input = b""
            return "<rsp:SendResponse/>"
        if "shell/Receive<" in text:
            if self.manner == "dawdles":
                return f'<rsp:CommandState CommandId="C1" State="{_STATE}Running"/>'
            said = base64.b64encode(self.answer(self.scripts[-1])).decode()
            state = f'<rsp:CommandState CommandId="C1" State="{_STATE}Done"><rsp:ExitCode>0</rsp:ExitCode>'
            return (
                f'<rsp:ReceiveResponse><rsp:Stream Name="stdout">{said}</rsp:Stream>'
                f"{state}</rsp:CommandState></rsp:ReceiveResponse>"
            )
        return ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    owner: Wsman

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that leave in the middle are what is tested here."""


def _listening(owner: Wsman, address: str, port: int) -> _Server:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        context: Any = None

        def setup(self) -> None:
            self.usable = owner.met(self)
            if self.usable is not None:
                self.request = self.usable
            super().setup()

        def handle(self) -> None:
            if self.usable is not None:
                super().handle()

        def finish(self) -> None:
            with contextlib.suppress(OSError):
                super().finish()
            with contextlib.suppress(OSError):
                self.request.shutdown(socket.SHUT_RDWR)
            self.request.close()

        def do_POST(self) -> None:
            owner.serve(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def say(
            self,
            code: int,
            body: bytes,
            headers: dict[str, str] | None = None,
            *,
            kind: str = "application/soap+xml;charset=UTF-8",
            cut: int | None = None,
        ) -> None:
            self.send_response(code)
            for name, value in {"Content-Type": kind, **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:cut])
            self.close_connection = self.close_connection or cut is not None

        def flood(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.end_headers()
            self.close_connection = True
            with contextlib.suppress(OSError):
                for _ in range(100_000):
                    self.wfile.write(b"x" * 65_536)

        def drip(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            with contextlib.suppress(OSError):
                for byte in content:
                    self.wfile.write(bytes([byte]))
                    if owner.closing.wait(0.5):
                        return

        def log_message(self, *_args: object) -> None:
            return

    return _Server((address, port), Handler)

"""A WinRM server, as far as one script over it goes: real TLS, real NTLM, real SOAP, and no Windows behind it.

What it answers is synthetic: no Windows machine was to be had.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
import re
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
_STATE = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done"


def certificate(folder: Path, address: str) -> Path:
    """A self-signed certificate with its key, in one file; it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{address}.pem"
    kind = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
    )
    return path


class Wsman:
    """Serves HTTPS at an address of its own. ``answer`` turns a script into what PowerShell prints.

    ``redirect`` sends every request elsewhere; ``flood`` answers without end. ``scripts`` are what was run,
    ``requests``
    counts what came in.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        password: str,
        answer: Callable[[str], bytes],
        *,
        redirect: str = "",
        flood: bool = False,
    ) -> None:
        self.address, self.answer, self.redirect, self.flood = address, answer, redirect, flood
        self.certificate = certificate(folder, address)
        users = folder / "users"
        users.write_text(f":{USER}:{password}\n")
        self.users = users
        self.scripts: list[str] = []
        self.requests = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            context: Any = None

            def do_POST(self) -> None:
                owner.requests += 1
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                owner.serve(self, body)

            def log_message(self, *_args: object) -> None:
                return

        self.server = ThreadingHTTPServer((address, 0), Handler)
        self.port = self.server.server_address[1]
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Wsman:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def serve(self, handler: Any, body: bytes) -> None:
        if self.redirect:
            return self._say(handler, 302, b"", {"Location": self.redirect})
        if self.flood:
            return self._flood(handler)
        if not self._login(handler):
            return None
        text = body.decode()
        message = re.search(r"<a:MessageID>(.*?)</a:MessageID>", text)
        content = self._do(text)
        return self._say(handler, 200, (_ENVELOPE % (message[1] if message else "", content)).encode())

    def _login(self, handler: Any) -> bool:
        """NTLM's three messages on one connection, checked against the password."""
        if handler.context is not None and handler.context.complete:
            return True
        header = handler.headers.get("Authorization") or ""
        _, _, token = header.partition(" ")
        if not token:
            self._say(handler, 401, b"", {"WWW-Authenticate": "Negotiate"})
            return False
        if handler.context is None:
            handler.context = spnego.server(protocol="ntlm")
        try:
            reply = handler.context.step(base64.b64decode(token))
        except spnego.exceptions.SpnegoError:
            handler.context = None
            self._say(handler, 401, b"", {"WWW-Authenticate": "Negotiate"})
            return False
        if handler.context.complete:
            return True
        said = base64.b64encode(reply or b"").decode()
        self._say(handler, 401, b"", {"WWW-Authenticate": f"Negotiate {said}"})
        return False

    def _do(self, text: str) -> str:
        if "transfer/Create" in text:
            return '<rsp:Shell/><w:Selector Name="ShellId">11111111-2222-3333-4444-555555555555</w:Selector>'
        if "shell/Command<" in text:
            return "<rsp:CommandResponse><rsp:CommandId>C1</rsp:CommandId></rsp:CommandResponse>"
        if "shell/Send<" in text:
            stream = re.search(r"<rsp:Stream[^>]*>([^<]*)<", text)
            assert stream is not None
            # Base64 of the transport around the Base64 of ours.
            self.scripts.append(base64.b64decode(base64.b64decode(stream[1])).decode())
            return "<rsp:SendResponse/>"
        if "shell/Receive<" in text:
            said = base64.b64encode(self.answer(self.scripts[-1])).decode()
            state = (
                f'<rsp:CommandState CommandId="C1" State="{_STATE}"><rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState>'
            )
            return f'<rsp:ReceiveResponse><rsp:Stream Name="stdout">{said}</rsp:Stream>{state}</rsp:ReceiveResponse>'
        return ""

    def _say(self, handler: Any, code: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        handler.send_response(code)
        for name, value in {"Content-Type": "application/soap+xml;charset=UTF-8", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _flood(self, handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/xml")
        handler.end_headers()
        try:
            for _ in range(100_000):
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            handler.close_connection = True

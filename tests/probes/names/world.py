"""A small internet on loopback addresses: web and name servers that write down everything they are asked."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Behaviour = Callable[[socket.socket, bytes], None]


def page(title: str = "", status: str = "200 OK", body: bytes | str | None = None, **headers: str) -> bytes:
    """A whole answer in HTTP. Headers are written ``content_type="text/html"``."""
    raw = body if isinstance(body, bytes) else (body or f"<html><head><title>{title}</title></head></html>").encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(raw)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


class Web:
    """Web servers, each on its own address and port. ``touched`` has every connection, ``heads`` every request."""

    def __init__(self) -> None:
        self.touched: list[tuple[str, int]] = []
        self.heads: list[bytes] = []
        self._stack = contextlib.ExitStack()
        self._gone = threading.Event()

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._stack.close()

    def serve(
        self,
        address: str,
        answer: bytes | Mapping[str, bytes] | Behaviour,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> int:
        """Starts one server and returns its port.

        ``answer`` is sent to whoever asked, or chosen by path (``*``: any other), or does as it likes with the
        connection, before anything was read from it where it has the attribute ``first``.
        """
        listener = socket.create_server((address, port), family=socket.AF_INET, backlog=64)
        self._stack.callback(listener.close)
        thread = threading.Thread(target=self._accept, args=(listener, answer, tls), daemon=True)
        thread.start()
        return int(listener.getsockname()[1])

    def paths(self) -> list[str]:
        return [head.split(b" ")[1].decode() for head in self.heads]

    def _accept(
        self, listener: socket.socket, answer: bytes | Mapping[str, bytes] | Behaviour, tls: ssl.SSLContext | None
    ) -> None:
        while True:
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
            self.touched.append(connection.getsockname()[:2])
            threading.Thread(target=self._answer, args=(connection, answer, tls), daemon=True).start()

    def _answer(
        self, connection: socket.socket, answer: bytes | Mapping[str, bytes] | Behaviour, tls: ssl.SSLContext | None
    ) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(20)
            if callable(answer) and getattr(answer, "first", False):
                answer(connection, b"")
                return
            talk = tls.wrap_socket(connection, server_side=True) if tls else connection
            with talk:
                head = b""
                while b"\r\n\r\n" not in head:
                    more = talk.recv(4096)
                    if not more:
                        return
                    head += more
                self.heads.append(head)
                if callable(answer):
                    answer(talk, head)
                elif isinstance(answer, bytes):
                    talk.sendall(answer)
                else:
                    path = head.split(b" ")[1].decode()
                    talk.sendall(answer.get(path) or answer.get("*") or page(status="404 Not Found"))

    def hang(self, connection: socket.socket, _head: bytes) -> None:
        """Says nothing until the world ends."""
        self._gone.wait(20)

    def mute(self) -> Behaviour:
        """A server that takes connections and never says a word."""

        def behave(connection: socket.socket, head: bytes) -> None:
            self.hang(connection, head)

        behave.first = True  # type: ignore[attr-defined]
        return behave

    def dribble(self, start: bytes, piece: bytes = b"x", seconds: float = 0.05) -> Behaviour:
        """Sends ``start``, then ``piece`` again and again, slowly."""

        def behave(connection: socket.socket, _head: bytes) -> None:
            connection.sendall(start)
            while not self._gone.wait(seconds):
                connection.sendall(piece)

        return behave


def says(first: bytes) -> Behaviour:
    """A server of another kind: it speaks first."""

    def behave(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(first)
        with contextlib.suppress(TimeoutError):
            connection.settimeout(1)
            connection.recv(4096)

    behave.first = True  # type: ignore[attr-defined]
    return behave


def tls_context(
    names: Sequence[str] = ("www.example.gov.cn",),
    *,
    organisation: str = "示例市民政局",
    valid_to: dt.datetime = dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
) -> ssl.SSLContext:
    """A server's context with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, names[0]),
        ]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(valid_to)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder, "pair.pem")
        pair.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(pair)
    return context


class Names:
    """Name servers on loopback addresses, all at one port. ``asked`` has every question: (server, name, type).

    ``zone`` maps a name to what is answered: addresses and aliases (``"cname:other."``), or one word:
    ``nxdomain``, ``bare`` (no such name, and nobody's authority), ``root`` (the root's), ``servfail``, ``refused``,
    ``silence``, ``empty``, ``cut`` (the whole answer by TCP only), ``nonsense``. What is not there is ``nxdomain``.
    """

    def __init__(self, zone: Mapping[str, Sequence[str] | str]) -> None:
        self.zones: dict[str, Mapping[str, Sequence[str] | str]] = {}
        self.default = zone
        self.asked: list[tuple[str, str, str]] = []
        self.port = 0
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Names:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def serve(self, address: str, zone: Mapping[str, Sequence[str] | str] | None = None) -> None:
        self.zones[address] = self.default if zone is None else zone
        tcp = socket.create_server((address, self.port))
        self.port = tcp.getsockname()[1]
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((address, self.port))
        self._stack.callback(tcp.close)
        self._stack.callback(udp.close)
        threading.Thread(target=self._udp, args=(udp, address), daemon=True).start()
        threading.Thread(target=self._tcp, args=(tcp, address), daemon=True).start()

    def names(self) -> set[str]:
        return {name for _server, name, _type in self.asked}

    def _udp(self, bound: socket.socket, address: str) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, peer = bound.recvfrom(4096)
                for answer in self._answers(raw, address, tcp=False):
                    bound.sendto(answer, peer)

    def _tcp(self, bound: socket.socket, address: str) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = bound.accept()
                with connection:
                    size = int.from_bytes(connection.recv(2), "big")
                    for answer in self._answers(connection.recv(size), address, tcp=True):
                        connection.sendall(len(answer).to_bytes(2, "big") + answer)

    def _answers(self, raw: bytes, address: str, *, tcp: bool) -> Iterator[bytes]:
        question = dns.message.from_wire(raw)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        kind = question.question[0].rdtype
        self.asked.append((address, name, dns.rdatatype.to_text(kind)))
        record = self.zones[address].get(name, "nxdomain")
        if record == "silence":
            return
        if record == "nonsense":
            yield raw[:2] + b"\x80\x00" + b"\xff" * 8 + b"\xc0\x0c" * 4
            return
        answer = dns.message.make_response(question)
        if record == "cut" and not tcp:
            answer.flags |= dns.flags.TC
        elif isinstance(record, str) and record != "cut":
            self._word(answer, name, record)
        else:
            self._records(answer, name, kind, ["127.77.7.7"] if record == "cut" else record)
        yield answer.to_wire()

    @staticmethod
    def _word(answer: dns.message.Message, name: str, word: str) -> None:
        codes = {"servfail": dns.rcode.SERVFAIL, "refused": dns.rcode.REFUSED, "empty": dns.rcode.NOERROR}
        answer.set_rcode(codes.get(word, dns.rcode.NXDOMAIN))
        if word in ("nxdomain", "root"):
            zone = "." if word == "root" else ".".join(name.split(".")[-2:]) + "."
            soa = "ns.example. root.example. 1 7200 900 1209600 86400"
            answer.authority.append(dns.rrset.from_text(zone, 300, "IN", "SOA", soa))

    @staticmethod
    def _records(
        answer: dns.message.Message, name: str, kind: dns.rdatatype.RdataType, records: Sequence[str]
    ) -> None:
        owner = name
        for record in records:
            if record.startswith("cname:"):
                target = record.removeprefix("cname:")
                answer.answer.append(dns.rrset.from_text(f"{owner}.", 300, "IN", "CNAME", target))
                owner = target.rstrip(".")
            elif record == "nxdomain":
                Names._word(answer, owner, "nxdomain")
            else:
                version = ipaddress.ip_address(record).version
                if (version == 4) == (kind == dns.rdatatype.A):
                    answer.answer.append(
                        dns.rrset.from_text(f"{owner}.", 300, "IN", dns.rdatatype.to_text(kind), record)
                    )

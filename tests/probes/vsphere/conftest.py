"""A server that answers as the laboratory's vCenter did when it was recorded, or however a test wants it to."""

from __future__ import annotations

import contextlib
import importlib.util
import ipaddress
import json
import re
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from inventories.model import Collection
from inventories.places import Zone
from probes.access import Access, VsphereAccess
from probes.base import Context, Stop
from probes.scope import Permit, Profile
from probes.secrets import Secret
from probes.vsphere.patience import Patience
from probes.vsphere.probe import VsphereProbe

ADDRESS = "127.66.0.2"
DATA = Path(__file__).resolve().parents[1] / "data" / "vsphere"
#: The clock of all looks, in the site's time.
NOW = datetime(2026, 3, 2, 17, 30, tzinfo=timezone(timedelta(hours=8)))
#: Long enough for two busy cores, short enough for tests that wait it out.
PATIENCE = Patience(connect=5.0, silence=1.0, answer=2.5, leave=0.5)

_METHOD = re.compile(rb"<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)")
_ABOUT = re.compile(rb"<type[^>]*>(\w+)</type>|<token[^>]*>([^<]*)</token>")


@dataclass(frozen=True)
class Asked:
    """One question: the SOAP method or the path, what it is about, and what came with it."""

    method: str
    about: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> tuple[str, str]:
        return self.method, self.about


@dataclass(frozen=True)
class Reply:
    """One answer. ``act`` does with the connection whatever it likes, in place of an answer."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    act: Callable[[Any], None] | None = None


Answers = Callable[[Asked], Reply | None]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body go out as two writes: the second would wait for the first to be acknowledged.
    disable_nagle_algorithm = True
    server: Server

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found, about = _METHOD.search(body), _ABOUT.search(body)
        what = (about[1] or about[2]).decode() if about else ""
        if b">config.hardware.device<" in body:
            what += " devices"
        method = found[1].decode() if found else self.path.removeprefix("/")
        asked = Asked(method, what, dict(self.headers), body)
        self.server.seen.append(asked)
        reply = self.server.answers(asked) or self.server.recorded(asked)
        if reply.act is not None:
            reply.act(self)
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Transfer-Encoding" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = _answer

    def log_message(self, format: str, *args: object) -> None:
        return


class Server(ThreadingHTTPServer):
    """``seen`` are the questions in order; ``dialled`` counts connections, of which nothing may ever be asked.

    ``answers`` is asked first; what it leaves (None) is answered as recorded.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, recording: Path, pair: Path, address: str = ADDRESS) -> None:
        self.seen: list[Asked] = []
        self.dialled = 0
        self.answers: Answers = lambda _asked: None
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(pair)
        self._recorded: dict[tuple[str, str], list[Reply]] = {}
        for line in recording.read_text("utf-8").splitlines():
            said = json.loads(line)
            headers = {"Set-Cookie": said["cookie"]} if said.get("cookie") else {}
            reply = Reply(said["body"].encode(), said["status"], headers)
            self._recorded.setdefault((said["method"], said.get("about", "")), []).append(reply)
        self._turns: dict[tuple[str, str], int] = {}
        super().__init__((address, 0), _Handler)

    @property
    def url(self) -> str:
        return f"https://{self.server_address[0]!s}:{self.server_address[1]}"

    def recorded(self, asked: Asked) -> Reply:
        """The recorded answers to the same question, in turn, from the beginning again after the last."""
        known = self._recorded.get(asked.key, [])
        if not known:
            return Reply(b"nothing like this was recorded", 404)
        turn = self._turns.get(asked.key, 0)
        self._turns[asked.key] = turn + 1
        return known[turn % len(known)]

    def changed(self, asked: Asked, *changes: tuple[str, str]) -> Reply:
        """The recorded answer with texts put for others, each of which must be there."""
        reply = self.recorded(asked)
        text = reply.body.decode()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        return Reply(text.encode(), reply.status, reply.headers)

    def asked(self, method: str) -> list[Asked]:
        return [asked for asked in self.seen if asked.method == method]

    @property
    def methods(self) -> list[str]:
        return [asked.method for asked in self.seen]

    def get_request(self) -> tuple[Any, Any]:
        self.dialled += 1
        return super().get_request()

    def finish_request(self, request: Any, client_address: Any) -> None:
        with contextlib.suppress(OSError):
            super().finish_request(self._tls.wrap_socket(request, server_side=True), client_address)


def soap_fault(name: str, inside: str = "", words: str = "no") -> Reply:
    """A fault as a vCenter answers it."""
    return Reply(
        (
            '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
            ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
            ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<soapenv:Body><soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>{words}</faultstring>"
            f'<detail><{name}Fault xmlns="urn:vim25" xsi:type="{name}">{inside}</{name}Fault></detail>'
            "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
        ).encode(),
        500,
    )


def expired() -> Reply:
    return soap_fault(
        "NotAuthenticated", '<object type="Folder">group-d1</object><privilegeId>System.View</privilegeId>'
    )


def names(got: Collection) -> set[str]:
    return {str(f.value) for o in got.observations for f in o.facts if f.column == "name"}


def cloud(got: Collection) -> dict[str, Any]:
    (found,) = [o for o in got.observations if o.kind == "cloud"]
    return {fact.column: fact.value for fact in found.facts}


def only(method: str, about: str, reply: Any, *, times: int = 99) -> Callable[[Any], Any]:
    """Answers one question of a kind with ``reply``, or with what it gives for the question, so many times."""
    left = [times]

    def answers(asked: Any) -> Any:
        if asked.key != (method, about) or not left[0]:
            return None
        left[0] -= 1
        return reply(asked) if callable(reply) else reply

    return answers


@dataclass(frozen=True)
class Certificates:
    ca: Path
    pair: Path
    thumbprint: str
    other_ca: Path


@dataclass(frozen=True)
class Lab:
    """What the tests of this folder start servers and looks with."""

    certificates: Certificates
    home: Path
    start: Callable[..., Server]

    def access(self, server: Server, **changes: Any) -> VsphereAccess:
        secret = self.home / "password"
        if not secret.exists():
            secret.write_text("a-password-of-tests\n")
        given = {
            "endpoint": server.url,
            "user": "auditor@vsphere.local",
            "password": Secret("file", str(secret)),
            "ca": self.certificates.ca,
            **changes,
        }
        return VsphereAccess(**given)

    def permit(
        self, access: VsphereAccess, *, targets: tuple[str, ...] = (f"{ADDRESS}/32",), kind: str = "department"
    ) -> Permit:
        """The zone holds the machines' addresses too; only the targets may be asked."""
        networks = tuple(ipaddress.ip_network(target) for target in targets)
        zone = Zone("z", "区", "v", kind, (*networks, ipaddress.ip_network("127.66.0.0/16")))
        profile = Profile("test", 10_000, 2, 60, (22,))
        return Permit(zone, networks, (), profile, ("d",), NOW + timedelta(hours=1), access=Access(vsphere=(access,)))

    def look(
        self,
        server: Server,
        *,
        stop: Stop | None = None,
        patience: Patience = PATIENCE,
        page: int = 3,
        targets: tuple[str, ...] = (f"{ADDRESS}/32",),
        **changes: Any,
    ) -> Collection:
        permit = self.permit(self.access(server, **changes), targets=targets)
        probe = VsphereProbe(page=page, patience=patience)
        (shard,) = probe.shards(permit)
        workdir = self.home / "work"
        workdir.mkdir(exist_ok=True)
        return probe.collect(shard, Context(permit, workdir, stop or Stop(), lambda: NOW))

    fault = staticmethod(soap_fault)
    expired = staticmethod(expired)
    names = staticmethod(names)
    cloud = staticmethod(cloud)
    only = staticmethod(only)
    Reply = Reply
    patience = PATIENCE
    now = NOW


def _vcenter() -> ModuleType:
    """The laboratory's module, of which only the certificates are used here: nothing is built."""
    if "vcenter" not in sys.modules:
        path = Path(__file__).resolve().parents[2] / "lab" / "vcenter.py"
        spec = importlib.util.spec_from_file_location("vcenter", path)
        assert spec is not None and spec.loader is not None
        sys.modules["vcenter"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["vcenter"])
    return sys.modules["vcenter"]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    home = tmp_path_factory.mktemp("certificates")
    ca, pair, thumbprint = _vcenter().certificate(ADDRESS, home)
    return Certificates(ca, pair, thumbprint, _vcenter().certificate(ADDRESS, home, "other")[0])


@pytest.fixture
def lab(certificates: Certificates, tmp_path: Path) -> Iterator[Lab]:
    with ExitStack() as stack:

        def start(recording: str = "vcenter", answers: Answers | None = None, address: str = ADDRESS) -> Server:
            server = Server(DATA / f"{recording}.jsonl", certificates.pair, address)
            if answers is not None:
                server.answers = answers
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return server

        yield Lab(certificates, tmp_path, start)

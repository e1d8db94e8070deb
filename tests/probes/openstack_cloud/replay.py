"""A cloud that answers as a real one was recorded to answer, and misbehaves where a test tells it to.

What it says lies in ``data/recorded.json``: whole answers of keystone, nova, neutron, glance and cinder. The replay
checks logins and tokens, gives each project its own rows, and pages as nova does. :meth:`Replay.on` plays faults.
"""

from __future__ import annotations

import copy
import json
import re
import secrets
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

DATA = Path(__file__).with_name("data") / "recorded.json"
REGION = "gov-1"
#: Last words of a path → where its rows stand in the recording.
LISTS = {
    "servers/detail": "servers",
    "os-hypervisors/detail": "hypervisors",
    "flavors/detail": "flavors",
    "volumes/detail": "volumes",
    "networks": "networks",
    "subnets": "subnets",
    "ports": "ports",
    "floatingips": "floatingips",
    "images": "images",
}


@cache
def recorded() -> dict[str, Any]:
    return json.loads(DATA.read_text("utf-8"))  # type: ignore[no-any-return]


@dataclass
class Asked:
    """One request, as it came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    region: str = ""
    #: The name of the project whose token came with it.
    project: str = ""
    user: str = ""
    microversion: str = ""


@dataclass
class Answer:
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Sent as it is, in place of the body.
    raw: bytes | None = None
    #: Whether the connection is closed before everything that was promised is sent.
    torn: bool = False


Play = Callable[[Asked], Answer | None]


@dataclass
class _Fault:
    path: re.Pattern[str]
    play: Play
    after: int
    times: int


class Replay:
    """Listens on ``address`` until it is closed. ``users`` maps a name to its password; their roles are recorded.

    ``page`` is nova's and cinder's max_limit; ``microversion`` the newest that nova speaks, empty for none at all.
    """

    def __init__(
        self,
        address: str,
        *,
        users: Mapping[str, str],
        regions: Iterable[str] = (REGION,),
        page: int = 3,
        microversion: str = "2.104",
        tls: ssl.SSLContext | None = None,
        name: str = "",
    ) -> None:
        self.address, self.users, self.page, self.microversion = address, users, page, microversion
        self.regions = dict.fromkeys(regions, "")
        self.data = copy.deepcopy(recorded())
        self.asked: list[Asked] = []
        self.tokens: dict[str, tuple[str, dict[str, Any] | None]] = {}
        #: Requests that a token is good for; none: without an end.
        self.lasts: int | None = None
        #: The address in links to further pages: openstacksdk goes there, and the probe must not.
        self.links = "http://elsewhere.invalid"
        self._used: dict[str, int] = {}
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()
        self._pages: dict[Any, bytes] = {}

        class Handler(_Handler):
            replay = self

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls is not None else "http"
        self.port = self._server.server_address[1]
        self.base = f"{scheme}://{name or address}:{self.port}"
        self.auth_url = f"{self.base}/identity/v3"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def on(self, path: str, play: Play | Answer, *, after: int = 0, times: int = 1_000_000) -> None:
        """Answers requests whose path matches with ``play``, ``after`` so many of them, ``times`` times.

        A play that returns None leaves the request to the recording.
        """
        made = play if callable(play) else lambda _asked: play
        self._faults.append(_Fault(re.compile(path), made, after, times))

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def endpoint(self, region: str, service: str) -> str:
        """Where the catalogue sends somebody; a region's own base, where a test gives it one, stands first."""
        base = self.regions[region] or f"{self.base}/{region}"
        return base + {"compute": "/compute/v2.1", "volume": "/volume/v3"}.get(service, f"/{service}")

    def multiply(self, count: int) -> None:
        """``count`` servers more, each with a port, an address and a hardware address of its own."""
        for number in range(count):
            ident = f"{number:08x}-5e8d-4b6a-9d51-0c6f3a7b1e42"
            spot, mac = f"10.{20 + number // 65_000}.{number // 250 % 250 + 1}.{number % 250 + 1}", f"{number:06x}"
            hardware = f"fa:16:3e:{mac[:2]}:{mac[2:4]}:{mac[4:]}"
            for name in ("servers", "servers_old"):
                rows = self.data[name]["servers"]
                row = {**copy.deepcopy(rows[number % 5]), "id": ident, "name": f"row-{number:05d}"}
                near = {"addr": spot, "version": 4, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": hardware}
                rows.append({**row, "addresses": {"net": [near]}})
            model = self.data["ports"]["ports"][0]
            near = {"subnet_id": model["fixed_ips"][0]["subnet_id"], "ip_address": spot}
            own = {"id": f"p{ident}", "device_id": ident, "mac_address": hardware, "fixed_ips": [near]}
            self.data["ports"]["ports"].append({**model, **own})

    # --- what it answers ------------------------------------------------------------------------------------

    def answer(self, asked: Asked, body: Any) -> Answer:
        with self._lock:
            self.asked.append(asked)
            fault = self._fault(asked)
        if fault is not None and (played := fault(asked)) is not None:
            return played
        if asked.path == "/identity/v3/auth/tokens" and asked.method == "POST":
            return self._login(body)
        if asked.path.rstrip("/") == "/identity/v3":
            return Answer(200, self._versions("version_identity"))
        token = asked.headers.get("X-Auth-Token", "")
        if token not in self.tokens or not self._good(token):
            return Answer(401, self.data["servers_expired"]["body"])
        user, project = self.tokens[token]
        asked.user, asked.project = user, project["name"] if project else ""
        if asked.path == "/identity/v3/auth/projects":
            return Answer(200, {"links": {"next": None}, "projects": self._projects_of(user)})
        if asked.path == "/identity/v3/projects":
            admin = self._is_admin(user, project)
            refused = self.data["projects_refused"]
            return Answer(200, self.data["projects"]) if admin else Answer(refused["status"], refused["body"])
        return self._service(asked, user, project)

    def _fault(self, asked: Asked) -> Play | None:
        for fault in self._faults:
            if fault.path.search(asked.path):
                if fault.after:
                    fault.after -= 1
                elif fault.times:
                    fault.times -= 1
                    return fault.play
        return None

    def _good(self, token: str) -> bool:
        with self._lock:
            self._used[token] = self._used.get(token, 0) + 1
            return self.lasts is None or self._used[token] <= self.lasts

    def _login(self, body: Any) -> Answer:
        auth = body["auth"]
        scope = auth.get("scope", "unscoped")
        if auth["identity"]["methods"] == ["application_credential"]:
            who = auth["identity"]["application_credential"]
            user, word = who["id"], who["secret"]
            if user in self.users:
                scope = {"project": {"id": self._projects_of(user)[0]["id"]}}
        else:
            who = auth["identity"]["password"]["user"]
            user, word = who["name"], who["password"]
        if self.users.get(user) != word:
            return Answer(401, self.data["refused_login"])
        project = None
        if scope != "unscoped":
            wished = scope["project"].get("id") or scope["project"]["name"]
            project = next((p for p in self._projects_of(user) if wished in (p["id"], p["name"])), None)
            if project is None:
                return Answer(401, self.data["refused_login"])
        token = secrets.token_urlsafe(24)
        self.tokens[token] = (user, project)
        kind = "unscoped_token" if project is None else "token"
        made = copy.deepcopy(self.data[kind])
        made["token"]["expires_at"] = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%S.000000Z}"
        if project is not None:
            inner = made["token"]
            inner["project"].update(id=project["id"], name=project["name"])
            inner["roles"] = [{"id": "r", "name": self.data["users"][user][project["name"]]}]
            inner["catalog"] = self._catalogue(inner["catalog"])
        return Answer(201, made, {"X-Subject-Token": token})

    def _catalogue(self, services: list[Any]) -> list[Any]:
        out = []
        for service in services:
            kind = {"block-storage": "volume"}.get(service["type"], service["type"])
            model = service["endpoints"][0]
            rows = [
                {
                    **model,
                    "region": region,
                    "region_id": region,
                    "interface": face,
                    "url": self.endpoint(region, kind),
                }
                for region in self.regions
                for face in ("public", "internal", "admin")
            ]
            out.append({**service, "endpoints": rows})
        return out

    def _projects_of(self, user: str) -> list[Any]:
        return [row for row in self.data["projects"]["projects"] if row["name"] in self.data["users"][user]]

    def _is_admin(self, user: str, project: Any) -> bool:
        return bool(project) and self.data["users"][user].get(project["name"]) == "admin"

    def _service(self, asked: Asked, user: str, project: Any) -> Answer:
        if re.fullmatch(r"/[^/]+/compute/v2(\.1)?/?", asked.path):
            version = copy.deepcopy(self.data["version"])
            version["version"].update(version=self.microversion, min_version="2.1" if self.microversion else "")
            return Answer(200, version)
        if found := re.fullmatch(r"/[^/]+/(image|network|volume)(/v\d)?/?", asked.path):
            return Answer(200, self._versions(f"version_{found[1]}", asked.region))
        name = next((name for end, name in LISTS.items() if asked.path.endswith("/" + end)), "")
        if not name:
            return Answer(404, {"error": {"code": 404, "message": "not found"}})
        admin = self._is_admin(user, project)
        if name == "hypervisors" and not admin:
            refused = self.data["hypervisors_refused"]
            return Answer(refused["status"], refused["body"])
        if asked.query.get("all_tenants") in ("1", "True") and not admin:
            refused = self.data["servers_refused"]
            return Answer(refused["status"], refused["body"])
        return Answer(200, raw=self._page(name, asked, admin, project))

    def _versions(self, key: str, region: str = "") -> Any:
        """What a service says of its versions, with this replay's addresses in it."""
        kind = key.removeprefix("version_")
        here = f"{self.base}/{region}/{kind}" if region else f"{self.base}/{kind}"
        return json.loads(json.dumps(self.data[key]).replace(f"@{kind}@", here))

    def _page(self, name: str, asked: Asked, admin: bool, project: Any) -> bytes:
        everybody = admin and (name not in ("servers", "volumes") or asked.query.get("all_tenants") in ("1", "True"))
        key = (name, asked.path, tuple(sorted(asked.query.items())), everybody, project["id"], asked.microversion)
        if key not in self._pages:
            self._pages[key] = json.dumps(self._body(name, asked, everybody, project)).encode()
        return self._pages[key]

    def _body(self, name: str, asked: Asked, everybody: bool, project: Any) -> Any:
        old = not asked.microversion and f"{name}_old" in self.data
        rows = self.data[f"{name}_old" if old else name][name]
        if not everybody:
            rows = [row for row in rows if _may_see(row, project["id"])]
        most = self.page if name in ("servers", "volumes", "hypervisors") else 1000
        size = min(int(asked.query.get("limit", most)), most)
        begin = 0
        if marker := asked.query.get("marker"):
            begin = next((n for n, row in enumerate(rows) if str(row["id"]) == marker), len(rows)) + 1
        page = rows[begin : begin + size]
        body: dict[str, Any] = {name: page}
        if len(page) == size and page:
            # As nova does it: a full page promises another one, that may be empty.
            href = f"{self.links}{asked.path}?limit={size}&marker={page[-1]['id']}"
            if name == "images":
                body["next"] = href
            else:
                body[f"{name}_links"] = [{"rel": "next", "href": href}]
        return body


def _may_see(row: Mapping[str, Any], project: str) -> bool:
    """Own rows, and what everybody sees: public images, flavors, shared and external networks."""
    owner = row.get("tenant_id") or row.get("os-vol-tenant-attr:tenant_id") or row.get("owner")
    public = row.get("visibility") == "public" or row.get("shared") or row.get("router:external")
    return owner is None or owner == project or bool(public)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: A head and its body leave together.
    wbufsize = 65_536
    disable_nagle_algorithm = True
    replay: Replay

    def do_GET(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    do_PUT = do_DELETE = do_PATCH = do_HEAD = do_POST

    def _do(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        spoken = self.headers.get("OpenStack-API-Version", "").removeprefix("compute").strip()
        region = parts.path.split("/")[1] if parts.path.count("/") > 1 else ""
        asked = Asked(self.command, parts.path, query, dict(self.headers), region, microversion=spoken)
        self._send(self.replay.answer(asked, json.loads(sent) if sent else None))

    def _send(self, answer: Answer) -> None:
        raw = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(raw[: len(raw) // 2] if answer.torn else raw)
            self.wfile.flush()
        except OSError:
            answer.torn = True
        if answer.torn:
            self.close_connection = True

    def log_message(self, *_args: object) -> None:
        pass


if __name__ == "__main__":
    # COUNT servers more, for a benchmark in another process; ends when its standard input does.
    with Replay("127.0.0.1", users={"city-admin": sys.argv[2]}, page=1000) as running:
        running.multiply(int(sys.argv[1]))
        running.links = running.base
        print(running.auth_url, flush=True)
        sys.stdin.read()

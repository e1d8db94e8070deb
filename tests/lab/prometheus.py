"""Real Prometheus and Alertmanager servers on loopback, and what they say when they are asked.

Each is a context manager that starts Debian's program in a folder of its own and ends the very process it started.
"""

from __future__ import annotations

import http.server
import json
import math
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")
#: A series' labels without its name, and its value.
Found = dict[tuple[tuple[str, str], ...], float]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def until(ask: Callable[[], T | None], what: str, seconds: float = 60.0) -> T:
    """What ``ask`` comes to once it comes to something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ask()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds:g} seconds for {what}")


class _Program:
    """A server of Debian's, started in a folder and ended by its own process."""

    def __init__(self, folder: Path, command: list[str], port: int) -> None:
        self.folder, self.port = folder, port
        self.address = f"127.0.0.1:{port}"
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=self.folder
            )
        until(self._is_ready, f"{self._command[0]} to be ready: {self.folder / 'log'}", 120)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)

    def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError((self.folder / "log").read_text(encoding="utf-8", errors="replace")[-3000:])
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def get(self, path: str, **parameters: str) -> Any:
        """The ``data`` of an answer of the HTTP API. AssertionError with its words where it refuses."""
        body = urllib.parse.urlencode(parameters).encode() if parameters else None
        try:
            # As a form: queries are longer than an address may be.
            with urllib.request.urlopen(f"http://{self.address}{path}", data=body, timeout=60) as answer:
                told = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path} {parameters}: {error.read().decode()}") from None
        return told["data"] if isinstance(told, dict) and "data" in told else told


class Prometheus(_Program):
    """``config`` is prometheus.yml; ``folder / "data"`` may hold blocks already."""

    def __init__(self, folder: Path, config: str) -> None:
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(config, encoding="utf-8")
        command = [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=10y",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]
        super().__init__(folder, command, port)

    def query(self, expression: str, at: float | None = None) -> Found:
        """An instant query: labels (without the name) → value. A scalar has no labels."""
        given = {} if at is None else {"time": f"{at:.3f}"}
        told = self.get("/api/v1/query", query=expression, **given)
        if told["resultType"] == "scalar":
            return {(): float(told["result"][1])}
        out: Found = {}
        for one in told["result"]:
            labels = tuple(sorted((k, v) for k, v in one["metric"].items() if k != "__name__"))
            assert labels not in out, f"{expression}: {labels} stands twice"
            out[labels] = float(one["value"][1])
        return out

    def by(self, expression: str, *labels: str) -> dict[Any, float]:
        """The same by some labels: of one label its bare value, of none the one figure."""
        out: dict[Any, float] = {}
        for key, value in self.query(expression).items():
            values = tuple(dict(key).get(label, "") for label in labels)
            name = values[0] if len(values) == 1 else values
            assert name not in out, f"{expression}: {name} stands twice"
            out[name] = value
        return out

    def one(self, expression: str, at: float | None = None) -> float:
        """The only figure of a query; NaN where there is none."""
        found = self.query(expression, at)
        assert len(found) <= 1, f"{expression}: {len(found)} results"
        return next(iter(found.values()), math.nan)

    def range(
        self, expression: str, start: float, end: float, step: float
    ) -> dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]:
        told = self.get(
            "/api/v1/query_range", query=expression, start=f"{start:.3f}", end=f"{end:.3f}", step=f"{step:g}"
        )
        return {
            tuple(sorted((k, v) for k, v in one["metric"].items() if k != "__name__")): [
                (float(at), float(value)) for at, value in one["values"]
            ]
            for one in told["result"]
        }

    def everything(self, match: str = '{__name__=~"auditor_.+"}') -> dict[str, Found]:
        """Every series that stands now: name → labels → value."""
        out: dict[str, Found] = {}
        for one in self.get("/api/v1/query", query=match)["result"]:
            labels = dict(one["metric"])
            name = labels.pop("__name__")
            out.setdefault(name, {})[tuple(sorted(labels.items()))] = float(one["value"][1])
        return out

    def rules(self) -> list[dict[str, Any]]:
        """Every rule as it was last evaluated, each with its group's name as ``group``."""
        return [
            {**rule, "group": group["name"]}
            for group in self.get("/api/v1/rules")["groups"]
            for rule in group["rules"]
        ]

    def firing(self) -> dict[str, list[Mapping[str, str]]]:
        """Alerts that fire: name → their labels without the name."""
        out: dict[str, list[Mapping[str, str]]] = {}
        for alert in self.get("/api/v1/alerts")["alerts"]:
            if alert["state"] == "firing":
                labels = dict(alert["labels"])
                out.setdefault(labels.pop("alertname"), []).append(labels)
        return out

    def scraped(self) -> list[dict[str, Any]]:
        """The targets with the outcome of their newest scrape."""
        found: list[dict[str, Any]] = self.get("/api/v1/targets")["activeTargets"]
        return found

    def wait_for(self, expression: str, meets: Callable[[float], bool], seconds: float = 60.0) -> float:
        """The only figure of a query, once it is as it should be."""
        return until(
            lambda: (value,) if meets(value := self.one(expression)) else None,
            f"{expression} (now {self.query(expression)})",
            seconds,
        )[0]


class Alertmanager(_Program):
    """``config`` is alertmanager.yml."""

    def __init__(self, folder: Path, config: str) -> None:
        port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "alertmanager.yml").write_text(config, encoding="utf-8")
        command = [
            "prometheus-alertmanager",
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        super().__init__(folder, command, port)

    def alerts(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"http://{self.address}/api/v2/alerts", timeout=10) as answer:
            found: list[dict[str, Any]] = json.loads(answer.read())
        return found


class Webhook:
    """Where Alertmanager sends its notices: ``notices`` are what came, oldest first, with the path they came to."""

    def __init__(self) -> None:
        notices: list[tuple[str, dict[str, Any]]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                notices.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                """What came is kept."""

        self.notices = notices
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def alerts(self) -> Iterable[Mapping[str, Any]]:
        """Every alert that came, in whichever notice."""
        return [alert for _path, notice in self.notices for alert in notice["alerts"]]

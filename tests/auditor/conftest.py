"""A very small real city: a few addresses of the loopback network with real listeners, and registers beside them."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from typer.main import get_command

from tests.auditor import ledgers
from tests.auditor.commands import typed

HTTP = 18080
PROBES = "nmap-service-probes"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sqlite_file: about SQLite's file; left out on PostgreSQL")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if ledgers.SERVER:
        left_out = [item for item in items if item.get_closest_marker("sqlite_file")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def _one_command_line() -> Iterator[None]:
    """Commands that are typed in this process build the same command line once, not every time anew."""
    with mock.patch("typer.main.get_command", cache(get_command)):
        yield


@pytest.fixture(autouse=True)
def _no_databases_left(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    folder = getattr(request.node, "funcargs", {}).get("tmp_path")
    if ledgers.SERVER and folder is not None:
        ledgers.forget(folder)


class Listener:
    """One address that answers: with a web page where it has a title, else with a greeting at once. Counts calls."""

    def __init__(self, address: str, title: str = "", port: int = HTTP) -> None:
        self.calls = 0
        handler = type("Handler", (_Page if title else _Greeting,), {"listener": self, "title": title})
        self._server = socketserver.ThreadingTCPServer((address, port), handler, bind_and_activate=False)
        self._server.allow_reuse_address = self._server.daemon_threads = True
        self._server.server_bind()
        self._server.server_activate()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Greeting(socketserver.BaseRequestHandler):
    """Version detection waits six seconds for a service that does not speak first; this one does."""

    listener: Listener

    def handle(self) -> None:
        self.listener.calls += 1
        with contextlib.suppress(OSError):
            self.request.sendall(b"SSH-2.0-OpenSSH_7.4\r\n")


class _Page(http.server.BaseHTTPRequestHandler):
    listener: Listener
    title: str

    def handle(self) -> None:
        self.listener.calls += 1
        with contextlib.suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        page = f"<html><head><meta charset=utf-8><title>{self.title}</title></head></html>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: what is asked is counted."""


@dataclass
class City:
    """A site folder, and the commands run on it as a person would."""

    root: Path
    net: str
    listeners: list[Listener] = field(default_factory=list)

    def listen(self, host: int, title: str = "", port: int = HTTP) -> Listener:
        listener = Listener(f"{self.net}.{host}", title, port)
        self.listeners.append(listener)
        return listener

    def site(self, zones: str, more: str = "") -> None:
        text = (
            "site: tiny\nname: 小市\nbureau: 小市数据局\nregion: '140800'\npacks: [yuncheng-2021]\n"
            f"profiles: {{tiny: {{base: fast, ports: [{HTTP}]}}}}\n{more}zones:\n{zones}"
        )
        for key, value in ledgers.section(self.root).items():
            text += f"{key}: {json.dumps(value)}\n"
        (self.root / "site.yaml").write_text(text, encoding="utf-8")

    def zone(self, name: str = "mzj", prefix: str = "", more: str = "", to: str = "2099-12-31") -> str:
        return (
            f"  - id: {name}\n    name: 民政局\n    vantage: here\n    department: mzj\n"
            f"    prefixes: [{prefix or self.net + '.0/28'}]\n    profile: tiny\n{more}"
            "    authorisations:\n"
            f"      - {{document: 授权1号, approver: 分管领导, from: 2020-01-01, to: {to}}}\n"
        )

    def register(self, name: str, *rows: str) -> None:
        (self.root / "registers").mkdir(exist_ok=True)
        (self.root / "registers" / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")

    def registers(self, *systems: str) -> None:
        """One department that has answered, with these rows of systems."""
        asked = date.today() - timedelta(days=3)
        self.register("departments", "部门编号,部门名称,行政区划代码,政府层级", "mzj,市民政局,140800,市级")
        self.register("systems", "所属部门,系统编号,系统名称,系统状态,部署位置,IP地址", *systems)
        self.register("submissions", "所属部门,登记表,收到日期,是否零报告", f"市民政局,信息系统,{asked},否")

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "auditor", *arguments, "--site", str(self.root)]

    def run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """A command, typed in this process; in one of its own where that is to be any different (``env=…``)."""
        return self.process(*arguments, **more) if more else typed(*arguments, "--site", str(self.root))

    def process(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=120, check=False, **more
        )

    def audit(self, *arguments: str, **more: Any) -> dict[str, Any]:
        """``auditor audit --json``: its document, with the exit status under ``exit``."""
        done = self.run("audit", "--json", *arguments, **more)
        assert done.stdout, done.stderr
        body: dict[str, Any] = json.loads(done.stdout)
        return body | {"exit": done.returncode, "stderr": done.stderr}

    def findings(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.run("findings", "--json", *arguments)
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    def wrapped_nmap(self, script: str) -> dict[str, str]:
        """An environment in which ``nmap`` is a script of the test's; ``$REAL`` is the true one."""
        folder = self.root / "bin"
        folder.mkdir(exist_ok=True)
        real = shutil.which("nmap")
        (folder / "nmap").write_text(f"#!/bin/sh\nREAL={real}\n{script}\n", encoding="utf-8")
        (folder / "nmap").chmod(0o755)
        return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def hasty_probes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for ``NMAPDIR``: nmap's own probes of services, but a second instead of six for a page to greet first.

    How long nmap waits is its own matter, and tests/probes and the laboratory let it wait as long as it likes.
    """
    folder, real = tmp_path_factory.mktemp("nmap"), shutil.which("nmap")
    assert real is not None, "nmap is missing: apt-get install nmap"
    text = (Path(real).parents[1] / "share" / "nmap" / PROBES).read_text(encoding="latin-1")
    for slow, quick in (("totalwaitms 6000", "totalwaitms 1000"), ("tcpwrappedms 3000", "tcpwrappedms 800")):
        assert text.count(f"\n{slow}\n"), slow
        text = text.replace(f"\n{slow}\n", f"\n{quick}\n", 1)
    (folder / PROBES).write_text(text, encoding="latin-1")
    return folder


@pytest.fixture
def city(
    tmp_path: Path,
    worker_id: str,
    request: pytest.FixtureRequest,
    hasty_probes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[City]:
    """Its network is this test's own: a third of a million loopback /24s are free."""
    worker = 100 + (int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0)
    place = abs(hash(request.node.nodeid)) % 250 + 1
    monkeypatch.setenv("NMAPDIR", str(hasty_probes))
    made = City(tmp_path, f"127.{worker}.{place}")
    yield made
    for listener in made.listeners:
        listener.close()

"""A site whose zones workers look at, with real workers as processes, on loopback or in network namespaces."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from auditor.workers.names import centre_user, worker_user
from inventories.codec import collection_from_json
from inventories.model import Collection
from inventories.signing import NewKey, new_key

HERE = Path(__file__).parent
SITE = "lab-city"
#: Where listeners answer, in every zone's prefix: last octet → ports.
LIVE: Mapping[int, tuple[int, ...]] = {3: (7022, 7080), 5: (7022,), 9: (7080,), 12: (7022, 7080)}
PORTS = (7022, 7080, 7306)


@dataclass
class Fleet:
    """``prefixes``: zone → its one prefix. ``rate`` (a zone's packets a second) decides how long a shard takes."""

    folder: Path
    prefixes: Mapping[str, str]
    rate: int = 1000
    parallel: int = 2
    patience: float = 0.5
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    keys: dict[str, NewKey] = field(default_factory=dict)
    broker: Any = None

    @property
    def root(self) -> Path:
        return self.folder / "site"

    @property
    def users(self) -> list[str]:
        """In the order in which ``users.sh`` asks for their passwords."""
        return [centre_user(SITE), *(worker_user(SITE, zone) for zone in sorted(self.prefixes))]

    def write(self, address: str, port: int) -> None:
        """The site's configuration, for a broker that need not run yet."""
        self.root.mkdir(parents=True, exist_ok=True)
        for name in ("centre", *(f"worker-{zone}" for zone in self.prefixes), "thief"):
            if name not in self.keys:
                self.keys[name] = new_key(name)
                _private(self.folder / f"{name}.pem", self.keys[name].private)
        today = datetime.now(UTC).date()
        zones = [
            {
                "id": zone,
                "name": f"{zone}网",
                "vantage": f"in-{zone}",
                "department": zone,
                "prefixes": [prefix],
                "by": "worker",
                "profile": "lab",
                "authorisations": [
                    {
                        "document": "授权1号",
                        "approver": "分管领导",
                        "from": str(today - timedelta(days=2)),
                        "to": str(today + timedelta(days=9)),
                    }
                ],
            }
            for zone, prefix in self.prefixes.items()
        ]
        body = {
            "site": SITE,
            "name": "某市",
            "bureau": "某市数据局",
            "region": "140800",
            "packs": ["yuncheng-2021"],
            "profiles": {
                "lab": {
                    "base": "normal",
                    "ports": list(PORTS),
                    "max_rate": self.rate,
                    "parallel": self.parallel,
                    "retries": 0,
                    "version_intensity": 0,
                }
            },
            "zones": zones,
            "keys": [
                {"id": f"worker-{zone}", "public": str(self.keys[f"worker-{zone}"].public), "zones": [zone]}
                for zone in self.prefixes
            ],
            "workers": {
                "broker": f"amqps://{address}:{port}",
                "password": f"file:{self.folder / 'centre.password'}",
                "ca": str(self.folder / "rabbit" / "etc" / "tls" / "ca.pem"),
                "signing_key": f"file:{self.folder / 'centre.pem'}",
                "patience_minutes": self.patience,
            },
        }
        # JSON is YAML, and needs no quoting of our own.
        (self.root / "site.yaml").write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")

    def passwords(self, given: Mapping[str, str]) -> None:
        for user, password in given.items():
            _private(self.folder / f"{self._short(user)}.password", password.encode())

    def _short(self, user: str) -> str:
        return "centre" if user == centre_user(SITE) else f"worker-{user.rsplit('.', 1)[1]}"

    # --- workers

    def configure(self, zone: str, name: str, address: str, port: int, **more: Any) -> Path:
        body = {
            "site": SITE,
            "zone": zone,
            "vantage": f"in-{zone}",
            "prefixes": [self.prefixes[zone]],
            "broker": {
                "address": f"amqps://{address}:{port}",
                "password": f"file:{self.folder / f'worker-{zone}.password'}",
                "ca": str(self.folder / "rabbit" / "etc" / "tls" / "ca.pem"),
            },
            "centre": [{"id": "centre", "public": str(self.keys["centre"].public)}],
            "signing_key": f"file:{self.folder / f'worker-{zone}.pem'}",
            "state": f"state-{name}",
            "concurrency": 2,
            **more,
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
        return path

    def worker(
        self, zone: str, name: str = "", *, namespace: str = "", shift: float = 0, **more: Any
    ) -> subprocess.Popen[bytes]:
        """Starts a worker; it is ready when it has said so in its log."""
        name = name or f"w-{zone}"
        address, port = self.broker.address, self.broker.port
        config = self.configure(zone, name, address, port, **more)
        program = [sys.executable, str(HERE / "lab_worker.py"), str(shift)]
        inside = ["ip", "netns", "exec", namespace] if namespace else []
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*inside, *program, "worker", "--zone", zone, "--config", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    # --- the centre

    def centre(self, name: str, *words: str, namespace: str = "") -> Centre:
        home, out, log = self.folder / f"home-{name}", self.folder / f"{name}.json", self.folder / f"{name}.log"
        inside = ["ip", "netns", "exec", namespace] if namespace else []
        out.unlink(missing_ok=True)
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [*inside, sys.executable, str(HERE / "far_centre.py"), str(self.root), str(home), str(out), *words],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        self.processes.append(process)
        return Centre(process, out, log)

    def down(self) -> None:
        for process in self.processes:
            end(process, signal.SIGKILL)


@dataclass
class Centre:
    process: subprocess.Popen[bytes]
    out: Path
    log: Path

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def result(self, seconds: float = 120) -> Collection:
        self.process.wait(timeout=seconds)
        assert self.process.returncode == 0, self.said()
        return collection_from_json(self.out.read_text(encoding="ascii"))


def end(process: subprocess.Popen[bytes], number: int = signal.SIGKILL, seconds: float = 30) -> int:
    """Ends a process that was started here, and waits for it."""
    if process.poll() is None:
        os.kill(process.pid, number)
    return process.wait(timeout=seconds)


def wait_until(true: Callable[[], object], seconds: float = 30) -> float:
    """Seconds until it held; fails where it never does."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it never came true"
        time.sleep(0.05)
    return time.monotonic() - began


def essence(found: Collection) -> tuple[Sequence[Any], Sequence[Any]]:
    """What was seen and what was covered, without when."""
    seen = sorted(
        (
            o.kind,
            o.collector,
            o.zone,
            sorted(map(str, o.identifiers)),
            sorted((f.column, str(f.value)) for f in o.facts),
        )
        for o in found.observations
    )
    covered = sorted((c.collector, c.zone, c.aspect, scope, c.detail) for c in found.coverage for scope in c.scope)
    return seen, covered


def reasons(found: Collection) -> list[str]:
    return sorted(failure.reason for failure in found.failures)


def _private(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)

"""The example city under a scheduler, one zone behind a worker, on a disk of its own: what chaos is let loose on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditor.city.children import answering
from auditor.city.example import write_example
from auditor.workers.names import centre_user, worker_user
from inventories.signing import new_key
from tests.lab.postgresql import Server, free_port
from tests.lab.rabbitmq import RabbitMQ

SITE = "example-city"
#: Behind a worker; the others are looked at by the scheduler's own children.
FAR = "mzj"
NEAR = ("jtj", "zrj", "wjw")
ZONES = (FAR, *NEAR)
DISK_MIB = 1024
DRAFTS, REVIEWS, SIGNS = "政务信息科", "法规科", "分管领导"


@dataclass
class World:
    """A site with everything that it takes. ``network`` is the beginning of its addresses (127.N)."""

    folder: Path
    network: str
    postgresql: Server | None = None
    rabbit: RabbitMQ | None = None
    serving: subprocess.Popen[bytes] | None = None
    worker: subprocess.Popen[bytes] | None = None
    database: str = ""
    port: int = field(default_factory=free_port)

    @property
    def root(self) -> Path:
        return self.folder / "disk" / "city"

    # --- the program

    def run(self, *words: str, check: Sequence[int] | None = (0,)) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "auditor", *words, "--site", str(self.root)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        if check is not None and done.returncode not in check:
            raise AssertionError(f"{words}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        return done

    def json(self, *words: str) -> Any:
        return json.loads(self.run(*words, "--json", check=(0, 4)).stdout)

    def serve(self) -> subprocess.Popen[bytes]:
        """The scheduler, started where it does not run."""
        if self.serving is None or self.serving.poll() is not None:
            self.serving = self._start(
                "serve", "serve", "--listen", f"127.0.0.1:{self.port}", "--site", str(self.root)
            )
            self._until(lambda: "schedule" in self._said("serve"), self.serving, "serve")
        return self.serving

    def work(self) -> None:
        """The worker, started where it does not run."""
        if self.rabbit is not None and (self.worker is None or self.worker.poll() is not None):
            config = str(self.folder / "worker.yaml")
            self.worker = self._start("worker", "worker", "--zone", FAR, "--config", config)

    def _start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{name}.log"
        log.unlink(missing_ok=True)
        with log.open("wb") as stream:
            return subprocess.Popen(
                [sys.executable, "-m", "auditor", *words],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def _said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def told(self) -> str:
        """For a person: what the parts said last."""
        logs = [self.folder / f"{name}.log" for name in ("serve", "worker")]
        logs += sorted((self.root / "state" / "schedule").rglob("*.log"))[-2:]
        said = [f"--- {path.name}\n{path.read_text('utf-8', 'replace')[-2500:]}" for path in logs if path.exists()]
        return "\n".join(said)

    def _until(self, true: Any, process: subprocess.Popen[bytes], name: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert process.poll() is None and time.monotonic() < end, self._said(name)[-3000:]
            time.sleep(0.05)

    # --- what happens in it

    def look(self, zones: Sequence[str], patience: float = 150) -> None:
        """Asks the scheduler to look at zones, and waits until nothing of them runs."""
        for zone in zones:
            # Refused where it still runs, or where there is no scheduler any more: the caller tries again.
            self.run("schedule", "run", zone, check=None)
        end = time.monotonic() + patience
        while time.monotonic() < end and any(self.running(zone) for zone in zones):
            time.sleep(0.2)

    def running(self, zone: str) -> bool:
        """Whether somebody holds the zone's lock, or the scheduler says that it runs."""
        from auditor.lock import held_by

        return held_by(self.root / "state" / "locks" / zone) is not None or any(
            "probe" in command and zone in command for command in children_of(self.serving)
        )

    def judge(self) -> subprocess.CompletedProcess[str]:
        return self.run("audit", "--collected", "--json", check=None)

    def looks(self, zone: str) -> list[str]:
        folder = self.root / "state" / "looks" / zone
        return sorted(path.name for path in folder.glob("*.bundle")) if folder.is_dir() else []


def children_of(process: subprocess.Popen[bytes] | None) -> list[str]:
    """The command lines of a process's children."""
    if process is None or process.poll() is not None:
        return []
    found = []
    for pid in descendants(process.pid):
        try:
            found.append((Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def descendants(pid: int) -> list[int]:
    """Every process that came from one, nearest first."""
    out, todo = [], [pid]
    while todo:
        task = Path("/proc") / str(todo.pop()) / "task"
        try:
            told = " ".join((thread / "children").read_text() for thread in task.iterdir())
        except OSError:
            continue
        children = [int(word) for word in told.split()]
        out += children
        todo += children
    return out


@contextmanager
def world(folder: Path, network: str, *, ledger: str, far: bool = True) -> Iterator[World]:
    """A city that answers; ``ledger`` is ``sqlite`` or ``postgresql``, ``far`` puts one zone behind a worker."""
    with ExitStack() as held:
        made = World(folder, network)
        (folder / "disk").mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", folder / "disk"], check=True)
        held.callback(subprocess.run, ["umount", folder / "disk"], check=True)
        write_example(made.root, datetime.now(UTC).date(), network=network)
        if ledger == "postgresql":
            made.postgresql = held.enter_context(Server())
            made.database = made.postgresql.fresh()
        if far:
            made.rabbit = RabbitMQ(_folder(folder / "rabbit"))
        _configure(made)
        if made.rabbit is not None:
            users = [centre_user(SITE), worker_user(SITE, FAR)]
            held.callback(made.rabbit.stop)
            made.rabbit.set_up(made.root, users)
            for user, name in zip(users, ("centre", "worker"), strict=True):
                _private(folder / f"{name}.password", made.rabbit.passwords[user].encode())
        held.enter_context(answering(made.root))
        held.callback(_end_all, made)
        yield made


def _configure(made: World) -> None:
    """The example's configuration with a schedule that never comes by itself, and what ledger and workers take."""
    path = made.root / "site.yaml"
    text = path.read_text(encoding="utf-8")
    more = "\nbrake: {departments: 1.0, systems: 1.0, findings: 100}\nschedule: {judge: '0 3 1 1 *'}\n"
    if made.postgresql is not None:
        more += f"ledger: {{url: '{made.postgresql.url(made.database)}'}}\n"
    if made.rabbit is not None:
        text = text.replace(f"  - id: {FAR}\n", f"  - id: {FAR}\n    by: worker\n", 1)
        more += _workers(made, made.rabbit)
    path.write_text(text + more, encoding="utf-8")


def _workers(made: World, rabbit: RabbitMQ) -> str:
    keys = {name: new_key(name) for name in ("centre", "worker")}
    for name, key in keys.items():
        _private(made.folder / f"{name}.pem", key.private)
    broker = f"amqps://{rabbit.address}:{rabbit.port}"
    worker = {
        "site": SITE,
        "zone": FAR,
        "vantage": "scanner",
        "prefixes": [f"{made.network}.1.0/24"],
        "exclude": [f"{made.network}.1.200/32"],
        "broker": {"address": broker, "password": f"file:{made.folder}/worker.password", "ca": str(rabbit.ca)},
        "centre": [{"id": "centre", "public": str(keys["centre"].public)}],
        "signing_key": f"file:{made.folder}/worker.pem",
        "state": str(made.folder / "worker"),
        "concurrency": 2,
    }
    (made.folder / "worker.yaml").write_text(json.dumps(worker, ensure_ascii=False), encoding="utf-8")
    site = {
        "workers": {
            "broker": broker,
            "password": f"file:{made.folder}/centre.password",
            "ca": str(rabbit.ca),
            "signing_key": f"file:{made.folder}/centre.pem",
            "patience_minutes": 1,
        },
        "keys": [{"id": "worker", "public": str(keys["worker"].public), "zones": [FAR]}],
    }
    # JSON is YAML.
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in site.items())


def _end_all(made: World) -> None:
    for process in (made.serving, made.worker):
        if process is None:
            continue
        for pid in [*descendants(process.pid), process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait(30)


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def _private(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o600)

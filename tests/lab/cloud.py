"""A real OpenStack on one loopback address: keystone, placement, glance, neutron, nova and cinder from PyPI.

``with Cloud("127.20.0.5", plan=Plan(projects=(...), servers=(...))) as cloud:`` installs the services once into an
environment of their own (a cache folder, by the digest of the pinned requirements), makes their empty databases once,
copies these, starts one process for each service on the address and fills the cloud through its own API. At the
end every process is ended by its id; where this process dies they end by themselves. Needs no root, no broker and
no database server; loopback only.

``python tests/lab/cloud.py ADDRESS`` starts one with a small plan and waits for Enter.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent / "openstack"


def _load(name: str) -> ModuleType:
    """A module of the folder beside this file, wherever the tests are run from."""
    full = f"lab_openstack_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, HERE / f"{name}.py")
        assert spec is not None and spec.loader is not None
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


settings = _load("settings")

REGION: str = settings.REGION
PASSWORD: str = settings.PASSWORD
#: Seconds in which a service has to answer, on a machine that is busy with other things.
PATIENCE = 300


@dataclass(frozen=True)
class Project:
    name: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class User:
    """``roles`` maps a project to ``reader``, ``member`` or ``admin``."""

    name: str
    password: str
    roles: Mapping[str, str]


@dataclass(frozen=True)
class Network:
    """A network of a project. ``external``: the administrator's, from which floating addresses come."""

    name: str
    prefix: str
    project: str = "admin"
    external: bool = False


@dataclass(frozen=True)
class Flavor:
    name: str
    memory_mb: int


@dataclass(frozen=True)
class Image:
    name: str
    distro: str = ""
    version: str = ""


@dataclass(frozen=True)
class Server:
    """``address`` and ``floating`` are wished for exactly; ``volume`` is a name and its size in GB."""

    name: str
    project: str
    network: str
    address: str = ""
    floating: str = ""
    flavor: str = "small"
    image: str = "debian"
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    volume: tuple[str, int] | None = None
    on: bool = True


@dataclass(frozen=True)
class Plan:
    """What a cloud is filled with.

    ``copies`` adds that many servers as rows copied in nova's databases: each is what a real row is, with a name,
    an address and a MAC of its own, but has no port, volume or allocation. ``dead_regions`` stand in the catalogue
    with endpoints at which nothing listens.
    """

    projects: tuple[Project, ...] = ()
    users: tuple[User, ...] = ()
    networks: tuple[Network, ...] = ()
    flavors: tuple[Flavor, ...] = (Flavor("small", 2048),)
    images: tuple[Image, ...] = (Image("debian", "debian", "12"),)
    servers: tuple[Server, ...] = ()
    copies: int = 0
    dead_regions: tuple[str, ...] = ()


class Cloud:
    """One running cloud. ``address`` is of 127.0.0.0/8, all ports of :data:`settings.PORTS` free there.

    ``max_limit``: rows in a page of nova's and cinder's answers at most. ``directory``: where its data lies,
    and stays afterwards (None: in a temporary folder).
    """

    def __init__(
        self, address: str, *, plan: Plan | None = None, max_limit: int = 1000, directory: Path | None = None
    ) -> None:
        if not address.startswith("127."):
            raise ValueError(f"{address} is no loopback address")
        self.address, self.plan, self.max_limit = address, plan or Plan(), max_limit
        self.auth_url = f"http://{address}:{settings.PORTS['keystone']}/v3"
        self.region, self.password = REGION, PASSWORD
        #: Name → id of the plan's servers, once it runs.
        self.servers: dict[str, str] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._directory = directory
        self._home: Path | None = None
        self._base = Path()

    @property
    def folder(self) -> Path:
        assert self._home is not None, "not started"
        return self._home

    def __enter__(self) -> Cloud:
        self._base = environment()
        self._home = Path(tempfile.mkdtemp(prefix="cloud-", dir=self._directory))
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _start(self) -> None:
        shutil.copytree(template(self._base) / "data", self.folder / "data")
        _prepare(self.folder, self._base, self.address, self.max_limit)
        _move(self.folder, template(self._base), self.address)
        for service in ("keystone", "placement", "glance", "neutron"):
            self.start(service)
        self._await("keystone")
        seed = _load("seed")
        seed.catalogue(self)
        # nova tells placement at its start what its hosts have, and would try again a minute later only.
        self._await("placement")
        self.start("nova")
        if any(server.volume for server in self.plan.servers):
            self.start("cinder")
        for service in list(self.processes):
            self._await(service)
        self.servers = seed.fill(self)
        if self.plan.copies:
            seed.copy_rows(self.folder / "data", self.plan.copies)

    def start(self, service: str) -> None:
        """Starts one service's process; it is not awaited."""
        port = settings.PORTS[service]
        with socket.create_server((self.address, port)):
            # Raises where something else listens there: it would be taken for the service.
            pass
        command = [_python(self._base), HERE / "serve.py", self.folder, "serve", service, self.address, port]
        with (self.folder / "log" / f"{service}.out").open("wb") as out:
            self.processes[service] = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                env=_clean(self._base, self.folder),
                start_new_session=True,
            )

    def stop(self, *services: str) -> None:
        """Ends services' processes by their ids."""
        ended = [process for name in services if (process := self.processes.pop(name, None))]
        for process in ended:
            process.send_signal(signal.SIGTERM)
        for process in ended:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin:
                process.stdin.close()

    def close(self) -> None:
        self.stop(*self.processes)
        if self._home is not None and self._directory is None:
            shutil.rmtree(self._home, ignore_errors=True)

    def said(self, service: str, lines: int = 20) -> str:
        """The end of what a service wrote."""
        texts = [(self.folder / "log" / f"{service}.{kind}") for kind in ("out", "log")]
        return "\n".join(
            line
            for path in texts
            if path.exists()
            for line in path.read_text("utf-8", "replace").splitlines()[-lines:]
        )

    def _await(self, service: str) -> None:
        url = f"http://{self.address}:{settings.PORTS[service]}/"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            process = self.processes[service]
            if process.poll() is not None:
                raise RuntimeError(f"{service} ended with status {process.returncode}:\n{self.said(service)}")
            try:
                opener.open(url, timeout=5).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"{service} did not answer within {PATIENCE} s:\n{self.said(service)}")


# --- what is made once, and kept ----------------------------------------------------------------------------


def environment() -> Path:
    """The folder with the installed services, by the digest of what is installed; made where it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gov-infra-auditor"
    base = cache / f"openstack-{_digest('installer.txt', 'requirements.txt')}"
    with _locked(cache / "openstack.lock"):
        if not (base / "ready").exists():
            shutil.rmtree(base, ignore_errors=True)
            _install(base)
            (base / "ready").touch()
        if not (template(base) / "ready").exists():
            for old in base.glob("template-*"):
                shutil.rmtree(old)
            _make_template(base)
            (template(base) / "ready").touch()
    return base


def template(base: Path) -> Path:
    """The folder with empty databases, by the digest of what makes them."""
    return base / f"template-{_digest('settings.py', 'serve.py')}"


def _digest(*names: str) -> str:
    content = b"\0".join((HERE / name).read_bytes() for name in names)
    return hashlib.sha256(content).hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _python(base: Path) -> Path:
    return base / "venv" / "bin" / "python"


def _install(base: Path) -> None:
    """The pinned packages, each with its hash, in an environment of their own."""
    venv, lock = base / "venv", HERE / "requirements.txt"
    for command in (
        [sys.executable, "-m", "venv", venv],
        [_python(base), "-m", "pip", "install", "-q", "--require-hashes", "-r", HERE / "installer.txt"],
        [*(venv / "bin" / "uv", "pip", "install", "-q", "--python", _python(base), "--require-hashes", "-r"), lock],
    ):
        _run([str(word) for word in command], dict(os.environ))


def _make_template(base: Path) -> None:
    """Empty databases of every service, two services at a time."""
    home = template(base)
    (home / "data").mkdir(parents=True)
    _prepare(home, base, "127.0.0.1", 1000)
    waiting, running = list(settings.SERVICES), {}
    while waiting or running:
        while waiting and len(running) < 2:
            service = waiting.pop(0)
            command = [_python(base), HERE / "serve.py", home, "tables", service]
            out = (home / "log" / f"tables-{service}.out").open("wb")
            running[service] = subprocess.Popen(
                [str(word) for word in command], stdout=out, stderr=out, env=_clean(base, home)
            )
            out.close()
        service, process = next(iter(running.items()))
        if process.wait(PATIENCE):
            said = (home / "log" / f"tables-{service}.out").read_text("utf-8", "replace")
            raise RuntimeError(f"the tables of {service} could not be made:\n{said[-2000:]}")
        del running[service]
    for path in (home / "data").glob("*.db"):
        with sqlite3.connect(path) as connection:
            # Readers go on while a writer writes.
            connection.execute("PRAGMA journal_mode=WAL")
        connection.close()


def _run(command: list[str], environ: Mapping[str, str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env=dict(environ), check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} … failed:\n{(done.stdout + done.stderr)[-2000:]}")


def _clean(base: Path, folder: Path) -> dict[str, str]:
    """An environment without anything of the caller's: no OS_*, no proxies."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": f"{folder / 'entry'}:{HERE}",
        # Services start in seconds where what they import is compiled already.
        "PYTHONPYCACHEPREFIX": str(base / "compiled"),
        "PYTHONWARNINGS": "ignore",
    }


def _prepare(folder: Path, base: Path, address: str, max_limit: int) -> None:
    """Configuration, folders, and the one plug-in that neutron finds by an entry point."""
    for name in ("log", "data/images", "state/glance/staging", "state/glance/tasks", "entry/lab-0.dist-info"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    about = folder / "entry" / "lab-0.dist-info"
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lab\nVersion: 0\n")
    (about / "entry_points.txt").write_text("[neutron.ml2.mechanism_drivers]\nlab = serve:LabMechanism\n")
    settings.write(folder, base / "venv", address, max_limit)


def _move(folder: Path, made: Path, address: str) -> None:
    """The copied databases name the folder and the address at which they were made."""
    for name, statement, old, new in (
        (
            "nova_api",
            "UPDATE cell_mappings SET database_connection = replace(database_connection, ?, ?)",
            *(f"{made}/data/", f"{folder}/data/"),
        ),
        ("keystone", "UPDATE endpoint SET url = replace(url, ?, ?)", "ADDRESS", address),
    ):
        connection = sqlite3.connect(folder / "data" / f"{name}.db")
        with connection:
            connection.execute(statement, (old, new))
        connection.close()


if __name__ == "__main__":
    small = Plan(projects=(Project("demo"),), networks=(Network("demo-net", "10.20.0.0/24", "demo"),))
    began = time.monotonic()
    with Cloud(sys.argv[1], plan=small) as running:
        print(f"{running.auth_url} admin {PASSWORD} after {time.monotonic() - began:.0f} s; Enter ends it")
        sys.stdin.readline()

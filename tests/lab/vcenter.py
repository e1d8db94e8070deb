"""A vCenter, or a lone ESXi, of one's own: govmomi's simulator, built once from Debian's packages.

``with VCenter("127.77.0.2", machines=200) as vc:`` gives a server with a certificate of its own authority; see
:class:`VCenter` for what it offers. Run as a program from the repository's folder, it writes anew the answers that
the quick suite replays: ``.venv/bin/python tests/lab/vcenter.py``.
"""

from __future__ import annotations

import fcntl
import hashlib
import ipaddress
import json
import os
import secrets
import selectors
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from inventories.model import Collection
from inventories.places import Zone

SOURCE = Path(__file__).with_name("vcsim")
USER = "auditor@vsphere.local"
#: Making up ten thousand machines takes a few seconds.
START_SECONDS = 120.0
BUILD_SECONDS = 900.0


def binary() -> Path:
    """The simulator, built where it is not there yet; RuntimeError with the compiler's words where it cannot be."""
    parts = sorted(path for path in SOURCE.iterdir() if path.suffix in (".go", ".sh"))
    digest = hashlib.sha256(b"\0".join(path.name.encode() + b"\0" + path.read_bytes() for path in parts)).hexdigest()
    home = _cache()
    target = home / f"vcsim-{digest[:16]}"
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            if shutil.which("go") is None:
                raise RuntimeError("no Go compiler: apt-get install golang-go golang-github-vmware-govmomi-dev")
            partial = target.with_suffix(".partial")
            environ = {**os.environ, "GOCACHE": str(home / "go")}
            argv = ["sh", str(SOURCE / "build.sh"), str(partial)]
            done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=BUILD_SECONDS)
            if done.returncode:
                raise RuntimeError(f"the simulator cannot be built: {done.stderr[-2000:]}")
            partial.rename(target)
    return target


def _cache() -> Path:
    """A folder that nobody else may write to, outside the repository."""
    above = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    home = Path(above) / "gov-infra-auditor-lab"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if home.stat().st_uid != os.getuid():
        raise RuntimeError(f"{home} belongs to somebody else")
    return home


def certificate(address: str, directory: Path, name: str = "server") -> tuple[Path, Path, str]:
    """An authority's file, a file with a certificate for an address and its key, and the certificate's SHA-256."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.now(UTC)

    def build(subject: str, issuer: str, key: Any, signer: Any, *more: tuple[Any, bool]) -> Any:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
        )
        for extension, critical in more:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    root_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = build("lab root", "lab root", root_key, root_key, (x509.BasicConstraints(ca=True, path_length=0), True))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address)), x509.DNSName("vc.example")])
    own = build(name, "lab root", own_key, root_key, (names, False))
    pem = serialization.Encoding.PEM
    key = own_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ca, pair = directory / f"{name}-ca.pem", directory / f"{name}.pem"
    ca.write_bytes(root.public_bytes(pem))
    pair.write_bytes(own.public_bytes(pem) + key)
    pair.chmod(0o600)
    return ca, pair, hashlib.sha256(own.public_bytes(serialization.Encoding.DER)).hexdigest()


class VCenter:
    """A running simulator on an address of 127.0.0.0/8, which is not 127.0.0.1: many clients check nothing there.

    ``inventory`` is what ``vcsim/inventory.go`` reads (hosts, machines, networks, datastores); without one, so many
    ``machines`` are made up. ``esxi``: a lone host. ``port`` 0: any free one. ``expire_after``: calls after which a
    session ends. ``deny``: objects whose name begins so may be listed and not read. ``narrow``: the login may not
    read the top of the inventory. ``record``: a file for questions' names and answers.

    Within the block: ``url``, ``user``, ``password``, ``password_file``, ``ca``, ``thumbprint`` and ``pid``.
    """

    def __init__(
        self,
        address: str,
        *,
        directory: Path | None = None,
        inventory: Mapping[str, Any] | None = None,
        machines: int = 0,
        hosts: int = 4,
        esxi: bool = False,
        version: str = "7.0.3",
        port: int = 0,
        password: str = "",
        max_page: int = 0,
        expire_after: int = 0,
        deny: str = "",
        narrow: bool = False,
        record: Path | None = None,
    ) -> None:
        if ipaddress.ip_address(address) == ipaddress.ip_address("127.0.0.1"):
            raise ValueError("127.0.0.1 is not checked by every client: take another address of 127.0.0.0/8")
        self.address, self.user = address, USER
        self.password = password or secrets.token_urlsafe(12)
        self.home = Path(tempfile.mkdtemp(prefix="vcenter-", dir=directory))
        self.password_file = self.home / "password"
        self.password_file.write_text(self.password + "\n")
        self.password_file.chmod(0o600)
        self.ca, self._pair, self.thumbprint = certificate(address, self.home)
        self.url = ""
        self._options = [
            f"-listen={address}:{port}",
            f"-cert={self._pair}",
            f"-key={self._pair}",
            f"-user={USER}",
            f"-password-file={self.password_file}",
            f"-version={version}",
            f"-machines={machines}",
            f"-hosts={hosts}",
            f"-max-page={max_page}",
            f"-expire-after={expire_after}",
            f"-deny={deny}",
            *(["-esxi"] if esxi else []),
            *(["-narrow"] if narrow else []),
            *([f"-record={record}"] if record else []),
        ]
        if inventory is not None:
            file = self.home / "inventory.json"
            file.write_text(json.dumps(inventory), "utf-8")
            self._options.append(f"-inventory={file}")
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> VCenter:
        said = self.home / "log"
        with said.open("w") as log:
            self._process = subprocess.Popen(
                [str(binary()), *self._options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # The simulator keeps its machines' files under the folder for temporary ones.
                env={**os.environ, "TMPDIR": str(self.home)},
            )
        line = self._first_line()
        if not line.startswith("ready "):
            self._end()
            raise RuntimeError(f"the simulator did not start: {said.read_text()[-1000:]}")
        self.url = line.split()[1]
        return self

    def _first_line(self) -> str:
        assert self._process is not None and self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            return self._process.stdout.readline() if selector.select(START_SECONDS) else ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        shutil.rmtree(self.home, ignore_errors=True)

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def look(vc: VCenter, prefixes: Sequence[str], *, page: int = 0, **settings: Any) -> Collection:
    """One look of the probe at a simulator, whose address and ``prefixes`` are the zone's. For tests and recordings.

    ``page`` 0: the probe's own. ``settings`` are the access's (``password``, ``ca``, ``thumbprint``, ``cloud``, ...).
    """
    from probes.access import Access, VsphereAccess
    from probes.base import Context, Stop
    from probes.profiles import PROFILES
    from probes.scope import Permit
    from probes.secrets import Secret
    from probes.vsphere.probe import PAGE, VsphereProbe

    networks = tuple(ipaddress.ip_network(prefix) for prefix in (f"{vc.address}/32", *prefixes))
    given = {"ca": vc.ca, "password": Secret("file", str(vc.password_file)), **settings}
    access = VsphereAccess(**{"endpoint": vc.url, "user": vc.user, **given})
    zone = Zone("lab", "实验区", "lab", "department", networks)
    until = datetime.now(UTC) + timedelta(hours=1)
    permit = Permit(zone, networks[:1], (), PROFILES["fast"], ("lab",), until, access=Access(vsphere=(access,)))
    probe = VsphereProbe(page=page or PAGE)
    (shard,) = probe.shards(permit)
    with tempfile.TemporaryDirectory(dir=vc.home) as home:
        return probe.collect(shard, Context(permit, Path(home), Stop(), lambda: datetime.now(UTC)))


def write_recordings(folder: Path) -> None:
    """``vcenter.jsonl`` and ``esxi.jsonl``: what the probe asked of the inventory beside them, and what came back."""
    inventory = json.loads((folder / "inventory.json").read_text("utf-8"))
    lone = {**inventory, "hosts": inventory["hosts"][:1], "machines": inventory["machines"][:2]}
    for name, stock in (("vcenter", inventory), ("esxi", lone)):
        with VCenter("127.66.0.2", inventory=stock, esxi=name == "esxi", record=folder / f"{name}.jsonl") as vc:
            got = look(vc, ["127.66.0.0/16"], page=3)
            if got.failures:
                raise RuntimeError(f"{name}: {got.failures}")
            (folder / f"{name}.jsonl").chmod(0o644)


if __name__ == "__main__":
    write_recordings(Path("tests/probes/data/vsphere"))

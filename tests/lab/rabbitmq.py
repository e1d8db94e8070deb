"""A real RabbitMQ over TLS, set up by ``auditor deploy rabbitmq`` and its ``users.sh``, without systemd.

Its node, its epmd and its shell are ended by process id. It runs on loopback, or inside a network namespace.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

_BIN = Path("/usr/lib/rabbitmq/bin")


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody has now."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


def certificates(folder: Path, address: str, *, wrong: bool = False) -> None:
    """``ca.pem``, ``broker.pem`` and ``broker.key`` for an address; ``wrong`` names another one."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def builder(subject: str, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("lab ca"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=30))
        )

    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    ca = (
        builder("lab ca", ca_key.public_key())
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(usage, True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), False)
        .sign(ca_key, hashes.SHA256())
    )
    shown = ipaddress.ip_address("192.0.2.99" if wrong else address)
    broker = (
        builder("broker", key.public_key())
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(shown)]), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    (folder / "broker.pem").write_bytes(broker.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "broker.key").write_bytes(private)


class RabbitMQ:
    """One node. ``namespace``: the network namespace that it runs in, with ``address`` there."""

    def __init__(self, folder: Path, *, address: str = "127.0.0.1", namespace: str = "") -> None:
        self.folder, self.address, self.namespace = folder, address, namespace
        self.port, self._dist, self._epmd = free_ports(3)
        self.settings = folder / "etc"
        self.passwords: dict[str, str] = {}
        self._node: subprocess.Popen[bytes] | None = None

    @property
    def listen(self) -> str:
        return f"{self.address}:{self.port}"

    @property
    def ca(self) -> Path:
        return self.settings / "tls" / "ca.pem"

    def set_up(self, site: Path, users: Sequence[str]) -> None:
        """Settings and users for a site, as an operator would: the first start, then ``users.sh``."""
        for made in (self.settings, self.folder / "mnesia", self.folder / "log"):
            made.mkdir(parents=True, exist_ok=True)
        certificates(self.settings / "tls", self.address)
        command = [sys.executable, "-m", "auditor", "deploy", "rabbitmq", str(self.settings), "--site", str(site)]
        done = subprocess.run([*command, "--listen", self.listen], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        self.start()
        self.passwords = {user: secrets.token_urlsafe(24) for user in users}
        said = "".join(f"{password}\n" for password in self.passwords.values())
        done = subprocess.run(
            [*self._inside(), "sh", str(self.settings / "users.sh")],
            input=said,
            capture_output=True,
            text=True,
            timeout=120,
            env={**self._environment(), "RABBITMQCTL": str(_BIN / "rabbitmqctl")},
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        out = (self.folder / "out").open("ab")
        with out:
            self._node = subprocess.Popen(
                [*self._inside(), str(_BIN / "rabbitmq-server")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,
            )
        end = time.monotonic() + 90
        while time.monotonic() < end:
            if self._node.poll() is not None:
                break
            if self.ctl("await_startup", "--timeout", "5", check=False) is not None:
                return
            time.sleep(0.3)
        raise RuntimeError(f"RabbitMQ did not start:\n{(self.folder / 'out').read_text()[-3000:]}")

    def ctl(self, *words: str, check: bool = True) -> str | None:
        """rabbitmqctl's answer; None where it failed and ``check`` is False."""
        done = subprocess.run(
            [*self._inside(), str(_BIN / "rabbitmqctl"), "-q", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            env=self._environment(),
        )
        if done.returncode and check:
            raise RuntimeError(f"rabbitmqctl {' '.join(words)}: {done.stdout}{done.stderr}")
        return None if done.returncode else done.stdout

    def queues(self, vhost: str) -> dict[str, tuple[int, int, int]]:
        """Queue → ready, taken and not acknowledged, consumers."""
        listed = self.ctl(
            "list_queues", "-p", vhost, "name", "messages_ready", "messages_unacknowledged", "consumers"
        )
        rows = [line.split("\t") for line in (listed or "").splitlines()[1:]]
        return {row[0]: (int(row[1] or 0), int(row[2] or 0), int(row[3] or 0)) for row in rows}

    def purge(self, vhosts: Sequence[str], queues: Sequence[str]) -> None:
        """Empties queues, all with one start of rabbitmqctl."""
        hosts = ",".join(f'<<"{host}">>' for host in vhosts)
        names = ",".join(f'<<"{queue}">>' for queue in queues)
        each = "{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(V, queue, N)), rabbit_amqqueue:purge(Q)"
        self.ctl("eval", f"[begin {each} end || V <- [{hosts}], N <- [{names}]].")

    def kill(self) -> None:
        """Without a word, as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)
        for pid in self._epmds():
            os.kill(pid, signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._node is None:
            return
        # A session of its own: the shell that started it, and the node.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._node.pid, number)
        try:
            self._node.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self._node.pid, signal.SIGKILL)
            self._node.wait(timeout=10)
        self._node = None

    def _epmds(self) -> list[int]:
        """Our epmd, known by the port in its environment."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if (entry / "comm").read_text().strip() != "epmd":
                    continue
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"ERL_EPMD_PORT={self._epmd}".encode() in environment:
                found.append(int(entry.name))
        return found

    def _inside(self) -> list[str]:
        return ["ip", "netns", "exec", self.namespace] if self.namespace else []

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd),
            # Two cores are shared with everything else: no waiting in circles.
            "ERL_AFLAGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
            "RABBITMQ_CONF_ENV_FILE": str(self.settings / "rabbitmq-env.conf"),
            "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.settings / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.settings / "enabled_plugins"),
        }


def usable() -> bool:
    return os.geteuid() == 0 and (_BIN / "rabbitmq-server").is_file() and shutil.which("epmd") is not None

"""A real PostgreSQL of Debian's: a cluster in a folder of its own, on a free port of loopback, ended by its process.

It refuses to run as root, so that root starts it as Debian's user ``postgres``. Nothing is flushed to disk: a test's
database need not outlive the machine.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

BIN = Path("/usr/lib/postgresql/15/bin")
#: The cluster's own superuser.
ADMIN = "postgres"
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "autovacuum_naptime": "10s",
    "listen_addresses": "127.0.0.1",
    "logging_collector": "off",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


class Server:
    """A cluster: ``with Server() as server``. Over its socket everybody is trusted; over TCP as ``access`` says.

    ``access`` are lines of pg_hba.conf, ``settings`` more of postgresql.conf's, ``files`` what is laid into the data
    folder before it starts (certificates), for the server's eyes only.
    """

    def __init__(
        self,
        *,
        access: Sequence[str] = ("host all all 127.0.0.1/32 trust",),
        settings: Mapping[str, str] | None = None,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self._access, self._settings, self._files = access, dict(settings or {}), dict(files or {})
        self.port = free_port()
        # A socket's path has 107 bytes at most.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._who: dict[str, Any] = (
            {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        )

    def __enter__(self) -> Self:
        if self._who:
            shutil.chown(self.folder, "postgres", "postgres")
        made = self._run(
            "initdb", "-D", str(self.data), "-U", ADMIN, "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8"
        )
        assert made.returncode == 0, made.stdout + made.stderr
        for name, content in self._files.items():
            self._lay(name, content)
        settings = _SETTINGS | {"port": str(self.port), "unix_socket_directories": str(self.folder)} | self._settings
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        self._lay("postgresql.auto.conf", "".join(lines).encode())
        self._lay("pg_hba.conf", "\n".join(("local all all trust", *self._access, "")).encode())
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [BIN / "postgres", "-D", self.data], stdout=log, stderr=log, stdin=subprocess.DEVNULL, **self._who
            )
        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.dsn()).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None and time.monotonic() < end, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends every session at once; SIGQUIT is a crash."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(60)

    # Databases

    def dsn(self, database: str = "postgres") -> str:
        """For psycopg, as the superuser over the socket."""
        return f"host={self.folder} port={self.port} user={ADMIN} dbname={database}"

    def url(self, database: str, user: str = ADMIN, more: str = "") -> str:
        """For the program, over TCP."""
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}{more}"

    def socket_url(self, database: str, user: str = ADMIN) -> str:
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}&port={self.port}"

    def run(self, statement: str, *values: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """A statement past the program, with its rows."""
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            done = connection.execute(statement.encode(), values or None)
            return done.fetchall() if done.description else []

    def create(self, database: str, *, like: str = "template0", owner: str = ADMIN, more: str = "") -> str:
        """A database, empty or a copy; returns its name."""
        made = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} " + more).format(
            sql.Identifier(database), sql.Identifier(like), sql.Identifier(owner)
        )
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(made)
        return database

    def fresh(self) -> str:
        """An empty database of a new name."""
        return self.create(f"d{secrets.token_hex(6)}")

    def tool(self, name: str, *arguments: str, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        """pg_dump and the like, as their user would run them, over the socket."""
        where = ["-h", str(self.folder), "-p", str(self.port), "-U", ADMIN]
        return subprocess.run(
            [BIN / name, *where, *arguments], capture_output=True, text=True, check=check, timeout=120, **more
        )

    def _run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / name, *arguments], capture_output=True, text=True, timeout=120, cwd=self.folder, **self._who
        )

    def _lay(self, name: str, content: bytes) -> None:
        path = self.data / name
        path.write_bytes(content)
        path.chmod(0o600)
        if self._who:
            shutil.chown(path, "postgres", "postgres")

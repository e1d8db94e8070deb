"""SSH servers that let real clients in, and things that are none: each at an address of its own, in one thread.

A server runs what it is asked to run as this user, with ``/bin/sh`` as everybody's login shell; ``shell`` puts
another program in its place. What only sounds like a server is one of :data:`FAULTS`.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import threading
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

USER = "auditor"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """One that lets in a key, or a ``password``.

    - ``greeting`` comes before every answer of the shell, ``banners`` of 32 kB each before the login.
    - ``hangs``: it says no more once keys are exchanged. ``asks``: it wants an answer to this question after the
      password.
    - ``passes``: it passes connections on, to whatever address it is asked for; these are in ``passed``.
    - ``environment`` is what commands see beside a plain ``PATH`` and ``HOME``.
    """

    address: str
    password: str = ""
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    greeting: bytes = b""
    banners: int = 0
    hangs: bool = False
    asks: str = ""
    passes: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    host_key: Any = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    #: What was run, and with which keys or passwords a login was tried.
    ran: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    passed: list[tuple[str, int]] = field(default_factory=list)
    connections: list[Any] = field(default_factory=list)
    port: int = 0

    @property
    def public(self) -> str:
        return str(self.host_key.export_public_key("openssh").decode().strip())

    @property
    def fingerprint(self) -> str:
        return str(self.host_key.get_fingerprint())

    def known(self) -> str:
        """Its line of known_hosts."""
        return f"[{self.address}]:{self.port} {self.public}\n"


async def mute(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    await reader.read()


async def web(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n<html>\r\n")


async def flood(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ten megabytes of lines before any greeting, which the protocol allows (RFC 4253, 4.2)."""
    for _ in range(10_240):
        writer.write(b"x" * 1022 + b"\r\n")
        await writer.drain()
    writer.write(b"SSH-2.0-late\r\n")


async def line(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for _ in range(10_240):
        writer.write(b"x" * 1024)
        await writer.drain()


async def ancient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-1.5-Cisco-1.25\r\n")
    await reader.read()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-Foo\r\n" + b"\xff" * 4000)
    await reader.read()


async def hangs_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    return


#: Name → what it does with a connection, which is closed afterwards.
FAULTS: dict[str, Talk] = {
    "mute": mute,
    "greets": greets,
    "web": web,
    "flood": flood,
    "line": line,
    "ancient": ancient,
    "garbage": garbage,
    "hangs_up": hangs_up,
}


class Servers:
    """A thread with an event loop in which servers are started; all are gone at exit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder / "id"
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(self.key))
        self.key.chmod(0o600)
        self.accepted = key.convert_to_public()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.open: list[Any] = []
        self.met: list[str] = []

    def __enter__(self) -> Servers:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._do(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def locked_key(self, passphrase: str) -> Path:
        """The accepted key, protected."""
        path = self.folder / "locked"
        shutil.copy(self.key, path)
        path.chmod(0o600)
        command = ["ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase, "-f", str(path)]
        subprocess.run(command, check=True, capture_output=True, timeout=20)
        return path

    def serve(self, server: Server, port: int = 0) -> Server:
        async def start() -> None:
            acceptor = await asyncssh.listen(
                server.address,
                port,
                server_host_keys=[server.host_key],
                server_factory=lambda: _Login(server, self.accepted),
                process_factory=lambda process: _run(server, process),
                encoding=None,
                login_timeout=60,
                allow_scp=False,
            )
            server.port = acceptor.get_port()
            self.open.append(acceptor)

        self._do(start())
        return server

    def cut(self, server: Server) -> None:
        """Breaks off every connection to a server."""

        async def abort() -> None:
            for connection in server.connections:
                connection.abort()

        self._do(abort())

    def fault(self, name: str, address: str, port: int = 0) -> int:
        """Starts what is no server; its port comes back."""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.met.append(address)
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await FAULTS[name](reader, writer)
                await writer.drain()
            writer.close()

        async def start() -> int:
            server = await asyncio.start_server(talk, address, port)
            self.open.append(server)
            return int(server.sockets[0].getsockname()[1])

        return self._do(start())

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _close(self) -> None:
        for server in self.open:
            server.close()
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.sleep(0.05)


class _Login(asyncssh.SSHServer):  # type: ignore[misc]
    def __init__(self, server: Server, accepted: Any) -> None:
        self.server, self.accepted = server, accepted
        self.connection: Any = None

    def connection_made(self, connection: Any) -> None:
        self.connection = connection
        self.server.connections.append(connection)

    async def begin_auth(self, username: str) -> bool:
        if self.server.hangs:
            await asyncio.sleep(60)
        for _ in range(self.server.banners):
            self.connection.send_auth_banner("x" * 32_000)
        return True

    def connection_requested(self, address: str, port: int, _from: str, _from_port: int) -> bool:
        if not self.server.passes:
            # What sshd says where AllowTcpForwarding is off.
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed")
        self.server.passed.append((address, port))
        return True

    def public_key_auth_supported(self) -> bool:
        return not self.server.password

    def validate_public_key(self, username: str, key: Any) -> bool:
        self.server.logins.append(f"{username} key")
        return bool(username == USER and key == self.accepted)

    def password_auth_supported(self) -> bool:
        return bool(self.server.password) and not self.server.asks

    def kbdint_auth_supported(self) -> bool:
        return bool(self.server.asks)

    def get_kbdint_challenge(self, username: str, _lang: str, _methods: str) -> Any:
        return "", "", "", [("Password: ", False)]

    def validate_kbdint_response(self, username: str, responses: Any) -> Any:
        self.server.logins.append(f"{username} {responses[0]}")
        return "", "", "", [(self.server.asks, True)]

    def validate_password(self, username: str, password: str) -> bool:
        self.server.logins.append(f"{username} {password}")
        return bool(username == USER and password == self.server.password)


async def _run(server: Server, process: Any) -> None:
    """What sshd does with a command: the user's login shell gets it after ``-c``."""
    command = process.command or ""
    server.ran.append(command)
    with contextlib.suppress(OSError, asyncssh.Error):
        process.stdout.write(server.greeting)
        child = await asyncio.create_subprocess_exec(
            *server.shell,
            command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", **server.environment},
        )
        stdout, stderr = await child.communicate(await process.stdin.read())
        process.stdout.write(stdout)
        process.stderr.write(stderr)
        process.exit(child.returncode)

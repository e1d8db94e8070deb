"""The example city's listeners: each bound to its own loopback address, never to all of them.

A port on which something else of this machine listens is left out and said so: what belongs to others is
neither disturbed nor mistaken for the city.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import errno
import fcntl
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from auditor.city.plan import Host, Plan, Service
from auditor.city.services import handler, respond
from auditor.city.tls import TlsServer
from probes.loopback import ports_everywhere

if TYPE_CHECKING:
    import asyncssh

PID_FILE = "city.pid"
#: One line for every connection to a watched host: when, to which address and port, from where.
TOUCHED_FILE = "city-touched.log"

_TAKEN = "something else on this machine listens there"


class CityFault(Exception):
    """The city cannot be started, with what to do about it."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A listener that was not started. ``everywhere``: its port is taken on all addresses of the machine."""

    address: str
    port: int
    everywhere: bool
    why: str


def describe(left_out: Iterable[LeftOut]) -> Iterator[str]:
    """What people are told about listeners that were left out: one line for a port that is taken everywhere."""
    told = set()
    for item in left_out:
        if not item.everywhere:
            yield f"left out: {item.address}:{item.port}: {item.why}"
        elif item.port not in told:
            told.add(item.port)
            yield f"left out: port {item.port} of every address: {item.why}; an audit does not ask for it either"


class _Stoppable(Protocol):
    def close(self) -> None: ...

    async def wait_closed(self) -> None: ...


@dataclass(slots=True)
class City:
    """The running listeners of one plan. ``touched`` is told of every connection to a watched host."""

    plan: Plan
    touched: Callable[[str], None] = lambda _line: None
    left_out: list[LeftOut] = field(default_factory=list)
    _servers: list[_Stoppable] = field(default_factory=list)

    @property
    def listening(self) -> int:
        return len(self._servers)

    async def start(self) -> None:
        """Binds what can be bound; :meth:`stop` is due in any case.

        Raises :class:`CityFault` without the ``demo`` extra or without loopback addresses.
        """
        make = _maker()
        everywhere = ports_everywhere()
        for host, service in self.plan.listeners():
            if service.port in everywhere:
                self._leave_out(host, service, True, _TAKEN)
                continue
            try:
                bound = _bind(host.address, service.port)
            except OSError as error:
                self._leave_out(host, service, False, _why(error, host.address))
                continue
            self._servers.append(await make(host, service, bound, self._note))

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        # From Python 3.12 on, a closed server waits for its connections: they end by themselves soon.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                for server in self._servers:
                    await server.wait_closed()
        self._servers.clear()

    def _leave_out(self, host: Host, service: Service, everywhere: bool, why: str) -> None:
        self.left_out.append(LeftOut(host.address, service.port, everywhere, why))

    def _note(self, host: Host, service: Service, peer: object) -> None:
        if host.watched:
            came_from = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "-"
            now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            self.touched(f"{now} {host.address}:{service.port} from {came_from}")


def _bind(address: str, port: int) -> socket.socket:
    """A listening socket on exactly this address. Linux refuses it where anybody listens on all addresses."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
        bound.listen(128)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


def _why(error: OSError, address: str) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return _TAKEN
        case errno.EACCES:
            return "this port needs root"
        case errno.EADDRNOTAVAIL:
            raise CityFault(
                f"{address} does not exist on this machine: the example city needs a loopback interface that has all "
                "of 127.0.0.0/8, as Linux does"
            ) from error
        case _:
            raise error


_Note = Callable[[Host, Service, object], None]


class _Make(Protocol):
    async def __call__(self, host: Host, service: Service, bound: socket.socket, note: _Note) -> _Stoppable: ...


def _maker() -> _Make:
    """How a bound socket becomes a server; imports the ``demo`` extra."""
    try:
        import asyncssh

        from auditor.city.certificates import Authority
    except ImportError as error:
        raise CityFault(
            f"the example city needs the package {error.name!r}: install the extra, "
            "pip install 'gov-infra-auditor[demo]'"
        ) from error
    # Every scan leaves half-made handshakes; each would be logged as an error.
    for noisy in ("asyncssh", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    authority = Authority(dt.datetime.now(dt.UTC))

    async def make(host: Host, service: Service, bound: socket.socket, note: _Note) -> _Stoppable:
        if service.service == "ssh":
            return await _ssh(asyncssh.generate_private_key("ssh-ed25519"), host, service, bound, note)
        if service.service == "https":
            tls = authority.context(service)
            return TlsServer(
                bound, tls, lambda head: respond(host, service, head), lambda peer: note(host, service, peer)
            )
        answer = handler(host, service)

        async def noted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            note(host, service, writer.get_extra_info("peername"))
            await answer(reader, writer)

        return await asyncio.start_server(noted, sock=bound)

    return make


async def _ssh(
    key: asyncssh.SSHKey, host: Host, service: Service, bound: socket.socket, note: _Note
) -> asyncssh.SSHAcceptor:
    """A real SSH server, key exchange and all, in which no way of logging in is allowed."""
    import asyncssh

    class NobodyEnters(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            note(host, service, conn.get_extra_info("peername"))

        def begin_auth(self, username: str) -> bool:
            return True

    return await asyncssh.listen(
        sock=bound,
        options=asyncssh.SSHServerConnectionOptions(
            server_factory=NobodyEnters,
            server_host_keys=[key],
            server_version=service.version,
            password_auth=False,
            kbdint_auth=False,
            public_key_auth=False,
            host_based_auth=False,
            gss_auth=None,
            login_timeout=10,
            allow_scp=False,
            agent_forwarding=False,
        ),
    )


# --- the process --------------------------------------------------------------------------------------------


def serve(plan: Plan, state: Path, *, ready_fd: int | None, while_fd: int | None, say: Callable[[str], None]) -> None:
    """Runs the city in the foreground until SIGINT, SIGTERM or, with ``while_fd``, until that pipe is closed.

    ``state`` is the site's state folder: it gets the file with the process id and the record of touched hosts.
    ``ready_fd`` is told when everything listens: one line of JSON with ``listening`` and ``left_out``.
    Raises :class:`CityFault` where this site's city runs already, or where it cannot be started.
    """
    with _pid_file(state / PID_FILE), _record(state / TOUCHED_FILE) as touched:
        asyncio.run(_serve(City(plan, touched), ready_fd, while_fd, say))


async def _serve(city: City, ready_fd: int | None, while_fd: int | None, say: Callable[[str], None]) -> None:
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.set)
    if while_fd is not None:
        # Nothing is ever written to it: it becomes readable when the other end is gone, however it died.
        loop.add_reader(while_fd, ending.set)
    try:
        await city.start()
        if not city.listening:
            raise CityFault("not one listener could be started: does another example city run on this machine?")
        say(f"the example city answers on {city.listening} ports of {len(city.plan.hosts)} loopback addresses")
        for line in describe(city.left_out):
            say(line)
        if ready_fd is not None:
            _tell_ready(ready_fd, city)
        await ending.wait()
    finally:
        if while_fd is not None:
            loop.remove_reader(while_fd)
        await city.stop()


def _tell_ready(ready_fd: int, city: City) -> None:
    left_out = [
        {"address": item.address, "port": item.port, "everywhere": item.everywhere, "why": item.why}
        for item in city.left_out
    ]
    line = json.dumps({"listening": city.listening, "left_out": left_out}) + "\n"
    # Whoever waited may have gone meanwhile.
    with contextlib.suppress(BrokenPipeError), os.fdopen(ready_fd, "w", encoding="utf-8") as stream:
        stream.write(line)


@contextmanager
def _pid_file(path: Path) -> Iterator[None]:
    """Holds a lock on the file for as long as the city runs; a file left by a killed city does not count."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+", encoding="ascii") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CityFault(f"this city runs already, as process {stream.read(20).strip() or '?'}") from None
        stream.truncate()
        stream.write(f"{os.getpid()}\n")
        stream.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def _record(path: Path) -> Iterator[Callable[[str], None]]:
    """Appends lines to the record of connections to watched hosts, begun anew at each start."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8") as stream:

        def write(line: str) -> None:
            stream.write(line + "\n")
            stream.flush()

        yield write

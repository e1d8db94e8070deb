"""The host through which a zone's logins go: logged in to once, and then asked for each address whether it answers.

The bastion's own connection is checked and told of by itself, so that its faults are never a target's.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from probes.access import Bastion
from probes.base import Stop
from probes.reach import Reach
from probes.ssh.credentials import Credentials
from probes.ssh.entry import enter
from probes.ssh.options import Door, through
from probes.ssh.process import Running, Spoken, start, watch
from probes.ssh.said import Refused

#: Addresses that a bastion is asked for at the same time, and how long it may take to reach one.
AT_ONCE = 32
SECONDS = 5.0

#: How ssh says that the bastion reached the address: only then does it give the connection a number.
_REACHED = "mux_client_request_stdio_fwd: master session id"


@dataclass(slots=True)
class Passage:
    """An open way through a bastion; ``socket`` is its name in the private folder."""

    address: str
    socket: str
    running: Running
    said: Spoken = field(default_factory=Spoken)

    @property
    def broken(self) -> Refused | None:
        """Why nothing goes through it any more, where that is so."""
        if not self.running.has_ended():
            return None
        return Refused("unreachable", f"bastion {self.address}: the connection broke off")

    def listen(self) -> None:
        """Takes what ssh says of this connection, so that it never waits for a reader."""
        stderr = self.running.process.stderr
        if stderr is None or stderr.closed:
            return
        try:
            while piece := os.read(stderr.fileno(), 65_536):
                self.said.add(piece)
        except BlockingIOError:
            return

    def settle(self) -> None:
        """Nobody listens any more: ssh goes on without."""
        if self.running.process.stderr is not None:
            self.running.process.stderr.close()


async def open_passage(
    bastion: Bastion, credentials: Credentials, socket: str, folder: Path, *, seconds: float, stop: Stop
) -> Passage | Refused:
    """Logs in to the bastion; what it refuses is told as the bastion's."""
    door = Door(bastion.address, bastion.port, bastion.user, credentials.known_hosts, credentials.key)
    if not credentials.key:
        return Refused("no_credentials", f"bastion {bastion.address}: it has no key to log in with")
    got = await enter(door, socket, folder, secret="", seconds=seconds, stop=stop, listening=True)
    if isinstance(got, Refused):
        message = got.message if got.reason == "stopped" else f"bastion {bastion.address}: {got.message}"
        return Refused(got.reason, message)
    return Passage(bastion.address, socket, got)


async def sweep(
    passage: Passage, addresses: Sequence[str], port: int, folder: Path, *, rate: float, stop: Stop
) -> tuple[Reach, Refused | None]:
    """Which addresses accept a connection behind the bastion, as :func:`probes.reach.reach` tells it.

    Also why those in ``refused`` may not have been asked at all: the bastion passes nothing on, has no route, or is
    gone itself.
    """
    found = Reach()
    asked: list[str] = []
    places = asyncio.Semaphore(AT_ONCE)

    async def ask(address: str) -> None:
        try:
            how = await _reached(passage, address, port, folder, stop)
        finally:
            places.release()
        if how == "stopped":
            return
        asked.append(address)
        if how == "open":
            found.open[address] = (port,)
        elif how == "refused":
            found.refused.add(address)
        else:
            found.silent.add(address)

    tasks: list[asyncio.Task[None]] = []
    for address in addresses:
        await places.acquire()
        if stop.is_set:
            break
        passage.listen()
        tasks.append(asyncio.create_task(ask(address)))
        await asyncio.sleep(1 / rate)
    await asyncio.gather(*tasks)
    passage.listen()
    found.asked = tuple(asked)
    if passage.broken is not None:
        # Silence was the bastion's own.
        found.refused |= found.silent
        found.silent.clear()
    return found, passage.broken or _not_passed_on(passage.said.text)


async def _reached(passage: Passage, address: str, port: int, folder: Path, stop: Stop) -> str:
    argv = through(passage.socket, address, str(port))
    running = start([argv[0], "-v", *argv[1:]], folder)
    try:
        heard = Spoken()
        how, said = await watch(running, seconds=SECONDS, stop=stop, done=lambda: _REACHED in heard.text, into=heard)
    finally:
        running.end()
    if how == "stopped":
        return "stopped"
    if _REACHED in said.text:
        return "open"
    return "refused" if how == "ended" else "silent"


def _not_passed_on(said: str) -> Refused | None:
    if "open failed: administratively prohibited" in said or "open failed: unknown channel type" in said:
        return Refused("forbidden", "the bastion passes nothing on to these addresses")
    if "open failed: resource shortage" in said:
        return Refused("unavailable", "the bastion has no room for more connections")
    if "open failed: connect failed: Network is unreachable" in said:
        return Refused("unreachable", "the bastion has no route to these addresses")
    return None

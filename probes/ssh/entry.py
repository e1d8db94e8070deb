"""Logging in: one ssh process for each host, which then holds the connection open for whoever reads the host."""

from __future__ import annotations

from pathlib import Path

from inventories.faults import clean
from probes.base import Stop
from probes.ssh.options import Door, Unsafe, login
from probes.ssh.process import Running, Spoken, start, watch
from probes.ssh.said import Refused, why

#: What a login may take, at most. Servers that look up their clients in a dead name server take twenty seconds.
LOGIN_SECONDS = 45.0


async def enter(
    door: Door, socket: str, folder: Path, *, secret: str, seconds: float, stop: Stop, listening: bool = False
) -> Running | Refused:
    """Logs in; the connection stands at ``folder / socket`` until what comes back is ended.

    ``listening``: what ssh goes on saying is kept for the caller to read, and has to be read.
    """
    try:
        argv = login(door, socket, max(1, round(seconds)))
        running = start(argv, folder, asks=door.asks)
    except Unsafe as error:
        return Refused("out_of_scope", str(error))
    except OSError as error:
        # Without the program nothing will help but installing it; without processes or terminals to spare, waiting.
        reason = "not_installed" if isinstance(error, FileNotFoundError) else "unavailable"
        return Refused(reason, f"ssh cannot be started: {error.strerror or clean(str(error), 80)}")
    kept = False
    try:
        place = folder / socket
        # ssh makes its socket once the server has accepted the login, and nothing else makes one here.
        how, said = await watch(running, seconds=seconds, stop=stop, done=place.exists, secret=secret)
        kept = how == "done"
        if kept and not listening and running.process.stderr is not None:
            running.process.stderr.close()
        return running if kept else _refused(how, said, door, seconds, stop)
    finally:
        if not kept:
            running.end()


def _refused(how: str, said: Spoken, door: Door, seconds: float, stop: Stop) -> Refused:
    if how == "stopped":
        return Refused("stopped", stop.reason)
    if how == "asked_again":
        words = "the key's passphrase does not open it" if door.key else "the login is refused"
        return Refused("no_credentials" if door.key else "login_refused", words)
    if how == "asked_more":
        return Refused("login_refused", "it asks for more than a password (a code, perhaps)")
    return why(said.text, late=seconds if how == "late" else None)

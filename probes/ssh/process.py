"""One ssh process on its way in: watched without a thread, given its secret over a terminal, ended by id."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from probes.ansible_run.tree import leashed
from probes.base import Stop

#: How long ssh may take to say goodbye.
_GRACE_SECONDS = 0.3

#: How often a login is looked at: whether its socket is there, and whether to stop.
_POLL_SECONDS = 0.03

#: Bytes kept of what ssh says: the beginning, where keys are told of, and the end, where the reason stands.
_HEAD, _TAIL = 65_536, 16_384
#: Pieces of it that are read at one look: whoever talks without end keeps nobody else waiting.
_READS = 16

_ASKS = re.compile("(?i)(?:password|passphrase|口令|密码)[^\r\n]{0,200}[:：] ?$")
#: Bytes that are read of a prompt. A server that asks in more words is not answered.
_PROMPT = 4_096


@dataclass(slots=True)
class Spoken:
    """What a process wrote: its beginning and its end, however much there was between."""

    head: bytes = b""
    tail: bytes = b""

    def add(self, piece: bytes) -> None:
        room = _HEAD - len(self.head)
        self.head += piece[:room]
        self.tail = (self.tail + piece[room:])[-_TAIL:]

    @property
    def text(self) -> str:
        return (self.head + (b"\n" if self.tail else b"") + self.tail).decode("utf-8", "replace")


@dataclass(slots=True)
class Running:
    """A process that was started here. ``terminal`` is the other side of its terminal, where it has one."""

    process: subprocess.Popen[bytes]
    terminal: int = -1

    def has_ended(self, seconds: float = 0.0) -> bool:
        """Whether it has, after waiting so long at most. Its exit status stays to be taken, and with it its id."""
        end = time.monotonic() + seconds
        while os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() >= end:
                return False
            time.sleep(0.002)
        return True

    def end(self, grace: float = _GRACE_SECONDS) -> None:
        """Ends it with what it started (it leads a group of its own), politely first, and takes its exit status."""
        if self.process.returncode is None:
            self.ask_to_end()
            self.has_ended(grace)
            self._signal(signal.SIGKILL)
            self.process.wait()
        if self.terminal >= 0:
            os.close(self.terminal)
            self.terminal = -1
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def ask_to_end(self) -> None:
        """Lets it say goodbye; :meth:`end` follows."""
        if self.process.returncode is None and not self.has_ended():
            self._signal(signal.SIGTERM)

    def _signal(self, number: int) -> None:
        # On its way to a session of its own it leads no group yet.
        for send in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                send(self.process.pid, number)


def end_all(running: Iterable[Running]) -> None:
    """Ends processes side by side: they share the time that one may take to say goodbye."""
    every = list(running)
    for one in every:
        one.ask_to_end()
    end = time.monotonic() + _GRACE_SECONDS
    for one in every:
        one.end(max(0.0, end - time.monotonic()))


def environment(folder: Path) -> dict[str, str]:
    """All that ssh sees of the environment: no agent, no helper that asks, no display."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LC_ALL": "C",
        "SSH_ASKPASS_REQUIRE": "never",
    }


def start(argv: Sequence[str], folder: Path, *, asks: bool = False, stdout: int = subprocess.DEVNULL) -> Running:
    """Starts a program in the private folder; with ``asks``, on a terminal where it may ask for a secret.

    A secret that goes over a terminal stands in no argument, no environment and no file. OSError where the program
    cannot be started.
    """
    command = leashed(argv)
    if not asks:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=environment(folder),
            umask=0o077,
            start_new_session=True,
        )
        return Running(process)
    setsid = shutil.which("setsid")
    if setsid is None:
        raise FileNotFoundError("setsid (util-linux) is not installed")
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            # The terminal on standard input becomes the one that it asks on.
            [setsid, "--ctty", *command],
            cwd=folder,
            stdin=theirs,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=environment(folder),
            umask=0o077,
        )
    except OSError:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return Running(process, ours)


async def watch(
    running: Running,
    *,
    seconds: float,
    stop: Stop,
    done: Callable[[], bool],
    secret: str = "",
    into: Spoken | None = None,
) -> tuple[str, Spoken]:
    """Waits until ``done()``, and answers the first question for a secret with ``secret``.

    Says how it went: ``done``, ``ended`` (by itself), ``late``, ``stopped``, ``asked_again`` (the secret was not the
    right one) or ``asked_more`` (until the end it waited for something that is no password). Whoever calls ends the
    process, or keeps it. ``into`` is where to keep what it says.
    """
    said, asked = into or Spoken(), b""
    answered = False
    end = time.monotonic() + seconds
    if running.process.stderr is None:
        raise ValueError("a process that is watched needs its standard error on a pipe")
    stderr = running.process.stderr.fileno()
    os.set_blocking(stderr, False)
    if running.terminal >= 0:
        os.set_blocking(running.terminal, False)
    while True:
        ended = running.has_ended()
        _take(stderr, said)
        if done():
            return "done", said
        if ended:
            return "ended", said
        if stop.is_set:
            return "stopped", said
        if time.monotonic() >= end:
            return ("asked_more" if asked.strip() else "late"), said
        if running.terminal >= 0:
            asked = (asked + _read(running.terminal))[-_PROMPT:]
            if _ASKS.search(asked.decode("utf-8", "replace")):
                if answered or not secret:
                    return "asked_again", said
                # Where nobody reads any more, the process has ended, and says why by itself.
                with contextlib.suppress(OSError):
                    os.write(running.terminal, secret.encode("utf-8", "surrogateescape") + b"\n")
                answered, asked = True, b""
        await asyncio.sleep(_POLL_SECONDS)


def _take(handle: int, said: Spoken) -> None:
    """Keeps what there is to be read now, or a good part of it."""
    for _ in range(_READS):
        if not (piece := _read(handle)):
            return
        said.add(piece)


def _read(handle: int) -> bytes:
    """What is there to be read now."""
    try:
        return os.read(handle, 65_536)
    except OSError:
        # A terminal that nobody has open any more gives an input/output error.
        return b""

"""Child processes of the example city: started, told to end by their process id, and waited for, always."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from auditor.city.listeners import TOUCHED_FILE, CityFault, LeftOut, describe
from auditor.output import say
from inventories.faults import clean

#: What the city's process says goes here, in the site's state folder.
LOG_FILE = "city.log"

#: Making keys and certificates takes a second or two; a busy machine gets more.
START_SECONDS = 60.0

#: A command that has been told to end may first end its own children.
END_SECONDS = 20.0


class Ended(Exception):
    """Somebody asked this process to end by SIGTERM or SIGHUP."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


@dataclass(frozen=True, slots=True)
class Answering:
    """A city that answers now. ``touched`` is the file that lists connections to watched hosts."""

    listening: int
    left_out: tuple[LeftOut, ...]
    touched: Path


@contextmanager
def answering(site: Path) -> Iterator[Answering]:
    """Lets the city of a site answer while the body runs, in a process of its own.

    That process is in a session of its own, so that Ctrl-C does not end it under an audit that is still
    tidying up; it holds the other end of a pipe, so that it ends even where this process is killed.
    Raises :class:`CityFault` where it does not start.
    """
    state = site / "state"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.ExitStack() as held:
        ready_here, ready_there = os.pipe()
        while_there, while_here = os.pipe()
        held.callback(os.close, ready_here)
        lifeline = held.enter_context(os.fdopen(while_here, "wb"))
        try:
            child = _start(site, state / LOG_FILE, ready_there, while_there)
        finally:
            os.close(ready_there)
            os.close(while_there)
        try:
            yield _wait_ready(child, ready_here, state)
        finally:
            lifeline.close()
            _end(child, patience=5)


def _start(site: Path, log_file: Path, ready: int, lifeline: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "auditor.city", "up", "--site", str(site)]
    with os.fdopen(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as log:
        return subprocess.Popen(
            [*command, "--ready-fd", str(ready), "--while-fd", str(lifeline)],
            pass_fds=(ready, lifeline),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_ready(child: subprocess.Popen[bytes], ready: int, state: Path) -> Answering:
    readable, _, _ = select.select([ready], [], [], START_SECONDS)
    line = b""
    while readable and (piece := os.read(ready, 65_536)):
        line += piece
    if not line:
        said = (state / LOG_FILE).read_text(encoding="utf-8", errors="replace").strip()
        raise CityFault(said or f"the example city did not start within {START_SECONDS:.0f} seconds")
    told: dict[str, Any] = json.loads(line)
    return Answering(
        listening=int(told["listening"]),
        left_out=tuple(LeftOut(**item) for item in told["left_out"]),
        touched=state / TOUCHED_FILE,
    )


def run(command: Sequence[str]) -> int:
    """Runs a command with the terminal as its own, waits for it, and returns its exit status.

    On Ctrl-C the command has been told by the terminal and is waited for; on SIGTERM it is told so.
    """
    try:
        child = subprocess.Popen(command)
    except OSError as error:
        raise CityFault(f"{clean(command[0])} cannot be started: {error.strerror}") from error
    try:
        return _status(child.wait())
    except KeyboardInterrupt:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(END_SECONDS)
        raise
    finally:
        _end(child, patience=0)


def captured(command: Sequence[str]) -> tuple[int, str]:
    """Runs a command; its exit status and its standard output."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout


def _status(code: int) -> int:
    """As a shell tells it: 128 and the signal's number where a signal ended it."""
    return code if code >= 0 else 128 - code


def _end(child: subprocess.Popen[bytes], *, patience: float) -> None:
    """Waits, asks, waits, and then insists. A further Ctrl-C does not leave it running."""
    for tell, seconds in ((None, patience), (child.terminate, END_SECONDS), (child.kill, END_SECONDS)):
        if child.poll() is not None:
            return
        if tell is not None:
            tell()
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            child.wait(seconds)


@contextmanager
def tidy() -> Iterator[None]:
    """Turns SIGTERM and SIGHUP into :class:`Ended`, and leaves the terminal as it was found."""
    before = {number: signal.signal(number, _raise) for number in (signal.SIGTERM, signal.SIGHUP)}
    terminal = _terminal()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _restore(terminal)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Ended(number)


def _terminal() -> list[Any] | None:
    try:
        return termios.tcgetattr(sys.stdin.fileno())
    except (OSError, ValueError, termios.error):
        return None  # Standard input is closed, or no terminal.


def _restore(attributes: list[Any] | None) -> None:
    """A command killed while it drew progress leaves the cursor hidden, and perhaps no echo."""
    with contextlib.suppress(OSError, ValueError, termios.error):
        if attributes is not None and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp():
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, attributes)
        if sys.stderr.isatty():
            sys.stderr.write("\x1b[?25h")
            sys.stderr.flush()


def run_in_city(site: Path, command: Sequence[str]) -> int:
    """Runs a command while the city of a site answers; its exit status, or that of the signal that ended it."""
    try:
        with tidy(), answering(site) as city:
            for line in describe(city.left_out):
                say(line)
            return run(command)
    except Ended as ended:
        return 128 + ended.number

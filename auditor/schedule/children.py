"""A run: a process and group of its own, its output bounded, ended politely and then not.

Output goes through a pipe: the first part of it and the last reach the run's log, whatever a child writes. A child
asked to end gets SIGINT, as from Ctrl-C, and keeps what it has finished; after a grace SIGTERM; after another its
whole group is killed.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from auditor.schedule.book import Process

#: Bytes of a child's output that are kept, from its beginning and from its end.
HEAD, TAIL = 256 * 1024, 256 * 1024
#: Seconds between SIGINT and SIGTERM, and between SIGTERM and SIGKILL.
GRACE, LAST_GRACE = 20.0, 5.0

_STEPS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
#: Whoever reads a log at a terminal reads text: no escapes.
_SAFE = bytes(byte if byte in (9, 10) or (byte >= 32 and byte != 127) else ord("?") for byte in range(256))


class Child(Protocol):
    """A run. ``exit`` is its status once it has ended: negative for a signal, None where nobody knows."""

    process: Process
    exit: int | None

    def has_ended(self) -> bool: ...

    def press(self, seconds: float = GRACE) -> None: ...


class _Ending:
    """Which signal comes next, and when."""

    def __init__(self) -> None:
        self._step, self._next = 0, 0.0

    def due(self, grace: float) -> signal.Signals | None:
        """The signal to send now; SIGINT first, the next after ``grace`` seconds, SIGKILL soon after that."""
        now = time.monotonic()
        if self._step and now < self._next and grace > 0:
            return None
        step = _STEPS[min(self._step, len(_STEPS) - 1)]
        self._step += 1
        self._next = now + (grace if self._step == 1 else min(grace, LAST_GRACE))
        return step


class Started:
    """A child of this process. OSError where it cannot be started or its log not be made."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.exit: int | None = None
        self._ending = _Ending()
        sink = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            self._popen = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except BaseException:
            os.close(sink)
            raise
        if self._popen.stdout is None:
            raise RuntimeError("the pipe that was asked for is not there")
        self._source = self._popen.stdout
        self.process = process(self._popen.pid)
        self._reading = threading.Thread(target=self._drain, args=(sink,), name=f"log-{log.stem}", daemon=True)
        self._reading.start()

    def has_ended(self) -> bool:
        if self.exit is None and (status := self._popen.poll()) is not None:
            # Whoever else holds the pipe (a grandchild) keeps nobody waiting.
            self._reading.join(timeout=1.0)
            self.exit = status
        return self.exit is not None

    def press(self, seconds: float = GRACE) -> None:
        """Asks it to end, more firmly each time that ``seconds`` have passed; 0: the next step at once."""
        if self.has_ended() or (step := self._ending.due(seconds)) is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if step is signal.SIGKILL:
                os.killpg(self._popen.pid, step)
            else:
                self._popen.send_signal(step)

    def _drain(self, sink: int) -> None:
        source = self._source
        log = _Log(sink)
        try:
            while piece := os.read(source.fileno(), 65536):
                log.take(piece.translate(_SAFE))
        finally:
            log.close()
            source.close()


class _Log:
    """The beginning of a stream of output, as it comes, and at its end the last part of it."""

    def __init__(self, sink: int) -> None:
        self._sink, self._room = sink, HEAD
        self._tail: deque[bytes] = deque()
        self._held = self._left_out = 0

    def take(self, piece: bytes) -> None:
        first, rest = piece[: self._room], piece[self._room :]
        self._room -= len(first)
        self._write(first)
        if rest:
            self._tail.append(rest)
            self._held += len(rest)
        while self._held - len(self._tail[0] if self._tail else b"") > TAIL:
            gone = len(self._tail.popleft())
            self._held -= gone
            self._left_out += gone

    def close(self) -> None:
        if self._left_out:
            self._write(f"\n... {self._left_out} bytes left out ...\n".encode())
        for piece in self._tail:
            self._write(piece)
        os.close(self._sink)

    def _write(self, data: bytes) -> None:
        # A full disk costs the log, and not the run.
        with contextlib.suppress(OSError):
            while data:
                data = data[os.write(self._sink, data) :]


class Adopted:
    """A run that a scheduler before this one left behind. ValueError where its process is gone."""

    def __init__(self, left: Process) -> None:
        self.process = left
        self.exit: int | None = None
        self._ending = _Ending()
        try:
            self._handle = os.pidfd_open(left.pid)
        except OSError as error:
            raise ValueError("has ended") from error
        # The handle is of whoever has the number now: only from here on is it compared.
        if process(left.pid) != left:
            os.close(self._handle)
            raise ValueError("has ended")
        self._open = True

    def has_ended(self) -> bool:
        if self._open and select.select([self._handle], [], [], 0)[0]:
            os.close(self._handle)
            self._open = False
        return not self._open

    def press(self, seconds: float = GRACE) -> None:
        if self.has_ended() or (step := self._ending.due(seconds)) is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(self._handle, step)


def process(pid: int) -> Process:
    """Who has a process number now; with no ticks where nobody does."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # The name in brackets may hold anything, brackets and blanks too (proc(5)).
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        return Process(pid, boot, int(after_name.split()[19]))
    except (OSError, ValueError, IndexError):
        return Process(pid, "", 0)

"""Ending a process with everything that it started, by process id, also what made a session of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

#: How long to go on killing what is still there. A process that the kernel will not end is left.
PATIENCE_SECONDS = 3.0


def descendants(pid: int, proc: Path = Path("/proc")) -> list[int]:
    """Every living process that comes from ``pid``, nearest first; zombies are dead."""
    children: dict[int, list[int]] = {}
    for entry in proc.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            # The name in brackets may hold anything; what follows the last bracket is state and parent.
            state, parent = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state not in (b"Z", b"X"):
            children.setdefault(int(parent), []).append(int(entry.name))
    found: list[int] = []
    queue = [pid]
    while queue:
        for child in children.get(queue.pop(0), ()):
            found.append(child)
            queue.append(child)
    return found


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """Kills what ``process`` started, then the process, and takes its exit status.

    The process has to be a subreaper (prctl(2)): what its children leave behind then stays below it, and nothing
    escapes while it stands still. One that has ended by itself is only waited for.
    """
    if process.poll() is None:
        _signal(process.pid, signal.SIGSTOP)
        end = time.monotonic() + PATIENCE_SECONDS
        while (left := descendants(process.pid)) and time.monotonic() < end:
            for pid in left:
                _signal(pid, signal.SIGKILL)
            time.sleep(0.01)
        _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def leashed(argv: Sequence[str]) -> list[str]:
    """The command so that the kernel ends it when we are killed: nothing stays logged in after its audit."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--", *argv] if setpriv else list(argv)

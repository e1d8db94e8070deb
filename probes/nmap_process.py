"""One nmap command: started in a process group of its own, with a deadline, and ended with everything it started.

Nothing here knows what a scan is. Arguments are lists, never a shell's text; output goes to files in the
shard's private folder, which is the process's working directory, so that no path stands in the arguments.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inventories.faults import clean
from probes.base import Stop

#: Older ones lack what the probe relies on (and Debian 10 already had this one).
OLDEST = (7, 80)

#: How long nmap may take to end after a polite request, before it is killed.
GRACE_SECONDS = 0.7
_POLL_SECONDS = 0.1
_NET_RAW = 13


@dataclass(frozen=True, slots=True)
class Unusable:
    """nmap cannot be used here: ``reason`` is ``not_installed`` or ``too_old``, ``message`` says what to do."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. ``why`` is empty where it ended by itself, else ``stopped`` or ``timed_out``."""

    code: int
    why: str
    stderr: str
    seconds: float

    @property
    def told(self) -> str:
        """The last thing it said on standard error, safe to show."""
        lines = [line for line in self.stderr.splitlines() if line.strip()]
        return clean(lines[-1], 300) if lines else ""


def version_of(command: Sequence[str]) -> tuple[int, int] | Unusable:
    """The version of the nmap that ``command`` starts. Sends nothing."""
    mend = "install it (apt-get install nmap) or see `auditor doctor`"
    if shutil.which(command[0]) is None:
        return Unusable("not_installed", f"{clean(command[0], 60)} is not installed: {mend}")
    try:
        done = subprocess.run(
            [*command, "-V"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=_environment(),
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Unusable("not_installed", f"nmap does not start ({clean(str(error))}): {mend}")
    found = re.search(rb"Nmap version (\d+)\.(\d+)", done.stdout)
    if not found:
        return Unusable("not_installed", f"what `nmap -V` says is not nmap's: {mend}")
    version = (int(found[1]), int(found[2]))
    if version < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        return Unusable("too_old", f"nmap {version[0]}.{version[1]} is older than {wanted}: install a newer one")
    return version


def may_send_raw() -> bool:
    """Whether packets may be built by hand (CAP_NET_RAW, or an nmap that was given it, as NMAP_PRIVILEGED says).

    Without it, connections are all there is.
    """
    if os.environ.get("NMAP_PRIVILEGED"):
        return True
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except OSError:
        return os.geteuid() == 0
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return bool(found) and bool(int(found[1], 16) >> _NET_RAW & 1) if found else os.geteuid() == 0


def run_command(argv: Sequence[str], *, folder: Path, deadline_seconds: float, stop: Stop) -> Ended:
    """Runs one command to its end, its deadline or the stop, whichever comes first; nothing of it is left then.

    Raises OSError where it cannot be started at all.
    """
    began = time.monotonic()
    said = folder / "stderr.txt"
    with said.open("wb") as stderr:
        process = subprocess.Popen(
            _leashed(argv),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=_environment(),
            umask=0o077,
            start_new_session=True,
        )
    try:
        why = _wait(process.pid, began + deadline_seconds, stop)
    finally:
        _end_group(process)
    return Ended(process.returncode, why, _tail(said), time.monotonic() - began)


def _wait(pid: int, deadline: float, stop: Stop) -> str:
    """Waits for the end; says why it will not wait any longer. Wakes at once when the process ends."""
    while not _ended(pid, _POLL_SECONDS):
        if stop.is_set:
            return "stopped"
        if time.monotonic() >= deadline:
            return "timed_out"
    return ""


def _ended(pid: int, seconds: float) -> bool:
    """Whether a child has ended, after waiting for it no longer than that; leaves its exit status to be taken."""
    handle = os.pidfd_open(pid)
    try:
        waiter = select.poll()
        waiter.register(handle, select.POLLIN)
        return bool(waiter.poll(seconds * 1000))
    finally:
        os.close(handle)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the process's group, politely first, and takes the process's exit status.

    As long as that status is not taken, the group's number is given to nobody else, even where the process has
    ended and something that it started has not.
    """
    if not _ended(process.pid, 0):
        _signal(process.pid, signal.SIGTERM)
        _ended(process.pid, GRACE_SECONDS)
    _signal(process.pid, signal.SIGKILL)
    process.wait()


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def _leashed(argv: Sequence[str]) -> list[str]:
    """The command so that the kernel ends it when we are killed: a scan never outlives its audit."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *argv] if setpriv else list(argv)


def _environment() -> dict[str, str]:
    """Only what nmap needs, and English messages."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "NMAPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def _tail(path: Path, limit: int = 8192) -> str:
    try:
        with path.open("rb") as stream:
            stream.seek(0, os.SEEK_END)
            stream.seek(max(0, stream.tell() - limit))
            return stream.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""

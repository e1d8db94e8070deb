"""One audit at a time: a lock that a crash cannot leave behind, and that says who holds it.

The kernel's ``flock`` is the lock, and it goes with the process, however that ends. What the file says (who,
where, since when) is only for people: text left by a killed process locks nothing. The file itself is never
removed, because a lock on a removed file would not be seen by the next claimant.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from inventories.faults import Fault, clean

# The holder writes its name just after it has the lock: a claimant in between waits for it, this long at most.
_PATIENCE_SECONDS = 0.5
_MAX_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the lock. ``started_at`` is ISO text; every text is safe to show."""

    pid: int
    host: str
    user: str
    started_at: str
    command: str

    def __str__(self) -> str:
        return f"{self.user}@{self.host}, process {self.pid}, since {self.started_at} ({self.command})"


class LockError(Exception):
    """The lock's file cannot be used."""

    def __init__(self, where: str, what: str, mend: str = "") -> None:
        self.fault = Fault(where, what, mend)
        super().__init__(str(self.fault))


class LockHeld(LockError):
    """Another process holds the lock; ``holder`` is None where it has not said who it is.

    ``what`` says in a word what runs: an audit, a scheduler.
    """

    def __init__(self, where: str, holder: Holder | None, what: str = "audit") -> None:
        self.holder = holder
        who = str(holder) if holder else "a process that has not given its name"
        super().__init__(where, f"another {what} is running: {who}", "wait until it has ended, or stop it")


class AuditLock:
    """Held from ``with`` to its end, by this process.

    ``now`` is when the command began (aware). LockHeld where another has it, LockError where the file cannot be
    made. A child made by ``fork`` without ``exec`` shares the lock until it ends. ``what`` is locked, in a word.
    """

    def __init__(self, path: Path, *, command: str, now: datetime, what: str = "audit") -> None:
        self._path, self._what = path, what
        self._holder = this_process(command, now)
        self._handle: int | None = None

    def acquire(self) -> None:
        """Takes the lock or raises at once (within half a second). RuntimeError where this object has it already."""
        if self._handle is not None:
            raise RuntimeError("the lock is held by this very object")
        handle = _open(self._path, os.O_RDWR | os.O_CREAT)
        try:
            _claim(handle, self._path, self._what)
            _write(handle, self._holder, self._path)
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle

    def release(self) -> None:
        """Gives the lock back; harmless where it is not held."""
        if self._handle is None:
            return
        handle, self._handle = self._handle, None
        try:
            os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def this_process(command: str, now: datetime) -> Holder:
    """What this process says of itself where it holds a lock."""
    return Holder(os.getpid(), socket.gethostname(), _user(), now.isoformat(timespec="seconds"), command)


def held_by(path: Path) -> Holder | None:
    """Who holds the lock now, or None where nobody does (or has not said who it is).

    Looks for an instant only; a claimant that comes just then tries again.
    """
    try:
        handle = _open(path, os.O_RDONLY)
    except LockError:
        return None
    try:
        return None if _try(handle, fcntl.LOCK_SH) else _read(handle)
    finally:
        os.close(handle)


def _claim(handle: int, path: Path, what: str) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not _try(handle, fcntl.LOCK_EX):
        holder = _read(handle)
        if (holder is not None and _lives(holder)) or time.monotonic() >= until:
            raise LockHeld(str(path), holder, what)
        time.sleep(0.02)


def _try(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: Path, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        mend = "let the audit's user write that folder" if isinstance(error, PermissionError) else ""
        raise LockError(str(path), f"the lock cannot be made: {error.strerror or error}", mend) from error


def _write(handle: int, holder: Holder, path: Path) -> None:
    body = {
        "pid": holder.pid,
        "host": holder.host,
        "user": holder.user,
        "started_at": holder.started_at,
        "command": clean(holder.command, 500),
    }
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(body, ensure_ascii=False).encode("utf-8", "backslashreplace"), 0)
    except OSError as error:
        raise LockError(str(path), f"the lock cannot be written: {error.strerror or error}", "make room") from error


def _read(handle: int) -> Holder | None:
    """What the file says, or None where that is no holder: anybody may have written there."""
    try:
        body = json.loads(os.pread(handle, _MAX_BYTES, 0))
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, Mapping) or type(body.get("pid")) is not int or body["pid"] < 1:
        return None
    texts = [clean(str(body.get(name, "")), 500) for name in ("host", "user", "started_at", "command")]
    return Holder(body["pid"], *texts)


def _lives(holder: Holder) -> bool:
    """Whether the file speaks of a process that lives; of another machine's nothing is known, so yes."""
    if holder.host != socket.gethostname():
        return True
    try:
        os.kill(holder.pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())

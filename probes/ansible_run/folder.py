"""A folder of our own for one run: nobody else's to read, in memory where that can be had, and gone afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

#: Sockets have short names (108 bytes, sun_path of unix(7)), and ssh adds 17 characters while it makes one.
LONGEST = 60

_PREFIX = "auditor-"
#: Within this time a folder that was made is locked, too.
_YOUNG_SECONDS = 60.0

#: A tmpfs that every Linux has, as shm_open(3) wants it.
SHARED_MEMORY = Path("/dev") / "shm"


@contextmanager
def private_folder(
    workdir: Path, environ: Mapping[str, str] = os.environ, shared_memory: Path = SHARED_MEMORY
) -> Iterator[Path]:
    """A folder (0700) on a tmpfs, else in ``workdir``; removed with all that is in it, whatever happened.

    One whose audit was killed is removed by the next audit.
    """
    home = _home(workdir, environ, shared_memory)
    if home != workdir:
        _remove_left(home)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # The kernel lets go of the lock when this process ends, however it ends.
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _remove_left(home: Path) -> None:
    """Removes our folders that nobody holds any more: those of audits that were killed."""
    for folder in home.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                state = os.fstat(handle)
                # A young one may have been made a moment ago, and is not locked yet.
                if state.st_uid == os.geteuid() and time.time() - state.st_mtime > _YOUNG_SECONDS:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(handle)


def _home(workdir: Path, environ: Mapping[str, str], shared_memory: Path) -> Path:
    in_memory = _tmpfs()
    candidates = [shared_memory]
    if environ.get("XDG_RUNTIME_DIR"):
        candidates.append(Path(environ["XDG_RUNTIME_DIR"]))
    for candidate in candidates:
        try:
            usable = candidate.is_absolute() and candidate.is_dir() and os.access(candidate, os.W_OK | os.X_OK)
        except OSError:
            continue
        if usable and len(str(candidate)) <= LONGEST and _mount_of(candidate) in in_memory:
            return candidate
    return workdir


def _tmpfs() -> frozenset[str]:
    """Where file systems in memory are mounted."""
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return frozenset()
    parts = [line.split() for line in lines]
    return frozenset(part[1] for part in parts if len(part) > 2 and part[2] in ("tmpfs", "ramfs"))


def _mount_of(path: Path) -> str:
    place = path.resolve()
    while not place.is_mount() and place != place.parent:
        place = place.parent
    return str(place)

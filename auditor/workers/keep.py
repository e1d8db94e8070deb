"""Results that a worker has made, kept for as long as their job may come again: nothing is looked at twice.

One file a job, named by the job's id, which is the signed bundle itself. Two threads, or two workers that share the
folder, never work on one job at the same time.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from auditor.workers.messages import Job
from inventories.bundle import BundleError, open_plain, read

#: A job comes again within the days for which its run can be taken up; after that nobody asks.
KEEP_DAYS = 3
KEEP_BYTES = 2 * 1024**3


class Kept:
    """A worker's finished results."""

    def __init__(self, folder: Path) -> None:
        self._results = folder / "results"
        self._locks = folder / "locks"
        for made in (folder, self._results, self._locks):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, job: Job) -> Path:
        return self._results / f"{job.id}.bundle"

    def load(self, job: Job, skew: timedelta = timedelta()) -> bytes | None:
        """The result that answers the job, or None.

        One with failures answers only the sending that it was made for: who sends a shard again wants another try.
        """
        try:
            with open_plain(self.path(job)) as stream:
                data = stream.read()
            bundle = read(data, trust=None, site=job.site)
            head = bundle.head
            if head.answers != job.id or head.zone != job.zone or head.seen_from < job.since - skew:
                return None
            if head.id != job.answer_id and any(part.failures for part in bundle.collections()):
                return None
        except (BundleError, OSError):
            return None
        return data

    def save(self, job: Job, data: bytes) -> None:
        """Whole or not at all. OSError where there is no room."""
        handle, name = tempfile.mkstemp(prefix=".new-", dir=self._results)
        fresh = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(self.path(job))
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise

    @contextmanager
    def alone(self, job: Job, give_up: Callable[[], bool]) -> Iterator[bool]:
        """Holds the job for this thread; False where ``give_up()`` became true before it was to be had."""
        path = self._locks / job.id
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            yield _take(handle, give_up)
        finally:
            os.close(handle)

    def thin(self, now: float | None = None) -> None:
        """Removes what is older than :data:`KEEP_DAYS`, and the oldest beyond :data:`KEEP_BYTES`."""
        oldest = (time.time() if now is None else now) - timedelta(days=KEEP_DAYS).total_seconds()
        room = KEEP_BYTES
        for modified, size, path in sorted(_files(self._results), reverse=True):
            room -= size
            if modified < oldest or room < 0:
                path.unlink(missing_ok=True)
        for modified, _size, path in _files(self._locks):
            if modified < oldest:
                path.unlink(missing_ok=True)


def _take(handle: int, give_up: Callable[[], bool]) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if give_up():
                return False
            time.sleep(0.1)
        else:
            return True


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    for path in folder.iterdir():
        status = path.lstat()
        yield status.st_mtime, status.st_size, path

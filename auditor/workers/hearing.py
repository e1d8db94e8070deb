"""What a worker has heard from its centre, and whether it may probe because of it. No network here, no threads.

A worker that cannot hear a stop does not probe: without a beat for the time of the lease it gives its shard back. A
beat that is old, or that was heard before, counts for nothing, and beats tell how far the two clocks are apart.
"""

from __future__ import annotations

import enum
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from auditor.workers.messages import Beat, Job

#: How often the centre says that it is there, in seconds, and how long a worker goes on without hearing it.
BEAT_SECONDS = 2.0
LEASE_SECONDS = 20.0
#: Clocks further apart than this make every time in a result doubtful.
SKEW_SECONDS = 120.0


class Standing(enum.Enum):
    """Whether a job may be worked on."""

    #: Its centre waits for it.
    ALIVE = "alive"
    #: Nothing was heard for too long, or an operator stopped this worker: the job may be for later, or for others.
    SILENT = "silent"
    #: Its centre was told to stop, or has ended, or another of its processes took over: nobody waits for it.
    OVER = "over"
    #: The centre is heard, and its clock is not this machine's.
    SKEWED = "skewed"


class Hearing:
    """Everything that was heard. Safe to share between threads."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        lease_seconds: float = LEASE_SECONDS,
        skew_seconds: float = SKEW_SECONDS,
        stop_file: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now, self._monotonic = now, monotonic
        self._lease, self._skew = lease_seconds, timedelta(seconds=skew_seconds)
        self._stop_file = stop_file
        self._newest: Beat | None = None
        self._heard_at = 0.0
        self._halted: datetime | None = None
        self._ahead: deque[timedelta] = deque(maxlen=16)
        self._lock = threading.Lock()

    def heard(self, beat: Beat) -> bool:
        """Takes a beat or a stop whose signature is right; says whether it was new."""
        with self._lock:
            if self._newest is not None and beat.at <= self._newest.at and not self._was_of_the_future(beat):
                return False
            if self._newest is None or self._newest.session != beat.session:
                self._ahead.clear()
            self._ahead.append(self._now() - beat.at)
            self._newest, self._heard_at = beat, self._monotonic()
            if beat.stop:
                self._halted = beat.at
            return True

    def _was_of_the_future(self, beat: Beat) -> bool:
        """The centre's clock was wrong and was set: what came while it was wrong must not silence it for good."""
        now = self._now()
        return self._newest is not None and self._newest.at - now > self._skew >= abs(beat.at - now)

    @property
    def ahead(self) -> timedelta:
        """How far this machine's clock is ahead of the centre's: the beat that was least late tells."""
        with self._lock:
            return min(self._ahead, default=timedelta())

    def standing(self, job: Job) -> Standing:
        if self._stopped_here():
            return Standing.SILENT
        ahead = self.ahead
        with self._lock:
            newest = self._newest
            if newest is None:
                return Standing.SILENT
            if self._halted is not None and job.sent_at <= self._halted:
                return Standing.OVER
            if newest.session != job.session:
                return Standing.OVER if newest.at >= job.sent_at else Standing.SILENT
            if newest.stop or self._monotonic() - self._heard_at > self._lease:
                return Standing.SILENT
            return Standing.SKEWED if abs(ahead) > self._skew else Standing.ALIVE

    def _stopped_here(self) -> bool:
        try:
            return self._stop_file is not None and self._stop_file.exists()
        except OSError:
            # Where nobody can tell whether to stop, stopping does no harm.
            return True

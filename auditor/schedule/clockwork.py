"""APScheduler, which calls the turns: at every due time, and once a second for all that has no time.

It keeps the system's time, and would sleep through an hour by which the clock is set back: :meth:`Clockwork.watch`,
called from a thread that waits by the monotonic clock, notices that and has every time counted anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from auditor.schedule.plan import Job, Plan
from auditor.schedule.rules import Sky, begins_at
from inventories.faults import clean

#: Seconds between two turns that nothing calls for.
LOOK = 1.0
#: Seconds by which the clock may differ from its own pace before it counts as set.
_SET = 2.0
#: A turn that was called just now has seen what another would.
_JUST_NOW = 0.05


class Clockwork:
    """Calls ``turn`` until :meth:`finish`; ``turn`` says whether the plan changed."""

    def __init__(
        self, turn: Callable[[], bool], plan: Callable[[], tuple[Plan, Sky]], *, tell: Callable[[str], None]
    ) -> None:
        self._turn, self._plan, self._tell = turn, plan, tell
        self._turned = 0.0
        self._offset = time.time() - time.monotonic()
        self._keys: set[str] = set()
        self._fault = ""
        # It tells of a turn that is still going on, and of every start, as if that were news.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(4)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR)

    def start(self) -> None:
        self._scheduler.add_job(self._called, _Beat(), id="look")
        self._timetable()
        self._scheduler.start()

    def watch(self) -> None:
        """Has every time counted anew where the clock was set."""
        offset = time.time() - time.monotonic()
        if abs(offset - self._offset) > _SET:
            self._tell(f"the clock was set by {offset - self._offset:+.0f} s")
            self._offset = offset
            for job in self._scheduler.get_jobs():
                job.modify(next_run_time=datetime.now(UTC))

    def finish(self) -> None:
        """Calls no more turns; one that is under way is not waited for."""
        self._scheduler.shutdown(wait=False)

    def times(self) -> dict[str, datetime | None]:
        """Job → when APScheduler calls for it next."""
        return {job.id: job.next_run_time for job in self._scheduler.get_jobs()}

    def _called(self) -> None:
        if time.monotonic() - self._turned < _JUST_NOW:
            return
        self._turned = time.monotonic()
        if self._turn():
            self._timetable()
        self._fault = ""

    def _timetable(self) -> None:
        """Each job's times, as the plan has them now."""
        plan, sky = self._plan()
        for gone in self._keys:
            self._scheduler.remove_job(gone)
        self._keys = set(plan.jobs)
        for key, job in plan.jobs.items():
            self._scheduler.add_job(self._called, _Times(job, sky), id=key)

    def _failed(self, event: Any) -> None:
        # It is tried again every second; one that stays is said once.
        fault = f"a turn failed: {type(event.exception).__name__}: {clean(str(event.exception), 300)}"
        if fault != self._fault:
            self._tell(fault)
        self._fault = fault


class _Beat(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Once a second by the clock as it is now, whatever it was before."""

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        return now + timedelta(seconds=LOOK)


class _Times(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """A job's own times, its spread included."""

    def __init__(self, job: Job, sky: Sky) -> None:
        self._job, self._sky = job, sky

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        after = now - self._job.jitter
        while (due := self._job.cron.following(after, self._sky.timezone)) is not None:
            if (begins := begins_at(self._job, due, self._sky)) > now:
                return begins
            after = due
        return None

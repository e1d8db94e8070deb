"""How the schedule stands, from ``site.yaml`` and what the scheduler notes, whether or not one runs."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from datetime import datetime
from pathlib import Path

from auditor import clock
from auditor.schedule.book import Notes, read
from auditor.schedule.plan import Job, Kind
from auditor.schedule.rules import Sky, foresee
from auditor.schedule.watched import Watched
from auditor.site import Site
from inventories.faults import Faults
from reports.metrics_office import Scheduled

#: So many due times are looked at for the next that will be run.
_AHEAD = 50
_Stamp = tuple[int, int]


class _Kept:
    """One site's, read again only where a file changed."""

    def __init__(self, root: Path) -> None:
        self._watched = Watched(root)
        self._notes: dict[Path, tuple[_Stamp, Notes]] = {}
        self._next: dict[str, tuple[datetime, datetime | None]] = {}

    def told(self, now: datetime) -> Scheduled:
        """OSError or ValueError for notes that cannot be read."""
        if self._watched.look(lambda _line: None):
            self._next.clear()
        last: dict[str, datetime] = {}
        skipped: Counter[tuple[str, str]] = Counter()
        for notes in self._read():
            zone = notes.zone or "none"
            # Writing announcements looks at nothing and judges nothing.
            if notes.key == Kind.ANNOUNCE:
                continue
            if notes.last is not None:
                last[zone] = max(last.get(zone, notes.last.started), notes.last.started)
            skipped.update({(zone, reason): number for reason, number in notes.counted.items()})
        following: dict[str, datetime] = {}
        for job in self._watched.plan.jobs.values():
            begins = self._begins(job, now) if job.kind is not Kind.ANNOUNCE else None
            if begins is not None:
                zone = job.zone or "none"
                following[zone] = min(following.get(zone, begins), begins)
        return Scheduled(last, following, skipped)

    def _begins(self, job: Job, now: datetime) -> datetime | None:
        asked, begins = self._next.get(job.key, (now, now))
        # Of none that is foreseen it is asked again once an hour.
        fresh = begins > now if begins is not None else (now - asked).total_seconds() < 3600
        if not fresh or now < asked:
            begins = _next_run(job, self._watched.sky, now)
            self._next[job.key] = (now, begins)
        return begins

    def _read(self) -> list[Notes]:
        folder = self._watched.site.state / "schedule" / "jobs"
        known, self._notes = self._notes, {}
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            found = path.lstat()
            stamp = (found.st_ino, found.st_mtime_ns)
            kept = known.get(path)
            self._notes[path] = kept if kept is not None and kept[0] == stamp else (stamp, read(path))
        return [notes for _, notes in self._notes.values()]


def _next_run(job: Job, sky: Sky, now: datetime) -> datetime | None:
    due: datetime | None = now - job.jitter
    for _ in itertools.repeat(None, _AHEAD):
        due = job.cron.following(due, sky.timezone) if due is not None else None
        if due is None:
            return None
        begins = foresee(job, due, sky).begins
        if begins is not None and begins > now:
            return begins
    return None


_KEPT: dict[Path, _Kept] = {}
_READING = threading.Lock()


def scheduled(site: Site) -> Scheduled | None:
    """How the schedule stands now; None where that cannot be told."""
    with _READING:
        try:
            if site.root not in _KEPT:
                _KEPT[site.root] = _Kept(site.root)
            return _KEPT[site.root].told(clock.utc_now())
        except (OSError, ValueError, Faults):
            return None

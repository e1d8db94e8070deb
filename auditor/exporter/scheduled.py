"""How the schedule and the looks stand, from ``site.yaml`` and what is noted, whether or not a scheduler runs."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from auditor import clock
from auditor.exporter.heads import Heads
from auditor.looks import Look, Pair
from auditor.schedule.book import Notes, read
from auditor.schedule.desk import EVERYTHING, Desk
from auditor.schedule.overdue import deadline, settled
from auditor.schedule.plan import Job, Kind
from auditor.schedule.rules import Sky, foresee
from auditor.schedule.watched import Watched
from auditor.site import Site
from auditor.workers.answered import read as read_answered
from inventories.bundle import BundleError
from inventories.faults import Faults
from probes.registry import PROBES
from probes.scope import ZoneScope
from reports.metrics_office import Scheduled, Watch

#: So many due times are looked at for the next that will be run.
_AHEAD = 50
#: Kinds, and the keys of their only jobs, that neither look nor judge.
_NEITHER = frozenset({Kind.ANNOUNCE, Kind.THIN})
_Stamp = tuple[int, int]
T = TypeVar("T")


class _Kept:
    """One site's, read again only where a file changed."""

    def __init__(self, root: Path) -> None:
        self._watched = Watched(root)
        self._notes: dict[Path, tuple[_Stamp, Notes]] = {}
        self._next: dict[str, tuple[datetime, datetime | None]] = {}
        self._heads = Heads()
        self._deadlines: dict[str, tuple[datetime, datetime | None]] = {}

    def told(self, now: datetime) -> Scheduled:
        """OSError or ValueError for notes that cannot be read."""
        self._look()
        last: dict[str, datetime] = {}
        skipped: Counter[tuple[str, str]] = Counter()
        for notes in self._read():
            zone = notes.zone or "none"
            # Writing announcements and thinning look at nothing and judge nothing.
            if notes.key in _NEITHER:
                continue
            if notes.last is not None:
                last[zone] = max(last.get(zone, notes.last.started), notes.last.started)
            skipped.update({(zone, reason): number for reason, number in notes.counted.items()})
        following: dict[str, datetime] = {}
        for job in self._watched.plan.jobs.values():
            begins = self._begins(job, now) if job.kind not in _NEITHER else None
            if begins is not None:
                zone = job.zone or "none"
                following[zone] = min(following.get(zone, begins), begins)
        return Scheduled(last, following, skipped, self._paused(), _since(self._watched.site.stop_file))

    def watch(self) -> Watch:
        """OSError, ValueError or BundleError for what cannot be read: nothing is told of what may be lost."""
        self._look()
        site = self._watched.site
        by = {zone.id: zone.by for zone in site.config.zones}
        newest = self._heads.newest(site, by) if site.keeps_looks else {}
        seen: dict[tuple[str, str], datetime] = {}
        expires: dict[tuple[str, str], datetime] = {}
        given = {scope.zone.id: _given(scope) for scope in site.scopes}
        for zone in site.config.zones:
            mine = {probe: newest[zone.id, probe] for probe in PROBES if (zone.id, probe) in newest}
            if mine:
                seen[zone.id, zone.by] = last = max(look.seen_until for look in mine.values())
                ends = [look.seen_until for probe, look in mine.items() if probe in given[zone.id]]
                oldest = last if zone.by == "bundle" or not ends else min(ends)
                expires[zone.id, zone.by] = oldest + timedelta(days=zone.valid_days)
        workers = {zone: read_answered(site.state, zone) for zone, who in by.items() if who == "worker"}
        return Watch(
            deadline=self._next_home(newest, given),
            seen=seen,
            expires=expires,
            answered={zone: one.answered for zone, one in workers.items() if one.answered is not None},
            unanswered={zone: one.unanswered for zone, one in workers.items() if one.unanswered is not None},
        )

    def _look(self) -> None:
        if self._watched.look(lambda _line: None):
            self._next.clear()
            self._deadlines.clear()

    def _paused(self) -> dict[str, datetime]:
        """Of a pause whose file does not tell since when: since the file was written."""
        desk = Desk(self._watched.site.state / "schedule")
        zones = {*self._watched.sky.scopes, EVERYTHING}
        found = {one.zone: one.since or _since(desk.file(one.zone)) for one in desk.pauses() if one.zone in zones}
        return {zone: at for zone, at in found.items() if at is not None}

    def _next_home(self, newest: Mapping[Pair, Look], given: Mapping[str, tuple[str, ...]]) -> dict[str, datetime]:
        """The earliest deadline of each zone whose times the scheduler has begun with."""
        found: dict[str, datetime] = {}
        noted = {notes.key: notes for notes in self._read()}
        for job in self._watched.plan.jobs.values():
            probes = [probe for probe in given.get(job.zone, ()) if not job.probes or probe in job.probes]
            if job.kind is not Kind.PROBE or job.key not in noted or not probes:
                continue
            # A probe that a zone has got since its last look is waited for with the next one.
            until = [newest[job.zone, probe].seen_until for probe in probes if (job.zone, probe) in newest]
            since = settled(job, noted[job.key], min(until, default=None), self._watched.sky)
            if self._deadlines.get(job.key, (None,))[0] != since:
                self._deadlines[job.key] = since, deadline(job, since, self._watched.sky)
            at = self._deadlines[job.key][1]
            if at is not None:
                found[job.zone] = min(found.get(job.zone, at), at)
        return found

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


def _given(scope: ZoneScope) -> tuple[str, ...]:
    """The probes that have something to work with in a zone."""
    return tuple(name for name in PROBES if scope.access.gives(name))


def _since(path: Path) -> datetime | None:
    """When a file was put there; None where it is not. OSError where nobody can tell."""
    try:
        return datetime.fromtimestamp(path.lstat().st_mtime, UTC)
    except FileNotFoundError:
        return None


_KEPT: dict[Path, _Kept] = {}
_READING = threading.Lock()


def scheduled(site: Site) -> Scheduled | None:
    """How the schedule stands now; None where that cannot be told."""
    return _told(site, lambda kept: kept.told(clock.utc_now()))


def watch(site: Site) -> Watch | None:
    """Who looks at the zones, and how new that is; None where that cannot be told."""
    return _told(site, _Kept.watch)


def _told(site: Site, ask: Callable[[_Kept], T]) -> T | None:
    with _READING:
        try:
            if site.root not in _KEPT:
                _KEPT[site.root] = _Kept(site.root)
            return ask(_KEPT[site.root])
        except (OSError, ValueError, Faults, BundleError):
            return None

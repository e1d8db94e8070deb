"""By when a planned look has to be home. Pure.

A planned look is met by whatever saw the zone at or after its time: the scheduled run, one by hand, a worker. What is
not met by its deadline was missed or failed, and nothing else is said here of why.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from auditor.schedule.book import Notes
from auditor.schedule.plan import Job
from auditor.schedule.rules import ON_TIME, Reason, Sky, begins_at, foresee
from probes.scope import Permit, permit

#: So many due times are looked at for the first that counts.
_MOST = 2000
_MINUTE = timedelta(minutes=1)
#: A window is of one night; leave that lasts longer is no deadline.
_NIGHT = timedelta(days=1)
_BY_A_PERSON = (Reason.PAUSED.value, Reason.STOPPED.value)


def settled(job: Job, notes: Notes, home: datetime | None, sky: Sky) -> datetime:
    """The moment (UTC) up to which no look is waited for. ``home`` is until when what the job looks with saw
    last, the oldest of it; None where nothing of it ever did.

    Before the notes began nothing was planned; what a person paused or stopped is not waited for; and a run that
    goes on still has its time.
    """
    known = [notes.since or _first_known(notes)]
    known += [at for at in (home,) if at is not None]
    known += [begins_at(job, skip.due, sky) for skip in notes.skips if skip.reason in _BY_A_PERSON]
    known += [notes.running.started] if notes.running is not None else []
    return max(known)


def deadline(job: Job, since: datetime, sky: Sky) -> datetime | None:
    """By when (UTC) the first look that is planned after ``since`` has to be home; None where none is foreseen.

    That is when it may not be made up for any more, or when the window closes in which it begins, whichever is later.
    """
    due: datetime | None = since - job.jitter - job.catch_up
    for _ in range(_MOST):
        due = job.cron.following(due, sky.timezone) if due is not None else None
        if due is None:
            return None
        begins = foresee(job, due, sky).begins
        if begins is not None and begins > since:
            return _latest(job, begins, sky)
    return None


def _latest(job: Job, begins: datetime, sky: Sky) -> datetime:
    latest = begins + max(job.catch_up, ON_TIME)
    leave = permit(sky.scopes[job.zone], begins.astimezone(sky.timezone))
    if isinstance(leave, Permit) and leave.until - begins <= _NIGHT:
        return max(latest, leave.until)
    return latest


def _first_known(notes: Notes) -> datetime:
    """Of notes that do not tell when they began: just before the first thing that they tell."""
    told = [skip.due for skip in notes.skips]
    told += [run.due or run.started for run in notes.runs]
    return min([notes.memory.decided, *(at - _MINUTE for at in told)])

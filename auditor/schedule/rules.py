"""What becomes of a due time. Pure: the clock, the pauses and what runs are passed in.

The rule, for each job:

1. Of the times that passed since the last decision only the latest counts; those before it are *missed*. So after
   however long a downtime there is one run at most.
2. It is made up for until ``catch_up_hours`` after it, and not later: then it is missed too.
3. It is *skipped* where the job itself still runs, the zone or everything is paused, the stop file is there, the day
   that it fell on or today is frozen or to be avoided, or no authorisation is in force.
4. It *waits*, as long as 2. lets it, for the opening of the authorised window, for another run in the same zone, and
   for a free place among those that may run beside each other. Judging and thinning wait for each other.
5. What was decided is written down before anything starts. A time is never run twice, also where the clock went back;
   a run that ended with the scheduler goes on, which is no second one.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from auditor.schedule.days import is_provisional, why_avoided
from auditor.schedule.plan import Job, Kind
from policies.calendars import Calendar
from probes.scope import Permit, Refusal, ZoneScope, permit

#: A run that begins so soon after its time is on time.
ON_TIME = timedelta(seconds=90)
#: A decision that lies farther ahead was made by a clock that was wrong.
MOST_AHEAD = timedelta(hours=25)
#: Missed times are counted so far.
MOST_MISSED = 1000
_MINUTE = timedelta(minutes=1)
#: Kinds, and the keys of their only jobs, that hold the same lock: the second would be refused.
_ALONE: frozenset[str] = frozenset({Kind.JUDGE, Kind.THIN})


class Reason(enum.StrEnum):
    """Why a due time was not run. A metric's label."""

    MISSED = "missed"
    STILL_RUNNING = "still_running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FROZEN = "frozen"
    AVOIDED = "avoided"
    NOT_AUTHORISED = "not_authorised"
    OUTSIDE_WINDOW = "outside_window"
    ZONE_BUSY = "zone_busy"
    NO_PLACE = "no_place"
    BY_BUNDLE = "by_bundle"
    ALREADY_RUN = "already_run"


@dataclass(frozen=True, slots=True)
class Sky:
    """What stands still while a decision is made: the site's zones, days and clock."""

    timezone: tzinfo
    calendar: Calendar
    scopes: Mapping[str, ZoneScope]
    by_bundle: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Now:
    """The moment (UTC), and what holds in it. ``paused`` are zones; ``busy`` those being looked at by anybody;
    ``running`` the keys of jobs."""

    at: datetime
    stopped: bool = False
    all_paused: bool = False
    paused: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    busy: frozenset[str] = frozenset()
    full: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What a job's past decides. ``decided``: everything up to there is settled. ``ran``: due times that were run.

    ``unfinished`` is the due time of a run that was broken off; it ``goes_on`` without being due again where it
    ended with the scheduler.
    """

    decided: datetime
    ran: tuple[datetime, ...] = ()
    unfinished: datetime | None = None
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands against a run; ``until`` (UTC) where it may pass by itself, else None."""

    reason: Reason
    message: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    due: datetime
    reason: Reason
    message: str
    #: Of how many due times this tells, the last of them ``due``.
    number: int = 1


@dataclass(frozen=True, slots=True)
class Start:
    due: datetime
    #: Not at its time but made up for.
    late: bool = False
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a job now. ``decided`` is what its memory holds from now on."""

    decided: datetime
    skips: tuple[Skip, ...] = ()
    start: Start | None = None
    waiting: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a due time will come to, as far as can be told: ``begins`` (UTC), or why not."""

    job: Job
    due: datetime
    begins: datetime | None
    obstacle: Obstacle | None = None
    provisional: bool = False


def decide(job: Job, memory: Memory, sky: Sky, now: Now) -> Decision:
    """What becomes of the job's due times up to now. The same arguments give the same answer."""
    decided = min(memory.decided, now.at) if memory.decided > now.at + MOST_AHEAD else memory.decided
    due = _latest(job, decided, sky, now.at)
    if due is None:
        return _go_on(job, memory, decided, sky, now)
    missed = _missed(job, decided, due, sky)
    if due in memory.ran:
        return Decision(due, (*missed, Skip(due, Reason.ALREADY_RUN, "was run already, by a clock that went back")))
    begins = begins_at(job, due, sky)
    limit = begins + max(job.catch_up, ON_TIME)
    found = obstacle(job, due, now.at, limit, sky) or _present(job, now, limit)
    if now.at > limit:
        return Decision(due, (*missed, _too_late(job, due, found, sky)))
    if found is None:
        late = now.at > begins + ON_TIME
        return Decision(due, missed, Start(due, late, resume=memory.unfinished is not None))
    if found.until is None:
        return Decision(due, (*missed, Skip(due, found.reason, found.message)))
    # Settled up to just before it; those that were missed are told once.
    return Decision(max(decided, due - _MINUTE), missed, waiting=found)


def _latest(job: Job, decided: datetime, sky: Sky, at: datetime) -> datetime | None:
    """The latest undecided time that has come, its spread included."""
    for due in job.cron.backwards(at, decided, sky.timezone):
        if begins_at(job, due, sky) <= at:
            return due
    return None


def _missed(job: Job, decided: datetime, due: datetime, sky: Sky) -> tuple[Skip, ...]:
    """The times before the latest, as one: nobody looked at them when they came."""
    number, last = 0, due
    for earlier in job.cron.backwards(due - _MINUTE, decided, sky.timezone):
        last = earlier if not number else last
        number += 1
        if number == MOST_MISSED:
            break
    if not number:
        return ()
    often = f"{number} or more times" if number == MOST_MISSED else f"{number} times" if number > 1 else "once"
    return (Skip(last, Reason.MISSED, f"came {often} while nothing could run", number),)


def _too_late(job: Job, due: datetime, found: Obstacle | None, sky: Sky) -> Skip:
    local = due.astimezone(sky.timezone)
    message = f"was due on {local:%Y-%m-%d %H:%M}, longer ago than {job.catch_up} (catch_up_hours)"
    if found is not None and found.until is not None:
        return Skip(due, found.reason, f"{message}: {found.message}")
    return Skip(due, Reason.MISSED, message)


def _go_on(job: Job, memory: Memory, decided: datetime, sky: Sky, now: Now) -> Decision:
    """Where nothing new is due: a run that ended with the scheduler goes on while its time may be made up for."""
    due = memory.unfinished
    if due is None or not memory.goes_on:
        return Decision(decided)
    begins = begins_at(job, due, sky)
    limit = begins + job.catch_up
    if not begins <= now.at <= limit or obstacle(job, due, now.at, limit, sky) or _present(job, now, limit):
        return Decision(decided)
    return Decision(decided, start=Start(due, late=True, resume=True))


def begins_at(job: Job, due: datetime, sky: Sky) -> datetime:
    """A due time with its spread (UTC), which never carries a run to the next time, out of its window, or into a day
    to avoid."""
    if not job.jitter or job.kind is not Kind.PROBE:
        return due
    following = job.cron.following(due, sky.timezone)
    begins = due + job.spread(due, following - due if following is not None else job.jitter)
    leave = _leave(job.zone, due, sky)
    if isinstance(leave, Permit) and leave.until <= begins:
        return due
    days = [at.astimezone(sky.timezone).date() for at in (due, begins)]
    avoided = [bool(why_avoided(sky.calendar, day, job.avoid)) for day in days]
    return due if avoided == [False, True] else begins


def obstacle(job: Job, due: datetime, at: datetime, limit: datetime, sky: Sky) -> Obstacle | None:
    """What stands against a run at ``at`` by the site's own rules; ``limit`` is until when it may wait."""
    if job.kind is not Kind.PROBE:
        return None
    if job.zone in sky.by_bundle or job.zone not in sky.scopes:
        return Obstacle(Reason.BY_BUNDLE, "what is seen of this zone is carried here in bundles")
    for moment in dict.fromkeys((due, at)):
        day = moment.astimezone(sky.timezone).date()
        if why := why_avoided(sky.calendar, day, job.avoid):
            return Obstacle(Reason.AVOIDED, why)
        frozen = next((span for span in sky.scopes[job.zone].frozen if span[0] <= day <= span[1]), None)
        if frozen is not None:
            return Obstacle(Reason.FROZEN, f"changes are frozen from {frozen[0]} to {frozen[1]}")
    return allowed(job.zone, at, limit, sky)


def allowed(zone: str, at: datetime, limit: datetime, sky: Sky) -> Obstacle | None:
    """What the zone's authorisations have against a run at ``at``."""
    answer = _leave(zone, at, sky)
    if isinstance(answer, Permit):
        return None
    if answer.reason != "outside_window":
        reason = Reason.FROZEN if answer.reason == "frozen" else Reason.NOT_AUTHORISED
        return Obstacle(reason, answer.message)
    return Obstacle(Reason.OUTSIDE_WINDOW, answer.message, _opening(zone, at, limit, sky))


def _leave(zone: str, at: datetime, sky: Sky) -> Permit | Refusal:
    return permit(sky.scopes[zone], at.astimezone(sky.timezone))


def _opening(zone: str, at: datetime, limit: datetime, sky: Sky) -> datetime | None:
    """When a window opens, not later than ``limit``; None where none does."""
    scope = sky.scopes[zone]
    starts = {leave.window.start for leave in scope.authorisations if leave.window} | {time()}
    day, last = at.astimezone(sky.timezone).date(), limit.astimezone(sky.timezone).date()
    while day <= last:
        for start in sorted(starts):
            opens = datetime.combine(day, start, sky.timezone).astimezone(UTC)
            if at < opens <= limit and isinstance(_leave(zone, opens, sky), Permit):
                return opens
        day += timedelta(days=1)
    return None


def _present(job: Job, now: Now, limit: datetime) -> Obstacle | None:
    """What stands against a run just now."""
    if job.key in now.running:
        return Obstacle(Reason.STILL_RUNNING, "its last run has not ended")
    if now.stopped:
        return Obstacle(Reason.STOPPED, "all probing is stopped: 'auditor stop --clear' allows it again")
    if now.all_paused or job.zone in now.paused:
        return Obstacle(Reason.PAUSED, "is paused: 'auditor schedule resume' ends that")
    if job.kind is Kind.PROBE and job.zone in now.busy:
        return Obstacle(Reason.ZONE_BUSY, "the zone is being looked at", limit)
    if job.kind in _ALONE and now.running & _ALONE:
        return Obstacle(Reason.NO_PLACE, "judging and thinning do not go on beside each other", limit)
    if now.full and job.kind is Kind.PROBE:
        return Obstacle(Reason.NO_PLACE, "as many runs as may be (at_once) are under way", limit)
    return None


def foresee(job: Job, due: datetime, sky: Sky) -> Foreseen:
    """What a due time will come to by the site's own rules, whatever runs or is paused then."""
    begins = begins_at(job, due, sky)
    found = obstacle(job, due, begins, begins + max(job.catch_up, ON_TIME), sky)
    if found is not None and found.until is not None:
        # It waits for its window; by then a day to avoid may have begun.
        begins = found.until
        found = obstacle(job, due, begins, begins, sky)
    day = begins.astimezone(sky.timezone).date()
    guess = is_provisional(sky.calendar, day, job.avoid)
    return Foreseen(job, due, None if found else begins, found, guess)


def coming(jobs: Mapping[str, Job], after: datetime, until: datetime, sky: Sky) -> Iterator[Foreseen]:
    """Every due time of the jobs in a span, each job's in order."""
    for job in jobs.values():
        for due in job.cron.between(after, until, sky.timezone):
            yield foresee(job, due, sky)

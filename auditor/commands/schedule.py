"""``schedule list``, ``next``, ``run``, ``pause``, ``resume``: without a ledger; only ``run`` asks a scheduler."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from auditor import clock
from auditor.errors import Exit, Failed, Refused
from auditor.lock import Holder, held_by
from auditor.output import print_json, print_table, say
from auditor.schedule.book import Book, Notes, Run
from auditor.schedule.desk import EVERYTHING, Desk, Pause
from auditor.schedule.plan import Job, Kind, plan_of
from auditor.schedule.rules import Foreseen, Memory, Now, Sky, begins_at, coming, decide
from auditor.schedule.watched import sky_of
from auditor.site import Site, load_site
from inventories.faults import did_you_mean

#: Seconds that the scheduler has to answer; it looks once a second.
PATIENCE = 10.0
_UNSCHEDULED = "nothing is scheduled: give zones their times under 'schedule' in site.yaml"


def scheduler_of(site: Site) -> Holder | None:
    """Who runs the schedule on this machine, if anybody does."""
    return held_by(site.state / "scheduler.lock")


# --- list ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """A job with what is known of it."""

    job: Job | None
    notes: Notes
    state: str
    next: datetime | None


def list_all(root: Path, *, as_json: bool) -> int:
    site = load_site(root)
    now, desk, holder = clock.utc_now(), Desk(site.state / "schedule"), scheduler_of(site)
    pauses = {pause.zone: pause for pause in desk.pauses()}
    noted = {one.key: one for one in Book(site.state / "schedule" / "jobs").all()}
    sky, plan = sky_of(site), plan_of(site.config)
    moment = Now(now, site.stop_file.exists(), EVERYTHING in pauses, frozenset(pauses))
    rows = [_row(job, noted.get(job.key), sky, moment) for job in plan.jobs.values()]
    # What a person asked for has no line in site.yaml.
    asked = (one for one in noted.values() if one.key == f"{one.zone}.now")
    rows += [_Row(None, one, "running" if one.running else "", None) for one in asked]
    if as_json:
        print_json(_body(site, holder, pauses, rows))
        return Exit.DONE
    print_table(
        ("job", "times", "probes", "last run", "ended", "next", "state"),
        (
            (
                row.notes.zone or row.notes.key,
                row.job.cron.text if row.job else "asked for",
                " ".join(row.job.probes) if row.job else "",
                *_shown(row.notes.last, site),
                _local(row.next, site),
                row.state,
            )
            for row in rows
        ),
        none=_UNSCHEDULED,
    )
    for pause in pauses.values():
        what = "everything" if pause.zone == EVERYTHING else pause.zone
        say(f"{what} is paused" + (f": {pause.reason}" if pause.reason else ""))
    if moment.stopped:
        say(f"all probing is stopped: {site.stop_file}")
    say(f"the scheduler runs: {holder}" if holder else "no scheduler runs: 'auditor serve' is one")
    return Exit.DONE


def _row(job: Job, notes: Notes | None, sky: Sky, moment: Now) -> _Row:
    memory = notes.memory if notes is not None else Memory(moment.at)
    known = notes or Notes(job.key, job.zone, memory)
    following = job.cron.following(max(moment.at - job.jitter, memory.decided), sky.timezone)
    begins = begins_at(job, following, sky) if following is not None else None
    if known.running is not None:
        return _Row(job, known, "running", begins)
    if moment.all_paused or job.zone in moment.paused:
        return _Row(job, known, "paused", begins)
    waiting = decide(job, memory, sky, moment).waiting
    return _Row(job, known, f"waits: {waiting.reason}" if waiting is not None else "", begins)


def _body(site: Site, holder: Holder | None, pauses: Mapping[str, Pause], rows: Sequence[_Row]) -> dict[str, object]:
    return {
        "scheduler": None if holder is None else {"pid": holder.pid, "host": holder.host, "since": holder.started_at},
        "stopped": site.stop_file.exists(),
        "pauses": [
            {"zone": None if one.zone == EVERYTHING else one.zone, "since": one.since, "reason": one.reason}
            for one in pauses.values()
        ],
        "jobs": [
            {
                "job": row.notes.key,
                "kind": row.job.kind if row.job else Kind.PROBE,
                "zone": row.notes.zone or None,
                "cron": row.job.cron.text if row.job else None,
                "probes": list(row.job.probes) if row.job else [],
                "avoid": sorted(row.job.avoid) if row.job else [],
                "state": row.state,
                "next": row.next.astimezone(site.timezone) if row.next else None,
                "runs": [_run(run, site) for run in reversed(row.notes.runs)],
                "skips": [
                    {"due": skip.due, "at": skip.at, "reason": skip.reason, "message": skip.message, "n": skip.number}
                    for skip in reversed(row.notes.skips)
                ],
                "skipped": dict(row.notes.counted),
            }
            for row in rows
        ],
    }


def _run(run: Run, site: Site) -> dict[str, object]:
    return {
        "due": run.due.astimezone(site.timezone) if run.due else None,
        "started": run.started.astimezone(site.timezone),
        "ended": run.ended.astimezone(site.timezone) if run.ended else None,
        "outcome": run.outcome,
        "exit": run.exit,
        "late": run.late,
        "resumed": run.resumed,
        "log": run.log,
    }


def _shown(run: Run | None, site: Site) -> tuple[str, str]:
    return (_local(run.started, site), str(run.outcome or "")) if run is not None else ("never", "")


def _local(at: datetime | None, site: Site) -> str:
    return f"{at.astimezone(site.timezone):%Y-%m-%d %H:%M}" if at else ""


# --- next ---------------------------------------------------------------------------------------------------


def upcoming(root: Path, *, days: int, zone: str | None, as_json: bool) -> int:
    site = load_site(root)
    if zone is not None:
        known_zone(site, zone)
    now, sky, plan = clock.utc_now(), sky_of(site), plan_of(site.config)
    jobs = {key: job for key, job in plan.jobs.items() if zone is None or job.zone == zone}
    found = sorted(coming(jobs, now, now + timedelta(days=days), sky), key=lambda one: (one.due, one.job.key))
    if as_json:
        print_json([_foreseen(one, site) for one in found])
        return Exit.DONE
    print_table(
        ("due", "zone", "probes", "begins", "or why not"),
        (
            (
                _local(one.due, site),
                one.job.zone or one.job.key,
                " ".join(one.job.probes),
                _local(one.begins, site) + ("?" if one.provisional else ""),
                f"{one.obstacle.reason}: {one.obstacle.message}" if one.obstacle else "",
            )
            for one in found
        ),
        none=f"nothing is due in the next {days} days" if jobs else _UNSCHEDULED,
    )
    if guessed := sorted({one.due.astimezone(site.timezone).year for one in found if one.provisional}):
        years = ", ".join(map(str, guessed))
        say(
            f"? the days off of {years} are not published yet: its weekends and statutory holidays count as off; "
            f"put calendars/{guessed[0]}.yaml there once they are"
        )
    if site.stop_file.exists():
        say(f"all probing is stopped: {site.stop_file}")
    return Exit.DONE


def _foreseen(one: Foreseen, site: Site) -> dict[str, object]:
    return {
        "job": one.job.key,
        "kind": one.job.kind,
        "zone": one.job.zone or None,
        "probes": list(one.job.probes),
        "due": one.due.astimezone(site.timezone),
        "begins": one.begins.astimezone(site.timezone) if one.begins else None,
        "reason": one.obstacle.reason if one.obstacle else None,
        "message": one.obstacle.message if one.obstacle else None,
        "provisional": one.provisional,
    }


# --- a person's word ----------------------------------------------------------------------------------------


def known_zone(site: Site, zone: str) -> None:
    """:class:`Refused` for a zone that the site does not have."""
    known = [one.id for one in site.config.zones]
    if zone not in known:
        mend = did_you_mean(zone, known) or (f"one of {', '.join(known)}" if known else "the site has none")
        raise Refused(f"unknown zone {zone!r}: {mend}")


def run(root: Path, zone: str, *, probes: Sequence[str], as_json: bool) -> int:
    from probes.registry import PROBES

    site = load_site(root)
    known_zone(site, zone)
    unknown = [name for name in probes if name not in PROBES]
    if unknown:
        raise Refused(*(f"unknown probe {name!r}: one of {', '.join(PROBES)}" for name in unknown))
    if scheduler_of(site) is None:
        options = "".join(f" --probe {name}" for name in probes)
        raise Refused(
            "no scheduler runs on this machine: 'auditor serve' is one",
            f"'auditor probe --zone {zone}{options} --site {site.root}' looks without one",
        )
    desk = Desk(site.state / "schedule")
    request = desk.ask(zone, tuple(dict.fromkeys(probes)), at=clock.utc_now())
    answer = desk.wait(request, PATIENCE)
    if answer is None and desk.withdraw(request):
        raise Failed(f"the scheduler did not answer within {PATIENCE:.0f} s; the request was taken back")
    if answer is None:
        raise Failed("the scheduler took the request and did not answer: 'auditor schedule list' tells what runs")
    if not answer.started:
        raise Refused(f"{zone}: {answer.message}")
    if as_json:
        print_json({"zone": zone, "started": True, "log": answer.log})
    else:
        say(f"{zone}: started; what it says goes to {answer.log}")
    return Exit.DONE


def pause(root: Path, zone: str | None, *, reason: str) -> int:
    site = load_site(root)
    if zone is not None:
        known_zone(site, zone)
    desk = Desk(site.state / "schedule")
    desk.pause(EVERYTHING if zone is None else zone, at=clock.utc_now(), reason=reason)
    say(f"{zone or 'everything'} is paused until 'auditor schedule resume{f' {zone}' if zone else ''}'")
    return Exit.DONE


def resume(root: Path, zone: str | None) -> int:
    site = load_site(root)
    desk = Desk(site.state / "schedule")
    if zone is not None and zone not in {one.zone for one in desk.pauses()}:
        # A zone may have been taken out of site.yaml while it was paused.
        known_zone(site, zone)
    ended = desk.resume(EVERYTHING if zone is None else zone)
    what = zone or "everything"
    say(f"{what} runs again at its times" if ended else f"{what} was not paused")
    for other in desk.pauses():
        say(f"still paused: {'everything' if other.zone == EVERYTHING else other.zone}")
    return Exit.DONE

"""One turn of the scheduler: look at what changed, reap what ended, decide, start. Everything else calls turns.

Nothing starts before it is written down that it does: where that cannot be written (a full disk), nothing starts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from auditor import clock
from auditor.lock import held_by
from auditor.schedule import book as noting
from auditor.schedule.book import Book, Notes, Outcome, Run, outcome_of
from auditor.schedule.children import GRACE, Adopted, Child, Started
from auditor.schedule.desk import EVERYTHING, Answer, Desk, Request
from auditor.schedule.logs import last_line, new_log, private, trim
from auditor.schedule.plan import Job, Kind, asked_for
from auditor.schedule.program import Command, command_of
from auditor.schedule.rules import ON_TIME, Now, Obstacle, Reason, Skip, Start, allowed, decide
from auditor.schedule.watched import Watched
from auditor.site import Site
from inventories.faults import clean

#: Seconds that a probing child has to see the stop file by itself, before it is asked.
STOP_PATIENCE = 3.0


class Scheduler:
    """A site's schedule at work. Turns may be called by several threads; they take turns."""

    def __init__(
        self, watched: Watched, *, tell: Callable[[str], None] = lambda _line: None, command: Command = command_of
    ) -> None:
        self.watched, self._tell, self._command = watched, tell, command
        self.folder = watched.site.state / "schedule"
        self._book, self._desk = Book(self.folder / "jobs"), Desk(self.folder)
        self._turning = threading.Lock()
        self._notes: dict[str, Notes] = {}
        self._children: dict[str, Child] = {}
        self._stopped_since: float | None = None
        self._ending = False
        #: Cleared while it is not certain that no other scheduler is at work.
        self.may_start = True
        self._present = Now(clock.utc_now())
        self._quiet: dict[str, tuple[datetime, datetime]] = {}
        self._tidied = 0.0
        #: Of notes that the disk did not take; they are tried again.
        self._unwritten: set[str] = set()
        self._said_full = False
        self.turned_at = time.monotonic()

    def notes(self) -> Mapping[str, Notes]:
        return dict(self._notes)

    def begin(self) -> None:
        """Reads what an earlier scheduler noted, and takes over what it left running. OSError."""
        with self._turning:
            self._book.prepare()
            now = clock.utc_now()
            for job in self.watched.plan.jobs.values():
                self._know(job, now)
            for notes in self._book.all():
                # Runs that a person asked for, and those of lines that were changed since.
                if notes.running is not None and notes.key not in self._notes:
                    self._notes[notes.key] = self._take_over(notes, now)

    def turn(self) -> bool:
        """Does what is to be done now. Whether ``site.yaml`` was read anew."""
        with self._turning:
            now = clock.utc_now()
            anew = self.watched.look(self._tell)
            if anew:
                self._quiet.clear()
            self._reap(now)
            self._write_again()
            if self.may_start and not self._ending:
                self._go(now)
                if anew:
                    self._announce_anew(now)
            elif not self._ending:
                self._stop(self.watched.site)
            self._tidy(now)
            self.turned_at = time.monotonic()
            return anew

    def running(self) -> int:
        return len(self._children)

    def finish(self, hurry: Callable[[], int], *, grace: float = GRACE) -> None:
        """Starts nothing more, and ends what runs: what is finished is kept, the rest goes on another time.

        ``hurry`` tells how often somebody asked for an end: each time after the first takes the next step at once.
        """
        with self._turning:
            self._ending, pressed = True, hurry()
            while self._children:
                seconds = grace
                if hurry() > pressed:
                    seconds, pressed = 0.0, pressed + 1
                for child in self._children.values():
                    child.press(seconds)
                time.sleep(0.05)
                self._reap(clock.utc_now())
            self._write_again()

    # --- what there is

    def _know(self, job: Job, now: datetime) -> Notes:
        if job.key not in self._notes:
            found, fault = self._book.read(job)
            if fault:
                self._tell(fault)
            if found is None:
                found = noting.begun(job, now)
                self._note(found)
            self._notes[job.key] = self._take_over(found, now)
        return self._notes[job.key]

    def _take_over(self, notes: Notes, now: datetime) -> Notes:
        """A run that was under way when an earlier scheduler was killed: it lives, or nobody knows how it ended."""
        run = notes.running
        if run is None:
            return notes
        try:
            if run.process is None:
                raise ValueError("was about to start")
            self._children[notes.key] = Adopted(run.process)
        except ValueError:
            self._tell(f"{_shown(notes)}: a run from {run.started:%Y-%m-%d %H:%M} UTC ended unseen")
            notes = noting.ended(notes, replace(run, ended=now, outcome=Outcome.LOST), with_scheduler=True)
            self._note(notes)
        return notes

    def _note(self, notes: Notes) -> bool:
        """Whether it stands on the disk; if not, it is tried again at every turn."""
        self._notes[notes.key] = notes
        try:
            self._book.write(notes)
        except OSError as error:
            self._unwritten.add(notes.key)
            if not self._said_full:
                self._tell(f"nothing starts: what is decided cannot be written down ({error.strerror or error})")
            self._said_full = True
            return False
        self._unwritten.discard(notes.key)
        if self._said_full and not self._unwritten:
            self._said_full = False
            self._tell("what is decided can be written down again")
        return True

    def _write_again(self) -> None:
        for key in sorted(self._unwritten):
            self._note(self._notes[key])

    def trouble(self) -> str:
        """What keeps the schedule from its work, in a word; empty where nothing does."""
        if self._unwritten or self._said_full:
            return "cannot_write"
        if not self.may_start:
            return "lock_uncertain"
        return "site_faulty" if self.watched.trouble else ""

    # --- what ended

    def _reap(self, now: datetime) -> None:
        for key, child in list(self._children.items()):
            if child.has_ended():
                del self._children[key]
                notes = self._notes[key]
                if notes.running is not None:
                    run = replace(notes.running, ended=now, exit=child.exit, outcome=outcome_of(child.exit))
                    self._note(noting.ended(notes, run, with_scheduler=self._ending))
                    last = f": {words}" if (words := last_line(Path(run.log))) else ""
                    self._tell(f"{_shown(notes)}: {run.outcome}, {run.seconds:.0f} s{last}; {run.log}")

    # --- what is due

    def _go(self, now: datetime) -> None:
        self._present = self._standing(now)
        for request in self._desk.take(now):
            self._on_request(request)
        for job in self.watched.plan.jobs.values():
            notes = self._know(job, now)
            since, until = self._quiet.get(job.key, (now, now))
            if not since < now < until or notes.memory.goes_on:
                self._decide(job, notes, self._moment(job))

    def _decide(self, job: Job, notes: Notes, moment: Now) -> None:
        decision = decide(job, notes.memory, self.watched.sky, moment)
        changed = noting.decided(notes, decision.decided)
        for skip in decision.skips:
            changed = noting.skipped(changed, skip, moment.at)
        if decision.start is not None:
            # Undecided where the disk is full: the time may still be made up for.
            self._start(job, notes, changed, decision.start, moment.at)
        elif changed is notes or self._note(changed):
            for skip in decision.skips:
                self._say_skip(job, skip)
            if decision.waiting is None:
                self._rest(job, moment.at)

    def _rest(self, job: Job, now: datetime) -> None:
        """Until its next time, nothing needs to be asked about a job again (unless the clock goes back)."""
        following = job.cron.following(now - job.jitter, self.watched.sky.timezone)
        if following is not None:
            self._quiet[job.key] = (now, following)

    def _start(self, job: Job, before: Notes, notes: Notes, start: Start, now: datetime) -> None:
        log = new_log(self.folder / "logs", job.key, now)
        run = Run(start.due, now, late=start.late, resumed=start.resume, log=str(log))
        notes = noting.started(notes, run)
        if not self._note(notes):
            self._forget(job.key, before)
            return
        if start.late:
            self._tell(f"{_shown(notes)}: makes up for {start.due.astimezone(self.watched.sky.timezone):%m-%d %H:%M}")
        self._launch(job, notes, run, start.resume)

    def _launch(self, job: Job, notes: Notes, run: Run, resume: bool) -> str:
        """Empty where it runs, else why not."""
        try:
            private(Path(run.log).parent)
            child = Started(self._command(self.watched.site, job, resume), Path(run.log))
        except OSError as error:
            why = f"cannot be started: {error.strerror or error}"
            run = replace(run, ended=clock.utc_now(), outcome=Outcome.NOT_STARTED)
            self._note(noting.ended(notes, run, with_scheduler=False))
            self._tell(f"{_shown(notes)}: {why}")
            return why
        self._children[job.key] = child
        self._note(replace(notes, running=replace(run, process=child.process)))
        self._tell(f"{_shown(notes)}: started")
        return ""

    def _say_skip(self, job: Job, skip: Skip) -> None:
        at = skip.due.astimezone(self.watched.sky.timezone)
        self._tell(f"{job.zone or job.kind}: {at:%m-%d %H:%M} skipped: {skip.reason}: {clean(skip.message, 300)}")

    def _announce_anew(self, now: datetime) -> None:
        """What departments were told may not hold any more."""
        job = next((job for job in self.watched.plan.jobs.values() if job.kind is Kind.ANNOUNCE), None)
        if job is not None and job.key not in self._children and not self._present.stopped:
            self._unplanned(job, now)

    # --- runs that a person asks for

    def _on_request(self, request: Request) -> None:
        job = asked_for(request.zone, request.probes)
        moment = self._moment(job)
        against = self._against(job, moment)
        if against is not None:
            self._answer(request, Answer(False, f"{against.reason}: {against.message}"))
            return
        self._answer(request, self._unplanned(job, moment.at))

    def _unplanned(self, job: Job, at: datetime) -> Answer:
        """Starts a job for no due time."""
        notes = self._notes.get(job.key) or self._book.read(job)[0] or noting.begun(job, at)
        resume = notes.memory.unfinished is not None
        run = Run(None, at, resumed=resume, log=str(new_log(self.folder / "logs", job.key, at)))
        before, notes = self._notes.get(job.key), noting.started(notes, run)
        if not self._note(notes):
            self._forget(job.key, before)
            return Answer(False, "cannot be written down: is the disk full?")
        why = self._launch(job, notes, run, resume)
        return Answer(not why, why or "started", run.log)

    def _forget(self, key: str, before: Notes | None) -> None:
        """As if it had not been decided, since that could not be written down."""
        self._unwritten.discard(key)
        if before is None:
            self._notes.pop(key)
        else:
            self._notes[key] = before

    def _against(self, job: Job, moment: Now) -> Obstacle | None:
        """A person's word outweighs pauses and days to avoid; never leave, freezes, the stop, or another's run."""
        sky = self.watched.sky
        if job.zone not in sky.scopes:
            return Obstacle(Reason.NOT_AUTHORISED, "the site has no such zone")
        if job.zone in sky.by_bundle:
            return Obstacle(Reason.BY_BUNDLE, "what is seen of this zone is carried here in bundles")
        if moment.stopped:
            return Obstacle(Reason.STOPPED, "all probing is stopped: 'auditor stop --clear' allows it again")
        if job.zone in moment.busy:
            return Obstacle(Reason.ZONE_BUSY, "the zone is being looked at")
        return allowed(job.zone, moment.at, moment.at + ON_TIME, sky)

    def _answer(self, request: Request, answer: Answer) -> None:
        self._tell(f"{request.zone}: a run was asked for: {answer.message}")
        try:
            self._desk.answer(request, answer)
        except OSError as error:
            self._tell(f"{request.zone}: nobody can be told: {error.strerror or error}")

    # --- the moment

    def _standing(self, at: datetime) -> Now:
        """What holds for every job."""
        paused, everything = self._pauses()
        return Now(at, stopped=self._stop(self.watched.site), all_paused=everything, paused=paused)

    def _moment(self, job: Job) -> Now:
        """What holds for one: also whether anybody else looks at its zone."""
        ours = {self._notes[key].zone for key in self._children} - {""}
        busy = ours
        if job.zone and job.zone not in ours and held_by(self.watched.site.state / "locks" / job.zone) is not None:
            busy = ours | {job.zone}
        return replace(
            self._present,
            running=frozenset(self._children),
            busy=frozenset(busy),
            full=len(ours) >= self.watched.plan.at_once,
        )

    def _pauses(self) -> tuple[frozenset[str], bool]:
        try:
            zones = frozenset(pause.zone for pause in self._desk.pauses())
        except OSError:
            # Where nobody can tell whether to pause, pausing does no harm.
            return frozenset(), True
        return zones - {EVERYTHING}, EVERYTHING in zones

    def _stop(self, site: Site) -> bool:
        """Whether all probing is stopped; children that have not seen it by themselves are asked to end."""
        try:
            stopped = site.stop_file.exists()
        except OSError:
            stopped = True
        if not stopped:
            self._stopped_since = None
            return False
        self._stopped_since = self._stopped_since or time.monotonic()
        if time.monotonic() - self._stopped_since > STOP_PATIENCE:
            for key, child in self._children.items():
                if self._notes[key].zone:
                    child.press()
        return True

    def _tidy(self, now: datetime) -> None:
        if time.monotonic() - self._tidied > 600:
            self._tidied = time.monotonic()
            self._desk.tidy(now)
            trim(self.folder / "logs")


def _shown(notes: Notes) -> str:
    return notes.zone or notes.key

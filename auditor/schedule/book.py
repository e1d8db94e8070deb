"""What was decided and run: a small file for each job, written whole or not at all, before anything starts.

A file that cannot be read (torn by a full disk, edited by hand) is set aside under another name and said: its job
begins anew and has nothing to catch up with, for a run too few is better than one too many.
"""

from __future__ import annotations

import contextlib
import enum
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from auditor.errors import Exit
from auditor.schedule.logs import private
from auditor.schedule.plan import Job, Kind
from auditor.schedule.rules import Memory, Skip
from inventories.faults import clean
from reports.files import write_whole

FORMAT = 1
#: Runs and skips that are kept of each job, and due times that are never run again.
KEPT = 20
KEPT_DUES = 100
_MAX_BYTES = 256 * 1024


class Outcome(enum.StrEnum):
    """How a run ended. ``lost``: it ended while no scheduler watched, and nobody knows how."""

    DONE = "done"
    PARTIAL = "partial"
    REFUSED = "refused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    KILLED = "killed"
    NOT_STARTED = "not_started"
    LOST = "lost"


def outcome_of(status: int | None) -> Outcome:
    """What a process's exit status means (:class:`auditor.errors.Exit`); negative: a signal ended it."""
    match status:
        case None:
            return Outcome.LOST
        case Exit.DONE | Exit.FAIL_ON:
            return Outcome.DONE
        case Exit.REFUSED:
            return Outcome.REFUSED
        case Exit.PARTIAL:
            return Outcome.PARTIAL
        case Exit.INTERRUPTED:
            return Outcome.INTERRUPTED
    return Outcome.KILLED if status < 0 else Outcome.FAILED


@dataclass(frozen=True, slots=True)
class Process:
    """A process as nothing else is: numbers are given again, a machine's start and its clock ticks are not."""

    pid: int
    boot: str
    ticks: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run: for which due time (None: asked for by a person), and how it ended. Times are UTC."""

    due: datetime | None
    started: datetime
    ended: datetime | None = None
    outcome: Outcome | None = None
    exit: int | None = None
    late: bool = False
    resumed: bool = False
    log: str = ""
    process: Process | None = None

    @property
    def seconds(self) -> float:
        """How long it took; 0 while it goes on, and where the clock went back."""
        return max(0.0, (self.ended - self.started).total_seconds()) if self.ended else 0.0


@dataclass(frozen=True, slots=True)
class Skipped:
    """Due times that were not run; ``number`` of them, the last ``due``."""

    due: datetime
    at: datetime
    reason: str
    message: str
    number: int = 1


@dataclass(frozen=True, slots=True)
class Notes:
    """Everything about one job. ``memory`` is what decisions rest on, the rest is for people and metrics."""

    key: str
    zone: str
    memory: Memory
    running: Run | None = None
    runs: tuple[Run, ...] = ()
    skips: tuple[Skipped, ...] = ()
    #: Reason → how many due times were skipped for it since the notes began.
    counted: Mapping[str, int] = field(default_factory=dict)
    format: int = FORMAT
    #: When the notes began; None in those of an earlier version.
    since: datetime | None = None

    @property
    def last(self) -> Run | None:
        return self.runs[-1] if self.runs else None


def begun(job: Job, at: datetime) -> Notes:
    """Notes of a job that is seen for the first time: only what comes from now on is due.

    Announcements alone are made up for at once: nothing is sent by them.
    """
    since = at - job.catch_up if job.kind is Kind.ANNOUNCE else at
    return Notes(job.key, job.zone, Memory(since), since=at)


def decided(notes: Notes, at: datetime) -> Notes:
    return notes if notes.memory.decided == at else replace(notes, memory=replace(notes.memory, decided=at))


def skipped(notes: Notes, skip: Skip, at: datetime) -> Notes:
    entry = Skipped(skip.due, at, skip.reason.value, clean(skip.message, 300), skip.number)
    counted = {**notes.counted, entry.reason: notes.counted.get(entry.reason, 0) + entry.number}
    return replace(notes, skips=(*notes.skips, entry)[-KEPT:], counted=counted)


def started(notes: Notes, run: Run) -> Notes:
    """A run that is about to start: its due time counts as run from here on, whatever becomes of it."""
    memory = replace(notes.memory, goes_on=False)
    if run.due is not None:
        memory = replace(memory, ran=tuple(dict.fromkeys((*memory.ran, run.due)))[-KEPT_DUES:])
    return replace(notes, memory=memory, running=run)


def ended(notes: Notes, run: Run, *, with_scheduler: bool) -> Notes:
    """``with_scheduler``: the run was broken off because the scheduler ended, and goes on with the next one."""
    memory = notes.memory
    if run.outcome in (Outcome.INTERRUPTED, Outcome.KILLED, Outcome.LOST):
        memory = replace(
            memory, unfinished=run.due or memory.unfinished, goes_on=with_scheduler and run.due is not None
        )
    elif run.outcome in (Outcome.DONE, Outcome.PARTIAL, Outcome.REFUSED):
        memory = replace(memory, unfinished=None, goes_on=False)
    run = replace(run, process=None)
    return replace(notes, memory=memory, running=None, runs=(*notes.runs, run)[-KEPT:])


# --- on disk ------------------------------------------------------------------------------------------------


class Book:
    """The notes of a site's jobs under ``folder``. OSError where they cannot be written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        private(self.folder)

    def read(self, job: Job) -> tuple[Notes | None, str]:
        """A job's notes, None where there are none, and what is wrong with the file, which then is set aside."""
        path = self._path(job.key)
        try:
            return read(path, job), ""
        except FileNotFoundError:
            return None, ""
        except (ValueError, OSError) as error:
            aside = path.with_name(f"{path.name}.damaged")
            with contextlib.suppress(OSError):
                path.replace(aside)
            why = clean(str(error).splitlines()[0] if str(error) else type(error).__name__, 200)
            return None, f"{path.name} cannot be read and is set aside as {aside.name} ({why}): nothing is caught up"

    def write(self, notes: Notes) -> None:
        write_whole(self._path(notes.key), _adapter().dump_json(notes) + b"\n")

    def all(self) -> tuple[Notes, ...]:
        """Every job's notes that can be read, also of jobs that are no more."""
        found = []
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            with contextlib.suppress(ValueError, OSError):
                found.append(read(path))
        return tuple(found)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def read(path: Path, job: Job | None = None) -> Notes:
    """A file's notes. ValueError for what are none, or those of another job; OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError("is too large")
    notes: Notes = _adapter().validate_json(data)
    if notes.format != FORMAT:
        raise ValueError(f"is of format {notes.format}")
    if notes.key != (job.key if job is not None else path.name.removesuffix(".json")):
        raise ValueError("are the notes of another job")
    if notes.zone != notes.key.rpartition(".")[0]:
        raise ValueError("are the notes of another zone")
    if any(at.tzinfo is None for at in _times(notes)):
        raise ValueError("have times without a zone")
    return notes


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Notes)


def _times(notes: Notes) -> Iterator[datetime]:
    yield from (notes.memory.decided, *notes.memory.ran)
    yield from (at for at in (notes.memory.unfinished, notes.since) if at is not None)
    for run in (*notes.runs, *((notes.running,) if notes.running else ())):
        yield from (at for at in (run.due, run.started, run.ended) if at is not None)
    yield from (at for skip in notes.skips for at in (skip.due, skip.at))

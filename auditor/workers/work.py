"""One job on a worker, from the message to the signed result: checked, held, worked, kept, sent. No broker here."""

from __future__ import annotations

import base64
import binascii
import contextlib
import enum
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.workers.allowed import No, objection, own_permit
from auditor.workers.config import Worker
from auditor.workers.hearing import Hearing, Standing
from auditor.workers.keep import Kept
from auditor.workers.messages import Envelope, Job, MessageError, unseal
from auditor.workers.wire import map_paths
from inventories import __version__
from inventories.bundle import Head, Signer, Trust, pack
from inventories.bundle_contents import span
from inventories.faults import clean
from inventories.model import Collection, Failure
from probes.base import Probe, Shard, Stop
from probes.registry import PROBES
from probes.run import collect_shard
from probes.scope import Permit

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
#: A probe that does not end so long after it was told to is hung: the process ends, and the broker hands its jobs on.
HUNG_SECONDS = 120.0
#: The broker carries no larger message (``max_message_size``).
MOST_BYTES = 60 * 1024 * 1024
PROGRAM = f"gov-infra-auditor {__version__}"


class Outcome(enum.Enum):
    """What becomes of the message."""

    #: Answered, or nobody waits for it: taken off the queue.
    DONE = "done"
    #: Another worker, or this one later: put back.
    GIVE_BACK = "give back"
    #: Not the centre's, or not for this zone: put aside where the centre sees it.
    UNWANTED = "unwanted"


@dataclass(slots=True)
class Bench:
    """What every job of a worker shares. ``send`` hands a result to the broker, or says that it could not."""

    worker: Worker
    trust: Callable[[], Trust]
    signer: Signer
    hearing: Hearing
    kept: Kept
    now: Callable[[], datetime]
    send: Callable[[bytes], bool]
    closing: threading.Event = field(default_factory=threading.Event)
    probes: Mapping[str, Callable[[], Probe]] = field(default_factory=lambda: PROBES)
    hung: Callable[[], None] = lambda: os._exit(70)

    # --- from the message to the outcome

    def take(self, text: str) -> Outcome:
        """One message. Never raises for what it says."""
        zone = self.worker.config.zone
        try:
            envelope = unseal(text, self.trust(), zone)
        except MessageError as error:
            log.warning("a message was refused: %s", error)
            return Outcome.UNWANTED
        try:
            job = envelope.job()
        except MessageError as error:
            return self._cannot_read(envelope, error)
        if (job.site, job.zone) != (self.worker.config.site, zone):
            log.warning("job %s is for another zone", job.id)
            return Outcome.UNWANTED
        try:
            with self.kept.alone(job, self.closing.is_set) as mine:
                return self._do(job) if mine else Outcome.GIVE_BACK
        except OSError as error:
            no = No("cannot_write", f"{error.strerror or error} (a full disk?)")
            log.error("job %s: %s", job.id, no.message)
            return self._deliver(job.id, self._packed(job, self._refusal(job.probe, no), self.now(), ()))

    def _cannot_read(self, envelope: Envelope, error: MessageError) -> Outcome:
        """The centre's own word, in a form that this program does not know: it is told so, by the job's id."""
        if envelope.kind != "job":
            return Outcome.UNWANTED
        reason = "worker_too_old" if error.reason == "newer_format" else "bad_job"
        log.warning("job %s: %s: %s", clean(envelope.id, 40), reason, error.message)
        no = No(reason, f"{PROGRAM} at this worker: {error.message}")
        try:
            refusal = self._refusal("", no)
            head = self._head(envelope.id, envelope.id, "", self._span(refusal, self.now()))
            return self._deliver(clean(envelope.id, 40), pack(head, [refusal], self.signer))
        except ValueError:
            return Outcome.UNWANTED

    def _do(self, job: Job) -> Outcome:
        known = self.kept.load(job, timedelta(seconds=self.worker.config.skew_seconds))
        if known is not None:
            log.info("job %s was done before: what was kept is sent", job.id)
            return self._deliver(job.id, known)
        early = self._wait_for_leave(job)
        if isinstance(early, Outcome):
            return early
        no = early or objection(job, self.worker, self.now())
        if no is not None:
            log.warning("job %s is not done: %s: %s", job.id, no.reason, no.message)
            return self._finish(job, self._refusal(job.probe, no), self.now(), ())
        return self._work(job)

    def _wait_for_leave(self, job: Job) -> Outcome | No | None:
        """Holds the job until its centre is heard; None means that it may begin."""
        while not self.closing.is_set():
            standing = self.hearing.standing(job)
            if standing is Standing.ALIVE:
                return None
            if standing is Standing.OVER:
                log.info("nobody waits for job %s any more", job.id)
                return Outcome.DONE
            if standing is Standing.SKEWED:
                seconds = round(self.hearing.ahead.total_seconds())
                return No("clock_skewed", f"this worker's clock is {seconds} s off the centre's: set it")
            if self.now() >= job.not_after:
                return None
            self.closing.wait(POLL_SECONDS)
        return Outcome.GIVE_BACK

    # --- the looking itself

    def _work(self, job: Job) -> Outcome:
        began = self.now()
        with self._folder() as folder:
            permit = localised(own_permit(job.permit, self.worker), job, folder)
            probe = self.probes[job.probe]()
            shard = planned(probe, permit, job)
            if isinstance(shard, No):
                return self._finish(job, self._refusal(job.probe, shard), began, ())
            log.info("job %s: %s looks at %d addresses", job.id, job.probe, shard.addresses)
            watch = _Watch(self, job)
            with watch:
                found = collect_shard(
                    probe, shard, permit, workdir=folder, stop=watch.stop, now=self.now, beside=job.beside
                )
        if found.failures and (watch.ended is not None or self.closing.is_set()):
            log.warning("job %s was broken off: %s", job.id, watch.stop.reason)
            return Outcome.DONE if watch.ended is Standing.OVER else Outcome.GIVE_BACK
        limits = tuple((job.probe, limit.message) for limit in probe.limits([permit]))
        return self._finish(job, found, began, limits)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        home = Path(tempfile.mkdtemp(prefix="job-", dir=self.worker.state))
        try:
            yield home
        finally:
            shutil.rmtree(home, ignore_errors=True)

    # --- answering

    def _refusal(self, probe: str, no: No) -> Collection:
        """A failure without a scope: the centre knows the shard's targets better."""
        failure = Failure(probe, self.worker.config.zone, (), no.reason, clean(no.message, 300), self.now())
        return Collection(failures=(failure,))

    def _finish(self, job: Job, found: Collection, began: datetime, limits: tuple[tuple[str, str], ...]) -> Outcome:
        """Keeps the result, then sends it, then lets the message go: in this order nothing is lost."""
        data = self._packed(job, found, began, limits)
        with contextlib.suppress(OSError):
            # A full disk costs the memory of this result, not the result.
            self.kept.save(job, data)
        return self._deliver(job.id, data)

    def _packed(self, job: Job, found: Collection, began: datetime, limits: tuple[tuple[str, str], ...]) -> bytes:
        """The signed bundle; what no broker would carry becomes a failure that says so."""
        head = self._head(job.id, job.answer_id, job.probe, self._span(found, began))
        head = replace(head, documents=job.permit.documents, limits=limits)
        try:
            data = pack(head, [found], self.signer)
            if len(data) <= MOST_BYTES:
                return data
            no = No("too_large", f"the result has {len(data)} bytes, more than {MOST_BYTES}")
        except ValueError as error:
            no = No("bad_output", clean(str(error), 200))
        refusal = self._refusal(job.probe, no)
        head = self._head(job.id, job.answer_id, job.probe, self._span(refusal, began))
        return pack(head, [refusal], self.signer)

    def _span(self, found: Collection, began: datetime) -> tuple[datetime, datetime]:
        """From when to when it was looked; what the records themselves say is within it."""
        now = self.now()
        first, last = span(found) or (began, now)
        return min(began, first).astimezone(UTC), max(now, last).astimezone(UTC)

    def _head(self, job_id: str, bundle_id: str, probe: str, seen: tuple[datetime, datetime]) -> Head:
        config = self.worker.config
        return Head(
            kind="result",
            id=bundle_id,
            site=config.site,
            zone=config.zone,
            vantage=config.vantage,
            probes=(probe,) if probe else (),
            seen_from=seen[0],
            seen_until=seen[1],
            made_at=seen[1],
            program=PROGRAM,
            answers=job_id,
        )

    def _deliver(self, name: str, data: bytes) -> Outcome:
        """Sends until the broker has confirmed it; a closing worker leaves it to the next delivery."""
        pause = POLL_SECONDS
        while not self.send(data):
            if self.closing.wait(pause):
                return Outcome.GIVE_BACK
            pause = min(pause * 2, 5.0)
        log.info("job %s is answered: %d bytes", name, len(data))
        return Outcome.DONE


class _Watch:
    """Ends a probe when it may not go on, and the whole process where the probe does not end."""

    def __init__(self, bench: Bench, job: Job) -> None:
        self._bench, self._job = bench, job
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"watch-{job.id[:8]}", daemon=True)
        self._limit = time.monotonic() + bench.worker.config.shard_minutes * 60
        self.stop = Stop()
        #: Why its centre does not want it any more, where that is so.
        self.ended: Standing | None = None

    def __enter__(self) -> _Watch:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            reason = self._reason()
            if reason:
                self.stop.set(reason)
                break
        if self.stop.is_set and not self._over.wait(HUNG_SECONDS):
            log.critical("job %s does not end: this worker does, and the broker hands its jobs on", self._job.id)
            self._bench.hung()

    def _reason(self) -> str:
        bench, job = self._bench, self._job
        if bench.closing.is_set():
            return "this worker is being stopped"
        if bench.now() >= min(job.not_after, job.permit.until):
            return "leave to probe has ended"
        if time.monotonic() >= self._limit:
            return "took longer than a shard may"
        standing = bench.hearing.standing(job)
        if standing in (Standing.SILENT, Standing.OVER):
            self.ended = standing
            return "the centre is not heard" if standing is Standing.SILENT else "the centre said stop"
        return ""


def planned(probe: Probe, permit: Permit, job: Job) -> Shard | No:
    """The job's shard, planned again here: what this program would look at must be what was asked for."""
    try:
        shard = probe.shards(permit)[job.ordinal]
    except (IndexError, ValueError):
        shard = None
    if job.ordinal < 0 or shard is None or shard.targets != job.targets or shard.probe != job.probe:
        return No("worker_differs", f"{PROGRAM} at this worker would share the work out in another way: update it")
    return shard


def localised(permit: Permit, job: Job, folder: Path) -> Permit:
    """The permit with the centre's files laid into the folder; one that the centre could not read is not there."""
    places: dict[str, Path] = {}
    for number, attached in enumerate(job.files):
        place = folder / f"file-{number}"
        places[attached.path] = place
        if attached.content is not None:
            with contextlib.suppress(binascii.Error):
                place.write_bytes(base64.b64decode(attached.content, validate=True))
    missing = folder / "not-sent"
    return replace(permit, access=map_paths(permit.access, lambda path: places.get(str(path), missing)))

"""The centre's side: zones ``by: worker`` are looked at by the same runner, from somewhere else.

    with far(site, permits, home=home, now=now) as there:
        seen = run_probes([there.wrap(probe) for probe in probes], permits, …)

A wrapped probe plans as ever. Its ``collect`` for a zone with workers signs a job, sends it and waits; for any other
zone it is the probe's own. A zone never has more jobs out than its profile's ``parallel``: however many workers share
its queue, the zone's rate stays what it is.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING

from auditor.errors import Refused
from auditor.site import Site
from auditor.site_trust import keyring, signer
from auditor.workers.answered import Listening
from auditor.workers.messages import MOST_BYTES, Attached, Beat, Job
from auditor.workers.results import Answer, failed
from inventories import __version__
from inventories.bundle import Bundle
from inventories.bundle_contents import Ground, ground
from inventories.faults import clean
from inventories.model import Collection
from inventories.signing import Keyring, KeySigner, TrustedKey
from probes.access import Access
from probes.base import Context, Limit, Probe, Shard
from probes.scope import Permit
from probes.secrets import SecretMissing
from reports.files import write_whole

if TYPE_CHECKING:
    from auditor.site_workers import WorkersConfig
    from auditor.workers.post import Post, Waiting

PROGRAM = f"gov-infra-auditor {__version__}"
#: A file that goes with a job.
_FILE_BYTES = 2 * 1024 * 1024
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Run:
    """What a run's jobs have in common, also when it is taken up again. What was seen before ``since`` is not its."""

    id: str
    since: datetime


class Far:
    """The zones that workers look at, for as long as a run lasts."""

    def __init__(self, posts: Mapping[str, Post], site: Site, run: Run, session: str) -> None:
        self.posts, self.site, self.run, self.session = posts, site, run, session
        self._limits: dict[tuple[str, str], None] = {}
        self._lock = threading.Lock()
        self._listening = Listening(site.state)

    def wrap(self, probe: Probe) -> Probe:
        """The same probe, looking through workers where there are any."""
        return FarProbe(probe, self) if self.posts else probe

    def note_limits(self, limits: Sequence[tuple[str, str]]) -> None:
        with self._lock:
            self._limits.update(dict.fromkeys(limits))

    def note_answer(self, zone: str, found: Answer, *, by_worker: bool, at: datetime) -> None:
        """What a shard came to, for whoever watches over the zone's workers."""
        self._listening.note(zone, found.collection, by_worker=by_worker, at=at)

    @property
    def limits(self) -> tuple[tuple[str, str], ...]:
        """(probe, text): what workers said that they cannot see from where they stand."""
        with self._lock:
            return tuple(self._limits)


@contextmanager
def far(site: Site, permits: Sequence[Permit], *, home: Path, now: Callable[[], datetime]) -> Iterator[Far]:
    """Lines to the zones of ``permits`` that workers look at; none, and nothing imported, where there are none.

    ``home`` is the run's own folder, which is there again when the run is taken up. The zones' locks are held by who
    calls this: two processes never send jobs to one zone. Raises :class:`Refused` where the centre cannot sign. A
    broker that cannot be reached is no error here: it may come back, and what is not answered in time has failed.
    """
    zones = {zone.id for zone in site.config.zones if zone.by == "worker"}
    distant = [permit for permit in permits if permit.zone.id in zones]
    config = site.config.workers
    if not distant or config is None:
        yield Far({}, site, Run("", now()), "")
        return
    session = secrets.token_hex(16)
    posts = _posts(site, config, distant, session, now)
    there = Far(posts, site, _run(home, now()), session)
    for post in posts.values():
        post.start()
    try:
        yield there
    finally:
        for post in posts.values():
            post.say_stop("the run is over")
        for post in posts.values():
            post.close()


def halt(site: Site, *, reason: str, now: Callable[[], datetime]) -> tuple[str, ...]:
    """Tells every worker of the site to stop, whoever runs what; returns what could not be told, for people.

    A worker that this does not reach hears no beats either, and stops by itself within its lease.
    """
    config = site.config.workers
    zones = [zone.id for zone in site.config.zones if zone.by == "worker"]
    if config is None or not zones:
        return ()
    key = _signer(config)
    # All at once: one zone's broker that hangs holds up no other zone's stop. Leaving waits until each was tried, and
    # only then does a fault of the program itself show.
    with ThreadPoolExecutor(len(zones), "halt") as pool:
        telling = {zone: pool.submit(_halt_zone, site, config, zone, key, reason, now) for zone in zones}
    problems = {zone: told.result() for zone, told in telling.items()}
    return tuple(sorted(f"{zone}: {problem}" for zone, problem in problems.items() if problem))


def _halt_zone(
    site: Site, config: WorkersConfig, zone: str, key: KeySigner, reason: str, now: Callable[[], datetime]
) -> str:
    from auditor.workers.broker import celery_app, trouble
    from auditor.workers.link import close
    from auditor.workers.post import publish_beat

    broker = config.to(site.id, zone, site.root)
    try:
        connection = broker.connection(celery_app(broker))
    except SecretMissing as error:
        return str(error)
    try:
        publish_beat(connection.connect().channel(), Beat(site.id, zone, "", 0, now(), True, reason), key)
    except trouble(connection) as error:
        return clean(str(error), 200)
    finally:
        close(connection)
    return ""


class FarProbe:
    """A probe whose shards are looked at by workers, in the zones that have them."""

    def __init__(self, inner: Probe, there: Far) -> None:
        self._inner, self._far = inner, there
        self._ordinals: dict[str, int] = {}

    @property
    def name(self) -> str:
        return self._inner.name

    def shards(self, permit: Permit) -> Sequence[Shard]:
        """The probe's own plan; a worker makes the same one, and takes its shard by its place in it."""
        planned = self._inner.shards(permit)
        if permit.zone.id in self._far.posts:
            self._ordinals.update((shard.id, number) for number, shard in enumerate(planned))
        return planned

    def limits(self, permits: Sequence[Permit] = ()) -> tuple[Limit, ...]:
        """What this machine cannot see where it looks itself, and what workers said where they do."""
        near = [permit for permit in permits if permit.zone.id not in self._far.posts]
        own = self._inner.limits(near) if near or not permits else ()
        return (*own, *(Limit("worker", text) for probe, text in self._far.limits if probe == self.name))

    def collect(self, shard: Shard, context: Context) -> Collection:
        """Never raises for what broker, worker or network do: what does not come back in time has failed."""
        post = self._far.posts.get(shard.zone)
        if post is None:
            return self._inner.collect(shard, context)
        job = self._job(shard, context)
        if _weight(job) > MOST_BYTES:
            return failed(job, "too_large", "the permit and its files are too large for a job", job.sent_at)
        waiting = post.ask(job)
        try:
            found, by_worker = self._wait(post, waiting, context)
        finally:
            post.settle(waiting)
        self._far.note_answer(shard.zone, found, by_worker=by_worker, at=context.now().astimezone(UTC))
        self._far.note_limits(found.limits)
        return found.collection

    def _wait(self, post: Post, waiting: Waiting, context: Context) -> tuple[Answer, bool]:
        """Until a worker has answered, or there is no sense in waiting; and whether a worker did."""
        told = ""
        while True:
            with contextlib.suppress(Empty):
                came = waiting.box.get(timeout=_POLL_SECONDS)
                found = post.judge(waiting, came)
                if found is not None:
                    return found, isinstance(came, Bundle)
            reason, message = self._why_not(waiting.job, context)
            if not reason and not post.is_alive():
                reason, message = "crashed", "the line to the workers has ended."
            if reason:
                if context.stop.is_set:
                    post.say_stop(context.stop.reason)
                text = f"{message} {post.trouble}".strip()
                return Answer(failed(waiting.job, reason, text, context.now().astimezone(UTC))), False
            if post.trouble != told:
                told = post.trouble
                context.report(told or "the way to the workers is open again")

    def _why_not(self, job: Job, context: Context) -> tuple[str, str]:
        if context.stop.is_set:
            return "stopped", context.stop.reason
        if context.now() >= job.not_after:
            return "timed_out", "no worker answered before leave to probe ended."
        return "", ""

    def _job(self, shard: Shard, context: Context) -> Job:
        permit, there = _least(context.permit, self.name), self._far
        name = "\0".join([there.site.id, there.run.id, shard.zone, self.name, shard.id])
        return Job(
            id=hashlib.sha256(name.encode()).hexdigest()[:32],
            nonce=secrets.token_hex(16),
            site=there.site.id,
            zone=shard.zone,
            session=there.session,
            probe=self.name,
            ordinal=self._ordinals[shard.id],
            targets=shard.targets,
            permit=permit,
            beside=context.beside,
            since=there.run.since,
            sent_at=context.now().astimezone(UTC),
            not_after=permit.until,
            program=PROGRAM,
            files=tuple(_attached(path) for path in permit.access.files),
        )


def _least(permit: Permit, probe: str) -> Permit:
    """What a worker needs for this probe: its own logins only, its own names only, and nothing of who owns what."""
    known = {field.name for field in fields(Access)}
    access = Access(**{probe: getattr(permit.access, probe)}) if probe in known else Access()
    zone = replace(permit.zone, owners={}, department_id="", location="")
    return replace(permit, zone=zone, access=access, names=permit.names if probe == "names" else ())


def _attached(path: Path) -> Attached:
    try:
        with path.open("rb") as stream:
            content = stream.read(_FILE_BYTES + 1)
    except OSError:
        return Attached(str(path), None)
    readable = len(content) <= _FILE_BYTES
    return Attached(str(path), base64.b64encode(content).decode("ascii") if readable else None)


def _weight(job: Job) -> int:
    """About what it will weigh when it is sealed, text within text."""
    files = sum(len(attached.content or "") for attached in job.files)
    return files + 96 * (len(job.permit.targets) + len(job.permit.excluded) + len(job.permit.left_out)) + 65_536


def _run(home: Path, now: datetime) -> Run:
    """The run's id and beginning: made once, and found again when the run is taken up."""
    path = home / "workers.json"
    try:
        said = json.loads(path.read_text("ascii"))
        return Run(str(said["id"]), datetime.fromisoformat(said["since"]).astimezone(UTC))
    except (OSError, ValueError, KeyError, TypeError):
        run = Run(secrets.token_hex(16), now.astimezone(UTC))
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, json.dumps({"id": run.id, "since": run.since.isoformat()}).encode("ascii"))
    return run


def _posts(
    site: Site, config: WorkersConfig, permits: Sequence[Permit], session: str, now: Callable[[], datetime]
) -> dict[str, Post]:
    from auditor.workers.post import Line, Post

    key = _signer(config)
    today = site.today(now())
    posts = {}
    for permit in permits:
        zone = permit.zone.id
        line = Line(
            site=site.id,
            zone=zone,
            session=session,
            broker=config.to(site.id, zone, site.root),
            signer=key,
            trust=lambda: keyring(site, site.today(now())),
            own=Keyring([TrustedKey(key.key_id, key.public, frozenset({zone}))], today=today),
            ground=_ground(site, zone),
            now=now,
            patience_seconds=config.patience_minutes * 60,
            skew=timedelta(seconds=config.skew_seconds),
        )
        posts[zone] = Post(line)
    return posts


def _ground(site: Site, zone: str) -> Ground:
    clouds = {
        scope.zone.id: [
            scope.zone.cloud_code,
            *(one.cloud for one in scope.access.vsphere),
            *(one.cloud for one in scope.access.openstack),
        ]
        for scope in site.scopes
    }
    return ground(site.places.zones[zone], site.places.zones.values(), clouds)


def _signer(config: WorkersConfig) -> KeySigner:
    try:
        return signer(config.signing_key)
    except (SecretMissing, OSError) as error:
        raise Refused(f"workers: signing_key: {error}", "'auditor bundle key FILE' makes one") from None

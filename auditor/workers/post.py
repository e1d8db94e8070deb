"""The centre's line to one zone: sends its jobs, says every two seconds that it is there, takes results in.

One thread holds the connection and nobody else touches it. Whatever happens to the line, it comes back: jobs that the
broker has confirmed lie there safely, those that it has not are sent again, and a job that comes twice is done once.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import SimpleQueue
from typing import Any

from auditor.workers.broker import Broker, celery_app, trouble
from auditor.workers.hearing import BEAT_SECONDS
from auditor.workers.link import close
from auditor.workers.messages import Beat, Job, MessageError, seal, unseal
from auditor.workers.names import CONTROL, DEAD, INBOX, JOBS, TASK
from auditor.workers.results import Answer, answer, failed, opened
from inventories.bundle import Bundle, BundleError, Signer, Trust
from inventories.bundle_contents import Ground
from inventories.faults import clean
from inventories.model import Collection
from probes.secrets import SecretMissing

RECONNECT_SECONDS = 1.0
DRAIN_SECONDS = 0.1
COUNT_SECONDS = 3.0
#: Results that came before their shard was asked for (of a run that goes on): so many are held.
EARLY = 64
#: Copies of one result: more than the first few tell nothing new.
BOX = 4


@dataclass(frozen=True, slots=True)
class Line:
    """What a zone's post needs to know. ``trust`` gives the keys that count now, ``own`` this centre's."""

    site: str
    zone: str
    session: str
    broker: Broker
    signer: Signer
    trust: Callable[[], Trust]
    own: Trust
    ground: Ground
    now: Callable[[], datetime]
    patience_seconds: float
    skew: timedelta


@dataclass(slots=True)
class Waiting:
    """One job that somebody waits for."""

    job: Job
    sent: bool = False
    #: What came: signed results of the zone's workers, or a failure that was found here.
    box: SimpleQueue[Bundle | Collection] = field(default_factory=SimpleQueue)


class Post(threading.Thread):
    def __init__(self, line: Line) -> None:
        super().__init__(name=f"post-{line.zone}", daemon=True)
        self._line = line
        self._app = celery_app(line.broker)
        self._waiting: dict[str, Waiting] = {}
        self._early: OrderedDict[str, Bundle] = OrderedDict()
        self._settled: set[str] = set()
        self._arrived: deque[tuple[str, Any]] = deque()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._ending: str | None = None
        self._count, self._next_beat, self._next_count = 0, 0.0, 0.0
        self._alone_since: float | None = None
        self._barred_since: float | None = None
        #: What stands in the way now, for people; empty where nothing does.
        self.trouble = ""
        #: How many results were refused, and why the last one was.
        self.refused, self.last_refusal = 0, ""

    # --- for other threads

    def ask(self, job: Job) -> Waiting:
        waiting = Waiting(job)
        with self._lock:
            self._settled.discard(job.id)
            self._waiting[job.id] = waiting
            early = self._early.pop(job.id, None)
        if early is not None:
            waiting.box.put(early)
        return waiting

    def settle(self, waiting: Waiting) -> None:
        """Nobody waits for this job any more; whatever else comes for it is dropped."""
        with self._lock:
            self._waiting.pop(waiting.job.id, None)
            self._settled.add(waiting.job.id)

    def judge(self, waiting: Waiting, found: Bundle | Collection) -> Answer | None:
        """What came for a job as its outcome; None where a better one may follow."""
        if isinstance(found, Collection):
            return Answer(found)
        line, job = self._line, waiting.job
        judged = answer(found, job, line.ground, now=line.now(), skew=line.skew)
        if judged.collection.failures and found.head.id != job.answer_id and found.head.probes:
            # It answers an earlier sending, of which something failed: this one may do better.
            return None
        return judged

    def say_stop(self, reason: str) -> None:
        """All probing in the zone ends: said once, at once, and no beat follows."""
        if self._ending is None:
            self._ending = reason

    def close(self) -> None:
        """Says that this session is over, if it can be said within a moment, and ends."""
        self.say_stop("the run is over")
        self._closing.set()
        self.join(timeout=10)

    # --- the thread

    def run(self) -> None:
        while not self._closing.is_set():
            try:
                connection = self._line.broker.connection(self._app)
                errors = trouble(connection)
            except SecretMissing as error:
                self._cannot(error, barred=True)
                continue
            try:
                self._serve(connection)
            except errors as error:
                self._cannot(error, barred=_is_refusal(error))
            finally:
                close(connection)

    def _cannot(self, error: BaseException, *, barred: bool) -> None:
        """Notes what stands in the way. A cut line may come back at any time; a refused login does not by itself."""
        self.trouble = f"the broker: {clean(str(error), 200)}"
        now = time.monotonic()
        self._barred_since = (self._barred_since or now) if barred else None
        if self._barred_since is not None and now - self._barred_since > self._line.patience_seconds:
            self._fail_all("broker_refused", self.trouble)
        self._closing.wait(RECONNECT_SECONDS)

    def _serve(self, connection: Any) -> None:
        channel = connection.connect().channel()
        channel.basic_qos(0, 16, False)
        for queue in (INBOX, DEAD):
            channel.basic_consume(queue, callback=lambda message, queue=queue: self._arrived.append((queue, message)))
        self.trouble, self._barred_since, self._next_beat, self._alone_since = "", None, 0.0, None
        producer = self._app.amqp.Producer(channel, auto_declare=False)
        while True:
            connection.heartbeat_check()
            self._beat(channel)
            self._send(producer)
            self._look_around(channel)
            with contextlib.suppress(TimeoutError):
                connection.drain_events(timeout=DRAIN_SECONDS)
            self._read(channel)
            if self._closing.is_set() and self._next_beat == float("inf"):
                return

    def _beat(self, channel: Any) -> None:
        stop = self._ending
        if stop is not None and self._next_beat != float("inf"):
            self._publish_beat(channel, stop=True, reason=stop)
            self._next_beat = float("inf")
        elif time.monotonic() >= self._next_beat:
            self._publish_beat(channel, stop=False, reason="")
            self._next_beat = time.monotonic() + BEAT_SECONDS

    def _publish_beat(self, channel: Any, *, stop: bool, reason: str) -> None:
        self._count += 1
        line = self._line
        beat = Beat(line.site, line.zone, line.session, self._count, line.now(), stop, reason)
        publish_beat(channel, beat, line.signer)

    def _send(self, producer: Any) -> None:
        with self._lock:
            unsent = [waiting for waiting in self._waiting.values() if not waiting.sent]
        for waiting in unsent:
            text = seal(waiting.job, self._line.signer)
            self._app.send_task(
                TASK,
                args=[text],
                queue=JOBS,
                producer=producer,
                task_id=waiting.job.id,
                ignore_result=True,
                argsrepr="",
                kwargsrepr="",
                retry=False,
                mandatory=True,
            )
            # Only here: the broker has confirmed it, and keeps it through a restart.
            waiting.sent = True

    def _look_around(self, channel: Any) -> None:
        """A zone without any worker is noticed, and given up after a while."""
        now = time.monotonic()
        if now < self._next_count or not self._waiting:
            return
        self._next_count = now + COUNT_SECONDS
        if channel.queue_declare(JOBS, passive=True).consumer_count:
            self._alone_since, self.trouble = None, ""
            return
        self._alone_since = self._alone_since or now
        self.trouble = "no worker is connected"
        if now - self._alone_since > self._line.patience_seconds:
            self._fail_all("no_worker", f"no worker of zone {self._line.zone} is connected to the broker")

    def _fail_all(self, reason: str, message: str) -> None:
        with self._lock:
            waiting = list(self._waiting.values())
        for one in waiting:
            one.box.put(failed(one.job, reason, message, self._line.now()))

    # --- what arrives

    def _read(self, channel: Any) -> None:
        while self._arrived:
            queue, message = self._arrived.popleft()
            if queue == INBOX:
                self._result(_bytes(message.body))
            else:
                self._unwanted(message)
            # A result that is lost after this is asked for again when the run goes on: the worker has kept it.
            channel.basic_ack(message.delivery_tag)

    def _result(self, data: bytes) -> None:
        line = self._line
        try:
            bundle = opened(data, line.trust(), line.site, line.zone)
        except BundleError as error:
            # Whoever sent this is not the zone's worker: it must not be able to fail a job either.
            self.refused, self.last_refusal = self.refused + 1, f"{error.reason}: {clean(error.message, 200)}"
            return
        self._take(bundle)

    def _take(self, bundle: Bundle) -> None:
        name = bundle.head.answers
        with self._lock:
            waiting = self._waiting.get(name)
            if waiting is None:
                if name not in self._settled:
                    # Of a run that goes on, ahead of its question; or of one that nobody goes on with.
                    self._early[name] = bundle
                    while len(self._early) > EARLY:
                        self._early.popitem(last=False)
                return
        if waiting.box.qsize() < BOX:
            waiting.box.put(bundle)

    def _unwanted(self, message: Any) -> None:
        """A job that was taken too often, or that a worker would not touch: if it is ours, its shard has failed."""
        try:
            (text, *_), *_rest = json.loads(message.body)
            job = unseal(text, self._line.own, self._line.zone).job()
        except (MessageError, ValueError, TypeError, KeyError):
            return
        with self._lock:
            waiting = self._waiting.get(job.id)
        if waiting is None or waiting.job.nonce != job.nonce:
            return
        death = ((message.headers or {}).get("x-death") or [{}])[0]
        often = death.get("reason") == "delivery_limit"
        text = "workers took it again and again, and never finished" if often else "a worker put it aside unread"
        waiting.box.put(failed(job, "given_up" if often else "not_read", text, self._line.now()))


def publish_beat(channel: Any, beat: Beat, signer: Signer) -> None:
    message = channel.prepare_message(seal(beat, signer), content_type="application/json", content_encoding="utf-8")
    channel.basic_publish_confirm(message, exchange=CONTROL, routing_key="", timeout=10)


def _bytes(body: str | bytes) -> bytes:
    return body.encode("utf-8", "surrogateescape") if isinstance(body, str) else bytes(body)


def _is_refusal(error: BaseException) -> bool:
    """A login, a permission, a virtual host or a certificate that is wrong."""
    return isinstance(error, ssl.SSLCertVerificationError) or getattr(error, "reply_code", None) in (
        402,
        403,
        404,
        530,
    )

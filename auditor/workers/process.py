"""The worker's process: Celery takes the jobs, threads look, and a signal ends it with nothing lost.

Threads and no forked children: a worker that is killed takes everything with it that it had begun (nmap is tied to it
by the kernel), and no orphan goes on scanning. Celery itself does no more than consume one queue.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from auditor import clock
from auditor.errors import Exit, Refused
from auditor.workers.broker import celery_app
from auditor.workers.config import Worker
from auditor.workers.hearing import Hearing
from auditor.workers.keep import Kept
from auditor.workers.link import Listener, Outbox
from auditor.workers.names import TASK
from auditor.workers.work import Bench, Outcome
from inventories.bundle import Signer, Trust
from inventories.signing import Keyring, SigningError, TrustedKey, load_signer
from probes.secrets import Secret, SecretMissing

log = logging.getLogger(__name__)

THIN_SECONDS = 3600.0


def run_worker(worker: Worker) -> int:
    """Works until a signal ends it. Raises :class:`Refused` where it cannot begin."""
    signer = _signer(worker.config.signing_key)
    try:
        worker.broker.password.reveal()
    except SecretMissing as error:
        raise Refused(f"the broker's password: {error}") from None
    app = celery_app(worker.broker)
    config = worker.config
    worker.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    hearing = Hearing(
        now=clock.utc_now,
        lease_seconds=config.lease_seconds,
        skew_seconds=config.skew_seconds,
        stop_file=worker.state / "STOP",
    )
    outbox = Outbox(app, worker.broker)
    bench = Bench(
        worker=worker,
        trust=lambda: centre_keys(worker),
        signer=signer,
        hearing=hearing,
        kept=Kept(worker.state),
        now=clock.utc_now,
        send=outbox.send,
    )
    listener = Listener(app, worker.broker, hearing, bench.trust, (config.site, config.zone))
    listener.start()
    try:
        return _consume(app, bench)
    finally:
        bench.closing.set()
        listener.close()
        outbox.close()


def centre_keys(worker: Worker) -> Trust:
    """The centre's keys, for this worker's zone and no other."""
    zone = frozenset({worker.config.zone})
    keys = [TrustedKey(key.id, key.public, zone) for key in worker.config.centre]
    return Keyring(keys, today=clock.utc_now().date())


def register(app: Any, take: Callable[[str], Outcome]) -> None:
    """The one task that there is. Its name is all that a message chooses."""
    from celery.exceptions import Reject

    def shard(text: object = "", *_more: object, **_named: object) -> None:
        outcome = take(text) if isinstance(text, str) else Outcome.UNWANTED
        if outcome is not Outcome.DONE:
            raise Reject(outcome.value, requeue=outcome is Outcome.GIVE_BACK)

    app.task(shard, name=TASK, ignore_result=True, acks_late=True, reject_on_worker_lost=True)


def _consume(app: Any, bench: Bench) -> int:
    register(app, bench.take)
    app.finalize()
    controller = app.WorkController(
        hostname=f"{bench.worker.name}@{os.uname().nodename}",
        pool_cls="threads",
        concurrency=bench.worker.config.concurrency,
        consumer_cls=_consumer(),
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
        loglevel=logging.getLogger().level,
    )
    _on_signals(bench, controller)
    thinning = threading.Thread(target=_thin, args=(bench,), name="thinning", daemon=True)
    thinning.start()
    log.info("worker of zone %s, %d at once", bench.worker.config.zone, bench.worker.config.concurrency)
    controller.start()
    return int(controller.exitcode or Exit.DONE)


def _consumer() -> Any:
    """Celery's consumer without what it would declare for itself: the zone's user may declare nothing."""
    from celery.worker.consumer import Consumer

    unwanted = ("mingle:Mingle", "gossip:Gossip", "control:Control", "delayed_delivery:DelayedDelivery")
    steps = [step for step in Consumer.Blueprint.default_steps if not step.endswith(unwanted)]
    blueprint = type("Blueprint", (Consumer.Blueprint,), {"default_steps": steps})
    return type("ZoneConsumer", (Consumer,), {"Blueprint": blueprint})


def _on_signals(bench: Bench, controller: Any) -> None:
    """SIGTERM and SIGINT: no new job, shards in hand are given back, results that are ready are sent."""
    from celery.worker import state

    def end(_number: int, _frame: FrameType | None) -> None:
        bench.closing.set()
        state.should_stop = Exit.DONE.value

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def _thin(bench: Bench) -> None:
    while True:
        try:
            bench.kept.thin()
        except OSError as error:
            log.warning("old results cannot be removed: %s", error)
        if bench.closing.wait(THIN_SECONDS):
            return


def _signer(reference: Secret) -> Signer:
    try:
        path = reference.path()
        return load_signer(path if path is not None else reference.reveal(), owner_only=reference.scheme == "file")
    except (SecretMissing, SigningError, OSError) as error:
        raise Refused(f"signing_key: {error}") from None

"""A worker's own lines to the broker, beside Celery's: one to hear the centre, one to send results."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from auditor.workers.broker import HEARTBEAT_SECONDS, Broker, trouble
from auditor.workers.hearing import Hearing
from auditor.workers.messages import MessageError, unseal
from auditor.workers.names import BEATS, RESULTS
from inventories.bundle import Trust
from inventories.faults import clean
from probes.secrets import SecretMissing

log = logging.getLogger(__name__)

#: What a beat may weigh: it holds a few names and a signature.
BEAT_BYTES = 4096
RECONNECT_SECONDS = 2.0


class Listener(threading.Thread):
    """Reads the zone's beats as they come, and comes back after every cut.

    The stream is read from its end (``next``): what was said while nobody listened is over.
    """

    def __init__(self, app: Any, broker: Broker, hearing: Hearing, trust: Callable[[], Trust], ids: tuple[str, str]):
        super().__init__(name="listener", daemon=True)
        self._app, self._broker, self._hearing, self._trust = app, broker, hearing, trust
        self._site, self._zone = ids
        self._closing = threading.Event()

    def close(self) -> None:
        self._closing.set()

    def run(self) -> None:
        while not self._closing.is_set():
            try:
                connection = self._broker.connection(self._app)
                errors = trouble(connection)
            except SecretMissing as error:
                log.error("the broker's password: %s", error)
                self._closing.wait(RECONNECT_SECONDS)
                continue
            try:
                self._listen(connection)
            except errors as error:
                log.warning("the centre cannot be heard: %s", clean(str(error), 200))
            finally:
                close(connection)
            self._closing.wait(RECONNECT_SECONDS)

    def _listen(self, connection: Any) -> None:
        channel = connection.connect().channel()
        # A stream hands out only what was asked for in advance, and wants to know what was taken.
        channel.basic_qos(0, 64, False)

        def take(message: Any) -> None:
            channel.basic_ack(message.delivery_tag)
            self._heard(message.body)

        channel.basic_consume(BEATS, arguments={"x-stream-offset": "next"}, callback=take)
        log.info("listening for the centre at %s", self._broker)
        while not self._closing.is_set():
            connection.heartbeat_check()
            with contextlib.suppress(TimeoutError):
                connection.drain_events(timeout=1.0)

    def _heard(self, body: str | bytes) -> None:
        try:
            if len(body) > BEAT_BYTES:
                raise MessageError("too_large", f"a beat of {len(body)} bytes")
            beat = unseal(body, self._trust(), self._zone).beat()
        except MessageError as error:
            log.warning("a beat was refused: %s", error)
            return
        if (beat.site, beat.zone) != (self._site, self._zone):
            log.warning("a beat for another zone was refused")
        elif self._hearing.heard(beat) and beat.stop:
            log.warning("the centre says stop: %s", clean(beat.reason, 100))


class Outbox:
    """Hands results to the broker, and believes that they arrived only when the broker says so."""

    def __init__(self, app: Any, broker: Broker) -> None:
        self._app, self._broker = app, broker
        self._connection: Any = None
        self._channel: Any = None
        self._used = 0.0
        self._lock = threading.Lock()

    def send(self, data: bytes) -> bool:
        """False where the broker cannot be reached, or did not take it."""
        with self._lock:
            if self._connection is not None and time.monotonic() - self._used > HEARTBEAT_SECONDS:
                # Nobody answered the broker's heartbeats on it.
                self._drop()
            try:
                connection = self._connection or self._broker.connection(self._app)
            except SecretMissing as error:
                log.error("the broker's password: %s", error)
                return False
            try:
                self._publish(connection, data)
            except trouble(connection) as error:
                log.warning("a result could not be sent yet: %s", clean(str(error), 200))
                self._connection = connection
                self._drop()
                return False
            self._used = time.monotonic()
            return True

    def _publish(self, connection: Any, data: bytes) -> None:
        if self._connection is None:
            self._channel = connection.connect().channel()
            self._connection = connection
        message = self._channel.prepare_message(
            data, content_type="application/octet-stream", content_encoding="binary", properties={"delivery_mode": 2}
        )
        # Mandatory: a broker without the queue behind the exchange must not swallow it.
        self._channel.basic_publish_confirm(message, exchange=RESULTS, routing_key="", mandatory=True, timeout=30)

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            close(self._connection)
        self._connection = self._channel = None


def close(connection: Any) -> None:
    """Closes what may be cut already: no answer is waited for, and the socket goes at once."""
    with contextlib.suppress(*trouble(connection), AttributeError):
        connection.collect(socket_timeout=0.5)

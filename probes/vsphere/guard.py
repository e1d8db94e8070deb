"""Ends a question that takes too long, or that nobody wants answered any more, by closing its connection.

A server can keep a client busy for ever without ever being silent for long: one byte at a time, headers without end,
interim answers one after another. Time-outs of a socket do not see that. The guard does, for it looks at the clock.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType

from probes.base import Stop

_POLL_SECONDS = 0.1


class Guard:
    """Watches one socket at a time, from a thread of its own, while the ``with`` block lasts."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop
        #: Why the connection was cut: empty, ``stopped`` or ``timed_out``.
        self.cut = ""
        #: Whether the wish to stop ends a question; not so while the session is being closed.
        self.heeds_stop = True
        self._socket: socket.socket | None = None
        self._until = 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vsphere-guard", daemon=True)

    def __enter__(self) -> Guard:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def is_stopped(self) -> bool:
        return self.heeds_stop and self.stop.is_set

    def begin(self, seconds: float) -> None:
        """A question begins, and may take so long altogether, connecting included."""
        with self._lock:
            self.cut, self._until = "", time.monotonic() + seconds

    def hold(self, sock: socket.socket) -> None:
        """The connection that the question goes over."""
        with self._lock:
            self._socket = sock

    def end(self) -> None:
        """The question is answered, or given up."""
        with self._lock:
            self._socket = None

    @property
    def seconds_left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def _watch(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            with self._lock:
                if self._socket is None:
                    continue
                if self.is_stopped:
                    self.cut = "stopped"
                elif time.monotonic() > self._until:
                    self.cut = "timed_out"
                if self.cut:
                    # Not the TLS object's own method, which would pull the session from under the reading thread.
                    with contextlib.suppress(OSError):
                        socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                    self._socket = None

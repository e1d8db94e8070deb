"""HTTPS listeners that behave as real ones do towards scanners: a failed handshake is answered with an alert.

asyncio drops the alert of a failed handshake, and nmap then takes the port for a wrapper; Python's blocking
TLS sockets send it. So each connection is answered by a thread of a small pool.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from auditor.city.services import IDLE_SECONDS, MOST_BYTES, is_whole

# Connections are short: beyond this many at once, the rest wait in the listen queue.
_pool = ThreadPoolExecutor(max_workers=24, thread_name_prefix="city-tls")
_HANDSHAKE = b"\x16"


class TlsServer:
    """Accepts on a bound, listening socket; ``respond`` turns a request head into the whole answer."""

    def __init__(
        self,
        bound: socket.socket,
        context: ssl.SSLContext,
        respond: Callable[[bytes], bytes],
        note: Callable[[object], None],
    ) -> None:
        self._bound, self._context, self._respond, self._note = bound, context, respond, note
        self._task = asyncio.get_running_loop().create_task(self._accept())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(self._bound)
            except OSError:
                # Out of descriptors, or the client has gone already: the next one may do better.
                await asyncio.sleep(0.1)
                continue
            self._note(peer)
            loop.run_in_executor(_pool, self._answer, connection)

    def _answer(self, connection: socket.socket) -> None:
        # A scanner hangs up whenever it likes, and offers what no server takes.
        with contextlib.suppress(OSError), connection:
            connection.settimeout(IDLE_SECONDS)
            if connection.recv(1, socket.MSG_PEEK) != _HANDSHAKE:
                # Read, or closing would reset the connection instead of ending it.
                connection.recv(MOST_BYTES)
                return
            with self._context.wrap_socket(connection, server_side=True) as secured:
                head = b""
                while not is_whole(head):
                    more = secured.recv(MOST_BYTES)
                    if not more:
                        return
                    head += more
                secured.sendall(self._respond(head))
                # Says that this is the end, without waiting for the other side to say so too.
                secured.settimeout(0)
                secured.unwrap()

    def close(self) -> None:
        self._task.cancel()

    async def wait_closed(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._bound.close()

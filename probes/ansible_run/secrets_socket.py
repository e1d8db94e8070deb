"""A password handed to a process of ours over a socket, so that it stands in no file, argument or environment."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_NAME = "secret"
_MOST = 65_536
_SECONDS = 10.0


@asynccontextmanager
async def handing_out(folder: Path, secret: str) -> AsyncIterator[None]:
    """As long as this lasts, whoever is this user and may enter ``folder`` can :func:`ask` for ``secret``."""

    async def hand(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        if struct.unpack("3i", peer)[1] == os.geteuid():
            writer.write(secret.encode("utf-8"))
        writer.close()

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        _at(folder, listener.bind)
        listener.listen(128)
        listener.setblocking(False)
        server = await asyncio.start_unix_server(hand, sock=listener)
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()
            (folder / _NAME).unlink(missing_ok=True)


def ask(folder: Path) -> str:
    """The secret that is handed out in ``folder``; OSError where nobody hands one out."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_SECONDS)
        _at(folder, client.connect)
        content = b""
        while (piece := client.recv(_MOST)) and len(content) < _MOST:
            content += piece
    if not content:
        raise ConnectionRefusedError("the secret is not handed out to this process")
    return content.decode("utf-8")


def _at(folder: Path, act: object) -> None:
    """A socket's address is at most 108 bytes long, a folder's name may be longer: so it goes by its descriptor."""
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        act(f"/proc/self/fd/{handle}/{_NAME}")  # type: ignore[operator]
    finally:
        os.close(handle)

"""The grammar of an HTTP answer (RFC 9112), as little of it as a single bounded question needs. No I/O of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from inventories.faults import clean

_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})(?: [^\r\n]*)?\r?\n")
_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[^\r\n]{0,200}\r?\n")
_PIECE = 16_384
#: Interim answers (1xx) before the real one.
_MOST_INTERIM = 4
#: A body in more pieces than this is read no further.
_MOST_CHUNKS = 4096


class Broken(Exception):
    """An answer that is none, or not whole. ``reason`` is ``bad_output`` or ``too_much``."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers; names are lower case, in the order in which they came. Status 0: none came."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def bare(self) -> bool:
        """Whether an answer of this status has no body."""
        return self.status in (101, 204, 304)

    @property
    def packed(self) -> bool:
        words = {word.strip().lower() for value in self.all("content-encoding") for word in value.split(",")}
        return bool(words - {"", "identity"})

    @property
    def chunked(self) -> bool:
        return any("chunked" in value.lower() for value in self.all("transfer-encoding"))

    @property
    def length(self) -> int | None:
        """The body's length as promised; None where it is not, or contradictory."""
        values = set(self.all("content-length"))
        text = values.pop() if len(values) == 1 else ""
        return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None


class Reader(Protocol):
    async def read(self, n: int, /) -> bytes: ...


def parse_head(seen: bytes, *, ended: bool, most: int) -> tuple[Head, bytes] | None:
    """The head and what follows it, or None where more is needed. :class:`Broken` where it will never be one.

    ``ended`` says that nothing more comes; ``most`` is how many bytes of head are taken.
    """
    for _ in range(_MOST_INTERIM + 1):
        if not b"HTTP/".startswith(seen[:5]):
            raise Broken("bad_output", f"does not answer in HTTP: {_shown(seen)}")
        end = _END.search(seen)
        if end is None or end.start() > most:
            if len(seen) > most:
                raise Broken("too_much", f"the headers do not end within {most} bytes")
            if ended:
                said = f"the connection ended within the headers: {_shown(seen)}" if seen else "it said nothing"
                raise Broken("bad_output", said)
            return None
        status = _STATUS.match(seen)
        if status is None:
            raise Broken("bad_output", f"does not answer in HTTP: {_shown(seen)}")
        head = Head(int(status[1]), _headers(seen[status.end() : end.start()]))
        seen = seen[end.end() :]
        if head.status >= 200 or head.status == 101:
            return head, seen
    raise Broken("bad_output", "interim answers without end")


def _headers(raw: bytes) -> tuple[tuple[str, str], ...]:
    out = []
    for line in raw.split(b"\n")[:200]:
        name, colon, value = line.partition(b":")
        if colon and name.strip() == name and name:
            out.append((name.decode("latin-1").lower(), _text(value)))
    return tuple(out)


def _text(value: bytes) -> str:
    try:
        return value.strip().decode("utf-8")
    except UnicodeDecodeError:
        return value.strip().decode("latin-1")


async def read_body(reader: Reader, rest: bytes, head: Head, out: bytearray, most: int) -> None:
    """Reads the body into ``out``, as far as ``most`` bytes: what has come is there even where the rest hangs."""
    source = _Source(reader, rest)
    if head.bare:
        return
    if head.chunked:
        await _read_chunks(source, out, most)
        return
    wanted = head.length
    while len(out) < most and (wanted is None or len(out) < wanted):
        more = await source.some(min(most, wanted or most) - len(out))
        if not more:
            if wanted is not None:
                raise Broken("bad_output", f"the body ended after {len(out)} of {wanted} bytes")
            return
        out += more


async def _read_chunks(source: _Source, out: bytearray, most: int) -> None:
    for _ in range(_MOST_CHUNKS):
        left = await source.chunk_size()
        if left == 0:
            return
        while left:
            if len(out) >= most:
                return
            more = await source.some(min(left, most - len(out)))
            if not more:
                raise Broken("bad_output", "the body ended within a chunk")
            out += more
            left -= len(more)
        await source.line_end()


class _Source:
    """What came behind the head, and then the connection."""

    def __init__(self, reader: Reader, rest: bytes) -> None:
        self._reader, self._rest = reader, rest

    async def some(self, most: int) -> bytes:
        """At most ``most`` bytes; none at the end."""
        if not self._rest:
            self._rest = await self._reader.read(_PIECE)
        taken, self._rest = self._rest[:most], self._rest[most:]
        return taken

    async def chunk_size(self) -> int:
        while (found := _CHUNK.match(self._rest)) is None:
            if len(self._rest) > 256 or b"\n" in self._rest:
                raise Broken("bad_output", "the body's chunks are not what they should be")
            if not await self._more():
                raise Broken("bad_output", "the body ended between its chunks")
        self._rest = self._rest[found.end() :]
        return int(found[1], 16)

    async def line_end(self) -> None:
        while len(self._rest) < 2 and self._rest != b"\n":
            if not await self._more():
                raise Broken("bad_output", "the body ended between its chunks")
        if not self._rest.startswith((b"\r\n", b"\n")):
            raise Broken("bad_output", "the body's chunks are not what they should be")
        self._rest = self._rest.removeprefix(b"\r").removeprefix(b"\n")

    async def _more(self) -> bool:
        more = await self._reader.read(_PIECE)
        self._rest += more
        return bool(more)


def _shown(raw: bytes) -> str:
    return repr(clean(raw[:60].decode("utf-8", "replace"), 80))

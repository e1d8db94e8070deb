"""A bundle's body: gzip over one line of JSON per collection, packed and unpacked piece by piece.

A collection of many records is written as several lines, so that a reader never needs more memory than one bounded
line takes.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import BinaryIO

from inventories.bundle_head import Body, BundleError
from inventories.codec import CodecError, collection_from_json, collection_to_json
from inventories.faults import clean
from inventories.model import Collection

CHUNK = 1 << 18
#: Records of a kind in one line; more of them are written as several lines.
_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a bundle may be, in bytes: as a file, unpacked, and one line of it unpacked."""

    packed: int = 512 * 1024**2
    plain: int = 8 * 1024**3
    line: int = 8 * 1024**2
    lines: int = 1_000_000


LIMITS = Limits()


def lines(stream: BinaryIO, body: Body, limits: Limits) -> Iterator[bytes]:
    """The body's lines, without their ends; at most one of them is held."""
    pending: list[bytes] = []
    held = lines = 0
    for piece in _unpacked(stream, body):
        *whole, rest = piece.split(b"\n")
        for end in whole:
            held += len(end)
            if held > limits.line:
                break
            lines += 1
            yield b"".join((*pending, end))
            pending, held = [], 0
        else:
            pending.append(rest)
            held += len(rest)
        if held > limits.line:
            raise BundleError("too_large", f"a line of it is longer than {limits.line} bytes")
    if held or lines != body.lines:
        raise BundleError("bad_format", f"holds {lines} lines, and says {body.lines}")


def _unpacked(stream: BinaryIO, body: Body) -> Iterator[bytes]:
    """The body, unpacked piece by piece; its digest is taken again, for the file may have changed since."""
    unpack = zlib.decompressobj(wbits=31)
    digest = hashlib.sha256()
    packed = plain = 0
    while packed < body.bytes:
        chunk = stream.read(min(CHUNK, body.bytes - packed))
        if not chunk:
            raise BundleError("truncated", "the end is missing")
        packed += len(chunk)
        digest.update(chunk)
        while chunk:
            if unpack.eof:
                raise BundleError("bad_format", "something follows the end of the packed content")
            try:
                piece = unpack.decompress(chunk, CHUNK)
            except zlib.error:
                raise BundleError("bad_format", "the packed content is broken") from None
            chunk = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
            plain += len(piece)
            if plain > body.plain_bytes:
                raise BundleError("bomb", f"unpacks to more than the {body.plain_bytes} bytes that it says")
            yield piece
    if digest.hexdigest() != body.sha256:
        raise BundleError("changed_byte", "changed while it was read")
    if not unpack.eof or plain != body.plain_bytes:
        raise BundleError("bad_format", f"unpacks to {plain} bytes, and says {body.plain_bytes}")


def collection(line: bytes, number: int) -> Collection:
    """What a line says, if this program would have written it so: nothing twice, nothing unknown, no odd number."""
    try:
        found = collection_from_json(line)
        if collection_to_json(found).encode("ascii") == line:
            return found
    except (CodecError, RecursionError) as error:
        raise BundleError("bad_format", f"line {number}: {clean(str(error))}") from None
    raise BundleError("bad_format", f"line {number}: is not as this program writes it")


def packed(space: BinaryIO, collections: Iterable[Collection]) -> Body:
    # No name and no time of day stand in this header: the same content gives the same bytes.
    squeeze = zlib.compressobj(6, wbits=31)
    digest = hashlib.sha256()
    packed = plain = lines = 0

    def put(chunk: bytes) -> None:
        nonlocal packed
        packed += len(chunk)
        digest.update(chunk)
        space.write(chunk)

    for collection in collections:
        for line in _encoded(collection):
            plain += len(line)
            lines += 1
            put(squeeze.compress(line))
    put(squeeze.flush())
    return Body(packed, lines, plain, digest.hexdigest())


def _encoded(collection: Collection) -> Iterator[bytes]:
    """A collection as lines that any reader takes. ValueError for a single record that is too long for one."""
    longest = max(len(getattr(collection, part.name)) for part in fields(collection))
    if longest <= _AT_ONCE:
        line = collection_to_json(collection).encode("ascii") + b"\n"
        if len(line) <= LIMITS.line:
            yield line
            return
        if longest <= 1:
            raise ValueError(f"a record of {len(line)} bytes is too large for a bundle")
    for half in _halves(collection):
        yield from _encoded(half)


def _halves(collection: Collection) -> tuple[Collection, Collection]:
    parts = [getattr(collection, part.name) for part in fields(collection)]
    middles = [(len(part) + 1) // 2 for part in parts]
    return (
        Collection(*(part[:middle] for part, middle in zip(parts, middles, strict=True))),
        Collection(*(part[middle:] for part, middle in zip(parts, middles, strict=True))),
    )

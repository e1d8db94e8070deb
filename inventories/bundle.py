"""What a look at one zone brought home, in one file that can be carried by hand: signed, bounded, changed by nobody.

A bundle is a few lines that say what it is (:mod:`inventories.bundle_head`), then gzip over one line of JSON per
collection (:mod:`inventories.codec`). It holds no inner path. Reading unpacks nothing before the signature and the
digest over the packed bytes are right, and holds one line in memory at a time.

    write(path, head, collections, signer)      →  the file, whole or not at all
    read(path, trust=…)                         →  a Bundle, or BundleError
    for collection in bundle.collections(): …   →  the content, unpacked as it is asked for
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from inventories.bundle_body import CHUNK, LIMITS, Limits, collection, lines, packed
from inventories.bundle_head import (
    HEAD_BYTES,
    MAGIC,
    REASONS,
    SIGNATURE_BYTES,
    Body,
    BundleError,
    Head,
    Seal,
    check_magic,
    head_line,
    message,
    read_head,
    read_seal,
    seal_line,
)
from inventories.model import Collection

__all__ = [
    "REASONS",
    "Bundle",
    "BundleError",
    "Head",
    "Limits",
    "Signer",
    "Trust",
    "open_plain",
    "pack",
    "peek",
    "read",
    "write",
]


_NO_FILE = "is a folder, a pipe or a device, and no file"


class Signer(Protocol):
    """Whoever vouches for a bundle."""

    @property
    def key_id(self) -> str: ...

    @property
    def algorithm(self) -> str:
        """``ed25519`` or ``sm2-sm3``."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        ...


class Trust(Protocol):
    """Whose word counts, and for what."""

    def verify(self, key_id: str, algorithm: str, message: bytes, signature: bytes, zone: str) -> None:
        """:class:`BundleError` unless this is the signature of a key that counts for the zone now."""
        ...


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose signature (where ``trust`` was given) and digest are right.

    ``signed_by`` is the id of the key that vouches for it, empty where nothing was checked; ``key`` is the one that
    it names, checked or not. ``digest`` names the content: two bundles of one digest hold the same, whoever signed
    them. ``size`` is the file's, in bytes.
    """

    head: Head
    signed_by: str
    key: str
    digest: str
    size: int
    body: Body
    limits: Limits
    _source: bytes | Path = field(repr=False)
    _offset: int = field(repr=False)

    def collections(self) -> Iterator[Collection]:
        """The content, in the order in which it was packed. A collection of many records comes in several parts.

        Raises :class:`BundleError` where something is not as it should be, be it at the very end: what came before
        counts only once the iterator has ended well.
        """
        with _opened(self._source) as stream:
            stream.seek(self._offset)
            for number, line in enumerate(lines(stream, self.body, self.limits), start=1):
                yield collection(line, number)


def read(data: bytes | Path, *, trust: Trust | None, limits: Limits = LIMITS, site: str = "") -> Bundle:
    """Checks a bundle as far as that is possible without unpacking it.

    In this order: size, format, head, ``site`` (where given), key and signature (where ``trust`` is given), digest
    of the packed body. A file is opened without following a link and without waiting for a pipe. Raises
    :class:`BundleError`.
    """
    with _opened(data) as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        if size > limits.packed:
            raise BundleError("too_large", f"has {size} bytes, more than {limits.packed}")
        head, body, seal, first = _beginning(stream)
        if site and head.site != site:
            raise BundleError("foreign_site", f"was made for the site {head.site!r}, and this is {site!r}")
        if trust is not None:
            _verify(trust, head, first, seal)
        _check_sizes(body, limits)
        offset = stream.tell()
        _check_digest(stream, body, size - offset)
    digest = hashlib.sha256(first).hexdigest()
    signed_by = seal.key if trust is not None else ""
    return Bundle(head, signed_by, seal.key, digest, size, body, limits, data, offset)


def peek(path: Path) -> tuple[Head, str]:
    """What a bundle says of itself, and the key that it names: nothing is checked but the form of that.

    For the site's own files, of which many are there. Raises :class:`BundleError`.
    """
    with _opened(path) as stream:
        head, _body, seal, _line = _beginning(stream)
    return head, seal.key


def pack(head: Head, collections: Iterable[Collection], signer: Signer | None) -> bytes:
    """A bundle in memory. ValueError for a head or a record that no reader would take."""
    out = io.BytesIO()
    _assemble(out, io.BytesIO(), head, collections, signer)
    return out.getvalue()


def write(path: Path, head: Head, collections: Iterable[Collection], signer: Signer | None) -> int:
    """A bundle as a file of its owner's only, whole or not at all; returns its size in bytes.

    ``collections`` are taken one by one. A symbolic link at ``path`` is replaced, not followed. ValueError for a
    head or a record that no reader would take; OSError where the folder cannot be written or is full.
    """
    handle, name = tempfile.mkstemp(prefix=".bundle-", suffix=".tmp", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, tempfile.TemporaryFile(dir=path.parent) as body:
            _assemble(out, body, head, collections, signer)
            out.flush()
            os.fsync(out.fileno())
            size = out.tell()
        fresh.replace(path)
    except BaseException:
        # Also Ctrl-C must not leave a temporary file behind.
        fresh.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return size


def open_plain(path: Path) -> BinaryIO:
    """A regular file, opened for reading: no link is followed, no pipe is waited for, no device is read.

    Raises :class:`BundleError` (``not_a_file``, ``unreadable``).
    """
    try:
        # Opening alone rewinds a tape and wakes whoever writes to a pipe; what is put there just now is met below.
        if stat.S_IFMT(path.lstat().st_mode) not in (stat.S_IFREG, stat.S_IFLNK):
            raise BundleError("not_a_file", _NO_FILE)
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise BundleError("not_a_file", "is a symbolic link: name the file itself") from None
        raise BundleError("unreadable", error.strerror or "cannot be read") from None
    except ValueError:
        raise BundleError("unreadable", "is no name of a file") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise BundleError("not_a_file", _NO_FILE)
    return os.fdopen(handle, "rb")


# --- reading ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(source: bytes | Path) -> Iterator[BinaryIO]:
    with io.BytesIO(source) if isinstance(source, bytes) else open_plain(source) as stream:
        try:
            yield stream
        except OSError as error:
            raise BundleError("unreadable", error.strerror or "cannot be read") from None


def _beginning(stream: BinaryIO) -> tuple[Head, Body, Seal, bytes]:
    """The three lines, and the second as it stands."""
    check_magic(stream.readline(len(MAGIC) + 8))
    first = _line(stream, HEAD_BYTES, "the head")
    head, body = read_head(first)
    return head, body, read_seal(_line(stream, SIGNATURE_BYTES, "the signature")), first


def _line(stream: BinaryIO, most: int, what: str) -> bytes:
    line = stream.readline(most)
    if line.endswith(b"\n"):
        return line
    if len(line) == most:
        raise BundleError("too_large", f"{what} is longer than {most} bytes")
    raise BundleError("truncated", f"{what} has no end")


def _verify(trust: Trust, head: Head, first: bytes, seal: Seal) -> None:
    if not seal.key:
        raise BundleError("unsigned", "carries no signature")
    trust.verify(seal.key, seal.algorithm, message(first, seal.algorithm, seal.key), seal.signature, head.zone)


def _check_sizes(body: Body, limits: Limits) -> None:
    if body.bytes > limits.packed or body.plain_bytes > limits.plain or body.lines > limits.lines:
        raise BundleError(
            "too_large",
            f"says to unpack to {body.plain_bytes} bytes in {body.lines} lines: more than "
            f"{limits.plain} bytes in {limits.lines} lines",
        )


def _check_digest(stream: BinaryIO, body: Body, there: int) -> None:
    if there < body.bytes:
        raise BundleError("truncated", f"{body.bytes - there} bytes are missing at the end")
    if there > body.bytes:
        raise BundleError("changed_byte", f"{there - body.bytes} bytes follow the end")
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    if digest.hexdigest() != body.sha256:
        raise BundleError("changed_byte", "the content is not what was packed")


# --- writing ------------------------------------------------------------------------------------------------


def _assemble(
    out: BinaryIO, space: BinaryIO, head: Head, collections: Iterable[Collection], signer: Signer | None
) -> None:
    """Packs the body into ``space`` first: the head, which comes before it, holds its digest."""
    body = packed(space, collections)
    first = head_line(head, body)
    seal = Seal()
    if signer is not None:
        signature = signer.sign(message(first, signer.algorithm, signer.key_id))
        seal = Seal(signer.algorithm, signer.key_id, signature)
    out.write(MAGIC + first + seal_line(seal))
    space.seek(0)
    while chunk := space.read(CHUNK):
        out.write(chunk)


def _sync_folder(folder: Path) -> None:
    """The rename itself is only safe from a power cut once the folder is synced."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # What is carried away lies on a stick, and some of their file systems sync no folders.
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)

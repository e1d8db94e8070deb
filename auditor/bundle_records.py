"""What became of bundles: a record of each that was taken in, and a shelf for those that were refused.

``state/bundles/<id>.json`` stays when its look is thinned out, so that a bundle which comes back is known again.
``state/quarantine/`` keeps what was refused under the digest of its bytes, whatever its file was called, with the
reason beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydantic import TypeAdapter

from auditor.site import Site
from inventories.bundle import BundleError, open_plain
from inventories.bundle_body import CHUNK, LIMITS
from inventories.faults import clean
from reports.files import write_whole

#: Of what is refused so much is kept: of one file, and of all.
_KEPT_OF_ONE = 64 * 1024**2
_KEPT_OF_ALL = 1024**3
#: A larger file leaves its beginning.
_BEGINNING = 65_536
_NOTE_BYTES = 65_536

T = TypeVar("T", "Record", "Note")


@dataclass(frozen=True, slots=True)
class Record:
    """A bundle that was taken in. Times are ISO text in UTC."""

    id: str
    digest: str
    zone: str
    probes: tuple[str, ...]
    seen_from: str
    seen_until: str
    made_at: str
    program: str
    signed_by: str
    imported_at: str
    observations: int


@dataclass(frozen=True, slots=True)
class Note:
    """A bundle that was refused. ``file`` and ``message`` are safe to show; ``kept_bytes`` of ``bytes`` were kept."""

    file: str
    reason: str
    message: str
    at: str
    bytes: int
    kept_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Incoming:
    """A private copy of a file that may be anything: nobody else can change it while it is judged.

    ``bytes`` is the file's size, ``copied`` how much of it was copied: a file that is larger than any bundle leaves
    its beginning.
    """

    path: Path
    bytes: int
    copied: int
    sha256: str

    @property
    def is_whole(self) -> bool:
        return self.copied == self.bytes


def folder(site: Site) -> Path:
    return site.state / "bundles"


def shelf(site: Site) -> Path:
    return site.state / "quarantine"


@contextlib.contextmanager
def alone(site: Site) -> Iterator[None]:
    """One process at a time, for a moment; another waits. The lock goes with the process, however that ends."""
    home = _made(folder(site))
    handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def copied(site: Site, file: Path) -> Iterator[Incoming]:
    """A copy of a file for as long as the block lasts, unless the block moves it away.

    :class:`BundleError` for what is no file or cannot be read; OSError where there is no room for the copy.
    """
    home = _made(folder(site) / "incoming")
    with open_plain(file) as source:
        with alone(site):
            _sweep(home)
            handle, name = tempfile.mkstemp(prefix="incoming-", dir=home)
            # Held as long as it is in use, so that nobody sweeps it away.
            fcntl.flock(handle, fcntl.LOCK_EX)
        path = Path(name)
        try:
            with os.fdopen(handle, "wb") as sink:
                yield _copy(source, sink, path)
        finally:
            path.unlink(missing_ok=True)


def find(site: Site, bundle: str) -> Record | None:
    """``bundle`` is an id of 32 hexadecimal digits."""
    return _read(folder(site) / f"{bundle}.json", Record)


def records(site: Site) -> list[Record]:
    """Every bundle that was taken in, in the order in which it was seen."""
    found = [_read(path, Record) for path in sorted(folder(site).glob("*.json"))]
    return sorted((one for one in found if one is not None), key=lambda one: (one.seen_until, one.id))


def record(site: Site, one: Record) -> None:
    """Written whole or not at all; OSError where there is no room."""
    _write(_made(folder(site)) / f"{one.id}.json", one)


def notes(site: Site) -> list[tuple[str, Note]]:
    """What was refused: the name on the shelf, and why; oldest first."""
    found = [(path.stem, _read(path, Note)) for path in sorted(shelf(site).glob("*.json"))]
    return sorted(((name, note) for name, note in found if note is not None), key=lambda pair: (pair[1].at, pair[0]))


def quarantine(site: Site, incoming: Incoming, file: Path, error: BundleError, *, at: datetime) -> str:
    """Moves a copy onto the shelf, with a note; returns its name there. The same bytes lie there once.

    OSError where there is no room.
    """
    home = _made(shelf(site))
    name = incoming.sha256[:32]
    if _read(home / f"{name}.json", Note) is not None:
        return name
    there = sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(home))
    room = there + incoming.copied <= _KEPT_OF_ALL
    if not incoming.is_whole or incoming.copied > _KEPT_OF_ONE or not room:
        os.truncate(incoming.path, min(incoming.copied, _BEGINNING) if there <= _KEPT_OF_ALL else 0)
    kept = incoming.path.stat().st_size
    incoming.path.replace(home / f"{name}.bundle")
    _write(
        home / f"{name}.json",
        Note(
            file=clean(os.fsdecode(file), 500),
            reason=error.reason,
            message=clean(error.message, 500),
            at=at.isoformat(timespec="seconds"),
            bytes=incoming.bytes,
            kept_bytes=kept,
            sha256=incoming.sha256,
        ),
    )
    return name


def _copy(source: BinaryIO, sink: BinaryIO, path: Path) -> Incoming:
    """Copies what can be a bundle, and of anything larger the beginning."""
    there = os.fstat(source.fileno()).st_size
    most = LIMITS.packed if there <= LIMITS.packed else _BEGINNING
    size, digest = 0, hashlib.sha256()
    while size < most:
        try:
            chunk = source.read(min(CHUNK, most - size))
        except OSError as error:
            raise BundleError("unreadable", error.strerror or "cannot be read") from None
        if not chunk:
            break
        size += len(chunk)
        digest.update(chunk)
        sink.write(chunk)
    sink.flush()
    return Incoming(path, max(there, size), size, digest.hexdigest())


def _sweep(home: Path) -> None:
    """Removes copies whose process is gone: nobody holds them any more."""
    for left in home.iterdir():
        try:
            handle = os.open(left, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink(missing_ok=True)
        except OSError:
            # In use, or no file of ours.
            continue
        finally:
            os.close(handle)


def _made(home: Path) -> Path:
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home


def _write(path: Path, one: Record | Note) -> None:
    text = json.dumps(asdict(one), ensure_ascii=False, indent=1)
    write_whole(path, text.encode("utf-8", "backslashreplace") + b"\n")


def _read(path: Path, kind: type[T]) -> T | None:
    """None for what is not there, or is not as this program writes it."""
    try:
        with open_plain(path) as stream:
            return TypeAdapter(kind).validate_json(stream.read(_NOTE_BYTES), strict=True)
    except (BundleError, OSError, ValueError):
        return None

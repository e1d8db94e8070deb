"""Where finished shards are kept, so that an interrupted audit goes on where it stood."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Protocol

from inventories.codec import CodecError, collection_from_json, collection_to_json
from inventories.model import Collection

#: A shard of 256 addresses weighs about a megabyte at most; whatever is larger was not written here.
MAX_BYTES = 256 * 1024 * 1024


class ShardStore(Protocol):
    """Keeps what finished shards brought home. ``save`` may raise OSError; ``load`` never does."""

    def load(self, shard_id: str) -> Collection | None: ...

    def save(self, shard_id: str, collection: Collection) -> None: ...


class FileShardStore:
    """One file a shard: a line with the shard's id and the body's digest, then the body.

    A file is written beside its place, synced and renamed; one whose digest does not fit counts as not
    finished. Files are the owner's only.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, shard_id: str) -> Path:
        """The shard's file; its name says nothing of the shard's, which may hold any character."""
        return self.directory / f"{hashlib.sha256(shard_id.encode()).hexdigest()[:32]}.json"

    def load(self, shard_id: str) -> Collection | None:
        """What the shard brought home, or None where it did not finish, or its file is torn or unreadable."""
        try:
            with self.path(shard_id).open("rb") as stream:
                head = stream.readline(65_536)
                body = stream.read(MAX_BYTES)
        except OSError:
            return None
        try:
            label = json.loads(head)
            if label == _label(shard_id, body):
                return collection_from_json(body)
        except (CodecError, ValueError):
            return None
        return None

    def save(self, shard_id: str, collection: Collection) -> None:
        """Keeps a finished shard, whole or not at all. Raises OSError (a full or read-only disk)."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        body = collection_to_json(collection).encode("ascii") + b"\n"
        target = self.path(shard_id)
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(json.dumps(_label(shard_id, body)).encode("ascii") + b"\n")
                stream.write(body)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
        _sync_directory(self.directory)


def _label(shard_id: str, body: bytes) -> dict[str, str]:
    return {"shard": shard_id, "sha256": hashlib.sha256(body).hexdigest()}


def _sync_directory(directory: Path) -> None:
    """The rename itself is only safe from a power cut once the directory is synced."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Snapshots: the immutable state that one audit judged.

A snapshot is a folder of Parquet and JSON files with a manifest of their digests. It is written beside its place
(``.<id>.partial``), synced and renamed: a folder without the dot is whole. It holds everything that a verdict
depends on, so that the same verdicts can be drawn from it in any later year.

======================== ==================================================================================
``<kind>.parquet``       one row per asset: the subject's view, exactly the columns of ``Kind.all_columns``
``assets.parquet``       kind, key, identifiers, zones and collectors of every asset
``facts.parquet``        what every source said: the provenance of every column
``conflicts.parquet``    what sources disagree on
``observations.parquet`` the records as they came in
``keys.parquet``         what this audit called things
``collection.json``      coverage, failures, submissions and waivers
``context.json``         the clock, the site's settings, the program's version
``packs/``               the packs, byte for byte
``lists/``               the official lists, the site's own among them, byte for byte
``outcomes.parquet``     what was judged: written by the application, and compared by a replay
``manifest.json``        size and SHA-256 of each of them
======================== ==================================================================================
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from inventories.again import Known
from inventories.codec import CodecError, collection_from_json, collection_to_json
from inventories.faults import Fault, clean
from inventories.model import Asset, Collection, Identifier, KeyMap
from inventories.stored import each_asset, read_assets, read_known, read_together
from inventories.tables import write_assets, write_keys, write_observations

FORMAT = 1
MANIFEST = "manifest.json"
_COLLECTION, _CONTEXT = "collection.json", "context.json"
_BLOCK = 1 << 20


class SnapshotError(Exception):
    """A snapshot that is not there, or that cannot be read; the message says which and why."""


class Draft:
    """A snapshot being written: a private folder until :meth:`commit`, and gone if that is never reached."""

    def __init__(self, directory: Path, snapshot_id: str) -> None:
        self.id = snapshot_id
        self.final = directory / snapshot_id
        self.path = directory / f".{snapshot_id}.partial"

    def __enter__(self) -> Self:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in leftovers(self.path.parent):
            shutil.rmtree(leftover)
        self.path.mkdir(mode=0o700)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def write(
        self,
        *,
        assets: tuple[Asset, ...],
        collection: Collection,
        keymap: KeyMap,
        context: Mapping[str, object],
        packs: Mapping[str, bytes],
        lists: Mapping[str, bytes] | None = None,
    ) -> None:
        """Everything that is judged. ``packs`` and ``lists`` map names to contents; ``context`` is JSON-able.

        OSError where the disk is full or the folder cannot be written: nothing of the draft then remains.
        """
        write_assets(self.path, assets)
        write_observations(self.path, collection.observations)
        write_keys(self.path, keymap)
        rest = replace(collection, observations=())
        (self.path / _COLLECTION).write_text(collection_to_json(rest), encoding="ascii")
        (self.path / _CONTEXT).write_text(
            json.dumps(context, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
        )
        for folder, files in (("packs", packs), ("lists", lists or {})):
            for name, content in files.items():
                target = self.path / folder / name
                if not target.resolve().is_relative_to((self.path / folder).resolve()):
                    raise ValueError(f"a file of {folder} leaves the snapshot: {name!r}")
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                target.write_bytes(content)

    def commit(self) -> Path:
        """Seals the snapshot and gives it its name. Raises OSError, and leaves no half of one."""
        files = {name: {"bytes": size, "sha256": digest} for name, size, digest in _contents(self.path)}
        body = {"format": FORMAT, "snapshot": self.id, "files": files}
        (self.path / MANIFEST).write_bytes(_manifest(body))
        for folder, _folders, names in os.walk(self.path):
            for name in names:
                _sync(Path(folder) / name)
            _sync(Path(folder))
        self.path.rename(self.final)
        _sync(self.final.parent)
        return self.final


def _manifest(body: Mapping[str, object]) -> bytes:
    """The one spelling of a manifest: any other was not written here."""
    return (json.dumps(body, indent=1, sort_keys=True) + "\n").encode("ascii")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def leftovers(directory: Path) -> list[Path]:
    """Drafts of processes that were killed. Only whoever holds the audit's lock may remove them."""
    return sorted(directory.glob(".*.partial")) if directory.is_dir() else []


def snapshot_ids(directory: Path) -> list[str]:
    """The whole snapshots of a folder, oldest first."""
    if not directory.is_dir():
        return []
    return sorted(p.name for p in directory.iterdir() if not p.name.startswith(".") and (p / MANIFEST).is_file())


class Snapshot:
    """A whole snapshot, read as it is needed. :class:`SnapshotError` where it cannot be."""

    def __init__(self, path: Path) -> None:
        if not (path / MANIFEST).is_file():
            raise SnapshotError(f"{path}: there is no such snapshot")
        self.path = path
        self.id = path.name

    @property
    def packs(self) -> Path:
        return self.path / "packs"

    def context(self) -> dict[str, Any]:
        """The clock (``at``, ``as_of``), the site's settings and whatever else was handed in."""
        body = _json(self.path / _CONTEXT)
        if not isinstance(body, dict):
            raise SnapshotError(f"{self.path / _CONTEXT}: is no mapping")
        return body

    def at(self) -> datetime:
        return datetime.fromisoformat(str(self.context()["at"]))

    def as_of(self) -> date:
        return date.fromisoformat(str(self.context()["as_of"]))

    def collection(self) -> Collection:
        """Coverage, failures, submissions and waivers; the observations stand in their own table."""
        try:
            return collection_from_json((self.path / _COLLECTION).read_bytes())
        except (OSError, CodecError) as error:
            raise SnapshotError(f"{self.path / _COLLECTION}: {error}") from error

    def assets(self) -> tuple[Asset, ...]:
        """Every asset with its facts and conflicts, ordered by kind and key."""
        return read_assets(self.path)

    def each_asset(self) -> Iterator[Asset]:
        """The same one after another: a province's do not fit into memory."""
        yield from each_asset(self.path)

    def known(
        self, kind: str = "", *, keys: Iterable[str] | None = None, zones: Iterable[str] | None = None
    ) -> Iterator[Known]:
        """What every asset was known by, where and by whom: a small part of what :meth:`assets` reads.

        Of one kind only, by its key, or in some zones, where that is given.
        """
        try:
            yield from read_known(self.path, kind, keys=keys, zones=zones)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SnapshotError(f"{self.path}: {error}") from error

    def together(self, kind: str) -> tuple[frozenset[Identifier], ...]:
        """The identifiers that each observation of a kind gave together."""
        return tuple(read_together(self.path, kind))


def verify(path: Path) -> tuple[Fault, ...]:
    """Every file that is missing, added or changed by as much as a byte since the snapshot was sealed."""
    manifest = path / MANIFEST
    try:
        body = _json(manifest)
        named = {str(name): (int(v["bytes"]), str(v["sha256"])) for name, v in body["files"].items()}
        sealed = body["snapshot"]
    except (SnapshotError, KeyError, TypeError, ValueError, AttributeError) as error:
        return (Fault(str(manifest), f"cannot be read: {clean(str(error))}", "restore the snapshot from a backup"),)
    out = []
    if manifest.read_bytes() != _manifest({"format": FORMAT, "snapshot": sealed, "files": body["files"]}):
        out.append(Fault(str(manifest), "was changed after the snapshot was sealed", "restore it from a backup"))
    if sealed != path.name:
        out.append(Fault(str(manifest), f"seals the snapshot {clean(str(sealed))!r}, not {path.name!r}"))
    found = {name: (size, digest) for name, size, digest in _contents(path) if name != MANIFEST}
    for name in sorted(named.keys() | found.keys()):
        where = str(path / name)
        if name not in found:
            out.append(Fault(where, "is missing", "restore it from a backup"))
        elif name not in named:
            out.append(Fault(where, "was added after the snapshot was sealed", "remove it"))
        elif named[name] != found[name]:
            out.append(Fault(where, "was changed after the snapshot was sealed", "restore it from a backup"))
    return tuple(out)


def digest_of(path: Path) -> str:
    """The SHA-256 of a snapshot's manifest, which stands for all of it."""
    return hashlib.sha256((path / MANIFEST).read_bytes()).hexdigest()


def _contents(path: Path) -> Iterator[tuple[str, int, str]]:
    """Relative name, size and digest of every file, in order; a link counts as what it says, not where it leads."""
    for file in sorted(p for p in path.rglob("*") if p.is_symlink() or not p.is_dir()):
        name = file.relative_to(path).as_posix()
        if file.is_symlink():
            yield name, -1, str(file.readlink())
            continue
        digest = hashlib.sha256()
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        yield name, file.stat().st_size, digest.hexdigest()


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{path}: {error}") from error

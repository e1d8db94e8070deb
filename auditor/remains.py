"""What piles up beside snapshots and goes by age: looks that were judged, refused bundles, logs, shards of runs.

A look stays while it is the newest of its zone for any probe, or while no audit has judged it. What lies in these
folders without being ours, and links, are left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.site import Site
from inventories.faults import clean

if TYPE_CHECKING:
    from auditor.ledger.store import Ledger
    from auditor.looks import Look


@dataclass(frozen=True, slots=True)
class Remain:
    """A file or a folder that goes. ``kind`` is look, refused, log or run."""

    kind: str
    path: Path
    bytes: int


def remains(site: Site, ledger: Ledger, now: datetime) -> tuple[tuple[Remain, ...], tuple[str, ...]]:
    """What goes today, and in words what could not be told. LedgerError where the ledger cannot be read."""
    config = site.config.retention
    notes: list[str] = []
    found = [
        *_looks(site, ledger, now - timedelta(days=config.look_days), notes),
        *_aged("refused", site.state / "quarantine", "*", now - timedelta(days=config.refused_days)),
        *_aged("log", site.state / "schedule" / "logs", "*.log", now - timedelta(days=config.log_days)),
        *_runs(site, ledger, now - timedelta(days=config.run_days)),
    ]
    return tuple(found), tuple(notes)


def remove(found: Iterable[Remain]) -> None:
    """Deletes them; what is gone already is gone. OSError where one cannot be removed."""
    for one in found:
        if one.path.is_dir() and not one.path.is_symlink():
            shutil.rmtree(one.path)
        else:
            one.path.unlink(missing_ok=True)


def _looks(site: Site, ledger: Ledger, before: datetime, notes: list[str]) -> Iterator[Remain]:
    from auditor.ledger import looks as rows
    from auditor.looks import kept
    from inventories.bundle import BundleError

    folders = _folders(site.state / "looks")
    if not folders:
        return
    with ledger.reading() as connection:
        judged = rows.judged(connection)
    for folder in folders:
        try:
            looks = kept(site, [folder.name])
        except (BundleError, OSError) as error:
            notes.append(f"the looks of {clean(folder.name, 80)} are left alone: {clean(str(error), 300)}")
            continue
        yield from (Remain("look", one.path, one.path.lstat().st_size) for one in spent(looks, judged, before))


def spent(looks: Iterable[Look], judged: Collection[str], before: datetime) -> list[Look]:
    """The looks of a zone that go: judged, seen before ``before``, and for no probe the newest."""
    from auditor.looks import newest

    looks = tuple(looks)
    standing = {look.id for look in newest(looks).values()}
    return [look for look in looks if look.id in judged and look.id not in standing and look.seen_until < before]


def _runs(site: Site, ledger: Ledger, before: datetime) -> Iterator[Remain]:
    """Shards of audits and of probing that nobody went on with; an audit's own are removed when it is recorded."""
    for folder in _folders(site.state / "runs"):
        if _changed(folder) < before:
            yield Remain("run", folder, size_of(folder))


def _aged(kind: str, home: Path, pattern: str, before: datetime) -> Iterator[Remain]:
    """Files below a folder that nobody has written since ``before``."""
    if home.is_symlink() or not home.is_dir():
        return
    for path in sorted(home.rglob(pattern)):
        if path.is_file() and not path.is_symlink() and _changed(path) < before:
            yield Remain(kind, path, path.lstat().st_size)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; links are not followed."""
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(entry.lstat().st_size for entry in path.rglob("*") if entry.is_symlink() or not entry.is_dir())


def _folders(home: Path) -> list[Path]:
    if home.is_symlink() or not home.is_dir():
        return []
    return sorted(path for path in home.iterdir() if path.is_dir() and not path.is_symlink())


def _changed(path: Path) -> datetime:
    """When a file, or anything in a folder, was last written."""
    paths = (path, *path.rglob("*")) if path.is_dir() else (path,)
    return datetime.fromtimestamp(max(one.lstat().st_mtime for one in paths), UTC)

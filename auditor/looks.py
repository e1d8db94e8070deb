"""Looks: what one zone's probing brought home, kept until a newer one takes its place.

A look is a bundle file (:mod:`inventories.bundle`) under ``state/looks/<zone>/``. It was made here by
``auditor probe``, perhaps through a worker, or carried here and taken in by ``auditor bundle import``. Audits judge
the newest look of every zone, dated by when it was seen (docs/decisions/0010).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from auditor.site import Site
from inventories import __version__
from inventories.bundle import Bundle, Head, peek, read, write
from inventories.model import Collection
from inventories.places import Zone

_NAME = re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{32})\.bundle")
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """One kept look. ``signed_by`` is empty for what this machine saw itself; times are UTC."""

    id: str
    zone: str
    vantage: str
    probes: tuple[str, ...]
    seen_from: datetime
    seen_until: datetime
    made_at: datetime
    signed_by: str
    path: Path
    limits: tuple[tuple[str, str], ...] = ()

    def collection(self) -> Collection:
        """Everything that it brought home. BundleError or OSError where its file is damaged or gone."""
        return Collection.united(read(self.path, trust=None).collections())


def keep(site: Site, data: bytes | Path, bundle: Bundle, *, at: datetime) -> Look:
    """Keeps a bundle that was verified, whole or not at all; the same one again changes nothing.

    ``data`` is the bundle's bytes or its file; ``at`` is not stored, for a look is dated by when it was seen. OSError
    where the disk is full.
    """
    target = _place(site, bundle.head)
    if not target.exists():
        _make_folder(site, target.parent)
        _write(target, data)
    return _look(target, bundle.head, bundle.signed_by)


def head(
    site: str,
    zone: Zone,
    probes: Sequence[str],
    *,
    seen: tuple[datetime, datetime],
    at: datetime,
    kind: str = "look",
    documents: Sequence[str] = (),
    limits: Sequence[tuple[str, str]] = (),
) -> Head:
    """The head of a new look. ``seen`` is when the looking began and ended, ``at`` the present."""
    return Head(
        kind=kind,
        id=secrets.token_hex(16),
        site=site,
        zone=zone.id,
        vantage=zone.vantage,
        probes=tuple(probes),
        seen_from=seen[0],
        seen_until=seen[1],
        made_at=at,
        program=__version__,
        documents=tuple(documents),
        answers="",
        limits=tuple(limits),
    )


def save(site: Site, head: Head, collection: Collection) -> Look:
    """Keeps what this machine saw itself. OSError where the disk is full: then nothing is kept."""
    target = _place(site, head)
    _make_folder(site, target.parent)
    write(target, head, [collection], None)
    return _look(target, head, "")


def folder(site: Site, zone: str) -> Path:
    """``zone`` is one of the site's, so a plain word."""
    return site.state / "looks" / zone


def kept(site: Site, zones: Iterable[str]) -> tuple[Look, ...]:
    """The looks of some zones, oldest first by when they were seen. What else lies in the folders is left alone.

    BundleError or OSError for a file of ours whose head cannot be read: a look that is lost must not pass for none.
    The digest of its content is checked when that is read.
    """
    found = [read_head(path) for path in files(site, zones)]
    return tuple(sorted(found, key=lambda look: (look.seen_until, look.id)))


def files(site: Site, zones: Iterable[str]) -> Iterator[Path]:
    """The looks' files of some zones, by zone and name, which begins with when they saw. OSError."""
    for zone in sorted(set(zones)):
        home = folder(site, zone)
        for path in sorted(home.iterdir()) if home.is_dir() else ():
            if _NAME.fullmatch(path.name):
                yield path


def read_head(path: Path) -> Look:
    """A look by its head alone. BundleError or OSError where that cannot be read."""
    return _look(path, *peek(path))


def newest(looks: Iterable[Look]) -> Mapping[Pair, Look]:
    """(zone, probe) → the look that saw last what that probe can see there."""
    found: dict[Pair, Look] = {}
    for look in sorted(looks, key=lambda look: (look.seen_until, look.id)):
        found.update({(look.zone, probe): look for probe in look.probes})
    return found


def _make_folder(site: Site, home: Path) -> None:
    # Parents that mkdir makes by itself take the process's umask.
    for path in (site.state, home.parent, home):
        path.mkdir(mode=0o700, exist_ok=True)


def _place(site: Site, head: Head) -> Path:
    return folder(site, head.zone) / f"{head.seen_until.astimezone(UTC):%Y%m%dT%H%M%SZ}-{head.id}.bundle"


def _look(path: Path, head: Head, signed_by: str) -> Look:
    return Look(
        id=head.id,
        zone=head.zone,
        vantage=head.vantage,
        probes=head.probes,
        seen_from=head.seen_from,
        seen_until=head.seen_until,
        made_at=head.made_at,
        signed_by=signed_by,
        path=path,
        limits=head.limits,
    )


def _write(target: Path, data: bytes | Path) -> None:
    from reports.files import replacing

    with replacing(target) as fresh:
        if isinstance(data, bytes):
            fresh.write_bytes(data)
        else:
            with data.open("rb") as source, fresh.open("wb") as sink:
                while block := source.read(1 << 20):
                    sink.write(block)
    handle = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

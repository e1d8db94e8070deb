"""Bundles that are carried here by hand: judged in a fixed order, taken in whole or refused with a reason.

The order: what the file is, its format, the site, the key, the signature, the digest, and only then what it unpacks
to, line by line (:mod:`inventories.bundle`); then whether it may say that (:mod:`inventories.bundle_contents`) and by
whose leave it was seen (:mod:`auditor.bundle_leave`). What passes becomes a look of its zone
(:mod:`auditor.looks`), dated by when it was seen; what does not is put into quarantine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor import looks
from auditor.bundle_leave import LeaveThen
from auditor.bundle_records import Incoming, Record, alone, copied, find, quarantine, record
from auditor.errors import Failed
from auditor.site import Site
from auditor.site_trust import keyring
from inventories.bundle import Bundle, BundleError, Head, read
from inventories.bundle_contents import Contents, ground
from inventories.faults import clean
from probes.registry import PROBES
from probes.scope import ZoneScope

#: The clock of a machine that nothing connects to may be ahead by this much.
SKEW = timedelta(minutes=10)
#: There was no program to look with before: a clock that says so is wrong.
FIRST = datetime(2026, 1, 1, tzinfo=UTC)

TAKEN, HISTORY, ALREADY, REFUSED, GOOD = "taken", "history", "already", "refused", "good"


@dataclass(frozen=True, slots=True)
class Examined:
    """A bundle that may be taken in. ``notes`` are for people: nothing in them stands in its way."""

    bundle: Bundle
    observations: int
    covered: int
    failures: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    ``status``: taken (it is the newest look of its zone for some probe), history (a newer one was there), already
    (nothing changed), good (only verified), refused (``reason`` is one of :data:`inventories.bundle.REASONS`,
    ``quarantined`` its name in ``state/quarantine``, empty where there was nothing to keep).
    """

    file: str
    status: str
    message: str = ""
    reason: str = ""
    quarantined: str = ""
    examined: Examined | None = None
    imported_at: str = ""

    @property
    def is_refused(self) -> bool:
        return self.status == REFUSED


def examine(site: Site, path: Path, *, now: datetime) -> Examined:
    """Judges a file; keeps nothing. :class:`BundleError` where it is not to be taken in."""
    bundle = read(path, trust=keyring(site, site.today(now)), site=site.id)
    head = bundle.head
    _check_kind(head)
    scope = _scope(site, head)
    _check_clock(head, now)
    contents = Contents(head, ground(scope.zone, site.places.zones.values(), _clouds(site.scopes)), PROBES)
    contents.check_head()
    leave = LeaveThen(scope, site.timezone)
    leave.check_beginning(head.seen_from)
    for collection in bundle.collections():
        contents.check(collection)
        leave.check(collection)
    notes = tuple(_notes(site, head, leave, now))
    return Examined(bundle, contents.observations, contents.covered, contents.failures, notes)


def verify(site: Site, file: Path, *, now: datetime) -> Outcome:
    """What an import would say of a file. Keeps nothing, not even of what it refuses."""
    try:
        return Outcome(_named(file), GOOD, examined=examine(site, file, now=now))
    except BundleError as error:
        return _refused(file, error)


def take_in(site: Site, file: Path, *, now: datetime) -> Outcome:
    """Takes a bundle in, whole or not at all; one that is there already changes nothing.

    :class:`Failed` where the looks that are there cannot be read; OSError where the disk is full.
    """
    try:
        with copied(site, file) as incoming:
            try:
                if not incoming.is_whole:
                    raise BundleError("too_large", f"has {incoming.bytes} bytes, more than any bundle")
                return _keep(site, file, incoming, examine(site, incoming.path, now=now), now=now)
            except BundleError as error:
                return _refused(file, error, _shelved(site, incoming, file, error, now))
    except BundleError as error:
        return _refused(file, error)


def _keep(site: Site, file: Path, incoming: Incoming, examined: Examined, *, now: datetime) -> Outcome:
    bundle, head = examined.bundle, examined.bundle.head
    with alone(site):
        before = _looks(site, head.zone)
        known = find(site, head.id)
        same = next((look for look in before if look.id == head.id), None)
        there = known.digest if known else _digest(same.path) if same else ""
        if there and there != bundle.digest:
            raise BundleError("replayed", f"another bundle with the id {head.id} was taken in before")
        if same is None and known is None:
            looks.keep(site, incoming.path, bundle, at=now)
        if known is None:
            known = _record(examined, now)
            record(site, known)
    if there:
        return Outcome(_named(file), ALREADY, examined=examined, imported_at=known.imported_at)
    newer = _newer(before, head)
    message = f"a newer look is there for {', '.join(newer)}" if newer else ""
    status = HISTORY if len(newer) == len(set(head.probes)) else TAKEN
    return Outcome(_named(file), status, message, examined=examined, imported_at=known.imported_at)


def _looks(site: Site, zone: str) -> tuple[looks.Look, ...]:
    try:
        return looks.kept(site, [zone])
    except BundleError as error:
        raise Failed(f"a look that is kept here cannot be read: {error.message}") from error


def _digest(path: Path) -> str:
    try:
        return read(path, trust=None).digest
    except BundleError as error:
        raise Failed(f"{path}: {error.message}") from error


def _newer(before: Iterable[looks.Look], head: Head) -> list[str]:
    """The probes of a bundle of which something newer is there already."""
    last = looks.newest(before)
    order = (head.seen_until, head.id)
    there = ((probe, last.get((head.zone, probe))) for probe in dict.fromkeys(head.probes))
    return [probe for probe, look in there if look is not None and (look.seen_until, look.id) > order]


def _record(examined: Examined, now: datetime) -> Record:
    bundle, head = examined.bundle, examined.bundle.head
    return Record(
        id=head.id,
        digest=bundle.digest,
        zone=head.zone,
        probes=head.probes,
        seen_from=head.seen_from.isoformat(),
        seen_until=head.seen_until.isoformat(),
        made_at=head.made_at.isoformat(),
        program=clean(head.program, 80),
        signed_by=bundle.signed_by,
        imported_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        observations=examined.observations,
    )


def _check_kind(head: Head) -> None:
    if head.kind != "offline" or head.answers:
        raise BundleError(
            "replayed", f"is a {head.kind}, which is not carried by hand: 'auditor probe --bundle' makes one"
        )


def _scope(site: Site, head: Head) -> ZoneScope:
    for scope in site.scopes:
        if scope.zone.id == head.zone:
            return scope
    raise BundleError("wrong_zone", f"is of the zone {head.zone!r}, which site.yaml does not have")


def _check_clock(head: Head, now: datetime) -> None:
    mend = "set the clock of the machine that looked, or of this one, and look again"
    if head.seen_from < FIRST:
        raise BundleError("bad_time", f"says to have been seen on {head.seen_from.date()}: {mend}")
    for what, moment in (("seen until", head.seen_until), ("made at", head.made_at)):
        if moment > now + SKEW:
            there, here = f"{moment:%Y-%m-%d %H:%M} UTC", f"{now:%Y-%m-%d %H:%M} UTC"
            raise BundleError("bad_time", f"says to have been {what} {there}, and here it is {here}: {mend}")


def _notes(site: Site, head: Head, leave: LeaveThen, now: datetime) -> Iterable[str]:
    zone = site.zone(head.zone)
    if leave.outside:
        yield f"{leave.outside} observations were made outside the hours that the authorisations allow"
    if now - head.seen_until > timedelta(days=zone.valid_days):
        days = (now - head.seen_until).days
        yield f"seen {days} days ago: it stands for its zone for {zone.valid_days} days only (valid_days)"
    if zone.by != "bundle":
        yield f"site.yaml says 'by: {zone.by}' of this zone: only 'auditor audit --collected' judges what was carried"


def _clouds(scopes: Iterable[ZoneScope]) -> dict[str, list[str]]:
    return {
        scope.zone.id: [
            scope.zone.cloud_code,
            *(one.cloud for one in scope.access.vsphere),
            *(one.cloud for one in scope.access.openstack),
        ]
        for scope in scopes
    }


def _shelved(site: Site, incoming: Incoming, file: Path, error: BundleError, now: datetime) -> str:
    # What this machine cannot check may be good: there is nothing to keep from anybody.
    return "" if error.reason == "cannot_verify" else quarantine(site, incoming, file, error, at=now)


def _refused(file: Path, error: BundleError, quarantined: str = "") -> Outcome:
    return Outcome(_named(file), REFUSED, clean(error.message, 500), error.reason, quarantined)


def _named(file: Path) -> str:
    return clean(str(file), 500)

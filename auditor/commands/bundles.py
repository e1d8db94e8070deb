"""``bundle verify``, ``import``, ``list`` and ``key``: what is carried here by hand."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from auditor import bundles, clock
from auditor.bundle_records import notes, records, shelf
from auditor.bundles import Examined, Outcome
from auditor.errors import Exit, Failed, Refused
from auditor.output import print_json, print_table, write
from auditor.site import Site, load_site
from inventories.bundle import BundleError
from inventories.bundle_head import KEY_ID, SLUG
from inventories.faults import clean
from inventories.signing import NewKey, SigningError, new_key

_WORDS = {
    bundles.TAKEN: "taken in",
    bundles.HISTORY: "taken in as history",
    bundles.ALREADY: "is here already, and nothing changed",
    bundles.GOOD: "good",
}


def verify(root: Path, files: Sequence[Path], *, as_json: bool) -> int:
    site = load_site(root)
    now = clock.utc_now()
    return _tell(site, [bundles.verify(site, file, now=now) for file in files], as_json=as_json)


def take_in(root: Path, files: Sequence[Path], *, as_json: bool) -> int:
    """Every file is judged, whatever became of those before it."""
    site = load_site(root)
    now = clock.utc_now()
    return _tell(site, [bundles.take_in(site, file, now=now) for file in files], as_json=as_json)


def list_all(root: Path, *, refused: bool, as_json: bool) -> int:
    site = load_site(root)
    if refused:
        return _list_refused(site, as_json=as_json)
    standing = _standing(site)
    keys = {key.id: key for key in site.config.keys}
    today = site.today(clock.utc_now())
    rows = []
    for one in records(site):
        key = keys.get(one.signed_by)
        revoked = key is not None and key.revoked is not None and key.revoked <= today
        rows.append((one, standing.get(one.id, "removed"), revoked))
    if as_json:
        print_json([{**asdict(one), "state": state, "key_revoked": gone} for one, state, gone in rows])
        return Exit.DONE
    print_table(
        ("bundle", "zone", "probes", "seen until", "signed by", "taken in", "observations", "state"),
        (
            (
                one.id[:12],
                one.zone,
                " ".join(one.probes),
                _local(site, one.seen_until),
                one.signed_by + (" (revoked)" if gone else ""),
                _local(site, one.imported_at),
                one.observations,
                state,
            )
            for one, state, gone in rows
        ),
        none="no bundle was taken in",
    )
    return Exit.DONE


def make_key(file: Path, *, key_id: str, zones: Sequence[str], sm2: bool, as_json: bool) -> int:
    """:class:`Refused` where the file is there, the name is none, or this machine has no SM2."""
    if odd := [zone for zone in zones if not SLUG.fullmatch(zone)]:
        raise Refused(*(f"--zone {zone!r} is no zone's id" for zone in odd))
    name = key_id or (file.stem if KEY_ID.fullmatch(file.stem) else "")
    try:
        made = new_key(name, algorithm="sm2-sm3" if sm2 else "ed25519")
    except (SigningError, ValueError) as error:
        raise Refused(str(error)) from None
    _write_new(file, made.private)
    if as_json:
        print_json(
            {
                "id": made.id,
                "algorithm": made.public.algorithm,
                "public": str(made.public),
                "fingerprint": made.public.fingerprint,
                "private": str(file),
                "zones": list(zones),
            }
        )
        return Exit.DONE
    for line in _key_lines(file, made, zones):
        write(line)
    return Exit.DONE


def _key_lines(file: Path, made: NewKey, zones: Sequence[str]) -> Iterator[str]:
    yield f"# the private key is in {file}: it stays on the machine that looks, and nobody else reads it"
    yield f"# SHA-256 of the public key, to be compared over the telephone: {made.public.fingerprint}"
    yield "# these lines go into the bureau's site.yaml:"
    yield "keys:"
    yield f"  - id: {made.id}"
    yield f"    public: {made.public}"
    yield f"    zones: [{', '.join(zones) or 'ZONE'}]"


def _write_new(file: Path, content: bytes) -> None:
    """A new file of its owner's only; never over another one, nor through a link."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise Refused(f"{file} is there already: a key is never written over another") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            file.unlink()
        raise


def _tell(site: Site, outcomes: Sequence[Outcome], *, as_json: bool) -> int:
    refused = [outcome for outcome in outcomes if outcome.is_refused]
    if as_json:
        print_json([_json(site, outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            for line in _lines(site, outcome):
                write(line)
    return Exit.PARTIAL if refused else Exit.DONE


def _lines(site: Site, outcome: Outcome) -> Iterator[str]:
    if outcome.is_refused:
        kept = f"; kept as {shelf(site) / outcome.quarantined}.bundle" if outcome.quarantined else ""
        yield f"{outcome.file}: refused ({outcome.reason}): {outcome.message}{kept}"
        return
    words = _WORDS[outcome.status] + (f" ({outcome.message})" if outcome.message else "")
    if outcome.examined is None:
        yield f"{outcome.file}: {words}"
        return
    head = outcome.examined.bundle.head
    seen = f"{_local(site, head.seen_from)} to {_local(site, head.seen_until)}"
    counts = f"{outcome.examined.observations} observations, {outcome.examined.failures} failures"
    who = f"signed by {outcome.examined.bundle.signed_by}"
    yield f"{outcome.file}: {words}: zone {head.zone}, {' '.join(head.probes)}, seen {seen}, {counts}, {who}"
    for note in outcome.examined.notes:
        yield f"  note: {note}"


def _json(site: Site, outcome: Outcome) -> dict[str, object]:
    body: dict[str, object] = {
        "file": outcome.file,
        "status": outcome.status,
        "reason": outcome.reason,
        "message": outcome.message,
        "quarantined": str(shelf(site) / f"{outcome.quarantined}.bundle") if outcome.quarantined else "",
        "imported_at": outcome.imported_at,
    }
    return body | (_content(outcome.examined) if outcome.examined else {})


def _content(examined: Examined) -> dict[str, object]:
    bundle, head = examined.bundle, examined.bundle.head
    return {
        "id": head.id,
        "digest": bundle.digest,
        "zone": head.zone,
        "vantage": head.vantage,
        "probes": list(head.probes),
        "seen_from": head.seen_from.isoformat(),
        "seen_until": head.seen_until.isoformat(),
        "made_at": head.made_at.isoformat(),
        "program": clean(head.program, 80),
        "documents": [clean(text, 200) for text in head.documents],
        "signed_by": bundle.signed_by,
        "observations": examined.observations,
        "coverage": examined.covered,
        "failures": examined.failures,
        "notes": list(examined.notes),
    }


def _standing(site: Site) -> dict[str, str]:
    """Id of each look that is here → newest, where it is that for some probe of its zone, or history."""
    from auditor import looks

    try:
        kept = looks.kept(site, [zone.id for zone in site.config.zones])
    except BundleError as error:
        raise Failed(f"a look that is kept here cannot be read: {error.message}") from error
    last = {look.id for look in looks.newest(kept).values()}
    return {look.id: "newest" if look.id in last else "history" for look in kept}


def _list_refused(site: Site, *, as_json: bool) -> int:
    found = notes(site)
    if as_json:
        print_json([{"name": name, **asdict(note)} for name, note in found])
        return Exit.DONE
    print_table(
        ("refused", "on", "file", "reason", "what", "bytes"),
        (
            (name[:12], _local(site, note.at), note.file, note.reason, note.message, note.bytes)
            for name, note in found
        ),
        none="no bundle was refused",
    )
    return Exit.DONE


def _local(site: Site, moment: str | datetime) -> str:
    """A time as the site's people read it."""
    parsed = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{parsed.astimezone(site.timezone):%Y-%m-%d %H:%M}"

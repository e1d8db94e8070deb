"""``probe``: looks, and judges nothing. What was seen is kept to be judged later, or written to be carried away."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.authorise import Leave, authorise, refuse_if_stopped
from auditor.errors import Exit, Refused
from auditor.output import print_json, say, write
from auditor.running import Request, chosen_probes
from auditor.site import Site, load_site
from inventories.faults import clean
from inventories.model import Collection
from probes.secrets import Secret

if TYPE_CHECKING:
    from inventories.bundle import Head
    from inventories.signing import KeySigner
    from probes.base import Probe
    from probes.run import Event
    from probes.scope import Permit
    from reports.progress import Progress

#: Finished shards of a run that was stopped are taken up again for so many hours.
RESUME_HOURS = 24


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one zone's probing came to."""

    head: Head
    collection: Collection
    path: Path

    def body(self) -> dict[str, object]:
        failures = self.collection.failures
        return {
            "zone": self.head.zone,
            "id": self.head.id,
            "probes": list(self.head.probes),
            "seen_from": self.head.seen_from.isoformat(),
            "seen_until": self.head.seen_until.isoformat(),
            "observations": len(self.collection.observations),
            "complete": not failures,
            "problems": list(dict.fromkeys(f"{f.collector}: {f.reason}: {f.message}" for f in failures)),
            "file": str(self.path),
        }


def probe(
    root: Path,
    *,
    zones: Sequence[str],
    probes: Sequence[str],
    resume: bool,
    bundle: Path | None,
    key: str | None,
    as_json: bool,
) -> int:
    """Looks at the zones one after another. Exit 4 where something was not looked at to the end."""
    from reports.progress import progress

    site = load_site(root)
    chosen = chosen_probes(Request(tuple(zones), tuple(probes)))
    signer = _signer(bundle, key, zones)
    refuse_if_stopped(site)
    leave = _leave(site, zones, carried_away=bundle is not None)
    done: list[_Seen] = []
    with progress() as drawing:
        for permit in leave.permits:
            done.append(_look(site, permit, chosen, resume, bundle, signer, drawing))
    _tell(done, leave, as_json=as_json)
    whole = not leave.refusals and not any(one.collection.failures for one in done)
    return Exit.DONE if whole else Exit.PARTIAL


def _signer(bundle: Path | None, key: str | None, zones: Sequence[str]) -> KeySigner | None:
    """The key that a bundle is signed with. :class:`Refused` before anything is sent."""
    from auditor.site_trust import signer
    from probes.secrets import SecretMissing

    if bundle is None:
        if key is not None:
            raise Refused("--key signs a bundle: name its file with --bundle")
        return None
    if key is None:
        raise Refused(
            "a bundle is carried by hand, and must be signed: add --key file:/path/of/a/private/key",
            "'auditor bundle key FILE' makes one",
        )
    if len(zones) != 1:
        raise Refused("a bundle is of one zone: name it with --zone")
    if not bundle.parent.is_dir():
        raise Refused(f"{bundle.parent}: there is no such folder")
    try:
        return signer(Secret.parse(key))
    except (ValueError, SecretMissing) as error:
        raise Refused(f"--key: {error}") from None


def _leave(site: Site, zones: Sequence[str], *, carried_away: bool) -> Leave:
    """Leave to look, or :class:`Refused`. Who carries a bundle stands inside the zone, and may look at any."""
    from auditor.intake import read_registers

    now = clock.utc_now()
    registers = read_registers(site, now)
    elsewhere = [zone.id for zone in site.config.zones if zone.by == "bundle" and not carried_away]
    if asked := [zone for zone in zones if zone in elsewhere]:
        raise Refused(
            *(f"{zone} is looked at from inside, and brought here as a bundle" for zone in asked),
            "'auditor probe --zone ZONE --bundle FILE --key …' there, 'auditor bundle import FILE' here",
        )
    leave = authorise(site, zones, now, registers=registers, probed=lambda zone: zone not in elsewhere)
    for refusal in leave.refusals:
        say(f"{refusal.zone.id}: not one packet: {clean(refusal.message)}")
    if not leave.permits:
        raise Refused("nothing was probed")
    return leave


def _look(
    site: Site,
    permit: Permit,
    probes: Sequence[Probe],
    resume: bool,
    bundle: Path | None,
    signer: KeySigner | None,
    drawing: Progress,
) -> _Seen:
    from auditor import looks
    from auditor.commands.audit import tell
    from auditor.probing import look
    from inventories.bundle import write as write_bundle

    zone, began = permit.zone, clock.utc_now()
    home = site.state / "looking" / zone.id

    def on_event(event: Event) -> None:
        tell(drawing, event)

    given = [probe for probe in probes if permit.access.gives(probe.name)]
    sight = look(
        site,
        given,
        [permit],
        home=home,
        anew=not resume or not _is_recent(home, began),
        command="auditor probe",
        go_on=f"'auditor probe --resume --zone {zone.id} --site {site.root}'",
        clock=clock.utc_now,
        on_event=on_event,
    )
    ended = clock.utc_now()
    head = looks.head(
        site.id,
        zone,
        [probe.name for probe in given],
        seen=(_first(sight.collection, began), ended),
        at=ended,
        kind="look" if bundle is None else "offline",
        documents=permit.documents,
        limits=[(probe, text) for probe, texts in sight.limits.items() for text in texts],
    )
    if bundle is None:
        path = looks.save(site, head, sight.collection).path
    else:
        write_bundle(bundle, head, [sight.collection], signer)
        path = bundle
    shutil.rmtree(home, ignore_errors=True)
    return _Seen(head, sight.collection, path)


def _is_recent(home: Path, now: datetime) -> bool:
    shards = home / "shards"
    if not shards.is_dir():
        return False
    age = now.timestamp() - max((path.stat().st_mtime for path in shards.iterdir()), default=0.0)
    return age <= RESUME_HOURS * 3600


def _first(seen: Collection, began: datetime) -> datetime:
    """When the looking began: of a run that was taken up again, when its first shard did."""
    times = [o.observed_at for o in seen.observations] + [c.started_at for c in seen.coverage]
    return min([began, *times])


def _tell(done: Sequence[_Seen], leave: Leave, *, as_json: bool) -> None:
    if as_json:
        refused = [{"zone": r.zone.id, "reason": r.reason, "message": r.message} for r in leave.refusals]
        print_json({"looks": [one.body() for one in done], "refused": refused})
        return
    for one in done:
        body = one.body()
        write(f"{one.head.zone}: {body['observations']} observations, kept in {clean(str(one.path), 300)}")
        for problem in dict.fromkeys(f"{f.collector}: {f.reason}: {f.message}" for f in one.collection.failures):
            write(f"  not looked at to the end: {clean(problem, 300)}")

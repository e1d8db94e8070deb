"""Sending packets: the permitted zones are looked at by this machine, or by workers inside them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.authorise import Leave
from auditor.errors import Interrupted
from auditor.faring import limit_words
from auditor.lock import AuditLock
from auditor.running import resume_command, run_folder
from auditor.site import Site
from inventories.model import Collection

if TYPE_CHECKING:
    from probes.base import Probe
    from probes.run import Event
    from probes.scope import Permit


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen, and by probe what could not be from where it looked (in the bureau's language)."""

    collection: Collection = field(default_factory=Collection)
    limits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def probe_zones(
    site: Site,
    probes: Sequence[Probe],
    leave: Leave,
    *,
    run: str,
    clock: Callable[[], datetime],
    on_event: Callable[[Event], None],
) -> Sight:
    """Looks at every permitted zone; finished shards are kept until the audit is recorded.

    :class:`Interrupted` where it was stopped on the way, LockHeld where somebody else looks at one of the zones.
    """
    if not leave.permits:
        return Sight()
    asked = [zone.id for zone in leave.zones] if leave.left_out else []
    return look(
        site,
        probes,
        leave.permits,
        home=run_folder(site, run),
        command="auditor audit",
        go_on=resume_command(site, asked),
        clock=clock,
        on_event=on_event,
    )


def look(
    site: Site,
    probes: Sequence[Probe],
    permits: Sequence[Permit],
    *,
    home: Path,
    command: str,
    go_on: str,
    anew: bool = False,
    clock: Callable[[], datetime],
    on_event: Callable[[Event], None],
) -> Sight:
    """One run of the probes over the permits. ``home`` keeps finished shards, ``go_on`` is what to type after a stop.

    Each zone is looked at by one process at a time, so that its rate is kept; with ``anew`` that process forgets
    the shards of an earlier run.
    """
    from auditor.workers.centre import far
    from probes.base import Stop
    from probes.run import FileShardStore, run_probes

    stop = Stop()
    with ExitStack() as held:
        held.enter_context(_alone(site, permits, command, clock()))
        if anew:
            shutil.rmtree(home, ignore_errors=True)
        (home / "work").mkdir(mode=0o700, parents=True, exist_ok=True)
        there = held.enter_context(far(site, permits, home=home, now=clock))
        looking = [there.wrap(probe) for probe in probes]
        seen = run_probes(
            looking,
            permits,
            workdir=home / "work",
            stop=stop,
            now=clock,
            on_event=on_event,
            store=FileShardStore(home / "shards"),
            stop_file=site.stop_file,
            far=frozenset(there.posts),
        )
    if stop.is_set:
        raise Interrupted(f"{go_on} goes on; finished shards are not scanned again")
    return Sight(seen, {probe.name: limit_words(probe.limits(permits)) for probe in looking})


@contextmanager
def _alone(site: Site, permits: Sequence[Permit], command: str, now: datetime) -> Iterator[None]:
    folder = site.state / "locks"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as held:
        for zone in sorted(permit.zone.id for permit in permits):
            held.enter_context(AuditLock(folder / zone, command=f"{command} (zone {zone})", now=now))
        yield

"""Running an audit: its id and its end in the ledger, its stages on the clock, its probes on the network."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.errors import Exit, Failed, Interrupted, Refused
from auditor.ledger.errors import LedgerError
from auditor.site import Site
from auditor.site_zones import ZoneConfig
from inventories.faults import Faults

if TYPE_CHECKING:
    from auditor.ledger.records import AuditRow
    from auditor.ledger.store import Ledger
    from probes.base import Probe


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: which zones and probes (empty: all), and whether to go on with an unfinished audit."""

    zones: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    resume: bool = False
    command: str = "auditor audit"
    #: Only to judge what was brought home; nothing is probed.
    collected: bool = False

    def looks_at(self, zone: ZoneConfig) -> bool:
        """Whether a zone is looked at now, if there is leave to."""
        return not self.collected and zone.by != "bundle"

    def takes(self, zone: ZoneConfig) -> bool:
        """Whether a zone's newest look is taken. One probe's run is no occasion to judge what the others saw."""
        asked = not self.zones or zone.id in self.zones
        return asked and not self.probes and not self.looks_at(zone)


@dataclass(slots=True)
class Stages:
    """How long each stage took, in seconds, for the metrics."""

    seconds: dict[str, float] = field(default_factory=dict)
    enter: Callable[[str], None] = lambda _name: None

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.enter(name)
        start = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - start


def utc_now() -> datetime:
    return clock.utc_now()


def chosen_probes(request: Request) -> tuple[Probe, ...]:
    """The probes that were asked for; :class:`Refused` for one that there is not."""
    from probes.registry import PROBES

    if request.collected and (request.probes or request.resume):
        raise Refused("--collected judges what was brought home: it goes with neither --probe nor --resume")
    unknown = [name for name in request.probes if name not in PROBES]
    if unknown:
        raise Refused(*(f"unknown probe {name!r}: one of {', '.join(PROBES)}" for name in unknown))
    return tuple(make() for name, make in PROBES.items() if not request.probes or name in request.probes)


def begin(ledger: Ledger, site: Site, request: Request, *, packs: Mapping[str, str], at: datetime) -> str:
    """A new audit's id, or that of the unfinished one that goes on."""
    from auditor.ledger.records import Opening
    from inventories import __version__

    if request.resume:
        return ledger.resume_audit(unfinished(ledger, site, request).id, at=at).id
    run = ledger.begin_audit(
        Opening(version=__version__, command=request.command, zones=request.zones, packs=packs), at=at
    )
    for leftover in run_folders(site):
        if leftover.name != run:
            shutil.rmtree(leftover, ignore_errors=True)
    return run


def unfinished(ledger: Ledger, site: Site, request: Request) -> AuditRow:
    """The audit that ``--resume`` goes on with: the newest, if it did not end, and of the same zones.

    An older one is past: what a later audit recorded must not be followed by what was seen before it.
    """
    from auditor.ledger.records import Status

    newest = ledger.audits(limit=1)
    if not newest or newest[0].recorded_at is not None or newest[0].status in (Status.DONE, Status.PARTIAL):
        raise Refused("there is no unfinished audit to go on with", f"'auditor audit --site {site.root}' starts one")
    if set(newest[0].zones) != set(request.zones):
        raise Refused("the unfinished audit was of other zones", resume_command(site, newest[0].zones) + " goes on")
    return newest[0]


def resume_command(site: Site, zones: Iterable[str]) -> str:
    """What to type to go on with an audit of these zones (none: of all)."""
    chosen = "".join(f" --zone {zone}" for zone in zones)
    return f"'auditor audit --resume{chosen} --site {site.root}'"


def run_folder(site: Site, run: str) -> Path:
    return site.state / "runs" / run


def run_folders(site: Site) -> list[Path]:
    folder = site.state / "runs"
    return [entry for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []


@contextmanager
def closing_run(ledger: Ledger, run: str, clock: Callable[[], datetime]) -> Iterator[None]:
    """Notes in the ledger how the audit ended, whichever way it does; a killed one says "running" to the next."""
    from auditor.ledger.records import Status

    status, exit_status, message = Status.FAILED, Exit.FAILED, ""
    try:
        yield
        status = ledger.audit(run).status
        exit_status = Exit.PARTIAL if status is Status.PARTIAL else Exit.DONE
    except (KeyboardInterrupt, Interrupted):
        status, exit_status = Status.INTERRUPTED, Exit.INTERRUPTED
        raise
    except (OSError, Faults, LedgerError, Failed) as error:
        message = str(error)
        raise
    finally:
        # Once its findings are recorded an audit has happened, whatever became of the papers afterwards.
        recorded = ledger.audit(run).recorded_at is not None
        ledger.finish_audit(
            run,
            at=clock(),
            exit_status=exit_status,
            status=None if recorded else status,
            message=message,
        )

"""The whole audit on one page. Read this first.

    registers + probes  →  observations, coverage, failures        collect
                        →  assets with provenance                  reconcile, infer      (pure)
                        →  an immutable snapshot                   snapshot
                        →  verdicts                                evaluate              (pure)
                        →  findings with a life                    record
                        →  summary, metrics, ledger, notices       render

Two things hold it together. A snapshot and its outcomes become visible in one rename, and an audit is recorded
in one transaction: killed at any moment, it has happened whole or not at all. And what was not seen is carried
along as coverage and failures to the very end, so that nothing is concluded from silence.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.authorise import Leave, authorise, refuse_if_stopped
from auditor.errors import Exit, Failed, Interrupted, Refused
from auditor.intake import packs_in_force, read_registers
from auditor.judging import judge
from auditor.ledger.errors import LedgerError
from auditor.recalling import Recall
from auditor.site import Site
from inventories.faults import Faults
from inventories.model import Collection
from reports.model import AuditView, Changes, Written

if TYPE_CHECKING:
    from auditor.ledger.store import Ledger
    from inventories.registers import RegisterResult
    from probes.base import Probe
    from probes.run import Event


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for: which zones and probes (empty: all), and whether to go on with an unfinished audit."""

    zones: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    resume: bool = False
    command: str = "auditor audit"


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit came to. ``status`` is the exit status, before ``--fail-on``."""

    view: AuditView
    written: Written
    changes: Changes
    registers: RegisterResult
    leave: Leave
    status: Exit


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
    return datetime.now(UTC)


def audit(
    site: Site,
    request: Request,
    *,
    clock: Callable[[], datetime] = utc_now,
    on_event: Callable[[Event], None] = lambda _event: None,
    on_stage: Callable[[str], None] = lambda _name: None,
) -> Audited:
    """Audits a site: the main job.

    Raises :class:`Refused` where nothing may be probed or somebody else audits, :class:`Interrupted` when it was
    stopped on the way (``--resume`` goes on), and :class:`Failed` or the error of the store where it cannot go on.
    """
    from auditor.faring import limit_words
    from auditor.ledger.records import Status
    from auditor.ledger.store import Ledger
    from auditor.lock import AuditLock
    from auditor.overview import overview, zones_fared
    from auditor.papers import write_papers
    from inventories.infer import infer
    from inventories.reconcile import reconcile

    started = clock()
    refuse_if_stopped(site)
    packs = packs_in_force(site)
    probes = chosen_probes(request)
    registers = read_registers(site)
    leave = authorise(site, request.zones, started, withheld=registers.withheld)
    if leave.refusals and not leave.permits:
        raise Refused(*(f"{refusal.zone.id}: {refusal.message}" for refusal in leave.refusals), "nothing was probed")
    stages = Stages(enter=on_stage)
    site.state.mkdir(mode=0o700, parents=True, exist_ok=True)

    with AuditLock(site.state / "lock", command=request.command, now=started), Ledger.open(site.ledger) as ledger:
        run = begin(ledger, site, request, packs={pack.id: pack.digest for pack in packs}, at=started)
        with closing_run(ledger, run, clock):
            with stages.stage("collect"):
                probed = probe_zones(site, probes, leave, run=run, clock=clock, on_event=on_event)
                refused = Collection(failures=leave.failures([probe.name for probe in probes], started))
                collected = registers.collection + probed + refused
                complete = not collected.failures and not registers.faults
            with stages.stage("reconcile"):
                today = site.today(started)
                reconciled = reconcile(
                    collected,
                    places=site.places,
                    keymap=ledger.key_map(),
                    today=today,
                    site=site.id,
                    timezone=site.timezone,
                )
                reconciled = infer(
                    reconciled, collected, places=site.places, today=today, site=site.id, timezone=site.timezone
                )
            with stages.stage("evaluate"):
                judged = judge(site, run, packs=packs, reconciled=reconciled, collected=collected, at=started)
            with stages.stage("record"):
                recall = Recall(site, judged, leave, ledger)
                recorded = ledger.record(
                    run,
                    snapshot=judged.snapshot,
                    at=started,
                    seen=judged.seen(),
                    sight_of=recall.sight_of,
                    terms=recall.terms(),
                    key_map=judged.keymap,
                    probe_runs=[one.run(clock()) for one in zones_fared(site, judged)],
                    status=Status.DONE if complete else Status.PARTIAL,
                    outcome_digest=judged.evaluation.digest,
                )
            with stages.stage("render"):
                view = overview(
                    site,
                    ledger,
                    judged,
                    ledger.audit(run),
                    now=clock(),
                    changes=recorded.changes,
                    words={name: change.value for name, change in recorded.words.items()},
                    stages=stages.seconds,
                    limits=limit_words(limit for probe in probes for limit in probe.limits(leave.permits)),
                )
                written = write_papers(site, view, judged, registers)
            shutil.rmtree(run_folder(site, run), ignore_errors=True)
    return Audited(view, written, recorded.changes, registers, leave, Exit.DONE if complete else Exit.PARTIAL)


def chosen_probes(request: Request) -> tuple[Probe, ...]:
    """The probes that were asked for; :class:`Refused` for one that there is not."""
    from probes.registry import PROBES

    unknown = [name for name in request.probes if name not in PROBES]
    if unknown:
        raise Refused(*(f"unknown probe {name!r}: one of {', '.join(PROBES)}" for name in unknown))
    return tuple(make() for name, make in PROBES.items() if not request.probes or name in request.probes)


def begin(ledger: Ledger, site: Site, request: Request, *, packs: Mapping[str, str], at: datetime) -> str:
    """A new audit's id, or that of the unfinished one that goes on."""
    from auditor.ledger.records import Opening, Status
    from inventories import __version__

    if request.resume:
        unfinished = ledger.audits(Status.RUNNING, Status.INTERRUPTED, Status.FAILED, limit=1)
        if not unfinished or unfinished[0].recorded_at is not None:
            raise Refused(
                "there is no unfinished audit to go on with", f"'auditor audit --site {site.root}' starts one"
            )
        return ledger.resume_audit(unfinished[0].id, at=at).id
    run = ledger.begin_audit(
        Opening(version=__version__, command=request.command, zones=request.zones, packs=packs), at=at
    )
    for leftover in run_folders(site):
        if leftover.name != run:
            shutil.rmtree(leftover, ignore_errors=True)
    return run


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


def probe_zones(
    site: Site,
    probes: tuple[Probe, ...],
    leave: Leave,
    *,
    run: str,
    clock: Callable[[], datetime],
    on_event: Callable[[Event], None],
) -> Collection:
    """Looks at every permitted zone; finished shards are kept until the audit is recorded."""
    from probes.base import Stop
    from probes.run import FileShardStore, run_probes

    home = run_folder(site, run)
    (home / "work").mkdir(mode=0o700, parents=True, exist_ok=True)
    stop = Stop()
    seen = run_probes(
        probes,
        leave.permits,
        workdir=home / "work",
        stop=stop,
        now=clock,
        on_event=on_event,
        store=FileShardStore(home / "shards"),
        stop_file=site.stop_file,
    )
    if stop.is_set:
        raise Interrupted(
            f"'auditor audit --resume --site {site.root}' goes on; finished shards are not scanned again"
        )
    return seen

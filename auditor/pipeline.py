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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.authorise import Leave, authorise, refuse_if_stopped
from auditor.catalogue import check_catalogue
from auditor.collecting import Looked, collect
from auditor.errors import Exit, Refused
from auditor.intake import packs_in_force, read_registers
from auditor.judging import Judged, judge
from auditor.recalling import Recall
from auditor.running import Request, Stages, begin, chosen_probes, closing_run, run_folder, utc_now
from auditor.site import Site
from inventories.steady import without_cycle_collection
from reports.model import AuditView, Changes, Written

if TYPE_CHECKING:
    from auditor.ledger.store import Ledger
    from inventories.registers import RegisterResult
    from policies.model import Pack
    from probes.run import Event


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit came to. ``status`` is the exit status, before ``--fail-on``.

    ``registers`` and ``looked`` are without their observations: those stand in the snapshot.
    """

    view: AuditView
    written: Written
    changes: Changes
    registers: RegisterResult
    leave: Leave
    looked: Looked
    status: Exit
    #: What people should know besides: waivers that end soon, cases that time or a reorganisation changed.
    notes: tuple[str, ...] = ()


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
    from auditor.ledger.holding import hold
    from auditor.ledger.store import Ledger
    from auditor.overview import overview
    from auditor.papers import write_papers
    from auditor.trends import note_audit

    started = clock()
    if not request.collected:
        refuse_if_stopped(site)
    packs = packs_in_force(site)
    check_catalogue(site)
    probes = chosen_probes(request)
    registers = read_registers(site, started)
    leave = authorise(
        site, request.zones, started, registers=registers, probed=lambda zone: request.looks_at(site.zone(zone))
    )
    if leave.refusals and not leave.permits:
        raise Refused(*(f"{refusal.zone.id}: {refusal.message}" for refusal in leave.refusals), "nothing was probed")
    stages = Stages(enter=on_stage)
    site.state.mkdir(mode=0o700, parents=True, exist_ok=True)

    with hold(site, "audit", command=request.command, now=started), Ledger.open(site.ledger) as ledger:
        run = begin(ledger, site, request, packs={pack.id: pack.digest for pack in packs}, at=started)
        with closing_run(ledger, run, clock):
            with stages.stage("collect"):
                looked = collect(
                    site, request, probes, leave, ledger, registers, run=run, clock=clock, on_event=on_event
                )
            done = _concluded(
                site, run, packs, registers, looked, ledger, started=started, clock=clock, stages=stages
            )
            # From here on everything is read from the snapshot: a city's observations are gigabytes.
            registers, looked = registers.without_observations(), looked.without_observations()
            with stages.stage("render"):
                view = overview(
                    done.site,
                    ledger,
                    done.judged,
                    ledger.audit(run),
                    now=clock(),
                    changes=done.changes,
                    words=done.words,
                    stages=stages.seconds,
                    limits=looked.limits,
                )
                written = write_papers(done.site, view, done.judged, registers)
            note_audit(done.site, ledger, view, stages.seconds, now=clock())
            shutil.rmtree(run_folder(site, run), ignore_errors=True)
    return Audited(view, written, done.changes, registers, leave, looked, done.status, done.notes)


@dataclass(frozen=True, slots=True)
class _Concluded:
    """An audit that is in the ledger. ``site`` has the places as people's words leave them on the day."""

    site: Site
    judged: Judged
    changes: Changes
    words: Mapping[str, str]
    status: Exit
    notes: tuple[str, ...]


def _concluded(
    site: Site,
    run: str,
    packs: Sequence[Pack],
    registers: RegisterResult,
    looked: Looked,
    ledger: Ledger,
    *,
    started: datetime,
    clock: Callable[[], datetime],
    stages: Stages,
) -> _Concluded:
    """From what was collected to findings in the ledger. All that it makes on the way is let go at its end."""
    from auditor.cases.desk import Desk
    from auditor.cases.upkeep import keep
    from auditor.ledger.records import Status
    from auditor.overview import zones_fared
    from auditor.spoken import spoken
    from auditor.waiving import ending_words
    from inventories.infer import infer
    from inventories.reconcile import reconcile

    today = site.today(started)
    with without_cycle_collection():
        with stages.stage("reconcile"):
            collected = registers.collection + looked.collection
            complete = not collected.failures and not registers.faults
            told = spoken(ledger, collected, site.places, today, registers=registers)
            # Whose networks they are now, too.
            site, collected = replace(site, places=told.places), told.collection
            reconciled = reconcile(
                collected,
                places=site.places,
                keymap=told.keymap,
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
            recall = Recall(site, judged, looked, ledger, whose=told.now)
            recorded = ledger.record(
                run,
                snapshot=judged.snapshot,
                at=started,
                seen=judged.seen(),
                sight_of=recall.sight_of,
                terms=recall.terms(),
                key_map=judged.keymap,
                probe_runs=[one.run(looked.until.get(one.pair, clock())) for one in zones_fared(site, judged)],
                judged=looked.judged,
                status=Status.DONE if complete else Status.PARTIAL,
                outcome_digest=judged.evaluation.digest,
            )
            kept = keep(Desk(site, ledger, clock()))
    return _Concluded(
        site,
        judged.stored(),
        recorded.changes,
        {name: change.value for name, change in recorded.words.items()},
        Exit.DONE if complete else Exit.PARTIAL,
        (*told.notes, *ending_words(collected.waivers, today), *kept.words()),
    )

"""One audit as reports draw it: built from a judged snapshot and the ledger, at any later time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from auditor.cases.case_views import case_views
from auditor.errors import Refused
from auditor.faring import Fared, fared
from auditor.judging import Judged, reopen
from auditor.late import SnapshotAssets, SnapshotUnknowns
from auditor.ledger import cases as stored
from auditor.ledger.records import AuditRow, Status
from auditor.ledger.store import Ledger
from auditor.site import Site
from auditor.views import (
    by_gravity,
    count_views,
    departments,
    finding_view,
    rule_views,
    system_views,
)
from inventories import __version__
from inventories.model import Collection as Inventoried
from inventories.model import Coverage, Failure
from inventories.places import Zone
from policies.lists.load import Lists, read_lists, stored_files
from reports.model import AuditView, Changes, ProbeView, RegulationView, SystemView, WaiverView


def overview(
    site: Site,
    ledger: Ledger,
    judged: Judged,
    run: AuditRow,
    *,
    now: datetime,
    changes: Changes | None = None,
    words: Mapping[str, str] | None = None,
    stages: Mapping[str, float] | None = None,
    limits: Mapping[str, Sequence[str]] | None = None,
) -> AuditView:
    """What reports show of an audit.

    ``changes``, ``words`` (finding id → what this audit made of it), ``stages`` and ``limits`` (probe → what it
    cannot see from here) are known when it just ran.
    """
    rows = ledger.findings()
    with ledger.reading() as connection:
        held, cases, papers = stored.case_of(connection), stored.listing(connection), stored.issued(connection)
    migration = migration_rules(judged)
    waived = {row.asset_key for row in rows if row.life.waiver and row.rule in migration}
    said = words or {}
    seen = of_snapshot(site, judged, run, now=now)
    return replace(
        seen,
        findings=by_gravity(
            finding_view(
                row,
                judged.rules,
                now=judged.at,
                timezone=site.timezone,
                change=said.get(row.id, ""),
                case=held.get(row.id),
            )
            for row in rows
        ),
        unknowns=SnapshotUnknowns(judged),
        probes=probe_views(site, ledger.last_successes(), judged, limits or {}),
        systems=with_waived(seen.systems, waived),
        changes=changes or Changes(),
        stages=dict(stages or ledger.stages(run.id)),
        last_complete_at=last_complete(ledger),
        cases=case_views(
            cases,
            papers,
            today=site.today(now),
            timezone=site.timezone,
            regulations={pack.id: pack.title for pack in judged.packs},
        ),
    )


def of_snapshot(
    site: Site,
    judged: Judged,
    run: AuditRow,
    *,
    now: datetime,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> AuditView:
    """What a snapshot tells by itself: no findings, no cases, nothing waived, no earlier audit.

    Its assets are read from its files when somebody asks for them; of what ``columns`` names alone where they are
    only to be counted (:class:`auditor.late.SnapshotAssets`).
    """
    return AuditView(
        site=site.config.name,
        region=site.config.region,
        bureau=site.config.bureau,
        snapshot=judged.snapshot,
        run=run.id,
        as_of=judged.as_of,
        started_at=run.started_at,
        ended_at=run.ended_at or now,
        complete=not judged.collected.failures,
        departments=departments(judged.assets),
        findings=(),
        counts=count_views(judged.evaluation.counts, judged.rules),
        unknowns=(),
        probes=probe_views(site, {}, judged, {}),
        systems=system_views(judged.assets, judged.packs, judged.names, {}),
        assets=SnapshotAssets(judged, lists_of(judged.path), columns=columns),
        changes=Changes(),
        packs=tuple((pack.id, pack.digest) for pack in judged.packs),
        conflicts=judged.doubts,
        version=__version__,
        timezone=site.config.timezone,
        rules=rule_views(judged.packs, judged.as_of),
        settings={
            name: setting.value
            for pack in judged.packs
            for name, setting in pack.settings.items()
            if isinstance(setting.value, int) and not isinstance(setting.value, bool)
        },
        waivers=tuple(
            WaiverView(waiver.id, waiver.department_id, waiver.valid_from, waiver.valid_to)
            for waiver in {waiver.id: waiver for waiver in judged.collected.waivers}.values()
        ),
        regulations=tuple(RegulationView(pack.id, pack.title, pack.number) for pack in judged.packs),
    )


def lists_of(snapshot: Path) -> Lists | None:
    """The lists as the snapshot keeps them; None where it is older than they are. Raises Faults."""
    folder = snapshot / "lists"
    files = stored_files(folder)
    return read_lists(files, {name: str(folder / name) for name in files}) if files else None


def newest_overview(site: Site, ledger: Ledger, now: datetime) -> AuditView:
    """The newest recorded audit, judged again from its snapshot; :class:`Refused` where there is none."""
    recorded = [row for row in ledger.audits() if row.recorded_at is not None]
    if not recorded:
        raise Refused(f"{site.root}: no audit was recorded yet", f"'auditor audit --site {site.root}' does")
    run = recorded[0]
    return overview(site, ledger, reopen(site, run.snapshot), run, now=now)


def migration_rules(judged: Judged) -> frozenset[str]:
    """The rules about where a system runs: a waiver of one takes the system out of 上云率."""
    return frozenset(name for name, rule in judged.rules.items() if "is_on_recognised_cloud" in rule.columns)


def with_waived(systems: Iterable[SystemView], waived: Collection[str]) -> tuple[SystemView, ...]:
    """The account with those systems (asset keys) left out of it whose migration is waived."""
    return tuple(replace(system, excluded="waived") if system.key in waived else system for system in systems)


def zones_fared(site: Site, judged: Judged) -> tuple[Fared, ...]:
    excluded = {scope.zone.id: sum(p.num_addresses for p in scope.excluded) for scope in site.scopes}
    authorised = {
        zone.id: sum(prefix.num_addresses for prefix in zone.prefixes) - excluded.get(zone.id, 0)
        for zone in site.places.zones.values()
    }
    return fared_by_zone(site.places.zones, judged.collected, authorised)


def fared_by_zone(
    zones: Mapping[str, Zone], collected: Inventoried, authorised: Mapping[str, int]
) -> tuple[Fared, ...]:
    """What :func:`auditor.faring.fared` says of all zones together, of each asked about its own only."""
    coverage: dict[str, list[Coverage]] = {}
    failures: dict[str, list[Failure]] = {}
    for covered in collected.coverage:
        coverage.setdefault(covered.zone, []).append(covered)
    for failure in collected.failures:
        failures.setdefault(failure.zone, []).append(failure)
    return tuple(
        one
        for zone in sorted((coverage.keys() | failures.keys()) & zones.keys())
        for one in fared(
            {zone: zones[zone]},
            Inventoried(coverage=tuple(coverage.get(zone, ())), failures=tuple(failures.get(zone, ()))),
            authorised,
        )
    )


def probe_views(
    site: Site,
    last: Mapping[tuple[str, str], datetime],
    judged: Judged,
    limits: Mapping[str, Sequence[str]],
) -> tuple[ProbeView, ...]:
    """``last`` maps a zone and a probe to when that last did all that it set out to do."""
    return tuple(
        one.view(
            last_success=last.get((one.zone.id, one.probe)),
            limits=limits.get(one.probe, ()) if one.covered else (),
        )
        for one in zones_fared(site, judged)
    )


def last_complete(ledger: Ledger) -> datetime | None:
    done = ledger.audits(Status.DONE, limit=1)
    return done[0].ended_at if done else None

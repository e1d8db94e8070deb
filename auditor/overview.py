"""One audit as reports draw it: built from a judged snapshot and the ledger, at any later time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from auditor.cases.case_views import case_views
from auditor.errors import Refused
from auditor.faring import Fared, fared
from auditor.judging import Judged, reopen
from auditor.ledger import cases as stored
from auditor.ledger.records import AuditRow, FindingRow, Status
from auditor.ledger.store import Ledger
from auditor.site import Site
from auditor.views import (
    asset_views,
    by_gravity,
    count_views,
    departments,
    finding_view,
    rule_views,
    system_views,
)
from inventories import __version__
from reports.model import AuditView, Changes, ProbeView


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
    waived = {row.asset_key: row.life.waiver for row in rows if row.life.waiver and _is_migration(row, judged)}
    said = words or {}
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
        counts=count_views(judged.evaluation.counts, judged.rules),
        unknowns=judged.unknown_views(),
        probes=probe_views(site, ledger, judged, limits or {}),
        systems=system_views(judged.assets, judged.packs, judged.names, waived),
        assets=asset_views(judged.assets, judged.names),
        changes=changes or Changes(),
        packs=tuple((pack.id, pack.digest) for pack in judged.packs),
        stages=dict(stages or {}),
        conflicts=judged.doubts,
        version=__version__,
        timezone=site.config.timezone,
        rules=rule_views(judged.packs, judged.as_of),
        last_complete_at=_last_complete(ledger),
        cases=case_views(
            cases,
            papers,
            today=site.today(now),
            timezone=site.timezone,
            regulations={pack.id: pack.title for pack in judged.packs},
        ),
        settings={
            name: setting.value
            for pack in judged.packs
            for name, setting in pack.settings.items()
            if isinstance(setting.value, int) and not isinstance(setting.value, bool)
        },
    )


def newest_overview(site: Site, ledger: Ledger, now: datetime) -> AuditView:
    """The newest recorded audit, judged again from its snapshot; :class:`Refused` where there is none."""
    recorded = [row for row in ledger.audits() if row.recorded_at is not None]
    if not recorded:
        raise Refused(f"{site.root}: no audit was recorded yet", f"'auditor audit --site {site.root}' does")
    run = recorded[0]
    return overview(site, ledger, reopen(site, run.snapshot), run, now=now)


def _is_migration(row: FindingRow, judged: Judged) -> bool:
    """Whether a finding is about where a system runs: a waiver of it takes the system out of 上云率."""
    rule = judged.rules.get(row.rule)
    return rule is not None and "is_on_recognised_cloud" in rule.columns


def zones_fared(site: Site, judged: Judged) -> tuple[Fared, ...]:
    excluded = {scope.zone.id: sum(p.num_addresses for p in scope.excluded) for scope in site.scopes}
    authorised = {
        zone.id: sum(prefix.num_addresses for prefix in zone.prefixes) - excluded.get(zone.id, 0)
        for zone in site.places.zones.values()
    }
    return fared(site.places.zones, judged.collected, authorised)


def probe_views(
    site: Site, ledger: Ledger, judged: Judged, limits: Mapping[str, Sequence[str]]
) -> tuple[ProbeView, ...]:
    last = ledger.last_successes()
    return tuple(
        one.view(
            last_success=last.get((one.zone.id, one.probe)),
            limits=limits.get(one.probe, ()) if one.covered else (),
        )
        for one in zones_fared(site, judged)
    )


def _last_complete(ledger: Ledger) -> datetime | None:
    done = ledger.audits(Status.DONE, limit=1)
    return done[0].ended_at if done else None

"""The figures as one JSON document; its keys are documented in ``docs/report.md`` and stay. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from reports.account import Account
from reports.html.figures import Department, Figures, bounds
from reports.html.proceedings import DAYS, Scan
from reports.html.standings import ORIGINS, PAPERS, STATUSES, Place
from reports.model import AuditView
from reports.words import SEVERITIES, STATES


def document(view: AuditView, told: Figures, now: datetime, department: str = "") -> dict[str, object]:
    """Every figure of the page. Rates come with their numerator, denominator and bounds, never alone."""
    total = told.total
    return {
        "site": view.site,
        "department": department or None,
        "snapshot": view.snapshot,
        "audit": view.run,
        "as_of": view.as_of.isoformat(),
        "made_at": now.isoformat(),
        "complete": view.complete,
        "migration": _migration(total) | {"excluded_by_reason": _sorted(told.exclusions)},
        "plan": _plan(told),
        "trend": [
            {
                "day": point.day.isoformat(),
                "on_cloud": point.on_cloud,
                "not_known": point.not_told,
                "in_scope": point.in_scope,
            }
            for point in told.trend
        ],
        "findings": _findings(told),
        "departments": [_department(one) for one in told.departments],
        "rooms": _origins(told.rooms),
        "networks": _origins(told.networks),
        "networks_by_kind": [
            {"kind": kind or None, "origin": origin, "number": number}
            for (kind, origin), number in sorted(Counter((p.kind, p.origin) for p in told.networks).items())
        ],
        "components": [
            {"category": category or None, "list_status": status, "number": number}
            for (category, status), number in sorted(_by_category(told).items())
        ],
        "components_validity": _sorted(told.validity),
        "papers": {paper: {status: told.papers.counts[paper][status] for status in STATUSES} for paper in PAPERS},
        "cases": _cases(told),
        "scans": _scans(view, told),
        "not_told": {
            "number": told.untold.number,
            "by_rule": [{"rule": rule, "title": title, "number": n} for rule, title, n in told.untold.rules],
            "missing": [{"what": what, "number": n} for what, n in told.untold.missing],
        },
    }


def _migration(account: Account) -> dict[str, object]:
    low, high = bounds(account) or (None, None)
    return {
        "in_scope": account.in_scope,
        "on_cloud": account.on_cloud,
        "off_cloud": account.off_cloud,
        "not_known": account.not_told,
        "excluded": account.excluded,
        "rate_least": low,
        "rate_most": high,
    }


def _plan(told: Figures) -> dict[str, object]:
    plan = told.plan
    return {
        "behind": plan.behind,
        "behind_not_known": plan.behind_unknown,
        "unplanned": plan.unplanned,
        "quarters": [
            {
                "quarter": quarter.code,
                "planned": quarter.planned,
                "planned_on_cloud": quarter.planned_on,
                "planned_not_known": quarter.planned_unknown,
                "migrated": quarter.migrated,
                "left_by_plan": quarter.left_by_plan,
                "left": quarter.left,
            }
            for quarter in plan.quarters
        ],
    }


def _findings(told: Figures) -> dict[str, object]:
    return {
        "live": told.total.live,
        "by_severity_and_state": [
            {"severity": severity, "state": state, "number": told.severities[severity, state]}
            for severity in SEVERITIES
            for state in STATES
            if told.severities[severity, state]
        ],
        "leads": told.leads,
        "new": told.new,
        "resolved": told.resolved,
        "waivers": told.waivers,
        "waivers_ending": told.ending,
    }


def _department(one: Department) -> dict[str, object]:
    account = one.account
    return {
        "id": account.department_id,
        "name": account.name,
        **_migration(account),
        "live_findings": account.live,
        "leads": account.leads,
        "not_told": account.unknown,
        "open_cases": one.cases,
        "overdue_cases": one.overdue,
    }


def _origins(found: tuple[Place, ...]) -> dict[str, int]:
    counted = Counter(place.origin for place in found)
    return {origin: counted[origin] for origin in ORIGINS}


def _by_category(told: Figures) -> Counter[tuple[str, str]]:
    out: Counter[tuple[str, str]] = Counter()
    for (_, category, status), number in told.components.items():
        out[category, status] += number
    return out


def _cases(told: Figures) -> dict[str, object]:
    account = told.cases
    return {
        "by_state": _sorted(account.states),
        "open": account.open,
        "overdue": len(account.overdue),
        "closing_days": {
            "count": len(account.closing),
            "sum": sum(account.closing),
            "median": account.median,
            "within": {str(days): account.within(days) for days in DAYS},
        },
    }


def _scans(view: AuditView, told: Figures) -> dict[str, object]:
    account = told.scans
    return {
        "seconds": account.seconds,
        "stages": dict(sorted(view.stages.items())),
        "covered": account.covered,
        "failed": account.failed,
        "never_covered": account.never,
        "last_complete_at": account.complete_at.isoformat() if account.complete_at else None,
        "probes": [_scan(row) for row in account.rows],
    }


def _scan(row: Scan) -> dict[str, object]:
    probe = row.probe
    return {
        "zone_name": probe.zone_name,
        "probe": probe.probe,
        "success": probe.success,
        "coverage": probe.ratio,
        "seconds": probe.seconds,
        "last_success_at": probe.last_success.isoformat() if probe.last_success else None,
        "days_since_success": row.days,
    }


def _sorted(counted: Counter[str]) -> dict[str, int]:
    return {key: counted[key] for key in sorted(counted) if counted[key]}

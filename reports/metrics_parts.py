"""The figures of each part, counted from plain values. Pure: no clock, no ledger, no text.

A metric whose figures are all nought has no series but where its own note says so; what is not known is another
series (``not_known``, ``untold``, ``unknown``) or none at all, and never a nought.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date

from reports.late import of_kind
from reports.ledger_components import standing as list_standing
from reports.ledger_terms import EXPIRED, NOT_ASKED, VALID, WARNINGS, Standing, assessment, cryptography, until
from reports.metrics_figures import Figures, figures, one, stamp
from reports.metrics_labels import OTHER, UNASSIGNED, Labels, Owner, code, owners, rule_labels, title
from reports.metrics_names import (
    FINDING_STATES,
    HOSTING,
    METRICS,
    NOT_KNOWN,
    SUBJECT_VERDICTS,
)
from reports.model import AssetView, AuditView, ProbeView, SystemView, WaiverView

#: Names of those departments that are none, for whoever joins by them.
_NAMELESS = {UNASSIGNED: "未归属部门", OTHER: "其他部门"}
#: Systems that are not there yet, or no more, need no papers.
_NO_PAPERS = frozenset({"planned", "retired"})
_STATUSES = frozenset(METRICS["auditor_systems"].values["status"])
_ON_A_LIST = frozenset({"listed", "expiring", "expired", "superseded"})
#: A waiver that ends sooner is told apart.
_ENDING = 30


#: Findings by rule (``pack/rule``), department, severity and state.
FindingCounts = Mapping[tuple[str, str, str, str], int]


# --- the inventory ------------------------------------------------------------------------------------------


def inventory(view: AuditView, today: date) -> list[Figures]:
    owner = owners(view.departments)
    assets: Counter[Labels] = Counter()
    rooms: Counter[Labels] = Counter()
    networks: Counter[Labels] = Counter()
    components: Counter[Labels] = Counter()
    validity: Counter[Labels] = Counter()
    for asset in view.assets:
        department = owner(asset.department_id)
        assets[code(asset.kind), department, code(asset.zone, "none")] += 1
        if asset.kind == "room":
            rooms[department, _origin(asset)] += 1
        elif asset.kind == "network":
            networks[department, code(asset.values.get("kind"), NOT_KNOWN), _origin(asset)] += 1
        elif asset.kind == "component":
            category, listed = code(asset.values.get("category"), NOT_KNOWN), list_standing(asset)
            components[department, category, listed] += 1
            if listed in _ON_A_LIST:
                ends = asset.values.get("list_valid_to")
                validity[category, _standing(until(ends if isinstance(ends, date) else None, today))] += 1
    for system in _only_in_account(view):
        assets["system", owner(system.department_id), "none"] += 1
    return [
        figures("auditor_assets", assets),
        figures("auditor_department_info", _departments(view, owner, {labels[1] for labels in assets})),
        figures("auditor_rooms", rooms),
        figures("auditor_networks", networks),
        figures("auditor_components", components),
        figures("auditor_components_validity", validity),
        figures("auditor_assessments", _assessments(view, owner, today)),
        figures("auditor_waivers", _waivers(view.waivers, owner, today)),
    ]


def _only_in_account(view: AuditView) -> Iterable[SystemView]:
    """Systems of the migration account that stand among the assets of no view."""
    known = {asset.key for asset in of_kind(view.assets, "system")}
    return (system for system in view.systems if system.key not in known)


def _departments(view: AuditView, owner: Owner, used: Collection[str]) -> dict[Labels, float]:
    """Each department's names; what belongs to none is named too, so that joining by department drops nothing.

    ``used`` are the departments, as labels, that something is counted for.
    """
    info: dict[Labels, float] = {
        (owner(d.id), title(d.name, 80), title(d.region, 20), code(d.sector, "none")): 1.0 for d in view.departments
    }
    named = {owner(d.id) for d in view.departments}
    told = {*used, *(owner(one.department_id) for one in view.counts)}
    return info | {(name, _NAMELESS[name], "", "none"): 1.0 for name in sorted(told - named) if name in _NAMELESS}


def _origin(asset: AssetView) -> str:
    if asset.values.get("is_declared") is True:
        return "declared"
    return "inferred" if asset.values.get("is_declared") is False else "unknown"


def _assessments(view: AuditView, owner: Owner, today: date) -> Counter[Labels]:
    """By the same standings as the bureau's ledger of 等保 and 密评, for the same systems."""
    assets = {asset.key: asset for asset in of_kind(view.assets, "system")}
    out: Counter[Labels] = Counter()
    for system in view.systems:
        if system.status in _NO_PAPERS:
            continue
        values: dict[str, object] = dict(assets[system.key].values) if system.key in assets else {}
        values.setdefault("mlps_level", system.mlps_level)
        for kind, found in (
            ("mlps", assessment(values, today, view.settings)),
            ("crypto", cryptography(values, today, view.settings)),
        ):
            if found.word != NOT_ASKED:
                out[owner(system.department_id), kind, _standing(found)] += 1
    return out


def _standing(found: Standing) -> str:
    """A standing's Chinese word as a label."""
    if found.until is not None and found.word not in (VALID, EXPIRED):
        return next(f"expiring_{days}d" for days in WARNINGS if found.word.startswith(f"{days}日"))
    if found.word.startswith("未"):
        return "missing"
    return {VALID: "valid", EXPIRED: "expired"}.get(found.word, NOT_KNOWN)


def _waivers(waivers: Iterable[WaiverView], owner: Owner, today: date) -> Counter[Labels]:
    out: Counter[Labels] = Counter()
    for waiver in waivers:
        if waiver.valid_from <= today <= waiver.valid_to:
            soon = (waiver.valid_to - today).days <= _ENDING
            out[owner(waiver.department_id), f"expiring_{_ENDING}d" if soon else "in_force"] += 1
    return out


# --- migration ----------------------------------------------------------------------------------------------


def migration(view: AuditView) -> list[Figures]:
    owner = owners(view.departments)
    systems: Counter[Labels] = Counter()
    scope: Counter[Labels] = Counter({(owner(d.id),): 0 for d in view.departments})
    excluded: Counter[Labels] = Counter()
    planned: Counter[Labels] = Counter()
    for system in view.systems:
        department = owner(system.department_id)
        if system.excluded:
            excluded[department, code(system.excluded)] += 1
            continue
        scope[(department,)] += 1
        systems[department, _hosting(system), system.status if system.status in _STATUSES else NOT_KNOWN] += 1
        if system.planned_on:
            planned[department, _quarter(system.planned_on, view.as_of)] += 1
    return [
        figures("auditor_systems", systems),
        figures("auditor_systems_in_scope", scope),
        figures("auditor_systems_excluded", excluded),
        figures("auditor_migration_planned_systems", planned),
    ]


def _hosting(system: SystemView) -> str:
    """Where a system counts, once: the series sum up to the systems in scope."""
    if system.on_cloud is None:
        return NOT_KNOWN
    if system.on_cloud:
        return "gov_cloud"
    places = set(system.hosting)
    if "gov_cloud" in places:
        return "unrecognised_gov_cloud"
    if len(places) > 1:
        return "several"
    return next((place for place in places if place in HOSTING), NOT_KNOWN)


def _quarter(day: date, as_of: date) -> str:
    """``2027-Q1``; dates that a slip of the pen put far away share two labels, so that labels stay few."""
    if day.year < as_of.year - 5:
        return "earlier"
    if day.year > as_of.year + 10:
        return "later"
    return f"{day.year}-Q{(day.month + 2) // 3}"


# --- rules and findings -------------------------------------------------------------------------------------


def rules(view: AuditView) -> list[Figures]:
    owner = owners(view.departments)
    subjects: Counter[Labels] = Counter()
    for count in view.counts:
        if count.number and count.verdict in SUBJECT_VERDICTS:
            subjects[(*rule_labels(count.rule, count.pack), owner(count.department_id), count.verdict)] += (
                count.number
            )
    info: dict[Labels, float] = {
        (*rule_labels(rule.rule, rule.pack), title(rule.title), code(rule.severity), code(rule.bite)): 1.0
        for rule in view.rules
    }
    packs: dict[Labels, float] = {
        (code(one.id), title(one.title), title(one.number, 60)): 1.0 for one in view.regulations
    }
    return [
        figures("auditor_rule_subjects", subjects),
        figures("auditor_rule_info", info),
        figures("auditor_pack_info", packs),
    ]


def finding_counts(view: AuditView) -> FindingCounts:
    return Counter((f.rule, f.department_id, f.severity, f.state) for f in view.findings)


def findings(counts: FindingCounts, owner: Owner) -> list[Figures]:
    series: Counter[Labels] = Counter()
    for (rule, department, severity, state), number in counts.items():
        labels = (*rule_labels(rule), owner(department), code(severity))
        series[(*labels, state if state in FINDING_STATES else OTHER)] += number
        # A pair that ever had a finding keeps its open series, so that mending shows as a fall to nought.
        series[(*labels, "open")] += 0
    return [figures("auditor_findings", series)]


# --- probes and the audit itself ----------------------------------------------------------------------------


def probes(view: AuditView) -> list[Figures]:
    rows: dict[Labels, ProbeView] = {(code(probe.zone), code(probe.probe)): probe for probe in view.probes}
    told: tuple[tuple[str, Callable[[ProbeView], float | None]], ...] = (
        ("success", lambda p: float(p.success)),
        ("duration_seconds", lambda p: p.seconds),
        ("coverage_ratio", lambda p: p.ratio),
        ("last_success_timestamp_seconds", lambda p: stamp(p.last_success)),
    )
    out = []
    for name, read in told:
        values = {key: value for key, probe in rows.items() if (value := read(probe)) is not None}
        out.append(figures(f"auditor_probe_{name}", values))
    zones: dict[Labels, float] = {(code(probe.zone), title(probe.zone_name, 80)): 1.0 for probe in view.probes}
    out.append(figures("auditor_zone_info", zones))
    return out + _audit(view)


def _audit(view: AuditView) -> list[Figures]:
    last = view.ended_at if view.complete else view.last_complete_at
    return [
        one("auditor_audit_timestamp_seconds", stamp(view.started_at)),
        one("auditor_audit_complete", view.complete),
        figures("auditor_audit_duration_seconds", {(code(name),): took for name, took in view.stages.items()}),
        one("auditor_audit_last_success_timestamp_seconds", stamp(last)),
    ]

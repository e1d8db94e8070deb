"""One audit as Prometheus text: few series, no address, no name of a system, every denominator beside its count.

Rendered once per audit and served as cached text. The values are collected into a private registry, so that
nothing of this process (its memory, its Python) is mixed into a city's figures.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from inventories.faults import clean
from inventories.kinds import KINDS
from reports.files import write_whole
from reports.model import AssetView, AuditView, ProbeView, SystemView

#: Series of one metric; what is beyond is folded into the department ``other``, so that sums stay true.
MAX_SERIES = 10_000
#: The verdicts that a rule's denominator is made of; what a rule does not apply to is no subject of it.
_SUBJECT_VERDICTS = frozenset({"compliant", "violation", "unknown", "waived"})
_HOSTING = frozenset({"gov_cloud", "industry_cloud", "public_cloud", "own_room", "private_cloud"})
_STATUSES = frozenset(KINDS["system"].column("status").values)
#: What a label may look like; anything else might be an address, a name or a text from outside.
_CODE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,59}")
#: Departments' codes are the bureau's own, and may be Chinese.
_DEPARTMENT = re.compile(r"[\w-]{1,40}")

Labels: TypeAlias = tuple[str, ...]
Owner: TypeAlias = Callable[[str], str]


def render_metrics(view: AuditView) -> str:
    """The audit as Prometheus text (format 0.0.4), UTF-8; the same view gives the same text.

    Names and labels are the interface's. Pure: no clock and no network.
    """
    registry = CollectorRegistry()
    registry.register(_Collector(view))
    return generate_latest(registry).decode()


def write_textfile(text: str, path: Path) -> None:
    """Writes metrics for the node exporter's textfile collector, whole or not at all.

    The file alone of all that an audit writes is readable by everybody (0644): the exporter runs as another
    user, and the text holds counts only. The temporary name does not end in ``.prom``, so the collector never
    reads a half. The folder's own rights stay as they are: give the exporter a folder it may enter.
    """
    write_whole(path, text.encode(), mode=0o644)


class _Collector(Collector):
    def __init__(self, view: AuditView) -> None:
        self._view = view

    def collect(self) -> Iterator[GaugeMetricFamily]:
        view = self._view
        owner = _owners(view)
        yield from _inventory(view, owner)
        yield from _migration(view, owner)
        yield from _rules(view, owner)
        yield from _probes(view)
        yield from _audit(view)


def _owners(view: AuditView) -> Owner:
    """Department ids as labels: only departments of the register are named, whatever an asset claims."""
    known = {d.id: d.id if _DEPARTMENT.fullmatch(d.id) else "other" for d in view.departments}
    return lambda department: known.get(department, "unassigned")


def _inventory(view: AuditView, owner: Owner) -> Iterator[GaugeMetricFamily]:
    counted: Counter[Labels] = Counter()
    seen: set[tuple[str, str]] = set()
    for asset in _all_assets(view):
        if (asset.kind, asset.key) not in seen:
            seen.add((asset.kind, asset.key))
            counted[_code(asset.kind), owner(asset.department_id), _code(asset.zone, "none")] += 1
    yield _gauge("auditor_assets", "Assets in the inventory.", ("kind", "department", "zone"), counted)
    info: dict[Labels, float] = {
        (owner(d.id), clean(d.name, 80), clean(d.region, 20), _code(d.sector, "none")): 1.0 for d in view.departments
    }
    yield _gauge(
        "auditor_department_info",
        "Departments: value 1, for joining names onto the rest.",
        ("department", "name", "region", "sector"),
        info,
    )
    yield _gauge(
        "auditor_assessments",
        "Systems by the standing of their graded-protection (mlps) and cryptography (crypto) papers.",
        ("department", "kind", "status"),
        _assessments(view, owner),
    )


def _all_assets(view: AuditView) -> Iterator[AssetView]:
    yield from view.assets
    for system in view.systems:
        yield AssetView("system", system.key, "", system.department_id, "", "")


def _migration(view: AuditView, owner: Owner) -> Iterator[GaugeMetricFamily]:
    systems: Counter[Labels] = Counter()
    scope: Counter[Labels] = Counter({(owner(d.id),): 0 for d in view.departments})
    excluded: Counter[Labels] = Counter()
    planned: Counter[Labels] = Counter()
    for system in view.systems:
        department = owner(system.department_id)
        if system.excluded:
            excluded[department, _code(system.excluded)] += 1
            continue
        scope[(department,)] += 1
        systems[department, _hosting(system), system.status if system.status in _STATUSES else "not_known"] += 1
        if system.planned_on:
            planned[department, _quarter(system.planned_on, view.as_of)] += 1
    yield _gauge(
        "auditor_systems",
        "Systems in scope of migration by where they run; gov_cloud: on a recognised government cloud.",
        ("department", "hosting", "status"),
        systems,
    )
    yield _gauge(
        "auditor_systems_in_scope",
        "Systems in scope of migration: the denominator of the migration rate.",
        ("department",),
        scope,
    )
    yield _gauge(
        "auditor_systems_excluded",
        "Systems left out of the migration rate, by reason.",
        ("department", "reason"),
        excluded,
    )
    yield _gauge(
        "auditor_migration_planned_systems",
        "Systems in scope whose registered migration date lies in the quarter.",
        ("department", "by"),
        planned,
    )


def _hosting(system: SystemView) -> str:
    """Where a system counts, once: the series sum up to the systems in scope."""
    if system.on_cloud is None:
        return "not_known"
    if system.on_cloud:
        return "gov_cloud"
    places = set(system.hosting)
    if "gov_cloud" in places:
        return "unrecognised_gov_cloud"
    if len(places) > 1:
        return "several"
    return next((place for place in places if place in _HOSTING), "not_known")


def _quarter(day: date, as_of: date) -> str:
    """``2027-Q1``; dates that a slip of the pen put far away share two labels, so that labels stay few."""
    if day.year < as_of.year - 5:
        return "earlier"
    if day.year > as_of.year + 10:
        return "later"
    return f"{day.year}-Q{(day.month + 2) // 3}"


def _assessments(view: AuditView, owner: Owner) -> Counter[Labels]:
    """Papers by standing, for systems of which the registers say anything at all about them.

    Valid and expiring rest on a declared end of validity alone: how long an assessment lasts is for the
    regulations to say, so one without such a date is ``not_known``.
    """
    out: Counter[Labels] = Counter()
    for asset in view.assets:
        if asset.kind != "system":
            continue
        values, department = asset.values, owner(asset.department_id)
        level = values.get("mlps_level")
        if not (isinstance(level, int) and level < 2) and _any(values, "mlps_"):
            missing = values.get("mlps_filing_absent") is True or values.get("mlps_assessment_absent") is True
            out[department, "mlps", _standing(values.get("mlps_valid_to"), missing, view.as_of)] += 1
        if values.get("crypto_required") is not False and _any(values, "crypto_"):
            missing = values.get("crypto_assessment_absent") is True
            out[department, "crypto", _standing(None, missing, view.as_of)] += 1
    return out


def _any(values: Mapping[str, object], prefix: str) -> bool:
    return any(value not in (None, False) for name, value in values.items() if name.startswith(prefix))


def _standing(valid_to: object, missing: bool, as_of: date) -> str:
    if missing:
        return "missing"
    if not isinstance(valid_to, date):
        return "not_known"
    left = (valid_to - as_of).days
    if left < 0:
        return "expired"
    return next((f"expiring_{days}d" for days in (30, 60, 90) if left <= days), "valid")


def _rules(view: AuditView, owner: Owner) -> Iterator[GaugeMetricFamily]:
    findings: Counter[Labels] = Counter()
    for finding in view.findings:
        pack, rule = _rule(finding.rule, "")
        labels = (pack, rule, owner(finding.department_id), _code(finding.severity))
        findings[(*labels, _code(finding.state))] += 1
        # A pair that ever had a finding keeps its open series, so that mending shows as a fall to nought.
        findings[(*labels, "open")] += 0
    yield _gauge(
        "auditor_findings",
        "Findings by state.",
        ("pack", "rule", "department", "severity", "state"),
        findings,
    )
    subjects: Counter[Labels] = Counter()
    for count in view.counts:
        if count.number and count.verdict in _SUBJECT_VERDICTS:
            subjects[(*_rule(count.rule, count.pack), owner(count.department_id), count.verdict)] += count.number
    yield _gauge(
        "auditor_rule_subjects",
        "Assets that a rule judged, by verdict: every rule's denominator.",
        ("pack", "rule", "department", "verdict"),
        subjects,
    )


def _rule(name: str, pack: str) -> tuple[str, str]:
    """``yuncheng-2021/registered`` → its two labels; a bare name takes the pack beside it."""
    before, slash, after = name.partition("/")
    return (_code(before), _code(after)) if slash else (_code(pack), _code(name))


def _probes(view: AuditView) -> Iterator[GaugeMetricFamily]:
    rows: dict[Labels, ProbeView] = {(_code(probe.zone), _code(probe.probe)): probe for probe in view.probes}
    told: tuple[tuple[str, str, Callable[[ProbeView], float | None]], ...] = (
        ("success", "1 where the probe covered all it set out to.", lambda p: float(p.success)),
        ("duration_seconds", "Time that the probe took.", lambda p: p.seconds),
        ("coverage_ratio", "Addresses covered over addresses authorised.", lambda p: p.ratio),
        (
            "last_success_timestamp_seconds",
            "When the probe last covered all it set out to.",
            lambda p: p.last_success.timestamp() if p.last_success else None,
        ),
    )
    for name, text, read in told:
        values: dict[Labels, float] = {
            key: value for key, probe in rows.items() if (value := read(probe)) is not None
        }
        yield _gauge(f"auditor_probe_{name}", text, ("zone", "probe"), values)


def _audit(view: AuditView) -> Iterator[GaugeMetricFamily]:
    yield _gauge(
        "auditor_audit_duration_seconds",
        "Time that each stage of the newest audit took.",
        ("stage",),
        {(_code(stage),): seconds for stage, seconds in view.stages.items()},
    )
    last = view.ended_at if view.complete else view.last_complete_at
    yield _gauge(
        "auditor_audit_last_success_timestamp_seconds",
        "End of the newest audit that left no authorised scope uncovered.",
        (),
        {(): last.timestamp()} if last else {},
    )
    yield _gauge("auditor_build_info", "The program: value 1.", ("version",), {(clean(view.version, 40),): 1.0})


def _gauge(name: str, text: str, labels: Sequence[str], values: Mapping[Labels, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    for key, value in sorted(_bounded(labels, values).items()):
        family.add_metric(list(key), value)
    return family


def _bounded(labels: Sequence[str], values: Mapping[Labels, float]) -> Mapping[Labels, float]:
    """At most :data:`MAX_SERIES` series and those of ``other``, into which the smallest departments are folded."""
    if len(values) <= MAX_SERIES or "department" not in labels:
        return values
    place = labels.index("department")
    size, total = Counter(key[place] for key in values), Counter[str]()
    for key, value in values.items():
        total[key[place]] += int(value)
    kept, room = set(), MAX_SERIES
    for department in sorted(size, key=lambda d: (-total[d], d)):
        room -= size[department]
        if room < 0:
            break
        kept.add(department)
    out: dict[Labels, float] = {}
    for key, value in values.items():
        folded = key if key[place] in kept else (*key[:place], "other", *key[place + 1 :])
        out[folded] = out.get(folded, 0) + value
    return out


def _code(text: str, empty: str = "unassigned") -> str:
    """A code fit for a label; whatever may be an address or free text becomes ``other``."""
    if not text:
        return empty
    if not _CODE.fullmatch(text):
        return "other"
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return text
    return "other"

"""Every metric: its name, type, labels and meaning, in one place. Documentation, dashboards and tests read it here.

Names and labels are the interface's, and fixed. The text that is served, the daily history and ``docs/metrics.md``
are all drawn from :data:`METRICS`; what is not in it cannot be exported.
"""

from __future__ import annotations

from collections.abc import Mapping

from inventories.kinds import KINDS
from policies.lists.words import STATUS
from policies.model import Bite, Severity, Verdict
from reports.metrics_model import GAUGE, HISTOGRAM, READ_FROM, Metric, Part
from reports.metrics_times import BY, SKIPPED, TIMES

__all__ = [
    "ALWAYS",
    "BY",
    "CASE_STATES",
    "CLOSING_DAYS",
    "FINDING_STATES",
    "GAUGE",
    "HISTOGRAM",
    "HOSTING",
    "KEPT",
    "LIST_STATUS",
    "METRICS",
    "NOT_KNOWN",
    "READ_FROM",
    "SKIPPED",
    "STANDINGS",
    "SUBJECT_VERDICTS",
    "Metric",
    "Part",
    "of_part",
]

#: The lasting of a paper, as a label: disjoint, so that the series of one kind sum up to all of them.
STANDINGS = ("valid", "expiring_90d", "expiring_60d", "expiring_30d", "expired", "missing", "not_known")
CASE_STATES = (
    "draft",
    "reviewed",
    "issued",
    "served",
    "replied",
    "inspected",
    "closed",
    "escalated",
    "withdrawn",
)
HOSTING = tuple(KINDS["system"].column("hosting").values)
FINDING_STATES = ("open", "reopened", "stale", "waived", "dismissed", "resolved")
#: The verdicts that a rule's denominator is made of; what a rule does not apply to is no subject of it.
SUBJECT_VERDICTS = tuple(verdict.value for verdict in Verdict if verdict is not Verdict.NOT_APPLICABLE)
#: Days from a case's issue to its closing.
CLOSING_DAYS = (7, 14, 30, 60, 90, 180, 365)
NOT_KNOWN = "not_known"
#: What the lists say of a product; the last two: no list is about its category, or the lists do not decide.
LIST_STATUS = (*STATUS, "no_table", "untold")
_ORIGINS = ("declared", "inferred", "unknown")

_ALL = (
    Metric(
        "auditor_assets",
        Part.INVENTORY,
        "Assets in the inventory.",
        ("kind", "department", "zone"),
        {"kind": tuple(KINDS)},
        note="`zone` is `none` where an asset stands in no zone, or in several.",
    ),
    Metric(
        "auditor_department_info",
        Part.INVENTORY,
        "Departments: value 1, for joining names and regions onto the rest.",
        ("department", "name", "region", "sector"),
        kept=True,
    ),
    Metric(
        "auditor_rooms",
        Part.INVENTORY,
        "Machine rooms by origin: declared in a register, inferred (seen and not declared), or unknown.",
        ("department", "origin"),
        {"origin": _ORIGINS},
        kept=True,
        note="`unknown`: seen, while nobody can say whether it is declared.",
    ),
    Metric(
        "auditor_networks",
        Part.INVENTORY,
        "Networks by kind and origin: declared in a register, inferred (seen and not declared), or unknown.",
        ("department", "kind", "origin"),
        {"kind": (*KINDS["network"].column("kind").values, NOT_KNOWN), "origin": _ORIGINS},
        kept=True,
        note="`unknown`: seen, while the department's register of networks was not received whole.",
    ),
    Metric(
        "auditor_components",
        Part.INVENTORY,
        "Products that hosts and systems are made of, by what the lists say of them on the audit's day.",
        ("department", "category", "list_status"),
        {
            "category": (*KINDS["component"].column("category").values, NOT_KNOWN),
            "list_status": LIST_STATUS,
        },
        kept=True,
        note="`no_table`: the announcements have no table for the category; `untold`: the lists do not decide. "
        "Neither means not listed.",
    ),
    Metric(
        "auditor_components_validity",
        Part.INVENTORY,
        "Products that stand, or stood, on a list, by how long their result is valid.",
        ("category", "status"),
        {"status": tuple(status for status in STANDINGS if status != "missing")},
        note="Counted from today, not from the audit's day. `not_known`: the announcement tells a month only.",
    ),
    Metric(
        "auditor_assessments",
        Part.INVENTORY,
        "Registered systems in use by the standing of their assessment: graded protection (mlps), cryptography.",
        ("department", "kind", "status"),
        {"kind": ("mlps", "crypto"), "status": STANDINGS},
        kept=True,
        note="Counted from today, not from the audit's day. `missing`: the department answered that there is none; "
        "`not_known`: nobody has told. Systems that need none are left out; so are planned and retired ones.",
    ),
    Metric(
        "auditor_waivers",
        Part.INVENTORY,
        "Waivers in force, and those of them that end within 30 days.",
        ("department", "status"),
        {"status": ("in_force", "expiring_30d")},
        note="Disjoint: their sum is all waivers that hold today.",
    ),
    Metric(
        "auditor_systems",
        Part.MIGRATION,
        "Systems in scope of migration by where they run; gov_cloud: on a recognised government cloud.",
        ("department", "hosting", "status"),
        {
            "hosting": (*HOSTING, "unrecognised_gov_cloud", "several", NOT_KNOWN),
            "status": (*KINDS["system"].column("status").values, NOT_KNOWN),
        },
        kept=True,
        note='Each system counts once. 上云率 is `sum(auditor_systems{hosting="gov_cloud"}) / '
        'sum(auditor_systems_in_scope)`; at most, with `hosting="not_known"` added.',
    ),
    Metric(
        "auditor_systems_in_scope",
        Part.MIGRATION,
        "Systems in scope of migration: the denominator of the migration rate.",
        ("department",),
        kept=True,
        note="Every department of the register has this series, also where it is 0.",
    ),
    Metric(
        "auditor_systems_excluded",
        Part.MIGRATION,
        "Systems left out of the migration rate, by reason.",
        ("department", "reason"),
        {"reason": ("planned", "suspended", "retired", "retired_filed", "status_unknown", "waived")},
        kept=True,
    ),
    Metric(
        "auditor_migration_planned_systems",
        Part.MIGRATION,
        "Systems in scope whose registered migration date lies in the quarter.",
        ("department", "by"),
        kept=True,
        note="`by` is `2027-Q1`; `earlier` and `later` hold what is far away by a slip of the pen.",
    ),
    Metric(
        "auditor_rule_subjects",
        Part.RULES,
        "Assets that a rule judged, by verdict: every rule's denominator.",
        ("pack", "rule", "department", "verdict"),
        {"verdict": SUBJECT_VERDICTS},
        note="What a rule does not apply to is no subject of it. Only what is not 0.",
    ),
    Metric(
        "auditor_rule_info",
        Part.RULES,
        "Rules: value 1, for joining titles onto the rest.",
        ("pack", "rule", "title", "severity", "bite"),
        {"severity": tuple(Severity), "bite": tuple(Bite)},
        kept=True,
    ),
    Metric(
        "auditor_pack_info",
        Part.RULES,
        "Regulations: value 1, for joining titles onto the rest.",
        ("pack", "title", "number"),
        kept=True,
    ),
    Metric(
        "auditor_findings",
        Part.FINDINGS,
        "Findings by state.",
        ("pack", "rule", "department", "severity", "state"),
        {"severity": tuple(Severity), "state": FINDING_STATES},
        kept=True,
        note='Living: open, reopened and stale. A rule and department that ever had a finding keep `state="open"`, '
        "so that mending shows as a fall to 0; those that never had one have no series.",
    ),
    Metric("auditor_probe_success", Part.PROBES, "1 where the probe covered all it set out to.", ("zone", "probe")),
    Metric("auditor_probe_duration_seconds", Part.PROBES, "Time that the probe took.", ("zone", "probe")),
    Metric(
        "auditor_probe_coverage_ratio",
        Part.PROBES,
        "Addresses covered over addresses authorised.",
        ("zone", "probe"),
        note="No series where nothing is authorised.",
    ),
    Metric(
        "auditor_probe_last_success_timestamp_seconds",
        Part.PROBES,
        "When the probe last covered all it set out to.",
        ("zone", "probe"),
        note="No series where it never did.",
    ),
    Metric("auditor_zone_info", Part.PROBES, "Zones: value 1, for joining names onto the rest.", ("zone", "name")),
    Metric("auditor_audit_timestamp_seconds", Part.PROBES, "Start of the audit that the figures are of."),
    Metric("auditor_audit_complete", Part.PROBES, "1 where that audit left no authorised scope uncovered."),
    Metric(
        "auditor_audit_duration_seconds",
        Part.PROBES,
        "Time that each stage of that audit took.",
        ("stage",),
        {"stage": ("collect", "reconcile", "evaluate", "record", "render")},
    ),
    Metric(
        "auditor_audit_last_success_timestamp_seconds",
        Part.PROBES,
        "End of the newest audit that left no authorised scope uncovered.",
        note="No series where there never was one.",
    ),
    Metric(
        "auditor_cases",
        Part.CASES,
        "Rectification cases by state.",
        ("department", "state"),
        {"state": CASE_STATES},
        kept=True,
        note="A department that ever had a case has all nine states; one that never had has none.",
    ),
    Metric(
        "auditor_cases_overdue",
        Part.CASES,
        "Cases whose day to answer has passed without an answer.",
        ("department",),
        note="A provisional day accuses nobody.",
    ),
    Metric(
        "auditor_case_closing_days",
        Part.CASES,
        "Days from issue to closing of the cases that were closed.",
        ("department",),
        kind=HISTOGRAM,
        note="Cases closed before they were issued are not among them. Deadlines are in days, and so is this: "
        "`promtool check metrics`, which would have seconds, says so where a case was closed.",
    ),
    Metric("auditor_ledger_size_bytes", Part.STORE, "Size of the ledger's files."),
    Metric("auditor_state_free_bytes", Part.STORE, "Room left for this user where the site's state lies."),
    Metric("auditor_trail_steps", Part.TRAIL, "Steps in the audit trail."),
    Metric(
        "auditor_trail_faults",
        Part.TRAIL,
        "Changes made past the audit trail, by the newest check of the whole chain.",
        note="The chain is read through once an hour at most; no series before the first time.",
    ),
    Metric("auditor_trail_checked_timestamp_seconds", Part.TRAIL, "When the whole audit trail was last checked."),
    *TIMES,
)

#: Of the program itself; no part.
BUILD_INFO = Metric("auditor_build_info", Part.STORE, "The program: value 1.", ("version",))
PART_SUCCESS = Metric(
    "auditor_scrape_part_success",
    Part.STORE,
    "1 where the part could be told; where it says 0 none of the part's metrics is there.",
    ("part",),
    {"part": tuple(Part)},
)
#: Always there, whatever else could not be told.
ALWAYS = (BUILD_INFO, PART_SUCCESS)


def of_part(part: Part) -> tuple[Metric, ...]:
    return tuple(metric for metric in _ALL if metric.part is part)


#: Name → metric, in the order of the text.
METRICS: Mapping[str, Metric] = {
    metric.name: metric for metric in (*(one for part in Part for one in of_part(part)), *ALWAYS)
}
KEPT = tuple(metric.name for metric in METRICS.values() if metric.kept)

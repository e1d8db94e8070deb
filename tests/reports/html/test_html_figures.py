"""What the page tells is what the accounts, the workbook and the metrics tell."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from reports.account import Account, accounts
from reports.html.burndown import AFTER, BEFORE, EARLIER, LATER, burn_down, code_of
from reports.html.document import document
from reports.html.figures import Figures, figures
from reports.html.narrowing import narrowed
from reports.html.proceedings import DAYS
from reports.html.standings import PAPERS, STATUSES, ends
from reports.ledger_columns import Order
from reports.metrics import render_metrics
from reports.model import AuditView, CaseView, SystemView
from tests.reports.html.cities import AT, TODAY, made_up

NOW = AT + timedelta(hours=3)  # already the next day at the site


@pytest.fixture(scope="module")
def view() -> AuditView:
    return made_up(30, 300)


@pytest.fixture(scope="module")
def told(view: AuditView) -> Figures:
    return figures(view, NOW)


class Scraped:
    """The metrics of a view, summed over whatever labels are not named."""

    def __init__(self, view: AuditView, today: date) -> None:
        text = render_metrics(view, today=today)
        self._samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples if sample.value
        ]

    def by(self, metric: str, *labels: str, **wanted: str) -> dict[tuple[str, ...], int]:
        out: Counter[tuple[str, ...]] = Counter()
        for sample in self._samples:
            if sample.name == metric and all(sample.labels[key] == value for key, value in wanted.items()):
                out[tuple(sample.labels[label] for label in labels)] += int(sample.value)
        return dict(out)

    def total(self, metric: str, **wanted: str) -> int:
        return self.by(metric, **wanted).get((), 0)


@pytest.fixture(scope="module")
def scraped(view: AuditView, told: Figures) -> Scraped:
    return Scraped(view, told.today)


# --- the same figures ---------------------------------------------------------------------------------------


def test_departments_are_the_accounts(view: AuditView, told: Figures) -> None:
    assert {one.account.department_id: one.account for one in told.departments} == {
        account.department_id: account for account in accounts(view)
    }
    total = sum(accounts(view), Account("", "合计"))
    assert told.total == total
    assert told.bounds is not None
    assert f"{told.bounds[0]:.1%}～{told.bounds[1]:.1%}" == total.rate_words


def test_migration_is_what_is_scraped(told: Figures, scraped: Scraped) -> None:
    assert told.total.on_cloud == scraped.total("auditor_systems", hosting="gov_cloud")
    assert told.total.not_told == scraped.total("auditor_systems", hosting="not_known")
    assert told.total.in_scope == scraped.total("auditor_systems_in_scope")
    assert {(code,): n for code, n in told.exclusions.items()} == scraped.by("auditor_systems_excluded", "reason")
    planned = scraped.by("auditor_migration_planned_systems", "by")
    assert {(q.code,): q.planned for q in told.plan.quarters if q.planned} == planned


def test_findings_are_what_is_scraped(view: AuditView, told: Figures, scraped: Scraped) -> None:
    apart = {rule.rule.partition("/")[2] for rule in view.rules if rule.bite in ("lead", "bureau")}
    found = scraped.by("auditor_findings", "rule", "severity", "state")
    ours: Counter[tuple[str, str]] = Counter()
    for (rule, severity, state), number in found.items():
        if rule not in apart:
            ours[severity, state] += number
    assert told.severities == ours
    live = {"open", "reopened", "stale"}
    assert told.leads == sum(n for (rule, _, state), n in found.items() if rule in apart and state in live)
    verdicts = scraped.by("auditor_rule_subjects", "pack", "rule", "verdict")
    for rule in told.rules:
        pack, _, name = rule.rule.partition("/")
        for verdict in ("violation", "compliant", "unknown", "waived"):
            assert rule.verdicts[verdict] == verdicts.get((pack, name, verdict), 0)
    assert told.untold.number == scraped.total("auditor_rule_subjects", verdict="unknown")
    assert told.waivers == scraped.total("auditor_waivers")
    assert told.ending == scraped.total("auditor_waivers", status="expiring_30d") > 0


def test_things_are_what_is_scraped(told: Figures, scraped: Scraped) -> None:
    rooms = Counter((p.department_id, p.origin) for p in told.rooms)
    assert rooms == scraped.by("auditor_rooms", "department", "origin")
    networks = Counter((p.department_id, p.kind, p.origin) for p in told.networks)
    assert networks == scraped.by("auditor_networks", "department", "kind", "origin")
    assert told.components == scraped.by("auditor_components", "department", "category", "list_status")
    assert {(s,): n for s, n in told.validity.items()} == scraped.by("auditor_components_validity", "status")
    for kind, paper in (("mlps", "assessment"), ("crypto", "crypto")):
        counted = {(s,): n for s, n in told.papers.counts[paper].items() if n and s != "not_applicable"}
        assert counted == scraped.by("auditor_assessments", "status", kind=kind)


def test_work_is_what_is_scraped(view: AuditView, told: Figures, scraped: Scraped) -> None:
    assert {(s,): n for s, n in told.cases.states.items()} == scraped.by("auditor_cases", "state")
    assert len(told.cases.overdue) == scraped.total("auditor_cases_overdue") > 0
    below = scraped.by("auditor_case_closing_days_bucket", "le")
    assert {f"{days:.1f}": told.cases.within(days) for days in DAYS if told.cases.within(days)} == {
        le: n for (le,), n in below.items() if le != "+Inf"
    }
    assert len(told.cases.closing) == scraped.total("auditor_case_closing_days_count") > 0
    assert told.scans.covered == scraped.total("auditor_probe_success")
    assert len(told.scans.rows) == len(view.probes)


def test_ages_and_days_are_those_of_the_day_on_which_it_is_made(view: AuditView) -> None:
    early, late = figures(view, AT), figures(view, AT + timedelta(days=60))
    assert early.today == TODAY
    assert late.today == TODAY + timedelta(days=60)
    assert late.papers.counts["assessment"]["expired"] > early.papers.counts["assessment"]["expired"]
    aged = [(b.days or 0) - (a.days or 0) for a, b in zip(early.scans.rows, late.scans.rows, strict=True) if a.days]
    assert set(aged) == {60}
    assert [row.probe.success for row in early.scans.rows] == sorted(row.probe.success for row in early.scans.rows)


def test_what_nobody_told_is_neither_nought_nor_missing(audit: AuditView) -> None:
    told = figures(audit, NOW)
    assert told.papers.counts["filing"]["missing"] == 1  # answered that there is none
    assert told.papers.counts["filing"]["not_known"] > 1
    room = next(place for place in told.rooms if place.name == "交通运输局（推断机房）")
    assert (room.origin, room.approved, room.built_on) == ("unknown", None, None)
    other = next(place for place in told.rooms if place.name == "民政局三楼机房")
    assert (other.origin, other.approved) == ("declared", False)


def test_an_empty_city_has_figures(audit: AuditView) -> None:
    told = figures(
        replace(
            audit,
            departments=(),
            findings=(),
            counts=(),
            unknowns=(),
            probes=(),
            systems=(),
            assets=(),
            complete=False,
            last_complete_at=None,
        ),
        NOW,
    )
    assert told.bounds is None
    assert (told.total.live, told.departments, told.scans.complete_days) == (0, (), None)
    assert [quarter.left for quarter in told.plan.quarters] == [0]


@pytest.mark.parametrize(
    ("days", "status"),
    [
        (-1, "expired"),
        *((days, "expiring_30d") for days in (0, 30)),
        *((days, "expiring_60d") for days in (31, 60)),
        *((days, "expiring_90d") for days in (61, 90)),
        (91, "valid"),
    ],
)
def test_the_last_days_of_a_paper(days: int, status: str) -> None:
    assert ends(TODAY + timedelta(days), TODAY) == status


def test_departments_with_equal_rates_and_unknowns_rank_by_the_lower_bound(told: Figures) -> None:
    lows = [one.account.on_cloud / one.account.in_scope for one in told.departments if one.account.in_scope]
    assert lows == sorted(lows, reverse=True)


# --- the burn-down ------------------------------------------------------------------------------------------


def system(on_cloud: bool | None, migrated: date | None = None, planned: date | None = None) -> SystemView:
    return SystemView("s", "某系统", "d0", "", "running", (), on_cloud, migrated, planned)


def test_the_plan_and_what_became_of_it() -> None:
    plan = burn_down(
        (
            system(True, date(2026, 2, 1), date(2026, 3, 31)),
            system(True, date(2026, 8, 1), date(2026, 5, 1)),
            system(False, None, date(2026, 9, 30)),
            system(None, None, date(2026, 10, 1)),
            system(False, None, date(2027, 2, 1)),
            system(False),
            replace(system(False, None, date(2026, 1, 1)), excluded="retired"),
        ),
        TODAY,
    )
    rows = {q.code: (q.planned, q.planned_on, q.migrated, q.left_by_plan, q.left) for q in plan.quarters}
    assert rows == {
        "2026-Q1": (1, 1, 1, 5, 5),
        "2026-Q2": (1, 1, 0, 4, 5),
        "2026-Q3": (1, 0, 1, 3, 4),
        "2026-Q4": (1, 0, 0, 2, 4),
        "2027-Q1": (1, 0, 0, 1, None),
    }
    assert (plan.behind, plan.behind_unknown, plan.unplanned, plan.not_told) == (1, 1, 1, 1)


def test_dates_far_away_are_told_apart() -> None:
    plan = burn_down(
        (
            system(True, date(1998, 1, 1)),
            system(True),
            system(False, None, date(2099, 1, 1)),
            system(False, None, date.max),
            system(True, date(2030, 1, 1)),
        ),
        TODAY,
    )
    codes = [quarter.code for quarter in plan.quarters]
    assert (codes[0], codes[-1]) == (EARLIER, LATER)
    assert len(codes) <= BEFORE + AFTER + 3
    assert plan.undated == 1
    assert plan.quarters[0].migrated == 1
    assert plan.quarters[-1].planned == 2
    assert plan.quarters[-1].left_by_plan == 0
    # A migration still to come, of a system that is there already, counts as of today.
    assert {q.code: q.migrated for q in plan.quarters}[code_of(TODAY)] == 1


DAYS_NEAR = st.none() | st.dates(date(2019, 1, 1), date(2034, 12, 31))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.builds(system, st.sampled_from((True, False, None)), DAYS_NEAR, DAYS_NEAR), max_size=12),
    st.dates(date(2024, 1, 1), date(2028, 12, 31)),
)
def test_the_burn_down_adds_up(systems: list[SystemView], as_of: date) -> None:
    plan = burn_down(systems, as_of)
    off = sum(one.on_cloud is not True for one in systems)
    now = next(quarter for quarter in plan.quarters if quarter.code == code_of(as_of))
    assert now.left == off
    assert sum(quarter.planned for quarter in plan.quarters) == sum(one.planned_on is not None for one in systems)
    migrated = sum(one.on_cloud is True and one.migrated_on is not None for one in systems)
    assert sum(quarter.migrated for quarter in plan.quarters) == migrated
    by_plan = [quarter.left_by_plan for quarter in plan.quarters]
    assert by_plan == sorted(by_plan, reverse=True)
    left = [quarter.left for quarter in plan.quarters if quarter.left is not None]
    assert left == sorted(left, reverse=True)
    assert all(number >= plan.not_told for number in left)


# --- one department -----------------------------------------------------------------------------------------


def test_a_departments_view_holds_its_own_only(view: AuditView) -> None:
    own = narrowed(view, "d7", {"z7": "水务办公网7", "z3": "共用网络区域1"})
    assert Order(own).rank("d7") == 0
    for group in (own.findings, own.counts, own.unknowns, own.systems, own.assets, own.cases, own.waivers):
        assert {one.department_id for one in group} <= {"d7"}
    assert {(p.zone, p.zone_name) for p in own.probes} == {("z7", "水务办公网7"), ("z3", "共用网络区域1")}
    total = {one.account.department_id: one.account for one in figures(view, NOW).departments}["d7"]
    assert figures(own, NOW).total.rate == total.rate


def test_what_went_wrong_in_a_shared_zone_is_not_told_in_its_words(view: AuditView) -> None:
    zone = next(probe for probe in view.probes if probe.problems)
    own = narrowed(view, "d7", {zone.zone: "共用网络区域1"})
    assert {probe.problems for probe in own.probes} == {("部分范围未覆盖",)}
    named = narrowed(view, "d7", {zone.zone: zone.zone_name})
    assert named.probes[0].problems == zone.problems


def test_a_department_that_is_gone_keeps_its_cases(audit: AuditView) -> None:
    case = CaseView("C1", "served", "order", "gone", "示例市原广播电视局", overdue=True)
    told = figures(replace(audit, cases=(case,)), NOW)
    (row,) = [one for one in told.departments if one.account.department_id == "gone"]
    assert (row.account.name, row.cases, row.overdue) == ("示例市原广播电视局", 1, 1)


# --- as JSON ------------------------------------------------------------------------------------------------


def test_the_document_holds_the_figures(view: AuditView, told: Figures) -> None:
    body = document(view, told, NOW)
    migration = body["migration"]
    assert isinstance(migration, dict)
    assert migration["in_scope"] == told.total.in_scope
    assert migration["rate_least"] == told.total.on_cloud / told.total.in_scope
    assert migration["on_cloud"] + migration["off_cloud"] + migration["not_known"] == migration["in_scope"]
    papers = body["papers"]
    assert isinstance(papers, dict)
    assert {paper: tuple(counts) for paper, counts in papers.items()} == {p: tuple(STATUSES) for p in PAPERS}
    departments = body["departments"]
    assert isinstance(departments, list)
    assert sum(one["live_findings"] for one in departments) == told.total.live

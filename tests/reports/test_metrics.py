"""The metrics: fixed names, bounded labels, a denominator beside every count."""

import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from reports import metrics_labels
from reports.metrics import END, Format, _Told, figures, render, render_metrics, write_textfile
from reports.metrics_names import CASE_STATES, FINDING_STATES, METRICS, Metric
from reports.model import (
    AssetView,
    AuditView,
    CaseView,
    CountView,
    DepartmentView,
    RegulationView,
    WaiverView,
)

#: As the interface and its additions fix them.
INTERFACE = {
    "auditor_assets": {"kind", "department", "zone"},
    "auditor_systems": {"department", "hosting", "status"},
    "auditor_systems_in_scope": {"department"},
    "auditor_systems_excluded": {"department", "reason"},
    "auditor_findings": {"pack", "rule", "department", "severity", "state"},
    "auditor_rule_subjects": {"pack", "rule", "department", "verdict"},
    "auditor_department_info": {"department", "name", "region", "sector"},
    "auditor_migration_planned_systems": {"department", "by"},
    "auditor_assessments": {"department", "kind", "status"},
    "auditor_components": {"department", "category", "list_status"},
    "auditor_cases": {"department", "state"},
    "auditor_cases_overdue": {"department"},
    "auditor_case_closing_days": {"department"},
    "auditor_probe_success": {"zone", "probe"},
    "auditor_probe_duration_seconds": {"zone", "probe"},
    "auditor_probe_coverage_ratio": {"zone", "probe"},
    "auditor_probe_last_success_timestamp_seconds": {"zone", "probe"},
    "auditor_audit_duration_seconds": {"stage"},
    "auditor_audit_last_success_timestamp_seconds": set(),
    "auditor_build_info": {"version"},
    "auditor_rule_info": {"pack", "rule", "title", "severity", "bite"},
    "auditor_pack_info": {"pack", "title", "number"},
    "auditor_zone_info": {"zone", "name"},
    "auditor_rooms": {"department", "origin"},
    "auditor_networks": {"department", "kind", "origin"},
    "auditor_components_validity": {"category", "status"},
    "auditor_waivers": {"department", "status"},
    "auditor_audit_timestamp_seconds": set(),
    "auditor_audit_complete": set(),
    "auditor_scrape_part_success": {"part"},
}
#: Of the store, the trail, the schedule and the looks, which no view tells of.
OF_THE_STORE = {
    "auditor_ledger_size_bytes",
    "auditor_state_free_bytes",
    "auditor_trail_steps",
    "auditor_trail_faults",
    "auditor_trail_checked_timestamp_seconds",
    "auditor_schedule_last_run_timestamp_seconds",
    "auditor_schedule_next_run_timestamp_seconds",
    "auditor_schedule_skipped_runs",
    "auditor_schedule_paused_timestamp_seconds",
    "auditor_probing_stopped_timestamp_seconds",
    "auditor_look_deadline_timestamp_seconds",
    "auditor_look_seen_timestamp_seconds",
    "auditor_look_expires_timestamp_seconds",
    "auditor_worker_answered_timestamp_seconds",
    "auditor_worker_unanswered_timestamp_seconds",
}


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def value(text: str, name: str, **labels: str) -> float:
    return sum(v for n, found, v in samples(text) if n == name and labels.items() <= found.items())


def test_names_labels_and_types_are_the_interfaces(audit: AuditView) -> None:
    assert INTERFACE.keys() | OF_THE_STORE == METRICS.keys()
    assert all(set(METRICS[name].labels) == labels for name, labels in INTERFACE.items())
    families = {f.name: f for f in text_string_to_metric_families(render_metrics(audit))}
    assert families.keys() == INTERFACE.keys()
    for name, family in families.items():
        assert family.type == ("histogram" if name == "auditor_case_closing_days" else "gauge")
        assert family.documentation == METRICS[name].help
        assert all(set(s.labels) - {"le"} == INTERFACE[name] for s in family.samples), name


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_labels_that_take_few_values_take_those(metric: Metric, audit: AuditView) -> None:
    assert metric.values.keys() <= set(metric.labels)
    rows = [labels for name, labels, _ in samples(render_metrics(audit)) if name == metric.name]
    for labels in rows:
        assert all(labels[name] in values for name, values in metric.values.items()), labels


def test_it_is_what_the_client_writes_byte_for_byte(audit: AuditView) -> None:
    odd = replace(audit.departments[0], name='a"b\\\\n\u3000{}', region="")
    cases = (CaseView("C", "closed", "order", "mzj", "x", issued_on=audit.as_of, closed_on=audit.as_of),)
    view = replace(
        audit, departments=(odd, *audit.departments[1:]), cases=cases, stages={"collect": 1.5e9, "render": 0.1}
    )
    told = [one for part in figures(view).values() for one in part]
    registry = CollectorRegistry()
    registry.register(_Told(told))
    assert render(told, Format.PLAIN) == generate_latest(registry)
    assert render(told, Format.OPENMETRICS) + END == generate_openmetrics(registry)
    assert not any(set(metric.help) & set('"\\\\\n') for metric in METRICS.values())


def test_both_formats_say_the_same(audit: AuditView) -> None:
    plain = {f.name: f for f in text_string_to_metric_families(render_metrics(audit))}
    text = render_metrics(audit, form=Format.OPENMETRICS)
    assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1
    other = {f.name: f for f in openmetrics(text)}
    assert plain == other


def test_migration_rate_is_a_division_of_two_series(audit: AuditView) -> None:
    text = render_metrics(audit)
    assert value(text, "auditor_systems", hosting="gov_cloud") == 4
    assert value(text, "auditor_systems_in_scope") == 10
    assert value(text, "auditor_systems_excluded", reason="retired_filed") == 1
    # Every system in scope is counted once, wherever it runs.
    assert value(text, "auditor_systems") == value(text, "auditor_systems_in_scope")
    assert value(text, "auditor_systems", department="mzj", hosting="not_known", status="trial") == 1
    assert value(text, "auditor_systems", department="yx", hosting="unrecognised_gov_cloud") == 1


def test_every_denominator_is_exported_even_nought(audit: AuditView) -> None:
    extra = replace(audit, departments=(*audit.departments, DepartmentView("slj", "示例市水利局")))
    assert ("auditor_systems_in_scope", {"department": "slj"}, 0.0) in list(samples(render_metrics(extra)))


def test_only_pairs_that_had_a_finding_have_series(audit: AuditView) -> None:
    text = render_metrics(audit)
    found = [labels for name, labels, _ in samples(text) if name == "auditor_findings"]
    pairs = {(labels["rule"], labels["department"]) for labels in found}
    assert pairs == {(f.rule.partition("/")[2], f.department_id) for f in audit.findings}
    # Mending shows as a fall to nought, not as a gap.
    assert value(text, "auditor_findings", department="czj", rule="migrate-to-cloud", state="resolved") == 1
    gone = [
        v
        for n, k, v in samples(text)
        if n == "auditor_findings" and k["state"] == "open" and k["department"] == "czj"
    ]
    assert gone == [0.0, 0.0]
    zeros = [k for n, k, v in samples(text) if n == "auditor_findings" and v == 0 and k["state"] != "open"]
    assert zeros == []


def test_rule_subjects_are_non_zero_and_without_not_applicable(audit: AuditView) -> None:
    rows = [(k, v) for n, k, v in samples(render_metrics(audit)) if n == "auditor_rule_subjects"]
    assert all(v > 0 for _, v in rows)
    assert {k["verdict"] for k, _ in rows} == {"violation", "compliant", "unknown", "waived"}
    mine = [v for k, v in rows if k["rule"] == "migrate-to-cloud" and k["department"] == "mzj"]
    assert sum(mine) == 4
    assert {k["pack"] for k, _ in rows} == {"yuncheng-2021"}


def test_probes_audit_and_build(audit: AuditView) -> None:
    text = render_metrics(audit)
    assert value(text, "auditor_probe_success", zone="mzj", probe="nmap") == 1
    assert value(text, "auditor_probe_success", zone="jtj") == 0
    assert value(text, "auditor_probe_coverage_ratio", zone="jtj") == 0.5
    stamps = {k["zone"] for n, k, _ in samples(text) if n == "auditor_probe_last_success_timestamp_seconds"}
    assert stamps == {"mzj", "jtj", "gov"}  # czj was never covered: no series, rather than the year 1970
    assert value(text, "auditor_audit_duration_seconds", stage="collect") == 61.5
    assert value(text, "auditor_build_info", version="0.1.0") == 1


def test_last_success_is_that_of_a_complete_audit(audit: AuditView) -> None:
    name = "auditor_audit_last_success_timestamp_seconds"
    assert audit.last_complete_at is not None
    assert value(render_metrics(audit), name) == audit.last_complete_at.timestamp()
    assert value(render_metrics(replace(audit, complete=True)), name) == audit.ended_at.timestamp()
    assert name not in {n for n, _, _ in samples(render_metrics(replace(audit, last_complete_at=None)))}


def test_planned_migrations_by_quarter_stay_few(audit: AuditView) -> None:
    text = render_metrics(audit)
    assert value(text, "auditor_migration_planned_systems", department="mzj", by="2027-Q1") == 1
    assert value(text, "auditor_migration_planned_systems", department="jtj", by="2026-Q4") == 1
    odd = tuple(replace(audit.systems[0], key=f"s-{y}", planned_on=date(y, 1, 1)) for y in range(1000, 9000, 100))
    quarters = {
        k["by"]
        for n, k, _ in samples(render_metrics(replace(audit, systems=odd)))
        if n == "auditor_migration_planned_systems"
    }
    assert quarters == {"earlier", "later"}


def test_assessments_are_those_of_the_bureaus_ledger(audit: AuditView) -> None:
    """Every registered system in use counts once for each paper; nobody's word is another series than none."""
    text = render_metrics(audit)
    in_use = [s for s in audit.systems if s.status not in ("planned", "retired")]
    assert value(text, "auditor_assessments", kind="mlps") == len(in_use) == 10
    assert value(text, "auditor_assessments", kind="mlps", status="not_known") == 10
    assert value(text, "auditor_assessments", kind="crypto", status="missing") == 1
    # The second level need not be assessed for its cryptography.
    assert value(text, "auditor_assessments", kind="crypto") == 9


@pytest.mark.parametrize(
    ("assessed_on", "status"),
    [
        (date(2025, 11, 21), "expired"),
        (date(2025, 11, 22), "expiring_30d"),
        (date(2025, 12, 22), "expiring_30d"),
        (date(2025, 12, 23), "expiring_60d"),
        (date(2026, 1, 22), "expiring_90d"),
        (date(2026, 2, 20), "expiring_90d"),
        (date(2026, 2, 21), "valid"),
        (None, "not_known"),
    ],
)
def test_standing_of_a_paper(audit: AuditView, assessed_on: date | None, status: str) -> None:
    one = audit.systems[0]
    given = {"mlps_level": 3, "mlps_assessed_on": assessed_on}
    asset = AssetView("system", one.key, "x", "mzj", "", "", given)
    view = replace(audit, systems=(one,), assets=(asset,))
    text = render_metrics(view)
    assert value(text, "auditor_assessments", kind="mlps") == 1
    assert value(text, "auditor_assessments", kind="mlps", status=status) == 1
    # The calendar goes on without an audit.
    later = render_metrics(view, today=view.as_of + timedelta(days=3650))
    assert value(later, "auditor_assessments", kind="mlps", status="expired") == (assessed_on is not None)


def test_rooms_and_networks_by_who_said_that_they_are_there(audit: AuditView) -> None:
    def one(kind: str, key: str, /, **values: object) -> AssetView:
        return AssetView(kind, key, "x", "mzj", "", "", values)

    assets = (
        one("room", "r-1", is_declared=True, is_inferred=False),
        one("room", "r-2", is_declared=False, is_inferred=True),
        one("network", "n-1", kind="dedicated", is_declared=True),
        one("network", "n-2", kind="dedicated", is_declared=False, is_inferred=True),
        one("network", "n-3", kind="internet_exit", is_inferred=True),
        one("network", "n-4", is_inferred=True, is_declared=False),
    )
    text = render_metrics(replace(audit, assets=assets))
    rooms = {k["origin"]: v for n, k, v in samples(text) if n == "auditor_rooms"}
    assert rooms == {"declared": 1, "inferred": 1}
    networks = {(k["kind"], k["origin"]): v for n, k, v in samples(text) if n == "auditor_networks"}
    assert networks == {
        ("dedicated", "declared"): 1,
        ("dedicated", "inferred"): 1,
        ("internet_exit", "unknown"): 1,
        ("not_known", "inferred"): 1,
    }


def test_products_by_what_the_lists_say(audit: AuditView) -> None:
    day = audit.as_of

    def one(number: int, category: str | None, status: str | None, ends: date | None = None) -> AssetView:
        values = {"category": category, "list_status": status, "list_valid_to": ends}
        return AssetView("component", f"p-{number}", "x", "czj", "", "", values)

    assets = (
        one(1, "cpu", "listed", day + timedelta(days=400)),
        one(2, "cpu", "expiring", day + timedelta(days=30)),
        one(3, "os", "expired", day - timedelta(days=1)),
        one(4, "database", "superseded"),
        one(5, "database", "not_listed"),
        one(6, "database", None),
        one(7, "middleware", None),
        one(8, None, None),
    )
    text = render_metrics(replace(audit, assets=assets))
    found = {(k["category"], k["list_status"]): v for n, k, v in samples(text) if n == "auditor_components"}
    assert found == {
        ("cpu", "listed"): 1,
        ("cpu", "expiring"): 1,
        ("os", "expired"): 1,
        ("database", "superseded"): 1,
        ("database", "not_listed"): 1,
        ("database", "untold"): 1,
        ("middleware", "no_table"): 1,
        ("not_known", "untold"): 1,
    }
    validity = {(k["category"], k["status"]): v for n, k, v in samples(text) if n == "auditor_components_validity"}
    assert validity == {
        ("cpu", "valid"): 1,
        ("cpu", "expiring_30d"): 1,
        ("os", "expired"): 1,
        ("database", "not_known"): 1,
    }


def test_waivers_in_force_and_ending(audit: AuditView) -> None:
    day = audit.as_of

    def one(name: str, start: int, end: int) -> WaiverView:
        return WaiverView(name, "mzj", day + timedelta(days=start), day + timedelta(days=end))

    waivers = (one("1", -9, 0), one("2", -9, 30), one("3", -9, 31), one("4", 1, 99), one("5", -99, -1))
    text = render_metrics(replace(audit, waivers=waivers))
    found = {k["status"]: v for n, k, v in samples(text) if n == "auditor_waivers"}
    assert found == {"in_force": 1, "expiring_30d": 2}


def test_cases_by_state_and_how_long_they_took(audit: AuditView) -> None:
    day = audit.as_of

    def one(number: int, state: str, department: str = "mzj", took: int | None = None, **more: Any) -> CaseView:
        dates = {} if took is None else {"issued_on": day - timedelta(days=took), "closed_on": day}
        return CaseView(f"C{number}", state, "order", department, "x", **dates, **more)

    cases = (
        one(1, "draft"),
        one(2, "served", overdue=True),
        one(3, "issued", "jtj"),
        one(4, "closed", took=7),
        one(5, "closed", took=8),
        one(6, "closed", took=400),
        one(7, "closed"),
        one(8, "withdrawn", "gone"),
    )
    text = render_metrics(replace(audit, cases=cases))
    mine = {k["state"]: v for n, k, v in samples(text) if n == "auditor_cases" and k["department"] == "mzj"}
    assert mine == dict.fromkeys(CASE_STATES, 0) | {"draft": 1, "served": 1, "closed": 4}
    # Who never had a case has no series; whose department is none of the register's is nobody's.
    assert {k["department"] for n, k, _ in samples(text) if n == "auditor_cases"} == {"mzj", "jtj", "unassigned"}
    assert value(text, "auditor_cases") == len(cases)
    overdue = {k["department"]: v for n, k, v in samples(text) if n == "auditor_cases_overdue"}
    assert overdue == {"mzj": 1, "jtj": 0, "unassigned": 0}
    buckets = {k["le"]: v for n, k, v in samples(text) if n == "auditor_case_closing_days_bucket"}
    assert buckets == {"7.0": 1, "14.0": 2, "30.0": 2, "60.0": 2, "90.0": 2, "180.0": 2, "365.0": 2, "+Inf": 3}
    assert value(text, "auditor_case_closing_days_sum") == 415
    assert value(text, "auditor_case_closing_days_count") == 3


def test_the_states_of_cases_and_findings_are_all_there_are() -> None:
    from auditor.cases.model import State
    from auditor.ledger.queries import _SHOWN

    assert tuple(State) == CASE_STATES
    assert set(FINDING_STATES) == _SHOWN.keys()


def test_what_is_nobodys_has_a_name_to_join_by(audit: AuditView) -> None:
    lost = replace(audit.systems[0], department_id="nobody")
    text = render_metrics(replace(audit, systems=(*audit.systems, replace(lost, key="s-lost"))))
    names = {k["department"]: k["name"] for n, k, _ in samples(text) if n == "auditor_department_info"}
    assert names["unassigned"] == "未归属部门"
    assert value(text, "auditor_systems", department="unassigned") == 1
    # Whoever joins by department loses nothing.
    assert {k["department"] for n, k, _ in samples(text) if "department" in k} <= names.keys()
    assert "unassigned" not in render_metrics(audit)


CANARIES = ("canary-host", "10.9.8.7", "金丝雀系统", "fe80::1", "canary.example.gov.cn", '"} 1\nevil_metric{x="')


def poisoned(audit: AuditView, canary: str) -> AuditView:
    """A view in which everything that is not a department's or zone's code is the canary."""
    return replace(
        audit,
        site=canary,
        bureau=canary,
        snapshot=canary,
        run=canary,
        conflicts=(canary,),
        findings=tuple(
            replace(f, asset_name=canary, asset_key=canary, title=canary, reason=canary, department_name=canary)
            for f in audit.findings
        ),
        systems=tuple(
            replace(s, name=canary, key=f"{canary}{i}", addresses=(canary,), hosting=(canary,), status=canary)
            for i, s in enumerate(audit.systems)
        ),
        assets=tuple(
            replace(
                a, name=canary, key=f"{canary}{i}", department_id=canary, values={"ips": [canary], "name": canary}
            )
            for i, a in enumerate(audit.assets)
        ),
        unknowns=tuple(replace(u, asset_name=canary, asset_key=canary) for u in audit.unknowns),
        probes=tuple(replace(p, problems=(canary,), limits=(canary,)) for p in audit.probes),
        cases=(CaseView(canary, canary, canary, "mzj", canary, addressee=canary, note=canary, number=canary),),
    )


@pytest.mark.parametrize("canary", CANARIES)
def test_no_label_holds_a_host_an_address_or_a_system(audit: AuditView, canary: str) -> None:
    text = render_metrics(poisoned(audit, canary))
    assert canary not in text
    assert "evil" not in text


@pytest.mark.parametrize("field", ["kind", "zone"])
@pytest.mark.parametrize("canary", ["10.9.8.7", "金丝雀系统", "a b", 'x"} 7'])
def test_what_is_no_code_becomes_other(audit: AuditView, field: str, canary: str) -> None:
    more: Any = {field: canary}
    view = replace(audit, assets=(replace(audit.assets[0], **more),), systems=())
    text = render_metrics(view)
    assert canary not in text
    assert value(text, "auditor_assets", **{field: "other"}) == 1


def test_names_of_departments_are_escaped(audit: AuditView) -> None:
    name = '示例市"民政局"\\\n'
    view = replace(audit, departments=(DepartmentView("mzj", name),))
    labels = [k for n, k, _ in samples(render_metrics(view)) if n == "auditor_department_info"]
    assert [k["name"] for k in labels if k["department"] == "mzj"] == ['示例市"民政局"\\\\x0a']


def test_titles_are_escaped_and_on_one_line(audit: AuditView) -> None:
    title = 'a"b\\\n\u202e{{ x }}<w:p>=1+1'
    view = replace(
        audit,
        rules=(replace(audit.rules[0], title=title),),
        regulations=(RegulationView("p", title, title),),
        probes=(replace(audit.probes[0], zone_name=title),),
    )
    for form in Format:
        text = render_metrics(view, form=form)
        families = text_string_to_metric_families(text) if form is Format.PLAIN else openmetrics(text)
        told = {s.name: s.labels for f in families for s in f.samples if s.name.endswith("_info")}
        safe = 'a"b\\\\x0a\\u202e{{ x }}<w:p>=1+1'
        assert told["auditor_rule_info"]["title"] == told["auditor_pack_info"]["title"] == safe
        assert told["auditor_zone_info"]["name"] == safe
        assert "\u202e" not in text


def test_series_are_bounded_and_sums_stay_true(audit: AuditView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_labels, "MAX_SERIES", 50)
    departments = tuple(DepartmentView(f"d{i}", f"部门{i}") for i in range(200))
    counts = tuple(
        CountView(f"p/r{r}", "t", "p", "high", d.id, "compliant", i + 1)
        for i, d in enumerate(departments)
        for r in range(3)
    )
    text = render_metrics(replace(audit, departments=departments, counts=counts))
    rows = [k for n, k, _ in samples(text) if n == "auditor_rule_subjects"]
    assert len(rows) <= 50 + 3
    assert "d199" in {k["department"] for k in rows}
    assert value(text, "auditor_rule_subjects") == sum(c.number for c in counts)
    assert value(text, "auditor_rule_subjects", department="other") > 0


def test_the_same_view_gives_the_same_text(audit: AuditView) -> None:
    shuffled = replace(audit, findings=audit.findings[::-1], systems=audit.systems[::-1], counts=audit.counts[::-1])
    assert render_metrics(audit) == render_metrics(shuffled)


def test_an_empty_audit_still_renders(audit: AuditView) -> None:
    empty = replace(
        audit, departments=(), findings=(), counts=(), unknowns=(), probes=(), systems=(), assets=(), stages={}
    )
    assert value(render_metrics(empty), "auditor_build_info") == 1


def test_the_textfile_is_whole_and_readable_by_the_exporter(audit: AuditView, tmp_path: Path) -> None:
    path = tmp_path / "auditor.prom"
    write_textfile(render_metrics(audit), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.read_text().endswith("\n")
    assert not re.search(r"\.prom$", "".join(p.name for p in tmp_path.iterdir() if p != path))

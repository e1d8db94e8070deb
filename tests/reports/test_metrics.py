"""The metrics: fixed names, bounded labels, a denominator beside every count."""

import re
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reports import metrics
from reports.metrics import render_metrics, write_textfile
from reports.model import AssetView, AuditView, CountView, DepartmentView

#: As the interface fixes them; these are all that a first audit can fill.
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
    "auditor_probe_success": {"zone", "probe"},
    "auditor_probe_duration_seconds": {"zone", "probe"},
    "auditor_probe_coverage_ratio": {"zone", "probe"},
    "auditor_probe_last_success_timestamp_seconds": {"zone", "probe"},
    "auditor_audit_duration_seconds": {"stage"},
    "auditor_audit_last_success_timestamp_seconds": set(),
    "auditor_build_info": {"version"},
}


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def value(text: str, name: str, **labels: str) -> float:
    return sum(v for n, found, v in samples(text) if n == name and labels.items() <= found.items())


def test_names_labels_and_types_are_the_interfaces(audit: AuditView) -> None:
    families = {f.name: f for f in text_string_to_metric_families(render_metrics(audit))}
    assert families.keys() == INTERFACE.keys()
    for name, family in families.items():
        assert family.type == "gauge"
        assert family.documentation
        assert all(set(s.labels) == INTERFACE[name] for s in family.samples), name


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


def test_assessments_rest_on_papers_only(audit: AuditView) -> None:
    text = render_metrics(audit)
    assert value(text, "auditor_assessments", kind="mlps", status="expiring_60d") == 1
    assert value(text, "auditor_assessments", kind="mlps", status="missing") == 1
    assert value(text, "auditor_assessments", kind="crypto", status="missing") == 1
    # A system of which the registers say nothing counts nowhere.
    assert value(text, "auditor_assessments") == 3


@pytest.mark.parametrize(
    ("valid_to", "status"),
    [
        (date(2026, 11, 21), "expired"),
        (date(2026, 11, 22), "expiring_30d"),
        (date(2026, 12, 22), "expiring_30d"),
        (date(2026, 12, 23), "expiring_60d"),
        (date(2027, 1, 22), "expiring_90d"),
        (date(2027, 2, 20), "expiring_90d"),
        (date(2027, 2, 21), "valid"),
        (None, "not_known"),
    ],
)
def test_standing_of_a_paper(audit: AuditView, valid_to: date | None, status: str) -> None:
    asset = AssetView("system", "s-1", "x", "mzj", "", "", {"mlps_level": 3, "mlps_valid_to": valid_to})
    text = render_metrics(replace(audit, assets=(asset,)))
    assert value(text, "auditor_assessments", kind="mlps", status=status) == 1


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
        probes=tuple(replace(p, zone_name=canary, problems=(canary,), limits=(canary,)) for p in audit.probes),
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
    assert [k["name"] for k in labels] == ['示例市"民政局"\\\\x0a']


def test_series_are_bounded_and_sums_stay_true(audit: AuditView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MAX_SERIES", 50)
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

"""The dashboards' PromQL as Prometheus' own promtool reads it, and what it answers of small invented cities."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from reports.grafana import promql, queries, substituted, variable_queries
from reports.grafana.boards import looking
from reports.grafana.model import Panel
from reports.metrics_names import Part

pytestmark = pytest.mark.lab

ALL = {"region": ".*", "department": ["mzj", "rsj", "unassigned"], "pack": ".*", "zone": ".*"}
ONE = {"region": "140800", "department": "mzj", "pack": ["yuncheng-2021"], "zone": ["gov-cloud", "a.b"]}


def promtool(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("values", [None, ALL, ONE], ids=["as written", "all departments", "one department"])
def test_every_query_is_promql(tmp_path: Path, values: Mapping[str, str | Sequence[str]] | None) -> None:
    expressions = {one.expr for one in queries()} | {expr for _, expr in variable_queries()}
    asked = sorted(substituted(expr, values) if values else expr for expr in expressions)
    rules = [{"record": f"asked:{number}", "expr": expr} for number, expr in enumerate(asked)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}), encoding="utf-8")
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(path))


# --- what is answered ---------------------------------------------------------------------------------------

Answer = dict[str, float]
PARTS = {f'auditor_scrape_part_success{{part="{part.value}"}}': "1x10" for part in Part}
INFO = {
    'auditor_department_info{department="mzj", name="民政局", region="140800", sector="civil_affairs"}': "1x10",
    'auditor_department_info{department="rsj", name="人社局", region="140801", sector="human_resources"}': "1x10",
    'auditor_assets{department="mzj", kind="department", zone="none"}': "1x10",
    'auditor_assets{department="rsj", kind="department", zone="none"}': "1x10",
}


def answers(
    tmp_path: Path,
    series: Mapping[str, str],
    *asked: tuple[str, Answer],
    at: str = "5m",
    interval: str = "1m",
    values: Mapping[str, str | Sequence[str]] = ALL,
) -> None:
    """Asks promtool whether each expression has just these answers; labels are written as in PromQL."""
    test: dict[str, Any] = {
        "interval": interval,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": substituted(expr, values),
                "eval_time": at,
                "exp_samples": [{"labels": labels, "value": value} for labels, value in answer.items()],
            }
            for expr, answer in asked
        ],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}, allow_unicode=True), encoding="utf-8")
    promtool("test", "rules", str(path))


def is_nan(expr: str) -> str:
    """1 where there is an answer, and it is NaN: promtool itself finds no NaN equal to another."""
    return f"count({expr}) unless (({expr}) <= Inf)"


def test_the_rate_has_bounds_and_what_is_told_nought_is_nought(tmp_path: Path) -> None:
    series = {
        'auditor_systems_in_scope{department="mzj"}': "8x10",
        'auditor_systems_in_scope{department="rsj"}': "2x10",
        'auditor_systems{department="mzj", hosting="gov_cloud", status="running"}': "3x10",
        'auditor_systems{department="mzj", hosting="gov_cloud", status="trial"}': "1x10",
        'auditor_systems{department="mzj", hosting="own_room", status="running"}': "2x10",
        'auditor_systems{department="mzj", hosting="not_known", status="running"}': "2x10",
        'auditor_systems{department="rsj", hosting="own_room", status="running"}': "2x10",
    }
    answers(
        tmp_path,
        {**series, **INFO, **PARTS},
        (promql.told(promql.rate()), {"{}": 0.4}),
        (promql.rate_at_most(), {"{}": 0.6}),
        (promql.rate("department"), {'{department="mzj"}': 0.5, '{department="rsj"}': 0}),
        (promql.on_cloud("department"), {'{department="mzj"}': 4, '{department="rsj"}': 0}),
        (promql.excluded(), {"{}": 0}),
        (promql.remaining(), {"{}": 6}),
        (promql.remaining_at_least(), {"{}": 4}),
        (promql.still_to_come(), {"{}": 0}),
    )


def test_a_share_of_nothing_is_no_share_and_unknown_is_neither(tmp_path: Path) -> None:
    answers(
        tmp_path,
        {'auditor_systems_in_scope{department="mzj"}': "0x10", **INFO, **PARTS},
        (promql.told(promql.rate()), {"{}": promql.OF_NOTHING}),
        (promql.rate("department"), {f'{{department="{code}"}}': promql.OF_NOTHING for code in ("mzj", "rsj")}),
    )
    answers(
        tmp_path,
        PARTS,
        (is_nan(promql.told(promql.rate())), {"{}": 1}),
        (promql.rate("department"), {}),
    )


def test_no_case_is_nought_only_where_cases_could_be_told(tmp_path: Path) -> None:
    told = promql.told(promql.or_none(promql.open_cases(), Part.CASES))
    each = promql.each_department(promql.open_cases("department"), Part.CASES)
    cases = {
        'auditor_cases{department="mzj", state="served"}': "2x10",
        'auditor_cases{department="mzj", state="draft"}': "1x10",
        'auditor_cases{department="mzj", state="closed"}': "5x10",
        'auditor_cases{department="mzj", state="withdrawn"}': "7x10",
    }
    both = {'{department="mzj"}': 3.0, '{department="rsj"}': 0.0}
    answers(tmp_path, {**INFO, **PARTS, **cases}, (told, {"{}": 3}), (each, both))
    none = {'{department="mzj"}': 0.0, '{department="rsj"}': 0.0}
    answers(tmp_path, {**INFO, **PARTS}, (told, {"{}": 0}), (each, none))
    failed = {**INFO, **PARTS, 'auditor_scrape_part_success{part="cases"}': "0x10"}
    answers(tmp_path, failed, (is_nan(told), {"{}": 1}), (each, {}))


def test_a_column_of_which_nothing_is_known_says_so(tmp_path: Path) -> None:
    """The rules' part could be told and the findings' could not: no finding is not what that means."""
    rule = 'pack="p", rule="a", department="mzj"'
    series = {
        f'auditor_rule_subjects{{{rule}, verdict="violation"}}': "2x10",
        **INFO,
        **PARTS,
        'auditor_scrape_part_success{part="findings"}': "0x10",
    }
    expr = next(one.expr for one in queries() if one.title == "逐条核查结果" and one.name == "未销号")
    answers(tmp_path, series, (f"({expr}) <= Inf", {}), (is_nan(expr), {"{}": 1}))
    told = {**series, 'auditor_scrape_part_success{part="findings"}': "1x10"}
    answers(tmp_path, told, (expr, {'{pack="p", rule="a"}': 0}))
    expr = next(one.expr for one in queries() if one.title == "各部门上云和整改" and one.name == "未销号问题")
    answers(tmp_path, series, (f"({expr}) <= Inf", {}), (is_nan(expr), {"{}": 2}))


def test_leads_are_no_findings_against_a_department(tmp_path: Path) -> None:
    info = 'auditor_rule_info{{pack="p", rule="{}", title="甲", severity="high", bite="{}"}}'
    one = 'auditor_findings{{pack="p", rule="{}", department="{}", severity="{}", state="{}"}}'
    series = {
        info.format("a", "order"): "1x10",
        info.format("b", "lead"): "1x10",
        one.format("a", "mzj", "high", "open"): "2x10",
        one.format("a", "mzj", "high", "stale"): "1x10",
        one.format("a", "mzj", "high", "resolved"): "9x10",
        one.format("a", "unassigned", "critical", "reopened"): "1x10",
        one.format("b", "mzj", "high", "open"): "4x10",
        # A rule that is no longer in force has no info, and its findings count.
        one.format("old", "rsj", "low", "open"): "1x10",
    }
    answers(
        tmp_path,
        {**series, **INFO, **PARTS},
        (promql.findings(), {"{}": 5}),
        (promql.leads(), {"{}": 4}),
        (promql.findings(severity="critical"), {"{}": 1}),
        (promql.findings("department"), {
            '{department="mzj"}': 3, '{department="rsj"}': 1, '{department="unassigned"}': 1,
        }),
    )  # fmt: skip


def test_every_department_has_one_name_whatever_is_counted_under_it(tmp_path: Path) -> None:
    series = {
        **INFO,
        'auditor_department_info{department="other", name="一 局", region="140800", sector="none"}': "1x10",
        'auditor_department_info{department="other", name="二 局", region="140800", sector="none"}': "1x10",
        'auditor_assets{department="other", kind="department", zone="none"}': "2x10",
        'auditor_assets{department="unassigned", kind="host", zone="mzj"}': "3x10",
    }
    everybody = {
        '{department="mzj", name="民政局"}': 1.0,
        '{department="rsj", name="人社局"}': 1.0,
        '{department="other", name="其他部门"}': 1.0,
        '{department="unassigned", name="未归属部门"}': 1.0,
    }
    chosen = {**ALL, "department": ["mzj", "rsj", "other", "unassigned"]}
    answers(
        tmp_path,
        series,
        (f"({promql.CHOICE}) * 1", everybody),
        (f"({promql.DEPARTMENTS}) * 1", everybody),
        values=chosen,
    )
    # What belongs to no region is there only while all regions are chosen.
    here = {'{department="rsj", name="人社局"}': 1.0}
    answers(tmp_path, series, (f"({promql.CHOICE}) * 1", here), values={**ALL, "region": "140801"})


def test_the_plan_counts_quarters_that_are_not_over(tmp_path: Path) -> None:
    """promtool's clock begins in 1970, which is as good a year as any."""
    planned = 'auditor_migration_planned_systems{{department="mzj", by="{}"}}'
    quarters = {"earlier": 1, "1969-Q4": 2, "1970-Q1": 4, "1970-Q2": 8, "1970-Q4": 16, "1971-Q1": 32, "later": 64}
    series = {planned.format(by): f"{number}x400" for by, number in quarters.items()}
    series['auditor_systems_in_scope{department="mzj"}'] = "200x400"
    for day, number in (("40d", 4 + 8 + 16 + 32 + 64), ("95d", 8 + 16 + 32 + 64), ("370d", 32 + 64)):
        answers(tmp_path, series, (promql.still_to_come(), {"{}": number}), at=day, interval="1d")
    answers(tmp_path, series, (promql.planned(), {"{}": 127}), at="370d", interval="1d")


def test_sites_are_not_mixed(tmp_path: Path) -> None:
    series = {
        'auditor_systems_in_scope{job="a", department="mzj"}': "3x10",
        'auditor_systems_in_scope{job="b", department="mzj"}': "5x10",
    }
    asked = promql.of_site(f"({promql.in_scope()}) + sum(auditor_systems_in_scope)")
    for site, number in (("a", 6), ("b", 10), (".*", 16)):
        answers(tmp_path, series, (asked, {"{}": number}), values={**ALL, "site": site})


def test_a_trend_reads_what_is_scraped_and_what_was_filled_in(tmp_path: Path) -> None:
    """A sample a day, then one a minute; a system moves, and is never counted in both places."""
    cloud = 'auditor_systems{department="mzj", hosting="gov_cloud", status="running"}'
    room = 'auditor_systems{department="mzj", hosting="own_room", status="running"}'
    scope = 'auditor_systems_in_scope{department="mzj"}'
    trend = promql.with_history(promql.remaining())
    daily = {scope: "10x5", cloud: "2x1 3x3", room: "8x1 7x3"}
    for at, left in (("30h", 8), ("47h50m", 8), ("49h", 7), ("71h", 7)):
        answers(tmp_path, daily, (trend, {"{}": left}), at=at, interval="1d")
    dense = {scope: "10x60", cloud: "2x30", room: "1x20 _x40"}
    answers(tmp_path, dense, (trend, {"{}": 1}), at="20m")
    # The series has ended: within a day its last sample must not come back.
    answers(tmp_path, dense, (trend, {"{}": 0}), at="50m")


def test_closing_times_say_that_nothing_was_closed(tmp_path: Path) -> None:
    expr = next(one.expr for one in queries() if one.title == "办结用时" and one.name == "中位数")
    bucket = 'auditor_case_closing_days_bucket{{department="mzj", le="{}"}}'
    counted = {"7.0": 0, "14.0": 4, "30.0": 4, "+Inf": 4}
    closed = {bucket.format(le): f"{number}x10" for le, number in counted.items()}
    count = 'auditor_case_closing_days_count{department="mzj"}'
    answers(tmp_path, {**PARTS, **closed, count: "4x10"}, (expr, {"{}": 10.5}))
    empty = {bucket.format(le): "0x10" for le in counted}
    answers(tmp_path, {**PARTS, **empty, count: "0x10"}, (expr, {"{}": promql.OF_NOTHING}))
    answers(tmp_path, PARTS, (expr, {"{}": promql.OF_NOTHING}))
    answers(tmp_path, {}, (is_nan(expr), {"{}": 1}))


@pytest.mark.parametrize("written", ["7", "7.0"])
def test_buckets_are_found_however_prometheus_writes_their_bounds(tmp_path: Path, written: str) -> None:
    expr = next(one.expr for one in queries() if one.title == "办结用时的分布" and one.name == "7天以内")
    series = {f'auditor_case_closing_days_bucket{{department="mzj", le="{written}"}}': "3x10"}
    answers(tmp_path, {**series, **PARTS}, (expr, {"{}": 3}))


def test_nothing_told_leaves_no_figure_behind(tmp_path: Path) -> None:
    """Where no part could be told every figure is NaN or absent; nothing is 0."""
    failed = dict.fromkeys(PARTS, "0x10")
    asked = [(f"({one.expr}) <= Inf", {}) for one in queries() if one.kind == "instant" and one.title != "监测指标"]
    answers(tmp_path, failed, *asked)


def test_zones_times_are_told_apart_and_a_zone_without_looks_is_there(tmp_path: Path) -> None:
    def asked(panel: Panel) -> dict[str, str]:
        return {query.name: query.expr for query in panel.queries}

    never = promql.NOT_EVER
    zones = {
        'auditor_zone_info{zone="a", name="民政局办公网"}': "1x10",
        'auditor_zone_info{zone="c", name="交通局办公网"}': "1x10",
    }
    series = {
        **zones,
        'auditor_look_seen_timestamp_seconds{zone="a", by="centre"}': "-3300x10",
        'auditor_look_expires_timestamp_seconds{zone="a", by="centre"}': "7500x10",
        'auditor_look_deadline_timestamp_seconds{zone="a"}': "86400x10",
        'auditor_look_deadline_timestamp_seconds{zone="b"}': "-3300x10",
        'auditor_schedule_next_run_timestamp_seconds{zone="a"}': "3900x10",
        'auditor_probing_stopped_timestamp_seconds{job="auditor"}': "0x10",
    }
    counts, table = asked(looking.trouble(8)), asked(looking.zones(16))
    answers(
        tmp_path,
        {**series, **PARTS},
        (counts["未按计划"], {"{}": 1}),
        (counts["将失效"], {"{}": 1}),
        (counts["节点无应答"], {"{}": 0}),
        (counts["暂停的区域"], {"{}": 0}),
        (counts["整体暂停或急停"], {"{}": 1}),
        (
            table[""],
            {
                '{zone="a", by="centre", name="民政局办公网"}': 1,
                '{zone="b", name="b"}': 1,
                '{zone="c", name="交通局办公网"}': 1,
            },
        ),
        (table["距最近一次"], {'{zone="a"}': 1, '{zone="b"}': never, '{zone="c"}': never}),
        (table["距失效"], {'{zone="a"}': 2, '{zone="b"}': never, '{zone="c"}': never}),
        (table["距下一次"], {'{zone="a"}': 1, '{zone="b"}': never, '{zone="c"}': never}),
        (table["过期限"], {'{zone="a"}': 0, '{zone="b"}': 1, '{zone="c"}': never}),
    )
    # Nothing planned and nothing kept is no trouble; a part that cannot be told is no nought.
    answers(tmp_path, PARTS, *((counts[name], {"{}": 0}) for name in ("未按计划", "将失效", "整体暂停或急停")))
    failed = {**PARTS, 'auditor_scrape_part_success{part="looks"}': "0x10"}
    answers(tmp_path, {**failed, **zones}, (is_nan(counts["未按计划"]), {"{}": 1}), (table["距失效"], {}))

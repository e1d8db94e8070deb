"""The rules as they are shipped: names, labels, words, runbooks, and that each has the cases it needs.

What the rules compute is asked of promtool in tests/lab/test_rules.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
import yaml

from reports.metrics_names import HISTOGRAM, METRICS
from reports.prometheus import pages, shipped
from reports.prometheus.shipped import Alert, alerts, records, thresholds
from tests.reports.prometheus import rule_cases
from tests.reports.prometheus.promql import references, templates
from tests.reports.prometheus.rule_cases import Case, alert_cases, recorded_cases

#: Prometheus's own, and the labels that a scrape adds.
FOREIGN = {"up": set[str]()}
SCRAPED = {"job", "instance"}
#: Labels that rules make, each in one place: `gravity` is a finding's severity, `le` parses a quarter.
MADE = {"gravity", "le"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
CASES = alert_cases()
SECTIONS = ["含义", "影响", "排查", "处置"]


def each_alert() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("alert", alerts(), ids=[alert.name for alert in alerts()])


def known() -> dict[str, set[str]]:
    """Every series that a rule may name → its labels."""
    out: dict[str, set[str]] = dict(FOREIGN)
    for metric in METRICS.values():
        names = [metric.name]
        if metric.kind == HISTOGRAM:
            names = [f"{metric.name}_{end}" for end in ("bucket", "count", "sum")]
        for name in names:
            out[name] = set(metric.labels) | ({"le"} if name.endswith("_bucket") else set())
    for record in (*records(), *thresholds()):
        out[record.name] = set(pages.labels_of(record.name))
    return out


def expressions() -> Iterator[tuple[str, str]]:
    for record in (*thresholds(), *records()):
        yield record.name, record.expr
    for alert in alerts():
        yield alert.name, alert.expr
        for text in (alert.summary, alert.description):
            for query in templates(text)[1]:
                yield f"{alert.name} (text)", query


@pytest.mark.parametrize(("rule", "expr"), list(expressions()), ids=lambda value: str(value)[:50])
def test_a_rule_names_only_metrics_and_labels_that_there_are(rule: str, expr: str) -> None:
    metrics, grouped = references(expr)
    series = known()
    assert set(metrics) <= set(series), rule
    assert metrics or expr.startswith(("vector(", "year(")), rule
    for name, labels in metrics.items():
        assert labels <= series[name] | SCRAPED, f"{rule}: {name}"
    anywhere = set().union(*(series[name] for name in metrics)) if metrics else set()
    assert grouped <= anywhere | SCRAPED | MADE | {"department", "region", "name"}, rule


def test_the_values_that_rules_select_by_are_ones_that_there_are() -> None:
    checked = 0
    for rule, expr in expressions():
        for name, inside in re.findall(r"(auditor_\w+)\{([^}]*)\}", expr):
            values = METRICS[name].values
            for label, sign, value in re.findall(r'(\w+)(=~|!=|=)"([^"]*)"', inside):
                for word in value.split("|") if label in values else ():
                    allowed = [one for one in values[label] if re.fullmatch(word, one)]
                    assert allowed, f"{rule}: {name}{{{label}{sign}{value}}}"
                    checked += 1
    assert checked > 40


def test_references_are_found() -> None:
    metrics, grouped = references(
        'sum by (job) (a:b{x="y{",z=~"w"} offset 3d) > scalar(max(c) or vector(1e9)) * 2 and on (k) d[11d:1h] # e'
    )
    assert metrics == {"a:b": {"x", "z"}, "c": set(), "d": set()}
    assert grouped == {"job", "k"}
    assert references('label_replace(f{g="h"}, "i", "$1", "j", "(.*)")') == ({"f": {"g"}}, {"i", "j"})
    assert templates('{{ with printf "m{a=%q}" $labels.a | query }}') == ({"a"}, ['m{a="x"}'])


@each_alert()
def test_an_alert_says_in_chinese_what_is_the_matter(alert: Alert) -> None:
    assert re.fullmatch(r"Auditor[A-Z][A-Za-z]+", alert.name)
    assert alert.severity in pages.SEVERITIES and alert.team in pages.TEAMS
    for text in (alert.title, alert.summary, alert.description):
        assert len(CHINESE.findall(text)) >= 4, text
    assert len(alert.title) <= 14 and "{{" not in alert.title + alert.description
    assert len(alert.description) >= 20 and alert.description.endswith("。")
    # A folded line of YAML ends in a space, which Chinese does not have.
    folded = re.compile(r"[，。；：、\u4e00-\u9fff] [\u4e00-\u9fff]")
    for text in (alert.title, alert.summary, alert.description):
        assert not folded.search(re.sub(r"\{\{.*?\}\}", "x", text, flags=re.S)), text


@each_alert()
def test_an_alert_carries_no_label_that_could_tell_a_host(alert: Alert) -> None:
    """What it is grouped by is what it carries; a bare selector would bring the scrape's address along."""
    allowed = {"job", "department", "zone", "probe", "part", "kind", "category", "gravity"}
    assert templates(alert.summary)[0] <= allowed
    bare = re.sub(r"\b(min|max|sum|count|group) (by) \([^)]*\)", "agg", alert.expr)
    assert re.match(
        r"\(*\s*(agg|absent|time\(\) - agg|round\(\s*agg|label_replace\(\s*agg|\(*department:)", bare.strip()
    ), bare
    for _, labels in re.findall(r"\b(by) \(([^)]*)\)", alert.expr):
        assert "instance" not in labels
    seen = {name for case in CASES if case.alert == alert.name for name in fired_labels(case)}
    assert seen <= allowed


def fired_labels(case: Case) -> set[str]:
    return {
        name
        for what in case.at.values()
        if not isinstance(what, str)
        for one in what
        for name in one
        if name != "summary"
    }


@each_alert()
def test_an_alert_has_its_runbook(alert: Alert) -> None:
    text = shipped.text(f"{shipped.RUNBOOKS}/{alert.runbook}")
    assert re.findall(r"^## (.+)$", text, re.M) == SECTIONS
    for section, body in zip(SECTIONS, re.split(r"^## .+$", text, flags=re.M)[1:], strict=True):
        assert len(CHINESE.findall(body)) >= 10 or "auditor " in body, f"{alert.runbook}: {section}"
    assert "auditor " in text and not re.search(r"^# ", text, re.M)


def test_runbooks_and_alerts_are_one_to_one() -> None:
    count = Counter(alert.runbook for alert in alerts())
    assert set(count.values()) == {1}
    from importlib.resources import files

    there = {entry.name for entry in (files("reports.prometheus") / shipped.RUNBOOKS).iterdir()}
    assert there == set(count)


@each_alert()
def test_an_alert_has_the_cases_it_needs(alert: Alert) -> None:
    mine = [case for case in CASES if case.alert == alert.name]
    shown = set().union(*(case.shows for case in mine))
    assert shown >= {"fires", "silent", "resolves", "missing", "zero", "threshold"}, alert.name
    said = [one for case in mine for what in case.at.values() if not isinstance(what, str) for one in what]
    assert any("summary" in one for one in said), "no case holds its words"


@pytest.mark.parametrize("case", CASES, ids=[f"{case.alert}-{case.name}" for case in CASES])
def test_a_case_shows_what_it_says(case: Case) -> None:
    assert case.alert in {alert.name for alert in alerts()} and case.shows and case.shows <= rule_cases.SHOWS
    moments = list(case.at)
    assert [rule_cases.seconds(m) for m in moments] == sorted(rule_cases.seconds(m) for m in moments)
    if "fires" in case.shows:
        assert case.fires
    else:
        assert not case.fires, "it says that it is silent"
    if "resolves" in case.shows:
        assert case.fires and case.at[moments[-1]] == "quiet"
    if case.shows & {"silent", "missing"} and not case.fires:
        assert "quiet" in case.at.values()


@pytest.mark.parametrize("case", (*CASES, *recorded_cases()), ids=lambda case: case.name)
def test_a_case_feeds_in_what_an_exporter_could_tell(case: Case | rule_cases.Recorded) -> None:
    for series in case.series:
        name, _, inside = series.rstrip("}").partition("{")
        labels = dict(re.findall(r'(\w+)="([^"]*)"', inside))
        if name in FOREIGN:
            continue
        metric = METRICS[name]
        # A label without a value is no label; departments of a build have no version here.
        assert set(labels) - SCRAPED <= set(metric.labels), series
        assert set(metric.labels) - set(labels) <= {"version"}, series
        for label, values in metric.values.items():
            assert labels[label] in values or labels[label] == "other", series


def test_every_recording_rule_has_a_case() -> None:
    asked = {expr.split(" ")[0] for case in recorded_cases() for expr, rows in case.expect.items() if rows}
    assert {record.name for record in records()} - asked == set()


def test_recording_rules_are_named_by_level_metric_and_operation() -> None:
    for record in (*records(), *thresholds()):
        level, metric, operation = record.name.split(":")
        assert level in ("department", "region", "city", "zone", "quarter", "auditor"), record.name
        assert level == "auditor" or metric.startswith("auditor_"), record.name
        assert operation, record.name
    names = Counter(record.name for record in (*records(), *thresholds()))
    assert set(names.values()) == {1}


def test_thresholds_and_the_defaults_in_the_alerts_agree() -> None:
    used = {}
    for alert in alerts():
        for name, default in re.findall(
            r"scalar\(max\((auditor:threshold:\w+)\) or (vector\([0-9.]+\))\)", alert.expr
        ):
            used[name] = default
        assert len(re.findall("auditor:threshold", alert.expr)) == len(
            re.findall(r"scalar\(max\(auditor:", alert.expr)
        )
    assert used == {record.name: record.expr for record in thresholds()}
    assert all(CHINESE.search(record.comment) and "缺省" in record.comment for record in thresholds())


def test_alerts_about_figures_outlast_a_restart_and_those_about_absence_do_not_linger() -> None:
    for alert in alerts():
        absence = alert.group == "auditor_exporter" and alert.name != "AuditorScrapePartFailing"
        at_once = alert.name in ("AuditorTrailFault", "AuditorScanNeverComplete")
        assert bool(alert.lingers) != (absence or at_once), alert.name


def test_no_rule_is_made_of_a_bare_number_of_a_missing_series() -> None:
    """``or vector(0)`` would turn what nobody told into a figure; it stands with thresholds only."""
    for name, expr in expressions():
        rest = re.sub(r"max\(auditor:threshold:\w+\) or vector\([0-9.]+\)", "", expr)
        assert "or vector" not in rest and "or on () vector" not in rest, name


def test_the_files_are_plain_yaml_without_tabs_and_long_lines() -> None:
    for name in (*shipped.RULE_FILES, "prometheus.yml", "alertmanager.yml"):
        text = shipped.text(name)
        assert yaml.safe_load(text)
        assert "\t" not in text and max(map(len, text.splitlines())) <= 120, name


def test_notices_of_office_hours_are_looked_at_in_office_hours() -> None:
    """A group is looked at once in ``group_interval``: one longer than a day's office hours might never meet them."""
    settings = yaml.safe_load(shipped.text("alertmanager.yml"))
    hours = settings["time_intervals"][0]["time_intervals"][0]["times"][0]
    begin, end = (int(hours[name].split(":")[0]) for name in ("start_time", "end_time"))
    route = settings["route"]
    assert "department" not in route["group_by"]
    timed = [one for one in route["routes"] if "active_time_intervals" in one]
    assert len(timed) == 2
    for one in timed:
        assert rule_cases.seconds(one["group_interval"]) < (end - begin) * 3600
        assert rule_cases.seconds(one["repeat_interval"]) < 120 * 3600, "longer than Alertmanager remembers"
    assert {receiver["name"] for receiver in settings["receivers"]} == {
        route["receiver"],
        *(one["receiver"] for one in route["routes"]),
    }


def test_alertmanager_names_alerts_that_there_are() -> None:
    names = {alert.name for alert in alerts()}
    mentioned = set(re.findall(r"Auditor[A-Z]\w+", shipped.text("alertmanager.yml")))
    assert mentioned and mentioned <= names

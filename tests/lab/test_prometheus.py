"""A real Prometheus scrapes a served example city through two audits, and says what the ledger says.

Its cases were worked, and its history begins, a month before: what was noted then is filled in from the ledger. Every
panel's and every rule's query is asked through the HTTP API; a change made past the audit trail reaches Alertmanager.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from prometheus_client.parser import text_string_to_metric_families

import reports.grafana
from auditor.commands.deploy_prometheus import deploy_prometheus
from auditor.ledger.store import Ledger
from auditor.overview import newest_overview
from auditor.site import load_site
from reports.metrics_names import METRICS
from reports.model import AuditView
from reports.prometheus.bundle import bundle
from tests.lab.prometheus import Alertmanager, Found, Prometheus, Webhook, free_port, until
from tests.lab.served_city import CHINA, SIGNS, ServedCity

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("prometheus")]

DASHBOARDS = Path(reports.grafana.__file__).parent / "dashboards"
#: What a scrape says of itself, and what changes while nobody does anything.
MOVING = {"auditor_state_free_bytes", "auditor_ledger_size_bytes"}
SCRAPED = (("instance", "auditor"), ("job", "auditor"))


@dataclass
class Told:
    """What the ledger said at a moment: the audit's view, and the ledger's own counts."""

    view: AuditView
    findings: Counter[tuple[str, str]] = field(default_factory=Counter)
    cases: Counter[str] = field(default_factory=Counter)
    overdue: int = 0
    steps: int = 0
    at: float = 0.0


@dataclass
class Story:
    city: ServedCity
    prometheus: Prometheus
    port: int
    first: Told
    second: Told
    backfilled: Path


def config(folder: Path, address: str, manager: str) -> str:
    """The deployment's own files, evaluated every second and with nothing to wait for before an alert fires."""
    deploy_prometheus(folder, target=address, force=True)
    for file in (folder / "rules").glob("*.yml"):
        text = re.sub(r"^(\s*)interval: \w+$", r"\1interval: 1s", file.read_text(encoding="utf-8"), flags=re.M)
        file.write_text(re.sub(r"^\s*for: \w+\n", "", text, flags=re.M), encoding="utf-8")
    text = (folder / "prometheus.yml").read_text(encoding="utf-8")
    text = text.replace("_interval: 1m", "_interval: 1s").replace("scrape_timeout: 30s", "scrape_timeout: 1s")
    return text.replace('"127.0.0.1:9093"', f'"{manager}"').replace("- rules/", f"- {folder}/rules/")


def told(city: ServedCity) -> Told:
    """By the audit's own view and past the program, from the ledger's file."""
    site = load_site(city.root)
    now = datetime.now(CHINA)
    with Ledger.open(city.ledger) as ledger:
        made = Told(newest_overview(site, ledger, now))
    with sqlite3.connect(city.ledger) as database:
        state = (
            "CASE WHEN state <> 'open' THEN state WHEN stale THEN 'stale' "
            "WHEN reopenings > 0 THEN 'reopened' ELSE 'open' END"
        )
        for severity, shown, number in database.execute(
            f"SELECT severity, {state}, count(*) FROM findings GROUP BY 1, 2"
        ):
            made.findings[severity, shown] += number
        made.cases.update(dict(database.execute("SELECT state, count(*) FROM cases GROUP BY 1")))
        late = "SELECT count(*) FROM cases WHERE state IN ('issued', 'served') AND NOT due_provisional AND due < ?"
        made.overdue = database.execute(late, (now.date().isoformat(),)).fetchone()[0]
        made.steps = database.execute("SELECT count(*) FROM trail").fetchone()[0]
    database.close()
    return made


def newest_is_in(prometheus: Prometheus, told: Told) -> None:
    prometheus.wait_for(
        "auditor_audit_timestamp_seconds", lambda at: abs(at - told.view.started_at.timestamp()) < 0.001, 90
    )
    prometheus.wait_for("auditor_trail_steps", lambda steps: steps == told.steps)
    # Recording rules are worked out from what was scraped before.
    time.sleep(3)
    told.at = time.time()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("prometheus")
    begin = (datetime.now(CHINA) - timedelta(days=33)).replace(hour=9, minute=0, second=0, microsecond=0)
    while begin.weekday() > 1:
        begin -= timedelta(days=1)
    city = ServedCity(folder / "site", begin)
    city.audit(at=begin)
    city.note_history(begin + timedelta(hours=1))
    city.work_cases(begin + timedelta(days=1))
    city.note_history(begin + timedelta(days=17, hours=8))
    city.audit()
    backfilled = folder / "history.om"
    city("metrics", "--backfill", str(backfilled), "--label", "job=auditor", "--label", "instance=auditor")
    data = folder / "prometheus" / "data"
    data.mkdir(parents=True)
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(backfilled), str(data)],
        check=True,
        capture_output=True,
        timeout=600,
    )
    port = free_port()
    with ExitStack() as stack:
        address = stack.enter_context(city.serving(port))
        manager = f"127.0.0.1:{free_port()}"
        prometheus = stack.enter_context(
            Prometheus(folder / "prometheus", config(folder / "deployed", address, manager))
        )
        first = told(city)
        newest_is_in(prometheus, first)
        change(city)
        second = told(city)
        newest_is_in(prometheus, second)
        yield Story(city, prometheus, port, first, second, backfilled)


def change(city: ServedCity) -> None:
    """A department moves a system and closes a network; a case is withdrawn; everything is audited again."""
    reviewed = next(case["id"] for case in city.json("case", "list") if case["state"] == "reviewed")
    city("case", "withdraw", reviewed, "--by", SIGNS, "--reason", "另行处理")
    systems = city.root / "registers" / "systems.xlsx"
    book = load_workbook(systems)
    sheet = book.active
    headings = {cell.value: cell.column for cell in sheet[2]}
    row = next(row[0].row for row in sheet.iter_rows(min_row=3) if row[1].value == "MZ-001")
    sheet.cell(row, headings["系统状态"]).value = "停用"
    sheet.cell(row, headings["停用备案日期"]).value = datetime.now(CHINA).date().isoformat()
    book.save(systems)
    city.audit()


# --- what is scraped ----------------------------------------------------------------------------------------


def test_the_target_is_healthy_and_speaks_openmetrics(story: Story) -> None:
    (target,) = story.prometheus.scraped()
    assert target["health"] == "up" and target["lastError"] == ""
    assert target["labels"] == {"instance": "auditor", "job": "auditor"}
    assert float(target["lastScrapeDuration"]) < 0.5
    known = story.prometheus.get("/api/v1/metadata")
    for name, found in known.items():
        if name.startswith("auditor_"):
            assert found[0]["help"] == METRICS[name].help and found[0]["type"] == METRICS[name].kind


def test_every_series_stands_in_prometheus_number_for_number(story: Story) -> None:
    text = story.city("metrics")
    expected: dict[str, Found] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # An empty label is none to Prometheus.
            key = tuple(sorted((*((k, v) for k, v in sample.labels.items() if v), *SCRAPED)))
            expected.setdefault(sample.name, {})[key] = sample.value
    found = {
        name: series
        for name, series in story.prometheus.everything().items()
        if ":" not in name and name not in MOVING
    }
    found = {name: {k: v for k, v in series.items() if SCRAPED[1] in k} for name, series in found.items()}
    assert found == {name: series for name, series in expected.items() if name not in MOVING}
    assert len(found) > 25 and sum(map(len, found.values())) > 400


def test_promtool_finds_nothing_but_what_the_interface_asks_for(story: Story) -> None:
    """Deadlines are counted in days, and the interface has how long a case took in them."""
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=story.city("metrics"), capture_output=True, text=True, check=False
    )
    assert checked.stdout == ""
    assert checked.stderr == 'auditor_case_closing_days use base unit "seconds" instead of "days"\n'
    assert story.second.cases["closed"] == 1


def systems(view: AuditView, **wanted: object) -> int:
    return sum(
        not system.excluded and all(getattr(system, name) == value for name, value in wanted.items())
        for system in view.systems
    )


def agree(prometheus: Prometheus, told: Told, at: float | None = None) -> None:
    """The main figures against the ledger."""

    def one(expression: str) -> float:
        return prometheus.one(f"({expression}) or vector(0)", at)

    view = told.view
    assert one("sum(auditor_systems_in_scope)") == systems(view)
    assert one('sum(auditor_systems{hosting="gov_cloud"})') == systems(view, on_cloud=True)
    assert one('sum(auditor_systems{hosting="not_known"})') >= systems(view, on_cloud=None)
    assert one("sum(auditor_systems)") == systems(view)
    excluded = Counter(system.excluded for system in view.systems if system.excluded)
    for reason in METRICS["auditor_systems_excluded"].values["reason"]:
        assert one(f'sum(auditor_systems_excluded{{reason="{reason}"}})') == excluded[reason]
    for severity in METRICS["auditor_findings"].values["severity"]:
        for state in METRICS["auditor_findings"].values["state"]:
            query = f'sum(auditor_findings{{severity="{severity}", state="{state}"}})'
            assert one(query) == told.findings[severity, state], query
    for state in METRICS["auditor_cases"].values["state"]:
        assert one(f'sum(auditor_cases{{state="{state}"}})') == told.cases[state]
    assert one("sum(auditor_cases_overdue)") == told.overdue
    for kind in ("room", "network", "host", "component", "cloud", "project"):
        number = sum(asset.kind == kind for asset in view.assets)
        assert one(f'sum(auditor_assets{{kind="{kind}"}})') == number
    assert one("sum(auditor_rooms)") == sum(asset.kind == "room" for asset in view.assets)
    assert one("sum(auditor_networks)") == sum(asset.kind == "network" for asset in view.assets)


def test_both_audits_agree_with_the_ledger(story: Story) -> None:
    agree(story.prometheus, story.second)
    agree(story.prometheus, story.first, story.first.at)


def test_the_changes_between_the_audits_show(story: Story) -> None:
    first, second = story.first, story.second
    assert systems(second.view) == systems(first.view) - 1
    assert second.cases - first.cases == Counter(withdrawn=1)
    assert first.findings != second.findings
    assert first.overdue == second.overdue == 1


def test_no_moment_shows_half_of_an_audit(story: Story) -> None:
    """Each scrape was of one audit: systems and findings changed together."""
    start, end = story.first.at, story.second.at
    figures = story.prometheus.range(
        "sum(auditor_systems_in_scope) * 1000 + sum(auditor_systems) "
        "+ 1000000 * count(auditor_audit_timestamp_seconds)",
        start,
        end,
        1,
    )
    whole = {systems(one.view) * 1001 + 1000000 for one in (story.first, story.second)}
    (values,) = figures.values()
    assert {value for _at, value in values} == whole


def test_the_workbook_says_the_same(story: Story, tmp_path: Path) -> None:
    story.city("ledger", "export", str(tmp_path / "ledger.xlsx"))
    sheet = load_workbook(tmp_path / "ledger.xlsx", read_only=True)["等保密评台账"]
    rows = [[str(cell or "").replace("\n", "") for cell in row] for row in sheet.iter_rows(values_only=True)]
    head = next(row for row in rows if "测评状态" in row)
    words = {
        "有效": "valid",
        "90日内到期": "expiring_90d",
        "60日内到期": "expiring_60d",
        "30日内到期": "expiring_30d",
        "已到期": "expired",
        "未测评": "missing",
        "未密评": "missing",
        "不明": "not_known",
        "已测评，级别不明": "not_known",
    }
    for heading, kind in (("测评状态", "mlps"), ("密评状态", "crypto")):
        shown = Counter(words[row[head.index(heading)]] for row in rows if row[head.index(heading)] in words)
        found = story.prometheus.by(f'sum by (status) (auditor_assessments{{kind="{kind}"}})', "status")
        assert found == shown


# --- panels and rules ---------------------------------------------------------------------------------------


def panels(board: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in board["panels"]:
        yield panel
        yield from panels(panel) if "panels" in panel else ()


def filled(expression: str, board: str) -> str:
    """A query as Grafana sends it: every department, or one where a board is about one; every pack and zone."""
    one = "mzj" if board == "auditor-department" else ".+"
    values = {
        "department": one,
        "pack": ".*",
        "zone": ".*",
        "region": ".*",
        "site": ".*",
        "__interval": "1m",
        "__rate_interval": "5m",
    }
    out = re.sub(r"\$\{?([A-Za-z_]\w*)(?::\w+)?\}?", lambda found: values[found[1]], expression)
    return out.replace("$__range", "1d")


BOARDS = sorted(path.stem for path in DASHBOARDS.glob("*.json"))


@pytest.mark.parametrize("name", BOARDS)
def test_every_panel_shows_something_and_nothing_is_said_to_be_unknown(story: Story, name: str) -> None:
    board = json.loads((DASHBOARDS / f"{name}.json").read_text(encoding="utf-8"))
    now = time.time()
    empty, unknown, asked = [], [], 0
    for panel in panels(board):
        for target in panel.get("targets", ()):
            query = filled(target["expr"], name)
            if target.get("range"):
                values = [v for points in story.prometheus.range(query, now - 60, now, 5).values() for _, v in points]
            else:
                values = list(story.prometheus.query(query).values())
            asked += 1
            where = f"{panel['title']} / {target.get('legendFormat') or target['refId']}"
            if not values:
                empty.append(where)
            elif all(math.isnan(value) for value in values):
                unknown.append(where)
    assert asked > 10
    assert (empty, unknown) == ([], [])


#: A panel's plain sum, with what stands for it where there is nothing to sum.
_SUM = re.compile(
    r"\(*sum (?:by \(([\w, ]+)\) )?\((auditor_\w+)(\{[^}]*\})?\)\)*"
    r"(?: or (?:on \([\w, ]*\) )?0 \* .*)?(?: or vector\(NaN\))?",
    re.S,
)
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
_MEETS = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "=~": lambda value, wanted: re.fullmatch(wanted, value) is not None,
    "!~": lambda value, wanted: re.fullmatch(wanted, value) is None,
}


def summed(text: str, name: str, matchers: str, by: str) -> dict[tuple[str, ...], float]:
    """What a plain sum over the ledger's own text comes to, worked out here."""
    out: dict[tuple[str, ...], float] = {}
    conditions = _MATCHER.findall(matchers or "")
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and all(
                _MEETS[sign](sample.labels.get(label, ""), wanted) for label, sign, wanted in conditions
            ):
                key = tuple(sample.labels[label.strip()] for label in by.split(",")) if by else ()
                out[key] = out.get(key, 0.0) + sample.value
    return out


def test_every_plain_sum_of_every_panel_is_the_ledgers(story: Story) -> None:
    text, compared = story.city("metrics"), 0
    for name in BOARDS:
        board = json.loads((DASHBOARDS / f"{name}.json").read_text(encoding="utf-8"))
        for query in {filled(one["expr"], name) for panel in panels(board) for one in panel.get("targets", ())}:
            plain = _SUM.fullmatch(query)
            if plain is None or re.search(r" [-+/] ", query):
                continue
            by, metric, matchers = plain[1] or "", plain[2], plain[3] or ""
            expected = {key: value for key, value in summed(text, metric, matchers, by).items() if value}
            labels = [label.strip() for label in by.split(",")] if by else []
            found = {
                tuple(dict(key).get(label, "") for label in labels): value
                for key, value in story.prometheus.query(query).items()
                if value
            }
            assert found == expected, f"{name}: {query}"
            compared += 1
    assert compared > 120


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_has_values(story: Story, name: str) -> None:
    board = json.loads((DASHBOARDS / f"{name}.json").read_text(encoding="utf-8"))
    for variable in board["templating"]["list"]:
        if variable["type"] != "query":
            continue
        text = variable["query"]["query"] if isinstance(variable["query"], dict) else variable["query"]
        label = re.fullmatch(r"label_values\((\w+), (\w+)\)", text)
        result = re.fullmatch(r"query_result\((.*)\)", text, flags=re.S)
        assert label or result, text
        query = f"group by ({label[2]}) ({label[1]})" if label else result[1] if result else ""
        assert story.prometheus.query(filled(query, name)), f"{name}: {variable['name']}"


def test_every_rule_is_evaluated_without_a_fault(story: Story) -> None:
    rules = story.prometheus.rules()
    assert {rule["health"] for rule in rules} == {"ok"}, [rule for rule in rules if rule["health"] != "ok"]
    shipped = sum(
        len(re.findall(r"^\s*- (?:alert|record): ", piece.text, flags=re.M))
        for piece in bundle("127.0.0.1:1")
        if piece.path.startswith("rules/")
    )
    assert len(rules) == shipped > 60


def test_every_recorded_figure_is_there(story: Story) -> None:
    names = {rule["name"] for rule in story.prometheus.rules() if rule["type"] == "recording"}
    assert {name for name in names if not story.prometheus.query(name)} == set()


def test_recorded_figures_are_the_ledgers(story: Story) -> None:
    view, one = story.second.view, story.prometheus.one
    scope, cloud, unknown = systems(view), systems(view, on_cloud=True), systems(view, on_cloud=None)
    assert one("city:auditor_systems_in_scope:sum") == scope
    assert one("city:auditor_systems_on_cloud:sum") == cloud
    assert one("city:auditor_migration_ratio:low") == pytest.approx(cloud / scope)
    assert one("city:auditor_migration_ratio:high") == pytest.approx((cloud + unknown) / scope)
    departments = story.prometheus.by("department:auditor_systems_in_scope:sum", "department")
    assert departments == {
        d.id: sum(s.department_id == d.id and not s.excluded for s in view.systems) for d in view.departments
    }
    blame = {rule.rule for rule in view.rules if rule.bite not in ("lead", "bureau")}
    living = Counter(
        (f.department_id, f.severity)
        for f in view.findings
        if f.state in ("open", "reopened", "stale") and f.rule in blame
    )
    found = story.prometheus.by("department:auditor_findings_open:sum > 0", "department", "severity")
    assert found == living
    assert one("city:auditor_cases_overdue:sum") == story.second.overdue
    inferred = Counter(
        asset.department_id
        for asset in view.assets
        if asset.kind == "room" and asset.values.get("is_declared") is False
    )
    assert story.prometheus.by("department:auditor_rooms_undeclared:sum > 0", "department") == inferred


def test_what_fires_is_what_the_ledger_has(story: Story) -> None:
    """Without their waiting times: whatever the ledger says is late, expired or failing fires, and nothing else."""
    view, firing = story.second.view, story.prometheus.firing()

    def departments(alert: str) -> list[str]:
        return sorted(labels["department"] for labels in firing.get(alert, ()))

    def of(expression: str) -> list[str]:
        return sorted(story.prometheus.by(expression, "department"))

    late = {case.department_id for case in view.cases if case.overdue}
    assert departments("AuditorCaseOverdue") == sorted(late) != []
    assert sorted(set(departments("AuditorAssessmentExpired"))) == of(
        'sum by (department) (auditor_assessments{status="expired"})'
    )
    failing = {(probe.zone, probe.probe) for probe in view.probes if not probe.success and probe.last_success is None}
    assert {(one["zone"], one["probe"]) for one in firing.get("AuditorProbeFailing", ())} == failing != set()
    assert "AuditorScanNeverComplete" in firing
    for quiet in (
        "AuditorExporterDown",
        "AuditorMetricsAbsent",
        "AuditorScrapePartFailing",
        "AuditorTargetsDuplicated",
        "AuditorRecordingMissing",
        "AuditorScanStale",
        "AuditorAuditNotRunning",
        "AuditorClockWrong",
        "AuditorTrailFault",
        "AuditorTrailShrunk",
        "AuditorLedgerTrouble",
        "AuditorDiskNearlyFull",
    ):
        assert quiet not in firing


# --- the history --------------------------------------------------------------------------------------------


def test_last_months_figures_stand_in_prometheus(story: Story) -> None:
    """Filled in from the ledger, under the very names and labels of what is scraped."""
    begin = story.city.begin
    day = (begin + timedelta(days=9)).replace(hour=23, minute=59, second=59)
    at = day.timestamp() + 60
    site = load_site(story.city.root)
    with Ledger.open(story.city.ledger) as ledger:
        first = ledger.audits()[-1]
    assert first.started_at.astimezone(site.timezone).date() == begin.date()
    then = story.prometheus.query("sum(auditor_systems_in_scope)", at)
    assert list(then.values()) == [systems(story.first.view)]
    cases = {
        dict(key)["state"]: value
        for key, value in story.prometheus.query("sum by (state) (auditor_cases)", at).items()
        if value
    }
    assert cases == {"draft": 1, "reviewed": 1, "served": 2}
    hours, newest = 24 * 30, story.second.at
    query = "sum(last_over_time(auditor_systems_in_scope[26h]))"
    (points,) = story.prometheus.range(query, newest - hours * 3600, newest, 3600).values()
    # Not one hour of a month is empty, and one query draws what was filled in and what was scraped.
    assert len(points) == hours + 1
    assert {value for _at, value in points} == {systems(story.first.view), systems(story.second.view)}


def test_nothing_is_counted_twice_where_history_and_scrapes_meet(story: Story) -> None:
    series = story.prometheus.get("/api/v1/series", **{"match[]": "auditor_systems_in_scope"})
    assert len(series) == len(story.second.view.departments)


def test_promtool_takes_the_whole_file(story: Story) -> None:
    days = (datetime.now(CHINA).date() - story.city.begin.date()).days
    lines = story.backfilled.read_text(encoding="utf-8").splitlines()
    per_day = Counter(line.rsplit(" ", 1)[1] for line in lines if line.startswith("auditor_systems_in_scope"))
    assert len(per_day) == days and lines[-1] == "# EOF"


# --- Alertmanager -------------------------------------------------------------------------------------------


@contextmanager
def alerted(story: Story, folder: Path) -> Iterator[tuple[Prometheus, Webhook]]:
    """The deployment's Alertmanager, its notices sent to a server of ours, and a second Prometheus that tells it."""
    with ExitStack() as stack:
        hook = stack.enter_context(Webhook())
        address = stack.enter_context(story.city.serving(free_port()))
        deployed = folder / "deployed"
        deploy_prometheus(deployed, target=address, force=True)
        text = (deployed / "alertmanager.yml").read_text(encoding="utf-8")
        text = text.replace("http://127.0.0.1:8060/", f"http://{hook.address}/").replace(
            "- auditor.tmpl", f"- {deployed}/auditor.tmpl"
        )
        text = re.sub(r"group_wait: \w+", "group_wait: 1s", text)
        manager = stack.enter_context(Alertmanager(folder / "alertmanager", text))
        prometheus = stack.enter_context(Prometheus(folder / "second", config(deployed, address, manager.address)))
        yield prometheus, hook


def test_a_change_past_the_trail_reaches_whoever_is_on_duty(story: Story, tmp_path: Path) -> None:
    kept = tmp_path / "ledger.sqlite"
    shutil.copy2(story.city.ledger, kept)
    with sqlite3.connect(story.city.ledger) as database:
        database.execute("UPDATE cases SET note = '改' WHERE state = 'draft'")
    database.close()
    (story.city.root / "state" / "trail-check.json").unlink(missing_ok=True)
    with alerted(story, tmp_path) as (prometheus, hook):
        prometheus.wait_for("auditor_trail_faults", lambda faults: faults == 1)
        until(lambda: "AuditorTrailFault" in prometheus.firing(), "the alert")
        came = until(
            lambda: [one for one in hook.alerts() if one["labels"]["alertname"] == "AuditorTrailFault"],
            "Alertmanager's notice",
            120,
        )
    assert came[0]["status"] == "firing"
    assert came[0]["labels"] == {
        "alertname": "AuditorTrailFault",
        "job": "auditor",
        "severity": "critical",
        "team": "ops",
    }
    assert "1 处校验不通过" in came[0]["annotations"]["summary"]
    assert {path for path, notice in hook.notices if notice["groupLabels"]["alertname"] == "AuditorTrailFault"} == {
        "/auditor/ops-now"
    }

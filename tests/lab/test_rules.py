"""Rules before Prometheus's own tool, and 500 departments before a real Alertmanager."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from auditor.commands.deploy_prometheus import deploy_prometheus
from reports.prometheus import pages, shipped
from tests.reports.prometheus import rule_cases

pytestmark = pytest.mark.lab

SUBJECTS = (*(alert.name for alert in shipped.alerts()), rule_cases.RECORDING)


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
    return done.stdout + done.stderr


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_rules_do_what_their_cases_say(tmp_path: Path, subject: str) -> None:
    files = rule_cases.promtool_files(tmp_path, subject)
    assert files, "it has no case"
    for file in files:
        assert "SUCCESS" in run("promtool", "test", "rules", file.name, cwd=tmp_path)


def test_a_case_that_does_not_hold_fails(tmp_path: Path) -> None:
    """promtool does look at what the cases say."""
    (file,) = rule_cases.promtool_files(tmp_path, "AuditorTrailFault")
    for said, otherwise in (("有 2 处", "有 3 处"), ("value: 1", "value: 0"), ('team="ops"', 'team="office"')):
        text = file.read_text(encoding="utf-8")
        assert said in text
        other = tmp_path / "otherwise.yml"
        other.write_text(text.replace(said, otherwise), encoding="utf-8")
        done = subprocess.run(
            ("promtool", "test", "rules", other.name), cwd=tmp_path, capture_output=True, timeout=60
        )
        assert done.returncode != 0, said


def test_recorded_series_have_the_labels_that_the_documentation_says(tmp_path: Path) -> None:
    """In the city of the cases: no label beyond those, and each of those on some series."""
    city = rule_cases.recorded_cases()[0]
    expect: dict[str, list[dict[str, str]]] = {}
    for record in shipped.records():
        labels = pages.labels_of(record.name)
        expect[f"count(count without ({', '.join(labels)}) ({record.name}))"] = [{"job": "", "is": "1"}]
        for label in labels:
            expect[f'count({record.name}{{{label}!=""}}) > bool 0'] = [{"job": "", "is": "1"}]
    asked = rule_cases.Recorded("labels", city.step, city.series, city.at, expect)
    (file,) = rule_cases.write_recorded(tmp_path, [asked])
    assert "SUCCESS" in run("promtool", "test", "rules", file.name, cwd=tmp_path)


def test_a_deployment_is_what_prometheus_and_alertmanager_take(tmp_path: Path) -> None:
    folder = tmp_path / "auditor"
    deploy_prometheus(folder, target="127.0.0.1:9464", force=False, runbooks="https://wiki.example.gov.cn/auditor")
    said = run("promtool", "check", "config", "prometheus.yml", cwd=folder)
    rules = len(shipped.thresholds()), len(shipped.records()), len(shipped.alerts())
    for number in rules:
        assert f"{number} rules found" in said
    said = run("amtool", "check-config", "alertmanager.yml", cwd=folder)
    assert "3 receivers" in said and "1 templates" in said
    # Every alert comes to a receiver that its severity and team ask for.
    for alert in shipped.alerts():
        labels = (f"alertname={alert.name}", f"severity={alert.severity}", f"team={alert.team}", "job=auditor")
        routed = run("amtool", "config", "routes", "test", "--config.file=alertmanager.yml", *labels, cwd=folder)
        wanted = "ops-now" if alert.severity == "critical" else alert.team
        assert routed.splitlines()[0] == wanted, alert.name


# --- a real Alertmanager ------------------------------------------------------------------------------------


@dataclass
class Gateway:
    """Where an Alertmanager posts its notifications: (receiver, notification), as they came."""

    server: ThreadingHTTPServer
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def wait(self, number: int, seconds: float = 30) -> list[tuple[str, dict[str, Any]]]:
        end = time.monotonic() + seconds
        while len(self.got) < number and time.monotonic() < end:
            time.sleep(0.1)
        return list(self.got)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            made.got.append((self.path.rpartition("/")[2], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    made = Gateway(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.fixture
def alertmanager(tmp_path: Path, gateway: Gateway) -> Iterator[str]:
    """The deployed configuration, in a hurry and at any hour; yields the address of its API."""
    folder = tmp_path / "auditor"
    deploy_prometheus(folder, target="127.0.0.1:9464", force=False)
    text = (folder / "alertmanager.yml").read_text(encoding="utf-8")
    for waits in ("group_wait: 1m", "group_wait: 30m", "group_wait: 10m"):
        assert waits in text
        text = text.replace(waits, "group_wait: 2s")
    text = text.replace("      active_time_intervals: [office-hours]\n", "")
    # The office's gateway takes them all, so that a text can be made of all of them.
    before, _, office = text.rpartition("max_alerts: 100")
    text = f"{before}max_alerts: 0{office}"
    (folder / "alertmanager.yml").write_text(text.replace("http://127.0.0.1:8060", gateway.url), encoding="utf-8")
    port = free_port()
    command = [
        "prometheus-alertmanager",
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/-/ready", process, tmp_path / "log")
            yield url
        finally:
            process.terminate()
            process.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def post(url: str, *alerts: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{url}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


def firing(name: str, summary: str = "", **labels: str) -> dict[str, Any]:
    alert = next(alert for alert in shipped.alerts() if alert.name == name)
    return {
        "labels": {
            "alertname": name,
            "severity": alert.severity,
            "team": alert.team,
            "job": "auditor",
            **labels,
        },
        "annotations": {
            "title": alert.title,
            "summary": summary or alert.title,
            "description": alert.description,
            "runbook_url": f"runbooks/{alert.runbook}",
        },
    }


def test_five_hundred_departments_are_one_notification(tmp_path: Path, gateway: Gateway, alertmanager: str) -> None:
    departments = [f"d{number:03}" for number in range(500)]
    post(
        alertmanager,
        *(firing("AuditorUndeclaredRoom", f"部门{d}新发现未登记机房 1 个", department=d) for d in departments),
    )
    post(
        alertmanager,
        *(firing("AuditorCaseOverdue", f"部门{d}有 1 件整改案件超期未答复", department=d) for d in departments),
    )
    gateway.wait(2)
    time.sleep(3)
    assert sorted(receiver for receiver, _ in gateway.got) == ["office", "ops-now"]
    for receiver, body in gateway.got:
        assert body["groupLabels"].keys() == {"alertname", "job"}
        kept = 500 if receiver == "office" else 100
        assert (len(body["alerts"]), body["truncatedAlerts"]) == (kept, 500 - kept), receiver
        assert "department" not in body["commonLabels"]
    (body,) = [body for receiver, body in gateway.got if receiver == "office"]
    text = rendered(tmp_path, body)
    assert "【警告】整改案件超期（500 条）" in text
    assert text.count("· 部门d") == 20 and "……共 500 条，以上是前 20 条" in text
    assert "处置手册：runbooks/case-overdue.md" in text


def rendered(tmp_path: Path, body: dict[str, Any]) -> str:
    """What a person would read, by the template that is shipped and Alertmanager's own tool."""
    data = {
        "status": body["status"],
        "receiver": body["receiver"],
        "commonLabels": body["commonLabels"],
        "commonAnnotations": body["commonAnnotations"],
        "groupLabels": body["groupLabels"],
        "externalURL": body["externalURL"],
        "alerts": body["alerts"],
    }
    (tmp_path / "data.json").write_text(json.dumps(data), encoding="utf-8")
    return run(
        *("amtool", "template", "render", "--template.glob=auditor/auditor.tmpl", "--template.data=data.json"),
        '--template.text={{ template "auditor.text" . }}',
        cwd=tmp_path,
    )


def test_while_the_exporter_is_down_nothing_else_of_its_site_is_told(gateway: Gateway, alertmanager: str) -> None:
    post(alertmanager, firing("AuditorExporterDown"))
    gateway.wait(1)
    post(
        alertmanager,
        firing("AuditorMetricsAbsent"),
        firing("AuditorCaseOverdue", department="mzj"),
        firing("AuditorCaseOverdue", department="mzj", job="auditor-county"),
        firing("AuditorScanStale"),
    )
    gateway.wait(2)
    time.sleep(3)
    told = [(body["groupLabels"]["alertname"], body["groupLabels"]["job"]) for _, body in gateway.got]
    assert told == [("AuditorExporterDown", "auditor"), ("AuditorCaseOverdue", "auditor-county")]


@pytest.mark.parametrize(
    ("cause", "effect"),
    [
        ("AuditorAuditNotRunning", "AuditorScanStale"),
        ("AuditorDiskNearlyFull", "AuditorDiskLow"),
        ("AuditorLedgerTrouble", "AuditorScrapePartFailing"),
    ],
)
def test_a_cause_is_told_and_its_effect_is_not(gateway: Gateway, alertmanager: str, cause: str, effect: str) -> None:
    post(alertmanager, firing(cause), firing(effect))
    gateway.wait(1)
    time.sleep(3)
    assert [body["groupLabels"]["alertname"] for _, body in gateway.got] == [cause]

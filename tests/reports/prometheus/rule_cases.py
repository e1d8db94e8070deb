"""Cases of rules: what is fed in, and what each alert and each recorded series then is; turned into promtool's form.

A case of an alert is written in ``cases/*.yml``::

    AuditorScanStale:
      - name: what it shows, in a sentence
        shows: [fires, resolves]     # also silent, missing, zero, threshold
        step: 1h                     # between samples, and between evaluations
        series: {auditor_…: 0x80}    # promtool's notation; a label job="auditor" is put in where there is no job
        without: [up]                # what of the city below is left out; bare: true leaves all of it out
        thresholds: {scan_stale_days: 1}
        at:
          72h: quiet                 # neither pending nor firing
          73h: pending
          74h: [{department: mzj, summary: …}]   # what fires; job: auditor unless it says otherwise

Every case but a bare one runs in a small city whose exporter answers and whose departments have names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from reports.metrics_names import Part
from reports.prometheus import shipped

HERE = Path(__file__).resolve().parent / "cases"
SHOWS = {"fires", "silent", "resolves", "missing", "zero", "threshold"}
JOB = "auditor"
#: The cases of recording rules, as a subject beside the alerts' names.
RECORDING = "recording"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

#: What every city has: an exporter that answers in all its parts, two departments, a zone, rules.
CITY: Mapping[str, str] = {
    f'up{{job="{JOB}"}}': "1",
    "auditor_build_info": "1",
    **{f'auditor_scrape_part_success{{part="{part}"}}': "1" for part in Part},
    'auditor_department_info{department="mzj",name="示例市民政局",region="149900",sector="civil"}': "1",
    'auditor_department_info{department="jtj",name="示例市交通运输局",region="149900",sector="transport"}': "1",
    'auditor_systems_in_scope{department="mzj"}': "10",
    'auditor_systems_in_scope{department="jtj"}': "4",
    'auditor_zone_info{zone="mzj-office",name="民政局办公网"}': "1",
    'auditor_rule_info{pack="p",rule="on-cloud",title="未上云",severity="high",bite="order"}': "1",
    'auditor_rule_info{pack="p",rule="hint",title="线索",severity="high",bite="lead"}': "1",
    'auditor_rule_info{pack="p",rule="own",title="主管部门待办",severity="high",bite="bureau"}': "1",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One case of an alert. ``at`` maps a moment to ``quiet``, ``pending`` or what fires."""

    alert: str
    name: str
    shows: frozenset[str]
    step: str
    series: Mapping[str, str]
    at: Mapping[str, str | Sequence[Mapping[str, str]]]
    thresholds: Mapping[str, str] | None = field(default_factory=dict)

    @property
    def fires(self) -> bool:
        return any(isinstance(what, list) for what in self.at.values())


@dataclass(frozen=True, slots=True)
class Recorded:
    """What expressions over recorded series are at a moment."""

    name: str
    step: str
    series: Mapping[str, str]
    at: str
    expect: Mapping[str, Sequence[Mapping[str, str]]]


def seconds(span: str) -> int:
    """``1d2h`` in seconds."""
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])", span))


def _read(path: Path) -> Any:
    """Every scalar as text: YAML takes ``0x5`` for a number."""
    # S506: this loader makes nothing but text, lists and mappings.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def alert_cases() -> tuple[Case, ...]:
    out = []
    for path in sorted(HERE.glob("*.yml")):
        if path.stem == RECORDING:
            continue
        for alert, cases in _read(path).items():
            out += [_case(alert, written) for written in cases]
    return tuple(out)


def _case(alert: str, written: dict[str, Any]) -> Case:
    unknown = set(written) - {"name", "shows", "step", "series", "without", "bare", "thresholds", "at"}
    assert not unknown, f"{alert}: {unknown}"
    step = written.get("step", "1m")
    last = max(seconds(moment) for moment in written["at"])
    base = {} if written.get("bare") == "true" else dict(CITY)
    for start in written.get("without", ()):
        gone = [key for key in base if key.startswith(start)]
        assert gone, f"{alert}: nothing begins with {start}"
        for key in gone:
            del base[key]
    series = {with_job(key): f"{value}x{last // seconds(step) + 1}" for key, value in base.items()}
    own = {with_job(key): value for key, value in written.get("series", {}).items()}
    thresholds = written.get("thresholds", {})
    return Case(
        alert=alert,
        name=written["name"],
        shows=frozenset(written["shows"]),
        step=step,
        series=series | own,
        at=written["at"],
        thresholds=None if thresholds == "none" else thresholds,
    )


def recorded_cases() -> tuple[Recorded, ...]:
    written = _read(HERE / f"{RECORDING}.yml")
    return tuple(
        Recorded(
            case["name"],
            case.get("step", "1m"),
            {with_job(key): value for key, value in case["series"].items()},
            case["at"],
            case["expect"],
        )
        for case in written
    )


def with_job(series: str) -> str:
    """The series with ``job="auditor"``, where it has no job."""
    name, brace, labels = series.partition("{")
    if 'job="' in labels:
        return series
    return f'{name}{{job="{JOB}"{"," + labels if brace and labels != "}" else "}"}'


# --- promtool's form ----------------------------------------------------------------------------------------


def promtool_files(folder: Path, subject: str) -> list[Path]:
    """Writes the shipped rules and the cases of one alert, or of ``recording``, and returns promtool's test files.

    Each file runs with the thresholds, all recording rules and the alert's group: other groups would only take time.
    """
    if subject == RECORDING:
        return write_recorded(folder, recorded_cases())
    _write_rules(folder)
    runs: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for number, case in enumerate(alert_cases()):
        if case.alert == subject:
            at = case.step, _thresholds(folder, case, number), _alert_of(case).group
            runs.setdefault(at, []).append(_alert_test(case))
    return _write_runs(folder, runs)


def write_recorded(folder: Path, cases: Sequence[Recorded]) -> list[Path]:
    """The same for cases of recording rules."""
    _write_rules(folder)
    runs: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for case in cases:
        runs.setdefault((case.step, "thresholds.yml", ""), []).append(_recorded_test(case))
    return _write_runs(folder, runs)


def _write_rules(folder: Path) -> None:
    for name in ("thresholds.yml", "recording.yml"):
        (folder / name).write_text(shipped.text(name), encoding="utf-8")
    for group in yaml.safe_load(shipped.text("alerts.yml"))["groups"]:
        _write(folder / f"{group['name']}.yml", {"groups": [group]})


def _write_runs(folder: Path, runs: Mapping[tuple[str, str, str], list[dict[str, Any]]]) -> list[Path]:
    return [
        _write(folder / f"test-{number}.yml", _run(step, thresholds, group, tests))
        for number, ((step, thresholds, group), tests) in enumerate(runs.items())
    ]


def _run(step: str, thresholds: str, group: str, tests: list[dict[str, Any]]) -> dict[str, Any]:
    files = (thresholds, "recording.yml", f"{group}.yml" if group else "")
    # A server evaluates each group every minute, in whatever order; here one evaluation is all there is.
    order = ("auditor_thresholds" if thresholds else "", "auditor_figures", group)
    return {
        "rule_files": [name for name in files if name],
        "evaluation_interval": step,
        "group_eval_order": [name for name in order if name],
        "tests": tests,
    }


def _write(path: Path, body: object) -> Path:
    path.write_text(yaml.safe_dump(body, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def _alert_of(case: Case) -> shipped.Alert:
    return next(alert for alert in shipped.alerts() if alert.name == case.alert)


def values(written: str) -> str:
    """promtool takes ``0x5`` for a hexadecimal number."""
    return re.sub(r"(?<!\S)0x", "0+0x", written)


def _thresholds(folder: Path, case: Case, number: int) -> str:
    """The name of the file of thresholds that the case runs with; empty: none at all."""
    if case.thresholds is None:
        return ""
    if not case.thresholds:
        return "thresholds.yml"
    body = yaml.safe_load(shipped.text("thresholds.yml"))
    rules = {rule["record"]: rule for rule in body["groups"][0]["rules"]}
    for name, value in case.thresholds.items():
        rules[f"auditor:threshold:{name}"]["expr"] = f"vector({value})"
    return _write(folder / f"thresholds-{number}.yml", body).name


def _alert_test(case: Case) -> dict[str, Any]:
    alert = _alert_of(case)
    states: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for moment, what in case.at.items():
        assert seconds(moment) % seconds(case.step) == 0, f"{case.alert}: {moment} is between two evaluations"
        firing = [] if isinstance(what, str) else list(what)
        states.append(
            {
                "expr": f'ALERTS{{alertname="{case.alert}",alertstate="firing"}}',
                "eval_time": moment,
                "exp_samples": [
                    {"labels": _series("ALERTS", _labels(alert, one, "firing")), "value": 1} for one in firing
                ],
            }
        )
        pending = f'count(ALERTS{{alertname="{case.alert}",alertstate="pending"}}) > bool 0'
        expected = [{"labels": "{}", "value": 1}] if what == "pending" else []
        if isinstance(what, str):
            states.append({"expr": pending, "eval_time": moment, "exp_samples": expected})
        if firing and all("summary" in one for one in firing):
            said.append(
                {"eval_time": moment, "alertname": case.alert, "exp_alerts": [_alert(alert, o) for o in firing]}
            )
    return {
        "name": f"{case.alert}: {case.name}",
        "interval": case.step,
        "input_series": [{"series": key, "values": values(written)} for key, written in case.series.items()],
        "promql_expr_test": states,
        "alert_rule_test": said,
    }


def _alert(alert: shipped.Alert, one: Mapping[str, str]) -> dict[str, Any]:
    labels = _labels(alert, one, "")
    del labels["alertname"], labels["alertstate"]
    return {
        "exp_labels": labels,
        "exp_annotations": {
            "title": alert.title,
            "summary": one["summary"],
            "description": alert.description,
            "runbook_url": f"{shipped.RUNBOOKS}/{alert.runbook}",
        },
    }


def _labels(alert: shipped.Alert, one: Mapping[str, str], state: str) -> dict[str, str]:
    own = {name: value for name, value in one.items() if name != "summary"}
    fixed = {"alertname": alert.name, "alertstate": state, "severity": alert.severity, "team": alert.team}
    return {name: value for name, value in ({"job": JOB} | own | fixed).items() if value or name == "alertstate"}


def _recorded_test(case: Recorded) -> dict[str, Any]:
    def samples(expr: str, rows: Sequence[Mapping[str, str]]) -> Iterator[dict[str, Any]]:
        name = expr if re.fullmatch(r"[a-z_:]+", expr) else ""
        for row in rows:
            labels = {"job": JOB} | {key: value for key, value in row.items() if key != "is"}
            yield {"labels": _series(name, {k: v for k, v in labels.items() if v}), "value": float(row["is"])}

    return {
        "name": case.name,
        "interval": case.step,
        "input_series": [{"series": key, "values": values(written)} for key, written in case.series.items()],
        "promql_expr_test": [
            {"expr": expr, "eval_time": case.at, "exp_samples": list(samples(expr, rows))}
            for expr, rows in case.expect.items()
        ],
    }


def _series(name: str, labels: Mapping[str, str]) -> str:
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"

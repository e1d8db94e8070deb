"""What a scrape costs: 500 departments, every rule of every pack, each department judged by nearly all of them.

The text is written once and served from memory, so what counts is how long that writing takes beside a bare
``generate_latest`` of the Prometheus client over families that are handed in ready made, how long a scrape over HTTP
takes after that, and how much each further department adds.
"""

from __future__ import annotations

import gzip
import http.client
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from auditor.exporter.gathering import Gathered
from auditor.exporter.http import Server
from auditor.exporter.pages import Page
from auditor.ledger import history
from auditor.ledger.store import Ledger
from benchmarks import Line
from policies.model import Pack
from policies.pack import builtin_packs, load_packs
from reports import metrics_office
from reports.metrics import Format, family, figures, render
from reports.model import (
    AssetView,
    AuditView,
    CaseView,
    Changes,
    CountView,
    DepartmentView,
    FindingView,
    ProbeView,
    RegulationView,
    RuleView,
    SystemView,
)

DEPARTMENTS = 500
HALF = DEPARTMENTS // 2
ROUNDS = 5
SCRAPES = 50
MOST_RATIO = 1.0
MOST_MS = 25.0
_AT = datetime(2026, 3, 2, tzinfo=UTC)
_STATES = ("open", "resolved", "stale", "reopened", "waived")
_PROBES = ("nmap", "endpoints", "ssh", "snmp")


def city(departments: int, packs: tuple[Pack, ...]) -> AuditView:
    """A city in which nearly every rule has something to judge in every department: the worst that can be."""
    dice = random.Random(7)
    rules = [rule for pack in packs for rule in pack.rules]
    ids = [f"d{number:04d}" for number in range(departments)]
    counts, findings = [], []
    for department in ids:
        for rule in rules:
            shares = (("compliant", 0.8), ("unknown", 0.6), ("violation", 0.3), ("waived", 0.02))
            told = [verdict for verdict, share in shares if dice.random() < share]
            counts += [
                CountView(rule.full_id, "", rule.pack, rule.severity.value, department, verdict, dice.randint(1, 40))
                for verdict in told
            ]
            if "violation" in told:
                findings += [
                    _finding(rule.full_id, rule.severity.value, department, state)
                    for state in _STATES[: 1 + (dice.random() < 0.5)]
                ]
    return AuditView(
        site="示例市",
        region="140800",
        bureau="示例市审批服务管理局",
        snapshot="s",
        run="r",
        as_of=_AT.date(),
        started_at=_AT,
        ended_at=_AT,
        complete=True,
        departments=tuple(DepartmentView(name, f"示例市第{name}部门", "140800", "general") for name in ids),
        findings=tuple(findings),
        counts=tuple(counts),
        unknowns=(),
        probes=tuple(
            ProbeView(f"z-{name}", f"第{name}部门办公网", probe, True, 3.5, 1.0, _AT)
            for name in ids
            for probe in _PROBES
        ),
        systems=tuple(_system(name, number) for name in ids for number in range(30)),
        assets=tuple(_asset(name, number) for name in ids for number in range(60)),
        changes=Changes(),
        rules=tuple(
            RuleView(r.full_id, r.pack, r.title, r.subject, r.severity.value, r.bite.value, ()) for r in rules
        ),
        regulations=tuple(RegulationView(pack.id, pack.title, pack.number) for pack in packs),
        cases=tuple(_case(name, number) for name in ids for number in range(6)),
    )


def _finding(rule: str, severity: str, department: str, state: str) -> FindingView:
    made = (rule, "", "system", "s", "", department, "", "violation", state, "", severity, "order")
    return FindingView("F", *made, (), (), None, None, None, "s")


def _system(department: str, number: int) -> SystemView:
    places = (("gov_cloud",), ("own_room",), (), ("public_cloud",))[number % 4]
    on_cloud = {0: True, 2: None}.get(number % 4, False)
    planned = date(2026 + number % 3, 1 + number % 12, 1) if number % 3 == 0 else None
    excluded = "retired" if number % 10 == 9 else ""
    key = f"s-{department}-{number}"
    return SystemView(key, "x", department, "", "running", places, on_cloud, None, planned, excluded=excluded)


def _asset(department: str, number: int) -> AssetView:
    kind = ("host", "host", "component", "system", "room", "network")[number % 6]
    values = {"category": ("cpu", "os", "database")[number % 3], "kind": "dedicated", "is_declared": number % 2 == 0}
    key = f"s-{department}-{number}" if kind == "system" else f"{kind}-{department}-{number}"
    return AssetView(kind, key, "x", department, "", f"z-{department}", values if kind != "system" else {})


def _case(department: str, number: int) -> CaseView:
    state = ("draft", "issued", "served", "replied", "closed", "closed")[number]
    closed = _AT.date() if state == "closed" else None
    return CaseView("C", state, "order", department, "", issued_on=_AT.date() - timedelta(days=9), closed_on=closed)


class _Ready(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self._families)


def bare(families: list[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Ready(families))
    text: bytes = generate_latest(registry)
    return text


def seconds(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def written(view: AuditView) -> tuple[Page, bytes]:
    page = Page(Gathered(figures(view), {}, None))
    return page, page.body(Format.OPENMETRICS)


def scrapes(page: Page, *, packed: bool) -> list[float]:
    """Milliseconds of scrapes over HTTP, one connection each as a new Prometheus would."""

    def answer(form: Format, gzip_packed: bool) -> bytes:
        tail = render(metrics_office.always("0", {"store": True}), form)
        return page.gzip(tail, form) if gzip_packed else page.plain(tail, form)

    server = Server("127.0.0.1", 0, answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    headers = {"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip" if packed else "identity"}
    taken = []
    for _ in range(SCRAPES):
        started = time.perf_counter()
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
        connection.request("GET", "/metrics", headers=headers)
        connection.getresponse().read()
        connection.close()
        taken.append(1000 * (time.perf_counter() - started))
    server.shutdown()
    server.finish(1.0)
    thread.join()
    return taken


def history_lines(view: AuditView) -> list[Line]:
    """What keeping the history takes: the first day, and a day on which two in a hundred series changed."""
    dice = random.Random(7)
    told = {
        one.metric.name: {tuple(zip(one.metric.labels, key, strict=True)): value for key, value in one.series.items()}
        for part in figures(view).values()
        for one in part
        if one.metric.kept
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        sizes, taken = [], []
        for days in range(ROUNDS + 1):
            told = {
                name: {key: value + (days > 0 and dice.random() < 0.02) for key, value in series.items()}
                for name, series in told.items()
            }
            # Closing the ledger writes all of it into its one file.
            with Ledger.open(path) as ledger, ledger.writing() as connection:
                started = time.perf_counter()
                history.note(connection, _AT.date() + timedelta(days=days), told)
                taken.append(time.perf_counter() - started)
            sizes.append(path.stat().st_size)
    series, more = sum(map(len, told.values())), (sizes[-1] - sizes[0]) / ROUNDS
    return [
        Line(f"  history of {series:,} series: the first day", f"{sizes[0] / 1e6:.1f} MB"),
        Line("  each further audit, 2 % changed", f"{more / 1000:.0f} kB, {statistics.median(taken):.2f} s"),
    ]


def main() -> list[Line]:
    """CPU seconds and medians; ours and the client's own take turns."""
    packs = load_packs(builtin_packs())
    rules = sum(len(pack.rules) for pack in packs)
    half, view = city(HALF, packs), city(DEPARTMENTS, packs)
    families = [family(one) for part in figures(view).values() for one in part]
    series = sum(len(one.samples) for one in families)
    few = sum(len(family(one).samples) for part in figures(half).values() for one in part)
    taken = [(seconds(lambda: written(view)), seconds(lambda: bare(families))) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(column) for column in zip(*taken, strict=True))
    page, body = written(view)
    _, small = written(half)
    size = len(page.gzip(b"", Format.OPENMETRICS))
    packed, whole = (statistics.median(scrapes(page, packed=way)) for way in (True, False))
    assert gzip.decompress(page.gzip(b"", Format.OPENMETRICS)).startswith(body)
    more = DEPARTMENTS - HALF
    what = f"{DEPARTMENTS} departments, {rules} rules of {len(packs)} packs"
    return [
        Line(f"metrics of {what}: series", f"{series:,}"),
        Line("  their size", f"{len(body) / 1e6:.1f} MB, {size / 1e6:.2f} MB packed"),
        Line(
            "  growth with each further department",
            f"{(series - few) / more:.0f} series, {(len(body) - len(small)) / more / 1000:.1f} kB",
        ),
        Line(
            "  counting and writing them / bare generate_latest",
            f"{ours / theirs:.2f} ({ours:.2f} s / {theirs:.2f} s CPU)",
            f"<= {MOST_RATIO:g}",
            ours / theirs <= MOST_RATIO,
        ),
        Line("  a scrape, packed", f"{packed:.1f} ms", f"<= {MOST_MS:g} ms", packed <= MOST_MS),
        Line("  a scrape, not packed", f"{whole:.1f} ms"),
        *history_lines(view),
    ]


if __name__ == "__main__":
    for line in main():
        print(line.name, line.measured, line.promised)

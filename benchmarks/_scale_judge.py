"""Judging a made-up province by every rule of every pack, in a process of its own: what ``measure`` prints."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from benchmarks._scale_city import AT, TODAY

T = TypeVar("T")


def timed(told: dict[str, Any], name: str, run: Callable[[], T]) -> T:
    wall, cpu = time.perf_counter(), time.process_time()
    found = run()
    told[name] = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    return found


def judge(folder: Path) -> dict[str, Any]:
    """The verdicts, and the file of everything that is no compliance."""
    from benchmarks.evaluate import AS_OF, loaded
    from policies.evaluate import evaluate, write_outcomes

    packs, told = loaded(), dict[str, Any]()
    found = timed(told, "evaluate", lambda: evaluate(folder, packs, as_of=AS_OF))
    verdicts = Counter[str]()
    for count in found.counts:
        verdicts[count.verdict.value] += count.number
    violations = len(found.outcomes)
    del found
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        path = Path(aside) / "outcomes.parquet"
        timed(told, "outcomes", lambda: write_outcomes(folder, packs, path, as_of=AS_OF))
        told["bytes"] = path.stat().st_size
    return told | {
        "verdicts": verdicts,
        "violations": violations,
        "rules": sum(len(pack.rules) for pack in packs),
        "packs": len(packs),
    }


def raw(folder: Path) -> dict[str, Any]:
    """What DuckDB alone takes to read every column that any rule names, and to count by department."""
    import duckdb

    from benchmarks.evaluate import loaded
    from policies.subjects import stored

    asked: dict[str, set[str]] = {}
    for pack in loaded():
        for rule in pack.rules:
            asked.setdefault(rule.subject, set()).update(stored(rule.subject, rule.columns))
    told: dict[str, Any] = {}

    def read() -> None:
        db = duckdb.connect(config={"memory_limit": "800MB"})
        db.execute("SET enable_progress_bar = false")
        for kind, columns in sorted(asked.items()):
            there = {row[0] for row in db.execute(f"DESCRIBE SELECT * FROM '{folder}/{kind}.parquet'").fetchall()}
            counted = ", ".join(f"count({name})" for name in sorted(columns & there))
            db.execute(f"SELECT department_id, {counted} FROM '{folder}/{kind}.parquet' GROUP BY 1").fetchall()
        db.close()

    timed(told, "raw", read)
    return told


def gather(folder: Path) -> dict[str, Any]:
    """Counting a snapshot's assets for the metrics, writing their text, and taking it from memory as scrapes do."""
    from auditor.exporter.gathering import COUNTED, Gathered
    from auditor.exporter.pages import Page
    from auditor.late import SnapshotAssets
    from auditor.overview import lists_of
    from auditor.views import departments, system_views
    from benchmarks.evaluate import loaded
    from inventories.stored import Stored
    from reports.metrics import Format
    from reports.metrics_names import Part
    from reports.metrics_parts import inventory, migration
    from reports.model import AuditView, Changes

    told, stored = dict[str, Any](), Stored(folder)

    def counted() -> Page:
        known = departments(stored)
        names = {one.id: one.name for one in known}
        judged = cast(Any, SimpleNamespace(path=folder, names=names, as_of=TODAY))
        view = AuditView(
            site="测速省",
            region="140800",
            bureau="",
            snapshot="s",
            run="r",
            as_of=TODAY,
            started_at=AT,
            ended_at=AT,
            complete=True,
            departments=known,
            findings=(),
            counts=(),
            unknowns=(),
            probes=(),
            systems=system_views(stored, loaded(), names, {}),
            assets=SnapshotAssets(judged, lists_of(folder), columns=COUNTED),
            changes=Changes(),
        )
        return Page(Gathered({Part.INVENTORY: inventory(view, TODAY), Part.MIGRATION: migration(view)}, {}, None))

    page = timed(told, "gather", counted)
    timed(told, "text", lambda: page.packed(Format.OPENMETRICS))
    timed(told, "scrape", lambda: page.gzip(b"", Format.OPENMETRICS))
    told["series"] = sum(len(one.series) for part in page.gathered.figures.values() for one in part)
    told["bytes"] = len(page.body(Format.OPENMETRICS))
    return told


if __name__ == "__main__":
    what: dict[str, Callable[[Path], dict[str, Any]]] = {"judge": judge, "raw": raw, "gather": gather}
    print(json.dumps(what[sys.argv[1]](Path(sys.argv[2]))))

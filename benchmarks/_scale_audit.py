"""One audit of a made-up site from observations to papers, stage by stage, and the next one after a small change.

Nothing is probed: what probes saw is made up (:mod:`benchmarks._scale_city`) and lies there as looks, as workers and
bundles bring them. Everything else is ``auditor audit --collected`` itself, with the packs that bind one city.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pyarrow.parquet as pq

from auditor import looks, pipeline
from auditor.running import Request, chosen_probes
from auditor.site import Site, load_site
from benchmarks._scale_city import AT, CITY, City
from inventories.answers import REGISTER
from inventories.infer import infer
from inventories.model import Collection, Coverage, KeyMap, Observation
from inventories.places import Places
from inventories.reconcile import reconcile
from inventories.registers.departments import Department
from inventories.registers.load import RegisterResult
from inventories.steady import without_cycle_collection

PACKS = ("yuncheng-2021", "national")


@dataclass(slots=True)
class Stages:
    """Processor and wall seconds of each stage, and the process's peak when it ended."""

    told: dict[str, dict[str, float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.add(name, time.perf_counter() - wall, time.process_time() - cpu)

    def add(self, name: str, wall: float, cpu: float) -> None:
        """Adds to a stage, which may come several times."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        before = self.told.get(name, {"wall": 0.0, "cpu": 0.0})
        self.told[name] = {"wall": before["wall"] + wall, "cpu": before["cpu"] + cpu, "peak": peak}


@dataclass(slots=True)
class Running:
    """Measures stages by their beginnings: each lasts until the next."""

    stages: Stages
    name: str = ""
    wall: float = 0.0
    cpu: float = 0.0

    def enter(self, name: str) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        if self.name:
            self.stages.add(self.name, wall - self.wall, cpu - self.cpu)
        self.name, self.wall, self.cpu = name, wall, cpu


def cities(assets: int, seed: int = 7) -> list[City]:
    return [City(number, min(assets, CITY), seed) for number in range(max(1, assets // CITY))]


def collection(found: list[City]) -> Collection:
    """What all of them say, at one moment."""
    told = [city.told() for city in found]
    return Collection(
        tuple(one for city in found for one in city.observations()),
        tuple(record for one in told for record in one.coverage),
        (),
        tuple(answer for one in told for answer in one.submissions),
    )


def registers(found: list[City]) -> RegisterResult:
    """What the registers of all of them say, as if it had been read."""
    whole = collection(found)
    rows = tuple(o for o in whole.observations if o.collector == REGISTER)
    said = tuple(c for c in whole.coverage if c.collector == REGISTER)
    departments = {
        row.identifiers[0].value: Department(
            row.identifiers[0].value, next(str(f.value) for f in row.facts if f.column == "name")
        )
        for row in rows
        if row.kind == "department"
    }
    taken = Collection(rows, said, submissions=whole.submissions)
    return RegisterResult(taken, (), (), (), 0, departments)


def look(site: Site, city: City, moment: datetime, *, moved: int = 0, every: int = 1) -> None:
    """Looks at the zones of a city, or one in ``every``; of ``moved`` machines in 100,000 something else is seen."""
    seen: dict[str, list[Observation]] = {}
    later = moment - AT
    for one in city.observations(moved):
        if one.collector != REGISTER:
            seen.setdefault(one.zone, []).append(replace(one, observed_at=one.observed_at + later))
    covered: dict[str, list[Coverage]] = {}
    for record in city.told().coverage:
        if record.collector != REGISTER:
            covered.setdefault(record.zone, []).append(replace(record, started_at=moment, ended_at=moment))
    probes = [probe.name for probe in chosen_probes(Request(collected=True))]
    end = moment + timedelta(hours=1)
    for zone in city.zones()[::every]:
        head = looks.head(site.id, zone, probes, seen=(moment, end), at=end)
        looks.save(site, head, Collection(tuple(seen.get(zone.id, ())), tuple(covered[zone.id])))


def write_site(root: Path, found: list[City]) -> None:
    """``site.yaml`` of a site that has all their zones, and no registers: what those say is handed in."""
    zones = [
        {
            "id": zone.id,
            "name": zone.name,
            "vantage": zone.vantage,
            "kind": zone.kind,
            "department": zone.department_id,
            "prefixes": [str(prefix) for prefix in zone.prefixes],
            **({"cloud": zone.cloud_code} if zone.cloud_code else {}),
        }
        for city in found
        for zone in city.zones()
    ]
    body = {
        "site": "scale",
        "name": "测速市",
        "bureau": "测速市审批服务管理局",
        "region": "140800",
        "timezone": "Asia/Shanghai",
        "packs": list(PACKS),
        "limits": {"max_addresses_per_prefix": 2**20},
        "schedule": {"judge": "30 6 * * *"},
        "zones": zones,
    }
    root.mkdir(parents=True, exist_ok=True)
    (root / "registers").mkdir(exist_ok=True)
    # JSON is YAML too.
    (root / "site.yaml").write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")


def audit(root: Path, assets: int, *, moved: int, weeks: int, every: int = 1) -> dict[str, object]:
    """The audit of a week, of the site in ``root`` (made where there is none): what each stage took.

    Its looks are made before: at all zones, or at one in ``every``, whose places the older ones hold.
    """
    found, stages = cities(assets), Stages()
    if not (root / "site.yaml").exists():
        write_site(root, found)
    site, moment = load_site(root), AT + timedelta(weeks=weeks)
    for city in found:
        look(site, city, moment, moved=moved, every=every)
    said = [registers(found)]
    began = Running(stages)
    # The registers are handed in: a made-up province has no workbooks.
    with patch("auditor.pipeline.read_registers", lambda _site, _now: said.pop()):
        done = pipeline.audit(
            site, Request(collected=True), clock=lambda: moment + timedelta(hours=2), on_stage=began.enter
        )
    began.enter("")
    path = site.snapshots / done.view.snapshot
    facts = pq.read_metadata(path / "facts.parquet").num_rows
    observations = pq.read_metadata(path / "observations.parquet").num_rows
    return {
        "assets": len(done.view.assets),
        "observations": observations,
        "facts": facts,
        "findings": len(done.view.findings),
        "changes": [done.changes.new, done.changes.still_open, done.changes.resolved],
        "stages": stages.told,
        "snapshot": {file.name: file.stat().st_size for file in path.rglob("*") if file.is_file()},
        "ledger": sum(p.stat().st_size for p in site.state.glob("ledger.sqlite*")),
        "looks": sum(p.stat().st_size for p in (site.state / "looks").rglob("*.bundle")),
        "workbook": (site.out / "ledger.xlsx").stat().st_size,
    }


def sites(number: int, assets: int) -> dict[str, object]:
    """So many sites of so many assets each, reconciled and inferred one after another."""
    stages, total = Stages(), 0
    for first in range(number):
        found = [replace(city, number=city.number + first * max(1, assets // CITY)) for city in cities(assets)]
        with stages.stage("made up"):
            collected = collection(found)
        with stages.stage("sites"), without_cycle_collection():
            places = Places([zone for city in found for zone in city.zones()])
            site = f"site-{first}"
            done = reconcile(collected, keymap=KeyMap(), places=places, today=AT.date(), site=site)
            total += len(infer(done, collected, places=places, today=AT.date(), site=site).assets)
            del done
    return {"assets": total, **stages.told}


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "sites":
        print(json.dumps(sites(int(rest[0]), int(float(rest[1])))))
    else:
        folder, size, changed, week, one_in = rest
        numbers = {"moved": int(changed), "weeks": int(week), "every": int(one_in)}
        print(json.dumps(audit(Path(folder), int(float(size)), **numbers)))

"""One audit of a made-up site from observations to papers, stage by stage, and the next one after a small change.

Nothing is probed: what registers said and probes saw is made up (:mod:`benchmarks._scale_city`). Everything else is
what ``auditor audit`` does, by the same functions, with the packs that bind one city.
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

from benchmarks._scale_city import AT, CITY, City
from inventories.model import Collection

PACKS = ("yuncheng-2021", "national")


@dataclass(slots=True)
class Stages:
    """Processor and wall seconds of each stage, and the process's peak when it ended."""

    told: dict[str, dict[str, float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.told[name] = {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "peak": peak,
        }


def cities(assets: int, seed: int = 7) -> list[City]:
    return [City(number, min(assets, CITY), seed) for number in range(max(1, assets // CITY))]


def collection(found: list[City], moved: int) -> Collection:
    """What all of them say, at one moment. ``moved``: how many machines of 100,000 changed."""
    observations = tuple(one for city in found for one in city.observations(moved))
    told = [city.told() for city in found]
    return Collection(
        observations,
        tuple(record for one in told for record in one.coverage),
        (),
        tuple(answer for one in told for answer in one.submissions),
    )


def at(collected: Collection, moment: datetime) -> Collection:
    """The same, a week later."""
    later = moment - AT
    return replace(
        collected,
        observations=tuple(replace(o, observed_at=o.observed_at + later) for o in collected.observations),
        coverage=tuple(
            replace(c, started_at=c.started_at + later, ended_at=c.ended_at + later) for c in collected.coverage
        ),
    )


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
        "zones": zones,
    }
    root.mkdir(parents=True, exist_ok=True)
    (root / "registers").mkdir(exist_ok=True)
    # JSON is YAML too.
    (root / "site.yaml").write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")


def audit(root: Path, assets: int, *, moved: int, weeks: int, papers: bool) -> dict[str, object]:
    """One audit of the site in ``root``, which is made where there is none; what each stage took."""
    from auditor.collecting import Looked
    from auditor.intake import packs_in_force
    from auditor.judging import judge
    from auditor.ledger.records import Opening
    from auditor.ledger.store import Ledger
    from auditor.overview import overview
    from auditor.papers import write_papers
    from auditor.recalling import Recall
    from auditor.site import load_site
    from inventories.infer import infer
    from inventories.reconcile import reconcile
    from inventories.registers.load import RegisterResult

    found, stages = cities(assets), Stages()
    if not (root / "site.yaml").exists():
        write_site(root, found)
    site = load_site(root)
    packs, moment = packs_in_force(site), AT + timedelta(weeks=weeks)
    with stages.stage("input"):
        collected = at(collection(found, moved), moment)
    with Ledger.open(site.ledger) as ledger:
        run = ledger.begin_audit(Opening(packs={pack.id: pack.digest for pack in packs}), at=moment)
        with stages.stage("keys"):
            keymap = ledger.key_map()
        today = site.today(moment)
        with stages.stage("reconcile"):
            reconciled = reconcile(collected, keymap=keymap, places=site.places, today=today, site=site.id)
        with stages.stage("infer"):
            reconciled = infer(reconciled, collected, places=site.places, today=today, site=site.id)
        with stages.stage("snapshot and evaluate"):
            judged = judge(site, run, packs=packs, reconciled=reconciled, collected=collected, at=moment)
        looked = Looked(attempted=frozenset(site.places.zones))
        with stages.stage("record"):
            recall = Recall(site, judged, looked, ledger)
            recorded = ledger.record(
                run,
                snapshot=judged.snapshot,
                at=moment,
                seen=judged.seen(),
                sight_of=recall.sight_of,
                terms=recall.terms(),
                key_map=judged.keymap,
                outcome_digest=judged.evaluation.digest,
            )
        ledger.finish_audit(run, at=moment, exit_status=0)
        number = len(reconciled.assets)
        if papers:
            with stages.stage("render"):
                view = overview(site, ledger, judged, ledger.audit(run), now=moment, changes=recorded.changes)
                write_papers(site, view, judged, RegisterResult(Collection(), (), (), (), 0, {}))
    sizes = {file.name: file.stat().st_size for file in judged.path.rglob("*") if file.is_file()}
    return {
        "assets": number,
        "observations": len(collected.observations),
        "facts": sum(len(asset.facts) for asset in reconciled.assets),
        "findings": len(judged.evaluation.outcomes),
        "changes": [recorded.changes.new, recorded.changes.still_open, recorded.changes.resolved],
        "stages": stages.told,
        "snapshot": sizes,
        "ledger": sum(p.stat().st_size for p in site.state.glob("ledger.sqlite*")),
    }


def sites(number: int) -> dict[str, object]:
    """So many cities, each reconciled and inferred as a site of its own, one after another."""
    from inventories.infer import infer
    from inventories.model import KeyMap
    from inventories.places import Places
    from inventories.reconcile import reconcile

    stages, assets = Stages(), 0
    with stages.stage("sites"):
        for city in cities(number * CITY):
            collected, places = collection([city], 0), Places(city.zones())
            found = reconcile(collected, keymap=KeyMap(), places=places, today=AT.date(), site=f"c{city.number}")
            assets += len(infer(found, collected, places=places, today=AT.date(), site=f"c{city.number}").assets)
    return {"assets": assets, **stages.told}


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "sites":
        print(json.dumps(sites(int(rest[0]))))
    else:
        folder, size, changed, week = rest
        numbers = {"moved": int(changed), "weeks": int(week)}
        print(json.dumps(audit(Path(folder), int(float(size)), papers=what == "audit", **numbers)))

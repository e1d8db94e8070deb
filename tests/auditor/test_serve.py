"""The scheduler as a person runs it: a process of its own, asked and told by commands in others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.auditor.serving import TIMES, Serving, jobs

if TYPE_CHECKING:
    from tests.auditor.conftest import City


@pytest.fixture
def serving(city: City) -> Iterator[Callable[..., Serving]]:
    made: list[Serving] = []

    def serve(*options: str, env: dict[str, str] | None = None) -> Serving:
        made.append(Serving(city, *options, env=env))
        return made[-1]

    yield serve
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def test_a_run_that_a_person_asks_for_brings_a_look_home(city: City, serving: Callable[..., Serving]) -> None:
    fragile = f"    fragile: [{{prefix: {city.net}.5/32, reason: 老旧控制器}}]\n"
    city.site(city.zone(more=TIMES + fragile), "schedule: {judge: '0 0 29 2 *'}\n")
    city.registers(f"市民政局,MZ-1,救助系统,运行,自建机房,{city.net}.3")
    server, left_alone = city.listen(3, "救助系统"), city.listen(5, "控制器")
    one = serving()
    one.said("2 jobs on the schedule")
    alive, state = one.get("/healthz")
    assert alive == 200 and state["status"] == "ok" and state["scheduler"]["jobs"] == 2
    assert one.get("/readyz") == (
        200,
        {"ready": True, "checks": {"site": "ok", "ledger": "none_yet", "schedule": "ok"}},
    )
    assert jobs(city)["scheduler"]["pid"] == one.process.pid
    asked = city.run("schedule", "run", "mzj", "--probe", "nmap", "--json")
    assert asked.returncode == 0, asked.stderr
    log = Path(json.loads(asked.stdout)["log"])
    one.said("mzj: done")
    assert "observations" in log.read_text(encoding="utf-8")
    assert list((city.root / "state" / "looks" / "mzj").glob("*.bundle"))
    (planned,) = json.loads(city.run("plan", "--json").stdout)["zones"]
    assert planned["fragile"] == [{"prefix": f"{city.net}.5/32", "reason": "老旧控制器"}]
    assert f"fragile, left alone: {city.net}.5/32 (老旧控制器)" in city.run("plan").stdout
    assert server.calls > 0
    assert left_alone.calls == 0, "a fragile device is left alone"
    (run,) = next(job for job in jobs(city)["jobs"] if job["job"] == "mzj.now")["runs"]
    assert (run["outcome"], run["exit"], run["due"]) == ("done", 0, None)
    second = city.run("serve", "--listen", "127.0.0.1:0")
    assert second.returncode == 2 and "another scheduler is running" in second.stderr
    assert one.end() == 0 and "Traceback" not in "".join(one.lines)
    assert jobs(city)["scheduler"] is None
    refused = city.run("schedule", "run", "mzj", "--probe", "nmap")
    assert refused.returncode == 2 and "no scheduler runs on this machine" in refused.stderr
    assert f"'auditor probe --zone mzj --probe nmap --site {city.root}'" in refused.stderr


def test_a_pause_from_another_process_and_a_site_that_is_changed(city: City, serving: Callable[..., Serving]) -> None:
    city.site(city.zone(more=TIMES))
    city.registers()
    one = serving()
    assert city.run("schedule", "pause", "mzj", "--reason", "机房检修").returncode == 0
    listed = jobs(city)
    assert [(p["zone"], p["reason"]) for p in listed["pauses"]] == [("mzj", "机房检修")]
    assert listed["jobs"][0]["state"] == "paused"
    assert "paused" in city.run("schedule", "list").stdout
    assert city.run("schedule", "pause").returncode == city.run("schedule", "resume").returncode == 0
    assert "still paused: mzj" in city.run("schedule", "resume").stderr
    wrong = city.run("schedule", "pause", "mzi")
    assert wrong.returncode == 2 and "unknown zone 'mzi': did you mean 'mzj'?" in wrong.stderr
    city.site(city.zone(more="    schedule: [{cron: '0 0 30 2 *'}]\n"))
    one.said("the former one stays in force")
    assert one.get("/readyz")[0] == 503 and one.get("/healthz")[0] == 200
    city.site(city.zone(more=TIMES + "    freeze: [{from: 2020-01-01, to: 2099-12-31}]\n"))
    one.said("site.yaml was read anew: 1 jobs")
    refused = city.run("schedule", "run", "mzj")
    assert refused.returncode == 2 and "frozen: changes are frozen from 2020-01-01 to 2099-12-31" in refused.stderr
    assert one.end(signal.SIGINT) == 0


def test_what_comes_next(city: City) -> None:
    city.site(
        city.zone(
            more="    schedule: [{cron: '0 22 * * *', probes: [nmap]}, {cron: '0 3 1 1 *', avoid: [holidays]}]\n"
        ),
        "schedule: {judge: '30 6 * * *'}\n",
    )
    done = city.run("schedule", "next", "--days", "3", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len([one for one in found if one["zone"] == "mzj"]) == 3 and len(found) == 6
    assert all(one["begins"] == one["due"] and one["due"].endswith("+08:00") for one in found)
    year = city.run("schedule", "next", "--days", "366", "--zone", "mzj")
    assert year.returncode == 0 and "avoided: " in year.stdout and "元旦" in year.stdout
    assert city.run("schedule", "next", "--zone", "x").returncode == 2


def test_metrics_only_runs_no_scheduler(city: City, serving: Callable[..., Serving]) -> None:
    city.site(city.zone(more="    schedule: [{cron: '* * * * *'}]\n"))
    one = serving("--metrics-only")
    two = serving("--metrics-only")
    assert one.get("/healthz") == (200, {"status": "ok", "scheduler": None})
    assert one.end() == two.end() == 0
    assert not (city.root / "state" / "schedule").exists()


def test_help_loads_no_scheduler() -> None:
    program = (
        "import sys\nfrom auditor.ending import main\nmain(['schedule', '--help'])\n"
        "print('apscheduler' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=dict(os.environ))
    assert done.stdout.splitlines()[-1] == "False"

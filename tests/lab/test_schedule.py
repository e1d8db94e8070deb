"""The schedule at work for minutes: real cron times, real scans, signals, a killed scheduler, a full disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.auditor.conftest import City
from tests.auditor.serving import TIMES, Serving, jobs, left

pytestmark = pytest.mark.lab

#: nmap that never ends by itself stands for a long scan.
ENDLESS = 'case "$*" in *--version*|*-V*) exec $REAL "$@";; esac\nexec sleep 600'
MINUTELY = "    schedule: [{cron: '* * * * *', probes: [nmap]}]\n"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[City]:
    made = City(tmp_path, "127.93.7")
    made.registers(f"市民政局,MZ-1,救助系统,运行,自建机房,{made.net}.3")
    yield made
    for listener in made.listeners:
        listener.close()


@pytest.fixture
def serving(small: City) -> Iterator[Callable[..., Serving]]:
    made: list[Serving] = []

    def serve(*options: str, env: dict[str, str] | None = None) -> Serving:
        made.append(Serving(small, *options, env=env))
        return made[-1]

    yield serve
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()


def runs(city: City, zone: str = "mzj") -> list[dict[str, object]]:
    return [run for job in jobs(city)["jobs"] if job["zone"] == zone for run in job["runs"]]


def test_by_cron_zones_are_looked_at_and_what_they_brought_home_is_judged(
    small: City, serving: Callable[..., Serving]
) -> None:
    """A frozen zone gets not one packet, though it is due every minute; nor does a fragile device."""
    frozen = MINUTELY + "    freeze: [{from: 2020-01-01, to: 2099-12-31, reason: 封网}]\n"
    fragile = MINUTELY + f"    fragile: [{{prefix: {small.net}.5/32, reason: 老旧控制器}}]\n"
    small.site(
        small.zone(more=fragile) + small.zone("jtj", f"{small.net}.32/28", more=frozen),
        "schedule: {judge: '* * * * *', catch_up_hours: 1}\n",
    )
    seen, controller, sealed = small.listen(3, "救助系统"), small.listen(5, "控制器"), small.listen(35, "封网系统")
    one = serving()
    one.until(lambda: sum("mzj: done" in line for line in one.lines) >= 2, 150)
    # In part: the frozen zone stays uncovered.
    one.until(lambda: sum("judge: partial" in line for line in one.lines) >= 2, 70)
    assert one.end() == 0
    dues = [run["due"] for run in runs(small)]
    assert len(dues) == len(set(dues)) >= 2
    assert runs(small, "jtj") == [] and sealed.calls == 0
    skipped = next(job for job in jobs(small)["jobs"] if job["zone"] == "jtj")["skipped"]
    assert skipped["frozen"] >= 2
    assert controller.calls == 0 and seen.calls > 0
    assert [found["rule"] for found in small.findings()], "judged without a person's word"


def test_sigterm_hands_the_shard_back_and_the_next_scheduler_goes_on(
    small: City, serving: Callable[..., Serving]
) -> None:
    """nmap that never ends by itself stands for a long scan."""
    small.site(small.zone(more=TIMES))
    small.registers()
    small.listen(3)
    one = serving(env=small.wrapped_nmap('case "$*" in *--version*|*-V*) exec $REAL "$@";; esac\nexec sleep 600'))
    assert small.run("schedule", "run", "mzj").returncode == 0
    one.until(lambda: (small.root / "state" / "locks" / "mzj").exists())
    time.sleep(0.5)
    started = time.monotonic()
    assert one.end() == 0
    assert time.monotonic() - started < 10
    assert any("1 runs are asked to end" in line for line in one.lines)
    assert any("mzj: interrupted" in line for line in one.lines)
    assert not left(small), "no process is left behind"


def test_the_emergency_stop_ends_a_scheduled_run_within_seconds(small: City, serving: Callable[..., Serving]) -> None:
    small.site(small.zone(more=TIMES))
    small.registers()
    small.listen(3)
    one = serving(env=small.wrapped_nmap('case "$*" in *--version*|*-V*) exec $REAL "$@";; esac\nexec sleep 600'))
    assert small.run("schedule", "run", "mzj").returncode == 0
    one.until(lambda: bool(left(small)))
    started = time.monotonic()
    assert small.run("stop").returncode == 0
    one.until(lambda: not left(small))
    took = time.monotonic() - started
    print(f"the emergency stop ended everything after {took:.1f} s, its own command included")
    assert took < 5, took
    one.said("mzj: interrupted")
    refused = small.run("schedule", "run", "mzj")
    assert refused.returncode == 2 and "stopped: all probing is stopped" in refused.stderr
    assert small.run("stop", "--clear").returncode == 0
    assert one.end() == 0


def test_a_killed_scheduler_doubles_nothing(small: City, serving: Callable[..., Serving]) -> None:
    small.site(small.zone(more=TIMES))
    small.listen(3)
    one = serving(env=small.wrapped_nmap(ENDLESS))
    assert small.run("schedule", "run", "mzj").returncode == 0
    one.until(lambda: bool(left(small)))
    one.process.send_signal(signal.SIGKILL)
    one.process.wait(10)
    two = serving()
    refused = small.run("schedule", "run", "mzj")
    assert refused.returncode == 2 and "zone_busy" in refused.stderr
    assert jobs(small)["jobs"][-1]["state"] == "running", "the run outlived its scheduler and is watched"
    assert two.end() == 0
    assert not left(small)
    assert runs(small)[0]["outcome"] in ("lost", "interrupted")


def test_a_disk_without_room(small: City, serving: Callable[..., Serving]) -> None:
    """What cannot be written down does not start; once there is room it does."""
    small.site(small.zone(more=TIMES))
    small.listen(3)
    state = small.root / "state"
    state.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", state], check=True)
    try:
        one = serving()
        one.said("1 jobs on the schedule")
        small.site(small.zone(more=MINUTELY))
        ballast = state / "ballast"
        one.said("read anew")
        room = shutil.disk_usage(state).free
        ballast.write_bytes(os.urandom(room))
        one.until(lambda: any("cannot be written down" in line for line in one.lines), 70)
        assert one.get("/readyz")[1]["checks"]["schedule"] == "cannot_write"
        assert one.get("/healthz")[0] == 200
        ballast.unlink()
        one.until(lambda: any("mzj: started" in line for line in one.lines), 30)
        one.until(lambda: one.get("/readyz")[0] == 200, 30)
        assert one.end() == 0 and not any("Traceback" in line for line in one.lines)
    finally:
        subprocess.run(["umount", "--lazy", state], check=True)

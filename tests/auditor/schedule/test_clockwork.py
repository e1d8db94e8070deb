"""APScheduler at the rim: it calls turns at due times and every second, whatever the clock is set to."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from auditor.schedule import clockwork
from auditor.schedule.clockwork import Clockwork
from auditor.schedule.plan import Plan
from tests.auditor.schedule.conftest import at, job, sky


class Turns:
    """Counts turns; a plan that the test may change."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.plan = Plan({"mzj.a": job()}, 1)
        self.changed = False
        self.fails = False
        self.heard: list[str] = []

    def __call__(self) -> bool:
        self.at.append(time.monotonic())
        if self.fails:
            raise RuntimeError("broken\x1b")
        changed, self.changed = self.changed, False
        return changed

    def wait(self, number: int) -> None:
        until = time.monotonic() + 10
        while len(self.at) < number:
            assert time.monotonic() < until
            time.sleep(0.01)


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    monkeypatch.setattr(clockwork, "LOOK", 0.1)
    return Turns()


@pytest.fixture
def works(turns: Turns) -> Iterator[Clockwork]:
    made = Clockwork(turns, lambda: (turns.plan, sky()), tell=turns.heard.append)
    made.start()
    yield made
    made.finish()


def test_a_turn_every_second_and_each_jobs_own_times(turns: Turns, works: Clockwork) -> None:
    turns.wait(5)
    times = works.times()
    assert times.keys() == {"look", "mzj.a"}
    following = job().cron.following(datetime.now(UTC), sky().timezone)
    assert times["mzj.a"] == following


def test_a_changed_plan_is_a_new_timetable(turns: Turns, works: Clockwork) -> None:
    turns.plan = Plan({"mzj.b": job("0 3 * * *", key="mzj.b"), "mzj.c": job("0 4 * * *", key="mzj.c")}, 1)
    turns.changed = True
    turns.wait(len(turns.at) + 3)
    assert works.times().keys() == {"look", "mzj.b", "mzj.c"}


def test_a_turn_that_fails_is_said_and_the_next_comes(turns: Turns, works: Clockwork) -> None:
    turns.fails = True
    turns.wait(len(turns.at) + 3)
    assert turns.heard == ["a turn failed: RuntimeError: broken\\x1b"], "said once"
    turns.fails = False
    turns.wait(len(turns.at) + 2)
    turns.fails = True
    turns.wait(len(turns.at) + 2)
    assert len(turns.heard) == 2, "said again once it had worked"


def test_a_clock_that_is_set_back_stops_nothing(
    turns: Turns, works: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """APScheduler waits for the time it had noted, an hour ahead now; the watch has it count anew."""
    turns.wait(3)
    for one in works._scheduler.get_jobs():
        one.modify(next_run_time=datetime.now(UTC) + timedelta(hours=1))
    time.sleep(0.3)
    before = len(turns.at)
    time.sleep(0.4)
    assert len(turns.at) == before
    real = time.time
    monkeypatch.setattr(clockwork.time, "time", lambda: real() - 3600)
    works.watch()
    assert turns.heard[-1] == "the clock was set by -3600 s"
    turns.wait(before + 3)
    works.watch()
    assert len([line for line in turns.heard if "the clock was set" in line]) == 1


def test_no_thread_is_left(turns: Turns) -> None:
    made = Clockwork(turns, lambda: (turns.plan, sky()), tell=turns.heard.append)
    made.start()
    turns.wait(2)
    made.finish()
    number = len(turns.at)
    time.sleep(0.3)
    assert len(turns.at) <= number + 1
    assert not [one for one in threading.enumerate() if one.name == "APScheduler"]


def test_jobs_spread_are_called_when_they_begin() -> None:
    spread = job(jitter=3600)
    found = clockwork._Times(spread, sky()).get_next_fire_time(None, at("2026-11-23 12:00"))
    assert found is not None and at("2026-11-23 22:00") <= found < at("2026-11-23 23:00")
    again = clockwork._Times(spread, sky()).get_next_fire_time(found, found)
    assert again is not None and again >= at("2026-11-24 22:00")

"""Who hears nothing does not probe; what was said before counts for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from auditor.workers.hearing import LEASE_SECONDS, Hearing, Standing
from tests.auditor.workers.conftest import Clock, Pair


class Ticks:
    def __init__(self, clock: Clock) -> None:
        self.clock, self.seconds = clock, 0.0

    def __call__(self) -> float:
        return self.seconds

    def step(self, seconds: float) -> None:
        self.seconds += seconds
        self.clock.step(seconds)


@pytest.fixture
def ticks(pair: Pair) -> Ticks:
    return Ticks(pair.clock)


@pytest.fixture
def hearing(pair: Pair, ticks: Ticks) -> Hearing:
    return pair.hearing(monotonic=ticks)


def test_before_the_first_beat_nothing_begins(pair: Pair, hearing: Hearing) -> None:
    assert hearing.standing(pair.job()) is Standing.SILENT


def test_a_lease_ends_without_beats_and_begins_again_with_one(pair: Pair, hearing: Hearing, ticks: Ticks) -> None:
    job = pair.job()
    assert hearing.heard(pair.beat(seconds=0.001))
    ticks.step(LEASE_SECONDS - 1)
    assert hearing.standing(job) is Standing.ALIVE
    ticks.step(2)
    assert hearing.standing(job) is Standing.SILENT
    assert hearing.heard(pair.beat())
    assert hearing.standing(job) is Standing.ALIVE


def test_a_beat_that_was_heard_before_counts_for_nothing(pair: Pair, hearing: Hearing, ticks: Ticks) -> None:
    beat = pair.beat(seconds=0.001)
    assert hearing.heard(beat)
    ticks.step(LEASE_SECONDS + 1)
    assert not hearing.heard(beat)
    assert not hearing.heard(pair.beat(seconds=-30))
    assert hearing.standing(pair.job(sent_at=beat.at)) is Standing.SILENT


def test_an_old_beat_to_a_worker_that_has_just_started_shows_as_a_wrong_clock(pair: Pair, hearing: Hearing) -> None:
    beat = pair.beat(seconds=-3600)
    assert hearing.heard(beat)
    assert hearing.standing(pair.job(sent_at=beat.at)) is Standing.SKEWED


def test_a_stop_ends_what_was_sent_before_it_and_nothing_after(pair: Pair, hearing: Hearing, ticks: Ticks) -> None:
    job = pair.job()
    hearing.heard(pair.beat(seconds=0.001))
    ticks.step(1)
    assert hearing.heard(pair.beat(stop=True))
    assert hearing.standing(job) is Standing.OVER
    ticks.step(1)
    hearing.heard(pair.beat())
    # The same session may go on (after `stop --clear`), but not with what was stopped.
    assert hearing.standing(job) is Standing.OVER
    assert hearing.standing(pair.job()) is Standing.ALIVE


def test_a_stop_for_everybody_is_heard_by_every_session(pair: Pair, hearing: Hearing, ticks: Ticks) -> None:
    hearing.heard(pair.beat(session="s1", seconds=0.001))
    ticks.step(1)
    hearing.heard(pair.beat(session="", stop=True))
    assert hearing.standing(pair.job(sent_at=pair.clock.at)) is Standing.OVER


def test_another_session_takes_over_and_its_jobs_may_come_before_its_beats(
    pair: Pair, hearing: Hearing, ticks: Ticks
) -> None:
    old = pair.job()
    hearing.heard(pair.beat(session="s1", seconds=0.001))
    ticks.step(1)
    new = pair.job(session="s2")
    assert hearing.standing(new) is Standing.SILENT
    ticks.step(1)
    hearing.heard(pair.beat(session="s2"))
    assert hearing.standing(new) is Standing.ALIVE
    assert hearing.standing(old) is Standing.OVER


@pytest.mark.parametrize(
    ("seconds", "standing"), [(-59, Standing.ALIVE), (59, Standing.ALIVE), (61, Standing.SKEWED)]
)
def test_clocks_may_differ_a_little(pair: Pair, hearing: Hearing, seconds: float, standing: Standing) -> None:
    beat = pair.beat(seconds=seconds)
    hearing.heard(beat)
    assert hearing.standing(pair.job(sent_at=beat.at)) is standing
    assert hearing.ahead.total_seconds() == -seconds


def test_one_late_beat_does_not_make_the_clock_wrong(pair: Pair, hearing: Hearing, ticks: Ticks) -> None:
    for late in (0.1, 90.0, 0.2):
        beat = pair.beat()
        ticks.step(late)
        hearing.heard(beat)
    assert hearing.standing(pair.job(sent_at=beat.at)) is Standing.ALIVE


def test_a_centre_whose_clock_was_wrong_is_heard_again(pair: Pair, hearing: Hearing, ticks: Ticks) -> None:
    hearing.heard(pair.beat(seconds=86_400))
    ticks.step(2)
    assert hearing.heard(pair.beat())
    # But not the other way round: an old beat is no news, however the newest one looks.
    assert not hearing.heard(pair.beat(seconds=-1))


def test_a_file_on_the_worker_stops_it_too(pair: Pair, tmp_path: Path) -> None:
    stop = tmp_path / "STOP"
    hearing: Any = pair.hearing(stop_file=stop)
    hearing.heard(pair.beat(seconds=0.001))
    assert hearing.standing(pair.job()) is Standing.ALIVE
    stop.touch()
    assert hearing.standing(pair.job()) is Standing.SILENT
    stop.unlink()
    assert hearing.standing(pair.job()) is Standing.ALIVE

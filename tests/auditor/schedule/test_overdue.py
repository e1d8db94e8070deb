"""By when a planned look has to be home, whoever takes it and whatever came between."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from auditor.schedule import book
from auditor.schedule.book import Notes, Outcome, Run
from auditor.schedule.overdue import deadline, settled
from auditor.schedule.plan import Job
from auditor.schedule.rules import Reason, Skip, Sky
from tests.auditor.schedule.conftest import at, job, sky

BEGUN = at("2026-11-23 12:00")


def notes(one: Job | None = None) -> Notes:
    return book.begun(one or job(), BEGUN)


def by(one: Job, said: Notes, home: datetime | None, heaven: Sky) -> datetime | None:
    return deadline(one, settled(one, said, home, heaven), heaven)


def test_the_first_look_is_due_after_the_notes_began() -> None:
    # 22:00, made up for until 04:00.
    assert by(job(), notes(), None, sky()) == at("2026-11-24 04:00")


def test_a_look_that_came_home_is_followed_by_the_next() -> None:
    assert by(job(), notes(), at("2026-11-24 03:10"), sky()) == at("2026-11-25 04:00")
    # By hand, before its time: the planned one is still to come.
    assert by(job(), notes(), at("2026-11-24 12:00"), sky()) == at("2026-11-25 04:00")


def test_what_does_not_come_home_stays_due_for_ever() -> None:
    failed = notes()
    for day in range(24, 29):
        run = Run(at(f"2026-11-{day} 22:00"), at(f"2026-11-{day} 22:00"), ended=at(f"2026-11-{day} 22:05"))
        failed = book.ended(book.started(failed, run), replace(run, outcome=Outcome.FAILED), with_scheduler=False)
        failed = book.skipped(failed, Skip(at(f"2026-11-{day} 22:00"), Reason.MISSED, "x"), at("2026-11-29 12:00"))
    assert by(job(), failed, at("2026-11-24 01:00"), sky()) == at("2026-11-25 04:00")


def test_a_window_that_closes_later_is_waited_for() -> None:
    narrow = sky(windows=("21:00-06:00",))
    assert by(job(), notes(), None, narrow) == at("2026-11-24 06:00")
    # Due before its window opens: begun then.
    assert by(job("0 18 * * *", catch_up=4), notes(), None, narrow) == at("2026-11-24 06:00")


@pytest.mark.parametrize(
    ("heaven", "one", "expected"),
    [
        (sky(frozen=(("2026-11-23", "2026-11-25"),)), job(), "2026-11-27 04:00"),
        (sky(leave=("2020-01-01", "2026-11-01")), job(), None),
        (sky(by_bundle=True), job(), None),
        # Saturday and Sunday are avoided.
        (sky(), job("0 22 * * sat,sun,tue", avoid=("weekends",)), "2026-11-25 04:00"),
    ],
    ids=["frozen", "no leave", "by bundle", "weekends"],
)
def test_what_is_not_planned_is_not_missed(heaven: Sky, one: Job, expected: str | None) -> None:
    assert by(one, notes(one), None, heaven) == (at(expected) if expected else None)


@pytest.mark.parametrize("reason", [Reason.PAUSED, Reason.STOPPED])
def test_what_a_person_held_up_is_not_waited_for(reason: Reason) -> None:
    held = book.skipped(notes(), Skip(at("2026-11-26 22:00"), reason, "x", 3), at("2026-11-26 22:00"))
    assert by(job(), held, at("2026-11-23 23:00"), sky()) == at("2026-11-28 04:00")
    busy = book.skipped(notes(), Skip(at("2026-11-26 22:00"), Reason.ZONE_BUSY, "x"), at("2026-11-27 04:00"))
    assert by(job(), busy, at("2026-11-25 23:00"), sky()) == at("2026-11-27 04:00")


def test_a_run_that_goes_on_has_until_the_next_is_due() -> None:
    going = book.started(notes(), Run(at("2026-11-24 22:00"), at("2026-11-24 22:00")))
    assert by(job(), going, at("2026-11-23 23:00"), sky()) == at("2026-11-26 04:00")


def test_a_spread_is_part_of_the_time() -> None:
    one = job(jitter=3600)
    due = by(one, notes(one), None, sky())
    assert due is not None and at("2026-11-24 04:00") < due < at("2026-11-24 05:00")
    # What saw the zone just before the spread was over came too early for it.
    assert by(one, notes(one), due - timedelta(hours=6, seconds=1), sky()) == due
    following = by(one, notes(one), due - timedelta(hours=6), sky())
    assert following is not None and at("2026-11-25 04:00") < following < at("2026-11-25 05:00")


def test_notes_that_do_not_tell_when_they_began() -> None:
    """An earlier version's: from the first thing that they tell."""
    old = replace(notes(), since=None)
    assert by(job(), old, None, sky()) == at("2026-11-24 04:00")
    run = Run(at("2026-11-20 22:00"), at("2026-11-20 22:00"), ended=at("2026-11-20 22:05"), outcome=Outcome.FAILED)
    assert by(job(), replace(old, runs=(run,)), None, sky()) == at("2026-11-21 04:00")


def test_times_that_never_come_again_are_no_deadline() -> None:
    every_five = job("*/5 * * * *", catch_up=0)
    assert by(every_five, notes(every_five), None, sky(frozen=(("2026-01-01", "2030-12-31"),))) is None

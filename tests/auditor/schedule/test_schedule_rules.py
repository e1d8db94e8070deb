"""What becomes of a due time: case by case, and over whatever downtimes and clocks hypothesis thinks of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.schedule import book
from auditor.schedule.book import Notes, Outcome, Run
from auditor.schedule.days import Avoid, is_provisional, why_avoided
from auditor.schedule.plan import Job, Kind
from auditor.schedule.rules import (
    MOST_AHEAD,
    ON_TIME,
    Decision,
    Memory,
    Now,
    Reason,
    Sky,
    begins_at,
    decide,
    foresee,
    obstacle,
)
from policies.calendars import Calendar, load_calendar
from probes.scope import Permit, permit
from tests.auditor.schedule.conftest import CHINA, at, job, sky

SINCE = at("2026-11-23 12:00")


def decided(
    now: str, one: Job | None = None, world: Sky | None = None, memory: Memory | None = None, **more: object
) -> Decision:
    return decide(one or job(), memory or Memory(SINCE), world or sky(), Now(at(now), **more))  # type: ignore[arg-type]  # handed through


def why(decision: Decision) -> list[str]:
    return [str(skip.reason) for skip in decision.skips]


# --- case by case -------------------------------------------------------------------------------------------


def test_nothing_before_its_time_and_one_run_at_it() -> None:
    assert decided("2026-11-23 21:59") == Decision(SINCE)
    decision = decided("2026-11-23 22:00")
    assert decision.start is not None and not decision.start.late and not decision.start.resume
    assert decision.start.due == decision.decided == at("2026-11-23 22:00")
    after = Memory(decision.decided, (decision.start.due,))
    assert decided("2026-11-23 22:01", memory=after) == Decision(decision.decided)


def test_a_downtime_costs_every_time_but_the_latest() -> None:
    decision = decided("2026-11-27 01:00")
    assert decision.start is not None and decision.start.due == at("2026-11-26 22:00") and decision.start.late
    (skip,) = decision.skips
    assert (skip.reason, skip.number, skip.due) == (Reason.MISSED, 3, at("2026-11-25 22:00"))


def test_what_is_too_long_ago_is_missed() -> None:
    assert decided("2026-11-24 04:00").start is not None
    decision = decided("2026-11-24 04:01")
    assert decision.start is None and why(decision) == ["missed"]
    assert "was due on 2026-11-23 22:00, longer ago than 6:00:00" in decision.skips[0].message
    assert decided("2026-11-23 22:01", job(catch_up=0)).start is not None, "a turn may come a little late"
    assert why(decided("2026-11-23 22:03", job(catch_up=0))) == ["missed"]


def test_a_long_downtime_is_counted_so_far() -> None:
    decision = decided("2027-11-23 12:00:30", job("* * * * *"))
    assert decision.start is not None and decision.skips[0].number == 1000
    assert "1000 or more times" in decision.skips[0].message


def test_it_waits_for_its_window_as_long_as_it_may_be_made_up_for() -> None:
    world = sky(windows=("23:30-05:00",))
    waiting = decided("2026-11-23 22:00", world=world)
    assert waiting.start is None and waiting.skips == () and waiting.waiting is not None
    assert waiting.waiting.until == at("2026-11-23 23:30") and waiting.decided < at("2026-11-23 22:00")
    memory = Memory(waiting.decided)
    assert decided("2026-11-23 23:29", world=world, memory=memory).waiting is not None
    started = decided("2026-11-23 23:30", world=world, memory=memory)
    assert started.start is not None and started.start.due == at("2026-11-23 22:00")


def test_a_window_that_opens_too_late_is_known_at_once() -> None:
    decision = decided("2026-11-23 22:00", world=sky(windows=("05:00-06:00",)))
    assert why(decision) == ["outside_window"] and decision.waiting is None


def test_made_up_for_only_in_its_window() -> None:
    world = sky(windows=("22:00-02:00",))
    assert decided("2026-11-24 01:59", world=world).start is not None
    assert why(decided("2026-11-24 02:00", world=world)) == ["outside_window"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"running": frozenset({"mzj.a"})}, "still_running"),
        ({"stopped": True}, "stopped"),
        ({"paused": frozenset({"mzj"})}, "paused"),
        ({"all_paused": True}, "paused"),
    ],
)
def test_what_skips_it(more: dict[str, object], reason: str) -> None:
    decision = decided("2026-11-23 22:00", **more)
    assert why(decision) == [reason] and decision.start is None
    assert decision.decided == at("2026-11-23 22:00"), "it is not made up for when that ends"


@pytest.mark.parametrize(
    ("more", "reason"), [({"busy": frozenset({"mzj"})}, Reason.ZONE_BUSY), ({"full": True}, Reason.NO_PLACE)]
)
def test_what_it_waits_for(more: dict[str, object], reason: Reason) -> None:
    waiting = decided("2026-11-23 22:00", **more)
    assert waiting.waiting is not None and waiting.waiting.reason is reason and not waiting.skips
    memory = Memory(waiting.decided)
    assert decided("2026-11-23 23:00", memory=memory).start is not None
    assert why(decided("2026-11-24 04:01", memory=memory, **more)) == [reason]


def test_other_zones_do_not_matter() -> None:
    other = {"busy": frozenset({"x"}), "paused": frozenset({"y"}), "running": frozenset({"z.a"})}
    assert decided("2026-11-23 22:00", **other).start is not None


def test_frozen_days_and_days_to_avoid_are_of_the_time_and_of_today() -> None:
    frozen = sky(frozen=(("2026-11-24", "2026-11-25"),))
    assert decided("2026-11-23 22:00", world=frozen).start is not None
    assert why(decided("2026-11-24 00:10", world=frozen)) == ["frozen"], "it may not run today"
    assert why(decided("2026-11-26 00:10", world=frozen))[-1] == "frozen", "it fell on a frozen day"
    weekends = job(avoid=("weekends",))
    assert why(decided("2026-11-27 22:00", weekends, memory=Memory(at("2026-11-27 12:00")))) == []
    assert why(decided("2026-11-28 00:10", weekends, memory=Memory(at("2026-11-27 12:00")))) == ["avoided"]
    assert why(decided("2026-11-30 00:10", weekends, memory=Memory(at("2026-11-29 12:00")))) == ["avoided"]


def test_no_leave_no_run() -> None:
    assert why(decided("2026-11-23 22:00", world=sky(windows=()))) == ["not_authorised"]
    assert why(decided("2026-11-23 22:00", world=sky(leave=("2026-01-01", "2026-06-30")))) == ["not_authorised"]
    assert why(decided("2026-11-23 22:00", world=sky(by_bundle=True))) == ["by_bundle"]


def test_judging_needs_no_leave_but_no_stop_either() -> None:
    judge = replace(job("30 6 * * *"), kind=Kind.JUDGE, zone="", key="judge")
    world = sky(windows=(), frozen=(("2026-11-24", "2026-11-25"),))
    assert decided("2026-11-24 06:30", judge, world).start is not None
    assert decided("2026-11-24 06:30", judge, world, full=True).start is not None
    assert why(decided("2026-11-24 06:30", judge, world, stopped=True)) == ["stopped"]
    assert why(decided("2026-11-24 06:30", judge, world, all_paused=True)) == ["paused"]


def test_a_clock_that_went_back_runs_nothing_twice() -> None:
    due = at("2026-11-23 22:00")
    memory = Memory(due, (due,))
    assert decided("2026-11-23 21:30", memory=memory) == Decision(due)
    assert decided("2026-11-23 22:00", memory=memory).start is None
    far = Memory(due + MOST_AHEAD + timedelta(days=400), (due,))
    assert decided("2026-11-23 22:30", memory=far).start is None
    reset = decided("2026-11-23 21:59", memory=far)
    assert reset.decided == at("2026-11-23 21:59"), "a decision from a year ahead does not hold"
    assert why(decided("2026-11-23 22:00", memory=Memory(reset.decided, (due,)))) == ["already_run"]


def test_what_ended_with_the_scheduler_goes_on_while_it_may_be_made_up_for() -> None:
    due = at("2026-11-23 22:00")
    broken = Memory(due, (due,), unfinished=due, goes_on=True)
    decision = decided("2026-11-23 22:40", memory=broken)
    assert decision.start is not None and decision.start.resume and decision.start.due == due
    assert decided("2026-11-24 04:01", memory=broken).start is None
    assert decided("2026-11-23 22:40", memory=broken, stopped=True).start is None
    assert decided("2026-11-23 22:40", memory=broken, world=sky(windows=("22:00-22:30",))).start is None
    assert decided("2026-11-23 22:40", memory=replace(broken, goes_on=False)).start is None
    tomorrow = decided("2026-11-24 22:00", memory=broken)
    assert tomorrow.start is not None and tomorrow.start.resume and tomorrow.start.due == at("2026-11-24 22:00")


def test_runs_are_spread_and_never_out_of_their_window() -> None:
    one, world = job(jitter=3600), sky()
    due = at("2026-11-23 22:00")
    spread = {begins_at(replace(one, key=f"mzj.{n}"), due, world) - due for n in range(50)}
    assert len(spread) > 40 and timedelta() <= min(spread) and max(spread) < timedelta(hours=1)
    assert begins_at(one, due, world) == begins_at(one, due, world)
    begins = begins_at(one, due, world)
    assert decide(one, Memory(SINCE), world, Now(begins - timedelta(seconds=1))).start is None
    on_time = decide(one, Memory(SINCE), world, Now(begins)).start
    assert on_time is not None and not on_time.late
    for n in range(20):
        assert begins_at(replace(one, key=f"mzj.{n}"), due, sky(windows=("21:00-22:00:01",))) == due
        friday = at("2026-11-27 23:59")
        assert begins_at(replace(one, key=f"{n}", avoid=frozenset([Avoid.WEEKENDS])), friday, world) == friday


# --- days ---------------------------------------------------------------------------------------------------

ALL = frozenset(Avoid)


def test_days_of_a_published_year() -> None:
    calendar = load_calendar()
    for day, avoid, words in (
        ("2026-10-01", Avoid.HOLIDAYS, "2026-10-01 is a holiday (国庆节)"),
        ("2026-10-01", Avoid.WEEKENDS, ""),
        ("2026-11-28", Avoid.WEEKENDS, "2026-11-28 is a weekend"),
        ("2026-11-28", Avoid.HOLIDAYS, ""),
        ("2026-11-23", Avoid.WORKING_DAYS, "2026-11-23 is a working day"),
        ("2026-11-23", Avoid.HOLIDAYS, ""),
    ):
        assert why_avoided(calendar, date.fromisoformat(day), {avoid}) == words
    worked = next(day for day in sorted(calendar.years[2026].work) if day.weekday() >= 5)
    assert why_avoided(calendar, worked, {Avoid.WEEKENDS, Avoid.HOLIDAYS}) == ""
    assert "working day" in why_avoided(calendar, worked, {Avoid.WORKING_DAYS})
    assert why_avoided(calendar, date(2026, 10, 1), ()) == ""
    assert not is_provisional(calendar, date(2026, 10, 1), ALL)


def test_a_year_that_is_not_published_is_guessed_with_care() -> None:
    calendar = Calendar({})
    assert why_avoided(calendar, date(2027, 1, 1), {Avoid.HOLIDAYS}) == "2027-01-01 is a holiday (元旦)"
    assert "may be part of one" in why_avoided(calendar, date(2027, 1, 2), {Avoid.HOLIDAYS})
    assert why_avoided(calendar, date(2027, 1, 4), {Avoid.HOLIDAYS, Avoid.WEEKENDS}) == ""
    assert is_provisional(calendar, date(2027, 1, 4), {Avoid.HOLIDAYS})
    assert not is_provisional(calendar, date(2027, 1, 4), ())


def test_every_day_is_either_worked_or_off_whatever_the_year() -> None:
    for calendar in (load_calendar(), Calendar({})):
        for n in range(800):
            day = date(2026, 1, 1) + timedelta(days=n)
            off = why_avoided(calendar, day, {Avoid.HOLIDAYS, Avoid.WEEKENDS})
            assert bool(off) == bool(not why_avoided(calendar, day, {Avoid.WORKING_DAYS}))


# --- over whatever happens ----------------------------------------------------------------------------------

CRONS = ("0 22 * * *", "*/30 * * * *", "17 */6 * * *", "45 23 * * fri,sat", "0 3 1,15 * *", "59 23 * * *")
WINDOWS: tuple[tuple[str | None, ...], ...] = (
    (None,), ("22:00-06:00",), ("00:00-02:00", "20:00-21:00"), ("12:00-13:00",)
)  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Job, Sky]:
    first = date(2026, 9, 25) + timedelta(days=draw(st.integers(0, 12)))
    frozen = (str(first), str(first + timedelta(days=draw(st.integers(0, 3)))))
    one = job(
        draw(st.sampled_from(CRONS)),
        catch_up=draw(st.sampled_from([0, 1, 6, 30])),
        jitter=draw(st.sampled_from([0, 60, 900, 3600])),
        avoid=tuple(draw(st.lists(st.sampled_from([a.value for a in Avoid]), max_size=1))),
    )
    return one, sky(windows=draw(st.sampled_from(WINDOWS)), frozen=(frozen,))


#: Minutes until the next turn: most soon, some after a downtime; and whether a run under way has ended by then, is
#: broken off with the scheduler, or goes on.
STEPS = st.lists(
    st.tuples(
        st.one_of(st.integers(1, 20), st.integers(1, 90), st.integers(60, 5000)),
        st.sampled_from(["done", "done", "broken", "on"]),
    ),
    min_size=5,
    max_size=120,
)


class Simulated:
    """A scheduler without disk and processes: what it decides is noted as the real one notes it."""

    def __init__(self, one: Job, world: Sky, now: datetime) -> None:
        self.job, self.sky, self.now = one, world, now
        self.notes: Notes = book.begun(one, now)
        self.starts: list[tuple[datetime, datetime, bool]] = []

    def ends(self, how: str) -> None:
        if self.notes.running is not None and how != "on":
            outcome = Outcome.DONE if how == "done" else Outcome.INTERRUPTED
            run = replace(self.notes.running, ended=self.now, outcome=outcome)
            self.notes = book.ended(self.notes, run, with_scheduler=how == "broken")

    def turn(self) -> Decision:
        running = frozenset({self.job.key} if self.notes.running else ())
        moment = Now(self.now, running=running, busy=frozenset({"mzj"} if running else ()))
        decision = decide(self.job, self.notes.memory, self.sky, moment)
        self.notes = book.decided(self.notes, decision.decided)
        for skip in decision.skips:
            self.notes = book.skipped(self.notes, skip, self.now)
        if decision.start is not None:
            assert not running, "no overlap"
            self.check(decision)
            self.starts.append((decision.start.due, self.now, decision.start.resume))
            self.notes = book.started(self.notes, Run(decision.start.due, self.now, resumed=decision.start.resume))
        return decision

    def check(self, decision: Decision) -> None:
        start = decision.start
        assert start is not None
        begins = begins_at(self.job, start.due, self.sky)
        assert begins <= self.now <= begins + max(self.job.catch_up, ON_TIME)
        assert isinstance(permit(self.sky.scopes["mzj"], self.now.astimezone(CHINA)), Permit), "outside its leave"
        for moment in (start.due, self.now):
            day = moment.astimezone(CHINA).date()
            assert not any(first <= day <= last for first, last in self.sky.scopes["mzj"].frozen), "a frozen day"
            assert not why_avoided(self.sky.calendar, day, self.job.avoid), "a day to avoid"


@settings(max_examples=150, deadline=None)
@given(worlds(), STEPS)
def test_never_twice_never_outside_never_on_a_frozen_day(
    world: tuple[Job, Sky], steps: list[tuple[int, str]]
) -> None:
    begin = at("2026-09-25 09:00")
    simulated = Simulated(*world, begin)
    for minutes, how in steps:
        simulated.now += timedelta(minutes=minutes)
        simulated.ends(how)
        simulated.turn()
    first = [due for due, _, resumed in simulated.starts if not resumed]
    assert len(first) == len(set(first)), "a due time was run twice"
    dues = list(simulated.job.cron.between(begin, simulated.now, CHINA))
    run = {due for due, _, _ in simulated.starts}
    assert run <= set(dues)
    # Every due time was run, skipped or missed, or is still to be decided.
    waiting = [due for due in dues if due > simulated.notes.memory.decided]
    counted = sum(simulated.notes.counted.values())
    if counted < 1000:
        assert len(run) + counted + len(waiting) == len(dues)


@settings(max_examples=100, deadline=None)
@given(worlds(), STEPS, st.lists(st.integers(-3000, 3000), min_size=1, max_size=6))
def test_a_clock_that_leaps_to_and_fro_runs_nothing_twice(
    world: tuple[Job, Sky], steps: list[tuple[int, str]], leaps: list[int]
) -> None:
    simulated = Simulated(*world, at("2026-09-25 09:00"))
    for number, (minutes, how) in enumerate(steps):
        leap = leaps[number % len(leaps)] if number % 7 == 3 else 0
        simulated.now += timedelta(minutes=minutes + leap)
        simulated.ends(how)
        simulated.turn()
    first = [due for due, _, resumed in simulated.starts if not resumed]
    assert len(first) == len(set(first))


@settings(max_examples=60, deadline=None)
@given(worlds(), st.integers(1, 60 * 24 * 20))
def test_one_run_at_most_after_a_downtime(world: tuple[Job, Sky], minutes: int) -> None:
    simulated = Simulated(*world, at("2026-09-25 09:00"))
    simulated.now += timedelta(minutes=minutes)
    simulated.turn()
    due = [start for start in simulated.starts if start[0] <= simulated.now]
    simulated.ends("done")
    simulated.turn()
    assert simulated.starts == due and len(due) <= 1


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_what_is_foreseen_is_what_comes(world: tuple[Job, Sky]) -> None:
    """Turn by turn at the moments that count, the scheduler does what ``schedule next`` and announcements say."""
    one, heaven = world
    begin = at("2026-09-25 09:00")
    dues = list(one.cron.between(begin, begin + timedelta(days=6), CHINA))
    foreseen = [foresee(one, due, heaven) for due in dues]
    moments = sorted({f.begins for f in foreseen if f.begins} | {begins_at(one, due, heaven) for due in dues})
    simulated = Simulated(one, heaven, begin)
    for now in moments:
        simulated.now = now
        simulated.turn()
        simulated.ends("done")
    started = {due: when for due, when, _ in simulated.starts}
    later = list(one.cron.between(begin, begin + timedelta(days=9), CHINA))
    for told in foreseen:
        if told.due in started:
            assert started[told.due] == told.begins
        elif told.begins is not None:
            # Only a later time of the same job may have come between.
            assert any(told.due < due and begins_at(one, due, heaven) <= told.begins for due in later)


def test_what_stands_against_a_run_is_told_with_its_end() -> None:
    world = sky(windows=("22:00-23:00", "02:00-03:00"))
    found = obstacle(job(), SINCE, at("2026-11-23 23:30"), at("2026-11-24 02:30"), world)
    assert found is not None and found.until == at("2026-11-24 02:00")
    assert foresee(job("0 1 * * *"), at("2026-11-24 01:00"), world).begins == at("2026-11-24 02:00")
    told = foresee(job("30 23 * * *", catch_up=1), at("2026-11-23 23:30"), world)
    assert told.begins is None and told.obstacle is not None and told.obstacle.reason is Reason.OUTSIDE_WINDOW
    assert foresee(job(avoid=("holidays",)), at("2027-06-01 22:00"), sky(calendar=Calendar({}))).provisional


def test_times_are_aware() -> None:
    assert decided("2026-11-23 22:00").decided.tzinfo is not None
    assert SINCE.tzinfo is UTC

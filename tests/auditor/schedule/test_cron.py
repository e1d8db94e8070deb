"""Cron's five fields: what they mean, minute by minute; what is refused, and with which words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from auditor.schedule.cron import read_cron

CHINA = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2026, 11, 20, tzinfo=UTC)


def times(text: str, days: int = 7, start: datetime = START, zone: ZoneInfo = CHINA) -> list[str]:
    found = read_cron(text).between(start, start + timedelta(days=days), zone)
    return [f"{at.astimezone(zone):%a %m-%d %H:%M}" for at in found]


def test_what_people_write() -> None:
    assert times("30 6 * * *", 3) == ["Sat 11-21 06:30", "Sun 11-22 06:30", "Mon 11-23 06:30"]
    assert times("0 22 * * 1-5", 5) == ["Fri 11-20 22:00", "Mon 11-23 22:00", "Tue 11-24 22:00"]
    assert times("0 22 * * mon-fri", 5) == times("0 22 * * 1-5", 5)
    assert times("*/20 1 * * *", 1) == ["Sat 11-21 01:00", "Sat 11-21 01:20", "Sat 11-21 01:40"]
    assert times("0 8-18/5 * * sat", 7) == ["Sat 11-21 08:00", "Sat 11-21 13:00", "Sat 11-21 18:00"]
    assert times("0 1 1,15 JAN,dec *", 30) == ["Tue 12-01 01:00", "Tue 12-15 01:00"]


def test_sunday_is_nought_and_seven_and_not_monday() -> None:
    """APScheduler counts days of the week from Monday; cron from Sunday."""
    for word in ("0", "7", "sun", "SUN"):
        assert times(f"0 3 * * {word}", 8) == ["Sun 11-22 03:00"]
    assert times("0 3 * * 1", 8) == ["Mon 11-23 03:00"]
    assert times("0 3 * * 5-7", 8) == [
        "Sat 11-21 03:00", "Sun 11-22 03:00", "Fri 11-27 03:00", "Sat 11-28 03:00"
    ]  # fmt: skip


def test_either_day_will_do_where_both_are_given() -> None:
    assert times("0 3 25 * mon", 8) == ["Mon 11-23 03:00", "Wed 11-25 03:00"]
    assert times("0 3 31 * mon", 8) == ["Mon 11-23 03:00"]


def test_a_leap_day_comes_also_after_eight_years() -> None:
    cron = read_cron("0 0 29 2 *")
    assert cron.following(datetime(2096, 3, 1, tzinfo=UTC), CHINA) == datetime(2104, 2, 28, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has 0 fields instead of five"),
        ("* * * *", "has 4 fields"),
        ("* * * * * *", "has 6 fields"),
        ("@daily", "@daily is not taken: write five fields"),
        ("60 * * * *", "'60' is no minute: 0 to 59"),
        ("0 24 * * *", "'24' is no hour: 0 to 23"),
        ("0 0 0 * *", "'0' is no day of the month: 1 to 31"),
        ("0 0 * 13 *", "'13' is no month: 1 to 12 or jan to dec"),
        ("0 0 * * 8", "'8' is no day of the week: 0 to 7 or sun to sat"),
        ("0 0 * * monday", "'monday' is no day of the week"),
        ("5/10 * * * *", "'5/10' of the minute can be read in two ways"),
        ("*/0 * * * *", "takes steps of 0"),
        ("*/60 * * * *", "takes steps of 60"),
        ("30-10 * * * *", "'30-10' of the minute ends before it begins"),
        ("0 0 * * fri-mon", "ends before it begins"),
        ("0 0 31 2 *", "the day of the month 31 never comes in the month 2"),
        ("0 0 30,31 feb *", "never comes"),
        ("0 0 * * *;reboot", "is no day of the week"),
        ("0 0 * * 1,", "'' is no day of the week"),
        ("-1 0 * * *", "'-1' is no minute"),
        ("０ 0 * * *", "is no minute"),
        ("\x1b[2J 0 * * *", r"'\x1b[2j' is no minute"),
        ("0 0 ? * *", "'?' is no day of the month"),
        ("0 0 L * *", "'l' is no day of the month"),
        ("99999999999999999999 0 * * *", "is no minute"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_cron(text)
    assert words in str(caught.value) and "\x1b" not in str(caught.value)


# --- against other readings ---------------------------------------------------------------------------------


def field(least: int, most: int) -> st.SearchStrategy[str]:
    number = st.integers(least, most)
    several = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    stepped = st.tuples(several, st.integers(1, max(1, most - least))).map(lambda pair: f"{pair[0]}/{pair[1]}")
    part = st.one_of(number.map(str), several, stepped, st.integers(1, most - least).map(lambda n: f"*/{n}"))
    return st.one_of(st.just("*"), st.lists(part, min_size=1, max_size=3).map(",".join))


def crons(weekday: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[str]:
    return st.tuples(
        field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7) if weekday is None else weekday
    ).map(" ".join)


def values(word: str, least: int, most: int) -> set[int]:
    """A reading of its own: every value is asked whether any part allows it."""
    out = set()
    for part in word.split(","):
        span, _, step = part.partition("/")
        low, _, high = (f"{least}-{most}" if span == "*" else span).partition("-")
        out |= {n for n in range(int(low), int(high or low) + 1) if (n - int(low)) % int(step or 1) == 0}
    return out


@settings(max_examples=60, deadline=None)
@given(crons(), st.integers(0, 10**6))
def test_every_minute_of_two_days_is_told_rightly(text: str, minutes: int) -> None:
    minute, hour, day, month, weekday = text.split()
    minutes_on, hours_on, days_on = values(minute, 0, 59), values(hour, 0, 23), values(day, 1, 31)
    months_on, week_on = values(month, 1, 12), {n % 7 for n in values(weekday, 0, 6 if "*" in weekday else 7)}
    start = datetime(2025, 6, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    expected = []
    for n in range(1, 2 * 1440 + 1):
        at = start + timedelta(minutes=n)
        local = at.astimezone(CHINA)
        by_month, by_week = local.day in days_on, local.isoweekday() % 7 in week_on
        on = (by_month or by_week) if day != "*" and weekday != "*" else (by_month and by_week)
        if on and local.minute in minutes_on and local.hour in hours_on and local.month in months_on:
            expected.append(at)
    until = start + timedelta(days=2)
    cron = read_cron(text)
    assert list(cron.between(start, until, CHINA)) == expected
    assert list(cron.backwards(until, start, CHINA)) == expected[::-1]
    assert cron.following(start, CHINA) == (expected[0] if expected else cron.following(until, CHINA))


@settings(max_examples=60, deadline=None)
@given(crons(st.just("*")), st.integers(0, 10**6))
def test_apscheduler_reads_the_same_where_its_weekdays_do_not_differ(text: str, minutes: int) -> None:
    at = datetime(2025, 6, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    cron = read_cron(text)
    try:
        trigger = CronTrigger.from_crontab(text, timezone=CHINA)
    except ValueError:
        # It has no steps that lead out of their range.
        reject()
    for _ in range(5):
        theirs = trigger.get_next_fire_time(None, at + timedelta(seconds=1))
        ours = cron.following(at, CHINA)
        assert ours == theirs
        if ours is None:
            break
        at = ours


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_cron(text)
    except ValueError as error:
        assert len(str(error)) < 400 and "\n" not in str(error)


# --- where clocks are changed -------------------------------------------------------------------------------


def test_a_time_that_the_clock_leaves_out_comes_as_much_later() -> None:
    start = datetime(2026, 3, 7, 17, tzinfo=UTC)
    assert times("30 2 * * *", 2, start, NEW_YORK) == ["Sun 03-08 03:30", "Mon 03-09 02:30"]
    assert times("30 2,3 * * *", 1, start, NEW_YORK) == ["Sun 03-08 03:30"], "two that fall together are one"
    assert times("0 * * * *", 1, start, NEW_YORK)[11:16] == [
        "Sun 03-08 00:00", "Sun 03-08 01:00", "Sun 03-08 03:00", "Sun 03-08 04:00", "Sun 03-08 05:00"
    ]  # fmt: skip


def test_a_time_that_the_clock_shows_twice_comes_once() -> None:
    start = datetime(2026, 10, 31, 16, tzinfo=UTC)
    found = list(read_cron("30 1 * * *").between(start, start + timedelta(days=1), NEW_YORK))
    assert found == [datetime(2026, 11, 1, 5, 30, tzinfo=UTC)]


@settings(max_examples=10, deadline=None)
@given(crons(), st.sampled_from(["America/New_York", "Africa/Cairo", "Pacific/Apia"]))
def test_moments_rise_wherever_clocks_are_changed(text: str, name: str) -> None:
    zone = ZoneInfo(name)
    for begins in (
        datetime(2011, 12, 28, tzinfo=UTC),
        datetime(2026, 3, 7, tzinfo=UTC),
        datetime(2026, 10, 31, tzinfo=UTC),
    ):
        found = list(read_cron(text).between(begins, begins + timedelta(days=4), zone))
        assert found == sorted(set(found))
        for one, other in pairwise(found[:50]):
            assert read_cron(text).following(one, zone) == other

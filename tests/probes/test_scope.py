"""Authorisation: what may be touched, when, and by whose leave."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories.places import Network, Zone
from probes.scope import (
    REASONS,
    Authorisation,
    Permit,
    Profile,
    Refusal,
    Window,
    ZoneScope,
    intersect,
    permit,
    subtract,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=SHANGHAI)
PROFILE = Profile("test", 100, 1, 60, (22,))


def nets(*prefixes: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(prefix) for prefix in prefixes)


def leave(
    *prefixes: str, start: date = date(2026, 1, 1), end: date = date(2026, 12, 31), window: Window | None = None
) -> Authorisation:
    return Authorisation("授权书", "分管领导", start, end, nets(*prefixes), window)


def scope(
    *authorisations: Authorisation,
    prefixes: tuple[str, ...] = ("10.0.0.0/24",),
    excluded: tuple[str, ...] = (),
    frozen: tuple[tuple[date, date], ...] = (),
) -> ZoneScope:
    zone = Zone("z", "区", "v", "department", nets(*prefixes))
    return ZoneScope(zone, authorisations, nets(*excluded), PROFILE, frozen)


def allowed(answer: Permit | Refusal) -> Permit:
    assert isinstance(answer, Permit), answer
    return answer


def refused(answer: Permit | Refusal) -> str:
    assert isinstance(answer, Refusal), answer
    assert answer.reason in REASONS
    assert answer.message
    return answer.reason


def test_targets_are_the_zone_within_the_leave_without_the_excluded() -> None:
    got = allowed(permit(scope(leave("10.0.0.0/25"), excluded=("10.0.0.64/26", "10.0.0.7/32")), NOON))
    assert got.targets == nets(
        "10.0.0.0/30", "10.0.0.4/31", "10.0.0.6/32", "10.0.0.8/29", "10.0.0.16/28", "10.0.0.32/27"
    )
    assert got.left_out == nets("10.0.0.128/25")
    assert got.documents == ("授权书",)


@pytest.mark.parametrize(
    ("reason", "made"),
    [
        ("no_authorisation", scope()),
        ("expired", scope(leave("10.0.0.0/24", end=date(2026, 3, 1)))),
        ("not_yet", scope(leave("10.0.0.0/24", start=date(2026, 3, 3)))),
        (
            "not_yet",
            scope(leave("10.0.0.0/24", end=date(2026, 3, 1)), leave("10.0.0.0/24", start=date(2026, 3, 3))),
        ),
        ("outside_window", scope(leave("10.0.0.0/24", window=Window(time(22), time(6))))),
        ("frozen", scope(leave("10.0.0.0/24"), frozen=((date(2026, 3, 1), date(2026, 3, 2)),))),
        ("prefix_not_authorised", scope(leave("10.1.0.0/24"))),
        ("nothing_left", scope(leave("10.0.0.0/24"), excluded=("10.0.0.0/8",))),
    ],
)
def test_refusals_say_why(reason: str, made: ZoneScope) -> None:
    assert refused(permit(made, NOON)) == reason


@pytest.mark.parametrize(
    ("day", "in_force"),
    [(date(2025, 12, 31), False), (date(2026, 1, 1), True), (date(2026, 12, 31), True), (date(2027, 1, 1), False)],
)
def test_both_days_of_an_authorisation_count(day: date, in_force: bool) -> None:
    at = datetime.combine(day, time(12), SHANGHAI)
    assert isinstance(permit(scope(leave("10.0.0.0/24")), at), Permit) is in_force


def test_the_last_day_ends_at_the_sites_midnight() -> None:
    got = allowed(permit(scope(leave("10.0.0.0/24", end=date(2026, 3, 2))), NOON))
    assert got.until == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def test_dates_are_read_in_the_sites_time_zone() -> None:
    last = scope(leave("10.0.0.0/24", end=date(2026, 3, 2)))
    late = datetime(2026, 3, 2, 16, 30, tzinfo=UTC)
    assert isinstance(permit(last, late), Permit)
    assert refused(permit(last, late.astimezone(SHANGHAI))) == "expired"


@pytest.mark.parametrize(
    ("clock", "closes"),
    [("22:00", (2026, 3, 2, 22, 0)), ("23:59", (2026, 3, 2, 22, 0)), ("00:00", (2026, 3, 1, 22, 0))],
)
def test_a_window_over_midnight_closes_on_the_right_day(clock: str, closes: tuple[int, ...]) -> None:
    at = datetime.combine(date(2026, 3, 2), time.fromisoformat(clock), SHANGHAI)
    got = allowed(permit(scope(leave("10.0.0.0/24", window=Window(time(22), time(6)))), at))
    assert got.until == datetime(*closes, tzinfo=UTC)


def test_a_window_that_opens_before_the_last_midnight_ends_with_the_leave() -> None:
    at = datetime(2026, 3, 2, 23, 0, tzinfo=SHANGHAI)
    made = scope(leave("10.0.0.0/24", end=date(2026, 3, 2), window=Window(time(22), time(6))))
    assert allowed(permit(made, at)).until == datetime(2026, 3, 2, 16, 0, tzinfo=UTC)


def test_the_end_of_a_window_is_outside_and_an_empty_window_allows_nothing() -> None:
    window = Window(time(8), time(12))
    assert refused(permit(scope(leave("10.0.0.0/24", window=window)), NOON)) == "outside_window"
    assert refused(permit(scope(leave("10.0.0.0/24", window=Window(time(12), time(12)))), NOON)) == "outside_window"


def test_leave_ends_where_a_freeze_begins() -> None:
    made = scope(leave("10.0.0.0/24"), frozen=((date(2026, 3, 4), date(2026, 3, 9)),))
    assert allowed(permit(made, NOON)).until == datetime(2026, 3, 3, 16, 0, tzinfo=UTC)


def test_a_window_is_an_hour_of_the_wall_clock_also_when_the_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    at = datetime(2026, 3, 28, 23, 0, tzinfo=berlin)
    got = allowed(permit(scope(leave("10.0.0.0/24", window=Window(time(22), time(6)))), at))
    assert got.until == datetime(2026, 3, 29, 6, 0, tzinfo=berlin).astimezone(UTC)
    assert got.until - at.astimezone(UTC) == timedelta(hours=6)


def test_leave_rests_only_on_authorisations_that_cover_something() -> None:
    short = leave("10.9.0.0/24", end=date(2026, 3, 2))
    got = allowed(permit(scope(leave("10.0.0.0/24"), replace(short, document="别处")), NOON))
    assert got.documents == ("授权书",)
    assert got.until == datetime(2026, 12, 31, 16, 0, tzinfo=UTC)


def test_leave_without_an_end_is_leave() -> None:
    assert allowed(permit(scope(leave("10.0.0.0/24", end=date.max)), NOON)).until.year == 9999


def test_a_naive_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        permit(scope(leave("10.0.0.0/24")), datetime(2026, 3, 2, 12, 0))


def test_huge_prefixes_are_never_listed() -> None:
    made = scope(leave("::/0", "0.0.0.0/0"), prefixes=("2001:db8::/32", "10.0.0.0/8"), excluded=("10.1.2.3/32",))
    got = allowed(permit(made, NOON))
    assert got.addresses == 2**96 + 2**24 - 1
    assert len(got.targets) == 25


NETWORKS = st.builds(
    lambda address, length: ipaddress.ip_network((0x0A000000 | address, length), strict=False),
    st.integers(0, 0x3FF),
    st.integers(22, 32),
)
SIXES = st.builds(
    lambda address, length: ipaddress.ip_network((0x20010DB8 << 96 | address, length), strict=False),
    st.integers(0, 0xFF),
    st.integers(120, 128),
)
LISTS = st.lists(st.one_of(NETWORKS, SIXES), max_size=6)


def members(networks: tuple[Network, ...] | list[Network]) -> set[object]:
    return {address for network in networks for address in network}


@given(LISTS, LISTS)
def test_subtracting_leaves_exactly_the_rest_in_the_fewest_networks(
    some: list[Network], others: list[Network]
) -> None:
    got = subtract(some, others)
    assert members(got) == members(some) - members(others)
    for version in (4, 6):
        mine = [n for n in got if n.version == version]
        assert mine == list(ipaddress.collapse_addresses(mine))
    assert sum(n.num_addresses for n in got) == len(members(got))


@given(LISTS, LISTS)
def test_intersecting_leaves_exactly_what_both_have(some: list[Network], others: list[Network]) -> None:
    assert members(intersect(some, others)) == members(some) & members(others)


@given(st.lists(NETWORKS, min_size=1, max_size=4), st.lists(NETWORKS, max_size=4), LISTS)
def test_no_excluded_and_no_unauthorised_address_is_ever_a_target(
    zone: list[Network], granted: list[Network], excluded: list[Network]
) -> None:
    made = ZoneScope(
        Zone("z", "区", "v", "department", tuple(zone)),
        (Authorisation("书", "人", date(2026, 1, 1), date(2026, 12, 31), tuple(granted)),),
        tuple(excluded),
        PROFILE,
    )
    want = (members(zone) & members(granted)) - members(excluded)
    got = permit(made, NOON)
    if isinstance(got, Refusal):
        assert not want
        return
    assert members(got.targets) == want
    assert members(got.left_out) == members(zone) - members(granted) - members(excluded)

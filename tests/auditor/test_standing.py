"""Which look stands for a zone: newest wins, judged ones are carried, old ones uncover, nothing goes back in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from auditor.looks import Look, Pair, newest
from auditor.standing import Choice, choose

NOW = datetime(2026, 6, 15, 6, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
PROBES = ("nmap", "ssh")


def look(name: str, hours_ago: float, *probes: str, zone: str = "z") -> Look:
    until = NOW - hours_ago * HOUR
    return Look(name, zone, "here", probes or PROBES, until - HOUR, until, until, "", Path(name))


def chosen(
    *looks: Look,
    judged: frozenset[str] = frozenset(),
    attempts: dict[Pair, datetime] | None = None,
    days: int = 8,
    zones: tuple[str, ...] = ("z",),
) -> Choice:
    return choose(
        newest(looks),
        expected=dict.fromkeys(zones, PROBES),
        wanted=frozenset(PROBES),
        judged=judged,
        attempts=attempts or {},
        valid_days=dict.fromkeys(zones, days),
        prefixes=dict.fromkeys(zones, ("192.0.2.0/28",)),
        now=NOW,
    )


def test_the_newest_of_each_probe_stands() -> None:
    found = chosen(look("weekly", 60, "ssh"), look("old", 30, "nmap"), look("nightly", 6, "nmap"))
    assert {pair: one.id for pair, one in found.looks.items()} == {("z", "ssh"): "weekly", ("z", "nmap"): "nightly"}
    assert found.by_look() == [
        (found.looks["z", "nmap"], frozenset({"nmap"})),
        (found.looks["z", "ssh"], frozenset({"ssh"})),
    ]
    assert (found.attempted, found.left_out, found.failures) == ({"z"}, frozenset(), ())


def test_one_judged_before_is_carried_and_the_zone_is_not_wholly_attempted() -> None:
    found = chosen(look("weekly", 60, "ssh"), look("nightly", 6, "nmap"), judged=frozenset({"weekly"}))
    assert found.carried == {("z", "ssh")}
    assert [one.id for one in found.fresh] == ["nightly"]
    assert (found.attempted, found.left_out) == (frozenset(), frozenset())
    everything = chosen(look("a", 6), judged=frozenset({"a"}))
    assert (everything.attempted, everything.left_out, everything.fresh) == (frozenset(), {"z"}, ())


def test_what_an_audit_saw_since_is_not_undone() -> None:
    found = chosen(look("a", 6, "nmap"), attempts={("z", "nmap"): NOW - 5 * HOUR})
    assert (found.looks, found.passed_over, found.left_out) == ({}, {("z", "nmap")}, {"z"})
    same = chosen(look("a", 6, "nmap"), attempts={("z", "nmap"): NOW - 6 * HOUR})
    assert list(same.looks) == [("z", "nmap")]


def test_too_old_or_never_seen_is_uncovered_for_every_probe_that_is_missing() -> None:
    old = chosen(look("a", 24 * 8 + 1, "nmap"))
    assert [(f.collector, f.zone, f.reason, f.scope) for f in old.failures] == [
        ("nmap", "z", "no_look", ("192.0.2.0/28",))
    ]
    assert old.attempted == {"z"}
    never = chosen()
    assert [f.collector for f in never.failures] == list(PROBES)
    assert never.zones == {"z"}


def test_a_zone_that_is_not_to_be_taken_is_not_spoken_of() -> None:
    assert chosen(look("a", 6, zone="other")).zones == {"z"}


looks_st = st.lists(
    st.builds(
        look,
        st.text("abcdef", min_size=1, max_size=6),
        st.integers(0, 400),
        st.sampled_from(PROBES),
        zone=st.sampled_from(["z", "y"]),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)


@given(looks_st, st.sets(st.text("abcdef", min_size=1, max_size=6)), st.integers(1, 20), st.integers(0, 400))
def test_every_pair_has_exactly_one_standing(looks: list[Look], judged: set[str], days: int, ago: int) -> None:
    attempts = {("z", "nmap"): NOW - ago * HOUR}
    found = chosen(*looks, judged=frozenset(judged), attempts=attempts, days=days, zones=("z", "y"))
    failed = {(f.zone, f.collector) for f in found.failures}
    assert not (found.looks.keys() & failed) and not (found.passed_over & (failed | found.looks.keys()))
    assert found.carried <= found.looks.keys()
    for pair, one in found.looks.items():
        others = [o for o in looks if o.zone == pair[0] and pair[1] in o.probes]
        assert one.seen_until == max(o.seen_until for o in others)
        assert NOW - one.seen_until <= timedelta(days=days)
        assert attempts.get(pair, one.seen_until) <= one.seen_until
        assert (pair in found.carried) == (one.id in judged)
    assert not found.attempted & found.left_out
    assert {one.id for one in found.fresh}.isdisjoint(judged)

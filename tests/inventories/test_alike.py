"""What belongs together, told pair by pair."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from inventories.alike import Groups

PAIRS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=30)


def reached(pairs: Sequence[tuple[int, int]], start: int) -> frozenset[int]:
    """By walking over the pairs until nothing new comes."""
    found = {start}
    while more := {b for pair in pairs for a, b in (pair, pair[::-1]) if a in found} - found:
        found |= more
    return frozenset(found)


@given(PAIRS)
def test_groups_are_what_a_walk_over_the_pairs_reaches(pairs: list[tuple[int, int]]) -> None:
    groups = Groups[int]()
    for one, other in pairs:
        groups.join(one, other)
    for one in range(13):
        assert {other for other in range(13) if groups.of(other) == groups.of(one)} == reached(pairs, one)

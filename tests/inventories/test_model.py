"""The records themselves: equal content is equal, whatever the order in which it was said."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from inventories.model import (
    Asset,
    Collection,
    Fact,
    Identifier,
    Observation,
    Origin,
    SourcedFact,
    Strength,
    Waiver,
    by_strength,
    canonical,
    plain,
)

AT = datetime(2026, 3, 2, tzinfo=UTC)


def test_strength_is_one_scale() -> None:
    assert Strength.SEEN_INSIDE > Strength.SEEN_OUTSIDE > Strength.DECLARED > Strength.HINTED
    assert Strength.parse("seen_outside") is Strength.SEEN_OUTSIDE
    assert Strength.SEEN_OUTSIDE.label == "seen_outside"
    with pytest.raises(ValueError, match="one of hinted, declared"):
        Strength.parse("certain")


def observation(facts: tuple[Fact, ...], identifiers: tuple[Identifier, ...]) -> Observation:
    return Observation("host", "nmap", "nmap", AT, identifiers, facts)


def test_an_observations_digest_ignores_order_and_nothing_else() -> None:
    a, b = Fact("ips", ("10.1.0.1",), Strength.SEEN_OUTSIDE), Fact("answers", True, Strength.SEEN_OUTSIDE)
    x, y = Identifier("ip", "10.1.0.1", "v"), Identifier("mac", "00:1b:21:0a:bb:cc", "v")
    base = observation((a, b), (x, y)).digest()
    assert observation((b, a), (y, x)).digest() == base
    assert observation((a,), (x, y)).digest() != base
    assert observation((a, Fact("answers", True, Strength.HINTED)), (x, y)).digest() != base


def test_plain_values_are_json() -> None:
    assert plain(("b", date(2026, 1, 2))) == ["b", "2026-01-02"]
    assert canonical({"b": date(2026, 1, 2), "a": "示例"}) == '{"a":"示例","b":"2026-01-02"}'


def test_facts_in_order_of_strength() -> None:
    def fact(strength: Strength, day: int, source: str) -> SourcedFact:
        return SourcedFact("name", source, strength, Origin.OBSERVED, source, AT.replace(day=day))

    facts = [
        fact(Strength.DECLARED, 9, "a"),
        fact(Strength.SEEN_OUTSIDE, 1, "b"),
        fact(Strength.SEEN_OUTSIDE, 2, "d"),
        fact(Strength.SEEN_OUTSIDE, 2, "c"),
    ]
    assert [f.source for f in by_strength(facts)] == ["c", "d", "b", "a"]


def test_a_waivers_last_day_counts() -> None:
    waiver = Waiver("W-1", (), "mzj", "", "", "", "", "", date(2026, 1, 1), date(2026, 1, 31))
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 1))
    assert [waiver.in_force(day) for day in days] == [False, True, True, False]


def test_collections_add_up(make: Any) -> None:
    one, other = make.collection(make.seen("10.1.0.1")), make.collection(make.covered("mzj"))
    both = one + other
    assert (len(both.observations), len(both.coverage)) == (1, 3)
    assert one + Collection() == one


def test_an_asset_without_a_value_has_null() -> None:
    asset = Asset("host", "h-1", (), {"name": "web1", "answers": True})
    assert (asset.get("os_name"), asset.text("os_name"), asset.text("name"), asset.text("answers")) == (
        None,
        "",
        "web1",
        "",
    )

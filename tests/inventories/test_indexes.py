"""The indexes that spare a look at everything say what a look at everything says."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.again import Again, Known
from inventories.coverage import Covered
from inventories.facts import superseded
from inventories.identity import instance_id, ip_id, plain_name
from inventories.infer.draft import Ground, every
from inventories.infer.known import Meets, Prefixed
from inventories.infer.locations import Locations
from inventories.infer.sightings import Names, is_among
from inventories.infer.within import Within
from inventories.infer.world import World
from inventories.model import Asset, Collection, Coverage, Fact, Failure, KeyMap, Observation, Strength
from inventories.places import Network, Places, Zone
from inventories.prefixes import Atlas
from inventories.reconcile import Reconciled

AT = datetime(2026, 3, 2, tzinfo=UTC)
WORDS = st.text("ab市", max_size=6)
SOURCES = st.sampled_from(["a", "b", "a + b", "c", ""])


@given(st.lists(WORDS), WORDS)
def test_texts_within_a_text(texts: list[str], text: str) -> None:
    assert Within(texts).of(text) == {one for one in texts if one in text}


@given(st.lists(st.tuples(WORDS, st.sampled_from("xyz"))), WORDS)
def test_the_longest_names_in_a_text(names: list[tuple[str, str]], text: str) -> None:
    there = [
        (plain_name(name), meant) for name, meant in names if len(name) > 1 and plain_name(name) in plain_name(text)
    ]
    longest = max((len(name) for name, _meant in there), default=0)
    found = Names(names, 2).within(text)
    assert found == tuple(sorted({meant for name, meant in there if len(name) == longest}))
    assert [is_among(key, found) for key in "wxyz"] == [key in found for key in "wxyz"]


@given(st.lists(st.tuples(st.sampled_from(Strength), SOURCES, st.integers(0, 3), WORDS), min_size=1, max_size=6))
def test_many_grounds_at_once(told: list[tuple[Strength, str, int, str]]) -> None:
    grounds = [Ground(s, source, AT + timedelta(days=day), words) for s, source, day, words in told]
    assert every(grounds) == reduce(and_, grounds)
    # What was said so far, said again as one.
    assert every([*grounds, reduce(and_, grounds)]) == reduce(and_, [*grounds, reduce(and_, grounds)])


@st.composite
def networks(draw: st.DrawFn) -> Network:
    base, least = draw(st.sampled_from([("10.0.0.0", 24), ("2001:db8::", 120)]))
    length = draw(st.integers(least, least + 8))
    return ipaddress.ip_network((int(ipaddress.ip_address(base)) + draw(st.integers(0, 255)), length), strict=False)


def asset(key: str) -> Asset:
    return Asset("network", key, (), {"key": key})


@given(st.lists(st.lists(networks(), max_size=3), max_size=5), networks())
def test_assets_that_touch_a_prefix(prefixes: list[list[Network]], asked: Network) -> None:
    table = Prefixed()
    for number, own in enumerate(prefixes):
        table.add(asset(str(number)), own)
    touching = {str(number) for number, own in enumerate(prefixes) if Meets(own).touches(asked)}
    assert {found.key for found in table.touching(asked)} == touching


@given(st.lists(networks(), max_size=4), st.dictionaries(networks(), st.sampled_from("abc"), max_size=6), networks())
def test_an_owner_is_the_longest_prefix_of_a_zone(
    own: list[Network], owners: dict[Network, str], at: Network
) -> None:
    """Against every owner of the zone, one by one."""
    apart = [
        one
        for one in own
        if not any(one != other and one.overlaps(other) for other in own if one.version == other.version)
    ]
    places = Places([Zone("z", "", "v", "department", tuple(dict.fromkeys(apart)), "d", owners)])
    address = at.network_address
    over = [(p.prefixlen, name) for p, name in owners.items() if p.version == address.version and address in p]
    is_in = any(p.version == address.version and address in p for p in apart)
    owner = (max(over)[1] if over else "d") if is_in else ""
    assert places.owner("v", str(address)) == owner
    spot = Atlas(places).at("v", str(address))
    assert (spot.department_id if spot else "") == owner
    assert spot is None or spot.is_named == bool(over)


@given(
    st.lists(
        st.tuples(st.sampled_from("nrs"), st.integers(0, 2), st.sets(st.integers(0, 3)), st.sampled_from("xy")),
        max_size=6,
    )
)
def test_what_was_seen_again(told: list[tuple[str, int, set[int], str]]) -> None:
    collectors = {
        "n": ("nmap", "nmap"),
        "r": ("register", "registers/hosts.csv!1"),
        "s": ("register", "registers/rooms.csv!1"),
    }
    looks = [
        Observation(
            "host",
            *collectors[by],
            AT + timedelta(days=day),
            tuple(ip_id(f"10.0.0.{i}", "v") for i in sorted(known)),
            (Fact(column, "1", Strength.DECLARED),),
        )
        for by, day, known, column in told
    ]
    assert superseded(looks) == [frozenset(again(old, looks)) for old in looks]


def again(old: Observation, looks: Sequence[Observation]) -> set[str]:
    return {
        fact.column
        for new in looks
        if new.observed_at > old.observed_at
        and (new.collector, new.source) == (old.collector, old.source)
        and not set(old.identifiers).isdisjoint(new.identifiers)
        for fact in new.facts
    }


def test_a_port_is_known_where_a_list_that_has_it_was_asked() -> None:
    looks = [
        Coverage("nmap", "z", vantage, "ports", scope, AT, AT, detail)
        for vantage, scope, detail in (
            ("v", ("10.0.0.0/24",), "22,80-90"),
            ("v", ("10.0.1.0/24",), "443"),
            ("w", ("10.0.1.0/24",), "22"),
        )
    ]
    covered = Covered(looks)
    known = {
        (v, ip, port)
        for v in "vw"
        for ip in ("10.0.0.1", "10.0.1.1")
        for port in (22, 85, 443)
        if covered.port(v, ip, port)
    }
    assert known == {("v", "10.0.0.1", 22), ("v", "10.0.0.1", 85), ("v", "10.0.1.1", 443), ("w", "10.0.1.1", 22)}


@pytest.mark.parametrize(
    ("scopes", "looked"),
    [
        ([("10.0.0.2",)], True),
        ([("10.0.0.2",), ("10.0.0.1/32",)], False),
        ([("10.0.0.2",), ()], False),
        ([("10.0.0.2", "all")], False),
    ],
)
def test_a_refusal_counts_for_the_machine_that_it_names(scopes: list[tuple[str, ...]], looked: bool) -> None:
    failed = tuple(Failure("ssh", "z", scope, "refused", "", AT) for scope in scopes)
    looks = (Coverage("ssh", "z", "v", "inside", ("10.0.0.0/24",), AT, AT),)
    machine = Known("host", "h", (ip_id("10.0.0.1", "v"),), ("z",), ("ssh",))
    assert Again(Collection(coverage=looks, failures=failed)).looked(machine, ()) is looked


ROOM = st.tuples(st.sampled_from(["", "d", "e", "f"]), WORDS, WORDS, st.booleans())


@settings(max_examples=60)
@given(st.lists(ROOM, max_size=6), st.lists(st.tuples(st.sampled_from("de"), WORDS), min_size=1, max_size=4))
def test_rooms_that_speak_of_a_place(rooms: list[tuple[str, str, str, bool]], zones: list[tuple[str, str]]) -> None:
    """Against every room held against every place."""
    found = [
        Asset(
            "room",
            f"r{n}",
            (),
            {
                "key": f"r{n}",
                "is_declared": True,
                "department_id": owner,
                "address": a,
                "name": b,
                "is_recognised": houses,
            },
        )
        for n, (owner, a, b, houses) in enumerate(rooms)
    ]
    places = Places(
        [Zone(f"z{n}", "", "v", "department", (), d, location=where) for n, (d, where) in enumerate(zones)]
    )
    index = Locations(World(Reconciled(tuple(found), KeyMap()), Collection(), places))
    for department, here in zones:
        if here:
            others = {where for d, where in zones if d == department and where} - {here}
            mine = [room for room in found if room.text("department_id") in ("", department)]
            theirs = [room for room in found if room not in mine and speaks(room, {here})]
            near = [room for room in mine if speaks(room, {here})]
            assert index.others(department, here) == others
            assert index.near(department, here) == near[:2]
            assert [r for r in index.vague(department) if r not in near] == [
                r for r in mine if r not in near and not speaks(r, others)
            ]
            for housing in (True, False):
                those = [room for room in theirs if room.get("is_recognised") is housing]
                assert index.has_others(department, here, housing=housing) is bool(those)
            rest = [room for room in theirs if room.get("is_recognised") is False]
            assert index.others_rooms(department, here, 2) == (rest[:2], len(rest))


def speaks(room: Asset, places: set[str]) -> bool:
    said = [plain_name(room.text(column)) for column in ("address", "name")]
    return any(place in text or (len(text) >= 4 and text in place) for place in places for text in said)


def test_a_guest_in_anothers_network_stands_at_its_place(make: Any) -> None:
    """A cloud's mapping gives a machine to a department that has no zone where it stands."""
    facts = (
        Fact("is_physical", True, Strength.SEEN_INSIDE),
        Fact("products", ("hypervisor:VMware ESXi",), Strength.SEEN_INSIDE),
    )
    seen = Observation("host", "vsphere", "vsphere a", make.at, (instance_id("Y", "h-1"),), facts, "mzj", "jtj")
    told = make.inferred(seen, make.department("mzj"), make.department("jtj"))
    assert [host.text("department_id") for host in told.assets if host.kind == "host"] == ["jtj"]

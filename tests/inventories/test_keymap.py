"""Keys over many audits: machines that come into view by bits, and addresses that move between machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.binding import FORGOTTEN_AFTER, REUSED_AFTER
from inventories.identity import code_id, ip_id, mac_id, uuid_id
from inventories.keymap import identifiers_of, names_of, resolve
from inventories.keymap import known as known_by
from inventories.model import Fact, Identifier, KeyMap, Observation, Strength
from inventories.reconcile import Reconciled
from tests.inventories.test_joining import CLONE, OTHER, SERVER, TWIN, UUID, card, machine, wire

START = date(2026, 3, 2)


class Years:
    """One audit after another, each from the keys of the one before."""

    def __init__(self, make: Any) -> None:
        self.make = make
        self.day = START
        self.keymap = KeyMap()
        self.found = Reconciled((), KeyMap())

    def audit(self, *found: Observation, after: int = 7) -> Years:
        """``after`` days later, this is seen."""
        self.day += timedelta(days=after)
        at = datetime.combine(self.day, time(3), UTC)
        self.found = self.make.reconciled(
            *(replace(o, observed_at=at) for o in found), keymap=self.keymap, today=self.day
        )
        self.keymap = self.found.keymap
        return self

    def key(self, address: str = "10.1.0.7") -> str:
        """The key of the one host that has an address to itself."""
        wanted = ip_id(address, "scanner")
        sure = self.keymap.keys.get(("host", wanted), "")
        keys = [asset.key for asset in self.found.assets if wanted in asset.identifiers]
        assert len(keys) == 1 and sure in (keys[0], ""), (address, keys, sure)
        return keys[0]

    def living(self, key: str) -> str:
        return resolve(self.keymap.aliases, key)


@pytest.fixture
def years(make: Any) -> Years:
    return Years(make)


# --- one machine that comes into view by bits ---

BY_API = machine("10.1.0.7", macs=[1], uuid=UUID, instance=f"LHC-01/{SERVER}", collector="openstack")
BY_ADDRESS = wire("10.1.0.7")
FROM_INSIDE = machine("10.1.0.7", macs=[1], uuid=TWIN)


@pytest.mark.parametrize("order", list(permutations((BY_API, BY_ADDRESS, FROM_INSIDE))))
def test_a_cloud_instance_keeps_its_key_whichever_came_first(years: Years, order: tuple[Observation, ...]) -> None:
    first = years.audit(order[0]).key()
    for seen in (order[1:2], order[2:], order[:2], order, order[1:], [order[2]], [order[0]]):
        assert years.audit(*seen).key() == first
        assert len(years.found.assets) == 1
    assert years.keymap.aliases == {}


def test_two_faces_of_one_machine_become_one_and_the_older_key_stays(years: Years) -> None:
    years.audit(wire("10.1.0.7"))
    old = years.key()
    years.audit(wire("10.1.0.7"), wire("10.2.0.7"))
    new = years.key("10.2.0.7")
    years.audit(machine("10.1.0.7", "10.2.0.7", macs=[1, 2], uuid=UUID), wire("10.1.0.7"), wire("10.2.0.7"))
    assert years.key() == years.key("10.2.0.7") == years.living(new) == old


def test_a_reinstalled_machine_is_itself(years: Years) -> None:
    first = years.audit(machine("10.1.0.7", macs=[1], uuid=UUID, serial="210235K5TX", hostname="old")).key()
    assert (
        years.audit(machine("10.1.0.30", macs=[1], uuid=UUID, serial="210235K5TX", hostname="new")).key("10.1.0.30")
        == first
    )


def test_a_machine_that_moves_to_another_hypervisor_is_itself(years: Years) -> None:
    def guest(cloud: str) -> Observation:
        return machine("10.1.0.7", macs=[1], uuid=UUID, instance=f"{cloud}/{SERVER}", collector="vsphere")

    first = years.audit(guest("VC-1")).key()
    assert years.audit(guest("VC-1"), wire("10.1.0.7")).key() == first
    assert years.audit(guest("VC-2"), wire("10.1.0.7")).key() == first


def test_a_copy_of_a_machine_gets_a_key_of_its_own(years: Years) -> None:
    original = machine("10.1.0.7", macs=[1], uuid=UUID, instance=f"VC-1/{SERVER}", collector="vsphere")
    copy = machine("10.1.0.8", macs=[2], uuid=UUID, instance=f"VC-1/{CLONE}", collector="vsphere")
    first = years.audit(original).key()
    # Even where the original is switched off, and the copy all that there is to see.
    assert years.audit(copy).key("10.1.0.8") != first
    assert years.audit(original, copy).key() == first


def test_a_login_that_fails_for_once_costs_no_key(years: Years) -> None:
    first = years.audit(FROM_INSIDE, BY_ADDRESS).key()
    assert years.audit(BY_ADDRESS).key() == first
    assert years.audit(FROM_INSIDE).key() == first


# --- addresses that move ---


def test_a_lease_that_goes_to_another_card_takes_no_key_along(years: Years) -> None:
    years.audit(wire("10.1.0.10", 1), wire("10.1.0.11", 2))
    one, two = years.key("10.1.0.10"), years.key("10.1.0.11")
    years.audit(wire("10.1.0.11", 1))
    assert years.key("10.1.0.11") == one
    years.audit(wire("10.1.0.10", 2), wire("10.1.0.11", 1))
    assert (years.key("10.1.0.11"), years.key("10.1.0.10")) == (one, two)
    years.audit(wire("10.1.0.10", 3))
    assert years.key("10.1.0.10") not in (one, two)
    assert years.keymap.aliases == {}


NODES = {
    "known by uuid": [{"uuid": UUID}, {"uuid": OTHER}],
    "known by card": [{"macs": [1]}, {"macs": [2]}],
    "known by both": [{"uuid": UUID, "macs": [1]}, {"uuid": OTHER, "macs": [2]}],
}


@pytest.mark.parametrize("known", list(NODES.values()), ids=list(NODES))
@pytest.mark.parametrize("down", [False, True], ids=["both up", "the first down"])
def test_a_clusters_address_that_moves_carries_nothing_along(years: Years, known: Any, down: bool) -> None:
    first, second = known
    years.audit(
        machine("10.1.0.7", "10.1.0.100", **first), machine("10.1.0.8", **second), wire("10.1.0.100"), after=0
    )
    a, b = years.key("10.1.0.7"), years.key("10.1.0.8")
    assert years.key("10.1.0.100") == a
    up = [] if down else [machine("10.1.0.7", **first)]
    years.audit(*up, machine("10.1.0.8", "10.1.0.100", **second), wire("10.1.0.100"))
    assert years.key("10.1.0.8") == years.key("10.1.0.100") == b
    assert years.keymap.aliases == {}
    years.audit(machine("10.1.0.7", **first), machine("10.1.0.8", **second))
    assert (years.key("10.1.0.7"), years.key("10.1.0.8")) == (a, b)


@pytest.mark.parametrize("known", list(NODES.values()), ids=list(NODES))
def test_a_clusters_address_that_nobody_could_log_in_to_is_not_the_dead_node(years: Years, known: Any) -> None:
    """It fell over to the other node, whose host key differs, so that all that is seen is that something answers."""
    first, second = known
    years.audit(machine("10.1.0.7", "10.1.0.100", **first), machine("10.1.0.8", **second))
    a, b = years.key("10.1.0.7"), years.key("10.1.0.8")
    years.audit(wire("10.1.0.100"), wire("10.1.0.8"))
    assert years.key("10.1.0.100") not in (a, b)
    assert years.key("10.1.0.8") == b
    # The dead node comes back as itself.
    years.audit(machine("10.1.0.7", **first), machine("10.1.0.8", **second))
    assert years.key("10.1.0.7") == a


def test_a_machine_known_apart_that_is_away_is_not_merged_into_its_neighbour(years: Years) -> None:
    """Its code goes to another machine's row by mistake, while it is away."""
    years.audit(
        machine("10.1.0.7", uuid=UUID), machine("10.1.0.8", uuid=OTHER), years.make.host_row("A-1", "mzj", "10.1.0.8")
    )
    one, two = years.key("10.1.0.7"), years.key("10.1.0.8")
    years.audit(machine("10.1.0.7", uuid=UUID), years.make.host_row("A-1", "mzj", "10.1.0.7"))
    assert years.key("10.1.0.7") == one
    assert years.keymap.aliases == {}
    years.audit(machine("10.1.0.7", uuid=UUID), machine("10.1.0.8", uuid=OTHER))
    assert (years.key("10.1.0.7"), years.key("10.1.0.8")) == (one, two)


def test_a_row_whose_address_has_gone_to_another_machine_does_not_bring_the_key_along(years: Years) -> None:
    row = years.make.host_row("A-1", "mzj", "10.1.0.7")
    first = years.audit(machine("10.1.0.7", uuid=UUID), row).key()
    assert years.audit(machine("10.1.0.7", uuid=OTHER), row).key() != first
    assert years.audit(machine("10.1.0.30", uuid=UUID)).key("10.1.0.30") == first


def test_a_row_whose_serial_number_was_mended_keeps_its_key(years: Years) -> None:
    first = years.audit(years.make.host_row("A-1", "mzj", "10.1.0.7", serial="210235K5TX")).key()
    assert years.audit(years.make.host_row("A-1", "mzj", "10.1.0.7", serial="210235K5TY")).key() == first


# --- addresses that are used again ---

WEEKS = REUSED_AFTER.days


def neighbour() -> Observation:
    return wire("10.1.0.200")


def test_an_address_used_again_after_weeks_is_a_new_claim(years: Years) -> None:
    first = years.audit(wire("10.1.0.7"), neighbour()).key()
    years.audit(neighbour(), after=WEEKS)
    assert years.audit(machine("10.1.0.7", uuid=UUID), after=1).key() != first


def test_an_address_alone_does_not_bring_back_a_machine_that_fell_silent(years: Years) -> None:
    first = years.audit(machine("10.1.0.7", uuid=UUID), neighbour()).key()
    years.audit(neighbour(), after=WEEKS)
    stranger = years.audit(wire("10.1.0.7"), after=1).key()
    assert stranger != first
    # It was the machine after all: what it is made of says so, and both keys are one.
    years.audit(machine("10.1.0.7", uuid=UUID))
    assert years.key() == years.living(stranger) == first


def test_between_two_that_nothing_better_tells_apart_silence_decides(years: Years) -> None:
    """What the one that fell silent is accused of is not laid to whoever answers at its address now."""
    first = years.audit(wire("10.1.0.7"), neighbour()).key()
    years.audit(neighbour(), after=WEEKS - 1)
    assert years.audit(wire("10.1.0.7"), neighbour(), after=1).key() == first
    years.audit(neighbour(), after=WEEKS)
    second = years.audit(wire("10.1.0.7"), neighbour(), after=1).key()
    assert second != first and years.keymap.aliases == {}


def test_where_nobody_looked_the_address_decides_between_two_that_nothing_else_tells_apart(years: Years) -> None:
    """A bureau that looks once a year would otherwise lose everything that no login reaches."""
    first = years.audit(wire("10.1.0.7"), neighbour()).key()
    assert years.audit(wire("10.1.0.7"), neighbour(), after=365).key() == first


def test_a_card_and_an_address_that_agree_bring_a_machine_back(years: Years) -> None:
    first = years.audit(wire("10.1.0.7", 1), neighbour()).key()
    years.audit(neighbour(), after=WEEKS)
    assert years.audit(machine("10.1.0.7", macs=[1], uuid=UUID), after=1).key() == first
    alone = years.audit(wire("10.1.0.30", 2), neighbour()).key("10.1.0.30")
    years.audit(neighbour(), after=WEEKS)
    assert years.audit(machine("10.1.0.31", macs=[2], uuid=OTHER), after=1).key("10.1.0.31") != alone


def test_rare_audits_are_no_silence(years: Years) -> None:
    """Once a quarter is how often some bureaus look: nobody missed the machine in between."""
    first = years.audit(wire("10.1.0.7"), neighbour()).key()
    assert years.audit(machine("10.1.0.7", uuid=UUID), neighbour(), after=91).key() == first


def test_looking_elsewhere_is_no_silence(years: Years) -> None:
    first = years.audit(wire("10.1.0.7"), wire("10.2.0.200")).key()
    years.audit(wire("10.2.0.200"), after=60)
    assert years.audit(machine("10.1.0.7", uuid=UUID), after=1).key() == first


def test_after_half_a_year_nobodys_looking_is_needed(years: Years) -> None:
    first = years.audit(wire("10.1.0.7")).key()
    assert years.audit(machine("10.1.0.7", uuid=UUID), after=FORGOTTEN_AFTER.days).key() != first


def test_a_row_that_names_an_address_is_no_sight_of_it(years: Years) -> None:
    first = years.audit(wire("10.1.0.7"), neighbour()).key()
    years.audit(neighbour(), after=WEEKS)
    row = years.make.host_row("A-1", "mzj", "10.1.0.7")
    assert years.audit(row, after=1).key() == first


def test_subnets_of_both_families(years: Years) -> None:
    first = years.audit(machine("2001:db8::7"), machine("2001:db8::200")).key("2001:db8::7")
    years.audit(machine("2001:db8::200"), after=WEEKS)
    assert years.audit(machine("2001:db8::7", uuid=UUID), after=1).key("2001:db8::7") != first


# --- whatever happens ---

IDENTIFIERS: list[Identifier] = [
    *(ip_id(f"10.1.0.{n}", "scanner") for n in range(1, 5)),
    *(i for n in (1, 2) if (i := mac_id(card(n), "scanner"))),
    *(i for text in (UUID, OTHER) if (i := uuid_id(text))),
    code_id("host", "A"),
]


@st.composite
def looks(draw: st.DrawFn) -> Observation:
    chosen = draw(st.lists(st.sampled_from(IDENTIFIERS), min_size=1, max_size=4, unique=True))
    # A machine has one of each of these: what says two is no machine.
    known = {i.scheme: i for i in chosen if i.scheme in ("uuid", "host-code")}
    single = tuple(i for i in chosen if known.get(i.scheme, i) == i)
    fact = Fact("arch", "x86_64", Strength.SEEN_INSIDE)
    return Observation("host", "ssh", "ssh", datetime(2026, 3, 2, tzinfo=UTC), single, (fact,), zone="mzj")


LIVES = st.lists(st.tuples(st.lists(looks(), max_size=4, unique=True), st.sampled_from([1, 7, 30])), max_size=5)


@settings(max_examples=120, deadline=None)
@given(life=LIVES)
def test_a_key_never_stands_for_two_machines(make: Any, life: Sequence[tuple[list[Observation], int]]) -> None:
    """Through all audits together, a key and those merged into it have one UUID that nothing speaks against."""
    years, uuids = Years(make), dict[str, set[str]]()
    for found, days in life:
        years.audit(*found, after=days)
        assert len({asset.key for asset in years.found.assets}) == len(years.found.assets)
        doubted = {doubt.identifier for doubt in years.found.doubts}
        for asset in years.found.assets:
            sure = {i.value for i in asset.identifiers if i.scheme == "uuid" and i not in doubted}
            uuids.setdefault(asset.key, set()).update(sure)
        for old, new in years.keymap.aliases.items():
            uuids.setdefault(new, set()).update(uuids.get(old, set()))
        single = {key: values for key, values in uuids.items() if key not in years.keymap.aliases}
        assert all(len(values) <= 1 for values in single.values()), single


@settings(max_examples=80, deadline=None)
@given(life=LIVES)
def test_seeing_the_same_again_changes_no_key(make: Any, life: Sequence[tuple[list[Observation], int]]) -> None:
    years = Years(make)
    for found, days in life:
        years.audit(*found, after=days)
        before, keys = years.keymap, [asset.key for asset in years.found.assets]
        years.audit(*found, after=1)
        assert [asset.key for asset in years.found.assets] == keys
        assert years.keymap.aliases == before.aliases


@settings(max_examples=80, deadline=None)
@given(life=LIVES, luck=st.randoms(use_true_random=False))
def test_order_decides_nothing_over_years(
    make: Any, life: Sequence[tuple[list[Observation], int]], luck: Any
) -> None:
    one, other = Years(make), Years(make)
    for found, days in life:
        shuffled = list(found)
        luck.shuffle(shuffled)
        assert one.audit(*found, after=days).found == other.audit(*shuffled, after=days).found


def test_what_a_key_is_known_by_follows_it(years: Years) -> None:
    years.audit(BY_API)
    assert {i.scheme for i in identifiers_of(years.keymap, years.key())} == {"instance", "uuid", "mac", "ip"}


def test_what_is_known_of_some_keys_alone() -> None:
    """With all that was merged into them: an earlier snapshot, or row, still calls them so."""
    one, two, other = (Identifier("serial", word) for word in ("huawei|1", "huawei|2", "huawei|3"))
    keymap = KeyMap(
        keys={("host", one): "h-old", ("host", two): "h-new", ("host", other): "h-other"},
        aliases={"h-oldest": "h-old", "h-old": "h-new", "h-gone": "h-other"},
    )
    assert known_by(keymap) == {"h-new": (one, two), "h-other": (other,)}
    assert known_by(keymap, {"h-new"}) == {"h-new": (one, two)}
    assert known_by(keymap, ()) == {}
    assert names_of(keymap.aliases, {"h-new"}) == {"h-new", "h-old", "h-oldest"}
    assert names_of(keymap.aliases, frozenset()) == frozenset()

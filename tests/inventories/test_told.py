"""A person's word on identity: it holds whatever is seen, and can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.identity import code_id, department_id, ip_id, mac_id, name_id, seed_id, serial_id, uuid_id
from inventories.keymap import resolve
from inventories.model import Identifier, KeyMap, Observation
from inventories.reconcile import Reconciled
from inventories.told import Nonsense, Told, firm, kind_of, merge, owner_of, pin, split, unmerge, unpin, unsplit
from tests.inventories.test_joining import OTHER, UUID, card, machine, wire

AT = "scanner"


def ip(text: str) -> Identifier:
    return ip_id(text, AT)


def mac(number: int) -> Identifier:
    found = mac_id(card(number), AT)
    assert found is not None
    return found


def uuid(text: str) -> Identifier:
    found = uuid_id(text)
    assert found is not None
    return found


def by_ip(found: Reconciled) -> dict[str, str]:
    """Address → the key of the host that has it to itself."""
    return {i.value: asset.key for asset in found.assets for i in asset.identifiers if i.scheme == "ip"}


def together(seen: Sequence[Observation]) -> list[frozenset[Identifier]]:
    return [frozenset(o.identifiers) for o in seen]


def forget(keymap: KeyMap) -> KeyMap:
    """As :mod:`auditor.ledger` keeps it: through a person's word only what the key map holds survives."""
    return replace(keymap, keys=dict(keymap.keys), pins=dict(keymap.pins))


# --- pins ---


def test_a_pin_joins_what_nothing_else_would(make: Any) -> None:
    seen = [machine("10.1.0.7", macs=[1], uuid=UUID), wire("10.1.0.8")]
    first = make.reconciled(*seen)
    key, other = by_ip(first)["10.1.0.7"], by_ip(first)["10.1.0.8"]
    with pytest.raises(Nonsense, match=f"is {other}'s: 'asset merge {key} {other}'"):
        pin(first.keymap, key, [ip("10.1.0.8")])
    told = pin(first.keymap, key, [mac(9)])
    assert (told.kind, told.key) == ("host", key)
    # What the asset is surely known by is pinned with it, else the two would stay two.
    assert told.keymap.pins == {("host", mac(9)): key, ("host", uuid(UUID)): key}
    for _ in range(2):
        again = make.reconciled(*seen, wire("10.1.0.30", 9), keymap=told.keymap)
        assert by_ip(again) == {"10.1.0.7": key, "10.1.0.30": key, "10.1.0.8": other}
    # Away for once, and seen in part, it is still itself.
    assert by_ip(make.reconciled(wire("10.1.0.30", 9), keymap=again.keymap)) == {"10.1.0.30": key}
    assert by_ip(make.reconciled(wire("10.1.0.7", 1), keymap=again.keymap)) == {"10.1.0.7": key}
    with pytest.raises(Nonsense, match=r"pinned to .* already"):
        pin(again.keymap, key, [mac(9)])


def test_a_pin_taken_back_leaves_no_trace(make: Any) -> None:
    first = make.reconciled(machine("10.1.0.7", macs=[1], uuid=UUID))
    key = by_ip(first)["10.1.0.7"]
    told = pin(first.keymap, key, [mac(9)])
    assert unpin(told.keymap, told) == first.keymap
    seen = make.reconciled(machine("10.1.0.7", macs=[1], uuid=UUID), wire("10.1.0.30", 9), keymap=told.keymap)
    free = unpin(seen.keymap, told)
    assert free.pins == {}
    again = make.reconciled(machine("10.1.0.7", macs=[1], uuid=UUID), wire("10.1.0.30", 9), keymap=free)
    assert by_ip(again)["10.1.0.7"] == key != by_ip(again)["10.1.0.30"]


def test_what_is_pinned_is_what_does_not_move() -> None:
    serial = serial_id("Huawei", "210235K5TX")
    assert serial is not None
    code = code_id("host", "A-1")
    assert firm([ip("10.1.0.7"), mac(1), code, uuid(UUID), serial]) == (uuid(UUID), serial, code)
    assert firm([ip("10.1.0.7"), mac(1)]) == (mac(1),)
    assert firm([ip("10.1.0.7"), ip("10.1.0.6")]) == (ip("10.1.0.6"), ip("10.1.0.7"))
    assert firm([seed_id("x", 0)]) == firm([]) == ()
    names = [code_id("system", "S-1"), name_id("system", "mzj", "救助系统")]
    assert firm(names) == tuple(names)


# --- merges ---


def test_a_merge_holds_though_the_two_are_known_apart(make: Any) -> None:
    seen = [machine("10.1.0.7", macs=[1], uuid=UUID), machine("10.1.0.8", macs=[2], uuid=OTHER)]
    first = make.reconciled(*seen)
    keep, other = by_ip(first)["10.1.0.7"], by_ip(first)["10.1.0.8"]
    told = merge(first.keymap, keep, other)
    assert (told.key, told.other, told.keymap.aliases) == (keep, other, {other: keep})
    assert set(told.keymap.keys.values()) == {keep}
    found = make.reconciled(*seen, keymap=told.keymap)
    assert [asset.key for asset in found.assets] == [keep]
    assert by_ip(make.reconciled(seen[1], keymap=found.keymap)) == {"10.1.0.8": keep}
    with pytest.raises(Nonsense, match=r"both are .* already"):
        merge(told.keymap, keep, other)


def test_a_merge_taken_back_gives_both_their_keys_again(make: Any) -> None:
    seen = [wire("10.1.0.7", 1), wire("10.1.0.8", 2)]
    first = make.reconciled(*seen)
    keep, other = by_ip(first)["10.1.0.7"], by_ip(first)["10.1.0.8"]
    told = merge(first.keymap, keep, other)
    assert unmerge(told.keymap, told) == first.keymap
    after = make.reconciled(*seen, keymap=told.keymap)
    again = make.reconciled(*seen, keymap=unmerge(after.keymap, told))
    assert by_ip(again) == {"10.1.0.7": keep, "10.1.0.8": other}
    with pytest.raises(Nonsense, match=r"not merged into"):
        unmerge(again.keymap, told)


def test_a_merge_of_what_nothing_identifies_is_refused(make: Any) -> None:
    rows = [make.host_row("", "mzj", ip, placed=False, name=ip) for ip in ("10.7.0.1", "10.7.0.2")]
    first = make.reconciled(*rows)
    one, other = (asset.key for asset in first.assets)
    with pytest.raises(Nonsense, match=r"nothing identifies .*: give it a code"):
        merge(first.keymap, one, other)


# --- splits ---


def test_a_split_by_a_card_holds(make: Any) -> None:
    seen = [machine("10.1.0.7", macs=[1], uuid=UUID), wire("10.1.0.7", 1), wire("10.1.0.8", 1)]
    first = make.reconciled(*seen)
    key = by_ip(first)["10.1.0.8"]
    told = split(first.keymap, key, [ip("10.1.0.8")], seen=together(seen), site="example")
    assert told.other not in ("", key)
    assert told.keymap.pins == {("host", uuid(UUID)): key, ("host", ip("10.1.0.8")): told.other}
    found = make.reconciled(*seen, keymap=told.keymap)
    assert by_ip(found) == {"10.1.0.7": key, "10.1.0.8": told.other}
    # Where one of the two is away, the other does not slip into its place.
    assert by_ip(make.reconciled(seen[2], keymap=found.keymap)) == {"10.1.0.8": told.other}
    assert by_ip(make.reconciled(*seen[:2], keymap=found.keymap)) == {"10.1.0.7": key}


def test_where_only_addresses_are_known_both_sides_are_pinned_by_those(make: Any) -> None:
    seen = [wire("10.1.0.7", 1), wire("10.1.0.8", 1)]
    first = make.reconciled(*seen)
    key = by_ip(first)["10.1.0.7"]
    told = split(first.keymap, key, [ip("10.1.0.8")], seen=together(seen), site="example")
    # The card that both were seen with belongs to neither side for sure.
    assert told.keymap.pins == {("host", ip("10.1.0.7")): key, ("host", ip("10.1.0.8")): told.other}
    found = make.reconciled(*seen, keymap=told.keymap)
    assert by_ip(found) == {"10.1.0.7": key, "10.1.0.8": told.other}
    assert by_ip(make.reconciled(*seen, keymap=found.keymap)) == by_ip(found)


def test_a_split_that_could_not_hold_is_refused(make: Any) -> None:
    seen = [machine("10.1.0.7", "10.1.0.8", macs=[1])]
    first = make.reconciled(*seen)
    key = by_ip(first)["10.1.0.7"]
    with pytest.raises(Nonsense, match=r"nothing would tell the rest of"):
        split(first.keymap, key, [ip("10.1.0.8")], seen=together(seen), site="example")
    with pytest.raises(Nonsense, match=r"nothing would tell the rest of"):
        split(first.keymap, key, first.assets[0].identifiers, seen=together(seen), site="example")
    with pytest.raises(Nonsense, match=f"is nobody's, not {key}'s"):
        split(first.keymap, key, [ip("10.1.0.99")], seen=together(seen), site="example")


def test_a_split_taken_back_puts_both_together_again(make: Any) -> None:
    seen = [machine("10.1.0.7", macs=[1], uuid=UUID), wire("10.1.0.8", 1)]
    first = make.reconciled(*seen)
    key = by_ip(first)["10.1.0.8"]
    told = split(first.keymap, key, [ip("10.1.0.8")], seen=together(seen), site="example")
    after = make.reconciled(*seen, keymap=told.keymap)
    again = make.reconciled(*seen, keymap=unsplit(after.keymap, told))
    assert [asset.key for asset in again.assets] == [key]
    assert resolve(again.keymap.aliases, told.other) == key
    with pytest.raises(Nonsense, match=r"has become"):
        unsplit(again.keymap, told)


# --- words on words ---


def test_a_later_word_is_taken_back_first(make: Any) -> None:
    seen = [machine("10.1.0.7", macs=[1], uuid=UUID), wire("10.1.0.8", 1)]
    first = make.reconciled(*seen)
    key = by_ip(first)["10.1.0.7"]
    early = pin(first.keymap, key, [ip("10.1.0.8")])
    late = split(early.keymap, key, [ip("10.1.0.8")], seen=together(seen), site="example")
    with pytest.raises(
        Nonsense, match=r"a later word says otherwise about ip:10.1.0.8@scanner: take that back first"
    ):
        unpin(late.keymap, early)
    assert unpin(unsplit(late.keymap, late), early).pins == {}


def test_what_was_split_off_can_be_merged_into_another(make: Any) -> None:
    """An address that one asset has and that is another's: it is taken off, and given."""
    seen = [machine("10.1.0.7", macs=[1], uuid=UUID), wire("10.1.0.8", 1), machine("10.1.0.9", macs=[2], uuid=OTHER)]
    first = make.reconciled(*seen)
    key, other = by_ip(first)["10.1.0.7"], by_ip(first)["10.1.0.9"]
    off = split(first.keymap, key, [ip("10.1.0.8")], seen=together(seen), site="example")
    given = merge(off.keymap, other, off.other)
    found = make.reconciled(*seen, keymap=given.keymap)
    assert by_ip(found) == {"10.1.0.7": key, "10.1.0.8": other, "10.1.0.9": other}


def test_pins_follow_an_audit_that_merges_their_key(make: Any) -> None:
    first = make.reconciled(make.system("S-1", "救助系统"))
    (key,) = [asset.key for asset in first.assets]
    told = pin(first.keymap, key, [code_id("system", "S-OLD")])
    moved = replace(
        told.keymap, aliases={key: "s-newer"}, first_seen={**told.keymap.first_seen, "s-newer": make.today}
    )
    assert owner_of(moved, "system", code_id("system", "S-OLD")) == "s-newer"
    found = make.reconciled(make.system("S-OLD", "救助系统"), keymap=moved)
    assert [asset.key for asset in found.assets] == ["s-newer"]


# --- nonsense ---


def test_nonsense_is_refused(make: Any) -> None:
    first = make.reconciled(make.department("mzj"), make.system("S-1", "救助系统"), wire("10.1.0.7"))
    host = by_ip(first)["10.1.0.7"]
    keys = {asset.kind: asset.key for asset in first.assets}
    with pytest.raises(Nonsense, match=r"a department is who its number says"):
        pin(first.keymap, keys["department"], [department_id("jtj")])
    with pytest.raises(Nonsense, match=r"there is no asset h-nobody"):
        pin(first.keymap, "h-nobody", [ip("10.1.0.7")])
    with pytest.raises(Nonsense, match=r"is no asset's key"):
        kind_of("救助系统")
    with pytest.raises(Nonsense, match=r"a host and .* a system: only things of one kind"):
        merge(first.keymap, host, keys["system"])
    with pytest.raises(Nonsense, match=r"does not say which host is meant"):
        pin(first.keymap, host, [code_id("system", "S-1")])


# --- whatever was said ---

SEEN = [
    machine("10.1.0.7", macs=[1], uuid=UUID),
    wire("10.1.0.7", 1),
    wire("10.1.0.8", 1),
    machine("10.1.0.9", macs=[2], uuid=OTHER),
    wire("10.1.0.10", 3),
    wire("10.1.0.11", 3),
]
NAMED = [ip(f"10.1.0.{n}") for n in range(7, 12)] + [mac(n) for n in (1, 2, 3, 9)] + [uuid(UUID), uuid(OTHER)]


@st.composite
def words(draw: st.DrawFn) -> tuple[str, int, int, Identifier]:
    act = draw(st.sampled_from(["pin", "merge", "split", "audit"]))
    return act, draw(st.integers(0, 5)), draw(st.integers(0, 5)), draw(st.sampled_from(NAMED))


@settings(max_examples=120, deadline=None)
@given(said=st.lists(words(), max_size=5))
def test_every_word_holds_and_can_be_taken_back(make: Any, said: list[tuple[str, int, int, Identifier]]) -> None:
    first = make.reconciled(*SEEN)
    keymap = first.keymap
    for act, one, other, named in said:
        living = sorted({resolve(keymap.aliases, key) for key in keymap.keys.values()})
        key, second = living[one % len(living)], living[other % len(living)]
        told: Told
        try:
            if act == "pin":
                told = pin(keymap, key, [named])
            elif act == "merge":
                told = merge(keymap, key, second)
            elif act == "split":
                told = split(keymap, key, [named], seen=together(SEEN), site="example")
            else:
                keymap = make.reconciled(*SEEN, keymap=keymap).keymap
                continue
        except Nonsense:
            continue
        undo = {"pin": unpin, "merge": unmerge, "split": unsplit}[act]
        assert undo(told.keymap, told).pins == keymap.pins
        keymap = told.keymap
        found = make.reconciled(*SEEN, keymap=keymap)
        assert len({asset.key for asset in found.assets}) == len(found.assets)
        # What carries a pinned identifier bears the key that it is pinned to, or that of another pin that it carries.
        for asset in found.assets:
            pins = {
                resolve(keymap.aliases, keymap.pins[pair])
                for i in asset.identifiers
                if (pair := ("host", i)) in keymap.pins
            }
            assert not pins or asset.key in pins
        assert make.reconciled(*SEEN, keymap=found.keymap).assets == found.assets

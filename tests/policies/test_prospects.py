"""What a rule can still say where columns have no source. That it never says more is held by random trees."""

from __future__ import annotations

import pytest

from policies.pack import load_pack
from policies.predicate import parse_predicate
from policies.prospects import answers, prospect
from policies.trees import names_of
from tests.policies.conftest import MakePack


@pytest.mark.parametrize(
    ("text", "missing", "expected"),
    [
        ("is_registered", {"is_registered"}, {None}),
        ("not is_registered", {"is_registered"}, {None}),
        ("is_registered and status = 'running'", {"is_registered"}, {None, False}),
        ("is_registered or status = 'running'", {"is_registered"}, {None, True}),
        ("not (is_registered and status = 'running')", {"is_registered"}, {None, True}),
        ("built_on >= in_force_from", {"built_on"}, {None}),
        ("built_on < go_live_on", {"go_live_on"}, {None}),
        ("status in ('trial', 'running')", {"status"}, {None}),
        ("days_since(mlps_assessed_on) > 365", {"mlps_assessed_on"}, {None}),
        ("has(hosting, 'own_room')", {"hosting"}, {None}),
        ("begun_since(in_force_from, construction_from, built_on)", {"construction_from"}, {None, False}),
        ("begun_since(in_force_from, construction_from, built_on)", {"construction_from", "built_on"}, {None}),
        ("begun_since(in_force_from, construction_from, built_on)", {"built_on"}, {None, True, False}),
        ("is_registered", {"built_on"}, {None, True, False}),
    ],
)
def test_answers(text: str, missing: set[str], expected: set[bool | None]) -> None:
    tree = parse_predicate(text, "system", names_of({})).tree
    assert tree is not None
    assert answers(tree, frozenset(missing)) == expected


def test_a_setting_that_is_not_given_is_null() -> None:
    tree = parse_predicate("built_on >= in_force_from", "system", names_of({})).tree
    assert tree is not None
    assert answers(tree, frozenset(), frozenset({"in_force_from"})) == {None}


def test_a_rule_stays_unknown_where_it_can_say_nothing_else(make_pack: MakePack) -> None:
    pack = load_pack(make_pack())
    cloud = pack.rule("on-cloud")
    whole, blind = prospect(pack, cloud, []), prospect(pack, cloud, ["is_on_recognised_cloud"])
    assert (whole.can_violate, whole.can_comply, whole.stays_unknown) == (True, True, False)
    assert blind.stays_unknown and blind.lacking == ("is_on_recognised_cloud",)
    assert prospect(pack, cloud, ["status"]).stays_unknown, "it can never be told that it applies"


def test_a_rule_that_waits_for_a_setting_stays_unknown(make_pack: MakePack) -> None:
    pack = load_pack(make_pack())
    assert prospect(pack, pack.rule("no-new-room"), []).stays_unknown
    given = load_pack(make_pack(), settings={"merged_on": "2022-05-01"})
    assert not prospect(given, given.rule("no-new-room"), []).stays_unknown


def test_a_rule_that_can_only_comply_is_told_apart(make_pack: MakePack) -> None:
    edit = ("violation: not is_on_recognised_cloud", "violation: not is_on_recognised_cloud and exchange_absent")
    pack = load_pack(make_pack(edit, cases={}))
    found = prospect(pack, pack.rule("on-cloud"), ["exchange_absent"])
    assert (found.can_violate, found.can_comply, found.stays_unknown) == (False, True, False)

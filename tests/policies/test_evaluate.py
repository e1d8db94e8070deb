"""Verdicts, denominators, waivers, digests: what an evaluation says about rows that we know."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from policies.engine import Limits
from policies.evaluate import evaluate, unknowns, verdicts_for
from policies.expressions import value
from policies.model import Outcome, Pack, Rule, Verdict
from policies.pack import load_pack, load_packs
from policies.trees import trees_of
from tests.policies.conftest import (
    AS_OF,
    NA,
    RULE,
    C,
    MakePack,
    MakeSnapshot,
    Row,
    U,
    V,
    counted,
    many,
    system,
)


def verdicts(source: Path, packs: Sequence[Pack], rows: Sequence[Row], *, as_of: date = AS_OF) -> list[Verdict]:
    pairs = [(RULE, str(row["key"])) for row in rows]
    found = verdicts_for(source, packs, as_of=as_of, pairs=pairs)
    return [found[pair] for pair in pairs]


# --- the order of verdicts ----------------------------------------------------------------------------------

ON, OFF, UNSHOWN = ["gov_cloud"], ["own_room"], None


@pytest.mark.parametrize(
    ("region", "status", "hosting", "verdict"),
    [
        ("140800", "running", OFF, V),
        ("140800", "running", ON, C),
        ("140800", "running", UNSHOWN, U),
        ("140800", "retired", OFF, NA),
        ("140800", "retired", UNSHOWN, NA),
        ("140800", None, OFF, U),
        ("140800", None, ON, U),
        ("140802", "running", OFF, V),  # a county of the city
        ("140100", "running", OFF, NA),
        ("140100", None, UNSHOWN, NA),
        ("", "running", OFF, NA),
        (None, "running", OFF, U),
        (None, "running", ON, U),
        (None, "retired", OFF, NA),  # wherever it lies
    ],
)
def test_the_order_of_verdicts(
    make_snapshot: MakeSnapshot, pack: Pack, region: str | None, status: str | None, hosting: object, verdict: Verdict
) -> None:
    rows = [system("s-1", region=region, status=status, hosting=hosting, hosting_levels=["city"])]
    assert verdicts(make_snapshot({"system": rows}), [pack], rows) == [verdict]


@pytest.mark.parametrize(
    ("hosting", "levels", "city", "county"),
    [
        (None, None, U, U),
        (None, ["city"], U, U),
        (["gov_cloud"], ["city"], C, V),
        (["gov_cloud"], ["county", "city"], C, C),
        (["gov_cloud"], ["county"], V, C),
        (["gov_cloud"], None, U, U),
        (["gov_cloud", "own_room"], ["city"], C, V),
        (["own_room"], None, V, V),
        (["public_cloud", "private_cloud"], ["city"], V, V),
    ],
)
def test_whose_clouds_count(
    make_snapshot: MakeSnapshot, pack: Pack, hosting: object, levels: object, city: Verdict, county: Verdict
) -> None:
    rows = [system("s-1", hosting=hosting, hosting_levels=levels)]
    source = make_snapshot({"system": rows})
    for recognised, verdict in ((("city",), city), (("county",), county)):
        its = dataclasses.replace(pack, recognised_levels=recognised)
        assert verdicts(source, [its], rows) == [verdict]


@pytest.mark.parametrize(
    ("code", "inside", "outside"),
    [
        ("000000", ["140800", "440303", None], []),
        ("140000", ["140800", "149999"], ["150000", "440303"]),
        ("140800", ["140800", "140881"], ["140900", "140000"]),
        ("440303", ["440303"], ["440300", "440304"]),
    ],
)
def test_regions(make_snapshot: MakeSnapshot, pack: Pack, code: str, inside: list[str], outside: list[str]) -> None:
    rows = [system(f"s-{i}", region=region) for i, region in enumerate([*inside, *outside])]
    there = dataclasses.replace(pack, region=code)
    assert verdicts(make_snapshot({"system": rows}), [there], rows) == [V] * len(inside) + [NA] * len(outside)


@pytest.mark.parametrize(
    ("as_of", "verdict"),
    [
        (date(2019, 12, 31), NA),
        (date(2020, 1, 1), V),
        (date(2024, 12, 31), V),
        (date(2025, 1, 1), NA),
    ],
)
def test_time_in_force(make_snapshot: MakeSnapshot, pack: Pack, as_of: date, verdict: Verdict) -> None:
    rows = [system("s-1"), system("s-2", region=None)]
    limited = dataclasses.replace(pack, in_force_to=date(2024, 12, 31))
    found = verdicts(make_snapshot({"system": rows}), [limited], rows, as_of=as_of)
    assert found == [verdict, NA if verdict is NA else U]


def test_a_rule_that_waits_for_a_date_is_unknown(make_pack: MakePack, make_snapshot: MakeSnapshot) -> None:
    folder = make_pack(
        ("in_force: {from: 2020-01-01}", "in_force: {from: site}"),
        (
            "    violation: not is_on_recognised_cloud\n",
            "    violation: not is_on_recognised_cloud\n    needs_date: true\n",
        ),
    )
    rows = [system("s-1"), system("s-2", status="retired"), system("s-3", region="110000")]
    source = make_snapshot({"system": rows})
    waiting = load_pack(folder)
    assert verdicts(source, [waiting], rows) == [U, NA, NA]
    (found,) = [u for u in unknowns(source, [waiting], as_of=AS_OF) if u.rule == RULE]
    assert (found.missing, found.waits_for) == ((), ("in_force_from",))
    dated = load_pack(folder, settings={"in_force_from": "2021-01-01"})
    assert verdicts(source, [dated], rows) == [V, NA, NA]
    assert verdicts(source, [dated], rows, as_of=date(2020, 12, 31)) == [NA, NA, NA]


def test_a_setting_that_nobody_gave_leaves_its_rule_unknown(make_pack: MakePack, make_snapshot: MakeSnapshot) -> None:
    folder = make_pack()
    rows = {"room": [{"key": "r-1", "region": "140800", "built_on": date(2023, 1, 1)}]}
    source = make_snapshot(rows)
    pair = ("town-2020/no-new-room", "r-1")
    for settings, verdict in (({}, U), ({"merged_on": date(2022, 1, 1)}, V), ({"merged_on": date(2024, 1, 1)}, C)):
        packs = [load_pack(folder, settings=settings)]
        assert verdicts_for(source, packs, as_of=AS_OF, pairs=[pair]) == {pair: verdict}


# --- counts, outcomes, digest -------------------------------------------------------------------------------


def test_counts_and_outcomes(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    rows = [
        system("s-3", name=None, zone=None),
        system("s-1", department_id="jtj"),
        system("s-2", hosting=None),
        system("s-4", hosting=["gov_cloud"], hosting_levels=["city"]),
        system("s-5", status="retired", department_id=None),
    ]
    found = evaluate(make_snapshot({"system": rows}), [pack], as_of=AS_OF)
    assert counted(found) == {
        (RULE, "mzj", V): 1,
        (RULE, "jtj", V): 1,
        (RULE, "mzj", U): 1,
        (RULE, "mzj", C): 1,
        (RULE, "", NA): 1,
    }
    first, second = found.outcomes
    assert first == Outcome(
        rule=RULE,
        kind="system",
        asset_key="s-1",
        asset_name="系统s-1",
        department_id="jtj",
        zone="mzj",
        verdict=V,
        values={"level_of_government": "city", "status": "running", "is_on_recognised_cloud": False},
    )
    assert (second.asset_key, second.asset_name, second.zone) == ("s-3", "", "")
    assert found.as_of == AS_OF
    assert all(count.number for count in found.counts)


def test_an_empty_city(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    found = evaluate(make_snapshot({}), [pack], as_of=AS_OF)
    assert (len(found.outcomes), found.counts) == (0, ())
    assert list(found.outcomes) == []
    assert unknowns(make_snapshot({}), [pack], as_of=AS_OF) == []


def test_no_packs_judge_nothing(make_snapshot: MakeSnapshot) -> None:
    found = evaluate(make_snapshot({"system": [system("s-1")]}), [], as_of=AS_OF)
    assert (len(found.outcomes), found.counts) == (0, ())


def test_values_are_json_able(make_snapshot: MakeSnapshot, make_pack: MakePack) -> None:
    folder = make_pack(
        ("violation: not is_on_recognised_cloud", "violation: has(hosting, 'own_room') and built_on < as_of")
    )
    rows = [system("s-1", built_on=date(2018, 5, 4), hosting=["own_room", "gov_cloud"])]
    (outcome,) = evaluate(make_snapshot({"system": rows}), [load_pack(folder)], as_of=AS_OF).outcomes
    assert outcome.values["hosting"] == ["own_room", "gov_cloud"]
    assert outcome.values["built_on"] == "2018-05-04"


def test_outcomes_are_a_sequence(make_snapshot: MakeSnapshot, make_pack: MakePack) -> None:
    pack = load_pack(make_pack(), settings={"merged_on": date(2000, 1, 1)})
    rooms = [{"key": f"r-{i}", "region": "140800", "built_on": date(2020, 1, 1)} for i in range(3)]
    systems = [system(f"s-{i:03}") for i in reversed(range(7))]
    found = evaluate(make_snapshot({"system": systems, "room": rooms}), [pack], as_of=AS_OF).outcomes
    listed = list(found)
    assert [o.rule.partition("/")[2] for o in listed] == ["no-new-room"] * 3 + ["on-cloud"] * 7
    assert [o.asset_key for o in listed] == ["r-0", "r-1", "r-2", *(f"s-{i:03}" for i in range(7))]
    assert [found[i] for i in range(len(found))] == listed
    assert found[-1] == listed[-1]
    assert found[2:5] == tuple(listed[2:5])
    assert found == tuple(listed)
    assert found != tuple(listed[1:])
    with pytest.raises(IndexError):
        found[10]


def test_the_digest_knows_no_order_and_no_threads(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    rows = many(5000)
    first = evaluate(make_snapshot({"system": rows}), [pack], as_of=AS_OF, limits=Limits(threads=1))
    random.Random(1).shuffle(rows)
    second = evaluate(make_snapshot({"system": rows}), [pack], as_of=AS_OF, limits=Limits(threads=4))
    assert first.digest == second.digest
    assert first.counts == second.counts
    assert list(first.outcomes) == list(second.outcomes)


def test_the_digest_tells_any_verdict(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    rows = [system("s-1"), system("s-2", hosting=["gov_cloud"], hosting_levels=["city"])]
    swapped = [{**rows[0], "key": "s-2"}, {**rows[1], "key": "s-1"}]
    other = [system("s-1"), system("s-3", hosting=["gov_cloud"], hosting_levels=["city"])]
    digests = {
        evaluate(make_snapshot({"system": r}), [pack], as_of=AS_OF).digest for r in (rows, swapped, other, rows)
    }
    assert len(digests) == 3


def test_many_rules_share_no_bits(make_pack: MakePack, make_snapshot: MakeSnapshot) -> None:
    """More rules about one subject than fit into one number."""
    pack = load_pack(make_pack())
    base = pack.rule("on-cloud")
    values = [C, V, U]
    shapes = [("status = 'retired'", C), ("status = 'running'", V), ("code = project_code", U)]
    rules = [
        dataclasses.replace(base, id=f"rule-{i:03}", applies="", violation=shapes[i % 3][0], columns=("status",))
        for i in range(70)
    ]
    crowded = dataclasses.replace(pack, rules=tuple(rules))
    source = make_snapshot({"system": [system("s-1")]})
    found = evaluate(source, [crowded], as_of=AS_OF)
    assert {(c.rule[-3:], c.verdict) for c in found.counts} == {(f"{i:03}", values[i % 3]) for i in range(70)}
    assert [o.rule[-3:] for o in found.outcomes] == [f"{i:03}" for i in range(70) if i % 3 == 1]


def test_two_packs_that_recognise_different_clouds(make_pack: MakePack, make_snapshot: MakeSnapshot) -> None:
    city = load_pack(make_pack())
    rules = tuple(dataclasses.replace(r, pack="county-2020") for r in city.rules)
    county = dataclasses.replace(city, id="county-2020", rules=rules, recognised_levels=("county",))
    rows = [system("s-1", hosting=["gov_cloud"], hosting_levels=["county"]), system("s-2")]
    found = evaluate(make_snapshot({"system": rows}), [city, county], as_of=AS_OF)
    assert [(o.rule, o.asset_key) for o in found.outcomes] == [
        ("county-2020/on-cloud", "s-2"),
        (RULE, "s-1"),
        (RULE, "s-2"),
    ]


def test_the_engine_agrees_with_the_meaning_of_the_predicates(make_snapshot: MakeSnapshot) -> None:
    """Every rule about systems of a real pack, over every combination of what decides it."""
    (pack,) = load_packs(["yuncheng-2021"])
    domains: dict[str, Sequence[object]] = {
        "region": ("140800", "140100", None),
        "level_of_government": ("city", "county", None),
        "status": ("running", "retired", None),
        "hosting": (("own_room",), ("gov_cloud",), None),
        "hosting_levels": (("city",), ("county",), None),
        "approval_absent": (True, False, None),
        "construction_from": (date(2021, 2, 8), date(2021, 2, 9), None),
    }
    rows = [
        system(f"s-{i}", **dict(zip(domains, chosen, strict=True)))
        for i, chosen in enumerate(itertools.product(*domains.values()))
    ]
    rules = [rule for rule in pack.rules if rule.subject == "system"]
    source = make_snapshot({"system": rows})
    found = verdicts_for(
        source, [pack], as_of=AS_OF, pairs=[(r.full_id, str(row["key"])) for r in rules for row in rows]
    )
    assert len(found) == len(rules) * len(rows)
    for rule in rules:
        for row in rows:
            assert found[rule.full_id, str(row["key"])] == by_meaning(pack, rule, row), (rule.id, row)


def by_meaning(pack: Pack, rule: Rule, row: Row) -> Verdict:
    """The verdict as the semantics put it, without SQL."""
    outside = {"as_of": AS_OF, "in_force_from": pack.in_force_from}
    hosting, levels = row["hosting"], row["hosting_levels"]
    on_cloud = None
    if isinstance(hosting, tuple):
        shown = "city" in levels if isinstance(levels, tuple) else None
        on_cloud = shown if "gov_cloud" in hosting else False
    facts = {**row, "is_on_recognised_cloud": on_cloud}
    applies, violation = trees_of(pack, rule)
    in_region = None if row["region"] is None else str(row["region"]).startswith("1408")
    bound = True if applies is None else value(applies, facts, outside)
    broken = value(violation, facts, outside)
    if in_region is False or bound is False:
        return NA
    if in_region is None or bound is None or broken is None:
        return U
    return V if broken else C

"""Verdicts, denominators, waivers, digests: what an evaluation says about rows that we know."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inventories.faults import Faults
from inventories.model import Waiver
from policies.engine import Engine, Limits
from policies.evaluate import evaluate, idle_patterns, unknowns, verdicts_for, write_outcomes
from policies.expressions import value
from policies.model import Evaluation, Outcome, Pack, Rule, Verdict
from policies.pack import load_pack, load_packs
from policies.trees import trees_of
from tests.policies.conftest import MakePack, MakeSnapshot

AS_OF = date(2026, 6, 30)
RULE = "town-2020/on-cloud"

V, C, U, NA, W = (
    Verdict.VIOLATION,
    Verdict.COMPLIANT,
    Verdict.UNKNOWN,
    Verdict.NOT_APPLICABLE,
    Verdict.WAIVED,
)

Row = Mapping[str, object]


def system(key: str, **columns: object) -> Row:
    """A running system of a city's department on no cloud, unless said otherwise."""
    base = {
        "key": key,
        "name": f"系统{key}",
        "code": f"XT-{key}",
        "department_id": "mzj",
        "region": "140800",
        "level_of_government": "city",
        "status": "running",
        "hosting": ["own_room"],
        "zone": "mzj",
    }
    return {**base, **columns}


@pytest.fixture
def pack(make_pack: MakePack) -> Pack:
    return load_pack(make_pack())


def verdicts(source: Path, packs: Sequence[Pack], rows: Sequence[Row], *, as_of: date = AS_OF) -> list[Verdict]:
    pairs = [(RULE, str(row["key"])) for row in rows]
    found = verdicts_for(source, packs, as_of=as_of, pairs=pairs)
    return [found[pair] for pair in pairs]


def counted(evaluation: Evaluation) -> dict[tuple[str, str, Verdict], int]:
    return {(c.rule, c.department_id, c.verdict): c.number for c in evaluation.counts}


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


def many(number: int, seed: int = 0) -> list[Row]:
    """Systems of every sort, the same for the same seed."""
    chance = random.Random(seed)
    return [
        system(
            f"s-{i:06}",
            department_id=chance.choice(["mzj", "jtj", "", None]),
            region=chance.choice(["140800", "140881", "140100", None]),
            status=chance.choice(["running", "retired", None]),
            hosting=chance.choice([["own_room"], ["gov_cloud"], None]),
            hosting_levels=chance.choice([["city"], ["county"], None]),
        )
        for i in range(number)
    ]


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


# --- waivers ------------------------------------------------------------------------------------------------


def waiver(**changes: object) -> Waiver:
    base = Waiver(
        id="w-1",
        rules=(RULE,),
        department_id="mzj",
        asset_name="",
        asset_code="XT-s-1",
        legal_basis="某法第一条",
        approver="分管领导",
        document="示例〔2026〕3号",
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 6, 30),
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "waived"),
    [
        ({}, ["s-1"]),
        ({"asset_code": "", "asset_name": "系统s-2"}, ["s-2"]),
        ({"asset_code": "", "asset_name": ""}, ["s-1", "s-2"]),
        ({"rules": ("town-2020/*",)}, ["s-1"]),
        ({"rules": ("other/*", "*/on-cloud")}, ["s-1"]),
        ({"rules": ("town-2020/no-new-room",)}, []),
        ({"rules": ("on-cloud",)}, []),
        ({"department_id": "jtj"}, []),
        ({"department_id": ""}, ["s-1"]),
        ({"department_id": "", "asset_code": "", "asset_name": "系统s-1"}, []),
        ({"department_id": "", "asset_code": ""}, []),
        ({"asset_name": "另一个名字"}, ["s-1"]),
        ({"asset_code": "XT-none"}, []),
        ({"valid_to": date(2026, 6, 29)}, []),
        ({"valid_from": date(2026, 7, 1), "valid_to": date(2026, 12, 31)}, []),
        ({"valid_from": AS_OF, "valid_to": AS_OF}, ["s-1"]),
        ({"asset_code": "XT-s-1' OR 1=1 --"}, []),
    ],
)
def test_waivers(make_snapshot: MakeSnapshot, pack: Pack, changes: dict[str, object], waived: list[str]) -> None:
    rows = [system("s-1"), system("s-2"), system("s-3", department_id="jtj", code="XT-3")]
    source = make_snapshot({"system": rows})
    given_leave = [waiver(**changes)]
    found = evaluate(source, [pack], as_of=AS_OF, waivers=given_leave)
    assert [o.asset_key for o in found.outcomes if o.verdict is W] == waived
    assert [o.asset_key for o in found.outcomes if o.verdict is V] == [
        k for k in ("s-1", "s-2", "s-3") if k not in waived
    ]
    assert all(o.waiver == ("w-1" if o.verdict is W else "") for o in found.outcomes)
    expected = {(RULE, "mzj", W): len(waived), (RULE, "mzj", V): 2 - len(waived), (RULE, "jtj", V): 1}
    assert counted(found) == {key: number for key, number in expected.items() if number}
    pairs = [(RULE, f"s-{i}") for i in (1, 2, 3)]
    again = verdicts_for(source, [pack], as_of=AS_OF, waivers=given_leave, pairs=pairs)
    assert [key for (_rule, key), verdict in again.items() if verdict is W] == waived


def test_a_name_counts_where_the_asset_has_no_code(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    rows = [system("s-1", code=None), system("s-2")]
    leave = [waiver(asset_code="XT-s-1", asset_name="系统s-1")]
    found = evaluate(make_snapshot({"system": rows}), [pack], as_of=AS_OF, waivers=leave)
    assert [(o.asset_key, o.waiver) for o in found.outcomes] == [("s-1", "w-1"), ("s-2", "")]


def test_a_waiver_turns_only_violations(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    rows = [system("s-1", hosting=None), system("s-2", status="retired")]
    leave = [waiver(asset_code="")]
    found = evaluate(make_snapshot({"system": rows}), [pack], as_of=AS_OF, waivers=leave)
    assert counted(found) == {(RULE, "mzj", U): 1, (RULE, "mzj", NA): 1}


def test_a_waiver_changes_the_digest(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    source = make_snapshot({"system": [system("s-1")]})
    leaves: list[list[Waiver]] = [[], [waiver()], [waiver(id="w-2")]]
    assert len({evaluate(source, [pack], as_of=AS_OF, waivers=leave).digest for leave in leaves}) == 3


def test_of_several_waivers_the_first_is_named(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    leave = [waiver(id="w-9"), waiver(id="w-3", asset_code=""), waiver(id="w-0", department_id="jtj")]
    (found,) = evaluate(make_snapshot({"system": [system("s-1")]}), [pack], as_of=AS_OF, waivers=leave).outcomes
    assert found.waiver == "w-3"


def test_waivers_that_name_no_rule_are_told(pack: Pack) -> None:
    leave = [waiver(), waiver(id="w-2", rules=("town-2020/*", "town-2020/on-clud"))]
    assert idle_patterns([pack], leave) == (("w-2", "town-2020/on-clud"),)


# --- unknowns, pairs, the file of outcomes ------------------------------------------------------------------


def test_unknowns_name_what_nobody_has_shown(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    rows = [
        system("s-1", hosting=None),
        system("s-2", hosting=["gov_cloud"]),
        system("s-3", status=None, hosting=None),
        system("s-4", region=None, level_of_government=None),
        system("s-5"),
        system("s-6", status="retired", hosting=None),
    ]
    source = make_snapshot({"system": rows})
    found = unknowns(source, [pack], as_of=AS_OF)
    assert [(u.asset_key, u.missing) for u in found] == [
        ("s-1", ("hosting", "hosting_levels")),
        ("s-2", ("hosting_levels",)),
        ("s-3", ("status",)),
        ("s-4", ("region", "level_of_government")),
    ]
    assert all((u.rule, u.kind, u.department_id, u.waits_for) == (RULE, "system", "mzj", ()) for u in found)
    assert [u.asset_key for u in unknowns(source, [pack], as_of=AS_OF, limit=2)] == ["s-1", "s-2"]
    assert unknowns(source, [pack], as_of=AS_OF, departments=["jtj", "x' OR '1'='1"]) == []
    assert len(unknowns(source, [pack], as_of=AS_OF, departments=["mzj"])) == 4


def test_pairs_that_do_not_exist_are_missing(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    source = make_snapshot({"system": [system("s-1")]})
    pairs = [(RULE, "s-1"), (RULE, "s-2"), ("town-2020/gone", "s-1"), ("town-2020/no-new-room", "s-1")]
    assert verdicts_for(source, [pack], as_of=AS_OF, pairs=pairs) == {(RULE, "s-1"): V}
    assert verdicts_for(source, [pack], as_of=AS_OF, pairs=[]) == {}


def test_the_file_of_outcomes(make_snapshot: MakeSnapshot, pack: Pack, tmp_path: Path) -> None:
    rows = [system("s-2"), system("s-1"), system("s-3", hosting=None), system("s-4", status="retired")]
    source = make_snapshot({"system": rows})
    path = tmp_path / "outcomes.parquet"
    assert write_outcomes(source, [pack], path, as_of=AS_OF, waivers=[waiver()]) == 3
    assert path.stat().st_mode & 0o777 == 0o600
    shared = {"rule": RULE, "kind": "system", "department_id": "mzj"}
    assert pq.read_table(path).to_pylist() == [
        {**shared, "asset_key": "s-1", "verdict": "waived", "waiver": "w-1", "missing": ""},
        {**shared, "asset_key": "s-2", "verdict": "violation", "waiver": "", "missing": ""},
        {**shared, "asset_key": "s-3", "verdict": "unknown", "waiver": "", "missing": "hosting,hosting_levels"},
    ]
    with pytest.raises(FileExistsError):
        write_outcomes(source, [pack], path, as_of=AS_OF)


# --- what comes from outside --------------------------------------------------------------------------------

HOSTILE = "'; DROP TABLE x; --\x1b[31m=cmd|'/c calc'!A1\u202e<script>"


def test_hostile_values_are_only_values(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    rows = [system(HOSTILE, name=HOSTILE, department_id=HOSTILE, zone=HOSTILE, code=HOSTILE)]
    source = make_snapshot({"system": rows})
    (found,) = evaluate(source, [pack], as_of=AS_OF).outcomes
    assert (found.asset_key, found.asset_name, found.department_id, found.zone) == (HOSTILE,) * 4
    pairs = [(RULE, HOSTILE)]
    assert verdicts_for(source, [pack], as_of=AS_OF, pairs=pairs) == {(RULE, HOSTILE): V}
    leave = [waiver(department_id=HOSTILE, asset_code=HOSTILE)]
    assert evaluate(source, [pack], as_of=AS_OF, waivers=leave).outcomes[0].waiver == "w-1"


@pytest.mark.parametrize("name", ["a'b", "a b", "城市", "a[1]*b?", "a%b", "-a"])
def test_snapshots_in_odd_folders(make_snapshot: MakeSnapshot, pack: Pack, tmp_path: Path, name: str) -> None:
    folder = make_snapshot({"system": [system("s-1")]}).rename(tmp_path / name)
    assert len(evaluate(folder, [pack], as_of=AS_OF).outcomes) == 1


def test_a_snapshot_that_is_not_whole(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    source = make_snapshot({"system": [system("s-1")]})
    (source / "room.parquet").unlink()
    with pytest.raises(Faults) as caught:
        evaluate(source, [pack], as_of=AS_OF)
    assert "room.parquet" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all, but long enough to be looked at"])
def test_a_file_that_is_no_parquet(make_snapshot: MakeSnapshot, pack: Pack, content: bytes) -> None:
    source = make_snapshot({})
    (source / "system.parquet").write_bytes(content)
    with pytest.raises(Faults) as caught:
        evaluate(source, [pack], as_of=AS_OF)
    assert "cannot be judged" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_older_snapshot_lacks_later_columns(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    """What it could not know is not known."""
    source = make_snapshot({"system": [system("s-1"), system("s-2", hosting=["gov_cloud"])]})
    table = pq.read_table(source / "system.parquet").drop_columns(["hosting_levels", "code"])
    pq.write_table(table, source / "system.parquet")
    found = evaluate(source, [pack], as_of=AS_OF, waivers=[waiver(asset_code="", asset_name="系统s-1")])
    assert counted(found) == {(RULE, "mzj", W): 1, (RULE, "mzj", U): 1}


def test_the_database_can_read_the_snapshot_and_nothing_else(
    make_snapshot: MakeSnapshot, pack: Pack, tmp_path: Path
) -> None:
    source = make_snapshot({"system": [system("s-1")]})
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with Engine(source, [pack], AS_OF, Limits()) as engine:
        for statement in (
            f"SELECT * FROM read_csv('{secret}')",
            f"SELECT * FROM read_text('{secret}')",
            f"SELECT * FROM '{tmp_path / 'other.parquet'}'",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'db'}'",
            "INSTALL httpfs",
            "SET enable_external_access = true",
            "SET allowed_paths = ['/etc/passwd']",
            "SET memory_limit = '100GB'",
        ):
            with pytest.raises(duckdb.Error):
                engine.db.execute(statement)
    assert not (tmp_path / "out.csv").exists()


def test_judging_writes_nothing(
    make_snapshot: MakeSnapshot, pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_snapshot({"system": many(2000)})
    before = {path: path.read_bytes() for path in source.iterdir()}
    monkeypatch.chdir(tmp_path)
    there = sorted(tmp_path.iterdir())
    evaluate(source, [pack], as_of=AS_OF)
    assert {path: path.read_bytes() for path in source.iterdir()} == before
    assert sorted(tmp_path.iterdir()) == there


def test_memory_is_bounded(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    source = make_snapshot({"system": many(3000)})
    with pytest.raises(Faults) as caught:
        evaluate(source, [pack], as_of=AS_OF, limits=Limits(threads=1, memory="1MB"))
    assert "memory" in str(caught.value)

"""Leave that a person gives is laid over the outcome afterwards."""

from __future__ import annotations

from datetime import date

import pytest

from inventories.model import Waiver
from policies.evaluate import evaluate, idle_patterns, verdicts_for
from policies.model import Pack
from tests.policies.conftest import (
    AS_OF,
    NA,
    RULE,
    MakeSnapshot,
    U,
    V,
    W,
    counted,
    system,
    waiver,
)


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

"""What could not be decided, the verdicts of chosen pairs, and the file of outcomes."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from policies.evaluate import Limits, each_unknown, unknowns, verdicts_for, write_outcomes
from policies.model import Pack
from tests.policies.conftest import (
    AS_OF,
    RULE,
    MakeSnapshot,
    V,
    system,
    waiver,
)


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
    # What was set aside on the way is gone.
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_what_does_not_fit_into_memory_is_set_aside(make_snapshot: MakeSnapshot, pack: Pack, tmp_path: Path) -> None:
    """A city's unknowns, sorted in less memory than they take: the same file, in the same order."""
    rows = [system(f"s-{i * 7919 % 300_007:06d}", hosting=None) for i in range(60_000)]
    source = make_snapshot({"system": rows})
    wide, narrow = tmp_path / "wide.parquet", tmp_path / "narrow.parquet"
    assert write_outcomes(source, [pack], wide, as_of=AS_OF) == len(rows)
    write_outcomes(source, [pack], narrow, as_of=AS_OF, limits=Limits(threads=1, memory="24MB"))
    assert pq.read_table(narrow) == pq.read_table(wide)
    keys = pq.read_table(wide, columns=["asset_key"]).column(0).to_pylist()
    assert keys == sorted(keys)


def test_unknowns_come_one_after_another(make_snapshot: MakeSnapshot, pack: Pack) -> None:
    source = make_snapshot({"system": [system(f"s-{i}", hosting=None) for i in range(3)]})
    passing = each_unknown(source, [pack], as_of=AS_OF)
    assert next(passing).asset_key == "s-0"
    assert [next(passing), *passing] == unknowns(source, [pack], as_of=AS_OF)[1:]

"""Hostile values, broken snapshots, and what the database may not do."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from inventories.faults import Faults
from policies.engine import Engine, Limits
from policies.evaluate import evaluate, verdicts_for
from policies.model import Pack
from tests.policies.conftest import (
    AS_OF,
    RULE,
    MakeSnapshot,
    U,
    V,
    W,
    counted,
    many,
    system,
    waiver,
)

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

"""Snapshots read row by row: the same as all at once, a kind at a time, and never a wrong neighbour's facts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from inventories import stored
from inventories.kinds import KINDS
from inventories.model import Asset
from inventories.snapshot import Snapshot
from inventories.stored import Stored, count, each_asset, each_view, read_known, tally, view_rows
from tests.inventories.test_snapshot import sealed


@pytest.fixture
def snapshot(make: Any, tmp_path: Path) -> tuple[Path, tuple[Asset, ...]]:
    path, found, _collection = sealed(make, tmp_path)
    return path, found.assets


def test_a_pass_gives_what_was_written(snapshot: tuple[Path, tuple[Asset, ...]], monkeypatch: Any) -> None:
    path, assets = snapshot
    assert tuple(each_asset(path)) == assets
    # However the rows are cut into batches.
    for rows in (1, 2, 3):
        monkeypatch.setattr(stored, "_BATCH", rows)
        assert tuple(each_asset(path)) == assets
    everything = Stored(path)
    assert tuple(everything) == assets == tuple(everything)
    assert len(everything) == len(assets)
    assert everything[0] == assets[0] and everything[1:3] == assets[1:3]


def test_what_is_shown_is_read_without_what_it_rests_on(snapshot: tuple[Path, tuple[Asset, ...]]) -> None:
    path, assets = snapshot
    for kind in KINDS:
        mine = [asset for asset in assets if asset.kind == kind]
        assert count(path, kind) == len(mine)
        assert [(a.key, dict(a.values), a.facts) for a in Stored(path).shown(kind)] == [
            (a.key, dict(a.values), ()) for a in mine
        ]
        owners: dict[str, int] = {}
        for asset in mine:
            owners[asset.text("department_id")] = owners.get(asset.text("department_id"), 0) + 1
        assert tally(path, kind) == owners
    (row,) = [row for row in view_rows(path, "system", ["name", "nothing of the kind"]) if row["name"] == "救助系统"]
    assert set(row) == {"key", "name"}


def test_conflicts_and_sources_stand_beside_their_own_asset(snapshot: tuple[Path, tuple[Asset, ...]]) -> None:
    path, assets = snapshot
    left_out = {"department_id", "sector"}
    for kind in KINDS:
        mine = [asset for asset in assets if asset.kind == kind]
        found = list(each_view(path, kind, unspoken=left_out))
        assert [row["key"] for row, _conflicts, _sources in found] == [asset.key for asset in mine]
        assert [conflicts for _row, conflicts, _sources in found] == [asset.conflicts for asset in mine]
        for (_row, _conflicts, sources), asset in zip(found, mine, strict=True):
            said = (fact.source for fact in asset.facts if fact.column not in left_out)
            assert sources == tuple(dict.fromkeys(one for source in said for one in source.split(" + ")))
        assert all(not c and not s for _row, c, s in each_view(path, kind, names=("name",)))


def test_what_was_known_is_read_by_kind_key_and_zone(snapshot: tuple[Path, tuple[Asset, ...]]) -> None:
    path, assets = snapshot
    every = list(read_known(path))
    assert [(k.kind, k.key, k.identifiers, k.zones, k.collectors) for k in every] == [
        (a.kind, a.key, a.identifiers, a.zones, a.collectors) for a in assets
    ]
    assert list(read_known(path, "host")) == [k for k in every if k.kind == "host"]
    some = {every[0].key, every[-1].key}
    assert list(read_known(path, keys=some)) == [k for k in every if k.key in some]
    zones = {zone for k in every for zone in k.zones}
    assert zones
    for zone in zones:
        assert list(read_known(path, "host", zones=[zone])) == [
            k for k in every if k.kind == "host" and zone in k.zones
        ]
    assert list(read_known(path, zones=[])) == [] == list(read_known(path, keys=[]))
    assert list(Snapshot(path).known("host", zones=zones)) == [k for k in every if k.kind == "host" and k.zones]


def test_tables_that_do_not_fit_together_are_refused(snapshot: tuple[Path, tuple[Asset, ...]]) -> None:
    """Facts in another order would fall to nobody; that must not pass for assets without facts."""
    path, _assets = snapshot
    facts = pq.read_table(path / "facts.parquet")
    keys = facts.column("key").to_pylist()
    turned = facts.take(sorted(range(len(keys)), key=lambda i: keys[i], reverse=True))
    pq.write_table(turned, path / "facts.parquet")
    with pytest.raises(ValueError, match="do not fit together"):
        list(each_asset(path))


def test_an_older_snapshot_lacks_a_column(snapshot: tuple[Path, tuple[Asset, ...]]) -> None:
    path, assets = snapshot
    file = path / "system.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["go_live_on"]), file)
    known = [a for a in assets if a.kind == "system" and a.get("go_live_on") == date(2024, 2, 5)]
    assert known
    assert all("go_live_on" not in row for row in view_rows(path, "system", ["name", "go_live_on"]))

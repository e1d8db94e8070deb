"""Reports drawn from a snapshot's files say what they say of what stands in memory."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from auditor.exporter.gathering import COUNTED
from auditor.judging import Judged, newest
from auditor.late import SnapshotAssets, SnapshotUnknowns
from auditor.overview import lists_of
from auditor.site import load_site
from auditor.views import asset_views, departments, system_views
from inventories.snapshot import Snapshot
from policies.evaluate import unknowns
from reports.metrics_parts import inventory
from tests.auditor.office import Office


@pytest.fixture
def judged(worked: Office) -> Judged:
    return newest(load_site(worked.root))


@pytest.fixture(params=["few", "many"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "many":
        monkeypatch.setattr("reports.late.KEPT", 0)
    return str(request.param)


def test_assets_are_the_same_rows(judged: Judged, size: str) -> None:
    lists, assets = lists_of(judged.path), Snapshot(judged.path).assets()
    known = asset_views(assets, judged.names, lists, judged.as_of)
    rows = SnapshotAssets(judged, lists)
    assert len(known) > 10 and size
    assert tuple(rows) == known == tuple(rows)
    assert len(rows) == len(known)
    assert rows[0] == known[0] and rows[-2:] == known[-2:]
    for kind in {one.kind for one in known}:
        mine = tuple(one for one in known if one.kind == kind)
        assert tuple(rows.of(kind)) == mine
        assert sum(rows.tally(kind).values()) == len(mine)
    assert dict(rows.owners) == {one.department_id: one.department_name for one in known}
    assert departments(judged.assets) == departments(assets)
    assert system_views(judged.assets, judged.packs, judged.names, {}) == system_views(
        assets, judged.packs, judged.names, {}
    )


def test_what_is_only_counted_is_counted_alike(judged: Judged) -> None:
    lists = lists_of(judged.path)
    whole, narrow = SnapshotAssets(judged, lists), SnapshotAssets(judged, lists, columns=COUNTED)
    assert all(not one.sources and not one.conflicts for one in narrow)
    systems = system_views(judged.assets, judged.packs, judged.names, {})
    view = SimpleNamespace(
        departments=departments(judged.assets), systems=systems, counts=(), waivers=(), settings={}, assets=whole
    )
    other = SimpleNamespace(**{**vars(view), "assets": narrow})
    assert inventory(cast(Any, view), judged.as_of) == inventory(cast(Any, other), judged.as_of)


def test_unknowns_are_the_same_and_counted_unread(judged: Judged, size: str) -> None:
    told = unknowns(judged.path, judged.packs, as_of=judged.as_of)
    found = SnapshotUnknowns(judged)
    assert size and len(found) == len(told) > 0
    assert [(one.rule, one.asset_key, one.department_id) for one in found] == [
        (one.rule, one.asset_key, one.department_id) for one in told
    ]
    assert set(found.owners) == {(one.department_id, one.department_name) for one in found}


def test_what_stood_in_memory_is_let_go(judged: Judged) -> None:
    held = replace(judged, assets=Snapshot(judged.path).assets())
    assert tuple(held.stored().assets) == tuple(held.assets)
    assert held.stored().collected.observations == ()

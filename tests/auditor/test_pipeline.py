"""What the audit's one page promises beside its results: nothing that was collected outlives its use."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

import auditor.overview
import auditor.papers
from auditor.pipeline import audit
from auditor.running import Request
from auditor.site import load_site
from inventories.model import Asset, Observation
from inventories.snapshot import Snapshot
from inventories.stored import Stored
from tests.auditor.conftest import City


def test_observations_and_assets_are_let_go_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A city's are gigabytes, and the workbook wants memory of its own."""
    city = City(tmp_path, "127.0.3")
    city.site(city.zone())
    city.registers("市民政局,MZ-1,救助系统,运行,自建机房,127.0.3.3")
    alive: list[tuple[bool, int, int]] = []
    draw = auditor.papers.write_papers

    def counted(*words: object, **more: object) -> object:
        alive.append((gc.isenabled(), _alive(Observation), _alive(Asset)))
        return draw(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(auditor.papers, "write_papers", counted)
    gc.collect()
    before = (True, _alive(Observation), _alive(Asset))
    done = audit(load_site(city.root), Request(collected=True))
    (during,) = alive
    assert during == before
    assert done.registers.collection.observations == () == done.looked.collection.observations
    assert done.registers.departments and done.registers.collection.coverage
    folder = load_site(city.root).snapshots / done.view.snapshot
    assert len(Stored(folder)) == len(done.view.assets) > 1
    assert Snapshot(folder).collection().coverage


def _alive(of: type) -> int:
    return sum(isinstance(thing, of) for thing in gc.get_objects())

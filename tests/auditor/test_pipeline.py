"""What an audit promises beside its results: it lets go of what it collected, and writes what was asked for."""

from __future__ import annotations

import gc
import json
from pathlib import Path

import openpyxl
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


def test_a_workbook_that_is_only_written_when_asked_for(tmp_path: Path) -> None:
    """And one of an audit before does not lie about as if it were this one's."""
    city = City(tmp_path, "127.0.3")
    city.site(city.zone())
    city.registers("市民政局,MZ-1,救助系统,运行,自建机房,127.0.3.3")
    book = city.root / "out" / "ledger.xlsx"
    first = audit(load_site(city.root), Request(collected=True))
    assert first.written.ledger == book and book.is_file()
    city.site(city.zone(), more="documents: {workbook: asked}\n")
    done = city.run("audit", "--collected", "--json")
    assert json.loads(done.stdout)["written"]["ledger"] is None
    assert not book.exists() and (city.root / "out" / "metrics.prom").is_file()
    told = city.run("audit", "--collected").stdout
    assert "auditor ledger export" in told and "ledger.xlsx" not in told
    asked = tmp_path / "asked.xlsx"
    assert city.run("ledger", "export", str(asked)).returncode == 0
    cells = [cell.value for sheet in openpyxl.load_workbook(asked) for row in sheet.iter_rows() for cell in row]
    assert "救助系统" in cells
    assert not book.exists()


def _alive(of: type) -> int:
    return sum(isinstance(thing, of) for thing in gc.get_objects())

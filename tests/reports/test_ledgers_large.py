"""More rows than a workbook holds: told by their numbers, and said so; nothing is cut off in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import load_workbook

from reports import ledger_large
from reports.account import owners
from reports.late import KEPT, LateAssets, of_kind, owned, tally_of
from reports.ledgers import write_ledger
from reports.model import AssetView, AuditView


class Few(LateAssets):
    """Assets that count how often they are read."""

    def __init__(self, assets: tuple[AssetView, ...], length: int | None = None) -> None:
        self.assets, self.length, self.passes = assets, len(assets) if length is None else length, 0

    def __len__(self) -> int:
        return self.length

    def read(self) -> Iterator[AssetView]:
        self.passes += 1
        return iter(self.assets)

    def read_kind(self, kind: str) -> Iterator[AssetView]:
        return (one for one in self.read() if one.kind == kind)

    def tally(self, kind: str) -> dict[tuple[str, str], int]:
        return dict(Counter((one.department_id, one.department_name) for one in self.assets if one.kind == kind))


def cells(path: Path, sheet: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in load_workbook(path)[sheet].iter_rows(values_only=True)]


def test_a_few_are_read_once_and_many_anew(audit: AuditView) -> None:
    few, many = Few(tuple(audit.assets)), Few(tuple(audit.assets), KEPT + 1)
    for assets in (few, many):
        assert list(assets) == list(audit.assets) == list(assets)
        assert list(of_kind(assets, "room")) == [one for one in audit.assets if one.kind == "room"]
        assert dict(owned(assets)) == {one.department_id: one.department_name for one in audit.assets}
        assert tally_of(assets, "system") == tally_of(tuple(audit.assets), "system")
    assert few.passes == 1
    assert many.passes > 3


def test_late_assets_draw_the_same_workbook(audit: AuditView, tmp_path: Path) -> None:
    late = replace(audit, assets=Few(tuple(audit.assets), KEPT + 1))
    assert owners(late) == owners(audit)
    write_ledger(audit, tmp_path / "now.xlsx")
    write_ledger(late, tmp_path / "late.xlsx")
    for sheet in load_workbook(tmp_path / "now.xlsx").sheetnames:
        assert cells(tmp_path / "late.xlsx", sheet) == cells(tmp_path / "now.xlsx", sheet)


def test_what_is_too_much_is_told_by_its_numbers(
    audit: AuditView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = tuple(one for one in audit.assets if one.kind == "host")
    assert len(hosts) > 1 and len(audit.findings) > 1
    monkeypatch.setattr(ledger_large, "MOST_ROWS", 1)
    monkeypatch.setattr("reports.ledgers.MOST_ROWS", 1)
    path = tmp_path / "ledger.xlsx"
    write_ledger(audit, path)
    rows = cells(path, "主机台账")
    assert rows[0][0] == "主机台账（数目）"
    assert [row[1:4] for row in rows if row[1] == "合计"] == [("合计", None, len(hosts))]
    text = "\n".join(str(cell) for row in rows for cell in row)
    assert f"本表应列{len(hosts)}项" in text and "auditor assets --kind host --department" in text
    assert not any(one.key in text for one in hosts)
    found = "\n".join(str(cell) for row in cells(path, "问题台账") for cell in row)
    assert f"本表应列{len(audit.findings)}项" in found and "auditor findings --all --department" in found
    summary = "\n".join(str(cell) for row in cells(path, "汇总") for cell in row)
    assert f"主机台账（{len(hosts)}项）" in summary and f"问题台账（{len(audit.findings)}项）" in summary


def test_nothing_is_said_where_everything_is_listed(audit: AuditView, tmp_path: Path) -> None:
    path = tmp_path / "ledger.xlsx"
    write_ledger(audit, path)
    assert "列不下" not in "\n".join(str(cell) for row in cells(path, "汇总") for cell in row)

"""Departments that were merged or renamed may still be called by what they were."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from inventories.places import Places
from inventories.registers import load_registers

NOW = datetime(2027, 1, 8, 4, tzinfo=UTC)


def load(folder: Path, **former: str) -> tuple[list[str], list[str]]:
    """(departments of the rooms that were taken, faults)."""
    (folder / "departments.csv").write_text("部门编号,部门名称,简称\nrsj,市人力资源局,市人社局\n", encoding="utf-8")
    (folder / "rooms.csv").write_text(
        "所属部门,机房编号,机房名称\n市老干部局,R-1,机房一\nlgj,R-2,机房二\n", encoding="utf-8"
    )
    result = load_registers(folder, places=Places(()), now=NOW, former=former)
    rooms = [one for one in result.collection.observations if one.kind == "room"]
    owners = [one.department_id for one in rooms]
    return owners, [str(fault) for fault in result.faults]


def test_a_department_that_is_no_more(tmp_path: Path) -> None:
    owners, faults = load(tmp_path)
    assert owners == [] and len(faults) == 2
    assert load(tmp_path, lgj="rsj", 市老干部局="rsj") == (["rsj", "rsj"], [])


def test_a_word_that_somebody_has_is_theirs_and_nobody_becomes_a_department_that_is_not(tmp_path: Path) -> None:
    owners, faults = load(tmp_path, lgj="nobody", 市人社局="nobody", rsj="nobody")
    assert owners == [] and len(faults) == 2

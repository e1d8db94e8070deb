"""Generated pages and schemas: never older than the declarations that they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from inventories import dictionary
from inventories.kinds import DUCKDB_TYPES, KINDS
from inventories.registers import REGISTERS
from inventories.registers.schema import FOLDER, render

PAGE = Path(__file__).parents[2] / dictionary.PAGE


def test_the_data_dictionary_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == dictionary.render(), "run 'python -m inventories.dictionary'"


def test_it_names_every_column_with_its_type() -> None:
    page = dictionary.render()
    for kind in KINDS.values():
        for column in kind.all_columns:
            assert f"| `{column.name}` | {DUCKDB_TYPES[column.type]} | {column.title} |" in page
        for paper in kind.papers:
            assert f"| `{paper}_absent` | BOOLEAN |" in page
        for column in kind.columns:
            for code, labels in column.values.items():
                assert f"| `{kind.name}.{column.name}` | `{code}` | {'、'.join(labels)} |" in page


def test_every_table_is_well_formed() -> None:
    width = 0
    for line in dictionary.render().splitlines():
        if line.startswith("|"):
            cells = line.replace("\\|", "").count("|")
            width = width or cells
            assert cells == width, line
        else:
            width = 0


def test_writing_and_checking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "docs" / "page.md"
    assert dictionary.main([str(page), "--check"]) == 1
    assert "is stale" in capsys.readouterr().err
    assert dictionary.main([str(page)]) == 0
    assert dictionary.main([str(page), "--check"]) == 0
    page.write_text("old")
    assert dictionary.main([str(page), "--check"]) == 1


def test_the_schemas_are_not_stale() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert written == render(), "run 'python -m inventories.registers.schema'"


def validator(register: str) -> Draft202012Validator:
    schema = json.loads(render()[f"{register}.schema.json"])
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("register", list(REGISTERS))
def test_every_schema_is_a_schema(register: str) -> None:
    assert validator(register).is_valid([])


@pytest.mark.parametrize(
    ("row", "valid"),
    [
        ({"所属部门": "民政局", "系统名称": "甲"}, True),
        ({"department_id": "mzj", "name": "甲", "部署位置": ["政务云", "own_room"], "批准文号": "无"}, True),
        (
            {
                "部门": "民政局",
                "名称": "甲",
                "建成日期": "2024年2月5日",
                "等保级别": 3,
                "是否产生数据": True,
                "备注": "x",
            },
            True,
        ),
        ({"系统名称": "甲"}, False),
        ({"部门": "民政局"}, False),
        ({"部门": "民政局", "名称": "甲", "批准文呺": "x"}, False),
        ({"部门": "民政局", "名称": "甲", "建成日期": "2024年2月"}, False),
        ({"部门": "民政局", "名称": "甲", "系统状态": "飞行中"}, False),
        ({"部门": "民政局", "名称": "甲", "部署位置": ["月球"]}, False),
    ],
)
def test_the_schema_tells_an_editor_what_the_reader_would_say(row: dict[str, Any], valid: bool) -> None:
    assert validator("systems").is_valid([row]) is valid

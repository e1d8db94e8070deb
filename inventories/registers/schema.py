"""JSON Schemas of the YAML registers, for editors: generated from the declarations, committed, and tested for age.

``python -m inventories.registers.schema`` writes them to ``inventories/schemas/registers/``. The reader itself
does not use them: it takes more spellings than a schema can list, and names the cell.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inventories.kinds import Column, Type
from inventories.registers.declare import CLASSIFIED, REGISTERS, Register
from inventories.registers.headings import SILENT

FOLDER = Path(__file__).parent.parent / "schemas" / "registers"
_DAY = r"^(\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{4}年\d{1,2}月\d{1,2}日|\d{8}|无|不适用)$"


def schema(register: Register) -> dict[str, Any]:
    """The schema of one register: a list of rows whose keys are headings or column names."""
    columns = (*register.columns, CLASSIFIED)
    properties: dict[str, Any] = {}
    for column in columns:
        for word in (column.title, column.name, *column.headings):
            properties.setdefault(word, {"$ref": f"#/$defs/{column.name}"})
    for word in sorted(SILENT):
        properties.setdefault(word, {})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": register.form_title,
        "type": ["array", "null"],
        "items": {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
            "allOf": [_need(register, group) for group in register.needs],
        },
        "$defs": {column.name: _definition(column) for column in columns},
    }


def _need(register: Register, group: tuple[str, ...]) -> dict[str, Any]:
    words = [
        word
        for name in group
        for column in (register.by_name[name],)
        for word in dict.fromkeys((column.title, column.name, *column.headings))
    ]
    return {"anyOf": [{"required": [word]} for word in words]}


def _definition(column: Column) -> dict[str, Any]:
    out: dict[str, Any] = {"title": column.title}
    notes = [column.note, f"单位：{column.unit}" if column.unit else "", "没有填“无”" if column.paper else ""]
    if any(notes):
        out["description"] = "；".join(note for note in notes if note)
    return {**out, "anyOf": [*_forms(column), {"type": "null"}]}


def _forms(column: Column) -> list[dict[str, Any]]:
    if column.values:
        words = [word for code, labels in column.values.items() for word in (*labels, code)]
        choice = {"enum": [*dict.fromkeys(words), *(["无"] if column.paper else [])]}
        # Several may stand in one text, so that the list only suggests.
        return [choice] if column.type is Type.TEXT else [{"type": "array", "items": choice}, {"type": "string"}]
    if column.type is Type.BOOLEAN:
        return [{"type": "boolean"}, {"enum": ["是", "否", "有", "无", "不适用"]}]
    if column.type is Type.DATE:
        return [{"type": "string", "pattern": _DAY}]
    if column.type is Type.TEXTS:
        return [{"type": "array", "items": {"type": ["string", "number"]}}, {"type": ["string", "number"]}]
    return [{"type": ["string", "number"]}]


def render() -> dict[str, str]:
    """File name → text of every schema."""
    return {
        f"{register.name}.schema.json": json.dumps(schema(register), ensure_ascii=False, indent=2) + "\n"
        for register in REGISTERS.values()
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in render().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

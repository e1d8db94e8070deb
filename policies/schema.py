"""Holding a pack's files against their published JSON Schemas, every fault with its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from inventories.faults import Fault, did_you_mean
from inventories.model import plain
from policies.source import Source, shown

SCHEMAS = ("pack", "text", "cases", "calendar")
_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
}


@cache
def schema(name: str) -> dict[str, Any]:
    """One of :data:`SCHEMAS`, as shipped in ``policies/schemas/<name>.schema.json`` for editors too."""
    text = (files("policies") / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def _validator(name: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema(name))


def faults(source: Source, name: str) -> list[Fault]:
    """Everything in a file that its schema does not allow, in the order of the file."""
    found = [
        fault for error in _validator(name).iter_errors(_jsonable(source.data)) for fault in _explain(source, error)
    ]
    return sorted(set(found), key=_place)


def _place(fault: Fault) -> tuple[int, int, str]:
    numbers = [int(part) for part in fault.where.rsplit(":", 2)[1:] if part.isdigit()]
    line, column = numbers if len(numbers) == 2 else (0, 0)
    return line, column, fault.what


def _jsonable(value: object) -> object:
    """Dates as their text: JSON knows no dates, and a schema says ``format: date``."""
    if isinstance(value, dict):
        return {key: _jsonable(held) for key, held in value.items()}
    return [_jsonable(held) for held in value] if isinstance(value, list) else plain(value)


def _explain(source: Source, error: Any) -> Iterator[Fault]:
    path = tuple(error.absolute_path)
    value, wanted = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties" if wanted is False:
            known = list(error.schema.get("properties", {}))
            for key in value:
                if key not in known:
                    mend = did_you_mean(key, known) or f"there are {', '.join(known)}"
                    yield source.fault_at_key((*path, key), f"unknown key {shown(key)!r}", mend)
        case "required":
            for key in wanted:
                if key not in value:
                    description = error.schema["properties"].get(key, {}).get("description", "")
                    yield source.fault(path, f"{_of(path)} lacks {key!r}", f"add it. {description}".strip())
        case "enum":
            near = did_you_mean(str(value), map(str, wanted))
            mend = near or f"one of {', '.join(map(str, wanted))}"
            yield source.fault(path, f"{shown(value)!r} is not allowed here", mend)
        case "type":
            kind = _TYPES.get(wanted, str(wanted)) if isinstance(wanted, str) else "text, a number, or true or false"
            mend = "put it in quotes" if wanted == "string" and isinstance(value, (int, float)) else ""
            yield source.fault(path, f"{_of(path)} must be {kind}, not {shown(value)!r}", mend)
        case "pattern" | "propertyNames" | "const" | "anyOf":
            yield from _explain_form(source, error, path)
        case _:
            yield source.fault(path, f"{_of(path)}: {shown(error.message)}", error.schema.get("description", ""))


def _explain_form(source: Source, error: Any, path: tuple[str | int, ...]) -> Iterator[Fault]:
    description = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    pattern = str(error.validator_value)
    if "第" in pattern:
        description = "write 第十二条"
    elif pattern.startswith("^[0-9]{4}-"):
        description = "write YYYY-MM-DD"
    elif pattern.startswith("^[a-z"):
        description = "lower-case letters, digits and hyphens"
    yield source.fault(path, f"{_of(path)} cannot be {shown(error.instance)!r}", description)


def _of(path: tuple[str | int, ...]) -> str:
    """The innermost name on a path, for a person."""
    names = [part for part in path if isinstance(part, str)]
    return repr(names[-1]) if names else "the file"

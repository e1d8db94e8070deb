"""Reading the YAML and JSON that people write, safely, with the place of every value.

YAML is read through its event-level tree (no objects are ever constructed), so that every value keeps its
line and column, duplicate keys are faults, and neither aliases nor tags can do harm.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from inventories.faults import Fault, Faults, clean

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 40
#: Values, keys and brackets together: a bound on memory, since the tree takes about a kilobyte for each.
MAX_VALUES = 500_000

Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document as plain Python values, with the place of each.

    ``data`` holds dicts, lists, str, int, float, bool, date and None. ``places`` maps a path such as
    ``("rules", 3, "article")`` to ``(line, column)``, both counted from 1.
    """

    name: str
    data: Any
    places: dict[Path_, tuple[int, int]] = field(default_factory=dict)

    def where(self, *path: str | int) -> str:
        """``file:line:col`` of a value, or of the nearest enclosing one that has a place."""
        for end in range(len(path), -1, -1):
            place = self.places.get(tuple(path[:end]))
            if place:
                return f"{self.name}:{place[0]}:{place[1]}"
        return self.name

    def fault(self, path: tuple[str | int, ...], what: str, mend: str = "") -> Fault:
        return Fault(self.where(*path), what, mend)


def read_yaml(path: Path, *, name: str | None = None, max_bytes: int = MAX_BYTES) -> Document:
    """Reads one YAML file.

    Raises :class:`Faults` when the file cannot be read, is larger than ``max_bytes``, is not UTF-8, uses
    tabs for indentation, has duplicate keys, anchors, aliases or tags, or is no YAML at all.
    """
    shown = name or str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(max_bytes + 1)
    except OSError as error:
        raise Faults([Fault(shown, f"cannot be read: {error.strerror or error}")]) from error
    return parse_yaml(decode_yaml(raw, name=shown, max_bytes=max_bytes), name=shown)


def decode_yaml(raw: bytes, *, name: str, max_bytes: int = MAX_BYTES) -> str:
    """The text of a YAML file's bytes; raises :class:`Faults` when it is too large or not UTF-8."""
    if len(raw) > max_bytes:
        raise Faults([Fault(name, f"is larger than {max_bytes // 1024} KiB", "split it")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Faults([Fault(f"{name}:{line}", "is not UTF-8 text", "save the file as UTF-8")]) from error


def parse_yaml(text: str, *, name: str) -> Document:
    """Reads YAML from text; see :func:`read_yaml`."""
    faults: list[Fault] = []
    # Not splitlines(): it also breaks at characters that YAML keeps inside a line, and the count would be off.
    for number, line in enumerate(text.split("\n"), 1):
        indent = line[: len(line) - len(line.lstrip())]
        if "\t" in indent and line.strip():
            faults.append(
                Fault(f"{name}:{number}:{indent.index(chr(9)) + 1}", "a tab in the indentation", "use spaces")
            )
    if faults:
        raise Faults(faults)
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    # The event stream is checked before any tree is built: an alias bomb never unfolds.
    try:
        depth = 0
        for count, event in enumerate(yaml.parse(text, Loader=loader)):
            place = _place(name, event.start_mark)
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                faults.append(Fault(place, "anchors and aliases are not allowed", "write the value out"))
            tag = getattr(event, "tag", None)
            if tag:  # only tags that are written out: the parser gives None where a tag is merely implied
                faults.append(Fault(place, f"the tag {clean(tag, 60)} is not allowed", "remove it"))
            depth += isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent))
            depth -= isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent))
            if depth > MAX_DEPTH:
                faults.append(Fault(place, f"is nested deeper than {MAX_DEPTH} levels"))
            if count > MAX_VALUES:
                faults.append(Fault(place, f"holds more than {MAX_VALUES} values", "split it"))
            if len(faults) > 20 or depth > MAX_DEPTH or count > MAX_VALUES:
                break
        if faults:
            raise Faults(faults)
        nodes = list(yaml.compose_all(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        place = _place(name, error.problem_mark or error.context_mark)
        raise Faults([Fault(place, f"is not YAML: {clean(str(error.problem or error))}")]) from error
    except yaml.YAMLError as error:
        raise Faults([Fault(name, f"is not YAML: {clean(str(error))}")]) from error
    if len(nodes) > 1:
        mark = nodes[1].start_mark
        raise Faults([Fault(f"{name}:{mark.line + 1}:1", "a second document", "keep one document in a file")])
    places: dict[Path_, tuple[int, int]] = {}
    data = _value(nodes[0], (), name, places, faults) if nodes and nodes[0] is not None else None
    if faults:
        raise Faults(faults)
    return Document(name, data, places)


def _place(name: str, mark: Any) -> str:
    """``file:line:col`` of a parser's mark, the file alone where there is none."""
    return f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else name


def _value(node: Any, path: Path_, name: str, places: dict[Path_, tuple[int, int]], faults: list[Fault]) -> Any:
    mark = node.start_mark
    places[path] = (mark.line + 1, mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            spot = f"{name}:{key_node.start_mark.line + 1}:{key_node.start_mark.column + 1}"
            if not isinstance(key_node, yaml.ScalarNode):
                faults.append(Fault(spot, "a key must be plain text"))
                continue
            key = str(key_node.value)
            if key in out:
                faults.append(Fault(spot, f"the key {clean(key, 60)!r} stands twice", "keep one of them"))
                continue
            out[key] = _value(value_node, (*path, key), name, places, faults)
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, i), name, places, faults) for i, child in enumerate(node.value)]
    return _scalar(node, name, faults)


def _scalar(node: Any, name: str, faults: list[Fault]) -> Any:
    text = str(node.value)
    if node.style in ("'", '"', "|", ">"):
        return text
    tag = str(node.tag).removeprefix("tag:yaml.org,2002:")
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() in ("true", "yes", "on")
    # A number is what reads back as written: 0351, 1_000 and longer than any count stay text, as codes are.
    if tag == "int" and re.fullmatch(r"[-+]?(0|[1-9][0-9]{0,17})", text):
        return int(text)
    if tag == "float" and re.fullmatch(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}", text):
        return float(text)
    if tag == "timestamp" and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            mark = node.start_mark
            faults.append(Fault(f"{name}:{mark.line + 1}:{mark.column + 1}", f"{text} is no date of the calendar"))
            return None
    # Octal-looking codes such as 0351, times and the like stay what the person wrote.
    return text


def walk(data: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every value of a document with its path, depth first."""
    yield path, data
    if isinstance(data, dict):
        for key, value in data.items():
            yield from walk(value, (*path, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from walk(value, (*path, i))

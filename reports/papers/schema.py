"""What a template may name and of what kind it is, read from :mod:`reports.papers.fields`; pure.

A kind is ``str`` for text, :class:`List` of a kind, or :class:`Record` of named kinds.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from inventories.faults import Fault
from reports.papers import fields
from reports.papers.view import Form


@dataclass(frozen=True, slots=True)
class List:
    of: Kind


@dataclass(frozen=True, slots=True)
class Record:
    """``name`` is the type's own name (Annex)."""

    name: str
    kinds: Mapping[str, Kind]


Kind: typing.TypeAlias = "type[str] | List | Record"

#: Of the common fields, those that are no plain text.
_COMMON: Mapping[str, str] = {"title": "list[str]", "annexes": "list[str]", "body": "list[Line]"}
_LIST = re.compile(r"list\[(\w+)\]")
_HEAD = re.compile(r"list\[\w+\]|[A-Z]\w+")


@cache
def schema(form: Form) -> Mapping[str, Kind]:
    """Every field of a paper, by name."""
    own = {name: _kind(found[0]) if (found := _HEAD.match(text)) else str for name, text in fields.OWN[form].items()}
    return {name: _kind(_COMMON.get(name, "str")) for name in fields.COMMON} | own


def _kind(name: str) -> Kind:
    if name == "str":
        return str
    if found := _LIST.fullmatch(name):
        return List(_kind(found[1]))
    return _record(getattr(fields, name))


@cache
def _record(declared: type) -> Record:
    hints = typing.get_type_hints(declared)
    return Record(declared.__name__, {name: _kind(_written(hint)) for name, hint in hints.items()})


def _written(hint: object) -> str:
    """``list[Line]`` as it stands in the declaration."""
    if typing.get_origin(hint) is list:
        return f"list[{typing.get_args(hint)[0].__name__}]"
    return getattr(hint, "__name__", str(hint))


def words(kind: Kind) -> str:
    """How a message calls it."""
    if isinstance(kind, List):
        return f"a list of {_plural(kind.of)}"
    return f"a group of fields ({known(kind)})" if isinstance(kind, Record) else "a text"


def _plural(kind: Kind) -> str:
    return f"{kind.name} ({known(kind)})" if isinstance(kind, Record) else "texts"


def known(record: Record) -> str:
    return ", ".join(record.kinds)


def example(form: Form, *, filled: bool, text: str = "示例") -> dict[str, object]:
    """Fields to try a template with: every text and every list filled, or all of them empty."""
    return {name: _example(kind, filled, text) for name, kind in schema(form).items()}


def _example(kind: Kind, filled: bool, text: str) -> object:
    if isinstance(kind, List):
        return [_example(kind.of, filled, text)] * 3 if filled else []
    if isinstance(kind, Record):
        return {name: _example(inner, filled, text) for name, inner in kind.kinds.items()}
    return text if filled else ""


def check(form: Form, given: Mapping[str, object], where: str) -> Iterator[Fault]:
    """The fields of a paper that is to be drawn, where they are of another kind than a template takes them for.

    A field that is not there is no fault here, since a template may do without, and neither is one more than there
    are names for: papers are drawn again years later.
    """
    for name, kind in schema(form).items():
        if name in given:
            yield from _check(kind, given[name], f"{where}: {name}")


def _check(kind: Kind, value: object, where: str) -> Iterator[Fault]:
    if isinstance(kind, List):
        if isinstance(value, list | tuple):
            for place, inner in enumerate(value, 1):
                yield from _check(kind.of, inner, f"{where}[{place}]")
        else:
            yield _wrong(kind, value, where)
    elif isinstance(kind, Record):
        if not isinstance(value, dict):
            yield _wrong(kind, value, where)
            return
        for name, inner in kind.kinds.items():
            if name in value:
                yield from _check(inner, value[name], f"{where}.{name}")
    elif not isinstance(value, str):
        yield _wrong(kind, value, where)


def _wrong(kind: Kind, value: object, where: str) -> Fault:
    return Fault(where, f"is {type(value).__name__}", f"it is to be {words(kind)}")

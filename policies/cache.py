"""Parsed predicates kept between runs, so that a pack that was checked once loads without the SQL parser.

The parser takes longer to import than everything else that loading a pack does. A kept entry is found by the
digest of the pack's files together with that of all that its checking depended on; it holds no SQL, only the tree,
and a tree is read back through the same constructors. Entries that are not ours alone to write are ignored.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from inventories.kinds import Type
from policies.expressions import Call, Compare, Every, Expression, Fact, Given, Literal, Negation, OneOf, Some
from policies.functions import FUNCTIONS
from policies.subjects import columns_of

MAX_ENTRY = 4 * 1024 * 1024
_OPERATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})


def folder() -> Path | None:
    """Where entries lie (``$XDG_CACHE_HOME/auditor/predicates``); None where there is no home."""
    base = os.environ.get("XDG_CACHE_HOME")
    if base and Path(base).is_absolute():
        return Path(base) / "auditor" / "predicates"
    home = os.environ.get("HOME")
    return Path(home) / ".cache" / "auditor" / "predicates" if home and Path(home).is_absolute() else None


def load(key: str) -> dict[str, Any] | None:
    """The entry kept under a key, or None: absent, unreadable, not ours, or no JSON object."""
    where = folder()
    if where is None:
        return None
    try:
        with (where / f"{key}.json").open("rb") as stream:
            status = os.fstat(stream.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return None
            entry = json.loads(stream.read(MAX_ENTRY))
    except (OSError, ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def store(key: str, entry: Mapping[str, Any]) -> None:
    """Keeps an entry; a home that cannot be written to is no fault."""
    where = folder()
    if where is None:
        return
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".json", dir=where)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(entry, stream, ensure_ascii=False, separators=(",", ":"))
        Path(name).replace(where / f"{key}.json")
    except OSError:
        return


def encode(node: Expression) -> list[Any]:
    """A tree as JSON-able lists."""
    match node:
        case Fact(name, kind):
            return ["fact", name, kind.value]
        case Given(name, kind):
            return ["given", name, kind.value]
        case Literal(held, kind):
            return ["literal", held.isoformat() if isinstance(held, date) else held, kind.value]
        case Compare(op, left, right):
            return ["compare", op, encode(left), encode(right)]
        case OneOf(item, values):
            return ["one_of", encode(item), [encode(v) for v in values]]
        case Every(parts):
            return ["every", [encode(p) for p in parts]]
        case Some(parts):
            return ["some", [encode(p) for p in parts]]
        case Negation(part):
            return ["not", encode(part)]
        case Call(function, arguments):
            return ["call", function, [encode(a) for a in arguments]]


def decode(data: Any, subject: str) -> Expression:
    """The tree of :func:`encode` over a subject's view. ValueError for anything else."""
    match data:
        case ["fact", str(name), kind] if name in columns_of(subject) and columns_of(subject)[name].type == kind:
            return Fact(name, Type(kind))
        case ["given", str(name), str(kind)] if name.isidentifier():
            return Given(name, Type(kind))
        case ["literal", str(held), "date"]:
            return Literal(date.fromisoformat(held), Type.DATE)
        case ["literal", str() | bool() | int() | float() as held, str(kind)]:
            return Literal(held, Type(kind))
        case ["compare", str(op), left, right] if op in _OPERATORS:
            return Compare(op, decode(left, subject), decode(right, subject))
        case ["one_of", item, [*values]]:
            listed = [decode(v, subject) for v in values]
            literals = tuple(v for v in listed if isinstance(v, Literal))
            if len(literals) == len(listed) > 0:
                return OneOf(decode(item, subject), literals)
        case ["every", [*parts]]:
            return Every(tuple(decode(p, subject) for p in parts))
        case ["some", [*parts]]:
            return Some(tuple(decode(p, subject) for p in parts))
        case ["not", part]:
            return Negation(decode(part, subject))
        case ["call", str(function), [*arguments]] if function in FUNCTIONS:
            return Call(function, tuple(decode(a, subject) for a in arguments))
    raise ValueError("no predicate")

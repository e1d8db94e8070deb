"""The rules' conditions in a form that other engines can be given: what must hold for a violation, without unknowns.

Other engines know two answers. A condition is therefore pushed down to "this is TRUE" and "this is FALSE" of single
columns, each of which a missing fact fails; a NULL is then no violation there either. Whatever depends on the clock,
the site's settings alone is computed beforehand (``policies.folding``), in the other engines' favour.

A portable condition is a list: ``["and" | "or", [condition, …]]``, ``["cmp", column, op, constant]``,
``["in" | "out", column, [constant, …]]`` (one of them; known and none of them),
``["has" | "lacks", column, [text, …]]`` (a list with one of them; known and without),
``["cols", column, op, column]``, ``["unknown", column]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from policies.expressions import (
    Call,
    Compare,
    Every,
    Expression,
    Fact,
    Negation,
    OneOf,
    Some,
    facts,
    value,
)

Condition = list[Any]

NEVER: Condition = ["or", []]
ALWAYS: Condition = ["and", []]
_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_DENIED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}


class Inexpressible(Exception):
    """Something that a filter over single columns cannot say."""


def condition(node: Expression, outside: Mapping[str, object], *, wanted: bool = True) -> Condition:
    """What must hold for a node to be TRUE, or FALSE where ``wanted`` is FALSE. Raises Inexpressible."""
    match node:
        case Fact(name):
            return ["cmp", name, "=", wanted]
        case Negation(part):
            return condition(part, outside, wanted=not wanted)
        case Every(parts) | Some(parts):
            joined = [condition(part, outside, wanted=wanted) for part in parts]
            return _joined("and" if isinstance(node, Every) is wanted else "or", joined)
        case OneOf(Fact(name), values):
            return ["in" if wanted else "out", name, [_plain(v.value) for v in values]]
        case Compare(op, left, right):
            return _compared(op if wanted else _DENIED[op], left, right, outside)
        case Call("has" | "has_any", (Fact(name), *texts)):
            return ["has" if wanted else "lacks", name, [value(text, {}, outside) for text in texts]]
        case Call("begun_since", (bound, start, *later)):
            return _begun(bound, start, later, outside, wanted=wanted)
    raise Inexpressible(str(node))


def _joined(word: str, parts: Sequence[Condition]) -> Condition:
    """Chains are flat; a part that never or always holds decides or drops out."""
    nothing, all_of = (NEVER, ALWAYS) if word == "and" else (ALWAYS, NEVER)
    if nothing in parts:
        return nothing
    flat = [inner for part in parts if part != all_of for inner in (part[1] if part[0] == word else [part])]
    return flat[0] if len(flat) == 1 else [word, flat]


def _begun(
    bound: Expression, start: Expression, later: Sequence[Expression], outside: Mapping[str, object], *, wanted: bool
) -> Condition:
    told = _compared(">=" if wanted else "<", start, bound, outside)
    if wanted or not isinstance(start, Fact):
        return told
    past = _joined("or", [_compared("<", day, bound, outside) for day in later])
    return _joined("or", [told, _joined("and", [["unknown", start.name], past])])


def _compared(op: str, left: Expression, right: Expression, outside: Mapping[str, object]) -> Condition:
    if not facts(left) and facts(right):
        left, right, op = right, left, _FLIPPED[op]
    if not facts(left):
        held = value(Compare(op, left, right), {}, outside)
        return ALWAYS if held else NEVER
    match left, right:
        case Fact(name), Fact(other):
            return ["cols", name, op, other]
        case Fact(name), _ if not facts(right):
            bound = value(right, {}, outside)
            return NEVER if bound is None else ["cmp", name, op, _plain(bound)]
    raise Inexpressible(f"{left} {op} {right}")


def _plain(held: object) -> object:
    return held.isoformat() if isinstance(held, date) else held

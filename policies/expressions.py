"""Predicates after parsing: a small typed tree, its SQL and its three-valued meaning.

The tree holds nothing that could turn an unknown fact into an answer: its operators are those of Kleene's
three-valued logic, which is also SQL's. SQL is written from the tree alone, so that nothing a pack's author
typed reaches the database as text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from operator import eq, ge, gt, le, lt, ne
from typing import Any, TypeAlias

from inventories.kinds import DUCKDB_TYPES, Type
from policies.functions import FUNCTIONS

Scalar: TypeAlias = str | int | float | bool | date

#: The name of the audit's clock in predicates and among the given values.
AS_OF = "as_of"

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass(frozen=True, slots=True)
class Fact:
    """A column of the subject's view."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Given:
    """A value from outside the view: the clock, the pack's date in force, or a setting of the site."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Literal:
    value: Scalar
    type: Type


@dataclass(frozen=True, slots=True)
class Compare:
    op: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class OneOf:
    item: Expression
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Every:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    part: Expression


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Expression, ...]


Expression: TypeAlias = Fact | Given | Literal | Compare | OneOf | Every | Some | Negation | Call


def children(node: Expression) -> tuple[Expression, ...]:
    match node:
        case Compare(_, left, right):
            return (left, right)
        case OneOf(item, values):
            return (item, *values)
        case Every(parts) | Some(parts):
            return parts
        case Negation(part):
            return (part,)
        case Call(_, arguments):
            return arguments
        case _:
            return ()


def walk(node: Expression) -> Iterator[Expression]:
    """Every node, in the order of writing."""
    yield node
    for child in children(node):
        yield from walk(child)


def facts(node: Expression) -> tuple[str, ...]:
    """The columns named, in order of first mention."""
    return tuple(dict.fromkeys(n.name for n in walk(node) if isinstance(n, Fact)))


def givens(node: Expression) -> tuple[str, ...]:
    """The outside values named; ``as_of`` also where a function counts from it."""
    named = [n.name for n in walk(node) if isinstance(n, Given)]
    counted = [AS_OF for n in walk(node) if isinstance(n, Call) and n.function == "days_since"]
    return tuple(dict.fromkeys(named + counted))


def value(node: Expression, row: Mapping[str, object], given: Mapping[str, object]) -> Any:
    """What a node yields for one row; None is NULL.

    ``row`` maps column names, ``given`` the names of outside values; what neither holds is NULL. Dates outside
    the calendar yield NULL.
    """
    match node:
        case Fact(name):
            return row.get(name)
        case Given(name):
            return given.get(name)
        case Literal(held):
            return held
        case Compare(op, left, right):
            a, b = value(left, row, given), value(right, row, given)
            return None if a is None or b is None else _COMPARISONS[op](a, b)
        case OneOf(item, values):
            found = value(item, row, given)
            return None if found is None else any(found == v.value for v in values)
        case Every(parts):
            return _kleene([value(p, row, given) for p in parts], decides=False)
        case Some(parts):
            return _kleene([value(p, row, given) for p in parts], decides=True)
        case Negation(part):
            inner = value(part, row, given)
            return None if inner is None else not inner
        case Call(function, arguments):
            as_of = given.get(AS_OF)
            if not isinstance(as_of, date):
                return None
            try:
                return FUNCTIONS[function].value([value(a, row, given) for a in arguments], as_of)
            except OverflowError:
                return None


def compiled(node: Expression, given: Mapping[str, object]) -> Callable[[Mapping[str, object]], Any]:
    """:func:`value` of a node for any row, with the outside values fixed: several times as fast over many rows."""
    match node:
        case Fact(name):
            return lambda row: row.get(name)
        case Given() | Literal():
            held = value(node, {}, given)
            return lambda _row: held
        case Compare(op, left, right):
            compare, one, other = _COMPARISONS[op], compiled(left, given), compiled(right, given)

            def compared(row: Mapping[str, object]) -> Any:
                a, b = one(row), other(row)
                return None if a is None or b is None else compare(a, b)

            return compared
        case OneOf(item, values):
            found, listed = compiled(item, given), frozenset(v.value for v in values)
            return lambda row: None if (one := found(row)) is None else one in listed
        case Every(parts):
            every = [compiled(part, given) for part in parts]
            return lambda row: _kleene([part(row) for part in every], decides=False)
        case Some(parts):
            some = [compiled(part, given) for part in parts]
            return lambda row: _kleene([part(row) for part in some], decides=True)
        case Negation(part):
            inner = compiled(part, given)
            return lambda row: None if (one := inner(row)) is None else not one
        case Call(function, arguments):
            as_of, function_of = given.get(AS_OF), FUNCTIONS[function].value
            passed = [compiled(argument, given) for argument in arguments]

            def called(row: Mapping[str, object]) -> Any:
                if not isinstance(as_of, date):
                    return None
                try:
                    return function_of([argument(row) for argument in passed], as_of)
                except OverflowError:
                    return None

            return called


def _kleene(values: list[Any], *, decides: bool) -> bool | None:
    if decides in values:
        return decides
    return None if None in values else not decides


def sql(
    node: Expression,
    column: Callable[[str], str],
    given: Mapping[str, object],
    part: Callable[[str], str] = lambda written: written,
) -> str:
    """DuckDB's SQL for a tree.

    ``column`` gives the SQL of a column; ``given`` the outside values. ``part`` may put something else in the place
    of a whole condition within the tree (a comparison, a call, a boolean column), such as the name of a column in
    which it stands computed.
    """

    def inner(child: Expression) -> str:
        return sql(child, column, given)

    def outer(child: Expression) -> str:
        return sql(child, column, given, part)

    match node:
        case Fact(name, kind):
            return part(column(name)) if kind is Type.BOOLEAN else column(name)
        case Given(name, kind):
            return constant(given.get(name), kind)
        case Literal(held, kind):
            return constant(held, kind)
        case Compare(op, left, right):
            return part(f"({inner(left)} {op} {inner(right)})")
        case OneOf(item, values):
            listed = ", ".join(constant(v.value, v.type) for v in values)
            return part(f"({inner(item)} IN ({listed}))")
        case Every(parts):
            return "(" + " AND ".join(map(outer, parts)) + ")"
        case Some(parts):
            return "(" + " OR ".join(map(outer, parts)) + ")"
        case Negation(negated):
            return f"(NOT {outer(negated)})"
        case Call(function, arguments):
            as_of = constant(given.get(AS_OF), Type.DATE)
            return part(FUNCTIONS[function].sql([inner(a) for a in arguments], as_of))


def constant(held: object, kind: Type) -> str:
    """A value written out in SQL; None is a NULL of the type."""
    if held is None:
        return f"CAST(NULL AS {DUCKDB_TYPES[kind]})"
    if isinstance(held, bool):
        return "TRUE" if held else "FALSE"
    if isinstance(held, date):
        return f"DATE '{held.year:04d}-{held.month:02d}-{held.day:02d}'"
    if isinstance(held, (int, float)):
        return f"CAST({held!r} AS {DUCKDB_TYPES[kind]})"
    return "'" + str(held).replace("'", "''") + "'"

"""Parsing predicates: DuckDB's SQL through sqlglot, down to a small language that cannot guess.

What a predicate may hold: the columns of its subject's view, ``as_of``, ``in_force_from`` and the pack's settings;
``and``, ``or``, ``not``; ``=  <>  <  <=  >  >=``, ``in``, ``between``; texts, numbers, ``true``, ``false`` and
``date '2021-02-09'``; and the functions of :mod:`policies.functions`. Each of these answers NULL to NULL unless the
rest decides, so a missing fact can make a rule neither a violation nor a pass. Everything else is refused with its
place: ``is null``, ``is not true``, ``coalesce`` and ``case`` because they turn an unknown fact into an answer;
sub-selects, windows, casts, arithmetic, patterns and the machine's own clock because a rule has no need of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias

from sqlglot import exp, parse
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ErrorLevel, SqlglotError

from inventories.faults import clean, did_you_mean
from inventories.kinds import Type
from policies.expressions import (
    AS_OF,
    Call,
    Compare,
    Every,
    Expression,
    Fact,
    Given,
    Literal,
    Negation,
    OneOf,
    Some,
    facts,
)
from policies.functions import FUNCTIONS, MAX_AMOUNT, Function, Parameter
from policies.refusals import Problem, refuse_text, syntax, why
from policies.subjects import codes, columns_of

#: A node of sqlglot's tree, whose classes differ from version to version.
Node: TypeAlias = Any

_OPERATORS: Mapping[type[Any], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_NUMBERS = frozenset({Type.INTEGER, Type.NUMBER})
_ORDERED = _NUMBERS | {Type.DATE}
_WORDS: Mapping[Type, str] = {
    Type.TEXT: "text",
    Type.INTEGER: "a whole number",
    Type.NUMBER: "a number",
    Type.BOOLEAN: "true or false",
    Type.DATE: "a date",
    Type.TEXTS: "a list",
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """A predicate's tree (None where it has problems) and its problems."""

    tree: Expression | None
    problems: tuple[Problem, ...] = ()


@lru_cache(maxsize=4096)
def parse_predicate(text: str, subject: str, names: tuple[tuple[str, Type], ...]) -> Parsed:
    """Parses one predicate over a subject's view.

    ``names`` are the outside values that it may name, with their types, beside ``as_of``. All problems are
    returned at once, as far as they can be told apart.
    """
    problem = refuse_text(text)
    if problem:
        return Parsed(None, (problem,))
    try:
        statements = parse(text, read=DuckDB, error_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        return Parsed(None, (syntax(text, error),))
    except RecursionError:
        return Parsed(None, (Problem(0, "is nested too deeply", "say it more simply"),))
    if len(statements) != 1 or statements[0] is None:
        return Parsed(None, (Problem(0, "is not one condition", "write one condition, without ';'"),))
    reader = _Reader(text, subject, {AS_OF: Type.DATE, **dict(names)})
    tree = reader.read(statements[0])
    if tree is not None and _type(tree) is not Type.BOOLEAN:
        reader.problem(statements[0], f"is {_WORDS[_type(tree)]}, not a condition", "compare it with something")
    if tree is not None and not reader.problems and not facts(tree):
        reader.problem(statements[0], "names no column, so it says the same of every asset", "name a column")
    return Parsed(None if reader.problems else tree, tuple(reader.problems))


@dataclass
class _Reader:
    """Reads sqlglot's tree into ours; ``None`` stands for a part that has a problem, already noted."""

    text: str
    subject: str
    given: Mapping[str, Type]
    problems: list[Problem] = field(default_factory=list)

    def problem(self, node: Node, what: str, mend: str = "") -> None:
        starts = [n.meta["start"] for n in node.walk() if "start" in n.meta]
        up = node.parent
        while not starts and up is not None:
            starts = [n.meta["start"] for n in up.walk() if "start" in n.meta]
            up = up.parent
        self.problems.append(Problem(min(starts, default=0), what, mend))

    def read(self, node: Node) -> Expression | None:
        match node:
            case exp.Paren():
                return self.read(node.this)
            case exp.And() | exp.Or():
                return self._junction(node)
            case exp.Not():
                return self._negation(node)
            case exp.EQ() | exp.NEQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
                return self._comparison(node)
            case exp.Between():
                return self._between(node)
            case exp.In():
                return self._one_of(node)
            case exp.Is():
                return self._is(node)
            case exp.Column():
                return self._name(node)
            case exp.Literal() | exp.Boolean() | exp.Neg() | exp.Cast():
                return self._literal(node)
            case _:
                return self._call(node)

    def _condition(self, node: Node) -> Expression | None:
        part = self.read(node)
        if part is not None and _type(part) is not Type.BOOLEAN:
            self.problem(node, f"is {_WORDS[_type(part)]}, not a condition", "compare it with something")
            return None
        if isinstance(part, Literal):
            self.problem(node, "a constant stands where a condition should", "leave it out")
            return None
        return part

    def _junction(self, node: Node) -> Expression | None:
        """Chains are read flat, so that a long one is no deep one."""
        kind = type(node)
        parts = [self._condition(part) for part in node.flatten() if part is not node]
        known = tuple(part for part in parts if part is not None)
        if len(known) < len(parts):
            return None
        return Every(known) if kind is exp.And else Some(known)

    def _negation(self, node: Node) -> Expression | None:
        part = self._condition(node.this)
        return None if part is None else Negation(part)

    def _comparison(self, node: Node) -> Expression | None:
        left, right = self.read(node.this), self.read(node.expression)
        if left is None or right is None:
            return None
        op = _OPERATORS[type(node)]
        return Compare(op, left, right) if self._comparable(node, op, left, right) else None

    def _between(self, node: Node) -> Expression | None:
        if node.args.get("symmetric"):
            self.problem(node, "'symmetric' is not allowed", "put the smaller bound first")
        item = self.read(node.this)
        low, high = self.read(node.args["low"]), self.read(node.args["high"])
        if item is None or low is None or high is None:
            return None
        fits = [self._comparable(node, ">=", item, low), self._comparable(node, "<=", item, high)]
        return Every((Compare(">=", item, low), Compare("<=", item, high))) if all(fits) else None

    def _one_of(self, node: Node) -> Expression | None:
        if node.args.get("query") or node.args.get("unnest") or node.args.get("field"):
            return self._refuse(node.args.get("query") or node)
        item = self.read(node.this)
        values = [self.read(value) for value in node.expressions]
        if item is None or None in values:
            return None
        if not values:
            self.problem(node, "'in' has no values", "write the values out")
            return None
        listed = [value for value in values if isinstance(value, Literal)]
        if len(listed) < len(values):
            self.problem(node, "'in' takes written-out values", "write the values out")
            return None
        fits = [self._comparable(node, "=", item, value) for value in listed]
        return OneOf(item, tuple(listed)) if all(fits) else None

    def _is(self, node: Node) -> Expression | None:
        """``is null``, ``is true`` and their like: refused, with what to write instead."""
        name = node.this.name if isinstance(node.this, exp.Column) else ""
        column = columns_of(self.subject).get(name)
        if isinstance(node.expression, exp.Null) and column is not None and column.paper:
            mend = f"write {column.paper}_absent, which is TRUE only where the paper was asked for and there is none"
            self.problem(node, f"'is null' takes a blank for an absence of {name}", mend)
        elif isinstance(node.expression, exp.Null):
            mend = "NULL means that nobody has shown it: the rule is then unknown by itself"
            self.problem(node, "'is null' turns an unknown fact into an answer", mend)
        else:
            mend = "write the condition itself, or 'not' before it"
            self.problem(node, "'is true' and 'is false' turn an unknown fact into an answer", mend)
        return None

    def _name(self, node: Node) -> Expression | None:
        name = node.name
        if node.args.get("table") is not None or node.this.args.get("quoted"):
            self.problem(node, f"{clean(node.sql(), 60)} is no plain column name", "write the column's name alone")
            return None
        column = columns_of(self.subject).get(name)
        if column is not None:
            return Fact(name, column.type)
        if name in self.given:
            return Given(name, self.given[name])
        known = [*columns_of(self.subject), *self.given]
        mend = did_you_mean(name, known) or "see the data dictionary"
        self.problem(node, f"a {self.subject} has no column {clean(name, 60)!r}", mend)
        return None

    def _literal(self, node: Node) -> Expression | None:
        match node:
            case exp.Boolean():
                return Literal(bool(node.this), Type.BOOLEAN)
            case exp.Neg(this=exp.Literal(is_string=False) as inner):
                held = self._number(inner)
                return None if held is None else Literal(-held, _number_type(held))
            case exp.Cast(this=exp.Literal(is_string=True) as inner) if node.args["to"].is_type(
                exp.DataType.Type.DATE
            ):
                return self._date(node, inner.name)
            case exp.Literal(is_string=True):
                return Literal(node.name, Type.TEXT)
            case exp.Literal():
                held = self._number(node)
                return None if held is None else Literal(held, _number_type(held))
            case _:
                return self._refuse(node)

    def _number(self, node: Node) -> int | float | None:
        try:
            held = int(node.name) if node.name.isdigit() else float(node.name)
        except ValueError:
            held = math.inf
        if abs(held) < 2**53:
            return held
        self.problem(node, f"{clean(node.name, 30)} is no number of a sensible size")
        return None

    def _date(self, node: Node, text: str) -> Expression | None:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            self.problem(node, f"{clean(text, 30)!r} is no date", "write date 'YYYY-MM-DD'")
            return None
        return Literal(day, Type.DATE)

    def _call(self, node: Node) -> Expression | None:
        """A named function. sqlglot knows some of the names and reads them its own way; the text says which."""
        name = self.text[node.meta["start"] : node.meta["end"] + 1] if "start" in node.meta else ""
        function = FUNCTIONS.get(name)
        if function is None or not isinstance(node, exp.Func):
            if isinstance(node, (exp.Anonymous, exp.Func)) and name and not why(node, name):
                mend = f"{did_you_mean(name, FUNCTIONS)} there are {', '.join(FUNCTIONS)}".strip()
                self.problem(node, f"unknown function {clean(name, 60)!r}", mend)
                return None
            return self._refuse(node, name)
        written = node.expressions if isinstance(node, exp.Anonymous) else _arguments(node)
        arguments = [self.read(argument) for argument in written]
        if None in arguments:
            return None
        known = tuple(a for a in arguments if a is not None)
        return Call(name, known) if self._accepts(node, function, known) else None

    def _accepts(self, node: Node, function: Function, arguments: tuple[Expression, ...]) -> bool:
        parameters = list(function.parameters)
        while parameters and parameters[-1].repeated and len(parameters) < len(arguments):
            parameters.append(parameters[-1])
        if len(parameters) != len(arguments):
            self.problem(node, f"{function.name} takes {len(function.parameters)} arguments", function.signature)
            return False
        fits = [self._accepts_one(node, function, p, a) for p, a in zip(parameters, arguments, strict=True)]
        if all(fits) and function.parameters[0].type is Type.TEXTS and isinstance(arguments[0], Fact):
            fits = [self._is_code(node, arguments[0], a) for a in arguments[1:] if isinstance(a, Literal)]
        return all(fits)

    def _accepts_one(self, node: Node, function: Function, parameter: Parameter, got: Expression) -> bool:
        if _type(got) is not parameter.type:
            what = f"{function.name} takes {_WORDS[parameter.type]} as {parameter.name}, not {_WORDS[_type(got)]}"
            self.problem(node, what, function.signature)
            return False
        if parameter.literal and not isinstance(got, (Literal, Given) if parameter.set else Literal):
            self.problem(node, f"{function.name} takes a written-out {parameter.name}", function.signature)
            return False
        if parameter.type is Type.INTEGER and isinstance(got, Literal) and abs(int(str(got.value))) > MAX_AMOUNT:
            self.problem(node, f"{got.value} is out of range", f"at most {MAX_AMOUNT}")
            return False
        return True

    def _comparable(self, node: Node, op: str, left: Expression, right: Expression) -> bool:
        a, b = _type(left), _type(right)
        if not (a is b or {a, b} <= _NUMBERS):
            mend = "write date 'YYYY-MM-DD'" if {a, b} == {Type.DATE, Type.TEXT} else ""
            self.problem(node, f"compares {_WORDS[a]} with {_WORDS[b]}", mend)
        elif a is Type.TEXTS:
            self.problem(node, "a list cannot be compared", "use has or has_any")
        elif op not in ("=", "<>") and a not in _ORDERED:
            self.problem(node, f"{_WORDS[a]} has no order", "use = or in")
        elif op in ("=", "<>") and Type.NUMBER in (a, b):
            self.problem(node, "numbers with fractions are never surely equal", "use < or >")
        elif isinstance(left, Literal) and isinstance(right, Literal):
            self.problem(node, "compares two constants", "name a column")
        else:
            return self._is_code(node, left, right) and self._is_code(node, right, left)
        return False

    def _is_code(self, node: Node, column: Expression, other: Expression) -> bool:
        """Whether a text compared with an enumeration is one of its values."""
        if not (isinstance(column, Fact) and isinstance(other, Literal) and isinstance(other.value, str)):
            return True
        known = codes(self.subject, column.name)
        if not known or other.value in known:
            return True
        mend = did_you_mean(other.value, known) or f"one of {', '.join(known)}"
        place = next((n for n in node.find_all(exp.Literal) if n.name == other.value), node)
        self.problem(place, f"{column.name} is never {clean(other.value, 60)!r}", mend)
        return False

    def _refuse(self, node: Node, name: str = "") -> Expression | None:
        otherwise = (f"{type(node).__name__} is not allowed", "see the operators that a predicate may use")
        self.problem(node, *(why(node, name) or otherwise))
        return None


def _arguments(node: Node) -> list[Node]:
    out: list[Node] = []
    for name in node.arg_types:
        held = node.args.get(name)
        out.extend(held if isinstance(held, list) else [] if held is None else [held])
    return out


def _number_type(held: int | float) -> Type:
    return Type.INTEGER if isinstance(held, int) else Type.NUMBER


def _type(node: Expression) -> Type:
    match node:
        case Fact(_, kind) | Given(_, kind) | Literal(_, kind):
            return kind
        case Call(function, _):
            return FUNCTIONS[function].result
        case _:
            return Type.BOOLEAN

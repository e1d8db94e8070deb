"""Trying a rule on made-up facts before it judges real ones.

The language of predicates is three-valued by construction; this is the second look, by trial. For each column a
few telling values are taken from the predicates themselves (the values compared with, and their neighbours), and
every combination is tried, up to a bound. That shows a rule that can say only one thing, a rule that would order
somebody whom its power does not address, and any predicate that gives a missing fact an answer.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from inventories.kinds import Type
from policies.expressions import (
    AS_OF,
    Call,
    Compare,
    Expression,
    Fact,
    Given,
    Literal,
    OneOf,
    compiled,
    facts,
    walk,
)
from policies.functions import shift_months
from policies.subjects import codes, columns_of

#: Beyond this many combinations nothing is concluded from trial.
MAX_TRIALS = 20_000
#: Combinations in which facts are taken away one by one.
MAX_REMOVALS = 400

LEVEL = "level_of_government"
_ELSE = "\N{CURRENCY SIGN}"
_SAMPLE_DAY = date(2020, 6, 1)
_SAMPLES: Mapping[Type, object] = {
    Type.DATE: _SAMPLE_DAY,
    Type.INTEGER: 12,
    Type.NUMBER: 12.0,
    Type.BOOLEAN: True,
    Type.TEXT: _ELSE,
}
#: The clock of the trial: any day will do, as long as it is the same one.
_TRIAL_DAY = date(2026, 6, 15)


@dataclass(frozen=True, slots=True)
class Doubt:
    """What trial has shown to be wrong, with the part of the rule that is to blame."""

    part: str
    what: str
    mend: str


def doubts(
    subject: str,
    applies: Expression | None,
    violation: Expression,
    given: Mapping[str, object],
    levels: Sequence[str] = (),
) -> list[Doubt]:
    """What is wrong with a rule, as far as trial shows it.

    ``applies`` is None where the rule applies to all; ``levels`` are those that the rule's power addresses (empty:
    no power, or any). Outside values that ``given`` lacks are made up.
    """
    trees = [tree for tree in (applies, violation) if tree is not None]
    made_up = {**_made_up(trees), **{k: v for k, v in given.items() if v is not None}, AS_OF: _TRIAL_DAY}
    domains = _domains(subject, trees, made_up)
    if levels:
        domains[LEVEL] = list(codes(subject, LEVEL))
    if math.prod(map(len, domains.values())) > MAX_TRIALS:
        return []
    rows = [dict(zip(domains, combination, strict=True)) for combination in itertools.product(*domains.values())]
    rows = list(_plausible(trees, rows, made_up))
    binds = compiled(applies, made_up) if applies is not None else lambda _row: True
    broken = compiled(violation, made_up)
    judged = [(row, binds(row), broken(row)) for row in rows]
    return [*_one_sided(judged, applies is not None), *_misaddressed(judged, levels), *_guesses(trees, rows, made_up)]


_Judged = list[tuple[dict[str, object], bool | None, bool | None]]


def _one_sided(judged: _Judged, has_applies: bool) -> Iterator[Doubt]:
    if has_applies and not any(applies for _row, applies, _violation in judged):
        yield Doubt("applies", "can never be true, so the rule applies to nothing", "see its values")
        return
    if has_applies and all(applies for _row, applies, _violation in judged):
        yield Doubt("applies", "is always true", "leave it out: a rule without it applies to all")
    verdicts = {violation for _row, applies, violation in judged if applies}
    if True not in verdicts:
        yield Doubt("violation", "can never be true where the rule applies", "see its values")
    elif False not in verdicts:
        yield Doubt("violation", "is always true where the rule applies", "move a condition out of 'applies'")


def _misaddressed(judged: _Judged, levels: Sequence[str]) -> Iterator[Doubt]:
    found = {row[LEVEL] for row, applies, violation in judged if levels and applies and violation}
    strangers = sorted(str(level) for level in found if level not in levels)
    if strangers:
        bound = ", ".join(strangers)
        what = f"the power addresses {', '.join(levels)} departments only, and the rule also binds {bound}"
        yield Doubt("power", what, f"name {LEVEL} in 'applies', or name no power")


def _guesses(
    trees: Sequence[Expression], rows: Sequence[dict[str, object]], given: Mapping[str, object]
) -> Iterator[Doubt]:
    """A predicate that answers without a fact what it would not answer with it."""
    step = max(1, len(rows) // MAX_REMOVALS)
    for tree in trees:
        answer, named = compiled(tree, given), facts(tree)
        if answer({}) is not None:
            yield Doubt("violation", "answers although nothing at all is known", "let NULL stay unknown")
        for row in rows[::step]:
            whole = answer(row)
            for name in named:
                part = answer({**row, name: None})
                if part is not None and part != whole:
                    yield Doubt("violation", f"answers although {name} is not known", "let NULL stay unknown")
                    return


def _made_up(trees: Sequence[Expression]) -> dict[str, object]:
    found = [node for tree in trees for node in walk(tree) if isinstance(node, Given)]
    return {node.name: _SAMPLES[node.type] for node in found}


def _domains(subject: str, trees: Sequence[Expression], given: Mapping[str, object]) -> dict[str, list[object]]:
    named = {node.name: node.type for tree in trees for node in walk(tree) if isinstance(node, Fact)}
    texts = _compared_texts(trees)
    numbers = {float(v) for v in given.values() if isinstance(v, (int, float)) and not isinstance(v, bool)}
    numbers |= {
        float(node.value)
        for tree in trees
        for node in walk(tree)
        if isinstance(node, Literal) and isinstance(node.value, (int, float)) and node.type is not Type.BOOLEAN
    }
    days = _days(trees, given, sorted(int(n) for n in numbers))
    out: dict[str, list[object]] = {}
    for name, kind in named.items():
        match kind:
            case Type.BOOLEAN:
                out[name] = [True, False]
            case Type.DATE:
                out[name] = list(days)
            case Type.INTEGER | Type.NUMBER:
                around = {n + d for n in numbers for d in (-1, 0, 1)}
                out[name] = [*sorted(around or {0.0, 1.0})]
            case Type.TEXT:
                out[name] = [*texts.get(name, ()), _other(subject, name, texts.get(name, ()))]
            case Type.TEXTS:
                held = texts.get(name, ())
                out[name] = [*((t,) for t in held), held, (_other(subject, name, held),)]
    return out


def _compared_texts(trees: Sequence[Expression]) -> dict[str, tuple[str, ...]]:
    """The texts that each column is compared with; two columns compared with each other share theirs."""
    out: dict[str, dict[str, None]] = {}
    for node in (node for tree in trees for node in walk(tree)):
        match node:
            case Compare(_, left, right):
                parts: tuple[Expression, ...] = (left, right)
            case OneOf(item, values):
                parts = (item, *values)
            case Call(_, arguments):
                parts = arguments
            case _:
                continue
        found = {p.value: None for p in parts if isinstance(p, Literal) and isinstance(p.value, str)}
        for part in parts:
            if isinstance(part, Fact):
                out.setdefault(part.name, {}).update(found)
    return {name: tuple(found) for name, found in out.items()}


def _other(subject: str, name: str, held: Sequence[str]) -> str:
    """A value that no comparison names; one of the enumeration's where there is one left."""
    known = codes(subject, name) if name in columns_of(subject) else ()
    return next((code for code in known if code not in held), _ELSE)


def _days(trees: Sequence[Expression], given: Mapping[str, object], amounts: Sequence[int]) -> list[date]:
    """Dates at and beside every boundary that the predicates draw."""
    bases = {v for v in given.values() if isinstance(v, date)}
    bases |= {n.value for t in trees for n in walk(t) if isinstance(n, Literal) and isinstance(n.value, date)}
    functions = {node.function for tree in trees for node in walk(tree) if isinstance(node, Call)}
    out = set(bases)
    for base in bases:
        for amount in amounts:
            try:
                if functions & {"days_since", "add_days"}:
                    out |= {base + timedelta(days=amount), base - timedelta(days=amount)}
                if "add_months" in functions:
                    out |= {shift_months(base, amount), shift_months(base, -amount)}
            except OverflowError:
                continue
    return sorted({day + timedelta(days=d) for day in out for d in (-1, 0, 1)})


def _plausible(
    trees: Sequence[Expression], rows: Iterable[dict[str, object]], given: Mapping[str, object]
) -> Iterator[dict[str, object]]:
    """The rows in which milestones stand in order: nothing goes live before it was begun."""
    calls = [
        node for tree in trees for node in walk(tree) if isinstance(node, Call) and node.function == "begun_since"
    ]
    milestones = [[compiled(argument, given) for argument in call.arguments[1:]] for call in calls]
    for row in rows:
        days = [[day(row) for day in one] for one in milestones]
        if not any(later < start for start, *rest in days for later in rest):
            yield row

"""What a rule can still say when some facts can never be known: three-valued logic over sets of answers.

A column without a source is NULL for every asset. Each condition is followed with all that its other columns might
hold, which gives the set of answers that it can come to; nothing is judged, and no data is needed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import product

from inventories.kinds import Type
from policies.expressions import Call, Compare, Every, Expression, Fact, Given, Negation, OneOf, Some, children
from policies.model import Pack, Rule
from policies.trees import trees_of

Answers = frozenset[bool | None]
_ANY: Answers = frozenset({True, False, None})
_NULL: Answers = frozenset({None})

#: These answer NULL only where the first two arguments are both NULL: a later milestone may tell as well.
_BEGUN = "begun_since"


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a rule can come to. ``lacking`` are those of its columns that nothing can fill."""

    rule: Rule
    lacking: tuple[str, ...]
    can_violate: bool
    can_comply: bool

    @property
    def stays_unknown(self) -> bool:
        """Whether it can say nothing but unknown (or not applicable) of any asset."""
        return not self.can_violate and not self.can_comply


def prospect(pack: Pack, rule: Rule, missing: Collection[str]) -> Prospect:
    """What a rule can come to where the columns ``missing`` of its subject are NULL everywhere.

    Settings that the site has not given, which the rule waits for, are NULL too.
    """
    applies, violation = trees_of(pack, rule)
    absent = (frozenset(missing), frozenset(rule.waits_for))
    binds = True in (answers(applies, *absent) if applies is not None else _ANY)
    if rule.needs_date and pack.in_force_from is None:
        binds = False
    found = answers(violation, *absent)
    lacking = tuple(name for name in rule.columns if name in absent[0])
    return Prospect(rule, lacking, binds and True in found, binds and False in found)


def answers(node: Expression, missing: frozenset[str], waiting: frozenset[str] = frozenset()) -> Answers:
    """The answers that a condition can come to, whatever the columns hold that are not missing."""
    match node:
        case Negation(part):
            return frozenset(None if one is None else not one for one in answers(part, missing, waiting))
        case Every(parts):
            return _combined([answers(part, missing, waiting) for part in parts], decides=False)
        case Some(parts):
            return _combined([answers(part, missing, waiting) for part in parts], decides=True)
        case Fact(name, Type.BOOLEAN):
            return _NULL if name in missing else _ANY
        case Given(name, Type.BOOLEAN):
            return _NULL if name in waiting else _ANY
        case Compare() | OneOf():
            return _NULL if _lacks(node, missing, waiting) else _ANY
        case Call(function, (bound, start, *later)) if function == _BEGUN:
            if _lacks(bound, missing, waiting):
                return _NULL
            if not _lacks(start, missing, waiting):
                return _ANY
            told = not all(_lacks(day, missing, waiting) for day in later)
            return frozenset({False, None}) if told else _NULL
        case _:
            return _NULL if _lacks(node, missing, waiting) else _ANY


def _lacks(node: Expression, missing: frozenset[str], waiting: frozenset[str]) -> bool:
    """Whether a value is NULL whatever else is known: something that it is made of is."""
    match node:
        case Fact(name):
            return name in missing
        case Given(name):
            return name in waiting
        case Call(function, (bound, start, *later)) if function == _BEGUN:
            gone = _lacks(start, missing, waiting) and all(_lacks(day, missing, waiting) for day in later)
            return gone or _lacks(bound, missing, waiting)
        case _:
            return any(_lacks(child, missing, waiting) for child in children(node))


def _combined(parts: list[Answers], *, decides: bool) -> Answers:
    """Kleene's and (``decides`` False) or or, over every choice of answers, two parts at a time."""
    out: Answers = frozenset({not decides})
    for part in parts:
        out = frozenset(_kleene(a, b, decides) for a, b in product(out, part))
    return out


def _kleene(a: bool | None, b: bool | None, decides: bool) -> bool | None:
    if decides in (a, b):
        return decides
    return None if None in (a, b) else not decides

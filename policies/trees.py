"""The parsed form of a predicate, wherever it was parsed: in this process, or by an earlier one that kept it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from inventories.faults import Fault, Faults
from inventories.kinds import Type
from policies.expressions import AS_OF, Expression
from policies.model import Pack, Rule

IN_FORCE_FROM = "in_force_from"

Names = tuple[tuple[str, Type], ...]

_TREES: dict[tuple[str, str, Names], Expression] = {}
_MAX_TREES = 10_000


def names_of(settings: Mapping[str, str]) -> Names:
    """The outside values that a pack's predicates may name, from its settings' types."""
    out = {IN_FORCE_FROM: Type.DATE, **{name: Type(kind) for name, kind in settings.items()}}
    return tuple(sorted(out.items()))


def remember(text: str, subject: str, names: Names, tree: Expression) -> None:
    """Spares :func:`tree_of` the parsing; the tree must be that of the text."""
    if len(_TREES) >= _MAX_TREES:
        _TREES.clear()
    _TREES[text, subject, names] = tree


def tree_of(text: str, subject: str, names: Names) -> Expression:
    """The tree of a predicate. :class:`Faults` for one that no loader would have let through."""
    key = (text, subject, names)
    if key not in _TREES:
        from policies.predicate import parse_predicate

        parsed = parse_predicate(text, subject, names)
        if parsed.tree is None:
            raise Faults([Fault(subject, f"{text!r}: {problem.what}", problem.mend) for problem in parsed.problems])
        remember(text, subject, names, parsed.tree)
    return _TREES[key]


def trees_of(pack: Pack, rule: Rule) -> tuple[Expression | None, Expression]:
    """What a rule's ``applies`` (None: it applies to all) and ``violation`` parse to."""
    names = names_of({name: setting.type for name, setting in pack.settings.items()})
    applies = tree_of(rule.applies, rule.subject, names) if rule.applies else None
    return applies, tree_of(rule.violation, rule.subject, names)


def given(pack: Pack, as_of: date) -> dict[str, object]:
    """The outside values of a pack on a day; None where nobody has supplied one."""
    settings = {name: setting.value for name, setting in pack.settings.items()}
    return {**settings, IN_FORCE_FROM: pack.in_force_from, AS_OF: as_of}

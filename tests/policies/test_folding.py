"""Predicates made cheaper: the same answer for every row."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.kinds import Type
from policies.expressions import Call, Compare, Every, Expression, Fact, Literal, Negation, Some, value
from policies.folding import folded

NAMES = ("built_on", "go_live_on")
AS_OF = date(2026, 2, 28)
GIVEN = {"as_of": AS_OF, "months": 12}

days = st.dates(date(2019, 1, 1), date(2028, 12, 31))
columns = st.sampled_from(NAMES).map(lambda name: Fact(name, Type.DATE))
amounts = st.integers(-40, 40).map(lambda n: Literal(n, Type.INTEGER))
constants: st.SearchStrategy[Expression] = days.map(lambda day: Literal(day, Type.DATE))
bounds = st.one_of(
    constants,
    st.builds(lambda day, n: Call("add_months", (day, n)), constants, amounts),
)
counted = st.builds(
    lambda name, column, n: Call(name, (column, n)), st.sampled_from(("add_days", "add_months")), columns, amounts
)
operators = st.sampled_from(("<", "<=", ">", ">=", "=", "<>"))
comparisons = st.one_of(
    st.builds(Compare, operators, counted, bounds),
    st.builds(Compare, operators, bounds, counted),
    st.builds(Compare, operators, counted, columns),
    st.builds(
        lambda op, column, n: Compare(op, Call("days_since", (column,)), n),
        operators,
        columns,
        st.integers(-900, 900).map(lambda n: Literal(n, Type.INTEGER)),
    ),
)
trees = st.recursive(
    comparisons,
    lambda part: st.one_of(
        st.lists(part, min_size=1, max_size=3).map(lambda parts: Every(tuple(parts))),
        st.lists(part, min_size=1, max_size=3).map(lambda parts: Some(tuple(parts))),
        part.map(Negation),
    ),
    max_leaves=5,
)
rows = st.fixed_dictionaries({name: st.none() | days for name in NAMES})


@settings(max_examples=400, deadline=None)
@given(tree=trees, row=rows)
def test_a_folded_tree_says_the_same(tree: Expression, row: dict[str, object]) -> None:
    assert value(folded(tree, GIVEN), row, GIVEN) == value(tree, row, GIVEN)


@settings(max_examples=300, deadline=None)
@given(tree=comparisons, offset=st.integers(-40, 40))
def test_also_beside_the_boundary(tree: Expression, offset: int) -> None:
    """Rows around the very day on which the answer changes."""
    after = folded(tree, GIVEN)
    if isinstance(after, Compare) and isinstance(after.right, Literal) and isinstance(after.right.value, date):
        day = date.fromordinal(after.right.value.toordinal() + offset)
        row = dict.fromkeys(NAMES, day)
        assert value(after, row, GIVEN) == value(tree, row, GIVEN)


@pytest.mark.parametrize(
    ("tree", "column", "op", "day"),
    [
        # 31 January and one month, 29 January and one month: the last day of February both.
        (("add_months", 1, "<=", date(2026, 2, 28)), "built_on", "<=", date(2026, 1, 31)),
        (("add_months", 1, "<", date(2026, 2, 28)), "built_on", "<=", date(2026, 1, 27)),
        (("add_months", 12, ">=", date(2025, 2, 28)), "built_on", ">", date(2024, 2, 27)),
        (("add_days", 30, ">", date(2026, 3, 1)), "built_on", ">", date(2026, 1, 30)),
    ],
)
def test_a_date_counted_on(tree: tuple[str, int, str, date], column: str, op: str, day: date) -> None:
    function, amount, word, bound = tree
    item = Call(function, (Fact("built_on", Type.DATE), Literal(amount, Type.INTEGER)))
    found = folded(Compare(word, item, Literal(bound, Type.DATE)), GIVEN)
    assert found == Compare(op, Fact(column, Type.DATE), Literal(day, Type.DATE))


def test_what_is_not_known_stays_unknown() -> None:
    item = Call("add_months", (Fact("built_on", Type.DATE), Literal(1, Type.INTEGER)))
    tree = Compare("<", item, Call("add_months", (Literal(date.max, Type.DATE), Literal(1, Type.INTEGER))))
    assert folded(tree, GIVEN) == tree
    assert value(folded(tree, GIVEN), {"built_on": date(2020, 1, 1)}, GIVEN) is None

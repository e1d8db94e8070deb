"""The two meanings of a predicate, in SQL and in Python, are one; and no missing fact ever becomes an answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventories.kinds import DUCKDB_TYPES, Type
from policies.cache import decode, encode
from policies.expressions import (
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
    compiled,
    constant,
    sql,
    value,
)
from policies.functions import FUNCTIONS, shift_months
from policies.prospects import answers
from policies.statements import identifier

#: A few columns of a system, one or two of each type.
COLUMNS = {
    "status": Type.TEXT,
    "code": Type.TEXT,
    "hosts_total": Type.INTEGER,
    "mlps_score": Type.NUMBER,
    "is_registered": Type.BOOLEAN,
    "approval_absent": Type.BOOLEAN,
    "built_on": Type.DATE,
    "go_live_on": Type.DATE,
    "hosting": Type.TEXTS,
}
OUTSIDE: dict[str, object] = {"as_of": date(2026, 6, 30), "in_force_from": date(2021, 2, 9), "merged_on": None}

days = st.sampled_from([date(2021, 2, 9) + timedelta(days=d) for d in (-31, -1, 0, 1, 28)] + [date(2024, 2, 29)])
texts = st.sampled_from(["running", "retired", "", "it's", "上云", "own_room"])
numbers = st.integers(-2, 3)
VALUES: dict[Type, st.SearchStrategy[Any]] = {
    Type.TEXT: texts,
    Type.INTEGER: numbers,
    Type.NUMBER: st.sampled_from([-0.5, 0.0, 0.6, 2.0]),
    Type.BOOLEAN: st.booleans(),
    Type.DATE: days,
    Type.TEXTS: st.lists(texts, max_size=3),
}
rows = st.fixed_dictionaries({name: st.none() | VALUES[kind] for name, kind in COLUMNS.items()})


def literals(kind: Type) -> st.SearchStrategy[Expression]:
    return VALUES[kind].map(lambda held: Literal(held, kind))


def columns(kind: Type) -> st.SearchStrategy[Expression]:
    return st.sampled_from([Fact(name, k) for name, k in COLUMNS.items() if k is kind])


dates: st.SearchStrategy[Expression] = st.deferred(
    lambda: (
        columns(Type.DATE)
        | literals(Type.DATE)
        | st.sampled_from(
            [Given("as_of", Type.DATE), Given("in_force_from", Type.DATE), Given("merged_on", Type.DATE)]
        )
        | st.builds(
            lambda f, d, n: Call(f, (d, Literal(n, Type.INTEGER))),
            st.sampled_from(["add_days", "add_months"]),
            dates,
            st.integers(-14, 14),
        )
    )
)
integers = columns(Type.INTEGER) | literals(Type.INTEGER) | st.builds(lambda d: Call("days_since", (d,)), dates)
order = st.sampled_from(["<", "<=", ">", ">="])
any_op = order | st.sampled_from(["=", "<>"])
leaves: st.SearchStrategy[Expression] = st.one_of(
    columns(Type.BOOLEAN),
    st.builds(Compare, any_op, dates, dates),
    st.builds(Compare, any_op, integers, integers),
    st.builds(Compare, order, columns(Type.NUMBER), literals(Type.NUMBER)),
    st.builds(Compare, st.sampled_from(["=", "<>"]), columns(Type.TEXT), columns(Type.TEXT) | literals(Type.TEXT)),
    st.builds(
        lambda c, v: OneOf(c, tuple(v)), columns(Type.TEXT), st.lists(literals(Type.TEXT), min_size=1, max_size=3)
    ),
    st.builds(lambda c, v: Call("has", (c, v)), columns(Type.TEXTS), literals(Type.TEXT)),
    st.builds(
        lambda c, v: Call("has_any", (c, *v)),
        columns(Type.TEXTS),
        st.lists(literals(Type.TEXT), min_size=1, max_size=3),
    ),
    st.builds(lambda a, b, c: Call("begun_since", (a, b, *c)), dates, dates, st.lists(dates, min_size=1, max_size=2)),
)


def junctions(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Every, several) | st.builds(Some, several) | st.builds(Negation, inner)


trees = st.recursive(leaves, junctions, max_leaves=6)


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


@given(tree=trees, row=rows)
@settings(max_examples=250)
def test_sql_and_python_agree(db: duckdb.DuckDBPyConnection, tree: Expression, row: dict[str, Any]) -> None:
    names = [f"CAST(? AS {DUCKDB_TYPES[kind]}) AS {identifier(name)}" for name, kind in COLUMNS.items()]
    query = f"SELECT {sql(tree, identifier, OUTSIDE)} FROM (SELECT {', '.join(names)})"
    ((judged,),) = db.execute(query, [row[name] for name in COLUMNS]).fetchall()
    assert judged == value(tree, row, OUTSIDE)


@given(tree=trees, row=rows, forgotten=st.sets(st.sampled_from(sorted(COLUMNS))))
def test_a_compiled_tree_means_the_same(tree: Expression, row: dict[str, Any], forgotten: set[str]) -> None:
    known = {name: held for name, held in row.items() if name not in forgotten}
    assert compiled(tree, OUTSIDE)(known) == value(tree, known, OUTSIDE)


@given(tree=trees, row=rows, missing=st.sets(st.sampled_from(sorted(COLUMNS))))
def test_what_a_tree_can_come_to_without_some_columns_is_foreseen(
    tree: Expression, row: dict[str, Any], missing: set[str]
) -> None:
    """Never does a rule answer that was said to stay unknown."""
    known = {name: None if name in missing else held for name, held in row.items()}
    waiting = frozenset(name for name, held in OUTSIDE.items() if held is None)
    assert value(tree, known, OUTSIDE) in answers(tree, frozenset(missing), waiting)


def without_begun_since(tree: Expression) -> bool:
    return "begun_since" not in str(encode(tree))


@given(tree=trees.filter(without_begun_since), row=rows, forgotten=st.sets(st.sampled_from(sorted(COLUMNS))))
def test_a_missing_fact_never_becomes_an_answer(tree: Expression, row: dict[str, Any], forgotten: set[str]) -> None:
    """What is known of the part is known of the whole: forgetting facts can only lead to NULL."""
    whole = value(tree, row, OUTSIDE)
    part = value(tree, {name: None if name in forgotten else held for name, held in row.items()}, OUTSIDE)
    assert part is None or part == whole


@given(start=days, later=st.lists(days, min_size=1, max_size=2), forgotten=st.sets(st.integers(0, 2)))
def test_begun_since_never_guesses_about_milestones_in_order(
    start: date, later: list[date], forgotten: set[int]
) -> None:
    bound = date(2021, 2, 9)
    milestones = [start, *(max(start, day) for day in later)]
    known = [None if i in forgotten else day for i, day in enumerate(milestones)]
    begun = FUNCTIONS["begun_since"].value
    part = begun([bound, *known], date(2026, 1, 1))
    assert part is None or part == begun([bound, *milestones], date(2026, 1, 1))


@given(tree=trees)
def test_a_tree_survives_being_kept(tree: Expression) -> None:
    assert decode(encode(tree), "system") == tree


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        ["fact", "no_such_column", "text"],
        ["fact", "status", "date"],
        ["given", "x'; drop table y", "date"],
        ["compare", "; drop", ["fact", "status", "text"], ["literal", "x", "text"]],
        ["one_of", ["fact", "status", "text"], []],
        ["one_of", ["fact", "status", "text"], [["fact", "status", "text"]]],
        ["call", "read_csv", [["literal", "/etc/passwd", "text"]]],
        ["literal", None, "text"],
        ["literal", "2026-13-01", "date"],
        ["sql", "1=1"],
    ],
)
def test_what_is_no_tree_is_not_read_as_one(data: object) -> None:
    with pytest.raises(ValueError):
        decode(data, "system")


def test_constants_cannot_break_out() -> None:
    assert constant("'; DROP TABLE x; --", Type.TEXT) == "'''; DROP TABLE x; --'"
    assert constant(None, Type.DATE) == "CAST(NULL AS DATE)"
    assert constant(True, Type.BOOLEAN) == "TRUE"
    assert constant(date(21, 2, 9), Type.DATE) == "DATE '0021-02-09'"


@pytest.mark.parametrize(
    ("day", "months", "shifted"),
    [
        (date(2024, 2, 29), -12, date(2023, 2, 28)),
        (date(2021, 1, 31), 1, date(2021, 2, 28)),
        (date(2021, 11, 30), 3, date(2022, 2, 28)),
        (date(2021, 1, 15), -1, date(2020, 12, 15)),
    ],
)
def test_shift_months(day: date, months: int, shifted: date) -> None:
    assert shift_months(day, months) == shifted


def test_dates_beyond_the_calendar_are_not_known() -> None:
    tree = Compare(
        "<", Call("add_months", (Fact("built_on", Type.DATE), Literal(1, Type.INTEGER))), Given("as_of", Type.DATE)
    )
    assert value(tree, {"built_on": date(9999, 12, 31)}, OUTSIDE) is None
    assert value(tree, {"built_on": date(2020, 1, 1)}, {}) is None

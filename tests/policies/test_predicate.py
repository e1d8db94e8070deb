"""The language of predicates: what it takes, what it refuses, and where it says the fault lies."""

from __future__ import annotations

from datetime import date

import pytest

from inventories.kinds import KINDS, Type
from policies.expressions import (
    Call,
    Compare,
    Every,
    Fact,
    Given,
    Literal,
    Negation,
    OneOf,
    Some,
    facts,
    givens,
    walk,
)
from policies.functions import FUNCTIONS
from policies.predicate import Parsed, parse_predicate
from policies.refusals import MAX_LENGTH

NAMES = (("in_force_from", Type.DATE), ("ratio", Type.INTEGER))


def parsed(text: str, subject: str = "system") -> Parsed:
    return parse_predicate(text, subject, NAMES)


def test_a_whole_predicate() -> None:
    tree = parsed("status in ('trial', 'running') and (not is_registered or built_on >= date '2021-02-09')").tree
    status, since = Fact("status", Type.TEXT), date(2021, 2, 9)
    assert tree == Every(
        (
            OneOf(status, (Literal("trial", Type.TEXT), Literal("running", Type.TEXT))),
            Some(
                (
                    Negation(Fact("is_registered", Type.BOOLEAN)),
                    Compare(">=", Fact("built_on", Type.DATE), Literal(since, Type.DATE)),
                )
            ),
        )
    )
    assert facts(tree) == ("status", "is_registered", "built_on")
    assert givens(tree) == ()


@pytest.mark.parametrize(
    "text",
    [
        "is_on_recognised_cloud",
        "not (not is_registered)",
        "is_registered = true",
        "status <> 'running'",
        "status not in ('retired', 'planned')",
        "mlps_level between 2 and 4",
        "mlps_score < 0.6",
        "hosts_total > -1",
        "built_on between date '2020-01-01' and in_force_from",
        "go_live_on > built_on",
        "has(hosting, 'own_room')",
        "has_any(hosting, 'own_room', 'public_cloud')",
        "days_since(mlps_assessed_on) > 365",
        "mlps_assessed_on < add_months(as_of, -12)",
        "add_days(go_live_on, 30) < as_of",
        "begun_since(in_force_from, construction_from, built_on, go_live_on)",
        "hosts_total >= ratio",
        "sector not in ('police', 'health')",
        "name = '它''s'",
        "status = 'running'\n  and\n  is_registered",
    ],
)
def test_accepted(text: str) -> None:
    assert parsed(text).problems == ()


@pytest.mark.parametrize(
    ("text", "offset", "what", "mend"),
    [
        ("staus = 'running'", 0, "no column 'staus'", "'status'"),
        ("Status = 'running'", 0, "no column 'Status'", "'status'"),
        ("is_registered and built_onn > as_of", 18, "no column 'built_onn'", "'built_on'"),
        ("status = 'runing'", 9, "status is never 'runing'", "'running'"),
        ("status in ('trial', 'runing')", 20, "status is never 'runing'", "'running'"),
        ("has(hosting, 'own_rom')", 13, "hosting is never 'own_rom'", "'own_room'"),
        ("sector = 'polce'", 9, "sector is never 'polce'", "'police'"),
        ("hass(hosting, 'own_room')", 0, "unknown function 'hass'", "'has'"),
        ("read_csv('/etc/passwd') = 'x'", 0, "unknown function 'read_csv'", "begun_since"),
        ("length(name) > 3", 0, "unknown function 'length'", "has"),
        ("exists(select 1 from systems)", 7, "sub-select", "one asset"),
        ("status in (select 1)", 11, "sub-select", "one asset"),
        ("(select true)", 1, "sub-select", "one asset"),
        ("row_number() over () > 1", 13, "window", "one asset"),
        ("sum(hosts_total) > 1", 0, "aggregate", "one asset"),
        ("count(*) > 1", 0, "aggregate", "one asset"),
        ("built_on >= '2021-02-09'", 0, "a date with text", "date 'YYYY-MM-DD'"),
        ("built_on >= date '2021-02-30'", 17, "no date", "YYYY-MM-DD"),
        ("hosts_total = 'many'", 0, "a whole number with text", ""),
        ("approval_no is null", 0, "blank for an absence", "approval_absent"),
        ("approval_no is not null", 0, "blank for an absence", "approval_absent"),
        ("approval_no isnull", 0, "blank for an absence", "approval_absent"),
        ("hosts_total is null", 0, "turns an unknown fact into an answer", "unknown by itself"),
        ("is_registered is not true", 0, "turn an unknown fact into an answer", "'not'"),
        ("is_registered is true", 0, "turn an unknown fact into an answer", ""),
        ("is_registered is distinct from true", 0, "turns an unknown fact", "NULL"),
        ("coalesce(is_registered, true)", 0, "turns an unknown fact", "NULL"),
        ("if(is_registered, true, false)", 3, "turns an unknown fact", "NULL"),
        ("case when is_registered then true end", 0, "turns an unknown fact", "NULL"),
        ("status = null", 0, "turns an unknown fact", "NULL"),
        ("current_date > built_on", 0, "clock", "as_of"),
        ("now() > built_on", 0, "clock", "as_of"),
        ("hosts_total / 2 > 1", 0, "division", "compare"),
        ("hosts_total % 2 = 1", 0, "division", "compare"),
        ("hosts_total + 1 > 2", 0, "arithmetic", "add_days"),
        ("name like 'a%'", 0, "pattern", "= or in"),
        ("name ~ 'a.*'", 0, "pattern", "= or in"),
        ("cast(code as int) = 1", 5, "cast", "date"),
        ("code::int = 1", 4, "cast", "date"),
        ("mlps_score = 0.5", 0, "never surely equal", "<"),
        ("status < 'running'", 0, "no order", "= or in"),
        ("hosting = 'own_room'", 0, "a list with text", ""),
        ("addresses = urls", 0, "list cannot be compared", "has"),
        ("has(status, 'running')", 0, "takes a list", "has(list"),
        ("has(hosting, status)", 0, "written-out", "has(list"),
        ("has(hosting)", 0, "takes 2 arguments", "has(list"),
        ("add_months(built_on, 999999) > as_of", 0, "out of range", "at most"),
        ("status", 0, "is text, not a condition", "compare"),
        ("as_of > date '2020-01-01'", 0, "names no column", "name a column"),
        ("true", 0, "names no column", "name a column"),
        ("1 = 1", 0, "two constants", "name a column"),
        ("is_registered and true", 0, "constant", "leave it out"),
        ("status in ()", 0, "no values", "write"),
        ("hosts_total > 99999999999999999999", 14, "sensible size", ""),
        ("hosts_total > 1e400", 14, "sensible size", ""),
        ("\"status\" = 'running'", 0, "plain column name", "alone"),
        ("s.status = 'running'", 0, "plain column name", "alone"),
        ("hosting[1] = 'own_room'", 0, "not allowed", "operators"),
        ("status = 'running' -- and is_registered", 9, "comment", "note"),
        ("status /* x */ = 'running'", 0, "comment", "note"),
        ("is_registered; drop table x", 13, "';'", "one condition"),
        ("is_registered and", 16, "no SQL condition", "operators"),
        ("name = 'abc", 0, "no SQL condition", "operators"),
        ("", 0, "is empty", ""),
        ("($1 = status)", 6, "not allowed", "operators"),
        ("not not not is_registered", 8, "nested too deeply", "simply"),
    ],
)
def test_refused(text: str, offset: int, what: str, mend: str) -> None:
    result = parsed(text)
    assert result.tree is None
    problem = result.problems[0]
    assert what in problem.what
    assert mend in problem.mend
    assert problem.offset == offset


def test_all_problems_at_once() -> None:
    found = parsed("staus = 'running' and built_onn > as_of and status = 'runing'").problems
    assert [p.offset for p in found] == [0, 22, 53]


def test_depth_and_length_are_bounded_before_anything_is_parsed() -> None:
    assert "deeply" in parsed("(" * 400 + "is_registered" + ")" * 400).problems[0].what
    assert "longer" in parsed("is_registered and " * (MAX_LENGTH // 10)).problems[0].what
    long = " and ".join(["is_registered"] * 50)
    assert parsed(long).tree is not None


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_column_can_be_named(kind: str) -> None:
    """No column's name is a word that the parser keeps for itself."""
    for column in KINDS[kind].all_columns:
        found = [p.what for p in parsed(f"{column.name} = {column.name}", kind).problems]
        assert not any("no column" in what or "no SQL" in what or "not allowed" in what for what in found), (
            column.name
        )


def test_every_function_can_be_called() -> None:
    values = {Type.TEXTS: "hosting", Type.DATE: "built_on", Type.INTEGER: "3", Type.TEXT: "'own_room'"}
    for function in FUNCTIONS.values():
        call = f"{function.name}({', '.join(values[p.type] for p in function.parameters)})"
        whole = call if function.result is Type.BOOLEAN else f"{call} > {values[function.result]}"
        tree = parsed(whole).tree
        assert tree is not None, whole
        assert any(isinstance(node, Call) and node.function == function.name for node in walk(tree))


def test_settings_are_named_with_their_types() -> None:
    tree = parsed("built_on >= in_force_from").tree
    assert tree is not None
    assert tree == Compare(">=", Fact("built_on", Type.DATE), Given("in_force_from", Type.DATE))
    assert "a date with a whole number" in parsed("built_on >= ratio").problems[0].what

"""Trying rules on made-up facts before they judge real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

import pytest

from inventories.kinds import Type
from policies.expressions import Expression, Fact, Negation
from policies.predicate import parse_predicate
from policies.soundness import doubts

NAMES = (("in_force_from", Type.DATE), ("merged_on", Type.DATE))
GIVEN = {"in_force_from": date(2021, 2, 9)}


def tree(text: str, subject: str = "system") -> Expression:
    parsed = parse_predicate(text, subject, NAMES)
    assert parsed.tree is not None, parsed.problems
    return parsed.tree


@pytest.mark.parametrize(
    ("applies", "violation", "part", "what"),
    [
        ("status = 'running' and status = 'retired'", "is_registered", "applies", "can never be true"),
        ("built_on >= as_of and built_on < as_of", "is_registered", "applies", "can never be true"),
        ("is_registered or not is_registered", "approval_absent", "applies", "always true"),
        ("status = 'running'", "status = 'retired'", "violation", "can never be true where"),
        ("status = 'running'", "status <> 'retired'", "violation", "always true where"),
        ("", "approval_absent and not approval_absent", "violation", "can never be true where"),
        ("", "name = name", "violation", "always true where"),
        ("built_on >= in_force_from", "built_on < in_force_from", "violation", "can never be true where"),
        ("days_since(built_on) > 365", "days_since(built_on) > 30", "violation", "always true where"),
        ("has(hosting, 'own_room')", "not has_any(hosting, 'own_room', 'gov_cloud')", "violation", "can never be"),
    ],
)
def test_a_rule_that_can_say_only_one_thing(applies: str, violation: str, part: str, what: str) -> None:
    found = doubts("system", tree(applies) if applies else None, tree(violation), GIVEN)
    assert [(d.part, what in d.what) for d in found] == [(part, True)]


@pytest.mark.parametrize(
    ("applies", "violation"),
    [
        ("status in ('building', 'running')", "not is_on_recognised_cloud"),
        ("built_on >= in_force_from", "approval_absent"),
        ("built_on >= merged_on", "days_since(built_on) > 30"),
        ("", "mlps_assessed_on < add_months(as_of, -12) or mlps_assessment_absent"),
        ("mlps_level >= 2", "mlps_score < 0.6"),
        ("begun_since(in_force_from, construction_from, built_on, go_live_on)", "approval_absent"),
    ],
)
def test_sound_rules(applies: str, violation: str) -> None:
    assert doubts("system", tree(applies) if applies else None, tree(violation), GIVEN) == []


@pytest.mark.parametrize("applies", ["", "status = 'running'", "level_of_government in ('city', 'county')"])
def test_an_order_only_for_those_whom_its_power_addresses(applies: str) -> None:
    found = doubts("system", tree(applies) if applies else None, tree("approval_absent"), GIVEN, ["city"])
    assert [d.part for d in found] == ["power"]
    assert "county" in found[0].what


def test_an_order_for_those_whom_its_power_addresses() -> None:
    applies = tree("level_of_government = 'city' and status = 'running'")
    assert doubts("system", applies, tree("approval_absent"), GIVEN, ["city"]) == []


def test_a_predicate_that_guesses_is_found_by_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """The language cannot say it, so the meaning of ``not`` is broken for the test."""
    import policies.soundness as soundness

    honest = soundness.compiled

    def guessing(node: Expression, given: Mapping[str, object]) -> Callable[[Mapping[str, object]], object]:
        answer = honest(node, given)
        return lambda row: True if isinstance(node, Negation) and answer(row) is None else answer(row)

    monkeypatch.setattr(soundness, "compiled", guessing)
    found = doubts("system", None, Negation(Fact("is_registered", Type.BOOLEAN)), GIVEN)
    assert any("nothing at all is known" in d.what for d in found)
    assert any("is_registered is not known" in d.what for d in found)


def test_too_many_combinations_conclude_nothing() -> None:
    texts = " and ".join(
        f"{name} in ('a', 'b', 'c', 'd', 'e')" for name in ("code", "name", "project_code", "functions")
    )
    impossible = f"{texts} and mlps_filing_no in ('a', 'b', 'c', 'd', 'e') and budget_funds in ('a', 'b', 'c')"
    assert doubts("system", None, tree(f"{impossible} and code <> code"), GIVEN) == []

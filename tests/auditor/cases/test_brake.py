"""The brake: a run that accuses so many, or rests on so little, stops before a paper exists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.cases import brake
from auditor.cases.brake import Ground
from auditor.cases.drafting import Drafted, SecondLook
from auditor.cases.qualify import Candidate
from auditor.errors import Refused
from auditor.site_office import BrakeConfig
from reports.model import DepartmentView, FactView, FindingView
from reports.papers.view import Form
from tests.auditor.cases.office import DRAFTER, MIGRATE, REVIEWER, UNAPPROVED, WRONGS, Office


def fact(column: str, shown: str = "", source: str = "registers/s.csv!3", strength: str = "declared") -> FactView:
    return FactView(column, column, shown, shown, source, None, strength)


def finding(number: int, *facts: FactView, rule: str = "p/r", subject: str = "system", key: str = "") -> FindingView:
    known: dict[str, Any] = dict.fromkeys(FindingView.__dataclass_fields__, "")
    return FindingView(
        **known
        | {"id": f"F{number}", "rule": rule, "subject": subject, "asset_key": key or f"S{number}", "facts": facts}
    )


def paper(department: str, *items: FindingView) -> Candidate:
    return Candidate(Form.LETTER, DepartmentView(department, department), "p", None, department, items)


CITY = Ground(departments=10, systems=100, known_rules=frozenset({"p/r"}))
LIMITS = BrakeConfig(departments=0.5, systems=0.3, findings=20)


def test_half_of_the_departments_are_not_too_many_and_one_more_is() -> None:
    run = [paper(f"d{n}", finding(n)) for n in range(5)]
    assert brake.reasons(LIMITS, run, CITY) == ()
    run.append(paper("d9", finding(9)))
    assert brake.reasons(LIMITS, run, CITY) == (
        "6 of 10 departments would be accused, more than the site's share of 50%",
    )


def test_what_open_cases_accuse_already_counts_so_that_slices_help_nobody() -> None:
    run = [paper("d9", finding(99))]
    departments, systems = frozenset(f"d{n}" for n in range(5)), frozenset(f"S{n}" for n in range(30))
    held = Ground(10, 100, departments, systems, CITY.known_rules)
    assert brake.reasons(LIMITS, run, held) == (
        "6 of 10 departments would be accused, more than the site's share of 50%",
        "31 of 100 systems would be accused, more than the site's share of 30%",
    )


def test_only_systems_count_as_systems_and_each_once() -> None:
    rooms = [finding(n, subject="room") for n in range(19)]
    run = [paper("d", *rooms, *(finding(40 + n, key="S1") for n in range(19)))]
    assert brake.reasons(LIMITS, run, Ground(10, 3, known_rules=CITY.known_rules)) == ()


def test_one_of_two_is_half_of_them_and_no_reason_to_stop() -> None:
    assert brake.reasons(LIMITS, [paper("d1", finding(1))], Ground(1, 1, known_rules=CITY.known_rules)) == ()


def test_many_that_rest_on_one_probe() -> None:
    seen = fact("hosting", "自建机房", "nmap", "seen_outside")
    run = [paper("d", *(finding(n, seen, fact("status")) for n in range(20)))]
    assert brake.reasons(LIMITS, run, CITY) == ("20 findings rest on the probe nmap alone",)
    assert brake.reasons(LIMITS, [paper("d", *run[0].items[1:])], CITY) == ()
    # Two that agree, in one fact or in two, are not one.
    both = fact("hosting", "自建机房", "nmap + ssh", "seen_inside")
    assert brake.reasons(LIMITS, [paper("d", *(finding(n, both) for n in range(30)))], CITY) == ()
    other = fact("hosting", "自建机房", "openstack https://cloud.example", "seen_inside")
    assert brake.reasons(LIMITS, [paper("d", *(finding(n, seen, other) for n in range(30)))], CITY) == ()
    assert brake.reasons(LIMITS, [paper("d", *(finding(n, other) for n in range(30)))], CITY) == (
        "30 findings rest on the probe openstack alone",
    )
    # What nobody probed rests on no probe.
    assert brake.reasons(LIMITS, [paper("d", *(finding(n, fact("status")) for n in range(30)))], CITY) == ()


def test_many_that_come_from_a_rule_which_is_new() -> None:
    run = [paper("d", *(finding(n, rule="p/new") for n in range(20)))]
    assert brake.reasons(LIMITS, run, CITY) == (
        "20 findings come from the rule p/new which no issued paper has used yet",
    )
    assert brake.reasons(LIMITS, run, Ground(10, 100, known_rules=frozenset({"p/new"}))) == ()


def test_many_that_rest_on_one_row_of_a_list() -> None:
    def product(number: int, version: str) -> FindingView:
        named = (fact("vendor", "某厂"), fact("product", "某库"), fact("version", version))
        return finding(number, fact("list_status", "不在目录"), *named, subject="component")

    run = [paper("d", *(product(n, "5.7") for n in range(20)), *(product(50 + n, "8.0") for n in range(3)))]
    assert brake.reasons(LIMITS, run, CITY) == ("20 findings rest on the list row 某厂 某库 5.7",)


@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 12))
def test_a_run_of_nothing_is_never_stopped(items: int, departments: int, limit: int) -> None:
    run = [paper(f"d{n}", finding(n)) for n in range(items)]
    said = brake.reasons(BrakeConfig(findings=limit), run, Ground(departments, 0))
    assert said == () or items


# --- in the office ------------------------------------------------------------------------------------------


def stopped(office: Office, **more: Any) -> Drafted:
    before = office.dump()
    made = office.draft(**more)
    assert made.stopped and made.cases == ()
    assert office.dump() == before, "nothing is stored"
    return made


def test_a_run_that_is_stopped_stores_nothing(office: Office) -> None:
    office.write_site(brake={"departments": 0.2, "systems": 1.0, "findings": 1000})
    assert stopped(office).stopped == ("2 of 8 departments would be accused, more than the site's share of 20%",)
    # One department after the other comes to the same.
    office.write_site(brake={"departments": 0.125, "systems": 1.0, "findings": 1000})
    assert office.draft(departments=["mzj"]).stopped == ()
    assert "2 of 8 departments" in stopped(office, departments=["jtj"]).stopped[0]


def test_systems_are_counted_over_all_open_cases(office: Office) -> None:
    office.write_site(brake={"departments": 1.0, "systems": 0.16, "findings": 1000})
    (letter,) = office.draft(departments=["jtj"]).cases
    office.out(letter.id, "15d")
    assert stopped(office, departments=["mzj"]).stopped == (
        "4 of 13 systems would be accused, more than the site's share of 16%",
    )


def test_a_large_run_in_small_slices_is_still_a_large_run(office: Office) -> None:
    for n in range(12):
        office.wrong(UNAPPROVED, f"N{n}", "czj" if n < 6 else "jyj", f"新系统{n}")
    office.later(hours=1)
    office.audit(*WRONGS, *((UNAPPROVED, f"N{n}") for n in range(12)))
    office.write_site(brake={"departments": 1.0, "systems": 1.0, "findings": 8})
    assert office.draft(departments=["czj"]).stopped == ()
    why = "12 findings come from the rule yuncheng-2021/no-build-before-approval which no issued paper has used yet"
    assert stopped(office, departments=["jyj"]).stopped == (why,)
    # Once three offices have put the rule into a paper it is no longer new.
    (case,) = [case for case in office.cases() if case.department_id == "czj"]
    office.out(case.id, "15d")
    assert office.draft(departments=["jyj"]).stopped == ()


def test_a_second_look_by_another_office_lets_it_go_on_and_is_kept(office: Office) -> None:
    office.write_site(brake={"departments": 0.2, "systems": 1.0, "findings": 1000})
    for look, said in (
        (SecondLook(DRAFTER, "看过"), "may not review"),
        (SecondLook(REVIEWER, " "), "a second look needs its reason"),
        (SecondLook("没有的科室", "看过"), "may not review"),
    ):
        with pytest.raises(Refused, match=said):
            office.draft(second_look=look)
    assert office.cases() == ()
    made = office.draft(second_look=SecondLook(REVIEWER, "逐项看过，证据充分"))
    assert len(made.cases) == 3
    for case in made.cases:
        detail = dict(office.steps(case.id)[0].detail)
        assert detail["second_look_by"] == REVIEWER
        assert detail["second_look"] == "逐项看过，证据充分"
        assert detail["brake"] == ["2 of 8 departments would be accused, more than the site's share of 20%"]
    assert office.faults() == []


def test_whoever_drafts_does_not_look_twice_where_the_site_names_nobody(office: Office) -> None:
    office.write_site(brake={"departments": 0.2}, people={})
    with pytest.raises(Refused, match="took an earlier step"):
        office.draft(second_look=SecondLook(DRAFTER, "看过"))


def test_a_look_that_was_not_needed_is_not_in_the_trail(office: Office) -> None:
    made = office.draft(second_look=SecondLook(REVIEWER, "看过"))
    assert made.cases
    assert "second_look" not in json.dumps([dict(step.detail) for step in office.steps()])


def test_as_a_command_it_is_a_refusal_that_says_how_to_go_on(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    office.write_site(brake={"departments": 0.2, "systems": 1.0, "findings": 1000})
    assert office.type("case", "draft", "--by", DRAFTER, "--json") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "the brake stopped this run before anything was drafted" in said.err
    assert "--second-look OFFICE --reason WHY" in said.err
    look = ("--second-look", REVIEWER, "--reason", "看过")
    assert office.type("case", "draft", "--by", DRAFTER, "--json", *look) == 0
    assert len(json.loads(capsys.readouterr().out)["cases"]) == 3


def test_redrafting_what_was_looked_at_asks_again_only_for_what_is_new(office: Office) -> None:
    """The share of systems grows with a new finding: the run stops again."""
    office.write_site(brake={"departments": 1.0, "systems": 0.35, "findings": 1000})
    office.draft()
    office.wrong(MIGRATE, "S6", "czj", "国库系统")
    office.later(hours=1)
    office.audit(*WRONGS, (MIGRATE, "S6"))
    assert "5 of 14 systems" in stopped(office).stopped[0]

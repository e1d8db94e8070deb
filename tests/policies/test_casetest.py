"""Running a pack's own cases, and saying what they leave untested."""

from __future__ import annotations

import json

import pytest

from inventories.faults import Faults
from policies.casetest import CaseReport
from policies.casetest import test_packs as run_cases
from policies.pack import load_pack
from tests.policies.conftest import CLOUD_CASES, ROOM_CASES, MakePack


def report(make_pack: MakePack, *edits: tuple[str, str], **files: str) -> CaseReport:
    cases = {"on-cloud": CLOUD_CASES, "no-new-room": ROOM_CASES, **{k.replace("_", "-"): v for k, v in files.items()}}
    return run_cases([load_pack(make_pack(*edits, cases=cases))])


def whats(found: CaseReport, kind: str) -> list[str]:
    return [fault.what for fault in found.faults[kind]]


def test_a_pack_whose_cases_test_everything(make_pack: MakePack) -> None:
    found = report(make_pack)
    assert found.passed, list(found.lines())
    assert len(found.results) == 8
    assert list(found.lines()) == ["8 cases of 2 rules: all as expected"]
    body = json.loads(json.dumps(found.as_json(), ensure_ascii=False))
    assert body["passed"] is True
    assert next(case for case in body["cases"] if case["case"] == "不在云上") == {
        "rule": "town-2020/on-cloud",
        "case": "不在云上",
        "expected": "violation",
        "got": "violation",
        "where": next(r.case.where for r in found.results if r.case.name == "不在云上"),
    }


def test_a_case_that_comes_out_otherwise(make_pack: MakePack) -> None:
    found = report(
        make_pack, on_cloud=CLOUD_CASES.replace("name: 在云上, expect: compliant", "name: 在云上, expect: unknown")
    )
    assert not found.passed
    assert "在云上: expected unknown, got compliant" in found.failed[0].what
    assert found.failed[0].where.endswith("cases/on-cloud.yaml:5:5")
    assert any(line.startswith("failed: ") for line in found.lines())


def test_a_rule_without_cases(make_pack: MakePack) -> None:
    found = run_cases([load_pack(make_pack(cases={"on-cloud": CLOUD_CASES}))])
    assert whats(found, "untested") == ["no-new-room has no cases"]
    assert not found.passed


@pytest.mark.parametrize("verdict", ["violation", "compliant", "unknown", "not_applicable"])
def test_a_verdict_that_no_case_expects(make_pack: MakePack, verdict: str) -> None:
    lines = [line for line in CLOUD_CASES.splitlines() if f"expect: {verdict}" not in line]
    found = report(make_pack, on_cloud="\n".join(lines))
    assert whats(found, "untested") == [f"on-cloud: no case expects {verdict}"]


def test_a_case_says_something_about_every_column_that_its_rule_names(make_pack: MakePack) -> None:
    """Otherwise a case would pass because a column was left out."""
    cases = CLOUD_CASES.replace(", is_on_recognised_cloud: true", "")
    found = report(make_pack, on_cloud=cases)
    assert any("says nothing about is_on_recognised_cloud" in what for what in whats(found, "untested"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("room: {built_on: 2022-05-01}", "room: {built_on: 2022-05-02}", "on the boundary"),
        ("room: {built_on: 2022-04-30}", "room: {built_on: 2022-04-29}", "one day beside"),
    ],
)
def test_a_boundary_that_no_case_tries(make_pack: MakePack, old: str, new: str, words: str) -> None:
    found = report(make_pack, no_new_room=ROOM_CASES.replace(old, new))
    assert len(whats(found, "untested")) == 1
    assert f"no case has built_on {words}" in whats(found, "untested")[0]


@pytest.mark.parametrize(
    ("old", "new", "place", "what", "mend"),
    [
        ("rule: on-cloud", "rule: off-cloud", "1:7", "match nothing: there is no rule 'off-cloud'", "'on-cloud'"),
        ("expect: violation}", "expect: violation, also: [no-cloud]}", "4:85", "no rule 'no-cloud' judges", ""),
        ("expect: violation}", "expect: violation, also: [no-new-room]}", "4:85", "'no-new-room' judges a sys", ""),
    ],
)
def test_a_case_that_matches_nothing_is_no_pack(
    make_pack: MakePack, old: str, new: str, place: str, what: str, mend: str
) -> None:
    with pytest.raises(Faults) as caught:
        report(make_pack, on_cloud=CLOUD_CASES.replace(old, new, 1))
    (fault,) = caught.value.faults
    assert fault.where.endswith(f"cases/on-cloud.yaml:{place}")
    assert what in fault.what
    assert mend in fault.mend


SECOND = """\
  - id: exchange
    title: 未接入
    article: 第二条
    quote: 不得拖延
    subject: system
    violation: exchange_absent
    severity: low
    bite: reminder
    remedy: 接入
manual:
"""
EXCHANGE_CASES = """\
rule: exchange
baseline: {system: {exchange_absent: false}}
cases:
  - {name: 未接入, system: {exchange_absent: true}, expect: violation}
  - {name: 已接入, expect: compliant}
  - {name: 不明, system: {exchange_absent: null}, expect: unknown}
  - {name: 外市, system: {region: "440303"}, expect: not_applicable}
"""


def test_a_finding_that_a_case_does_not_expect(make_pack: MakePack) -> None:
    cases = CLOUD_CASES.replace(
        "{is_on_recognised_cloud: false}", "{is_on_recognised_cloud: false, exchange_absent: true}"
    )
    found = report(make_pack, ("manual:\n", SECOND), on_cloud=cases, exchange=EXCHANGE_CASES)
    assert whats(found, "unmatched") == ["town-2020/on-cloud: 不在云上: also breaks exchange"]
    expected = cases.replace("expect: violation", "expect: violation, also: [exchange]")
    assert report(make_pack_again(make_pack), on_cloud=expected, exchange=EXCHANGE_CASES).passed


def make_pack_again(make_pack: MakePack) -> MakePack:
    """The same, with the second rule always in it."""
    return lambda *edits, **more: make_pack(("manual:\n", SECOND), *edits, **more)


def test_a_finding_that_a_case_expects_in_vain(make_pack: MakePack) -> None:
    cases = CLOUD_CASES.replace("expect: violation", "expect: violation, also: [exchange]")
    found = report(make_pack, ("manual:\n", SECOND), on_cloud=cases, exchange=EXCHANGE_CASES)
    assert whats(found, "unused") == ["town-2020/on-cloud: 不在云上: does not break exchange"]


def test_an_article_that_nothing_accounts_for(make_pack: MakePack) -> None:
    found = report(make_pack, ("articles: 5", "articles: 6"))
    assert whats(found, "uncovered") == ["第六条 is accounted for nowhere"]


def test_a_conclusion_may_stand_for_the_columns_that_lead_to_it(make_pack: MakePack) -> None:
    stated = CLOUD_CASES.replace(
        "{is_on_recognised_cloud: false}", "{hosting: [gov_cloud], hosting_levels: [county]}"
    )
    stated = stated.replace("is_on_recognised_cloud: true", "hosting: [gov_cloud], hosting_levels: [city]")
    stated = stated.replace("is_on_recognised_cloud: null", "hosting_levels: null")
    assert report(make_pack, on_cloud=stated).passed


def test_cases_need_a_clock(make_pack: MakePack) -> None:
    with pytest.raises(Faults) as caught:
        report(make_pack, ("in_force: {from: 2020-01-01}", "in_force: {from: site}"))
    assert "has no clock" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("status: retired", "staus: retired", "a system has no column 'staus'"),
        ("status: retired", "status: retird", "status is never 'retird'"),
        ("status: retired", "status: 7", "status is text, and '7' is none"),
        ("status: retired", "hosting: own_room", "hosting is texts"),
        ("status: retired", "hosting: [own_rom]", "hosting is never 'own_rom'"),
        ("status: retired", "hosts_total: true", "hosts_total is integer"),
        ("status: retired", "built_on: 2020", "built_on is date"),
        ("name: 停用, system", "name: 停用, room", "on-cloud judges a system, not a room"),
        ("name: 停用", "name: 不明", "a second case '不明'"),
        ("expect: not_applicable", "expect: waived", "'waived' is not allowed"),
        ("baseline:", "base:", "unknown key 'base'"),
    ],
)
def test_faults_in_cases_have_their_place(make_pack: MakePack, old: str, new: str, what: str) -> None:
    with pytest.raises(Faults) as caught:
        report(make_pack, on_cloud=CLOUD_CASES.replace(old, new))
    found = [fault for fault in caught.value.faults if what in fault.what]
    assert found, caught.value.faults
    assert "cases/on-cloud.yaml:" in found[0].where
    assert found[0].where.count(":") == 2

"""Settings as the amounts by which dates are shifted, and the papers that are numbered by questions or items."""

from __future__ import annotations

import pytest

from inventories.faults import Faults
from inventories.kinds import Type
from policies.articles import article_key
from policies.casetest import test_packs as run_cases
from policies.pack import load_pack
from policies.predicate import parse_predicate
from tests.policies.conftest import MakePack

NAMES = (("months", Type.INTEGER), ("start", Type.DATE), ("word", Type.TEXT))


@pytest.mark.parametrize("text", ["add_months(go_live_on, months) < as_of", "add_days(as_of, months) > go_live_on"])
def test_a_setting_may_be_the_amount(text: str) -> None:
    assert parse_predicate(text, "system", NAMES).problems == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("add_months(go_live_on, mlps_level) < as_of", "written-out"),
        ("add_months(go_live_on, start) < as_of", "a whole number"),
        ("has(hosting, word)", "written-out"),
    ],
)
def test_nothing_else_may(text: str, what: str) -> None:
    (problem,) = parse_predicate(text, "system", NAMES).problems
    assert what in problem.what


@pytest.mark.parametrize(
    ("article", "key"),
    [
        ("第二十三条第二款", "第二十三条"),
        ("问题十一", "问题十一"),
        ("第一项", "第一项"),
        ("附件", ""),
    ],
)
def test_clauses_of_papers_without_articles_have_names_too(article: str, key: str) -> None:
    assert article_key(article) == key


SETTING = "  merged_on: {type: date, title: 机房整合日期, article: 第三条}\n"
GRACE = SETTING + "  grace: {type: integer, title: 宽限月数, article: 第三条, default: 6, minimum: 0, maximum: 24}\n"
RULE = ("built_on >= merged_on", "built_on >= add_months(merged_on, grace)")

ROOM_CASES = """\
rule: no-new-room
as_of: 2026-01-01
settings: {merged_on: 2022-05-01}
baseline: {room: {built_on: 2010-01-01}}
cases:
  - {name: 宽限期满之日建成, room: {built_on: 2022-11-01}, expect: violation}
  - {name: 宽限期最后一日建成, room: {built_on: 2022-10-31}, expect: compliant}
  - {name: 另一宽限期, settings: {grace: 0}, room: {built_on: 2022-05-01}, expect: violation}
  - {name: 建成日期不明, room: {built_on: null}, expect: unknown}
  - {name: 外市, room: {region: "440303", built_on: 2023-01-01}, expect: not_applicable}
"""


def test_a_rule_is_judged_by_the_amount_that_the_site_gives(make_pack: MakePack) -> None:
    cases = {"no-new-room": ROOM_CASES}
    folder = make_pack((SETTING, GRACE), RULE, cases=cases)
    for _ in range(2):  # the second time by the trees that the first one kept
        report = run_cases([load_pack(folder)])
        assert not report.failed, "\n".join(report.lines())


def test_an_amount_needs_a_range(make_pack: MakePack) -> None:
    for bounds in ("", ", minimum: 0", ", minimum: 0, maximum: 99999999"):
        grace = GRACE.replace(", minimum: 0, maximum: 24", bounds)
        with pytest.raises(Faults, match=r"pack\.yaml:\d+:\d+: .*shifts a date by grace"):
            load_pack(make_pack((SETTING, grace), RULE, cases={}))


def test_a_default_lies_in_its_range(make_pack: MakePack) -> None:
    with pytest.raises(Faults, match=r"pack\.yaml:\d+:\d+: .*out of range"):
        load_pack(make_pack((SETTING, GRACE.replace("default: 6", "default: 36")), RULE, cases={}))


@pytest.mark.parametrize("held", [-1, 25, 2**50])
def test_a_site_keeps_to_the_range(make_pack: MakePack, held: int) -> None:
    with pytest.raises(Faults, match=r"grace: -?[0-9]+ is out of range: at least 0, at most 24"):
        load_pack(make_pack((SETTING, GRACE), RULE), settings={"grace": held})

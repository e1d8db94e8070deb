"""The page of a rule: the article whole, the quote marked in it, and what follows from it."""

from __future__ import annotations

from datetime import date

import pytest

from policies.articles import passages
from policies.calendars import load_calendar
from policies.model import Pack
from policies.pack import builtin_packs, load_packs
from reports.clauses import citations, marked, rule_lines, wording


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return {pack.id: pack for pack in load_packs(builtin_packs())}


@pytest.mark.parametrize(
    ("quote", "text", "expected"),
    [
        ("不得新建", "各部门不得新建机房。", "各部门【不得新建】机房。"),
        ("不得,新建", "各部门不得， 新建机房。", "各部门【不得， 新建】机房。"),
        ("各部门……机房", "各部门不得新建机房。", "【各部门】不得新建【机房】。"),
        ("不得新建\n机房", "各部门不得新建机房。", "各部门【不得新建机房】。"),
        ("可以新建", "各部门不得新建机房。", "各部门不得新建机房。"),
        ("机房……各部门", "各部门不得新建机房。", "各部门不得新建机房。"),
        ("……", "各部门", "各部门"),
    ],
)
def test_a_quote_is_marked_where_it_stands(quote: str, text: str, expected: str) -> None:
    assert marked(quote, text) == expected


def test_every_quote_that_ships_with_its_article_is_found_in_it(packs: dict[str, Pack]) -> None:
    lost = []
    for pack in packs.values():
        for rule in pack.rules:
            for citation in citations(rule):
                text = wording(pack, citation)
                if text and not passages(citation.basis.quote, text):
                    lost.append((rule.full_id, citation.basis.article))
    assert lost == []


def test_the_page_of_a_rule(packs: dict[str, Pack]) -> None:
    pack = packs["yuncheng-2021"]
    lines = rule_lines(pack, pack.rule("migrate-to-cloud"), today=date(2026, 11, 23), calendar=load_calendar())
    page = {line.heading: line for line in lines}
    article = page["条文"].words
    assert article.startswith("《运城市市级政务信息化项目建设应用管理规定》（运政办发〔2021〕7号）第三十三条\n")
    assert "【项目实施单位已建、在建非涉密应用系统应向市级政务云平台迁移】" in article
    assert "已建行业云要全部纳入市级政务云平台统一管理。" in article, "the article is told whole"
    assert (
        page["不符合"].words == "“是否在认可的政务云上”为否" and page["不符合"].code == "not is_on_recognised_cloud"
    )
    assert "向项目实施单位发“效能评估整改任务书”" in page["权力"].words
    assert page["答复期限"].words.endswith("至2026年12月7日")
    assert "30日以内、“外部可见”级以上" in page["列入文书"].words


def test_a_rule_without_a_power_says_that_it_has_none(packs: dict[str, Pack]) -> None:
    pack = packs["yuncheng-2021"]
    lines = rule_lines(pack, pack.rule("data-sharing"))
    page = {line.heading: line.words for line in lines}
    assert page["性质"].startswith("提示（条文未赋予责令整改的权力") and "权力" not in page
    assert page["后果"] == "不再拨付运维经费（第八条）"


def test_a_deadline_that_needs_an_unpublished_year_is_provisional(packs: dict[str, Pack]) -> None:
    pack = packs["yuncheng-2021"]
    lines = rule_lines(pack, pack.rule("migrate-to-cloud"), today=date(2026, 12, 28), calendar=load_calendar())
    assert "（暂定）" in next(line.words for line in lines if line.heading == "答复期限")


def test_a_wording_that_nobody_held_against_the_official_text_says_so(packs: dict[str, Pack]) -> None:
    pack = packs["xianyang"]
    lines = rule_lines(pack, pack.rules[0])
    assert "文字未与正式文本核对" in lines[0].words

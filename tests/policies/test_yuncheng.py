"""The pack of Yuncheng's regulation: what a lawyer would look for in it."""

from __future__ import annotations

from datetime import date

import pytest

from policies.articles import article_name, quotes
from policies.casetest import test_packs as run_cases
from policies.model import Bite, Pack
from policies.pack import load_packs


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return load_packs(["yuncheng-2021"])[0]


def test_it_is_the_regulation(pack: Pack) -> None:
    assert pack.title == "运城市市级政务信息化项目建设应用管理规定"
    assert pack.number == "运政办发〔2021〕7号"
    assert (pack.region, pack.in_force_from, pack.in_force_to) == ("140800", date(2021, 2, 9), None)
    assert pack.recognised_levels == ("city",)
    assert pack.articles == 42
    assert pack.text_verified


def test_its_cases_pass_and_test_everything(pack: Pack) -> None:
    report = run_cases([pack])
    assert report.passed, "\n".join(report.lines())
    assert len(report.results) > 100


def test_every_article_is_accounted_for_and_its_wording_is_shipped(pack: Pack) -> None:
    assert set(pack.texts) == {article_name(number) for number in range(1, 43)}
    cited = (
        {r.article for r in pack.rules} | {m.article for m in pack.manual} | {o.article for o in pack.out_of_scope}
    )
    assert cited == set(pack.texts)


@pytest.mark.parametrize(
    ("rule", "article", "subject", "bite", "power"),
    [
        ("registered", "第五条", "system", Bite.LEAD, None),
        ("no-build-before-approval", "第五条", "system", Bite.ORDER, "第二十三条"),
        ("catalogue-filed", "第五条", "system", Bite.REMINDER, None),
        ("no-new-dedicated-network", "第八条", "network", Bite.ORDER, "第二十四条"),
        ("data-sharing", "第八条", "system", Bite.REMINDER, None),
        ("use-cloud-catalogue", "第二十八条", "host", Bite.ORDER, "第二十四条"),
        ("use-cloud-catalogue-room", "第二十八条", "room", Bite.ORDER, "第二十四条"),
        ("no-county-cloud", "第三十条", "cloud", Bite.REMINDER, None),
        ("county-migration", "第三十条", "system", Bite.REMINDER, None),
        ("migrate-to-cloud", "第三十三条", "system", Bite.ORDER, "第二十四条"),
        ("old-environment-still-running", "第三十三条", "system", Bite.LEAD, None),
        ("industry-cloud-merged", "第三十三条", "cloud", Bite.ORDER, "第二十四条"),
    ],
)
def test_who_may_order_what(pack: Pack, rule: str, article: str, subject: str, bite: Bite, power: str | None) -> None:
    found = pack.rule(rule)
    assert (found.article, found.subject, found.bite) == (article, subject, bite)
    assert (found.power.article if found.power else None) == power
    assert quotes(found.quote, pack.texts[article])
    assert found.basis.verified
    assert found.remedy
    assert (found.order_needs is not None) == (bite is Bite.ORDER)


def test_no_rule_is_left_out_of_that_list(pack: Pack) -> None:
    assert len(pack.rules) == 12


def test_the_powers(pack: Pack) -> None:
    breach, assessment = pack.powers["breach-of-approval"], pack.powers["assessment"]
    assert (breach.form, breach.reply) == ("责令限期整改", None)
    assert [(step.action, step.propose_to) for step in breach.if_refused] == [
        ("暂停拨付项目建设和运维资金", "市财政局"),
        ("终止项目", ""),
    ]
    assert assessment.form == "效能评估整改任务书"
    assert assessment.reply is not None
    assert (assessment.reply.amount, assessment.reply.unit, assessment.reply.start) == (10, "working_days", "service")
    assert assessment.if_refused == ()
    for power in (breach, assessment):
        assert power.addressee == "项目实施单位"
        assert power.levels == ("city",)
        assert quotes(power.quote, pack.texts[power.article])


def test_counties_are_never_ordered(pack: Pack) -> None:
    """They are no 项目实施单位: articles 23 and 24 do not reach them."""
    for rule in pack.rules:
        if "county" in rule.applies:
            assert rule.bite is Bite.REMINDER
            assert rule.power is None


def test_printed_text_has_no_folds(pack: Pack) -> None:
    texts = [r.quote for r in pack.rules] + [p.quote for p in pack.powers.values()] + [pack.rate_formula]
    texts += [m.question for m in pack.manual] + [r.note for r in pack.rules]
    assert [text for text in texts if " " in text or "\n" in text] == []


def test_no_consequence_without_its_article(pack: Pack) -> None:
    for rule in pack.rules:
        if rule.consequence:
            cited = rule.consequence.rpartition("（")[2].rstrip("）")
            assert cited in pack.texts
            assert quotes(rule.consequence.partition("（第")[0].rpartition("情况")[2], pack.texts[cited])

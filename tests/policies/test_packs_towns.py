"""The packs of Luohu, Yangcheng and Erenhot: what must never be ordered, who may order what, where the days lie."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import pytest

from policies.articles import ADVISORY, article_name, quotes
from policies.calendars import load_calendar
from policies.casetest import CaseReport
from policies.casetest import test_packs as run_cases
from policies.model import Bite, Pack, Verdict
from policies.orders import obstacles
from policies.pack import load_packs

LUOHU, YANGCHENG, ERENHOT = "luohu-2024", "yangcheng-2024", "erenhot"
TOWNS = (LUOHU, YANGCHENG, ERENHOT)
NOW = datetime(2026, 10, 8, tzinfo=UTC)
CONFIRMED: Mapping[str, object] = {
    "confirmed_wording": {"by": "法制科", "on": date(2026, 10, 8), "document": "核对记录1号"}
}

#: Every rule that may become an order, with the article of its power and whom it addresses. All others may not.
ORDERS = {
    LUOHU: {
        "started-unreviewed": ("第二十九条", "department"),
        "failed-acceptance-in-use": ("第二十九条", "department"),
    },
    YANGCHENG: {"goals-unmet": ("第二十七条", "department")},
    ERENHOT: {
        "change-filed": ("第二十八条", "contractor"),
        "change-approved": ("第二十八条", "contractor"),
        "acceptance-reports": ("第二十八条", "contractor"),
        "three-sync": ("第二十八条", "contractor"),
        "on-city-cloud": ("第二十八条", "contractor"),
        "shared": ("第二十八条", "contractor"),
    },
}


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Pack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return {pack.id: pack for pack in load_packs(TOWNS)}


@pytest.fixture(scope="module")
def reports(packs: Mapping[str, Pack]) -> Mapping[str, CaseReport]:
    return {name: run_cases([pack]) for name, pack in packs.items()}


@pytest.fixture(params=TOWNS)
def pack(request: pytest.FixtureRequest, packs: Mapping[str, Pack]) -> Pack:
    return packs[request.param]


@pytest.mark.parametrize(
    ("name", "number", "region", "span", "repeals", "levels", "articles", "verified"),
    [
        (
            LUOHU,
            "罗府办规〔2024〕3号",
            "440303",
            (date(2024, 2, 5), date(2029, 2, 4)),
            ("罗府办规〔2020〕8号",),
            ("province", "city", "county"),
            35,
            False,
        ),
        (
            YANGCHENG,
            "阳政办发〔2024〕50号",
            "140522",
            (date(2024, 7, 3), None),
            ("阳政办发〔2021〕40号",),
            ("city", "county"),
            35,
            True,
        ),
        (ERENHOT, "", "152501", (None, None), (), ("city", "county"), 34, False),
    ],
)
def test_they_are_the_regulations(
    packs: Mapping[str, Pack],
    name: str,
    number: str,
    region: str,
    span: tuple[date | None, date | None],
    repeals: tuple[str, ...],
    levels: tuple[str, ...],
    articles: int,
    verified: bool,
) -> None:
    pack = packs[name]
    assert (pack.number, pack.region, (pack.in_force_from, pack.in_force_to)) == (number, region, span)
    assert (pack.repeals, pack.recognised_levels) == (repeals, levels)
    assert (pack.articles, pack.text_verified) == (articles, verified)
    assert "未见官方公式" in pack.rate_formula


def test_their_cases_pass_and_test_everything(pack: Pack, reports: Mapping[str, CaseReport]) -> None:
    report = reports[pack.id]
    assert report.passed, "\n".join(report.lines())
    assert len(report.results) > 150


def test_every_article_is_accounted_for_and_its_wording_is_shipped(pack: Pack) -> None:
    assert set(pack.texts) == {article_name(number) for number in range(1, pack.articles + 1)}
    cited = {r.article for r in pack.rules} | {m.article for m in pack.manual}
    assert cited | {o.article for o in pack.out_of_scope} == set(pack.texts)
    assert not {o.article for o in pack.out_of_scope} & cited, "an article is either looked at or out of scope"


def test_who_may_order_what_and_nothing_else_may_be_ordered(pack: Pack) -> None:
    found = {
        rule.id: (rule.power.article, rule.power.over)
        for rule in pack.rules
        if rule.power is not None and rule.bite is Bite.ORDER
    }
    assert found == ORDERS[pack.id]
    for rule in pack.rules:
        assert (rule.power is not None) == (rule.bite is Bite.ORDER) == (rule.order_needs is not None)
        assert rule.remedy
        assert quotes(rule.quote, pack.texts[rule.article])


def test_advisory_words_and_other_authorities_are_never_ordered(pack: Pack) -> None:
    for rule in pack.rules:
        if any(word in rule.quote for word in ADVISORY):
            assert rule.bite in (Bite.ADVICE, Bite.LEAD), rule.id
        if rule.id in ("mlps", "crypto"):
            assert rule.bite is Bite.REFERRAL, rule.id
            assert rule.refer_to
        if rule.id in ("registered", "undeclared-room", "undeclared-cloud"):
            assert rule.bite is Bite.LEAD, rule.id


@pytest.mark.parametrize(
    ("name", "rule", "bite"),
    [
        # Article 29 lists seven acts; hosting and the review before acceptance are enforced by article 19 alone.
        (LUOHU, "hosted", Bite.REMINDER),
        (LUOHU, "hosted-legacy", Bite.LEAD),
        (LUOHU, "conformity-review", Bite.REMINDER),
        (LUOHU, "mlps-report", Bite.REMINDER),
        (LUOHU, "on-platform", Bite.REMINDER),
        # 验收不合格即交付使用 is one of the seven, 未经竣工验收 is not.
        (LUOHU, "in-use-unaccepted", Bite.REMINDER),
        (LUOHU, "crypto-review", Bite.LEAD),
        (LUOHU, "supervision", Bite.LEAD),
        (LUOHU, "warranty", Bite.ADVICE),
        (YANGCHENG, "no-new-data-centre", Bite.ADVICE),
        (YANGCHENG, "no-new-cloud", Bite.ADVICE),
        (YANGCHENG, "no-public-cloud", Bite.ADVICE),
        (YANGCHENG, "third-party-cloud-plan", Bite.ADVICE),
        (YANGCHENG, "third-party-cloud-risk", Bite.REMINDER),
        (YANGCHENG, "migrate-to-cloud", Bite.REMINDER),
        (YANGCHENG, "data-sharing", Bite.REMINDER),
        (YANGCHENG, "drill", Bite.ADVICE),
        (YANGCHENG, "acceptance-content", Bite.BUREAU),
        (ERENHOT, "no-new-room", Bite.REMINDER),
        (ERENHOT, "no-own-hardware", Bite.REMINDER),
        (ERENHOT, "room-migration", Bite.ADVICE),
        (ERENHOT, "system-migration", Bite.ADVICE),
        (ERENHOT, "budget-execution", Bite.ADVICE),
        (ERENHOT, "yearly-risk-assessment", Bite.ADVICE),
        (ERENHOT, "unified-internet", Bite.LEAD),
    ],
)
def test_what_is_less_than_an_order(packs: Mapping[str, Pack], name: str, rule: str, bite: Bite) -> None:
    assert packs[name].rule(rule).bite is bite


def test_the_powers_are_those_of_the_text(packs: Mapping[str, Pack]) -> None:
    (luohu,) = packs[LUOHU].powers.values()
    assert (luohu.authority, luohu.addressee, luohu.form) == ("区政务服务数据管理局", "建设单位", "责令限期整改")
    assert [step.propose_to for step in luohu.if_refused] == ["", "区发展和改革局", ""]
    assert luohu.levels == ("county",)
    (yangcheng,) = packs[YANGCHENG].powers.values()
    assert (yangcheng.addressee, yangcheng.form) == ("项目建设单位", "限期整改")
    assert [step.action for step in yangcheng.if_refused] == ["追究项目建设单位及相关人员的责任"]
    (erenhot,) = packs[ERENHOT].powers.values()
    assert (erenhot.addressee, erenhot.over, erenhot.form) == ("项目承建单位", "contractor", "及时整改")
    assert erenhot.if_refused == ()
    for name, power in ((LUOHU, luohu), (YANGCHENG, yangcheng), (ERENHOT, erenhot)):
        assert power.reply is None, "none of the three texts sets a time to reply"
        assert quotes(power.quote, packs[name].texts[power.article])


def test_nothing_is_ordered_on_wording_that_nobody_has_confirmed(packs: Mapping[str, Pack]) -> None:
    for name in (LUOHU, ERENHOT):
        confirmed = load_packs([name], settings={name: CONFIRMED})[0]
        for rule_id in ORDERS[name]:
            before, after = packs[name].rule(rule_id), confirmed.rule(rule_id)
            assert "法规文本尚未与正式文本核对" in _reasons(before.basis.verified, packs[name], rule_id)
            assert "法规文本尚未与正式文本核对" not in _reasons(after.basis.verified, confirmed, rule_id)
    assert packs[YANGCHENG].rule("goals-unmet").basis.verified


def _reasons(verified: bool, pack: Pack, rule: str) -> tuple[str, ...]:
    return obstacles(pack.rule(rule), {}, verdict="violation", stale=False, now=NOW, text_verified=verified)


def test_without_its_date_erenhot_judges_nothing_new(packs: Mapping[str, Pack]) -> None:
    """What may be new, or was changed, bought or accepted since, is unknown until the site gives the date."""
    waiting = {rule.id for rule in packs[ERENHOT].rules if "in_force_from" in rule.waits_for}
    assert waiting >= set(ORDERS[ERENHOT]) | {"no-new-room", "no-own-hardware", "no-own-software", "no-own-cloud"}
    dated = load_packs([ERENHOT], settings={ERENHOT: {"in_force_from": date(2023, 3, 1)}})[0]
    assert not any("in_force_from" in rule.waits_for for rule in dated.rules)


@pytest.mark.parametrize(
    ("name", "rule", "case", "verdict"),
    [
        (LUOHU, "started-unreviewed", "施行前一日开工", Verdict.NOT_APPLICABLE),
        (LUOHU, "started-unreviewed", "施行当日开工", Verdict.VIOLATION),
        (LUOHU, "started-unreviewed", "失效前一日", Verdict.VIOLATION),
        (LUOHU, "started-unreviewed", "有效期五年届满", Verdict.NOT_APPLICABLE),
        (LUOHU, "started-unreviewed", "恰为二十万元", Verdict.VIOLATION),
        (LUOHU, "started-unreviewed", "不足二十万元", Verdict.NOT_APPLICABLE),
        (LUOHU, "started-unreviewed", "运行维护项目", Verdict.NOT_APPLICABLE),
        (LUOHU, "started-unreviewed", "第三方服务", Verdict.NOT_APPLICABLE),
        (LUOHU, "started-unreviewed", "有无不适用依据未答复", Verdict.UNKNOWN),
        (LUOHU, "hosted", "公安系统例外", Verdict.NOT_APPLICABLE),
        (LUOHU, "hosted", "公安部门的其他系统", Verdict.VIOLATION),
        (LUOHU, "hosted", "公安部门的其他系统按部门认定", Verdict.NOT_APPLICABLE),
        (LUOHU, "hosted", "业务领域不明", Verdict.UNKNOWN),
        (LUOHU, "hosted", "不涉及软件开发", Verdict.NOT_APPLICABLE),
        (LUOHU, "handover", "建设单位即使用单位", Verdict.NOT_APPLICABLE),
        (LUOHU, "trial-run", "首尾共三十天", Verdict.COMPLIANT),
        (YANGCHENG, "no-new-data-centre", "经批准建设的合法", Verdict.COMPLIANT),
        (YANGCHENG, "no-self-run-project", "应急项目先行建设", Verdict.NOT_APPLICABLE),
        (YANGCHENG, "no-self-run-project", "有无不适用依据未答复", Verdict.UNKNOWN),
        (YANGCHENG, "budget-review", "恰为三十万元", Verdict.VIOLATION),
        (YANGCHENG, "change-filed", "恰为百分之十", Verdict.VIOLATION),
        (YANGCHENG, "migrate-to-cloud", "在公有云的另有要求", Verdict.NOT_APPLICABLE),
        (YANGCHENG, "goals-unmet", "尚未评价", Verdict.UNKNOWN),
        (ERENHOT, "no-new-room", "国家文件明确规定的除外", Verdict.NOT_APPLICABLE),
        (ERENHOT, "no-new-room", "有无法定依据未答复", Verdict.UNKNOWN),
        (ERENHOT, "no-new-room", "施行前一日建成", Verdict.COMPLIANT),
        (ERENHOT, "no-own-hardware", "设备角色不明可能是办公电脑", Verdict.UNKNOWN),
        (ERENHOT, "on-city-cloud", "本地未给施行日期", Verdict.UNKNOWN),
        (ERENHOT, "on-city-cloud", "施行前一日开工", Verdict.NOT_APPLICABLE),
    ],
)
def test_the_cases_that_matter_most(
    reports: Mapping[str, CaseReport], name: str, rule: str, case: str, verdict: Verdict
) -> None:
    (found,) = (r for r in reports[name].results if r.rule == f"{name}/{rule}" and r.case.name == case)
    assert found.got is verdict


@pytest.mark.parametrize(("working_days", "days"), [(30, 60), (3, 15)])
def test_days_that_stand_for_working_days_accuse_nobody_too_early(working_days: int, days: int) -> None:
    """The rules count calendar days; whatever day it began, the working days are over by then."""
    calendar = load_calendar()
    day, last = date(2025, 1, 1), date(2026, 12, 31)
    while day <= last:
        assert calendar.add_working_days(day, working_days).day <= day + timedelta(days=days), day
        day += timedelta(days=1)


def test_consequences_and_deadlines_are_in_the_articles_that_they_name(pack: Pack) -> None:
    for rule in pack.rules:
        for words in filter(None, (rule.consequence, rule.deadline)):
            text, _, cited = words.rpartition("（")
            assert quotes(text, pack.texts[cited.rstrip("）")]), f"{rule.id}: {words}"


def test_printed_text_has_no_folds(pack: Pack) -> None:
    texts = [t for r in pack.rules for t in (r.title, r.quote, r.note, r.remedy, r.consequence)]
    texts += [t for p in pack.powers.values() for t in (p.quote, p.note)]
    texts += [t for m in pack.manual for t in (m.question, m.why)] + [o.why for o in pack.out_of_scope]
    wide = r"[\u3000-\u9fff\uff00-\uffef]"
    assert [text for text in [*texts, pack.rate_formula, pack.scope] if re.search(f"{wide}\\s+{wide}|\n", text)] == []

"""The pack of Xianyang's regulation: what a lawyer would look for in it."""

from __future__ import annotations

from datetime import date

import pytest

from policies.articles import article_name, quotes
from policies.casetest import test_packs as run_cases
from policies.evaluate import evaluate
from policies.model import Bite, Pack, Verdict
from policies.pack import load_packs
from tests.policies.conftest import MakeSnapshot, counted

SEEN = {"by": "王工", "on": "2026-10-08", "document": "咸信办〔2026〕1号"}
DATED = {"in_force_from": "2019-03-01", "merged_on": "2020-07-01"}


def load(settings: dict[str, object] | None = None) -> Pack:
    (pack,) = load_packs(["xianyang"], settings={"xianyang": settings or {}})
    return pack


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return load()


def test_it_is_the_regulation(pack: Pack) -> None:
    assert pack.title == "咸阳市新型智慧城市项目建设和专项资金管理办法"
    assert (pack.number, pack.region, pack.articles) == ("", "610400", 44)
    assert (pack.in_force_from, pack.in_force_to) == (None, None)
    assert [e.article for e in pack.exemptions] == ["第九条"]


def test_its_cases_pass_and_test_everything(pack: Pack) -> None:
    report = run_cases([pack])
    assert report.passed, "\n".join(report.lines())
    assert len(report.results) > 150


def test_every_article_is_accounted_for_and_its_wording_is_shipped(pack: Pack) -> None:
    assert set(pack.texts) == {article_name(number) for number in range(1, 45)}
    cited = (
        {r.article for r in pack.rules} | {m.article for m in pack.manual} | {o.article for o in pack.out_of_scope}
    )
    assert cited | {power.article for power in pack.powers.values()} == set(pack.texts)


def test_its_words_are_those_of_the_mainland(pack: Pack) -> None:
    whole = "".join(pack.texts.values())
    words = ("网路", "套用", "许可权", "程式", "资料库", "覆核", "线上", "智慧财产", "回响", "协定", "契约", "网际")
    assert [word for word in words if word in whole] == []
    traditional = set("網鹹陽這個應當據為項統區縣")
    assert not traditional & set(whole)


@pytest.mark.parametrize(
    ("rule", "article", "subject", "bite", "power"),
    [
        ("approved", "第六条", "project", Bite.ORDER, "第四十二条"),
        ("room-survey", "第九条", "room", Bite.BUREAU, None),
        ("room-merged", "第九条", "room", Bite.REMINDER, None),
        ("no-new-room", "第九条", "room", Bite.ADVICE, None),
        ("no-room-expansion", "第九条", "room", Bite.ADVICE, None),
        ("no-vertical-network", "第九条", "network", Bite.ADVICE, None),
        ("no-own-internet", "第九条", "network", Bite.REMINDER, None),
        ("no-own-internet-host", "第九条", "host", Bite.LEAD, None),
        ("contractor-qualified", "第十条", "project", Bite.ORDER, "第四十二条"),
        ("major-project-head", "第十一条", "project", Bite.ORDER, "第四十二条"),
        ("county-filing", "第十二条", "project", Bite.REMINDER, None),
        ("unified-transmission", "第二十八条", "system", Bite.REMINDER, None),
        ("trusted-room", "第二十八条", "room", Bite.REMINDER, None),
        ("unified-backup", "第二十八条", "system", Bite.REMINDER, None),
        ("in-use-unaccepted", "第三十五条", "project", Bite.ORDER, "第四十二条"),
        ("in-use-failed", "第三十五条", "project", Bite.ORDER, "第四十二条"),
        ("trial-run", "第三十六条", "project", Bite.REMINDER, None),
        ("post-evaluation", "第三十七条", "project", Bite.BUREAU, None),
        ("asset-unregistered", "第三十八条", "host", Bite.LEAD, None),
        ("asset-not-found", "第四十条", "host", Bite.LEAD, None),
        ("warranty", "第四十一条", "project", Bite.ORDER, "第四十三条"),
    ],
)
def test_who_may_order_what(pack: Pack, rule: str, article: str, subject: str, bite: Bite, power: str | None) -> None:
    found = pack.rule(rule)
    assert (found.article, found.subject, found.bite) == (article, subject, bite)
    assert (found.power.article if found.power else None) == power
    assert quotes(found.quote, pack.texts[article])
    assert found.remedy
    assert (found.order_needs is not None) == (bite is Bite.ORDER)


def test_no_rule_is_left_out_of_that_list(pack: Pack) -> None:
    assert len(pack.rules) == 21


def test_the_powers(pack: Pack) -> None:
    builder, contractor = pack.powers["correction"], pack.powers["contractor-correction"]
    assert (builder.form, builder.addressee, builder.levels, builder.over) == (
        "责令改正",
        "项目建设单位",
        ("city",),
        "department",
    )
    assert (contractor.form, contractor.addressee, contractor.over) == (
        "责令改正",
        "承揽信息化工程的单位",
        "contractor",
    )
    assert builder.reply is None and contractor.reply is None
    assert contractor.if_refused[0].when == "情节严重的"


def test_nothing_is_verified_until_the_site_confirms_the_wording(pack: Pack) -> None:
    assert not pack.text_verified
    assert not any(rule.basis.verified for rule in pack.rules)
    confirmed = load({"confirmed_wording": SEEN})
    assert confirmed.text_verified
    assert all(rule.basis.verified for rule in confirmed.rules)


def test_rules_that_need_a_date_wait_for_the_site(pack: Pack) -> None:
    waiting = {rule.id: rule.waits_for for rule in pack.rules if rule.waits_for}
    free = {
        "room-survey",
        "room-merged",
        "unified-transmission",
        "trusted-room",
        "unified-backup",
        "asset-unregistered",
        "asset-not-found",
    }
    assert set(waiting) == {rule.id for rule in pack.rules} - free
    assert waiting["no-new-room"] == ("in_force_from", "merged_on")
    assert waiting["no-own-internet"] == ("merged_on",)
    assert not any(rule.waits_for for rule in load(DATED).rules)


def test_the_law_begins_on_the_day_that_the_site_gives(make_snapshot: MakeSnapshot) -> None:
    row = {
        "key": "j-1",
        "name": "项目",
        "department_id": "mzj",
        "region": "610400",
        "level_of_government": "city",
        "in_use_from": date(2022, 5, 1),
        "acceptance_absent": True,
    }
    source = make_snapshot({"project": [row]})
    rule = "xianyang/in-use-unaccepted"
    for settings, as_of, verdict in (
        ({}, date(2026, 6, 30), Verdict.UNKNOWN),
        (DATED, date(2026, 6, 30), Verdict.VIOLATION),
        (DATED, date(2019, 2, 28), Verdict.NOT_APPLICABLE),
        ({"in_force_from": "2022-05-02"}, date(2026, 6, 30), Verdict.NOT_APPLICABLE),
    ):
        found = counted(evaluate(source, [load(settings)], as_of=as_of))
        assert found[rule, "mzj", verdict] == 1

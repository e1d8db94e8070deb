"""Packs that gather several laws: what a rule cites depends on the date of the fact."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pytest

from inventories.faults import Fault, Faults
from policies.casetest import test_packs as run_cases
from policies.evaluate import evaluate
from policies.model import Bite, Pack, Verdict
from policies.pack import load_pack
from tests.policies.conftest import MakeSnapshot, counted, system

#: A law that was renumbered on 2026-01-01, and a measure beside it that ran out.
LAWS = """\
pack: country
title: 国家有关规定
issuer: 有关机关
region: "000000"
in_force: {from: 2017-06-01}
text: {verified: true}
scope: {text: 适用于各级政务信息系统}
settings:
  months: {type: integer, title: 测评间隔, default: 12, minimum: 1, maximum: 60, basis: 各方说法不一}
laws:
  act-2016: {title: 示例法, number: 第1号令, in_force: {from: 2017-06-01, to: 2025-12-31}, articles: 79}
  act-2025: {title: 示例法, number: 第2号令, in_force: {from: 2026-01-01}, articles: 81, verified: false}
  measure: {title: 示例办法, in_force: {from: 2018-01-01, to: 2027-06-30}, articles: 44}
rules:
  - id: filing
    title: 未备案
    law: act-2016
    article: 第二十一条
    quote: 实行等级保护制度
    cites:
      - {law: act-2025, article: 第二十三条, quote: 实行等级保护制度}
      - {law: measure, article: 第十五条, quote: 三十日内办理备案}
    dated_by: mlps_graded_on
    subject: system
    applies: mlps_graded_on <= as_of
    violation: mlps_filing_absent
    severity: high
    bite: referral
    refer_to: 公安机关
    remedy: 办理备案
  - id: sharing
    title: 未接入
    law: measure
    article: 第二十条
    quote: 接入平台
    subject: system
    violation: exchange_absent
    severity: low
    bite: reminder
    remedy: 接入
manual:
  - {law: measure, article: 第二条, question: 属于哪一级？, why: 须审阅定级报告}
"""
TEXT = """\
laws:
  act-2016: {第二十一条: 国家实行等级保护制度。}
  act-2025: {第二十三条: 国家实行等级保护制度。}
  measure: {第十五条: 应当在三十日内办理备案。, 第二十条: 应当接入平台。}
"""
CASES = """\
rule: filing
baseline: {system: {mlps_graded_on: 2024-01-01, mlps_filing_absent: false}}
as_of: 2026-06-30
cases:
  - {name: 未备案, system: {mlps_filing_absent: true}, expect: violation}
  - {name: 已备案, expect: compliant}
  - {name: 不明, system: {mlps_filing_absent: null}, expect: unknown}
  - {name: 当日定级, system: {mlps_graded_on: 2026-06-30}, expect: compliant}
  - {name: 次日定级, system: {mlps_graded_on: 2026-07-01}, expect: not_applicable}
"""
SHARING = """\
rule: sharing
baseline: {system: {exchange_absent: true}}
cases:
  - {name: 未接入, as_of: 2018-01-01, expect: violation}
  - {name: 已接入, as_of: 2018-01-01, system: {exchange_absent: false}, expect: compliant}
  - {name: 不明, as_of: 2018-01-01, system: {exchange_absent: null}, expect: unknown}
  - {name: 办法施行前一日, as_of: 2017-12-31, expect: not_applicable}
  - {name: 办法最后一日, as_of: 2027-06-30, expect: violation}
  - {name: 办法失效次日, as_of: 2027-07-01, expect: not_applicable}
"""


def folder(tmp_path: Path, *edits: tuple[str, str], text: str = TEXT) -> Path:
    out = tmp_path / "packs" / "country"
    (out / "cases").mkdir(parents=True, exist_ok=True)
    content = LAWS
    for old, new in edits:
        assert content.count(old) == 1, f"{old!r} stands {content.count(old)} times"
        content = content.replace(old, new)
    (out / "pack.yaml").write_text(content, encoding="utf-8")
    (out / "text.yaml").write_text(text, encoding="utf-8")
    (out / "cases" / "filing.yaml").write_text(CASES, encoding="utf-8")
    (out / "cases" / "sharing.yaml").write_text(SHARING, encoding="utf-8")
    return out


def faults(tmp_path: Path, *edits: tuple[str, str], text: str = TEXT) -> list[Fault]:
    with pytest.raises(Faults) as caught:
        load_pack(folder(tmp_path, *edits, text=text))
    return list(caught.value.faults)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    return load_pack(folder(tmp_path))


def test_its_cases_pass(pack: Pack) -> None:
    report = run_cases([pack])
    assert report.passed, list(report.lines())


def test_a_rule_cites_the_law_in_force_on_the_date_of_the_fact(pack: Pack) -> None:
    rule = pack.rule("filing")
    cited = {
        day: [(basis.number, basis.article) for basis in rule.bases_on(day)]
        for day in (date(2017, 6, 1), date(2025, 12, 31), date(2026, 1, 1), date(2027, 7, 1))
    }
    old, new, measure = ("第1号令", "第二十一条"), ("第2号令", "第二十三条"), ("", "第十五条")
    assert list(cited.values()) == [[old], [old, measure], [new, measure], [new]]
    # What stands for the rule where no day is meant is the version that has no end.
    assert (rule.basis.article, rule.article) == ("第二十三条", "第二十三条")
    # A fact older than every law: the only thing to cite is the rule's own.
    assert rule.bases_on(date(2010, 1, 1)) == (rule.basis,)
    assert not rule.in_force(date(2010, 1, 1))


def test_each_law_is_verified_by_itself(pack: Pack, tmp_path: Path) -> None:
    rule = pack.rule("filing")
    assert [basis.verified for basis in rule.bases_on(date(2025, 6, 1))] == [True, True]
    assert [basis.verified for basis in rule.bases_on(date(2026, 6, 1))] == [False, True]
    seen = {"by": "王工", "on": "2026-10-08", "document": "某局〔2026〕5号"}
    confirmed = load_pack(folder(tmp_path), settings={"confirmed_wording": seen})
    assert all(law.verified for law in confirmed.laws.values())
    assert confirmed.rule("filing").basis.verified


def test_a_law_whose_wording_is_not_shipped_is_not_verified(tmp_path: Path) -> None:
    pack = load_pack(folder(tmp_path))
    (Path(pack.folder) / "text.yaml").unlink()
    assert not any(law.verified for law in load_pack(Path(pack.folder)).laws.values())


def test_what_the_pack_is(pack: Pack) -> None:
    assert (pack.articles, pack.scope_article, pack.texts) == (0, "", {})
    assert pack.laws["measure"].texts["第二十条"] == "应当接入平台。"
    assert (pack.laws["act-2016"].valid_from, pack.laws["act-2016"].valid_to) == (
        date(2017, 6, 1),
        date(2025, 12, 31),
    )
    assert (pack.manual[0].law, pack.manual[0].article) == ("measure", "第二条")
    assert pack.settings["months"].basis == "各方说法不一"
    rule = pack.rule("filing")
    assert (rule.bite, rule.refer_to, rule.power, rule.dated_by) == (
        Bite.REFERRAL,
        "公安机关",
        None,
        "mlps_graded_on",
    )


@pytest.mark.parametrize(
    ("as_of", "verdict"),
    [
        (date(2017, 12, 31), Verdict.NOT_APPLICABLE),
        (date(2018, 1, 1), Verdict.VIOLATION),
        (date(2027, 6, 30), Verdict.VIOLATION),
        (date(2027, 7, 1), Verdict.NOT_APPLICABLE),
    ],
)
def test_a_rule_ends_with_the_last_of_its_laws(
    pack: Pack, make_snapshot: MakeSnapshot, as_of: date, verdict: Verdict
) -> None:
    source = make_snapshot({"system": [system("s-1", exchange_absent=True)]})
    found = counted(evaluate(source, [pack], as_of=as_of))
    assert found["country/sharing", "mzj", verdict] == 1


@pytest.mark.parametrize(
    ("edit", "what", "mend"),
    [
        (("    law: act-2016\n", "    law: act-2061\n"), "unknown law 'act-2061'", "act-2016"),
        (("{law: measure, article: 第十五条", "{law: measures, article: 第十五条"), "unknown law", "measure"),
        (("article: 第二十一条", "article: 第八十条"), "第八十条 does not exist", "第七十九条"),
        (
            ("{law: measure, article: 第二条", "{law: measure, article: 第四十五条"),
            "第四十五条 does not",
            "第四十四条",
        ),
        (("quote: 三十日内办理备案", "quote: 十日内备案"), "is not in the text of 第十五条", "word for word"),
        (
            ("article: 第二十三条, quote: 实行", "article: 第二十四条, quote: 实行"),
            "lacks 第二十四条 of act-2025",
            "add",
        ),
        (("    law: measure\n", ""), "cites none of the pack's laws", "add 'law'"),
        (("dated_by: mlps_graded_on", "dated_by: mlps_gradd_on"), "name no date 'mlps_gradd_on'", "mlps_graded_on"),
        (("dated_by: mlps_graded_on", "dated_by: built_on"), "name no date 'built_on'", "mlps_graded_on"),
        (("to: 2025-12-31", "to: 2016-12-31"), "before the first day", ""),
        (("    law: measure\n", "    law: measure\n    regulation: 某法\n"), "beside 'law'", "leave one"),
        (("manual:\n", "  - id: x\nmanual:\n"), "lacks 'title'", "add it"),
    ],
)
def test_faults(tmp_path: Path, edit: tuple[str, str], what: str, mend: str) -> None:
    found = faults(tmp_path, edit)
    wanted = [fault for fault in found if what in fault.what]
    assert wanted, found
    assert mend in wanted[0].mend
    assert "pack.yaml:" in wanted[0].where


def test_a_law_that_nothing_cites_and_wording_of_no_law(tmp_path: Path) -> None:
    idle = ("laws:\n", "laws:\n  idle: {title: 闲法, in_force: {from: 2020-01-01}}\n")
    found = faults(tmp_path, idle, text=TEXT + "  meesure: {第一条: 某某}\n")
    said = {fault.what: fault for fault in found}
    assert "nothing cites 'idle'" in said
    assert "measure" in said["unknown law 'meesure'"].mend
    assert "text.yaml:" in said["unknown law 'meesure'"].where


def test_a_pack_of_neither_articles_nor_laws(tmp_path: Path) -> None:
    content = LAWS[: LAWS.index("laws:")] + LAWS[LAWS.index("rules:") :]
    out = folder(tmp_path)
    (out / "pack.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(Faults) as caught:
        load_pack(out)
    found = [fault.what for fault in caught.value.faults]
    assert any("neither how many 'articles'" in what for what in found)
    assert any("does not say by which article" in what for what in found)


def test_a_copy_of_a_pack_cites_the_same(pack: Pack, tmp_path: Path) -> None:
    again = load_pack(Path(pack.folder))
    assert [rule.citations for rule in again.rules] == [rule.citations for rule in pack.rules]
    assert dataclasses.replace(again, folder="") == dataclasses.replace(pack, folder="")

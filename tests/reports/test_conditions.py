"""Conditions in words: what is written says what judges, no more and no less."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from inventories.kinds import Type
from policies.model import Pack, Setting
from policies.pack import builtin_packs, load_packs
from policies.predicate import parse_predicate
from policies.trees import trees_of
from reports.conditions import in_words, title, value_words


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pack, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        return load_packs(builtin_packs())


@pytest.fixture(scope="module")
def pack(packs: tuple[Pack, ...]) -> Pack:
    """Yuncheng's, with a setting that is given and one that is not."""
    (found,) = (pack for pack in packs if pack.id == "yuncheng-2021")
    settings = {
        "most_hosts": Setting("most_hosts", "integer", "主机数上限", "第三条", 3),
        "merged_on": Setting("merged_on", "date", "整合日期", "第三条"),
    }
    return replace(found, settings=settings)


NAMES = (("in_force_from", Type.DATE), ("most_hosts", Type.INTEGER), ("merged_on", Type.DATE))


def words(text: str, pack: Pack, subject: str = "system") -> str:
    parsed = parse_predicate(text, subject, NAMES)
    assert parsed.tree is not None, parsed.problems
    return in_words(parsed.tree, subject, pack)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status = 'running'", "系统状态为“运行”"),
        ("not status = 'running'", "系统状态不是“运行”"),
        ("status <> 'running'", "系统状态不是“运行”"),
        ("status in ('trial', 'running')", "系统状态为“试运行”、“运行”之一"),
        ("status not in ('trial', 'running')", "系统状态不是“试运行”、“运行”之一"),
        ("sector = 'police'", "行业为“公安”"),
        ("is_registered", "“是否登记在册”为是"),
        ("not is_registered", "“是否登记在册”为否"),
        ("approval_absent", "“立项审批日期”明确答复为无"),
        ("not approval_absent", "“立项审批日期”并未答复为无"),
        ("hosts_alive_off_cloud > 0", "云外仍应答主机数多于0"),
        ("not hosts_alive_off_cloud > 0", "云外仍应答主机数不多于0"),
        ("0 < hosts_alive_off_cloud", "云外仍应答主机数多于0"),
        ("mlps_level >= 3", "等保级别不少于3级"),
        ("hosts_total > most_hosts", "主机数多于“主机数上限”（3）"),
        ("built_on >= date '2024-02-05'", "建成日期不早于2024年2月5日"),
        ("built_on < in_force_from", "建成日期早于本规定施行之日（2021年2月9日）"),
        ("built_on >= merged_on", "建成日期不早于“整合日期”（由本地设定）"),
        ("built_on < as_of", "建成日期早于核查之日"),
        ("built_on < go_live_on", "建成日期早于投入运行日期"),
        ("days_since(mlps_assessed_on) > 365", "等保测评日期至核查之日的日数多于365日"),
        ("add_months(mlps_assessed_on, 12) < as_of", "等保测评日期后12个月早于核查之日"),
        ("add_days(mlps_filed_on, 30) < as_of", "等保备案日期后30日早于核查之日"),
        ("has(hosting, 'own_room')", "部署位置包括“自建机房”"),
        ("not has(hosting, 'own_room')", "部署位置不包括“自建机房”"),
        ("has_any(hosting, 'own_room', 'public_cloud')", "部署位置包括“自建机房”、“公有云”之一"),
        (
            "begun_since(in_force_from, construction_from, built_on, go_live_on)",
            "开工日期不早于本规定施行之日（2021年2月9日）（开工日期不明，而建成日期或投入运行日期早于该日的，视为早于）",
        ),
        (
            "is_registered and has_data or approval_absent",
            "（“是否登记在册”为是，且“有无数据”为是），或者“立项审批日期”明确答复为无",
        ),
        ("not (is_registered and status = 'running')", "“是否登记在册”为否，或者系统状态不是“运行”"),
        ("not (is_registered or status = 'running')", "“是否登记在册”为否，且系统状态不是“运行”"),
    ],
)
def test_conditions_read_as_a_lawyer_would_say_them(text: str, expected: str, pack: Pack) -> None:
    assert words(text, pack) == expected.replace("有无数据", title("system", "has_data"))


def test_a_rule_without_a_condition_binds_all(pack: Pack) -> None:
    assert in_words(None, "system", pack) == "全部"


def test_no_code_is_left_in_the_words_of_any_pack(packs: tuple[Pack, ...]) -> None:
    """Every column, value and setting that a shipped rule names has a Chinese word."""
    left = []
    for pack in packs:
        for rule in pack.rules:
            for tree in trees_of(pack, rule):
                said = in_words(tree, rule.subject, pack)
                if "_" in said or "function" in said:
                    left.append((rule.full_id, said))
    assert left == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("status", "running", "运行"),
        ("status", None, "不明"),
        ("is_registered", True, "是"),
        ("built_on", date(2024, 2, 5), "2024年2月5日"),
        ("hosting", ["gov_cloud", "own_room"], "政务云、自建机房"),
        ("hosting", [], "（无）"),
        ("mlps_level", 3, "3级"),
        ("mlps_score", 0.9, "0.9"),
        ("name", "a\x1b[31mb", "a\\x1b[31mb"),
    ],
)
def test_values_in_words(name: str, value: object, expected: str) -> None:
    assert value_words("system", name, value) == expected

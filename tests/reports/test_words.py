"""The Chinese words, one for each code."""

from datetime import UTC, date, datetime

import pytest

from auditor.ledger.life import Change, Reason
from inventories.kinds import KINDS
from inventories.model import Strength
from policies.model import Bite, Reply, Severity, Verdict
from reports import words


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "一"),
        (10, "十"),
        (11, "十一"),
        (20, "二十"),
        (99, "九十九"),
        (100, "一百"),
        (105, "一百零五"),
        (110, "一百一十"),
        (1000, "一千"),
        (1001, "一千零一"),
        (1010, "一千零一十"),
        (9999, "九千九百九十九"),
    ],
)
def test_numbers_as_headings_count_them(number: int, said: str) -> None:
    assert words.chinese_number(number) == said


@pytest.mark.parametrize("number", [0, -1, 10_000])
def test_numbers_out_of_range_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="not between"):
        words.chinese_number(number)


def test_every_code_of_the_inner_packages_has_a_word() -> None:
    assert set(words.SEVERITIES) == set(Severity)
    assert set(words.VERDICTS) == set(Verdict)
    assert set(words.BITES) == set(Bite)
    assert set(words.STRENGTHS) == {s.label for s in Strength}
    assert set(words.STRENGTH_MEANINGS) == set(Strength)
    assert set(words.SUBJECTS) == set(KINDS)


def test_a_findings_life_is_told_in_the_ledgers_own_words() -> None:
    assert set(words.REASONS) == {reason.value for reason in Reason}
    assert set(words.CHANGES) == set(Change)
    assert words.reason_words("uncovered；断电\x07") == "本次核查未覆盖；断电\\x07"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(10, "working_days", "service"), "接到通知之日起10个工作日内"),
        (Reply(30, "days", "issue"), "印发之日起30日内"),
        (Reply(3, "months", "service"), "接到通知之日起3个月内"),
        (None, ""),
    ],
)
def test_time_to_reply_in_words(reply: Reply | None, said: str) -> None:
    assert words.reply_words(reply) == said


@pytest.mark.parametrize(
    ("source", "brief", "said"),
    [
        ("nmap", False, "网络探测"),
        ("registers/systems.xlsx!3", False, "登记台账systems.xlsx第3行"),
        ("registers/rooms.xlsx!B7", False, "登记台账rooms.xlsxB7格"),
        ("registers/rooms.xlsx!B7", True, "登记台账"),
        ("registers/clouds.yaml:10:3", False, "登记台账clouds.yaml第10行"),
        ("registers/clouds.yaml:10:3", True, "登记台账"),
        ("registers/submissions（jtj systems）", False, "登记报送记录"),
        ("computed", False, "由所列其他事实推定"),
        ("somewhere\x1b[31m", False, "somewhere\\x1b[31m"),
        ("openstack https://198.51.100.5:5000/v3", False, "云平台接口（https://198.51.100.5:5000/v3）"),
        ("openstack https://198.51.100.5:5000/v3", True, "云平台接口"),
        ("nmap + registers/systems.xlsx!3 + nmap", False, "网络探测、登记台账systems.xlsx第3行"),
    ],
)
def test_sources_in_words(source: str, brief: bool, said: str) -> None:
    assert words.source_words(source, brief=brief) == said


def test_moments_are_shown_on_the_sites_clocks() -> None:
    at = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    assert words.moment(at, "Asia/Shanghai") == "2026-11-23 00:30"
    assert words.moment(None, "Asia/Shanghai") == ""
    # A machine without such data still shows China's time, which has no summer time.
    assert words.moment(at, "No/Such_Zone") == "2026-11-23 00:30"
    assert words.chinese_date(date(2026, 1, 5)) == "2026年1月5日"


def test_unknown_codes_are_shown_and_made_safe() -> None:
    assert words.word(words.STATES, "escalated\x07") == "escalated\\x07"


def test_names_are_joined_as_chinese_joins_them() -> None:
    assert words.listing(["信息系统"]) == "信息系统"
    assert words.listing(["信息系统", "机房", "信息系统"]) == "信息系统和机房"
    assert words.listing(["信息系统", "机房", "网络"]) == "信息系统、机房和网络"
    assert words.listing(["甲", "乙", "丙", "丁"]) == "甲、乙、丙等"


def test_kind_by_name_or_key() -> None:
    assert words.kind_of("x-1", "room") is KINDS["room"]
    assert words.kind_of("h-0001") is KINDS["host"]
    assert words.kind_of("?") is None
    assert words.column_title(KINDS["system"], "hosting") == "部署位置"
    assert words.column_title(KINDS["system"], "is_on_recognised_cloud") == "是否部署在认可的政务云平台"
    assert words.column_title(None, "strange") == "strange"


def test_long_text_is_cut_and_lines_joined() -> None:
    assert words.tidy("一\n二\t三", 100) == "一 二 三"
    assert len(words.tidy("x" * 60_000, 100)) == 101

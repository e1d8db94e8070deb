"""The Chinese words of papers, ledgers and summaries, in one place; pure.

Codes from the inner packages come in, words that a bureau reads go out. A code without a word is shown as it
is, made safe: nothing is dropped because nobody has named it yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from inventories.faults import clean
from inventories.kinds import KINDS, Column, Kind
from inventories.model import Strength
from policies.model import Reply
from policies.orders import STRENGTH_LABELS
from policies.subjects import DERIVED

SEVERITIES: Mapping[str, str] = {
    "critical": "特别严重",
    "high": "严重",
    "medium": "一般",
    "low": "轻微",
    "advice": "建议",
}
STATES: Mapping[str, str] = {
    "open": "未整改",
    "reopened": "再次发现",
    "stale": "待复核",
    "waived": "已豁免",
    "dismissed": "已排除",
    "resolved": "已销号",
}
#: Why a finding is in its state.
REASONS: Mapping[str, str] = {
    "seen": "本次核查确认",
    "mended": "已整改",
    "gone": "连续核查未再发现该资产",
    "exempt": "不再适用",
    "lapsed": "依据已失效",
    "merged": "与另一问题合并",
    "unknown": "本次核查事实不明",
    "absent": "本次核查未发现该资产",
    "uncovered": "本次核查未覆盖",
    "waived": "经批准豁免",
    "waiver_ended": "豁免已终止",
    "dismissed": "经人工复核排除",
    "restored": "经人工复核恢复",
    "came_back": "销号后再次出现",
    "retest_due": "已到复测日期",
    "facts_changed": "事实有变化",
    "rekeyed": "资产标识变更",
    "transferred": "资产移交",
}
#: States in which a finding still asks for something.
LIVE = ("open", "reopened", "stale")
VERDICTS: Mapping[str, str] = {
    "violation": "不符合",
    "compliant": "符合",
    "unknown": "无法判定",
    "not_applicable": "不适用",
    "waived": "已豁免",
}
CHANGES: Mapping[str, str] = {
    "new": "新发现",
    "still_open": "仍存在",
    "reopened": "再次发现",
    "resolved": "已销号",
    "stale": "待复核",
    "waived": "已豁免",
    "dismissed": "已排除",
    "untouched": "本次未核查",
}
BITES: Mapping[str, str] = {
    "order": "可责令整改",
    "reminder": "提示",
    "advice": "倡导性要求",
    "lead": "线索",
    "bureau": "主管部门待办",
    "referral": "移送其他机关",
}
STRENGTHS: Mapping[str, str] = {strength.label: word for strength, word in STRENGTH_LABELS.items()}
#: What the four words mean, for readers who meet them in a paper.
STRENGTH_MEANINGS: Mapping[Strength, str] = {
    Strength.SEEN_INSIDE: "在主机上或者经管理接口读取",
    Strength.SEEN_OUTSIDE: "由服务的应答、横幅或者证书自行表明",
    Strength.DECLARED: "单位在登记表中填报",
    Strength.HINTED: "仅由端口、名称等推测",
}
SUBJECTS: Mapping[str, str] = {name: kind.title for name, kind in KINDS.items()}
EXCLUSIONS: Mapping[str, str] = {
    "waived": "经批准豁免",
    "exempt": "法定豁免",
    "retired": "已停用",
    "retired_filed": "停用已报备",
    "planned": "尚未建设",
    "suspended": "暂停运行",
    "status_unknown": "状态不明",
    "out_of_scope": "不在适用范围",
}
#: Columns that a pack computes at evaluation and no kind declares.
COMPUTED: Mapping[str, str] = {
    **{found.column.name: found.column.title for found in DERIVED.values()},
    "is_on_recognised_cloud": "是否部署在认可的政务云平台",
}

_SOURCES: Mapping[str, str] = {
    "nmap": "网络探测",
    "endpoints": "管理平台端点探测",
    "names": "域名与网址核查",
    "ssh": "主机采集",
    "windows": "Windows主机采集",
    "vsphere": "虚拟化平台接口",
    "openstack": "云平台接口",
    "snmp": "网络设备接口",
    "computed": "由所列其他事实推定",
    "site.yaml": "审计站点配置",
}
_UNITS: Mapping[str, str] = {"days": "日", "working_days": "个工作日", "months": "个月"}
_STARTS: Mapping[str, str] = {"service": "接到通知之日起", "issue": "印发之日起"}
_DIGITS = "零一二三四五六七八九"


def word(words: Mapping[str, str], code: str) -> str:
    """The Chinese word for a code, or the code itself made safe."""
    return words.get(code) or clean(code, 60)


def reason_words(reason: str) -> str:
    """Why a finding is in its state: codes become words, notes that people wrote stay."""
    return "；".join(word(REASONS, part) if len(part) < 40 else part for part in reason.split("；"))


def tidy(text: str, limit: int) -> str:
    """Text of several lines as one, runs of white space as one space, then cleaned and bounded."""
    # Only a bounded head is worth splitting: what is longer is cut anyway.
    return clean(" ".join(text[: limit * 4 + 64].split()), limit)


def severity_rank(severity: str) -> int:
    """Gravest first: 0 for critical; unknown words come last."""
    return list(SEVERITIES).index(severity) if severity in SEVERITIES else len(SEVERITIES)


def chinese_number(number: int) -> str:
    """1 → 一, 12 → 十二, 105 → 一百零五; 1 to 9999, as headings are counted."""
    if not 0 < number < 10_000:
        raise ValueError(f"{number} is not between 1 and 9999")
    out, rest, gap = "", number, False
    for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, rest = divmod(rest, size)
        if digit:
            out += ("零" if gap and out else "") + _DIGITS[digit] + unit
        gap = not digit
    return out[1:] if out.startswith("一十") else out


def chinese_date(day: date) -> str:
    """2026年11月23日: Arabic figures without leading zeros."""
    return f"{day.year}年{day.month}月{day.day}日"


def zone_of(name: str) -> tzinfo:
    """The site's time zone; where this machine has no such data, China's (which has no summer time)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return timezone(timedelta(hours=8))


def local(at: datetime, zone: str) -> datetime:
    """A moment on the site's clocks, without zone; naive moments are taken to be there already."""
    return at.astimezone(zone_of(zone)).replace(tzinfo=None) if at.tzinfo else at


def moment(at: datetime | None, zone: str) -> str:
    """``2026-11-23 09:05`` on the site's clocks, or the empty string."""
    return local(at, zone).strftime("%Y-%m-%d %H:%M") if at else ""


def reply_words(reply: Reply | None) -> str:
    """接到通知之日起10个工作日内; empty where the regulation sets no time to reply."""
    if reply is None:
        return ""
    unit = _UNITS.get(reply.unit, clean(reply.unit, 20))
    return f"{_STARTS.get(reply.start, '')}{reply.amount}{unit}内"


def source_words(source: str, *, brief: bool = False) -> str:
    """Where a fact comes from, for somebody who has never seen the program.

    ``nmap`` → 网络探测; ``registers/systems.xlsx!3`` → 登记台账systems.xlsx第3行, in brief 登记台账; several sources
    of one conclusion, which ``+`` joins, one after another.
    """
    if " + " in source:
        return "、".join(dict.fromkeys(source_words(one, brief=brief) for one in source.split(" + ")))
    # A probe that asks an interface names it: "openstack https://…".
    probe, _, where = source.partition(" ")
    if where and probe in _SOURCES:
        return _SOURCES[probe] if brief else f"{_SOURCES[probe]}（{clean(where, 80)}）"
    if source.startswith("registers/submissions"):
        return "登记报送记录"
    # Tables give a row or a cell after "!", YAML a line and a column after ":".
    found = re.fullmatch(r"(?:.*/)?([^/!:]+)(?:!(\w+)|:(\d+):\d+)", source)
    if found and brief:
        return "登记台账"
    if found:
        row = found[3] or found[2]
        place = f"第{row}行" if row.isdecimal() else f"{row}格"
        return f"登记台账{clean(found[1], 80)}{clean(place, 20)}"
    return _SOURCES.get(source) or clean(source, 80)


def kind_of(asset_key: str, name: str = "") -> Kind | None:
    """The kind of an asset by its name, or by the letter that its key starts with."""
    if name in KINDS:
        return KINDS[name]
    return next((kind for kind in KINDS.values() if asset_key.startswith(kind.letter)), None)


def column_of(kind: Kind | None, name: str) -> Column | None:
    """A kind's column; None where the kind is unknown or declares no such column."""
    return next((column for column in kind.all_columns if column.name == name), None) if kind else None


def column_title(kind: Kind | None, name: str) -> str:
    """The Chinese title of a column, also of those that a pack computes."""
    column = column_of(kind, name)
    return column.title if column else COMPUTED.get(name) or clean(name, 60)


def listing(names: Iterable[str], most: int = 3) -> str:
    """信息系统、机房和云平台: names joined as Chinese joins them; more than ``most`` end in 等."""
    items = list(dict.fromkeys(names))
    if len(items) > most:
        return "、".join(items[:most]) + "等"
    return "、".join(items[:-1]) + "和" + items[-1] if len(items) > 1 else "".join(items)

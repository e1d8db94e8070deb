"""扫描健康: whether the figures of the other dashboards can be relied on."""

from __future__ import annotations

from reports.grafana import links
from reports.grafana.boards import looking
from reports.grafana.boards.common import (
    IF_ANY,
    SHARE,
    UNIT_HOURS,
    UNIT_ITEMS,
    UNIT_SECONDS,
    UNIT_THINGS,
    ZERO_AND_UNKNOWN,
    counted,
    fixed,
)
from reports.grafana.model import (
    ALERT,
    BAD,
    GOOD,
    PLAIN,
    SECOND,
    Board,
    Kind,
    Label,
    Look,
    Panel,
    Query,
    Row,
    Rows,
    Step,
    Variable,
)
from reports.grafana.promql import NOT_EVER, ZONE, or_never, told
from reports.grafana.words import COMPLETE, NEVER, PARTS, PROBES, STAGES, YES_NO
from reports.metrics_names import Part

_RIGHT = (Step(None, BAD), Step(1, GOOD))
_PROBES = f"auditor_probe_success{{{ZONE}}}"
_ZONES = "group by (zone, name) (auditor_zone_info)"
#: A zone that has lost its name is still shown, by its code.
_NAMED = f'{_ZONES} or on (zone) label_replace(group by (zone) ({_PROBES}), "name", "$1", "zone", "(.*)")'


def _freshness(width: int) -> Panel:
    return Panel(
        title="核查的新旧",
        description="看板所用的核查是多少小时以前开始的；最近一次没有任何授权范围遗漏的核查是多少小时以前结束的。",
        kind=Kind.FIGURES,
        unit=UNIT_HOURS,
        decimals=1,
        width=width,
        queries=counted(
            (
                ("(time() - max(auditor_audit_timestamp_seconds)) / 3600", "最近一次核查", fixed(PLAIN)),
                (
                    or_never("(time() - max(auditor_audit_last_success_timestamp_seconds)) / 3600", Part.PROBES),
                    "最近一次全部覆盖",
                    fixed(PLAIN),
                ),
            )
        ),
        says=NEVER,
    )


def _complete(width: int) -> Panel:
    return Panel(
        title="最近一次核查",
        description="是否覆盖了全部授权的范围。未覆盖范围内的情况不作认定，其中已有的问题不会因此销号。",
        kind=Kind.FIGURES,
        unit="none",
        width=width,
        queries=(Query(told("min(auditor_audit_complete)"), "覆盖"),),
        steps=(Step(None, ALERT), Step(1, GOOD)),
        says=COMPLETE,
    )


def _failures(width: int) -> Panel:
    return Panel(
        title="探测",
        description="每个网络区域的每种探测算一项；没有做到全部预定范围的为失败，含没有授权而不能进行的。",
        kind=Kind.FIGURES,
        unit=UNIT_ITEMS,
        width=width,
        queries=counted(
            (
                (f"count({_PROBES})", "应进行", fixed(PLAIN)),
                (f"count({_PROBES} == 0) or 0 * count({_PROBES})", "失败", IF_ANY),
            )
        ),
    )


def _coverage(width: int) -> Panel:
    ratio = f"auditor_probe_coverage_ratio{{{ZONE}}}"
    return Panel(
        title="覆盖率",
        description="覆盖率＝实际探测到的地址数÷授权探测的地址数，每个网络区域的每种探测各有一个；没有授权地址的不计算。",
        kind=Kind.FIGURES,
        unit=SHARE,
        decimals=0,
        width=width,
        queries=counted(
            (
                (f"min({ratio})", "最低", Look(steps=(Step(None, ALERT), Step(1, GOOD)))),
                (f"avg({ratio})", "平均", Look(steps=(Step(None, ALERT), Step(1, GOOD)))),
            )
        ),
        maximum=1,
    )


def _zones(width: int) -> Panel:
    last = f"(time() - auditor_probe_last_success_timestamp_seconds{{{ZONE}}}) / 3600"
    asked = {
        "结果": (_PROBES, Look(says=YES_NO, steps=_RIGHT, coloured=True)),
        "覆盖率": (f"auditor_probe_coverage_ratio{{{ZONE}}}", Look(unit=SHARE, decimals=0, bar=True)),
        "用时": (f"auditor_probe_duration_seconds{{{ZONE}}}", Look(unit=UNIT_SECONDS, decimals=0)),
        "距上次成功": (f"({last}) or 0 * {_PROBES} - {-NOT_EVER}", Look(unit=UNIT_HOURS, decimals=1, says=NEVER)),
    }
    name = f"max by (zone, probe) ({_PROBES} * 0 + 1) * on (zone) group_left (name) ({_NAMED})"
    return Panel(
        title="各网络区域的探测",
        description="每个网络区域的每种探测：本次是否做到全部预定范围，覆盖率，用时，距上次做到全部预定范围的时间。",
        kind=Kind.TABLE,
        unit="none",
        width=width,
        labels=(
            Label("name", "网络区域"),
            Label("probe", "探测方式", Look(says=PROBES)),
            Label("zone", "区域编号", Look(width=120)),
        ),
        rows=Rows(f"max by (zone, probe) ({_PROBES})", "zone, probe"),
        queries=(
            Query(name),
            *(Query(f"max by (zone, probe) ({expr})", column, look) for column, (expr, look) in asked.items()),
        ),
        sort="-覆盖率",
    )


def _stages(width: int) -> Panel:
    return Panel(
        title="核查各阶段用时",
        description="最近一次核查的每个阶段用了多少秒；没有记下来的显示“不详”。",
        kind=Kind.BARS,
        unit=UNIT_SECONDS,
        decimals=2,
        width=width,
        queries=counted(
            (f'max(auditor_audit_duration_seconds{{stage="{code}"}})', word, Look()) for code, word in STAGES.items()
        ),
    )


def _trend(width: int) -> Panel:
    ratio = f"auditor_probe_coverage_ratio{{{ZONE}}}"
    return Panel(
        title="覆盖率的变化",
        description="各网络区域、各种探测的覆盖率的最低值和平均值，以及做到全部预定范围的探测所占的比例。",
        kind=Kind.TREND,
        unit=SHARE,
        decimals=0,
        width=width,
        queries=(
            Query(f"min({ratio})", "最低覆盖率", fixed(ALERT)),
            Query(f"avg({ratio})", "平均覆盖率", fixed(PLAIN)),
            Query(f"avg({_PROBES})", "成功的探测", fixed(GOOD)),
        ),
        maximum=1,
    )


def _parts(width: int) -> Panel:
    return Panel(
        title="监测指标",
        description="指标的每一部分能否读出。失败的部分没有数据，看板上相应的数字显示“不详”，不是 0。",
        kind=Kind.BARS,
        unit="none",
        width=width,
        queries=counted(
            (f'min(auditor_scrape_part_success{{part="{part.value}"}})', word, Look()) for part, word in PARTS.items()
        ),
        steps=_RIGHT,
        says=YES_NO,
        maximum=1,
    )


def _store(width: int) -> Panel:
    return Panel(
        title="台账和存储",
        description="审计轨迹中越过程序直接改动的条数，应当为 0；台账文件的大小；存放数据的磁盘还剩多少。"
        f"{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit="bytes",
        width=width,
        queries=counted(
            (
                ("max(auditor_trail_faults)", "轨迹异常", Look(steps=IF_ANY.steps, unit=UNIT_THINGS)),
                ("max(auditor_ledger_size_bytes)", "台账", fixed(PLAIN)),
                ("min(auditor_state_free_bytes)", "磁盘剩余", fixed(SECOND)),
            )
        ),
    )


SCANNING = Board(
    uid=links.SCANNING,
    title="扫描健康",
    description="核查的新旧、覆盖、失败和用时，定时核查是否按计划：其他看板的数字靠不靠得住，看这里。",
    since="now-7d",
    variables=(Variable.ZONE,),
    rows=(
        Row(6, (_freshness(8), _complete(4), _failures(6), _coverage(6))),
        Row(11, (_zones(16), _stages(8))),
        Row(9, (_trend(10), _parts(6), _store(8))),
        looking.ROW,
    ),
)

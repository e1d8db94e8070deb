"""The group of panels on zones' times: what is late, held up, about to lose its validity, or answered by nobody."""

from __future__ import annotations

from dataclasses import replace

from reports.grafana.boards.common import IF_ANY, UNIT_HOURS, UNIT_THINGS, ZERO_AND_UNKNOWN, counted
from reports.grafana.model import ALERT, BAD, GOOD, GREY, Kind, Label, Look, Panel, Query, Row, Rows, Step
from reports.grafana.promql import NOT_EVER, ZONE, each, or_none
from reports.grafana.words import BY_WORDS, NO_LOOK, NOT_DUE
from reports.metrics_names import Part

_SEEN = f"auditor_look_seen_timestamp_seconds{{{ZONE}}}"
_EXPIRES = f"auditor_look_expires_timestamp_seconds{{{ZONE}}}"
_DEADLINE = f"auditor_look_deadline_timestamp_seconds{{{ZONE}}}"
_NEXT = f"auditor_schedule_next_run_timestamp_seconds{{{ZONE}}}"
_UNANSWERED = f"auditor_worker_unanswered_timestamp_seconds{{{ZONE}}}"
_INFO = f"auditor_zone_info{{{ZONE}}}"
#: Zones of which a look is kept, of which one is waited for, and those that an audit knows.
_ROWS = (
    f"group by (zone, by) ({_SEEN}) or on (zone) group by (zone) ({_DEADLINE}) or on (zone) group by (zone) ({_INFO})"
)
_NAMED = (
    "group by (zone, name) (auditor_zone_info) "
    f'or on (zone) label_replace(group by (zone) ({_ROWS}), "name", "$1", "zone", "(.*)")'
)
_EACH = f"group by (zone) ({_ROWS})"
#: Hours, as the alert on looks that are about to expire has them.
_SOON = 12


def _number(expr: str, part: Part) -> str:
    return or_none(f"count({expr})", part)


def trouble(width: int) -> Panel:
    paused = 'auditor_schedule_paused_timestamp_seconds{zone!="_everything"}'
    everything = 'auditor_schedule_paused_timestamp_seconds{zone="_everything"}'
    stopped = "auditor_probing_stopped_timestamp_seconds"
    held_up = f"(count({everything}) or count({stopped}))"
    return Panel(
        title="定时核查",
        description="未按计划的，是过了补做的时限和授权时段仍没有结果的区域；节点无应答的，是最近一次没有核查节点接收任务的区域；"
        f"将失效的，是核查结果 {_SOON} 小时之内失效或者已经失效的区域。整体暂停或者急停为 1 时，一个区域也不会核查。"
        f"{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit=UNIT_THINGS,
        width=width,
        queries=counted(
            (
                (_number(f"min by (zone) ({_DEADLINE}) < time()", Part.LOOKS), "未按计划", IF_ANY),
                (_number(f"min by (zone) ({_EXPIRES}) - time() < {_SOON * 3600}", Part.LOOKS), "将失效", IF_ANY),
                (_number(f"min by (zone) ({_UNANSWERED})", Part.LOOKS), "节点无应答", IF_ANY),
                (_number(paused, Part.SCHEDULE), "暂停的区域", IF_ANY),
                (or_none(f"0 * {held_up} + 1", Part.SCHEDULE), "整体暂停或急停", IF_ANY),
            )
        ),
    )


def _or_never(expr: str, part: Part) -> str:
    """A number of hours from 0 on for every zone, and -1 where there is none though its part could be told."""
    return f"({each(f'({expr}) + {-NOT_EVER}', _EACH, 'zone', part)}) - {-NOT_EVER}"


def zones(width: int) -> Panel:
    ago = f"(time() - max by (zone) ({_SEEN})) / 3600"
    left = f"clamp_min((min by (zone) ({_EXPIRES}) - time()) / 3600, 0)"
    late = f"clamp_min((time() - min by (zone) ({_DEADLINE})) / 3600, 0)"
    until = f"(min by (zone) ({_NEXT}) - time()) / 3600 >= 0"
    hours = Look(unit=UNIT_HOURS, decimals=1, says=NO_LOOK)
    steps = (Step(None, GREY), Step(0, BAD), Step(0.01, ALERT), Step(_SOON, GOOD))
    overdue = (Step(None, GREY), Step(0, GOOD), Step(0.01, BAD))
    return Panel(
        title="各区域的定时核查",
        description="每个区域由谁核查；最近一次的结果是多少小时以前看到的；再过多少小时失效，0 是已经失效；"
        "下一次计划在多少小时之后；过了期限多少小时，0 是没有超过。不保存核查结果、没有时间表的，写“没有”。",
        kind=Kind.TABLE,
        unit="none",
        width=width,
        labels=(
            Label("name", "网络区域"),
            Label("by", "由谁核查", Look(says=BY_WORDS)),
            Label("zone", "区域编号", Look(width=120)),
        ),
        rows=Rows(_EACH, "zone"),
        queries=(
            Query(f"({_ROWS}) * on (zone) group_left (name) ({_NAMED})"),
            Query(_or_never(ago, Part.LOOKS), "距最近一次", hours),
            Query(_or_never(left, Part.LOOKS), "距失效", replace(hours, steps=steps, coloured=True)),
            Query(_or_never(until, Part.SCHEDULE), "距下一次", replace(hours, says=NOT_DUE)),
            Query(_or_never(late, Part.LOOKS), "过期限", replace(hours, says=NOT_DUE, steps=overdue, coloured=True)),
        ),
        sort="-距失效",
    )


ROW = Row(9, (zones(16), trouble(8)))

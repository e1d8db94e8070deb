"""城市总览: the city at a glance."""

from __future__ import annotations

from reports.grafana import links
from reports.grafana.boards.common import (
    CELL_IF_ANY,
    CELL_UNKNOWN,
    DEPARTMENT_LABELS,
    EACH_DEPARTMENT,
    SHARE,
    UNIT_THINGS,
    UNKNOWN,
    ZERO_AND_UNKNOWN,
    counted,
    findings_by_severity,
    fixed,
    migration_parts,
    migration_rate,
    open_and_overdue,
)
from reports.grafana.model import (
    ALERT,
    GOOD,
    GREY,
    PLAIN,
    SECOND,
    Board,
    Kind,
    Label,
    Look,
    Panel,
    Query,
    Row,
    Variable,
    plain,
    wrong_from,
)
from reports.grafana.promql import (
    DEPARTMENT,
    DEPARTMENTS,
    each_department,
    findings,
    in_scope,
    on_cloud,
    open_cases,
    or_zero,
    overdue_cases,
    place_not_known,
    planned,
    rate,
    rate_at_most,
    remaining,
    remaining_at_least,
    still_to_come,
    with_history,
)
from reports.grafana.words import CANNOT_TELL, EXCLUSION_WORDS, HOSTING_WORDS, NO_SYSTEMS
from reports.metrics_names import METRICS, Part

_HOSTING_LOOKS = {
    "gov_cloud": fixed(GOOD),
    "unrecognised_gov_cloud": Look(steps=wrong_from(1, ALERT)),
    "not_known": UNKNOWN,
}


def _burn_down(width: int) -> Panel:
    return Panel(
        title="上云进度与计划",
        description="尚未上云的信息系统数随时间的变化。“含无法判定”是分母减分子，“已查明未上云”不含无法判定的。"
        "“计划允许”是登记的计划上云季度尚未过完的系统数：未上云的多于计划允许的，多出的就是已过计划时间或者没有登记计划的。",
        kind=Kind.TREND,
        unit=UNIT_THINGS,
        width=width,
        queries=(
            Query(with_history(remaining()), "未上云（含无法判定）", fixed(GREY)),
            Query(with_history(remaining_at_least()), "已查明未上云", fixed(ALERT)),
            Query(with_history(still_to_come()), "计划允许", fixed(PLAIN)),
        ),
    )


def _excluded(width: int) -> Panel:
    reasons = METRICS["auditor_systems_excluded"].values["reason"]
    one = f'sum (auditor_systems_excluded{{reason="%s", {DEPARTMENT}}})'
    return Panel(
        title="不纳入上云率统计的系统",
        description=f"不在上云率分母之内的信息系统，按原因分。{ZERO_AND_UNKNOWN}",
        kind=Kind.BARS,
        unit=UNIT_THINGS,
        width=width,
        queries=counted((or_zero(one % reason, in_scope()), EXCLUSION_WORDS[reason], Look()) for reason in reasons),
        steps=plain(SECOND),
    )


def _ranking(width: int) -> Panel:
    return Panel(
        title="各部门上云和整改",
        description="按上云率（至少）从高到低。“至多”把无法判定的系统计入已上云。没有应上云系统的部门不计算上云率。"
        f"{ZERO_AND_UNKNOWN}",
        kind=Kind.TABLE,
        unit="none",
        width=width,
        labels=DEPARTMENT_LABELS,
        rows=EACH_DEPARTMENT,
        queries=(
            Query(DEPARTMENTS),
            Query(rate("department"), "上云率", Look(unit=SHARE, decimals=1, bar=True, says=NO_SYSTEMS)),
            Query(rate_at_most("department"), "至多", Look(unit=SHARE, decimals=1, says=NO_SYSTEMS, width=90)),
            Query(on_cloud("department"), "已上云", Look(width=80)),
            Query(in_scope("department"), "应上云", Look(width=80)),
            Query(place_not_known("department"), CANNOT_TELL, CELL_UNKNOWN),
            Query(each_department(findings("department"), Part.FINDINGS), "未销号问题", CELL_IF_ANY),
            Query(each_department(open_cases("department"), Part.CASES), "在办案件"),
            Query(each_department(overdue_cases("department"), Part.CASES), "逾期", CELL_IF_ANY),
        ),
        sort="上云率",
    )


def _plan(width: int) -> Panel:
    none = f'label_replace(0 * ({in_scope()}), "by", "没有登记计划", "", "") unless on () {planned()}'
    return Panel(
        title="各季度计划上云的系统",
        description="按登记的计划上云日期所在季度统计的系统数，含已经上云的。没有登记计划日期的系统不在图中。",
        kind=Kind.COLUMNS,
        unit=UNIT_THINGS,
        width=width,
        labels=(Label("by", "季度", Look(says={"earlier": "更早", "later": "更晚"})),),
        queries=(Query(f"({planned('by')}) or {none}", "计划上云", fixed(PLAIN)),),
    )


def hosting(width: int) -> Panel:
    one = f'sum (auditor_systems{{hosting="%s", {DEPARTMENT}}})'
    return Panel(
        title="信息系统部署在哪里",
        description="纳入统计的信息系统按部署位置分，每个系统只计一次。“层级不符的政务云”是部署在规定不认可的层级的政务云上。"
        f"{ZERO_AND_UNKNOWN}",
        kind=Kind.BARS,
        unit=UNIT_THINGS,
        width=width,
        queries=counted(
            (or_zero(one % code, in_scope()), word, _HOSTING_LOOKS.get(code, Look()))
            for code, word in HOSTING_WORDS.items()
        ),
    )


CITY = Board(
    uid=links.CITY,
    title="城市总览",
    description="上云率和它的分子、分母，上云进度与计划，各部门排名，在办整改案件。",
    since="now-1y",
    variables=(Variable.REGION, Variable.DEPARTMENT, Variable.PACK),
    rows=(
        Row(6, (migration_rate(7), migration_parts(11), open_and_overdue(6))),
        Row(9, (_burn_down(14), _excluded(10))),
        Row(11, (_ranking(16), findings_by_severity(8))),
        Row(9, (_plan(12), hosting(12))),
    ),
)

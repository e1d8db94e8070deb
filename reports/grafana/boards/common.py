"""Panels that several dashboards show, each said once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reports.grafana import links
from reports.grafana.model import (
    ALERT,
    ANY,
    BAD,
    GOOD,
    GREY,
    PLAIN,
    WARN,
    WORST,
    Kind,
    Label,
    Look,
    Panel,
    Query,
    Rows,
    Step,
    wrong_from,
)
from reports.grafana.promql import (
    ROWS,
    excluded,
    findings,
    in_scope,
    on_cloud,
    open_cases,
    or_none,
    overdue_cases,
    place_not_known,
    rate,
    rate_at_most,
    told,
)
from reports.grafana.words import CANNOT_TELL, NO_SYSTEMS, SEVERITY_WORDS
from reports.metrics_names import Part

UNIT_THINGS, UNIT_ITEMS, UNIT_CASES = "suffix:个", "suffix:项", "suffix:件"
UNIT_PRODUCTS, UNIT_DAYS, UNIT_HOURS, UNIT_SECONDS = "suffix:件", "suffix:天", "suffix:小时", "suffix:秒"
SHARE = "percentunit"

#: What a panel says of itself where its figures may be unknown.
ZERO_AND_UNKNOWN = "“0”表示确知没有，“不详”表示没有数据、不能认定。"

#: The names and the way on of a table of departments, first and last.
DEPARTMENT_LABELS = (
    Label("name", "部门"),
    Label("department", "详情", Look(says={ANY: "查看 ›"}, links=links.department_of_cell(), width=90)),
)
#: What it has rows for.
EACH_DEPARTMENT = Rows(ROWS, "department")
#: Figures that nobody knows are grey where there are some.
UNKNOWN = Look(steps=(Step(None, GOOD), Step(1, GREY)))
IF_ANY = Look(steps=wrong_from(1))
NEUTRAL = Look(colour=PLAIN)
#: The same in a table, where a figure's colour has to be asked for.
CELL_IF_ANY = Look(steps=wrong_from(1), coloured=True)
CELL_UNKNOWN = Look(steps=(Step(None, GOOD), Step(1, GREY)), coloured=True)

SEVERITY_COLOURS: Mapping[str, str] = {
    "critical": WORST,
    "high": BAD,
    "medium": ALERT,
    "low": WARN,
    "advice": PLAIN,
}


def migration_rate(width: int) -> Panel:
    return Panel(
        title="上云率",
        description="上云率＝已部署在认可的政务云平台的信息系统数÷纳入统计的信息系统数。有无法判定的系统时给出区间："
        "“至少”不计这些系统，“至多”将其计入已上云，真实数字在两者之间。涉密系统不在统计之列。",
        kind=Kind.FIGURES,
        unit=SHARE,
        decimals=1,
        width=width,
        queries=(
            Query(told(rate()), "至少"),
            Query(f"({rate_at_most()}) and ({place_not_known()}) > 0", "至多", Look(colour=GREY), optional=True),
        ),
        says=NO_SYSTEMS,
        maximum=1,
    )


def migration_parts(width: int) -> Panel:
    return Panel(
        title="上云率的分子、分母和不纳入统计的系统",
        description="已上云是分子，纳入统计是分母；无法判定的系统在分母之内，因部署位置无人证实而不计入分子。"
        f"不纳入统计的是尚未建设、已停用、状态不明和经批准豁免的系统。{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit=UNIT_THINGS,
        width=width,
        queries=(
            Query(told(on_cloud()), "已上云（分子）", Look(colour=GOOD)),
            Query(told(in_scope()), "纳入统计（分母）"),
            Query(told(place_not_known()), f"其中{CANNOT_TELL}", UNKNOWN),
            Query(told(excluded()), "不纳入统计", NEUTRAL),
        ),
    )


def open_and_overdue(width: int) -> Panel:
    return Panel(
        title="整改案件",
        description="在办是尚未办结或者撤回的案件，含起草和审核中的；逾期是答复期限已过而没有答复的案件，"
        f"期限为暂定的不算逾期。{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit=UNIT_CASES,
        width=width,
        queries=(
            Query(told(or_none(open_cases(), Part.CASES)), "在办", NEUTRAL),
            Query(told(or_none(overdue_cases(), Part.CASES)), "逾期", IF_ANY),
        ),
        links=(links.board("整改案件看板", links.CASES), links.console("在控制台中查看案件", "cases")),
    )


def findings_by_severity(width: int) -> Panel:
    queries = (
        Query(
            told(or_none(findings(severity=severity), Part.FINDINGS)),
            word,
            Look(steps=wrong_from(1, SEVERITY_COLOURS[severity])),
        )
        for severity, word in SEVERITY_WORDS.items()
    )
    return Panel(
        title="未销号问题（按严重程度）",
        description="未整改、再次发现和待复核的问题，按规则的严重程度分。线索和主管部门自己的待办不是部门的问题，不在其中。"
        f"{ZERO_AND_UNKNOWN}",
        kind=Kind.BARS,
        unit=UNIT_ITEMS,
        width=width,
        queries=tuple(queries),
        links=(links.console("在控制台中查看问题", "findings"),),
    )


def counted(expressions: Iterable[tuple[str, str, Look]]) -> tuple[Query, ...]:
    """Queries of one figure each: expression, name, look."""
    return tuple(Query(told(expr), name, look) for expr, name, look in expressions)


def fixed(colour: str) -> Look:
    return Look(colour=colour)

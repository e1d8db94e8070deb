"""整改: rectification cases, what is overdue, and how long closing took."""

from __future__ import annotations

from reports.grafana import links
from reports.grafana.boards.common import (
    CELL_IF_ANY,
    DEPARTMENT_LABELS,
    EACH_DEPARTMENT,
    IF_ANY,
    NEUTRAL,
    UNIT_CASES,
    UNIT_DAYS,
    UNIT_ITEMS,
    ZERO_AND_UNKNOWN,
    counted,
    fixed,
)
from reports.grafana.model import (
    ALERT,
    BAD,
    GOOD,
    GREY,
    PLAIN,
    SECOND,
    WARN,
    Board,
    Kind,
    Look,
    Panel,
    Query,
    Row,
    Variable,
    plain,
)
from reports.grafana.promql import (
    DEPARTMENT,
    DEPARTMENTS,
    OF_NOTHING,
    cases_in,
    each_department,
    open_cases,
    or_none,
    overdue_cases,
    told,
    with_history,
)
from reports.grafana.words import CASE_STATE_WORDS
from reports.metrics_names import CLOSING_DAYS, Part

_COLOURS = {
    "draft": GREY,
    "reviewed": GREY,
    "issued": PLAIN,
    "served": PLAIN,
    "replied": SECOND,
    "inspected": WARN,
    "closed": GOOD,
    "escalated": BAD,
    "withdrawn": GREY,
}
_CLOSED = f"auditor_case_closing_days_count{{{DEPARTMENT}}}"
_DAYS = f"auditor_case_closing_days_sum{{{DEPARTMENT}}}"
_NONE_CLOSED = {str(OF_NOTHING): "尚无办结"}


def _bucket(bound: str) -> str:
    # Some versions of Prometheus keep the bound as it was written, some write 7 as 7.0.
    text = r"\\+Inf" if bound == "+Inf" else rf"{bound}(\\.0)?"
    return f'sum (auditor_case_closing_days_bucket{{le=~"{text}", {DEPARTMENT}}})'


def _figures(width: int) -> Panel:
    return Panel(
        title="整改案件",
        description="在办是尚未办结或者撤回的案件，含起草和审核中的；逾期是答复期限已过而没有答复的，期限为暂定的不算逾期。"
        f"{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit=UNIT_CASES,
        width=width,
        queries=counted(
            (
                (or_none(open_cases(), Part.CASES), "在办", NEUTRAL),
                (or_none(overdue_cases(), Part.CASES), "逾期", IF_ANY),
                (or_none(cases_in("closed"), Part.CASES), "已办结", fixed(GOOD)),
                (or_none(cases_in("escalated"), Part.CASES), "提请后续处理", IF_ANY),
            )
        ),
        links=(links.console("在控制台中查看案件", "cases"),),
    )


def _quantile(share: float) -> str:
    buckets = f"sum by (le) (auditor_case_closing_days_bucket{{{DEPARTMENT}}})"
    none = or_none(f"sum ({_CLOSED})", Part.CASES)
    return told(f"histogram_quantile({share}, {buckets}) >= 0 or (({none}) == 0) - 1")


def _closing(width: int) -> Panel:
    return Panel(
        title="办结用时",
        description="已办结案件从印发到办结的天数：一半的案件不超过中位数，九成不超过第二个数；由分段统计估算。",
        kind=Kind.FIGURES,
        unit=UNIT_DAYS,
        decimals=0,
        width=width,
        queries=(Query(_quantile(0.5), "中位数", NEUTRAL), Query(_quantile(0.9), "九成以内", NEUTRAL)),
        says=_NONE_CLOSED,
    )


def _waivers(width: int) -> Panel:
    one = f'sum (auditor_waivers{{status="%s", {DEPARTMENT}}})'
    return Panel(
        title="豁免",
        description=f"经批准、今天有效的豁免；将到期的是其中30日内到期的，两数互不重叠。{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit=UNIT_ITEMS,
        width=width,
        queries=counted(
            (
                (or_none(one % "in_force", Part.INVENTORY), "有效", NEUTRAL),
                (or_none(one % "expiring_30d", Part.INVENTORY), "30日内到期", IF_ANY),
            )
        ),
    )


def _states(width: int) -> Panel:
    return Panel(
        title="案件（按状态）",
        description=f"全部整改案件按当前状态分，自上而下是办理的先后。{ZERO_AND_UNKNOWN}",
        kind=Kind.BARS,
        unit=UNIT_CASES,
        width=width,
        queries=counted(
            (or_none(cases_in(code), Part.CASES), word, Look(colour=_COLOURS[code]))
            for code, word in CASE_STATE_WORDS.items()
        ),
    )


def _distribution(width: int) -> Panel:
    bounds = [*map(str, CLOSING_DAYS), "+Inf"]
    expressions = []
    for before, bound in zip((None, *bounds), bounds, strict=False):
        if before is None:
            expr, word = _bucket(bound), f"{bound}天以内"
        else:
            expr = f"{_bucket(bound)} - {_bucket(before)}"
            word = f"{before}天以上" if bound == "+Inf" else f"{int(before) + 1}～{bound}天"
        expressions.append((or_none(expr, Part.CASES), word, Look()))
    return Panel(
        title="办结用时的分布",
        description="已办结案件从印发到办结的天数，按段统计件数。没有印发就办结的案件不计。",
        kind=Kind.BARS,
        unit=UNIT_CASES,
        width=width,
        queries=counted(expressions),
        steps=plain(GOOD),
    )


def _departments(width: int) -> Panel:
    by = "department"
    mean = f"sum by (department) ({_DAYS}) / (sum by (department) ({_CLOSED}) > 0)"
    none = each_department(f"sum by (department) ({_CLOSED})", Part.CASES)
    return Panel(
        title="各部门",
        description="各部门的案件；平均用时是已办结案件从印发到办结的平均天数。",
        kind=Kind.TABLE,
        unit="none",
        width=width,
        labels=DEPARTMENT_LABELS,
        rows=EACH_DEPARTMENT,
        queries=(
            Query(DEPARTMENTS),
            Query(each_department(open_cases(by), Part.CASES), "在办"),
            Query(each_department(overdue_cases(by), Part.CASES), "逾期", CELL_IF_ANY),
            Query(each_department(cases_in("closed", by), Part.CASES), "已办结"),
            Query(
                f"({mean}) or on (department) (({none}) == 0) - 1",
                "平均用时",
                Look(unit=UNIT_DAYS, decimals=0, says=_NONE_CLOSED),
            ),
        ),
        sort="逾期",
    )


def _trend(width: int) -> Panel:
    return Panel(
        title="案件的变化",
        description="在办和已办结的案件数随时间的变化；在办含起草和审核中的，不含已撤回的。",
        kind=Kind.TREND,
        unit=UNIT_CASES,
        width=width,
        queries=(
            Query(with_history(or_none(open_cases(), Part.CASES)), "在办", fixed(ALERT)),
            Query(with_history(or_none(cases_in("closed"), Part.CASES)), "已办结", fixed(GOOD)),
        ),
    )


CASES = Board(
    uid=links.CASES,
    title="整改",
    description="整改案件的状态、逾期和办结用时，以及豁免。",
    since="now-1y",
    variables=(Variable.REGION, Variable.DEPARTMENT),
    rows=(
        Row(6, (_figures(12), _closing(6), _waivers(6))),
        Row(10, (_states(12), _distribution(12))),
        Row(10, (_departments(12), _trend(12))),
    ),
)

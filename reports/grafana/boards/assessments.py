"""等保和密评: the calendar of assessments."""

from __future__ import annotations

from reports.grafana import links
from reports.grafana.boards.common import (
    CELL_IF_ANY,
    CELL_UNKNOWN,
    DEPARTMENT_LABELS,
    EACH_DEPARTMENT,
    UNIT_THINGS,
    UNKNOWN,
    ZERO_AND_UNKNOWN,
    counted,
    fixed,
)
from reports.grafana.model import (
    ALERT,
    BAD,
    GOOD,
    GREY,
    WARN,
    Board,
    Kind,
    Look,
    Panel,
    Query,
    Row,
    Variable,
    wrong_from,
)
from reports.grafana.promql import DEPARTMENT, DEPARTMENTS, each_department, or_none, with_history
from reports.grafana.words import STANDING_WORDS
from reports.metrics_names import STANDINGS, Part

MLPS, CRYPTO = ("mlps", "等保测评"), ("crypto", "密评")
_LOOKS = {
    "valid": Look(colour=GOOD),
    "expiring_90d": Look(steps=wrong_from(1, WARN)),
    "expiring_60d": Look(steps=wrong_from(1, ALERT)),
    "expiring_30d": Look(steps=wrong_from(1, BAD)),
    "expired": Look(steps=wrong_from(1, BAD)),
    "missing": Look(steps=wrong_from(1, BAD)),
    "not_known": UNKNOWN,
}
_WORDS = (
    "按今天计算，各段互不重叠，合计是全部应当统计的在用系统。"
    "“没有”是部门答复没有，“不详”是没有人告知到期日，两者不同。"
)


def _systems(kind: str, status: str = ".+", by: str = "") -> str:
    return f'sum{by} (auditor_assessments{{kind="{kind}", status=~"{status}", {DEPARTMENT}}})'


def _calendar(width: int, paper: tuple[str, str]) -> Panel:
    kind, title = paper
    return Panel(
        title=f"{title}到期日历",
        description=f"在用信息系统的{title}还有多久到期。{_WORDS}到期与否以主管机关认定为准。{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit=UNIT_THINGS,
        width=width,
        queries=counted(
            (or_none(_systems(kind, code), Part.INVENTORY), STANDING_WORDS[code], _LOOKS[code]) for code in STANDINGS
        ),
        links=(links.console("在控制台中查看系统", "assets?kind=system"),),
    )


def _departments(width: int, paper: tuple[str, str]) -> Panel:
    kind, title = paper
    columns = (
        ("已到期", "expired", CELL_IF_ANY),
        ("没有", "missing", CELL_IF_ANY),
        ("30日内", "expiring_30d", CELL_IF_ANY),
        ("31～90日", "expiring_60d|expiring_90d", Look(steps=wrong_from(1, WARN), coloured=True)),
        ("有效", "valid", Look()),
        ("不详", "not_known", CELL_UNKNOWN),
    )
    asked = (
        Query(each_department(_systems(kind, status, " by (department)"), Part.INVENTORY), word, look)
        for word, status, look in columns
    )
    return Panel(
        title=f"各部门{title}",
        description=f"各部门在用信息系统的{title}情况。{_WORDS}",
        kind=Kind.TABLE,
        unit="none",
        width=width,
        labels=DEPARTMENT_LABELS,
        rows=EACH_DEPARTMENT,
        queries=(Query(DEPARTMENTS), *asked),
        sort="已到期",
    )


def _trend(width: int, paper: tuple[str, str]) -> Panel:
    kind, title = paper
    return Panel(
        title=f"{title}情况的变化",
        description=f"在用信息系统的{title}：有效（含将到期）、已到期或者没有、不详的系统数随时间的变化。",
        kind=Kind.TREND,
        unit=UNIT_THINGS,
        width=width,
        queries=tuple(
            Query(
                with_history(or_none(_systems(kind, status), Part.INVENTORY)),
                word,
                fixed(colour),
            )
            for status, word, colour in (
                ("valid|expiring_.*", "有效", GOOD),
                ("expired|missing", "已到期或者没有", BAD),
                ("not_known", "不详", GREY),
            )
        ),
    )


ASSESSMENTS = Board(
    uid=links.ASSESSMENTS,
    title="等保和密评",
    description="网络安全等级测评（等保测评）和商用密码应用安全性评估（密评）：有效、将到期、已到期、没有和不详的系统。",
    since="now-1y",
    variables=(Variable.REGION, Variable.DEPARTMENT),
    rows=(
        Row(6, (_calendar(24, MLPS),)),
        Row(6, (_calendar(24, CRYPTO),)),
        Row(13, (_departments(12, MLPS), _departments(12, CRYPTO))),
        Row(9, (_trend(12, MLPS), _trend(12, CRYPTO))),
    ),
)

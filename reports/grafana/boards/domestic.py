"""信创: products on the lists, and entries that run out."""

from __future__ import annotations

from policies.lists.model import TABLES_OF
from reports.grafana import links
from reports.grafana.boards.common import (
    CELL_IF_ANY,
    CELL_UNKNOWN,
    DEPARTMENT_LABELS,
    EACH_DEPARTMENT,
    SHARE,
    UNIT_PRODUCTS,
    ZERO_AND_UNKNOWN,
    counted,
    fixed,
)
from reports.grafana.model import (
    ALERT,
    BAD,
    GOOD,
    GREY,
    SECOND,
    WARN,
    Board,
    Kind,
    Label,
    Look,
    Panel,
    Query,
    Row,
    Variable,
    wrong_from,
)
from reports.grafana.promql import (
    DEPARTMENT,
    DEPARTMENTS,
    each_department,
    or_none,
    or_zero,
    share,
    told,
    with_history,
)
from reports.grafana.words import CATEGORIES, LIST_WORDS, NO_PRODUCTS, STANDING_WORDS
from reports.metrics_names import METRICS, Part

#: Only these categories have tables, so only their products can be on one.
_TABLED = f'category=~"{"|".join(TABLES_OF)}"'
_VALID = "listed|expiring"
_UNTOLD = "untold|no_table"
_COLOURS = {
    "listed": GOOD,
    "expiring": WARN,
    "expired": BAD,
    "superseded": ALERT,
    "not_listed": BAD,
    "untold": GREY,
}
_FORMULA = "名录采用率＝安全可靠测评结果在有效期内的产品数÷有名录的三类产品（处理器、操作系统、数据库）的总数。"


def _products(status: str = ".+", by: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f'sum{grouped} (auditor_components{{list_status=~"{status}", {_TABLED}, {DEPARTMENT}}})'


def _all(by: str = "") -> str:
    return each_department(_products(by=by), Part.INVENTORY) if by else or_none(_products(), Part.INVENTORY)


def _with(status: str, by: str = "") -> str:
    return or_zero(_products(status, by), _all(by), by)


def _adoption(width: int) -> Panel:
    at_most = share(_with(f"{_VALID}|{_UNTOLD}"), _all())
    return Panel(
        title="名录采用率",
        description=f"{_FORMULA}“至少”不计无法判定的产品，“至多”将其计入。其他类别没有名录，不作判定。",
        kind=Kind.FIGURES,
        unit=SHARE,
        decimals=1,
        width=width,
        queries=(
            Query(told(share(_with(_VALID), _all())), "至少"),
            Query(f"({at_most}) and ({_with(_UNTOLD)}) > 0", "至多", fixed(GREY), optional=True),
        ),
        says=NO_PRODUCTS,
        maximum=1,
    )


def _standing(width: int) -> Panel:
    statuses = {**LIST_WORDS, "untold": "无法判定"}
    looks = {code: Look(steps=wrong_from(1, colour)) for code, colour in _COLOURS.items()}
    return Panel(
        title="安全可靠测评结果",
        description="处理器、操作系统、数据库产品按测评结果公告统计。无法判定是产品未能识别，或者名录数据不完整，"
        f"既不表示在名录内，也不表示不在名录内。{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit=UNIT_PRODUCTS,
        width=width,
        queries=counted((_with(code), word, looks[code]) for code, word in statuses.items()),
        links=(links.console("在控制台中查看产品", "assets?kind=component"),),
    )


def _categories(width: int) -> Panel:
    zero = f"sum by (category) (0 * auditor_components{{{DEPARTMENT}}})"
    none = (
        'label_replace(vector(0), "category", "cpu", "", "") and on () '
        f'(max(auditor_scrape_part_success{{part="{Part.INVENTORY.value}"}}) == 1)'
    )
    one = f'sum by (category) (auditor_components{{list_status=~"%s", {DEPARTMENT}}})'
    columns = (
        (_VALID, "在名录有效期内", GOOD),
        ("expired|superseded|not_listed", "不在名录或者已失效", BAD),
        ("untold", "无法判定", GREY),
        ("no_table", "该类无名录", SECOND),
    )
    return Panel(
        title="产品（按类别）",
        description="全部软硬件产品，按类别和测评结果分。只有处理器、操作系统、数据库有名录，其他类别不作判定。",
        kind=Kind.COLUMNS,
        unit=UNIT_PRODUCTS,
        width=width,
        labels=(Label("category", "类别", Look(says=CATEGORIES)),),
        queries=tuple(
            Query(f"({one % status}) or on (category) {zero} or on (category) {none}", word, fixed(colour))
            for status, word, colour in columns
        ),
    )


def _validity(width: int) -> Panel:
    colours = {"valid": GOOD, "expiring_90d": WARN, "expiring_60d": ALERT, "expiring_30d": BAD, "expired": BAD}
    statuses = METRICS["auditor_components_validity"].values["status"]
    one = 'sum (auditor_components_validity{status="%s"})'
    return Panel(
        title="名录条目的有效期（全市）",
        description="所用产品的测评结果还有多久到期，按今天计算，各段互不重叠；指标不分部门，不受部门选择影响。"
        "“不详”是公告日期只知月份，不能确定到期日。",
        kind=Kind.BARS,
        unit=UNIT_PRODUCTS,
        width=width,
        queries=counted(
            (
                or_none(one % code, Part.INVENTORY),
                STANDING_WORDS[code],
                Look(steps=wrong_from(1, colours.get(code, GREY))),
            )
            for code in statuses
        ),
    )


def _departments(width: int) -> Panel:
    by = "department"
    return Panel(
        title="各部门",
        description=f"{_FORMULA}表中是“至少”，不计无法判定的产品。",
        kind=Kind.TABLE,
        unit="none",
        width=width,
        labels=DEPARTMENT_LABELS,
        rows=EACH_DEPARTMENT,
        queries=(
            Query(DEPARTMENTS),
            Query(
                share(_with(_VALID, by), _all(by)),
                "名录采用率",
                Look(unit=SHARE, decimals=1, bar=True, says=NO_PRODUCTS),
            ),
            Query(_all(by), "产品"),
            Query(_with("expiring", by), "90日内到期", CELL_IF_ANY),
            Query(_with("expired|superseded", by), "已失效", CELL_IF_ANY),
            Query(_with("not_listed", by), "不在名录", CELL_IF_ANY),
            Query(_with("untold", by), "无法判定", CELL_UNKNOWN),
        ),
        sort="名录采用率",
    )


def _trend(width: int) -> Panel:
    return Panel(
        title="产品的变化",
        description="处理器、操作系统、数据库产品中，测评结果在有效期内的、不在名录或者已失效的和无法判定的数目。",
        kind=Kind.TREND,
        unit=UNIT_PRODUCTS,
        width=width,
        queries=tuple(
            Query(with_history(_with(status)), word, fixed(colour))
            for status, word, colour in (
                (_VALID, "在名录有效期内", GOOD),
                ("expired|superseded|not_listed", "不在名录或者已失效", BAD),
                (_UNTOLD, "无法判定", GREY),
            )
        ),
    )


DOMESTIC = Board(
    uid=links.DOMESTIC,
    title="信创",
    description="处理器、操作系统、数据库在安全可靠测评名录中的情况，以及将要到期的名录条目。",
    since="now-1y",
    variables=(Variable.REGION, Variable.DEPARTMENT),
    rows=(
        Row(6, (_adoption(8), _standing(16))),
        Row(9, (_categories(14), _validity(10))),
        Row(11, (_departments(14), _trend(10))),
    ),
)

"""The page's sections on migration: 上云率, what is left against the plan, departments ranked. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from inventories.kinds import KINDS
from reports.account import Account
from reports.html.burndown import EARLIER, LATER, BurnDown, Quarter, code_of
from reports.html.charts import Part, bar, columns, legend, swatch, trend
from reports.html.figures import Department, Figures, Point, bounds
from reports.html.markup import Html, Node, tag
from reports.html.tables import FOLD, NOTHING, SHOWN, Cell, behind, table, whole
from reports.html.tables import columns as heads
from reports.late import of_kind
from reports.ledger_cells import Mark
from reports.ledger_systems import why
from reports.model import AuditView, SystemView
from reports.words import EXCLUSIONS, chinese_date, word

_HOSTING = KINDS["system"].column("hosting")
_STATUS = KINDS["system"].column("status")
_LEVEL = KINDS["department"].column("level_of_government")
_QUARTERS = "一二三四"
#: Days from which on a trend is told by months.
LONG = 300


def formula(figures: Figures) -> str:
    """已上云10个÷纳入范围16个；…: how the rate comes about."""
    total = figures.total
    reasons = "、".join(f"{word(EXCLUSIONS, code)}{number}个" for code, number in _by_number(figures.exclusions))
    words = f"已上云{total.on_cloud}个÷纳入范围{total.in_scope}个"
    if total.not_told:
        words += f"；其中{total.not_told}个无法判定，下限不计、上限计入"
    return words + (f"；另有{total.excluded}个不纳入（{reasons}）" if total.excluded else "；没有不纳入的系统")


def rate_bar(account: Account, *, tall: bool = False) -> Html:
    """On the cloud, not told, off the cloud; as long as all of them."""
    parts = [Part(account.on_cloud, "on"), Part(account.not_told, "unknown"), Part(account.off_cloud, "off")]
    return bar(parts, account.in_scope, tall=tall)


RATE_LEGEND = (("on", "已上云"), ("unknown", "无法判定"), ("off", "未上云"))


def migration(view: AuditView, figures: Figures) -> Iterator[Node]:
    """What is left, by quarter and against the plan; the rate over time; what is not counted."""
    plan = figures.plan
    left = figures.total.off_cloud + figures.total.not_told
    yield tag("p", _told(left, plan), class_="lead")
    rows = [(word(EXCLUSIONS, code), number) for code, number in _by_number(figures.exclusions)]
    excluded = whole(
        "不纳入上云率统计的系统",
        heads("原因", "系统数 number"),
        rows,
        total=("合计", figures.total.excluded) if rows else (),
    )
    yield tag("div", tag("div", _burn_down(plan, view.as_of), _trend(figures.trend)), excluded, class_="pair")


def _by_number(counted: Counter[str]) -> list[tuple[str, int]]:
    """The most first, and what is as many by its name."""
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))


def _told(left: int, plan: BurnDown) -> str:
    if not left:
        return "纳入范围的系统均已上云。"
    unknown = f"（其中{plan.not_told}个无法判定）" if plan.not_told else ""
    words = [f"纳入范围的系统中，尚有{left}个未上云{unknown}"]
    late = f"计划迁移日期已过仍未上云{plan.behind}个"
    words.append(late + (f"，另有{plan.behind_unknown}个无法判定" if plan.behind_unknown else ""))
    words.append(f"没有登记计划迁移日期{plan.unplanned}个")
    return "；".join(words) + "。"


def quarter_words(code: str, *, short: bool = False) -> str:
    """``2027-Q1`` → 2027年一季度, short ``27Q1``."""
    if code in (EARLIER, LATER):
        return "更早" if code == EARLIER else "更晚"
    year, _, number = code.partition("-Q")
    return f"{year[2:]}Q{number}" if short else f"{year}年{_QUARTERS[int(number) - 1]}季度"


def _burn_down(plan: BurnDown, as_of: date) -> Html:
    shown = [quarter for quarter in plan.quarters if quarter.code not in (EARLIER, LATER)]
    now = next(place for place, quarter in enumerate(shown) if quarter.code == code_of(as_of))
    stacks = [_stack(quarter, plan) for quarter in shown]
    chart = columns(
        [quarter_words(quarter.code, short=True) for quarter in shown],
        stacks,
        line=[quarter.left_by_plan for quarter in shown],
        marked=now,
        title="未上云系统数与计划",
        told=_chart_told(shown, now),
    )
    keys = [("off", "季末尚未上云"), ("unknown", "其中无法判定")]
    dashed = tag("li", tag("span", "┄○┄", class_="dash", aria_hidden="true"), " 按计划季末应剩")
    today = tag("li", tag("span", "", class_="today", aria_hidden="true"), f" 本季度（截至{chinese_date(as_of)}）")
    note = (
        "以前各季度按今天的纳入范围和登记的迁移日期倒推"
        + (f"；{plan.undated}个已上云系统没有登记迁移日期，视为一直在云上" if plan.undated else "")
        + "。没有计划日期的系统一直计在“应剩”之内。"
    )
    return tag(
        "figure",
        tag("figcaption", "迁移进度与计划（按季度）"),
        chart,
        tag("ul", [_legend_item(key, words) for key, words in keys], dashed, today, class_="legend"),
        tag("p", note, class_="note"),
        behind("展开各季度数字", _quarters(plan)),
    )


def _legend_item(key: str, words: str) -> Html:
    return tag("li", swatch(key), " ", words)


def _stack(quarter: Quarter, plan: BurnDown) -> Sequence[Part]:
    if quarter.left is None:
        return ()
    return (Part(quarter.left - plan.not_told, "off"), Part(plan.not_told, "unknown"))


def _chart_told(shown: Sequence[Quarter], now: int) -> str:
    today, last = shown[now], shown[-1]
    words = f"{quarter_words(today.code)}尚未上云{today.left}个，按计划季末应剩{today.left_by_plan}个"
    if last is not today:
        words += f"；按计划到{quarter_words(last.code)}末应剩{last.left_by_plan}个"
    return words


def _quarters(plan: BurnDown) -> Html:
    rows: list[Sequence[Cell]] = [
        (
            quarter_words(quarter.code),
            quarter.planned,
            quarter.planned_on,
            quarter.planned_unknown,
            quarter.migrated,
            quarter.left_by_plan,
            NOTHING if quarter.left is None else quarter.left,
        )
        for quarter in plan.quarters
    ]
    return whole(
        "各季度计划迁移和实际迁移的系统数",
        heads(
            "季度",
            "计划|迁移 number",
            "其中|已上云 number",
            "其中无|法判定 number",
            "实际|迁移 number",
            "按计划|应剩 number",
            "实际|剩余 number",
        ),
        rows,
    )


def _trend(points: Sequence[Point]) -> Html | None:
    """The rate over time, where the ledger has kept more than one day of it."""
    told = [point for point in points if point.in_scope]
    if len(told) < 2:
        return None
    long = (told[-1].day - told[0].day).days > LONG
    bands = [(p.on_cloud / p.in_scope, (p.on_cloud + p.not_told) / p.in_scope) for p in told]
    first, last = bands[0], bands[-1]
    chart = trend(
        [f"{point.day:%y-%m}" if long else f"{point.day:%m-%d}" for point in told],
        bands,
        title="上云率的变化",
        told=f"{chinese_date(told[0].day)}为{_range(first)}，{chinese_date(told[-1].day)}为{_range(last)}",
    )
    rows: list[Sequence[Cell]] = [
        (point.day.isoformat(), point.on_cloud, point.not_told, point.in_scope, _range(band))
        for point, band in zip(told, bands, strict=True)
    ]
    return tag(
        "figure",
        tag("figcaption", "上云率的变化"),
        chart,
        legend([("on", "上云率（下限）"), ("none", "无法判定的系统计入后的上限")]),
        behind(
            "展开各日数字",
            whole(
                "各日上云率",
                heads("日期", "已上云 number", "无法判定 number", "纳入范围 number", "上云率 number"),
                rows,
            ),
        ),
    )


def _range(band: tuple[float, float]) -> str:
    low, high = band
    return f"{low:.1%}" if low == high else f"{low:.1%}～{high:.1%}"


# --- departments --------------------------------------------------------------------------------------------

_RANKS = heads(
    "部门",
    "上云情况 bar",
    "上云率 number",
    "纳入|范围 number",
    "已上云 number",
    "未上云 number",
    "无法|判定 number",
    "不纳入 number",
    "未销号|问题 number",
    "在办|案件 number",
    "逾期 number",
)


def ranking(figures: Figures) -> Iterator[Node]:
    """Departments by rate; of many, the lowest, with all of them folded behind."""
    rows = [_ranked(place, one) for place, one in _places(figures.departments)]
    total = _row("合计", figures.total, figures.cases.open, len(figures.cases.overdue))
    yield tag("p", "上云率为区间的，有系统无法判定：没有查明的不算作未上云。", class_="note")
    yield legend(RATE_LEGEND)
    caption = "各部门上云率，按下限从高到低"
    if len(rows) <= FOLD:
        yield whole(caption, _RANKS, rows, total=total, empty="没有部门。")
        return
    counted = [place for place, one in enumerate(figures.departments) if one.account.in_scope]
    yield whole(f"上云率最低的{SHOWN}个部门", _RANKS, [rows[place] for place in reversed(counted[-SHOWN:])])
    yield behind(f"展开全部{len(rows)}个部门", whole(caption, _RANKS, rows[:1000], total=total))


def _places(departments: Sequence[Department]) -> Iterator[tuple[int, Department]]:
    """Places from 1 on; who is as good as the one before shares its place."""
    place, before = 0, None
    for number, one in enumerate(departments, 1):
        rate = bounds(one.account)
        place, before = (place, before) if number > 1 and rate == before else (number, rate)
        yield place, one


def _ranked(place: int, one: Department) -> Sequence[Cell]:
    level = tag("small", _LEVEL.label(one.level)) if one.level in _LEVEL.values else None
    number = tag("span", str(place) if one.account.in_scope else "—", class_="rank")
    name = tag("span", number, " ", one.account.name, " ", level)
    return _row(name, one.account, one.cases, one.overdue)


def _row(name: Html | str, account: Account, cases: int, overdue: int) -> Sequence[Cell]:
    return (
        name,
        rate_bar(account) if account.in_scope else NOTHING,
        account.rate_words if account.in_scope else NOTHING,
        account.in_scope,
        account.on_cloud,
        account.off_cloud,
        Mark(str(account.not_told), "faint") if account.not_told else 0,
        account.excluded,
        account.live,
        cases,
        Mark(str(overdue), "bad") if overdue else 0,
    )


# --- one department's systems -------------------------------------------------------------------------------


def systems(view: AuditView) -> Iterator[Node]:
    """Every system of a department's page, those that are not shown on the cloud first."""
    assets = {asset.key: asset for asset in of_kind(view.assets, "system")}
    ordered = sorted(
        view.systems, key=lambda s: (bool(s.excluded), s.on_cloud is True, s.on_cloud is None, s.name, s.key)
    )
    rows: Iterator[Sequence[Cell]] = (
        (
            system.name,
            _STATUS.label(system.status) if system.status else None,
            "、".join(_HOSTING.label(place) for place in system.hosting) or None,
            _on_cloud(system),
            system.planned_on or NOTHING,
            word(EXCLUSIONS, system.excluded) if system.excluded else "纳入",
            "" if system.on_cloud else why(system, assets.get(system.key), view),
        )
        for system in ordered
    )
    yield table(
        "信息系统",
        heads(
            "系统", "状态 word", "部署位置", "是否|已上云 word", "计划迁移|日期 day", "是否|纳入统计", "未上云情形"
        ),
        rows,
        empty="没有登记的信息系统。",
    )


def _on_cloud(system: SystemView) -> Mark:
    if system.on_cloud is None:
        return Mark("无法判定", "faint")
    return Mark("是", "good") if system.on_cloud else Mark("否", "bad")

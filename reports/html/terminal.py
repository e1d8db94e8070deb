"""The key figures on a terminal of any width; text from outside can do nothing there. Pure but for printing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from rich.console import Console, RenderableType
from rich.text import Text

from reports.html.burndown import code_of
from reports.html.figures import Figures
from reports.html.migration import formula, quarter_words
from reports.html.standings import ORIGINS, PAPERS, STANDINGS, STATUSES, TONES
from reports.ledger_cases import STATES as CASE_STATES
from reports.model import AuditView
from reports.tables import safe, table
from reports.words import SEVERITIES, STATES, chinese_date, moment, word

#: Departments and quarters on a screen; the page has all of them.
_MOST = 20
_STYLES = {"good": "green", "warn": "yellow", "bad": "red"}
_BAR = 24


def print_progress(view: AuditView, told: Figures, now: datetime, console: Console, department: str = "") -> None:
    """Prints the figures of the page; ``department`` is the only department's name, where it is one's own."""
    for part in _parts(view, told, now, department, console.width):
        console.print(part, soft_wrap=False)


def _parts(view: AuditView, told: Figures, now: datetime, department: str, width: int) -> Iterator[RenderableType]:
    made = moment(now, view.timezone)
    yield safe(f"{department or view.site}　数据截至{chinese_date(view.as_of)}　快照{view.snapshot}　{made}", "bold")
    if not view.complete:
        yield safe("本次审计有部分范围未覆盖。", "yellow")
    yield Text.assemble(
        ("上云率　", "bold"), (told.total.rate_words, "bold cyan"), "　", _bar(told, min(_BAR, width // 3))
    )
    yield safe(formula(told))
    yield from _plan(view, told)
    if not department:
        yield _departments(told)
    yield from _findings(told)
    yield from _things(told)
    yield from _work(view, told)
    yield safe("没有看到的，既不认定为违规，也不视为合规。", "dim")


def _bar(told: Figures, width: int) -> Text:
    """On the cloud, not told, off the cloud, in characters that differ without colour."""
    account = told.total
    if not account.in_scope:
        return Text("")
    on = round(width * account.on_cloud / account.in_scope)
    off = round(width * account.off_cloud / account.in_scope)
    return Text.assemble(("█" * on, "blue"), ("▒" * (width - on - off), "dim"), ("░" * off, "red"))


def _plan(view: AuditView, told: Figures) -> Iterator[RenderableType]:
    plan = told.plan
    yield safe(
        f"计划迁移日期已过仍未上云{plan.behind}个（另有{plan.behind_unknown}个无法判定），没有计划日期{plan.unplanned}个。"
    )
    now = code_of(view.as_of)
    place = next((at for at, quarter in enumerate(plan.quarters) if quarter.code == now), 0)
    rows = (
        (
            quarter_words(quarter.code),
            quarter.planned,
            quarter.planned_on,
            quarter.left_by_plan,
            "—" if quarter.left is None else quarter.left,
        )
        for quarter in plan.quarters[max(0, place - 3) : place + 6]
    )
    headings = ("季度", "计划迁移", "其中已上云", "按计划应剩", "实际剩余")
    yield table(headings, rows, title="迁移进度与计划", numbers=range(1, 5))


def _departments(told: Figures) -> RenderableType:
    counted = [one for one in told.departments if one.account.in_scope]
    shown = counted[-_MOST:][::-1]
    rows = [
        (
            a.account.name,
            a.account.rate_words,
            f"{a.account.on_cloud}/{a.account.in_scope}",
            a.account.live,
            a.cases,
            a.overdue,
        )
        for a in shown
    ]
    total = told.total
    rows.append(
        (
            "合计",
            total.rate_words,
            f"{total.on_cloud}/{total.in_scope}",
            total.live,
            told.cases.open,
            len(told.cases.overdue),
        )
    )
    title = "部门，上云率从低到高" + (f"（前{_MOST}个，共{len(counted)}个）" if len(counted) > _MOST else "")
    headings = ("部门", "上云率", "已上云/范围", "未销号", "在办案件", "逾期")
    return table(headings, rows, title=title, numbers=range(1, 6), total=True)


def _findings(told: Figures) -> Iterator[RenderableType]:
    states = [state for state in STATES if any(told.severities[s, state] for s in SEVERITIES)] or ["open"]
    rows = ((words, *(told.severities[code, state] for state in states)) for code, words in SEVERITIES.items())
    yield safe(
        f"未销号问题{told.total.live}项，本次新发现{told.new}项，本次销号{told.resolved}项；线索和待办{told.leads}项。"
    )
    yield table(
        ("严重程度", *(STATES[state] for state in states)), rows, title="问题", numbers=range(1, len(states) + 1)
    )


def _things(told: Figures) -> Iterator[RenderableType]:
    for title, found in (("机房", told.rooms), ("网络", told.networks)):
        counted = Counter(place.origin for place in found)
        yield _line(
            title,
            ((words, counted[origin], "red" if origin == "inferred" else "") for origin, words in ORIGINS.items()),
        )
    listed: Counter[str] = Counter()
    for (_, _, status), number in told.components.items():
        listed[status] += number
    yield _line("信创", ((words, listed[code], "") for code, words in STANDINGS.items()))
    for paper, words in PAPERS.items():
        counts = told.papers.counts[paper]
        yield _line(
            words,
            ((told_as, counts[code], _STYLES.get(TONES.get(code, ""), "")) for code, told_as in STATUSES.items()),
        )


def _work(view: AuditView, told: Figures) -> Iterator[RenderableType]:
    account, scans = told.cases, told.scans
    states = ((word(CASE_STATES, state), number, "") for state, number in account.states.items())
    yield _line("整改", (("在办", account.open, ""), ("逾期", len(account.overdue), "red"), *states))
    if account.median is not None:
        yield safe(f"　　　从印发到办结：{len(account.closing)}件，中位数{account.median:g}日")
    yield _line(
        "探测",
        (("完整覆盖", scans.covered, ""), ("未完整覆盖", scans.failed, "yellow"), ("从未", scans.never, "red")),
    )
    when = f"{moment(scans.complete_at, view.timezone)}（{scans.complete_days}天前）" if scans.complete_at else "从未"
    yield safe(f"　　　最近一次完整覆盖全部授权范围：{when}")
    yield _line("无法判定", (("事项", told.untold.number, ""),))


def _line(title: str, figures: Iterator[tuple[str, int, str]] | tuple[tuple[str, int, str], ...]) -> Text:
    """A line of figures; what is nought is faint, what is not takes its style."""
    out = safe(f"{title}　", "bold")
    for place, (words, number, style) in enumerate(figures):
        out.append("　" if place else "")
        out.append(safe(f"{words}{number}", style if number else "dim"))
    return out

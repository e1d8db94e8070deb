"""The words of the monthly bulletin: departments and totals, no system's name, nobody accused. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.papers.content import Content
from reports.papers.fields import BulletinLine
from reports.papers.orders import contact
from reports.papers.phrases import NAME, break_title, sections, text, we
from reports.papers.view import BulletinRow, PaperView
from reports.words import chinese_date, tidy


@dataclass(frozen=True, slots=True)
class CountedRow(BulletinRow):
    """A row that also tells of how many systems in scope nobody has shown where they run."""

    undecided: int = 0


def bulletin(view: PaperView) -> Content:
    """通报: figures only. What could not be told is counted apart and is nobody's fault."""
    total = totals(view.rows)
    month = f"{view.month.year}年{view.month.month}月" if view.month else "　　　　年　　月"
    body = [
        text(f"现将{tidy(view.site, NAME)}{month}政务信息化核查和问题整改情况通报如下。{_as_of(view)}"),
        *sections(
            (
                ("迁移上云情况", [text(_migration(total))]),
                ("问题整改情况", [text(_mending(total))]),
                (
                    "有关事项",
                    [
                        text("各部门情况见附表。无法判定的单列，不作为对任何部门的评价。"),
                        text(f"对数据有异议的，可以向{we(view)}提出，{we(view)}将如实记录并复核。"),
                        text(f"联系方式：{contact(view)}。"),
                    ],
                ),
            )
        ),
    ]
    note = (
        "注：上云率＝已上云系统数÷纳入统计系统数，纳入统计的是在用的非涉密信息系统，不含依法或者经批准不需迁移的和"
        "已停用的。有无法判定的，上云率给出上下限：下限不计无法判定的，上限计入。"
        "未销号问题不含无法判定的。整改事项为已制发文书的事项，办结数为当月的。"
    )
    own: dict[str, object] = {
        "rows": [_line(str(place), row) for place, row in enumerate(view.rows, 1)],
        "total": _line("", total),
        "note": note,
    }
    return Content(break_title(("关于", month, "政务信息化问题", "整改情况的通报")), body, [], own)


def totals(rows: Sequence[BulletinRow]) -> CountedRow:
    """The sum of the table; its rate is that of the sums, never a mean of rates."""
    in_scope, on_cloud = sum(row.in_scope for row in rows), sum(row.on_cloud for row in rows)
    undecided = sum(map(_undecided, rows))
    return CountedRow(
        department="合计",
        in_scope=in_scope,
        on_cloud=on_cloud,
        rate=rate_words(on_cloud, undecided, in_scope),
        open_findings=sum(row.open_findings for row in rows),
        cases_open=sum(row.cases_open for row in rows),
        cases_overdue=sum(row.cases_overdue for row in rows),
        cases_closed=sum(row.cases_closed for row in rows),
        undecided=undecided,
    )


def rate_words(on_cloud: int, undecided: int, in_scope: int) -> str:
    """80.0%, 60.0%～80.0% where some cannot be told, or — where nothing is in scope."""
    if not in_scope:
        return "—"
    low, high = on_cloud / in_scope, (on_cloud + undecided) / in_scope
    return f"{low:.1%}" if low == high else f"{low:.1%}～{high:.1%}"


def _undecided(row: BulletinRow) -> int:
    return row.undecided if isinstance(row, CountedRow) else 0


def _line(no: str, row: BulletinRow) -> BulletinLine:
    return BulletinLine(
        no=no,
        department=tidy(row.department, NAME),
        in_scope=str(row.in_scope),
        on_cloud=str(row.on_cloud),
        undecided=str(_undecided(row)),
        rate=tidy(row.rate, 40),
        open_findings=str(row.open_findings),
        cases_open=str(row.cases_open),
        cases_overdue=str(row.cases_overdue),
        cases_closed=str(row.cases_closed),
    )


def _as_of(view: PaperView) -> str:
    return f"数据截至{chinese_date(view.data_as_of)}。"


def _migration(total: CountedRow) -> str:
    if not total.in_scope:
        return "没有纳入统计的信息系统。"
    apart = f"无法判定的{total.undecided}个（单列）。" if total.undecided else ""
    return (
        f"纳入统计的非涉密信息系统{total.in_scope}个，其中已部署在认可的政务云平台的{total.on_cloud}个，"
        f"上云率{total.rate}。{apart}"
    )


def _mending(total: BulletinRow) -> str:
    overdue = f"（其中已超过期限{total.cases_overdue}件）" if total.cases_overdue else ""
    return (
        f"经核查确认、尚未销号的问题{total.open_findings}项；整改事项在办{total.cases_open}件{overdue}，"
        f"当月办结{total.cases_closed}件。"
    )

"""The same figures on a terminal, whatever its width and whatever names hold."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from reports.html.figures import figures
from reports.html.terminal import print_progress
from reports.model import AuditView
from tests.reports.html.cities import AT, made_up


def printed(view: AuditView, width: int = 100, department: str = "") -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, color_system=None)
    print_progress(view, figures(view, AT), AT, console, department)
    return out.getvalue()


def test_the_key_figures() -> None:
    view = made_up(30, 300)
    told, text = figures(view, AT), printed(view)
    assert f"上云率　{told.total.rate_words}" in text
    assert f"已上云{told.total.on_cloud}个÷纳入范围{told.total.in_scope}个" in text
    assert f"在办{told.cases.open}　逾期{len(told.cases.overdue)}" in text
    assert f"未登记（探测推断）{sum(p.origin == 'inferred' for p in told.rooms)}" in text
    assert f"完整覆盖{told.scans.covered}　未完整覆盖{told.scans.failed}" in text
    counts = told.papers.counts["crypto"]
    assert f"密评　有效{counts['valid']}" in text and f"不明{counts['not_known']}" in text
    assert "没有看到的，既不认定为违规，也不视为合规。" in text
    assert "（前20个，共30个）" in text


def test_the_bar_tells_the_rate_without_colour(audit: AuditView) -> None:
    line = next(line for line in printed(audit).splitlines() if line.startswith("上云率"))
    total = figures(audit, AT).total
    assert line.count("█") == round(24 * total.on_cloud / total.in_scope)
    assert line.count("█") + line.count("▒") + line.count("░") == 24


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    view = made_up(12, 60)
    long = replace(view, departments=tuple(replace(d, name=d.name + "很长的名称" * 20) for d in view.departments))
    assert max(cell_len(line) for line in printed(long, width).splitlines()) <= width


def test_names_can_do_nothing(audit: AuditView) -> None:
    hostile = "[red]\x1b[31m\x07\u202e局[/red]"
    view = replace(audit, site=hostile, departments=tuple(replace(d, name=hostile + d.id) for d in audit.departments))
    text = printed(view, 160)
    assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text
    assert "[red]\\x1b[31m" in text


def test_a_department_is_told_by_itself(audit: AuditView) -> None:
    text = printed(audit, department="示例市民政局")
    assert text.startswith("示例市民政局")
    assert "部门，上云率" not in text

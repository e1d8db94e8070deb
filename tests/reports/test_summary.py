"""The summary: what was found, what was not seen, and text that does nothing."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from reports.model import AuditView, EventView, Written
from reports.summary import TOP, print_summary, render_explain
from reports.tables import table

WRITTEN = Written(
    notices=(Path("city/out/notices/mzj.docx"),),
    drafter_notes=(Path("city/out/notices/mzj-note.docx"),),
    ledger=Path("city/out/ledger.xlsx"),
    metrics=Path("city/out/metrics.prom"),
    quarantine=(Path("city/out/quarantine/systems.csv"),),
)


def said(view: AuditView, written: Written = WRITTEN, *, width: int = 120, site: Path | None = Path("city")) -> str:
    stream = io.StringIO()
    print_summary(view, written, Console(file=stream, width=width, highlight=False, soft_wrap=True), site=site)
    return stream.getvalue()


def row(text: str, name: str, after: str) -> list[str]:
    """The cells of the row that begins with ``name``, in the table below ``after``."""
    below = text[text.index(after) :]
    return next(line.split() for line in below.splitlines() if line.split()[:1] == [name])


def test_departments_with_their_systems_and_findings(audit: AuditView) -> None:
    text = said(audit)
    assert row(text, "示例市民政局", "系统上云") == ["示例市民政局", "4", "1", "2", "1", "25.0%～50.0%", "0"]
    assert row(text, "合计", "系统上云") == ["合计", "10", "4", "4", "2", "40.0%～60.0%", "1"]
    assert row(text, "示例市民政局", "问题（本次") == ["示例市民政局", "4", "严重4", "1", "4", "0", "0", "1"]
    assert row(text, "示例市财政局", "问题（本次") == ["示例市财政局", "0", "0", "0", "0", "1", "0"]
    assert "新发现5，仍存在1，再次发现1，已销号1，待复核1，已豁免1" in text


def test_the_gravest_findings_in_words(audit: AuditView) -> None:
    text = said(audit)
    assert "婚姻登记管理系统：非涉密应用系统未迁移至市级政务云平台（第三十三条）" in text
    assert "部署位置为“自建机房”　网络探测　外部可见" in text
    assert text.index("婚姻登记管理系统") < text.index("公交调度平台：")
    # What is resolved or waived is no news.
    assert "非税收入管理系统" not in text
    assert "线索" in text[text.index("127.20.1.33:8080") :]
    many = tuple(replace(audit.findings[0], id=f"F-{i}") for i in range(TOP + 5))
    assert "另有5项。" in said(replace(audit, findings=many))


def test_what_was_not_seen_and_why(audit: AuditView) -> None:
    text = said(audit)
    assert "部分范围未覆盖" in text
    assert "未完整覆盖：交通运输局办公网（jtj，网络探测，覆盖50%）：127.20.2.128/25：超时" in text
    assert "授权书已于2026年6月30日到期" in text
    assert text.count("局限：没有root权限") == 1
    assert "登记与探测相互矛盾1处" in text
    whole = replace(audit, complete=True, probes=tuple(replace(p, success=True) for p in audit.probes), conflicts=())
    assert "4个网络区域均已完整覆盖。" in said(whole)
    assert "矛盾" not in said(whole)
    assert "本次没有进行探测。" in said(replace(audit, probes=()))


def test_where_the_papers_lie_and_how_to_look_further(audit: AuditView) -> None:
    text = said(audit)
    for path in ("mzj.docx", "mzj-note.docx", "ledger.xlsx", "metrics.prom", "systems.csv"):
        assert path in text
    assert "auditor explain F-0001 --site city" in text
    assert "auditor findings --unknown --site city" in text
    assert "auditor findings --site 'a b; rm'" in said(audit, site=Path("a b; rm"))
    bare = said(replace(audit, findings=(), unknowns=()), Written(), site=None)
    assert "没有未销号的问题。" in bare
    assert "explain" not in bare
    assert "文件" not in bare


@pytest.mark.parametrize("width", [80, 100, 140])
def test_nothing_is_wider_than_the_terminal(audit: AuditView, width: int) -> None:
    assert max(map(cell_len, said(audit, width=width).splitlines())) <= width


@pytest.mark.parametrize(
    "evil",
    ["[bold red]x[/]", "\x1b]0;owned\x07", "\x1b[2J", "[/]", "[link=file:///etc]y[/link]", "a\u202eb", "z\r\nq"],
)
def test_text_from_outside_does_nothing(audit: AuditView, history: tuple[EventView, ...], evil: str) -> None:
    finding = replace(
        audit.findings[0],
        asset_name=evil,
        title=evil,
        id=evil,
        reason=evil,
        remedy=evil,
        facts=tuple(replace(f, title=evil, shown=evil, source=evil, evidence=evil) for f in audit.findings[0].facts),
    )
    view = replace(
        audit,
        site=evil,
        snapshot=evil,
        conflicts=(evil,),
        findings=(finding,),
        departments=tuple(replace(d, name=evil) for d in audit.departments),
        probes=tuple(replace(p, zone_name=evil, problems=(evil,), limits=(evil,)) for p in audit.probes),
    )
    stream = io.StringIO()
    console = Console(file=stream, width=200, force_terminal=True, color_system="truecolor", highlight=False)
    print_summary(view, Written(ledger=Path(evil)), console, site=Path(evil))
    console.print(render_explain(finding, tuple(replace(e, reason=evil, by=evil) for e in history)))
    text = stream.getvalue()
    for forbidden in ("\x1b]", "\x07", "\x1b[2J", "\r", "\u202e"):
        assert forbidden not in text
    if evil.startswith("["):
        assert evil in text  # shown as it is


def test_explain_tells_clause_facts_and_life(audit: AuditView, history: tuple[EventView, ...]) -> None:
    stream = io.StringIO()
    stale: Any = audit.findings[5]
    Console(file=stream, width=160).print(render_explain(replace(stale, reason="uncovered；网络中断"), history))
    text = stream.getvalue()
    assert "第三十三条“项目实施单位已建、在建非涉密应用系统应向市级政务云平台迁移”" in text
    assert "状态：待复核（本次核查未覆盖；网络中断）" in text
    assert "2026-11-22 23:05" in text
    assert "登记台账systems.xlsx第3行" in text
    assert "不列入整改文书：本次审计未能再次确认，依据已过时" in text
    assert "经过" in text
    assert "r-0001" in text
    stream.truncate(0)
    Console(file=stream, width=160).print(render_explain(audit.findings[0], ()))
    assert "可列入整改文书。" in stream.getvalue()
    assert "经过" not in stream.getvalue()


def test_tables_make_every_cell_safe() -> None:
    stream = io.StringIO()
    Console(file=stream, width=60).print(table(("甲", "乙"), [("[red]x", None), (1, "\x1b[1m")], numbers=(0,)))
    assert "[red]x" in stream.getvalue()
    assert "\\x1b" in stream.getvalue()

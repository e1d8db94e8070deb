"""What somebody sees at the end of an audit, and when asking why: by department, in words, with what was not seen."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from reports.account import Account, accounts
from reports.model import AuditView, EventView, FindingView, ProbeView, Written
from reports.papers.facts import citation, fact_words
from reports.tables import safe, table
from reports.words import (
    BITES,
    CHANGES,
    LIVE,
    SEVERITIES,
    STATES,
    STRENGTHS,
    SUBJECTS,
    chinese_date,
    moment,
    reason_words,
    severity_rank,
    source_words,
    word,
)

#: Findings told in words; the rest is a command away.
TOP = 8
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "", "advice": "dim"}
_CHANGE_ORDER = ("new", "reopened", "still_open", "stale")


def print_summary(view: AuditView, written: Written, console: Console, *, site: Path | None = None) -> None:
    """Prints an audit's result.

    ``written`` says where the papers lie; ``site`` is the folder that the commands to look further name. Text
    from outside can neither use markup nor reach the terminal as an escape.
    """
    for part in (
        _head(view),
        _migration(view),
        _findings(view),
        *_top(view),
        *_coverage(view),
        *_conflicts(view),
        *_files(written),
        *_further(view, site, written),
    ):
        console.print(part, soft_wrap=False)


def render_explain(
    finding: FindingView, history: Sequence[EventView], timezone: str = "Asia/Shanghai"
) -> RenderableType:
    """Why a finding stands: the clause word for word, the facts with source, time and strength, its life."""
    f = finding
    reason = f"（{reason_words(f.reason)}）" if f.reason else ""
    because = "；".join(f.not_orderable_because) or "未说明"
    facts = (
        (
            fact_words(fact),
            source_words(fact.source),
            moment(fact.observed_at, timezone),
            word(STRENGTHS, fact.strength),
            fact.evidence,
        )
        for fact in f.facts
    )
    lines: list[RenderableType] = [
        Text.assemble(
            (f"{word(SEVERITIES, f.severity)}　", _STYLES.get(f.severity, "")),
            safe(f"{f.department_name}　{f.asset_name}：{f.title}", "bold"),
        ),
        safe(f"问题编号：{f.id}　规则：{f.rule}　对象：{word(SUBJECTS, f.subject)} {f.asset_key}"),
        safe(f"状态：{word(STATES, f.state)}{reason}　性质：{word(BITES, f.bite)}　快照：{f.snapshot}"),
        *(safe(f"依据：{citation(basis)}", limit=2000) for basis in f.basis),
        table(("核查所见", "来源", "时间", "依据强度", "佐证"), facts),
        *(safe(f"整改要求：{text}") for text in (f.remedy,) if text),
        *(safe(f"条款规定的后果：{text}") for text in (f.consequence,) if text),
        safe("可列入整改文书。" if f.orderable else f"不列入整改文书：{because}"),
    ]
    if history:
        life = ((moment(e.at, timezone), word(STATES, e.state), reason_words(e.reason), e.by) for e in history)
        lines.append(table(("时间", "状态", "原因", "审计或经办"), life, title="经过"))
    return Group(*lines)


def _head(view: AuditView) -> Text:
    seconds = (view.ended_at - view.started_at).total_seconds()
    state = ("完成", "bold green") if view.complete else ("完成，部分范围未覆盖", "bold yellow")
    return Text.assemble(
        safe(f"{view.site}　审计", "bold"),
        state,
        safe(f"　数据截至{chinese_date(view.as_of)}　快照{view.snapshot}　用时{seconds:.0f}秒"),
    )


def _sums(view: AuditView) -> list[Account]:
    rows = accounts(view)
    return [*rows, sum(rows, Account("", "合计"))]


def _migration(view: AuditView) -> RenderableType:
    rows = (
        (
            account.name,
            account.in_scope,
            account.on_cloud,
            account.off_cloud,
            account.not_told,
            account.rate_words,
            account.excluded,
        )
        for account in _sums(view)
    )
    headings = ("部门", "纳入范围", "已上云", "未上云", "无法判定", "上云率", "不纳入")
    return table(headings, rows, title="系统上云", numbers=range(1, 7), total=True)


def _findings(view: AuditView) -> RenderableType:
    c = view.changes
    numbers = {
        "new": c.new,
        "still_open": c.still_open,
        "reopened": c.reopened,
        "resolved": c.resolved,
        "stale": c.stale,
        "waived": c.waived,
    }
    told = "，".join(f"{CHANGES[name]}{number}" for name, number in numbers.items())
    rows = (
        (
            account.name,
            account.live,
            " ".join(f"{name}{number}" for code, name in SEVERITIES.items() if (number := account.severities[code])),
            account.leads,
            account.new,
            account.stale,
            account.resolved,
            account.unknown,
        )
        for account in _sums(view)
    )
    headings = ("部门", "未销号", "其中", "线索", "新发现", "待复核", "销号", "无法判定")
    title = f"问题（本次，含线索：{told}）"
    return table(headings, rows, title=title, numbers=(1, 3, 4, 5, 6, 7), total=True)


def _top(view: AuditView) -> Iterator[RenderableType]:
    live = sorted((f for f in view.findings if f.state in LIVE), key=_urgency)
    if not live:
        yield safe("没有未销号的问题。", "green")
        return
    yield safe("主要问题", "bold")
    for finding in live[:TOP]:
        articles = "、".join(basis.article for basis in finding.basis)
        yield _indented(
            Text.assemble(
                (word(SEVERITIES, finding.severity), _STYLES.get(finding.severity, "")),
                safe(f"　{finding.department_name}　{finding.asset_name}：{finding.title}（{articles}）", limit=300),
            )
        )
        told = [finding.id, word(CHANGES, finding.change)]
        if finding.bite != "order":
            told.append(word(BITES, finding.bite))
        for fact in finding.facts[:1]:
            told += [fact_words(fact), source_words(fact.source, brief=True), word(STRENGTHS, fact.strength)]
        yield _indented(safe("　".join(told), "dim", 300), 8)
    if len(live) > TOP:
        yield _line(f"另有{len(live) - TOP}项。", "dim")


def _indented(text: Text, by: int = 2) -> RenderableType:
    """Indented, also where it wraps."""
    return Padding(text, (0, 0, 0, by), expand=False)


def _line(text: str, style: str = "") -> RenderableType:
    return _indented(safe(text, style, 600))


def _urgency(finding: FindingView) -> tuple[int, int, str, str]:
    change = _CHANGE_ORDER.index(finding.change) if finding.change in _CHANGE_ORDER else len(_CHANGE_ORDER)
    return severity_rank(finding.severity), change, finding.rule, finding.id


def _coverage(view: AuditView) -> Iterator[RenderableType]:
    partial = [probe for probe in view.probes if not probe.success]
    yield safe("探测覆盖", "bold")
    if partial:
        for probe in partial:
            yield _line(f"未完整覆盖：{_where(probe)}：{'；'.join(probe.problems) or '原因不详'}", "yellow")
        yield _line("未覆盖范围内的情况不作认定，其中已有的问题不会因此销号。")
    else:
        zones = len({probe.zone for probe in view.probes})
        yield _line(f"{zones}个网络区域均已完整覆盖。" if zones else "本次没有进行探测。")
    limits = dict.fromkeys(limit for probe in view.probes for limit in probe.limits)
    for limit in limits:
        yield _line(f"局限：{limit}", "yellow")


def _where(probe: ProbeView) -> str:
    share = "" if probe.ratio is None else f"，覆盖{probe.ratio:.0%}"
    return f"{probe.zone_name}（{probe.zone}，{source_words(probe.probe)}{share}）"


def _conflicts(view: AuditView) -> Iterator[RenderableType]:
    if not view.conflicts:
        return
    yield safe(f"登记与探测相互矛盾{len(view.conflicts)}处", "bold")
    for text in view.conflicts[:3]:
        yield _line(text)
    if len(view.conflicts) > 3:
        yield _line(f"另有{len(view.conflicts) - 3}处，见台账。", "dim")


def _files(written: Written) -> Iterator[RenderableType]:
    rows = [
        *(("征求意见函、文书草稿", path) for path in written.notices),
        *(("拟稿说明（内部）", path) for path in written.drafter_notes),
        *(("台账", path) for path in (written.ledger,) if path),
        *(("监测指标", path) for path in (written.metrics,) if path),
        *(("未能读入的登记行", path) for path in written.quarantine),
    ]
    if rows:
        yield safe("文件", "bold")
        for what, path in rows:
            yield _line(f"{what}：{path}")


def _further(view: AuditView, site: Path | None, written: Written) -> Iterator[RenderableType]:
    where = f" --site {shlex.quote(str(site))}" if site else ""
    live = sorted((f for f in view.findings if f.state in LIVE), key=_urgency)
    commands = [f"auditor findings{where}"]
    if live:
        commands.append(f"auditor explain {shlex.quote(live[0].id)}{where}")
    if view.unknowns:
        commands.append(f"auditor findings --unknown{where}")
    if written.ledger is None:
        commands.append(f"auditor ledger export 台账.xlsx{where}")
    yield safe("进一步查看", "bold")
    for command in commands:
        yield _line(command)

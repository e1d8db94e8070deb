"""What somebody sees at the end of an audit, and when asking why: by department, in words, with what was not seen."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.text import Text

from reports.account import Account, accounts
from reports.model import AuditView, EventView, FindingView, ProbeView, Written
from reports.notice_text import citation, fact_words
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
        *_further(view, site),
    ):
        console.print(part, soft_wrap=False)


def render_explain(
    finding: FindingView, history: Sequence[EventView], timezone: str = "Asia/Shanghai"
) -> RenderableType:
    """Why a finding stands: the clause word for word, the facts with source, time and strength, its life."""
    head = Text.assemble(
        (f"{word(SEVERITIES, finding.severity)} ", _STYLES.get(finding.severity, "")),
        safe(f"{finding.department_name}　{finding.asset_name}：{finding.title}", "bold"),
    )
    lines: list[RenderableType] = [
        head,
        safe(f"问题编号：{finding.id}　规则：{finding.rule}　对象：{word(SUBJECTS, finding.subject)} {finding.asset_key}"),
        safe(
            f"状态：{word(STATES, finding.state)}"
            + (f"（{finding.reason}）" if finding.reason else "")
            + f"　性质：{word(BITES, finding.bite)}　快照：{finding.snapshot}"
        ),
        *(safe(f"依据：{citation(basis)}", limit=2000) for basis in finding.basis),
        table(
            ("核查所见", "来源", "时间", "依据强度", "佐证"),
            (
                (fact_words(f), source_words(f.source), moment(f.observed_at, timezone), word(STRENGTHS, f.strength), f.evidence)
                for f in finding.facts
            ),
        ),
    ]  # fmt: skip
    if finding.remedy:
        lines.append(safe(f"整改要求：{finding.remedy}"))
    if finding.consequence:
        lines.append(safe(f"条款规定的后果：{finding.consequence}"))
    if finding.orderable:
        lines.append(safe("可列入整改文书。"))
    else:
        lines.append(safe("不列入整改文书：" + ("；".join(finding.not_orderable_because) or "未说明")))
    if history:
        lines.append(
            table(
                ("时间", "状态", "原因", "审计或经办"),
                ((moment(e.at, timezone), word(STATES, e.state), e.reason, e.by) for e in history),
                title="经过",
            )
        )
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
    return table(
        ("部门", "纳入范围", "已上云", "未上云", "无法判定", "上云率", "不纳入"),
        (
            (r.name, r.in_scope, r.on_cloud, r.off_cloud, r.not_told, "—" if r.rate is None else f"{r.rate:.1%}", r.excluded)
            for r in _sums(view)
        ),
        title="系统上云",
        numbers=range(1, 7),
        total=True,
    )  # fmt: skip


def _findings(view: AuditView) -> RenderableType:
    changes = view.changes
    told = zip(
        CHANGES,
        (changes.new, changes.still_open, changes.reopened, changes.resolved, changes.stale, changes.waived),
        strict=True,
    )
    shown = "，".join(f"{CHANGES[name]}{number}" for name, number in told)
    return table(
        ("部门", *SEVERITIES.values(), "未销号合计", "新发现", "待再次确认", "本次销号", "无法判定"),
        (
            (row.name, *(row.severities[s] for s in SEVERITIES), row.live, row.new, row.stale, row.resolved, row.unknown)
            for row in _sums(view)
        ),
        title=f"问题（本次：{shown}）",
        numbers=range(1, 11),
        total=True,
    )  # fmt: skip


def _top(view: AuditView) -> Iterator[RenderableType]:
    live = sorted((f for f in view.findings if f.state in LIVE), key=_urgency)
    if not live:
        yield safe("没有未销号的问题。", "green")
        return
    yield safe("主要问题", "bold")
    for finding in live[:TOP]:
        articles = "、".join(basis.article for basis in finding.basis)
        yield Text.assemble(
            "  ",
            (word(SEVERITIES, finding.severity), _STYLES.get(finding.severity, "")),
            safe(f"　{finding.department_name}　{finding.asset_name}：{finding.title}（{articles}）", limit=300),
            safe(f"　{word(CHANGES, finding.change)}　{finding.id}", "dim"),
        )
        if finding.facts:
            fact = finding.facts[0]
            seen = (
                f"      {fact_words(fact)}，{source_words(fact.source, brief=True)}，{word(STRENGTHS, fact.strength)}"
            )
            yield safe(seen, "dim", 300)
    if len(live) > TOP:
        yield safe(f"  另有{len(live) - TOP}项。", "dim")


def _urgency(finding: FindingView) -> tuple[int, int, str, str]:
    change = _CHANGE_ORDER.index(finding.change) if finding.change in _CHANGE_ORDER else len(_CHANGE_ORDER)
    return severity_rank(finding.severity), change, finding.rule, finding.id


def _coverage(view: AuditView) -> Iterator[RenderableType]:
    partial = [probe for probe in view.probes if not probe.success]
    yield safe("探测覆盖", "bold")
    if partial:
        for probe in partial:
            yield safe(f"  未完整覆盖：{_where(probe)}：{'；'.join(probe.problems) or '原因不详'}", "yellow", 600)
        yield safe("  未覆盖范围内的情况不作认定，其中已有的问题不会因此销号。")
    else:
        yield safe(f"  {len(view.probes)}个网络区域均已完整覆盖。" if view.probes else "  本次没有进行探测。")
    limits = dict.fromkeys(limit for probe in view.probes for limit in probe.limits)
    for limit in limits:
        yield safe(f"  局限：{limit}", "yellow")


def _where(probe: ProbeView) -> str:
    share = "" if probe.ratio is None else f"，覆盖{probe.ratio:.0%}"
    return f"{probe.zone_name}（{probe.zone}，{source_words(probe.probe)}{share}）"


def _conflicts(view: AuditView) -> Iterator[RenderableType]:
    if not view.conflicts:
        return
    yield safe(f"登记与探测相互矛盾{len(view.conflicts)}处", "bold")
    for text in view.conflicts[:3]:
        yield safe(f"  {text}")
    if len(view.conflicts) > 3:
        yield safe(f"  另有{len(view.conflicts) - 3}处，见台账。", "dim")


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
            yield safe(f"  {what}：{path}", limit=600)


def _further(view: AuditView, site: Path | None) -> Iterator[RenderableType]:
    where = f" --site {shlex.quote(str(site))}" if site else ""
    live = sorted((f for f in view.findings if f.state in LIVE), key=_urgency)
    commands = [f"auditor findings{where}"]
    if live:
        commands.append(f"auditor explain {shlex.quote(live[0].id)}{where}")
    if view.unknowns:
        commands.append(f"auditor findings --unknown{where}")
    yield safe("进一步查看", "bold")
    for command in commands:
        yield safe(f"  {command}", limit=600)

"""Writes docs/runbooks/ and the lists in docs/alerts.md from the rules: ``python -m reports.prometheus.pages``.

A runbook is a page by hand (``reports/prometheus/runbooks/``) below a head that tells what the rule itself says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reports.prometheus.shipped import RUNBOOKS, Alert, Record, alerts, groups, records, text, thresholds

#: Within the repository.
PAGE, FOLDER, INDEX = Path("docs/alerts.md"), Path("docs") / RUNBOOKS, Path("docs/index.md")
BEGIN, END = "<!-- {}: written by `make docs` -->", "<!-- end of {} -->"

SEVERITIES: Mapping[str, str] = {"critical": "立即处置", "warning": "工作时间处置", "info": "汇总告知"}
TEAMS: Mapping[str, str] = {"ops": "运维", "office": "业务科室"}
GROUPS: Mapping[str, str] = {
    "auditor_exporter": "指标采集",
    "auditor_scanning": "扫描",
    "auditor_schedule": "定时核查",
    "auditor_store": "台账与磁盘",
    "auditor_findings": "新增事项",
    "auditor_deadlines": "期限与计划",
}
_UNITS = {"m": "分钟", "h": "小时", "d": "天"}


def runbook_page(alert: Alert) -> str:
    """The whole page of an alert: its head from the rule, the rest from the page by hand."""
    rows = [
        ("告警", f"`{alert.name}`"),
        ("级别", f"{SEVERITIES[alert.severity]}（`{alert.severity}`）"),
        ("由谁处置", f"{TEAMS[alert.team]}（`{alert.team}`）"),
        ("条件须持续", _span(alert.waits) or "不需要，一成立就告警"),
        *([("条件消失后", f"再保持 {_span(alert.lingers)}才算恢复")] if alert.lingers else []),
        *(("阈值", f"`{one.name}`：{one.comment}") for one in thresholds() if one.name in alert.expr),
    ]
    head = "\n".join(("| | |", "|---|---|", *(f"| {name} | {said} |" for name, said in rows)))
    body = text(f"{RUNBOOKS}/{alert.runbook}").strip()
    return (
        f"# {alert.title}\n\n{alert.description}\n\n{head}\n\n{body}\n\n"
        f"## 告警规则\n\n```text\n{alert.expr.strip()}\n```\n"
    )


def _span(written: str) -> str:
    """``26h`` → 26 小时; empty stays empty."""
    return f"{written[:-1]} {_UNITS[written[-1]]}" if written else ""


def alert_list() -> str:
    """The alerts by group, as tables with links to their runbooks."""
    out = []
    for group, members in groups().items():
        rows = (
            (f"[{a.title}]({RUNBOOKS}/{a.runbook})", f"`{a.name}`", SEVERITIES[a.severity], TEAMS[a.team])
            for a in members
        )
        out.append(f"### {GROUPS[group]}\n\n{_table(('告警', '名称', '级别', '由谁处置'), rows)}")
    return "\n\n".join(out)


def threshold_list() -> str:
    rows = ((f"`{one.name}`", one.comment) for one in thresholds())
    return _table(("阈值", "含义"), rows)


def record_list() -> str:
    sections: dict[str, list[Record]] = {}
    for one in records():
        sections.setdefault(one.section, []).append(one)
    tables = (
        f"### {section}\n\n{_table(('记录规则', '标签'), ((f'`{one.name}`', _labels(one.name)) for one in members))}"
        for section, members in sections.items()
    )
    return "\n\n".join(tables)


#: What a recorded series has besides its level's label, by the beginning of what it counts.
_MORE = {
    "auditor_department": ("name", "region"),
    "auditor_findings_open": ("severity",),
    "auditor_leads_open": ("severity",),
    "auditor_assessments": ("kind",),
    "auditor_migration_planned:": ("by",),
    "auditor_plan_quarter": ("by",),
}
_LEVELS = {
    "department": ("job", "department"),
    "region": ("job", "region"),
    "zone": ("job", "zone"),
    "city": ("job",),
}


def labels_of(name: str) -> tuple[str, ...]:
    """The labels of a recorded series."""
    level, _, rest = name.partition(":")
    more = next((labels for begin, labels in _MORE.items() if rest.startswith(begin)), ())
    if name in ("region:auditor_assessments:sum", "city:auditor_assessments:sum"):
        more = ("kind", "status")
    return (*_LEVELS.get(level, ()), *more)


def _labels(name: str) -> str:
    return "、".join(f"`{label}`" for label in labels_of(name))


def _table(headings: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(headings)} |", "|" + "---|" * len(headings)]
    return "\n".join((*lines, *(f"| {' | '.join(row)} |" for row in rows)))


def filled(page: str, name: str, block: str) -> str:
    """The page with one of its generated blocks written anew. ValueError where it has no place for it."""
    begin, end = BEGIN.format(name), END.format(name)
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page lacks {begin} and {end}")
    return f"{before}{begin}\n{block}\n{end}{after}"


def page(written: str) -> str:
    """docs/alerts.md with its lists written anew."""
    for name, block in (("alerts", alert_list()), ("thresholds", threshold_list()), ("records", record_list())):
        written = filled(written, name, f"\n{block}\n")
    return written


def index(written: str) -> str:
    """docs/index.md with its list of runbooks written anew."""
    lines = (f"- [{alert.title}]({RUNBOOKS}/{alert.runbook})" for alert in alerts())
    return filled(written, "runbooks", "\n".join(lines))


def runbook_pages() -> dict[Path, str]:
    """Path within the repository → page, for every alert, as the documentation has it."""
    mark = "<!-- Written by `make docs` from reports/prometheus/; do not edit. -->\n\n"
    return {FOLDER / alert.runbook: mark + runbook_page(alert) for alert in alerts()}


def main() -> int:
    """Writes all of it below the current folder, which is the repository's."""
    FOLDER.mkdir(exist_ok=True)
    fresh = runbook_pages()
    for path in set(FOLDER.glob("*.md")) - set(fresh):
        path.unlink()
    for path, whole in fresh.items():
        path.write_text(whole, encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    INDEX.write_text(index(INDEX.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

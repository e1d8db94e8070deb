"""部门: one department."""

from __future__ import annotations

from reports.grafana import links
from reports.grafana.boards.city import hosting
from reports.grafana.boards.common import (
    CELL_IF_ANY,
    CELL_UNKNOWN,
    IF_ANY,
    UNIT_ITEMS,
    UNIT_THINGS,
    UNKNOWN,
    ZERO_AND_UNKNOWN,
    counted,
    findings_by_severity,
    fixed,
    migration_parts,
    migration_rate,
    open_and_overdue,
)
from reports.grafana.model import (
    ALERT,
    GREY,
    PLAIN,
    Board,
    Kind,
    Label,
    Look,
    Panel,
    Query,
    Row,
    Rows,
    Variable,
    plain,
    wrong_from,
)
from reports.grafana.promql import DEPARTMENT, PACK, each, findings, leads, or_none, or_zero, remaining, with_history
from reports.grafana.words import CANNOT_TELL, KIND_WORDS, SEVERITY_WORDS
from reports.metrics_names import Part
from reports.words import BITES

_JUDGED = f"sum by (pack, rule) (auditor_rule_subjects{{{DEPARTMENT}, {PACK}}})"
_TITLES = (
    f"max by (pack, rule, title, severity, bite) (auditor_rule_info{{{PACK}}})"
    " * on (pack) group_left (regulation) group by (pack, regulation) "
    '(label_replace(auditor_pack_info, "regulation", "$1", "title", "(.*)"))'
)


def _findings(width: int) -> Panel:
    return Panel(
        title="问题",
        description="未销号是未整改、再次发现和待复核的问题。线索和主管部门自己的待办不是部门的问题，另计。"
        f"{ZERO_AND_UNKNOWN}",
        kind=Kind.FIGURES,
        unit=UNIT_ITEMS,
        width=width,
        queries=counted(
            (
                (or_none(findings(), Part.FINDINGS), "未销号", IF_ANY),
                (or_none(leads(), Part.FINDINGS), "线索和待办", fixed(PLAIN)),
            )
        ),
        links=(links.console("在控制台中查看问题", "findings?department=${department:percentencode}"),),
    )


def _judged(verdict: str) -> str:
    return or_zero(
        f'sum by (pack, rule) (auditor_rule_subjects{{verdict="{verdict}", {DEPARTMENT}, {PACK}}})',
        _JUDGED,
        "pack, rule",
    )


def _rules(width: int) -> Panel:
    return Panel(
        title="逐条核查结果",
        description="每条规则判定的对象数，按结论分；不适用的不计。无法判定既不是符合也不是不符合。"
        "未销号含以前发现、本次未覆盖的问题，不含线索和主管部门自己的待办。",
        kind=Kind.TABLE,
        unit="none",
        width=width,
        labels=(
            Label("title", "规则"),
            Label("regulation", "依据"),
            Label("severity", "严重程度", Look(says=SEVERITY_WORDS, width=110)),
            Label("bite", "性质", Look(says=BITES, width=150)),
            Label("rule", "规则编号", Look(width=230)),
            Label("pack", ""),
        ),
        rows=Rows(_JUDGED, "pack, rule"),
        queries=(
            Query(f"({_TITLES}) and on (pack, rule) ({_JUDGED})"),
            Query(_judged("violation"), "不符合", CELL_IF_ANY),
            Query(_judged("unknown"), CANNOT_TELL, CELL_UNKNOWN),
            Query(_judged("compliant"), "符合"),
            Query(_judged("waived"), "已豁免"),
            Query(each(findings("pack, rule"), _JUDGED, "pack, rule", Part.FINDINGS), "未销号", CELL_IF_ANY),
        ),
        sort="不符合",
    )


def _papers(width: int) -> Panel:
    statuses = {
        "valid": "有效",
        "expiring_.*": "90日内到期",
        "expired": "已到期",
        "missing": "没有",
        "not_known": "不详",
    }
    looks = {"expiring_.*": Look(steps=wrong_from(1, ALERT)), "not_known": UNKNOWN}
    one = f'sum (auditor_assessments{{kind="%s", status=~"%s", {DEPARTMENT}}})'
    return Panel(
        title="等保测评和密评",
        description="在用信息系统的等保测评和密评情况，未要求的不计。“没有”是部门答复没有，“不详”是没有人告知。",
        kind=Kind.BARS,
        unit=UNIT_THINGS,
        width=width,
        queries=counted(
            (or_none(one % (kind, status), Part.INVENTORY), f"{paper} {word}", looks.get(status, IF_ANY))
            for kind, paper in (("mlps", "等保"), ("crypto", "密评"))
            for status, word in statuses.items()
            if not status.startswith("valid")
        ),
        links=(links.board("等保和密评看板", links.ASSESSMENTS),),
    )


def _assets(width: int) -> Panel:
    one = f'sum (auditor_assets{{kind="%s", {DEPARTMENT}}})'
    kinds = {code: word for code, word in KIND_WORDS.items() if code != "department"}
    return Panel(
        title="资产",
        description=f"登记和探测归并之后的资产数，按种类分。{ZERO_AND_UNKNOWN}",
        kind=Kind.BARS,
        unit=UNIT_THINGS,
        width=width,
        queries=counted((or_none(one % code, Part.INVENTORY), word, Look()) for code, word in kinds.items()),
        steps=plain(PLAIN),
        links=(links.console("在控制台中查看资产", "assets?department=${department:percentencode}"),),
    )


def _trend(width: int) -> Panel:
    return Panel(
        title="未销号问题和未上云系统的变化",
        description="未销号问题是未整改、再次发现和待复核的问题；未上云含无法判定的系统。",
        kind=Kind.TREND,
        unit="none",
        width=width,
        queries=(
            Query(with_history(or_none(findings(), Part.FINDINGS)), "未销号问题", fixed(ALERT)),
            Query(with_history(remaining()), "未上云（含无法判定）", fixed(GREY)),
        ),
    )


DEPARTMENT_BOARD = Board(
    uid=links.DEPARTMENT,
    title="部门",
    description="一个部门的上云、问题、整改案件、等保密评和资产，以及逐条核查结果。",
    since="now-1y",
    variables=(Variable.REGION, Variable.ONE_DEPARTMENT, Variable.PACK),
    rows=(
        Row(6, (migration_rate(6), migration_parts(9), _findings(5), open_and_overdue(4))),
        Row(9, (hosting(8), findings_by_severity(8), _papers(8))),
        Row(11, (_rules(24),)),
        Row(9, (_trend(14), _assets(10))),
    ),
)

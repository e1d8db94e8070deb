"""The registers that a bureau keeps, as one workbook: what was found, what there is, what cannot be told.

Everything is a value: no cell is a formula, whatever the data hold. Figures stand beside their denominators.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from inventories.faults import clean
from inventories.kinds import KINDS, Column, Kind, Type
from inventories.kinds.declare import COMMON
from policies.model import Basis
from reports.account import Account, accounts, owners
from reports.files import replacing
from reports.model import AssetView, AuditView, FindingView, RuleView, SystemView, UnknownView
from reports.sheets import Book, Cell, Head, Lines, Ratio
from reports.words import (
    BITES,
    CHANGES,
    EXCLUSIONS,
    LIVE,
    SEVERITIES,
    STATES,
    STRENGTHS,
    SUBJECTS,
    VERDICTS,
    chinese_date,
    column_of,
    column_title,
    kind_of,
    local,
    moment,
    severity_rank,
    source_words,
    word,
)

#: Sheets of assets: title, kind, and the columns that are printed beside department and name, in order.
_ASSET_SHEETS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "机房台账",
        "room",
        (
            "code", "address", "kind", "area", "built_on", "approval_no", "racks", "servers_declared", "hosts_physical",
            "ups", "yearly_power_cost", "disposal", "disposal_due_on", "is_inferred",
        ),
    ),
    (
        "业务专网台账",
        "network",
        (
            "code", "kind", "prefixes", "carrier", "bandwidth", "uplink", "yearly_rent", "built_on", "approval_no",
            "legal_basis", "merge_due_on", "is_unified_exit",
        ),
    ),
    (
        "云平台台账",
        "cloud",
        (
            "code", "kind", "platform", "owner_level", "endpoint", "built_on", "expanded_on", "approval_no",
            "is_merged_under_city", "hosts_total", "vms_total", "is_inferred",
        ),
    ),
    (
        "主机台账",
        "host",
        (
            "code", "ips", "answers", "role", "platform", "is_physical", "os_name", "vendor", "model", "open_services",
            "products", "in_asset_register",
        ),
    ),
)  # fmt: skip
_SYSTEM_COLUMNS = ("code", "go_live_on", "addresses", "urls", "mlps_level", "hosts_alive_off_cloud")
#: Columns of every kind that are of use beside the kind's own.
_SHARED = ("zone", "is_observed", "is_declared", "sources", "first_seen_on", "last_seen_on")
_WIDTHS: Mapping[Type, float] = {
    Type.TEXT: 16,
    Type.TEXTS: 26,
    Type.INTEGER: 9,
    Type.NUMBER: 11,
    Type.BOOLEAN: 9,
    Type.DATE: 12,
}


def write_ledger(view: AuditView, path: Path) -> None:
    """Writes the workbook, whole or not at all, readable by its owner only.

    Sheets: 汇总, 问题台账, 系统上云台账, 机房台账, 业务专网台账, 云平台台账, 主机台账, 待核实（无法判定）, 探测覆盖情况 and
    法规依据. Raises OSError where the file cannot be written.
    """
    whom = view.for_whom or view.bureau
    with replacing(path) as fresh:
        book = Book(
            str(fresh),
            left=f"{view.site}　快照{view.snapshot}",
            right=f"为{whom}导出　{view.as_of.isoformat()}",
            properties={
                "title": clean(f"{view.site}政务信息化审计台账", 200),
                "author": clean(view.bureau, 200),
                "comments": clean(f"快照{view.snapshot}，为{whom}导出", 250),
                "created": local(view.ended_at, view.timezone),
            },
        )
        _summary(book, view, whom)
        _findings(book, view)
        _systems(book, view)
        for title, kind, first in _ASSET_SHEETS:
            _assets(book, view, title, KINDS[kind], first)
        _unknowns(book, view)
        _coverage(book, view)
        _law(book, view)
        book.close()


# --- 汇总 ---------------------------------------------------------------------------------------------------


def _summary(book: Book, view: AuditView, whom: str) -> None:
    heads = [
        Head("部门", 26),
        *(Head(t, 9) for t in ("在册系统", "不纳入", "纳入范围\n（分母）", "已上云\n（分子）", "未上云", "无法判定")),
        Head("上云率", 9),
        Head("未销号\n问题", 9),
        *(Head(f"其中：\n{name}", 9) for name in SEVERITIES.values()),
        *(Head(t, 9) for t in ("本次\n新发现", "待再次\n确认", "本次\n销号", "已豁免", "无法判定\n事项")),
    ]
    rows = accounts(view)
    book.sheet(
        "汇总",
        heads,
        (_summary_row(row) for row in rows),
        title=f"{clean(view.site, 60)}政务信息化审计汇总表",
        total=_summary_row(sum(rows, Account("", "合计"))),
        notes=_summary_notes(view, whom),
    )


def _summary_row(row: Account) -> list[Cell]:
    rate = row.rate
    return [
        row.name,
        row.registered,
        row.excluded,
        row.in_scope,
        row.on_cloud,
        row.off_cloud,
        row.not_told,
        None if rate is None else Ratio(rate),
        row.live,
        *(row.severities[name] for name in SEVERITIES),
        row.new,
        row.stale,
        row.resolved,
        row.waived,
        row.unknown,
    ]


def _summary_notes(view: AuditView, whom: str) -> list[str]:
    reasons = Counter(word(EXCLUSIONS, s.excluded) for s in view.systems if s.excluded)
    left_out = "；".join(f"{reason}{number}个" for reason, number in sorted(reasons.items())) or "无"
    uncovered = [probe for probe in view.probes if not probe.success]
    covered = (
        f"有{len(uncovered)}项探测未完整覆盖，其范围内的情况不作认定，详见“探测覆盖情况”表"
        if uncovered or not view.complete
        else "各授权范围均已完整覆盖"
    )
    return [
        f"一、数据快照：{clean(view.snapshot, 80)}；数据截至{chinese_date(view.as_of)}；为{clean(whom, 80)}导出。",
        "二、上云率＝已上云系统数÷纳入范围系统数。纳入范围为非涉密在用、在建系统，"
        "不含经批准豁免和停用已报备的系统；无法判定的系统计入分母，不计入分子。涉密系统不在统计之列。",
        f"三、不纳入上云率统计的系统：{left_out}。",
        f"四、探测覆盖：{covered}。",
        "五、“无法判定”指现有登记和探测均不足以作出结论，既不表示符合，也不表示不符合。",
    ]


# --- 问题台账 -----------------------------------------------------------------------------------------------

_FINDING_HEADS = (
    Head("部门", 20), Head("对象", 22), Head("对象类型", 9), Head("问题", 26), Head("严重程度", 9), Head("状态", 10),
    Head("本次变化", 10), Head("条款", 12), Head("核查所见", 48), Head("整改要求", 30), Head("首次发现", 15),
    Head("最近确认", 15), Head("性质", 11), Head("可列入整改文书", 10), Head("未列入原因", 28), Head("状态说明", 20),
    Head("销号时间", 15), Head("法规", 34), Head("文号", 20), Head("条文原文", 48), Head("案件", 12),
    Head("问题编号", 18), Head("规则编号", 26),
)  # fmt: skip


def _findings(book: Book, view: AuditView) -> None:
    order = {department: place for place, (department, _) in enumerate(owners(view))}
    ordered = sorted(
        view.findings,
        key=lambda f: (f.state not in LIVE, order[f.department_id], severity_rank(f.severity), f.rule, f.id),
    )
    rows = (_finding_row(finding, view.timezone) for finding in ordered)
    book.sheet("问题台账", _FINDING_HEADS, rows, printed=12)


def _finding_row(f: FindingView, zone: str) -> list[Cell]:
    facts = Lines(
        tuple(
            f"{fact.title}：{fact.shown}〔{source_words(fact.source)}，{moment(fact.observed_at, zone) or '时间不详'}，"
            f"{word(STRENGTHS, fact.strength)}〕"
            for fact in f.facts
        )
    )
    return [
        f.department_name,
        f.asset_name,
        word(SUBJECTS, f.subject),
        f.title,
        word(SEVERITIES, f.severity),
        word(STATES, f.state),
        word(CHANGES, f.change),
        Lines(tuple(basis.article for basis in f.basis)),
        facts,
        f.remedy,
        _at(f.opened_at, zone),
        _at(f.last_confirmed_at, zone),
        word(BITES, f.bite),
        f.orderable,
        Lines(f.not_orderable_because),
        f.reason,
        _at(f.resolved_at, zone),
        Lines(tuple(basis.regulation for basis in f.basis)),
        Lines(tuple(basis.number for basis in f.basis)),
        Lines(tuple(_quote(basis) for basis in f.basis)),
        f.case,
        f.id,
        f.rule,
    ]


def _at(at: datetime | None, zone: str) -> datetime | None:
    return local(at, zone) if at else None


def _quote(basis: Basis) -> str:
    return basis.quote if basis.verified else f"{basis.quote}（未与正式文本核对）"


# --- assets -------------------------------------------------------------------------------------------------


def _systems(book: Book, view: AuditView) -> None:
    kind = KINDS["system"]
    assets = {asset.key: asset for asset in view.assets if asset.kind == "system"}
    rest = _others(
        kind, assets.values(), (*_SYSTEM_COLUMNS, "status", "hosting", "migrated_on", "migration_plan_due_on")
    )
    first = [kind.column(name) for name in _SYSTEM_COLUMNS]
    heads = [
        Head("部门", 20), Head("系统名称", 26), Head("系统状态", 10), Head("部署位置", 16), Head("是否已上云", 10),
        Head("迁移上云日期", 12), Head("计划迁移日期", 12), Head("纳入上云率", 9), Head("不纳入原因", 14),
        *map(_head, first), *map(_head, rest), Head("数据冲突", 30), Head("资产标识", 16),
    ]  # fmt: skip
    rows = (_system_row(system, assets.get(system.key), [*first, *rest]) for system in _by_owner(view, view.systems))
    book.sheet("系统上云台账", heads, rows, printed=9 + len(first))


def _system_row(system: SystemView, asset: AssetView | None, columns: Sequence[Column]) -> list[Cell]:
    kind = KINDS["system"]
    values = dict(asset.values) if asset else {}
    values.setdefault("addresses", system.addresses or None)
    values.setdefault("mlps_level", system.mlps_level)
    on_cloud = {True: "是", False: "否", None: "无法判定"}[system.on_cloud]
    return [
        system.department_name,
        system.name,
        kind.column("status").label(system.status),
        [kind.column("hosting").label(place) for place in system.hosting],
        on_cloud,
        system.migrated_on,
        system.planned_on,
        not system.excluded,
        word(EXCLUSIONS, system.excluded) if system.excluded else None,
        *(_value(column, kind, values) for column in columns),
        Lines(asset.conflicts) if asset and asset.conflicts else None,
        system.key,
    ]


def _assets(book: Book, view: AuditView, title: str, kind: Kind, names: Sequence[str]) -> None:
    found = [asset for asset in _by_owner(view, view.assets) if asset.kind == kind.name]
    first, rest = [kind.column(name) for name in names], _others(kind, found, names)
    heads = [
        Head("部门", 20), Head("名称", 24), *map(_head, first), *map(_head, rest), Head("数据冲突", 30), Head("资产标识", 16),
    ]  # fmt: skip
    rows = (
        [
            asset.department_name,
            asset.name,
            *(_value(column, kind, asset.values) for column in (*first, *rest)),
            Lines(asset.conflicts) if asset.conflicts else None,
            asset.key,
        ]
        for asset in found
    )
    book.sheet(title, heads, rows, printed=2 + len(first))


def _by_owner(view: AuditView, items: Iterable[AssetView | SystemView]) -> list[Any]:
    order = {department: place for place, (department, _) in enumerate(owners(view))}
    return sorted(items, key=lambda item: (order[item.department_id], item.name, item.key))


def _others(kind: Kind, assets: Iterable[AssetView], shown: Sequence[str]) -> list[Column]:
    """Further columns of a kind, those only that some asset has a value for."""
    filled = {name for asset in assets for name, value in asset.values.items() if value not in (None, ())}
    own = [column for column in kind.columns if column.name not in ("name", *shown)]
    shared = [column for column in COMMON if column.name in _SHARED]
    return [
        column for column in (*own, *shared) if column.name in filled or column.paper and _absent(column) in filled
    ]


def _absent(column: Column) -> str:
    return f"{column.paper}_absent"


def _head(column: Column) -> Head:
    unit = f"（{column.unit}）" if column.unit else ""
    return Head(f"{column.title}{unit}", _WIDTHS[column.type])


def _value(column: Column, kind: Kind, values: Mapping[str, object]) -> Cell:
    """A column's cell: labels for codes; 无 where the paper was asked for and does not exist; blank: not known."""
    value = values.get(column.name)
    if value is None:
        return "无" if column.paper and values.get(_absent(column)) is True else None
    if column.values:
        codes = value if isinstance(value, (list, tuple)) else [value]
        return [column.label(str(code)) for code in codes]
    return value


# --- what cannot be told, coverage, law ---------------------------------------------------------------------


def _unknowns(book: Book, view: AuditView) -> None:
    heads = (
        Head("部门", 20), Head("对象", 26), Head("对象类型", 10), Head("待判定的问题", 34), Head("缺少的信息", 34),
        Head("如何核实", 50), Head("资产标识", 16), Head("规则编号", 26),
    )  # fmt: skip
    subjects = {rule.rule: rule.subject for rule in view.rules}
    rows = (_unknown_row(unknown, subjects.get(unknown.rule, "")) for unknown in view.unknowns)
    book.sheet("待核实（无法判定）", heads, rows, printed=6)


def _unknown_row(unknown: UnknownView, subject: str) -> list[Cell]:
    kind = kind_of(unknown.asset_key, subject)
    return [
        unknown.department_name,
        unknown.asset_name,
        kind.title if kind else None,
        unknown.title,
        [column_title(kind, name) for name in unknown.missing],
        Lines(tuple(how_to_learn(kind, unknown.missing))),
        unknown.asset_key,
        unknown.rule,
    ]


def how_to_learn(kind: Kind | None, missing: Sequence[str]) -> Iterator[str]:
    """What would tell: the form in which a department says it, or a probe that may look."""
    names = ["hosting" if name == "is_on_recognised_cloud" else name for name in missing]
    columns = [column for name in names if (column := column_of(kind, name))]
    forms = "、".join(dict.fromkeys(column.title for column in columns if column.declarable))
    seen = "、".join(dict.fromkeys(column.title for column in columns if column.seeable))
    if kind and forms:
        yield f"由部门在{kind.title}登记表中补报：{forms}"
    if seen:
        yield f"由覆盖其网络区域的探测查明：{seen}"


def _coverage(book: Book, view: AuditView) -> None:
    heads = (
        Head("网络区域", 24), Head("区域编号", 12), Head("探测方式", 12), Head("是否完整覆盖", 9), Head("覆盖率", 9),
        Head("用时（秒）", 10), Head("最近一次完整覆盖", 16), Head("未覆盖的范围和原因", 50), Head("本次探测的局限", 44),
    )  # fmt: skip
    rows = (
        [
            probe.zone_name,
            probe.zone,
            source_words(probe.probe),
            probe.success,
            None if probe.ratio is None else Ratio(probe.ratio),
            round(probe.seconds, 1),
            _at(probe.last_success, view.timezone),
            Lines(probe.problems) if probe.problems else None,
            Lines(probe.limits) if probe.limits else None,
        ]
        for probe in view.probes
    )
    book.sheet("探测覆盖情况", heads, rows)


def _law(book: Book, view: AuditView) -> None:
    verdicts = ("violation", "compliant", "unknown", "waived", "not_applicable")
    heads = (
        Head("法规", 32), Head("条款", 11), Head("文号", 20), Head("规则", 26), Head("条文原文", 48), Head("对象类型", 9),
        Head("严重程度", 9), Head("性质", 11), Head("应判对象", 9), *(Head(VERDICTS[v], 9) for v in verdicts),
        Head("条文已核对", 9), Head("整改要求", 30), Head("规则编号", 26),
    )  # fmt: skip
    numbers: Counter[tuple[str, str]] = Counter()
    for count in view.counts:
        numbers[count.rule, count.verdict] += count.number
    rows = (
        [
            basis.regulation,
            basis.article,
            basis.number,
            rule.title,
            basis.quote,
            word(SUBJECTS, rule.subject),
            word(SEVERITIES, rule.severity),
            word(BITES, rule.bite),
            sum(numbers[rule.rule, verdict] for verdict in verdicts[:-1]),
            *(numbers[rule.rule, verdict] for verdict in verdicts),
            basis.verified,
            rule.remedy,
            rule.rule,
        ]
        for rule in _rules(view)
        for basis in rule.basis
    )
    book.sheet("法规依据", heads, rows, printed=14)


def _rules(view: AuditView) -> list[RuleView]:
    """Every rule that judged; those that only findings tell of where the view lists none."""
    if view.rules:
        return list(view.rules)
    found = {
        f.rule: RuleView(f.rule, f.rule.partition("/")[0], f.title, f.subject, f.severity, f.bite, f.basis, f.remedy)
        for f in view.findings
    }
    return [found[name] for name in sorted(found)]

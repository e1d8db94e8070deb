"""The registers that a bureau keeps, as one workbook: what was found, what there is, what cannot be told.

Everything is a value: no cell is a formula, whatever the data hold. Figures stand beside their denominators.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from inventories.faults import clean
from inventories.kinds import Column, Kind
from policies.model import Basis
from reports.account import Account, accounts
from reports.files import replacing
from reports.ledger_assessments import write_assessments
from reports.ledger_assets import CLOUDS, HOSTS, NETWORKS, OTHER_NETWORKS, PROJECTS, ROOMS, write_assets
from reports.ledger_cases import OVER, write_cases
from reports.ledger_cells import Cell, Lines, Ratio, heads
from reports.ledger_columns import SNAPSHOT, Order
from reports.ledger_components import write_components
from reports.ledger_large import MOST_ROWS, not_listed, write_finding_numbers, write_unknown_numbers
from reports.ledger_systems import write_systems
from reports.model import AuditView, FactView, FindingView, RuleView, UnknownView
from reports.papers.facts import fact_words
from reports.sheets import Book
from reports.words import (
    BITES,
    CHANGES,
    COMPUTED,
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
    reason_words,
    severity_rank,
    source_words,
    word,
)

_ASSET_SHEETS = (ROOMS, NETWORKS, OTHER_NETWORKS, CLOUDS, HOSTS)


def write_ledger(view: AuditView, path: Path) -> None:
    """Writes the workbook, whole or not at all, readable by its owner only.

    Sheets: 汇总, 问题台账, 整改案件台账, 系统未上云台账, 系统已上云台账, 机房台账, 业务专网台账, 其他网络台账,
    云平台台账, 主机台账, 信创产品统计, 信创产品台账, 等保密评台账, 项目台账, 待核实（无法判定）, 探测覆盖情况 and
    法规依据. A table of more rows than :data:`~reports.ledger_large.MOST_ROWS` is told by its numbers, and the first
    sheet says so. Raises OSError where the file cannot be written.
    """
    whom = view.for_whom or view.bureau
    properties = {
        "title": clean(f"{view.site}政务信息化审计台账", 200),
        "author": clean(view.bureau, 200),
        "comments": clean(f"快照{view.snapshot}，为{whom}导出", 250),
        "created": local(view.ended_at, view.timezone),
    }
    left, right = f"{view.site}　快照{view.snapshot}", f"为{whom}导出　{view.as_of.isoformat()}"
    with replacing(path) as fresh, Book(str(fresh), left=left, right=right, properties=properties) as book:
        order = Order(view)
        _summary(book, view, whom)
        _findings(book, view, order)
        write_cases(book, view, order)
        write_systems(book, view, order)
        write_assets(book, view, _ASSET_SHEETS, order)
        write_components(book, view, order)
        write_assessments(book, view, order)
        write_assets(book, view, (PROJECTS,), order)
        _unknowns(book, view, order)
        _coverage(book, view)
        _law(book, view)


# --- 汇总 ---------------------------------------------------------------------------------------------------


def _summary(book: Book, view: AuditView, whom: str) -> None:
    columns = heads(
        "部门 26; 在册|系统 7; 不纳入 7; 纳入范围|（分母） 9; 已上云|（分子） 8; 未上云 7; 无法|判定 7; 上云率 14",
        "未销号|问题 7",
        "; ".join(f"其中：|{name} {max(7, 2 * len(name) + 1)}" for name in SEVERITIES.values()),
        "线索和|待办 7; 本次|新发现 7; 待复核 7; 本次|销号 7; 已豁免 7; 无法判定|事项 9; 在办|案件 7; 逾期|案件 7",
    )
    rows = accounts(view)
    known = {row.department_id for row in rows}
    # A department that is gone may still have a case.
    gone = {c.department_id: Account(c.department_id, c.department_name) for c in view.cases}
    rows += [account for department, account in gone.items() if department not in known]
    cases = Counter(c.department_id for c in view.cases if c.state not in OVER)
    overdue = Counter(c.department_id for c in view.cases if c.overdue)
    total = [*_summary_row(sum(rows, Account("", "合计"))), cases.total(), overdue.total()]
    book.sheet(
        "汇总",
        columns,
        ([*_summary_row(row), cases[row.department_id], overdue[row.department_id]] for row in rows),
        title=f"{clean(view.site, 60)}政务信息化审计汇总表",
        total=total,
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
        row.rate_words if row.not_told else None if rate is None else Ratio(rate),
        row.live,
        *(row.severities[name] for name in SEVERITIES),
        row.leads,
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
        "不含经批准豁免和停用已报备的系统；有无法判定的系统时，上云率为区间：下限不计这些系统，上限将其计入已上云。涉密系统不在统计之列。",
        f"三、不纳入上云率统计的系统：{left_out}。",
        f"四、探测覆盖：{covered}。",
        f"五、登记与探测相互矛盾{len(view.conflicts)}处，矛盾的一项不作为依据，详见各台账“数据冲突”栏。",
        "六、线索须由人工核实，待办属主管部门自身职责，均不计入部门的问题数。",
        "七、“无法判定”指现有登记和探测均不足以作出结论，既不表示符合，也不表示不符合。",
        "八、每个在册系统列入“系统未上云台账”（未上云和无法判定的）或“系统已上云台账”之一，两表不重复。各台账每行注明数据来源和资产标识，"
        "可据以查明每一项依据。",
        *not_listed(view, {sheet.title: sheet.kind for sheet in _ASSET_SHEETS} | {"信创产品台账": "component"}),
    ]


# --- 问题台账 -----------------------------------------------------------------------------------------------

_FINDING_HEADS = heads(
    "部门 16; 对象 18; 问题 20; 严重|程度 7; 性质 10; 状态 8; 条款 9; 核查所见 44; 整改要求 22; 首次发现 11",
    "问题编号 16; 资产标识 15",
    "对象类型 9; 本次变化 10; 最近确认 15; 可列入|整改文书 9; 未列入原因 28; 状态说明 20; 销号时间 15",
    "法规 34; 文号 20; 条文原文 48; 案件 12; 规则编号 26; 数据快照 20",
)


def _findings(book: Book, view: AuditView, order: Order) -> None:
    if len(view.findings) > MOST_ROWS:
        write_finding_numbers(book, "问题台账", view, order)
        return
    ordered = sorted(
        view.findings,
        key=lambda f: (f.state not in LIVE, order.rank(f.department_id), severity_rank(f.severity), f.rule, f.id),
    )
    rows = (_finding_row(finding, view.timezone) for finding in ordered)
    book.sheet("问题台账", _FINDING_HEADS, rows, printed=12)


def _finding_row(f: FindingView, zone: str) -> list[Cell]:
    return [
        f.department_name,
        f.asset_name,
        f.title,
        word(SEVERITIES, f.severity),
        word(BITES, f.bite),
        word(STATES, f.state),
        Lines(tuple(basis.article for basis in f.basis)),
        Lines(tuple(_fact(fact, zone) for fact in f.facts)),
        f.remedy,
        local(f.opened_at, zone).date() if f.opened_at else None,
        f.id,
        f.asset_key,
        word(SUBJECTS, f.subject),
        word(CHANGES, f.change),
        _at(f.last_confirmed_at, zone),
        f.orderable,
        Lines(f.not_orderable_because),
        reason_words(f.reason),
        _at(f.resolved_at, zone),
        Lines(tuple(basis.regulation for basis in f.basis)),
        Lines(tuple(basis.number for basis in f.basis)),
        Lines(tuple(_quote(basis) for basis in f.basis)),
        f.case,
        f.rule,
        f.snapshot,
    ]


def _fact(fact: FactView, zone: str) -> str:
    day = local(fact.observed_at, zone).date().isoformat() if fact.observed_at else "时间不详"
    return f"{fact_words(fact)}（{source_words(fact.source, brief=True)}，{day}，{word(STRENGTHS, fact.strength)}）"


def _at(at: datetime | None, zone: str) -> datetime | None:
    return local(at, zone) if at else None


def _quote(basis: Basis) -> str:
    return basis.quote if basis.verified else f"{basis.quote}（未与正式文本核对）"


# --- what cannot be told, coverage, law ---------------------------------------------------------------------


def _unknowns(book: Book, view: AuditView, order: Order) -> None:
    if len(view.unknowns) > MOST_ROWS:
        write_unknown_numbers(book, "待核实（无法判定）", view, order)
        return
    columns = (
        *heads("部门 16; 对象 22; 对象类型 9; 待判定的问题 28; 缺少的信息 26; 如何核实 42; 资产标识 15; 规则编号 26"),
        *SNAPSHOT,
    )
    subjects = {rule.rule: rule.subject for rule in view.rules}
    # A rule lacks the same few columns of one asset after another.
    known: dict[tuple[str, tuple[str, ...]], tuple[Cell, Cell]] = {}
    rows = ([*_unknown_row(one, subjects.get(one.rule, ""), known), view.snapshot] for one in view.unknowns)
    book.sheet("待核实（无法判定）", columns, rows, printed=7)


def _unknown_row(
    unknown: UnknownView, subject: str, known: dict[tuple[str, tuple[str, ...]], tuple[Cell, Cell]]
) -> list[Cell]:
    kind = kind_of(unknown.asset_key, subject)
    lacks = (kind.name if kind else "", unknown.missing)
    if lacks not in known:
        titles = [column_title(kind, name) for name in unknown.missing]
        known[lacks] = titles, Lines(tuple(how_to_learn(kind, unknown.missing)))
    return [
        unknown.department_name,
        unknown.asset_name,
        kind.title if kind else None,
        unknown.title,
        *known[lacks],
        unknown.asset_key,
        unknown.rule,
    ]


def how_to_learn(kind: Kind | None, missing: Sequence[str]) -> Iterator[str]:
    """What would tell: the form in which a department says it, or a probe that may look."""
    columns = [column for name in missing if (column := _named(kind, name))]
    forms = "、".join(dict.fromkeys(column.title for column in columns if column.declarable))
    seen = "、".join(dict.fromkeys(column.title for column in columns if column.seeable))
    if kind and forms:
        yield f"由部门在{kind.title}登记表中补报：{forms}"
    if seen:
        yield f"由覆盖其网络区域的探测查明：{seen}"


def _named(kind: Kind | None, word: str) -> Column | None:
    """The column that a name or a title means; what would tell it, where it is concluded from another."""
    if kind is None:
        return None
    if word in ("is_on_recognised_cloud", COMPUTED["is_on_recognised_cloud"]):
        word = "hosting"
    found = column_of(kind, word) or next((column for column in kind.all_columns if column.title == word), None)
    if found is not None and found.name.endswith("_absent"):
        return column_of(kind, kind.papers[found.name.removesuffix("_absent")][0])
    return found


def _coverage(book: Book, view: AuditView) -> None:
    columns = heads(
        "网络区域 18; 区域编号 10; 探测方式 10; 是否完|整覆盖 8; 覆盖率 8; 用时|（秒） 8; 最近一次完整覆盖 16",
        "未覆盖的范围和原因 42; 本次探测的局限 36",
    )
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
    book.sheet("探测覆盖情况", columns, rows)


def _law(book: Book, view: AuditView) -> None:
    verdicts = ("violation", "compliant", "unknown", "waived", "not_applicable")
    columns = heads(
        "法规 24; 条款 10; 规则 22; 条文原文 44; 对象类型 9; 严重|程度 7; 性质 11; 应判|对象 7",
        "; ".join(f"{VERDICTS[verdict]} 9" for verdict in verdicts),
        "文号 20; 条文已核对 9; 整改要求 30; 规则编号 26",
    )
    numbers: Counter[tuple[str, str]] = Counter()
    for count in view.counts:
        numbers[count.rule, count.verdict] += count.number
    rows = (
        [
            basis.regulation,
            basis.article,
            rule.title,
            basis.quote,
            word(SUBJECTS, rule.subject),
            word(SEVERITIES, rule.severity),
            word(BITES, rule.bite),
            sum(numbers[rule.rule, verdict] for verdict in verdicts[:-1]),
            *(numbers[rule.rule, verdict] for verdict in verdicts),
            basis.number,
            basis.verified,
            rule.remedy,
            rule.rule,
        ]
        for rule in _rules(view)
        for basis in rule.basis
    )
    book.sheet("法规依据", columns, rows, printed=13)


def _rules(view: AuditView) -> list[RuleView]:
    """Every rule that judged; those that only findings tell of where the view lists none."""
    if view.rules:
        return list(view.rules)
    found = {
        f.rule: RuleView(f.rule, f.rule.partition("/")[0], f.title, f.subject, f.severity, f.bite, f.basis, f.remedy)
        for f in view.findings
    }
    return [found[name] for name in sorted(found)]

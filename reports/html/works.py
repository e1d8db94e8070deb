"""The page's sections on work: findings, rectification cases, scanning, what could not be told. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from reports.account import UNASSIGNED
from reports.html.charts import Part, bar, columns, legend
from reports.html.figures import ENDING, Figures, Rule
from reports.html.markup import Html, Node, join, tag
from reports.html.proceedings import DAYS, CaseAccount, Scan
from reports.html.tables import NOTHING, Cell, of_department, table, whole
from reports.html.tables import columns as heads
from reports.ledger_cases import FORMS
from reports.ledger_cases import STATES as CASE_STATES
from reports.ledger_cells import Mark
from reports.model import AuditView, CaseView, FindingView
from reports.words import BITES, SEVERITIES, STATES, VERDICTS, local, moment, source_words, word

#: The states of a case in the order of its life.
_STATES = ("draft", "reviewed", "issued", "served", "replied", "inspected", "escalated", "closed", "withdrawn")
_CASE_PAINTS = {"closed": "good", "withdrawn": "none", "escalated": "bad", "draft": "low", "reviewed": "low"}
_SEVERITY_TONES = {"critical": "bad", "high": "bad", "medium": "warn"}
_VERDICTS = {"violation": "off", "unknown": "unknown", "compliant": "good", "waived": "none"}
#: Findings that everybody should see.
_FOREMOST = 12
#: Days after which what a scan once saw is old: facts older than this carry no order.
OLD = 30


# --- findings -----------------------------------------------------------------------------------------------


def findings(view: AuditView, figures: Figures, *, single: bool) -> Iterator[Node]:
    """Findings by severity and state, the gravest of them, and every rule with its denominator."""
    total = figures.total
    yield tag(
        "p",
        f"未销号问题{total.live}项，其中待复核{total.stale}项；本次新发现{figures.new}项，本次销号{figures.resolved}项，"
        f"经批准豁免{total.waived}项（有效的豁免{figures.waivers}件，其中{ENDING}日内到期{figures.ending}件）。另有线索和主管部门待办{figures.leads}项，须由人工核实，不计入问题数。",
        class_="lead",
    )
    rows = [_severity(figures.severities, code) for code in SEVERITIES]
    sums = Counter[str]()
    for (_, state), number in figures.severities.items():
        sums[state] += number
    yield legend([*((code, words) for code, words in SEVERITIES.items()), ("unknown", "待复核（本次未能再次确认）")])
    yield whole(
        "问题，按严重程度和状态",
        heads("严重程度", "未销号 bar", *(f"{words} number" for words in STATES.values())),
        rows,
        total=("合计", "", *(sums[state] for state in STATES)),
    )
    names = heads("严重程度 word", *of_department(single), "对象", "问题", "依据", "状态 word", "首次发现 day")
    listed = [_foremost(f, view.timezone, single=single) for f in figures.foremost]
    if single:
        yield table("未销号的问题", names, listed, empty="没有未销号的问题。", most=200)
    else:
        more = f"（前{_FOREMOST}项，共{len(listed)}项）" if len(listed) > _FOREMOST else ""
        yield whole(f"主要问题{more}", names, listed[:_FOREMOST], empty="没有未销号的问题。")
    yield _rules(figures.rules)


def _severity(counted: Counter[tuple[str, str]], code: str) -> Sequence[Cell]:
    numbers = {state: counted[code, state] for state in STATES}
    longest = max(
        (sum(counted[other, state] for state in ("open", "reopened", "stale")) for other in SEVERITIES), default=0
    )
    parts = [Part(numbers["open"] + numbers["reopened"], code), Part(numbers["stale"], "unknown")]
    return (
        SEVERITIES[code],
        bar(parts, longest),
        *(Mark(str(n), "faint") if n and state == "stale" else n for state, n in numbers.items()),
    )


def _foremost(finding: FindingView, zone: str, *, single: bool) -> Sequence[Cell]:
    articles = "、".join(dict.fromkeys(f"《{b.regulation}》{b.article}" for b in finding.basis))
    return (
        Mark(word(SEVERITIES, finding.severity), _SEVERITY_TONES.get(finding.severity, "plain")),
        *(() if single else (finding.department_name or UNASSIGNED,)),
        finding.asset_name,
        finding.title,
        articles or "依据不在现行规则包内",
        Mark(word(STATES, finding.state), "faint") if finding.state == "stale" else word(STATES, finding.state),
        local(finding.opened_at, zone).date() if finding.opened_at else None,
    )


def _rules(rules: Sequence[Rule]) -> Html:
    rows = (
        (
            rule.title,
            bar(_verdicts(rule), rule.subjects),
            rule.live,
            rule.verdicts["violation"],
            rule.subjects,
            Mark(str(rule.verdicts["unknown"]), "faint") if rule.verdicts["unknown"] else 0,
            rule.verdicts["waived"],
            f"{word(SEVERITIES, rule.severity)}，{word(BITES, rule.bite)}"
            if rule.bite
            else word(SEVERITIES, rule.severity),
            "、".join(dict.fromkeys(f"《{b.regulation}》{b.article}" for b in rule.basis)) or NOTHING,
        )
        for rule in rules
    )
    made = table(
        "各条款的核查情况",
        heads(
            "问题类型",
            "构成 bar",
            "未销号 number",
            "不符合 number",
            "应判|对象 number",
            "无法|判定 number",
            "已豁免 number",
            "程度和性质 minor",
            "依据 minor",
        ),
        rows,
    )
    return join([legend([(paint, VERDICTS[verdict]) for verdict, paint in _VERDICTS.items()]), made])


def _verdicts(rule: Rule) -> Sequence[Part]:
    return [Part(rule.verdicts[verdict], paint) for verdict, paint in _VERDICTS.items()]


# --- cases --------------------------------------------------------------------------------------------------


def cases(figures: Figures, *, single: bool) -> Iterator[Node]:
    """Cases by state, the overdue ones, and how long the closed ones took."""
    account = figures.cases
    if not account.number:
        yield tag("p", "没有整改案件。", class_="lead")
        return
    yield tag("p", _cases_told(account), class_="lead")
    states = [state for state in _STATES if state in account.states] + sorted(set(account.states) - set(_STATES))
    most = max(account.states.values())
    yield whole(
        "整改案件，按状态",
        heads("状态", "数量 bar", "案件 number"),
        [
            (
                word(CASE_STATES, state),
                bar([Part(account.states[state], _CASE_PAINTS.get(state, "plain"))], most),
                account.states[state],
            )
            for state in states
        ],
        total=("合计", "", account.number),
    )
    titles = (
        "文号",
        *of_department(single),
        "文书",
        "状态 word",
        "答复期限 day",
        "事项 number",
        "未整改 number",
    )
    yield table("逾期的案件", heads(*titles), (_overdue(c, single=single) for c in account.overdue), most=200)
    if account.closing:
        yield _closing(account)


def _cases_told(account: CaseAccount) -> str:
    words = f"整改案件{account.number}件，在办{account.open}件，逾期{len(account.overdue)}件；"
    words += f"所列事项已整改{account.mended}项、未整改{account.not_mended}项、不能认定{account.cannot_tell}项。"
    if account.median is not None:
        words += f"已办结{len(account.closing)}件，从印发到办结的日数，中位数为{account.median:g}日。"
    return words


def _overdue(case: CaseView, *, single: bool) -> Sequence[Cell]:
    return (
        case.number or "尚无文号",
        *(() if single else (case.department_name or case.department_id,)),
        word(FORMS, case.form),
        Mark(word(CASE_STATES, case.state) + ("（期限暂定）" if case.due_provisional else ""), "bad"),
        case.due,
        case.items,
        case.not_mended,
    )


def _closing(account: CaseAccount) -> Html:
    sums = [*map(account.within, DAYS), len(account.closing)]
    numbers = [sums[0], *(more - less for less, more in pairwise(sums))]
    labels = [f"≤{DAYS[0]}日", *(f"≤{high}" for high in DAYS[1:]), f">{DAYS[-1]}"]
    told = "，".join(f"{label}{number}件" for label, number in zip(labels, numbers, strict=True) if number)
    return tag(
        "figure",
        tag("figcaption", "从印发到办结的日数（已办结案件）"),
        columns(labels, [[Part(n, "plain")] for n in numbers], title="办结用时", told=told),
    )


# --- scanning -----------------------------------------------------------------------------------------------


def scanning(view: AuditView, figures: Figures) -> Iterator[Node]:
    """How each probe fared in each zone, the failed ones first, and how old what they saw is."""
    account = figures.scans
    if account.complete_at is None:
        whole_words = "至今没有一次审计完整覆盖了全部授权范围"
    else:
        when = moment(account.complete_at, view.timezone)
        whole_words = f"最近一次完整覆盖全部授权范围的审计：{when}，距今{account.complete_days}天"
    yield tag(
        "p",
        f"本次审计用时{account.seconds:.0f}秒，{len(account.rows)}项探测中{account.covered}项完整覆盖、"
        f"{account.failed}项未完整覆盖，{account.never}项从未完整覆盖。{whole_words}。",
        class_="lead",
    )
    yield legend([("good", "已覆盖"), ("off", "部分覆盖"), ("none", "未覆盖")])
    yield table(
        "探测覆盖情况，未完整覆盖的在前",
        heads(
            "网络区域",
            "探测方式",
            "覆盖 bar",
            "覆盖率 number",
            "结果 word",
            "最近一次|完整覆盖 day",
            "距今|（天） number",
            "用时|（秒） number",
            "未覆盖的原因",
        ),
        (_scan(row, view.timezone) for row in account.rows),
        empty="没有进行探测。",
        most=200,
    )
    limits = list(dict.fromkeys(limit for row in account.rows for limit in row.probe.limits))
    if limits:
        yield tag("ul", (tag("li", f"局限：{limit}") for limit in limits[:10]), class_="note")


def _scan(row: Scan, zone: str) -> Sequence[Cell]:
    probe = row.probe
    ratio = probe.ratio
    drawn: Cell = NOTHING if ratio is None else bar([Part(ratio, "good" if probe.success else "off")], 1)
    days = None if row.days is None else Mark(str(row.days), "warn") if row.days > OLD else row.days
    return (
        probe.zone_name,
        source_words(probe.probe, brief=True),
        drawn,
        None if ratio is None else f"{ratio:.0%}",
        Mark("完整覆盖", "good") if probe.success else Mark("未完整覆盖", "bad"),
        moment(probe.last_success, zone) or Mark("从未", "bad"),
        Mark("从未", "bad") if days is None else days,
        round(probe.seconds),
        "；".join(probe.problems) or ("" if probe.success else "原因不详"),
    )


# --- what could not be told ---------------------------------------------------------------------------------


def untold(view: AuditView, figures: Figures, *, single: bool) -> Iterator[Node]:
    """What nobody has shown, by rule and by what is missing; and where registers and probes disagree."""
    account = figures.untold
    yield tag(
        "p",
        f"{account.number}项判断因缺少事实而无法作出，既不表示符合，也不表示不符合。下列信息补齐后即可判断。",
        class_="lead",
    )
    most = max((number for _, number in account.missing), default=0)
    yield table(
        "缺少的信息",
        heads("缺少的信息", "涉及判断 bar", "涉及判断 number"),
        ((words, bar([Part(number, "unknown")], most), number) for words, number in account.missing),
        empty="没有。",
    )
    if not single:
        lacking = sorted(
            (one.account for one in figures.departments if one.account.unknown),
            key=lambda a: (-a.unknown, a.department_id),
        )
        longest = lacking[0].unknown if lacking else 0
        yield table(
            "各部门无法判定的事项",
            heads("部门", "数量 bar", "无法判定 number"),
            ((a.name, bar([Part(a.unknown, "unknown")], longest), a.unknown) for a in lacking),
        )
    conflicts = view.conflicts
    title = f"登记与探测相互矛盾{len(conflicts)}处，矛盾的一项不作为依据"
    yield table(title, heads("矛盾之处"), ((text,) for text in conflicts), empty="没有。", most=200)

"""The whole page: one file that opens anywhere, asks nobody for anything and runs nothing. Pure.

The policy in its head forbids every fetch, script and form; the only style it allows is the one sheet beside this
module, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path

from reports.html.charts import definitions, legend
from reports.html.figures import Figures, Point, figures
from reports.html.holdings import products, rooms
from reports.html.markup import Html, Node, join, tag, text
from reports.html.migration import RATE_LEGEND, formula, migration, ranking, rate_bar, systems
from reports.html.terms import assessments
from reports.html.works import cases, findings, scanning, untold
from reports.model import AuditView
from reports.words import SEVERITIES, chinese_date, chinese_number, moment, tidy

_STYLE = Path(__file__).with_name("page.css")


def render_page(
    view: AuditView, now: datetime, *, department: str = "", for_whom: str = "", trend: Iterable[Point] = ()
) -> str:
    """The page of a view. The same view and moment give the same text.

    ``department`` is the name of the only department in the view, where it is one's own page; ``for_whom`` the office
    that the page is made for, by default the view's; ``trend`` is what the ledger kept of earlier days.
    """
    told = figures(view, now, trend)
    whom = for_whom or view.for_whom or department or view.bureau
    title = f"{tidy(department or view.site, 80)}政务信息系统上云和信息化合规情况"
    parts = [(anchor, name, join(nodes)) for anchor, name, nodes in _parts(view, told, department)]
    body = tag(
        "body",
        definitions(),
        _header(view, title, now, whom, department),
        tag(
            "main",
            _overview(view, told),
            _contents(parts),
            [_section(number, *part) for number, part in enumerate(parts, 1)],
        ),
        _footer(view),
    )
    return f"<!DOCTYPE html>\n{tag('html', _head(title), body, lang='zh-CN')}\n"


@cache
def _style() -> str:
    return _STYLE.read_text(encoding="utf-8")


def policy() -> str:
    """What the page may do: nothing but its own style."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _head(title: str) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("title", title),
        tag("style", Html(_style())),
    )


def _header(view: AuditView, title: str, now: datetime, whom: str, department: str) -> Html:
    scope = f"范围：仅{department}" if department else "范围：全部部门"
    facts = (
        f"数据截至{chinese_date(view.as_of)}",
        scope,
        f"制作单位：{view.bureau}",
        f"供{whom}使用",
        f"制作时间：{moment(now, view.timezone)}",
        f"快照：{view.snapshot}",
    )
    state = None if view.complete else tag("p", "本次审计有部分范围未覆盖，见“探测”一节。", class_="alert")
    return tag("header", tag("h1", title), tag("ul", (tag("li", fact) for fact in facts), class_="facts"), state)


def _overview(view: AuditView, told: Figures) -> Html:
    rate = tag("p", told.total.rate_words, class_="figure")
    bar = rate_bar(told.total, tall=True)
    return tag(
        "section",
        tag("h2", "总体情况", id="overview-title", class_="hidden"),
        tag(
            "div",
            tag("h3", "上云率"),
            rate,
            bar if told.total.in_scope else None,
            legend(RATE_LEGEND),
            tag("p", formula(told), class_="formula"),
            class_="hero",
        ),
        tag("dl", [_key(*words) for words in _keys(told)], class_="keys"),
        tag(
            "p",
            tag("b", "请注意："),
            "没有看到的，既不认定为违规，也不视为合规。",
            "0是查明为零，",
            tag("b", "不明", class_="faint"),
            "是没有人告知或者查明，",
            tag("b", "没有", class_="bad"),
            "是部门明确答复没有，三者分别统计。",
            class_="caution",
        ),
        id="overview",
        aria_labelledby="overview-title",
    )


def _keys(told: Figures) -> Iterator[tuple[str, str, str, str]]:
    """What is shown large: name, figure, what it is made of, and its tone."""
    live = {code: sum(told.severities[code, s] for s in ("open", "reopened", "stale")) for code in SEVERITIES}
    grave = "、".join(f"{SEVERITIES[code]}{live[code]}" for code in ("critical", "high", "medium") if live[code])
    yield (
        "未销号问题",
        str(told.total.live),
        grave or "没有一般以上问题",
        "bad" if live["critical"] + live["high"] else "",
    )
    inferred = [sum(p.origin == "inferred" for p in found) for found in (told.rooms, told.networks)]
    declared = sum(p.origin == "declared" for p in told.rooms)
    words = f"机房{inferred[0]}、网络{inferred[1]}；已登记机房{declared}"
    yield "未登记的机房和网络", str(sum(inferred)), words, "bad" if sum(inferred) else ""
    counts = [told.papers.counts[paper] for paper in ("assessment", "crypto")]
    due = sum(c["expired"] + c["missing"] for c in counts)
    soon = sum(c[f"expiring_{days}d"] for c in counts for days in (30, 60, 90))
    unknown = sum(c["not_known"] for c in counts)
    yield "等保测评、密评到期或没有", str(due), f"90日内到期{soon}；不明{unknown}", "bad" if due else ""
    late = len(told.cases.overdue)
    yield (
        "在办整改案件",
        str(told.cases.open),
        f"逾期{late}；已办结{told.cases.states['closed']}",
        "bad" if late else "",
    )
    scans = told.scans
    share = f"{scans.covered}/{len(scans.rows)}" if scans.rows else "—"
    yield "完整覆盖的探测", share, f"从未完整覆盖{scans.never}", "warn" if scans.failed else ""
    yield "无法判定的事项", str(told.untold.number), "缺少事实，不作结论", "faint" if told.untold.number else ""


def _key(name: str, figure: str, words: str, tone: str) -> Html:
    figures = tag("dd", figure, class_="figure")
    return tag("div", tag("dt", name), figures, tag("dd", words), class_=f"key {tone}".rstrip())


def _parts(view: AuditView, told: Figures, department: str) -> Iterator[tuple[str, str, Iterator[Node]]]:
    single = bool(department)
    yield "migration", "系统上云", migration(view, told)
    if single:
        yield "systems", "本部门信息系统", systems(view)
    else:
        yield "departments", "部门排名", ranking(told)
    yield "findings", "问题", findings(view, told, single=single)
    yield "rooms", "机房和专网", rooms(told, single=single)
    yield "products", "信创", products(told, single=single)
    yield "papers", "等保和密评", assessments(told, single=single)
    yield "cases", "整改", cases(told, single=single)
    yield "scans", "探测", scanning(view, told)
    yield "untold", "无法判定", untold(view, told, single=single)
    yield "notes", "口径说明", _notes(view)


def _contents(parts: Iterable[tuple[str, str, Html]]) -> Html:
    links = (tag("li", tag("a", name, href=f"#{anchor}")) for anchor, name, _ in parts)
    return tag("nav", tag("ol", links), aria_label="目录")


def _section(number: int, anchor: str, name: str, inside: Html) -> Html:
    heading = tag("h2", f"{chinese_number(number)}、{name}", id=f"{anchor}-title")
    return tag("section", heading, inside, id=anchor, aria_labelledby=f"{anchor}-title")


def _notes(view: AuditView) -> Iterator[Node]:
    notes = (
        "上云率＝已上云系统数÷纳入范围系统数。纳入范围为非涉密在用、在建系统，不含经批准豁免和停用已报备的系统；"
        "有无法判定的系统时，上云率为区间：下限不计这些系统，上限将其计入已上云。涉密系统不在统计之列，本页任何数字都不含涉密系统。",
        "没有看到的，既不认定为违规，也不视为合规。探测未覆盖的范围不作认定，其中已有的问题不会因此销号。",
        "问题须由人工核实后方可列入整改文书；线索和主管部门自身待办不计入部门的问题数。",
        "等保备案的失效日期以登记的有效期为准；未登记的，按备案日期和测评日期推算。等保测评、密评期限按最近一次日期和规则包设定的间隔推算，"
        "到期与否以主管机关认定为准。",
        "信创按安全可靠测评结果公告统计；仅中央处理器、操作系统、数据库有名录。“无法判定”既不表示在名录内，也不表示不在名录内。",
        "推断的机房和网络由所见设备得出，须经核实。",
        "本页不列网络地址。明细和每一项依据见台账和“auditor explain”。",
    )
    yield tag("ol", (tag("li", note) for note in notes), class_="notes")
    cited = "、".join(f"《{one.title}》" + (f"（{one.number}）" if one.number else "") for one in view.regulations)
    packs = "；".join(f"{name}（{digest[:12]}）" for name, digest in view.packs)
    words = (
        f"依据：{cited or '见各条款'}。规则包：{packs or '无'}。程序版本{view.version or '不详'}，审计{view.run}。"
    )
    yield tag("p", text(words, 1000), class_="note")


def _footer(view: AuditView) -> Html:
    return tag("footer", f"{view.bureau}　快照{view.snapshot}　数据截至{chinese_date(view.as_of)}")

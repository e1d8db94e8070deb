"""What the papers say, apart from how they look. Pure.

Everything that binds a department comes from the pack: the power, its article, its name, the time to reply
and what follows. What the pack does not give is left blank for the person who signs, never made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from policies.model import CONTRACTOR, Basis, Consequence, contractor_words
from reports.model import FactView, FindingView, NoticeView
from reports.words import (
    STRENGTHS,
    SUBJECTS,
    chinese_date,
    chinese_number,
    listing,
    local,
    reply_words,
    source_words,
    tidy,
    word,
)

DRAFT_MARK = "草稿·未编号·未签发·不具效力"
DRAFT_MARK_NUMBERED = "草稿·未签发·不具效力"
BLANK_DATE = "　　　　年　　月　　日"
#: More objects than this under one clause are named in the annex only.
INLINE_ITEMS = 15
_TITLE_LINE = 20
_NAME = 120
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_QUOTE = 1200
_TEXT = 600
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph. ``style``: text, h1, h2 or item; ``lead`` is set in bold before ``text``."""

    style: str
    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """One paper: title in lines, whom it addresses, paragraphs, and the titles of its annexes."""

    title: tuple[str, ...]
    addressee: str
    body: tuple[Line, ...]
    annexes: tuple[str, ...]


def check(view: NoticeView) -> None:
    """ValueError where the view holds anything that must not stand in a paper to a department."""
    wrong = [item.id for item in view.items if not item.orderable or item.verdict != "violation"]
    if wrong:
        raise ValueError(f"a paper may hold orderable violations only, not {', '.join(sorted(wrong))}")
    if not view.items:
        raise ValueError("a paper needs at least one finding")


def form_name(view: NoticeView) -> str:
    """The paper's name: the power's form, as a document (责令限期整改 → 责令限期整改通知书)."""
    form = tidy(view.power.form, 40)
    return form if form.endswith(("书", "函", "通知", "意见", "单")) else f"{form}通知书"


def draft_mark(view: NoticeView) -> str:
    return DRAFT_MARK_NUMBERED if view.number else DRAFT_MARK


def article(view: NoticeView) -> str:
    """The article that gives the power."""
    return tidy(view.power.article, 40)


def office(bureau: str) -> str:
    """我局, 我中心 ...: how the bureau speaks of itself."""
    head = bureau.partition("（")[0]
    ends = ("局", "中心", "委员会", "办公室", "厅")
    found = next((end for end in ends if head.endswith(end)), "单位")
    return "我" + {"委员会": "委", "办公室": "办"}.get(found, found)


def letter(view: NoticeView) -> Content:
    """The letter of the shadow period: it asks a department to check the facts and accuses nobody."""
    check(view)
    we, name = office(view.bureau), tidy(view.department.name, _NAME)
    subjects = listing(word(SUBJECTS, item.subject) for item in view.items)
    body = [
        Line(
            "text",
            f"根据{_regulation(view)}{article(view)}，{we}对你单位{subjects}的建设和应用情况进行了核查，"
            f"数据截至{chinese_date(view.drawn_up_on)}。以下情况由登记台账、网络探测等资料比对得出，"
            "尚待核实，不作为对你单位的认定。为确保事实准确，现请你单位予以核实。",
        ),
        Line("h1", "一、初步核查情况"),
        *_problems(view, accuses=False),
        Line("h1", "二、请予核实的事项"),
        Line("text", "请对上述问题逐项核实以下事项：", ""),
        Line("item", "所列对象是否归你单位所有或者使用，名称、地址等是否准确；", "1."),
        Line("item", "所列事实是否属实，与目前的实际情况是否一致；", "2."),
        Line("item", "是否已取得批准、已完成迁移或者停用报备，或者另有法律法规和国家规定的依据；", "3."),
        Line("item", "情况属实的，原因以及拟采取的措施和完成时间。", "4."),
        Line("h1", "三、反馈方式"),
        Line(
            "text",
            f"请于{BLANK_DATE}前（期限由签发人确定），将《核实意见反馈表》（附件2）加盖公章后，"
            f"连同证明材料书面反馈{we}。对所列情况有异议的，请逐项说明理由并附证据，{we}将如实记录并复核。",
        ),
        Line(
            "text",
            f"{we}将根据反馈和复核情况，再行决定是否制发《{form_name(view)}》。附件3为征求意见稿，"
            "未编号、未签发，不具有效力，你单位可就其内容一并提出意见。",
        ),
        Line("text", f"联系方式：{_contact(view)}。"),
        Line("text", "本函及附件载有网络地址等信息，请妥善保管，仅限核实工作使用。"),
        Line("text", "特此函达，请予函复。"),
    ]
    return Content(
        break_title(("关于核实", name, subjects, "有关情况的函")),
        name,
        tuple(body),
        ("核查情况明细表", "核实意见反馈表", f"{form_name(view)}（征求意见稿）"),
    )


def order(view: NoticeView) -> Content:
    """The draft order: each problem under its own article, what must be done, by when, and what follows."""
    check(view)
    we, power = office(view.bureau), view.power
    subjects = listing(word(SUBJECTS, item.subject) for item in view.items)
    opening = (
        f"根据{_regulation(view)}{article(view)}{_quoted(power.quote)}，{we}对你单位{subjects}的建设和应用情况"
        f"进行了核查，数据截至{chinese_date(view.drawn_up_on)}。现将核查发现的问题通知你单位"
        f"（{tidy(power.addressee, _NAME)}），请按要求整改。"
    )
    refused = [_consequence(view, c) for c in power.if_refused]
    sections: list[tuple[str, list[Line]]] = [
        ("核查发现的问题", list(_problems(view, accuses=True))),
        ("整改时限和结果报送", [Line("text", _reply(view))]),
        *([("拒不整改的后果", [Line("text", text) for text in refused])] if refused else []),
        (
            "异议和联系方式",
            [
                Line("text", f"对所列事实有异议的，可以向{we}书面提出并附证据，{we}将如实记录并复核。"),
                Line("text", f"联系方式：{_contact(view)}。"),
                Line("text", "本文书及附件载有网络地址等信息，请妥善保管，仅限整改工作使用。"),
            ],
        ),
    ]
    body = [Line("text", opening)]
    for number, (heading, lines) in enumerate(sections, 1):
        body += [Line("h1", f"{chinese_number(number)}、{heading}"), *lines]
    stage = "征求意见稿" if view.consultation else "草稿"
    return Content(
        break_title((form_name(view), f"（{stage}）")),
        addressee(view),
        tuple(body),
        ("核查情况明细表" + ("（同本函附件1）" if view.consultation else ""),),
    )


def addressee(view: NoticeView) -> str:
    """Whom an order addresses. A contractor's name stands in no register: blank until a person gives it."""
    if view.addressee_name:
        return tidy(view.addressee_name, _NAME)
    if addresses_other(view):
        return f"　　　　　　（{tidy(view.power.addressee, 40)}，名称待填）"
    return tidy(view.department.name, _NAME)


def addresses_other(view: NoticeView) -> bool:
    """Whether the power is over somebody else than the department: the unit that builds for it."""
    return view.power.over == CONTRACTOR or contractor_words(view.power.addressee)


def by_rule(items: Iterable[FindingView]) -> list[tuple[FindingView, list[FindingView]]]:
    """Findings under the rule that they break, in order of first mention; the first of each speaks for all."""
    groups: dict[str, list[FindingView]] = {}
    for item in items:
        groups.setdefault(item.rule, []).append(item)
    return [(group[0], group) for group in groups.values()]


def _problems(view: NoticeView, *, accuses: bool) -> Iterator[Line]:
    start = 1
    for number, (first, group) in enumerate(by_rule(view.items), 1):
        yield Line("h2", f"（{chinese_number(number)}）{tidy(first.title, _NAME)}（{len(group)}项）")
        yield Line("text", "；".join(citation(basis) for basis in first.basis) + "。", "条款依据：")
        if len(group) > INLINE_ITEMS:
            names = "、".join(tidy(item.asset_name, 40) for item in group[:INLINE_ITEMS])
            end = start + len(group) - 1
            yield Line("text", f"{names}等{len(group)}项，逐项情况见附件1第{start}项至第{end}项。", "涉及对象：")
        else:
            for place, item in enumerate(group, 1):
                yield Line("item", _item(item, view.timezone), f"{place}.{tidy(item.asset_name, _NAME)}")
        if accuses:
            yield from _duties(first)
        start += len(group)


def _duties(rule: FindingView) -> Iterator[Line]:
    if rule.remedy:
        yield Line("text", _stop(tidy(rule.remedy, _TEXT)), "整改要求：")
    if rule.deadline:
        yield Line("text", _stop(tidy(rule.deadline, _TEXT)), "条款规定的期限：")
    if rule.consequence:
        yield Line("text", _stop(tidy(rule.consequence, _TEXT)), "条款规定的后果：")


def _item(item: FindingView, zone: str) -> str:
    """The facts of one finding, those of one source at one time together."""
    told: dict[str, list[str]] = {}
    for fact in item.facts[:8]:
        told.setdefault(provenance(fact, zone), []).append(fact_words(fact))
    facts = "；".join("，".join(facts) + f"（{origin}）" for origin, facts in told.items())
    more = "；其余见附件1" if len(item.facts) > 8 else ""
    return f"（问题编号{tidy(item.id, 40)}）。核查所见：{facts or '见附件1'}{more}。"


def fact_words(fact: FactView) -> str:
    """部署位置为“自建机房”; for a paper that was asked for and does not exist: 批准文号答复为“无”."""
    title = tidy(fact.title, 40)
    if fact.column.endswith("_absent") and fact.value is True:
        return f"{title.partition('（')[0]}答复为“无”"
    shown = tidy(fact.shown, _SHOWN)
    day = _ISO_DATE.fullmatch(shown)
    if day:
        shown = f"{int(day[1])}年{int(day[2])}月{int(day[3])}日"
    return f"{title}为“{shown}”" if shown else f"{title}不详"


def provenance(fact: FactView, zone: str) -> str:
    """来源：网络探测；时间：2026年11月22日；依据强度：外部可见."""
    parts = [f"来源：{source_words(fact.source, brief=True)}"]
    if fact.observed_at:
        parts.append(f"时间：{chinese_date(local(fact.observed_at, zone).date())}")
    if fact.strength:
        parts.append(f"依据强度：{word(STRENGTHS, fact.strength)}")
    return "；".join(parts)


def cited(basis: Basis) -> str:
    """《规定》第三十三条: the place without number and quote."""
    return f"{_book(basis.regulation)}{tidy(basis.article, 40)}"


def citation(basis: Basis) -> str:
    """《规定》（文号）第三十三条：“…”; a quote that nobody has compared with the official text is not quoted."""
    number = f"（{tidy(basis.number, 80)}）" if basis.number else ""
    head = f"{_book(basis.regulation)}{number}{tidy(basis.article, 40)}"
    if not basis.verified:
        return f"{head}（条文待与正式文本核对，暂不引用）"
    return f"{head}{_quoted(basis.quote)}"


def _regulation(view: NoticeView) -> str:
    first: Basis | None = next((b for item in view.items for b in item.basis), None)
    title = view.regulation or (first.regulation if first else "")
    number = view.regulation_number or (first.number if first and not view.regulation else "")
    return _book(title) + (f"（{tidy(number, 80)}）" if number else "")


def _reply(view: NoticeView) -> str:
    power = view.power
    to = tidy(power.report_to, _NAME) or tidy(view.bureau, _NAME)
    within = reply_words(power.reply)
    if within and power.reply:
        day = "接到通知" if power.reply.start == "service" else "印发"
        return f"请于{within}，将整改结果书面报送{to}（{article(view)}）。{day}的当日不计算在内。"
    return f"{article(view)}未规定报送期限。请于{BLANK_DATE}前（期限由签发人确定），将整改结果书面报送{to}。"


def _consequence(view: NoticeView, consequence: Consequence) -> str:
    ground = tidy(consequence.article, 40) or article(view)
    via = f"（由{office(view.bureau)}向{tidy(consequence.propose_to, 60)}提出）" if consequence.propose_to else ""
    return (
        f"{tidy(consequence.when, 100) or '拒不整改的'}，依据{ground}，{_stop(tidy(consequence.action, _TEXT) + via)}"
    )


def _contact(view: NoticeView) -> str:
    return tidy(view.contact, 200).rstrip("。") or "（由承办科室填写）"


def _book(title: str) -> str:
    title = tidy(title, 200)
    return title if title.startswith("《") else f"《{title}》"


def _quoted(quote: str) -> str:
    return f"“{tidy(quote, _QUOTE)}”" if quote.strip() else ""


def _stop(text: str) -> str:
    return text if text.endswith(("。", "！", "？", "…")) else f"{text}。"


def break_title(parts: Sequence[str], most: int = _TITLE_LINE) -> tuple[str, ...]:
    """A title in as few lines as fit, broken between its parts and as even as can be.

    ``most`` is characters a line. Parts longer than a line are cut where they must be.
    """
    pieces = [part[i : i + most] for part in parts if part for i in range(0, len(part), most)]
    if sum(map(len, pieces)) <= most:
        return ("".join(pieces),)
    for lines in range(2, len(pieces) + 1):
        fits = [
            cut
            for breaks in combinations(range(1, len(pieces)), lines - 1)
            if max(map(len, cut := _cut(pieces, breaks))) <= most
        ]
        if fits:
            return min(fits, key=lambda cut: max(map(len, cut)) - min(map(len, cut)))
    return tuple(pieces)


def _cut(pieces: Sequence[str], breaks: Sequence[int]) -> tuple[str, ...]:
    ends = (0, *breaks, len(pieces))
    return tuple("".join(pieces[a:b]) for a, b in pairwise(ends))

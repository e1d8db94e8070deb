"""Findings in words: the facts, where they come from, and the clauses that they are held against. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from policies.model import Basis
from reports.model import FactView, FindingView
from reports.papers.fields import Line
from reports.papers.phrases import NAME, TEXT, book, in_brackets, item, quoted, stop, text
from reports.words import (
    STRENGTHS,
    SUBJECTS,
    chinese_date,
    chinese_number,
    listing,
    local,
    source_words,
    tidy,
    word,
)

#: More objects than this under one clause are named in the annex only.
INLINE_ITEMS = 15
#: More facts than this of one object stand in the annex only.
INLINE_FACTS = 8
_SHOWN = 200
_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


def by_rule(items: Iterable[FindingView]) -> list[tuple[FindingView, list[FindingView]]]:
    """Findings under the rule that they break, in order of first mention; the first of each speaks for all."""
    groups: dict[str, list[FindingView]] = {}
    for one in items:
        groups.setdefault(one.rule, []).append(one)
    return [(group[0], group) for group in groups.values()]


def in_order(items: Iterable[FindingView]) -> Iterator[tuple[int, FindingView]]:
    """Findings as papers count them: rule by rule, from 1."""
    return enumerate((one for _, group in by_rule(items) for one in group), 1)


def subjects(items: Iterable[FindingView]) -> str:
    """信息系统、机房和网络: what the findings are about."""
    return listing(dict.fromkeys(word(SUBJECTS, one.subject) for one in items))


def counted(items: Sequence[FindingView]) -> str:
    """信息系统2项、机房1项."""
    counts: dict[str, int] = {}
    for one in items:
        counts[one.subject] = counts.get(one.subject, 0) + 1
    return "、".join(f"{word(SUBJECTS, subject)}{number}项" for subject, number in counts.items())


def name(finding: FindingView) -> str:
    return tidy(finding.asset_name, NAME)


def object_cell(finding: FindingView) -> str:
    """What the finding is about, for a table: name, kind and the finding's number, each on a line."""
    return f"{name(finding)}\n（{word(SUBJECTS, finding.subject)}）\n{tidy(finding.id, 40)}"


# --- clauses ------------------------------------------------------------------------------------------------


def cited(basis: Basis) -> str:
    """《规定》第三十三条: the place without number and quote."""
    return f"{book(basis.regulation)}{tidy(basis.article, 40)}"


def citation(basis: Basis) -> str:
    """《规定》（文号）第三十三条“…”; what nobody has compared with the official text is named, not quoted."""
    head = f"{book(basis.regulation)}{in_brackets(basis.number)}{tidy(basis.article, 40)}"
    return f"{head}{quoted(basis.quote)}" if basis.verified else f"{head}（条文待与正式文本核对，暂不引用）"


# --- facts --------------------------------------------------------------------------------------------------


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


def seen(finding: FindingView, zone: str, annex: str) -> str:
    """The facts of one finding, those of one source at one time together."""
    told: dict[str, list[str]] = {}
    for fact in finding.facts[:INLINE_FACTS]:
        told.setdefault(provenance(fact, zone), []).append(fact_words(fact))
    facts = "；".join("，".join(facts) + f"（{origin}）" for origin, facts in told.items())
    more = f"；其余见{annex}" if len(finding.facts) > INLINE_FACTS else ""
    return f"{facts or f'见{annex}'}{more}"


def problems(
    items: Iterable[FindingView],
    zone: str,
    *,
    annex: str,
    ground: str = "条款依据",
    remedy: str = "",
    since: Mapping[str, str] | None = None,
) -> Iterator[Line]:
    """Rule by rule: the clause, the objects with what was seen of them, and what the clause asks.

    ``remedy`` is the word before what must be done (整改要求); where it is empty nothing is asked, and neither
    what the clause sets as a limit nor what it lets follow is told. ``annex`` is the label of the evidence.
    ``since`` gives, by finding, what a re-inspection saw of it.
    """
    start = 1
    for number, (first, group) in enumerate(by_rule(items), 1):
        heading = f"（{chinese_number(number)}）{tidy(first.title, NAME)}（{len(group)}项）"
        yield Line(style="h2", lead="", text=heading)
        yield text("；".join(citation(basis) for basis in first.basis) + "。", f"{ground}：")
        if len(group) > INLINE_ITEMS:
            names = "、".join(name(one) for one in group[:INLINE_ITEMS])
            end = start + len(group) - 1
            yield text(f"{names}等{len(group)}项，逐项情况见{annex}第{start}项至第{end}项。", "涉及对象：")
        else:
            for place, one in enumerate(group, 1):
                words = f"（问题编号{tidy(one.id, 40)}）。核查所见：{seen(one, zone, annex)}。"
                again = stop(f"复查所见：{since[one.id]}") if since and since.get(one.id) else ""
                yield item(words + again, f"{place}.{name(one)}")
        if remedy:
            yield from _asked(first, remedy)
        start += len(group)


def _asked(rule: FindingView, remedy: str) -> Iterator[Line]:
    for lead, words in (
        (remedy, rule.remedy),
        ("条款规定的期限", rule.deadline),
        ("条款规定的后果", rule.consequence),
    ):
        if words:
            yield text(stop(tidy(words, TEXT)), f"{lead}：")

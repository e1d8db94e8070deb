"""The words of a re-inspection's opinion: item by item, what the evidence shows now, and what is decided. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from reports.papers.content import Content
from reports.papers.evidence import RESULTS, results
from reports.papers.facts import INLINE_ITEMS, in_order, name
from reports.papers.fields import Line
from reports.papers.orders import contact
from reports.papers.phrases import (
    BLANK_DATE,
    INSPECTION_NAME,
    NAME,
    TEXT,
    article,
    cite_paper,
    item,
    notices,
    sections,
    stop,
    text,
    we,
)
from reports.papers.view import ItemResult, PaperView, Result
from reports.words import chinese_date, tidy

RESULT_WORDS: Mapping[Result, str] = {
    Result.MENDED: "已整改",
    Result.NOT_MENDED: "未整改",
    Result.CANNOT_TELL: "无法判定",
    Result.DROPPED: "不再列入",
}
#: What may be decided, as codes; whatever else a bureau decides is given in its own words, which are printed.
CLOSED = "closed"
SECOND = "second notice"
ESCALATED = "escalated"
#: Decisions that end the matter, which needs every item to be mended or to have fallen away.
CLOSING = (CLOSED, "予以销号")


def inspection(view: PaperView) -> Content:
    """复查意见书: cites the notice's number; nothing is called mended or not that nobody could tell."""
    paper = next(iter(notices(view)[-1:]), None)
    notice = cite_paper(paper) if paper else ""
    on = chinese_date(view.inspected_on) if view.inspected_on else BLANK_DATE
    told = {one.finding: (result_words(one), tidy(one.ground, TEXT)) for one in view.results}
    body = [
        text(f"根据{notice}，{we(view)}于{on}对你单位整改情况进行了复查。复查意见如下："),
        *sections(
            (
                ("复查情况", [_counts(view), *_items(view, told)]),
                ("复查结论", [text(decided(view))]),
                (
                    "异议和联系方式",
                    [
                        text(f"对复查意见有异议的，可以向{we(view)}书面提出并附证据，{we(view)}将如实记录并复核。"),
                        text(f"联系方式：{contact(view)}。"),
                    ],
                ),
            )
        ),
    ]
    return Content([INSPECTION_NAME], body, [RESULTS], {"results": results(view.items, told, "附件")})


def result_words(one: ItemResult) -> str:
    """已整改; where the evidence did not tell and a person did: 无法判定（经政务信息科人工认定：已整改）."""
    told = RESULT_WORDS[one.result]
    if not one.by:
        return told
    return f"{RESULT_WORDS[Result.CANNOT_TELL]}（经{tidy(one.by, NAME)}人工认定：{told}）"


def _counts(view: PaperView) -> Line:
    parts = "，".join(f"{RESULT_WORDS[result]}{count}项" for result, count in _numbers(view).items() if count)
    as_of = chinese_date(view.data_as_of)
    return text(f"共复查{len(view.results)}项：{parts}。复查数据截至{as_of}，逐项情况见附件。")


def _numbers(view: PaperView) -> dict[Result, int]:
    numbers = dict.fromkeys(Result, 0)
    for one in view.results:
        numbers[one.result] += 1
    return numbers


def _items(view: PaperView, told: Mapping[str, tuple[str, str]]) -> list[Line]:
    if len(view.items) > INLINE_ITEMS:
        return []
    lines = []
    for place, one in in_order(view.items):
        result, ground = told[one.id]
        words = f"（{tidy(one.title, NAME)}，问题编号{tidy(one.id, 40)}）：{result}。{stop(ground) if ground else ''}"
        lines.append(item(words, f"{place}.{name(one)}"))
    return lines


def decided(view: PaperView) -> str:
    """What follows from the results, in words; blank in a draft where nobody has decided yet."""
    if not view.decision:
        return "（结论由签发人确定）"
    if view.decision in CLOSING:
        return "上述问题已整改到位或者不再列入，予以销号，本整改事项办结。"
    numbers = _numbers(view)
    left = [f"{numbers[one]}项{RESULT_WORDS[one]}" for one in (Result.NOT_MENDED, Result.CANNOT_TELL) if numbers[one]]
    still = f"仍有{'、'.join(left)}，" if left else ""
    return f"{still}{stop(_next(view))}{'已整改的问题予以销号。' if numbers[Result.MENDED] else ''}"


def _next(view: PaperView) -> str:
    """A second notice goes by the power's own name, an escalation by the consequence that it gives."""
    us, step = we(view), view.consequence
    if view.decision == SECOND:
        form = tidy(view.power.form, 40) if view.power else ""
        again = f"再次{form}" if form.startswith(("责令", "限期", "及时")) else "再次要求整改"
        return f"{us}将{again}，另行制发文书"
    if view.decision != ESCALATED:
        return tidy(view.decision, TEXT)
    if step is None:
        return "（后续处理由签发人确定）"
    ground = tidy(step.article, 40) or article(view)
    whom = f"向{tidy(step.propose_to, 60)}提出建议" if step.propose_to else "办理"
    return f"{us}将依据{ground}{whom}：{tidy(step.action, TEXT)}"


__all__ = ["CLOSED", "CLOSING", "ESCALATED", "RESULT_WORDS", "SECOND", "decided", "inspection", "result_words"]

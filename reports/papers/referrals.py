"""The words of the letters to another authority: a referral of facts, a proposal of what is to follow. Pure."""

from __future__ import annotations

from reports.papers.content import Content
from reports.papers.evidence import EVIDENCE, evidence
from reports.papers.facts import INLINE_ITEMS, by_rule, name, problems, subjects
from reports.papers.fields import Line
from reports.papers.orders import contact, inspected
from reports.papers.phrases import (
    NAME,
    TEXT,
    addressee,
    article,
    book,
    break_title,
    cite_paper,
    department,
    in_brackets,
    item,
    notices,
    opinion,
    regulation,
    sections,
    stop,
    text,
    told,
    we,
    your,
)
from reports.papers.view import PaperView
from reports.words import chinese_date, chinese_number, tidy


def referral(view: PaperView) -> Content:
    """移送函: hands facts to whom they belong to; judges nothing, orders nothing, asks to hear what came of it."""
    us, them = we(view), your(view.addressee)
    whom = tidy(view.addressee, NAME) or addressee(view).strip()
    lines = list(problems(view.items, view.timezone, annex="附件", ground="有关规定"))
    body = [
        text(
            f"{us}在政务信息化核查中了解到{department(view)}{subjects(view.items)}的下列情况"
            f"（数据截至{chinese_date(view.data_as_of)}）。有关事项属{whom}职权范围，不属{us}处理，现移送{them}。"
        ),
        *sections(
            (
                ("移送的情况", lines),
                (
                    "说明",
                    [
                        text(
                            "以上情况由登记台账、网络探测等资料比对得出，来源、时间和依据强度见附件；"
                            f"是否构成违法违规，由{them}依法认定，{us}未作认定，也未就此要求{department(view)}整改。"
                        )
                    ],
                ),
                (
                    "商请事项",
                    [
                        text(f"请{them}依职权处理，并将处理结果函告{us}。"),
                        text(f"联系方式：{contact(view)}。"),
                        text("本函及附件载有网络地址等信息，请妥善保管，仅限办理移送事项使用。"),
                    ],
                ),
            )
        ),
        text("特此函达。"),
    ]
    title = ("关于移送", department(view), subjects(view.items), "有关情况的函")
    return Content(break_title(title), body, [EVIDENCE], {"evidence": evidence(view, "附件")})


def proposal(view: PaperView) -> Content:
    """建议函: what was ordered, that it was not done, and the one thing that the regulation lets follow."""
    us, them, whose = we(view), your(view.addressee), department(view)
    papers = [*notices(view), *filter(None, [opinion(view)])]
    body = [
        text(f"{whose}未按期完成整改，现依据{regulation(view)}将有关情况和建议函告{them}。"),
        *sections(
            (
                ("通知整改的情况", [_ordered(view, us, whose)]),
                ("复查情况", _found(view)),
                ("建议", _proposed(view, us, them)),
            )
        ),
        text(f"联系方式：{contact(view)}。"),
        text("本函及附件载有网络地址等信息，请妥善保管，仅限办理本函事项使用。"),
        text("特此函达，请予函复。"),
    ]
    annexes = [EVIDENCE, *(f"{cite_paper(paper)}（复印件）" for paper in papers)]
    title = ("关于", whose, "逾期未整改问题", "处理建议的函")
    return Content(break_title(title), body, annexes, {"evidence": evidence(view, "附件1")})


def _ordered(view: PaperView, us: str, whose: str) -> Line:
    ground = f"依据{regulation(view)}{article(view)}，" if view.power else ""
    return text(f"{ground}{'；'.join(f'{us}{told(paper, whose)}' for paper in notices(view))}。")


def _found(view: PaperView) -> list[Line]:
    grounds = {result.finding: tidy(result.ground, TEXT) for result in view.results}
    lines = [text(f"{inspected(view)}下列{len(view.items)}项问题仍未整改：")]
    start = 1
    for number, (first, group) in enumerate(by_rule(view.items), 1):
        heading = f"（{chinese_number(number)}）{tidy(first.title, NAME)}（{len(group)}项）"
        lines.append(Line(style="h2", lead="", text=heading))
        if len(group) > INLINE_ITEMS:
            names = "、".join(name(one) for one in group[:INLINE_ITEMS])
            end = start + len(group) - 1
            lines.append(text(f"{names}等{len(group)}项，逐项情况见附件1第{start}项至第{end}项。"))
        else:
            for place, one in enumerate(group, 1):
                seen = f"复查所见：{grounds[one.id]}" if grounds.get(one.id) else "情况见附件1"
                lines.append(item(stop(f"（问题编号{tidy(one.id, 40)}）。{seen}"), f"{place}.{name(one)}"))
        start += len(group)
    return lines


def _proposed(view: PaperView, us: str, them: str) -> list[Line]:
    step = view.consequence
    if step is None:
        return []
    ground = f"{_book(view)}{tidy(step.article, 40) or article(view)}"
    lines = []
    if step.when:
        met = stop(tidy(view.condition_met, TEXT)) if view.condition_met else "（由签发人认定）。"
        lines.append(text(f"该条以“{tidy(step.when, 100)}”为条件。{us}认定该条件已具备：{met}"))
    lines.append(text(f"依据{ground}，建议：{stop(tidy(step.action, TEXT))}"))
    lines.append(text(f"以上建议请{them}依职权研究决定，并将处理结果函告{us}。"))
    return lines


def _book(view: PaperView) -> str:
    if view.regulation:
        return f"{book(view.regulation)}{in_brackets(view.regulation_number)}"
    return regulation(view)

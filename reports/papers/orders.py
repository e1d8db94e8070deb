"""The words of an order: the task letter, the numbered form with its stub, the red-head notice. Pure.

Everything that binds comes from the pack: the power, its article, its name, the time to report and what follows.
"""

from __future__ import annotations

from dataclasses import replace

from policies.model import Consequence
from reports.papers.content import Content
from reports.papers.evidence import EVIDENCE, REPORT, evidence, report
from reports.papers.facts import counted, problems, subjects
from reports.papers.fields import Line, Pair, Text
from reports.papers.phrases import (
    BLANK_DATE,
    NAME,
    NO_NUMBER,
    TEXT,
    addressee,
    article,
    break_title,
    bureau,
    cite_paper,
    day,
    department,
    form_name,
    notices,
    number,
    opinion,
    order_form,
    over_contractor,
    quoted,
    regulation,
    sections,
    set_by_bureau,
    stop,
    text,
    timed,
    told,
    we,
    within,
)
from reports.papers.view import Form, PaperView
from reports.words import chinese_date, chinese_number, tidy

NO_CONTACT = "（由承办科室填写）"


def order(view: PaperView) -> Content:
    """Each problem under its own article, what must be done, by when, to whom to report, and what follows."""
    own: dict[str, object] = {"evidence": evidence(view, "附件1"), "report": report(view, "附件2")}
    if view.form is Form.ORDER:
        own |= {"stub": _stub(view), "receipt": _signed_for(view)}
    body = _body(view, report_form="附件2")
    return Content(_title(view), body, [EVIDENCE, f"{REPORT}（格式）"], own)


def annexed(view: PaperView, label: str) -> Text:
    """The draft of the order that may follow a letter: annexed to it, never numbered nor dated."""
    power = view.power
    if power is None:
        raise ValueError("a letter before an order needs the power to order")
    draft = replace(
        view,
        form=order_form(power),
        number="",
        issued_on=None,
        reply=power.reply,
        reply_set_by_bureau=False,
        due=None,
        round=1,
        earlier=(),
        results=(),
    )
    return Text(
        label=label,
        office=bureau(view),
        title=break_title((name(draft), "（征求意见稿）")),
        number=NO_NUMBER,
        addressee=addressee(draft),
        body=_body(draft, report_form=""),
        annexes=[f"{EVIDENCE}（同本函附件1）"],
        signature=bureau(view),
        date=BLANK_DATE,
    )


def name(view: PaperView) -> str:
    """The order's name, a later one's told apart: 再次责令限期整改通知书, 效能评估整改任务书（第二次）."""
    once = form_name(view.power) if view.power else ""
    if view.round < 2:
        return once
    return f"{once}（第{chinese_number(view.round)}次）" if once.endswith("任务书") else f"再次{once}"


def _title(view: PaperView) -> list[str]:
    if view.form is not Form.ORDER_NOTICE or view.power is None:
        return break_title((name(view),))
    whose, what = department(view), f"{subjects(view.items)}有关问题"
    form = tidy(view.power.form, 40)
    if form_name(view.power) == form:  # its name is a paper's: that paper is what is sent
        return break_title(("关于下达", whose, f"《{name(view)}》", "的通知"))
    return break_title(("关于", whose, what, f"{'再次' if view.round > 1 else ''}{form}", "的通知"))


# --- the text -----------------------------------------------------------------------------------------------


def _body(view: PaperView, *, report_form: str) -> list[Line]:
    since = {result.finding: tidy(result.ground, TEXT) for result in view.results if result.ground}
    refused = [text(_consequence(view, step)) for step in view.power.if_refused] if view.power else []
    lines = list(problems(view.items, view.timezone, annex="附件1", remedy="整改要求", since=since))
    return [
        *([_opening(view)] if view.round < 2 else _again(view)),
        *sections(
            (
                ("核查发现的问题" if view.round < 2 else "仍未整改的问题", lines),
                ("整改时限和结果报送", _reply(view, report_form)),
                ("拒不整改的后果", refused),
                ("异议和联系方式", last_words(view, "本文书", "整改工作")),
            )
        ),
    ]


def _opening(view: PaperView) -> Line:
    whom = department(view) if over_contractor(view.power) else "你单位"
    before = [f"此前，{we(view)}已{told(paper, whom)}。" for paper in notices(view)[-1:]]
    return text(
        f"根据{regulation(view)}{article(view)}{_quote(view)}，{we(view)}对{_looked_at(view)}进行了核查，"
        f"数据截至{chinese_date(view.data_as_of)}。{''.join(before)}"
        f"现将核查发现的问题通知你单位（{_role(view)}），请按要求整改。"
    )


def _again(view: PaperView) -> list[Line]:
    """A second notice says first which one was not complied with, and what the re-inspection found."""
    first = "；".join(f"{we(view)}{told(paper, '你单位')}" for paper in notices(view))
    return [
        text(f"{first}。{inspected(view)}下列{len(view.items)}项问题仍未整改。"),
        text(
            f"现根据{regulation(view)}{article(view)}{_quote(view)}，再次通知你单位（{_role(view)}），请按要求整改。"
            f"核查数据截至{chinese_date(view.data_as_of)}。"
        ),
    ]


def inspected(view: PaperView) -> str:
    """2026年12月10日，我局对整改情况进行了复查（…号《复查意见书》），."""
    found = opinion(view)
    paper = f"（{cite_paper(found)}）" if found else ""
    on = view.inspected_on or (found.issued_on if found else None)
    when = f"{'' if view.inspected_on else '截至'}{chinese_date(on)}，" if on else ""
    return f"{when}{we(view)}对整改情况进行了复查{paper}，"


def _quote(view: PaperView) -> str:
    return quoted(view.power.quote) if view.power else ""


def _role(view: PaperView) -> str:
    return tidy(view.power.addressee, NAME) if view.power else ""


def _looked_at(view: PaperView) -> str:
    if over_contractor(view.power):
        return f"你单位承建的{department(view)}{subjects(view.items)}的建设情况"
    return f"你单位{subjects(view.items)}的建设和应用情况"


def _reply(view: PaperView, report_form: str) -> list[Line]:
    power = view.power
    to = (tidy(power.report_to, NAME) if power else "") or bureau(view)
    unset = power is None or power.reply is None
    what = f"{article(view)}未规定报送期限" if unset else ""
    if set_by_bureau(view):
        head, ground = "，".join(filter(None, (what, f"期限由{we(view)}确定。"))), ""
    elif timed(view):
        head, ground = "", f"（{article(view)}）"
    else:
        head, ground = f"{what}。" if what else "", ""
    lines = [text(f"{head}请{within(view)}，将整改结果书面报送{to}{ground}。")]
    if report_form:
        lines.append(text(f"报送时请填写《{REPORT}》（{report_form}），并附佐证材料。"))
    return lines


def _consequence(view: PaperView, step: Consequence) -> str:
    ground = tidy(step.article, 40) or article(view)
    via = f"（由{we(view)}向{tidy(step.propose_to, 60)}提出）" if step.propose_to else ""
    return f"{tidy(step.when, 100) or '拒不整改的'}，依据{ground}，{stop(tidy(step.action, TEXT) + via)}"


def contact(view: PaperView) -> str:
    return tidy(view.contact, 200).rstrip("。") or NO_CONTACT


def last_words(view: PaperView, this: str, use: str) -> list[Line]:
    """How to object, whom to ask, and that network addresses are not for everybody."""
    return [
        text(f"对所列事实有异议的，可以向{we(view)}书面提出并附证据，{we(view)}将如实记录并复核。"),
        text(f"联系方式：{contact(view)}。"),
        text(f"{this}及附件载有网络地址等信息，请妥善保管，仅限{use}使用。"),
    ]


# --- what the numbered form has beside its text -------------------------------------------------------------


def _stub(view: PaperView) -> list[Pair]:
    """存根: stays with the bureau."""
    rows = (
        ("文书名称", name(view)),
        ("文号", number(view)),
        ("主送单位", addressee(view)),
        ("事由", f"{department(view)}{counted(view.items)}"),
        ("依据", f"{regulation(view)}{article(view)}"),
        ("报送整改结果的期限", within(view)),
        ("成文日期", day(view.issued_on)),
        ("签发人", ""),
        ("承办人", ""),
        ("备注", ""),
    )
    return [Pair(name=name, value=value) for name, value in rows]


def _signed_for(view: PaperView) -> list[Pair]:
    """签收: what the receiver fills in and hands back."""
    rows = (
        ("文书名称及文号", f"《{name(view)}》{number(view)}"),
        ("签收单位（盖章）", ""),
        ("签收人及职务", ""),
        ("签收日期", ""),
        ("备注", ""),
    )
    return [Pair(name=name, value=value) for name, value in rows]

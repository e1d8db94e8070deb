"""How a bureau puts it: offices, days, times to answer, titles, marks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import combinations, pairwise

from policies.calendars import Due
from policies.model import CONTRACTOR, Power, Reply, contractor_words
from reports.papers.fields import Line
from reports.papers.view import EarlierPaper, Form, PaperView
from reports.words import chinese_date, chinese_number, tidy

DRAFT_MARK = "草稿·未编号·未签发·不具效力"
DRAFT_MARK_NUMBERED = "草稿·未签发·不具效力"
BLANK_DATE = "　　　　年　　月　　日"
NO_NUMBER = "　　　〔　　　　〕　　号"
PROVISIONAL = "（暂定，以国务院办公厅公布的放假安排为准）"
INSPECTION_NAME = "复查意见书"
#: Longer names are cut: nobody's name is as long, and what comes from outside must end somewhere.
NAME = 120
TEXT = 600
_NUMBER = 120
_TITLE_LINE = 20
_UNITS: Mapping[str, str] = {"days": "日", "working_days": "个工作日", "months": "个月"}
_STARTS: Mapping[str, str] = {"service": "自送达之日起", "issue": "自印发之日起"}
_OFFICES: Mapping[str, str] = {
    "委员会": "委",
    "办公室": "办",
    "中心": "中心",
    "支队": "支队",
    "局": "局",
    "厅": "厅",
}
#: Papers that belong to another one and have no number of their own.
UNNUMBERED = (Form.RECEIPT, Form.REPLY)
#: Papers that say what somebody must do, under a power.
ORDERS = (Form.TASK, Form.ORDER, Form.ORDER_NOTICE)
#: Papers to another authority.
OUTWARD = (Form.REFERRAL, Form.PROPOSAL)


# --- paragraphs ---------------------------------------------------------------------------------------------


def text(words: str, lead: str = "") -> Line:
    return Line(style="text", lead=lead, text=words)


def item(words: str, lead: str = "") -> Line:
    return Line(style="item", lead=lead, text=words)


def sections(parts: Iterable[tuple[str, Sequence[Line]]]) -> list[Line]:
    """Headed parts, numbered 一、二、三; one without lines is left out and not counted."""
    out: list[Line] = []
    for number, (heading, lines) in enumerate((part for part in parts if part[1]), 1):
        out += [Line(style="h1", lead="", text=f"{chinese_number(number)}、{heading}"), *lines]
    return out


def stop(words: str) -> str:
    return words if words.endswith(("。", "！", "？", "…")) else f"{words}。"


# --- offices ------------------------------------------------------------------------------------------------


def bureau(view: PaperView) -> str:
    return tidy(view.bureau, NAME)


def we(view: PaperView) -> str:
    """我局, 我中心 ...: how the bureau speaks of itself."""
    return _speaking("我", view.bureau)


def your(name: str) -> str:
    """贵局, 贵办 ...: how it speaks to another authority."""
    return _speaking("贵", name)


def _speaking(whose: str, name: str) -> str:
    head = name.partition("（")[0].rstrip()
    return whose + next((short for end, short in _OFFICES.items() if head.endswith(end)), "单位")


def department(view: PaperView) -> str:
    """The department's name of today, with its former one: 市甲局（原市乙局）."""
    return f"{tidy(view.department.name, NAME)}{former(view)}"


def former(view: PaperView) -> str:
    old = tidy(view.formerly, NAME)
    if not old:
        return ""
    return f"（{old}）" if old.startswith("原") else f"（原{old}）"


def over_contractor(power: Power | None) -> bool:
    """Whether an order under this power addresses not the department but whoever builds for it."""
    return power is not None and (power.over == CONTRACTOR or contractor_words(power.addressee))


def contractor(view: PaperView) -> str:
    """The contractor that the paper is sent to; empty where nobody has named it. The department is none."""
    own = (view.department.name, view.formerly)
    return "" if view.addressee in own else tidy(view.addressee, NAME)


def addressee(view: PaperView) -> str:
    """主送, without the colon. Who is not known is left blank for a person, never made up."""
    match view.form:
        case Form.LETTER | Form.REMINDER:
            return department(view)
        case Form.REFERRAL | Form.PROPOSAL:
            return tidy(view.addressee, NAME) or _unnamed("主送机关")
        case Form.REPLY:
            return tidy(view.power.report_to, NAME) if view.power and view.power.report_to else bureau(view)
        case Form.BULLETIN:
            return tidy(view.addressee, NAME) or "各有关单位"
    if over_contractor(view.power):
        return contractor(view) or _unnamed(tidy(view.power.addressee, 40) if view.power else "")
    if not view.addressee or view.addressee == view.department.name:
        return department(view)
    return tidy(view.addressee, NAME)


def answerer(view: PaperView) -> str:
    """Who answers an order: the department, or the contractor (empty where nobody has named it)."""
    return contractor(view) if over_contractor(view.power) else department(view)


def _unnamed(whom: str) -> str:
    return f"　　　　　　（{whom}，名称待填）"


# --- numbers, days, marks -----------------------------------------------------------------------------------


def issued(view: PaperView) -> bool:
    """Whether the paper is out, and no draft."""
    if view.form in UNNUMBERED:
        return bool(view.earlier) and all(paper.number.strip() for paper in view.earlier)
    return bool(view.number.strip()) and view.issued_on is not None


def mark(view: PaperView) -> str:
    """What stands on every page: nothing once the paper is issued."""
    if issued(view):
        return ""
    return DRAFT_MARK_NUMBERED if view.number.strip() else DRAFT_MARK


def number(view: PaperView) -> str:
    return tidy(view.number, _NUMBER) or NO_NUMBER


def settled(view: PaperView) -> PaperView:
    """An order's time to report is the article's, where nobody has set another."""
    power = view.power
    if view.form not in ORDERS or power is None or power.reply is None or timed(view):
        return view
    return replace(view, reply=power.reply, reply_set_by_bureau=False)


def day(on: date | None) -> str:
    return chinese_date(on) if on else BLANK_DATE


def by_day(due: Due) -> str:
    """2027年1月6日（暂定，…）前（含当日）."""
    return f"{chinese_date(due.day)}{PROVISIONAL if due.provisional else ''}前（含当日）"


def period(reply: Reply) -> str:
    """自送达之日起10个工作日内（当日不计算在内）."""
    start = _STARTS.get(reply.start, tidy(reply.start, 20))
    return f"{start}{reply.amount}{_UNITS.get(reply.unit, tidy(reply.unit, 20))}内（当日不计算在内）"


def within(view: PaperView) -> str:
    """By when, to follow 请; blank for the person who signs where nobody has set a time."""
    if view.reply and view.due:
        return f"{period(view.reply)}，即于{by_day(view.due)}"
    if view.reply:
        return period(view.reply)
    return f"于{by_day(view.due)}" if view.due else f"于{BLANK_DATE}前（期限由签发人确定）"


def timed(view: PaperView) -> bool:
    """Whether the time to answer is known."""
    return view.reply is not None or view.due is not None


def set_by_bureau(view: PaperView) -> bool:
    """Whether the time to answer is the bureau's own, not that of the article."""
    ours = view.power is None or view.power.reply is None or view.power.reply != view.reply
    return timed(view) and (view.reply_set_by_bureau or ours)


# --- what is cited ------------------------------------------------------------------------------------------


def book(title: str) -> str:
    title = tidy(title, 200)
    return title if title.startswith("《") else f"《{title}》"


def quoted(quote: str) -> str:
    return f"“{tidy(quote, 1200)}”" if quote.strip() else ""


def regulation(view: PaperView) -> str:
    """《办法》（文号) that the paper rests on: the pack's, else the one that its first item cites."""
    if view.regulation:
        return book(view.regulation) + in_brackets(view.regulation_number)
    first = next((basis for one in view.items for basis in one.basis), None)
    return book(first.regulation) + in_brackets(first.number) if first else ""


def in_brackets(words: str) -> str:
    return f"（{tidy(words, _NUMBER)}）" if words else ""


def article(view: PaperView) -> str:
    """The article that gives the power."""
    return tidy(view.power.article, 40) if view.power else ""


def cite_paper(paper: EarlierPaper) -> str:
    """运审管改〔2026〕1号《责令限期整改通知书》: without 第."""
    return f"{tidy(paper.number, _NUMBER) or NO_NUMBER}{book(paper.title)}"


def notices(view: PaperView) -> tuple[EarlierPaper, ...]:
    """The earlier papers without the re-inspections' opinions."""
    return tuple(paper for paper in view.earlier if paper.title != INSPECTION_NAME)


def opinion(view: PaperView) -> EarlierPaper | None:
    """The newest opinion of a re-inspection among the earlier papers."""
    return next((paper for paper in reversed(view.earlier) if paper.title == INSPECTION_NAME), None)


def told(paper: EarlierPaper, whom: str) -> str:
    """于2026年11月25日向你单位制发…号《…》，于…送达，期限至…: what is not known is left out."""
    out = f"于{chinese_date(paper.issued_on)}" if paper.issued_on else ""
    out += f"向{whom}制发{cite_paper(paper)}"
    if paper.served_on:
        out += f"，于{chinese_date(paper.served_on)}送达"
    return out + (f"，期限至{chinese_date(paper.due.day)}" if paper.due else "")


# --- titles -------------------------------------------------------------------------------------------------


def form_name(power: Power) -> str:
    """The paper's name: the power's form, as a document (责令限期整改 → 责令限期整改通知书)."""
    form = tidy(power.form, 40)
    return form if form.endswith(("书", "函", "通知", "意见", "单")) else f"{form}通知书"


def order_form(power: Power) -> Form:
    """The paper that a power's name asks for: a task letter where it says so, else the numbered order."""
    return Form.TASK if form_name(power).endswith("任务书") else Form.ORDER


def break_title(parts: Sequence[str], most: int = _TITLE_LINE) -> list[str]:
    """A title in as few lines as fit, broken between its parts and as even as can be.

    ``most`` is characters a line. Parts longer than a line are cut where they must be.
    """
    pieces = [part[i : i + most] for part in parts if part for i in range(0, len(part), most)]
    if sum(map(len, pieces)) <= most:
        return ["".join(pieces)]
    for lines in range(2, len(pieces) + 1):
        fits = [
            cut
            for breaks in combinations(range(1, len(pieces)), lines - 1)
            if max(map(len, cut := _cut(pieces, breaks))) <= most
        ]
        if fits:
            return list(min(fits, key=lambda cut: max(map(len, cut)) - min(map(len, cut))))
    return pieces


def _cut(pieces: Sequence[str], breaks: Sequence[int]) -> tuple[str, ...]:
    ends = (0, *breaks, len(pieces))
    return tuple("".join(pieces[a:b]) for a, b in pairwise(ends))

"""A rule as a page that a lawyer can check: the article whole, what is looked for, who may order what.

Pure. A page is a list of headings with their words, in the order of reading; whoever shows it decides how.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from policies.articles import article_key, passages
from policies.calendars import Calendar
from policies.cases import Case
from policies.model import Bite, Citation, Pack, Power, Rule
from policies.orders import STRENGTH_LABELS
from policies.trees import trees_of
from reports.conditions import in_words, title, value_words
from reports.words import BITES, SEVERITIES, SUBJECTS, VERDICTS, chinese_date, reply_words, word

#: What encloses a quote within its article.
MARKS = ("【", "】")


@dataclass(frozen=True, slots=True)
class Line:
    """One heading with its words, which may be of several lines; ``code`` is what the machine judges by."""

    heading: str
    words: str
    code: str = ""


def cited_as(pack: Pack) -> str:
    """《某规定》（某政发〔2024〕1号）: a regulation as papers name it."""
    return f"《{pack.title}》" + (f"（{pack.number}）" if pack.number else "")


def span(start: date | None, end: date | None) -> str:
    """From when to when something is in force."""
    begun = f"{chinese_date(start)}起" if start else "起始日期原文未载，由本地设定"
    return f"{begun}，至{chinese_date(end)}止" if end else f"{begun}施行"


def wording(pack: Pack, citation: Citation) -> str:
    """The whole article that a citation quotes, where the pack ships its wording; else the empty string."""
    name = article_key(citation.basis.article)
    if citation.basis.regulation == pack.title and name in pack.texts:
        return pack.texts[name].strip()
    for law in pack.laws.values():
        same = (law.title, law.valid_from, law.valid_to)
        if same == (citation.basis.regulation, citation.valid_from, citation.valid_to):
            return law.texts.get(name, "").strip()
    return ""


def marked(quote: str, text: str, marks: tuple[str, str] = MARKS) -> str:
    """A text with the pieces of a quote enclosed in marks."""
    out, at = "", 0
    for start, end in passages(quote, text):
        out += f"{text[at:start]}{marks[0]}{text[start:end]}{marks[1]}"
        at = end
    return out + text[at:]


def citations(rule: Rule) -> tuple[Citation, ...]:
    """What a rule cites; its only basis where it was made without citations."""
    return rule.citations or (Citation(rule.basis),)


def rule_lines(
    pack: Pack,
    rule: Rule,
    *,
    marks: tuple[str, str] = MARKS,
    today: date | None = None,
    calendar: Calendar | None = None,
) -> list[Line]:
    """The page of a rule. With ``today`` and ``calendar`` a time to reply is also told as a date."""
    applies, violation = trees_of(pack, rule)
    out = [_citation(pack, citation, marks) for citation in citations(rule)]
    out += [
        Line("对象", word(SUBJECTS, rule.subject)),
        Line("适用", in_words(applies, rule.subject, pack), rule.applies),
        Line("不符合", in_words(violation, rule.subject, pack), rule.violation),
        Line("不作判断", f"下列事实不明、致使上述条件无从判断的：{_titles(rule)}"),
    ]
    if rule.waits_for:
        out.append(Line("待设定", f"本地尚未设定，设定前一律不作判断：{_waits(pack, rule)}"))
    out += [
        Line("程度", word(SEVERITIES, rule.severity)),
        Line("性质", _bite(rule)),
    ]
    if rule.power:
        out += power_lines(rule.power, today=today, calendar=calendar)
    if rule.order_needs:
        strength = STRENGTH_LABELS[rule.order_needs.strength]
        needs = f"依据须为{rule.order_needs.fresh_days}日以内、“{strength}”级以上（仅见于文件的事实，以申报为准）"
        out.append(Line("列入文书", needs))
    for heading, words in (
        ("期限", rule.deadline),
        ("整改", rule.remedy),
        ("后果", rule.consequence),
        ("移送", rule.refer_to),
        ("说明", rule.note),
    ):
        if words:
            out.append(Line(heading, words))
    return out


def _citation(pack: Pack, citation: Citation, marks: tuple[str, str]) -> Line:
    basis = citation.basis
    number = f"（{basis.number}）" if basis.number else ""
    seen = "" if basis.verified else "（文字未与正式文本核对）"
    bounds = ""
    if citation.valid_from or citation.valid_to:
        bounds = f"，{span(citation.valid_from, citation.valid_to)}"
    text = wording(pack, citation)
    body = marked(basis.quote, text, marks) if text else f"“{basis.quote}”（规定包未收录该条全文）"
    return Line("条文", f"《{basis.regulation}》{number}{basis.article}{seen}{bounds}\n{body}")


def _titles(rule: Rule) -> str:
    return "、".join(dict.fromkeys(title(rule.subject, name) for name in rule.columns)) or "（无）"


def _waits(pack: Pack, rule: Rule) -> str:
    titles = {name: setting.title for name, setting in pack.settings.items()}
    return "、".join(f"{titles.get(name, '施行日期')}（{name}）" for name in rule.waits_for)


def _bite(rule: Rule) -> str:
    words = word(BITES, rule.bite)
    if rule.bite is Bite.ORDER or rule.power:
        return words
    return f"{words}（条文未赋予责令整改的权力，不列入责令整改文书）"


def power_lines(power: Power, *, today: date | None = None, calendar: Calendar | None = None) -> list[Line]:
    """Who may order whom, by what name, how long there is to reply, and what follows a refusal."""
    out = [Line("权力", f"{power.authority}依{power.article}向{power.addressee}发“{power.form}”\n“{power.quote}”")]
    if power.reply:
        words = reply_words(power.reply)
        if today and calendar:
            words += f"；如今日（{chinese_date(today)}）起算，至{calendar.due(today, power.reply)}"
        out.append(Line("答复期限", words))
    else:
        out.append(Line("答复期限", "条文未定，由主管部门确定"))
    if power.report_to:
        out.append(Line("报送", power.report_to))
    for step in power.if_refused:
        article = f"（{step.article}）" if step.article else ""
        proposed = f"，向{step.propose_to}提出" if step.propose_to else ""
        out.append(Line(step.when or "拒不整改", f"{step.action}{article}{proposed}"))
    if power.note:
        out.append(Line("权力说明", power.note))
    return out


CASE_HEADINGS = ("案例", "事实", "应得结论", "核查之日")


def case_rows(rule: Rule, cases: Iterable[Case]) -> list[Sequence[str]]:
    """A rule's cases under :data:`CASE_HEADINGS`: the facts that the rule looks at, in words."""
    return [
        (case.name, case_facts(rule, case), word(VERDICTS, case.expect), case.as_of.isoformat() if case.as_of else "")
        for case in cases
    ]


def case_facts(rule: Rule, case: Case) -> str:
    """政府层级：市级；部署位置：不明: the row of a case, as far as the rule looks at it or it says more."""
    names = dict.fromkeys((*(n for n in rule.columns if n in case.row), *case.row))
    return "；".join(f"{title(rule.subject, n)}：{value_words(rule.subject, n, case.row[n])}" for n in names)

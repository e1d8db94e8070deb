"""The page's section on 等保 and 密评: how papers stand, what runs out in the months to come. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from reports.account import UNASSIGNED
from reports.html.charts import Part, bar, columns, legend
from reports.html.figures import Figures
from reports.html.markup import Html, Node, tag
from reports.html.standings import PAPERS, STATUSES, TONES, PaperAccount, PaperRow, month_codes
from reports.html.tables import NOTHING, Cell, of_department, table, whole
from reports.html.tables import columns as heads
from reports.ledger_cells import Mark

_STATUS_PAINTS = {
    **{code: code for code in STATUSES if code not in ("not_known", "not_applicable")},
    "not_known": "unknown",
    "not_applicable": "none",
}
#: Long headings break in the middle.
_STATUS_TITLES = tuple(words.replace("日内", "日|内") for words in STATUSES.values())


def assessments(figures: Figures, *, single: bool) -> Iterator[Node]:
    """Papers by standing, what runs out in the months to come, and what needs looking at."""
    account = figures.papers
    yield legend([(_STATUS_PAINTS[code], words) for code, words in STATUSES.items()])
    yield whole(
        "等保备案、等保测评和密评，按状况统计的系统数",
        heads("事项", "构成 bar", "合计 number", *(f"{words} number" for words in _STATUS_TITLES)),
        [_paper(PAPERS[paper], counts) for paper, counts in account.counts.items()],
    )
    yield _calendar(figures)
    due = [_due(row, single=single) for row in account.rows if row.status != "missing"]
    missing = [_due(row, single=single)[:-2] for row in account.rows if row.status == "missing"]
    titles = ("系统", *of_department(single), "级别 number", "事项 word", "状况 word")
    yield table("90日内到期和已到期", heads(*titles, "期限 day", "距期限|（天） number"), due, most=200)
    yield table("部门答复没有的", heads(*titles), missing, most=200)
    if not single:
        yield _papers_by_department(figures)


def _paper(name: str, counts: Counter[str]) -> Sequence[Cell]:
    parts = [Part(counts[code], _STATUS_PAINTS[code]) for code in STATUSES]
    return (name, bar(parts, counts.total()), counts.total(), *(_status(counts[c], c) for c in STATUSES))


def _status(number: int, code: str) -> Cell:
    if not number or code in ("valid", "not_applicable"):
        return number
    return Mark(str(number), "faint" if code == "not_known" else TONES[code])


def _calendar(figures: Figures) -> Html:
    account = figures.papers
    months = month_codes(figures.today)
    stacks = [[Part(account.months[paper][month], paper) for paper in PAPERS] for month in months]
    number = sum(int(part.value) for stack in stacks for part in stack)
    if not number:
        return tag("p", "今后十二个月没有已知到期的备案和测评。", class_="empty")
    return tag(
        "figure",
        tag("figcaption", "今后十二个月到期的系统数（按月）"),
        columns(
            [month[2:] for month in months],
            stacks,
            title="今后十二个月到期的系统数",
            told=f"自{months[0]}至{months[-1]}共{number}项到期，{account_words(account, months)}",
        ),
        legend([(paper, words) for paper, words in PAPERS.items()]),
    )


def account_words(account: PaperAccount, months: Sequence[str]) -> str:
    """等保备案3项、等保测评5项、密评4项 of the months."""
    return "、".join(f"{words}{sum(account.months[p][m] for m in months)}项" for p, words in PAPERS.items())


def _due(row: PaperRow, *, single: bool) -> Sequence[Cell]:
    return (
        row.system,
        *(() if single else (row.department_name or UNASSIGNED,)),
        row.level,
        PAPERS[row.paper],
        Mark(row.word if row.status == "missing" else STATUSES[row.status], TONES[row.status]),
        row.until,
        NOTHING if row.days is None else row.days,
    )


def _papers_by_department(figures: Figures) -> Html:
    account, names = figures.papers, figures.names

    def wanting(department: str) -> list[int]:
        out = []
        for paper in PAPERS:
            counts = account.by_department.get((department, paper), Counter())
            out += [
                counts["expired"] + counts["missing"],
                sum(counts[f"expiring_{days}d"] for days in (30, 60, 90)),
                counts["not_known"],
            ]
        return out

    found = {d: wanting(d) for d in dict.fromkeys(department for department, _ in account.by_department)}
    ordered = sorted(found.items(), key=lambda d: (-sum(d[1][0::3]), -sum(d[1][1::3]), -sum(d[1][2::3]), d[0]))
    tones = ("bad", "warn", "faint") * len(PAPERS)
    rows = (
        (names.get(d, d), *(Mark(str(n), tone) if n else 0 for n, tone in zip(numbers, tones, strict=True)))
        for d, numbers in ordered
    )
    parts = (f"{words}{what} number" for words in PAPERS.values() for what in ("|到期或没有", "|90日内到期", "|不明"))
    return table("各部门需要处理的等保和密评事项", heads("部门", *parts), rows)

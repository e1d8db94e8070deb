"""``notice render`` and ``notice bulletin``: papers as files, and as pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.cases.model import Case
from auditor.commands.cases import sitting
from auditor.errors import Exit, Failed, Refused
from auditor.output import print_json, say

if TYPE_CHECKING:
    from auditor.cases.desk import Desk
    from reports.papers.templates import Templates


def render(root: Path, name: str, *, pdf: bool, out: Path | None, as_json: bool) -> int:
    from auditor.ledger import cases as stored

    with sitting(root) as desk:
        with desk.ledger.reading() as connection:
            case = stored.one(connection, name)
        paths = drawn(desk, case, desk.templates, pdf=pdf, out=out)
    if not paths:
        raise Refused(f"case {case.id} is {case.state.value} and has no paper to draw")
    if as_json:
        print_json({"case": case.id, "files": [str(path) for path in paths]})
    else:
        for path in paths:
            say(str(path))
    return Exit.DONE


def drawn(desk: Desk, case: Case, templates: Templates, *, pdf: bool = False, out: Path | None = None) -> list[Path]:
    """Draws a case's papers, with the drafter's note while it is a draft, and pages where they are wanted."""
    from auditor.cases.drawing import draw
    from auditor.cases.notes import write_note

    folder = out or desk.site.out / "cases" / case.id
    paths = draw(desk, case, templates, folder)
    paths += write_note(desk, case, folder)
    return paths + (pages(paths) if pdf else [])


def pages(papers: Iterable[Path]) -> list[Path]:
    """Each paper as PDF beside it; says which fonts stand in for those that this machine lacks."""
    from reports.pdf import NoPdf, to_pdf

    out, said = [], set()
    for paper in papers:
        try:
            made = to_pdf(paper, paper.with_suffix(".pdf"))
        except NoPdf as error:
            raise Failed(f"{paper.name} is written, but no pages of it: {error}") from error
        out.append(paper.with_suffix(".pdf"))
        said |= set(made.warnings)
    for warning in sorted(said):
        say(warning)
    return out


def bulletin(root: Path, month: str, *, issue: bool, by: str, pdf: bool) -> int:
    from auditor.cases.bulletins import draft, issue_bulletin, standing
    from reports.files import write_whole
    from reports.papers.compose import compose

    with sitting(root) as desk:
        first = _month(month, desk.today)
        templates = desk.templates
        paper = issue_bulletin(desk, first, by=by) if issue else standing(desk, first)
        if paper is not None:
            path = desk.site.out / "bulletins" / f"{paper.number}.docx"
            content = templates.fill(paper.form, dict(paper.fields))
        else:
            view = draft(desk, first)
            path = desk.site.out / "bulletins" / f"草稿-{month}.docx"
            content = templates.fill(view.form, compose(view))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, content)
        say(str(path))
        for page in pages([path]) if pdf else ():
            say(str(page))
    return Exit.DONE


def _month(text: str, today: date) -> date:
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Refused(f"{text!r} is no month: write one such as 2026-11") from None
    if first > today:
        raise Refused(f"{text} has not come yet")
    return first

"""A case's papers as files: drafts from the facts as they are, issued ones from the words that were signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.cases.desk import Desk
from auditor.cases.issuing import papers_before
from auditor.cases.model import ORDERS, Case, Paper, State
from auditor.cases.paper_views import receipt_of, report_of, view_of
from auditor.cases.qualify import asked_for, why_not_now
from auditor.cases.upkeep import PROGRAM
from auditor.ledger import cases as stored
from auditor.ledger import trail
from auditor.ledger.trail import Entry
from reports.files import write_whole
from reports.model import FindingView
from reports.papers.view import Form, PaperView

if TYPE_CHECKING:
    from reports.papers.templates import Templates

#: What files are called, for a folder that a clerk opens.
FILES = {Form.RECEIPT: "送达回证", Form.REPLY: "整改情况报告", Form.INSPECTION: "复查意见书"}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file to be: its name, and what it holds. ``paper`` where it is an issued one."""

    name: str
    content: bytes
    paper: Paper | None = None


def draw(desk: Desk, case: Case, templates: Templates, folder: Path) -> list[Path]:
    """Writes all that a case has into a folder, each file whole; issued papers are noted in the trail by digest."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    out = []
    drawn: dict[str, str] = {}
    for sheet in sheets(desk, case, templates):
        path = folder / f"{sheet.name}.docx"
        write_whole(path, sheet.content)
        out.append(path)
        if sheet.paper is not None:
            drawn[sheet.paper.number] = hashlib.sha256(sheet.content).hexdigest()
    _clear(folder, case, keep=out)
    _note(desk, case, drawn)
    return out


def _clear(folder: Path, case: Case, keep: list[Path]) -> None:
    """Takes away the drafts of earlier steps: beside an issued paper they would only be mistaken for it."""
    for old in [*folder.glob(f"草稿-{case.id}-*.*"), *folder.glob(f"拟稿说明-{case.id}.*")]:
        if old not in keep and old.with_suffix(".docx") not in keep:
            old.unlink(missing_ok=True)


def sheets(desk: Desk, case: Case, templates: Templates) -> Iterator[Sheet]:
    """The case's papers: every one that was issued and not withdrawn, its forms, and the draft under way."""
    from reports.papers.compose import compose

    def made(view: PaperView) -> bytes:
        return templates.fill(view.form, compose(view))

    with desk.ledger.reading() as connection:
        papers = [paper for paper in stored.issued(connection, case.id) if paper.withdrawn_on is None]
        before = papers_before(connection, case)
        live = desk.live(connection, [case])
    for paper in papers:
        yield Sheet(paper.number, templates.fill(paper.form, dict(paper.fields)), paper)
    newest = next((paper for paper in reversed(papers) if paper.number == case.number), None)
    if newest is not None and case.state is not State.WITHDRAWN:
        yield Sheet(f"{FILES[Form.RECEIPT]}-{newest.number}", made(receipt_of(desk, case, newest)))
    known = any(pack.id == case.pack for pack in desk.packs)
    if newest is not None and case.form in ORDERS and known and _all_confirmed(case, live):
        yield Sheet(f"{FILES[Form.REPLY]}-{newest.number}", made(report_of(desk, case, live, before)))
    if known and case.state in (State.DRAFT, State.REVIEWED):
        standing = standing_items(case, live)
        if listed(standing, live):
            yield Sheet(f"草稿-{case.id}-{case.round}", made(view_of(desk, standing, live, before)))


def standing_items(case: Case, live: Mapping[str, FindingView]) -> Case:
    """A draft with only those items that may stand in it today; the drafter's note tells of the others."""
    wrong = why_not_now(case, live)
    return replace(case, items=tuple(item for item in case.items if item.finding not in wrong))


def _all_confirmed(case: Case, live: Mapping[str, FindingView]) -> bool:
    """Whether a report is still asked for on everything that the paper lists; it is drawn when the paper goes out."""
    waits = case.state in (State.ISSUED, State.SERVED, State.REPLIED) and bool(listed(case, live))
    return waits and all(finding.state in ("open", "reopened") for finding in listed(case, live))


def listed(case: Case, live: Mapping[str, FindingView]) -> tuple[FindingView, ...]:
    """The findings that the round under way lists, as they stand."""
    return tuple(live[item.finding] for item in asked_for(case) if item.finding in live)


def _note(desk: Desk, case: Case, drawn: dict[str, str]) -> None:
    """Says in the trail what was drawn, once for each content."""
    if not drawn:
        return
    with desk.ledger.writing() as connection:
        known: dict[str, object] = {}
        for step in trail.listing(connection, case.id):
            if step.act == "paper.draw":
                known |= step.detail
        fresh = {number: digest for number, digest in drawn.items() if known.get(number) != digest}
        if fresh:
            desk.write(connection, Entry(desk.now, PROGRAM, "paper.draw", case.id, detail=fresh))

"""The drafter's note: what is still to be settled on a draft, and what could not go into it. Never sent."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from auditor.cases.choosing import Wanted, ready
from auditor.cases.desk import Desk
from auditor.cases.drawing import listed, standing_items
from auditor.cases.issuing import papers_before
from auditor.cases.model import Case, State
from auditor.cases.paper_views import view_of
from auditor.cases.qualify import asked_for, why_not_now
from auditor.ledger import cases as stored
from reports.model import FindingView


def write_note(desk: Desk, case: Case, folder: Path) -> list[Path]:
    """Writes the note beside a draft; nothing for a case whose paper is out."""
    if case.state not in (State.DRAFT, State.REVIEWED):
        return []
    from reports.fonts import missing_fonts
    from reports.papers.drafter import render_drafter_note

    with desk.ledger.reading() as connection:
        known = stored.listing(connection)
        wanted = Wanted(frozenset({case.form}), frozenset({case.department_id}))
        known_here = case.department_id in desk.newest.departments
        papers = ready(desk, connection, known, wanted) if known_here else ()
        near = [one for one in papers if one.combination == case.combination]
        live = desk.live(connection, [case])
        wrong = why_not_now(case, live)
        # A second notice holds its own items already, which is no reason to leave them out.
        own = {item.finding for item in asked_for(case)}
        left_out = [explained(one, why) for paper in near for one, why in paper.left_out if one.id not in own]
        left_out += [explained(live[name], why) for name, why in wrong.items() if name in live]
        standing = standing_items(case, live)
        view = view_of(desk, standing, live, papers_before(connection, case))
    path = folder / f"拟稿说明-{case.id}.docx"
    render_drafter_note(replace(view, items=listed(standing, live)), left_out, path, fonts=missing_fonts())
    return [path]


def explained(finding: FindingView, why: tuple[str, ...]) -> FindingView:
    """A finding that was left out, with the reasons that this paper gives."""
    return replace(finding, orderable=False, not_orderable_because=why)

"""From a case to what its papers are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

from auditor.cases.desk import Desk
from auditor.cases.model import ORDERS, Case, ItemState, Paper
from auditor.cases.qualify import asked_for
from policies.calendars import Due
from policies.model import Consequence
from reports.model import DepartmentView, FindingView
from reports.papers.view import EarlierPaper, Form, ItemResult, PaperView, Result, Service

#: What is known of a service beside its day.
SERVICE = ("method", "place", "receiver", "server", "witness", "reason", "note")

_RESULTS: Mapping[ItemState, Result] = {
    ItemState.MENDED: Result.MENDED,
    ItemState.NOT_MENDED: Result.NOT_MENDED,
    ItemState.CANNOT_TELL: Result.CANNOT_TELL,
    ItemState.DROPPED: Result.DROPPED,
}


def view_of(
    desk: Desk,
    case: Case,
    live: Mapping[str, FindingView],
    papers: Iterable[tuple[Paper, Case]] = (),
    *,
    number: str = "",
    issued_on: date | None = None,
    due: Due | None = None,
) -> PaperView:
    """The paper that a case is about to send: its letter, its order, its second notice.

    ``live`` are the findings as they stand; ``papers`` those that were issued on the case and its parents, oldest
    first, which a second notice and a proposal cite. Without ``number`` it is a draft.
    """
    pack = desk.pack(case)
    return replace(
        _bare(desk, case),
        data_as_of=desk.site.today(desk.newest.audit.started_at),
        snapshot=desk.newest.audit.snapshot,
        snapshot_digest=desk.newest.digest,
        power=desk.power(case),
        regulation=pack.title,
        regulation_number=pack.number,
        items=tuple(live[item.finding] for item in asked_for(case)),
        number=number,
        issued_on=issued_on,
        reply=case.reply,
        reply_set_by_bureau=case.reply_by_bureau,
        due=due,
        round=case.round,
        earlier=tuple(earlier(paper, theirs) for paper, theirs in papers if paper.withdrawn_on is None),
        results=results(case) if case.form is Form.PROPOSAL else (),
        inspected_on=desk.site.today(case.inspected_at) if case.inspected_at else None,
        consequence=case.consequence,
        condition_met=case.note if case.form is Form.PROPOSAL else "",
        copies=desk.site.config.documents.copies if case.form in ORDERS else (),
    )


def opinion_of(
    desk: Desk,
    case: Case,
    live: Mapping[str, FindingView],
    papers: Iterable[tuple[Paper, Case]],
    decision: str,
    *,
    consequence: Consequence | None = None,
) -> PaperView:
    """The opinion on a re-inspection (复查意见书): every item that the notice listed, and what was found."""
    listed = tuple(
        live[item.finding]
        for item in case.items
        # Whose it is now is another department's affair, and no business of this one.
        if item.round == case.round and live[item.finding].department_id == case.department_id
    )
    told = {finding.id for finding in listed}
    return replace(
        view_of(desk, case, live, papers),
        form=Form.INSPECTION,
        items=listed,
        results=tuple(result for result in results(case) if result.finding in told),
        decision=decision,
        consequence=consequence,
        # What is printed is whether it was mended, not a new time to reply.
        reply=None,
        copies=(),
    )


def receipt_of(desk: Desk, case: Case, paper: Paper) -> PaperView:
    """送达回证 for an issued paper, filled in as far as the service is known."""
    return replace(
        _bare(desk, case),
        form=Form.RECEIPT,
        number=paper.number,
        issued_on=paper.issued_on,
        earlier=(earlier(paper, case),),
        service=Service(on=case.served_on, **{name: str(case.service.get(name, "")) for name in SERVICE}),
    )


def report_of(
    desk: Desk, case: Case, live: Mapping[str, FindingView], papers: Iterable[tuple[Paper, Case]]
) -> PaperView:
    """The blank report that goes out with an order."""
    return replace(
        view_of(desk, case, live, papers, number=case.number, issued_on=case.issued_on, due=case.due), form=Form.REPLY
    )


def department_of(desk: Desk, case: Case) -> DepartmentView:
    known = desk.newest.departments.get(case.department_id)
    return (
        replace(known, name=case.department_name)
        if known
        else DepartmentView(case.department_id, case.department_name)
    )


def earlier(paper: Paper, case: Case) -> EarlierPaper:
    """A paper as later ones cite it. The day of service and the deadline are the case's, for its newest paper."""
    newest = paper.number == case.number
    title = paper.fields.get("title")
    lines = [str(line) for line in title] if isinstance(title, list) else []
    due: Due | None = case.due if newest else None
    return EarlierPaper(
        number=paper.number,
        title="".join(lines),
        issued_on=paper.issued_on,
        served_on=case.served_on if newest else None,
        due=due,
    )


def results(case: Case) -> tuple[ItemResult, ...]:
    return tuple(
        ItemResult(item.finding, _RESULTS[item.state], item.ground, item.decided_by)
        for item in case.items
        if item.round == case.round and item.state in _RESULTS
    )


def _bare(desk: Desk, case: Case) -> PaperView:
    config = desk.site.config
    return PaperView(
        form=case.form,
        site=config.name,
        bureau=config.bureau,
        contact=config.contact,
        department=department_of(desk, case),
        drawn_up_on=desk.today,
        data_as_of=desk.today,
        case=case.id,
        addressee=case.addressee,
        formerly=case.formerly,
        timezone=config.timezone,
    )

"""The monthly bulletin (通报): migration and rectification by department, in figures; it names no system."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

from auditor.cases import roles
from auditor.cases.desk import Desk
from auditor.cases.issuing import paper_detail, signed
from auditor.cases.model import ORDERS, Case, Paper, State
from auditor.errors import Refused
from auditor.ledger import cases as stored
from auditor.ledger.trail import Entry
from reports.model import DepartmentView
from reports.papers.view import BulletinRow, Form, PaperView

if TYPE_CHECKING:
    from reports.model import AuditView


def draft(desk: Desk, month: date) -> PaperView:
    """The bulletin of a month (its first day) from the newest audit and the cases as they stand."""
    from auditor.overview import newest_overview

    view = newest_overview(desk.site, desk.ledger, desk.now)
    with desk.ledger.reading() as connection:
        cases = [case for case in stored.listing(connection) if case.form in ORDERS and case.issued_on]
    config = desk.site.config
    return PaperView(
        form=Form.BULLETIN,
        site=config.name,
        bureau=config.bureau,
        contact=config.contact,
        department=DepartmentView("", ""),
        addressee="各有关部门",
        drawn_up_on=desk.today,
        data_as_of=view.as_of,
        snapshot=view.snapshot,
        month=month,
        rows=_rows(desk, view, cases, month),
        timezone=config.timezone,
    )


def standing(desk: Desk, month: date) -> Paper | None:
    """The bulletin of a month that is out already: it is drawn again from the words that were signed."""
    with desk.ledger.reading() as connection:
        known = [
            paper for paper in stored.issued(connection, form=Form.BULLETIN) if paper.id.startswith(_name(month))
        ]
    return next((paper for paper in known if paper.withdrawn_on is None), None)


def _name(month: date) -> str:
    return f"bulletin/{month:%Y-%m}"


def issue_bulletin(desk: Desk, month: date, *, by: str) -> Paper:
    """Numbers and dates the bulletin of a month. Refused where that month has one that was not withdrawn."""
    by = roles.check(desk.site.config.people, "sign", by)
    view = draft(desk, month)
    name = _name(month)
    with desk.ledger.writing() as connection:
        known = [paper for paper in stored.issued(connection, form=Form.BULLETIN) if paper.id.startswith(name)]
        if out := [paper for paper in known if paper.withdrawn_on is None]:
            raise Refused(f"the bulletin of {month:%Y-%m} is out already, as {out[0].number}")
        paper = signed(desk, connection, view, by, name=f"{name}/{len(known) + 1}", what=name)
        entry = Entry(desk.now, by, "bulletin.issue", paper.id, detail=paper_detail(paper))
        desk.write(connection, entry, [stored.write_paper(paper)])
    return paper


def _rows(desk: Desk, view: AuditView, cases: list[Case], month: date) -> tuple[BulletinRow, ...]:
    from reports.account import accounts
    from reports.papers.bulletin import CountedRow

    ending = Counter(case.department_id for case in cases if _closed_in(desk, case, month))
    going = [case for case in cases if case.active]
    open_ones = Counter(case.department_id for case in going)
    overdue = Counter(case.department_id for case in going if case.overdue(desk.today))
    known = {department.id for department in view.departments}
    return tuple(
        CountedRow(
            department=account.name,
            in_scope=account.in_scope,
            on_cloud=account.on_cloud,
            rate=account.rate_words,
            open_findings=account.states["open"] + account.states["reopened"],
            cases_open=open_ones[account.department_id],
            cases_overdue=overdue[account.department_id],
            cases_closed=ending[account.department_id],
            undecided=account.not_told,
        )
        for account in accounts(view)
        if account.department_id in known
    )


def _closed_in(desk: Desk, case: Case, month: date) -> bool:
    closed = case.closed_at
    return case.state is State.CLOSED and closed is not None and desk.site.today(closed).replace(day=1) == month

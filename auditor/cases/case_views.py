"""Cases as the ledgers, the metrics and the bulletin draw them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, tzinfo

from auditor.cases.model import Case, ItemState, Paper
from reports.model import CaseView


def case_views(
    cases: Iterable[Case],
    papers: Iterable[Paper],
    *,
    today: date,
    timezone: tzinfo,
    regulations: Mapping[str, str],
) -> tuple[CaseView, ...]:
    """One row for each case. ``regulations`` maps a pack's id to its title."""
    numbers: dict[str, list[str]] = {}
    for paper in papers:
        numbers.setdefault(paper.case, []).append(paper.number)
    return tuple(_view(case, numbers.get(case.id, []), today, timezone, regulations) for case in cases)


def _view(case: Case, numbers: list[str], today: date, timezone: tzinfo, regulations: Mapping[str, str]) -> CaseView:
    states = [item.state for item in case.items]
    return CaseView(
        id=case.id,
        state=case.state.value,
        form=case.form.value,
        department_id=case.department_id,
        department_name=case.department_name,
        addressee=case.addressee,
        regulation=regulations.get(case.pack, case.pack),
        number=case.number,
        issued_on=case.issued_on,
        served_on=case.served_on,
        due=case.due.day if case.due else None,
        due_provisional=bool(case.due and case.due.provisional),
        replied_on=case.replied_on,
        inspected_on=case.inspected_at.astimezone(timezone).date() if case.inspected_at else None,
        closed_on=case.closed_at.astimezone(timezone).date() if case.closed_at else None,
        items=sum(state is not ItemState.DROPPED for state in states),
        mended=states.count(ItemState.MENDED),
        not_mended=states.count(ItemState.NOT_MENDED),
        cannot_tell=states.count(ItemState.CANNOT_TELL),
        overdue=case.overdue(today),
        round=case.round,
        consequence=case.consequence.action if case.consequence else "",
        earlier=tuple(number for number in numbers if number != case.number),
        note=case.note,
        snapshot=case.snapshot,
    )

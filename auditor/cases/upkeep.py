"""What time and reorganisation do to open cases, seen to after every audit.

A provisional deadline is counted again once its year is published. A department that was merged or renamed takes its
open cases along; a thing that was handed over leaves its case, and is drafted anew for whoever has it now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.cases import deadlines
from auditor.cases.desk import Desk
from auditor.cases.model import Case, ItemState, State
from auditor.cases.qualify import HANDED_OVER
from auditor.ledger import cases as stored
from auditor.ledger import departments
from auditor.successions import DepartmentChange, successor_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Who acts where no person does.
PROGRAM = "auditor"


@dataclass(frozen=True, slots=True)
class Kept:
    """The cases whose deadline was settled, that went to another department, and that lost items to one."""

    settled: tuple[Case, ...] = ()
    moved: tuple[Case, ...] = ()
    thinned: tuple[Case, ...] = ()

    def words(self) -> tuple[str, ...]:
        """A line for each case that was changed."""
        return (
            *(f"case {case.id}: the last day is now {case.due}" for case in self.settled),
            *(f"case {case.id} goes to {case.department_name}, as its department does" for case in self.moved),
            *(
                f"case {case.id} lost items to other departments: 'auditor case show {case.id}'"
                for case in self.thinned
            ),
        )


def keep(desk: Desk) -> Kept:
    """Brings open cases up to date, in one transaction, each change with its entry in the trail."""
    with desk.ledger.writing() as connection:
        open_cases = [case for case in stored.listing(connection) if case.active]
        settled = [_settle(desk, connection, case) for case in open_cases]
        changes = departments.listing(connection)
        current = [done or case for done, case in zip(settled, open_cases, strict=True)]
        moved = [_move(desk, connection, case, changes) for case in current] if changes else []
        current = [done or case for done, case in zip(moved, current, strict=True)] if moved else current
        thinned = _thin(desk, connection, current)
        return Kept(_done(settled), _done(moved), tuple(thinned))


def _done(cases: Iterable[Case | None]) -> tuple[Case, ...]:
    return tuple(case for case in cases if case is not None)


def _settle(desk: Desk, connection: Connection, case: Case) -> Case | None:
    if case.due is None or not case.due.provisional or case.state in (State.DRAFT, State.REVIEWED):
        return None
    due = deadlines.due(desk.calendar, case.reply, issued=case.issued_on, served=case.served_on)
    if due is None or due == case.due:
        return None
    detail = {"before": case.due.day.isoformat(), "due": due.day.isoformat(), "provisional": due.provisional}
    return desk.step(connection, replace(case, due=due), "deadline", PROGRAM, detail=detail)


def _move(desk: Desk, connection: Connection, case: Case, changes: Sequence[DepartmentChange]) -> Case | None:
    now = successor_of(changes, case.department_id, desk.today)
    if not now.name or (now.id, now.name) == (case.department_id, case.department_name):
        return None
    addressee = now.name if case.addressee == case.department_name else case.addressee
    after = replace(
        case,
        department_id=now.id,
        department_name=now.name,
        formerly=now.formerly or case.department_name,
        addressee=addressee,
    )
    detail = {"before": case.department_id, "before_name": case.department_name}
    return desk.step(connection, after, "move", PROGRAM, detail=detail)


def _thin(desk: Desk, connection: Connection, cases: Sequence[Case]) -> list[Case]:
    """Cases without the items whose thing another department has now; one that keeps none is closed."""
    live = desk.live(connection, cases)
    out = []
    for case in cases:
        gone = {
            item.finding: live[item.finding]
            for item in case.items
            if item.state is not ItemState.DROPPED
            and item.finding in live
            and live[item.finding].department_id not in ("", case.department_id)
        }
        if not gone:
            continue
        items = tuple(
            replace(item, state=ItemState.DROPPED, ground=f"{HANDED_OVER}{gone[item.finding].department_name}")
            if item.finding in gone
            else item
            for item in case.items
        )
        left = any(item.state is not ItemState.DROPPED and item.round == case.round for item in items)
        after = replace(case, items=items)
        if not left:
            after = replace(after, state=State.CLOSED, closed_at=desk.now, note="所列事项均已移交，由承接部门续办")
        out.append(desk.step(connection, after, "hand-over", PROGRAM, detail={"findings": sorted(gone)}))
    return out

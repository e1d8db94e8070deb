"""What the evidence says of a case's items when they are inspected again. Pure.

The next audit decides, per item: mended where it saw the opposite in a covered scope, not mended where it saw the
violation again, and otherwise nothing: then a person must look and say so. Unseen is not mended, and unseen is not
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from auditor.cases.model import Case, Item, ItemState
from auditor.ledger.life import Reason, State
from auditor.ledger.records import FindingRow
from reports.words import REASONS

_MENDED = (Reason.MENDED, Reason.GONE)


def decide(
    case: Case, rows: Mapping[str, FindingRow], *, since: datetime, day_of: Callable[[datetime], str]
) -> tuple[Item, ...]:
    """The items of the round under way, each with what the audits after ``since`` made of it.

    ``rows`` are the findings as they stand, by the id that the item has; one that was merged into another stands
    under its own id as that other one. ``since`` is when the department's time was over, or its reply came.
    ``day_of`` writes a moment as a Chinese date. What a person decided stands until the evidence can tell; items of
    earlier rounds stay as they are.
    """
    return tuple(
        _decided(item, rows.get(item.finding), case, since, day_of) if _is_asked(item, case) else item
        for item in case.items
    )


def _is_asked(item: Item, case: Case) -> bool:
    return item.round == case.round and item.state is not ItemState.DROPPED


def _decided(
    item: Item, row: FindingRow | None, case: Case, since: datetime, day_of: Callable[[datetime], str]
) -> Item:
    state, ground = _judge(row, case, since, day_of)
    if item.decided_by and state is ItemState.CANNOT_TELL:
        return item
    return replace(item, state=state, ground=ground, decided_by="")


def _judge(
    row: FindingRow | None, case: Case, since: datetime, day_of: Callable[[datetime], str]
) -> tuple[ItemState, str]:
    if row is None:
        return ItemState.CANNOT_TELL, "问题台账中已无此项，须由人工核实"
    if row.department_id != case.department_id:
        return ItemState.DROPPED, f"已移交{row.department_name}"
    match row.life.state:
        case State.WAIVED:
            return ItemState.DROPPED, "经批准豁免"
        case State.DISMISSED:
            return ItemState.DROPPED, "经人工复核，原认定不成立"
        case State.RESOLVED:
            return _resolved(row, since, day_of)
    if row.life.stale:
        return ItemState.CANNOT_TELL, f"{REASONS[row.reason.value]}，须由人工核实"
    if row.last_confirmed_at <= since:
        return ItemState.CANNOT_TELL, f"答复或期满之后尚未再次核查（最近一次为{day_of(row.last_confirmed_at)}）"
    return ItemState.NOT_MENDED, f"{day_of(row.last_confirmed_at)}核查时仍然存在"


def _resolved(row: FindingRow, since: datetime, day_of: Callable[[datetime], str]) -> tuple[ItemState, str]:
    at = row.resolved_at
    day = day_of(at) if at else ""
    if row.reason in _MENDED:
        # What was mended before the time was over is mended.
        return ItemState.MENDED, f"{day}核查确认{REASONS[row.reason.value]}"
    if row.reason in (Reason.EXEMPT, Reason.LAPSED):
        return ItemState.DROPPED, f"{day}起{REASONS[row.reason.value]}"
    return ItemState.CANNOT_TELL, f"{REASONS.get(row.reason.value, row.reason.value)}，须由人工核实"


def count(case: Case, state: ItemState) -> int:
    """How many items of the round under way are in a state."""
    return sum(item.state is state and item.round == case.round for item in case.items)

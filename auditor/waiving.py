"""Waivers that a bureau writes down itself: draft, approved, revoked; and which of all waivers count. Pure.

Those of the register ``exemptions`` were approved elsewhere and count as they stand. Of those in the ledger only
approved ones count; a number that stands in both is the ledger's.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from inventories.model import Waiver

#: The source of a waiver that stands in no register.
LEDGER = "ledger"
#: A waiver that ends sooner is warned of.
SOON = 30


class State(enum.StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class OwnWaiver:
    """A waiver of the ledger. ``document_digest`` is the SHA-256 of the paper that granted it, or empty."""

    id: str
    state: State
    rules: tuple[str, ...]
    department_id: str
    asset_code: str
    asset_name: str
    legal_basis: str
    approver: str
    document: str
    document_digest: str
    valid_from: date
    valid_to: date
    conditions: str
    drafted_by: str
    drafted_at: datetime
    approved_by: str = ""
    revoked_on: date | None = None
    note: str = ""

    def plain(self) -> Waiver:
        """As audits take it."""
        return Waiver(
            id=self.id,
            rules=self.rules,
            department_id=self.department_id,
            asset_name=self.asset_name,
            asset_code=self.asset_code,
            legal_basis=self.legal_basis,
            approver=self.approver,
            document=self.document,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            conditions=self.conditions,
            source=LEDGER,
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """A waiver in force, and how many days it holds after today (0: today is its last)."""

    waiver: Waiver
    days_left: int


def united(registered: Sequence[Waiver], own: Iterable[OwnWaiver]) -> tuple[tuple[Waiver, ...], tuple[str, ...]]:
    """The waivers that count, and remarks on those of a register that the ledger's take the place of."""
    said = {waiver.id: waiver for waiver in own if waiver.state is not State.DRAFT}
    kept = [waiver for waiver in registered if waiver.id not in said]
    notes = [
        f"{waiver.source}: the exemption {waiver.id} stands in the ledger too, where it is {said[waiver.id].state}: "
        "the ledger's counts; take it out of the register"
        for waiver in registered
        if waiver.id in said
    ]
    approved = [waiver.plain() for waiver in said.values() if waiver.state is State.APPROVED]
    return (*kept, *sorted(approved, key=lambda waiver: waiver.id)), tuple(notes)


def ending_soon(waivers: Iterable[Waiver], on: date, days: int = SOON) -> tuple[Ending, ...]:
    """Waivers in force that end within ``days``, soonest first, each id once.

    ``waivers`` are those that count, as a snapshot's collection holds them.
    """
    found = {waiver.id: waiver for waiver in waivers if waiver.in_force(on)}
    left = [Ending(waiver, (waiver.valid_to - on).days) for waiver in found.values()]
    soon = [ending for ending in left if ending.days_left <= days]
    return tuple(sorted(soon, key=lambda ending: (ending.days_left, ending.waiver.id)))


def ending_words(waivers: Iterable[Waiver], on: date) -> tuple[str, ...]:
    """A line for each waiver that ends soon."""
    return tuple(
        f"waiver {one.waiver.id} ends on {one.waiver.valid_to}, in {one.days_left} days; then its findings open again"
        for one in ending_soon(waivers, on)
    )

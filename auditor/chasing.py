"""Requests for registers: who was asked for which papers, reminded, and what became of it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from inventories.model import Submission


class State(enum.StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Reminder:
    on: date
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class RegisterRequest:
    """One department asked for one register of one period.

    ``columns`` are those that it was asked to fill (empty: the whole form). ``digest`` is the SHA-256 of the file
    that answered, ``changes`` what that changed: ``{"added": 1, "changed": 2, "removed": 0, "lines": [...]}``.
    """

    id: str
    state: State
    department_id: str
    register: str
    period: str
    columns: tuple[str, ...]
    asked_on: date
    asked_by: str
    due: date | None
    reminders: tuple[Reminder, ...] = ()
    answered_on: date | None = None
    nil_return: bool = False
    digest: str = ""
    changes: Mapping[str, object] = field(default_factory=dict)
    note: str = ""

    def is_overdue(self, on: date) -> bool:
        """Open past its last day, which counts."""
        return self.state is State.OPEN and self.due is not None and on > self.due

    def submission(self) -> Submission | None:
        """What its answer is to the audit; None while there is none."""
        if self.state is not State.ANSWERED or self.answered_on is None:
            return None
        return Submission(
            department_id=self.department_id,
            register=self.register,
            received_on=self.answered_on,
            period=self.period,
            columns=self.columns,
            nil_return=self.nil_return,
            digest=self.digest,
        )


def submissions(requests: Iterable[RegisterRequest]) -> tuple[Submission, ...]:
    return tuple(found for request in requests if (found := request.submission()) is not None)

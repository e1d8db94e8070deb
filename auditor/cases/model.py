"""The plain values of cases. No SQLAlchemy here."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from policies.calendars import Due
from policies.model import Consequence, Reply
from reports.papers.view import Form

#: Forms that order something mended, and are re-inspected.
ORDERS = frozenset({Form.TASK, Form.ORDER, Form.ORDER_NOTICE})


class State(enum.StrEnum):
    """Where a case stands. A second notice goes back to ``draft`` in the next round."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    ISSUED = "issued"
    SERVED = "served"
    REPLIED = "replied"
    INSPECTED = "inspected"
    CLOSED = "closed"
    ESCALATED = "escalated"
    WITHDRAWN = "withdrawn"


#: Nothing more happens to these.
ENDED = frozenset({State.CLOSED, State.WITHDRAWN})


class ItemState(enum.StrEnum):
    """How one finding of a case stands; see :class:`reports.papers.view.Result`."""

    LISTED = "listed"
    MENDED = "mended"
    NOT_MENDED = "not_mended"
    CANNOT_TELL = "cannot_tell"
    DROPPED = "dropped"


class WordKind(enum.StrEnum):
    """What was said on a case."""

    OBJECTION = "objection"
    ANSWER = "answer"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Item:
    """One finding of a case. ``ground`` is Chinese; ``round`` the last in which it was listed."""

    finding: str
    position: int
    rule: str
    title: str
    asset_key: str
    asset_name: str
    state: ItemState = ItemState.LISTED
    ground: str = ""
    decided_by: str = ""
    round: int = 1


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a word: kept by its SHA-256 in the site's state folder."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Word:
    """An objection, an answer to one (``verdict`` accepted or rejected), or a reply; kept for ever."""

    id: str
    case: str
    kind: WordKind
    finding: str
    at: datetime
    on: date
    by: str
    text: str
    verdict: str = ""
    files: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Paper:
    """An issued paper with its exact words. ``withdrawn_on``: its number stays taken."""

    id: str
    case: str
    form: Form
    round: int
    word: str
    year: int
    sequence: int
    number: str
    issued_at: datetime
    issued_on: date
    signed_by: str
    fields: Mapping[str, object]
    withdrawn_on: date | None = None
    withdrawn_why: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it stands.

    ``power`` is empty for a referral. ``reply`` is the time to answer once it is settled: the pack's, or the
    bureau's own (``reply_by_bureau``); ``due`` the day that it comes to, known from issue or from service.
    """

    id: str
    form: Form
    state: State
    department_id: str
    department_name: str
    pack: str
    power: str
    addressee: str
    drafted_at: datetime
    drafted_by: str
    snapshot: str
    formerly: str = ""
    round: int = 1
    number: str = ""
    reply: Reply | None = None
    reply_by_bureau: bool = False
    due: Due | None = None
    reviewed_by: str = ""
    signed_by: str = ""
    issued_at: datetime | None = None
    issued_on: date | None = None
    served_on: date | None = None
    service: Mapping[str, str] = field(default_factory=dict)
    replied_on: date | None = None
    inspected_at: datetime | None = None
    inspected_by: str = ""
    closed_at: datetime | None = None
    parent: str = ""
    consequence: Consequence | None = None
    note: str = ""
    items: tuple[Item, ...] = ()

    @property
    def active(self) -> bool:
        return self.state not in ENDED

    @property
    def combination(self) -> tuple[str, str, str, str, Form]:
        """What there is one draft of (``semantics.md`` 14)."""
        return self.department_id, self.pack, self.power, self.addressee, self.form

    def overdue(self, today: date) -> bool:
        """Whether the department's time is over and nothing came; a provisional day accuses nobody."""
        waits = self.state in (State.ISSUED, State.SERVED)
        return waits and self.due is not None and not self.due.provisional and self.due.day < today

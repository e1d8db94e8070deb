"""What the papers of a case are made of: plain values, filled by the application.

One paper is one :class:`PaperView`. Composing it gives its *fields* (the exact words, JSON-able), which are frozen
when the paper is issued; a template lays them out. What is not in these records cannot be printed.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import date

from policies.calendars import Due
from policies.model import Consequence, Power, Reply
from reports.model import DepartmentView, FindingView


class Form(enum.StrEnum):
    """The papers that a bureau sends, keeps or encloses."""

    #: 征求意见函: asks a department to check the facts, accuses nobody.
    LETTER = "letter"
    #: 提示函: the text gives no power to order.
    REMINDER = "reminder"
    #: 整改任务书, by the name that the power gives it (效能评估整改任务书).
    TASK = "task"
    #: 责令限期整改通知书 as a numbered form of its own, with stub and receipt.
    ORDER = "order"
    #: The same order as a red-head 通知 (关于……限期整改的通知).
    ORDER_NOTICE = "order-notice"
    #: 移送函 to the police, the cryptography bureau, or whoever the rule names.
    REFERRAL = "referral"
    #: 建议函 to whom a consequence is proposed (stopping O&M money: the finance bureau).
    PROPOSAL = "proposal"
    #: 复查意见书: cites the notice's number, item by item.
    INSPECTION = "inspection"
    #: 送达回证.
    RECEIPT = "receipt"
    #: Blank 整改情况报告 for the department to fill in.
    REPLY = "reply"
    #: 通报, monthly.
    BULLETIN = "bulletin"


class Result(enum.StrEnum):
    """What a re-inspection says of one item."""

    MENDED = "mended"
    NOT_MENDED = "not_mended"
    #: The evidence does not tell; a person must.
    CANNOT_TELL = "cannot_tell"
    #: Waived, dismissed, or moved to another department meanwhile.
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class ItemResult:
    """``ground`` is Chinese: what was seen, when; ``by`` the person who decided where the evidence did not."""

    finding: str
    result: Result
    ground: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class EarlierPaper:
    """A paper that this one cites. ``title`` is its name (责令限期整改通知书)."""

    number: str
    title: str
    issued_on: date | None = None
    served_on: date | None = None
    due: Due | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """How a paper was served (送达回证); what is empty or None is left blank to be filled in by hand."""

    on: date | None = None
    method: str = ""
    place: str = ""
    receiver: str = ""
    server: str = ""
    witness: str = ""
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class BulletinRow:
    """One department in the monthly bulletin. ``rate`` is 上云率 in words (80.0% or a range)."""

    department: str
    in_scope: int
    on_cloud: int
    rate: str
    open_findings: int
    cases_open: int
    cases_overdue: int
    cases_closed: int


@dataclass(frozen=True, slots=True)
class PaperView:
    """One paper.

    ``number`` empty and ``issued_on`` None: a draft, marked so on every page. ``items`` are the findings that it
    lists; only :attr:`Form.LETTER`, ``REMINDER``, ``TASK``, ``ORDER``, ``ORDER_NOTICE`` and ``REFERRAL`` accuse or
    ask. ``reply`` is the time to answer, the pack's or the bureau's own (``reply_set_by_bureau``); ``due`` the day
    that it comes to, where that is known (it is not before service). ``addressee`` is whom the paper is sent to:
    the department, a contractor (empty: the name is blank for a person), the finance bureau, the police.
    ``round`` 2 is a second notice, and ``earlier`` what it and its like cite, oldest first.
    """

    form: Form
    site: str
    bureau: str
    contact: str
    department: DepartmentView
    drawn_up_on: date
    data_as_of: date
    snapshot: str = ""
    #: SHA-256 of the snapshot's manifest, 64 hexadecimal digits.
    snapshot_digest: str = ""
    case: str = ""
    addressee: str = ""
    #: 原……局, where the department was merged or renamed while the case was open.
    formerly: str = ""
    power: Power | None = None
    regulation: str = ""
    regulation_number: str = ""
    items: tuple[FindingView, ...] = ()
    number: str = ""
    issued_on: date | None = None
    reply: Reply | None = None
    reply_set_by_bureau: bool = False
    due: Due | None = None
    round: int = 1
    earlier: tuple[EarlierPaper, ...] = ()
    results: tuple[ItemResult, ...] = ()
    #: Inspection: on which day, after which audit's data, and what is decided (closed, second notice, escalated).
    inspected_on: date | None = None
    decision: str = ""
    consequence: Consequence | None = None
    #: A condition that the consequence sets beside refusal, and why it is held to be met.
    condition_met: str = ""
    copies: tuple[str, ...] = ()
    service: Service = field(default_factory=Service)
    #: Bulletin: the month it tells of (its first day), and its table.
    month: date | None = None
    rows: tuple[BulletinRow, ...] = ()
    timezone: str = "Asia/Shanghai"

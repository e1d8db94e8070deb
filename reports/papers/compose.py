"""Composing: from a view of a paper to its fields, the exact words that are frozen when it is issued. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reports.papers.bulletin import bulletin
from reports.papers.checks import blanks, check
from reports.papers.content import Content
from reports.papers.fields import Fields
from reports.papers.inspections import inspection
from reports.papers.letters import letter, reminder
from reports.papers.orders import order
from reports.papers.phrases import (
    BLANK_DATE,
    NAME,
    ORDERS,
    addressee,
    answerer,
    bureau,
    day,
    issued,
    mark,
    number,
    settled,
)
from reports.papers.receipts import receipt, reply
from reports.papers.referrals import proposal, referral
from reports.papers.view import Form, PaperView
from reports.words import tidy

_WORDS: Mapping[Form, Callable[[PaperView], Content]] = {
    Form.LETTER: letter,
    Form.REMINDER: reminder,
    **dict.fromkeys(ORDERS, order),
    Form.REFERRAL: referral,
    Form.PROPOSAL: proposal,
    Form.INSPECTION: inspection,
    Form.RECEIPT: receipt,
    Form.REPLY: reply,
    Form.BULLETIN: bulletin,
}


def compose(view: PaperView) -> Fields:
    """The words of a paper, as JSON-able values under the names of :mod:`reports.papers.fields`.

    Raises ValueError, naming the findings, where the view holds what must not stand in such a paper, and, for
    one that is issued, where it would still lack anything (:func:`blanks`).
    """
    view = settled(view)
    check(view)
    if issued(view) and (lacking := blanks(view)):
        raise ValueError(f"an issued paper may not lack anything: {'；'.join(lacking)}")
    words = _WORDS[view.form](view)
    return {**_common(view), "title": words.title, "body": words.body, "annexes": words.annexes, **words.own}


def _common(view: PaperView) -> Fields:
    fields: Fields = {
        "mark": mark(view),
        "office": bureau(view),
        "number": number(view),
        "addressee": addressee(view),
        "signature": bureau(view),
        "date": day(view.issued_on if issued(view) else None),
        "copies": copies(view),
        "imprint": bureau(view).partition("（")[0],
        "imprint_date": day(view.issued_on if issued(view) else None),
        "contact": tidy(view.contact, 200),
        "case": tidy(view.case, 80),
    }
    if view.form is Form.RECEIPT:
        fields |= {"number": "", "addressee": "", "date": "", "imprint": "", "imprint_date": ""}
    if view.form is Form.REPLY:
        # The paper of whoever answers, not the bureau's: it has its own head and number.
        own = {"office": "", "number": "", "imprint": "", "imprint_date": "", "copies": ""}
        fields |= own | {"signature": answerer(view), "date": BLANK_DATE}
    return fields


def copies(view: PaperView) -> str:
    """市财政局，市审计局。: to whom copies go, without the heading."""
    names = "，".join(tidy(name, NAME) for name in view.copies if name.strip())
    return f"{names}。" if names else ""


__all__ = ["blanks", "compose"]

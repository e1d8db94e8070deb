"""What a template may name: the fields of each paper, as composed from a :class:`~reports.papers.view.PaperView`.

Fields are JSON-able and hold finished words: a template only lays them out. They are what the ledger freezes.
Every text is one line unless said otherwise, cleaned of control characters, and may be empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, TypedDict

from reports.papers.view import Form


class Line(TypedDict):
    """A paragraph of the body. ``style``: ``h1`` (一、), ``h2`` (（一）), ``text``, or ``item``; ``lead`` is bold."""

    style: str
    lead: str
    text: str


class EvidenceRow(TypedDict):
    """One fact. ``no`` and ``object`` are empty from an item's second row on; cells may have several lines (\\n)."""

    no: str
    object: str
    seen: str
    source: str
    strength: str


class EvidenceGroup(TypedDict):
    """The facts under one rule."""

    heading: str
    rows: list[EvidenceRow]


class Annex(TypedDict):
    """核查情况明细表: how we know.

    ``label``: 附件1, or 附件 where the paper has no other; ``note`` tells the scale of strength and the
    snapshot's digest.
    """

    label: str
    title: str
    groups: list[EvidenceGroup]
    note: str


class FormRow(TypedDict):
    """One item of a form that the department fills in (feedback, rectification report) or an inspection's table.

    What is filled in by hand is empty, or holds boxes to tick; ``object`` and ``result`` may have several lines
    (\\n). Feedback: ``result`` □属实 …, ``remark`` explanation and proof. Report: ``result`` what was done and when,
    ``remark`` proof, or why not and by when. Inspection: ``result`` the finding, ``remark`` its ground.
    """

    no: str
    object: str
    problem: str
    demand: str
    result: str
    remark: str


class Blank(TypedDict):
    """A form to fill in: ``label`` 附件2 (empty: no annex), its title, its rows, and the note below.

    ``head`` stands above the table: who fills it in, and when (empty where it is filled in already). The heads of
    its columns stand in the template.
    """

    label: str
    title: str
    head: str
    rows: list[FormRow]
    note: str


class Text(TypedDict):
    """A whole paper annexed to another (``label`` 附件3): the same fields as in :data:`COMMON`, on their own.

    A draft that is annexed to an issued letter is still a draft: its number and date are blanks.
    """

    label: str
    office: str
    title: list[str]
    number: str
    addressee: str
    body: list[Line]
    annexes: list[str]
    signature: str
    date: str


class Pair(TypedDict):
    """A row of a receipt or stub: 送达机关 → its value (empty: to be filled in by hand)."""

    name: str
    value: str


class BulletinLine(TypedDict):
    """A department's figures: ``on_cloud`` over ``in_scope`` is the rate; ``undecided`` could not be told."""

    no: str
    department: str
    in_scope: str
    on_cloud: str
    undecided: str
    rate: str
    open_findings: str
    cases_open: str
    cases_overdue: str
    cases_closed: str


Fields: TypeAlias = dict[str, object]

#: On every paper. ``mark`` is empty once it is issued, else 草稿·未编号·未签发·不具效力; ``office`` is the red
#: name of the issuing office (empty on a blank report: the department has its own); ``title`` its lines (list of
#: texts), ``body`` a list of :class:`Line`, ``annexes`` the titles of the enclosures (list of texts, unnumbered);
#: ``addressee`` without the colon (empty on a receipt); ``number`` as issued, or blanks; ``signature`` the office
#: that signs; ``date`` the date of issue (2026年11月23日: GB/T 9704 wants Arabic figures), or blanks; ``imprint``
#: whoever prints, ``imprint_date`` when (the template adds 印发); ``copies`` 抄送 (without its heading); ``case``
#: the case's id; ``contact`` whom to ask.
COMMON = (
    "mark",
    "office",
    "title",
    "number",
    "addressee",
    "body",
    "annexes",
    "signature",
    "date",
    "copies",
    "imprint",
    "imprint_date",
    "contact",
    "case",
)

#: What each paper has beside :data:`COMMON`: name → what it is.
OWN: Mapping[Form, Mapping[str, str]] = {
    Form.LETTER: {
        "evidence": "Annex",
        "answers": "Blank: the department's answer, item by item",
        "order": "Text: the draft order that is annexed",
    },
    Form.REMINDER: {"evidence": "Annex"},
    Form.TASK: {"evidence": "Annex", "report": "Blank: the rectification report to send back"},
    Form.ORDER: {
        "evidence": "Annex",
        "report": "Blank: the rectification report to send back",
        "stub": "list[Pair]: 存根, what the bureau keeps of the form",
        "receipt": "list[Pair]: 签收",
    },
    Form.ORDER_NOTICE: {"evidence": "Annex", "report": "Blank: the rectification report to send back"},
    Form.REFERRAL: {"evidence": "Annex"},
    Form.PROPOSAL: {"evidence": "Annex"},
    Form.INSPECTION: {"results": "Blank: what was found, item by item"},
    Form.RECEIPT: {"receipt": "list[Pair]"},
    Form.REPLY: {"report": "Blank: the rectification report"},
    Form.BULLETIN: {"rows": "list[BulletinLine]", "total": "BulletinLine", "note": "text below the table"},
}


def names(form: Form) -> frozenset[str]:
    """Everything that a template of this paper may name."""
    return frozenset(COMMON) | frozenset(OWN[form])

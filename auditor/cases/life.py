"""The life of a case: which step leads where, and which forms know it. Pure.

    draft → reviewed → issued → served → replied → inspected → closed
                                                        │  ├──→ draft of a second notice
                                                        │  └──→ escalated
    anything that has not ended → withdrawn, with a reason

A letter, a reminder, a referral and a proposal order nothing, so nothing is re-inspected: they are closed with a
reason once they went out.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

from auditor.cases.model import ORDERS, Case, State
from auditor.cases.roles import Role
from auditor.errors import Refused


class Act(enum.StrEnum):
    """A step, by the name of its command."""

    REDRAFT = "draft"
    REVIEW = "review"
    ISSUE = "issue"
    SERVE = "serve"
    REPLY = "reply"
    OBJECT = "object"
    ANSWER = "answer"
    INSPECT = "inspect"
    DECIDE = "decide"
    SECOND = "second"
    ESCALATE = "escalate"
    CLOSE = "close"
    WITHDRAW = "withdraw"


_OUT = (State.ISSUED, State.SERVED, State.REPLIED)

#: Step → the states in which it may be taken, and what the case is then (None: what it was).
TABLE: Mapping[Act, tuple[tuple[State, ...], State | None]] = {
    Act.REDRAFT: ((State.DRAFT, State.REVIEWED), State.DRAFT),
    Act.REVIEW: ((State.DRAFT,), State.REVIEWED),
    Act.ISSUE: ((State.REVIEWED,), State.ISSUED),
    # A reply may come before anybody noted the service; it must be noted all the same, since later papers cite it.
    Act.SERVE: ((State.ISSUED, State.REPLIED, State.INSPECTED), State.SERVED),
    Act.REPLY: (_OUT, State.REPLIED),
    Act.OBJECT: (_OUT, None),
    Act.ANSWER: ((*_OUT, State.INSPECTED, State.ESCALATED), None),
    Act.INSPECT: ((State.SERVED, State.REPLIED, State.INSPECTED, State.ESCALATED), State.INSPECTED),
    Act.DECIDE: ((State.INSPECTED,), None),
    Act.SECOND: ((State.INSPECTED,), State.DRAFT),
    Act.ESCALATE: ((State.INSPECTED,), State.ESCALATED),
    Act.CLOSE: ((State.INSPECTED,), State.CLOSED),
    Act.WITHDRAW: (tuple(state for state in State if state not in (State.CLOSED, State.WITHDRAWN)), State.WITHDRAWN),
}

#: Who takes a step; those that are not here any office may take.
ROLES: Mapping[Act, Role] = {
    Act.REDRAFT: "draft",
    Act.REVIEW: "review",
    Act.ISSUE: "sign",
    Act.ANSWER: "review",
    Act.INSPECT: "draft",
    Act.DECIDE: "review",
    Act.SECOND: "sign",
    Act.ESCALATE: "sign",
    Act.CLOSE: "sign",
    Act.WITHDRAW: "sign",
}

_ONLY_ORDERS = (Act.INSPECT, Act.DECIDE, Act.SECOND, Act.ESCALATE)

_NEXT: Mapping[State, str] = {
    State.DRAFT: "'auditor case review' comes next",
    State.REVIEWED: "'auditor case issue' comes next",
    State.ISSUED: "'auditor case serve' comes next",
    State.SERVED: "the department's reply, or 'auditor case inspect' after the deadline, comes next",
    State.REPLIED: "'auditor case inspect' comes next",
    State.INSPECTED: "'auditor case close', 'second' or 'escalate' comes next",
    State.ESCALATED: "'auditor case inspect' looks again",
    State.CLOSED: "nothing more can be done on it",
    State.WITHDRAWN: "nothing more can be done on it",
}


def step(case: Case, act: Act) -> State:
    """The case's state after a step; :class:`Refused`, with what comes next, where it may not be taken."""
    if act in _ONLY_ORDERS and case.form not in ORDERS:
        raise Refused(f"case {case.id} is a {case.form.value}, which orders nothing: there is nothing to {act.value}")
    allowed, after = TABLE[act]
    if act is Act.CLOSE and case.form not in ORDERS:
        allowed = _OUT
    if case.state not in allowed:
        why = f" ({case.note})" if case.state is State.WITHDRAWN and case.note else ""
        raise Refused(f"case {case.id} is {case.state.value}{why}, so it cannot {_CANNOT[act]}: {_next(case)}")
    if act is Act.SERVE and case.served_on is not None:
        raise Refused(f"case {case.id} was served on {case.served_on} already: {_next(case)}")
    if act is Act.SERVE and case.state is not State.ISSUED:
        return case.state
    return after or case.state


def _next(case: Case) -> str:
    if case.form not in ORDERS and case.state in (State.SERVED, State.REPLIED):
        return "'auditor case close' comes next"
    return _NEXT[case.state]


_CANNOT: Mapping[Act, str] = {
    Act.REDRAFT: "be drafted again",
    Act.REVIEW: "be reviewed",
    Act.ISSUE: "be issued",
    Act.SERVE: "be served",
    Act.REPLY: "be replied to",
    Act.OBJECT: "be objected to",
    Act.ANSWER: "be answered",
    Act.INSPECT: "be re-inspected",
    Act.DECIDE: "be decided",
    Act.SECOND: "have a second notice",
    Act.ESCALATE: "be escalated",
    Act.CLOSE: "be closed",
    Act.WITHDRAW: "be withdrawn",
}

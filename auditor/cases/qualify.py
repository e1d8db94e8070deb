"""Which findings may stand in which paper, and why the others may not. Pure.

One paper per department, authority, addressee and form (``semantics.md`` 14). In the shadow period (15) a finding
is first put to its department in a letter; only when that was answered, or its time is over, may an order name it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from auditor.cases.model import ORDERS, Case, Item, ItemState, State, Word, WordKind
from policies.model import CONTRACTOR, Bite, Pack, Power, Rule, Verdict
from reports.model import DepartmentView, FindingView
from reports.papers.view import Form

#: States of a finding that still asks for something.
LIVE = ("open", "reopened", "stale")
#: States in which a finding asks for nothing now, and why no paper names it.
_SET_ASIDE = {"waived": "经批准豁免", "dismissed": "经人工复核排除，未到复测日期"}

#: How the ground begins of an item whose thing is another department's now.
HANDED_OVER = "已移交"


class Heard(enum.Enum):
    """How far the hearing of a department on one finding has come; the value is the reason that waiting gives."""

    NOT_ASKED = "尚未征求部门意见"
    LETTER_NOT_OUT = "征求意见函尚未印发"
    NOT_SERVED = "征求意见函尚未送达"
    TIME_NOT_OVER = "征求意见的期限未到，部门尚未反馈"
    OBJECTION_OPEN = "部门提出的异议尚未答复"
    DONE = ""


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier cases did with the findings, by the ids that these have today.

    ``heard`` is how far each one's hearing is (missing: not asked), ``busy`` the cases that hold it, and ``objected``
    those with an objection that nobody has answered. ``same`` maps a finding that was merged away to the one that
    lives.
    """

    heard: Mapping[str, Heard] = field(default_factory=dict)
    busy: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    objected: frozenset[str] = frozenset()
    same: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper that could be drafted: what may stand in it, and what may not with the reasons (Chinese)."""

    form: Form
    department: DepartmentView
    pack: str
    power: Power | None
    addressee: str
    items: tuple[FindingView, ...] = ()
    left_out: tuple[tuple[FindingView, tuple[str, ...]], ...] = ()

    @property
    def combination(self) -> tuple[str, str, str, str, Form]:
        power = self.power.id if self.power else ""
        return self.department.id, self.pack, power, self.addressee, self.form


@dataclass(frozen=True, slots=True)
class Terms:
    """What drafting depends on besides the findings.

    ``letters_first`` is the shadow period; ``past`` what earlier cases did; ``builders`` maps an asset to its
    contractor's name.
    """

    packs: Sequence[Pack]
    departments: Mapping[str, DepartmentView]
    today: date
    letters_first: bool = True
    order_form: Form = Form.ORDER
    past: Past = Past()
    builders: Mapping[str, str] = field(default_factory=dict)


def candidates(found: Iterable[FindingView], terms: Terms) -> tuple[Candidate, ...]:
    """Every paper that the living findings could go into, also those with nothing that qualifies.

    Ordered by department, pack, power, form and addressee.
    """
    rules = {rule.full_id: rule for pack in terms.packs for rule in pack.rules}
    groups: dict[tuple[str, str, str, str, Form], Candidate] = {}
    items: dict[tuple[str, str, str, str, Form], list[FindingView]] = {}
    left_out: dict[tuple[str, str, str, str, Form], list[tuple[FindingView, tuple[str, ...]]]] = {}
    for finding in found:
        rule = rules.get(finding.rule)
        department = terms.departments.get(finding.department_id)
        if rule is None or department is None or finding.state not in (*LIVE, *_SET_ASIDE):
            continue
        placed = _place(finding, rule, department, terms)
        if placed is None:
            continue
        candidate, why = placed
        key = candidate.combination
        groups.setdefault(key, candidate)
        if why:
            left_out.setdefault(key, []).append((finding, why))
        else:
            items.setdefault(key, []).append(finding)
    return tuple(
        replace(groups[key], items=tuple(items.get(key, ())), left_out=tuple(left_out.get(key, ())))
        for key in sorted(groups, key=lambda key: (*key[:3], key[4].value, key[3]))
    )


def _place(
    finding: FindingView, rule: Rule, department: DepartmentView, terms: Terms
) -> tuple[Candidate, tuple[str, ...]] | None:
    """The paper that a finding belongs to, and why it may not stand in it; None where its clause gives no paper."""
    taken = _taken(terms.past.busy.get(finding.id, ()))
    aside = (_SET_ASIDE[finding.state],) if finding.state in _SET_ASIDE else ()
    if rule.bite is Bite.REMINDER:
        paper = Candidate(Form.REMINDER, department, rule.pack, None, department.name)
        return paper, aside or (*finding.not_sendable_because, *taken)
    if rule.bite is Bite.REFERRAL:
        paper = Candidate(Form.REFERRAL, department, rule.pack, None, rule.refer_to)
        return paper, aside or (*finding.not_sendable_because, *taken)
    if rule.bite is not Bite.ORDER or rule.power is None:
        return None
    heard = terms.past.heard.get(finding.id, Heard.NOT_ASKED) if terms.letters_first else Heard.DONE
    # A letter that is not out yet is drafted again with it.
    waits = (heard.value,) if heard in (Heard.NOT_SERVED, Heard.TIME_NOT_OVER, Heard.OBJECTION_OPEN) else ()
    if finding.id in terms.past.objected:
        waits = (Heard.OBJECTION_OPEN.value,)
    why = aside or (*finding.not_orderable_because, *taken, *waits)
    if heard is not Heard.DONE:
        return Candidate(Form.LETTER, department, rule.pack, rule.power, department.name), why
    addressee = department.name
    if rule.power.over == CONTRACTOR:
        addressee = terms.builders.get(finding.asset_key, "")
    form = order_form(rule.power, terms.order_form)
    return Candidate(form, department, rule.pack, rule.power, addressee), why


def order_form(power: Power, chosen: Form) -> Form:
    """A power that names its own task letter (整改任务书) is used under that name."""
    return Form.TASK if power.form.endswith("任务书") else chosen


def _taken(cases: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"已列入案件{case}" for case in cases)


def past(
    cases: Sequence[Case],
    words: Iterable[Word],
    today: date,
    *,
    whose: Mapping[str, str],
    same: Mapping[str, str],
    heir: Callable[[str], str],
) -> Past:
    """What cases (oldest first) did with the findings, and what was said on them.

    ``whose`` maps a finding to its department of today; ``same`` one that was merged away to the one that lives;
    ``heir`` gives the department that another one has become, or itself.
    """
    open_ones = _unanswered(words)
    heard: dict[str, Heard] = {}
    objected: set[str] = set()
    for case in cases:
        for item in case.items:
            if item.state is ItemState.DROPPED or case.state is State.WITHDRAWN:
                continue
            name = same.get(item.finding, item.finding)
            objects = case.active and (case.id, item.finding) in open_ones
            if objects:
                objected.add(name)
            # Whoever has the thing now, and was not asked, is asked.
            if case.form is Form.LETTER and whose.get(name, "") == heir(case.department_id):
                # Of several letters the newest speaks.
                heard[name] = Heard.OBJECTION_OPEN if objects else _heard(case, today)
    return Past(heard, _busy(cases, heard, same), frozenset(objected), same)


def _heard(case: Case, today: date) -> Heard:
    """From one letter. A day that is provisional is not over until it is firm: nobody is accused by a guess."""
    if case.replied_on is not None:
        return Heard.DONE
    if case.served_on is not None and case.due and not case.due.provisional and case.due.day < today:
        return Heard.DONE
    match case.state:
        case State.CLOSED:
            # Ended before the department's time was: it was never heard on this.
            return Heard.NOT_ASKED
        case State.ISSUED:
            return Heard.NOT_SERVED
        case State.SERVED | State.REPLIED:
            return Heard.TIME_NOT_OVER
    return Heard.LETTER_NOT_OUT


def _busy(cases: Iterable[Case], heard: Mapping[str, Heard], same: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Finding → the cases that hold it, so that nobody is asked twice for one thing.

    A letter holds its findings until they have been heard; a draft does not hold them, since it is drafted again.
    """
    out: dict[str, dict[str, None]] = {}
    for case in cases:
        if not case.active or (case.round == 1 and case.state in (State.DRAFT, State.REVIEWED)):
            continue
        for item in case.items:
            name = same.get(item.finding, item.finding)
            if case.form is Form.LETTER and heard.get(name) is Heard.DONE:
                continue
            if item.state is not ItemState.DROPPED:
                out.setdefault(name, {})[case.id] = None
    return {name: tuple(holders) for name, holders in out.items()}


def _unanswered(words: Iterable[Word]) -> frozenset[tuple[str, str]]:
    """(case, finding) whose newest objection nobody has answered."""
    out: dict[tuple[str, str], bool] = {}
    for word in words:
        if word.kind is not WordKind.REPLY:
            out[word.case, word.finding] = word.kind is WordKind.OBJECTION
    return frozenset(place for place, waits in out.items() if waits)


def open_objections(case: Case, words: Iterable[Word]) -> tuple[str, ...]:
    """The findings of a case whose objection nobody has answered."""
    waiting = _unanswered(word for word in words if word.case == case.id)
    return tuple(item.finding for item in case.items if (case.id, item.finding) in waiting)


def asked_for(case: Case) -> tuple[Item, ...]:
    """The items that the paper of the round under way lists, or is to list."""
    shown = ItemState.NOT_MENDED if case.form is Form.PROPOSAL else ItemState.LISTED
    return tuple(item for item in case.items if item.round == case.round and item.state is shown)


def why_not_now(case: Case, live: Mapping[str, FindingView]) -> dict[str, tuple[str, ...]]:
    """Items of a draft that may not stand in it (any more), with the reasons; asked again before it is signed."""
    out: dict[str, tuple[str, ...]] = {}
    for item in asked_for(case):
        finding = live.get(item.finding)
        if finding is None:
            out[item.finding] = ("已不在问题台账中",)
            continue
        why = _why_not(case.form, finding)
        if finding.department_id != case.department_id:
            why = (*why, "所属部门已变更")
        if why:
            out[item.finding] = why
    return out


def _why_not(form: Form, finding: FindingView) -> tuple[str, ...]:
    if form is Form.PROPOSAL:
        # What was ordered and not done; that it is not confirmed today mends nothing.
        still = finding.state in LIVE and finding.verdict == Verdict.VIOLATION
        return () if still else ("已整改或者不再列入，建议已无依据",)
    return finding.not_orderable_because if form in ORDERS or form is Form.LETTER else finding.not_sendable_because


def why_not_yet(case: Case, terms: Terms, assets: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Items of a draft that other cases, an objection or another addressee stand in the way of, with the reasons.

    ``assets`` maps a finding to its asset's key of today.
    """
    if case.form is Form.PROPOSAL:
        return {}
    found = next((pack.powers.get(case.power) for pack in terms.packs if pack.id == case.pack), None)
    builds = case.form in ORDERS and found is not None and found.over == CONTRACTOR
    out = {}
    for item in asked_for(case):
        name = terms.past.same.get(item.finding, item.finding)
        why = _taken(other for other in terms.past.busy.get(name, ()) if other != case.id)
        if case.form in ORDERS:
            heard = terms.past.heard.get(name, Heard.NOT_ASKED) if terms.letters_first else Heard.DONE
            if name in terms.past.objected:
                heard = Heard.OBJECTION_OPEN
            # What was ordered once is ordered again without another letter.
            if heard is Heard.OBJECTION_OPEN or (heard is not Heard.DONE and case.round == 1):
                why = (*why, heard.value)
        if builds and terms.builders.get(assets.get(item.finding, ""), "") != case.addressee:
            why = (*why, "承建单位已变更")
        if why:
            out[item.finding] = why
    return out


def is_handed_over(case: Case, finding: str) -> bool:
    """Whether a finding left a case because its thing is another department's now."""
    return any(item.finding == finding and item.ground.startswith(HANDED_OVER) for item in case.items)


def allowed_forms(chosen: Collection[Form], letters_first: bool) -> frozenset[Form]:
    """What one run drafts: what stands next, or the forms that were asked for."""
    return frozenset(chosen) or frozenset({Form.LETTER, *ORDERS} if letters_first else ORDERS)

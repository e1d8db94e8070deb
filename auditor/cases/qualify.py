"""Which findings may stand in which paper, and why the others may not. Pure.

One paper per department, authority, addressee and form (``semantics.md`` 14). In the shadow period (15) a finding
is first put to its department in a letter; only when that was answered, or its time is over, may an order name it.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from auditor.cases.model import ORDERS, Case, State, Word, WordKind
from policies.model import CONTRACTOR, Bite, Pack, Power, Rule
from reports.model import DepartmentView, FindingView
from reports.papers.view import Form

#: States of a finding that still asks for something.
LIVE = ("open", "reopened", "stale")


#: How the ground begins of an item whose thing is another department's now.
HANDED_OVER = "已移交"


class Heard(enum.Enum):
    """How far the hearing of a department on one finding has come; the value is the reason that waiting gives."""

    NOT_ASKED = "尚未征求部门意见"
    LETTER_NOT_OUT = "征求意见函尚未印发"
    TIME_NOT_OVER = "征求意见的期限未到，部门尚未反馈"
    OBJECTION_OPEN = "部门提出的异议尚未答复"
    DONE = ""


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

    ``letters_first`` is the shadow period; ``heard`` how far each finding's hearing is (missing: not asked);
    ``busy`` maps a finding to the case that holds it already; ``builders`` an asset to its contractor's name.
    """

    packs: Sequence[Pack]
    departments: Mapping[str, DepartmentView]
    today: date
    letters_first: bool = True
    order_form: Form = Form.ORDER
    heard: Mapping[str, Heard] = field(default_factory=dict)
    busy: Mapping[str, str] = field(default_factory=dict)
    builders: Mapping[str, str] = field(default_factory=dict)


def candidates(found: Iterable[FindingView], terms: Terms) -> tuple[Candidate, ...]:
    """Every paper that the living findings could go into, also those with nothing that qualifies.

    Ordered by department, pack, power, form and addressee.
    """
    rules = {rule.full_id: rule for pack in terms.packs for rule in pack.rules}
    groups: dict[tuple[str, str, str, str, Form], Candidate] = {}
    for finding in found:
        rule = rules.get(finding.rule)
        department = terms.departments.get(finding.department_id)
        if rule is None or department is None or finding.state not in LIVE:
            continue
        placed = _place(finding, rule, department, terms)
        if placed is None:
            continue
        candidate, why = placed
        known = groups.get(candidate.combination, candidate)
        if why:
            groups[candidate.combination] = replace(known, left_out=(*known.left_out, (finding, why)))
        else:
            groups[candidate.combination] = replace(known, items=(*known.items, finding))
    return tuple(groups[key] for key in sorted(groups, key=lambda key: (*key[:3], key[4].value, key[3])))


def _place(
    finding: FindingView, rule: Rule, department: DepartmentView, terms: Terms
) -> tuple[Candidate, tuple[str, ...]] | None:
    """The paper that a finding belongs to, and why it may not stand in it; None where its clause gives no paper."""
    busy = terms.busy.get(finding.id)
    taken = (f"已列入案件{busy}",) if busy else ()
    if rule.bite is Bite.REMINDER:
        paper = Candidate(Form.REMINDER, department, rule.pack, None, department.name)
        return paper, (*finding.not_sendable_because, *taken)
    if rule.bite is Bite.REFERRAL:
        paper = Candidate(Form.REFERRAL, department, rule.pack, None, rule.refer_to)
        return paper, (*finding.not_sendable_because, *taken)
    if rule.bite is not Bite.ORDER or rule.power is None:
        return None
    why = (*finding.not_orderable_because, *taken)
    heard = terms.heard.get(finding.id, Heard.NOT_ASKED) if terms.letters_first else Heard.DONE
    if heard is not Heard.DONE:
        # A letter that is not out yet is drafted again with it.
        waits = (heard.value,) if heard in (Heard.TIME_NOT_OVER, Heard.OBJECTION_OPEN) and not taken else ()
        paper = Candidate(Form.LETTER, department, rule.pack, rule.power, department.name)
        return paper, (*why, *waits)
    addressee = department.name
    if rule.power.over == CONTRACTOR:
        addressee = terms.builders.get(finding.asset_key, "")
    form = order_form(rule.power, terms.order_form)
    return Candidate(form, department, rule.pack, rule.power, addressee), why


def order_form(power: Power, chosen: Form) -> Form:
    """A power that names its own task letter (整改任务书) is used under that name."""
    return Form.TASK if power.form.endswith("任务书") else chosen


def heard(cases: Iterable[Case], words: Iterable[Word], today: date) -> dict[str, Heard]:
    """How far the hearing on each finding has come, from the letters that were drafted and what came back.

    A letter whose day is provisional is not over until the day is firm: nobody is accused by a guess.
    """
    answered = _answers(words)
    out: dict[str, Heard] = {}
    for case in cases:
        if case.form is not Form.LETTER or case.state is State.WITHDRAWN:
            continue
        for item in case.items:
            # Whoever has the thing now was never asked.
            if is_handed_over(case, item.finding):
                continue
            now = _heard(case, item.finding, answered, today)
            # Of several letters the newest speaks; cases come oldest first.
            out[item.finding] = now
    return out


def _heard(case: Case, finding: str, answered: Mapping[tuple[str, str], bool], today: date) -> Heard:
    if answered.get((case.id, finding)) is False:
        return Heard.OBJECTION_OPEN
    if case.state in (State.REPLIED, State.CLOSED):
        return Heard.DONE
    if case.state in (State.ISSUED, State.SERVED):
        return Heard.DONE if case.overdue(today) else Heard.TIME_NOT_OVER
    return Heard.LETTER_NOT_OUT


def _answers(words: Iterable[Word]) -> dict[tuple[str, str], bool]:
    """(case, finding) → whether its newest objection has been answered."""
    out: dict[tuple[str, str], bool] = {}
    for word in words:
        if word.kind is WordKind.OBJECTION:
            out[word.case, word.finding] = False
        elif word.kind is WordKind.ANSWER:
            out[word.case, word.finding] = True
    return out


def open_objections(case: Case, words: Iterable[Word]) -> tuple[str, ...]:
    """The findings of a case whose objection nobody has answered."""
    answers = _answers(word for word in words if word.case == case.id)
    return tuple(item.finding for item in case.items if answers.get((case.id, item.finding)) is False)


def busy(cases: Iterable[Case], today: date, heard_now: Mapping[str, Heard]) -> dict[str, str]:
    """Finding → the case that holds it, so that nobody is asked twice for one thing.

    A letter holds its findings until they have been heard; a draft does not hold them, since it is drafted again.
    """
    out: dict[str, str] = {}
    for case in cases:
        if not case.active or (case.round == 1 and case.state in (State.DRAFT, State.REVIEWED)):
            continue
        for item in case.items:
            if case.form is Form.LETTER and heard_now.get(item.finding) is Heard.DONE:
                continue
            if item.state.value != "dropped":
                out[item.finding] = case.id
    return out


def why_not_now(case: Case, live: Mapping[str, FindingView]) -> dict[str, tuple[str, ...]]:
    """Items of a draft that may not stand in it (any more), with the reasons; asked again before it is signed."""
    out: dict[str, tuple[str, ...]] = {}
    for item in case.items:
        if item.state.value == "dropped" or item.round < case.round:
            continue
        finding = live.get(item.finding)
        if finding is None:
            out[item.finding] = ("已不在问题台账中",)
            continue
        ordered = case.form in ORDERS or case.form is Form.LETTER
        why = finding.not_orderable_because if ordered else finding.not_sendable_because
        if finding.department_id != case.department_id:
            why = (*why, "所属部门已变更")
        if why and case.form is not Form.PROPOSAL:
            out[item.finding] = why
    return out


def is_handed_over(case: Case, finding: str) -> bool:
    """Whether a finding left a case because its thing is another department's now."""
    return any(item.finding == finding and item.ground.startswith(HANDED_OVER) for item in case.items)


def allowed_forms(chosen: Collection[Form], letters_first: bool) -> frozenset[Form]:
    """What one run drafts: what stands next, or the forms that were asked for."""
    return frozenset(chosen) or frozenset({Form.LETTER, *ORDERS} if letters_first else ORDERS)

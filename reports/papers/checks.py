"""What may stand in a paper, and what an issued one may not lack. Pure.

The application decides what goes into a case; these are the last gates before words are made of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from policies.model import Bite, Verdict
from reports.model import FindingView
from reports.papers.inspections import CLOSING, ESCALATED
from reports.papers.phrases import (
    ORDERS,
    OUTWARD,
    contractor,
    notices,
    opinion,
    over_contractor,
    regulation,
    settled,
    timed,
)
from reports.papers.view import Form, ItemResult, PaperView, Result
from reports.words import LIVE, tidy

#: States of a finding that the newest audit has confirmed.
_CONFIRMED = ("open", "reopened")
_HEX = frozenset("0123456789abcdefABCDEF")
_NAMED = 20
#: Papers that list findings.
_LISTING = (Form.LETTER, Form.REMINDER, *ORDERS, *OUTWARD, Form.INSPECTION)
#: Papers with the annex of evidence.
_PROVING = (Form.LETTER, Form.REMINDER, *ORDERS, *OUTWARD)


def check(view: PaperView) -> None:
    """ValueError, naming the findings, where the view holds anything that must not stand in such a paper."""
    if view.form in (Form.LETTER, *ORDERS) and view.power is None:
        raise ValueError(f"{view.form} needs the power that it is drawn up under")
    if view.form in _LISTING and not view.items:
        raise ValueError("a paper needs at least one finding")
    if view.form in _LISTING:
        _refuse(_twice(view.items), "a finding stands in a paper once, not twice")
        _refuse(_others(view), f"findings of another department than {view.department.id}")
        may = _MAY[view.form]
        _refuse((one.id for one in view.items if not may(one)), _WHY[view.form])
    if view.round > 1 and view.form in (Form.REMINDER, *ORDERS) and not notices(view):
        raise ValueError("a second notice needs the first one to cite")
    match view.form:
        case Form.REFERRAL:
            _check_referral(view)
        case Form.PROPOSAL:
            _check_proposal(view)
        case Form.INSPECTION:
            _check_inspection(view)
    _check_consequence(view)


def _violation(one: FindingView) -> bool:
    return one.verdict == Verdict.VIOLATION and one.state in _CONFIRMED


def _orderable(one: FindingView) -> bool:
    return _violation(one) and one.orderable


def _remindable(one: FindingView) -> bool:
    return _violation(one) and (one.bite == Bite.ORDER or (one.bite == Bite.REMINDER and one.sendable))


def _referable(one: FindingView) -> bool:
    return _violation(one) and one.bite == Bite.REFERRAL and one.sendable


def _live(one: FindingView) -> bool:
    """Not confirmed, perhaps; then a person must have looked (:func:`_check_proposal`)."""
    return one.verdict == Verdict.VIOLATION and one.state in LIVE


#: Which findings a paper may list.
_MAY: Mapping[Form, Callable[[FindingView], bool]] = {
    **dict.fromkeys((Form.LETTER, *ORDERS), _orderable),
    Form.REMINDER: _remindable,
    Form.REFERRAL: _referable,
    Form.PROPOSAL: _live,
    # A re-inspection tells of what was mended, too.
    Form.INSPECTION: lambda one: True,
}
_WHY: Mapping[Form, str] = {
    **dict.fromkeys((Form.LETTER, *ORDERS), "a paper may hold orderable violations only"),
    Form.REMINDER: "a reminder may hold confirmed violations that are to be reminded of only",
    Form.REFERRAL: "a referral may hold confirmed violations that belong to another authority only",
    Form.PROPOSAL: "a proposal may hold violations only",
    Form.INSPECTION: "",
}


def _twice(items: Iterable[FindingView]) -> Iterator[str]:
    return (finding for finding, number in Counter(one.id for one in items).items() if number > 1)


def _others(view: PaperView) -> Iterator[str]:
    """A department must not read of another's weak hosts; one that has been merged brings its own."""
    if view.formerly:
        return iter(())
    return (one.id for one in view.items if one.department_id != view.department.id)


def _check_referral(view: PaperView) -> None:
    whose = {one.refer_to for one in view.items}
    if len(whose) > 1:
        names = ", ".join(tidy(name, 40) or "nobody" for name in sorted(whose))
        raise ValueError(f"a referral goes to one authority, not to {names}")


def _check_proposal(view: PaperView) -> None:
    if view.consequence is None:
        raise ValueError("a proposal needs the consequence that it proposes")
    if not notices(view):
        raise ValueError("a proposal needs the notice that was not complied with")
    results = _results(view)
    by = {result.finding: result.by for result in view.results}
    wrong = (one.id for one in view.items if results.get(one.id) is not Result.NOT_MENDED)
    _refuse(wrong, "a proposal may hold only what a re-inspection found not mended")
    stale = (one.id for one in view.items if not by[one.id] and not _violation(one))
    _refuse(stale, "a proposal may hold what the newest audit confirmed, or what a person decided")


def _check_inspection(view: PaperView) -> None:
    results, listed = _results(view), {one.id: one for one in view.items}
    _refuse((one for one in results if one not in listed), "results of findings that the paper does not list")
    _refuse((one for one in listed if one not in results), "findings without a result")
    by = {result.finding: result.by for result in view.results}
    gone = (
        one
        for one, result in results.items()
        if result is Result.NOT_MENDED and not by[one] and not _violation(listed[one])
    )
    _refuse(gone, "nothing says that these are not mended")
    if view.decision in CLOSING:
        still = (one for one, result in results.items() if result not in (Result.MENDED, Result.DROPPED))
        _refuse(still, "a case cannot be closed with items that are not mended, or of which nobody can tell")


def _results(view: PaperView) -> dict[str, Result]:
    _refuse(
        (one for one, number in Counter(result.finding for result in view.results).items() if number > 1),
        "a finding has one result, not two",
    )
    return {result.finding: result.result for result in view.results}


def _check_consequence(view: PaperView) -> None:
    """The consequence that this regulation gives and no other: the power's, or the clauses' own words."""
    step = view.consequence
    if step is None:
        return
    if view.power is not None:
        if step not in view.power.if_refused:
            raise ValueError(f"power {view.power.id} gives no such consequence: {tidy(step.action, 80)}")
        return
    wrong = (one.id for one in view.items if not step.action or step.action not in one.consequence)
    _refuse(wrong, f"the clauses give no such consequence: {tidy(step.action, 80)}")


def _refuse(wrong: Iterable[str], why: str) -> None:
    ids = sorted(wrong)
    if ids:
        more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
        raise ValueError(f"{why}, not {', '.join(tidy(one, 80) for one in ids[:_NAMED])}{more}")


# --- what is still lacking ----------------------------------------------------------------------------------


def blanks(view: PaperView) -> tuple[str, ...]:
    """What an issued paper would still lack, in Chinese, for the person who drafts; empty where it may go out.

    Number and date of issue are not among it: both come with issuing.
    """
    return tuple(dict.fromkeys(_lacking(settled(view))))


def _lacking(view: PaperView) -> Iterator[str]:
    if not view.bureau.strip():
        yield "发文机关名称"
    if view.form is not Form.BULLETIN and not view.department.name.strip():
        yield "涉及部门的名称"
    yield from _nobody(view)
    if view.form in (Form.LETTER, *ORDERS) and not timed(view):
        yield "反馈期限" if view.form is Form.LETTER else "整改结果的报送期限"
    if view.form in (*_LISTING, Form.BULLETIN) and not view.contact.strip():
        yield "联系方式"
    if view.form in _PROVING:
        yield from _unproven(view)
    if view.form in _PROVING and not regulation(view).strip("《》"):
        yield "所依据的规范性文件名称"
    yield from _uncited(view)
    match view.form:
        case Form.INSPECTION:
            yield from _undecided(view)
        case Form.PROPOSAL if view.consequence and view.consequence.when and not view.condition_met.strip():
            yield f"“{tidy(view.consequence.when, 100)}”是否具备的认定"
        case Form.BULLETIN:
            yield from (what for what, there in (("通报的月份", view.month), ("各部门数据", view.rows)) if not there)


def _nobody(view: PaperView) -> Iterator[str]:
    if view.form in OUTWARD and not view.addressee.strip():
        yield "主送机关的名称"
    served = (*ORDERS, Form.INSPECTION, Form.RECEIPT)
    if view.power and view.form in served and over_contractor(view.power) and not contractor(view):
        yield f"主送对象（{tidy(view.power.addressee, 40)}）的名称"


def _unproven(view: PaperView) -> Iterator[str]:
    if not view.snapshot.strip():
        yield "核查数据快照的编号"
    if len(view.snapshot_digest) != 64 or not set(view.snapshot_digest) <= _HEX:
        yield "核查数据快照的SHA-256摘要"
    for what, ids in (
        ("条款依据", [one.id for one in view.items if not one.basis]),
        ("事实明细", [one.id for one in view.items if not one.facts]),
    ):
        if ids:
            yield f"问题{'、'.join(tidy(one, 40) for one in ids[:_NAMED])}{'等' if len(ids) > _NAMED else ''}的{what}"


def _uncited(view: PaperView) -> Iterator[str]:
    """Earlier papers that are cited, or served, by what they are known by."""
    needed = view.form in (Form.PROPOSAL, Form.INSPECTION, Form.RECEIPT, Form.REPLY) or view.round > 1
    if not needed:
        return
    papers = view.earlier if view.form is Form.RECEIPT else notices(view)
    if not papers:
        yield "所引文书的文号"
    for paper in view.earlier:
        what = f"所引《{tidy(paper.title, 80)}》的" if paper.title else "所引文书的"
        if not paper.number.strip():
            yield f"{what}文号"
        if not paper.title.strip():
            yield "所引文书的名称"
    if view.form is Form.PROPOSAL or (view.round > 1 and view.form in ORDERS):
        # What was not complied with: when it went out, when it came, by when it was due.
        last = papers[-1] if papers else None
        for what, there in (
            ("印发日期", last and last.issued_on),
            ("送达日期", last and last.served_on),
            ("期限", last and last.due),
        ):
            if last and not there:
                yield f"所引《{tidy(last.title, 80)}》的{what}"
        if view.inspected_on is None and opinion(view) is None:
            yield "复查日期"


def _undecided(view: PaperView) -> Iterator[str]:
    if view.inspected_on is None:
        yield "复查日期"
    if not view.decision.strip():
        yield "复查结论"
    if view.decision == ESCALATED and view.consequence is None:
        yield "复查后拟作的处理"
    open_ones = [one for one in view.results if one.result is Result.CANNOT_TELL and not one.by]
    if open_ones:
        yield f"{len(open_ones)}项无法判定的人工认定（{_ids(open_ones)}）"
    bare = [one for one in view.results if not one.ground.strip()]
    if bare:
        yield f"{len(bare)}项复查结果的依据（{_ids(bare)}）"


def _ids(results: Iterable[ItemResult]) -> str:
    ids = [tidy(one.finding, 40) for one in results]
    return "、".join(ids[:_NAMED]) + ("等" if len(ids) > _NAMED else "")

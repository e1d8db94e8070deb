"""整改案件台账: every case with its paper, its dates and what became of its items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reports.ledger_cells import Cell, Lines, Mark, heads
from reports.ledger_columns import Order
from reports.model import AuditView, CaseView
from reports.sheets import Book
from reports.words import word

FORMS: Mapping[str, str] = {
    "letter": "征求意见函",
    "reminder": "提示函",
    "task": "整改任务书",
    "order": "责令限期整改通知书",
    "order-notice": "限期整改通知",
    "referral": "移送函",
    "proposal": "建议函",
}
STATES: Mapping[str, str] = {
    "draft": "起草",
    "reviewed": "已审核",
    "issued": "已印发",
    "served": "已送达",
    "replied": "已答复",
    "inspected": "已复查",
    "escalated": "已提请后续处理",
    "closed": "已办结",
    "withdrawn": "已撤回",
}
#: Nothing more is asked for in such a case.
OVER = frozenset({"closed", "withdrawn"})
_TONES = {"closed": "good", "withdrawn": "faint", "escalated": "warn"}


def write_cases(book: Book, view: AuditView, order: Order) -> None:
    """Adds 整改案件台账: overdue cases first, then the open ones by the day to answer, then the others."""
    columns = heads(
        "部门 16; 文书 16; 文号 20; 发往单位 16; 状态 10; 轮次 5; 印发日期 11; 送达日期 11; 答复期限 11; 是否逾期 9",
        "答复日期 11; 复查日期 11; 办结日期 11; 事项 5; 已整改 6; 未整改 6; 不能|认定 6; 案件编号 14",
        "依据法规 30; 法规规定的后果 26; 前次文号 22; 备注 30",
        "数据快照 20",
    )
    ranked = sorted(
        view.cases,
        key=lambda c: (
            not c.overdue,
            c.state in OVER,
            c.due is None,
            c.due.toordinal() if c.due else 0,
            order.rank(c.department_id),
            c.id,
        ),
    )
    book.sheet("整改案件台账", columns, _rows(ranked), printed=18)


def _rows(cases: list[CaseView]) -> Iterator[list[Cell]]:
    for case in cases:
        yield [
            case.department_name,
            word(FORMS, case.form),
            case.number,
            case.addressee or case.department_name,
            Mark(word(STATES, case.state), _TONES[case.state]) if case.state in _TONES else word(STATES, case.state),
            case.round,
            case.issued_on,
            case.served_on,
            case.due,
            _overdue(case),
            case.replied_on,
            case.inspected_on,
            case.closed_on,
            case.items,
            case.mended,
            case.not_mended,
            case.cannot_tell,
            case.id,
            case.regulation,
            case.consequence,
            Lines(case.earlier) if case.earlier else None,
            case.note,
            case.snapshot,
        ]


def _overdue(case: CaseView) -> Cell:
    """A provisional day rests on a calendar that is not published: whether it has passed may still change."""
    if case.overdue:
        return Mark("已逾期（暂定）" if case.due_provisional else "已逾期", "bad")
    return "暂定期限" if case.due_provisional and case.state not in OVER else None

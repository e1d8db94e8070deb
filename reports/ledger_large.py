"""Tables of more rows than a worksheet holds: their numbers by department, and where the rows themselves are found.

A worksheet ends at its 1,048,576th row (ECMA-376, part 1, 18.3.1.73), and no office opens five of them. What is left
out row by row is said so, on the sheet and on the first one: nothing is cut off in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from reports.account import owners
from reports.late import tally_of
from reports.ledger_cells import Cell, heads
from reports.ledger_columns import Order
from reports.model import AuditView
from reports.sheets import Book
from reports.words import STATES, word

#: Rows that a table may have to be written out.
MOST_ROWS = 1_000_000


def large_assets(view: AuditView, kind: str) -> Mapping[tuple[str, str], int] | None:
    """How many of a kind each department has, where these are more than are written out; else None."""
    if len(view.assets) <= MOST_ROWS:
        return None
    found = tally_of(view.assets, kind)
    return found if sum(found.values()) > MOST_ROWS else None


def large_sheets(view: AuditView, kinds: Mapping[str, str]) -> list[tuple[str, int]]:
    """The sheets that hold numbers in place of rows, and how many rows they stand for. ``kinds``: sheet → kind."""
    out = [
        (name, len(rows))
        for name, rows in (("问题台账", view.findings), ("待核实（无法判定）", view.unknowns))
        if len(rows) > MOST_ROWS
    ]
    return out + [
        (name, sum(found.values())) for name, kind in kinds.items() if (found := large_assets(view, kind)) is not None
    ]


def not_listed(view: AuditView, kinds: Mapping[str, str]) -> list[str]:
    """A remark on the sheets that hold numbers in place of rows, if any. ``kinds``: sheet → kind."""
    large = large_sheets(view, kinds)
    told = "、".join(f"{name}（{number:,}项）" for name, number in large)
    return [f"九、下列台账超过{MOST_ROWS:,}项，一份工作簿列不下，只列各部门的数目：{told}。"] if large else []


def write_finding_numbers(book: Book, name: str, view: AuditView, order: Order) -> None:
    told = Counter(
        (f.department_id, f.department_name, f"{f.title}（{word(STATES, f.state)}）") for f in view.findings
    )
    command = "auditor findings --all --department 部门编号"
    write_numbers(book, name, told, order, of="问题和状态", command=command)


def write_unknown_numbers(book: Book, name: str, view: AuditView, order: Order) -> None:
    """By what the rules counted: none of them is read."""
    owner = dict(owners(view))
    told = Counter[tuple[str, str, str]]()
    for count in view.counts:
        if count.verdict == "unknown":
            told[count.department_id, owner.get(count.department_id, ""), count.title] += count.number
    command = "auditor findings --unknown --department 部门编号"
    write_numbers(book, name, told, order, of="待判定的问题", command=command)


def write_numbers(
    book: Book,
    name: str,
    numbers: Mapping[tuple[str, str, str], int],
    order: Order,
    *,
    of: str,
    command: str,
) -> None:
    """A sheet of numbers by department (id, name) and by what ``of`` heads, in place of the rows themselves."""
    # Numbers of every department under every rule: some hundred thousand rows at the most.
    ordered = sorted(numbers.items(), key=lambda entry: (order.rank(entry[0][0]), entry[0]))
    rows: Iterable[list[Cell]] = ([owner, department, what, number] for (owner, department, what), number in ordered)
    total = sum(numbers.values())
    book.sheet(
        name,
        heads("部门编号 14; 部门 30", f"{of} 40", "数量 12"),
        rows,
        title=f"{name}（数目）",
        total=["", "合计", None, total],
        notes=[
            f"一、本表应列{total:,}项，超过一份工作簿可列的{MOST_ROWS:,}项，故只列各部门的数目，不逐项列出；各项均已入库，无一遗漏。",
            f"二、逐部门取得清单：{command}",
        ],
    )

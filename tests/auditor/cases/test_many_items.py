"""A case of very many findings: what a step asks of the ledger does not grow with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.engine import Engine

from auditor.cases.drawing import draw
from auditor.cases.notes import write_note
from auditor.ledger.life import Sight
from reports.papers.templates import Templates
from tests.auditor.cases.office import UNAPPROVED, WRONGS, Office


@contextmanager
def asked() -> Iterator[Counter[str]]:
    """How many statements of each kind are sent to the database."""
    found: Counter[str] = Counter()

    def count(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        found[statement.split(maxsplit=1)[0]] += 1

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", count)


def grown(office: Office, count: int) -> str:
    """An order of so many things, out and answered."""
    office.write_site(consultation=False)
    for number in range(count):
        office.wrong(UNAPPROVED, f"N{number:04d}", "mzj", f"系统{number:04d}")
    office.later(minutes=1)
    office.audit(*WRONGS, *((UNAPPROVED, f"N{number:04d}") for number in range(count)))
    (case,) = [one for one in office.draft(departments=["mzj"]).cases if one.power == "breach-of-approval"]
    return case.id


def test_what_a_step_asks_does_not_grow_with_the_items(
    office: Office, audited: Office, tmp_path_factory: object
) -> None:
    sums = []
    for count in (20, 220):
        case = grown(office, count)
        with asked() as statements:
            office.review(case)
            office.issue(case, "30d")
            office.serve(case)
            office.reply(case)
        sums.append(statements["SELECT"])
        with asked() as statements:
            office.later(minutes=1)
            office.again(*WRONGS, **{f"N{number:04d}": Sight.COMPLIANT for number in range(count)})
            office.inspect(case)
        sums[-1] += statements["SELECT"]
        office.withdraw(case)
    few, many = sums
    assert many <= few + 12, "some more for the batches of a thousand, and none for each item"


def test_only_what_changed_is_written_again(office: Office) -> None:
    """A step that touches no item keeps no thousand digests of items in the trail for ever."""
    case = grown(office, 120)
    office.out(case, "30d")
    with asked() as statements:
        office.serve(case)
        office.reply(case)
    assert statements["UPDATE"] == 2, "the case, twice"
    assert office.faults() == []


def test_a_paper_of_many_things_is_drawn_whole(office: Office) -> None:
    case = grown(office, 300)
    templates, folder = Templates.load(None), office.root / "out"
    folder.mkdir()
    first = draw(office.desk(), office.case(case), templates, folder)
    (note,) = write_note(office.desk(), office.case(case), folder)
    assert [path.name for path in (*first, note)] == [f"草稿-{case}-1.docx", f"拟稿说明-{case}.docx"]
    paper = office.out(case, "30d")
    drawn = draw(office.desk(), office.case(case), templates, folder)
    assert [path.name for path in drawn] == [
        f"{paper.number}.docx",
        f"送达回证-{paper.number}.docx",
        f"整改情况报告-{paper.number}.docx",
    ]
    words = str(paper.fields)
    assert all(f"系统{number:04d}" in words for number in range(300))


def test_the_note_on_a_second_notice_does_not_leave_out_what_it_lists(office: Office) -> None:
    case = grown(office, 3)
    office.out(case, "30d")
    office.serve(case)
    office.later(days=1)
    office.reply(case)
    office.later(days=1)
    pairs = (*WRONGS, *((UNAPPROVED, f"N{number:04d}") for number in range(3)))
    office.again(*pairs)
    office.inspect(case)
    office.second(case)
    office.later(days=1)
    office.again(*(pair for pair in pairs if pair[1] != "N0001"))
    folder = office.root / "out"
    folder.mkdir()
    (note,) = write_note(office.desk(), office.case(case), folder)
    import docx

    cells = [[cell.text for cell in row.cells] for table in docx.Document(str(note)).tables for row in table.rows]
    left_out = [row for row in cells if len(row) == 4 and row[2].startswith("系统")]
    assert [(row[2], row[3]) for row in left_out] == [("系统0001", "本次审计未能再次确认，依据已过时")]

"""A clock that was set back: every step is refused in words, and nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from auditor.errors import Refused
from auditor.ledger.errors import LedgerError
from tests.auditor.cases.office import UNAPPROVED, Office

STEPS: dict[str, Callable[[Office, str, str], object]] = {
    "draft": lambda office, issued, drafted: office.draft(),
    "review": lambda office, issued, drafted: office.review(drafted),
    "serve": lambda office, issued, drafted: office.serve(issued, date(2026, 11, 23)),
    "reply": lambda office, issued, drafted: office.reply(issued, on=date(2026, 11, 23)),
    "object": lambda office, issued, drafted: office.object_to(issued, "1"),
    "withdraw": lambda office, issued, drafted: office.withdraw(issued),
    "close": lambda office, issued, drafted: office.close_case(issued, why="办结"),
}


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_done_by_a_clock_that_was_set_back(office: Office, step: str) -> None:
    (issued,) = office.draft(findings=[office.finding(UNAPPROVED, "S3").id]).cases
    office.out(issued.id, "15d")
    drafted = next(case.id for case in office.draft().cases)
    before = office.dump()
    office.now -= timedelta(minutes=6)
    with pytest.raises((LedgerError, Refused), match="the clock says 2026-11-23T00:54:00"):
        STEPS[step](office, issued.id, drafted)
    assert office.dump() == before
    assert office.faults() == []


def test_issue_by_a_clock_that_was_set_back_takes_no_number(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, _ = office.draft().cases
    office.review(first.id)
    office.out(second.id, "15d")
    before = office.dump()
    office.later(days=-400)
    capsys.readouterr()
    assert office.type("case", "issue", first.id, "--by", "分管领导", "--within", "15d") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "the newest step in the trail was taken at 2026-11-23T01:00:00+00:00: set this machine's clock right" in (
        said.err
    )
    assert office.dump() == before
    assert not (office.root / "out").exists()
    office.later(days=401)
    office.write_site(consultation=False)
    assert office.type("case", "show", first.id) == 0


def test_two_machines_whose_clocks_differ_a_little_work_together(office: Office) -> None:
    first, second, _ = office.draft().cases
    office.out(first.id, "15d")
    office.later(minutes=-4)
    assert office.out(second.id, "15d").number == "运审管函〔2026〕2号"
    moments = [step.at for step in office.steps()]
    assert moments == sorted(moments)
    assert office.faults() == []

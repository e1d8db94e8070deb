"""The monthly bulletin: once a month, numbered like any paper, in figures of the cases as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from auditor.cases.bulletins import draft, issue_bulletin
from auditor.errors import Refused
from reports.papers.view import Form
from tests.auditor.cases.office import DRAFTER, SIGNER, UNAPPROVED, Office

NOVEMBER = date(2026, 11, 1)


@pytest.fixture(scope="module")
def bulletin(audited: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An order whose time is over, and one that was closed in the last minutes of November."""
    office = audited.copy_to(tmp_path_factory.mktemp("bulletin"))
    office.write_site(consultation=False)
    office.later(minutes=1)
    office.judged_audit()
    (late,) = office.draft(findings=[office.finding(UNAPPROVED, "S3").id]).cases
    office.out(late.id, "3d")
    office.serve(late.id)
    (closed,) = [case for case in office.draft().cases if case.department_id == "jtj"]
    office.out(closed.id)
    office.serve(closed.id)
    office.reply(closed.id)
    # Half an hour before midnight at the site, on the last of the month.
    office.now = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)
    office.thing("S5", "jtj", "客运系统", status="running", hosting=("gov_cloud",), hosting_levels=("city",))
    office.judged_audit()
    office.inspect(closed.id)
    office.close_case(closed.id)
    yield office
    office.close()


def test_the_months_figures_by_the_sites_clock(bulletin: Office) -> None:
    office = bulletin
    rows = {row.department: row for row in draft(office.desk(), NOVEMBER).rows}
    civil, traffic = rows["市民政局"], rows["市交通局"]
    assert (civil.cases_open, civil.cases_overdue, civil.cases_closed) == (1, 1, 0)
    assert (traffic.cases_open, traffic.cases_overdue, traffic.cases_closed) == (0, 0, 1)
    assert rows["市教育局"].cases_open == 0
    # The thirtieth, not the first of December as UTC might have it elsewhere.
    december = {row.department: row for row in draft(office.desk(), date(2026, 12, 1)).rows}
    assert december["市交通局"].cases_closed == 0


def test_one_bulletin_a_month_under_a_number(bulletin: Office) -> None:
    office = bulletin
    with pytest.raises(Refused, match="may not sign"):
        issue_bulletin(office.desk(), NOVEMBER, by=DRAFTER)
    paper = issue_bulletin(office.desk(), NOVEMBER, by=SIGNER)
    assert (paper.number, paper.form, paper.case) == ("运审管通〔2026〕1号", Form.BULLETIN, "")
    before = office.dump()
    with pytest.raises(Refused, match="the bulletin of 2026-11 is out already, as 运审管通〔2026〕1号"):
        issue_bulletin(office.desk(), NOVEMBER, by=SIGNER)
    assert office.dump() == before
    assert issue_bulletin(office.desk(), date(2026, 10, 1), by=SIGNER).number == "运审管通〔2026〕2号"
    assert "市民政局" in str(paper.fields)
    for name in ("救助系统", "婚姻登记系统", "低保系统", "客运系统", "自建机房"):
        assert name not in str(paper.fields), "departments and figures, and no system"
    (step,) = office.steps(paper.id)
    assert (step.act, step.actor) == ("bulletin.issue", SIGNER)
    assert office.faults() == []

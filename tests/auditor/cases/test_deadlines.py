"""Times to answer: in days, working days and months, from issue and from service, and across the year's end."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from auditor.cases import deadlines
from auditor.cases.upkeep import keep
from auditor.errors import Refused
from policies.calendars import load_calendar
from policies.model import Reply
from reports.papers.view import Form
from tests.auditor.cases.office import MIGRATE, UNAPPROVED, WRONGS, Office
from tests.auditor.cases.test_hearing import NEXT_YEAR

CALENDAR = load_calendar()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30d", Reply(30, "days", "service")),
        ("10WD", Reply(10, "working_days", "service")),
        (" 2 m ", Reply(2, "months", "service")),
        ("3660d", Reply(3660, "days", "service")),
    ],
)
def test_times_as_a_bureau_types_them(text: str, meant: Reply) -> None:
    assert deadlines.parse(text) == meant


@pytest.mark.parametrize(
    "text", ["0d", "-1d", "10", "d", "1.5d", "3661d", "99999d", "10日", "１０d", "10d 5d", "10w"]
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Refused, match="is no time: write 30d"):
        deadlines.parse(text)


@pytest.mark.parametrize(
    ("start", "text", "day"),
    [
        # The first day is not counted.
        (date(2026, 11, 23), "1d", date(2026, 11, 24)),
        (date(2026, 11, 23), "1wd", date(2026, 11, 24)),
        (date(2026, 11, 23), "10wd", date(2026, 12, 7)),
        (date(2026, 11, 23), "1m", date(2026, 12, 23)),
        # It would end on a Saturday.
        (date(2026, 11, 23), "5d", date(2026, 11, 30)),
        # The last of the National Day holiday is the seventh of October.
        (date(2026, 9, 1), "30d", date(2026, 10, 8)),
        (date(2026, 9, 1), "1m", date(2026, 10, 8)),
        # A Sunday on which work is done (2026-09-20), and a Saturday (2026-10-10).
        (date(2026, 9, 18), "2d", date(2026, 9, 20)),
        (date(2026, 10, 8), "2wd", date(2026, 10, 10)),
        # Months end with their last day.
        (date(2026, 10, 31), "1m", date(2026, 11, 30)),
    ],
)
def test_days_working_days_and_months(start: date, text: str, day: date) -> None:
    found = deadlines.due(CALENDAR, deadlines.parse(text), issued=None, served=start)
    assert found == (day, False)
    assert deadlines.due(CALENDAR, deadlines.parse(text, "issue"), issued=start, served=None) == (day, False)


def test_nothing_is_counted_before_the_day_that_it_is_counted_from() -> None:
    assert deadlines.due(CALENDAR, Reply(10, "days", "service"), issued=date(2026, 11, 23), served=None) is None
    assert deadlines.due(CALENDAR, Reply(10, "days", "issue"), issued=None, served=date(2026, 11, 23)) is None
    assert deadlines.due(CALENDAR, None, issued=date(2026, 11, 23), served=date(2026, 11, 23)) is None


@pytest.fixture
def task(office: Office) -> str:
    """Article 24 gives ten working days from the day on which the notice is received."""
    office.write_site(consultation=False)
    (case,) = office.draft(findings=[office.finding(MIGRATE, "S1").id]).cases
    assert case.form is Form.TASK
    office.review(case.id)
    return case.id


def test_ten_working_days_after_the_notice_of_article_24(office: Office, task: str) -> None:
    with pytest.raises(Refused, match="第二十四条 sets the time to answer: leave out --within"):
        office.issue(task, "30d")
    paper = office.issue(task)
    assert office.case(task).due is None, "nobody has served it yet"
    assert "自送达之日起10个工作日内" in str(paper.fields["body"])
    office.later(days=2)
    served = office.serve(task, date(2026, 11, 24))
    assert served.due == (date(2026, 12, 8), False)
    assert (served.reply, served.reply_by_bureau) == (Reply(10, "working_days", "service"), False)


def test_a_time_that_the_regulation_does_not_set_is_the_bureaus(office: Office) -> None:
    office.write_site(consultation=False)
    (case,) = office.draft(findings=[office.finding(UNAPPROVED, "S3").id]).cases
    office.review(case.id)
    with pytest.raises(Refused, match="the regulation sets no time to answer, so the bureau must"):
        office.issue(case.id)
    office.issue(case.id, "1m", "issue")
    issued = office.case(case.id)
    assert (issued.due, issued.reply_by_bureau) == ((date(2026, 12, 23), False), True)
    # Service moves nothing that runs from issue.
    office.later(days=5)
    assert office.serve(case.id).due == (date(2026, 12, 23), False)


def test_across_the_years_end_it_is_provisional_until_the_year_is_published(office: Office, task: str) -> None:
    office.now = datetime(2026, 12, 22, 1, 0, tzinfo=UTC)
    office.again(*WRONGS)
    office.issue(task)
    served = office.serve(task, date(2026, 12, 22))
    assert served.due == (date(2027, 1, 6), True)
    assert not served.overdue(date(2027, 12, 31)), "a provisional day accuses nobody"
    assert keep(office.desk()).settled == ()
    with pytest.raises(Refused, match="is provisional: no calendar of that year is here"):
        office.now = datetime(2027, 1, 20, 1, 0, tzinfo=UTC)
        office.again(*WRONGS)
        office.inspect(task)
    (office.root / "calendars").mkdir()
    (office.root / "calendars" / "2027.yaml").write_text(NEXT_YEAR, encoding="utf-8")
    (settled,) = keep(office.desk()).settled
    assert settled.due == (date(2027, 1, 7), False)
    assert settled.overdue(date(2027, 1, 8)) and not settled.overdue(date(2027, 1, 7))
    step = office.steps(task)[-1]
    assert (step.act, step.actor) == ("case.deadline", "auditor")
    assert dict(step.detail) | {"state": 0, "round": 0, "department": 0} == {
        "before": "2027-01-06",
        "due": "2027-01-07",
        "provisional": False,
        "state": 0,
        "round": 0,
        "department": 0,
    }
    # Served with the calendar there, the day is firm at once.
    assert keep(office.desk()).settled == ()
    assert office.faults() == []


def test_served_with_the_years_calendar_there_it_is_firm(office: Office, task: str) -> None:
    (office.root / "calendars").mkdir()
    (office.root / "calendars" / "2027.yaml").write_text(NEXT_YEAR, encoding="utf-8")
    office.now = datetime(2026, 12, 22, 1, 0, tzinfo=UTC)
    office.again(*WRONGS)
    office.issue(task)
    assert office.serve(task).due == (date(2027, 1, 7), False)


def test_a_day_of_service_that_cannot_be(office: Office, task: str) -> None:
    office.issue(task)
    before = office.dump()
    for on, said in ((date(2026, 11, 22), "lies before 2026-11-23, when the paper was issued"),
                     (date(2026, 11, 24), "has not come yet")):  # fmt: skip
        with pytest.raises(Refused, match=said):
            office.serve(task, on)
    with pytest.raises(Refused, match="did you mean '直接送达'"):
        office.serve(task, method="直接送")
    with pytest.raises(Refused, match="needs --witness and --reason"):
        office.serve(task, method="留置送达", witness=" ", reason="拒收")
    with pytest.raises(Refused, match="--receiver is empty"):
        office.serve(task, receiver="  ")
    assert office.dump() == before
    served = office.serve(task, method="留置送达", witness="机关事务科", reason="拒绝签收", place="一楼")
    assert served.service["witness"] == "机关事务科"


def test_a_reply_does_not_bar_the_service_from_being_noted(office: Office, task: str) -> None:
    """It came before anybody typed the receipt in; what follows cites the day of service, so it must go in."""
    office.issue(task)
    office.later(days=1)
    office.reply(task, "已办理")
    served = office.serve(task, date(2026, 11, 23))
    assert (served.state.value, served.served_on, served.due) == (
        "replied",
        date(2026, 11, 23),
        (date(2026, 12, 7), False),
    )
    with pytest.raises(Refused, match="was served on 2026-11-23 already"):
        office.serve(task)

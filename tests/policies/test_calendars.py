"""Working days: the years that ship, held against an independent library, and files that cannot be right."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventories.faults import Faults
from policies.calendars import FOLDER, MAX_AMOUNT, Calendar, Due, load_calendar, statutory_days
from policies.calendars.reading import read_year, year_files
from policies.model import Reply

SHIPPED = (2025, 2026)
SHIPPED_DAYS = [date(SHIPPED[0], 1, 1) + timedelta(days=n) for n in range(730)]
TEN = Reply(10, "working_days", "service")

GOOD = """\
year: 2027
notice: {number: 国办发明电〔2026〕0号, date: 2026-11-10}
off:
  - {name: 元旦, from: 2027-01-01, to: 2027-01-03}
  - {name: 示例节, from: 2027-05-03}
work: [2027-01-09]
"""


@pytest.fixture
def calendar() -> Calendar:
    return load_calendar()


def write(folder: Path, content: str = GOOD, name: str = "2027.yaml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content, encoding="utf-8")
    return folder / name


# --- the years that ship ------------------------------------------------------------------------------------


def test_2025_and_2026_ship_with_the_numbers_of_their_notices(calendar: Calendar) -> None:
    numbers = {year.year: (year.number, year.issued_on) for year in calendar.years.values()}
    assert numbers == {
        2025: ("国办发明电〔2024〕12号", date(2024, 11, 12)),
        2026: ("国办发明电〔2025〕7号", date(2025, 11, 4)),
    }


def test_every_day_is_what_an_independent_library_says(calendar: Calendar) -> None:
    differing = [d for d in SHIPPED_DAYS if calendar.is_working_day(d) != chinese_calendar.is_workday(d)]
    assert differing == []
    assert [sum(calendar.is_working_day(d) for d in SHIPPED_DAYS if d.year == year) for year in SHIPPED] == [248, 248]


@given(start=st.sampled_from(SHIPPED_DAYS), n=st.integers(1, 60))
def test_counting_is_what_the_library_counts(start: date, n: int) -> None:
    calendar = load_calendar()
    due = calendar.add_working_days(start, n)
    assert due.provisional == (due.day.year not in SHIPPED)
    if not due.provisional:
        assert len(chinese_calendar.get_workdays(start + timedelta(days=1), due.day)) == n
        assert chinese_calendar.is_workday(due.day)
        assert calendar.working_days_between(start, due.day) == (n, False)


def test_statutory_days_agree_with_the_notices_of_the_years_that_ship(calendar: Calendar) -> None:
    """Of the days that follow the moon only those of later years are listed; the fixed ones can be held here."""
    for year in SHIPPED:
        assert not [day for day in statutory_days(year) if calendar.is_working_day(day)]


def test_thirteen_days_are_statutory_in_every_year_of_the_table() -> None:
    counts = {year: len(statutory_days(year)) for year in range(2027, 2036)}
    # 中秋 falls on one of the first three days of October, which are off already.
    assert counts == {year: 12 if year in (2028, 2031) else 13 for year in range(2027, 2036)}


# --- counting -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "n", "expected"),
    [
        (date(2026, 11, 23), 10, Due(date(2026, 12, 7), False)),  # a Monday; it is not counted itself
        (date(2026, 9, 30), 1, Due(date(2026, 10, 8), False)),  # over the holiday
        (date(2026, 10, 8), 2, Due(date(2026, 10, 10), False)),  # a Saturday that is worked
        (date(2026, 10, 1), 1, Due(date(2026, 10, 8), False)),  # served on a day off
        (date(2026, 2, 13), 1, Due(date(2026, 2, 14), False)),
        (date(2026, 2, 14), 1, Due(date(2026, 2, 24), False)),
        (date(2026, 12, 30), 1, Due(date(2026, 12, 31), False)),  # the last day that is known
        (date(2026, 12, 31), 1, Due(date(2027, 1, 4), True)),  # the first that is not
        (date(2026, 11, 23), 30, Due(date(2027, 1, 5), True)),
        (date(2027, 2, 4), 1, Due(date(2027, 2, 9), True)),  # 除夕 to 初三 are off by the regulation itself
    ],
)
def test_working_days_are_counted_from_the_day_after(calendar: Calendar, start: date, n: int, expected: Due) -> None:
    assert calendar.add_working_days(start, n) == expected


def test_a_provisional_day_says_so() -> None:
    assert str(Due(date(2027, 1, 5), True)) == "2027年1月5日（暂定）"
    assert str(Due(date(2026, 12, 7), False)) == "2026年12月7日"


@pytest.mark.parametrize(
    ("reply", "start", "expected"),
    [
        (TEN, date(2026, 11, 23), Due(date(2026, 12, 7), False)),
        (Reply(30, "days", "service"), date(2026, 11, 23), Due(date(2026, 12, 23), False)),
        (Reply(3, "days", "service"), date(2026, 9, 30), Due(date(2026, 10, 8), False)),  # ends on a day off
        (Reply(1, "months", "issue"), date(2026, 1, 31), Due(date(2026, 2, 28), False)),  # a Saturday that is worked
        (Reply(1, "months", "issue"), date(2026, 12, 1), Due(date(2027, 1, 4), True)),
    ],
)
def test_a_time_to_reply_ends(calendar: Calendar, reply: Reply, start: date, expected: Due) -> None:
    assert calendar.due(start, reply) == expected


@pytest.mark.parametrize("n", [0, -1, MAX_AMOUNT + 1])
def test_absurd_amounts_are_refused(calendar: Calendar, n: int) -> None:
    with pytest.raises(ValueError, match="is not between"):
        calendar.add_working_days(date(2026, 1, 1), n)
    with pytest.raises(ValueError, match="is not between"):
        calendar.due(date(2026, 1, 1), Reply(n, "days", "issue"))
    with pytest.raises(ValueError, match="no unit"):
        calendar.due(date(2026, 1, 1), Reply(1, "weeks", "issue"))


# --- a year that comes later --------------------------------------------------------------------------------


def test_a_provisional_deadline_is_computed_again_when_the_year_comes(calendar: Calendar, tmp_path: Path) -> None:
    before = calendar.deadline(date(2026, 12, 25), TEN)
    firm = calendar.deadline(date(2026, 11, 23), TEN)
    assert before.due == Due(date(2027, 1, 11), True)
    write(tmp_path / "calendars")
    with_2027 = load_calendar(tmp_path / "calendars")
    assert with_2027.again(before).due == Due(date(2027, 1, 9), False), "the ninth is a Saturday that is worked"
    assert with_2027.again(firm) is firm
    assert calendar.again(before) == before
    assert set(calendar.years) == set(SHIPPED), "another site's year is not everybody's"


def test_a_sites_file_replaces_a_year_that_ships(tmp_path: Path) -> None:
    amended = (FOLDER / "2026.yaml").read_text(encoding="utf-8").replace("to: 2026-10-07", "to: 2026-10-08")
    write(tmp_path / "calendars", amended, "2026.yaml")
    assert not load_calendar(tmp_path / "calendars").is_working_day(date(2026, 10, 8))
    assert load_calendar().is_working_day(date(2026, 10, 8))


def test_a_site_without_a_folder_has_the_years_that_ship(tmp_path: Path) -> None:
    assert set(load_calendar(tmp_path / "calendars").years) == set(SHIPPED)


# --- files that cannot be right -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "where", "what"),
    [
        (("work: [2027-01-09]", "work: [2027-01-02]"), ":6:8", "is worked, and off for 元旦"),
        (("work: [2027-01-09]", "work: [2026-01-10]"), ":6:8", "is no day of 2027"),
        (("work: [2027-01-09]", "work: [2027-01-11]"), ":6:8", "is a Monday, which is worked anyway"),
        (("work: [2027-01-09]", "work: [2027-01-09, 2027-01-09]"), ":6:20", "stands twice"),
        (("work: [2027-01-09]", "work: [2027-02-30]"), ":6:8", "is no date of the calendar"),
        (("work: [2027-01-09]", "work: [九日]"), ":6:8", "cannot be '九日': write YYYY-MM-DD"),
        (("from: 2027-05-03", "from: 2027-05-02"), ":5:5", "lies on a weekend, which is off already"),
        (("from: 2027-05-03", "from: 2028-05-03"), ":5:23", "is no day of 2027"),
        (("from: 2027-05-03", "from: 2027-01-03, to: 2027-01-04"), ":5:5", "is already off for 元旦"),
        (("to: 2027-01-03", "to: 2027-01-01"), "", ""),
        (("from: 2027-05-03", "from: 2027-05-03, to: 2027-05-01"), ":5:39", "ends before it begins"),
        (("from: 2027-05-03", "from: 2027-05-03, to: 2027-06-30"), ":5:5", "is 59 days long"),
        (("year: 2027", "year: 2028"), ":1:7", "is 2028 in a file named 2027.yaml"),
        (("date: 2026-11-10", "date: 2024-11-10"), ":2:", "a notice of 2024-11-10 cannot be about 2027"),
        (("date: 2026-11-10", "data: 2026-11-10"), ":2:", "unknown key 'data': did you mean 'date'?"),
        (("work: [2027-01-09]\n", ""), ":1:1", "lacks 'work'"),
        (("number: 国办发明电〔2026〕0号, ", ""), ":2:9", "lacks 'number'"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else value[1].strip() or "left out",
)
def test_faults_name_their_place(tmp_path: Path, edit: tuple[str, str], where: str, what: str) -> None:
    assert GOOD.count(edit[0]) == 1
    path = write(tmp_path / "calendars", GOOD.replace(*edit))
    if not what:
        assert read_year(path).off == {date(2027, 1, 1): "元旦", date(2027, 5, 3): "示例节"}
        return
    with pytest.raises(Faults) as error:
        load_calendar(tmp_path / "calendars")
    assert any(f.where.startswith(f"{path}{where}") and what in str(f) for f in error.value.faults), error.value


def test_the_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "calendars"
    write(folder, GOOD.replace("work: [2027-01-09]", "work: [2027-01-02, 2027-01-12]"))
    write(folder, "year: 2028\n", "2028.yaml")
    with pytest.raises(Faults) as error:
        load_calendar(folder)
    assert {Path(f.where.split(":")[0]).name for f in error.value.faults} == {"2027.yaml", "2028.yaml"}
    assert len(error.value.faults) == 5


def test_a_misspelt_year_does_not_go_unread(tmp_path: Path) -> None:
    write(tmp_path / "calendars", name="2027年.yaml")
    write(tmp_path / "calendars", name="2027.yml")
    with pytest.raises(Faults) as error:
        load_calendar(tmp_path / "calendars")
    assert len(error.value.faults) == 2 and "is not named after a year" in str(error.value)
    assert year_files(tmp_path / "nowhere") == ()


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    for content in ("a: &a [*a]\n", "x: " + "y" * 70_000, "\xff", "[]"):
        path = write(tmp_path / "calendars", content)
        if content == "\xff":
            path.write_bytes(b"\xff\xfe")
        with pytest.raises(Faults):
            read_year(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(Faults, match="cannot be read"):
        read_year(path)

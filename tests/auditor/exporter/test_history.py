"""The history keeps every day's figures by their changes alone, and gives each day back as it stood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import Connection, func, select

from auditor.ledger import history
from auditor.ledger.history import Labels
from auditor.ledger.history_tables import history as table
from auditor.ledger.store import Ledger
from auditor.trends import openmetrics
from tests.auditor.ledgers import ledger_of

DAY = date(2026, 1, 1)
CHINA = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(ledger_of(tmp_path / "ledger.sqlite")) as made:
        yield made


def of(department: str) -> Labels:
    return (("department", department),)


def note(ledger: Ledger, day: date, **standing: Mapping[str, float]) -> int:
    """``auditor_cases={"mzj": 1}``: what stands, by department."""
    with ledger.writing() as connection:
        return noted(connection, day, **standing)


def noted(connection: Connection, day: date, **standing: Mapping[str, float]) -> int:
    told = {name: {of(who): value for who, value in series.items()} for name, series in standing.items()}
    return history.note(connection, day, told)


def on(ledger: Ledger, day: date, metric: str = "auditor_systems_in_scope") -> dict[str, float]:
    """What stood on a day."""
    with ledger.reading() as connection:
        return stood_on(connection, day, metric)


def stood_on(connection: Connection, day: date, metric: str = "auditor_systems_in_scope") -> dict[str, float]:
    out = {}
    for line in history.lines(connection, (metric,)):
        past = [value for changed, value in line.changes if changed <= day]
        if past and past[-1] is not None:
            out[dict(line.labels)["department"]] = past[-1]
    return out


def count(ledger: Ledger) -> int:
    with ledger.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_what_did_not_change_takes_no_row(ledger: Ledger) -> None:
    assert note(ledger, DAY, auditor_systems_in_scope={"mzj": 3, "jtj": 0}) == 2
    for days in range(1, 40):
        assert note(ledger, DAY + timedelta(days=days), auditor_systems_in_scope={"mzj": 3, "jtj": 0}) == 0
    assert note(ledger, DAY + timedelta(days=40), auditor_systems_in_scope={"mzj": 4}) == 2
    assert count(ledger) == 4
    assert on(ledger, DAY + timedelta(days=39)) == {"mzj": 3, "jtj": 0}
    # A nought is a value; one that is gone is none.
    assert on(ledger, DAY + timedelta(days=40)) == {"mzj": 4}
    assert on(ledger, DAY - timedelta(days=1)) == {}


def test_of_one_day_the_last_word_counts(ledger: Ledger) -> None:
    note(ledger, DAY, auditor_systems_in_scope={"mzj": 3})
    after = DAY + timedelta(days=1)
    assert note(ledger, after, auditor_systems_in_scope={"mzj": 5, "jtj": 1}) == 2
    assert note(ledger, after, auditor_systems_in_scope={"mzj": 6}) == 2
    assert on(ledger, after) == {"mzj": 6}
    # Back to what stood the day before: as if nothing had been.
    assert note(ledger, after, auditor_systems_in_scope={"mzj": 3}) == 1
    assert count(ledger) == 1


def test_other_metrics_stay_as_they_are(ledger: Ledger) -> None:
    note(ledger, DAY, auditor_systems_in_scope={"mzj": 3}, auditor_cases_overdue={"mzj": 1})
    note(ledger, DAY + timedelta(days=5), auditor_cases_overdue={})
    assert on(ledger, DAY + timedelta(days=9)) == {"mzj": 3}
    assert on(ledger, DAY + timedelta(days=9), "auditor_cases_overdue") == {}


def test_a_clock_that_was_set_back_rewrites_nothing(ledger: Ledger) -> None:
    note(ledger, DAY, auditor_systems_in_scope={"mzj": 3})
    note(ledger, DAY + timedelta(days=9), auditor_systems_in_scope={"mzj": 4})
    assert note(ledger, DAY + timedelta(days=5), auditor_systems_in_scope={"mzj": 99}) == 0
    assert on(ledger, DAY + timedelta(days=8)) == {"mzj": 3}


def test_labels_are_kept_as_they_were(ledger: Ledger) -> None:
    name = '局"\\ 一\u3000{}=,'
    labels = (("department", "mzj"), ("name", name), ("region", ""), ("sector", "none"))
    with ledger.writing() as connection:
        history.note(connection, DAY, {"auditor_department_info": {labels: 1.0}})
        assert history.current(connection, "auditor_department_info") == {labels: 1.0}


class Undone(Exception):
    """Takes back what an example wrote."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger.open(ledger_of(tmp_path_factory.mktemp("history") / "ledger.sqlite")) as made:
        yield made


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 3).map(float))),
        max_size=10,
    )
)
def test_every_day_is_given_back_as_it_stood(shared: Ledger, steps: list[tuple[int, dict[str, float]]]) -> None:
    """Against the simplest of models: every day written down whole."""
    with pytest.raises(Undone), shared.writing() as connection:
        day, stood = DAY, dict[date, dict[str, float]]()
        for later, standing in steps:
            day += timedelta(days=later)
            noted(connection, day, auditor_systems_in_scope=standing)
            stood[day] = standing
        now: dict[str, float] = {}
        for days in range((day - DAY).days + 2):
            now = stood.get(DAY + timedelta(days=days), now)
            assert stood_on(connection, DAY + timedelta(days=days)) == now
        raise Undone


# --- written out --------------------------------------------------------------------------------------------


def written(
    ledger: Ledger, until: date, *, since: date | None = None, now: datetime | None = None, **labels: str
) -> str:
    with ledger.reading() as connection:
        return "".join(
            openmetrics(
                connection,
                since=since,
                until=until,
                timezone=CHINA,
                now=now or datetime(2030, 1, 1, tzinfo=UTC),
                labels=labels,
            )
        )


def samples(text: str) -> list[tuple[str, dict[str, str], float, date]]:
    return [
        (s.name, s.labels, s.value, datetime.fromtimestamp(float(s.timestamp), CHINA).date())
        for family in text_string_to_metric_families(text)
        for s in family.samples
    ]


def test_a_sample_for_each_day_at_its_end(ledger: Ledger) -> None:
    note(ledger, DAY, auditor_systems_in_scope={"mzj": 3})
    note(ledger, DAY + timedelta(days=2), auditor_systems_in_scope={"mzj": 4.5})
    note(ledger, DAY + timedelta(days=3), auditor_systems_in_scope={})
    text = written(ledger, DAY + timedelta(days=9))
    assert [(value, day.day) for _, _, value, day in samples(text)] == [(3, 1), (3, 2), (4.5, 3)]
    stamp = int(datetime(2026, 1, 1, 23, 59, 59, tzinfo=CHINA).timestamp())
    assert f'auditor_systems_in_scope{{department="mzj"}} 3 {stamp}\n' in text
    assert text.startswith("# HELP auditor_systems_in_scope Systems in scope of migration: the denominator")
    assert text.endswith("\n# EOF\n")


def test_between_two_days_and_with_the_scrapers_labels(ledger: Ledger) -> None:
    note(ledger, DAY, auditor_systems_in_scope={"mzj": 3})
    text = written(
        ledger, DAY + timedelta(days=6), since=DAY + timedelta(days=4), job="auditor", instance='a"\\\nb:9464'
    )
    assert [(labels, day.day) for _, labels, _, day in samples(text)] == [
        ({"department": "mzj", "job": "auditor", "instance": 'a"\\\nb:9464'}, day) for day in (5, 6, 7)
    ]


def test_nothing_is_told_of_the_future(ledger: Ledger) -> None:
    note(ledger, DAY, auditor_systems_in_scope={"mzj": 3})
    noon = datetime(2026, 1, 2, 12, tzinfo=CHINA)
    text = written(ledger, DAY + timedelta(days=1), now=noon)
    assert max(float(line.split()[-1]) for line in text.splitlines() if line[0] != "#") == noon.timestamp()


def test_a_history_of_nothing_is_a_whole_file(ledger: Ledger) -> None:
    assert written(ledger, DAY) == "# EOF\n"


def test_metrics_of_another_version_are_left_out(ledger: Ledger) -> None:
    note(ledger, DAY, auditor_long_gone={"mzj": 3}, auditor_systems_in_scope={"mzj": 1})
    assert "long_gone" not in written(ledger, DAY)

"""What audits and cases leave in the history, and ``metrics --backfill``."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import delete

from auditor.ledger import history, history_tables, tallies
from auditor.ledger.errors import LedgerError
from auditor.ledger.store import Ledger
from auditor.overview import newest_overview
from auditor.site import Site
from auditor.trends import note_audit, note_cases, noting
from reports.metrics import figures
from reports.metrics_names import KEPT, METRICS
from reports.model import AuditView
from tests.auditor.exporter.conftest import CLOSED
from tests.auditor.office import BEGIN, Office


def standing(ledger: Ledger) -> dict[str, dict[tuple[str, ...], float]]:
    """What the history says now, as the metrics say it."""
    out = {}
    with ledger.reading() as connection:
        for name in KEPT:
            found = history.current(connection, name)
            out[name] = {
                tuple(dict(key)[label] for label in METRICS[name].labels): value for key, value in found.items()
            }
    return out


def kept(view: AuditView, today: date) -> dict[str, dict[tuple[str, ...], float]]:
    """What of an audit's figures is to be kept."""
    told = (one for part in figures(view, today).values() for one in part)
    return {one.metric.name: dict(one.series) for one in told if one.metric.kept}


def forget(ledger: Ledger) -> None:
    """A ledger of the version before, which kept no history."""
    with ledger.writing() as connection:
        for table in (history_tables.history, history_tables.history_series, history_tables.audit_stages):
            connection.execute(delete(table))


def withdraw(office: Office) -> None:
    reviewed = next(one["id"] for one in office.json("case", "list") if one["state"] == "reviewed")
    office.do("case", "withdraw", reviewed, "--by", "分管领导", "--reason", "另行处理")


def test_an_audit_leaves_the_very_figures_that_are_served(worked: Office, site: Site) -> None:
    with Ledger.open(worked.ledger) as ledger:
        assert standing(ledger)["auditor_systems_in_scope"], "the audit itself noted it"
        forget(ledger)
        view = newest_overview(site, ledger, worked.now)
        assert note_audit(site, ledger, view, {"collect": 1.0}, now=worked.now) > 20
        expected = kept(view, site.today(view.ended_at))
        assert standing(ledger) == expected
        assert expected.keys() == set(KEPT)
        assert note_audit(site, ledger, view, now=worked.now) == 0, "doing it again changes nothing"
        assert ledger.stages(view.run) == {"collect": 1.0}


def test_what_people_did_since_is_not_put_before_they_did_it(worked: Office, site: Site) -> None:
    """The audit ended weeks ago, without a case; what became of its findings since is of today."""
    with Ledger.open(worked.ledger) as ledger:
        forget(ledger)
        note_audit(site, ledger, newest_overview(site, ledger, worked.now), now=worked.now)
        with ledger.reading() as connection:
            days = {
                name: {day for line in history.lines(connection, (name,)) for day, _ in line.changes}
                for name in ("auditor_systems", "auditor_rooms", "auditor_cases", "auditor_findings")
            }
    assert days == {
        "auditor_systems": {BEGIN},
        "auditor_rooms": {BEGIN},
        "auditor_cases": {CLOSED},
        "auditor_findings": {CLOSED},
    }


def test_a_step_on_a_case_is_noted_on_its_day(worked: Office, site: Site) -> None:
    with Ledger.open(worked.ledger) as ledger:
        note_audit(site, ledger, newest_overview(site, ledger, worked.now), now=worked.now)
        worked.wait(days=2)
        with noting(site, ledger, worked.now):
            withdraw(worked)
        assert standing(ledger) == kept(newest_overview(site, ledger, worked.now), CLOSED) | {
            "auditor_assessments": standing(ledger)["auditor_assessments"]
        }
        with ledger.reading() as connection:
            days = {day for line in history.lines(connection, ("auditor_cases",)) for day, _ in line.changes}
        assert max(days) == worked.now.date()


def test_where_no_step_is_taken_nothing_is_written(
    worked: Office, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(worked.ledger) as ledger:
        forget(ledger)
        with noting(site, ledger, worked.now):
            assert worked.json("case", "list")
        with ledger.reading() as connection:
            assert history.first_day(connection) is None
        # A step that was taken stands, though the history could not be told of it.

        def full(*_: object) -> None:
            raise LedgerError("ledger.sqlite", "the disk is full")

        monkeypatch.setattr("auditor.trends.note_cases", full)
        with noting(site, ledger, worked.now):
            withdraw(worked)
        with ledger.reading() as connection:
            assert "withdrawn" in {state for _, state in tallies.cases_by(connection)}
            assert history.first_day(connection) is None


def test_before_any_audit_was_noted_departments_are_those_of_the_ledger(worked: Office) -> None:
    with Ledger.open(worked.ledger) as ledger, ledger.writing() as connection:
        note_cases(connection, CLOSED)
        found = history.current(connection, "auditor_cases")
        assert (
            {dict(key)["department"] for key in found}
            == tallies.departments(connection)
            == {
                "mzj",
                "whj",
                "wlj",
                "jtj",
            }
        )


# --- metrics --backfill -------------------------------------------------------------------------------------


def days_of(file: Path, name: str) -> dict[date, float]:
    out: dict[date, float] = {}
    for family in text_string_to_metric_families(file.read_text(encoding="utf-8")):
        for sample in family.samples:
            if sample.name == name:
                day = date.fromtimestamp(float(sample.timestamp) + 8 * 3600)
                out[day] = out.get(day, 0) + sample.value
    return out


def test_backfill_writes_every_day_up_to_yesterday(worked: Office, tmp_path: Path) -> None:
    file = tmp_path / "history.om"
    worked.do("metrics", "--backfill", str(file))
    assert worked.out == ""
    assert file.stat().st_mode & 0o777 == 0o600
    days = days_of(file, "auditor_systems_in_scope")
    assert list(days) == [BEGIN + timedelta(days=n) for n in range((CLOSED - BEGIN).days)]
    assert set(days.values()) == {4}


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        (("--since", "2026-12-01", "--until", "2026-12-05"), date(2026, 12, 1), date(2026, 12, 5)),
        (("--until", "2026-12-17"), BEGIN, CLOSED),
    ],
)
def test_backfill_of_chosen_days(
    worked: Office, tmp_path: Path, words: tuple[str, ...], first: date, last: date
) -> None:
    file = tmp_path / "history.om"
    worked.do("metrics", "--backfill", str(file), *words, "--label", "job=auditor")
    days = days_of(file, "auditor_systems_in_scope")
    assert (min(days), max(days)) == (first, last)
    assert 'job="auditor"' in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--until", "2026-12-18"), "still to come"),
        (("--until", "tomorrow"), "is no date"),
        (("--since", "2026-13-01"), "is no date"),
        (("--until", "2026-11-22"), "the history begins on 2026-11-23"),
        (("--label", "job"), "is no label"),
        (("--label", "__name__=x"), "is no label"),
        (("--label", "a b=x"), "is no label"),
        (("--label", "department=x"), "have a label of that name already"),
    ],
)
def test_backfill_refuses_what_it_cannot_mean(
    worked: Office, tmp_path: Path, words: tuple[str, ...], why: str
) -> None:
    file = tmp_path / "history.om"
    assert why in worked.refused("metrics", "--backfill", str(file), *words)
    assert not file.exists()

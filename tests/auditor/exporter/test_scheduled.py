"""How the schedule stands, as metrics: read from notes that a scheduler left, whoever serves them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auditor import clock
from auditor.exporter import scheduled
from auditor.schedule import book
from auditor.schedule.book import Book, Outcome, Run
from auditor.schedule.plan import plan_of
from auditor.schedule.rules import Reason, Skip
from auditor.site import Site, load_site
from reports import metrics_names
from reports.metrics import Format, render
from reports.metrics_office import Scheduled, schedule
from tests.auditor.exporter.reading import Read
from tests.auditor.schedule.conftest import at
from tests.auditor.schedule.test_scheduler import site_text, zone

NOW = at("2026-11-23 12:00")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(clock, "utc_now", lambda: NOW)
    text = zone("mzj", "127.77.0.0/28", "schedule: [{cron: '0 22 * * *'}, {cron: '0 3 * * *', probes: [ssh]}]")
    frozen = "schedule: [{cron: '0 20 * * *'}]\n    freeze: [{from: 2026-11-23, to: 2026-11-24}]"
    text += zone("jtj", "127.77.1.0/28", frozen)
    more = "judge: '30 6 * * *', announce_days: 3, contact: 政务信息科"
    (tmp_path / "site.yaml").write_text(site_text(text, more), encoding="utf-8")
    return load_site(tmp_path)


def told(site: Site) -> Read:
    found = scheduled.scheduled(site)
    assert found is not None
    return Read((render(schedule(found), Format.PLAIN)).decode())


def note(site: Site) -> Book:
    kept = Book(site.state / "schedule" / "jobs")
    kept.prepare()
    job = next(iter(plan_of(site.config).jobs.values()))
    notes = book.skipped(book.begun(job, NOW), Skip(NOW, Reason.FROZEN, "x", 3), NOW)
    run = Run(NOW, at("2026-11-22 22:00"), ended=NOW, outcome=Outcome.DONE)
    kept.write(book.ended(book.started(notes, run), run, with_scheduler=False))
    return kept


def test_what_comes_next_and_what_was(site: Site) -> None:
    assert told(site).by("auditor_schedule_next_run_timestamp_seconds", "zone") == {
        "mzj": at("2026-11-23 22:00").timestamp(),
        "jtj": at("2026-11-25 20:00").timestamp(),
        "none": at("2026-11-24 06:30").timestamp(),
    }
    assert told(site).by("auditor_schedule_last_run_timestamp_seconds", "zone") == {}
    note(site)
    read = told(site)
    assert read.by("auditor_schedule_last_run_timestamp_seconds", "zone") == {
        "mzj": at("2026-11-22 22:00").timestamp()
    }
    assert read.by("auditor_schedule_skipped_runs", "zone", "reason") == {("mzj", "frozen"): 3}


def test_a_changed_site_and_changed_notes_show(site: Site) -> None:
    kept = note(site)
    told(site)
    (notes,) = kept.all()
    kept.write(replace(notes, counted={"frozen": 9, "made up": 1}))
    assert told(site).by("auditor_schedule_skipped_runs", "reason") == {"frozen": 9, "other": 1}
    path = site.root / "site.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("0 22 * * *", "0 21 * * *"), encoding="utf-8")
    assert (
        told(site).by("auditor_schedule_next_run_timestamp_seconds", "zone")["mzj"]
        == at("2026-11-23 21:00").timestamp()
    )


def test_spoiled_notes_are_untold_and_no_nought(site: Site) -> None:
    note(site)
    (path,) = (site.state / "schedule" / "jobs").iterdir()
    path.write_bytes(b"{")
    assert scheduled.scheduled(site) is None


def test_every_reason_is_a_label(site: Site) -> None:
    assert set(metrics_names.SKIPPED) == {reason.value for reason in Reason}
    assert schedule(Scheduled({}, {}, {}))[0].series == {}

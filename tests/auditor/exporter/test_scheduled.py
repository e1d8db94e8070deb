"""How the schedule stands, as metrics: read from notes that a scheduler left, whoever serves them."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from auditor import clock, looks
from auditor.exporter import scheduled
from auditor.schedule import book
from auditor.schedule.book import Book, Outcome, Run
from auditor.schedule.desk import EVERYTHING, Desk
from auditor.schedule.plan import plan_of
from auditor.schedule.rules import Reason, Skip
from auditor.site import Site, load_site
from auditor.site_zones import ZoneConfig
from auditor.workers.answered import Listening
from inventories.model import Collection, Failure
from inventories.signing import new_key
from reports import metrics_names
from reports.metrics import Format, render
from reports.metrics_office import Scheduled, schedule, watch
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


def test_thinning_is_no_judging(site: Site) -> None:
    (site.root / "site.yaml").open("a", encoding="utf-8").write("retention: {}\n")
    kept = Book(site.state / "schedule" / "jobs")
    kept.prepare()
    (thin,) = [job for job in plan_of(load_site(site.root).config).jobs.values() if job.kind == "thin"]
    run = Run(NOW, NOW, ended=NOW, outcome=Outcome.DONE)
    kept.write(book.ended(book.started(book.begun(thin, NOW), run), run, with_scheduler=False))
    read = told(site)
    assert read.by("auditor_schedule_last_run_timestamp_seconds", "zone") == {}
    # 04:40 comes before 06:30.
    following = read.by("auditor_schedule_next_run_timestamp_seconds", "zone")
    assert following["none"] == at("2026-11-24 06:30").timestamp()


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


# --- who looks, and how new that is -------------------------------------------------------------------------


def watched(site: Site) -> Read:
    found = scheduled.watch(site)
    assert found is not None
    return Read((render(watch(found), Format.PLAIN)).decode())


def home(site: Site, until: str, probes: tuple[str, ...], name: str = "mzj") -> Path:
    seen = at(until)
    head = looks.head(site.id, site.places.zones[name], probes, seen=(seen - timedelta(minutes=5), seen), at=seen)
    return looks.save(site, head, Collection()).path


def test_a_site_that_has_just_begun_has_nothing_to_be_late_with(site: Site) -> None:
    assert set(watched(site).samples) == set()
    assert not {name for name in told(site).samples if "paused" in name or "stopped" in name}


def test_by_when_a_look_has_to_be_home(site: Site) -> None:
    kept = Book(site.state / "schedule" / "jobs")
    kept.prepare()
    for job in plan_of(site.config).jobs.values():
        kept.write(book.begun(job, at("2026-11-20 12:00")))
    deadline = "auditor_look_deadline_timestamp_seconds"
    # The earliest of both lines of mzj; jtj was frozen since, which is no planned look.
    assert watched(site).by(deadline, "zone") == {
        "mzj": at("2026-11-21 04:00").timestamp(),
        "jtj": at("2026-11-21 02:00").timestamp(),
    }
    home(site, "2026-11-22 23:00", ("nmap", "endpoints", "names"))
    home(site, "2026-11-22 21:00", ("nmap",), "jtj")
    assert watched(site).by(deadline, "zone") == {
        "mzj": at("2026-11-24 04:00").timestamp(),
        "jtj": at("2026-11-26 02:00").timestamp(),
    }


def test_what_the_newest_look_of_each_probe_still_says(site: Site) -> None:
    home(site, "2026-11-20 23:00", ("nmap", "endpoints"))
    home(site, "2026-11-22 23:00", ("nmap",))
    # Of a probe that has no way in any more nobody waits for a newer look.
    home(site, "2026-11-01 23:00", ("ssh",))
    read = watched(site)
    assert read.by("auditor_look_seen_timestamp_seconds", "zone", "by") == {
        ("mzj", "centre"): at("2026-11-22 23:00").timestamp()
    }
    assert read.by("auditor_look_expires_timestamp_seconds", "zone", "by") == {
        ("mzj", "centre"): at("2026-11-28 23:00").timestamp()
    }
    assert read.by("auditor_look_deadline_timestamp_seconds", "zone") == {}


def test_of_a_zone_by_bundle_the_newest_bundle_counts(site: Site) -> None:
    path = site.root / "site.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("schedule: [{cron: '0 20 * * *'}]", "by: bundle\n    valid_days: 30"), encoding="utf-8"
    )
    home(site, "2026-11-01 23:00", ("nmap", "endpoints"), "jtj")
    home(site, "2026-11-20 23:00", ("nmap",), "jtj")
    assert watched(site).by("auditor_look_expires_timestamp_seconds", "zone", "by") == {
        ("jtj", "bundle"): at("2026-12-20 23:00").timestamp()
    }


def test_pauses_and_the_stop_show_for_as_long_as_they_last(site: Site) -> None:
    desk = Desk(site.state / "schedule")
    desk.pause("mzj", at=at("2026-11-22 08:00"))
    desk.pause(EVERYTHING, at=at("2026-11-23 08:00"))
    desk.pause("gone", at=NOW)
    desk.file("jtj").write_text("{", encoding="utf-8")
    torn = at("2026-11-21 08:00").timestamp()
    os.utime(desk.file("jtj"), (torn, torn))
    site.stop_file.write_text("", encoding="utf-8")
    os.utime(site.stop_file, (torn, torn))
    read = told(site)
    assert read.by("auditor_schedule_paused_timestamp_seconds", "zone") == {
        "mzj": at("2026-11-22 08:00").timestamp(),
        "_everything": at("2026-11-23 08:00").timestamp(),
        "jtj": torn,
    }
    assert read.one("auditor_probing_stopped_timestamp_seconds") == torn
    for zone_id in ("mzj", "jtj", EVERYTHING):
        desk.resume(zone_id)
    site.stop_file.unlink()
    assert not {name for name in told(site).samples if "paused" in name or "stopped" in name}


def test_workers_that_answer_and_those_that_do_not(site: Site) -> None:
    path = site.root / "site.yaml"
    text = path.read_text(encoding="utf-8").replace("schedule: [{cron: '0 20 * * *'}]", "by: worker")
    text += (
        f"keys: [{{id: k, public: '{new_key('k').public}', zones: [jtj]}}]\n"
        "workers: {broker: 'amqps://b.example.cn', password: 'env:P', signing_key: 'env:K'}\n"
    )
    path.write_text(text, encoding="utf-8")
    listening = Listening(site.state)
    listening.note("mzj", Collection(), by_worker=True, at=NOW)
    assert watched(site).samples == {}
    listening.note("jtj", Collection(), by_worker=True, at=NOW)
    assert watched(site).by("auditor_worker_answered_timestamp_seconds", "zone") == {"jtj": NOW.timestamp()}
    failure = Failure("nmap", "jtj", (), "no_worker", "x", NOW)
    listening.note("jtj", Collection(failures=(failure,)), by_worker=False, at=NOW)
    assert watched(site).by("auditor_worker_unanswered_timestamp_seconds", "zone") == {"jtj": NOW.timestamp()}


def test_a_look_that_cannot_be_read_is_untold_and_its_neighbours_are_read_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    home(site, "2026-11-20 23:00", ("nmap",))
    watched(site)
    read: list[Path] = []
    real = looks.read_head
    monkeypatch.setattr(looks, "read_head", lambda path: (read.append(path), real(path))[1])
    second = home(site, "2026-11-21 23:00", ("nmap",))
    watched(site)
    watched(site)
    assert read == [second]
    home(site, "2026-11-22 23:00", ("nmap",)).write_bytes(b"no bundle")
    assert scheduled.watch(site) is None and scheduled.scheduled(site) is not None


def test_who_may_look_is_what_a_site_may_say() -> None:
    assert set(metrics_names.BY) == set(get_args(get_type_hints(ZoneConfig)["by"]))

"""Turns of the real scheduler: real files, real children, a clock that tests set."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from auditor import clock
from auditor.lock import AuditLock
from auditor.schedule import book as noting
from auditor.schedule import running
from auditor.schedule.book import Book, Outcome, Run
from auditor.schedule.children import process
from auditor.schedule.desk import EVERYTHING, Desk
from auditor.schedule.plan import Job, Kind, Plan, plan_of
from auditor.schedule.program import command_of
from auditor.schedule.running import Scheduler
from auditor.schedule.watched import Watched
from auditor.site import Site, load_site
from inventories.faults import Faults
from tests.auditor.schedule.conftest import at

#: What a child does: goes on until it is asked to end, or ends at once with a status.
WAITS = (
    "import signal,sys,time\nsignal.signal(signal.SIGINT, lambda *_: sys.exit(130))\n"
    "print('up', flush=True)\ntime.sleep(60)"
)
DEAF = "import signal,time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"


def quits(status: int) -> str:
    return f"raise SystemExit({status})"


def site_text(zones: str = "", schedule: str = "catch_up_hours: 6") -> str:
    return (
        "site: tiny\nname: 小市\nbureau: 小市数据局\nregion: '140800'\npacks: [yuncheng-2021]\n"
        f"schedule: {{{schedule}}}\nzones:\n"
        + (zones or zone("mzj", "127.77.0.0/28", "schedule: [{cron: '0 22 * * *'}]"))
    )


def zone(name: str, prefix: str, more: str, leave: str = "") -> str:
    return (
        f"  - id: {name}\n    name: 区域\n    vantage: here\n    department: mzj\n    prefixes: [{prefix}]\n"
        f"    {more}\n"
        f"    authorisations: [{{document: 授权1号, approver: 分管领导, from: 2020-01-01, to: 2099-12-31{leave}}}]\n"
    )


@dataclass
class Bench:
    """A site's folder, a clock, and schedulers one after another."""

    root: Path
    now: datetime
    child: str = field(default_factory=lambda: quits(0))
    heard: list[str] = field(default_factory=list)
    started: list[tuple[Job, bool]] = field(default_factory=list)
    schedulers: list[Scheduler] = field(default_factory=list)

    def write(self, text: str) -> None:
        (self.root / "site.yaml").write_text(text, encoding="utf-8")

    def scheduler(self) -> Scheduler:
        made = Scheduler(Watched(self.root), tell=self.heard.append, command=self.command)
        self.schedulers.append(made)
        made.begin()
        return made

    def command(self, _site: Site, job: Job, resume: bool) -> list[str]:
        self.started.append((job, resume))
        return [sys.executable, "-I", "-S", "-c", self.child]

    def to(self, text: str, scheduler: Scheduler | None = None) -> Scheduler:
        """Sets the clock, and turns once."""
        self.now = at(text)
        one = scheduler or self.schedulers[-1]
        one.turn()
        return one

    def until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        """Turns until something holds, as the seconds would."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, self.heard
            time.sleep(0.02)
            self.schedulers[-1].turn()

    def idle(self) -> None:
        self.until(lambda: not self.schedulers[-1].running())

    def up(self) -> None:
        """Until the child has said that it is there."""
        logs = self.root / "state" / "schedule" / "logs"
        self.until(lambda: any(b"up" in path.read_bytes() for path in logs.rglob("*.log")))

    def runs(self, key: str = "") -> list[tuple[str, str]]:
        """When runs started, and their outcomes, as the disk has them."""
        notes = [one for one in Book(self.root / "state" / "schedule" / "jobs").all() if key in one.key]
        return [(f"{run.started.astimezone():%H:%M}", str(run.outcome)) for one in notes for run in one.runs]

    def skipped(self) -> dict[str, int]:
        notes = Book(self.root / "state" / "schedule" / "jobs").all()
        return {reason: n for one in notes for reason, n in one.counted.items()}

    @property
    def desk(self) -> Desk:
        return Desk(self.root / "state" / "schedule")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    made = Bench(tmp_path, at("2026-11-23 12:00"))
    monkeypatch.setattr(clock, "utc_now", lambda: made.now)
    made.write(site_text())
    yield made
    for scheduler in made.schedulers:
        for child in scheduler._children.values():
            os.kill(child.process.pid, signal.SIGKILL)


def test_a_run_at_its_time_and_its_end_written_down(bench: Bench) -> None:
    bench.scheduler()
    bench.to("2026-11-23 21:59")
    assert bench.started == []
    bench.to("2026-11-23 22:00")
    bench.idle()
    ((job, resume),) = bench.started
    assert (job.zone, job.kind, resume) == ("mzj", Kind.PROBE, False)
    (notes,) = Book(bench.root / "state" / "schedule" / "jobs").all()
    (run,) = notes.runs
    assert (run.due, run.outcome, run.exit, run.late) == (at("2026-11-23 22:00"), Outcome.DONE, 0, False)
    assert Path(run.log).is_file() and notes.running is None
    bench.to("2026-11-23 22:30")
    bench.to("2026-11-24 21:59")
    assert len(bench.started) == 1
    for path in (bench.root / "state").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize(("status", "outcome"), [(4, "partial"), (2, "refused"), (3, "failed"), (130, "interrupted")])
def test_how_it_ended(bench: Bench, status: int, outcome: str) -> None:
    bench.child = quits(status)
    bench.scheduler()
    bench.to("2026-11-23 22:00")
    bench.idle()
    assert [run[1] for run in bench.runs()] == [outcome]
    bench.to("2026-11-23 22:10")
    assert len(bench.started) == 1, "whatever became of it, its time was run"


def test_no_overlap(bench: Bench) -> None:
    bench.child = WAITS
    bench.scheduler()
    bench.to("2026-11-23 22:00")
    bench.to("2026-11-24 22:00")
    assert len(bench.started) == 1 and bench.skipped() == {"still_running": 1}
    assert any("skipped: still_running" in line for line in bench.heard)


def test_zones_beside_each_other_up_to_at_once(bench: Bench) -> None:
    times = "schedule: [{cron: '0 22 * * *'}]"
    zones = "".join(zone(f"z{n}", f"127.77.{n}.0/28", times) for n in range(4))
    bench.write(site_text(zones, "catch_up_hours: 6, at_once: 3"))
    bench.child = WAITS
    scheduler = bench.scheduler()
    bench.to("2026-11-23 22:00")
    assert scheduler.running() == 3 and len(bench.started) == 3
    os.kill(scheduler._children[bench.started[0][0].key].process.pid, signal.SIGKILL)
    bench.until(lambda: len(bench.started) == 4)
    assert bench.skipped() == {}


def test_two_lines_of_one_zone_wait_for_each_other(bench: Bench) -> None:
    lines = "schedule: [{cron: '0 22 * * *', probes: [nmap]}, {cron: '0 22 * * *', probes: [ssh]}]"
    bench.write(site_text(zone("mzj", "127.77.0.0/28", lines)))
    bench.scheduler()
    bench.child = WAITS
    scheduler = bench.to("2026-11-23 22:00")
    assert [job.probes for job, _ in bench.started] == [("nmap",)]
    os.kill(next(iter(scheduler._children.values())).process.pid, signal.SIGKILL)
    bench.until(lambda: len(bench.started) == 2)


def test_a_zone_that_a_person_looks_at_by_hand_is_waited_for(bench: Bench) -> None:
    bench.scheduler()
    locks = bench.root / "state" / "locks"
    locks.mkdir(parents=True)
    with AuditLock(locks / "mzj", command="auditor probe", now=bench.now):
        bench.to("2026-11-23 22:00")
        bench.to("2026-11-23 22:20")
        assert bench.started == []
    bench.to("2026-11-23 22:21")
    assert len(bench.started) == 1 and "makes up for 11-23 22:00" in " ".join(bench.heard)


def test_pause_resume_and_stop(bench: Bench) -> None:
    bench.scheduler()
    bench.desk.pause("mzj", at=bench.now)
    bench.to("2026-11-23 22:00")
    assert bench.skipped() == {"paused": 1} and bench.started == []
    bench.desk.resume("mzj")
    bench.to("2026-11-23 22:30")
    assert bench.started == [], "what was skipped is not made up for"
    bench.desk.pause(EVERYTHING, at=bench.now)
    bench.to("2026-11-24 22:00")
    bench.desk.resume(EVERYTHING)
    (bench.root / "state" / "STOP").write_text("now")
    bench.to("2026-11-25 22:00")
    assert bench.skipped() == {"paused": 2, "stopped": 1} and bench.started == []
    (bench.root / "state" / "STOP").unlink()
    bench.to("2026-11-26 22:00")
    assert len(bench.started) == 1


def test_frozen_days_stop_what_is_scheduled(bench: Bench) -> None:
    more = "schedule: [{cron: '0 22 * * *'}]\n    freeze: [{from: 2026-11-23, to: 2026-11-24}]"
    bench.write(site_text(zone("mzj", "127.77.0.0/28", more)))
    bench.scheduler()
    bench.to("2026-11-23 22:00")
    bench.to("2026-11-24 22:00")
    assert bench.started == [] and bench.skipped() == {"frozen": 2}
    bench.to("2026-11-25 00:10")
    assert bench.started == [], "a time on a frozen day is not made up for after it"
    bench.to("2026-11-25 22:00")
    assert len(bench.started) == 1


def test_after_a_kill_nothing_is_run_twice_and_one_time_is_made_up_for(bench: Bench) -> None:
    bench.scheduler()
    bench.to("2026-11-23 22:00")
    bench.idle()
    bench.scheduler()
    bench.to("2026-11-23 22:01")
    assert len(bench.started) == 1
    bench.scheduler()
    bench.to("2026-11-27 02:00")
    assert len(bench.started) == 2 and bench.skipped() == {"missed": 2}


def test_a_run_that_outlived_its_scheduler_is_watched_and_not_doubled(bench: Bench) -> None:
    bench.child = WAITS
    first = bench.scheduler()
    bench.to("2026-11-23 22:00")
    bench.up()
    (child,) = first._children.values()
    second = bench.scheduler()
    assert second.running() == 1
    bench.to("2026-11-24 22:00")
    assert len(bench.started) == 1 and bench.skipped() == {"still_running": 1}
    os.kill(child.process.pid, signal.SIGKILL)
    first._children.clear()
    os.waitpid(child.process.pid, 0)
    bench.idle()
    assert [run[1] for run in bench.runs()] == ["lost"]


def test_a_run_that_died_with_its_scheduler_goes_on(bench: Bench) -> None:
    bench.scheduler()
    job = next(iter(plan_of(load_site(bench.root).config).jobs.values()))
    due = at("2026-11-23 22:00")
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        who = process(gone.pid)
        gone.wait()
    Book(bench.root / "state" / "schedule" / "jobs").write(
        noting.started(noting.decided(noting.begun(job, due), due), Run(due, due, process=who))
    )
    bench.now = at("2026-11-23 23:00")
    bench.scheduler()
    assert any("ended unseen" in line for line in bench.heard)
    bench.to("2026-11-23 23:00")
    assert [resume for _, resume in bench.started] == [True]
    bench.idle()
    bench.to("2026-11-23 23:30")
    assert len(bench.started) == 1


def test_a_graceful_end_hands_back_and_the_next_scheduler_goes_on(bench: Bench) -> None:
    bench.child = WAITS
    first = bench.scheduler()
    bench.to("2026-11-23 22:00")
    bench.up()
    started = time.monotonic()
    first.finish(lambda: 1)
    assert time.monotonic() - started < 3 and first.running() == 0
    assert [run[1] for run in bench.runs()] == ["interrupted"]
    first.turn()
    assert len(bench.started) == 1, "an ending scheduler starts nothing"
    bench.child = quits(0)
    bench.now = at("2026-11-23 22:05")
    bench.scheduler()
    bench.to("2026-11-23 22:05")
    assert [resume for _, resume in bench.started] == [False, True]
    bench.idle()
    bench.to("2026-11-24 22:00")
    assert bench.started[-1][1] is False, "what went on to its end is finished"


def test_a_second_signal_hurries_the_end_of_a_deaf_child(bench: Bench) -> None:
    bench.child = DEAF
    scheduler = bench.scheduler()
    bench.to("2026-11-23 22:00")
    bench.up()
    started = time.monotonic()
    scheduler.finish(lambda: 1 + int((time.monotonic() - started) / 0.3), grace=60)
    assert time.monotonic() - started < 5
    assert [run[1] for run in bench.runs()] == ["killed"]


def test_the_stop_ends_a_child_that_does_not_see_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "STOP_PATIENCE", 0.2)
    bench.child = WAITS
    bench.scheduler()
    bench.to("2026-11-23 22:00")
    bench.up()
    (bench.root / "state" / "STOP").write_text("now")
    started = time.monotonic()
    bench.idle()
    assert time.monotonic() - started < 3 and [run[1] for run in bench.runs()] == ["interrupted"]
    (bench.root / "state" / "STOP").unlink()
    bench.to("2026-11-23 22:40")
    assert len(bench.started) == 1, "after an emergency stop nothing goes on before it is due again"
    bench.to("2026-11-24 22:00")
    assert [resume for _, resume in bench.started] == [False, True]


# --- runs that a person asks for ----------------------------------------------------------------------------


def test_run_now(bench: Bench) -> None:
    bench.scheduler()
    bench.desk.pause("mzj", at=bench.now)
    request = bench.desk.ask("mzj", ("nmap",), at=bench.now)
    bench.to("2026-11-23 12:00")
    answer = bench.desk.wait(request, 0)
    assert answer is not None and answer.started and Path(answer.log).is_file()
    assert [(job.zone, job.probes) for job, _ in bench.started] == [("mzj", ("nmap",))]
    bench.idle()
    assert [run[1] for run in bench.runs(".now")] == ["done"]
    bench.desk.resume("mzj")
    bench.to("2026-11-23 22:00")
    assert len(bench.started) == 2, "the schedule goes its own way"


@pytest.mark.parametrize("case", ["frozen", "window", "bundle", "stopped", "busy", "unknown"])
def test_what_no_person_can_ask_for(bench: Bench, case: str) -> None:
    leave = ", window: '22:00-23:00'" if case == "window" else ""
    more = {"frozen": "freeze: [{from: 2026-11-23, to: 2026-11-24}]", "bundle": "by: bundle"}.get(
        case, "kind: department"
    )
    bench.write(site_text(zone("mzj", "127.77.0.0/28", more, leave)))
    bench.scheduler()
    if case == "stopped":
        (bench.root / "state" / "STOP").write_text("")
    if case == "busy":
        bench.child = WAITS
        bench.desk.ask("mzj", (), at=bench.now)
        bench.to("2026-11-23 12:00")
        bench.started.clear()
    request = bench.desk.ask("jtj" if case == "unknown" else "mzj", (), at=bench.now)
    bench.to("2026-11-23 12:00")
    answer = bench.desk.wait(request, 0)
    assert answer is not None and not answer.started and bench.started == []
    words = {"frozen": "frozen", "window": "outside_window", "bundle": "by_bundle", "stopped": "stopped"}
    assert answer.message.startswith(
        words.get(case, {"busy": "zone_busy", "unknown": "not_authorised"}.get(case, "?"))
    )


# --- files, disks, clocks -----------------------------------------------------------------------------------


def test_what_cannot_be_written_down_does_not_start(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = bench.scheduler()
    write = Book.write

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Book, "write", full)
    bench.to("2026-11-23 22:00")
    bench.to("2026-11-23 22:01")
    assert bench.started == [] and scheduler.trouble() == "cannot_write"
    assert sum("nothing starts: what is decided cannot be written down" in line for line in bench.heard) == 1
    monkeypatch.setattr(Book, "write", write)
    bench.to("2026-11-23 22:02")
    assert len(bench.started) == 1 and scheduler.trouble() == "", "it is made up for once there is room"


def test_a_disk_that_fills_while_a_run_goes_on_loses_no_outcome(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = bench.scheduler()
    bench.to("2026-11-23 22:00")
    write = Book.write

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Book, "write", full)
    bench.idle()
    assert bench.runs() == [] and scheduler.trouble() == "cannot_write"
    monkeypatch.setattr(Book, "write", write)
    scheduler.turn()
    assert [run[1] for run in bench.runs()] == ["done"] and "can be written down again" in bench.heard[-1]


def test_torn_notes_cost_what_they_held_and_run_nothing_twice(bench: Bench) -> None:
    bench.scheduler()
    bench.to("2026-11-23 22:00")
    bench.idle()
    (path,) = (bench.root / "state" / "schedule" / "jobs").iterdir()
    path.write_bytes(path.read_bytes()[:50])
    bench.scheduler()
    assert any("is set aside" in line for line in bench.heard)
    bench.to("2026-11-23 22:01")
    assert len(bench.started) == 1
    bench.to("2026-11-24 22:00")
    assert len(bench.started) == 2


def test_notes_from_the_year_2999_do_not_stop_the_schedule(bench: Bench) -> None:
    bench.scheduler()
    (path,) = (bench.root / "state" / "schedule" / "jobs").iterdir()
    body = json.loads(path.read_text())
    body["memory"]["decided"] = "2999-01-01T00:00:00Z"
    path.write_text(json.dumps(body))
    bench.scheduler()
    bench.to("2026-11-23 21:00")
    bench.to("2026-11-23 22:00")
    assert len(bench.started) == 1


def test_a_clock_that_is_set_to_and_fro(bench: Bench) -> None:
    bench.scheduler()
    for text in ("22:00", "21:00", "22:00", "22:30", "20:00", "22:00", "23:00"):
        bench.to(f"2026-11-23 {text}")
        bench.idle()
    assert len(bench.started) == 1
    bench.to("2026-11-26 22:00")
    bench.idle()
    bench.to("2026-11-24 21:00")
    bench.to("2026-11-24 22:00")
    assert len(bench.started) >= 2
    dues = [run.due for one in bench.schedulers[-1].notes().values() for run in one.runs]
    assert len(dues) == len(set(dues))


def test_a_changed_site_is_read_and_a_faulty_one_is_not(bench: Bench) -> None:
    scheduler = bench.scheduler()
    good = site_text(zone("mzj", "127.77.0.0/28", "schedule: [{cron: '0 20 * * *'}]"))
    bench.write(good.replace("20 * * *", "20 * *"))
    bench.to("2026-11-23 13:00")
    assert scheduler.trouble() == "site_faulty" and "has 4 fields instead of five" in " ".join(bench.heard)
    bench.to("2026-11-23 22:00")
    bench.idle()
    assert len(bench.started) == 1, "the former times stay in force"
    bench.write(good)
    assert bench.to("2026-11-24 13:00").trouble() == ""
    bench.to("2026-11-24 20:00")
    bench.idle()
    bench.to("2026-11-24 22:00")
    assert [job.cron.text for job, _ in bench.started] == ["0 22 * * *", "0 20 * * *"]
    (bench.root / "site.yaml").unlink()
    bench.to("2026-11-25 20:00")
    assert len(bench.started) == 3 and scheduler.trouble() == "site_faulty"


def test_announcements_are_written_at_once_each_day_and_where_the_site_changed(bench: Bench) -> None:
    text = site_text(schedule="announce_days: 3, contact: 政务信息科")
    bench.write(text)
    bench.child = "print('2026-11-23 to 2026-11-29: written: mzj.docx')"
    bench.scheduler()
    bench.to("2026-11-23 12:00")
    bench.idle()
    assert [job.kind for job, _ in bench.started] == [Kind.ANNOUNCE], "those of today's times are made up for"
    assert any("announce: done" in line and "written: mzj.docx" in line for line in bench.heard)
    bench.to("2026-11-23 13:00")
    bench.to("2026-11-24 05:10")
    bench.idle()
    assert len([job for job, _ in bench.started if job.kind is Kind.ANNOUNCE]) == 2
    bench.write(text.replace("0 22", "0 21"))
    bench.to("2026-11-24 12:00")
    bench.idle()
    assert len([job for job, _ in bench.started if job.kind is Kind.ANNOUNCE]) == 3


def test_a_child_that_cannot_be_started_is_noted(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bench, "command", lambda *_: ["/nonexistent/program"])
    bench.scheduler()
    bench.to("2026-11-23 22:00")
    assert [run[1] for run in bench.runs()] == ["not_started"]
    assert any("cannot be started: No such file" in line for line in bench.heard)


def test_while_the_lock_is_not_certain_nothing_starts(bench: Bench) -> None:
    scheduler = bench.scheduler()
    scheduler.may_start = False
    bench.to("2026-11-23 22:00")
    assert bench.started == [] and scheduler.trouble() == "lock_uncertain"
    scheduler.may_start = True
    bench.to("2026-11-23 22:01")
    assert len(bench.started) == 1


def test_a_turn_of_a_province_is_quick(bench: Bench) -> None:
    zones = "".join(
        zone(f"z{n}", f"127.{n // 16}.{n % 16}.0/28", "schedule: [{cron: '0 22 * * *'}, {cron: '0 3 1 * *'}]")
        for n in range(300)
    )
    bench.write(site_text(zones))
    bench.scheduler()
    bench.to("2026-11-23 12:00:30")
    started = time.monotonic()
    for second in range(20):
        bench.to(f"2026-11-23 12:01:{second:02}")
    # A few milliseconds on an idle machine; it is called once a second.
    assert (time.monotonic() - started) / 20 < 0.25


# --- what is run --------------------------------------------------------------------------------------------


def test_commands(bench: Bench) -> None:
    bench.write(
        site_text(
            zone("mzj", "127.77.0.0/28", "schedule: [{cron: '0 22 * * *', probes: [nmap, ssh]}]"),
            "judge: '30 6 * * *', announce_days: 3, contact: 政务信息科",
        )
        + "retention: {all_days: 30}\n"
    )
    site = load_site(bench.root)
    jobs = {job.kind: job for job in plan_of(site.config).jobs.values()}
    tail = ["--site", str(bench.root.absolute())]
    program = [sys.executable, "-P", "-m", "auditor"]
    assert command_of(site, jobs[Kind.PROBE], True) == [
        *program, "probe", "--zone", "mzj", "--probe", "nmap", "--probe", "ssh", "--resume", *tail
    ]  # fmt: skip
    assert command_of(site, jobs[Kind.JUDGE], True) == [*program, "audit", "--collected", *tail]
    assert command_of(site, jobs[Kind.THIN], True) == [*program, "snapshot", "thin", *tail]
    assert command_of(site, jobs[Kind.ANNOUNCE], False) == [*program, "schedule", "announce", "--ahead", *tail]
    done = subprocess.run([*program, "probe", "--help"], capture_output=True, text=True, check=True, cwd=bench.root)
    assert "--zone" in done.stdout and "--resume" in done.stdout


def test_thinning_has_a_time_of_its_own_where_retention_is_said(bench: Bench) -> None:
    def thin() -> list[str]:
        return [job.cron.text for job in plan_of(load_site(bench.root).config).jobs.values() if job.kind is Kind.THIN]

    assert thin() == [], "nobody said how long things are kept"
    for schedule, expected in (("", "40 4 * * *"), ("thin: '0 3 * * sun'", "0 3 * * sun"), ("thin: ''", None)):
        bench.write(site_text(schedule=schedule) + "retention: {}\n")
        assert thin() == ([expected] if expected else [])
    bench.write(site_text(schedule="thin: '0 25 * * *'"))
    with pytest.raises(Faults, match="hour"):
        load_site(bench.root)


def test_thinning_and_judging_are_made_up_for_one_after_the_other(bench: Bench) -> None:
    """After a downtime both are due at once, and both hold the audit's lock: the second would be refused."""
    bench.write(site_text(schedule="judge: '30 6 * * *'") + "retention: {}\n")
    bench.scheduler()
    bench.child = WAITS
    bench.to("2026-11-24 07:00")
    assert [job.kind for job, _ in bench.started] == [Kind.JUDGE]
    bench.up()
    bench.to("2026-11-24 07:10")
    assert len(bench.started) == 1 and "no_place" not in bench.skipped()
    for child in bench.schedulers[-1]._children.values():
        child.press()
    bench.until(lambda: len(bench.started) == 2)
    assert [job.kind for job, _ in bench.started] == [Kind.JUDGE, Kind.THIN]
    # And a judgement that falls due meanwhile waits for it.
    bench.to("2026-11-25 06:30")
    assert len(bench.started) == 2


def test_thinning_is_paused_and_stopped_as_all_else_is(bench: Bench) -> None:
    bench.write(site_text() + "retention: {}\n")
    bench.scheduler()
    bench.desk.pause(EVERYTHING, at=bench.now)
    bench.to("2026-11-24 04:40")
    bench.desk.resume(EVERYTHING)
    stop = load_site(bench.root).stop_file
    stop.write_text("")
    bench.to("2026-11-25 04:40")
    stop.unlink()
    assert Kind.THIN not in {job.kind for job, _ in bench.started}
    assert {"paused", "stopped"} <= set(bench.skipped())
    bench.to("2026-11-26 04:40")
    bench.idle()
    assert [job.kind for job, _ in bench.started][-1] is Kind.THIN
    assert [outcome for _, outcome in bench.runs("thin")] == ["done"]


def test_an_unreadable_site_is_no_scheduler(tmp_path: Path) -> None:
    with pytest.raises(Faults):
        Watched(tmp_path)


def test_the_order_of_lines_does_not_matter_and_other_words_are_another_job(bench: Bench) -> None:
    def keys(lines: str) -> list[str]:
        bench.write(site_text(zone("mzj", "127.77.0.0/28", f"schedule: [{lines}]")))
        plan: Plan = plan_of(load_site(bench.root).config)
        return list(plan.jobs)

    one, two = "{cron: '0 22 * * *', probes: [nmap]}", "{cron: '0  4 * * SUN', probes: [ssh, nmap]}"
    assert keys(f"{one}, {two}") == keys(f"{two}, {one}")[::-1]
    assert keys("{cron: '0 4 * * sun', probes: [nmap, ssh]}") == keys(two)
    assert keys("{cron: '0 5 * * sun', probes: [nmap, ssh]}") != keys(two)


def test_the_log_folder_keeps_the_newest(bench: Bench) -> None:
    bench.write(site_text(zone("mzj", "127.77.0.0/28", "schedule: [{cron: '* * * * *'}]")))
    scheduler = bench.scheduler()
    for minute in range(25):
        bench.now = at("2026-11-23 22:00") + timedelta(minutes=minute)
        scheduler.turn()
        bench.idle()
    scheduler._tidied = -1e9
    scheduler.turn()
    (folder,) = (bench.root / "state" / "schedule" / "logs").iterdir()
    assert len(list(folder.iterdir())) == 20

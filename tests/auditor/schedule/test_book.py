"""Notes on disk: whole or not at all, set aside where they are spoiled; pauses and requests from other processes."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.errors import Exit
from auditor.schedule import book, desk
from auditor.schedule.book import Book, Notes, Outcome, Process, Run, outcome_of
from auditor.schedule.desk import EVERYTHING, Answer, Desk
from auditor.schedule.rules import Reason, Skip
from tests.auditor.schedule.conftest import at, job

NOW = at("2026-11-23 22:00")


@pytest.fixture
def kept(tmp_path: Path) -> Book:
    made = Book(tmp_path / "jobs")
    made.prepare()
    return made


def full() -> Notes:
    notes = book.skipped(book.begun(job(), NOW), Skip(NOW, Reason.FROZEN, "冻结"), NOW)
    run = Run(NOW, NOW, process=Process(7, "boot", 9), log="x.log")
    notes = book.ended(book.started(notes, run), replace(run, ended=NOW, outcome=Outcome.DONE), with_scheduler=False)
    return book.started(notes, replace(run, due=None))


def test_what_is_written_is_read_again(kept: Book) -> None:
    kept.write(full())
    assert kept.read(job()) == (full(), "") and kept.all() == (full(),)
    assert (kept.folder / "mzj.a.json").stat().st_mode & 0o777 == 0o600
    assert kept.read(job(key="mzj.b")) == (None, "")


SPOILED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"{}" * 200_000,
    b'{"key": "mzj.a", "zone": "mzj", "memory": {"decided": "2026-01-01T00:00:00"}}',
    b'{"key": "mzj.b", "zone": "mzj", "memory": {"decided": "2026-01-01T00:00:00Z"}}',
    b'{"key": "mzj.a", "zone": "jtj", "memory": {"decided": "2026-01-01T00:00:00Z"}}',
    b'{"key": "mzj.a", "zone": "mzj", "memory": {"decided": "2026-01-01T00:00:00Z"}, "format": 2}',
    b'{"key": "mzj.a", "zone": "mzj", "memory": {"decided": "2026-01-01T00:00:00Z"}, "runs": [1]}',
    b'{"key": "mzj.a", "zone": "mzj", "memory": {"decided": "2026-01-01T00:00:00Z", "ran": ["2026-01-01T00:00:00"]}}',
]


@pytest.mark.parametrize("content", SPOILED, ids=range(len(SPOILED)))
def test_spoiled_notes_are_set_aside_and_said(kept: Book, content: bytes) -> None:
    path = kept.folder / "mzj.a.json"
    path.write_bytes(content)
    assert kept.all() == ()
    notes, fault = kept.read(job())
    assert notes is None and "is set aside as mzj.a.json.damaged" in fault and "nothing is caught up" in fault
    assert not path.exists() and path.with_name("mzj.a.json.damaged").read_bytes() == content
    assert kept.read(job()) == (None, "")


def test_notes_cut_off_anywhere_are_set_aside(kept: Book) -> None:
    kept.write(full())
    path = kept.folder / "mzj.a.json"
    whole = path.read_bytes().rstrip()
    for end in range(0, len(whole), 37):
        path.write_bytes(whole[:end])
        assert kept.read(job())[0] is None


def test_no_link_and_no_pipe_is_followed(kept: Book, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"{}")
    (kept.folder / "mzj.a.json").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(kept.folder / "mzj.b.json")
    assert kept.read(job())[0] is None and kept.read(job(key="mzj.b"))[0] is None
    assert (tmp_path / "elsewhere").read_bytes() == b"{}"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda v: st.dictionaries(
            st.sampled_from(["key", "zone", "memory", "decided", "ran", "runs", "running", "counted", "format"]), v
        ),
        max_leaves=9,
    )
)
def test_no_content_does_harm(kept: Book, content: object) -> None:  # fmt: skip
    (kept.folder / "mzj.a.json").write_text(json.dumps(content), encoding="utf-8")
    notes, fault = kept.read(job())
    assert (notes is None) == bool(fault)


def test_the_past_is_bounded(kept: Book) -> None:
    notes = book.begun(job(), NOW)
    for n in range(300):
        due = NOW + timedelta(minutes=n)
        notes = book.skipped(notes, Skip(due, Reason.MISSED, "x" * 5000, 3), due)
        run = Run(due, due)
        notes = book.ended(
            book.started(notes, run), replace(run, ended=due, outcome=Outcome.DONE), with_scheduler=False
        )
    kept.write(notes)
    assert (kept.folder / "mzj.a.json").stat().st_size < 40_000
    assert len(notes.runs) == len(notes.skips) == book.KEPT and notes.counted == {"missed": 900}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (Exit.DONE, "done"), (Exit.FAIL_ON, "done"), (Exit.REFUSED, "refused"), (Exit.FAILED, "failed"),
        (Exit.PARTIAL, "partial"), (Exit.INTERRUPTED, "interrupted"), (-9, "killed"), (99, "failed"), (None, "lost"),
    ],
)  # fmt: skip
def test_what_an_exit_status_means(status: int | None, outcome: str) -> None:
    assert outcome_of(status) == outcome


@pytest.mark.parametrize(
    ("outcome", "with_scheduler", "unfinished", "goes_on"),
    [
        (Outcome.INTERRUPTED, True, True, True),
        (Outcome.KILLED, True, True, True),
        (Outcome.LOST, True, True, True),
        (Outcome.INTERRUPTED, False, True, False),
        (Outcome.FAILED, True, False, False),
        (Outcome.DONE, True, False, False),
        (Outcome.PARTIAL, False, False, False),
    ],
)
def test_what_goes_on(outcome: Outcome, with_scheduler: bool, unfinished: bool, goes_on: bool) -> None:
    run = Run(NOW, NOW)
    notes = book.started(book.begun(job(), NOW), run)
    memory = book.ended(notes, replace(run, outcome=outcome), with_scheduler=with_scheduler).memory
    assert (memory.unfinished == NOW, memory.goes_on) == (unfinished, goes_on)
    assert memory.ran == (NOW,)


# --- the desk -----------------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "schedule")


def test_pauses(table: Desk) -> None:
    assert table.pauses() == ()
    table.pause("mzj", at=NOW, reason="迁移\x1b[2J")
    table.pause(EVERYTHING, at=NOW)
    first, second = table.pauses()
    assert (first.zone, second.zone, second.reason) == (EVERYTHING, "mzj", "迁移\\x1b[2J") and second.since == NOW
    assert table.resume("mzj") and not table.resume("mzj")
    assert [pause.zone for pause in table.pauses()] == [EVERYTHING]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"since": 5}', b'{"since": "2026-01-01T00:00:00"}'])
def test_a_torn_pause_still_pauses(table: Desk, content: bytes) -> None:
    table.pause("mzj", at=NOW)
    (table.folder / "paused" / "mzj").write_bytes(content)
    (table.folder / "paused" / ".mzj.tmp").write_bytes(b"")
    assert [pause.zone for pause in table.pauses()] == ["mzj"]


def test_a_request_is_handed_out_once_and_answered(table: Desk) -> None:
    assert table.take(NOW) == ()
    request = table.ask("mzj", ("nmap",), at=NOW)
    assert table.take(NOW) == (request,) and table.take(NOW) == ()
    assert not table.withdraw(request) and table.wait(request, 0) is None
    table.answer(request, Answer(True, "started\x1b", "x.log"))
    assert table.wait(request, 0) == Answer(True, "started\\x1b", "x.log") and table.wait(request, 0) is None
    other = table.ask("mzj", (), at=NOW)
    assert table.withdraw(other) and table.take(NOW) == ()


def test_an_old_request_is_none(table: Desk) -> None:
    table.ask("mzj", (), at=NOW)
    assert table.take(NOW + desk.LASTS + timedelta(seconds=1)) == ()
    table.ask("mzj", (), at=NOW + timedelta(days=1))
    assert table.take(NOW) == ()
    assert not list((table.folder / "requests").iterdir())


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"zone": "../../x", "probes": [], "at": "2026-11-23T14:00:00Z"}',
        b'{"zone": "-rf", "probes": [], "at": "2026-11-23T14:00:00Z"}',
        b'{"zone": "mzj", "probes": "nmap", "at": "2026-11-23T14:00:00Z"}',
        b'{"zone": "mzj", "probes": [1], "at": "2026-11-23T14:00:00Z"}',
        b'{"zone": "mzj", "probes": [], "at": "2026-11-23T14:00:00"}',
        b'{"zone": "mzj", "probes": [], "at": 5}', b"x" * 100_000,
    ],
)  # fmt: skip
def test_a_request_that_is_none_is_taken_away(table: Desk, body: bytes) -> None:
    folder = table.folder / "requests"
    folder.mkdir(parents=True)
    (folder / f"{'a' * 32}.json").write_bytes(body)
    (folder / "notes.txt").write_bytes(b"mine")
    assert table.take(NOW) == ()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_answers_that_nobody_fetches_go(table: Desk) -> None:
    request = table.ask("mzj", (), at=NOW)
    table.answer(request, Answer(True, "started"))
    path = table.folder / "answers" / f"{request.id}.json"
    table.tidy(datetime.fromtimestamp(path.stat().st_mtime + 60, tz=NOW.tzinfo))
    assert path.exists()
    table.tidy(datetime.fromtimestamp(path.stat().st_mtime + 7200, tz=NOW.tzinfo))
    assert not path.exists()

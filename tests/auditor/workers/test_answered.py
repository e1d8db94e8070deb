"""What is noted of a zone's workers, for metrics alone."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auditor.workers.answered import Answered, Listening, heard, read, silent
from inventories.model import Collection, Failure

NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def given_up(reason: str) -> Collection:
    return Collection(failures=(Failure("nmap", "mzj", ("192.0.2.0/24",), reason, "x", NOW),))


def test_since_when_nobody_answers_and_until_somebody_does(tmp_path: Path) -> None:
    listening = Listening(tmp_path)
    assert read(tmp_path, "mzj") == Answered()
    listening.note("mzj", given_up("no_worker"), by_worker=False, at=NOW)
    listening.note("mzj", given_up("broker_refused"), by_worker=False, at=NOW + MINUTE)
    assert read(tmp_path, "mzj") == Answered(None, NOW)
    # A failure that a worker itself tells of is an answer too.
    listening.note("mzj", given_up("clock_skewed"), by_worker=True, at=NOW + 2 * MINUTE)
    assert read(tmp_path, "mzj") == Answered(NOW + 2 * MINUTE, None)
    listening.note("mzj", given_up("no_worker"), by_worker=False, at=NOW + 3 * MINUTE)
    assert read(tmp_path, "mzj") == Answered(NOW + 2 * MINUTE, NOW + 3 * MINUTE)
    path = tmp_path / "workers" / "mzj.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("reason", ["stopped", "crashed", "given_up", "not_read", "too_large"])
def test_what_tells_nothing_of_workers(tmp_path: Path, reason: str) -> None:
    Listening(tmp_path).note("mzj", given_up(reason), by_worker=False, at=NOW)
    assert read(tmp_path, "mzj") == Answered()


def test_a_window_that_was_too_short_is_no_silence(tmp_path: Path) -> None:
    listening = Listening(tmp_path)
    listening.note("mzj", Collection(), by_worker=True, at=NOW)
    listening.note("mzj", given_up("timed_out"), by_worker=False, at=NOW + MINUTE)
    assert read(tmp_path, "mzj") == Answered(NOW, None)
    # The next night nobody says anything at all.
    Listening(tmp_path).note("mzj", given_up("timed_out"), by_worker=False, at=NOW + 1440 * MINUTE)
    assert read(tmp_path, "mzj") == Answered(NOW, NOW + 1440 * MINUTE)


def test_answers_in_quick_succession_are_written_once() -> None:
    one = heard(Answered(), NOW)
    assert heard(one, NOW + MINUTE / 2) is one
    assert heard(one, NOW + MINUTE) == Answered(NOW + MINUTE)
    # A clock that was set back, and a silence that ends, are written at once.
    assert heard(one, NOW - MINUTE) == Answered(NOW - MINUTE)
    assert heard(silent(one, NOW), NOW + MINUTE / 2) == Answered(NOW + MINUTE / 2)


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"{",
        b"[]",
        b'{"answered": 1, "unanswered": null}',
        b'{"answered": "2026-11-23", "unanswered": null}',
        b"x" * 9999,
    ],
)
def test_spoiled_notes_tell_nothing_and_are_written_anew(tmp_path: Path, spoiled: bytes) -> None:
    path = tmp_path / "workers" / "mzj.json"
    path.parent.mkdir()
    path.write_bytes(spoiled)
    assert read(tmp_path, "mzj") == Answered()
    Listening(tmp_path).note("mzj", Collection(), by_worker=True, at=NOW)
    assert read(tmp_path, "mzj") == Answered(NOW)


def test_what_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "workers").write_text("a file, and no folder")
    Listening(tmp_path).note("mzj", Collection(), by_worker=True, at=NOW)
    assert read(tmp_path, "mzj") == Answered()

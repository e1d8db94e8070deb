"""One audit at a time."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.lock import AuditLock, LockError, LockHeld, held_by

NOW = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
HOLD = (
    "import sys; from datetime import datetime, UTC; from pathlib import Path; from auditor.lock import AuditLock\n"
    "with AuditLock(Path(sys.argv[1]), command='auditor audit', now=datetime(2026, 3, 1, 7, tzinfo=UTC)):\n"
    "    print('held', flush=True); sys.stdin.read()\n"
)


def lock(path: Path) -> AuditLock:
    return AuditLock(path, command="auditor audit --site 市", now=NOW)


def holder(path: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.close()
    child.stdout.close()
    child.wait(30)


def test_the_second_is_told_who_holds_it_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    child = holder(path)
    try:
        with pytest.raises(LockHeld) as caught, lock(path):
            raise AssertionError("two at once")
        found = caught.value.holder
        assert found is not None
        assert (found.pid, found.started_at, found.command) == (
            child.pid,
            "2026-03-01T07:00:00+00:00",
            "auditor audit",
        )
        assert f"process {child.pid}, since 2026-03-01T07:00:00+00:00" in str(caught.value)
        assert held_by(path) == found
    finally:
        end(child)
    with lock(path):
        pass


def test_given_back_it_is_free_and_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert held_by(path) is None
    for _ in range(3):
        with lock(path):
            assert held_by(path) is not None
            assert json.loads(path.read_text())["pid"] == os.getpid()
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == ""
        assert held_by(path) is None


def test_two_in_one_process_exclude_each_other_too(tmp_path: Path) -> None:
    first = lock(tmp_path / "lock")
    with first:
        with pytest.raises(LockHeld):
            lock(tmp_path / "lock").acquire()
        with pytest.raises(RuntimeError):
            first.acquire()
    first.release()
    with first:
        pass


def test_what_a_killed_process_left_is_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    child = holder(path)
    child.send_signal(signal.SIGKILL)
    end(child)
    assert json.loads(path.read_text())["pid"] == child.pid
    assert held_by(path) is None
    with lock(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_child_that_is_a_new_program_does_not_keep_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock(path):
        child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        with lock(path):
            pass
    finally:
        assert child.stdin is not None
        child.stdin.close()
        child.wait(30)


@pytest.mark.parametrize(
    "text",
    [b"", b"\xff\xfe", b"{", b"[]", b"null", b"[" * 4000, b'{"pid": true}', b'{"pid": "1"}', b'{"pid": NaN}'],
)
def test_strange_content_neither_locks_nor_hurts(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "lock"
    path.write_bytes(text)
    assert held_by(path) is None
    with lock(path):
        path.write_bytes(text)
        assert held_by(path) is None


def test_a_holder_without_a_name_holds_it_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with lock(path):
        path.write_bytes(b"\x1b[2J")
        with pytest.raises(LockHeld, match="has not given its name") as caught:
            lock(path).acquire()
        assert caught.value.holder is None


@pytest.mark.parametrize("pid", [10**30, -1, 2**31 - 1])
def test_what_somebody_wrote_is_safe_to_show(tmp_path: Path, pid: int) -> None:
    path = tmp_path / "lock"
    host = os.uname().nodename
    with lock(path):
        path.write_text(json.dumps({"pid": pid, "host": host, "user": "\x1b[31mroot", "command": "a\nb\u202e"}))
        with pytest.raises(LockHeld) as caught:
            lock(path).acquire()
    assert not set("\x1b\n\u202e") & set(str(caught.value))


def test_where_no_lock_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path / "folder", tmp_path / "no" / "lock", tmp_path / "link"):
        with pytest.raises(LockError, match="the lock cannot be made"):
            lock(path).acquire()
    assert not (tmp_path / "elsewhere").exists()

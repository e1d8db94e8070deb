"""Runs as processes: bounded output, polite and firm ends, and what an earlier scheduler left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.schedule import children
from auditor.schedule.book import Process
from auditor.schedule.children import Adopted, Child, Started, process

GOOD = (
    "import signal,sys,time\nsignal.signal(signal.SIGINT, lambda *_: sys.exit(130))\n"
    "print('up', flush=True)\ntime.sleep(60)"
)
DEAF = (
    "import signal,time\nfor one in (signal.SIGINT, signal.SIGTERM): signal.signal(one, signal.SIG_IGN)\n"
    "print('up', flush=True)\ntime.sleep(60)"
)


def python(program: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", program]


def ended(child: Child, seconds: float = 10.0) -> int | None:
    until = time.monotonic() + seconds
    while not child.has_ended():
        assert time.monotonic() < until, "the child goes on"
        time.sleep(0.01)
    return child.exit


def says(log: Path, words: str) -> None:
    until = time.monotonic() + 10
    while words not in log.read_text(encoding="utf-8"):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_what_it_says_and_how_it_ends_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    child = Started(python("import sys; print('看过了'); print('no', file=sys.stderr); sys.exit(4)"), log)
    assert ended(child) == 4
    assert sorted(log.read_text(encoding="utf-8").splitlines()) == ["no", "看过了"]
    assert log.stat().st_mode & 0o777 == 0o600


def test_it_has_a_group_of_its_own_and_no_input(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    child = Started(python("import os,sys; print(os.getpgid(0) == os.getpid(), repr(sys.stdin.read()))"), log)
    assert ended(child) == 0 and log.read_text() == "True ''\n"


def test_a_flood_is_bounded_at_both_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "HEAD", 1000)
    monkeypatch.setattr(children, "TAIL", 100_000)
    log = tmp_path / "x.log"
    flood = "print('first')\nfor n in range(200_000): print('x' * 99)\nprint('last', end='')"
    assert ended(Started(python(flood), log)) == 0
    text = log.read_bytes()
    assert len(text) < 1000 + 200_000 and text.startswith(b"first\n") and text.endswith(b"last")
    assert b" bytes left out ..." in text


def test_no_escape_reaches_whoever_reads_the_log(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert ended(Started(python(r"print('\x1b[2J\x1b]0;own\x07\rfoo')"), log)) == 0
    assert log.read_bytes() == b"?[2J?]0;own??foo\n"


def test_asked_to_end_it_may_put_its_things_away(tmp_path: Path) -> None:
    child = Started(python(GOOD), tmp_path / "x.log")
    says(tmp_path / "x.log", "up")
    child.press(10)
    assert ended(child) == 130


def test_a_deaf_child_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    grandchild = "import subprocess,sys\n" + DEAF.replace(
        "print('up'", f"p = subprocess.Popen([sys.executable, '-I', '-S', '-c', {DEAF!r}])\nprint('up', p.pid"
    )
    log = tmp_path / "x.log"
    child = Started(python(grandchild), log)
    says(log, "up ")
    below = int(log.read_text().split("up ")[1].split()[0])
    started = time.monotonic()
    while not child.has_ended():
        child.press(0.3)
        time.sleep(0.01)
    assert child.exit == -signal.SIGKILL and 0.5 < time.monotonic() - started < 5
    until = time.monotonic() + 5
    while process(below).ticks and Path(f"/proc/{below}/stat").read_text().split()[2] != "Z":
        assert time.monotonic() < until
        time.sleep(0.02)


def test_in_a_hurry_every_step_is_taken_at_once(tmp_path: Path) -> None:
    child = Started(python(DEAF), tmp_path / "x.log")
    says(tmp_path / "x.log", "up")
    for _ in range(3):
        child.press(0)
    assert ended(child, 2) == -signal.SIGKILL


def test_a_grandchild_that_holds_the_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    sleeps = "[sys.executable, '-c', 'import time; time.sleep(5)']"
    holds = f"import subprocess,sys; p = subprocess.Popen({sleeps}); print(p.pid)"
    started = time.monotonic()
    child = Started(python(holds), tmp_path / "x.log")
    assert ended(child) == 0 and time.monotonic() - started < 4
    os.kill(int((tmp_path / "x.log").read_text()), signal.SIGKILL)


def test_what_cannot_be_started_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Started([str(tmp_path / "nothing")], tmp_path / "x.log")
    (tmp_path / "y.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        Started(python("pass"), tmp_path / "y.log")
    assert not (tmp_path / "elsewhere").exists()


def test_an_earlier_schedulers_run_is_known_again_and_can_be_ended() -> None:
    with subprocess.Popen(python(GOOD), stdout=subprocess.PIPE) as popen:
        assert popen.stdout is not None and popen.stdout.readline() == b"up\n"
        adopted = Adopted(process(popen.pid))
        assert not adopted.has_ended()
        adopted.press(10)
        assert popen.wait(10) == 130
        assert adopted.has_ended() and adopted.exit is None


def test_a_number_that_was_given_to_somebody_else_is_not_touched() -> None:
    me = process(os.getpid())
    assert me.ticks > 0 and me.boot
    for other in (
        Process(me.pid, me.boot, me.ticks + 1),
        Process(me.pid, "another start of the machine", me.ticks),
        Process(2**22 + 5, me.boot, 7),
        Process(-1, "", 0),
        Process(0, "", 0),
    ):
        with pytest.raises(ValueError, match="has ended"):
            Adopted(other)

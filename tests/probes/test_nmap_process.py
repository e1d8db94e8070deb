"""A command is ended with everything that it started, and an nmap that is none is told from one."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from probes.base import Stop
from probes.nmap_process import Ended, Unusable, run_command, version_of


def script(folder: Path, text: str) -> str:
    path = folder / "nmap"
    path.write_text("#!/bin/sh\n" + textwrap.dedent(text))
    path.chmod(0o755)
    return str(path)


def alive(pid: int) -> bool:
    """Whether a process runs; a dead one that nobody waited for does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pids: list[int], seconds: float = 2.0) -> bool:
    end = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(alive, pids))


def pids_in(folder: Path, names: int = 1) -> list[int]:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        found = [path.read_text().strip() for path in sorted(folder.glob("pid*"))]
        if len(found) >= names and all(found):
            return list(map(int, found))
        time.sleep(0.01)
    raise AssertionError("it did not start")


STUBBORN = """
    trap '' TERM
    sleep 60 &
    echo $! > pid1
    echo $$ > pid0
    while :; do sleep 60; done
"""


def test_a_command_that_ends_by_itself(tmp_path: Path) -> None:
    argv = [script(tmp_path, "echo one >&2; echo 'two \033[31m' >&2; exit 3")]
    ended = run_command(argv, folder=tmp_path, deadline_seconds=20, stop=Stop())
    assert (ended.code, ended.why) == (3, "")
    assert ended.told == "two \\x1b[31m"


@pytest.mark.parametrize("why", ["stopped", "timed_out"])
def test_a_command_that_will_not_end_is_ended_with_its_children(tmp_path: Path, why: str) -> None:
    argv = [script(tmp_path, STUBBORN)]
    stop = Stop()
    done: list[Ended] = []
    seconds = 60 if why == "stopped" else 1

    def work() -> None:
        done.append(run_command(argv, folder=tmp_path, deadline_seconds=seconds, stop=stop))

    thread = threading.Thread(target=work)
    thread.start()
    pids = pids_in(tmp_path, 2)
    if why == "stopped":
        stop.set("test")
    began = time.monotonic()
    thread.join(10)
    assert time.monotonic() - began < 2.5
    assert (done[0].why, done[0].code) == (why, -signal.SIGKILL)
    assert gone(pids)


def test_children_that_outlive_a_command_are_ended_too(tmp_path: Path) -> None:
    argv = [script(tmp_path, "sleep 60 & echo $! > pid1")]
    ended = run_command(argv, folder=tmp_path, deadline_seconds=20, stop=Stop())
    assert ended.code == 0
    assert gone(pids_in(tmp_path))


def test_a_command_does_not_outlive_its_killed_parent(tmp_path: Path) -> None:
    code = f"""
        from pathlib import Path
        from probes.base import Stop
        from probes.nmap_process import run_command
        run_command([{script(tmp_path, "echo $$ > pid0; exec sleep 60")!r}], folder=Path({str(tmp_path)!r}),
                    deadline_seconds=60, stop=Stop())
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)])
    try:
        pids = pids_in(tmp_path)
        assert all(map(alive, pids))
    finally:
        parent.kill()
        parent.wait()
    assert gone(pids)


def test_files_that_it_writes_are_the_owners_only(tmp_path: Path) -> None:
    run_command([script(tmp_path, "echo x > out")], folder=tmp_path, deadline_seconds=20, stop=Stop())
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


def test_nothing_of_our_environment_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_SECRET", "hush")
    run_command([script(tmp_path, "env > out")], folder=tmp_path, deadline_seconds=20, stop=Stop())
    assert "hush" not in (tmp_path / "out").read_text()


def test_what_cannot_be_started_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        run_command(["sleep", "1"], folder=tmp_path / "gone", deadline_seconds=1, stop=Stop())


def test_the_installed_nmap_is_new_enough() -> None:
    assert not isinstance(version_of(("nmap",)), Unusable)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("echo 'Nmap version 6.40 ( http://nmap.org )'", "too_old"),
        ("echo 'Nmap version 7.70 ( https://nmap.org )'", "too_old"),
        ("echo hello", "not_installed"),
        ("exit 1", "not_installed"),
        ("kill -9 $$", "not_installed"),
    ],
)
def test_an_nmap_that_will_not_do_says_what_to_do(tmp_path: Path, text: str, reason: str) -> None:
    got = version_of((script(tmp_path, text),))
    assert isinstance(got, Unusable)
    assert got.reason == reason
    assert "install" in got.message


def test_no_nmap_at_all(tmp_path: Path) -> None:
    got = version_of((str(tmp_path / "nmap"),))
    assert isinstance(got, Unusable)
    assert got.reason == "not_installed"
    assert "apt-get install nmap" in got.message


def test_the_version_is_read(tmp_path: Path) -> None:
    assert version_of((script(tmp_path, "echo 'Nmap version 7.95SVN ( https://nmap.org )'"),)) == (7, 95)

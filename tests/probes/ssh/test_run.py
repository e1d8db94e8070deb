"""A playbook's run: what Ansible gets to see, and that it ends with everything that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from probes.ansible_run import process
from probes.ansible_run.driver import answer
from probes.ansible_run.process import Ended, Happened, Job, run
from probes.base import Stop

CANARY = "canary-77d0"


def job(**more: Any) -> Job:
    # The playbook that leaves it to the connection how a script is run: here, this machine's shell.
    hosts = {"h0": {"ansible_connection": "local", "auditor_seconds": 60}}
    given: dict[str, Any] = {"playbook": "windows.yaml", "hosts": hosts, "groups": {"raw": ("h0",)}, "forks": 1}
    return Job(**{**given, "seconds": 60, "texts": {"script": "echo said; id -u"}, **more})


def go(work: Job, folder: Path, stop: Stop | None = None) -> tuple[Ended, list[Happened]]:
    heard: list[Happened] = []
    return asyncio.run(run(work, folder, stop or Stop(), heard.append)), heard


def test_answers_come_back_and_the_folder_goes(tmp_path: Path) -> None:
    ended, heard = go(job(), tmp_path)
    assert ended == Ended()
    assert [(one.host, one.task, one.kind) for one in heard] == [("h0", "shell", "ok")]
    assert heard[0].text("stdout") == f"said\n{os.getuid()}\n"
    assert list(tmp_path.iterdir()) == []


def test_ansible_sees_nothing_of_the_operators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / ".ansible" / "plugins" / "connection").mkdir(parents=True)
    (home / ".ansible.cfg").write_text("[defaults]\nconnection_plugins = /nonexistent\nlog_path = /nonexistent/log\n")
    for name, value in {
        "HOME": str(home),
        "SECRET": CANARY,
        "ANSIBLE_CONFIG": str(home / ".ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "no_such",
        "ANSIBLE_VAULT_PASSWORD_FILE": str(home / "vault"),
        "http_proxy": f"http://{CANARY}@127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "folder"
    folder.mkdir()
    ended, heard = go(job(texts={"script": "env; tr '\\0' '\\n' < /proc/$PPID/environ"}), folder)
    assert ended == Ended()
    assert heard[0].text("stdout").count("LC_ALL=") >= 1
    assert CANARY not in heard[0].text("stdout") and str(home) not in heard[0].text("stdout")


def asleep(long: str) -> list[int]:
    """Processes that sleep for so long."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if entry.read_bytes().split(b"\0")[:2] == [b"sleep", long.encode()]:
                found.append(int(entry.parent.name))
    return found


@pytest.mark.parametrize("how", ["stop", "time"])
def test_a_run_ends_with_all_that_it_started(tmp_path: Path, how: str) -> None:
    stop, long = Stop(), f"77.{secrets.randbelow(10**9)}"
    # It leaves its group and its session, and does not listen to polite words.
    script = f"trap '' TERM HUP; setsid sleep {long} & sleep {long}"
    asked: list[float] = []

    def wait() -> None:
        while len(asleep(long)) < 2:
            time.sleep(0.1)
        asked.append(time.monotonic())
        if how == "stop":
            stop.set("asked for")

    threading.Thread(target=wait, daemon=True).start()
    began, seconds = time.monotonic(), 60.0 if how == "stop" else 10.0
    ended, heard = go(job(texts={"script": script}, seconds=seconds), tmp_path, stop)
    due = asked[0] if how == "stop" else began + seconds
    assert ended.why == ("stopped" if how == "stop" else "timed_out")
    assert time.monotonic() - due < 6
    assert heard == [] and list(tmp_path.iterdir()) == []
    assert not asleep(long)


def test_a_driver_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dies = tmp_path / "dies"
    dies.write_text("#!/bin/sh\nprintf 'no \\033[2J memory\\n\\n' >&2\n")
    dies.chmod(0o755)
    monkeypatch.setattr(process.sys, "executable", str(dies))
    folder = tmp_path / "folder"
    folder.mkdir()
    assert go(job(), folder) == (Ended("crashed", "ansible-runner ended early: no \\x1b[2J memory"), [])
    assert list(folder.iterdir()) == []


def test_what_runs_is_told_without_what_a_host_adds() -> None:
    data = {"host": "h0", "task": "facts", "res": {"rc": 0, "stdout": "x", "invocation": {"a": 1}, "_ansible_x": 1}}
    assert answer("ok", data) == {"host": "h0", "task": "facts", "kind": "ok", "result": {"rc": 0, "stdout": "x"}}
    assert answer("ok", {"host": "h0", "task": "facts", "res": {}})["kind"] == "too_much"


def test_long_answers_arrive_whole(tmp_path: Path) -> None:
    ended, heard = go(job(texts={"script": "head -c 3000000 /dev/zero | tr '\\0' '\\377'"}), tmp_path)
    assert ended == Ended()
    assert len(heard[0].text("stdout")) == 3_000_000
    assert process.LONGEST > 6 * 8 * 1024 * 1024

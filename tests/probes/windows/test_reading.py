"""Why a Windows server that was reached was not read."""

from __future__ import annotations

import json

import pytest

from probes.ansible_run.process import Ended, Happened
from probes.inside import Inside
from probes.ssh.said import Refused
from probes.windows.reading import WindowsReading, WinrmAnswers


def read(*happened: Happened, ended: Ended | None = None) -> Inside | Refused:
    answers = WinrmAnswers()
    for one in happened:
        answers.take(one)
    return WindowsReading().read(answers, "", ended or Ended())


def said(stdout: str, **more: object) -> Happened:
    return Happened("h0", "shell", "failed" if more else "ok", {"rc": 0, "stdout": stdout, "stderr": "", **more})


@pytest.mark.parametrize(
    ("happened", "reason", "words"),
    [
        (said(""), "no_shell", "version 3 or later"),
        (said("'powershell' is not recognized"), "no_shell", "is not recognized"),
        (said('{"auditor": 1, "os": {'), "bad_output", "no whole document"),
        (said('{"auditor": 1, "os": null}'), "bad_output", "no whole document"),
        (Happened("h0", "shell", "failed", {"msg": "Task failed: Timed out after 8 second(s)."}), "timed_out", "end"),
        (Happened("h0", "shell", "unreachable", {"msg": "auditor:certificate: not trusted"}), "certificate", "not"),
        (Happened("h0", "shell", "unreachable", {"msg": "gone"}), "unreachable", "broke off"),
        (Happened("h0", "shell", "too_much", {}), "too_much", "more than"),
    ],
)
def test_reasons(happened: Happened, reason: str, words: str) -> None:
    got = read(happened)
    assert isinstance(got, Refused)
    assert got.reason == reason
    assert words in got.message


def test_a_server_cannot_choose_its_failure() -> None:
    got = read(said("\x1b[2J", msg="auditor:login_refused: x"))
    assert isinstance(got, Refused)
    assert got.reason == "no_shell"
    assert "\x1b" not in got.message


def test_nothing_at_all() -> None:
    assert read() == Refused("bad_output", "no answer")
    assert read(ended=Ended("stopped", "window closed")) == Refused("stopped", "window closed")


def test_a_document() -> None:
    text = json.dumps({"auditor": 1, "os": {"Caption": "Microsoft Windows Server 2019 Standard", "ProductType": 3}})
    assert isinstance(read(said(f"欢迎\r\n{text}\r\n")), Inside)

"""A list of nothing is a sentence on standard error, and no table: what reads the output counts no line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.auditor.commands import typed
from tests.auditor.office import Office

WORDS = {
    ("schedule", "list"): "nothing is scheduled: give zones their times under 'schedule' in site.yaml",
    ("schedule", "next"): "nothing is scheduled: give zones their times under 'schedule' in site.yaml",
    ("bundle", "list"): "no bundle was taken in",
    ("bundle", "list", "--refused"): "no bundle was refused",
    ("waiver", "list"): "there are no waivers",
    ("snapshot", "list"): "there are no snapshots: 'auditor audit' makes one",
    ("department", "list"): "no department is registered",
    ("register", "status"): "no register was asked for",
}


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("new") / "city"
    assert typed("init", str(folder)).returncode == 0
    return folder


@pytest.mark.parametrize("command", WORDS)
def test_a_new_site_s_lists_say_that_they_are_empty(command: tuple[str, ...], new: Path) -> None:
    said = typed(*command, "--site", str(new))
    assert (said.returncode, said.stdout) == (0, "")
    assert said.stderr.startswith(f"{WORDS[command]}\n")


def test_no_findings_are_not_said_to_be_none_to_find(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What nobody could tell is no finding, and no reason to stop looking."""
    office = Office(tmp_path / "city", monkeypatch, capsys)
    office.systems("wlj,WL-001,景区预约系统,运行,,,", "jtj,,公交系统,运行,,,")
    office.audit()
    assert office.run("findings") == 0
    assert office.out == ""
    assert office.err.startswith("0 findings; what could not be told is none of them: 'auditor findings --unknown")
    assert office.run("findings", "--unknown") == 0
    assert "景区预约系统" in office.out

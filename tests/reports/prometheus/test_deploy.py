"""``deploy prometheus``: what it writes, what it leaves alone, and who may read it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.commands.deploy_prometheus import deploy_prometheus
from auditor.errors import Exit, Refused
from reports.prometheus.bundle import bundle, untouched

TARGET = "127.0.0.1:9464"
ALERTS, THRESHOLDS = "rules/auditor-alerts.yml", "rules/auditor-thresholds.yml"


@pytest.fixture(autouse=True)
def _as_the_program_runs() -> Iterator[None]:
    """The command line makes every file its owner's only; these must be readable all the same."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def deploy(folder: Path, target: str = TARGET, *, force: bool = False, **more: str) -> int:
    return deploy_prometheus(folder, target=target, force=force, **more)


def state(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_it_writes_what_the_bundle_holds_and_others_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "auditor"
    assert deploy(folder) == Exit.DONE
    assert state(folder) == {piece.path: piece.text.encode() for piece in bundle(TARGET)}
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_again_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert deploy(tmp_path) == Exit.DONE
    assert {path: path.stat().st_mtime_ns for path in before} == before
    told = capsys.readouterr()
    assert ": 0 of 39 files written" in told.err and told.out == ""


def test_another_target_is_written_over_what_nobody_edited(tmp_path: Path) -> None:
    deploy(tmp_path)
    deploy(tmp_path, "127.0.0.1:9999", runbooks="https://wiki.example.gov.cn/auditor")
    assert "127.0.0.1:9999" in (tmp_path / "prometheus.yml").read_text()
    assert "https://wiki.example.gov.cn/auditor/scan-stale.md" in (tmp_path / ALERTS).read_text()


@pytest.mark.parametrize("name", [ALERTS, "rules/auditor-recording.yml", "runbooks/scan-stale.md"])
def test_an_edited_rule_or_runbook_ends_it_before_anything_is_written(tmp_path: Path, name: str) -> None:
    deploy(tmp_path)
    with (tmp_path / name).open("a") as stream:
        stream.write("# ours\n")
    (tmp_path / "auditor.tmpl").unlink()
    before = state(tmp_path)
    with pytest.raises(Refused, match="was edited") as refusal:
        deploy(tmp_path, "127.0.0.1:9999")
    assert name in refusal.value.lines[0] and "--force" in refusal.value.lines[-1]
    assert state(tmp_path) == before


def test_a_file_that_was_there_before_counts_as_edited(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / ALERTS).write_text("groups: []\n")
    with pytest.raises(Refused, match="not ours"):
        deploy(tmp_path)
    assert state(tmp_path) == {ALERTS: b"groups: []\n"}


def test_edited_examples_and_thresholds_are_kept_and_the_rest_is_renewed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(tmp_path)
    ours = (tmp_path / THRESHOLDS).read_text().replace("vector(3)", "vector(8)", 1)
    (tmp_path / THRESHOLDS).write_text(ours)
    (tmp_path / "alertmanager.yml").write_text("route: {receiver: ours}\nreceivers: [{name: ours}]\n")
    (tmp_path / "runbooks/scan-stale.md").unlink()
    assert deploy(tmp_path, "127.0.0.1:9999") == Exit.DONE
    assert (tmp_path / THRESHOLDS).read_text() == ours
    assert "ours" in (tmp_path / "alertmanager.yml").read_text()
    assert (tmp_path / "runbooks/scan-stale.md").is_file()
    assert "127.0.0.1:9999" in (tmp_path / "prometheus.yml").read_text()
    assert capsys.readouterr().err.count("kept, because it was edited") == 2


def test_force_replaces_everything_and_keeps_what_was_edited_beside_it(tmp_path: Path) -> None:
    deploy(tmp_path)
    edited = {ALERTS: "groups: []\n", "alertmanager.yml": "route: {}\n", THRESHOLDS: "\xff\n"}
    for name, text in edited.items():
        (tmp_path / name).write_text(text, encoding="latin-1")
    (tmp_path / "alertmanager.yml").chmod(0o600)
    assert deploy(tmp_path, force=True) == Exit.DONE
    now = state(tmp_path)
    for piece in bundle(TARGET):
        assert now[piece.path] == piece.text.encode()
    for name, text in edited.items():
        assert now[f"{name}.bak"] == text.encode("latin-1")
    assert set(now) == {*(piece.path for piece in bundle(TARGET)), *(f"{name}.bak" for name in edited)}
    # It may hold a password by now.
    assert (tmp_path / "alertmanager.yml.bak").stat().st_mode & 0o777 == 0o600


def test_an_older_version_of_ours_is_renewed(tmp_path: Path) -> None:
    from reports.prometheus.bundle import marked

    deploy(tmp_path)
    (tmp_path / ALERTS).write_text(marked(ALERTS, "groups: []\n"))
    assert deploy(tmp_path) == Exit.DONE
    assert "AuditorScanStale" in (tmp_path / ALERTS).read_text()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "auditor", tmp_path / "elsewhere.yml"
    elsewhere.write_text("theirs\n")
    (folder / "rules").mkdir(parents=True)
    (folder / ALERTS).symlink_to(elsewhere)
    with pytest.raises(Refused, match="not ours"):
        deploy(folder)
    assert deploy(folder, force=True) == Exit.DONE
    assert elsewhere.read_text() == "theirs\n" and not (folder / ALERTS).is_symlink()


@pytest.mark.parametrize("name", ["", "rules", "runbooks"])
def test_a_file_where_a_folder_has_to_be(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "auditor"
    if name:
        folder.mkdir()
    (folder / name if name else folder).write_text("x")
    with pytest.raises(Refused, match="is not a folder"):
        deploy(folder, force=True)


def test_a_folder_where_a_file_has_to_be(tmp_path: Path) -> None:
    (tmp_path / ALERTS).mkdir(parents=True)
    with pytest.raises(Refused, match="is a folder"):
        deploy(tmp_path, force=True)
    assert state(tmp_path) == {}


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "prometheus.yml")
    assert deploy(tmp_path) == Exit.DONE
    assert not (tmp_path / "prometheus.yml").is_file()


def test_a_huge_file_is_not_read_whole_and_not_ours(tmp_path: Path) -> None:
    deploy(tmp_path)
    with (tmp_path / ALERTS).open("ab") as stream:
        stream.truncate(50_000_000_000)
    with pytest.raises(Refused, match="was edited"):
        deploy(tmp_path)


@pytest.mark.parametrize(
    ("target", "runbooks"), [("http://x:1", "runbooks"), (TARGET, "x y"), ("127.0.0.1:0", "runbooks")]
)
def test_a_wrong_target_or_address_writes_nothing(tmp_path: Path, target: str, runbooks: str) -> None:
    with pytest.raises(Refused, match="is no "):
        deploy(tmp_path / "auditor", target, runbooks=runbooks)
    assert list(tmp_path.iterdir()) == []


def test_every_file_knows_itself_after_it_was_written(tmp_path: Path) -> None:
    deploy(tmp_path)
    for name, data in state(tmp_path).items():
        assert untouched(name, data.decode())

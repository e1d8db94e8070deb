"""A disk that is really full, and one that cannot be written: told in a line, with nothing half done left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB with the example city on it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", folder], check=True)
    try:
        assert run("init", str(folder / "city"), "--example").returncode == 0
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "auditor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def audit(disk: Path) -> subprocess.CompletedProcess[str]:
    # One small zone is enough: nobody needs to answer.
    return run("audit", "--zone", "slx", "--site", str(disk / "city"))


def test_a_full_disk(disk: Path) -> None:
    assert audit(disk).returncode == 0
    city = disk / "city"
    before = sorted(p.name for p in (city / "state" / "snapshots").iterdir())
    free = shutil.disk_usage(disk).free
    (disk / "ballast").write_bytes(os.urandom(max(0, free - 64 * 1024)))
    done = audit(disk)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "full" in done.stderr or "No space left" in done.stderr
    assert sorted(p.name for p in (city / "state" / "snapshots").iterdir()) == before
    assert run("snapshot", "verify", "--site", str(city)).returncode == 0
    (disk / "ballast").unlink()
    assert audit(disk).returncode == 0, "with room again it works again"


def test_a_disk_that_cannot_be_written(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    done = audit(disk)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr and "ead-only" in done.stderr, done.stderr
    assert run("check", "--site", str(disk / "city")).returncode == 0, "reading needs no leave to write"

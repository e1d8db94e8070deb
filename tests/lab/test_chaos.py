"""A few runs of chaos; ``make chaos`` does two hundred."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]


def test_whatever_is_killed_nothing_is_lost_doubled_or_accused() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--runs", "4", "--ledger", "both", "--minutes", "12"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    assert "4 of 4 runs" in done.stdout and "0 faults" in done.stdout

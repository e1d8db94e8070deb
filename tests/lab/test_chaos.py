"""A few runs of chaos; ``make chaos`` does two hundred."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("ledger", ["sqlite", "postgresql"])
def test_whatever_is_killed_nothing_is_lost_doubled_or_accused(ledger: str) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--runs", "4", "--ledger", ledger, "--minutes", "8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    assert "4 of 4 runs" in done.stdout and "0 faults" in done.stdout

"""The script that is run on a host: POSIX sh, read-only, bounded, without privilege."""

from __future__ import annotations

from pathlib import Path

#: First and last line of a run's output. A login's banner may hold anything: the last complete run counts.
MARK_BEGIN = "=== auditor begin 1"
MARK_END = "=== auditor end 1"

_TEXT = (Path(__file__).parent / "collect.sh").read_text("utf-8")

#: Everything.
SCRIPT: str = _TEXT.replace("@PARTS@", "all")

#: Only what Ansible's ``setup`` and ``package_facts`` do not tell.
EXTRAS: str = _TEXT.replace("@PARTS@", "extras")

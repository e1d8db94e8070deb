"""Where runs leave what they said: a file for each run, the newest of each job kept."""

from __future__ import annotations

import contextlib
import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from inventories.faults import clean

#: Logs of each job.
KEPT = 20
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}\.log")


def new_log(folder: Path, key: str, at: datetime) -> Path:
    """A path that no other run has; nothing is made yet."""
    return folder / key / f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.log"


def last_line(path: Path) -> str:
    """What a run said last, safe to show; empty where it said nothing."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 2000))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return clean(next((line.strip() for line in reversed(lines) if line.strip()), ""), 200)


def private(folder: Path) -> None:
    """Makes a folder, and those above it that are not there, for their owner only. OSError."""
    for each in (*reversed(folder.parents), folder):
        if not each.is_dir():
            each.mkdir(mode=0o700, exist_ok=True)


def trim(folder: Path) -> None:
    """Takes older logs away; what else lies there is left alone, and so is what cannot be removed."""
    with contextlib.suppress(OSError):
        for home in folder.iterdir():
            if home.is_dir() and not home.is_symlink():
                logs = sorted((path for path in home.iterdir() if _NAME.fullmatch(path.name)), reverse=True)
                for path in logs[KEPT:]:
                    with contextlib.suppress(OSError):
                        path.unlink()

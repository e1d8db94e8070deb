"""Loopback addresses: every one of 127.0.0.0/8 is this machine, and answers for whatever listens everywhere."""

from __future__ import annotations

import re
from pathlib import Path

_LISTENING = "0A"
_LINE = re.compile(r"^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) ")


def ports_everywhere(tables: tuple[Path, ...] = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))) -> frozenset[int]:
    """TCP ports on which something on this machine listens on all addresses (0.0.0.0 or ::).

    On such a port every loopback address answers, whether anything stands there or not.
    """
    found: set[int] = set()
    for table in tables:
        try:
            lines = table.read_text("ascii", "replace").splitlines()
        except OSError:
            continue
        for line in lines:
            parts = _LINE.match(line)
            if parts and parts[3] == _LISTENING and not parts[1].strip("0"):
                found.add(int(parts[2], 16))
    return frozenset(found)

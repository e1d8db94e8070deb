"""The audit trail read through from end to end, once an hour at most, whoever asks.

What the newest check found lies in the site's state folder, so that a command that cron starts every few minutes and
a server that runs for months share it. The head that was sound last is kept there too: a chain that lost its newest
entries since is found out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from auditor.ledger import trail
from auditor.ledger.store import Ledger
from auditor.ledger.trail import Head
from reports.files import write_whole

EVERY = timedelta(hours=1)
FILE = "trail-check.json"


@dataclass(frozen=True, slots=True)
class Checked:
    """When the chain was read, how many faults it had, and the head that it had when it had none."""

    at: datetime
    faults: int
    sound: Head

    def is_due(self, now: datetime) -> bool:
        # A clock that was set back must not put the next check off for ever.
        return not timedelta(0) <= now - self.at < EVERY


def newest(state: Path) -> Checked | None:
    """What the newest check found; None where none was made, or its file is not readable as one."""
    try:
        body = json.loads((state / FILE).read_bytes())
        head = Head(int(body["seq"]), str(body["digest"]))
        checked = Checked(datetime.fromisoformat(body["at"]), int(body["faults"]), head)
    except (OSError, LookupError, TypeError, ValueError):
        return None
    return checked if checked.at.tzinfo is not None else None


def check(ledger: Ledger, state: Path, now: datetime) -> Checked:
    """Reads the whole trail and every guarded row, and writes down what that came to.

    LedgerError where the ledger cannot be read, OSError where the result cannot be written.
    """
    earlier = newest(state)
    with ledger.reading() as connection:
        faults = trail.verify(connection, earlier.sound if earlier is not None else None)
        head = trail.head(connection)
    if faults:
        head = earlier.sound if earlier is not None else Head(0, trail.ORIGIN)
    made = Checked(now, len(faults), head)
    body = {"at": now.isoformat(), "faults": made.faults, "seq": head.seq, "digest": head.digest}
    write_whole(state / FILE, json.dumps(body).encode())
    return made


def checked(ledger: Ledger, state: Path, now: datetime) -> Checked | None:
    """The newest check, made now where one is due. LedgerError; a folder that cannot be written is no matter."""
    found = newest(state)
    if found is not None and not found.is_due(now):
        return found
    try:
        return check(ledger, state, now)
    except OSError:
        return found

"""What can end a command, and the exit status that it means (fixed: scripts and cron jobs rely on it)."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """0 done; 1 ``--fail-on`` met; 2 nothing was done; 3 it failed; 4 done in part; 130 interrupted.

    4 outranks 1: where some scope is uncovered, a count of findings is no answer yet.
    """

    DONE = 0
    FAIL_ON = 1
    REFUSED = 2
    FAILED = 3
    PARTIAL = 4
    INTERRUPTED = 130


class Refused(Exception):
    """Nothing was done: the configuration is wrong, nothing is authorised, or somebody holds the lock."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


class Failed(Exception):
    """The command set out and could not finish; nothing half-done stands."""


class Interrupted(Exception):
    """Ctrl-C or ``auditor stop``; ``how_to_go_on`` says what to type next."""

    def __init__(self, how_to_go_on: str) -> None:
        self.how_to_go_on = how_to_go_on
        super().__init__(how_to_go_on)

"""What goes wrong on the way to an answer, as the failure that it becomes."""

from __future__ import annotations


class Trouble(Exception):
    """``reason`` is a failure's word; the message is for people, clean, and holds no secret.

    ``ends``: nothing more can be had from this endpoint, as after a lost connection; otherwise the next question
    may still be answered.
    """

    def __init__(self, reason: str, message: str, *, ends: bool = False) -> None:
        super().__init__(message)
        self.reason, self.message, self.ends = reason, message, ends

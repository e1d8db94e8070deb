"""What may go wrong while a cloud is asked: one exception, caught where the scope that it concerns is known."""

from __future__ import annotations


class Trouble(Exception):
    """``reason`` is the failure's word, ``text`` is for people: short, cleaned, and without any secret.

    ``status`` is the HTTP status that it came with, 0 where there was none.
    """

    def __init__(self, reason: str, text: str, status: int = 0) -> None:
        super().__init__(reason, text)
        self.reason, self.text, self.status = reason, text, status

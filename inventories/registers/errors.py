"""What a cell's reader may raise, and nothing else."""

from __future__ import annotations


class CellError(ValueError):
    """A cell that cannot be right: it is a fault, and its row is refused."""

    def __init__(self, what: str, mend: str = "") -> None:
        self.what = what
        self.mend = mend
        super().__init__(f"{what}: {mend}" if mend else what)


class Unsure(ValueError):
    """A cell that says something true but too vague to judge by: NULL with a note, and the row stays.

    A room with only its year of construction must not be lost, and its year must not become the first of
    January: the day may decide on which side of a regulation's first day it falls.
    """

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)

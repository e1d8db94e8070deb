"""How commands speak: JSON or tables on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from inventories.faults import Fault, clean

if TYPE_CHECKING:
    from rich.console import Console


#: Where nobody looks at a terminal, tables need not be squeezed into eighty columns.
_FILE_WIDTH = 160


def stdout() -> Console:
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:
            """A reader that has gone is for :mod:`auditor.ending` to judge, not for rich to exit on."""
            raise BrokenPipeError

    return Output(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _FILE_WIDTH)


def print_json(body: object) -> None:
    """One JSON document on standard output, and nothing else there."""
    sys.stdout.write(json.dumps(body, ensure_ascii=False, indent=2, default=str) + "\n")
    sys.stdout.flush()


def write(text: str) -> None:
    """A line of the answer, on standard output, made safe to show."""
    sys.stdout.write(clean(text, 2000) + "\n")


def say(text: str) -> None:
    """A line for people, on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def print_faults(faults: Iterable[Fault], *, kind: str = "") -> None:
    for fault in faults:
        say((f"{kind}: " if kind else "") + clean(str(fault), 2000))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, none: str = "") -> None:
    """A table on standard output; every cell is made safe to show.

    Where there are no rows, ``none`` is said in place of a table that holds nothing.
    """
    from reports.tables import table

    lines = list(rows)
    if none and not lines:
        say(none)
        return
    stdout().print(table(headings, lines))

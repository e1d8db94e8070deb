"""Tables and lines for a terminal, in which no text from outside can do anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from inventories.faults import clean


def safe(text: object, style: str = "", limit: int = 400) -> Text:
    """Text that is shown as it is: neither markup nor terminal escapes nor line breaks work in it."""
    return Text(clean("" if text is None else str(text), limit), style=style)


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    numbers: Sequence[int] = (),
    total: bool = False,
) -> Table:
    """A plain table. Columns whose places are in ``numbers`` are flush right; with ``total`` the last row is a sum.

    A cell that already is a rich text is taken as it is; everything else is made safe.
    """
    made = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        title=safe(title) if title else None,
        title_justify="left",
        title_style="bold",
    )
    for place, heading in enumerate(headings):
        made.add_column(safe(heading), justify="right" if place in numbers else "left", overflow="fold")
    listed = [[cell if isinstance(cell, Text) else safe(cell) for cell in row] for row in rows]
    for place, cells in enumerate(listed):
        last = total and place == len(listed) - 1
        if last:
            made.add_section()
        made.add_row(*cells, style="bold" if last else None)
    return made

"""Tables of a page: captions, row heads, and cells in which 0, unknown and missing look different. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from reports.html.markup import Html, Node, join, tag, unaddressed
from reports.ledger_cells import Mark

#: Rows that are shown at once; the whole table is folded behind them.
SHOWN = 15
#: Above this many rows a table is folded.
FOLD = 25
#: No table has more rows: the workbook has them all.
MOST = 1000

#: Columns of words from which on a table is hard to read on a phone.
CARDS = 4
#: A table of so few columns of figures is not stretched over the page.
FEW = 4
#: A table of so few rows is printed on one page.
SHORT = 10

UNKNOWN = Mark("不明", "faint")
#: A figure that cannot be, such as a rate where nothing is in scope.
NOTHING = Mark("—", "none")

Cell: TypeAlias = "Html | Mark | str | int | date | None"


@dataclass(frozen=True, slots=True)
class Column:
    """``kind``: ``text``, ``word`` (not broken), ``number``, ``day`` or ``bar``; ``|`` breaks the title.

    What is ``minor`` is left out on a phone.
    """

    title: str
    kind: str = "text"
    minor: bool = False

    @property
    def classes(self) -> str | None:
        # Short, since they stand in every cell.
        names = [self.kind[0]] if self.kind != "text" else []
        return " ".join([*names, *(["minor"] if self.minor else [])]) or None

    @property
    def words(self) -> str:
        """The title on one line."""
        return self.title.replace("|", "")


def columns(*texts: str) -> tuple[Column, ...]:
    """Columns written ``部门``, ``未上云 number`` or ``级别 number minor``."""
    out = []
    for title, *rest in (words.split(" ") for words in texts):
        kind = next((word for word in rest if word != "minor"), "text")
        out.append(Column(title, kind, "minor" in rest))
    return tuple(out)


def of_department(single: bool) -> tuple[str, ...]:
    """A column of departments, where there are several."""
    return () if single else ("部门",)


def table(
    caption: str,
    heads: Sequence[Column],
    rows: Iterable[Sequence[Cell]],
    *,
    total: Sequence[Cell] = (),
    empty: str = "没有。",
    most: int = MOST,
) -> Html:
    """A table with its caption; the first cell of a row is its head.

    A long one shows its first rows, with all of them (``most`` at the most) folded behind; ``empty`` stands instead
    of a table without rows.
    """
    listed = list(rows)
    if len(listed) <= FOLD:
        return whole(caption, heads, listed, total=total, empty=empty)
    first = whole(f"{caption}（前{SHOWN}项）", heads, listed[:SHOWN])
    left_out = f"，以下列出前{most}项，其余见台账" if len(listed) > most else ""
    every = whole(f"{caption}（共{len(listed)}项{left_out}）", heads, listed[:most], total=total)
    return join([first, behind(f"展开{'前' + str(most) if left_out else '全部' + str(len(listed))}项", every)])


def behind(words: str, *children: Node) -> Html:
    """What is folded away until somebody opens it. Paper shows it only where it was open."""
    return tag("details", tag("summary", words), children)


def whole(
    caption: str,
    heads: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    total: Sequence[Cell] = (),
    empty: str = "没有。",
) -> Html:
    """A table of all of its rows."""
    if not rows:
        return tag("p", tag("b", f"{caption}："), empty, class_="empty")
    return _drawn(caption, heads, rows, total)


def _drawn(caption: str, heads: Sequence[Column], rows: Sequence[Sequence[Cell]], total: Sequence[Cell]) -> Html:
    # A table of words becomes a list of cards on a phone, where each cell tells its own heading.
    cards = sum(head.kind in ("text", "word") for head in heads) >= CARDS
    figures = all(head.kind in ("number", "day") for head in heads[1:]) and len(heads) <= FEW
    meter = len(heads) < FEW and any(head.kind == "bar" for head in heads)
    names = {"cards": cards, "few": figures and len(heads) > 1, "meter": meter, "short": len(rows) <= SHORT}
    made = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", (tag("th", _broken(head.title), scope="col", class_=head.classes) for head in heads))),
        tag("tbody", (_row(heads, row, cards) for row in rows)),
        tag("tfoot", _row(heads, total, cards)) if total else None,
        class_=" ".join(name for name, holds in names.items() if holds) or None,
    )
    # A wide table scrolls by itself, also from the keyboard; the page does not.
    return tag("div", made, class_="wide", tabindex=0, role="region", aria_label=caption)


def _broken(title: str) -> Node:
    first, *more = title.split("|")
    return [first, *([tag("br"), part] for part in more)]


def _row(heads: Sequence[Column], row: Sequence[Cell], cards: bool) -> Html:
    if len(row) != len(heads):
        raise ValueError(f"{len(row)} cells under {len(heads)} headings")
    return tag(
        "tr",
        [_cell(head, cell, place == 0, cards) for place, (head, cell) in enumerate(zip(heads, row, strict=True))],
    )


def _cell(head: Column, cell: Cell, first: bool, cards: bool) -> Html:
    if first:
        return tag("th", shown(cell), scope="row", class_=head.classes)
    return tag("td", shown(cell), class_=head.classes, data_label=head.words if cards else None)


def shown(cell: Cell) -> Node:
    """A cell's content. None and words for what is not known are marked; texts show no address."""
    if cell is None:
        return shown(UNKNOWN)
    if isinstance(cell, Html):
        return cell
    if isinstance(cell, Mark):
        # <b>, for its length: a page has thousands of them.
        return tag("b", cell.text, class_=cell.tone)
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    return unaddressed(cell)

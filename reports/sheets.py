"""Worksheets as an office prints and filters them: typed cells, frozen heads, A4 landscape; never a formula."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from types import NoneType, TracebackType
from typing import Any, Self

from inventories.faults import clean
from reports.ledger_cells import (
    FORMULA_STARTS,
    MARGIN,
    MAX_LINE,
    MAX_TEXT,
    Cell,
    Head,
    Lines,
    Mark,
    Ratio,
    as_text,
    heads,
    is_risky,
    lines_of,
    wrapped,
)

__all__ = ["MAX_ROWS", "MAX_TEXT", "Book", "Cell", "Head", "Lines", "Mark", "Ratio", "as_text", "heads"]

#: Rows of one worksheet below its head; what is more goes on to a further sheet.
MAX_ROWS = 1_048_575
#: Points. Heights are set, since not every program finds them by itself; no row may be higher than the last.
LINE_HEIGHT = 14.25
_SPARE = 3.75
_ROW_HEIGHT = LINE_HEIGHT + _SPARE
_MAX_HEIGHT = 409.0
#: The first day that spreadsheets can count.
_FIRST_YEAR = 1900
#: A text that starts with one of these, or with nothing, is looked at closely.
_SPECIAL = FORMULA_STARTS | {"", "<"}
#: How cells of each sort look, beside what all have in common.
_SHAPES: Mapping[str, Mapping[str, object]] = {
    "text": {},
    "risky": {"quote_prefix": True},
    "number": {"num_format": "#,##0.##"},
    "integer": {"num_format": "0", "align": "center"},
    "date": {"num_format": "yyyy-mm-dd", "align": "center"},
    "moment": {"num_format": "yyyy-mm-dd hh:mm", "align": "center"},
    "ratio": {"num_format": "0.0%", "align": "center"},
    "bad": {"font_color": "#9C0006", "bg_color": "#FFC7CE", "bold": True},
    "warn": {"font_color": "#7F6000", "bg_color": "#FFF2CC"},
    "good": {"font_color": "#00612E"},
    "faint": {"font_color": "#6B6B6B", "bg_color": "#EDEDED", "italic": True},
}


class Book:
    """A workbook under construction, written row by row in constant memory.

    ``left``, ``right``: what is printed at the head of every page beside the sheet's name. A context manager:
    the file is complete when the block ends well (OSError where it cannot be written), and what was set aside
    on the way is removed however it ends.
    """

    def __init__(self, path: str, *, left: str, right: str, properties: dict[str, Any]) -> None:
        import xlsxwriter

        self._aside = tempfile.TemporaryDirectory(prefix="auditor-")
        self._book = xlsxwriter.Workbook(
            path,
            {
                "constant_memory": True,
                "tmpdir": self._aside.name,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "nan_inf_to_errors": False,
            },
        )
        self._book.set_properties(properties)
        self._left, self._right = left, right
        self._heading = self._format(bold=True, bg_color="#DDE6F0", align="center", font_name="黑体")
        self._styles = {name: self._format(**shape) for name, shape in _SHAPES.items()}
        self._bold = {
            name: self._format(**shape, **{"bold": True}) for name, shape in _SHAPES.items() if name != "bad"
        }
        self._bold["bad"] = self._styles["bad"]
        self._title = self._book.add_format({"bold": True, "font_size": 16, "font_name": "黑体", "align": "center"})
        self._note = self._book.add_format({"font_size": 10, "font_name": "仿宋", "text_wrap": True, "valign": "top"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from xlsxwriter.exceptions import FileCreateError

        try:
            if error is None:
                self._book.close()
        except FileCreateError as failure:
            cause = failure.args[0] if failure.args else None
            raise cause if isinstance(cause, OSError) else OSError(str(failure)) from failure
        finally:
            self._aside.cleanup()

    def _format(self, **more: Any) -> Any:
        base = {"border": 1, "valign": "vcenter", "text_wrap": True, "font_size": 10, "font_name": "宋体"}
        return self._book.add_format(base | more)

    def sheet(
        self,
        name: str,
        heads: Sequence[Head],
        rows: Iterable[Sequence[Cell]],
        *,
        printed: int = 0,
        title: str = "",
        notes: Sequence[str] = (),
        total: Sequence[Cell] = (),
    ) -> None:
        """A table with filters and a head that stays in sight and is printed on every page.

        ``printed``: how many columns are printed (0: all); the others are there on the screen. With ``title``
        the table starts below it; ``total`` is a last row in bold; ``notes`` stand below the table.
        """
        number, source = 1, iter(rows)
        while True:
            suffix = f"（{number}）" if number > 1 else ""
            more = self._one(f"{name}{suffix}", heads, source, (printed or len(heads)) - 1, title, notes, total)
            if more is None:
                return
            number, source = number + 1, _chain(more, source)

    def _one(
        self,
        name: str,
        heads: Sequence[Head],
        rows: Iterable[Sequence[Cell]],
        right: int,
        title: str,
        notes: Sequence[str],
        total: Sequence[Cell],
    ) -> Sequence[Cell] | None:
        """One worksheet, printed up to the column ``right``; returns the first row that had no room on it."""
        sheet, left_over = self._book.add_worksheet(name), None
        top = 1 if title else 0
        self._head(sheet, heads, top, right, title)
        writer, last = _Rows(sheet, heads, self._styles), top
        for row in rows:
            if last - top >= MAX_ROWS - len(notes) - 3:
                left_over = row
                break
            last += 1
            writer.write(last, row)
        sheet.autofilter(top, 0, last, len(heads) - 1)
        if total and left_over is None:
            last += 1
            _Rows(sheet, heads, self._bold).write(last, total)
        end = self._notes(sheet, heads, last, right, notes)
        self._print_setup(sheet, name, top, end, right)
        return left_over

    def _head(self, sheet: Any, heads: Sequence[Head], top: int, right: int, title: str) -> None:
        sheet.set_default_row(_ROW_HEIGHT)
        for column, head in enumerate(heads):
            sheet.set_column(column, column, head.width)
        if title:
            sheet.set_row(0, 30)
            sheet.merge_range(0, 0, 0, right, title, self._title)
        deepest = max(lines_of(head.title, head.width + 1) for head in heads)
        sheet.set_row(top, LINE_HEIGHT * max(2, deepest) + 5)
        for column, head in enumerate(heads):
            sheet.write_string(top, column, head.title, self._heading)

    def _notes(self, sheet: Any, heads: Sequence[Head], last: int, right: int, notes: Sequence[str]) -> int:
        """Remarks below the table, as wide as what is printed; returns the last row."""
        width = sum(head.width for head in heads[: right + 1])
        for row, note in enumerate(notes, last + 2):
            text = as_text(note)
            sheet.set_row(row, LINE_HEIGHT * lines_of(text, width) + 2)
            sheet.merge_range(row, 0, row, right, text, self._note)
        return last + len(notes) + 1 if notes else last

    def _print_setup(self, sheet: Any, name: str, top: int, end: int, last_column: int) -> None:
        sheet.freeze_panes(top + 1, 2 if last_column > 2 else 0)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.set_margins(left=0.5, right=0.5, top=0.8, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0, top)
        sheet.print_area(0, 0, end, last_column)
        sheet.set_header(f"&L{_code(self._left)}&C{_code(name)}&R{_code(self._right)}")
        sheet.set_footer("&C第 &P 页，共 &N 页")


class _Rows:
    """Writes the rows of one worksheet: each cell in its own type, each row as high as its longest text needs."""

    def __init__(self, sheet: Any, heads: Sequence[Head], styles: Mapping[str, Any]) -> None:
        self._sheet, self._styles = sheet, styles
        self._widths = [head.width for head in heads]
        self._rooms = [head.width - MARGIN for head in heads]
        self._text_style, self._risky_style = styles["text"], styles["risky"]
        self._string = sheet.write_string
        # Chosen by the exact type: a ledger has millions of cells.
        self._writers: Mapping[type, Callable[[int, int, Any], int]] = {
            str: self._words,
            NoneType: self._blank,
            bool: self._truth,
            int: self._integer,
            float: self._number,
            date: self._day,
            datetime: self._moment,
            Ratio: self._ratio,
            Mark: self._mark,
        }
        #: Heights are kept until the book is closed; those of rows already in the file are of no use any more.
        self._heights = (getattr(sheet, "row_info", {}), getattr(sheet, "row_sizes", {}))
        self._before = -1

    def write(self, row: int, cells: Sequence[Cell]) -> None:
        if len(cells) != len(self._widths):
            raise ValueError(f"{len(cells)} cells under {len(self._widths)} headings")
        writers, text = self._writers, self._text
        lines = max([writers.get(type(cell), text)(row, column, cell) for column, cell in enumerate(cells)])
        if lines > 1:
            for kept in self._heights:
                kept.pop(self._before, None)
            self._sheet.set_row(row, min(LINE_HEIGHT * lines + _SPARE, _MAX_HEIGHT))
            self._before = row

    def _words(self, row: int, column: int, cell: str) -> int:
        """The short way for what nearly every text is: printable, and nothing that could be taken for more."""
        if len(cell) > MAX_LINE or not cell.isprintable() or cell[:1] in _SPECIAL:
            return self._text(row, column, cell)
        self._string(row, column, cell, self._text_style)
        room = self._rooms[column]
        return 1 if len(cell) * 2.5 <= room else wrapped(cell, room)

    def _text(self, row: int, column: int, cell: Cell) -> int:
        text = as_text(cell)
        if not text:
            return self._blank(row, column, None)
        self._string(row, column, text, self._risky_style if is_risky(text) else self._text_style)
        return lines_of(text, self._widths[column])

    def _blank(self, row: int, column: int, _cell: None) -> int:
        self._sheet.write_blank(row, column, None, self._text_style)
        return 1

    def _truth(self, row: int, column: int, cell: bool) -> int:
        self._string(row, column, "是" if cell else "否", self._text_style)
        return 1

    def _integer(self, row: int, column: int, cell: int) -> int:
        # More than 15 digits would lose their end in a spreadsheet's number.
        if abs(cell) >= 10**15:
            return self._text(row, column, cell)
        self._sheet.write_number(row, column, cell, self._styles["integer"])
        return 1

    def _number(self, row: int, column: int, cell: float) -> int:
        if not math.isfinite(cell):
            return self._text(row, column, cell)
        self._sheet.write_number(row, column, cell, self._styles["number"])
        return 1

    def _ratio(self, row: int, column: int, cell: Ratio) -> int:
        self._sheet.write_number(row, column, cell.value, self._styles["ratio"])
        return 1

    def _day(self, row: int, column: int, cell: date) -> int:
        return self._time(row, column, cell, "date")

    def _moment(self, row: int, column: int, cell: datetime) -> int:
        return self._time(row, column, cell, "moment")

    def _time(self, row: int, column: int, cell: date, style: str) -> int:
        if cell.year < _FIRST_YEAR:
            return self._text(row, column, cell)
        self._sheet.write_datetime(row, column, cell, self._styles[style])
        return 1

    def _mark(self, row: int, column: int, cell: Mark) -> int:
        text = as_text(cell)
        self._string(row, column, text, self._styles[cell.tone])
        return lines_of(text, self._widths[column])


def _code(text: str) -> str:
    """Text for a printed page's head, where ``&`` starts a code and 255 characters are all there is."""
    return clean(text, 70).replace("&", "&&")


def _chain(first: Sequence[Cell], rest: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    yield first
    yield from rest

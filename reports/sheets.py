"""Worksheets as an office prints and filters them: typed cells, frozen heads, A4 landscape; never a formula."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self, TypeAlias

from inventories.faults import clean

#: Rows of one worksheet below its head; what is more goes on to a further sheet.
MAX_ROWS = 1_048_575
#: What a cell may hold is 32,767 characters.
MAX_TEXT = 32_000
#: Points. Heights are set, since not every program finds them by itself; no row may be higher than the last.
LINE_HEIGHT = 13.5
_MAX_HEIGHT = 409.0
#: A text that a spreadsheet would take for a formula once somebody edits the cell.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Cell: TypeAlias = object


@dataclass(frozen=True, slots=True)
class Lines:
    """A cell of several lines; each is cleaned by itself."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A share, shown in per cent."""

    value: float


@dataclass(frozen=True, slots=True)
class Head:
    """A column's heading and width in characters."""

    title: str
    width: float = 14


def heads(*texts: str) -> tuple[Head, ...]:
    """Headings with their widths, written ``部门 20; 对象 22``; ``|`` breaks a line."""
    pairs = (item.rsplit(" ", 1) for text in texts for item in text.split("; "))
    return tuple(Head(title.replace("|", "\n"), float(width)) for title, width in pairs)


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
        self._styles = {
            "text": self._format(),
            "risky": self._format(quote_prefix=True),
            "number": self._format(num_format="#,##0.##"),
            "integer": self._format(num_format="0"),
            "date": self._format(num_format="yyyy-mm-dd", align="center"),
            "moment": self._format(num_format="yyyy-mm-dd hh:mm", align="center"),
            "ratio": self._format(num_format="0.0%"),
            "bold": self._format(bold=True),
            "bold_ratio": self._format(bold=True, num_format="0.0%"),
        }
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
            more = self._one(f"{name}{suffix}", heads, source, printed, title, notes, total)
            if more is None:
                return
            number, source = number + 1, _chain(more, source)

    def _one(
        self,
        name: str,
        heads: Sequence[Head],
        rows: Iterable[Sequence[Cell]],
        printed: int,
        title: str,
        notes: Sequence[str],
        total: Sequence[Cell],
    ) -> Sequence[Cell] | None:
        """One worksheet; returns the first row that had no room on it."""
        sheet, left_over = self._book.add_worksheet(name), None
        top = 1 if title else 0
        for column, head in enumerate(heads):
            sheet.set_column(column, column, head.width)
        if title:
            sheet.set_row(0, 30)
            sheet.merge_range(0, 0, 0, len(heads) - 1, title, self._title)
        sheet.set_row(top, 32)
        for column, head in enumerate(heads):
            sheet.write_string(top, column, head.title, self._heading)
        last = top
        for row in rows:
            if last - top >= MAX_ROWS - len(notes) - 3:
                left_over = row
                break
            last += 1
            self._row(sheet, last, heads, row)
        sheet.autofilter(top, 0, last, len(heads) - 1)
        if total and left_over is None:
            last += 1
            self._row(sheet, last, heads, total, bold=True)
        for offset, note in enumerate(notes, 2):
            sheet.set_row(last + offset, 15 * (1 + len(note) // 90))
            sheet.merge_range(last + offset, 0, last + offset, len(heads) - 1, note, self._note)
        end = last + len(notes) + 1 if notes else last
        self._print_setup(sheet, name, top, end, (printed or len(heads)) - 1)
        return left_over

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

    def _row(self, sheet: Any, row: int, heads: Sequence[Head], cells: Sequence[Cell], *, bold: bool = False) -> None:
        lines = 1
        for head, cell in zip(heads, cells, strict=True):
            if isinstance(cell, (str, Lines, list, tuple)):
                lines = max(lines, _lines(as_text(cell), head.width))
        sheet.set_row(row, min(LINE_HEIGHT * lines + 3, _MAX_HEIGHT))
        for column, cell in enumerate(cells):
            self._write(sheet, row, column, cell, bold=bold)

    def _write(self, sheet: Any, row: int, column: int, cell: Cell, *, bold: bool = False) -> None:
        style = self._styles["bold"] if bold else None
        match cell:
            case None | "":
                sheet.write_blank(row, column, None, style or self._styles["text"])
            case bool():
                sheet.write_string(row, column, "是" if cell else "否", style or self._styles["text"])
            case Ratio():
                sheet.write_number(row, column, cell.value, self._styles["bold_ratio" if bold else "ratio"])
            # More than 15 digits would lose their end in a spreadsheet's number.
            case int() if abs(cell) < 10**15:
                sheet.write_number(row, column, cell, style or self._styles["integer"])
            case float() if math.isfinite(cell):
                sheet.write_number(row, column, cell, style or self._styles["number"])
            case datetime() if cell.year >= 1900:
                sheet.write_datetime(row, column, cell, self._styles["moment"])
            case date() if cell.year >= 1900:
                sheet.write_datetime(row, column, cell, self._styles["date"])
            case _:
                text = as_text(cell)
                risky = text.startswith(_FORMULA_STARTS)
                sheet.write_string(row, column, text, style or self._styles["risky" if risky else "text"])


def as_text(cell: Cell) -> str:
    """A cell's text, safe to show: lists joined, lines kept only where we made them."""
    if isinstance(cell, Lines):
        return "\n".join(clean(line, 2000) for line in cell.lines)[:MAX_TEXT]
    if isinstance(cell, (list, tuple, set, frozenset)):
        return clean("、".join(str(item) for item in cell), 4000)
    return clean(str(cell), 4000)


def _lines(text: str, width: float) -> int:
    """How many lines a text takes in a column; a Chinese character is as wide as two figures."""
    return sum(max(1, math.ceil((len(line) + len(line.encode())) / 2 / (width - 1.5))) for line in text.split("\n"))


def _code(text: str) -> str:
    """Text for a printed page's head, where ``&`` starts a code and 255 characters are all there is."""
    return clean(text, 70).replace("&", "&&")


def _chain(first: Sequence[Cell], rest: Iterable[Sequence[Cell]]) -> Iterator[Sequence[Cell]]:
    yield first
    yield from rest

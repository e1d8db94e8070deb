"""Writes the example city's site: its configuration, registers and the plan of what answers.

The committed files stand in ``inventories/examples``; words such as ``{a_week_ago}`` in them become dates
relative to the day on which the site is written. Equal days give equal bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

#: Where the city lives. Another start of the same length of two numbers moves the whole city.
NETWORK = "127.20"
SITE_ID = "example-city"

#: Registers that are written as workbooks, from a CSV of the same stem: stem → sheet's title.
_BOOKS = {"systems": "示例市市直部门政务信息系统登记表（虚构）"}
_MERGED = "所属部门"

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def write_example(directory: Path, today: dt.date, *, network: str = NETWORK) -> None:
    """Writes ``site.yaml``, ``city.yaml``, ``STORY.md`` and ``registers/`` into a folder, owner-only.

    ``today`` is the date that relative dates start from. ``network`` replaces the first two numbers of every
    address, so that two cities can answer on one machine. Overwrites files of these names; ``site.yaml`` comes
    last, so that a folder with one is whole. Raises OSError.
    """
    if not re.fullmatch(r"127\.\d{1,3}", network):
        raise ValueError(f"{network!r} is no start of a loopback address, such as {NETWORK}")
    words = dates(today)
    source = files("inventories").joinpath("examples")

    def text(item: Traversable) -> str:
        return fill(item.read_text(encoding="utf-8"), words).replace(f"{NETWORK}.", f"{network}.")

    registers = directory / "registers"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    registers.mkdir(mode=0o700, exist_ok=True)
    for item in sorted(source.joinpath("registers").iterdir(), key=lambda entry: entry.name):
        # Excel takes a CSV for UTF-8 only with this mark, so that is what departments send.
        encoding = "utf-8-sig" if item.name.endswith(".csv") else "utf-8"
        _write(registers / item.name, text(item).encode(encoding))
    for stem, title in _BOOKS.items():
        rows = list(csv.reader(io.StringIO(text(source.joinpath(f"books/{stem}.csv")))))
        _write(registers / f"{stem}.xlsx", workbook(title, rows, today))
    for name in ("STORY.md", "city.yaml", "site.yaml"):
        _write(directory / name, text(source.joinpath(name)).encode())


def dates(today: dt.date) -> Mapping[str, str]:
    """The words that the example's files use for dates, and what they mean on that day."""
    days = {
        "today": 0,
        "a_week_ago": -7,
        "a_month_ago": -30,
        "half_a_year_ago": -182,
        "ten_months_ago": -304,
        "eleven_months_ago": -340,
        "fourteen_months_ago": -425,
        "in_three_months": 91,
        "in_half_a_year": 182,
        "in_one_year": 365,
    }
    return {
        "year": str(today.year),
        **{word: (today + dt.timedelta(days=number)).isoformat() for word, number in days.items()},
    }


def fill(text: str, words: Mapping[str, str]) -> str:
    """Puts the words' values in. ValueError for a word that is not known."""

    def value(found: re.Match[str]) -> str:
        try:
            return words[found[1]]
        except KeyError:
            raise ValueError(f"unknown word {found[0]!r} in an example") from None

    return re.sub(r"\{([a-z_]+)\}", value, text)


def workbook(title: str, rows: Sequence[Sequence[str]], today: dt.date) -> bytes:
    """A workbook as a department would send it: a title over the table, the department's cells merged.

    ISO dates become dates of the spreadsheet; other spellings stay the text that somebody typed.
    """
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    # Without this, the file would hold the time at which it was made.
    book.set_properties({"title": title, "created": dt.datetime.combine(today, dt.time())})
    heading = book.add_format(
        {"bold": True, "border": 1, "text_wrap": True, "align": "center", "bg_color": "#D9E2F3"}
    )
    plain = book.add_format({"border": 1, "valign": "vcenter", "text_wrap": True})
    day = book.add_format({"border": 1, "valign": "vcenter", "num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet("登记表")
    width = len(rows[0])
    sheet.merge_range(0, 0, 0, width - 1, title, book.add_format({"bold": True, "size": 16, "align": "center"}))
    sheet.set_column(0, width - 1, 15)
    sheet.freeze_panes(2, 3)
    for column, name in enumerate(rows[0]):
        sheet.write_string(1, column, name, heading)
    merged = rows[0].index(_MERGED)
    for number, row in enumerate(rows[1:], 2):
        for column, cell in enumerate(row):
            if column == merged:
                continue
            if _ISO_DAY.fullmatch(cell):
                sheet.write_datetime(number, column, dt.datetime.fromisoformat(cell), day)
            else:
                sheet.write_string(number, column, cell, plain)
    for first, last, name in _groups([row[merged] for row in rows[1:]]):
        if first == last:
            sheet.write_string(first + 2, merged, name, plain)
        else:
            sheet.merge_range(first + 2, merged, last + 2, merged, name, plain)
    book.close()
    return out.getvalue()


def _groups(names: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    """Runs of rows of one department: the name stands in the first, the others are blank."""
    starts = [i for i, name in enumerate(names) if name]
    for start, after in zip(starts, [*starts[1:], len(names)], strict=True):
        yield start, after - 1, names[start]


def _write(path: Path, content: bytes) -> None:
    """Replaces a file at once: nobody ever reads half of it."""
    partial = path.with_name(f".{path.name}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(content)
    partial.replace(path)

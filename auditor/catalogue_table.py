"""A bureau's own table of 安全可靠测评结果, from a workbook or a CSV file: read strictly, every fault with its cell.

A formula is no result: what a cell computes may be another thing tomorrow. Merged cells are filled with what stands
in them. Nothing of the file is run, and what it holds is cleaned before it is kept.
"""

from __future__ import annotations

import csv
import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from inventories.faults import Fault, Faults, clean, did_you_mean
from inventories.registers.cells import Raw, text_of
from inventories.registers.dates import read_day
from inventories.registers.delimited import decode
from inventories.registers.errors import CellError, Unsure
from inventories.registers.tables import HEADING_ROWS, MAX_COLUMNS, Grid, filled, letters
from inventories.registers.words import fold, key, visible
from inventories.registers.workbook import read_workbook
from policies.lists.load import MAX_ROWS
from policies.lists.model import TABLES

MAX_BYTES = 8 * 1024 * 1024
MAX_TEXT = 200

#: Column → the headings under which tables carry it.
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "product": ("产品名称", "产品", "名称", "产品名称及版本", "测评产品", "product"),
    "vendor": ("送测单位", "厂商", "厂家", "生产厂商", "单位", "单位名称", "vendor"),
    "table": ("类别", "产品类别", "分类", "产品分类", "category"),
    "level": ("安全可靠等级", "安全可靠级别", "测评等级", "等级", "级别", "level"),
    "announcement": ("公告", "公告号", "公告编号", "公告名称", "测评公告", "announcement"),
    "on": ("公告日期", "发布日期", "公布日期", "发布时间", "date"),
    "valid_to": ("有效期至", "有效期", "有效期截止", "到期日期", "valid_to"),
    "superseded_by": ("替代公告", "被替代公告", "superseded_by"),
}
NEEDED = ("product", "announcement")

_COLUMNS = {key(word): column for column, words in HEADINGS.items() for word in words}
_TABLES = {key(word): table for table, words in TABLES.items() for word in (table, *words)}
_NUMBER = re.compile(r"(20\d{2})\s*年?\s*(?:第|-)\s*(\d{1,2})\s*号?")
_RANKS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}
_FORMULA = re.compile(r"^\s*[=+@]|^\s*-\s*[^\d\s-]")
_SHEET = re.compile(r"<(?:\w+:)?sheet\b[^>]*>")
_ATTRIBUTE = re.compile(r"""\b(?:\w+:)?(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_COMPUTED = re.compile(rb"<(?:\w+:)?c\b[^>]*\br=[\"']([A-Z]{1,3}\d{1,7})[\"'][^>]*>\s*<(?:\w+:)?f[\s>/]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. ``announcement`` is a number such as 2025-3; ``where`` is the product's cell."""

    table: str
    product: str
    vendor: str
    level: str
    announcement: str
    on: date | None
    valid_to: date | None
    superseded_by: str
    where: str


def read_table(path: Path, levels: Sequence[str], category: str = "") -> list[Entry]:
    """The rows of a file.

    ``levels`` are those known, in rising order; ``category`` is the table of rows that name none. Raises
    :class:`Faults` with everything that is wrong with the file, each at its cell.
    """
    shown = clean(path.name, 80)
    data = _bytes(path, shown)
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        grids, computed = read_workbook(data, shown), formulas(data)
    elif suffix in (".csv", ".tsv", ".txt"):
        grids, computed = [Grid(shown, _delimited(decode(data, shown), shown))], frozenset()
    else:
        raise Faults(
            [Fault(shown, f"is no table that can be read: {suffix or 'no ending'}", "save it as .xlsx or .csv")]
        )
    faults = [Fault(f"{shown}!{cell}", "is a formula", "paste its value instead") for cell in sorted(computed)]
    entries: list[Entry] = []
    for grid in grids:
        entries += _Reader(grid, levels, category, faults).read()
    if not entries and not faults:
        mend = f"its headings are such as {'、'.join(words[0] for words in HEADINGS.values())}"
        raise Faults([Fault(shown, "holds no table of results", mend)])
    faults += _twice(entries)
    if len(entries) > MAX_ROWS:
        faults.append(Fault(shown, f"holds more than {MAX_ROWS} rows"))
    if faults:
        raise Faults(faults)
    return entries


def _bytes(path: Path, shown: str) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Faults([Fault(shown, "is no regular file", "name the file itself")])
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Faults([Fault(shown, f"cannot be read: {error.strerror or error}")]) from error
    if len(data) > MAX_BYTES:
        raise Faults([Fault(shown, f"is larger than {MAX_BYTES >> 20} MiB", "remove what is no table")])
    return data


def _delimited(text: str, shown: str) -> list[list[Raw]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",\t;", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    cells: list[list[Raw]] = []
    try:
        for record in reader:
            cells.append([*record[:MAX_COLUMNS]])
            if len(cells) > MAX_ROWS + HEADING_ROWS:
                raise Faults([Fault(shown, f"holds more than {MAX_ROWS} rows")])
    except csv.Error as error:
        what = f"is no CSV: {clean(str(error))}"
        raise Faults(
            [Fault(f"{shown}:{reader.line_num}", what, "check the quotes in and before this line")]
        ) from error
    return cells


def formulas(data: bytes) -> frozenset[str]:
    """The cells of a workbook that hold formulas: ``B3``, with the sheet's name before it where it is not the first.

    For a workbook that :func:`read_workbook` has taken: its parts have been counted.
    """
    out: set[str] = set()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for number, (name, part) in enumerate(_sheets(archive)):
                found = {match[1].decode() for match in _COMPUTED.finditer(archive.read(part))}
                out |= {cell if number == 0 else f"{clean(name, 40)}!{cell}" for cell in found}
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, OSError, ValueError):
        return frozenset(out)
    return frozenset(out)


def _sheets(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    """The name and part of every sheet, in the order of the book."""
    relations = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    targets: dict[str, str] = {}
    for tag in re.findall(r"<(?:\w+:)?Relationship\b[^>]*>", relations):
        told = {k: a or b for k, a, b in _ATTRIBUTE.findall(tag)}
        targets[told.get("Id", "")] = "xl/" + told.get("Target", "").removeprefix("/xl/")
    for tag in _SHEET.findall(archive.read("xl/workbook.xml").decode("utf-8", "replace")):
        told = {k: a or b for k, a, b in _ATTRIBUTE.findall(tag)}
        part = targets.get(told.get("id", ""), "")
        if part in archive.namelist():
            yield told.get("name", ""), part


class _Reader:
    """Goes through one sheet once."""

    def __init__(self, grid: Grid, levels: Sequence[str], category: str, faults: list[Fault]) -> None:
        self.grid, self.levels, self.category, self.faults = grid, levels, category, faults
        self.columns: dict[str, int] = {}

    def read(self) -> list[Entry]:
        start = self._headings()
        if start is None:
            return []
        out = []
        for number, cells in enumerate(self.grid.cells[start:], start):
            # A line of notes under a table has nothing under two headings.
            held = [column for column, _cell in filled(cells) if column in self.columns.values()]
            if not held:
                continue
            entry = self._entry(number, cells)
            if entry is not None:
                out.append(entry)
        return out

    def _headings(self) -> int | None:
        """The number of the first row under the headings; None where there are none."""
        for number, cells in enumerate(self.grid.cells[:HEADING_ROWS]):
            found: dict[str, int] = {}
            for column, cell in filled(cells):
                name = _COLUMNS.get(key(text_of(cell)))
                if name is not None and name in found:
                    what = f"a second column {clean(text_of(cell), 40)!r}"
                    self.faults.append(Fault(self._cell(number, column), what, "keep one of them"))
                elif name is not None:
                    found[name] = column
            if set(NEEDED) <= set(found):
                self.columns = found
                if "table" not in found and not self.category:
                    what = "has no column 类别"
                    self.faults.append(Fault(f"{self.grid.shown}!{number + 1}", what, "add it, or give --category"))
                return number + 1
        return None

    def _cell(self, row: int, column: int) -> str:
        return f"{self.grid.shown}!{letters(column)}{row + 1}"

    def _entry(self, number: int, cells: Sequence[Raw]) -> Entry | None:
        before = len(self.faults)
        texts = {name: self._text(number, cells, name) for name in HEADINGS if name not in ("on", "valid_to")}
        days = {name: self._day(number, cells, name) for name in ("on", "valid_to")}
        entry = Entry(
            table=self._table(number, texts["table"]),
            product=texts["product"],
            vendor=texts["vendor"],
            level=self._level(number, texts["level"]),
            announcement=self._announcement(number, "announcement", texts["announcement"]),
            on=days["on"],
            valid_to=days["valid_to"],
            superseded_by=self._announcement(number, "superseded_by", texts["superseded_by"]),
            where=self._place(number, "product"),
        )
        for name in NEEDED:
            if not texts[name]:
                self._wrong(number, name, f"is empty, and every row needs its {HEADINGS[name][0]}")
        return entry if len(self.faults) == before else None

    def _place(self, number: int, name: str) -> str:
        return self._cell(number, self.columns.get(name, 0))

    def _wrong(self, number: int, name: str, what: str, mend: str = "") -> None:
        self.faults.append(Fault(self._place(number, name), what, mend))

    def _raw(self, cells: Sequence[Raw], name: str) -> Raw:
        column = self.columns.get(name)
        return cells[column] if column is not None and column < len(cells) else None

    def _text(self, number: int, cells: Sequence[Raw], name: str) -> str:
        text = visible(text_of(self._raw(cells, name)))
        if _FORMULA.search(text):
            self._wrong(number, name, f"{clean(text, 40)!r} is a formula", "write its value")
        elif len(text) > MAX_TEXT:
            self._wrong(number, name, f"is longer than {MAX_TEXT} characters", "shorten it")
        elif clean(text, MAX_TEXT) != text:
            self._wrong(number, name, f"{clean(text, 60)!r} holds characters that nobody can see", "type it anew")
        else:
            return text
        return ""

    def _day(self, number: int, cells: Sequence[Raw], name: str) -> date | None:
        raw = self._raw(cells, name)
        if raw is None or not text_of(raw).strip():
            return None
        try:
            return read_day(raw, from_1904=self.grid.from_1904)
        except CellError as error:
            self._wrong(number, name, error.what, error.mend)
        except Unsure as unsure:
            self._wrong(number, name, clean(unsure.why, 120))
        return None

    def _table(self, number: int, text: str) -> str:
        if not text:
            if "table" in self.columns and not self.category:
                self._wrong(number, "table", "is empty", "name the table, or give --category")
            return self.category
        found = table_named(text)
        if found is None:
            hint = did_you_mean(text, [words[0] for words in TABLES.values()])
            known = "、".join(words[0] for words in TABLES.values())
            self._wrong(number, "table", f"unknown category {clean(text, 40)!r}", hint or f"one of {known}")
        return found or ""

    def _level(self, number: int, text: str) -> str:
        """A level in any of its spellings: Ⅱ, II, Ⅱ级, 二级, 2."""
        bare = fold(text).replace(" ", "").removesuffix("级").casefold()
        if bare in ("", "-", "—", "/", "无"):
            return ""
        for level in self.levels:
            if fold(level).casefold() == bare:
                return level
        rank = _RANKS.get(bare) or (int(bare) if bare.isascii() and bare.isdigit() and len(bare) < 3 else 0)
        if 0 < rank <= len(self.levels):
            return self.levels[rank - 1]
        mend = f"one of {'、'.join(self.levels)}, or add it with --new-level"
        self._wrong(number, "level", f"unknown level {clean(text, 40)!r}", mend)
        return ""

    def _announcement(self, number: int, name: str, text: str) -> str:
        if not text:
            return ""
        found = _NUMBER.search(fold(text))
        if found is None:
            self._wrong(number, name, f"{clean(text, 60)!r} names no announcement", "write 2025年第3号")
            return ""
        return f"{found[1]}-{int(found[2])}"


def table_named(text: str) -> str | None:
    """The table that a word names: its code, its title or one of its other names."""
    return _TABLES.get(key(text))


def _twice(entries: Sequence[Entry]) -> Iterator[Fault]:
    seen: dict[tuple[str, str, str], str] = {}
    for entry in entries:
        what = (entry.table, entry.announcement, key(entry.product))
        if what in seen:
            yield Fault(entry.where, f"stands a second time: {clean(entry.product, 60)!r}", f"see {seen[what]}")
        seen.setdefault(what, entry.where)

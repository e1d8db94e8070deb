"""Reading the lists strictly: every fault at once, each with its place.

Three files come with the program: the results (``announcements.yaml``), the ends of support (``ends.yaml``) and the
table of names. A site may add a fourth, its own results (``catalogue.yaml``), of the first one's form. A snapshot
keeps all four, and they are read from there in the same way.
"""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from inventories.documents import MAX_BYTES, Document, decode_yaml, parse_yaml
from inventories.faults import Fault, Faults, clean, did_you_mean
from inventories.products import NAMES, Names, folded, read_names
from policies.lists.model import CATEGORY_OF, TABLES, Announcement, Book, Complete, End, Row

#: The files by their names in a snapshot.
RESULTS, ENDS, NAMES_FILE, CATALOGUE = "announcements.yaml", "ends.yaml", "names.yaml", "catalogue.yaml"
MAX_ROWS = 5_000
Place: TypeAlias = tuple[str | int, ...]
#: The scheme's first announcement.
FIRST = date(2023, 12, 26)

_HERE = Path(__file__).parent
_ID = re.compile(r"(20\d{2})-([1-9]\d?)")
_MONTH = re.compile(r"(20\d{2})-(\d{2})")
_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "announcements": (("id", "title", "on", "source", "verified"), ("url",)),
    "rows": (
        ("table", "product", "announcement", "source", "verified"),
        ("vendor", "level", "valid_to", "superseded_by"),
    ),
    "complete": (("table", "through"), ("by", "file", "digest", "imported_at")),
    "ends": (("product", "release", "on", "source", "verified"), ("extended_to",)),
}
_BOOK = ("levels", "announcements", "rows", "complete")


@dataclass(frozen=True)
class Lists:
    """Everything that a component is judged by."""

    names: Names
    book: Book
    ends: Mapping[str, tuple[End, ...]]
    digest: str
    by_family: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)


def shipped_files() -> dict[str, bytes]:
    """The files that come with the program, by their names in a snapshot."""
    return {
        RESULTS: (_HERE / RESULTS).read_bytes(),
        ENDS: (_HERE / ENDS).read_bytes(),
        NAMES_FILE: NAMES.read_bytes(),
    }


@cache
def shipped() -> Lists:
    """The lists that come with the program."""
    return read_lists(shipped_files())


def stored_files(folder: Path) -> dict[str, bytes]:
    """The lists that a snapshot keeps; empty for one of an older program."""
    wanted = (RESULTS, ENDS, NAMES_FILE, CATALOGUE)
    return {name: (folder / name).read_bytes() for name in wanted if (folder / name).is_file()}


def digest(files: Mapping[str, bytes]) -> str:
    lines = [f"{name}\0{hashlib.sha256(content).hexdigest()}\n" for name, content in sorted(files.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_lists(files: Mapping[str, bytes], where: Mapping[str, str] | None = None) -> Lists:
    """The lists of some files.

    ``where`` gives the names under which files appear in errors. Raises :class:`Faults` with those of all of them.
    """
    shown = {name: (where or {}).get(name, name) for name in files}
    faults: list[Fault] = []
    names, book, ends = Names({}), Book(), {}
    try:
        names = read_names(files[NAMES_FILE], shown[NAMES_FILE])
    except Faults as error:
        faults.extend(error.faults)
    for name in (RESULTS, CATALOGUE):
        if name in files:
            try:
                book = read_book(files[name], shown[name], names, book)
            except Faults as error:
                faults.extend(error.faults)
    try:
        ends = read_ends(files[ENDS], shown[ENDS])
    except Faults as error:
        faults.extend(error.faults)
    if faults:
        raise Faults(faults)
    by_family: dict[str, list[Row]] = {}
    for row in book.rows:
        by_family.setdefault(row.name.family.id if row.name else "", []).append(row)
    return Lists(names, book, ends, digest(files), {family: tuple(rows) for family, rows in by_family.items()})


def read_book(content: bytes, shown: str, names: Names, base: Book | None = None) -> Book:
    """A file of results, laid over ``base``: its rows replace the base's of the same product and announcement.

    Raises :class:`Faults` with everything that is wrong with the file.
    """
    return _BookReader(_document(content, shown), names, base or Book()).read()


def read_ends(content: bytes, shown: str) -> dict[str, tuple[End, ...]]:
    """Product → the ends of its releases. Raises :class:`Faults`."""
    document = _document(content, shown)
    faults: list[Fault] = []
    out: dict[str, list[End]] = {}
    seen: set[tuple[str, str]] = set()
    for at, entry in _entries(document, "ends", faults):
        on, extended = entry.get("on"), entry.get("extended_to")
        if not isinstance(on, date) or (extended is not None and not isinstance(extended, date)):
            faults.append(document.fault((*at, "on"), "is no date", "write YYYY-MM-DD"))
            continue
        if extended is not None and extended <= on:
            faults.append(document.fault((*at, "extended_to"), "does not lie after the end itself"))
        product, release = str(entry["product"]), str(entry["release"])
        if (product, release) in seen:
            faults.append(document.fault(at, f"a second end of {clean(product, 40)} {clean(release, 20)}"))
        seen.add((product, release))
        out.setdefault(product, []).append(
            End(product, release, on, str(entry["source"]), extended, entry["verified"] is True)
        )
    if faults:
        raise Faults(faults)
    return {product: tuple(found) for product, found in out.items()}


def _document(content: bytes, shown: str) -> Document:
    document = parse_yaml(decode_yaml(content, name=shown, max_bytes=MAX_BYTES), name=shown)
    if not isinstance(document.data, dict):
        raise Faults([Fault(f"{shown}:1:1", "is no mapping of keys to values")])
    return document


def _entries(document: Document, part: str, faults: list[Fault]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The entries of a list in a file that have what they need; what the others lack goes into ``faults``."""
    listed = document.data.get(part)
    if listed is None:
        return
    if not isinstance(listed, list):
        faults.append(document.fault((part,), f"{part!r} is no list"))
        return
    if len(listed) > MAX_ROWS:
        faults.append(document.fault((part,), f"holds more than {MAX_ROWS} entries"))
        return
    needs, may = _KEYS[part]
    for i, entry in enumerate(listed):
        at: Place = (part, i)
        if not isinstance(entry, dict):
            faults.append(document.fault(at, "is no mapping of keys to values"))
            continue
        known = (*needs, *may)
        wrong = [document.fault((*at, key), *_unknown(key, known)) for key in entry if key not in known]
        wrong += [document.fault(at, f"lacks {key!r}", "add it") for key in needs if entry.get(key) is None]
        wrong += list(_typed(document, at, entry))
        faults.extend(wrong)
        if not wrong:
            yield at, entry


def _unknown(key: str, known: tuple[str, ...]) -> tuple[str, str]:
    return f"unknown key {clean(key, 60)!r}", did_you_mean(key, known) or f"there are {', '.join(known)}"


def _typed(document: Document, at: Place, entry: Mapping[str, Any]) -> Iterator[Fault]:
    for key, value in entry.items():
        if value is None:
            continue
        if key == "verified":
            if not isinstance(value, bool):
                yield document.fault((*at, key), f"{clean(str(value), 40)!r} is neither true nor false")
        elif key in ("valid_to", "through", "extended_to"):
            if not isinstance(value, date):
                yield document.fault((*at, key), f"{clean(str(value), 40)!r} is no date", "write YYYY-MM-DD")
        elif key not in ("on", "imported_at") and not isinstance(value, str):
            yield document.fault((*at, key), f"{clean(str(value), 40)!r} is no text", "put it in quotes")
        elif isinstance(value, str) and (not value.strip() or len(value) > 300):
            yield document.fault((*at, key), "is empty, or longer than 300 characters")


class _BookReader:
    """Goes through one file of results once."""

    def __init__(self, document: Document, names: Names, base: Book) -> None:
        self.document, self.names, self.base = document, names, base
        self.faults: list[Fault] = []
        self.announcements: dict[str, Announcement] = dict(base.announcements)
        self.levels = base.levels

    def read(self) -> Book:
        for key in self.document.data:
            if key not in _BOOK:
                self.faults.append(self.document.fault((key,), *_unknown(key, _BOOK)))
        self._levels()
        own: set[str] = set()
        for at, entry in _entries(self.document, "announcements", self.faults):
            self._announcement(at, entry, own)
        rows: dict[tuple[str, str, str], Row] = {}
        for at, entry in _entries(self.document, "rows", self.faults):
            self._row(at, entry, rows)
        complete = [self._complete(at, entry) for at, entry in _entries(self.document, "complete", self.faults)]
        if self.faults:
            raise Faults(self.faults)
        kept = [row for row in self.base.rows if _key(row) not in rows]
        return Book(
            self.levels,
            self.announcements,
            (*kept, *rows.values()),
            (*self.base.complete, *(entry for entry in complete if entry is not None)),
        )

    def _fault(self, at: Place, what: str, mend: str = "") -> None:
        self.faults.append(self.document.fault(at, what, mend))

    def _levels(self) -> None:
        """Levels in rising order; a file may add some, and must leave the order of those known."""
        listed = self.document.data.get("levels")
        if listed is None:
            return
        if not isinstance(listed, list) or not all(isinstance(level, str) and level.strip() for level in listed):
            self._fault(("levels",), "is no list of levels")
        elif len(set(listed)) != len(listed):
            self._fault(("levels",), "names a level twice")
        elif [level for level in listed if level in self.base.levels] != list(self.base.levels):
            self._fault(("levels",), f"must keep {', '.join(self.base.levels)} in this order", "add new ones to them")
        else:
            self.levels = tuple(listed)

    def _announcement(self, at: Place, entry: Mapping[str, Any], own: set[str]) -> None:
        name, days = entry["id"], _days(entry["on"])
        found = _ID.fullmatch(name)
        if found is None:
            self._fault((*at, "id"), f"{clean(name, 40)!r} is no number of an announcement", "write 2025-3")
            return
        if name in own:
            self._fault((*at, "id"), f"a second announcement {name}", "keep one of them")
        own.add(name)
        if days is None:
            self._fault((*at, "on"), "is neither a day nor a month", "write 2025-09-12, or 2025-09")
            return
        if days[1] < FIRST:
            self._fault((*at, "on"), f"lies before the first announcement, of {FIRST}")
        elif days[0].year != int(found[1]):
            self._fault((*at, "on"), f"announcement {name} cannot be of {days[0].year}")
        verified, url = entry["verified"], entry.get("url") or ""
        self.announcements[name] = Announcement(name, entry["title"], *days, entry["source"], verified, url)

    def _row(self, at: Place, entry: Mapping[str, Any], rows: dict[tuple[str, str, str], Row]) -> None:
        table, product, level = entry["table"], entry["product"], entry.get("level") or ""
        if table not in TABLES:
            self._fault((*at, "table"), f"unknown table {clean(table, 40)!r}", _of(table, TABLES))
        if level and level not in self.levels:
            self._fault((*at, "level"), f"unknown level {clean(level, 40)!r}", _of(level, self.levels))
        announcement = self._named(at, "announcement", entry["announcement"])
        later = entry.get("superseded_by")
        superseded_by = self._named(at, "superseded_by", later) if later else None
        if announcement is None or table not in TABLES:
            return
        if superseded_by is not None and superseded_by.latest <= announcement.latest:
            self._fault((*at, "superseded_by"), f"{later} is no later announcement than {announcement.id}")
        ends = announcement.ends
        given = entry.get("valid_to")
        if given is not None:
            if not ends[0] <= given <= ends[1] + timedelta(days=1):
                what = f"{given} does not lie three years after announcement {announcement.id}"
                self._fault((*at, "valid_to"), what, f"leave it out: it is {ends[1]}")
            ends = (given, given)
        name = self.names.name(CATEGORY_OF.get(table, ""), product)
        row = Row(
            table,
            product,
            entry.get("vendor") or "",
            level,
            announcement,
            ends,
            entry["source"],
            entry["verified"],
            name,
            superseded_by,
            self.document.where(*at),
        )
        if _key(row) in rows:
            self._fault(at, f"a second row of {clean(product, 60)!r} by {announcement.id}", "keep one of them")
        rows[_key(row)] = row

    def _named(self, at: Place, key: str, name: str) -> Announcement | None:
        found = self.announcements.get(name)
        if found is None:
            self._fault((*at, key), f"unknown announcement {clean(name, 40)!r}", _of(name, self.announcements))
        return found

    def _complete(self, at: Place, entry: Mapping[str, Any]) -> Complete | None:
        table = entry["table"]
        if table not in TABLES:
            self._fault((*at, "table"), f"unknown table {clean(table, 40)!r}", _of(table, TABLES))
            return None
        if entry["through"] < FIRST:
            self._fault((*at, "through"), f"lies before the first announcement, of {FIRST}")
        return Complete(table, entry["through"], entry.get("by") or "", entry.get("file") or "")


def _key(row: Row) -> tuple[str, str, str]:
    return row.table, row.announcement.id, folded(row.product).replace(" ", "")


def _of(word: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    return did_you_mean(word, known) or f"one of {', '.join(known)}"


def _days(value: object) -> tuple[date, date] | None:
    """The first and last day that a date, or a month alone, may mean."""
    if isinstance(value, date):
        return value, value
    found = _MONTH.fullmatch(value) if isinstance(value, str) else None
    if found is None or not 1 <= int(found[2]) <= 12:
        return None
    year, month = int(found[1]), int(found[2])
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])

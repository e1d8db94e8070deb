"""A site's own lists: ``catalogue/catalogue.yaml`` in its folder, laid over what the program ships.

The file has the form of the program's own (``policies/lists/announcements.yaml``) and is written whole or not at all;
each earlier version stays in ``catalogue/earlier/``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.catalogue_table import Entry
from inventories.faults import Fault, Faults, clean
from inventories.products import folded, shipped_names
from policies.lists.load import CATALOGUE, Lists, read_book, read_lists, shipped, shipped_files
from policies.lists.model import Announcement, Book, Complete, Row
from reports.files import write_whole

if TYPE_CHECKING:
    from auditor.site import Site

_HEAD = """\
# 安全可靠测评结果: this site's own tables. Written by `auditor catalogue import`; earlier versions are in earlier/.
# A table accuses only while it stands under `complete`, and for a month after the day it was complete through.
"""

RowKey = tuple[str, str, str]


def catalogue_file(root: Path) -> Path:
    return root / "catalogue" / CATALOGUE


def list_files(site: Site) -> dict[str, bytes]:
    """The lists that the site is judged by, by their names in a snapshot. Raises :class:`Faults`."""
    files = shipped_files()
    own = _own_bytes(site.root)
    return files if own is None else {**files, CATALOGUE: own}


def site_lists(root: Path) -> Lists:
    """The program's lists and the site's. Raises :class:`Faults` with everything that is wrong with the site's."""
    own = _own_bytes(root)
    if own is None:
        return shipped()
    return read_lists({**shipped_files(), CATALOGUE: own}, {CATALOGUE: str(catalogue_file(root))})


def check_catalogue(site: Site) -> None:
    """Raises :class:`Faults` where the site's own tables cannot be right."""
    site_lists(site.root)


def _own_bytes(root: Path) -> bytes | None:
    path = catalogue_file(root)
    if not path.exists() and not path.is_symlink():
        return None
    try:
        if not path.is_file():
            raise Faults([Fault(str(path), "is no regular file", "put the file itself there")])
        return path.read_bytes()
    except OSError as error:
        raise Faults([Fault(str(path), f"cannot be read: {error.strerror or error}")]) from error


def own_book(root: Path) -> Book:
    """What the site's file alone holds, with its announcements resolved."""
    own = _own_bytes(root)
    base = Book(shipped().book.levels, shipped().book.announcements)
    if own is None:
        return base
    found = read_book(own, str(catalogue_file(root)), shipped_names(), base)
    return Book(found.levels, found.announcements, found.rows, found.complete)


def key_of(row: Row) -> RowKey:
    return row.table, row.announcement.id, folded(row.product).replace(" ", "")


@dataclass(frozen=True, slots=True)
class Word:
    """Whose word an import is: who, when, of which file, for which tables it is the whole, and through which day."""

    by: str
    at: datetime
    file: str
    digest: str
    complete: tuple[str, ...]
    through: date


@dataclass(frozen=True)
class Change:
    """What an import makes of a site's tables. ``content`` is the new file."""

    content: bytes
    added: tuple[Row, ...] = ()
    changed: tuple[Row, ...] = ()
    removed: tuple[Row, ...] = ()
    same: int = 0
    complete: tuple[str, ...] = ()
    unnamed: tuple[Row, ...] = ()
    before: Mapping[RowKey, Row] = field(default_factory=dict)


def plan(root: Path, entries: Sequence[Entry], word: Word, levels: Sequence[str]) -> Change:
    """What importing these rows would change.

    Rows of tables in ``word.complete`` that the file does not have are removed. Raises :class:`Faults` for rows that
    cannot be right beside the others: an announcement of two dates, an end that is not three years on.
    """
    old = own_book(root)
    announcements = _announcements(old, entries)
    lacking = [table for table in word.complete if all(entry.table != table for entry in entries)]
    if lacking:
        what = f"holds no row of {', '.join(lacking)}, and is to be the whole of it"
        raise Faults([Fault(word.file, what, "name the tables that it holds")])
    now = {key_of(row): row for row in old.rows}
    kept = [row for row in old.rows if row.table not in word.complete]
    complete = [entry for entry in old.complete if entry.table not in word.complete]
    complete += [Complete(table, word.through, word.by, word.file) for table in word.complete]
    fresh = {_key(entry) for entry in entries}
    lines = [_of_row(row) for row in kept if key_of(row) not in fresh]
    lines += [_of_entry(entry, word) for entry in entries]
    content = _render(levels, announcements, lines, complete, word)
    try:
        book = read_book(
            content, word.file, shipped_names(), Book(shipped().book.levels, shipped().book.announcements)
        )
    except Faults as error:
        raise Faults(_at_cells(error.faults, lines, entries, content)) from None
    after = {key_of(row): row for row in book.rows}
    added = tuple(row for key, row in after.items() if key not in now)
    changed = tuple(row for key, row in after.items() if key in now and not _alike(row, now[key]))
    return Change(
        content,
        added,
        changed,
        tuple(row for key, row in now.items() if key not in after),
        len(after) - len(added) - len(changed),
        word.complete,
        tuple(row for row in book.rows if row.name is None and row.table != "ai_chip"),
        now,
    )


def store(root: Path, change: Change, at: datetime) -> Path:
    """Writes the new file, and keeps the one it replaces. Raises OSError where the folder cannot be written."""
    path = catalogue_file(root)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    old = _own_bytes(root)
    if old is not None and old != change.content:
        earlier = path.parent / "earlier"
        earlier.mkdir(mode=0o700, exist_ok=True)
        stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        write_whole(earlier / f"{stamp}-{hashlib.sha256(old).hexdigest()[:8]}.yaml", old)
    write_whole(path, change.content)
    return path


def _key(entry: Entry) -> RowKey:
    return entry.table, entry.announcement, folded(entry.product).replace(" ", "")


def _alike(one: Row, other: Row) -> bool:
    def shown(row: Row) -> tuple[object, ...]:
        later = row.superseded_by.id if row.superseded_by else ""
        return row.product, row.vendor, row.level, row.ends, row.verified, later

    return shown(one) == shown(other)


def _announcements(old: Book, entries: Iterable[Entry]) -> dict[str, Announcement]:
    """Those that the file's rows name: known ones, and new ones with the date that the rows give."""
    out: dict[str, Announcement] = {}
    faults: list[Fault] = []
    first: dict[str, str] = {}
    for entry in entries:
        known = out.get(entry.announcement) or old.announcements.get(entry.announcement)
        number = entry.announcement
        if entry.on is None:
            if known is None:
                faults.append(
                    Fault(entry.where, f"announcement {number} is not known", "give its date under 公告日期")
                )
            else:
                out.setdefault(number, known)
        elif known is not None and not known.earliest <= entry.on <= known.latest:
            day = str(known.earliest) if known.is_dated else f"{known.earliest:%Y-%m}"
            told = first.get(number, "as the lists have it")
            faults.append(Fault(entry.where, f"{entry.on} is not the date of {number}", f"{day}, {told}"))
        else:
            first.setdefault(number, f"as {entry.where} has it")
            year, _, count = number.partition("-")
            title = known.title if known else f"安全可靠测评结果公告（{year}年第{count}号）"
            source = entry.where.partition("!")[0]
            out[number] = Announcement(number, title, entry.on, entry.on, source, True, known.url if known else "")
    if faults:
        raise Faults(faults)
    # Those that other rows of the site's name stay.
    for row in old.rows:
        for named in (row.announcement, row.superseded_by):
            if named is not None:
                out.setdefault(named.id, named)
    return out


def _of_row(row: Row) -> dict[str, object]:
    given = row.valid_to if row.ends != row.announcement.ends else None
    return {
        "table": row.table,
        "product": row.product,
        "vendor": row.vendor,
        "level": row.level,
        "announcement": row.announcement.id,
        "valid_to": given,
        "superseded_by": row.superseded_by.id if row.superseded_by else "",
        "source": row.source,
        "verified": row.verified,
    }


def _of_entry(entry: Entry, word: Word) -> dict[str, object]:
    return {
        "table": entry.table,
        "product": entry.product,
        "vendor": entry.vendor,
        "level": entry.level,
        "announcement": entry.announcement,
        "valid_to": entry.valid_to,
        "superseded_by": entry.superseded_by,
        "source": f"{entry.where}（{word.by}，{word.at:%Y-%m-%d}）",
        "verified": True,
    }


def _render(
    levels: Sequence[str],
    announcements: Mapping[str, Announcement],
    rows: Sequence[Mapping[str, object]],
    complete: Sequence[Complete],
    word: Word,
) -> bytes:
    """The file, one line for each entry; texts are written as JSON strings, which YAML reads as they are."""
    lines = [_HEAD, f"levels: [{', '.join(_value(level) for level in levels)}]", "", "announcements:"]
    for told in announcements.values():
        on: object = told.earliest if told.is_dated else f"{told.earliest:%Y-%m}"
        body = {"id": told.id, "title": told.title, "on": on, "url": told.url, "source": told.source}
        lines.append(_line({**body, "verified": told.verified}))
    lines += ["", "rows:", *map(_line, rows)]
    if complete:
        lines += ["", "complete:"]
    for entry in complete:
        body = {"table": entry.table, "through": entry.through, "by": entry.by, "file": entry.file}
        new = entry.table in word.complete
        lines.append(_line({**body, "digest": word.digest if new else "", "imported_at": word.at if new else ""}))
    return ("\n".join(lines) + "\n").encode("utf-8")


def _line(body: Mapping[str, object]) -> str:
    return (
        "  - {"
        + ", ".join(f"{name}: {_value(value)}" for name, value in body.items() if value not in ("", None))
        + "}"
    )


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return json.dumps(value.astimezone(UTC).isoformat(timespec="seconds"))
    return value.isoformat() if isinstance(value, date) else json.dumps(clean(str(value), 300), ensure_ascii=False)


def _at_cells(
    faults: Iterable[Fault], lines: Sequence[Mapping[str, object]], entries: Sequence[Entry], content: bytes
) -> list[Fault]:
    """Faults of the new file at the cells of the table from which their lines came."""
    text = content.decode("utf-8").split("\n")
    first = text.index("rows:") + 1
    out = []
    for fault in faults:
        place = fault.where.rsplit(":", 2)
        number = int(place[1]) - 1 - first if len(place) == 3 and place[1].isdigit() else -1
        entry = number - (len(lines) - len(entries))
        where = entries[entry].where if 0 <= entry < len(entries) else fault.where
        out.append(Fault(where, fault.what, fault.mend))
    return out

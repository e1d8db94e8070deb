"""What the lists say of one product on one day. Pure.

A negative answer needs the whole table: that a product is not listed, or that its result has run out and no later
announcement lists it again, is told only where a person has called the table complete, and in force for the day.
Everything that cannot be told is None, which no rule can take for a violation.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date, timedelta

from inventories.products import Name, Same, compare, folded
from policies.lists.load import Lists
from policies.lists.model import COMPLETE_DAYS, EXPIRING_DAYS, TABLES_OF, End, Row


class Status(enum.StrEnum):
    """The answers that a rule may build on."""

    LISTED = "listed"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    NOT_LISTED = "not_listed"


class Doubt(enum.StrEnum):
    """Why there is no answer."""

    NO_TABLE = "no_table"
    NOT_IDENTIFIED = "not_identified"
    #: Its result has run out, and nobody has shown that no later announcement lists it again.
    LAPSED = "lapsed"
    #: It is on no row that we have, and the table is not complete.
    NOT_FOUND = "not_found"
    #: It ends in a month of which no source tells the day.
    DAY_NOT_KNOWN = "day_not_known"


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is None where there is a ``doubt``. ``row`` is the product's newest row, whatever the status."""

    status: Status | None = None
    doubt: Doubt | None = None
    name: Name | None = None
    row: Row | None = None
    is_domestic: bool | None = None


def answer(lists: Lists, category: str, product: str, version: str, vendor: str, as_of: date) -> Answer:
    """What the announcements in force on ``as_of`` say of a component."""
    if category not in TABLES_OF:
        return Answer(doubt=Doubt.NO_TABLE)
    text = f"{product} {version}".strip()
    name = lists.names.name(category, text, vendor)
    same, untold = _matched(lists, category, text, name, as_of)
    if same:
        row = max(same, key=lambda row: (row.announcement.latest, row.verified, row.where))
        status, doubt = _standing(lists, row, untold, as_of)
        return Answer(status, doubt, name, row, True)
    if name is None or untold:
        return Answer(doubt=Doubt.NOT_IDENTIFIED, name=name)
    if not _is_complete(lists, _tables(category, name), as_of):
        return Answer(doubt=Doubt.NOT_FOUND, name=name)
    return Answer(Status.NOT_LISTED, None, name, None, False if name.family.is_foreign else None)


def end_of_support(lists: Lists, category: str, product: str, version: str) -> End | None:
    """When the support of an operating system ends; None where nobody has told."""
    name = lists.names.name(category, f"{product} {version}".strip()) if category == "os" else None
    if name is None or not name.release:
        return None
    found = [end for end in lists.ends.get(name.family.id, ()) if _covers(end.release, name.release)]
    return max(found, key=lambda end: len(end.release), default=None)


def _covers(release: str, own: str) -> bool:
    """7 covers 7.9.2009, and not 70; 2012 does not cover 2012 R2."""
    return own == release or own.startswith(f"{release}.")


def _matched(lists: Lists, category: str, text: str, name: Name | None, as_of: date) -> tuple[list[Row], list[Row]]:
    """The rows of announcements out by then that are this product's, and those of which it cannot be told."""
    same: list[Row] = []
    untold: list[Row] = []
    if name is not None:
        for row in lists.by_family.get(name.family.id, ()):
            if row.name is not None and row.announcement.latest <= as_of:
                told = compare(row.name, name)
                if told is not Same.NO:
                    (same if told is Same.YES else untold).append(row)
    plain = folded(text).replace(" ", "")
    for row in lists.by_family.get("", ()):
        if row.table not in TABLES_OF[category] or row.announcement.latest > as_of:
            continue
        # What the table of names does not know may be anything, except a product of makers that no table can hold.
        if plain and folded(row.product).replace(" ", "") == plain:
            same.append(row)
        elif name is None or not name.family.is_foreign:
            untold.append(row)
    return same, untold


def _standing(lists: Lists, row: Row, untold: list[Row], as_of: date) -> tuple[Status | None, Doubt | None]:
    first, last = row.ends
    later = row.superseded_by
    if later is not None and later.latest <= as_of and _is_complete(lists, (row.table,), as_of):
        return Status.SUPERSEDED, None
    if as_of > last:
        # Only a table that was called complete after the result ran out shows that nothing lists it again.
        checked = [entry for entry in lists.book.complete if entry.table == row.table and entry.through > last]
        newer = [other for other in untold if other.announcement.latest > row.announcement.latest]
        sure = row.verified and not newer and any(_stands(entry.through, as_of) for entry in checked)
        return (Status.EXPIRED, None) if sure else (None, Doubt.LAPSED)
    if as_of <= first - timedelta(days=EXPIRING_DAYS + 1):
        return Status.LISTED, None
    return (Status.EXPIRING, None) if first == last else (None, Doubt.DAY_NOT_KNOWN)


def standing(row: Row, as_of: date) -> str:
    """How one row stands on a day, by itself: for showing the lists, and for no verdict."""
    if row.announcement.latest > as_of:
        return "not_yet"
    if row.superseded_by is not None and row.superseded_by.latest <= as_of:
        return Status.SUPERSEDED
    first, last = row.ends
    if as_of > last:
        return Status.EXPIRED
    return Status.LISTED if as_of <= first - timedelta(days=EXPIRING_DAYS + 1) else Status.EXPIRING


def _tables(category: str, name: Name) -> tuple[str, ...]:
    return (name.family.table,) if name.family.table else TABLES_OF[category]


def _is_complete(lists: Lists, tables: tuple[str, ...], as_of: date) -> bool:
    whole = {entry.table for entry in lists.book.complete if _stands(entry.through, as_of)}
    return whole.issuperset(tables)


def _stands(through: date, as_of: date) -> bool:
    return as_of <= through + timedelta(days=COMPLETE_DAYS)

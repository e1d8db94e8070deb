"""``catalogue import``, ``list`` and ``show``: the official lists, and a bureau's own full tables."""

from __future__ import annotations

import hashlib
import os
import pwd
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from auditor import clock
from auditor.catalogue import Change, Word, catalogue_file, own_book, plan, site_lists, store
from auditor.catalogue_table import read_table, table_named
from auditor.errors import Exit, Failed, Refused
from auditor.output import print_faults, print_json, print_table, say
from auditor.site import SITE_FILE, load_site
from inventories.faults import Fault, Faults, clean, did_you_mean
from policies.lists.answers import Answer, Doubt, Status, answer, end_of_support, standing
from policies.lists.load import Lists
from policies.lists.model import COMPLETE_DAYS, TABLES, TABLES_OF, Row
from policies.lists.words import DOUBTS, STATUS


def import_table(
    root: Path,
    file: Path,
    *,
    complete: Sequence[str],
    category: str | None,
    through: str | None,
    new_levels: Sequence[str],
    by: str,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Takes a bureau's own table into the site's folder; with ``dry_run`` only says what would change."""
    site = load_site(root)
    at = clock.utc_now()
    today = site.today(at)
    through_day = _day(through, "--through") if through else today
    if through_day > today:
        raise Refused(f"--through {through_day}: nobody can have read an announcement of a later day than {today}")
    tables = tuple(dict.fromkeys(_table(word) for word in complete))
    levels = [*own_book(root).levels]
    levels += [level for level in dict.fromkeys(new_levels) if level not in levels]
    try:
        entries = read_table(file, levels, _table(category) if category else "")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        word = Word(by.strip() or _user(), at, clean(file.name, 80), digest, tables, through_day)
        change = plan(root, entries, word, levels)
    except Faults as error:
        if as_json:
            print_json({"faults": [{"where": f.where, "what": f.what, "mend": f.mend} for f in error.faults]})
        else:
            print_faults(error.faults, kind="fault")
            say(f"{clean(file.name, 80)}: {len(error.faults)} faults; nothing was changed")
        return Exit.REFUSED
    if not dry_run:
        try:
            store(root, change, at)
        except OSError as error:
            raise Failed(f"{catalogue_file(root)}: {error.strerror or error}; nothing was changed") from error
    if as_json:
        print_json(_change_json(change, through_day, dry_run=dry_run))
    else:
        _draw_change(change, through_day, root, dry_run=dry_run)
    return Exit.DONE


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _table(word: str) -> str:
    found = table_named(word)
    if found is None:
        known = ", ".join(f"{table} ({words[0]})" for table, words in TABLES.items())
        raise Refused(f"unknown category {clean(word, 40)!r}: {did_you_mean(word, TABLES) or f'one of {known}'}")
    return found


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{option} {clean(text, 40)!r} is no date: write YYYY-MM-DD") from None


def _change_json(change: Change, through: date, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "added": [_row_json(row) for row in change.added],
        "changed": [_row_json(row) for row in change.changed],
        "removed": [_row_json(row) for row in change.removed],
        "unchanged": change.same,
        "complete": [{"table": table, "through": through} for table in change.complete],
        "not_identified": [row.product for row in change.unnamed],
        "faults": [],
    }


def _draw_change(change: Change, through: date, root: Path, *, dry_run: bool) -> None:
    marked = (("+", change.added), ("~", change.changed), ("-", change.removed))
    rows = [(mark, *_cells(row)) for mark, found in marked for row in found]
    if rows:
        print_table(("", "table", "product", "vendor", "level", "announcement", "valid to", "verified"), rows)
    for row in change.unnamed:
        say(f"note: {clean(row.product, 80)}: is in no table of names, and matches only what is called just so")
    for table in change.complete:
        until = through + timedelta(days=COMPLETE_DAYS)
        say(f"{table}: complete through {through}; what is not on it counts as not listed until {until}")
    what = f"{len(change.added)} rows added, {len(change.changed)} changed, {len(change.removed)} removed"
    where = "nothing was written (--dry-run)" if dry_run else str(catalogue_file(root))
    say(f"{what}, {change.same} as before: {where}")


def _cells(row: Row) -> tuple[object, ...]:
    return (
        row.table,
        row.product,
        row.vendor,
        row.level,
        row.announcement.id,
        row.valid_to or f"{row.ends[1]:%Y-%m}",
        "yes" if row.verified else "no",
    )


def _row_json(row: Row) -> dict[str, object]:
    return {
        "table": row.table,
        "product": row.product,
        "identified_as": str(row.name) if row.name else None,
        "vendor": row.vendor,
        "level": row.level or None,
        "announcement": row.announcement.title,
        "announced_on": row.announcement.earliest if row.announcement.is_dated else None,
        "valid_to": row.valid_to,
        "superseded_by": row.superseded_by.id if row.superseded_by else None,
        "verified": row.verified,
        "source": row.source,
    }


def list_rows(root: Path, *, category: str | None, as_of: str | None, as_json: bool) -> int:
    """Every row with its standing on a day, and how far each table is complete."""
    lists, day = _lists(root, as_of)
    table = _table(category) if category else None
    rows = sorted(
        (row for row in lists.book.rows if table in (None, row.table)),
        key=lambda row: (list(TABLES).index(row.table), row.announcement.latest, row.product),
    )
    told = [(row, standing(row, day)) for row in rows]
    whole = {entry.table: entry for entry in sorted(lists.book.complete, key=lambda entry: entry.through)}
    if as_json:
        print_json(
            {
                "as_of": day,
                "levels": list(lists.book.levels),
                "rows": [_row_json(row) | {"status": status} for row, status in told],
                "complete": [{"table": t, "through": entry.through, "by": entry.by} for t, entry in whole.items()],
            }
        )
        return Exit.DONE
    print_table(
        ("table", "product", "vendor", "level", "announcement", "valid to", "verified", f"on {day}"),
        ((*_cells(row), status) for row, status in told),
        none="no row answers to that",
    )
    for name, words in TABLES.items():
        entry = whole.get(name)
        if table in (None, name):
            far = f"complete through {entry.through}" if entry else "not complete: it accuses nobody"
            say(f"{name} ({words[0]}): {far}")
    return Exit.DONE


def show(root: Path, product: str, *, category: str | None, as_of: str | None, as_json: bool) -> int:
    """What the lists say of a product, called as a host or a register calls it."""
    lists, day = _lists(root, as_of)
    if category and category not in TABLES_OF:
        raise Refused(f"unknown category {clean(category, 40)!r}: one of {', '.join(TABLES_OF)}")
    found = list(_answers(lists, product, [category] if category else list(TABLES_OF), day))
    if as_json:
        print_json(
            {"product": product, "as_of": day, "answers": [_answer_json(*one, lists, product) for one in found]}
        )
        return Exit.DONE
    for name, told in found:
        end = end_of_support(lists, name, product, "")
        print_table((name, clean(product, 80)), [*_lines(told), *((("停止支持", end.on),) if end else ())])
    if not found:
        say(f"{clean(product, 80)}: no processor, operating system or database of the table of names is called so")
    return Exit.DONE


def _answers(lists: Lists, product: str, categories: Iterable[str], day: date) -> Iterator[tuple[str, Answer]]:
    every = [(name, answer(lists, name, product, "", "", day)) for name in categories]
    named = [(name, told) for name, told in every if told.name is not None or told.row is not None]
    yield from named


def _lines(told: Answer) -> Iterator[tuple[str, object]]:
    yield "识别为", str(told.name) if told.name else "—"
    yield "结论", _words(told)
    if told.row is not None:
        yield "公告", told.row.announcement.title
        yield "等级", told.row.level or "—"
        yield "有效期至", told.row.valid_to or f"{told.row.ends[1]:%Y-%m}"
        yield "来源", told.row.source + ("" if told.row.verified else "（未与公告原文核对）")


def _words(told: Answer) -> str:
    if told.status is not None:
        return STATUS[told.status][0]
    return DOUBTS[told.doubt or Doubt.NOT_IDENTIFIED]


def _answer_json(category: str, told: Answer, lists: Lists, product: str) -> dict[str, object]:
    end = end_of_support(lists, category, product, "")
    return {
        "category": category,
        "identified_as": str(told.name) if told.name else None,
        "status": told.status,
        "doubt": told.doubt,
        "is_domestic": told.is_domestic,
        "row": _row_json(told.row) if told.row else None,
        "eol_on": end.on if end else None,
        "eol_extended_on": (end.extended_to or end.on) if end else None,
    }


def _lists(root: Path, as_of: str | None) -> tuple[Lists, date]:
    """The site's lists and its day; the program's own, and this machine's, where the folder is no site."""
    now = clock.utc_now()
    if (root / SITE_FILE).is_file():
        site = load_site(root)
        lists, today = site_lists(site.root), site.today(now)
    else:
        lists, today = site_lists(root), now.astimezone().date()
    return lists, _day(as_of, "--as-of") if as_of else today


def notes(root: Path, today: date) -> Iterator[Fault]:
    """What a site should know of its own tables: called complete too long ago, results about to run out."""
    where = str(catalogue_file(root))
    lists = site_lists(root)
    newest = {entry.table: entry for entry in sorted(lists.book.complete, key=lambda entry: entry.through)}
    for table, entry in newest.items():
        if today > entry.through + timedelta(days=COMPLETE_DAYS):
            yield Fault(
                where,
                f"{table} was complete through {entry.through}: it no longer shows that anything is not listed",
                f"read what was announced since, and import the table again with --complete {table}",
            )
    if not lists.book.complete:
        return
    soon = [row for row in lists.book.rows if standing(row, today) == Status.EXPIRING]
    if soon:
        first = min(row.ends[1] for row in soon)
        yield Fault(
            where, f"{len(soon)} results run out within 90 days, the first on {first}", "see 'catalogue list'"
        )

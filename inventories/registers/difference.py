"""What a returned form changes in a department's register: rows added, changed column by column, and gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from inventories.faults import clean
from inventories.kinds import Column, Type
from inventories.registers.declare import DEPARTMENT, DEPARTMENT_CODE, Register
from inventories.registers.forms import FormRow
from inventories.registers.prefilled import as_read
from inventories.registers.words import key

#: What a row is called by, in this order.
_CODES = ("code", "system_code")
_NAMES = ("name", "system_name", "product")
_THING = ("serial", "ips", "category", "vendor", "product", "name", "system_code", "host_key")
_OWNER = frozenset({DEPARTMENT.name, DEPARTMENT_CODE.name})
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One column of one row, in the words of the form; empty: nothing stands there."""

    column: str
    title: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One row that is on both sides and not the same."""

    before: FormRow
    after: FormRow
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """``unclear``: rows that the form may still hold, since it has rows of the same code or name with errors."""

    register: Register
    added: tuple[FormRow, ...] = ()
    changed: tuple[Changed, ...] = ()
    removed: tuple[FormRow, ...] = ()
    unclear: tuple[FormRow, ...] = ()
    unchanged: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def as_json(self) -> dict[str, object]:
        """JSON-able, whole; columns by their titles."""
        return {
            "register": self.register.name,
            "added": [self._row(row) for row in self.added],
            "changed": [
                {
                    **_called(row.after),
                    "where": row.after.where,
                    "was_at": row.before.where,
                    "changes": [
                        {"column": c.column, "title": c.title, "before": c.before, "after": c.after}
                        for c in row.changes
                    ],
                }
                for row in self.changed
            ],
            "removed": [self._row(row) for row in self.removed],
            "unclear": [self._row(row) for row in self.unclear],
            "unchanged": self.unchanged,
        }

    def summary(self, most: int = 200) -> dict[str, object]:
        """JSON-able and bounded: how many of each, and the first ``most`` lines of the report."""
        lines = list(difference_lines(self, most))
        counts = {name: len(getattr(self, name)) for name in ("added", "changed", "removed", "unclear")}
        return {**counts, "unchanged": self.unchanged, "lines": lines}

    def _row(self, row: FormRow) -> dict[str, object]:
        titles = {name: column.title for name, column in self.register.by_name.items()}
        cells = {titles[name]: text for name, text in row.cells.items() if name not in _OWNER}
        return {**_called(row), "where": row.where, "cells": cells}


def compare(
    register: Register, before: Sequence[FormRow], after: Sequence[FormRow], unclear: Collection[str] = ()
) -> Difference:
    """Rows belong together by their code, else by a name that only one on each side has, else by what they are.

    ``unclear`` are the codes and names (as :func:`~inventories.registers.words.key` folds them) of rows that the form
    has with errors: what is called so is not said to be gone.
    """
    columns = [column for column in register.columns if column.name not in _OWNER]
    pairs, rest, added = _paired(register, before, after)
    changed, unchanged = [], 0
    for old, new in pairs:
        changes = tuple(_changes(columns, old, new))
        if changes:
            changed.append(Changed(old, new, changes))
        else:
            unchanged += 1
    gone = [row for row in rest if not _names(row) & set(unclear)]
    kept = [row for row in rest if _names(row) & set(unclear)]
    return Difference(register, tuple(added), tuple(changed), tuple(gone), tuple(kept), unchanged)


def _paired(
    register: Register, before: Sequence[FormRow], after: Sequence[FormRow]
) -> tuple[list[tuple[FormRow, FormRow]], list[FormRow], list[FormRow]]:
    """Pairs in the order of the form, then what is left on either side."""
    partner: dict[int, FormRow] = {}
    old, new = list(before), list(enumerate(after))
    # What is the same to the letter belongs together first: an assessment shares its system's code with others.
    ways = ((lambda row: _content(register, row), False), (_code, False), (_name, True), (_thing, True))
    for words, only_one in ways:
        found: dict[str, list[FormRow]] = {}
        for row in old:
            if word := words(row):
                found.setdefault(word, []).append(row)
        asked: dict[str, int] = {}
        for _, row in new:
            asked[words(row)] = asked.get(words(row), 0) + 1
        left: list[tuple[int, FormRow]] = []
        taken: set[int] = set()
        for place, row in new:
            word = words(row)
            candidates = found.get(word, []) if word else []
            if candidates and not (only_one and (len(candidates) > 1 or asked[word] > 1)):
                partner[place] = candidates.pop(0)
                taken.add(id(partner[place]))
            else:
                left.append((place, row))
        old, new = [row for row in old if id(row) not in taken], left
    pairs = [(partner[place], row) for place, row in enumerate(after) if place in partner]
    return pairs, old, [row for _, row in new]


def _changes(columns: Iterable[Column], before: FormRow, after: FormRow) -> Iterator[Change]:
    for column in columns:
        old, new = before.cells.get(column.name, ""), after.cells.get(column.name, "")
        if old != new and not _same(column, old, new):
            yield Change(column.name, column.title, old, new)


def _same(column: Column, old: str, new: str) -> bool:
    """Whether two texts say the same: a list in another order, or as the form could not but bring it back."""
    if column.type is not Type.TEXTS:
        return False
    sides = (set(as_read(column, text).split("、")) for text in (old, new))
    return next(sides) == next(sides)


def _code(row: FormRow) -> str:
    return next((key(word) for name in _CODES if (word := row.cells.get(name))), "")


def _name(row: FormRow) -> str:
    return next((key(word) for name in _NAMES if (word := row.cells.get(name))), "")


def _thing(row: FormRow) -> str:
    """A host by what is printed on it or where it answers, a component by what it is and where it runs."""
    told = [row.cells.get(name, "") for name in _THING]
    return key(told[0] or told[1]) or key("\n".join(told[2:]).strip())


def _content(register: Register, row: FormRow) -> str:
    return "\n".join(f"{c.name} {row.cells[c.name]}" for c in register.columns if row.cells.get(c.name))


def _names(row: FormRow) -> set[str]:
    return {key(word) for name in (*_CODES, *_NAMES) if (word := row.cells.get(name))}


def _called(row: FormRow) -> Mapping[str, object]:
    code = next((word for name in _CODES if (word := row.cells.get(name))), "")
    name = next((word for name in _NAMES if (word := row.cells.get(name))), "")
    return {"code": code, "name": name}


# --- in words -----------------------------------------------------------------------------------------------


def difference_text(difference: Difference, *, whose: str = "", most: int = 500) -> str:
    """The report in Chinese: how many of each, then one line for each row, at most ``most`` lines."""
    d = difference
    counts = f"新增{len(d.added)}行，修改{len(d.changed)}行，删除{len(d.removed)}行，未变{d.unchanged}行"
    unclear = f"，另有{len(d.unclear)}行因填报有误不能比对" if d.unclear else ""
    of = f"（{clean(whose, 80)}）" if whose else ""
    return "\n".join([f"{d.register.form_title}{of}：{counts}{unclear}。", *difference_lines(d, most)]) + "\n"


def difference_lines(difference: Difference, most: int) -> Iterator[str]:
    """One line for each row that is not as it was; the last one counts those left out."""
    number = 0
    for line in _lines(difference):
        number += 1
        if number <= most:
            yield line
    if number > most:
        yield f"……另有{number - most}行"


def _lines(difference: Difference) -> Iterator[str]:
    for row in difference.changed:
        told = "；".join(f"{c.title}由{_word(c.before)}改为{_word(c.after)}" for c in row.changes)
        yield f"修改　{_place(row.after.where)}{_title(row.after)}：{told}"
    for added in difference.added:
        yield f"新增　{_place(added.where)}{_title(added)}"
    for gone in difference.removed:
        yield f"删除　{_title(gone)}（原登记于{_origin(gone.where)}）"
    for kept in difference.unclear:
        yield f"待定　{_title(kept)}（原登记于{_origin(kept.where)}；所报的行有误）"


def _word(text: str) -> str:
    return f"“{clean(text, _SHOWN)}”" if text else "空白"


def _title(row: FormRow) -> str:
    called = _called(row)
    name, code = clean(str(called["name"]), _SHOWN), clean(str(called["code"]), _SHOWN)
    if name and code:
        return f"“{name}”（{code}）"
    return f"“{name or code or '未命名'}”"


def _place(where: str) -> str:
    row = where.rpartition("!")[2]
    return f"第{row}行" if row.isdecimal() else ""


def _origin(where: str) -> str:
    """``registers/systems.xlsx!3`` → systems.xlsx第3行; a place in YAML as it is."""
    file, _, row = where.rpartition("!")
    return f"{clean(file.rpartition('/')[2], 80)}第{row}行" if row.isdecimal() else clean(where, 100)

"""What became of departments (机构改革): renamed, merged into others, things handed over; from a day on. Pure.

A change holds from the beginning of its day. What was recorded before that day keeps the old name; whatever still
names the old department on that day or later is the successor's.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from inventories.identity import plain_code, plain_name


class Kind(enum.StrEnum):
    RENAME = "rename"
    MERGE = "merge"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class DepartmentChange:
    """One change as it was written down.

    ``department_name`` and ``successor_name`` are what the two were called then; of a renaming ``successor_id`` is
    the department's own. ``asset_kind`` and ``asset_code`` say what a transfer hands over.
    """

    id: str
    kind: Kind
    department_id: str
    department_name: str
    successor_id: str
    successor_name: str
    asset_kind: str
    asset_code: str
    effective_on: date
    document: str
    at: datetime
    by: str
    undone: bool = False
    note: str = ""

    @property
    def brief(self) -> str:
        """``mzj became rsj on 2026-12-01 (D2026-001)``."""
        said = {
            Kind.RENAME: f"{self.department_id} was renamed {self.successor_name}",
            Kind.MERGE: f"{self.department_id} became {self.successor_id}",
            Kind.TRANSFER: f"{self.asset_kind} {self.asset_code} of {self.department_id} went to {self.successor_id}",
        }[self.kind]
        return f"{said} on {self.effective_on} ({self.id})"

    def is_about(self, kind: str, code: str) -> bool:
        """Whether this is a transfer of that thing; codes are compared as registers' codes are."""
        return (
            self.kind is Kind.TRANSFER
            and bool(code)
            and self.asset_kind == kind
            and plain_code(self.asset_code) == plain_code(code)
        )


@dataclass(frozen=True, slots=True)
class Successor:
    """Whose something is on a day. ``name`` and ``formerly`` are empty where nothing changed.

    ``formerly`` is what the department was called before the last change that led here.
    """

    id: str
    name: str = ""
    formerly: str = ""


@dataclass(frozen=True, slots=True)
class MovedAsset:
    """A thing handed over: by its register's code, from one department to the one that has it on the day asked."""

    kind: str
    code: str
    before: str
    id: str
    name: str
    since: date
    change: str


def in_force(changes: Iterable[DepartmentChange], on: date) -> list[DepartmentChange]:
    """Those that hold on a day, in the order in which they happened."""
    standing = (change for change in changes if not change.undone and change.effective_on <= on)
    return sorted(standing, key=_order)


def _order(change: DepartmentChange) -> tuple[date, datetime, str]:
    return change.effective_on, change.at, change.id


def successor_of(
    changes: Iterable[DepartmentChange], department_id: str, on: date, *, kind: str = "", code: str = ""
) -> Successor:
    """Whose a department's things are on a day; with ``kind`` and ``code``, whose that one thing is."""
    standing = in_force(changes, on)
    whose, name, formerly = department_id, "", ""
    for change in standing:
        if change.department_id != whose:
            continue
        if change.kind is not Kind.TRANSFER or change.is_about(kind, code):
            whose, name, formerly = change.successor_id, change.successor_name, change.department_name
    # Its successor may have been renamed earlier than the merger was written down.
    renamed = [c.successor_name for c in standing if c.kind is Kind.RENAME and c.department_id == whose]
    return Successor(whose, renamed[-1] if renamed and name else name, formerly)


def moved_assets(changes: Sequence[DepartmentChange], on: date) -> tuple[MovedAsset, ...]:
    """The things that were handed over and are somebody else's on a day, each by the change that did it last."""
    out: dict[tuple[str, str, str], MovedAsset] = {}
    for change in in_force(changes, on):
        if change.kind is Kind.TRANSFER:
            kind, code, before = change.asset_kind, plain_code(change.asset_code), change.department_id
            now = successor_of(changes, before, on, kind=kind, code=code)
            out[kind, code, before] = MovedAsset(
                kind, change.asset_code, before, now.id, now.name, change.effective_on, change.id
            )
    return tuple(moved for moved in out.values() if moved.id != moved.before)


def former_words(changes: Sequence[DepartmentChange], on: date) -> Mapping[str, str]:
    """Ids and names that departments no longer have → the id of the department that they mean now.

    A register that is corrected no longer lists the old department; its other registers may still name it.
    """
    out: dict[str, str] = {}
    for change in in_force(changes, on):
        if change.kind is not Kind.TRANSFER:
            now = successor_of(changes, change.department_id, on).id
            out[change.department_name] = now
            if change.kind is Kind.MERGE:
                out[change.department_id] = now
    return out


class Successions:
    """The changes that hold on one day, for many questions."""

    def __init__(self, changes: Iterable[DepartmentChange], on: date) -> None:
        self.changes = in_force(changes, on)
        self.on = on
        self._known: dict[tuple[str, str, str], str] = {}
        self._leaving = {change.department_id for change in self.changes if change.kind is not Kind.RENAME}
        self._handed = {(c.asset_kind, plain_code(c.asset_code)) for c in self.changes if c.kind is Kind.TRANSFER}
        #: Departments that are no more → the one that has their things now.
        self.gone: dict[str, str] = {
            change.department_id: self.of(change.department_id)
            for change in self.changes
            if change.kind is Kind.MERGE
        }
        #: Every department that gave or got anything.
        self.touched = self._leaving | {c.successor_id for c in self.changes} | set(self.gone.values())

    def __bool__(self) -> bool:
        return bool(self.changes)

    def of(self, department_id: str, kind: str = "", codes: Iterable[str] = ()) -> str:
        """Whose a department's things, or the thing of its with one of these codes, are now."""
        if department_id not in self._leaving:
            return department_id
        handed = next((code for code in codes if (kind, plain_code(code)) in self._handed), "")
        asked = (department_id, kind if handed else "", handed)
        found = self._known.get(asked)
        if found is None:
            found = successor_of(self.changes, department_id, self.on, kind=asked[1], code=handed).id
            self._known[asked] = found
        return found

    def of_code(self, department_id: str, code: str) -> str:
        """Whose the thing of a code is now that was a department's, whatever kind it is of."""
        kinds = {kind for kind, handed in self._handed if handed == plain_code(code)}
        owners = {self.of(department_id, kind, (code,)) for kind in kinds}
        return owners.pop() if len(owners) == 1 else self.of(department_id)

    def names(self, department_id: str) -> list[str]:
        """What a department was called when something became of it."""
        return [change.department_name for change in self.changes if change.department_id == department_id]

    def renamed(self, department_id: str) -> DepartmentChange | None:
        """The last renaming of a department."""
        found = [c for c in self.changes if c.kind is Kind.RENAME and c.department_id == department_id]
        return found[-1] if found else None

    def heads(self) -> dict[str, list[str]]:
        """Every department that took others in → itself and those, in order."""
        out: dict[str, list[str]] = {}
        for old, head in self.gone.items():
            out.setdefault(head, [head]).append(old)
        return out

    def chain(self, department_id: str) -> list[tuple[str, date]]:
        """The departments that spoke for one in turn, each with the day from which it did."""
        out, since = [(department_id, date.min)], date.min
        for change in self.changes:
            if change.kind is Kind.MERGE and change.department_id == out[-1][0]:
                since = max(since, change.effective_on)
                out.append((change.successor_id, since))
        return out


def contradictions(new: DepartmentChange, changes: Iterable[DepartmentChange]) -> Iterator[str]:
    """Why a change cannot be beside those that stand, each in a line that says what to do."""
    others = [change for change in changes if not change.undone and change.id != new.id]
    if new.kind is not Kind.RENAME and new.department_id == new.successor_id:
        yield f"{new.department_id} cannot be {'merged into' if new.kind is Kind.MERGE else 'handed over to'} itself"
        return
    for role in dict.fromkeys((new.department_id, new.successor_id)):
        yield from _gone(role, new, others)
    if new.kind is Kind.MERGE:
        yield from _circle(new, others)
        yield from _later(new, others)
    elif new.kind is Kind.RENAME:
        yield from _renamed_later(new, others)
    else:
        yield from _handed_over(new, others)


def _gone(department: str, new: DepartmentChange, others: Sequence[DepartmentChange]) -> Iterator[str]:
    for other in others:
        if other.kind is not Kind.MERGE or other.department_id != department:
            continue
        if new.kind is Kind.MERGE and department == new.department_id:
            yield f"{other.brief} already: 'auditor department undo {other.id}' takes that back"
        elif other.effective_on == new.effective_on:
            yield _out_of_order(new, other)
        elif other.effective_on < new.effective_on:
            yield f"on {new.effective_on} there is no {department} any more: {other.brief}; name {other.successor_id}"


def _circle(new: DepartmentChange, others: Sequence[DepartmentChange]) -> Iterator[str]:
    into = {other.department_id: other for other in others if other.kind is Kind.MERGE}
    here, way = new.successor_id, []
    while here in into and into[here] not in way:
        way.append(into[here])
        here = into[here].successor_id
    if way and here == new.department_id:
        yield f"that would be a circle: {'; '.join(change.brief for change in way)}"


def _later(new: DepartmentChange, others: Sequence[DepartmentChange]) -> Iterator[str]:
    """What is said to happen to a department after its end. On one day, what was written down first came first."""
    for other in others:
        ends_there = other.kind is Kind.MERGE and other.department_id == new.department_id
        involved = new.department_id in (other.department_id, other.successor_id) and not ends_there
        if involved and other.effective_on > new.effective_on:
            yield _out_of_order(new, other)


def _renamed_later(new: DepartmentChange, others: Sequence[DepartmentChange]) -> Iterator[str]:
    for other in others:
        same = other.kind is Kind.RENAME and other.department_id == new.department_id
        if same and other.effective_on >= new.effective_on:
            yield _out_of_order(new, other)


def _handed_over(new: DepartmentChange, others: Sequence[DepartmentChange]) -> Iterator[str]:
    what = f"{new.asset_kind} {new.asset_code}"
    same = [other for other in others if other.is_about(new.asset_kind, new.asset_code)]
    for other in sorted(same, key=_order):
        mine = new.department_id in (other.department_id, other.successor_id)
        if mine and other.effective_on >= new.effective_on:
            yield _out_of_order(new, other)
        elif other.department_id == new.department_id:
            since = [o for o in same if o.successor_id == new.department_id and o.effective_on > other.effective_on]
            if not since:
                yield f"{what} is not {new.department_id}'s any more: {other.brief}; name --from {other.successor_id}"


def resting_on(change: DepartmentChange, changes: Iterable[DepartmentChange]) -> Iterator[str]:
    """Why a change cannot be taken back: others that stand would hang in the air."""
    for other in changes:
        if (
            change.kind is Kind.TRANSFER
            and not other.undone
            and other.id != change.id
            and other.is_about(change.asset_kind, change.asset_code)
            and other.department_id == change.successor_id
            and other.effective_on >= change.effective_on
        ):
            yield f"{other.brief} rests on it: 'auditor department undo {other.id}' first"


def _out_of_order(new: DepartmentChange, other: DepartmentChange) -> str:
    return (
        f"a change on {new.effective_on} cannot be written down after one on {other.effective_on}: {other.brief}; "
        f"'auditor department undo {other.id}' takes that back, then write both down in order"
    )


def same_name(one: str, other: str) -> bool:
    return plain_name(one) == plain_name(other)

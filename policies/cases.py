"""A pack's own cases: rows of made-up facts with the verdict that each must get."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from inventories.faults import Fault, Faults, did_you_mean
from inventories.kinds import KINDS, Type
from policies import schema
from policies.model import Verdict
from policies.source import CASES, Source, shown
from policies.subjects import codes, columns_of

Row = Mapping[str, object]

_IS: Mapping[Type, tuple[type, ...]] = {
    Type.TEXT: (str,),
    Type.INTEGER: (int,),
    Type.NUMBER: (int, float),
    Type.BOOLEAN: (bool,),
    Type.DATE: (date,),
    Type.TEXTS: (list,),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One row, which states every column that it means to state, and what it must come to.

    ``also`` are other rules of the pack that the row breaks too. ``where`` is ``file:line:col``.
    """

    name: str
    row: Row
    expect: Verdict
    where: str
    also: tuple[str, ...] = ()
    as_of: date | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of one rule."""

    rule: str
    subject: str
    where: str
    cases: tuple[Case, ...]


def read_cases(files: Mapping[str, bytes], folder: str, subjects: Mapping[str, str]) -> tuple[CaseFile, ...]:
    """The case files among a pack's files.

    ``subjects`` maps the pack's rules to their subjects. Raises :class:`Faults` with everything that is wrong in
    any of them; a file about no rule of the pack is.
    """
    out: list[CaseFile] = []
    faults: list[Fault] = []
    for name, content in files.items():
        if not name.startswith(f"{CASES}/"):
            continue
        try:
            source = Source.parse(content, f"{folder}/{name}")
        except Faults as error:
            faults.extend(error.faults)
            continue
        found = schema.faults(source, "cases")
        if not found:
            found = list(_check(source, subjects))
        faults.extend(found)
        if not found:
            out.append(_build(source))
    if faults:
        raise Faults(faults)
    return tuple(out)


def _subject(data: Mapping[str, Any]) -> str:
    return str(next(iter(data["baseline"])))


def _check(source: Source, subjects: Mapping[str, str]) -> Iterator[Fault]:
    data: Any = source.data
    subject = _subject(data)
    if data["rule"] not in subjects:
        mend = did_you_mean(data["rule"], subjects) or f"there are {', '.join(subjects)}"
        yield source.fault(("rule",), f"these cases match nothing: there is no rule {shown(data['rule'])!r}", mend)
    wanted = subjects.get(data["rule"]) or subject
    if subject != wanted:
        yield source.fault_at_key(("baseline", subject), f"{data['rule']} judges a {wanted}, not a {subject}")
        return
    yield from _check_row(source, subject, ("baseline", subject), data["baseline"][subject])
    names: set[str] = set()
    for i, case in enumerate(data["cases"]):
        if case["name"] in names:
            yield source.fault(("cases", i, "name"), f"a second case {shown(case['name'])!r}")
        names.add(case["name"])
        for j, other in enumerate(case.get("also", ())):
            if subjects.get(other) != subject:
                mend = did_you_mean(other, [rule for rule, kind in subjects.items() if kind == subject])
                yield source.fault(("cases", i, "also", j), f"no rule {shown(other)!r} judges a {subject}", mend)
        for kind in set(case) & set(KINDS):
            if kind != subject:
                yield source.fault_at_key(("cases", i, kind), f"{data['rule']} judges a {subject}, not a {kind}")
            else:
                yield from _check_row(source, subject, ("cases", i, kind), case[kind])


def _check_row(source: Source, subject: str, path: tuple[str | int, ...], row: Mapping[str, Any]) -> Iterator[Fault]:
    for name, value in row.items():
        column = columns_of(subject).get(name)
        if column is None:
            mend = did_you_mean(name, columns_of(subject)) or "see the data dictionary"
            yield source.fault_at_key((*path, name), f"a {subject} has no column {shown(name)!r}", mend)
            continue
        if value is None:
            continue
        right = isinstance(value, _IS[column.type]) and isinstance(value, bool) == (column.type is Type.BOOLEAN)
        listed = value if isinstance(value, list) else [value]
        if not right or (column.type is Type.TEXTS and not all(isinstance(item, str) for item in listed)):
            yield source.fault((*path, name), f"{name} is {column.type}, and {shown(value)!r} is none")
            continue
        known = codes(subject, name)
        for item in listed:
            if known and item not in known:
                mend = did_you_mean(str(item), known) or f"one of {', '.join(known)}"
                yield source.fault((*path, name), f"{name} is never {shown(item)!r}", mend)


def _build(source: Source) -> CaseFile:
    data: Any = source.data
    subject = _subject(data)
    cases = tuple(
        Case(
            name=case["name"],
            row={**data["baseline"][subject], **case.get(subject, {})},
            expect=Verdict(case["expect"]),
            where=source.document.where("cases", i),
            also=tuple(case.get("also", ())),
            as_of=case.get("as_of", data.get("as_of")),
            settings={**data.get("settings", {}), **case.get("settings", {})},
        )
        for i, case in enumerate(data["cases"])
    )
    return CaseFile(data["rule"], subject, source.document.where("rule"), cases)

"""Rows that are no assets: who submitted what, who is exempt, and which system an assessment is of."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection as AnyOf
from collections.abc import Mapping
from datetime import date, timedelta

from inventories.faults import Fault, did_you_mean
from inventories.model import Submission, Waiver
from inventories.registers import words
from inventories.registers.declare import REGISTERS, by_title
from inventories.registers.headings import column_named
from inventories.registers.records import Record, Refused, refuse
from inventories.registers.references import Index

_RULE = re.compile(r"^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*$")
_ALL = frozenset({"全部", "所有", "全部栏目", "all"})
_SHA256 = re.compile(r"^[0-9a-f]{64}$")


def submission(
    record: Record, *, today: date, digests: Mapping[str, AnyOf[str]], notes: list[Fault]
) -> Submission | Refused:
    """A row of the submissions register. ``digests``: register → SHA-256 of each of its files."""
    faults: list[Fault] = []
    word = record.text("register")
    register = by_title(word)
    received = record.day("received_on")
    if register is None or register.name == "submissions":
        names = [n for r in REGISTERS.values() if r.name != "submissions" for n in (r.name, r.title)]
        hint = did_you_mean(word, names)
        faults.append(Fault(record.place("register"), f"unknown register {words.evidence(word)!r}", hint))
    # A day of grace: the clock is UTC and the site lies east of it.
    if received is not None and received > today + timedelta(days=1):
        faults.append(Fault(record.place("received_on"), f"{received} has not come yet", "give the day of receipt"))
    columns: list[str] = []
    for heading in record.texts("columns") if register else ():
        if words.key(heading) in _ALL:
            columns = []
            break
        column = column_named(register, heading) if register else None
        if column is None:
            hint = did_you_mean(heading, [c.title for c in register.columns]) if register else ""
            what = f"{words.evidence(heading)!r} is no column of {register.title if register else ''}"
            faults.append(Fault(record.place("columns"), what, hint))
        elif column.name not in columns:
            columns.append(column.name)
    digest = words.code(record.text("digest")).casefold()
    if digest and not _SHA256.match(digest):
        faults.append(
            Fault(record.place("digest"), "is no SHA-256", "64 hexadecimal digits, as sha256sum prints them")
        )
    if faults or register is None or received is None:
        return refuse(record.source, record.row, faults, record.department)
    if digest and digest not in digests.get(register.name, ()):
        what = f"no file of the register {register.name} has this digest: what lies here is not what was submitted"
        notes.append(Fault(record.place("digest"), what))
    nil = record.value("nil_return") is True
    return Submission(record.department, register.name, received, record.text("period"), tuple(columns), nil, digest)


def waiver(record: Record) -> Waiver | Refused:
    """A row of the exemptions register. Its end is mandatory, and its last day counts."""
    faults: list[Fault] = []
    rules = record.texts("rules")
    for rule in rules:
        if not _RULE.match(rule):
            what = f"{words.evidence(rule)!r} is no rule's name"
            faults.append(Fault(record.place("rules"), what, "write it as 'auditor policy list' shows it: pack/rule"))
    begin, end = record.day("valid_from"), record.day("valid_to")
    if begin is not None and end is not None and end < begin:
        faults.append(Fault(record.place("valid_to"), f"{end} lies before {begin}", "check the two dates"))
    if faults or begin is None or end is None:
        return refuse(record.source, record.row, faults, record.department)
    named = "|".join(
        [record.department, record.text("asset_code"), record.text("asset_name"), *rules, record.text("document")]
    )
    return Waiver(
        id=record.text("code") or "W-" + hashlib.sha256(named.encode()).hexdigest()[:12],
        rules=rules,
        department_id=record.department,
        asset_name=record.text("asset_name"),
        asset_code=record.text("asset_code"),
        legal_basis=record.text("legal_basis"),
        approver=record.text("approver"),
        document=record.text("document"),
        valid_from=begin,
        valid_to=end,
        conditions=record.text("conditions"),
        source=record.where,
    )


def assessed_system(record: Record, systems: Index) -> Record | Refused:
    """The system that a row of the assessments register is of; refused where it names none of the register."""
    code, name = record.text("system_code"), record.text("system_name")
    column, word = ("system_code", code) if code else ("system_name", name)
    found: Record | None = None
    why = f"no system {words.evidence(word)!r} stands in the systems register"
    if code and words.key(code) in systems.twice:
        why = f"two systems have the code {words.evidence(code)!r}"
    elif code:
        found = systems.codes.get(words.key(code))
    else:
        found = systems.find(name, record.department)
    if found is None:
        fault = Fault(record.place(column), why, systems.hint(word) or "add the system first, or correct the name")
    elif record.department and record.department != found.department:
        fault = Fault(
            record.place("department"), f"the system at {found.where} is of {found.department}", "correct one"
        )
    else:
        return found
    return refuse(record.source, record.row, [fault], record.department)

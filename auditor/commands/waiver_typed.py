"""``waiver add`` as it was typed, checked against packs, registers and calendar; every mistake at once."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.cases import roles
from auditor.commands.named import Known
from auditor.commands.typed import Mistakes, day, optional, words
from auditor.errors import Refused
from auditor.intake import packs_in_force
from auditor.site import Site
from auditor.waiving import OwnWaiver, State
from inventories.faults import clean, did_you_mean

if TYPE_CHECKING:
    from policies.model import Pack

#: A granted paper is a few pages; what is larger is something else.
_MAX_FILE = 200 * 1024 * 1024
MAX_ID = 40


@dataclass(frozen=True, slots=True)
class Typed:
    """``waiver add`` as it was typed."""

    rules: Sequence[str]
    asset: str
    department: str
    basis: str
    approver: str
    document: str
    file: Path | None
    start: str
    end: str
    conditions: str
    by: str
    number: str


def draft_of(site: Site, typed: Typed, known: Known, now: datetime) -> OwnWaiver:
    """What was typed as a draft; :class:`Refused` with everything that is wrong with it."""
    mistakes = Mistakes()
    drafter = mistakes.read(lambda: roles.check(site.config.people, "draft", typed.by), "")
    no_rules: tuple[str, ...] = ()
    rules = mistakes.read(lambda: _rules(typed.rules, packs_in_force(site)), no_rules)
    department = ""
    if typed.department.strip():
        department = mistakes.read(lambda: known.department(typed.department, site.today(now)), "")
    elif not typed.asset.strip():
        mistakes.lines.append("name what is exempt: --asset CODE, or --department for all that it has")
    code, name, whose = mistakes.read(lambda: _asset(typed.asset, department, known), ("", "", department))
    basis = mistakes.read(lambda: words(typed.basis, "--basis"), "")
    approver = mistakes.read(lambda: words(typed.approver, "--approver"), "")
    document = mistakes.read(lambda: words(typed.document, "--document"), "")
    conditions = mistakes.read(lambda: optional(typed.conditions, "--conditions"), "")
    start, end = mistakes.read(lambda: _period(typed.start, typed.end, site.today(now)), (date.min, date.min))
    digest = mistakes.read(lambda: file_digest(typed.file) if typed.file else "", "")
    number = mistakes.read(lambda: _number(typed.number), "")
    mistakes.end()
    return OwnWaiver(
        id=number,
        state=State.DRAFT,
        rules=rules,
        department_id=whose,
        asset_code=code,
        asset_name=name,
        legal_basis=basis,
        approver=approver,
        document=document,
        document_digest=digest,
        valid_from=start,
        valid_to=end,
        conditions=conditions,
        drafted_by=drafter,
        drafted_at=now,
    )


def _rules(typed: Sequence[str], packs: Sequence[Pack]) -> tuple[str, ...]:
    """Rules by their full names, or ``pack/*`` for all of a pack's."""
    everything = [rule.full_id for pack in packs for rule in pack.rules]
    known = [*everything, *(f"{pack.id}/*" for pack in packs)]
    wrong = [
        f"--rule {clean(rule, 80)!r} is no rule in force: "
        + (did_you_mean(rule, known) or "'auditor policy list' and 'auditor policy show PACK' name them")
        for rule in typed
        if rule.strip() not in known
    ]
    if not typed:
        wrong.append("name at least one --rule, as pack/rule or pack/*")
    if wrong:
        raise Refused(*wrong)
    return tuple(dict.fromkeys(rule.strip() for rule in typed))


def _asset(word: str, department: str, known: Known) -> tuple[str, str, str]:
    """Code, name and department of the thing that a word means; as typed where nobody knows it."""
    word = words(word, "--asset", most=200) if word.strip() else ""
    if not word:
        return "", "", department
    things = known.things.meant(word, department)
    owners = sorted({thing.department_id for thing in things})
    if not things and department and (elsewhere := known.things.meant(word)):
        others = ", ".join(sorted({thing.department_id or "nobody" for thing in elsewhere}))
        raise Refused(f"--asset {word} is not {department}'s but {others}'s: name that --department, or none")
    if len(owners) > 1:
        raise Refused(f"--asset {word} may be {', '.join(owners)}'s: say whose with --department")
    if not things:
        return word, "", department
    codes = {thing.code for thing in things if thing.code}
    if len(codes) == 1:
        return codes.pop(), "", owners[0]
    if codes:
        raise Refused(f"--asset {word} may be any of {', '.join(sorted(codes))}: name one by its code")
    return "", things[0].name, owners[0]


def _period(start: str, end: str, today: date) -> tuple[date, date]:
    mistakes = Mistakes()
    first = mistakes.read(lambda: day(start, "--from"), None)
    last = mistakes.read(lambda: day(end, "--to"), None)
    mistakes.end()
    if first is None or last is None:
        raise Refused("--from and --to are mandatory")
    if last < first:
        raise Refused(f"--to {last} lies before --from {first}: the last day counts")
    if last < today:
        raise Refused(f"--to {last} has passed: a waiver has no effect on what is past; name a later day")
    return first, last


def _number(text: str) -> str:
    number = text.strip()
    if len(number) > MAX_ID or clean(number, 10 * MAX_ID) != number or " " in number:
        raise Refused(f"--id {clean(number, MAX_ID)!r} is no number: up to {MAX_ID} characters without spaces")
    return number


def file_digest(path: Path) -> str:
    """The SHA-256 of a file that is read once and kept nowhere; :class:`Refused` for what is no file."""
    shown = clean(str(path), 200)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise Refused(f"--file {shown}: is no file")
            if not 0 < found.st_size <= _MAX_FILE:
                raise Refused(f"--file {shown}: has {found.st_size} bytes: name the paper itself, up to 200 MiB")
            with os.fdopen(handle, "rb", closefd=False) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        finally:
            os.close(handle)
    except OSError as error:
        raise Refused(f"--file {shown}: {error.strerror or error}") from error

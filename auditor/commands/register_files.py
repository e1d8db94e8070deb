"""``register export`` and ``register import``: forms that go out pre-filled, and come back corrected."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.chasing import RegisterRequest, State
from auditor.commands.named import Known
from auditor.commands.registers import register_named, request_json
from auditor.commands.typed import Mistakes, ledger_to_change, office, refusing
from auditor.errors import Exit, Refused
from auditor.output import print_faults, print_json, say, write
from auditor.site import Site, load_site
from auditor.spoken import digests_of
from inventories.faults import Faults, clean
from inventories.registers.declare import DEPARTMENT, REGISTERS, Register
from inventories.registers.forms import FormRow
from inventories.registers.prefilled import name_of
from inventories.registers.returns import FOLDER, KEPT_BY_BUREAU, stem

if TYPE_CHECKING:
    from inventories.registers import Current, Returned, Taken

#: How many lines of a difference are kept with the request, and how many are printed.
_KEPT_LINES, _SHOWN_LINES = 200, 500


def export(
    root: Path, directory: Path, departments: Sequence[str], registers: Sequence[str], *, as_json: bool
) -> int:
    """Writes forms with what departments have declared, one file for each department and register."""
    from inventories.registers import read_current, write_prefilled

    site, now = load_site(root), clock.utc_now()
    if directory.resolve().is_relative_to(site.registers.resolve()):
        raise Refused(f"{clean(str(directory), 300)} is where the registers lie, and a form there would count as one")
    known = Known.of(site, now)
    wanted = list(_wanted(known, departments, registers))
    there = [_form_path(directory, register, department) for department, register in wanted]
    if exist := [path for path in there if path.exists() or path.is_symlink()]:
        # It may be one that was corrected and has not been taken in yet.
        raise Refused(*(f"{clean(str(path), 300)} is there already: name another folder" for path in exist))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    current = read_current(site.registers, places=site.places, now=now)
    asked = _asked(known)
    for (department, register), path in zip(wanted, there, strict=True):
        rows = [*_rows(current, known, register, department)]
        whose = replace(current.departments[department], name=known.names.get(department, department))
        write_prefilled(register, rows, whose, path, asked=asked.get((department, register.name), ()))
        say(f"{clean(str(path), 300)}: {len(rows)} rows of {department}")
    if as_json:
        print_json(
            [
                {"department_id": department, "register": register.name, "file": str(path)}
                for (department, register), path in zip(wanted, there, strict=True)
            ]
        )
    return Exit.DONE


@dataclass(frozen=True, slots=True)
class Import:
    """``register import`` as it was typed."""

    file: Path
    department: str
    register: str
    period: str
    nil: bool
    dry_run: bool
    by: str


def take(root: Path, typed: Import, *, as_json: bool) -> int:
    """Takes a corrected form in, whole or not at all, and closes the request that it answers."""
    from inventories.registers import read_current, read_returned

    site, now = load_site(root), clock.utc_now()
    known, mistakes = Known.of(site, now), Mistakes()
    who = mistakes.read(lambda: office(typed.by), "")
    department = mistakes.read(lambda: known.department(typed.department, known.today), "")
    register = mistakes.read(lambda: register_named(typed.register), None)
    mistakes.end()
    if register is None:
        raise Refused("--register is empty")
    current = read_current(site.registers, places=site.places, now=now)
    returned = read_returned(typed.file, register.name, department, current, nil=typed.nil)
    files = digests_of(known.registers)
    mine = [r for r in known.words.requests if (r.department_id, r.register) == (department, register.name)]
    same = [r for r in mine if r.state is State.ANSWERED and r.changes.get("handed_in") == returned.digest]
    if same and same[-1].digest in files:
        say(f"{same[-1].id}: this file was taken in on {same[-1].answered_on}; nothing changed")
        return _tell(same[-1], returned, known.today, as_json=as_json)
    if returned.faults:
        raise Faults(returned.faults)
    # One of which the file is gone since is answered by the same file again.
    request = same[-1] if same else _open_request(mine, department, register, typed.period)
    _report(returned, as_json=as_json)
    if typed.dry_run:
        say("nothing was taken in: the same without --dry-run does")
        return _tell(request, returned, known.today, as_json=as_json)
    after = _close(site, request, returned, current, who, now)
    say(f"{after.id} is answered; the next audit takes what was declared")
    return _tell(after, returned, known.today, as_json=as_json)


def _close(
    site: Site, request: RegisterRequest, returned: Returned, current: Current, by: str, now: datetime
) -> RegisterRequest:
    """Files and ledger together: the files are taken back where the ledger cannot be written."""
    from auditor.ledger import requests, trail
    from auditor.ledger.trail import Entry
    from inventories.registers import take_in

    today, taken = site.today(now), None
    try:
        with refusing(), ledger_to_change(site) as ledger, ledger.writing() as connection:
            before = requests.one(connection, request.id)
            if before.state is not request.state:
                raise Refused(f"{before.id} is {before.state} meanwhile: 'auditor register status' tells")
            # The machine may have gone down between files and ledger: then they lie there, and nobody knew.
            digest = _standing(current, returned)
            if not digest:
                columns, period = before.columns, before.period
                taken = take_in(returned, site.registers, received_on=today, period=period, columns=columns)
                digest = taken.digest
            after = replace(
                before,
                state=State.ANSWERED,
                answered_on=today,
                nil_return=returned.nil,
                digest=digest,
                changes={**returned.difference.summary(_KEPT_LINES), "handed_in": returned.digest},
            )
            detail = {"department": after.department_id, "register": after.register, "sha256": digest}
            entry = Entry(now, by, "register.import", after.id, "", {**detail, "nil": after.nil_return})
            trail.write(connection, entry, [requests.write(after)])
        return after
    except BaseException:
        # Also Ctrl-C: what the ledger does not know of must not count.
        _take_back(site.registers / FOLDER / stem(returned.register, returned.department.id), taken)
        raise


def _take_back(folder: Path, taken: Taken | None) -> None:
    if taken is not None:
        # Out of sight in one step, whatever becomes of the rest.
        aside = taken.folder.rename(taken.folder.with_name(f".partial-{taken.folder.name}"))
        shutil.rmtree(aside, ignore_errors=True)
    for empty in (folder, folder.parent):
        with contextlib.suppress(OSError):
            empty.rmdir()


def _standing(current: Current, returned: Returned) -> str:
    """The digest of the same form where it was taken in already and stands."""
    whose = (returned.register.name, returned.department.id)
    stands = any(file.part_of == whose and file.form == returned.digest for file in current.intake.files)
    return returned.digest if stands else ""


def _open_request(
    mine: Iterable[RegisterRequest], department: str, register: Register, period: str
) -> RegisterRequest:
    """The one request that a form answers."""
    wanted = " ".join(period.split())
    fitting = [r for r in mine if r.state is State.OPEN and wanted in ("", r.period)]
    if not fitting:
        raise Refused(
            f"{department} was not asked for {register.name}{f' of {clean(wanted, 60)}' if wanted else ''}, "
            "or has answered: 'auditor register request' asks it, 'auditor register status' tells"
        )
    if len(fitting) > 1:
        raise Refused(
            "it may answer any of these: say which with --period", *(f"{r.id}: {r.period}" for r in fitting)
        )
    return fitting[0]


def _report(returned: Returned, *, as_json: bool) -> None:
    """What the form changes, and what a person should look at."""
    from inventories.registers import difference_text

    if not as_json:
        for line in difference_text(
            returned.difference, whose=returned.department.name, most=_SHOWN_LINES
        ).splitlines():
            write(line)
    if returned.nil:
        say("a nil return (零报告): the department says that it has none")
    print_faults(returned.notes, kind="note")
    print_faults(returned.consequences, kind="elsewhere")
    if returned.dropped_classified:
        say(f"{returned.dropped_classified} classified rows were dropped; the form itself is not kept")


def _tell(request: RegisterRequest, returned: Returned, today: date, *, as_json: bool) -> int:
    if as_json:
        print_json(
            {
                "request": request_json(request, today),
                "nil_return": returned.nil,
                "difference": returned.difference.as_json(),
                "notes": [str(note) for note in (*returned.notes, *returned.consequences)],
            }
        )
    return Exit.DONE


def _wanted(known: Known, departments: Sequence[str], registers: Sequence[str]) -> Iterator[tuple[str, Register]]:
    """Which forms are meant: those that were asked for, or all of a department that is named."""
    mistakes = Mistakes()
    named = [mistakes.read(partial(known.department, word, known.today), "") for word in departments]
    of = [mistakes.read(partial(register_named, word), None) for word in registers]
    mistakes.end()
    asked = _asked(known)
    whose = dict.fromkeys(named or [department for department, _register in asked])
    if not whose:
        raise Refused("nobody was asked for anything: name a --department, or 'auditor register request' first")
    for department in whose:
        mine = [name for of_department, name in asked if of_department == department]
        fillable = [name for name in REGISTERS if name not in KEPT_BY_BUREAU]
        chosen = [register.name for register in of if register is not None] or mine or fillable
        yield from ((department, REGISTERS[name]) for name in dict.fromkeys(chosen))


def _asked(known: Known) -> Mapping[tuple[str, str], frozenset[str]]:
    """(department, register) → the columns that open requests ask for; empty: the whole form."""
    out: dict[tuple[str, str], frozenset[str]] = {}
    for request in known.words.requests:
        if request.state is State.OPEN and known.heard.now(request.department_id) == request.department_id:
            at = (request.department_id, request.register)
            out[at] = out.get(at, frozenset()) | frozenset(request.columns)
    return out


def _form_path(directory: Path, register: Register, department: str) -> Path:
    return directory / f"{register.name}-{department}.xlsx"


def _rows(current: Current, known: Known, register: Register, department: str) -> Iterator[FormRow]:
    """A department's rows, and those of what it took in, each with a remark for it to look at."""
    successions = known.heard.successions
    givers = {change.department_id for change in successions.changes} - {department}
    word = name_of(current.departments[department], current.loaded.departments)
    for part in (department, *sorted(givers & current.departments.keys())):
        for row in current.rows(register.name, part):
            code = row.cells.get("code", "") or row.cells.get("system_code", "")
            owner = successions.of(part, register.kind, (code,) if code else ())
            if part == department:
                gone = f"已划转至{known.names.get(owner, owner)}" if owner != department else ""
                yield replace(row, remark=gone or row.remark)
            elif owner == department:
                cells = {**row.cells, DEPARTMENT.name: word}
                yield FormRow(cells, row.where, row.remark or f"原属{known.names.get(part, part)}")

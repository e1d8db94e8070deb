"""``department list``, ``rename``, ``merge``, ``transfer`` and ``undo``: what became of departments (机构改革)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from auditor import clock
from auditor.chasing import State as Asked
from auditor.commands.named import Known
from auditor.commands.typed import Mistakes, day, ledger_to_change, ledger_to_write, office, refusing, words
from auditor.errors import Exit, Refused
from auditor.joint_answers import NOT_ANSWERED
from auditor.output import print_json, print_table, say
from auditor.site import Site, load_site
from auditor.successions import DepartmentChange, Kind, contradictions, in_force, resting_on, same_name, successor_of
from inventories.answers import REGISTER
from inventories.faults import clean, did_you_mean
from inventories.kinds import KINDS

#: Kinds of things that can be handed over: a department's own, which registers give codes.
_KINDS = tuple(kind for kind in KINDS if kind != "department")


#: The columns of the table, by their names in JSON.
_SHOWN = ("id", "name", "was", "became", "on", "change")


def rename(root: Path, word: str, *, name: str, on: str, document: str, by: str, as_json: bool) -> int:
    def read(known: Known, mistakes: Mistakes, change: DepartmentChange) -> DepartmentChange:
        department = mistakes.read(lambda: known.department(word, change.effective_on, "DEPARTMENT"), "")
        new = mistakes.read(lambda: words(name, "--to", most=200), "")
        now = known.names.get(department, department)
        if new and department and same_name(new, now):
            mistakes.lines.append(f"--to {new}: {department} is called that already")
        for other, called in known.names.items():
            if new and other != department and same_name(new, called) and known.heard.now(other) == other:
                mistakes.lines.append(f"--to {new}: {other} is called that; 'auditor department merge' unites two")
        return replace(
            change, department_id=department, department_name=now, successor_id=department, successor_name=new
        )

    return _write_down(root, Kind.RENAME, read, on=on, document=document, by=by, as_json=as_json)


def merge(root: Path, word: str, *, into: str, on: str, document: str, by: str, as_json: bool) -> int:
    def read(known: Known, mistakes: Mistakes, change: DepartmentChange) -> DepartmentChange:
        return _two(known, mistakes, change, (word, "DEPARTMENT"), (into, "--into"))

    return _write_down(root, Kind.MERGE, read, on=on, document=document, by=by, as_json=as_json)


def transfer(
    root: Path, code: str, *, kind: str, giver: str, taker: str, on: str, document: str, by: str, as_json: bool
) -> int:
    def read(known: Known, mistakes: Mistakes, change: DepartmentChange) -> DepartmentChange:
        change = _two(known, mistakes, change, (giver, "--from"), (taker, "--to"))
        if kind not in _KINDS:
            hint = did_you_mean(kind, _KINDS) or f"one of {', '.join(_KINDS)}"
            mistakes.lines.append(f"--kind {clean(kind, 40)!r}: {hint}")
        else:
            exact = mistakes.read(lambda: _code(known, kind, code, change), "")
            change = replace(change, asset_kind=kind, asset_code=exact)
        return change

    return _write_down(root, Kind.TRANSFER, read, on=on, document=document, by=by, as_json=as_json)


def undo(root: Path, name: str, *, reason: str, by: str, as_json: bool) -> int:
    """Takes a change back, as if it had never been written down; the trail keeps both."""
    from auditor.ledger import departments, trail
    from auditor.ledger.trail import Entry

    site, now = load_site(root), clock.utc_now()
    mistakes = Mistakes()
    why = mistakes.read(lambda: words(reason, "--reason"), "")
    who = mistakes.read(lambda: office(by), "")
    mistakes.end()
    with refusing(), ledger_to_change(site) as ledger, ledger.writing() as connection:
        before = departments.one(connection, name)
        if before.undone:
            raise Refused(f"{before.id} was taken back already: {before.note}")
        if resting := list(resting_on(before, departments.listing(connection))):
            raise Refused(*resting)
        after = replace(before, undone=True, note=why)
        trail.write(connection, Entry(now, who, "department.undo", after.id, why), [departments.write(after)])
    if as_json:
        print_json(_change_json(after))
    say(f"taken back: {before.brief}")
    say("the next audit takes the registers as they stand; what audits recorded meanwhile keeps its names")
    return Exit.DONE


def listing(root: Path, *, as_json: bool) -> int:
    """Every department with what became of it, and every change with its document."""
    site, now = load_site(root), clock.utc_now()
    known, today = Known.of(site, now), site.today(now)
    rows = list(_departments(known, today))
    if as_json:
        print_json({"departments": rows, "changes": [_change_json(change) for change in known.changes]})
        return Exit.DONE
    headings = ("id", "name", "formerly", "became", "on", "change")
    print_table(headings, ([_cell(row[name]) for name in _SHOWN] for row in rows), none="no department is registered")
    for change in known.changes:
        if change.effective_on > today and not change.undone:
            say(f"to come: {change.brief}")
        elif change.kind is Kind.TRANSFER and not change.undone:
            say(change.brief)
    return Exit.DONE


def _write_down(
    root: Path,
    kind: Kind,
    read: Callable[[Known, Mistakes, DepartmentChange], DepartmentChange],
    *,
    on: str,
    document: str,
    by: str,
    as_json: bool,
) -> int:
    """Checks a change against everything that is known, all mistakes at once, and stores it."""
    from auditor.ledger import departments, trail
    from auditor.ledger.trail import Entry

    site, now = load_site(root), clock.utc_now()
    known, mistakes = Known.of(site, now), Mistakes()
    effective = mistakes.read(lambda: day(on, "--on"), site.today(now))
    paper = mistakes.read(lambda: words(document, "--document"), "")
    who = mistakes.read(lambda: office(by), "")
    blank = DepartmentChange("", kind, "", "", "", "", "", "", effective, paper, now, who)
    change = read(known, mistakes, blank)
    if change.department_id and change.successor_id:
        mistakes.lines += list(_impossible(known, change))
    mistakes.end()
    with refusing(), ledger_to_write(site) as ledger, ledger.writing() as connection:
        # Another office may have written meanwhile.
        if wrong := list(contradictions(change, departments.listing(connection))):
            raise Refused(*wrong)
        change = replace(change, id=departments.next_id(connection, site.today(now).year))
        detail = {"department": change.department_id, "successor": change.successor_id, "on": change.effective_on}
        entry = Entry(now, who, f"department.{kind}", change.id, paper, detail)
        trail.write(connection, entry, [departments.write(change)])
    return _tell(site, change, now, as_json)


def _two(
    known: Known, mistakes: Mistakes, change: DepartmentChange, one: tuple[str, str], other: tuple[str, str]
) -> DepartmentChange:
    (word, option), (second, second_option) = one, other
    # Whether they still are departments on that day is told by the change that ended them.
    giver = mistakes.read(lambda: known.named(word, option), "")
    taker = mistakes.read(lambda: known.named(second, second_option), "")
    if taker and taker not in known.registers.departments:
        mistakes.lines.append(f"{second_option} {taker} stands in no departments register: add it there first")
    return replace(
        change,
        department_id=giver,
        department_name=known.names.get(giver, giver),
        successor_id=taker,
        successor_name=known.names.get(taker, taker),
    )


def _code(known: Known, kind: str, code: str, change: DepartmentChange) -> str:
    """The code as its register writes it, of a thing that one of the two departments has."""
    word = words(code, "CODE", most=200)
    for department in (change.department_id, change.successor_id):
        meant = {thing.code for thing in known.things.meant(word, department, kind) if thing.code}
        listed = {
            t.code for t in known.listed if t.department_id == department and t.kind == kind and t.code in meant
        }
        if department and len(listed or meant) == 1:
            return (listed or meant).pop()
    others = {thing.department_id for thing in known.things.meant(word, kind=kind) if thing.code}
    if others:
        raise Refused(f"CODE {word} is {', '.join(sorted(others)) or 'nobody'}'s: name that department with --from")
    hint = known.things.hint(word) or "'auditor assets' lists what there is; only what has a code can be handed over"
    raise Refused(f"CODE {word}: {change.department_id or 'the department'} has no {kind} of this code: {hint}")


def _impossible(known: Known, change: DepartmentChange) -> Iterator[str]:
    yield from contradictions(change, known.changes)
    for role in dict.fromkeys((change.department_id, change.successor_id)):
        row = known.registers.departments.get(role)
        if row is not None and row.valid_from is not None and change.effective_on < row.valid_from:
            yield f"{role} was founded on {row.valid_from} (设立日期): --on {change.effective_on} lies before that"


def _tell(site: Site, change: DepartmentChange, now: datetime, as_json: bool) -> int:
    """What the change does from its day on, and what a person should do next."""
    known = Known.of(site, now)
    remarks = list(_remarks(known, change))
    if as_json:
        print_json(_change_json(change) | {"warnings": remarks})
    say(change.brief)
    if change.kind is Kind.RENAME:
        say(f"from {change.effective_on} on it is {change.successor_name}; history keeps {change.department_name}")
    else:
        say(
            f"from {change.effective_on} on what names {change.department_id} counts as {change.successor_id}'s"
            + (": registers, answers, exemptions, networks" if change.kind is Kind.MERGE else " in this one thing")
        )
    for remark in remarks:
        say(f"warning: {remark}")
    say(f"'auditor department undo {change.id}' takes it back")
    return Exit.DONE


def _remarks(known: Known, change: DepartmentChange) -> Iterator[str]:
    if change.effective_on > known.today:
        yield f"it takes effect on {change.effective_on}: until then nothing changes"
        return
    if change.kind is Kind.MERGE:
        for failure in known.heard.collection.failures:
            if failure.collector == REGISTER and failure.reason == NOT_ANSWERED:
                yield f"{failure.message}; 'auditor register request --department {failure.scope[1]}' asks it"
        for request in known.words.requests:
            if request.state is Asked.OPEN and request.department_id == change.department_id:
                yield f"{request.id} asks {change.department_id} for {request.register}: withdraw it, and ask anew"
        for waiver in (*known.registered, *(own.plain() for own in known.own)):
            if waiver.asset_code or waiver.asset_name:
                continue
            if waiver.department_id == change.department_id:
                yield f"the exemption {waiver.id} of all of {change.department_id} covers only what registers name so"
            elif waiver.department_id == change.successor_id:
                yield f"the exemption {waiver.id} of all of {change.successor_id} covers what it takes in, too"
    elif change.asset_kind == "system" and (hosts := _left_behind(known, change)):
        yield (
            f"its hosts stay {change.department_id}'s ({', '.join(hosts)}): if they went too, "
            f"'auditor department transfer {hosts[0]} --kind host …' says so"
        )


def _left_behind(known: Known, change: DepartmentChange) -> Sequence[str]:
    """Codes of the hosts that carry a system which went, and that are still its old department's."""
    out = []
    for observation in known.heard.collection.observations:
        if observation.kind != "host" or observation.department_id != change.department_id:
            continue
        said = {fact.column: fact.value for fact in observation.facts}
        carried, code = said.get("system_codes"), said.get("code")
        if isinstance(carried, tuple) and change.asset_code in carried and isinstance(code, str):
            out.append(code)
    return sorted(set(out))


def _departments(known: Known, today: date) -> Iterator[dict[str, object]]:
    standing = in_force(known.changes, today)
    for department, name in sorted(known.names.items()):
        own = [change for change in standing if change.department_id == department]
        was = [change.department_name for change in own if change.kind is Kind.RENAME]
        gone = next((change for change in own if change.kind is Kind.MERGE), None)
        now = successor_of(known.changes, department, today)
        taken = [c.department_id for c in standing if c.kind is Kind.MERGE and c.successor_id == department]
        yield {
            "id": department,
            "name": name,
            "was": was,
            "became": now.id if gone else "",
            "became_name": known.names.get(now.id, now.name) if gone else "",
            "on": gone.effective_on.isoformat() if gone else None,
            "change": gone.id if gone else "",
            "took_in": taken,
            "in_register": department in known.registers.departments,
        }


def _cell(value: object) -> object:
    return "、".join(value) if isinstance(value, list) else value or ""


def _change_json(change: DepartmentChange) -> dict[str, object]:
    return {
        "id": change.id,
        "kind": change.kind.value,
        "department_id": change.department_id,
        "department_name": change.department_name,
        "successor_id": change.successor_id,
        "successor_name": change.successor_name,
        "asset_kind": change.asset_kind,
        "asset_code": change.asset_code,
        "on": change.effective_on.isoformat(),
        "document": change.document,
        "at": change.at.isoformat(),
        "by": change.by,
        "undone": change.undone,
        "note": change.note,
    }

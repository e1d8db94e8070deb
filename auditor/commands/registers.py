"""``register status``, ``request``, ``remind`` and ``withdraw``: who was asked for which papers, and what came of it.

Nothing is sent from here: that a letter went out, or somebody called, is noted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

from auditor import clock
from auditor.chasing import RegisterRequest, Reminder, State
from auditor.commands.named import Known
from auditor.commands.typed import Mistakes, day, ledger_to_change, ledger_to_write, office, optional, refusing, words
from auditor.errors import Exit, Refused
from auditor.output import print_json, print_table, say
from auditor.site import load_site
from auditor.spoken import digests_of, received
from inventories.faults import clean, did_you_mean
from inventories.model import Submission
from inventories.registers.declare import REGISTERS, Register, by_title
from inventories.registers.headings import column_named
from inventories.registers.returns import KEPT_BY_BUREAU


@dataclass(frozen=True, slots=True)
class Ask:
    """``register request`` as it was typed."""

    departments: Sequence[str]
    everybody: bool
    register: str
    columns: Sequence[str]
    period: str
    due: str
    by: str
    note: str


def request(root: Path, ask: Ask, *, as_json: bool) -> int:
    """Notes that departments were asked for a register; sends nothing."""
    from auditor.ledger import requests, trail
    from auditor.ledger.trail import Entry

    site, now = load_site(root), clock.utc_now()
    known, today = Known.of(site, now), site.today(now)
    drafts = list(_drafts(ask, known, today))
    made: list[RegisterRequest] = []
    with refusing(), ledger_to_write(site) as ledger, ledger.writing() as connection:
        asked = {
            (r.department_id, r.register, r.period): r for r in requests.listing(connection, states=[State.OPEN])
        }
        already = [asked[at] for d in drafts if (at := (d.department_id, d.register, d.period)) in asked]
        if already and not ask.everybody:
            raise Refused(
                *(
                    f"{r.department_id} was asked for {r.register} of {r.period} on {r.asked_on} already ({r.id}): "
                    "'auditor register remind' reminds it"
                    for r in already
                )
            )
        number = requests.next_number(connection, today.year)
        for draft in drafts:
            if (draft.department_id, draft.register, draft.period) in asked:
                continue
            row = replace(draft, id=requests.request_id(today.year, number + len(made)))
            detail = {"department": row.department_id, "register": row.register, "due": row.due}
            entry = Entry(now, row.asked_by, "register.request", row.id, row.note, detail)
            trail.write(connection, entry, [requests.write(row)])
            made.append(row)
    if as_json:
        print_json([request_json(row, today) for row in made])
    for row in made:
        say(f"{row.id}: {row.department_id} is asked for {row.register} of {row.period} until {row.due}")
    for row in already:
        say(f"asked already, and left as it is: {row.id}, {row.department_id}")
    say("nothing was sent: 'auditor register export' writes the forms to send")
    return Exit.DONE


def remind(
    root: Path,
    names: Sequence[str],
    *,
    overdue: bool,
    department: str,
    register: str,
    by: str,
    note: str,
    as_json: bool,
) -> int:
    """Notes that departments were reminded; without a choice, tells who is overdue and changes nothing."""
    from auditor.ledger import requests, trail
    from auditor.ledger.trail import Entry

    site, now = load_site(root), clock.utc_now()
    known, today = Known.of(site, now), site.today(now)
    mistakes = Mistakes()
    who = mistakes.read(lambda: office(by), "")
    why = mistakes.read(lambda: optional(note, "--note"), "")
    whose = mistakes.read(lambda: known.named(department), "") if department.strip() else ""
    of = mistakes.read(lambda: register_named(register).name, "") if register.strip() else ""
    mistakes.end()
    with refusing(), ledger_to_change(site) as ledger, ledger.writing() as connection:
        there = requests.listing(connection, states=[State.OPEN])
        if not (names or overdue or whose or of):
            late = [f"overdue: {_in_words(r)}" for r in there if r.is_overdue(today)]
            raise Refused("say whom: --overdue, --department, --register, or numbers of requests", *late)
        chosen = [requests.one(connection, name) for name in dict.fromkeys(names)] if names else list(there)
        wrong = [
            f"{r.id} is {r.state}: only an open request can be reminded of" for r in chosen if r.state != State.OPEN
        ]
        if wrong:
            raise Refused(*wrong)
        chosen = [
            r
            for r in chosen
            if whose in ("", r.department_id) and of in ("", r.register) and (not overdue or r.is_overdue(today))
        ]
        told = []
        for before in chosen:
            if any(one.on == today and one.by == who for one in before.reminders):
                continue
            row = replace(before, reminders=(*before.reminders, Reminder(today, who, why)))
            detail = {"department": row.department_id, "register": row.register, "times": len(row.reminders)}
            trail.write(connection, Entry(now, who, "register.remind", row.id, why, detail), [requests.write(row)])
            told.append(row)
    if as_json:
        print_json([request_json(row, today) for row in told])
    for row in told:
        say(f"reminded, {len(row.reminders)} times by now: {_in_words(row)}")
    for row in chosen:
        if row.id not in {one.id for one in told}:
            say(f"was reminded today already: {_in_words(row)}")
    say(f"{len(told)} reminders were noted; nothing was sent")
    return Exit.DONE


def withdraw(root: Path, name: str, *, reason: str, by: str, as_json: bool) -> int:
    """Takes back a request that nobody has answered."""
    from auditor.ledger import requests, trail
    from auditor.ledger.trail import Entry

    site, now = load_site(root), clock.utc_now()
    mistakes = Mistakes()
    why = mistakes.read(lambda: words(reason, "--reason"), "")
    who = mistakes.read(lambda: office(by), "")
    mistakes.end()
    with refusing(), ledger_to_change(site) as ledger, ledger.writing() as connection:
        before = requests.one(connection, name)
        if before.state is not State.OPEN:
            raise Refused(f"{before.id} is {before.state} already: only an open request can be withdrawn")
        after = replace(before, state=State.WITHDRAWN, note=why)
        trail.write(connection, Entry(now, who, "register.withdraw", after.id, why), [requests.write(after)])
    if as_json:
        print_json(request_json(after, site.today(now)))
    say(f"withdrawn: {_in_words(after)}")
    return Exit.DONE


def status(root: Path, *, as_json: bool) -> int:
    """Which department was asked for which register and has answered; what the register of submissions says too."""
    site, now = load_site(root), clock.utc_now()
    known, today = Known.of(site, now), site.today(now)
    registered = known.registers.collection.submissions
    rows = sorted(known.words.requests, key=lambda r: (r.department_id, r.register, r.asked_on, r.id))
    answered = {s.department_id for s in registered} | {r.department_id for r in rows if r.state is State.ANSWERED}
    silent = sorted(set(known.registers.departments) - answered - set(known.heard.successions.gone))
    if as_json:
        print_json(
            {
                "requests": [request_json(row, today) for row in rows],
                "submissions": [_submission_json(one) for one in registered],
                "silent": silent,
                "as_of": now.isoformat(),
            }
        )
        return Exit.DONE
    print_table(
        ("request", "department", "register", "period", "asked", "due", "reminders", "answered", "changed"),
        (_line(row, today) for row in rows),
        none="no register was asked for",
    )
    print_table(
        ("department", "register", "period", "received", "nil return"),
        ((s.department_id, s.register, s.period, s.received_on, "yes" if s.nil_return else "no") for s in registered),
        none="no submission is registered",
    )
    for row in rows:
        if row.is_overdue(today):
            say(f"overdue: {_in_words(row)}")
    for note in received(rows, digests_of(known.registers))[1]:
        say(f"warning: {clean(note, 500)}")
    if silent:
        say(f"no register received from: {', '.join(silent)}: what they lack is not known")
    return Exit.DONE


def register_named(word: str) -> Register:
    """A register by its name or title; :class:`Refused` for none, and for one that nobody is asked for."""
    found = by_title(word)
    if found is None or found.name in KEPT_BY_BUREAU:
        names = [n for r in REGISTERS.values() if r.name not in KEPT_BY_BUREAU for n in (r.name, r.title)]
        hint = did_you_mean(word, names) or f"one of {', '.join(r for r in REGISTERS if r not in KEPT_BY_BUREAU)}"
        raise Refused(f"--register {clean(word, 60)!r}: {hint}")
    return found


def request_json(row: RegisterRequest, today: date) -> dict[str, object]:
    return {
        "id": row.id,
        "state": row.state.value,
        "department_id": row.department_id,
        "register": row.register,
        "period": row.period,
        "columns": list(row.columns),
        "asked_on": row.asked_on.isoformat(),
        "asked_by": row.asked_by,
        "due": row.due.isoformat() if row.due else None,
        "overdue": row.is_overdue(today),
        "reminders": [{"on": r.on.isoformat(), "by": r.by, "note": r.note} for r in row.reminders],
        "answered_on": row.answered_on.isoformat() if row.answered_on else None,
        "nil_return": row.nil_return,
        "digest": row.digest,
        "changes": dict(row.changes),
        "note": row.note,
    }


def _drafts(ask: Ask, known: Known, today: date) -> Iterator[RegisterRequest]:
    """A request for each department that is meant; :class:`Refused` with everything that is wrong."""
    mistakes = Mistakes()
    register = mistakes.read(lambda: register_named(ask.register), None)
    no_columns: tuple[str, ...] = ()
    columns = mistakes.read(lambda: _columns(register, ask.columns), no_columns) if register else no_columns
    period = mistakes.read(lambda: words(ask.period, "--period", most=60), "")
    due = mistakes.read(lambda: day(ask.due, "--due"), today)
    if due < today:
        mistakes.lines.append(f"--due {due} has passed: name the last day on which an answer is in time")
    who = mistakes.read(lambda: office(ask.by), "")
    note = mistakes.read(lambda: optional(ask.note, "--note"), "")
    whose: list[str] = []
    if ask.everybody == bool(ask.departments):
        mistakes.lines.append("say whom: --department, which may be repeated, or --all")
    elif ask.everybody:
        whose = [d for d in known.registers.departments if d not in known.heard.successions.gone]
    else:
        whose = list(
            dict.fromkeys(mistakes.read(partial(known.department, word, today), "") for word in ask.departments)
        )
    mistakes.end()
    for department in whose:
        yield RegisterRequest(
            id="",
            state=State.OPEN,
            department_id=department,
            register=register.name if register else "",
            period=period,
            columns=columns,
            asked_on=today,
            asked_by=who,
            due=due,
            note=note,
        )


def _columns(register: Register, typed: Iterable[str]) -> tuple[str, ...]:
    """Columns by their headings or names, in the order of the form."""
    wrong, names = [], set()
    for heading in typed:
        column = column_named(register, heading)
        if column is None:
            hint = did_you_mean(heading, [c.title for c in register.columns])
            wrong.append(
                f"--column {clean(heading, 60)!r} is no column of {register.title}" + (f": {hint}" if hint else "")
            )
        else:
            names.add(column.name)
    if wrong:
        raise Refused(*wrong)
    return tuple(column.name for column in register.columns if column.name in names)


def _in_words(row: RegisterRequest) -> str:
    return f"{row.id}, {row.department_id}, {row.register} of {row.period}, due {row.due}"


def _line(row: RegisterRequest, today: date) -> tuple[object, ...]:
    answer = row.answered_on or ("overdue" if row.is_overdue(today) else "" if row.state is State.OPEN else row.state)
    changed = ", ".join(
        f"{row.changes[name]} {name}" for name in ("added", "changed", "removed") if name in row.changes
    )
    if row.nil_return:
        changed = "nil return"
    return (
        row.id,
        row.department_id,
        row.register,
        row.period,
        row.asked_on,
        row.due or "",
        len(row.reminders) or "",
        answer,
        changed,
    )


def _submission_json(submission: Submission) -> dict[str, object]:
    return {
        "department_id": submission.department_id,
        "register": submission.register,
        "period": submission.period,
        "received_on": submission.received_on.isoformat(),
        "nil_return": submission.nil_return,
        "columns": list(submission.columns),
        "digest": submission.digest,
    }

"""``case list`` and ``case show``, and what every command on cases needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.cases.model import ENDED, Case, Paper, State, Word
from auditor.errors import Exit, Refused
from auditor.intake import open_ledger
from auditor.output import print_json, print_table, say, write
from auditor.site import load_site
from inventories.faults import did_you_mean
from policies.calendars import PROVISIONAL

if TYPE_CHECKING:
    from auditor.cases.desk import Desk
    from auditor.ledger.trail import TrailRow
    from policies.model import Consequence


@contextmanager
def sitting(root: Path) -> Iterator[Desk]:
    """A desk at a site; what the ledger will not do is a refusal: nothing was changed."""
    from auditor.cases.desk import Desk
    from auditor.ledger.errors import LedgerError, Refusal
    from auditor.trends import noting

    site, now = load_site(root), clock.utc_now()
    with open_ledger(site) as ledger:
        try:
            with noting(site, ledger, now):
                yield Desk(site, ledger, now)
        except LedgerError as error:
            # What the ledger declines to do is a refusal; what it cannot do stays an error.
            if not isinstance(error.__cause__, Refusal):
                raise
            raise Refused(error.what + (f": {error.mend}" if error.mend else "")) from error


def day_of(text: str | None, desk: Desk, option: str = "--on") -> date:
    """A day as it was typed; today where it was not."""
    if text is None:
        return desk.today
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{option} {text!r} is no date: write one such as 2026-12-01") from None


def list_all(
    root: Path,
    *,
    department: str | None,
    states: Sequence[str],
    overdue: bool,
    everything: bool,
    as_json: bool,
) -> int:
    from auditor.ledger import cases as stored

    known = [state.value for state in State]
    if wrong := [state for state in states if state not in known]:
        raise Refused(
            *(f"unknown state {s!r}: {did_you_mean(s, known) or 'one of ' + ', '.join(known)}" for s in wrong)
        )
    with sitting(root) as desk, desk.ledger.reading() as connection:
        found = stored.listing(connection, states=states, departments=[department] if department else [])
        found = tuple(
            case
            for case in found
            if (everything or states or case.state not in ENDED) and (not overdue or case.overdue(desk.today))
        )
        if as_json:
            print_json([brief(case, desk.today) for case in found])
            return Exit.DONE
        print_table(
            ("case", "form", "state", "department", "items", "number", "due", "drafted by"),
            (
                (
                    case.id,
                    case.form.value,
                    case.state.value + (f" (round {case.round})" if case.round > 1 else ""),
                    case.department_name,
                    len(listed(case)),
                    case.number,
                    due_words(case, desk.today),
                    case.drafted_by,
                )
                for case in found
            ),
            none="0 cases" + ("" if everything else "; '--all' lists ended ones too"),
        )
        if found:
            say(f"{len(found)} cases; 'auditor case show CASE --site {root}' tells the whole of one")
    return Exit.DONE


def show(root: Path, name: str, *, as_json: bool) -> int:
    from auditor.ledger import cases as stored
    from auditor.ledger import trail

    with sitting(root) as desk, desk.ledger.reading() as connection:
        case = stored.one(connection, name)
        papers, words = stored.issued(connection, case.id), stored.words(connection, case.id)
        steps = trail.listing(connection, case.id)
        consequences = _consequences(desk, case)
        if as_json:
            print_json(
                brief(case, desk.today)
                | {
                    "papers": [paper_json(paper) for paper in papers],
                    "words": [word_json(word) for word in words],
                    "steps": [step_json(step) for step in steps],
                    "consequences": [
                        {"number": n, "action": c.action, "article": c.article, "to": c.propose_to, "when": c.when}
                        for n, c in enumerate(consequences, 1)
                    ],
                }
            )
            return Exit.DONE
        _write(case, desk.today)
        print_table(
            ("no", "finding", "asset", "what", "state", "ground"),
            (
                (item.position, item.finding, item.asset_name, item.title, item.state.value, item.ground)
                for item in case.items
            ),
        )
        print_table(
            ("paper", "number", "issued", "signed by", "withdrawn"),
            ((p.form.value, p.number, p.issued_on, p.signed_by, p.withdrawn_on or "") for p in papers),
        )
        print_table(
            ("on", "who", "what", "on item", "words"), ((w.on, w.by, w.kind.value, w.finding, w.text) for w in words)
        )
        print_table(
            ("at", "who", "step", "note"),
            ((s.at.isoformat(timespec="seconds"), s.actor, s.act, s.note) for s in steps),
        )
        for number, chosen in enumerate(consequences, 1):
            to = f" → {chosen.propose_to}" if chosen.propose_to else ""
            write(f"consequence {number}: {chosen.action}（{chosen.article}）{chosen.when}{to}")
    return Exit.DONE


def _consequences(desk: Desk, case: Case) -> tuple[Consequence, ...]:
    """What the regulation lets follow a refusal; nothing where the site has put its pack away meanwhile."""
    pack = next((pack for pack in desk.packs if pack.id == case.pack), None)
    power = pack.powers.get(case.power) if pack else None
    return power.if_refused if power else ()


def _write(case: Case, today: date) -> None:
    rows = (
        ("case", f"{case.id}, {case.form.value}, {case.state.value}, round {case.round}"),
        ("department", case.department_name + (f"（原{case.formerly}）" if case.formerly else "")),
        ("addressee", case.addressee or "(nobody has named the contractor)"),
        ("power", f"{case.pack} {case.power}".strip()),
        ("number", case.number),
        ("due", due_words(case, today)),
        ("note", case.note),
    )
    for name, value in rows:
        if value:
            write(f"{name:<11} {value}")


def listed(case: Case) -> list[str]:
    """The findings that the round under way is about."""
    return [item.finding for item in case.items if item.round == case.round and item.state.value != "dropped"]


def due_words(case: Case, today: date) -> str:
    if case.due is None:
        return ""
    words = case.due.day.isoformat() + (f"（{PROVISIONAL}）" if case.due.provisional else "")
    return words + (" overdue" if case.overdue(today) else "")


def brief(case: Case, today: date) -> dict[str, object]:
    """A case as JSON: what programs hold on to."""
    return {
        "id": case.id,
        "form": case.form.value,
        "state": case.state.value,
        "round": case.round,
        "department_id": case.department_id,
        "department_name": case.department_name,
        "formerly": case.formerly,
        "addressee": case.addressee,
        "pack": case.pack,
        "power": case.power,
        "number": case.number,
        "issued_on": _iso(case.issued_on),
        "served_on": _iso(case.served_on),
        "due": _iso(case.due.day if case.due else None),
        "due_provisional": bool(case.due and case.due.provisional),
        "overdue": case.overdue(today),
        "replied_on": _iso(case.replied_on),
        "closed_at": case.closed_at.isoformat() if case.closed_at else None,
        "drafted_by": case.drafted_by,
        "reviewed_by": case.reviewed_by,
        "signed_by": case.signed_by,
        "snapshot": case.snapshot,
        "parent": case.parent,
        "note": case.note,
        "items": [
            {
                "position": item.position,
                "finding": item.finding,
                "rule": item.rule,
                "title": item.title,
                "asset_key": item.asset_key,
                "asset_name": item.asset_name,
                "state": item.state.value,
                "ground": item.ground,
                "decided_by": item.decided_by,
                "round": item.round,
            }
            for item in case.items
        ],
    }


def paper_json(paper: Paper) -> dict[str, object]:
    return {
        "id": paper.id,
        "form": paper.form.value,
        "round": paper.round,
        "number": paper.number,
        "issued_on": _iso(paper.issued_on),
        "signed_by": paper.signed_by,
        "withdrawn_on": _iso(paper.withdrawn_on),
        "withdrawn_why": paper.withdrawn_why,
    }


def word_json(word: Word) -> dict[str, object]:
    return {
        "id": word.id,
        "kind": word.kind.value,
        "finding": word.finding,
        "on": _iso(word.on),
        "by": word.by,
        "text": word.text,
        "verdict": word.verdict,
        "files": [{"name": file.name, "sha256": file.sha256, "bytes": file.size} for file in word.files],
    }


def step_json(step: TrailRow) -> dict[str, object]:
    return {
        "seq": step.seq,
        "at": step.at.isoformat(),
        "by": step.actor,
        "login": step.login,
        "act": step.act,
        "subject": step.subject,
        "note": step.note,
        "detail": dict(step.detail),
        "digest": step.digest,
    }


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None

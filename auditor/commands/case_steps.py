"""The steps of a case, each a command: they say what was done, and what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.cases.model import Case, ItemState
from auditor.commands.cases import brief, day_of, listed, sitting
from auditor.errors import Exit, Failed, Refused
from auditor.output import print_json, print_table, say
from inventories.faults import Faults

if TYPE_CHECKING:
    from auditor.cases.deadlines import Start
    from auditor.cases.desk import Desk
    from auditor.cases.drafting import Drafted
    from reports.papers.templates import Templates


def draft(
    root: Path,
    *,
    by: str,
    departments: Sequence[str],
    forms: Sequence[str],
    findings: Sequence[str],
    second_look: str,
    reason: str,
    as_json: bool,
) -> int:
    from auditor.cases.choosing import Wanted, forms_named
    from auditor.cases.drafting import SecondLook
    from auditor.cases.drafting import draft as run

    wanted = Wanted(forms_named(forms), frozenset(departments), frozenset(name.strip().upper() for name in findings))
    look = SecondLook(second_look, reason) if second_look else None
    with sitting(root) as desk:
        made = run(desk, wanted, by=by, second_look=look)
        if made.stopped:
            raise Refused(
                "the brake stopped this run before anything was drafted:",
                *(f"  {why}" for why in made.stopped),
                "look again; if it is right, another office says so: --second-look OFFICE --reason WHY",
            )
        if as_json:
            print_json(_drafted_json(made, desk.today))
            return Exit.DONE
        print_table(
            ("case", "form", "state", "department", "addressee", "items"),
            (
                (case.id, case.form.value, case.state.value, case.department_name, case.addressee, len(listed(case)))
                for case in made.cases
            ),
        )
        for name in made.withdrawn:
            say(f"{name} is withdrawn: nothing qualifies for it any more")
        whys = Counter(why for _candidate, _finding, because in made.left_out for why in because)
        if whys:
            say(f"{len(made.left_out)} findings stand in no paper; 'auditor notice render CASE' lists them:")
            for why, number in whys.most_common(12):
                say(f"  {number} × {why}")
        say(f"{len(made.cases)} drafts; 'auditor case review CASE --by OFFICE' comes next")
    return Exit.DONE


def _drafted_json(made: Drafted, today: date) -> dict[str, object]:
    return {
        "cases": [brief(case, today) for case in made.cases],
        "withdrawn": list(made.withdrawn),
        "left_out": [
            {
                "finding": finding.id,
                "department_id": finding.department_id,
                "form": candidate.form.value,
                "because": list(why),
            }
            for candidate, finding, why in made.left_out
        ],
    }


def review(root: Path, name: str, *, by: str, note: str) -> int:
    from auditor.cases.issuing import review as run

    with sitting(root) as desk:
        case = run(desk, name, by=by, note=note)
    say(f"{case.id} is reviewed by {case.reviewed_by}; 'auditor case issue {case.id} --by OFFICE' signs it")
    return Exit.DONE


def issue(root: Path, name: str, *, by: str, within: str, start: str, pdf: bool) -> int:
    from auditor.cases.issuing import Time
    from auditor.cases.issuing import issue as run

    if start not in ("service", "issue"):
        raise Refused(f"--from {start!r}: write service or issue")
    counted: Start = "issue" if start == "issue" else "service"
    with sitting(root) as desk:
        templates = desk.templates
        case, paper = run(desk, name, by=by, time=Time(within, counted))
        say(f"{case.id} is issued as {paper.number}")
        _draw(desk, case, templates, pdf=pdf)
    say(f"'auditor case serve {case.id} --receiver OFFICE --by OFFICE' notes its service")
    return Exit.DONE


def _draw(desk: Desk, case: Case, templates: Templates, *, pdf: bool = False) -> None:
    """Draws what was just signed. It is signed and numbered whatever happens here, and can be drawn again."""
    from auditor.commands.notices import drawn
    from auditor.ledger.errors import LedgerError
    from reports.pdf import NoPdf

    try:
        for path in drawn(desk, case, templates, pdf=pdf):
            say(f"  {path}")
    except (OSError, Faults, LedgerError, NoPdf) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise Failed(
            f"the papers cannot be drawn: {why}; what was signed is kept, and "
            f"'auditor notice render {case.id} --site {desk.site.root}' draws it once that is mended"
        ) from error


def serve(root: Path, name: str, *, on: str | None, service: Mapping[str, str], by: str) -> int:
    from auditor.cases.serving import serve as run

    with sitting(root) as desk:
        case = run(desk, name, on=day_of(on, desk), service=service, by=by)
    say(f"{case.id} was served on {case.served_on}" + (f"; time to answer until {case.due}" if case.due else ""))
    return Exit.DONE


def reply(root: Path, name: str, *, on: str | None, text: str, files: Sequence[Path], by: str) -> int:
    from auditor.cases.serving import reply as run

    with sitting(root) as desk:
        case, word = run(desk, name, on=day_of(on, desk), text=text, files=files, by=by)
    say(f"{case.id}: the reply of {word.on} is kept with {len(word.files)} files")
    return Exit.DONE


def object_to(
    root: Path, name: str, finding: str, *, on: str | None, text: str, files: Sequence[Path], by: str
) -> int:
    from auditor.cases.serving import object_to as run

    with sitting(root) as desk:
        case, word = run(desk, name, finding, on=day_of(on, desk), text=text, files=files, by=by)
    say(f"{case.id}: the objection to {word.finding} waits for 'auditor case answer {case.id} {word.finding}'")
    return Exit.DONE


def answer(root: Path, name: str, finding: str, *, accept: bool, reason: str, until: str | None, by: str) -> int:
    from auditor.cases.serving import answer as run

    with sitting(root) as desk:
        day = day_of(until, desk, "--until") if until else None
        case = run(desk, name, finding, accept=accept, reason=reason, until=day, by=by)
    say(f"{case.id}: the objection is {'accepted, and the finding set aside' if accept else 'rejected'}")
    return Exit.DONE


def inspect(root: Path, name: str, *, by: str, decide: str, mended: bool | None, reason: str, as_json: bool) -> int:
    from auditor.cases.concluding import decide as say_of
    from auditor.cases.concluding import inspect as run

    if decide and mended is None:
        raise Refused("--decide needs --mended or --not-mended")
    if mended is not None and not decide:
        raise Refused("--mended and --not-mended need --decide ITEM: of the others the evidence speaks")
    with sitting(root) as desk:
        case = (
            say_of(desk, name, decide, mended=bool(mended), reason=reason, by=by)
            if decide
            else run(desk, name, by=by)
        )
        if as_json:
            print_json(brief(case, desk.today))
            return Exit.DONE
    asked = [item for item in case.items if item.round == case.round]
    print_table(
        ("no", "finding", "asset", "state", "ground"),
        ((item.position, item.finding, item.asset_name, item.state.value, item.ground) for item in asked),
    )
    say(_what_next(case))
    return Exit.DONE


def _what_next(case: Case) -> str:
    states = Counter(item.state for item in case.items if item.round == case.round)
    if states[ItemState.CANNOT_TELL]:
        return (
            f"{states[ItemState.CANNOT_TELL]} items cannot be told: a person must look, "
            f"'auditor case inspect {case.id} --decide ITEM --mended/--not-mended --reason WHY --by OFFICE'"
        )
    if states[ItemState.NOT_MENDED]:
        return f"'auditor case second {case.id}' or 'auditor case escalate {case.id}' comes next"
    return f"'auditor case close {case.id}' comes next"


def second(root: Path, name: str, *, by: str) -> int:
    from auditor.cases.concluding import second as run

    with sitting(root) as desk:
        templates = desk.templates
        case, opinion = run(desk, name, by=by)
        say(f"the opinion is issued as {opinion.number}; {case.id} is a draft again, in round {case.round}")
        _draw(desk, case, templates)
    return Exit.DONE


def escalate(root: Path, name: str, *, by: str, consequence: int | None, because: str) -> int:
    from auditor.cases.concluding import escalate as run

    with sitting(root) as desk:
        templates = desk.templates
        case, opinion, proposal = run(desk, name, by=by, choice=consequence, condition_met=because)
        say(f"the opinion is issued as {opinion.number}; {case.id} is escalated: {case.note}")
        if proposal is not None:
            say(f"the proposal to {proposal.addressee} is drafted as case {proposal.id}: review and issue it")
        _draw(desk, case, templates)
    return Exit.DONE


def close(root: Path, name: str, *, by: str, reason: str) -> int:
    from auditor.cases.concluding import close as run

    with sitting(root) as desk:
        templates = desk.templates
        case, opinion = run(desk, name, by=by, reason=reason)
        say(f"{case.id} is closed" + (f"; the opinion is issued as {opinion.number}" if opinion else ""))
        if opinion is not None:
            _draw(desk, case, templates)
    return Exit.DONE


def withdraw(root: Path, name: str, *, by: str, reason: str) -> int:
    from auditor.cases.serving import withdraw as run

    with sitting(root) as desk:
        case = run(desk, name, by=by, reason=reason)
    say(f"{case.id} is withdrawn" + (f"; the number {case.number} stays taken" if case.number else ""))
    return Exit.DONE

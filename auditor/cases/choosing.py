"""What a run of drafts is about: what was asked for, and every paper that it comes to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditor.cases.desk import Desk
from auditor.cases.model import Case, ItemState, State
from auditor.cases.qualify import Candidate, Past, Terms, allowed_forms, candidates, past
from auditor.errors import Refused
from auditor.ledger import cases as stored
from auditor.ledger import departments
from auditor.successions import successor_of
from inventories.faults import clean, did_you_mean
from reports.model import FindingView
from reports.papers.view import Form

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to draft: nothing named means whatever stands next, for every department."""

    forms: frozenset[Form] = frozenset()
    departments: frozenset[str] = frozenset()
    findings: frozenset[str] = frozenset()


def forms_named(names: Collection[str]) -> frozenset[Form]:
    """Forms by the words of the command line; Refused for others."""
    draftable = {form.value: form for form in (Form.LETTER, Form.REMINDER, Form.REFERRAL)}
    out: set[Form] = set()
    for name in names:
        if name == "order":
            out |= {Form.TASK, Form.ORDER, Form.ORDER_NOTICE}
        elif name in draftable:
            out.add(draftable[name])
        else:
            known = (*draftable, "order")
            raise Refused(f"--form {name!r}: {did_you_mean(name, known) or 'one of ' + ', '.join(known)}")
    return frozenset(out)


def ready(
    desk: Desk,
    connection: Connection,
    known: Sequence[Case],
    wanted: Wanted,
    found: Sequence[FindingView] | None = None,
) -> tuple[Candidate, ...]:
    """The papers of a run; Refused where a department or finding that was named is not known, or fits in no paper.

    ``found`` are the findings that are not resolved; read where they are not handed in.
    """
    living = desk.findings(connection) if found is None else found
    _refuse_unknown(desk, connection, wanted, living)
    terms = terms_of(desk, connection, known, {finding.id: finding.department_id for finding in living})
    forms = allowed_forms(wanted.forms, terms.letters_first)
    papers = tuple(
        candidate
        for candidate in candidates(living, terms)
        if candidate.form in forms and (not wanted.departments or candidate.department.id in wanted.departments)
    )
    if not wanted.findings:
        return papers
    _refuse_unplaced(papers, wanted, living)
    return tuple(_named(candidate, wanted.findings, known) for candidate in papers)


def terms_of(desk: Desk, connection: Connection, known: Sequence[Case], whose: Mapping[str, str]) -> Terms:
    """What may be drafted today. ``whose`` maps findings to their departments."""
    return Terms(
        packs=desk.packs,
        departments=desk.newest.departments,
        today=desk.today,
        letters_first=desk.site.config.consultation,
        order_form=Form(desk.site.config.documents.order_form),
        past=_past(desk, connection, known, whose),
        builders=desk.newest.builders,
    )


def _past(desk: Desk, connection: Connection, known: Sequence[Case], whose: Mapping[str, str]) -> Past:
    changes = departments.listing(connection)
    return past(
        known,
        stored.words(connection),
        desk.today,
        whose=whose,
        same=stored.merged(connection),
        heir=lambda department: successor_of(changes, department, desk.today).id,
    )


def _refuse_unknown(desk: Desk, connection: Connection, wanted: Wanted, living: Iterable[FindingView]) -> None:
    there_are = desk.newest.departments
    unknown = [
        f"there is no department {clean(name, 60)!r}: {did_you_mean(name, there_are)}".rstrip(": ")
        for name in sorted(wanted.departments - there_are.keys())
    ]
    missing = wanted.findings - {finding.id for finding in living}
    resolved = {row.id for row in stored.named_findings(connection, missing)}
    unknown += [
        f"{name} is resolved: no paper names it" if name in resolved else f"there is no finding {clean(name, 60)!r}"
        for name in sorted(missing)
    ]
    if unknown:
        raise Refused(*unknown)


def _refuse_unplaced(papers: Iterable[Candidate], wanted: Wanted, living: Iterable[FindingView]) -> None:
    """Who names a finding is told why no paper of this run can hold it."""
    placed = {one.id for candidate in papers for one in candidate.items}
    why = {one.id: reasons for candidate in papers for one, reasons in candidate.left_out}
    letters = bool(wanted.forms) and wanted.forms <= {Form.REMINDER, Form.REFERRAL}
    out = []
    for one in living:
        if one.id in wanted.findings and one.id not in placed:
            general = one.not_sendable_because if letters else one.not_orderable_because
            out.append(f"{one.id} {one.asset_name}：{'；'.join(why.get(one.id) or general) or '不属本次拟制的文书'}")
    if out:
        raise Refused("these can stand in no paper of this run:", *out)


def _named(candidate: Candidate, names: Collection[str], known: Iterable[Case]) -> Candidate:
    """A paper of what was named, beside what a draft of the same paper lists already."""
    before = next((case for case in known if is_draft_of(case, candidate)), None)
    listed = {item.finding for item in before.items if item.state is ItemState.LISTED} if before else set()
    if not any(one.id in names for one in candidate.items):
        return replace(candidate, items=(), left_out=())
    stay = listed | set(names)
    return replace(candidate, items=tuple(one for one in candidate.items if one.id in stay), left_out=())


def is_draft_of(case: Case, candidate: Candidate) -> bool:
    """Whether a case is the first draft of this paper, which a run draws up again."""
    waits = case.state in (State.DRAFT, State.REVIEWED) and case.round == 1
    return waits and case.combination == candidate.combination

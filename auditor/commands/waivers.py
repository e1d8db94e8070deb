"""``waiver add``, ``approve``, ``revoke`` and ``list``: exemptions that a person grants, in writing, for a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.cases import roles
from auditor.commands.named import Known
from auditor.commands.typed import Mistakes, ledger_to_change, ledger_to_write, office, refusing, words
from auditor.commands.waiver_typed import MAX_ID, Typed, draft_of
from auditor.errors import Exit, Refused
from auditor.intake import packs_in_force
from auditor.output import print_json, print_table, say
from auditor.site import Site, load_site
from auditor.waiving import LEDGER, SOON, OwnWaiver, State, ending_soon, united
from inventories.faults import clean
from inventories.model import Waiver

if TYPE_CHECKING:
    from policies.model import Pack

_HEADINGS = (
    "id",
    "state",
    "department",
    "asset",
    "rules",
    "document",
    "approver",
    "from",
    "to",
    "in force",
    "ends in",
)


def add(root: Path, typed: Typed, *, as_json: bool) -> int:
    """Drafts a waiver; nothing is waived before another office approves it."""
    from auditor.ledger import trail, waivers
    from auditor.ledger.trail import Entry

    site, now = load_site(root), clock.utc_now()
    known = Known.of(site, now)
    draft = draft_of(site, typed, known, now)
    with refusing(), ledger_to_write(site) as ledger, ledger.writing() as connection:
        taken = {waiver.id for waiver in waivers.listing(connection)}
        if draft.id in taken:
            raise Refused(f"the ledger has a waiver {draft.id} already: leave out --id, or 'auditor waiver list'")
        registered = [waiver.id for waiver in known.registered]
        draft = replace(draft, id=draft.id or waivers.next_id(connection, site.today(now).year, registered))
        said = {"rules": draft.rules, "asset": draft.asset_code or draft.asset_name, "sha256": draft.document_digest}
        entry = Entry(now, draft.drafted_by, "waiver.add", draft.id, draft.legal_basis, said)
        trail.write(connection, entry, [waivers.write(draft)])
    remarks = list(_remarks(draft.plain(), known, packs_in_force(site)))
    if draft.id in registered:
        remarks.append(f"an exemption {draft.id} stands in a register: once this is approved it takes its place")
    if not draft.document_digest:
        remarks.append("no --file was named: nobody can show later which paper granted it")
    then = f"a draft waives nothing: 'auditor waiver approve {draft.id} --by OFFICE' puts it in force"
    return _tell(draft, remarks, then, site.today(now), as_json)


def approve(root: Path, name: str, *, by: str, as_json: bool) -> int:
    """Puts a drafted waiver in force; whoever drafted it may not."""
    from auditor.ledger import trail, waivers
    from auditor.ledger.trail import Entry

    site, now = load_site(root), clock.utc_now()
    with refusing(), ledger_to_change(site) as ledger, ledger.writing() as connection:
        before = waivers.one(connection, name)
        signer = roles.check(site.config.people, "sign", by, not_these=(before.drafted_by,))
        if before.state is not State.DRAFT:
            raise Refused(f"{before.id} is {before.state} already: 'auditor waiver list' shows how it stands")
        if before.valid_to < site.today(now):
            raise Refused(
                f"{before.id} ended on {before.valid_to}: 'auditor waiver revoke {before.id}' takes the draft back, "
                "'auditor waiver add' drafts one with a later --to"
            )
        after = replace(before, state=State.APPROVED, approved_by=signer)
        trail.write(connection, Entry(now, signer, "waiver.approve", after.id), [waivers.write(after)])
    known = Known.of(site, now)
    remarks = list(_remarks(after.plain(), known, packs_in_force(site)))
    then = "the next audit lays it over what it finds; waived findings stay listed and counted"
    return _tell(after, remarks, then, site.today(now), as_json)


def revoke(root: Path, name: str, *, reason: str, by: str, as_json: bool) -> int:
    """Ends a waiver before its day; a draft may be taken back by whoever drafted it."""
    from auditor.ledger import trail, waivers
    from auditor.ledger.trail import Entry

    site, now = load_site(root), clock.utc_now()
    mistakes = Mistakes()
    why = mistakes.read(lambda: words(reason, "--reason"), "")
    who = mistakes.read(lambda: office(by), "")
    mistakes.end()
    _refuse_registered(site, name, now)
    with refusing(), ledger_to_change(site) as ledger, ledger.writing() as connection:
        before = waivers.one(connection, name)
        if before.state is State.REVOKED:
            raise Refused(f"{before.id} was revoked on {before.revoked_on} already")
        if before.state is State.APPROVED or who != before.drafted_by:
            roles.check(site.config.people, "sign", who)
        after = replace(before, state=State.REVOKED, revoked_on=site.today(now), note=why)
        trail.write(connection, Entry(now, who, "waiver.revoke", after.id, why), [waivers.write(after)])
    then = "it was a draft: nothing was waived by it"
    if before.state is State.APPROVED:
        then = "the next audit opens the findings under it again"
    return _tell(after, [], then, site.today(now), as_json)


def listing(root: Path, *, as_json: bool) -> int:
    """The ledger's waivers and those of the register together: how each stands, and what to mind."""
    site, now = load_site(root), clock.utc_now()
    known, today = Known.of(site, now), site.today(now)
    counting, notes = united(known.registered, known.own)
    own = {waiver.id: waiver for waiver in known.own}
    rows = [*counting, *(w.plain() for w in known.own if w.state is not State.APPROVED)]
    rows.sort(key=lambda waiver: (waiver.valid_to, waiver.id))
    if as_json:
        print_json([_json(waiver, own.get(waiver.id), today) for waiver in rows])
    else:
        print_table(
            (
                "id",
                "state",
                "department",
                "asset",
                "rules",
                "document",
                "approver",
                "from",
                "to",
                "in force",
                "ends in",
            ),
            (_line(waiver, own.get(waiver.id), today) for waiver in rows),
            none="there are no waivers",
        )
    packs = packs_in_force(site)
    for note in notes:
        say(f"warning: {clean(note, 500)}")
    for ending in ending_soon(counting, today):
        left = f"{clean(ending.waiver.id, MAX_ID)} ends on {ending.waiver.valid_to}, in {ending.days_left} days"
        say(
            f"warning: {left}: the first audit after it opens its findings again; 'auditor waiver add' drafts another"
        )
    for waiver in counting:
        if waiver.valid_to >= today:
            for remark in _remarks(waiver, known, packs):
                say(f"warning: {clean(waiver.id, MAX_ID)}: {remark}")
    return Exit.DONE


def _remarks(waiver: Waiver, known: Known, packs: Iterable[Pack]) -> Iterator[str]:
    """What a person should mind of a waiver: it covers nothing, or less than it says."""
    moved = known.moved(waiver)
    if not moved:
        yield f"it covers nothing any more: nothing is left that is {waiver.department_id}'s alone; draft another"
    elif not any(known.things.covered(one) for one in moved):
        word = waiver.asset_code or waiver.asset_name
        hint = known.things.hint(word)
        yield f"it covers nothing: no register and no audit knows {clean(word, 100)}" + (f"; {hint}" if hint else "")
    if waiver.department_id and waiver.department_id not in known.names:
        yield f"it covers nothing: there is no department {clean(waiver.department_id, 60)}"
    rules = [rule.full_id for pack in packs for rule in pack.rules]
    for pattern in waiver.rules:
        if not any(fnmatchcase(rule, pattern) for rule in rules):
            yield f"no pack in force has the rule {clean(pattern, 100)}"


def _refuse_registered(site: Site, name: str, now: datetime) -> None:
    known = Known.of(site, now)
    own = {waiver.id for waiver in known.own}
    for waiver in known.registered:
        if waiver.id == name.strip() and waiver.id not in own:
            raise Refused(f"{waiver.id} stands in {waiver.source}: take the row out there, or give it an earlier end")


def _state(waiver: Waiver, own: OwnWaiver | None) -> str:
    return own.state.value if own is not None and waiver.source == LEDGER else State.APPROVED.value


def _json(waiver: Waiver, own: OwnWaiver | None, today: date) -> dict[str, object]:
    state = _state(waiver, own)
    mine = own if waiver.source == LEDGER else None
    in_force = state == State.APPROVED and waiver.in_force(today)
    return {
        "id": waiver.id,
        "state": state,
        "rules": list(waiver.rules),
        "department_id": waiver.department_id,
        "asset": waiver.asset_code or waiver.asset_name,
        "legal_basis": waiver.legal_basis,
        "approver": waiver.approver,
        "document": waiver.document,
        "document_sha256": mine.document_digest if mine else "",
        "from": waiver.valid_from.isoformat(),
        "to": waiver.valid_to.isoformat(),
        "conditions": waiver.conditions,
        "in_force": in_force,
        "days_left": (waiver.valid_to - today).days if in_force else None,
        "ends_soon": in_force and (waiver.valid_to - today).days <= SOON,
        "drafted_by": mine.drafted_by if mine else "",
        "approved_by": mine.approved_by if mine else "",
        "revoked_on": mine.revoked_on.isoformat() if mine and mine.revoked_on else None,
        "note": mine.note if mine else "",
        "source": waiver.source,
    }


def _line(waiver: Waiver, own: OwnWaiver | None, today: date) -> tuple[object, ...]:
    state = _state(waiver, own)
    in_force = state == State.APPROVED and waiver.in_force(today)
    return (
        waiver.id,
        state,
        waiver.department_id,
        waiver.asset_name or waiver.asset_code or "all",
        " ".join(waiver.rules),
        waiver.document,
        waiver.approver,
        waiver.valid_from,
        waiver.valid_to,
        "yes" if in_force else "no",
        f"{(waiver.valid_to - today).days} days" if in_force else "",
    )


def _tell(waiver: OwnWaiver, remarks: Sequence[str], then: str, today: date, as_json: bool) -> int:
    plain = waiver.plain()
    if as_json:
        print_json(_json(plain, waiver, today) | {"warnings": list(remarks)})
    whose = waiver.asset_code or waiver.asset_name or f"all of {waiver.department_id}"
    say(
        f"{waiver.id}, {waiver.state}: {' '.join(waiver.rules)} for {whose}, {waiver.valid_from} to {waiver.valid_to}"
    )
    for remark in remarks:
        say(f"warning: {remark}")
    say(then)
    return Exit.DONE

"""What happens to a paper that is out: served, objected to, answered, replied to, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.cases import deadlines, life, roles
from auditor.cases.attachments import keep
from auditor.cases.desk import Desk
from auditor.cases.life import Act
from auditor.cases.model import Case, Item, ItemState, Word, WordKind
from auditor.cases.qualify import open_objections
from auditor.errors import Refused
from auditor.ledger import cases as stored
from auditor.ledger.life import State as Life
from auditor.ledger.queries import dismiss
from auditor.ledger.trail import NOTE
from inventories.faults import clean, did_you_mean

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: 送达方式, as 民事诉讼法 (2023) 第八十八至九十五条 name them; internal papers borrow the words.
METHODS = ("直接送达", "电子送达", "邮寄送达", "转交送达", "留置送达")
_REFUSED_SERVICE = "留置送达"
#: A longer reply is a paper of its own.
_TEXT = 10_000


def serve(desk: Desk, name: str, *, on: date, service: Mapping[str, str], by: str) -> Case:
    """The paper reached its addressee on a day; a time to answer that runs from service begins."""
    method = service.get("method", "")
    if method not in METHODS:
        raise Refused(f"--method {method!r}: {did_you_mean(method, METHODS) or 'one of ' + '、'.join(METHODS)}")
    if method == _REFUSED_SERVICE and not (service.get("witness", "").strip() and service.get("reason", "").strip()):
        raise Refused("留置送达 needs --witness and --reason: who saw it, and why it was not accepted")
    if not service.get("receiver", "").strip():
        raise Refused("--receiver is empty: name the office that received the paper")
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        after = life.step(case, Act.SERVE)
        by = _by(desk, by)
        _within(desk, on, case.issued_on, "the paper was issued")
        due = case.due
        if case.reply is not None and case.reply.start == "service":
            due = deadlines.due(desk.calendar, case.reply, issued=case.issued_on, served=on)
        kept = {key: said(value, most=200) for key, value in service.items() if value.strip()}
        served = replace(case, state=after, served_on=on, service=kept, due=due)
        detail = {"on": on.isoformat(), "service": kept, "due": due.day.isoformat() if due else None}
        return desk.step(connection, served, Act.SERVE.value, by, detail=detail)


def reply(desk: Desk, name: str, *, on: date, text: str, files: Sequence[Path], by: str) -> tuple[Case, Word]:
    """The department's answer came. It may come again; the newest is what a re-inspection waits for."""
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        after = life.step(case, Act.REPLY)
        by = _by(desk, by)
        _within(desk, on, case.issued_on, "the paper was issued")
        if not text.strip() and not files:
            raise Refused("a reply says something: --text its words, or --file the paper that came")
        word = _word(desk, connection, case, WordKind.REPLY, "", on, by, text, files)
        replied = replace(case, state=after, replied_on=on)
        return _said(desk, connection, replied, Act.REPLY, by, word), word


def object_to(
    desk: Desk, name: str, finding: str, *, on: date, text: str, files: Sequence[Path], by: str
) -> tuple[Case, Word]:
    """The department says that a finding is wrong, and why; somebody must answer before an order names it."""
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        life.step(case, Act.OBJECT)
        by = _by(desk, by)
        item = item_of(case, finding)
        if item.round != case.round or item.state is not ItemState.LISTED:
            raise Refused(f"case {case.id}: {item.finding} is not asked for any more ({item.state.value})")
        if not text.strip():
            raise Refused("an objection needs its words: say them with --text")
        _within(desk, on, case.issued_on, "the paper was issued")
        word = _word(desk, connection, case, WordKind.OBJECTION, item.finding, on, by, text, files)
        return _said(desk, connection, case, Act.OBJECT, by, word), word


def answer(
    desk: Desk, name: str, finding: str, *, accept: bool, reason: str, by: str, until: date | None = None
) -> Case:
    """A person's answer to an objection. Accepted: the finding is dismissed as false, until its re-test date."""
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        life.step(case, Act.ANSWER)
        by = roles.check(desk.site.config.people, "review", by, not_these=(case.drafted_by,))
        item = item_of(case, finding)
        if item.finding not in open_objections(case, stored.words(connection, case.id)):
            raise Refused(f"case {case.id} has no objection to {item.finding} that waits for an answer")
        reason = said(reason, "an answer needs its reason: say it with --reason")
        if accept and until is None:
            raise Refused("a finding that is set aside needs its re-test date: say it with --until")
        if until is not None and until <= desk.today:
            raise Refused(f"--until {until} has come already: name a later date")
        verdict = "accepted" if accept else "rejected"
        word = _word(desk, connection, case, WordKind.ANSWER, item.finding, desk.today, by, reason, (), verdict)
        if accept:
            _set_aside(desk, connection, case, item, reason, by, until)
            dropped = replace(item, state=ItemState.DROPPED, ground="异议成立，不予认定", decided_by=by)
            case = replace(case, items=tuple(dropped if one is item else one for one in case.items))
        detail = {"finding": item.finding, "verdict": verdict, "until": until.isoformat() if until else None}
        return _said(desk, connection, case, Act.ANSWER, by, word, detail)


def withdraw(desk: Desk, name: str, *, reason: str, by: str) -> Case:
    """Takes a case back. Numbers that it had stay taken, with the reason beside them."""
    with desk.ledger.writing() as connection:
        case = stored.one(connection, name)
        after = life.step(case, Act.WITHDRAW)
        by = roles.check(desk.site.config.people, "sign", by)
        note = said(reason, "a withdrawal needs its reason: say it with --reason")
        papers = [
            replace(paper, withdrawn_on=desk.today, withdrawn_why=note)
            for paper in stored.issued(connection, case.id)
            if paper.withdrawn_on is None
        ]
        ended = replace(case, state=after, closed_at=desk.now, note=note)
        detail = {"numbers": [paper.number for paper in papers]}
        more = [stored.write_paper(paper) for paper in papers]
        return desk.step(connection, ended, Act.WITHDRAW.value, by, note=note, detail=detail, more=more)


def item_of(case: Case, finding: str) -> Item:
    """An item by its finding's id or the beginning of one, or by its number in the paper."""
    wanted = finding.strip().upper()
    found = [item for item in case.items if str(item.position) == wanted or item.finding == wanted]
    found = found or [item for item in case.items if wanted and item.finding.startswith(wanted)]
    if len(found) != 1:
        raise Refused(f"case {case.id}: {len(found) or 'no'} items are meant by {clean(finding, 60)!r}")
    return found[0]


def said(text: str, otherwise: str = "", most: int = NOTE) -> str:
    """A reason as it is kept for ever, in one line; Refused where it is empty (``otherwise`` says so) or too long."""
    line = " ".join(text.split())
    if not line:
        raise Refused(otherwise)
    # Escapes are longer than what they stand for.
    if len(kept := clean(line, 10 * most)) > most:
        raise Refused(f"{kept[:20]}… is {len(kept)} characters long, and may have {most}: name the document instead")
    return kept


def _set_aside(
    desk: Desk, connection: Connection, case: Case, item: Item, ground: str, by: str, until: date | None
) -> None:
    """Dismisses a finding as false; one that was mended, set aside or merged meanwhile needs no more."""
    row = desk.rows(connection, [case])[item.finding]
    if row.life.state in (Life.OPEN, Life.WAIVED):
        dismiss(connection, row.id, ground=ground, by=by, at=desk.now, until=until)


def _word(
    desk: Desk,
    connection: Connection,
    case: Case,
    kind: WordKind,
    finding: str,
    on: date,
    by: str,
    text: str,
    files: Sequence[Path],
    verdict: str = "",
) -> Word:
    words = said(text, most=_TEXT) if text.strip() else ""
    kept = tuple(keep(desk.site, file) for file in files)
    number = len(stored.words(connection, case.id)) + 1
    return Word(
        id=f"{case.id}/w{number}",
        case=case.id,
        kind=kind,
        finding=finding,
        at=desk.now,
        on=on,
        by=by,
        text=words,
        verdict=verdict,
        files=kept,
    )


def _said(
    desk: Desk,
    connection: Connection,
    case: Case,
    act: Act,
    by: str,
    word: Word,
    detail: Mapping[str, object] | None = None,
) -> Case:
    body = {"word": word.id, "files": [file.sha256 for file in word.files], **(detail or {})}
    return desk.step(connection, case, act.value, by, detail=body, more=[stored.write_word(word)])


def _by(desk: Desk, by: str) -> str:
    """Any office may note what came in; it must still say which it is."""
    return roles.check(desk.site.config.people.model_copy(update={"draft": ()}), "draft", by)


def _within(desk: Desk, on: date, first: date | None, what: str) -> None:
    if on > desk.today:
        raise Refused(f"--on {on} has not come yet: it is {desk.today}")
    if first is not None and on < first:
        raise Refused(f"--on {on} lies before {first}, when {what}")

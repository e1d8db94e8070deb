"""Records what one audit saw, inside one transaction that the caller holds.

Only differences are written: a finding that is seen again unchanged costs its time of confirmation and nothing
else, in statements of a thousand findings each.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Update, case, literal, select, update

from auditor.ledger import identities
from auditor.ledger.bulk import among, insert_rows, look_up_by_index, update_rows
from auditor.ledger.life import Change, Life, Reason, Sight, State, Step, next_life
from auditor.ledger.records import Present, Recorded, Seen, Terms
from auditor.ledger.rows import (
    LIFE,
    PRESENT,
    batched,
    content_columns,
    content_digest,
    event_columns,
    facts_digest,
    life_columns,
    life_of,
    whole_digest,
)
from auditor.ledger.tables import finding_events, finding_facts, findings
from reports.model import Changes

SightOf = Callable[[Sequence[Present]], Mapping[str, Sight]]

_PRESENT: list[ColumnElement[Any]] = [*(findings.c[name] for name in PRESENT), finding_facts.c.digest]
_FOUND: list[ColumnElement[Any]] = [*_PRESENT, findings.c.merged_into]


def _confirm(at: datetime, snapshot: str) -> Update:
    """What was seen before a finding was last confirmed does not take it back in time."""
    moment = literal(at, findings.c.last_confirmed_at.type)
    newest = case((findings.c.last_confirmed_at < moment, moment), else_=findings.c.last_confirmed_at)
    return update(findings).values(last_confirmed_at=newest, snapshot_last=snapshot)


def finding_id(rule: str, asset_key: str, turn: int = 0) -> str:
    """A new finding's name: ``F`` and ten characters that follow from its rule and its asset's key of today.

    It stays when the key changes later, so another finding may have it already; then the next ``turn`` is tried.
    """
    text = f"{rule}|{asset_key}" + (f"|{turn}" if turn else "")
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).digest()
    return "F" + base64.b32encode(digest[:10])[:10].decode()


class Recording:
    """One audit's recording. ``seen`` first, then ``unseen``, then ``result``."""

    def __init__(
        self,
        connection: Connection,
        *,
        audit: str,
        snapshot: str,
        at: datetime,
        terms: Terms,
        aliases: Mapping[str, str],
    ) -> None:
        self._connection = connection
        self._audit, self._snapshot, self._at = audit, snapshot, at
        self._terms = terms
        self._aliases = aliases
        look_up_by_index(connection)
        self._done: set[tuple[str, str]] = set()
        self._words: dict[str, Change] = {}
        self._steps: dict[tuple[Any, ...], tuple[Step, bool]] = {}
        #: When they were seen → the findings that were.
        self._confirmed: dict[datetime, list[str]] = {}
        self._lives: list[dict[str, object]] = []
        self._contents: list[dict[str, object]] = []
        self._facts: list[dict[str, object]] = []
        self._new: list[dict[str, object]] = []
        self._new_facts: list[dict[str, object]] = []
        self._events: list[dict[str, object]] = []

    def seen(self, seen: Iterable[Seen]) -> None:
        """Takes in violations and waived ones. ValueError where one stands twice."""
        for batch in batched(seen):
            places = [(s.rule, identities.survivor(s.asset_key, self._aliases)) for s in batch]
            known = self._load(sorted({key for _, key in places}))
            names = {place: finding_id(*place) for place in places if place not in known}
            taken = self._taken(names.values())
            for place, one in zip(places, batch, strict=True):
                if place in self._done:
                    raise ValueError(f"{place[0]} was seen twice on {place[1]}")
                self._done.add(place)
                row = known.get(place)
                if row is None:
                    self._open(place, names[place], one, taken)
                else:
                    self._see(row, one)
            self._flush()

    def unseen(self, sight_of: SightOf) -> None:
        """Asks what became of the living findings that were not seen.

        One that ``sight_of`` does not answer for is unknown: it goes stale, and is never resolved.
        """
        left = [*self._living()]
        present = [
            Present(r.id, r.rule, r.kind, r.asset_key, r.asset_name, r.department_id, r.zone, life_of(r))
            for r in left
        ]
        answers = sight_of(present) if present else {}
        for row, one in zip(left, present, strict=True):
            sight = answers.get(row.id, Sight.UNKNOWN)
            if sight in (Sight.VIOLATION, Sight.WAIVED):
                raise ValueError(f"{row.id} is a {sight.value} but was not among those seen")
            step = self._step(one.life, sight)
            self._words[row.id] = step.change
            if step.after != one.life:
                self._write_life(row, step)
            if len(self._lives) >= 5000:
                self._flush()
        self._flush()

    def result(self) -> Recorded:
        counts = Counter(self._words.values())
        return Recorded(
            Changes(
                new=counts[Change.NEW],
                still_open=counts[Change.STILL_OPEN],
                reopened=counts[Change.REOPENED],
                resolved=counts[Change.RESOLVED],
                stale=counts[Change.STALE],
                waived=counts[Change.WAIVED],
            ),
            self._words,
        )

    def _load(self, keys: Collection[str]) -> dict[tuple[str, str], Row[Any]]:
        """The findings on these assets."""
        joined = findings.join(finding_facts, finding_facts.c.finding == findings.c.id)
        mine = among(self._connection, findings.c.asset_key, keys)
        # Said in the query, "not merged" would have PostgreSQL read through the index that holds only such, by rule.
        statement = select(*_FOUND).select_from(joined).where(mine)
        found = self._connection.execute(statement).all()
        return {(row.rule, row.asset_key): row for row in found if row.merged_into is None}

    def _living(self) -> Iterator[Row[Any]]:
        """The living findings that were not seen. Only their names are looked through, for most were."""
        living = (findings.c.state != State.RESOLVED.value, findings.c.merged_into.is_(None))
        names = select(findings.c.id, findings.c.rule, findings.c.asset_key).where(*living)
        found = self._connection.execute(names, execution_options={"yield_per": 10_000})
        left = [name for name, rule, key in found if (rule, key) not in self._done]
        joined = findings.join(finding_facts, finding_facts.c.finding == findings.c.id)
        for batch in batched(left):
            statement = select(*_PRESENT).select_from(joined).where(among(self._connection, findings.c.id, batch))
            yield from self._connection.execute(statement).all()

    def _taken(self, names: Collection[str]) -> set[str]:
        """Which of these names other findings already have."""
        if not names:
            return set()
        return set(
            self._connection.execute(
                select(findings.c.id).where(among(self._connection, findings.c.id, names))
            ).scalars()
        )

    def _exists(self, name: str) -> bool:
        return self._connection.execute(select(findings.c.id).where(findings.c.id == name)).first() is not None

    def _open(self, place: tuple[str, str], name: str, seen: Seen, taken: set[str]) -> None:
        turn = 0
        while name in taken or (turn and self._exists(name)):
            turn += 1
            name = finding_id(*place, turn)
        taken.add(name)
        facts = facts_digest(seen.facts)
        sight = Sight.WAIVED if seen.waiver else Sight.VIOLATION
        step = self._step(None, sight, facts, seen.waiver)
        self._new.append(
            {
                "id": name,
                "rule": place[0],
                "asset_key": place[1],
                **content_columns(seen, facts, content_digest(seen)),
                **life_columns(step.after),
                "note": step.after.waiver,
                "opened_at": self._at,
                "last_confirmed_at": seen.seen_at or self._at,
                "resolved_at": None,
                "snapshot_first": self._snapshot,
                "snapshot_last": self._snapshot,
                "merged_into": None,
            }
        )
        self._new_facts.append({"finding": name, "digest": whole_digest(seen), "facts": seen.facts})
        self._event(name, "", step.after.shown, step.after.reason, step.after.waiver)
        self._words[name] = step.change

    def _see(self, row: Row[Any], seen: Seen) -> None:
        self._confirmed.setdefault(seen.seen_at or self._at, []).append(row.id)
        whole = whole_digest(seen)
        if whole == row.digest:
            step, moves = self._again(row, seen.waiver)
        else:
            self._facts.append({"of": row.id, "digest": whole, "facts": seen.facts})
            facts, content = facts_digest(seen.facts), content_digest(seen)
            same = facts == row.facts_digest
            step, moves = self._again(row, seen.waiver) if same else self._judge(life_of(row), facts, seen.waiver)
            if not same or content != row.content_digest:
                self._write_content(row, seen, facts, content, step)
        self._words[row.id] = step.change
        if moves:
            self._write_life(row, step)

    def _again(self, row: Row[Any], waiver: str) -> tuple[Step, bool]:
        """The step of a finding whose facts are the same. Few lives are lived by many: each is judged once."""
        lived = (*row[: len(LIFE)], waiver)
        known = self._steps.get(lived)
        if known is None:
            # Facts matter to a life only by being equal or not.
            known = self._steps[lived] = self._judge(replace(life_of(row), facts_digest=""), "", waiver)
        return known

    def _judge(self, present: Life, facts: str, waiver: str) -> tuple[Step, bool]:
        step = self._step(present, Sight.WAIVED if waiver else Sight.VIOLATION, facts, waiver)
        return step, life_columns(step.after) != life_columns(present)

    def _write_content(self, row: Row[Any], seen: Seen, facts: str, content: str, step: Step) -> None:
        self._contents.append({"of": row.id, **content_columns(seen, facts, content)})
        stands = life_of(row).shown
        if seen.department_id != row.department_id:
            note = f"{row.department_id} {row.department_name} → {seen.department_id} {seen.department_name}"
            self._event(row.id, stands, stands, Reason.TRANSFERRED, note)
        if facts != row.facts_digest and not step.is_event:
            self._event(row.id, stands, stands, Reason.FACTS_CHANGED)

    def _write_life(self, row: Row[Any], step: Step) -> None:
        before, after = life_of(row), step.after
        note = row.note if after.state is before.state and after.waiver == before.waiver else after.waiver
        self._lives.append(
            {
                "of": row.id,
                **life_columns(after),
                "note": note,
                # What was resolved before is written only when it leaves that state.
                "resolved_at": self._at if after.state is State.RESOLVED else None,
            }
        )
        if step.is_event:
            self._event(row.id, before.shown, after.shown, after.reason, after.waiver)

    def _step(self, present: Life | None, sight: Sight, facts: str = "", waiver: str = "") -> Step:
        return next_life(
            present,
            sight,
            absences_needed=self._terms.absences_needed,
            on=self._terms.on,
            facts_digest=facts,
            waiver=waiver,
            waivers_in_force=self._terms.waivers_in_force,
        )

    def _event(self, finding: str, before: str, after: str, reason: Reason, note: str = "") -> None:
        self._events.append(event_columns(finding, self._at, self._audit, before, after, reason, note))

    def _flush(self) -> None:
        for at, confirmed in self._confirmed.items():
            for ids in batched(confirmed):
                mine = among(self._connection, findings.c.id, ids)
                self._connection.execute(_confirm(at, self._snapshot).where(mine))
        self._confirmed.clear()
        insert_rows(self._connection, findings, self._new)
        insert_rows(self._connection, finding_facts, self._new_facts)
        update_rows(self._connection, findings.c.id, self._contents)
        update_rows(self._connection, finding_facts.c.finding, self._facts)
        update_rows(self._connection, findings.c.id, self._lives)
        insert_rows(self._connection, finding_events, self._events)
        for rows in (self._new, self._new_facts, self._contents, self._facts, self._lives, self._events):
            rows.clear()

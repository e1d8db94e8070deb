"""What a site knows by name: departments, things, exemptions; from registers, the newest audit and people's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from auditor.commands.typed import ledger_if_any
from auditor.declared_things import Thing, Things, declared, found
from auditor.errors import Failed, Refused
from auditor.intake import read_registers
from auditor.moved_departments import moved_waivers
from auditor.site import Site
from auditor.spoken import Spoken, Words, digests_of, lost_rows, under, words_of
from auditor.successions import DepartmentChange, Kind, former_words, successor_of
from auditor.waiving import OwnWaiver
from inventories.faults import clean
from inventories.model import KeyMap, Waiver
from inventories.registers.departments import Department, DepartmentBook
from inventories.registers.errors import CellError

if TYPE_CHECKING:
    from auditor.ledger.store import Ledger
    from inventories.registers import RegisterResult


@dataclass(frozen=True)
class Known:
    """One reading of registers and ledger. ``earlier`` are departments that only findings name still."""

    site: Site
    registers: RegisterResult
    words: Words
    earlier: Mapping[str, str]
    today: date

    @classmethod
    def of(cls, site: Site, now: datetime, ledger: Ledger | None = None) -> Known:
        """``ledger`` where it is open already; else it is opened if there is one."""
        registers = read_registers(site, now)
        if ledger is not None:
            return cls(site, registers, *_read(ledger), site.today(now))
        with ledger_if_any(site) as opened:
            words, earlier = _read(opened) if opened is not None else (Words(), {})
        return cls(site, registers, words, earlier, site.today(now))

    @property
    def own(self) -> tuple[OwnWaiver, ...]:
        return self.words.waivers

    @property
    def registered(self) -> tuple[Waiver, ...]:
        return self.registers.collection.waivers

    @property
    def changes(self) -> tuple[DepartmentChange, ...]:
        return self.words.changes

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Department id → what it is called today, also of those that are no more."""
        out = {**self.earlier, **{d.id: d.name or d.id for d in self.registers.departments.values()}}
        for change in self.changes:
            if change.kind is Kind.RENAME and not change.undone and change.effective_on <= self.today:
                out[change.department_id] = change.successor_name
        return out

    @cached_property
    def heard(self) -> Spoken:
        """The registers under people's words, as the next audit will take them."""
        return under(
            self.words,
            self.registers.collection,
            self.site.places,
            self.today,
            lost=lost_rows(self.registers),
            keymap=KeyMap(),
            files=digests_of(self.registers),
        )

    @cached_property
    def things(self) -> Things:
        """What registers list, by its department of today, and what the newest audit found."""
        return Things(dict.fromkeys([*declared(self.heard.collection), *self._found()]))

    @cached_property
    def listed(self) -> Sequence[Thing]:
        """The registers' own things, by the department that they name."""
        return declared(self.registers.collection)

    def moved(self, waiver: Waiver) -> tuple[Waiver, ...]:
        """A waiver as the next audit will take it: none where nothing is left that it is for."""
        return moved_waivers([waiver], self.heard.successions, self.listed)

    def _found(self) -> list[Thing]:
        from inventories.snapshot import Snapshot, SnapshotError, snapshot_ids

        ids = snapshot_ids(self.site.snapshots)
        if not ids:
            return []
        try:
            return found(Snapshot(self.site.snapshots / ids[-1]).assets())
        except (SnapshotError, OSError) as error:
            raise Failed(str(error)) from error

    def department(self, word: str, on: date, option: str = "--department") -> str:
        """The id of the department that a person names; :class:`Refused` for none, several and one that is no more.

        Ids, names and short names of the register, names from before and after a change, and those that only
        findings still know.
        """
        department = self.named(word, option)
        now = successor_of(self.changes, department, on)
        if now.id != department:
            raise Refused(f"{option} {department} is no department any more on {on}: name {now.id} ({now.name})")
        return department

    def named(self, word: str, option: str = "--department") -> str:
        """As :meth:`department`, and may be no more."""
        text = " ".join(word.split())
        known = [Department(d, name) for d, name in self.earlier.items() if d not in self.registers.departments]
        try:
            return DepartmentBook([*self.registers.departments.values(), *known]).find(text).id
        except CellError as error:
            renamed = {
                c.successor_name: c.successor_id for c in self.changes if c.kind is Kind.RENAME and not c.undone
            }
            meant = renamed.get(text) or former_words(self.changes, self.today).get(text)
            if meant:
                return meant
            mend = error.mend or "'auditor department list' names them"
            raise Refused(f"{option}: {clean(error.what, 300)}: {clean(mend, 300)}") from None


def _read(ledger: Ledger) -> tuple[Words, Mapping[str, str]]:
    from auditor.ledger import departments

    with ledger.reading() as connection:
        earlier = departments.named_in_findings(connection)
    return words_of(ledger), earlier

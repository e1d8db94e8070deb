"""The ledger's door: open it, record audits whole or not at all, list findings, tell their history.

SQLite is the embedded default; an SQLAlchemy URL of PostgreSQL does as well. Every trouble is a
:class:`~auditor.ledger.errors.LedgerError`. Times are handed in (aware), never read from a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from auditor.ledger import (
    auditing,
    dialects,
    history,
    identities,
    looks,
    office_tables,
    queries,
    schema,
    trail,
    words,
)
from auditor.ledger.errors import LedgerError, Refusal
from auditor.ledger.merging import Occasion, follow, give_back, living
from auditor.ledger.place import LedgerPlace
from auditor.ledger.recording import Recording, SightOf
from auditor.ledger.records import (
    Act,
    AuditRow,
    EventRow,
    FindingRow,
    LookRow,
    Opening,
    ProbeRun,
    Recorded,
    Seen,
    Status,
    Terms,
    WordRow,
)
from auditor.ledger.trail import Entry
from inventories.faults import clean
from inventories.model import Identifier, KeyMap
from inventories.told import Told


class Ledger:
    """One open ledger; use it as a context manager. Its methods may be called from several threads."""

    def __init__(self, database: dialects.Database) -> None:
        self._database = database

    @classmethod
    def open(cls, target: str | Path | LedgerPlace, *, create: bool = True) -> Self:
        """Opens a ledger by its place, path or URL and brings its schema up to date.

        With ``create`` the file is made where there is none, and its last folder too. LedgerError where it
        cannot be opened or written, is no ledger, or is newer than this program.
        """
        database = dialects.connect(target, create=create)
        try:
            schema.bring_up(database, create=create)
        except BaseException:
            database.engine.dispose()
            raise
        return cls(database)

    def close(self) -> None:
        self._database.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def where(self) -> str:
        """The file, or the database's address without its password."""
        return self._database.where

    # Audits

    def begin_audit(self, opening: Opening, *, at: datetime) -> str:
        """Notes that an audit runs; returns its id. The caller holds the audit's lock.

        Audits that still say "running" were killed, and become interrupted.
        """
        with self.writing() as connection:
            return auditing.begin(connection, opening, at)

    def resume_audit(self, audit: str, *, at: datetime) -> AuditRow:
        """Notes that an interrupted or failed audit goes on. LedgerError where it is recorded already."""
        with self.writing() as connection:
            auditing.resume(connection, audit, at)
            return auditing.get(connection, audit)

    def set_stage(self, audit: str, stage: str, *, snapshot: str | None = None) -> None:
        """Notes how far an audit has come, and the snapshot's id once there is one."""
        with self.writing() as connection:
            auditing.change(connection, audit, stage=stage, **({} if snapshot is None else {"snapshot": snapshot}))

    def finish_audit(
        self, audit: str, *, at: datetime, exit_status: int, status: Status | None = None, message: str = ""
    ) -> None:
        """Notes how an audit ended. Without ``status`` it keeps the one that it was recorded with."""
        values: dict[str, object] = {"ended_at": at, "exit_status": exit_status, "message": clean(message, 1000)}
        if status is not None:
            values["status"] = status.value
        with self.writing() as connection:
            auditing.change(connection, audit, **values)

    def audit(self, audit: str) -> AuditRow:
        """LedgerError where there is none of that id."""
        with self.reading() as connection:
            return auditing.get(connection, audit)

    def audits(self, *statuses: Status, limit: int | None = None) -> list[AuditRow]:
        """Newest first; of all statuses where none is named."""
        with self.reading() as connection:
            return auditing.listing(connection, statuses, limit)

    def save_probe_runs(self, audit: str, runs: Sequence[ProbeRun]) -> None:
        """For an audit that ends before it is recorded; otherwise hand them to :meth:`record`."""
        with self.writing() as connection:
            auditing.get(connection, audit)
            auditing.save_runs(connection, audit, runs)

    def probe_runs(self, audit: str) -> list[ProbeRun]:
        with self.reading() as connection:
            return auditing.runs(connection, audit)

    def last_successes(self) -> dict[tuple[str, str], datetime]:
        """(zone, probe) → when the probe last did there all that it set out to do."""
        with self.reading() as connection:
            return auditing.last_successes(connection)

    def stages(self, audit: str) -> dict[str, float]:
        """How long each stage of an audit took, in seconds; empty where that was not noted."""
        with self.reading() as connection:
            return history.stages_of(connection, audit)

    def judged_looks(self) -> frozenset[str]:
        """The ids of the looks that a recorded audit has judged."""
        with self.reading() as connection:
            return looks.judged(connection)

    def last_attempts(self) -> dict[tuple[str, str], datetime]:
        """(zone, probe) → until when it looked there last, however that ended."""
        with self.reading() as connection:
            return auditing.last_attempts(connection)

    def last_success(self, zone: str, probe: str) -> datetime | None:
        return self.last_successes().get((zone, probe))

    # What earlier audits called things

    def key_map(self) -> KeyMap:
        with self.reading() as connection:
            return identities.load(connection)

    def save_key_map(self, key_map: KeyMap, *, at: datetime, by: str) -> None:
        """Stores a key map that a person changed (pins, splits, merges); findings follow merges.

        The caller holds the audit's lock, so that no audit works on the map meanwhile.
        """
        with self.writing() as connection:
            moved = identities.save(connection, key_map, with_pins=True)
            follow(connection, moved, key_map.aliases, Occasion(at, actor=clean(by, 100)))

    def tell(
        self,
        act: Act,
        told: Told,
        *,
        named: Sequence[Identifier] = (),
        reason: str,
        by: str,
        at: datetime,
        undoes: WordRow | None = None,
    ) -> WordRow:
        """Stores what a person said about identity, and that it was said, in one transaction.

        ``told.keymap`` becomes the key map; findings follow a merge, and where one is undone (``undoes``) those that
        it moved go back. The caller holds the audit's lock. LedgerError without reason or name, and for a word that
        is undone already.
        """
        with self.writing() as connection:
            occasion = Occasion(at, actor=clean(by, 100))
            leaving = living(connection, told.other) if told.other else ()
            moved = identities.save(connection, told.keymap, with_pins=True)
            follow(connection, moved, told.keymap.aliases, occasion)
            if undoes is not None and act is Act.MERGE:
                give_back(connection, undoes.findings, told.key, told.other, occasion)
            word = words.add(connection, act, told, named, reason, occasion, findings=leaving, undoes=undoes)
            detail = {"word": word.id, "other": told.other, "undoes": word.undoes}
            trail.write(connection, Entry(at, by, f"asset.{act.value}", told.key, word.reason, detail))
            return word

    def words(self, *keys: str) -> list[WordRow]:
        """What people said about the identity of these assets (none: of any), oldest first."""
        with self.reading() as connection:
            return words.listing(connection, keys)

    @property
    def guarded(self) -> Sequence[str]:
        """The tables that only the audit trail writes to (:mod:`auditor.ledger.trail`)."""
        return tuple(office_tables.GUARDED)

    # Findings

    def record(
        self,
        audit: str,
        *,
        snapshot: str,
        at: datetime,
        seen: Iterable[Seen],
        sight_of: SightOf,
        terms: Terms,
        key_map: KeyMap | None = None,
        probe_runs: Sequence[ProbeRun] | None = None,
        status: Status = Status.DONE,
        outcome_digest: str = "",
        judged: Sequence[LookRow] = (),
    ) -> Recorded:
        """Records what an audit saw, in one transaction: findings, key map, probe runs and the audit's status.

        ``seen`` are its violations and waived violations. ``sight_of`` is asked once, about the living findings
        that are not among them, and answers by finding id; one that it leaves out is unknown. Whatever goes
        wrong on the way, also inside ``seen`` and ``sight_of``, leaves the ledger as it was. Stored pins stay.
        ``judged`` are the looks that it was the first to judge. LedgerError where the audit is recorded already, or
        another began meanwhile.
        """
        with self.writing() as connection:
            auditing.check_runs(connection, audit)
            aliases = key_map.aliases if key_map is not None else identities.load_aliases(connection)
            if key_map is not None:
                moved = identities.save(connection, key_map, with_pins=False)
                follow(connection, moved, aliases, Occasion(at, audit=audit))
            recording = Recording(connection, audit=audit, snapshot=snapshot, at=at, terms=terms, aliases=aliases)
            recording.seen(seen)
            recording.unseen(sight_of)
            if probe_runs is not None:
                auditing.save_runs(connection, audit, probe_runs)
            looks.note(connection, audit, judged)
            auditing.change(
                connection,
                audit,
                status=status.value,
                stage="recorded",
                snapshot=snapshot,
                recorded_at=at,
                outcome_digest=outcome_digest,
            )
            return recording.result()

    def findings(
        self,
        *,
        states: Collection[str] = (),
        rules: Collection[str] = (),
        departments: Collection[str] = (),
        zones: Collection[str] = (),
        assets: Collection[str] = (),
        with_facts: bool = True,
    ) -> list[FindingRow]:
        """Findings by their published state and more; an empty condition means any.

        Ordered by department, rule, asset's name and id. LedgerError for an unknown state.
        """
        with self.reading() as connection:
            return queries.listing(
                connection,
                states=states,
                rules=rules,
                departments=departments,
                zones=zones,
                assets=assets,
                with_facts=with_facts,
            )

    def finding(self, name: str) -> FindingRow:
        """By id or the beginning of one. LedgerError for none, and for several."""
        with self.reading() as connection:
            return queries.one(connection, name)

    def history(self, name: str) -> list[EventRow]:
        """What happened to a finding, oldest first."""
        with self.reading() as connection:
            return queries.history(connection, queries.one(connection, name).id)

    def dismiss(self, name: str, *, ground: str, by: str, at: datetime, until: date | None = None) -> FindingRow:
        """A person judges a finding false: until a date, or (None) until its facts change."""
        with self.writing() as connection:
            found = queries.dismiss(connection, name, ground=ground, by=by, at=at, until=until)
            detail = {"until": until.isoformat() if until else None}
            trail.write(connection, Entry(at, by, "finding.dismiss", found.id, ground, detail))
            return found

    def restore(self, name: str, *, ground: str, by: str, at: datetime) -> FindingRow:
        """A person takes a dismissal back; the finding is as stale as the last look left it."""
        with self.writing() as connection:
            found = queries.restore(connection, name, ground=ground, by=by, at=at)
            trail.write(connection, Entry(at, by, "finding.restore", found.id, ground))
            return found

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view, for the ledger's own modules; a Refusal inside becomes a LedgerError."""
        with self._asked(), self._database.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, one writer at a time; whatever is raised inside undoes everything."""
        with self._asked(), self._database.writing() as connection:
            schema.check_unchanged(self.where, connection)
            yield connection

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except Refusal as error:
            raise LedgerError(self.where, error.what, error.mend) from error

"""What each part of the metrics says now: from the ledger, and from the snapshot of the newest recorded audit.

A scan in progress is in neither. A part that cannot be told is left out with its reason, and costs the others
nothing: a ledger that is busy leaves what the last snapshot told, a snapshot that is gone leaves what the ledger has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeVar

from auditor.cases.case_views import case_views
from auditor.errors import Failed, Refused
from auditor.judging import JUDGEMENT, Judged, stored_packs
from auditor.ledger import auditing, history, tallies
from auditor.ledger import cases as stored
from auditor.ledger.errors import LedgerError
from auditor.ledger.records import AuditRow, Status
from auditor.ledger.store import Ledger
from auditor.ledger.tallies import Mark
from auditor.overview import migration_rules, of_snapshot, with_waived
from auditor.site import Site, load_site
from inventories.faults import Faults, clean
from inventories.kinds import KINDS
from inventories.snapshot import Snapshot, SnapshotError
from inventories.stored import Stored
from policies.lists import join
from policies.model import Count, Evaluation, Verdict
from reports import metrics_office as office
from reports import metrics_parts as parts
from reports.metrics_figures import Figures
from reports.metrics_labels import Owner, among, owners
from reports.metrics_names import Part
from reports.metrics_parts import FindingCounts
from reports.model import AuditView, CaseView

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")
#: A file of a snapshot, or a row of the ledger, that somebody changed by hand may be of any shape.
_ODD = (LookupError, TypeError, ValueError)
UNREADABLE = (SnapshotError, Failed, Refused, Faults, OSError, *_ODD)
_SEEN = (Part.INVENTORY, Part.MIGRATION, Part.RULES, Part.PROBES)
_TOLD = (Part.MIGRATION, Part.FINDINGS, Part.PROBES, Part.CASES)
_NONE_YET = "no audit was recorded yet"
#: What is counted of assets, by kind, beside whose they are and where: a city's are read from the snapshot's files
#: and let go one by one.
COUNTED: Mapping[str, Sequence[str]] = {
    "system": tuple(column.name for column in KINDS["system"].all_columns),
    "component": (*join.SOURCES, "is_declared"),
    "network": ("kind", "is_declared"),
    "room": ("is_declared",),
}


@dataclass(frozen=True, slots=True)
class Gathered:
    """Part → its figures; a part is either there or in ``troubles``, with the reason. :data:`Part.STORE` is in none.

    The same list of figures is the same text: a list is made anew only where something may have changed.
    """

    figures: Mapping[Part, list[Figures]]
    troubles: Mapping[Part, str]
    mark: Mark | None
    #: Bytes of the database that holds the ledger; None where that is a file, which is asked anew at each scrape.
    size: int | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is kept of a snapshot until the next: assets are counted and let go, for a city has a million of them."""

    run: str
    day: date
    view: AuditView
    migration: frozenset[str]
    inventory: list[Figures]
    rules: list[Figures]


@dataclass(frozen=True, slots=True)
class _Told:
    """What the ledger tells, read in one transaction. ``findings`` and ``cases`` are None where theirs is damaged."""

    mark: Mark
    run: AuditRow | None
    departments: frozenset[str]
    waived: Mapping[str, frozenset[str]]
    last_successes: Mapping[tuple[str, str], datetime]
    last_complete_at: datetime | None
    stages: Mapping[str, float]
    size: int | None
    findings: FindingCounts | None
    cases: tuple[CaseView, ...] | None


class Gatherer:
    """Reads a site's ledger and snapshots. Not for several threads at once."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._ledger: Ledger | None = None
        self._file = 0
        self._seen: _Seen | None = None

    def close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def ledger(self) -> Ledger:
        """The open ledger; another one where its file was replaced. LedgerError where it cannot be opened."""
        place = self.site.ledger
        file = place.generation()
        if file != self._file:
            self.close()
        if self._ledger is None:
            self._ledger, self._file = Ledger.open(place, create=False), file
        return self._ledger

    def mark(self, now: datetime) -> Mark:
        """By what is known whether anything changed; two small questions to the ledger. LedgerError."""
        try:
            with self.ledger().reading() as connection:
                return tallies.mark(connection, self.site.today(now))
        except LedgerError:
            self.close()
            raise

    def gather(self, now: datetime) -> Gathered:
        """Every part as it is now; nothing is raised for one that cannot be told."""
        made, troubles = dict[Part, list[Figures]](), dict[Part, str]()
        told = self._tell(now, troubles)
        if told is not None and told.run is None:
            troubles |= dict.fromkeys((*_SEEN, Part.FINDINGS), _NONE_YET)
        seen = self._see(told, now, troubles)
        if seen is not None:
            made[Part.INVENTORY], made[Part.RULES] = seen.inventory, seen.rules
        if told is not None:
            owner = owners(seen.view.departments) if seen is not None else among(told.departments)
            made |= _of_ledger(told, owner)
            if seen is not None and told.run is not None:
                made |= _of_both(seen, told, told.run, now)
        if told is None:
            return Gathered(made, troubles, None)
        return Gathered(made, troubles, told.mark, told.size)

    def _tell(self, now: datetime, troubles: dict[Part, str]) -> _Told | None:
        try:
            with self.ledger().reading() as connection:
                mark = tallies.mark(connection, self.site.today(now))
                done = auditing.listing(connection, (Status.DONE,), 1)
                return _Told(
                    mark=mark,
                    run=auditing.get(connection, mark.audit) if mark.audit else None,
                    departments=tallies.departments(connection),
                    waived=tallies.waived(connection),
                    last_successes=auditing.last_successes(connection),
                    last_complete_at=done[0].ended_at if done else None,
                    stages=history.stages_of(connection, mark.audit),
                    size=tallies.size(connection),
                    findings=_unless_odd(Part.FINDINGS, troubles, lambda: tallies.findings_by(connection)),
                    cases=_unless_odd(Part.CASES, troubles, lambda: _cases(connection, self.site, mark.day)),
                )
        except (LedgerError, *_ODD) as error:
            self.close()
            troubles |= dict.fromkeys(_TOLD, _words(error))
            return None

    def _see(self, told: _Told | None, now: datetime, troubles: dict[Part, str]) -> _Seen | None:
        """What the newest recorded audit's snapshot tells; while the ledger is silent, the last that was seen."""
        if told is None or told.run is None:
            if self._seen is None and told is None:
                troubles |= {part: troubles.get(part, "the ledger cannot be read") for part in _SEEN}
            return self._seen if told is None else None
        if self._seen is None or (self._seen.run, self._seen.day) != (told.run.id, told.mark.day):
            try:
                # People change site.yaml between audits.
                self.site = load_site(self.site.root)
                self._seen = _read(self.site, told.run, told.mark.day, now)
            except UNREADABLE as error:
                self._seen = None
                troubles |= dict.fromkeys(_SEEN, _words(error))
        return self._seen


def _read(site: Site, run: AuditRow, day: date, now: datetime) -> _Seen:
    judged = sealed(Snapshot(site.snapshots / run.snapshot))
    view = of_snapshot(site, judged, run, now=now, columns=COUNTED)
    return _Seen(
        run=run.id,
        day=day,
        view=replace(view, assets=(), counts=(), rules=()),
        migration=migration_rules(judged),
        inventory=parts.inventory(view, day),
        rules=parts.rules(view),
    )


def sealed(snapshot: Snapshot) -> Judged:
    """A snapshot with the counts that its audit sealed beside it: nothing is judged again. One of UNREADABLE."""
    path = snapshot.path / JUDGEMENT
    body = json.loads(path.read_bytes())
    counts = tuple(Count(rule, department, Verdict(verdict), n) for rule, department, verdict, n in body["counts"])
    as_of = snapshot.as_of()
    return Judged(
        snapshot=snapshot.id,
        path=snapshot.path,
        at=snapshot.at(),
        as_of=as_of,
        packs=stored_packs(snapshot),
        assets=Stored(snapshot.path),
        collected=snapshot.collection(),
        evaluation=Evaluation(as_of, (), counts, str(body["digest"])),
    )


def _unless_odd(part: Part, troubles: dict[Part, str], read: Callable[[], T]) -> T | None:
    """What a part's rows say; None where somebody changed one into what it cannot be."""
    try:
        return read()
    except _ODD as error:
        troubles[part] = _words(error)
        return None


def _cases(connection: Connection, site: Site, day: date) -> tuple[CaseView, ...]:
    # Of their papers and regulations nothing is counted.
    return case_views(stored.listing(connection), (), today=day, timezone=site.timezone, regulations={})


def _of_ledger(told: _Told, owner: Owner) -> dict[Part, list[Figures]]:
    made = {}
    if told.findings is not None and told.run is not None:
        made[Part.FINDINGS] = parts.findings(told.findings, owner)
    if told.cases is not None:
        made[Part.CASES] = office.cases(told.cases, owner)
    return made


def _of_both(seen: _Seen, told: _Told, run: AuditRow, now: datetime) -> dict[Part, list[Figures]]:
    waived = {key for rule, keys in told.waived.items() if rule in seen.migration for key in keys}
    last = told.last_successes
    probes = tuple(replace(one, last_success=last.get((one.zone, one.probe))) for one in seen.view.probes)
    view = replace(
        seen.view,
        systems=with_waived(seen.view.systems, waived),
        probes=probes,
        stages=told.stages,
        ended_at=run.ended_at or now,
        last_complete_at=told.last_complete_at,
    )
    return {Part.MIGRATION: parts.migration(view), Part.PROBES: parts.probes(view)}


def _words(error: Exception) -> str:
    return clean(f"{type(error).__name__}: {error}" if isinstance(error, _ODD) else str(error), 500)

"""The desk on which cases are worked: the site, its ledger, the newest audit, the law, the calendar, the clock.

Every step of a case is a function that takes a desk and runs in one transaction: either the step, its rows and its
entry in the trail are there, or nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from auditor.cases.model import Case
from auditor.errors import Refused
from auditor.intake import packs_in_force, working_days
from auditor.ledger import cases as stored
from auditor.ledger import trail
from auditor.ledger.queries import listing as findings_of
from auditor.ledger.records import AuditRow, FindingRow
from auditor.ledger.store import Ledger
from auditor.ledger.trail import Entry, Write
from auditor.site import Site
from auditor.views import asset_views, by_gravity, departments, finding_view, rules_of
from inventories.snapshot import Snapshot, SnapshotError, digest_of
from policies.calendars import Calendar
from policies.model import Pack, Power, Rule
from reports.model import DepartmentView, FindingView
from reports.words import chinese_date

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reports.papers.templates import Templates


_LIVING = ("open", "stale", "reopened", "waived", "dismissed")


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest recorded audit, and what drafting needs of its snapshot."""

    audit: AuditRow
    digest: str
    departments: Mapping[str, DepartmentView]
    systems: int
    #: Asset key → the contractor that the register of projects names.
    builders: Mapping[str, str]


@dataclass(frozen=True)
class Desk:
    """One sitting. ``now`` is read from the clock once, so that all of a step happens at one time."""

    site: Site
    ledger: Ledger
    now: datetime

    @cached_property
    def today(self) -> date:
        return self.site.today(self.now)

    @cached_property
    def packs(self) -> tuple[Pack, ...]:
        return packs_in_force(self.site)

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        return rules_of(self.packs)

    @cached_property
    def calendar(self) -> Calendar:
        return working_days(self.site)

    @cached_property
    def newest(self) -> Newest:
        """:class:`Refused` where no audit was recorded, or its snapshot is gone."""
        from auditor.papers import contractors

        recorded = [row for row in self.ledger.audits() if row.recorded_at is not None]
        if not recorded:
            raise Refused(
                f"{self.site.root}: no audit was recorded yet", f"'auditor audit --site {self.site.root}' does"
            )
        folder = self.site.snapshots / recorded[0].snapshot
        try:
            assets = Snapshot(folder).assets()
            digest = digest_of(folder)
        except (SnapshotError, OSError) as error:
            raise Refused(
                f"the snapshot of the newest audit cannot be read: {error}", "run an audit first"
            ) from error
        found = departments(assets)
        return Newest(
            audit=recorded[0],
            digest=digest,
            departments={view.id: view for view in found},
            systems=sum(asset.kind == "system" for asset in assets),
            builders=contractors(asset_views(assets, {view.id: view.name for view in found})),
        )

    @cached_property
    def templates(self) -> Templates:
        """The papers' templates, the bureau's own first. Raises Faults for those that cannot be used."""
        from auditor.papers import templates_of

        return templates_of(self.site)

    def power(self, case: Case) -> Power | None:
        """The power of a case; :class:`Refused` where the site no longer has its pack."""
        if not case.power:
            return None
        pack = self.pack(case)
        if case.power not in pack.powers:
            raise Refused(f"the pack {case.pack} has no power {case.power!r} any more: withdraw case {case.id}")
        return pack.powers[case.power]

    def pack(self, case: Case) -> Pack:
        found = next((pack for pack in self.packs if pack.id == case.pack), None)
        if found is None:
            raise Refused(f"case {case.id} rests on the pack {case.pack}, which site.yaml no longer names")
        return found

    def findings(self, connection: Connection) -> tuple[FindingView, ...]:
        """The findings that are not resolved, gravest first within a department."""
        rows = findings_of(connection, states=_LIVING, rules=(), departments=(), zones=(), with_facts=True)
        return by_gravity(self.view(row) for row in rows)

    def rows(self, connection: Connection, cases: Iterable[Case]) -> dict[str, FindingRow]:
        """The findings that cases list, by the ids under which they do; one that was merged stands as the other."""
        same = stored.merged(connection)
        names = {item.finding for case in cases for item in case.items}
        rows = stored.named_findings(connection, (same.get(name, name) for name in names))
        found = {row.id: row for row in rows}
        return {name: found[now] for name in names if (now := same.get(name, name)) in found}

    def live(self, connection: Connection, cases: Iterable[Case] | None = None) -> dict[str, FindingView]:
        """The same as people see them, each under the id by which the case lists it; of all cases by default."""
        known = stored.listing(connection) if cases is None else cases
        return {name: self.view(row, name) for name, row in self.rows(connection, known).items()}

    def view(self, row: FindingRow, name: str = "") -> FindingView:
        made = finding_view(row, self.rules, now=self.now, timezone=self.site.timezone)
        return replace(made, id=name) if name and name != made.id else made

    def day(self, at: datetime) -> str:
        """A moment as a Chinese date at the site."""
        return chinese_date(self.site.today(at))

    def write(self, connection: Connection, entry: Entry, writes: Iterable[Write] = ()) -> None:
        trail.write(connection, entry, writes)

    def step(
        self,
        connection: Connection,
        case: Case,
        act: str,
        by: str,
        *,
        note: str = "",
        detail: Mapping[str, object] | None = None,
        more: Iterable[Write] = (),
    ) -> Case:
        """Stores a case after a step, with the entry that tells of it; returns it as it was stored."""
        body = {"state": case.state.value, "round": case.round, "department": case.department_id, **(detail or {})}
        entry = Entry(self.now, by, f"case.{act}", case.id, note, body)
        self.write(connection, entry, [*stored.writes(connection, case), *more])
        return stored.one(connection, case.id)

"""Thinning what is stored by the site's rule: snapshots here, looks and remains of runs in :mod:`auditor.remains`.

A snapshot goes in three steps, under the audit's lock: it is hidden by one rename, its removal is noted in the audit
trail together with its digest, and then it is deleted. Killed in between, the next run goes on: what is hidden and
noted is deleted, what is hidden and not noted comes back and is judged anew. So nothing is ever gone that the trail
does not tell of, and nothing is half there.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.remains import Remain, remains, remove, size_of
from auditor.retention import Held, Plan, Rule, plan
from auditor.site import Site
from inventories.snapshot import digest_of, leftovers, snapshot_ids

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from auditor.ledger.store import Ledger

#: The act under which the trail tells of a removal; its subject is the snapshot.
ACT = "snapshot.thin"
_WHY = "按保存期限清理"
_ID = re.compile(r"(\d{8}T\d{6}Z)(?:-\d+)?")


@dataclass(frozen=True, slots=True)
class Removal:
    """What the trail tells of a snapshot that went: SHA-256 of its manifest, its day at the site, when it went."""

    snapshot: str
    digest: str
    day: date
    at: datetime


@dataclass(frozen=True, slots=True)
class Thinned:
    """What stays and why, what went (or would), and how many bytes that was.

    ``odd`` are snapshots that are left alone because nothing tells how old they are, or because a person put a link
    in their place; ``notes`` what else could not be done.
    """

    plan: Plan
    snapshot_bytes: int
    remains: tuple[Remain, ...] = ()
    odd: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        return self.snapshot_bytes + sum(one.bytes for one in self.remains)


def thin(site: Site, now: datetime, *, command: str = "auditor snapshot thin") -> Thinned:
    """Removes what the site's rule no longer keeps. Doing it again changes nothing.

    :class:`~auditor.lock.LockHeld` while an audit runs, :class:`~auditor.errors.Refused` where nothing was audited
    yet, LedgerError where the ledger cannot be written: then every snapshot is where it was. OSError where a file
    cannot be removed; the next run goes on.
    """
    from auditor.intake import open_ledger
    from auditor.ledger.holding import hold

    with open_ledger(site) as ledger, hold(site, "audit", command=command, now=now):
        for draft in leftovers(site.snapshots):
            shutil.rmtree(draft)
        _finish(site, ledger)
        thinned = _looked(site, ledger, now)
        rows = [Removal(one.id, digest_of(site.snapshots / one.id), one.day, now) for one in thinned.plan.gone]
        hidden = [_hidden(site, one.snapshot) for one in rows]
        try:
            for path in hidden:
                (site.snapshots / _name(path)).rename(path)
            _sync(site.snapshots)
            if rows:
                with ledger.writing() as connection:
                    _note(connection, rows)
        except BaseException:
            _restore(path for path in hidden if path.exists())
            raise
        for path in hidden:
            shutil.rmtree(path)
        found, notes = remains(site, ledger, now)
        remove(found)
        return replace(thinned, remains=found, notes=notes)


def would(site: Site, now: datetime) -> Thinned:
    """What :func:`thin` would do now; changes nothing and needs no lock."""
    from auditor.intake import open_ledger

    with open_ledger(site) as ledger:
        found, notes = remains(site, ledger, now)
        return replace(_looked(site, ledger, now), remains=found, notes=notes)


def removed(connection: Connection, names: Iterable[str]) -> tuple[Removal, ...]:
    """Of these snapshots, those that went by rule, as the trail tells."""
    from sqlalchemy import select

    from auditor.ledger.office_tables import trail

    wanted = sorted(set(names) - {""})
    statement = select(trail).where(trail.c.act == ACT, trail.c.subject.in_(wanted)).order_by(trail.c.seq)
    return tuple(
        Removal(row.subject, str(row.detail["digest"]), date.fromisoformat(row.detail["day"]), row.at)
        for row in connection.execute(statement)
    )


# --- what there is ------------------------------------------------------------------------------------------


def _looked(site: Site, ledger: Ledger, now: datetime) -> Thinned:
    from auditor.citing import cited

    config, today = site.config.retention, site.today(now)
    started = {row.snapshot: row.started_at for row in ledger.audits() if row.recorded_at is not None}
    held, odd = _held(site, started)
    with ledger.reading() as connection:
        grounds = cited(connection, papers_since=today - timedelta(days=config.paper_days))
    rule = Rule(config.all_days, config.weeks, config.months, config.years)
    planned = plan(held, grounds, rule, today)
    return Thinned(planned, sum(size_of(site.snapshots / one.id) for one in planned.gone), odd=odd)


def _held(site: Site, started: Mapping[str, datetime]) -> tuple[list[Held], tuple[str, ...]]:
    held, odd = [], []
    for name in snapshot_ids(site.snapshots):
        at = started.get(name) or _named_at(name)
        if at is None or (site.snapshots / name).is_symlink():
            odd.append(name)
        else:
            held.append(Held(name, site.today(at), recorded=name in started))
    return held, tuple(odd)


def _named_at(name: str) -> datetime | None:
    """When the audit began that gave a snapshot its name; None for a name that no audit gives."""
    found = _ID.fullmatch(name)
    try:
        return datetime.strptime(found[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


# --- letting go ---------------------------------------------------------------------------------------------


def _hidden(site: Site, name: str) -> Path:
    return site.snapshots / f".{name}.gone"


def _name(hidden: Path) -> str:
    return hidden.name.removeprefix(".").removesuffix(".gone")


def _finish(site: Site, ledger: Ledger) -> None:
    """What a killed run left hidden: deleted where the trail tells of it, and put back where it does not."""
    hidden = sorted(path for path in site.snapshots.glob(".*.gone") if path.is_dir())
    with ledger.reading() as connection:
        told = {one.snapshot for one in removed(connection, map(_name, hidden))}
    for path in hidden:
        if _name(path) in told:
            shutil.rmtree(path)
    _restore(path for path in hidden if path.exists())


def _restore(hidden: Iterable[Path]) -> None:
    for path in hidden:
        target = path.with_name(_name(path))
        if not target.exists():
            path.rename(target)


def _note(connection: Connection, rows: Sequence[Removal]) -> None:
    from auditor.cases.upkeep import PROGRAM
    from auditor.ledger import trail

    told = {one.snapshot for one in removed(connection, (one.snapshot for one in rows))}
    for one in rows:
        # Told already where the answer to an earlier commit was lost on its way.
        if one.snapshot not in told:
            detail = {"digest": one.digest, "day": one.day.isoformat()}
            trail.write(connection, trail.Entry(one.at, PROGRAM, ACT, one.snapshot, _WHY, detail))


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

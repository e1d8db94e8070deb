"""A site's jobs: which zone is looked at by which times, when what was seen is judged, and what is kept. Pure."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from auditor.schedule.cron import Cron, read_cron
from auditor.schedule.days import Avoid

if TYPE_CHECKING:
    from auditor.site import SiteConfig

#: When announcements that have come due are written; departments' offices open later.
ANNOUNCE_AT = "10 5 * * *"
#: When what is kept no longer is removed, where nothing else is said.
THIN_AT = "40 4 * * *"


class Kind(enum.StrEnum):
    PROBE = "probe"
    JUDGE = "judge"
    ANNOUNCE = "announce"
    THIN = "thin"


@dataclass(frozen=True, slots=True)
class Job:
    """One line of a schedule. ``zone`` is empty where no network is touched; no ``probes``: all that the zone gives.

    ``key`` names the job's notes: a zone and what its line says, so that another order of lines changes nothing, and
    a line that says something else is another job, which has nothing to catch up with.
    """

    key: str
    kind: Kind
    zone: str
    probes: tuple[str, ...]
    cron: Cron
    avoid: frozenset[Avoid] = frozenset()
    jitter: timedelta = timedelta()
    catch_up: timedelta = timedelta()

    def spread(self, due: datetime, room: timedelta) -> timedelta:
        """By how much a run begins after its time, less than ``room``.

        It is drawn from the time itself, so that it is known in advance and a restart draws no other.
        """
        drawn = hashlib.sha256(f"{self.key}\0{due.isoformat()}".encode()).digest()
        return min(self.jitter, room) * (int.from_bytes(drawn[:4], "big") / 2**32)


@dataclass(frozen=True, slots=True)
class Plan:
    """Every job, by its key, in the order of ``site.yaml``. ``at_once``: so many runs beside each other."""

    jobs: Mapping[str, Job] = field(default_factory=dict)
    at_once: int = 1

    def of_zone(self, zone: str) -> tuple[Job, ...]:
        return tuple(job for job in self.jobs.values() if job.kind is Kind.PROBE and job.zone == zone)


def plan_of(config: SiteConfig) -> Plan:
    """The jobs of a checked configuration."""
    ours = config.schedule
    catch_up = timedelta(hours=ours.catch_up_hours)
    jobs: list[Job] = []
    for zone in config.zones:
        for times in zone.schedule:
            cron = read_cron(times.cron)
            avoid = ours.avoid if times.avoid is None else times.avoid
            jobs.append(
                Job(
                    key=key_of(zone.id, cron, times.probes),
                    kind=Kind.PROBE,
                    zone=zone.id,
                    probes=times.probes,
                    cron=cron,
                    avoid=frozenset(avoid),
                    jitter=timedelta(seconds=ours.jitter_seconds),
                    catch_up=catch_up,
                )
            )
    if ours.judge:
        # Judging touches no network: no day is avoided, and it comes to the minute.
        jobs.append(Job("judge", Kind.JUDGE, "", (), read_cron(ours.judge), catch_up=catch_up))
    if ours.thin and "retention" in config.model_fields_set:
        # Only where somebody has said how long things are kept; after judging, which goes first where both are due.
        jobs.append(Job("thin", Kind.THIN, "", (), read_cron(ours.thin), catch_up=catch_up))
    if ours.announce_days:
        jobs.append(Job("announce", Kind.ANNOUNCE, "", (), read_cron(ANNOUNCE_AT), catch_up=timedelta(hours=18)))
    return Plan({job.key: job for job in jobs}, ours.at_once)


def asked_for(zone: str, probes: tuple[str, ...]) -> Job:
    """What a person asks for now; by itself it is never due."""
    return Job(f"{zone}.now", Kind.PROBE, zone, probes, read_cron("0 0 29 2 *"))


def key_of(zone: str, cron: Cron, probes: tuple[str, ...]) -> str:
    """Unlike those of other kinds it has a dot, which no zone's id has."""
    said = "\0".join((cron.text, *sorted(set(probes))))
    return f"{zone}.{hashlib.sha256(said.encode()).hexdigest()[:10]}"

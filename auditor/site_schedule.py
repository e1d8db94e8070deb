"""The part of ``site.yaml`` about time: when zones are looked at, and when what was seen is judged."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, Field

from auditor.schedule.cron import Cron, read_cron
from auditor.schedule.days import Avoid
from auditor.schedule.plan import THIN_AT, key_of
from auditor.site_access import Strict
from inventories.documents import Document
from inventories.faults import Fault, did_you_mean
from probes.registry import PROBES

if TYPE_CHECKING:
    from auditor.site import SiteConfig
    from auditor.site_zones import ZoneConfig

_Path: TypeAlias = tuple[str | int, ...]
#: A year with every weekday in every month: what never fits in it never fits.
_SAMPLE = datetime(2027, 1, 1)
#: So many due times tell whether any fits into a window.
_ENOUGH = 400


def _avoid(value: object) -> object:
    known = [kind.value for kind in Avoid]
    if not isinstance(value, str) or value not in known:
        mend = did_you_mean(str(value), known) or f"one of {', '.join(known)}"
        raise ValueError(f"{value!r} is no kind of day: {mend}")
    return Avoid(value)


def _source(value: object) -> object:
    try:
        return str(ipaddress.ip_address(str(value)))
    except ValueError:
        raise ValueError(f"{value!r} is no address: write the scanner's, such as 192.0.2.9") from None


Source: TypeAlias = Annotated[str, BeforeValidator(_source)]
Days: TypeAlias = Annotated[Any, BeforeValidator(_avoid)]


class TimesConfig(Strict):
    """When a zone is looked at: ``cron`` has five fields, in the site's time zone. No ``probes``: all of them.

    ``avoid`` stands instead of the schedule's own; an empty list avoids nothing.
    """

    cron: Annotated[str, Field(min_length=1, max_length=100)]
    probes: tuple[str, ...] = ()
    avoid: tuple[Days, ...] | None = None


class ScheduleConfig(Strict):
    """``judge`` is when what came home is judged: five fields of cron, in the site's time zone; empty: never.

    ``thin`` is when what ``retention`` no longer keeps is removed, where the site has that; empty: never.

    A run begins up to ``jitter_seconds`` after its time, and a time that could not be kept is made up for within
    ``catch_up_hours``; ``at_once`` runs may go on beside each other. No zone is looked at on the days of ``avoid``.
    Departments are told ``announce_days`` ahead (0: never), with ``source_addresses`` and ``contact``.
    """

    judge: Annotated[str, Field(max_length=100)] = ""
    thin: Annotated[str, Field(max_length=100)] = THIN_AT
    jitter_seconds: Annotated[int, Field(ge=0, le=3600)] = 0
    catch_up_hours: Annotated[int, Field(ge=0, le=72)] = 6
    at_once: Annotated[int, Field(ge=1, le=64)] = 4
    avoid: tuple[Days, ...] = ()
    announce_days: Annotated[int, Field(ge=0, le=30)] = 0
    source_addresses: Annotated[tuple[Source, ...], Field(max_length=64)] = ()
    contact: Annotated[str, Field(max_length=200)] = ""


SCHEDULE_MODELS: dict[str, type[BaseModel]] = {"schedule": ScheduleConfig}


def check_schedule(document: Document, config: SiteConfig) -> Iterator[Fault]:
    """What is wrong with the times: every fault, at its place."""
    for name, said in (("judge", config.schedule.judge), ("thin", config.schedule.thin)):
        try:
            if said:
                read_cron(said)
        except ValueError as error:
            yield document.fault(("schedule", name), str(error))
    if config.schedule.announce_days and not config.schedule.contact and not config.contact:
        place = ("schedule", "announce_days")
        yield document.fault(place, "departments are told of scans, and not whom to ask", "add 'contact'")
    for i, zone in enumerate(config.zones):
        seen: set[str] = set()
        for j, times in enumerate(zone.schedule):
            at: _Path = ("zones", i, "schedule", j)
            yield from _check_probes(document, times, at)
            try:
                cron = read_cron(times.cron)
            except ValueError as error:
                yield document.fault((*at, "cron"), str(error))
                continue
            if (key := key_of(zone.id, cron, times.probes)) in seen:
                yield document.fault(at, "the same times and probes stand twice", "keep one of them")
            seen.add(key)
            yield from _check_windows(document, config, zone, cron, at)
        if zone.schedule and zone.by == "bundle":
            what = f"the zone {zone.id!r} is looked at by whoever carries a bundle: no schedule can run there"
            yield document.fault(("zones", i, "schedule"), what, "take 'schedule' out, or change 'by'")


def _check_probes(document: Document, times: TimesConfig, at: _Path) -> Iterator[Fault]:
    for k, name in enumerate(times.probes):
        if name not in PROBES:
            mend = did_you_mean(name, PROBES) or f"one of {', '.join(PROBES)}"
            yield document.fault((*at, "probes", k), f"unknown probe {name!r}", mend)


def _check_windows(
    document: Document, config: SiteConfig, zone: ZoneConfig, cron: Cron, at: _Path
) -> Iterator[Fault]:
    """Times of which none lies in, or soon enough before, any window by which the zone may be looked at."""
    windows = [leave.window for leave in zone.authorisations]
    if not windows or None in windows:
        return
    patience = timedelta(hours=config.schedule.catch_up_hours)
    # Hours of the day alone: those of a zone whose clocks are never changed.
    start = _SAMPLE.replace(tzinfo=UTC)
    dues = islice(cron.between(start, start + timedelta(days=8 * 366), UTC), _ENOUGH)
    if not any(_opens(window, due) <= due + patience for due in dues for window in windows):
        shown = ", ".join(sorted({str(window) for window in windows}))
        yield document.fault(
            (*at, "cron"),
            f"no run could ever begin: the zone may be looked at in {shown} only",
            f"choose times in it, or up to {config.schedule.catch_up_hours} hours (catch_up_hours) before",
        )


def _opens(window: Any, due: datetime) -> datetime:
    """When a window is open from ``due`` on."""
    if window.contains(due):
        return due
    opening = datetime.combine(due.date(), window.start, due.tzinfo)
    return opening if opening > due else opening + timedelta(days=1)

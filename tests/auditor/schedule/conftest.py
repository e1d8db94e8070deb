"""A zone, a sky and a job of a small site, put together from words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from ipaddress import ip_network
from zoneinfo import ZoneInfo

import pytest

from auditor.schedule.cron import read_cron
from auditor.schedule.days import Avoid
from auditor.schedule.plan import Job, Kind
from auditor.schedule.rules import Sky
from inventories.places import Zone
from policies.calendars import Calendar, load_calendar
from probes.profiles import PROFILES
from probes.scope import Authorisation, Window, ZoneScope

CHINA = ZoneInfo("Asia/Shanghai")
PREFIX = ip_network("192.0.2.0/24")


def at(text: str) -> datetime:
    """``2026-11-23 22:00`` at the site, as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


def window(text: str) -> Window:
    first, last = text.split("-")
    return Window(time.fromisoformat(first), time.fromisoformat(last))


def sky(
    *,
    windows: tuple[str | None, ...] = (None,),
    frozen: tuple[tuple[str, str], ...] = (),
    leave: tuple[str, str] = ("2020-01-01", "2099-12-31"),
    calendar: Calendar | None = None,
    by_bundle: bool = False,
) -> Sky:
    zone = Zone(id="mzj", name="民政局", vantage="here", kind="department", prefixes=(PREFIX,), department_id="mzj")
    scope = ZoneScope(
        zone=zone,
        authorisations=tuple(
            Authorisation(
                document=f"授权{n}号",
                approver="分管领导",
                valid_from=date.fromisoformat(leave[0]),
                valid_to=date.fromisoformat(leave[1]),
                prefixes=(PREFIX,),
                window=window(words) if words else None,
            )
            for n, words in enumerate(windows, 1)
        ),
        excluded=(),
        profile=PROFILES["normal"],
        frozen=tuple((date.fromisoformat(a), date.fromisoformat(b)) for a, b in frozen),
    )
    return Sky(CHINA, calendar or load_calendar(), {"mzj": scope}, frozenset({"mzj"} if by_bundle else ()))


def job(
    cron: str = "0 22 * * *", *, catch_up: float = 6, jitter: int = 0, avoid: tuple[str, ...] = (), key: str = "mzj.a"
) -> Job:
    return Job(
        key=key,
        kind=Kind.PROBE,
        zone="mzj",
        probes=(),
        cron=read_cron(cron),
        avoid=frozenset(map(Avoid, avoid)),
        jitter=timedelta(seconds=jitter),
        catch_up=timedelta(hours=catch_up),
    )


@dataclass
class Words:
    """What tests put their worlds together with."""

    at: Callable[[str], datetime] = at
    sky: Callable[..., Sky] = sky
    job: Callable[..., Job] = job


@pytest.fixture(scope="session")
def words() -> Words:
    return Words()

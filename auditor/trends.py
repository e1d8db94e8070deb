"""The history of the figures: noted after each audit and each step of a case, and written out for Prometheus.

What is noted are the same metrics, with the same labels, as those that are served; so that drawings made of both go
on where the other ends.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING

from auditor.ledger import history, tallies, trail
from auditor.ledger.errors import LedgerError
from auditor.ledger.history import Line, Standing
from reports import metrics_office, metrics_parts
from reports.metrics import figures
from reports.metrics_figures import Figures
from reports.metrics_labels import among
from reports.metrics_names import METRICS, Part

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from auditor.ledger.store import Ledger
    from auditor.site import Site
    from reports.model import AuditView

INFO = "auditor_department_info"
_ESCAPED = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})


def note_audit(
    site: Site, ledger: Ledger, view: AuditView, stages: Mapping[str, float] | None = None, *, now: datetime
) -> int:
    """Notes what an audit came to, and how long its stages took.

    What its snapshot shows stands under the day on which the audit ended; findings and cases, which people change
    between audits, under today. Returns how many rows that took; doing it again changes nothing. LedgerError where
    the ledger cannot be written.
    """
    today, ended = site.today(now), site.today(view.ended_at)
    told = figures(view, ended)
    people = {part: told.pop(part) for part in (Part.FINDINGS, Part.CASES)}
    with ledger.writing() as connection:
        if stages:
            history.save_stages(connection, view.run, stages)
        return sum(
            history.note(connection, day, _standing(one for part in those.values() for one in part))
            for day, those in ((ended, told), (today, people))
        )


def note_cases(connection: Connection, day: date) -> int:
    """Notes how cases and findings stand.

    Departments are called as the newest audit knew them.
    """
    known = [dict(labels)["department"] for labels in history.current(connection, INFO)]
    owner = among(known or tallies.departments(connection))
    told = [
        metrics_office.case_counts(tallies.cases_by(connection), owner),
        *metrics_parts.findings(tallies.findings_by(connection), owner),
    ]
    return history.note(connection, day, _standing(told))


@contextmanager
def noting(site: Site, ledger: Ledger, now: datetime) -> Iterator[None]:
    """Around what people do to cases and findings: notes how they stand, where any step was taken in between."""
    with ledger.reading() as connection:
        before = trail.head(connection)
    yield
    # The step is done and stands, whether or not the history could be told of it: the next one tells it too.
    with suppress(LedgerError), ledger.writing() as connection:
        if trail.head(connection) != before:
            note_cases(connection, site.today(now))


def _standing(told: Iterable[Figures]) -> Standing:
    """What of these figures is kept."""
    return {
        one.metric.name: {tuple(zip(one.metric.labels, key, strict=True)): value for key, value in one.series.items()}
        for one in told
        if one.metric.kept
    }


# --- writing it out -----------------------------------------------------------------------------------------


def openmetrics(
    connection: Connection,
    *,
    since: date | None,
    until: date,
    timezone: tzinfo,
    now: datetime,
    labels: Mapping[str, str],
) -> Iterator[str]:
    """The history as OpenMetrics with timestamps, line by line: one sample for each day, at the day's end.

    ``until`` is the last day that is told; today's sample is of ``now``. ``labels`` are put on every series: those
    that Prometheus gives what it scrapes itself (``job``, ``instance``), so that both are one series.
    """
    metric = ""
    for line in history.lines(connection):
        if line.metric not in METRICS:
            # Of an earlier version of the program.
            continue
        if line.metric != metric:
            metric = line.metric
            yield f"# HELP {metric} {METRICS[metric].help}\n# TYPE {metric} gauge\n"
        name = metric + _braces({**dict(line.labels), **labels})
        for day, value in _days(line, since, until):
            yield f"{name} {_number(value)} {_end_of(day, timezone, now)}\n"
    yield "# EOF\n"


def _days(line: Line, since: date | None, until: date) -> Iterator[tuple[date, float]]:
    """Each day on which a series had a value, with that value."""
    ends = [day for day, _value in line.changes[1:]]
    for (start, value), end in zip(line.changes, [*ends, until + timedelta(days=1)], strict=True):
        if value is None:
            continue
        day, last = max(start, since or start), min(end - timedelta(days=1), until)
        while day <= last:
            yield day, value
            day += timedelta(days=1)


def _end_of(day: date, timezone: tzinfo, now: datetime) -> int:
    """Seconds since 1970 at the last second of a day, or now where that is still to come."""
    end = datetime.combine(day, time(23, 59, 59), timezone)
    return math.floor(min(end, now).timestamp())


def _braces(labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{name}="{value.translate(_ESCAPED)}"' for name, value in sorted(labels.items()))
    return f"{{{inside}}}" if inside else ""


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)

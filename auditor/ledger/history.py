"""What stood on which day, kept for ever: a row where a value changed, which holds until the next.

Values that nobody changed cost nothing, so that the history of a large city stays small, and every day of it can be
told: the value of a day is that of the newest row up to it. The metrics' own names and labels are kept, so that what
is drawn from it joins what is scraped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, and_, delete, func, insert, select, update

from auditor.ledger.history_tables import audit_stages, history, history_series
from auditor.ledger.rows import batched
from inventories.model import canonical

#: Names and values, in the order of the names.
Labels: TypeAlias = tuple[tuple[str, str], ...]
#: Metric → series → value, all of them: a series that is not there has none.
Standing: TypeAlias = Mapping[str, Mapping[Labels, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """One series with the days on which it changed, oldest first; None: from that day on it had no value."""

    metric: str
    labels: Labels
    changes: tuple[tuple[date, float | None], ...]


def note(connection: Connection, day: date, standing: Standing) -> int:
    """Notes what stands on a day; of one day the last word counts. Returns how many rows that wrote or removed.

    A metric of which a later day is noted already stays as it is: a clock that was set back rewrites nothing.
    """
    written = 0
    newest = _newest_days(connection, tuple(standing))
    for metric in sorted(standing):
        if metric not in newest or newest[metric] <= day:
            written += _note(connection, day, metric, standing[metric])
    return written


def lines(connection: Connection, metrics: Sequence[str] = ()) -> Iterator[Line]:
    """Every series with its changes, by metric and labels; of the metrics that are named, or of all."""
    statement = select(history_series.c.metric, history_series.c.labels, history.c.day, history.c.value).join(
        history, history.c.series == history_series.c.id
    )
    if metrics:
        statement = statement.where(history_series.c.metric.in_(sorted(set(metrics))))
    order = (history_series.c.metric, history_series.c.labels, history.c.day)
    # A large city's years are read as they are asked for.
    rows = connection.execution_options(yield_per=5000).execute(statement.order_by(*order))
    for (metric, labels), group in groupby(rows, key=lambda row: (row.metric, row.labels)):
        yield Line(metric, _labels(labels), tuple((row.day, row.value) for row in group))


def current(connection: Connection, metric: str) -> dict[Labels, float]:
    """What a metric's series stand at."""
    found = connection.execute(_latest(metric, None))
    return {_labels(row.labels): row.value for row in found if row.value is not None}


def first_day(connection: Connection) -> date | None:
    """The first day that is noted; None where none is."""
    found: date | None = connection.execute(select(func.min(history.c.day))).scalar()
    return found


def save_stages(connection: Connection, audit: str, seconds: Mapping[str, float]) -> None:
    """How long each stage of an audit took; doing it again replaces what was said before."""
    connection.execute(delete(audit_stages).where(audit_stages.c.audit == audit))
    if seconds:
        rows = [{"audit": audit, "stage": stage, "seconds": took} for stage, took in seconds.items()]
        connection.execute(insert(audit_stages), rows)


def stages_of(connection: Connection, audit: str) -> dict[str, float]:
    """Stage → seconds; empty where nobody said."""
    found = connection.execute(select(audit_stages).where(audit_stages.c.audit == audit))
    return {row.stage: row.seconds for row in found}


def _newest_days(connection: Connection, metrics: Sequence[str]) -> dict[str, date]:
    statement = (
        select(history_series.c.metric, func.max(history.c.day).label("day"))
        .join(history, history.c.series == history_series.c.id)
        .where(history_series.c.metric.in_(metrics))
        .group_by(history_series.c.metric)
    )
    return {row.metric: row.day for row in connection.execute(statement)}


def _latest(metric: str, before: date | None) -> Select[Any]:
    """Each series of a metric with its newest row, or its newest before a day."""
    conditions = [history_series.c.metric == metric, *([history.c.day < before] if before else [])]
    newest = (
        select(history.c.series, func.max(history.c.day).label("day"))
        .join(history_series, history.c.series == history_series.c.id)
        .where(*conditions)
        .group_by(history.c.series)
        .subquery()
    )
    return (
        select(history_series.c.id, history_series.c.labels, history.c.value)
        .join(newest, newest.c.series == history_series.c.id)
        .join(history, and_(history.c.series == newest.c.series, history.c.day == newest.c.day))
    )


def _note(connection: Connection, day: date, metric: str, standing: Mapping[Labels, float]) -> int:
    wanted = {_text(labels): value for labels, value in standing.items()}
    known = _known(connection, metric, wanted)
    before = {row.id: row.value for row in connection.execute(_latest(metric, day))}
    today = select(history.c.series, history.c.value).join(history_series).where(history_series.c.metric == metric)
    here = {row.series: row.value for row in connection.execute(today.where(history.c.day == day))}
    fresh, changed, undone = [], [], []
    for labels, series in known.items():
        value = wanted.get(labels)
        if value == before.get(series):
            # As it was the day before: what was noted earlier today is taken back.
            undone += [series] if series in here else []
        elif series not in here:
            fresh.append({"series": series, "day": day, "value": value})
        elif here[series] != value:
            changed.append((series, value))
    if fresh:
        connection.execute(insert(history), fresh)
    for series, value in changed:
        mine = and_(history.c.series == series, history.c.day == day)
        connection.execute(update(history).where(mine).values(value=value))
    for ids in batched(undone):
        connection.execute(delete(history).where(history.c.series.in_(ids), history.c.day == day))
    return len(fresh) + len(changed) + len(undone)


def _known(connection: Connection, metric: str, wanted: Mapping[str, float]) -> dict[str, int]:
    """The ids of a metric's series, those that are new among them."""
    statement = select(history_series.c.labels, history_series.c.id).where(history_series.c.metric == metric)
    known = {row.labels: row.id for row in connection.execute(statement)}
    new = [{"metric": metric, "labels": labels} for labels in sorted(wanted.keys() - known.keys())]
    if new:
        connection.execute(insert(history_series), new)
        known = {row.labels: row.id for row in connection.execute(statement)}
    return known


def _text(labels: Labels) -> str:
    return canonical(dict(labels))


def _labels(text: str) -> Labels:
    return tuple(json.loads(text).items())

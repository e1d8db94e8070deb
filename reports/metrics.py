"""Figures as Prometheus text: format 0.0.4 for files and old scrapers, OpenMetrics 1.0 for the others.

Only what is handed in is written: nothing of this process (its memory, its Python) is mixed into a city's figures.
Each part of the text can be written by itself and joined to the others (:func:`render`, :func:`joined`), so that
what did not change need not be written again.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.exposition import generate_latest as _plain
from prometheus_client.openmetrics.exposition import generate_latest as _openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from reports import metrics_office as office
from reports import metrics_parts as parts
from reports.files import write_whole
from reports.metrics_figures import Figures
from reports.metrics_labels import owners
from reports.metrics_names import CLOSING_DAYS, HISTOGRAM, Part
from reports.model import AuditView

END = b"# EOF\n"
# The client's own spelling of numbers; it has no types.
_number: Callable[[float], str] = floatToGoString


class Format(enum.StrEnum):
    """The two formats, by their content types."""

    PLAIN = CONTENT_TYPE_PLAIN_0_0_4
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def figures(view: AuditView, today: date | None = None) -> dict[Part, list[Figures]]:
    """Every part that an audit's view tells of. ``today`` is the audit's own day where none is given."""
    day = today or view.as_of
    owner = owners(view.departments)
    return {
        Part.INVENTORY: parts.inventory(view, day),
        Part.MIGRATION: parts.migration(view),
        Part.RULES: parts.rules(view),
        Part.FINDINGS: parts.findings(parts.finding_counts(view), owner),
        Part.PROBES: parts.probes(view),
        Part.CASES: office.cases(view.cases, owner),
    }


def render_metrics(view: AuditView, *, today: date | None = None, form: Format = Format.PLAIN) -> str:
    """An audit as text in UTF-8; the same view gives the same text.

    Of the trail and the store, which no view tells of, nothing is said. Pure: no clock and no network.
    """
    told = figures(view, today)
    last = office.always(view.version, dict.fromkeys(told, True))
    return joined([render([*(one for part in told.values() for one in part), *last], form)], form).decode()


def render(told: Iterable[Figures], form: Format) -> bytes:
    """Figures as a piece of text, without what ends a whole one. A metric without a series still has its help.

    Byte for byte what the Prometheus client writes of the same families; gauges, of which a large city has hundreds
    of thousands, are written here, in a fifth of its time.
    """
    return b"".join(_histogram(one, form) if one.metric.kind == HISTOGRAM else _gauge(one) for one in told)


def joined(pieces: Iterable[bytes], form: Format) -> bytes:
    """A whole text of pieces that hold each metric once."""
    return b"".join((*pieces, END if form is Format.OPENMETRICS else b""))


def write_textfile(text: str, path: Path) -> None:
    """Writes metrics for the node exporter's textfile collector, whole or not at all.

    The file alone of all that an audit writes is readable by everybody (0644): the exporter runs as another
    user, and the text holds counts only. The temporary name does not end in ``.prom``, so the collector never
    reads a half. The folder's own rights stay as they are: give the exporter a folder it may enter.
    """
    write_whole(path, text.encode(), mode=0o644)


def _gauge(told: Figures) -> bytes:
    """Both formats write gauges alike."""
    metric = told.metric
    lines = [f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"]
    places = sorted(range(len(metric.labels)), key=metric.labels.__getitem__)
    safe = _Escaped()
    form = ",".join(f'{metric.labels[place]}="%s"' for place in places)
    form = f"{metric.name}{{{form}}} %s\n" if places else f"{metric.name} %s\n"
    for key, value in sorted(told.series.items()):
        lines.append(form % (*[safe[key[place]] for place in places], _number(value)))
    return "".join(lines).encode()


class _Escaped(dict[str, str]):
    """Labels' values as they stand between quotes, each worked out once."""

    def __missing__(self, value: str) -> str:
        self[value] = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
        return self[value]


def _histogram(told: Figures, form: Format) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Told([told]))
    # The client's module of OpenMetrics has no types.
    write: Callable[[Collector], bytes] = _plain if form is Format.PLAIN else _openmetrics
    return write(registry).removesuffix(END)


class _Told(Collector):
    def __init__(self, told: Iterable[Figures]) -> None:
        self._told = told

    def collect(self) -> Iterator[Metric]:
        return map(family, self._told)


def family(told: Figures) -> Metric:
    """Figures as the Prometheus client's own record, its series in the order of their labels."""
    metric = told.metric
    if metric.kind == HISTOGRAM:
        spread = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
        for key, found in sorted(told.spreads.items()):
            buckets = [(str(float(bound)), number) for bound, number in zip(CLOSING_DAYS, found.below, strict=True)]
            spread.add_metric(list(key), [*buckets, ("+Inf", found.count)], found.total)
        return spread
    gauge = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    for key, value in sorted(told.series.items()):
        gauge.add_metric(list(key), value)
    return gauge

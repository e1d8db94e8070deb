"""A metric with its series: what every part is made of, before it is any text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reports.metrics_labels import Labels, bounded
from reports.metrics_names import METRICS, Metric


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram's figures: how many lie at or below each bound of the metric, how many there are, their sum."""

    below: tuple[int, ...]
    count: int
    total: float


@dataclass(frozen=True, slots=True)
class Figures:
    """A metric with its series."""

    metric: Metric
    series: Mapping[Labels, float] = field(default_factory=dict)
    spreads: Mapping[Labels, Spread] = field(default_factory=dict)


def figures(name: str, series: Mapping[Labels, float]) -> Figures:
    metric = METRICS[name]
    return Figures(metric, bounded(metric.labels, series))


def one(name: str, value: float | None) -> Figures:
    return figures(name, {} if value is None else {(): float(value)})


def stamp(at: datetime | None) -> float | None:
    return at.timestamp() if at else None

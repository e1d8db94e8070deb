"""The page of metrics is that of the program, and names every one of them."""

from __future__ import annotations

from reports.metrics_names import ALWAYS, METRICS, Part, of_part
from tools import metrics_page


def test_the_page_is_not_stale() -> None:
    assert metrics_page.PAGE.read_text(encoding="utf-8") == metrics_page.page(), "docs/metrics.md is stale: make docs"


def test_every_metric_stands_on_it_once() -> None:
    headings = [line[4:] for line in metrics_page.page().splitlines() if line.startswith("### ")]
    assert headings == list(METRICS)


def test_every_metric_is_of_one_part() -> None:
    told = [metric.name for part in Part for metric in of_part(part)] + [metric.name for metric in ALWAYS]
    assert sorted(told) == sorted(METRICS)
    assert all(of_part(part) for part in Part)

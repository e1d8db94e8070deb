"""Writes docs/metrics.md from the metrics' own declarations: ``python -m tools.metrics_page`` (``make docs``)."""

from __future__ import annotations

from pathlib import Path

from reports.metrics_names import ALWAYS, CLOSING_DAYS, HISTOGRAM, KEPT, READ_FROM, Metric, Part, of_part

PAGE = Path(__file__).resolve().parents[1] / "docs" / "metrics.md"

HEAD = """\
# Metrics

<!-- Written by `make docs` from reports/metrics_names.py; do not edit. -->

`auditor serve` answers Prometheus at `http://127.0.0.1:9464/metrics`; `auditor metrics` prints the same text, and
`auditor metrics --textfile FILE` writes it for the node exporter's textfile collector, whole or not at all. All
figures are those of the newest recorded audit and of the ledger as it stands; a scan in progress shows nowhere.

- The text is written once per audit, step in the ledger, and day, and served from memory, in the plain format and in
  OpenMetrics, packed where the scraper takes gzip. A scrape reads no snapshot, and asks the ledger at most whether
  anything changed.
- A label never holds a host, an address or a system's name. Departments are called by their codes;
  `auditor_department_info`, `auditor_rule_info`, `auditor_pack_info` and `auditor_zone_info` hold the names, for
  joining: `sum by (department) (auditor_findings{state="open"}) * on (department) group_left (name)
  auditor_department_info`. What belongs to no department is `unassigned` (未归属部门).
- **Unknown is not nought.** What nobody has shown is a value of its own (`not_known`, `untold`, `unknown`), and a
  part that cannot be told at all has no series: `auditor_scrape_part_success` says which part, and the log of
  `auditor serve` why. The other parts come all the same.
- Series are bounded by departments × rules. A pair of department and rule that never had a finding, and a department
  that never had a case, have no series; every denominator has.
"""

HISTORY = """\
## History

The ledger keeps these metrics for every day, with the same labels, by their changes alone, for ever:
{kept}.

`auditor metrics --backfill FILE` writes them as OpenMetrics with a sample for each day, at the day's end at the site,
up to yesterday; `promtool` makes blocks of them that Prometheus takes into its own:

```text
auditor metrics --backfill history.om --label job=auditor --label instance=auditor --until 2026-11-30
promtool tsdb create-blocks-from openmetrics history.om /var/lib/prometheus/metrics2
```

- Give the labels that the scrape gives, so that both are one series (those above are what `auditor deploy prometheus`
  sets), and `--until` the day before the first scrape.
- Prometheus drops blocks that are older than its retention: set `--storage.tsdb.retention.time` to as many years as
  are to be shown.
- A sample a day stands further apart than Prometheus looks back (five minutes). Drawings of long trends ask
  `last_over_time(auditor_systems_in_scope[26h])`, which reads what was scraped and what was filled in alike.
- `promtool` reads the file once for each day that it covers. Large cities fill in month by month, with `--since` and
  `--until`.
"""


def page() -> str:
    """The whole page as Markdown."""
    parts = [_part(f"Part `{part}`: from {READ_FROM[part]}", of_part(part)) for part in Part]
    kept = ", ".join(f"`{name}`" for name in KEPT)
    return "\n".join([HEAD, *parts, _part("Always there", ALWAYS), HISTORY.format(kept=kept)])


def _part(heading: str, metrics: tuple[Metric, ...]) -> str:
    return "\n".join([f"## {heading}\n", *map(_metric, metrics)])


def _metric(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
    lines = [f"### {metric.name}\n", f"{metric.help}\n", f"- {metric.kind}; labels: {labels}"]
    if metric.kind == HISTOGRAM:
        lines.append(f"- buckets: {', '.join(map(str, CLOSING_DAYS))}, +Inf")
    lines += [f"- `{label}`: {', '.join(f'`{v}`' for v in values)}" for label, values in metric.values.items()]
    if metric.note:
        lines.append(f"- {metric.note}")
    if metric.kept:
        lines.append("- kept in the history")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

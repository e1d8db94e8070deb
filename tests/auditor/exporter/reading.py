"""Reading metrics back, and asking the ledger's file the same questions past the program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from auditor.exporter.gathering import Gathered
from auditor.exporter.pages import Page
from auditor.ledger.place import LedgerPlace
from reports.metrics import Format, joined
from tests.auditor.ledgers import past


def text_of(gathered: Gathered, form: Format = Format.PLAIN) -> str:
    return joined([Page(gathered).body(form)], form).decode()


class Read:
    """A text's samples: name → labels → value."""

    def __init__(self, text: str, form: Format = Format.PLAIN) -> None:
        parse = plain if form is Format.PLAIN else openmetrics
        self.samples: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        for family in parse(text):
            for sample in family.samples:
                found = self.samples.setdefault(sample.name, {})
                key = tuple(sorted(sample.labels.items()))
                assert key not in found, f"{sample.name}{key} stands twice"
                found[key] = sample.value

    def by(self, name: str, *labels: str) -> dict[Any, float]:
        """Sums by these labels, a nought left out; by one label its bare value."""
        out: Counter[Any] = Counter()
        for key, value in self.samples.get(name, {}).items():
            values = tuple(dict(key)[label] for label in labels)
            out[values[0] if len(values) == 1 else values] += value
        return {key: value for key, value in out.items() if value}

    def one(self, name: str) -> float:
        (value,) = self.samples[name].values()
        return value

    def parts(self) -> Mapping[str, float]:
        return {dict(key)["part"]: value for key, value in self.samples["auditor_scrape_part_success"].items()}


def rows(ledger: LedgerPlace, query: str) -> dict[Any, int]:
    """A counting query's answer; the last column counts."""
    with past(ledger) as database:
        found = database.rows(query)
    return {row[0] if len(row) == 2 else row[:-1]: row[-1] for row in found}

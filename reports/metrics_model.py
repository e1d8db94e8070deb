"""What a metric is, and the parts that metrics come in. The catalogue itself is :mod:`reports.metrics_names`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Part(enum.StrEnum):
    """What can be unknown by itself: the metrics of a part are all there, or ``part_success`` says 0 and none is."""

    INVENTORY = "inventory"
    MIGRATION = "migration"
    RULES = "rules"
    FINDINGS = "findings"
    PROBES = "probes"
    CASES = "cases"
    TRAIL = "trail"
    STORE = "store"
    SCHEDULE = "schedule"
    LOOKS = "looks"


#: What each part is read from, for people.
READ_FROM: Mapping[Part, str] = {
    Part.INVENTORY: "the newest recorded audit's snapshot",
    Part.MIGRATION: "that snapshot, and the waivers that the ledger lays over findings",
    Part.RULES: "that snapshot's packs and judgement",
    Part.FINDINGS: "the ledger",
    Part.PROBES: "that snapshot's coverage, and the ledger's audits",
    Part.CASES: "the ledger",
    Part.TRAIL: "the ledger's audit trail",
    Part.STORE: "the files of the site's state folder",
    Part.SCHEDULE: "`site.yaml`, and what the scheduler notes in the site's state folder",
    Part.LOOKS: "the looks that the site keeps, and what is noted of its workers",
}

GAUGE, HISTOGRAM = "gauge", "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``values`` tells of labels that take few values which those are; ``kept``: the history has it."""

    name: str
    part: Part
    help: str
    labels: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    kept: bool = False
    kind: str = GAUGE
    note: str = ""

"""The figures of the office: cases, the audit trail, the store, the schedule; and what is always there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reports.metrics_figures import Figures, Spread, figures, one, stamp
from reports.metrics_labels import OTHER, Labels, Owner, code, title
from reports.metrics_names import BY, CASE_STATES, CLOSING_DAYS, METRICS, SKIPPED
from reports.model import CaseView


def case_counts(pairs: Mapping[tuple[str, str], int], owner: Owner) -> Figures:
    """Cases by department and state; whoever ever had one has every state."""
    series: Counter[Labels] = Counter()
    for (department, state), number in pairs.items():
        label = owner(department)
        series[label, state if state in CASE_STATES else OTHER] += number
        for each in CASE_STATES:
            series[label, each] += 0
    return figures("auditor_cases", series)


def cases(views: Iterable[CaseView], owner: Owner) -> list[Figures]:
    views = tuple(views)
    overdue: Counter[Labels] = Counter()
    closing: dict[Labels, list[int]] = {}
    for case in views:
        label = (owner(case.department_id),)
        overdue[label] += case.overdue
        if case.state == "closed" and case.issued_on and case.closed_on:
            closing.setdefault(label, []).append((case.closed_on - case.issued_on).days)
    return [
        case_counts(Counter((case.department_id, case.state) for case in views), owner),
        figures("auditor_cases_overdue", overdue),
        Figures(METRICS["auditor_case_closing_days"], spreads={who: _spread(days) for who, days in closing.items()}),
    ]


def _spread(days: list[int]) -> Spread:
    return Spread(tuple(sum(day <= bound for day in days) for bound in CLOSING_DAYS), len(days), float(sum(days)))


@dataclass(frozen=True, slots=True)
class Store:
    """How large the ledger is, and how much room is left where it lies."""

    ledger_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Trail:
    """How many steps the audit trail has, what the newest check of it found, and when: None before a first one."""

    steps: int
    faults: int | None = None
    checked_at: datetime | None = None


def store(facts: Store) -> list[Figures]:
    return [
        one("auditor_ledger_size_bytes", facts.ledger_bytes),
        one("auditor_state_free_bytes", facts.free_bytes),
    ]


def trail(facts: Trail) -> list[Figures]:
    return [
        one("auditor_trail_steps", facts.steps),
        one("auditor_trail_faults", facts.faults),
        one("auditor_trail_checked_timestamp_seconds", stamp(facts.checked_at)),
    ]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """How the schedule stands, by zone (``none``: judging): newest run, next one, and skips by zone and reason.

    ``paused`` is since when (``_everything``: the whole schedule), ``stopped`` since when all probing is.
    """

    last: Mapping[str, datetime]
    next: Mapping[str, datetime]
    skipped: Mapping[tuple[str, str], int]
    paused: Mapping[str, datetime] = field(default_factory=dict)
    stopped: datetime | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks at zones, and how new that is: zone → moment, or (zone, who looks) → moment.

    ``deadline`` is by when a planned look has to be home, ``seen`` until when the newest saw, ``expires`` when the
    first of them stands no longer; ``answered`` when a worker last did, ``unanswered`` since when none does.
    """

    deadline: Mapping[str, datetime] = field(default_factory=dict)
    seen: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    expires: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    answered: Mapping[str, datetime] = field(default_factory=dict)
    unanswered: Mapping[str, datetime] = field(default_factory=dict)


def schedule(facts: Scheduled) -> list[Figures]:
    skips: Counter[Labels] = Counter()
    for (zone, reason), number in facts.skipped.items():
        skips[code(zone), reason if reason in SKIPPED else OTHER] += number
    return [
        figures("auditor_schedule_last_run_timestamp_seconds", _stamps(facts.last)),
        figures("auditor_schedule_next_run_timestamp_seconds", _stamps(facts.next)),
        figures("auditor_schedule_skipped_runs", skips),
        figures("auditor_schedule_paused_timestamp_seconds", _stamps(facts.paused)),
        one("auditor_probing_stopped_timestamp_seconds", stamp(facts.stopped)),
    ]


def watch(facts: Watch) -> list[Figures]:
    return [
        figures("auditor_look_deadline_timestamp_seconds", _stamps(facts.deadline)),
        figures("auditor_look_seen_timestamp_seconds", _stamps_by(facts.seen)),
        figures("auditor_look_expires_timestamp_seconds", _stamps_by(facts.expires)),
        figures("auditor_worker_answered_timestamp_seconds", _stamps(facts.answered)),
        figures("auditor_worker_unanswered_timestamp_seconds", _stamps(facts.unanswered)),
    ]


def _stamps_by(times: Mapping[tuple[str, str], datetime]) -> dict[Labels, float]:
    return {(code(zone), by if by in BY else OTHER): at.timestamp() for (zone, by), at in times.items()}


def _stamps(times: Mapping[str, datetime]) -> dict[Labels, float]:
    return {(code(zone),): at.timestamp() for zone, at in times.items()}


def always(version: str, succeeded: Mapping[str, bool]) -> list[Figures]:
    return [
        figures("auditor_build_info", {(title(version, 40),): 1.0}),
        figures("auditor_scrape_part_success", {(part,): float(done) for part, done in succeeded.items()}),
    ]

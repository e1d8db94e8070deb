"""The metrics of time and of who looks: the schedule, the looks that are kept, and the zones' workers."""

from __future__ import annotations

from reports.metrics_model import Metric, Part

#: Why a due time was not run.
SKIPPED = (
    "missed",
    "still_running",
    "paused",
    "stopped",
    "frozen",
    "avoided",
    "not_authorised",
    "outside_window",
    "zone_busy",
    "no_place",
    "by_bundle",
    "already_run",
)
#: Who looks at a zone (`by` in `site.yaml`).
BY = ("centre", "worker", "bundle")

TIMES = (
    Metric(
        "auditor_schedule_last_run_timestamp_seconds",
        Part.SCHEDULE,
        "Start of the newest run that the scheduler saw end, whatever it came to.",
        ("zone",),
        note="`zone` is `none` for judging. No series where there was none yet.",
    ),
    Metric(
        "auditor_schedule_next_run_timestamp_seconds",
        Part.SCHEDULE,
        "When the next run may begin by times, days to avoid, freezes and authorisations.",
        ("zone",),
        note="`zone` is `none` for judging. No series where none is foreseen; pauses and the stop are not looked at.",
    ),
    Metric(
        "auditor_schedule_skipped_runs",
        Part.SCHEDULE,
        "Due times that were not run, by reason, since the notes of their line began.",
        ("zone", "reason"),
        {"reason": SKIPPED},
        note="It only grows, but for a line of `site.yaml` that is changed or lost its notes: `increase()` fits.",
    ),
    Metric(
        "auditor_schedule_paused_timestamp_seconds",
        Part.SCHEDULE,
        "Since when a zone is paused, by a person's word.",
        ("zone",),
        note="`zone` is `_everything` where the whole schedule is. A series for as long as the pause lasts.",
    ),
    Metric(
        "auditor_probing_stopped_timestamp_seconds",
        Part.SCHEDULE,
        "Since when all probing is stopped (`auditor stop`).",
        note="A series for as long as the stop lasts.",
    ),
    Metric(
        "auditor_look_deadline_timestamp_seconds",
        Part.LOOKS,
        "By when the zone has to have been looked at, by its own times; later, that was missed or failed.",
        ("zone",),
        note="Of the earliest planned look after the newest that came home, whoever took that: when it may no more "
        "be made up for (`catch_up_hours`) and the authorised window has closed. Mostly in the future. Days to "
        "avoid, freezes, times without authorisation, and what a pause or the stop left out are not planned looks; a "
        "run that goes on is waited for until the next. No series where the scheduler has not begun with the zone.",
    ),
    Metric(
        "auditor_look_seen_timestamp_seconds",
        Part.LOOKS,
        "Until when the newest look that is kept of a zone saw.",
        ("zone", "by"),
        {"by": BY},
        note="`by`: who looks, by `site.yaml`. No series where no look is kept, or the site keeps none.",
    ),
    Metric(
        "auditor_look_expires_timestamp_seconds",
        Part.LOOKS,
        "When the first of a zone's newest looks, one for each probe, stands no longer (`valid_days`).",
        ("zone", "by"),
        {"by": BY},
        note="Of a zone whose looks are carried by hand: when the newest bundle does. After that the zone is "
        "uncovered in the audits that take looks. No series where no look is kept.",
    ),
    Metric(
        "auditor_worker_answered_timestamp_seconds",
        Part.LOOKS,
        "When a worker of the zone last answered.",
        ("zone",),
        note="Workers are heard only while a run waits for them. No series where none ever answered.",
    ),
    Metric(
        "auditor_worker_unanswered_timestamp_seconds",
        Part.LOOKS,
        "Since when shards of the zone were given up because nobody answered.",
        ("zone",),
        note="A series until a worker answers again.",
    ),
)

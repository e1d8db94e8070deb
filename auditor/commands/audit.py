"""``audit`` and ``evaluate``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import Exit, Refused
from auditor.output import print_faults, print_json, print_table, say, stdout
from auditor.site import load_site
from inventories.faults import clean, did_you_mean
from policies.model import Severity

if TYPE_CHECKING:
    from auditor.pipeline import Audited
    from probes.run import Event
    from reports.progress import Progress

_LIVE = ("open", "reopened", "stale")


def audit(
    root: Path,
    *,
    zones: Sequence[str],
    probes: Sequence[str],
    resume: bool,
    collected: bool,
    fail_on: str | None,
    as_json: bool,
) -> int:
    from auditor.pipeline import audit as run_audit
    from auditor.running import Request
    from reports.progress import progress

    threshold = _severity(fail_on)
    site = load_site(root)
    request = Request(tuple(zones), tuple(probes), resume, clean(" ".join(sys.argv), 300), collected)
    with progress() as drawing:
        result = run_audit(site, request, on_event=lambda event: tell(drawing, event), on_stage=drawing.stage)
    for refusal in result.leave.refusals:
        say(f"{refusal.zone.id}: not one packet: {clean(refusal.message)}")
    if result.looked.left_out:
        say(f"not looked at anew, and their findings untouched: {', '.join(sorted(result.looked.left_out))}")
    print_faults(result.registers.faults, kind="refused")
    if result.registers.dropped_classified:
        say(f"{result.registers.dropped_classified} classified rows were dropped at intake")
    for note in result.notes:
        say(clean(note, 300))
    if as_json:
        print_json(_body(result))
    else:
        from reports.summary import print_summary

        print_summary(result.view, result.written, stdout(), site=root)
    return _status(result, threshold)


def _severity(word: str | None) -> Severity | None:
    if word is None:
        return None
    try:
        return Severity(word)
    except ValueError:
        known = [severity.value for severity in Severity]
        raise Refused(
            f"unknown severity {word!r}: {did_you_mean(word, known) or 'one of ' + ', '.join(known)}"
        ) from None


def tell(drawing: Progress, event: Event) -> None:
    from probes.run import Happening

    if event.happening in (Happening.FAILED, Happening.STOPPING):
        drawing.note(f"{event.zone}: {event.text}")
    if event.total:
        drawing.zone(event.zone, event.done, event.total, event.text)


def _status(result: Audited, threshold: Severity | None) -> int:
    """Uncovered scope outranks ``--fail-on``: a count of findings is no answer while some of the city is unseen."""
    if result.status is not Exit.DONE or threshold is None:
        return result.status
    found = (f for f in result.view.findings if f.state in _LIVE)
    return Exit.FAIL_ON if any(Severity(f.severity).rank >= threshold.rank for f in found) else Exit.DONE


def _body(result: Audited) -> dict[str, object]:
    view, changes = result.view, result.changes
    return {
        "run": view.run,
        "snapshot": view.snapshot,
        "as_of": view.as_of.isoformat(),
        "complete": result.status is Exit.DONE,
        "changes": {
            "new": changes.new,
            "still_open": changes.still_open,
            "reopened": changes.reopened,
            "resolved": changes.resolved,
            "stale": changes.stale,
            "waived": changes.waived,
        },
        "unknown": len(view.unknowns),
        "findings": [f.as_json() for f in view.findings if f.state in _LIVE],
        "zones": [
            {
                "zone": probe.zone,
                "probe": probe.probe,
                "success": probe.success,
                "covered_ratio": probe.ratio,
                "problems": list(probe.problems),
                "limits": list(probe.limits),
            }
            for probe in view.probes
        ],
        "left_out": sorted(result.looked.left_out),
        "register_faults": [str(fault) for fault in result.registers.faults],
        "written": {
            "notices": [str(path) for path in result.written.notices],
            "drafter_notes": [str(path) for path in result.written.drafter_notes],
            "ledger": str(result.written.ledger) if result.written.ledger else None,
            "metrics": str(result.written.metrics),
            "quarantine": [str(path) for path in result.written.quarantine],
        },
    }


def evaluate(root: Path, *, snapshot: str | None, as_of: str | None, as_json: bool) -> int:
    """Judges a stored snapshot by its own packs, perhaps by the law in force on another day."""
    from auditor.judging import pick, reopen

    site = load_site(root)
    judged = reopen(site, pick(site, snapshot), as_of=_day(as_of))
    counts = [(c.rule, c.department_id, c.verdict.value, c.number) for c in judged.evaluation.counts]
    if as_json:
        print_json(
            {
                "snapshot": judged.snapshot,
                "as_of": judged.as_of.isoformat(),
                "digest": judged.evaluation.digest,
                "counts": [
                    {"rule": rule, "department_id": department, "verdict": verdict, "number": number}
                    for rule, department, verdict, number in counts
                ],
                "violations": [
                    {
                        "rule": outcome.rule,
                        "asset_key": outcome.asset_key,
                        "asset_name": outcome.asset_name,
                        "department_id": outcome.department_id,
                        "verdict": outcome.verdict.value,
                        "values": dict(outcome.values),
                    }
                    for outcome in judged.evaluation.outcomes
                ],
            }
        )
        return Exit.DONE
    totals: dict[str, dict[str, int]] = {}
    for rule, _department, verdict, number in counts:
        totals.setdefault(rule, {})[verdict] = totals.get(rule, {}).get(verdict, 0) + number
    verdicts = ("violation", "waived", "unknown", "compliant", "not_applicable")
    print_table(
        ("rule", *verdicts), ((rule, *(row.get(verdict, 0) for verdict in verdicts)) for rule, row in totals.items())
    )
    say(f"snapshot {judged.snapshot} as of {judged.as_of}; nothing was recorded")
    return Exit.DONE


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text!r} is no date: write one such as 2026-01-31") from None

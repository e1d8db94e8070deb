"""``snapshot list``, ``verify``, ``replay`` and ``thin``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import clock
from auditor.errors import Exit
from auditor.intake import open_ledger
from auditor.ledger.presence import exists
from auditor.output import print_faults, print_json, print_table, say
from auditor.site import Site, load_site
from inventories.faults import clean
from inventories.snapshot import snapshot_ids
from inventories.snapshot import verify as verify_snapshot

if TYPE_CHECKING:
    from auditor.thinning import Thinned


def list_all(root: Path, *, as_json: bool) -> int:
    site = load_site(root)
    recorded = _recorded(site)
    rows = [
        {
            "snapshot": name,
            "bytes": sum(file.stat().st_size for file in (site.snapshots / name).rglob("*") if file.is_file()),
            "recorded": name in recorded,
            "run": recorded.get(name, ""),
        }
        for name in snapshot_ids(site.snapshots)
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(
            ("snapshot", "bytes", "recorded in the ledger", "by audit"),
            (tuple(row.values()) for row in rows),
            none="there are no snapshots: 'auditor audit' makes one",
        )
    return Exit.DONE


def _recorded(site: Site) -> dict[str, str]:
    """Snapshot → the audit that recorded it. One that no audit recorded was sealed by a killed process."""
    if not exists(site.ledger):
        return {}
    with open_ledger(site) as ledger:
        return {row.snapshot: row.id for row in ledger.audits() if row.recorded_at is not None}


def verify(root: Path, name: str | None, *, as_json: bool) -> int:
    from auditor.judging import pick

    site = load_site(root)
    names = [pick(site, name)] if name else snapshot_ids(site.snapshots)
    found = {snapshot: verify_snapshot(site.snapshots / snapshot) for snapshot in names}
    if as_json:
        print_json({snapshot: [str(fault) for fault in faults] for snapshot, faults in found.items()})
    else:
        for snapshot, faults in found.items():
            print_faults(faults)
            say(f"{snapshot}: " + (f"{len(faults)} faults" if faults else "as it was sealed"))
    return Exit.FAILED if any(found.values()) else Exit.DONE


def replay(root: Path, name: str | None, *, as_json: bool) -> int:
    """Judges again from what the snapshot holds: the same outcomes, or exit 3."""
    from auditor.judging import pick, recorded_digest, reopen

    site = load_site(root)
    snapshot = pick(site, name)
    faults = verify_snapshot(site.snapshots / snapshot)
    if faults:
        print_faults(faults)
        say(f"{snapshot} is not as it was sealed: it is not replayed")
        return Exit.FAILED
    judged = reopen(site, snapshot)
    expected = recorded_digest(judged.path)
    same = judged.evaluation.digest == expected
    body = {
        "snapshot": snapshot,
        "same": same,
        "digest": judged.evaluation.digest,
        "recorded": expected,
        "violations": len(judged.evaluation.outcomes),
    }
    if as_json:
        print_json(body)
    else:
        say(f"{snapshot}: " + ("the same outcomes again" if same else "other outcomes than were recorded"))
        say(f"  {judged.evaluation.digest}" + ("" if same else f", recorded {expected}"))
    return Exit.DONE if same else Exit.FAILED


def thin(root: Path, *, dry_run: bool, as_json: bool) -> int:
    """Removes by the site's rule, or only says what it would remove."""
    from auditor import thinning

    site, now = load_site(root), clock.utc_now()
    done = thinning.would(site, now) if dry_run else thinning.thin(site, now)
    if as_json:
        print_json(_thinned_json(done, dry_run=dry_run))
        return Exit.DONE
    rows = [*((name, "stays", "; ".join(why)) for name, why in done.plan.kept.items())]
    rows += [(name, "stays", "left alone: it does not say how old it is, or is a link") for name in done.odd]
    rows += [(one.id, "would go" if dry_run else "went", "") for one in done.plan.gone]
    print_table(("snapshot", "", "because"), sorted(rows), none="there are no snapshots")
    for kind, number in Counter(one.kind for one in done.remains).items():
        say(f"{number} of kind {kind} {'would go' if dry_run else 'went'} by age")
    for note in done.notes:
        say(clean(note, 500))
    said = "would go" if dry_run else "went"
    say(f"{len(done.plan.gone)} snapshots {said}, {len(done.plan.kept)} stay; {done.bytes // 1_000_000} MB")
    return Exit.DONE


def _thinned_json(done: Thinned, *, dry_run: bool) -> dict[str, object]:
    return {
        "dry_run": dry_run,
        "kept": [{"snapshot": name, "because": list(why)} for name, why in done.plan.kept.items()],
        "gone": [{"snapshot": one.id, "day": one.day.isoformat()} for one in done.plan.gone],
        "left_alone": list(done.odd),
        "remains": [{"kind": one.kind, "path": str(one.path), "bytes": one.bytes} for one in done.remains],
        "notes": list(done.notes),
        "bytes": done.bytes,
    }

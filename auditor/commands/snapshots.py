"""``snapshot list``, ``verify`` and ``replay``."""

from __future__ import annotations

from pathlib import Path

from auditor.errors import Exit
from auditor.intake import open_ledger
from auditor.output import print_faults, print_json, print_table, say
from auditor.site import Site, load_site
from inventories.snapshot import snapshot_ids
from inventories.snapshot import verify as verify_snapshot


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
            ("snapshot", "bytes", "recorded in the ledger", "by audit"), (tuple(row.values()) for row in rows)
        )
    return Exit.DONE


def _recorded(site: Site) -> dict[str, str]:
    """Snapshot → the audit that recorded it. One that no audit recorded was sealed by a killed process."""
    if not site.ledger.exists():
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

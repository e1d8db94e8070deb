"""``assets`` and ``register status``; what is about one asset stands in :mod:`auditor.commands.identity`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from auditor.errors import Exit, Refused
from auditor.intake import read_registers
from auditor.lookup import display_name
from auditor.output import print_json, print_table, say
from auditor.site import load_site
from inventories.faults import did_you_mean
from inventories.kinds import KINDS
from inventories.model import Asset, plain


def assets(root: Path, *, kind: str | None, department: str | None, as_json: bool) -> int:
    from auditor.judging import newest

    site = load_site(root)
    if kind is not None and kind not in KINDS:
        raise Refused(f"unknown kind {kind!r}: {did_you_mean(kind, KINDS) or 'one of ' + ', '.join(KINDS)}")
    judged = newest(site)
    found = [
        asset
        for asset in judged.assets
        if (not kind or asset.kind == kind) and (not department or asset.text("department_id") == department)
    ]
    if as_json:
        print_json([brief(asset) for asset in found])
        return Exit.DONE
    print_table(
        ("key", "kind", "name", "department", "zone", "said by"),
        (
            (
                asset.key,
                KINDS[asset.kind].title,
                display_name(asset),
                asset.text("department_name") or asset.text("department_id"),
                asset.text("zone"),
                " ".join(asset.collectors),
            )
            for asset in found
        ),
    )
    say(f"{len(found)} assets in snapshot {judged.snapshot}; 'auditor asset show KEY' tells who said what")
    return Exit.DONE


def brief(asset: Asset) -> dict[str, object]:
    """An asset as JSON, without what its sources said."""
    return {
        "key": asset.key,
        "kind": asset.kind,
        "name": display_name(asset),
        "department_id": asset.text("department_id"),
        "zone": asset.text("zone"),
        "identifiers": [str(identifier) for identifier in asset.identifiers],
        "values": {name: plain(value) for name, value in asset.values.items()},
        "collectors": list(asset.collectors),
    }


def register_status(root: Path, *, as_json: bool) -> int:
    """Which department has answered for which register, and when."""
    site = load_site(root)
    result = read_registers(site, datetime.now(UTC))
    rows = [
        {
            "department_id": submission.department_id,
            "register": submission.register,
            "period": submission.period,
            "received_on": submission.received_on.isoformat(),
            "nil_return": submission.nil_return,
            "columns": list(submission.columns),
        }
        for submission in result.collection.submissions
    ]
    answered = {row["department_id"] for row in rows}
    silent = sorted(set(result.departments) - answered)
    if as_json:
        print_json({"submissions": rows, "silent": silent, "as_of": datetime.now(UTC).isoformat()})
        return Exit.DONE
    print_table(
        ("department", "register", "period", "received", "nil return"), (tuple(row.values())[:5] for row in rows)
    )
    if silent:
        say(f"no register received from: {', '.join(silent)}: what they lack is not known")
    return Exit.DONE

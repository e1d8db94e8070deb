"""``assets``; what is about one asset stands in :mod:`auditor.commands.identity`."""

from __future__ import annotations

from pathlib import Path

from auditor.errors import Exit, Refused
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

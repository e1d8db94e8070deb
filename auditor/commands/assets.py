"""``assets``, ``asset show`` and ``register status``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from auditor.errors import Exit, Refused
from auditor.evidence import shown
from auditor.intake import read_registers
from auditor.output import print_json, print_table, say, stdout
from auditor.site import load_site
from inventories.faults import clean, did_you_mean
from inventories.kinds import KINDS
from inventories.model import Asset, SourcedFact, plain
from policies.orders import STRENGTH_LABELS


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
        print_json([_brief(asset) for asset in found])
        return Exit.DONE
    print_table(
        ("key", "kind", "name", "department", "zone", "said by"),
        (
            (
                asset.key,
                KINDS[asset.kind].title,
                _name(asset),
                asset.text("department_name") or asset.text("department_id"),
                asset.text("zone"),
                " ".join(asset.collectors),
            )
            for asset in found
        ),
    )
    say(f"{len(found)} assets in snapshot {judged.snapshot}; 'auditor asset show KEY' tells who said what")
    return Exit.DONE


def _name(asset: Asset) -> str:
    addresses = asset.get("ips")
    return asset.text("name") or (" ".join(addresses) if isinstance(addresses, tuple) else "")


def _brief(asset: Asset) -> dict[str, object]:
    return {
        "key": asset.key,
        "kind": asset.kind,
        "name": _name(asset),
        "department_id": asset.text("department_id"),
        "zone": asset.text("zone"),
        "identifiers": [str(identifier) for identifier in asset.identifiers],
        "values": {name: plain(value) for name, value in asset.values.items()},
        "collectors": list(asset.collectors),
    }


def show(root: Path, key: str, *, as_json: bool) -> int:
    from auditor.judging import newest

    site = load_site(root)
    found = [asset for asset in newest(site).assets if asset.key.startswith(key)] if key else []
    exact = [asset for asset in found if asset.key == key]
    if len(exact or found) != 1:
        what = f"{len(found)} assets begin with {key!r}" if found else f"no asset begins with {key!r}"
        raise Refused(f"{what}: 'auditor assets --site {root}' lists them")
    (asset,) = exact or found
    if as_json:
        print_json(_brief(asset) | {"facts": [_fact(f) for f in asset.facts], "conflicts": _conflicts(asset)})
        return Exit.DONE
    _draw(asset)
    return Exit.DONE


def _fact(fact: SourcedFact) -> dict[str, object]:
    return {
        "column": fact.column,
        "value": plain(fact.value),
        "absent": fact.absent,
        "strength": fact.strength.label,
        "origin": fact.origin.value,
        "source": fact.source,
        "observed_at": fact.observed_at.isoformat(),
        "evidence": fact.evidence,
    }


def _conflicts(asset: Asset) -> list[dict[str, object]]:
    return [
        {"column": c.column, "shown": plain(c.shown), "why": c.why, "claims": [_fact(claim) for claim in c.claims]}
        for c in asset.conflicts
    ]


def _draw(asset: Asset) -> None:
    kind = KINDS[asset.kind]
    stdout().print(f"{kind.title} {clean(_name(asset))}（{asset.key}）", markup=False)
    stdout().print("  ".join(clean(str(identifier)) for identifier in asset.identifiers), markup=False)
    rows: list[tuple[object, ...]] = []
    for column in kind.all_columns:
        said = [fact for fact in asset.facts if fact.column == column.name]
        if not said and column.name not in asset.values:
            continue
        rows.append((column.title, shown(asset.kind, column.name, plain(asset.get(column.name))), "", "", ""))
        rows.extend(
            (
                "",
                "无" if fact.absent else shown(asset.kind, column.name, plain(fact.value)),
                fact.source,
                f"{fact.observed_at:%Y-%m-%d}",
                STRENGTH_LABELS[fact.strength] + (f"：{fact.evidence}" if fact.evidence else ""),
            )
            for fact in said
        )
    print_table(("attribute", "value", "said by", "on", "how well known"), rows)
    for conflict in asset.conflicts:
        say(f"conflict in {conflict.column}: {clean(conflict.why)}")


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

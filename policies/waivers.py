"""Which violations a person has given leave for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from inventories.model import Waiver
from policies.engine import VIOLATION, Engine, Judged
from policies.model import Pack
from policies.statements import select

#: (rule, asset key) → (waiver, department).
Waived = dict[tuple[str, str], tuple[str, str]]


def covers(waiver: Waiver, rule: str) -> bool:
    """Whether a waiver is about a rule: by its full id, or by a pattern such as ``yuncheng-2021/*``."""
    return any(fnmatchcase(rule, pattern) for pattern in waiver.rules)


def idle_patterns(packs: Sequence[Pack], waivers: Iterable[Waiver]) -> tuple[tuple[str, str], ...]:
    """Waivers that name a rule which no pack has: (waiver, pattern), for a person to mend."""
    rules = [rule.full_id for pack in packs for rule in pack.rules]
    return tuple(
        (waiver.id, pattern)
        for waiver in waivers
        for pattern in waiver.rules
        if not any(fnmatchcase(rule, pattern) for rule in rules)
    )


def waived(engine: Engine, kind: str, waivers: Sequence[Waiver], on: date) -> Waived:
    """The violations among a kind's verdicts that are waived, each with the waiver's id and the department.

    A waiver is for the asset of its code; where it has none, or the asset has none, for the asset of its name in
    its department; where it has neither, for all that its department has. One that says neither what nor whose
    covers nothing. Of several, the first by id is named.
    """
    entries = [
        (judged, waiver)
        for waiver in waivers
        if waiver.in_force(on) and (waiver.department_id or waiver.asset_code)
        for judged in engine.rules[kind]
        if covers(waiver, judged.rule.full_id)
    ]
    if not entries:
        return {}
    engine.db.register("given waivers", _table(entries))
    code = "t.code" if "code" in engine.present(kind) else "CAST(NULL AS VARCHAR)"
    meant = (
        f"CASE WHEN g.code <> '' AND {code} IS NOT NULL THEN g.code = {code} "
        "WHEN g.name <> '' THEN g.department <> '' AND g.name = t.name ELSE g.code = '' END"
    )
    out: Waived = {}
    for judged in {judged.index: judged for judged, _waiver in entries}.values():
        theirs = f"g.rule = {judged.index} AND (g.department = '' OR g.department = v.department) AND {meant}"
        query = select(
            ["t.key", "v.department", "min(g.id)"],
            f'{engine.joined(kind)} JOIN "given waivers" g ON {theirs}',
            where=f"{judged.code} = {VIOLATION}",
            group_by="t.key, v.department",
        )
        for key, department, waiver in engine.fetch(query):
            out[judged.rule.full_id, key] = (waiver, department)
    engine.db.unregister("given waivers")
    return out


def _table(entries: Sequence[tuple[Judged, Waiver]]) -> Any:
    import pyarrow as pa

    return pa.table(
        {
            "rule": pa.array([judged.index for judged, _ in entries], pa.int32()),
            "department": pa.array([w.department_id for _, w in entries], pa.string()),
            "code": pa.array([w.asset_code for _, w in entries], pa.string()),
            "name": pa.array([w.asset_name for _, w in entries], pa.string()),
            "id": pa.array([w.id for _, w in entries], pa.string()),
        }
    )

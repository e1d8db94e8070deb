"""From an outcome to the facts that a department can check, and back from the ledger's record of them.

Pure. The ledger keeps, with each finding, the facts that the last violation rested on, in the words and with the
sources of that day: a finding can be explained when its snapshot is long gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from inventories.facts import supports
from inventories.kinds import KINDS
from inventories.kinds.declare import COMMON
from inventories.model import Asset, Origin, SourcedFact, Strength, plain
from policies.model import Outcome, Rule
from policies.subjects import columns_of, derived
from reports.model import FactView
from reports.words import column_title, kind_of

#: What a column without a source of its own rests on, in the words that are printed.
_COMPUTED = "computed"
_SEEN = (Strength.SEEN_OUTSIDE.label, Strength.SEEN_INSIDE.label)
#: Columns that every subject has tell least about what is wrong.
_COMMON = frozenset(column.name for column in COMMON)


def facts_of(rule: Rule, outcome: Outcome, asset: Asset) -> tuple[dict[str, object], ...]:
    """The facts behind an outcome, JSON-able: what is wrong first, then why the rule applies.

    One entry per supporting source; what a computed column rests on comes before the column itself. Columns that
    nobody has shown are left out.
    """
    out: list[dict[str, object]] = []
    for column in sorted(rule.columns, key=lambda name: _weight(rule, name)):
        value = outcome.values.get(column)
        if value is None:
            # What nobody has shown is no ground of a violation that stands without it.
            continue
        if computed := derived(rule.subject, column):
            for stored in computed.sources:
                if asset.get(stored) is not None:
                    out.extend(_stored(asset, stored, plain(asset.get(stored))))
            out.append(_entry(column, value, None))
        else:
            out.extend(_stored(asset, column, value))
    return tuple(out)


def seen_before(facts: Sequence[Mapping[str, object]], asset: Asset, at: datetime) -> datetime | None:
    """When an outcome was really seen, where that was before ``at``; else None.

    That is when the oldest of the facts was seen that probes saw. Computed facts have no time of their own: where
    there are no others, they are as old as the last sight of the asset.
    """
    times = [datetime.fromisoformat(str(fact["observed_at"])) for fact in facts if fact.get("strength") in _SEEN]
    if not times and any(fact.get("source") == _COMPUTED for fact in facts):
        sights = [fact.observed_at for fact in asset.facts if fact.strength >= Strength.SEEN_OUTSIDE]
        times = [max(sights)] if sights else []
    oldest = min(times, default=at)
    return oldest if oldest < at else None


def _weight(rule: Rule, column: str) -> int:
    if re.search(rf"\b{re.escape(column)}\b", rule.violation):
        return 0
    return 2 if column in _COMMON else 1


def _stored(asset: Asset, name: str, value: object) -> list[dict[str, object]]:
    found = supporting(asset, name)
    return [_entry(name, value, fact) for fact in found] or [_entry(name, value, None)]


def supporting(asset: Asset, name: str) -> list[SourcedFact]:
    """The facts that the value shown in a column rests on, strongest first, each source once."""
    column = KINDS[asset.kind].column(name)
    shown = asset.values.get(name)
    out: dict[str, SourcedFact] = {}
    for fact in asset.facts:
        if fact.column == name and supports(column, shown, fact):
            out.setdefault(f"{fact.source}|{fact.evidence}", fact)
    return sorted(out.values(), key=lambda f: (-f.strength, -f.observed_at.timestamp(), f.source))[:5]


def _entry(column: str, value: object, fact: SourcedFact | None) -> dict[str, object]:
    if fact is None:
        return {"column": column, "value": value, "source": _COMPUTED}
    return {
        "column": column,
        "value": value,
        "source": fact.source,
        "observed_at": fact.observed_at.isoformat(),
        "strength": fact.strength.label,
        "origin": fact.origin.value,
        "evidence": fact.evidence,
    }


def sourced(facts: Iterable[Mapping[str, object]]) -> dict[str, list[SourcedFact]]:
    """The ledger's record as facts again, by column; computed columns have no source and are left out."""
    out: dict[str, list[SourcedFact]] = {}
    for fact in facts:
        if "observed_at" not in fact:
            continue
        column = str(fact["column"])
        out.setdefault(column, []).append(
            SourcedFact(
                column=column,
                value=None,
                strength=Strength.parse(str(fact["strength"])),
                origin=Origin(str(fact.get("origin", "declared"))),
                source=str(fact["source"]),
                observed_at=datetime.fromisoformat(str(fact["observed_at"])),
                evidence=str(fact.get("evidence", "")),
            )
        )
    return out


def fact_views(kind: str, facts: Sequence[Mapping[str, object]]) -> tuple[FactView, ...]:
    """The ledger's record as reports print it."""
    out = []
    for fact in facts:
        name, value = str(fact["column"]), fact.get("value")
        at = fact.get("observed_at")
        out.append(
            FactView(
                column=name,
                title=column_title(kind_of("", kind), name),
                value=value,
                shown=shown(kind, name, value),
                source=str(fact.get("source", "")),
                observed_at=datetime.fromisoformat(str(at)) if at else None,
                strength=str(fact.get("strength", "")),
                evidence=str(fact.get("evidence", "")),
            )
        )
    return tuple(out)


def shown(kind: str, name: str, value: object) -> str:
    """A column's value in Chinese: 是, 否, the label of a code, a list joined by 、; 不明 for NULL."""
    if value is None:
        return "不明"
    if isinstance(value, bool):
        return "是" if value else "否"
    column = columns_of(kind).get(name) if kind in KINDS else None
    if column is None:
        return str(value)
    if isinstance(value, (list, tuple)):
        return "、".join(column.label(str(item)) for item in value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return column.label(str(value)) + (column.unit if column.unit else "")

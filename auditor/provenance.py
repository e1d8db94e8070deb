"""One asset, attribute by attribute: what is shown, who said it, when, how well it is known, who disagrees. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.evidence import shown
from inventories.facts import NOT_FROM_HERE, ONE_SIDED, supports
from inventories.kinds import KINDS
from inventories.kinds.declare import Column
from inventories.model import Asset, Conflict, SourcedFact, Value, plain


@dataclass(frozen=True, slots=True)
class Said:
    """What one source said.

    ``stands``: the value shown rests on it; ``is_past``: it has said otherwise since; ``agrees``: other words for the
    same (DM8 and 达梦 DM), which nobody took for a contradiction.
    """

    fact: SourcedFact
    words: str
    stands: bool
    is_past: bool
    agrees: bool = False

    @property
    def disagrees(self) -> bool:
        return not (self.stands or self.is_past or self.agrees)

    @property
    def standing(self) -> str:
        return "采信" if self.stands else "已更新" if self.is_past else "说法一致" if self.agrees else "未采信"

    def as_json(self) -> dict[str, object]:
        return fact_json(self.fact) | {
            "shown": self.words,
            "stands": self.stands,
            "past": self.is_past,
            "agrees": self.agrees,
        }


@dataclass(frozen=True, slots=True)
class Attribute:
    """``words`` is the value as people read it; ``why`` tells what is behind a disagreement, if there is one."""

    column: Column
    value: Value
    words: str
    said: tuple[Said, ...]
    why: str

    def as_json(self) -> dict[str, object]:
        return {
            "column": self.column.name,
            "title": self.column.title,
            "value": plain(self.value),
            "shown": self.words,
            "said": [one.as_json() for one in self.said],
            "disagree": sorted({one.fact.source for one in self.said if one.disagrees}),
            "why": self.why,
        }


def attributes(asset: Asset) -> Iterator[Attribute]:
    """Every column of the kind that is known or that somebody spoke of, in the kind's order."""
    said: dict[str, list[SourcedFact]] = {}
    for fact in asset.facts:
        said.setdefault(fact.column, []).append(fact)
    conflicts: dict[str, list[Conflict]] = {}
    for conflict in asset.conflicts:
        conflicts.setdefault(conflict.column, []).append(conflict)
    for column in KINDS[asset.kind].all_columns:
        value = asset.get(column.name)
        facts, disputes = said.get(column.name, []), conflicts.get(column.name, [])
        if value is None and not facts and not disputes:
            continue
        told = tuple(_said(asset.kind, column, value, fact, facts, disputes) for fact in facts)
        why = [conflict.why for conflict in disputes]
        if not why and column.name in ONE_SIDED and any(one.disagrees for one in told):
            why = [NOT_FROM_HERE]
        shown_as = shown(asset.kind, column.name, plain(value))
        yield Attribute(column, value, shown_as, told, "；".join(dict.fromkeys(why)))


def _said(
    kind: str,
    column: Column,
    value: Value,
    fact: SourcedFact,
    all_of_it: Sequence[SourcedFact],
    disputes: Sequence[Conflict],
) -> Said:
    stands = supports(column, value, fact)
    # One probe may have looked at two addresses of a machine, one after the other: what is disputed is not past.
    is_past = (
        not stands
        and not any(fact in conflict.claims for conflict in disputes)
        and any(f.source == fact.source and f.observed_at > fact.observed_at for f in all_of_it)
    )
    # Whoever made the value compared what sources said, and a contradiction is on record.
    agrees = value is not None and not disputes and not fact.absent and column.name not in ONE_SIDED
    words = "无" if fact.absent else shown(kind, column.name, plain(fact.value))
    return Said(fact, words, stands, is_past, agrees and not stands and not is_past)


def fact_json(fact: SourcedFact) -> dict[str, object]:
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


def conflicts_json(asset: Asset) -> list[dict[str, object]]:
    return [
        {
            "column": conflict.column,
            "shown": plain(conflict.shown),
            "why": conflict.why,
            "claims": [fact_json(claim) for claim in conflict.claims],
        }
        for conflict in asset.conflicts
    ]

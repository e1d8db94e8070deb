"""Additions to assets: conclusions as facts with their grounds, and the assets that they bring about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from operator import attrgetter

from inventories.facts import ordered
from inventories.model import Asset, Conflict, Identifier, Origin, SourcedFact, Strength, Value

_JOINT = "；"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a conclusion rests on: how well it is known, by whom, when, and in words that a person can check."""

    strength: Strength
    source: str
    observed_at: datetime
    evidence: str

    def fact(self, column: str, value: Value) -> SourcedFact:
        return SourcedFact(
            column, value, self.strength, Origin.INFERRED, self.source, self.observed_at, self.evidence
        )

    def __and__(self, other: Ground) -> Ground:
        """Both together: the weaker strength, the older time, and both texts."""
        return Ground(
            min(self.strength, other.strength),
            _both(self.source, other.source),
            min(self.observed_at, other.observed_at),
            _JOINT.join(dict.fromkeys(text for text in (self.evidence, other.evidence) if text)),
        )


def every(grounds: Iterable[Ground]) -> Ground:
    """All of several grounds, at least one: what ``&`` makes of them one after another, in one go."""
    first, *rest = grounds
    if len(rest) < 2:
        return first & rest[0] if rest else first
    sources, texts = dict.fromkeys(first.source.split(" + ")), [first.evidence] if first.evidence else []
    length = len(first.evidence)
    for other in rest:
        sources.update(dict.fromkeys(other.source.split(" + ")))
        # A text that is all that was said so far is not said again.
        if other.evidence and not (len(other.evidence) == length and other.evidence == _JOINT.join(texts)):
            length += len(other.evidence) + (len(_JOINT) if texts else 0)
            texts.append(other.evidence)
    return Ground(
        min(first.strength, *(other.strength for other in rest)),
        " + ".join(sources),
        min(first.observed_at, *(other.observed_at for other in rest)),
        _JOINT.join(texts),
    )


@lru_cache(maxsize=4096)
def _both(one: str, other: str) -> str:
    """Two sources as one text, each source once."""
    return " + ".join(dict.fromkeys((*one.split(" + "), *other.split(" + "))))


@dataclass(slots=True)
class Draft:
    """An asset in the making: an old one with additions, or a new one. ``known`` are the facts that it had."""

    kind: str
    key: str
    identifiers: tuple[Identifier, ...]
    values: dict[str, Value] = field(default_factory=dict)
    known: tuple[SourcedFact, ...] = ()
    facts: list[SourcedFact] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    zones: set[str] = field(default_factory=set)
    collectors: tuple[str, ...] = ()

    @classmethod
    def of(cls, asset: Asset) -> Draft:
        return cls(
            asset.kind,
            asset.key,
            asset.identifiers,
            dict(asset.values),
            asset.facts,
            [],
            list(asset.conflicts),
            set(asset.zones),
            asset.collectors,
        )

    def conclude(self, column: str, value: Value, ground: Ground) -> None:
        """Shows a value, with the fact that it rests on."""
        self.values[column] = value
        self.facts.append(ground.fact(column, value))

    def withhold(self, column: str, why: str, claims: Iterable[SourcedFact]) -> None:
        """Shows nothing in a column, and says what contradicts what."""
        self.values.pop(column, None)
        self.conflicts.append(Conflict(column, None, why, tuple(claims)))

    def asset(self) -> Asset:
        zones = _zones(frozenset(self.zones))
        if len(zones) == 1:
            self.values["zone"] = zones[0]
        else:
            self.values.pop("zone", None)
        return Asset(
            kind=self.kind,
            key=self.key,
            identifiers=self.identifiers,
            values=self.values,
            facts=self._facts(),
            conflicts=tuple(sorted(self.conflicts, key=lambda c: (c.column, c.why))),
            zones=zones,
            collectors=self.collectors,
        )

    def _facts(self) -> tuple[SourcedFact, ...]:
        """All facts by column; only the columns with something new need sorting within."""
        if not self.facts:
            return self.known
        new: dict[str, list[SourcedFact]] = {}
        for fact in self.facts:
            new.setdefault(fact.column, []).append(fact)
        out: list[SourcedFact] = []
        for fact in self.known:
            new.get(fact.column, out).append(fact)
        for facts in new.values():
            out += facts if len(facts) == 1 else ordered(facts)
        return tuple(sorted(out, key=_column))


_column = attrgetter("column")


@lru_cache(maxsize=4096)
def _zones(found: frozenset[str]) -> tuple[str, ...]:
    """The same few lists stand in a million assets: each is kept once."""
    return tuple(sorted(found))


class Drafts:
    """The drafts of one inference, by key."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self.assets: Mapping[str, Asset] = {asset.key: asset for asset in assets}
        self._drafts: dict[str, Draft] = {}
        self._closed: dict[str, Asset] = {}

    def edit(self, asset: Asset) -> Draft:
        found = self._drafts.get(asset.key)
        if found is None:
            found = self._drafts[asset.key] = Draft.of(asset)
        return found

    def add(self, draft: Draft) -> None:
        """A new asset of which everything is concluded already."""
        self._closed[draft.key] = draft.asset()

    def close(self, draft: Draft) -> None:
        """Nothing more will be concluded of this one: its asset is made, and the draft's memory freed."""
        self._closed[draft.key] = draft.asset()
        del self._drafts[draft.key]

    def finished(self) -> tuple[Asset, ...]:
        """Every asset, ordered by kind and key; asked for once, at the end."""
        for draft in list(self._drafts.values()):
            self.close(draft)
        done = [asset for key, asset in self.assets.items() if key not in self._closed]
        done += self._closed.values()
        self._closed.clear()
        done.sort(key=lambda asset: (asset.kind, asset.key))
        return tuple(done)

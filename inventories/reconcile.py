"""Observations → assets, with the provenance of every attribute and every conflict kept. Pure.

No I/O and no clock, and the order of the input decides nothing. What joins is decided in
:mod:`inventories.joining`, which value a column shows in :mod:`inventories.facts`, which key a thing keeps in
:mod:`inventories.keymap`; conclusions beyond what sources said are drawn in :mod:`inventories.infer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, tzinfo

from inventories.answers import REGISTER, Answers
from inventories.facts import COLUMNS, Said, choose, counts, papers
from inventories.hostcodes import HostCodes
from inventories.identity import SCHEMES, identifies, seed_id
from inventories.joining import join, pinned_key
from inventories.keymap import assign, resolve
from inventories.kinds import KINDS
from inventories.model import (
    Asset,
    Collection,
    Conflict,
    Identifier,
    KeyMap,
    Observation,
    Origin,
    SourcedFact,
    Strength,
    Value,
)
from inventories.places import Places
from inventories.prefixes import Atlas, Spot
from inventories.steady import without_cycle_collection
from inventories.thing import Thing

#: The source of what the site's configuration says about an address.
SITE_SOURCE = "site.yaml"

#: Columns that every asset takes from its department, under its own name and under the view's.
_FROM_DEPARTMENT: Mapping[str, str] = {
    "department_name": "name",
    "sector": "sector",
    "region": "region",
    "level_of_government": "level_of_government",
}


@dataclass(frozen=True, slots=True, order=True)
class Doubt:
    """An identifier that was refused as evidence: several things claim it. ``keys`` are the keys of those things."""

    kind: str
    identifier: Identifier
    why: str
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"{KINDS[self.kind].title} {self.identifier}（{len(self.keys)} 项资产）：{self.why}"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What exists, as far as the sources tell.

    ``assets`` are ordered by kind and key. ``keymap`` is what the next audit starts from. ``doubts`` are the
    identifiers that joined nothing because too many or contradicting things claim them.
    """

    assets: tuple[Asset, ...]
    keymap: KeyMap
    doubts: tuple[Doubt, ...] = ()

    @property
    def conflicts(self) -> tuple[str, ...]:
        """Every disagreement as one line for people: refused identifiers, then columns with their claims."""
        lines = [str(doubt) for doubt in self.doubts]
        for asset in self.assets:
            label = asset.text("name") or asset.key
            for conflict in asset.conflicts:
                title = COLUMNS[asset.kind][conflict.column].title
                sources = "、".join(sorted({claim.source for claim in conflict.claims}))
                lines.append(f"{KINDS[asset.kind].title} {label} {title}：{conflict.why}（{sources}）")
        return tuple(lines)


def reconcile(
    collection: Collection,
    *,
    places: Places,
    keymap: KeyMap,
    today: date,
    site: str,
    timezone: tzinfo = UTC,
) -> Reconciled:
    """Unites observations into assets.

    ``today`` is the audit's day at the site and ``timezone`` the site's; ``site`` is its id, which new keys are
    made from. ``keymap`` is what the previous audit gave back (:attr:`Reconciled.keymap`).
    """
    with without_cycle_collection():
        return _Reconciler(collection, places, keymap, today, site, timezone).run()


@dataclass(slots=True)
class _Group:
    """The observations of one thing on their way to an asset."""

    kind: str
    observations: Sequence[Observation]
    identifiers: tuple[Identifier, ...]
    thing: Thing
    key: str = ""
    doubted: list[tuple[Identifier, str]] = field(default_factory=list)


class _Reconciler:
    def __init__(
        self, collection: Collection, places: Places, keymap: KeyMap, today: date, site: str, timezone: tzinfo
    ) -> None:
        pins = {pair: resolve(keymap.aliases, key) for pair, key in keymap.pins.items()}
        self.keymap = replace(keymap, pins=pins) if pins else keymap
        self.collection, self.today, self.site, self.timezone = collection, today, site, timezone
        self.atlas = Atlas(places)
        self.answers = Answers(collection.submissions, collection.failures)
        self.departments: dict[str, dict[str, SourcedFact]] = {}
        self.hosts = HostCodes(())
        self.lists: dict[tuple[str, ...], tuple[str, ...]] = {}

    def run(self) -> Reconciled:
        by_kind: dict[str, list[Observation]] = {}
        for observation in self.collection.observations:
            by_kind.setdefault(observation.kind, []).append(observation)
        if strange := by_kind.keys() - KINDS.keys():
            raise ValueError(f"observations of unknown kinds: {', '.join(sorted(strange))}")
        groups = [group for kind in sorted(by_kind) for group in self._grouped(kind, _distinct(by_kind[kind]))]
        _seed(groups)
        keys, keymap = assign([group.thing for group in groups], self.keymap, site=self.site, today=self.today)
        for group, key in zip(groups, keys, strict=True):
            group.key = key
        doubts = _doubts(groups)
        if any(group.kind == "component" for group in groups):
            self.hosts = HostCodes((group.key, group.observations) for group in groups if group.kind == "host")
        # Departments come first, for everything else takes their name and place.
        groups.sort(key=lambda group: (group.kind == "department", group.kind, group.key))
        assets = []
        while groups:
            asset = self._asset(groups.pop(), keymap)
            if asset.kind == "department" and asset.text("department_id"):
                self.departments[asset.text("department_id")] = from_department(asset)
            assets.append(asset)
        assets.sort(key=lambda asset: (asset.kind, asset.key))
        return Reconciled(tuple(assets), keymap, doubts)

    def _grouped(self, kind: str, observations: Sequence[Observation]) -> Iterable[_Group]:
        pinned = {identifier: key for (of, identifier), key in self.keymap.pins.items() if of == kind}
        joined = join(kind, observations, self.keymap.pins)
        for indexes in joined.groups:
            members = [observations[index] for index in indexes]
            everything = {i for o in members for i in o.identifiers if identifies(kind, i)}
            sure = everything.difference(joined.doubted) if joined.doubted else everything
            identifiers = tuple(sorted(everything, key=_by_trust))
            doubted = [(i, joined.doubted[i]) for i in identifiers if i in joined.doubted]
            thing = Thing(
                kind,
                identifiers if len(sure) == len(everything) else tuple(sorted(sure, key=_by_trust)),
                pinned_key(everything, pinned) if pinned else "",
                self._seen_on(members),
                tuple(identifier for identifier, _why in doubted),
            )
            yield _Group(kind, members, identifiers, thing, doubted=doubted)

    def _seen_on(self, observations: Sequence[Observation]) -> date | None:
        """The day, at the site, on which a probe last saw it; never after the audit's day."""
        times = [o.observed_at for o in observations if o.collector != REGISTER]
        return min(max(times).astimezone(self.timezone).date(), self.today) if times else None

    def _asset(self, group: _Group, keymap: KeyMap) -> Asset:
        observations = group.observations
        conflicts: list[Conflict] = []
        if group.kind == "component":
            observations, conflicts = self.hosts.translated(observations)
        said = Said(observations)
        spots = [
            spot
            for identifier in group.identifiers
            if identifier.scheme == "ip" and (spot := self.atlas.at(identifier.vantage, identifier.value))
        ]
        said.add(_owner_facts(group.observations, spots))
        values, disagreements = _shown(group.kind, said)
        conflicts += disagreements
        department = values.get("department_id")
        shared = self.departments.get(department, {}) if isinstance(department, str) else {}
        if group.kind != "department":
            values.update((name, fact.value) for name, fact in shared.items())
        elif "name" in values:
            values["department_name"] = values["name"]
        companions, denied = papers(
            KINDS[group.kind], said.live, department if isinstance(department, str) else "", self.answers
        )
        values.update((fact.column, fact.value) for fact in companions)
        zones = sorted({o.zone for o in group.observations if o.zone} | {spot.zone.id for spot in spots})
        self._bookkeeping(group, keymap, zones, values)
        conflicts += denied
        conflicts += [Conflict("key", group.key, f"{i}：{why}", ()) for i, why in group.doubted]
        said.add(companions)
        if group.kind != "department":
            said.add(shared.values())
        return Asset(
            kind=group.kind,
            key=group.key,
            identifiers=group.identifiers,
            values=values,
            facts=said.facts(),
            conflicts=tuple(sorted(conflicts, key=lambda c: (c.column, c.why))),
            zones=self._shared(tuple(zones)),
            collectors=self._shared(tuple(sorted({o.collector for o in group.observations}))),
        )

    def _shared(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The same few lists stand in a million assets: each is kept once."""
        return self.lists.setdefault(texts, texts)

    def _bookkeeping(self, group: _Group, keymap: KeyMap, zones: Sequence[str], values: dict[str, Value]) -> None:
        values["key"] = group.key
        values["sources"] = self._shared(tuple(sorted({o.source for o in group.observations})))
        values["is_observed"] = any(o.collector != REGISTER for o in group.observations)
        values["is_declared"] = any(o.collector == REGISTER for o in group.observations)
        values["first_seen_on"] = keymap.first_seen[group.key]
        if seen := keymap.last_seen.get(group.key):
            values["last_seen_on"] = seen
        if len(zones) == 1:
            values["zone"] = zones[0]


def from_department(department: Asset) -> dict[str, SourcedFact]:
    """What everything that is a department's takes from the department's own row, by column."""
    facts: dict[str, SourcedFact] = {}
    for column, own in _FROM_DEPARTMENT.items():
        value = department.get(own)
        grounds = [f for f in department.facts if f.column == own and counts(COLUMNS["department"][own], f)]
        if value is not None and grounds:
            best, words = grounds[0], f"部门 {department.text('department_id')}"
            facts[column] = SourcedFact(
                column, value, best.strength, Origin.INFERRED, best.source, best.observed_at, words
            )
    return facts


def _shown(kind: str, said: Said) -> tuple[dict[str, Value], list[Conflict]]:
    """What each column shows of what was said, and what the sources disagree on."""
    values: dict[str, Value] = {}
    conflicts: list[Conflict] = []
    columns = COLUMNS[kind]
    for name, facts in said.live.items():
        if name in columns and name not in _BOOKKEEPING:
            value, conflict = choose(columns[name], facts)
            if value is not None:
                values[name] = value
            if conflict is not None:
                conflicts.append(conflict)
    return values, conflicts


_BOOKKEEPING = frozenset(
    {"key", "sources", "is_observed", "is_declared", "first_seen_on", "last_seen_on", "zone", "department_name"}
)


def _distinct(observations: Iterable[Observation]) -> list[Observation]:
    """Each record once: taking the same in twice changes nothing."""
    seen: dict[object, list[Observation]] = {}
    for observation in observations:
        # Hashing a whole record is slow: it is left to those that have nothing shorter to tell them apart.
        known_by = (observation.source, observation.observed_at, observation.identifiers)
        same = seen.setdefault(known_by if observation.identifiers else observation, [])
        if observation not in same:
            same.append(observation)
    return [observation for same in seen.values() for observation in same]


def _by_trust(identifier: Identifier) -> tuple[int, Identifier]:
    return SCHEMES[identifier.scheme], identifier


def _seed(groups: Iterable[_Group]) -> None:
    """Tells things that nothing sure identifies from others: by what their sources call them, not where they stand.

    Of several that are called the same, the order of their contents tells which is which.
    """
    alike: dict[tuple[str, str], list[_Group]] = {}
    for group in groups:
        if not group.thing.identifiers:
            words = {o.department_id for o in group.observations} | {str(i) for i in group.identifiers}
            for observation in group.observations:
                words.update(
                    f"{f.column}={f.value}" for f in observation.facts if f.column in ("name", "code", "ips")
                )
            alike.setdefault((group.kind, "\n".join(sorted(words))), []).append(group)
    for (_kind, text), same in alike.items():
        same.sort(key=lambda group: sorted(o.digest() for o in group.observations))
        for number, group in enumerate(same):
            group.thing = replace(group.thing, identifiers=(seed_id(text, number),))


def _owner_facts(observations: Sequence[Observation], spots: Sequence[Spot]) -> set[SourcedFact]:
    """Whose a thing is: what its registers say, and what the site says of its addresses.

    In a zone that serves many (a cloud), the zone's own department is the operator: it owns an address only where
    ``owners`` says so, or where nobody else is named.
    """
    out: set[SourcedFact] = set()
    for observation in observations:
        if observation.department_id:
            origin = Origin.DECLARED if observation.collector == REGISTER else Origin.OBSERVED
            out.add(_owner(observation.department_id, origin, observation.source, observation, ""))
    if not spots:
        return out
    newest = max(observations, key=lambda o: (o.observed_at, o.source))
    owned = [spot for spot in spots if spot.department_id]
    named = [spot for spot in owned if spot.is_named or spot.zone.kind == "department"]
    for spot in named or ([] if out else owned):
        out.add(_owner(spot.department_id, Origin.DECLARED, SITE_SOURCE, newest, f"网络区域 {spot.zone.name}"))
    return out


def _owner(department: str, origin: Origin, source: str, observation: Observation, evidence: str) -> SourcedFact:
    at = observation.observed_at
    return SourcedFact("department_id", department, Strength.DECLARED, origin, source, at, evidence)


def _doubts(groups: Iterable[_Group]) -> tuple[Doubt, ...]:
    found: dict[tuple[str, Identifier, str], list[str]] = {}
    for group in groups:
        for identifier, why in group.doubted:
            found.setdefault((group.kind, identifier, why), []).append(group.key)
    return tuple(sorted(Doubt(kind, i, why, tuple(sorted(keys))) for (kind, i, why), keys in found.items()))

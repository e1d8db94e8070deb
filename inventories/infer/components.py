"""Components: what hosts are made of, each an asset of its own, and one with the register's row that labels it. Pure.

A component is known by its host, its category and the family of its product (a host has one processor and one
operating system, so these keep their identity when another takes their place). Where a register labels the same
host's part, label and reality are one asset: what was read is shown, and a difference is kept as a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from inventories.facts import EQUALS, STRONGER_SHOWN
from inventories.identity import seed_id
from inventories.infer.draft import Draft, Drafts, Ground
from inventories.infer.hosts import Carried
from inventories.infer.instances import names_of, owner_of
from inventories.infer.parts import Piece, agree, pieces
from inventories.infer.resources import Resources
from inventories.infer.terms import COMPONENTS
from inventories.infer.world import World, facts_of, register_ground
from inventories.keymap import absorb, resolve
from inventories.model import Asset, Conflict, Identifier, KeyMap, SourcedFact, Strength
from inventories.thing import Thing


@dataclass(frozen=True, slots=True)
class Part:
    """One reading of one host. ``label`` is its register's row."""

    host: Asset
    reading: Piece
    identifiers: tuple[Identifier, ...]
    systems: Mapping[str, Ground]
    department_id: str
    label: Asset | None = None

    def thing(self, timezone: tzinfo, today: date) -> Thing:
        seen_on = self.reading.ground.observed_at.astimezone(timezone).date()
        return Thing("component", self.identifiers, seen_on=min(seen_on, today))


class Components:
    """The parts of every host, in a fixed order, matched with the registers' labels."""

    def __init__(self, world: World, resources: Resources, aliases: Mapping[str, str]) -> None:
        self.world = world
        self._hosts = {host.key: host for host in world.kinds["host"]} if world.kinds["component"] else {}
        self.parts: list[Part] = []
        read = [(host, found) for host in world.kinds["host"] if (found := pieces(host))]
        if not read:
            return
        labels, carried = self._labels(), Carried(world, resources)
        departments = {system.key: system.text("department_id") for system in world.systems}
        merged: dict[str, list[str]] = {}
        for old in aliases:
            merged.setdefault(resolve(aliases, old), []).append(old)
        for host, found in read:
            systems = carried.by(host)
            owner = owner_of(world, host) or _only({departments.get(key, "") for key in systems})
            matched = _matched(found, labels.get(host.key, ()))
            keys = (host.key, *sorted(merged.get(host.key, ())))
            for piece, label in zip(found, matched, strict=True):
                known = _identifiers(piece, keys)
                self.parts.append(Part(host, piece, known, systems, owner or host.text("department_id"), label))

    @property
    def unlabelled(self) -> list[Part]:
        return [part for part in self.parts if part.label is None]

    def follow(self, keymap: KeyMap, living: Mapping[str, Asset]) -> KeyMap:
        """Findings of a part that no register named in earlier audits follow to the row that names it now."""
        merges: dict[str, str] = {}
        for part in self.parts:
            for identifier in part.identifiers if part.label is not None else ():
                key = resolve(keymap.aliases, keymap.keys.get(("component", identifier), ""))
                if part.label is not None and key and key not in living:
                    merges[key] = part.label.key
        return absorb(keymap, merges)

    def label(self, drafts: Drafts) -> dict[str, datetime]:
        """Lays what was read over the registers' rows. Returns when each row's part, by key, was last read."""
        for row in self.world.kinds["component"]:
            _refer(self.world, row, drafts)
        seen: dict[str, datetime] = {}
        for part in self.parts:
            if part.label is not None:
                _lay_over(part, part.label, drafts.edit(part.label))
                seen[part.label.key] = part.reading.ground.observed_at
        return seen

    def _labels(self) -> dict[str, list[Asset]]:
        """Host key → the register's rows of its parts."""
        out: dict[str, list[Asset]] = {}
        for row in self.world.kinds["component"]:
            host = self._host_of(row)
            if host is not None:
                out.setdefault(host.key, []).append(row)
        return out

    def _host_of(self, row: Asset) -> Asset | None:
        """The host that a row names; reconciliation has made its code a key."""
        return self._hosts.get(row.text("host_key"))


def _identifiers(reading: Piece, hosts: Iterable[str]) -> tuple[Identifier, ...]:
    """By host (its key, and those merged into it), category and family: the same whoever read it, in any version."""
    return tuple(sorted(seed_id(f"{key}\n{reading.category}\n{reading.family}", 0) for key in hosts))


def add_components(world: World, drafts: Drafts, found: Iterable[tuple[Part, str]], keymap: KeyMap) -> None:
    """Adds a component for each part that no register labels, under its key."""
    for part, key in found:
        ground = part.reading.ground
        draft = Draft("component", key, part.identifiers, collectors=_collectors(ground))
        draft.values.update(
            key=key,
            sources=(ground.source,),
            is_observed=True,
            is_declared=False,
            first_seen_on=keymap.first_seen[key],
            last_seen_on=keymap.last_seen[key],
        )
        draft.zones.update(part.host.zones)
        draft.conclude("category", part.reading.category, ground)
        _tell(part, draft)
        draft.conclude("name", _name(part), ground)
        owned = Ground(Strength.DECLARED, ground.source, ground.observed_at, f"所在主机 {_called(part.host)}")
        world.join_department(draft, part.department_id, owned)
        drafts.add(draft)


def _tell(part: Part, draft: Draft) -> None:
    """What was read, where it stands, and what it serves."""
    reading, ground = part.reading, part.reading.ground
    for column, value in (("product", reading.product), ("vendor", reading.vendor), ("version", reading.version)):
        if value:
            draft.conclude(column, value, ground)
    draft.conclude("host_key", part.host.key, ground)
    if part.systems:
        total, *rest = [part.systems[key] for key in sorted(part.systems)]
        for other in rest[:7]:
            total &= other
        draft.conclude("system_keys", tuple(sorted(part.systems)), total)


def _matched(found: list[Piece], rows: Iterable[Asset]) -> list[Asset | None]:
    """For each reading the row that labels it: of one product first, then the only one left of a category.

    From outside nobody can tell that what answers is all that there is: only a reading from inside the host stands
    against a label of another product.
    """
    left = sorted(rows, key=lambda row: row.key)
    out: list[Asset | None] = [None] * len(found)
    for index, reading in enumerate(found):
        same = [row for row in left if row.text("category") == reading.category and _same(row, reading)]
        if same:
            out[index] = same[0]
            left.remove(same[0])
    for category in COMPONENTS:
        readings_left = [i for i, r in enumerate(found) if out[i] is None and r.category == category]
        rows_left = [row for row in left if row.text("category") == category]
        if len(readings_left) == len(rows_left) == 1 and (
            found[readings_left[0]].ground.strength is not Strength.SEEN_OUTSIDE or not COMPONENTS[category][1]
        ):
            out[readings_left[0]] = rows_left[0]
    return out


def _same(row: Asset, reading: Piece) -> bool:
    """Whether a row may name what was read."""
    said = _said(row)
    return bool(said and reading.product) and agree(said, reading.product)


def _said(row: Asset) -> str:
    return row.text("product") or row.text("name")


def _lay_over(part: Part, row: Asset, draft: Draft) -> None:
    """What was read beside what the register says; where the two differ, the stronger is shown."""
    reading, ground = part.reading, part.reading.ground
    draft.values["is_observed"] = True
    draft.values["sources"] = tuple(sorted({*_texts(row, "sources"), *ground.source.split(" + ")}))
    draft.zones.update(part.host.zones)
    draft.collectors = tuple(sorted({*draft.collectors, *_collectors(ground)}))
    differs = bool(reading.product and _said(row)) and not agree(_said(row), reading.product)
    declared = facts_of(row, "product" if row.text("product") else "name")
    if differs and ground.strength <= Strength.DECLARED:
        draft.withhold("product", EQUALS, (*declared, ground.fact("product", reading.product)))
        return
    if differs:
        _contradict(draft, "product", reading.product, ground, declared)
        # What the label says of its own product is not true of this one.
        for column in ("vendor", "version"):
            if draft.values.pop(column, None) is not None and not getattr(reading, column):
                _contradict(draft, column, None, ground, facts_of(row, column))
    for column in ("version", "vendor"):
        value, known = getattr(reading, column), row.text(column)
        if value and known and not agree(value, known):
            _contradict(draft, column, value, ground, facts_of(row, column))
    _tell(part, draft)


def _contradict(draft: Draft, column: str, shown: str | None, ground: Ground, claims: Iterable[SourcedFact]) -> None:
    said = (*claims, ground.fact(column, shown)) if shown else tuple(claims)
    draft.conflicts.append(Conflict(column, shown, STRONGER_SHOWN, said))


def _refer(world: World, row: Asset, drafts: Drafts) -> None:
    """The system that a register's row names, by its key."""
    code, ground = row.text("system_code"), register_ground(row)
    system = world.referred("system", code, row.text("department_id")) if code else None
    if system is not None and ground is not None:
        words = f"台账登记的所属系统 {code}"
        told = Ground(ground.strength, ground.source, ground.observed_at, words)
        drafts.edit(row).conclude("system_keys", (system.key,), told)


def _name(part: Part) -> str:
    title = COMPONENTS[part.reading.category][0]
    what = f"{part.reading.product} {part.reading.version}".strip() or part.reading.vendor or title
    return f"{what}（{_called(part.host)}）"


def _called(host: Asset) -> str:
    return (*names_of(host), *_texts(host, "ips"), host.key)[0]


def _collectors(ground: Ground) -> tuple[str, ...]:
    return tuple(sorted({source.partition(" ")[0] for source in ground.source.split(" + ")}))


def _texts(asset: Asset, column: str) -> tuple[str, ...]:
    value = asset.get(column)
    return value if isinstance(value, tuple) else ()


def _only(words: set[str]) -> str:
    found = words - {""}
    return found.pop() if len(found) == 1 else ""

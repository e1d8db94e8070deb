"""A person's word on identity: what it makes of the key map, and how it is taken back. Pure.

A *pin* says that identifiers belong to an asset whatever else is seen. A *merge* says that two assets are one. A
*split* says that some identifiers of an asset are another thing's. All three work through pins, which reconciliation
puts above everything that it sees, so they hold in every later audit; nothing is changed in what was seen before.

What a word pins besides the identifiers that it names is what the assets are surely known by (:func:`firm`): never
their addresses as long as there is anything better, for an address stays pinned when another machine has it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from inventories.binding import LENT, by_trust
from inventories.identity import identifies
from inventories.keymap import absorb, identifiers_of, keys_in_use, mint, resolve
from inventories.kinds import KINDS
from inventories.model import Identifier, KeyMap

#: (kind, identifier) → a key.
_Table = Mapping[tuple[str, Identifier], str]


class Nonsense(ValueError):
    """What a person said cannot be; ``mend`` says what to say instead."""

    def __init__(self, what: str, mend: str = "") -> None:
        self.what, self.mend = what, mend
        super().__init__(what + (f": {mend}" if mend else ""))


@dataclass(frozen=True, slots=True)
class Moved:
    """One identifier's key before and after a word; empty: none."""

    identifier: Identifier
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Told:
    """A word as it works out. ``key`` is the asset that it is about, ``other`` the one merged away or split off.

    ``pins`` and ``keys`` are what it changed, for the record and for taking it back; ``first_seen`` is what stood for
    ``key`` before, as ISO text or empty.
    """

    keymap: KeyMap
    kind: str
    key: str
    other: str = ""
    pins: tuple[Moved, ...] = ()
    keys: tuple[Moved, ...] = ()
    first_seen: str = ""


def kind_of(key: str) -> str:
    """The kind of asset that a key stands for; :class:`Nonsense` for what is no key."""
    letter = key.partition("-")[0]
    for kind in KINDS.values():
        if kind.letter == letter:
            return kind.name
    raise Nonsense(f"{key!r} is no asset's key")


def firm(identifiers: Iterable[Identifier]) -> tuple[Identifier, ...]:
    """What a thing is surely known by: everything that does not move, else its network cards, else its addresses."""
    pinnable = [i for i in identifiers if i.scheme != "seed"]
    for wanted in (
        [i for i in pinnable if i.scheme not in LENT],
        [i for i in pinnable if i.scheme == "mac"],
        pinnable,
    ):
        if wanted:
            return tuple(sorted(wanted, key=by_trust))
    return ()


def pin(keymap: KeyMap, key: str, named: Sequence[Identifier]) -> Told:
    """``named`` belong to ``key`` for ever. :class:`Nonsense` where they are another asset's."""
    key, kind = _asset(keymap, key)
    for identifier in named:
        _check(kind, identifier)
        owner = owner_of(keymap, kind, identifier)
        if owner not in ("", key):
            raise Nonsense(
                f"{identifier} is {owner}'s",
                f"'asset merge {key} {owner}' says that both are one, 'asset split {owner} …' takes it off first",
            )
    if all(resolve(keymap.aliases, keymap.pins.get((kind, i), "")) == key for i in named):
        raise Nonsense(f"{_listed(named)} is pinned to {key} already")
    wanted = dict.fromkeys((*named, *firm(identifiers_of(keymap, key))), key)
    return _told(keymap, kind, key, "", pins=wanted, keys=dict.fromkeys(named, key))


def merge(keymap: KeyMap, key: str, other: str) -> Told:
    """``other`` is the same thing as ``key``, and lives on under its key."""
    key, kind = _asset(keymap, key)
    other, other_kind = _asset(keymap, other)
    if key == other:
        raise Nonsense(f"both are {key} already")
    if kind != other_kind:
        raise Nonsense(f"{key} is a {kind} and {other} a {other_kind}", "only things of one kind can be one thing")
    wanted: dict[Identifier, str] = {}
    for one in (key, other):
        sure = firm(identifiers_of(keymap, one))
        if not sure:
            raise Nonsense(f"nothing identifies {one}", f"give it a code in the register of {KINDS[kind].register}")
        wanted |= dict.fromkeys(sure, key)
    wanted |= {i: key for (of, i), pinned in keymap.pins.items() if of == kind and pinned == other}
    moved = dict.fromkeys(identifiers_of(keymap, other), key)
    told = _told(keymap, kind, key, other, pins=wanted, keys=moved)
    last_seen = dict(told.keymap.last_seen)
    if days := [day for one in (key, other) if (day := last_seen.get(one))]:
        last_seen[key] = max(days)
    return replace(told, keymap=absorb(replace(told.keymap, last_seen=last_seen), {other: key}))


def split(
    keymap: KeyMap, key: str, named: Sequence[Identifier], *, seen: Iterable[Collection[Identifier]], site: str
) -> Told:
    """``named`` are another thing's than ``key``: it gets a key of its own, and both sides are pinned.

    ``seen`` are the identifiers that single sources gave together: where nothing better tells the rest of ``key``
    apart, those of its addresses are pinned that no source gave together with any of ``named``.
    """
    key, kind = _asset(keymap, key)
    for identifier in named:
        _check(kind, identifier)
        owner = owner_of(keymap, kind, identifier)
        if owner != key:
            raise Nonsense(f"{identifier} is {owner or 'nobody'}'s, not {key}'s")
    rest = [i for i in identifiers_of(keymap, key) if i not in named]
    sure = firm(rest)
    if all(i.scheme in LENT for i in sure):
        given = [set(together) for together in seen]
        mixed = {i for together in given if not together.isdisjoint(named) for i in together}
        alone = {i for together in given for i in together} - mixed
        sure = tuple(i for i in rest if i in alone and i.scheme in LENT)
    if not sure:
        raise Nonsense(
            f"nothing would tell the rest of {key} apart",
            "leave it something that no source gives together with what you name",
        )
    other = mint(site, kind, named, keys_in_use(keymap))
    off = dict.fromkeys(named, other)
    return _told(keymap, kind, key, other, pins={**dict.fromkeys(sure, key), **off}, keys=off)


def unpin(keymap: KeyMap, word: Told) -> KeyMap:
    """The key map without a pin that was told before: what nobody has seen meanwhile is nobody's again."""
    table = dict(keymap.keys)
    for change in word.keys:
        if not change.before and table.get((word.kind, change.identifier)) == change.after:
            del table[word.kind, change.identifier]
    return replace(keymap, pins=_unpinned(keymap, word), keys=table)


def unmerge(keymap: KeyMap, word: Told) -> KeyMap:
    """The key map with both assets again; identifiers that became known since stay where they are."""
    key = resolve(keymap.aliases, word.key)
    if resolve(keymap.aliases, word.other) != key:
        raise Nonsense(f"{word.other} is not merged into {word.key} any more")
    table = dict(keymap.keys)
    for change in word.keys:
        if resolve(keymap.aliases, table.get((word.kind, change.identifier), "")) == key:
            table[word.kind, change.identifier] = word.other
    aliases = {old: new for old, new in keymap.aliases.items() if old != word.other}
    first_seen = dict(keymap.first_seen)
    if word.first_seen and key == word.key:
        first_seen[key] = date.fromisoformat(word.first_seen)
    return replace(keymap, keys=table, aliases=aliases, pins=_unpinned(keymap, word), first_seen=first_seen)


def unsplit(keymap: KeyMap, word: Told) -> KeyMap:
    """The key map with what was split off put back; its key leads to the one that lives."""
    if word.other in keymap.aliases:
        raise Nonsense(f"{word.other} has become {resolve(keymap.aliases, word.other)} since")
    return absorb(replace(keymap, pins=_unpinned(keymap, word)), {word.other: resolve(keymap.aliases, word.key)})


def owner_of(keymap: KeyMap, kind: str, identifier: Identifier) -> str:
    """The living key to which an identifier belongs, by a person's word or else by the last audit; empty: none."""
    found = keymap.pins.get((kind, identifier)) or keymap.keys.get((kind, identifier), "")
    return resolve(keymap.aliases, found)


def _asset(keymap: KeyMap, key: str) -> tuple[str, str]:
    """The living key and its kind."""
    living, kind = resolve(keymap.aliases, key), kind_of(key)
    if kind == "department":
        raise Nonsense("a department is who its number says", "mend the register of departments")
    if living not in keys_in_use(keymap):
        raise Nonsense(f"there is no asset {key}")
    return living, kind


def _check(kind: str, identifier: Identifier) -> None:
    if not identifies(kind, identifier):
        raise Nonsense(f"{identifier} does not say which {kind} is meant")


def _told(
    keymap: KeyMap,
    kind: str,
    key: str,
    other: str,
    *,
    pins: Mapping[Identifier, str],
    keys: Mapping[Identifier, str],
) -> Told:
    first_seen = keymap.first_seen.get(key)
    return Told(
        keymap=replace(
            keymap,
            pins={**keymap.pins, **{(kind, i): to for i, to in pins.items()}},
            keys={**keymap.keys, **{(kind, i): to for i, to in keys.items()}},
        ),
        kind=kind,
        key=key,
        other=other,
        pins=_changes(keymap.pins, kind, pins),
        keys=_changes(keymap.keys, kind, keys),
        first_seen=first_seen.isoformat() if first_seen else "",
    )


def _changes(table: _Table, kind: str, wanted: Mapping[Identifier, str]) -> tuple[Moved, ...]:
    found = (Moved(i, table.get((kind, i), ""), to) for i, to in sorted(wanted.items()))
    return tuple(change for change in found if change.before != change.after)


def _unpinned(keymap: KeyMap, word: Told) -> dict[tuple[str, Identifier], str]:
    pins = dict(keymap.pins)
    for change in word.pins:
        pair = (word.kind, change.identifier)
        if pins.get(pair, "") != change.after:
            raise Nonsense(f"a later word says otherwise about {change.identifier}", "take that back first")
        if change.before:
            pins[pair] = change.before
        else:
            del pins[pair]
    return pins


def _listed(identifiers: Sequence[Identifier]) -> str:
    return ", ".join(str(identifier) for identifier in identifiers)

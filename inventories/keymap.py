"""Opaque keys that outlive identifiers: which earlier key a thing keeps, and what the next audit will know. Pure.

A key is made once, from the strongest identifier at first sight, and never read again: a host first known by its
address keeps its key when its UUID becomes known. A merge keeps the oldest key and leaves an alias; a person's
pin outranks everything. Which shared identifier shows a thing to be an earlier one is :mod:`inventories.binding`'s.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from inventories.binding import LENT, Binding, by_trust
from inventories.identity import SCHEMES
from inventories.kinds import KINDS
from inventories.model import Identifier, KeyMap
from inventories.thing import Thing


def resolve(aliases: Mapping[str, str], key: str) -> str:
    """The living key behind a key that may have been merged away."""
    seen = {key}
    while (following := aliases.get(key)) and following not in seen:
        seen.add(following)
        key = following
    return key


def known(keymap: KeyMap, keys: Container[str] | None = None) -> dict[str, tuple[Identifier, ...]]:
    """For every key (or those among ``keys``), the identifiers by which it was last known, in order."""
    out: dict[str, list[Identifier]] = {}
    for (_kind, identifier), key in keymap.keys.items():
        living = resolve(keymap.aliases, key) if key in keymap.aliases else key
        if keys is None or living in keys:
            out.setdefault(living, []).append(identifier)
    return {key: tuple(sorted(identifiers)) for key, identifiers in out.items()}


def names_of(aliases: Mapping[str, str], keys: Collection[str]) -> frozenset[str]:
    """Living keys with all that were merged into them."""
    return frozenset({*keys, *(old for old in aliases if resolve(aliases, old) in keys)})


def identifiers_of(keymap: KeyMap, key: str) -> tuple[Identifier, ...]:
    """The identifiers by which a key was last known; for many keys, ask :func:`known` once."""
    wanted = resolve(keymap.aliases, key)
    return tuple(sorted(i for (_kind, i), found in keymap.keys.items() if resolve(keymap.aliases, found) == wanted))


def absorb(keymap: KeyMap, merges: Mapping[str, str]) -> KeyMap:
    """The key map after ``merges`` (old key → the one that lives): aliases are left, identifiers follow."""
    merges = {old: new for old, new in merges.items() if old != new}
    if not merges:
        return keymap
    aliases = {**keymap.aliases, **merges}
    first_seen = dict(keymap.first_seen)
    for old, new in merges.items():
        dates = [day for key in (old, new) if (day := keymap.first_seen.get(key))]
        if dates:
            first_seen[new] = min(dates)
    return KeyMap(
        keys={pair: resolve(aliases, key) for pair, key in keymap.keys.items()},
        first_seen=first_seen,
        last_seen=keymap.last_seen,
        aliases={old: resolve(aliases, old) for old in aliases},
        pins=keymap.pins,
    )


def mint(site: str, kind: str, identifiers: Collection[Identifier], used: Collection[str]) -> str:
    """A new opaque key for what these identifiers name: the same for the same words, and none of those ``used``."""
    name = str(min(identifiers, key=by_trust))
    number = 0
    while True:
        text = "\0".join((site, kind, name, *([str(number)] if number else [])))
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        key = f"{KINDS[kind].letter}-{base64.b32encode(digest[:10])[:12].decode().lower()}"
        if key not in used:
            return key
        number += 1


def keys_in_use(keymap: KeyMap) -> set[str]:
    """Every key that stands for something, or once did."""
    return {*keymap.keys.values(), *keymap.first_seen, *keymap.aliases, *keymap.pins.values()}


def assign(
    things: Sequence[Thing], keymap: KeyMap, *, site: str, today: date, living: Collection[str] = ()
) -> tuple[list[str], KeyMap]:
    """A key for each thing, in the order given, and the next key map.

    ``living`` are keys that other things of this audit already hold. The order of ``things`` decides nothing but
    the order of the answer.
    """
    return _Assigner(things, keymap, site, today, living).run()


@dataclass(frozen=True, slots=True)
class _Claim:
    """What thing ``index`` holds against an earlier key: the better, the smaller ``merit``; ``by`` says it best."""

    merit: tuple[object, ...]
    index: int
    by: Identifier


class _Assigner:
    def __init__(
        self, things: Sequence[Thing], keymap: KeyMap, site: str, today: date, living: Collection[str]
    ) -> None:
        self.things, self.old, self.site, self.today, self.living = things, keymap, site, today, living
        self.pins: dict[str, set[Identifier]] = {}
        for (_kind, identifier), key in keymap.pins.items():
            self.pins.setdefault(resolve(keymap.aliases, key), set()).add(identifier)
        #: Keys that a person's word has given away already.
        self.given = {thing.pin for thing in things if thing.pin}
        self.known = self._known()
        self.binding = Binding(keymap, self.known)

    def _known(self) -> dict[str, set[Identifier]]:
        """By what each earlier key that any thing may claim was known."""
        old = self.old
        pairs = ((thing.kind, identifier) for thing in self.things for identifier in thing.identifiers)
        claimed = {resolve(old.aliases, key) for pair in pairs if (key := old.keys.get(pair))}
        claimed.update(self.given)
        out: dict[str, set[Identifier]] = {key: set() for key in claimed}
        if out:
            for (_kind, identifier), key in old.keys.items():
                found = out.get(resolve(old.aliases, key) if key in old.aliases else key)
                if found is not None:
                    found.add(identifier)
        return out

    def run(self) -> tuple[list[str], KeyMap]:
        owned = self._owners()
        keys: list[str] = [""] * len(self.things)
        aliases: dict[str, str] = {}
        used = keys_in_use(self.old)
        used.update(self.given, self.living)
        for index, thing in enumerate(self.things):
            kept = owned.get(index, ())
            if thing.pin or kept:
                keys[index] = thing.pin or min(kept, key=self._age)
                aliases.update((key, keys[index]) for key in kept if key != keys[index])
        fresh = [index for index, key in enumerate(keys) if not key]
        for index in sorted(fresh, key=lambda i: self._order(self.things[i])):
            keys[index] = mint(self.site, self.things[index].kind, self.things[index].identifiers, used)
            used.add(keys[index])
        return keys, self._next(keys, aliases)

    def _age(self, key: str) -> tuple[date, str]:
        return self.old.first_seen.get(key, date.max), key

    @staticmethod
    def _order(thing: Thing) -> tuple[object, ...]:
        return thing.kind, thing.identifiers

    def _owners(self) -> dict[int, list[str]]:
        """For each thing, the earlier keys that are its own.

        Every key is offered to the thing with the best claim to it; one that does not take it, because it is somebody
        else already, leaves it to the next.
        """
        offers: dict[str, list[_Claim]] = {}
        for index, thing in enumerate(self.things):
            for key, matches in self._claims(thing).items():
                offers.setdefault(key, []).append(self._claim(index, thing, matches))
        contested = {key for key, claims in offers.items() if len(claims) > 1}
        for key in contested:
            offers[key].sort(key=lambda claim: claim.merit, reverse=True)
        while True:
            owned: dict[int, dict[str, Identifier]] = {}
            for key, claims in offers.items():
                if claims:
                    owned.setdefault(claims[-1].index, {})[key] = claims[-1].by
            taken = {index: self._taken(self.things[index], keys, contested) for index, keys in owned.items()}
            left = [key for index, keys in owned.items() for key in keys if key not in taken[index]]
            if not left:
                return taken
            for key in left:
                offers[key].pop()

    def _claim(self, index: int, thing: Thing, matches: Sequence[Identifier]) -> _Claim:
        strongest = min(matches, key=by_trust)
        rank = SCHEMES[strongest.scheme]
        alike = sum(SCHEMES[i.scheme] == rank for i in matches)
        return _Claim((rank, -alike, -len(matches), strongest, self._order(thing)), index, strongest)

    def _taken(self, thing: Thing, owned: Mapping[str, Identifier], contested: Collection[str]) -> list[str]:
        """Of the keys that a thing has the best claim to, those that it is: the best, and those that it explains."""
        main = thing.pin or min(owned, key=lambda key: (SCHEMES[owned[key].scheme], self._age(key)))
        return [
            key
            for key, by in owned.items()
            if key == main
            or (not (key in contested and by.scheme in LENT) and self.binding.follows(thing, main, key, by))
        ]

    def _claims(self, thing: Thing) -> dict[str, list[Identifier]]:
        out: dict[str, list[Identifier]] = {}
        if not self.old.keys:
            return out
        for identifier in thing.identifiers:
            pair = (thing.kind, identifier)
            key = self.old.keys.get(pair)
            # What a person has pinned belongs where the person said, whatever it was called before.
            if key is None or pair in self.old.pins:
                continue
            key = resolve(self.old.aliases, key)
            if not self._is_held(thing, key) and self.binding.binds(thing, key, identifier):
                out.setdefault(key, []).append(identifier)
        return out

    def _is_held(self, thing: Thing, key: str) -> bool:
        """Whether a key is not to be had: another thing has it already, or a person said who it is, and not this."""
        if key in self.living:
            return True
        pinned = self.pins.get(key)
        if not pinned or key == thing.pin:
            return False
        if thing.pin or key in self.given:
            return True
        # Pinned by what does not move, its addresses are as free as anybody's; else they are all that it is.
        firm = {pin for pin in pinned if pin.scheme not in LENT} or pinned
        for pin in firm:
            same = [i for i in thing.identifiers if i.scheme == pin.scheme and i.vantage == pin.vantage]
            if same and firm.isdisjoint(same):
                return True
        return False

    def _next(self, keys: Sequence[str], merged: Mapping[str, str]) -> KeyMap:
        old = self.old
        alive = set(keys)
        aliases = {key: target for key, target in {**old.aliases, **merged}.items() if key not in alive}
        aliases = {key: resolve(aliases, key) for key in aliases}
        moved = set(merged)
        table = dict(old.keys)
        if moved:
            table = {pair: merged.get(resolve(old.aliases, key), key) for pair, key in table.items()}
        first_seen, last_seen = dict(old.first_seen), dict(old.last_seen)
        for key, target in merged.items():
            first_seen[target] = min(first_seen.get(target, self.today), first_seen.get(key, self.today))
            if key in last_seen:
                last_seen[target] = max(last_seen.get(target, date.min), last_seen[key])
        for thing, key in zip(self.things, keys, strict=True):
            self._forget_addresses(thing, key, table)
            first_seen.setdefault(key, self.today)
            if thing.seen_on:
                last_seen[key] = max(last_seen.get(key, date.min), thing.seen_on)
            for identifier in thing.identifiers:
                table[thing.kind, identifier] = key
        return KeyMap(table, first_seen, last_seen, aliases, old.pins)

    def _forget_addresses(self, thing: Thing, key: str, table: dict[tuple[str, Identifier], str]) -> None:
        """Addresses that a thing held before and holds no more must not hand its key to whoever gets them next."""
        before = self.known.get(key)
        if not before:
            return
        now = {i.vantage for i in thing.identifiers if i.scheme == "ip"}
        for identifier in before.difference(thing.identifiers):
            if identifier.scheme == "ip" and identifier.vantage in now and table.get((thing.kind, identifier)) == key:
                del table[thing.kind, identifier]

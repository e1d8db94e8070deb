"""Opaque keys that outlive identifiers: which earlier key a thing keeps, and what the next audit will know. Pure.

A key is made once, from the strongest identifier at first sight, and never read again: a host first known by its
address keeps its key when its UUID becomes known. A merge keeps the oldest key and leaves an alias; a person's
pin outranks everything; an address alone does not hand a key to a machine that is known to be another one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from inventories.identity import EXCLUSIVE, SCHEMES
from inventories.kinds import KINDS
from inventories.model import Identifier, KeyMap

#: Identifiers that move from machine to machine.
_LENT = frozenset({"ip", "mac"})


@dataclass(frozen=True, slots=True)
class Thing:
    """What needs a key.

    ``identifiers`` are those that are evidence (none that is doubted), and never none: where there is no better
    one, a :func:`~inventories.identity.seed_id` stands for them. No two things have one in common. ``pin`` is the
    key that a person gave it; ``seen_on`` is when a probe last saw it.
    """

    kind: str
    identifiers: tuple[Identifier, ...]
    pin: str = ""
    seen_on: date | None = None


def resolve(aliases: Mapping[str, str], key: str) -> str:
    """The living key behind a key that may have been merged away."""
    seen = {key}
    while (following := aliases.get(key)) and following not in seen:
        seen.add(following)
        key = following
    return key


def known(keymap: KeyMap) -> dict[str, tuple[Identifier, ...]]:
    """For every key, the identifiers by which it was last known, in order."""
    out: dict[str, list[Identifier]] = {}
    for (_kind, identifier), key in keymap.keys.items():
        out.setdefault(resolve(keymap.aliases, key), []).append(identifier)
    return {key: tuple(sorted(identifiers)) for key, identifiers in out.items()}


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


def assign(
    things: Sequence[Thing], keymap: KeyMap, *, site: str, today: date, living: Collection[str] = ()
) -> tuple[list[str], KeyMap]:
    """A key for each thing, in the order given, and the next key map.

    ``living`` are keys that other things of this audit already hold. The order of ``things`` decides nothing but
    the order of the answer.
    """
    return _Assigner(things, keymap, site, today, frozenset(living)).run()


class _Assigner:
    def __init__(
        self, things: Sequence[Thing], keymap: KeyMap, site: str, today: date, living: frozenset[str]
    ) -> None:
        self.things, self.old, self.site, self.today, self.living = things, keymap, site, today, living
        self.pinned = frozenset(keymap.pins.values())
        self.known = self._known()

    def _known(self) -> dict[str, set[Identifier]]:
        """By what each earlier key that any thing may claim was known."""
        old = self.old
        pairs = ((thing.kind, identifier) for thing in self.things for identifier in thing.identifiers)
        claimed = {resolve(old.aliases, key) for pair in pairs if (key := old.keys.get(pair))}
        claimed.update(thing.pin for thing in self.things if thing.pin)
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
        used = {*self.old.keys.values(), *self.old.first_seen, *self.old.aliases, *self.pinned, *self.living}
        for index, thing in enumerate(self.things):
            kept = self._mergeable(thing, owned.get(index, {}))
            if thing.pin or kept:
                keys[index] = thing.pin or min(kept, key=self._age)
                aliases.update((key, keys[index]) for key in kept if key != keys[index])
        fresh = [index for index, key in enumerate(keys) if not key]
        for index in sorted(fresh, key=lambda i: self._order(self.things[i])):
            keys[index] = self._mint(self.things[index], used)
            used.add(keys[index])
        return keys, self._next(keys, aliases)

    def _age(self, key: str) -> tuple[date, str]:
        return self.old.first_seen.get(key, date.max), key

    @staticmethod
    def _order(thing: Thing) -> tuple[object, ...]:
        return thing.kind, thing.identifiers

    def _owners(self) -> dict[int, dict[str, Identifier]]:
        """For each thing, the earlier keys that it has the best claim to, each with the identifier that says so."""
        best: dict[str, tuple[tuple[object, ...], int, Identifier]] = {}
        for index, thing in enumerate(self.things):
            for key, matches in self._claims(thing).items():
                strongest = min(matches, key=lambda i: (SCHEMES[i.scheme], i))
                rank = SCHEMES[strongest.scheme]
                alike = sum(SCHEMES[i.scheme] == rank for i in matches)
                merit = (rank, -alike, strongest, self._order(thing))
                if key not in best or merit < best[key][0]:
                    best[key] = (merit, index, strongest)
        out: dict[int, dict[str, Identifier]] = {}
        for key, (_merit, index, strongest) in best.items():
            out.setdefault(index, {})[key] = strongest
        return out

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
            held = key in self.living or (key in self.pinned and key != thing.pin)
            if not held and not self._is_another(thing, key, identifier):
                out.setdefault(key, []).append(identifier)
        return out

    def _is_another(self, thing: Thing, key: str, identifier: Identifier) -> bool:
        """Whether a thing has the address of an earlier one, and is known to be another machine (address reuse)."""
        if identifier.scheme not in _LENT:
            return False
        before: dict[str, set[str]] = {}
        for old in self.known.get(key, ()):
            if old.scheme in EXCLUSIVE:
                before.setdefault(old.scheme, set()).add(old.value)
        now: dict[str, set[str]] = {}
        for new in thing.identifiers:
            if new.scheme in before:
                now.setdefault(new.scheme, set()).add(new.value)
        return any(values.isdisjoint(before[scheme]) for scheme, values in now.items())

    def _mergeable(self, thing: Thing, owned: Mapping[str, Identifier]) -> list[str]:
        """The earlier keys that really are this thing: the one that it matches best, and those that it explains."""
        if not owned:
            return []
        main = thing.pin or min(owned, key=lambda key: (SCHEMES[owned[key].scheme], self._age(key)))
        return [key for key, by in owned.items() if key == main or self._explains(thing, main, by)]

    def _explains(self, thing: Thing, main: str, by: Identifier) -> bool:
        """Whether an address that earlier was another key's shows that key to be this thing too.

        A machine that had addresses of its own and holds none of them any more has moved to this one.
        """
        if by.scheme not in _LENT:
            return True
        before = {i for i in self.known.get(main, ()) if i.scheme == by.scheme and i.vantage == by.vantage}
        return not before or not before.isdisjoint(thing.identifiers)

    def _mint(self, thing: Thing, used: Collection[str]) -> str:
        name = str(min(thing.identifiers, key=lambda i: (SCHEMES[i.scheme], i)))
        number = 0
        while True:
            text = "\0".join((self.site, thing.kind, name, *([str(number)] if number else [])))
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
            key = f"{KINDS[thing.kind].letter}-{base64.b32encode(digest[:10])[:12].decode().lower()}"
            if key not in used:
                return key
            number += 1

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

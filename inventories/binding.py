"""Whether what a thing shares with an earlier key shows it to be that thing. Pure.

What a machine is made of (its UUID, its serial number, its identity in a cloud) stays with it. Its addresses do not:
they move with DHCP, between the nodes of a cluster, to whoever comes next. So an identifier binds by these rules:

* a cloud's own name for an instance binds; a UUID binds unless the two are different instances; a serial number
  unless they are different instances or have different UUIDs, and so does the code that the register gives a host
  (its row may name an address that another machine has by now; a serial number in it may have been mended);
* any other code or name on paper binds;
* an address (IP or MAC) never binds things that are known to be different by any of those;
* an IP address and a MAC address that agree bind; with anything better in common, so does an address beside it;
* an IP address alone does not bind where another card answers there now, nor where the key also had other addresses
  in the same subnet that the thing has not: it may be a cluster's address that moved to another node;
* an address alone does not bind where the key had fallen silent for weeks (below): who answers there now is a new
  claim, and what the earlier one was accused of is not laid to it.

A key *fell silent* where a probe saw neighbours in its subnet (the same /24, or /64) :data:`REUSED_AFTER` or more
after it last saw the key itself. Dates alone would not do: where audits are held once a quarter, nothing is ever seen
sooner. After :data:`FORGOTTEN_AFTER` nobody's looking is needed where either of the two is known by what it is made
of; where neither is, a bureau that looks once a year has nothing but addresses to tell machines by.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from functools import cached_property

from inventories.identity import SCHEMES, mark
from inventories.model import Identifier, KeyMap
from inventories.thing import Thing

#: How long an address must have been silent, while its neighbours were seen, to be a new claim.
REUSED_AFTER = timedelta(weeks=3)
#: After how long an address is a new claim though nobody looked in between.
FORGOTTEN_AFTER = timedelta(days=183)

#: Identifiers that move from machine to machine.
LENT = frozenset({"ip", "mac"})
#: What a machine is made of: two values of one of these mean two machines.
MADE_OF = frozenset({"uuid", "serial", "instance"})
#: Scheme → what shows, though two things share an identifier of that scheme, that they are different.
_BETTER: Mapping[str, tuple[str, ...]] = {
    "uuid": ("instance",),
    "serial": ("instance", "uuid"),
    "host-code": ("instance", "uuid"),
}


def made_of(identifiers: Iterable[Identifier]) -> dict[str, set[str]]:
    """Scheme → values, of what a machine is made of."""
    out: dict[str, set[str]] = {}
    for identifier in identifiers:
        if identifier.scheme in MADE_OF:
            scheme, value = mark(identifier)
            out.setdefault(scheme, set()).add(value)
    return out


def differ(one: Mapping[str, set[str]], other: Mapping[str, set[str]], schemes: Iterable[str] = MADE_OF) -> bool:
    """Whether two things are known to be different machines, by what both are known to be made of."""
    return any(one[s].isdisjoint(other[s]) for s in schemes if s in one and s in other)


class Binding:
    """Earlier keys, by what they were known (``known``, of every key that is asked about) and when they were seen."""

    def __init__(self, old: KeyMap, known: Mapping[str, Collection[Identifier]]) -> None:
        self.old, self.known = old, known
        self._asked: tuple[Thing | None, dict[str, _Pair]] = (None, {})

    def _pair(self, thing: Thing, key: str) -> _Pair:
        """A thing beside a key: what its many identifiers are asked about is found out once."""
        if self._asked[0] is not thing:
            self._asked = (thing, {})
        pairs = self._asked[1]
        if key not in pairs:
            pairs[key] = _Pair(thing, self.known[key])
        return pairs[key]

    def binds(self, thing: Thing, key: str, identifier: Identifier) -> bool:
        """Whether an identifier that a thing shares with an earlier key shows it to be that thing."""
        pair, scheme = self._pair(thing, key), identifier.scheme
        if pair.is_same and (scheme not in LENT or not self._is_late(thing, key)):
            return True
        if scheme not in LENT:
            better = _BETTER.get(scheme)
            return better is None or not differ(pair.now, pair.before, better)
        if differ(pair.now, pair.before):
            return False
        if len(pair.shared_schemes) > 1:
            return True
        if scheme == "ip" and (self._another_card(pair, identifier) or pair.is_part(identifier)):
            return False
        return not self._fell_silent(thing, key, identifier, is_known=bool(pair.now or pair.before))

    def follows(self, thing: Thing, main: str, key: str, identifier: Identifier) -> bool:
        """Whether a second key is this thing's too, whose identity ``main`` is: only where it explains all of it.

        Two keys become one for good. An address of the second is not enough where the machine that the first one is
        has moved there just now, where the second had other addresses or cards, or where it is known by what it is
        made of and the thing does not show that.
        """
        known, pair = self.known[key], self._pair(thing, key)
        if differ(pair.now, pair.before):
            return False
        if identifier.scheme not in LENT:
            return True
        held = {i for i in self.known[main] if i.scheme == identifier.scheme and i.vantage == identifier.vantage}
        if held and held.isdisjoint(thing.identifiers):
            return False
        if pair.before and not any(i in known for i in thing.identifiers if i.scheme in MADE_OF):
            return False
        if identifier.scheme == "mac":
            return True
        vantages = {i.vantage for i in thing.identifiers if i.scheme == "ip"}
        addresses = {i for i in known if i.scheme == "ip" and i.vantage in vantages}
        return addresses <= set(thing.identifiers) and not self._another_card(pair, identifier)

    @staticmethod
    def _another_card(pair: _Pair, address: Identifier) -> bool:
        cards, before = (found.get(address.vantage, frozenset()) for found in pair.cards)
        return bool(cards and before) and cards.isdisjoint(before)

    def _is_late(self, thing: Thing, key: str) -> bool:
        seen = self.old.last_seen.get(key)
        return seen is not None and thing.seen_on is not None and thing.seen_on - seen >= REUSED_AFTER

    def _fell_silent(self, thing: Thing, key: str, identifier: Identifier, *, is_known: bool) -> bool:
        seen = self.old.last_seen.get(key)
        if seen is None or thing.seen_on is None or not self._is_late(thing, key):
            return False
        if is_known and thing.seen_on - seen >= FORGOTTEN_AFTER:
            return True
        subnets = self._pair(thing, key).subnets.get(identifier.vantage, ())
        newest = max((self._seen_in.get(where, seen) for where in subnets), default=seen)
        return newest - seen >= REUSED_AFTER

    @cached_property
    def _seen_in(self) -> Mapping[tuple[str, str], date]:
        """Subnet → the day on which a probe last saw anything in it. Made only when something is late."""
        out: dict[tuple[str, str], date] = {}
        for (_kind, identifier), key in self.old.keys.items():
            if identifier.scheme == "ip" and (day := self.old.last_seen.get(self.old.aliases.get(key, key))):
                where = subnet(identifier)
                out[where] = max(out.get(where, day), day)
        return out


class _Pair:
    """A thing, and the identifiers by which an earlier key was known."""

    def __init__(self, thing: Thing, known: Collection[Identifier]) -> None:
        self.thing, self.known = thing, known
        #: Whether nothing has changed, and nothing of it is in doubt.
        self.is_same = (
            not thing.doubted
            and len(known) == len(thing.identifiers)
            and all(identifier in known for identifier in thing.identifiers)
        )

    @cached_property
    def now(self) -> dict[str, set[str]]:
        return made_of((*self.thing.identifiers, *self.thing.doubted))

    @cached_property
    def before(self) -> dict[str, set[str]]:
        return made_of(self.known)

    @cached_property
    def shared_schemes(self) -> set[str]:
        return {identifier.scheme for identifier in self.thing.identifiers if identifier in self.known}

    @cached_property
    def cards(self) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
        """The network cards of the thing and of the key, by vantage."""
        return _cards(self.thing.identifiers), _cards(self.known)

    @cached_property
    def subnets(self) -> dict[str, set[tuple[str, str]]]:
        """Vantage → the subnets of the key's addresses."""
        out: dict[str, set[tuple[str, str]]] = {}
        for identifier in self.known:
            if identifier.scheme == "ip":
                out.setdefault(identifier.vantage, set()).add(subnet(identifier))
        return out

    @cached_property
    def _lost(self) -> set[tuple[str, str]]:
        left = set(self.thing.identifiers)
        return {subnet(i) for i in self.known if i.scheme == "ip" and i not in left}

    def is_part(self, address: Identifier) -> bool:
        """Whether a key also had other addresses in the subnet of this one that the thing has not."""
        return bool(self._lost) and subnet(address) in self._lost


def _cards(identifiers: Iterable[Identifier]) -> dict[str, frozenset[str]]:
    out: dict[str, set[str]] = {}
    for identifier in identifiers:
        if identifier.scheme == "mac":
            out.setdefault(identifier.vantage, set()).add(identifier.value)
    return {vantage: frozenset(found) for vantage, found in out.items()}


def subnet(address: Identifier) -> tuple[str, str]:
    """The vantage and the /24 (IPv6: the /64) in which an ``ip`` identifier lies."""
    if "." in address.value:
        return address.vantage, address.value.rpartition(".")[0]
    return address.vantage, str(ipaddress.ip_network(f"{address.value}/64", strict=False))


def by_trust(identifier: Identifier) -> tuple[int, Identifier]:
    """Sorts identifiers from the most to the least trusted."""
    return SCHEMES[identifier.scheme], identifier

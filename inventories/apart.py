"""Whether probes saw different machines behind one identifier. Pure.

A cluster's address, the address of a bridge that every container host has, and the UUID of a cloned machine are each
true of several machines at once. What tells those machines apart are their network cards. Read on the machine itself
or from its cloud, the list of cards is whole; on the wire one card answers at a time, and it may be a bridge's, which
the machine does not count among its cards.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from inventories.answers import REGISTER
from inventories.model import Identifier, Observation, Strength


@dataclass(slots=True)
class Body:
    """What probes saw of one thing from one vantage, besides the identifier in question.

    ``is_inside``: its cards were read on the machine or from its cloud. ``answered``: a card was seen on the wire to
    answer at the very address in question.
    """

    cards: set[Identifier] = field(default_factory=set)
    addresses: set[Identifier] = field(default_factory=set)
    is_inside: bool = False
    answered: bool = False

    def may_be(self, other: Body) -> bool:
        """Whether nothing shows the two to be different machines."""
        if not self.cards.isdisjoint(other.cards):
            return True
        if self.is_inside and other.is_inside:
            # Two whole lists of cards without one in common; one list of addresses may still hold the other's.
            return self.addresses <= other.addresses or other.addresses <= self.addresses
        return not (self.addresses and other.addresses) or not self.addresses.isdisjoint(other.addresses)


def bodies(
    observations: Iterable[Observation], shared: Identifier, refused: Container[Identifier]
) -> dict[str, Body]:
    """By vantage (only those from which ``shared`` means something), what probes saw of a thing with cards.

    What a register says is no sight. ``refused`` are cards that are evidence of nothing.
    """
    out: dict[str, Body] = {}
    for observation in observations:
        if observation.collector == REGISTER:
            continue
        for identifier in observation.identifiers:
            if identifier == shared or shared.vantage not in ("", identifier.vantage):
                continue
            if identifier.scheme == "ip":
                out.setdefault(identifier.vantage, Body()).addresses.add(identifier)
            elif identifier.scheme == "mac" and identifier not in refused:
                body = out.setdefault(identifier.vantage, Body())
                body.cards.add(identifier)
                if any(fact.strength is Strength.SEEN_INSIDE for fact in observation.facts):
                    body.is_inside = True
                elif shared in observation.identifiers:
                    body.answered = True
    return {vantage: body for vantage, body in out.items() if body.cards}


def side_by_side(seen: Sequence[dict[str, Body]], shared: Identifier) -> bool:
    """Whether the things that carry ``shared`` are different machines; ``seen`` is what :func:`bodies` gives of each.

    Two cards that answered at one address are two machines (or one that answers for both: nobody can tell).
    """
    by_vantage: dict[str, list[Body]] = {}
    for found in seen:
        for vantage, body in found.items():
            by_vantage.setdefault(vantage, []).append(body)
    for several in by_vantage.values():
        if shared.scheme == "ip" and sum(body.answered for body in several) > 1:
            return True
        if len(several) > 1 and not _one_island(several):
            return True
    return False


def _one_island(several: Sequence[Body]) -> bool:
    """Whether each may be the same machine as some other, and so on, until all are reached."""
    reached, left = [several[0]], list(several[1:])
    while reached:
        body = reached.pop()
        near = [other for other in left if body.may_be(other)]
        left = [other for other in left if not body.may_be(other)]
        reached += near
    return not left

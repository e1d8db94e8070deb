"""What needs a key, as :mod:`inventories.keymap` and :mod:`inventories.binding` are told of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from inventories.model import Identifier


@dataclass(frozen=True, slots=True)
class Thing:
    """What needs a key.

    ``identifiers`` are those that are evidence (none that is doubted), and never none: where there is no better
    one, a :func:`~inventories.identity.seed_id` stands for them. No two things have one in common. ``pin`` is the
    key that a person gave it; ``seen_on`` is when a probe last saw it. ``doubted`` are identifiers that show nobody
    to be this thing, and may still show that it is not somebody: a clone's UUID is not any other machine's.
    """

    kind: str
    identifiers: tuple[Identifier, ...]
    pin: str = ""
    seen_on: date | None = None
    doubted: tuple[Identifier, ...] = ()

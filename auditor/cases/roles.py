"""Who may take a step: one office drafts, another reviews, a third signs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypeAlias

from auditor.errors import Refused
from auditor.site_office import PeopleConfig
from inventories.faults import clean, did_you_mean

Role: TypeAlias = Literal["draft", "review", "sign"]


def check(people: PeopleConfig, role: Role, by: str, *, not_these: Collection[str] = ()) -> str:
    """The office's name, if it may take a step of this role; :class:`Refused` otherwise.

    ``not_these`` are the offices that took the steps before, which must be others.
    """
    name = by.strip()
    if not name:
        raise Refused("--by is empty: name the office that takes this step")
    if clean(name, 60) != name:
        raise Refused(f"--by {clean(name, 60)!r} is no office's name: plain text of up to 60 characters")
    allowed: tuple[str, ...] = getattr(people, role)
    if allowed and name not in allowed:
        hint = did_you_mean(name, allowed) or f"those who may: {'、'.join(allowed)}"
        raise Refused(f"{name} may not {role} by site.yaml (people.{role}): {hint}")
    if name in not_these:
        raise Refused(f"{name} took an earlier step of this paper: three offices draft, review and sign")
    return name

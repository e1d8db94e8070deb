"""Sequences of views that are read when somebody asks for them, and the questions that spare a whole reading.

A city has a million assets, and five times as many things that could not be told: they need not stand in memory at
once to be counted or written out. Where there are few, as nearly everywhere, the first pass keeps them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Generic, Protocol, TypeVar, overload

from reports.model import AssetView

#: So many are kept from the first pass to the next.
KEPT = 50_000


class Owned(Protocol):
    """What is a department's."""

    @property
    def department_id(self) -> str: ...
    @property
    def department_name(self) -> str: ...


V = TypeVar("V", bound=Owned)


class Late(Sequence[V], Generic[V]):
    """A sequence that is read anew at each pass. Its length is known without reading."""

    @abstractmethod
    def read(self) -> Iterator[V]:
        """One pass; always in the same order."""

    def __iter__(self) -> Iterator[V]:
        return iter(self.few) if self.is_small else self.read()

    @overload
    def __getitem__(self, index: int) -> V: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[V, ...]: ...
    def __getitem__(self, index: int | slice) -> V | tuple[V, ...]:
        return tuple(self)[index]

    @property
    def is_small(self) -> bool:
        return len(self) <= KEPT

    @cached_property
    def few(self) -> tuple[V, ...]:
        return tuple(self.read())

    @cached_property
    def owners(self) -> tuple[tuple[str, str], ...]:
        """Department and its name, each department once, in the order in which the sequence mentions them."""
        found: dict[str, str] = {}
        for one in self:
            found.setdefault(one.department_id, one.department_name)
        return tuple(found.items())


class LateAssets(Late[AssetView]):
    """Assets, by kind and key."""

    @abstractmethod
    def tally(self, kind: str) -> dict[tuple[str, str], int]:
        """Department and its name → how many of a kind it has; no row is read."""

    @abstractmethod
    def read_kind(self, kind: str) -> Iterator[AssetView]:
        """One pass over those of a kind alone."""

    def of(self, kind: str) -> Iterator[AssetView]:
        return (one for one in self.few if one.kind == kind) if self.is_small else self.read_kind(kind)


def of_kind(assets: Iterable[AssetView], kind: str) -> Iterator[AssetView]:
    """The assets of one kind, in their order."""
    return assets.of(kind) if isinstance(assets, LateAssets) else (one for one in assets if one.kind == kind)


def tally_of(assets: Iterable[AssetView], kind: str) -> dict[tuple[str, str], int]:
    """Department and its name → how many assets of a kind it has."""
    if isinstance(assets, LateAssets):
        return assets.tally(kind)
    return dict(Counter((one.department_id, one.department_name) for one in assets if one.kind == kind))


def owned(items: Iterable[Owned]) -> Iterable[tuple[str, str]]:
    """Whose things are: (department, its name), each department at least once, in the order of the things."""
    return items.owners if isinstance(items, Late) else ((one.department_id, one.department_name) for one in items)

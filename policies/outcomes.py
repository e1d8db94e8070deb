"""Violations as records, made one by one from the columns they lie in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Any, overload

from inventories.model import plain
from policies.model import Outcome, Rule, Verdict

_BATCH = 4096


@dataclass(frozen=True, slots=True)
class Part:
    """The violations of one rule: rows ``rows`` of ``table``, in any order.

    ``columns`` maps the columns that the rule names to those of the table; ``waived`` asset keys to waivers.
    """

    rule: Rule
    table: Any
    rows: Any
    columns: Mapping[str, str]
    waived: Mapping[str, str]

    def sorted(self) -> Part:
        """The same, in the order of asset keys."""
        import pyarrow.compute as pc

        mine = self.table.select(["key", "name", "department", "zone", *dict.fromkeys(self.columns.values())])
        return replace(self, table=mine, rows=self.rows.take(pc.sort_indices(mine.column("key").take(self.rows))))

    def read(self, start: int, stop: int) -> Iterator[Outcome]:
        chosen = self.table.take(self.rows[start:stop])
        held = [chosen.column(name).to_pylist() for name in ("key", "name", "department", "zone")]
        shown = [chosen.column(name).to_pylist() for name in self.columns.values()]
        rule, kind = self.rule.full_id, self.rule.subject
        for key, name, department, zone, *values in zip(*held, *shown, strict=True):
            waiver = self.waived.get(key, "")
            yield Outcome(
                rule=rule,
                kind=kind,
                asset_key=key,
                asset_name=name or "",
                department_id=department,
                zone=zone or "",
                verdict=Verdict.WAIVED if waiver else Verdict.VIOLATION,
                values=dict(zip(self.columns, map(plain, values), strict=True)),
                waiver=waiver,
            )


class Outcomes(Sequence[Outcome]):
    """All violations of an evaluation, by rule and asset key. Each is made anew whenever it is read."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._unsorted = tuple(parts)
        self._ends = tuple(accumulate(len(part.rows) for part in parts))

    @cached_property
    def _parts(self) -> tuple[Part, ...]:
        return tuple(part.sorted() for part in self._unsorted)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[Outcome]:
        for part in self._parts:
            for start in range(0, len(part.rows), _BATCH):
                yield from part.read(start, start + _BATCH)

    @overload
    def __getitem__(self, index: int) -> Outcome: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Outcome, ...]: ...
    def __getitem__(self, index: int | slice) -> Outcome | tuple[Outcome, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError("no such outcome")
        which = bisect_right(self._ends, at)
        start = self._ends[which - 1] if which else 0
        return next(self._parts[which].read(at - start, at - start + 1))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} outcomes>"

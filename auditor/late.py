"""What reports draw from a snapshot, read from its files when they ask for it (:mod:`reports.late`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from auditor.judging import Judged
from auditor.views import OF_DEPARTMENT, Listed, asset_view, unknown_view
from inventories.kinds import KINDS
from inventories.stored import count, each_view, tally
from policies.model import Verdict
from policies.subjects import columns_of
from reports.late import Late, LateAssets
from reports.model import AssetView, UnknownView

if TYPE_CHECKING:
    from policies.lists.load import Lists
    from policies.model import Rule

#: Columns that everything which counts assets asks for.
_EVERY = ("key", "name", "department_id", "zone")


class SnapshotAssets(LateAssets):
    """A snapshot's assets as rows of ledgers.

    ``columns``: kind → the columns that are wanted beside those that every count asks for. Where it is given, no
    conflicts and no sources are read, which are most of a snapshot.
    """

    def __init__(
        self, judged: Judged, lists: Lists | None, *, columns: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._path, self._names, self._columns = judged.path, judged.names, columns
        self._listed = Listed(lists, judged.as_of)
        self._length = sum(count(self._path, kind) for kind in KINDS)

    def __len__(self) -> int:
        return self._length

    def read(self) -> Iterator[AssetView]:
        return chain.from_iterable(map(self.read_kind, sorted(KINDS)))

    @cached_property
    def owners(self) -> tuple[tuple[str, str], ...]:
        found = dict(owner for kind in sorted(KINDS) for owner in self.tally(kind))
        return tuple(found.items())

    def tally(self, kind: str) -> dict[tuple[str, str], int]:
        return {(owner, self._names.get(owner, "")): number for owner, number in tally(self._path, kind).items()}

    def read_kind(self, kind: str) -> Iterator[AssetView]:
        names = (*_EVERY, *self._columns.get(kind, ())) if self._columns is not None else ()
        unspoken = OF_DEPARTMENT if self._columns is None else None
        for row, conflicts, sources in each_view(self._path, kind, names=names, unspoken=unspoken):
            yield asset_view(kind, str(row["key"]), row, conflicts, sources, self._names, self._listed)


class SnapshotUnknowns(Late[UnknownView]):
    """What could not be told, with the Chinese titles of the columns that nobody has shown; by rule and asset."""

    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self._length = sum(one.number for one in judged.evaluation.counts if one.verdict is Verdict.UNKNOWN)

    def __len__(self) -> int:
        return self._length

    @cached_property
    def owners(self) -> tuple[tuple[str, str], ...]:
        """By what was counted: none of them is read."""
        names, counts = self._judged.names, self._judged.evaluation.counts
        told = dict.fromkeys(one.department_id for one in counts if one.verdict is Verdict.UNKNOWN)
        return tuple((department, names.get(department, "")) for department in told)

    def read(self) -> Iterator[UnknownView]:
        from policies.evaluate import each_unknown

        judged, known = self._judged, dict[tuple[str, tuple[str, ...]], tuple[str, ...]]()
        for unknown in each_unknown(judged.path, judged.packs, as_of=judged.as_of):
            rule, lacks = judged.rules[unknown.rule], (unknown.rule, unknown.missing)
            if lacks not in known:
                known[lacks] = _titles(rule, unknown.missing)
            yield unknown_view(rule, unknown, known[lacks], judged.names)


def _titles(rule: Rule, missing: Sequence[str]) -> tuple[str, ...]:
    titles = [columns_of(rule.subject)[name].title for name in missing]
    return (*titles, *(f"本地设置 {name}" for name in rule.waits_for))

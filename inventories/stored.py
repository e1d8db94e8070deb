"""A snapshot's Parquet tables, read back in the order in which they were written.

A province's assets do not fit into memory: whoever can, takes them as they come. All tables hold the assets in one
order, so that what stands in several of them is read side by side, and nothing need be looked up. ValueError where
the tables do not fit together; OSError, and pyarrow's own errors (which are ValueErrors), where one cannot be read.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from inventories.again import Known
from inventories.facts import COLUMNS
from inventories.kinds import KINDS, Column, Type
from inventories.model import Asset, Conflict, Identifier, Origin, SourcedFact, Strength, Value
from inventories.steady import without_cycle_collection

T = TypeVar("T")
_BATCH = 20_000
#: Texts that stand in many rows: each is then kept once.
_REPEATED = ["kind", "column", "value", "origin", "source", "evidence"]
_MOST_KEPT = 200_000
_STRENGTHS = {int(strength): strength for strength in Strength}
_ORIGINS = {origin.value: origin for origin in Origin}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FACT = ("column", "value", "strength", "origin", "source", "observed_at", "evidence", "absent")
#: Assets are stored by kind and key.
_IN_ORDER = tuple(sorted(KINDS))


def read_assets(folder: Path) -> tuple[Asset, ...]:
    """Every asset with its facts and conflicts, ordered by kind and key."""
    with without_cycle_collection():
        return tuple(each_asset(folder))


def each_asset(folder: Path) -> Iterator[Asset]:
    """The same, one after another."""
    for kind in _IN_ORDER:
        views = _Beside((row["key"], row) for row in view_rows(folder, kind))
        facts, conflicts = _Beside(_facts(folder, kind)), _Beside(_conflicts(folder, kind))
        for known in read_known(folder, kind):
            yield Asset(
                kind=kind,
                key=known.key,
                identifiers=known.identifiers,
                values=views.of(known.key, {}),
                facts=facts.of(known.key, ()),
                conflicts=conflicts.of(known.key, ()),
                zones=known.zones,
                collectors=known.collectors,
            )
        for table in (views, facts, conflicts):
            table.close(folder, kind)


class Stored(Sequence[Asset]):
    """A snapshot's assets, read anew at each pass."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __iter__(self) -> Iterator[Asset]:
        return each_asset(self.folder)

    def __len__(self) -> int:
        return sum(count(self.folder, kind) for kind in KINDS)

    @overload
    def __getitem__(self, index: int) -> Asset: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Asset, ...]: ...
    def __getitem__(self, index: int | slice) -> Asset | tuple[Asset, ...]:
        return read_assets(self.folder)[index]

    def shown(self, kind: str) -> Iterator[Asset]:
        """The assets of a kind by the values that they show alone: without identifiers, facts and conflicts."""
        for row in view_rows(self.folder, kind):
            yield Asset(kind, str(row["key"]), (), row)


def each_view(
    folder: Path, kind: str, *, names: Sequence[str] = (), unspoken: Container[str] | None = None
) -> Iterator[tuple[dict[str, Value], tuple[Conflict, ...], tuple[str, ...]]]:
    """Every asset of a kind by the values that it shows, its conflicts, and who spoke of it (each source once).

    ``names`` restricts the columns that are read (none: all). Conflicts and sources are read where ``unspoken`` is
    given: the columns of which the source is no word on the asset itself.
    """
    conflicts = _Beside(_conflicts(folder, kind) if unspoken is not None else ())
    sources = _Beside(_sources(folder, kind, unspoken) if unspoken is not None else ())
    for row in view_rows(folder, kind, names):
        key: Any = row["key"]
        yield row, conflicts.of(key, ()), sources.of(key, ())
    conflicts.close(folder, kind)
    sources.close(folder, kind)


def count(folder: Path, kind: str) -> int:
    """How many assets of a kind there are; no row is read."""
    return int(pq.read_metadata(folder / f"{kind}.parquet").num_rows)


def tally(folder: Path, kind: str) -> dict[str, int]:
    """How many assets of a kind each department has; those that are nobody's stand under the empty text."""
    out: dict[str, int] = {}
    for batch in _batches(folder / f"{kind}.parquet", ["department_id"]):
        for found in pc.value_counts(batch.column(0)).to_pylist():
            department = found["values"] or ""
            out[department] = out.get(department, 0) + found["counts"]
    return out


def view_rows(folder: Path, kind: str, names: Sequence[str] = ()) -> Iterator[dict[str, Value]]:
    """A kind's view, row by row, without what nobody has shown; ``names``: the key and these columns only."""
    wanted = ["key", *(name for name in names if name != "key")] if names else None
    lists = {column.name for column in KINDS[kind].all_columns if column.type is Type.TEXTS}
    for batch in _batches(folder / f"{kind}.parquet", wanted):
        held = [_lists(column) if name in lists else column.to_pylist() for name, column in _named(batch)]
        shown = batch.schema.names
        for row in zip(*held, strict=True):
            yield {name: value for name, value in zip(shown, row, strict=True) if value is not None}


def read_known(
    folder: Path, kind: str = "", *, keys: Iterable[str] | None = None, zones: Iterable[str] | None = None
) -> Iterator[Known]:
    """What every asset was known by, where and by whom; none of its columns.

    Of one kind only, by its key, or in some zones, where that is given.
    """
    named = pa.array(sorted(keys), pa.string()) if keys is not None else None
    places = pa.array(sorted(zones), pa.string()) if zones is not None else None
    for whole in _batches(folder / "assets.parquet", None, kind=kind):
        batch = whole.filter(pc.equal(whole.column("kind"), kind)) if kind else whole
        if named is not None:
            batch = batch.filter(pc.is_in(batch.column("key"), value_set=named))
        if places is not None:
            batch = batch.take(_rows_within(batch.column("zones"), places))
        for of, key, identifiers, seen_in, by in zip(*(c.to_pylist() for c in batch.columns), strict=True):
            names = tuple(Identifier(i["scheme"], i["value"], i["vantage"]) for i in identifiers)
            yield Known(of, key, names, tuple(seen_in), tuple(by))


def _rows_within(lists: Any, wanted: Any) -> Any:
    """The places of lists that have an item in common with ``wanted``."""
    return pc.unique(pc.list_parent_indices(lists).filter(pc.is_in(pc.list_flatten(lists), value_set=wanted)))


def read_together(folder: Path, kind: str) -> Iterator[frozenset[Identifier]]:
    """The identifiers that each observation of a kind gave together."""
    for batch in _batches(folder / "observations.parquet", ["kind", "identifiers"]):
        for of, named in zip(batch.column("kind").to_pylist(), batch.column("identifiers").to_pylist(), strict=True):
            if of == kind:
                yield frozenset(Identifier(i["scheme"], i["value"], i["vantage"]) for i in named)


class _Beside(Generic[T]):
    """What another table holds of the assets that are read from a first one: it has them in the same order."""

    def __init__(self, rows: Iterable[tuple[Any, T]]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    def of(self, key: str, default: T) -> T:
        """What it holds of an asset; each is asked for once, in order."""
        if self._next is None or self._next[0] != key:
            return default
        found = self._next[1]
        self._next = next(self._rows, None)
        return found

    def close(self, folder: Path, kind: str) -> None:
        if self._next is not None:
            raise ValueError(f"{folder}: the tables do not fit together: {kind} {self._next[0]}")


def _facts(folder: Path, kind: str) -> Iterator[tuple[str, tuple[SourcedFact, ...]]]:
    rows = ((key, fact) for key, fact in _each_fact(folder, kind))
    for key, together in groupby(rows, key=itemgetter(0)):
        yield key, tuple(fact for _key, fact in together)


def _each_fact(folder: Path, kind: str) -> Iterator[tuple[str, SourcedFact]]:
    columns, kept, moments = COLUMNS[kind], dict[str, str](), _Moments()
    for whole in _batches(folder / "facts.parquet", ["kind", "key", *_FACT], kind=kind, repeated=_REPEATED):
        batch = whole.filter(pc.equal(whole.column("kind").cast(pa.string()), kind))
        keys = batch.column("key").to_pylist()
        named, said, strengths, origins, sources, times, grounds, absent = (
            moments.of(batch.column(name)) if name == "observed_at" else _texts(batch.column(name), kept)
            for name in _FACT
        )
        rows = zip(keys, named, said, strengths, origins, sources, times, grounds, absent, strict=True)
        for key, name, value, strength, origin, source, at, evidence, none in rows:
            shown = _parsed(columns.get(name), value)
            yield (
                key,
                SourcedFact(name, shown, _STRENGTHS[strength], _ORIGINS[origin], source, at, evidence, none),
            )


def _sources(folder: Path, kind: str, unspoken: Container[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Who spoke of each asset, in the order of its facts: rows that repeat their forerunner are dropped unread."""
    left_out = pa.array([name for name in COLUMNS[kind] if name in unspoken], pa.string())

    def rows() -> Iterator[tuple[str, str]]:
        wanted = ["kind", "key", "column", "source"]
        for batch in _batches(folder / "facts.parquet", wanted, kind=kind):
            other = pc.is_in(batch.column("column"), value_set=left_out)
            found = batch.filter(pc.and_not(pc.equal(batch.column("kind"), kind), other))
            keys, sources = found.column("key"), found.column("source")
            if len(keys) > 1:
                moved = pc.or_(pc.not_equal(keys[1:], keys[:-1]), pc.not_equal(sources[1:], sources[:-1]))
                first = pa.concat_arrays([pa.array([True]), moved])
                keys, sources = keys.filter(first), sources.filter(first)
            yield from zip(keys.to_pylist(), sources.to_pylist(), strict=True)

    for key, together in groupby(rows(), key=itemgetter(0)):
        told = dict.fromkeys(one for _key, source in together for one in source.split(" + "))
        yield key, tuple(told)


def _conflicts(folder: Path, kind: str) -> Iterator[tuple[str, tuple[Conflict, ...]]]:
    columns = COLUMNS[kind]
    rows = (
        row
        for batch in _batches(folder / "conflicts.parquet", None, kind=kind)
        for row in batch.to_pylist()
        if row["kind"] == kind
    )
    for key, together in groupby(rows, key=itemgetter("key")):
        yield (
            key,
            tuple(
                Conflict(
                    row["column"],
                    _parsed(columns.get(row["column"]), row["shown"]),
                    row["why"],
                    tuple(_claim(columns.get(claim["column"]), claim) for claim in row["claims"]),
                )
                for row in together
            ),
        )


def _claim(column: Column | None, row: dict[str, Any]) -> SourcedFact:
    return SourcedFact(
        column=row["column"],
        value=_parsed(column, row["value"]),
        strength=_STRENGTHS[row["strength"]],
        origin=_ORIGINS[row["origin"]],
        source=row["source"],
        observed_at=row["observed_at"].astimezone(UTC),
        evidence=row["evidence"],
        absent=row["absent"],
    )


def _batches(
    path: Path, columns: Sequence[str] | None, *, kind: str = "", repeated: Sequence[str] = ()
) -> Iterator[Any]:
    """Record batches of a table; with ``kind``, of those parts only that may hold assets of it.

    Of ``columns`` those are read that there are: a snapshot may be older than a column.
    """
    with pq.ParquetFile(path, read_dictionary=list(repeated)) as file:
        parts = _parts(file.metadata, kind) if kind else None
        there = [name for name in columns if name in file.schema_arrow.names] if columns else None
        yield from file.iter_batches(_BATCH, row_groups=parts, columns=there)


def _parts(metadata: Any, kind: str) -> list[int]:
    """The row groups that may hold a kind, by the least and the greatest kind that each says it holds."""
    at = metadata.schema.names.index("kind")
    told = [(part, metadata.row_group(part).column(at).statistics) for part in range(metadata.num_row_groups)]
    return [part for part, s in told if s is None or not s.has_min_max or s.min <= kind <= s.max]


def _named(batch: Any) -> Iterator[tuple[str, Any]]:
    return zip(batch.schema.names, batch.columns, strict=True)


def _lists(column: Any) -> list[tuple[str, ...] | None]:
    return [None if found is None else tuple(found) for found in column.to_pylist()]


def _texts(column: Any, kept: dict[str, str]) -> list[Any]:
    """A column's values; of a repeated one, equal texts are one text in memory."""
    if not pa.types.is_dictionary(column.type):
        found: list[Any] = column.to_pylist()
        return found
    if len(kept) > _MOST_KEPT:
        kept.clear()
    words = [kept.setdefault(word, word) for word in column.dictionary.to_pylist()]
    return [None if place is None else words[place] for place in column.indices.to_pylist()]


class _Moments:
    """Times out of microseconds since 1970; a snapshot holds few that differ."""

    def __init__(self) -> None:
        self._known: dict[int, datetime] = {}

    def of(self, column: Any) -> list[datetime]:
        known = self._known
        if len(known) > _MOST_KEPT:
            known.clear()
        numbers = column.cast(pa.int64()).to_pylist()
        for number in set(numbers).difference(known):
            known[number] = _EPOCH + timedelta(microseconds=number)
        return [known[number] for number in numbers]


def _parsed(column: Column | None, text: str | None) -> Value:
    """A value from its JSON text; what a date is, the column says."""
    if text is None:
        return None
    value: Value = _loaded(text)
    if column is not None and column.type is Type.DATE and isinstance(value, str):
        return date.fromisoformat(value)
    return value


@lru_cache(maxsize=65_536)
def _loaded(text: str) -> Any:
    """A city's facts hold the same few values over and over."""
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value

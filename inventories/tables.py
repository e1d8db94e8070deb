"""A snapshot's Parquet tables: assets as flat views, with their provenance beside them.

pyarrow is imported here alone; rows are written in batches, so that a million assets need no second copy of
themselves in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from inventories.kinds import KINDS, Kind, Type
from inventories.model import (
    Asset,
    Conflict,
    Identifier,
    KeyMap,
    Observation,
    SourcedFact,
    Value,
    plain,
)
from inventories.steady import without_cycle_collection

T = TypeVar("T")
_BATCH = 50_000
_ENCODED = json.JSONEncoder(ensure_ascii=False).encode

_TYPES: dict[Type, Any] = {
    Type.TEXT: pa.string(),
    Type.INTEGER: pa.int64(),
    Type.NUMBER: pa.float64(),
    Type.BOOLEAN: pa.bool_(),
    Type.DATE: pa.date32(),
    Type.TEXTS: pa.list_(pa.string()),
}
_MOMENT = pa.timestamp("us", tz="UTC")
_IDENTIFIER = pa.struct([("scheme", pa.string()), ("value", pa.string()), ("vantage", pa.string())])
_ASSETS = pa.schema(
    [
        ("kind", pa.string()),
        ("key", pa.string()),
        ("identifiers", pa.list_(_IDENTIFIER)),
        ("zones", pa.list_(pa.string())),
        ("collectors", pa.list_(pa.string())),
    ]
)
_FACT = [
    ("column", pa.string()),
    ("value", pa.string()),
    ("strength", pa.int8()),
    ("origin", pa.string()),
    ("source", pa.string()),
    ("observed_at", _MOMENT),
    ("evidence", pa.string()),
    ("absent", pa.bool_()),
]
_FACTS = pa.schema([("kind", pa.string()), ("key", pa.string()), *_FACT])
_CONFLICTS = pa.schema(
    [
        ("kind", pa.string()),
        ("key", pa.string()),
        ("column", pa.string()),
        ("shown", pa.string()),
        ("why", pa.string()),
        ("claims", pa.list_(pa.struct(_FACT))),
    ]
)
_OBSERVATIONS = pa.schema(
    [
        ("kind", pa.string()),
        ("collector", pa.string()),
        ("source", pa.string()),
        ("observed_at", _MOMENT),
        ("zone", pa.string()),
        ("department_id", pa.string()),
        ("identifiers", pa.list_(_IDENTIFIER)),
        ("facts", pa.string()),
    ]
)
_KEYS = pa.schema(
    [
        ("kind", pa.string()),
        ("scheme", pa.string()),
        ("value", pa.string()),
        ("vantage", pa.string()),
        ("key", pa.string()),
        ("pinned", pa.bool_()),
        ("first_seen", pa.date32()),
        ("last_seen", pa.date32()),
    ]
)


def view_schema(kind: Kind) -> Any:
    """The Arrow schema of a subject's view."""
    return pa.schema([(column.name, _TYPES[column.type]) for column in kind.all_columns])


def write_view(path: Path, kind: Kind, rows: Iterable[dict[str, Any]]) -> None:
    """Writes ``<kind>.parquet`` from plain rows; a missing column is NULL. For assets and for packs' cases."""
    _write(path, view_schema(kind), rows, lambda row: row)


def write_assets(folder: Path, assets: Sequence[Asset]) -> None:
    """The views of all kinds, empty ones too, and the three tables of provenance."""
    with without_cycle_collection():
        _write_assets(folder, assets)


def _write_assets(folder: Path, assets: Sequence[Asset]) -> None:
    by_kind: dict[str, list[Asset]] = {name: [] for name in KINDS}
    for asset in assets:
        by_kind[asset.kind].append(asset)
    for name, kind in KINDS.items():
        write_view(folder / f"{name}.parquet", kind, (dict(asset.values) for asset in by_kind[name]))
    _write(folder / "assets.parquet", _ASSETS, assets, _asset_row)
    _write_columns(folder / "facts.parquet", _FACTS, (_fact_columns(some) for some in _some(assets)))
    conflicts = ((asset, conflict) for asset in assets for conflict in asset.conflicts)
    _write(folder / "conflicts.parquet", _CONFLICTS, conflicts, lambda pair: _names(pair[0]) | _conflict_row(pair[1]))


def write_observations(folder: Path, observations: Iterable[Observation]) -> None:
    _write(folder / "observations.parquet", _OBSERVATIONS, observations, _observation_row)


def write_keys(folder: Path, keymap: KeyMap) -> None:
    """What this audit called things: each identifier with its key, and whether a person pinned it."""
    rows = sorted(((kind, i, key, False) for (kind, i), key in keymap.keys.items()), key=_in_order) + sorted(
        ((kind, i, key, True) for (kind, i), key in keymap.pins.items()), key=_in_order
    )
    _write(
        folder / "keys.parquet",
        _KEYS,
        rows,
        lambda row: {
            "kind": row[0],
            "scheme": row[1].scheme,
            "value": row[1].value,
            "vantage": row[1].vantage,
            "key": row[2],
            "pinned": row[3],
            "first_seen": keymap.first_seen.get(row[2]),
            "last_seen": keymap.last_seen.get(row[2]),
        },
    )


def _in_order(row: tuple[str, Identifier, str, bool]) -> tuple[str, str, str, str]:
    kind, identifier, _key, _pinned = row
    return kind, identifier.scheme, identifier.value, identifier.vantage


def _write(path: Path, schema: Any, items: Iterable[T], row: Callable[[T], dict[str, Any]]) -> None:
    source = iter(items)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while batch := list(islice(source, _BATCH)):
            writer.write_table(pa.Table.from_pylist([row(item) for item in batch], schema=schema))


def _write_columns(path: Path, schema: Any, batches: Iterable[dict[str, list[Any]]]) -> None:
    """What has millions of rows is handed over column by column, which takes a fourth of the time."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_pydict(batch, schema=schema))


def _some(assets: Sequence[Asset]) -> Iterator[Sequence[Asset]]:
    """A few thousand assets at a time: some ten times as many facts."""
    for start in range(0, len(assets), _BATCH // 10):
        yield assets[start : start + _BATCH // 10]


def _fact_columns(assets: Sequence[Asset]) -> dict[str, list[Any]]:
    facts = [fact for asset in assets for fact in asset.facts]
    return {
        "kind": [asset.kind for asset in assets for _fact in asset.facts],
        "key": [asset.key for asset in assets for _fact in asset.facts],
        "column": [fact.column for fact in facts],
        "value": [_text(fact.value) for fact in facts],
        "strength": [int(fact.strength) for fact in facts],
        "origin": [fact.origin.value for fact in facts],
        "source": [fact.source for fact in facts],
        "observed_at": [fact.observed_at for fact in facts],
        "evidence": [fact.evidence for fact in facts],
        "absent": [fact.absent for fact in facts],
    }


def _names(asset: Asset) -> dict[str, Any]:
    return {"kind": asset.kind, "key": asset.key}


def _asset_row(asset: Asset) -> dict[str, Any]:
    return _names(asset) | {
        "identifiers": [_identifier_row(i) for i in asset.identifiers],
        "zones": list(asset.zones),
        "collectors": list(asset.collectors),
    }


def _identifier_row(identifier: Identifier) -> dict[str, str]:
    return {"scheme": identifier.scheme, "value": identifier.value, "vantage": identifier.vantage}


def _fact_row(fact: SourcedFact) -> dict[str, Any]:
    return {
        "column": fact.column,
        "value": _text(fact.value),
        "strength": int(fact.strength),
        "origin": fact.origin.value,
        "source": fact.source,
        "observed_at": fact.observed_at,
        "evidence": fact.evidence,
        "absent": fact.absent,
    }


def _conflict_row(conflict: Conflict) -> dict[str, Any]:
    return {
        "column": conflict.column,
        "shown": _text(conflict.shown),
        "why": conflict.why,
        "claims": [_fact_row(claim) for claim in conflict.claims],
    }


def _observation_row(observation: Observation) -> dict[str, Any]:
    return {
        "kind": observation.kind,
        "collector": observation.collector,
        "source": observation.source,
        "observed_at": observation.observed_at,
        "zone": observation.zone,
        "department_id": observation.department_id,
        "identifiers": [_identifier_row(i) for i in observation.identifiers],
        "facts": _ENCODED(
            [[f.column, plain(f.value), int(f.strength), f.evidence, f.absent] for f in observation.facts]
        ),
    }


def _text(value: Value) -> str | None:
    if value is None:
        return None
    return _said(value) if isinstance(value, (str, tuple)) else _ENCODED(plain(value))


@lru_cache(maxsize=65_536)
def _said(value: str | tuple[str, ...]) -> str:
    """A city's facts hold the same few texts over and over."""
    return _ENCODED(value)

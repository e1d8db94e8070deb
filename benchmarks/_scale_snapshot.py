"""Snapshots of a made-up province: one city that was really reconciled, and as many copies of it as are asked for.

The copies are made by DuckDB, table by table, and never stand in memory: each has keys, departments, zones and names
of its own.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from benchmarks._scale_city import CITY, TODAY, City
from inventories.kinds import KINDS
from inventories.model import Collection, KeyMap
from inventories.places import Places
from inventories.snapshot import Draft

#: Digits of a copy's number in a key.
_DIGITS = 3
_ROWS = 49_152
#: The city's own number, as departments and zones have it.
_HERE = "c0-"


def collected(city: City, moved: int = 0) -> Collection:
    told = city.told()
    return Collection(tuple(city.observations(moved)), told.coverage, (), told.submissions)


def write_city(folder: Path, city: City, *, moved: int = 0, context: dict[str, object] | None = None) -> Path:
    """A whole snapshot of one city, reconciled and inferred as an audit does; returns its folder."""
    from inventories.infer import infer
    from inventories.reconcile import reconcile
    from policies.lists.load import shipped_files

    found, places = collected(city, moved), Places(city.zones())
    reconciled = reconcile(found, places=places, keymap=KeyMap(), today=TODAY, site="bench")
    reconciled = infer(reconciled, found, places=places, today=TODAY, site="bench")
    with Draft(folder, f"city-{city.number}-{moved}") as draft:
        draft.write(
            assets=reconciled.assets,
            collection=found,
            keymap=reconciled.keymap,
            context=context or {},
            packs={},
            lists=shipped_files(),
        )
        return draft.commit()


def write_province(city: Path, folder: Path, assets: int) -> None:
    """The views of as many copies of ``city`` as come to so many assets, and the lists that they are judged by.

    Copies follow each other, so that no row stands beside its like: they would be packed into nothing.
    """
    import duckdb
    import pyarrow.parquet as pq

    copies = max(1, round(assets / CITY))
    if copies >= 10**_DIGITS:
        raise ValueError(f"at most {10**_DIGITS - 1} cities")
    folder.mkdir(parents=True)
    for kind in KINDS:
        schema = pq.read_schema(city / f"{kind}.parquet")
        with duckdb.connect(config={"memory_limit": "1GB"}) as db:
            db.execute("SET enable_progress_bar = false")
            db.execute(f"CREATE TABLE s AS SELECT * FROM read_parquet('{city}/{kind}.parquet')")
            columns = db.execute("DESCRIBE s").fetchall()
            made = ", ".join(f'{_copied(name, type_)} AS "{name}"' for name, type_, *_ in columns)
            with pq.ParquetWriter(folder / f"{kind}.parquet", schema, compression="zstd") as writer:
                for copy in range(copies):
                    rows = db.sql(f"SELECT {made} FROM s, (SELECT {copy} AS i) t").to_arrow_reader(_ROWS)
                    for batch in rows:
                        writer.write_batch(batch.cast(schema), row_group_size=_ROWS)
    shutil.copytree(city / "lists", folder / "lists")


def _copied(column: str, type_: str) -> str:
    """SQL of a column of a copy: texts name the copy's own departments and zones, keys are the copy's own."""
    own, kept = f's."{column}"', 14 - _DIGITS
    number = f"lpad(t.i::VARCHAR, {_DIGITS}, '0')"
    named = f"replace({{}}, '{_HERE}', 'c' || t.i || '-')"
    if type_ == "VARCHAR":
        is_key = column == "key" or column.endswith("_key")
        return f"substr({own}, 1, {kept}) || {number}" if is_key else named.format(own)
    if type_ == "VARCHAR[]":
        each = f"substr(x, 1, {kept}) || {number}" if column.endswith("_keys") else named.format("x")
        return f"list_transform({own}, lambda x: {each})"
    return own


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "city":
        print(json.dumps({"city": str(write_city(Path(rest[0]), City(0)))}))
    else:
        write_province(Path(rest[0]), Path(rest[1]), int(rest[2]))
        print("{}")

"""Snapshots: whole or not at all, and not a byte otherwise than they were sealed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from inventories.kinds import DUCKDB_TYPES, KINDS
from inventories.model import Collection, Failure, KeyMap, Waiver
from inventories.reconcile import Reconciled, reconcile
from inventories.snapshot import (
    MANIFEST,
    Draft,
    Snapshot,
    SnapshotError,
    digest_of,
    leftovers,
    snapshot_ids,
    verify,
)

CONTEXT: Mapping[str, object] = {"at": "2026-03-02T04:00:00+00:00", "as_of": "2026-03-02", "site": {"name": "示例市"}}
PACKS = {"yuncheng-2021/pack.yaml": b"pack: yuncheng-2021\n", "yuncheng-2021/cases/a.yaml": b"rule: a\n"}


def parts(make: Any) -> list[object]:
    return [
        make.department("mzj", "示例市民政局"),
        make.cloud("GOV-1"),
        make.system("S-1", "救助系统", addresses=("10.1.0.7",), go_live_on=date(2024, 2, 5), none=("approval_no",)),
        make.system(
            "S-2", "低保系统", hosting=("gov_cloud",), addresses=("10.1.0.8",), mlps_level=3, mlps_score=91.5
        ),
        make.seen("10.1.0.7", "80/tcp http nginx", titles=(("80/tcp", "救助系统"),)),
        make.seen("10.1.0.8", "80/tcp http nginx"),
        make.covered("mzj"),
        make.submission("systems"),
    ]


def sealed(
    make: Any, folder: Path, name: str = "20260302T040000Z-abc", *more: object
) -> tuple[Path, Reconciled, Collection]:
    collection = make.collection(*parts(make), *more)
    found = make.inferred(collection)
    with Draft(folder, name) as draft:
        draft.write(assets=found.assets, collection=collection, keymap=found.keymap, context=CONTEXT, packs=PACKS)
        path = draft.commit()
    return path, found, collection


def test_what_was_written_is_read_back(make: Any, tmp_path: Path) -> None:
    failure = Failure("nmap", "mzj", ("10.1.0.9/32",), "timed_out", "没有完成", make.at)
    path, found, collection = sealed(make, tmp_path, "a", failure)
    snapshot = Snapshot(path)
    assert snapshot.assets() == found.assets
    # The observations stand in their own table; everything else comes back as it was.
    assert snapshot.collection() == Collection(
        (), collection.coverage, collection.failures, collection.submissions, collection.waivers
    )
    assert snapshot.context() == CONTEXT
    assert snapshot.as_of() == date(2026, 3, 2) and snapshot.at() == make.at
    assert (snapshot.packs / "yuncheng-2021/pack.yaml").read_bytes() == PACKS["yuncheng-2021/pack.yaml"]
    assert verify(path) == ()


def test_waivers_come_back(make: Any, tmp_path: Path) -> None:
    waiver = Waiver(
        "W-1", ("p/r",), "mzj", "救助系统", "S-1", "依据", "市长", "文号", date(2026, 1, 1), date(2026, 12, 31)
    )
    path, _found, _collection = sealed(make, tmp_path, "a", Collection(waivers=(waiver,)))
    assert Snapshot(path).collection().waivers == (waiver,)


def test_the_views_have_every_kind_and_exactly_the_declared_columns(make: Any, tmp_path: Path) -> None:
    import duckdb

    path, found, _collection = sealed(make, tmp_path)
    with duckdb.connect() as connection:
        for name, kind in KINDS.items():
            rows = connection.execute(
                "describe select * from read_parquet(?)", [str(path / f"{name}.parquet")]
            ).fetchall()
            assert [(row[0], row[1]) for row in rows] == [(c.name, DUCKDB_TYPES[c.type]) for c in kind.all_columns]
            query = "select count(*), count(key), count(distinct key) from read_parquet(?)"
            expected = sum(asset.kind == name for asset in found.assets)
            counted = connection.execute(query, [str(path / f"{name}.parquet")]).fetchone()
            assert counted == (expected, expected, expected)


def test_the_same_state_gives_the_same_bytes(make: Any, tmp_path: Path) -> None:
    one, _found, _collection = sealed(make, tmp_path / "one")
    other, _found, _collection = sealed(make, tmp_path / "other")
    assert digest_of(one) == digest_of(other)


def test_every_changed_byte_is_found(make: Any, tmp_path: Path) -> None:
    path, _found, _collection = sealed(make, tmp_path)
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        whole = file.read_bytes()
        for place in {0, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            assert verify(path), f"byte {place} of {file.name}"
        file.write_bytes(whole + b"\n")
        assert verify(path), f"a byte more in {file.name}"
        file.write_bytes(whole[:-1])
        assert verify(path), f"a byte less in {file.name}"
        file.write_bytes(whole)
    assert verify(path) == ()


def test_missing_added_renamed_and_linked_files_are_found(make: Any, tmp_path: Path) -> None:
    path, _found, _collection = sealed(make, tmp_path)

    def what() -> list[tuple[str, str]]:
        return [(Path(fault.where).name, fault.what) for fault in verify(path)]

    (path / "packs/more.yaml").write_text("x")
    assert what() == [("more.yaml", "was added after the snapshot was sealed")]
    (path / "packs/more.yaml").unlink()
    (path / "host.parquet").rename(tmp_path / "host.parquet")
    assert what() == [("host.parquet", "is missing")]
    # A link to the very same bytes elsewhere is not what was sealed.
    (path / "host.parquet").symlink_to(tmp_path / "host.parquet")
    assert what() == [("host.parquet", "was changed after the snapshot was sealed")]
    (path / "host.parquet").unlink()
    (tmp_path / "host.parquet").rename(path / "host.parquet")
    assert what() == []
    moved = path.rename(path.with_name("another"))
    assert "seals the snapshot" in verify(moved)[0].what


def test_a_manifest_that_says_other_things_too_is_not_ours(make: Any, tmp_path: Path) -> None:
    path, _found, _collection = sealed(make, tmp_path)
    manifest = path / MANIFEST
    whole = manifest.read_text()
    manifest.write_text(whole.replace("{\n", '{\n "note": "trust me",\n', 1))
    assert [fault.what for fault in verify(path)] == ["was changed after the snapshot was sealed"]
    for nonsense in ("", "[]", "{}", '{"files": {"a": {}}}', "\x00"):
        manifest.write_text(nonsense)
        assert [fault.what for fault in verify(path) if "cannot be read" in fault.what]


def test_a_snapshot_that_is_not_there(tmp_path: Path) -> None:
    assert snapshot_ids(tmp_path / "nowhere") == [] and leftovers(tmp_path / "nowhere") == []
    with pytest.raises(SnapshotError, match="no such snapshot"):
        Snapshot(tmp_path / "nowhere")


def test_snapshots_are_listed_oldest_first_and_only_whole_ones(make: Any, tmp_path: Path) -> None:
    for name in ("20260309T000000Z-b", "20260302T000000Z-a"):
        sealed(make, tmp_path, name)
    (tmp_path / ".20260310T000000Z-c.partial").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "note.txt").write_text("x")
    assert snapshot_ids(tmp_path) == ["20260302T000000Z-a", "20260309T000000Z-b"]
    assert [p.name for p in leftovers(tmp_path)] == [".20260310T000000Z-c.partial"]
    # Whoever writes next, under the audit's lock, clears up.
    sealed(make, tmp_path, "20260311T000000Z-d")
    assert leftovers(tmp_path) == []


def test_an_error_leaves_nothing(make: Any, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), Draft(tmp_path, "a") as draft:
        (draft.path / "host.parquet").write_bytes(b"half")
        raise RuntimeError("no more")
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_is_never_written_over(make: Any, tmp_path: Path) -> None:
    path, _found, _collection = sealed(make, tmp_path, "a")
    before = digest_of(path)
    with pytest.raises(OSError):
        sealed(make, tmp_path, "a")
    assert verify(path) == () and digest_of(path) == before and leftovers(tmp_path) == []


@pytest.mark.parametrize("name", ["../../evil", "../manifest.json", "/etc/evil"])
def test_a_packs_file_stays_among_the_packs(make: Any, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="leaves the snapshot"), Draft(tmp_path / "s", "a") as draft:
        draft.write(assets=(), collection=Collection(), keymap=make.inferred().keymap, context={}, packs={name: b"x"})
    assert not (tmp_path / "evil").exists()


def test_folders_are_their_owners_only(make: Any, tmp_path: Path) -> None:
    path, _found, _collection = sealed(make, tmp_path / "state" / "snapshots", "a")
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


WRITER = textwrap.dedent(
    """
    import resource, sys
    from pathlib import Path
    from datetime import datetime, UTC
    from inventories.model import Asset, Collection, Fact, Identifier, KeyMap, Observation, Strength
    from inventories.snapshot import Draft

    folder, limit = Path(sys.argv[1]), int(sys.argv[2])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    assets = tuple(
        Asset("host", f"h-{i}", (), {"key": f"h-{i}", "name": f"{i * 7919 % 100003:x}" * 9}) for i in range(20_000)
    )
    with Draft(folder, "a") as draft:
        draft.write(assets=assets, collection=Collection(), keymap=KeyMap(), context={}, packs={})
        print("written", flush=True)
        if not limit:
            sys.stdin.read()
        draft.commit()
    """
)


def test_a_full_disk_leaves_no_half_snapshot(tmp_path: Path) -> None:
    """A limit on the size of files fails a write just as a disk that is full does."""
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(tmp_path), "20000"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "OSError" in done.stderr and "File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_was_killed_leaves_no_half_snapshot(make: Any, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path), "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        os.kill(writer.pid, signal.SIGKILL)
    assert snapshot_ids(tmp_path) == []
    assert [p.name for p in leftovers(tmp_path)] == [".a.partial"]
    sealed(make, tmp_path, "b")
    assert snapshot_ids(tmp_path) == ["b"] and leftovers(tmp_path) == []


def test_a_snapshot_becomes_visible_at_once(make: Any, tmp_path: Path) -> None:
    collection = make.collection(*parts(make))
    found = make.inferred(collection)
    with Draft(tmp_path, "a") as draft:
        draft.write(assets=found.assets, collection=collection, keymap=found.keymap, context=CONTEXT, packs=PACKS)
        assert snapshot_ids(tmp_path) == []
        with pytest.raises(SnapshotError):
            Snapshot(tmp_path / "a")
        draft.commit()
    assert snapshot_ids(tmp_path) == ["a"]


@pytest.mark.parametrize("torn", ["collection.json", "context.json"])
def test_a_torn_file_is_told_by_its_name(make: Any, tmp_path: Path, torn: str) -> None:
    path, _found, _collection = sealed(make, tmp_path)
    (path / torn).write_bytes(b'{"format"')
    with pytest.raises(SnapshotError, match=torn):
        Snapshot(path).collection() if torn.startswith("coll") else Snapshot(path).context()


def test_many_assets_are_written_and_read_in_seconds(make: Any, tmp_path: Path) -> None:
    seen = [make.seen(f"10.1.0.{i % 250 + 1}", f"{i}/tcp http nginx", vantage=f"v{i // 250}") for i in range(5000)]
    collection = Collection(tuple(seen))
    found = reconcile(collection, places=make.places(), keymap=KeyMap(), today=make.today, site="example")
    started = time.monotonic()
    with Draft(tmp_path, "a") as draft:
        draft.write(assets=found.assets, collection=collection, keymap=found.keymap, context=CONTEXT, packs={})
        path = draft.commit()
    assert Snapshot(path).assets() == found.assets
    assert time.monotonic() - started < 30
    shutil.rmtree(path)

"""Finished shards are kept whole or not at all."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventories.model import Collection, Failure
from probes.store import FileShardStore

FOUND = Collection(failures=(Failure("nmap", "a", ("10.0.0.0/24",), "x", "运城", datetime(2026, 3, 2, tzinfo=UTC)),))


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    store = FileShardStore(tmp_path / "new" / "shards")
    assert store.load("one") is None
    store.save("one", FOUND)
    assert FileShardStore(store.directory).load("one") == FOUND
    assert store.load("two") is None


def test_files_are_the_owners_only_and_nothing_partial_stays(tmp_path: Path) -> None:
    store = FileShardStore(tmp_path / "shards")
    store.save("one", FOUND)
    store.save("one", FOUND)
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in store.directory.iterdir()] == [0o600]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", "\0", "x" * 5000, "分片"])
def test_a_shards_name_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    store = FileShardStore(tmp_path / "shards")
    store.save(name, FOUND)
    assert store.load(name) == FOUND
    assert {path.parent for path in tmp_path.rglob("*.json")} == {tmp_path / "shards"}


def test_a_torn_file_counts_as_not_finished(tmp_path: Path) -> None:
    store = FileShardStore(tmp_path)
    store.save("one", FOUND)
    whole = store.path("one").read_bytes()
    for end in range(len(whole)):
        store.path("one").write_bytes(whole[:end])
        assert store.load("one") is None
    changed = whole.replace(b"10.0.0.0", b"10.0.0.9")
    assert changed != whole
    store.path("one").write_bytes(changed)
    assert store.load("one") is None


def test_one_shards_file_is_not_anothers(tmp_path: Path) -> None:
    store = FileShardStore(tmp_path)
    store.save("one", FOUND)
    store.path("one").rename(store.path("two"))
    assert store.load("two") is None


def test_a_disk_that_takes_nothing_is_an_oserror_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "shards").write_text("a file where the folder should be")
    with pytest.raises(OSError):
        FileShardStore(tmp_path / "shards").save("one", FOUND)
    assert FileShardStore(tmp_path / "shards").load("one") is None

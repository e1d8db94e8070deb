"""What goes wrong: each fault happens to a world at some moment of a run, and says whom it hit."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from tests.chaos.world import World, descendants


def kill_scheduler(world: World) -> str:
    """SIGKILL to the scheduler alone: its children live on, and are found again by the next."""
    if world.serving is None or world.serving.poll() is not None:
        return ""
    world.serving.kill()
    world.serving.wait(30)
    return "scheduler"


def kill_scheduler_and_children(world: World) -> str:
    """As when the machine loses its power."""
    if world.serving is None or world.serving.poll() is not None:
        return ""
    _kill([*descendants(world.serving.pid), world.serving.pid])
    world.serving.wait(30)
    return "scheduler and children"


def kill_probing(world: World) -> str:
    """SIGKILL to a child of the scheduler that looks at a zone."""
    return _kill_one(world, lambda line: "-m auditor probe" in line, "probing")


def kill_judging(world: World) -> str:
    """SIGKILL to whatever audits."""
    found = [pid for pid, line in _commands() if "audit --collected" in line and str(world.root) in line]
    return _kill(found[:1]) and "judging"


def kill_nmap(world: World) -> str:
    """SIGKILL to an nmap, the worker's or a child's."""
    parents = [p.pid for p in (world.serving, world.worker) if p is not None and p.poll() is None]
    family = {pid for parent in parents for pid in descendants(parent)}
    found = [pid for pid, line in _commands() if pid in family and line.startswith("nmap ")]
    return _kill(random.sample(found, 1) if found else []) and "nmap"


def kill_worker(world: World) -> str:
    """SIGKILL to the worker and what it started."""
    if world.worker is None or world.worker.poll() is not None:
        return ""
    _kill([world.worker.pid, *descendants(world.worker.pid)])
    world.worker.wait(30)
    return "worker"


def cut_database(world: World) -> str:
    """The database ends every connection to the ledger."""
    if world.postgresql is None:
        return ""
    theirs = "FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    cut = world.postgresql.run(f"SELECT count(pg_terminate_backend(pid)) {theirs}", world.database)
    return "database connection" if cut[0][0] else ""


def fill_disk(world: World) -> str:
    """A full disk for a second or two."""
    disk = world.root.parent
    ballast = disk / "ballast"
    try:
        with ballast.open("wb") as stream:
            left = shutil.disk_usage(disk).free
            while left > 0:
                left -= stream.write(b"\xff" * min(left, 1 << 20))
    except OSError:
        pass  # full: what was wanted
    try:
        time.sleep(random.uniform(0.5, 2.0))
    finally:
        ballast.unlink(missing_ok=True)
    return "full disk"


FAULTS: Mapping[str, Callable[[World], str]] = {
    "scheduler killed": kill_scheduler,
    "scheduler and its children killed": kill_scheduler_and_children,
    "probing child killed": kill_probing,
    "judging audit killed": kill_judging,
    "nmap killed": kill_nmap,
    "worker killed": kill_worker,
    "database connections cut": cut_database,
    "disk full": fill_disk,
}


def _commands() -> Iterable[tuple[int, str]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield (
                    int(entry.name),
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"),
                )
            except OSError:
                continue


def _kill_one(world: World, is_it: Callable[[str], bool], what: str) -> str:
    family = set(descendants(world.serving.pid)) if world.serving is not None else set()
    found = [pid for pid, line in _commands() if pid in family and is_it(line)]
    return _kill(random.sample(found, 1) if found else []) and what


def _kill(pids: Iterable[int]) -> str:
    hit = ""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        hit = "yes"
    return hit

"""Judging a large synthetic city by every rule, beside Cloud Custodian's filters on the same rules.

Both get the same assets and must find the same violations. Ours reads Parquet from the disk and gives five verdicts,
denominators by department and a digest; Custodian's filters get dictionaries that are in memory already and give
the violations. Each runs in a process of its own, one after the other. Custodian is installed into a virtual
environment of its own, outside this one, the first time.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import Line
from inventories.kinds import DUCKDB_TYPES, KINDS, Column, Type

PACK = "yuncheng-2021"
AS_OF = date(2026, 6, 30)
ROUNDS = 5
PROMISED_RATIO = 40.0
PROMISED_MIB = 1024.0
CUSTODIAN = "c7n==0.9.53"
SIZES = (100_000, 1_000_000)

#: What a city's inventory is made of. Machines outnumber systems; rooms, networks and clouds are few.
SHARES = {"system": 0.40, "host": 0.45, "room": 0.05, "network": 0.05, "cloud": 0.05}

#: Columns whose values decide how far a rule gets, as (SQL, percent); the rest is NULL.
_MIXED: dict[str, tuple[tuple[str, int], ...]] = {
    "region": (("'140800'", 60), ("'140802'", 15), ("'140881'", 15), ("'140100'", 8)),
    "level_of_government": (("'city'", 65), ("'county'", 28), ("'development_zone'", 5)),
    "status": (("'running'", 70), ("'trial'", 5), ("'building'", 8), ("'retired'", 8), ("'planned'", 4)),
    "hosting": (
        ("['gov_cloud']", 55),
        ("['own_room']", 20),
        ("['gov_cloud', 'own_room']", 5),
        ("['public_cloud']", 5),
    ),
    "hosting_levels": (("['city']", 60), ("['county']", 10)),
    "hosts_alive_off_cloud": (("0", 60), ("1", 4)),
    "is_observed": (("TRUE", 60), ("FALSE", 40)),
    "is_registered": (("TRUE", 80), ("FALSE", 5)),
    "is_physical": (("TRUE", 30), ("FALSE", 60)),
    "is_merged_under_city": (("TRUE", 60), ("FALSE", 10)),
}


def _sql(kind: str, column: Column) -> str:
    """SQL of a made-up column over the row number ``i``: the same on every machine."""
    seed = zlib.crc32(f"{kind}.{column.name}".encode())
    roll = f"(hash(i, {seed}) % 100)"
    if column.name == "key":
        return f"'{KINDS[kind].letter}-' || lpad(i::VARCHAR, 12, '0')"
    if column.name == "department_id":
        return f"'d' || (hash(i, {seed}) % 120)"
    if column.name in _MIXED:
        return _mix(roll, _MIXED[column.name])
    if column.values:
        codes = [f"['{code}']" if column.type is Type.TEXTS else f"'{code}'" for code in column.values]
        return _mix(roll, tuple((code, 90 // len(codes)) for code in codes))
    match column.type:
        case Type.BOOLEAN:
            return _mix(roll, (("FALSE", 75), ("TRUE", 5)))
        case Type.DATE:
            return f"CASE WHEN {roll} < 85 THEN DATE '2012-01-01' + (hash(i, {seed + 1}) % 5000)::INTEGER END"
        case Type.INTEGER | Type.NUMBER:
            return f"CASE WHEN {roll} < 70 THEN hash(i, {seed + 1}) % 40 END"
        case Type.TEXTS:
            return f"CASE WHEN {roll} < 70 THEN ['10.' || (i % 200) || '.' || (i % 251) || '.7'] END"
        case _:
            return f"CASE WHEN {roll} < 70 THEN '{column.title}' || (i % 5000) END"


def _mix(roll: str, parts: tuple[tuple[str, int], ...]) -> str:
    total, out = 0, "CASE "
    for value, percent in parts:
        total += percent
        out += f"WHEN {roll} < {total} THEN {value} "
    return out + "END"


def make_city(folder: Path, assets: int, columns: set[str]) -> None:
    """Writes ``<kind>.parquet`` as a snapshot has them, and ``<kind>.json`` with the fields that rules name."""
    import duckdb

    db = duckdb.connect(config={"memory_limit": "2GB"})
    db.execute("SET enable_progress_bar = false")
    for kind, declared in KINDS.items():
        number = int(assets * SHARES.get(kind, 0))
        made = ", ".join(f"({_sql(kind, c)})::{DUCKDB_TYPES[c.type]} AS {c.name}" for c in declared.all_columns)
        path = folder / f"{kind}.parquet"
        db.execute(f"COPY (SELECT {made} FROM range({number}) t(i)) TO '{path}' (FORMAT parquet)")
        if number:
            named = ", ".join(c.name for c in declared.all_columns if c.name in columns)
            db.execute(f"COPY (SELECT {named} FROM '{path}') TO '{folder / kind}.json' (FORMAT json)")


def ours(folder: Path) -> None:
    """Judges the city; prints seconds for each round, and the peak memory of the process."""
    from policies.evaluate import evaluate
    from policies.pack import load_packs

    packs = load_packs([PACK])
    seconds, cpu, kept = [], [], None
    for _ in range(ROUNDS):
        kept = None
        started, ticks = time.perf_counter(), time.process_time()
        kept = evaluate(folder, packs, as_of=AS_OF)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - ticks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert kept is not None
    started = time.perf_counter()
    found: dict[str, int] = {}
    for outcome in kept.outcomes:
        name = outcome.rule.partition("/")[2]
        found[name] = found.get(name, 0) + 1
    reading = time.perf_counter() - started
    body = {
        "seconds": seconds,
        "cpu": statistics.median(cpu),
        "peak_mib": peak,
        "reading": reading,
        "violations": found,
    }
    print(json.dumps(body))


def custodian_python() -> Path:
    """The interpreter of an environment that has Cloud Custodian; made on first use, outside this one."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auditor-bench"
    python = base / CUSTODIAN.replace("==", "-") / "bin" / "python"
    if python.exists():
        return python
    base.mkdir(parents=True, exist_ok=True)
    venv = python.parents[1]
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    try:
        if uv:
            _quietly(uv, "venv", "--python", sys.executable, str(venv))
            _quietly(uv, "pip", "install", "--python", str(python), CUSTODIAN)
        else:
            _quietly(sys.executable, "-m", "venv", str(venv))
            _quietly(str(python), "-m", "pip", "install", CUSTODIAN)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(venv, ignore_errors=True)
        raise RuntimeError(f"{CUSTODIAN} cannot be installed: {error.stderr[-300:]}") from error
    return python


def _quietly(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def _json_of(*command: str) -> dict[str, Any]:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    body: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return body


def measure(assets: int, python: Path) -> list[Line]:
    from policies.pack import load_packs
    from policies.subjects import stored

    (pack,) = load_packs([PACK])
    columns = {"key", "region"} | {c for rule in pack.rules for c in stored(rule.subject, rule.columns)}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        make_city(folder, assets, columns)
        mine = _json_of(sys.executable, "-m", "benchmarks.evaluate", "ours", name)
        theirs = _json_of(str(python), str(Path(__file__).with_name("_custodian.py")), name)
    if {rule: n for rule, n in theirs["violations"].items() if n} != mine["violations"]:
        raise RuntimeError(f"the two disagree: {mine['violations']} and {theirs['violations']}")
    took, custodian = statistics.median(mine["seconds"]), sum(theirs["seconds"].values())
    ratio, peak = custodian / took, float(mine["peak_mib"])
    big = assets == max(SIZES)
    found = sum(mine["violations"].values())
    return [
        Line(
            f"{assets:,} assets, {len(pack.rules)} rules: c7n / ours",
            f"{ratio:.0f} ({custodian:.2f} s / {took:.3f} s, {min(mine['seconds']):.3f} at best)",
            f">= {PROMISED_RATIO:g}" if big else "",
            ratio >= PROMISED_RATIO if big else None,
        ),
        Line(
            f"{assets:,} assets: processor time, c7n / ours",
            f"{theirs['cpu'] / mine['cpu']:.0f} ({theirs['cpu']:.2f} s / {mine['cpu']:.3f} s)",
        ),
        Line(
            f"{assets:,} assets: peak memory",
            f"{peak:.0f} MiB",
            f"< {PROMISED_MIB:g} MiB" if big else "",
            peak < PROMISED_MIB if big else None,
        ),
        Line(f"{assets:,} assets: reading {found} violations as records", f"{mine['reading']:.2f} s"),
    ]


def main() -> list[Line]:
    python = custodian_python()
    return [line for assets in SIZES for line in measure(assets, python)]


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        ours(Path(sys.argv[2]))
    else:
        for line in main():
            print(line.name, "|", line.measured, "|", line.promised, "|", line.met)

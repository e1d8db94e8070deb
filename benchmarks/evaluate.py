"""Judging a large synthetic city by every rule of every pack, beside two engines that others use for such rules.

These are Cloud Custodian's filters (Python) and a Rego engine (regorus, Rust). All get the same assets, and must find
the same violations by every rule that they can express. Ours reads Parquet from the disk and gives five verdicts,
denominators by department and a digest, by *all* the rules; the others get what is parsed already and give the
violations. Each runs in a process of its own, one after the other; theirs come out of virtual environments that are
made the first time, outside this one. The Rego engine is measured on the smaller city only.
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
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import Line, _portable
from inventories.kinds import DUCKDB_TYPES, KINDS, Column, Type
from policies.model import Pack
from policies.regions import EVERYWHERE

AS_OF = date(2026, 6, 30)
ROUNDS = 5
#: The city in which nine tenths of the assets lie.
HERE = "140800"
PROMISED_RATIO = 40.0
PROMISED_MIB = 1024.0
CUSTODIAN = "c7n==0.9.53"
#: A build of microsoft/regorus: the project itself publishes none to PyPI.
REGO = "gordon-to-regorus==0.13.0"
SIZES = (100_000, 1_000_000)
#: As many violations are read as records to tell how long that takes.
READ = 100_000

#: What a city's inventory is made of. Machines and what they are made of outnumber systems; the rest are few.
SHARES = {
    "system": 0.30,
    "host": 0.35,
    "component": 0.20,
    "project": 0.05,
    "room": 0.04,
    "network": 0.03,
    "cloud": 0.03,
}

#: What the texts leave to the site, by the type of the setting: anything will do that lets every rule judge.
GIVEN: Mapping[str, object] = {"date": date(2019, 7, 1), "integer": 12, "boolean": True, "text": "x"}

#: Columns whose values decide how far a rule gets, as (SQL, percent); the rest is NULL.
_MIXED: dict[str, tuple[tuple[str, int], ...]] = {
    "region": (("'140800'", 60), ("'140802'", 15), ("'140881'", 15), ("'140100'", 8)),
    "level_of_government": (("'city'", 55), ("'county'", 38), ("'development_zone'", 5)),
    # A city has a million components, and a few hundred products.
    "product": (
        *(("'银河麒麟高级服务器操作系统'", 20), ("'CentOS Linux'", 15), ("'飞腾腾云 S5000C-E'", 10), ("'MySQL'", 10)),
        *(("'Windows Server 2016'", 15), ("'Intel Xeon Gold 6130'", 15), ("'openEuler'", 5)),
    ),
    "version": (("'V11'", 20), ("'V10'", 20), ("'7'", 20), ("'8.0'", 20)),
    "vendor": (("'麒麟软件'", 10),),
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


def loaded() -> tuple[Pack, ...]:
    """Every pack that comes with the program, with whatever it waits for, all binding the one city.

    A site's packs bind nearly all that it has; packs of six places in one run would look at few assets each.
    """
    from policies.pack import builtin_packs, load_packs

    settings: dict[str, dict[str, object]] = {}
    for pack in load_packs(builtin_packs()):
        mine = {name: GIVEN[s.type] for name, s in pack.settings.items() if s.value is None}
        settings[pack.id] = mine | ({} if pack.in_force_from else {"in_force_from": GIVEN["date"]})
    packs = load_packs(builtin_packs(), settings=settings)
    return tuple(pack if pack.region == EVERYWHERE else replace(pack, region=HERE) for pack in packs)


def make_city(folder: Path, assets: int) -> None:
    """Writes ``<kind>.parquet`` as a snapshot has them, and the lists that are judged by."""
    import duckdb

    from policies.lists.load import shipped_files

    db = duckdb.connect(config={"memory_limit": "2GB"})
    db.execute("SET enable_progress_bar = false")
    for kind, declared in KINDS.items():
        number = int(assets * SHARES.get(kind, 0))
        made = ", ".join(f"({_sql(kind, c)})::{DUCKDB_TYPES[c.type]} AS {c.name}" for c in declared.all_columns)
        path = folder / f"{kind}.parquet"
        db.execute(
            f"COPY (SELECT {made} FROM range({number}) t(i)) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 49152)"
        )
    (folder / "lists").mkdir()
    for name, content in shipped_files().items():
        (folder / "lists" / name).write_bytes(content)


def export(folder: Path, packs: tuple[Pack, ...]) -> None:
    """Writes ``rules.json`` and ``<kind>.json`` for the other engines: one object for each asset.

    What we compute or join at evaluation stands there computed, in their favour.
    """
    import duckdb

    from policies.engine import Engine, Limits
    from policies.subjects import derived

    rules: list[dict[str, object]] = []
    with Engine(folder, packs, AS_OF, Limits()) as engine:
        for kind in engine.kinds:
            columns = {"key": "t.key", "region": "t.region"}
            for judged in engine.rules[kind]:
                names = {
                    name: f"{name}_{_word(judged.pack.id)}" if derived(kind, name) else name
                    for name in judged.rule.columns
                }
                columns |= {alias: judged.column(name) for name, alias in names.items()}
                rules += _portable_rule(judged, kind, names)
            made = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
            table = engine.arrow(f"SELECT {made} FROM {engine.scan(kind)} t")
            db = duckdb.connect()
            db.execute("SET enable_progress_bar = false")
            db.register("rows", table)
            db.execute(f"COPY (SELECT * FROM rows) TO '{folder / kind}.json' (FORMAT json)")
            db.close()
    (folder / "rules.json").write_text(json.dumps(rules, ensure_ascii=False), encoding="utf-8")


def _word(name: str) -> str:
    return name.replace("-", "_")


def _portable_rule(judged: Any, kind: str, names: Mapping[str, str]) -> Iterator[dict[str, object]]:
    """A rule in a form that others can be given; nothing where it compares what no filter over one row can."""
    from policies.expressions import Every
    from policies.regions import stem

    if "FALSE" in judged.frame:
        return
    parts = [part for part in (judged.applies, judged.violation) if part is not None]
    try:
        told = _portable.condition(Every(tuple(parts)), judged.outside)
    except _portable.Inexpressible:
        return
    yield {
        "id": judged.rule.full_id,
        "kind": kind,
        "region": stem(judged.pack.region),
        "condition": _renamed(told, names),
    }


def _renamed(condition: list[Any], names: Mapping[str, str]) -> list[Any]:
    match condition:
        case ["and" | "or" as word, parts]:
            return [word, [_renamed(part, names) for part in parts]]
        case ["cols", left, op, right]:
            return ["cols", names[left], op, names[right]]
        case [word, name, *rest]:
            return [word, names[name], *rest]
    raise ValueError(condition)


def ours(folder: Path) -> None:
    """Judges the city; prints seconds for each round, and the peak memory of the process."""
    from policies.evaluate import evaluate

    packs = loaded()
    seconds, cpu, kept = [], [], None
    for _ in range(ROUNDS):
        kept = None
        started, ticks = time.perf_counter(), time.process_time()
        kept = evaluate(folder, packs, as_of=AS_OF)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - ticks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert kept is not None
    found: dict[str, int] = {}
    for count in kept.counts:
        if count.verdict == "violation":
            found[count.rule] = found.get(count.rule, 0) + count.number
    total = len(kept.outcomes)
    assert total == sum(found.values())
    shown = min(total, READ)
    started = time.perf_counter()
    deque(islice(kept.outcomes, shown), maxlen=0)
    reading = time.perf_counter() - started
    body = {
        "seconds": seconds,
        "cpu": statistics.median(cpu),
        "peak_mib": peak,
        "reading": [shown, reading],
        "violations": found,
    }
    print(json.dumps(body))


def python_with(requirement: str) -> Path:
    """The interpreter of an environment that has one requirement; made on first use, outside this one."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auditor-bench"
    python = base / requirement.replace("==", "-") / "bin" / "python"
    if python.exists():
        return python
    base.mkdir(parents=True, exist_ok=True)
    venv = python.parents[1]
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    try:
        if uv:
            _quietly(uv, "venv", "--python", sys.executable, str(venv))
            _quietly(uv, "pip", "install", "--python", str(python), requirement)
        else:
            _quietly(sys.executable, "-m", "venv", str(venv))
            _quietly(str(python), "-m", "pip", "install", requirement)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(venv, ignore_errors=True)
        raise RuntimeError(f"{requirement} cannot be installed: {error.stderr[-300:]}") from error
    return python


def _quietly(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def _json_of(*command: str) -> dict[str, Any]:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
    body: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return body


def measure(assets: int) -> list[Line]:
    packs = loaded()
    big = assets == max(SIZES)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        make_city(folder, assets)
        mine = _json_of(sys.executable, "-m", "benchmarks.evaluate", "ours", name)
        export(folder, packs)
        others = {"c7n": ("_custodian.py", CUSTODIAN)} | ({} if big else {"regorus": ("_rego.py", REGO)})
        found = {
            word: _json_of(str(python_with(requirement)), str(Path(__file__).with_name(script)), name)
            for word, (script, requirement) in others.items()
        }
    for word, theirs in found.items():
        wrong = [rule for rule, n in theirs["violations"].items() if n != mine["violations"].get(rule, 0)]
        if wrong:
            raise RuntimeError(f"ours and {word} disagree on {', '.join(sorted(wrong))}")
    took, rules = statistics.median(mine["seconds"]), sum(len(pack.rules) for pack in packs)
    judged = f"{assets:,} assets, {rules} rules of {len(packs)} packs"
    lines = [Line(judged, f"{took:.3f} s ({min(mine['seconds']):.3f} at best)")]
    for word, theirs in found.items():
        promised = big and word == "c7n"
        ratio = theirs["seconds"] / took
        lines.append(
            Line(
                f"{assets:,} assets: {word} by {len(theirs['violations'])} rules / ours by {rules}",
                f"{ratio:.0f} ({theirs['seconds']:.2f} s); by processor time {theirs['cpu'] / mine['cpu']:.0f}",
                f">= {PROMISED_RATIO:g}" if promised else "",
                ratio >= PROMISED_RATIO if promised else None,
            )
        )
    peak = float(mine["peak_mib"])
    lines.append(
        Line(
            f"{assets:,} assets: peak memory",
            f"{peak:.0f} MiB",
            f"< {PROMISED_MIB:g} MiB" if big else "",
            peak < PROMISED_MIB if big else None,
        )
    )
    shown, reading = mine["reading"]
    total = sum(mine["violations"].values())
    lines.append(Line(f"{assets:,} assets: reading {shown:,} of {total:,} violations as records", f"{reading:.2f} s"))
    return lines


def main() -> list[Line]:
    return [line for assets in SIZES for line in measure(assets)]


if __name__ == "__main__":
    if sys.argv[1:2] == ["ours"]:
        ours(Path(sys.argv[2]))
    else:
        for line in main():
            print(line.name, "|", line.measured, "|", line.promised, "|", line.met)

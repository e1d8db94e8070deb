"""A made-up province of 10⁵, 10⁶ and 10⁷ assets: judged, counted for the metrics, audited, and written to the ledger.

``python -m benchmarks.scale [--sizes=1e5,1e6,1e7] [--ledger=URL]`` (``make bench-scale``). Everything is measured in
a process of its own, which ends with what it took: wall and processor seconds, and its peak. What is made lies in a
temporary folder, and is gone at the end. An audit as a whole (its objects stand in memory) is measured up to 10⁶; of
10⁷, ten cities in a hundred are reconciled as sites of their own, one after another.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import Line

SIZES = (100_000, 1_000_000, 10_000_000)
#: Up to here one site's audit is measured from end to end.
WHOLE = 1_000_000
#: Findings that are written back at the most.
FINDINGS = 1_000_000
#: Of so many machines in 100,000, something else was seen the week after.
MOVED = 1000
#: Cities of a province that are reconciled one after another.
SOME_SITES = 10
MOST_SECONDS, MOST_MIB = 600.0, 4096.0
_POSTGRESQL = Path("/usr/lib/postgresql/15/bin/postgres")


def told(module: str, *arguments: object) -> dict[str, Any]:
    """What a module prints at its end. RuntimeError with its last words where it fails."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError(f"{module}: {done.stderr.strip().splitlines()[-1:]}")
    body: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return body


def took(stage: dict[str, float], number: int) -> str:
    return (
        f"{stage['wall']:.1f} s, {stage['cpu']:.1f} s CPU, peak {stage['peak']:.0f} MiB; "
        f"{stage['cpu'] / number * 1e6:.1f} µs an asset"
    )


def judging(folder: Path, size: int) -> tuple[list[Line], dict[str, Any]]:
    found, bare = told("_scale_judge", "judge", folder), told("_scale_judge", "raw", folder)
    judged, raw = found["evaluate"], bare["raw"]
    verdicts = found["verdicts"]
    said = ", ".join(f"{verdicts.get(word, 0):,} {word}" for word in ("violation", "unknown", "compliant"))
    largest = size == max(SIZES)
    is_met = judged["wall"] <= MOST_SECONDS and judged["peak"] <= MOST_MIB
    return [
        Line(
            f"{size:,} assets by {found['rules']} rules of {found['packs']} packs",
            took(judged, size),
            f"<= {MOST_SECONDS:g} s, <= {MOST_MIB:g} MiB" if largest else "",
            is_met if largest else None,
        ),
        Line("  what came of it", said),
        Line(
            "  / bare DuckDB reading the same columns", f"{judged['cpu'] / raw['cpu']:.1f} ({raw['cpu']:.2f} s CPU)"
        ),
        Line(
            "  every violation and unknown, written out",
            f"{took(found['outcomes'], size)}; {found['bytes'] / 1e6:.0f} MB",
        ),
    ], found


def scraping(folder: Path, size: int) -> list[Line]:
    found = told("_scale_judge", "gather", folder)
    return [
        Line("  counted for the metrics after an audit", took(found["gather"], size)),
        Line(
            "  a scrape from what was counted",
            f"{1000 * found['scrape']['wall']:.1f} ms; {found['series']:,} series, {found['bytes'] / 1e6:.1f} MB",
        ),
    ]


def auditing(root: Path, size: int) -> list[Line]:
    """A site's first audit and the next, after a small change; what each stage took."""
    first = told("_scale_audit", "audit", root, size, 0, 0)
    then = told("_scale_audit", "again", root, size, MOVED, 1)
    number, lines = first["assets"], []
    lines.append(
        Line(
            f"one site of {number:,} assets, audited from end to end",
            f"{first['observations']:,} observations, {first['facts']:,} facts, {first['findings']:,} findings",
        )
    )
    for name, stage in first["stages"].items():
        again = then["stages"].get(name)
        after = f"; after 1 %: {again['cpu']:.1f} s CPU" if again else ""
        lines.append(Line(f"  {name}", took(stage, number) + after))
    made = ("keys", "reconcile", "infer", "snapshot and evaluate", "record")
    whole, next_one = (sum(one["stages"][name]["cpu"] for name in made) for one in (first, then))
    new, confirmed, resolved = then["changes"]
    lines += [
        Line(
            "  the audit after 1 % changed / the first, without papers",
            f"{next_one / whole:.2f}; record alone "
            f"{then['stages']['record']['cpu'] / first['stages']['record']['cpu']:.2f} of the first's; "
            f"{new} new, {confirmed:,} confirmed, {resolved} resolved",
        ),
        Line(
            "  its snapshot, its ledger",
            f"{sum(first['snapshot'].values()) / 1e6:.0f} MB, {first['ledger'] / 1e6:.0f} MB; "
            f"{sum(first['snapshot'].values()) / number:.0f} and {first['ledger'] / number:.0f} bytes an asset",
        ),
    ]
    return lines


def sites(size: int) -> list[Line]:
    found = told("_scale_audit", "sites", SOME_SITES)
    number = found["assets"]
    return [
        Line(
            f"{size:,} assets as sites of 100,000: reconciled and inferred, {SOME_SITES} of them",
            f"{took(found['sites'], number)}; all of them: {found['sites']['cpu'] / number * size / 3600:.1f} h CPU",
        )
    ]


def recording(size: int, where: str) -> list[Line]:
    number = min(size, FINDINGS)
    found = told("_scale_ledger", where, number)
    name = {"--sqlite": "SQLite", "--server": "PostgreSQL"}.get(where, "the given database")
    words = ("all new", "all confirmed", "1 % changed")
    first = found["audits"][0]
    lines = [
        Line(
            f"{number:,} findings into {name}: {word}",
            f"{one['wall']:.1f} s, {one['cpu']:.1f} s CPU, peak {one['peak']:.0f} MiB"
            f"; {one['wall'] / first['wall']:.2f} of the first",
        )
        for word, one in zip(words, found["audits"], strict=True)
    ]
    if "bytes" in found:
        lines.append(Line("  the file", f"{found['bytes'] / 1e6:.0f} MB"))
    return lines


def growth(judged: dict[int, dict[str, Any]]) -> list[Line]:
    """Whether an asset costs more in a large province than in a small one."""
    least, most = min(judged), max(judged)
    small, large = judged[least]["evaluate"], judged[most]["evaluate"]
    more = (large["cpu"] / most) / (small["cpu"] / least)
    beside = (large["peak"] / most) / (small["peak"] / least)
    return [
        Line(f"time an asset, {most:,} / {least:,}", f"{more:.2f}", "<= 1.1", more <= 1.1),
        Line(f"memory an asset, {most:,} / {least:,}", f"{beside:.2f}", "<= 1.1", beside <= 1.1),
    ]


def measure(sizes: Sequence[int], ledger: str = "") -> list[Line]:
    lines: list[Line] = []
    judged: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        home = Path(name)
        made = told("_scale_snapshot", "city", home)
        for size in sizes:
            folder = home / f"province-{size}"
            told("_scale_snapshot", "province", made["city"], folder, size)
            some, judged[size] = judging(folder, size)
            lines += some + scraping(folder, size)
            shutil.rmtree(folder)
        if len(judged) > 1:
            lines += growth(judged)
        for size in sizes:
            if size <= WHOLE:
                lines += auditing(home / f"site-{size}", size)
                shutil.rmtree(home / f"site-{size}")
            else:
                lines += sites(size)
        stores = ["--sqlite", *(["--server"] if _POSTGRESQL.exists() else []), *([ledger] if ledger else [])]
        for number in sorted({min(size, FINDINGS) for size in sizes}):
            lines += [line for where in stores for line in recording(number, where)]
    return lines


def main() -> list[Line]:
    """The smallest size alone; ``make bench-scale`` measures the others."""
    return measure(SIZES[:1])


def _chosen(arguments: Sequence[str]) -> tuple[list[int], str]:
    sizes, ledger = list(SIZES), ""
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == "--sizes" and value:
            sizes = sorted(int(float(word)) for word in value.split(","))
        elif name == "--ledger" and value:
            ledger = value
        else:
            raise SystemExit(f"{argument}: --sizes=1e5,1e6,1e7 or --ledger=URL")
    return sizes, ledger


if __name__ == "__main__":
    from benchmarks.__main__ import table

    measured = measure(*_chosen(sys.argv[1:]))
    print(table(measured))
    sys.exit(any(line.met is False for line in measured))

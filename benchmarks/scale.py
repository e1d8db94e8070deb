"""A made-up province of 10⁵, 10⁶ and 10⁷ assets: judged, counted for the metrics, audited, and written to the ledger.

``python -m benchmarks.scale [--sizes=1e5,1e6,1e7] [--ledger=URL]`` (``make bench-scale``). Everything is measured in
a process of its own, which ends with what it took: wall and processor seconds, and its peak. What is made lies in a
temporary folder, and is gone at the end. An audit as a whole (its objects stand in memory) is measured up to 10⁶; 10⁷
are reconciled as ten sites of 10⁶, one after another.
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
#: One zone in so many was looked at anew, where of so many machines in 100,000 something else is seen.
PART, SOME_MOVED = 100, 100_000
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


def auditing(root: Path, size: int) -> tuple[list[Line], dict[str, Any]]:
    """A site's first audit; the next, when all was looked at anew; and one for which one zone in a hundred was."""
    first = told("_scale_audit", "audit", root, size, 0, 0, 1)
    anew = told("_scale_audit", "audit", root, size, MOVED, 1, 1)
    some = told("_scale_audit", "audit", root, size, SOME_MOVED, 2, PART)
    number, looked = first["assets"], first["looks"]
    lines = [
        Line(
            f"one site of {number:,} assets, audited from its looks to its papers",
            f"{first['observations']:,} observations, {first['facts']:,} facts, {first['findings']:,} findings",
        )
    ]
    for name, stage in first["stages"].items():
        after = (f"{one['stages'][name]['cpu'] / stage['cpu']:.2f}" for one in (anew, some))
        lines.append(Line(f"  {name}", f"{took(stage, number)}; the next: {', '.join(after)} of it"))
    lines.append(Line("  all of it", took(whole(first), number)))
    for words, then in (("all looked at anew, 1 % of the machines changed", anew), (f"1 zone in {PART} anew", some)):
        new, confirmed, resolved = then["changes"]
        lines.append(
            Line(
                f"  the next audit, {words} / the first",
                f"{whole(then)['cpu'] / whole(first)['cpu']:.2f}; "
                f"{new} new, {confirmed:,} confirmed or left as they are, {resolved} resolved",
            )
        )
    kept = {"snapshot": sum(first["snapshot"].values()), "looks": looked}
    kept |= {name: first[name] for name in ("ledger", "workbook")}
    lines.append(
        Line(
            "  on disk", "; ".join(f"{n} {v / 1e6:.1f} MB, {v / number:.0f} bytes an asset" for n, v in kept.items())
        )
    )
    return lines, first


def whole(told: dict[str, Any]) -> dict[str, float]:
    """All stages of an audit together."""
    stages = told["stages"].values()
    out = {of: sum(stage[of] for stage in stages) for of in ("wall", "cpu")}
    return {**out, "peak": max(stage["peak"] for stage in stages)}


def sites(size: int) -> list[Line]:
    """The largest province, as it is governed: city by city."""
    found = told("_scale_audit", "sites", size // WHOLE, WHOLE)
    number = found["assets"]
    words = f"{number:,} assets as {size // WHOLE} sites, reconciled and inferred one after another"
    return [Line(words, took(found["sites"], number))]


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


def growth(what: str, by_size: dict[int, dict[str, float]], numbers: dict[int, int]) -> list[Line]:
    """Whether an asset costs more in a large province than in a small one."""
    least, most = min(by_size), max(by_size)
    small, large = by_size[least], by_size[most]
    more = (large["cpu"] / numbers[most]) / (small["cpu"] / numbers[least])
    beside = (large["peak"] / numbers[most]) / (small["peak"] / numbers[least])
    words = f"an asset, {most:,} / {least:,}"
    return [
        Line(f"{what}: time of {words}", f"{more:.2f}", "<= 1.1", more <= 1.1),
        Line(f"{what}: memory of {words}", f"{beside:.2f}", "<= 1.1", beside <= 1.1),
    ]


def measure(sizes: Sequence[int], ledger: str = "") -> list[Line]:
    lines: list[Line] = []
    judged: dict[int, dict[str, Any]] = {}
    audited: dict[int, dict[str, Any]] = {}
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
            lines += growth("judging", {n: one["evaluate"] for n, one in judged.items()}, {n: n for n in judged})
        for size in sizes:
            if size <= WHOLE:
                some, audited[size] = auditing(home / f"site-{size}", size)
                lines += some
                shutil.rmtree(home / f"site-{size}")
            else:
                lines += sites(size)
        if len(audited) > 1:
            stages = {n: whole(one) for n, one in audited.items()}
            lines += growth("an audit", stages, {n: one["assets"] for n, one in audited.items()})
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

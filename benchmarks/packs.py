"""How long all packs take to load and be checked: anew, and as an earlier run has kept them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import Line

ROUNDS = 5
COLD, WARM = 2.0, 0.5
#: A new interpreter each time: what importing takes is part of what a person waits for.
PROGRAM = """\
import time
started = time.perf_counter()
from policies.pack import builtin_packs, load_packs
packs = load_packs(builtin_packs())
print(time.perf_counter() - started, len(packs), sum(len(pack.rules) for pack in packs))
"""


def load(cache: Path) -> tuple[float, int, int]:
    """Seconds, packs and rules."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
    )
    took, packs, rules = done.stdout.split()
    return float(took), int(packs), int(rules)


def main() -> list[Line]:
    """Medians; the first run of all, which writes bytecode, is not counted."""
    cold, warm = [], []
    with tempfile.TemporaryDirectory(prefix="packs-") as folder:
        _, packs, rules = load(Path(folder) / "first")
        for number in range(ROUNDS):
            cache = Path(folder) / str(number)
            cold.append(load(cache)[0])
            warm.append(load(cache)[0])
    what = f"{packs} packs, {rules} rules"
    slow, quick = statistics.median(cold), statistics.median(warm)
    return [
        Line(f"load and check {what}", f"{slow:.2f} s", f"<= {COLD:g} s", slow <= COLD),
        Line(f"load {what}, checked before", f"{quick:.2f} s", f"<= {WARM:g} s", quick <= WARM),
    ]


if __name__ == "__main__":
    for line in main():
        print(line.name, line.measured)

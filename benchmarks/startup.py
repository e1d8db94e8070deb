"""How long ``auditor --help`` takes beside a bare ``python -c "import typer, rich"``."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks import Line

ROUNDS = 15
PROMISED = 2.0
BARE = (sys.executable, "-c", "import typer, rich")
HELP = (sys.executable, "-m", "auditor", "--help")


def seconds(command: tuple[str, ...]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> list[Line]:
    """Medians of interleaved runs, so that whatever else the machine does falls on both alike."""
    seconds(BARE), seconds(HELP)  # the first run writes bytecode
    bare, ours = [], []
    for _ in range(ROUNDS):
        bare.append(seconds(BARE))
        ours.append(seconds(HELP))
    base, took = statistics.median(bare), statistics.median(ours)
    return [
        Line(
            "auditor --help / import typer, rich",
            f"{took / base:.2f} ({1000 * took:.0f} ms / {1000 * base:.0f} ms)",
            f"<= {PROMISED:g}",
            took / base <= PROMISED,
        )
    ]


if __name__ == "__main__":
    for line in main():
        print(line.name, line.measured)

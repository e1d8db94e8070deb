"""``python -m benchmarks [NAME…]`` runs the benchmarks one after another and prints one table.

Exit status: 0 where every promise is met, 1 where one is not, 3 where a benchmark could not be run.
"""

from __future__ import annotations

import importlib
import multiprocessing
import pkgutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import benchmarks
from benchmarks import Line, run_one


def names() -> list[str]:
    """Every benchmark, by the name of its module."""
    found = pkgutil.iter_modules(benchmarks.__path__)
    return sorted(m.name for m in found if not m.name.startswith("_") and not m.ispkg and _is_benchmark(m.name))


def _is_benchmark(name: str) -> bool:
    return hasattr(importlib.import_module(f"benchmarks.{name}"), "main")


def table(lines: list[Line]) -> str:
    rows = [("benchmark", "measured", "promised", "")]
    rows += [(line.name, line.measured, line.promised, _mark(line.met)) for line in lines]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _mark(met: bool | None) -> str:
    return "" if met is None else ("met" if met else "MISSED")


def main(chosen: list[str]) -> int:
    unknown = sorted(set(chosen) - set(names()))
    if unknown:
        sys.stderr.write(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(names())}\n")
        return 2
    lines: list[Line] = []
    failed: list[str] = []
    for name in chosen or names():
        started = time.monotonic()
        # An interpreter of its own for each: peak memory and warm caches of one are not the next one's.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
            error = (future := pool.submit(run_one, name)).exception()
        if error is not None:
            failed.append(name)
            sys.stderr.write(f"{name}: could not be measured: {type(error).__name__}: {error}\n")
        else:
            lines += future.result()
        sys.stderr.write(f"{name}: {time.monotonic() - started:.0f} s\n")
    print(table(lines))
    if failed:
        return 3
    return 1 if any(line.met is False for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

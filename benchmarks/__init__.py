"""How fast it is, against what was promised. ``python -m benchmarks`` measures everything and prints the table.

Every module here but this one is a benchmark: its ``main()`` measures, and returns the lines of the table.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One measured figure beside what was promised. ``met`` is None where a figure is only stated."""

    name: str
    measured: str
    promised: str = ""
    met: bool | None = None


def run_one(name: str) -> list[Line]:
    """One benchmark's lines. A ``main()`` that prints for itself may return an exit status instead."""
    result = importlib.import_module(f"benchmarks.{name}").main()
    if result is None or isinstance(result, int):
        return [Line(name, "see above", "", not result)]
    return list(result)

"""What a site may look like besides the made-up province: does time an asset stay the same as each shape grows?

``python -m benchmarks.shapes [--sizes=2e4,8e4] [--only=NAME,NAME]`` prints, for each shape, the processor time an
asset at every size and the ratio of the last to the first. A shape is a small generator that makes one thing large
(:mod:`benchmarks._shapes_many`) or very many things alike (:mod:`benchmarks._shapes_alike`). It is reconciled,
inferred, and reconciled again from the keys of the first; each size in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, timedelta

from benchmarks import Line
from benchmarks import _shapes_alike as alike
from benchmarks import _shapes_many as many
from benchmarks._shapes_site import AT, Site
from inventories.again import Again
from inventories.again import Known as Earlier
from inventories.coverage import asset_absence
from inventories.infer import infer
from inventories.model import Collection, Failure, KeyMap
from inventories.places import Places
from inventories.reconcile import Reconciled, reconcile
from inventories.steady import without_cycle_collection

SIZES = (20_000, 80_000)
#: Linear, but for what the processor's caches and another program on the machine add.
MOST_GROWTH = 1.3
TODAY = date(2026, 3, 2)

_MANY = (
    *(many.departments, many.vantages, many.clouds, many.one_department, many.nobodys, many.unclaimed),
    *(many.prefixes, many.papers),
)
_ALIKE = (
    *(alike.codes, alike.names, alike.one_door, alike.leads, alike.one_system, alike.one_machine, alike.shared),
    alike.rows,
)
SHAPES: Mapping[str, Callable[[int], Site]] = {shape.__name__: shape for shape in (*_MANY, *_ALIKE)}


@dataclass(frozen=True, slots=True)
class Measured:
    """Processor seconds of each stage. ``again``: from the first one's keys, half of the machines silent."""

    assets: int
    reconcile: float
    infer: float
    again: float

    @property
    def micros(self) -> float:
        """Processor microseconds an asset."""
        return (self.reconcile + self.infer + self.again) / self.assets * 1e6


def measure(shape: str, size: int) -> Measured:
    """One shape at one size, in this process."""
    site = SHAPES[shape](size)
    collected, begun = site.collection(), time.process_time()
    places = Places(site.zones)
    first = reconcile(collected, places=places, keymap=KeyMap(), today=TODAY, site="shape")
    reconciled = time.process_time()
    told = infer(first, collected, places=places, today=TODAY, site="shape")
    inferred = time.process_time()
    with without_cycle_collection():
        later(told, collected, places)
    return Measured(len(told.assets), reconciled - begun, inferred - reconciled, time.process_time() - inferred)


def later(told: Reconciled, collected: Collection, places: Places) -> tuple[Reconciled, list[tuple[bool, bool]]]:
    """The next month: half of what was seen is silent, and every login in a zone was refused at some address."""
    month = timedelta(days=40)
    said = tuple(
        replace(o, observed_at=o.observed_at + month)
        for n, o in enumerate(collected.observations)
        if o.collector == "register" or n % 2
    )
    refused = tuple(
        Failure("ssh", o.zone, (i.value,), "refused", "", AT)
        for n, o in enumerate(collected.observations)
        if n % 4 == 0
        for i in o.identifiers[:1]
        if i.scheme == "ip"
    )
    fresh = replace(collected, observations=said, failures=collected.failures + refused)
    found = reconcile(fresh, places=places, keymap=told.keymap, today=TODAY + month, site="shape")
    again = Again(fresh)
    known = (Earlier(a.kind, a.key, a.identifiers, a.zones, a.collectors) for a in told.assets if a.kind != "room")
    return found, [
        (asset_absence(one.kind, one.identifiers, again.covered, places=places), again.looked(one, ()))
        for one in known
    ]


def growth(shape: str, sizes: tuple[int, ...]) -> Line:
    """A shape at every size, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    found = []
    for size in sizes:
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
            found.append(pool.submit(measure, shape, size).result())
    ratio = found[-1].micros / found[0].micros
    times = " → ".join(f"{one.micros:.0f}" for one in found)
    parts = [f"{a:.0f}+{b:.0f}+{c:.0f}" for a, b, c in (_parts(one) for one in found)]
    words = f"{times} µs an asset (reconcile+infer+again {' → '.join(parts)}), ×{ratio:.2f}"
    name = f"shape {shape}, {found[0].assets:,} to {found[-1].assets:,} assets"
    return Line(name, words, f"<= ×{MOST_GROWTH:g}", ratio <= MOST_GROWTH)


def _parts(one: Measured) -> tuple[float, float, float]:
    micros = 1e6 / one.assets
    return micros * one.reconcile, micros * one.infer, micros * one.again


def main(arguments: Sequence[str] = ()) -> list[Line]:
    """Every shape, or those that ``--only`` names."""
    return list(_each(arguments))


def _each(arguments: Sequence[str]) -> Iterator[Line]:
    sizes: tuple[int, ...] = SIZES
    only = tuple(SHAPES)
    for argument in arguments:
        name, _, value = argument.partition("=")
        if name == "--sizes" and value:
            sizes = tuple(sorted(int(float(word)) for word in value.split(",")))
        elif name == "--only" and set(value.split(",")) <= SHAPES.keys():
            only = tuple(value.split(","))
        else:
            raise SystemExit(f"{argument}: --sizes=2e4,8e4 or --only={','.join(SHAPES)}")
    for shape in only:
        yield growth(shape, sizes)


if __name__ == "__main__":
    for line in _each(sys.argv[1:]):
        print(line.name, line.measured, line.promised, flush=True)

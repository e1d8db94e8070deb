"""Notices for 500 departments in one run: composed, filled in and written, against a bare docxtpl.

The peer loads the same template with docxtpl and renders it for each notice, as its own manual does; the words are
composed for both. Each run is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import functools
import io
import multiprocessing
import resource
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import Line

if TYPE_CHECKING:
    from reports.papers.view import PaperView

FEW, MANY = 50, 500
ITEMS = 20
#: Peak memory may not grow with the number of notices; this much is the allocator's.
MOST_GROWTH = 1.05
LONG = 10_000
LONG_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Measured:
    seconds: float
    peak_mib: float
    mib: float


def views(count: int, items: int = ITEMS) -> Iterator[PaperView]:
    """An order to each department, about its own systems: 20 findings under one rule."""
    from reports.papers.sample import sample
    from reports.papers.view import Form

    base = sample(Form.TASK)
    for number in range(count):
        department = replace(base.department, id=f"d{number}", name=f"示例市第{number}局")
        findings = tuple(
            replace(
                base.items[0],
                id=f"F-{number * items + place:06d}",
                asset_name=f"示例业务系统{number}-{place}",
                department_id=department.id,
                department_name=department.name,
            )
            for place in range(items)
        )
        yield replace(base, department=department, items=findings, number=f"示审管改〔2026〕{number + 1}号")


def ours(count: int, items: int = ITEMS) -> Measured:
    """Composed and filled by this program."""
    from reports.papers.compose import compose
    from reports.papers.templates import Templates
    from reports.papers.view import Form

    templates = Templates.load()
    return _written(count, items, lambda view: templates.fill(Form.TASK, compose(view)))


def theirs(count: int, items: int = ITEMS) -> Measured:
    """Composed by this program, filled by docxtpl alone."""
    from docxtpl import DocxTemplate

    from reports.papers.compose import compose
    from reports.papers.templates import shipped
    from reports.papers.view import Form

    template = _plain(shipped(Form.TASK))

    def fill(view: PaperView) -> bytes:
        document = DocxTemplate(io.BytesIO(template))
        document.render(compose(view), autoescape=True)
        out = io.BytesIO()
        document.save(out)
        return out.getvalue()

    return _written(count, items, fill)


def _plain(template: bytes) -> bytes:
    """The template without the one tag that docxtpl does not know."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(template)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b"{%up row.no %}", b""))
    return out.getvalue()


def _written(count: int, items: int, fill: Callable[[PaperView], bytes]) -> Measured:
    from reports.files import write_whole

    size = 0
    with tempfile.TemporaryDirectory(prefix="papers-") as name:
        started = time.perf_counter()
        for number, view in enumerate(views(count, items)):
            data = fill(view)
            size += len(data)
            write_whole(Path(name) / f"{number}.docx", data)
        seconds = time.perf_counter() - started
    return Measured(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, size / (1 << 20))


def _apart(measure: functools.partial[Measured]) -> Measured:
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure).result()


def main() -> list[Line]:
    few, many = (_apart(functools.partial(ours, count)) for count in (FEW, MANY))
    peer = _apart(functools.partial(theirs, FEW))
    long = _apart(functools.partial(ours, 1, LONG))
    growth = many.peak_mib / few.peak_mib
    rate, bare = MANY / many.seconds, FEW / peer.seconds
    return [
        Line(
            f"notices for {MANY} departments, {ITEMS} items each",
            f"{rate:.0f} a second ({many.mib:.0f} MiB of .docx in {many.seconds:.1f} s)",
        ),
        Line("the same by docxtpl alone", f"{bare:.1f} a second", f"< {rate:.0f}", bare < rate),
        Line(
            f"peak memory, {FEW} and {MANY} notices",
            f"{few.peak_mib:.0f} and {many.peak_mib:.0f} MiB (docxtpl {peer.peak_mib:.0f})",
            f"<= {MOST_GROWTH:g} times",
            growth <= MOST_GROWTH,
        ),
        Line(
            f"one notice with {LONG:,} items",
            f"{long.seconds:.1f} s, peak {long.peak_mib:.0f} MiB",
            f"<= {LONG_SECONDS:g} s",
            long.seconds <= LONG_SECONDS,
        ),
    ]


if __name__ == "__main__":
    for line in main():
        print(line.name, line.measured, line.promised)

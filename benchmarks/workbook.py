"""A ledger of 10⁵ rows against a bare xlsxwriter loop that writes the same cells in the same formats.

The bare loop is handed every cell ready made (which method, what value, which format) and does nothing but write it:
no labels, no cleaning, no heights. Both run in one process, taking turns, in constant memory. The peak of the larger
ledger is set against that of a small one, measured in processes of their own.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from benchmarks import Line
from reports.ledger_assets import HOSTS, write_assets
from reports.ledger_columns import Order
from reports.model import AssetView, AuditView, Changes, DepartmentView
from reports.sheets import Book

ROWS = 100_000
FEW = 2_000
ROUNDS = 3
DEPARTMENTS = 100
MOST_RATIO = 1.5
#: What ten times the rows may add to the peak beside the rows handed in.
MOST_MIB = 16
_AT = datetime(2026, 3, 2, tzinfo=UTC)
_METHODS = ("write_string", "write_number", "write_datetime", "write_blank")


def host(i: int) -> AssetView:
    """One host, as an audit of a city shows it."""
    d = i % DEPARTMENTS
    return AssetView(
        kind="host",
        key=f"h-{i:012x}",
        name=f"业务服务器 {i}",
        department_id=f"d{d}",
        department_name=f"示例市第{d}部门",
        zone=f"z{d}",
        values={
            "code": f"ZC-{i:06d}",
            "ips": [f"10.{d}.{i // 250 % 250}.{i % 250 + 1}"],
            "answers": i % 7 != 0,
            "role": "database" if i % 5 == 0 else None,
            "platform": "bare" if i % 3 else "vsphere",
            "os_name": "Kylin Linux Advanced Server V10 (Lance)",
            "vendor": "Huawei",
            "model": "RH2288H V3",
            "open_services": ["22/tcp ssh OpenSSH 8.2", "80/tcp http nginx 1.22.1", "5236/tcp 达梦数据库"],
            "in_asset_register": bool(i % 2),
            "serial": f"2102{i:09d}",
            "memory_mb": 65536,
            "purchased_on": date(2020, 1 + i % 12, 1 + i % 28),
            "approval_absent": i % 4 == 0,
            "first_seen_on": date(2026, 1, 1),
            "last_seen_on": date(2026, 3, 1),
            "is_observed": True,
            "is_declared": bool(i % 2),
        },
        sources=("nmap", f"registers/hosts.csv!{i + 2}"),
    )


def view(rows: int) -> AuditView:
    return AuditView(
        site="示例市",
        region="140800",
        bureau="示例市审批服务管理局",
        snapshot="20260302T000000Z",
        run="20260302T000000Z",
        as_of=_AT.date(),
        started_at=_AT,
        ended_at=_AT,
        complete=True,
        departments=tuple(DepartmentView(f"d{d}", f"示例市第{d}部门") for d in range(DEPARTMENTS)),
        findings=(),
        counts=(),
        unknowns=(),
        probes=(),
        systems=(),
        assets=tuple(host(i) for i in range(rows)),
        changes=Changes(),
    )


def ours(audit: AuditView, path: Path) -> None:
    """The ledger of hosts, as an export writes it."""
    with Book(str(path), left="示例市", right="示例市审批服务管理局", properties={}) as book:
        write_assets(book, audit, (HOSTS,), Order(audit))


class Recorded:
    """Every cell of our ledger: a method's place in ``_METHODS``, a value, a format's number; and the formats."""

    def __init__(self, audit: AuditView, path: Path) -> None:
        from xlsxwriter.worksheet import Worksheet

        self.rows: list[list[tuple[int, Any, int]]] = []
        self.formats: dict[int, dict[str, Any]] = {}
        plain = {name: getattr(Worksheet, name) for name in _METHODS}
        for number, name in enumerate(_METHODS):
            setattr(Worksheet, name, self._noting(number, plain[name]))
        try:
            ours(audit, path)
        finally:
            for name, method in plain.items():
                setattr(Worksheet, name, method)

    def _noting(self, number: int, method: Callable[..., int]) -> Callable[..., int]:
        def write(sheet: Any, row: int, column: int, value: Any, style: Any) -> int:
            if column == 0:
                self.rows.append([])
            self.rows[-1].append((number, value, id(style)))
            if id(style) not in self.formats:
                self.formats[id(style)] = {
                    "border": style.bottom,
                    "font_name": style.font_name,
                    "font_size": style.font_size,
                    "bold": style.bold,
                    "italic": style.italic,
                    "text_wrap": style.text_wrap,
                    "num_format": style.num_format,
                    "quote_prefix": style.quote_prefix,
                }
            return method(sheet, row, column, value, style)

        return write


def bare(recorded: Recorded, path: Path) -> None:
    import xlsxwriter

    with tempfile.TemporaryDirectory() as aside:
        book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "tmpdir": aside})
        styles = {number: book.add_format(shape) for number, shape in recorded.formats.items()}
        sheet = book.add_worksheet()
        string, figure, day, blank = (getattr(sheet, name) for name in _METHODS)
        for row, cells in enumerate(recorded.rows):
            for column, (method, value, style) in enumerate(cells):
                if method == 0:
                    string(row, column, value, styles[style])
                elif method == 1:
                    figure(row, column, value, styles[style])
                elif method == 2:
                    day(row, column, value, styles[style])
                else:
                    blank(row, column, value, styles[style])
        book.close()


def seconds(run: Callable[[], None]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def peak(rows: int) -> tuple[float, float]:
    """MiB: what the peak of writing adds to that of the rows, and the whole peak. In a process of its own."""
    audit = view(rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        ours(audit, Path(folder) / "ledger.xlsx")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (after - before) / 1024, after / 1024


def _peaks() -> Iterator[tuple[float, float]]:
    for rows in (FEW, ROWS):
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
            yield pool.submit(peak, rows).result()


def main() -> list[Line]:
    """CPU seconds, medians of interleaved runs, so that whatever else the machine does falls on both alike."""
    # First, while this process is small: a child's peak starts at that of its parent.
    (few, _), (many, whole) = _peaks()
    audit = view(ROWS)
    taken: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.xlsx"
        recorded = Recorded(audit, path)
        for _ in range(ROUNDS):
            own = seconds(lambda: ours(audit, path))
            taken.append((own, seconds(lambda: bare(recorded, path))))
    took, least = (statistics.median(times) for times in zip(*taken, strict=True))
    cells = sum(map(len, recorded.rows))
    return [
        Line(
            f"ledger of {ROWS:,} rows, {cells:,} cells / bare loop",
            f"{took / least:.2f} ({took:.1f} s / {least:.1f} s CPU)",
            f"<= {MOST_RATIO:g}",
            took / least <= MOST_RATIO,
        ),
        Line(
            f"memory that writing {ROWS:,} rows takes beside the rows",
            f"{many:.0f} MiB ({few:.0f} for {FEW:,}; {whole:.0f} at the peak)",
            f"<= {MOST_MIB} MiB more",
            many - few <= MOST_MIB,
        ),
    ]


if __name__ == "__main__":
    for line in main():
        print(line.name, line.measured, line.promised)

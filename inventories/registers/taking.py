"""Taking a returned form in: it becomes part of the site's registers, and what stood before it is kept.

See :mod:`inventories.registers.returns` for where it goes. A return is written whole under a name that no other has
and gets its place by one rename: the next audit sees all of it or nothing, whenever the machine goes down.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import fcntl
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from inventories.faults import Fault, Faults
from inventories.registers.cells import Cell, text_of
from inventories.registers.dates import FIRST, LAST
from inventories.registers.declare import REGISTERS
from inventories.registers.delimited import read_delimited
from inventories.registers.errors import CellError
from inventories.registers.headings import match
from inventories.registers.records import Source
from inventories.registers.returned import Returned
from inventories.registers.returns import FOLDER, SUBMISSIONS, stem, turns_of
from inventories.registers.tables import Row

_FORMULA_STARTS = tuple("=+-@\t\r|＝＋－＠'")
#: Takes the sting out of a cell that a spreadsheet would run, and is no character to the reader of registers.
_NO_WIDTH = "\u200b"
_BOM = "\ufeff"
_PARTIAL = ".partial-"


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken in.

    ``digest``: SHA-256 of the file that is kept as evidence: the form as it was handed in, or the rows that were kept
    of it where classified ones were dropped (``is_original`` is then False). ``replaced``: the return that stood
    before, None where the department's rows stood in the registers' other files.
    """

    folder: Path
    digest: str
    is_original: bool
    replaced: Path | None
    rows: int
    nil: bool


def take_in(
    returned: Returned, registers: Path, *, received_on: date, period: str = "", columns: Collection[str] = ()
) -> Taken:
    """Makes a returned form part of a site's folder of registers, where it stands from the next reading on.

    ``columns`` are the names of those that the department was asked to fill (none: all of the form), ``period`` is
    the one asked for. Raises :class:`Faults` where the form has any fault, OSError where the folder cannot be
    written; nothing is then changed.
    """
    source = returned.source
    faults = [*returned.faults, *_arguments(returned, received_on, columns)]
    if source is None or faults:
        raise Faults(faults)
    rows = _csv(_grid(source, returned.kept))
    _check(source, returned.kept, rows, returned.shown)
    is_original = not returned.dropped_classified and not _is_sifted(source, returned.kept)
    digest = hashlib.sha256(returned.data if is_original else rows).hexdigest()
    said = _submission(returned, received_on, period, columns, digest)
    name = stem(returned.register, returned.department.id)
    files = {f"{name}.csv": rows, SUBMISSIONS: said}
    if is_original:
        files[f"{name}.xlsx"] = returned.data
    folder, replaced = _place(_folder(registers, name), received_on, files)
    return Taken(folder, digest, is_original, replaced, len(returned.rows), returned.nil)


def _arguments(returned: Returned, received_on: date, columns: Collection[str]) -> Iterator[Fault]:
    # A day of grace: the clock is UTC and the site lies east of it.
    if not FIRST <= received_on <= LAST or received_on > returned.day + timedelta(days=1):
        yield Fault(returned.shown, f"{received_on} cannot be the day of receipt", "give the day of receipt")
    known = {column.name for column in returned.register.columns}
    for column in columns:
        if column not in known:
            yield Fault(returned.shown, f"{column!r} is no column of {returned.register.name}")


def _is_sifted(source: Source, rows: Sequence[Row]) -> bool:
    """Whether something classified was taken out of a row that is kept: the form must then not be."""
    before = {row.number: row.cells for row in source.table.rows}
    return any(row.cells != before[row.number] for row in rows)


def _grid(source: Source, rows: Sequence[Row]) -> Iterator[list[str]]:
    """The sheet's rows from the first on, cell for cell where they stood; of those not kept, the empty place."""
    table = source.table
    width = len(table.headings)
    kept = {row.number: row for row in rows}
    for number in range(1, max((table.heading_row, *kept)) + 1):
        if number == table.heading_row:
            yield [*table.headings]
        elif number == table.heading_row - 1:
            yield [*table.above]
        else:
            row = kept.get(number)
            yield [text_of(cell) for cell in row.cells[:width]] if row else []


def _csv(rows: Iterator[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([f"{_NO_WIDTH}{text}" if text.startswith(_FORMULA_STARTS) else text for text in row])
    return (_BOM + out.getvalue()).encode("utf-8", "replace")


def _check(source: Source, rows: Sequence[Row], content: bytes, shown: str) -> None:
    """Raises :class:`Faults` where the rows would not read back as what they were."""
    table = read_delimited(content, shown, source.register)
    matching = match(table, source.register)
    again = Source(table, source.file, source.register, matching, matching.index)
    found = {row.number: row for row in table.rows}
    if table.heading_row != source.table.heading_row or matching.columns != source.matching.columns:
        raise Faults([Fault(shown, "has headings that cannot be kept as text", "start from a fresh form")])
    for row in rows:
        other = found.get(row.number)
        for i in source.matching.columns:
            if _read(source, row, i) != (_read(again, other, i) if other else None):
                what = "cannot be kept as text"
                raise Faults([Fault(source.table.where(row, i), what, "format the cell as text and type it again")])


def _read(source: Source, row: Row, i: int) -> Cell | None:
    try:
        cell = source.cell(i, row.cells[i] if i < len(row.cells) else None)
    except CellError:
        return None
    # What a note tells about is worded by how the cell was typed.
    return Cell(cell.value, cell.absent)


def _submission(returned: Returned, received_on: date, period: str, columns: Collection[str], digest: str) -> bytes:
    """One row of the register of submissions, by which the department's answer counts."""
    said = {
        "department_id": returned.department.id,
        "register": returned.register.name,
        "received_on": received_on.isoformat(),
        "period": period,
        "columns": "、".join(returned.register.by_name[name].title for name in columns),
        "nil_return": "是" if returned.nil else "否",
        "digest": digest,
    }
    headings = REGISTERS["submissions"].by_name
    return _csv(iter([[headings[name].title for name in said], list(said.values())]))


def _folder(registers: Path, name: str) -> Path:
    """The department's folder for the register, private. Raises OSError; refuses to follow links."""
    for folder in (registers / FOLDER, registers / FOLDER / name):
        if folder.is_symlink():
            raise OSError(errno.ELOOP, "is a symbolic link", str(folder))
        folder.mkdir(mode=0o700, exist_ok=True)
    return registers / FOLDER / name


def _place(base: Path, day: date, files: Mapping[str, bytes]) -> tuple[Path, Path | None]:
    """Writes the files into a folder of their own and gives it the next number; and the return that stood before."""
    with _alone(base) as handle:
        for leftover in base.glob(f"{_PARTIAL}*"):
            # Of a process that was killed: whoever is at work holds the lock.
            shutil.rmtree(leftover)
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=base))
        try:
            for name, content in files.items():
                _write(partial / name, content)
            os.fsync(handle)
            turns = turns_of(base)
            number = int(turns[-1].name.partition("-")[0]) + 1 if turns else 1
            folder = base / f"{number:04d}-{day:%Y%m%d}"
            partial.rename(folder)
            os.fsync(handle)
        except BaseException:
            # Also Ctrl-C must not leave half a return behind.
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return folder, turns[-1] if turns else None


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """Two people who take in at once get two numbers. The lock goes with its process, however that ends."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)

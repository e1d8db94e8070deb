"""How far an audit is, while it runs: drawn on a terminal, told in plain lines otherwise; always on standard error.

The application feeds plain values. What comes from the network (a shard's text) is made safe before it is shown.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from inventories.faults import clean

if TYPE_CHECKING:
    from rich.progress import TaskID


class Progress(Protocol):
    """What is told while an audit runs; every method may be called from several threads.

    A context manager: what is drawn is put in order when the block ends, whatever ended it.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def stage(self, name: str, text: str = "") -> None:
        """A stage of the audit begins: collect, reconcile, evaluate ..."""
        ...

    def zone(self, zone: str, done: int, total: int, text: str = "") -> None:
        """``done`` of ``total`` shards of a zone are finished; ``text`` says what is being looked at."""
        ...

    def note(self, text: str) -> None:
        """A line worth keeping: a refusal, a failure."""
        ...


def progress(stream: TextIO | None = None) -> Progress:
    """Drawn progress where ``stream`` (default: standard error) is a terminal, plain lines otherwise."""
    stream = sys.stderr if stream is None else stream
    return Drawn(stream) if stream.isatty() else Lines(stream)


class Lines:
    """Plain lines, few of them: a zone speaks when it starts, every tenth part, and when it is done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._told: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()

    def stage(self, name: str, text: str = "") -> None:
        self._say(f"{name}: {text}" if text else name)

    def zone(self, zone: str, done: int, total: int, text: str = "") -> None:
        tenth = 10 * done // total if total else 10
        with self._lock:
            if self._told.get(zone) == tenth:
                return
            self._told[zone] = tenth
        self._say(f"{zone}: {done}/{total} shards ({10 * tenth}%)" + (f" {text}" if text else ""))

    def note(self, text: str) -> None:
        self._say(text)

    def _say(self, text: str) -> None:
        with self._lock:
            self._stream.write(clean(text, 500) + "\n")
            self._stream.flush()


class Drawn:
    """A bar for every zone and the present stage below them."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bars

        self._bars = Bars(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}", markup=False, style="dim"),
            console=Console(file=stream, highlight=False),
        )
        self._lock = threading.Lock()
        self._zones: dict[str, TaskID] = {}
        self._stage: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end_stage()
        self._bars.stop()

    def stage(self, name: str, text: str = "") -> None:
        self._end_stage()
        with self._lock:
            self._stage = self._bars.add_task(clean(name, 40), total=None, text=clean(text, 100))

    def zone(self, zone: str, done: int, total: int, text: str = "") -> None:
        with self._lock:
            task = self._zones.get(zone)
            if task is None:
                task = self._zones[zone] = self._bars.add_task(clean(zone, 40), total=total, text="")
        self._bars.update(task, completed=done, total=total, text=clean(text, 100))

    def note(self, text: str) -> None:
        self._bars.console.print(clean(text, 500), markup=False)

    def _end_stage(self) -> None:
        with self._lock:
            if self._stage is not None:
                self._bars.update(self._stage, total=1, completed=1)
            self._stage = None

"""The program's commands typed in this process: what they print and how they end.

A process of its own spends a second on importing the program before it does anything, and its answer is the same.
Whoever tests the process itself (its environment, its end by a signal, its limits) starts one with ``City.command``.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
from collections.abc import Iterator
from unittest import mock

from auditor import ending


def typed(*arguments: str) -> subprocess.CompletedProcess[str]:
    """``auditor`` with these arguments: its exit status, its standard output and its standard error."""
    kept = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(stream, encoding="utf-8", write_through=True) for stream in kept)
    with _as_a_process_begins(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = ending.main([*arguments])
    told = [stream.getvalue().decode() for stream in kept]
    return subprocess.CompletedProcess(["auditor", *arguments], int(status), *told)


@contextlib.contextmanager
def _as_a_process_begins() -> Iterator[None]:
    """With the ordinary mask and nobody at the keyboard; what a command changes of this process is put back."""
    mask, ended = os.umask(0o022), signal.getsignal(signal.SIGTERM)
    try:
        with mock.patch("sys.stdin", io.StringIO()):
            yield
    finally:
        os.umask(mask)
        signal.signal(signal.SIGTERM, ended)

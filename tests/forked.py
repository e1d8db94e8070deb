"""``auditor`` for a script that types it many times: every command a process of its own, forked from one that waits.

What a new process spends on importing the program is most of what a short command takes. Here one process imports it;
the ``auditor`` that a script finds on its PATH has that process fork, and hands over its words, its folder, its
environment, its mask and its three streams. Signals are not handed on: this is for commands that end by themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

#: What commands import when they come to need it.
_LATE = ("pipeline", "papers", "commands.case_steps", "commands.cases", "commands.findings", "commands.trail")
_LATE_ELSEWHERE = ("reports.ledgers", "reports.papers.reading", "pyarrow.parquet", "sqlglot", "jsonschema", "alembic")
_CALL = """#!{python} -IS
import json, os, socket, sys
mask = os.umask(0)
with socket.socket(socket.AF_UNIX) as line:
    line.connect({place!r})
    said = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ), mask]).encode() + b"\\n"
    socket.send_fds(line, [said[:1]], [0, 1, 2])
    line.sendall(said[1:])
    sys.exit(int(line.makefile().read() or 70))
"""


@contextlib.contextmanager
def forked(folder: Path) -> Iterator[Path]:
    """A folder to be put first on PATH: it holds ``auditor``, which works as long as this lasts."""
    place, call = folder / "line", folder / "bin" / "auditor"
    call.parent.mkdir(parents=True)
    call.write_text(_CALL.format(python=sys.executable, place=str(place)), encoding="utf-8")
    call.chmod(0o755)
    with subprocess.Popen([sys.executable, __file__, str(place)], stdout=subprocess.PIPE, text=True) as waiting:
        try:
            assert waiting.stdout is not None and waiting.stdout.readline() == "ready\n"
            yield call.parent
        finally:
            waiting.kill()


def wait(place: str) -> None:
    """Forks for everybody who calls, until it is killed."""
    for name in (*(f"auditor.{late}" for late in _LATE), *_LATE_ELSEWHERE):
        import_module(name)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(place)
        door.listen()
        print("ready", flush=True)
        while True:
            line, _ = door.accept()
            with line:
                if os.fork() == 0:
                    door.close()
                    _answer(line)
            _bury()


def _bury() -> None:
    """Takes leave of those that have ended."""
    with contextlib.suppress(ChildProcessError):  # none is left
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _answer(line: socket.socket) -> None:
    """Becomes the command: with the caller's streams, folder, environment and mask."""
    from auditor.ending import main

    first, streams, _, _ = socket.recv_fds(line, 1, 3)
    with line.makefile("rb") as rest:
        words, folder, environment, mask = json.loads(first + rest.readline())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.umask(mask)
    status = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    line.sendall(str(status).encode())
    os._exit(0)


if __name__ == "__main__":
    wait(sys.argv[1])

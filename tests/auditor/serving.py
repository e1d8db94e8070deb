"""``auditor serve`` as a process of its own, and what can be seen of it from outside."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.auditor.conftest import City

#: Never by themselves while a test runs.
TIMES = "    schedule: [{cron: '0 0 29 2 *'}]\n"


def jobs(city: City) -> dict[str, Any]:
    done = city.run("schedule", "list", "--json")
    assert done.returncode == 0, done.stderr
    listed: dict[str, Any] = json.loads(done.stdout)
    return listed


class Serving:
    """``auditor serve`` on a free port; what it says is read as it comes."""

    def __init__(self, city: City, *options: str, env: dict[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            city.command("serve", "--listen", "127.0.0.1:0", *options),
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=env,
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.until(lambda: any("/metrics" in line for line in self.lines))
        self.url = next(line for line in self.lines if "/metrics" in line).split(": ", 1)[1].removesuffix("/metrics")

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def until(self, holds: Callable[[], bool], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end and self.process.poll() is None, self.lines
            time.sleep(0.02)

    def said(self, words: str) -> None:
        self.until(lambda: any(words in line for line in self.lines))

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        status = self.process.wait(30)
        self._reading.join(5)
        return status


def left(city: City) -> list[int]:
    """Processes that work beneath the site's folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and str(Path(f"/proc/{entry.name}/cwd").readlink()).startswith(str(city.root)):
                found.append(int(entry.name))
    return found

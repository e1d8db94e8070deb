"""The example city as a bureau runs it: audited, its cases worked, its figures served and filled in from earlier."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from auditor.city.example import write_example

CHINA = ZoneInfo("Asia/Shanghai")
#: A city of its own, beside others that answer on this machine.
NETWORK = "127.47"
DRAFTS, REVIEWS, SIGNS = "政务信息科", "法规科", "分管领导"
_FROZEN = Path(__file__).with_name("frozen.py")


class ServedCity:
    """A site folder and its commands. ``begin`` is the day on which its registers were handed in."""

    def __init__(self, root: Path, begin: datetime) -> None:
        self.root, self.begin = root, begin
        write_example(root, begin.date(), network=NETWORK)
        with (root / "site.yaml").open("a", encoding="utf-8") as file:
            # Half of the departments are accused on purpose; elsewhere that would be a reason to look twice.
            file.write("\nbrake: {departments: 1.0, systems: 1.0, findings: 100}\n")

    @property
    def ledger(self) -> Path:
        return self.root / "state" / "ledger.sqlite"

    def __call__(self, *words: str, at: datetime | None = None, status: int = 0, answering: bool = False) -> str:
        """A command's standard output; ``at`` another time, ``answering`` while the city's servers do."""
        program = [sys.executable, "-m", "auditor"] if at is None else [sys.executable, str(_FROZEN), at.isoformat()]
        command = [*program, *words, "--site", str(self.root)]
        if answering:
            command = [sys.executable, "-m", "auditor.city", "run", "--site", str(self.root), "--", *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def json(self, *words: str, at: datetime | None = None) -> Any:
        return json.loads(self(*words, "--json", at=at))

    def audit(self, at: datetime | None = None) -> None:
        # Exit 4: one zone of the example city has lost its authorisation, on purpose.
        self("audit", at=at, status=4, answering=True)

    def work_cases(self, day: datetime) -> None:
        """Letters to four departments: one drafted, one reviewed, one served and left unanswered, one closed."""
        self("case", "draft", "--by", DRAFTS, at=day)
        drafted, *others = sorted(case["id"] for case in self.json("case", "list", at=day))
        assert drafted and len(others) == 3, others
        hours = count(1)
        for case in others:
            self("case", "review", case, "--by", REVIEWS, at=day + timedelta(hours=next(hours)))
        for case in others[1:]:
            issued = ("case", "issue", case, "--by", SIGNS, "--within", "5wd")
            self(*issued, at=day + timedelta(hours=next(hours)))
            served = ("case", "serve", case, "--receiver", "办公室", "--by", DRAFTS)
            self(*served, at=day + timedelta(hours=next(hours)))
        later = day + timedelta(days=16)
        self("case", "reply", others[2], "--text", "已补办", "--by", DRAFTS, at=later)
        self("case", "close", others[2], "--by", SIGNS, "--reason", "已答复", at=later + timedelta(minutes=5))

    def note_history(self, at: datetime) -> None:
        """What a bureau's own timer does every night."""
        file = self.root.parent / "noted.om"
        self("metrics", "--backfill", str(file), "--until", at.date().isoformat(), at=at)

    @contextmanager
    def serving(self, port: int) -> Iterator[str]:
        """``auditor serve --metrics-only`` on loopback, several may run; ends with its process and status 0."""
        address = f"127.0.0.1:{port}"
        words = ("serve", "--metrics-only", "--listen", address, "--site", str(self.root))
        command = [sys.executable, "-m", "auditor", *words]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert address in line, line
            try:
                yield address
            finally:
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0

    def change(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        before = path.read_text(encoding="utf-8-sig")
        assert old in before, f"{name} does not say {old!r}"
        path.write_text(before.replace(old, new), encoding="utf-8-sig" if name.endswith(".csv") else "utf-8")

    def copy_to(self, folder: Path) -> None:
        shutil.copytree(self.root, folder)

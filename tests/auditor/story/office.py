"""An office in frozen time: its site, its clock, and commands typed one after another."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from auditor import clock, ending
from auditor.city.children import answering
from auditor.city.example import dates, fill, workbook, write_example
from tests.auditor.ledgers import section

CHINA = ZoneInfo("Asia/Shanghai")
DRAFTS, REVIEWS, SIGNS = "政务信息科", "法规科", "分管领导"


@dataclass
class Said:
    """What a command came to."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Office:
    """The example city's bureau. Files that it writes carry the frozen day, as a department's would."""

    def __init__(
        self, root: Path, network: str, patch: pytest.MonkeyPatch, said: pytest.CaptureFixture[str], day: datetime
    ) -> None:
        self.root, self.network, self._said = root, network, said
        self.now = day
        patch.setattr(clock, "utc_now", lambda: self.now.astimezone(UTC))
        write_example(root, day.date(), network=network)
        # Half of the departments are accused on purpose here; elsewhere that would be a reason to look twice.
        more = "\n".join(["brake: {departments: 0.4}", *(f"{k}: {json.dumps(v)}" for k, v in section(root).items())])
        self.change("site.yaml", lambda text: f"{text}\n{more}\n")
        self.touch()

    def at(self, year: int, month: int, day: int, hour: int = 9) -> None:
        """The clock is set on, never back."""
        later = datetime(year, month, day, hour, tzinfo=CHINA)
        assert later > self.now
        self.now = later

    def __call__(self, *words: str, status: int = 0) -> Said:
        """A command, typed a minute after the one before."""
        self.now += timedelta(minutes=1)
        self._said.readouterr()
        ended = ending.main([*words, "--site", str(self.root)])
        spoken = self._said.readouterr()
        made = Said(ended, spoken.out, spoken.err)
        assert ended == status, f"{words} ended with {ended}\n{made.out}\n{made.err}"
        assert "Traceback" not in made.err
        return made

    def refused(self, *words: str) -> str:
        """A command that does nothing, and says why on standard error alone."""
        said = self(*words, status=2)
        assert said.out == ""
        return said.err

    @contextmanager
    def city(self) -> Iterator[None]:
        with answering(self.root) as city:
            assert city.left_out == ()
            yield
            touched = city.touched.read_text(encoding="utf-8") if city.touched.exists() else ""
            assert touched == "", "something outside the scope was touched"

    def cases(self, *words: str) -> dict[tuple[str, str], dict[str, Any]]:
        """(department, form) → case."""
        return {(one["department_id"], one["form"]): one for one in self("case", "list", "--json", *words).json}

    # What a department sends.

    def touch(self) -> None:
        """Every register was handed in on the frozen day."""
        for file in (self.root / "registers").rglob("*"):
            self.date(file)

    def date(self, file: Path) -> None:
        os.utime(file, (self.now.timestamp(), self.now.timestamp()))

    def change(self, name: str, made: Any) -> None:
        path = self.root / name
        before = path.read_text(encoding="utf-8-sig")
        after = made(before)
        assert after != before, f"{name} is as it was"
        path.write_text(after, encoding="utf-8-sig" if name.endswith(".csv") else "utf-8")
        self.date(path)

    def systems(self, code: str, **cells: str) -> None:
        """Corrects one row of the workbook of systems, by the titles of its columns."""
        source = files("inventories").joinpath("examples/books/systems.csv")
        text = fill(source.read_text(encoding="utf-8"), dates(self.now.date())).replace("127.20.", f"{self.network}.")
        rows = list(csv.reader(io.StringIO(text)))
        row = next(row for row in rows if code in row)
        for title, value in cells.items():
            row[rows[0].index(title)] = value
        path = self.root / "registers" / "systems.xlsx"
        path.write_bytes(workbook("系统登记表", rows, self.now.date()))
        self.date(path)

"""A small city without networks: departments, their systems on paper, and the clock in a test's hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.ending import main
from auditor.ledger import trail
from auditor.ledger.place import LedgerPlace
from auditor.ledger.presence import exists
from auditor.ledger.store import Ledger
from reports.model import Written
from tests.auditor.ledgers import section, site_ledger

BEGIN = date(2026, 11, 23)
RULE = "yuncheng-2021/migrate-to-cloud"
SITE = """\
site: office
name: 小市
bureau: 小市数据局
region: "140800"
packs: [yuncheng-2021]
zones: {zones}
{more}"""
DEPARTMENTS = (
    "mzj,小市民政局,市民政局,140800,市级,",
    "whj,小市文化局,市文化局,140800,市级,",
    "wlj,小市文化和旅游局,市文旅局,140800,市级,",
    "jtj,小市交通运输局,市交通局,140800,市级,",
)
SYSTEMS = (
    "mzj,MZ-001,社会救助系统,运行,自建机房,10.1.0.5,无",
    "whj,WH-001,图书馆系统,运行,自建机房,10.2.0.5,",
    "whj,,门户网站,运行,自建机房,10.2.0.6,",
    "wlj,WL-001,景区预约系统,运行,政务云,,",
    "wlj,,门户网站,运行,自建机房,10.3.0.6,",
    "jtj,JT-001,公交系统,运行,政务云,,",
)


@dataclass
class Office:
    """A site folder and its commands, run in this process at a time that the test sets."""

    root: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    now: datetime = field(default=datetime.combine(BEGIN, time(4), UTC))
    out: str = ""
    err: str = ""

    def __post_init__(self) -> None:
        self.monkeypatch.setattr("auditor.clock.utc_now", lambda: self.now)
        # What an audit draws is other tests' concern, and takes a third of its time.
        self.monkeypatch.setattr("auditor.papers.write_papers", lambda *_: Written())
        self.root.mkdir()
        self.site()
        self.departments(*DEPARTMENTS)
        self.systems(*SYSTEMS)
        asked = [f"{d},信息系统,2026-11-16,2026年度,,否" for d in ("mzj", "whj", "wlj", "jtj")]
        self.submissions(*asked)

    def site(self, zones: str = "[]", more: str = "") -> None:
        text = SITE.format(zones=zones, more=more)
        for key, value in section(self.root).items():
            text += f"{key}: {json.dumps(value)}\n"
        (self.root / "site.yaml").write_text(text, encoding="utf-8")

    def register(self, name: str, *rows: str) -> None:
        (self.root / "registers").mkdir(exist_ok=True)
        (self.root / "registers" / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")

    def departments(self, *rows: str) -> None:
        self.register("departments", "部门编号,部门名称,简称,行政区划代码,政府层级,设立日期", *rows)

    def systems(self, *rows: str) -> None:
        self.register("systems", "所属部门,系统编号,系统名称,系统状态,部署位置,IP地址,批准文号", *rows)

    def submissions(self, *rows: str) -> None:
        self.register("submissions", "所属部门,登记表,收到日期,报送周期,要求填报栏目,是否零报告", *rows)

    def go_to(self, day: date) -> None:
        self.now = datetime.combine(day, time(4), UTC)

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def run(self, *arguments: str) -> int:
        """Its exit status; what it printed stands in ``out`` and ``err``."""
        self.capsys.readouterr()
        status = main([*arguments, "--site", str(self.root)])
        captured = self.capsys.readouterr()
        self.out, self.err = captured.out, captured.err
        return status

    def do(self, *arguments: str) -> None:
        assert self.run(*arguments) == 0, self.err

    def refused(self, *arguments: str) -> str:
        """A command that must refuse: what it says. The trail must not have grown."""
        before = self.head()
        assert self.run(*arguments) == 2, self.out + self.err
        assert self.head() == before
        assert "Traceback" not in self.err
        return self.err

    def json(self, *arguments: str) -> Any:
        assert self.run(*arguments, "--json") == 0, self.err
        return json.loads(self.out)

    def audit(self, *, status: int = 0) -> Mapping[str, Any]:
        assert self.run("audit", "--json") == status, self.err
        body: Mapping[str, Any] = json.loads(self.out)
        return body

    def findings(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json("findings", "--all", *arguments)
        return found

    @property
    def ledger(self) -> LedgerPlace:
        return site_ledger(self.root)

    def head(self) -> trail.Head | None:
        if not exists(self.ledger):
            return None
        with Ledger.open(self.ledger) as ledger, ledger.reading() as connection:
            return trail.head(connection)

    def faults(self) -> list[str]:
        with Ledger.open(self.ledger) as ledger, ledger.reading() as connection:
            return trail.verify(connection)

    def acts(self, subject: str) -> list[str]:
        with Ledger.open(self.ledger) as ledger, ledger.reading() as connection:
            return [row.act for row in trail.listing(connection, subject)]

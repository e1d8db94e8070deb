"""A small audited site with cases in several states, made by commands in frozen time; copied for every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from auditor.exporter.gathering import Gatherer
from auditor.site import Site, load_site
from tests.auditor.ledgers import copy_site
from tests.auditor.office import Office

#: Who drafts, reviews and signs, and the words of the papers' numbers.
OFFICE = """\
contact: 政务信息科，0359-0000000
people: {draft: [政务信息科], review: [法规科], sign: [分管领导]}
documents: {words: {letter: 小数函, task: 小数改, order: 小数改, reminder: 小数提}}
brake: {departments: 1.0, systems: 1.0, findings: 100}
"""
SYSTEMS = (
    "所属部门,系统编号,系统名称,系统状态,部署位置,批准文号,开工日期,计划迁移日期,等保级别,等保测评日期",
    "mzj,MZ-001,社会救助系统,运行,自建机房,无,2025-03-01,2027-03-31,3,2026-01-05",
    "whj,WH-001,图书馆系统,运行,自建机房,无,2025-03-01,2027-06-30,2,无",
    "wlj,WL-001,景区预约系统,运行,政务云,无,2025-03-01,,3,2025-01-05",
    "wlj,WL-002,导游系统,,自建机房,,,,,",
    "jtj,JT-001,公交系统,运行,政务云,无,2025-03-01,,,",
    "jtj,JT-002,道路系统,拟建,,,,,,",
)
COMPONENTS = (
    "mzj,P-1,CPU,服务器处理器,海光,海光 C86-4G",
    "mzj,P-2,中间件,东方通,东方通,TongWeb",
    "jtj,P-3,数据库,Oracle,Oracle,Oracle Database",
)
#: Days on which something happens in the story.
DRAFTED, SERVED, CLOSED = date(2026, 11, 25), date(2026, 11, 27), date(2026, 12, 17)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    """Not audited yet."""
    made = Office(tmp_path / "site", monkeypatch, capsys)
    made.site(more=OFFICE)
    made.register("systems", *SYSTEMS)
    made.register("rooms", "所属部门,机房编号,机房名称", "mzj,R-1,三楼机房", "jtj,R-2,指挥中心机房")
    made.register("networks", "所属部门,网络编号,网络名称,网络类型", "jtj,N-1,公路专网,业务专网")
    made.register("components", "所属部门,产品编号,产品类别,产品名称,厂商,产品型号", *COMPONENTS)
    return made


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worked") / "site"


@pytest.fixture
def worked(office: Office, _made: Path) -> Office:
    """Audited, with a case drafted, one reviewed, one served and overdue, one closed, and a finding set aside."""
    if not _made.exists():
        _work(office)
        copy_site(office.root, _made)
    else:
        shutil.rmtree(office.root)
        copy_site(_made, office.root)
        office.go_to(CLOSED)
    office.wait(minutes=10)
    return office


def _work(office: Office) -> None:
    office.audit()
    office.go_to(DRAFTED)
    office.do("case", "draft", "--by", "政务信息科")
    cases = sorted(case["id"] for case in office.json("case", "list"))
    drafted, reviewed, served, closed = cases
    for case in (reviewed, served, closed):
        office.wait(minutes=1)
        office.do("case", "review", case, "--by", "法规科")
    for case in (served, closed):
        office.wait(minutes=1)
        office.do("case", "issue", case, "--by", "分管领导", "--within", "5wd")
    office.go_to(SERVED)
    for case in (served, closed):
        office.wait(minutes=1)
        office.do("case", "serve", case, "--receiver", "办公室", "--by", "政务信息科")
    office.go_to(CLOSED)
    office.do("case", "reply", closed, "--text", "已补办", "--by", "政务信息科")
    office.do("case", "close", closed, "--by", "分管领导", "--reason", "已答复")
    items = next(one["items"] for one in office.json("case", "list") if one["id"] == drafted)
    office.do("finding", "dismiss", items[0]["finding"], "--reason", "另有批复", "--by", "法规科")


@pytest.fixture
def site(worked: Office) -> Site:
    return load_site(worked.root)


@pytest.fixture
def gatherer(site: Site) -> Iterator[Gatherer]:
    made = Gatherer(site)
    yield made
    made.close()

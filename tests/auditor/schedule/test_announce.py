"""What departments are told: the runs that will come, their own prefixes only, and nothing of what is classified."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from docx import Document

from auditor import clock
from auditor.commands.announce import weeks
from auditor.ending import main
from reports.announcement import Told, day_words, document, port_words
from tests.auditor.schedule.conftest import at

SITE = """\
site: tiny
name: 小市
bureau: 小市数据局
contact: 政务信息科，0359-0000000
region: '140800'
packs: [yuncheng-2021]
schedule:
  jitter_seconds: 900
  source_addresses: [192.0.2.250]
  contact: 网络运维科，0359-1111111
  announce_days: 3
  avoid: [holidays]
zones:
  - id: hall
    name: 行政中心
    vantage: here
    department: mzj
    prefixes: [127.77.0.0/24]
    owners: [{prefix: 127.77.0.64/26, department: jtj}, {prefix: 127.77.0.96/28, department: mzj}]
    fragile:
      - {prefix: 127.77.0.9/32, reason: 门禁控制器}
      - {prefix: 127.77.0.70/32, reason: 老旧打印机}
    exclude: [{prefix: 127.77.0.200/32, reason: 涉密}]
    schedule:
      - {cron: '0 22 * * *', probes: [nmap]}
      - {cron: '0 3 * * sat', probes: [ssh, names]}
    access:
      ssh: [{user: audit, key: 'file:/nowhere', known_hosts: known, prefixes: [127.77.0.0/26]}]
      names: {patterns: ['*.example.cn']}
    freeze: [{from: 2026-11-27, to: 2026-11-27}]
    authorisations:
      - {document: 授权1号, approver: 分管领导, from: 2026-01-01, to: 2026-12-31, window: '21:00-06:00'}
  - id: cloud
    name: 市级政务云
    vantage: here
    kind: government_cloud
    prefixes: [127.78.0.0/24]
    schedule: [{cron: '30 1 1 12 *'}]
    authorisations: [{document: 授权2号, approver: 分管领导, from: 2026-01-01, to: 2026-12-31}]
"""


class Typist:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        status = main([*arguments, "--site", str(self.root)])
        self.out, self.err = self._capsys.readouterr()
        return status

    def told(self, *arguments: str) -> dict[str, Any]:
        assert self("schedule", "announce", "--json", *arguments) == 0, self.err
        return {one["department_id"] or f"zone-{one['zone']}": one for one in json.loads(self.out)}

    @property
    def folder(self) -> Path:
        return self.root / "out" / "announcements"

    def letters(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*.docx"))


@pytest.fixture
def typist(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typist:
    monkeypatch.setattr(clock, "utc_now", lambda: at("2026-11-23 09:00"))
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    registers = tmp_path / "registers"
    registers.mkdir()
    (registers / "departments.csv").write_text(
        "部门编号,部门名称,行政区划代码,政府层级\nmzj,市民政局,140800,市级\njtj,市交通运输局,140800,市级\n",
        encoding="utf-8",
    )
    (registers / "systems.csv").write_text(
        "所属部门,系统编号,系统名称,系统状态,IP地址,访问地址,是否涉密\n"
        "市民政局,MZ-1,救助系统,运行,127.77.0.3,https://jz.example.cn/,否\n"
        "市民政局,MZ-2,机要系统,运行,127.77.0.44,https://jy.example.cn/,是\n",
        encoding="utf-8",
    )
    return Typist(tmp_path, capsys)


def words_of(path: Path) -> str:
    """Everything that a reader sees, and everything else in the file."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        hidden = "".join(archive.read(name).decode() for name in archive.namelist())
    book = Document(str(path))
    seen = [p.text for p in book.paragraphs] + [c.text for t in book.tables for row in t.rows for c in row.cells]
    return "\n".join(seen) + hidden


def test_each_department_is_told_of_its_own(typist: Typist) -> None:
    told = typist.told("--from", "2026-11-24", "--to", "2026-11-30")
    assert set(told) == {"mzj", "jtj"}
    assert told["mzj"]["prefixes"] == ["127.77.0.0/26", "127.77.0.96/28", "127.77.0.128/25"]
    assert told["jtj"]["prefixes"] == ["127.77.0.64/27", "127.77.0.112/28"]
    assert told["mzj"]["left_alone"] == [["127.77.0.9/32", "门禁控制器"]]
    assert told["jtj"]["left_alone"] == [["127.77.0.70/32", "老旧打印机"]]
    assert told["mzj"]["looks"] == ["主机（SSH），账号audit"] and told["jtj"]["looks"] == []
    assert told["mzj"]["department"] == "市民政局" and told["mzj"]["sources"] == ["192.0.2.250"]
    assert told["mzj"]["contact"] == "网络运维科，0359-1111111"
    assert told["mzj"]["rates"] == ["行政中心每秒不超过2000个数据包"]
    assert told["mzj"]["leaves"] == [
        {"document": "授权1号", "approver": "分管领导", "first": "2026-01-01", "last": "2026-12-31"}
    ]


def test_when_is_what_the_scheduler_will_do(typist: Typist) -> None:
    told = typist.told("--from", "2026-11-24", "--to", "2026-11-30")
    nightly, shortened, weekly = told["mzj"]["visits"]
    assert nightly["days"] == [f"2026-11-{day}" for day in (24, 25, 28, 29, 30)], "the 27th is frozen"
    assert nightly["hours"].startswith("22:00起15分钟内开始") and nightly["hours"].endswith("至迟次日06:00结束")
    assert shortened["days"] == ["2026-11-26"] and shortened["hours"].endswith("至迟次日00:00结束")
    assert (nightly["what"], weekly["what"]) == ("网络探测", "主机采集、域名与网址核查")
    assert weekly["days"] == ["2026-11-28"] and weekly["hours"].endswith("至迟06:00结束")
    assert typist("schedule", "next", "--days", "8", "--zone", "hall", "--json") == 0
    begins = {one["begins"][:10] for one in json.loads(typist.out) if one["begins"] and one["probes"] == ["nmap"]}
    assert begins >= {*nightly["days"], *shortened["days"]} and "2026-11-27" not in begins


def test_nothing_classified_is_told(typist: Typist) -> None:
    told = typist.told("--from", "2026-11-24", "--to", "2026-11-30")
    assert told["mzj"]["names"] == ["jz.example.cn"]
    text = typist.out + "".join(words_of(typist.folder / name) for name in typist.letters())
    for word in ("机要", "jy.example.cn", "127.77.0.44", "涉密", "127.77.0.200", "MZ-2", "file:", "/nowhere"):
        assert word not in text


def test_a_zone_of_nobody_is_told_to_whoever_runs_it(typist: Typist) -> None:
    told = typist.told("--zone", "cloud", "--from", "2026-12-01", "--to", "2026-12-01")
    assert told["zone-cloud"]["department"] == "市级政务云运维管理单位"
    assert told["zone-cloud"]["prefixes"] == ["127.78.0.0/24"]
    assert typist.letters() == ["2026-12-01_2026-12-01/zone-cloud.docx"]


def test_the_letter_says_it_all(typist: Typist) -> None:
    assert typist("schedule", "announce", "--from", "2026-11-24", "--to", "2026-11-30") == 0
    assert "2026-11-24 to 2026-11-30: written: " in typist.err
    path = typist.folder / "2026-11-24_2026-11-30" / "mzj.docx"
    text = words_of(path)
    for word in (
        "小市数据局", "关于开展政务信息化资产", "市民政局：", "2026年11月24日至2026年11月30日",
        "2026年11月24日、25日、28日至30日", "192.0.2.250", "127.77.0.0/26", "每秒不超过2000个数据包",
        "127.77.0.9（门禁控制器）", "《授权1号》（分管领导批准", "网络运维科，0359-1111111",
        "全部扫描可以随时停止", "草稿·未编号·未签发", "jz.example.cn", "账号audit",
    ):  # fmt: skip
        assert word in text, word
    assert "127.77.0.70" not in text, "another's device"
    assert path.stat().st_mode & 0o077 == 0 and typist.folder.stat().st_mode & 0o077 == 0


def test_the_week_is_announced_in_time_once_and_again_where_it_changed(typist: Typist) -> None:
    assert typist("schedule", "announce", "--ahead") == 0
    assert typist.letters() == ["2026-11-23_2026-11-29/jtj.docx", "2026-11-23_2026-11-29/mzj.docx"]
    assert typist("schedule", "announce", "--ahead") == 0 and "nobody is to be told anything new" in typist.err
    letter = typist.folder / "2026-11-23_2026-11-29" / "mzj.docx"
    letter.write_bytes(letter.read_bytes() + b"numbered by a clerk")
    assert typist("schedule", "announce", "--ahead") == 0 and "nobody is to be told anything new" in typist.err
    typist.root.joinpath("site.yaml").write_text(SITE.replace("0 22 * * *", "0 23 * * *"), encoding="utf-8")
    assert typist("schedule", "announce", "--ahead") == 0
    assert "changed since it was written, to be told again" in typist.err
    assert letter.read_bytes().endswith(b"numbered by a clerk"), "what a clerk has worked on stays"
    assert "23:00起" in words_of(letter.with_name("mzj-2.docx"))
    assert "23:00起" in words_of(letter.with_name("jtj.docx"))
    frozen = SITE.replace("from: 2026-11-27, to: 2026-11-27", "from: 2026-11-20, to: 2026-12-20")
    typist.root.joinpath("site.yaml").write_text(frozen, encoding="utf-8")
    assert typist("schedule", "announce", "--ahead") == 0
    assert typist.err.count("no run is foreseen any more, to be told so") == 2


def test_weeks() -> None:
    assert list(weeks(date(2026, 11, 23), 3)) == [(date(2026, 11, 23), date(2026, 11, 29))]
    assert len(list(weeks(date(2026, 11, 27), 3))) == 2 and list(weeks(date(2026, 11, 26), 3))[-1][0].day == 23
    assert list(weeks(date(2026, 11, 27), 0)) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "tomorrow"), "is no date"),
        (("--from", "2026-12-02", "--to", "2026-12-01"), "lies before"),
        (("--from", "2026-12-02", "--to", "2030-12-01"), "more than a year"),
        (("--from", "2026-11-02", "--to", "2026-11-03"), "is past"),
        (("--zone", "hal"), "unknown zone 'hal': did you mean 'hall'?"),
        (("--ahead", "--zone", "hall"), "chooses days and zones by itself"),
    ],
)
def test_what_cannot_be_announced(typist: Typist, arguments: tuple[str, ...], words: str) -> None:
    assert typist("schedule", "announce", *arguments) == 2 and words in typist.err
    assert not typist.folder.exists()


def test_a_year_without_a_calendar_is_said(typist: Typist) -> None:
    text = SITE.replace("to: 2026-12-31", "to: 2028-12-31")
    typist.root.joinpath("site.yaml").write_text(text, encoding="utf-8")
    assert all(one["provisional"] for one in typist.told("--from", "2028-03-01", "--to", "2028-03-03").values())


def test_days_and_ports_as_people_write_them() -> None:
    def days(text: str) -> list[date]:
        return [date.fromisoformat(word) for word in text.split()]

    assert day_words(days("2026-11-30")) == "2026年11月30日"
    assert day_words(days("2026-11-30 2026-12-01 2026-12-02 2026-12-04")) == "2026年11月30日至12月2日、4日"
    assert day_words(days("2026-12-31 2027-01-01")) == "2026年12月31日、2027年1月1日"
    assert list(port_words((80, 22, 8000, 8001, 8002, 8443, 80))) == ["22", "80", "8000—8002", "8443"]


@pytest.mark.parametrize("length", [4, 12, 17, 24, 60])
def test_whatever_stands_in_it_the_letter_is_whole(length: int, told: Callable[..., Told]) -> None:
    hostile = "<w:p>&\x1b[2J\u202e" + "长" * length
    made = document(
        told(bureau="局" * length, department=hostile, contact=hostile, left_alone=(("192.0.2.1/32", hostile),))
    )
    book = Document(io.BytesIO(made))
    text = "\n".join(p.text for p in book.paragraphs)
    assert "\x1b" not in text and "\u202e" not in text and "<w:p>&" in text
    assert made == document(
        told(bureau="局" * length, department=hostile, contact=hostile, left_alone=(("192.0.2.1/32", hostile),))
    )


@pytest.fixture
def told() -> Callable[..., Told]:
    def make(**more: Any) -> Told:
        day = date(2026, 11, 30)
        plain = {
            "bureau": "小市数据局", "department": "市民政局", "first": day, "last": day, "visits": (), "sources": (),
            "prefixes": (), "names": (), "rates": (), "ports": (), "looks": (), "leaves": (), "left_alone": (),
            "contact": "",
        }  # fmt: skip
        return Told(**{**plain, **more})

    return make


def test_what_is_not_known_is_left_for_a_person(told: Callable[..., Told]) -> None:
    text = "\n".join(p.text for p in Document(io.BytesIO(document(told()))).paragraphs)
    assert text.count("（待填）") == 2 and "年　　月　　日" in text
    assert "None" not in text

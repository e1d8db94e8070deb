"""Departments renamed, united and handing things over: from a day on, what names the old one is another's."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.ledger.presence import exists
from tests.auditor.office import BEGIN, DEPARTMENTS, RULE, SYSTEMS, Office

DAY = date(2027, 1, 1)
HOW = ("--document", "运政发〔2026〕1号（虚构）", "--by", "政务信息科")
MERGE = ("department", "merge", "whj", "--into", "wlj", "--on", DAY.isoformat(), *HOW)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(tmp_path / "site", monkeypatch, capsys)


def found(office: Office) -> dict[tuple[str, str], tuple[str, str]]:
    """(asset key, name) → department and state of its finding about the cloud."""
    return {
        (f["asset_key"], f["asset_name"]): (f["department_id"], f["state"])
        for f in office.findings()
        if f["rule"] == RULE
    }


def by_name(office: Office, name: str) -> list[dict[str, Any]]:
    return [f for f in office.findings() if f["asset_name"] == name]


def change(office: Office, kind: str, *arguments: str) -> None:
    office.do("department", kind, *arguments, *HOW)


def test_a_merger_across_the_turn_of_the_year(office: Office) -> None:
    office.audit()
    before = found(office)
    assert sorted(before.values()) == [("mzj", "open"), ("whj", "open"), ("whj", "open"), ("wlj", "open")]
    office.do(*MERGE)
    assert "it takes effect on 2027-01-01: until then nothing changes" in office.err

    office.go_to(DAY - timedelta(days=1))
    office.audit()
    assert found(office) == before
    office.go_to(DAY)
    body = office.audit()
    after = found(office)
    assert after.keys() == before.keys(), "no finding is lost, and none is new"
    assert sorted(after.values()) == [("mzj", "open"), ("wlj", "open"), ("wlj", "open"), ("wlj", "open")]
    assert body["changes"]["new"] == 0
    # The old department is none any more, but for history.
    kept = office.json("assets", "--kind", "department")
    assert sorted(a["department_id"] for a in kept) == ["jtj", "mzj", "wlj"]
    moved = by_name(office, "图书馆系统")[0]
    assert moved["department_name"] == "小市文化和旅游局"
    history = office.json("explain", moved["id"])["history"]
    assert any(h["reason"] == "transferred；whj 小市文化局 → wlj 小市文化和旅游局" for h in history)
    assert office.run("snapshot", "replay") == 0, office.err
    counts = [c for c in office.json("evaluate")["counts"] if c["rule"] == RULE]
    assert "whj" not in {c["department_id"] for c in counts}
    assert sum(c["number"] for c in counts if c["department_id"] == "wlj") == 4
    assert office.faults() == []


def test_two_of_one_name_stay_two_and_keep_their_keys_when_the_register_is_corrected(office: Office) -> None:
    office.audit()
    before = {f["asset_key"] for f in by_name(office, "门户网站")}
    assert len(before) == 2
    office.do(*MERGE)
    office.go_to(DAY)
    office.audit()
    assert {f["asset_key"] for f in by_name(office, "门户网站")} == before
    # The library's own row, and everything else, now names the new department; the twins are told apart.
    corrected = [row.replace("whj,,门户网站", "wlj,,原文化局门户网站") for row in SYSTEMS]
    office.systems(*(row.replace("whj,", "wlj,") for row in corrected))
    office.departments(*DEPARTMENTS[:1], *DEPARTMENTS[2:])
    office.submissions(*(f"{d},信息系统,2027-01-01,2026年度,,否" for d in ("mzj", "wlj", "jtj")))
    office.audit()
    (library,) = by_name(office, "图书馆系统")
    assert (library["state"], library["department_id"]) == ("open", "wlj")
    (mine,) = (f for f in by_name(office, "门户网站") if f["state"] == "open")
    assert mine["asset_key"] in before


def test_the_same_merger_undone_after_an_audit(office: Office) -> None:
    office.audit()
    before = found(office)
    office.do(*MERGE)
    office.go_to(DAY)
    office.audit()
    assert ("whj", "open") not in found(office).values()
    assert "--reason is empty" in office.refused("department", "undo", "D2026-001", "--reason", " ", "--by", "科室")
    office.do("department", "undo", "d2026-001", "--reason", "文件已废止", "--by", "政务信息科")
    office.audit()
    assert found(office) == before
    assert "taken back already: 文件已废止" in office.refused(
        "department", "undo", "D2026-001", "--reason", "又", "--by", "政务信息科"
    )
    assert office.acts("D2026-001") == ["department.merge", "department.undo"]
    assert office.faults() == []
    office.do(*MERGE)
    assert "D2027-001" in office.err


def test_a_new_name(office: Office) -> None:
    change(office, "rename", "市民政局", "--to", "小市民政和社会工作局", "--on", DAY.isoformat())
    office.audit()
    assert by_name(office, "社会救助系统")[0]["department_name"] == "小市民政局"
    office.go_to(DAY)
    office.audit()
    (finding,) = by_name(office, "社会救助系统")
    assert (finding["department_id"], finding["department_name"]) == ("mzj", "小市民政和社会工作局")
    (department,) = (a for a in office.json("assets", "--kind", "department") if a["department_id"] == "mzj")
    assert department["name"] == "小市民政和社会工作局"
    rows = {r["id"]: r for r in office.json("department", "list")["departments"]}
    assert (rows["mzj"]["name"], rows["mzj"]["was"]) == ("小市民政和社会工作局", ["小市民政局"])
    # By its new name it is known from now on, though the register still has the old one.
    assert "is called that already" in office.refused(
        "department", "rename", "小市民政和社会工作局", "--to", "小市民政和社会工作局", "--on", "2027-02-01", *HOW
    )


def test_a_system_handed_over(office: Office) -> None:
    office.audit()
    before = by_name(office, "图书馆系统")[0]["asset_key"]
    change(office, "transfer", "wh-001", "--from", "whj", "--to", "市交通局", "--on", BEGIN.isoformat())
    assert "system WH-001 of whj went to jtj" in office.err
    office.audit()
    (library,) = by_name(office, "图书馆系统")
    assert (library["department_id"], library["asset_key"], library["state"]) == ("jtj", before, "open")
    assert {f["department_id"] for f in by_name(office, "门户网站")} == {"whj", "wlj"}, "nothing else went with it"
    # On from there: only from the one that has it now, and an undoing only from the end.
    said = office.refused(
        "department", "transfer", "WH-001", "--from", "whj", "--to", "mzj", "--on", "2026-12-01", *HOW
    )
    assert "CODE WH-001 is jtj's: name that department with --from" in said
    change(office, "transfer", "WH-001", "--from", "jtj", "--to", "mzj", "--on", "2026-12-01")
    said = office.refused("department", "undo", "D2026-001", "--reason", "误", "--by", "政务信息科")
    assert "D2026-002' first" in said
    office.go_to(date(2026, 12, 1))
    office.audit()
    assert by_name(office, "图书馆系统")[0]["department_id"] == "mzj"
    for name in ("D2026-002", "D2026-001"):
        office.do("department", "undo", name, "--reason", "误", "--by", "政务信息科")
    assert office.faults() == []


def test_hosts_that_stay_behind_are_named(office: Office) -> None:
    office.register(
        "hosts",
        "所属部门,资产编号,IP地址,承载系统编号,主机名",
        "whj,WH-H1,10.2.0.5,WH-001,lib1",
        "whj,WH-H2,10.2.0.9,,other",
    )
    change(office, "transfer", "WH-001", "--from", "whj", "--to", "jtj", "--on", BEGIN.isoformat())
    assert "its hosts stay whj's (WH-H1)" in office.err
    assert "department transfer WH-H1 --kind host" in office.err


def test_one_after_the_other(office: Office) -> None:
    """A renaming, a merger of what was renamed, and one more: the names of history stay where they were."""
    office.audit()
    change(office, "rename", "whj", "--to", "小市文化体育局", "--on", "2026-12-01")
    change(office, "merge", "whj", "--into", "wlj", "--on", "2027-01-01")
    change(office, "merge", "wlj", "--into", "jtj", "--on", "2027-02-01")
    office.go_to(date(2027, 2, 1))
    office.audit()
    assert {f["department_id"] for f in office.findings()} == {"mzj", "jtj"}
    rows = {r["id"]: r for r in office.json("department", "list")["departments"]}
    assert rows["whj"] == {
        "id": "whj",
        "name": "小市文化体育局",
        "was": ["小市文化局"],
        "became": "jtj",
        "became_name": "小市交通运输局",
        "on": "2027-01-01",
        "change": "D2026-002",
        "took_in": [],
        "in_register": True,
    }
    assert rows["jtj"]["took_in"] == ["wlj"]
    office.do("department", "list")
    assert "小市文化体育局" in office.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("merge", "whj", "--into", "whj", "--on", "2027-01-01"), ["cannot be merged into itself"]),
        (("merge", "wh", "--into", "文旅", "--on", "soon"), ["DEPARTMENT", "--into", "--on 'soon' is no date"]),
        (("rename", "whj", "--to", " ", "--on", "2027-01-01"), ["--to is empty"]),
        (("rename", "whj", "--to", "小市文化局", "--on", "2027-01-01"), ["is called that already"]),
        (("rename", "whj", "--to", "小市民政局", "--on", "2027-01-01"), ["mzj is called that", "merge"]),
        (("rename", "whj", "--to", "长" * 201, "--on", "2027-01-01"), ["201 characters"]),
        (("transfer", "WH-001", "--from", "whj", "--to", "whj", "--on", "2027-01-01"), ["handed over to itself"]),
        (("transfer", "WH-009", "--from", "whj", "--to", "jtj", "--on", "2027-01-01"), ["did you mean 'WH-001'"]),
        (("transfer", "MZ-001", "--from", "whj", "--to", "jtj", "--on", "2027-01-01"), ["is mzj's", "--from"]),
        (("transfer", "门户网站", "--from", "whj", "--to", "jtj", "--on", "2027-01-01"), ["CODE"]),
        (
            ("transfer", "WH-001", "--from", "whj", "--to", "jtj", "--on", "2027-01-01", "--kind", "systm"),
            ["did you mean 'system'"],
        ),
    ],
)
def test_what_is_refused(office: Office, arguments: tuple[str, ...], said: list[str]) -> None:
    told = office.refused("department", *arguments, *HOW)
    for part in said:
        assert part in told, told
    assert not exists(office.ledger)


def test_everything_wrong_at_once(office: Office) -> None:
    said = office.refused(
        "department", "merge", "x", "--into", "y", "--on", "31.12.2026", "--document", " ", "--by", "\x07"
    )
    for part in ("DEPARTMENT", "--into", "--on '31.12.2026'", "--document is empty", "--by"):
        assert part in said, said


def test_what_contradicts_what_was_written_down(office: Office) -> None:
    change(office, "merge", "whj", "--into", "wlj", "--on", "2027-01-01")
    circle = office.refused("department", "merge", "wlj", "--into", "whj", "--on", "2026-12-01", *HOW)
    assert "that would be a circle: whj became wlj on 2027-01-01 (D2026-001)" in circle
    again = office.refused("department", "merge", "whj", "--into", "jtj", "--on", "2026-12-01", *HOW)
    assert "whj became wlj on 2027-01-01 (D2026-001) already: 'auditor department undo D2026-001'" in again
    late = office.refused("department", "rename", "whj", "--to", "文体局", "--on", "2027-03-01", *HOW)
    assert "is no department any more on 2027-03-01: name wlj" in late
    into = office.refused("department", "merge", "jtj", "--into", "whj", "--on", "2027-03-01", *HOW)
    assert "on 2027-03-01 there is no whj any more" in into
    gone = office.refused(
        "department", "transfer", "JT-001", "--from", "jtj", "--to", "whj", "--on", "2027-03-01", *HOW
    )
    assert "there is no whj any more" in gone
    change(office, "rename", "jtj", "--to", "小市交通局", "--on", "2027-05-01")
    order = office.refused("department", "rename", "jtj", "--to", "小市运输局", "--on", "2027-04-01", *HOW)
    assert "cannot be written down after one on 2027-05-01" in order
    ends = office.refused("department", "merge", "jtj", "--into", "mzj", "--on", "2027-04-01", *HOW)
    assert "cannot be written down after one on 2027-05-01" in ends
    change(office, "merge", "jtj", "--into", "mzj", "--on", "2027-06-01")
    office.do("department", "list")
    assert "to come: jtj became mzj on 2027-06-01" in office.err
    assert office.faults() == []


def test_founded_later(office: Office) -> None:
    office.departments(*DEPARTMENTS, "xjj,小市新建局,市新建局,140800,市级,2027-01-01")
    said = office.refused("department", "merge", "whj", "--into", "xjj", "--on", "2026-12-31", *HOW)
    assert "xjj was founded on 2027-01-01" in said
    office.do("department", "merge", "whj", "--into", "xjj", "--on", "2027-01-01", *HOW)


def test_one_that_only_findings_know_still(office: Office) -> None:
    """The register was corrected before anybody wrote the merger down: cases can still follow."""
    office.audit()
    office.register(
        "departments", "部门编号,部门名称,简称,行政区划代码,政府层级,设立日期", *DEPARTMENTS[:1], *DEPARTMENTS[2:]
    )
    office.systems(*(row.replace("whj,", "wlj,") for row in SYSTEMS if "whj,,门户" not in row))
    office.do("department", "merge", "小市文化局", "--into", "wlj", "--on", BEGIN.isoformat(), *HOW)
    said = office.refused("department", "merge", "wlj", "--into", "whj", "--on", BEGIN.isoformat(), *HOW)
    assert "whj stands in no departments register" in said


def test_a_silent_part_is_told_of(office: Office) -> None:
    office.submissions(*(f"{d},信息系统,2026-11-16,2026年度,,否" for d in ("mzj", "whj", "jtj")))
    change(office, "merge", "whj", "--into", "wlj", "--on", BEGIN.isoformat())
    assert "wlj has not answered for the register systems" in office.err
    assert "'auditor register request --department wlj' asks it" in office.err


def test_exemptions_go_along_and_none_is_widened(office: Office) -> None:
    office.register(
        "exemptions",
        "豁免编号,所属部门,对象编号,对象名称,豁免规则,豁免依据,批准人,批准文件,起始日期,截止日期",
        f"HM-1,whj,WH-001,,{RULE},依据,市政府,文,2026-01-01,2027-12-31",
    )
    grant = ("waiver", "add", "--rule", "yuncheng-2021/*", "--department", "whj", "--basis", "依据")
    days = ("--from", "2026-01-01", "--to", "2027-12-31")
    office.do(*grant, "--approver", "市政府", "--document", "文", *days, "--by", "政务信息科")
    office.do("waiver", "approve", "W2026-001", "--by", "法规科")
    change(office, "merge", "whj", "--into", "wlj", "--on", BEGIN.isoformat())
    assert "the exemption W2026-001 of all of whj covers only what registers name so" in office.err
    office.audit()
    # The two of one name cannot be told apart by a waiver: it covers neither.
    states = sorted((f["asset_name"], f["state"]) for f in office.findings() if f["department_id"] == "wlj")
    assert states == [("图书馆系统", "waived"), ("门户网站", "open"), ("门户网站", "open")]

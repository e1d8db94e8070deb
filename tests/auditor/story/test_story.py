"""From finding to order, the whole story: by commands, in frozen time, across the year's end.

Two departments in violation, one innocent, and one whose matter is another authority's. The example city's servers
really answer; one of them is really switched off.
"""

from __future__ import annotations

import re
import zipfile
from datetime import datetime
from pathlib import Path

import pytest

from tests.auditor.ledgers import dump, site_ledger
from tests.auditor.story.office import CHINA, DRAFTS, REVIEWS, SIGNS, Office

#: Made for this story, and no notice of anybody's: the first four days of the year are off.
NEXT_YEAR = """\
year: 2027
notice: {number: 示例（虚构）, title: 示例（虚构）, date: 2026-12-28}
off:
  - {name: 元旦, from: 2027-01-01, to: 2027-01-04}
work: []
"""
CLASSIFIED = "内部专用文件流转系统"


def words_of(path: Path) -> str:
    """Everything that a paper says, without its markup."""
    with zipfile.ZipFile(path) as paper:
        parts = [paper.read(name).decode() for name in paper.namelist() if name.endswith(".xml")]
    return re.sub(r"<[^>]+>", "", "".join(parts))


def test_the_whole_story(
    tmp_path: Path,
    own_network: str,
    hasty_probes: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NMAPDIR", str(hasty_probes))
    office = Office(tmp_path / "site", own_network, monkeypatch, capsys, datetime(2026, 11, 23, 9, tzinfo=CHINA))
    baseline(office)
    letters(office)
    objection(office)
    orders(office)
    served(office)
    year_end(office)
    inspected(office)
    escalated(office)
    referred(office)
    kept(office)


def baseline(office: Office) -> None:
    """The shadow period begins with an audit."""
    office("check")
    with office.city():
        office("audit", status=4)


def letters(office: Office) -> None:
    """The brake stops the first run; a second office looks; four departments are asked, nobody is accused."""
    assert "4 of 8 departments would be accused" in office.refused("case", "draft", "--by", DRAFTS)
    assert office("case", "list", "--json").json == []
    assert "may not review" in office.refused(
        "case", "draft", "--by", DRAFTS, "--second-look", DRAFTS, "--reason", "看过了"
    )
    look = ("--second-look", REVIEWS, "--reason", "逐项看过，均有台账和探测两方面依据")
    drafted = office("case", "draft", "--by", DRAFTS, *look, "--json").json
    assert {(case["department_id"], case["form"]) for case in drafted["cases"]} == {
        (department, "letter") for department in ("mzj", "jtj", "rsj", "zrj")
    }
    for case in office.cases().values():
        assert "cannot be issued: 'auditor case review'" in office.refused(
            "case", "issue", case["id"], "--by", SIGNS, "--within", "5wd"
        )
        assert "may not review" in office.refused("case", "review", case["id"], "--by", DRAFTS)
        office("case", "review", case["id"], "--by", REVIEWS)
        assert "the regulation sets no time" in office.refused("case", "issue", case["id"], "--by", SIGNS)
        office("case", "issue", case["id"], "--by", SIGNS, "--within", "5wd")
        office("case", "serve", case["id"], "--receiver", "办公室", "--by", DRAFTS)
    sent = office.cases()
    assert sorted(case["number"] for case in sent.values()) == [f"示审管函〔2026〕{n}号" for n in range(1, 5)]
    assert {case["due"] for case in sent.values()} == {"2026-11-30"}
    paper = words_of(
        office.root / "out" / "cases" / sent["mzj", "letter"]["id"] / f"{sent['mzj', 'letter']['number']}.docx"
    )
    assert "社会救助管理信息系统" in paper
    assert "不作为对你单位的认定" in paper
    # Nothing may be ordered while a department is being heard.
    assert office("case", "draft", "--by", DRAFTS, *look, "--form", "order", "--json").json["cases"] == []


def objection(office: Office) -> None:
    """自然资源局 has an approval that nobody had seen: the finding is set aside, and no order names it."""
    office.at(2026, 11, 25)
    case = office.cases()["zrj", "letter"]
    evidence = office.root.parent / "批复扫描件.pdf"
    evidence.write_bytes(b"%PDF-1.4 example")
    finding = case["items"][0]["finding"]
    office(
        "case",
        "object",
        case["id"],
        "1",
        "--text",
        "该服务器经批准购置，批复见附件",
        "--file",
        str(evidence),
        "--by",
        DRAFTS,
    )
    office("case", "reply", case["id"], "--text", "有异议，详见说明", "--by", DRAFTS)
    answer = ("case", "answer", case["id"], finding, "--by", REVIEWS, "--reason", "批复属实，登记有误")
    assert "re-test date" in office.refused(*answer, "--accept")
    office(*answer, "--accept", "--until", "2027-06-30")
    assert [found["id"] for found in office("findings", "--state", "dismissed", "--json").json] == [finding]
    shown = office("case", "show", case["id"], "--json").json
    assert shown["words"][0]["files"][0]["name"] == "批复扫描件.pdf"
    assert (
        office.root / "state" / "attachments" / shown["words"][0]["files"][0]["sha256"]
    ).stat().st_mode & 0o077 == 0
    office("case", "close", case["id"], "--by", SIGNS, "--reason", "异议成立，不再制发文书")


def orders(office: Office) -> None:
    """Two answer, one lets the time pass; each is ordered under the article that gives the power, and by its name."""
    office.at(2026, 11, 27)
    for department in ("mzj", "jtj"):
        office("case", "reply", office.cases()[department, "letter"]["id"], "--text", "情况属实", "--by", DRAFTS)
    office.at(2026, 12, 7)
    drafted = office("case", "draft", "--by", DRAFTS, "--second-look", REVIEWS, "--reason", "同上", "--json").json
    forms = {case["department_id"]: case["form"] for case in drafted["cases"]}
    assert forms == {"mzj": "task", "jtj": "task", "rsj": "order"}
    for department, form in forms.items():
        case = office.cases()[department, form]
        office("case", "review", case["id"], "--by", REVIEWS)
        if form == "task":
            assert "第二十四条 sets the time" in office.refused(
                "case", "issue", case["id"], "--by", SIGNS, "--within", "30d"
            )
            office("case", "issue", case["id"], "--by", SIGNS)
        else:
            office("case", "issue", case["id"], "--by", SIGNS, "--within", "30d")
    numbers = {office.cases()[department, form]["number"] for department, form in forms.items()}
    assert numbers == {f"示审管改〔2026〕{n}号" for n in (1, 2, 3)}
    out = office.root / "out" / "cases"
    rsj, mzj = office.cases()["rsj", "order"], office.cases()["mzj", "task"]
    order = words_of(out / rsj["id"] / f"{rsj['number']}.docx")
    assert rsj["number"] in order
    assert "第二十三条" in order
    assert "暂停拨付项目建设和运维资金" in order
    assert "草稿" not in order
    task = words_of(out / mzj["id"] / f"{mzj['number']}.docx")
    assert "效能评估整改任务书" in task
    assert "10个工作日" in task
    assert "暂停拨付" not in task, "article 24 gives no consequence, and none may be borrowed"


def served(office: Office) -> None:
    """Ten working days from service end in a year whose calendar is not published: provisional, and not overdue."""
    office.at(2026, 12, 9)
    office(
        "case", "serve", office.cases()["rsj", "order"]["id"], "--receiver", "办公室", "--by", DRAFTS,
        "--method", "留置送达", "--witness", "机关事务科", "--reason", "拒绝签收",
    )  # fmt: skip
    office.at(2026, 12, 24)
    for department in ("mzj", "jtj"):
        office("case", "serve", office.cases()[department, "task"]["id"], "--receiver", "办公室", "--by", DRAFTS)
    assert {
        (department, case["due"], case["due_provisional"])
        for (department, form), case in office.cases().items()
        if form != "letter"
    } == {("mzj", "2027-01-08", True), ("jtj", "2027-01-08", True), ("rsj", "2027-01-08", True)}


def year_end(office: Office) -> None:
    """The year's calendar comes; a department really moves its system, and says so."""
    office.at(2027, 1, 6)
    assert office("case", "list", "--overdue", "--json").json == []
    (office.root / "calendars").mkdir()
    (office.root / "calendars" / "2027.yaml").write_text(NEXT_YEAR, encoding="utf-8")
    old, new = f"{office.network}.1.10", f"{office.network}.100.13"
    office.change("city.yaml", lambda text: moved(text, old, new))
    office.systems(
        "MZ-001", 部署位置="政务云", 服务器地址=new, 所在云编号="GC-01", 所在机房编号="", 迁移上云日期="2027年1月5日"
    )
    office.change(
        "registers/hosts.csv", lambda text: "".join(line for line in text.splitlines(True) if ",MZ-001," not in line)
    )
    # What papers say must not be older than the pack allows: the departments hand in their registers anew.
    office.change("registers/submissions.csv", lambda text: text.replace("2026-11-16", "2027-01-06"))
    office.touch()
    reply = office.root.parent / "整改报告.docx"
    reply.write_bytes(b"PK example")
    case = office.cases()["mzj", "task"]
    office("case", "reply", case["id"], "--text", "已迁移上云，原服务器关机", "--file", str(reply), "--by", DRAFTS)
    assert "before the department's time was over" in office.refused("case", "inspect", case["id"], "--by", DRAFTS)


def moved(plan: str, old: str, new: str) -> str:
    """The plan of what answers, with a host switched off and its page answering on the cloud."""
    hosts = plan.split("  - address: ")
    gone = next(host for host in hosts if host.startswith(f"{old}\n"))
    cloud = gone.replace(old, new, 1)
    return plan.replace(f"  - address: {gone}", f"  - address: {cloud}")


def inspected(office: Office) -> None:
    """After the deadlines the next audit decides: one mended and closed, one not and warned again."""
    office.at(2027, 1, 13)
    with office.city():
        office("audit", status=4)
    firm = {(case["due"], case["due_provisional"]) for case in office.cases().values() if case["form"] == "task"}
    assert firm == {("2027-01-11", False)}
    assert {case["department_id"] for case in office("case", "list", "--overdue", "--json").json} == {"jtj", "rsj"}

    mended = office("case", "inspect", office.cases()["mzj", "task"]["id"], "--by", DRAFTS, "--json").json
    assert {item["state"] for item in mended["items"]} == {"mended"}
    office("case", "close", mended["id"], "--by", SIGNS)
    opinion = words_of(office.root / "out" / "cases" / mended["id"] / "示审管复〔2027〕1号.docx")
    assert mended["number"] in opinion
    assert "已整改" in opinion
    assert "withdraw" not in office.refused("case", "reply", mended["id"], "--text", "再报", "--by", DRAFTS)

    still = office("case", "inspect", office.cases()["jtj", "task"]["id"], "--by", DRAFTS, "--json").json
    assert {item["state"] for item in still["items"]} == {"not_mended"}
    assert "3 items are not mended" in office.refused("case", "close", still["id"], "--by", SIGNS)
    assert "gives no consequence" in office.refused("case", "escalate", still["id"], "--by", SIGNS)
    office("case", "second", still["id"], "--by", SIGNS)
    office("case", "review", still["id"], "--by", REVIEWS)
    office("case", "issue", still["id"], "--by", SIGNS)
    again = office.cases()["jtj", "task"]
    assert (again["state"], again["round"], again["number"]) == ("issued", 2, "示审管改〔2027〕1号")
    paper = words_of(office.root / "out" / "cases" / again["id"] / "示审管改〔2027〕1号.docx")
    assert still["number"] in paper, "a second notice cites the first"


def escalated(office: Office) -> None:
    """人社局 mended nothing: the regulation lets money be stopped, which the finance bureau decides on a proposal."""
    case = office("case", "inspect", office.cases()["rsj", "order"]["id"], "--by", DRAFTS, "--json").json
    assert {item["state"] for item in case["items"]} == {"not_mended"}
    assert "choose one with --consequence" in office.refused("case", "escalate", case["id"], "--by", SIGNS)
    office("case", "escalate", case["id"], "--consequence", "1", "--by", SIGNS)
    proposal = office.cases()["rsj", "proposal"]
    assert (proposal["state"], proposal["addressee"], proposal["parent"]) == ("draft", "市财政局", case["id"])
    office("case", "review", proposal["id"], "--by", REVIEWS)
    office("case", "issue", proposal["id"], "--by", SIGNS)
    paper = words_of(office.root / "out" / "cases" / proposal["id"] / "示审管建〔2027〕1号.docx")
    assert case["number"] in paper
    assert "暂停拨付项目建设和运维资金" in paper
    assert "终止项目" not in paper


def referred(office: Office) -> None:
    """A failed 密评 belongs to the cryptography bureau: it is handed over, and nothing is ordered."""
    found = office("findings", "--rule", "national/crypto-conclusion", "--json").json
    assert [one["asset_name"] for one in found] == ["全民健康信息平台"]
    office("case", "refer", found[0]["id"], "--by", DRAFTS)
    case = office.cases()["wjw", "referral"]
    assert case["addressee"] == "密码管理部门"
    office("case", "review", case["id"], "--by", REVIEWS)
    office("case", "issue", case["id"], "--by", SIGNS)
    paper = words_of(office.root / "out" / "cases" / case["id"] / "示审管移〔2027〕1号.docx")
    assert "责令" not in paper
    assert "inspect" in office.refused("case", "inspect", case["id"], "--by", DRAFTS)
    # A draft that is not wanted after all: nothing was numbered, nothing is lost.
    office("case", "draft", "--form", "reminder", "--department", "rsj", "--by", DRAFTS, "--second-look", REVIEWS,
           "--reason", "同上")  # fmt: skip
    reminder = office.cases()["rsj", "reminder"]
    office("case", "review", reminder["id"], "--by", REVIEWS)
    office("case", "issue", reminder["id"], "--by", SIGNS)
    office("case", "withdraw", reminder["id"], "--by", SIGNS, "--reason", "与移送事项一并处理")
    assert "withdrawn (与移送事项一并处理)" in office.refused(
        "case", "reply", reminder["id"], "--text", "收到", "--by", DRAFTS
    )


def kept(office: Office) -> None:
    """Nobody innocent has a case, the classified system stands nowhere, and the trail is whole."""
    everything = office("case", "list", "--all", "--json").json
    assert {case["department_id"] for case in everything} == {"mzj", "jtj", "rsj", "zrj", "wjw"}
    assert {case["state"] for case in everything if case["department_id"] == "zrj"} == {"closed"}
    numbers = [
        paper["number"]
        for case in everything
        for paper in office("case", "show", case["id"], "--json").json["papers"]
    ]
    assert len(numbers) == len(set(numbers))
    withdrawn = [case["number"] for case in everything if case["state"] == "withdrawn"]
    assert withdrawn == ["示审管提〔2027〕1号"]
    checked = office("ledger", "verify", "--json").json
    assert (checked["faults"], checked["not_drawn"]) == ([], [])
    office("ledger", "verify", "--expect", checked["head"])
    office("notice", "bulletin", "2027-01", "--issue", "--by", SIGNS)
    office("ledger", "export", str(office.root / "out" / "台账.xlsx"))
    for file in office.root.rglob("*"):
        # What the site's people write is theirs; the metrics are for the node exporter.
        ours = "state" in file.parts or "out" in file.parts
        if file.is_file() and ours and file.suffix != ".prom":
            assert file.stat().st_mode & 0o077 == 0, file
        if file.suffix in (".docx", ".xlsx") and "out" in file.parts:
            assert CLASSIFIED not in words_of(file), file
    assert CLASSIFIED not in repr(dump(site_ledger(office.root)))

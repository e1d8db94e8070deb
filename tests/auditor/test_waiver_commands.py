"""Exemptions by a person's word: drafted by one office, approved by another, ended by the calendar or by a word."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.commands import waivers
from auditor.commands.waiver_typed import Typed
from auditor.ledger.presence import exists
from auditor.waiving import ending_soon
from inventories.model import Waiver
from tests.auditor.office import BEGIN, RULE, Office

END = BEGIN + timedelta(days=14)
PAPER = {
    "--rule": RULE,
    "--asset": "MZ-001",
    "--basis": "与省级平台同步改造期间暂缓迁移",
    "--approver": "市政府分管领导",
    "--document": "专题会议纪要（虚构）第8号",
    "--from": BEGIN.isoformat(),
    "--to": END.isoformat(),
    "--by": "政务信息科",
}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    return Office(tmp_path / "site", monkeypatch, capsys)


def add(**changes: str | None) -> list[str]:
    """``waiver add`` with changed options; None leaves one out."""
    options: dict[str, str | None] = {
        **PAPER,
        **{"--" + {"start": "from", "end": "to"}.get(name, name): value for name, value in changes.items()},
    }
    return [
        "waiver",
        "add",
        *(word for name, value in options.items() if value is not None for word in (name, value)),
    ]


def states(office: Office) -> dict[str, str]:
    return {f["asset_name"]: f["state"] for f in office.findings() if f["department_id"] == "mzj"}


def listed(office: Office, name: str) -> dict[str, Any]:
    (found,) = (w for w in office.json("waiver", "list") if w["id"] == name)
    return dict(found)


def test_from_a_draft_to_the_day_after_its_end(office: Office) -> None:
    office.audit()
    assert states(office) == {"社会救助系统": "open"}
    office.do(*add())
    office.audit()
    assert states(office) == {"社会救助系统": "open"}, "a draft waives nothing"
    office.do("waiver", "approve", "W2026-001", "--by", "法规科")
    body = office.audit()
    assert states(office) == {"社会救助系统": "waived"}
    # Waived, and yet listed and counted.
    assert body["changes"]["waived"] == 1
    judged = [c for c in office.json("evaluate")["counts"] if c["department_id"] == "mzj"]
    counts = {(c["rule"], c["verdict"]): c["number"] for c in judged}
    assert counts[RULE, "waived"] == 1
    assert (RULE, "violation") not in counts
    assert [f["asset_name"] for f in office.json("findings", "--department", "mzj")] == ["社会救助系统"]

    office.go_to(END)
    office.audit()
    assert states(office) == {"社会救助系统": "waived"}, "the last day counts"
    office.go_to(END + timedelta(days=1))
    body = office.audit()
    assert states(office) == {"社会救助系统": "open"}
    assert body["changes"]["reopened"] == 1
    (finding,) = (f for f in office.findings() if f["department_id"] == "mzj")
    history = office.json("explain", finding["id"])["history"]
    assert [(h["state"], h["reason"].split("；")[0]) for h in history] == [
        ("open", "seen"),
        ("waived", "waived"),
        ("open", "waiver_ended"),
    ]
    # What was judged under it stays judged so: the snapshot holds it.
    assert office.run("snapshot", "replay") == 0
    assert office.faults() == []
    assert office.acts("W2026-001") == ["waiver.add", "waiver.approve"]


def test_a_snapshot_replays_though_the_waiver_is_revoked_since(office: Office) -> None:
    office.do(*add())
    office.do("waiver", "approve", "W2026-001", "--by", "法规科")
    snapshot = office.audit()["snapshot"]
    office.wait(hours=1)
    office.do("waiver", "revoke", "W2026-001", "--reason", "条件未履行", "--by", "法规科")
    assert office.run("snapshot", "replay", snapshot) == 0, office.err
    office.audit()
    assert states(office) == {"社会救助系统": "open"}
    row = listed(office, "W2026-001")
    assert (row["state"], row["revoked_on"], row["note"], row["in_force"]) == (
        "revoked",
        BEGIN.isoformat(),
        "条件未履行",
        False,
    )
    assert "revoked on 2026-11-23 already" in office.refused(
        "waiver", "revoke", "W2026-001", "--reason", "x", "--by", "法规科"
    )
    assert "is revoked already" in office.refused("waiver", "approve", "W2026-001", "--by", "法规科")


def test_before_the_first_audit_the_ledger_is_made(office: Office) -> None:
    assert not exists(office.ledger)
    assert office.json("waiver", "list") == []
    assert not exists(office.ledger), "listing writes nothing"
    office.do(*add())
    if (file := office.ledger.file) is not None:
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700
    office.do("waiver", "approve", "W2026-001", "--by", "法规科")
    office.audit()
    assert states(office) == {"社会救助系统": "waived"}


def test_who_may_do_what(office: Office) -> None:
    office.do(*add())
    assert "took an earlier step" in office.refused("waiver", "approve", "W2026-001", "--by", "政务信息科")
    assert "--by is empty" in office.refused("waiver", "approve", "W2026-001", "--by", " ")
    office.site(more="people:\n  draft: [政务信息科]\n  sign: [分管领导]\n")
    said = office.refused("waiver", "approve", "W2026-001", "--by", "法规科")
    assert "may not sign by site.yaml" in said
    assert "分管领导" in said
    assert "may not draft" in office.refused(*add(by="法规科"))
    assert "may not sign" in office.refused("waiver", "revoke", "W2026-001", "--reason", "误", "--by", "法规科")
    office.do("waiver", "revoke", "W2026-001", "--reason", "填错", "--by", "政务信息科")
    office.do(*add())
    office.do("waiver", "approve", "W2026-002", "--by", "分管领导")
    assert "may not sign" in office.refused("waiver", "revoke", "W2026-002", "--reason", "误", "--by", "政务信息科")
    assert "is approved already" in office.refused("waiver", "approve", "W2026-002", "--by", "分管领导")
    assert "did you mean 'W2026-002'" in office.refused("waiver", "approve", "W2026-02", "--by", "分管领导")


def test_every_mistake_at_once(office: Office, tmp_path: Path) -> None:
    said = office.refused(
        *add(
            rule="yuncheng-2021/migrate-to-clod",
            asset=None,
            department="民政",
            basis=" ",
            document="\n",
            start="2026-13-01",
            end="tomorrow",
            file=str(tmp_path / "none.pdf"),
            id="两 个",
        )
    )
    for part in (
        "did you mean 'yuncheng-2021/migrate-to-cloud'",
        "unknown department '民政'",
        "--basis is empty",
        "--document is empty",
        "--from '2026-13-01' is no date",
        "--to 'tomorrow' is no date",
        "none.pdf: No such file",
        "--id '两 个' is no number",
    ):
        assert part in said, said
    assert not exists(office.ledger)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"end": "2026-11-22"}, "lies before --from"),
        ({"start": "2026-01-01", "end": "2026-11-22"}, "has passed"),
        ({"asset": None}, "name what is exempt"),
        ({"asset": "JT-001", "department": "mzj"}, "is not mzj's but jtj's"),
        ({"asset": "门户网站"}, "may be whj, wlj's"),
        ({"rule": "other-pack/*"}, "is no rule in force"),
        ({"rule": "*/*"}, "is no rule in force"),
        ({"basis": "长" * 501}, "501 characters long"),
        ({"by": "张\x1b[31m三"}, "is no office's name"),
        ({"start": "20261123"}, "is no date"),
    ],
)
def test_what_is_refused(office: Office, changes: dict[str, str | None], said: str) -> None:
    assert said in office.refused(*add(**changes))


@pytest.mark.parametrize("option", ["--from", "--to", "--document", "--basis", "--approver", "--by", "--rule"])
def test_what_must_be_said(office: Office, option: str) -> None:
    arguments = add()
    at = arguments.index(option)
    assert office.run(*arguments[:at], *arguments[at + 2 :]) == 2
    assert option in office.err
    assert not exists(office.ledger)


def test_the_paper_is_known_by_its_digest_and_kept_nowhere(office: Office, tmp_path: Path) -> None:
    paper = tmp_path / "秘密文件夹" / "纪要.pdf"
    paper.parent.mkdir()
    paper.write_bytes(b"%PDF-1.4 granted")
    office.do(*add(file=str(paper), conditions="期满前完成迁移\n每月报告"))
    row = listed(office, "W2026-001")
    assert row["document_sha256"] == hashlib.sha256(b"%PDF-1.4 granted").hexdigest()
    assert row["conditions"] == "期满前完成迁移 每月报告"
    everything = b"".join(p.read_bytes() for p in office.root.rglob("*") if p.is_file())
    assert b"granted" not in everything
    assert "秘密文件夹".encode() not in everything
    assert "is no file" in office.refused(*add(file=str(tmp_path)))
    paper.write_bytes(b"")
    assert "has 0 bytes" in office.refused(*add(file=str(paper)))
    os.mkfifo(tmp_path / "pipe")
    assert "is no file" in office.refused(*add(file=str(tmp_path / "pipe")))


def test_what_it_is_for(office: Office) -> None:
    """A code however it is written, a name where there is no code, a whole department, or something nobody knows."""
    assert "warning" in _said(office, add(asset=" mz-００1 "))
    assert listed(office, "W2026-001")["asset"] == "MZ-001"
    assert listed(office, "W2026-001")["department_id"] == "mzj"
    _said(office, add(asset="门户网站", department="市文化局"))
    assert (listed(office, "W2026-002")["asset"], listed(office, "W2026-002")["department_id"]) == ("门户网站", "whj")
    _said(office, add(asset=None, department="市文旅局", rule="yuncheng-2021/*"))
    for number in (1, 2, 3):
        office.do("waiver", "approve", f"W2026-00{number}", "--by", "法规科")
    said = _said(office, add(asset="MZ-01"))
    assert "covers nothing: no register and no audit knows MZ-01; did you mean 'MZ-001'" in said
    office.audit()
    found = {(f["department_id"], f["asset_name"]): f["state"] for f in office.findings()}
    assert found == {
        ("mzj", "社会救助系统"): "waived",
        ("whj", "图书馆系统"): "open",
        ("whj", "门户网站"): "waived",
        ("wlj", "门户网站"): "waived",
    }


def _said(office: Office, arguments: list[str]) -> str:
    office.do(*arguments)
    return office.err


def test_the_register_and_the_ledger_together(office: Office) -> None:
    heading = "豁免编号,所属部门,对象编号,豁免规则,豁免依据,批准人,批准文件,起始日期,截止日期"
    office.register(
        "exemptions",
        heading,
        f"HM-1,mzj,MZ-001,{RULE},登记的,市政府,旧文,2026-01-01,2027-12-31",
        f"HM-2,jtj,JT-009,{RULE},登记的,市政府,旧文,2026-01-01,2026-12-01",
        f"W2026-001,jtj,JT-001,{RULE},登记的,市政府,旧文,2026-01-01,2027-12-31",
    )
    office.do(*add(id="HM-1", end="2027-06-30"))
    assert "stands in a register" in office.err
    office.do(*add())
    assert "W2026-002" in office.err, "a number that a register has is not given twice"
    rows = office.json("waiver", "list")
    assert {(w["id"], w["state"], w["to"]) for w in rows} == {
        ("HM-1", "approved", "2027-12-31"),
        ("HM-1", "draft", "2027-06-30"),
        ("HM-2", "approved", "2026-12-01"),
        ("W2026-001", "approved", "2027-12-31"),
        ("W2026-002", "draft", END.isoformat()),
    }
    office.do("waiver", "approve", "HM-1", "--by", "法规科")
    office.do("waiver", "list")
    assert "HM-1 stands in the ledger too, where it is approved" in office.err
    assert "HM-2 ends on 2026-12-01, in 8 days" in office.err
    assert "HM-2: it covers nothing: no register and no audit knows JT-009" in office.err
    by = {w["id"]: w for w in office.json("waiver", "list")}
    assert (by["HM-1"]["to"], by["HM-1"]["source"]) == ("2027-06-30", "ledger")
    assert by["HM-2"]["ends_soon"] is True
    assert by["W2026-001"]["ends_soon"] is False
    office.do("waiver", "revoke", "HM-1", "--reason", "不再需要", "--by", "法规科")
    office.audit()
    assert states(office) == {"社会救助系统": "open"}, "the register's row does not revive it"
    said = office.refused("waiver", "revoke", "HM-2", "--reason", "x", "--by", "法规科")
    assert "stands in registers/exemptions.csv" in said
    assert "HM-1 already" in office.refused(*add(id="HM-1"))


def test_a_draft_whose_time_has_passed_is_not_approved(office: Office) -> None:
    office.do(*add())
    office.go_to(END + timedelta(days=1))
    assert "ended on" in office.refused("waiver", "approve", "W2026-001", "--by", "法规科")


def test_hostile_words_are_kept_as_words(office: Office) -> None:
    nasty = "{{ 7*7 }}\x1b[2J\u202e<w:p>=cmd|' /C'!A0"
    office.do(*add(basis=nasty, approver=nasty, document=nasty, conditions=nasty))
    row = listed(office, "W2026-001")
    for name in ("legal_basis", "approver", "document", "conditions"):
        assert "\x1b" not in row[name]
        assert "\u202e" not in row[name]
        assert "{{ 7*7 }}" in row[name]
    office.do("waiver", "list")
    assert "\x1b" not in office.out
    assert office.faults() == []


def test_several_at_once(office: Office) -> None:
    """Drafts at the same moment, first of all: as many numbers, and no gap."""
    typed = Typed(
        [RULE], "MZ-001", "", "依据", "市政府", "8号", None, "2026-11-23", "2026-12-31", "", "政务信息科", ""
    )
    with ThreadPoolExecutor(8) as pool:
        done = [pool.submit(waivers.add, office.root, typed, as_json=False) for _ in range(8)]
        assert [one.result() for one in done] == [0] * 8
    assert sorted(w["id"] for w in office.json("waiver", "list")) == [f"W2026-00{n}" for n in range(1, 9)]
    assert office.faults() == []


def test_ending_soon_is_a_plain_question() -> None:
    def waiver(name: str, end: date) -> Waiver:
        return Waiver(name, (RULE,), "mzj", "", "", "", "", "", BEGIN, end)

    today = BEGIN + timedelta(days=10)
    given = [
        waiver("past", today - timedelta(days=1)),
        waiver("today", today),
        waiver("in 30", today + timedelta(days=30)),
        waiver("in 30", today + timedelta(days=30)),
        waiver("in 31", today + timedelta(days=31)),
        Waiver("to come", (RULE,), "mzj", "", "", "", "", "", today + timedelta(days=1), today + timedelta(days=5)),
    ]
    assert [(e.waiver.id, e.days_left) for e in ending_soon(given, today)] == [("today", 0), ("in 30", 30)]
    assert [e.waiver.id for e in ending_soon(given, today, days=0)] == ["today"]

"""Chasing registers: who was asked for which papers, reminded, withdrawn; and what is told of it. Nothing is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.commands import registers
from auditor.ledger.presence import exists
from tests.auditor.office import BEGIN, Office

DUE = BEGIN + timedelta(days=10)
ASK = ("register", "request", "--register", "信息系统", "--period", "2026年度", "--due", DUE.isoformat())
BY = ("--by", "政务信息科")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    made = Office(tmp_path / "site", monkeypatch, capsys)
    made.submissions("mzj,信息系统,2026-11-16,2026年度,,否")
    return made


def status(office: Office) -> dict[str, Any]:
    return {row["id"]: row for row in office.json("register", "status")["requests"]}


def test_asked_reminded_and_overdue(office: Office) -> None:
    assert office.json("register", "status")["silent"] == ["jtj", "whj", "wlj"]
    columns = ("--column", "批准文号", "--column", "系统名称")
    office.do(*ASK, "--department", "市文化局", *columns, *BY, "--note", "函〔2026〕3号")
    assert "R2026-0001: whj is asked for systems of 2026年度 until 2026-12-03" in office.err
    assert "nothing was sent" in office.err
    row = status(office)["R2026-0001"]
    assert row["columns"] == ["name", "approval_no"]
    assert (row["state"], row["overdue"], row["due"], row["note"]) == (
        "open",
        False,
        DUE.isoformat(),
        "函〔2026〕3号",
    )
    office.go_to(DUE)
    assert status(office)["R2026-0001"]["overdue"] is False, "the last day counts"
    office.go_to(DUE + timedelta(days=1))
    assert status(office)["R2026-0001"]["overdue"] is True
    said = office.refused("register", "remind", *BY)
    assert "overdue: R2026-0001, whj, systems of 2026年度, due 2026-12-03" in said
    office.do("register", "remind", "--overdue", *BY, "--note", "电话")
    assert "1 reminders were noted; nothing was sent" in office.err
    head = office.head()
    office.do("register", "remind", "--overdue", *BY)
    assert "was reminded today already" in office.err
    assert office.head() == head
    office.wait(days=3)
    office.do("register", "remind", "r2026-0001", "--by", "法规科")
    reminders = status(office)["R2026-0001"]["reminders"]
    assert [(r["on"], r["by"], r["note"]) for r in reminders] == [
        ("2026-12-04", "政务信息科", "电话"),
        ("2026-12-07", "法规科", ""),
    ]
    office.do("register", "status")
    assert "overdue: R2026-0001" in office.err
    assert office.acts("R2026-0001") == ["register.request", "register.remind", "register.remind"]
    assert office.faults() == []


def test_everybody_at_once_and_nobody_twice(office: Office) -> None:
    office.do(*ASK, "--department", "jtj", *BY)
    asked = office.json(*ASK, "--all", *BY)
    assert [row["department_id"] for row in asked] == ["mzj", "whj", "wlj"]
    assert "asked already, and left as it is: R2026-0001, jtj" in office.err
    assert office.json(*ASK, "--all", *BY) == []
    said = office.refused(*ASK, "--department", "jtj", "--department", "whj", *BY)
    assert "jtj was asked for systems of 2026年度 on 2026-11-23 already (R2026-0001)" in said
    assert "whj was asked" in said
    office.do(*ASK[:4], "--period", "2027年度", *ASK[6:], "--department", "jtj", *BY)
    assert len(status(office)) == 5


def test_a_department_that_is_no_more_is_not_asked(office: Office) -> None:
    office.do("department", "merge", "whj", "--into", "wlj", "--on", "2026-11-23", "--document", "文", *BY)
    assert [row["department_id"] for row in office.json(*ASK, "--all", *BY)] == ["mzj", "wlj", "jtj"]
    assert "name wlj" in office.refused(*ASK, "--department", "whj", *BY)
    assert office.json("register", "status")["silent"] == ["jtj", "wlj"]


def test_a_request_withdrawn(office: Office) -> None:
    office.do(*ASK, "--department", "whj", *BY)
    assert "--reason is empty" in office.refused("register", "withdraw", "R2026-0001", "--reason", "", *BY)
    office.do("register", "withdraw", "R2026-0001", "--reason", "改为年底统一报送", *BY)
    row = status(office)["R2026-0001"]
    assert (row["state"], row["overdue"], row["note"]) == ("withdrawn", False, "改为年底统一报送")
    assert "is withdrawn already" in office.refused("register", "withdraw", "R2026-0001", "--reason", "又", *BY)
    assert "only an open request can be reminded of" in office.refused("register", "remind", "R2026-0001", *BY)
    office.do(*ASK, "--department", "whj", *BY)
    assert {row["state"] for row in status(office).values()} == {"withdrawn", "open"}
    assert office.faults() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--register", "信息系"), ["--register '信息系'", "信息系统"]),
        (("--register", "submissions"), ["--register 'submissions'"]),
        (("--register", "豁免事项"), ["--register"]),
        (("--column", "批准文"), ["'批准文' is no column of 信息系统", "批准文号"]),
        (("--due", "2026-11-22"), ["--due 2026-11-22 has passed"]),
        (("--due", "年底"), ["--due '年底' is no date"]),
        (("--period", " "), ["--period is empty"]),
        (("--period", "长" * 61), ["61 characters"]),
        (("--department", "市文化"), ["unknown department"]),
        (("--by", ""), ["--by is empty"]),
        (("--all",), ["--department, which may be repeated, or --all"]),
    ],
)
def test_what_is_refused(office: Office, arguments: tuple[str, ...], said: list[str]) -> None:
    told = office.refused(*ASK, "--department", "whj", *BY, *arguments)
    for part in said:
        assert part in told, told
    assert not exists(office.ledger)


def test_every_mistake_at_once(office: Office) -> None:
    said = office.refused(
        *("register", "request", "--register", "x", "--period", "", "--due", "y", "--by", ""),
        *("--department", "a", "--department", "b"),
    )
    for part in ("--register 'x'", "--period is empty", "--due 'y'", "--by is empty", "'a'", "'b'"):
        assert part in said, said
    assert "say whom" in office.refused(*ASK, *BY)
    assert "nothing was written down yet" in office.refused("register", "remind", "R2026-0009", *BY)
    office.do(*ASK, "--department", "whj", *BY)
    said = office.refused("register", "remind", "R2026-0009", *BY)
    assert "there is no request R2026-0009: did you mean 'R2026-0001'?" in said
    said = office.refused("register", "remind", "--department", "x", "--register", "y", "--by", "")
    for part in ("--department", "--register 'y'", "--by is empty"):
        assert part in said, said


def test_several_at_once(office: Office) -> None:
    """The same question from several desks in the same moment: asked once."""
    ask = registers.Ask([], True, "systems", [], "2026年度", "2026-12-31", "政务信息科", "")
    with ThreadPoolExecutor(6) as pool:
        done = [pool.submit(registers.request, office.root, ask, as_json=False) for _ in range(6)]
        assert [one.result() for one in done] == [0] * 6
    assert sorted(status(office)) == [f"R2026-000{n}" for n in (1, 2, 3, 4)]
    assert office.faults() == []


def test_the_turn_of_the_year_begins_anew(office: Office) -> None:
    office.do(*ASK, "--department", "whj", *BY)
    office.go_to(date(2027, 1, 4))
    office.do(*ASK[:4], "--period", "2027年度", "--due", "2027-02-01", "--department", "whj", *BY)
    assert sorted(status(office)) == ["R2026-0001", "R2027-0001"]

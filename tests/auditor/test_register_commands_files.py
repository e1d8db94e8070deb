"""Forms that go out pre-filled and come back corrected: taken in whole or not at all, and once."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from auditor.ledger import trail
from tests.auditor.office import BEGIN, RULE, Office

BY = ("--by", "政务信息科")
ASK = ("register", "request", "--register", "systems", "--period", "2026年度", "--due", "2026-12-31", *BY)
TAKE = ("--department", "whj", "--register", "systems", *BY)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    made = Office(tmp_path / "site", monkeypatch, capsys)
    made.submissions("mzj,信息系统,2026-11-16,2026年度,,否")
    return made


def corrected(form: Path, *, cells: dict[tuple[str, str], str] | None = None, gone: str = "", more: Any = ()) -> Path:
    """A form as a clerk sends it back: (name, heading) → new words; a row deleted, rows written below."""
    book = openpyxl.load_workbook(form)
    sheet = book.worksheets[0]
    headings = {str(c.value).lstrip("*").partition("（")[0]: c.column for c in sheet[3] if c.value}
    rows = {str(sheet.cell(r, headings["系统名称"]).value): r for r in range(4, sheet.max_row + 1)}
    for (name, heading), text in (cells or {}).items():
        sheet.cell(rows[name], headings[heading]).value = text
    last = max((r for name, r in rows.items() if name != "None"), default=3)
    for number, row in enumerate(more, last + 1):
        for heading, text in row.items():
            sheet.cell(number, headings[heading]).value = text
    if gone:
        sheet.delete_rows(rows[gone])
    done = form.with_name(f"改-{form.name}")
    book.save(done)
    return done


def export(office: Office, *arguments: str) -> Path:
    folder = office.root.parent / "forms"
    office.do("register", "export", str(folder), *arguments)
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def status(office: Office) -> dict[str, Any]:
    return {row["id"]: row for row in office.json("register", "status")["requests"]}


def test_there_and_back_again(office: Office) -> None:
    office.audit()
    office.do(*ASK, "--department", "whj", "--column", "批准文号")
    form = export(office) / "systems-whj.xlsx"
    assert "2 rows of whj" in office.err
    assert form.stat().st_mode & 0o777 == 0o600
    done = corrected(
        form,
        cells={("图书馆系统", "系统状态"): "停用", ("图书馆系统", "批准文号"): "无"},
        gone="门户网站",
        more=[{"所属部门": "市文化局", "系统编号": "WH-009", "系统名称": "群众文化系统", "系统状态": "运行"}],
    )
    head = office.head()
    office.do("register", "import", str(done), *TAKE, "--dry-run")
    assert "新增1行，修改1行，删除1行" in office.out
    assert "系统状态由“运行”改为“停用”" in office.out
    assert "nothing was taken in" in office.err
    assert office.head() == head
    assert not (office.root / "registers" / "returned").exists()

    office.wait(days=7)
    body = office.json("register", "import", str(done), *TAKE)
    assert len(body["difference"]["added"]) == 1
    row = status(office)["R2026-0001"]
    assert row == body["request"]
    assert (row["state"], row["answered_on"], row["nil_return"]) == ("answered", "2026-11-30", False)
    assert row["digest"] == digest(done)
    assert [row["changes"][name] for name in ("added", "changed", "removed")] == [1, 1, 1]
    assert any("群众文化系统" in line for line in row["changes"]["lines"])

    # Twice changes nothing, whatever was done in between.
    before, files = office.head(), sorted(office.root.rglob("registers/**/*"))
    office.do("register", "import", str(done), *TAKE)
    assert "this file was taken in on 2026-11-30; nothing changed" in office.err
    assert (office.head(), sorted(office.root.rglob("registers/**/*"))) == (before, files)

    office.audit()
    found = {f["asset_name"]: f["state"] for f in office.findings("--rule", RULE) if f["department_id"] == "whj"}
    assert found["图书馆系统"] == "resolved"
    systems = {a["name"]: a["values"] for a in office.json("assets", "--kind", "system", "--department", "whj")}
    assert set(systems) == {"图书馆系统", "群众文化系统"}
    # The column was asked for, and answered with 无: now it is a fact.
    assert systems["图书馆系统"]["approval_absent"] is True
    assert office.run("snapshot", "replay") == 0, office.err
    assert office.acts("R2026-0001") == ["register.request", "register.import"]
    assert office.faults() == []
    office.do("register", "status")
    assert "1 added, 1 changed, 1 removed" in office.out


def test_a_column_that_was_not_asked_for_is_no_fact(office: Office) -> None:
    office.do(*ASK, "--department", "whj", "--column", "部署位置")
    form = export(office) / "systems-whj.xlsx"
    office.do("register", "import", str(corrected(form, cells={("图书馆系统", "批准文号"): "无"})), *TAKE)
    office.audit()
    systems = {a["name"]: a["values"] for a in office.json("assets", "--kind", "system", "--department", "whj")}
    assert "approval_absent" not in systems["图书馆系统"]


def test_all_or_nothing(office: Office) -> None:
    office.do(*ASK, "--department", "whj")
    form = export(office) / "systems-whj.xlsx"
    bad = corrected(form, cells={("图书馆系统", "投入运行日期"): "二月三十日", ("门户网站", "系统状态"): "坏了"})
    before = office.head()
    assert office.run("register", "import", str(bad), *TAKE) == 2
    assert office.err.count("改-systems-whj.xlsx!") == 2, office.err
    assert office.run("register", "import", str(bad), *TAKE, "--dry-run") == 2
    assert office.head() == before
    assert status(office)["R2026-0001"]["state"] == "open"
    assert not (office.root / "registers" / "returned").exists()


@pytest.mark.parametrize("where", ["write", "commit"])
def test_the_files_are_taken_back_where_the_ledger_fails(
    office: Office, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.do(*ASK, "--department", "whj")
    form = export(office) / "systems-whj.xlsx"
    done = corrected(form, gone="门户网站")
    real = trail.write

    def failing(*arguments: Any) -> Any:
        if where == "commit":
            real(*arguments)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("auditor.ledger.trail.write", failing)
        assert office.run("register", "import", str(done), *TAKE) == 3
    assert status(office)["R2026-0001"]["state"] == "open"
    left = [p for p in (office.root / "registers" / "returned").rglob("*") if p.is_file()]
    assert left == []
    assert office.run("check") == 0
    office.do("register", "import", str(done), *TAKE)
    assert status(office)["R2026-0001"]["state"] == "answered"


def test_after_a_crash_between_files_and_ledger_the_same_file_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the machine had gone down: the form lies among the registers, and the request is open."""
    office.do(*ASK, "--department", "whj")
    form = export(office) / "systems-whj.xlsx"
    done = corrected(form, gone="门户网站")
    with monkeypatch.context() as patched:
        patched.setattr("auditor.ledger.trail.write", lambda *_: (_ for _ in ()).throw(OSError(5, "gone")))
        patched.setattr("pathlib.Path.rename", lambda self, _target: self)
        patched.setattr("shutil.rmtree", lambda *_, **__: None)
        patched.setattr("inventories.registers.taking._place", _placed_without_rename)
        assert office.run("register", "import", str(done), *TAKE) == 3
    folder = office.root / "registers" / "returned" / "systems-whj"
    assert len(list(folder.iterdir())) == 1
    assert status(office)["R2026-0001"]["state"] == "open"
    office.do("register", "import", str(done), *TAKE)
    assert status(office)["R2026-0001"]["state"] == "answered"
    assert len(list(folder.iterdir())) == 1, "and not a second time"
    assert office.faults() == []


def _placed_without_rename(base: Path, day: Any, files: dict[str, bytes]) -> tuple[Path, None]:
    folder = base / f"0001-{day:%Y%m%d}"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder, None


def test_a_file_that_is_gone_counts_no_more(office: Office) -> None:
    office.do(*ASK, "--department", "whj")
    done = corrected(export(office) / "systems-whj.xlsx", cells={("图书馆系统", "批准文号"): "无"})
    office.do("register", "import", str(done), *TAKE)
    folder = office.root / "registers" / "returned"
    folder.rename(office.root.parent / "elsewhere")
    office.do("register", "status")
    assert "what whj answered for the register systems is not among the registers any more" in office.err
    office.do("register", "import", str(done), *TAKE)
    assert "R2026-0001 is answered" in office.err
    office.do("register", "status")
    assert "any more" not in office.err


def test_a_nil_return(office: Office) -> None:
    office.do(*ASK[:2], "--register", "机房", *ASK[4:], "--department", "whj")
    form = export(office) / "rooms-whj.xlsx"
    assert "0 rows of whj" in office.err
    take = ("register", "import", str(form), "--department", "whj", "--register", "rooms", *BY)
    assert office.run(*take) == 2
    assert "holds no row, which says nothing" in office.err
    office.do(*take, "--nil")
    row = status(office)["R2026-0001"]
    assert (row["state"], row["nil_return"]) == ("answered", True)
    office.do("register", "status")
    assert "nil return" in office.out


def test_which_request_it_answers(office: Office) -> None:
    office.do(*ASK, "--department", "wlj")
    office.do(*ASK[:4], "--period", "2027年度", *ASK[6:], "--department", "wlj")
    form = export(office, "--department", "whj", "--department", "wlj", "--register", "systems")
    assert sorted(p.name for p in form.iterdir()) == ["systems-whj.xlsx", "systems-wlj.xlsx"]
    said = office.refused("register", "import", str(form / "systems-whj.xlsx"), *TAKE)
    assert "whj was not asked for systems" in said
    mine = ("--department", "市文旅局", "--register", "信息系统", *BY)
    take = ("register", "import", str(form / "systems-wlj.xlsx"), *mine)
    said = office.refused(*take)
    assert "say which with --period" in said
    assert "R2026-0002: 2027年度" in said
    office.do(*take, "--period", "2027年度")
    assert [row["state"] for row in status(office).values()] == ["open", "answered"]
    assert "is the form of whj" in office.refused(
        "register", "import", str(form / "systems-whj.xlsx"), "--department", "wlj", "--register", "systems", *BY
    )


def test_what_is_never_written_over(office: Office) -> None:
    """A corrected form in the same folder must not be lost to the next export."""
    folder = export(office, "--department", "whj", "--register", "systems")
    (folder / "systems-whj.xlsx").write_bytes(b"corrected by hand")
    said = office.refused("register", "export", str(folder), "--department", "whj")
    assert "systems-whj.xlsx is there already" in said
    assert [p.name for p in folder.iterdir()] == ["systems-whj.xlsx"], "nothing at all is written"
    assert (folder / "systems-whj.xlsx").read_bytes() == b"corrected by hand"
    inside = office.root / "registers" / "forms"
    assert "would count as one" in office.refused("register", "export", str(inside), "--department", "whj")
    assert not inside.exists()
    assert "nobody was asked for anything" in office.refused("register", "export", str(folder / "x"))
    office.do("register", "export", str(folder / "all"), "--department", "jtj")
    names = {p.stem.partition("-")[0] for p in (folder / "all").iterdir()}
    assert names == {"clouds", "rooms", "projects", "systems", "hosts", "networks", "components", "assessments"}


def test_the_form_of_a_successor_holds_what_it_took_in(office: Office) -> None:
    how = ("--on", BEGIN.isoformat(), "--document", "文", *BY)
    office.do("department", "merge", "whj", "--into", "wlj", *how)
    office.do("department", "transfer", "JT-001", "--from", "jtj", "--to", "mzj", *how)
    folder = export(office, *(w for d in ("wlj", "jtj", "mzj") for w in ("--department", d)), "--register", "systems")
    assert "4 rows of wlj" in office.err
    assert "2 rows of mzj" in office.err
    sheet = openpyxl.load_workbook(folder / "systems-wlj.xlsx").worksheets[0]
    said = {tuple(str(c.value) for c in row if c.value) for row in sheet.iter_rows(min_row=4)}
    moved = [row for row in said if "图书馆系统" in row]
    assert moved[0][0] == "小市文化和旅游局"
    assert moved[0][-1] == "原属小市文化局"
    sheet = openpyxl.load_workbook(folder / "systems-jtj.xlsx").worksheets[0]
    assert "已划转至小市民政局" in {str(c.value) for row in sheet.iter_rows(min_row=4) for c in row}
    assert "name wlj" in office.refused("register", "export", str(folder / "x"), "--department", "whj")


def test_hostile_files(office: Office, tmp_path: Path) -> None:
    office.do(*ASK, "--department", "whj")
    for name, content in (("a.xlsx", b""), ("b.xlsx", b"PK" + b"\0" * 50), ("c.docx", b"x"), ("d\x1b[2J.xlsx", b"x")):
        (tmp_path / name).write_bytes(content)
        assert office.run("register", "import", str(tmp_path / name), *TAKE) == 2
        assert "\x1b" not in office.err
        assert "Traceback" not in office.err
    assert office.run("register", "import", str(tmp_path / "none.xlsx"), *TAKE) == 2
    assert office.run("register", "import", str(tmp_path), *TAKE) == 2
    assert status(office)["R2026-0001"]["state"] == "open"
    assert office.faults() == []


def test_what_an_answer_changed_is_kept_within_bounds(office: Office) -> None:
    office.do(*ASK, "--department", "whj")
    rows = [f"whj,WH-{n:04d},第{n}号系统,运行,自建机房,," for n in range(100, 400)]
    office.systems(*rows)
    form = export(office) / "systems-whj.xlsx"
    done = corrected(form, cells={(f"第{n}号系统", "部署位置"): "政务云" for n in range(100, 400)})
    office.do("register", "import", str(done), *TAKE)
    changes = status(office)["R2026-0001"]["changes"]
    assert changes["changed"] == 300
    assert len(changes["lines"]) == 201
    assert len(json.dumps(changes)) < 100_000


def test_late_is_late_and_counts(office: Office) -> None:
    office.do(*ASK, "--department", "whj")
    form = export(office) / "systems-whj.xlsx"
    office.go_to(BEGIN + timedelta(days=60))
    assert status(office)["R2026-0001"]["overdue"] is True
    office.do("register", "import", str(form), *TAKE)
    row = status(office)["R2026-0001"]
    assert (row["overdue"], row["answered_on"]) == (False, "2027-01-22")
    assert [row["changes"][name] for name in ("added", "changed", "removed")] == [0, 0, 0]

"""Returned forms that are taken in: they stand instead of the department's old rows, and nothing is lost."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from inventories.faults import Faults
from inventories.places import Places
from inventories.registers import (
    REGISTERS,
    Current,
    FormRow,
    RegisterResult,
    Returned,
    Taken,
    load_registers,
    read_current,
    read_returned,
    take_in,
    write_prefilled,
    write_quarantine,
)
from inventories.registers import taking as taking_module

NOW = dt.datetime(2026, 11, 24, 4, 0, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 23)
FIRST = 4
FILES = {
    "departments": "部门编号,部门名称\nmzj,示例市民政局\njtj,示例市交通运输局\n",
    "systems": "所属部门,系统名称,系统编号,系统状态,批准文号\n"
    "mzj,救助系统,MZ-1,在用,\nmzj,婚姻系统,MZ-2,在用,\nmzj,坏行,MZ-3,不好说,\njtj,公路系统,JT-1,在用,\n",
    "assessments": "系统编号,等保级别\nMZ-1,三级\nJT-1,二级\n",
    "submissions": "所属部门,登记表,收到日期,是否零报告\nmzj,systems,2026-01-05,\njtj,systems,2026-01-05,\n"
    "mzj,rooms,2026-01-05,是\n",
}


@pytest.fixture
def registers(tmp_path: Path) -> Path:
    folder = tmp_path / "registers"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def read(folder: Path) -> Current:
    return read_current(folder, places=Places([]), now=NOW)


def load(folder: Path) -> RegisterResult:
    return load_registers(folder, places=Places([]), now=NOW)


def back(
    now: Current,
    path: Path,
    rows: Sequence[dict[str, str]],
    register: str = "systems",
    whose: str = "mzj",
    **more: Any,
) -> Returned:
    """A form that a department filled with these rows."""
    filled = [FormRow({"department": whose, **row}) for row in rows]
    write_prefilled(REGISTERS[register], filled, now.departments[whose], path)
    return read_returned(path, register, whose, now, **more)


def take(folder: Path, tmp_path: Path, rows: Sequence[dict[str, str]], **more: Any) -> Taken:
    day = more.pop("day", DAY)
    return take_in(back(read(folder), tmp_path / "form.xlsx", rows, **more), folder, received_on=day)


def systems(result: RegisterResult) -> dict[str, tuple[str, str]]:
    """Code → name and place."""
    out = {}
    for seen in result.collection.observations:
        told = {fact.column: fact.value for fact in seen.facts}
        if seen.kind == "system" and "name" in told:
            out[str(told["code"])] = (str(told["name"]), seen.source)
    return out


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# --- taking in ----------------------------------------------------------------------------------------------


def test_a_return_stands_instead_of_the_departments_old_rows(registers: Path, tmp_path: Path) -> None:
    before = load(registers)
    assert set(systems(before)) == {"MZ-1", "MZ-2", "JT-1"}
    assert len(before.faults) == 1
    taken = take(registers, tmp_path, [{"name": "救助综合系统", "code": "MZ-1", "approval_no": "无"}])
    result = load(registers)
    place = "registers/returned/systems-mzj/0001-20261123/systems-mzj.csv"
    assert systems(result) == {
        "MZ-1": ("救助综合系统", f"{place}!4"),
        "JT-1": ("公路系统", "registers/systems.csv!5"),
    }
    # The old row's fault went with the row; and nothing went silently.
    assert result.faults == ()
    assert [str(note) for note in result.notes] == [
        f"registers/submissions.csv: passed over 1 row on systems of mzj: {place} stands instead",
        f"registers/systems.csv: passed over 3 rows on systems of mzj: {place} stands instead",
    ]
    assert (taken.rows, taken.nil, taken.replaced, taken.is_original) == (1, False, None, True)
    # The base file is as it was.
    assert (registers / "systems.csv").read_text(encoding="utf-8") == FILES["systems"]


def test_the_answer_counts_from_the_day_it_came(registers: Path, tmp_path: Path) -> None:
    now = read(registers)
    returned = back(now, tmp_path / "f.xlsx", [{"name": "救助系统", "code": "MZ-1", "approval_no": "无"}])
    taken = take_in(returned, registers, received_on=DAY, period="2026年", columns=("approval_no", "status"))
    result = load(registers)
    assert result.faults == ()
    (said,) = [s for s in result.collection.submissions if (s.department_id, s.register) == ("mzj", "systems")]
    assert (said.received_on, said.period, said.columns, said.nil_return) == (
        DAY,
        "2026年",
        ("approval_no", "status"),
        False,
    )
    assert said.digest == taken.digest == returned.digest
    assert hashlib.sha256((taken.folder / "systems-mzj.xlsx").read_bytes()).hexdigest() == taken.digest
    (seen,) = [o for o in result.collection.observations if "returned" in o.source and o.kind == "system"]
    assert seen.observed_at == dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    assert [fact.absent for fact in seen.facts if fact.column == "approval_no"] == [True]
    covered = {c.detail: c.scope for c in result.collection.coverage}
    assert covered["systems"] == ("jtj", "mzj")


def test_a_form_that_was_changed_afterwards_is_remarked_on(registers: Path, tmp_path: Path) -> None:
    taken = take(registers, tmp_path, [{"name": "救助系统", "code": "MZ-1"}])
    (taken.folder / "systems-mzj.xlsx").write_bytes(b"something else")
    assert any("no file of the register systems has this digest" in str(note) for note in load(registers).notes)


def test_a_later_return_replaces_an_earlier_one_and_both_are_kept(registers: Path, tmp_path: Path) -> None:
    first = take(registers, tmp_path, [{"name": "甲", "code": "MZ-1"}, {"name": "乙", "code": "MZ-2"}])
    kept = tree(first.folder)
    # The clock was set back: what counts is the order of taking in.
    second = take(registers, tmp_path, [{"name": "丙", "code": "MZ-2"}], day=dt.date(2026, 11, 1))
    assert (second.replaced, second.folder.name) == (first.folder, "0002-20261101")
    assert tree(first.folder) == kept
    assert {code: name for code, (name, _) in systems(load(registers)).items()} == {"MZ-2": "丙", "JT-1": "公路系统"}
    # What the site has now is what the next form is filled with and set against.
    now = read(registers)
    assert [row.cells["name"] for row in now.rows("systems", "mzj")] == ["丙"]
    again = back(now, tmp_path / "f.xlsx", [{"name": "丙", "code": "MZ-2"}])
    assert (bool(again.difference), again.difference.unchanged) == (False, 1)


def test_what_was_taken_in_reads_back_as_it_was_handed_in(registers: Path, tmp_path: Path) -> None:
    now = read(registers)
    path = tmp_path / "f.xlsx"
    write_prefilled(REGISTERS["projects"], [], now.departments["mzj"], path)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    assert isinstance(sheet, Worksheet)
    titles = [str(cell.value) for cell in sheet[3]]
    typed: dict[str, Any] = {
        "*所属部门": "民政局" if "民政局" in now.departments else "示例市民政局",
        "*项目名称": "=1+1",
        "项目编号": "0017",
        "项目预算（元）": 860000.5,
        "批准日期": dt.datetime(2024, 2, 5),
        "批准文号": "'@示发\n〔2024〕5号",
        "是否县级项目": True,
        "资金来源": "长" * 500,
    }
    for title, value in typed.items():
        sheet.cell(6, titles.index(title) + 1).value = value
    sheet.cell(6, titles.index("*项目名称") + 1).data_type = "s"
    book.save(path)
    returned = read_returned(path, "projects", "mzj", now)
    assert returned.faults == ()
    taken = take_in(returned, registers, received_on=DAY)
    (row,) = read(registers).rows("projects", "mzj")
    assert dict(row.cells) == dict(returned.rows[0].cells)
    # The same cell in the same place; and nothing that a spreadsheet would run.
    assert row.where.endswith("projects-mzj.csv!6")
    text = (taken.folder / "projects-mzj.csv").read_text(encoding="utf-8-sig")
    assert "\u200b=1+1" in text and ",=1+1" not in text


def test_a_nil_return_empties_the_register_of_the_department(registers: Path, tmp_path: Path) -> None:
    returned = back(read(registers), tmp_path / "form.xlsx", [{"name": "无"}])
    # What speaks of systems that are gone is told beforehand.
    told = "registers/assessments.csv!A2: no system 'MZ-1' stands in the systems register: did you mean 'JT-1'?"
    assert [str(fault) for fault in returned.consequences] == [told]
    taken = take_in(returned, registers, received_on=DAY)
    assert taken.nil and taken.rows == 0
    result = load(registers)
    assert [str(fault) for fault in result.faults] == [told]
    assert set(systems(result)) == {"JT-1"}
    (said,) = [s for s in result.collection.submissions if (s.department_id, s.register) == ("mzj", "systems")]
    assert said.nil_return
    # Said by somebody for it: the same.
    other = back(read(registers), tmp_path / "f.xlsx", [], whose="jtj", nil=True)
    assert take_in(other, registers, received_on=DAY).nil
    assert systems(load(registers)) == {}


def test_rows_after_a_nil_return_replace_it(registers: Path, tmp_path: Path) -> None:
    room = {"name": "民政局机房"}
    assert take(registers, tmp_path, [room], register="rooms").rows == 1
    result = load(registers)
    # The base file's nil return for the rooms is passed over, not held against the row.
    assert not [fault for fault in result.faults if "零报告" in str(fault)]
    assert [o.kind for o in result.collection.observations].count("room") == 1


def test_assessments_are_replaced_by_whose_system_they_are_of(registers: Path, tmp_path: Path) -> None:
    take(registers, tmp_path, [{"system_code": "MZ-1", "mlps_level": "2"}], register="assessments")
    result = load(registers)
    levels = {
        (o.department_id, str(f.value), o.source.rpartition("/")[2])
        for o in result.collection.observations
        for f in o.facts
        if f.column == "mlps_level"
    }
    assert levels == {("mzj", "2", "assessments-mzj.csv!4"), ("jtj", "2", "assessments.csv!3")}
    foreign = back(read(registers), tmp_path / "f.xlsx", [{"system_code": "JT-1"}], register="assessments")
    assert "the system at registers/systems.csv!5 is of jtj" in str(foreign.faults[0])


# --- what is not taken in -----------------------------------------------------------------------------------


def refused(returned: Returned, registers: Path, **more: Any) -> str:
    before = tree(registers)
    with pytest.raises(Faults) as error:
        take_in(returned, registers, **{"received_on": DAY, **more})
    assert tree(registers) == before
    return str(error.value)


def test_a_form_with_a_fault_is_not_taken_in(registers: Path, tmp_path: Path) -> None:
    now = read(registers)
    wrong = back(now, tmp_path / "f.xlsx", [{"name": "救助系统"}, {"name": "x", "status": "不好说"}])
    assert "f.xlsx!D5: 系统状态" in refused(wrong, registers)
    assert not (registers / "returned").exists()
    assert "holds no row" in refused(back(now, tmp_path / "f.xlsx", []), registers)
    assert "cannot be read" in refused(read_returned(tmp_path / "none.xlsx", "systems", "mzj", now), registers)


def test_the_day_and_the_columns_must_be_such(registers: Path, tmp_path: Path) -> None:
    returned = back(read(registers), tmp_path / "f.xlsx", [{"name": "救助系统"}])
    told = refused(returned, registers, received_on=dt.date(2026, 12, 1), columns=("status", "no such", "classified"))
    assert "2026-12-01 cannot be the day of receipt" in told
    assert "'no such' is no column of systems" in told
    assert "'classified'" in told
    assert "day of receipt" in refused(returned, registers, received_on=dt.date(1, 1, 1))


def test_nothing_classified_is_kept(registers: Path, tmp_path: Path) -> None:
    now = read(registers)
    path = tmp_path / "f.xlsx"
    back(now, path, [{"name": "救助系统", "code": "MZ-1"}, {"name": "机要系统", "code": "MZ-9"}])
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    assert isinstance(sheet, Worksheet)
    last = sheet.max_column + 1
    sheet.cell(3, last).value, sheet.cell(5, last).value = "密级", "机密"
    book.save(path)
    returned = read_returned(path, "systems", "mzj", now)
    taken = take_in(returned, registers, received_on=DAY)
    assert (taken.rows, taken.is_original) == (1, False)
    assert {path.name for path in taken.folder.iterdir()} == {"systems-mzj.csv", "submissions.csv"}
    assert not any("机要".encode() in content or b"MZ-9" in content for content in tree(registers).values())
    # The digest is of what is kept, and the registers agree with it.
    assert taken.digest == hashlib.sha256((taken.folder / "systems-mzj.csv").read_bytes()).hexdigest()
    result = load(registers)
    assert not [note for note in result.notes if "digest" in str(note)]
    assert result.dropped_classified == 0


def test_what_a_row_says_of_something_classified_is_not_kept_either(registers: Path, tmp_path: Path) -> None:
    with (registers / "systems.csv").open("w", encoding="utf-8") as stream:
        stream.write("所属部门,系统名称,系统编号,是否涉密\nmzj,救助系统,MZ-1,\nmzj,机要系统,MZ-9,是\n")
    now = read(registers)
    returned = back(now, tmp_path / "f.xlsx", [{"code": "H-1", "system_codes": "MZ-1、MZ-9"}], register="hosts")
    assert returned.faults == ()
    taken = take_in(returned, registers, received_on=DAY)
    assert not taken.is_original
    assert not any(b"MZ-9" in content for content in tree(taken.folder).values())


# --- whole or not at all ------------------------------------------------------------------------------------


def test_everything_is_its_owners_only(registers: Path, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        taken = take(registers, tmp_path, [{"name": "救助系统"}])
    finally:
        os.umask(old)
    folders = [taken.folder, taken.folder.parent, taken.folder.parent.parent]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in taken.folder.iterdir()} == {0o600}


@pytest.mark.parametrize("breaks", ["fdopen", "rename", "fsync"])
def test_a_failure_changes_nothing(
    registers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    first = take(registers, tmp_path, [{"name": "救助系统"}])
    returned = back(read(registers), tmp_path / "f.xlsx", [{"name": "别的系统"}])
    before = tree(registers)

    def full(*args: object, **more: object) -> Any:
        raise OSError(28, "No space left on device")

    if breaks == "rename":
        monkeypatch.setattr(Path, "rename", full)
    else:
        monkeypatch.setattr(taking_module.os, breaks, full)
    with pytest.raises(OSError, match="No space left"):
        take_in(returned, registers, received_on=DAY)
    monkeypatch.undo()
    assert tree(registers) == before
    assert [path.name for path in first.folder.parent.iterdir()] == [first.folder.name]


KILLED = """
import datetime as dt, os, signal, sys
from pathlib import Path
from inventories.places import Places
from inventories.registers import read_current, read_returned, take_in
folder, form, at = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
now = read_current(folder, places=Places([]), now=dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
returned = read_returned(form, "systems", "mzj", now)
plain, calls = os.fsync, 0
def fsync(handle):
    global calls
    calls += 1
    if calls == at:
        os.kill(os.getpid(), signal.SIGKILL)
    plain(handle)
os.fsync = fsync
take_in(returned, folder, received_on=dt.date(2026, 11, 23))
"""


def test_a_machine_that_goes_down_leaves_the_old_or_the_new(registers: Path, tmp_path: Path) -> None:
    take(registers, tmp_path, [{"name": "旧", "code": "MZ-1"}])
    back(read(registers), tmp_path / "f.xlsx", [{"name": "新", "code": "MZ-1"}])
    names = []
    for at in range(1, 7):
        command = [sys.executable, "-c", KILLED, str(registers), str(tmp_path / "f.xlsx"), str(at)]
        subprocess.run(command, check=False, timeout=60, cwd=Path(__file__).parents[2])
        result = load(registers)
        assert result.faults == ()
        names.append(systems(result)["MZ-1"][0])
    assert names == sorted(names, reverse=True)
    assert (names[0], names[-1]) == ("旧", "新")
    # What was left half done is cleared away by whoever comes next.
    folder = take(registers, tmp_path, [{"name": "最新", "code": "MZ-1"}]).folder.parent
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_two_who_take_in_at_once_get_two_numbers(registers: Path, tmp_path: Path) -> None:
    now = read(registers)
    forms = [back(now, tmp_path / f"f{i}.xlsx", [{"name": f"系统{i}"}]) for i in range(8)]
    taken: list[Taken] = []
    threads = [
        threading.Thread(target=lambda form=form: taken.append(take_in(form, registers, received_on=DAY)))
        for form in forms
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.folder.name for one in taken) == [f"{i:04d}-20261123" for i in range(1, 9)]
    replaced = {one.replaced for one in taken}
    assert len(replaced) == 8  # each but the first knows which one stood before it


def test_links_are_not_followed(registers: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    returned = back(read(registers), tmp_path / "f.xlsx", [{"name": "救助系统"}])
    (registers / "returned").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic link"):
        take_in(returned, registers, received_on=DAY)
    (registers / "returned").unlink()
    (registers / "returned").mkdir()
    (registers / "returned" / "systems-mzj").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic link"):
        take_in(returned, registers, received_on=DAY)
    assert list(elsewhere.iterdir()) == []
    assert "is no department's return" in told(load(registers))


# --- reading them -------------------------------------------------------------------------------------------


def told(result: RegisterResult) -> str:
    return "\n".join(str(fault) for fault in result.faults)


def test_folders_that_are_no_returns_are_faults(registers: Path, tmp_path: Path) -> None:
    taken = take(registers, tmp_path, [{"name": "救助系统", "code": "MZ-1"}])
    folder = registers / "returned"
    for name in ("notes", "departments-mzj", "systems-..", "systems-", "systems-mzj.csv", "rooms-mzj"):
        (folder / name).mkdir()
    (folder / "hosts-jtj").write_text("x")
    (folder / ".hidden").mkdir()
    (folder / "rooms-jtj" / "0001-20260101").mkdir(parents=True)
    (folder / "systems-gone").mkdir()
    (folder / "systems-gone" / "0001-20260101").mkdir()
    for file in taken.folder.iterdir():
        name = file.name.replace("-mzj", "-gone")
        (folder / "systems-gone" / "0001-20260101" / name).write_bytes(file.read_bytes())
    text = told(load(registers))
    for name in ("notes", "departments-mzj", "systems-..", "systems-", "hosts-jtj"):
        assert f"registers/returned/{name}: is no department's return" in text
    assert "registers/returned/rooms-mzj: holds no return" in text
    assert "registers/returned/systems-mzj.csv: holds no return" in text
    assert "registers/returned/rooms-jtj/0001-20260101/rooms-jtj.csv: cannot be read" in text
    assert "no department has the id 'gone', so that what it returned is not read" in text
    assert ".hidden" not in text
    assert set(systems(load(registers))) == {"MZ-1", "JT-1"}


def test_a_return_that_cannot_be_read_is_no_reason_to_go_back(registers: Path, tmp_path: Path) -> None:
    taken = take(registers, tmp_path, [{"name": "救助系统", "code": "MZ-1"}])
    (taken.folder / "systems-mzj.csv").write_bytes(b"\xff\xff\xff")
    result = load(registers)
    assert "systems-mzj.csv" in told(result)
    # Neither the old rows, which the department has corrected, nor the claim that it has none.
    assert set(systems(result)) == {"JT-1"}
    covered = {c.detail: c.scope for c in result.collection.coverage}
    assert covered["systems"] == ("jtj",)
    assert [f.scope for f in result.collection.failures] == [("systems", "mzj")]


def test_a_row_of_another_department_in_a_return_is_refused(registers: Path, tmp_path: Path) -> None:
    taken = take(registers, tmp_path, [{"name": "救助系统", "code": "MZ-1"}])
    path = taken.folder / "systems-mzj.csv"
    path.write_bytes(path.read_bytes().replace("mzj,救助系统".encode(), "jtj,救助系统".encode()))
    assert "the row is of jtj, and the form is that of mzj" in told(load(registers))
    assert "systems-mzj.csv.csv" in [p.name for p in write_quarantine(load(registers), tmp_path / "q")]


def test_a_city_of_returns_is_read_in_reasonable_time(registers: Path, tmp_path: Path) -> None:
    departments = [f"d{i}" for i in range(150)]
    lines = ["部门编号,部门名称", *(f"{d},部门{d}" for d in departments)]
    (registers / "departments.csv").write_text("\n".join(lines), encoding="utf-8")
    for name in ("systems", "assessments", "submissions"):
        (registers / f"{name}.csv").unlink()
    now = read(registers)
    one = back(now, tmp_path / "f.xlsx", [{"name": "系统"}], whose="d0")
    first = take_in(one, registers, received_on=DAY).folder
    for department in departments[1:]:
        copy = registers / "returned" / f"systems-{department}" / first.name
        copy.mkdir(parents=True)
        for file in first.iterdir():
            content = (
                file.read_bytes() if file.suffix == ".xlsx" else file.read_bytes().replace(b"d0", department.encode())
            )
            (copy / file.name.replace("-d0", f"-{department}")).write_bytes(content)
    started = dt.datetime.now(dt.UTC)
    result = load(registers)
    assert result.faults == ()
    assert len([o for o in result.collection.observations if o.kind == "system"]) == 150
    # A workbook each would take a process each.
    assert (dt.datetime.now(dt.UTC) - started).total_seconds() < 5

"""Forms that come back: what they change, what is wrong with them, and what they may not be."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from inventories.faults import Faults
from inventories.places import Places
from inventories.registers import (
    REGISTERS,
    Current,
    FormRow,
    Returned,
    difference_text,
    read_current,
    read_returned,
    write_prefilled,
)
from inventories.registers.difference import compare
from inventories.registers.forms import form_columns, write_form
from inventories.registers.returns import KEPT_BY_BUREAU

NOW = dt.datetime(2026, 11, 24, 4, 0, tzinfo=dt.UTC)
FIRST = 4
FILES = {
    "departments": "部门编号,部门名称,简称\nmzj,示例市民政局,民政局\njtj,示例市交通运输局,交通局\n",
    "systems": "所属部门,系统名称,系统编号,系统状态,投入运行日期,批准文号,部署位置\n"
    "mzj,救助系统,MZ-1,在用,2018-06-01,无,自建机房\n"
    "mzj,婚姻系统,MZ-2,在用,2019-03-01,示发〔2018〕9号,政务云\n"
    "mzj,养老系统,MZ-3,在用,,,\n"
    "jtj,公路系统,JT-1,在用,,,\n",
    "hosts": "所属部门,资产编号,IP地址,承载系统编号\nmzj,H-1,192.0.2.10,MZ-3\n",
    "assessments": "系统编号,等保级别,密评日期\nMZ-1,三级,无\nJT-1,二级,\n",
}
RETURNABLE = [name for name in REGISTERS if name not in KEPT_BY_BUREAU]


@pytest.fixture
def registers(tmp_path: Path) -> Path:
    folder = tmp_path / "registers"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def read(folder: Path) -> Current:
    return read_current(folder, places=Places([]), now=NOW)


@pytest.fixture
def now(registers: Path) -> Current:
    return read(registers)


Send = Callable[..., Returned]


@pytest.fixture
def send(now: Current, tmp_path: Path) -> Send:
    """Pre-fills a form, lets somebody work on its sheet, and reads it as it comes back."""

    def run(
        work: Callable[[Worksheet], object] = lambda sheet: None,
        register: str = "systems",
        whose: str = "mzj",
        **more: Any,
    ) -> Returned:
        path = tmp_path / "back.xlsx"
        write_prefilled(REGISTERS[register], now.rows(register, whose), now.departments[whose], path)
        book = openpyxl.load_workbook(path)
        sheet = book.worksheets[0]
        work(sheet)
        book.save(path)
        return read_returned(path, more.pop("as_register", register), more.pop("as_whose", whose), now, **more)

    return run


def put(sheet: Worksheet, row: int, **cells: object) -> None:
    names = [column.name for column in form_columns(REGISTERS["systems"])]
    for name, value in cells.items():
        sheet.cell(row, names.index(name) + 1).value = value  # type: ignore[assignment]


def faults(returned: Returned) -> str:
    return "\n".join(str(fault) for fault in returned.faults)


# --- what a form changes ------------------------------------------------------------------------------------


def test_a_form_sent_back_untouched_changes_nothing(send: Send) -> None:
    for register, rows in (("systems", 3), ("hosts", 1), ("assessments", 1)):
        back = send(register=register)
        assert back.faults == back.consequences == ()
        # An address that no zone of this site has is remarked on, as in any register.
        assert [note.what[:22] for note in back.notes] == (
            ["1 addresses lie in no z"[:22]] if register == "hosts" else []
        )
        assert not back.difference
        assert (back.difference.unchanged, len(back.rows), back.nil) == (rows, rows, False)


def test_added_changed_and_removed_rows(send: Send) -> None:
    def work(sheet: Worksheet) -> None:
        put(
            sheet,
            FIRST,
            name="救助综合系统",
            status="停用",
            approval_no="示发〔2026〕1号",
            hosting="自建机房、政务云",
        )
        put(sheet, FIRST + 3, department="民政局", name="殡葬系统", code="MZ-4")
        sheet.delete_rows(FIRST + 2)

    back = send(work)
    assert back.faults == ()
    d = back.difference
    assert [row.cells["code"] for row in d.added] == ["MZ-4"]
    assert [row.cells["code"] for row in d.removed] == ["MZ-3"]
    assert d.unchanged == 1
    (changed,) = d.changed
    assert [(c.title, c.before, c.after) for c in changed.changes] == [
        ("系统名称", "救助系统", "救助综合系统"),
        ("系统状态", "运行", "停用"),
        ("批准文号", "无", "示发〔2026〕1号"),
        ("部署位置", "自建机房", "自建机房、政务云"),
    ]
    # What else speaks of the system that is gone is told.
    assert [fault.where for fault in back.consequences] == ["registers/hosts.csv!D2"]
    text = difference_text(d, whose="示例市民政局")
    assert text.splitlines() == [
        "信息系统登记表（示例市民政局）：新增1行，修改1行，删除1行，未变1行。",
        "修改　第4行“救助综合系统”（MZ-1）：系统名称由“救助系统”改为“救助综合系统”；系统状态由“运行”改为“停用”；"
        "批准文号由“无”改为“示发〔2026〕1号”；部署位置由“自建机房”改为“自建机房、政务云”",
        "新增　第6行“殡葬系统”（MZ-4）",
        "删除　“养老系统”（MZ-3）（原登记于systems.csv第4行）",
    ]
    whole = json.loads(json.dumps(d.as_json()))
    assert whole["changed"][0]["changes"][1] == {
        "column": "status",
        "title": "系统状态",
        "before": "运行",
        "after": "停用",
    }
    assert whole["removed"][0]["where"] == "registers/systems.csv!4"
    assert whole["added"][0]["cells"] == {"系统名称": "殡葬系统", "系统编号": "MZ-4"}
    summary = d.summary(most=1)
    assert (summary["added"], summary["changed"], summary["removed"]) == (1, 1, 1)
    lines = summary["lines"]
    assert isinstance(lines, list) and lines[-1] == "……另有2行"


def test_the_digest_is_that_of_the_file(send: Send, tmp_path: Path) -> None:
    back = send()
    assert back.digest == hashlib.sha256((tmp_path / "back.xlsx").read_bytes()).hexdigest()


def test_a_cleared_cell_is_no_answer_of_none(send: Send) -> None:
    back = send(lambda sheet: (put(sheet, FIRST, approval_no=None), put(sheet, FIRST + 1, approval_no="无")))
    told = {row.after.cells["code"]: [(c.before, c.after) for c in row.changes] for row in back.difference.changed}
    assert told == {"MZ-1": [("无", "")], "MZ-2": [("示发〔2018〕9号", "无")]}
    assert "批准文号由“无”改为空白" in difference_text(back.difference)


def test_moved_and_extra_columns_change_nothing(send: Send) -> None:
    def work(sheet: Worksheet) -> None:
        sheet.move_range(f"B1:B{sheet.max_row}", cols=80)
        sheet.cell(3, 90).value = "本局自用栏"
        sheet.cell(FIRST, 90).value = "x"

    back = send(work)
    assert back.faults == ()
    assert not back.difference
    assert "not known and its column ignored" in str(back.notes[0])


def test_a_deleted_column_is_told_of_before_it_clears_anything(send: Send) -> None:
    at = [column.name for column in form_columns(REGISTERS["systems"])].index("status") + 1
    back = send(lambda sheet: sheet.delete_cols(at))
    assert back.faults == ()
    assert any("the column 系统状态 is gone, and with it what stood there in 3 rows" in str(n) for n in back.notes)
    assert [[c.after for c in row.changes] for row in back.difference.changed] == [[""]] * 3
    needed = send(lambda sheet: sheet.delete_cols(2))
    assert "has no heading '系统名称'" in faults(needed)
    assert (needed.rows, bool(needed.difference)) == ((), False)


def test_merged_cells_are_filled(send: Send) -> None:
    def work(sheet: Worksheet) -> None:
        sheet.merge_cells(start_row=FIRST, start_column=1, end_row=FIRST + 2, end_column=1)
        assert sheet.cell(FIRST + 1, 1).value is None

    assert not send(work).difference


def test_formulas_give_their_values_and_nothing_else(send: Send, tmp_path: Path, now: Current) -> None:
    import xlsxwriter

    path = tmp_path / "formula.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["所属部门", "系统名称", "系统编号", "系统状态"])
    sheet.write_row(1, 0, ["mzj", "", "MZ-1", "运行"])
    sheet.write_formula(1, 1, '="救助"&"新系统"', value="救助新系统")
    sheet.write_row(2, 0, ["mzj", "婚姻系统", "MZ-2"])
    sheet.write_formula(2, 3, "=NOW()", value="")
    book.close()
    back = read_returned(path, "systems", "mzj", now)
    assert back.faults == ()
    assert [row.cells["name"] for row in back.rows] == ["救助新系统", "婚姻系统"]


# --- what is wrong with a form ------------------------------------------------------------------------------


def test_every_fault_at_once_each_with_its_cell(send: Send) -> None:
    def work(sheet: Worksheet) -> None:
        put(sheet, FIRST, go_live_on="哪天", status="不好说")
        put(sheet, FIRST + 1, name=None)
        put(sheet, FIRST + 3, department="示例市交通运输局", name="公路系统")
        put(sheet, FIRST + 4, department="没有这个局", name="x")
        put(sheet, FIRST + 5, department="mzj", name="抢号系统", code="JT-1")

    back = send(work)
    places = sorted(fault.where for fault in back.faults)
    assert places == ["back.xlsx!A7", "back.xlsx!A8", "back.xlsx!B5", "back.xlsx!C9", "back.xlsx!D4", "back.xlsx!E4"]
    assert "the row is of jtj, and the form is that of mzj" in faults(back)
    assert "'JT-1' is already that of registers/systems.csv!C5" in faults(back)
    # What has errors is not said to be gone.
    assert [row.cells["code"] for row in back.difference.unclear] == ["MZ-1", "MZ-2"]
    assert back.difference.removed == ()
    assert "另有2行因填报有误不能比对" in difference_text(back.difference)


@pytest.mark.parametrize("register", RETURNABLE)
def test_every_register_knows_its_own_form(now: Current, tmp_path: Path, register: str) -> None:
    path = write_form(REGISTERS[register], tmp_path / "f.xlsx")
    assert read_returned(path, register, "jtj", now, nil=True).faults == ()
    for other in RETURNABLE:
        if other != register:
            assert f"is the form {REGISTERS[register].form_title}" in faults(read_returned(path, other, "jtj", now))


def test_a_form_of_another_register_without_its_title(send: Send) -> None:
    back = send(lambda sheet: sheet.delete_rows(1), register="assessments", as_register="systems")
    assert "looks like the form 等保密评登记表 (assessments), and 信息系统登记表 was asked for" in faults(back)


def test_a_form_of_another_department(send: Send) -> None:
    assert "is the form of jtj, not of mzj" in faults(send(whose="jtj", as_whose="mzj"))
    # Also an empty one, and one whose title is gone.
    empty = send(lambda sheet: sheet.delete_rows(FIRST, 9), whose="jtj", as_whose="mzj", nil=True)
    assert "is the form of jtj" in faults(empty)
    assert empty.nil is False
    untitled = send(lambda sheet: sheet.delete_rows(1), whose="jtj", as_whose="mzj")
    assert "the row is of jtj, and the form is that of mzj" in faults(untitled)


def test_classified_rows_are_dropped_and_counted(send: Send) -> None:
    def work(sheet: Worksheet) -> None:
        last = sheet.max_column + 1
        sheet.cell(3, last).value = "是否涉密"
        sheet.cell(FIRST + 2, last).value = "是"
        put(sheet, FIRST + 2, name="机要系统", code="MZ-9")

    back = send(work)
    assert back.faults == ()
    assert back.dropped_classified == 1
    assert "机要" not in repr(back)
    assert [row.cells["code"] for row in back.rows] == ["MZ-1", "MZ-2"]


def test_a_row_about_something_classified_goes_too(registers: Path, tmp_path: Path) -> None:
    with (registers / "systems.csv").open("a", encoding="utf-8") as stream:
        stream.write("")
    (registers / "clouds.csv").write_text(
        "所属部门,云平台名称,云平台编号,是否涉密\nmzj,机要云,C-9,是\n", encoding="utf-8"
    )
    (registers / "hosts.csv").write_text("所属部门,资产编号\nmzj,H-1\n", encoding="utf-8")
    now = read(registers)
    path = tmp_path / "back.xlsx"
    rows = [
        FormRow({"department": "mzj", "name": "机要云", "code": "C-9"}),
        FormRow({"department": "mzj", "name": "公开云"}),
    ]
    write_prefilled(REGISTERS["clouds"], rows, now.departments["mzj"], path)
    back = read_returned(path, "clouds", "mzj", now)
    assert (back.dropped_classified, [row.cells["name"] for row in back.rows]) == (1, ["公开云"])


# --- nil returns --------------------------------------------------------------------------------------------


def test_an_empty_form_says_nothing(send: Send) -> None:
    back = send(lambda sheet: sheet.delete_rows(FIRST, 9))
    assert "holds no row, which says nothing" in faults(back)
    assert back.nil is False


def test_a_nil_return_is_said_in_words(send: Send) -> None:
    def work(sheet: Worksheet) -> None:
        sheet.delete_rows(FIRST, 9)
        put(sheet, FIRST, department="民政局", name="无")

    back = send(work)
    assert (back.faults, back.nil, back.rows) == ((), True, ())
    assert len(back.difference.removed) == 3
    said = send(lambda sheet: sheet.delete_rows(FIRST, 9), nil=True)
    assert (said.faults, said.nil) == ((), True)


def test_a_nil_return_with_rows_is_a_contradiction(send: Send) -> None:
    assert "is said to be a nil return" in faults(send(nil=True))
    assert "is said to be a nil return" in faults(send(lambda sheet: put(sheet, FIRST + 4, name="无")))


# --- hostile files ------------------------------------------------------------------------------------------


def bomb(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"x" * (300 << 20))
    return path


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (bomb, "refused as a zip bomb"),
        (lambda path: path.write_bytes(b"PK\x03\x04 no"), "no whole .xlsx workbook"),
        (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + b"Workbook".decode().encode("utf-16-le")), "workbook"),
        (lambda path: None, "cannot be read"),
        (lambda path: path.mkdir(), "is no regular file"),
    ],
)
def test_a_file_that_is_no_form(now: Current, tmp_path: Path, make: Callable[[Path], object], told: str) -> None:
    make(tmp_path / "bad.xlsx")
    back = read_returned(tmp_path / "bad.xlsx", "systems", "mzj", now)
    assert told in faults(back)
    assert (back.rows, bool(back.difference), back.source) == ((), False, None)


def test_only_workbooks_are_forms(now: Current, registers: Path) -> None:
    assert "is no .xlsx workbook" in faults(read_returned(registers / "systems.csv", "systems", "mzj", now))


def test_two_sheets_with_tables(send: Send) -> None:
    def work(sheet: Worksheet) -> None:
        other = sheet.parent.create_sheet("又一张")  # type: ignore[union-attr]
        other.append(["所属部门", "系统名称"])
        other.append(["mzj", "藏起来的系统"])

    assert "has tables on several sheets" in faults(send(work))


@pytest.mark.parametrize("department", ["../../etc", "", "mzj/../jtj", "mzj\n", "示例市民政局"])
def test_a_department_is_named_by_its_id(now: Current, tmp_path: Path, department: str) -> None:
    with pytest.raises(Faults, match="no department has the id"):
        read_returned(tmp_path / "x.xlsx", "systems", department, now)


def test_texts_from_outside_are_shown_safely(send: Send) -> None:
    back = send(lambda sheet: put(sheet, FIRST, name="救助\u202e系统" + "长" * 150, functions="=cmd|' /C calc'!A0"))
    text = difference_text(back.difference)
    assert "\\u202e" in text and "\u202e" not in text
    assert max(map(len, text.splitlines())) < 400


def test_a_long_form(now: Current, tmp_path: Path) -> None:
    number = 20_000
    rows = [
        FormRow({"department": "mzj", "name": f"系统{i}", "code": f"M-{i}", "status": "运行", "approval_no": "无"})
        for i in range(number)
    ]
    path = tmp_path / "long.xlsx"
    started = time.monotonic()
    write_prefilled(REGISTERS["systems"], rows, now.departments["mzj"], path)
    back = read_returned(path, "systems", "mzj", now)
    assert (back.faults, len(back.difference.added), len(back.difference.removed)) == ((), number, 3)
    assert len(difference_text(back.difference).splitlines()) == 502
    assert time.monotonic() - started < 60


# --- comparing ----------------------------------------------------------------------------------------------

ROW = st.builds(
    lambda **cells: FormRow({name: text for name, text in cells.items() if text}),
    code=st.sampled_from(["", "1", "2", "3"]),
    name=st.sampled_from(["", "a", "b", "c"]),
    status=st.sampled_from(["", "运行", "停用"]),
).filter(lambda row: bool(row.cells))


@given(st.lists(ROW, max_size=8), st.lists(ROW, max_size=8))
@settings(max_examples=200, deadline=None)
def test_every_row_is_accounted_for_once(before: list[FormRow], after: list[FormRow]) -> None:
    d = compare(REGISTERS["systems"], before, after)
    assert len(d.added) + len(d.changed) + d.unchanged == len(after)
    assert len(d.removed) + len(d.changed) + d.unchanged == len(before)
    same = compare(REGISTERS["systems"], before, before)
    assert (bool(same), same.unchanged) == (False, len(before))


def test_rows_without_code_and_name_are_told_apart_by_what_they_are(now: Current) -> None:
    one = {"category": "数据库", "product": "DM8", "version": "8.1", "system_code": "MZ-1"}
    before = [FormRow(one), FormRow({**one, "system_code": "MZ-2"}), FormRow({**one, "system_code": "MZ-2"})]
    after = [FormRow({**one, "version": "8.2"}), FormRow({**one, "system_code": "MZ-2"})]
    d = compare(REGISTERS["components"], before, after)
    assert [[c.after for c in row.changes] for row in d.changed] == [["8.2"]]
    assert (len(d.removed), len(d.added), d.unchanged) == (1, 0, 1)
    hosts = compare(
        REGISTERS["hosts"], [FormRow({"ips": "10.0.0.1", "model": "a"})], [FormRow({"ips": "10.0.0.1", "model": "b"})]
    )
    assert [c.title for row in hosts.changed for c in row.changes] == ["设备型号"]
    # A new number for a thing of the same name is a change, not another thing.
    renumbered = compare(
        REGISTERS["systems"], [FormRow({"name": "a", "code": "1"})], [FormRow({"name": "a", "code": "2"})]
    )
    assert [(c.before, c.after) for row in renumbered.changed for c in row.changes] == [("1", "2")]


def test_a_list_in_another_order_is_the_same_list() -> None:
    one, other = (FormRow({"name": "a", "addresses": text}) for text in ("10.0.0.1、10.0.0.2", "10.0.0.2、10.0.0.1"))
    assert not compare(REGISTERS["systems"], [one], [other])

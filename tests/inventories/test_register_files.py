"""Files: encodings, delimiters, headings, merged cells, and everything that can be wrong with a workbook."""

from __future__ import annotations

import datetime as dt
import io
import os
import random
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from inventories.faults import Faults
from inventories.registers import workbook
from inventories.registers.declare import CLASSIFIED, REGISTERS, by_title
from inventories.registers.delimited import decode, read_delimited
from inventories.registers.files import find_files, read_file, register_of
from inventories.registers.headings import column_named, find_headings, match
from inventories.registers.mappings import read_mappings
from inventories.registers.tables import Grid, Table, fill_merged, letters
from inventories.registers.words import key
from inventories.registers.workbook import read_workbook

SYSTEMS, ROOMS, PROJECTS = REGISTERS["systems"], REGISTERS["rooms"], REGISTERS["projects"]
CFB = bytes.fromhex("d0cf11e0a1b11ae1")


def fault_of(call: Any, *arguments: Any) -> str:
    with pytest.raises(Faults) as caught:
        call(*arguments)
    assert len(caught.value.faults) == 1
    return str(caught.value.faults[0])


def book(rows: list[list[Any]], merge: tuple[str, ...] = (), **sheets: list[list[Any]]) -> bytes:
    made = openpyxl.Workbook()
    assert made.active is not None
    for name, content in {"台账": rows, **sheets}.items():
        sheet = made.active if name == "台账" else made.create_sheet(name)
        sheet.title = name
        for row in content:
            sheet.append(row)
        for area in merge if name == "台账" else ():
            sheet.merge_cells(area)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def repacked(data: bytes, **parts: bytes) -> bytes:
    """The same archive with some parts replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename not in parts:
                new.writestr(entry.filename, old.read(entry))
        for name, content in parts.items():
            new.writestr(name, content)
    return out.getvalue()


def first(data: bytes, register: str = "systems") -> Table:
    table = find_headings(read_workbook(data, "r/x.xlsx")[0], REGISTERS[register])
    assert table is not None
    return table


# --- text ------------------------------------------------------------------------------------------------------

CSV = "所属部门,系统名称,批准文号\r\n民政局,救助系统,无\r\n"


@pytest.mark.parametrize(
    "data",
    [
        CSV.encode(),
        CSV.encode("utf-8-sig"),
        CSV.encode("gb18030"),
        CSV.encode("utf-16"),
        CSV.replace(",", "\t").encode(),
        CSV.replace(",", ";").encode("gb18030"),
        CSV.replace("\r\n", "\n").encode(),
        ("信息系统台账,,\r\n填报单位：民政局,,\r\n" + CSV).encode(),
        ("sep=,\r\n" + CSV).encode(),
    ],
    ids=["utf-8", "bom", "gb18030", "utf-16", "tab", "semicolon", "unix", "titles", "sep"],
)
def test_csv_in_every_usual_form(data: bytes) -> None:
    table = read_delimited(data, "r/systems.csv", SYSTEMS)
    assert table.headings == ("所属部门", "系统名称", "批准文号")
    assert [row.cells for row in table.rows] == [("民政局", "救助系统", "无")]


def test_gb18030_beyond_gbk() -> None:
    assert decode("㐂𠮷〔2017〕".encode("gb18030"), "x") == "㐂𠮷〔2017〕"


def test_places_count_rows_as_a_spreadsheet_shows_them() -> None:
    text = '台账\n\n所属部门,系统名称,功能\n民政局,甲,"两\n行"\n\n民政局,乙,\n'
    table = read_delimited(text.encode(), "r/systems.csv", SYSTEMS)
    assert [table.where(row) for row in table.rows] == ["r/systems.csv!4", "r/systems.csv!6"]
    assert table.where(table.rows[1], 1) == "r/systems.csv!B6"
    assert table.where_heading(2) == "r/systems.csv!C3"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xff\xff", "is neither UTF-8 nor GB18030 text"),
        (b"a,b\0c\n", "is neither UTF-8 nor GB18030 text"),
        (b"PK\x03\x04xx", "is a workbook, not a CSV file: name it .xlsx"),
        (CFB, "is a workbook, not a CSV file"),
        (b"", "has no row of headings"),
        ("甲,乙,丙\n1,2,3\n".encode(), "has no row of headings: start from the blank form 信息系统登记表"),
        (
            '所属部门,系统名称\n民政局,"甲\n民政局,乙\n'.encode(),
            "is no CSV: unexpected end of data: check the quotes",
        ),
        ((CSV + "x" * 200_000 + ",a,b\n").encode(), "is no CSV: field larger than field limit"),
        ((CSV + "," * 400 + "\n").encode(), "r/systems.csv!3: has more than 300 columns"),
    ],
)
def test_what_is_no_csv(data: bytes, words: str) -> None:
    assert words in fault_of(read_delimited, data, "r/systems.csv", SYSTEMS)


def test_rows_are_bounded() -> None:
    data = ("所属部门,系统名称\n" + "a,b\n" * 100_001).encode()
    assert "has more than 100000 rows" in fault_of(read_delimited, data, "r/systems.csv", SYSTEMS)


# --- headings --------------------------------------------------------------------------------------------------


def columns(*headings: str, register: str = "systems", above: tuple[str, ...] = ()) -> dict[str, str]:
    table = Table("r/x.xlsx", headings, [], 3, above)
    return {table.headings[i]: c.name for i, c in match(table, REGISTERS[register]).columns.items()}


@pytest.mark.parametrize(
    "heading",
    [
        "系统名称",
        "*系统名称",
        "系统名称*",
        "＊系统名称：",
        " 系 统\n名 称 ",
        "系统名称（必填）",
        "系统名称(全称)",
        "【系统名称】",
        "1.系统名称",
        "二、系统名称",
        "信息系统名称",
        "应用系统名称",
        "name",
        "NAME",
    ],
)
def test_a_heading_in_its_usual_variants(heading: str) -> None:
    assert columns("所属部门", heading)[heading] == "name"


def test_a_heading_under_a_group_heading() -> None:
    found = columns("部门", "系统名称", "级别", "备案编号", above=("部门", "系统名称", "等保", "等保"))
    assert found == {"部门": "department", "系统名称": "name", "级别": "mlps_level", "备案编号": "mlps_filing_no"}


def test_units_in_headings() -> None:
    table = Table("x", ("部门", "项目名称", "项目预算（万元）", "质保期（年）", "验收日期（必填）"), [], 1)
    matching = match(table, PROJECTS)
    assert {matching.columns[i].name: str(f) for i, f in matching.factors.items()} == {
        "budget": "10000",
        "warranty_months": "12",
    }
    assert not matching.faults


def test_an_unknown_unit_is_a_fault_and_its_column_is_not_read() -> None:
    matching = match(Table("r/rooms.xlsx", ("部门", "机房名称", "面积（亩）"), [], 2), ROOMS)
    assert [str(f) for f in matching.faults] == [
        "r/rooms.xlsx!C2: the unit '亩' of 面积 is not known and the column ignored: give the figures in ㎡"
    ]
    assert matching.usable
    assert "area" not in matching.index


def test_unknown_headings_are_remarks_and_form_noise_is_not() -> None:
    matching = match(Table("r/x.xlsx", ("序号", "部门", "系统名称", "批准文呺", "备注"), [], 1), SYSTEMS)
    assert [str(note) for note in matching.notes] == [
        "r/x.xlsx!D1: the heading '批准文呺' is not known and its column ignored: did you mean '批准文号'?"
    ]
    assert not matching.faults


def test_missing_and_doubled_headings_are_faults_of_the_file() -> None:
    missing = match(Table("r/x.xlsx", ("系统名称", "批准文号"), [], 2), SYSTEMS)
    assert [str(f) for f in missing.faults] == ["r/x.xlsx!2: has no heading '所属部门' or '部门编号': add the column"]
    assert not missing.usable
    doubled = match(Table("r/x.xlsx", ("部门", "系统名称", "批准文号", "审批文号"), [], 1), SYSTEMS)
    assert [str(f) for f in doubled.faults] == [
        "r/x.xlsx!D1: the headings '批准文号' and '审批文号' both mean 批准文号: keep one of them"
    ]
    assert not doubled.usable


def test_a_department_may_be_given_by_id_and_name() -> None:
    assert columns("部门编号", "部门名称", "系统名称") == {
        "部门编号": "department_id",
        "部门名称": "department",
        "系统名称": "name",
    }


def test_every_heading_means_one_column() -> None:
    for register in REGISTERS.values():
        seen: dict[str, str] = {}
        for column in (*register.columns, CLASSIFIED):
            for heading in (column.title, column.name, *column.headings):
                assert seen.setdefault(key(heading), column.name) == column.name, (register.name, heading)
                assert column is CLASSIFIED or column_named(register, heading) is column


def test_titles_of_registers() -> None:
    assert by_title("信息系统登记表") is SYSTEMS
    assert by_title("机房台账") is ROOMS
    assert by_title("systems") is SYSTEMS
    assert by_title("月球") is None


# --- workbooks -------------------------------------------------------------------------------------------------


def test_merged_cells_are_filled_from_their_first_cell() -> None:
    rows: list[list[Any]] = [
        ["示例市信息系统台账", None, None, None, None],
        ["填报日期：2026年1月", None, None, None, None],
        ["部门", "系统名称", "等保", None, "建成日期"],
        [None, None, "级别", "备案编号", None],
        ["民政局", "甲系统", 3, "A-1", dt.date(2020, 5, 1)],
        [None, "乙系统", "无", None, None],
        [None, "丙系统", None, None, None],
        ["财政局", "丁系统", 2, "B-1", None],
    ]
    table = first(book(rows, ("A1:E1", "A2:E2", "A3:A4", "B3:B4", "C3:D3", "E3:E4", "A5:A7", "C6:D6")))
    assert table.heading_row == 4
    assert table.headings == ("部门", "系统名称", "级别", "备案编号", "建成日期")
    assert table.above[2:4] == ("等保", "等保")
    assert [row.cells[0] for row in table.rows] == ["民政局", "民政局", "民政局", "财政局"]
    assert table.rows[1].cells[2:4] == ("无", "无")
    assert table.rows[0].cells[4] == dt.date(2020, 5, 1)
    assert {c.name for c in match(table, SYSTEMS).columns.values()} == {
        "department",
        "name",
        "mlps_level",
        "mlps_filing_no",
        "built_on",
    }


def test_a_table_that_does_not_start_in_the_corner_keeps_its_places() -> None:
    made = openpyxl.Workbook()
    assert made.active is not None
    for place, value in {
        "C5": "部门",
        "D5": "系统名称",
        "C6": "民政局",
        "D6": "甲",
        "C8": "民政局",
        "D8": "乙",
    }.items():
        made.active[place] = value
    made.active.merge_cells("C6:C7")
    out = io.BytesIO()
    made.save(out)
    table = first(out.getvalue())
    assert table.where_heading(2) == "r/x.xlsx!C5"
    # D7 is empty, and stays so although its department was merged over it.
    assert [table.where(row, 3) for row in table.rows] == ["r/x.xlsx!D6", "r/x.xlsx!D8"]
    assert table.rows[0].cells[2:] == ("民政局", "甲")


def test_a_month_typed_into_a_spreadsheet_stays_a_month() -> None:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(["部门", "系统名称", "建成日期"])
    formats = [
        'yyyy"年"m"月"',
        "yyyy-mm",
        "mmm-yy",
        'yyyy"年"',
        'yyyy"年"m"月"d"日"',
        "yyyy-mm-dd",
        "[$-804]yyyy/m;@",
    ]
    for number_format in formats:
        sheet.append(["民政局", "甲", dt.datetime(2024, 2, 1)])
        sheet.cell(sheet.max_row, 3).number_format = number_format
    sheet.append(["民政局", "甲", dt.datetime(2024, 2, 5)])
    sheet.cell(sheet.max_row, 3).number_format = 'yyyy"年"m"月"'
    out = io.BytesIO()
    made.save(out)
    month, day = "2024年2月", dt.date(2024, 2, 1)
    read = [row.cells[2] for row in first(out.getvalue()).rows]
    assert read == [month, month, month, month, day, day, month, dt.date(2024, 2, 5)]


def test_a_book_that_counts_from_1904() -> None:
    made = openpyxl.Workbook()
    made.epoch = CALENDAR_MAC_1904
    assert made.active is not None
    made.active.append(["部门", "系统名称", "建成日期"])
    made.active.append(["民政局", "甲", dt.date(2024, 2, 5)])
    out = io.BytesIO()
    made.save(out)
    table = first(out.getvalue())
    assert table.from_1904
    assert table.rows[0].cells[2] == dt.date(2024, 2, 5)


def test_other_sheets() -> None:
    head = ["部门", "系统名称"]
    data = book(
        [head, ["民政局", "甲"]], 交通=[head, ["交通局", "乙"]], 填表说明=[["系统名称", "部门"]], 草稿=[["随便"]]
    )
    grids = read_workbook(data, "r/systems.xlsx")
    assert [grid.shown for grid in grids] == ["r/systems.xlsx", "r/systems.xlsx!交通", "r/systems.xlsx!草稿"]


def test_hidden_sheets_are_not_read() -> None:
    made = openpyxl.Workbook()
    assert made.active is not None
    made.active.append(["部门", "系统名称"])
    made.create_sheet("旧").sheet_state = "hidden"
    made.create_sheet("更旧").sheet_state = "veryHidden"
    out = io.BytesIO()
    made.save(out)
    assert len(read_workbook(out.getvalue(), "x")) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (CFB + bytes(504) + "EncryptedPackage".encode("utf-16-le"), "is protected by a password: save it without"),
        (
            CFB + bytes(504) + "Workbook".encode("utf-16-le"),
            "is a workbook in the old .xls format: open it and save it as .xlsx",
        ),
        (CFB + bytes(504), "is no .xlsx workbook"),
        (b"", "is no whole .xlsx workbook"),
        (b"<html><table></table></html>", "is no whole .xlsx workbook"),
        (b"PK\x03\x04" + bytes(300), "is no whole .xlsx workbook"),
        (book([["部门"]])[:-40], "is no whole .xlsx workbook"),
        (repacked(book([["部门"]]), **{"content.xml": b"<x/>"}), "is no .xlsx workbook"),
        (
            repacked(book([["部门"]]), **{"xl/workbook.xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>"}),
            "no workbook has: xl/workbook.xml",
        ),
        (repacked(book([["部门"]]), **{"xl/workbook.xml": "<x/>".encode("utf-16")}), "no workbook has"),
        (repacked(book([["部门"]]), **{"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row"}), "cannot be read"),
    ],
)
def test_what_is_no_workbook(data: bytes, words: str) -> None:
    assert words in fault_of(read_workbook, data, "r/x.xlsx")


def test_a_damaged_byte_is_found() -> None:
    data = bytearray(book([["部门", "系统名称"], *([f"部门{i}", f"系统{i}"] for i in range(500))]))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        entry = archive.getinfo("xl/worksheets/sheet1.xml")
    data[entry.header_offset + 30 + len(entry.filename) + entry.compress_size // 2] ^= 0xFF
    assert "is no whole .xlsx workbook" in fault_of(read_workbook, bytes(data), "x")


def bomb(unpacked: int, declared: int) -> bytes:
    """A book whose sheet unpacks to ``unpacked`` bytes, and whose directory and local header say ``declared``."""
    data = repacked(book([["部门"]]), **{"xl/worksheets/sheet1.xml": b" " * unpacked})
    size = unpacked.to_bytes(4, "little")
    assert data.count(size) == 2
    return data.replace(size, declared.to_bytes(4, "little"))


def test_a_zip_bomb_is_refused_by_what_it_declares() -> None:
    assert "refused as a zip bomb" in fault_of(read_workbook, bomb(1_234_567, 300 << 20), "x")


def test_a_zip_bomb_within_the_size_limit_is_refused_by_its_ratio() -> None:
    assert "refused as a zip bomb" in fault_of(read_workbook, bomb(7_654_321, 7_654_321), "x")


def test_a_zip_bomb_that_lies_about_its_size_is_never_unpacked() -> None:
    assert "is no whole .xlsx workbook" in fault_of(read_workbook, bomb(7_654_321, 100), "x")


def test_many_small_parts_are_refused() -> None:
    many = repacked(book([["部门"]]), **{f"xl/worksheets/sheet{i}x.xml": b"<x/>" for i in range(2100)})
    assert "refused as a zip bomb" in fault_of(read_workbook, many, "x")


def test_the_budget_holds_while_unpacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MAX_UNPACKED", 1500)
    monkeypatch.setattr(workbook, "_check_entries", lambda entries, shown: list(entries))
    assert "refused as a zip bomb" in fault_of(read_workbook, book([["部门"]]), "x")


def test_an_encrypted_archive_is_a_protected_book() -> None:
    data = bytearray(book([["部门"]]))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as archive:
        assert archive.infolist()
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    assert "is protected by a password: save it without" in fault_of(read_workbook, bytes(data), "x")


def test_a_value_in_the_last_cell_costs_a_fault_and_no_memory() -> None:
    made = openpyxl.Workbook()
    assert made.active is not None
    made.active.append(["部门", "系统名称"])
    made.active["XFD1048576"] = "x"
    out = io.BytesIO()
    made.save(out)
    assert "asks for more memory" in fault_of(read_workbook, out.getvalue(), "r/x.xlsx")


def test_too_many_rows_or_columns_are_named() -> None:
    made = openpyxl.Workbook()
    assert made.active is not None
    made.active["A1048576"] = "x"
    out = io.BytesIO()
    made.save(out)
    assert "has 1048576 rows and 1 columns, more than 100000 and 300" in fault_of(read_workbook, out.getvalue(), "x")


def test_one_long_text_used_everywhere_is_refused() -> None:
    cells = b"".join(b'<row r="%d">%s</row>' % (i, b'<c t="s"><v>0</v></c>' * 100) for i in range(1, 101))
    space = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    data = repacked(
        book([["部门"]]),
        **{
            "xl/sharedStrings.xml": b"<sst %s><si><t>%s</t></si></sst>" % (space, b"x" * 32_000),
            "xl/worksheets/sheet1.xml": b"<worksheet %s><sheetData>%s</sheetData></worksheet>" % (space, cells),
        },
    )
    assert len(data) < 1 << 16
    found = fault_of(read_workbook, data, "x")
    assert "more than 67108864 characters" in found or "asks for more memory" in found


def test_formats_alone_below_the_table_are_no_rows() -> None:
    made = openpyxl.Workbook()
    assert made.active is not None
    made.active.append(["部门", "系统名称"])
    made.active.append(["民政局", "甲"])
    made.active["A200000"].number_format = "@"
    out = io.BytesIO()
    made.save(out)
    assert len(first(out.getvalue()).rows) == 1


def test_overlapping_merges_without_end_are_refused() -> None:
    grid: list[list[Any]] = [["x"] * 50 for _ in range(1000)]
    assert not fill_merged(grid, [(0, 0, 999, 49)] * 100)
    assert fill_merged([["a", ""], ["", ""]], [(0, 0, 1_048_575, 16_383), (9, 9, 10, 10)])


def test_random_damage_never_raises_anything_but_faults() -> None:
    data = book([["部门", "系统名称"], ["民政局", "甲"]])
    rng = random.Random(7)
    for _ in range(60):
        bad = bytearray(data)
        for _ in range(rng.randint(1, 12)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        try:
            read_workbook(bytes(bad), "x")
        except Faults as error:
            assert error.faults


# --- yaml ------------------------------------------------------------------------------------------------------


def test_yaml_rows_keep_their_lines() -> None:
    text = "- 部门: 民政局\n  系统名称: 甲\n  IP地址: [10.1.1.5, 10.1.1.6]\n"
    text += "- 部门: 民政局\n  系统名称: 乙\n  建成日期: 2024-02-05\n"
    table = read_mappings(text.encode(), "r/systems.yaml")
    assert table.headings == ("部门", "系统名称", "IP地址", "建成日期")
    assert table.rows[0].cells == ("民政局", "甲", ["10.1.1.5", "10.1.1.6"], None)
    assert table.rows[1].cells[3] == dt.date(2024, 2, 5)
    assert table.where(table.rows[1]) == "r/systems.yaml:4:3"
    assert table.where(table.rows[1], 3) == "r/systems.yaml:6:9"
    assert table.where(table.rows[0], 3) == "r/systems.yaml:1:3"
    assert table.where_heading(3) == "r/systems.yaml:6:9"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\n", "r/x.yaml:1:1: is no list"),
        ("- 1\n", "r/x.yaml:1:3: is no mapping"),
        ("- 部门: {a: 1}\n", "r/x.yaml:1:7: is a mapping"),
        ("- 部门: [[1]]\n", "r/x.yaml:1:7: is nested too deep"),
        ("- 部门: a\n  部门: b\n", "r/x.yaml:2:3: the key '部门' stands twice"),
        ("- &a 部门: a\n", "anchors and aliases are not allowed"),
    ],
)
def test_yaml_that_is_no_register(text: str, words: str) -> None:
    assert words in fault_of(read_mappings, text.encode(), "r/x.yaml")


def test_an_empty_yaml_register() -> None:
    assert read_mappings(b"", "x").rows == []


# --- folders ---------------------------------------------------------------------------------------------------


def test_which_files_are_registers(tmp_path: Path) -> None:
    names = (
        "systems.csv",
        "systems-民政局.xlsx",
        "systems_2.yaml",
        "rooms.xls",
        "机房台账.xlsx",
        "sytems.csv",
        "README.md",
        ".hidden.csv",
        "~$systems.xlsx",
        "systemsofold.csv",
    )
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "systems-folder").mkdir()
    found = {path.name: str(fault) if fault else "" for path, fault in find_files(tmp_path, "r")}
    assert found == {
        "rooms.xls": "r/rooms.xls: is a .xls workbook and not read: open it and save it as .xlsx",
        "systems-民政局.xlsx": "",
        "systems.csv": "",
        "systems_2.yaml": "",
        "systemsofold.csv": "r/systemsofold.csv: belongs to no register and is not read: did you mean 'systems'?",
        "sytems.csv": "r/sytems.csv: belongs to no register and is not read: did you mean 'systems'?",
        "机房台账.xlsx": "r/机房台账.xlsx: belongs to no register and is not read: name it rooms-….xlsx",
    }
    assert register_of("systems-2") is SYSTEMS
    assert register_of("systemsofold") is None


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    found = list(find_files(tmp_path / "none", "registers"))
    assert "registers: cannot be read: No such file" in str(found[0][1])


def test_a_pipe_is_no_register(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "systems.csv")
    assert "is no regular file" in fault_of(read_file, tmp_path / "systems.csv", SYSTEMS, "r/systems.csv")


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "systems.csv"
    with path.open("wb") as stream:
        stream.truncate(33 << 20)
    assert "is larger than 32 MiB" in fault_of(read_file, path, SYSTEMS, "r/systems.csv")


def test_letters() -> None:
    assert [letters(i) for i in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_a_heading_row_too_far_down_is_not_found() -> None:
    cells: list[list[Any]] = [["x"]] * 30 + [["部门", "系统名称"]]
    assert find_headings(Grid("x", cells), SYSTEMS) is None

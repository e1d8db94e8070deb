"""Blank forms: what is filled into them comes back as what it was."""

from __future__ import annotations

import datetime as dt
import shutil
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from inventories.faults import Faults
from inventories.kinds import Column, Type
from inventories.model import Value
from inventories.places import Places
from inventories.registers import (
    REGISTERS,
    Current,
    FormRow,
    Register,
    RegisterResult,
    load_registers,
    read_current,
    write_forms,
    write_prefilled,
)
from inventories.registers import prefilled as prefilled_module
from inventories.registers.cells import read_cell
from inventories.registers.declare import CLASSIFIED, DEPARTMENT_CODE
from inventories.registers.errors import CellError
from inventories.registers.forms import FORM_ROWS, HELP_SHEET, REMARK, form_columns, heading, write_form
from inventories.registers.prefilled import as_read, typed

NOW = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
FIRST = 4


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "forms"
    write_forms(folder)
    return folder


def sheet_of(path: Path) -> tuple[openpyxl.Workbook, Worksheet]:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    assert isinstance(sheet, Worksheet)
    return book, sheet


def fill(forms: Path, registers: Path, register: str, *rows: dict[str, Any]) -> None:
    """Types rows (column → cell) into a form, as a person does."""
    book, sheet = sheet_of(forms / f"{register}.xlsx")
    names = [column.name for column in form_columns(REGISTERS[register])]
    for i, row in enumerate(rows):
        for name, value in row.items():
            sheet.cell(FIRST + i, names.index(name) + 1).value = value
    registers.mkdir(exist_ok=True)
    book.save(registers / f"{register}.xlsx")


def load(registers: Path) -> RegisterResult:
    return load_registers(registers, places=Places([]), now=NOW)


def sample(column: Column) -> tuple[Any, Value]:
    """What a person types into a column, and what it means."""
    special: dict[str, tuple[Any, Value]] = {
        "department": ("民政局", None),
        "ips": ("192.0.2.10、192.0.2.11", ("192.0.2.10", "192.0.2.11")),
        "addresses": ("192.0.2.10", ("192.0.2.10",)),
        "prefixes": ("192.0.2.0/28", ("192.0.2.0/28",)),
        "macs": ("00-1B-21-AA-BB-CC", ("00:1b:21:aa:bb:cc",)),
        "hardware_uuid": ("4C4C4544-0051-3510-8052-B4C04F4A3132", "4c4c4544-0051-3510-8052-b4c04f4a3132"),
        "region": ("140800", "140800"),
        "mlps_level": ("三级", 3),
        "budget_spent_ratio": ("85%", 0.85),
        "change_ratio": ("5%", 0.05),
    }
    if column.name in special:
        return special[column.name]
    if column.values:
        code, labels = next(iter(column.values.items()))
        return labels[0], (code,) if column.type is Type.TEXTS else code
    typed: dict[Type, tuple[Any, Value]] = {
        Type.BOOLEAN: ("是", True),
        Type.DATE: ("2024年2月5日", dt.date(2024, 2, 5)),
        Type.INTEGER: ("1,200", 1200),
        Type.NUMBER: ("30.5", 30.5),
        Type.TEXTS: (f"{column.title}甲、{column.title}乙", (f"{column.title}甲", f"{column.title}乙")),
        Type.TEXT: (column.title, column.title),
    }
    return typed[column.type]


def test_one_owner_only_form_for_every_register(forms: Path) -> None:
    assert sorted(path.name for path in forms.iterdir()) == sorted(f"{name}.xlsx" for name in REGISTERS)
    assert {path.stat().st_mode & 0o777 for path in forms.iterdir()} == {0o600}
    assert forms.stat().st_mode & 0o777 == 0o700


def test_the_same_declarations_give_the_same_forms(forms: Path, tmp_path: Path) -> None:
    for path in write_forms(tmp_path):
        assert path.read_bytes() == (forms / path.name).read_bytes()


def test_writing_again_replaces_and_follows_no_link(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "systems.xlsx").symlink_to(precious)
    write_forms(tmp_path / "forms")
    assert precious.read_text() == "mine"
    assert not (tmp_path / "forms" / "systems.xlsx").is_symlink()


def test_a_blank_form_is_an_empty_register(forms: Path, tmp_path: Path) -> None:
    registers = tmp_path / "registers"
    shutil.copytree(forms, registers)
    fill(forms, registers, "departments", {"department_id": "mzj", "name": "民政局"})
    result = load(registers)
    assert result.faults == ()
    assert result.notes == ()
    assert [o.kind for o in result.collection.observations] == ["department"]


@pytest.mark.parametrize("name", [r.name for r in REGISTERS.values() if r.kind and r.name != "assessments"])
def test_every_column_of_a_filled_form_reads_back(forms: Path, tmp_path: Path, name: str) -> None:
    register = REGISTERS[name]
    registers = tmp_path / "registers"
    samples = {column.name: sample(column) for column in form_columns(register)}
    if name == "departments":
        samples |= {"department_id": ("mzj", "mzj"), "parent_id": ("mzj", "mzj")}
    else:
        fill(forms, registers, "departments", {"department_id": "mzj", "name": "民政局"})
    fill(forms, registers, name, {column: typed for column, (typed, _) in samples.items()})
    result = load(registers)
    assert result.faults == ()
    (observation,) = [o for o in result.collection.observations if f"/{name}.xlsx" in o.source]
    assert {fact.column: fact.value for fact in observation.facts} == {
        column: meant for column, (_, meant) in samples.items() if column != "department"
    }
    assert observation.department_id == "mzj"
    assert observation.source == f"registers/{name}.xlsx!{FIRST}"


def test_a_filled_city_reads_back(forms: Path, tmp_path: Path) -> None:
    registers = tmp_path / "registers"
    fill(forms, registers, "departments", {"department_id": "mzj", "name": "民政局", "level_of_government": "市级"})
    fill(forms, registers, "systems", {"department": "民政局", "name": "救助系统", "approval_no": "无"})
    fill(
        forms,
        registers,
        "assessments",
        {"system_name": "救助系统", "department": "mzj", "mlps_assessed_on": "无", "mlps_level": 3},
    )
    fill(
        forms,
        registers,
        "exemptions",
        {
            "department": "民政局",
            "asset_name": "救助系统",
            "rules": "p/r",
            "legal_basis": "同步改造",
            "approver": "分管领导",
            "document": "纪要8号",
            "valid_from": "2026-01-01",
            "valid_to": dt.date(2026, 12, 31),
        },
    )
    fill(
        forms,
        registers,
        "submissions",
        {"department": "民政局", "register": "信息系统登记表", "received_on": "2026.1.6", "nil_return": "否"},
    )
    result = load(registers)
    assert result.faults == ()
    assert [o.kind for o in result.collection.observations] == ["department", "system", "system"]
    absent = {f.column for o in result.collection.observations for f in o.facts if f.absent}
    assert absent == {"approval_no", "mlps_assessed_on"}
    assert result.collection.waivers[0].valid_to == dt.date(2026, 12, 31)
    assert result.collection.submissions[0].register == "systems"


def test_a_month_typed_into_a_form_stays_a_month(forms: Path, tmp_path: Path) -> None:
    # The cells are text, so that a spreadsheet cannot turn the month into its first day.
    _, sheet = sheet_of(forms / "systems.xlsx")
    names = [column.name for column in form_columns(REGISTERS["systems"])]
    place = openpyxl.utils.get_column_letter(names.index("built_on") + 1)
    assert sheet.column_dimensions[place].width > 8
    fill(forms, tmp_path / "r", "departments", {"department_id": "mzj", "name": "民政局"})
    fill(forms, tmp_path / "r", "systems", {"department": "mzj", "name": "甲", "built_on": "2024年2月"})
    result = load(tmp_path / "r")
    assert "names no day" in str(result.notes[0])
    assert "built_on" not in {f.column for o in result.collection.observations for f in o.facts}


@pytest.mark.parametrize("register", REGISTERS.values(), ids=lambda r: r.name)
def test_what_a_form_offers(forms: Path, register: Register) -> None:
    book, sheet = sheet_of(forms / f"{register.name}.xlsx")
    columns = form_columns(register)
    assert sheet["A1"].value == register.form_title
    assert [cell.value for cell in sheet[3]] == [heading(register, column) for column in columns]
    assert sheet.freeze_panes
    assert book.sheetnames[1] == HELP_SHEET
    assert book["选项"].sheet_state == "hidden"
    # Nobody is invited to hand in what must not be handed in, and a department is asked for once.
    assert not {CLASSIFIED.name, DEPARTMENT_CODE.name} & {c.name for c in columns if register.name != "departments"}
    rules = {
        str(rule.sqref).split(":")[0].rstrip("0123456789"): rule for rule in sheet.data_validations.dataValidation
    }
    for i, column in enumerate(columns, 1):
        rule = rules.get(openpyxl.utils.get_column_letter(i))
        if column.type is Type.BOOLEAN:
            assert rule is not None and rule.formula1 == '"是,否"'
        elif column.values:
            assert rule is not None and rule.type == "list"
            assert rule.errorStyle in ((None, "stop") if column.type is Type.TEXT else ("information",))
        elif column.type is Type.DATE:
            assert rule is not None and rule.type == "custom"
        else:
            assert rule is None
        if rule is not None:
            assert str(rule.sqref).endswith(str(FIRST + FORM_ROWS - 1))


def test_long_lists_stand_on_their_own_sheet(forms: Path) -> None:
    book, sheet = sheet_of(forms / "departments.xlsx")
    names = [column.name for column in form_columns(REGISTERS["departments"])]
    labels = [labels[0] for labels in REGISTERS["departments"].by_name["sector"].values.values()]
    at = names.index("sector") + 1
    assert [book["选项"].cell(2 + i, at).value for i in range(len(labels))] == labels
    assert sheet.max_row == 3


def test_a_missing_paper_can_be_chosen(forms: Path) -> None:
    _, sheet = sheet_of(forms / "assessments.xlsx")
    lists = [str(rule.formula1) for rule in sheet.data_validations.dataValidation if rule.type == "list"]
    assert any("不符合" in offered and "无" in offered.split(",")[-1] for offered in lists)


def test_the_help_sheet_tells_every_column(forms: Path) -> None:
    for register in REGISTERS.values():
        book = openpyxl.load_workbook(forms / f"{register.name}.xlsx")
        told = {str(row[0]) for row in book[HELP_SHEET].iter_rows(values_only=True)}
        assert {column.title for column in form_columns(register)} <= told
        assert any("涉密" in text for text in told)


# --- forms with a department's own rows ---------------------------------------------------------------------

DEPARTMENTS = "部门编号,部门名称\nmzj,示例市民政局\njtj,示例市交通运输局\n"


def current(folder: Path, **files: str) -> Current:
    """The registers of a folder, files by the name of their register."""
    folder.mkdir(exist_ok=True)
    for name, text in {"departments": DEPARTMENTS, **files}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return read_current(folder, places=Places([]), now=NOW)


def prefilled(now: Current, register: str, department: str, path: Path, **more: Any) -> Worksheet:
    rows = now.rows(register, department)
    write_prefilled(REGISTERS[register], rows, now.departments[department], path, **more)
    return sheet_of(path)[1]


def cells(sheet: Worksheet) -> list[dict[str, Any]]:
    titles = [str(cell.value) for cell in sheet[3]]
    rows = sheet.iter_rows(min_row=FIRST, values_only=True)
    return [{t: v for t, v in zip(titles, row, strict=False) if v is not None} for row in rows]


def test_a_department_gets_its_own_rows_and_no_others(tmp_path: Path) -> None:
    now = current(
        tmp_path / "r",
        systems="所属部门,系统名称,系统编号,系统状态,批准文号,投入运行日期,部署位置,等保级别\n"
        "mzj,救助系统,0017,在用,无,2024年2月5日,自有机房,三级\n"
        "示例市交通运输局,公路系统,JT-1,在用,,,,\n"
        "mzj,婚姻系统,MZ-2,,,,政务云、自建机房,\n",
    )
    sheet = prefilled(now, "systems", "mzj", tmp_path / "f.xlsx")
    assert sheet["A1"].value == "信息系统登记表（示例市民政局）"
    assert cells(sheet) == [
        {
            "*所属部门": "示例市民政局",
            "*系统名称": "救助系统",
            "系统编号": "0017",
            "系统状态": "运行",
            "批准文号": "无",
            "投入运行日期": "2024-02-05",
            "部署位置": "自建机房",
            "等保级别": "3",
        },
        {"*所属部门": "示例市民政局", "*系统名称": "婚姻系统", "系统编号": "MZ-2", "部署位置": "政务云、自建机房"},
    ]
    # As the blank form: text, which keeps its zeros, with the same choices.
    assert {cell.number_format for row in sheet.iter_rows(min_row=FIRST) for cell in row if cell.value} == {"@"}
    blank = sheet_of(write_form(REGISTERS["systems"], tmp_path / "blank.xlsx"))[1]
    assert [cell.value for cell in sheet[3]] == [cell.value for cell in blank[3]]
    ours, theirs = (
        [(str(rule.sqref), rule.formula1) for rule in one.data_validations.dataValidation] for one in (sheet, blank)
    )
    assert ours == theirs
    assert (tmp_path / "f.xlsx").stat().st_mode & 0o777 == 0o600


def test_what_was_seen_or_refused_or_classified_is_not_a_departments_word(tmp_path: Path) -> None:
    now = current(
        tmp_path / "r",
        systems="所属部门,系统名称,系统编号,是否涉密,投入运行日期\n"
        "mzj,救助系统,MZ-1,,2024-02-05\nmzj,机要系统,MZ-9,是,\nmzj,婚姻系统,MZ-2,,哪天\n",
        hosts="所属部门,资产编号,承载系统编号\nmzj,H-1,MZ-1、MZ-9\nmzj,H-2,MZ-9\n",
    )
    sheet = prefilled(now, "systems", "mzj", tmp_path / "f.xlsx")
    rows = cells(sheet)
    # What was refused comes back in its own words, to be mended.
    assert [row["*系统名称"] for row in rows] == ["救助系统", "婚姻系统"]
    assert (rows[1]["投入运行日期"], rows[1][REMARK]) == ("哪天", "本行登记有误，未被采用，请核对后更正")
    assert REMARK not in rows[0]
    hosts = prefilled(now, "hosts", "mzj", tmp_path / "h.xlsx")
    assert [row["承载系统编号"] for row in cells(hosts)] == ["MZ-1"]
    for path in (tmp_path / "f.xlsx", tmp_path / "h.xlsx"):
        with zipfile.ZipFile(path) as archive:
            assert not any(
                "机要".encode() in archive.read(name) or b"MZ-9" in archive.read(name) for name in archive.namelist()
            )


def test_a_refused_figure_keeps_the_unit_of_its_own_heading(tmp_path: Path) -> None:
    now = current(tmp_path / "r", projects="所属部门,项目名称,项目预算（万元）,批准日期\nmzj,养老二期,86,哪天\n")
    (row,) = now.rows("projects", "mzj")
    assert row.cells["budget"] == "86万元"
    assert prefilled(now, "projects", "mzj", tmp_path / "f.xlsx")["A1"].value == "信息化项目登记表（示例市民政局）"


def test_columns_that_are_asked_for_stand_out(tmp_path: Path) -> None:
    now = current(tmp_path / "r", systems="所属部门,系统名称\nmzj,救助系统\n")
    sheet = prefilled(now, "systems", "mzj", tmp_path / "f.xlsx", asked=("status", "hosting"))
    fills = {str(cell.value): cell.fill.fgColor.rgb for cell in sheet[3]}
    assert fills["系统状态"] == fills["部署位置"] != fills["系统编号"]


def test_a_department_whose_name_another_has_too_is_named_by_its_id(tmp_path: Path) -> None:
    now = current(
        tmp_path / "r",
        departments="部门编号,部门名称\na,民政局\nb,民政局\n",
        systems="部门编号,系统名称\na,救助系统\nb,救助系统\n",
    )
    (row,) = now.rows("systems", "a")
    assert row.cells["department"] == "a"


NASTY = (
    "=cmd|' /C calc'!A0",
    "+1",
    "-2",
    "@x",
    '=HYPERLINK("http://x","y")',
    "<r><t>x</t></r>",
    "<r></r></is><f>1</f></r>",
)


@pytest.mark.parametrize("text", NASTY)
def test_no_cell_of_a_prefilled_form_is_a_formula(tmp_path: Path, text: str) -> None:
    quoted = text.replace('"', '""')
    now = current(
        tmp_path / "r",
        departments=f'部门编号,部门名称\nmzj,"{quoted}"\n',
        systems=f'部门编号,系统名称,系统功能简介\nmzj,"{quoted}","{quoted}"\n',
    )
    sheet = prefilled(now, "systems", "mzj", tmp_path / "f.xlsx")
    assert cells(sheet)[0]["*系统名称"].strip() == text
    for row in sheet.iter_rows():
        for cell in row:
            assert cell.data_type != "f"
            assert cell.hyperlink is None
    with zipfile.ZipFile(tmp_path / "f.xlsx") as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("name", ["departments", "submissions", "exemptions", "../systems", "no such"])
def test_registers_that_no_department_fills_are_refused(tmp_path: Path, name: str) -> None:
    now = current(tmp_path / "r", systems="所属部门,系统名称\nmzj,救助系统\n")
    with pytest.raises(Faults, match="no register that departments fill"):
        now.rows(name, "mzj")
    with pytest.raises(Faults, match="no department has the id"):
        now.rows("systems", "../../etc")


def test_a_failed_form_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = current(tmp_path / "r", systems="所属部门,系统名称\nmzj,救助系统\n")
    path = tmp_path / "f.xlsx"
    path.write_text("old")
    broken: Any = [FormRow({"name": None})]  # type: ignore[dict-item]
    with pytest.raises(AttributeError):
        write_prefilled(REGISTERS["systems"], broken, now.departments["mzj"], path)
    assert path.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.xlsx", "r"]
    monkeypatch.setattr(prefilled_module, "MOST_ROWS", 0)
    with pytest.raises(Faults, match="1 rows in systems"):
        write_prefilled(REGISTERS["systems"], now.rows("systems", "mzj"), now.departments["mzj"], path)
    with pytest.raises(OSError, match="No such file"):
        write_form(REGISTERS["systems"], tmp_path / "none" / "f.xlsx")


@given(st.sampled_from([c for r in REGISTERS.values() for c in r.columns]), st.data())
@settings(max_examples=300, deadline=None)
def test_what_a_form_is_filled_with_reads_back_as_it_was(column: Column, data: st.DataObject) -> None:
    word = data.draw(
        st.text(max_size=12)
        | st.sampled_from(["无", "是", "三级", "12.5", "1,200", "3万元", "2024-02-05", "10.1.1.5、10.1.1.6", "85%"])
        | st.sampled_from([label for labels in column.values.values() for label in labels] or ["甲、乙"])
        | st.floats(0, 1e9).map(repr)
    )
    try:
        cell = read_cell(word, column)
    except CellError:
        return
    text = typed(column, cell)
    again = read_cell(text, column)
    assert (again.value, again.absent) == (cell.value, cell.absent)
    assert as_read(column, text) == text

"""Blank forms: what is filled into them comes back as what it was."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from inventories.kinds import Column, Type
from inventories.model import Value
from inventories.places import Places
from inventories.registers import REGISTERS, Register, RegisterResult, load_registers, write_forms
from inventories.registers.declare import CLASSIFIED, DEPARTMENT_CODE
from inventories.registers.forms import FORM_ROWS, HELP_SHEET, form_columns, heading

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

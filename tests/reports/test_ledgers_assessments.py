"""等保密评台账: until when papers stand; what is missing and what nobody told are two things."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from policies import mlps
from policies.lists.model import after_years
from reports.ledger_terms import after_months, assessment, cryptography, filing, filing_ends
from reports.ledgers import write_ledger
from reports.model import AuditView

TODAY = date(2026, 11, 22)
DAYS = st.dates(date(2015, 1, 1), date(2032, 12, 31))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "不明"),
        ({"mlps_filing_absent": False}, "不明"),
        ({"mlps_filing_absent": True}, "未备案"),
        ({"mlps_filing_absent": True, "mlps_level": 1}, "不适用"),
        ({"mlps_filing_no": "14080000001-00001"}, "已备案，有效期不明"),
        ({"mlps_filed_on": date(2025, 6, 1)}, "已备案，有效期不明"),
        ({"mlps_filed_on": date(2025, 6, 1), "mlps_assessment_absent": True}, "有效"),
        ({"mlps_valid_to": TODAY + timedelta(91)}, "有效"),
        ({"mlps_valid_to": TODAY + timedelta(90)}, "90日内到期"),
        ({"mlps_valid_to": TODAY + timedelta(61)}, "90日内到期"),
        ({"mlps_valid_to": TODAY + timedelta(60)}, "60日内到期"),
        ({"mlps_valid_to": TODAY + timedelta(30)}, "30日内到期"),
        ({"mlps_valid_to": TODAY}, "30日内到期"),
        # What is printed has passed, and assessments since may have extended it: nobody is told that it ran out.
        ({"mlps_valid_to": TODAY - timedelta(1)}, "登记有效期已过"),
        ({"mlps_filed_on": date(2021, 6, 1), "mlps_assessment_absent": True}, "有效"),
        (
            {"mlps_filed_on": date(2020, 1, 1), "mlps_valid_to": date(2023, 1, 1), "mlps_assessment_absent": True},
            "登记有效期已过",
        ),
        # ISO text, as a program's output has it.
        ({"mlps_valid_to": "2027-01-15"}, "60日内到期"),
        ({"mlps_valid_to": "soon"}, "不明"),
    ],
)
def test_the_standing_of_a_filing(values: dict[str, object], word: str) -> None:
    assert filing(values, TODAY).word == word


def test_a_filing_runs_out_once_no_assessment_can_save_it() -> None:
    values = {"mlps_filed_on": date(2025, 1, 1), "mlps_assessment_absent": True}
    assert filing(values, date(2027, 12, 31)).word == "30日内到期"
    assert filing(values, date(2028, 1, 1)).word == "已到期"


@given(st.none() | DAYS, st.none() | DAYS, st.none() | DAYS, st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_filing_ends_when_the_rules_say_so(
    filed: date | None, printed: date | None, assessed: date | None, never: bool
) -> None:
    given_ = {
        "mlps_filed_on": filed,
        "mlps_valid_to": printed,
        "mlps_assessed_on": assessed,
    }
    columns = {
        name: f"CAST({f'DATE {chr(39)}{day}{chr(39)}' if day else 'NULL'} AS DATE)" for name, day in given_.items()
    }
    columns["mlps_assessment_absent"] = str(never).upper()
    (found,) = duckdb.execute(f"SELECT {mlps.expires_sql(columns.__getitem__)}").fetchone() or (None,)
    assert filing_ends(filed, printed, assessed, never=never) == found


@given(DAYS, st.integers(1, 120))
@settings(max_examples=60, deadline=None)
def test_months_are_counted_as_the_rules_count_them(day: date, months: int) -> None:
    found = duckdb.execute(f"SELECT CAST(DATE '{day}' + to_months({months}) AS DATE)").fetchone()
    assert found == (after_months(day, months),)
    assert after_months(day, 12) == after_years(day, 1)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "不明"),
        ({"mlps_level": 1}, "不适用"),
        ({"mlps_assessment_absent": True, "mlps_level": 3}, "未测评"),
        ({"mlps_assessed_on": date(2026, 1, 1)}, "已测评，级别不明"),
        ({"mlps_assessed_on": date(2025, 12, 22), "mlps_level": 3}, "30日内到期"),
        ({"mlps_assessed_on": date(2025, 11, 21), "mlps_level": 3}, "已到期"),
        ({"mlps_assessed_on": date(2025, 11, 21), "mlps_level": 2}, "有效"),
        ({"mlps_assessed_on": date(2025, 11, 21), "mlps_level": 9}, "已测评，级别不明"),
        ({"mlps_assessed_on": date(2025, 11, 21), "mlps_level": True}, "已测评，级别不明"),
    ],
)
def test_the_standing_of_an_assessment(values: dict[str, object], word: str) -> None:
    assert assessment(values, TODAY, {}).word == word


def test_a_sites_own_intervals_count() -> None:
    values = {"mlps_assessed_on": date(2026, 4, 22), "mlps_level": 4, "crypto_assessed_on": date(2026, 1, 1)}
    assert assessment(values, TODAY, {}).word == "有效"
    assert assessment(values, TODAY, {"mlps_level4_months": 6}).word == "已到期"
    assert cryptography(values, TODAY, {"crypto_least_level": 5}).word == "不适用"
    assert cryptography(values, TODAY, {"crypto_months": 6}).word == "已到期"


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "不明"),
        ({"mlps_level": 2}, "不适用"),
        ({"mlps_level": 2, "crypto_required": True}, "不明"),
        ({"mlps_level": 3, "crypto_required": False}, "不适用"),
        ({"mlps_level": 3, "crypto_assessment_absent": True}, "未密评"),
        ({"mlps_level": 3, "crypto_assessed_on": date(2026, 6, 1)}, "有效"),
    ],
)
def test_the_standing_of_cryptography(values: dict[str, object], word: str) -> None:
    assert cryptography(values, TODAY, {}).word == word


def sheet(view: AuditView, folder: Path) -> tuple[Any, dict[str, dict[str, Any]], list[str]]:
    """The worksheet, its rows by the system's name as cells, and the remarks below."""
    write_ledger(view, folder / "l.xlsx")
    found = load_workbook(folder / "l.xlsx")["等保密评台账"]
    titles = [str(cell.value).replace("\n", "") for cell in found[2]]
    rows = {
        str(row[1].value): dict(zip(titles, row, strict=True)) for row in found.iter_rows(min_row=3) if row[1].value
    }
    notes = [str(row[0].value) for row in found.iter_rows(min_row=3) if row[0].value and not row[1].value]
    return found, rows, notes


def test_missing_and_unknown_look_different(audit: AuditView, tmp_path: Path) -> None:
    _, rows, notes = sheet(audit, tmp_path)
    missing, unknown = rows["社会救助家庭经济状况核对系统"]["备案证明编号"], rows["公交调度平台"]["备案证明编号"]
    assert (missing.value, unknown.value) == ("无", "不明")
    assert missing.fill.fgColor.rgb != unknown.fill.fgColor.rgb
    assert (missing.font.b, unknown.font.i) == (True, True)
    assert rows["社会救助家庭经济状况核对系统"]["备案状态"].value == "未备案"
    assert rows["公交调度平台"]["备案状态"].value == "不明"
    assert any("未备案1个" in note and "不明8个" in note for note in notes)
    one = rows["婚姻登记管理系统"]
    assert one["备案状态"].value == "60日内到期"
    assert one["备案失效日期"].value == datetime(2027, 1, 15)
    assert one["距失效（天）"].value == 54
    assert one["密评状态"].value == "未密评"
    assert one["资产标识"].value == "s-000001"


def test_a_conclusion_that_a_system_fails_stands_out(audit: AuditView, tmp_path: Path) -> None:
    failed = {"mlps_conclusion": "poor", "crypto_conclusion": "non_compliant", "mlps_level": 3}
    assets = tuple(replace(a, values={**a.values, **failed}) if a.key == "s-000001" else a for a in audit.assets)
    _, rows, _ = sheet(replace(audit, assets=assets), tmp_path)
    one = rows["婚姻登记管理系统"]
    assert (one["测评结论"].value, one["密评结论"].value) == ("差", "不符合")
    assert one["测评结论"].font.b and one["密评结论"].font.b


def test_systems_that_are_not_there_need_no_papers(audit: AuditView, tmp_path: Path) -> None:
    systems = tuple(
        replace(s, status={"公交调度平台": "planned", "殡葬管理系统": ""}.get(s.name, s.status))
        for s in audit.systems
    )
    _, rows, _ = sheet(replace(audit, systems=systems), tmp_path)
    assert "公交调度平台" not in rows
    assert "旧版公文系统" not in rows  # retired
    assert "殡葬管理系统" in rows  # nobody said that it is not in use

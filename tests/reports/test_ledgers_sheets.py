"""The sheets of things and of cases: what stands on which, in which order, with which evidence."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from reports.ledger_cells import Head, Lines, Mark, as_text, lines_of
from reports.ledgers import write_ledger
from reports.model import AssetView, AuditView, CaseView
from reports.sheets import Book

SNAPSHOT = "20261122T150500Z-7f3a"


def written(view: AuditView, folder: Path) -> Workbook:
    write_ledger(view, folder / "ledger.xlsx")
    return load_workbook(folder / "ledger.xlsx")


def records(sheet: Worksheet, head: int = 1) -> list[dict[str, Any]]:
    rows = list(sheet.iter_rows(min_row=head, values_only=True))
    titles = [str(t).replace("\n", "") for t in rows[0]]
    return [dict(zip(titles, row, strict=True)) for row in rows[1:]]


def one(kind: str, number: int, name: str, /, department: str = "mzj", **values: object) -> AssetView:
    key = f"{kind[0]}-{number:06x}"
    return AssetView(kind, key, name, department, {"mzj": "示例市民政局"}.get(department, department), "", values)


def with_assets(view: AuditView, *assets: AssetView) -> AuditView:
    return replace(view, assets=(*view.assets, *assets))


# --- evidence -----------------------------------------------------------------------------------------------


def test_every_row_names_where_it_comes_from(audit: AuditView, tmp_path: Path) -> None:
    sources = ("registers/rooms.xlsx!7", "registers/clouds.yaml:3:5", "nmap", "registers/submissions.csv!2", "nmap")
    told = replace(audit, assets=tuple(replace(asset, sources=sources) for asset in audit.assets))
    book = written(told, tmp_path)
    for title in ("机房台账", "业务专网台账", "云平台台账", "主机台账", "系统未上云台账"):
        sheet = book[title]
        rows = records(sheet)
        assert rows
        keys = {row["资产标识"] for row in rows}
        assert keys <= {asset.key for asset in audit.assets} | {system.key for system in audit.systems}
        assert {row["数据快照"] for row in rows} == {SNAPSHOT}
        # The evidence is printed too.
        last = re.search(r"\$([A-Z]+)\$\d+$", str(sheet.print_area))
        assert last is not None
        printed = [cell.value for cell in sheet[1]][: sheet[f"{last[1]}1"].column]
        assert printed[-2:] == ["数据来源", "资产标识"]
    row = records(book["机房台账"])[0]
    assert row["数据来源"] == "rooms.xlsx第7行\nclouds.yaml第3行\n网络探测\n登记报送记录"
    papers = {one["系统名称"]: one for one in records(book["等保密评台账"], head=2)}
    assert papers["婚姻登记管理系统"]["数据来源"] == row["数据来源"]
    assert {row["数据快照"] for row in records(book["问题台账"])} == {SNAPSHOT}
    assert {row["数据快照"] for row in records(book["待核实（无法判定）"])} == {SNAPSHOT}


def test_many_sources_are_counted(audit: AuditView, tmp_path: Path) -> None:
    sources = tuple(f"registers/hosts.csv!{i}" for i in range(2, 42))
    told = replace(audit, assets=tuple(replace(asset, sources=sources) for asset in audit.assets))
    text = str(records(written(told, tmp_path)["机房台账"])[0]["数据来源"])
    assert text.startswith("hosts.csv第2行\n")
    assert text.endswith("\n等40处")


# --- things -------------------------------------------------------------------------------------------------


def test_dedicated_networks_only(audit: AuditView, tmp_path: Path) -> None:
    kinds = {"dedicated": 21, "vertical": 22, "internet_exit": 23, "government": 24, None: 25}
    networks = (one("network", number, f"网络{kind}", kind=kind) for kind, number in kinds.items())
    book = written(with_assets(audit, *networks), tmp_path)
    dedicated = {row["名称"]: row["网络类型"] for row in records(book["业务专网台账"])}
    assert dedicated == {"救助管理业务专网": "业务专网", "网络dedicated": "业务专网", "网络vertical": "垂直专网"}
    others = {row["名称"]: row["网络类型"] for row in records(book["其他网络台账"])}
    assert others == {"网络internet_exit": "互联网出口", "网络government": "政务外网", "网络None": None}


def test_projects_with_their_papers(audit: AuditView, tmp_path: Path) -> None:
    project = one(
        "project",
        31,
        "智慧养老二期",
        code="P-1",
        budget=860000.0,
        approved_on="2024-02-05",
        approval_no="示发改〔2024〕5号",
        contract_signed_on=date(2024, 4, 26),
        contract_filing_absent=True,
        accepted_on=date(2025, 1, 2),
        acceptance_result="passed",
    )
    (row,) = records(written(with_assets(audit, project), tmp_path)["项目台账"])
    assert (row["项目预算（元）"], row["批准文号"]) == (860000, "示发改〔2024〕5号")
    # ISO text is a day all the same.
    assert (row["批准日期"], row["合同签订日期"]) == (datetime(2024, 2, 5), datetime(2024, 4, 26))
    # 无 was answered; a blank was not.
    assert (row["合同备案日期"], row["验收备案日期"]) == ("无", None)
    assert row["验收结论"] == "合格"


def components() -> Iterator[AssetView]:
    listed = {"list_announcement": "安全可靠测评结果公告（2024年第1号）", "list_valid_to": date(2027, 5, 19)}
    yield one("p", 1, "海光 C86-4G", category="cpu", product="C86-4G", list_status="listed", list_level="Ⅱ", **listed)
    yield one("p", 2, "GBase 8s", category="database", product="GBase 8s", version="V8.8", list_status="expiring")
    yield one("p", 3, "CentOS", category="os", product="CentOS", version="7.9", list_status="not_listed")
    yield one("p", 4, "Redis", category="database", product="Redis")
    yield one("p", 5, "某办公软件", category="office", product="办公软件")
    yield one("p", 6, "不知何物", "jtj")


def test_components_with_what_the_announcements_say(audit: AuditView, tmp_path: Path) -> None:
    found = (replace(asset, kind="component") for asset in components())
    book = written(with_assets(audit, *found), tmp_path)
    rows = {row["名称"]: row for row in records(book["信创产品台账"])}
    assert {name: row["安全可靠测评结果"] for name, row in rows.items()} == {
        "海光 C86-4G": "在有效期内",
        "GBase 8s": "90日内到期",
        "CentOS": "不在名录",
        "Redis": "无法判定",
        "某办公软件": "该类无名录",
        "不知何物": "无法判定",
    }
    listed = rows["海光 C86-4G"]
    assert (listed["产品类别"], listed["安全可靠等级"]) == ("CPU", "Ⅱ")
    assert listed["测评结果公告"] == "安全可靠测评结果公告（2024年第1号）"
    assert listed["测评结果有效期至"] == datetime(2027, 5, 19)
    counts = {(row["部门"], row["产品类别"]): row for row in records(book["信创产品统计"], head=2)}
    databases = counts["示例市民政局", "数据库"]
    assert (databases["产品数"], databases["90日内到期"], databases["无法判定"]) == (2, 1, 1)
    assert counts["jtj", "类别不明"]["无法判定"] == 1
    total = counts["合计", None]
    assert total["产品数"] == 6
    assert sum(total[name] for name in total if name not in ("部门", "产品类别", "产品数")) == 6


# --- cases --------------------------------------------------------------------------------------------------


def case(number: int, state: str, **more: Any) -> CaseView:
    made = CaseView(f"C-{number}", state, "order", "mzj", "示例市民政局", number=f"示管改〔2026〕{number}号")
    return replace(made, **more)


def test_cases_overdue_first_and_closed_last(audit: AuditView, tmp_path: Path) -> None:
    cases = (
        case(1, "closed", closed_on=date(2026, 10, 9), items=2, mended=2, snapshot=SNAPSHOT),
        case(2, "issued", due=date(2027, 1, 8), due_provisional=True, round=2, earlier=("示管改〔2026〕1号",)),
        case(
            3, "served", due=date(2026, 11, 2), overdue=True, addressee="某承建单位", consequence="暂停拨付运维资金"
        ),
        case(4, "escalated", form="task", due=date(2026, 10, 1), overdue=True, due_provisional=True),
        case(5, "a new state", form="a new form"),
        case(6, "withdrawn", due_provisional=True),
    )
    book = written(replace(audit, cases=cases), tmp_path)
    rows = records(book["整改案件台账"])
    assert [row["案件编号"] for row in rows] == ["C-4", "C-3", "C-2", "C-5", "C-1", "C-6"]
    assert [row["是否逾期"] for row in rows] == ["已逾期（暂定）", "已逾期", "暂定期限", None, None, None]
    assert [row["状态"] for row in rows][:4] == ["已提请后续处理", "已送达", "已印发", "a new state"]
    assert (rows[1]["发往单位"], rows[0]["发往单位"]) == ("某承建单位", "示例市民政局")
    assert (rows[1]["答复期限"], rows[1]["文号"]) == (datetime(2026, 11, 2), "示管改〔2026〕3号")
    assert (rows[2]["轮次"], rows[2]["前次文号"]) == (2, "示管改〔2026〕1号")
    assert (rows[4]["事项"], rows[4]["已整改"], rows[4]["数据快照"]) == (2, 2, SNAPSHOT)
    summary = {row["部门"]: row for row in records(book["汇总"], head=2)}
    assert (summary["示例市民政局"]["在办案件"], summary["示例市民政局"]["逾期案件"]) == (4, 2)
    assert (summary["合计"]["在办案件"], summary["合计"]["逾期案件"]) == (4, 2)


def test_a_case_of_a_department_that_is_gone_is_counted(audit: AuditView, tmp_path: Path) -> None:
    gone = case(1, "served", department_id="old", department_name="示例市老龄办")
    rows = {row["部门"]: row for row in records(written(replace(audit, cases=(gone,)), tmp_path)["汇总"], head=2)}
    assert rows["示例市老龄办"]["在办案件"] == rows["合计"]["在办案件"] == 1
    assert rows["示例市老龄办"]["在册系统"] == 0


# --- cells --------------------------------------------------------------------------------------------------


def cells_of(path: Path) -> list[str]:
    """The texts of the cells of the first sheet, as an XML parser finds them."""
    with zipfile.ZipFile(path) as archive:
        tree = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    assert tree.find(f".//{space}f") is None
    assert tree.find(f".//{space}hyperlink") is None
    return ["".join(cell.itertext()) for cell in tree.iter(f"{space}c")]


NASTY = st.text(alphabet=st.sampled_from("<r>/t&\"'=+-@_x00 \t\n]!长"), max_size=40) | st.text(max_size=40)


@given(st.lists(NASTY, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_text_holds_it_is_one_cell(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "x.xlsx"
    inner = [f"<r>{text}</r>" for text in texts]
    with Book(str(path), left="l", right="r", properties={}) as book:
        book.sheet("甲", [Head("一"), Head("二"), Head("三")], [[text, Lines((text,)), inner[0]] for text in texts])
    found = cells_of(path)
    assert len(found) == 3 + 3 * len(texts)
    shown = [as_text(cell) for text in texts for cell in (text, Lines((text,)), inner[0])]
    # The writer escapes what looks like an escape of its own.
    assert [re.sub(r"_x005F_(?=x[0-9A-Fa-f]{4}_)", "_", text) for text in found[3:]] == shown


def test_marks_stand_out_by_words_and_look(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    tones = ["bad", "warn", "good", "faint"]
    with Book(str(path), left="l", right="r", properties={}) as book:
        book.sheet("甲", [Head("一")] * 4, [[Mark(tone, tone) for tone in tones]], total=[Mark("=1", "bad")] * 4)
    sheet = load_workbook(path)["甲"]
    assert [cell.value for cell in sheet[2]] == tones
    assert len({(cell.font.color.rgb, cell.fill.fgColor.rgb) for cell in sheet[2]}) == 4
    assert all(cell.data_type != "f" for cell in sheet[3])


def test_a_row_must_fit_its_headings(tmp_path: Path) -> None:
    for row in ([1], [1, 2, 3]):
        with (
            pytest.raises(ValueError, match="under 2 headings"),
            Book(str(tmp_path / "x.xlsx"), left="", right="", properties={}) as book,
        ):
            book.sheet("甲", [Head("一")] * 2, [row])


def test_heights_of_rows_in_the_file_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    with Book(str(path), left="", right="", properties={}) as book:
        book.sheet("甲", [Head("一", 10)], ([Lines(("a", "b", "c"))] for _ in range(500)))
        (sheet,) = book._book.worksheets()
        assert len(sheet.row_info) < 10
    heights = [row.height for row in load_workbook(path)["甲"].row_dimensions.values()]
    assert [round(height, 1) for height in heights[1:]] == [46.5] * 500


@given(st.text(max_size=60), st.integers(6, 50))
def test_lines_are_never_fewer_than_the_text_needs(text: str, width: int) -> None:
    wide = sum((1 + len(c.encode("utf-8", "surrogatepass"))) / 2 for c in text if c != "\n")
    assert lines_of(as_text(text), width) * (width - 1.5) >= min(wide, 1)
    assert lines_of("字" * 100, width) >= 200 / width

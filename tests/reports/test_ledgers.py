"""The workbook: sheets, denominators, and nothing that becomes a formula."""

import re
import stat
import tempfile
import zipfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from inventories.kinds import KINDS
from reports import sheets
from reports.account import UNASSIGNED, accounts
from reports.ledgers import how_to_learn, write_ledger
from reports.model import AuditView, CaseView

SHEETS = [
    "汇总",
    "问题台账",
    "整改案件台账",
    "系统未上云台账",
    "系统已上云台账",
    "机房台账",
    "业务专网台账",
    "其他网络台账",
    "云平台台账",
    "主机台账",
    "信创产品统计",
    "信创产品台账",
    "等保密评台账",
    "项目台账",
    "待核实（无法判定）",
    "探测覆盖情况",
    "法规依据",
]


#: Sheets that have a title above their table.
TITLED = ("汇总", "信创产品统计", "等保密评台账")


def written(view: AuditView, folder: Path) -> Workbook:
    path = folder / "ledger.xlsx"
    write_ledger(view, path)
    return load_workbook(path)


def records(sheet: Worksheet, head: int = 1) -> list[dict[str, Any]]:
    rows = list(sheet.iter_rows(min_row=head, values_only=True))
    titles = [str(t).replace("\n", "") for t in rows[0]]
    return [dict(zip(titles, row, strict=True)) for row in rows[1:]]


def test_sheets_heads_filters_and_print_setup(audit: AuditView, tmp_path: Path) -> None:
    book = written(audit, tmp_path)
    assert book.sheetnames == SHEETS
    for sheet in book.worksheets:
        head = 2 if sheet.title in TITLED else 1
        assert sheet.freeze_panes == f"C{head + 1}"
        assert sheet.auto_filter.ref
        assert sheet.page_setup.orientation == "landscape"
        assert int(sheet.page_setup.paperSize) == 9
        assert sheet.print_title_rows == f"$1:${head}"
        assert sheet.print_area
        assert (sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToHeight) == (True, 0)
        assert "示例市" in sheet.oddHeader.left.text
        assert audit.snapshot in sheet.oddHeader.left.text
        assert f"为{audit.bureau}导出" in sheet.oddHeader.right.text
        assert sheet.oddHeader.center.text == sheet.title
        assert all(dimension.width for dimension in sheet.column_dimensions.values())
        assert all(isinstance(cell.value, str) for cell in sheet[head])


def test_for_whom_it_was_made_is_on_every_page(audit: AuditView, tmp_path: Path) -> None:
    book = written(replace(audit, for_whom="示例市审计局 & 财政局"), tmp_path)
    assert all("为示例市审计局 && 财政局导出" in sheet.oddHeader.right.text for sheet in book.worksheets)
    assert "为示例市审计局 & 财政局导出" in "".join(str(row[0].value) for row in book["汇总"].iter_rows())


def test_the_summary_stands_beside_its_denominators(audit: AuditView, tmp_path: Path) -> None:
    rows = {row["部门"]: row for row in records(written(audit, tmp_path)["汇总"], head=2)}
    mine = rows["示例市民政局"]
    assert (mine["在册系统"], mine["纳入范围（分母）"], mine["已上云（分子）"], mine["无法判定"]) == (4, 4, 1, 1)
    # One of the four cannot be told: nobody is reproached for it.
    assert mine["上云率"] == "25.0%～50.0%"
    assert mine["其中：严重"] == 4
    # A lead is nobody's fault yet.
    assert (mine["未销号问题"], mine["线索和待办"], mine["其中：轻微"]) == (4, 1, 0)
    finance = rows["示例市财政局"]
    assert (finance["在册系统"], finance["不纳入"], finance["上云率"]) == (3, 1, 1.0)
    total = rows["合计"]
    assert (total["纳入范围（分母）"], total["已上云（分子）"], total["上云率"]) == (10, 4, "40.0%～60.0%")
    assert any("停用已报备1个" in str(name) for name in rows)
    assert any("2项探测未完整覆盖" in str(name) for name in rows)


def test_a_department_without_systems_has_no_rate(audit: AuditView, tmp_path: Path) -> None:
    rows = {row["部门"]: row for row in records(written(replace(audit, systems=()), tmp_path)["汇总"], head=2)}
    assert rows["示例市民政局"]["上云率"] is None


def test_findings_are_listed_live_ones_first(audit: AuditView, tmp_path: Path) -> None:
    rows = records(written(audit, tmp_path)["问题台账"])
    assert len(rows) == len(audit.findings)
    states = [row["状态"] for row in rows]
    assert states[-2:] == ["已销号", "已豁免"]
    first = rows[0]
    assert first["对象"] == "婚姻登记管理系统"
    assert first["条款"] == "第三十三条"
    assert "部署位置为“自建机房”（网络探测，2026-11-22，外部可见）" in first["核查所见"]
    assert isinstance(first["首次发现"], datetime)
    assert first["首次发现"].date() == date(2026, 11, 22)
    assert first["最近确认"] == datetime(2026, 11, 22, 23, 5)  # the site's clocks
    stale = next(row for row in rows if row["状态"] == "待复核")
    assert stale["可列入整改文书"] == "否"
    assert "依据已过时" in stale["未列入原因"]


def test_systems_not_on_the_cloud_and_why(audit: AuditView, tmp_path: Path) -> None:
    rows = {row["系统名称"]: row for row in records(written(audit, tmp_path)["系统未上云台账"])}
    one = rows["婚姻登记管理系统"]
    assert (one["系统状态"], one["部署位置"], one["是否已上云"]) == ("运行", "自建机房", "否")
    assert one["未上云情形"] == "部署在自建机房"
    assert one["计划迁移日期"] == datetime(2027, 3, 31)
    assert one["等保级别"] == 3
    assert (rows["殡葬管理系统"]["是否已上云"], rows["殡葬管理系统"]["未上云情形"]) == (
        "无法判定",
        "部署位置无登记，也未探明",
    )
    assert rows["远县政务公开平台"]["未上云情形"] == "所在政务云不在认可的层级之内"
    assert (rows["旧版公文系统"]["纳入上云率"], rows["旧版公文系统"]["不纳入原因"]) == ("否", "停用已报备")


def test_every_system_stands_on_one_of_two_sheets(audit: AuditView, tmp_path: Path) -> None:
    book = written(audit, tmp_path)
    off, on = ([row["资产标识"] for row in records(book[name])] for name in ("系统未上云台账", "系统已上云台账"))
    assert sorted(off + on) == sorted(system.key for system in audit.systems)
    assert set(on) == {system.key for system in audit.systems if system.on_cloud}
    # The figures of the summary can be counted on the sheets.
    total = next(row for row in records(book["汇总"], head=2) if row["部门"] == "合计")
    counted = [row for row in records(book["系统未上云台账"]) if row["纳入上云率"] == "是"]
    assert [row["是否已上云"] for row in counted].count("否") == total["未上云"]
    assert [row["是否已上云"] for row in counted].count("无法判定") == total["无法判定"]
    assert len([row for row in records(book["系统已上云台账"]) if row["纳入上云率"] == "是"]) == 4


def test_assets_show_absence_and_leave_the_unknown_blank(audit: AuditView, tmp_path: Path) -> None:
    book = written(audit, tmp_path)
    rooms = {row["名称"]: row for row in records(book["机房台账"])}
    room = rooms["民政局三楼机房"]
    assert room["批准文号"] == "无"  # asked for, and there is none
    assert (room["机房类型"], room["探测到的物理主机数"], room["面积（㎡）"]) == ("自建", 6, 45.5)
    guessed = rooms["交通运输局（推断机房）"]
    assert (guessed["批准文号"], guessed["是否推断"]) == (None, "是")  # nobody was asked
    assert records(book["业务专网台账"])[0]["网络类型"] == "业务专网"
    hosts = records(book["主机台账"])
    assert len(hosts) == 6
    assert hosts[0]["是否应答"] == "是"
    # Columns that nothing is known of are not there, but for the printed ones.
    assert "硬件UUID" not in hosts[0]
    assert "操作系统" in hosts[0]


def test_unknowns_say_what_is_missing_and_how_to_learn_it(audit: AuditView, tmp_path: Path) -> None:
    rows = records(written(audit, tmp_path)["待核实（无法判定）"])
    assert rows[0]["缺少的信息"] == "是否部署在认可的政务云平台"
    assert rows[0]["如何核实"] == "由部门在信息系统登记表中补报：部署位置\n由覆盖其网络区域的探测查明：部署位置"
    assert rows[1]["缺少的信息"] == "部署位置、系统状态"
    assert list(how_to_learn(None, ("x",))) == []
    assert list(how_to_learn(KINDS["host"], ("os_eol_on",))) == []


def test_coverage_tells_what_was_not_seen_and_why(audit: AuditView, tmp_path: Path) -> None:
    rows = {row["区域编号"]: row for row in records(written(audit, tmp_path)["探测覆盖情况"])}
    assert (rows["jtj"]["是否完整覆盖"], rows["jtj"]["覆盖率"]) == ("否", 0.5)
    assert "超时" in rows["jtj"]["未覆盖的范围和原因"]
    assert rows["czj"]["最近一次完整覆盖"] is None
    assert "root" in rows["mzj"]["本次探测的局限"]


def test_the_law_with_every_rules_denominator(audit: AuditView, tmp_path: Path) -> None:
    rows = {row["规则编号"]: row for row in records(written(audit, tmp_path)["法规依据"])}
    assert len(rows) == len(audit.rules)
    row = rows["yuncheng-2021/migrate-to-cloud"]
    assert (row["应判对象"], row["不符合"], row["符合"], row["无法判定"], row["不适用"]) == (9, 3, 4, 2, 1)
    assert row["条文原文"] == audit.rules[0].basis[0].quote
    fallback = records(written(replace(audit, rules=()), tmp_path)["法规依据"])
    assert {r["规则编号"] for r in fallback} == {f.rule for f in audit.findings}


def test_accounts_of_owners_that_no_register_names(audit: AuditView) -> None:
    odd = replace(audit.findings[0], department_id="", department_name="")
    names = {a.department_id: a for a in accounts(replace(audit, findings=(odd,)))}
    assert names[""].name == UNASSIGNED
    assert names[""].live == 1


HOSTILE = (
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1+1",
    "{=1+1}",
    "http://evil.example/",
    "mailto:a@evil.example",
    "\x1b]8;;http://evil\x07",
    "_x0041_",
    "\ud800\ufffe\x00",
    "长" * 60_000,
    "a\u202eb",
    '&L&"evil"&99x',
    # The writer's own mark for markup that it copies into the file as it is.
    '<r><t>a</t></r></is></c><c r="B2"><f>1+1</f></c><c><is><r><t>b</t></r>',
    "<r></r>",
    "＝1+1",
)


def hostile(view: AuditView, text: str) -> AuditView:
    return replace(
        view,
        site=text,
        bureau=text,
        snapshot=text,
        for_whom=text,
        conflicts=(text,),
        departments=tuple(replace(d, name=text) for d in view.departments),
        findings=tuple(
            replace(
                f,
                title=text,
                asset_name=text,
                reason=text,
                remedy=text,
                case=text,
                department_name=text,
                severity=text,
                facts=tuple(replace(x, title=text, shown=text, source=text, evidence=text) for x in f.facts),
            )
            for f in view.findings
        ),
        unknowns=tuple(replace(u, title=text, asset_name=text, missing=(text,)) for u in view.unknowns),
        systems=tuple(replace(s, name=text, status=text, hosting=(text,), addresses=(text,)) for s in view.systems),
        assets=tuple(
            replace(
                a,
                name=text,
                values={**a.values, "code": text, "address": text, "ips": [text], "list_announcement": text},
                conflicts=(text,),
                sources=(text, f"registers/{text}!3"),
            )
            for a in view.assets
        ),
        probes=tuple(replace(p, zone_name=text, problems=(text,), limits=(text,)) for p in view.probes),
        rules=tuple(replace(r, title=text, remedy=text) for r in view.rules),
        cases=(
            CaseView(text, text, text, "mzj", text, text, text, text, consequence=text, earlier=(text,), note=text),
        ),
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_cell_is_ever_a_formula_or_a_link(audit: AuditView, tmp_path: Path, text: str) -> None:
    book = written(hostile(audit, text), tmp_path)
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate)
                assert cell.hyperlink is None
                if isinstance(cell.value, str):
                    assert len(cell.value) <= 32_767
                    assert not any(ord(c) < 0x20 and c != "\n" for c in cell.value)
        assert len(sheet.oddHeader.left.text or "") < 255
    with zipfile.ZipFile(tmp_path / "ledger.xlsx") as archive:
        for name in archive.namelist():
            content = archive.read(name)
            assert b"<f>" not in content
            assert b"externalLink" not in content
            header = re.search(rb"<oddHeader>(.*?)</oddHeader>", content, re.S)
            assert header is None or len(header[1].decode()) < 800


def test_a_formula_stays_text_also_when_somebody_edits_the_cell(audit: AuditView, tmp_path: Path) -> None:
    book = written(hostile(audit, "=1+1"), tmp_path)
    cells = [c for row in book["问题台账"].iter_rows(min_row=2) for c in row if c.value == "=1+1"]
    assert cells
    assert all(c.quotePrefix for c in cells)


def test_text_that_looks_escaped_stays_as_it_was(audit: AuditView, tmp_path: Path) -> None:
    with_text = replace(audit, findings=(replace(audit.findings[0], asset_name="_x0041_"),))
    write_ledger(with_text, tmp_path / "l.xlsx")
    with zipfile.ZipFile(tmp_path / "l.xlsx") as archive:
        assert b"_x005F_x0041_" in archive.read("xl/worksheets/sheet2.xml")


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (True, "s", "是"),
        (10**20, "s", str(10**20)),
        (float("nan"), "s", "nan"),
        (float("inf"), "s", "inf"),
        (date(1000, 1, 1), "s", "1000-01-01"),
        (date(2026, 1, 2), "d", datetime(2026, 1, 2)),
        (3, "n", 3),
        (2.5, "n", 2.5),
        (["b", "a"], "s", "b、a"),
    ],
)
def test_cells_have_types(audit: AuditView, tmp_path: Path, value: object, kind: str, shown: object) -> None:
    asset = replace(audit.assets[0], values={"area": value})
    sheet = written(replace(audit, assets=(asset,)), tmp_path)["机房台账"]
    place = [cell.value for cell in sheet[1]].index("面积\n（㎡）")
    cell = sheet[2][place]
    # openpyxl calls a text stored in the cell itself "inlineStr" or "s".
    assert cell.data_type[0] in (kind, "i" if kind == "s" else kind)
    assert cell.value == shown


def test_what_has_no_room_on_a_sheet_goes_on_to_the_next(
    audit: AuditView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 20)
    many = tuple(replace(audit.findings[0], id=f"F-{i}") for i in range(40))
    book = written(replace(audit, findings=many), tmp_path)
    parts = [name for name in book.sheetnames if name.startswith("问题台账")]
    assert parts == ["问题台账", "问题台账（2）", "问题台账（3）"]
    told = [row["问题编号"] for name in parts for row in records(book[name])]
    assert sorted(told) == sorted(f.id for f in many)


def test_the_workbook_is_whole_private_and_repeatable(audit: AuditView, tmp_path: Path) -> None:
    one, two = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    write_ledger(audit, one)
    write_ledger(audit, two)
    assert one.read_bytes() == two.read_bytes()
    assert stat.S_IMODE(one.stat().st_mode) == 0o600


def test_a_failure_leaves_nothing_behind(audit: AuditView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aside = tmp_path / "tmp"
    aside.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(aside))
    broken: Any = replace(audit, unknowns=(None,))
    with pytest.raises(AttributeError):
        write_ledger(broken, tmp_path / "l.xlsx")
    assert [p.name for p in tmp_path.rglob("*") if p != aside] == []
    with pytest.raises(OSError, match="No such file"):
        write_ledger(audit, tmp_path / "no" / "l.xlsx")


def test_an_empty_audit_is_still_a_workbook(audit: AuditView, tmp_path: Path) -> None:
    empty = replace(
        audit, departments=(), findings=(), counts=(), unknowns=(), probes=(), systems=(), assets=(), rules=()
    )
    assert written(empty, tmp_path).sheetnames == SHEETS
